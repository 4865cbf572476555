/* Principal components: two questions to a row. How far out is it along the directions in which the
 * machine normally moves (Hotelling's T2), and how far off those directions (Q, the squared
 * prediction error)? With c = x - mean, kept directions p_k and their variances l_k:
 *
 *     t_k = p_k . c      T2 = sum_k t_k^2 / l_k      Q = |c|^2 - sum_k t_k^2 = |r|^2
 *
 * where r = c - sum_k t_k p_k. Each is divided by its own 99 % quantile in training, so that both
 * count alike. Contributions are exact: Q = sum_j r_j^2, T2 = sum_j c_j (sum_k p_kj t_k / l_k).
 *
 * Invariants
 * 1. Directions are orthonormal; variances and scales are positive and bounded, so that no finite
 *    float32 row overflows a double.
 * 2. A score does not depend on whether shares are asked for. */
#include "andon/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/linear.h"
#include "detect/quantile.h"
#include "detect/registry.h"

#define PCA_FEATURES_MAX 1500u /* a fit takes 4 d^3 operations and 16 d^2 bytes: 4 s, 36 MB      */
#define RANK_RATIO 1e-9        /* a direction with less of the largest variance is rounding      */
#define VARIANCE_MIN 1e-14     /* features stand on a grid of 2^-20: less is rounding as well     */
#define Q_PART_MIN 1e-6        /* least scale of Q, as part of the total variance                */
#define SCALE_QUANTILE 0.99

enum statistic { BOTH, ONLY_T2, ONLY_Q };

struct pca_options {
    double components;
    int32_t statistic;
};

static const struct andon_option options[] = {
    {"components", ANDON_OPTION_REAL, offsetof(struct pca_options, components), 0.01,
     PCA_FEATURES_MAX, "0.9", NULL, "below 1: part of the variance to keep; from 1 on: directions"},
    {"statistic", ANDON_OPTION_ENUM, offsetof(struct pca_options, statistic), 0, 0, "both",
     "both|t2|q", "t2: far out along the kept directions; q: off them; both: their scaled sum"},
    {.name = NULL},
};

struct pca {
    uint32_t d, k;
    double t2_weight, q_weight; /* 1 / scale, or 0 when the statistic is not asked for */
    double *mean;               /* mean[d]                                             */
    double *direction;          /* direction[k][d], orthonormal rows                   */
    double *precision;          /* precision[k] = 1 / variance along the direction     */
};

/* What a row becomes on its way; all in scratch. */
struct pca_row {
    double *centred;  /* centred[d]  c                        */
    double *t;        /* t[k]                                 */
    double *residual; /* residual[d] r                        */
    double *lever;    /* lever[d]    sum_k p_kj t_k / l_k     */
};

static size_t scratch_bytes(const void *model, size_t n)
{
    const struct pca *m = model;
    (void)n;
    return (3 * (size_t)m->d + m->k) * sizeof(double);
}

static struct pca_row row_in(const struct pca *m, void *scratch)
{
    struct pca_row r = {.centred = scratch};
    r.residual = r.centred + m->d;
    r.lever = r.residual + m->d;
    r.t = r.lever + m->d;
    return r;
}

static void measure(const struct pca *m, const float *x, const struct pca_row *r, double *t2,
                    double *q)
{
    for (uint32_t j = 0; j < m->d; j++) r->centred[j] = (double)x[j] - m->mean[j];
    double far = 0, kept = 0;
    for (uint32_t k = 0; k < m->k; k++) {
        double t = linear_dot(m->direction + (size_t)k * m->d, r->centred, m->d);
        r->t[k] = t;
        far += t * t * m->precision[k];
        kept += t * t;
    }
    double rest = linear_dot(r->centred, r->centred, m->d) - kept;
    *t2 = far;
    *q = rest < 0 ? 0 : rest; /* below 0 by rounding alone; a NaN stays one */
}

/* The exact contributions, weighted as the score weighs them; what pulls T2 down counts as 0. */
static void contribute(const struct pca *m, const struct pca_row *r, float *share)
{
    uint32_t d = m->d;
    double sum = 0;
    memcpy(r->residual, r->centred, d * sizeof(double));
    memset(r->lever, 0, d * sizeof(double));
    for (uint32_t k = 0; k < m->k; k++) {
        const double *p = m->direction + (size_t)k * d;
        double t = r->t[k], pull = t * m->precision[k];
        for (uint32_t j = 0; j < d; j++) {
            r->residual[j] -= t * p[j];
            r->lever[j] += pull * p[j];
        }
    }
    for (uint32_t j = 0; j < d; j++) {
        double part = m->t2_weight * r->centred[j] * r->lever[j] +
                      m->q_weight * r->residual[j] * r->residual[j];
        r->lever[j] = part > 0 ? part : 0;
        sum += r->lever[j];
    }
    for (uint32_t j = 0; j < d; j++) share[j] = sum > 0 ? (float)(r->lever[j] / sum) : 0.0f;
}

