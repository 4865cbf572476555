/* andon demo: a station that watches simulated plants. Fourteen simulated days go through the same door as
 * live data, models are learned from what was stored, then the plants go on at a speed that people can
 * watch. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/demo_plants.h"
#include "cli/lesson.h"
#include "cli/simulate_send.h"
#include "cli/station.h"
#include "ingest/timestamp.h"

#define NS_PER_S INT64_C(1000000000)
#define INTERVAL_S 60.0
enum { MACHINES_MAX = 16, HISTORY_DAYS = 14, LEAD_S = 2 * 86400, PATH_ROOM = 4096 };

struct demo_options {
    const char *dir, *http, *mqtt, *speed, *days;
    bool clean, quiet;
};

#define AT(field) offsetof(struct demo_options, field)
static const struct argument arguments[] = {
    {"--dir", ARGUMENT_TEXT, AT(dir), "DIR", "all state lives here (default andon-demo)", false},
    {"--http", ARGUMENT_TEXT, AT(http), "ADDR:PORT", "default 127.0.0.1:8000", false},
    {"--mqtt", ARGUMENT_TEXT, AT(mqtt), "ADDR:PORT", "default 127.0.0.1:1883", false},
    {"--speed", ARGUMENT_TEXT, AT(speed), "X", "simulated seconds in a second (default 60)", false},
    {"--days", ARGUMENT_TEXT, AT(days), "N", "simulated days to learn from (default 14)", false},
    {"--clean", ARGUMENT_FLAG, AT(clean), NULL, "removes DIR and ends", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "prints the address and nothing else", false},
    {0}};

static const struct command_line line = {
    "demo", "[OPTIONS]", "Watches four simulated sites with faults on a printed schedule.",
    "Nothing trained is shipped: the models are learned from the first simulated days, which go\n"
    "through the same door as everything else. Ctrl-C ends it and leaves no process behind.\n",
    arguments};

/* A machine that lives, in a thread of its own. */
struct life {
    struct demo *demo;
    const struct demo_machine *machine;
    pthread_t thread;
    bool runs;
};

struct demo {
    struct demo_options options;
    struct station station;
    double speed, days;
    char url[64];
    int64_t live_s; /* simulated time at which the live part begins */
    atomic_bool stop;
    struct life life[MACHINES_MAX];
    sigset_t signals;
};

