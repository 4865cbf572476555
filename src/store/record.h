/* A row as flat bytes, as the tail keeps it in memory and the table `hot` on disk. Rows of one asset
 * stand behind each other; those with the same channels as the row before do not name them again.
 *
 *   u8 flags, u64 ts, signed lag in ms
 *   HAS_SHAPE: varint fields, then for each signed (channel above the one before) * 4 + kind
 *   values: u64 bits of a number or flag; varint length and bytes of a text
 *   HAS_QUALITY: u8 for each field
 *   JUDGED: u64 score, u64 p_value, u32 confidence, coverage, share, model, channel, u8 state, reason,
 *           is_anomaly, shares, then for each u32 channel, u32 part */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "store/store.h"
#include "store/wire.h"

#define RECORD_FIELDS_MAX 65536u

struct record_shape { /* the channels of the row before; size 0: there is none */
    const uint8_t *at;
    uint32_t size;
};

/* record_bytes_max: room that record_put needs. */
size_t record_bytes_max(const struct store_row *row);

/* record_put writes row and returns the size; *shape becomes what the next row may refer to, where it
 * stands in out or before. */
size_t record_put(const struct store_row *row, struct record_shape *shape, uint8_t *out);

/* Rows back from bytes. Text points into them. */
struct record_cursor {
    struct wire in;
    struct record_shape shape;
    uint32_t asset;
    struct store_field *field; /* field[fields_room], grows; free it at the end */
    uint32_t fields_room;
};

/* record_next: 1 a row, 0 the end, -1 no memory, -2 damaged. */
int record_next(struct record_cursor *cursor, struct store_row *row);

#endif
