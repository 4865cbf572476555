/* What came in and is not journaled yet: collected while sockets are read, then one append, one
 * settle, and only then the acknowledgements and the delivery to subscribers. */
#ifndef INGEST_MQTT_BATCH_H
#define INGEST_MQTT_BATCH_H

#include "ingest/mqtt/state.h"
#include "ingest/mqtt/verb.h"

ANDON_MUST_CHECK andon_status batch_open(struct endpoint *e, andon_error *err);
void batch_close(struct endpoint *e);

/* batch_add takes one PUBLISH of c in; its payload and properties stay where they are until the
 * commit. fresh: to be journaled; otherwise only its answer is due (QoS 2, sent again). May commit
 * what is there when the batch is full. */
void batch_add(struct endpoint *e, struct connection *c, const struct publish *publish, bool fresh);

/* batch_add_will speaks for a client that has gone. */
void batch_add_will(struct endpoint *e, struct will *will);

/* batch_commit appends, settles, answers, delivers; afterwards the arena is free again. */
void batch_commit(struct endpoint *e);

#endif
