#include "test.h"

#include "andon/andon.h"
#include "detect/registry.h"

enum { ROWS = 2000, D = 2 };

/* Rows of a slow AR(1) with unit deviation, as machines give them. */
static void machine_rows(float *x, size_t n, double phi, uint64_t seed)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, seed);
    double level[D] = {0};
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < D; j++) {
            level[j] = phi * level[j] + sqrt(1.0 - phi * phi) * andon_rng_normal(&rng);
            x[i * D + (size_t)j] = (float)level[j];
        }
}

/* A bench that fits and scores; freed by bench_free. */
struct bench {
    struct andon_arena arena, scratch;
    _Alignas(64) unsigned char options[4096], memory[4096], work[4096];
    float x[ROWS * D];
    void *model;
    andon_error err;
};

static struct bench *bench_new(double phi)
{
    struct bench *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
    if (b == NULL) abort();
    memset(b, 0, sizeof *b);
    andon_arena_init(&b->arena, andon_allocator_libc(), 1 << 24);
    andon_arena_init(&b->scratch, andon_allocator_libc(), 1 << 24);
    andon_options_default(andon_limits.options, b->options);
    machine_rows(b->x, ROWS, phi, 1);
    return b;
}

static void bench_free(struct bench *b)
{
    andon_arena_free(&b->arena);
    andon_arena_free(&b->scratch);
    free(b);
}

static andon_status bench_set(struct bench *b, const char *name, const char *value)
{
    return andon_option_set(andon_limits.options, b->options, name, value, &b->err);
}

static const struct andon_feature engineering[D] = {
    {.name = "vibration", .centre = 4.0, .spread = 0.5, .is_value = true},
    {.name = "oil", .centre = 50.0, .spread = 10.0, .is_value = true, .compress = 4.0}};

static andon_status bench_fit(struct bench *b, const struct andon_feature *feature)
{
    struct andon_fit in = {.x = {b->x, ROWS, D}, .feature = feature, .options = b->options,
                           .scratch = &b->scratch};
    andon_status st = andon_limits.fit(&in, &b->arena, &b->model, &b->err);
    if (st == ANDON_OK) andon_limits.memory_init(b->model, b->memory);
    return st;
}

static double bench_score(struct bench *b, float x0, float x1, float *share)
{
    float row[D] = {x0, x1};
    double score;
    andon_limits.score(b->model, b->memory, (struct andon_rows){row, 1, D}, &score, share, b->work,
                       ANDON_KERNEL_PLAIN);
    return score;
}

static andon_status only_rule(struct bench *b, const char *rule)
{
    static const char *const rules[] = {"threshold", "rate", "ewma", "cusum", "sigma"};
    andon_status st = ANDON_OK;
    for (size_t i = 0; st == ANDON_OK && i < 5; i++)
        st = bench_set(b, rules[i], strcmp(rules[i], rule) == 0 ? "yes" : "no");
    return st;
}

TEST(a_known_limit_is_reached_exactly_at_its_engineering_value)
{
    struct bench *b = bench_new(0.0);
    CHECK(only_rule(b, "threshold") == ANDON_OK);
    CHECK(bench_set(b, "limits", "vibration=:7.1; oil=10:80") == ANDON_OK);
    CHECK_SAY(bench_fit(b, engineering) == ANDON_OK, "%s", b->err.text);
    CHECK_NEAR(bench_score(b, (float)((7.1 - 4.0) / 0.5), 0, NULL), 1.0, 1e-6);
    CHECK(bench_score(b, (float)((7.2 - 4.0) / 0.5), 0, NULL) > 1.0);
    CHECK(bench_score(b, (float)((7.0 - 4.0) / 0.5), 0, NULL) < 1.0);
    CHECK_SAY(bench_score(b, -1000, 0, NULL) < 1.0, "a side without a limit has none");
    CHECK_NEAR(bench_score(b, 0, 3.0f, NULL), 1.0, 1e-6);
    CHECK_NEAR(bench_score(b, 0, -4.0f, NULL), 1.0, 1e-6);
    bench_free(b);
}

TEST(a_limit_in_the_compressed_range_is_reached_at_the_compressed_value)
{
    struct bench *b = bench_new(0.0);
    CHECK(only_rule(b, "threshold") == ANDON_OK);
    CHECK(bench_set(b, "limits", "oil=:150") == ANDON_OK);
    CHECK_SAY(bench_fit(b, engineering) == ANDON_OK, "%s", b->err.text);
    CHECK_NEAR(bench_score(b, 0, (float)(4.0 * (1.0 + log(10.0 / 4.0))), NULL), 1.0, 1e-6);
    bench_free(b);
}

TEST(limits_of_an_unknown_or_unscaled_feature_and_nonsense_are_refused)
{
    static const char *const bad[] = {"heat=:1",       "oil",          "oil=5",       "oil=:",
                                      "oil=9:1",       "oil=a:b",      "oil=:inf",    "=:1",
                                      "oil=1:2:3",     "oil=:80;x=:1", "oil=nan:",    "=",
                                      "vibration = 3:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bench *b = bench_new(0.0);
        CHECK(bench_set(b, "limits", bad[i]) == ANDON_OK);
        CHECK_SAY(bench_fit(b, engineering) == ANDON_EINVAL, "\"%s\" was taken", bad[i]);
        CHECK(b->err.text[0] != 0);
        bench_free(b);
    }
    struct bench *b = bench_new(0.0);
    CHECK(bench_set(b, "limits", "oil=:80") == ANDON_OK);
    CHECK(bench_fit(b, NULL) == ANDON_EINVAL);
    struct andon_feature unscaled[D] = {engineering[0], engineering[1]};
    unscaled[1].spread = 0.0;
    CHECK(bench_fit(b, unscaled) == ANDON_EINVAL);
    CHECK(bench_set(b, "limits", "") == ANDON_OK && bench_set(b, "rates", "oil=-1") == ANDON_OK);
    CHECK(bench_fit(b, engineering) == ANDON_EINVAL);
    bench_free(b);
}

