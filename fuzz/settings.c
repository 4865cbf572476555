/* Fuzzes everything that a person may write behind --set: the input is a detector's name on the first
 * line, then lines of key=value. Whatever is taken must print as text that is taken again, must give
 * rows that are finite, and must come back bit for bit from its bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "andon/andon.h"
#include "verdict/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANNELS = 5, SAMPLES = 48, SETTINGS_MAX = 16, TEXT_MAX = 4096 };

static const char *const channel[CHANNELS] = {"flow [m3/h]", "T-in", "T-out", "a*b", "speed"};
static const char *const regime[2] = {"idle", "load"};

static void must(bool holds)
{
    if (!holds) abort();
}

struct plant {
    double value[SAMPLES][CHANNELS];
    int64_t ts_ns[SAMPLES];
    int8_t running[SAMPLES];
    int32_t regime[SAMPLES];
};

/* Ordinary rows, then gaps, missing values, a stopped machine and values far out. */
static struct andon_series plant_fill(struct plant *p)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 9);
    for (size_t i = 0; i < SAMPLES; i++) {
        p->ts_ns[i] = (int64_t)(i < 30 ? i : 2 * i) * 1000000000;
        p->running[i] = (int8_t)(i == 33 ? 0 : 1);
        p->regime[i] = (int32_t)(i % 3) - 1;
        for (int c = 0; c < CHANNELS; c++) p->value[i][c] = andon_rng_normal(&rng);
        p->value[i][4] = 7.0;
    }
    p->value[40][1] = p->value[41][2] = NAN;
    p->value[42][0] = 1e300;
    p->value[43][3] = -1e300;
    p->value[44][4] = 8.0;
    return (struct andon_series){SAMPLES, CHANNELS, p->value[0], p->ts_ns, p->running, p->regime};
}

/* Every value prints as text that sets the same value. */
static void print_and_set(const struct andon_option *table, const void *options, size_t bytes)
{
    char text[ANDON_OPTION_TEXT];
    andon_error err;
    void *again = malloc(bytes);
    must(again != NULL);
    memcpy(again, options, bytes);
    for (const struct andon_option *o = table; o->name != NULL; o++) {
        andon_option_print(o, options, text, sizeof text);
        must(andon_option_set(table, again, o->name, text, &err) == ANDON_OK);
        char second[ANDON_OPTION_TEXT];
        andon_option_print(o, again, second, sizeof second);
        must(strcmp(text, second) == 0);
    }
    free(again);
}

/* The rows of all samples; the caller frees them. */
static float *rows_of(const struct andon_recipe *r, const struct andon_series *series)
{
    size_t count = series->n * andon_recipe_features(r);
    size_t bytes = andon_recipe_memory_bytes(r);
    void *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    float *x = malloc(count * sizeof *x);
    must(memory != NULL && x != NULL);
    andon_recipe_memory_init(r, memory);
    andon_recipe_apply(r, memory, series, x, NULL);
    for (size_t i = 0; i < count; i++) must(isfinite(x[i]));
    free(memory);
    return x;
}

static void use_recipe(const struct andon_recipe_options *options, struct andon_arena *arena,
                       struct andon_arena *scratch)
{
    struct plant plant;
    struct andon_series series = plant_fill(&plant), train = series;
    struct andon_schema schema = {CHANNELS, channel, 2, regime};
    struct andon_recipe *recipe = NULL, *again = NULL;
    struct andon_writer out;
    struct andon_reader in;
    andon_error err = {{0}};
    train.n = 36;
    andon_status st = andon_recipe_fit(&schema, &train, options, scratch, arena, &recipe, &err);
    must(st == ANDON_OK || err.text[0] != 0);
    if (st != ANDON_OK) return;
    andon_writer_init(&out, arena);
    andon_recipe_save(recipe, &out);
    andon_reader_init(&in, out.data, out.size);
    must(andon_recipe_load(&in, arena, &again, &err) == ANDON_OK);
    must(andon_reader_left(&in) == 0 && !in.bad);
    float *x = rows_of(recipe, &series), *y = rows_of(again, &series);
    must(memcmp(x, y, series.n * andon_recipe_features(recipe) * sizeof *x) == 0);
    free(x);
    free(y);
}

/* Cuts text, in place, into the detector's name and settings; returns how many. */
static size_t cut(char *text, const char **detector, struct andon_setting *setting)
{
    size_t settings = 0;
    char *rest = NULL;
    char *line = strtok_r(text, "\n", &rest);
    *detector = line != NULL ? line : "";
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL && settings < SETTINGS_MAX) {
        char *equals = strchr(line, '=');
        if (equals == NULL) continue;
        *equals = 0;
        setting[settings++] = (struct andon_setting){line, equals + 1};
    }
    return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX];
    struct andon_setting setting[SETTINGS_MAX];
    struct andon_training t = {.setting = setting};
    struct andon_recipe_options recipe;
    struct andon_arena arena, scratch;
    andon_error err = {{0}};
    if (size >= sizeof text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    t.settings = cut(text, &t.detector, setting);
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)64 << 20);
    struct andon_model *model = andon_arena_take(&arena, sizeof *model);
    must(model != NULL);
    andon_status st = settings_apply(&t, &arena, model, &recipe, &err);
    must(st == ANDON_OK || err.text[0] != 0);
    if (st == ANDON_OK) {
        print_and_set(andon_recipe_table, &recipe, sizeof recipe);
        print_and_set(andon_verdict_table, &model->options, sizeof model->options);
        for (uint32_t k = 0; k < model->members; k++)
            print_and_set(model->member[k].detector->options, model->member[k].options,
                          model->member[k].detector->options_bytes);
        use_recipe(&recipe, &arena, &scratch);
    }
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
    return 0;
}
