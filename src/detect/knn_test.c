#include "andon/andon.h"
#include "detect/registry.h"
#include "test.h"

enum { N = 6, D = 2 };
static const float train[N * D] = {0, 0, 3, 4, 6, 8, 0, 10, 20, 0, 0, 40};

/* A fitted knn and what it scores with. */
struct bed {
    struct andon_arena arena, scratch;
    void *model, *room;
    andon_status st;
    andon_error err;
};

static void bed_open(struct bed *bed, const char *k, const char *aggregate)
{
    int64_t options[8];
    memset(bed, 0, sizeof *bed);
    andon_arena_init(&bed->arena, andon_allocator_libc(), SIZE_MAX);
    andon_arena_init(&bed->scratch, andon_allocator_libc(), SIZE_MAX);
    andon_options_default(andon_knn.options, options);
    bed->st = andon_option_set(andon_knn.options, options, "k", k, &bed->err);
    if (bed->st == ANDON_OK)
        bed->st = andon_option_set(andon_knn.options, options, "aggregate", aggregate, &bed->err);
    struct andon_fit in = {.x = {train, N, D}, .options = options, .scratch = &bed->scratch};
    if (bed->st == ANDON_OK) bed->st = andon_knn.fit(&in, &bed->arena, &bed->model, &bed->err);
    if (bed->st == ANDON_OK)
        bed->room = andon_arena_take(&bed->scratch, andon_knn.scratch_bytes(bed->model, 1));
}

static double bed_score(struct bed *bed, const float *x, float *share)
{
    double score;
    andon_knn.score(bed->model, NULL, (struct andon_rows){x, 1, D}, &score, share, bed->room,
                    andon_kernel_best());
    return score;
}

static void bed_close(struct bed *bed)
{
    andon_arena_free(&bed->arena);
    andon_arena_free(&bed->scratch);
}

/* From the origin the rows stand at 0, 5, 10, 10, 20, 40. */
static void check_origin(const char *k, const char *aggregate, double expected)
{
    struct bed bed;
    const float origin[D] = {0, 0};
    bed_open(&bed, k, aggregate);
    CHECK_SAY(bed.st == ANDON_OK, "%s", bed.err.text);
    CHECK_NEAR(bed_score(&bed, origin, NULL), expected, 1e-12);
    bed_close(&bed);
}

TEST(the_score_is_the_mean_largest_or_median_distance)
{
    check_origin("3", "mean", 5.0);
    check_origin("5", "mean", 9.0);
    check_origin("3", "max", 10.0);
    check_origin("5", "max", 20.0);
    check_origin("3", "median", 5.0);
    check_origin("2", "median", 2.5);
    check_origin("1", "median", 0.0);
}

TEST(more_neighbours_than_rows_means_all_rows)
{
    check_origin("100", "max", 40.0);
    check_origin("100", "mean", 85.0 / 6.0);
}

static void check_share(const char *k, const char *aggregate, double first)
{
    struct bed bed;
    const float origin[D] = {0, 0};
    float share[D];
    bed_open(&bed, k, aggregate);
    CHECK(bed.st == ANDON_OK);
    bed_score(&bed, origin, share);
    CHECK_NEAR(share[0], first, 1e-6);
    CHECK_NEAR(share[0] + share[1], 1.0, 1e-6);
    bed_close(&bed);
}

/* A distance of 5 over (3, 4) is 9/5 of the first feature and 16/5 of the second. */
TEST(shares_are_the_parts_of_the_distances_that_the_features_make)
{
    check_share("2", "max", 9.0 / 25.0);
    check_share("2", "mean", 9.0 / 25.0);
    check_share("3", "mean", (9.0 / 5.0 + 36.0 / 10.0) / 15.0);
    check_share("5", "max", 1.0); /* the fifth lies along the first feature */
}

TEST(a_row_of_training_alone_has_no_shares)
{
    struct bed bed;
    const float origin[D] = {0, 0};
    float share[D] = {9, 9};
    bed_open(&bed, "1", "mean");
    CHECK(bed.st == ANDON_OK);
    CHECK(bed_score(&bed, origin, share) == 0.0);
    CHECK(share[0] == 0.0f && share[1] == 0.0f);
    bed_close(&bed);
}

TEST(a_row_without_a_number_scores_nan)
{
    struct bed bed;
    const float row[D] = {0, NAN};
    float share[D];
    bed_open(&bed, "3", "mean");
    CHECK(bed.st == ANDON_OK);
    CHECK(isnan(bed_score(&bed, row, share)));
    CHECK(isnan(share[0]) && isnan(share[1]));
    bed_close(&bed);
}

TEST(a_far_row_scores_high_and_not_infinite)
{
    struct bed bed;
    const float row[D] = {3e38f, -3e38f};
    float share[D];
    bed_open(&bed, "3", "mean");
    CHECK(bed.st == ANDON_OK);
    CHECK_NEAR(bed_score(&bed, row, share) / (3e38 * sqrt(2.0)), 1.0, 1e-6);
    CHECK_NEAR(share[0], 0.5, 1e-6);
    bed_close(&bed);
}

TEST(a_saved_model_scores_the_same_bits_and_a_cut_one_is_refused)
{
    struct bed bed;
    struct andon_writer w;
    struct andon_reader r;
    const float row[D] = {1.5f, -0.1f};
    bed_open(&bed, "3", "median");
    CHECK(bed.st == ANDON_OK);
    double before = bed_score(&bed, row, NULL);
    andon_writer_init(&w, &bed.scratch);
    andon_knn.save(bed.model, &w);
    for (size_t size = 0; size < w.size; size++) {
        andon_reader_init(&r, w.data, size);
        CHECK(andon_knn.load(&r, D, &bed.arena, &bed.model, &bed.err) == ANDON_EFORMAT);
    }
    andon_reader_init(&r, w.data, w.size);
    CHECK(andon_knn.load(&r, D, &bed.arena, &bed.model, &bed.err) == ANDON_OK);
    CHECK(bed_score(&bed, row, NULL) == before);
    bed_close(&bed);
}
