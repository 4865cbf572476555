/* Decimal digits, eight at a time, in one 64-bit word whose lowest byte is the first of the text. */
#ifndef INGEST_DIGITS_H
#define INGEST_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digits are read as little-endian words");

#define DIGITS_ZEROS 0x3030303030303030u /* "00000000" */

/* Eight bytes of text, digits as their values; the text has them all to be read. */
static inline uint64_t digits_load(const char *text)
{
    uint64_t x;
    memcpy(&x, text, sizeof x);
    return x ^ DIGITS_ZEROS;
}

/* The top bit of every byte of x that is no digit. A carry can only reach bytes behind the first one
 * above 0x89, which neither a point nor a sign is. */
static inline uint64_t digits_others(uint64_t x)
{
    return ((x + 0x7676767676767676u) | x) & 0x8080808080808080u;
}

/* The value of eight digits. */
static inline uint64_t digits_eight(uint64_t x)
{
    x = x * 10 + (x >> 8);
    x = ((x & 0x000000FF000000FFu) * 0x000F424000000064u +
         ((x >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >>
        32;
    return x & 0xFFFFFFFFu;
}

/* The value of the first n digits of x, 1 <= n <= 8: the others become leading zeros. */
static inline uint64_t digits_value(uint64_t x, unsigned n)
{
    return digits_eight(x << (8 * (8 - n)));
}

/* Without a branch: signs come at random. */
static inline double digits_sign(double v, bool minus)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits |= (uint64_t)minus << 63;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* digits_short reads a cell of what sensors send: a minus or none, then at most eight bytes, digits
 * with a point among them or without. False: not of this kind. *value is the nearest double, like
 * number_scan's. Eight bytes behind text[length] are readable. */
static inline bool digits_short(const char *text, size_t length, double *value)
{
    static const double ten[8] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    bool minus = *text == '-';
    text += minus;
    length -= minus;
    if (length - 1 > 7) return false; /* 0 - 1 is large, too */
    uint64_t x = digits_load(text) << (64 - 8 * length), other = digits_others(x);
    unsigned behind = 0; /* digits behind the point */
    if (other != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(other) - 7;
        uint64_t before = ((uint64_t)1 << bit) - 1;
        bool point = (x >> bit & 0xFF) == ('.' ^ '0') && (other & (other - 1)) == 0;
        if (!point || length < 2) return false;
        behind = 7 - bit / 8;
        x = (x & before) << 8 | (x & ~before & ~((uint64_t)0xFF << bit));
    }
    *value = digits_sign((double)(int64_t)digits_eight(x) / ten[behind], minus);
    return true;
}

#endif
