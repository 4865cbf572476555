/* CONNECT and CONNACK (MQTT 3.1, 3.2). */
#include "ingest/message.h"
#include "ingest/mqtt/connection.h"
#include "ingest/mqtt/delivery.h"
#include "ingest/mqtt/session.h"
#include "ingest/mqtt/topic.h"
#include "ingest/mqtt/verb.h"
#include "ingest/mqtt/will.h"

enum { CLEAN = 2, HAS_WILL = 4, WILL_QOS = 3, WILL_RETAIN = 32, HAS_PASSWORD = 64, HAS_USER = 128 };

/* The flags behind the version (3.1.2.3). */
static void read_flags(struct wire *w, struct connect *m)
{
    uint8_t flags = wire_u8(w);
    m->clean = (flags & CLEAN) != 0;
    m->has_will = (flags & HAS_WILL) != 0;
    m->will_qos = flags >> WILL_QOS & 3;
    m->will_retain = (flags & WILL_RETAIN) != 0;
    m->has_user = (flags & HAS_USER) != 0;
    m->has_password = (flags & HAS_PASSWORD) != 0;
    bool will_wrong = m->has_will ? m->will_qos == 3 : m->will_qos != 0 || m->will_retain;
    bool user_wrong = m->version == VERSION_3_1_1 && m->has_password && !m->has_user;
    if ((flags & 1) != 0 || will_wrong || user_wrong) wire_fail(w, REASON_MALFORMED);
}

static void read_will(struct wire *w, struct connect *m)
{
    if (m->version == VERSION_5) properties_read(w, IN_WILL, &m->will_properties);
    m->will_topic = wire_string(w);
    m->will_payload = wire_binary(w);
    if (w->reason == REASON_OK && !topic_name_ok(m->will_topic)) wire_fail(w, REASON_TOPIC);
}

uint8_t connect_read(const struct packet *packet, struct connect *m)
{
    struct wire w = wire_of(packet->body, packet->size);
    *m = (struct connect){.version = VERSION_3_1_1};
    if (packet->flags != 0) wire_fail(&w, REASON_MALFORMED);
    struct text protocol = wire_binary(&w);
    bool older = text_is(protocol, TEXT("MQIsdp"));
    if (!older && !text_is(protocol, TEXT("MQTT"))) wire_fail(&w, REASON_UNSPECIFIED);
    uint8_t version = wire_u8(&w);
    if (w.reason != REASON_OK) return w.reason;
    if (version > VERSION_5) m->version = VERSION_5; /* it hears it in the words of 5 */
    if (older || (version != VERSION_3_1_1 && version != VERSION_5)) return REASON_VERSION;
    m->version = version;
    read_flags(&w, m);
    m->keep_alive_s = wire_u16(&w);
    if (version == VERSION_5) properties_read(&w, IN_CONNECT, &m->properties);
    m->client = wire_string(&w);
    if (m->has_will) read_will(&w, m);
    if (m->has_user) m->user = wire_string(&w);
    if (m->has_password) m->password = wire_binary(&w);
    if (w.at != w.end) wire_fail(&w, REASON_MALFORMED);
    return w.reason;
}

/* What CONNACK tells beside its reason. */
struct greeting {
    bool present;
    uint8_t reason;
    const struct connect *connect; /* NULL: refused */
    struct text assigned;
    uint32_t expiry_s;
    uint16_t keep_alive_s;
};

static uint8_t *put_greeting(uint8_t *at, const struct endpoint *e, const struct greeting *g)
{
    const struct connect *m = g->connect;
    if (m == NULL)
        return put_property_text(at, PROPERTY_REASON_STRING, text_of(reason_text(g->reason)));
    at = put_property_u16(at, PROPERTY_RECEIVE_MAX, RECEIVE_MAX);
    at = put_property_u16(at, PROPERTY_ALIAS_MAX, ALIAS_MAX);
    at = put_property_u32(at, PROPERTY_PACKET_MAX, e->options.packet_bytes_max);
    at = put_property_u8(at, PROPERTY_SHARED_AVAILABLE, 0);
    if (g->expiry_s != m->properties.session_expiry_s)
        at = put_property_u32(at, PROPERTY_SESSION_EXPIRY, g->expiry_s);
    if (g->keep_alive_s != m->keep_alive_s)
        at = put_property_u16(at, PROPERTY_SERVER_KEEP_ALIVE, g->keep_alive_s);
    if (g->assigned.length > 0) at = put_property_text(at, PROPERTY_ASSIGNED_CLIENT, g->assigned);
    return at;
}

static void connack_say(struct endpoint *e, struct connection *c, const struct greeting *g)
{
    uint8_t block[256];
    uint32_t size = 0;
    if (c->version == VERSION_5) size = (uint32_t)(put_greeting(block, e, g) - block);
    if (5 + varint_size(size) + size > c->packet_max) size = 0;
    uint32_t body = 2 + (c->version == VERSION_5 ? varint_size(size) + size : 0);
    uint8_t *at = connection_reserve(e, c, 1 + varint_size(body) + body);
    if (at == NULL) return;
    at = put_varint(put_u8(at, PACKET_CONNACK << 4), body);
    at = put_u8(at, g->present);
    at = put_u8(at, c->version == VERSION_5 ? g->reason : reason_return_code(g->reason));
    if (c->version == VERSION_5)
        put_bytes(put_varint(at, size), (struct text){(const char *)block, size});
}

