#include "verdict/calibration.h"

#include <math.h>

#include "feature/scale.h"

double compression_apply(const struct compression *c, double raw)
{
    return log(raw / c->typical + COMPRESSION_OFFSET);
}

struct compression compression_fit(double *raw, size_t n)
{
    struct compression c = {.typical = 1.0, .spread = 1.0};
    scale_sort(raw, n);
    double median = scale_quantile(raw, n, 0.5);
    /* A score that is 0 on most normal rows is measured by the level of the others. */
    for (double q = 0.75; !(median > 0.0) && q < 1.0; q = 0.5 + q / 2.0) {
        median = scale_quantile(raw, n, q);
        if (q > 0.9999) break;
    }
    if (median > 0.0) c.typical = median;
    double tail = compression_apply(&c, scale_quantile(raw, n, 0.99)) - log(1.0 + COMPRESSION_OFFSET);
    c.spread = tail > 0.02 ? tail : 0.02;
    return c;
}

/* Adds an event's peak to the sum of excesses. */
struct tail {
    uint64_t events;
    double excess;
};

/* Exceedances of u over start, joined where they stand at most gap rows apart. */
static struct tail tail_events(const double *u, size_t n, double start, size_t gap)
{
    struct tail t = {0, 0.0};
    double peak = 0.0;
    size_t last = 0;
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        if (!(u[i] > start)) continue;
        if (open && i - last <= gap) {
            peak = fmax(peak, u[i] - start);
        } else {
            t.excess += open ? peak : 0.0;
            t.events++;
            peak = u[i] - start;
            open = true;
        }
        last = i;
    }
    t.excess += open ? peak : 0.0;
    return t;
}

/* Wilson and Hilferty's cube-root normal for chi-square quantiles: within 0.1 % from 3 events on, and
 * exact values below. */
double calibration_poisson_bound(uint64_t events)
{
    static const double exact[] = {2.995732, 4.743865, 6.295794, 7.753657};
    if (events < sizeof exact / sizeof exact[0]) return exact[events];
    double k = (double)events + 1.0;
    double cube = 1.0 - 1.0 / (9.0 * k) + 1.6448536269514722 / (3.0 * sqrt(k));
    return k * cube * cube * cube;
}

/* Little time says little of the tail: the mean excess is drawn toward this part of the distance from
 * the median to the 99 % quantile, by as much as prior_events events would. */
static const double prior_part = 0.06, prior_events = 3.0;

/* Exceedances of the tail's start that stand closer than this are one excursion: their peaks are near
 * enough to independent for the mean excess, on seconds as on minutes. */
enum { EXCURSION_ROWS = 5 };

static size_t gap_rows(const struct calibration_rule *rule, size_t n)
{
    return (size_t)fmax(1.0, fmin(rule->gap_s / rule->interval_s, (double)n));
}

void calibration_move(struct calibration *c, const double *u, size_t n,
                      const struct calibration_rule *rule, double level)
{
    c->level = level;
    c->events = tail_events(u, n, level, gap_rows(rule, n)).events;
}

struct calibration calibration_fit(const double *u, double *sorted, size_t n,
                                   const struct calibration_rule *rule)
{
    struct calibration c = {.rows = n, .budget_per_day = rule->budget_per_day,
                            .interval_s = rule->interval_s,
                            .interval_known = rule->interval_known};
    for (size_t i = 0; i < n; i++) sorted[i] = u[i];
    scale_sort(sorted, n);
    for (uint32_t k = 0; k < CALIBRATION_QUANTILES; k++)
        c.quantile[k] = scale_quantile(sorted, n, (double)k / (CALIBRATION_QUANTILES - 1));
    c.days = (double)n * rule->interval_s / 86400.0;
    c.tail_start = scale_quantile(sorted, n, rule->tail_from);
    struct tail tail = tail_events(u, n, c.tail_start, EXCURSION_ROWS);
    c.tail_events = tail.events;
    double body = scale_quantile(sorted, n, 0.99) - scale_quantile(sorted, n, 0.5);
    double prior = prior_part * (body > 1e-6 ? body : 1e-6);
    c.tail_scale = (tail.excess + prior_events * prior) / ((double)tail.events + prior_events);
    double allowed = fmin(rule->budget_per_day * c.days, rule->rare * (double)n);
    double ratio = calibration_poisson_bound(tail.events) / allowed;
    c.level = c.tail_start + (ratio > 1.0 ? c.tail_scale * log(ratio) : 0.0);
    c.events = tail_events(u, n, c.level, gap_rows(rule, n)).events;
    return c;
}

double calibration_score(const struct calibration *c, double u, double excess)
{
    double score = exp(u - c->level);
    if (!(excess > 0.0)) return score;
    double learned = exp(u + excess - c->level);
    if (score > 1.0) return learned;
    return fmax(score, learned / (1.0 + learned));
}

double calibration_p_value(const struct calibration *c, double u)
{
    const double *q = c->quantile;
    uint32_t last = CALIBRATION_QUANTILES - 1;
    double top = q[last - 1]; /* 1/64 of the rows lie beyond */
    if (u >= top) return exp(-(u - top) / c->tail_scale) / last;
    if (u <= q[0]) return 1.0;
    uint32_t k = 0;
    while (u > q[k + 1]) k++;
    double width = q[k + 1] - q[k];
    double part = width > 0.0 ? (u - q[k]) / width : 0.0;
    return 1.0 - ((double)k + part) / last;
}

double calibration_bound_per_day(const struct calibration *c)
{
    return calibration_poisson_bound(c->events) / c->days;
}

void calibration_save(const struct calibration *c, struct andon_writer *out)
{
    andon_put_f64(out, c->level);
    andon_put_f64(out, c->tail_start);
    andon_put_f64(out, c->tail_scale);
    andon_put_f64s(out, c->quantile, CALIBRATION_QUANTILES);
    andon_put_u64(out, c->rows);
    andon_put_f64(out, c->days);
    andon_put_u64(out, c->tail_events);
    andon_put_u64(out, c->events);
    andon_put_f64(out, c->budget_per_day);
    andon_put_f64(out, c->interval_s);
    andon_put_u8(out, c->interval_known);
}

bool calibration_load(struct andon_reader *in, struct calibration *c)
{
    c->level = andon_get_f64(in);
    c->tail_start = andon_get_f64(in);
    c->tail_scale = andon_get_f64(in);
    andon_get_f64s(in, c->quantile, CALIBRATION_QUANTILES);
    c->rows = andon_get_u64(in);
    c->days = andon_get_f64(in);
    c->tail_events = andon_get_u64(in);
    c->events = andon_get_u64(in);
    c->budget_per_day = andon_get_f64(in);
    c->interval_s = andon_get_f64(in);
    c->interval_known = andon_get_u8(in) != 0;
    bool good = !in->bad && isfinite(c->level) && isfinite(c->tail_start) && c->tail_scale > 0.0 &&
                isfinite(c->tail_scale) && c->days > 0.0 && c->budget_per_day > 0.0 &&
                c->interval_s > 0.0;
    for (uint32_t k = 0; k < CALIBRATION_QUANTILES; k++)
        good = good && isfinite(c->quantile[k]) && (k == 0 || c->quantile[k] >= c->quantile[k - 1]);
    return good;
}
