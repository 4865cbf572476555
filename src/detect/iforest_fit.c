/* Growing isolation trees (Liu, Ting, Zhou, ICDM 2008).
 *
 * A tree sees `samples` rows drawn without replacement. A node draws a feature among those that are
 * not constant on its rows and a threshold uniformly between the feature's least and largest value
 * there; growth stops at depth ceil(log2(samples)), as the paths beyond are all normal. Each tree
 * has its own fork of the seed: it does not depend on the trees before it. */
#include <math.h>

#include "andon/rng.h"
#include "detect/iforest.h"

/* A node whose rows are waiting to be split. */
struct task {
    uint32_t node, begin, end, depth;
    uint32_t constants; /* feature[0..constants) are known to be constant on these rows */
};

/* Working room of one fit, reused tree by tree. */
struct grower {
    const float *x;
    size_t n;
    uint32_t d, samples, depth_max, features;
    struct andon_rng rng;
    uint64_t *taken;   /* one bit per row of x, all 0 between trees            */
    uint32_t *row;     /* row[samples], permuted so that nodes own ranges of it */
    uint32_t *right;   /* right[samples], a partition's other side             */
    float *v;          /* v[samples], the split feature of a node's rows       */
    uint32_t *feature; /* a permutation of [0, d)                              */
    struct task todo[IFOREST_DEPTH_MAX + 2];
};

static bool grower_init(struct grower *g, const struct andon_fit *in)
{
    const struct iforest_options *options = in->options;
    g->x = in->x.x;
    g->n = in->x.n;
    g->d = in->x.d;
    g->samples =
        (uint64_t)options->samples < in->x.n ? (uint32_t)options->samples : (uint32_t)in->x.n;
    while ((1u << g->depth_max) < g->samples) g->depth_max++;
    double features = floor(options->max_features * g->d);
    g->features = features < 1.0 ? 1 : (uint32_t)features;
    g->taken = andon_arena_array(in->scratch, g->n / 64 + 1, sizeof g->taken[0]);
    g->row = andon_arena_array(in->scratch, g->samples, sizeof g->row[0]);
    g->right = andon_arena_array(in->scratch, g->samples, sizeof g->right[0]);
    g->v = andon_arena_array(in->scratch, g->samples, sizeof g->v[0]);
    g->feature = andon_arena_array(in->scratch, g->d, sizeof g->feature[0]);
    if (g->feature == NULL || g->v == NULL || g->right == NULL || g->row == NULL ||
        g->taken == NULL)
        return false;
    for (uint32_t f = 0; f < g->d; f++) g->feature[f] = f;
    return true;
}

static bool take(struct grower *g, size_t i)
{
    uint64_t bit = (uint64_t)1 << (i % 64);
    bool fresh = (g->taken[i / 64] & bit) == 0;
    g->taken[i / 64] |= bit;
    return fresh;
}

/* Floyd's draw of `samples` distinct rows: as many random numbers as rows, every subset alike. */
static void draw_rows(struct grower *g)
{
    uint32_t k = 0;
    for (size_t last = g->n - g->samples; last < g->n; last++, k++) {
        size_t i = andon_rng_below(&g->rng, (uint32_t)(last + 1));
        if (!take(g, i)) {
            i = last;
            (void)take(g, i);
        }
        g->row[k] = (uint32_t)i;
        for (uint32_t f = 0; f < g->d && f < 64; f += 16) __builtin_prefetch(g->x + i * g->d + f);
    }
    for (k = 0; k < g->samples; k++) g->taken[g->row[k] / 64] = 0;
}

/* The tree's features: all, or max_features of them, moved to the front of the permutation. */
static void draw_features(struct grower *g)
{
    if (g->features == g->d) return;
    for (uint32_t k = 0; k < g->features; k++) {
        uint32_t j = k + andon_rng_below(&g->rng, g->d - k);
        uint32_t t = g->feature[k];
        g->feature[k] = g->feature[j];
        g->feature[j] = t;
    }
}

