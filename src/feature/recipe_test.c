#include "feature/recipe.h"

#include "andon/rng.h"
#include "golden/features.h"
#include "test.h"

static const char *const pump[FEATURES_CHANNELS] = {"temperature", "vibration", "pressure",
                                                    "flow_rate", "current", "duty_cycle"};
static const char *const states[2] = {"normal", "high_load"};

/* A recipe at work. */
struct bed {
    struct andon_arena arena, scratch;
    struct andon_recipe_options options;
    struct andon_recipe *recipe;
    void *memory;
    andon_error err;
};

/* settings: "name=value" separated by '|'. */
static bool bed_set(struct bed *bed, const char *settings)
{
    char text[1024], *rest = text;
    snprintf(text, sizeof text, "%s", settings);
    andon_options_default(andon_recipe_table, &bed->options);
    for (char *one = strsep(&rest, "|"); one != NULL && *one != 0; one = strsep(&rest, "|")) {
        char *equals = strchr(one, '=');
        *equals = 0;
        if (andon_option_set(andon_recipe_table, &bed->options, one, equals + 1, &bed->err) != ANDON_OK)
            return false;
    }
    return true;
}

static andon_status bed_fit(struct bed *bed, const struct andon_schema *schema,
                            const struct andon_series *train, const char *settings)
{
    memset(bed, 0, sizeof *bed);
    andon_arena_init(&bed->arena, andon_allocator_libc(), (size_t)256 << 20);
    andon_arena_init(&bed->scratch, andon_allocator_libc(), (size_t)256 << 20);
    if (!bed_set(bed, settings)) return ANDON_EINVAL;
    andon_status st = andon_recipe_fit(schema, train, &bed->options, &bed->scratch, &bed->arena,
                                       &bed->recipe, &bed->err);
    if (st == ANDON_OK) {
        bed->memory = andon_arena_take(&bed->arena, andon_recipe_memory_bytes(bed->recipe));
        andon_recipe_memory_init(bed->recipe, bed->memory);
    }
    return st;
}

static void bed_free(struct bed *bed)
{
    andon_arena_free(&bed->arena);
    andon_arena_free(&bed->scratch);
}

static struct andon_schema pump_schema(void)
{
    return (struct andon_schema){FEATURES_CHANNELS, pump, 2, states};
}

static struct andon_series pump_series(void)
{
    return (struct andon_series){.n = FEATURES_N, .channels = FEATURES_CHANNELS,
                                 .value = features_sample, .regime = features_state};
}

static const char published[] = "scale=robust|compress=0|features=value,mean,sd,diff|window=5|after="
                                "temp_vibration=temperature/vibration;"
                                "pressure_flow=pressure/flow_rate;power=current*duty_cycle";

TEST(the_27_features_equal_the_reference_within_1e_6)
{
    struct bed bed;
    struct andon_schema schema = pump_schema();
    struct andon_series series = pump_series();
    static float x[FEATURES_N * FEATURES_D];
    CHECK(bed_fit(&bed, &schema, &series, published) == ANDON_OK);
    CHECK(andon_recipe_features(bed.recipe) == FEATURES_D);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    for (size_t i = 0; i < FEATURES_N / FEATURES_EVERY; i++)
        for (size_t j = 0; j < FEATURES_D; j++) {
            double expected = features_expected[i * FEATURES_D + j];
            double found = (double)x[i * FEATURES_EVERY * FEATURES_D + j];
            double scale = fmax(1.0, fabs(expected));
            CHECK_SAY(fabs(found - expected) <= 1e-6 * scale, "sample %zu, %s: %.9g, expected %.9g",
                      i * FEATURES_EVERY, andon_recipe_feature(bed.recipe)[j].name, found, expected);
        }
    bed_free(&bed);
}

