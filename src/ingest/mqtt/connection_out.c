#include "ingest/mqtt/connection_out.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/note.h"

void connection_mark(struct endpoint *e, struct connection *c)
{
    if (c->dirty) return;
    c->dirty = true;
    c->next_dirty = e->dirty;
    e->dirty = c;
}

void connection_drop_out(struct endpoint *e, struct connection *c)
{
    pool_give(e->output, c->out);
    c->out = NULL;
    c->out_begin = c->out_end = c->out_room = 0;
}

void connection_slow(struct endpoint *e, struct connection *c)
{
    if (c->state != CONNECTION_OPEN && c->state != CONNECTION_GREETING) return;
    note_client(e, LOG_WARN, "connection closed", "it does not read", c->session);
    count_one(&e->counters.slow_closed);
    connection_broken(e, c); /* it would not read a farewell */
}

/* Moves what waits to the front of a block that has room for more. */
static bool make_room(struct endpoint *e, struct connection *c, uint32_t bytes)
{
    uint32_t waiting = connection_waiting(c);
    uint64_t limit = (uint64_t)OUT_SOFT_BYTES + e->options.packet_bytes_max + READ_BYTES;
    if ((uint64_t)waiting + bytes > limit) return false;
    if (waiting + bytes <= c->out_room && c->out_begin >= c->out_room / 2) {
        memmove(c->out, c->out + c->out_begin, waiting);
    } else {
        uint32_t room;
        uint32_t grown = c->out_room < 4096 ? 4096 : 2 * c->out_room;
        uint8_t *out =
            pool_take(e->output, waiting + bytes > grown ? waiting + bytes : grown, &room);
        if (out == NULL) return false;
        if (waiting > 0) memcpy(out, c->out + c->out_begin, waiting);
        pool_give(e->output, c->out);
        c->out = out;
        c->out_room = room;
    }
    c->out_begin = 0;
    c->out_end = waiting;
    return true;
}

uint8_t *connection_try(struct endpoint *e, struct connection *c, uint32_t bytes)
{
    if (c->state != CONNECTION_OPEN && c->state != CONNECTION_GREETING) return NULL;
    if (bytes > c->out_room - c->out_end && !make_room(e, c, bytes)) return NULL;
    uint8_t *at = c->out + c->out_end;
    c->out_end += bytes;
    connection_mark(e, c);
    return at;
}

uint8_t *connection_reserve(struct endpoint *e, struct connection *c, uint32_t bytes)
{
    uint8_t *at = connection_try(e, c, bytes);
    if (at == NULL) connection_slow(e, c);
    return at;
}

uint32_t connection_soft_limit(const struct endpoint *e)
{
    return pool_used(e->output) < OUTPUT_POOL_BYTES / 4 ? OUT_SOFT_BYTES : OUT_TIGHT_BYTES;
}

/* Watches for what can be done now: reading unless the client does not take its answers, writing
 * where something waits. */
static void watch(struct endpoint *e, struct connection *c)
{
    uint32_t waiting = connection_waiting(c);
    c->paused = c->state == CONNECTION_OPEN && waiting > connection_soft_limit(e);
    uint32_t interest = (c->paused ? 0 : EPOLLIN) | (waiting > 0 ? EPOLLOUT : 0);
    if (interest == c->interest) return;
    struct epoll_event event = {.events = interest, .data.ptr = c};
    if (epoll_ctl(e->poll, EPOLL_CTL_MOD, c->fd, &event) != 0) {
        connection_broken(e, c);
        return;
    }
    c->interest = interest;
}

static void write_once(struct endpoint *e, struct connection *c)
{
    if (connection_waiting(c) > 0) {
        ssize_t put = send(c->fd, c->out + c->out_begin, connection_waiting(c), MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN && errno != EINTR) {
            connection_broken(e, c);
            return;
        }
        if (put > 0) c->out_begin += (uint32_t)put;
        if (put > 0) c->stuck = false;
    }
    if (c->state == CONNECTION_OPEN && c->session->unsent != NULL) delivery_go(e, c->session);
    if (connection_waiting(c) == 0) {
        connection_drop_out(e, c);
        if (c->state == CONNECTION_LEAVING) shutdown(c->fd, SHUT_WR);
    } else if (!c->stuck && c->state == CONNECTION_OPEN) {
        c->stuck = true;
        c->deadline_ns = e->now_ns;
    }
    watch(e, c);
}

void connection_flush(struct endpoint *e)
{
    struct connection *c = e->dirty;
    e->dirty = NULL;
    while (c != NULL) {
        struct connection *next = c->next_dirty;
        c->dirty = false;
        if (c->state != CONNECTION_CLOSED && c->state != CONNECTION_FREE) write_once(e, c);
        c = next;
    }
}
