/* Trains on a run's first rows, judges the others, and says how good that was. */
#ifndef QUALITY_JUDGE_H
#define QUALITY_JUDGE_H

#include "andon/andon.h"
#include "learn/metrics.h"
#include "sets.h"

/* A configuration: a detector and its settings, the same for every run of a set. */
struct config {
    const char *detector;
    double budget_per_day;
    const struct andon_setting *setting;
    size_t settings;
};

/* What came out, for rows [train, n): arrays of `rows`. */
struct judged {
    size_t rows;
    const uint8_t *label; /* borrowed from the run */
    double *score;
    uint8_t *alarm, *unknown;
    uint32_t *channel;
};

/* judge returns false and prints why when the run cannot be judged. warm: the rows that taught are
 * scored first, as when a file is scored whole. */
bool judge(const struct run *run, const struct config *config, bool warm, struct judged *out);
void judged_free(struct judged *j);

/* judge_all learns from all rows, without labels, and judges them all (for sets without time). */
bool judge_all(const struct run *run, const struct config *config, struct judged *out);

/* Figures of one run or means over several. */
struct figures {
    double ap, roc, vus_pr, f1, far, mar; /* f1, far, mar by the label-free decisions */
    double always_f1, random_f1, random_ap;
};

/* judged_figures measures one run's answers. */
bool judged_figures(const struct run *run, const struct judged *j, struct figures *out);

/* judge_folds cross-validates a supervised configuration: rows are dealt to folds class by class, the
 * level is chosen inside the training folds. */
bool judge_folds(const struct run *run, const struct config *config, size_t folds,
                 struct metrics_counts *counts);

/* judge_set means the runs' figures; pooled: F1, FAR and MAR from counts added over runs. */
bool judge_set(const struct set *set, const struct config *config, bool warm, bool pooled,
               struct figures *out, bool verbose);

#endif
