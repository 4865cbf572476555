/* andon evaluate: scores labelled data as `andon score` does and measures the answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "andon/andon.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/evaluate_print.h"
#include "cli/model_file.h"
#include "cli/progress.h"
#include "ingest/table.h"
#include "learn/report.h"

#define WORK_BYTES_MAX ((size_t)8 << 30)

enum { BATCH_ROWS = 1024, VUS_WINDOW = 100, GROUP_S = 300, RANDOM_SEED = 1 };

struct evaluate_options {
    struct argument_values data, price;
    const char *model, *label, *report, *rows, *kernel, *group, *title;
    uint64_t vus;
    bool no_header, json, quiet;
};

#define AT(field) offsetof(struct evaluate_options, field)
static const struct argument arguments[] = {
    {"--model", ARGUMENT_TEXT, AT(model), "MODEL", "written by andon train", true},
    {"--data", ARGUMENT_LIST, AT(data), "FILE...", "CSV with the model's columns and a label",
     true},
    {"--label", ARGUMENT_TEXT, AT(label), "COL", "0 or normal, else 1 or the kind of fault", true},
    {"--report", ARGUMENT_TEXT, AT(report), "FILE.html", "writes everything as one page", false},
    {"--rows", ARGUMENT_TEXT, AT(rows), "A:B",
     "measures rows A to B-1, counted from 0; earlier rows\nare scored, for the windows", false},
    {"--price", ARGUMENT_EACH, AT(price), "KEY=VALUE",
     "fp (cost of a false alarm, 500), fn (of a missed\nevent, 10000), tp (benefit of a found one, "
     "8000),\ndowntime_h (2)",
     false},
    {"--group", ARGUMENT_TEXT, AT(group), "S", "alarms closer than S seconds are one (default 300)",
     false},
    {"--vus", ARGUMENT_COUNT, AT(vus), "ROWS", "largest buffer of VUS (default 100; 0: none)",
     false},
    {"--kernel", ARGUMENT_TEXT, AT(kernel), "NAME",
     "plain, avx2, avx512 or neon (default: the fastest)", false},
    {"--title", ARGUMENT_TEXT, AT(title), "TEXT", "the report's title", false},
    {"--no-header", ARGUMENT_FLAG, AT(no_header), NULL, "the columns are c0, c1, ...", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints the figures as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no notes, no bar, no table", false},
    {0}};

static const struct command_line line = {
    "evaluate", "--model MODEL --data FILE... --label COL [OPTIONS]",
    "Measures a model on labelled data, beside an alarm that always sounds and a random one.",
    "An event is a run of labelled rows; it is found when an alarm touches it. Nothing is\n"
    "point-adjusted. Rows that could not be judged count as not alarmed.\n",
    arguments};

/* What one evaluation needs; zeroed, it may be ended. */
struct work {
    const struct evaluate_options *options;
    struct prices prices;
    double group_s;
    enum andon_kernel kernel;
    uint64_t first, end; /* rows that are measured */
    struct andon_arena model_arena, arena;
    struct andon_model *model;
    struct table table;
    struct vocabulary regimes;
    struct progress progress;
    /* n rows each, in the arena. */
    double *score, *p_value;
    uint8_t *label, *alarm, *unknown;
    uint32_t *lead;
    float *share; /* share[n][channels], for the report */
    struct metrics measured, always, random;
};

static bool take_prices(struct work *w)
{
    prices_default(&w->prices);
    for (size_t i = 0; i < w->options->price.count; i++) {
        char key[64];
        const char *text = w->options->price.value[i], *value = strchr(text, '=');
        andon_error err = {{0}};
        if (value == NULL || (size_t)(value - text) >= sizeof key) {
            argument_wrong(&line, "--price %s: expected KEY=VALUE", text);
            return false;
        }
        snprintf(key, sizeof key, "%.*s", (int)(value - text), text);
        if (andon_option_set(prices_table, &w->prices, key, value + 1, &err) == ANDON_OK) continue;
        argument_wrong(&line, "--price %s", err.text);
        return false;
    }
    return true;
}

