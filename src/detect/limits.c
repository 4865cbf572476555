/* What shop-floor people already know: limits, rates of change and control charts, for each feature
 * by itself. Every rule gives statistic / limit, so that 1 means that the rule is just reached; a
 * row's score is the largest of them.
 *
 * Machine data is autocorrelated, and textbook limits of charts that assume independent rows would
 * ring all day. So no rule's limit is tighter than what the rule's own statistic reached in
 * training: limit = max(textbook limit, (1 + margin) * quantile over the training run).
 *
 * Invariants:
 *   1. every width, scale and limit of a model is finite and positive, so a ratio is finite.
 *   2. the memory holds what the charts reached only up to twice their limit: one wild row cannot
 *      silence or deafen a chart for long. The score itself is taken before that cut. */
#include "andon/detector.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/quantile.h"
#include "detect/registry.h"

enum rule { THRESHOLD, RATE, EWMA, CUSUM, SIGMA, RULES };

#define SCALE_MIN 0.1    /* least deviation, in scaled units: a channel that stood still       */
#define WIDTH_MIN 0.1    /* least distance from the middle to a limit, in scaled units         */
#define FIGURE_MIN 1e-60 /* bounds of a model's widths, scales and limits: with any float32  */
#define FIGURE_MAX 1e60  /* value between them, no ratio overflows                           */

struct limits_options {
    char limits[ANDON_OPTION_TEXT], rates[ANDON_OPTION_TEXT];
    bool on[RULES];
    double quantile, margin, lambda, width, slack, decision, sigmas;
};

#define FIELD(name) (uint32_t) offsetof(struct limits_options, name)

static const struct andon_option options[] = {
    {"limits", ANDON_OPTION_LINE, FIELD(limits), 0, 0, "", NULL,
     "known limits in engineering units, low:high, either may be empty: vibration=:7.1;oil=10:80"},
    {"rates", ANDON_OPTION_LINE, FIELD(rates), 0, 0, "", NULL,
     "known largest change per row in engineering units: oil=0.5;vibration=2"},
    {"threshold", ANDON_OPTION_BOOL, FIELD(on[THRESHOLD]), 0, 0, "yes", NULL,
     "rule: outside the known or learned limits"},
    {"rate", ANDON_OPTION_BOOL, FIELD(on[RATE]), 0, 0, "yes", NULL,
     "rule: changes faster from row to row than known or learned"},
    {"ewma", ANDON_OPTION_BOOL, FIELD(on[EWMA]), 0, 0, "yes", NULL,
     "rule: exponentially weighted mean off its centre"},
    {"cusum", ANDON_OPTION_BOOL, FIELD(on[CUSUM]), 0, 0, "yes", NULL,
     "rule: cumulative sum of deviations, to both sides"},
    {"sigma", ANDON_OPTION_BOOL, FIELD(on[SIGMA]), 0, 0, "yes", NULL,
     "rule: too many deviations from the regime's centre"},
    {"quantile", ANDON_OPTION_REAL, FIELD(quantile), 0.5, 1, "0.999", NULL,
     "part of training that lies within a learned limit before its margin"},
    {"margin", ANDON_OPTION_REAL, FIELD(margin), 0, 10, "0.1", NULL,
     "how much farther out than that quantile a learned limit stands"},
    {"lambda", ANDON_OPTION_REAL, FIELD(lambda), 0.001, 1, "0.2", NULL,
     "EWMA: weight of the newest row"},
    {"width", ANDON_OPTION_REAL, FIELD(width), 0.1, 100, "3", NULL,
     "EWMA: control limit in deviations of the weighted mean"},
    {"slack", ANDON_OPTION_REAL, FIELD(slack), 0, 100, "0.5", NULL,
     "CUSUM: deviation that does not count (k)"},
    {"decision", ANDON_OPTION_REAL, FIELD(decision), 0.1, 1000, "5", NULL,
     "CUSUM: sum that is too much (h)"},
    {"sigmas", ANDON_OPTION_REAL, FIELD(sigmas), 0.1, 100, "3", NULL,
     "deviations from the centre that are too many"},
    {.name = NULL},
};

/* One feature's rules, in scaled units. A side without a limit has width 0. */
struct gauge {
    double middle, scale;
    double low, low_width, high, high_width;
    double limit[RULES]; /* of the statistic; [THRESHOLD] is always 1 */
};
enum { GAUGE_FIGURES = 6 + RULES };

