/* How good is a detector: by rows, by events, by money.
 *
 * Rules
 *   1 An event is a run of labelled rows; an alarm is a run of alarmed rows, runs less than group_s
 *     apart being one. An event is found when one of its rows is alarmed. What an alarm covers
 *     outside of events is false: once, and once more for every renew_s that it stands; the first
 *     grace_s next to an event that it found are forgiven. (Without renewal one alarm that never
 *     ends would find everything and be false hardly ever.) Nothing is point-adjusted.
 *   2 A row that could not be judged (UNKNOWN) counts as not alarmed and as the lowest score; such
 *     rows, and events made of nothing else, are also counted apart.
 *   3 Figures that do not exist (no event, no alarm) are NaN, never 0.
 *   4 Baselines go through the same functions. */
#ifndef LEARN_METRICS_H
#define LEARN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/arena.h"
#include "andon/option.h"
#include "andon/status.h"

/* What an event is worth. Set by `--price fp=500`: andon_option_set(prices_table, ...). */
struct prices {
    double fp;         /* cost of a false alarm                                     */
    double fn;         /* cost of a missed event                                    */
    double tp;         /* benefit of a found event                                  */
    double downtime_h; /* of an event that nobody saw coming                        */
};
extern const struct andon_option prices_table[]; /* fp, fn, tp, downtime_h */
void prices_default(struct prices *prices);      /* 500, 10000, 8000, 2 */

#define METRICS_REGIMES_MAX 64u

/* What a detector said of n rows in order of time. Borrowed. */
struct metrics_input {
    size_t n;
    const uint8_t *label;   /* label[n]: 0 normal, 1 anomalous                           */
    const double *score;    /* score[n], higher is more anomalous; NaN: not judged       */
    const uint8_t *alarm;   /* alarm[n]: 0 or 1                                          */
    const uint8_t *unknown; /* unknown[n]: 1 where the answer was UNKNOWN; NULL: none    */
    const double *p_value;  /* p_value[n]; NULL: there are none                          */
    const int64_t *ts_ns;   /* ts_ns[n]; NULL: interval_s apart                          */
    double interval_s;      /* of one row; 0: the median of ts_ns's steps                */
    const int32_t *regime;  /* regime[n]: index, or < 0; NULL: there is one              */
    uint32_t regimes;       /* at most METRICS_REGIMES_MAX                               */
    double group_s;         /* alarms closer than this are one                           */
    double renew_s;         /* a standing false alarm counts anew this often; 0: never   */
    double grace_s;         /* next to an event that was found, alarms are not false     */
    uint32_t vus_window;    /* largest buffer of VUS in rows, 100 in TSB-AD; 0: no VUS   */
};

struct metrics_counts {
    uint64_t tp, fp, tn, fn;
};

/* The house's way of counting, and TSB-AD's buffer. */
#define METRICS_GROUP_S 300.0
#define METRICS_RENEW_S 3600.0
#define METRICS_GRACE_S 1800.0
#define METRICS_VUS_WINDOW 100u

/* Figures from counts; NaN where the denominator is 0. */
double counts_precision(struct metrics_counts c);
double counts_recall(struct metrics_counts c);
double counts_specificity(struct metrics_counts c);
double counts_accuracy(struct metrics_counts c);
double counts_f1(struct metrics_counts c);  /* 2TP / (2TP + FP + FN) */
double counts_far(struct metrics_counts c); /* FP / (FP + TN)        */
double counts_mar(struct metrics_counts c); /* FN / (FN + TP)        */

/* counts_rows counts rows; add the counts of several files to pool them (SKAB's way). */
struct metrics_counts counts_rows(const uint8_t *label, const uint8_t *alarm, size_t n);
struct metrics_counts counts_add(struct metrics_counts a, struct metrics_counts b);

/* One labelled event or one false alarm. */
struct metrics_event {
    size_t first, last; /* rows, both inside                                               */
    uint32_t count;     /* false alarms: how many it counts as                             */
    bool found;         /* an alarm touches it                                             */
    bool judged;        /* at least one row was not UNKNOWN                                */
    size_t alarm_row;   /* the first alarmed row inside; only if found                     */
    double delay_s;     /* from its first row to the first alarmed row inside; NaN if missed */
    double lead_s;      /* from there to its end; NaN if missed                            */
};

