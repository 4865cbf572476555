/* Forests of isolation trees as flat arrays, and the sums of path lengths over them.
 *
 * Invariants:
 *   1. Path lengths are whole numbers of TREES_UNIT, so that a sum has the same bits in any
 *      order: the walk, the lanes and every instruction set agree exactly.
 *   2. A row goes right where x > threshold, compared as whole numbers of that order: trees_key.
 *   3. A child stands after its parent in the array, the right child next to the left one.
 *   4. A leaf is its own left child and its key is the largest, so that a walk may step on. */
#ifndef DETECT_KERNEL_TREES_H
#define DETECT_KERNEL_TREES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "detect/kernel/kernel.h"

#define TREES_UNIT_BITS 19
#define TREES_UNIT 0x1p-19    /* of path length                              */
#define TREES_NONE UINT64_MAX /* the sum of a row that holds a NaN           */
#define TREES_BUNDLE 8        /* trees that are walked side by side          */
#define TREES_CHUNK 512       /* rows of one call                            */
#define TREES_BLOCK 512       /* rows that one node is judged for at a time  */
#define TREES_STRIP 64        /* the same at the end of a batch              */
#define TREES_RANKED 64       /* rows that are ranked at a time              */
#define TREES_FEATURE_BITS 14 /* of a node; the rest up to 32 are .left      */
#define TREES_BUNDLE_NODES (1u << (32 - TREES_FEATURE_BITS))
#define TREES_THRESHOLDS 255 /* of one feature in one group                 */
#define TREES_HEAP 32        /* floats before a column's thresholds         */
#define TREES_LEAVES 256     /* of a tree in lanes                          */
#define TREES_GROUP_MAX 256  /* trees of a group: bytes add up in 16 bits   */
#define TREES_PLANES 3       /* bytes of a path length in lanes             */

/* node = key << 32 | left << TREES_FEATURE_BITS | feature; left counts from the bundle's start. A
 * row's key << 32 is greater than the node exactly when the row's key is greater than the node's.
 */
struct trees_bundle {
    uint64_t *node;  /* node[nodes]                                                  */
    uint32_t *value; /* leaf: path length; inner: mean path length of its training rows */
    uint16_t *size;  /* training rows that came to the node                          */
    uint32_t nodes;
    uint32_t trees; /* 1..TREES_BUNDLE; unused roots point to the last node, a leaf
                       of length 0                                                  */
    uint32_t depth; /* steps from a root to its deepest leaf                        */
    uint32_t root[TREES_BUNDLE];
    uint32_t samples[TREES_BUNDLE]; /* rows that the tree was grown on */
};

/* Asks whether (x[column] ^ flip) < threshold, x the row's rank less 128. */
struct trees_test {
    uint16_t column;
    int8_t threshold, flip;
};

/* What an operation chooses between: the first operand where its test holds, else the second. A
 * cherry is a node with two leaves; cherry[k] chooses code[2k] or code[2k + 1]. */
enum trees_kind {
    TREES_CHERRY_CHERRY, /* cherry[0], cherry[1] */
    TREES_CHERRY_LEAF,   /* cherry[0], code[2]   */
    TREES_CHERRY_SLOT,   /* cherry[0], slot a    */
    TREES_LEAF_SLOT,     /* code[2], slot a      */
    TREES_SLOT_SLOT      /* slot a, slot b       */
};
#define TREES_KINDS 5

struct trees_op {
    struct trees_test node, cherry[2];
    uint8_t code[4];
    uint8_t a, b, out;
};

/* Operations of one kind. */
struct trees_run {
    uint8_t kind, ops;
};

/* A tree in lanes: runs of operations, children before parents; the last one writes the codes of
 * the rows' leaves to slot 0. Without a run the tree is one leaf, code 0. A code stands for one
 * path length, below 2^24: plane[code / 16][k][code % 16] holds byte k of it. */
struct trees_plan {
    uint32_t op, run;
    uint16_t runs;
    uint16_t planes; /* sixteens of codes          */
    uint32_t plane;  /* the first, in trees->plane */
};
typedef uint8_t trees_plane[TREES_PLANES][16];

/* The thresholds of one feature in a group: TREES_HEAP floats (every eighth threshold as a search
 * heap of five levels), then the sorted thresholds, filled with +Inf to a multiple of eight. */
struct trees_column {
    uint32_t feature;
    uint32_t table; /* first float */
};

/* Trees that share one grid of ranks: at most TREES_THRESHOLDS thresholds per feature. */
struct trees_group {
    uint32_t plan, plans;
    uint32_t column, columns;
};

struct trees {
    uint32_t d;
    uint32_t bundles;
    struct trees_bundle *bundle;
    uint32_t groups; /* 0: the forest is not in lanes (large trees or very many features) */
    uint32_t slots;  /* that a tree may use */
    struct trees_group *group;
    struct trees_plan *plan;
    struct trees_column *column;
    struct trees_op *op;
    struct trees_run *run;
    trees_plane *plane;
    float *table;
};

#define TREES_KEY_LEAF UINT32_MAX

/* Orders finite floats and infinities as < does, with -0 as 0; below TREES_KEY_LEAF. */
static inline uint32_t trees_key(float x)
{
    float positive = x + 0.0f; /* -0 -> 0 */
    uint32_t bits;
    memcpy(&bits, &positive, sizeof bits);
    return bits ^ ((0u - (bits >> 31)) | 0x80000000u);
}

static inline float trees_unkey(uint32_t key)
{
    uint32_t bits = key ^ (((key >> 31) - 1u) | 0x80000000u);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t trees_node(uint32_t key, uint32_t left, uint32_t feature)
{
    return (uint64_t)key << 32 | (uint64_t)left << TREES_FEATURE_BITS | feature;
}

static inline uint32_t trees_node_key(uint64_t node)
{
    return (uint32_t)(node >> 32);
}

static inline uint32_t trees_node_left(uint64_t node)
{
    return (uint32_t)node >> TREES_FEATURE_BITS;
}

static inline uint32_t trees_node_feature(uint64_t node)
{
    return (uint32_t)node & ((1u << TREES_FEATURE_BITS) - 1);
}

/* Where a tree's nodes stand: [begin, end) of a bundle, the root first. */
struct trees_view {
    const struct trees_bundle *bundle;
    uint32_t begin, end;
};

static inline struct trees_view trees_view(const struct trees *trees, uint32_t tree)
{
    const struct trees_bundle *bundle = &trees->bundle[tree / TREES_BUNDLE];
    uint32_t j = tree % TREES_BUNDLE;
    uint32_t end = j + 1 < bundle->trees ? bundle->root[j + 1] : bundle->nodes - 1;
    return (struct trees_view){bundle, bundle->root[j], end};
}

/* Bytes of working room for a call, a multiple of 64. */
size_t trees_scratch_bytes(const struct trees *trees);

/* trees_sum_<kernel> adds up each row's path lengths over the forest.
 *   x        in   x[n][d], n <= TREES_CHUNK
 *   sum      out  sum[n], in TREES_UNIT; TREES_NONE where the row holds a NaN
 *   scratch       trees_scratch_bytes, 64-byte aligned */
#define TREES_DECLARE(suffix)                                                                      \
    void KERNEL_JOIN(trees_sum, suffix)(const struct trees *trees, const float *x, size_t n,       \
                                        uint64_t *sum, void *scratch);
KERNEL_EACH(TREES_DECLARE)

#endif