TEST(a_known_rate_is_reached_by_that_change_and_not_by_the_first_row)
{
    struct bench *b = bench_new(0.0);
    CHECK(only_rule(b, "rate") == ANDON_OK && bench_set(b, "rates", "oil=20") == ANDON_OK);
    CHECK_SAY(bench_fit(b, engineering) == ANDON_OK, "%s", b->err.text);
    CHECK(bench_score(b, 0, 9, NULL) == 0.0);
    CHECK_NEAR(bench_score(b, 0, 7, NULL), 1.0, 1e-9);
    CHECK_NEAR(bench_score(b, 0, 7, NULL), 0.0, 1e-9);
    CHECK_NEAR(bench_score(b, 0, 11, NULL), 2.0, 1e-9);
    bench_free(b);
}

TEST(charts_follow_the_textbook_on_independent_rows)
{
    struct bench *b = bench_new(0.0);
    CHECK(only_rule(b, "ewma") == ANDON_OK && bench_set(b, "quantile", "0.5") == ANDON_OK);
    CHECK_SAY(bench_fit(b, NULL) == ANDON_OK, "%s", b->err.text);
    /* Centre near 0 and deviation near 1: one row of 5 weighs 0.2 * 5, the limit is 3 / 3. */
    CHECK_NEAR(bench_score(b, 5, 0, NULL), 1.0, 0.1);
    CHECK_NEAR(bench_score(b, 5, 0, NULL), 1.8, 0.15);
    CHECK(only_rule(b, "cusum") == ANDON_OK);
    CHECK_SAY(bench_fit(b, NULL) == ANDON_OK, "%s", b->err.text);
    for (int i = 1; i <= 5; i++) CHECK_NEAR(bench_score(b, -1.5f, 0, NULL), 0.2 * i, 0.1 * i);
    bench_free(b);
}

/* How many of n fresh rows, shifted along the first feature, ring. */
static int rings(struct bench *b, double phi, size_t n, float shift)
{
    int rung = 0;
    machine_rows(b->x, n, phi, 2);
    for (size_t i = 0; i < n; i++)
        rung += bench_score(b, b->x[2 * i] + shift, b->x[2 * i + 1], NULL) > 1.0;
    return rung;
}

TEST(charts_of_autocorrelated_rows_stay_quiet_where_textbook_limits_ring)
{
    struct bench *b = bench_new(0.95);
    CHECK_SAY(bench_fit(b, NULL) == ANDON_OK, "%s", b->err.text);
    int learned = rings(b, 0.95, ROWS, 0);
    bench_free(b);
    b = bench_new(0.95);
    CHECK(bench_set(b, "quantile", "0.5") == ANDON_OK && bench_set(b, "threshold", "no") == ANDON_OK);
    CHECK_SAY(bench_fit(b, NULL) == ANDON_OK, "%s", b->err.text);
    int textbook = rings(b, 0.95, ROWS, 0);
    bench_free(b);
    CHECK_SAY(learned < ROWS / 20 && textbook > ROWS / 4, "%d and %d of %d rows ring", learned,
              textbook, ROWS);
}

TEST(a_small_lasting_shift_is_found_by_cusum_and_not_by_thresholds)
{
    struct bench *b = bench_new(0.3);
    CHECK(only_rule(b, "cusum") == ANDON_OK && bench_fit(b, NULL) == ANDON_OK);
    int cusum = rings(b, 0.3, 100, 1.2f);
    CHECK(only_rule(b, "threshold") == ANDON_OK && bench_fit(b, NULL) == ANDON_OK);
    int threshold = rings(b, 0.3, 100, 1.2f);
    bench_free(b);
    CHECK_SAY(cusum > 50 && threshold < 10, "%d and %d of 100 rows ring", cusum, threshold);
}

TEST(one_wild_row_does_not_ring_on_for_long)
{
    struct bench *b = bench_new(0.0);
    CHECK_SAY(bench_fit(b, NULL) == ANDON_OK, "%s", b->err.text);
    CHECK(bench_score(b, 1e30f, 0, NULL) > 1e28);
    CHECK(bench_score(b, 0, 0, NULL) > 1.0);
    for (int i = 0; i < 40; i++) bench_score(b, 0, 0, NULL);
    CHECK(bench_score(b, 0, 0, NULL) < 1.0);
    bench_free(b);
}

TEST(shares_name_the_feature_beyond_its_limit)
{
    struct bench *b = bench_new(0.0);
    float share[D];
    CHECK_SAY(bench_fit(b, NULL) == ANDON_OK, "%s", b->err.text);
    CHECK(bench_score(b, 0.1f, -20, share) > 1.0);
    CHECK(share[1] > 0.99f);
    CHECK_NEAR(share[0] + share[1], 1, 1e-6);
    CHECK(isnan(bench_score(b, NAN, -20, share)) && isnan(share[0]) && isnan(share[1]));
    bench_free(b);
}

TEST(with_every_rule_off_the_fit_is_refused)
{
    struct bench *b = bench_new(0.0);
    CHECK(only_rule(b, "none") == ANDON_OK);
    CHECK(bench_fit(b, NULL) == ANDON_EINVAL);
    bench_free(b);
}
