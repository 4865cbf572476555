/* The exact upper bound of a Poisson mean: how many false alarms a day may really be behind those
 * that were counted. P(X <= k; m) = Q(k + 1, m), the regularised upper incomplete gamma function.
 */
#include <assert.h>
#include <math.h>

#include "metrics.h"

#define TERMS_MAX 100000

/* P(a, x) by its series, for x < a + 1. */
static double gamma_lower(double a, double x)
{
    double term = 1.0 / a, sum = term;
    for (int i = 1; i < TERMS_MAX && fabs(term) > 1e-17 * fabs(sum); i++) {
        term *= x / (a + i);
        sum += term;
    }
    return sum * exp(a * log(x) - x - lgamma(a));
}

/* Q(a, x) by its continued fraction (modified Lentz), for x >= a + 1. */
static double gamma_upper(double a, double x)
{
    const double tiny = 1e-300;
    double b = x + 1.0 - a;
    double c = 1.0 / tiny, d = 1.0 / b, h = d;
    for (int i = 1; i < TERMS_MAX; i++) {
        double an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        c = b + an / c;
        if (fabs(d) < tiny) d = tiny;
        if (fabs(c) < tiny) c = tiny;
        d = 1.0 / d;
        h *= d * c;
        if (fabs(d * c - 1.0) < 1e-16) break;
    }
    return h * exp(a * log(x) - x - lgamma(a));
}

static double at_most(uint64_t count, double mean)
{
    double a = (double)count + 1.0;
    return mean < a + 1.0 ? 1.0 - gamma_lower(a, mean) : gamma_upper(a, mean);
}

double poisson_upper(uint64_t count, double level)
{
    assert(level > 0.0 && level < 1.0);
    double k = (double)count;
    double low = 0.0, high = k + 10.0 * sqrt(k + 1.0) + 10.0;
    while (at_most(count, high) > 1.0 - level) high *= 2.0;
    for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
        double middle = 0.5 * (low + high);
        if (at_most(count, middle) > 1.0 - level)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}
