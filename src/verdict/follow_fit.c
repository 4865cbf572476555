/* Learning what follow compares with: widths around the followed level, and the whitening of
 * deviations (ridge on the eigenvalues, so that directions without variance do not rule). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "detect/linear.h"
#include "feature/scale.h"
#include "verdict/follow.h"

/* Least variance of a direction, and so the largest entry of the whitening, rounding included. */
static const double variance_min = 1e-12;
#define WHITE_MAX 1.001e6f

struct work {
    struct andon_rows x;
    double *column; /* column[n]                */
    double *level;  /* level[d], being followed */
    double *most;   /* most[d]: largest step    */
};

static void measure(const struct work *w, struct follow *f)
{
    for (uint32_t j = 0; j < w->x.d; j++) {
        double mean = 0.0, squares = 0.0;
        for (size_t i = 0; i < w->x.n; i++) {
            w->column[i] = (double)w->x.x[i * w->x.d + j];
            mean += w->column[i];
        }
        mean /= (double)w->x.n;
        for (size_t i = 0; i < w->x.n; i++)
            squares += (w->column[i] - mean) * (w->column[i] - mean);
        w->most[j] = fmax(sqrt(squares / (double)w->x.n), f->options.width_min);
        scale_sort(w->column, w->x.n);
        w->level[j] = scale_quantile(w->column, w->x.n, 0.5);
    }
}

/* Follows the levels through training; deviations, not yet in units of their width, go to z. */
static void walk(const struct work *w, struct follow *f, double *squares, float *z)
{
    uint32_t d = w->x.d;
    for (uint32_t j = 0; j < d; j++) squares[j] = f->slow[j] = 0.0;
    for (size_t i = 0; i < w->x.n; i++) {
        for (uint32_t j = 0; j < d; j++) {
            double step = (double)w->x.x[i * d + j] - w->level[j];
            z[i * d + j] = (float)step;
            squares[j] += step * step;
            f->slow[j] += step;
            step = step > w->most[j] ? w->most[j] : step < -w->most[j] ? -w->most[j] : step;
            w->level[j] += step / f->options.tau;
        }
    }
    for (uint32_t j = 0; j < d; j++) {
        double mean = f->slow[j] / (double)w->x.n;
        double width = sqrt(fmax(0.0, squares[j] / (double)w->x.n - mean * mean));
        f->width[j] = fmax(width, f->options.width_min);
        f->start[j] = w->level[j];
    }
}

static void to_widths(const struct follow *f, size_t n, float *z)
{
    double c = f->options.compress;
    for (size_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < f->d; j++) {
            double v = (double)z[i * f->d + j] / f->width[j], size = fabs(v);
            z[i * f->d + j] = (float)(size <= c ? v : copysign(c * (1.0 + log(size / c)), v));
        }
}

/* Where the fast and slow means stand when training ends. */
static void end_means(const struct work *w, struct follow *f)
{
    size_t n = w->x.n, fast = n < 60 ? n : 60, slow = n < 240 ? n : 240;
    for (uint32_t j = 0; j < w->x.d; j++) {
        const float *last = w->x.x + (n - 1) * w->x.d + j;
        double sum = 0.0;
        for (size_t i = 0; i < slow; i++) {
            sum += (double)*(last - i * w->x.d);
            if (i + 1 == fast) f->fast[j] = sum / (double)fast;
        }
        f->slow[j] = sum / (double)slow;
        f->swing[j] = 0.0;
        for (size_t i = 0; i < slow; i++)
            f->swing[j] += fabs((double)*(last - i * w->x.d) - f->slow[j]);
        f->swing[j] /= (double)slow;
    }
}

static andon_status whiten(struct follow *f, struct andon_rows g, struct andon_arena *scratch,
                           andon_error *err)
{
    uint32_t d = f->d;
    size_t square = (size_t)d * d;
    double *cov = andon_arena_array(scratch, square, sizeof *cov);
    double *vector = andon_arena_array(scratch, square, sizeof *vector);
    double *value = andon_arena_array(scratch, d, sizeof *value);
    double *work = andon_arena_array(scratch, (size_t)LINEAR_BLOCK * d, sizeof *work);
    double *zero = andon_arena_array(scratch, d, sizeof *zero);
    if (cov == NULL || vector == NULL || value == NULL || work == NULL || zero == NULL)
        return andon_fail(err, ANDON_ENOMEM, "follow: no room for %u x %u covariances", d, d);
    linear_covariance(g, zero, (double)g.n, cov, work);
    if (!linear_eigen(cov, d, value, vector, work))
        return andon_fail(err, ANDON_EDATA, "follow: the features are not finite");
    double mean = 0.0;
    for (uint32_t k = 0; k < d; k++) mean += fmax(0.0, value[k]) / d;
    for (uint32_t k = 0; k < d; k++) {
        double scale = 1.0 / sqrt(fmax(0.0, value[k]) + f->options.ridge * mean + variance_min);
        for (uint32_t j = 0; j < d; j++)
            f->white[(size_t)j * d + k] = (float)(vector[(size_t)k * d + j] * scale);
    }
    return ANDON_OK;
}

