#include "verdict/calibration.h"

#include <float.h>
#include <math.h>

#include "feature/scale.h"

double compression_apply(const struct compression *c, double raw)
{
    double ratio = raw / c->typical;
    return ratio <= DBL_MAX ? log(ratio + COMPRESSION_OFFSET) : log(raw) - log(c->typical);
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
    if (median >= DBL_MIN) c.typical = median;
    double middle = log(1.0 + COMPRESSION_OFFSET);
    double tail = compression_apply(&c, scale_quantile(raw, n, 0.99)) - middle;
    c.spread = tail > COMPRESSION_SPREAD_MIN ? tail : COMPRESSION_SPREAD_MIN;
    return c;
}

bool compression_sound(const struct compression *c)
{
    return c->typical >= DBL_MIN && c->typical <= DBL_MAX && c->spread >= COMPRESSION_SPREAD_MIN &&
           c->spread <= 1e4;
}

struct tail {
    uint64_t events;
    double excess; /* sum of the events' peaks over the start */
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

/* Wilson and Hilferty's cube-root normal for chi-square quantiles: within 0.1 % from 4 events on,
 * and exact values below. */
double calibration_poisson_bound(uint64_t events)
{
    static const double exact[] = {2.995732, 4.743865, 6.295794, 7.753657};
    if (events < sizeof exact / sizeof exact[0]) return exact[events];
    double k = (double)events + 1.0;
    double cube = 1.0 - 1.0 / (9.0 * k) + 1.6448536269514722 / (3.0 * sqrt(k));
    return k * cube * cube * cube;
}

/* Little time says little of the tail: the mean excess is drawn toward this part of the distance
 * from the median to the 99 % quantile, by as much as prior_events events would. */
static const double prior_part = 0.06, prior_events = 3.0;

/* Exceedances of the tail's start that stand closer than this are one excursion: their peaks are
 * near enough to independent for the mean excess, on seconds as on minutes. */
enum { EXCURSION_ROWS = 5 };

static size_t gap_rows(const struct calibration_rule *rule, size_t n)
{
    return (size_t)fmax(1.0, fmin(rule->gap_s / rule->interval_s, (double)n));
}

void calibration_move(struct calibration *c, const double *u, size_t n,
                      const struct calibration_rule *rule, double level)
{
    c->level = level;
    c->rows = n;
    c->days = (double)n * rule->interval_s / 86400.0;
    c->events = tail_events(u, n, level, gap_rows(rule, n)).events;
}

/* Where the held-out time is long enough to prove the budget, the level is raised until it does: the
 * tail may be heavier than the one that was fitted. */
static void prove_budget(struct calibration *c, const double *u, size_t n,
                         const struct calibration_rule *rule)
{
    const double step = 0.1 * c->tail_scale;
    if (calibration_poisson_bound(0) > rule->budget_per_day * c->days) return;
    for (int i = 0; i < 200 && calibration_bound_per_day(c) > rule->budget_per_day; i++)
        calibration_move(c, u, n, rule, c->level + step);
}

struct calibration calibration_fit(const double *u, double *sorted, size_t n,
                                   const struct calibration_rule *rule)
{
    struct calibration c = {.budget_per_day = rule->budget_per_day,
                            .interval_s = rule->interval_s,
                            .interval_known = rule->interval_known};
    for (size_t i = 0; i < n; i++) sorted[i] = u[i];
    scale_sort(sorted, n);
    for (uint32_t k = 0; k < CALIBRATION_QUANTILES; k++)
        c.quantile[k] = scale_quantile(sorted, n, (double)k / (CALIBRATION_QUANTILES - 1));
    c.tail_start = scale_quantile(sorted, n, rule->tail_from);
    struct tail tail = tail_events(u, n, c.tail_start, EXCURSION_ROWS);
    c.tail_events = tail.events;
    double body = scale_quantile(sorted, n, 0.99) - scale_quantile(sorted, n, 0.5);
    double prior = prior_part * (body > 1e-6 ? body : 1e-6);
    c.tail_scale = (tail.excess + prior_events * prior) / ((double)tail.events + prior_events);
    double budgeted = rule->budget_per_day * ((double)n * rule->interval_s / 86400.0);
    double allowed = fmax(DBL_MIN, fmin(budgeted, rule->rare * (double)n));
    double beyond = log(calibration_poisson_bound(tail.events)) - log(allowed);
    calibration_move(&c, u, n, rule, c.tail_start + c.tail_scale * fmax(0.0, beyond));
    prove_budget(&c, u, n, rule);
    return c;
}

/* e^over, and from e^600 on a straight line upward: an ensemble of members with narrow tails can
 * reach u far beyond the logarithm of the largest double. */
static double grown(double over)
{
    return over <= 600.0 ? exp(over) : exp(600.0) * (1.0 + (over - 600.0));
}

double calibration_score(const struct calibration *c, double u, double excess)
{
    double score = grown(u - c->level);
    if (!(excess > 0.0)) return score;
    double learned = grown(u + excess - c->level);
    if (score > 1.0) return learned;
    return fmax(score, learned / (1.0 + learned));
}

_Static_assert(CALIBRATION_QUANTILES == 65u, "calibration_p_value halves 64 steps");

double calibration_p_value(const struct calibration *c, double u)
{
    const double *q = c->quantile;
    uint32_t last = CALIBRATION_QUANTILES - 1;
    double top = q[last - 1]; /* 1/64 of the rows lie beyond */
    double out = (u - top) / c->tail_scale;
    if (out > 600.0) return exp(-600.0) * (600.0 / out) / last; /* exp would reach 0 */
    if (out > 0.0) return exp(-out) / last;
    if (u <= q[0]) return 1.0;
    uint32_t k = 0; /* the last quantile below u */
    for (uint32_t step = last / 2; step > 0; step /= 2) k += step * (uint32_t)(u > q[k + step]);
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

/* u lies within a few hundred of 0, and within 1e8 in an ensemble; NaN is not. */
static bool is_u(double v)
{
    return fabs(v) <= 1e12;
}

static bool is_rate(double v)
{
    return v > 0.0 && isfinite(v);
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
    bool good = !in->bad && is_u(c->level) && is_u(c->tail_start) && c->tail_scale >= 1e-30 &&
                is_u(c->tail_scale) && is_rate(c->days) && is_rate(c->budget_per_day) &&
                is_rate(c->interval_s);
    for (uint32_t k = 0; k < CALIBRATION_QUANTILES; k++)
        good = good && is_u(c->quantile[k]) && (k == 0 || c->quantile[k] >= c->quantile[k - 1]);
    return good;
}
