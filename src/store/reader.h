/* Reading the store: a connection of its own, any thread (one at a time), any process. Sees the last
 * committed turn, never half of one. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"
#include "store/store.h"

struct reader;

ANDON_MUST_CHECK andon_status reader_open(const char *path, struct reader **reader, andon_error *err);
void reader_close(struct reader *reader);

/* reader_snapshot .. reader_release: several queries that see the same turn. */
ANDON_MUST_CHECK andon_status reader_snapshot(struct reader *reader, andon_error *err);
void reader_release(struct reader *reader);
uint64_t reader_offset(struct reader *reader); /* journal offset of what is seen */
uint64_t reader_checkpoint_offset(struct reader *reader); /* where the engine goes on reading from it */

/* Assets and channels. */
struct reader_asset {
    uint32_t asset;
    struct text path;
    int64_t first_ts_ns, last_ts_ns; /* event times; 0 when it has no rows */
    uint64_t rows;
    struct text description; /* JSON of store_describe, or empty */
    bool judged;
    struct store_verdict last; /* of its newest judged row */
};
struct reader_channel {
    uint32_t channel;
    struct text name;
    uint8_t kind; /* enum store_kind */
};
ANDON_MUST_CHECK andon_status reader_assets(struct reader *reader,
                                            bool (*each)(void *context, const struct reader_asset *asset),
                                            void *context, andon_error *err);
/* 0: no asset of that name. */
uint32_t reader_asset_find(struct reader *reader, struct text path);
ANDON_MUST_CHECK andon_status reader_channels(struct reader *reader, uint32_t asset,
                                              bool (*each)(void *context,
                                                           const struct reader_channel *channel),
                                              void *context, andon_error *err);
/* "" when there is none; valid until the next call. */
struct text reader_channel_name(struct reader *reader, uint32_t channel);
bool reader_model_name(struct reader *reader, uint32_t model, struct text *name, uint32_t *version);

/* reader_rows calls back with the rows of asset in [from, to) in order of event time (rows with the
 * same time in order of arrival); exact repeats, which a range imported twice leaves, come once.
 * each returns false to stop. limit 0: none. */
struct reader_row {
    int64_t ts_ns, received_ns;
    uint32_t fields;
    const struct store_field *field;
    bool judged;
    struct store_verdict verdict;
};
ANDON_MUST_CHECK andon_status reader_rows(struct reader *reader, uint32_t asset, int64_t from_ns,
                                          int64_t to_ns,
                                          bool (*each)(void *context, const struct reader_row *row),
                                          void *context, andon_error *err);

/* reader_buckets gives figures per bucket of one channel, computed from raw rows, or from rollups
 * where those cover whole buckets and give the same. Empty buckets are left out. */
struct reader_bucket {
    int64_t start_ns;
    uint64_t count;
    double mean, min, max, sum, last;
    uint8_t worst_state; /* enum andon_state of judged rows */
};
ANDON_MUST_CHECK andon_status reader_buckets(struct reader *reader, uint32_t asset, uint32_t channel,
                                             int64_t from_ns, int64_t to_ns, int64_t bucket_ns,
                                             bool (*each)(void *context,
                                                          const struct reader_bucket *bucket),
                                             void *context, andon_error *err);

/* The SQL door: read only, over the virtual tables
 *   readings(asset, channel, ts, value, quality)            ts: epoch ns, value: number or text
 *   verdicts(asset, ts, score, p_value, state, reason, is_anomaly, channel, share, model, version)
 *   assets(asset, rows, first_ts, last_ts), deadletters(...), rollups(...)
 * and nothing else: no writes, ATTACH, PRAGMA, functions that read files, internal tables.
 *   each  gets the column names once (values NULL) and then every row as text (NULL: null); false stops
 * ANDON_EINVAL not a query, or not allowed (err says what); ANDON_ELIMIT longer than timeout_ns, or more
 * than rows_max rows */
struct reader_sql_limits {
    int64_t timeout_ns; /* 0: 5 s      */
    uint64_t rows_max;  /* 0: 1,000,000 */
    uint64_t bytes_max; /* of one value and of the statement; 0: 1 MiB */
};
ANDON_MUST_CHECK andon_status reader_sql(struct reader *reader, const char *query,
                                         const struct reader_sql_limits *limits,
                                         bool (*each)(void *context, uint32_t columns,
                                                      const char *const *name,
                                                      const char *const *value,
                                                      const uint8_t *is_text),
                                         void *context, andon_error *err);

/* Dead letters, newest first. */
struct reader_dead {
    int64_t id, received_ns, replayed_ns;
    uint64_t offset;
    uint32_t index;
    struct text door, client, topic, reason, payload;
};
ANDON_MUST_CHECK andon_status reader_dead(struct reader *reader, int64_t before_id, uint32_t limit,
                                          bool (*each)(void *context, const struct reader_dead *dead),
                                          void *context, andon_error *err);

/* store_backup copies a consistent store while it is written, with its journal offset; in steps, so that
 * the writer is not held up. The file appears whole. */
ANDON_MUST_CHECK andon_status reader_backup(struct reader *reader, const char *to,
                                            void (*progress)(void *context, double part),
                                            void *context, andon_error *err);

#endif
