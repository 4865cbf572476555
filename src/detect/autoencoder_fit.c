/* Fitting an autoencoder: reads the options, keeps the last rows for validation, goes through the
 * others in a seeded order, and returns the network with the least validation loss.
 *
 * Invariants:
 *   1. same rows, options, seed and kernel: same bytes. Weights, order and dropout draw from
 *      streams of their own.
 *   2. scratch is rewound on every way out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/autoencoder_trainer.h"

enum { AUTO_HIDDEN = 5, AUTO_WIDTH_MAX = 256, VALIDATION_ROWS_MIN = 8, SCORE_ROWS = 256 };

/* The reference's 27-16-12-8-12-16-27, in proportion. */
static void plan_auto(uint32_t d, uint32_t *width)
{
    static const uint32_t part[AUTO_HIDDEN] = {16, 12, 8, 12, 16};
    for (int l = 0; l < AUTO_HIDDEN; l++) {
        uint64_t w = ((uint64_t)d * part[l] * 2 + 27) / 54;
        uint64_t most = (uint64_t)AUTO_WIDTH_MAX * part[l] / 16;
        width[l + 1] = (uint32_t)(w < 1 ? 1 : w > most ? most : w);
    }
}

andon_status autoencoder_plan(const char *layers, uint32_t d, uint32_t width[DENSE_LAYERS_MAX + 1],
                              uint32_t *count, andon_error *err)
{
    uint32_t hidden = 0;
    width[0] = d;
    if (strcmp(layers, "auto") == 0) {
        plan_auto(d, width);
        hidden = AUTO_HIDDEN;
    } else {
        for (const char *at = layers;; at++) {
            char *end = NULL;
            unsigned long w = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : 0;
            bool last = w != 0 && *end == 0;
            if (w < 1 || w > AUTOENCODER_WIDTH_MAX || hidden == AUTOENCODER_HIDDEN_MAX ||
                (!last && *end != ',' && *end != '-'))
                return andon_fail(err, ANDON_EINVAL,
                                  "layers=%.60s: expected auto, or 1 to %d widths from 1 to %d "
                                  "with commas between", layers, AUTOENCODER_HIDDEN_MAX,
                                  AUTOENCODER_WIDTH_MAX);
            width[++hidden] = (uint32_t)w;
            if (last) break;
            at = end;
        }
    }
    width[hidden + 1] = d;
    *count = hidden + 1;
    return ANDON_OK;
}

/* One fit's working state. */
struct fit {
    const struct andon_fit *in;
    const struct autoencoder_options *options;
    struct trainer trainer;
    uint32_t *order;          /* order[train]: rows as the next epoch takes them    */
    size_t train, validation; /* rows 0..train learn, the validation rows after them judge */
    int64_t epochs;
    struct dense_network now; /* the present network, folded                        */
    float *now_weight[DENSE_LAYERS_MAX], *now_bias[DENSE_LAYERS_MAX];
    float *best_weight[DENSE_LAYERS_MAX], *best_bias[DENSE_LAYERS_MAX];
    double *score;            /* score[SCORE_ROWS]                                  */
    float *scratch;
};

static andon_status check_rows(const struct andon_fit *in, andon_error *err)
{
    if (in->x.n < AUTOENCODER_ROWS_MIN)
        return andon_fail(err, ANDON_EDATA, "autoencoder: %zu rows, expected at least %d", in->x.n,
                          AUTOENCODER_ROWS_MIN);
    if (in->x.n > UINT32_MAX)
        return andon_fail(err, ANDON_ELIMIT, "autoencoder: %zu rows, expected at most %u", in->x.n,
                          UINT32_MAX);
    for (size_t i = 0; i < in->x.n * in->x.d; i++)
        if (!(fabsf(in->x.x[i]) <= 1e12f))
            return andon_fail(err, ANDON_EDATA,
                              "autoencoder: %g in row %zu, feature %zu, expected scaled values",
                              (double)in->x.x[i], i / in->x.d, i % in->x.d);
    return ANDON_OK;
}

static void split(struct fit *f)
{
    const size_t n = f->in->x.n;
    size_t kept = (size_t)((double)n * f->options->validation);
    f->validation = kept < VALIDATION_ROWS_MIN ? 0 : kept;
    f->train = n - f->validation;
    int64_t per_epoch = ((int64_t)f->train + f->options->batch - 1) / f->options->batch;
    int64_t needed = (f->options->steps + per_epoch - 1) / per_epoch;
    f->epochs = f->options->epochs > needed ? f->options->epochs : needed;
}

