/* Rows of one asset set out in columns: what a chunk is made from and what it becomes again. Its room
 * grows to the largest asset's and is used again, so that a warm one allocates nothing. Owned by one
 * thread. */
#ifndef STORE_SHEET_H
#define STORE_SHEET_H

#include "store/rice.h"
#include "store/store.h"

#define SHEET_COLUMNS_MAX (3u * STORE_CHANNELS_MAX) /* a channel may say numbers, flags and text */

struct sheet_column {
    uint32_t channel;
    uint8_t kind;        /* enum store_kind                                          */
    bool has_quality;    /* some value is not good                                   */
    uint32_t count;      /* rows that have a value                                   */
    uint64_t *present;   /* bits: row r is bit r % 64 of present[r / 64]             */
    uint8_t *quality;    /* quality[rows_max]                                        */
    double *number;      /* number[rows_max]; numbers and flags                      */
    struct text *text;   /* text[rows_max]; what it points to belongs to the caller  */
};

struct sheet_slot { /* finds a column by its channel and kind */
    uint32_t stamp, column;
};

struct sheet {
    uint32_t rows, rows_max;
    uint32_t columns, columns_room;
    uint32_t judged_rows;
    int64_t *ts;                   /* ts[rows_max] */
    int64_t *lag_ms;               /* received - ts, in whole milliseconds                       */
    uint8_t *judged;               /* judged[rows_max] */
    struct store_verdict *verdict; /* verdict[rows_max], where judged                            */
    struct sheet_column *column;
    uint32_t *order;               /* order[columns]: columns by channel and kind: sheet_sort    */
    struct sheet_slot *slot;       /* slot[slots], slots a power of two > columns_room           */
    uint32_t slots, stamp;
};

/* sheet_open makes an empty one for at most rows_max rows (<= RICE_MAX). */
ANDON_MUST_CHECK andon_status sheet_open(struct sheet *sheet, uint32_t rows_max, andon_error *err);
void sheet_close(struct sheet *sheet); /* a zeroed one is allowed */

void sheet_clear(struct sheet *sheet);

/* sheet_add appends a row. Of two values of one channel and kind the later counts.
 * ANDON_ELIMIT rows_max rows or SHEET_COLUMNS_MAX columns; ANDON_ENOMEM. The row is not in then. */
ANDON_MUST_CHECK andon_status sheet_add(struct sheet *sheet, const struct store_row *row,
                                        andon_error *err);

/* sheet_column_of gives the column of a channel and kind, a new one without values if need be;
 * NULL: SHEET_COLUMNS_MAX, or no memory. Its number and text stand behind sheet_set. */
struct sheet_column *sheet_column_of(struct sheet *sheet, uint32_t channel, uint8_t kind);

static inline bool sheet_has(const struct sheet_column *column, uint32_t row)
{
    return (column->present[row / 64] >> (row % 64) & 1u) != 0;
}

/* sheet_sort fills order[columns]. */
void sheet_sort(struct sheet *sheet);

/* sheet_row gives row r with its fields in the order of their channels; sheet_sort must have been
 * called.
 *   field  out  room for sheet->columns fields */
void sheet_row(const struct sheet *sheet, uint32_t r, uint32_t asset, struct store_field *field,
               struct store_row *row);

/* Arrival is kept to the millisecond: a lag of whole milliseconds behind the event's own time. */
static inline int64_t sheet_lag_ms(int64_t ts_ns, int64_t received_ns)
{
    int64_t lag;
    if (__builtin_sub_overflow(received_ns, ts_ns, &lag)) return 0;
    return lag >= 0 ? lag / 1000000 : -((999999 - lag) / 1000000);
}

#endif
