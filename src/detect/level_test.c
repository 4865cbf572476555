#include "test.h"

#include "andon/andon.h"
#include "detect/kernel/history.h"
#include "detect/registry.h"

enum { TRAIN = 1200, DAY = 96 };

/* A fitted model of one channel, and its memory. */
struct bench {
    struct andon_arena arena, scratch;
    _Alignas(64) unsigned char options[1024];
    _Alignas(64) double work[8];
    float x[TRAIN];
    void *model, *memory;
    andon_error err;
};

/* A daily rhythm with a little noise. */
static float rhythm(size_t i, struct andon_rng *rng)
{
    return (float)(sin(6.283185307179586 * (double)i / DAY) + 0.05 * andon_rng_normal(rng));
}

static struct bench *bench_new(void)
{
    struct bench *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
    struct andon_rng rng;
    if (b == NULL) abort();
    memset(b, 0, sizeof *b);
    andon_arena_init(&b->arena, andon_allocator_libc(), 1 << 24);
    andon_arena_init(&b->scratch, andon_allocator_libc(), 1 << 24);
    andon_options_default(andon_level.options, b->options);
    andon_rng_seed(&rng, 1);
    for (size_t i = 0; i < TRAIN; i++) b->x[i] = rhythm(i, &rng);
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
    return andon_option_set(andon_level.options, b->options, name, value, &b->err);
}

static andon_status bench_fit(struct bench *b, size_t n)
{
    struct andon_fit in = {.x = {b->x, n, 1}, .options = b->options, .scratch = &b->scratch};
    andon_status st = andon_level.fit(&in, &b->arena, &b->model, &b->err);
    if (st != ANDON_OK) return st;
    b->memory = andon_arena_take(&b->arena, andon_level.memory_bytes(b->model));
    if (b->memory == NULL) return ANDON_ENOMEM;
    andon_level.memory_init(b->model, b->memory);
    return ANDON_OK;
}

static double bench_score(struct bench *b, float x)
{
    double score;
    andon_level.score(b->model, b->memory, (struct andon_rows){&x, 1, 1}, &score, NULL, b->work,
                      ANDON_KERNEL_PLAIN);
    return score;
}

/* The highest score over rows from..to-1 of the rhythm; flat: the rhythm stands still. */
static double highest(struct bench *b, size_t from, size_t to, bool flat, struct andon_rng *rng)
{
    double most = 0.0;
    for (size_t i = from; i < to; i++) {
        float x = rhythm(i, rng);
        most = fmax(most, bench_score(b, flat ? 0.05f * x : x));
    }
    return most;
}

TEST(a_rhythm_that_stands_still_is_found_though_no_value_is_new)
{
    struct bench *b = bench_new();
    struct andon_rng rng;
    andon_rng_seed(&rng, 2);
    CHECK_SAY(bench_fit(b, TRAIN) == ANDON_OK, "%s", b->err.text);
    double normal = highest(b, TRAIN, TRAIN + 10 * DAY, false, &rng);
    double still = highest(b, TRAIN + 10 * DAY, TRAIN + 11 * DAY, true, &rng);
    CHECK_SAY(still > 3.0 * normal, "normal up to %g, standing still %g", normal, still);
    bench_free(b);
}

TEST(a_new_extreme_is_worth_the_rows_that_it_exceeds)
{
    struct bench *b = bench_new();
    struct andon_rng rng;
    andon_rng_seed(&rng, 4);
    for (size_t i = 0; i < TRAIN; i++) b->x[i] = (float)andon_rng_real(&rng);
    CHECK_SAY(bench_fit(b, TRAIN) == ANDON_OK, "%s", b->err.text);
    double score = bench_score(b, 1.001f);
    CHECK_SAY(score > log10(TRAIN) && score < log10(TRAIN) + 0.1, "just beyond: %g", score);
    CHECK(bench_score(b, 2.0f) > score + 4.0);
    bench_free(b);
}

TEST(a_lasting_shift_is_told_while_it_grows_and_not_again)
{
    struct bench *b = bench_new();
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    CHECK_SAY(bench_fit(b, TRAIN) == ANDON_OK, "%s", b->err.text);
    double most = bench_score(b, 3.0f);
    CHECK(most > 5.0);
    /* It grows until the whole subsequence is shifted. */
    for (int i = 1; i < 25; i++) most = fmax(most, bench_score(b, 3.0f));
    for (int i = 0; i < 50; i++) {
        double echo = bench_score(b, 3.0f);
        CHECK_SAY(echo < 0.01 * most, "told again with %g after %g", echo, most);
    }
    CHECK(bench_score(b, 3000.0f) > most);
    bench_free(b);
}

