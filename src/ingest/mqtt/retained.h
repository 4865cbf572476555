/* Retained messages (3.3.1.3): the last one of a topic, for those who subscribe later. Devices have
 * topics_retained_max topics; andon's own stand beside them with a limit of their own, so that a
 * flood of topics does not take away andon's state. */
#ifndef INGEST_MQTT_RETAINED_H
#define INGEST_MQTT_RETAINED_H

#include "ingest/mqtt/subscription.h"

ANDON_MUST_CHECK andon_status retained_open(struct endpoint *e, andon_error *err);
void retained_close(struct endpoint *e);

/* retained_set keeps the mail, or takes the topic away when its payload is empty. What has no room
 * is counted, and an older message of the topic is taken away: a stale state is worse than none. */
void retained_set(struct endpoint *e, const struct mail *mail, bool own);

/* retained_begin says that the subscription wants what is there; retained_go sends as much of it as
 * the client takes now and returns whether some of it can go on at once. */
void retained_begin(struct endpoint *e, struct connection *c, uint32_t subscription);
bool retained_go(struct endpoint *e);
void retained_forget(struct endpoint *e, struct connection *c); /* it has gone */
void retained_tick(struct endpoint *e);                         /* those that expire */

#endif
