#include "feature/recipe.h"

#include <float.h>

#include "andon/rng.h"
#include "test.h"

enum { CHANNELS = 4, ROWS = 120 };

static const char *const channel[CHANNELS] = {"flow [m3/h]", "T-in", "T-out", "a b*c"};
static const char *const regime[2] = {"idle", "load"};

struct plant {
    double value[ROWS][CHANNELS];
    int64_t ts_ns[ROWS];
    int32_t regime[ROWS];
};

static void plant_fill(struct plant *p)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 11);
    for (size_t i = 0; i < ROWS; i++) {
        p->ts_ns[i] = (int64_t)i * 1000000000;
        p->regime[i] = i < 50;
        for (int c = 0; c < CHANNELS; c++) p->value[i][c] = 20.0 + c + andon_rng_normal(&rng);
    }
}

static struct andon_series series_of(const struct plant *p)
{
    return (struct andon_series){ROWS, CHANNELS, p->value[0], p->ts_ns, NULL, p->regime};
}

static const struct andon_schema schema = {CHANNELS, channel, 2, regime};

static struct andon_recipe_options options_of(const char *const setting[][2])
{
    struct andon_recipe_options options;
    andon_options_default(andon_recipe_table, &options);
    for (size_t i = 0; setting[i][0] != NULL; i++)
        if (andon_option_set(andon_recipe_table, &options, setting[i][0], setting[i][1], NULL) !=
            ANDON_OK)
            abort();
    return options;
}

static const char *const every_kind[][2] = {{"derive", "dt=T-in-T-out;x=a b*c*flow [m3/h]"},
                                            {"asof", "adj=T-in-T-out"},
                                            {"peak", "a b*c=half_wave"},
                                            {"hide", "flow [m3/h]"},
                                            {"features", "value,mean,sd,diff,trend"},
                                            {"window", "3,17"},
                                            {"after", "r=T-in/T-out;p=a b*c*dt"},
                                            {NULL, NULL}};

/* Allocation number fail_at fails (0: none). */
struct meter {
    size_t out, calls, fail_at, used;
};

static void *meter_alloc(void *context, size_t bytes)
{
    struct meter *m = context;
    if (++m->calls == m->fail_at) return NULL;
    m->out++;
    m->used += bytes;
    return malloc(bytes);
}

static void meter_release(void *context, void *chunk, size_t bytes)
{
    struct meter *m = context;
    (void)bytes;
    m->out--;
    free(chunk);
}

/* Fits, saves and loads again, the model's and the working memory from the same meter. */
static andon_status round_trip(struct meter *m, size_t limit)
{
    struct andon_arena arena, scratch;
    struct andon_allocator from = {meter_alloc, meter_release, m};
    struct plant plant;
    struct andon_recipe *recipe = NULL, *again = NULL;
    struct andon_recipe_options options = options_of(every_kind);
    struct andon_writer out;
    struct andon_reader in;
    andon_error err = {{0}};
    plant_fill(&plant);
    struct andon_series series = series_of(&plant);
    andon_arena_init(&arena, from, limit);
    andon_arena_init(&scratch, from, limit);
    andon_status st = andon_recipe_fit(&schema, &series, &options, &scratch, &arena, &recipe, &err);
    if (st == ANDON_OK) {
        andon_writer_init(&out, &arena);
        andon_recipe_save(recipe, &out);
        if (out.full) st = ANDON_ENOMEM;
    }
    if (st == ANDON_OK) {
        andon_reader_init(&in, out.data, out.size);
        st = andon_recipe_load(&in, &arena, &again, &err);
    }
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
    return st;
}

TEST(every_allocation_that_fails_is_told_and_leaks_nothing)
{
    struct meter all = {0};
    CHECK(round_trip(&all, (size_t)64 << 20) == ANDON_OK && all.calls >= 2 && all.out == 0);
    for (size_t at = 1; at <= all.calls; at++) {
        struct meter m = {.fail_at = at};
        CHECK_SAY(round_trip(&m, (size_t)64 << 20) == ANDON_ENOMEM, "allocation %zu", at);
        CHECK_SAY(m.out == 0, "allocation %zu leaks", at);
    }
}

