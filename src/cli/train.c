/* andon train: CSV files in, a model out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "andon/andon.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "base/json.h"
#include "ingest/table.h"

#define MODEL_BYTES_MAX ((size_t)2 << 30)
#define SCRATCH_BYTES_MAX ((size_t)8 << 30)

struct train_options {
    struct argument_values data, drop, set;
    const char *out, *time, *label, *running, *regime, *rows, *detector, *budget, *kernel;
    uint64_t seed;
    bool no_header, json, quiet;
};

#define AT(field) offsetof(struct train_options, field)
static const struct argument arguments[] = {
    {"--data", ARGUMENT_LIST, AT(data), "FILE...",
     "CSV, TSV or semicolon, plain or gzip; several files\nfollow one another in time", true},
    {"--out", ARGUMENT_TEXT, AT(out), "MODEL", "where the model goes", true},
    {"--time", ARGUMENT_TEXT, AT(time), "COL",
     "the time (default: a column named like one; without\none, rows are a minute apart)", false},
    {"--label", ARGUMENT_TEXT, AT(label), "COL",
     "0 or normal, else 1 or the kind of fault; without\nit all rows count as normal", false},
    {"--running", ARGUMENT_TEXT, AT(running), "COL", "1, running, on ... while the machine runs",
     false},
    {"--regime", ARGUMENT_TEXT, AT(regime), "COL", "the operating state, a word or number", false},
    {"--drop", ARGUMENT_EACH, AT(drop), "COL,...", "columns that are no channels", false},
    {"--rows", ARGUMENT_TEXT, AT(rows), "A:B", "rows A to B-1 of all files, counted from 0", false},
    {"--detector", ARGUMENT_TEXT, AT(detector), "NAME",
     "auto (default), ensemble, or one that andon detectors\nlists; auto: labels of both kinds "
     "make it supervised",
     false},
    {"--budget", ARGUMENT_TEXT, AT(budget), "N/day",
     "false alarms that you accept; also /h, /week, /month\n(default 3/day)", false},
    {"--set", ARGUMENT_EACH, AT(set), "KEY=VALUE",
     "an option that andon detectors lists; can be repeated", false},
    {"--seed", ARGUMENT_COUNT, AT(seed), "N", "of everything that is random (default 0)", false},
    {"--kernel", ARGUMENT_TEXT, AT(kernel), "NAME",
     "plain, avx2, avx512 or neon (default: the fastest)", false},
    {"--no-header", ARGUMENT_FLAG, AT(no_header), NULL, "the columns are c0, c1, ...", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints the model card as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no notes, no bar, no card", false},
    {0}};

static const struct command_line line = {
    "train", "--data FILE... --out MODEL [OPTIONS]",
    "Learns what normal is and prints the model card.",
    "Several files are taken as one series, in the order given. Every column that has no other\n"
    "use is a channel and must hold numbers; blank, nan, null, na and none are missing values.\n",
    arguments};

/* What one training needs; zeroed, it may be ended. */
struct work {
    struct train_options *options;
    struct table table;
    struct andon_setting setting[ARGUMENT_VALUES_MAX];
    struct andon_training training;
    struct andon_arena arena, scratch;
    struct andon_model *model;
    struct progress progress;
    struct output output;
};

static bool split_settings(struct work *w)
{
    struct argument_values *set = &w->options->set;
    for (size_t i = 0; i < set->count; i++) {
        char *key = strdup(set->value[i]), *value = key == NULL ? NULL : strchr(key, '=');
        if (value == NULL || value == key) {
            argument_wrong(&line, "--set %s: expected KEY=VALUE", set->value[i]);
            free(key);
            return false;
        }
        *value = 0;
        w->setting[i] = (struct andon_setting){key, value + 1};
        w->training.settings = i + 1;
    }
    w->training.setting = w->setting;
    return true;
}

static bool read_kernel(const char *name, enum andon_kernel *kernel)
{
    *kernel = andon_kernel_best();
    if (name == NULL) return true;
    if (andon_kernel_named(name, kernel) && andon_kernel_usable(*kernel)) return true;
    argument_wrong(&line, "--kernel %s: expected one that this machine has; plain always is", name);
    return false;
}

static bool known_detector(const char *name)
{
    return strcmp(name, "auto") == 0 || strcmp(name, "ensemble") == 0 ||
           andon_detector_named(name) != NULL;
}

