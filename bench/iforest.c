/* How fast the isolation forest is: fit, one row, a batch. One thread.
 *
 *   bench_iforest [--data FILE] [--rows N] [--train N] [--features D] [--runs N] [--kernel NAME]
 *
 * FILE is little-endian float32, row-major, N rows of D features: written when it is not there, so
 * that the rival (bench/rivals/iforest.py) reads the same rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "andon/andon.h"

enum { RUNS_MAX = 101, ONE_ROWS = 20000 };

struct settings {
    const char *data;
    size_t rows, train, runs;
    uint32_t features;
    enum andon_kernel kernel;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which the given part of v lies. Sorts v. */
static double quantile(double *v, size_t n, double part)
{
    qsort(v, n, sizeof v[0], by_size);
    return v[(size_t)(part * (double)(n - 1) + 0.5)];
}

/* Six slow machine signals and what is derived of them: correlated, with two rows in a hundred off.
 */
static void make_rows(float *x, size_t n, uint32_t d)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 7);
    double signal[6] = {0};
    for (size_t i = 0; i < n; i++) {
        double off = andon_rng_real(&rng) < 0.02 ? 4.0 : 0.0;
        for (int k = 0; k < 6; k++) signal[k] = 0.95 * signal[k] + 0.3 * andon_rng_normal(&rng);
        for (uint32_t f = 0; f < d; f++) {
            double v = signal[f % 6] + 0.5 * signal[(f / 6 + f) % 6] + 0.3 * andon_rng_normal(&rng);
            x[i * d + f] = (float)(f % 6 == 2 ? v + off : v);
        }
    }
}

static float *load_rows(const struct settings *s)
{
    size_t count = s->rows * s->features;
    float *x = malloc(count * sizeof x[0]);
    if (x == NULL) return NULL;
    FILE *file = s->data == NULL ? NULL : fopen(s->data, "rb");
    if (file != NULL) {
        size_t got = fread(x, sizeof x[0], count, file);
        fclose(file);
        if (got == count) return x;
        fprintf(stderr, "%s: %zu values, expected %zu\n", s->data, got, count);
        free(x);
        return NULL;
    }
    make_rows(x, s->rows, s->features);
    if (s->data != NULL) {
        file = fopen(s->data, "wb");
        if (file == NULL || fwrite(x, sizeof x[0], count, file) != count || fclose(file) != 0)
            fprintf(stderr, "%s: cannot write\n", s->data);
    }
    return x;
}

static void *fit(const struct settings *s, const float *x, struct andon_arena *arena,
                 struct andon_arena *scratch)
{
    const struct andon_detector *det = andon_detector_named("iforest");
    _Alignas(16) char options[256];
    void *model = NULL;
    andon_error err;
    andon_options_default(det->options, options);
    struct andon_fit in = {.x = {x, s->train, s->features},
                           .options = options,
                           .seed = 1,
                           .kernel = s->kernel,
                           .scratch = scratch};
    if (det->fit(&in, arena, &model, &err) == ANDON_OK) return model;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static void bench_fit(const struct settings *s, const float *x)
{
    double ms[RUNS_MAX];
    struct andon_arena arena, scratch;
    for (size_t run = 0; run < s->runs; run++) {
        andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 30);
        andon_arena_init(&scratch, andon_allocator_libc(), (size_t)1 << 30);
        double from = now_s();
        (void)fit(s, x, &arena, &scratch);
        andon_arena_free(&arena);
        andon_arena_free(&scratch);
        ms[run] = 1e3 * (now_s() - from);
    }
    printf("bench=iforest_fit rows=%zu features=%u ms_p50=%.3f\n", s->train, s->features,
           quantile(ms, s->runs, 0.5));
}

static void bench_one(const struct settings *s, const float *x, const void *model, void *room)
{
    const struct andon_detector *det = andon_detector_named("iforest");
    double *ns = malloc(ONE_ROWS * sizeof ns[0]), sum = 0.0;
    if (ns == NULL) exit(1);
    double from = now_s();
    for (size_t i = 0; i < ONE_ROWS; i++) {
        double score, begin = now_s();
        size_t row = i * 37 % s->rows;
        det->score(model, NULL, (struct andon_rows){x + row * s->features, 1, s->features}, &score,
                   NULL, room, s->kernel);
        ns[i] = 1e9 * (now_s() - begin);
        sum += score;
    }
    double mean = 1e9 * (now_s() - from) / ONE_ROWS;
    printf(
        "bench=iforest_one kernel=%s ns_row_mean=%.0f ns_row_p50=%.0f ns_row_p99=%.0f mean=%.6f\n",
        andon_kernel_name(s->kernel), mean, quantile(ns, ONE_ROWS, 0.5),
        quantile(ns, ONE_ROWS, 0.99), sum / ONE_ROWS);
    free(ns);
}

static void bench_batch(const struct settings *s, const float *x, const void *model, void *room)
{
    const struct andon_detector *det = andon_detector_named("iforest");
    double rows_s[RUNS_MAX], *score = malloc(s->rows * sizeof score[0]), sum = 0.0;
    if (score == NULL) exit(1);
    for (size_t run = 0; run < s->runs; run++) {
        double from = now_s();
        det->score(model, NULL, (struct andon_rows){x, s->rows, s->features}, score, NULL, room,
                   s->kernel);
        rows_s[run] = (double)s->rows / (now_s() - from);
    }
    for (size_t i = 0; i < s->rows; i++) sum += score[i];
    printf("bench=iforest_batch kernel=%s rows=%zu rows_s=%.0f mean=%.6f\n",
           andon_kernel_name(s->kernel), s->rows, quantile(rows_s, s->runs, 0.5),
           sum / (double)s->rows);
    free(score);
}

static bool settings_read(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--data") == 0)
            s->data = value;
        else if (strcmp(name, "--rows") == 0)
            s->rows = strtoull(value, NULL, 10);
        else if (strcmp(name, "--train") == 0)
            s->train = strtoull(value, NULL, 10);
        else if (strcmp(name, "--runs") == 0)
            s->runs = strtoull(value, NULL, 10);
        else if (strcmp(name, "--features") == 0)
            s->features = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--kernel") != 0 || !andon_kernel_named(value, &s->kernel) ||
                 !andon_kernel_usable(s->kernel))
            return false;
    }
    if (s->train > s->rows) s->train = s->rows;
    return argc % 2 == 1 && s->rows >= 2 && s->features >= 1 && s->runs >= 1 && s->runs <= RUNS_MAX;
}

int main(int argc, char **argv)
{
    struct settings s = {
        .rows = 1000000, .train = 43200, .runs = 5, .features = 27, .kernel = andon_kernel_best()};
    if (!settings_read(&s, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--data FILE] [--rows N] [--train N] [--features D] [--runs N] "
                "[--kernel NAME]\n",
                argv[0]);
        return 2;
    }
    struct andon_arena arena, scratch;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 30);
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)1 << 30);
    float *x = load_rows(&s);
    if (x == NULL) return 1;
    void *model = fit(&s, x, &arena, &scratch);
    void *room =
        andon_arena_take(&scratch, andon_detector_named("iforest")->scratch_bytes(model, s.rows));
    if (room == NULL) return 1;
    bench_fit(&s, x);
    bench_one(&s, x, model, room);
    bench_batch(&s, x, model, room);
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
    free(x);
    return 0;
}
