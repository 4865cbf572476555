/* PUBACK, PUBREC, PUBREL, PUBCOMP (MQTT 3.4 to 3.7): the same packet four times. Those about
 * messages of the client go out; of those about messages to it, PUBACK comes in. */
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/verb.h"

uint8_t answer_read(const struct packet *packet, uint8_t version, struct answer *m)
{
    struct wire w = wire_of(packet->body, packet->size);
    uint8_t flags = packet->type == PACKET_PUBREL ? 2 : 0; /* 3.6.1 */
    *m = (struct answer){.packet = wire_u16(&w)};
    if (packet->flags != flags) wire_fail(&w, REASON_MALFORMED);
    if (version == VERSION_5 && w.at < w.end) m->reason = wire_u8(&w);
    if (version == VERSION_5 && w.at < w.end) {
        struct properties p;
        properties_read(&w, IN_ANSWER, &p);
    }
    if (w.at != w.end) wire_fail(&w, REASON_MALFORMED);
    if (w.reason == REASON_OK && m->packet == 0) return REASON_PROTOCOL;
    return w.reason;
}

void answer_say(struct endpoint *e, struct connection *c, uint8_t type, uint16_t packet,
                uint8_t reason)
{
    uint8_t *at = connection_reserve(e, c, reason == REASON_OK ? 4 : 5);
    if (at == NULL) return;
    at = put_u8(at, (uint8_t)(type << 4));
    at = put_u16(put_u8(at, reason == REASON_OK ? 2 : 3), packet);
    if (reason != REASON_OK) put_u8(at, reason);
    if (reason == REASON_OK && (type == PACKET_PUBACK || type == PACKET_PUBREC))
        count_one(&e->counters.acknowledged);
}

uint8_t puback_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct answer m;
    uint8_t reason = answer_read(packet, c->version, &m);
    if (reason == REASON_OK) delivery_acknowledged(e, c->session, m.packet);
    return reason;
}

uint8_t pubrel_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct answer m;
    uint8_t reason = answer_read(packet, c->version, &m);
    if (reason != REASON_OK) return reason;
    bool known = session_release(e, c->session, m.packet);
    if (known && c->unanswered > 0) c->unanswered--;
    bool say_so = !known && c->version == VERSION_5;
    answer_say(e, c, PACKET_PUBCOMP, m.packet, say_so ? REASON_NO_PACKET_ID : REASON_OK);
    return REASON_OK;
}
