#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/number_write.h"
#include "base/timestamp_write.h"

static const char *const replacement = "\xef\xbf\xbd"; /* U+FFFD */

void json_into(struct json *j, char *room, size_t bytes)
{
    *j = (struct json){.at = room, .room = bytes, .max = bytes};
}

void json_growing(struct json *j, size_t bytes_max)
{
    *j = (struct json){.grows = true, .max = bytes_max};
}

void json_printing(struct json *j, FILE *file)
{
    *j = (struct json){.file = file, .indent = 2};
}

void json_free(struct json *j)
{
    if (j->grows) free(j->at);
    *j = (struct json){0};
}

static bool grow(struct json *j, size_t need)
{
    if (!j->grows || need > j->max) return false;
    size_t room = j->room < 512 ? 1024 : 2 * j->room;
    if (room < need) room = need;
    if (room > j->max) room = j->max;
    char *at = realloc(j->at, room);
    if (at == NULL) return false;
    j->at = at;
    j->room = room;
    return true;
}

void json_bytes(struct json *j, const char *bytes, size_t n)
{
    if (j->file != NULL) {
        fwrite(bytes, 1, n, j->file);
        return;
    }
    if (j->failed) return;
    if (n > j->room - j->used && !grow(j, j->used + n)) {
        j->failed = true;
        return;
    }
    if (n > 0) memcpy(j->at + j->used, bytes, n);
    j->used += n;
}

static void put(struct json *j, char c)
{
    json_bytes(j, &c, 1);
}

/* Bytes of the UTF-8 character at s, or 0 when it is none (RFC 3629: no overlong forms, no
 * surrogates). */
static size_t character(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return n;
}

static void put_escaped(struct json *j, unsigned char c)
{
    char text[8];
    if (c == '"' || c == '\\')
        snprintf(text, sizeof text, "\\%c", c);
    else if (c == '\n')
        snprintf(text, sizeof text, "\\n");
    else if (c == '\t')
        snprintf(text, sizeof text, "\\t");
    else if (c == '\r')
        snprintf(text, sizeof text, "\\r");
    else
        snprintf(text, sizeof text, "\\u%04x", c);
    json_bytes(j, text, strlen(text));
}

static void put_text(struct json *j, struct text text)
{
    const unsigned char *s = (const unsigned char *)text.at;
    size_t plain = 0; /* the first byte that is not written yet */
    put(j, '"');
    for (size_t i = 0; i < text.length;) {
        size_t n = character(s + i, text.length - i);
        if (n > 0 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
            i += n;
            continue;
        }
        json_bytes(j, text.at + plain, i - plain);
        if (n == 0)
            json_bytes(j, replacement, 3);
        else
            put_escaped(j, s[i]);
        plain = ++i;
    }
    json_bytes(j, text.at + plain, text.length - plain);
    put(j, '"');
}

static void new_line(struct json *j, int depth)
{
    if (j->indent == 0) return;
    put(j, '\n');
    for (int i = 0; i < j->indent * depth; i++) put(j, ' ');
}

static void separate(struct json *j)
{
    if (j->depth == 0) return;
    if (j->named) {
        j->named = false;
        return;
    }
    if (j->more[j->depth]) put(j, ',');
    j->more[j->depth] = true;
    new_line(j, j->depth);
}

static void put_name(struct json *j, struct text name)
{
    put_text(j, name);
    json_bytes(j, ": ", j->indent > 0 ? 2 : 1);
}

static void begin(struct json *j, const char *name)
{
    separate(j);
    if (name != NULL) put_name(j, text_of(name));
}

void json_name(struct json *j, struct text name)
{
    separate(j);
    put_name(j, name);
    j->named = true;
}

void json_open(struct json *j, const char *name, char bracket)
{
    begin(j, name);
    put(j, bracket);
    j->depth++;
    assert(j->depth < JSON_DEPTH_MAX);
    j->more[j->depth] = false;
}

void json_close(struct json *j, char bracket)
{
    assert(j->depth > 0);
    if (j->more[j->depth]) new_line(j, j->depth - 1);
    put(j, bracket);
    if (--j->depth == 0 && j->indent > 0) put(j, '\n');
}

void json_text(struct json *j, const char *name, struct text value)
{
    begin(j, name);
    put_text(j, value);
}

void json_raw(struct json *j, const char *name, struct text value)
{
    begin(j, name);
    json_bytes(j, value.at, value.length);
}

void json_none(struct json *j, const char *name)
{
    json_raw(j, name, TEXT("null"));
}

void json_cstring(struct json *j, const char *name, const char *value)
{
    if (value == NULL)
        json_none(j, name);
    else
        json_text(j, name, text_of(value));
}

void json_number(struct json *j, const char *name, double value)
{
    char text[NUMBER_ROOM];
    if (!isfinite(value)) {
        json_none(j, name);
        return;
    }
    if (value == 0.0 && signbit(value)) /* number_write has no minus zero */
        json_raw(j, name, TEXT("-0"));
    else
        json_raw(j, name, (struct text){text, (uint32_t)number_write(text, value, 17)});
}

void json_whole(struct json *j, const char *name, long long value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", value);
    json_raw(j, name, (struct text){text, (uint32_t)n});
}

void json_bool(struct json *j, const char *name, bool value)
{
    json_raw(j, name, value ? TEXT("true") : TEXT("false"));
}

void json_time(struct json *j, const char *name, int64_t ts_ns)
{
    char text[TIMESTAMP_ROOM];
    timestamp_write(text, ts_ns);
    json_cstring(j, name, text);
}
