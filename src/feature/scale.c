#include "feature/scale.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Heap sort: in place, without the hidden malloc that qsort may take. */
static void sift(double *v, size_t root, size_t n)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n) return;
        if (child + 1 < n && ascending(&v[child], &v[child + 1]) < 0) child++;
        if (ascending(&v[root], &v[child]) >= 0) return;
        double t = v[root];
        v[root] = v[child];
        v[child] = t;
        root = child;
    }
}

void scale_sort(double *v, size_t n)
{
    for (size_t i = n / 2; i > 0; i--) sift(v, i - 1, n);
    for (size_t i = n; i > 1; i--) {
        double t = v[0];
        v[0] = v[i - 1];
        v[i - 1] = t;
        sift(v, 0, i - 1);
    }
}

double scale_quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

static struct scale robust(double *v, size_t n)
{
    scale_sort(v, n);
    return (struct scale){.centre = scale_quantile(v, n, 0.5),
                          .spread = scale_quantile(v, n, 0.75) - scale_quantile(v, n, 0.25)};
}

static struct scale standard(const double *v, size_t n)
{
    /* Deviations from the first value keep the sums small on channels with a large offset. */
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) sum += v[i] - v[0];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double e = v[i] - v[0] - mean;
        squares += e * e;
    }
    return (struct scale){.centre = v[0] + mean, .spread = sqrt(squares / (double)n)};
}

struct scale scale_fit(enum scale_kind kind, double *v, size_t n, double floor, double range)
{
    double low = v[0], high = v[0];
    for (size_t i = 1; i < n; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    struct scale s = {.centre = 0.0, .spread = 1.0};
    if (kind == SCALE_NONE) return s;
    if (!(range > 0.0)) return (struct scale){.centre = low, .spread = 1.0, .constant = true};
    if (kind == SCALE_ROBUST) s = robust(v, n);
    if (kind == SCALE_STANDARD || kind == SCALE_DEVIATION) s = standard(v, n);
    if (kind == SCALE_DEVIATION) {
        scale_sort(v, n);
        s.centre = scale_quantile(v, n, 0.5);
    }
    if (kind == SCALE_MINMAX) s = (struct scale){.centre = low, .spread = high - low};
    if (!(s.spread >= floor * range)) s.spread = floor * range;
    if (!(s.spread > 0.0)) s.spread = range; /* one value alone here, and no floor */
    return s;
}

double scale_compressed(double z, double compress)
{
    /* What overflowed on the way is far out, not infinite. */
    return copysign(compress * (1.0 + log(fmin(fabs(z), DBL_MAX) / compress)), z);
}

double scale_engineering(const struct scale *s, double z, double compress)
{
    double size = fabs(z);
    if (compress > 0.0 && size > compress)
        z = copysign(compress * exp(size / compress - 1.0), z);
    return s->centre + z * s->spread;
}
