/* Putting a forest into lanes: groups of trees whose thresholds have ranks of
 * one byte.
 *
 * A group takes trees, in order, as long as no feature has more than
 * TREES_THRESHOLDS thresholds in it and there are at most TREES_GROUP_MAX. */
#include <math.h>
#include <stdbool.h>

#include "detect/iforest.h"
#include "detect/iforest_plan.h"

/* Beyond, the chunk's columns leave the cache and the walk is as good. */
enum { COLUMNS_MAX = 512 };

/* Working room. Loops run over inner nodes alone and choose without branching:
 * whether a node is a leaf is as hard to predict as a coin. */
struct lay {
    const struct trees *forest;
    uint32_t trees;
    uint32_t *inner_first;  /* [trees + 1], of each tree in inner and rank */
    uint32_t *inner;        /* inner nodes of all trees, ascending, as places in a bundle */
    uint32_t *tree_ops;     /* [trees], inner nodes that are not cherries; a lone cherry */
    uint32_t *tree_longest; /* [trees], the longest path in TREES_UNIT */
    uint8_t *rank;          /* [inner], place among the feature's thresholds          */
    uint64_t *entry;        /* [inner], key << 32 | place in inner, by feature and sorted */
    uint64_t *spare;        /* [inner], for sorting      */
    uint32_t *count;        /* [d + 1]      */
    uint32_t *extra;        /* [d], of the tree that asks to join      */
    uint32_t ops, planes;   /* of all trees, at most */
    struct iforest_planner planner;
};

static bool is_leaf(const struct trees_bundle *bundle, uint32_t i)
{
    return trees_node_left(bundle->node[i]) == i;
}

static bool is_cherry(const struct trees_bundle *bundle, uint32_t left)
{
    return ((uint32_t)is_leaf(bundle, left) & (uint32_t)is_leaf(bundle, left + 1)) != 0;
}

static uint32_t forest_trees(const struct trees *forest)
{
    uint32_t trees = 0;
    for (uint32_t b = 0; b < forest->bundles; b++) trees += forest->bundle[b].trees;
    return trees;
}

/* Merge sort by insertion runs: stable, no recursion, no libc (whose qsort may
 * allocate). */
static void sort(uint64_t *a, uint64_t *spare, uint32_t n)
{
    enum { RUN = 12 };
    for (uint32_t from = 0; from < n; from += RUN) {
        uint32_t to = from + RUN < n ? from + RUN : n;
        for (uint32_t i = from + 1; i < to; i++) {
            uint64_t v = a[i];
            uint32_t j = i;
            for (; j > from && a[j - 1] > v; j--) a[j] = a[j - 1];
            a[j] = v;
        }
    }
    for (uint32_t run = RUN; run < n; run *= 2) {
        for (uint32_t from = 0; from + run < n; from += 2 * run) {
            uint32_t end = from + 2 * run < n ? from + 2 * run : n, left = run;
            memcpy(spare, a + from, left * sizeof a[0]);
            for (uint32_t i = 0, j = from + run, k = from; i < left; k++) {
                bool take_left = j == end || spare[i] <= a[j];
                a[k] = take_left ? spare[i] : a[j];
                i += take_left;
                j += !take_left;
            }
        }
    }
}

/* The first tree that no longer fits the group that begins with tree `first`;
 * count[f] becomes the number of the group's thresholds of feature f. */
static uint32_t group_end(struct lay *lay, uint32_t first)
{
    const struct trees *forest = lay->forest;
    memset(lay->count, 0, (forest->d + 1) * sizeof lay->count[0]);
    for (uint32_t t = first; t < lay->trees; t++) {
        const uint64_t *node = trees_view(forest, t).bundle->node;
        uint32_t most = 0;
        memset(lay->extra, 0, forest->d * sizeof lay->extra[0]);
        for (uint32_t k = lay->inner_first[t]; k < lay->inner_first[t + 1]; k++) {
            uint32_t f = trees_node_feature(node[lay->inner[k]]);
            uint32_t thresholds = ++lay->extra[f] + lay->count[f];
            most = thresholds > most ? thresholds : most;
        }
        if (most > TREES_THRESHOLDS || t - first == TREES_GROUP_MAX) return t;
        for (uint32_t f = 0; f < forest->d; f++) lay->count[f] += lay->extra[f];
    }
    return lay->trees;
}

/* Collects the group's thresholds by feature; count[f] becomes the end of
 * feature f's entries. */
