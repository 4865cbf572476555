/* A queue holds, in order, what has been sent and not acknowledged, then (from unsent on) what has
 * not been sent: the window is min(the client's receive maximum, WINDOW_MAX). Packet ids are given
 * in order, so that one that is still in the queue can only be met at its head. */
#include "ingest/mqtt/delivery.h"

#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/connection_out.h"

enum { IDS_MAX = 255 };

/* One PUBLISH as it goes out. */
struct outgoing {
    uint16_t packet;
    uint8_t qos;
    bool retain, duplicate;
    uint32_t ids;
    const uint32_t *id;
};

bool delivery_wanted(const struct endpoint *e)
{
    return subscription_count(e) > 0;
}

static uint32_t properties_size(const struct mail *m, const struct outgoing *o)
{
    uint32_t size = m->passed.length + (m->expires ? 5 : 0);
    for (uint32_t i = 0; i < o->ids; i++) size += 1 + varint_size(o->id[i]);
    return size;
}

static uint8_t *put_properties(uint8_t *at, const struct mail *m, const struct outgoing *o,
                               uint32_t size, uint32_t left_s)
{
    at = put_varint(at, size);
    if (m->expires) at = put_property_u32(at, PROPERTY_MESSAGE_EXPIRY, left_s);
    for (uint32_t i = 0; i < o->ids; i++)
        at = put_varint(put_u8(at, PROPERTY_SUBSCRIPTION_ID), o->id[i]);
    return put_bytes(at, m->passed);
}

enum sent { SENT, NEVER, NOT_NOW }; /* NEVER: too large for the client, or expired */

/* Writes one PUBLISH into what waits for c. */
static enum sent send_publish(struct endpoint *e, struct connection *c, const struct mail *m,
                              const struct outgoing *o)
{
    uint32_t left_s = mail_left(m, e->now_ns);
    uint64_t body = 2 + (uint64_t)m->topic.length + (o->qos > 0 ? 2 : 0) + m->payload.length;
    uint32_t properties = 0;
    if (c->version == VERSION_5) {
        properties = properties_size(m, o);
        body += varint_size(properties) + properties;
    }
    if (left_s == 0 || body > PACKET_BODY_MAX) return NEVER;
    uint32_t whole = 1 + varint_size((uint32_t)body) + (uint32_t)body;
    if (whole > c->packet_max) return NEVER;
    uint8_t *at = connection_try(e, c, whole);
    if (at == NULL) return NOT_NOW;
    uint32_t flags = (o->duplicate ? 8u : 0u) | (uint32_t)o->qos << 1 | (o->retain ? 1u : 0u);
    at = put_u8(at, (uint8_t)(PACKET_PUBLISH << 4 | flags));
    at = put_varint(at, (uint32_t)body);
    at = put_string(at, m->topic);
    if (o->qos > 0) at = put_u16(at, o->packet);
    if (c->version == VERSION_5) at = put_properties(at, m, o, properties, left_s);
    put_bytes(at, m->payload);
    count_one(&e->counters.sent);
    return SENT;
}

static void unlink_first(struct endpoint *e, struct session *s, struct queued **link)
{
    struct queued *q = *link;
    if (s->unsent == q) s->unsent = q->next;
    *link = q->next;
    s->queue_count--;
    s->queue_bytes -= letter_size(q->letter);
    letter_drop(q->letter);
    pool_give(e->queued, q);
    if (s->first == NULL) s->last = NULL;
}

/* The last link has to be looked for when one in the middle goes: that is rare. */
static void unlink_any(struct endpoint *e, struct session *s, struct queued **link)
{
    bool last = *link == s->last;
    unlink_first(e, s, link);
    if (!last || s->first == NULL) return;
    for (s->last = s->first; s->last->next != NULL; s->last = s->last->next) continue;
}

void delivery_go(struct endpoint *e, struct session *s)
{
    struct connection *c = s->connection;
    while (c != NULL && c->state == CONNECTION_OPEN && s->unsent != NULL) {
        uint32_t window = c->receive_max < WINDOW_MAX ? c->receive_max : WINDOW_MAX;
        struct queued *q = s->unsent;
        if (s->in_flight >= window || connection_waiting(c) >= connection_soft_limit(e)) return;
        bool again = q->packet != 0;
        if (!again) {
            if (s->first->packet == s->next_packet) return; /* still in use, a whole round later */
            q->packet = s->next_packet;
            s->next_packet = s->next_packet == UINT16_MAX ? 1 : (uint16_t)(s->next_packet + 1);
        }
        struct mail m;
        letter_read(q->letter, &m);
        struct outgoing o = {q->packet, 1, q->retain, again, q->ids, q->id};
        enum sent sent = send_publish(e, c, &m, &o);
        if (sent == NOT_NOW) return; /* when there is room again: connection_flush */
        if (sent == SENT) {
            s->unsent = q->next;
            s->in_flight++;
        } else {
            struct queued **link = &s->first;
            while (*link != q) link = &(*link)->next;
            unlink_any(e, s, link);
            count_one(&e->counters.dropped);
        }
    }
}

