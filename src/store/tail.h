/* The tail: the rows of every asset that fill no chunk yet, in memory as records. An asset keeps its room
 * for the next ones, so that a warm tail allocates nothing. Owned by the store's thread. */
#ifndef STORE_TAIL_H
#define STORE_TAIL_H

#include "store/record.h"
#include "store/sheet.h"

#define TAIL_NONE 0u                       /* no asset: they count from 1 */
#define TAIL_ASSET_BYTES_MAX (256u << 10)  /* more than this fills a chunk as well */

struct tail_asset {
    uint8_t *bytes;              /* records: bytes[size], of room              */
    uint32_t size, room, rows;
    uint32_t turn_at, turn_rows; /* bytes and rows before those of this turn   */
    uint32_t base_at, base_rows; /* ... and before those of the last merge     */
    struct record_field *field;  /* what the next record is written against ... */
    uint32_t fields, fields_room;
    int64_t ts_ns, step_ns, lag_ms;
    uint32_t stamp;              /* the turn that touched it last              */
    uint32_t older, newer;       /* in the list by age; TAIL_NONE ends it      */
    int64_t since_ns;            /* since when rows wait                       */
    uint64_t sealed;             /* rows of the asset that stand in chunks     */
};

struct tail {
    struct tail_asset *asset; /* asset[room], [0] unused */
    uint32_t assets, room;
    uint32_t stamp;           /* of the turn */
    uint32_t oldest, newest;  /* of the assets that have rows */
    uint32_t *touched;        /* touched[touched_count] in this turn; has room for all assets */
    uint32_t touched_count;
    uint64_t bytes, rows;     /* waiting */
    uint64_t room_bytes;      /* of all assets' bytes */
    struct record_cursor cursor;
};

void tail_init(struct tail *tail);
void tail_close(struct tail *tail);

/* tail_reserve makes room for assets 1..assets. */
ANDON_MUST_CHECK andon_status tail_reserve(struct tail *tail, uint32_t assets, andon_error *err);

/* tail_empty forgets all rows (not the room). */
void tail_empty(struct tail *tail);

/* tail_turn begins a turn. */
void tail_turn(struct tail *tail);

/* tail_add appends row to its asset's. ANDON_ENOMEM. */
ANDON_MUST_CHECK andon_status tail_add(struct tail *tail, const struct store_row *row, int64_t now_ns,
                                       andon_error *err);

/* tail_put_back appends records that stand in the table `hot`. */
ANDON_MUST_CHECK andon_status tail_put_back(struct tail *tail, uint32_t asset, const uint8_t *records,
                                            uint32_t size, uint32_t rows, int64_t since_ns,
                                            andon_error *err);

/* tail_sheet sets an asset's rows out in columns; their text points into the tail. */
ANDON_MUST_CHECK andon_status tail_sheet(struct tail *tail, uint32_t asset, struct sheet *sheet,
                                         andon_error *err);

/* tail_drop forgets an asset's rows: they stand in a chunk now. */
void tail_drop(struct tail *tail, uint32_t asset);

#endif