static struct follow *take(uint32_t d, const struct follow_options *options,
                           struct andon_arena *arena)
{
    struct follow *f = andon_arena_take(arena, sizeof *f);
    if (f == NULL) return NULL;
    f->options = *options;
    f->d = d;
    f->limit = f->usual = INFINITY;
    f->start = andon_arena_array(arena, d, sizeof *f->start);
    f->width = andon_arena_array(arena, d, sizeof *f->width);
    f->slow = andon_arena_array(arena, d, sizeof *f->slow);
    f->fast = andon_arena_array(arena, d, sizeof *f->fast);
    f->swing = andon_arena_array(arena, d, sizeof *f->swing);
    f->white = andon_arena_array(arena, (size_t)d * d, sizeof *f->white);
    bool whole = f->start && f->width && f->slow && f->fast && f->swing && f->white;
    return whole ? f : NULL;
}

andon_status follow_fit(struct andon_rows x, const struct follow_options *options,
                        struct andon_arena *scratch, struct andon_arena *arena,
                        struct follow **follow, float *g, andon_error *err)
{
    struct andon_arena_mark mark = andon_arena_mark(scratch);
    struct follow *f = take(x.d, options, arena);
    struct work w = {.x = x,
                     .column = andon_arena_array(scratch, x.n, sizeof *w.column),
                     .level = andon_arena_array(scratch, x.d, sizeof *w.level),
                     .most = andon_arena_array(scratch, x.d, sizeof *w.most)};
    double *squares = andon_arena_array(scratch, x.d, sizeof *squares);
    if (f == NULL || w.column == NULL || w.level == NULL || w.most == NULL || squares == NULL)
        return andon_fail(err, ANDON_ENOMEM, "follow: no room for %u features", x.d);
    measure(&w, f);
    walk(&w, f, squares, g);
    to_widths(f, x.n, g);
    end_means(&w, f);
    andon_status st = whiten(f, (struct andon_rows){g, x.n, x.d}, scratch, err);
    andon_arena_rewind(scratch, mark);
    if (st == ANDON_OK) *follow = f;
    return st;
}

void follow_save(const struct follow *f, struct andon_writer *out)
{
    andon_put_f64s(out, f->start, f->d);
    andon_put_f64s(out, f->width, f->d);
    andon_put_f64s(out, f->slow, f->d);
    andon_put_f64s(out, f->fast, f->d);
    andon_put_f64s(out, f->swing, f->d);
    andon_put_f32s(out, f->white, (size_t)f->d * f->d);
    andon_put_f64(out, f->limit);
    andon_put_f64(out, f->usual);
}

/* Levels are float32 features or means of them. */
static bool all_levels(const double *v, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++)
        if (!(fabs(v[j]) <= (double)FLT_MAX)) return false;
    return true;
}

/* What a fit can give: with it, every finite row has finite deviations and distances. */
static bool is_sound(const struct follow *f)
{
    uint32_t d = f->d;
    bool good = all_levels(f->start, d) && all_levels(f->slow, d) && all_levels(f->fast, d) &&
                !isnan(f->limit) && !isnan(f->usual);
    for (uint32_t j = 0; j < d && good; j++)
        good = f->width[j] >= FOLLOW_WIDTH_MIN && f->width[j] <= 2.0 * (double)FLT_MAX &&
               f->swing[j] >= 0.0 && f->swing[j] <= 2.0 * (double)FLT_MAX;
    for (size_t i = 0; i < (size_t)d * d && good; i++) good = fabsf(f->white[i]) <= WHITE_MAX;
    return good;
}

andon_status follow_load(struct andon_reader *in, uint32_t d, const struct follow_options *options,
                         struct andon_arena *arena, struct follow **follow, andon_error *err)
{
    if (andon_reader_left(in) / 4 / d < d)
        return andon_fail(err, ANDON_EFORMAT, "follow: cut");
    struct follow *f = take(d, options, arena);
    if (f == NULL) return andon_fail(err, ANDON_ENOMEM, "follow: no room for %u features", d);
    andon_get_f64s(in, f->start, d);
    andon_get_f64s(in, f->width, d);
    andon_get_f64s(in, f->slow, d);
    andon_get_f64s(in, f->fast, d);
    andon_get_f64s(in, f->swing, d);
    andon_get_f32s(in, f->white, (size_t)d * d);
    f->limit = andon_get_f64(in);
    f->usual = andon_get_f64(in);
    if (in->bad || !is_sound(f))
        return andon_fail(err, ANDON_EFORMAT, "follow: cut or not what a fit gives");
    *follow = f;
    return ANDON_OK;
}
