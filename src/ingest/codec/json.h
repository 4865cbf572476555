/* A pull decoder of JSON (RFC 8259), in place: the caller asks for the next key or value, and gets
 * pieces of the text. No allocation, no state but the struct.
 *
 * Invariants: begin <= at <= end, nothing outside [begin, end) is read; once .fault is set every
 * call says "no more" and .fault_at stays. Differs from the RFC in a few points: raw tabs and line
 * breaks are allowed inside strings (devices send them), and nesting is limited to JSON_DEPTH_MAX;
 * and Python's NaN (as null), Infinity and -Infinity are read. Keys that come twice are the
 * caller's matter. */
#ifndef INGEST_CODEC_JSON_H
#define INGEST_CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"

#define JSON_DEPTH_MAX 32u    /* nested objects and arrays                       */
#define JSON_NUMBER_MAX 1024u /* characters of a number                          */

enum json_kind { JSON_NULL, JSON_FLAG, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json_value {
    enum json_kind kind;
    bool plain; /* JSON_STRING: no escape and no control byte in it                         */
    bool whole; /* JSON_NUMBER: digits alone, neither point nor exponent                     */
    double
        number; /* JSON_NUMBER: the nearest double, HUGE_VAL beyond the largest; JSON_FLAG: 0, 1 */
    struct text text; /* the characters: of a string those between the quotes, escapes as written;
                         of an object or array its opening bracket, once skipped all of it */
};

struct json {
    const char *at, *end, *begin;
    uint32_t depth;
    bool fresh;           /* at stands behind an opening bracket                   */
    bool lax;             /* something was read that the RFC does not allow        */
    const char *fault;    /* what was expected, a constant; NULL: no fault         */
    const char *fault_at; /* where                                                 */
};

void json_begin(struct json *j, struct text text);

/* json_read takes the next value; an object or array is entered. False: a fault. */
bool json_read(struct json *j, struct json_value *value);

/* json_key takes the next key of the object that was entered last, and its colon; the value has to
 * be read next. False: the object is over (and left), or a fault. key is a JSON_STRING. */
bool json_key(struct json *j, struct json_value *key);

/* json_item takes the next element of the array that was entered last. False: it is over (and
 * left), or a fault. */
bool json_item(struct json *j, struct json_value *value);

/* json_skip passes over the rest of the object or array that was just entered as value, checks it,
 * and makes value->text the whole of it. Other values: nothing to do. False: a fault. */
bool json_skip(struct json *j, struct json_value *value);

/* json_done says whether only blanks are left; otherwise that is a fault. */
bool json_done(struct json *j);

/* json_unescape writes what a string stands for; room has text.length bytes. The text is the one of
 * a JSON_STRING value. */
uint32_t json_unescape(struct text text, char *room);

/* json_explain writes one line about the fault: where, what was expected, what is there. */
void json_explain(const struct json *j, char *line, size_t room);

bool json_fail(struct json *j, const char *expected, const char *at);

/* The slow ways of what follows. */
bool json_string_rest(struct json *j, const char *from, struct json_value *value);
bool json_number(struct json *j, struct json_value *value);
bool json_word(struct json *j, struct json_value *value);
const char *json_blanks(const char *at, const char *end);

static inline bool json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline void json_trim(struct json *j)
{
    if (j->at < j->end && (unsigned char)*j->at > ' ') return;
    j->at = json_blanks(j->at, j->end);
}

/* at stands behind the opening quote. */
static inline bool json_string(struct json *j, struct json_value *value)
{
    const char *at = j->at;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(' ');
    for (; j->end - at >= 16; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i special = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash));
        special =
            _mm_or_si128(special, _mm_cmplt_epi8(x, low)); /* bytes from 0x80 on are negative */
        unsigned bits = (unsigned)_mm_movemask_epi8(special);
        if (bits == 0) continue;
        at += __builtin_ctz(bits);
        break;
    }
#endif
    while (at < j->end && (signed char)*at >= ' ' && *at != '"' && *at != '\\') at++;
    if (at == j->end || *at != '"') return json_string_rest(j, at, value);
    value->kind = JSON_STRING;
    value->plain = true;
    value->text = (struct text){j->at, (uint32_t)(at - j->at)};
    j->at = at + 1;
    return true;
}

#endif
