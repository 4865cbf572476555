#include "serve/query.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ingest/number.h"
#include "ingest/timestamp.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int64_t query_unescape(char *text, size_t length)
{
    size_t out = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 1 < length ? hex(text[i + 1]) : -1;
            int low = i + 2 < length ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0) return -1;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == 0) return -1;
        text[out++] = c;
    }
    return (int64_t)out;
}

static bool unescaped(char *text, struct text *value)
{
    int64_t length = text == NULL ? 0 : query_unescape(text, strlen(text));
    if (length < 0) return false;
    *value = (struct text){text, (uint32_t)length};
    return true;
}

bool query_add(struct query *q, char *name, char *value)
{
    if (q->params == QUERY_PARAMS_MAX) return false;
    struct query_param *p = &q->param[q->params];
    if (!unescaped(name, &p->name) || !unescaped(value, &p->value)) return false;
    q->params++;
    return true;
}

static bool add_part(struct query *q, char *part, size_t length)
{
    char *equals = memchr(part, '=', length);
    size_t name = equals == NULL ? length : (size_t)(equals - part);
    if (q->params == QUERY_PARAMS_MAX) return false;
    for (size_t i = 0; i < length; i++)
        if (part[i] == '+') part[i] = ' ';
    int64_t n = query_unescape(part, name);
    int64_t v = equals == NULL ? 0 : query_unescape(equals + 1, length - name - 1);
    if (n < 0 || v < 0) return false;
    q->param[q->params++] = (struct query_param){{part, (uint32_t)n},
                                                 {equals == NULL ? part : equals + 1, (uint32_t)v}};
    return true;
}

bool query_split(struct query *q, char *string, size_t length)
{
    for (size_t at = 0; at < length;) {
        char *end = memchr(string + at, '&', length - at);
        size_t part = end == NULL ? length - at : (size_t)(end - string) - at;
        if (part > 0 && !add_part(q, string + at, part)) return false;
        at += part + 1;
    }
    return true;
}

const struct text *query_next(const struct query *q, const char *name, uint32_t *at)
{
    struct text wanted = text_of(name);
    while (*at < q->params) {
        const struct query_param *p = &q->param[(*at)++];
        if (text_is(p->name, wanted)) return &p->value;
    }
    return NULL;
}

const struct text *query_find(const struct query *q, const char *name)
{
    uint32_t at = 0;
    return query_next(q, name, &at);
}

bool query_duration(struct text text, int64_t *duration_ns)
{
    static const struct {
        const char *unit;
        double ns;
    } unit[] = {{"ns", 1},   {"us", 1e3},   {"ms", 1e6},    {"s", 1e9},     {"", 1e9},
                {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}, {"w", 604800e9}};
    uint32_t digits = 0;
    double number;
    while (digits < text.length &&
           (isdigit((unsigned char)text.at[digits]) || text.at[digits] == '.'))
        digits++;
    if (digits == 0 || !number_read(text.at, digits, &number)) return false;
    struct text rest = {text.at + digits, text.length - digits};
    for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
        if (!text_is(rest, text_of(unit[i].unit))) continue;
        double ns = round(number * unit[i].ns);
        if (!(ns >= 1.0 && ns <= 100.0 * 366.0 * 86400e9)) return false;
        *duration_ns = (int64_t)ns;
        return true;
    }
    return false;
}

/* "2026-11-21T01:00:00 02:00": the blank was a '+'. */
static struct text with_zone(struct text text, char room[64])
{
    if (text.length < 12 || text.length > 63) return text;
    memcpy(room, text.at, text.length);
    for (uint32_t back = 3; back <= 6; back++) {
        char *c = room + text.length - back;
        if (*c == ' ' && memchr(text.at, ':', text.length - back) != NULL) *c = '+';
    }
    return (struct text){room, text.length};
}

bool query_time(struct text text, int64_t now_ns, int64_t *ts_ns)
{
    char room[64];
    int64_t back;
    if (text_is(text, TEXT("now"))) {
        *ts_ns = now_ns;
        return true;
    }
    if (text_starts(text, TEXT("now-"))) {
        if (!query_duration((struct text){text.at + 4, text.length - 4}, &back)) return false;
        *ts_ns = now_ns - back;
        return true;
    }
    text = with_zone(text, room);
    return text.length > 0 && timestamp_read(text.at, text.length, ts_ns);
}

