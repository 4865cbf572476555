/* Autoencoder: a network squeezes a row through a few numbers and rebuilds it; what it has not
 * learned to rebuild is unusual. This file holds the table, scoring, saving and loading.
 *
 * Invariants:
 *   1. a model is plain dense layers: batch norm was folded into the weights by the fit.
 *   2. padding behind a layer's outputs is zero, so that padded lanes never disturb a sum.
 *   3. every weight is finite and at most AUTOENCODER_WEIGHT_MAX, whoever built the model. */
#include "detect/autoencoder.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "detect/registry.h"

const struct dense_kernel *dense_kernel(enum andon_kernel kernel)
{
    switch (kernel) {
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX2: return &dense_kernel_avx2;
    case ANDON_KERNEL_AVX512: return &dense_kernel_avx512;
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: return &dense_kernel_neon;
#endif
    default: return &dense_kernel_plain;
    }
}

static size_t widest(const struct dense_network *net)
{
    size_t most = 0;
    for (uint32_t l = 0; l < net->layers; l++) {
        size_t padded = dense_padded(net->layer[l].out);
        if (padded > most) most = padded;
    }
    return most;
}

size_t dense_scratch_floats(const struct dense_network *net)
{
    return 2 * (size_t)DENSE_BLOCK * widest(net);
}

bool autoencoder_layers(struct dense_network *net, const uint32_t *width, uint32_t count,
                        struct andon_arena *arena, float *weight[DENSE_LAYERS_MAX],
                        float *bias[DENSE_LAYERS_MAX])
{
    net->layers = count;
    for (uint32_t l = 0; l < count; l++) {
        size_t padded = dense_padded(width[l + 1]);
        weight[l] = andon_arena_array(arena, padded * width[l], sizeof(float));
        bias[l] = andon_arena_array(arena, padded, sizeof(float));
        if (weight[l] == NULL || bias[l] == NULL) return false;
        net->layer[l] = (struct dense_layer){weight[l], bias[l], width[l], width[l + 1]};
    }
    return true;
}

/* Scoring. */

static size_t scratch_bytes(const void *model, size_t n)
{
    (void)n;
    const struct autoencoder *m = model;
    size_t fast = dense_scratch_floats(&m->net) * sizeof(float);
    size_t careful = 2 * widest(&m->net) * sizeof(double);
    return fast > careful ? fast : careful;
}

