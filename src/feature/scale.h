/* Centre and spread of a channel: what "normal" is measured in. */
#ifndef FEATURE_SCALE_H
#define FEATURE_SCALE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum scale_kind { SCALE_DEVIATION, SCALE_ROBUST, SCALE_STANDARD, SCALE_MINMAX, SCALE_NONE };

/* z = (value - centre) / spread. A constant channel never changed in training. */
struct scale {
    double centre, spread;
    bool constant;
};

/* scale_fit measures v[n] (finite, n >= 1; its order is changed).
 *   deviation median and population deviation: a rest at one value does not shrink the spread
 *   robust    median and interquartile range, linear interpolation (scikit-learn's RobustScaler)
 *   standard  mean and population deviation (StandardScaler)
 *   minmax    minimum and range (MinMaxScaler); none: 0 and 1
 * The spread is never below floor * range, where range is the channel's over all of training; where
 * that leaves 0 (floor 0 and one value alone) it is the range. */
struct scale scale_fit(enum scale_kind kind, double *v, size_t n, double floor, double range);

double scale_compressed(double z, double compress); /* |z| > compress > 0 */

/* scale_value gives z, compressed beyond `compress` (0: never) as c * (1 + ln(|z| / c)): monotone,
 * smooth, unbounded; with compress, finite for every finite value. A constant channel gives 0, or
 * +-step when its value is another. */
static inline double scale_value(const struct scale *s, double value, double compress, double step)
{
    if (s->constant) return value == s->centre ? 0.0 : value > s->centre ? step : -step;
    double z = (value - s->centre) / s->spread;
    return compress > 0.0 && fabs(z) > compress ? scale_compressed(z, compress) : z;
}

/* scale_engineering undoes scale_value for a channel that is not constant. */
double scale_engineering(const struct scale *s, double z, double compress);

/* The q-quantile of sorted v[n], linear interpolation. */
double scale_quantile(const double *sorted, size_t n, double q);

/* Ascending order, in place. */
void scale_sort(double *v, size_t n);

#endif
