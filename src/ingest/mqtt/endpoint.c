/* The endpoint's life and its loop. One turn: read what is there on all sockets, one append and one
 * settle for all of it, then the answers and what goes to subscribers, with one write per socket.
 */
#include "ingest/mqtt/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "ingest/message.h"
#include "ingest/mqtt/batch.h"
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/listener.h"
#include "ingest/mqtt/retained.h"
#include "ingest/mqtt/say.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/topic.h"
#include "ingest/mqtt/turn.h"
#include "ingest/mqtt/will.h"

static void fill_options(struct endpoint_options *o)
{
    if (o->connections_max == 0) o->connections_max = CONNECTIONS_DEFAULT;
    if (o->packet_bytes_max == 0) o->packet_bytes_max = PACKET_BYTES_DEFAULT;
    if (o->packet_bytes_max > PACKET_BYTES_MOST) o->packet_bytes_max = PACKET_BYTES_MOST;
    if (o->sessions_max == 0) o->sessions_max = SESSIONS_DEFAULT;
    if (o->topics_retained_max == 0) o->topics_retained_max = TOPICS_RETAINED_DEFAULT;
    if (o->topics_retained_max > (uint64_t)1 << 24) o->topics_retained_max = (uint64_t)1 << 24;
}

static andon_status open_rooms(struct endpoint *e, andon_error *err)
{
    e->connections = calloc(e->options.connections_max, sizeof *e->connections);
    if (e->connections == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for %u connections",
                          e->options.connections_max);
    andon_status st = pool_open(INPUT_POOL_BYTES, &e->input, err);
    if (st == ANDON_OK) st = pool_open(OUTPUT_POOL_BYTES, &e->output, err);
    if (st == ANDON_OK) st = pool_open(QUEUED_POOL_BYTES, &e->queued, err);
    if (st == ANDON_OK) st = pool_open(KEPT_POOL_BYTES, &e->kept, err);
    if (st == ANDON_OK) st = sessions_open(e, err);
    if (st == ANDON_OK) st = tree_open(e, err);
    if (st == ANDON_OK) st = retained_open(e, err);
    if (st == ANDON_OK) st = batch_open(e, err);
    if (st == ANDON_OK) st = say_open(e, err);
    return st;
}

