#include "feature/window.h"

#include "andon/rng.h"
#include "test.h"

enum { LENGTHS = 3, LONGEST = 20 };
static const uint32_t length[LENGTHS] = {2, 7, LONGEST};

/* One ring, and all that was ever pushed. */
struct bed {
    struct window_ring ring;
    struct window_sums sums[LENGTHS];
    int64_t sample[LONGEST];
    double seen[3000];
    uint32_t n;
};

static void push(struct bed *bed, double z)
{
    window_push(&bed->ring, bed->sample, LONGEST, length, LENGTHS, bed->sums, window_sample(z));
    bed->seen[bed->n++] = z;
}

static uint32_t held(const struct bed *bed, uint32_t longest)
{
    return bed->n < longest ? bed->n : longest;
}

static double mean_of(const struct bed *bed, uint32_t longest)
{
    double sum = 0.0;
    uint32_t n = held(bed, longest);
    for (uint32_t i = bed->n - n; i < bed->n; i++) sum += bed->seen[i];
    return sum / n;
}

static double deviation_of(const struct bed *bed, uint32_t longest)
{
    double mean = mean_of(bed, longest), squares = 0.0;
    uint32_t n = held(bed, longest);
    for (uint32_t i = bed->n - n; i < bed->n; i++)
        squares += (bed->seen[i] - mean) * (bed->seen[i] - mean);
    return n < 2 ? 0.0 : sqrt(squares / (n - 1));
}

TEST(figures_equal_those_computed_from_the_samples_in_the_window)
{
    static struct bed bed;
    struct andon_rng rng;
    andon_rng_seed(&rng, 4);
    for (int i = 0; i < 3000; i++) {
        push(&bed, floor(andon_rng_normal(&rng) * 3.0 * 65536.0) / 65536.0);
        for (int k = 0; k < LENGTHS; k++) {
            CHECK_NEAR(window_mean(&bed.ring, length[k], &bed.sums[k]), mean_of(&bed, length[k]),
                       1e-12);
            CHECK_NEAR(window_deviation(&bed.ring, length[k], &bed.sums[k]),
                       deviation_of(&bed, length[k]), 1e-9);
        }
        uint32_t back = bed.n > 6 ? 6 : bed.n - 1;
        CHECK(window_difference(&bed.ring, bed.sample, LONGEST, 6) ==
              bed.seen[bed.n - 1] - bed.seen[bed.n - 1 - back]);
    }
}

TEST(an_empty_ring_says_nothing_and_one_sample_has_no_deviation)
{
    static struct bed bed;
    CHECK(window_mean(&bed.ring, 7, &bed.sums[1]) == 0.0);
    CHECK(window_deviation(&bed.ring, 7, &bed.sums[1]) == 0.0);
    CHECK(window_difference(&bed.ring, bed.sample, LONGEST, 1) == 0.0);
    push(&bed, 4.0);
    CHECK(window_mean(&bed.ring, 7, &bed.sums[1]) == 4.0);
    CHECK(window_deviation(&bed.ring, 7, &bed.sums[1]) == 0.0);
    CHECK(window_difference(&bed.ring, bed.sample, LONGEST, 1) == 0.0);
}

TEST(what_has_left_the_window_leaves_no_trace)
{
    static struct bed calm, wild;
    for (int i = 0; i < 500; i++) push(&wild, i % 2 ? 2e9 : -1.9e9);
    for (int i = 0; i < LONGEST; i++) {
        push(&calm, 0.1 * i);
        push(&wild, 0.1 * i);
    }
    for (int k = 0; k < LENGTHS; k++) {
        CHECK(window_mean(&calm.ring, length[k], &calm.sums[k]) ==
              window_mean(&wild.ring, length[k], &wild.sums[k]));
        CHECK(window_deviation(&calm.ring, length[k], &calm.sums[k]) ==
              window_deviation(&wild.ring, length[k], &wild.sums[k]));
    }
}

TEST(equal_samples_have_a_deviation_of_exactly_zero)
{
    static struct bed bed;
    for (int i = 0; i < 50; i++) push(&bed, 1.0 / 3.0);
    for (int k = 0; k < LENGTHS; k++)
        CHECK(window_deviation(&bed.ring, length[k], &bed.sums[k]) == 0.0);
}

TEST(samples_far_out_are_held_at_the_limit)
{
    CHECK(window_sample(1e30) == window_sample(0x1p31) && window_sample(-1e30) == window_sample(-0x1p31));
    CHECK(window_sample(0x1p-24) == 1 && window_sample(-1.0) == -(1 << 24));
}

TEST(sums_of_the_longest_window_fit_their_integers_at_the_limit)
{
    enum { N = WINDOW_SAMPLES_MAX };
    static const uint32_t longest = N;
    static int64_t sample[N];
    struct window_ring ring = {0};
    struct window_sums sums = {0};
    for (int i = 0; i < 2 * N; i++)
        window_push(&ring, sample, N, &longest, 1, &sums, window_sample(1e30));
    CHECK(window_mean(&ring, N, &sums) == 0x1p26);
    CHECK(window_deviation(&ring, N, &sums) == 0.0);
    for (int i = 0; i < N / 2; i++)
        window_push(&ring, sample, N, &longest, 1, &sums, window_sample(-1e30));
    CHECK(window_mean(&ring, N, &sums) == 0.0);
    CHECK(fabs(window_deviation(&ring, N, &sums) / (0x1p26 * sqrt(N / (N - 1.0))) - 1.0) < 1e-12);
}
