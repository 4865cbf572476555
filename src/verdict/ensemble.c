#include "verdict/ensemble.h"

#include <math.h>

double ensemble_u(const struct andon_model *model, const double *said)
{
    const struct member *m = model->member;
    if (model->members == 1) return said[0];
    double sum = 0.0, weights = 0.0, spreads = 0.0;
    for (uint32_t k = 0; k < model->members; k++) {
        sum += m[k].weight * said[k] / m[k].compression.spread;
        spreads += m[k].weight * m[k].compression.spread;
        weights += m[k].weight;
    }
    return sum / weights * (spreads / weights);
}

double ensemble_voice(const struct andon_model *model, uint32_t k, double said)
{
    const struct member *m = &model->member[k];
    double t = said / m->compression.spread; /* 1 at its 99 % quantile */
    return m->weight * (t > 20.0 ? t * exp(20.0) : exp(t));
}

double ensemble_confidence(const struct andon_model *model, const double *said, bool anomalous)
{
    double agree = 0.0, weights = 0.0;
    for (uint32_t k = 0; k < model->members; k++) {
        const struct member *m = &model->member[k];
        if ((said[k] / m->compression.spread > 1.0) == anomalous) agree += m->weight;
        weights += m->weight;
    }
    return fmax(0.5, agree / weights);
}

double smoother_push(struct smoother *s, uint32_t rows, double u)
{
    s->head = (s->head + 1) % rows;
    s->u[s->head] = u;
    if (s->count < rows) s->count++;
    /* Summed anew in order of age, so that the mean depends on these rows alone. */
    double sum = 0.0;
    for (uint32_t back = 0; back < s->count; back++) sum += s->u[(s->head + rows - back) % rows];
    return sum / s->count;
}