/* Puts the letter into the queue. False: a limit is reached. */
static bool enqueue(struct endpoint *e, struct session *s, struct letter *letter,
                    const struct outgoing *o)
{
    uint32_t size = letter_size(letter);
    if (s->queue_count >= QUEUE_MESSAGES) return false;
    if (s->queue_bytes + size > QUEUE_BYTES + e->options.packet_bytes_max) return false;
    struct queued *q = pool_take(e->queued, sizeof *q + o->ids * sizeof q->id[0], NULL);
    if (q == NULL) return false;
    *q =
        (struct queued){.letter = letter_hold(letter), .retain = o->retain, .ids = (uint8_t)o->ids};
    for (uint32_t i = 0; i < o->ids; i++) q->id[i] = o->id[i];
    if (s->last != NULL)
        s->last->next = q;
    else
        s->first = q;
    s->last = q;
    if (s->unsent == NULL) s->unsent = q;
    s->queue_count++;
    s->queue_bytes += size;
    return true;
}

static void post(struct endpoint *e, struct session *s, struct letter *letter,
                 const struct outgoing *o)
{
    if (letter != NULL && enqueue(e, s, letter, o)) {
        delivery_go(e, s);
        return;
    }
    count_one(&e->counters.dropped);
    if (s->connection != NULL) connection_slow(e, s->connection);
}

/* What all matching subscriptions of one session add up to. */
struct wish {
    uint32_t id[IDS_MAX], ids;
    uint8_t qos;
    bool retain, any;
};

static void add_wish(struct endpoint *e, const struct mail *m, uint32_t first, struct wish *w)
{
    w->ids = 0;
    w->qos = 0;
    w->retain = w->any = false;
    for (uint32_t i = first; i != SUBSCRIPTION_NONE; i = subscription_at(e, i)->next_match) {
        const struct subscription *sub = subscription_at(e, i);
        if (sub->no_local && sub->session == m->from) continue;
        uint8_t qos = sub->qos < m->qos ? sub->qos : m->qos;
        w->any = true;
        if (qos > w->qos) w->qos = qos;
        if (sub->retain_as_published && m->retain) w->retain = true;
        if (sub->identifier != 0 && w->ids < IDS_MAX) w->id[w->ids++] = sub->identifier;
    }
}

static void hand_to(struct endpoint *e, struct session *s, const struct mail *m,
                    const struct wish *w, struct letter **letter)
{
    struct outgoing o = {0, w->qos, w->retain, false, w->ids, w->id};
    struct connection *c = s->connection;
    if (w->qos == 0) {
        if (c == NULL || c->state != CONNECTION_OPEN) return;
        bool full = connection_waiting(c) > connection_soft_limit(e);
        if (full || send_publish(e, c, m, &o) != SENT) count_one(&e->counters.dropped);
        return;
    }
    if (*letter == NULL) *letter = letter_make(e->queued, m);
    post(e, s, *letter, &o);
}

void delivery_publish(struct endpoint *e, const struct mail *mail)
{
    const uint32_t *match;
    struct letter *letter = NULL;
    struct wish wish;
    uint32_t n = subscription_count(e) > 0 ? subscription_match(e, mail->topic, &match) : 0;
    if (n == 0) return;
    uint64_t stamp = ++e->mail_stamp;
    for (uint32_t k = 0; k < n; k++) { /* chains by session */
        struct subscription *sub = subscription_at(e, match[k]);
        struct session *s = sub->session;
        sub->next_match = s->match_stamp == stamp ? s->match_first : SUBSCRIPTION_NONE;
        s->match_stamp = stamp;
        s->match_first = match[k];
    }
    for (uint32_t k = 0; k < n; k++) {
        struct session *s = subscription_at(e, match[k])->session;
        if (s == NULL || s->match_stamp != stamp) continue; /* served, or gone meanwhile */
        s->match_stamp = 0;
        add_wish(e, mail, s->match_first, &wish);
        if (wish.any) hand_to(e, s, mail, &wish, &letter);
    }
    letter_drop(letter);
}

void delivery_retained(struct endpoint *e, struct connection *c, const struct subscription *sub,
                       struct letter *letter)
{
    struct mail m;
    letter_read(letter, &m);
    uint32_t id = sub->identifier;
    struct outgoing o = {0, sub->qos < m.qos ? sub->qos : m.qos, true, false, id != 0, &id};
    if (o.qos > 0)
        post(e, c->session, letter, &o);
    else if (send_publish(e, c, &m, &o) != SENT)
        count_one(&e->counters.dropped);
}

void delivery_resume(struct endpoint *e, struct session *s)
{
    s->unsent = s->first;
    s->in_flight = 0;
    delivery_go(e, s);
}

void delivery_acknowledged(struct endpoint *e, struct session *s, uint16_t packet)
{
    for (struct queued **link = &s->first; *link != s->unsent; link = &(*link)->next) {
        if ((*link)->packet != packet) continue;
        unlink_any(e, s, link);
        s->in_flight--;
        delivery_go(e, s);
        return;
    }
}

void delivery_drop_all(struct endpoint *e, struct session *s)
{
    while (s->first != NULL) unlink_first(e, s, &s->first);
    s->unsent = NULL;
    s->in_flight = 0;
}
