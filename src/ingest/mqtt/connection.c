/* A socket's life: GREETING -> OPEN -> LEAVING -> CLOSED, and from anywhere to CLOSED when it
 * breaks.
 *
 * Reading. What arrives goes into the arena, behind the front of a packet that came before it;
 * whole packets are handled where they lie (their payloads go from there into the journal), and the
 * rest is kept in a piece of the input pool. A connection that does not take its answers is not
 * read from. */
#include "ingest/mqtt/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/mqtt/batch.h"
#include "ingest/mqtt/connection_out.h"
#include "ingest/mqtt/note.h"
#include "ingest/mqtt/retained.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/verb.h"

static struct connection *take_row(struct endpoint *e)
{
    struct connection *c = e->free_connection;
    if (c != NULL) {
        e->free_connection = c->next_free;
        return c;
    }
    if (e->connections_high == e->options.connections_max) return NULL;
    return &e->connections[e->connections_high++];
}

void connection_open(struct endpoint *e, int fd)
{
    struct connection *c = take_row(e);
    if (c == NULL) {
        count_one(&e->counters.connections_refused);
        note_client(e, LOG_WARN, "connection refused", "connections_max", NULL);
        close(fd);
        return;
    }
    *c = (struct connection){.fd = fd,
                             .state = CONNECTION_GREETING,
                             .version = VERSION_3_1_1,
                             .interest = EPOLLIN,
                             .packet_max = PACKET_BODY_MAX,
                             .receive_max = UINT16_MAX,
                             .active_ns = e->now_ns,
                             .deadline_ns = e->now_ns + GREETING_NS};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    count_one(&e->counters.connections);
    if (epoll_ctl(e->poll, EPOLL_CTL_ADD, fd, &event) != 0) connection_end(e, c, false);
}

/* The socket is of no use any more. */
static void close_now(struct endpoint *e, struct connection *c)
{
    if (c->state == CONNECTION_CLOSED) return;
    c->state = CONNECTION_CLOSED;
    c->next_free = e->closed;
    e->closed = c;
}

static void leave_session(struct endpoint *e, struct connection *c, bool speak)
{
    struct session *s = c->session;
    if (s == NULL) return;
    retained_forget(e, c);
    c->session = NULL;
    session_leave(e, s, speak);
}

void connection_end(struct endpoint *e, struct connection *c, bool speak)
{
    if (c->state != CONNECTION_OPEN && c->state != CONNECTION_GREETING) return;
    leave_session(e, c, speak);
    c->state = CONNECTION_LEAVING;
    c->deadline_ns = e->now_ns + FAREWELL_NS;
    connection_mark(e, c);
}

/* The client has gone without a word, or its socket is broken. */
static void lost(struct endpoint *e, struct connection *c)
{
    leave_session(e, c, true);
    close_now(e, c);
}

void connection_refuse(struct endpoint *e, struct connection *c, uint8_t reason)
{
    if (c->state != CONNECTION_OPEN && c->state != CONNECTION_GREETING) return;
    note_client(e, LOG_INFO, "connection closed", reason_text(reason), c->session);
    if (c->state == CONNECTION_GREETING)
        connack_refuse(e, c, reason);
    else if (c->version == VERSION_5)
        disconnect_say(e, c, reason);
    connection_end(e, c, true);
}

static void wrong(struct endpoint *e, struct connection *c, uint8_t reason)
{
    bool room = reason == REASON_QUOTA;
    bool login = reason == REASON_BAD_PASSWORD || reason == REASON_NOT_AUTHORIZED;
    count_one(room    ? &e->counters.refused_room
              : login ? &e->counters.refused_login
                      : &e->counters.refused_wrong);
    connection_refuse(e, c, reason);
}

/* 3.1.0-1: there is nobody to say it to. */
static void greeted_by_something_else(struct endpoint *e, struct connection *c)
{
    count_one(&e->counters.refused_wrong);
    connection_end(e, c, false);
}

static void handle(struct endpoint *e, struct connection *c, const struct packet *p)
{
    uint8_t reason = REASON_PROTOCOL;
    switch (p->type) {
    case PACKET_CONNECT:
        if (c->state == CONNECTION_GREETING) reason = connect_take(e, c, p);
        break;
    case PACKET_PUBLISH: reason = publish_take(e, c, p); break;
    case PACKET_PUBACK: reason = puback_take(e, c, p); break;
    case PACKET_PUBREL: reason = pubrel_take(e, c, p); break;
    case PACKET_SUBSCRIBE: reason = subscribe_take(e, c, p); break;
    case PACKET_UNSUBSCRIBE: reason = unsubscribe_take(e, c, p); break;
    case PACKET_PINGREQ: reason = ping_take(e, c, p); break;
    case PACKET_DISCONNECT: reason = disconnect_take(e, c, p); break;
    case 0: reason = REASON_MALFORMED; break;
    case PACKET_AUTH: /* nobody agreed on a method */
        reason = c->version == VERSION_5 ? REASON_PROTOCOL : REASON_MALFORMED;
        break;
    default: break; /* what only a server says, or answers to QoS 2, which is never sent */
    }
    if (reason != REASON_OK) wrong(e, c, reason);
}

