/* A column of doubles in few bytes; each comes back bit for bit, whatever it is: -0, denormals, NaN
 * with a payload. Pure functions.
 *
 * What sensors send are decimals: v = x / 10^k, rounded once, for one k of the column. Then the whole
 * numbers x are kept (after Afroozeh and Boncz, "ALP", SIGMOD 2023, who do the same with a
 * multiplication). Where the source counted in float32, v = (float)(x / 10^k). Values that are neither
 * stand beside with their places. A column without a k is kept as the bits of its doubles, less the
 * zeros that all of them end in.
 *
 *   u8  form (bits 0-1), k or zeros (bits 2-7)
 *   decimals: varint n, then n times { varint place from the one before, u64 bits }
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

/* 10^k, k <= 15. */
extern const double number_column_power[16];

#endif
