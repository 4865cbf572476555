/* Bytes of the store's blobs: little-endian, varints, read as hostile input. A wire that ran past its
 * end is bad and gives zeros from then on, so that a decoder checks once per section. */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define WIRE_VARINT_MAX 10u /* bytes of a varint */

struct wire {
    const uint8_t *at, *end;
    bool bad;
};

static inline size_t wire_left(const struct wire *w)
{
    return (size_t)(w->end - w->at);
}

/* wire_take gives the next size bytes; NULL and bad when there are not as many. */
static inline const uint8_t *wire_take(struct wire *w, size_t size)
{
    if (size > wire_left(w)) {
        w->bad = true;
        w->at = w->end;
        return NULL;
    }
    const uint8_t *at = w->at;
    w->at += size;
    return at;
}

static inline uint8_t wire_u8(struct wire *w)
{
    const uint8_t *at = wire_take(w, 1);
    return at == NULL ? 0 : *at;
}

static inline uint64_t wire_load64(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline uint64_t wire_u64(struct wire *w)
{
    const uint8_t *at = wire_take(w, 8);
    return at == NULL ? 0 : wire_load64(at);
}

static inline uint32_t wire_u32(struct wire *w)
{
    const uint8_t *at = wire_take(w, 4);
    if (at == NULL) return 0;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t wire_varint(struct wire *w)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = wire_u8(w);
        if (shift == 63 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7fu) << shift;
        if (byte < 0x80u) return v;
    }
    w->bad = true;
    return 0;
}

/* A count or an index that must be at most `most`. */
static inline uint32_t wire_count(struct wire *w, uint32_t most)
{
    uint64_t v = wire_varint(w);
    if (v <= most) return (uint32_t)v;
    w->bad = true;
    return 0;
}

static inline uint64_t wire_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t wire_unzigzag(uint64_t u)
{
    return (int64_t)((u >> 1) ^ (0 - (u & 1)));
}

static inline int64_t wire_signed(struct wire *w)
{
    return wire_unzigzag(wire_varint(w));
}

static inline uint8_t *wire_put_u64(uint8_t *out, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(out, &v, sizeof v);
    return out + sizeof v;
}

static inline uint8_t *wire_put_u32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(v >> (8 * i));
    return out + 4;
}

static inline uint8_t *wire_put_varint(uint8_t *out, uint64_t v)
{
    for (; v >= 0x80u; v >>= 7) *out++ = (uint8_t)(v | 0x80u);
    *out++ = (uint8_t)v;
    return out;
}

static inline uint8_t *wire_put_signed(uint8_t *out, int64_t v)
{
    return wire_put_varint(out, wire_zigzag(v));
}

static inline uint8_t *wire_put_bytes(uint8_t *out, const void *bytes, size_t size)
{
    if (size > 0) memcpy(out, bytes, size);
    return out + size;
}

static inline bool wire_bit(const uint8_t *bits, uint32_t i)
{
    return ((uint32_t)bits[i / 8] >> (i % 8) & 1u) != 0;
}

static inline uint64_t wire_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline double wire_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* wire_check is a checksum against damage, not against forgery: a multiplication per eight bytes, which
 * is ten times as fast as the CRC of the library. */
uint32_t wire_check(const void *bytes, size_t size);

#endif
