/* Rollups: the buckets of one channel of one tier over one span, as bytes. Pure functions; the bytes are
 * read as hostile input.
 *
 *   u8 version, varint buckets; whole numbers: starts in buckets since 1970, counts, ranks
 *   numbers: sums, least, greatest and last values; u32 check */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

#include "store/bucket.h"

enum rollup_tier { ROLLUP_MINUTE, ROLLUP_HOUR, ROLLUP_DAY, ROLLUP_TIERS };
#define ROLLUP_BUCKETS_MAX 1440u

extern const int64_t rollup_bucket_ns[ROLLUP_TIERS]; /* 1 min, 1 h, 1 day             */
extern const int64_t rollup_span_ns[ROLLUP_TIERS];   /* 1 day, 30 days, 365 days      */

struct rollup {
    uint32_t buckets;
    int64_t start_ns[ROLLUP_BUCKETS_MAX];
    struct bucket_piece piece[ROLLUP_BUCKETS_MAX];
};

#define ROLLUP_BYTES_MAX (3 * RICE_BYTES_MAX(ROLLUP_BUCKETS_MAX) + \
                          4 * NUMBER_COLUMN_BYTES_MAX(ROLLUP_BUCKETS_MAX) + 64)

/* rollup_span: which span of a tier a time is in. */
int64_t rollup_span(enum rollup_tier tier, int64_t ts);

size_t rollup_put(const struct rollup *rollup, enum rollup_tier tier, uint8_t *out);
bool rollup_get(const void *bytes, size_t size, enum rollup_tier tier, struct rollup *rollup);

/* rollup_replace puts part in the place of what `into` holds in [from_ns, to_ns). False: too many. */
bool rollup_replace(struct rollup *into, const struct rollup *part, int64_t from_ns, int64_t to_ns);

/* What a bucket_sum calls back with goes into a rollup: its each and context. */
struct rollup_collector {
    struct rollup *rollup;
    const struct bucket_sum *sum;
};
bool rollup_collect(void *collector, const struct reader_bucket *bucket);

/* rollup_coarser adds fine buckets up to those of a coarser tier. */
void rollup_coarser(const struct rollup *fine, enum rollup_tier tier, struct rollup *coarse);

/* rollup_sum adds part to `into`, both of one tier, bucket by bucket. False: too many. */
bool rollup_sum(struct rollup *into, const struct rollup *part);

#endif
