/* Fitting: centre and spread of every value, per regime and over all. */
#include <math.h>
#include <string.h>

#include "feature/recipe.h"

/* A regime with fewer samples than this is scaled by the global figures. */
enum { REGIME_SAMPLES_MIN = 30 };

static bool runs(const struct andon_series *s, size_t i)
{
    return s->running == NULL || s->running[i] != 0;
}

/* Fills column[n] with value number `value` of every sample; NaN where missing or not running. */
static void read_column(const struct andon_recipe *r, const struct andon_series *s, uint32_t value,
                        struct reference *reference, double *v, double *column)
{
    for (uint32_t k = 0; k < r->asofs; k++) reference[k].value = NAN;
    for (size_t i = 0; i < s->n; i++) {
        const double *sample = s->value + i * s->channels;
        if (value < r->channels) {
            column[i] = runs(s, i) && isfinite(sample[value]) ? sample[value] * r->peak[value]
                                                              : (double)NAN;
            continue;
        }
        int64_t ts_ns = s->ts_ns != NULL ? s->ts_ns[i] : (int64_t)i * ASSUMED_INTERVAL_NS;
        recipe_values(r, reference, sample, ts_ns, v);
        column[i] = runs(s, i) && isfinite(v[value]) ? v[value] : (double)NAN;
    }
}

static size_t pick(const struct andon_series *s, const double *column, int32_t regime, double *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!isnan(column[i]) && (regime < 0 || s->regime[i] == regime)) to[n++] = column[i];
    return n;
}

static void fit_value(struct andon_recipe *r, const struct andon_series *s, uint32_t value,
                      const double *column, double *sorted, size_t present)
{
    enum scale_kind kind = (enum scale_kind)r->options.scale;
    double low = sorted[0], high = sorted[0];
    for (size_t i = 1; i < present; i++) {
        low = fmin(low, sorted[i]);
        high = fmax(high, sorted[i]);
    }
    struct scale global = scale_fit(kind, sorted, present, r->options.floor, high - low);
    r->scale[(size_t)r->regimes * r->values + value] = global;
    for (uint32_t g = 0; g < r->regimes; g++) {
        size_t n = 0;
        if (r->options.per_regime && s->regime != NULL) n = pick(s, column, (int32_t)g, sorted);
        r->scale[(size_t)g * r->values + value] =
            n < REGIME_SAMPLES_MIN ? global
                                   : scale_fit(kind, sorted, n, r->options.floor, high - low);
    }
}

static const char *value_name(const struct andon_recipe *r, uint32_t value)
{
    return value < r->channels ? r->channel[value] : r->step[value - r->channels].name;
}

static andon_status fit_scales(struct andon_recipe *r, const struct andon_series *s,
                               struct andon_arena *scratch, andon_error *err)
{
    double *column = andon_arena_array(scratch, s->n, sizeof *column);
    double *sorted = andon_arena_array(scratch, s->n, sizeof *sorted);
    double *v = andon_arena_array(scratch, r->values, sizeof *v);
    struct reference *reference = andon_arena_array(scratch, r->asofs, sizeof *reference);
    if (column == NULL || sorted == NULL || v == NULL || reference == NULL)
        return andon_fail(err, ANDON_ENOMEM, "recipe: no room to sort %zu samples", s->n);
    for (uint32_t value = 0; value < r->values; value++) {
        read_column(r, s, value, reference, v, column);
        size_t present = pick(s, column, -1, sorted);
        if (present == 0)
            return andon_fail(err, ANDON_EDATA,
                              "channel \"%s\": no value in any running sample that teaches, "
                              "expected some", value_name(r, value));
        fit_value(r, s, value, column, sorted, present);
        if (!isfinite(r->scale[(size_t)r->regimes * r->values + value].spread))
            return andon_fail(err, ANDON_EDATA,
                              "channel \"%s\": values whose squares overflow, expected sizes up to "
                              "1e150", value_name(r, value));
    }
    return ANDON_OK;
}

/* The usual time between samples: the median of up to 1,000 differences spread over the series. */
static int64_t usual_interval(const struct andon_series *s)
{
    double step[1000];
    size_t n = 0, stride = s->n / 1000 + 1;
    for (size_t i = 1; i < s->n && n < 1000; i += stride)
        step[n++] = (double)s->ts_ns[i] - (double)s->ts_ns[i - 1];
    if (n == 0) return 0;
    scale_sort(step, n);
    return step[n / 2] > 0.0 ? (int64_t)fmin(step[n / 2], 9e18) : 0;
}

andon_status andon_recipe_fit(const struct andon_schema *schema, const struct andon_series *train,
                              const struct andon_recipe_options *options,
                              struct andon_arena *scratch, struct andon_arena *arena,
                              struct andon_recipe **recipe, andon_error *err)
{
    struct andon_recipe *r = andon_arena_take(arena, sizeof *r);
    if (r == NULL) return andon_fail(err, ANDON_ENOMEM, "recipe: no room");
    andon_status st = recipe_plan(r, schema, options, arena, err);
    if (st != ANDON_OK) return st;
    if (train->n == 0) return andon_fail(err, ANDON_EDATA, "no samples, expected some");
    struct andon_arena_mark mark = andon_arena_mark(scratch);
    st = fit_scales(r, train, scratch, err);
    andon_arena_rewind(scratch, mark);
    if (st == ANDON_OK) st = recipe_describe(r, arena, err);
    if (st != ANDON_OK) return st;
    if (train->ts_ns != NULL && options->gap > 0.0) {
        double gap_ns = (double)usual_interval(train) * options->gap;
        r->gap_ns = gap_ns < 9e18 ? (int64_t)gap_ns : INT64_MAX;
    }
    *recipe = r;
    return ANDON_OK;
}
