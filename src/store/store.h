/* The store: readings, verdicts, checkpoints and the journal offset in one SQLite file (WAL), written
 * by one thread, a transaction per turn. Readers have connections of their own (store/reader.h) and
 * never block it.
 *
 * A row is what one asset said at one time: some of its channels, and what andon said of it. Rows
 * are kept as compressed chunks per asset of about STORE_CHUNK_ROWS rows (times delta-of-delta, values
 * lossless: every double comes back bit for bit) plus a hot tail: rows that fill no chunk yet stand
 * in the table `hot`, one blob per turn, until theirs is written. What is committed is readable by
 * any process. Owned by the store thread. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"

#define STORE_CHUNK_ROWS 120u
#define STORE_CHANNELS_MAX 4096u /* of one asset */
#define STORE_ASSETS_MAX 1000000u
#define STORE_DEAD_MAX 100000u
#define STORE_DEAD_BYTES_MAX (UINT64_C(256) << 20)

enum store_kind { STORE_NUMBER, STORE_FLAG, STORE_TEXT };

struct store_field {
    uint32_t channel; /* of store_channel              */
    uint8_t kind;     /* enum store_kind                */
    uint8_t quality;  /* bits as in ingest/codec/codec.h; 0 good */
    double number;    /* STORE_NUMBER, STORE_FLAG (0 or 1) */
    struct text text; /* STORE_TEXT                     */
};

#define STORE_NO_CHANNEL UINT32_MAX
#define STORE_SHARES_MAX 16u

struct store_verdict {
    double score, p_value;       /* NaN: nothing could be judged               */
    float confidence, coverage;
    uint32_t model;              /* of store_model; 0: none                    */
    uint32_t channel;            /* of store_channel: leads; or STORE_NO_CHANNEL */
    float share;                 /* its part                                   */
    uint8_t state, reason;       /* enum andon_state, enum andon_reason        */
    bool is_anomaly;
    uint32_t shares;             /* of an anomalous row: the largest parts     */
    uint32_t share_channel[STORE_SHARES_MAX];
    float share_part[STORE_SHARES_MAX];
};

struct store_row {
    uint32_t asset;     /* of store_asset                    */
    int64_t ts_ns;      /* event time                        */
    int64_t received_ns;
    uint32_t fields;
    const struct store_field *field;
    bool judged;        /* false: verdict is not there (a late or partial row) */
    struct store_verdict verdict;
};

struct store_dead { /* a message, or an element of one, that could not be read */
    int64_t received_ns;
    uint64_t offset;     /* of its record */
    uint32_t index;      /* element, 0-based */
    struct text door, client, topic, reason;
    struct text payload; /* the whole message's */
};

struct store_options {
    const char *path;       /* DIR/andon.db; created when missing          */
    bool durable;           /* synchronous=FULL instead of NORMAL          */
    int64_t hot_age_ns;     /* hot rows older than this (journal time) are written as a short chunk; 0: 1 h */
    uint64_t hot_bytes_max; /* ... or when the hot tail is larger; 0: 16 MiB */
    int64_t keep_raw_ns, keep_minute_ns, keep_hour_ns, keep_day_ns; /* retention tiers; 0: for ever */
    /* Asked before commits up to offset are made durable: when the WAL goes into the file, in a thread of the
     * store's own, when the store is closed, and with `durable` at each commit. What offset reaches must be
     * durable when it returns; after an error the WAL grows on, or the commit fails. NULL: nobody is
     * asked. */
    andon_status (*before_durable)(void *context, uint64_t offset, andon_error *err);
    void *durable_context;
};

struct store;

/* store_open opens or creates the file and reads what the tail needs.
 * ANDON_EIO  cannot be opened or written; ANDON_EFORMAT  another program's or a newer file */
ANDON_MUST_CHECK andon_status store_open(const struct store_options *options, struct store **store,
                                         andon_error *err);
void store_close(struct store *store); /* NULL is allowed; an open turn is rolled back */

/* The journal offset that the store's content reaches, 0 at first. */
uint64_t store_offset(const struct store *store);

/* store_begin .. store_commit is one turn, one transaction. Between them: any number of the calls
 * below. store_commit makes all of it readable, with the offset. After an error: store_roll_back, and
 * the same turn may be tried again. */
ANDON_MUST_CHECK andon_status store_begin(struct store *store, andon_error *err);
ANDON_MUST_CHECK andon_status store_commit(struct store *store, uint64_t offset, int64_t now_ns,
                                           andon_error *err);
void store_roll_back(struct store *store);

/* Names to numbers, kept for ever: 1, 2, ... in order of first use, so that a replay gives the same.
 * store_channel's kind and unit are those of the first reading; store_describe changes them. */
ANDON_MUST_CHECK andon_status store_asset(struct store *store, struct text path, uint32_t *asset,
                                          andon_error *err);
ANDON_MUST_CHECK andon_status store_channel(struct store *store, uint32_t asset, struct text name,
                                            enum store_kind kind, uint32_t *channel,
                                            andon_error *err);
ANDON_MUST_CHECK andon_status store_model(struct store *store, struct text name, uint32_t version,
                                          uint32_t checksum, uint32_t *model, andon_error *err);

/* store_describe keeps what is known of an asset (channels with units, interval, running signal,
 * state): a JSON object that the API hands out. */
ANDON_MUST_CHECK andon_status store_describe(struct store *store, uint32_t asset, struct text json,
                                             andon_error *err);

ANDON_MUST_CHECK andon_status store_rows(struct store *store, const struct store_row *row, size_t n,
                                         andon_error *err);
/* Dead letters: the newest STORE_DEAD_MAX, or fewer when their payloads have STORE_DEAD_BYTES_MAX;
 * older ones make room. store_dead_replayed notes when one was sent again. */
ANDON_MUST_CHECK andon_status store_dead(struct store *store, const struct store_dead *dead,
                                         andon_error *err);
ANDON_MUST_CHECK andon_status store_dead_replayed(struct store *store, int64_t id, int64_t at_ns,
                                                  andon_error *err);

/* Checkpoint of the engine: named blobs ("asset/17", "doors"), replaced by name. offset is where the
 * engine goes on reading when it starts from them; it is never beyond store_offset. */
ANDON_MUST_CHECK andon_status store_keep(struct store *store, struct text name, const void *blob,
                                         size_t size, andon_error *err);
ANDON_MUST_CHECK andon_status store_checkpoint(struct store *store, uint64_t offset,
                                               andon_error *err);
uint64_t store_checkpoint_offset(const struct store *store);
/* store_each_kept calls back with every blob; the bytes are borrowed for the call. */
ANDON_MUST_CHECK andon_status store_each_kept(struct store *store,
                                              andon_status (*each)(void *context, struct text name,
                                                                   const void *blob, size_t size,
                                                                   andon_error *err),
                                              void *context, andon_error *err);

struct store_figures {
    uint64_t rows, samples, chunks, hot_rows, hot_bytes, turns, dead;
    uint64_t bytes; /* the file and its WAL */
};
void store_figures(const struct store *store, struct store_figures *figures);

#endif
