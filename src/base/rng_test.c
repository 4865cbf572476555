#include "andon/rng.h"

#include "test.h"

/* xoshiro256** from the state 1, 2, 3, 4: the numbers of the authors' C code. */
TEST(the_numbers_are_those_of_the_published_generator)
{
    static const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u,
                                        1216172134540287360u, 607988272756665600u};
    struct andon_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        CHECK_SAY(andon_rng_u64(&rng) == expected[i], "number %zu", i);
}

/* splitmix64 from 0: the first outputs that Steele, Lea and Flood's generator gives. */
TEST(a_seed_is_spread_by_splitmix64)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 0);
    CHECK(rng.s[0] == 0xE220A8397B1DCDAFu && rng.s[1] == 0x6E789E6AA1B965F4u);
    CHECK(rng.s[2] == 0x06C45D188009454Fu && rng.s[3] == 0xF88BB8A8724C81ECu);
}

TEST(forks_of_neighbouring_seeds_and_streams_share_no_number)
{
    enum { STREAMS = 64, EACH = 16, ALL = STREAMS * STREAMS * EACH };
    uint64_t *drawn = malloc(ALL * sizeof *drawn);
    size_t n = 0;
    for (uint64_t seed = 0; seed < STREAMS; seed++)
        for (uint64_t stream = 0; stream < STREAMS; stream++) {
            struct andon_rng rng = andon_rng_fork(seed, stream);
            struct andon_rng again = andon_rng_fork(seed, stream);
            for (int i = 0; i < EACH; i++) {
                drawn[n] = andon_rng_u64(&rng);
                CHECK(drawn[n] == andon_rng_u64(&again));
                n++;
            }
        }
    /* 65,536 random numbers of 64 bits meet with a chance of 1e-10. */
    enum { SLOTS = 1 << 18 };
    uint64_t *slot = calloc(SLOTS, sizeof *slot);
    for (size_t i = 0; i < n; i++) {
        size_t at = drawn[i] % SLOTS;
        while (slot[at] != 0) {
            CHECK(slot[at] != drawn[i]);
            at = (at + 1) % SLOTS;
        }
        slot[at] = drawn[i];
    }
    free(slot);
    free(drawn);
}

TEST(below_is_uniform_on_every_bound)
{
    static const uint32_t bounds[] = {1, 2, 3, 7, 10, 1000};
    struct andon_rng rng;
    andon_rng_seed(&rng, 5);
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        uint32_t count[1000] = {0}, b = bounds[k], draws = 2000 * b;
        double chi2 = 0.0;
        for (uint32_t i = 0; i < draws; i++) {
            uint32_t v = andon_rng_below(&rng, b);
            CHECK(v < b);
            count[v]++;
        }
        for (uint32_t i = 0; i < b; i++) chi2 += pow(count[i] - 2000.0, 2) / 2000.0;
        /* Five deviations above the mean of chi-squared with b - 1 degrees of freedom. */
        CHECK_SAY(chi2 <= b - 1 + 5.0 * sqrt(2.0 * b), "bound %u: chi2 %g", b, chi2);
    }
}

TEST(below_rejects_the_short_part_of_a_huge_bound)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 6);
    uint32_t bound = 0xC0000000u, low = 0;
    enum { DRAWS = 30000 };
    for (int i = 0; i < DRAWS; i++) {
        uint32_t v = andon_rng_below(&rng, bound);
        CHECK(v < bound);
        low += v < bound / 3;
    }
    CHECK_NEAR(low, DRAWS / 3.0, 5.0 * sqrt(DRAWS * 2.0 / 9.0));
}

TEST(reals_lie_in_the_half_open_unit_and_normals_are_normal)
{
    enum { DRAWS = 200000 };
    struct andon_rng rng;
    double sum = 0.0, mean = 0.0, squares = 0.0, fourth = 0.0;
    andon_rng_seed(&rng, 7);
    for (int i = 0; i < DRAWS; i++) {
        double u = andon_rng_real(&rng), z = andon_rng_normal(&rng);
        CHECK(u >= 0.0 && u < 1.0 && isfinite(z));
        sum += u;
        mean += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    CHECK_NEAR(sum / DRAWS, 0.5, 5.0 * sqrt(1.0 / 12 / DRAWS));
    CHECK_NEAR(mean / DRAWS, 0.0, 5.0 * sqrt(1.0 / DRAWS));
    CHECK_NEAR(squares / DRAWS, 1.0, 5.0 * sqrt(2.0 / DRAWS));
    CHECK_NEAR(fourth / DRAWS, 3.0, 5.0 * sqrt(96.0 / DRAWS));
}

TEST(a_shuffle_keeps_every_index_and_every_order_is_as_likely)
{
    struct andon_rng rng;
    uint32_t orders[24] = {0};
    andon_rng_seed(&rng, 8);
    for (int i = 0; i < 24000; i++) {
        uint32_t index[4] = {0, 1, 2, 3}, seen = 0;
        andon_rng_shuffle(&rng, index, 4);
        for (int k = 0; k < 4; k++) seen |= 1u << index[k];
        CHECK(seen == 15);
        uint32_t rank = 0;
        for (int k = 0; k < 4; k++) {
            uint32_t smaller = 0;
            for (int j = k + 1; j < 4; j++) smaller += index[j] < index[k];
            rank = rank * (uint32_t)(4 - k) + smaller;
        }
        orders[rank]++;
    }
    for (int k = 0; k < 24; k++) CHECK_NEAR(orders[k], 1000, 160);
    andon_rng_shuffle(&rng, NULL, 0);
}
