#include "detect/kernel/apply.h"

#include <math.h>
#include <string.h>

#include "andon/rng.h"
#include "test.h"

enum { WIDTH_MAX = 140, ROWS = 13 };

static float m[WIDTH_MAX * WIDTH_MAX], x[ROWS * WIDTH_MAX];

static void fill(uint64_t seed)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    for (size_t i = 0; i < sizeof m / sizeof *m; i++) m[i] = (float)andon_rng_normal(&rng);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)andon_rng_normal(&rng);
}

/* The sums in order, one after the other. */
static double plain_loop(uint32_t d, const float *row, float *out)
{
    double square = 0.0;
    for (uint32_t p = 0; p < d; p++) {
        float sum = 0.0f;
        for (uint32_t j = 0; j < d; j++) sum += m[(size_t)j * d + p] * row[j];
        out[p] = sum;
        square += (double)sum * (double)sum;
    }
    return square;
}

TEST(every_kernel_gives_the_bits_of_the_plain_loop_in_any_batch)
{
    static float out[ROWS * WIDTH_MAX], expected[ROWS * WIDTH_MAX];
    double square[ROWS], expected_square[ROWS];
    for (uint32_t d = 1; d <= WIDTH_MAX; d++) {
        fill(d);
        for (size_t r = 0; r < ROWS; r++)
            expected_square[r] = plain_loop(d, x + r * d, expected + r * d);
        for (int k = 0; k < ANDON_KERNELS; k++) {
            if (!andon_kernel_usable((enum andon_kernel)k)) continue;
            apply_lengths apply = apply_kernel((enum andon_kernel)k);
            for (size_t n = 1; n <= ROWS; n += 3) {
                memset(out, 0xFF, sizeof out);
                apply(m, d, x, n, out, square);
                CHECK_SAY(memcmp(out, expected, n * d * sizeof *out) == 0, "d %u n %zu", d, n);
                CHECK(memcmp(square, expected_square, n * sizeof *square) == 0);
            }
        }
    }
}

TEST(a_row_that_is_not_finite_leaves_its_neighbours_alone)
{
    static float out[ROWS * WIDTH_MAX], expected[WIDTH_MAX];
    double square[ROWS];
    uint32_t d = 27;
    fill(1);
    x[2 * d + 5] = NAN;
    x[7 * d] = INFINITY;
    for (int k = 0; k < ANDON_KERNELS; k++) {
        if (!andon_kernel_usable((enum andon_kernel)k)) continue;
        apply_kernel((enum andon_kernel)k)(m, d, x, ROWS, out, square);
        for (size_t r = 0; r < ROWS; r++)
            if (r == 2 || r == 7)
                CHECK(!isfinite(square[r]));
            else
                CHECK(square[r] == plain_loop(d, x + r * d, expected));
    }
}
