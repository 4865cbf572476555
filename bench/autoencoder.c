/* How fast the autoencoder is: 50 epochs of fitting, one row, a batch. One thread.
 *
 *   bench_autoencoder [--data FILE] [--rows N] [--train N] [--epochs N] [--runs N] [--kernel NAME]
 *                     [--activation relu|tanh]
 *
 * FILE is little-endian float32, row-major, N rows of 27 features: written when it is not there, so
 * that the rivals (bench/rivals/autoencoder.py) read the same rows. The first --train rows are
 * learned, without validation part, so that every epoch is run; the loss is that of the rest. */
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "andon/andon.h"

enum { D = 27, RUNS_MAX = 101, GROUP = 8, GROUPS = 5000 };

struct settings {
    const char *data, *epochs, *activation;
    size_t rows, train, runs;
    enum andon_kernel kernel;
};

/* A fitted model and what scoring needs. */
struct fitted {
    struct andon_arena arena, scratch;
    void *model, *room;
};

static const struct andon_detector *detector(void)
{
    return andon_detector_named("autoencoder");
}

static double clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Long work is timed by the processor's time of this one thread, so that neighbours on the machine
 * count less; the rivals likewise. A row is too short for that clock. */
static double used_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
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

/* Six slow signals, their products with one another, and noise: a bent surface in 27 dimensions. */
static void make_rows(float *x, size_t n)
{
    struct andon_rng rng;
    double s[6] = {0};
    andon_rng_seed(&rng, 7);
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 6; k++) s[k] = 0.95 * s[k] + 0.3 * andon_rng_normal(&rng);
        for (int f = 0; f < D; f++) {
            double bend = f % 4 == 3 ? 0.5 * s[f % 6] * s[(f + 1) % 6] : 0.5 * s[(f / 6 + f) % 6];
            x[i * D + (size_t)f] = (float)(s[f % 6] + bend + 0.2 * andon_rng_normal(&rng));
        }
    }
}

static bool read_rows(const char *path, float *x, size_t count)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    size_t got = fread(x, sizeof x[0], count, file);
    fclose(file);
    if (got == count) return true;
    fprintf(stderr, "%s: %zu values, expected %zu\n", path, got, count);
    exit(1);
}

static void write_rows(const char *path, const float *x, size_t count)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(x, sizeof x[0], count, file) != count || fclose(file) != 0) {
        fprintf(stderr, "%s: cannot write\n", path);
        exit(1);
    }
}

static float *load_rows(const struct settings *s)
{
    size_t count = s->rows * D;
    float *x = malloc(count * sizeof x[0]);
    if (x == NULL || (s->data != NULL && read_rows(s->data, x, count))) return x;
    make_rows(x, s->rows);
    if (s->data != NULL) write_rows(s->data, x, count);
    return x;
}

