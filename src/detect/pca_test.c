#include "detect/registry.h"

#include "andon/rng.h"
#include "detector_case.h"
#include "golden/linear.h"

static const struct andon_rows golden = {golden_x, GOLDEN_N, GOLDEN_D};

static void fit_golden(struct detector_case *c, const char *statistic)
{
    case_open(c, &andon_pca);
    case_set(c, "components", "3");
    case_set(c, "statistic", statistic);
    if (case_fit(c, golden, NULL, 0, 1) != ANDON_OK) abort();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The 99 % quantile, linear between neighbours. */
static double quantile99(const double *values)
{
    double v[GOLDEN_N];
    memcpy(v, values, sizeof v);
    qsort(v, GOLDEN_N, sizeof *v, ascending);
    double at = 0.99 * (GOLDEN_N - 1);
    int below = (int)at;
    return v[below] + (at - below) * (v[below + 1] - v[below]);
}

/* Shares of positive parts. */
static void expected_share(const double *part, float *share)
{
    double sum = 0;
    for (int j = 0; j < GOLDEN_D; j++) sum += fmax(part[j], 0);
    for (int j = 0; j < GOLDEN_D; j++) share[j] = (float)(fmax(part[j], 0) / sum);
}

TEST(t2_and_q_equal_those_of_scikit_learns_components)
{
    const double *want[2] = {golden_t2, golden_q};
    const char *statistic[2] = {"t2", "q"};
    for (int s = 0; s < 2; s++) {
        struct detector_case c;
        double score[GOLDEN_N], scale = quantile99(want[s]);
        fit_golden(&c, statistic[s]);
        case_score(&c, golden, score, NULL);
        case_close(&c);
        for (int i = 0; i < GOLDEN_N; i++) CHECK_NEAR(score[i] * scale, want[s][i], 1e-11);
    }
}

TEST(both_is_the_sum_of_the_scaled_statistics)
{
    struct detector_case c;
    double score[GOLDEN_N], t2 = quantile99(golden_t2), q = quantile99(golden_q);
    fit_golden(&c, "both");
    case_score(&c, golden, score, NULL);
    case_close(&c);
    for (int i = 0; i < GOLDEN_N; i++)
        CHECK_NEAR(score[i], golden_t2[i] / t2 + golden_q[i] / q, 1e-11);
}

TEST(shares_are_the_exact_parts_of_t2_and_q)
{
    const char *statistic[3] = {"t2", "q", "both"};
    double t2 = quantile99(golden_t2), q = quantile99(golden_q);
    for (int s = 0; s < 3; s++) {
        struct detector_case c;
        double score[GOLDEN_N], part[GOLDEN_D];
        float share[GOLDEN_N * GOLDEN_D], want[GOLDEN_D];
        fit_golden(&c, statistic[s]);
        case_score(&c, golden, score, share);
        case_close(&c);
        for (int i = 0; i < GOLDEN_N; i++) {
            double sum = 0;
            for (int j = 0; j < GOLDEN_D; j++) {
                int at = i * GOLDEN_D + j;
                part[j] = (s != 1) * golden_t2_part[at] / t2 + (s != 0) * golden_q_part[at] / q;
                sum += part[j];
            }
            CHECK_NEAR(sum, score[i], 1e-11); /* the parts are the score */
            expected_share(part, want);
            for (int j = 0; j < GOLDEN_D; j++)
                CHECK_NEAR(share[i * GOLDEN_D + j], want[j], 1e-6);
        }
    }
}

/* Three channels that follow one cause, and a fourth by itself. */
static void make_rows(float *x, size_t n)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 4);
    for (size_t i = 0; i < n; i++) {
        double cause = andon_rng_normal(&rng);
        for (size_t j = 0; j < 3; j++) x[i * 4 + j] = (float)(cause + 0.1 * andon_rng_normal(&rng));
        x[i * 4 + 3] = (float)andon_rng_normal(&rng);
    }
}

TEST(a_broken_relation_names_the_channel_that_left_it)
{
    static float x[500 * 4];
    const float broken[4] = {1, 1, -1, 0}, fine[4] = {1, 1, 1, 0};
    double odd, usual;
    float share[4];
    struct detector_case c;
    make_rows(x, 500);
    case_open(&c, &andon_pca);
    CHECK(case_fit(&c, (struct andon_rows){x, 500, 4}, NULL, 0, 1) == ANDON_OK);
    case_score(&c, (struct andon_rows){broken, 1, 4}, &odd, share);
    case_score(&c, (struct andon_rows){fine, 1, 4}, &usual, NULL);
    case_close(&c);
    CHECK(odd > 10 * usual);
    CHECK(share[2] > 0.6f);
}

