/* Packets on the wire: where one ends (MQTT 2.1), and the primitives of 1.5: integers, strings,
 * binary data. Reading never goes beyond the bytes that are there; nothing is allocated. */
#ifndef INGEST_MQTT_PACKET_H
#define INGEST_MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ingest/mqtt/reason.h"

enum packet_type {
    PACKET_CONNECT = 1,
    PACKET_CONNACK,
    PACKET_PUBLISH,
    PACKET_PUBACK,
    PACKET_PUBREC,
    PACKET_PUBREL,
    PACKET_PUBCOMP,
    PACKET_SUBSCRIBE,
    PACKET_SUBACK,
    PACKET_UNSUBSCRIBE,
    PACKET_UNSUBACK,
    PACKET_PINGREQ,
    PACKET_PINGRESP,
    PACKET_DISCONNECT,
    PACKET_AUTH
};

enum { VERSION_3_1_1 = 4, VERSION_5 = 5 }; /* protocol levels */

enum { PACKET_BODY_MAX = 268435455 }; /* what a Remaining Length can say */

struct packet {
    uint8_t type, flags;
    const uint8_t *body; /* body[size], behind the fixed header */
    uint32_t size;
};

/* packet_split looks at the fixed header at data[size].
 *   *packet  out  body points into data; whole only when the result is <= size
 * > 0: the length of the packet, header and all; 0: the header is not all there; -1: it is none. */
int64_t packet_split(const uint8_t *data, size_t size, struct packet *packet);

/* A cursor over borrowed bytes. Once a read runs past the end or meets what may not be, reason is
 * set and later reads give zeros: a decoder asks once at its end. */
struct wire {
    const uint8_t *at, *end;
    uint8_t reason;
};

static inline struct wire wire_of(const uint8_t *at, size_t size)
{
    return (struct wire){at, at + size, REASON_OK};
}

static inline uint32_t wire_left(const struct wire *w)
{
    return (uint32_t)(w->end - w->at);
}

void wire_fail(struct wire *w, uint8_t reason); /* the first reason stays */
uint8_t wire_u8(struct wire *w);
uint16_t wire_u16(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint32_t wire_varint(struct wire *w);
struct text wire_binary(struct wire *w);
struct text wire_string(struct wire *w); /* well-formed UTF-8 without U+0000 (1.5.4) */
struct text wire_take(struct wire *w, uint32_t size);

/* Writing: room has been made by the caller; the result points behind what was written. */
uint8_t *put_u8(uint8_t *at, uint8_t value);
uint8_t *put_u16(uint8_t *at, uint16_t value);
uint8_t *put_u32(uint8_t *at, uint32_t value);
uint8_t *put_varint(uint8_t *at, uint32_t value); /* at most 4 bytes */
uint8_t *put_bytes(uint8_t *at, struct text bytes);
uint8_t *put_string(uint8_t *at, struct text string);
uint32_t varint_size(uint32_t value);

#endif