/* Fits and ends the program when that fails. */
static void fit(const struct settings *s, const float *x, uint64_t seed, struct fitted *f)
{
    alignas(64) unsigned char options[8192];
    andon_error err;
    andon_arena_init(&f->arena, andon_allocator_libc(), (size_t)1 << 30);
    andon_arena_init(&f->scratch, andon_allocator_libc(), (size_t)1 << 30);
    andon_options_default(detector()->options, options);
    struct andon_fit in = {.x = {x, s->train, D}, .options = options, .seed = seed,
                           .kernel = s->kernel, .scratch = &f->scratch};
    andon_status st = andon_option_set(detector()->options, options, "validation", "0", &err);
    if (st == ANDON_OK)
        st = andon_option_set(detector()->options, options, "epochs", s->epochs, &err);
    if (st == ANDON_OK)
        st = andon_option_set(detector()->options, options, "activation", s->activation, &err);
    if (st == ANDON_OK) st = detector()->fit(&in, &f->arena, &f->model, &err);
    if (st != ANDON_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    f->room = andon_arena_take(&f->scratch, detector()->scratch_bytes(f->model, s->rows));
    if (f->room == NULL) exit(1);
}

static void release(struct fitted *f)
{
    andon_arena_free(&f->arena);
    andon_arena_free(&f->scratch);
}

static void score(const struct settings *s, const struct fitted *f, const float *x, size_t n,
                  double *out)
{
    detector()->score(f->model, NULL, (struct andon_rows){x, n, D}, out, NULL, f->room, s->kernel);
}

static double mean(const double *v, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += v[i];
    return sum / (double)n;
}

/* Each run has its own seed: the loss is the median over them, as the time is. */
static void bench_fit(const struct settings *s, const float *x, double *room)
{
    double seconds[RUNS_MAX], loss[RUNS_MAX];
    for (size_t run = 0; run < s->runs; run++) {
        struct fitted f;
        double from = used_s();
        fit(s, x, run + 1, &f);
        seconds[run] = used_s() - from;
        score(s, &f, x + s->train * D, s->rows - s->train, room);
        loss[run] = mean(room, s->rows - s->train);
        release(&f);
    }
    double middle = quantile(loss, s->runs, 0.5);
    printf("bench=autoencoder_fit kernel=%s activation=%s rows=%zu epochs=%s seconds=%.4f "
           "loss=%.6f loss_min=%.6f loss_max=%.6f\n",
           andon_kernel_name(s->kernel), s->activation, s->train, s->epochs,
           quantile(seconds, s->runs, 0.5), middle, loss[0], loss[s->runs - 1]);
}

/* Calls of one row each, timed in groups: the clock itself takes a good part of one. */
static void bench_row(const struct settings *s, const float *x, const struct fitted *f)
{
    static double ns[GROUPS];
    double out, sum = 0.0;
    for (size_t g = 0; g < GROUPS; g++) {
        const size_t row = g * GROUP * 37 % (s->rows - GROUP);
        double from = now_s();
        for (size_t i = 0; i < GROUP; i++) {
            score(s, f, x + (row + i) * D, 1, &out);
            sum += out;
        }
        ns[g] = 1e9 * (now_s() - from) / GROUP;
    }
    double p50 = quantile(ns, GROUPS, 0.5), p99 = quantile(ns, GROUPS, 0.99);
    printf("bench=autoencoder_row kernel=%s activation=%s ns_row_p50=%.0f ns_row_p99=%.0f "
           "mean=%.6f\n",
           andon_kernel_name(s->kernel), s->activation, p50, p99, sum / (GROUP * GROUPS));
}

static void bench_batch(const struct settings *s, const float *x, const struct fitted *f,
                        double *out)
{
    double rows_s[RUNS_MAX];
    for (size_t run = 0; run < s->runs; run++) {
        double from = used_s();
        score(s, f, x, s->rows, out);
        rows_s[run] = (double)s->rows / (used_s() - from);
    }
    printf("bench=autoencoder_batch kernel=%s activation=%s rows=%zu rows_s=%.0f mean=%.6f\n",
           andon_kernel_name(s->kernel), s->activation, s->rows, quantile(rows_s, s->runs, 0.5),
           mean(out, s->rows));
}

static bool settings_read(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--data") == 0) s->data = value;
        else if (strcmp(name, "--rows") == 0) s->rows = strtoull(value, NULL, 10);
        else if (strcmp(name, "--train") == 0) s->train = strtoull(value, NULL, 10);
        else if (strcmp(name, "--epochs") == 0) s->epochs = value;
        else if (strcmp(name, "--activation") == 0) s->activation = value;
        else if (strcmp(name, "--runs") == 0) s->runs = strtoull(value, NULL, 10);
        else if (strcmp(name, "--kernel") != 0 || !andon_kernel_named(value, &s->kernel) ||
                 !andon_kernel_usable(s->kernel))
            return false;
    }
    return argc % 2 == 1 && s->rows > s->train && s->rows > GROUP && s->runs >= 1 &&
           s->runs <= RUNS_MAX;
}

int main(int argc, char **argv)
{
    struct settings s = {.rows = 1000000, .train = 43200, .runs = 5, .epochs = "50",
                         .activation = "relu",
                         .kernel = andon_kernel_best()};
    if (!settings_read(&s, argc, argv)) {
        fprintf(stderr, "usage: %s [--data FILE] [--rows N] [--train N] [--epochs N] [--runs N] "
                        "[--kernel NAME] [--activation relu|tanh]\n", argv[0]);
        return 2;
    }
    struct fitted f;
    float *x = load_rows(&s);
    double *out = malloc(s.rows * sizeof out[0]);
    if (x == NULL || out == NULL) return 1;
    fit(&s, x, 1, &f);
    bench_fit(&s, x, out);
    bench_row(&s, x, &f);
    bench_batch(&s, x, &f, out);
    release(&f);
    free(out);
    free(x);
    return 0;
}
