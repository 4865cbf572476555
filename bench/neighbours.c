/* How fast lof and knn learn and score. Data are made here and written for the rival to read:
 * bench/rivals/neighbours.py FILE takes the same rows and, given --scores, compares the scores.
 *
 *   bench_neighbours [--rows N] [--train M] [--k K] [--data pump|noise] [--kernel NAME] [--runs N]
 *                    [--one N] [--write FILE] [--scores FILE]
 *
 * pump: six channels of a machine with three operating points, AR(1) noise and a common load, as
 * 27 features (value, mean, deviation, difference; three products). noise: 27 independent normals,
 * where no index can help. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "andon/andon.h"

enum { CHANNELS = 6, WINDOW = 10, FEATURES = 4 * CHANNELS + 3, RUNS_MAX = 99 };

struct settings {
    size_t rows, train, one, runs;
    const char *k, *data, *kernel, *write, *scores;
};

/* Time of this process on the processor: one thread, so other work on the machine does not count.
 */
static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double part_of(double *v, size_t n, double part)
{
    qsort(v, n, sizeof *v, compare);
    return v[(size_t)(part * (double)(n - 1) + 0.5)];
}

static void *take(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (p != NULL) return p;
    fprintf(stderr, "bench_neighbours: no room for %zu bytes\n", bytes);
    exit(1);
}

/* One more row of the machine from the last WINDOW values of each channel. */
static void pump_features(double last[WINDOW][CHANNELS], size_t i, float *x)
{
    const double *v = last[i % WINDOW], *before = last[(i + WINDOW - 1) % WINDOW];
    for (int c = 0; c < CHANNELS; c++) {
        double mean = 0.0, square = 0.0;
        for (int w = 0; w < WINDOW; w++) mean += last[w][c] / WINDOW;
        for (int w = 0; w < WINDOW; w++) square += (last[w][c] - mean) * (last[w][c] - mean);
        x[4 * c] = (float)v[c];
        x[4 * c + 1] = (float)mean;
        x[4 * c + 2] = (float)(4.0 * sqrt(square / WINDOW));
        x[4 * c + 3] = (float)(v[c] - before[c]);
    }
    for (int c = 0; c < 3; c++) x[4 * CHANNELS + c] = (float)(0.5 * v[2 * c] * v[2 * c + 1]);
}

static void make_pump(float *x, size_t n, struct andon_rng *rng)
{
    double last[WINDOW][CHANNELS] = {{0}}, noise[CHANNELS] = {0}, load = 0.0;
    double point[3][CHANNELS];
    for (int p = 0; p < 3; p++)
        for (int c = 0; c < CHANNELS; c++) point[p][c] = 1.5 * andon_rng_normal(rng);
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (andon_rng_below(rng, 300) == 0) at = andon_rng_below(rng, 3);
        load = 0.99 * load + 0.14 * andon_rng_normal(rng);
        for (int c = 0; c < CHANNELS; c++) {
            noise[c] = 0.9 * noise[c] + 0.3 * andon_rng_normal(rng);
            last[i % WINDOW][c] = point[at][c] + (c % 2 == 0 ? 0.7 : -0.5) * load + 0.7 * noise[c];
        }
        pump_features(last, i, x + i * FEATURES);
    }
}

static float *make_rows(const struct settings *s)
{
    size_t n = s->train + s->rows;
    float *x = take(n * FEATURES * sizeof *x);
    struct andon_rng rng;
    andon_rng_seed(&rng, 42);
    if (strcmp(s->data, "pump") == 0)
        make_pump(x, n, &rng);
    else
        for (size_t i = 0; i < n * FEATURES; i++) x[i] = (float)andon_rng_normal(&rng);
    return x;
}

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0) {
        fprintf(stderr, "bench_neighbours: cannot write %s\n", path);
        exit(1);
    }
}

