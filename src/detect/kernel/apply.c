/* Rows times a matrix for one instruction set; the contract is in apply.h.
 *
 * A tile is some rows by some lanes of outputs, held in registers over all inputs. Where the last lanes
 * are not full, the tile starts earlier and works some outputs out once more. */
#include "detect/kernel/apply.h"

#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
enum { ROWS = 4, SUMS = 8 };

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));

INLINE vec load(const float *at)
{
    vec v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* Outputs p.. of some rows; those behind the last are not there, so the last lanes end with them.
 * rows x vecs are constants wherever this is inlined. */
INLINE void tile(const float *m, const size_t d, size_t p, const float *x, float *out,
                 const int rows, const int vecs)
{
    vec sum[SUMS];
    size_t at[SUMS];
    UNROLL for (int v = 0; v < vecs; v++)
    {
        at[v] = p + (size_t)v * LANES;
        if (v + 1 == vecs && at[v] > d - LANES) at[v] = d - LANES;
    }
    UNROLL for (int k = 0; k < rows * vecs; k++) sum[k] = (vec){0};
    for (size_t j = 0; j < d; j++, m += d, x++) {
        UNROLL for (int v = 0; v < vecs; v++)
        {
            vec w = load(m + at[v]);
            UNROLL for (int r = 0; r < rows; r++) sum[r * vecs + v] += w * x[(size_t)r * d];
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++)
            memcpy(out + (size_t)r * d + at[v], &sum[r * vecs + v], sizeof sum[0]);
}

static void few_outputs(const float *m, size_t d, const float *x, float *out)
{
    for (size_t p = 0; p < d; p++) {
        float sum = 0;
        for (size_t j = 0; j < d; j++) sum += m[j * d + p] * x[j];
        out[p] = sum;
    }
}

static void four_rows(const float *m, size_t d, const float *x, float *out)
{
    size_t p = 0;
    for (; p + LANES < d; p += 2 * LANES) tile(m, d, p, x, out, ROWS, 2);
    if (p < d) tile(m, d, p, x, out, ROWS, 1);
}

static void one_row(const float *m, size_t d, const float *x, float *out)
{
    size_t p = 0;
    for (; p + 7 * LANES < d; p += 8 * LANES) tile(m, d, p, x, out, 1, 8);
    if (p + 3 * LANES < d) {
        tile(m, d, p, x, out, 1, 4);
        p += 4 * LANES;
    }
    if (p + LANES < d) {
        tile(m, d, p, x, out, 1, 2);
        p += 2 * LANES;
    }
    if (p < d) tile(m, d, p, x, out, 1, 1);
}

static double length(const float *x, size_t d)
{
    double sum = 0.0;
    for (size_t p = 0; p < d; p++) sum += (double)x[p] * (double)x[p];
    return sum;
}

/* Four sums side by side, each in order. */
static void lengths(const float *x, size_t d, double *square)
{
    const float *y = x + d, *z = y + d, *w = z + d;
    double a = 0.0, b = 0.0, c = 0.0, e = 0.0;
    for (size_t p = 0; p < d; p++) {
        a += (double)x[p] * (double)x[p];
        b += (double)y[p] * (double)y[p];
        c += (double)z[p] * (double)z[p];
        e += (double)w[p] * (double)w[p];
    }
    square[0] = a;
    square[1] = b;
    square[2] = c;
    square[3] = e;
}

void KERNEL(apply_lengths)(const float *m, uint32_t d, const float *x, size_t n, float *out,
                           double *square)
{
    size_t i = 0, row = d;
    for (; d >= LANES && i + ROWS <= n; i += ROWS) {
        four_rows(m, d, x + i * row, out + i * row);
        lengths(out + i * row, row, square + i);
    }
    for (; i < n; i++) {
        (d >= LANES ? one_row : few_outputs)(m, d, x + i * row, out + i * row);
        square[i] = length(out + i * row, row);
    }
}
