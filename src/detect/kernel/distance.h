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
 *   low, high  in   low[dims][boxes], high[dims][boxes]; boxes a multiple of 16
 *   z          in   z[dims]
 *   bound      out  bound[boxes] */
#define DISTANCE_BOUNDS(suffix)                                                                    \
    void distance_bounds_##suffix(const float *low, const float *high, const float *z,             \
                                  uint32_t dims, uint32_t boxes, float *bound);
KERNEL_EACH(DISTANCE_BOUNDS)

/* distance_sweep_<kernel> looks for the next leaf, at or after from, that has a row within limit of
 * z; leaves whose bound exceeds limit are passed over.
 *   leaf    in   leaf[leaves][dims][DISTANCE_LEAF]; dims a multiple of DISTANCE_STEP
 *   square  out  square[DISTANCE_LEAF], that leaf's squared distances
 * Returns the leaf's index, or leaves when there is none. A bound or square that is no number counts
 * as within the limit. */
#define DISTANCE_SWEEP(suffix)                                                                     \
    uint32_t distance_sweep_##suffix(const float *leaf, const float *z, uint32_t dims,             \
                                     const float *bound, uint32_t from, uint32_t leaves,           \
                                     float limit, float *square);
KERNEL_EACH(DISTANCE_SWEEP)

#endif