static void say(const struct demo *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct demo *d, const char *format, ...)
{
    va_list args;
    if (d->options.quiet) return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* ---- sending ---- */

static bool stopped(void *context, double part)
{
    (void)part;
    return atomic_load(&((struct demo *)context)->stop);
}

static andon_status send_run(struct demo *d, const struct demo_machine *m, bool live, andon_error *err)
{
    struct andon_arena arena;
    struct sim *sim;
    struct simulate_sent sent;
    int64_t start_s = live ? d->live_s : d->live_s - (int64_t)(d->days * 86400.0);
    const struct simulate_target target = {.url = d->url, .asset = m->topic,
                                           .speed = live ? d->speed : 0.0,
                                           .tell = stopped, .context = d};
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_status st = demo_sim(m, live, start_s, live ? 365.0 : d->days, INTERVAL_S, &arena, &sim, err);
    if (st == ANDON_OK) st = simulate_send(sim, &target, &sent, err);
    andon_arena_free(&arena);
    return st;
}

static void *live_on(void *context)
{
    struct life *l = context;
    andon_error err = {""};
    andon_status st = send_run(l->demo, l->machine, true, &err);
    if (st != ANDON_OK && st != ANDON_ESTOP)
        log_line(LOG_ERROR, "demo", "a plant has fallen silent", "%s", err.text);
    return NULL;
}

/* Ticks and signals while something else is waited for; true: a signal came. */
static bool tick(struct demo *d, long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    int got = sigtimedwait(&d->signals, NULL, &wait);
    if (got == SIGINT || got == SIGTERM) return true;
    if (got < 0) station_tick(&d->station);
    return false;
}

static bool caught_up(struct demo *d)
{
    struct engine_figures f;
    engine_figures(d->station.engine, &f);
    return f.offset >= journal_end(d->station.journal);
}

/* ---- learning ---- */

static andon_status learn(struct demo *d, const char *asset, andon_error *err)
{
    char name[256], path[PATH_ROOM + 300], *card = NULL;
    snprintf(name, sizeof name, "%s", asset);
    for (char *at = name; *at != 0; at++) *at = *at == '/' ? '-' : *at;
    snprintf(path, sizeof path, "%s/%s.model", d->station.dir, name);
    const struct history_request request = {.asset = asset, .from_ns = INT64_MIN,
                                            .to_ns = d->live_s * NS_PER_S};
    const struct history_lesson lesson = {.budget_per_day = 3.0 / 7.0, .seed = 1};
    int64_t began = clock_steady_ns();
    andon_status st = lesson_from_store(d->station.dir, &request, &lesson, path, &card, err);
    free(card);
    if (st == ANDON_OK) st = station_publish(&d->station, asset, path, err);
    if (st == ANDON_OK)
        say(d, "learned %-20s %.1f s", asset, (double)(clock_steady_ns() - began) / 1e9);
    return st;
}

static andon_status learn_all(struct demo *d, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (size_t i = 0; i < demo_machine_count() && st == ANDON_OK; i++)
        for (int k = 0; k < 2 && demo_machines[i].asset[k] != NULL && st == ANDON_OK; k++) {
            st = learn(d, demo_machines[i].asset[k], err);
            if (tick(d, 0)) return andon_fail(err, ANDON_ESTOP, "stopped");
        }
    return st;
}

/* ---- the demo ---- */

static andon_status past(struct demo *d, andon_error *err)
{
    andon_status st = ANDON_OK;
    say(d, "sending %.0f simulated days of %zu machines", d->days, demo_machine_count());
    int64_t began = clock_steady_ns();
    for (size_t i = 0; i < demo_machine_count() && st == ANDON_OK; i++) {
        st = send_run(d, &demo_machines[i], false, err);
        if (tick(d, 0)) return andon_fail(err, ANDON_ESTOP, "stopped");
    }
    while (st == ANDON_OK && !caught_up(d))
        if (tick(d, 50)) return andon_fail(err, ANDON_ESTOP, "stopped");
    struct engine_figures f;
    engine_figures(d->station.engine, &f);
    say(d, "stored %llu readings in %.1f s", (unsigned long long)f.floor.readings,
        (double)(clock_steady_ns() - began) / 1e9);
    return st;
}

static void print_schedule(const struct demo *d)
{
    say(d, "first faults, at %.0f simulated seconds a second:", d->speed);
    for (size_t i = 0; i < demo_machine_count(); i++) {
        struct demo_fault fault;
        const struct demo_machine *m = &demo_machines[i];
        if (demo_first_fault(m, d->live_s, INTERVAL_S, &fault))
            say(d, "  %-20s in %5.1f min for %5.1f min: %s", m->asset[0],
                fault.after_s / 60.0 / d->speed, fault.lasts_s / 60.0 / d->speed, fault.title);
    }
}

static andon_status go_live(struct demo *d, andon_error *err)
{
    for (size_t i = 0; i < demo_machine_count(); i++) {
        d->life[i] = (struct life){.demo = d, .machine = &demo_machines[i]};
        if (pthread_create(&d->life[i].thread, NULL, live_on, &d->life[i]) != 0)
            return andon_fail(err, ANDON_ENOMEM, "no thread for a plant");
        d->life[i].runs = true;
    }
    return ANDON_OK;
}

/* What the demo tells of states that change. */
struct watched {
    const struct demo *demo;
    struct reader *reader;
    uint8_t state[64]; /* by asset number; 255: not seen */
};

static bool tell_change(void *context, const struct reader_asset *a)
{
    struct watched *w = context;
    if (!a->judged || a->asset >= sizeof w->state || w->state[a->asset] == a->last.state) return true;
    char time[TIMESTAMP_ROOM];
    uint8_t before = w->state[a->asset];
    w->state[a->asset] = a->last.state;
    if (before == UINT8_MAX && a->last.state == ANDON_NORMAL) return true;
    timestamp_write(time, a->last_ts_ns);
    struct text channel = a->last.channel == STORE_NO_CHANNEL
                              ? (struct text){"", 0}
                              : reader_channel_name(w->reader, a->last.channel);
    say(w->demo, "%s  %-20.*s %-8s score %.2f %.*s", time, (int)a->path.length, a->path.at,
        andon_state_name((enum andon_state)a->last.state), a->last.score, (int)channel.length,
        channel.at);
    return true;
}

static void watch(struct demo *d)
{
    struct watched w = {.demo = d};
    andon_error err;
    memset(w.state, 0xff, sizeof w.state);
    if (reader_open(d->station.store_path, &w.reader, &err) != ANDON_OK) w.reader = NULL;
    while (!tick(d, 1000)) {
        if (w.reader == NULL || reader_snapshot(w.reader, &err) != ANDON_OK) continue;
        if (reader_assets(w.reader, tell_change, &w, &err) != ANDON_OK)
            log_line(LOG_WARN, "demo", "the store cannot be read", "%s", err.text);
        reader_release(w.reader);
    }
    reader_close(w.reader);
}

static andon_status run(struct demo *d, andon_error *err)
{
    const struct station_options options = {.dir = d->options.dir, .http = d->options.http,
                                            .mqtt = d->options.mqtt};
    andon_status st = station_open(&options, &d->station, err);
    if (st == ANDON_OK && d->station.endpoint == NULL)
        st = andon_fail(err, ANDON_EINVAL, "--mqtt: the simulated plants need it");
    if (st == ANDON_OK) st = station_start(&d->station, err);
    if (st != ANDON_OK) return st;
    snprintf(d->url, sizeof d->url, "mqtt://127.0.0.1:%u", (unsigned)endpoint_port(d->station.endpoint));
    if (d->station.server != NULL)
        printf("board   http://127.0.0.1:%u/\n", (unsigned)server_port(d->station.server));
    printf("mqtt    127.0.0.1:%u\n", (unsigned)endpoint_port(d->station.endpoint));
    fflush(stdout);
    st = past(d, err);
    if (st == ANDON_OK) st = learn_all(d, err);
    if (st == ANDON_OK) print_schedule(d);
    if (st == ANDON_OK) st = go_live(d, err);
    if (st == ANDON_OK) {
        printf("ready\n");
        fflush(stdout);
        watch(d);
    }
    return st;
}

static void end(struct demo *d)
{
    atomic_store(&d->stop, true);
    for (size_t i = 0; i < MACHINES_MAX; i++)
        if (d->life[i].runs) pthread_join(d->life[i].thread, NULL);
    station_close(&d->station);
}

/* ---- --clean ---- */

/* Removes what a station writes below dir, and nothing else: a directory that holds other things stays. */
static int remove_below(const char *dir, int depth)
{
    DIR *list = opendir(dir);
    if (list == NULL) return errno == ENOENT ? 0 : -1;
    int status = 0;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        char path[PATH_ROOM];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= sizeof path) continue;
        if (lstat(path, &st) != 0) continue;
        bool below = S_ISDIR(st.st_mode) && depth < 2;
        if ((below ? remove_below(path, depth + 1) : unlink(path)) != 0) status = -1;
    }
    closedir(list);
    return rmdir(dir) == 0 ? status : -1;
}