/* Everything that can be told wrong before a file is read. */
static bool check_options(struct work *w, uint64_t *first, uint64_t *end)
{
    struct train_options *o = w->options;
    struct andon_training *t = &w->training;
    *first = 0;
    *end = UINT64_MAX;
    if (o->rows != NULL && !argument_rows(o->rows, first, end)) {
        argument_wrong(&line, "--rows %s: expected A:B with A < B", o->rows);
        return false;
    }
    if (!argument_budget(o->budget, &t->budget_per_day)) {
        argument_wrong(&line, "--budget %s: expected a rate such as 3/day, 1/week or 0.5/h",
                       o->budget);
        return false;
    }
    if (!known_detector(o->detector)) {
        argument_wrong(&line,
                       "--detector %s: expected auto, ensemble or one that andon detectors "
                       "lists",
                       o->detector);
        return false;
    }
    t->detector = o->detector;
    t->seed = o->seed;
    return split_settings(w) && read_kernel(o->kernel, &t->kernel);
}

/* A text where a number belongs is mostly a column that is no channel. */
static void advise(const struct table *table, andon_error *err)
{
    size_t length = strlen(err->text);
    if (table->culprit[0] != 0)
        snprintf(err->text + length, sizeof err->text - length,
                 " (--drop %.60s leaves it out; --regime takes it as operating state)",
                 table->culprit);
}

static bool split_drops(struct train_options *o, struct argument_values *drops)
{
    for (size_t i = 0; i < o->drop.count; i++) {
        char *names = strdup(o->drop.value[i]); /* kept to the end of the program */
        if (names == NULL || !argument_split(names, drops)) return false;
    }
    return true;
}

static void tell(void *context, double part)
{
    progress_tell(context, part);
}

static andon_status read_data(struct work *w, uint64_t first, uint64_t end, andon_error *err)
{
    static struct argument_values drops;
    struct train_options *o = w->options;
    if (!split_drops(o, &drops)) return andon_fail(err, ANDON_EINVAL, "--drop: too many columns");
    struct table_request request = {.path = o->data.value,
                                    .paths = o->data.count,
                                    .columns = {.no_header = o->no_header,
                                                .time = o->time == NULL ? "" : o->time,
                                                .running = o->running,
                                                .regime = o->regime,
                                                .label = o->label,
                                                .drop = drops.value,
                                                .drops = drops.count},
                                    .first = first,
                                    .end = end,
                                    .tell = tell,
                                    .context = &w->progress};
    progress_start(&w->progress, "reading", o->quiet);
    andon_status st = table_read(&w->table, &request, err);
    progress_end(&w->progress);
    if (st == ANDON_EDATA) advise(&w->table, err);
    return st == ANDON_OK ? table_check(&w->table, o->data.value[0], err) : st;
}

static bool looks_like_a_label(const char *name)
{
    static const char *const names[] = {"anomaly",         "is_anomaly",  "label",   "labels",
                                        "fault",           "class",       "target",  "failure",
                                        "machine failure", "changepoint", "outlier", "is_outlier"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0) return true;
    return false;
}

/* A label or a clock among the channels would make a model look better than it is. */
static void warn_of_channel(const struct table *t, uint32_t channel)
{
    const char *name = t->channel[channel];
    if (looks_like_a_label(name))
        fprintf(stderr,
                "warning: column %s is used as a channel; if it is a label, say --label %s or "
                "--drop %s\n",
                name, name, name);
    else if (table_counts_rows(t, channel))
        fprintf(stderr,
                "warning: column %s is used as a channel and only counts the rows; say "
                "--drop %s or --time %s\n",
                name, name, name);
}

static void say_what_was_taken(const struct work *w)
{
    const struct train_options *o = w->options;
    const struct table *t = &w->table;
    if (t->headerless) cli_note(o->quiet, "no header found, the columns are named c0, c1, ...");
    if (o->time == NULL && t->time != NULL)
        cli_note(o->quiet, "column %s is taken as the time", t->time);
    if (t->time == NULL) cli_note(o->quiet, "no time: rows are taken as one minute apart");
    if (t->files > 1)
        cli_note(o->quiet, "%zu files are taken as one series of %zu rows, in the order given",
                 t->files, t->rows);
    if (t->left_out[0] != 0)
        cli_note(o->quiet, "columns without a name are left out: %s", t->left_out);
    for (uint32_t i = 0; i < t->channels; i++) warn_of_channel(t, i);
}

