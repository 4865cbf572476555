/* The k nearest of the rows kept in training, exactly: the kernels sieve in fp32 with bounds that
 * allow for every rounding, and what passes is measured in double in one fixed order. All kernels
 * therefore find the same neighbours at the same bits, alone or in a batch. */
#ifndef DETECT_NEIGHBOURS_H
#define DETECT_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/detector.h"
#include "detect/rotation.h"

#define NEIGHBOURS_K_MAX 1024u
#define NEIGHBOURS_GROUP 16u   /* queries at a time */
#define NEIGHBOURS_COLUMNS 64u /* the number of boxes is a multiple of it */
#define NEIGHBOURS_NONE UINT32_MAX

/* Read-only once built. Memory about 8nd + 8n bytes for n kept rows. */
struct neighbours {
    uint32_t n, d;
    float *x; /* x[n][d], in order of time                                            */
    /* The index: rows turned, scaled to a ball of radius 1 and cut into leaves. */
    struct rotation rotation;
    double scale;           /* a power of two                                         */
    uint32_t dims;          /* d rounded up to DISTANCE_STEP, the rest 0               */
    uint32_t leaves, boxes; /* boxes: leaves rounded up                                */
    uint32_t box_dims;      /* leading dimensions that the boxes bound                 */
    float *leaf;            /* leaf[leaves][dims][DISTANCE_LEAF]                       */
    uint32_t *row;          /* row[leaves][DISTANCE_LEAF], rows first, then NEIGHBOURS_NONE */
    float *low, *high;      /* low[box_dims][boxes]                                    */
};

/* One neighbour: an index into x and the Euclidean distance to it. */
struct neighbour {
    double distance;
    uint32_t row;
};

/* neighbours_keep copies x, or rows_max rows of it drawn with seed, into arena.
 * ANDON_EDATA fewer than 2 rows; ANDON_ENOMEM. */
ANDON_MUST_CHECK andon_status neighbours_keep(struct neighbours *nb, struct andon_rows x,
                                              size_t rows_max, uint64_t seed,
                                              struct andon_arena *arena, andon_error *err);

/* neighbours_index builds the index over the kept rows. temporary is rewound and may be arena.
 * Time O(n d^2 + n log n). ANDON_ENOMEM. */
ANDON_MUST_CHECK andon_status neighbours_index(struct neighbours *nb, struct andon_arena *arena,
                                               struct andon_arena *temporary, andon_error *err);

/* What to look for: the k nearest kept rows of q[d] (all finite) but row `except`
 * (NEIGHBOURS_NONE: all count). */
struct neighbour_query {
    const float *q;
    uint32_t except;
    struct neighbour *found; /* out: found[k], nearest first, equal distances by row */
};

/* neighbours_find answers count <= NEIGHBOURS_GROUP queries; together they share what is read, and
 * get what each would get alone. 1 <= k <= rows that count. Where more than k rows stand at
 * distance 0, any k of them. scratch: neighbours_scratch_bytes(nb, count), aligned to 64. */
void neighbours_find(const struct neighbours *nb, const struct neighbour_query *query,
                     uint32_t count, uint32_t k, void *scratch, enum andon_kernel kernel);
size_t neighbours_scratch_bytes(const struct neighbours *nb, uint32_t count);

/* A score's scratch. */
struct neighbour_room {
    struct neighbour *near; /* near[group][k]: group is NEIGHBOURS_GROUP, or n when that is less */
    double *weight;         /* weight[k]                                                         */
    double *sum;            /* sum[d]                                                            */
    void *search;           /* neighbours_scratch_bytes(nb, group)                               */
    size_t bytes;           /* of all that                                                       */
};

/* neighbours_room lays out scratch for batches of n rows; only .bytes counts when it is NULL. */
struct neighbour_room neighbours_room(const struct neighbours *nb, uint32_t k, size_t n,
                                      void *scratch);

/* neighbours_finite: every value of row[d] is a finite number. */
bool neighbours_finite(const float *row, uint32_t d);

/* neighbours_gather makes queries of the rows of x from row `from` on, passing over those that hold
 * no number, until there are NEIGHBOURS_GROUP; gives the row to go on with. near   in
 * near[group][k] of the room for x.n rows, where the queries will find theirs query  out
 * query[*count] */
size_t neighbours_gather(struct andon_rows x, size_t from, uint32_t k, struct neighbour *near,
                         struct neighbour_query *query, uint32_t *count);

/* neighbours_share splits a score over the features: feature j gets the sum over the neighbours i
 * of weight[i] (q_j - x_ij)^2, divided by all features' sum; all 0 when that is 0. weight  in
 * weight[k] >= 0, finite sum     tmp  sum[d] share   out  share[d] */
void neighbours_share(const struct neighbours *nb, const float *q, uint32_t k,
                      const struct neighbour *found, const double *weight, double *sum,
                      float *share);

/* neighbours_save writes the kept rows; neighbours_load reads them as hostile bytes and builds the
 * same index again. ANDON_EFORMAT, ANDON_ENOMEM. */
void neighbours_save(const struct neighbours *nb, struct andon_writer *out);
ANDON_MUST_CHECK andon_status neighbours_load(struct neighbours *nb, struct andon_reader *in,
                                              uint32_t d, struct andon_arena *arena,
                                              andon_error *err);

#endif
