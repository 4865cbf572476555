#include "verdict/diagnosis.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Rows over which means are taken: of what was before, of what is now. */
#define BEFORE_ROWS 240.0
#define NOW_ROWS 8.0
#define FIRST_ROWS 5.0
/* So many rows that are not anomalous end an event. */
enum { CALM_ROWS = 5 };
/* A deviation beyond this does not widen what is usual any further. */
#define USUAL_MAX 3.0
/* Deviations are never taken for less than this part of the training's spread. */
#define DEVIATION_MIN 0.02

struct seen { /* one channel, in its unit, as the difference from its regime's centre */
    double before, variance; /* slow mean, and mean square around it         */
    double first, now;       /* means of the event's first and newest rows   */
    double last;             /* the row before; NaN: none                    */
    double jump, jump_now;   /* mean square of steps from row to row         */
    double rows, rows_now, rows_first; /* values that these means have had, capped */
};

struct symptoms {
    uint32_t channels;
    uint32_t event_rows; /* anomalous rows of the present event */
    uint32_t calm;       /* rows since the last one, capped      */
    uint32_t unused;
    struct seen channel[];
};

size_t symptoms_bytes(uint32_t channels)
{
    return sizeof(struct symptoms) + channels * sizeof(struct seen);
}

void symptoms_init(void *symptoms, uint32_t channels)
{
    struct symptoms *s = symptoms;
    memset(s, 0, symptoms_bytes(channels));
    s->channels = channels;
    for (uint32_t c = 0; c < channels; c++) s->channel[c].last = NAN;
}

/* A mean that counts all of its values at first and the last `most` later. */
static double follow(double mean, double value, double *rows, double most)
{
    *rows = *rows + 1.0 < most ? *rows + 1.0 : most;
    return mean + (value - mean) / *rows;
}

static double clipped(double v, double most)
{
    return v > most ? most : v < -most ? -most : v;
}

static void see_usual(struct seen *x, double y, double step, double spread)
{
    double rows = x->rows;
    if (rows == 0.0) {
        x->variance = spread * spread;
        x->jump = x->variance;
    }
    double most = USUAL_MAX * sqrt(x->variance);
    double off = clipped(y - x->before, rows < 10.0 ? INFINITY : most);
    x->before = follow(x->before, x->before + off, &x->rows, BEFORE_ROWS);
    /* The training's spread counts as ten rows. */
    x->variance += (off * off - x->variance) / (x->rows + 10.0);
    if (isnan(step)) return;
    step = clipped(step, USUAL_MAX * sqrt(x->jump));
    x->jump += (step * step - x->jump) / (x->rows + 10.0);
}

void symptoms_see(void *symptoms, const struct andon_recipe *recipe, const double *value,
                  int32_t regime, bool running, bool anomalous)
{
    struct symptoms *s = symptoms;
    assert(s->channels == andon_recipe_channels(recipe));
    if (!running) return;
    bool begins = anomalous && (s->event_rows == 0 || s->calm >= CALM_ROWS);
    if (begins) s->event_rows = 0;
    s->calm = anomalous ? 0 : s->calm < CALM_ROWS ? s->calm + 1 : CALM_ROWS;
    s->event_rows += anomalous && s->event_rows < UINT32_MAX;
    for (uint32_t c = 0; c < s->channels; c++) {
        struct seen *x = &s->channel[c];
        if (begins) x->first = x->now = x->jump_now = x->rows_now = x->rows_first = 0.0;
        double centre = andon_recipe_engineering(recipe, c, regime, 0.0);
        double y = value[c] - centre, step = y - x->last;
        x->last = y;
        if (!isfinite(y)) continue;
        if (!anomalous && (s->event_rows == 0 || s->calm >= CALM_ROWS)) {
            see_usual(x, y, step, fabs(andon_recipe_engineering(recipe, c, regime, 1.0) - centre));
        } else if (anomalous) {
            double rows = x->rows_now;
            if (x->rows_first < FIRST_ROWS) x->first = follow(x->first, y, &x->rows_first, INFINITY);
            x->now = follow(x->now, y, &x->rows_now, NOW_ROWS);
            if (!isnan(step) && !begins)
                x->jump_now = follow(x->jump_now, step * step, &rows, NOW_ROWS);
        }
    }
}

uint32_t symptoms_rows(const void *symptoms)
{
    const struct symptoms *s = symptoms;
    return s->event_rows;
}

static double deviation_of(const struct seen *x)
{
    return sqrt(x->variance);
}

