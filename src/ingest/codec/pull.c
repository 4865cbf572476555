/* What is not on the way of an ordinary message stands here; the quick ways are in the header. */
#include "ingest/codec/pull.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ingest/number.h"

const double pull_ten[16] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                             1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
const uint64_t pull_ten_whole[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

const char *pull_number_long(const char *at, const char *digit, const char *end, unsigned n,
                             uint64_t whole, struct value *value)
{
    if (end - digit < 18) return NULL;
    uint64_t x = digits_load(digit + 1), y = digits_load(digit + 9), other = digits_others(y);
    unsigned more = (unsigned)__builtin_ctzll(other | (uint64_t)1 << 63) / 8;
    if (other == 0 || n + 8 + more > 19) return NULL;
    uint64_t mantissa = whole * 100000000 + digits_eight(x);
    if (more > 0) mantissa = mantissa * pull_ten_whole[more] + digits_value(y, more);
    digit += 9 + more;
    if ((*digit | 0x20) == 'e') return NULL;
    value->kind = VALUE_NUMBER;
    value->exact = true;
    value->number = digits_sign(number_over(mantissa, 8 + more), *at == '-');
    value->text = (struct text){at, (uint32_t)(digit - at)};
    return digit;
}

void pull_begin(struct pull *p, struct text text)
{
    const char *at = text.length > 0 ? text.at : "";
    *p = (struct pull){.at = at, .end = at + text.length, .begin = at};
}

bool pull_fail(struct pull *p, const char *expected, const char *at)
{
    if (p->fault == NULL) {
        p->fault = expected;
        p->fault_at = at;
    }
    return false;
}

void pull_explain(const struct pull *p, char *line, size_t room)
{
    size_t byte = (size_t)(p->fault_at - p->begin) + 1;
    unsigned char c = p->fault_at < p->end ? (unsigned char)*p->fault_at : 0;
    if (p->fault_at >= p->end)
        snprintf(line, room, "byte %zu: expected %s, found the end", byte, p->fault);
    else if (c > ' ' && c < 0x7f)
        snprintf(line, room, "byte %zu: expected %s, found '%c'", byte, p->fault, c);
    else
        snprintf(line, room, "byte %zu: expected %s, found byte 0x%02x", byte, p->fault, c);
}

const char *pull_blanks(const char *at, const char *end)
{
    while (at < end && pull_is_blank(*at)) at++;
    return at;
}

static int hex(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i], letter = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* Behind "\u"; NULL: a fault. */
static const char *check_code(struct pull *p, const char *at)
{
    static const char digits[] = "four hexadecimal digits behind \\u";
    int code = p->end - at >= 4 ? hex(at) : -1;
    if (code < 0) return pull_fail(p, digits, at), NULL;
    if (code < 0xD800 || code > 0xDFFF) return at + 4;
    int low = p->end - at >= 10 && at[4] == '\\' && at[5] == 'u' ? hex(at + 6) : -1;
    if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return pull_fail(p, "a pair of surrogates", at - 2), NULL;
    return at + 10;
}

/* At a backslash; NULL: a fault. */
static const char *check_escape(struct pull *p, const char *at)
{
    if (p->end - at < 2) return pull_fail(p, "a character behind the backslash", p->end), NULL;
    if (at[1] == 'u') return check_code(p, at + 2);
    if (at[1] == 0 || strchr("\"\\/bfnrt", at[1]) == NULL)
        return pull_fail(p, "one of \"\\/bfnrtu behind a backslash", at + 1), NULL;
    return at + 2;
}

/* At a byte from 0x80 on; NULL: a fault. */
static const char *check_utf8(struct pull *p, const char *at)
{
    uint32_t code;
    size_t size = utf8_next(at, (size_t)(p->end - at), &code);
    return size > 0 ? at + size : (pull_fail(p, "UTF-8", at), NULL);
}

bool pull_string_rest(struct pull *p, const char *from, const char *at, struct value *value)
{
    bool plain = true;
    while (at < p->end && *at != '"') {
        unsigned char c = (unsigned char)*at;
        if (c == '\\') {
            plain = false;
            at = check_escape(p, at);
        } else if (c >= 0x80) {
            at = check_utf8(p, at);
        } else if (c >= ' ') {
            at++;
        } else if (pull_is_blank(*at)) {
            plain = false;
            p->lax = true;
            at++;
        } else {
            return pull_fail(p, "no control byte inside a string", at);
        }
        if (at == NULL) return false;
    }
    if (at == p->end) return pull_fail(p, "the string's closing quote", at);
    value->kind = VALUE_STRING;
    value->plain = plain;
    value->text = (struct text){from, (uint32_t)(at - from)};
    p->at = at + 1;
    return true;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

uint32_t pull_unescape(struct text text, char *room)
{
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    char *to = room;
    const char *at = text.at, *end = text.at + text.length;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
        } else if (at[1] == 'u') {
            unsigned code = (unsigned)hex(at + 2);
            at += 6;
            if (code >= 0xD800 && code <= 0xDBFF) {
                code = 0x10000 + ((code & 0x3FF) << 10) + ((unsigned)hex(at + 2) & 0x3FF);
                at += 6;
            }
            to = put_utf8(to, code);
        } else {
            const char *found = strchr(from, at[1]);
            *to++ = found != NULL ? into[found - from] : at[1];
            at += 2;
        }
    }
    return (uint32_t)(to - room);
}

