/* A recipe at work: one sample in, one row out.
 *
 * Memory of one machine, in this order: head, references, rings, sums, samples, working rows. It
 * holds no pointers, so that a checkpoint is a copy. */
#include "feature/recipe.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct head {
    int64_t ts_ns; /* of the last sample; INT64_MIN before the first       */
    int64_t rows;  /* samples seen since the last gap                      */
};

struct memory {
    struct head *head;
    struct reference *reference; /* [asofs]                        */
    struct window_sums *sums;    /* [values][windows]              */
    struct window_ring *ring;    /* [values]                       */
    int64_t *sample;             /* [values][window_max]           */
    double *v, *z;               /* [values] each: working rows    */
};

/* Where each part starts, in bytes from the block's start. */
struct layout {
    size_t head, reference, sums, ring, sample, v, z, end;
};

static size_t place(size_t *at, size_t bytes)
{
    size_t here = *at;
    *at += (bytes + 63) & ~(size_t)63;
    return here;
}

static struct layout lay_out(const struct andon_recipe *r)
{
    size_t at = 0, values = r->values;
    struct layout l;
    l.head = place(&at, sizeof(struct head));
    l.reference = place(&at, r->asofs * sizeof(struct reference));
    l.sums = place(&at, values * r->windows * sizeof(struct window_sums));
    l.ring = place(&at, values * sizeof(struct window_ring));
    l.sample = place(&at, values * r->window_max * sizeof(int64_t));
    l.v = place(&at, values * sizeof(double));
    l.z = place(&at, values * sizeof(double));
    l.end = at;
    return l;
}

static struct memory memory_of(const struct andon_recipe *r, void *block)
{
    struct layout l = lay_out(r);
    char *base = block;
    return (struct memory){(void *)(base + l.head), (void *)(base + l.reference),
                           (void *)(base + l.sums), (void *)(base + l.ring),
                           (void *)(base + l.sample), (void *)(base + l.v),
                           (void *)(base + l.z)};
}

size_t andon_recipe_memory_bytes(const struct andon_recipe *recipe)
{
    return lay_out(recipe).end;
}

void andon_recipe_memory_init(const struct andon_recipe *recipe, void *memory)
{
    memset(memory, 0, andon_recipe_memory_bytes(recipe));
    struct memory m = memory_of(recipe, memory);
    m.head->ts_ns = INT64_MIN;
    for (uint32_t k = 0; k < recipe->asofs; k++) m.reference[k].value = NAN;
}

/* The right operand of an as-of step: its present value, or the last one while it is fresh. */
static double referenced(const struct andon_recipe *r, struct reference *last, double now,
                         int64_t ts_ns)
{
    if (!isnan(now)) {
        last->value = now;
        last->ts_ns = ts_ns;
        return now;
    }
    double age_s = ((double)ts_ns - (double)last->ts_ns) * 1e-9;
    return age_s >= 0.0 && age_s <= r->options.asof_age_s ? last->value : (double)NAN;
}

/* What overflows is as large as a double can be; NaN stays. */
static double bounded(double v)
{
    return v > DBL_MAX ? DBL_MAX : v < -DBL_MAX ? -DBL_MAX : v;
}

void recipe_values(const struct andon_recipe *r, struct reference *reference, const double *sample,
                   int64_t ts_ns, double *v)
{
    for (uint32_t c = 0; c < r->channels; c++)
        v[c] = isfinite(sample[c]) ? bounded(sample[c] * r->peak[c]) : (double)NAN;
    for (uint32_t k = 0; k < r->steps; k++) {
        const struct step *s = &r->step[k];
        double right = v[s->right];
        if (s->op == 'a') right = referenced(r, &reference[k], right, ts_ns);
        v[r->channels + k] = bounded(step_value(s->op, v[s->left], right, RATIO_GUARD));
    }
}

/* A gap, or time that runs backwards, empties the windows: what stood before says nothing of now. */
static void follow_time(const struct andon_recipe *r, struct memory *m, int64_t ts_ns)
{
    struct head *h = m->head;
    if (r->gap_ns > 0 && h->ts_ns != INT64_MIN &&
        (ts_ns < h->ts_ns || (uint64_t)ts_ns - (uint64_t)h->ts_ns > (uint64_t)r->gap_ns)) {
        memset(m->ring, 0, r->values * sizeof *m->ring);
        memset(m->sums, 0, (size_t)r->values * r->windows * sizeof *m->sums);
        h->rows = 0;
    }
    h->ts_ns = ts_ns;
    h->rows++;
}

/* Where features end: float32 detectors can still square and add them. */
static const double feature_max = 0x1p50;

static double within_max(double feature)
{
    return feature > feature_max ? feature_max : feature < -feature_max ? -feature_max : feature;
}

/* To the nearest 2^-20: where a sum with 1.5 * 2^52 has no bits left for a fraction. */
static inline float on_grid(double feature)
{
    double units = feature * 0x1p20;
    bool near = fabs(units) < 0x1p51;
    if (!near) return (float)within_max(feature);
    double whole = copysign(units + 0x1.8p52 - 0x1.8p52, units);
    return (float)(whole * 0x1p-20);
}

static double rolling(const struct andon_recipe *r, const struct memory *m, uint32_t value,
                      uint32_t window, enum feature_kind kind)
{
    const struct window_ring *ring = &m->ring[value];
    const struct window_sums *sums = &m->sums[(size_t)value * r->windows + window];
    const int64_t *sample = &m->sample[(size_t)value * r->window_max];
    switch (kind) {
    case FEATURE_MEAN: return window_mean(ring, r->window[window], sums);
    case FEATURE_SD: return window_deviation(ring, r->window[window], sums);
    case FEATURE_DIFF: return window_difference(ring, sample, r->window_max, 1);
    case FEATURE_TREND:
        return window_difference(ring, sample, r->window_max, r->window[window] - 1);
    case FEATURE_VALUE: break;
    }
    return 0.0;
}