void connack_refuse(struct endpoint *e, struct connection *c, uint8_t reason)
{
    if (c->version == VERSION_3_1_1 && reason_return_code(reason) == 0) return;
    connack_say(e, c, &(struct greeting){.reason = reason});
}

static uint8_t check_login(struct endpoint *e, const struct connect *m)
{
    if (m->client.length > MESSAGE_NAME_MAX) return REASON_CLIENT_ID;
    if (m->version == VERSION_3_1_1 && m->client.length == 0 && !m->clean) return REASON_CLIENT_ID;
    if (m->user.length > MESSAGE_NAME_MAX) return REASON_BAD_PASSWORD;
    if (properties_have(&m->properties, PROPERTY_AUTH_METHOD)) return REASON_AUTHENTICATION;
    if (properties_have(&m->properties, PROPERTY_AUTH_DATA)) return REASON_PROTOCOL;
    if (e->options.allow == NULL ||
        e->options.allow(e->options.context, m->client, m->user, m->password))
        return REASON_OK;
    return m->has_user || m->has_password ? REASON_BAD_PASSWORD : REASON_NOT_AUTHORIZED;
}

static uint32_t expiry_of(const struct connect *m)
{
    uint32_t wanted = m->version == VERSION_5 ? m->properties.session_expiry_s
                      : m->clean              ? 0
                                              : UINT32_MAX;
    return wanted < SESSION_EXPIRY_MAX_S ? wanted : SESSION_EXPIRY_MAX_S;
}

static uint16_t keep_alive_of(const struct connect *m)
{
    bool wants_none = m->keep_alive_s == 0 || m->keep_alive_s > KEEP_ALIVE_MAX_S;
    return m->version == VERSION_5 && wants_none ? KEEP_ALIVE_MAX_S : m->keep_alive_s;
}

/* Who is known under that name has to go; what is kept of it stays unless it starts clean. */
static struct session *take_over(struct endpoint *e, const struct connect *m)
{
    struct session *s = m->client.length == 0 ? NULL : session_find(e, m->client);
    if (s != NULL && s->connection != NULL) {
        count_one(&e->counters.taken_over);
        connection_refuse(e, s->connection, REASON_TAKEN_OVER);
        s = session_find(e, m->client); /* it may have ended with its connection */
    }
    if (s == NULL || !m->clean) return s;
    session_end(e, s);
    return NULL;
}

/* A name for a client without one: nobody else has it. */
static struct text assign_name(struct endpoint *e, char room[32])
{
    static const char digits[] = "0123456789abcdef";
    struct text name = {room, 22};
    memcpy(room, "andon-", 6);
    do {
        uint64_t number = e->sessions.next_number++;
        for (uint32_t i = 0; i < 16; i++) room[6 + i] = digits[number >> (60 - 4 * i) & 15];
    } while (session_find(e, name) != NULL);
    return name;
}

static void apply(struct connection *c, const struct connect *m, const struct greeting *g)
{
    if (properties_have(&m->properties, PROPERTY_RECEIVE_MAX))
        c->receive_max = m->properties.receive_max;
    c->keep_alive_ns = g->keep_alive_s * (3 * NS_PER_S / 2); /* 3.1.2.10: one and a half times */
}

uint8_t connect_take(struct endpoint *e, struct connection *c, const struct packet *packet)
{
    struct connect m;
    char room[32];
    uint8_t reason = connect_read(packet, &m);
    c->version = m.version;
    if (reason == REASON_OK && properties_have(&m.properties, PROPERTY_PACKET_MAX)) {
        c->packet_max = m.properties.packet_max;
        if (c->packet_max < PACKET_MAX_LEAST) reason = REASON_TOO_LARGE;
    }
    if (reason == REASON_OK) reason = check_login(e, &m);
    if (reason != REASON_OK) return reason;

    struct greeting g = {
        .connect = &m, .expiry_s = expiry_of(&m), .keep_alive_s = keep_alive_of(&m)};
    struct session *s = take_over(e, &m);
    g.present = s != NULL;
    if (m.client.length == 0) m.client = g.assigned = assign_name(e, room);
    if (s == NULL) s = session_begin(e, m.client, m.user);
    if (s == NULL || !session_use(e, s, m.user)) return REASON_QUOTA;
    session_return(e, s, c);
    s->expiry_s = g.expiry_s;
    apply(c, &m, &g);
    if (m.has_will && !will_arm(e, s, &m)) return REASON_QUOTA;
    connack_say(e, c, &g);
    c->state = CONNECTION_OPEN;
    delivery_resume(e, s);
    return REASON_OK;
}
