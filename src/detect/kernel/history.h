/* What a row is compared with in one channel's history. Every instruction set gives the same bits:
 * sums run in eight fixed lanes, in double, without fused operations. */
#ifndef DETECT_KERNEL_HISTORY_H
#define DETECT_KERNEL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "detect/kernel/kernel.h"

/* history_nearest_<kernel> compares the last `length` values with every run of as many values before
 * them that does not overlap them; gives the least squared distance.
 *   value   in   value[n] in order of time, finite, n >= 2 * length
 * Time O(n * length), mostly less: a run is left once it is farther than the nearest so far. */
#define HISTORY_NEAREST(suffix)                                                                    \
    double history_nearest_##suffix(const float *value, size_t n, size_t length);
KERNEL_EACH(HISTORY_NEAREST)

/* Mean and population variance of value[n], n >= 1. */
struct history_moments {
    double mean, variance;
};
#define HISTORY_MOMENTS(suffix)                                                                    \
    struct history_moments history_moments_##suffix(const float *value, size_t n);
KERNEL_EACH(HISTORY_MOMENTS)

/* Least and greatest of value[n], n >= 1. */
struct history_range {
    float low, high;
};
#define HISTORY_RANGE(suffix)                                                                      \
    struct history_range history_range_##suffix(const float *value, size_t n);
KERNEL_EACH(HISTORY_RANGE)

#endif