bool query_whole(struct text text, uint64_t max, uint64_t *value)
{
    uint64_t v = 0;
    if (text.length == 0) return false;
    for (uint32_t i = 0; i < text.length; i++) {
        if (!isdigit((unsigned char)text.at[i])) return false;
        uint64_t digit = (uint64_t)(text.at[i] - '0');
        if (v > (max - digit) / 10 || digit > max) return false;
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

bool query_page(struct text text, int64_t *ts_ns, uint32_t *skip)
{
    const char *dot = text.length == 0 ? NULL : memchr(text.at, '.', text.length);
    if (dot == NULL) return false;
    bool minus = text.at[0] == '-';
    struct text first = {text.at + minus, (uint32_t)(dot - text.at) - minus};
    struct text second = {dot + 1, text.length - (uint32_t)(dot - text.at) - 1};
    uint64_t ts, n;
    if (!query_whole(first, INT64_MAX, &ts) || !query_whole(second, UINT32_MAX, &n)) return false;
    *ts_ns = minus ? -(int64_t)ts : (int64_t)ts;
    *skip = (uint32_t)n;
    return true;
}

void query_page_write(char room[QUERY_PAGE_ROOM], int64_t ts_ns, uint32_t skip)
{
    snprintf(room, QUERY_PAGE_ROOM, "%lld.%u", (long long)ts_ns, (unsigned)skip);
}

static const char *const figure_name[QUERY_FIGURES] = {"mean",  "min", "max",
                                                       "count", "sum", "last"};

const char *query_figure_name(enum query_figure figure)
{
    return figure_name[figure];
}

bool query_figures(struct text text, struct query_figures *figures)
{
    *figures = (struct query_figures){0};
    for (uint32_t at = 0; at <= text.length;) {
        uint32_t end = at, known = 0;
        while (end < text.length && text.at[end] != ',') end++;
        struct text name = {text.at + at, end - at};
        while (known < QUERY_FIGURES && !text_is(name, text_of(figure_name[known]))) known++;
        if (known == QUERY_FIGURES || figures->count == QUERY_FIGURES) return false;
        figures->figure[figures->count++] = (uint8_t)known;
        at = end + 1;
    }
    return true;
}

static bool is_loopback_4(const char *host, size_t length)
{
    unsigned part[4];
    int used = 0;
    char room[16];
    if (length == 0 || length >= sizeof room) return false;
    memcpy(room, host, length);
    room[length] = 0;
    if (room[strspn(room, "0123456789.")] != 0) return false;
    if (sscanf(room, "%3u.%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &part[3], &used) != 4)
        return false;
    return room[used] == 0 && part[0] == 127 && part[1] < 256 && part[2] < 256 && part[3] < 256;
}

/* The host without ":port"; false: the port is none. */
static bool without_port(struct text *host)
{
    uint32_t end = host->length;
    while (end > 0 && isdigit((unsigned char)host->at[end - 1])) end--;
    if (end == 0 || host->at[end - 1] != ':')
        return end == host->length || end == 0 || host->at[end - 1] == '.';
    if (host->length - end > 5) return false;
    host->length = end - 1;
    return true;
}

bool query_host_is_local(struct text host)
{
    if (text_is(host, TEXT("[::1]"))) return true;
    if (!without_port(&host)) return false;
    if (text_is(host, TEXT("[::1]"))) return true;
    if (host.length == 10 && host.at[9] == '.') host.length = 9; /* the root's dot */
    if (host.length == 9 && strncasecmp(host.at, "localhost", 9) == 0) return true;
    return is_loopback_4(host.at, host.length);
}

struct text query_host_of(struct text url)
{
    uint32_t at;
    if (url.length >= 7 && strncasecmp(url.at, "http://", 7) == 0)
        at = 7;
    else if (url.length >= 8 && strncasecmp(url.at, "https://", 8) == 0)
        at = 8;
    else
        return (struct text){NULL, 0};
    uint32_t end = at;
    while (end < url.length && url.at[end] != '/' && url.at[end] != '?' && url.at[end] != '#')
        end++;
    return (struct text){url.at + at, end - at};
}
