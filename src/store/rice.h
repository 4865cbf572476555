/* A sequence of whole numbers in few bits: the best of a few predictors, and Rice codes for what it
 * misses (Rice and Plaunt, IEEE Trans. Comm. 1971). Pure functions.
 *
 *   u8 head: which shape, and the width b of what is written plainly of each residual
 *   LINE    x0, slope    x[i] = x0 + i slope, exactly; of a constant the slope is left out
 *   LEVEL   base         r[i] = x[i] - base
 *   STEP    x0, slope    r[i] = x[i] - x[i-1] - slope
 *   CURVE   x0, x1       r[i] = x[i] - 2 x[i-1] + x[i-2]
 *   SMOOTH  x0           r[i] = x[i] - (p + 2) / 4 rounded down, then p += r[i]; p = 4 x0 at first:
 *                        exponential smoothing by a quarter, for noise about a level that drifts
 * then for the residuals, made unsigned by zigzag: u >> b in unary (zeros, then a one), the low b
 * bits, and varints for the quotients of RICE_ESCAPE, whose unary code stands for "too large". The
 * parameters are zigzag varints; arithmetic wraps at 64 bits, so that every sequence comes back. */
#ifndef STORE_RICE_H
#define STORE_RICE_H

#include "store/wire.h"

#define RICE_MAX 2048u /* numbers of a sequence */

/* Bytes that rice_put needs at most. */
#define RICE_BYTES_MAX(n) ((size_t)(n)*22u + 40u)

/* rice_put writes x[n], n <= RICE_MAX, and returns the end. Nothing is written for n = 0. */
uint8_t *rice_put(uint8_t *out, const int64_t *x, uint32_t n);

/* rice_get reads x[n]; false: the bytes are no sequence of n numbers (x is then anything). */
bool rice_get(struct wire *in, int64_t *x, uint32_t n);

/* rice_line tells whether the sequence at `in` is a line, and which; it does not read on. */
bool rice_line(struct wire in, int64_t *first, int64_t *slope);

#endif
