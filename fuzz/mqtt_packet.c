/* Fuzzes every reader of MQTT packets in both versions: the first byte chooses the reader and the
 * version, the rest is the packet's body. What is read must lie in the body and obey the standard;
 * what goes on to subscribers must be read again as the same. */
#include <stdlib.h>

#include "ingest/message.h"
#include "ingest/mqtt/topic.h"
#include "ingest/mqtt/verb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) abort();
}

static void inside(struct text text, const struct packet *p)
{
    if (text.length == 0) return;
    const uint8_t *at = (const uint8_t *)text.at;
    must(at >= p->body && at + text.length <= p->body + p->size);
}

static void passed_on(struct text block)
{
    uint8_t *once = malloc(block.length + 1u), *twice = malloc(block.length + 1u);
    must(once != NULL && twice != NULL);
    size_t n = (size_t)(properties_passed_on(block, once) - once);
    must(n <= block.length);
    struct text passed = {(const char *)once, (uint32_t)n};
    must((size_t)(properties_passed_on(passed, twice) - twice) == n);
    must(n == 0 || memcmp(once, twice, n) == 0);
    free(once);
    free(twice);
}

static void read_connect(const struct packet *p)
{
    struct connect m;
    if (connect_read(p, &m) != REASON_OK) return;
    must(m.version == VERSION_3_1_1 || m.version == VERSION_5);
    must(text_well_formed(m.client) && text_well_formed(m.user));
    must(!m.has_will || topic_name_ok(m.will_topic));
    must(m.will_qos <= 2);
    inside(m.client, p);
    inside(m.will_topic, p);
    inside(m.will_payload, p);
    inside(m.user, p);
    inside(m.password, p);
    passed_on(m.will_properties.block);
}

static void read_publish(const struct packet *p, uint8_t version)
{
    struct publish m;
    if (publish_read(p, version, &m) != REASON_OK) return;
    must(m.qos <= 2 && (m.qos == 0) == (m.packet == 0) && !(m.qos == 0 && m.dup));
    must(m.topic.length == 0 ? m.has_alias : topic_name_ok(m.topic));
    must(text_well_formed(m.topic));
    inside(m.topic, p);
    inside(m.properties, p);
    inside(m.payload, p);
    must(m.payload.length == 0 ||
         m.payload.at + m.payload.length == (const char *)p->body + p->size);
    passed_on(m.properties);
}

static void read_filters(const struct packet *p, uint8_t version)
{
    struct subscribe m;
    struct filter f;
    uint32_t count;
    bool unsubscribe = p->type == PACKET_UNSUBSCRIBE;
    uint8_t reason = unsubscribe ? unsubscribe_read(p, version, &m, &count)
                                 : subscribe_read(p, version, &m, &count);
    if (reason != REASON_OK) return;
    must(count > 0 && m.packet != 0);
    for (uint32_t i = 0; i < count; i++) {
        if (unsubscribe)
            unsubscribe_next(&m, &f);
        else
            subscribe_next(&m, version, &f);
        must(m.filters.reason == REASON_OK && f.text.length > 0);
        must(f.qos <= 2 && f.retain_handling <= 2);
        inside(f.text, p);
        if (topic_filter_ok(f.text) && !topic_filter_has_wildcard(f.text) && topic_name_ok(f.text))
            must(topic_matches(f.text, f.text));
    }
    must(m.filters.at == m.filters.end);
}

static void read_one(const struct packet *p, uint8_t version)
{
    struct answer answer;
    struct disconnect disconnect;
    switch (p->type) {
    case PACKET_CONNECT: read_connect(p); break;
    case PACKET_PUBLISH: read_publish(p, version); break;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        if (answer_read(p, version, &answer) == REASON_OK) must(answer.packet != 0);
        break;
    case PACKET_SUBSCRIBE:
    case PACKET_UNSUBSCRIBE: read_filters(p, version); break;
    case PACKET_DISCONNECT: disconnect_read(p, version, &disconnect); break;
    default: break;
    }
}

/* The fixed header: what is split off is there, and no shorter piece would have done. */
static void split(const uint8_t *data, size_t size)
{
    struct packet p, q;
    int64_t length = packet_split(data, size, &p);
    if (length <= 0) return;
    must(p.body > data && p.body <= data + size);
    must((int64_t)(p.body - data) + p.size == length);
    for (size_t cut = 0; cut < (size_t)(p.body - data); cut++)
        must(packet_split(data, cut, &q) <= 0);
    if ((size_t)length <= size) {
        read_one(&p, VERSION_3_1_1);
        read_one(&p, VERSION_5);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t types[] = {PACKET_CONNECT,   PACKET_PUBLISH,     PACKET_PUBACK,
                                    PACKET_SUBSCRIBE, PACKET_UNSUBSCRIBE, PACKET_DISCONNECT,
                                    PACKET_PUBREL,    PACKET_PUBREC};
    if (size == 0) return 0;
    uint8_t *exact = malloc(size - 1 + (size == 1));
    must(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    struct packet p = {.type = types[data[0] & 7], .flags = data[0] >> 4, .body = exact};
    p.size = (uint32_t)(size - 1);
    read_one(&p, (data[0] & 8) != 0 ? VERSION_5 : VERSION_3_1_1);
    split(exact, size - 1);
    free(exact);
    return 0;
}
