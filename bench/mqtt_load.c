#include "mqtt_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 512, OUT_BYTES = BURST * 256, IN_BYTES = 256 << 10, SAMPLES_MAX = 1 << 22 };

struct client {
    int fd;
    uint64_t quota, sent, acked;
    uint32_t packet_bytes, id_at, time_at;
    char packet[256];
    uint32_t out_begin, out_end, in_rest;
    double *sent_s; /* sent_s[65536] by packet id, when a rate is set */
    char out[OUT_BYTES];
    unsigned char rest[4];
};

static struct {
    double us[SAMPLES_MAX];
    size_t count;
} samples;

static void fail(const char *what)
{
    fprintf(stderr, "bench_mqtt: %s: %s\n", what, strerror(errno));
    exit(1);
}

double load_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double part_of(double part)
{
    if (samples.count == 0) return 0.0;
    qsort(samples.us, samples.count, sizeof samples.us[0], compare);
    return samples.us[(size_t)(part * (double)(samples.count - 1) + 0.5)];
}

static void sample(double us)
{
    if (samples.count < SAMPLES_MAX) samples.us[samples.count++] = us;
}

/* A connection that is greeted. */
static int dial(uint16_t port, const char *name)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    unsigned char hello[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0}, answer[4];
    size_t n = strlen(name);
    hello[1] = (unsigned char)(12 + n);
    hello[13] = (unsigned char)n;
    memcpy(hello + 14, name, n);
    if (write(fd, hello, 14 + n) != (ssize_t)(14 + n)) fail("CONNECT");
    if (recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[3] != 0) fail("CONNACK");
    return fd;
}

/* A row of six numbers; the time in front, in ns, is written anew for every message. */
static uint32_t build_packet(char *packet, uint32_t client, uint32_t *id_at, uint32_t *time_at)
{
    char topic[32], row[224];
    int t = snprintf(topic, sizeof topic, "bench/pump%04u", client);
    int n = snprintf(row, sizeof row,
                     "{\"ts\":1795222923004000000,\"temperature\":45.1%02u,\"vibration\":2.437,"
                     "\"pressure\":6.118,\"flow\":118.42,\"current\":11.07,\"rpm\":1487.25,"
                     "\"unit\":\"pump%04u\"}",
                     client % 100, client);
    uint32_t body = (uint32_t)(2 + t + 2 + n), at = 0;
    packet[at++] = 0x32;
    packet[at++] = (char)(body % 128 + 128);
    packet[at++] = (char)(body / 128);
    packet[at++] = 0;
    packet[at++] = (char)t;
    memcpy(packet + at, topic, (size_t)t);
    *id_at = at + (uint32_t)t;
    *time_at = *id_at + 2 + 6;
    memcpy(packet + *id_at + 2, row, (size_t)n);
    return body + 3;
}

uint32_t load_packet_bytes(void)
{
    char packet[256];
    uint32_t id_at, time_at;
    return build_packet(packet, 0, &id_at, &time_at);
}

static void put_digits(char *at, uint64_t value)
{
    for (int i = 18; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
}

static void fill(struct client *c, uint64_t n, bool timed)
{
    double now = load_now_s();
    uint64_t ns = (uint64_t)(1e9 * now) + UINT64_C(1000000000000000000);
    c->out_begin = c->out_end = 0;
    for (uint64_t i = 0; i < n; i++, c->sent++) {
        char *at = c->out + c->out_end;
        uint32_t id = (uint32_t)(c->sent % 65535 + 1);
        memcpy(at, c->packet, c->packet_bytes);
        at[c->id_at] = (char)(id >> 8);
        at[c->id_at + 1] = (char)id;
        if (timed) c->sent_s[id] = now;
        if (timed) put_digits(at + c->time_at, ns);
        c->out_end += c->packet_bytes;
    }
}

/* Sends what window and due allow. Returns whether the socket is full. */
static bool send_some(struct client *c, const struct load *l, uint64_t due)
{
    for (;;) {
        if (c->out_begin == c->out_end) {
            uint64_t n = l->window - (c->sent - c->acked);
            uint64_t left = (due < c->quota ? due : c->quota);
            left = left > c->sent ? left - c->sent : 0;
            if (n > left) n = left;
            if (n > BURST) n = BURST;
            if (n == 0) return false;
            fill(c, n, l->rate > 0.0);
        }
        ssize_t put = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) return true;
        if (put < 0) fail("PUBLISH");
        c->out_begin += (uint32_t)put;
    }
}

