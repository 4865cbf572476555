/* A pull decoder of JSON (RFC 8259), in place: the caller asks for the next key or value, and gets
 * pieces of the text. No allocation, no state but the struct.
 *
 * Invariants: begin <= at <= end, nothing outside [begin, end) is read; once .fault is set every
 * call says "no more" and .fault_at stays. Differs from the RFC in a few points: raw tabs and line
 * breaks are allowed inside strings (devices send them), and nesting is limited to PULL_DEPTH_MAX;
 * and Python's NaN (as null), Infinity and -Infinity are read. Keys that come twice are the
 * caller's matter. */
#ifndef INGEST_CODEC_PULL_H
#define INGEST_CODEC_PULL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "ingest/digits.h"

#define PULL_DEPTH_MAX 32u    /* nested objects and arrays                       */
#define PULL_NUMBER_MAX 1024u /* characters of a number                          */

enum value_kind { VALUE_NULL, VALUE_FLAG, VALUE_NUMBER, VALUE_STRING, VALUE_OBJECT, VALUE_ARRAY };

struct value {
    enum value_kind kind;
    bool plain;    /* VALUE_STRING: no escape and no control byte in it                         */
    bool whole;    /* VALUE_NUMBER: digits alone, neither point nor exponent                     */
    bool exact;    /* VALUE_NUMBER: finite, and of at most 15 digits if it is whole              */
    double number; /* VALUE_NUMBER: the nearest double, HUGE_VAL beyond the largest; VALUE_FLAG: 0,
                      1 */
    struct text text; /* the characters: of a string those between the quotes, escapes as written;
                         of an object or array its opening bracket, once skipped all of it */
};

struct pull {
    const char *at, *end, *begin;
    uint32_t depth;
    bool fresh;           /* at stands behind an opening bracket                   */
    bool lax;             /* something was read that the RFC does not allow        */
    const char *fault;    /* what was expected, a constant; NULL: no fault         */
    const char *fault_at; /* where                                                 */
};

void pull_begin(struct pull *p, struct text text);

/* pull_skip passes over the rest of the object or array that was just entered as value, checks it,
 * and makes value->text the whole of it. Other values: nothing to do. False: a fault. */
bool pull_skip(struct pull *p, struct value *value);

/* pull_mark is where an object or array was just entered; pull_return goes back there. */
struct pull_mark {
    const char *at;
    uint32_t depth;
};
static inline struct pull_mark pull_mark(const struct pull *p)
{
    return (struct pull_mark){p->at, p->depth};
}
static inline void pull_return(struct pull *p, struct pull_mark mark)
{
    p->at = mark.at;
    p->depth = mark.depth;
    p->fresh = true;
}

/* pull_done says whether only blanks are left; otherwise that is a fault. */
bool pull_done(struct pull *p);

/* pull_unescape writes what a string stands for; room has text.length bytes. The text is the one of
 * a VALUE_STRING. */
uint32_t pull_unescape(struct text text, char *room);

/* pull_explain writes one line about the fault: where, what was expected, what is there. */
void pull_explain(const struct pull *p, char *line, size_t room);

/* pull_fail is a fault of the caller's making. False. */
bool pull_fail(struct pull *p, const char *expected, const char *at);

/* The long ways of what follows. */
bool pull_read_rest(struct pull *p, struct value *value);
bool pull_string_rest(struct pull *p, const char *from, const char *at, struct value *value);
bool pull_key_rest(struct pull *p, struct value *key);
bool pull_colon_rest(struct pull *p);
const char *pull_blanks(const char *at, const char *end);

static inline bool pull_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The first byte from `at` on that is no blank, or end. */
static inline const char *pull_trimmed(const char *at, const char *end)
{
    if (at < end && (unsigned char)*at > ' ') return at;
    if (end - at > 1 && *at == ' ' && (unsigned char)at[1] > ' ') return at + 1;
    return pull_blanks(at, end);
}

/* How many of the 16 bytes at `at` are plain: no quote, backslash, control byte or part of a
 * character beyond ASCII. */
static inline unsigned pull_plain(const char *at)
{
#ifdef __SSE2__
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i special =
        _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    /* Bytes from 0x80 on are negative. */
    special = _mm_or_si128(special, _mm_cmplt_epi8(x, _mm_set1_epi8(' ')));
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 0x10000);
#else
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (unsigned n = 0; n < 16; n += 8) {
        uint64_t x;
        memcpy(&x, at + n, sizeof x);
        uint64_t quote = x ^ (ones * '"'), slash = x ^ (ones * '\\');
        uint64_t special =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | x | ((x - ones * ' ') & ~x);
        if ((special & tops) != 0) return n + (unsigned)__builtin_ctzll(special & tops) / 8;
    }
    return 16;
#endif
}

/* The string behind the quote at from[-1]. */
static inline bool pull_string(struct pull *p, const char *from, struct value *value)
{
    const char *at = from, *end = p->end;
    while (end - at >= 16) {
        unsigned plain = pull_plain(at);
        at += plain;
        if (plain < 16) break;
    }
    while (at < end && (signed char)*at >= ' ' && *at != '"' && *at != '\\') at++;
    if (at == end || *at != '"') return pull_string_rest(p, from, at, value);
    value->kind = VALUE_STRING;
    value->plain = true;
    value->text = (struct text){from, (uint32_t)(at - from)};
    p->at = at + 1;
    return true;
}

