/* PUBLISH (MQTT 3.3) from a client. Its answer leaves after the journal has it: batch.c. */
#include "ingest/mqtt/batch.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/topic.h"
#include "ingest/mqtt/verb.h"

uint8_t publish_read(const struct packet *packet, uint8_t version, struct publish *m)
{
    struct wire w = wire_of(packet->body, packet->size);
    *m = (struct publish){.qos = packet->flags >> 1 & 3,
                          .dup = (packet->flags & 8) != 0,
                          .retain = (packet->flags & 1) != 0};
    if (m->qos == 3 || (m->qos == 0 && m->dup)) wire_fail(&w, REASON_MALFORMED);
    m->topic = wire_string(&w);
    if (m->qos > 0) {
        m->packet = wire_u16(&w);
        if (w.reason == REASON_OK && m->packet == 0) wire_fail(&w, REASON_PROTOCOL);
    }
    if (version == VERSION_5) {
        struct properties p;
        properties_read(&w, IN_PUBLISH, &p);
        m->properties = p.block;
        m->expiry_s = p.message_expiry_s;
        m->expires = properties_have(&p, PROPERTY_MESSAGE_EXPIRY);
        m->alias = p.alias;
        m->has_alias = properties_have(&p, PROPERTY_ALIAS);
    }
    m->payload = wire_take(&w, wire_left(&w));
    if (w.reason != REASON_OK) return w.reason;
    if (m->topic.length == 0 && m->has_alias) return REASON_OK;
    if (m->topic.length == 0) return version == VERSION_5 ? REASON_PROTOCOL : REASON_MALFORMED;
    return topic_name_ok(m->topic) ? REASON_OK : REASON_TOPIC;
}

/* Topic aliases (3.3.2.3.4): one with a topic is remembered, one without is looked up. */
static uint8_t resolve_alias(struct endpoint *e, struct connection *c, struct publish *m)
{
    if (m->alias == 0 || m->alias > ALIAS_MAX) return REASON_TOPIC_ALIAS;
    if (c->alias == NULL) {
        c->alias = pool_take(e->kept, ALIAS_MAX * sizeof *c->alias, NULL);
        if (c->alias == NULL) return REASON_QUOTA;
        memset(c->alias, 0, ALIAS_MAX * sizeof *c->alias);
    }
    struct text *known = &c->alias[m->alias - 1];
    if (m->topic.length == 0) {
        m->topic = *known;
        return known->length > 0 ? REASON_OK : REASON_PROTOCOL;
    }
    if (text_is(*known, m->topic)) return REASON_OK;
    char *own = pool_take(e->kept, m->topic.length, NULL);
    if (own == NULL) return REASON_QUOTA;
    memcpy(own, m->topic.at, m->topic.length);
    pool_give(e->kept, (void *)(uintptr_t)known->at);
    *known = (struct text){own, m->topic.length};
    return REASON_OK;
}

uint8_t publish_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct publish m;
    uint8_t reason = publish_read(packet, c->version, &m);
    if (reason == REASON_OK && m.has_alias) reason = resolve_alias(e, c, &m);
    if (reason != REASON_OK) return reason;
    count_one(&e->counters.received);
    bool fresh = m.qos < 2 || !session_received(c->session, m.packet);
    if (m.qos > 0 && fresh) {
        if (c->version == VERSION_5 && c->unanswered >= RECEIVE_MAX) return REASON_RECEIVE_MAX;
        c->unanswered++;
    }
    if (m.qos == 2 && fresh && session_receive(e, c->session, m.packet) < 0) return REASON_QUOTA;
    batch_add(e, c, &m, fresh);
    return REASON_OK;
}
