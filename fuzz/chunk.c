/* Chunks of the store as hostile bytes. What can be read is written and read again: it must be the same. */
#include <stdint.h>
#include <stdlib.h>

#include "store/chunk.h"

static void must(int condition)
{
    if (!condition) abort();
}

static bool same_row(const struct sheet *a, const struct sheet *b, uint32_t r)
{
    struct store_field *fa = calloc(a->columns + 1, sizeof *fa), *fb = calloc(b->columns + 1, sizeof *fb);
    struct store_row x, y;
    must(fa != NULL && fb != NULL);
    sheet_row(a, r, 1, fa, &x);
    sheet_row(b, r, 1, fb, &y);
    bool same = x.ts_ns == y.ts_ns && x.received_ns == y.received_ns && x.fields == y.fields &&
                x.judged == y.judged;
    for (uint32_t i = 0; same && i < x.fields; i++) {
        same = fa[i].channel == fb[i].channel && fa[i].kind == fb[i].kind &&
               fa[i].quality == fb[i].quality;
        if (same && fa[i].kind == STORE_TEXT) same = text_is(fa[i].text, fb[i].text);
        else if (same) same = wire_bits(fa[i].number) == wire_bits(fb[i].number);
    }
    if (same && x.judged)
        same = wire_bits(x.verdict.score) == wire_bits(y.verdict.score) &&
               x.verdict.state == y.verdict.state && x.verdict.model == y.verdict.model &&
               x.verdict.channel == y.verdict.channel && x.verdict.shares == y.verdict.shares;
    free(fa);
    free(fb);
    return same;
}

static void write_again(const struct sheet *in, struct sheet *again)
{
    size_t most = chunk_bytes_max(in);
    uint8_t *out = malloc(most);
    struct chunk chunk;
    must(out != NULL);
    size_t size = chunk_put(in, NULL, in->rows, out);
    must(size <= most && chunk_open(&chunk, out, size));
    must(chunk_sheet(&chunk, again, NULL) == ANDON_OK && again->rows == in->rows);
    for (uint32_t r = 0; r < in->rows; r++) must(same_row(in, again, r));
    free(out);
}

static void read_columns(const struct chunk *chunk)
{
    struct chunk_heads heads = {0};
    struct chunk_head head;
    while (chunk_next_head(chunk, &heads, &head)) {
        struct chunk_column column;
        struct number_column form;
        int64_t x[RICE_MAX];
        double v[RICE_MAX];
        if (head.kind == STORE_TEXT || !chunk_column(chunk, &head, &column)) continue;
        if (!number_column_get(&column.body, column.count, &form, x)) continue;
        if (column.count > 0) number_column_values(&form, x, column.count, v);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sheet in, again;
    uint8_t *copy = malloc(size + 4), state[RICE_MAX];
    int64_t ts[RICE_MAX], first, step;
    struct chunk chunk;
    must(copy != NULL);
    if (in.rows_max == 0)
        must(sheet_open(&in, STORE_CHUNK_ROWS, NULL) == ANDON_OK &&
             sheet_open(&again, STORE_CHUNK_ROWS, NULL) == ANDON_OK);
    if (size > 0) memcpy(copy, data, size);
    wire_put_u32(copy + size, wire_check(copy, size));
    if (chunk_open(&chunk, copy, size + 4)) {
        (void)chunk_times(&chunk, ts, RICE_MAX);
        (void)chunk_steps(&chunk, &first, &step);
        (void)chunk_states(&chunk, state);
        read_columns(&chunk);
        if (chunk_sheet(&chunk, &in, NULL) == ANDON_OK) write_again(&in, &again);
    }
    free(copy);
    return 0;
}