TEST(features_are_named_after_their_channels)
{
    struct bed bed;
    struct andon_schema schema = pump_schema();
    struct andon_series series = pump_series();
    CHECK(bed_fit(&bed, &schema, &series, published) == ANDON_OK);
    const struct andon_feature *f = andon_recipe_feature(bed.recipe);
    CHECK(strcmp(f[0].name, "temperature") == 0 && f[0].is_value && f[0].channel[0] == 0);
    CHECK(strcmp(f[7].name, "vibration.mean5") == 0 && !f[7].is_value && f[7].channel[0] == 1);
    CHECK(strcmp(f[12].name, "temperature.sd5") == 0);
    CHECK(strcmp(f[23].name, "duty_cycle.diff") == 0);
    CHECK(strcmp(f[26].name, "power") == 0 && f[26].channel[0] == 4 && f[26].channel[1] == 5);
    CHECK(andon_recipe_channels(bed.recipe) == 6 && andon_recipe_regimes(bed.recipe) == 2);
    CHECK(strcmp(andon_recipe_channel(bed.recipe, 3), "flow_rate") == 0);
    CHECK(strcmp(andon_recipe_regime(bed.recipe, 1), "high_load") == 0);
    bed_free(&bed);
}

TEST(a_row_is_the_same_alone_and_in_any_batch_and_depends_on_earlier_rows_alone)
{
    struct bed bed;
    struct andon_schema schema = pump_schema();
    struct andon_series series = pump_series();
    static float whole[FEATURES_N * FEATURES_D], parts[FEATURES_N * FEATURES_D];
    CHECK(bed_fit(&bed, &schema, &series, published) == ANDON_OK);
    andon_recipe_apply(bed.recipe, bed.memory, &series, whole, NULL);
    for (size_t batch = 1; batch < 30; batch += 4) {
        andon_recipe_memory_init(bed.recipe, bed.memory);
        for (size_t at = 0; at < FEATURES_N; at += batch) {
            struct andon_series part = series;
            part.n = FEATURES_N - at < batch ? FEATURES_N - at : batch;
            part.value += at * FEATURES_CHANNELS;
            part.regime += at;
            andon_recipe_apply(bed.recipe, bed.memory, &part, parts + at * FEATURES_D, NULL);
        }
        CHECK_SAY(memcmp(whole, parts, sizeof whole) == 0, "batches of %zu", batch);
    }
    bed_free(&bed);
}

TEST(offset_and_gain_of_a_channel_leave_the_features_as_they_are)
{
    struct bed a, b;
    struct andon_schema schema = pump_schema();
    struct andon_series series = pump_series(), other = series;
    static double moved[FEATURES_N * FEATURES_CHANNELS];
    static float x[FEATURES_N * FEATURES_D], y[FEATURES_N * FEATURES_D];
    for (size_t i = 0; i < FEATURES_N * FEATURES_CHANNELS; i++)
        moved[i] = features_sample[i] * 1.8 + 32.0 * (double)(i % FEATURES_CHANNELS);
    other.value = moved;
    CHECK(bed_fit(&a, &schema, &series, "scale=robust|window=5") == ANDON_OK);
    CHECK(bed_fit(&b, &schema, &other, "scale=robust|window=5") == ANDON_OK);
    CHECK(andon_recipe_features(a.recipe) <= FEATURES_D);
    andon_recipe_apply(a.recipe, a.memory, &series, x, NULL);
    andon_recipe_apply(b.recipe, b.memory, &other, y, NULL);
    for (size_t k = 0; k < FEATURES_N * andon_recipe_features(a.recipe); k++)
        CHECK_NEAR(x[k], y[k], 2e-6);
    bed_free(&a);
    bed_free(&b);
}

/* One channel, one value per sample, a minute apart. */
enum { LINE = 60 };
static double line_value[LINE * 2];
static int64_t line_ts[LINE];

static struct andon_series line_series(uint32_t channels)
{
    for (int i = 0; i < LINE; i++) line_ts[i] = 1000000000000 + (int64_t)i * 60000000000;
    return (struct andon_series){.n = LINE, .channels = channels, .value = line_value,
                                 .ts_ns = line_ts};
}

static const char *const one_name[] = {"a"};
static const char *const two_names[] = {"motor", "ambient"};