/* The reconstruction of one row in double, where values that overflow float stay finite. */
static const double *rebuild(const struct dense_network *net, const float *x, double *room)
{
    double *from = room, *to = room + widest(net);
    for (uint32_t i = 0; i < net->layer[0].in; i++) from[i] = (double)x[i];
    for (uint32_t l = 0; l < net->layers; l++) {
        const struct dense_layer *layer = &net->layer[l];
        for (uint32_t o = 0; o < layer->out; o++) {
            double sum = (double)layer->bias[o];
            for (uint32_t i = 0; i < layer->in; i++)
                sum += (double)layer->weight[autoencoder_at(layer->in, i, o)] * from[i];
            if (l + 1 < net->layers && net->activation == DENSE_RELU) sum = fmax(sum, 0.0);
            if (l + 1 < net->layers && net->activation == DENSE_TANH) sum = tanh(sum);
            to[o] = fmin(fmax(sum, -DBL_MAX), DBL_MAX);
        }
        double *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

static bool all_finite(const float *x, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++)
        if (!isfinite(x[j])) return false;
    return true;
}

/* A row that float could not score: NaN where the row is not finite, else the sum of squares in
 * units of the largest residual, so that it overflows only where the score itself would. */
static void score_careful(const struct dense_network *net, const float *x, double *score,
                          float *share, double *room)
{
    const uint32_t d = net->layer[0].in;
    if (!all_finite(x, d)) {
        *score = (double)NAN;
        for (uint32_t j = 0; share != NULL && j < d; j++) share[j] = NAN;
        return;
    }
    const double *y = rebuild(net, x, room);
    double largest = DBL_MIN, sum = 0.0;
    for (uint32_t j = 0; j < d; j++) { /* fmax here breaks gcc 12's vectorizer for aarch64 */
        double gap = fabs((double)x[j] - y[j]);
        largest = gap > largest ? gap : largest;
    }
    largest = fmin(largest, DBL_MAX);
    for (uint32_t j = 0; j < d; j++) {
        double r = ((double)x[j] - y[j]) / largest;
        sum += r * r;
    }
    *score = fmin(largest * (sum / d) * largest, DBL_MAX);
    for (uint32_t j = 0; share != NULL && j < d; j++) {
        double r = ((double)x[j] - y[j]) / largest;
        share[j] = sum > 0.0 ? (float)(r * r / sum) : 0.0f;
    }
}

static void score(const void *model, void *memory, struct andon_rows x, double *score, float *share,
                  void *scratch, enum andon_kernel kernel)
{
    (void)memory;
    const struct dense_network *net = &((const struct autoencoder *)model)->net;
    dense_kernel(kernel)->score(net, x.x, x.n, score, share, scratch);
    for (size_t i = 0; i < x.n; i++)
        if (!isfinite(score[i]))
            score_careful(net, x.x + i * x.d, &score[i], share == NULL ? NULL : share + i * x.d,
                          scratch);
}

/* Bytes: u32 layers, u32 activation, u32 width[layers + 1], then per layer weight[in][out] and
 * bias[out] as float32, without padding. */

static void save(const void *model, struct andon_writer *out)
{
    const struct dense_network *net = &((const struct autoencoder *)model)->net;
    andon_put_u32(out, net->layers);
    andon_put_u32(out, (uint32_t)net->activation);
    andon_put_u32(out, net->layer[0].in);
    for (uint32_t l = 0; l < net->layers; l++) andon_put_u32(out, net->layer[l].out);
    for (uint32_t l = 0; l < net->layers; l++) {
        const struct dense_layer *layer = &net->layer[l];
        for (uint32_t i = 0; i < layer->in; i++)
            for (uint32_t o = 0; o < layer->out; o++)
                andon_put_f32(out, layer->weight[autoencoder_at(layer->in, i, o)]);
        andon_put_f32s(out, layer->bias, layer->out);
    }
}

static bool acceptable(const float *weight, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(weight[i]) <= AUTOENCODER_WEIGHT_MAX)) return false; /* NaN, too */
    return true;
}

static andon_status read_shape(struct andon_reader *in, uint32_t d, struct dense_network *net,
                               uint32_t width[DENSE_LAYERS_MAX + 1], andon_error *err)
{
    net->layers = andon_get_u32(in);
    uint32_t activation = andon_get_u32(in);
    if (in->bad || net->layers < 1 || net->layers > DENSE_LAYERS_MAX)
        return andon_fail(err, ANDON_EFORMAT, "autoencoder: expected 1 to %d layers",
                          DENSE_LAYERS_MAX);
    if (activation != DENSE_RELU && activation != DENSE_TANH)
        return andon_fail(err, ANDON_EFORMAT, "autoencoder: unknown activation %u", activation);
    net->activation = (enum dense_activation)activation;
    uint64_t floats = 0;
    for (uint32_t l = 0; l <= net->layers; l++) {
        bool outer = l == 0 || l == net->layers;
        width[l] = andon_get_u32(in);
        if (in->bad || width[l] < 1 || (outer ? width[l] != d : width[l] > AUTOENCODER_WIDTH_MAX))
            return andon_fail(err, ANDON_EFORMAT, "autoencoder: layer %u cannot be %u wide", l,
                              width[l]);
        if (l > 0) floats += ((uint64_t)width[l - 1] + 1) * width[l];
    }
    if (floats > andon_reader_left(in) / sizeof(float))
        return andon_fail(err, ANDON_EFORMAT, "autoencoder: the weights are cut short");
    return ANDON_OK;
}

