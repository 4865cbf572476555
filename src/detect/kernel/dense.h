/* Dense layers, panel by panel: the arithmetic of the autoencoder, once per instruction set.
 *
 * Shapes: weights of a layer in -> out are panels of DENSE_PANEL outputs, weight[panel][in][16],
 * padded with zeros behind out; a buffer of activations is rows[n][stride], stride a multiple of
 * 16.
 * Invariants:
 *   1. an output is start + a[0]*b[0] + a[1]*b[1] + ..., added in this order, fused where the
 *      instruction set fuses. No sum is split over lanes, so an output's bits do not depend on how
 *      many rows are worked on at once.
 *   2. the score's sum over features has one order for all instruction sets and batch sizes.
 *   3. NaN passes through every activation. */
#ifndef DETECT_KERNEL_DENSE_H
#define DETECT_KERNEL_DENSE_H

#include <stddef.h>
#include <stdint.h>

#include "andon/kernel.h"
#include "detect/kernel/kernel.h"

enum {
    DENSE_PANEL = 16,
    DENSE_LAYERS_MAX = 16,
    DENSE_BLOCK = 48 /* rows that go through the layers together: stay in the first-level cache */
};

enum dense_activation { DENSE_LINEAR = 0, DENSE_RELU, DENSE_TANH };

static inline size_t dense_padded(size_t width)
{
    return (width + DENSE_PANEL - 1) / DENSE_PANEL * DENSE_PANEL;
}

struct dense_layer {
    const float *weight; /* [panel][in][16], aligned to 64 */
    const float *bias;   /* [padded out], aligned to 64    */
    uint32_t in, out;
};

/* Hidden layers have the activation, the last one is linear. */
struct dense_network {
    uint32_t layers;
    enum dense_activation activation;
    struct dense_layer layer[DENSE_LAYERS_MAX];
};

/* out[r][c] = activation(start[c] + sum over k of a[r][k] * b[k][c]) for rows r and columns c; all
 * three of a training step's products are this with other strides. Distances count floats. */
struct dense_product {
    const float *a;
    size_t a_row, a_step;   /* between rows, between k              */
    const float *b;
    size_t b_step, b_panel; /* between k, between panels of columns */
    const float *start;     /* start[padded columns], or NULL: 0    */
    float *out;
    size_t out_row, out_panel;
    size_t rows, inner, columns;
    enum dense_activation activation;
};

/* Adam's figures of one step (Kingma and Ba 2015): rate holds both bias corrections. */
struct dense_adam {
    float rate, beta1, beta2, epsilon;
};

/* Floats of scratch that score needs: two buffers of DENSE_BLOCK rows of the widest layer. */
size_t dense_scratch_floats(const struct dense_network *net);

struct dense_kernel {
    void (*multiply)(const struct dense_product *p);

    /* score[n] = mean over features of (x - reconstruction)^2, and share[n][d] of it (NULL: not
     * wanted; all 0 where the score is 0). x[n][d] with d = layer[0].in. A row that overflows float
     * scores a value that is not finite. */
    void (*score)(const struct dense_network *net, const float *x, size_t n, double *score,
                  float *share, float *scratch);

    /* slope[i] *= derivative of the activation, given its outputs y. */
    void (*backward)(enum dense_activation activation, const float *y, float *slope, size_t count);

    /* out[i] = (y[i] - x[i]) * scale. */
    void (*residual)(const float *x, const float *y, float scale, float *out, size_t count);

    /* sum[c] = sum over r of x[r][c], for stride columns. */
    void (*sum_rows)(const float *x, size_t rows, size_t stride, float *sum);

    /* One step on count parameters; first and second are the moments. */
    void (*adam)(const struct dense_adam *how, const float *gradient, float *first, float *second,
                 float *parameter, size_t count);
};

/* The functions of an instruction set that this build has. */
const struct dense_kernel *dense_kernel(enum andon_kernel kernel);

#define DENSE_DECLARE(suffix) extern const struct dense_kernel dense_kernel_##suffix;
KERNEL_EACH(DENSE_DECLARE)
#undef DENSE_DECLARE

#endif