TEST(an_unknown_regime_is_scaled_by_the_figures_of_all)
{
    struct bed bed;
    struct andon_schema schema = {1, one_name, 2, states};
    struct andon_series series = line_series(1);
    int32_t regime[LINE];
    float x[LINE];
    for (int i = 0; i < LINE; i++) {
        regime[i] = i % 2;
        line_value[i] = (i % 2 ? 100.0 : 0.0) + i / 2 % 5;
    }
    series.regime = regime;
    /* Thirty samples of each: scaled for themselves, both look alike. */
    CHECK(bed_fit(&bed, &schema, &series, "scale=standard|features=value|compress=0") == ANDON_OK);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    CHECK_NEAR(x[10], x[11], 1e-6);
    CHECK_NEAR(andon_recipe_engineering(bed.recipe, 0, 1, 0.0), 102.0, 1e-9);
    regime[10] = ANDON_REGIME_UNKNOWN;
    regime[11] = 7;
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    CHECK(x[10] < -0.8f && x[11] > 0.8f);
    CHECK_NEAR(andon_recipe_engineering(bed.recipe, 0, ANDON_REGIME_UNKNOWN, 0.0), 52.0, 1e-9);
    bed_free(&bed);
    /* A regime of fewer samples is not measured for itself. */
    for (int i = 0; i < LINE; i++) regime[i] = i >= LINE - 20;
    CHECK(bed_fit(&bed, &schema, &series, "scale=standard|features=value") == ANDON_OK);
    CHECK(andon_recipe_engineering(bed.recipe, 0, 1, 1.0) ==
          andon_recipe_engineering(bed.recipe, 0, ANDON_REGIME_UNKNOWN, 1.0));
    bed_free(&bed);
}

TEST(a_gap_or_time_running_backwards_empties_the_windows)
{
    struct bed bed;
    struct andon_schema schema = {1, one_name, 0, NULL};
    struct andon_series series = line_series(1);
    float x[LINE];
    for (int i = 0; i < LINE; i++) line_value[i] = i % 10;
    CHECK(bed_fit(&bed, &schema, &series, "scale=none|features=mean|window=10|gap=5|compress=0") ==
          ANDON_OK);
    CHECK(!andon_recipe_warm(bed.recipe, bed.memory));
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    CHECK(andon_recipe_warm(bed.recipe, bed.memory) && x[LINE - 1] == 4.5f);
    int64_t step[] = {5 * 60000000000, 5 * 60000000000 + 1, -1};
    for (int k = 0; k < 3; k++) {
        double value = 7.0;
        int64_t ts = line_ts[LINE - 1] + step[k];
        struct andon_series next = {.n = 1, .channels = 1, .value = &value, .ts_ns = &ts};
        andon_recipe_memory_init(bed.recipe, bed.memory);
        andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
        andon_recipe_apply(bed.recipe, bed.memory, &next, x, NULL);
        CHECK_SAY((x[0] == 7.0f) == (k > 0), "step %d: %g", k, (double)x[0]);
        CHECK(andon_recipe_warm(bed.recipe, bed.memory) == (k == 0));
    }
    bed_free(&bed);
}

TEST(a_machine_that_does_not_run_leaves_the_windows_as_they_were)
{
    struct bed bed;
    struct andon_schema schema = {1, one_name, 0, NULL};
    struct andon_series series = line_series(1);
    int8_t running[LINE];
    for (int i = 0; i < LINE; i++) {
        running[i] = i < 20 || i >= 30;
        line_value[i] = running[i] ? i % 7 : 1e9; /* absurd while it stands still */
    }
    series.running = running;
    series.ts_ns = NULL;
    CHECK(bed_fit(&bed, &schema, &series, "scale=standard|features=value,mean|window=5") == ANDON_OK);
    CHECK(andon_recipe_engineering(bed.recipe, 0, 0, 0.0) < 7.0); /* and taught nothing */
    float rows[LINE * 2];
    andon_recipe_apply(bed.recipe, bed.memory, &series, rows, NULL);
    for (int i = 20; i < 30; i++) CHECK(rows[2 * i] == 0.0f && rows[2 * i + 1] == 0.0f);
    /* The same without the pause. */
    double joined[LINE];
    size_t n = 0;
    for (int i = 0; i < LINE; i++)
        if (running[i]) joined[n++] = line_value[i];
    struct andon_series short_series = {.n = n, .channels = 1, .value = joined};
    float without[LINE * 2];
    andon_recipe_memory_init(bed.recipe, bed.memory);
    andon_recipe_apply(bed.recipe, bed.memory, &short_series, without, NULL);
    CHECK(memcmp(rows, without, 40 * sizeof *rows) == 0);
    CHECK(memcmp(rows + 60, without + 40, 60 * sizeof *rows) == 0);
    bed_free(&bed);
}

