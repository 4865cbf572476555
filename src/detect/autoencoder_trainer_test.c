/* The trainer's gradient against finite differences of a network written here in double without any
 * cleverness; and what training reaches against scikit-learn. */
#include "detect/autoencoder_trainer.h"

#include "detect/registry.h"
#include "detector_case.h"
#include "golden/autoencoder.h"

enum { WIDE = 64 };

/* Correlated rows: d features of three causes. */
static float *make_rows(size_t n, uint32_t d, uint64_t seed)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    float *x = malloc(n * d * sizeof x[0]);
    if (x == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        double s[3];
        for (int k = 0; k < 3; k++) s[k] = andon_rng_normal(&rng);
        for (uint32_t j = 0; j < d; j++)
            x[i * d + j] = (float)(s[j % 3] + 0.5 * s[(j / 3) % 3] + 0.2 * andon_rng_normal(&rng));
    }
    return x;
}

/* ---- the gradient ---- */

/* What trainer's network loses on rows of x, in double, with its parameters as float holds them. */
static double reference_loss(const struct trainer *t, const float *x, size_t rows)
{
    static double from[WIDE][WIDE], to[WIDE][WIDE];
    const uint32_t d = t->layer[0].in;
    double loss = 0.0;
    for (size_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < d; j++) from[r][j] = (double)x[r * d + j];
    for (uint32_t l = 0; l < t->layers; l++) {
        const struct trainer_layer *layer = &t->layer[l];
        for (uint32_t o = 0; o < layer->out; o++) {
            double mean = 0.0, variance = 0.0;
            for (size_t r = 0; r < rows; r++) {
                double v = (double)layer->bias[o];
                for (uint32_t i = 0; i < layer->in; i++)
                    v += from[r][i] * (double)layer->weight[autoencoder_at(layer->in, i, o)];
                if (l + 1 < t->layers) v = t->activation == DENSE_RELU ? fmax(v, 0.0) : tanh(v);
                to[r][o] = v;
                mean += v / (double)rows;
            }
            for (size_t r = 0; r < rows; r++)
                variance += (to[r][o] - mean) * (to[r][o] - mean) / (double)rows;
            for (size_t r = 0; l + 1 < t->layers && t->batch_norm && r < rows; r++)
                to[r][o] = (to[r][o] - mean) / sqrt(variance + 1e-3) * (double)layer->gamma[o] +
                           (double)layer->beta[o];
        }
        memcpy(from, to, sizeof from);
    }
    for (size_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < d; j++) {
            double e = from[r][j] - (double)x[r * d + j];
            loss += e * e / (double)rows / d;
        }
    return loss;
}

/* The distance between the trainer's gradient and central differences, relative to its length. */
static double gradient_error(const struct autoencoder_options *o, enum andon_kernel kernel)
{
    const uint32_t width[] = {19, 17, 5, 18, 19};
    const size_t rows = 37;
    struct andon_arena arena;
    struct trainer t;
    float *x = make_rows(rows, width[0], 5);
    double apart = 0.0, length = 0.0;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)16 << 20);
    if (!trainer_init(&t, o, width, 4, 11, dense_kernel(kernel), &arena)) abort();
    for (size_t r = 0; r < rows; r++)
        memcpy(t.x + r * t.x_pad, x + r * width[0], width[0] * sizeof *x);
    for (int s = 0; s < 3; s++) trainer_step(&t, rows); /* leaves biases and gammas off 0 and 1 */
    trainer_gradient(&t, rows);
    for (size_t p = 0; p < t.parameters; p++) {
        const float at = t.parameter[p], up = at + 0x1p-17f, down = at - 0x1p-17f;
        if (at == 0.0f) continue; /* padding */
        t.parameter[p] = up;
        double above = reference_loss(&t, x, rows);
        t.parameter[p] = down;
        double slope = (above - reference_loss(&t, x, rows)) / ((double)up - (double)down);
        t.parameter[p] = at;
        apart += (slope - (double)t.gradient[p]) * (slope - (double)t.gradient[p]);
        length += slope * slope;
    }
    andon_arena_free(&arena);
    free(x);
    return sqrt(apart / length);
}

TEST(the_gradient_equals_finite_differences_for_relu_tanh_and_batch_norm)
{
    for (int k = 0; k < ANDON_KERNELS; k++)
        for (int kind = 0; kind < 4; kind++) {
            if (!andon_kernel_usable((enum andon_kernel)k)) continue;
            struct autoencoder_options o = {.activation = kind % 2, .batch_norm = kind / 2 == 1,
                                            .rate = 0.01, .batch = 40};
            double error = gradient_error(&o, (enum andon_kernel)k);
            CHECK_SAY(error < 1e-3, "kernel %s, kind %d: off by %g",
                      andon_kernel_name((enum andon_kernel)k), kind, error);
        }
}