static const char *digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at;
}

/* The end of the number at p->at by the RFC's grammar; NULL: a fault. */
static const char *number_end(struct pull *p, bool *whole)
{
    const char *at = p->at + (*p->at == '-'), *first = at;
    at = digits(at, p->end);
    if (at == first) return pull_fail(p, "a digit", at), NULL;
    if (*first == '0' && at - first > 1)
        return pull_fail(p, "no digit behind a leading zero", first + 1), NULL;
    *whole = true;
    if (at < p->end && *at == '.') {
        *whole = false;
        first = ++at;
        at = digits(at, p->end);
        if (at == first) return pull_fail(p, "a digit behind the point", at), NULL;
    }
    if (at < p->end && (*at | 0x20) == 'e') {
        *whole = false;
        at++;
        if (at < p->end && (*at == '+' || *at == '-')) at++;
        first = at;
        at = digits(at, p->end);
        if (at == first) return pull_fail(p, "a digit in the exponent", at), NULL;
    }
    return at;
}

static bool word(struct pull *p, struct value *value)
{
    static const struct {
        struct text word;
        enum value_kind kind;
        bool lax;
        double number;
    } words[] = {{{"null", 4}, VALUE_NULL, false, 0},
                 {{"true", 4}, VALUE_FLAG, false, 1},
                 {{"false", 5}, VALUE_FLAG, false, 0},
                 {{"NaN", 3}, VALUE_NULL, true, 0},
                 {{"Infinity", 8}, VALUE_NUMBER, true, HUGE_VAL},
                 {{"-Infinity", 9}, VALUE_NUMBER, true, -HUGE_VAL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        uint32_t n = words[i].word.length;
        if ((size_t)(p->end - p->at) < n || memcmp(p->at, words[i].word.at, n) != 0) continue;
        p->lax |= words[i].lax;
        value->kind = words[i].kind;
        value->whole = value->exact = false;
        value->number = words[i].number;
        value->text = (struct text){p->at, n};
        p->at += n;
        return true;
    }
    return pull_fail(p, "a value", p->at);
}

/* Near the end of the text: in a copy with zeros behind it. */
static bool number_near_end(struct pull *p, struct value *value)
{
    char copy[3 * PULL_QUICK_MIN] = {0};
    size_t left = (size_t)(p->end - p->at);
    if (left > PULL_QUICK_MIN) return false;
    memcpy(copy, p->at, left);
    const char *stop = pull_number_quick(copy, copy + sizeof copy, value);
    if (stop == NULL) return false;
    value->text.at = p->at;
    p->at += stop - copy;
    return true;
}

static bool number(struct pull *p, struct value *value)
{
    if (number_near_end(p, value)) return true;
    if (p->end - p->at > 1 && p->at[0] == '-' && p->at[1] == 'I') return word(p, value);
    const char *end = number_end(p, &value->whole);
    if (end == NULL) return false;
    value->kind = VALUE_NUMBER;
    value->exact = false;
    value->text = (struct text){p->at, (uint32_t)(end - p->at)};
    if (value->text.length > PULL_NUMBER_MAX)
        return pull_fail(p, "a number of at most 1024 characters", p->at);
    if (p->end - end >= NUMBER_SLACK) {
        (void)number_scan(p->at, &value->number);
    } else {
        char copy[PULL_NUMBER_MAX + NUMBER_SLACK];
        memset(copy + value->text.length, 0, NUMBER_SLACK);
        memcpy(copy, p->at, value->text.length);
        (void)number_scan(copy, &value->number);
    }
    p->at = end;
    return true;
}

static bool enter(struct pull *p, struct value *value)
{
    if (p->depth == PULL_DEPTH_MAX) return pull_fail(p, "no deeper nesting than 32", p->at);
    value->kind = *p->at == '{' ? VALUE_OBJECT : VALUE_ARRAY;
    value->text = (struct text){p->at, 1};
    p->depth++;
    p->fresh = true;
    p->at++;
    return true;
}

bool pull_read_rest(struct pull *p, struct value *value)
{
    if (p->fault != NULL) return false;
    if (p->at == p->end) return pull_fail(p, "a value", p->at);
    p->fresh = false;
    switch (*p->at) {
    case '{':
    case '[': return enter(p, value);
    case '"': return pull_string(p, p->at + 1, value);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return number(p, value);
    default: return word(p, value);
    }
}

/* Before a key or an element: over, or a comma unless it is the first one. */
static bool more(struct pull *p, char closing, const char *expected)
{
    p->at = pull_blanks(p->at, p->end);
    if (p->fault != NULL) return false;
    if (p->at < p->end && *p->at == closing) {
        p->at++;
        p->depth--;
        p->fresh = false;
        return false;
    }
    if (!p->fresh) {
        if (p->at == p->end || *p->at != ',') return pull_fail(p, expected, p->at);
        p->at++;
        p->at = pull_blanks(p->at, p->end);
    }
    p->fresh = false;
    return true;
}

bool pull_colon_rest(struct pull *p)
{
    p->at = pull_blanks(p->at, p->end);
    if (p->at == p->end || *p->at != ':') return pull_fail(p, "':' behind the key", p->at);
    p->at++;
    return true;
}

bool pull_key_rest(struct pull *p, struct value *key)
{
    if (!more(p, '}', "',' or '}'")) return false;
    if (p->at == p->end || *p->at != '"') return pull_fail(p, "a key in quotes", p->at);
    return pull_string(p, p->at + 1, key) && pull_colon_rest(p);
}

bool pull_item(struct pull *p, struct value *value)
{
    return more(p, ']', "',' or ']'") && pull_read(p, value);
}

/* Iterative: bit d of arrays tells what is open at depth d below the value. */
bool pull_skip(struct pull *p, struct value *value)
{
    if (value->kind < VALUE_OBJECT) return true;
    const char *begin = value->text.at;
    uint32_t outer = p->depth - 1;
    uint64_t arrays = (uint64_t)(value->kind == VALUE_ARRAY) << p->depth;
    struct value key, inner;
    while (p->depth > outer) {
        bool array = (arrays >> p->depth & 1) != 0;
        if (array ? !pull_item(p, &inner) : !(pull_key(p, &key) && pull_read(p, &inner))) {
            if (p->fault != NULL) return false;
            continue;
        }
        if (inner.kind < VALUE_OBJECT) continue;
        arrays &= ~((uint64_t)1 << p->depth);
        arrays |= (uint64_t)(inner.kind == VALUE_ARRAY) << p->depth;
    }
    value->text = (struct text){begin, (uint32_t)(p->at - begin)};
    return true;
}

bool pull_done(struct pull *p)
{
    p->at = pull_blanks(p->at, p->end);
    return p->fault == NULL && (p->at == p->end || pull_fail(p, "nothing more", p->at));
}
