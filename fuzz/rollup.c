/* Rollups of the store as hostile bytes; the first byte chooses the tier. */
#include <stdint.h>
#include <stdlib.h>

#include "store/rollup.h"

static void must(int condition)
{
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rollup in, again;
    static uint8_t out[ROLLUP_BYTES_MAX];
    if (size < 1) return 0;
    enum rollup_tier tier = (enum rollup_tier)(data[0] % ROLLUP_TIERS);
    uint8_t *copy = malloc(size + 3);
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    wire_put_u32(copy + size - 1, wire_check(copy, size - 1));
    if (rollup_get(copy, size + 3, tier, &in)) {
        size_t written = rollup_put(&in, tier, out);
        must(written <= sizeof out && rollup_get(out, written, tier, &again));
        must(again.buckets == in.buckets);
        for (uint32_t i = 0; i < in.buckets; i++)
            must(again.start_ns[i] == in.start_ns[i] && again.piece[i].count == in.piece[i].count &&
                 wire_bits(again.piece[i].sum) == wire_bits(in.piece[i].sum) &&
                 wire_bits(again.piece[i].min) == wire_bits(in.piece[i].min) &&
                 wire_bits(again.piece[i].last) == wire_bits(in.piece[i].last));
        rollup_coarser(&in, ROLLUP_DAY, &again);
        (void)rollup_sum(&again, &in);
    }
    free(copy);
    return 0;
}
