/* Properties of MQTT 5 (2.2.2): which there are, of what type, in which packets each may stand. */
#ifndef INGEST_MQTT_PROPERTY_H
#define INGEST_MQTT_PROPERTY_H

#include "ingest/mqtt/packet.h"

enum property {
    PROPERTY_PAYLOAD_FORMAT = 0x01,
    PROPERTY_MESSAGE_EXPIRY = 0x02,
    PROPERTY_CONTENT_TYPE = 0x03,
    PROPERTY_RESPONSE_TOPIC = 0x08,
    PROPERTY_CORRELATION = 0x09,
    PROPERTY_SUBSCRIPTION_ID = 0x0B,
    PROPERTY_SESSION_EXPIRY = 0x11,
    PROPERTY_ASSIGNED_CLIENT = 0x12,
    PROPERTY_SERVER_KEEP_ALIVE = 0x13,
    PROPERTY_AUTH_METHOD = 0x15,
    PROPERTY_AUTH_DATA = 0x16,
    PROPERTY_PROBLEM_INFORMATION = 0x17,
    PROPERTY_WILL_DELAY = 0x18,
    PROPERTY_RESPONSE_INFORMATION = 0x19,
    PROPERTY_RESPONSE_INFORMATION_TEXT = 0x1A,
    PROPERTY_SERVER_REFERENCE = 0x1C,
    PROPERTY_REASON_STRING = 0x1F,
    PROPERTY_RECEIVE_MAX = 0x21,
    PROPERTY_ALIAS_MAX = 0x22,
    PROPERTY_ALIAS = 0x23,
    PROPERTY_QOS_MAX = 0x24,
    PROPERTY_RETAIN_AVAILABLE = 0x25,
    PROPERTY_USER = 0x26,
    PROPERTY_PACKET_MAX = 0x27,
    PROPERTY_WILDCARD_AVAILABLE = 0x28,
    PROPERTY_SUBSCRIPTION_ID_AVAILABLE = 0x29,
    PROPERTY_SHARED_AVAILABLE = 0x2A,
    PROPERTIES = 0x2B
};

/* Where a block stands, as bits. */
enum property_place {
    IN_CONNECT = 1,
    IN_WILL = 2,
    IN_PUBLISH = 4,
    IN_ANSWER = 8, /* PUBACK, PUBREC, PUBREL, PUBCOMP */
    IN_SUBSCRIBE = 16,
    IN_UNSUBSCRIBE = 32,
    IN_DISCONNECT = 64,
    IN_AUTH = 128
};

/* What a block says. Absent: the zero or NULL, with the bit of has not set. User properties are
 * checked and counted, and stay in block. */
struct properties {
    uint64_t has; /* bit per enum property */
    uint32_t session_expiry_s, message_expiry_s, will_delay_s, packet_max, subscription_id;
    uint16_t receive_max, alias, alias_max;
    uint8_t payload_format, problem_information;
    struct text content_type, response_topic, auth_method;
    struct text block; /* all of them, without the length in front */
};

static inline bool properties_have(const struct properties *p, enum property which)
{
    return (p->has >> which & 1) != 0;
}

/* properties_read reads the length and the block; w->reason says what is wrong: 0x81 a property
 * that is none, has no place here or runs over; 0x82 one that stands twice, or whose value may not
 * be. */
void properties_read(struct wire *w, enum property_place place, struct properties *properties);

/* properties_passed_on writes what of a PUBLISH block goes on to subscribers unaltered (3.3.2.3):
 * all but topic alias and message expiry.
 *   to  out  block.length bytes at most; may be the block itself
 * Returns the end of what was written. The block has been read once: it is in order. */
uint8_t *properties_passed_on(struct text block, uint8_t *to);

uint8_t *put_property_u8(uint8_t *at, enum property which, uint8_t value);
uint8_t *put_property_u16(uint8_t *at, enum property which, uint16_t value);
uint8_t *put_property_u32(uint8_t *at, enum property which, uint32_t value);
uint8_t *put_property_text(uint8_t *at, enum property which, struct text value);

#endif
