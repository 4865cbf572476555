/* Descriptors of the endpoint: the address, new connections, the limit of open files. */
#ifndef INGEST_MQTT_LISTENER_H
#define INGEST_MQTT_LISTENER_H

#include "ingest/mqtt/state.h"

/* listener_open opens listener, wake and poll. ANDON_EINVAL no address; ANDON_EIO no use of it */
ANDON_MUST_CHECK andon_status listener_open(struct endpoint *e, andon_error *err);
void listener_close(struct endpoint *e);
void listener_accept(struct endpoint *e); /* a bounded number */

/* listener_pause stops new connections: at the end. */
void listener_pause(struct endpoint *e);

#endif
