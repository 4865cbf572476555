#include "andon/rng.h"
#include "detect/registry.h"
#include "detector_case.h"
#include "golden/mahalanobis.h"

static const struct andon_rows golden = {golden_x, GOLDEN_N, GOLDEN_D};
static const struct andon_rows fresh = {golden_fresh, GOLDEN_FRESH, GOLDEN_D};

static void fit_golden(struct detector_case *c, const char *option, const char *value)
{
    case_open(c, &andon_mahalanobis);
    if (option != NULL) case_set(c, option, value);
    if (case_fit(c, golden, NULL, 0, 1) != ANDON_OK) abort();
}

TEST(distances_equal_those_of_scikit_learns_covariances)
{
    static const struct {
        const char *option, *value;
        const double *want;
        double tolerance; /* the whitening is float32; with almost no ridge its entries are large */
    } cases[] = {{NULL, NULL, golden_ridge, 1e-6},
                 {"shrinkage", "ledoit_wolf", golden_ledoit_wolf, 1e-6},
                 {"robust", "yes", golden_robust, 1e-6},
                 {"ridge", "1e-6", golden_empirical, 1e-4}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct detector_case c;
        double score[GOLDEN_FRESH];
        fit_golden(&c, cases[k].option, cases[k].value);
        case_score(&c, fresh, score, NULL);
        case_close(&c);
        for (int i = 0; i < GOLDEN_FRESH; i++)
            CHECK_SAY(fabs(score[i] / cases[k].want[i] - 1.0) <= cases[k].tolerance,
                      "case %zu, row %d: %.9g, expected %.9g", k, i, score[i], cases[k].want[i]);
    }
}

TEST(parts_sum_to_the_score_and_shares_are_their_positive_parts)
{
    struct detector_case c;
    double score[GOLDEN_FRESH];
    float share[GOLDEN_FRESH * GOLDEN_D];
    fit_golden(&c, NULL, NULL);
    case_score(&c, fresh, score, share);
    case_close(&c);
    for (int i = 0; i < GOLDEN_FRESH; i++) {
        double sum = 0.0, positive = 0.0;
        for (int j = 0; j < GOLDEN_D; j++) {
            sum += golden_part[i * GOLDEN_D + j];
            positive += fmax(0.0, golden_part[i * GOLDEN_D + j]);
        }
        CHECK_NEAR(sum, GOLDEN_D * score[i], 1e-5);
        for (int j = 0; j < GOLDEN_D; j++)
            CHECK_NEAR(share[i * GOLDEN_D + j],
                       fmax(0.0, golden_part[i * GOLDEN_D + j]) / positive, 1e-6);
    }
}

/* Rows in pairs x, -x, so that their centre is exactly 0. */
static void make_pairs(float *x, size_t pairs, size_t d, uint64_t seed)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    for (size_t i = 0; i < pairs; i++)
        for (size_t j = 0; j < d; j++) {
            x[2 * i * d + j] = (float)(round(64.0 * andon_rng_normal(&rng)) / 64.0);
            x[(2 * i + 1) * d + j] = -x[2 * i * d + j];
        }
}

TEST(the_centre_scores_0_and_nothing_stands_out_of_it)
{
    float x[40 * 3];
    const float centre[3] = {0};
    double score = 1.0;
    float share[3] = {1, 1, 1};
    struct detector_case c;
    make_pairs(x, 20, 3, 1);
    case_open(&c, &andon_mahalanobis);
    CHECK(case_fit(&c, (struct andon_rows){x, 40, 3}, NULL, 0, 1) == ANDON_OK);
    case_score(&c, (struct andon_rows){centre, 1, 3}, &score, share);
    case_close(&c);
    CHECK_NEAR(score, 0.0, 0);
    for (int j = 0; j < 3; j++) CHECK_NEAR(share[j], 0.0, 0);
}