/* Handles the whole packets at at[size]; returns how many bytes they had. */
static size_t handle_all(struct endpoint *e, struct connection *c, const uint8_t *at, size_t size)
{
    size_t done = 0;
    while (c->state == CONNECTION_OPEN || c->state == CONNECTION_GREETING) {
        struct packet p;
        if (c->state == CONNECTION_GREETING && done < size && at[done] >> 4 != PACKET_CONNECT) {
            greeted_by_something_else(e, c); /* no need to wait for the rest of it */
            return done;
        }
        int64_t length = packet_split(at + done, size - done, &p);
        if (length < 0) wrong(e, c, REASON_MALFORMED);
        if (length <= 0) return done;
        if (length > e->options.packet_bytes_max) {
            wrong(e, c, REASON_TOO_LARGE);
            return done;
        }
        if ((size_t)length > size - done) return done;
        handle(e, c, &p);
        done += (size_t)length;
    }
    return size;
}

static void drop_rest(struct endpoint *e, struct connection *c)
{
    pool_give(e->input, c->rest);
    c->rest = NULL;
    c->rest_size = c->rest_room = 0;
}

static void keep_rest(struct endpoint *e, struct connection *c, const uint8_t *at, size_t size)
{
    if (size > c->rest_room || c->rest == NULL) {
        pool_give(e->input, c->rest);
        c->rest = pool_take(e->input, size, &c->rest_room);
    }
    if (c->rest == NULL) {
        c->rest_size = c->rest_room = 0;
        wrong(e, c, REASON_QUOTA);
        return;
    }
    memcpy(c->rest, at, size);
    c->rest_size = (uint32_t)size;
}

/* What a client that has been told to go still sends. */
static void throw_away(struct endpoint *e, struct connection *c)
{
    ssize_t got = recv(c->fd, e->arena + e->arena_size, READ_BYTES, 0); /* spare room behind it */
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) close_now(e, c);
}

static void read_once(struct endpoint *e, struct connection *c)
{
    size_t want = c->rest_size > READ_BYTES ? c->rest_size : READ_BYTES;
    if (e->arena_size - e->arena_used < c->rest_size + want) batch_commit(e);
    if (c->state == CONNECTION_LEAVING || c->state == CONNECTION_CLOSED) return;
    uint8_t *at = e->arena + e->arena_used;
    ssize_t got = recv(c->fd, at + c->rest_size, want, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) lost(e, c);
        return;
    }
    if (c->rest_size > 0) memcpy(at, c->rest, c->rest_size);
    size_t size = c->rest_size + (size_t)got;
    c->active_ns = e->now_ns;
    size_t done = handle_all(e, c, at, size);
    e->arena_used = (size_t)(at - e->arena) + done; /* a commit on the way had reset it */
    if (done < size && (c->state == CONNECTION_OPEN || c->state == CONNECTION_GREETING))
        keep_rest(e, c, at + done, size - done);
    else
        drop_rest(e, c);
}

void connection_event(struct endpoint *e, struct connection *c, uint32_t events)
{
    if (c->state == CONNECTION_FREE || c->state == CONNECTION_CLOSED) return;
    if ((events & EPOLLOUT) != 0) connection_mark(e, c);
    if (c->state == CONNECTION_LEAVING) {
        if ((events & ~(uint32_t)EPOLLOUT) != 0) throw_away(e, c);
    } else if (!c->paused && (events & EPOLLIN) != 0) {
        read_once(e, c);
    } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        lost(e, c);
    }
}

void connection_broken(struct endpoint *e, struct connection *c)
{
    lost(e, c);
}

/* What is closed has nothing to write any more. */
static void forget_dirty(struct endpoint *e)
{
    struct connection **link = &e->dirty;
    while (*link != NULL) {
        if ((*link)->state == CONNECTION_CLOSED)
            *link = (*link)->next_dirty;
        else
            link = &(*link)->next_dirty;
    }
}

void connection_bury(struct endpoint *e)
{
    if (e->closed != NULL) forget_dirty(e);
    for (struct connection *c = e->closed, *next; c != NULL; c = next) {
        next = c->next_free;
        close(c->fd);
        drop_rest(e, c);
        connection_drop_out(e, c);
        for (uint32_t i = 0; c->alias != NULL && i < ALIAS_MAX; i++)
            pool_give(e->kept, (void *)(uintptr_t)c->alias[i].at);
        pool_give(e->kept, c->alias);
        *c = (struct connection){.fd = -1, .state = CONNECTION_FREE};
        c->next_free = e->free_connection;
        e->free_connection = c;
        count_add(&e->counters.connections, (uint64_t)-1);
    }
    e->closed = NULL;
}

static void tick_open(struct endpoint *e, struct connection *c)
{
    if (c->keep_alive_ns > 0 && e->now_ns - c->active_ns > c->keep_alive_ns) {
        count_one(&e->counters.keep_alive_closed);
        connection_refuse(e, c, REASON_KEEP_ALIVE);
    } else if (c->stuck && e->now_ns - c->deadline_ns > STALL_NS) {
        connection_slow(e, c);
    } else if (c->session->unsent != NULL) {
        connection_mark(e, c); /* there may be room again */
    }
}

void connection_tick(struct endpoint *e)
{
    for (uint32_t i = 0; i < e->connections_high; i++) {
        struct connection *c = &e->connections[i];
        switch (c->state) {
        case CONNECTION_OPEN: tick_open(e, c); break;
        case CONNECTION_GREETING:
            if (e->now_ns < c->deadline_ns) break;
            count_one(&e->counters.greeting_closed);
            close_now(e, c);
            break;
        case CONNECTION_LEAVING:
            if (e->now_ns >= c->deadline_ns) close_now(e, c);
            break;
        default: break;
        }
    }
}
