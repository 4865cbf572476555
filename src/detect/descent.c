/* Invariant: a pair (step, change of slope) is kept only if their product is positive, so that
 * every direction leads downhill. */
#include "detect/descent.h"

#include <math.h>
#include <string.h>

#include "detect/linear.h"

#define DECREASE 1e-4   /* part of the promised decrease that a step has to bring (Armijo) */
#define HALVINGS_MAX 40

struct trail {
    size_t size;
    double *slope, *ahead, *next, *way; /* [size] each                        */
    double *step, *change;              /* [DESCENT_HISTORY][size], a ring    */
    double *curve, *along;              /* [DESCENT_HISTORY]                  */
    size_t taken;                       /* pairs ever kept                    */
};

size_t descent_room(size_t size)
{
    return (4 + 2 * DESCENT_HISTORY) * size + 2 * DESCENT_HISTORY;
}

static struct trail trail_in(double *room, size_t size)
{
    struct trail t = {.size = size, .slope = room};
    t.ahead = t.slope + size;
    t.next = t.ahead + size;
    t.way = t.next + size;
    t.step = t.way + size;
    t.change = t.step + DESCENT_HISTORY * size;
    t.curve = t.change + DESCENT_HISTORY * size;
    t.along = t.curve + DESCENT_HISTORY;
    return t;
}

static void add(double *to, double factor, const double *v, size_t size)
{
    for (size_t i = 0; i < size; i++) to[i] += factor * v[i];
}

/* way = -(inverse curvature) slope, by the two loops over the kept pairs. */
static void look_downhill(struct trail *t)
{
    size_t kept = t->taken < DESCENT_HISTORY ? t->taken : DESCENT_HISTORY;
    memcpy(t->way, t->slope, t->size * sizeof(double));
    for (size_t back = 1; back <= kept; back++) {
        size_t at = (t->taken - back) % DESCENT_HISTORY;
        t->along[at] = linear_dot(t->step + at * t->size, t->way, t->size) / t->curve[at];
        add(t->way, -t->along[at], t->change + at * t->size, t->size);
    }
    double scale = 1 / sqrt(linear_dot(t->slope, t->slope, t->size));
    if (kept > 0) {
        size_t at = (t->taken - 1) % DESCENT_HISTORY;
        const double *y = t->change + at * t->size;
        scale = t->curve[at] / linear_dot(y, y, t->size);
    }
    for (size_t i = 0; i < t->size; i++) t->way[i] *= scale;
    for (size_t back = kept; back >= 1; back--) {
        size_t at = (t->taken - back) % DESCENT_HISTORY;
        double right = linear_dot(t->change + at * t->size, t->way, t->size) / t->curve[at];
        add(t->way, t->along[at] - right, t->step + at * t->size, t->size);
    }
    for (size_t i = 0; i < t->size; i++) t->way[i] = -t->way[i];
}

/* Goes along way, halving the stride until the value falls as promised; false: it never does. */
static bool stride(const struct descent *d, struct trail *t, const double *u, double *value)
{
    double promised = linear_dot(t->slope, t->way, t->size), factor = 1;
    for (int i = 0; i < HALVINGS_MAX && promised < 0; i++, factor /= 2) {
        memcpy(t->next, u, t->size * sizeof(double));
        add(t->next, factor, t->way, t->size);
        double there = d->objective(d->context, t->next, t->ahead);
        if (there <= *value + DECREASE * factor * promised) {
            *value = there;
            return true;
        }
    }
    return false;
}

static void remember(struct trail *t, const double *u)
{
    size_t at = t->taken % DESCENT_HISTORY;
    double *s = t->step + at * t->size, *y = t->change + at * t->size;
    for (size_t i = 0; i < t->size; i++) {
        s[i] = t->next[i] - u[i];
        y[i] = t->ahead[i] - t->slope[i];
    }
    t->curve[at] = linear_dot(s, y, t->size);
    if (t->curve[at] > 0) t->taken++;
}

bool descent_run(const struct descent *d, double *u, double *room)
{
    struct trail t = trail_in(room, d->size);
    double value = d->objective(d->context, u, t.slope);
    for (int i = 0; i < d->steps_max; i++) {
        double length = sqrt(linear_dot(t.slope, t.slope, d->size));
        if (!(length > d->slope_min)) break;
        if (d->stops(d->context, (double)i / d->steps_max)) return false;
        look_downhill(&t);
        if (!stride(d, &t, u, &value)) break;
        remember(&t, u);
        memcpy(u, t.next, d->size * sizeof(double));
        memcpy(t.slope, t.ahead, d->size * sizeof(double));
    }
    return true;
}
