/* Which features a row's score comes from (in the manner of Saabas' decision paths, 2014).
 *
 * A node's value is the mean path length of the training rows that came to it. On its way down a
 * row's expected path length changes at every split, and the change belongs to the feature of that
 * split. Over a tree the changes add up to (root's value - the row's path length), over the forest
 * to baseline - H: whole numbers, so the sum is exact. A gain above 0 made the row easier to
 * isolate. */
#include "detect/iforest.h"

/* Eight trees side by side, as their chains of loads overlap; a leaf steps to itself and gains 0. */
static void bundle_attribute(const struct trees_bundle *bundle, const uint64_t *key, int64_t *gain)
{
    const uint64_t *node = bundle->node;
    const uint32_t *value = bundle->value;
    uint32_t at[TREES_BUNDLE];
    for (int j = 0; j < TREES_BUNDLE; j++) at[j] = bundle->root[j];
    for (uint32_t step = 0; step < bundle->depth; step++) {
#pragma GCC unroll 8
        for (int j = 0; j < TREES_BUNDLE; j++) {
            uint64_t here = node[at[j]];
            uint32_t feature = trees_node_feature(here);
            uint32_t next = trees_node_left(here) + (key[feature] > here);
            gain[feature] += (int64_t)value[at[j]] - (int64_t)value[next];
            at[j] = next;
        }
    }
}

void iforest_attribute(const struct iforest *model, const float *x, uint64_t *key, int64_t *gain)
{
    for (uint32_t f = 0; f < model->d; f++) {
        key[f] = (uint64_t)trees_key(x[f]) << 32;
        gain[f] = 0;
    }
    for (uint32_t b = 0; b < model->forest.bundles; b++)
        bundle_attribute(&model->forest.bundle[b], key, gain);
}

void iforest_share(const struct iforest *model, const int64_t *gain, float *share)
{
    int64_t total = 0;
    for (uint32_t f = 0; f < model->d; f++) total += gain[f] > 0 ? gain[f] : 0;
    for (uint32_t f = 0; f < model->d; f++)
        share[f] = total > 0 && gain[f] > 0 ? (float)((double)gain[f] / (double)total) : 0.0f;
}
