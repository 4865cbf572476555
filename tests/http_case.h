/* A server for a test, with a journal, a store and a feed in a directory of its own, and a client
 * that speaks over a raw socket: what it sends is exactly what the test says. */
#ifndef HTTP_CASE_H
#define HTTP_CASE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/feed.h"
#include "ingest/message.h"
#include "serve/server.h"
#include "store/store.h"
#include "test.h"

enum { HTTP_DEADLINE_MS = 30000 };

struct http_case {
    char dir[64], store_path[96];
    struct journal *journal;
    struct feed *feed;
    struct server *server;
    pthread_t thread;
    bool running;
    uint16_t port, influx;
    _Atomic bool ill;        /* what /health says  */
    _Atomic uint32_t busy_s; /* what senders are told */
    andon_error err;
};

/* ---- the server ---- */

__attribute__((unused)) static void
http_health(void *context, void (*each)(void *, const struct plant_component *), void *to)
{
    struct http_case *c = context;
    each(to, &(struct plant_component){.name = "journal", .state = PLANT_OK});
    each(to, &(struct plant_component){.name = "store",
                                       .state = c->ill ? PLANT_DEGRADED : PLANT_OK,
                                       .since_ns = INT64_C(1700000000000000000),
                                       .text = c->ill ? "the disk is \"full\"" : NULL});
}

__attribute__((unused)) static void
http_figures(void *context, void (*each)(void *, const struct plant_figure *), void *to)
{
    static const struct plant_label normal[] = {{"asset", "a\"b\\c\nd"}, {"state", "NORMAL"}};
    static const struct plant_label anomaly[] = {{"asset", "x"}, {"state", "ANOMALY"}};
    static const double bound[] = {0.001, 1.0};
    static const uint64_t count[] = {3, 1, 0};
    static const char help[] = "Verdicts.";
    (void)context;
    each(to, &(struct plant_figure){"andon_verdicts_total", help, PLANT_COUNTER, 2, normal, 7.0, 0,
                                    NULL, NULL});
    each(to, &(struct plant_figure){"andon_verdicts_total", help, PLANT_COUNTER, 2, anomaly, 2.0, 0,
                                    NULL, NULL});
    each(to, &(struct plant_figure){"andon_score_seconds", "Scoring.", PLANT_HISTOGRAM, 0, NULL,
                                    0.5, 2, bound, count});
    each(to, &(struct plant_figure){"andon_model_info", "Models.", PLANT_GAUGE, 0, NULL, 1.0, 0,
                                    NULL, NULL});
}

__attribute__((unused)) static uint32_t http_busy(void *context)
{
    return ((struct http_case *)context)->busy_s;
}

__attribute__((unused)) static void *http_serve(void *context)
{
    server_run(((struct http_case *)context)->server);
    return NULL;
}

