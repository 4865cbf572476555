#include "feature/whole_row.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "andon/rng.h"
#include "test.h"

enum { N = 9 };

TEST(values_scales_and_grid_have_the_bits_of_one_value_at_a_time)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (int round = 0; round < 2000; round++) {
        double sample[N], peak[N], centre[N], spread[N], limit[N], v[N], z[N];
        float x[N];
        uint32_t n = 1 + andon_rng_below(&rng, N);
        for (uint32_t i = 0; i < n; i++) {
            sample[i] = 1e3 * andon_rng_normal(&rng);
            peak[i] = i % 3 == 0 ? 1.41 : 1.0;
            centre[i] = 10.0 * andon_rng_normal(&rng);
            spread[i] = 1.0 + andon_rng_below(&rng, 50);
            limit[i] = INFINITY;
        }
        struct whole_scale scale = {centre, spread, limit};
        CHECK(whole_row_values(sample, peak, n, v) && whole_row_scale(&scale, v, n, z));
        CHECK(whole_row_grid(z, n, x));
        for (uint32_t i = 0; i < n; i++) {
            CHECK(v[i] == sample[i] * peak[i] && z[i] == (v[i] - centre[i]) / spread[i]);
            CHECK_SAY(x[i] == (float)(nearbyint(z[i] * 0x1p20) * 0x1p-20), "n %u i %u: %a %a", n, i,
                      z[i], (double)x[i]);
            CHECK((signbit(x[i]) != 0) == (signbit(z[i]) != 0));
        }
    }
}

TEST(one_value_out_of_the_ordinary_anywhere_is_told)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY};
    const double one[N] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, zero[N] = {0};
    const struct whole_scale scale = {zero, one, one};
    for (uint32_t n = 1; n <= N; n++)
        for (uint32_t at = 0; at < n; at++) {
            double v[N], out[N];
            float x[N];
            memcpy(v, one, sizeof v);
            CHECK(whole_row_values(v, one, n, out) && whole_row_scale(&scale, v, n, out) &&
                  whole_row_grid(v, n, x));
            for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
                v[at] = odd[k];
                CHECK(!whole_row_values(v, one, n, out) && !whole_row_scale(&scale, v, n, out) &&
                      !whole_row_grid(v, n, x));
            }
            v[at] = nextafter(1.0, 2.0);
            CHECK(!whole_row_scale(&scale, v, n, out));
            v[at] = -0x1p31;
            CHECK(!whole_row_grid(v, n, x));
            v[at] = DBL_MAX;
            const double two[N] = {2, 2, 2, 2, 2, 2, 2, 2, 2};
            CHECK(!whole_row_values(v, two, n, out));
        }
}
