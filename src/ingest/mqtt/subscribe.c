/* SUBSCRIBE -> SUBACK (MQTT 3.8, 3.9), UNSUBSCRIBE -> UNSUBACK (3.10, 3.11). */
#include "ingest/mqtt/subscription.h"

#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/note.h"
#include "ingest/mqtt/retained.h"
#include "ingest/mqtt/topic.h"

enum { NO_LOCAL = 4, RETAIN_AS_PUBLISHED = 8, RESERVED = 0xC0 };

static void read_front(struct wire *w, const struct packet *packet, uint8_t version,
                       struct subscribe *m, struct properties *p)
{
    *m = (struct subscribe){.packet = wire_u16(w)};
    if (packet->flags != 2) wire_fail(w, REASON_MALFORMED);
    if (w->reason == REASON_OK && m->packet == 0) wire_fail(w, REASON_PROTOCOL);
    if (version == VERSION_5)
        properties_read(w, packet->type == PACKET_SUBSCRIBE ? IN_SUBSCRIBE : IN_UNSUBSCRIBE, p);
    m->identifier = p->subscription_id;
    m->filters = *w;
}

static void read_options(struct wire *w, uint8_t version, struct filter *f)
{
    uint8_t options = wire_u8(w);
    f->qos = options & 3;
    f->retain_handling = options >> 4 & 3;
    f->no_local = (options & NO_LOCAL) != 0;
    f->retain_as_published = (options & RETAIN_AS_PUBLISHED) != 0;
    if (f->qos == 3) wire_fail(w, version == VERSION_5 ? REASON_PROTOCOL : REASON_MALFORMED);
    if (version == VERSION_3_1_1 && (options & 0xFC) != 0) wire_fail(w, REASON_MALFORMED);
    if (f->retain_handling == 3) wire_fail(w, REASON_PROTOCOL);
    if ((options & RESERVED) != 0) wire_fail(w, REASON_MALFORMED);
    if (f->no_local && topic_filter_shared(f->text)) wire_fail(w, REASON_PROTOCOL);
}

void subscribe_next(struct subscribe *m, uint8_t version, struct filter *filter)
{
    *filter = (struct filter){.text = wire_string(&m->filters)};
    read_options(&m->filters, version, filter);
}

void unsubscribe_next(struct subscribe *m, struct filter *filter)
{
    *filter = (struct filter){.text = wire_string(&m->filters)};
}

static uint8_t check_filters(struct wire *w, const struct packet *packet, uint8_t version,
                             uint32_t *count)
{
    struct subscribe probe = {.filters = *w};
    struct filter f;
    for (*count = 0; probe.filters.at < probe.filters.end; ++*count) {
        if (packet->type == PACKET_SUBSCRIBE)
            subscribe_next(&probe, version, &f);
        else
            unsubscribe_next(&probe, &f);
        if (probe.filters.reason == REASON_OK && f.text.length == 0)
            wire_fail(&probe.filters, REASON_MALFORMED); /* 4.7.3 */
    }
    if (probe.filters.reason == REASON_OK && *count == 0) return REASON_PROTOCOL;
    return probe.filters.reason;
}

uint8_t subscribe_read(const struct packet *packet, uint8_t version, struct subscribe *m,
                       uint32_t *count)
{
    struct wire w = wire_of(packet->body, packet->size);
    struct properties p = {0};
    *count = 0;
    read_front(&w, packet, version, m, &p);
    return w.reason != REASON_OK ? w.reason : check_filters(&w, packet, version, count);
}

uint8_t unsubscribe_read(const struct packet *packet, uint8_t version, struct subscribe *m,
                         uint32_t *count)
{
    return subscribe_read(packet, version, m, count);
}

/* Returns what SUBACK says about this filter. */
static uint8_t subscribe_one(struct endpoint *e, struct connection *c, const struct filter *f,
                             uint32_t identifier)
{
    uint8_t reason = REASON_QUOTA;
    bool existed = false;
    if (topic_filter_shared(f->text)) {
        reason = REASON_SHARED;
    } else if (!topic_filter_ok(f->text)) {
        reason = REASON_FILTER;
    } else {
        uint32_t i = subscription_put(e, c->session, f, identifier, &existed);
        if (i != SUBSCRIPTION_NONE) {
            if (f->retain_handling == 0 || (f->retain_handling == 1 && !existed))
                retained_begin(e, c, i);
            return f->qos > 0 ? REASON_QOS_1 : REASON_OK;
        }
    }
    count_one(&e->counters.subscriptions_refused);
    note_client(e, LOG_INFO, "subscription refused", reason_text(reason), c->session);
    return c->version == VERSION_5 ? reason : REASON_UNSPECIFIED;
}

/* SUBACK and UNSUBACK up to their reasons; NULL: c does not take it, or there is no room, and c is
 * closed. */
static uint8_t *begin_answer(struct endpoint *e, struct connection *c, uint8_t type,
                             uint16_t packet, uint32_t reasons)
{
    uint32_t body = (c->version == VERSION_5 ? 3u : 2u) + reasons;
    uint32_t whole = 1 + varint_size(body) + body;
    if (whole > c->packet_max) connection_refuse(e, c, REASON_TOO_LARGE);
    uint8_t *at = connection_reserve(e, c, whole);
    if (at == NULL) return NULL;
    at = put_u16(put_varint(put_u8(at, (uint8_t)(type << 4)), body), packet);
    return c->version == VERSION_5 ? put_varint(at, 0) : at;
}

uint8_t subscribe_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct subscribe m;
    struct filter f;
    uint32_t count;
    uint8_t reason = subscribe_read(packet, c->version, &m, &count);
    if (reason != REASON_OK) return reason;
    uint8_t *at = begin_answer(e, c, PACKET_SUBACK, m.packet, count);
    for (uint32_t i = 0; at != NULL && i < count; i++) {
        subscribe_next(&m, c->version, &f);
        at = put_u8(at, subscribe_one(e, c, &f, m.identifier));
    }
    return REASON_OK;
}

uint8_t unsubscribe_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct subscribe m;
    struct filter f;
    uint32_t count;
    uint8_t reason = unsubscribe_read(packet, c->version, &m, &count);
    if (reason != REASON_OK) return reason;
    uint8_t *at =
        begin_answer(e, c, PACKET_UNSUBACK, m.packet, c->version == VERSION_5 ? count : 0);
    for (uint32_t i = 0; at != NULL && i < count; i++) {
        unsubscribe_next(&m, &f);
        bool was = subscription_drop(e, c->session, f.text);
        if (c->version == VERSION_5) at = put_u8(at, was ? REASON_OK : REASON_NO_SUBSCRIPTION);
    }
    return REASON_OK;
}
