/* Rows that wait, as hostile bytes. Rows that can be read are written and read again: they must be the
 * same. */
#include <stdint.h>
#include <stdlib.h>

#include "store/hot.h"
#include "store/record.h"

static void must(int condition)
{
    if (!condition) abort();
}

static bool same_fields(const struct store_row *a, const struct store_row *b)
{
    if (a->fields != b->fields) return false;
    for (uint32_t i = 0; i < a->fields; i++) {
        const struct store_field *x = &a->field[i], *y = &b->field[i];
        if (x->channel != y->channel || x->kind != y->kind || x->quality != y->quality) return false;
        if (x->kind == STORE_TEXT ? !text_is(x->text, y->text)
                                  : wire_bits(x->number) != wire_bits(y->number))
            return false;
    }
    return true;
}

static void write_again(const struct store_row *row)
{
    struct record_field *field = calloc(row->fields + 1, sizeof *field);
    struct record_state state = {.fields = UINT32_MAX, .field = field};
    size_t most = record_bytes_max(row);
    uint8_t *out = malloc(most);
    struct record_cursor again = {0};
    struct store_row back;
    must(field != NULL && out != NULL);
    size_t size = record_put(row, true, &state, out);
    must(size <= most);
    record_begin(&again, row->asset, out, size);
    must(record_next(&again, &back) == 1);
    must(back.ts_ns == row->ts_ns && back.received_ns == row->received_ns && same_fields(row, &back));
    must(back.judged == row->judged);
    if (row->judged) must(wire_bits(back.verdict.score) == wire_bits(row->verdict.score));
    must(record_next(&again, &back) == 0);
    record_cursor_free(&again);
    free(out);
    free(field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 4);
    struct record_cursor cursor = {0};
    struct store_row row;
    struct hot_run run;
    struct wire in;
    must(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    wire_put_u32(copy + size, wire_check(copy, size));
    if (hot_open(&in, copy, size + 4))
        while (hot_next(&in, &run)) {
            record_begin(&cursor, run.asset, run.bytes, run.size);
            while (record_next(&cursor, &row) == 1) write_again(&row);
        }
    record_cursor_free(&cursor);
    free(copy);
    return 0;
}
