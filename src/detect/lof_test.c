#include "andon/andon.h"
#include "andon/rng.h"
#include "detect/registry.h"
#include "golden/lof.h"
#include "test.h"

/* A fitted lof and what it scores with. */
struct bed {
    struct andon_arena arena, scratch;
    void *model, *room;
    andon_status st;
    andon_error err;
};

static void bed_open(struct bed *bed, const float *x, size_t n, uint32_t d, const char *k)
{
    int64_t options[8];
    memset(bed, 0, sizeof *bed);
    andon_arena_init(&bed->arena, andon_allocator_libc(), SIZE_MAX);
    andon_arena_init(&bed->scratch, andon_allocator_libc(), SIZE_MAX);
    andon_options_default(andon_lof.options, options);
    bed->st = andon_option_set(andon_lof.options, options, "k", k, &bed->err);
    struct andon_fit in = {.x = {x, n, d},
                           .options = options,
                           .seed = 3,
                           .kernel = andon_kernel_best(),
                           .scratch = &bed->scratch};
    if (bed->st == ANDON_OK) bed->st = andon_lof.fit(&in, &bed->arena, &bed->model, &bed->err);
    if (bed->st == ANDON_OK)
        bed->room = andon_arena_take(&bed->scratch, andon_lof.scratch_bytes(bed->model, n));
}

static void bed_close(struct bed *bed)
{
    andon_arena_free(&bed->arena);
    andon_arena_free(&bed->scratch);
}

static void bed_score(struct bed *bed, const float *x, size_t n, uint32_t d, double *score,
                      float *share)
{
    andon_lof.score(bed->model, NULL, (struct andon_rows){x, n, d}, score, share, bed->room,
                    andon_kernel_best());
}

static void check_golden(const float *train, size_t n, const float *rows, size_t count, uint32_t d,
                         const char *k, const double *expected)
{
    struct bed bed;
    double score[32];
    bed_open(&bed, train, n, d, k);
    CHECK_SAY(bed.st == ANDON_OK, "%s", bed.err.text);
    bed_score(&bed, rows, count, d, score, NULL);
    for (size_t i = 0; i < count; i++)
        CHECK_NEAR(score[i] / expected[i], 1.0,
                   1e-10); /* both in double; the sums differ in order */
    bed_close(&bed);
}

TEST(scores_equal_those_of_scikit_learn)
{
    check_golden(golden_plain_train, 100, golden_plain_rows, 20, 3, "1", golden_plain_k1);
    check_golden(golden_plain_train, 100, golden_plain_rows, 20, 3, "5", golden_plain_k5);
    check_golden(golden_plain_train, 100, golden_plain_rows, 20, 3, "20", golden_plain_k20);
    check_golden(golden_plain_train, 100, golden_plain_rows, 20, 3, "99", golden_plain_k99);
}

TEST(more_neighbours_than_rows_means_all_the_other_rows)
{
    check_golden(golden_plain_train, 100, golden_plain_rows, 20, 3, "500", golden_plain_k99);
}

TEST(scores_equal_those_of_scikit_learn_where_rows_coincide)
{
    check_golden(golden_triples_train, 60, golden_triples_rows, 12, 2, "5", golden_triples_k5);
}

TEST(rows_that_all_coincide_give_finite_scores_that_grow_with_distance)
{
    enum { N = 300, D = 4 };
    float train[N * D], rows[5 * D], share[5 * D];
    double score[5];
    struct bed bed;
    for (int i = 0; i < N * D; i++) train[i] = 0.25f;
    for (int i = 0; i < 5 * D; i++) rows[i] = 0.25f;
    rows[1 * D] = 0.2500001f;
    rows[2 * D] = 0.5f;
    rows[3 * D] = 1e10f;
    rows[4 * D] = 3e38f;
    bed_open(&bed, train, N, D, "20");
    CHECK(bed.st == ANDON_OK);
    bed_score(&bed, rows, 5, D, score, share);
    CHECK_NEAR(score[0], 1.0, 1e-12);
    for (int j = 0; j < D; j++) CHECK(share[j] == 0.0f);
    for (int i = 1; i < 5; i++) {
        CHECK(isfinite(score[i]) && score[i] > score[i - 1]);
        CHECK_NEAR(share[i * D], 1.0, 1e-6);
    }
    bed_close(&bed);
}

TEST(shares_are_the_parts_of_the_score_that_the_features_make)
{
    enum { D = 3, K = 5 };
    struct bed bed;
    float share[20 * D];
    double score[20];
    bed_open(&bed, golden_plain_train, 100, D, "5");
    CHECK(bed.st == ANDON_OK);
    bed_score(&bed, golden_plain_rows, 20, D, score, share);
    for (int i = 0; i < 20; i++) {
        double sum = 0.0;
        for (int j = 0; j < D; j++) {
            CHECK(share[i * D + j] >= 0.0f);
            sum += (double)share[i * D + j];
        }
        CHECK_NEAR(sum, 1.0, 1e-6);
    }
    /* Far away every neighbour's reach is its distance and every |x - o| nearly the same, so the
     * shares are those of the squared offset from where the rows are. */
    float far[D] = {1000.0f, -2000.0f, 2000.0f};
    bed_score(&bed, far, 1, D, score, share);
    CHECK_NEAR(share[0], 1.0 / 9.0, 0.01);
    CHECK_NEAR(share[1], 4.0 / 9.0, 0.01);
    CHECK_NEAR(share[2], 4.0 / 9.0, 0.01);
    bed_close(&bed);
}