static andon_status fit(struct work *w, andon_error *err)
{
    const struct table *t = &w->table;
    struct andon_training *in = &w->training;
    in->schema = (struct andon_schema){.channels = t->channels,
                                       .channel = (const char *const *)t->channel,
                                       .regimes = t->regimes.words,
                                       .regime = t->regimes.list};
    in->series = table_series(t);
    in->label = t->label;
    in->classes = t->label != NULL ? t->classes.words : 0;
    in->class_name = t->classes.list;
    in->interval_s = t->interval_s;
    in->progress = progress_callback(&w->progress);
    andon_arena_init(&w->arena, andon_allocator_libc(), MODEL_BYTES_MAX);
    andon_arena_init(&w->scratch, andon_allocator_libc(), SCRATCH_BYTES_MAX);
    progress_start(&w->progress, "training", w->options->quiet);
    andon_error why = {{0}};
    andon_status st = andon_model_fit(in, &w->scratch, &w->arena, &w->model, &why);
    progress_end(&w->progress);
    if (st == ANDON_EDATA)
        return andon_fail(err, st, "%s: %.240s", w->options->data.value[0], why.text);
    if (st != ANDON_OK) *err = why;
    return st;
}

/* The columns that scoring will look for, and the budget, for the report. */
static andon_status take_notes(struct work *w, andon_error *err)
{
    const struct train_options *o = w->options;
    const struct {
        const char *key, *value;
    } notes[] = {{"time", w->table.time},
                 {"label", o->label},
                 {"running", o->running},
                 {"regime", o->regime},
                 {"budget", o->budget}};
    andon_status st = ANDON_OK;
    for (size_t i = 0; i < sizeof notes / sizeof *notes && st == ANDON_OK; i++)
        if (notes[i].value != NULL)
            st = andon_model_note(w->model, &w->arena, notes[i].key, notes[i].value, err);
    return st;
}

static andon_status save(struct work *w, andon_error *err)
{
    struct andon_writer bytes;
    andon_writer_init(&bytes, &w->scratch);
    andon_model_save(w->model, &bytes);
    if (bytes.full) return andon_fail(err, ANDON_ENOMEM, "no memory for the model's bytes");
    output_bytes(&w->output, bytes.data, bytes.size);
    return output_commit(&w->output, true, err);
}

static void print_card_json(const char *card)
{
    struct json j;
    json_printing(&j, stdout);
    json_open(&j, NULL, '{');
    while (*card != 0) {
        char key[128], value[1024];
        size_t length = strcspn(card, "\n"), name = strcspn(card, ":\n");
        snprintf(key, sizeof key, "%.*s", (int)name, card);
        size_t skip = name < length ? name + 1 : length;
        while (skip < length && card[skip] == ' ') skip++;
        snprintf(value, sizeof value, "%.*s", (int)(length - skip), card + skip);
        if (length > 0) json_cstring(&j, key, value);
        card += length + (card[length] == '\n');
    }
    json_close(&j, '}');
}

static void print_card(const struct work *w)
{
    const char *card = andon_model_card(w->model);
    if (strcmp(w->options->out, "-") == 0) return; /* the model went there */
    if (w->options->json)
        print_card_json(card);
    else if (!w->options->quiet)
        fputs(card, stdout);
}

static andon_status train(struct work *w, uint64_t first, uint64_t end, andon_error *err)
{
    andon_status st = read_data(w, first, end, err);
    if (st != ANDON_OK) return st;
    say_what_was_taken(w);
    st = output_open(&w->output, w->options->out, err); /* said before the work, not after it */
    if (st == ANDON_OK) st = fit(w, err);
    if (st == ANDON_OK) st = take_notes(w, err);
    if (st == ANDON_OK) st = save(w, err);
    if (st == ANDON_OK) print_card(w);
    return st;
}

static void end_work(struct work *w)
{
    for (size_t i = 0; i < w->training.settings; i++) free((char *)(uintptr_t)w->setting[i].key);
    output_abandon(&w->output);
    table_free(&w->table);
    andon_arena_free(&w->arena);
    andon_arena_free(&w->scratch);
}

int train_main(int argc, char **argv)
{
    static struct train_options options = {.detector = "auto", .budget = "3/day"};
    static struct work work = {.options = &options, .output = {.fd = -1}};
    andon_error err = {{0}};
    uint64_t first, end;
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    int status = CLI_USAGE;
    if (check_options(&work, &first, &end))
        status = cli_end("train", train(&work, first, end, &err), &err);
    end_work(&work);
    return status;
}
