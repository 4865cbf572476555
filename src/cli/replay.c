/* andon replay: the journal read again. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "engine/replay.h"
#include "base/json.h"
#include "ingest/timestamp.h"

struct replay_arguments {
    const char *dir, *from, *to, *model, *kernel;
    uint64_t shards;
    bool json, quiet;
};

#define AT(field) offsetof(struct replay_arguments, field)
static const struct argument arguments[] = {
    {"--dir", ARGUMENT_TEXT, AT(dir), "DIR", "of andon serve (default andon-data)", false},
    {"--from", ARGUMENT_TEXT, AT(from), "T", "verdicts of rows from this time on", false},
    {"--to", ARGUMENT_TEXT, AT(to), "T", "... and before this one", false},
    {"--model", ARGUMENT_TEXT, AT(model), "FILE",
     "what this model would have said in the place of every model", false},
    {"--shards", ARGUMENT_COUNT, AT(shards), "N", "threads that score (default 1)", false},
    {"--kernel", ARGUMENT_TEXT, AT(kernel), "NAME", "plain, avx2, avx512 or neon", false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints the result as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no bar", false},
    {0}};

static const struct command_line line = {
    "replay", "[OPTIONS]",
    "Reads the journal again: proves that the stored verdicts follow from it, bit for bit,",
    "or, with --model, tells which alarms another model would have raised, missed, raised earlier\n"
    "or later. Exit status 1: what is stored does not follow.\n",
    arguments};

static void print_json(const struct replay_result *r, bool candidate)
{
    struct json j;
    char sum[32];
    json_printing(&j, stdout);
    json_open(&j, NULL, '{');
    json_bool(&j, "equal", r->stored.sum == r->again.sum && r->stored.verdicts == r->again.verdicts);
    json_whole(&j, "records", (long long)r->records);
    json_whole(&j, "verdicts", (long long)r->again.verdicts);
    snprintf(sum, sizeof sum, "%016" PRIx64, r->stored.sum);
    json_cstring(&j, "stored", sum);
    snprintf(sum, sizeof sum, "%016" PRIx64, r->again.sum);
    json_cstring(&j, "again", sum);
    if (candidate) {
        json_whole(&j, "events_live", (long long)r->events_live);
        json_whole(&j, "events_candidate", (long long)r->events_candidate);
        json_whole(&j, "gained", (long long)r->gained);
        json_whole(&j, "lost", (long long)r->lost);
        json_whole(&j, "earlier", (long long)r->earlier);
        json_whole(&j, "later", (long long)r->later);
        json_number(&j, "earlier_s", r->earlier_s);
        json_number(&j, "later_s", r->later_s);
        json_open(&j, "events", '[');
        for (uint32_t i = 0; i < r->events; i++) {
            json_open(&j, NULL, '{');
            json_cstring(&j, "asset", r->event[i].asset);
            json_cstring(&j, "what", r->event[i].gained ? "gained" : "lost");
            json_time(&j, "from", r->event[i].start_ns);
            json_time(&j, "to", r->event[i].end_ns);
            json_close(&j, '}');
        }
        json_close(&j, ']');
    }
    json_close(&j, '}');
}

static void print_events(const struct replay_result *r)
{
    char from[TIMESTAMP_ROOM], to[TIMESTAMP_ROOM];
    for (uint32_t i = 0; i < r->events && i < 20; i++) {
        timestamp_write(from, r->event[i].start_ns);
        timestamp_write(to, r->event[i].end_ns);
        printf("  %-6s %s .. %s  %s\n", r->event[i].gained ? "gained" : "lost", from, to,
               r->event[i].asset);
    }
    if (r->events > 20) printf("  ... and %u more\n", r->events - 20);
}

static void print_text(const struct replay_result *r, bool candidate)
{
    bool equal = r->stored.sum == r->again.sum && r->stored.verdicts == r->again.verdicts;
    printf("%" PRIu64 " records, %" PRIu64 " verdicts: %s (stored %016" PRIx64 ", again %016" PRIx64
           ")\n",
           r->records, r->again.verdicts,
           equal ? "the same as stored, bit for bit" : "NOT what is stored", r->stored.sum,
           r->again.sum);
    if (!candidate) return;
    printf("alarm events: %" PRIu64 " live, %" PRIu64 " with the candidate\n"
           "%" PRIu64 " gained, %" PRIu64 " lost, %" PRIu64 " earlier (%.1f min in all), %" PRIu64
           " later (%.1f min), %" PRIu64 " at the same time\n",
           r->events_live, r->events_candidate, r->gained, r->lost, r->earlier, r->earlier_s / 60,
           r->later, r->later_s / 60, r->same_time);
    print_events(r);
}

static bool take_time(const char *text, int64_t *ts_ns)
{
    return text == NULL || timestamp_read(text, strlen(text), ts_ns);
}

int replay_main(int argc, char **argv)
{
    struct replay_arguments a = {.dir = "andon-data"};
    struct replay_options o = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct replay_result result;
    andon_error err = {{0}};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &a);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (!take_time(a.from, &o.from_ns))
        return argument_wrong(&line, "--from %s: expected " TIMESTAMP_EXPECTED, a.from);
    if (!take_time(a.to, &o.to_ns))
        return argument_wrong(&line, "--to %s: expected " TIMESTAMP_EXPECTED, a.to);
    o.kernel = andon_kernel_best();
    if (a.kernel != NULL && (!andon_kernel_named(a.kernel, &o.kernel) || !andon_kernel_usable(o.kernel)))
        return argument_wrong(&line, "--kernel %s: expected one that this machine has", a.kernel);
    o.dir = a.dir;
    o.shards = (uint32_t)a.shards;
    o.candidate = a.model;
    o.floor.codec.aliases = true;
    struct progress progress;
    progress_start(&progress, "replaying", a.quiet);
    struct andon_progress bar = progress_callback(&progress);
    o.tell = bar.tell;
    o.context = bar.context;
    andon_status st = replay_run(&o, &result, &err);
    progress_end(&progress);
    if (st != ANDON_OK) {
        replay_free(&result);
        return cli_end("replay", st, &err);
    }
    if (a.json) print_json(&result, a.model != NULL);
    else print_text(&result, a.model != NULL);
    bool equal = result.stored.sum == result.again.sum && result.stored.verdicts == result.again.verdicts;
    replay_free(&result);
    return equal ? CLI_DONE : CLI_FAILED;
}