double symptoms_deviation(const void *symptoms, uint32_t channel)
{
    const struct symptoms *s = symptoms;
    const struct seen *x = &s->channel[channel];
    if (s->event_rows == 0 || x->rows_now == 0.0 || x->rows == 0.0) return NAN;
    return (x->now - x->before) / deviation_of(x);
}

/* ---- what would be expected ---- */

/* Model of a channel: what was there before, how well it is known. */
struct ground {
    double level;  /* before, in the channel's unit                                   */
    double change; /* now - before                                                    */
    double first;  /* at the event's beginning - before; NaN: it has only just begun  */
    double error;  /* of the changes, when nothing is wrong                           */
    double jump;   /* root mean square of steps from row to row, before               */
    double jump_change, jump_error; /* now - before; NaN: too few rows                */
    double terms;  /* how many of these there are                                     */
    bool known;
};

/* How rough signatures are: the expected change may be off by this part. */
#define ROUGH 0.25
/* A channel's misfit counts at most this, so that one odd channel does not decide alone. */
#define MISFIT_MAX 30.0
/* Unknown fits as well as a signature that explains this part of what stands out, beyond what each
 * channel's own noise makes stand out. */
#define EXPLAINS 0.7
#define NOISE 0.5
/* What a name has to gain over not knowing: small deviations look like many faults. */
#define DOUBT 1.0
/* Strengths that are tried, and what it costs to be so much weaker or stronger than described. */
static const double strengths[] = {0.35, 0.5, 0.7, 0.85, 1.0, 1.15, 1.35};
#define STRENGTH_SPREAD 0.45
/* An event is seen soon after it began: how far it may have come by then. */
#define FIRST_PART 0.15
/* What is known of the first rows says less than the present: a fault may take time to show. */
#define FIRST_WEIGHT 0.5
#define JUMP_WEIGHT 0.5
enum { STRENGTHS = sizeof strengths / sizeof *strengths, PARTS = 11, FIRST_PARTS = 4 };

static struct ground ground_of(const struct symptoms *s, const struct andon_recipe *recipe,
                               int32_t regime, uint32_t c)
{
    const struct seen *x = &s->channel[c];
    double centre = andon_recipe_engineering(recipe, c, regime, 0.0);
    double spread = fabs(andon_recipe_engineering(recipe, c, regime, 1.0) - centre);
    double deviation = deviation_of(x);
    if (!(deviation > DEVIATION_MIN * spread)) deviation = DEVIATION_MIN * spread;
    struct ground g = {.known = x->rows_now > 0.0 && deviation > 0.0};
    if (!g.known) return g;
    g.level = centre + x->before;
    g.change = x->now - x->before;
    g.first = x->rows_now >= NOW_ROWS ? x->first - x->before : (double)NAN;
    /* Rows in succession are alike, so a mean of several is little better known than one. */
    g.error = deviation * sqrt(0.5 + 0.5 / x->rows_now + 0.25);
    g.jump = sqrt(x->jump);
    g.jump_change = x->rows_now >= 3.0 ? sqrt(x->jump_now) - g.jump : (double)NAN;
    g.terms = 1.0 + (isnan(g.first) ? 0.0 : FIRST_WEIGHT) + (isnan(g.jump_change) ? 0.0 : JUMP_WEIGHT);
    g.jump_error = 0.5 * g.jump + 0.25 * deviation;
    return g;
}

/* How far seen is from what may be anywhere between two expectations. */
static double misfit(double seen, double low, double high, double error)
{
    double least = fmin(low, high), most = fmax(low, high);
    double off = seen < least ? seen - least : seen > most ? seen - most : 0.0;
    double rough = ROUGH * fmax(fabs(low), fabs(high));
    double d2 = off * off / (error * error + rough * rough);
    return 0.5 * fmin(d2, MISFIT_MAX);
}

/* A fault's effects on channels that the recipe has, and what was seen there. */
struct expected {
    const struct andon_effect *of[ANDON_EFFECTS_MAX];
    uint32_t channel[ANDON_EFFECTS_MAX];
    struct ground ground[ANDON_EFFECTS_MAX];
    uint32_t effects, known;
};

