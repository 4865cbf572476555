/* The random forest as its three files share it: forest.c scores, forest_fit.c bags and calibrates,
 * forest_tree.c grows one tree.
 *
 * Invariants of a model, checked when it is loaded:
 * 1. A node's children stand behind it: child > itself, so that every walk ends. A leaf is its own
 *    child with an infinite threshold, so that a walk may overstay.
 * 2. 0 < fault < 1 in every node: leaves are smoothed with the rates of the whole training. */
#ifndef DETECT_FOREST_H
#define DETECT_FOREST_H

#include "andon/detector.h"
#include "andon/rng.h"

#define FOREST_TREES_MAX 5000u
#define FOREST_NODES_MAX (1u << 28) /* per tree */

struct forest_options {
    int64_t trees, leaf, features, rows, depth;
    bool balanced;
};

struct forest_node {
    uint32_t feature;
    float threshold; /* left: x <= threshold; right: beyond                     */
    uint32_t child;  /* the left one, the right one stands behind it            */
    float fault;     /* part of the training weight here that is not normal     */
};

struct forest_tree {
    uint32_t nodes;
    struct forest_node *node;
    float *mix; /* mix[nodes][kinds - 1]: fault, kind by kind; NULL with two kinds */
};

/* Beta calibration (Kull, Silva Filho, Flach, AISTATS 2017) of the mean fault p of the leaves:
 * logit = a log p - b log(1 - p) + c with a, b >= 0 and a + b > 0, so strictly increasing. */
struct forest_calibration {
    double a, b, c;
    double level; /* the -log(1 - calibrated p) that parts training best: the score's unit */
};

struct forest {
    uint32_t d, classes, kinds, trees; /* kinds: those that training held   */
    uint32_t *kind;                    /* kind[kinds], ascending, kind[0] 0 */
    struct forest_tree *tree;
    struct forest_calibration calibration;
};

/* -log(1 - calibrated probability) at the mean fault p in (0, 1). */
double forest_surprise(const struct forest_calibration *calibration, double p);

/* The leaf that x falls into. */
uint32_t forest_leaf(const struct forest_node *node, const float *x);

/* -- growing ------------------------------------------------------------------------------- */

/* What all trees of a fit are grown from. */
struct forest_plot {
    struct andon_rows x;
    const uint8_t *kind;   /* kind[n]: index among the kinds that training holds             */
    uint32_t kinds;
    const double *weight;  /* weight[kinds] of one row                                       */
    const double *rate;    /* rate[kinds]: weighted part of the training, the leaves' prior  */
    uint32_t leaf, tries, depth; /* least draws in a leaf; features tried per node; depth    */
};

/* Room for growing one tree of up to rows distinct rows. */
struct forest_bed {
    uint32_t *row, *spare;    /* [rows]                              */
    uint64_t *key, *other;    /* [rows]                              */
    uint32_t *feature;        /* feature[d], a permutation           */
    double *here, *left;      /* [kinds]                             */
    struct forest_node *node; /* [2 rows]                            */
    float *mix;               /* [2 rows][kinds - 1]                 */
    void *stack;              /* branches that wait, at most depth+2 */
};
bool forest_bed_take(struct forest_bed *bed, const struct forest_plot *plot, uint32_t rows,
                     struct andon_arena *scratch);

/* forest_grow grows one tree (CART with Gini; Breiman 2001) into bed->node and bed->mix.
 *   count  in   rows distinct rows stand in bed->row[count]
 *   drawn  in   drawn[n]: how often the bag holds each row
 * Gives the number of nodes. */
uint32_t forest_grow(const struct forest_plot *plot, struct forest_bed *bed, uint32_t count,
                     const uint16_t *drawn, struct andon_rng *rng);

andon_status forest_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                        andon_error *err);

#endif