struct metrics {
    /* rows */
    size_t rows, anomalous_rows, alarmed_rows, unknown_rows;
    struct metrics_counts row;
    double precision, recall, f1, specificity, accuracy;
    double roc_auc, average_precision, pr_auc; /* pr_auc by trapezoids                          */
    double best_f1, best_threshold;            /* with hindsight: score >= best_threshold       */
    double vus_pr, vus_roc;                    /* NaN without vus_window                        */

    /* events */
    size_t events, found, missed, events_unknown, alarms, false_alarms;
    size_t false_stretches; /* entries of false_alarm[]; false_alarms adds up their counts   */
    double event_precision; /* found / (found + false alarms)                               */
    double event_recall;    /* found / events: the detection rate                           */
    double event_f1;
    double delay_median_s, delay_mean_s, delay_max_s; /* time to detection, of found events  */
    double lead_median_s;
    double days, normal_days;    /* observed; observed without a label                          */
    double false_alarms_per_day; /* over normal_days                                 */
    double false_alarms_per_day_upper95; /* one-sided, Poisson, exact                        */
    double fp_rows_per_day, fp_rows_per_day_max; /* per 24 h from the first row               */

    /* regimes: false alarms and their rows by the regime in which they began */
    uint32_t regimes;
    struct metrics_regime {
        uint64_t rows, normal_rows, fp_rows, false_alarms;
    } regime[METRICS_REGIMES_MAX];

    /* money, per event */
    struct prices prices;
    double fp_cost, fn_cost, tp_benefit, net_value;
    double roi; /* net / (false alarms' cost + 1), the published definition by events */

    /* reliability */
    double prevented_downtime_h;
    double mtbf_h; /* observed hours / events                           */
    double availability_without, availability_with; /* percent, 0..100                           */
    double availability_improvement; /* percent points, 0..100                            */

    /* calibration: part of normal rows with p at most 0.01, 0.05 (should not exceed them) */
    double p_at_01, p_at_05;

    struct metrics_event *event;       /* event[events], in the arena                          */
    struct metrics_event *false_alarm; /* false_alarm[false_stretches], in the arena           */
};

/* metrics_measure fills out; lists live in arena, working room is rewound.
 * ANDON_EINVAL  neither times nor an interval; more regimes than the limit
 * ANDON_EDATA   no rows, times that fall (err names the row)
 * ANDON_ENOMEM  the arena's limit
 * Time O(n log n); VUS adds O(vus_window (n + rows in the buffers)). */
ANDON_MUST_CHECK andon_status metrics_measure(const struct metrics_input *in,
                                              const struct prices *prices,
                                              struct andon_arena *arena, struct metrics *out,
                                              andon_error *err);

/* Baselines: alarm at every row with one constant score; and a seeded uniform score that alarms as
 * many rows as `in` does. */
ANDON_MUST_CHECK andon_status metrics_always(const struct metrics_input *in,
                                             const struct prices *prices, struct andon_arena *arena,
                                             struct metrics *out, andon_error *err);
ANDON_MUST_CHECK andon_status metrics_random(const struct metrics_input *in,
                                             const struct prices *prices, uint64_t seed,
                                             struct andon_arena *arena, struct metrics *out,
                                             andon_error *err);

/* The curves, thinned to at most `room` points that keep their corners. */
struct metrics_point {
    double x, y, threshold;
};
/* metrics_roc: x false positive rate, y recall. metrics_pr: x recall, y precision. Return the
 * number of points; 0 when one of the classes is missing or the arena is full. */
size_t metrics_roc(const struct metrics_input *in, struct andon_arena *arena,
                   struct metrics_point *point, size_t room);
size_t metrics_pr(const struct metrics_input *in, struct andon_arena *arena,
                  struct metrics_point *point, size_t room);

/* metrics_vus: volumes under the surfaces of range-aware precision-recall and ROC curves over
 * buffers of 0..window rows (Paparrizos et al., PVLDB 2022; 250 thresholds, as in TSB-AD). NaN
 * without labels of both kinds. score[n] without NaN.
 * false: the arena is full. */
bool metrics_vus(const uint8_t *label, const double *score, size_t n, uint32_t window,
                 struct andon_arena *arena, double *vus_pr, double *vus_roc);

/* poisson_upper: the mean that `count` events or fewer would be seen under with chance 1 - level:
 * the exact one-sided upper bound. poisson_upper(0, 0.95) = 2.996. */
double poisson_upper(uint64_t count, double level);

#endif
