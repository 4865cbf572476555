#include "detect/registry.h"

#include "andon/rng.h"
#include "detector_case.h"
#include "golden/linear.h"

static const struct andon_rows golden = {golden_x, GOLDEN_N, GOLDEN_D};

static void fit_golden(struct detector_case *c, const int32_t *label, uint32_t classes)
{
    case_open(c, &andon_logistic);
    if (case_fit(c, golden, label, classes, 1) != ANDON_OK) abort();
}

/* log(p / (1 - p)) of one row, from its score -log(1 - p). */
static double logit_of(struct detector_case *c, const float *row)
{
    double score;
    case_score(c, (struct andon_rows){row, 1, GOLDEN_D}, &score, NULL);
    return log(expm1(score));
}

TEST(coefficients_equal_scikit_learns_within_1e_6)
{
    struct detector_case c;
    float row[GOLDEN_D] = {0};
    fit_golden(&c, golden_two, 2);
    double bias = logit_of(&c, row);
    CHECK_NEAR(bias, golden_two_coef[GOLDEN_D], 1e-6);
    for (int j = 0; j < GOLDEN_D; j++) {
        row[j] = 1;
        CHECK_NEAR(logit_of(&c, row) - bias, golden_two_coef[j], 1e-6);
        row[j] = 0;
    }
    case_close(&c);
}

TEST(probabilities_of_two_classes_equal_scikit_learns)
{
    struct detector_case c;
    float p[GOLDEN_N * 2];
    double score[GOLDEN_N];
    fit_golden(&c, golden_two, 2);
    case_classify(&c, golden, p);
    case_score(&c, golden, score, NULL);
    case_close(&c);
    for (int i = 0; i < GOLDEN_N; i++) {
        CHECK_NEAR(p[2 * i + 1], golden_two_p[i], 1e-6);
        CHECK_NEAR(p[2 * i] + p[2 * i + 1], 1, 1e-6);
        CHECK_NEAR(-expm1(-score[i]), golden_two_p[i], 1e-6);
    }
}

TEST(probabilities_of_three_classes_equal_scikit_learns)
{
    struct detector_case c;
    float p[GOLDEN_N * 3];
    double score[GOLDEN_N];
    fit_golden(&c, golden_three, 3);
    case_classify(&c, golden, p);
    case_score(&c, golden, score, NULL);
    case_close(&c);
    for (int i = 0; i < GOLDEN_N; i++) {
        for (int k = 0; k < 3; k++) CHECK_NEAR(p[3 * i + k], golden_three_p[3 * i + k], 1e-5);
        CHECK_NEAR(exp(-score[i]), golden_three_p[3 * i], 1e-5);
    }
}

TEST(a_kind_that_training_never_held_has_probability_0)
{
    struct detector_case c;
    float p[GOLDEN_N * 4], plain[GOLDEN_N * 2];
    int32_t label[GOLDEN_N];
    for (int i = 0; i < GOLDEN_N; i++) label[i] = golden_two[i] * 2;
    fit_golden(&c, label, 4);
    case_classify(&c, golden, p);
    case_close(&c);
    fit_golden(&c, golden_two, 2);
    case_classify(&c, golden, plain);
    case_close(&c);
    for (int i = 0; i < GOLDEN_N; i++) {
        CHECK(p[4 * i + 1] == 0 && p[4 * i + 3] == 0);
        CHECK(p[4 * i] == plain[2 * i] && p[4 * i + 2] == plain[2 * i + 1]);
    }
}

TEST(shares_are_the_exact_parts_of_the_logit_above_the_mean_normal_row)
{
    struct detector_case c;
    double score[GOLDEN_N], normal[GOLDEN_D] = {0};
    float share[GOLDEN_N * GOLDEN_D], mean[GOLDEN_D];
    int normals = 0;
    fit_golden(&c, golden_two, 2);
    case_score(&c, golden, score, share);
    for (int i = 0; i < GOLDEN_N; i++) normals += golden_two[i] == 0;
    for (int i = 0; i < GOLDEN_N; i++)
        for (int j = 0; j < GOLDEN_D && golden_two[i] == 0; j++)
            normal[j] += (double)golden_x[i * GOLDEN_D + j] / normals;
    for (int j = 0; j < GOLDEN_D; j++) mean[j] = (float)normal[j];
    double origin = logit_of(&c, mean);
    for (int i = 0; i < GOLDEN_N; i++) {
        double part[GOLDEN_D], sum = 0, above = 0;
        for (int j = 0; j < GOLDEN_D; j++) {
            part[j] = golden_two_coef[j] * ((double)golden_x[i * GOLDEN_D + j] - normal[j]);
            sum += part[j];
            above += fmax(part[j], 0);
        }
        CHECK_NEAR(sum, logit_of(&c, golden_x + i * GOLDEN_D) - origin, 1e-5);
        for (int j = 0; j < GOLDEN_D; j++)
            CHECK_NEAR(share[i * GOLDEN_D + j], fmax(part[j], 0) / above, 1e-4);
    }
    case_close(&c);
}

TEST(the_score_keeps_resolution_where_the_probability_is_1)
{
    struct detector_case c;
    double before = 0, now;
    fit_golden(&c, golden_two, 2);
    for (float far = 1; far < 1e37f; far *= 1.5f) {
        float row[GOLDEN_D];
        for (int j = 0; j < GOLDEN_D; j++) row[j] = golden_two_coef[j] > 0 ? far : -far;
        case_score(&c, (struct andon_rows){row, 1, GOLDEN_D}, &now, NULL);
        CHECK(now > before && isfinite(now));
        before = now;
    }
    case_close(&c);
}

