/* A column of doubles in few bytes; each comes back bit for bit, whatever it is: -0, denormals, NaN
 * with a payload. Pure functions.
 *
 * What sensors send are decimals: v = x / 10^k, rounded once, for one k of the column. Then the whole
 * numbers x are kept (after Afroozeh and Boncz, "ALP", SIGMOD 2023, who do the same with a
 * multiplication). Where the source counted in float32, v = (float)(x / 10^k). Values that are neither
 * stand beside with their places. A column without a k is kept as the bits of its doubles, less the
 * zeros that all of them end in.
 *
 *   u8  form (bits 0-1); BITS: zeros (bits 2-7); else k (bits 2-5), some do not fit (bit 6)
 *   those that do not fit: varint n, then n times { varint place from the one before, u64 bits }
 *   the whole numbers: store/rice.h */
#ifndef STORE_NUMBER_COLUMN_H
#define STORE_NUMBER_COLUMN_H

#include "store/rice.h"

#define NUMBER_COLUMN_BYTES_MAX(n) (RICE_BYTES_MAX(n) + (size_t)(n)*2u + 16u)

enum number_form { NUMBER_DECIMAL, NUMBER_FLOAT32, NUMBER_BITS };

struct number_column { /* how x[] become doubles */
    enum number_form form;
    unsigned shift;           /* k, or zeros                           */
    uint32_t odd;             /* values that are kept beside           */
    const uint8_t *odd_bytes; /* checked when the column was read      */
};

/* number_column_put writes v[n], n <= RICE_MAX, and returns the end. */
uint8_t *number_column_put(uint8_t *out, const double *v, uint32_t n);

/* number_column_get reads the column's whole numbers x[n]; false: no column of n values.
 * number_column_values makes doubles of them. In between, a reader that wants sums may use x itself:
 * the values are x / 10^shift where form is NUMBER_DECIMAL and odd is 0. */
bool number_column_get(struct wire *in, uint32_t n, struct number_column *column, int64_t *x);
void number_column_values(const struct number_column *column, const int64_t *x, uint32_t n,
                          double *v);

/* number_column_whole tells whether v = *whole / 10^k holds bit for bit, k <= 15. */
static inline bool number_column_whole(double v, unsigned k, int64_t *whole);

/* 10^k, k <= 15. */
extern const double number_column_power[16];

/* Adding it puts the nearest whole number into the low bits of the sum, for numbers below 2^51. */
#define NUMBER_COLUMN_ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */
#define NUMBER_COLUMN_WHOLE_MAX 2251799813685248.0 /* 2^51 */

static inline bool number_column_whole(double v, unsigned k, int64_t *whole)
{
    double t = v * number_column_power[k], sum = t + NUMBER_COLUMN_ROUNDER;
    *whole = (int64_t)(wire_bits(sum) - wire_bits(NUMBER_COLUMN_ROUNDER));
    return wire_bits((sum - NUMBER_COLUMN_ROUNDER) / number_column_power[k]) == wire_bits(v) &&
           t < NUMBER_COLUMN_WHOLE_MAX && t > -NUMBER_COLUMN_WHOLE_MAX;
}

#endif
