/* What the files of the endpoint share: the endpoint, its connections and its sessions. Everything
 * here belongs to the loop's thread, but for the counters (atomic), the stop flag and what say.h
 * says.
 *
 * Invariants
 * 1. Within a turn nothing that a batch points to is given back: closed connections and ended
 * sessions are buried at the turn's end (connection_bury, session_bury).
 * 2. A session without a connection is either in the list of the absent or ended.
 * 3. All room is from the pools and tables of endpoint_open: no allocation while it runs. */
#ifndef INGEST_MQTT_STATE_H
#define INGEST_MQTT_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ingest/mqtt/endpoint.h"
#include "ingest/mqtt/index.h"
#include "ingest/mqtt/letter.h"
#include "ingest/mqtt/limits.h"
#include "ingest/mqtt/packet.h"
#include "ingest/mqtt/pool.h"
#include "ingest/mqtt/property.h"

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_GREETING, /* nothing but CONNECT may come                               */
    CONNECTION_OPEN,     /* it has a session                                           */
    CONNECTION_LEAVING,  /* told to go: what it sends is thrown away, what waits is written */
    CONNECTION_CLOSED    /* buried at the end of the turn                              */
};

struct connection {
    int fd;
    uint8_t state, version;
    bool dirty, paused, stuck; /* in the list to write; not read from; out is full         */
    uint32_t interest;         /* events that epoll watches                                */
    struct session *session;   /* when OPEN                                                */
    uint8_t *rest;             /* rest[rest_size]: the front of a packet; from pool input  */
    uint32_t rest_size, rest_room;
    uint8_t *out; /* out[out_begin..out_end) waits; from pool output          */
    uint32_t out_begin, out_end, out_room;
    uint32_t packet_max;              /* what the client takes                                    */
    uint16_t receive_max;             /* ... QoS 1 at once                                        */
    uint16_t unanswered;              /* QoS 1 and 2 of the client that it has no answer to       */
    struct text *alias;               /* alias[ALIAS_MAX] or NULL; from pool kept                 */
    int64_t active_ns, keep_alive_ns; /* last sign of life; 0: none asked                  */
    int64_t deadline_ns;              /* GREETING, LEAVING; stuck since, when OPEN                */
    uint32_t scans;                   /* subscriptions that still wait for retained messages      */
    struct connection *next_dirty, *next_free;
};

struct queued { /* QoS 1 on its way to a subscriber */
    struct queued *next;
    struct letter *letter; /* both from pool queued */
    uint16_t packet;       /* 0: not sent yet */
    bool retain;
    uint8_t ids;
    uint32_t id[]; /* subscription identifiers */
};

struct session {
    uint64_t number;          /* message.session                                          */
    struct text client, user; /* from pool kept                                           */
    uint32_t hash;
    struct connection *connection; /* NULL: absent                                         */
    struct will *will;             /* armed, or counting down while it is absent               */
    uint32_t expiry_s;             /* 0: ends with its connection                              */
    bool ended;
    int64_t gone_ns;
    struct session *older, *newer; /* list of the absent, or of the free and the ended     */

    uint64_t *received; /* QoS 2: bits of packet ids not yet released; from kept     */
    uint32_t received_count;

    uint32_t subscriptions, subscription_count; /* list through subscription.next_own      */
    uint64_t match_stamp; /* of the mail that match_first belongs to                   */
    uint32_t match_first;

    struct queued *first, *last, *unsent;
    uint32_t queue_count, queue_bytes, in_flight;
    uint16_t next_packet;
};

struct sessions {
    struct session *row; /* row[rows_max] */
    uint32_t rows_max, high, count, absent_count;
    struct session *free, *ended;
    struct session *oldest, *newest; /* absent: by when they went */
    struct index index;
    uint64_t next_number;
    uint32_t sweep;
};

struct counters {
    _Atomic uint64_t connections, connections_refused, received, acknowledged, refused_full,
        refused_wrong, refused_room, refused_login, sent, dropped, slow_closed, keep_alive_closed,
        greeting_closed, taken_over, retained, retained_refused, sessions, sessions_evicted,
        sessions_expired, subscriptions, subscriptions_refused, wills, said, say_full;
};

struct batch;
struct tree;
struct retained;
struct say;
struct will;

struct endpoint {
    struct endpoint_options options;
    struct journal *journal;
    int listener, wake, poll, spare; /* spare: given up to refuse a connection when files run out */
    uint16_t port;
    atomic_bool stop;
    int64_t now_ns, wall_ns; /* steady and wall, at the turn's begin */
    int64_t ticked_ns;

    struct connection *connections; /* connections[connections_max] */
    uint32_t connections_high;
    struct connection *free_connection, *dirty, *closed;
    uint8_t *arena; /* arena[arena_size]: what is read in one batch */
    size_t arena_used, arena_size;

    struct sessions sessions;
    struct batch *batch;
    struct tree *tree;
    struct retained *retained;
    struct say *say;
    struct will *wills; /* of those who have gone: counting down */
    int64_t will_due_ns; /* none of them before */
    struct pool *input, *output, *queued, *kept;
    uint32_t scanning;   /* connections with scans */
    uint64_t mail_stamp; /* of the last delivery   */
    struct counters counters;
    int64_t notes_since_ns; /* see note.h */
    uint32_t notes;
    uint64_t notes_held;
};

/* One writer: no need for a locked addition. */
static inline void count_add(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static inline void count_one(_Atomic uint64_t *counter)
{
    count_add(counter, 1);
}

#endif
