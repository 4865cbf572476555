/* Rows times a square matrix, for one instruction set after the other. */
#ifndef DETECT_KERNEL_APPLY_H
#define DETECT_KERNEL_APPLY_H

#include <stddef.h>
#include <stdint.h>

#include "andon/kernel.h"
#include "detect/kernel/kernel.h"

/* apply_lengths_<kernel> gives out[n][d] = x[n][d] m for m[d in][d out] and square[n], the squared
 * lengths of out's rows. Products with m are in float and not fused, and every sum runs in order,
 * over the inputs in float and over the outputs in double: a row has the bits of the plain loop with
 * every instruction set and in any batch. out overlaps neither x nor m. */
#define APPLY_DECLARE(suffix)                                                                      \
    void KERNEL_JOIN(apply_lengths, suffix)(const float *m, uint32_t d, const float *x, size_t n,  \
                                            float *out, double *square);
KERNEL_EACH(APPLY_DECLARE)
#undef APPLY_DECLARE

/* The function of an instruction set that this build has. */
typedef void (*apply_lengths)(const float *m, uint32_t d, const float *x, size_t n, float *out,
                              double *square);
apply_lengths apply_kernel(enum andon_kernel kernel);

#endif