static void score(const void *model, void *memory, struct andon_rows x, double *out, float *share,
                  void *scratch, enum andon_kernel kernel)
{
    const struct pca *m = model;
    struct pca_row r = row_in(m, scratch);
    (void)memory;
    (void)kernel;
    for (size_t i = 0; i < x.n; i++) {
        double t2, q;
        measure(m, x.x + i * m->d, &r, &t2, &q);
        out[i] = m->t2_weight * t2 + m->q_weight * q;
        if (share == NULL) continue;
        float *mine = share + i * m->d;
        if (isnan(out[i]))
            for (uint32_t j = 0; j < m->d; j++) mine[j] = NAN;
        else
            contribute(m, &r, mine);
    }
}

/* -- fit ----------------------------------------------------------------------------------- */

/* How many directions to keep of those with variance[d], descending. */
static uint32_t count_kept(const struct pca_options *o, const double *variance, uint32_t d)
{
    double total = 0, sum = 0;
    uint32_t rank = 0, k = 0;
    for (uint32_t i = 0; i < d; i++) total += variance[i] > 0 ? variance[i] : 0;
    while (rank < d && variance[rank] > VARIANCE_MIN && variance[rank] > RANK_RATIO * variance[0])
        rank++;
    if (o->components >= 1)
        k = o->components < rank ? (uint32_t)o->components : rank;
    else
        while (k < rank && sum < o->components * total) sum += variance[k++];
    /* Q of everything kept is rounding: leave it something to see. */
    if (o->statistic == ONLY_Q && k == d) k--;
    return k;
}

static andon_status take_arrays(struct pca *m, struct andon_arena *arena)
{
    m->mean = andon_arena_array(arena, m->d, sizeof(double));
    m->direction = andon_arena_array(arena, (size_t)m->k * m->d, sizeof(double));
    m->precision = andon_arena_array(arena, m->k, sizeof(double));
    bool whole = m->mean != NULL && m->direction != NULL && m->precision != NULL;
    return whole ? ANDON_OK : ANDON_ENOMEM;
}

/* Weights of the two statistics from their spread over the training rows. */
static andon_status weigh(struct pca *m, const struct andon_fit *in, double total)
{
    const struct pca_options *o = in->options;
    double *t2 = andon_arena_array(in->scratch, in->x.n, sizeof *t2);
    double *q = andon_arena_array(in->scratch, in->x.n, sizeof *q);
    void *room = andon_arena_take(in->scratch, scratch_bytes(m, 1));
    if (t2 == NULL || q == NULL || room == NULL) return ANDON_ENOMEM;
    struct pca_row r = row_in(m, room);
    for (size_t i = 0; i < in->x.n; i++) measure(m, in->x.x + i * m->d, &r, &t2[i], &q[i]);
    quantile_sort(t2, in->x.n);
    quantile_sort(q, in->x.n);
    double t2_scale = m->k == 0 ? 1 : quantile_of(t2, in->x.n, SCALE_QUANTILE);
    double q_scale = quantile_of(q, in->x.n, SCALE_QUANTILE);
    t2_scale = fmax(t2_scale, 1e-6);
    q_scale = fmax(q_scale, fmax(Q_PART_MIN * total, VARIANCE_MIN));
    m->t2_weight = o->statistic == ONLY_Q ? 0 : 1 / t2_scale;
    m->q_weight = o->statistic == ONLY_T2 ? 0 : 1 / q_scale;
    return ANDON_OK;
}

struct spectrum {
    double *mean, *matrix, *value, *vector, *work;
    double total; /* variance over all directions */
};

static andon_status decompose(const struct andon_fit *in, struct spectrum *s, andon_error *err)
{
    size_t d = in->x.d;
    s->mean = andon_arena_array(in->scratch, d, sizeof(double));
    s->value = andon_arena_array(in->scratch, d, sizeof(double));
    s->matrix = andon_arena_array(in->scratch, d * d, sizeof(double));
    s->vector = andon_arena_array(in->scratch, d * d, sizeof(double));
    s->work = andon_arena_array(in->scratch, LINEAR_BLOCK * d, sizeof(double));
    if (s->mean == NULL || s->value == NULL || s->matrix == NULL || s->vector == NULL ||
        s->work == NULL)
        return andon_fail(err, ANDON_ENOMEM, "pca: no room for two matrices of %zu x %zu", d, d);
    linear_mean(in->x, s->mean);
    linear_covariance(in->x, s->mean, (double)in->x.n - 1, s->matrix, s->work);
    if (andon_progress_stops(&in->progress, 0.3))
        return andon_fail(err, ANDON_ESTOP, "pca: stopped");
    if (!linear_eigen(s->matrix, in->x.d, s->value, s->vector, s->work))
        return andon_fail(err, ANDON_EDATA, "pca: the covariance has no eigenvectors");
    for (size_t j = 0; j < d; j++) s->total += s->value[j] > 0 ? s->value[j] : 0;
    return ANDON_OK;
}

