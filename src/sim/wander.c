/* AR(1): y' = phi y + N(0, step), step = sd sqrt(1 - phi^2) keeps the variance. */
#include "wander.h"

#include <math.h>

void wander_start(struct wander *w, struct andon_rng rng, double sd, double time_s,
                  double interval_s)
{
    w->rng = rng;
    w->phi = time_s > 0.0 ? exp(-interval_s / time_s) : 0.0;
    w->step = sd * sqrt(1.0 - w->phi * w->phi);
    w->y = sd * andon_rng_normal(&w->rng);
}

double wander_next(struct wander *w)
{
    double y = w->y;
    w->y = w->phi * y + w->step * andon_rng_normal(&w->rng);
    return y;
}

double lag(double y, double x, double time_s, double interval_s)
{
    return x + (y - x) * exp(-interval_s / time_s);
}
