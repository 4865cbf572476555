#include "cli/evaluate_print.h"
#include "base/json.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>


enum figure_type { FIGURE_REAL, FIGURE_SIZE, FIGURE_COUNT };

/* One figure: its key in JSON, its name for people (NULL: JSON only). */
struct figure {
    const char *key, *title;
    size_t offset;
    enum figure_type type;
};

#define REAL(key, title, field)                                                                    \
    {                                                                                              \
        key, title, offsetof(struct metrics, field), FIGURE_REAL                                   \
    }
#define SIZE(key, title, field)                                                                    \
    {                                                                                              \
        key, title, offsetof(struct metrics, field), FIGURE_SIZE                                   \
    }
#define COUNT(key, title, field)                                                                   \
    {                                                                                              \
        key, title, offsetof(struct metrics, field), FIGURE_COUNT                                  \
    }

static const struct figure of_events[] = {
    SIZE("events", "labelled events", events),
    SIZE("found", "  found", found),
    SIZE("missed", "  missed", missed),
    SIZE("events_unknown", NULL, events_unknown),
    SIZE("alarms", "alarms", alarms),
    SIZE("false_alarms", "  false", false_alarms),
    REAL("precision", "precision", event_precision),
    REAL("recall", "recall (detection rate)", event_recall),
    REAL("f1", "F1", event_f1),
    REAL("delay_median_s", "time to detection, median s", delay_median_s),
    REAL("delay_mean_s", "  mean s", delay_mean_s),
    REAL("delay_max_s", "  longest s", delay_max_s),
    REAL("lead_median_s", "warning before the end, median s", lead_median_s),
    REAL("days", "days observed", days),
    REAL("normal_days", "  of them normal", normal_days),
    REAL("false_alarms_per_day", "false alarms per normal day", false_alarms_per_day),
    REAL("false_alarms_per_day_upper95", "  one-sided 95 % bound", false_alarms_per_day_upper95),
    {0}};

static const struct figure of_rows[] = {
    SIZE("rows", "rows", rows),
    SIZE("anomalous_rows", "  labelled anomalous", anomalous_rows),
    SIZE("alarmed_rows", "  alarmed", alarmed_rows),
    SIZE("unknown_rows", "  not judged (UNKNOWN)", unknown_rows),
    COUNT("tp", "true positives", row.tp),
    COUNT("fp", "false positives", row.fp),
    COUNT("tn", "true negatives", row.tn),
    COUNT("fn", "false negatives", row.fn),
    REAL("precision", "precision", precision),
    REAL("recall", "recall", recall),
    REAL("f1", "F1", f1),
    REAL("specificity", "specificity", specificity),
    REAL("accuracy", "accuracy", accuracy),
    REAL("roc_auc", "ROC-AUC", roc_auc),
    REAL("average_precision", "average precision", average_precision),
    REAL("pr_auc", "PR-AUC (trapezoids)", pr_auc),
    REAL("vus_pr", "VUS-PR", vus_pr),
    REAL("vus_roc", "VUS-ROC", vus_roc),
    REAL("best_f1", "best F1 with hindsight", best_f1),
    REAL("best_threshold", "  at score", best_threshold),
    REAL("fp_rows_per_day", "false positive rows per day", fp_rows_per_day),
    REAL("fp_rows_per_day_max", "  on the worst day", fp_rows_per_day_max),
    REAL("p_at_01", "normal rows with p <= 0.01", p_at_01),
    REAL("p_at_05", "normal rows with p <= 0.05", p_at_05),
    {0}};

static const struct figure of_money[] = {REAL("price_fp", NULL, prices.fp),
                                         REAL("price_fn", NULL, prices.fn),
                                         REAL("price_tp", NULL, prices.tp),
                                         REAL("fp_cost", "cost of false alarms", fp_cost),
                                         REAL("fn_cost", "cost of missed events", fn_cost),
                                         REAL("tp_benefit", "benefit of found events", tp_benefit),
                                         REAL("net_value", "net value", net_value),
                                         REAL("roi", "ROI", roi),
                                         {0}};

static const struct figure of_reliability[] = {
    REAL("prevented_downtime_h", "prevented downtime, h", prevented_downtime_h),
    REAL("mtbf_h", "MTBF, h", mtbf_h),
    REAL("availability_without", "availability without, %", availability_without),
    REAL("availability_with", "  with, %", availability_with),
    REAL("availability_improvement", "  improvement, % points", availability_improvement),
    {0}};

