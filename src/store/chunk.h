/* A chunk: rows of one asset as bytes, column by column. Pure functions of the sheet and the bytes;
 * the bytes are read as hostile input. docs/store.md has the format.
 *
 *   u8 version, varint rows, u8 flags
 *   u8 unit (1000^unit ns), varint size, times as whole numbers; varint size, lags
 *   varint columns, then for each { varint channel above the one before * 4 + kind, varint bytes }
 *   the columns' bodies, one behind the other
 *   verdicts
 *   u32 check of everything before */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include "store/number_column.h"
#include "store/sheet.h"

/* chunk_bytes_max: room that chunk_put needs for these rows at most. */
size_t chunk_bytes_max(const struct sheet *sheet);

/* chunk_put writes rows order[n] of the sheet (order NULL: its first n), in order of event time, and
 * returns the size. sheet_sort must have been called. n >= 1. */
size_t chunk_put(const struct sheet *sheet, const uint32_t *order, uint32_t n, uint8_t *out);

/* A chunk whose head and check have been read. It points into the bytes. */
struct chunk {
    uint32_t rows, columns;
    uint8_t unit;
    bool repeats;  /* some rows have the same time */
    bool judged;   /* some rows have a verdict     */
    struct wire times, lags, heads, bodies, verdicts;
};

/* chunk_open; false: no chunk, or damaged. */
bool chunk_open(struct chunk *chunk, const void *bytes, size_t size);

/* chunk_times reads ts[rows], in order; false: damaged, or rows > room. */
bool chunk_times(const struct chunk *chunk, int64_t *ts, uint32_t room);

/* chunk_steps: the times are first_ns + i step_ns, step_ns > 0; false: they are not, use chunk_times. */
bool chunk_steps(const struct chunk *chunk, int64_t *first_ns, int64_t *step_ns);

/* The columns' heads, one after the other in the order of channels and kinds; start with a zeroed
 * chunk_heads. False: no more. */
struct chunk_head {
    uint32_t channel;
    uint8_t kind, flags;
    uint64_t bytes;   /* 0: no row has a value */
    const uint8_t *body;
};
struct chunk_heads {
    struct wire heads, bodies;
    uint32_t next;
    struct chunk_head last;
};
bool chunk_next_head(const struct chunk *chunk, struct chunk_heads *heads, struct chunk_head *head);

/* One column as it stands: numbers and flags. */
struct chunk_column {
    bool all;         /* every row has a value  */
    uint32_t count;   /* values                 */
    uint64_t present[RICE_MAX / 64]; /* bits of the rows */
    struct wire body; /* the values: store/number_column.h */
};
/* chunk_column; false: damaged. */
bool chunk_column(const struct chunk *chunk, const struct chunk_head *head,
                  struct chunk_column *column);

/* chunk_states reads each row's verdict state, or NO_STATE for rows that were not judged. */
#define CHUNK_NO_STATE 255u
bool chunk_states(const struct chunk *chunk, uint8_t *state);

/* chunk_sheet puts all rows into an empty sheet, whose text then points into the chunk's bytes.
 * ANDON_EFORMAT damaged; ANDON_ELIMIT more rows than the sheet has room for; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status chunk_sheet(const struct chunk *chunk, struct sheet *sheet,
                                          andon_error *err);

#endif