/* Opens everything; options may be NULL. False: err says why. */
__attribute__((unused)) static bool http_open(struct http_case *c,
                                              const struct server_options *options)
{
    struct server_options o = options == NULL ? (struct server_options){0} : *options;
    memset(c, 0, sizeof *c);
    const char *tmp = getenv("TMPDIR");
    snprintf(c->dir, sizeof c->dir, "%.40s/andon-http-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(c->dir) == NULL) return false;
    snprintf(c->store_path, sizeof c->store_path, "%s/andon.db", c->dir);
    if (o.listen == NULL) o.listen = "127.0.0.1:0";
    if (o.influx_listen == NULL) o.influx_listen = "127.0.0.1:0";
    const struct journal_options journal = {
        .dir = c->dir, .sync = o.settle_waits ? JOURNAL_SYNC_EVERY : JOURNAL_SYNC_OS};
    const struct server_plant plant = {c, http_health, http_figures, http_busy, NULL};
    struct server_plant with_feed = plant;
    if (journal_open(&journal, &c->journal, &c->err) != ANDON_OK) return false;
    if (feed_open(1 << 20, &c->feed, &c->err) != ANDON_OK) return false;
    with_feed.feed = c->feed;
    if (server_open(&o, c->journal, c->store_path, &with_feed, &c->server, &c->err) != ANDON_OK)
        return false;
    c->port = server_port(c->server);
    c->influx = server_influx_port(c->server);
    c->running = pthread_create(&c->thread, NULL, http_serve, c) == 0;
    return c->running;
}

__attribute__((unused)) static void http_close(struct http_case *c)
{
    char command[128];
    if (c->running) {
        server_stop(c->server);
        pthread_join(c->thread, NULL);
    }
    server_close(c->server);
    journal_close(c->journal);
    feed_close(c->feed);
    snprintf(command, sizeof command, "rm -rf '%s'", c->dir);
    if (c->dir[0] != 0 && system(command) != 0) fprintf(stderr, "# %s is left\n", c->dir);
}

/* ---- the client ---- */

struct answer {
    int status;
    char head[16384]; /* status line and headers */
    char *body;       /* ends in a 0 */
    size_t size;
    bool closed; /* the server closed the connection behind it */
};

__attribute__((unused)) static int web_connect(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* False: the other side does not take it any more. */
__attribute__((unused)) static bool web_send(int fd, const void *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, (const char *)bytes + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += (size_t)sent;
    }
    return true;
}

/* One byte or more; 0: closed; -1: nothing came in time. */
__attribute__((unused)) static ssize_t web_read(int fd, void *room, size_t bytes, int deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, deadline_ms);
    if (ready <= 0) return -1;
    ssize_t got = recv(fd, room, bytes, 0);
    return got < 0 ? 0 : got;
}

static const char *web_header_(const struct answer *a, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = strchr(a->head, '\n'); line != NULL; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':') continue;
        for (line += n + 1; *line == ' ';) line++;
        return line;
    }
    return NULL;
}

/* Whether header name begins with value. */
__attribute__((unused)) static bool web_header(const struct answer *a, const char *name,
                                               const char *value)
{
    const char *found = web_header_(a, name);
    return found != NULL && strncmp(found, value, strlen(value)) == 0;
}

static bool web_head_(int fd, struct answer *a)
{
    size_t used = 0;
    while (used < sizeof a->head - 1) {
        if (web_read(fd, a->head + used, 1, HTTP_DEADLINE_MS) != 1) return false;
        a->head[++used] = 0;
        if (used >= 4 && strcmp(a->head + used - 4, "\r\n\r\n") == 0)
            return sscanf(a->head, "HTTP/1.1 %d", &a->status) == 1;
    }
    return false;
}

static bool web_more_(int fd, struct answer *a, size_t n)
{
    char *body = realloc(a->body, a->size + n + 1);
    if (body == NULL) return false;
    a->body = body;
    while (n > 0) {
        ssize_t got = web_read(fd, a->body + a->size, n, HTTP_DEADLINE_MS);
        if (got <= 0) return false;
        a->size += (size_t)got;
        n -= (size_t)got;
    }
    a->body[a->size] = 0;
    return true;
}

static bool web_chunks_(int fd, struct answer *a)
{
    for (;;) {
        char line[32], end[2];
        size_t used = 0;
        while (used < sizeof line - 1 && web_read(fd, line + used, 1, HTTP_DEADLINE_MS) == 1)
            if (line[used++] == '\n') break;
        line[used] = 0;
        size_t n = strtoul(line, NULL, 16);
        if (!web_more_(fd, a, n) || web_read(fd, end, 1, HTTP_DEADLINE_MS) != 1 ||
            web_read(fd, end, 1, HTTP_DEADLINE_MS) != 1)
            return false;
        if (n == 0) return true;
    }
}

