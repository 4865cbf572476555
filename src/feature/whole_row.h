/* The common row, in which every value is there and none is far out: two values at a time. Each of these
 * gives the bits that recipe.c gives value by value, or says false and is not to be used. */
#ifndef FEATURE_WHOLE_ROW_H
#define FEATURE_WHOLE_ROW_H

#include <stdbool.h>
#include <stdint.h>

/* value[n] = sample[n] * peak[n]; false when one is missing or overflows. */
bool whole_row_values(const double *sample, const double *peak, uint32_t n, double *value);

/* What values are scaled by, side by side. */
struct whole_scale {
    const double *centre, *spread;
    const double *limit; /* farthest that a scaled value may lie: where compression begins, +inf, or 0 for
                            a constant channel */
};

/* z[n] = (value[n] - centre[n]) / spread[n]; false when one is missing or beyond its limit. */
bool whole_row_scale(const struct whole_scale *scale, const double *value, uint32_t n, double *z);

/* x[n] = z[n] to the nearest 2^-20; false when one is too far out to have a fraction. */
bool whole_row_grid(const double *z, uint32_t n, float *x);

#endif
