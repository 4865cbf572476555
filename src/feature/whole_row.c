#include "feature/whole_row.h"

#include <float.h>

typedef double pair __attribute__((vector_size(16)));
typedef int64_t pair_bits __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

/* A value alone is a pair of twice the same; both is a constant wherever this is inlined. */
INLINE pair load(const double *at, bool both)
{
    return (pair){at[0], at[both]};
}

INLINE void store(double *at, pair p, bool both)
{
    at[0] = p[0];
    if (both) at[1] = p[1];
}

INLINE pair size_of(pair p)
{
    return (pair)((pair_bits)p & INT64_MAX);
}

INLINE bool none(pair_bits bits)
{
    return (bits[0] | bits[1]) == 0;
}

/* All bits where a value is not as it should be. */
INLINE pair_bits values_at(const double *sample, const double *peak, double *value, bool both)
{
    pair v = load(sample, both) * load(peak, both);
    store(value, v, both);
    return ~(pair_bits)(size_of(v) <= (pair){DBL_MAX, DBL_MAX});
}

bool whole_row_values(const double *sample, const double *peak, uint32_t n, double *value)
{
    pair_bits wrong = {0};
    uint32_t i = 0;
    for (; i + 2 <= n; i += 2) wrong |= values_at(sample + i, peak + i, value + i, true);
    if (i < n) wrong |= values_at(sample + i, peak + i, value + i, false);
    return none(wrong);
}

INLINE pair_bits scale_at(const struct whole_scale *s, uint32_t i, const double *value, double *z,
                          bool both)
{
    pair v = (load(value + i, both) - load(s->centre + i, both)) / load(s->spread + i, both);
    store(z + i, v, both);
    return ~(pair_bits)(size_of(v) <= load(s->limit + i, both));
}

bool whole_row_scale(const struct whole_scale *scale, const double *value, uint32_t n, double *z)
{
    const struct whole_scale s = *scale; /* a store to z might otherwise change it */
    pair_bits wrong = {0};
    uint32_t i = 0;
    for (; i + 2 <= n; i += 2) wrong |= scale_at(&s, i, value, z, true);
    if (i < n) wrong |= scale_at(&s, i, value, z, false);
    return none(wrong);
}

INLINE pair_bits grid_at(const double *z, float *x, bool both)
{
    const pair whole = {0x1.8p52, 0x1.8p52}; /* a sum with it has no bits left for a fraction */
    pair units = load(z, both) * 0x1p20;
    pair_bits sign = (pair_bits)units & INT64_MIN;
    pair near = (pair)((pair_bits)size_of(units + whole - whole) | sign) * 0x1p-20;
    x[0] = (float)near[0];
    if (both) x[1] = (float)near[1];
    return ~(pair_bits)(size_of(units) < (pair){0x1p51, 0x1p51});
}

bool whole_row_grid(const double *z, uint32_t n, float *x)
{
    pair_bits wrong = {0};
    uint32_t i = 0;
    for (; i + 2 <= n; i += 2) wrong |= grid_at(z + i, x + i, true);
    if (i < n) wrong |= grid_at(z + i, x + i, false);
    return none(wrong);
}