static int clean(const char *dir)
{
    char store[PATH_ROOM];
    snprintf(store, sizeof store, "%s/andon.db", dir);
    if (access(dir, F_OK) == 0 && access(store, F_OK) != 0) {
        fprintf(stderr, "andon demo: %s: no andon.db in it, so it is not removed\n", dir);
        return CLI_FAILED;
    }
    if (remove_below(dir, 0) == 0) return CLI_DONE;
    fprintf(stderr, "andon demo: %s: cannot be removed: %s\n", dir, strerror(errno));
    return CLI_FAILED;
}

static bool take_number(const char *text, double usual, double *value)
{
    char *stop;
    *value = usual;
    if (text == NULL) return true;
    *value = strtod(text, &stop);
    return stop != text && *stop == 0 && isfinite(*value) && *value > 0.0;
}

int demo_main(int argc, char **argv)
{
    static struct demo d;
    andon_error err = {{0}};
    d.options.dir = "andon-demo";
    enum arguments_result parsed = arguments_parse(&line, argc, argv, &d.options);
    if (parsed != ARGUMENTS_RUN) return parsed == ARGUMENTS_HELPED ? CLI_DONE : CLI_USAGE;
    if (d.options.clean) return clean(d.options.dir);
    if (!take_number(d.options.speed, 60.0, &d.speed))
        return argument_wrong(&line, "--speed %s: expected a number above 0", d.options.speed);
    if (!take_number(d.options.days, HISTORY_DAYS, &d.days) || d.days < 1.0)
        return argument_wrong(&line, "--days %s: expected 1 or more", d.options.days);
    d.live_s = (clock_wall_ns() / NS_PER_S - LEAD_S) / 60 * 60;
    sigemptyset(&d.signals);
    sigaddset(&d.signals, SIGINT);
    sigaddset(&d.signals, SIGTERM);
    sigaddset(&d.signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &d.signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    andon_status st = run(&d, &err);
    end(&d);
    return st == ANDON_ESTOP ? CLI_DONE : cli_end("demo", st, &err);
}
