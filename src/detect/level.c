/* One channel by itself: has it done this before? Three questions about every value, each answered
 * on one scale, -log10 of how likely normal would go so far, so that the tail keeps its resolution:
 *
 *   drift        the mean of the last `short` rows against all rows remembered before them; its
 *                distance in deviations has a tail that is far from Gaussian on machines, so its
 *                likelihood is exponential around what that distance has been so far
 *   subsequence  the last `length` rows against every earlier run of as many rows remembered; how
 *                far the nearest one is has a Gaussian likelihood around what it has been so far
 *   extreme      a value beyond all n rows remembered: 1 / (n + 1), less with the distance
 *
 * A feature's score is the largest of the three. The detector tells onsets: a row that is not above
 * every row of the last `quiet` ones is an echo of what was told already, and counts a thousandth.
 *
 * Invariants:
 *   1. a trace holds at most `memory` values before the present one; everything is computed from
 *      those in order of time, so that it does not matter where in the buffer they stand.
 *   2. the model is the trace that training left behind: scoring goes on from there. */
#include "detect/level.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "detect/kernel/history.h"
#include "detect/registry.h"

#define DEVIATION_MIN 0.1 /* least deviation, in scaled units                                     */
#define OUTLIER 20.0      /* deviations from its mean at which a figure is cut before it is learned */
#define OUTLIER_AFTER 100 /* ... once so many figures are known                                   */
#define HORIZON 65536     /* figures after which the weight of the newest falls no further        */
#define EXTREME_STEP 5.0  /* what a new extreme by the whole former range adds                    */
#define ECHO 0.001
#define DRIFT_ROWS_MIN 30

/* -- statistics --------------------------------------------------------------------------------- */

/* The hot loops of one instruction set. */
struct loops {
    double (*nearest)(const float *value, size_t n, size_t length);
    struct history_moments (*moments)(const float *value, size_t n);
    struct history_range (*range)(const float *value, size_t n);
};

#define LOOPS(suffix) {history_nearest_##suffix, history_moments_##suffix, history_range_##suffix}

static struct loops loops_of(enum andon_kernel kernel)
{
    switch (kernel) {
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX2: return (struct loops)LOOPS(avx2);
    case ANDON_KERNEL_AVX512: return (struct loops)LOOPS(avx512);
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: return (struct loops)LOOPS(neon);
#endif
    default: return (struct loops)LOOPS(plain);
    }
}

/* -log10 of the chance that a standard normal value lies beyond -z or z. Where erfc nears the least
 * double, its asymptotic series goes on. */
static double gaussian_tail(double z)
{
    static const double ln10 = 2.302585092994046, half_ln_half_pi = 0.22579135264472744;
    if (!(z > 0.0)) return 0.0;
    if (z < 30.0) return -log10(erfc(z * 0.7071067811865476));
    double r = 1.0 / (z * z), series = r * (-1.0 + r * (3.0 - 15.0 * r));
    return (0.5 * z * z + log(z) + half_ln_half_pi - log1p(series)) / ln10;
}

static double deviation(const struct level_figure *f)
{
    return fmax(sqrt(f->variance), DEVIATION_MIN);
}

/* The k-th figure weighs in proportion to k: the first ones, when hardly anything was remembered, are
 * soon outweighed. */
static void figure_learn(struct level_figure *f, double v)
{
    if (f->n > OUTLIER_AFTER) v = fmin(v, f->mean + OUTLIER * deviation(f));
    if (f->n < HORIZON) f->n++;
    double weight = 2.0 / ((double)f->n + 1.0), e = v - f->mean;
    f->mean += weight * e;
    f->variance = (1.0 - weight) * (f->variance + weight * e * e);
}

/* How much more than usual v is, in deviations of what it has been; 0 if it is not. */
static double unusual(const struct level_figure *f, double v)
{
    return fmax(0.0, (v - f->mean) / deviation(f));
}

/* value[n]: what is remembered, the present value last. */
static double drift(struct level_figure *f, const struct level_shape *s, const float *value, size_t n,
                    const struct loops *loops)
{
    double sum = 0.0;
    if (n < s->recent + DRIFT_ROWS_MIN) return 0.0;
    for (size_t i = n - s->recent; i < n; i++) sum += (double)value[i];
    struct history_moments before = loops->moments(value, n - s->recent);
    double z = fabs(sum / (double)s->recent - before.mean) /
               fmax(sqrt(before.variance), DEVIATION_MIN);
    double told = unusual(f, z) / 2.302585092994046;
    figure_learn(f, z);
    return told;
}

static double subsequence(struct level_figure *f, const struct level_shape *s, const float *value,
                          size_t n, const struct loops *loops)
{
    if (n < 2 * s->length) return 0.0;
    double nearest = sqrt(loops->nearest(value, n, s->length));
    double told = gaussian_tail(unusual(f, nearest));
    figure_learn(f, nearest);
    return told;
}

static double extreme(const float *value, size_t n, const struct loops *loops)
{
    if (n < 2) return 0.0;
    struct history_range before = loops->range(value, n - 1);
    double x = (double)value[n - 1], low = (double)before.low, high = (double)before.high;
    double beyond = fmax(x - high, low - x);
    if (!(beyond > 0.0)) return 0.0;
    return log10((double)n) + EXTREME_STEP * beyond / fmax(high - low, DEVIATION_MIN);
}