/* Reads a feature of the task's rows into v; gives its range. */
static void read_values(struct grower *g, const struct task *task, uint32_t feature, float *low,
                        float *high)
{
    const float *x = g->x + feature;
    float least = x[(size_t)g->row[task->begin] * g->d], most = least;
    for (uint32_t k = task->begin; k < task->end; k++) {
        float v = x[(size_t)g->row[k] * g->d];
        g->v[k] = v;
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    *low = least;
    *high = most;
}

/* Draws features until one varies; the constant ones move to the front, where the node's children
 * skip them. False: none varies. */
static bool draw_split(struct grower *g, struct task *task, uint32_t *feature, float *threshold)
{
    while (task->constants < g->features) {
        uint32_t j = task->constants + andon_rng_below(&g->rng, g->features - task->constants);
        uint32_t f = g->feature[j];
        float low, high;
        read_values(g, task, f, &low, &high);
        if (low < high) {
            double t = (double)low + andon_rng_real(&g->rng) * ((double)high - (double)low);
            *feature = f;
            *threshold = (float)t + 0.0f;
            /* Rounding may reach the end of the range, which would leave the right side empty. */
            if (!(*threshold < high)) *threshold = low + 0.0f;
            return true;
        }
        g->feature[j] = g->feature[task->constants];
        g->feature[task->constants++] = f;
    }
    return false;
}

/* Orders the task's rows so that those with v <= threshold come first; gives where the rest begins.
 */
static uint32_t partition(struct grower *g, const struct task *task, float threshold)
{
    uint32_t left = task->begin, right = 0;
    for (uint32_t k = task->begin; k < task->end; k++) {
        uint32_t row = g->row[k];
        bool goes_right = g->v[k] > threshold;
        g->row[left] = row;
        g->right[right] = row;
        left += !goes_right;
        right += goes_right;
    }
    memcpy(g->row + left, g->right, right * sizeof g->row[0]);
    return left;
}

static void grow(struct grower *g, struct iforest_draft *tree)
{
    uint32_t waiting = 0;
    tree->samples = g->samples;
    tree->nodes = 1;
    g->todo[waiting++] = (struct task){.end = g->samples};
    while (waiting > 0) {
        struct task task = g->todo[--waiting];
        uint32_t feature;
        float threshold;
        tree->size[task.node] = (uint16_t)(task.end - task.begin);
        if (task.end - task.begin < 2 || task.depth == g->depth_max ||
            !draw_split(g, &task, &feature, &threshold)) {
            tree->node[task.node] = trees_node(TREES_KEY_LEAF, task.node, 0);
            continue;
        }
        uint32_t middle = partition(g, &task, threshold), left = tree->nodes;
        tree->nodes += 2;
        tree->node[task.node] = trees_node(trees_key(threshold), left, feature);
        struct task child = {.depth = task.depth + 1, .constants = task.constants};
        child.node = left + 1, child.begin = middle, child.end = task.end;
        g->todo[waiting++] = child;
        child.node = left, child.begin = task.begin, child.end = middle;
        g->todo[waiting++] = child;
    }
}

static andon_status grow_all(struct grower *g, const struct andon_fit *in, uint32_t trees,
                             struct iforest_builder *builder)
{
    for (uint32_t t = 0; t < trees; t++) {
        if (andon_progress_stops(&in->progress, (double)t / trees)) return ANDON_ESTOP;
        g->rng = andon_rng_fork(in->seed, t);
        draw_rows(g);
        draw_features(g);
        grow(g, iforest_builder_next(builder));
        andon_status st = iforest_builder_add(builder);
        if (st != ANDON_OK) return st;
    }
    return iforest_builder_end(builder);
}

andon_status iforest_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                         andon_error *err)
{
    const struct iforest_options *options = in->options;
    if (in->x.n < 2 || in->x.n > UINT32_MAX - 1)
        return andon_fail(err, ANDON_EDATA, "iforest: %zu rows, expected at least 2", in->x.n);
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    struct grower g = {0};
    struct iforest_builder builder;
    struct iforest *forest = NULL;
    andon_status st = ANDON_ENOMEM;
    if (grower_init(&g, in))
        forest = iforest_builder_init(&builder, in->x.d, (uint32_t)options->trees,
                                      2 * g.samples - 1, arena, in->scratch);
    if (forest != NULL) st = grow_all(&g, in, (uint32_t)options->trees, &builder);
    andon_arena_rewind(in->scratch, mark);
    if (st == ANDON_ENOMEM) return andon_fail(err, st, "iforest: no room for the forest");
    if (st != ANDON_OK) return andon_fail(err, st, "iforest: stopped");
    *model = forest;
    return ANDON_OK;
}