static bool check_options(struct work *w)
{
    const struct evaluate_options *o = w->options;
    w->group_s = GROUP_S;
    w->end = UINT64_MAX;
    w->kernel = andon_kernel_best();
    if (o->rows != NULL && !argument_rows(o->rows, &w->first, &w->end)) {
        argument_wrong(&line, "--rows %s: expected A:B with A < B", o->rows);
        return false;
    }
    if (o->group != NULL) {
        char *end;
        w->group_s = strtod(o->group, &end);
        if (end == o->group || *end != 0 || !(w->group_s >= 0.0 && w->group_s < 1e9)) {
            argument_wrong(&line, "--group %s: expected seconds, 0 or more", o->group);
            return false;
        }
    }
    if (o->kernel != NULL &&
        (!andon_kernel_named(o->kernel, &w->kernel) || !andon_kernel_usable(w->kernel))) {
        argument_wrong(&line, "--kernel %s: expected one that this machine has; plain always is",
                       o->kernel);
        return false;
    }
    if (o->vus > 10000) {
        argument_wrong(&line, "--vus %llu: expected at most 10000 rows",
                       (unsigned long long)o->vus);
        return false;
    }
    return take_prices(w);
}

static void tell(void *context, double part)
{
    progress_tell(context, part);
}

/* Rows before --rows are read too: windows and memories start where the file does. */
static andon_status read_data(struct work *w, andon_error *err)
{
    const struct evaluate_options *o = w->options;
    struct table_request request = {.path = o->data.value,
                                    .paths = o->data.count,
                                    .regimes = &w->regimes,
                                    .end = w->end,
                                    .tell = tell,
                                    .context = &w->progress};
    andon_status st =
        model_file_request(w->model, o->data.value[0], &w->model_arena, &request.columns, err);
    if (st != ANDON_OK) return st;
    request.columns.label = o->label;
    request.columns.no_header = o->no_header;
    model_file_regimes(w->model, &w->regimes);
    progress_start(&w->progress, "reading", o->quiet);
    st = table_read(&w->table, &request, err);
    progress_end(&w->progress);
    if (st == ANDON_OK && w->first >= w->table.rows)
        return andon_fail(err, ANDON_EDATA, "%s: found %zu rows, expected more than %llu (--rows)",
                          o->data.value[0], w->table.rows, (unsigned long long)w->first);
    return st;
}

static andon_status make_room(struct work *w, andon_error *err)
{
    size_t n = w->table.rows;
    struct andon_arena *a = &w->arena;
    andon_arena_init(a, andon_allocator_libc(), WORK_BYTES_MAX);
    w->score = andon_arena_array(a, n, sizeof *w->score);
    w->p_value = andon_arena_array(a, n, sizeof *w->p_value);
    w->label = andon_arena_array(a, n, sizeof *w->label);
    w->alarm = andon_arena_array(a, n, sizeof *w->alarm);
    w->unknown = andon_arena_array(a, n, sizeof *w->unknown);
    w->lead = andon_arena_array(a, n, sizeof *w->lead);
    bool full = w->score == NULL || w->p_value == NULL || w->label == NULL || w->alarm == NULL ||
                w->unknown == NULL || w->lead == NULL;
    if (w->options->report != NULL && !full) {
        w->share = andon_arena_array(a, n, w->table.channels * sizeof *w->share);
        full = w->share == NULL;
    }
    return full ? andon_fail(err, ANDON_ENOMEM, "no memory for %zu verdicts", n) : ANDON_OK;
}

