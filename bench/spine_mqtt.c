/* Devices that publish rows over MQTT 3.1.1, QoS 1, and how long the rows take to where they are watched:
 * into andon's store, or to a subscriber behind a broker.
 *
 *   bench_spine_mqtt --rows FILE --port N (--store FILE | --subscribe PORT) [--messages N]
 *                    [--assets N] [--connections N] [--window N] [--rate N] [--step N] [--poll US]
 *
 * One line: seconds from the first PUBLISH until the last row is there; with --rate messages a second, one
 * at a time, also p50 and p99 of the time from PUBLISH (the k-th that was sent until k rows are
 * there). --step is the first step of the pumps' time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "spine_rows.h"
#include "spine_watch.h"

enum { BURST = 256, OUT_BYTES = BURST * 320, IN_BYTES = 64 << 10, PACE_NS = 100000 };

struct client {
    int fd;
    uint32_t number;
    uint64_t quota, sent, acked;
    uint32_t out_begin, out_end, in_rest;
    char out[OUT_BYTES];
    unsigned char rest[4];
};

struct load {
    uint16_t port;
    uint32_t connections, window, assets;
    uint64_t messages, step;
    double rate;
    double *sent_s; /* sent_s[messages], with a rate */
    uint64_t sent;
};

/* The n-th message of a client: its assets take turns. */
static uint32_t put_publish(char *out, const struct load *l, const struct client *c, uint64_t n)
{
    uint32_t share = l->assets / l->connections;
    uint32_t asset = c->number + l->connections * (uint32_t)(n % share);
    char row[SPINE_ROW_MAX], topic[16];
    uint32_t size = spine_row(row, asset, l->step + n / share), id = (uint32_t)(n % 65535 + 1);
    uint32_t t = (uint32_t)snprintf(topic, sizeof topic, "bench/p%04u", asset);
    uint32_t body = 2 + t + 2 + size, at = 0;
    out[at++] = 0x32;
    out[at++] = (char)(body % 128 + 128);
    out[at++] = (char)(body / 128);
    out[at++] = 0;
    out[at++] = (char)t;
    memcpy(out + at, topic, t);
    at += t;
    out[at++] = (char)(id >> 8);
    out[at++] = (char)id;
    memcpy(out + at, row, size);
    return at + size;
}

/* Sends up to most messages, as far as window and socket allow. */
static void send_some(struct client *c, struct load *l, uint64_t most)
{
    for (;;) {
        if (c->out_begin == c->out_end) {
            uint64_t n = l->window - (c->sent - c->acked);
            if (n > c->quota - c->sent) n = c->quota - c->sent;
            if (n > most) n = most;
            if (n > BURST) n = BURST;
            if (n == 0) return;
            c->out_begin = c->out_end = 0;
            for (uint64_t i = 0; i < n; i++)
                c->out_end += put_publish(c->out + c->out_end, l, c, c->sent + i);
            double now = l->sent_s != NULL ? spine_now_s() : 0.0;
            for (uint64_t i = 0; i < n && l->sent_s != NULL; i++) l->sent_s[l->sent + i] = now;
            c->sent += n;
            l->sent += n;
            most -= n;
        }
        ssize_t put = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) return;
        if (put < 0) spine_fail("PUBLISH");
        c->out_begin += (uint32_t)put;
    }
}

static void read_acks(struct client *c)
{
    static unsigned char in[IN_BYTES + 4];
    memcpy(in, c->rest, c->in_rest);
    ssize_t got = recv(c->fd, in + c->in_rest, IN_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) spine_fail("PUBACK");
    size_t size = c->in_rest + (size_t)got, at = 0;
    for (; at + 4 <= size; at += 4, c->acked++)
        if (in[at] != 0x40 || in[at + 1] != 2) spine_fail("not a PUBACK");
    c->in_rest = (uint32_t)(size - at);
    memcpy(c->rest, in + at, c->in_rest);
}

static struct client *open_clients(const struct load *l, int poll)
{
    struct client *client = calloc(l->connections, sizeof *client);
    if (client == NULL) spine_fail("clients");
    for (uint32_t i = 0; i < l->connections; i++) {
        struct client *c = &client[i];
        char name[32];
        snprintf(name, sizeof name, "bench%u", i);
        c->number = i;
        c->fd = watch_dial(l->port, name);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        c->quota = l->messages / l->connections + (i < l->messages % l->connections);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event);
    }
    return client;
}

static void wait_acks(int poll, int ms, struct load *l, bool answers)
{
    struct epoll_event event[256];
    int n = epoll_wait(poll, event, 256, ms);
    for (int k = 0; k < n; k++) {
        struct client *c = event[k].data.ptr;
        if ((event[k].events & EPOLLIN) != 0) read_acks(c);
        if (answers) send_some(c, l, UINT64_MAX);
        uint32_t wanted = EPOLLIN | (answers && c->out_begin < c->out_end ? EPOLLOUT : 0);
        struct epoll_event again = {.events = wanted, .data.ptr = c};
        if (wanted != EPOLLIN || (event[k].events & EPOLLOUT) != 0)
            epoll_ctl(poll, EPOLL_CTL_MOD, c->fd, &again);
    }
}

