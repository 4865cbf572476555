/* andon's own MQTT endpoint, 3.1.1 and 5: devices publish to it, and PUBACK means journaled. It is no
 * general broker. One event loop in one thread (`in`): read what is there on all sockets, one append
 * for the batch, settle, then the acknowledgements.
 *
 * Clients may subscribe to what devices publish and to what andon says (endpoint_say); subscribers
 * that do not read lose messages of QoS 0 and are closed beyond their limit, each counted. */
#ifndef INGEST_MQTT_ENDPOINT_H
#define INGEST_MQTT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"
#include "journal/journal.h"

struct endpoint_options {
    const char *listen;        /* "127.0.0.1:1883"; port 0: any free one               */
    uint32_t connections_max;  /* 0: 8192                                               */
    uint32_t packet_bytes_max; /* 0: 1 MiB; larger packets are refused                  */
    uint32_t sessions_max;     /* persistent sessions kept; 0: 65536                    */
    uint64_t topics_retained_max; /* 0: 65536                                           */
    /* Who may connect: NULL lets everybody in (loopback only). Called in the loop's thread. */
    bool (*allow)(void *context, struct text client, struct text user, struct text password);
    void *context;
};

struct endpoint_figures {
    uint64_t connections, connections_refused; /* now; since the start        */
    uint64_t received, acknowledged;           /* PUBLISH; PUBACK and PUBREC  */
    uint64_t refused_full, refused_wrong;      /* disk full; protocol errors  */
    uint64_t sent, dropped;                    /* to subscribers              */
    uint64_t slow_closed;
    uint64_t retained;                   /* topics, now            */
    uint64_t retained_refused;           /* no room for one more   */
    uint64_t sessions, subscriptions;    /* now                    */
    uint64_t sessions_evicted, sessions_expired;
    uint64_t subscriptions_refused;
    uint64_t refused_login;              /* by allow                                         */
    uint64_t refused_room;               /* half packets, sessions, wills: a pool is full     */
    uint64_t greeting_closed, keep_alive_closed; /* no CONNECT in time; silent too long       */
    uint64_t taken_over;
    uint64_t wills, said;                /* journaled; from endpoint_say                     */
};

struct endpoint;

/* endpoint_open listens; endpoint_run serves until endpoint_stop (any thread, signal-safe) and drains:
 * what was read is appended and acknowledged before it returns.
 * ANDON_EIO the address cannot be used (err) */
ANDON_MUST_CHECK andon_status endpoint_open(const struct endpoint_options *options,
                                            struct journal *journal, struct endpoint **endpoint,
                                            andon_error *err);
void endpoint_run(struct endpoint *endpoint);
void endpoint_stop(struct endpoint *endpoint);
void endpoint_close(struct endpoint *endpoint);

uint16_t endpoint_port(const struct endpoint *endpoint);

/* endpoint_say publishes to the subscribers of topic. Any thread; copies; false: the queue (1 MiB) is
 * full and the message is dropped and counted. An empty retained payload takes the topic away. */
bool endpoint_say(struct endpoint *endpoint, struct text topic, struct text payload, int qos,
                  bool retain);

void endpoint_figures(struct endpoint *endpoint, struct endpoint_figures *figures);

#endif
