/* Dense linear algebra in double: means and covariances of rows, symmetric eigenvectors,
 * Cholesky factors. Matrices are row-major and contiguous; every sum has one fixed order, so the
 * same input gives the same bits. Nothing allocates: callers bring the room. Entries are expected
 * within 1e-140 .. 1e140 in size (covariances of float32 features stay within 1e-90 .. 1e77). */
#ifndef DETECT_LINEAR_H
#define DETECT_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/detector.h"

/* Rows that linear_covariance centres at a time; its work has this many rows. */
#define LINEAR_BLOCK 8u

/* linear_dot sums a[i] * b[i] over n in eight interleaved lanes, which are then added pairwise. */
double linear_dot(const double *a, const double *b, size_t n);

/* linear_mean gives mean[d] of x (n >= 1). */
void linear_mean(struct andon_rows x, double *mean);

/* linear_covariance gives the symmetric cov[d][d] = sum (x - mean)(x - mean)' / divisor.
 *   divisor  n for the maximum likelihood (scikit-learn's empirical_covariance), n - 1 unbiased
 *   work     out  [LINEAR_BLOCK][d]
 * Time n d^2 / 2 multiply-adds. */
void linear_covariance(struct andon_rows x, const double *mean, double divisor, double *cov,
                       double *work);

/* linear_ledoit_wolf gives the shrinkage in [0, 1] that scikit-learn's ledoit_wolf gives (Ledoit
 * and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004).
 *   cov  in  linear_covariance(x, mean, n)
 * The shrunk matrix is (1 - shrinkage) cov + shrinkage trace(cov) / d I: see linear_shrink. */
double linear_ledoit_wolf(struct andon_rows x, const double *mean, const double *cov);
void linear_shrink(double *cov, uint32_t d, double shrinkage);

/* linear_eigen decomposes the symmetric a[d][d] (Householder to tridiagonal, then implicit QL;
 * Golub and Van Loan, Matrix Computations, 8.3): a = sum_k value[k] v_k v_k'.
 *   a       in   destroyed
 *   value   out  value[d], descending
 *   vector  out  vector[d][d], row k is v_k, of length 1; its largest entry in size is positive
 *   work    out  [2 d]
 * false: no convergence (only for entries that are not finite). Time about 4 d^3 multiply-adds. */
bool linear_eigen(double *a, uint32_t d, double *value, double *vector, double *work);

/* linear_cholesky replaces a[d][d] by its lower factor L, a = L L'; above the diagonal becomes 0.
 * Only the lower triangle is read. false: a is not positive definite. */
bool linear_cholesky(double *a, uint32_t d);

/* linear_forward solves L y = b in place, linear_backward L' y = b. */
void linear_forward(const double *l, uint32_t d, double *b);
void linear_backward(const double *l, uint32_t d, double *b);

/* linear_inverse gives the symmetric inverse[d][d] of L L'; work[d]. Time d^3 multiply-adds. */
void linear_inverse(const double *l, uint32_t d, double *inverse, double *work);

#endif
