/* One tree of the random forest: at every node a few features drawn at random, for each the cut
 * that leaves the purest halves.
 *
 * Invariants
 * 1. Keys (value, row) are distinct, so any sort gives the same order.
 * 2. The branch that waits longest is the left of two, so at most depth + 1 branches wait. */
#include "detect/forest.h"

#include <math.h>
#include <string.h>

#define SMOOTHING 0.5  /* of a row, spread over the leaf by the rates of the training */
#define RADIX_FROM 512 /* rows from which on counting beats comparing                 */

struct branch {
    uint32_t node, begin, end, depth;
};

struct cut {
    double purity; /* sum over both halves of (sum of squared kind weights) / weight */
    uint32_t feature;
    float threshold;
};

bool forest_bed_take(struct forest_bed *bed, const struct forest_plot *plot, uint32_t rows,
                     struct andon_arena *scratch)
{
    size_t most = 2 * (size_t)rows;
    *bed = (struct forest_bed){
        .row = andon_arena_array(scratch, rows, sizeof *bed->row),
        .spare = andon_arena_array(scratch, rows, sizeof *bed->spare),
        .key = andon_arena_array(scratch, rows, sizeof *bed->key),
        .other = andon_arena_array(scratch, rows, sizeof *bed->other),
        .feature = andon_arena_array(scratch, plot->x.d, sizeof *bed->feature),
        .here = andon_arena_array(scratch, plot->kinds, sizeof *bed->here),
        .left = andon_arena_array(scratch, plot->kinds, sizeof *bed->left),
        .node = andon_arena_array(scratch, most, sizeof *bed->node),
        .mix = andon_arena_array(scratch, most, (plot->kinds - 1) * sizeof *bed->mix),
        .stack = andon_arena_array(scratch, plot->depth + 2u, sizeof(struct branch)),
    };
    return bed->row != NULL && bed->spare != NULL && bed->key != NULL && bed->other != NULL &&
           bed->feature != NULL && bed->here != NULL && bed->left != NULL && bed->node != NULL &&
           bed->mix != NULL && bed->stack != NULL;
}

/* -- order --------------------------------------------------------------------------------- */

