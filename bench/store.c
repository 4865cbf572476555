/* How fast the store takes samples, how many bytes they take on disk, and how fast it answers a
 * 5-minute mean of 100 series. One thread; figures by processor time.
 *
 *   bench_store [--data FILE] [--assets N] [--rows N] [--interval S] [--turn ROWS] [--judged 1]
 *               [--dir DIR] [--runs N]
 *
 * Every asset has six channels, rounded to 1 to 3 decimals as sensors send them, in order of time over
 * all assets. FILE gets the same samples as lines that a rival imports (bench/rivals/store.py), 6000
 * values of one series to a line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "andon/rng.h"
#include "store/reader.h"
#include "store/store.h"

enum { CHANNELS = 6, LINE_VALUES = 6000, SERIES_ASKED = 100, RUNS_MAX = 101 };
#define START_NS INT64_C(1700000100000000000)
#define BUCKET_NS INT64_C(300000000000)

struct settings {
    const char *data, *dir;
    size_t assets, rows, turn, runs, judged;
    double interval_s;
};

struct signal { /* a slow walk about a level, and noise on it */
    const char *name;
    double level, walk, noise;
    int decimals;
};
static const struct signal signals[CHANNELS] = {
    {"temperature", 61.0, 0.02, 0.05, 2}, {"vibration", 2.4, 0.004, 0.02, 3},
    {"pressure", 5.8, 0.01, 0.02, 2},     {"flow", 118.0, 0.2, 0.5, 1},
    {"current", 17.2, 0.05, 0.1, 2},      {"power", 8.4, 0.02, 0.06, 3}};

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

/* value[asset][channel][row] */
static double *make(const struct settings *s)
{
    double *value = malloc(s->assets * CHANNELS * s->rows * sizeof *value);
    if (value == NULL) fail("no memory");
    for (size_t k = 0; k < s->assets * CHANNELS; k++) {
        const struct signal *g = &signals[k % CHANNELS];
        struct andon_rng rng = andon_rng_fork(11, k);
        double power = pow(10, g->decimals), at = g->level * (1 + 0.05 * andon_rng_normal(&rng));
        for (size_t r = 0; r < s->rows; r++) {
            at += g->walk * andon_rng_normal(&rng) + 0.001 * (g->level - at);
            value[k * s->rows + r] = rint((at + g->noise * andon_rng_normal(&rng)) * power) / power;
        }
    }
    return value;
}

static int64_t time_of(const struct settings *s, size_t row)
{
    return START_NS + (int64_t)((double)row * s->interval_s * 1e9);
}

/* {"metric":{"__name__":"temperature","asset":"a1"},"values":[...],"timestamps":[...]} */
static void write_lines(const struct settings *s, const double *value)
{
    FILE *out = fopen(s->data, "w");
    if (out == NULL) fail("cannot write --data");
    for (size_t from = 0; from < s->rows; from += LINE_VALUES)
        for (size_t k = 0; k < s->assets * CHANNELS; k++) {
            size_t to = from + LINE_VALUES < s->rows ? from + LINE_VALUES : s->rows;
            const struct signal *g = &signals[k % CHANNELS];
            fprintf(out, "{\"metric\":{\"__name__\":\"%s\",\"asset\":\"a%zu\"},\"values\":[", g->name,
                    k / CHANNELS);
            for (size_t r = from; r < to; r++)
                fprintf(out, "%s%.*f", r > from ? "," : "", g->decimals, value[k * s->rows + r]);
            fprintf(out, "],\"timestamps\":[");
            for (size_t r = from; r < to; r++)
                fprintf(out, "%s%lld", r > from ? "," : "", (long long)(time_of(s, r) / 1000000));
            fprintf(out, "]}\n");
        }
    if (fclose(out) != 0) fail("cannot write --data");
}