/* Reads one answer; bodiless: of a HEAD. False: it did not come whole. */
__attribute__((unused)) static bool web_receive(int fd, struct answer *a, bool bodiless)
{
    memset(a, 0, sizeof *a);
    do {
        if (!web_head_(fd, a)) return false;
    } while (a->status == 100);
    a->closed = web_header(a, "Connection", "close");
    if (!web_more_(fd, a, 0) || bodiless || a->status == 204 || a->status == 304) return true;
    if (web_header(a, "Transfer-Encoding", "chunked")) return web_chunks_(fd, a);
    const char *length = web_header_(a, "Content-Length");
    return length != NULL && web_more_(fd, a, strtoul(length, NULL, 10));
}

__attribute__((unused)) static void web_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
}

/* One request on a connection of its own. False: no whole answer. */
__attribute__((unused)) static bool web_ask(uint16_t port, struct answer *a, const char *format,
                                            ...) __attribute__((format(printf, 3, 4)));
__attribute__((unused)) static bool web_ask(uint16_t port, struct answer *a, const char *format,
                                            ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    memset(a, 0, sizeof *a);
    int fd = web_connect(port);
    bool head = n > 4 && strncmp(text, "HEAD", 4) == 0;
    bool got = fd >= 0 && n > 0 && web_send(fd, text, (size_t)n) && web_receive(fd, a, head);
    if (fd >= 0) close(fd);
    free(text);
    return got;
}

__attribute__((unused)) static bool web_get(uint16_t port, struct answer *a, const char *path)
{
    return web_ask(port, a, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

__attribute__((unused)) static bool web_post(uint16_t port, struct answer *a, const char *path,
                                             const char *body)
{
    return web_ask(port, a,
                   "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   path, strlen(body), body);
}

/* ---- what the journal holds ---- */

struct kept {
    uint32_t messages, actions;
    char payloads[65536]; /* of messages, each followed by '|' */
    size_t used;
    struct message last;
    char last_user[MESSAGE_NAME_MAX], last_topic[256];
};

__attribute__((unused)) static bool http_kept(struct http_case *c, struct kept *k)
{
    struct journal_cursor *cursor;
    struct journal_record r;
    memset(k, 0, sizeof *k);
    if (journal_cursor_open(c->journal, NULL, 0, &cursor, &c->err) != ANDON_OK) return false;
    while (journal_next(cursor, &r, &c->err) == 1) {
        struct message m;
        k->actions += r.type == JOURNAL_ACTION;
        if (r.type != JOURNAL_MESSAGE || !message_unpack(r.body, r.size, r.received_ns, &m))
            continue;
        k->messages++;
        k->last = m;
        snprintf(k->last_user, sizeof k->last_user, "%.*s", (int)m.user.length, m.user.at);
        snprintf(k->last_topic, sizeof k->last_topic, "%.*s", (int)m.topic.length, m.topic.at);
        if (m.payload.length + 1 < sizeof k->payloads - k->used) {
            memcpy(k->payloads + k->used, m.payload.at, m.payload.length);
            k->used += m.payload.length;
            k->payloads[k->used++] = '|';
        }
    }
    journal_cursor_close(cursor);
    return true;
}

/* The value of a sample in /metrics' text, such as andon_http_refused_total{reason="size"}; -1:
 * none. */
__attribute__((unused)) static double http_metric(struct http_case *c, const char *sample)
{
    struct answer a;
    double value = -1.0;
    char line[256];
    snprintf(line, sizeof line, "\n%s ", sample);
    if (web_get(c->port, &a, "/metrics") && a.status == 200) {
        const char *found = strstr(a.body, line);
        if (found != NULL) value = strtod(found + strlen(line), NULL);
    }
    web_free(&a);
    return value;
}

/* Waits until a figure has at least a value; not a sleep that hopes. */
__attribute__((unused)) static bool http_reaches(struct http_case *c, const char *sample,
                                                 double least)
{
    struct timespec pause = {0, 5000000};
    for (int i = 0; i < HTTP_DEADLINE_MS / 5; i++) {
        if (http_metric(c, sample) >= least) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

#endif
