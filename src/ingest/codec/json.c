/* What is not on the way of an ordinary message stands here; the quick ways are in the header. */
#include "ingest/codec/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ingest/number.h"

void json_begin(struct json *j, struct text text)
{
    const char *at = text.length > 0 ? text.at : "";
    *j = (struct json){.at = at, .end = at + text.length, .begin = at};
}

bool json_fail(struct json *j, const char *expected, const char *at)
{
    if (j->fault == NULL) {
        j->fault = expected;
        j->fault_at = at;
    }
    return false;
}

void json_explain(const struct json *j, char *line, size_t room)
{
    size_t byte = (size_t)(j->fault_at - j->begin) + 1;
    unsigned char c = j->fault_at < j->end ? (unsigned char)*j->fault_at : 0;
    if (j->fault_at >= j->end)
        snprintf(line, room, "byte %zu: expected %s, found the end", byte, j->fault);
    else if (c > ' ' && c < 0x7f)
        snprintf(line, room, "byte %zu: expected %s, found '%c'", byte, j->fault, c);
    else
        snprintf(line, room, "byte %zu: expected %s, found byte 0x%02x", byte, j->fault, c);
}

const char *json_blanks(const char *at, const char *end)
{
    while (at < end && json_is_blank(*at)) at++;
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
static const char *check_code(struct json *j, const char *at)
{
    static const char digits[] = "four hexadecimal digits behind \\u";
    int code = j->end - at >= 4 ? hex(at) : -1;
    if (code < 0) return json_fail(j, digits, at), NULL;
    if (code < 0xD800 || code > 0xDFFF) return at + 4;
    int low = j->end - at >= 10 && at[4] == '\\' && at[5] == 'u' ? hex(at + 6) : -1;
    if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return json_fail(j, "a pair of surrogates", at - 2), NULL;
    return at + 10;
}

/* At a backslash; NULL: a fault. */
static const char *check_escape(struct json *j, const char *at)
{
    if (j->end - at < 2) return json_fail(j, "a character behind the backslash", j->end), NULL;
    if (at[1] == 'u') return check_code(j, at + 2);
    if (at[1] == 0 || strchr("\"\\/bfnrt", at[1]) == NULL)
        return json_fail(j, "one of \"\\/bfnrtu behind a backslash", at + 1), NULL;
    return at + 2;
}

/* At a byte from 0x80 on (RFC 3629); NULL: a fault. */
static const char *check_utf8(struct json *j, const char *at)
{
    const unsigned char *u = (const unsigned char *)at;
    size_t left = (size_t)(j->end - at);
    unsigned more = *u >= 0xF0 ? 3 : *u >= 0xE0 ? 2 : 1;
    unsigned from = *u == 0xE0 ? 0xA0 : *u == 0xF0 ? 0x90 : 0x80;
    unsigned to = *u == 0xED ? 0x9F : *u == 0xF4 ? 0x8F : 0xBF;
    if (*u < 0xC2 || *u > 0xF4) return json_fail(j, "UTF-8", at), NULL;
    for (unsigned i = 1; i <= more; i++) {
        if (i >= left || u[i] < from || u[i] > to) return json_fail(j, "UTF-8", at), NULL;
        from = 0x80;
        to = 0xBF;
    }
    return at + more + 1;
}

bool json_string_rest(struct json *j, const char *at, struct json_value *value)
{
    bool plain = true;
    while (at < j->end && *at != '"') {
        unsigned char c = (unsigned char)*at;
        if (c == '\\') {
            plain = false;
            at = check_escape(j, at);
        } else if (c >= 0x80) {
            at = check_utf8(j, at);
        } else if (c >= ' ') {
            at++;
        } else if (json_is_blank(*at)) {
            plain = false;
            j->lax = true;
            at++;
        } else {
            return json_fail(j, "no control byte inside a string", at);
        }
        if (at == NULL) return false;
    }
    if (at == j->end) return json_fail(j, "the string's closing quote", at);
    value->kind = JSON_STRING;
    value->plain = plain;
    value->text = (struct text){j->at, (uint32_t)(at - j->at)};
    j->at = at + 1;
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

uint32_t json_unescape(struct text text, char *room)
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

/* The end of the number at j->at by the RFC's grammar; NULL: a fault. */
static const char *number_end(struct json *j, bool *whole)
{
    const char *at = j->at + (*j->at == '-'), *first = at;
    at = digits(at, j->end);
    if (at == first) return json_fail(j, "a digit", at), NULL;
    if (*first == '0' && at - first > 1)
        return json_fail(j, "no digit behind a leading zero", first + 1), NULL;
    *whole = true;
    if (at < j->end && *at == '.') {
        *whole = false;
        first = ++at;
        at = digits(at, j->end);
        if (at == first) return json_fail(j, "a digit behind the point", at), NULL;
    }
    if (at < j->end && (*at | 0x20) == 'e') {
        *whole = false;
        at++;
        if (at < j->end && (*at == '+' || *at == '-')) at++;
        first = at;
        at = digits(at, j->end);
        if (at == first) return json_fail(j, "a digit in the exponent", at), NULL;
    }
    return at;
}

bool json_number(struct json *j, struct json_value *value)
{
    if (j->end - j->at > 1 && j->at[0] == '-' && j->at[1] == 'I') return json_word(j, value);
    const char *end = number_end(j, &value->whole);
    if (end == NULL) return false;
    value->kind = JSON_NUMBER;
    value->text = (struct text){j->at, (uint32_t)(end - j->at)};
    if (value->text.length > JSON_NUMBER_MAX)
        return json_fail(j, "a number of at most 1024 characters", j->at);
    if (j->end - end >= NUMBER_SLACK) {
        (void)number_scan(j->at, &value->number);
    } else {
        char copy[JSON_NUMBER_MAX + NUMBER_SLACK];
        memset(copy + value->text.length, 0, NUMBER_SLACK);
        memcpy(copy, j->at, value->text.length);
        (void)number_scan(copy, &value->number);
    }
    j->at = end;
    return true;
}

bool json_word(struct json *j, struct json_value *value)
{
    static const struct {
        struct text word;
        enum json_kind kind;
        bool lax;
        double number;
    } words[] = {{{"null", 4}, JSON_NULL, false, 0},
                 {{"true", 4}, JSON_FLAG, false, 1},
                 {{"false", 5}, JSON_FLAG, false, 0},
                 {{"NaN", 3}, JSON_NULL, true, 0},
                 {{"Infinity", 8}, JSON_NUMBER, true, HUGE_VAL},
                 {{"-Infinity", 9}, JSON_NUMBER, true, -HUGE_VAL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        uint32_t n = words[i].word.length;
        if ((size_t)(j->end - j->at) < n || memcmp(j->at, words[i].word.at, n) != 0) continue;
        j->lax |= words[i].lax;
        value->kind = words[i].kind;
        value->whole = false;
        value->number = words[i].number;
        value->text = (struct text){j->at, n};
        j->at += n;
        return true;
    }
    return json_fail(j, "a value", j->at);
}

static bool enter(struct json *j, struct json_value *value)
{
    if (j->depth == JSON_DEPTH_MAX) return json_fail(j, "no deeper nesting than 32", j->at);
    value->kind = *j->at == '{' ? JSON_OBJECT : JSON_ARRAY;
    value->text = (struct text){j->at, 1};
    j->depth++;
    j->fresh = true;
    j->at++;
    return true;
}

bool json_read(struct json *j, struct json_value *value)
{
    json_trim(j);
    if (j->fault != NULL) return false;
    if (j->at == j->end) return json_fail(j, "a value", j->at);
    j->fresh = false;
    switch (*j->at) {
    case '{':
    case '[': return enter(j, value);
    case '"': j->at++; return json_string(j, value);
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
    case '9': return json_number(j, value);
    default: return json_word(j, value);
    }
}

/* Before a key or an element: over, or a comma unless it is the first one. */
static bool more(struct json *j, char closing, const char *expected)
{
    json_trim(j);
    if (j->fault != NULL) return false;
    if (j->at < j->end && *j->at == closing) {
        j->at++;
        j->depth--;
        j->fresh = false;
        return false;
    }
    if (!j->fresh) {
        if (j->at == j->end || *j->at != ',') return json_fail(j, expected, j->at);
        j->at++;
        json_trim(j);
    }
    j->fresh = false;
    return true;
}

bool json_key(struct json *j, struct json_value *key)
{
    if (!more(j, '}', "',' or '}'")) return false;
    if (j->at == j->end || *j->at != '"') return json_fail(j, "a key in quotes", j->at);
    j->at++;
    if (!json_string(j, key)) return false;
    json_trim(j);
    if (j->at == j->end || *j->at != ':') return json_fail(j, "':' behind the key", j->at);
    j->at++;
    return true;
}

bool json_item(struct json *j, struct json_value *value)
{
    return more(j, ']', "',' or ']'") && json_read(j, value);
}

/* Iterative: bit d of arrays tells what is open at depth d below the value. */
bool json_skip(struct json *j, struct json_value *value)
{
    if (value->kind < JSON_OBJECT) return true;
    const char *begin = value->text.at;
    uint32_t outer = j->depth - 1;
    uint64_t arrays = (uint64_t)(value->kind == JSON_ARRAY) << j->depth;
    struct json_value key, inner;
    while (j->depth > outer) {
        bool array = (arrays >> j->depth & 1) != 0;
        if (array ? !json_item(j, &inner) : !(json_key(j, &key) && json_read(j, &inner))) {
            if (j->fault != NULL) return false;
            continue;
        }
        if (inner.kind < JSON_OBJECT) continue;
        arrays &= ~((uint64_t)1 << j->depth);
        arrays |= (uint64_t)(inner.kind == JSON_ARRAY) << j->depth;
    }
    value->text = (struct text){begin, (uint32_t)(j->at - begin)};
    return true;
}

bool json_done(struct json *j)
{
    json_trim(j);
    return j->fault == NULL && (j->at == j->end || json_fail(j, "nothing more", j->at));
}
