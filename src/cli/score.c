/* andon score: a model and a CSV file in, a CSV file of verdicts out, as a stream. */
#include <stdlib.h>
#include <string.h>

#include "andon/andon.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verdict_writer.h"
#include "base/json.h"
#include "ingest/samples.h"

#include <stdio.h>

struct score_options {
    const char *model, *data, *out, *kernel, *time;
    bool explain, no_header, json, quiet;
};

#define AT(field) offsetof(struct score_options, field)
static const struct argument arguments[] = {
    {"--model", ARGUMENT_TEXT, AT(model), "MODEL", "written by andon train", true},
    {"--data", ARGUMENT_TEXT, AT(data), "FILE", "CSV with the model's columns; - is standard input",
     true},
    {"--out", ARGUMENT_TEXT, AT(out), "FILE", "one row per input row; - is standard output", true},
    {"--explain", ARGUMENT_FLAG, AT(explain), NULL,
     "one more column per channel: its part of the score", false},
    {"--time", ARGUMENT_TEXT, AT(time), "COL", "the time, if not the column of the training",
     false},
    {"--kernel", ARGUMENT_TEXT, AT(kernel), "NAME",
     "plain, avx2, avx512 or neon (default: the fastest)", false},
    {"--no-header", ARGUMENT_FLAG, AT(no_header), NULL, "the columns are c0, c1, ...", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints the summary as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no notes, no bar, no summary", false},
    {0}};

static const struct command_line line = {
    "score", "--model MODEL --data FILE --out FILE [OPTIONS]",
    "Judges every row from the rows up to it.",
    "Columns: row, timestamp, score (1 is the alarm budget's level, higher is more anomalous),\n"
    "p_value, is_anomaly, state (NORMAL, ANOMALY, UNKNOWN), reason, channel (the one that\n"
    "contributes most), share (its part); with --explain contrib_<channel>. What could not be\n"
    "judged has nan as score. Memory does not depend on the size of the file.\n",
    arguments};

/* What one scoring needs; zeroed, it may be ended. */
struct work {
    const struct score_options *options;
    struct andon_arena arena;
    struct andon_model *model;
    struct samples_request request;
    struct samples *samples;
    struct vocabulary regimes;
    struct andon_scorer *scorer;
    void *memory;
    struct andon_verdict *verdict; /* verdict[rows] */
    float *share;                  /* share[rows][channels], with --explain */
    int32_t *regime;               /* regime[rows] */
    struct verdict_writer writer;
    struct output output;
    struct progress progress;
    uint64_t rows, anomalies, unknowns;
};

static andon_status open_samples(struct work *w, andon_error *err)
{
    const struct score_options *o = w->options;
    andon_status st = model_file_request(w->model, o->data, &w->arena, &w->request, err);
    if (st != ANDON_OK) return st;
    w->request.no_header = o->no_header;
    if (o->time != NULL) {
        w->request.time = o->time;
        w->request.time_may_miss = false;
    }
    return samples_open(&w->samples, &w->request, err);
}

static void say_what_was_taken(const struct work *w)
{
    char names[200];
    if (csv_header(samples_csv(w->samples)) == CSV_HEADER_ABSENT)
        cli_note(w->options->quiet, "no header found, the columns are named c0, c1, ...");
    const char *expected = w->request.time, *time = samples_time(w->samples);
    if (expected != NULL && time == NULL)
        cli_note(w->options->quiet, "no column %s: rows are taken as equally apart", expected);
    else if (expected != NULL && strcmp(expected, time) != 0)
        cli_note(w->options->quiet, "no column %s: column %s is taken as the time", expected, time);
    if (samples_ignored(w->samples, names, sizeof names) > 0)
        cli_note(w->options->quiet, "columns that the model does not use: %s", names);
}

static andon_status make_scorer(struct work *w, enum andon_kernel kernel, andon_error *err)
{
    size_t rows = samples_rows(w->samples), bytes = andon_scorer_bytes(w->model, rows);
    w->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    w->verdict = calloc(rows, sizeof *w->verdict);
    w->regime = calloc(rows, sizeof *w->regime);
    w->share = calloc(w->options->explain ? rows * w->request.channels : 1, sizeof *w->share);
    if (w->memory == NULL || w->verdict == NULL || w->regime == NULL || w->share == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory to score: %zu bytes", bytes);
    memset(w->memory, 0, bytes);
    w->scorer = andon_scorer_init(w->model, rows, kernel, w->memory);
    return ANDON_OK;
}

static void find_regimes(struct work *w, struct samples_batch *b)
{
    if (b->regime == NULL) return;
    for (size_t k = 0; k < b->series.n; k++) {
        struct csv_cell cell = b->regime[k * b->stride];
        w->regime[k] = vocabulary_find(&w->regimes, cell.text, cell.length);
    }
    b->series.regime = w->regime;
}

static void score_batch(struct work *w, struct samples_batch *b)
{
    bool explain = w->options->explain;
    find_regimes(w, b);
    andon_scorer_run(w->scorer, &b->series, explain ? ANDON_EXPLAIN_ALL : ANDON_EXPLAIN_ALARMS,
                     w->verdict, explain ? w->share : NULL);
    for (size_t k = 0; k < b->series.n; k++) {
        const struct andon_verdict *v = &w->verdict[k];
        struct csv_cell time = {"", 0};
        if (b->time != NULL) time = b->time[k * b->stride];
        verdict_writer_row(&w->writer, time, v,
                           explain ? w->share + k * w->request.channels : NULL);
        w->anomalies += v->is_anomaly != 0;
        w->unknowns += v->state == ANDON_UNKNOWN;
    }
    w->rows += b->series.n;
}

static andon_status score_rows(struct work *w, andon_error *err)
{
    struct samples_batch b;
    do {
        andon_status st = samples_read(w->samples, &b, err);
        if (st != ANDON_OK) return st;
        score_batch(w, &b);
        progress_tell(&w->progress, csv_part(samples_csv(w->samples)));
    } while (b.series.n > 0 && w->output.error == 0);
    if (w->rows > 0) return ANDON_OK;
    return andon_fail(err, ANDON_EDATA, "%s: found a header and no rows, expected rows",
                      w->options->data);
}

static void print_summary(const struct work *w)
{
    const struct score_options *o = w->options;
    if (o->json && strcmp(o->out, "-") != 0) {
        struct json j;
        json_printing(&j, stdout);
        json_open(&j, NULL, '{');
        json_cstring(&j, "data", o->data);
        json_cstring(&j, "out", o->out);
        json_cstring(&j, "detector", andon_model_detector(w->model));
        json_whole(&j, "rows", (long long)w->rows);
        json_whole(&j, "anomalies", (long long)w->anomalies);
        json_whole(&j, "unknown", (long long)w->unknowns);
        json_close(&j, '}');
    } else if (!o->quiet && strcmp(o->out, "-") != 0)
        printf("%s: %llu rows, %llu ANOMALY, %llu UNKNOWN, %llu NORMAL\n", o->out,
               (unsigned long long)w->rows, (unsigned long long)w->anomalies,
               (unsigned long long)w->unknowns,
               (unsigned long long)(w->rows - w->anomalies - w->unknowns));
}

static andon_status score(struct work *w, enum andon_kernel kernel, andon_error *err)
{
    const struct score_options *o = w->options;
    andon_status st = model_file_load(o->model, &w->arena, &w->model, err);
    if (st != ANDON_OK) return st;
    model_file_regimes(w->model, &w->regimes);
    st = open_samples(w, err);
    if (st != ANDON_OK) return st;
    say_what_was_taken(w);
    st = make_scorer(w, kernel, err);
    if (st == ANDON_OK) st = output_open(&w->output, o->out, err);
    if (st == ANDON_OK)
        st = verdict_writer_start(&w->writer, &w->output, andon_model_recipe(w->model), o->explain,
                                  err);
    progress_start(&w->progress, "scoring", o->quiet);
    if (st == ANDON_OK) st = score_rows(w, err);
    progress_end(&w->progress);
    if (st == ANDON_OK) st = output_commit(&w->output, false, err);
    if (st == ANDON_OK) print_summary(w);
    return st;
}

static void end_work(struct work *w)
{
    output_abandon(&w->output);
    verdict_writer_end(&w->writer);
    samples_close(w->samples);
    free(w->memory);
    free(w->verdict);
    free(w->regime);
    free(w->share);
    andon_arena_free(&w->arena);
}

int score_main(int argc, char **argv)
{
    static struct score_options options;
    static struct work work = {.options = &options, .output = {.fd = -1}};
    andon_error err = {{0}};
    enum andon_kernel kernel = andon_kernel_best();
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (options.kernel != NULL &&
        (!andon_kernel_named(options.kernel, &kernel) || !andon_kernel_usable(kernel)))
        return argument_wrong(&line,
                              "--kernel %s: expected one that this machine has; plain always "
                              "is",
                              options.kernel);
    int status = cli_end("score", score(&work, kernel, &err), &err);
    end_work(&work);
    return status;
}
