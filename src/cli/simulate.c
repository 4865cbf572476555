/* andon simulate: a simulated plant's data as files, or as messages to whoever listens. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/simulate_send.h"
#include "sim/csv_writer.h"
#include "sim/payload.h"
#include "sim/sim.h"

#define SIM_BYTES_MAX ((size_t)64 << 20)

struct simulate_options {
    const char *plant, *to, *days, *interval, *seed, *speed, *rate, *start, *asset;
    bool as_published, no_labels, text, now, json, quiet;
};

#define AT(field) offsetof(struct simulate_options, field)
static const struct argument arguments[] = {
    {"PLANT", ARGUMENT_PLACE, AT(plant), NULL, "pump, conveyor, bakery or component-factory", true},
    {"--to", ARGUMENT_TEXT, AT(to), "TARGET",
     "FILE.csv (labels and metadata come beside it), mqtt://HOST:PORT,\nhttp://HOST:PORT", true},
    {"--days", ARGUMENT_TEXT, AT(days), "N", "length of the run (default: the plant's)", false},
    {"--interval", ARGUMENT_TEXT, AT(interval), "S",
     "seconds between samples (default: FRECUENCY of the\nenvironment for what is sent, else the "
     "plant's)",
     false},
    {"--seed", ARGUMENT_TEXT, AT(seed), "N", "same seed, same samples (default 42)", false},
    {"--anomaly-rate", ARGUMENT_TEXT, AT(rate), "R", "part of the time with a fault, 0 to 0.3",
     false},
    {"--start", ARGUMENT_TEXT, AT(start), "S", "time of the first sample, seconds since 1970",
     false},
    {"--speed", ARGUMENT_TEXT, AT(speed), "X",
     "simulated seconds in a second, or max (default; a file is always max)", false},
    {"--asset", ARGUMENT_TEXT, AT(asset), "PATH",
     "topic of what is sent (default: the plant's name)", false},
    {"--now", ARGUMENT_FLAG, AT(now), NULL, "what is sent begins at the present", false},
    {"--as-published", ARGUMENT_FLAG, AT(as_published), NULL,
     "the arithmetic of the published generator", false},
    {"--no-labels", ARGUMENT_FLAG, AT(no_labels), NULL,
     "leaves anomaly and fault out of the data file", false},
    {"--text", ARGUMENT_FLAG, AT(text), NULL, "also writes channels of text", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints what was written as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no bar, no summary", false},
    {0}};

static const struct command_line line = {
    "simulate", "PLANT --to TARGET [OPTIONS]",
    "Writes or sends the data of a simulated plant with faults at known times.",
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
        json_cstring(&j, "plant", o->plant);
        json_cstring(&j, "data", o->to);
        json_cstring(&j, "labels", r->labels_path);
        json_cstring(&j, "metadata", r->json_path);
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

/* "max" or simulated seconds in a second; 0 is max. */
static bool take_speed(const struct simulate_options *o, double *speed)
{
    char *end;
    *speed = 0.0;
    if (o->speed == NULL || strcmp(o->speed, "max") == 0) return true;
    *speed = strtod(o->speed, &end);
    return end != o->speed && *end == 0 && isfinite(*speed) && *speed > 0.0;
}

static andon_status send_messages(const struct simulate_options *o, const struct sim_plant *plant,
                                  const struct sim_options *run, double speed,
                                  struct andon_arena *arena, andon_error *err)
{
    struct progress progress;
    struct simulate_sent sent;
    struct sim *sim = NULL;
    andon_status st = sim_open(plant, run, arena, &sim, err);
    if (st != ANDON_OK) return st;
    progress_start(&progress, "sending", o->quiet);
    struct andon_progress bar = progress_callback(&progress);
    const char *part[SIM_PARTS_MAX];
    bool whole = sim_parts(plant, part) == 1;
    const struct simulate_target target = {.url = o->to,
                                           .asset = o->asset != NULL ? o->asset
                                                    : whole          ? plant->name
                                                                     : "",
                                           .speed = speed,
                                           .endless_now = o->now,
                                           .tell = bar.tell,
                                           .context = bar.context};
    st = simulate_send(sim, &target, &sent, err);
    progress_end(&progress);
    if (st == ANDON_OK && !o->quiet)
        printf("%s: %llu rows, %llu messages, %llu acknowledged\n", o->to,
               (unsigned long long)sent.rows, (unsigned long long)sent.messages,
               (unsigned long long)sent.acknowledged);
    return st;
}

/* Plants that were sent by another simulator say their pace in seconds by the environment. */
static const char *usual_interval(void)
{
    const char *seconds = getenv("FRECUENCY");
    return seconds == NULL || seconds[0] == 0 ? NULL : seconds;
}

int simulate_main(int argc, char **argv)
{
    struct simulate_options options = {0};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    const struct sim_plant *plant = sim_plant_named(options.plant);
    double speed;
    if (plant == NULL)
        return argument_wrong(&line, "%s: expected pump, conveyor, bakery or component-factory",
                              options.plant);
    bool sends = strstr(options.to, "://") != NULL;
    if (sends && options.interval == NULL) options.interval = usual_interval();
    if (!take_speed(&options, &speed) || (!sends && speed > 0.0))
        return argument_wrong(&line, "--speed %s: expected max%s", options.speed,
                              sends ? " or a number above 0" : ", as the target is a file");
    struct sim_options run;
    sim_options_default(plant, &run);
    if (!take_options(&options, &run)) return CLI_USAGE;
    struct andon_arena arena;
    andon_error err = {{0}};
    andon_arena_init(&arena, andon_allocator_libc(), SIM_BYTES_MAX);
    andon_status st = sends ? send_messages(&options, plant, &run, speed, &arena, &err)
                            : simulate(&options, plant, &run, &arena, &err);
    andon_arena_free(&arena);
    return cli_end("simulate", st, &err);
}
