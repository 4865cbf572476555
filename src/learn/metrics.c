/* Puts the figures together: rows, ranking, events, regimes, money. */
#include "metrics.h"

#include <math.h>
#include <stdlib.h>

#include "events.h"
#include "ranking.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts; NaN without values. */
static double median(double *v, size_t n)
{
    if (n == 0) return NAN;
    qsort(v, n, sizeof *v, ascending);
    return n % 2 == 1 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static andon_status check(const struct metrics_input *in, andon_error *err)
{
    if (in->n == 0) return andon_fail(err, ANDON_EDATA, "there are no rows to evaluate");
    if (in->regimes > METRICS_REGIMES_MAX) {
        return andon_fail(err, ANDON_EINVAL, "%u regimes, at most %u", in->regimes,
                          METRICS_REGIMES_MAX);
    }
    if (in->ts_ns == NULL && !(in->interval_s > 0.0)) {
        return andon_fail(err, ANDON_EINVAL, "neither times nor an interval");
    }
    for (size_t i = 1; in->ts_ns != NULL && i < in->n; i++) {
        if (in->ts_ns[i] < in->ts_ns[i - 1]) {
            return andon_fail(err, ANDON_EDATA, "row %zu is earlier than the row before it", i);
        }
    }
    return ANDON_OK;
}

/* NaN: the arena is full. */
static double find_interval(const struct metrics_input *in, struct andon_arena *arena)
{
    if (in->interval_s > 0.0) return in->interval_s;
    if (in->n < 2) return 60.0;
    struct andon_arena_mark mark = andon_arena_mark(arena);
    double *step = andon_arena_array(arena, in->n - 1, sizeof *step);
    if (step == NULL) return NAN;
    for (size_t i = 1; i < in->n; i++)
        step[i - 1] = (double)(in->ts_ns[i] - in->ts_ns[i - 1]) * 1e-9;
    double interval_s = median(step, in->n - 1);
    andon_arena_rewind(arena, mark);
    return interval_s > 0.0 ? interval_s : 1e-3;
}

static bool is_alarmed(const struct metrics_input *in, size_t i)
{
    return in->alarm[i] != 0 && (in->unknown == NULL || in->unknown[i] == 0);
}

static void count_row(const struct metrics_input *in, size_t i, struct metrics *out)
{
    bool alarmed = is_alarmed(in, i), labelled = in->label[i] != 0;
    out->alarmed_rows += alarmed;
    out->anomalous_rows += labelled;
    out->unknown_rows += in->unknown != NULL && in->unknown[i] != 0;
    if (labelled && alarmed) out->row.tp++;
    if (labelled && !alarmed) out->row.fn++;
    if (!labelled && alarmed) out->row.fp++;
    if (!labelled && !alarmed) out->row.tn++;
    if (in->regime == NULL || in->regime[i] < 0 || (uint32_t)in->regime[i] >= in->regimes) return;
    struct metrics_regime *regime = &out->regime[in->regime[i]];
    regime->rows++;
    regime->normal_rows += !labelled;
    regime->fp_rows += !labelled && alarmed;
}

static void measure_rows(const struct metrics_input *in, struct metrics *out)
{
    out->rows = in->n;
    out->regimes = in->regime != NULL ? in->regimes : 0;
    for (size_t i = 0; i < in->n; i++) count_row(in, i, out);
    out->precision = counts_precision(out->row);
    out->recall = counts_recall(out->row);
    out->f1 = counts_f1(out->row);
    out->specificity = counts_specificity(out->row);
    out->accuracy = counts_accuracy(out->row);
}

static bool measure_ranking(const struct metrics_input *in, struct andon_arena *arena,
                            struct metrics *out)
{
    struct andon_arena_mark mark = andon_arena_mark(arena);
    struct ranking r;
    bool ok = ranking_make(in, arena, &r);
    if (ok) {
        out->roc_auc = ranking_roc_auc(&r);
        out->average_precision = ranking_average_precision(&r);
        out->pr_auc = ranking_pr_auc(&r);
        out->best_f1 = ranking_best_f1(&r, &out->best_threshold);
    }
    andon_arena_rewind(arena, mark);
    out->vus_pr = out->vus_roc = NAN;
    if (!ok || in->vus_window == 0) return ok;
    double *score = andon_arena_array(arena, in->n, sizeof *score);
    if (score == NULL) return false;
    for (size_t i = 0; i < in->n; i++) score[i] = ranking_score(in, i);
    ok = metrics_vus(in->label, score, in->n, in->vus_window, arena, &out->vus_pr, &out->vus_roc);
    andon_arena_rewind(arena, mark);
    return ok;
}

static void measure_calibration(const struct metrics_input *in, struct metrics *out)
{
    out->p_at_01 = out->p_at_05 = NAN;
    if (in->p_value == NULL) return;
    uint64_t n = 0, at_01 = 0, at_05 = 0;
    for (size_t i = 0; i < in->n; i++) {
        if (in->label[i] != 0 || isnan(in->p_value[i])) continue;
        n++;
        at_01 += in->p_value[i] <= 0.01;
        at_05 += in->p_value[i] <= 0.05;
    }
    if (n == 0) return;
    out->p_at_01 = (double)at_01 / (double)n;
    out->p_at_05 = (double)at_05 / (double)n;
}

static bool measure_delays(struct andon_arena *arena, struct metrics *out)
{
    struct andon_arena_mark mark = andon_arena_mark(arena);
    double *v = andon_arena_array(arena, out->found, sizeof *v);
    if (v == NULL) return false;
    size_t n = 0;
    double sum = 0.0, most = NAN;
    for (size_t k = 0; k < out->events; k++) {
        if (!out->event[k].found) continue;
        v[n++] = out->event[k].lead_s;
    }
    out->lead_median_s = median(v, n);
    n = 0;
    for (size_t k = 0; k < out->events; k++) {
        if (!out->event[k].found) continue;
        sum += out->event[k].delay_s;
        most = fmax(most, out->event[k].delay_s); /* fmax ignores the NaN */
        v[n++] = out->event[k].delay_s;
    }
    out->delay_median_s = median(v, n);
    out->delay_mean_s = n > 0 ? sum / (double)n : NAN;
    out->delay_max_s = most;
    andon_arena_rewind(arena, mark);
    return true;
}

/* False rows of each 24 hours from the first row on. */
static void measure_days(const struct metrics_input *in, double interval_s, struct metrics *out)
{
    double most = 0.0, today = 0.0, day = 0.0;
    for (size_t i = 0; i < in->n; i++) {
        double now = floor(events_time_s(in, interval_s, i) / 86400.0);
        if (now > day) {
            most = fmax(most, today);
            today = 0.0;
            day = now;
        }
        today += in->label[i] == 0 && is_alarmed(in, i);
    }
    out->days = (double)in->n * interval_s / 86400.0;
    out->normal_days = (double)(out->rows - out->anomalous_rows) * interval_s / 86400.0;
    out->fp_rows_per_day_max = fmax(most, today);
    out->fp_rows_per_day = (double)out->row.fp / out->days;
    double days = out->normal_days > 0.0 ? out->normal_days : NAN;
    out->false_alarms_per_day = (double)out->false_alarms / days;
    out->false_alarms_per_day_upper95 = poisson_upper(out->false_alarms, 0.95) / days;
}

static void measure_events(const struct metrics_input *in, struct metrics *out)
{
    struct metrics_counts c = {.tp = out->found, .fp = out->false_alarms, .fn = out->missed};
    out->event_precision = counts_precision(c);
    out->event_recall = counts_recall(c);
    out->event_f1 = counts_f1(c);
    for (size_t k = 0; k < out->false_stretches; k++) {
        int32_t regime = in->regime != NULL ? in->regime[out->false_alarm[k].first] : -1;
        if (regime < 0 || (uint32_t)regime >= in->regimes) continue;
        out->regime[regime].false_alarms += out->false_alarm[k].count;
    }
}

static double percent(double v)
{
    return 100.0 * fmin(fmax(v, 0.0), 1.0);
}

static void measure_money(const struct prices *prices, struct metrics *out)
{
    out->prices = *prices;
    out->fp_cost = prices->fp * (double)out->false_alarms;
    out->fn_cost = prices->fn * (double)out->missed;
    out->tp_benefit = prices->tp * (double)out->found;
    out->net_value = out->tp_benefit - out->fp_cost - out->fn_cost;
    out->roi = out->net_value / (out->fp_cost + 1.0);
    double hours = 24.0 * out->days;
    out->prevented_downtime_h = prices->downtime_h * (double)out->found;
    out->mtbf_h = out->events > 0 ? hours / (double)out->events : NAN;
    out->availability_without = percent(1.0 - prices->downtime_h * (double)out->events / hours);
    out->availability_with = percent(1.0 - prices->downtime_h * (double)out->missed / hours);
    out->availability_improvement = out->availability_with - out->availability_without;
}

andon_status metrics_measure(const struct metrics_input *in, const struct prices *prices,
                             struct andon_arena *arena, struct metrics *out, andon_error *err)
{
    *out = (struct metrics){0};
    andon_status st = check(in, err);
    if (st != ANDON_OK) return st;
    double interval_s = find_interval(in, arena);
    measure_rows(in, out);
    measure_calibration(in, out);
    if (isnan(interval_s) || !measure_ranking(in, arena, out) ||
        !events_match(in, interval_s, arena, out) || !measure_delays(arena, out)) {
        return andon_fail(err, ANDON_ENOMEM, "no memory to evaluate %zu rows", in->n);
    }
    measure_days(in, interval_s, out);
    measure_events(in, out);
    measure_money(prices, out);
    return ANDON_OK;
}