static void keep_verdict(struct work *w, size_t row, const struct andon_verdict *v)
{
    w->score[row] = v->score;
    w->p_value[row] = v->p_value;
    w->label[row] = w->table.label[row] != 0;
    w->alarm[row] = v->is_anomaly;
    w->unknown[row] = v->state == ANDON_UNKNOWN;
    w->lead[row] = v->channel;
}

/* The machine's place in the model starts anew with every file. */
static void score_file(struct work *w, size_t first, size_t end, void *memory,
                       struct andon_verdict *verdict)
{
    struct andon_scorer *scorer = andon_scorer_init(w->model, BATCH_ROWS, w->kernel, memory);
    const struct table *t = &w->table;
    for (size_t at = first; at < end; at += BATCH_ROWS) {
        size_t n = end - at < BATCH_ROWS ? end - at : (size_t)BATCH_ROWS;
        struct andon_series s = {.n = n,
                                 .channels = t->channels,
                                 .value = t->value + at * t->channels,
                                 .ts_ns = t->ts_ns == NULL ? NULL : t->ts_ns + at,
                                 .running = t->running == NULL ? NULL : t->running + at,
                                 .regime = t->regime == NULL ? NULL : t->regime + at};
        float *share = w->share == NULL ? NULL : w->share + at * t->channels;
        andon_scorer_run(scorer, &s, share == NULL ? ANDON_EXPLAIN_NONE : ANDON_EXPLAIN_ALL,
                         verdict, share);
        for (size_t k = 0; k < n; k++) keep_verdict(w, at + k, &verdict[k]);
        progress_tell(&w->progress, (double)(at + n) / (double)t->rows);
    }
}