static uint64_t acked(const struct client *client, const struct load *l)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < l->connections; i++) n += client[i].acked;
    return n;
}

/* As fast as it goes. */
static void flood(struct client *client, struct load *l, int poll)
{
    for (uint32_t i = 0; i < l->connections; i++) {
        send_some(&client[i], l, UINT64_MAX);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = &client[i]};
        epoll_ctl(poll, EPOLL_CTL_MOD, client[i].fd, &event);
    }
    while (acked(client, l) < l->messages) wait_acks(poll, 1000, l, true);
}

/* One after the other, at the rate. */
static void pace(struct client *client, struct load *l, int poll, double start)
{
    uint32_t turn = 0;
    while (acked(client, l) < l->messages) {
        uint64_t due = (uint64_t)((spine_now_s() - start) * l->rate) + 1;
        uint32_t stuck = 0; /* clients in a row whose window or socket is full */
        for (; l->sent < due && l->sent < l->messages && stuck < l->connections; turn++) {
            uint64_t before = l->sent;
            send_some(&client[turn % l->connections], l, 1);
            stuck = l->sent == before ? stuck + 1 : 0;
        }
        for (uint32_t i = 0; i < l->connections; i++) send_some(&client[i], l, 0);
        wait_acks(poll, 0, l, false);
        nanosleep(&(struct timespec){0, PACE_NS}, NULL);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void say(const struct load *l, struct watch *w, double start, double acked_s)
{
    printf("messages=%llu seconds=%.6f msg_s=%.0f acked_s=%.6f", (unsigned long long)l->messages,
           w->end_s - start, (double)l->messages / (w->end_s - start), acked_s - start);
    if (l->sent_s != NULL) {
        for (uint64_t i = 0; i < l->messages; i++) w->seen_s[i] -= l->sent_s[i];
        qsort(w->seen_s, l->messages, sizeof *w->seen_s, compare);
        printf(" p50_us=%.0f p99_us=%.0f max_us=%.0f", 1e6 * w->seen_s[l->messages / 2],
               1e6 * w->seen_s[l->messages * 99 / 100], 1e6 * w->seen_s[l->messages - 1]);
    }
    printf("\n");
}

static uint64_t whole(const char *text)
{
    return strtoull(text, NULL, 10);
}

static const char *read_options(int argc, char **argv, struct load *l, struct watch *w)
{
    const char *rows = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (strcmp(key, "--rows") == 0) rows = value;
        else if (strcmp(key, "--port") == 0) l->port = (uint16_t)whole(value);
        else if (strcmp(key, "--store") == 0) w->store = value;
        else if (strcmp(key, "--subscribe") == 0) w->port = (uint16_t)whole(value);
        else if (strcmp(key, "--messages") == 0) l->messages = whole(value);
        else if (strcmp(key, "--assets") == 0) l->assets = (uint32_t)whole(value);
        else if (strcmp(key, "--connections") == 0) l->connections = (uint32_t)whole(value);
        else if (strcmp(key, "--window") == 0) l->window = (uint32_t)whole(value);
        else if (strcmp(key, "--rate") == 0) l->rate = strtod(value, NULL);
        else if (strcmp(key, "--step") == 0) l->step = whole(value);
        else if (strcmp(key, "--poll") == 0) w->poll_us = (uint32_t)whole(value);
        else spine_fail(key);
    }
    if (rows == NULL || l->connections == 0 || l->assets % l->connections != 0 || l->assets > 9999 ||
        l->messages == 0 || l->window == 0 || l->window > 60000 || w->poll_us == 0 ||
        w->poll_us > 999999)
        spine_fail("options: out of range");
    return rows;
}

int main(int argc, char **argv)
{
    struct load l = {.connections = 50, .window = 200, .assets = 1000, .messages = 200000};
    struct watch w = {.poll_us = 2000, .patience_s = 30.0};
    spine_rows_load(read_options(argc, argv, &l, &w), SPINE_OBJECT);
    w.rows = l.messages;
    if (l.rate > 0.0) {
        l.sent_s = calloc(l.messages, sizeof *l.sent_s);
        w.seen_s = calloc(l.messages, sizeof *w.seen_s);
        if (l.sent_s == NULL || w.seen_s == NULL) spine_fail("times");
    }
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct client *client = open_clients(&l, poll);
    watch_start(&w);
    double start = spine_now_s();
    if (l.rate > 0.0) pace(client, &l, poll, start);
    else flood(client, &l, poll);
    double acked_s = spine_now_s();
    watch_join();
    say(&l, &w, start, acked_s);
    return 0;
}
