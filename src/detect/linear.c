/* Moments, eigenvectors and factors of small dense matrices, in double.
 *
 * Invariants
 * 1. The order of every sum is fixed by the sizes alone.
 * 2. Inner loops run along rows, so that they vectorise without reassociation. */
#include "detect/linear.h"

#include "detect/kernel/apply.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LANES 8u
#define SWEEPS_MAX 100 /* QL steps per eigenvalue; two or three are usual */

double linear_dot(const double *a, const double *b, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += a[i + k] * b[i + k];
    for (size_t k = 0; i + k < n; k++) lane[k] += a[i + k] * b[i + k];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

void linear_mean(struct andon_rows x, double *mean)
{
    memset(mean, 0, x.d * sizeof *mean);
    for (size_t i = 0; i < x.n; i++) {
        const float *row = x.x + i * x.d;
        for (uint32_t j = 0; j < x.d; j++) mean[j] += (double)row[j];
    }
    for (uint32_t j = 0; j < x.d; j++) mean[j] /= (double)x.n;
}

/* Eight rows at a time, so that a cell of cov is loaded and stored once per eight products. */
static void add_block(const double *c, uint32_t d, double *cov)
{
    for (uint32_t i = 0; i < d; i++) {
        const double *r0 = c, *r1 = c + d, *r2 = r1 + d, *r3 = r2 + d;
        const double *r4 = r3 + d, *r5 = r4 + d, *r6 = r5 + d, *r7 = r6 + d;
        double c0 = r0[i], c1 = r1[i], c2 = r2[i], c3 = r3[i];
        double c4 = r4[i], c5 = r5[i], c6 = r6[i], c7 = r7[i];
        double *out = cov + (size_t)i * d;
        for (uint32_t j = i; j < d; j++)
            out[j] += ((c0 * r0[j] + c1 * r1[j]) + (c2 * r2[j] + c3 * r3[j])) +
                      ((c4 * r4[j] + c5 * r5[j]) + (c6 * r6[j] + c7 * r7[j]));
    }
}

void linear_covariance(struct andon_rows x, const double *mean, double divisor, double *cov,
                       double *work)
{
    uint32_t d = x.d;
    memset(cov, 0, (size_t)d * d * sizeof *cov);
    for (size_t i = 0; i < x.n; i += LINEAR_BLOCK) {
        for (size_t r = 0; r < LINEAR_BLOCK; r++) {
            double *c = work + r * d;
            if (i + r >= x.n) {
                memset(c, 0, d * sizeof *c);
                continue;
            }
            const float *row = x.x + (i + r) * d;
            for (uint32_t j = 0; j < d; j++) c[j] = (double)row[j] - mean[j];
        }
        add_block(work, d, cov);
    }
    for (uint32_t i = 0; i < d; i++)
        for (uint32_t j = i; j < d; j++) {
            double v = cov[(size_t)i * d + j] / divisor;
            cov[(size_t)i * d + j] = v;
            cov[(size_t)j * d + i] = v;
        }
}

static double trace_of(const double *a, uint32_t d)
{
    double sum = 0;
    for (uint32_t j = 0; j < d; j++) sum += a[(size_t)j * d + j];
    return sum;
}

double linear_ledoit_wolf(struct andon_rows x, const double *mean, const double *cov)
{
    uint32_t d = x.d;
    double n = (double)x.n, fourth = 0;
    if (d < 2) return 0;
    for (size_t i = 0; i < x.n; i++) {
        const float *row = x.x + i * d;
        double square = 0;
        for (uint32_t j = 0; j < d; j++) {
            double c = (double)row[j] - mean[j];
            square += c * c;
        }
        fourth += square * square;
    }
    double mu = trace_of(cov, d) / d;
    double norm = linear_dot(cov, cov, (size_t)d * d);
    double spread = (norm - d * mu * mu) / d;     /* of the matrix about mu I          */
    double noise = (fourth / n - norm) / (n * d); /* of the matrix about the true one  */
    if (noise > spread) noise = spread;
    return noise > 0 ? noise / spread : 0;
}

void linear_shrink(double *cov, uint32_t d, double shrinkage)
{
    double mu = trace_of(cov, d) / d;
    for (size_t i = 0; i < (size_t)d * d; i++) cov[i] *= 1 - shrinkage;
    for (uint32_t j = 0; j < d; j++) cov[(size_t)j * d + j] += shrinkage * mu;
}

/* One reflection: row k of a, from column k+1 on, becomes v with (I - beta v v') x = -sign |x| e1,
 * and the block below and right of it is reflected from both sides. Gives the new off-diagonal
 * entry. */
static double reflect(double *a, uint32_t d, uint32_t k, double *beta, double *work)
{
    size_t m = d - k - 1;
    double *v = a + (size_t)k * d + k + 1;
    double length = sqrt(linear_dot(v, v, m));
    *beta = 0;
    if (m == 1 || length == 0) return v[0];
    double entry = v[0] > 0 ? -length : length;
    v[0] -= entry;
    *beta = 2 / linear_dot(v, v, m);
    for (size_t i = 0; i < m; i++)
        work[i] = *beta * linear_dot(a + (k + 1 + i) * d + k + 1, v, m);
    double half = 0.5 * *beta * linear_dot(work, v, m);
    for (size_t i = 0; i < m; i++) work[i] -= half * v[i];
    for (size_t i = 0; i < m; i++) {
        double *row = a + (k + 1 + i) * d + k + 1, vi = v[i], wi = work[i];
        for (size_t j = 0; j < m; j++) row[j] -= vi * work[j] + wi * v[j];
    }
    return entry;
}

/* Rows of q become the columns of the product of the reflections kept in a. */
static void unfold(const double *a, uint32_t d, const double *beta, double *q)
{
    memset(q, 0, (size_t)d * d * sizeof *q);
    for (uint32_t i = 0; i < d; i++) q[(size_t)i * d + i] = 1;
    for (uint32_t k = d - 1; k-- > 0;) {
        size_t m = d - k - 1;
        const double *v = a + (size_t)k * d + k + 1;
        if (beta[k] == 0) continue;
        for (uint32_t i = k + 1; i < d; i++) {
            double *row = q + (size_t)i * d + k + 1;
            double along = beta[k] * linear_dot(row, v, m);
            for (size_t j = 0; j < m; j++) row[j] -= along * v[j];
        }
    }
}

static void rotate(double *low, double *high, uint32_t d, double c, double s)
{
    for (uint32_t j = 0; j < d; j++) {
        double l = low[j], h = high[j];
        low[j] = c * l - s * h;
        high[j] = s * l + c * h;
    }
}

/* One implicit QL step with Wilkinson's shift on rows first..last of the tridiagonal. */
static void ql_step(double *diag, double *off, uint32_t first, uint32_t last, double *q, uint32_t d)
{
    double gap = (diag[first + 1] - diag[first]) / (2 * off[first]);
    double root = fabs(gap) < 1e100 ? sqrt(gap * gap + 1) : fabs(gap);
    double g = diag[last] - diag[first] + off[first] / (gap + copysign(root, gap));
    double s = 1, c = 1, shift = 0;
    for (uint32_t i = last; i-- > first;) {
        double f = s * off[i], b = c * off[i];
        double r = sqrt(f * f + g * g);
        off[i + 1] = r;
        if (r == 0) { /* the matrix fell into two by itself */
            diag[i + 1] -= shift;
            off[last] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = diag[i + 1] - shift;
        r = (diag[i] - g) * s + 2 * c * b;
        shift = s * r;
        diag[i + 1] = g + shift;
        g = c * r - b;
        rotate(q + (size_t)i * d, q + (size_t)(i + 1) * d, d, c, s);
    }
    diag[first] -= shift;
    off[first] = g;
    off[last] = 0;
}

static bool ql(double *diag, double *off, double *q, uint32_t d)
{
    double norm = 0;
    for (uint32_t i = 0; i < d; i++) norm = fmax(norm, fabs(diag[i]) + fabs(off[i]));
    double least = norm * DBL_EPSILON * 1e-3; /* far below what the entries are good for */
    for (uint32_t first = 0; first < d; first++)
        for (int step = 0;; step++) {
            uint32_t last = first;
            while (last + 1 < d && fabs(off[last]) > least &&
                   fabs(off[last]) > DBL_EPSILON * (fabs(diag[last]) + fabs(diag[last + 1])))
                last++;
            if (last == first) break;
            if (step == SWEEPS_MAX) return false;
            ql_step(diag, off, first, last, q, d);
        }
    return true;
}

static void swap_rows(double *a, double *b, uint32_t d)
{
    for (uint32_t j = 0; j < d; j++) {
        double t = a[j];
        a[j] = b[j];
        b[j] = t;
    }
}

/* Descending values; each vector's largest entry positive, so that no sign hangs on rounding. */
static void put_in_order(double *value, double *vector, uint32_t d)
{
    for (uint32_t i = 0; i < d; i++) {
        uint32_t best = i, peak = 0;
        for (uint32_t k = i + 1; k < d; k++)
            if (value[k] > value[best]) best = k;
        double *row = vector + (size_t)i * d, t = value[i];
        value[i] = value[best];
        value[best] = t;
        if (best != i) swap_rows(row, vector + (size_t)best * d, d);
        for (uint32_t j = 1; j < d; j++)
            if (fabs(row[j]) > fabs(row[peak])) peak = j;
        if (row[peak] < 0)
            for (uint32_t j = 0; j < d; j++) row[j] = -row[j];
    }
}

bool linear_eigen(double *a, uint32_t d, double *value, double *vector, double *work)
{
    double *off = work, *beta = work + d;
    if (d == 0) return true;
    for (size_t i = 0; i < (size_t)d * d; i++)
        if (!isfinite(a[i])) return false;
    memset(work, 0, 2 * (size_t)d * sizeof *work);
    for (uint32_t k = 0; k + 1 < d; k++) off[k] = reflect(a, d, k, &beta[k], value);
    unfold(a, d, beta, vector);
    for (uint32_t i = 0; i < d; i++) value[i] = a[(size_t)i * d + i];
    if (!ql(value, off, vector, d)) return false;
    put_in_order(value, vector, d);
    return true;
}

bool linear_cholesky(double *a, uint32_t d)
{
    for (uint32_t i = 0; i < d; i++) {
        double *row = a + (size_t)i * d;
        for (uint32_t j = 0; j < i; j++) {
            const double *other = a + (size_t)j * d;
            row[j] = (row[j] - linear_dot(row, other, j)) / other[j];
        }
        double rest = row[i] - linear_dot(row, row, i);
        if (!(rest > 0) || !isfinite(rest)) return false;
        row[i] = sqrt(rest);
        memset(row + i + 1, 0, (size_t)(d - i - 1) * sizeof *row);
    }
    return true;
}

void linear_forward(const double *l, uint32_t d, double *b)
{
    for (uint32_t i = 0; i < d; i++) {
        const double *row = l + (size_t)i * d;
        b[i] = (b[i] - linear_dot(row, b, i)) / row[i];
    }
}

void linear_backward(const double *l, uint32_t d, double *b)
{
    for (uint32_t i = d; i-- > 0;) {
        const double *row = l + (size_t)i * d;
        double y = b[i] / row[i];
        b[i] = y;
        for (uint32_t j = 0; j < i; j++) b[j] -= row[j] * y;
    }
}

void linear_inverse(const double *l, uint32_t d, double *inverse, double *work)
{
    for (uint32_t k = 0; k < d; k++) {
        memset(work, 0, d * sizeof *work);
        work[k] = 1;
        linear_forward(l, d, work);
        linear_backward(l, d, work);
        for (uint32_t j = k; j < d; j++) {
            inverse[(size_t)k * d + j] = work[j];
            inverse[(size_t)j * d + k] = work[j];
        }
    }
}

apply_lengths apply_kernel(enum andon_kernel kernel)
{
    switch (kernel) {
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX2: return apply_lengths_avx2;
    case ANDON_KERNEL_AVX512: return apply_lengths_avx512;
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: return apply_lengths_neon;
#endif
    default: return apply_lengths_plain;
    }
}