static void find_channels(const struct symptoms *s, const struct andon_recipe *recipe,
                          int32_t regime, const struct andon_signature *signature,
                          struct expected *e)
{
    e->effects = e->known = 0;
    for (uint32_t i = 0; i < signature->effects && i < ANDON_EFFECTS_MAX; i++)
        for (uint32_t c = 0; c < s->channels; c++) {
            if (strcmp(andon_recipe_channel(recipe, c), signature->effect[i].channel) != 0) continue;
            e->of[e->effects] = &signature->effect[i];
            e->channel[e->effects] = c;
            e->ground[e->effects] = ground_of(s, recipe, regime, c);
            e->known += e->ground[e->effects++].known;
            break;
        }
}

static double between(const float ends[2], double part)
{
    return (double)ends[0] + part * ((double)ends[1] - (double)ends[0]);
}

/* The change of a channel that a fault brings, so strong and come so far. */
static double expected_change(const struct andon_effect *x, const struct ground *g, double strength,
                              double part)
{
    return strength * ((between(x->factor, part) - 1.0) * g->level + between(x->offset, part));
}

/* How far the newest rows are from the fault, in the channels that it moves. What arrives late may be
 * anywhere between nothing and all of it. */
static double misfit_now(const struct expected *e, double strength, double part)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < e->effects; i++) {
        const struct andon_effect *x = e->of[i];
        const struct ground *g = &e->ground[i];
        if (!g->known) continue;
        double change = expected_change(x, g, strength, part);
        sum += misfit(g->change, x->slow ? 0.0 : change, change, g->error);
        if (isnan(g->jump_change)) continue;
        /* A sensor's noise may grow with its value. */
        double noise = strength * (double)x->noise;
        double grown = strength * fabs(between(x->factor, part) - 1.0) * g->jump;
        sum += JUMP_WEIGHT * misfit(g->jump_change, noise, noise + grown, g->jump_error);
    }
    return sum;
}

static double misfit_first(const struct expected *e, double strength, double part)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < e->effects; i++) {
        const struct ground *g = &e->ground[i];
        if (!g->known || isnan(g->first)) continue;
        double change = expected_change(e->of[i], g, strength, part);
        sum += FIRST_WEIGHT * misfit(g->first, e->of[i]->slow ? 0.0 : change, change, g->error);
    }
    return sum;
}

static double misfit_of_none(const struct ground *g)
{
    double sum = misfit(g->change, 0.0, 0.0, g->error);
    if (!isnan(g->first)) sum += FIRST_WEIGHT * misfit(g->first, 0.0, 0.0, g->error);
    if (!isnan(g->jump_change)) sum += JUMP_WEIGHT * misfit(g->jump_change, 0.0, 0.0, g->jump_error);
    return sum;
}

struct fit {
    double misfit, strength, part;
};

/* The fit over all sizes and stages, each weighed by how likely it is: a fault that has to be just so big
 * and just so far to fit is less likely than one that fits anyway. Strength and part are the best. */
static struct fit fit_of(const struct expected *e)
{
    struct fit best = {INFINITY, 0.0, 0.0};
    double likely = 0.0, weight = 0.0;
    for (int k = 0; k < STRENGTHS; k++) {
        double odd = log(strengths[k]) / STRENGTH_SPREAD, prior = exp(-0.5 * odd * odd);
        double first = 0.0, first_weight = 0.0;
        for (int p = 0; p < FIRST_PARTS; p++) {
            double w = exp(-0.5 * p * p);
            first += w * exp(-misfit_first(e, strengths[k], p * FIRST_PART));
            first_weight += w;
        }
        for (int p = 0; p < PARTS; p++) {
            double part = (double)p / (PARTS - 1), m = misfit_now(e, strengths[k], part);
            likely += prior * first / first_weight * exp(-m);
            weight += prior;
            if (m + 0.5 * odd * odd >= best.misfit) continue;
            best = (struct fit){m + 0.5 * odd * odd, strengths[k], part};
        }
    }
    best.misfit = -log(likely / weight);
    return best;
}

/* What stands out in all channels. */
static double stands_out(const struct symptoms *s, const struct andon_recipe *recipe,
                         int32_t regime, double *terms)
{
    double sum = 0.0;
    *terms = 0.0;
    for (uint32_t c = 0; c < s->channels; c++) {
        struct ground g = ground_of(s, recipe, regime, c);
        if (!g.known) continue;
        sum += misfit_of_none(&g);
        *terms += g.terms;
    }
    return sum;
}

