/* andon import: recorded data through the same door as live data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/quantity.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/import_streams.h"
#include "cli/post.h"
#include "cli/progress.h"

#define ARENA_BYTES_MAX ((size_t)1 << 30)
#define NS_PER_S INT64_C(1000000000)
enum {
    BATCH_BYTES = 128 << 10,
    BATCH_BYTES_MAX = 32 << 20,
    BATCH_ROWS = 1000,
    ASSETS_MAX = 1000000
};

struct import_options {
    const char *path, *to, *speed, *asset, *time, *drop;
    bool json, quiet;
};

#define AT(field) offsetof(struct import_options, field)
static const struct argument arguments[] = {
    {"PATH", ARGUMENT_PLACE, AT(path), NULL,
     "a table (CSV, TSV, plain or gzip), or a folder of them", true},
    {"--to", ARGUMENT_TEXT, AT(to), "URL",
     "of a running andon serve (default http://127.0.0.1:8000)", false},
    {"--speed", ARGUMENT_TEXT, AT(speed), "X", "times as fast as it was recorded, or max (default)",
     false},
    {"--asset", ARGUMENT_TEXT, AT(asset), "PATH",
     "the asset of a file; in front of the assets of a folder", false},
    {"--time", ARGUMENT_TEXT, AT(time), "COL", "column of time, if it is not found by itself",
     false},
    {"--drop", ARGUMENT_TEXT, AT(drop), "COL,...", "columns that are no readings, such as labels",
     false},
    {"--json", ARGUMENT_FLAG, AT(json), NULL, "prints what was sent as JSON", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "no bar, no summary", false},
    {0}};

static const struct command_line line = {
    "import", "PATH [OPTIONS]", "Sends recorded data to a running andon, as if it came in now.",
    "Names tell what a file holds: ASSET/CHANNEL/DATE.csv, SENSOR_DATE.csv or ASSET.csv; \"__\" in "
    "a\n"
    "name stands for the '/' of a path. Rows go out in order of time over all files. What is sent\n"
    "again is known as a repeat, so an import that was stopped can be run again.\n",
    arguments};

/* One import on its way. */
struct import {
    const struct import_options *options;
    double speed; /* 0: as fast as it is taken */
    struct import_streams *streams;
    struct post *post;
    struct map *assets;
    struct json batch;
    uint32_t rows; /* in the batch */
    int64_t began_ns, first_ts_ns;
    uint64_t accepted, rejected, retries;
    char reason[POST_REASON_ROOM];
    struct progress progress;
    andon_error *err;
};

static andon_status flush(struct import *m)
{
    struct post_answer answer;
    if (m->rows == 0) return ANDON_OK;
    andon_status st = post_readings(m->post, m->batch.at, m->batch.used, &answer, m->err);
    m->accepted += answer.accepted;
    m->retries += answer.retries;
    if (answer.rejected > 0 && m->rejected == 0)
        snprintf(m->reason, sizeof m->reason, "%s", answer.reason);
    m->rejected += answer.rejected;
    m->batch.used = 0;
    m->rows = 0;
    progress_tell(&m->progress, streams_part(m->streams));
    return st;
}

/* Holds a sample back until its time has come; what is before it leaves first. The sample is the
 * batch's last line, from `from` on. */
static andon_status keep_pace(struct import *m, int64_t ts_ns, size_t from)
{
    if (m->first_ts_ns == INT64_MIN) m->first_ts_ns = ts_ns;
    int64_t due = m->began_ns + (int64_t)((double)(ts_ns - m->first_ts_ns) / m->speed);
    if (due <= clock_steady_ns()) return ANDON_OK;
    size_t bytes = m->batch.used - from;
    m->batch.used = from;
    andon_status st = flush(m);
    memmove(m->batch.at, m->batch.at + from, bytes);
    m->batch.used = bytes;
    for (int64_t left; st == ANDON_OK && (left = due - clock_steady_ns()) > 0;) {
        int64_t ns = left < NS_PER_S / 5 ? left : NS_PER_S / 5;
        nanosleep(&(struct timespec){0, (long)ns}, NULL);
        progress_tell(&m->progress, streams_part(m->streams));
    }
    return st;
}

/* Sends what is complete in front of a row that cannot be read; what is wrong stays said. */
static andon_status stop_at(struct import *m, size_t from, andon_status st)
{
    andon_error why = *m->err;
    m->batch.used = from;
    if (flush(m) == ANDON_OK) *m->err = why;
    return st;
}