/* Floats as integers of the same order; -0 becomes 0. */
static uint32_t rank_of(float v)
{
    uint32_t bits;
    v += 0.0f;
    memcpy(&bits, &v, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static float value_of(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float v;
    bits = bits >> 31 ? bits & 0x7FFFFFFFu : ~bits;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Shell sort with Ciura's gaps, for some hundreds of keys. */
static void sort_few(uint64_t *key, size_t n)
{
    static const size_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (size_t i = gaps[g]; i < n; i++) {
            uint64_t k = key[i];
            size_t at = i;
            for (; at >= gaps[g] && key[at - gaps[g]] > k; at -= gaps[g])
                key[at] = key[at - gaps[g]];
            key[at] = k;
        }
}

/* Counting sort by the value's four bytes; stable, so rows of one value keep their order. */
static void sort_many(uint64_t *key, uint64_t *other, size_t n)
{
    for (unsigned shift = 32; shift < 64; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < n; i++) start[(key[i] >> shift & 255) + 1]++;
        for (size_t b = 0; b < 256; b++) start[b + 1] += start[b];
        for (size_t i = 0; i < n; i++) other[start[key[i] >> shift & 255]++] = key[i];
        uint64_t *t = key;
        key = other;
        other = t;
    }
}

/* -- cuts ---------------------------------------------------------------------------------- */

/* Halfway, but never as far as the upper value. */
static float between(float low, float high)
{
    float middle = (float)(0.5 * (double)low + 0.5 * (double)high);
    return middle < high ? middle : low;
}

/* Tries every cut of a node's rows by one feature; false when all have the same value. */
static bool try_feature(const struct forest_plot *p, struct forest_bed *bed,
                        const struct branch *b, const uint16_t *drawn, uint32_t feature,
                        struct cut *best)
{
    size_t n = b->end - b->begin;
    uint64_t draws = 0, left_draws = 0;
    double weight = 0, squares = 0, left_weight = 0, left_squares = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = bed->row[b->begin + i];
        bed->key[i] = (uint64_t)rank_of(p->x.x[(size_t)row * p->x.d + feature]) << 32 | row;
        draws += drawn[row];
    }
    if (n < RADIX_FROM)
        sort_few(bed->key, n);
    else
        sort_many(bed->key, bed->other, n);
    if (bed->key[0] >> 32 == bed->key[n - 1] >> 32) return false;
    for (uint32_t k = 0; k < p->kinds; k++) {
        bed->left[k] = 0;
        weight += bed->here[k];
        squares += bed->here[k] * bed->here[k];
    }
    for (size_t i = 0; i + 1 < n; i++) {
        uint32_t row = (uint32_t)bed->key[i], k = p->kind[row];
        double w = drawn[row] * p->weight[k], l = bed->left[k];
        left_weight += w;
        left_squares += w * (2 * l + w);
        squares += w * (w - 2 * (bed->here[k] - l));
        bed->left[k] = l + w;
        left_draws += drawn[row];
        if (bed->key[i] >> 32 == bed->key[i + 1] >> 32 || left_draws < p->leaf ||
            draws - left_draws < p->leaf)
            continue;
        double purity = left_squares / left_weight + squares / (weight - left_weight);
        if (purity > best->purity)
            *best = (struct cut){purity, feature,
                                 between(value_of(bed->key[i]), value_of(bed->key[i + 1]))};
    }
    return true;
}

/* The best cut over `tries` features that are not constant here; purity 0: there is none. */
static struct cut find_cut(const struct forest_plot *p, struct forest_bed *bed,
                           const struct branch *b, const uint16_t *drawn, struct andon_rng *rng)
{
    struct cut best = {0};
    uint32_t left = p->tries;
    for (uint32_t i = 0; i < p->x.d && left > 0; i++) {
        uint32_t at = i + andon_rng_below(rng, p->x.d - i), feature = bed->feature[at];
        bed->feature[at] = bed->feature[i];
        bed->feature[i] = feature;
        left -= try_feature(p, bed, b, drawn, feature, &best);
    }
    return best;
}

/* Rows up to the threshold first, in their old order; gives where the others begin. */
static uint32_t part_rows(const struct forest_plot *p, struct forest_bed *bed,
                          const struct branch *b, const struct cut *cut)
{
    uint32_t left = b->begin, right = 0;
    for (uint32_t i = b->begin; i < b->end; i++) {
        uint32_t row = bed->row[i];
        if (p->x.x[(size_t)row * p->x.d + cut->feature] <= cut->threshold)
            bed->row[left++] = row;
        else
            bed->spare[right++] = row;
    }
    memcpy(bed->row + left, bed->spare, right * sizeof *bed->row);
    return left;
}

/* Counts the branch's rows into bed->here and writes its node as a leaf; true when it is pure. */
static bool settle(const struct forest_plot *p, struct forest_bed *bed, const struct branch *b,
                   const uint16_t *drawn)
{
    double weight = 0, sum = 0;
    uint32_t seen = 0;
    memset(bed->here, 0, p->kinds * sizeof *bed->here);
    for (uint32_t i = b->begin; i < b->end; i++) {
        uint32_t k = p->kind[bed->row[i]];
        bed->here[k] += drawn[bed->row[i]] * p->weight[k];
    }
    for (uint32_t k = 0; k < p->kinds; k++) {
        weight += bed->here[k];
        seen += bed->here[k] > 0;
    }
    float *mix = bed->mix + (size_t)b->node * (p->kinds - 1);
    for (uint32_t k = 1; k < p->kinds; k++) {
        double part = (bed->here[k] + SMOOTHING * p->rate[k]) / (weight + SMOOTHING);
        mix[k - 1] = (float)part;
        sum += part;
    }
    float fault = (float)sum;
    if (!(fault < 1.0f)) fault = 1.0f - 0x1p-24f;
    if (!(fault > 0.0f)) fault = 0x1p-100f;
    bed->node[b->node] = (struct forest_node){0, INFINITY, b->node, fault};
    return seen < 2;
}

uint32_t forest_grow(const struct forest_plot *p, struct forest_bed *bed, uint32_t count,
                     const uint16_t *drawn, struct andon_rng *rng)
{
    struct branch *stack = bed->stack;
    uint32_t waiting = 0, nodes = 1;
    for (uint32_t j = 0; j < p->x.d; j++) bed->feature[j] = j;
    stack[waiting++] = (struct branch){0, 0, count, 0};
    while (waiting > 0) {
        struct branch b = stack[--waiting];
        bool pure = settle(p, bed, &b, drawn);
        if (pure || b.depth >= p->depth || b.end - b.begin < 2) continue;
        struct cut cut = find_cut(p, bed, &b, drawn, rng);
        if (!(cut.purity > 0)) continue;
        uint32_t middle = part_rows(p, bed, &b, &cut);
        struct forest_node *node = &bed->node[b.node];
        node->feature = cut.feature;
        node->threshold = cut.threshold;
        node->child = nodes;
        stack[waiting++] = (struct branch){nodes, b.begin, middle, b.depth + 1};
        stack[waiting++] = (struct branch){nodes + 1, middle, b.end, b.depth + 1};
        nodes += 2;
    }
    return nodes;
}