static andon_status score_rows(struct work *w, andon_error *err)
{
    size_t bytes = andon_scorer_bytes(w->model, BATCH_ROWS);
    void *memory = andon_arena_take(&w->arena, bytes);
    struct andon_verdict *verdict = andon_arena_array(&w->arena, BATCH_ROWS, sizeof *verdict);
    if (memory == NULL || verdict == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory to score: %zu bytes", bytes);
    progress_start(&w->progress, "scoring", w->options->quiet);
    for (size_t f = 0; f < w->table.files; f++) {
        size_t end = f + 1 < w->table.files ? w->table.file_first[f + 1] : w->table.rows;
        score_file(w, w->table.file_first[f], end, memory, verdict);
    }
    progress_end(&w->progress);
    return ANDON_OK;
}

/* Times that do not rise cannot order the rows; the file's order then does. */
static bool times_rise(const struct table *t, size_t first)
{
    for (size_t i = first + 1; t->ts_ns != NULL && i < t->rows; i++)
        if (t->ts_ns[i] <= t->ts_ns[i - 1]) return false;
    return t->ts_ns != NULL;
}

static struct metrics_input input_of(const struct work *w)
{
    const struct table *t = &w->table;
    size_t first = (size_t)w->first;
    bool rise = times_rise(t, first);
    if (t->ts_ns != NULL && !rise)
        cli_note(w->options->quiet, "the times do not rise from row to row; rows are taken as "
                                    "equally apart");
    return (struct metrics_input){.n = t->rows - first,
                                  .label = w->label + first,
                                  .score = w->score + first,
                                  .alarm = w->alarm + first,
                                  .unknown = w->unknown + first,
                                  .p_value = w->p_value + first,
                                  .ts_ns = rise ? t->ts_ns + first : NULL,
                                  .interval_s = t->interval_s > 0.0 ? t->interval_s : 60.0,
                                  .regime = t->regime == NULL ? NULL : t->regime + first,
                                  .regimes = t->regimes.words,
                                  .group_s = w->group_s,
                                  .renew_s = METRICS_RENEW_S,
                                  .grace_s = METRICS_GRACE_S,
                                  .vus_window = (uint32_t)w->options->vus};
}

/* The budget that the model was trained for, alarms a day; 0: unknown. */
static double budget_of(const struct work *w)
{
    double per_day = 0.0;
    const char *budget = andon_model_noted(w->model, "budget");
    return budget != NULL && argument_budget(budget, &per_day) ? per_day : 0.0;
}

/* The kind of fault that each event begins with; NULL without kinds. */
static const char **kinds_of(struct work *w)
{
    const struct table *t = &w->table;
    if (t->classes.words <= 2) return NULL;
    const char **kind = andon_arena_array(&w->arena, w->measured.events + 1, sizeof *kind);
    for (size_t i = 0; kind != NULL && i < w->measured.events; i++)
        kind[i] = t->classes.list[t->label[w->first + w->measured.event[i].first]];
    return kind;
}

static andon_status write_report(struct work *w, const struct metrics_input *input,
                                 andon_error *err)
{
    const struct evaluate_options *o = w->options;
    const struct table *t = &w->table;
    size_t first = (size_t)w->first;
    const char *detector = andon_model_detector(w->model);
    const struct report_entry entry[] = {{detector, &w->measured, false},
                                         {"always alarm", &w->always, true},
                                         {"random", &w->random, true}};
    const struct report report = {.title = o->title != NULL ? o->title : o->data.value[0],
                                  .data = o->data.value[0],
                                  .model = o->model,
                                  .card = andon_model_card(w->model),
                                  .budget_per_day = budget_of(w),
                                  .input = input,
                                  .metrics = &w->measured,
                                  .channels = t->channels,
                                  .channel = (const char *const *)t->channel,
                                  .value = t->value + first * t->channels,
                                  .share = w->share + first * t->channels,
                                  .lead = w->lead + first,
                                  .regime = t->regimes.list,
                                  .kind = kinds_of(w),
                                  .entry = entry,
                                  .entries = 3};
    return report_write(&report, o->report, &w->arena, err);
}

static void print_figures(const struct work *w)
{
    const struct evaluate_options *o = w->options;
    const struct evaluation e = {.model = o->model,
                                 .detector = andon_model_detector(w->model),
                                 .data = o->data.value[0],
                                 .label = o->label,
                                 .measured = &w->measured,
                                 .always = &w->always,
                                 .random = &w->random,
                                 .regime = w->table.regimes.list,
                                 .budget_per_day = budget_of(w)};
    if (o->json)
        evaluate_print_json(&e);
    else if (!o->quiet)
        evaluate_print_text(&e);
    if (o->report != NULL && !o->json && !o->quiet) printf("\nreport: %s\n", o->report);
}

static andon_status measure(struct work *w, andon_error *err)
{
    struct metrics_input in = input_of(w);
    struct andon_arena *a = &w->arena;
    andon_status st = metrics_measure(&in, &w->prices, a, &w->measured, err);
    if (st == ANDON_OK) st = metrics_always(&in, &w->prices, a, &w->always, err);
    if (st == ANDON_OK) st = metrics_random(&in, &w->prices, RANDOM_SEED, a, &w->random, err);
    if (st == ANDON_OK && w->options->report != NULL) st = write_report(w, &in, err);
    if (st == ANDON_OK) print_figures(w);
    return st;
}

static andon_status evaluate(struct work *w, andon_error *err)
{
    andon_status st = model_file_load(w->options->model, &w->model_arena, &w->model, err);
    if (st == ANDON_OK) st = read_data(w, err);
    if (st == ANDON_OK) st = make_room(w, err);
    if (st == ANDON_OK) st = score_rows(w, err);
    return st == ANDON_OK ? measure(w, err) : st;
}

int evaluate_main(int argc, char **argv)
{
    static struct evaluate_options options = {.vus = VUS_WINDOW};
    static struct work work = {.options = &options};
    andon_error err = {{0}};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (!check_options(&work)) return CLI_USAGE;
    int status = cli_end("evaluate", evaluate(&work, &err), &err);
    table_free(&work.table);
    andon_arena_free(&work.model_arena);
    andon_arena_free(&work.arena);
    return status;
}
