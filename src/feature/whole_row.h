/* The common row, in which every channel is there and none is far out: two at a time, in one pass. */
#ifndef FEATURE_WHOLE_ROW_H
#define FEATURE_WHOLE_ROW_H

#include <stdbool.h>
#include <stdint.h>

/* From this scaled value on a feature's grid is coarser than 2^-20. */
#define WHOLE_ROW_MAX 0x1p31

/* What channels are multiplied with and scaled by, side by side. Behind an odd number of channels
 * stands one more: 1, 0, 1 and +inf. */
struct whole_scale {
    const double *peak, *centre, *spread;
    const double *limit; /* scaled values lie below: where compression begins and at most
                            WHOLE_ROW_MAX; a constant channel's is the least that is not 0 */
};

/* z[n] = (sample[n] * peak[n] - centre[n]) / spread[n], and x[n] the same to the nearest 2^-20, with
 * the bits that recipe.c gives value by value. False when one is missing or not below its limit: z
 * and x are not to be used then. */
bool whole_row(const struct whole_scale *scale, const double *sample, uint32_t n, double *z,
               float *x);

#endif