/* The identity of docs/detectors/lof.md on two training rows a, b with k = 1: LOF(x) =
 * lrd(a) (max(|a - b|, |x - a|) + 1e-10), split as (x - a)^2 is. */
TEST(shares_times_the_score_add_up_to_the_reachability_of_each_feature)
{
    const float train[] = {0.0f, 0.0f, 30.0f, 40.0f}, x[] = {-3.0f, 4.0f};
    struct bed bed;
    float share[2];
    double score;
    bed_open(&bed, train, 2, 2, "1");
    CHECK(bed.st == ANDON_OK);
    bed_score(&bed, x, 1, 2, &score, share);
    CHECK_NEAR(score, 1.0, 1e-9); /* |x - a| = 5 < |a - b| = 50: as dense as its neighbour */
    CHECK_NEAR(share[0], 9.0 / 25.0, 1e-6);
    CHECK_NEAR(share[1], 16.0 / 25.0, 1e-6);
    bed_close(&bed);
}

TEST(a_row_without_a_number_scores_nan_and_the_others_as_ever)
{
    float rows[3 * 3] = {0.5f, 0.5f, 0.5f, 0.5f, NAN, 0.5f, INFINITY, 0.5f, 0.5f}, share[9];
    struct bed bed;
    double score[3];
    bed_open(&bed, golden_plain_train, 100, 3, "20");
    CHECK(bed.st == ANDON_OK);
    bed_score(&bed, rows, 3, 3, score, share);
    CHECK(isfinite(score[0]) && isnan(score[1]) && isnan(score[2]));
    CHECK(isfinite(share[2]) && isnan(share[3]) && isnan(share[5]) && isnan(share[6]));
    bed_close(&bed);
}

TEST(every_kernel_gives_the_same_bits)
{
    struct bed bed;
    double score[20], other[20];
    bed_open(&bed, golden_plain_train, 100, 3, "20");
    CHECK(bed.st == ANDON_OK);
    bed_score(&bed, golden_plain_rows, 20, 3, score, NULL);
    for (int kernel = 0; kernel < ANDON_KERNELS; kernel++) {
        if (!andon_kernel_usable((enum andon_kernel)kernel)) continue;
        andon_lof.score(bed.model, NULL, (struct andon_rows){golden_plain_rows, 20, 3}, other, NULL,
                        bed.room, (enum andon_kernel)kernel);
        CHECK(memcmp(score, other, sizeof score) == 0);
    }
    bed_close(&bed);
}

TEST(a_single_training_row_is_refused)
{
    struct bed bed;
    bed_open(&bed, golden_plain_train, 1, 3, "20");
    CHECK(bed.st == ANDON_EDATA);
    bed_close(&bed);
}

TEST(a_cut_or_flipped_model_is_refused_or_scores_numbers)
{
    struct bed bed;
    bed_open(&bed, golden_plain_train, 40, 3, "5");
    CHECK(bed.st == ANDON_OK);
    struct andon_writer w;
    andon_writer_init(&w, &bed.scratch);
    andon_lof.save(bed.model, &w);
    CHECK(!w.full);
    for (size_t i = 0; i < w.size * 8; i++) {
        struct andon_arena arena;
        struct andon_reader r;
        void *model = NULL;
        double score[20];
        andon_arena_init(&arena, andon_allocator_libc(), 1 << 22);
        andon_reader_init(&r, w.data, i / 8);
        CHECK(andon_lof.load(&r, 3, &arena, &model, &bed.err) != ANDON_OK);
        w.data[i / 8] ^= (uint8_t)(1u << i % 8);
        andon_reader_init(&r, w.data, w.size);
        if (andon_lof.load(&r, 3, &arena, &model, &bed.err) == ANDON_OK) {
            void *room = andon_arena_take(&arena, andon_lof.scratch_bytes(model, 20));
            CHECK(room != NULL);
            andon_lof.score(model, NULL, (struct andon_rows){golden_plain_rows, 20, 3}, score, NULL,
                            room, ANDON_KERNEL_PLAIN);
            for (int j = 0; j < 20; j++) CHECK(isfinite(score[j]));
        }
        w.data[i / 8] ^= (uint8_t)(1u << i % 8);
        andon_arena_free(&arena);
    }
    bed_close(&bed);
}

static bool stop_at_once(void *context, double part)
{
    (void)context;
    (void)part;
    return true;
}

TEST(a_fit_stops_when_asked)
{
    struct andon_arena arena;
    int64_t options[8];
    void *model = NULL;
    andon_error err = {""};
    andon_arena_init(&arena, andon_allocator_libc(), SIZE_MAX);
    andon_options_default(andon_lof.options, options);
    struct andon_fit in = {.x = {golden_plain_train, 100, 3},
                           .options = options,
                           .progress = {.tell = stop_at_once},
                           .scratch = &arena};
    CHECK(andon_lof.fit(&in, &arena, &model, &err) == ANDON_ESTOP);
    CHECK(model == NULL);
    andon_arena_free(&arena);
}