TEST(an_as_of_difference_takes_the_last_known_reference_while_it_is_fresh)
{
    struct bed bed;
    struct andon_schema schema = {2, two_names, 0, NULL};
    struct andon_series series = line_series(2);
    float x[LINE];
    uint8_t missing[LINE * 2];
    for (int i = 0; i < LINE; i++) { /* ambient is read every tenth minute */
        line_value[2 * i] = 60.0 + i;
        line_value[2 * i + 1] = i % 10 == 0 ? 20.0 + i / 10 : (double)NAN;
    }
    line_value[1] = NAN; /* not yet known */
    CHECK(bed_fit(&bed, &schema, &series, "asof=adjusted=motor-ambient|asof_age=300|scale=none|"
                  "features=value|compress=0") == ANDON_OK);
    CHECK(andon_recipe_features(bed.recipe) == 1);
    CHECK(strcmp(andon_recipe_feature(bed.recipe)[0].name, "adjusted") == 0);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, missing);
    for (int i = 0; i < LINE; i++) {
        bool known = i >= 10 && i % 10 <= 5; /* at most 300 s old */
        CHECK_SAY(x[i] == (known ? (float)(60 + i - (20 + i / 10)) : 0.0f), "minute %d: %g", i,
                  (double)x[i]);
        CHECK_SAY(missing[2 * i] == 0 && missing[2 * i + 1] == !known, "minute %d", i);
    }
    bed_free(&bed);
}

TEST(rms_becomes_peak_by_the_factor_of_the_wave)
{
    struct bed bed;
    struct andon_schema schema = {2, two_names, 0, NULL};
    struct andon_series series = line_series(2);
    static float x[LINE * 2];
    for (int i = 0; i < LINE * 2; i++) line_value[i] = 1.0 + i % 9;
    CHECK(bed_fit(&bed, &schema, &series, "peak=motor=sine;ambient=half_wave|scale=none|"
                  "features=value|compress=0") == ANDON_OK);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    for (int i = 0; i < LINE; i++) {
        CHECK_NEAR(x[2 * i], sqrt(2.0) * line_value[2 * i], 1e-6);
        CHECK(x[2 * i + 1] == (float)(2.0 * line_value[2 * i + 1]));
    }
    CHECK_NEAR(andon_recipe_engineering(bed.recipe, 0, 0, sqrt(2.0)), 1.0, 1e-12);
    bed_free(&bed);
    CHECK(bed_fit(&bed, &schema, &series, "peak=motor=1.7|scale=none|features=value|compress=0") ==
          ANDON_OK);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    CHECK_NEAR(x[0], 1.7 * line_value[0], 1e-6);
    bed_free(&bed);
}

TEST(derived_channels_are_scaled_like_measured_ones_and_sources_can_be_hidden)
{
    struct bed bed;
    struct andon_schema schema = {2, two_names, 0, NULL};
    struct andon_series series = line_series(2);
    static float x[LINE * 5];
    for (int i = 0; i < LINE; i++) {
        line_value[2 * i] = 10.0 + i % 4;
        line_value[2 * i + 1] = 3.0 + i % 3;
    }
    CHECK(bed_fit(&bed, &schema, &series, "derive=p=motor*ambient;d=motor-ambient;s=p+d|hide=motor;"
                  "ambient|scale=none|features=value|compress=0") == ANDON_OK);
    CHECK(andon_recipe_features(bed.recipe) == 3);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    for (int i = 0; i < LINE; i++) {
        double m = line_value[2 * i], a = line_value[2 * i + 1];
        CHECK(x[3 * i] == (float)(m * a) && x[3 * i + 1] == (float)(m - a));
        CHECK(x[3 * i + 2] == (float)(m * a + m - a));
    }
    const struct andon_feature *f = andon_recipe_feature(bed.recipe);
    CHECK(f[0].channel[0] == 0 && f[0].channel[1] == 1 && f[2].channel[1] == 1);
    bed_free(&bed);
}