TEST(with_quiet_0_everything_is_told)
{
    struct bench *b = bench_new();
    CHECK(bench_set(b, "quiet", "0") == ANDON_OK);
    CHECK_SAY(bench_fit(b, TRAIN) == ANDON_OK, "%s", b->err.text);
    double first = bench_score(b, 3.0f);
    CHECK(bench_score(b, 3.0f) > 0.3 * first);
    bench_free(b);
}

TEST(scores_keep_resolution_far_out_in_the_tail)
{
    struct bench *b = bench_new();
    double before = 0.0;
    CHECK_SAY(bench_fit(b, TRAIN) == ANDON_OK, "%s", b->err.text);
    for (float x = 1.5f; x < 1e6f; x *= 1.01f) {
        andon_level.memory_init(b->model, b->memory);
        double score = bench_score(b, x);
        CHECK_SAY(score > before, "%g scores %.17g, nearer %.17g", (double)x, score, before);
        before = score;
    }
    bench_free(b);
}

TEST(few_training_rows_are_enough_to_begin_with)
{
    struct bench *b = bench_new();
    CHECK(bench_fit(b, 1) == ANDON_EDATA);
    CHECK_SAY(bench_fit(b, 50) == ANDON_OK, "%s", b->err.text);
    for (size_t i = 50; i < 700; i++) bench_score(b, b->x[i]);
    CHECK(bench_score(b, 4.0f) > 3.0);
    bench_free(b);
}

TEST(memory_is_bounded_by_the_option)
{
    struct bench *b = bench_new();
    CHECK(bench_set(b, "memory", "600") == ANDON_OK);
    CHECK_SAY(bench_fit(b, TRAIN) == ANDON_OK, "%s", b->err.text);
    CHECK(andon_level.memory_bytes(b->model) < 4 * 600 + 2500);
    /* After more rows than it remembers, what came before them does not matter. */
    for (int i = 0; i < 2000; i++) bench_score(b, (float)(i % 2));
    CHECK(bench_score(b, 1.5f) > 2.0);
    bench_free(b);
}

/* The plain definition: every run that does not overlap the last one. */
static double nearest_by_definition(const float *v, size_t n, size_t length)
{
    double best = HUGE_VAL;
    for (size_t s = 0; s + 2 * length <= n; s++) {
        double sum = 0.0;
        for (size_t q = 0; q < length; q++) {
            double e = (double)v[n - length + q] - (double)v[s + q];
            sum += e * e;
        }
        best = sum < best ? sum : best;
    }
    return best;
}

TEST(the_nearest_subsequence_is_the_one_of_the_definition_at_every_length)
{
    struct andon_rng rng;
    float v[200];
    andon_rng_seed(&rng, 5);
    for (size_t i = 0; i < 200; i++) v[i] = (float)andon_rng_normal(&rng);
    for (size_t length = 2; length <= 23; length++)
        for (size_t n = 2 * length; n <= 200; n++) {
            double found = history_nearest_plain(v, n, length);
            double expected = nearest_by_definition(v, n, length);
            CHECK_SAY(memcmp(&found, &expected, sizeof found) == 0, "n %zu, length %zu: %g, not %g",
                      n, length, found, expected);
        }
}

TEST(moments_and_range_are_those_of_the_definition)
{
    struct andon_rng rng;
    float v[100];
    andon_rng_seed(&rng, 6);
    for (size_t i = 0; i < 100; i++) v[i] = (float)(5.0 + andon_rng_normal(&rng));
    for (size_t n = 1; n <= 100; n++) {
        double mean = 0.0, variance = 0.0;
        float low = v[0], high = v[0];
        for (size_t i = 0; i < n; i++) {
            mean += (double)v[i] / (double)n;
            low = fminf(low, v[i]);
            high = fmaxf(high, v[i]);
        }
        for (size_t i = 0; i < n; i++) variance += pow((double)v[i] - mean, 2) / (double)n;
        struct history_moments m = history_moments_plain(v, n);
        CHECK_NEAR(m.mean, mean, 1e-12);
        CHECK_NEAR(m.variance, variance, 1e-12);
        struct history_range range = history_range_plain(v, n);
        CHECK(range.low == low && range.high == high);
    }
}
