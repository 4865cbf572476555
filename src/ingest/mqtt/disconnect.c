/* DISCONNECT (MQTT 3.14), both ways. */
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/verb.h"

uint8_t disconnect_read(const struct packet *packet, uint8_t version, struct disconnect *m)
{
    struct wire w = wire_of(packet->body, packet->size);
    *m = (struct disconnect){.reason = REASON_OK};
    if (packet->flags != 0) wire_fail(&w, REASON_MALFORMED);
    if (version == VERSION_5 && w.at < w.end) m->reason = wire_u8(&w);
    if (version == VERSION_5 && w.at < w.end) properties_read(&w, IN_DISCONNECT, &m->properties);
    if (w.at != w.end) wire_fail(&w, REASON_MALFORMED);
    return w.reason;
}

uint8_t disconnect_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct disconnect m;
    struct session *s = c->session;
    uint8_t reason = disconnect_read(packet, c->version, &m);
    if (reason != REASON_OK) return reason;
    if (properties_have(&m.properties, PROPERTY_SESSION_EXPIRY)) {
        uint32_t wanted = m.properties.session_expiry_s;
        if (s->expiry_s == 0 && wanted != 0) return REASON_PROTOCOL; /* 3.14.2.2.2 */
        s->expiry_s = wanted < SESSION_EXPIRY_MAX_S ? wanted : SESSION_EXPIRY_MAX_S;
    }
    connection_end(e, c, m.reason != REASON_OK);
    return REASON_OK;
}

void disconnect_say(struct endpoint *e, struct connection *c, uint8_t reason)
{
    uint8_t block[256];
    uint8_t *end = put_property_text(block, PROPERTY_REASON_STRING, text_of(reason_text(reason)));
    uint32_t size = (uint32_t)(end - block), body = 1 + varint_size(size) + size;
    if (2 + body > c->packet_max) body = 1;
    uint8_t *at = connection_reserve(e, c, 1 + varint_size(body) + body);
    if (at == NULL) return;
    at = put_u8(put_varint(put_u8(at, PACKET_DISCONNECT << 4), body), reason);
    if (body > 1) put_bytes(put_varint(at, size), (struct text){(const char *)block, size});
}