static void bench_detector(const struct settings *s, const struct andon_detector *det,
                           const float *x, enum andon_kernel kernel)
{
    struct andon_arena arena, scratch;
    andon_error err = {""};
    void *model = NULL, *options = take(det->options_bytes);
    double took[RUNS_MAX];
    andon_options_default(det->options, options);
    if (andon_option_set(det->options, options, "k", s->k, &err) != ANDON_OK ||
        andon_option_set(det->options, options, "rows_max", "10000000", &err) != ANDON_OK) {
        fprintf(stderr, "bench_neighbours: %s\n", err.text);
        exit(2);
    }
    andon_arena_init(&arena, andon_allocator_libc(), SIZE_MAX);
    andon_arena_init(&scratch, andon_allocator_libc(), SIZE_MAX);
    struct andon_fit in = {.x = {x, s->train, FEATURES},
                           .options = options,
                           .seed = 1,
                           .kernel = kernel,
                           .scratch = &scratch};
    for (size_t run = 0; run < s->runs; run++) {
        andon_arena_free(&arena);
        double start = now_s();
        if (det->fit(&in, &arena, &model, &err) != ANDON_OK) {
            fprintf(stderr, "bench_neighbours: %s\n", err.text);
            exit(1);
        }
        took[run] = now_s() - start;
    }
    printf("bench=%s_fit data=%s kernel=%s train=%zu d=%d k=%s ms=%.1f model_kb=%zu\n", det->name,
           s->data, andon_kernel_name(kernel), s->train, FEATURES, s->k,
           1e3 * part_of(took, s->runs, 0.5), arena.used / 1024);

    const float *test = x + s->train * FEATURES;
    void *room = take(det->scratch_bytes(model, s->rows));
    double *score = take(s->rows * sizeof *score), *one = take(s->one * sizeof *one);
    for (size_t run = 0; run < s->runs; run++) {
        double start = now_s();
        det->score(model, NULL, (struct andon_rows){test, s->rows, FEATURES}, score, NULL, room,
                   kernel);
        took[run] = now_s() - start;
    }
    printf("bench=%s_batch data=%s kernel=%s rows_s=%.0f rows=%zu\n", det->name, s->data,
           andon_kernel_name(kernel), (double)s->rows / part_of(took, s->runs, 0.5), s->rows);
    for (size_t i = 0; i < s->one; i++) { /* rows far apart in time: nothing is in cache */
        double start = now_s(), alone;
        size_t row = i * 7919 % s->rows;
        det->score(model, NULL, (struct andon_rows){test + row * FEATURES, 1, FEATURES}, &alone,
                   NULL, room, kernel);
        one[i] = 1e9 * (now_s() - start);
        if (alone != score[row]) {
            fprintf(stderr, "bench_neighbours: row %zu scores otherwise alone\n", row);
            exit(1);
        }
    }
    double p50 = part_of(one, s->one, 0.5);
    printf("bench=%s_one data=%s kernel=%s ns_row_p50=%.0f ns_row_p99=%.0f\n", det->name, s->data,
           andon_kernel_name(kernel), p50, part_of(one, s->one, 0.99));
    if (s->scores != NULL && strcmp(det->name, "lof") == 0)
        write_file(s->scores, score, s->rows * sizeof *score);
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
    free(options);
    free(room);
    free(score);
    free(one);
}

static size_t count_of(const char *text, size_t most)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 10);
    if (*end != 0 || v < 1 || v > most) {
        fprintf(stderr, "bench_neighbours: %s: not a number from 1 to %zu\n", text, most);
        exit(2);
    }
    return (size_t)v;
}

int main(int argc, char **argv)
{
    struct settings s = {
        .rows = 20000, .train = 34560, .one = 1000, .runs = 5, .k = "20", .data = "pump"};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--rows") == 0) s.rows = count_of(value, 100000000);
        if (strcmp(name, "--train") == 0) s.train = count_of(value, 10000000);
        if (strcmp(name, "--one") == 0) s.one = count_of(value, 10000000);
        if (strcmp(name, "--runs") == 0) s.runs = count_of(value, RUNS_MAX);
        if (strcmp(name, "--k") == 0) s.k = value;
        if (strcmp(name, "--data") == 0) s.data = value;
        if (strcmp(name, "--kernel") == 0) s.kernel = value;
        if (strcmp(name, "--write") == 0) s.write = value;
        if (strcmp(name, "--scores") == 0) s.scores = value;
    }
    enum andon_kernel kernel = andon_kernel_best();
    if (s.kernel != NULL &&
        (!andon_kernel_named(s.kernel, &kernel) || !andon_kernel_usable(kernel))) {
        fprintf(stderr, "bench_neighbours: this machine has no kernel %s\n", s.kernel);
        return 2;
    }
    float *x = make_rows(&s);
    if (s.write != NULL) write_file(s.write, x, (s.train + s.rows) * FEATURES * sizeof *x);
    bench_detector(&s, andon_detector_named("lof"), x, kernel);
    bench_detector(&s, andon_detector_named("knn"), x, kernel);
    free(x);
    return 0;
}