static void name_all(const struct settings *s, struct store *store, uint32_t *asset,
                     uint32_t *channel)
{
    andon_error err;
    uint32_t model;
    char name[32];
    if (store_begin(store, &err) != ANDON_OK ||
        store_model(store, TEXT("model"), 1, 1, &model, &err) != ANDON_OK)
        fail(err.text);
    for (size_t a = 0; a < s->assets; a++) {
        snprintf(name, sizeof name, "plant/line/a%zu", a);
        if (store_asset(store, text_of(name), &asset[a], &err) != ANDON_OK) fail(err.text);
        for (size_t c = 0; c < CHANNELS; c++)
            if (store_channel(store, asset[a], text_of(signals[c].name), STORE_NUMBER,
                              &channel[a * CHANNELS + c], &err) != ANDON_OK)
                fail(err.text);
    }
    if (store_commit(store, 1, START_NS, &err) != ANDON_OK) fail(err.text);
}

struct load {
    const struct settings *s;
    const double *value;
    uint32_t *asset, *channel;
    struct store_row *row;
    struct store_field (*field)[CHANNELS];
};

/* Rows [from, from + n) in order of time over all assets. */
static size_t fill(struct load *l, size_t from)
{
    const struct settings *s = l->s;
    size_t all = s->assets * s->rows, n = all - from < s->turn ? all - from : s->turn;
    for (size_t i = 0; i < n; i++) {
        size_t a = (from + i) % s->assets, r = (from + i) / s->assets;
        for (size_t c = 0; c < CHANNELS; c++)
            l->field[i][c] =
                (struct store_field){.channel = l->channel[a * CHANNELS + c], .kind = STORE_NUMBER,
                                     .number = l->value[(a * CHANNELS + c) * s->rows + r]};
        l->row[i] = (struct store_row){.asset = l->asset[a], .ts_ns = time_of(s, r),
                                       .received_ns = time_of(s, r) + 3000000, .fields = CHANNELS,
                                       .field = l->field[i], .judged = s->judged != 0};
        if (s->judged)
            l->row[i].verdict = (struct store_verdict){
                .score = 0.3 + 1e-3 * l->field[i][0].number, .p_value = 1.0 / l->field[i][1].number,
                .confidence = 1.0f, .coverage = 1.0f, .model = 1,
                .channel = l->channel[a * CHANNELS], .share = 0.5f};
    }
    return n;
}

/* Every row through one call, as the engine does. */
static double write_all(struct load *l, struct store *store, double *turn_ms_max)
{
    const struct settings *s = l->s;
    andon_error err;
    double used = 0;
    uint64_t offset = 1;
    *turn_ms_max = 0;
    for (size_t at = 0, n; at < s->assets * s->rows; at += n) {
        n = fill(l, at);
        double from = cpu_s(), began = wall_s();
        if (store_begin(store, &err) != ANDON_OK) fail(err.text);
        for (size_t i = 0; i < n; i++)
            if (store_rows(store, &l->row[i], 1, &err) != ANDON_OK) fail(err.text);
        if (store_commit(store, ++offset, l->row[n - 1].ts_ns, &err) != ANDON_OK) fail(err.text);
        used += cpu_s() - from;
        double ms = 1e3 * (wall_s() - began);
        *turn_ms_max = ms > *turn_ms_max ? ms : *turn_ms_max;
    }
    return used;
}

static bool count(void *context, const struct reader_bucket *bucket)
{
    double *sum = context;
    sum[0] += bucket->mean;
    sum[1] += 1;
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ask(const struct load *l, const char *path)
{
    const struct settings *s = l->s;
    double ms[RUNS_MAX], sum[2] = {0};
    struct reader *reader;
    andon_error err;
    if (reader_open(path, &reader, &err) != ANDON_OK) fail(err.text);
    size_t series = s->assets * CHANNELS, asked = series < SERIES_ASKED ? series : SERIES_ASKED;
    for (size_t run = 0; run < s->runs; run++) {
        double from = cpu_s();
        sum[0] = sum[1] = 0;
        if (reader_snapshot(reader, &err) != ANDON_OK) fail(err.text);
        for (size_t k = 0; k < asked; k++) {
            size_t a = series < SERIES_ASKED ? k / CHANNELS : k % s->assets, c = k % CHANNELS;
            if (series >= SERIES_ASKED && s->assets < SERIES_ASKED) a = k / CHANNELS;
            if (reader_buckets(reader, l->asset[a], l->channel[a * CHANNELS + c], INT64_MIN,
                               INT64_MAX, BUCKET_NS, count, sum, &err) != ANDON_OK)
                fail(err.text);
        }
        reader_release(reader);
        ms[run] = 1e3 * (cpu_s() - from);
    }
    qsort(ms, s->runs, sizeof ms[0], by_size);
    printf("bench=store_mean series=%zu samples=%zu ms_p50=%.2f buckets=%.0f mean=%.6f\n", asked,
           asked * s->rows, ms[s->runs / 2], sum[1], sum[0] / sum[1]);
    reader_close(reader);
}

static double bytes_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (double)about.st_size : 0;
}

