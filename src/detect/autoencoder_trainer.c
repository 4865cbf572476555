/* The trainer's arithmetic. All three matrix products of a layer are dense_kernel's multiply with
 * other strides; the gradient is checked against finite differences in autoencoder_test.c. */
#include "detect/autoencoder_trainer.h"

#include <math.h>
#include <string.h>

#define NORM_EPSILON 1e-3f  /* Keras' default                                     */
#define NORM_MOMENTUM 0.05f /* weight of one batch in batch norm's running figures */

static bool layer_room(struct trainer *t, struct trainer_layer *layer, bool hidden,
                       struct andon_arena *arena)
{
    const size_t cells = t->batch * layer->out_pad;
    layer->turned = andon_arena_array(arena, layer->in_pad * layer->out, sizeof(float));
    layer->raw = andon_arena_array(arena, cells, sizeof(float));
    layer->delta = andon_arena_array(arena, cells, sizeof(float));
    layer->y = layer->raw;
    bool ok = layer->turned != NULL && layer->raw != NULL && layer->delta != NULL;
    if (ok && hidden && (t->batch_norm || t->dropout > 0.0)) {
        layer->norm = andon_arena_array(arena, cells, sizeof(float));
        layer->keep = andon_arena_array(arena, cells, sizeof(float));
        layer->y = andon_arena_array(arena, cells, sizeof(float));
        layer->inverse = andon_arena_array(arena, 3 * layer->out_pad, sizeof(float));
        ok = layer->norm != NULL && layer->keep != NULL && layer->y != NULL &&
             layer->inverse != NULL;
    }
    if (ok && layer->inverse != NULL) {
        layer->mean = layer->inverse + layer->out_pad;
        layer->variance = layer->mean + layer->out_pad;
        for (uint32_t o = 0; o < layer->out; o++) layer->variance[o] = 1.0f;
    }
    return ok;
}

/* Glorot and Bengio 2010, uniform; gamma 1, beta 0. The biases of ReLUs start a little above 0, so
 * that few of them start dead. Draws in the order of inputs, then outputs. */
static void draw(struct trainer_layer *layer, bool relu, struct andon_rng *rng)
{
    const double limit = sqrt(6.0 / ((double)layer->in + (double)layer->out));
    for (uint32_t i = 0; i < layer->in; i++)
        for (uint32_t o = 0; o < layer->out; o++)
            layer->weight[autoencoder_at(layer->in, i, o)] =
                (float)((2.0 * andon_rng_real(rng) - 1.0) * limit);
    for (uint32_t o = 0; o < layer->out; o++) {
        layer->bias[o] = relu ? 0.1f : 0.0f;
        layer->gamma[o] = 1.0f;
    }
}

/* Input j's weights for every output side by side, as the backward product reads them. */
static void turn(struct trainer_layer *layer)
{
    for (uint32_t o = 0; o < layer->out; o++)
        for (uint32_t i = 0; i < layer->in; i++)
            layer->turned[autoencoder_at(layer->out, o, i)] =
                layer->weight[autoencoder_at(layer->in, i, o)];
}

static void place(struct trainer *t, struct trainer_layer *layer, size_t at)
{
    const size_t weights = layer->in * layer->out_pad;
    layer->weight = t->parameter + at;
    layer->bias = layer->weight + weights;
    layer->gamma = layer->bias + layer->out_pad;
    layer->beta = layer->gamma + layer->out_pad;
    layer->d_weight = t->gradient + at;
    layer->d_bias = layer->d_weight + weights;
    layer->d_gamma = layer->d_bias + layer->out_pad;
    layer->d_beta = layer->d_gamma + layer->out_pad;
}

