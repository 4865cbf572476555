/* Logistic regression on labelled rows, binary or multinomial, with an L2 penalty: minimise
 *
 *     sum_i -log p(label_i | x_i) + |w|^2 / (2 c)        z_k = w_k . x + b_k,  p = softmax(z)
 *
 * (intercepts are free of the penalty), as scikit-learn's LogisticRegression does. The score is
 * -log p(normal) = log(1 + exp(logit)), which has no upper end: where p(normal) is 1e-40, it is 92.
 *
 * Invariants
 * 1. Rows of weights stand for the kinds that training held, ascending, normal first; with two of
 *    them, normal's row is 0. A kind that training never held has probability 0.
 * 2. The fit works on u = s w with rows centred, s the root of the penalised variance: the same
 *    minimum, but near round, so that L-BFGS takes tens of steps instead of thousands. */
#include "andon/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/descent.h"
#include "detect/kinds.h"
#include "detect/linear.h"
#include "detect/registry.h"

#define STEPS_MAX 1000
#define PRECISION 1e-9 /* stop when the slope per row is below this */
#define LANES 8u

struct logistic_options {
    double c;
    bool balanced;
};

static const struct andon_option options[] = {
    {"c", ANDON_OPTION_REAL, offsetof(struct logistic_options, c), 1e-6, 1e6, "1", NULL,
     "inverse strength of the penalty on weights; smaller is smoother"},
    {"balanced", ANDON_OPTION_BOOL, offsetof(struct logistic_options, balanced), 0, 0, "no", NULL,
     "let every kind weigh alike; probabilities then no longer match how rare faults are"},
    {.name = NULL},
};

struct logistic {
    uint32_t d, classes, kinds; /* kinds <= classes: those that training held  */
    uint32_t *kind;             /* kind[kinds], ascending, kind[0] = 0         */
    double *weight;             /* weight[kinds][d]                            */
    double *bias;               /* bias[kinds]                                 */
    double *normal;             /* normal[d], the mean of the normal rows      */
};

