/* andon evaluate: scores labelled data as `andon score` does and measures the answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "andon/andon.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/evaluate_print.h"
#include "cli/judged.h"
#include "learn/report.h"

#define WORK_BYTES_MAX ((size_t)8 << 30)

enum { VUS_WINDOW = 100, RANDOM_SEED = 1, COMPARED_MAX = 32 };

struct evaluate_options {
    struct argument_values data, price, compare;
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
    {"--compare", ARGUMENT_LIST, AT(compare), "MODEL...",
     "other models on the same rows; prints one table", false},
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

/* A model beside the first one. */
struct compared {
    const char *name;
    struct metrics metrics;
};

/* What one evaluation needs; zeroed, it may be ended. */
struct work {
    const struct evaluate_options *options;
    struct prices prices;
    struct judged_request request;
    struct judged judged;
    struct andon_arena arena; /* lists of the metrics, names */
    struct metrics measured, always, random;
    struct compared compared[COMPARED_MAX];
    size_t compareds;
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
    struct judged_request *r = &w->request;
    *r = (struct judged_request){.path = o->data.value,
                                 .paths = o->data.count,
                                 .label = o->label,
                                 .end = UINT64_MAX,
                                 .group_s = METRICS_GROUP_S,
                                 .vus_window = (uint32_t)o->vus,
                                 .kernel = andon_kernel_best(),
                                 .no_header = o->no_header,
                                 .quiet = o->quiet,
                                 .with_share = o->report != NULL};
    if (o->rows != NULL && !argument_rows(o->rows, &r->first, &r->end)) {
        argument_wrong(&line, "--rows %s: expected A:B with A < B", o->rows);
        return false;
    }
    if (o->group != NULL) {
        char *end;
        r->group_s = strtod(o->group, &end);
        if (end == o->group || *end != 0 || !(r->group_s >= 0.0 && r->group_s < 1e9)) {
            argument_wrong(&line, "--group %s: expected seconds, 0 or more", o->group);
            return false;
        }
    }
    if (o->kernel != NULL &&
        (!andon_kernel_named(o->kernel, &r->kernel) || !andon_kernel_usable(r->kernel))) {
        argument_wrong(&line, "--kernel %s: expected one that this machine has; plain always is",
                       o->kernel);
        return false;
    }
    if (o->vus > 10000) {
        argument_wrong(&line, "--vus %llu: expected at most 10000 rows",
                       (unsigned long long)o->vus);
        return false;
    }
    if (o->compare.count > COMPARED_MAX) {
        argument_wrong(&line, "--compare: expected at most %d models", COMPARED_MAX);
        return false;
    }
    return take_prices(w);
}

/* The budget that the model was trained for, alarms a day; 0: unknown. */
static double budget_of(const struct work *w)
{
    double per_day = 0.0;
    const char *budget = andon_model_noted(w->judged.model, "budget");
    return budget != NULL && argument_budget(budget, &per_day) ? per_day : 0.0;
}

/* The kind of fault that each event begins with; NULL without kinds. */
static const char **kinds_of(struct work *w)
{
    const struct table *t = &w->judged.table;
    if (t->classes.words <= 2) return NULL;
    const char **kind = andon_arena_array(&w->arena, w->measured.events + 1, sizeof *kind);
    for (size_t i = 0; kind != NULL && i < w->measured.events; i++)
        kind[i] = t->classes.list[t->label[w->request.first + w->measured.event[i].first]];
    return kind;
}

/* The lines of the comparison: models first, baselines last; NULL when the arena is full. */
static struct report_entry *entries_of(struct work *w, uint32_t *entries)
{
    struct report_entry *entry = andon_arena_array(&w->arena, w->compareds + 3, sizeof *entry);
    if (entry == NULL) return NULL;
    uint32_t n = 0;
    entry[n++] = (struct report_entry){andon_model_detector(w->judged.model), &w->measured, false};
    for (size_t i = 0; i < w->compareds; i++)
        entry[n++] = (struct report_entry){w->compared[i].name, &w->compared[i].metrics, false};
    entry[n++] = (struct report_entry){"always alarm", &w->always, true};
    entry[n++] = (struct report_entry){"random", &w->random, true};
    *entries = n;
    return entry;
}