bool trainer_init(struct trainer *t, const struct autoencoder_options *options,
                  const uint32_t *width, uint32_t layers, uint64_t seed,
                  const struct dense_kernel *kernel, struct andon_arena *arena)
{
    *t = (struct trainer){.kernel = kernel, .layers = layers, .batch_norm = options->batch_norm,
                          .activation = options->activation == 0 ? DENSE_RELU : DENSE_TANH,
                          .dropout = options->dropout, .rate = options->rate,
                          .batch = (size_t)options->batch, .x_pad = dense_padded(width[0]),
                          .noise = andon_rng_fork(seed, 2)};
    for (uint32_t l = 0; l < layers; l++) {
        t->layer[l] = (struct trainer_layer){.in = width[l], .out = width[l + 1],
                                             .in_pad = dense_padded(width[l]),
                                             .out_pad = dense_padded(width[l + 1])};
        t->parameters += (width[l] + 3) * t->layer[l].out_pad;
    }
    float *room = andon_arena_array(arena, 4 * t->parameters, sizeof(float));
    t->x = andon_arena_array(arena, t->batch * t->x_pad, sizeof(float));
    if (room == NULL || t->x == NULL) return false;
    t->parameter = room;
    t->gradient = room + t->parameters;
    t->first = t->gradient + t->parameters;
    t->second = t->first + t->parameters;
    struct andon_rng rng = andon_rng_fork(seed, 0);
    size_t at = 0;
    for (uint32_t l = 0; l < layers; l++) {
        struct trainer_layer *layer = &t->layer[l];
        if (!layer_room(t, layer, l + 1 < layers, arena)) return false;
        place(t, layer, at);
        at += (layer->in + 3) * layer->out_pad;
        draw(layer, l + 1 < layers && t->activation == DENSE_RELU, &rng);
        turn(layer);
    }
    return true;
}

/* norm = (raw - mean) / deviation over the rows of the batch; remembers the figures for scoring. */
static void normalise(struct trainer_layer *layer, size_t rows)
{
    const size_t pad = layer->out_pad;
    const float momentum = NORM_MOMENTUM;
    for (uint32_t c = 0; c < layer->out; c++) {
        double mean = 0.0, variance = 0.0;
        for (size_t r = 0; r < rows; r++) mean += (double)layer->raw[r * pad + c];
        mean /= (double)rows;
        for (size_t r = 0; r < rows; r++) {
            double off = (double)layer->raw[r * pad + c] - mean;
            variance += off * off;
        }
        variance /= (double)rows;
        float inverse = (float)(1.0 / sqrt(variance + (double)NORM_EPSILON));
        for (size_t r = 0; r < rows; r++)
            layer->norm[r * pad + c] = (layer->raw[r * pad + c] - (float)mean) * inverse;
        layer->inverse[c] = inverse;
        layer->mean[c] += momentum * ((float)mean - layer->mean[c]);
        layer->variance[c] += momentum * ((float)variance - layer->variance[c]);
    }
}

/* What stands behind a hidden layer's activation: batch norm, then dropout. */
static void finish(struct trainer *t, struct trainer_layer *layer, size_t rows)
{
    const size_t pad = layer->out_pad;
    if (t->batch_norm) normalise(layer, rows);
    for (size_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < layer->out; c++) {
            size_t i = r * pad + c;
            float y = layer->raw[i];
            if (t->batch_norm) y = layer->norm[i] * layer->gamma[c] + layer->beta[c];
            if (t->dropout > 0.0) {
                bool off = andon_rng_real(&t->noise) < t->dropout;
                layer->keep[i] = off ? 0.0f : (float)(1.0 / (1.0 - t->dropout));
                y *= layer->keep[i];
            }
            layer->y[i] = y;
        }
    }
}

/* The way back through finish: delta becomes d loss / d raw. */
static void unfinish(const struct trainer *t, struct trainer_layer *layer, size_t rows)
{
    const size_t pad = layer->out_pad;
    if (t->dropout > 0.0)
        for (size_t i = 0; i < rows * pad; i++) layer->delta[i] *= layer->keep[i];
    for (uint32_t c = 0; t->batch_norm && c < layer->out; c++) {
        double sum = 0.0, along = 0.0;
        for (size_t r = 0; r < rows; r++) {
            sum += (double)layer->delta[r * pad + c];
            along += (double)layer->delta[r * pad + c] * (double)layer->norm[r * pad + c];
        }
        layer->d_beta[c] = (float)sum;
        layer->d_gamma[c] = (float)along;
        const float mean = (float)(sum / (double)rows), slope = (float)(along / (double)rows);
        const float scale = layer->gamma[c] * layer->inverse[c];
        for (size_t r = 0; r < rows; r++) {
            size_t i = r * pad + c;
            layer->delta[i] = scale * (layer->delta[i] - mean - layer->norm[i] * slope);
        }
    }
}

