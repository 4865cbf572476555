#include "feature/scale.h"

#include "andon/rng.h"
#include "golden/features.h"
#include "test.h"

static void column(uint32_t channel, double v[FEATURES_N])
{
    for (size_t i = 0; i < FEATURES_N; i++)
        v[i] = features_sample[i * FEATURES_CHANNELS + channel];
}

static void compare(enum scale_kind kind, const double *expected, const char *what)
{
    for (uint32_t c = 0; c < FEATURES_CHANNELS; c++) {
        double v[FEATURES_N];
        column(c, v);
        struct scale s = scale_fit(kind, v, FEATURES_N, 0.0, 1000.0);
        CHECK_SAY(fabs(s.centre - expected[c]) <= 1e-12 * fabs(expected[c]), "%s, channel %u: %.17g",
                  what, c, s.centre);
        CHECK_SAY(fabs(s.spread / expected[FEATURES_CHANNELS + c] - 1.0) <= 1e-12,
                  "%s, channel %u: spread %.17g", what, c, s.spread);
    }
}

TEST(scalers_equal_scikit_learns)
{
    compare(SCALE_ROBUST, features_robust, "robust");
    compare(SCALE_STANDARD, features_standard, "standard");
    compare(SCALE_MINMAX, features_minmax, "minmax");
}

TEST(deviation_is_the_median_and_the_standard_deviation)
{
    double v[FEATURES_N], w[FEATURES_N];
    column(0, v);
    column(0, w);
    struct scale s = scale_fit(SCALE_DEVIATION, v, FEATURES_N, 0.0, 1000.0);
    CHECK(s.spread == scale_fit(SCALE_STANDARD, w, FEATURES_N, 0.0, 1000.0).spread);
    CHECK(s.centre == features_robust[0]);
}

TEST(none_leaves_values_as_they_are)
{
    double v[3] = {5.0, -7.0, 1e9};
    struct scale s = scale_fit(SCALE_NONE, v, 3, 0.01, 1e9);
    CHECK(scale_value(&s, -7.0, 0.0, 6.0) == -7.0 && scale_value(&s, 1e9, 0.0, 6.0) == 1e9);
}

TEST(a_nearly_constant_channel_gets_the_floor_of_its_training_range)
{
    double v[1000];
    for (int i = 0; i < 1000; i++) v[i] = 20.0;
    v[500] = 30.0; /* the range is 10, the quartiles coincide */
    struct scale s = scale_fit(SCALE_ROBUST, v, 1000, 0.01, 10.0);
    CHECK(!s.constant && s.centre == 20.0 && s.spread == 0.01 * 10.0);
    for (int i = 0; i < 10; i++) v[i] = 20.0; /* a regime in which nothing moves */
    s = scale_fit(SCALE_STANDARD, v, 10, 0.01, 10.0);
    CHECK(!s.constant && s.spread == 0.01 * 10.0);
}

TEST(a_constant_channel_scores_any_change_as_one_fixed_step)
{
    double v[4] = {7.5, 7.5, 7.5, 7.5};
    struct scale s = scale_fit(SCALE_ROBUST, v, 4, 0.01, 0.0);
    CHECK(s.constant);
    CHECK(scale_value(&s, 7.5, 8.0, 6.0) == 0.0);
    CHECK(scale_value(&s, nextafter(7.5, 8.0), 8.0, 6.0) == 6.0);
    CHECK(scale_value(&s, 1e300, 8.0, 6.0) == 6.0 && scale_value(&s, -1e300, 8.0, 6.0) == -6.0);
}

TEST(an_offset_of_a_thousand_million_leaves_the_deviation_exact)
{
    double v[100], w[100];
    for (int i = 0; i < 100; i++) {
        v[i] = i % 7;
        w[i] = 1e9 + i % 7;
    }
    double plain = scale_fit(SCALE_STANDARD, v, 100, 0.0, 6.0).spread;
    CHECK_NEAR(scale_fit(SCALE_STANDARD, w, 100, 0.0, 6.0).spread / plain, 1.0, 1e-12);
}

TEST(compression_is_monotone_smooth_and_never_saturates)
{
    struct scale s = {.centre = 10.0, .spread = 2.0};
    CHECK(scale_value(&s, 10.0 + 2.0 * 7.9, 8.0, 6.0) == 7.9);
    CHECK_NEAR(scale_value(&s, 10.0 + 2.0 * 8.0 * exp(1.0), 8.0, 6.0), 16.0, 1e-12);
    CHECK_NEAR(scale_value(&s, 10.0 - 2.0 * 8.0 * exp(1.0), 8.0, 6.0), -16.0, 1e-12);
    double before = -INFINITY, z = 0.0;
    for (double value = -1e6; value < 1e6; value += 123.0) {
        z = scale_value(&s, value, 8.0, 6.0);
        CHECK(z > before);
        before = z;
    }
    CHECK(scale_value(&s, 1e300, 8.0, 6.0) > scale_value(&s, 1e299, 8.0, 6.0) && isfinite(z));
    double inside = scale_value(&s, 10.0 + 2.0 * (8.0 - 1e-6), 8.0, 6.0);
    double outside = scale_value(&s, 10.0 + 2.0 * (8.0 + 1e-6), 8.0, 6.0);
    CHECK_NEAR((outside - inside) / 2e-6, 1.0, 1e-3); /* no kink */
    CHECK(scale_value(&s, 10.0 + 2.0 * 5000.0, 0.0, 6.0) == 5000.0);
}

TEST(engineering_values_undo_the_scale)
{
    struct scale s = {.centre = -3.0, .spread = 0.25};
    for (double value = -400.0; value < 400.0; value += 7.3) {
        CHECK_NEAR(scale_engineering(&s, scale_value(&s, value, 8.0, 6.0), 8.0), value, 1e-9);
        CHECK_NEAR(scale_engineering(&s, scale_value(&s, value, 0.0, 6.0), 0.0), value, 1e-9);
    }
}

TEST(quantiles_interpolate_linearly)
{
    double v[5] = {1.0, 2.0, 4.0, 8.0, 16.0};
    CHECK(scale_quantile(v, 5, 0.0) == 1.0 && scale_quantile(v, 5, 1.0) == 16.0);
    CHECK(scale_quantile(v, 5, 0.5) == 4.0 && scale_quantile(v, 5, 0.375) == 3.0);
    CHECK(scale_quantile(v, 1, 0.3) == 1.0);
}

TEST(sorting_orders_anything)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 9);
    for (size_t n = 0; n < 200; n++) {
        double v[200], sum = 0.0, after = 0.0;
        for (size_t i = 0; i < n; i++) {
            v[i] = (double)andon_rng_below(&rng, 50) - 25.0;
            sum += v[i];
        }
        scale_sort(v, n);
        for (size_t i = 0; i < n; i++) after += v[i];
        for (size_t i = 1; i < n; i++) CHECK(v[i - 1] <= v[i]);
        CHECK(sum == after);
    }
}