static andon_status read_layer(struct andon_reader *in, const struct dense_layer *layer,
                               float *weight, float *bias, andon_error *err)
{
    const size_t padded = dense_padded(layer->out);
    for (uint32_t i = 0; i < layer->in; i++)
        for (uint32_t o = 0; o < layer->out; o++)
            weight[autoencoder_at(layer->in, i, o)] = andon_get_f32(in);
    andon_get_f32s(in, bias, layer->out);
    if (in->bad || !acceptable(weight, padded * layer->in) || !acceptable(bias, padded))
        return andon_fail(err, ANDON_EFORMAT, "autoencoder: a weight is not a sane number");
    return ANDON_OK;
}

static andon_status load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                         void **model, andon_error *err)
{
    uint32_t width[DENSE_LAYERS_MAX + 1];
    float *weight[DENSE_LAYERS_MAX], *bias[DENSE_LAYERS_MAX];
    struct dense_network net = {0};
    andon_status st = read_shape(in, d, &net, width, err);
    if (st != ANDON_OK) return st;
    struct autoencoder *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL || !autoencoder_layers(&net, width, net.layers, arena, weight, bias))
        return andon_fail(err, ANDON_ENOMEM, "autoencoder: no room for the weights");
    for (uint32_t l = 0; l < net.layers && st == ANDON_OK; l++)
        st = read_layer(in, &net.layer[l], weight[l], bias[l], err);
    if (st != ANDON_OK) return st;
    m->net = net;
    *model = m;
    return ANDON_OK;
}

#define AT(field) (uint32_t) offsetof(struct autoencoder_options, field)

static const struct andon_option options[] = {
    {"layers", ANDON_OPTION_LINE, AT(layers), 0, 0, "auto", NULL,
     "hidden widths such as 16,12,8,12,16; auto: in that proportion to 27 features"},
    {"activation", ANDON_OPTION_ENUM, AT(activation), 0, 0, "tanh", "relu|tanh",
     "what a hidden unit does with its sum"},
    {"batch_norm", ANDON_OPTION_BOOL, AT(batch_norm), 0, 0, "no", NULL,
     "normalise every hidden layer over the batch"},
    {"dropout", ANDON_OPTION_REAL, AT(dropout), 0, 0.9, "0", NULL,
     "part of the hidden units that is left out at random while learning"},
    {"rate", ANDON_OPTION_REAL, AT(rate), 1e-7, 1, "0.001", NULL, "Adam's step"},
    {"epochs", ANDON_OPTION_INT, AT(epochs), 1, 100000, "50", NULL,
     "times that the rows are gone through"},
    {"steps", ANDON_OPTION_INT, AT(steps), 0, 1e9, "3000", NULL,
     "at least so many steps: few rows are gone through more often"},
    {"batch", ANDON_OPTION_INT, AT(batch), 1, 4096, "64", NULL, "rows per step"},
    {"validation", ANDON_OPTION_REAL, AT(validation), 0, 0.9, "0.1", NULL,
     "part of the rows, the last ones, that says when to stop; 0: run all epochs"},
    {"patience", ANDON_OPTION_INT, AT(patience), 1, 100000, "10", NULL,
     "epochs without a better validation loss before stopping"},
    {"plateau", ANDON_OPTION_INT, AT(plateau), 1, 100000, "5", NULL,
     "epochs without a better validation loss before the rate is halved"},
    {.name = NULL},
};

const struct andon_detector andon_autoencoder = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "autoencoder",
    .title = "Autoencoder",
    .source = "Hinton, Salakhutdinov, Science 2006; Sakurada, Yairi, MLSDA 2014",
    .traits = 0,
    .options = options,
    .options_bytes = sizeof(struct autoencoder_options),
    .fit = autoencoder_fit,
    .scratch_bytes = scratch_bytes,
    .score = score,
    .save = save,
    .load = load,
};
