#include "ingest/message.h"

#include "test.h"

static struct message full(void)
{
    return (struct message){.door = MESSAGE_BROKER,
                            .qos = 2,
                            .flags = MESSAGE_DUPLICATE | MESSAGE_WILL,
                            .packet = 65535,
                            .session = 0x0123456789abcdefu,
                            .client = TEXT("press-7"),
                            .user = TEXT("line1"),
                            .topic = TEXT("plant/line1/press7"),
                            .payload = TEXT("{\"t\":1}"),
                            .received_ns = -5};
}

static bool same(const struct message *a, const struct message *b)
{
    return a->door == b->door && a->qos == b->qos && a->flags == b->flags &&
           a->packet == b->packet && a->session == b->session && text_is(a->client, b->client) &&
           text_is(a->user, b->user) && text_is(a->topic, b->topic) &&
           text_is(a->payload, b->payload) && a->received_ns == b->received_ns;
}

/* The record's body: head and payload. */
static uint32_t packed(const struct message *m, uint8_t *body)
{
    size_t head = message_pack(m, body);
    if (m->payload.length > 0) memcpy(body + head, m->payload.at, m->payload.length);
    return (uint32_t)head + m->payload.length;
}

TEST(a_message_comes_back_as_it_was_packed)
{
    uint8_t body[MESSAGE_HEAD_MAX + 64];
    struct message m = full(), back;
    uint32_t size = packed(&m, body);
    CHECK(message_unpack(body, size, -5, &back));
    CHECK(same(&m, &back));
    CHECK((const uint8_t *)back.payload.at >= body &&
          (const uint8_t *)back.payload.at < body + size);
}

TEST(a_message_without_texts_is_one)
{
    uint8_t body[MESSAGE_HEAD_MAX];
    struct message m = {.door = MESSAGE_MQTT}, back;
    uint32_t size = packed(&m, body);
    CHECK(message_unpack(body, size, 0, &back));
    CHECK(same(&m, &back));
}

TEST(texts_at_their_limits_fit_into_the_head)
{
    static char name[MESSAGE_NAME_MAX], topic[MESSAGE_TOPIC_MAX];
    static uint8_t body[MESSAGE_HEAD_MAX];
    memset(name, 'n', sizeof name);
    memset(topic, 't', sizeof topic);
    struct message m = {.door = MESSAGE_FILE,
                        .client = {name, sizeof name},
                        .user = {name, sizeof name},
                        .topic = {topic, sizeof topic}};
    struct message back;
    size_t size = message_pack(&m, body);
    CHECK(size <= MESSAGE_HEAD_MAX);
    CHECK(message_unpack(body, (uint32_t)size, 0, &back));
    CHECK(same(&m, &back));
}

TEST(a_head_that_is_cut_is_no_message)
{
    uint8_t body[MESSAGE_HEAD_MAX + 64];
    struct message m = full(), back;
    uint32_t head = packed(&m, body) - m.payload.length;
    for (uint32_t size = 0; size < head; size++) {
        uint8_t *exact = malloc(size + (size == 0));
        CHECK(exact != NULL);
        memcpy(exact, body, size);
        bool taken = message_unpack(exact, size, 0, &back);
        free(exact);
        CHECK_SAY(!taken, "%u of %u bytes were taken", size, head);
    }
}

TEST(lengths_doors_and_formats_out_of_range_are_no_message)
{
    static const struct {
        uint32_t at;
        uint8_t value;
    } wrong[] = {{0, 0}, {0, 2}, {1, 0}, {1, 7}, {2, 3}, {7, 0x05}, {9, 0x05}, {11, 0x11}};
    static uint8_t body[3 * 65536];
    struct message m = full(), back;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)packed(&m, body);
        body[wrong[i].at] = wrong[i].value;
        CHECK_SAY(!message_unpack(body, sizeof body, 0, &back), "byte %u as %u was taken",
                  wrong[i].at, wrong[i].value);
    }
}