TEST(balanced_weights_raise_the_probability_of_the_rare_kind)
{
    struct detector_case c;
    float plain[GOLDEN_N * 2], even[GOLDEN_N * 2];
    double sum = 0;
    fit_golden(&c, golden_two, 2);
    case_classify(&c, golden, plain);
    case_set(&c, "balanced", "yes");
    CHECK(case_fit(&c, golden, golden_two, 2, 1) == ANDON_OK);
    case_classify(&c, golden, even);
    case_close(&c);
    for (int i = 0; i < GOLDEN_N; i++) sum += (double)even[2 * i + 1] - (double)plain[2 * i + 1];
    CHECK(sum / GOLDEN_N > 0.02);
}

/* The slope of the objective in w is 0 at the minimum: sum (p - y) x + w / c = 0, for features of
 * sizes from 1e-3 to 1e3 about far-off means. */
TEST(the_fit_reaches_the_minimum_on_badly_scaled_features)
{
    enum { N = 400, D = 5 };
    static float x[N * D], p[N * 2];
    static int32_t label[N];
    struct detector_case c;
    struct andon_rng rng;
    andon_rng_seed(&rng, 9);
    for (int i = 0; i < N; i++) {
        double heat = 0;
        for (int j = 0; j < D; j++) {
            double v = andon_rng_normal(&rng);
            heat += v;
            x[i * D + j] = (float)((v + 20) * pow(10, j * 1.5 - 3));
        }
        label[i] = heat + andon_rng_normal(&rng) > 2;
    }
    case_open(&c, &andon_logistic);
    CHECK(case_fit(&c, (struct andon_rows){x, N, D}, label, 2, 1) == ANDON_OK);
    case_classify(&c, (struct andon_rows){x, N, D}, p);
    double rest = 0;
    for (int i = 0; i < N; i++) rest += (double)p[2 * i + 1] - label[i];
    CHECK_NEAR(rest, 0, 1e-4); /* intercepts: the mean probability is the rate of faults */
    case_close(&c);
}

TEST(a_row_with_a_gap_scores_nan)
{
    struct detector_case c;
    float row[GOLDEN_D] = {0, 0, NAN, 0, 0, 0}, share[GOLDEN_D], p[3];
    double score = 0;
    fit_golden(&c, golden_three, 3);
    case_score(&c, (struct andon_rows){row, 1, GOLDEN_D}, &score, share);
    case_classify(&c, (struct andon_rows){row, 1, GOLDEN_D}, p);
    CHECK(isnan(score) && isnan(p[0]) && isnan(p[1]) && isnan(p[2]));
    for (int j = 0; j < GOLDEN_D; j++) CHECK(isnan(share[j]));
    case_close(&c);
}

TEST(labels_of_one_kind_or_out_of_range_are_refused)
{
    struct detector_case c;
    int32_t label[GOLDEN_N] = {0};
    case_open(&c, &andon_logistic);
    CHECK(case_fit(&c, golden, label, 2, 1) == ANDON_EDATA);
    CHECK(strstr(c.err.text, "normal") != NULL);
    CHECK(case_fit(&c, golden, NULL, 2, 1) == ANDON_EINVAL);
    label[7] = 2;
    CHECK(case_fit(&c, golden, label, 2, 1) == ANDON_EINVAL);
    CHECK(strstr(c.err.text, "row 7") != NULL);
    label[7] = -1;
    CHECK(case_fit(&c, golden, label, 2, 1) == ANDON_EINVAL);
    case_close(&c);
}

TEST(a_loaded_model_scores_bit_for_bit_like_the_saved_one)
{
    struct detector_case c;
    double before[GOLDEN_N], after[GOLDEN_N], one;
    float share[GOLDEN_N * GOLDEN_D], again[GOLDEN_N * GOLDEN_D];
    fit_golden(&c, golden_three, 3);
    case_score(&c, golden, before, share);
    struct andon_writer w = case_save(&c);
    CHECK(case_load(&c, w.data, w.size, GOLDEN_D, &c.arena, &c.model) == ANDON_OK);
    case_score(&c, golden, after, again);
    CHECK(memcmp(before, after, sizeof before) == 0);
    CHECK(memcmp(share, again, sizeof share) == 0);
    for (int i = 0; i < GOLDEN_N; i++) {
        case_score(&c, (struct andon_rows){golden_x + i * GOLDEN_D, 1, GOLDEN_D}, &one, NULL);
        CHECK(memcmp(&one, &before[i], sizeof one) == 0);
    }
    CHECK(case_load(&c, w.data, w.size, GOLDEN_D - 1, &c.arena, &c.model) == ANDON_EFORMAT);
    case_close(&c);
}

TEST(hostile_bytes_are_refused_or_score_finite)
{
    struct detector_case c;
    fit_golden(&c, golden_three, 3);
    CHECK(case_survives_hostile_bytes(&c, golden, 1));
    case_close(&c);
}

TEST(a_fit_without_room_says_so)
{
    struct detector_case c;
    case_open(&c, &andon_logistic);
    CHECK(case_survives_small_arenas(&c, golden, golden_three, 3));
    case_close(&c);
}
