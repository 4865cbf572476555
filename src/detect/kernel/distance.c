/* Written as loops over lanes that a compiler turns into vectors of any width. The order of the sums
 * does not matter to the result (see distance.h); their error does, and neighbours.c allows for it. */
#include "detect/kernel/distance.h"

void KERNEL(distance_bounds)(const float *low, const float *high, const float *z, uint32_t dims,
                             uint32_t boxes, float *restrict bound)
{
    for (uint32_t b = 0; b < boxes; b++) bound[b] = 0.0f;
    for (uint32_t j = 0; j < dims; j++) {
        const float *l = low + (size_t)j * boxes, *h = high + (size_t)j * boxes;
        float at = z[j];
        for (uint32_t b = 0; b < boxes; b++) {
            float below = l[b] - at, above = at - h[b];
            float gap = below > above ? below : above;
            gap = gap > 0.0f ? gap : 0.0f;
            bound[b] = KERNEL_FMA(gap, gap, bound[b]);
        }
    }
}

/* Adds DISTANCE_STEP dimensions to the sums of a leaf's rows; says whether any is within limit. */
static inline int add_step(const float *restrict y, const float *restrict z, float limit,
                           float *restrict sum)
{
    float z0 = z[0], z1 = z[1], z2 = z[2], z3 = z[3];
    int within = 0;
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) {
        float a = y[r] - z0, b = y[r + DISTANCE_LEAF] - z1;
        float c = y[r + 2 * DISTANCE_LEAF] - z2, e = y[r + 3 * DISTANCE_LEAF] - z3;
        float s = KERNEL_FMA(a, a, sum[r]);
        s = KERNEL_FMA(b, b, s);
        s = KERNEL_FMA(c, c, s);
        s = KERNEL_FMA(e, e, s);
        sum[r] = s;
        within |= !(s > limit);
    }
    return within;
}

uint32_t KERNEL(distance_sweep)(const float *leaf, const float *z, uint32_t dims,
                                const float *bound, uint32_t from, uint32_t leaves, float limit,
                                float *restrict square)
{
    size_t stride = (size_t)dims * DISTANCE_LEAF;
    for (uint32_t i = from; i < leaves; i++) {
        if (bound[i] > limit) continue;
        const float *y = leaf + i * stride;
        int within = 1;
        for (uint32_t r = 0; r < DISTANCE_LEAF; r++) square[r] = 0.0f;
        for (uint32_t j = 0; j < dims && within; j += DISTANCE_STEP)
            within = add_step(y + (size_t)j * DISTANCE_LEAF, z + j, limit, square);
        if (within) return i;
    }
    return leaves;
}