andon_status endpoint_open(const struct endpoint_options *options, struct journal *journal,
                           struct endpoint **endpoint, andon_error *err)
{
    struct endpoint *e = calloc(1, sizeof *e);
    if (e == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the MQTT endpoint");
    e->options = *options;
    e->journal = journal;
    fill_options(&e->options);
    andon_status st = listener_open(e, err);
    if (st == ANDON_OK) st = open_rooms(e, err);
    if (st != ANDON_OK) {
        endpoint_close(e);
        return st;
    }
    turn_clock(e);
    *endpoint = e;
    return ANDON_OK;
}

void endpoint_close(struct endpoint *endpoint)
{
    struct endpoint *e = endpoint;
    if (e == NULL) return;
    for (uint32_t i = 0; i < e->connections_high; i++)
        if (e->connections[i].state != CONNECTION_FREE) close(e->connections[i].fd);
    listener_close(e);
    say_close(e);
    batch_close(e);
    retained_close(e);
    tree_close(e);
    sessions_close(e);
    pool_close(e->input);
    pool_close(e->output);
    pool_close(e->queued);
    pool_close(e->kept);
    free(e->connections);
    free(e);
}

void turn_clock(struct endpoint *e)
{
    e->now_ns = clock_steady_ns();
    e->wall_ns = clock_wall_ns();
}

static void tick(struct endpoint *e)
{
    if (e->now_ns - e->ticked_ns < TICK_MS * NS_PER_MS) return;
    e->ticked_ns = e->now_ns;
    connection_tick(e);
    session_tick(e);
    retained_tick(e);
    pool_trim(e->input);
    pool_trim(e->output);
    pool_trim(e->queued);
}

static void handle(struct endpoint *e, const struct epoll_event *event)
{
    uint64_t woken;
    if (event->data.ptr == &e->listener)
        listener_accept(e);
    else if (event->data.ptr == &e->wake)
        (void)!read(e->wake, &woken, sizeof woken);
    else
        connection_event(e, event->data.ptr, event->events);
}

bool turn_take(struct endpoint *e, int timeout_ms)
{
    struct epoll_event event[EVENTS_PER_TURN];
    int n = epoll_wait(e->poll, event, EVENTS_PER_TURN, timeout_ms);
    turn_clock(e);
    for (int i = 0; i < n; i++) handle(e, &event[i]);
    tick(e);
    will_tick(e);
    batch_commit(e);
    say_deliver(e);
    bool more = retained_go(e);
    connection_flush(e);
    connection_bury(e);
    session_bury(e);
    return more;
}

/* Everybody hears that it ends; what waits is written while the time for it lasts. */
static void drain(struct endpoint *e)
{
    turn_clock(e);
    int64_t until_ns = e->now_ns + DRAIN_NS;
    listener_pause(e);
    for (uint32_t i = 0; i < e->connections_high; i++) {
        struct connection *c = &e->connections[i];
        if (c->state == CONNECTION_OPEN && c->version == VERSION_5)
            disconnect_say(e, c, REASON_SHUTTING_DOWN);
        connection_end(e, c, false); /* it is not the client that goes */
    }
    do {
        turn_take(e, 10);
        bool waiting = false;
        for (uint32_t i = 0; i < e->connections_high; i++)
            waiting |= connection_waiting(&e->connections[i]) > 0;
        if (!waiting) return;
    } while (e->now_ns < until_ns);
}

void endpoint_run(struct endpoint *endpoint)
{
    bool more = false;
    log_line(LOG_INFO, "mqtt", "listening", "port=%u", endpoint->port);
    while (!atomic_load_explicit(&endpoint->stop, memory_order_acquire))
        more = turn_take(endpoint, more ? 0 : TICK_MS);
    drain(endpoint);
    log_line(LOG_INFO, "mqtt", "stopped", "port=%u", endpoint->port);
}

static void wake(struct endpoint *e)
{
    uint64_t one = 1;
    (void)!write(e->wake, &one, sizeof one);
}

void endpoint_stop(struct endpoint *endpoint)
{
    int why = errno;
    atomic_store_explicit(&endpoint->stop, true, memory_order_release);
    wake(endpoint);
    errno = why;
}

uint16_t endpoint_port(const struct endpoint *endpoint)
{
    return endpoint->port;
}

bool endpoint_say(struct endpoint *endpoint, struct text topic, struct text payload, int qos,
                  bool retain)
{
    struct mail mail = {
        .topic = topic, .payload = payload, .qos = qos > 0 ? 1 : 0, .retain = retain};
    bool must_wake = false;
    if (!topic_name_ok(topic) || !text_well_formed(topic) ||
        !say_put(endpoint, &mail, &must_wake)) {
        atomic_fetch_add_explicit(&endpoint->counters.say_full, 1, memory_order_relaxed);
        return false;
    }
    if (must_wake) wake(endpoint);
    return true;
}

static uint64_t look(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void endpoint_figures(struct endpoint *endpoint, struct endpoint_figures *figures)
{
    struct counters *n = &endpoint->counters;
    *figures = (struct endpoint_figures){.connections = look(&n->connections),
                                         .connections_refused = look(&n->connections_refused),
                                         .received = look(&n->received),
                                         .acknowledged = look(&n->acknowledged),
                                         .refused_full = look(&n->refused_full),
                                         .refused_wrong = look(&n->refused_wrong),
                                         .sent = look(&n->sent),
                                         .dropped = look(&n->dropped) + look(&n->say_full),
                                         .slow_closed = look(&n->slow_closed),
                                         .retained = look(&n->retained),
                                         .retained_refused = look(&n->retained_refused),
                                         .sessions = look(&n->sessions),
                                         .subscriptions = look(&n->subscriptions),
                                         .sessions_evicted = look(&n->sessions_evicted),
                                         .sessions_expired = look(&n->sessions_expired),
                                         .subscriptions_refused = look(&n->subscriptions_refused),
                                         .refused_login = look(&n->refused_login),
                                         .refused_room = look(&n->refused_room),
                                         .greeting_closed = look(&n->greeting_closed),
                                         .keep_alive_closed = look(&n->keep_alive_closed),
                                         .taken_over = look(&n->taken_over),
                                         .wills = look(&n->wills),
                                         .said = look(&n->said)};
}
