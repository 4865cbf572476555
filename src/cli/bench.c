/* andon bench: how fast this build's models fit and score on this machine, on generated rows.
 * One line per case: bench=NAME key=value ... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "andon/andon.h"
#include "cli/arguments.h"
#include "cli/cli.h"

#define BENCH_BYTES_MAX ((size_t)4 << 30)

enum { CHANNELS = 27, BATCH_ROWS = 1024, REPEATS = 5, SINGLE_ROWS = 20000 };

struct bench_options {
    struct argument_values detector;
    const char *kernel;
    uint64_t train_rows, rows;
    bool quiet;
};

#define AT(field) offsetof(struct bench_options, field)
static const struct argument arguments[] = {
    {"--detector", ARGUMENT_EACH, AT(detector), "NAME",
     "can be repeated (default: iforest and ensemble)", false},
    {"--rows", ARGUMENT_COUNT, AT(rows), "N", "rows to score (default 200000)", false},
    {"--train-rows", ARGUMENT_COUNT, AT(train_rows), "N", "rows to train (default 43200)", false},
    {"--kernel", ARGUMENT_TEXT, AT(kernel), "NAME",
     "plain, avx2, avx512 or neon (default: the fastest)", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "accepted; there is nothing to leave out", false},
    {0}};

static const struct command_line line = {
    "bench", "[OPTIONS]", "Measures fitting and scoring on generated rows of 27 channels.",
    "fit_s: one fit. rows_s: median of 5 runs over all rows in batches of 1024, features and\n"
    "verdicts included. ns_row_p50, ns_row_p99: rows given one at a time.\n",
    arguments};

struct bench {
    struct andon_arena arena;
    size_t rows;
    double *value; /* value[rows][CHANNELS] */
    enum andon_kernel kernel;
    char cpu[80];
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void name_cpu(char *text, size_t room)
{
    char row[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(text, room, "unknown");
    while (f != NULL && fgets(row, sizeof row, f) != NULL) {
        char *colon = strchr(row, ':');
        if (colon == NULL || strncmp(row, "model name", 10) != 0) continue;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(text, room, "%s", colon + 2);
        break;
    }
    if (f != NULL) fclose(f);
    for (char *at = text; *at != 0; at++)
        if (*at == ' ') *at = '_';
}

/* Slowly wandering channels that share three causes, with noise of their own. */
static void generate(double *value, size_t rows)
{
    struct andon_rng rng;
    double cause[3] = {0.0};
    andon_rng_seed(&rng, 7);
    for (size_t i = 0; i < rows; i++, value += CHANNELS) {
        for (int k = 0; k < 3; k++) cause[k] = 0.98 * cause[k] + 0.2 * andon_rng_normal(&rng);
        for (int c = 0; c < CHANNELS; c++)
            value[c] = 10.0 * c + cause[c % 3] * (1 + c % 5) + 0.5 * andon_rng_normal(&rng);
    }
}

/* Rows as generated, with faults in them: for a tenth of every FAULT_ROWS rows a third of the channels
 * stands off. */
enum { FAULT_ROWS = 200 };

static andon_status add_faults(struct andon_training *in, struct andon_arena *arena, andon_error *err)
{
    static const char *const kinds[] = {"normal", "fault"};
    size_t n = in->series.n;
    double *value = andon_arena_array(arena, n, CHANNELS * sizeof *value);
    int32_t *label = andon_arena_array(arena, n, sizeof *label);
    if (value == NULL || label == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %zu labelled rows", n);
    memcpy(value, in->series.value, n * CHANNELS * sizeof *value);
    for (size_t i = 0; i < n; i++) {
        label[i] = i % FAULT_ROWS < FAULT_ROWS / 10;
        for (size_t c = i / FAULT_ROWS % 3; c < CHANNELS; c += 3)
            value[i * CHANNELS + c] += 6.0 * label[i];
    }
    in->series.value = value;
    in->label = label;
    in->classes = 2;
    in->class_name = kinds;
    return ANDON_OK;
}

static bool is_supervised(const char *name)
{
    const struct andon_detector *detector = andon_detector_named(name);
    return detector != NULL && (detector->traits & ANDON_SUPERVISED) != 0;
}

static andon_status fit(struct bench *b, const char *detector, size_t rows,
                        struct andon_model **model, double *fit_s, andon_error *err)
{
    static char name[CHANNELS][8];
    static const char *names[CHANNELS];
    static const struct andon_setting plain = {"recipe.features", "value"};
    for (int c = 0; c < CHANNELS; c++) {
        snprintf(name[c], sizeof name[c], "c%d", c);
        names[c] = name[c];
    }
    struct andon_arena scratch;
    andon_arena_init(&scratch, andon_allocator_libc(), BENCH_BYTES_MAX);
    struct andon_training in = {
        .schema = {.channels = CHANNELS, .channel = names},
        .series = {.n = rows, .channels = CHANNELS, .value = b->value},
        .detector = detector,
        .budget_per_day = 3.0,
        .setting = &plain,
        .settings = 1,
        .seed = 1,
        .kernel = b->kernel};
    andon_status st = is_supervised(detector) ? add_faults(&in, &scratch, err) : ANDON_OK;
    double start = now_s();
    if (st == ANDON_OK) st = andon_model_fit(&in, &scratch, &b->arena, model, err);
    *fit_s = now_s() - start;
    andon_arena_free(&scratch);
    return st;
}

static void run_rows(struct andon_scorer *scorer, const double *value, size_t n,
                     struct andon_verdict *verdict)
{
    const struct andon_series s = {.n = n, .channels = CHANNELS, .value = value};
    andon_scorer_run(scorer, &s, ANDON_EXPLAIN_NONE, verdict, NULL);
}

static double rows_per_s(struct bench *b, const struct andon_model *model, void *memory,
                         struct andon_verdict *verdict)
{
    double seconds[REPEATS];
    for (int r = 0; r < REPEATS; r++) {
        struct andon_scorer *scorer = andon_scorer_init(model, BATCH_ROWS, b->kernel, memory);
        double start = now_s();
        for (size_t at = 0; at < b->rows; at += BATCH_ROWS) {
            size_t n = b->rows - at < BATCH_ROWS ? b->rows - at : (size_t)BATCH_ROWS;
            run_rows(scorer, b->value + at * CHANNELS, n, verdict);
        }
        seconds[r] = now_s() - start;
    }
    qsort(seconds, REPEATS, sizeof *seconds, by_value);
    return (double)b->rows / seconds[REPEATS / 2];
}

static void one_by_one(struct bench *b, const struct andon_model *model, void *memory,
                       struct andon_verdict *verdict, double *p50, double *p99)
{
    static double seconds[SINGLE_ROWS];
    size_t n = b->rows < SINGLE_ROWS ? b->rows : (size_t)SINGLE_ROWS;
    struct andon_scorer *scorer = andon_scorer_init(model, BATCH_ROWS, b->kernel, memory);
    for (size_t i = 0; i < n; i++) {
        double start = now_s();
        run_rows(scorer, b->value + i * CHANNELS, 1, verdict);
        seconds[i] = now_s() - start;
    }
    qsort(seconds, n, sizeof *seconds, by_value);
    *p50 = seconds[n / 2] * 1e9;
    *p99 = seconds[n - 1 - n / 100] * 1e9;
}

static andon_status bench_detector(struct bench *b, const char *detector, size_t train_rows,
                                   andon_error *err)
{
    struct andon_model *model = NULL;
    double fit_s = 0.0, p50 = 0.0, p99 = 0.0;
    andon_status st = fit(b, detector, train_rows, &model, &fit_s, err);
    if (st != ANDON_OK) return st;
    void *memory = andon_arena_take(&b->arena, andon_scorer_bytes(model, BATCH_ROWS));
    struct andon_verdict *verdict = andon_arena_array(&b->arena, BATCH_ROWS, sizeof *verdict);
    if (memory == NULL || verdict == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory to score with %s", detector);
    double rows_s = rows_per_s(b, model, memory, verdict);
    one_by_one(b, model, memory, verdict, &p50, &p99);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("bench=%s train_rows=%zu fit_s=%.4f rows=%zu channels=%d rows_s=%.0f ns_row_p50=%.0f "
           "ns_row_p99=%.0f rss_kb=%ld kernel=%s cpu=%s commit=%s\n",
           detector, train_rows, fit_s, b->rows, CHANNELS, rows_s, p50, p99, usage.ru_maxrss,
           andon_kernel_name(b->kernel), b->cpu, ANDON_COMMIT);
    fflush(stdout);
    return ANDON_OK;
}

static andon_status bench(struct bench *b, const struct bench_options *o, andon_error *err)
{
    static const char *const usual[] = {"iforest", "ensemble"};
    const char *const *detector = o->detector.count > 0 ? o->detector.value : usual;
    size_t detectors = o->detector.count > 0 ? o->detector.count : 2;
    size_t most = o->rows > o->train_rows ? o->rows : o->train_rows;
    andon_arena_init(&b->arena, andon_allocator_libc(), BENCH_BYTES_MAX);
    b->rows = o->rows;
    b->value = andon_arena_array(&b->arena, most, CHANNELS * sizeof *b->value);
    if (b->value == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for %zu rows", most);
    generate(b->value, most);
    name_cpu(b->cpu, sizeof b->cpu);
    andon_status st = ANDON_OK;
    for (size_t i = 0; i < detectors && st == ANDON_OK; i++) {
        struct andon_arena_mark mark = andon_arena_mark(&b->arena);
        st = bench_detector(b, detector[i], o->train_rows, err);
        andon_arena_rewind(&b->arena, mark);
    }
    return st;
}

int bench_main(int argc, char **argv)
{
    static struct bench_options options = {.train_rows = 43200, .rows = 200000};
    struct bench b = {.kernel = andon_kernel_best()};
    andon_error err = {{0}};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (options.kernel != NULL &&
        (!andon_kernel_named(options.kernel, &b.kernel) || !andon_kernel_usable(b.kernel)))
        return argument_wrong(&line,
                              "--kernel %s: expected one that this machine has; plain always "
                              "is",
                              options.kernel);
    if (options.rows == 0 || options.train_rows == 0)
        return argument_wrong(&line, "--rows and --train-rows: expected 1 or more");
    int status = cli_end("bench", bench(&b, &options, &err), &err);
    andon_arena_free(&b.arena);
    return status;
}
