/* Distance from the centre in units of the data's own spread and correlation (Mahalanobis 1936;
 * Hotelling's T-squared), with a covariance that is shrunk so that directions nearly without
 * variance do not rule.
 *
 * Invariants:
 *   1. score = |white' (x - centre)|^2 / d; sums run over inputs in order, side by side over outputs,
 *      so a row scores the same bits in any batch.
 *   2. share_j is the positive part of (x - centre)_j (C^-1 (x - centre))_j, whose sum over j is
 *      d * score: the exact decomposition of the quadratic form.
 *   3. white is symmetric: the inverse square root of the shrunk covariance. */
#include <math.h>
#include <string.h>

#include "detect/kernel/apply.h"
#include "detect/linear.h"
#include "detect/registry.h"

enum { BLOCK_ROWS = 16 }; /* that are scored together */

enum shrinkage { SHRINK_RIDGE, SHRINK_LEDOIT_WOLF };

struct mahalanobis_options {
    int32_t shrinkage;
    double ridge;
    bool robust;
};

#define FIELD(name) offsetof(struct mahalanobis_options, name)
static const struct andon_option mahalanobis_options[] = {
    {"shrinkage", ANDON_OPTION_ENUM, FIELD(shrinkage), 0, 0, "ridge", "ridge|ledoit_wolf",
     "ridge adds a part of the mean variance to every direction; ledoit_wolf finds how much"},
    {"ridge", ANDON_OPTION_REAL, FIELD(ridge), 1e-6, 1e3, "0.2", NULL,
     "what ridge adds, as part of the mean variance"},
    {"robust", ANDON_OPTION_BOOL, FIELD(robust), 0, 0, "no", NULL,
     "learn once more without the tenth of the rows that lie farthest out"},
    {.name = NULL}};

struct mahalanobis {
    uint32_t d;
    float *centre; /* centre[d]               */
    float *white;  /* white[d][d], symmetric  */
};

struct work {
    double *mean, *cov, *vector, *value, *block;
    float *kept; /* kept[n][d]: the rows that stay in the robust fit */
};

static bool take_work(struct work *w, struct andon_rows x, bool robust, struct andon_arena *arena)
{
    size_t square = (size_t)x.d * x.d;
    w->mean = andon_arena_array(arena, x.d, sizeof *w->mean);
    w->cov = andon_arena_array(arena, square, sizeof *w->cov);
    w->vector = andon_arena_array(arena, square, sizeof *w->vector);
    w->value = andon_arena_array(arena, x.d, sizeof *w->value);
    w->block = andon_arena_array(arena, (size_t)BLOCK_ROWS * x.d, sizeof *w->block);
    w->kept = robust ? andon_arena_array(arena, x.n * x.d, sizeof *w->kept) : NULL;
    return w->mean && w->cov && w->vector && w->value && w->block && (!robust || w->kept);
}

static struct mahalanobis *take_model(uint32_t d, struct andon_arena *arena)
{
    struct mahalanobis *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return NULL;
    m->d = d;
    m->centre = andon_arena_array(arena, d, sizeof *m->centre);
    m->white = andon_arena_array(arena, (size_t)d * d, sizeof *m->white);
    return m->centre != NULL && m->white != NULL ? m : NULL;
}

/* Shrinks w->cov and turns it into the inverse square root. */
static andon_status whiten(struct mahalanobis *m, struct work *w, struct andon_rows x,
                           const struct mahalanobis_options *options, andon_error *err)
{
    uint32_t d = x.d;
    double ridge = options->ridge, mean = 0.0;
    if (options->shrinkage == SHRINK_LEDOIT_WOLF) {
        linear_shrink(w->cov, d, linear_ledoit_wolf(x, w->mean, w->cov));
        ridge = 0.0;
    }
    if (!linear_eigen(w->cov, d, w->value, w->vector, w->block))
        return andon_fail(err, ANDON_EDATA, "mahalanobis: the rows are not finite");
    for (uint32_t k = 0; k < d; k++) mean += fmax(0.0, w->value[k]) / d;
    if (!(mean > 0.0)) mean = 1.0; /* constant rows: any direction counts as it is */
    for (uint32_t k = 0; k < d; k++)
        w->value[k] = 1.0 / sqrt(fmax(w->value[k], 1e-9 * mean) + ridge * mean);
    for (uint32_t i = 0; i < d; i++)
        for (uint32_t j = 0; j < d; j++) {
            double sum = 0.0;
            for (uint32_t k = 0; k < d; k++)
                sum += w->vector[(size_t)k * d + i] * w->value[k] * w->vector[(size_t)k * d + j];
            m->white[(size_t)i * d + j] = (float)sum;
        }
    for (uint32_t j = 0; j < d; j++) m->centre[j] = (float)w->mean[j];
    return ANDON_OK;
}

