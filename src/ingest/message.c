/* A message's head as bytes, little-endian:
 *
 *     u8 format  u8 door  u8 qos  u8 flags  u16 packet  u16 client  u16 user  u16 topic  u16 0
 *     u64 session  client[]  user[]  topic[]
 *
 * (lengths of the three texts in bytes); the payload is the rest of the record. */
#include "ingest/message.h"

#include <assert.h>

enum { FORMAT = 1, FIXED = 22 };

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * i));
    return at + bytes;
}

static uint8_t *put_text(uint8_t *at, struct text text)
{
    if (text.length > 0) memcpy(at, text.at, text.length);
    return at + text.length;
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value |= (uint64_t)at[i] << (8 * i);
    return value;
}

size_t message_pack(const struct message *message, uint8_t *head)
{
    assert(message->client.length <= MESSAGE_NAME_MAX);
    assert(message->user.length <= MESSAGE_NAME_MAX);
    assert(message->topic.length <= MESSAGE_TOPIC_MAX);
    uint8_t *at = head;
    at = put(at, FORMAT, 1);
    at = put(at, message->door, 1);
    at = put(at, message->qos, 1);
    at = put(at, message->flags, 1);
    at = put(at, message->packet, 2);
    at = put(at, message->client.length, 2);
    at = put(at, message->user.length, 2);
    at = put(at, message->topic.length, 2);
    at = put(at, 0, 2);
    at = put(at, message->session, 8);
    at = put_text(at, message->client);
    at = put_text(at, message->user);
    at = put_text(at, message->topic);
    return (size_t)(at - head);
}

bool message_unpack(const uint8_t *body, uint32_t size, int64_t received_ns,
                    struct message *message)
{
    if (size < FIXED || body[0] != FORMAT) return false;
    if (body[1] < MESSAGE_MQTT || body[1] > MESSAGE_FILE || body[2] > 2) return false;
    uint32_t client = (uint32_t)get(body + 6, 2), user = (uint32_t)get(body + 8, 2);
    uint32_t topic = (uint32_t)get(body + 10, 2), head = FIXED + client + user + topic;
    if (client > MESSAGE_NAME_MAX || user > MESSAGE_NAME_MAX || topic > MESSAGE_TOPIC_MAX)
        return false;
    if (head > size) return false;
    const char *text = (const char *)body + FIXED;
    *message = (struct message){.door = body[1],
                                .qos = body[2],
                                .flags = body[3],
                                .packet = (uint16_t)get(body + 4, 2),
                                .session = get(body + 14, 8),
                                .client = {text, client},
                                .user = {text + client, user},
                                .topic = {text + client + user, topic},
                                .payload = {(const char *)body + head, size - head},
                                .received_ns = received_ns};
    return true;
}
