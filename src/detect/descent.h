/* The minimum of a smooth convex function by L-BFGS (Liu and Nocedal, Mathematical Programming 45,
 * 1989): the last ten steps stand for the curvature. Deterministic; nothing allocates. */
#ifndef DETECT_DESCENT_H
#define DETECT_DESCENT_H

#include <stdbool.h>
#include <stddef.h>

#define DESCENT_HISTORY 10u

struct descent {
    /* The value at u[size], and its slope[size]. */
    double (*objective)(void *context, const double *u, double *slope);
    /* Asked before every step with the part done in [0, 1]; true ends the descent. */
    bool (*stops)(void *context, double part);
    void *context;
    size_t size;
    int steps_max;
    double slope_min; /* done when the slope is no longer than this */
};

/* How many doubles of room descent_run needs. */
size_t descent_room(size_t size);

/* descent_run moves u[size] from where it stands to the minimum, or as near as steps_max steps and
 * the rounding of the objective allow. false: stopped. */
bool descent_run(const struct descent *way, double *u, double *room);

#endif
