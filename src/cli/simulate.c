/* andon simulate: a simulated plant's data as files. */
#include <stdio.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "ingest/json.h"
#include "sim/csv_writer.h"
#include "sim/sim.h"

#define SIM_BYTES_MAX ((size_t)64 << 20)

struct simulate_options {
    const char *plant, *to, *days, *interval, *seed, *speed, *rate, *start;
    bool as_published, no_labels, text, json, quiet;
};

#define AT(field) offsetof(struct simulate_options, field)
static const struct argument arguments[] = {
    {"PLANT", ARGUMENT_PLACE, AT(plant), NULL, "pump, conveyor, bakery or component-factory", true},
    {"--to", ARGUMENT_TEXT, AT(to), "FILE.csv", "labels and metadata are written beside it", true},
    {"--days", ARGUMENT_TEXT, AT(days), "N", "length of the run (default: the plant's)", false},
    {"--interval", ARGUMENT_TEXT, AT(interval), "S", "seconds between samples", false},
    {"--seed", ARGUMENT_TEXT, AT(seed), "N", "same seed, same samples (default 42)", false},
    {"--anomaly-rate", ARGUMENT_TEXT, AT(rate), "R", "part of the time with a fault, 0 to 0.3",
     false},
    {"--start", ARGUMENT_TEXT, AT(start), "S", "time of the first sample, seconds since 1970",
     false},
    {"--speed", ARGUMENT_TEXT, AT(speed), "max", "a file is written as fast as it goes", false},
    {"--as-published", ARGUMENT_FLAG, AT(as_published), NULL,
     "the arithmetic of the published generator", false},
    {"--no-labels", ARGUMENT_FLAG, AT(no_labels), NULL,
     "leaves anomaly and fault out of the data file", false},
    {"--text", ARGUMENT_FLAG, AT(text), NULL, "also writes channels of text", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints what was written as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no bar, no summary", false},
    {0}};

static const struct command_line line = {
    "simulate", "PLANT --to FILE.csv [OPTIONS]",
    "Writes the data of a simulated plant with faults at known times.",
    "Beside FILE.csv come FILE.labels.csv (row, timestamp, anomaly, fault) and FILE.json (states,\n"
    "events and sensors). The data's last columns, anomaly and fault, are labels, no channels.\n",
    arguments};

static bool take_options(const struct simulate_options *o, struct sim_options *run)
{
    const struct {
        const char *name, *value;
    } given[] = {{"days", o->days},   {"interval", o->interval},
                 {"seed", o->seed},   {"anomaly-rate", o->rate},
                 {"start", o->start}, {"as-published", o->as_published ? "yes" : NULL}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        andon_error err = {{0}};
        if (given[i].value == NULL ||
            andon_option_set(sim_table, run, given[i].name, given[i].value, &err) == ANDON_OK)
            continue;
        argument_wrong(&line, "--%s", err.text);
        return false;
    }
    return true;
}

static void print_result(const struct simulate_options *o, const struct sim_csv_result *r)
{
    if (o->json) {
        struct json j;
        json_printing(&j, stdout);
        json_open(&j, NULL, '{');
        json_string(&j, "plant", o->plant);
        json_string(&j, "data", o->to);
        json_string(&j, "labels", r->labels_path);
        json_string(&j, "metadata", r->json_path);
        json_whole(&j, "rows", (long long)r->rows);
        json_whole(&j, "anomalous_rows", (long long)r->anomalous_rows);
        json_whole(&j, "events", (long long)r->events);
        json_close(&j, '}');
    } else if (!o->quiet)
        printf("%s: %llu rows, %llu of them in %u faults\n%s\n%s\n", o->to,
               (unsigned long long)r->rows, (unsigned long long)r->anomalous_rows, r->events,
               r->labels_path, r->json_path);
}

static andon_status simulate(const struct simulate_options *o, const struct sim_plant *plant,
                             const struct sim_options *run, struct andon_arena *arena,
                             andon_error *err)
{
    static struct sim_csv_result result;
    struct progress progress;
    struct sim *sim = NULL;
    andon_status st = sim_open(plant, run, arena, &sim, err);
    if (st != ANDON_OK) return st;
    progress_start(&progress, "simulating", o->quiet);
    struct andon_progress bar = progress_callback(&progress);
    const struct sim_csv how = {.path = o->to,
                                .no_labels_in_data = o->no_labels,
                                .with_text = o->text,
                                .tell = bar.tell,
                                .context = bar.context};
    st = sim_csv_write(sim, &how, &result, err);
    progress_end(&progress);
    if (st == ANDON_OK) print_result(o, &result);
    return st;
}

int simulate_main(int argc, char **argv)
{
    struct simulate_options options = {0};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    const struct sim_plant *plant = sim_plant_named(options.plant);
    if (plant == NULL)
        return argument_wrong(&line, "%s: expected pump, conveyor, bakery or component-factory",
                              options.plant);
    if (strstr(options.to, "://") != NULL)
        return argument_wrong(&line, "--to %s: expected a file; this build sends nothing",
                              options.to);
    if (options.speed != NULL && strcmp(options.speed, "max") != 0)
        return argument_wrong(&line, "--speed %s: expected max, as the target is a file",
                              options.speed);
    struct sim_options run;
    sim_options_default(plant, &run);
    if (!take_options(&options, &run)) return CLI_USAGE;
    struct andon_arena arena;
    andon_error err = {{0}};
    andon_arena_init(&arena, andon_allocator_libc(), SIM_BYTES_MAX);
    int status = cli_end("simulate", simulate(&options, plant, &run, &arena, &err), &err);
    andon_arena_free(&arena);
    return status;
}
