/* From grown, read or merged trees to a forest: path lengths per node, bundles of eight trees.
 *
 * Whatever makes a tree fills a draft (keys, features, children, leaf sizes); all that can be
 * derived is derived here, so that a fitted, a loaded and a merged forest are the same. */
#include <math.h>

#include "andon/iforest.h"
#include "detect/iforest.h"

uint64_t iforest_average_path(uint32_t n)
{
    const double euler_gamma = 0.57721566490153286061;
    if (n <= 1) return 0;
    if (n == 2) return (uint64_t)(1.0 / TREES_UNIT);
    double path = 2.0 * (log(n - 1.0) + euler_gamma) - 2.0 * (n - 1.0) / n;
    return (uint64_t)llround(path / TREES_UNIT);
}

static bool draft_init(struct iforest_draft *draft, uint32_t nodes, struct andon_arena *scratch)
{
    draft->node = andon_arena_array(scratch, nodes, sizeof draft->node[0]);
    draft->size = andon_arena_array(scratch, nodes, sizeof draft->size[0]);
    return draft->node != NULL && draft->size != NULL;
}

struct iforest *iforest_builder_init(struct iforest_builder *builder, uint32_t d, uint32_t trees,
                                     uint32_t nodes_max, struct andon_arena *arena,
                                     struct andon_arena *scratch)
{
    uint32_t bundles = (trees + TREES_BUNDLE - 1) / TREES_BUNDLE;
    struct iforest *forest = andon_arena_take(arena, sizeof *forest);
    *builder = (struct iforest_builder){.forest = forest, .arena = arena, .scratch = scratch};
    if (forest == NULL) return NULL;
    for (int j = 0; j < TREES_BUNDLE; j++)
        if (!draft_init(&builder->draft[j], nodes_max, scratch)) return NULL;
    builder->weight = andon_arena_array(scratch, nodes_max, sizeof builder->weight[0]);
    builder->depth = andon_arena_array(scratch, nodes_max, sizeof builder->depth[0]);
    forest->d = forest->forest.d = d;
    forest->forest.bundle = andon_arena_array(arena, bundles, sizeof forest->forest.bundle[0]);
    if (builder->weight == NULL || builder->depth == NULL || forest->forest.bundle == NULL)
        return NULL;
    return forest;
}

struct iforest_draft *iforest_builder_next(struct iforest_builder *builder)
{
    return &builder->draft[builder->drafts];
}

/* Copies a draft to nodes [at, at + draft->nodes) of the bundle and derives sizes and values. */
static void bundle_write(struct iforest_builder *builder, struct trees_bundle *bundle,
                         const struct iforest_draft *draft, uint32_t at)
{
    uint64_t *weight = builder->weight;
    uint8_t *depth = builder->depth;
    depth[0] = 0;
    for (uint32_t i = 0; i < draft->nodes; i++) {
        uint64_t node = draft->node[i];
        uint32_t left = trees_node_left(node);
        bundle->node[at + i] = node + ((uint64_t)at << TREES_FEATURE_BITS);
        if (left != i) depth[left] = depth[left + 1] = (uint8_t)(depth[i] + 1);
        if (depth[i] > bundle->depth) bundle->depth = depth[i];
    }
    for (uint32_t i = draft->nodes; i-- > 0;) {
        uint32_t left = trees_node_left(draft->node[i]), size = draft->size[i];
        if (left == i) {
            uint32_t value = builder->average[size] + ((uint32_t)depth[i] << TREES_UNIT_BITS);
            weight[i] = (uint64_t)size * value;
            bundle->value[at + i] = value;
        } else {
            size = (uint32_t)bundle->size[at + left] + bundle->size[at + left + 1];
            weight[i] = weight[left] + weight[left + 1];
            bundle->value[at + i] = (uint32_t)((weight[i] + size / 2) / size);
        }
        bundle->size[at + i] = (uint16_t)size;
    }
}

/* The path lengths of all leaf sizes up to samples. */
static bool averages_reach(struct iforest_builder *builder, uint32_t samples)
{
    if (builder->average != NULL && samples <= builder->average_max) return true;
    builder->average =
        andon_arena_array(builder->scratch, samples + 1u, sizeof builder->average[0]);
    if (builder->average == NULL) return false;
    for (uint32_t n = 0; n <= samples; n++) builder->average[n] = (uint32_t)iforest_average_path(n);
    builder->average_max = samples;
    return true;
}

