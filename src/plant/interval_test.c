#include "plant/interval.h"

#include "andon/rng.h"

#include "test.h"

#define S INT64_C(1000000000)

TEST(regular_times_give_their_interval_after_four_steps)
{
    struct interval v = {0};
    for (int i = 0; i < 4; i++) {
        interval_see(&v, 1700000000 * S + i * 60 * S);
        CHECK(interval_usual(&v) == 0);
    }
    interval_see(&v, 1700000000 * S + 4 * 60 * S);
    CHECK(interval_usual(&v) == 60 * S);
}

TEST(jitter_gaps_repeats_and_steps_back_do_not_move_it)
{
    struct andon_rng rng;
    struct interval v = {0};
    int64_t ts = 1700000000 * S;
    andon_rng_seed(&rng, 5);
    for (int i = 0; i < 5000; i++) {
        ts += 5 * S + ((int64_t)andon_rng_below(&rng, 200) - 100) * 1000000;
        if (i % 10 == 3) ts += 3600 * S; /* a gap                     */
        interval_see(&v, ts);
        if (i % 7 == 0) interval_see(&v, ts);          /* the same time again       */
        if (i % 9 == 0) interval_see(&v, ts - 50 * S); /* an old one               */
        if (i > 20) CHECK_SAY(llabs(interval_usual(&v) - 5 * S) < S / 10, "%d", i);
    }
    CHECK(interval_good(&v));
}

TEST(a_new_rate_is_learned_within_the_memory)
{
    struct interval v = {0};
    int64_t ts = 0;
    for (int i = 0; i < 1000; i++) interval_see(&v, ts += S);
    for (uint32_t i = 0; i < INTERVAL_STEPS; i++) interval_see(&v, ts += 10 * S);
    CHECK(interval_usual(&v) == 10 * S);
}

TEST(times_at_the_ends_of_what_fits_are_steps_too)
{
    struct interval v = {0};
    interval_see(&v, INT64_MIN);
    interval_see(&v, INT64_MAX);
    interval_see(&v, INT64_MIN);
    CHECK(v.steps == 1 && v.step[0] == INT64_MAX && interval_good(&v));
}

TEST(bytes_that_are_none_are_told)
{
    struct interval v = {0};
    CHECK(interval_good(&v));
    v.steps = 1;
    CHECK(!interval_good(&v));
    v.seen = 2;
    CHECK(!interval_good(&v));
    v.step[0] = 1;
    CHECK(interval_good(&v));
    memset(&v, 0xff, sizeof v);
    CHECK(!interval_good(&v));
}