static andon_status run(struct import *m)
{
    int64_t ts_ns;
    const char *asset;
    uint32_t number;
    bool more;
    for (;;) {
        size_t from = m->batch.used;
        andon_status st = streams_next(m->streams, &m->batch, &ts_ns, &asset, &more, m->err);
        if (st != ANDON_OK) return stop_at(m, from, st);
        if (!more) return flush(m);
        if (m->speed > 0) st = keep_pace(m, ts_ns, from);
        if (st == ANDON_OK) st = map_put(m->assets, text_of(asset), &number, m->err);
        m->rows++;
        if (st == ANDON_OK && (m->batch.used >= BATCH_BYTES || m->rows == BATCH_ROWS))
            st = flush(m);
        if (st != ANDON_OK) return st;
    }
}

static void print_sums(const struct import *m)
{
    const struct import_sums *sums = streams_sums(m->streams);
    double seconds = (double)(clock_steady_ns() - m->began_ns) / 1e9;
    if (m->options->json) {
        struct json j;
        json_printing(&j, stdout);
        json_open(&j, NULL, '{');
        json_whole(&j, "files", sums->files);
        json_whole(&j, "assets", map_count(m->assets));
        json_whole(&j, "samples", (long long)sums->samples);
        json_whole(&j, "accepted", (long long)m->accepted);
        json_whole(&j, "rejected", (long long)m->rejected);
        json_whole(&j, "without_time", (long long)sums->untimed);
        json_whole(&j, "without_value", (long long)sums->empty);
        json_whole(&j, "sent_again", (long long)m->retries);
        json_number(&j, "seconds", seconds);
        json_close(&j, '}');
    } else if (!m->options->quiet)
        printf("%llu samples of %u assets from %u files in %.1f s: %llu accepted, %llu rejected\n",
               (unsigned long long)sums->samples, map_count(m->assets), sums->files, seconds,
               (unsigned long long)m->accepted, (unsigned long long)m->rejected);
}

/* What did not get in is an error, once all the rest is in. */
static andon_status judge(const struct import *m)
{
    const struct import_sums *sums = streams_sums(m->streams);
    if (m->rejected > 0)
        return andon_fail(m->err, ANDON_EDATA, "%llu samples were rejected, the first: %s",
                          (unsigned long long)m->rejected, m->reason);
    if (sums->untimed > 0)
        return andon_fail(m->err, ANDON_EDATA,
                          "%llu rows without a time were left out, the first: %s",
                          (unsigned long long)sums->untimed, sums->untimed_at);
    return ANDON_OK;
}

static andon_status import(struct import *m, struct folder *folder,
                           const struct argument_values *drop)
{
    const struct import_options *o = m->options;
    const struct import_request request = {folder, o->time, drop->value, drop->count};
    m->first_ts_ns = INT64_MIN;
    json_growing(&m->batch, BATCH_BYTES_MAX);
    andon_status st = post_open(o->to != NULL ? o->to : "http://127.0.0.1:8000", &m->post, m->err);
    if (st == ANDON_OK) st = map_open(ASSETS_MAX, 512u << 20, &m->assets, m->err);
    if (st == ANDON_OK) st = streams_open(&request, &m->streams, m->err);
    if (st != ANDON_OK) return st;
    m->began_ns = clock_steady_ns();
    progress_start(&m->progress, "importing", o->quiet);
    st = run(m);
    progress_end(&m->progress);
    if (st == ANDON_OK || m->accepted > 0) print_sums(m);
    return st == ANDON_OK ? judge(m) : st;
}

static void close_import(struct import *m)
{
    streams_close(m->streams);
    post_close(m->post);
    map_close(m->assets);
    json_free(&m->batch);
}

static bool read_speed(const char *text, double *speed)
{
    *speed = 0.0;
    if (text == NULL || strcmp(text, "max") == 0) return true;
    return real_read(text_of(text), speed) && *speed >= 1e-3 && *speed <= 1e9;
}

int import_main(int argc, char **argv)
{
    static struct argument_values drop;
    struct import_options options = {0};
    struct import m = {.options = &options};
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (!read_speed(options.speed, &m.speed))
        return argument_wrong(&line, "--speed %s: expected max or a number from 0.001 to 1e9",
                              options.speed);
    char *names = options.drop == NULL ? NULL : strdup(options.drop);
    if (names != NULL && !argument_split(names, &drop))
        return argument_wrong(&line, "--drop: expected at most %u names", ARGUMENT_VALUES_MAX);
    struct andon_arena arena;
    struct folder folder;
    andon_error err = {{0}};
    m.err = &err;
    andon_arena_init(&arena, andon_allocator_libc(), ARENA_BYTES_MAX);
    andon_status st = folder_list(options.path, options.asset, &arena, &folder, &err);
    if (st == ANDON_OK) st = import(&m, &folder, &drop);
    close_import(&m);
    andon_arena_free(&arena);
    free(names);
    return cli_end("import", st, &err);
}