_Static_assert(BLOCK_ROWS >= LINEAR_BLOCK, "the fit's working rows serve both");

/* |white' (x - centre)|^2 / d in double, for rows so far out that float overflows. */
static double far_score(const struct mahalanobis *m, const float *x)
{
    double total = 0.0;
    for (uint32_t p = 0; p < m->d; p++) {
        const float *white = m->white + (size_t)p * m->d;
        double sum = 0.0;
        for (uint32_t j = 0; j < m->d; j++)
            sum += (double)white[j] * ((double)x[j] - (double)m->centre[j]);
        total += sum * sum;
    }
    return total / m->d;
}

/* score[n]; work[BLOCK_ROWS][2 d] */
static void score_rows(const struct mahalanobis *m, struct andon_rows x, double *score, float *work,
                       enum andon_kernel kernel)
{
    const size_t d = m->d;
    float *away = work, *out = work + BLOCK_ROWS * d;
    apply_lengths apply = apply_kernel(kernel);
    for (size_t i = 0; i < x.n; i += BLOCK_ROWS) {
        size_t n = x.n - i < BLOCK_ROWS ? x.n - i : BLOCK_ROWS;
        const float *row = x.x + i * d;
        for (size_t r = 0; r < n; r++)
            for (size_t j = 0; j < d; j++) away[r * d + j] = row[r * d + j] - m->centre[j];
        apply(m->white, m->d, away, n, out, score + i);
        for (size_t r = 0; r < n; r++)
            score[i + r] =
                isfinite(score[i + r]) ? score[i + r] / m->d : far_score(m, row + r * d);
    }
}

/* Turns parts[d] into shares; parts so large that their sum overflows are scaled down first. */
static void share_out(const double *part, uint32_t d, float *share)
{
    double top = 0.0, sum = 0.0;
    for (uint32_t j = 0; j < d; j++) top = fmax(top, part[j]);
    for (uint32_t j = 0; j < d && top > 0.0; j++) sum += fmax(0.0, part[j]) / top;
    for (uint32_t j = 0; j < d; j++)
        share[j] = sum > 0.0 ? (float)(fmax(0.0, part[j]) / top / sum) : 0.0f;
}

/* (C^-1 away)_j is row j of white applied once more to white' away, in double: rows may be far out.
 * The sums run in order, over columns side by side, as white is symmetric. */
static void row_share(const struct mahalanobis *m, const float *x, double *restrict work,
                      float *share)
{
    uint32_t d = m->d;
    double *out = work, *part = work + d;
    memset(work, 0, 2 * (size_t)d * sizeof *work);
    for (uint32_t j = 0; j < d; j++) {
        const float *white = m->white + (size_t)j * d;
        double away = (double)x[j] - (double)m->centre[j];
        for (uint32_t p = 0; p < d; p++) out[p] += (double)white[p] * away;
    }
    for (uint32_t p = 0; p < d; p++) {
        const float *white = m->white + (size_t)p * d;
        double pull = out[p];
        for (uint32_t j = 0; j < d; j++) part[j] += (double)white[j] * pull;
    }
    for (uint32_t j = 0; j < d; j++) part[j] *= (double)x[j] - (double)m->centre[j];
    share_out(part, d, share);
}

static void mahalanobis_score(const void *model, void *memory, struct andon_rows x, double *score,
                              float *share, void *scratch, enum andon_kernel kernel)
{
    const struct mahalanobis *m = model;
    (void)memory;
    score_rows(m, x, score, scratch, kernel);
    for (size_t i = 0; share != NULL && i < x.n; i++) {
        if (isnan(score[i]))
            for (uint32_t j = 0; j < x.d; j++) share[i * x.d + j] = NAN;
        else
            row_share(m, x.x + i * x.d, scratch, share + i * x.d);
    }
}

