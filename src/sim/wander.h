/* A quantity that wanders around its mean: an AR(1) process, the Ornstein-Uhlenbeck process seen
 * every interval. It starts in its stationary state, so a run has no warm-up of its own. */
#ifndef SIM_WANDER_H
#define SIM_WANDER_H

#include "andon/rng.h"

struct wander {
    struct andon_rng rng;
    double phi;  /* correlation from sample to sample   */
    double step; /* deviation of one innovation         */
    double y;    /* present value, mean 0               */
};

/* sd: stationary deviation; time_s: time constant, 0 for white noise. */
void wander_start(struct wander *w, struct andon_rng rng, double sd, double time_s,
                  double interval_s);

/* wander_next returns the present value and moves on. */
double wander_next(struct wander *w);

/* A first-order lag: y follows x with time constant time_s. */
double lag(double y, double x, double time_s, double interval_s);

#endif