static const struct {
    const char *key, *title;
    const struct figure *figure;
} sections[] = {{"events", "by events", of_events},
                {"rows", "by rows", of_rows},
                {"money", "money, by events", of_money},
                {"reliability", "reliability", of_reliability}};
enum { SECTIONS = sizeof sections / sizeof *sections };

static double figure_of(const struct figure *f, const struct metrics *m)
{
    const void *at = (const char *)m + f->offset;
    switch (f->type) {
    case FIGURE_SIZE: return (double)*(const size_t *)at;
    case FIGURE_COUNT: return (double)*(const uint64_t *)at;
    default: return *(const double *)at;
    }
}

static void print_figure(const struct figure *f, const struct metrics *m)
{
    double v = figure_of(f, m);
    if (isnan(v))
        printf(" %14s", "-");
    else if (f->type != FIGURE_REAL || (v == floor(v) && fabs(v) >= 1000.0))
        printf(" %14.0f", v);
    else
        printf(" %14.4g", v);
}

void evaluate_print_text(const struct evaluation *e)
{
    printf("%s (%s) on %s, label %s\n", e->model, e->detector, e->data, e->label);
    for (size_t s = 0; s < SECTIONS; s++) {
        if (s == 0)
            printf("\n%-34s %14s %14s %14s\n", sections[s].title, "model", "always alarm",
                   "random");
        else
            printf("\n%s\n", sections[s].title);
        for (const struct figure *f = sections[s].figure; f->key != NULL; f++) {
            if (f->title == NULL) continue;
            printf("  %-32s", f->title);
            print_figure(f, e->measured);
            print_figure(f, e->always);
            print_figure(f, e->random);
            putchar('\n');
        }
    }
    if (e->measured->regimes > 0)
        printf("\n%-34s %14s %14s %14s\n", "by regime", "rows", "false rows", "false alarms");
    for (uint32_t i = 0; i < e->measured->regimes; i++) {
        const struct metrics_regime *r = &e->measured->regime[i];
        printf("  %-32.32s %14llu %14llu %14llu\n", e->regime != NULL ? e->regime[i] : "",
               (unsigned long long)r->rows, (unsigned long long)r->fp_rows,
               (unsigned long long)r->false_alarms);
    }
}

static void json_metrics(struct json *j, const char *name, const struct metrics *m)
{
    json_open(j, name, '{');
    for (size_t s = 0; s < SECTIONS; s++) {
        json_open(j, sections[s].key, '{');
        for (const struct figure *f = sections[s].figure; f->key != NULL; f++) {
            if (f->type == FIGURE_REAL)
                json_number(j, f->key, figure_of(f, m));
            else
                json_whole(j, f->key, (long long)figure_of(f, m));
        }
        json_close(j, '}');
    }
    json_close(j, '}');
}

static void json_regimes(struct json *j, const struct evaluation *e)
{
    json_open(j, "regimes", '[');
    for (uint32_t i = 0; i < e->measured->regimes; i++) {
        const struct metrics_regime *r = &e->measured->regime[i];
        json_open(j, NULL, '{');
        json_cstring(j, "regime", e->regime != NULL ? e->regime[i] : NULL);
        json_whole(j, "rows", (long long)r->rows);
        json_whole(j, "normal_rows", (long long)r->normal_rows);
        json_whole(j, "fp_rows", (long long)r->fp_rows);
        json_whole(j, "false_alarms", (long long)r->false_alarms);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* The models beside the first one. */
static void json_compared(struct json *j, const struct evaluation *e)
{
    json_open(j, "compared", '{');
    for (uint32_t i = 1; i < e->entries; i++)
        if (!e->entry[i].baseline) json_metrics(j, e->entry[i].name, e->entry[i].metrics);
    json_close(j, '}');
}

void evaluate_print_json(const struct evaluation *e)
{
    struct json j;
    json_printing(&j, stdout);
    json_open(&j, NULL, '{');
    json_cstring(&j, "model", e->model);
    json_cstring(&j, "detector", e->detector);
    json_cstring(&j, "data", e->data);
    json_cstring(&j, "label", e->label);
    json_number(&j, "budget_per_day", e->budget_per_day > 0.0 ? e->budget_per_day : (double)NAN);
    json_metrics(&j, "metrics", e->measured);
    json_open(&j, "baselines", '{');
    json_metrics(&j, "always_alarm", e->always);
    json_metrics(&j, "random", e->random);
    json_close(&j, '}');
    json_regimes(&j, e);
    json_compared(&j, e);
    json_close(&j, '}');
}