/* One feature's memory. */
struct trace {
    double before, ewma, up, down;
};

struct limits {
    uint32_t d, on; /* on: bit per rule */
    double lambda, slack;
    struct gauge *gauge; /* gauge[d] */
};

/* The flat block that score carries from row to row. */
struct memory {
    uint64_t started;
    struct trace trace[]; /* trace[d] */
};

/* The rules' statistics of one value, before they are divided by their limits. */
static void measure(const struct limits *m, const struct gauge *g, const struct trace *t,
                    bool started, double x, double stat[RULES])
{
    double z = (x - g->middle) / g->scale;
    double above = g->high_width > 0.0 ? 1.0 + (x - g->high) / g->high_width : 0.0;
    double below = g->low_width > 0.0 ? 1.0 + (g->low - x) / g->low_width : 0.0;
    stat[THRESHOLD] = fmax(0.0, fmax(above, below));
    stat[RATE] = started ? fabs(x - t->before) : 0.0;
    stat[EWMA] = fabs((1.0 - m->lambda) * t->ewma + m->lambda * z);
    stat[CUSUM] = fmax(0.0, fmax(t->up + z, t->down - z) - m->slack);
    stat[SIGMA] = fabs(z);
}

static double clip(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* What is kept of a row for the next; ewma_max and sum_max are twice the limits when scoring. */
static void keep(const struct limits *m, const struct gauge *g, struct trace *t, double x,
                 double ewma_max, double sum_max)
{
    double z = (x - g->middle) / g->scale;
    t->before = x;
    t->ewma = clip((1.0 - m->lambda) * t->ewma + m->lambda * z, -ewma_max, ewma_max);
    t->up = clip(t->up + z - m->slack, 0.0, sum_max);
    t->down = clip(t->down - z - m->slack, 0.0, sum_max);
}

/* The largest statistic / limit among the rules that are on. */
static double reached(const struct limits *m, const struct gauge *g, const double stat[RULES])
{
    double most = 0.0;
    for (int r = 0; r < RULES; r++)
        if (m->on >> r & 1u) most = fmax(most, stat[r] / g->limit[r]);
    return most;
}

/* -- fit ---------------------------------------------------------------------------------------- */

/* Compressed as the recipe compresses: linear up to c, logarithmic beyond; c = 0: never. */
static double scaled(const struct andon_feature *f, double value)
{
    double x = (value - f->centre) / f->spread, size = fabs(x), c = f->compress;
    return c > 0.0 && size > c ? copysign(c * (1.0 + log(size / c)), x) : x;
}

static double farther(double distance)
{
    return fmax(distance, WIDTH_MIN);
}

/* The learned limits, and the textbook limits of the charts. v[n] is scratch. */
static void learn_gauge(struct gauge *g, const struct limits_options *o, struct andon_rows x,
                        uint32_t j, double *v)
{
    for (size_t i = 0; i < x.n; i++) v[i] = (double)x.x[i * x.d + j];
    quantile_sort(v, x.n);
    g->middle = quantile_of(v, x.n, 0.5);
    double low = quantile_of(v, x.n, 1.0 - o->quantile), high = quantile_of(v, x.n, o->quantile);
    g->low_width = farther((g->middle - low) * (1.0 + o->margin));
    g->high_width = farther((high - g->middle) * (1.0 + o->margin));
    g->low = g->middle - g->low_width;
    g->high = g->middle + g->high_width;
    g->scale = fmax(quantile_deviation(v, x.n, g->middle), SCALE_MIN);
    g->limit[THRESHOLD] = 1.0;
    g->limit[RATE] = WIDTH_MIN;
    g->limit[EWMA] = o->width * sqrt(o->lambda / (2.0 - o->lambda));
    g->limit[CUSUM] = o->decision;
    g->limit[SIGMA] = o->sigmas;
}

/* Runs the feature's training rows through one rule and widens its limit to what they reached. */
static void widen(const struct limits *m, struct gauge *g, const struct limits_options *o,
                  struct andon_rows x, uint32_t j, enum rule rule, double *v)
{
    struct trace t = {0};
    for (size_t i = 0; i < x.n; i++) {
        double stat[RULES], value = (double)x.x[i * x.d + j];
        measure(m, g, &t, i > 0, value, stat);
        keep(m, g, &t, value, FIGURE_MAX, FIGURE_MAX);
        v[i] = stat[rule];
    }
    quantile_sort(v, x.n);
    g->limit[rule] = fmax(g->limit[rule], (1.0 + o->margin) * quantile_of(v, x.n, o->quantile));
}

/* One "name=value" of a list: where it starts, and how long its parts are. */
struct entry {
    const char *name, *value;
    size_t name_length, value_length;
};

/* The next entry of "a=1;b=2", moving *at past it; false at the end of the list. */
static bool entry_next(const char **at, struct entry *e)
{
    while (**at == ';' || **at == ' ') (*at)++;
    if (**at == 0) return false;
    size_t length = strcspn(*at, ";"), name = strcspn(*at, "=;");
    e->name = *at;
    e->name_length = name;
    e->value = *at + (name < length ? name + 1 : length);
    e->value_length = name < length ? length - name - 1 : 0;
    *at += length;
    return true;
}

/* Reads length characters as one finite number; false when they are not. */
static bool number_of(const char *text, size_t length, double *value)
{
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy) return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    *value = strtod(copy, &end);
    return *end == 0 && isfinite(*value);
}