static andon_status fit_in(const struct andon_fit *in, struct andon_arena *arena, void **model,
                           andon_error *err)
{
    struct spectrum s = {0};
    andon_status st = decompose(in, &s, err);
    if (st != ANDON_OK) return st;
    struct pca *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "pca: no room for the model");
    m->d = in->x.d;
    m->k = count_kept(in->options, s.value, m->d);
    if (take_arrays(m, arena) != ANDON_OK)
        return andon_fail(err, ANDON_ENOMEM, "pca: no room for %u directions", m->k);
    memcpy(m->mean, s.mean, m->d * sizeof(double));
    if (m->k > 0) memcpy(m->direction, s.vector, (size_t)m->k * m->d * sizeof(double));
    for (uint32_t k = 0; k < m->k; k++) m->precision[k] = 1 / s.value[k];
    if (andon_progress_stops(&in->progress, 0.6))
        return andon_fail(err, ANDON_ESTOP, "pca: stopped");
    if (weigh(m, in, s.total) != ANDON_OK)
        return andon_fail(err, ANDON_ENOMEM, "pca: no room for %zu training scores", in->x.n);
    *model = m;
    return ANDON_OK;
}

static andon_status fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                        andon_error *err)
{
    if (in->x.n < 2)
        return andon_fail(err, ANDON_EDATA, "pca: %zu rows, at least 2 are needed", in->x.n);
    if (in->x.d > PCA_FEATURES_MAX)
        return andon_fail(err, ANDON_ELIMIT, "pca: %u features, at most %u; use fewer rolling "
                          "figures or another detector", in->x.d, PCA_FEATURES_MAX);
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    andon_status st = fit_in(in, arena, model, err);
    andon_arena_rewind(in->scratch, mark);
    return st;
}

/* -- bytes --------------------------------------------------------------------------------- */

static void save(const void *model, struct andon_writer *out)
{
    const struct pca *m = model;
    andon_put_u32(out, m->d);
    andon_put_u32(out, m->k);
    andon_put_f64(out, m->t2_weight);
    andon_put_f64(out, m->q_weight);
    andon_put_f64s(out, m->mean, m->d);
    andon_put_f64s(out, m->precision, m->k);
    andon_put_f64s(out, m->direction, (size_t)m->k * m->d);
}

static bool within(const double *v, size_t count, double low, double high)
{
    for (size_t i = 0; i < count; i++)
        if (!(v[i] >= low && v[i] <= high)) return false;
    return true;
}

static bool sound(const struct pca *m)
{
    return within(&m->t2_weight, 1, 0, 1e7) && within(&m->q_weight, 1, 0, 1e15) &&
           within(m->mean, m->d, -1e39, 1e39) && within(m->precision, m->k, 1e-90, 1e15) &&
           within(m->direction, (size_t)m->k * m->d, -1.001, 1.001);
}

static andon_status load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                         void **model, andon_error *err)
{
    struct pca head = {.d = andon_get_u32(in)};
    head.k = andon_get_u32(in);
    head.t2_weight = andon_get_f64(in);
    head.q_weight = andon_get_f64(in);
    size_t wire = sizeof(double) * ((size_t)d + head.k + (size_t)head.k * d);
    if (in->bad || head.d != d || d > PCA_FEATURES_MAX || head.k > d ||
        andon_reader_left(in) < wire)
        return andon_fail(err, ANDON_EFORMAT, "pca: %u directions of %u features, expected %u "
                          "features", head.k, head.d, d);
    struct pca *m = andon_arena_take(arena, sizeof *m);
    if (m != NULL) *m = head;
    if (m == NULL || take_arrays(m, arena) != ANDON_OK)
        return andon_fail(err, ANDON_ENOMEM, "pca: no room for %u directions", head.k);
    andon_get_f64s(in, m->mean, d);
    andon_get_f64s(in, m->precision, m->k);
    andon_get_f64s(in, m->direction, (size_t)m->k * d);
    if (in->bad || !sound(m))
        return andon_fail(err, ANDON_EFORMAT, "pca: a figure of the model is out of its range");
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_pca = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "pca",
    .title = "Principal components: T2 and Q",
    .source = "Jackson, Mudholkar, Technometrics 21(3), 1979",
    .options = options,
    .options_bytes = sizeof(struct pca_options),
    .fit = fit,
    .scratch_bytes = scratch_bytes,
    .score = score,
    .save = save,
    .load = load,
};