/* Keeps the nine tenths of the rows that lie nearest: the quantile is found by bisection. */
static size_t keep_near(const struct mahalanobis *m, struct andon_rows x, double *score, float *kept,
                        float *work, enum andon_kernel kernel)
{
    double low = 0.0, high = 0.0;
    score_rows(m, x, score, work, kernel);
    for (size_t i = 0; i < x.n; i++) high = fmax(high, score[i]);
    for (int step = 0; step < 60; step++) {
        double middle = 0.5 * (low + high);
        size_t below = 0;
        for (size_t i = 0; i < x.n; i++) below += score[i] <= middle;
        if (below * 10 < x.n * 9) low = middle;
        else high = middle;
    }
    size_t n = 0;
    for (size_t i = 0; i < x.n; i++)
        if (score[i] <= high) memcpy(kept + n++ * x.d, x.x + i * x.d, x.d * sizeof *kept);
    return n;
}

static andon_status learn(struct mahalanobis *m, struct work *w, struct andon_rows x,
                          const struct mahalanobis_options *options, andon_error *err)
{
    linear_mean(x, w->mean);
    linear_covariance(x, w->mean, (double)x.n, w->cov, w->block);
    return whiten(m, w, x, options, err);
}

static andon_status mahalanobis_fit(const struct andon_fit *in, struct andon_arena *arena,
                                    void **model, andon_error *err)
{
    const struct mahalanobis_options *options = in->options;
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    struct work w;
    if (in->x.n < 2)
        return andon_fail(err, ANDON_EDATA, "mahalanobis: %zu rows, expected at least 2", in->x.n);
    struct mahalanobis *m = take_model(in->x.d, arena);
    if (m == NULL || !take_work(&w, in->x, options->robust, in->scratch)) {
        andon_arena_rewind(in->scratch, mark);
        return andon_fail(err, ANDON_ENOMEM, "mahalanobis: no room for %u x %u covariances",
                          in->x.d, in->x.d);
    }
    andon_status st = learn(m, &w, in->x, options, err);
    if (st == ANDON_OK && options->robust) {
        double *score = andon_arena_array(in->scratch, in->x.n, sizeof *score);
        if (score == NULL) {
            st = andon_fail(err, ANDON_ENOMEM, "mahalanobis: no room for %zu scores", in->x.n);
        } else {
            float *work = (float *)(void *)w.block;
            size_t n = keep_near(m, in->x, score, w.kept, work, in->kernel);
            st = learn(m, &w, (struct andon_rows){w.kept, n, in->x.d}, options, err);
        }
    }
    andon_arena_rewind(in->scratch, mark);
    if (st == ANDON_OK) *model = m;
    return st;
}

static size_t mahalanobis_scratch(const void *model, size_t n)
{
    (void)n;
    return ((const struct mahalanobis *)model)->d * 2 * BLOCK_ROWS * sizeof(float);
}

static void mahalanobis_save(const void *model, struct andon_writer *out)
{
    const struct mahalanobis *m = model;
    andon_put_u32(out, m->d);
    andon_put_f32s(out, m->centre, m->d);
    andon_put_f32s(out, m->white, (size_t)m->d * m->d);
}

static andon_status mahalanobis_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                                     void **model, andon_error *err)
{
    if (andon_get_u32(in) != d || andon_reader_left(in) / 4 / d < d)
        return andon_fail(err, ANDON_EFORMAT, "mahalanobis: cut, or not of %u features", d);
    struct mahalanobis *m = take_model(d, arena);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "mahalanobis: no room for %u features", d);
    andon_get_f32s(in, m->centre, d);
    andon_get_f32s(in, m->white, (size_t)d * d);
    bool good = !in->bad;
    for (uint32_t j = 0; j < d; j++) good = good && isfinite(m->centre[j]);
    for (size_t i = 0; i < (size_t)d * d; i++) good = good && isfinite(m->white[i]);
    if (!good) return andon_fail(err, ANDON_EFORMAT, "mahalanobis: cut or not finite");
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_mahalanobis = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "mahalanobis",
    .title = "Mahalanobis distance with a shrunk covariance",
    .source = "Mahalanobis 1936; Hotelling 1931; Ledoit and Wolf, J. Multivariate Analysis 2004",
    .traits = ANDON_WANTS_ROLLING,
    .options = mahalanobis_options,
    .options_bytes = sizeof(struct mahalanobis_options),
    .fit = mahalanobis_fit,
    .scratch_bytes = mahalanobis_scratch,
    .score = mahalanobis_score,
    .save = mahalanobis_save,
    .load = mahalanobis_load,
};
