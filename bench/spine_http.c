/* Rows in batches over HTTP, one connection after the other asked again as soon as it has answered, and how
 * long they take to where they are kept: in andon's store with their verdicts, or, of a rival, until the
 * last answer.
 *
 *   bench_spine_http --rows FILE --port N --path PATH --shape element|line [--store FILE]
 *                    [--messages ROWS] [--batch ROWS] [--connections N] [--assets N] [--step N]
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spine_rows.h"
#include "spine_watch.h"

enum { CONNECTIONS_MAX = 64, IN_BYTES = 64 << 10 };

struct poster {
    int fd;
    char *out; /* head and body */
    size_t size, sent;
    bool waits; /* for an answer */
};

static struct {
    uint16_t port;
    const char *path;
    uint32_t connections, assets, batch;
    uint64_t rows, step, next; /* next: row that is put into a batch */
} load = {0, "/", 4, 1000, 1000, 200000, 0, 0};

/* The next rows: all assets take turns. */
static void fill(struct poster *p)
{
    static char *body;
    size_t size = 0;
    if (body == NULL) body = malloc((size_t)load.batch * SPINE_ROW_MAX);
    if (body == NULL) spine_fail("memory");
    for (uint32_t i = 0; i < load.batch && load.next < load.rows; i++, load.next++)
        size += spine_row(body + size, (uint32_t)(load.next % load.assets),
                          load.step + load.next / load.assets);
    int head = sprintf(p->out,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
                       "Content-Length: %zu\r\n\r\n", load.path, size);
    memcpy(p->out + head, body, size);
    p->size = (size_t)head + size;
    p->sent = 0;
    p->waits = true;
}

static void send_some(struct poster *p)
{
    ssize_t put = send(p->fd, p->out + p->sent, p->size - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno != EAGAIN) spine_fail("POST");
    if (put > 0) p->sent += (size_t)put;
}

/* A whole answer, which is short: 2xx, its body as long as it says. */
static void read_answer(struct poster *p)
{
    char in[IN_BYTES + 1];
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(p->fd, in + size, IN_BYTES - size, 0);
        if (got <= 0) spine_fail("answer");
        size += (size_t)got;
        in[size] = 0;
        const char *end = strstr(in, "\r\n\r\n"), *length = strcasestr(in, "content-length:");
        if (end == NULL) continue;
        size_t body = length != NULL && length < end ? strtoull(length + 15, NULL, 10) : 0;
        if (size >= (size_t)(end + 4 - in) + body) break;
    }
    if (strncmp(in, "HTTP/1.1 2", 10) != 0) {
        fprintf(stderr, "%s\n", in);
        spine_fail("refused");
    }
    p->waits = false;
}

static void post_all(struct poster *poster)
{
    struct pollfd wanted[CONNECTIONS_MAX];
    for (uint32_t open = load.connections; open > 0;) {
        open = 0;
        for (uint32_t i = 0; i < load.connections; i++) {
            struct poster *p = &poster[i];
            if (!p->waits && load.next < load.rows) fill(p);
            bool writes = p->waits && p->sent < p->size;
            wanted[i] = (struct pollfd){p->waits ? p->fd : -1, (short)(writes ? POLLOUT : POLLIN), 0};
            open += p->waits;
        }
        if (open == 0) return;
        if (poll(wanted, load.connections, 10000) <= 0) spine_fail("no answer");
        for (uint32_t i = 0; i < load.connections; i++) {
            if ((wanted[i].revents & POLLOUT) != 0) send_some(&poster[i]);
            else if (wanted[i].revents != 0) read_answer(&poster[i]);
        }
    }
}

static uint64_t whole(const char *text)
{
    return strtoull(text, NULL, 10);
}

static enum spine_shape read_options(int argc, char **argv, struct watch *w, const char **rows)
{
    enum spine_shape shape = SPINE_ELEMENT;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (strcmp(key, "--rows") == 0) *rows = value;
        else if (strcmp(key, "--port") == 0) load.port = (uint16_t)whole(value);
        else if (strcmp(key, "--path") == 0) load.path = value;
        else if (strcmp(key, "--store") == 0) w->store = value;
        else if (strcmp(key, "--shape") == 0) shape = value[0] == 'l' ? SPINE_LINE : SPINE_ELEMENT;
        else if (strcmp(key, "--messages") == 0) load.rows = whole(value);
        else if (strcmp(key, "--batch") == 0) load.batch = (uint32_t)whole(value);
        else if (strcmp(key, "--connections") == 0) load.connections = (uint32_t)whole(value);
        else if (strcmp(key, "--assets") == 0) load.assets = (uint32_t)whole(value);
        else if (strcmp(key, "--step") == 0) load.step = whole(value);
        else spine_fail(key);
    }
    if (*rows == NULL || load.connections == 0 || load.connections > CONNECTIONS_MAX ||
        load.batch == 0 || load.assets == 0 || load.assets > 9999 || load.rows == 0)
        spine_fail("options: out of range");
    return shape;
}

int main(int argc, char **argv)
{
    static struct poster poster[CONNECTIONS_MAX];
    struct watch w = {.poll_us = 2000, .patience_s = 30.0};
    const char *rows = NULL;
    enum spine_shape shape = read_options(argc, argv, &w, &rows);
    spine_rows_load(rows, shape);
    w.rows = load.rows;
    for (uint32_t i = 0; i < load.connections; i++) {
        poster[i].fd = watch_connect(load.port);
        poster[i].out = malloc(512 + (size_t)load.batch * SPINE_ROW_MAX);
        if (poster[i].out == NULL) spine_fail("memory");
    }
    if (w.store != NULL) watch_start(&w);
    double start = spine_now_s();
    post_all(poster);
    double acked = spine_now_s();
    if (w.store != NULL) watch_join();
    else w.end_s = acked;
    printf("rows=%llu seconds=%.6f rows_s=%.0f acked_s=%.6f\n", (unsigned long long)load.rows,
           w.end_s - start, (double)load.rows / (w.end_s - start), acked - start);
    return 0;
}
