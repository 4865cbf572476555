/* Several opinions, one score: the weighted mean of the members' compressed scores, each in units of
 * its own tail, brought back to the logarithm of a score. Per row, never per batch. */
#ifndef VERDICT_ENSEMBLE_H
#define VERDICT_ENSEMBLE_H

#include "verdict/model.h"

/* ensemble_u joins what the members say of one row to one u; said[members] are their raw scores
 * behind compression_apply. One member passes through unchanged. */
double ensemble_u(const struct andon_model *model, const double *said);

/* ensemble_voice says how much of the joint score is member k's doing, >= 0. */
double ensemble_voice(const struct andon_model *model, uint32_t k, double said);

/* ensemble_confidence is the part of the weight whose members, on their own, stand on the same side
 * of their tail as the joint score does of its level, at least 0.5. */
double ensemble_confidence(const struct andon_model *model, const double *said, bool anomalous);

/* The mean of u over the last rows (verdict option smooth). Flat, without pointers. */
#define SMOOTH_ROWS_MAX 256u
struct smoother {
    uint32_t head, count;
    double u[SMOOTH_ROWS_MAX];
};
double smoother_push(struct smoother *s, uint32_t rows, double u);

#endif
