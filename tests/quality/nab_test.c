/* The benchmark's score on a corpus small enough to reckon by hand. */
#include "test.h"

#include "quality/nab.h"

enum { N = 100, FIRST = 50, LAST = 59 };

static struct nab_corpus *corpus_of_one(void)
{
    static struct nab_corpus c;
    memset(&c, 0, sizeof c);
    c.count = 1;
    c.series[0] = (struct nab_series){.n = N, .probation = 15, .windows = 1,
                                      .window = {{FIRST, LAST}}};
    c.profile[0] = (struct nab_profile){.name = "standard", .tp = 1.0, .fn = 1.0, .fp = 0.11};
    return &c;
}

static double scored(double *score)
{
    struct nab_corpus *c = corpus_of_one();
    return nab_score(c, (double *const[]){score}, &c->profile[0], NULL);
}

static double squashed(double position)
{
    return 2.0 / (1.0 + exp(5.0 * position)) - 1.0;
}

TEST(an_alarm_on_the_first_row_of_the_window_is_perfect)
{
    double score[N] = {[FIRST] = 1.0};
    CHECK_NEAR(scored(score), 100.0, 1e-9);
}

TEST(a_detector_that_says_the_same_of_every_row_does_not_beat_silence_by_being_loud)
{
    double score[N] = {0};
    /* One threshold: all rows or none. 35 false ones before the window at -0.11, 40 behind it. */
    double all = 1.0 - 35 * 0.11;
    for (int i = 1; i <= 40; i++) all += 0.11 * (i / 9.0 > 3.0 ? -1.0 : squashed(i / 9.0));
    CHECK(all < -1.0);
    CHECK_NEAR(scored(score), 0.0, 1e-9);
}

TEST(a_late_alarm_earns_what_its_place_in_the_window_is_worth)
{
    double score[N] = {[FIRST + 6] = 1.0};
    double earned = squashed(-4.0 / 10.0) / squashed(-1.0);
    CHECK_NEAR(scored(score), 100.0 * (earned + 1.0) / 2.0, 1e-9);
}

TEST(a_false_alarm_that_is_louder_than_the_true_one_costs_its_weight)
{
    double score[N] = {[20] = 2.0, [FIRST] = 1.0};
    CHECK_NEAR(scored(score), 100.0 * (1.0 - 0.11 + 1.0) / 2.0, 1e-9);
}

TEST(just_behind_the_window_a_false_alarm_costs_less)
{
    double score[N] = {[LAST + 1] = 2.0, [FIRST] = 1.0};
    CHECK_NEAR(scored(score), 100.0 * (1.0 + 0.11 * squashed(1.0 / 9.0) + 1.0) / 2.0, 1e-9);
}

TEST(rows_of_the_probation_and_rows_that_are_not_judged_do_not_count)
{
    double score[N] = {[3] = 9.0, [14] = 9.0, [20] = NAN, [FIRST] = 1.0};
    CHECK_NEAR(scored(score), 100.0, 1e-9);
}
