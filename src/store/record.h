/* Rows of one asset as bytes behind each other, as the tail keeps them in memory and the table `hot` on
 * disk. A record is written as what is new against the one before; one that begins anew can be read by
 * itself. Numbers are whole numbers of 10^-k where they are that exactly, else the bits of the double.
 *
 *   u8 flags
 *   signed change of the time's step (ns), signed change of the lag (ms)
 *   ANEW: everything before counts as 0; varint fields, then for each
 *       varint (signed channel above the one before) * 4 + kind, and of numbers and flags u8 k
 *   values: number, flag: varint 1 + signed change of the whole number, or 0 and u64 bits
 *           text: varint bytes, the bytes
 *   HAS_QUALITY: u8 for each field
 *   JUDGED: the verdict
 *
 * Lags are whole milliseconds (store/sheet.h). Read as hostile input. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "store/store.h"
#include "store/wire.h"

#define RECORD_FIELDS_MAX 65536u

struct record_field {
    uint32_t channel;
    uint8_t kind, k;
    int64_t whole; /* of the record before */
};

/* What the next record is written or read against. */
struct record_state {
    int64_t ts_ns, step_ns, lag_ms;
    uint32_t fields;
    uint32_t fields_room;
    struct record_field *field; /* field[fields_room]: the owner's */
};

/* record_bytes_max: room that record_put needs. */
size_t record_bytes_max(const struct store_row *row);

/* record_put writes row and returns the size. `anew`, or a row of other channels, begins anew.
 * state->field must have room for row->fields. */
size_t record_put(const struct store_row *row, bool anew, struct record_state *state, uint8_t *out);

/* Rows back from bytes. Text points into them. */
struct record_cursor {
    struct wire in;
    uint32_t asset;
    struct record_state state;
    struct store_field *field; /* field[state.fields_room] */
};
void record_cursor_free(struct record_cursor *cursor); /* a zeroed one is allowed */

/* record_begin makes the cursor read size bytes of an asset's records; its room stays. */
void record_begin(struct record_cursor *cursor, uint32_t asset, const uint8_t *bytes, size_t size);

/* record_next: 1 a row, 0 the end, -1 no memory, -2 damaged. */
int record_next(struct record_cursor *cursor, struct store_row *row);

/* A verdict alone. */
#define RECORD_VERDICT_BYTES_MAX (8u + 8u + 2u + 1u + 12u + 10u + 1u + STORE_SHARES_MAX * 9u)
uint8_t *record_put_verdict(const struct store_verdict *verdict, uint8_t *out);
bool record_get_verdict(struct wire *in, struct store_verdict *verdict);

#endif