static void collect(struct lay *lay, uint32_t first, uint32_t end)
{
    uint32_t d = lay->forest->d, at = 0;
    for (uint32_t f = 0; f < d; f++) {
        uint32_t entries = lay->count[f];
        lay->count[f] = at;
        at += entries;
    }
    for (uint32_t t = first; t < end; t++) {
        const uint64_t *node = trees_view(lay->forest, t).bundle->node;
        for (uint32_t k = lay->inner_first[t]; k < lay->inner_first[t + 1]; k++) {
            uint64_t here = node[lay->inner[k]];
            lay->entry[lay->count[trees_node_feature(here)]++] =
                (uint64_t)trees_node_key(here) << 32 | k;
        }
    }
}

/* Ranks one feature's entries and writes its table; gives the table's floats.
 */
static uint32_t table_write(struct lay *lay, uint64_t *entry, uint32_t entries, float *table)
{
    float *sorted = table + TREES_HEAP;
    uint32_t k = 0;
    sort(entry, lay->spare, entries);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t key = (uint32_t)(entry[i] >> 32);
        k += i == 0 || key != (uint32_t)(entry[i - 1] >> 32);
        sorted[k - 1] = trees_unkey(key);
        lay->rank[(uint32_t)entry[i]] = (uint8_t)(k - 1);
    }
    uint32_t size = 8 * (k / 8 + 1);
    for (uint32_t i = k; i < size; i++) sorted[i] = INFINITY;
    table[0] = INFINITY;
    for (uint32_t e = 1, level = 0; e < TREES_HEAP; e++) {
        if (e == 2u << level) level++;
        uint32_t i = 8 * ((2 * (e - (1u << level)) + 1) << (4 - level)) - 1;
        table[e] = i < k ? sorted[i] : INFINITY;
    }
    return TREES_HEAP + size;
}

static bool lay_init(struct lay *lay, const struct trees *forest, struct andon_arena *scratch)
{
    size_t inner = 0;
    *lay = (struct lay){.forest = forest, .trees = forest_trees(forest)};
    for (uint32_t t = 0; t < lay->trees; t++) {
        struct trees_view tree = trees_view(forest, t);
        inner += (tree.end - tree.begin) / 2;
    }
    /* One more: a list is written before it is known whether the node belongs to
     * it. */
    lay->inner = andon_arena_array(scratch, inner + 1, sizeof lay->inner[0]);
    lay->inner_first = andon_arena_array(scratch, lay->trees + 1, sizeof lay->inner_first[0]);
    lay->tree_ops = andon_arena_array(scratch, lay->trees, sizeof lay->tree_ops[0]);
    lay->tree_longest = andon_arena_array(scratch, lay->trees, sizeof lay->tree_longest[0]);
    lay->rank = andon_arena_array(scratch, inner, sizeof lay->rank[0]);
    lay->entry = andon_arena_array(scratch, inner, sizeof lay->entry[0]);
    lay->spare = andon_arena_array(scratch, inner, sizeof lay->spare[0]);
    lay->count = andon_arena_array(scratch, forest->d + 1, sizeof lay->count[0]);
    lay->extra = andon_arena_array(scratch, forest->d, sizeof lay->extra[0]);
    return lay->inner != NULL && lay->inner_first != NULL && lay->tree_ops != NULL &&
           lay->tree_longest != NULL && lay->rank != NULL && lay->entry != NULL &&
           lay->spare != NULL && lay->count != NULL && lay->extra != NULL;
}

/* Lists a tree's inner nodes and counts its operations. */
static void survey(struct lay *lay, uint32_t t)
{
    struct trees_view tree = trees_view(lay->forest, t);
    uint32_t at = lay->inner_first[t], longest = 0, cherries = 0;
    for (uint32_t i = tree.begin; i < tree.end; i++) {
        uint32_t left = trees_node_left(tree.bundle->node[i]), value = tree.bundle->value[i];
        lay->inner[at] = i;
        at += left != i;
        longest = value > longest ? value : longest;
    }
    for (uint32_t k = lay->inner_first[t]; k < at; k++)
        cherries += is_cherry(tree.bundle, trees_node_left(tree.bundle->node[lay->inner[k]]));
    lay->inner_first[t + 1] = at;
    lay->tree_longest[t] = longest;
    uint32_t inner = at - lay->inner_first[t];
    lay->tree_ops[t] = inner == 1 ? 1 : inner - cherries;
    lay->ops += lay->tree_ops[t];
    lay->planes += (inner + 16) / 16;
}

/* Surveys all trees; false when the forest is not for lanes. */
static bool fits_lanes(struct lay *lay)
{
    if (lay->forest->d > COLUMNS_MAX) return false;
    for (uint32_t t = 0; t < lay->trees; t++) {
        survey(lay, t);
        if (lay->inner_first[t + 1] - lay->inner_first[t] >= TREES_LEAVES ||
            lay->tree_longest[t] >> (8 * TREES_PLANES) != 0)
            return false;
    }
    return true;
}

