/* What the files of the isolation forest share. */
#ifndef DETECT_IFOREST_H
#define DETECT_IFOREST_H

#include "andon/detector.h"
#include "detect/kernel/trees.h"

#define IFOREST_TREES_MAX 10000
#define IFOREST_SAMPLES_MAX 16384
#define IFOREST_DEPTH_MAX 14 /* ceil(log2(IFOREST_SAMPLES_MAX)) */

struct iforest_options {
    int64_t trees;
    int64_t samples;
    double max_features;
};

/* Immutable once built; lives in an arena. */
struct iforest {
    uint32_t d;
    uint32_t trees;
    uint64_t expected; /* sum over trees of the mean path length c(samples), in TREES_UNIT   */
    uint64_t baseline; /* sum over trees of the root's value: a training row's mean path     */
    struct trees forest;
};

/* A tree that is being built: nodes in trees' order, left counted from the tree's own root. */
struct iforest_draft {
    uint64_t *node; /* node[nodes], left counts from the root: 0 */
    uint16_t *size; /* size[nodes]                           */
    uint32_t nodes;
    uint32_t samples;
};

/* A forest that is being put together, bundle by bundle. */
struct iforest_builder {
    struct iforest *forest;
    struct andon_arena *arena, *scratch;
    struct iforest_draft draft[TREES_BUNDLE];
    uint32_t drafts;   /* filled so far                                      */
    uint64_t *weight;  /* of a tree's nodes: sum of their rows' path lengths */
    uint8_t *depth;    /* of a tree's nodes                                  */
    uint32_t *average; /* average[average_max + 1], iforest_average_path     */
    uint32_t average_max;
};

/* The mean path length of an unsuccessful search among n rows, in TREES_UNIT; scikit-learn's
 * conventions: 0 for n <= 1, 1 for n == 2. */
uint64_t iforest_average_path(uint32_t n);

/* iforest_builder_init prepares an empty forest for that many trees of at most nodes_max nodes
 * each; what is only needed while building comes from scratch. NULL: no room. */
struct iforest *iforest_builder_init(struct iforest_builder *builder, uint32_t d, uint32_t trees,
                                     uint32_t nodes_max, struct andon_arena *arena,
                                     struct andon_arena *scratch);

/* The draft to fill next: .samples, .nodes, .node and the leaves' .size. */
struct iforest_draft *iforest_builder_next(struct iforest_builder *builder);

/* iforest_builder_add takes the filled draft over. ANDON_ENOMEM. */
ANDON_MUST_CHECK andon_status iforest_builder_add(struct iforest_builder *builder);

/* iforest_builder_end stores what is left and puts the forest into lanes where it fits. */
ANDON_MUST_CHECK andon_status iforest_builder_end(struct iforest_builder *builder);

/* iforest_lanes derives groups, plans and tables from the bundles. ANDON_ENOMEM. */
ANDON_MUST_CHECK andon_status iforest_lanes(struct trees *forest, struct andon_arena *arena,
                                            struct andon_arena *scratch);

andon_status iforest_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                         andon_error *err);
void iforest_save(const void *model, struct andon_writer *out);
andon_status iforest_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                          void **model, andon_error *err);

/* iforest_attribute splits how much shorter (> 0) or longer (< 0) a row's paths are than those of
 * the training rows by the feature of each split: gain[d] in TREES_UNIT. Exact:
 *   sum of gain == model->baseline - sum of the row's path lengths. key[d] is working room. */
void iforest_attribute(const struct iforest *model, const float *x, uint64_t *key, int64_t *gain);

/* Shares of the gains above 0: share[d] sums to 1, or is all 0 where no gain is above 0. */
void iforest_share(const struct iforest *model, const int64_t *gain, float *share);

#endif
