/* nab_run DIR: what the level detector reaches on the series of the Numenta Anomaly Benchmark that are
 * below DIR, with its shipped defaults. Printed, no must. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "andon/andon.h"
#include "nab.h"

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "nab_run: %s: %s\n", what, why);
    exit(1);
}

/* The recipe's first features: the value itself, scaled on the probation. */
static float *scaled(const struct nab_series *s, struct andon_arena *scratch, struct andon_arena *arena)
{
    static const char *const channel[] = {"value"};
    const struct andon_schema schema = {.channels = 1, .channel = channel};
    struct andon_series train = {.n = s->probation, .channels = 1, .value = s->value}, all = train;
    struct andon_recipe_options options;
    struct andon_recipe *recipe;
    andon_error err = {{0}};
    all.n = s->n;
    andon_options_default(andon_recipe_table, &options);
    if (andon_option_set(andon_recipe_table, &options, "features", "value", &err) != ANDON_OK ||
        andon_option_set(andon_recipe_table, &options, "window", "0", &err) != ANDON_OK ||
        andon_recipe_fit(&schema, &train, &options, scratch, arena, &recipe, &err) != ANDON_OK)
        stop(s->name, err.text);
    float *x = andon_arena_array(arena, s->n, sizeof *x);
    void *memory = andon_arena_take(arena, andon_recipe_memory_bytes(recipe));
    if (x == NULL || memory == NULL || andon_recipe_features(recipe) != 1) stop(s->name, "no room");
    andon_recipe_memory_init(recipe, memory);
    andon_recipe_apply(recipe, memory, &all, x, NULL);
    return x;
}

/* Learns from the probation and goes on from there. */
static void judge_series(const struct nab_series *s, const struct andon_detector *det, double *score)
{
    struct andon_arena arena, scratch;
    andon_error err = {{0}};
    void *model;
    andon_arena_init(&arena, andon_allocator_libc(), 64 << 20);
    andon_arena_init(&scratch, andon_allocator_libc(), 64 << 20);
    float *x = scaled(s, &scratch, &arena);
    void *options = andon_arena_take(&arena, det->options_bytes);
    if (options == NULL) stop(s->name, "no room");
    andon_options_default(det->options, options);
    struct andon_fit in = {.x = {x, s->probation, 1}, .options = options, .scratch = &scratch,
                           .kernel = andon_kernel_best()};
    if (det->fit(&in, &arena, &model, &err) != ANDON_OK) stop(s->name, err.text);
    void *memory = andon_arena_take(&arena, det->memory_bytes(model));
    void *work = andon_arena_take(&arena, det->scratch_bytes(model, s->n));
    if (memory == NULL || work == NULL) stop(s->name, "no room");
    det->memory_init(model, memory);
    for (size_t i = 0; i < s->probation; i++) score[i] = NAN;
    det->score(model, memory, (struct andon_rows){x + s->probation, s->n - s->probation, 1},
               score + s->probation, NULL, work, andon_kernel_best());
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
}

int main(int argc, char **argv)
{
    static struct nab_corpus corpus;
    static double *score[NAB_SERIES_MAX];
    const struct andon_detector *level = andon_detector_named("level");
    if (argc != 2) stop("usage", "nab_run DIR");
    if (level == NULL || !nab_open(argv[1], &corpus)) return 1;
    for (size_t k = 0; k < corpus.count; k++) {
        score[k] = calloc(corpus.series[k].n, sizeof(double));
        if (score[k] == NULL) stop("memory", "none left");
        judge_series(&corpus.series[k], level, score[k]);
        for (size_t i = 0; getenv("NAB_SCORES") != NULL && i < corpus.series[k].n; i++)
            printf("%s,%zu,%.17g\n", corpus.series[k].name, i, score[k][i]);
    }
    printf("nab: %zu series", corpus.count);
    for (int p = 0; p < NAB_PROFILES; p++) {
        double threshold, reached = nab_score(&corpus, score, &corpus.profile[p], &threshold);
        printf("%s %s %.1f (above %.4g)", p == 0 ? ":" : ",", corpus.profile[p].name, reached,
               threshold);
    }
    printf("\n");
    for (size_t k = 0; k < corpus.count; k++) free(score[k]);
    nab_close(&corpus);
    return 0;
}
