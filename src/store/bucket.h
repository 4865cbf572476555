/* Figures per bucket of time, added up from chunks, rows or other buckets. A chunk that overlaps no other
 * is added column by column, without making rows of it: where its values are decimals, their whole
 * numbers are summed exactly and divided once. What overlaps goes through the merge. */
#ifndef STORE_BUCKET_H
#define STORE_BUCKET_H

#include "store/scan.h"

struct bucket_piece { /* values of one bucket that follow each other */
    uint64_t count;
    double sum, min, max, last;
    uint8_t rank; /* of the worst state, see bucket_rank */
};

/* How bad a verdict's state is: 0 none, 1 normal, 2 unknown, 3 anomaly; and back. */
uint8_t bucket_rank(uint8_t state);
uint8_t bucket_state(uint8_t rank);

struct bucket_sum { /* of one channel; pieces come in order of time */
    uint32_t channel;
    int64_t bucket_ns;
    bool (*each)(void *context, const struct reader_bucket *bucket); /* a finished one; false stops */
    void *context;
    struct reader_bucket now; /* count 0: none is open */
    double carry;             /* what the sum lost: Neumaier, ZAMM 1974 */
    uint8_t rank;
    bool stopped;
};

/* bucket_start: buckets begin at whole multiples of bucket_ns since 1970. */
int64_t bucket_start(int64_t bucket_ns, int64_t ts);

void bucket_add(struct bucket_sum *sum, int64_t start_ns, const struct bucket_piece *piece);
void bucket_finish(struct bucket_sum *sum);

/* bucket_walk adds what the scan has found to sum[sums], which stand in the order of their channels. */
ANDON_MUST_CHECK andon_status bucket_walk(struct scan *scan, struct bucket_sum *sum, uint32_t sums,
                                          andon_error *err);

#endif