/* Eight interleaved lanes, added pairwise: the same order for every row. */
static double dot_row(const double *w, const float *x, uint32_t d)
{
    double lane[LANES] = {0};
    uint32_t j = 0;
    for (; j + LANES <= d; j += LANES)
        for (uint32_t k = 0; k < LANES; k++) lane[k] += w[j + k] * (double)x[j + k];
    for (uint32_t k = 0; j + k < d; k++) lane[k] += w[j + k] * (double)x[j + k];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static size_t scratch_bytes(const void *model, size_t n)
{
    const struct logistic *m = model;
    (void)n;
    return (m->kinds + (size_t)m->d) * sizeof(double);
}

/* z[kinds], and the log of the sum of exp(z) over [from, kinds). */
static double log_sum(const double *z, uint32_t from, uint32_t kinds)
{
    double top = z[from], sum = 0;
    for (uint32_t k = from + 1; k < kinds; k++) top = z[k] > top ? z[k] : top;
    for (uint32_t k = from; k < kinds; k++) sum += exp(z[k] - top);
    return top + log(sum);
}

static void logits(const struct logistic *m, const float *x, double *z)
{
    for (uint32_t k = 0; k < m->kinds; k++)
        z[k] = dot_row(m->weight + (size_t)k * m->d, x, m->d) + m->bias[k];
}

static double softplus(double v)
{
    return v > 0 ? v + log1p(exp(-v)) : log1p(exp(v));
}

/* Exact parts of z_k - z_0 against the mean normal row, for the likeliest kind of fault k. */
static void contribute(const struct logistic *m, const float *x, const double *z, double *part,
                       float *share)
{
    uint32_t best = 1, d = m->d;
    double sum = 0;
    for (uint32_t k = 2; k < m->kinds; k++)
        if (z[k] > z[best]) best = k;
    const double *fault = m->weight + (size_t)best * d;
    for (uint32_t j = 0; j < d; j++) {
        double p = (fault[j] - m->weight[j]) * ((double)x[j] - m->normal[j]);
        part[j] = p > 0 ? p : 0;
        sum += part[j];
    }
    for (uint32_t j = 0; j < d; j++) share[j] = sum > 0 ? (float)(part[j] / sum) : 0.0f;
}

static void score(const void *model, void *memory, struct andon_rows x, double *out, float *share,
                  void *scratch, enum andon_kernel kernel)
{
    const struct logistic *m = model;
    double *z = scratch, *part = z + m->kinds;
    (void)memory;
    (void)kernel;
    for (size_t i = 0; i < x.n; i++) {
        const float *row = x.x + i * m->d;
        logits(m, row, z);
        out[i] = softplus(log_sum(z, 1, m->kinds) - z[0]);
        if (share == NULL) continue;
        float *mine = share + i * m->d;
        if (isnan(out[i]))
            for (uint32_t j = 0; j < m->d; j++) mine[j] = NAN;
        else
            contribute(m, row, z, part, mine);
    }
}

static uint32_t classes(const void *model)
{
    return ((const struct logistic *)model)->classes;
}

static void classify(const void *model, struct andon_rows x, float *probability, void *scratch,
                     enum andon_kernel kernel)
{
    const struct logistic *m = model;
    double *z = scratch;
    (void)kernel;
    for (size_t i = 0; i < x.n; i++) {
        float *p = probability + i * m->classes;
        logits(m, x.x + i * m->d, z);
        double all = log_sum(z, 0, m->kinds);
        for (uint32_t k = 0; k < m->classes; k++) p[k] = isnan(all) ? NAN : 0.0f;
        for (uint32_t k = 0; k < m->kinds; k++) p[m->kind[k]] = (float)exp(z[k] - all);
    }
}

/* -- fit ----------------------------------------------------------------------------------- */

struct task {
    const struct andon_fit *in;
    struct logistic *m;
    uint32_t first; /* first kind with free weights: 1 with two kinds, else 0 */
    double c;
    const struct kinds *held;
    double *class_weight;   /* class_weight[kinds]              */
    double *mean, *stretch; /* of each feature: see invariant 2 */
    double *z;              /* z[kinds]                         */
};

/* Weights and biases of the model from the vector that the descent moves: per free kind u[d], b. */
static void unpack(const struct task *t, const double *u)
{
    struct logistic *m = t->m;
    for (uint32_t k = t->first; k < m->kinds; k++, u += m->d + 1) {
        double *w = m->weight + (size_t)k * m->d;
        for (uint32_t j = 0; j < m->d; j++) w[j] = u[j] / t->stretch[j];
        m->bias[k] = u[m->d] - linear_dot(w, t->mean, m->d);
    }
}

/* What the rows say: loss, and per free kind sum r x and sum r in slope. */
static double loss_of_rows(const struct task *t, double *slope)
{
    const struct logistic *m = t->m;
    double loss = 0;
    for (size_t i = 0; i < t->in->x.n; i++) {
        const float *x = t->in->x.x + i * m->d;
        uint32_t mine = t->held->place[t->in->label[i]];
        logits(m, x, t->z);
        double all = log_sum(t->z, 0, m->kinds), weight = t->class_weight[mine];
        loss += weight * (all - t->z[mine]);
        double *g = slope;
        for (uint32_t k = t->first; k < m->kinds; k++, g += m->d + 1) {
            double r = weight * (exp(t->z[k] - all) - (k == mine));
            for (uint32_t j = 0; j < m->d; j++) g[j] += r * (double)x[j];
            g[m->d] += r;
        }
    }
    return loss;
}

/* The objective and its slope at u, for the descent. */
static double objective(void *context, const double *u, double *slope)
{
    const struct task *t = context;
    const struct logistic *m = t->m;
    size_t width = m->d + 1u;
    unpack(t, u);
    memset(slope, 0, (m->kinds - t->first) * width * sizeof *slope);
    double value = loss_of_rows(t, slope);
    for (uint32_t k = t->first; k < m->kinds; k++, slope += width) {
        const double *w = m->weight + (size_t)k * m->d;
        for (uint32_t j = 0; j < m->d; j++) {
            value += w[j] * w[j] / (2 * t->c);
            slope[j] = (slope[j] - t->mean[j] * slope[m->d] + w[j] / t->c) / t->stretch[j];
        }
    }
    return value;
}

static bool stops(void *context, double part)
{
    const struct task *t = context;
    return andon_progress_stops(&t->in->progress, part);
}

/* Mean normal row, mean and stretch of every feature, weight of every kind. */
static void survey(struct task *t)
{
    const struct andon_rows x = t->in->x;
    const struct logistic_options *o = t->in->options;
    struct logistic *m = t->m;
    linear_mean(x, t->mean);
    for (size_t i = 0; i < x.n; i++)
        for (uint32_t j = 0; j < x.d; j++) {
            double v = (double)x.x[i * x.d + j], away = v - t->mean[j];
            t->stretch[j] += away * away;
            if (t->in->label[i] == 0) m->normal[j] += v / (double)t->held->count[0];
        }
    double n = (double)x.n;
    for (uint32_t j = 0; j < x.d; j++)
        t->stretch[j] = sqrt(t->stretch[j] / n + 4 / (t->c * n));
    for (uint32_t k = 0; k < m->kinds; k++)
        t->class_weight[k] = o->balanced ? n / (m->kinds * (double)t->held->count[m->kind[k]]) : 1;
}

static andon_status take_arrays(struct logistic *m, struct andon_arena *arena)
{
    m->kind = andon_arena_array(arena, m->kinds, sizeof *m->kind);
    m->weight = andon_arena_array(arena, (size_t)m->kinds * m->d, sizeof(double));
    m->bias = andon_arena_array(arena, m->kinds, sizeof(double));
    m->normal = andon_arena_array(arena, m->d, sizeof(double));
    bool whole = m->kind != NULL && m->weight != NULL && m->bias != NULL && m->normal != NULL;
    return whole ? ANDON_OK : ANDON_ENOMEM;
}

static andon_status learn(struct task *t, andon_error *err)
{
    struct andon_arena *scratch = t->in->scratch;
    struct logistic *m = t->m;
    size_t size = (size_t)(m->kinds - t->first) * (m->d + 1u);
    t->mean = andon_arena_array(scratch, m->d, sizeof(double));
    t->stretch = andon_arena_array(scratch, m->d, sizeof(double));
    t->z = andon_arena_array(scratch, m->kinds, sizeof(double));
    t->class_weight = andon_arena_array(scratch, m->kinds, sizeof(double));
    double *u = andon_arena_array(scratch, size, sizeof *u);
    double *room = andon_arena_array(scratch, descent_room(size), sizeof *room);
    if (t->mean == NULL || t->stretch == NULL || t->z == NULL || t->class_weight == NULL ||
        u == NULL || room == NULL)
        return andon_fail(err, ANDON_ENOMEM, "logistic: no room for %zu weights", size);
    survey(t);
    struct descent way = {.objective = objective, .stops = stops, .context = t, .size = size,
                          .steps_max = STEPS_MAX, .slope_min = PRECISION * (double)t->in->x.n};
    if (!descent_run(&way, u, room)) return andon_fail(err, ANDON_ESTOP, "logistic: stopped");
    unpack(t, u);
    return ANDON_OK;
}

static andon_status fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                        andon_error *err)
{
    const struct logistic_options *o = in->options;
    struct kinds held;
    andon_status st = kinds_survey(in, "logistic", &held, err);
    if (st != ANDON_OK) return st;
    struct logistic *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "logistic: no room for the model");
    *m = (struct logistic){.d = in->x.d, .classes = in->classes, .kinds = held.kinds};
    if (take_arrays(m, arena) != ANDON_OK)
        return andon_fail(err, ANDON_ENOMEM, "logistic: no room for %u x %u weights", m->kinds,
                          m->d);
    memcpy(m->kind, held.kind, m->kinds * sizeof *m->kind);
    struct task t = {.in = in, .m = m, .first = m->kinds == 2, .c = o->c, .held = &held};
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    st = learn(&t, err);
    andon_arena_rewind(in->scratch, mark);
    if (st == ANDON_OK) *model = m;
    return st;
}

