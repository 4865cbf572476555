#include "plant/kind.h"

#include "andon/rng.h"

#include "test.h"

TEST(a_totalizer_is_a_counter_also_when_it_starts_anew)
{
    struct kind_state s = {0};
    double value = 85000.0;
    for (int i = 0; i < 500; i++) {
        kind_see_number(&s, value);
        value += i % 3 == 0 ? 0.0 : 7.25;
        if (i == 250) value = 0.0;
    }
    CHECK(kind_of(&s) == KIND_COUNTER && kind_good(&s));
}

TEST(random_numbers_around_a_level_are_a_gauge_whatever_the_channel_is_called)
{
    struct kind_state s = {0};
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (int i = 0; i < 1000; i++) kind_see_number(&s, 85000.0 + 1000.0 * andon_rng_real(&rng));
    CHECK(kind_of(&s) == KIND_GAUGE && kind_good(&s));
}

TEST(a_slow_rise_that_falls_back_a_little_is_a_gauge)
{
    struct kind_state s = {0};
    for (int i = 0; i < 100; i++) kind_see_number(&s, 20.0 + 0.1 * i);
    kind_see_number(&s, 29.0);
    CHECK(kind_of(&s) == KIND_GAUGE);
}

TEST(nothing_but_0_and_1_is_a_flag_and_so_are_booleans)
{
    struct kind_state s = {0};
    kind_see_number(&s, 1.0);
    CHECK(kind_of(&s) == KIND_GAUGE); /* a 1 alone may be a measurement */
    kind_see_number(&s, 0.0);
    CHECK(kind_of(&s) == KIND_FLAG && kind_good(&s));
    kind_see_number(&s, 2.0);
    CHECK(kind_of(&s) == KIND_GAUGE);
    struct kind_state b = {0};
    kind_see_flag(&b, true);
    CHECK(kind_of(&b) == KIND_FLAG && kind_good(&b));
    kind_see_number(&b, 0.0);
    CHECK(kind_of(&b) == KIND_FLAG);
    kind_see_number(&b, 0.5);
    CHECK(kind_of(&b) == KIND_GAUGE);
}

TEST(one_text_makes_it_text)
{
    struct kind_state s = {0};
    for (int i = 0; i < 50; i++) kind_see_number(&s, i);
    kind_see_text(&s, TEXT("Overdue"));
    CHECK(kind_of(&s) == KIND_TEXT && kind_good(&s));
}

TEST(the_same_number_a_hundred_times_is_a_constant_until_it_changes)
{
    struct kind_state s = {0};
    for (uint32_t i = 0; i < KIND_CONSTANT - 1; i++) kind_see_number(&s, 30.0);
    CHECK(kind_of(&s) == KIND_GAUGE);
    kind_see_number(&s, 30.0);
    CHECK(kind_of(&s) == KIND_CONSTANT_VALUE);
    kind_see_number(&s, 30.5);
    CHECK(kind_of(&s) == KIND_GAUGE && kind_good(&s));
}

TEST(distinct_values_are_counted_up_to_the_limit)
{
    struct kind_state s = {0};
    char word[8];
    kind_see_number(&s, 0.0);
    kind_see_number(&s, -0.0);
    CHECK(s.words == 1);
    for (uint32_t i = 0; i < 100; i++) {
        int n = snprintf(word, sizeof word, "w%u", i % 50);
        kind_see_text(&s, (struct text){word, (uint32_t)n});
        CHECK(s.words == (i + 2 > KIND_WORDS + 1 ? KIND_WORDS + 1 : i + 2));
    }
    CHECK(kind_good(&s));
    CHECK(strcmp(kind_name(kind_of(&s)), "text") == 0);
    CHECK(kind_of(&(struct kind_state){0}) == KIND_UNKNOWN && kind_good(&(struct kind_state){0}));
}

TEST(bytes_flipped_are_told_or_do_no_harm)
{
    struct kind_state s = {0}, damaged;
    struct andon_rng rng;
    for (int i = 0; i < 40; i++) kind_see_number(&s, i % 7);
    andon_rng_seed(&rng, 4);
    for (int i = 0; i < 20000; i++) {
        damaged = s;
        ((unsigned char *)&damaged)[andon_rng_below(&rng, sizeof s)] ^=
            (unsigned char)(1u << i % 8);
        if (!kind_good(&damaged)) continue;
        kind_see_text(&damaged, TEXT("x"));
        kind_see_number(&damaged, 3.0);
        CHECK(kind_of(&damaged) == KIND_TEXT);
    }
    memset(&damaged, 0xff, sizeof damaged);
    CHECK(!kind_good(&damaged));
}
