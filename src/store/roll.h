/* Rolling up: one day of one asset from its chunks into the table `rollup`. Owned by the store's
 * thread; its room is taken when it is first needed. */
#ifndef STORE_ROLL_H
#define STORE_ROLL_H

#include "store/rollup.h"
#include "store/view.h"

enum { ROLL_CHANNELS = 8 }; /* at a time */

struct roll {
    sqlite3 *db;
    struct reader *view;
    struct scan scan;
    sqlite3_stmt *channels, *get, *put, *drop, *rolled, *late, *drop_reach, *drop_chunk, *lost;
    struct rollup *part;  /* part[ROLL_CHANNELS]: a day's minutes of each channel */
    struct rollup *coarse, *whole;
    uint8_t *bytes;       /* bytes[ROLLUP_BYTES_MAX] */
};

void roll_close(struct roll *roll); /* a zeroed one is allowed */

enum roll_mode {
    ROLL_ANEW, /* what is there is all of the day: it replaces what was rolled up       */
    ROLL_ADD   /* the day had been dropped: late rows are added, and dropped in their turn */
};

/* roll_open takes the room, the first time. */
ANDON_MUST_CHECK andon_status roll_open(struct roll *roll, sqlite3 *db, andon_error *err);

/* roll_day rolls one day up and takes it off the list.
 *   minutes  also where they save no room, as the rows will be dropped */
ANDON_MUST_CHECK andon_status roll_day(struct roll *roll, uint32_t asset, int64_t day,
                                       enum roll_mode mode, bool minutes, andon_error *err);

/* roll_drop_chunk drops a chunk of an asset and counts its rows as dropped. */
ANDON_MUST_CHECK andon_status roll_drop_chunk(struct roll *roll, uint32_t asset, int64_t id,
                                              int64_t t_max, int64_t rows, andon_error *err);

#endif