/* -- bytes --------------------------------------------------------------------------------- */

static void save(const void *model, struct andon_writer *out)
{
    const struct logistic *m = model;
    andon_put_u32(out, m->d);
    andon_put_u32(out, m->classes);
    andon_put_u32(out, m->kinds);
    andon_put_u32s(out, m->kind, m->kinds);
    andon_put_f64s(out, m->bias, m->kinds);
    andon_put_f64s(out, m->normal, m->d);
    andon_put_f64s(out, m->weight, (size_t)m->kinds * m->d);
}

static bool within(const double *v, size_t count, double most)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(v[i]) <= most)) return false;
    return true;
}

static bool sound(const struct logistic *m)
{
    return kinds_sound(m->kind, m->kinds, m->classes) && within(m->bias, m->kinds, 1e100) &&
           within(m->normal, m->d, 1e39) && within(m->weight, (size_t)m->kinds * m->d, 1e100);
}

static andon_status load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                         void **model, andon_error *err)
{
    struct logistic head = {.d = andon_get_u32(in)};
    head.classes = andon_get_u32(in);
    head.kinds = andon_get_u32(in);
    if (in->bad || head.d != d || head.kinds < 2 || head.kinds > head.classes ||
        head.classes > ANDON_CLASSES_MAX ||
        andon_reader_left(in) / sizeof(double) < (size_t)head.kinds * d)
        return andon_fail(err, ANDON_EFORMAT, "logistic: %u of %u classes, %u features; expected "
                          "%u features", head.kinds, head.classes, head.d, d);
    struct logistic *m = andon_arena_take(arena, sizeof *m);
    if (m != NULL) *m = head;
    if (m == NULL || take_arrays(m, arena) != ANDON_OK)
        return andon_fail(err, ANDON_ENOMEM, "logistic: no room for %u x %u weights", head.kinds,
                          d);
    andon_get_u32s(in, m->kind, m->kinds);
    andon_get_f64s(in, m->bias, m->kinds);
    andon_get_f64s(in, m->normal, d);
    andon_get_f64s(in, m->weight, (size_t)m->kinds * d);
    if (in->bad || !sound(m))
        return andon_fail(err, ANDON_EFORMAT, "logistic: a figure of the model is out of range");
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_logistic = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "logistic",
    .title = "Logistic regression",
    .source = "Cox, JRSS B 20(2), 1958; L-BFGS: Liu, Nocedal 1989",
    .traits = ANDON_SUPERVISED,
    .options = options,
    .options_bytes = sizeof(struct logistic_options),
    .fit = fit,
    .scratch_bytes = scratch_bytes,
    .score = score,
    .classify = classify,
    .classes = classes,
    .save = save,
    .load = load,
};