static void forward(struct trainer *t, size_t rows)
{
    const float *a = t->x;
    size_t a_row = t->x_pad;
    for (uint32_t l = 0; l < t->layers; l++) {
        struct trainer_layer *layer = &t->layer[l];
        const bool hidden = l + 1 < t->layers;
        t->kernel->multiply(&(struct dense_product){
            .a = a, .a_row = a_row, .a_step = 1,
            .b = layer->weight, .b_step = DENSE_PANEL,
            .b_panel = layer->in * (size_t)DENSE_PANEL, .start = layer->bias,
            .out = layer->raw, .out_row = layer->out_pad, .out_panel = DENSE_PANEL,
            .rows = rows, .inner = layer->in, .columns = layer->out,
            .activation = hidden ? t->activation : DENSE_LINEAR});
        if (layer->y != layer->raw) finish(t, layer, rows);
        a = layer->y;
        a_row = layer->out_pad;
    }
}

/* d loss / d weight and bias of layer l, whose delta is known. */
static void weigh(const struct trainer *t, uint32_t l, size_t rows)
{
    const struct trainer_layer *layer = &t->layer[l];
    t->kernel->multiply(&(struct dense_product){
        .a = l == 0 ? t->x : t->layer[l - 1].y, .a_row = 1, .a_step = layer->in_pad,
        .b = layer->delta, .b_step = layer->out_pad, .b_panel = DENSE_PANEL, .start = NULL,
        .out = layer->d_weight, .out_row = DENSE_PANEL,
        .out_panel = layer->in * (size_t)DENSE_PANEL,
        .rows = layer->in, .inner = rows, .columns = layer->out, .activation = DENSE_LINEAR});
    t->kernel->sum_rows(layer->delta, rows, layer->out_pad, layer->d_bias);
}

/* The delta of layer l - 1 from that of layer l. */
static void pass_back(struct trainer *t, uint32_t l, size_t rows)
{
    const struct trainer_layer *layer = &t->layer[l];
    struct trainer_layer *before = &t->layer[l - 1];
    t->kernel->multiply(&(struct dense_product){
        .a = layer->delta, .a_row = layer->out_pad, .a_step = 1,
        .b = layer->turned, .b_step = DENSE_PANEL, .b_panel = layer->out * (size_t)DENSE_PANEL,
        .start = NULL, .out = before->delta, .out_row = layer->in_pad, .out_panel = DENSE_PANEL,
        .rows = rows, .inner = layer->out, .columns = layer->in, .activation = DENSE_LINEAR});
    if (before->y != before->raw) unfinish(t, before, rows);
    t->kernel->backward(t->activation, before->raw, before->delta, rows * before->out_pad);
}

void trainer_gradient(struct trainer *t, size_t rows)
{
    forward(t, rows);
    struct trainer_layer *last = &t->layer[t->layers - 1];
    t->kernel->residual(t->x, last->raw, 2.0f / ((float)rows * (float)last->out), last->delta,
                        rows * t->x_pad);
    for (uint32_t l = t->layers; l-- > 0;) {
        weigh(t, l, rows);
        if (l > 0) pass_back(t, l, rows);
    }
}

void trainer_step(struct trainer *t, size_t rows)
{
    const double beta1 = 0.9, beta2 = 0.999;
    trainer_gradient(t, rows);
    double n = (double)++t->step;
    double rate = t->rate * sqrt(1.0 - pow(beta2, n)) / (1.0 - pow(beta1, n));
    struct dense_adam how = {(float)rate, (float)beta1, (float)beta2, 1e-8f};
    t->kernel->adam(&how, t->gradient, t->first, t->second, t->parameter, t->parameters);
    for (uint32_t l = 1; l < t->layers; l++) turn(&t->layer[l]);
}

void trainer_fold(const struct trainer *t, float *const weight[DENSE_LAYERS_MAX],
                  float *const bias[DENSE_LAYERS_MAX])
{
    for (uint32_t l = 0; l < t->layers; l++) {
        const struct trainer_layer *layer = &t->layer[l];
        memcpy(weight[l], layer->weight, layer->in * layer->out_pad * sizeof(float));
        memcpy(bias[l], layer->bias, layer->out_pad * sizeof(float));
        if (l == 0 || !t->batch_norm) continue;
        const struct trainer_layer *before = &t->layer[l - 1];
        for (uint32_t o = 0; o < layer->out; o++) {
            double shift = 0.0;
            for (uint32_t i = 0; i < layer->in; i++) {
                float *w = &weight[l][autoencoder_at(layer->in, i, o)];
                double scale = (double)before->gamma[i] /
                               sqrt((double)before->variance[i] + (double)NORM_EPSILON);
                shift += ((double)before->beta[i] - (double)before->mean[i] * scale) * (double)*w;
                *w = (float)((double)*w * scale);
            }
            bias[l][o] = (float)((double)bias[l][o] + shift);
        }
    }
}