TEST(folded_layers_lose_what_the_network_with_batch_norm_loses)
{
    struct autoencoder_options o = {.activation = 1, .batch_norm = true, .rate = 0.05, .batch = 60};
    const uint32_t width[] = {7, 20, 3, 20, 7};
    struct dense_network net = {.activation = DENSE_TANH};
    float *weight[DENSE_LAYERS_MAX], *bias[DENSE_LAYERS_MAX], *x = make_rows(60, 7, 5);
    double score[60], loss = 0.0;
    struct andon_arena arena;
    struct trainer t;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)16 << 20);
    CHECK(trainer_init(&t, &o, width, 4, 3, dense_kernel(ANDON_KERNEL_PLAIN), &arena));
    CHECK(autoencoder_layers(&net, width, 4, &arena, weight, bias));
    for (size_t r = 0; r < 60; r++) memcpy(t.x + r * t.x_pad, x + r * 7, 7 * sizeof *x);
    for (int s = 0; s < 20; s++) trainer_step(&t, 60);
    /* With the weights at rest, the running figures become those of the batch. */
    for (int s = 0; s < 400; s++) trainer_gradient(&t, 60);
    trainer_fold(&t, weight, bias);
    float *scratch = andon_arena_array(&arena, dense_scratch_floats(&net), sizeof(float));
    CHECK(scratch != NULL);
    t.kernel->score(&net, x, 60, score, NULL, scratch);
    for (int i = 0; i < 60; i++) loss += score[i] / 60;
    CHECK_NEAR(loss, reference_loss(&t, x, 60), 1e-5 * loss);
    andon_arena_free(&arena);
    free(x);
}

TEST(dropout_leaves_out_its_part_and_keeps_the_gradient_of_the_rest)
{
    struct autoencoder_options o = {.dropout = 0.4, .rate = 0.01, .batch = 64};
    const uint32_t width[] = {6, 50, 6};
    struct andon_arena arena;
    struct trainer t;
    float *x = make_rows(64, 6, 5);
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)16 << 20);
    CHECK(trainer_init(&t, &o, width, 2, 3, dense_kernel(ANDON_KERNEL_PLAIN), &arena));
    for (size_t r = 0; r < 64; r++) memcpy(t.x + r * t.x_pad, x + r * 6, 6 * sizeof *x);
    trainer_gradient(&t, 64);
    size_t off = 0, wrong = 0;
    const struct trainer_layer *hidden = &t.layer[0];
    for (size_t r = 0; r < 64; r++)
        for (uint32_t c = 0; c < 50; c++) {
            size_t i = r * hidden->out_pad + c;
            off += hidden->keep[i] == 0.0f;
            wrong += hidden->y[i] != hidden->raw[i] * hidden->keep[i];
            wrong += hidden->keep[i] == 0.0f && hidden->delta[i] != 0.0f;
        }
    CHECK_NEAR((double)off / (64 * 50), 0.4, 0.04);
    CHECK(wrong == 0);
    andon_arena_free(&arena);
    free(x);
}

/* ---- against scikit-learn ---- */

enum { TRAIN = 480, TESTED = 240, OFF = 60, SEEDS = 20, D_MAX = 27 };

/* splitmix64 as a counter; tests/golden/autoencoder.py makes the same rows. */
struct numbers {
    uint64_t at;
};

