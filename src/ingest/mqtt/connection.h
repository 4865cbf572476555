/* One client's socket: reading packets, buffers, the end. */
#ifndef INGEST_MQTT_CONNECTION_H
#define INGEST_MQTT_CONNECTION_H

#include "ingest/mqtt/state.h"

/* connection_open takes the socket over (also when it cannot be: then it is closed and counted). */
void connection_open(struct endpoint *e, int fd);

/* connection_event reads once, and handles the whole packets that are there. */
void connection_event(struct endpoint *e, struct connection *c, uint32_t events);

/* connection_reserve makes room for one packet of that size behind what waits for c; the caller
 * writes all of it. NULL: there is none, and c has been closed as slow. */
uint8_t *connection_reserve(struct endpoint *e, struct connection *c, uint32_t bytes);

/* connection_try is the same for what may as well not be sent: c stays when there is no room. */
uint8_t *connection_try(struct endpoint *e, struct connection *c, uint32_t bytes);

/* What may wait for a client before it loses QoS 0 and is not read from; less when many are slow. */
uint32_t connection_soft_limit(const struct endpoint *e);

static inline uint32_t connection_waiting(const struct connection *c)
{
    return c->out_end - c->out_begin;
}

/* connection_refuse says in the protocol's words why c has to go (CONNACK, DISCONNECT, or nothing
 * in 3.1.1) and ends it, with its will. */
void connection_refuse(struct endpoint *e, struct connection *c, uint8_t reason);

/* connection_end lets c's session go. The socket is closed after what waits is written.
 *   speak  whether the client's will is spoken */
void connection_end(struct endpoint *e, struct connection *c, bool speak);

/* connection_flush writes what waits to all that have something, one write each. */
void connection_flush(struct endpoint *e);
void connection_bury(struct endpoint *e);
void connection_tick(struct endpoint *e); /* keep alive, greetings, farewells, stalls */

#endif
