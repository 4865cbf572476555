/* What stands in for a fuzzing engine in `make test`: every file named on the command line is given
 * to the target as it is, then damaged in ways that a seed decides. A finding ends the program. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "andon/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 20, DAMAGES = 200 };

/* Flips a bit, sets a byte to an extreme, copies a piece elsewhere or cuts the end. */
static size_t damage(struct andon_rng *rng, uint8_t *data, size_t size)
{
    static const uint8_t extreme[4] = {0x00, 0x7f, 0x80, 0xff};
    uint32_t at = andon_rng_below(rng, (uint32_t)size);
    switch (andon_rng_below(rng, 4)) {
    case 0: data[at] ^= (uint8_t)(1u << andon_rng_below(rng, 8)); return size;
    case 1: data[at] = extreme[andon_rng_below(rng, 4)]; return size;
    case 2: {
        uint32_t from = andon_rng_below(rng, (uint32_t)size);
        size_t most = size - (at > from ? at : from);
        memmove(data + at, data + from, most < 8 ? most : 8);
        return size;
    }
    default: return at;
    }
}

static void replay(const uint8_t *data, size_t size)
{
    static uint8_t damaged[BYTES_MAX];
    LLVMFuzzerTestOneInput(data, size);
    for (uint32_t i = 0; i < DAMAGES; i++) {
        struct andon_rng rng = andon_rng_fork(1, i);
        size_t left = size;
        memcpy(damaged, data, size);
        for (uint32_t k = 0; k <= i % 4 && left > 0; k++) left = damage(&rng, damaged, left);
        LLVMFuzzerTestOneInput(damaged, left);
    }
}

int main(int argc, char **argv)
{
    static uint8_t data[BYTES_MAX];
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (f == NULL) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        fprintf(stderr, "%s\n", argv[i]);
        replay(data, size);
    }
    printf("%sok 1 - every_file_of_the_corpus_is_read_or_refused\n1..1\n", argc > 1 ? "" : "not ");
    return 0;
}
