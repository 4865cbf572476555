/* What the autoencoder's table, its fit and their test share. Private to src/detect. */
#ifndef DETECT_AUTOENCODER_H
#define DETECT_AUTOENCODER_H

#include "andon/detector.h"
#include "detect/kernel/dense.h"

enum {
    AUTOENCODER_HIDDEN_MAX = DENSE_LAYERS_MAX - 1,
    AUTOENCODER_WIDTH_MAX = 4096,
    AUTOENCODER_ROWS_MIN = 4
};

/* A weight beyond this comes from no fit, and stays clear of overflow in the careful path. */
#define AUTOENCODER_WEIGHT_MAX 1e9f

struct autoencoder_options {
    char layers[ANDON_OPTION_TEXT]; /* "auto", or hidden widths: "16,12,8,12,16" */
    int32_t activation;             /* 0 relu, 1 tanh                            */
    bool batch_norm;
    double dropout;
    double rate;
    int64_t epochs, steps, batch;
    double validation;
    int64_t patience, plateau;
};

/* The model: plain dense layers d -> ... -> d in one arena, read-only once built. */
struct autoencoder {
    struct dense_network net;
};

/* autoencoder_plan reads the layers option into width[0..layers], d at both ends.
 * ANDON_EINVAL  not a list of 1..15 widths from 1 to 4096 */
ANDON_MUST_CHECK andon_status autoencoder_plan(const char *layers, uint32_t d,
                                               uint32_t width[DENSE_LAYERS_MAX + 1],
                                               uint32_t *count, andon_error *err);

/* autoencoder_layers takes zeroed, padded room for every layer; false when the arena has none.
 * weight[l] and bias[l] are where the caller may write. */
bool autoencoder_layers(struct dense_network *net, const uint32_t *width, uint32_t count,
                        struct andon_arena *arena, float *weight[DENSE_LAYERS_MAX],
                        float *bias[DENSE_LAYERS_MAX]);

/* Where the weight of input i for output o stands in a layer's panels. */
static inline size_t autoencoder_at(size_t in, size_t i, size_t o)
{
    return (o / DENSE_PANEL * in + i) * DENSE_PANEL + o % DENSE_PANEL;
}

andon_status autoencoder_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                             andon_error *err);

#endif
