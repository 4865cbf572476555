#include "feature/whole_row.h"

#include <float.h>
#include <math.h>

#include "andon/rng.h"
#include "test.h"

enum { N = 10 };

static double peak[N], centre[N], spread[N], limit[N], sample[N];
static const struct whole_scale scale = {peak, centre, spread, limit};

static void fill(struct andon_rng *rng, uint32_t n)
{
    for (uint32_t i = 0; i < N; i++) {
        sample[i] = 1e3 * andon_rng_normal(rng);
        peak[i] = i < n && i % 3 == 0 ? 1.41 : 1.0;
        centre[i] = i < n ? 10.0 * andon_rng_normal(rng) : 0.0;
        spread[i] = i < n ? 1.0 + andon_rng_below(rng, 50) : 1.0;
        limit[i] = i < n ? WHOLE_ROW_MAX : (double)INFINITY;
    }
}

TEST(a_whole_row_has_the_bits_of_one_value_at_a_time)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (int round = 0; round < 2000; round++) {
        uint32_t n = 1 + andon_rng_below(&rng, N - 1);
        double z[N];
        float x[N];
        fill(&rng, n);
        if (round % 4 == 0) sample[0] = centre[0] / peak[0];
        CHECK(whole_row(&scale, sample, n, z, x));
        for (uint32_t i = 0; i < n; i++) {
            double expected = (sample[i] * peak[i] - centre[i]) / spread[i];
            CHECK(z[i] == expected && (signbit(x[i]) != 0) == (signbit(expected) != 0));
            CHECK(x[i] == (float)(nearbyint(expected * 0x1p20) * 0x1p-20));
        }
    }
}

TEST(one_value_out_of_the_ordinary_anywhere_is_told)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0x1p40, -0x1p40, DBL_MAX};
    struct andon_rng rng;
    double z[N];
    float x[N];
    andon_rng_seed(&rng, 4);
    for (uint32_t n = 1; n < N; n++)
        for (uint32_t at = 0; at < n; at++) {
            fill(&rng, n);
            for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
                double kept = sample[at];
                sample[at] = odd[k];
                CHECK(!whole_row(&scale, sample, n, z, x));
                sample[at] = kept;
            }
            peak[at] = spread[at] = 1.0;
            sample[at] = centre[at];
            limit[at] = DBL_TRUE_MIN; /* a constant channel */
            CHECK(whole_row(&scale, sample, n, z, x) && z[at] == 0.0);
            sample[at] = nextafter(centre[at], (double)INFINITY);
            CHECK(!whole_row(&scale, sample, n, z, x));
        }
}
