#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/inner.h"
#include "serve/listen.h"

enum { OTHER_DESCRIPTORS = 512 }; /* journal, store, MQTT's first ones */

static void preset(uint32_t *option, uint32_t value)
{
    if (*option == 0) *option = value;
}

static void fill_in(struct server_options *o)
{
    preset(&o->threads, 2);
    preset(&o->query_threads, 2);
    preset(&o->queries_max, 64);
    preset(&o->connections_max, 8192);
    preset(&o->piece_bytes_max, 128u << 10);
    preset(&o->samples_max, 1024);
    preset(&o->readings_max, 32768);
    preset(&o->header_ms, 10000);
    preset(&o->request_ms, 30000);
    preset(&o->bytes_per_s_min, 16384);
    preset(&o->idle_ms, 75000);
    preset(&o->heartbeat_ms, 15000);
    preset(&o->drain_ms, 3000);
    if (o->body_bytes_max == 0) o->body_bytes_max = 32u << 20;
    if (o->body_bytes_max < BODY_SMALL_BYTES) o->body_bytes_max = BODY_SMALL_BYTES;
    if (o->body_bytes_max > UINT32_MAX / 2) o->body_bytes_max = UINT32_MAX / 2;
    if (o->sql_timeout_ns == 0) o->sql_timeout_ns = INT64_C(5000) * NS_PER_MS;
    if (o->version == NULL) o->version = "unknown";
}

/* Connections are descriptors. */
static void raise_limits(struct server_options *o)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)o->connections_max + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (limit.rlim_cur < 2 * wanted) {
        rlim_t most = limit.rlim_max < 2 * wanted ? limit.rlim_max : 2 * wanted;
        limit.rlim_cur = most;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    }
    if (limit.rlim_cur >= wanted) return;
    o->connections_max = limit.rlim_cur > 2 * 64 ? (uint32_t)limit.rlim_cur / 2 : 64;
    log_line(LOG_WARN, "serve", "few descriptors", "limit=%llu connections_max=%u",
             (unsigned long long)limit.rlim_cur, (unsigned)o->connections_max);
}

static andon_status open_listeners(struct server *s, andon_error *err)
{
    const struct server_options *o = &s->options;
    andon_status st = listen_open("http.listen", o->listen, o->insecure, &s->listen[LISTENER_API],
                                  &s->port[LISTENER_API], &s->loopback[LISTENER_API], err);
    if (st != ANDON_OK || o->influx_listen == NULL) return st;
    return listen_open("http.influx_listen", o->influx_listen, o->insecure,
                       &s->listen[LISTENER_INFLUX], &s->port[LISTENER_INFLUX],
                       &s->loopback[LISTENER_INFLUX], err);
}

static andon_status open_workers(struct server *s, andon_error *err)
{
    s->worker = calloc(s->options.threads, sizeof *s->worker);
    if (s->worker == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %u event loops",
                          (unsigned)s->options.threads);
    for (uint32_t i = 0; i < s->options.threads; i++) {
        andon_status st = worker_open(&s->worker[i], s, i, err);
        if (st != ANDON_OK) return st;
    }
    return ANDON_OK;
}

andon_status server_open(const struct server_options *options, struct journal *journal,
                         const char *store_path, const struct server_plant *plant,
                         struct server **server, andon_error *err)
{
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a server");
    s->options = *options;
    fill_in(&s->options);
    raise_limits(&s->options);
    if (plant != NULL) s->plant = *plant;
    s->journal = journal;
    s->store_path = strdup(store_path);
    s->started_ns = clock_wall_ns();
    for (int l = 0; l < LISTENERS; l++) s->listen[l] = -1;
    s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    andon_status st = s->store_path == NULL ? andon_fail(err, ANDON_ENOMEM, "no memory for a path")
                                            : query_pool_open(s, err);
    if (st == ANDON_OK) st = open_listeners(s, err);
    if (st == ANDON_OK) st = open_workers(s, err);
    if (st != ANDON_OK) {
        server_close(s);
        return st;
    }
    *server = s;
    return ANDON_OK;
}

void server_run(struct server *s)
{
    andon_error err = {""};
    uint32_t started = 1;
    if (query_pool_start(s, &err) != ANDON_OK)
        log_line(LOG_ERROR, "serve", "fewer query threads", "%s", err.text);
    for (; started < s->options.threads; started++) {
        struct worker *w = &s->worker[started];
        int failed = pthread_create(&w->thread, NULL, worker_run, w);
        if (failed == 0) continue;
        log_line(LOG_ERROR, "serve", "fewer event loops", "%s", strerror(failed));
        break;
    }
    /* Loops that do not run get no connections. */
    for (uint32_t i = started; i < s->options.threads; i++)
        atomic_store(&s->worker[i].load, 1u << 30);
    worker_run(&s->worker[0]);
    for (uint32_t i = 1; i < started; i++) pthread_join(s->worker[i].thread, NULL);
    query_pool_stop(s);
}

void server_stop(struct server *s)
{
    atomic_store(&s->stopping, true);
    for (uint32_t i = 0; i < s->options.threads; i++) worker_wake(&s->worker[i]);
}

void server_close(struct server *s)
{
    if (s == NULL) return;
    for (uint32_t i = 0; s->worker != NULL && i < s->options.threads; i++)
        worker_close(&s->worker[i]);
    free(s->worker);
    query_pool_close(s);
    for (int l = 0; l < LISTENERS; l++)
        if (s->listen[l] >= 0) close(s->listen[l]);
    if (s->spare >= 0) close(s->spare);
    free(s->store_path);
    free(s);
}

uint16_t server_port(const struct server *s)
{
    return s->port[LISTENER_API];
}

uint16_t server_influx_port(const struct server *s)
{
    return s->port[LISTENER_INFLUX];
}
