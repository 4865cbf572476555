#include "ingest/mqtt/property.h"

#include "ingest/mqtt/topic.h"

enum type { NONE, U8, U16, U32, VARINT, STRING, BINARY, PAIR };

/* By identifier: type and the places where it may stand. Those that only a server says have none.
 */
static const struct {
    uint8_t type, places;
} table[PROPERTIES] = {
    [PROPERTY_PAYLOAD_FORMAT] = {U8, IN_PUBLISH | IN_WILL},
    [PROPERTY_MESSAGE_EXPIRY] = {U32, IN_PUBLISH | IN_WILL},
    [PROPERTY_CONTENT_TYPE] = {STRING, IN_PUBLISH | IN_WILL},
    [PROPERTY_RESPONSE_TOPIC] = {STRING, IN_PUBLISH | IN_WILL},
    [PROPERTY_CORRELATION] = {BINARY, IN_PUBLISH | IN_WILL},
    [PROPERTY_SUBSCRIPTION_ID] = {VARINT, IN_SUBSCRIBE},
    [PROPERTY_SESSION_EXPIRY] = {U32, IN_CONNECT | IN_DISCONNECT},
    [PROPERTY_AUTH_METHOD] = {STRING, IN_CONNECT | IN_AUTH},
    [PROPERTY_AUTH_DATA] = {BINARY, IN_CONNECT | IN_AUTH},
    [PROPERTY_PROBLEM_INFORMATION] = {U8, IN_CONNECT},
    [PROPERTY_WILL_DELAY] = {U32, IN_WILL},
    [PROPERTY_RESPONSE_INFORMATION] = {U8, IN_CONNECT},
    [PROPERTY_REASON_STRING] = {STRING, IN_ANSWER | IN_DISCONNECT | IN_AUTH},
    [PROPERTY_RECEIVE_MAX] = {U16, IN_CONNECT},
    [PROPERTY_ALIAS_MAX] = {U16, IN_CONNECT},
    [PROPERTY_ALIAS] = {U16, IN_PUBLISH},
    [PROPERTY_USER] = {PAIR, 0xff},
    [PROPERTY_PACKET_MAX] = {U32, IN_CONNECT},
};

/* One value off the wire, whatever it is. */
static void take_value(struct wire *w, uint8_t type, uint32_t *number, struct text *text)
{
    switch (type) {
    case U8: *number = wire_u8(w); break;
    case U16: *number = wire_u16(w); break;
    case U32: *number = wire_u32(w); break;
    case VARINT: *number = wire_varint(w); break;
    case STRING: *text = wire_string(w); break;
    case BINARY: *text = wire_binary(w); break;
    default:
        wire_string(w);
        wire_string(w);
        break;
    }
}

static void keep(struct wire *w, struct properties *p, uint32_t which, uint32_t number,
                 struct text text)
{
    bool wrong = false;
    switch (which) {
    case PROPERTY_PAYLOAD_FORMAT:
        p->payload_format = (uint8_t)number;
        wrong = number > 1;
        break;
    case PROPERTY_MESSAGE_EXPIRY: p->message_expiry_s = number; break;
    case PROPERTY_CONTENT_TYPE: p->content_type = text; break;
    case PROPERTY_RESPONSE_TOPIC:
        p->response_topic = text;
        wrong = !topic_name_ok(text);
        break;
    case PROPERTY_SUBSCRIPTION_ID:
        p->subscription_id = number;
        wrong = number == 0;
        break;
    case PROPERTY_SESSION_EXPIRY: p->session_expiry_s = number; break;
    case PROPERTY_AUTH_METHOD: p->auth_method = text; break;
    case PROPERTY_PROBLEM_INFORMATION:
        p->problem_information = (uint8_t)number;
        wrong = number > 1;
        break;
    case PROPERTY_RESPONSE_INFORMATION: wrong = number > 1; break;
    case PROPERTY_WILL_DELAY: p->will_delay_s = number; break;
    case PROPERTY_RECEIVE_MAX:
        p->receive_max = (uint16_t)number;
        wrong = number == 0;
        break;
    case PROPERTY_ALIAS_MAX: p->alias_max = (uint16_t)number; break;
    case PROPERTY_ALIAS: p->alias = (uint16_t)number; break; /* 0 has a reason of its own */
    case PROPERTY_PACKET_MAX:
        p->packet_max = number;
        wrong = number == 0;
        break;
    default: break;
    }
    if (wrong) wire_fail(w, REASON_PROTOCOL);
}

void properties_read(struct wire *w, enum property_place place, struct properties *properties)
{
    *properties = (struct properties){.block = wire_take(w, wire_varint(w))};
    if (w->reason != REASON_OK) return;
    struct wire b = wire_of((const uint8_t *)properties->block.at, properties->block.length);
    while (b.at < b.end) {
        uint32_t which = *b.at++, number = 0;
        struct text text = {NULL, 0};
        if (which >= PROPERTIES || (table[which].places & place) == 0) {
            wire_fail(w, REASON_MALFORMED);
            return;
        }
        take_value(&b, table[which].type, &number, &text);
        if (b.reason == REASON_OK) keep(&b, properties, which, number, text);
        if (b.reason == REASON_OK && which != PROPERTY_USER && properties_have(properties, which))
            wire_fail(&b, REASON_PROTOCOL);
        properties->has |= UINT64_C(1) << which;
    }
    if (b.reason != REASON_OK) wire_fail(w, b.reason);
}

uint8_t *properties_passed_on(struct text block, uint8_t *to)
{
    if (block.length == 0) return to;
    struct wire b = wire_of((const uint8_t *)block.at, block.length);
    while (b.at < b.end) {
        const uint8_t *start = b.at;
        uint32_t which = *b.at++, number;
        struct text text;
        if (which >= PROPERTIES) break;
        take_value(&b, table[which].type, &number, &text);
        if (b.reason != REASON_OK) break;
        if (which == PROPERTY_ALIAS || which == PROPERTY_MESSAGE_EXPIRY ||
            which == PROPERTY_WILL_DELAY)
            continue;
        size_t size = (size_t)(b.at - start);
        memmove(to, start, size); /* to may be the block itself */
        to += size;
    }
    return to;
}

uint8_t *put_property_u8(uint8_t *at, enum property which, uint8_t value)
{
    return put_u8(put_u8(at, (uint8_t)which), value);
}

uint8_t *put_property_u16(uint8_t *at, enum property which, uint16_t value)
{
    return put_u16(put_u8(at, (uint8_t)which), value);
}

uint8_t *put_property_u32(uint8_t *at, enum property which, uint32_t value)
{
    return put_u32(put_u8(at, (uint8_t)which), value);
}

uint8_t *put_property_text(uint8_t *at, enum property which, struct text value)
{
    return put_string(put_u8(at, (uint8_t)which), value);
}