/* The feature that an entry names, if it maps to engineering units. */
static andon_status entry_feature(const struct andon_fit *in, const struct entry *e, uint32_t *j,
                                  andon_error *err)
{
    for (*j = 0; in->feature != NULL && *j < in->x.d; (*j)++) {
        const struct andon_feature *f = &in->feature[*j];
        if (strlen(f->name) != e->name_length || memcmp(f->name, e->name, e->name_length) != 0)
            continue;
        if (f->spread > 0.0 && isfinite(f->spread) && isfinite(f->centre)) return ANDON_OK;
        return andon_fail(err, ANDON_EINVAL,
                          "limits: %s has no single scale to engineering units (scaled per regime, "
                          "constant or derived)", f->name);
    }
    return andon_fail(err, ANDON_EINVAL, "limits: there is no feature named \"%.*s\"",
                      (int)e->name_length, e->name);
}

/* A known limit replaces the learned one. Where it stands on the far side of normal, normal itself
 * is beyond it. */
static void set_limit(struct gauge *g, const struct andon_feature *f, const double *low,
                      const double *high)
{
    g->low_width = g->high_width = 0.0;
    if (low != NULL) {
        g->low = scaled(f, *low);
        g->low_width = farther(g->middle - g->low);
    }
    if (high != NULL) {
        g->high = scaled(f, *high);
        g->high_width = farther(g->high - g->middle);
    }
}

static andon_status known_limits(const struct limits *m, const struct andon_fit *in,
                                 const char *list, andon_error *err)
{
    struct entry e;
    while (entry_next(&list, &e)) {
        uint32_t j;
        andon_status st = entry_feature(in, &e, &j, err);
        if (st != ANDON_OK) return st;
        const char *colon = memchr(e.value, ':', e.value_length);
        size_t before = colon == NULL ? 0 : (size_t)(colon - e.value);
        size_t after = colon == NULL ? 0 : e.value_length - before - 1;
        double low = -HUGE_VAL, high = HUGE_VAL;
        bool ok = colon != NULL && before + after > 0 &&
                  (before == 0 || number_of(e.value, before, &low)) &&
                  (after == 0 || number_of(colon + 1, after, &high)) && low < high;
        if (!ok)
            return andon_fail(err, ANDON_EINVAL,
                              "limits: %s=%.*s: expected low:high, :high or low:",
                              in->feature[j].name, (int)e.value_length, e.value);
        set_limit(&m->gauge[j], &in->feature[j], before > 0 ? &low : NULL,
                  after > 0 ? &high : NULL);
    }
    return ANDON_OK;
}

static andon_status known_rates(const struct limits *m, const struct andon_fit *in,
                                const char *list, andon_error *err)
{
    struct entry e;
    while (entry_next(&list, &e)) {
        uint32_t j;
        double most;
        andon_status st = entry_feature(in, &e, &j, err);
        if (st != ANDON_OK) return st;
        if (!number_of(e.value, e.value_length, &most) || !(most > 0.0))
            return andon_fail(err, ANDON_EINVAL, "rates: %s=%.*s: expected a change above 0",
                              in->feature[j].name, (int)e.value_length, e.value);
        m->gauge[j].limit[RATE] = most / in->feature[j].spread;
    }
    return ANDON_OK;
}

