/* The hot loops of the neighbour search: lower bounds to boxes of rows, and squared distances to
 * leaves of rows, in fp32. They only sieve: whatever passes is measured again in double by the
 * caller, so every instruction set finds the same neighbours and the same bits. */
#ifndef DETECT_KERNEL_DISTANCE_H
#define DETECT_KERNEL_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

#include "detect/kernel/kernel.h"

#define DISTANCE_LEAF 32u /* rows per leaf                              */
#define DISTANCE_STEP 4u  /* a leaf's dimensions come in multiples of it */

/* distance_bounds_<kernel> gives, per box, the squared distance from z to it.
 *   low, high  in   low[dims][boxes], high[dims][boxes]; boxes a multiple of 64
 *   z          in   z[dims]
 *   bound      out  bound[boxes] */
#define DISTANCE_BOUNDS(suffix)                                                                    \
    void distance_bounds_##suffix(const float *low, const float *high, const float *z,             \
                                  uint32_t dims, uint32_t boxes, float *bound);
KERNEL_EACH(DISTANCE_BOUNDS)

/* One query of a sweep. Leaves whose bound exceeds limit are passed over. */
struct distance_query {
    const float *z;     /* z[dims]                                                    */
    const float *bound; /* bound[leaves]                                              */
    float *square;      /* out: square[DISTANCE_LEAF], squared distances within a leaf */
    float limit;
};

/* distance_sweep_<kernel> looks for the next leaf of from..to-1 with a row within limit of the
 * query and fills square; returns its index, or to when there is none. leaf   in
 * leaf[to][dims][DISTANCE_LEAF]; dims a multiple of DISTANCE_STEP */
#define DISTANCE_SWEEP(suffix)                                                                     \
    uint32_t distance_sweep_##suffix(const float *leaf, uint32_t dims,                             \
                                     const struct distance_query *query, uint32_t from,            \
                                     uint32_t to);
KERNEL_EACH(DISTANCE_SWEEP)

/* distance_sweep_two_<kernel> does it for two queries and reads each leaf once for both.
 *   which  out  bit 0: a has a row within its limit in that leaf, bit 1: b has; only their square
 *               is of use */
#define DISTANCE_SWEEP_TWO(suffix)                                                                 \
    uint32_t distance_sweep_two_##suffix(                                                          \
        const float *leaf, uint32_t dims, const struct distance_query *a,                          \
        const struct distance_query *b, uint32_t from, uint32_t to, int *which);
KERNEL_EACH(DISTANCE_SWEEP_TWO)

#endif