#define PULL_QUICK_MIN 10 /* bytes that must be there for pull_number_quick */

extern const double pull_ten[16];
extern const uint64_t pull_ten_whole[8];

/* pull_number_quick for 8 to 15 digits behind the point at digit and n in front of it, `whole`:
 * what programs print of a double. */
const char *pull_number_long(const char *at, const char *digit, const char *end, unsigned n,
                             uint64_t whole, struct value *value);

/* A jump instead of a sum: what comes next does not wait for the byte that was asked for. */
static inline bool pull_rarely(bool condition)
{
    return __builtin_expect(condition, 0);
}

/* What sensors send: a minus or none, up to 15 digits, a point among them or none. Exact: a whole
 * number below 2^53 by a power of ten below 10^16. NULL: not of this kind, or no number at all, or
 * too near the end of the text to tell. */
static inline const char *pull_number_quick(const char *at, const char *end, struct value *value)
{
    bool minus = *at == '-';
    const char *digit = at + minus;
    uint64_t x = digits_load(digit), other = digits_others(x), mantissa;
    uint64_t second = other & (other - 1);
    unsigned n = other != 0 ? (unsigned)__builtin_ctzll(other) / 8 : 8, behind = 0;
    if (n == 0 || (*digit == '0' && n > 1)) return NULL;
    value->whole = digit[n] != '.';
    if (!value->whole && second != 0) { /* digits, point and digits, all in one word */
        unsigned length = (unsigned)__builtin_ctzll(second) / 8;
        uint64_t before = ((uint64_t)1 << (8 * n)) - 1;
        behind = length - 1 - n;
        if (behind == 0) return NULL;
        mantissa = digits_value((x & before) | ((x >> 8) & ~before), length - 1);
        digit += length;
    } else {
        mantissa = digits_value(x, n);
        digit += n;
        if (n == 8) {
            if (end - digit < 10) return NULL;
            uint64_t y = digits_load(digit), rest = digits_others(y);
            unsigned m = rest != 0 ? (unsigned)__builtin_ctzll(rest) / 8 : 8;
            if (m == 8) return NULL;
            if (m > 0) mantissa = mantissa * pull_ten_whole[m] + digits_value(y, m);
            digit += m;
            n += m;
            value->whole = *digit != '.';
        }
        if (!value->whole) {
            if (end - digit < 10) return NULL;
            x = digits_load(digit + 1);
            other = digits_others(x);
            if (other == 0) return pull_number_long(at, digit, end, n, mantissa, value);
            behind = (unsigned)__builtin_ctzll(other) / 8;
            if (behind == 0 || n + behind > 15) return NULL;
            mantissa = mantissa * pull_ten_whole[behind] + digits_value(x, behind);
            digit += 1 + behind;
        }
    }
    if ((*digit | 0x20) == 'e') return NULL;
    value->kind = VALUE_NUMBER;
    value->exact = true;
    value->number = digits_sign((double)(int64_t)mantissa / pull_ten[behind], minus);
    value->text = (struct text){at, (uint32_t)(digit - at)};
    return digit;
}

/* pull_read takes the next value; an object or array is entered. False: a fault. */
static inline bool pull_read(struct pull *p, struct value *value)
{
    const char *at = pull_trimmed(p->at, p->end);
    p->at = at;
    if (p->end - at < PULL_QUICK_MIN) return pull_read_rest(p, value);
    if (*at == '"') return pull_string(p, at + 1, value);
    if (*at == '-' || (unsigned char)(*at - '0') < 10) {
        const char *stop = pull_number_quick(at, p->end, value);
        if (stop != NULL) {
            p->at = stop;
            return true;
        }
    }
    return pull_read_rest(p, value);
}

/* pull_key takes the next key of the object that was entered last, and its colon; the value has to
 * be read next. False: the object is over (and left), or a fault. key is a VALUE_STRING. */
static inline bool pull_key(struct pull *p, struct value *key)
{
    const char *at = pull_trimmed(p->at, p->end), *end = p->end;
    if (at < end && *at == ',' && !p->fresh) {
        at = pull_trimmed(at + 1, end);
    } else if (!p->fresh || at == end || *at != '"') {
        return pull_key_rest(p, key);
    }
    if (at == end || *at != '"') return pull_key_rest(p, key);
    p->fresh = false;
    if (!pull_string(p, at + 1, key)) return false;
    at = p->at;
    if (at < end && *at == ':') {
        p->at = at + 1;
        return true;
    }
    return pull_colon_rest(p);
}

/* A key as devices write it: in quotes, at most 15 plain characters, a colon and a blank or none
 * behind it. at stands at the opening quote or before; 20 bytes behind it may be read. *value:
 * behind all that. The key's length; 0: not of this kind. */
static inline uint32_t pull_key_quick(const char *at, const char **value)
{
    unsigned n = *at == '"' ? pull_plain(at + 1) : 0;
    const char *stop = at + 1 + n;
    *value = stop + 2;
    if (pull_rarely(stop[2] == ' ')) ++*value;
    return n < 16 && stop[0] == '"' && stop[1] == ':' ? n : 0;
}

/* pull_item takes the next element of the array that was entered last. False: it is over (and
 * left), or a fault. */
bool pull_item(struct pull *p, struct value *value);

#endif
