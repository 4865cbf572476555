/* What other threads want said: two buffers of 1 MiB, one filled under a lock, the other emptied by
 * the loop. */
#ifndef INGEST_MQTT_SAY_H
#define INGEST_MQTT_SAY_H

#include "ingest/mqtt/state.h"

ANDON_MUST_CHECK andon_status say_open(struct endpoint *e, andon_error *err);
void say_close(struct endpoint *e);

/* say_put copies; *wake is set when the loop has to be woken for it. False: no room. */
bool say_put(struct endpoint *e, const struct mail *mail, bool *wake);
void say_deliver(struct endpoint *e); /* the loop */

#endif
