/* The forest against a walk written here without any cleverness, and against itself in every
 * kernel. iforest_golden_test.c has scikit-learn. */
#include "andon/iforest.h"

#include "detect/iforest.h"
#include "detect/registry.h"
#include "detector_case.h"

enum { ROWS = 1300, D = 27 };

/* ---- rows ---- */

static float *random_rows(size_t n, uint32_t d, uint64_t seed)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    float *x = malloc(n * d * sizeof x[0]);
    if (x == NULL) abort();
    for (size_t i = 0; i < n * d; i++) {
        double v = andon_rng_normal(&rng);
        if (i % 7 == 0) v = floor(v * 3.0); /* repeated values, 0 and -0 among them */
        x[i] = (float)(i % 11 == 0 ? -0.0 * v : v);
    }
    return x;
}

/* ---- references ---- */

/* A row's path lengths by the definition: floats, one step at a time, c(n) in double. */
static double plain_path(const struct iforest *model, const float *x)
{
    double sum = 0.0;
    for (uint32_t t = 0; t < model->trees; t++) {
        struct trees_view tree = trees_view(&model->forest, t);
        uint32_t at = tree.begin, depth = 0;
        for (;; depth++) {
            uint64_t node = tree.bundle->node[at];
            if (trees_node_left(node) == at) break;
            bool right = x[trees_node_feature(node)] > trees_unkey(trees_node_key(node));
            at = trees_node_left(node) + right;
        }
        double n = tree.bundle->size[at];
        sum += depth;
        if (n == 2.0) sum += 1.0;
        if (n > 2.0) sum += 2.0 * (log(n - 1.0) + 0.5772156649015329) - 2.0 * (n - 1.0) / n;
    }
    return sum;
}

/* The same in whole units, as every kernel must give it. */
static uint64_t plain_sum(const struct iforest *model, const float *x)
{
    uint64_t sum = 0;
    for (uint32_t t = 0; t < model->trees; t++) {
        struct trees_view tree = trees_view(&model->forest, t);
        uint32_t at = tree.begin;
        for (;;) {
            uint64_t node = tree.bundle->node[at];
            uint32_t left = trees_node_left(node);
            if (left == at) break;
            at = left + (x[trees_node_feature(node)] > trees_unkey(trees_node_key(node)));
        }
        sum += tree.bundle->value[at];
    }
    return sum;
}

static void score_with(const struct detector_case *c, struct andon_rows x, double *score,
                       float *share, enum andon_kernel kernel)
{
    void *room = case_room(c, x.n);
    c->detector->score(c->model, NULL, x, score, share, room, kernel);
    free(room);
}

static void open_fitted(struct detector_case *c, struct andon_rows x, const char *name,
                        const char *value)
{
    case_open(c, &andon_iforest);
    if (name != NULL) case_set(c, name, value);
    if (case_fit(c, x, NULL, 0, 5) != ANDON_OK) abort();
}

/* ---- scores ---- */

TEST(a_score_is_two_to_the_minus_mean_path_over_c)
{
    float *x = random_rows(ROWS, D, 1);
    struct detector_case c;
    double score[ROWS];
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    case_score(&c, (struct andon_rows){x, ROWS, D}, score, NULL);
    double mean_path = 2.0 * (log(255.0) + 0.5772156649015329) - 2.0 * 255.0 / 256.0;
    for (size_t i = 0; i < ROWS; i++)
        CHECK_NEAR(score[i], pow(2.0, -plain_path(c.model, x + i * D) / (100.0 * mean_path)), 4e-7);
    case_close(&c);
    free(x);
}

