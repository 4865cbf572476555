/* andon serve: watches a plant until a signal ends it. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/station.h"

struct serve_options {
    struct station_options station;
    bool quiet;
};

#define AT(field) offsetof(struct serve_options, field)
static const struct argument arguments[] = {
    {"-c", ARGUMENT_TEXT, AT(station.config), "FILE", "the configuration; none is needed", false},
    {"--dir", ARGUMENT_TEXT, AT(station.dir), "DIR", "all state lives here (default andon-data)", false},
    {"--http", ARGUMENT_TEXT, AT(station.http), "ADDR:PORT",
     "REST, live stream, metrics (default 127.0.0.1:8000);\nport 0: any free one; none: closed", false},
    {"--mqtt", ARGUMENT_TEXT, AT(station.mqtt), "ADDR:PORT",
     "where devices publish to (default 127.0.0.1:1883)", false},
    {"--influx", ARGUMENT_TEXT, AT(station.influx), "ADDR:PORT",
     "takes InfluxDB's line protocol (default: closed)", false},
    {"--broker", ARGUMENT_EACH, AT(station.broker), "URL",
     "also listens to this broker, mqtt:// or mqtts://; can be\nrepeated", false},
    {"--model", ARGUMENT_EACH, AT(station.model), "MATCH=FILE",
     "the model of the assets whose path matches; can be repeated", false},
    {"--shards", ARGUMENT_COUNT, AT(station.shards), "N", "threads that score (default 1)", false},
    {"--sync", ARGUMENT_TEXT, AT(station.sync), "POLICY",
     "when the journal is made durable: every, a time (default\n100ms) or os", false},
    {"--insecure", ARGUMENT_FLAG, AT(station.insecure), NULL,
     "other addresses than loopback without any authentication", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "only warnings and errors", false},
    {0}};

static const struct command_line line = {
    "serve", "[OPTIONS]", "Watches a plant: takes readings, judges them as they arrive, keeps both.",
    "Ctrl-C or SIGTERM ends it within five seconds; what was acknowledged is kept. SIGHUP reads\n"
    "configuration and models again. Nothing listens on other addresses than loopback unless --insecure says so.\n",
    arguments};

/* Sends a tick a second until a signal ends the watch. */
static void watch(struct station *s, const sigset_t *signals)
{
    for (;;) {
        struct timespec second = {1, 0};
        int got = sigtimedwait(signals, NULL, &second);
        if (got == SIGINT || got == SIGTERM) return;
        if (got == SIGHUP) station_reload(s);
        if (got < 0) station_tick(s);
    }
}

static void say_ready(const struct station *s)
{
    printf("state   %s\n", s->dir);
    if (s->endpoint != NULL) printf("mqtt    127.0.0.1:%u\n", (unsigned)endpoint_port(s->endpoint));
    if (s->server != NULL) printf("http    127.0.0.1:%u\n", (unsigned)server_port(s->server));
    if (s->server != NULL && server_influx_port(s->server) != 0)
        printf("influx  127.0.0.1:%u\n", (unsigned)server_influx_port(s->server));
    printf("ready\n");
    fflush(stdout);
}

/* Signals are blocked before the first thread starts, so that only the main thread sees them. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int serve_main(int argc, char **argv)
{
    struct serve_options options = {0};
    static struct station station; /* several kilobytes of paths */
    andon_error err = {{0}};
    sigset_t signals;
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    block_signals(&signals);
    andon_status st = station_open(&options.station, &station, &err);
    if (st == ANDON_OK) st = station_start(&station, &err);
    if (st == ANDON_OK) {
        say_ready(&station);
        watch(&station, &signals);
    }
    station_close(&station);
    return cli_end("serve", st, &err);
}
