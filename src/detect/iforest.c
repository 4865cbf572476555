/* Isolation forest: rows that few random splits suffice to set apart are anomalous.
 *
 * Invariants:
 *   1. score = 2^(-H / C): H the sum of the row's path lengths over the trees, C the sum of the
 *      trees' mean path lengths c(samples), both in whole units of 2^-19. A tree's rounding is at
 *      most 2^-20 of a step, which moves a score by less than 8.5e-7, so it equals scikit-learn's
 *      -score_samples within 1e-6.
 *   2. Every kernel gives the same bits, alone and in any batch. */
#include "detect/iforest.h"

#include <math.h>

#include "detect/registry.h"

static const struct andon_option options[] = {
    {"trees", ANDON_OPTION_INT, offsetof(struct iforest_options, trees), 1, IFOREST_TREES_MAX,
     "100", NULL, "trees of the forest"},
    {"samples", ANDON_OPTION_INT, offsetof(struct iforest_options, samples), 2, IFOREST_SAMPLES_MAX,
     "256", NULL, "rows that each tree is grown on, drawn without replacement"},
    {"max_features", ANDON_OPTION_REAL, offsetof(struct iforest_options, max_features), 0.0, 1.0,
     "1", NULL, "share of the features that each tree may split on"},
    {0},
};

size_t trees_scratch_bytes(const struct trees *trees)
{
    size_t d = trees->d, bytes = d * sizeof(uint64_t);
    if (trees->groups > 0)
        bytes = d * (TREES_RANKED * sizeof(float) + TREES_CHUNK) + trees->slots * TREES_BLOCK +
                TREES_CHUNK * TREES_PLANES * sizeof(uint16_t);
    return (bytes + 63) / 64 * 64;
}

static size_t scratch_bytes(const void *model, size_t n)
{
    const struct iforest *forest = model;
    (void)n;
    return trees_scratch_bytes(&forest->forest) + TREES_CHUNK * sizeof(uint64_t) +
           forest->d * sizeof(int64_t);
}

static void sum_rows(const struct trees *trees, const float *x, size_t n, uint64_t *sum,
                     void *scratch, enum andon_kernel kernel)
{
    switch (kernel) {
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX2: trees_sum_avx2(trees, x, n, sum, scratch); return;
    case ANDON_KERNEL_AVX512: trees_sum_avx512(trees, x, n, sum, scratch); return;
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: trees_sum_neon(trees, x, n, sum, scratch); return;
#endif
    default: trees_sum_plain(trees, x, n, sum, scratch); return;
    }
}

static void share_row(const struct iforest *model, const float *x, bool missing, uint64_t *key,
                      int64_t *gain, float *share)
{
    if (missing) {
        for (uint32_t f = 0; f < model->d; f++) share[f] = NAN;
        return;
    }
    iforest_attribute(model, x, key, gain);
    iforest_share(model, gain, share);
}

static void score(const void *model, void *memory, struct andon_rows x, double *score_of,
                  float *share, void *scratch, enum andon_kernel kernel)
{
    const struct iforest *forest = model;
    uint64_t *sum = scratch;
    char *room = (char *)scratch + TREES_CHUNK * sizeof sum[0];
    int64_t *gain = (int64_t *)(void *)room; /* when the sums are done, the room is free */
    uint64_t *key = (uint64_t *)(gain + forest->d);
    (void)memory;
    for (size_t from = 0; from < x.n; from += TREES_CHUNK) {
        size_t n = x.n - from < TREES_CHUNK ? x.n - from : TREES_CHUNK;
        sum_rows(&forest->forest, x.x + from * x.d, n, sum, room, kernel);
        for (size_t i = 0; i < n; i++) {
            bool missing = sum[i] == TREES_NONE;
            score_of[from + i] =
                missing ? (double)NAN : exp2(-(double)sum[i] / (double)forest->expected);
            if (share != NULL)
                share_row(forest, x.x + (from + i) * x.d, missing, key, gain,
                          share + (from + i) * x.d);
        }
    }
}

const struct andon_detector andon_iforest = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "iforest",
    .title = "Isolation forest",
    .source = "Liu, Ting, Zhou, ICDM 2008",
    .traits = ANDON_WANTS_PLAIN,
    .options = options,
    .options_bytes = sizeof(struct iforest_options),
    .fit = iforest_fit,
    .scratch_bytes = scratch_bytes,
    .score = score,
    .save = iforest_save,
    .load = iforest_load,
};
