/* Written as loops over lanes that a compiler turns into vectors of any width. The order of the
 * sums does not matter to the result (see distance.h); their error does, and neighbours.c allows
 * for it. */
#include "detect/kernel/distance.h"

enum { CHECK = 8 }; /* dimensions between two looks at the sums */

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

/* Adds four dimensions to the sums of a leaf's rows, or starts them. Loops are short and of fixed
 * length, so that the sums stay in registers. */
static inline void add_four(const float *restrict y, const float *restrict z, float *restrict sum,
                            int first)
{
    float z0 = z[0], z1 = z[1], z2 = z[2], z3 = z[3];
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) {
        float a = y[r] - z0, b = y[r + DISTANCE_LEAF] - z1;
        float c = y[r + 2 * DISTANCE_LEAF] - z2, d = y[r + 3 * DISTANCE_LEAF] - z3;
        float s = first ? a * a : KERNEL_FMA(a, a, sum[r]);
        s = KERNEL_FMA(b, b, s);
        s = KERNEL_FMA(c, c, s);
        sum[r] = KERNEL_FMA(d, d, s);
    }
}

/* Adds two dimensions to one query's sums and to another's: each row is read once for both. */
static inline void add_two(const float *restrict y, const float *restrict za,
                           const float *restrict zb, float *restrict sum_a, float *restrict sum_b,
                           int first)
{
    float a0 = za[0], a1 = za[1], b0 = zb[0], b1 = zb[1];
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) {
        float y0 = y[r], y1 = y[r + DISTANCE_LEAF];
        float a = y0 - a0, b = y0 - b0, c = y1 - a1, d = y1 - b1;
        float s = first ? a * a : KERNEL_FMA(a, a, sum_a[r]);
        float t = first ? b * b : KERNEL_FMA(b, b, sum_b[r]);
        sum_a[r] = KERNEL_FMA(c, c, s);
        sum_b[r] = KERNEL_FMA(d, d, t);
    }
}

static inline int any_within(const float *sum, float limit)
{
    int within = 0;
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) within |= sum[r] <= limit;
    return within;
}

/* One leaf for one query: true, and square filled, when a row is within limit. Sums are checked on
 * the way: most leaves are out of reach after a few dimensions. */
static inline int one_leaf(const float *restrict y, const float *restrict z, uint32_t dims,
                           float limit, float *restrict square)
{
    float sum[DISTANCE_LEAF];
    add_four(y, z, sum, 1);
    for (uint32_t j = 4; j < dims; j += 4) {
        add_four(y + (size_t)j * DISTANCE_LEAF, z + j, sum, 0);
        if (j % CHECK == CHECK - 4 && !any_within(sum, limit)) return 0;
    }
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) square[r] = sum[r];
    return any_within(sum, limit);
}

uint32_t KERNEL(distance_sweep)(const float *leaf, uint32_t dims,
                                const struct distance_query *query, uint32_t from, uint32_t to)
{
    size_t stride = (size_t)dims * DISTANCE_LEAF;
    for (uint32_t i = from; i < to; i++)
        if (query->bound[i] <= query->limit &&
            one_leaf(leaf + i * stride, query->z, dims, query->limit, query->square))
            return i;
    return to;
}

static inline int two_leaves(const float *restrict y, const struct distance_query *a,
                             const struct distance_query *b, uint32_t dims)
{
    float sum_a[DISTANCE_LEAF], sum_b[DISTANCE_LEAF];
    add_two(y, a->z, b->z, sum_a, sum_b, 1);
    for (uint32_t j = 2; j < dims; j += 2) {
        add_two(y + (size_t)j * DISTANCE_LEAF, a->z + j, b->z + j, sum_a, sum_b, 0);
        if (j % CHECK == CHECK - 2 && !(any_within(sum_a, a->limit) | any_within(sum_b, b->limit)))
            return 0;
    }
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) a->square[r] = sum_a[r];
    for (uint32_t r = 0; r < DISTANCE_LEAF; r++) b->square[r] = sum_b[r];
    return any_within(sum_a, a->limit) | any_within(sum_b, b->limit) << 1;
}

uint32_t KERNEL(distance_sweep_two)(const float *leaf, uint32_t dims,
                                    const struct distance_query *a, const struct distance_query *b,
                                    uint32_t from, uint32_t to, int *which)
{
    size_t stride = (size_t)dims * DISTANCE_LEAF;
    for (uint32_t i = from; i < to; i++) {
        const float *y = leaf + i * stride;
        int within_a = a->bound[i] <= a->limit, within_b = b->bound[i] <= b->limit;
        *which = 0;
        if (within_a & within_b)
            *which = two_leaves(y, a, b, dims);
        else if (within_a)
            *which = one_leaf(y, a->z, dims, a->limit, a->square);
        else if (within_b)
            *which = one_leaf(y, b->z, dims, b->limit, b->square) << 1;
        if (*which) return i;
    }
    return to;
}
