/* One gradient step of an autoencoder: forward, backward, Adam. Owned by the fit that made it;
 * lives in the fit's scratch arena. Private to src/detect.
 *
 * A hidden layer is dense -> activation -> batch norm (if on) -> dropout (if on), as in the
 * reference; the last layer is dense alone and the loss is the mean squared error. */
#ifndef DETECT_AUTOENCODER_TRAINER_H
#define DETECT_AUTOENCODER_TRAINER_H

#include "andon/rng.h"
#include "detect/autoencoder.h"

struct trainer_layer {
    uint32_t in, out;
    size_t in_pad, out_pad;
    float *weight, *bias, *gamma, *beta;     /* into parameter; [panel][in][16], [out_pad] x 3 */
    float *d_weight, *d_bias, *d_gamma, *d_beta; /* into gradient, likewise                    */
    float *turned;                           /* weight with inputs and outputs exchanged       */
    float *raw;                              /* raw[batch][out_pad]: after the activation      */
    float *norm;                             /* after batch norm, before gamma and beta        */
    float *keep;                             /* dropout's factors: 0 or 1 / (1 - rate)         */
    float *y;                                /* what the next layer reads; may be raw itself   */
    float *delta;                            /* d loss / d y, then / d the dense layer's sum   */
    float *inverse;                          /* 1 / sqrt(variance of this batch + epsilon)     */
    float *mean, *variance;                  /* running, for scoring                           */
};

struct trainer {
    const struct dense_kernel *kernel;
    uint32_t layers;
    enum dense_activation activation;
    bool batch_norm;
    double dropout, rate;
    size_t batch;                /* most rows of a step           */
    size_t parameters;           /* floats, padding included      */
    float *parameter, *gradient; /* of all layers, 64-byte parts  */
    float *first, *second;       /* Adam's moments                */
    float *x;                    /* x[batch][padded d]: the caller puts the rows of a step here */
    size_t x_pad;
    uint64_t step;
    struct andon_rng noise;      /* dropout's                     */
    struct trainer_layer layer[DENSE_LAYERS_MAX];
};

/* trainer_init plans width[0..layers], takes all room and draws the weights. false: the
 * arena has no room. */
bool trainer_init(struct trainer *t, const struct autoencoder_options *options,
                  const uint32_t *width, uint32_t layers, uint64_t seed,
                  const struct dense_kernel *kernel, struct andon_arena *arena);

/* trainer_gradient fills gradient for the first rows of t->x; batch norm takes their figures. */
void trainer_gradient(struct trainer *t, size_t rows);

/* trainer_step is trainer_gradient and one step of Adam. */
void trainer_step(struct trainer *t, size_t rows);

/* trainer_fold writes the present network as plain dense layers, batch norm's running figures
 * folded into the weights that follow it. */
void trainer_fold(const struct trainer *t, float *const weight[DENSE_LAYERS_MAX],
                  float *const bias[DENSE_LAYERS_MAX]);

#endif
