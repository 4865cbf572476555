#include "detect/linear.h"

#include "andon/rng.h"
#include "golden/linear.h"
#include "test.h"

enum { D_MAX = 40 };

static const struct andon_rows golden = {golden_x, GOLDEN_N, GOLDEN_D};

/* g g' of random g with the given rank. */
static void random_gram(uint64_t seed, uint32_t d, uint32_t rank, double *a)
{
    struct andon_rng rng;
    double g[D_MAX * D_MAX];
    andon_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < d * rank; i++) g[i] = andon_rng_normal(&rng);
    for (uint32_t i = 0; i < d; i++)
        for (uint32_t j = 0; j < d; j++) {
            double sum = 0;
            for (uint32_t k = 0; k < rank; k++) sum += g[i * rank + k] * g[j * rank + k];
            a[i * d + j] = sum;
        }
}

/* The largest deviation of V' diag(value) V from a and of V V' from I. */
static double decomposition_error(const double *a, uint32_t d, const double *value,
                                  const double *vector)
{
    double worst = 0;
    for (uint32_t i = 0; i < d; i++)
        for (uint32_t j = 0; j < d; j++) {
            double sum = 0, dot = 0;
            for (uint32_t k = 0; k < d; k++) {
                sum += value[k] * vector[k * d + i] * vector[k * d + j];
                dot += vector[i * d + k] * vector[j * d + k];
            }
            worst = fmax(worst, fabs(sum - a[i * d + j]) / (1 + fabs(value[0])));
            worst = fmax(worst, fabs(dot - (i == j)));
        }
    return worst;
}

TEST(eigenvectors_rebuild_the_matrix_and_are_orthonormal)
{
    static double a[D_MAX * D_MAX], b[D_MAX * D_MAX], vector[D_MAX * D_MAX];
    double value[D_MAX], work[2 * D_MAX];
    for (uint32_t d = 1; d <= D_MAX; d++)
        for (uint32_t rank = 1; rank <= d; rank = rank * 2 + 1) {
            random_gram(d * 100 + rank, d, rank, a);
            memcpy(b, a, sizeof b);
            CHECK(linear_eigen(b, d, value, vector, work));
            CHECK_SAY(decomposition_error(a, d, value, vector) < 1e-12, "d %u rank %u", d, rank);
            for (uint32_t k = 1; k < d; k++) CHECK(value[k] <= value[k - 1]);
        }
}

TEST(eigenvectors_of_diagonal_zero_and_graded_matrices_are_found)
{
    double a[16] = {0}, vector[16], value[4], work[8];
    CHECK(linear_eigen(a, 4, value, vector, work));
    CHECK(value[0] == 0 && value[3] == 0);
    for (int i = 0; i < 4; i++) a[i * 5] = pow(10, 20 * i);
    CHECK(linear_eigen(a, 4, value, vector, work));
    CHECK_NEAR(value[0] / 1e60, 1, 1e-15);
    CHECK_NEAR(value[3], 1, 1e-15);
    CHECK(vector[3] == 1 && vector[12] == 1);
}

TEST(a_matrix_that_is_not_finite_is_refused)
{
    double a[4] = {1, NAN, NAN, 1}, vector[4], value[2], work[4];
    CHECK(!linear_eigen(a, 2, value, vector, work));
    a[1] = a[2] = INFINITY;
    CHECK(!linear_eigen(a, 2, value, vector, work));
}

TEST(covariance_and_shrinkage_equal_scikit_learn)
{
    double mean[GOLDEN_D], cov[GOLDEN_D * GOLDEN_D], work[LINEAR_BLOCK * GOLDEN_D];
    linear_mean(golden, mean);
    linear_covariance(golden, mean, GOLDEN_N, cov, work);
    for (int i = 0; i < GOLDEN_D * GOLDEN_D; i++) CHECK_NEAR(cov[i], golden_cov[i], 1e-13);
    double shrinkage = linear_ledoit_wolf(golden, mean, cov);
    CHECK_NEAR(shrinkage, golden_shrinkage, 1e-13);
    double mu = 0;
    for (int i = 0; i < GOLDEN_D; i++) mu += cov[i * (GOLDEN_D + 1)] / GOLDEN_D;
    linear_shrink(cov, GOLDEN_D, shrinkage);
    CHECK_NEAR(cov[1], (1 - shrinkage) * golden_cov[1], 1e-13);
    CHECK_NEAR(cov[0], (1 - shrinkage) * golden_cov[0] + shrinkage * mu, 1e-13);
}

TEST(eigenvalues_of_the_unbiased_covariance_equal_scikit_learn)
{
    double mean[GOLDEN_D], cov[GOLDEN_D * GOLDEN_D], work[LINEAR_BLOCK * GOLDEN_D];
    double value[GOLDEN_D], vector[GOLDEN_D * GOLDEN_D];
    linear_mean(golden, mean);
    linear_covariance(golden, mean, GOLDEN_N - 1, cov, work);
    CHECK(linear_eigen(cov, GOLDEN_D, value, vector, work));
    for (int k = 0; k < GOLDEN_D; k++) {
        CHECK_NEAR(value[k], golden_variance[k], 1e-12);
        CHECK_NEAR(vector[k], golden_component0[k], 1e-12);
    }
}

TEST(a_cholesky_factor_solves_and_inverts)
{
    double a[GOLDEN_D * GOLDEN_D], inverse[GOLDEN_D * GOLDEN_D], b[GOLDEN_D], work[GOLDEN_D];
    memcpy(a, golden_cov, sizeof a);
    CHECK(linear_cholesky(a, GOLDEN_D));
    linear_inverse(a, GOLDEN_D, inverse, work);
    for (int i = 0; i < GOLDEN_D * GOLDEN_D; i++)
        CHECK_NEAR(inverse[i], golden_inverse[i], 1e-11);
    for (int i = 0; i < GOLDEN_D; i++) b[i] = golden_cov[i] + 2 * golden_cov[GOLDEN_D + i];
    linear_forward(a, GOLDEN_D, b);
    linear_backward(a, GOLDEN_D, b);
    for (int i = 0; i < GOLDEN_D; i++) CHECK_NEAR(b[i], i == 0 ? 1 : i == 1 ? 2 : 0, 1e-12);
}

TEST(a_matrix_that_is_not_positive_definite_has_no_cholesky_factor)
{
    double flat[4] = {1, 1, 1, 1}, odd[4] = {1, 2, 2, 1}, bad[4] = {NAN, 0, 0, 1};
    CHECK(!linear_cholesky(flat, 2));
    CHECK(!linear_cholesky(odd, 2));
    CHECK(!linear_cholesky(bad, 2));
}

TEST(a_dot_product_covers_every_length)
{
    double a[40], b[40], want = 0;
    for (int i = 0; i < 40; i++) {
        a[i] = i + 1;
        b[i] = 1;
    }
    for (size_t n = 0; n <= 40; n++) {
        CHECK(linear_dot(a, b, n) == want);
        want += (double)n + 1;
    }
}