/* Drafts become the next bundle. */
static andon_status bundle_add(struct iforest_builder *builder)
{
    struct iforest *forest = builder->forest;
    struct trees_bundle *bundle = &forest->forest.bundle[forest->forest.bundles];
    uint32_t nodes = 1;
    for (uint32_t j = 0; j < builder->drafts; j++) {
        nodes += builder->draft[j].nodes;
        if (!averages_reach(builder, builder->draft[j].samples)) return ANDON_ENOMEM;
    }
    bundle->node = andon_arena_array(builder->arena, nodes, sizeof bundle->node[0]);
    bundle->value = andon_arena_array(builder->arena, nodes, sizeof bundle->value[0]);
    bundle->size = andon_arena_array(builder->arena, nodes, sizeof bundle->size[0]);
    if (bundle->node == NULL || bundle->value == NULL || bundle->size == NULL) return ANDON_ENOMEM;
    bundle->nodes = nodes;
    bundle->trees = builder->drafts;
    bundle->node[nodes - 1] = trees_node(TREES_KEY_LEAF, nodes - 1, 0);
    uint32_t at = 0;
    for (uint32_t j = 0; j < TREES_BUNDLE; j++) {
        const struct iforest_draft *draft = &builder->draft[j];
        bundle->root[j] = j < builder->drafts ? at : nodes - 1;
        if (j >= builder->drafts) continue;
        bundle_write(builder, bundle, draft, at);
        bundle->samples[j] = draft->samples;
        forest->expected += builder->average[draft->samples];
        forest->baseline += bundle->value[at];
        at += draft->nodes;
    }
    forest->trees += builder->drafts;
    forest->forest.bundles++;
    builder->drafts = 0;
    return ANDON_OK;
}

andon_status iforest_builder_add(struct iforest_builder *builder)
{
    builder->drafts++;
    return builder->drafts < TREES_BUNDLE ? ANDON_OK : bundle_add(builder);
}

andon_status iforest_builder_end(struct iforest_builder *builder)
{
    andon_status st = builder->drafts > 0 ? bundle_add(builder) : ANDON_OK;
    if (st != ANDON_OK) return st;
    return iforest_lanes(&builder->forest->forest, builder->arena, builder->scratch);
}

static uint32_t nodes_max(const struct iforest *forest)
{
    uint32_t most = 1;
    for (uint32_t t = 0; t < forest->trees; t++) {
        struct trees_view tree = trees_view(&forest->forest, t);
        if (tree.end - tree.begin > most) most = tree.end - tree.begin;
    }
    return most;
}

static andon_status copy_trees(const struct iforest *from, struct iforest_builder *builder)
{
    andon_status st = ANDON_OK;
    for (uint32_t t = 0; t < from->trees && st == ANDON_OK; t++) {
        struct trees_view tree = trees_view(&from->forest, t);
        struct iforest_draft *draft = iforest_builder_next(builder);
        draft->samples = tree.bundle->samples[t % TREES_BUNDLE];
        draft->nodes = tree.end - tree.begin;
        for (uint32_t i = 0; i < draft->nodes; i++) {
            draft->node[i] =
                tree.bundle->node[tree.begin + i] - ((uint64_t)tree.begin << TREES_FEATURE_BITS);
            draft->size[i] = tree.bundle->size[tree.begin + i];
        }
        st = iforest_builder_add(builder);
    }
    return st;
}

andon_status andon_iforest_merge(const void *a, const void *b, struct andon_arena *arena,
                                 void **model, andon_error *err)
{
    const struct iforest *one = a, *two = b;
    if (one->d != two->d)
        return andon_fail(err, ANDON_EINVAL, "iforest: forests of %u and %u features cannot merge",
                          one->d, two->d);
    if (one->trees + two->trees > IFOREST_TREES_MAX)
        return andon_fail(err, ANDON_ELIMIT, "iforest: %u trees together, at most %d",
                          one->trees + two->trees, IFOREST_TREES_MAX);
    struct andon_arena scratch;
    struct iforest_builder builder;
    uint32_t nodes = nodes_max(one) > nodes_max(two) ? nodes_max(one) : nodes_max(two);
    andon_arena_init(&scratch, arena->from, arena->limit - arena->used);
    struct iforest *forest =
        iforest_builder_init(&builder, one->d, one->trees + two->trees, nodes, arena, &scratch);
    andon_status st = forest == NULL ? ANDON_ENOMEM : copy_trees(one, &builder);
    if (st == ANDON_OK) st = copy_trees(two, &builder);
    if (st == ANDON_OK) st = iforest_builder_end(&builder);
    andon_arena_free(&scratch);
    if (st != ANDON_OK) return andon_fail(err, st, "iforest: no room to merge two forests");
    *model = forest;
    return ANDON_OK;
}