TEST(a_score_grows_without_end_along_any_direction)
{
    struct detector_case c;
    fit_golden(&c, "both");
    for (int j = 0; j < GOLDEN_D; j++) {
        double before = 0, now;
        for (double far = 10; far < 1e37; far *= 1.7) {
            float row[GOLDEN_D] = {0};
            row[j] = (float)far;
            case_score(&c, (struct andon_rows){row, 1, GOLDEN_D}, &now, NULL);
            CHECK_SAY(now > before && isfinite(now), "feature %d at %g: %g", j, far, now);
            before = now;
        }
    }
    case_close(&c);
}

TEST(a_row_scores_the_same_bits_alone_and_with_shares)
{
    struct detector_case c;
    double batch[GOLDEN_N], one;
    float share[GOLDEN_D];
    fit_golden(&c, "both");
    case_score(&c, golden, batch, NULL);
    for (int i = 0; i < GOLDEN_N; i++) {
        case_score(&c, (struct andon_rows){golden_x + i * GOLDEN_D, 1, GOLDEN_D}, &one, share);
        CHECK(memcmp(&one, &batch[i], sizeof one) == 0);
    }
    case_close(&c);
}

TEST(a_row_with_a_gap_scores_nan)
{
    struct detector_case c;
    float row[GOLDEN_D] = {0, 0, NAN, 0, 0, 0}, share[GOLDEN_D];
    double score = 0;
    fit_golden(&c, "both");
    case_score(&c, (struct andon_rows){row, 1, GOLDEN_D}, &score, share);
    CHECK(isnan(score));
    for (int j = 0; j < GOLDEN_D; j++) CHECK(isnan(share[j]));
    case_close(&c);
}

TEST(rows_without_spread_teach_a_model_that_sees_any_change)
{
    float x[6] = {3, 3, 3, 3, 3, 3}, other[2] = {3, 3.01f};
    const char *statistic[3] = {"t2", "q", "both"};
    for (int s = 1; s < 3; s++) {
        struct detector_case c;
        double same, changed;
        case_open(&c, &andon_pca);
        case_set(&c, "statistic", statistic[s]);
        CHECK(case_fit(&c, (struct andon_rows){x, 3, 2}, NULL, 0, 1) == ANDON_OK);
        case_score(&c, (struct andon_rows){x, 1, 2}, &same, NULL);
        case_score(&c, (struct andon_rows){other, 1, 2}, &changed, NULL);
        case_close(&c);
        CHECK(same == 0 && changed > 1 && isfinite(changed));
    }
}

TEST(q_alone_keeps_a_direction_to_look_along)
{
    struct detector_case c;
    double score[GOLDEN_N];
    case_open(&c, &andon_pca);
    case_set(&c, "components", "6");
    case_set(&c, "statistic", "q");
    CHECK(case_fit(&c, golden, NULL, 0, 1) == ANDON_OK);
    case_score(&c, golden, score, NULL);
    for (int i = 0; i < GOLDEN_N; i++) CHECK(score[i] > 0);
    case_close(&c);
}

TEST(one_row_and_too_many_features_are_refused_with_a_reason)
{
    struct detector_case c;
    static float wide[2 * 1501];
    case_open(&c, &andon_pca);
    CHECK(case_fit(&c, (struct andon_rows){golden_x, 1, GOLDEN_D}, NULL, 0, 1) == ANDON_EDATA);
    CHECK(case_fit(&c, (struct andon_rows){wide, 2, 1501}, NULL, 0, 1) == ANDON_ELIMIT);
    CHECK(strstr(c.err.text, "1501") != NULL);
    case_close(&c);
}

TEST(a_loaded_model_scores_bit_for_bit_like_the_saved_one)
{
    struct detector_case c;
    double before[GOLDEN_N], after[GOLDEN_N];
    float share[GOLDEN_N * GOLDEN_D], again[GOLDEN_N * GOLDEN_D];
    fit_golden(&c, "both");
    case_score(&c, golden, before, share);
    struct andon_writer w = case_save(&c);
    CHECK(case_load(&c, w.data, w.size, GOLDEN_D, &c.arena, &c.model) == ANDON_OK);
    case_score(&c, golden, after, again);
    CHECK(memcmp(before, after, sizeof before) == 0);
    CHECK(memcmp(share, again, sizeof share) == 0);
    CHECK(case_load(&c, w.data, w.size, GOLDEN_D + 1, &c.arena, &c.model) == ANDON_EFORMAT);
    case_close(&c);
}

TEST(hostile_bytes_are_refused_or_score_finite)
{
    struct detector_case c;
    fit_golden(&c, "both");
    CHECK(case_survives_hostile_bytes(&c, golden, 1));
    case_close(&c);
}

TEST(a_fit_without_room_says_so)
{
    struct detector_case c;
    case_open(&c, &andon_pca);
    CHECK(case_survives_small_arenas(&c, golden, NULL, 0));
    case_close(&c);
}
