/* What the endpoint does with each packet: one file per verb of the protocol. A take reads the
 * packet, acts, and answers; it returns REASON_OK, or why the connection has to be closed. The
 * readers are pure: bytes in, a struct that borrows from them out; a fuzzer drives each. */
#ifndef INGEST_MQTT_VERB_H
#define INGEST_MQTT_VERB_H

#include "ingest/mqtt/state.h"

/* CONNECT (3.1) -> CONNACK */
struct connect {
    uint8_t version;
    bool clean, has_will, will_retain, has_user, has_password;
    uint8_t will_qos;
    uint16_t keep_alive_s;
    struct text client, will_topic, will_payload, user, password;
    struct properties properties, will_properties; /* MQTT 5 */
};
uint8_t connect_read(const struct packet *packet, struct connect *connect);
uint8_t connect_take(struct endpoint *e, struct connection *c, const struct packet *packet);
void connack_refuse(struct endpoint *e, struct connection *c, uint8_t reason);

/* PUBLISH (3.3) -> PUBACK, PUBREC, once it is journaled */
struct publish {
    struct text topic, payload, properties; /* topic may be empty in MQTT 5: then alias says it */
    uint32_t expiry_s;
    uint16_t packet, alias;
    uint8_t qos;
    bool dup, retain, expires, has_alias;
};
uint8_t publish_read(const struct packet *packet, uint8_t version, struct publish *publish);
uint8_t publish_take(struct endpoint *e, struct connection *c, const struct packet *packet);

/* PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7) */
struct answer {
    uint16_t packet;
    uint8_t reason;
};
uint8_t answer_read(const struct packet *packet, uint8_t version, struct answer *answer);
uint8_t puback_take(struct endpoint *e, struct connection *c, const struct packet *packet);
uint8_t pubrel_take(struct endpoint *e, struct connection *c, const struct packet *packet);
void answer_say(struct endpoint *e, struct connection *c, uint8_t type, uint16_t packet,
                uint8_t reason);

/* SUBSCRIBE (3.8) -> SUBACK, UNSUBSCRIBE (3.10) -> UNSUBACK */
struct subscribe {
    uint16_t packet;
    uint32_t identifier; /* 0: none */
    struct wire filters; /* subscribe_next, unsubscribe_next */
};
struct filter {
    struct text text;
    uint8_t qos, retain_handling;
    bool no_local, retain_as_published;
};
/* Reads and checks all of it; *count filters follow by subscribe_next, each of which succeeds. */
uint8_t subscribe_read(const struct packet *packet, uint8_t version, struct subscribe *subscribe,
                       uint32_t *count);
uint8_t unsubscribe_read(const struct packet *packet, uint8_t version, struct subscribe *subscribe,
                         uint32_t *count);
void subscribe_next(struct subscribe *subscribe, uint8_t version, struct filter *filter);
void unsubscribe_next(struct subscribe *subscribe, struct filter *filter);
uint8_t subscribe_take(struct endpoint *e, struct connection *c, const struct packet *packet);
uint8_t unsubscribe_take(struct endpoint *e, struct connection *c, const struct packet *packet);

/* PINGREQ (3.12) -> PINGRESP */
uint8_t ping_take(struct endpoint *e, struct connection *c, const struct packet *packet);

/* DISCONNECT (3.14), both ways */
struct disconnect {
    uint8_t reason;
    struct properties properties;
};
uint8_t disconnect_read(const struct packet *packet, uint8_t version,
                        struct disconnect *disconnect);
uint8_t disconnect_take(struct endpoint *e, struct connection *c, const struct packet *packet);
void disconnect_say(struct endpoint *e, struct connection *c, uint8_t reason);

#endif
