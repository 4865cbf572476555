/* Fuzzes a whole endpoint: three connections, whose bytes come in pieces, with a journal that keeps
 * nothing and sometimes refuses. The input is a row of pieces:
 *
 *     u8 head: bits 0-1 the connection (3: an order), bits 2-7 the length   bytes[length]
 *
 * orders: 0 close connection 0, 1 close 1, 2 close 2, 3 the journal refuses from now on, 4 it
 * cannot sync, 5 it works again, 6 andon says something.
 *
 * Whatever comes: nothing crashes, what is answered was appended before, and when all have gone
 * nothing is left. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ingest/message.h"
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/endpoint.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/turn.h"
#include "ingest/mqtt/will.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 3, INPUTS_PER_ENDPOINT = 2000, ORDER = 3 };

static struct fake {
    bool full, unsure;
    uint64_t end;
} fake;

static void must(bool holds)
{
    if (!holds) abort();
}

/* The journal, as far as the endpoint knows it. */

andon_status journal_append(struct journal *journal, const struct journal_entry *entry, size_t n,
                            uint64_t *end, andon_error *err)
{
    (void)journal;
    if (fake.full) return andon_fail(err, ANDON_ELIMIT, "full");
    for (size_t i = 0; i < n; i++) {
        struct message m;
        uint32_t size = entry[i].size[0] + entry[i].size[1];
        uint8_t *body = malloc(size);
        must(body != NULL);
        memcpy(body, entry[i].part[0], entry[i].size[0]);
        if (entry[i].size[1] > 0)
            memcpy(body + entry[i].size[0], entry[i].part[1], entry[i].size[1]);
        must(entry[i].type == JOURNAL_MESSAGE && message_unpack(body, size, 0, &m));
        must(m.door == MESSAGE_MQTT && m.topic.length > 0 && m.client.length > 0);
        free(body);
        fake.end += size;
    }
    *end = fake.end;
    return ANDON_OK;
}

andon_status journal_settle(struct journal *journal, uint64_t offset, andon_error *err)
{
    (void)journal;
    must(offset <= fake.end);
    return fake.unsure ? andon_fail(err, ANDON_EIO, "unsure") : ANDON_OK;
}

uint64_t journal_end(const struct journal *journal)
{
    (void)journal;
    return fake.end;
}

static void open_endpoint(struct endpoint **endpoint)
{
    andon_error err;
    struct endpoint_options options = {.listen = "127.0.0.1:0",
                                       .connections_max = 8,
                                       .packet_bytes_max = 4096,
                                       .sessions_max = 8,
                                       .topics_retained_max = 16};
    log_settings(LOG_ERROR + 1, false);
    must(endpoint_open(&options, NULL, endpoint, &err) == ANDON_OK);
}

static int dial(struct endpoint *e)
{
    int fd[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    connection_open(e, fd[1]);
    return fd[0];
}

static void turn(struct endpoint *e, const int *fd)
{
    uint8_t heard[4096];
    turn_take(e, 0);
    for (int i = 0; i < CLIENTS; i++)
        while (fd[i] >= 0 && recv(fd[i], heard, sizeof heard, MSG_DONTWAIT) > 0) continue;
}

static void obey(struct endpoint *e, int *fd, uint8_t order)
{
    if (order < CLIENTS) {
        close(fd[order]);
        turn_take(e, 0);
        fd[order] = dial(e);
    } else if (order == 6) {
        endpoint_say(e, TEXT("a/b"), TEXT("said"), 1, true);
    } else if (order < 6) {
        fake.full = order == 3;
        fake.unsure = order == 4;
    }
}

/* Everybody goes; sessions that are kept end; nothing may be left. */
static void leave(struct endpoint *e, const int *fd)
{
    struct endpoint_figures f;
    fake.full = fake.unsure = false;
    for (int i = 0; i < CLIENTS; i++) close(fd[i]);
    for (int i = 0; i < 3; i++) turn_take(e, 0);
    for (uint32_t i = 0; i < e->sessions.high; i++)
        if (e->sessions.row[i].client.at != NULL) session_end(e, &e->sessions.row[i]);
    for (struct will *w = e->wills; w != NULL; w = w->next) w->due_ns = 0; /* once refused */
    e->will_due_ns = 0;
    for (int i = 0; i < 3; i++) turn_take(e, 0);
    endpoint_figures(e, &f);
    must(f.connections == 0 && f.sessions == 0 && f.subscriptions == 0);
    must(pool_used(e->input) == 0 && pool_used(e->output) == 0 && pool_used(e->queued) == 0 &&
         pool_used(e->kept) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct endpoint *e;
    static uint32_t inputs;
    int fd[CLIENTS];
    if (e != NULL && ++inputs % INPUTS_PER_ENDPOINT == 0) {
        endpoint_close(e);
        e = NULL;
    }
    if (e == NULL) open_endpoint(&e);
    turn_clock(e);
    for (int i = 0; i < CLIENTS; i++) fd[i] = dial(e);
    for (size_t at = 0; at < size;) {
        uint8_t head = data[at++];
        size_t length = head >> 2;
        if ((head & 3) == ORDER) {
            obey(e, fd, (uint8_t)length);
            continue;
        }
        if (length > size - at) length = size - at;
        (void)!send(fd[head & 3], data + at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        at += length;
        turn(e, fd);
    }
    turn(e, fd);
    leave(e, fd);
    return 0;
}