static bool fit_room(struct fit *f, const uint32_t *width, uint32_t layers,
                     struct andon_arena *arena, struct autoencoder **model)
{
    struct andon_arena *scratch = f->in->scratch;
    *model = andon_arena_take(arena, sizeof **model);
    if (*model == NULL ||
        !autoencoder_layers(&(*model)->net, width, layers, arena, f->best_weight, f->best_bias) ||
        !autoencoder_layers(&f->now, width, layers, scratch, f->now_weight, f->now_bias))
        return false;
    f->now.activation = f->options->activation == 0 ? DENSE_RELU : DENSE_TANH;
    (*model)->net.activation = f->now.activation;
    f->order = andon_arena_array(scratch, f->train, sizeof *f->order);
    f->score = andon_arena_array(scratch, SCORE_ROWS, sizeof *f->score);
    f->scratch = andon_arena_array(scratch, dense_scratch_floats(&f->now), sizeof *f->scratch);
    return f->order != NULL && f->score != NULL && f->scratch != NULL &&
           trainer_init(&f->trainer, f->options, width, layers, f->in->seed,
                        dense_kernel(f->in->kernel), scratch);
}

static void epoch(struct fit *f, struct andon_rng *rng)
{
    struct trainer *t = &f->trainer;
    const uint32_t d = f->in->x.d;
    andon_rng_shuffle(rng, f->order, f->train);
    for (size_t at = 0; at < f->train; at += t->batch) {
        size_t rows = f->train - at < t->batch ? f->train - at : t->batch;
        if (rows == 1 && t->batch_norm) break; /* one row has no spread */
        for (size_t r = 0; r < rows; r++)
            memcpy(t->x + r * t->x_pad, f->in->x.x + (size_t)f->order[at + r] * d,
                   d * sizeof(float));
        trainer_step(t, rows);
    }
}

/* The mean score of the validation rows under the present network. */
static double validation_loss(struct fit *f)
{
    const uint32_t d = f->in->x.d;
    double sum = 0.0;
    trainer_fold(&f->trainer, f->now_weight, f->now_bias);
    for (size_t at = 0; at < f->validation; at += SCORE_ROWS) {
        size_t rows = f->validation - at < SCORE_ROWS ? f->validation - at : SCORE_ROWS;
        f->trainer.kernel->score(&f->now, f->in->x.x + (f->train + at) * d, rows, f->score, NULL,
                                 f->scratch);
        for (size_t i = 0; i < rows; i++) sum += f->score[i];
    }
    return sum / (double)f->validation;
}

static andon_status epochs(struct fit *f)
{
    struct andon_rng rng = andon_rng_fork(f->in->seed, 1);
    double least = (double)INFINITY;
    int64_t worse = 0;
    for (size_t i = 0; i < f->train; i++) f->order[i] = (uint32_t)i;
    for (int64_t e = 0; e < f->epochs; e++) {
        if (andon_progress_stops(&f->in->progress, (double)e / (double)f->epochs))
            return ANDON_ESTOP;
        epoch(f, &rng);
        if (f->validation == 0) continue;
        double loss = validation_loss(f);
        if (loss < least) {
            least = loss;
            worse = 0;
            trainer_fold(&f->trainer, f->best_weight, f->best_bias);
            continue;
        }
        if (++worse >= f->options->patience) break;
        if (worse % f->options->plateau == 0) f->trainer.rate *= 0.5;
    }
    if (!(least < (double)INFINITY)) trainer_fold(&f->trainer, f->best_weight, f->best_bias);
    return ANDON_OK;
}

static bool sane(const struct dense_network *net)
{
    for (uint32_t l = 0; l < net->layers; l++) {
        const struct dense_layer *layer = &net->layer[l];
        size_t pad = dense_padded(layer->out);
        for (size_t i = 0; i < pad * layer->in; i++)
            if (!(fabsf(layer->weight[i]) <= AUTOENCODER_WEIGHT_MAX)) return false;
        for (size_t i = 0; i < pad; i++)
            if (!(fabsf(layer->bias[i]) <= AUTOENCODER_WEIGHT_MAX)) return false;
    }
    return true;
}

static andon_status fit_run(struct fit *f, struct andon_arena *arena, void **model,
                            andon_error *err)
{
    uint32_t width[DENSE_LAYERS_MAX + 1], layers = 0;
    struct autoencoder *m = NULL;
    andon_status st = autoencoder_plan(f->options->layers, f->in->x.d, width, &layers, err);
    if (st == ANDON_OK) st = check_rows(f->in, err);
    if (st != ANDON_OK) return st;
    split(f);
    if (!fit_room(f, width, layers, arena, &m))
        return andon_fail(err, ANDON_ENOMEM, "autoencoder: no room for %u layers", layers);
    if (epochs(f) != ANDON_OK) return andon_fail(err, ANDON_ESTOP, "autoencoder: stopped");
    if (!sane(&m->net))
        return andon_fail(err, ANDON_EDATA, "autoencoder: learning diverged; lower rate=%g",
                          f->options->rate);
    *model = m;
    return ANDON_OK;
}

andon_status autoencoder_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                             andon_error *err)
{
    struct fit f = {.in = in, .options = in->options};
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    andon_status st = fit_run(&f, arena, model, err);
    andon_arena_rewind(in->scratch, mark);
    return st;
}