static bool settings_read(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        size_t number = strtoull(value, NULL, 10);
        if (strcmp(name, "--data") == 0) s->data = value;
        else if (strcmp(name, "--dir") == 0) s->dir = value;
        else if (strcmp(name, "--assets") == 0) s->assets = number;
        else if (strcmp(name, "--rows") == 0) s->rows = number;
        else if (strcmp(name, "--turn") == 0) s->turn = number;
        else if (strcmp(name, "--runs") == 0) s->runs = number;
        else if (strcmp(name, "--judged") == 0) s->judged = number;
        else if (strcmp(name, "--interval") == 0) s->interval_s = strtod(value, NULL);
        else return false;
    }
    return argc % 2 == 1 && s->assets >= 1 && s->rows >= 1 && s->turn >= 1 && s->runs >= 1 &&
           s->runs <= RUNS_MAX && s->interval_s > 0;
}

int main(int argc, char **argv)
{
    struct settings s = {.dir = "/tmp", .assets = 200, .rows = 6667, .turn = 4096, .runs = 11,
                         .interval_s = 10};
    char folder[512], path[640];
    if (!settings_read(&s, argc, argv)) {
        fprintf(stderr, "usage: %s [--data FILE] [--assets N] [--rows N] [--interval S] "
                        "[--turn ROWS] [--judged 1] [--dir DIR] [--runs N]\n", argv[0]);
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/andon-bench-XXXXXX", s.dir);
    if (mkdtemp(folder) == NULL) fail("cannot make a directory");
    snprintf(path, sizeof path, "%s/andon.db", folder);
    struct load l = {.s = &s, .value = make(&s), .asset = calloc(s.assets, sizeof *l.asset),
                     .channel = calloc(s.assets * CHANNELS, sizeof *l.channel),
                     .row = calloc(s.turn, sizeof *l.row), .field = calloc(s.turn, sizeof *l.field)};
    if (l.asset == NULL || l.channel == NULL || l.row == NULL || l.field == NULL) fail("no memory");
    if (s.data != NULL) write_lines(&s, l.value);
    struct store_options options = {.path = path};
    struct store *store;
    struct store_figures figures;
    andon_error err;
    double turn_ms_max, samples = (double)(s.assets * s.rows * CHANNELS);
    if (store_open(&options, &store, &err) != ANDON_OK) fail(err.text);
    name_all(&s, store, l.asset, l.channel);
    double used = write_all(&l, store, &turn_ms_max), from = cpu_s();
    store_figures(store, &figures);
    store_close(store);
    used += cpu_s() - from;
    printf("bench=store_write assets=%zu samples=%.0f samples_core_s=%.0f turn_rows=%zu judged=%zu "
           "turn_ms_max=%.1f hot_rows=%llu\n",
           s.assets, samples, samples / used, s.turn, s.judged, turn_ms_max,
           (unsigned long long)figures.hot_rows);
    printf("bench=store_bytes samples=%.0f bytes_sample=%.4f\n", samples, bytes_of(path) / samples);
    ask(&l, path);
    if (getenv("ANDON_BENCH_KEEP") == NULL) {
        unlink(path);
        rmdir(folder);
    }
    return 0;
}
