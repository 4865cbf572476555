/* A forest as bytes: every tree in preorder, a word per node and a threshold per split.
 *
 *   u32 format, u32 d, u32 trees, u32 nodes of the largest tree
 *   per tree: u32 samples, then nodes in preorder, left before right:
 *     a leaf   u32 LEAF | training rows
 *     a split  u32 feature, f32 threshold
 *
 * Preorder leaves a reader nothing to point at wrongly: every byte string is a proper tree or ends
 * too early or late. What must hold besides: depths, sizes that add up, features, finite
 * thresholds. */
#include <math.h>

#include "detect/iforest.h"

enum { FORMAT = 1 };
#define LEAF 0x80000000u

static void tree_save(struct trees_view tree, uint32_t samples, struct andon_writer *out)
{
    uint32_t todo[IFOREST_DEPTH_MAX + 2], waiting = 0;
    andon_put_u32(out, samples);
    todo[waiting++] = tree.begin;
    while (waiting > 0) {
        uint32_t i = todo[--waiting];
        uint64_t node = tree.bundle->node[i];
        uint32_t left = trees_node_left(node);
        if (left == i) {
            andon_put_u32(out, LEAF | tree.bundle->size[i]);
            continue;
        }
        andon_put_u32(out, trees_node_feature(node));
        andon_put_f32(out, trees_unkey(trees_node_key(node)));
        todo[waiting++] = left + 1;
        todo[waiting++] = left;
    }
}

void iforest_save(const void *model, struct andon_writer *out)
{
    const struct iforest *forest = model;
    uint32_t nodes_max = 1;
    for (uint32_t t = 0; t < forest->trees; t++) {
        struct trees_view tree = trees_view(&forest->forest, t);
        if (tree.end - tree.begin > nodes_max) nodes_max = tree.end - tree.begin;
    }
    andon_put_u32(out, FORMAT);
    andon_put_u32(out, forest->d);
    andon_put_u32(out, forest->trees);
    andon_put_u32(out, nodes_max);
    for (uint32_t t = 0; t < forest->trees; t++) {
        struct trees_view tree = trees_view(&forest->forest, t);
        tree_save(tree, tree.bundle->samples[t % TREES_BUNDLE], out);
    }
}

/* False: not a tree that a fit could have grown. */
static bool tree_load(struct andon_reader *in, uint32_t d, uint32_t nodes_max,
                      struct iforest_draft *tree)
{
    struct {
        uint32_t node, depth;
    } todo[IFOREST_DEPTH_MAX + 2];
    uint32_t waiting = 0, rows = 0;
    tree->samples = andon_get_u32(in);
    tree->nodes = 1;
    if (tree->samples < 2 || tree->samples > IFOREST_SAMPLES_MAX) return false;
    todo[waiting].node = todo[waiting].depth = 0;
    waiting++;
    while (waiting > 0) {
        uint32_t i = todo[--waiting].node, depth = todo[waiting].depth;
        uint32_t word = andon_get_u32(in);
        if (in->bad) return false;
        if ((word & LEAF) != 0) {
            uint32_t size = word & ~LEAF;
            if (size < 1 || size > tree->samples - rows) return false;
            rows += size;
            tree->size[i] = (uint16_t)size;
            tree->node[i] = trees_node(TREES_KEY_LEAF, i, 0);
            continue;
        }
        float threshold = andon_get_f32(in);
        if (word >= d || !isfinite(threshold) || depth == IFOREST_DEPTH_MAX ||
            nodes_max - tree->nodes < 2)
            return false;
        uint32_t left = tree->nodes;
        tree->node[i] = trees_node(trees_key(threshold), left, word);
        tree->nodes += 2;
        for (uint32_t side = 2; side-- > 0; waiting++) {
            todo[waiting].node = left + side;
            todo[waiting].depth = depth + 1;
        }
    }
    return rows == tree->samples;
}

static andon_status trees_load(struct andon_reader *in, uint32_t trees, uint32_t nodes_max,
                               struct iforest_builder *builder, andon_error *err)
{
    for (uint32_t t = 0; t < trees; t++) {
        struct iforest_draft *draft = iforest_builder_next(builder);
        if (!tree_load(in, builder->forest->d, nodes_max, draft))
            return andon_fail(err, ANDON_EFORMAT, "iforest: tree %u is damaged", t);
        andon_status st = iforest_builder_add(builder);
        if (st != ANDON_OK) return andon_fail(err, st, "iforest: no room for the forest");
    }
    andon_status st = iforest_builder_end(builder);
    if (st != ANDON_OK) return andon_fail(err, st, "iforest: no room for the forest");
    return ANDON_OK;
}

andon_status iforest_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                          void **model, andon_error *err)
{
    uint32_t format = andon_get_u32(in), features = andon_get_u32(in);
    uint32_t trees = andon_get_u32(in), nodes_max = andon_get_u32(in);
    size_t words = andon_reader_left(in) / 4;
    if (in->bad || format != FORMAT)
        return andon_fail(err, ANDON_EFORMAT, "iforest: format %u, expected %d", format, FORMAT);
    if (features != d || d < 1 || d > ANDON_FEATURES_MAX)
        return andon_fail(err, ANDON_EFORMAT, "iforest: %u features, expected %u", features, d);
    if (trees < 1 || trees > IFOREST_TREES_MAX || nodes_max < 1 ||
        nodes_max > 2 * IFOREST_SAMPLES_MAX - 1 || trees > words / 2 || nodes_max > words)
        return andon_fail(err, ANDON_EFORMAT, "iforest: %u trees of up to %u nodes in %zu bytes",
                          trees, nodes_max, 4 * words);
    struct andon_arena scratch;
    struct iforest_builder builder;
    andon_arena_init(&scratch, arena->from, arena->limit - arena->used);
    struct iforest *forest = iforest_builder_init(&builder, d, trees, nodes_max, arena, &scratch);
    andon_status st;
    if (forest == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "iforest: no room for the forest");
    else
        st = trees_load(in, trees, nodes_max, &builder, err);
    andon_arena_free(&scratch);
    if (st == ANDON_OK) *model = forest;
    return st;
}
