/* struct store as the files of this room see it. Owned by the store's thread. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/chunk.h"
#include "store/hot.h"
#include "store/names.h"
#include "store/roll.h"
#include "store/tail.h"

#define INSIDE_DAY_NS (INT64_C(86400) * 1000000000)

enum inside_statement {
    SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK, SQL_STATE, SQL_CHUNK_PUT, SQL_CHUNK_GET, SQL_REACH_PUT,
    SQL_REACH_DROP, SQL_ASSET_SET,
    SQL_HOT_PUT, SQL_HOT_DROP, SQL_HOT_DROP_LEVEL, SQL_DESCRIBE, SQL_DEAD, SQL_DEAD_OLDEST,
    SQL_DEAD_DROP, SQL_DEAD_REPLAYED, SQL_KEEP, SQL_KEPT, SQL_UNROLLED,
    SQL_UNROLLED_NEXT, SQL_UNREADY, SQL_OLDEST, SQL_ASSET_FIRST, SQL_ROLLUP_DROP, SQL_STATEMENTS
};

/* What a committed turn leaves in the table `state`. */
struct inside_state {
    uint64_t offset, checkpoint;
    int64_t now_ns, raw_floor_ns;
    uint64_t turns, rows, samples, chunks, dead;
    uint64_t dead_kept, dead_bytes; /* letters that are kept, and their payloads' bytes */
    bool full_minutes; /* all days that were rolled up have their minutes */
};

/* What an asset's chunks say, beside the number of rows in the tail's `sealed`. */
struct inside_asset {
    int64_t first_ns, last_ns; /* event times in its chunks; first > last: none                  */
    int64_t main_ns;           /* the latest time in a chunk that came in order                  */
    int64_t span_ns;           /* the longest time that a chunk of it reaches over               */
    int64_t open_chunk;        /* the last chunk in order, when it is not full; it ends at main_ns */
    int64_t verdict_ns;        /* of the newest judged row in chunks                             */
    int64_t day;               /* the day that was last put down as to be rolled up, this turn   */
    uint32_t open_rows;
    uint32_t day_turn;         /* ... and which turn that was (of the tail's stamp)              */
};

enum { HOT_LEVELS = 3 };

struct store {
    sqlite3 *db;
    sqlite3_stmt *sql[SQL_STATEMENTS];
    char *path, *wal_path;
    struct store_options options;
    struct names names;
    struct tail tail;
    struct inside_asset *asset; /* asset[asset_room], [0] unused */
    uint32_t asset_room;
    struct sheet sheet;
    uint8_t *blob;              /* blob[blob_room]: a chunk in the making */
    size_t blob_room;
    struct hot_blob hot;
    struct roll roll;
    int64_t looked_ns;          /* when retention looked last for days to roll up            */
    int64_t roll_asset, roll_day; /* how far it has looked                                   */
    int64_t sweep_day;          /* the day that the sweep belongs to                         */
    uint32_t sweep_asset;       /* the next one that the sweep looks at; 0: it is over       */
    uint64_t hot_blobs[HOT_LEVELS]; /* in the table */
    uint64_t hot_bytes;             /* in the table */
    struct checkpointer *checkpointer;
    struct inside_state saved, turn; /* of the last commit; with the open turn */
    bool in_turn, stale;  /* stale: memory is not what the file says, and must be read again */
};

/* ---- store.c ---- */
andon_status inside_blob_room(struct store *s, size_t bytes, andon_error *err);

/* ---- seal.c: from the tail into chunks ---- */

/* inside_seal writes an asset's rows as chunks and takes them out of the tail. */
ANDON_MUST_CHECK andon_status inside_seal(struct store *s, uint32_t asset, andon_error *err);

/* ---- load.c: what is in the file comes into memory ---- */
ANDON_MUST_CHECK andon_status inside_load(struct store *s, andon_error *err);
ANDON_MUST_CHECK andon_status inside_reserve(struct store *s, uint32_t assets, andon_error *err);

/* ---- retention.c: days are rolled up, what is too old is dropped, a little every turn ---- */
ANDON_MUST_CHECK andon_status inside_retain(struct store *s, int64_t now_ns, andon_error *err);

/* ---- spill.c: what stays in the tail goes into the table `hot` ---- */
ANDON_MUST_CHECK andon_status inside_spill(struct store *s, int64_t now_ns, andon_error *err);

#endif