TEST(every_limit_of_an_arena_is_told)
{
    size_t refused = 0, limit = 0;
    for (; limit < (size_t)1 << 20; limit += 331) {
        struct meter m = {0};
        andon_status st = round_trip(&m, limit);
        CHECK_SAY(st == ANDON_ENOMEM || st == ANDON_OK, "%zu bytes: %s", limit,
                  andon_status_name(st));
        CHECK(m.out == 0);
        if (st == ANDON_OK) break;
        refused++;
    }
    CHECK(refused > 20 && limit < (size_t)1 << 20);
}

/* The largest doubles, the smallest, and NaN and Inf, which are missing values. */
static void extremes(struct plant *p)
{
    static const double far[] = {DBL_MAX, -DBL_MAX, DBL_MIN, 5e-324, 0.0,  -0.0,
                                 1e300,   -1e155,   1e155,   NAN,    INFINITY, -INFINITY};
    struct andon_rng rng;
    andon_rng_seed(&rng, 12);
    for (size_t i = 0; i < ROWS; i++)
        for (int c = 0; c < CHANNELS; c++) p->value[i][c] = far[andon_rng_below(&rng, 12)];
}

TEST(whatever_a_sensor_says_the_features_are_finite)
{
    static const char *const scales[] = {"deviation", "robust", "standard", "minmax", "none"};
    for (size_t k = 0; k < 20; k++) {
        struct plant plant;
        const char *const setting[][2] = {{"scale", scales[k % 5]},
                                          {"compress", k / 5 % 2 == 0 ? "8" : "0"},
                                          {"floor", k / 10 == 0 ? "0.01" : "0"},
                                          {"derive", "dt=T-in-T-out;x=a b*c*flow [m3/h];q=T-in/T-out"},
                                          {"features", "value,mean,sd,diff,trend"},
                                          {"after", "r=T-in/T-out;p=a b*c*dt;s=T-in+T-out"},
                                          {NULL, NULL}};
        struct andon_recipe_options options = options_of(setting);
        struct andon_arena arena;
        struct andon_recipe *recipe = NULL;
        andon_error err;
        plant_fill(&plant);
        struct andon_series series = series_of(&plant);
        andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
        CHECK(andon_recipe_fit(&schema, &series, &options, &arena, &arena, &recipe, &err) == ANDON_OK);
        uint32_t d = andon_recipe_features(recipe);
        float *x = andon_arena_array(&arena, (size_t)ROWS * d, sizeof *x);
        void *memory = andon_arena_take(&arena, andon_recipe_memory_bytes(recipe));
        CHECK(x != NULL && memory != NULL);
        extremes(&plant);
        andon_recipe_memory_init(recipe, memory);
        andon_recipe_apply(recipe, memory, &series, x, NULL);
        for (size_t i = 0; i < (size_t)ROWS * d; i++)
            CHECK_SAY(isfinite(x[i]), "scale=%s compress=%s floor=%s: row %zu, %s is %g",
                      setting[0][1], setting[1][1], setting[2][1], i / d,
                      andon_recipe_feature(recipe)[i % d].name, (double)x[i]);
        andon_arena_free(&arena);
    }
}

/* A recipe may be fitted on anything that is a number, and is then loaded from its own bytes. */
TEST(a_recipe_fitted_on_extremes_is_refused_or_loads_again)
{
    static const char *const scales[] = {"deviation", "robust", "standard", "minmax", "none"};
    for (size_t k = 0; k < 5; k++) {
        struct plant plant;
        const char *const setting[][2] = {{"scale", scales[k]}, {NULL, NULL}};
        struct andon_recipe_options options = options_of(setting);
        struct andon_arena arena;
        struct andon_recipe *recipe = NULL;
        andon_error err = {{0}};
        plant_fill(&plant);
        extremes(&plant);
        struct andon_series series = series_of(&plant);
        andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
        andon_status st =
            andon_recipe_fit(&schema, &series, &options, &arena, &arena, &recipe, &err);
        CHECK_SAY(st == ANDON_OK || (st == ANDON_EDATA && err.text[0] != 0), "scale=%s: %s",
                  scales[k], andon_status_name(st));
        if (st == ANDON_OK) {
            struct andon_writer out;
            struct andon_reader in;
            andon_writer_init(&out, &arena);
            andon_recipe_save(recipe, &out);
            andon_reader_init(&in, out.data, out.size);
            st = andon_recipe_load(&in, &arena, &recipe, &err);
            CHECK_SAY(st == ANDON_OK, "scale=%s: %s", scales[k], err.text);
        }
        andon_arena_free(&arena);
    }
}
