/* The writing half of a connection: what waits, and one write per turn. */
#ifndef INGEST_MQTT_CONNECTION_OUT_H
#define INGEST_MQTT_CONNECTION_OUT_H

#include "ingest/mqtt/connection.h"

/* connection_mark: it has something to write, or to look after, at the turn's end. */
void connection_mark(struct endpoint *e, struct connection *c);
void connection_drop_out(struct endpoint *e, struct connection *c);
void connection_slow(struct endpoint *e, struct connection *c); /* closed: it does not read */

/* Said by the writing half, known by the reading half: the socket is broken. */
void connection_broken(struct endpoint *e, struct connection *c);

#endif