static void read_acks(struct client *c, bool timed)
{
    static unsigned char in[IN_BYTES + 4];
    memcpy(in, c->rest, c->in_rest);
    ssize_t got = recv(c->fd, in + c->in_rest, IN_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("PUBACK");
    size_t size = c->in_rest + (size_t)got, at = 0;
    double now = timed ? load_now_s() : 0.0;
    for (; at + 4 <= size; at += 4, c->acked++) {
        if (in[at] != 0x40 || in[at + 1] != 2) fail("not a PUBACK");
        if (timed) sample(1e6 * (now - c->sent_s[in[at + 2] << 8 | in[at + 3]]));
    }
    c->in_rest = (uint32_t)(size - at);
    memcpy(c->rest, in + at, c->in_rest);
}

static struct client *open_clients(const struct load *l, int poll)
{
    struct client *client = calloc(l->connections, sizeof *client);
    if (client == NULL) fail("clients");
    for (uint32_t i = 0; i < l->connections; i++) {
        struct client *c = &client[i];
        char name[32];
        snprintf(name, sizeof name, "bench%u", i);
        c->fd = dial(l->port, name);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        c->quota = l->messages / l->connections + (i < l->messages % l->connections);
        c->packet_bytes = build_packet(c->packet, i, &c->id_at, &c->time_at);
        if (l->rate > 0.0 && (c->sent_s = calloc(65536, sizeof *c->sent_s)) == NULL) fail("times");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event);
    }
    return client;
}

static void watch(int poll, struct client *c, bool full)
{
    struct epoll_event event = {.events = EPOLLIN | (full ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poll, EPOLL_CTL_MOD, c->fd, &event);
}

/* How many each client should have sent by now. */
static uint64_t due_now(const struct load *l, double start)
{
    if (l->rate <= 0.0) return UINT64_MAX;
    return (uint64_t)((load_now_s() - start) * l->rate / l->connections) + 1;
}

struct load_result load_publish(const struct load *l)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct client *client = open_clients(l, poll);
    samples.count = 0;
    uint64_t acked = 0;
    double start = load_now_s();
    for (uint32_t i = 0; i < l->connections; i++)
        if (send_some(&client[i], l, due_now(l, start))) watch(poll, &client[i], true);
    while (acked < l->messages) {
        struct epoll_event event[256];
        int n = epoll_wait(poll, event, 256, l->rate > 0.0 ? 1 : 1000);
        for (int k = 0; k < n; k++) {
            struct client *c = event[k].data.ptr;
            uint64_t before = c->acked;
            if ((event[k].events & EPOLLIN) != 0) read_acks(c, l->rate > 0.0);
            acked += c->acked - before;
            bool full = send_some(c, l, due_now(l, start));
            if (full || (event[k].events & EPOLLOUT) != 0) watch(poll, c, full);
        }
        for (uint32_t i = 0; l->rate > 0.0 && i < l->connections; i++)
            send_some(&client[i], l, due_now(l, start));
    }
    struct load_result r = {load_now_s() - start, part_of(0.5), part_of(0.99)};
    for (uint32_t i = 0; i < l->connections; i++) {
        close(client[i].fd);
        free(client[i].sent_s);
    }
    free(client);
    close(poll);
    return r;
}

/* One PUBLISH at at[left]: its length, 0 when it is not all there. */
static size_t publish_length(const unsigned char *at, size_t left)
{
    if (left < 4) return 0;
    if ((at[0] & 0xF0) != 0x30) fail("not a PUBLISH");
    size_t body = at[1] & 127u, head = 2;
    if (at[1] >= 128) {
        body += (size_t)(at[2] & 127u) << 7;
        head = 3;
    }
    return head + body <= left ? head + body : 0;
}

static double age_us(const unsigned char *packet, double now)
{
    const unsigned char *topic = packet + (packet[1] >= 128 ? 3 : 2);
    const char *at = (const char *)topic + 2 + topic[1] + 2 + 6;
    uint64_t ns = strtoull(at, NULL, 10);
    return 1e6 * now - 1e-3 * (double)(ns - UINT64_C(1000000000000000000));
}

double load_subscribe(uint16_t port, uint64_t messages, int ready_fd, double *p50_us,
                      double *p99_us)
{
    static unsigned char in[IN_BYTES], acks[IN_BYTES];
    static const unsigned char ask[] = {0x82, 12, 0, 1, 0, 7, 'b', 'e', 'n', 'c', 'h', '/', '#', 1};
    int fd = dial(port, "subscriber");
    if (write(fd, ask, sizeof ask) != sizeof ask || recv(fd, in, 5, MSG_WAITALL) != 5)
        fail("SUBACK");
    if (write(ready_fd, "x", 1) != 1) fail("ready");
    size_t size = 0;
    samples.count = 0;
    for (uint64_t seen = 0; seen < messages;) {
        ssize_t got = recv(fd, in + size, sizeof in - size, 0);
        if (got <= 0) fail("subscriber");
        size += (size_t)got;
        size_t at = 0, n = 0, length;
        double now = load_now_s();
        for (; (length = publish_length(in + at, size - at)) > 0; at += length, seen++) {
            const unsigned char *topic = in + at + (in[at + 1] >= 128 ? 3 : 2);
            const unsigned char *id = topic + 2 + topic[1];
            if (p50_us != NULL) sample(age_us(in + at, now));
            memcpy(acks + n, (const unsigned char[]){0x40, 2, id[0], id[1]}, 4);
            n += 4;
        }
        if (n > 0 && send(fd, acks, n, MSG_NOSIGNAL) != (ssize_t)n) fail("PUBACK");
        memmove(in, in + at, size - at);
        size -= at;
    }
    double end = load_now_s();
    if (p50_us != NULL) {
        *p50_us = part_of(0.5);
        *p99_us = part_of(0.99);
    }
    close(fd);
    return end;
}