TEST(missing_values_are_marked_and_stand_at_the_window_mean)
{
    struct bed bed;
    struct andon_schema schema = {1, one_name, 0, NULL};
    struct andon_series series = line_series(1);
    uint8_t missing[LINE];
    for (int i = 0; i < LINE; i++) line_value[i] = 10.0 + i % 4;
    line_value[0] = NAN;
    line_value[30] = INFINITY;
    CHECK(bed_fit(&bed, &schema, &series, "scale=none|features=value,mean|window=4|compress=0") ==
          ANDON_OK);
    float rows[LINE * 2];
    andon_recipe_apply(bed.recipe, bed.memory, &series, rows, missing);
    for (int i = 0; i < LINE; i++) CHECK(missing[i] == (i == 0 || i == 30));
    CHECK(rows[0] == 0.0f && rows[60] == 11.5f);
    bed_free(&bed);
}

TEST(a_recipe_learns_nothing_from_what_is_missing)
{
    struct bed bed;
    struct andon_schema schema = {2, two_names, 0, NULL};
    struct andon_series series = line_series(2);
    for (int i = 0; i < LINE; i++) {
        line_value[2 * i] = i;
        line_value[2 * i + 1] = NAN;
    }
    CHECK(bed_fit(&bed, &schema, &series, "") == ANDON_EDATA);
    CHECK(strstr(bed.err.text, "ambient") != NULL);
    bed_free(&bed);
    series.n = 0;
    CHECK(bed_fit(&bed, &schema, &series, "") == ANDON_EDATA);
    bed_free(&bed);
}

