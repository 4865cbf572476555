/* Quantiles of a column while a detector is fitted: in place, without the malloc that qsort may
 * take. */
#ifndef DETECT_QUANTILE_H
#define DETECT_QUANTILE_H

#include <math.h>
#include <stddef.h>

static inline void quantile_sift(double *v, size_t root, size_t n)
{
    double top = v[root];
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n && v[child] < v[child + 1]) child++;
        if (top >= v[child]) break;
        v[root] = v[child];
        root = child;
    }
    v[root] = top;
}

/* quantile_sort puts v[n] (no NaN) into ascending order. Heap sort: O(n log n), no memory. */
static inline void quantile_sort(double *v, size_t n)
{
    for (size_t i = n / 2; i > 0; i--) quantile_sift(v, i - 1, n);
    for (size_t i = n; i > 1; i--) {
        double last = v[i - 1];
        v[i - 1] = v[0];
        v[0] = last;
        quantile_sift(v, 0, i - 1);
    }
}

/* quantile_of reads the q-quantile, q in [0, 1], of sorted v[n], n >= 1; linear in between. */
static inline double quantile_of(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* quantile_deviation gives 1.4826 times the median distance from middle: a standard deviation that
 * outliers do not move. v[n] is overwritten. */
static inline double quantile_deviation(double *v, size_t n, double middle)
{
    for (size_t i = 0; i < n; i++) v[i] = fabs(v[i] - middle);
    quantile_sort(v, n);
    return 1.4826022185056018 * quantile_of(v, n, 0.5);
}

#endif
