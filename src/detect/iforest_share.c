/* Which features a row's score comes from (in the manner of Saabas' decision paths, 2014).
 *
 * A node's value is the mean path length of the training rows that came to it. On its way down a
 * row's expected path length changes at every split, and the change belongs to the feature of that
 * split. Over a tree the changes add up to (root's value - the row's path length), over the forest to
 * baseline - H: whole numbers, so the sum is exact. A gain above 0 made the row easier to isolate. */
#include "detect/iforest.h"

void iforest_attribute(const struct iforest *model, const float *x, int64_t *gain)
{
    memset(gain, 0, model->d * sizeof gain[0]);
    for (uint32_t t = 0; t < model->trees; t++) {
        struct trees_view tree = trees_view(&model->forest, t);
        const struct trees_bundle *bundle = tree.bundle;
        uint32_t at = tree.begin;
        for (;;) {
            uint64_t node = bundle->node[at];
            uint32_t feature = trees_node_feature(node), left = trees_node_left(node);
            if (left == at) break;
            uint32_t next = left + (trees_key(x[feature]) > trees_node_key(node));
            gain[feature] += (int64_t)bundle->value[at] - (int64_t)bundle->value[next];
            at = next;
        }
    }
}

void iforest_share(const struct iforest *model, const int64_t *gain, float *share)
{
    int64_t total = 0;
    for (uint32_t f = 0; f < model->d; f++) total += gain[f] > 0 ? gain[f] : 0;
    for (uint32_t f = 0; f < model->d; f++)
        share[f] = total > 0 && gain[f] > 0 ? (float)((double)gain[f] / (double)total) : 0.0f;
}