/* Scales v into z; a missing value stands at its window's mean, else at its centre. */
static void scale_row(const struct andon_recipe *r, struct memory *m, int32_t regime)
{
    const struct scale *scale = recipe_scale(r, 0, regime);
    double compress = r->options.compress, step = r->options.step;
    for (uint32_t i = 0; i < r->values; i++) {
        if (!isnan(m->v[i]))
            m->z[i] = scale_value(&scale[i], m->v[i], compress, step);
        else
            m->z[i] = r->windows == 0 ? 0.0
                                      : window_mean(&m->ring[i], r->window[0],
                                                    &m->sums[(size_t)i * r->windows]);
    }
}

static void roll_row(const struct andon_recipe *r, struct memory *m, bool whole)
{
    for (uint32_t i = 0; i < r->values; i++)
        if (whole || (!isnan(m->v[i]) && !r->hidden[i]))
            window_push(&m->ring[i], &m->sample[(size_t)i * r->window_max], r->window_max, r->window,
                        r->windows, &m->sums[(size_t)i * r->windows], window_sample(m->z[i]));
}

/* The values of a whole row are written already. */
static void write_row(const struct andon_recipe *r, const struct memory *m, bool whole, float *x)
{
    uint32_t j = whole ? r->values : 0;
    for (uint32_t i = 0; !whole && r->kind[FEATURE_VALUE] && i < r->values; i++)
        if (!r->hidden[i]) x[j++] = on_grid(m->z[i]);
    for (uint32_t w = 0; w < r->windows; w++)
        for (uint32_t kind = FEATURE_MEAN; kind < FEATURE_KINDS; kind++)
            for (uint32_t i = 0; r->kind[kind] && i < r->values; i++)
                if (!r->hidden[i] && (w == 0 || kind != FEATURE_DIFF))
                    x[j++] = on_grid(rolling(r, m, i, w, (enum feature_kind)kind));
    for (uint32_t k = 0; k < r->after_steps; k++) {
        const struct step *s = &r->after[k];
        x[j++] = on_grid(step_value(s->op, within_max(m->z[s->left]), within_max(m->z[s->right]),
                                    RATIO_GUARD));
    }
}

/* A channel that only serves as a reference is missing when the step that needs it found none. */
static void mark_missing(const struct andon_recipe *r, const double *v, bool whole, uint8_t *missing)
{
    if (whole) {
        memset(missing, 0, r->channels);
        return;
    }
    for (uint32_t c = 0; c < r->channels; c++) missing[c] = (uint8_t)(isnan(v[c]) ? 1 : 0);
    for (uint32_t k = 0; k < r->asofs; k++)
        if (!isnan(v[r->channels + k])) missing[r->step[k].right] = 0;
}

void andon_recipe_apply(const struct andon_recipe *r, void *memory,
                        const struct andon_series *series, float *x, uint8_t *missing)
{
    struct memory m = memory_of(r, memory);
    for (size_t i = 0; i < series->n; i++) {
        float *row = x + i * r->features;
        uint8_t *gone = missing == NULL ? NULL : missing + i * r->channels;
        int64_t ts_ns =
            series->ts_ns != NULL ? series->ts_ns[i] : m.head->rows * ASSUMED_INTERVAL_NS;
        const double *sample = series->value + i * series->channels;
        int32_t regime = series->regime != NULL ? series->regime[i] : ANDON_REGIME_UNKNOWN;
        bool off = series->running != NULL && series->running[i] == 0;
        bool whole = r->shows_all && !off &&
                     whole_row(&r->whole[recipe_regime_row(r, regime)], sample, r->values, m.z, row);
        if (!whole) recipe_values(r, m.reference, sample, ts_ns, m.v);
        if (gone != NULL) mark_missing(r, m.v, whole, gone);
        if (off) {
            memset(row, 0, r->features * sizeof *row);
            continue;
        }
        if (series->ts_ns != NULL)
            follow_time(r, &m, ts_ns);
        else
            m.head->rows++;
        if (!whole) scale_row(r, &m, regime);
        if (r->window_max > 0) roll_row(r, &m, whole);
        write_row(r, &m, whole, row);
    }
}

bool andon_recipe_warm(const struct andon_recipe *r, const void *memory)
{
    const struct head *head = memory;
    return head->rows >= (int64_t)r->window_max;
}

uint32_t andon_recipe_channels(const struct andon_recipe *recipe)
{
    return recipe->channels;
}

const char *andon_recipe_channel(const struct andon_recipe *recipe, uint32_t channel)
{
    return recipe->channel[channel];
}

uint32_t andon_recipe_regimes(const struct andon_recipe *recipe)
{
    return recipe->regimes;
}

const char *andon_recipe_regime(const struct andon_recipe *recipe, uint32_t regime)
{
    return recipe->regime[regime];
}

uint32_t andon_recipe_features(const struct andon_recipe *recipe)
{
    return recipe->features;
}

const struct andon_feature *andon_recipe_feature(const struct andon_recipe *recipe)
{
    return recipe->feature;
}

double andon_recipe_engineering(const struct andon_recipe *r, uint32_t channel, int32_t regime,
                                double z)
{
    const struct scale *s = recipe_scale(r, channel, regime);
    return scale_engineering(s, z, r->options.compress) / r->peak[channel];
}