static double uniform(struct numbers *g)
{
    uint64_t z = ++g->at * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double normal(struct numbers *g)
{
    double sum = 0.0;
    for (int k = 0; k < 12; k++) sum += uniform(g);
    return sum - 6.0;
}

static void plane(struct numbers *g, bool off, double *x)
{
    double s[2] = {0};
    for (int k = 0; k < 2; k++) s[k] = normal(g);
    for (int f = 0; f < 8; f++) {
        for (int k = 0; off && k < 2; k++) s[k] = normal(g);
        x[f] = s[0] * (f % 3 - 1) * 0.7 + s[1] * (f % 4 - 1.5) * 0.5 + 0.3 * normal(g);
    }
}

static void curve(struct numbers *g, bool off, double *x)
{
    double e[4], t = uniform(g) * 4.0 - 2.0;
    double u = off ? uniform(g) * 4.0 - 2.0 : t;
    for (int k = 0; k < 4; k++) e[k] = normal(g);
    x[0] = t + 0.1 * e[0];
    x[1] = u * u - 1.3 + 0.1 * e[1];
    x[2] = t * t * t * 0.3 + 0.1 * e[2];
    x[3] = 0.4 * e[3] - t;
}

static void regimes(struct numbers *g, bool off, double *x)
{
    double level = uniform(g) < 0.5 ? 1.0 : -1.0, b = normal(g), e[6];
    double sign = off ? -level : level;
    for (int k = 0; k < 6; k++) e[k] = normal(g);
    x[0] = level + 0.2 * e[0];
    x[1] = level + 0.2 * e[1];
    x[2] = b;
    x[3] = sign * b + 0.2 * e[3];
    x[4] = sign * b + 0.2 * e[4];
    x[5] = 0.5 * b + 0.2 * e[5];
}

static void signals(struct numbers *g, bool off, double *x)
{
    double s[6];
    for (int k = 0; k < 6; k++) s[k] = normal(g);
    for (int f = 0; f < 27; f++) x[f] = s[f % 6] + 0.5 * normal(g);
    if (off) {
        x[4] += 1.5;
        x[10] -= 1.5;
    }
}

static void spikes(struct numbers *g, bool off, double *x)
{
    double load = normal(g);
    for (int f = 0; f < 5; f++) x[f] = load * (0.6 + 0.1 * f) + 0.4 * normal(g);
    if (off) x[(int)(uniform(g) * 5.0)] += 1.5;
}

/* The rows of a set: TRAIN normal ones, then TESTED of which the first OFF are odd. */
static void make_set(int index, float *x)
{
    static void (*const row[])(struct numbers *, bool, double *) = {plane, curve, regimes, signals,
                                                                     spikes};
    struct numbers g = {(uint64_t)(index + 1) << 32};
    const uint32_t d = golden_auc[index].d;
    for (size_t i = 0; i < TRAIN + TESTED; i++) {
        double v[D_MAX];
        row[index](&g, i >= TRAIN && i < TRAIN + OFF, v);
        for (uint32_t j = 0; j < d; j++) x[i * d + j] = (float)v[j];
    }
}

/* The part of (odd, normal) pairs that the score puts in the right order. */
static double auc(const double *score)
{
    double right = 0.0;
    for (int i = 0; i < OFF; i++)
        for (int j = OFF; j < TESTED; j++)
            right += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
    return right / (OFF * (double)(TESTED - OFF));
}

static double auc_of_seed(const float *x, const struct golden_auc *set, uint64_t seed)
{
    const uint32_t d = set->d;
    struct detector_case c;
    double score[TESTED];
    case_open(&c, &andon_autoencoder);
    case_set(&c, "layers", set->layers);
    case_set(&c, "activation", set->activation);
    case_set(&c, "epochs", "60");
    case_set(&c, "batch", "16");
    case_set(&c, "rate", "0.003");
    case_set(&c, "steps", "0");
    case_set(&c, "validation", "0");
    if (case_fit(&c, (struct andon_rows){x, TRAIN, d}, NULL, 0, seed) != ANDON_OK) abort();
    case_score(&c, (struct andon_rows){x + TRAIN * d, TESTED, d}, score, NULL);
    case_close(&c);
    return auc(score);
}

TEST(training_ranks_like_scikit_learns_on_five_sets)
{
    static float x[(TRAIN + TESTED) * D_MAX];
    for (int s = 0; s < 5; s++) {
        const struct golden_auc *want = &golden_auc[s];
        double total = 0.0, sum = 0.0, squares = 0.0;
        make_set(s, x);
        for (size_t i = 0; i < TRAIN * want->d; i++) total += (double)x[i];
        CHECK_NEAR(total, want->sum, 1e-3); /* the rows are the same */
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            double a = auc_of_seed(x, want, seed);
            sum += a;
            squares += a * a;
        }
        double mean = sum / SEEDS;
        double variance = fmax(squares / SEEDS - mean * mean, 0.0) * SEEDS / (SEEDS - 1);
        double error = sqrt((variance + want->deviation * want->deviation) / SEEDS);
        if (getenv("TELL") != NULL)
            printf("# %s: %.4f (sd %.4f), scikit-learn %.4f (sd %.4f)\n", want->name, mean,
                   sqrt(variance), want->mean, want->deviation);
        CHECK_SAY(fabs(mean - want->mean) <= fmax(0.005, 3.0 * error),
                  "%s: AUC %.4f, scikit-learn %.4f, standard error %.4f", want->name, mean,
                  want->mean, error);
    }
}
