#include "feature/whole_row.h"

#include <string.h>

typedef double pair __attribute__((vector_size(16)));
typedef int64_t pair_bits __attribute__((vector_size(16)));
typedef float narrow __attribute__((vector_size(8)));

#define INLINE static inline __attribute__((always_inline))

INLINE pair load(const double *at)
{
    pair p;
    memcpy(&p, at, sizeof p);
    return p;
}

INLINE pair size_of(pair p)
{
    return (pair)((pair_bits)p & INT64_MAX);
}

/* Two channels; all bits where they are as they should be. */
INLINE pair_bits two(const struct whole_scale *s, uint32_t i, pair sample, pair *z, narrow *x)
{
    const pair whole = {0x1.8p52, 0x1.8p52}; /* a sum with it has no bits left for a fraction */
    pair v = (sample * load(s->peak + i) - load(s->centre + i)) / load(s->spread + i);
    pair units = v * 0x1p20;
    pair_bits sign = (pair_bits)units & INT64_MIN;
    pair near = (pair)((pair_bits)size_of(units + whole - whole) | sign) * 0x1p-20;
    *z = v;
    *x = __builtin_convertvector(near, narrow);
    return (pair_bits)(size_of(v) < load(s->limit + i));
}

bool whole_row(const struct whole_scale *scale, const double *sample, uint32_t n, double *z, float *x)
{
    const struct whole_scale s = *scale; /* a store to z might otherwise change it */
    pair_bits good = {-1, -1};
    pair both;
    narrow last;
    uint32_t i = 0;
    for (; i + 2 <= n; i += 2) {
        good &= two(&s, i, load(sample + i), &both, &last);
        memcpy(z + i, &both, sizeof both);
        memcpy(x + i, &last, sizeof last);
    }
    if (i < n) { /* twice the last */
        good &= two(&s, i, (pair){sample[i], sample[i]}, &both, &last);
        z[i] = both[0];
        x[i] = last[0];
    }
    return (good[0] & good[1]) != 0;
}