/* The faults' fits, each over all channels: those that a fault leaves alone should not have moved. */
static int32_t try_all(const struct symptoms *s, const struct andon_recipe *recipe, int32_t regime,
                       const struct andon_signature *signature, uint32_t signatures,
                       struct fit *fit, double *none)
{
    double terms;
    int32_t best = DIAGNOSIS_UNKNOWN;
    double all = stands_out(s, recipe, regime, &terms), noise = NOISE * terms;
    *none = all - EXPLAINS * fmax(all - noise, 0.0) - DOUBT;
    double least = *none;
    for (uint32_t i = 0; i < signatures; i++) {
        struct expected e;
        find_channels(s, recipe, regime, &signature[i], &e);
        fit[i] = fit_of(&e);
        fit[i].misfit += all;
        for (uint32_t k = 0; k < e.effects; k++)
            if (e.ground[k].known) fit[i].misfit -= misfit_of_none(&e.ground[k]);
        /* A fault that is mostly out of sight cannot be told. */
        if (2 * e.known <= signature[i].effects) fit[i].misfit = INFINITY;
        if (fit[i].misfit >= least) continue;
        least = fit[i].misfit;
        best = (int32_t)i;
    }
    return best;
}

struct diagnosis diagnose(const void *symptoms, const struct andon_recipe *recipe, int32_t regime,
                          const struct andon_signature *signature, uint32_t signatures)
{
    const struct symptoms *s = symptoms;
    struct fit fit[ANDON_SIGNATURES_MAX];
    struct diagnosis d = {.fault = DIAGNOSIS_UNKNOWN, .confidence = 1.0,
                          .second = DIAGNOSIS_UNKNOWN};
    double none, second = INFINITY;
    if (signatures > ANDON_SIGNATURES_MAX) signatures = ANDON_SIGNATURES_MAX;
    if (s->event_rows == 0 || signatures == 0) return d;
    d.fault = try_all(s, recipe, regime, signature, signatures, fit, &none);
    double least = d.fault == DIAGNOSIS_UNKNOWN ? none : fit[d.fault].misfit;
    double sum = exp(least - none);
    for (uint32_t i = 0; i < signatures; i++) {
        sum += exp(least - fit[i].misfit);
        if ((int32_t)i == d.fault || !(fit[i].misfit < second)) continue;
        second = fit[i].misfit;
        d.second = (int32_t)i;
    }
    d.confidence = 1.0 / sum;
    if (d.fault == DIAGNOSIS_UNKNOWN) return d;
    d.strength = fit[d.fault].strength;
    d.part = fit[d.fault].part;
    return d;
}

/* ---- bytes ---- */

enum { SEEN = 10 }; /* figures of a channel */

static void save_seen(const struct seen *x, struct andon_writer *out)
{
    const double v[SEEN] = {x->before, x->variance, x->first, x->now,      x->last,
                            x->jump,   x->jump_now, x->rows,  x->rows_now, x->rows_first};
    andon_put_f64s(out, v, SEEN);
}

/* The part that save_seen left; false: figures that symptoms_see cannot give. */
static bool load_seen(struct seen *x, struct andon_reader *in)
{
    double v[SEEN];
    andon_get_f64s(in, v, SEEN);
    *x = (struct seen){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]};
    return !in->bad && isfinite(x->before) && isfinite(x->first) && isfinite(x->now) &&
           !isinf(x->last) && x->variance >= 0.0 && isfinite(x->variance) && x->jump >= 0.0 &&
           isfinite(x->jump) && x->jump_now >= 0.0 && isfinite(x->jump_now) && x->rows >= 0.0 &&
           x->rows <= BEFORE_ROWS && x->rows_now >= 0.0 && x->rows_now <= NOW_ROWS &&
           x->rows_first >= 0.0 && x->rows_first <= FIRST_ROWS;
}

void symptoms_save(const void *symptoms, struct andon_writer *out)
{
    const struct symptoms *s = symptoms;
    andon_put_u32(out, s->channels);
    andon_put_u32(out, s->event_rows);
    andon_put_u32(out, s->calm);
    for (uint32_t c = 0; c < s->channels; c++) save_seen(&s->channel[c], out);
}

bool symptoms_load(void *symptoms, uint32_t channels, struct andon_reader *in)
{
    struct symptoms *s = symptoms;
    symptoms_init(s, channels);
    bool good = andon_get_u32(in) == channels;
    s->event_rows = andon_get_u32(in);
    s->calm = andon_get_u32(in);
    good = good && s->calm <= CALM_ROWS && !in->bad;
    for (uint32_t c = 0; c < channels && good; c++) good = load_seen(&s->channel[c], in);
    if (!good) symptoms_init(s, channels);
    return good;
}