static andon_status write_report(struct work *w, const struct metrics_input *input,
                                 const struct evaluation *e, andon_error *err)
{
    const struct evaluate_options *o = w->options;
    const struct table *t = &w->judged.table;
    size_t first = (size_t)w->request.first;
    const struct report report = {.title = o->title != NULL ? o->title : o->data.value[0],
                                  .data = o->data.value[0],
                                  .model = o->model,
                                  .card = andon_model_card(w->judged.model),
                                  .budget_per_day = e->budget_per_day,
                                  .input = input,
                                  .metrics = &w->measured,
                                  .channels = t->channels,
                                  .channel = (const char *const *)t->channel,
                                  .value = t->value + first * t->channels,
                                  .share = w->judged.share + first * t->channels,
                                  .lead = w->judged.lead + first,
                                  .regime = t->regimes.list,
                                  .kind = kinds_of(w),
                                  .entry = e->entry,
                                  .entries = e->entries};
    return report_write(&report, o->report, &w->arena, err);
}

static void print_figures(const struct work *w, const struct evaluation *e)
{
    const struct evaluate_options *o = w->options;
    if (o->json)
        evaluate_print_json(e);
    else if (!o->quiet && w->compareds > 0)
        evaluate_print_comparison(e);
    else if (!o->quiet)
        evaluate_print_text(e);
    if (o->report != NULL && !o->json && !o->quiet) printf("\nreport: %s\n", o->report);
}

/* A model is called after its detector, and after its file when that name is taken. */
static const char *name_of(struct work *w, const struct andon_model *model, const char *path)
{
    const char *name = andon_model_detector(model);
    bool taken = strcmp(name, andon_model_detector(w->judged.model)) == 0;
    for (size_t i = 0; i < w->compareds && !taken; i++)
        taken = strcmp(name, w->compared[i].name) == 0;
    return andon_arena_text(&w->arena, taken ? path : name);
}

static andon_status measure_other(struct work *w, const char *path, andon_error *err)
{
    struct judged_request request = w->request;
    struct judged other = {0};
    struct compared *c = &w->compared[w->compareds];
    request.with_share = false;
    andon_status st = judged_read(&other, path, &request, err);
    if (st == ANDON_OK) {
        struct metrics_input in = judged_input(&other);
        st = metrics_measure(&in, &w->prices, &w->arena, &c->metrics, err);
        c->name = st == ANDON_OK ? name_of(w, other.model, path) : NULL;
    }
    judged_free(&other);
    if (st != ANDON_OK) return st;
    if (c->name == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a name");
    w->compareds++;
    return ANDON_OK;
}

static andon_status measure(struct work *w, const struct metrics_input *in, andon_error *err)
{
    struct andon_arena *a = &w->arena;
    andon_status st = metrics_measure(in, &w->prices, a, &w->measured, err);
    if (st == ANDON_OK) st = metrics_always(in, &w->prices, a, &w->always, err);
    if (st == ANDON_OK) st = metrics_random(in, &w->prices, RANDOM_SEED, a, &w->random, err);
    for (size_t i = 0; i < w->options->compare.count && st == ANDON_OK; i++)
        st = measure_other(w, w->options->compare.value[i], err);
    return st;
}

static andon_status show(struct work *w, const struct metrics_input *in, andon_error *err)
{
    const struct evaluate_options *o = w->options;
    struct evaluation e = {.model = o->model,
                           .detector = andon_model_detector(w->judged.model),
                           .data = o->data.value[0],
                           .label = o->label,
                           .measured = &w->measured,
                           .always = &w->always,
                           .random = &w->random,
                           .regime = w->judged.table.regimes.list,
                           .budget_per_day = budget_of(w)};
    e.entry = entries_of(w, &e.entries);
    if (e.entry == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the comparison");
    andon_status st = o->report != NULL ? write_report(w, in, &e, err) : ANDON_OK;
    if (st == ANDON_OK) print_figures(w, &e);
    return st;
}

static andon_status evaluate(struct work *w, andon_error *err)
{
    andon_arena_init(&w->arena, andon_allocator_libc(), WORK_BYTES_MAX);
    andon_status st = judged_read(&w->judged, w->options->model, &w->request, err);
    if (st != ANDON_OK) return st;
    struct metrics_input in = judged_input(&w->judged);
    st = measure(w, &in, err);
    return st == ANDON_OK ? show(w, &in, err) : st;
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
    judged_free(&work.judged);
    andon_arena_free(&work.arena);
    return status;
}