TEST(options_that_cannot_be_are_refused_with_their_name)
{
    static const char *const wrong[][2] = {
        {"window=1", "window"},          {"window=5,x", "window"},
        {"window=5000", "window"},       {"window=2,3,4,5,6,7,8,9,10", "window"},
        {"features=median", "features"}, {"peak=nobody=sine", "peak"},
        {"peak=motor=-1", "peak"},       {"peak=motor=round", "peak"},
        {"peak=motor", "peak"},          {"derive=x=motor*nobody", "nobody"},
        {"derive=motor=motor*ambient", "motor"}, {"hide=nobody", "hide"},
        {"asof=motor*ambient", "motor"}, {"after=x=motor*nobody", "nobody"},
        {"features=", "features"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bed bed;
        struct andon_schema schema = {2, two_names, 0, NULL};
        struct andon_series series = line_series(2);
        for (int k = 0; k < LINE * 2; k++) line_value[k] = k % 11;
        andon_status st = bed_fit(&bed, &schema, &series, wrong[i][0]);
        CHECK_SAY(st == ANDON_EINVAL || st == ANDON_ELIMIT, "%s: %s", wrong[i][0], bed.err.text);
        CHECK_SAY(strstr(bed.err.text, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], bed.err.text);
        bed_free(&bed);
    }
}

TEST(more_channels_regimes_or_longer_names_than_the_limit_are_refused)
{
    struct bed bed;
    struct andon_series series = line_series(1);
    char longer[200];
    memset(longer, 'n', sizeof longer);
    longer[sizeof longer - 1] = 0;
    const char *long_names[] = {longer};
    struct andon_schema wrong[] = {{0, one_name, 0, NULL},
                                   {ANDON_CHANNELS_MAX + 1, one_name, 0, NULL},
                                   {1, one_name, ANDON_REGIMES_MAX + 1, states},
                                   {1, long_names, 0, NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        andon_status st = bed_fit(&bed, &wrong[i], &series, "");
        CHECK_SAY(st == ANDON_ELIMIT || st == ANDON_EINVAL, "schema %zu", i);
        CHECK(bed.err.text[0] != 0);
        bed_free(&bed);
    }
}

/* Everything that a recipe can hold at once, as bytes. */
static andon_status bed_bytes(struct bed *bed, struct andon_writer *out)
{
    struct andon_schema schema = pump_schema();
    struct andon_series series = pump_series();
    andon_status st = bed_fit(bed, &schema, &series, "asof=adjusted=temperature-current|peak=vibration="
                              "sine|derive=hydraulic=pressure*flow_rate|window=3,8|features=value,mean,"
                              "sd,diff,trend|after=r=vibration/hydraulic|hide=duty_cycle");
    andon_writer_init(out, &bed->arena);
    if (st == ANDON_OK) andon_recipe_save(bed->recipe, out);
    return st;
}

TEST(a_loaded_recipe_gives_the_same_rows_bit_for_bit)
{
    struct bed bed;
    struct andon_writer out, again;
    struct andon_reader in;
    struct andon_recipe *loaded = NULL;
    struct andon_series series = pump_series();
    CHECK(bed_bytes(&bed, &out) == ANDON_OK);
    andon_reader_init(&in, out.data, out.size);
    CHECK(andon_recipe_load(&in, &bed.arena, &loaded, &bed.err) == ANDON_OK && !in.bad);
    CHECK(andon_reader_left(&in) == 0);
    uint32_t d = andon_recipe_features(bed.recipe);
    CHECK(andon_recipe_features(loaded) == d);
    size_t bytes = FEATURES_N * d * sizeof(float);
    float *x = andon_arena_take(&bed.arena, bytes), *y = andon_arena_take(&bed.arena, bytes);
    void *memory = andon_arena_take(&bed.arena, andon_recipe_memory_bytes(loaded));
    andon_recipe_memory_init(loaded, memory);
    andon_recipe_apply(bed.recipe, bed.memory, &series, x, NULL);
    andon_recipe_apply(loaded, memory, &series, y, NULL);
    CHECK(memcmp(x, y, bytes) == 0);
    andon_writer_init(&again, &bed.arena);
    andon_recipe_save(loaded, &again);
    CHECK(again.size == out.size && memcmp(again.data, out.data, out.size) == 0);
    bed_free(&bed);
}

TEST(a_cut_recipe_is_refused_and_a_flipped_one_refused_or_finite)
{
    struct bed bed;
    struct andon_writer out;
    struct andon_series series = pump_series();
    series.n = 12;
    CHECK(bed_bytes(&bed, &out) == ANDON_OK);
    for (size_t k = 0; k < 2 * out.size; k++) {
        struct andon_arena arena;
        struct andon_reader in;
        struct andon_recipe *loaded = NULL;
        andon_error err = {{0}};
        uint8_t *bytes = malloc(out.size); /* a heap block, so that ASan sees its end */
        CHECK(bytes != NULL);
        size_t at = k / 2, size = k % 2 ? out.size : at;
        memcpy(bytes, out.data, out.size);
        if (k % 2) bytes[at] ^= (uint8_t)(1u << (at % 8));
        andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
        andon_reader_init(&in, bytes, size);
        andon_status st = andon_recipe_load(&in, &arena, &loaded, &err);
        bool bad = st != ANDON_OK || in.bad;
        if (bad && st != ANDON_OK) CHECK_SAY(err.text[0] != 0, "byte %zu", at);
        if (k % 2 == 0) CHECK_SAY(bad, "cut at %zu", at);
        if (!bad && loaded->channels == FEATURES_CHANNELS) {
            size_t cells = series.n * andon_recipe_features(loaded);
            float *x = andon_arena_array(&arena, cells, sizeof *x);
            void *memory = andon_arena_take(&arena, andon_recipe_memory_bytes(loaded));
            CHECK(x != NULL && memory != NULL);
            andon_recipe_memory_init(loaded, memory);
            andon_recipe_apply(loaded, memory, &series, x, NULL);
            for (size_t c = 0; c < cells; c++) CHECK_SAY(isfinite(x[c]), "flip at %zu", at);
        }
        andon_arena_free(&arena);
        free(bytes);
    }
    bed_free(&bed);
}