TEST(a_broken_relation_scores_above_a_far_row_that_keeps_it)
{
    float x[200 * 2];
    const float far[2] = {3.0f, 3.0f}, broken[2] = {1.5f, -1.5f};
    double kept, left;
    struct andon_rng rng;
    struct detector_case c;
    andon_rng_seed(&rng, 2);
    for (int i = 0; i < 200; i++) {
        double cause = andon_rng_normal(&rng);
        for (int j = 0; j < 2; j++) x[2 * i + j] = (float)(cause + 0.2 * andon_rng_normal(&rng));
    }
    case_open(&c, &andon_mahalanobis);
    CHECK(case_fit(&c, (struct andon_rows){x, 200, 2}, NULL, 0, 1) == ANDON_OK);
    case_score(&c, (struct andon_rows){far, 1, 2}, &kept, NULL);
    case_score(&c, (struct andon_rows){broken, 1, 2}, &left, NULL);
    case_close(&c);
    CHECK_SAY(left > kept, "%g and %g", left, kept);
}

/* What a row at 4 on the first feature scores after rows of which `wild` stood at 40 there. */
static double score_of_4(const char *robust, size_t wild)
{
    enum { N = 200, D = 3 };
    float x[N * D];
    const float row[D] = {4.0f, 0.0f, 0.0f};
    double score;
    struct detector_case c;
    make_pairs(x, N / 2, D, 3);
    for (size_t i = 0; i < wild; i++) x[i * (N / 20) * D] = i % 2 ? 40.0f : -40.0f;
    case_open(&c, &andon_mahalanobis);
    case_set(&c, "robust", robust);
    case_set(&c, "ridge", "0.01");
    if (case_fit(&c, (struct andon_rows){x, N, D}, NULL, 0, 1) != ANDON_OK) abort();
    case_score(&c, (struct andon_rows){row, 1, D}, &score, NULL);
    case_close(&c);
    return score;
}

TEST(robust_keeps_wild_training_rows_from_widening_normal)
{
    double clean = score_of_4("no", 0), plain = score_of_4("no", 10), robust = score_of_4("yes", 10);
    CHECK_SAY(plain < 0.05 * clean, "%g of %g", plain, clean);
    CHECK_SAY(robust > 0.8 * clean, "%g of %g", robust, clean);
}

TEST(a_feature_that_never_changed_stands_out_when_it_does)
{
    enum { N = 100, D = 3 };
    float x[N * D], share[D];
    const float usual[D] = {0.5f, 0.5f, 7.0f}, changed[D] = {0.5f, 0.5f, 9.0f};
    double before, after;
    make_pairs(x, N / 2, D, 4);
    for (int i = 0; i < N; i++) x[i * D + 2] = 7.0f;
    for (int k = 0; k < 2; k++) {
        struct detector_case c;
        case_open(&c, &andon_mahalanobis);
        case_set(&c, "shrinkage", k == 0 ? "ridge" : "ledoit_wolf");
        CHECK(case_fit(&c, (struct andon_rows){x, N, D}, NULL, 0, 1) == ANDON_OK);
        case_score(&c, (struct andon_rows){usual, 1, D}, &before, NULL);
        case_score(&c, (struct andon_rows){changed, 1, D}, &after, share);
        case_close(&c);
        CHECK(isfinite(after) && after > 5.0 * before && share[2] > 0.8f);
    }
}

TEST(rows_that_are_all_the_same_and_fewer_rows_than_features_fit)
{
    enum { D = 12 };
    float same[5 * D], few[4 * D];
    double at, away;
    for (int i = 0; i < 5 * D; i++) same[i] = 3.0f;
    make_pairs(few, 2, D, 5);
    const char *shrinkage[2] = {"ridge", "ledoit_wolf"}, *robust[2] = {"no", "yes"};
    for (int k = 0; k < 4; k++) {
        struct andon_rows rows[2] = {{same, 5, D}, {few, 4, D}};
        for (int r = 0; r < 2; r++) {
            struct detector_case c;
            float row[D];
            case_open(&c, &andon_mahalanobis);
            case_set(&c, "shrinkage", shrinkage[k % 2]);
            case_set(&c, "robust", robust[k / 2]);
            CHECK(case_fit(&c, rows[r], NULL, 0, 1) == ANDON_OK);
            memcpy(row, rows[r].x, sizeof row);
            case_score(&c, (struct andon_rows){row, 1, D}, &at, NULL);
            for (int j = 0; j < D; j++) row[j] += 5.0f;
            case_score(&c, (struct andon_rows){row, 1, D}, &away, NULL);
            case_close(&c);
            CHECK_SAY(isfinite(at) && isfinite(away) && away > at, "case %d %d: %g, %g", k, r, at,
                      away);
        }
    }
}

