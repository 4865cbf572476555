/* One turn of the endpoint's loop, for the loop itself and for tests that take turns by hand. */
#ifndef INGEST_MQTT_TURN_H
#define INGEST_MQTT_TURN_H

#include "ingest/mqtt/state.h"

/* turn_take waits at most timeout_ms for something to happen and does all of it. True: there is
 * more to do at once (retained messages for a new subscriber). */
bool turn_take(struct endpoint *e, int timeout_ms);
void turn_clock(struct endpoint *e);

#endif