static bool within(double size)
{
    return size >= FIGURE_MIN && size <= FIGURE_MAX;
}

static bool figures_ok(const struct gauge *g)
{
    bool ok = fabs(g->middle) <= FIGURE_MAX && fabs(g->low) <= FIGURE_MAX &&
              fabs(g->high) <= FIGURE_MAX && within(g->scale) &&
              (g->low_width == 0.0 || within(g->low_width)) &&
              (g->high_width == 0.0 || within(g->high_width));
    for (int r = 0; r < RULES; r++) ok = ok && within(g->limit[r]);
    return ok;
}

static andon_status learn(const struct andon_fit *in, const struct limits *m, andon_error *err)
{
    const struct limits_options *o = in->options;
    double *v = andon_arena_array(in->scratch, in->x.n, sizeof *v);
    if (v == NULL) return andon_fail(err, ANDON_ENOMEM, "limits: no room for a training column");
    for (uint32_t j = 0; j < in->x.d; j++) {
        if (andon_progress_stops(&in->progress, (double)j / (double)in->x.d))
            return andon_fail(err, ANDON_ESTOP, "limits: asked to stop");
        learn_gauge(&m->gauge[j], o, in->x, j, v);
        for (int r = RATE; r < RULES; r++) widen(m, &m->gauge[j], o, in->x, j, (enum rule)r, v);
    }
    andon_status st = known_limits(m, in, o->limits, err);
    if (st == ANDON_OK) st = known_rates(m, in, o->rates, err);
    for (uint32_t j = 0; st == ANDON_OK && j < in->x.d; j++)
        if (!figures_ok(&m->gauge[j]))
            st = andon_fail(err, ANDON_EDATA, "limits: feature %u is out of any range", j);
    return st;
}

static andon_status limits_fit(const struct andon_fit *in, struct andon_arena *arena, void **model,
                               andon_error *err)
{
    const struct limits_options *o = in->options;
    if (in->x.n < 2) return andon_fail(err, ANDON_EDATA, "limits: needs at least 2 rows");
    struct limits *m = andon_arena_take(arena, sizeof *m);
    if (m != NULL) m->gauge = andon_arena_array(arena, in->x.d, sizeof *m->gauge);
    if (m == NULL || m->gauge == NULL)
        return andon_fail(err, ANDON_ENOMEM, "limits: no room for %u features", in->x.d);
    m->d = in->x.d;
    m->lambda = o->lambda;
    m->slack = o->slack;
    for (int r = 0; r < RULES; r++) m->on |= (uint32_t)o->on[r] << r;
    struct andon_arena_mark mark = andon_arena_mark(in->scratch);
    andon_status st = m->on != 0 ? learn(in, m, err)
                                 : andon_fail(err, ANDON_EINVAL, "limits: every rule is off");
    andon_arena_rewind(in->scratch, mark);
    *model = m;
    return st;
}

/* -- score -------------------------------------------------------------------------------------- */

static size_t limits_memory_bytes(const void *model)
{
    const struct limits *m = model;
    return sizeof(struct memory) + m->d * sizeof(struct trace);
}

static void limits_memory_init(const void *model, void *memory)
{
    memset(memory, 0, limits_memory_bytes(model));
}

static size_t limits_scratch(const void *model, size_t n)
{
    (void)n;
    return ((const struct limits *)model)->d * sizeof(double);
}

static double score_row(const struct limits *m, struct memory *memory, const float *x,
                        double *ratio)
{
    double most = 0.0;
    for (uint32_t j = 0; j < m->d; j++)
        if (isnan(x[j])) return NAN;
    for (uint32_t j = 0; j < m->d; j++) {
        const struct gauge *g = &m->gauge[j];
        double stat[RULES];
        measure(m, g, &memory->trace[j], memory->started != 0, (double)x[j], stat);
        keep(m, g, &memory->trace[j], (double)x[j], 2.0 * g->limit[EWMA], 2.0 * g->limit[CUSUM]);
        ratio[j] = reached(m, g, stat);
        most = fmax(most, ratio[j]);
    }
    memory->started = 1;
    return most;
}

