/* Rows in the order of their scores: what ROC and precision-recall are made of. */
#ifndef LEARN_RANKING_H
#define LEARN_RANKING_H

#include "metrics.h"

/* One distinct threshold: rows with score >= threshold, by label. Descending. */
struct ranking_step {
    double threshold;
    uint64_t tp, fp;
};

struct ranking {
    struct ranking_step *step; /* step[steps], in the arena */
    size_t steps;
    uint64_t positives, negatives;
};

/* ranking_make sorts; rows that were not judged rank lowest. false: the arena is full. */
bool ranking_make(const struct metrics_input *in, struct andon_arena *arena,
                  struct ranking *ranking);

/* The score that a row ranks by: -inf when it was not judged. */
double ranking_score(const struct metrics_input *in, size_t row);

double ranking_roc_auc(const struct ranking *r);           /* NaN with one class only */
double ranking_average_precision(const struct ranking *r); /* NaN without positives   */
double ranking_pr_auc(const struct ranking *r);            /* trapezoids from (0, 1)  */
double ranking_best_f1(const struct ranking *r, double *threshold);

#endif
