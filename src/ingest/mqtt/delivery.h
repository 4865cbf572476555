/* To subscribers: QoS 0 straight into what waits for the client, QoS 1 through a queue of the
 * session that keeps it until its PUBACK. */
#ifndef INGEST_MQTT_DELIVERY_H
#define INGEST_MQTT_DELIVERY_H

#include "ingest/mqtt/subscription.h"

/* delivery_wanted: whether anybody subscribes to anything. */
bool delivery_wanted(const struct endpoint *e);

/* delivery_publish hands the mail to all subscribers that match, once to each. */
void delivery_publish(struct endpoint *e, const struct mail *mail);

/* delivery_retained sends one retained message to one subscription. */
void delivery_retained(struct endpoint *e, struct connection *c, const struct subscription *sub,
                       struct letter *letter);

/* delivery_go sends of the session's queue what the client's window and buffer allow. */
void delivery_go(struct endpoint *e, struct session *s);

/* delivery_resume sends again what was not acknowledged on an earlier connection. */
void delivery_resume(struct endpoint *e, struct session *s);

/* delivery_acknowledged: PUBACK from the client; one that nobody waits for is passed over. */
void delivery_acknowledged(struct endpoint *e, struct session *s, uint16_t packet);
void delivery_drop_all(struct endpoint *e, struct session *s);

#endif