/* -- traces ------------------------------------------------------------------------------------- */

size_t level_trace_bytes(const struct level_shape *s)
{
    size_t bytes = sizeof(struct level_trace) + s->quiet * sizeof(double) +
                   (s->memory + LEVEL_SLACK) * sizeof(float);
    return (bytes + 7) / 8 * 8;
}

double *level_peaks(struct level_trace *t)
{
    return (double *)(t + 1);
}

float *level_values(const struct level_shape *s, struct level_trace *t)
{
    return (float *)(level_peaks(t) + s->quiet);
}

static struct level_trace *trace_at(const struct level_shape *s, void *memory, uint32_t feature)
{
    return (struct level_trace *)((char *)memory + feature * level_trace_bytes(s));
}

/* Appends x; gives what is remembered of at most memory values before it, and x. */
static const float *remember(const struct level_shape *s, struct level_trace *t, float x, size_t *n)
{
    float *value = level_values(s, t);
    if (t->fill == s->memory + LEVEL_SLACK) {
        memmove(value, value + t->fill - s->memory, s->memory * sizeof *value);
        t->fill = s->memory;
    }
    value[t->fill++] = x;
    *n = t->fill <= s->memory ? (size_t)t->fill : (size_t)s->memory + 1;
    return value + t->fill - *n;
}

/* An echo of a peak within the last `quiet` rows is told softly. */
static double echo(const struct level_shape *s, struct level_trace *t, double raw)
{
    double *peak = level_peaks(t), highest = -1.0;
    if (s->quiet == 0) return raw;
    for (uint32_t i = 0; i < s->quiet; i++) highest = fmax(highest, peak[i]);
    peak[t->turn] = raw;
    t->turn = (t->turn + 1) % s->quiet;
    return raw > highest ? raw : raw * ECHO;
}

double level_step(const struct level_shape *s, struct level_trace *t, float x,
                  enum andon_kernel kernel)
{
    size_t n;
    struct loops loops = loops_of(kernel);
    const float *value = remember(s, t, x, &n);
    double a = drift(&t->drift, s, value, n, &loops);
    double b = subsequence(&t->nearest, s, value, n, &loops);
    double c = extreme(value, n, &loops);
    return echo(s, t, fmax(a, fmax(b, c)));
}

/* -- score -------------------------------------------------------------------------------------- */

static size_t level_memory_bytes(const void *model)
{
    const struct level *m = model;
    return m->d * level_trace_bytes(&m->shape);
}

static void level_memory_init(const void *model, void *memory)
{
    const struct level *m = model;
    memset(memory, 0, level_memory_bytes(model));
    for (uint32_t j = 0; j < m->d; j++) {
        const struct level_start *start = &m->start[j];
        struct level_trace *t = trace_at(&m->shape, memory, j);
        t->drift = start->drift;
        t->nearest = start->nearest;
        t->fill = start->values;
        memcpy(level_peaks(t), start->peak, m->shape.quiet * sizeof(double));
        memcpy(level_values(&m->shape, t), start->value, start->values * sizeof(float));
    }
}

static size_t level_scratch(const void *model, size_t n)
{
    (void)n;
    return ((const struct level *)model)->d * sizeof(double);
}

/* Squares, so that one loud feature is not drowned by many that whisper. */
static void share_row(uint32_t d, bool judged, const double *told, float *share)
{
    double sum = 0.0;
    for (uint32_t j = 0; j < d; j++) sum += told[j] * told[j];
    for (uint32_t j = 0; j < d; j++)
        share[j] = !judged ? NAN : sum > 0.0 ? (float)(told[j] * told[j] / sum) : 0.0f;
}

static void level_score(const void *model, void *memory, struct andon_rows x, double *score,
                        float *share, void *scratch, enum andon_kernel kernel)
{
    const struct level *m = model;
    double *told = scratch;
    assert(x.d == m->d);
    for (size_t i = 0; i < x.n; i++) {
        const float *row = x.x + i * x.d;
        bool judged = true;
        for (uint32_t j = 0; j < m->d; j++) judged = judged && !isnan(row[j]);
        score[i] = judged ? 0.0 : NAN;
        for (uint32_t j = 0; j < m->d && judged; j++) {
            told[j] = level_step(&m->shape, trace_at(&m->shape, memory, j), row[j], kernel);
            score[i] = fmax(score[i], told[j]);
        }
        if (share == NULL) continue;
        if (!judged) memset(told, 0, m->d * sizeof *told);
        share_row(m->d, judged, told, share + i * x.d);
    }
}

const struct andon_detector andon_level = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "level",
    .title = "Level, shape and extremes of single channels",
    .source = "Lavin, Ahmad, ICMLA 2015 (likelihood of rolling figures, NAB); Keogh, Lin, Fu, ICDM "
              "2005 (discords)",
    .traits = ANDON_ONE_FEATURE | ANDON_WANTS_PLAIN | ANDON_TAIL_SCORE,
    .options = level_options,
    .options_bytes = sizeof(struct level_options),
    .fit = level_fit,
    .memory_bytes = level_memory_bytes,
    .memory_init = level_memory_init,
    .scratch_bytes = level_scratch,
    .score = level_score,
    .save = level_save,
    .load = level_load,
};