/* Shapes of forests: lanes with one and several groups, walks, trees of every size. */
static const struct {
    uint32_t d;
    const char *option, *value;
} shapes[] = {{27, "trees", "100"},   {1, "trees", "33"},   {3, "trees", "8"},
              {140, "trees", "20"},   {27, "samples", "2"}, {27, "samples", "17"},
              {5, "samples", "1200"}, {600, "trees", "9"},  {27, "max_features", "0.2"},
              {27, "trees", "1"}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

TEST(every_kernel_gives_the_sum_of_a_plain_walk_bit_for_bit)
{
    for (size_t s = 0; s < SHAPES; s++) {
        uint32_t d = shapes[s].d;
        float *x = random_rows(ROWS, d, 10 + s);
        struct detector_case c;
        double score[ROWS];
        open_fitted(&c, (struct andon_rows){x, ROWS, d}, shapes[s].option, shapes[s].value);
        const struct iforest *model = c.model;
        x[7 * d] = INFINITY;
        x[8 * d] = -INFINITY;
        for (int k = 0; k < ANDON_KERNELS; k++) {
            if (!andon_kernel_usable((enum andon_kernel)k)) continue;
            score_with(&c, (struct andon_rows){x, ROWS, d}, score, NULL, (enum andon_kernel)k);
            for (size_t i = 0; i < ROWS; i++) {
                double sum = (double)plain_sum(model, x + i * d);
                CHECK_SAY(score[i] == exp2(-sum / (double)model->expected),
                          "shape %zu, kernel %s, row %zu: %.17g", s,
                          andon_kernel_name((enum andon_kernel)k), i, score[i]);
            }
        }
        case_close(&c);
        free(x);
    }
}

TEST(a_row_scores_the_same_bits_alone_and_in_batches_of_any_size)
{
    float *x = random_rows(ROWS, D, 2);
    struct detector_case c;
    double all[ROWS], part[ROWS];
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    for (int k = 0; k < ANDON_KERNELS; k++) {
        if (!andon_kernel_usable((enum andon_kernel)k)) continue;
        score_with(&c, (struct andon_rows){x, ROWS, D}, all, NULL, (enum andon_kernel)k);
        for (size_t n = 1; n < 700; n = n * 3 / 2 + 1) {
            for (size_t at = 0; at < ROWS; at += n)
                score_with(&c, (struct andon_rows){x + at * D, at + n < ROWS ? n : ROWS - at, D},
                           part + at, NULL, (enum andon_kernel)k);
            CHECK_SAY(memcmp(all, part, sizeof all) == 0, "batches of %zu", n);
        }
    }
    case_close(&c);
    free(x);
}

TEST(a_row_with_nan_scores_nan_and_leaves_its_neighbours_alone)
{
    float *x = random_rows(ROWS, D, 3);
    struct detector_case c;
    double before[ROWS], after[ROWS];
    float *share = malloc(ROWS * D * sizeof share[0]);
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    case_score(&c, (struct andon_rows){x, ROWS, D}, before, NULL);
    for (size_t i = 0; i < ROWS; i += 5) x[i * D + i % D] = NAN;
    case_score(&c, (struct andon_rows){x, ROWS, D}, after, share);
    for (size_t i = 0; i < ROWS; i++) {
        CHECK(i % 5 == 0 ? isnan(after[i]) : after[i] == before[i]);
        CHECK(share != NULL && isnan(share[i * D]) == (i % 5 == 0));
    }
    case_close(&c);
    free(share);
    free(x);
}

TEST(rows_farther_out_score_higher_until_they_leave_the_trained_range)
{
    float *x = random_rows(ROWS, D, 4), far[6 * D] = {0};
    struct detector_case c;
    double score[6];
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    for (int i = 0; i < 6; i++)
        for (int f = 0; f < D; f++) far[i * D + f] = 0.6f * (float)i;
    case_score(&c, (struct andon_rows){far, 6, D}, score, NULL);
    for (int i = 1; i < 6; i++) CHECK(score[i] > score[i - 1]);
    CHECK(score[0] > 0.0 && score[5] < 1.0);
    case_close(&c);
    free(x);
}

/* ---- shares ---- */

TEST(gains_add_up_exactly_to_how_much_shorter_the_paths_are)
{
    float *x = random_rows(ROWS, D, 5), share[D];
    struct detector_case c;
    uint64_t key[D];
    int64_t gain[D];
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    const struct iforest *model = c.model;
    for (size_t i = 0; i < ROWS; i++) {
        int64_t sum = 0;
        double total = 0.0;
        iforest_attribute(model, x + i * D, key, gain);
        iforest_share(model, gain, share);
        for (int f = 0; f < D; f++) {
            sum += gain[f];
            total += (double)share[f];
            CHECK(share[f] >= 0.0f);
        }
        CHECK(sum == (int64_t)model->baseline - (int64_t)plain_sum(model, x + i * D));
        CHECK_NEAR(total, 1.0, 1e-6);
    }
    case_close(&c);
    free(x);
}

TEST(the_feature_that_is_far_out_has_the_largest_share)
{
    float *x = random_rows(ROWS, D, 6), row[D] = {0}, share[D];
    struct detector_case c;
    double score;
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    for (int f = 0; f < D; f++) {
        row[f] = 6.0f;
        case_score(&c, (struct andon_rows){row, 1, D}, &score, share);
        for (int k = 0; k < D; k++) CHECK_SAY(k == f || share[f] > 2.0f * share[k], "%d %d", f, k);
        row[f] = 0.0f;
    }
    case_close(&c);
    free(x);
}

TEST(where_nothing_stands_out_the_shares_are_zero)
{
    float x[40] = {0}, share[2];
    struct detector_case c;
    double score;
    open_fitted(&c, (struct andon_rows){x, 20, 2}, NULL, NULL);
    case_score(&c, (struct andon_rows){x, 1, 2}, &score, share);
    CHECK(score == 0.5 && share[0] == 0.0f && share[1] == 0.0f);
    case_close(&c);
}

/* ---- models ---- */

TEST(the_same_seed_gives_the_same_bytes_and_another_seed_others)
{
    float *x = random_rows(ROWS, D, 7);
    struct detector_case c;
    open_fitted(&c, (struct andon_rows){x, ROWS, D}, NULL, NULL);
    struct andon_writer one = case_save(&c);
    CHECK(case_fit(&c, (struct andon_rows){x, ROWS, D}, NULL, 0, 5) == ANDON_OK);
    struct andon_writer two = case_save(&c);
    CHECK(case_fit(&c, (struct andon_rows){x, ROWS, D}, NULL, 0, 6) == ANDON_OK);
    struct andon_writer three = case_save(&c);
    CHECK(!one.full && one.size == two.size && memcmp(one.data, two.data, one.size) == 0);
    CHECK(three.size != one.size || memcmp(one.data, three.data, one.size) != 0);
    case_close(&c);
    free(x);
}

TEST(more_trees_keep_the_trees_that_were_there)
{
    float *x = random_rows(ROWS, D, 8);
    struct detector_case few, many;
    open_fitted(&few, (struct andon_rows){x, ROWS, D}, "trees", "10");
    open_fitted(&many, (struct andon_rows){x, ROWS, D}, "trees", "11");
    struct andon_writer a = case_save(&few), b = case_save(&many);
    CHECK(a.size < b.size && memcmp(a.data + 16, b.data + 16, a.size - 16) == 0);
    case_close(&few);
    case_close(&many);
    free(x);
}

TEST(every_row_is_as_likely_to_be_drawn)
{
    /* One feature, the row's own number: where a root's threshold cuts off a part of all rows, it
     * must cut off the same part of the drawn ones. */
    enum { N = 400 };
    float x[N];
    struct detector_case c;
    double below = 0.0, all = 0.0;
    for (int i = 0; i < N; i++) x[i] = (float)i;
    case_open(&c, &andon_iforest);
    case_set(&c, "samples", "50");
    case_set(&c, "trees", "400");
    CHECK(case_fit(&c, (struct andon_rows){x, N, 1}, NULL, 0, 9) == ANDON_OK);
    const struct iforest *model = c.model;
    for (uint32_t t = 0; t < model->trees; t++) {
        struct trees_view tree = trees_view(&model->forest, t);
        uint64_t root = tree.bundle->node[tree.begin];
        double threshold = (double)trees_unkey(trees_node_key(root));
        below += tree.bundle->size[trees_node_left(root)];
        all += 50.0 * (floor(threshold) + 1.0) / N;
    }
    CHECK_NEAR(below / all, 1.0, 0.02);
    case_close(&c);
}

TEST(a_merged_forest_scores_like_the_trees_of_both)
{
    float *x = random_rows(ROWS, D, 11), *y = random_rows(ROWS, D, 12);
    struct detector_case a, b;
    double score[ROWS];
    void *merged = NULL;
    open_fitted(&a, (struct andon_rows){x, ROWS, D}, "trees", "30");
    open_fitted(&b, (struct andon_rows){y, ROWS, D}, "samples", "100");
    CHECK(andon_iforest_merge(a.model, b.model, &a.arena, &merged, &a.err) == ANDON_OK);
    const struct iforest *one = a.model, *two = b.model, *both = merged;
    CHECK(both->trees == 130 && both->expected == one->expected + two->expected);
    a.model = merged;
    case_score(&a, (struct andon_rows){x, ROWS, D}, score, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = (double)(plain_sum(one, x + i * D) + plain_sum(two, x + i * D));
        CHECK(score[i] == exp2(-sum / (double)both->expected));
    }
    struct andon_writer w = case_save(&a);
    CHECK(case_load(&a, w.data, w.size, D, &a.arena, &merged) == ANDON_OK);
    case_close(&a);
    case_close(&b);
    free(x);
    free(y);
}

TEST(forests_of_different_features_do_not_merge)
{
    float *x = random_rows(100, 4, 13);
    struct detector_case a, b;
    void *merged = NULL;
    open_fitted(&a, (struct andon_rows){x, 100, 4}, NULL, NULL);
    open_fitted(&b, (struct andon_rows){x, 100, 3}, NULL, NULL);
    CHECK(andon_iforest_merge(a.model, b.model, &a.arena, &merged, &a.err) == ANDON_EINVAL);
    CHECK(merged == NULL && strstr(a.err.text, "4 and 3") != NULL);
    case_close(&a);
    case_close(&b);
    free(x);
}

TEST(cut_and_flipped_bytes_are_refused_or_score_finite)
{
    float *x = random_rows(60, 3, 14);
    struct detector_case c;
    case_open(&c, &andon_iforest);
    case_set(&c, "trees", "3");
    case_set(&c, "samples", "20");
    CHECK(case_fit(&c, (struct andon_rows){x, 60, 3}, NULL, 0, 1) == ANDON_OK);
    CHECK(case_survives_hostile_bytes(&c, (struct andon_rows){x, 60, 3}, 1));
    case_close(&c);
    free(x);
}

TEST(a_fit_without_room_says_so)
{
    float *x = random_rows(300, 3, 15);
    struct detector_case c;
    case_open(&c, &andon_iforest);
    CHECK(case_survives_small_arenas(&c, (struct andon_rows){x, 300, 3}, NULL, 0));
    case_close(&c);
    free(x);
}

TEST(one_row_is_too_few)
{
    float x[2] = {1.0f, 2.0f};
    struct detector_case c;
    case_open(&c, &andon_iforest);
    CHECK(case_fit(&c, (struct andon_rows){x, 1, 2}, NULL, 0, 1) == ANDON_EDATA);
    CHECK(strstr(c.err.text, "1 rows") != NULL);
    case_close(&c);
}