/* Each feature's part of what lies beyond the limits; while all is within, of how near they are. */
static void share_row(uint32_t d, double score, const double *ratio, float *share)
{
    double base = score > 1.0 ? 1.0 : 0.0, sum = 0.0;
    for (uint32_t j = 0; j < d; j++) sum += fmax(0.0, ratio[j] - base);
    for (uint32_t j = 0; j < d; j++)
        share[j] = isnan(score) ? NAN : sum > 0.0 ? (float)(fmax(0.0, ratio[j] - base) / sum) : 0.0f;
}

static void limits_score(const void *model, void *memory, struct andon_rows x, double *score,
                         float *share, void *scratch, enum andon_kernel kernel)
{
    const struct limits *m = model;
    (void)kernel;
    assert(x.d == m->d);
    for (size_t i = 0; i < x.n; i++) {
        score[i] = score_row(m, memory, x.x + i * x.d, scratch);
        if (share != NULL) share_row(m->d, score[i], scratch, share + i * x.d);
    }
}

/* -- bytes -------------------------------------------------------------------------------------- */

static void gauge_figures(struct gauge *g, double figure[GAUGE_FIGURES], bool read)
{
    double *place[6] = {&g->middle, &g->scale, &g->low, &g->low_width, &g->high, &g->high_width};
    for (int i = 0; i < GAUGE_FIGURES; i++) {
        double *at = i < 6 ? place[i] : &g->limit[i - 6];
        if (read)
            *at = figure[i];
        else
            figure[i] = *at;
    }
}

static void limits_save(const void *model, struct andon_writer *out)
{
    const struct limits *m = model;
    andon_put_u32(out, m->d);
    andon_put_u32(out, m->on);
    andon_put_f64(out, m->lambda);
    andon_put_f64(out, m->slack);
    for (uint32_t j = 0; j < m->d; j++) {
        struct gauge g = m->gauge[j];
        double figure[GAUGE_FIGURES];
        gauge_figures(&g, figure, false);
        andon_put_f64s(out, figure, GAUGE_FIGURES);
    }
}

static andon_status limits_load(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                                void **model, andon_error *err)
{
    struct limits *m = andon_arena_take(arena, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "limits: no room for the model");
    m->d = andon_get_u32(in);
    m->on = andon_get_u32(in);
    m->lambda = andon_get_f64(in);
    m->slack = andon_get_f64(in);
    bool ok = !in->bad && m->d == d && m->on != 0 && m->on < 1u << RULES && m->lambda > 0.0 &&
              m->lambda <= 1.0 && m->slack >= 0.0 && m->slack <= FIGURE_MAX &&
              d <= andon_reader_left(in) / (GAUGE_FIGURES * sizeof(double));
    if (!ok) return andon_fail(err, ANDON_EFORMAT, "limits: the model's head is damaged");
    m->gauge = andon_arena_array(arena, d, sizeof *m->gauge);
    if (m->gauge == NULL) return andon_fail(err, ANDON_ENOMEM, "limits: no room for %u features", d);
    for (uint32_t j = 0; j < d; j++) {
        double figure[GAUGE_FIGURES];
        andon_get_f64s(in, figure, GAUGE_FIGURES);
        gauge_figures(&m->gauge[j], figure, true);
        if (!figures_ok(&m->gauge[j]))
            return andon_fail(err, ANDON_EFORMAT, "limits: feature %u is damaged", j);
    }
    *model = m;
    return ANDON_OK;
}

const struct andon_detector andon_limits = {
    .abi = ANDON_DETECTOR_ABI,
    .name = "limits",
    .title = "Limits and control charts",
    .source = "Shewhart 1931; Page 1954 (CUSUM); Roberts 1959 (EWMA); Montgomery, Statistical "
              "Quality Control",
    .traits = ANDON_ONE_FEATURE,
    .options = options,
    .options_bytes = sizeof(struct limits_options),
    .fit = limits_fit,
    .memory_bytes = limits_memory_bytes,
    .memory_init = limits_memory_init,
    .scratch_bytes = limits_scratch,
    .score = limits_score,
    .save = limits_save,
    .load = limits_load,
};
