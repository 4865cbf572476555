#include "ingest/codec/intake.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

bool intake_full(struct intake *in, const char *what, uint32_t most)
{
    in->status = andon_fail(in->err, ANDON_ELIMIT, "a message with more than %u %s", most, what);
    return false;
}

char *intake_room(struct intake *in, size_t n)
{
    struct decoded *out = in->out;
    if (n > out->room_max - out->room_used) {
        intake_full(in, "bytes of unescaped text", out->room_max);
        return NULL;
    }
    char *at = out->room + out->room_used;
    out->room_used += (uint32_t)n;
    return at;
}

bool intake_refuse(struct intake *in, const char *format, ...)
{
    struct decoded *out = in->out;
    if (out->refusals < CODEC_REFUSALS_MAX) {
        struct refusal *r = &out->refusal[out->refusals];
        va_list list;
        r->index = in->index;
        va_start(list, format);
        vsnprintf(r->reason, sizeof r->reason, format, list);
        va_end(list);
    }
    out->refusals++;
    return false;
}

bool intake_broken(struct intake *in, const char *format, ...)
{
    char line[256];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    in->status = andon_fail(in->err, ANDON_EDATA, "%s", line);
    return false;
}

struct shown intake_show(struct text text)
{
    struct shown s;
    size_t most = sizeof s.text - 4, n = text.length < most ? text.length : most;
    /* Not in the middle of a character. */
    if (n < text.length)
        while (n > 0 && ((unsigned char)text.at[n] & 0xC0) == 0x80) n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.at[i];
        s.text[i] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    memcpy(s.text + n, n < text.length ? "..." : "", n < text.length ? 4 : 1);
    return s;
}

/* Whether all eight bytes are from ' ' to '~'. */
static bool eight_are_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return (((x - ones * ' ') | (x + ones) | x) & tops) == 0;
}

bool intake_readable(struct text text, bool blanks)
{
    uint32_t from = 0;
    while (text.length - from >= 8 && eight_are_plain(text.at + from)) from += 8;
    for (uint32_t i = from; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool blank = c == '\t' || c == '\n' || c == '\r';
        if (c == 0x7f || (c < ' ' && !(blank && blanks))) return false;
    }
    return from == text.length || utf8_valid(text.at + from, text.length - from);
}

/* Eight bytes of a path: plain, none '+' or '#'. */
static bool eight_are_good(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t x;
    memcpy(&x, at, sizeof x);
    uint64_t plus = x ^ (ones * '+'), hash = x ^ (ones * '#');
    uint64_t bad = ((plus - ones) & ~plus) | ((hash - ones) & ~hash);
    return (bad & tops) == 0 && eight_are_plain(at);
}

/* UTF-8 without the bytes that no path has. */
static bool path_bytes(const char *at, const char *end)
{
    if (end - at >= 8) { /* the last eight may overlap those before */
        const char *word = at;
        while (end - word > 8 && eight_are_good(word)) word += 8;
        if (end - word <= 8 && eight_are_good(end - 8)) return true;
    }
    while (at < end) {
        uint32_t c;
        size_t size = utf8_next(at, (size_t)(end - at), &c);
        if (size == 0 || c < ' ' || c == '+' || c == '#' || c == 0x7f) return false;
        at += size;
    }
    return true;
}

bool intake_path(struct intake *in, struct text text, struct text *path)
{
    while (text.length > 0 && text.at[0] == '/') {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && text.at[text.length - 1] == '/') text.length--;
    if (text.length == 0)
        return intake_refuse(in, "no asset: expected a path such as site/line/pump1");
    if (text.length > CODEC_PATH_MAX)
        return intake_refuse(in, "asset '%s' has %u bytes, at most %u are kept", SHOW(text),
                             text.length, CODEC_PATH_MAX);
    if (!path_bytes(text.at, text.at + text.length))
        return intake_refuse(in, "asset '%s': expected UTF-8 without '+', '#' and control bytes",
                             SHOW(text));
    *path = text;
    return true;
}

bool intake_joined(struct intake *in, struct text a, char c, struct text b, struct text *joined)
{
    if (a.length == 0) {
        *joined = b;
        return true;
    }
    char *room = intake_room(in, (size_t)a.length + 1 + b.length);
    if (room == NULL) return false;
    memcpy(room, a.at, a.length);
    room[a.length] = c;
    if (b.length > 0) memcpy(room + a.length + 1, b.at, b.length);
    *joined = (struct text){room, a.length + 1 + b.length};
    return true;
}

struct intake_mark intake_mark(const struct intake *in)
{
    const struct decoded *out = in->out;
    return (struct intake_mark){out->readings, out->samples, out->room_used,
                                out->refusals, out->nulls,   out->repeated};
}

void intake_back(struct intake *in, struct intake_mark mark)
{
    struct decoded *out = in->out;
    out->readings = mark.readings;
    out->samples = mark.samples;
    out->room_used = mark.room_used;
    out->refusals = mark.refusals;
    out->nulls = mark.nulls;
    out->repeated = mark.repeated;
}
