#include "ingest/mqtt/packet.h"

#include <assert.h>

#include "ingest/mqtt/topic.h"

int64_t packet_split(const uint8_t *data, size_t size, struct packet *packet)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if (i + 1 >= size) return 0;
        uint8_t byte = data[i + 1];
        length |= (uint32_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *packet = (struct packet){data[0] >> 4, data[0] & 15, data + i + 2, length};
            return (int64_t)i + 2 + length;
        }
    }
    return -1;
}

void wire_fail(struct wire *w, uint8_t reason)
{
    if (w->reason == REASON_OK) w->reason = reason;
    w->at = w->end;
}

struct text wire_take(struct wire *w, uint32_t size)
{
    if (size > wire_left(w)) {
        wire_fail(w, REASON_MALFORMED);
        return (struct text){NULL, 0};
    }
    struct text bytes = {(const char *)w->at, size};
    w->at += size;
    return bytes;
}

static uint32_t big_endian(struct wire *w, uint32_t bytes)
{
    uint32_t value = 0;
    if (bytes > wire_left(w)) {
        wire_fail(w, REASON_MALFORMED);
        return 0;
    }
    for (uint32_t i = 0; i < bytes; i++) value = value << 8 | *w->at++;
    return value;
}

uint8_t wire_u8(struct wire *w)
{
    return (uint8_t)big_endian(w, 1);
}

uint16_t wire_u16(struct wire *w)
{
    return (uint16_t)big_endian(w, 2);
}

uint32_t wire_u32(struct wire *w)
{
    return big_endian(w, 4);
}

uint32_t wire_varint(struct wire *w)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < 4 && w->at < w->end; i++) {
        uint8_t byte = *w->at++;
        value |= (uint32_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) return value;
    }
    wire_fail(w, REASON_MALFORMED);
    return 0;
}

struct text wire_binary(struct wire *w)
{
    return wire_take(w, wire_u16(w));
}

struct text wire_string(struct wire *w)
{
    struct text string = wire_binary(w);
    if (!text_well_formed(string)) wire_fail(w, REASON_MALFORMED);
    return string;
}

uint8_t *put_u8(uint8_t *at, uint8_t value)
{
    *at = value;
    return at + 1;
}

uint8_t *put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    return put_u16(put_u16(at, (uint16_t)(value >> 16)), (uint16_t)value);
}

uint32_t varint_size(uint32_t value)
{
    return value < 1u << 7 ? 1 : value < 1u << 14 ? 2 : value < 1u << 21 ? 3 : 4;
}

uint8_t *put_varint(uint8_t *at, uint32_t value)
{
    assert(value <= PACKET_BODY_MAX);
    for (; value >= 0x80; value >>= 7) *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

uint8_t *put_bytes(uint8_t *at, struct text bytes)
{
    if (bytes.length > 0) memcpy(at, bytes.at, bytes.length);
    return at + bytes.length;
}

uint8_t *put_string(uint8_t *at, struct text string)
{
    assert(string.length <= UINT16_MAX);
    return put_bytes(put_u16(at, (uint16_t)string.length), string);
}