/* Room for the most that the forest can need: groups are not known before they
 * are counted. */
static bool forest_room(struct trees *forest, const struct lay *lay, uint32_t groups,
                        uint32_t columns, struct andon_arena *arena)
{
    uint32_t inner = lay->inner_first[lay->trees];
    size_t floats = inner + (size_t)columns * (TREES_HEAP + 8);
    forest->group = andon_arena_array(arena, groups, sizeof forest->group[0]);
    forest->plan = andon_arena_array(arena, lay->trees, sizeof forest->plan[0]);
    forest->column = andon_arena_array(arena, columns, sizeof forest->column[0]);
    forest->op = andon_arena_array(arena, lay->ops, sizeof forest->op[0]);
    forest->run = andon_arena_array(arena, lay->ops, sizeof forest->run[0]);
    forest->plane = andon_arena_array(arena, lay->planes, sizeof forest->plane[0]);
    forest->table = andon_arena_array(arena, floats, sizeof forest->table[0]);
    return forest->group != NULL && forest->plan != NULL && forest->column != NULL &&
           forest->op != NULL && forest->run != NULL && forest->plane != NULL &&
           forest->table != NULL;
}

/* Counts groups and their used columns, writing each group's first tree into
 * begin. */
static uint32_t count_groups(struct lay *lay, uint32_t *begin, uint32_t *columns)
{
    uint32_t groups = 0;
    *columns = 0;
    for (uint32_t t = 0; t < lay->trees; groups++) {
        begin[groups] = t;
        t = group_end(lay, t);
        for (uint32_t f = 0; f < lay->forest->d; f++) *columns += lay->count[f] > 0;
    }
    begin[groups] = lay->trees;
    return groups;
}

/* How far the arrays of the forest are written. */
struct place {
    uint32_t column, table, op, run, plane;
};

static void tree_write(struct lay *lay, struct trees *forest, uint32_t t, struct place *at)
{
    struct trees_view tree = trees_view(forest, t);
    struct iforest_planner *planner = &lay->planner;
    planner->node = tree.bundle->node + tree.begin;
    planner->nodes = tree.end - tree.begin;
    planner->base = tree.begin;
    planner->rank = lay->rank + lay->inner_first[t];
    struct trees_plan *plan = &forest->plan[t];
    *plan = (struct trees_plan){.op = at->op, .run = at->run, .plane = at->plane};
    plan->runs =
        (uint16_t)iforest_plan_write(planner, tree.bundle->value + tree.begin, forest->op + at->op,
                                     forest->run + at->run, forest->plane + at->plane);
    plan->planes = (uint16_t)((planner->codes + 15) / 16);
    at->op += lay->tree_ops[t];
    at->run += plan->runs;
    at->plane += plan->planes;
}

static void group_write(struct lay *lay, struct trees *forest, uint32_t g, uint32_t first,
                        uint32_t end, struct place *at)
{
    struct trees_group *group = &forest->group[g];
    *group = (struct trees_group){.plan = first, .plans = end - first, .column = at->column};
    (void)group_end(lay, first);
    collect(lay, first, end);
    for (uint32_t f = 0, from = 0; f < forest->d; from = lay->count[f++]) {
        if (lay->count[f] == from) continue;
        forest->column[at->column++] = (struct trees_column){f, at->table};
        at->table +=
            table_write(lay, lay->entry + from, lay->count[f] - from, forest->table + at->table);
    }
    group->columns = at->column - group->column;
    for (uint32_t t = first; t < end; t++) tree_write(lay, forest, t, at);
}

andon_status iforest_lanes(struct trees *forest, struct andon_arena *arena,
                           struct andon_arena *scratch)
{
    struct lay lay;
    uint32_t columns;
    if (!lay_init(&lay, forest, scratch)) return ANDON_ENOMEM;
    forest->groups = 0;
    if (!fits_lanes(&lay)) return ANDON_OK;
    uint32_t *begin = andon_arena_array(scratch, lay.trees + 1, sizeof begin[0]);
    if (begin == NULL) return ANDON_ENOMEM;
    uint32_t groups = count_groups(&lay, begin, &columns);
    if (!forest_room(forest, &lay, groups, columns, arena)) return ANDON_ENOMEM;
    struct place at = {0};
    for (uint32_t g = 0; g < groups; g++) group_write(&lay, forest, g, begin[g], begin[g + 1], &at);
    forest->groups = groups;
    forest->slots = lay.planner.slots_max > 1 ? lay.planner.slots_max : 1;
    return ANDON_OK;
}
