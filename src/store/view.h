/* struct reader as the files of this room see it: a connection, the snapshot it looks at, and copies of
 * the rows that fill no chunk yet. Owned by one thread at a time. */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/hot.h"
#include "store/reader.h"
#include "store/sql.h"

enum view_statement {
    VIEW_BEGIN, VIEW_END, VIEW_STATE, VIEW_ASSET, VIEW_ASSETS, VIEW_FIND, VIEW_CHANNELS, VIEW_CHANNEL, VIEW_MODEL,
    VIEW_CHUNKS, VIEW_CHUNK, VIEW_CHUNK_BYTES, VIEW_HOT_IDS, VIEW_HOT, VIEW_DEAD, VIEW_ROLLUP, VIEW_SPANS,
    VIEW_UNROLLED,
    VIEW_STATEMENTS
};

struct view_run { /* where an asset's rows stand in a blob */
    uint32_t asset, rows;
    uint64_t first;
    uint32_t at, size;
};

struct view_blob { /* a copy of one of the table `hot`, with its runs by asset */
    int64_t id;
    uint8_t *bytes;
    struct view_run *run; /* run[runs] */
    uint32_t runs;
    uint64_t size;
    bool seen;
};

struct reader {
    sqlite3 *db;
    sqlite3_stmt *sql[VIEW_STATEMENTS];
    bool pinned;          /* by reader_snapshot */
    bool borrowed;        /* db belongs to the store, whose open turn is seen */
    unsigned depth;       /* queries within each other */
    uint64_t offset, checkpoint, turns; /* of the snapshot; turns: what the blobs belong to */
    int64_t now_ns, raw_floor_ns;
    struct view_blob *blob; /* blob[blobs], by id */
    uint32_t blobs, blobs_room;
    bool blobs_known;
    struct view_rollups *rollups; /* room of reader_buckets.c                 */
    struct scan *spare;   /* the room of a scan that is over                  */
    const struct scan *stepping; /* the one that VIEW_CHUNK_BYTES stands for  */
    char name[2][1100];   /* what reader_channel_name and reader_model_name gave */
};

/* view_enter begins a query: it sees one turn until view_leave. Queries may stand within each other. */
ANDON_MUST_CHECK andon_status view_enter(struct reader *reader, andon_error *err);
void view_leave(struct reader *reader);

/* view_borrow makes a reader of the store's own connection, that sees what the open turn has written to
 * the tables; of rows that wait it sees none. */
ANDON_MUST_CHECK andon_status view_borrow(sqlite3 *db, struct reader **reader, andon_error *err);

/* Room for a scan: the reader's spare one, or a new one; NULL: no memory. */
struct scan *view_take_scan(struct reader *reader);
void view_give_scan(struct reader *reader, struct scan *scan); /* NULL is allowed */

/* view_hot makes the copies those of the snapshot. */
ANDON_MUST_CHECK andon_status view_hot(struct reader *reader, andon_error *err);
void view_hot_forget(struct reader *reader);

/* view_hot_run gives the run of an asset in a blob; NULL: none. */
const struct view_run *view_hot_run(const struct view_blob *blob, uint32_t asset);

#endif