TEST(one_row_is_too_few_and_says_so)
{
    struct detector_case c;
    case_open(&c, &andon_mahalanobis);
    CHECK(case_fit(&c, (struct andon_rows){golden_x, 1, GOLDEN_D}, NULL, 0, 1) == ANDON_EDATA);
    CHECK(strstr(c.err.text, "at least 2") != NULL);
    case_close(&c);
}

TEST(a_row_with_a_missing_value_scores_nan_and_leaves_its_neighbours_alone)
{
    struct detector_case c;
    float x[3 * GOLDEN_D], share[3 * GOLDEN_D];
    double score[3], want;
    memcpy(x, golden_fresh, sizeof x);
    x[GOLDEN_D + 2] = NAN;
    fit_golden(&c, NULL, NULL);
    case_score(&c, (struct andon_rows){x, 3, GOLDEN_D}, score, share);
    case_score(&c, (struct andon_rows){golden_fresh + 2 * GOLDEN_D, 1, GOLDEN_D}, &want, NULL);
    case_close(&c);
    CHECK(isnan(score[1]) && isfinite(score[0]) && memcmp(&score[2], &want, sizeof want) == 0);
    for (int j = 0; j < GOLDEN_D; j++) CHECK(isnan(share[GOLDEN_D + j]));
}

TEST(a_score_grows_without_end_along_any_direction)
{
    struct detector_case c;
    fit_golden(&c, NULL, NULL);
    for (int j = 0; j < GOLDEN_D; j++) {
        double before = 0, now;
        for (double far = 10; far < 3e38; far *= 1.7) {
            float row[GOLDEN_D] = {0}, share[GOLDEN_D], sum = 0;
            row[j] = (float)far;
            case_score(&c, (struct andon_rows){row, 1, GOLDEN_D}, &now, share);
            for (int k = 0; k < GOLDEN_D; k++) sum += share[k];
            CHECK_SAY(now > before && isfinite(now), "feature %d at %g: %g", j, far, now);
            CHECK_NEAR(sum, 1.0, 1e-6);
            before = now;
        }
    }
    case_close(&c);
}

TEST(a_row_scores_the_same_bits_alone_with_shares_and_from_a_loaded_model)
{
    struct detector_case c;
    double batch[GOLDEN_FRESH], one;
    float share[GOLDEN_D];
    fit_golden(&c, NULL, NULL);
    case_score(&c, fresh, batch, NULL);
    struct andon_writer w = case_save(&c);
    void *mine = c.model, *loaded = NULL;
    CHECK(case_load(&c, w.data, w.size, GOLDEN_D, &c.arena, &loaded) == ANDON_OK);
    for (int i = 0; i < GOLDEN_FRESH; i++) {
        for (int k = 0; k < 2; k++) {
            c.model = k == 0 ? mine : loaded;
            case_score(&c, (struct andon_rows){golden_fresh + i * GOLDEN_D, 1, GOLDEN_D}, &one,
                       share);
            CHECK_SAY(memcmp(&one, &batch[i], sizeof one) == 0, "row %d, model %d", i, k);
        }
    }
    CHECK(case_load(&c, w.data, w.size, GOLDEN_D + 1, &c.arena, &loaded) == ANDON_EFORMAT);
    case_close(&c);
}

TEST(hostile_bytes_never_crash_and_cut_ones_never_load)
{
    struct detector_case c;
    fit_golden(&c, NULL, NULL);
    CHECK(case_survives_hostile_bytes(&c, fresh, 1));
    case_close(&c);
}

TEST(a_fit_that_finds_no_room_says_so)
{
    struct detector_case c;
    static float x[400 * 20];
    make_pairs(x, 200, 20, 6);
    case_open(&c, &andon_mahalanobis);
    case_set(&c, "robust", "yes");
    CHECK(case_survives_small_arenas(&c, (struct andon_rows){x, 400, 20}, NULL, 0));
    case_close(&c);
}
