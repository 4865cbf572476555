/* Zone files. Invariants: change[] ascends in time; change[i].east_s counts from change[i].utc_s
 * on; before change[0] it is first_east_s. What the file's rule says of the years behind its last
 * change is written out to the end of what a time in nanoseconds can say. */
#include "base/zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, DAY_S = 86400, YEAR_LAST = 2262, OVERLAP_NEAR_S = 1800 };

struct change {
    int64_t utc_s;
    int32_t east_s;
};

struct zone {
    int32_t first_east_s;
    uint32_t changes;
    struct change change[ZONE_CHANGES_MAX];
};

struct block { /* one of the two halves of a TZif file */
    const uint8_t *at, *end;
    uint32_t isut, isstd, leaps, times, types, letters;
    unsigned time_bytes;
};

static uint64_t big_endian(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) v = v << 8 | at[i];
    return v;
}

static size_t block_bytes(const struct block *b)
{
    return (size_t)b->times * (b->time_bytes + 1) + (size_t)b->types * 6 + b->letters +
           (size_t)b->leaps * (b->time_bytes + 4) + b->isstd + b->isut;
}

/* The block that begins at `at`; false when the bytes hold none. */
static bool block_read(const uint8_t *at, const uint8_t *end, unsigned time_bytes, struct block *b)
{
    if (end - at < HEADER || memcmp(at, "TZif", 4) != 0) return false;
    uint32_t count[6];
    for (int i = 0; i < 6; i++) {
        count[i] = (uint32_t)big_endian(at + 20 + 4 * i, 4);
        if (count[i] > ZONE_FILE_MAX) return false;
    }
    *b = (struct block){at + HEADER, end,      count[0], count[1],  count[2],
                        count[3],    count[4], count[5], time_bytes};
    return block_bytes(b) <= (size_t)(end - b->at) && b->types > 0;
}

static bool add_change(struct zone *z, int64_t utc_s, int32_t east_s)
{
    if (z->changes > 0 && utc_s <= z->change[z->changes - 1].utc_s) {
        if (utc_s < z->change[z->changes - 1].utc_s) return true; /* the file knew better */
        z->change[z->changes - 1].east_s = east_s;
        return true;
    }
    if (z->changes == ZONE_CHANGES_MAX) return false;
    z->change[z->changes++] = (struct change){utc_s, east_s};
    return true;
}

static bool east_of(const struct block *b, uint32_t type, int32_t *east_s)
{
    if (type >= b->types) return false;
    const uint8_t *at = b->at + (size_t)b->times * (b->time_bytes + 1) + (size_t)type * 6;
    *east_s = (int32_t)(uint32_t)big_endian(at, 4);
    return *east_s > -26 * 3600 && *east_s < 26 * 3600;
}

static bool take_changes(struct zone *z, const struct block *b)
{
    if (!east_of(b, 0, &z->first_east_s)) return false;
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; i < b->times; i++) {
        uint64_t raw = big_endian(b->at + (size_t)i * b->time_bytes, b->time_bytes);
        int64_t utc_s = b->time_bytes == 4 ? (int32_t)(uint32_t)raw : (int64_t)raw;
        int32_t east_s;
        if (i > 0 && utc_s <= last) return false;
        last = utc_s;
        if (!east_of(b, b->at[(size_t)b->times * b->time_bytes + i], &east_s)) return false;
        if (!add_change(z, utc_s, east_s)) return false;
    }
    return true;
}

/* The rule behind the data: PST8PDT,M3.2.0,M11.1.0/2 */
struct rule {
    int32_t east_s[2]; /* standard, summer */
    bool summer;       /* there is one     */
    struct {
        char kind; /* 'M': month, week, day; 'J': day 1..365 without 29 February; 'n': day 0..365 */
        int month, week, day;
        int32_t clock_s;
    } from[2]; /* summer, standard */
};

static bool take_digits(const char **at, int most, int *value)
{
    const char *start = *at;
    *value = 0;
    while (**at >= '0' && **at <= '9' && *at - start < 3) *value = *value * 10 + (*(*at)++ - '0');
    return *at > start && *value <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool take_clock(const char **at, int hours_most, int32_t *seconds)
{
    int part[3] = {0};
    bool minus = **at == '-';
    if (**at == '-' || **at == '+') (*at)++;
    if (!take_digits(at, hours_most, &part[0])) return false;
    for (int i = 1; i < 3 && **at == ':'; i++) {
        (*at)++;
        if (!take_digits(at, 59, &part[i])) return false;
    }
    *seconds = (part[0] * 3600 + part[1] * 60 + part[2]) * (minus ? -1 : 1);
    return true;
}

static bool take_name(const char **at)
{
    const char *start = *at;
    if (**at == '<') {
        while (**at != 0 && **at != '>') (*at)++;
        return *(*at)++ == '>';
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) (*at)++;
    return *at - start >= 3;
}

static bool take_day(const char **at, struct rule *r, int which)
{
    r->from[which].clock_s = 7200;
    if (*(*at)++ != ',') return false;
    r->from[which].kind = **at == 'M' || **at == 'J' ? *(*at)++ : 'n';
    if (r->from[which].kind == 'M') {
        if (!take_digits(at, 12, &r->from[which].month) || *(*at)++ != '.') return false;
        if (!take_digits(at, 5, &r->from[which].week) || *(*at)++ != '.') return false;
        if (!take_digits(at, 6, &r->from[which].day)) return false;
        if (r->from[which].month < 1 || r->from[which].week < 1) return false;
    } else if (!take_digits(at, 365, &r->from[which].day)) {
        return false;
    }
    if (**at != '/') return true;
    (*at)++;
    return take_clock(at, 167, &r->from[which].clock_s);
}

static bool rule_read(const char *at, struct rule *r)
{
    int32_t west;
    *r = (struct rule){0};
    if (!take_name(&at) || !take_clock(&at, 24, &west)) return false;
    r->east_s[0] = -west;
    if (*at == 0) return true;
    r->summer = true;
    if (!take_name(&at)) return false;
    r->east_s[1] = r->east_s[0] + 3600;
    if (*at != ',' && *at != 0) {
        if (!take_clock(&at, 24, &west)) return false;
        r->east_s[1] = -west;
    }
    return take_day(&at, r, 0) && take_day(&at, r, 1) && *at == 0;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of a month. */
static int64_t month_day(int year, int month)
{
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162 + before[month - 1] +
           (month > 2 && leap(year));
}

/* The local second at which a rule's change happens in a year. */
static int64_t rule_local_s(const struct rule *r, int which, int year)
{
    int64_t day;
    if (r->from[which].kind == 'M') {
        int month = r->from[which].month;
        int64_t first = month_day(year, month);
        int64_t next = month == 12 ? month_day(year + 1, 1) : month_day(year, month + 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (r->from[which].day - weekday + 7) % 7 + 7 * (r->from[which].week - 1);
        while (day >= next) day -= 7;
    } else {
        day = month_day(year, 1) + r->from[which].day;
        if (r->from[which].kind == 'J') day += (r->from[which].day > 59 && leap(year)) - 1;
    }
    return day * DAY_S + r->from[which].clock_s;
}

static bool apply_rule(struct zone *z, const struct rule *r)
{
    int64_t last = z->changes > 0 ? z->change[z->changes - 1].utc_s : -1;
    if (!r->summer) {
        if (z->changes == 0) z->first_east_s = r->east_s[0];
        return true;
    }
    int first = last < 0 ? 1970 : (int)(1970 + last / (366 * DAY_S));
    for (int year = first; year <= YEAR_LAST; year++) {
        int64_t at[2] = {rule_local_s(r, 0, year) - r->east_s[0],
                         rule_local_s(r, 1, year) - r->east_s[1]};
        int early = at[1] < at[0];
        if (at[early] > last && !add_change(z, at[early], r->east_s[early == 0])) return false;
        if (at[!early] > last && !add_change(z, at[!early], r->east_s[early != 0])) return false;
    }
    return true;
}

/* The text behind the second block, between newlines; empty: no rule. */
static bool take_footer(struct zone *z, const uint8_t *at, const uint8_t *end)
{
    char text[128];
    struct rule rule;
    if (at == end || *at++ != '\n') return false;
    const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
    if (stop == NULL || (size_t)(stop - at) >= sizeof text || memchr(at, 0, (size_t)(stop - at)))
        return false;
    memcpy(text, at, (size_t)(stop - at));
    text[stop - at] = 0;
    return *text == 0 || (rule_read(text, &rule) && apply_rule(z, &rule));
}

static bool take_file(struct zone *z, const uint8_t *at, const uint8_t *end)
{
    struct block b;
    if (!block_read(at, end, 4, &b)) return false;
    if (at[4] < '2') return b.leaps == 0 && take_changes(z, &b);
    const uint8_t *second = b.at + block_bytes(&b);
    if (!block_read(second, end, 8, &b) || b.leaps != 0) return false;
    return take_changes(z, &b) && take_footer(z, b.at + block_bytes(&b), end);
}

andon_status zone_read(const void *bytes, size_t size, struct zone **zone, andon_error *err)
{
    *zone = NULL;
    struct zone *z = calloc(1, sizeof *z);
    if (z == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a time zone");
    if (!take_file(z, bytes, (const uint8_t *)bytes + size)) {
        free(z);
        return andon_fail(err, ANDON_EFORMAT,
                          "%zu bytes are no zone file: expected TZif without leap seconds and with "
                          "at most %u changes",
                          size, ZONE_CHANGES_MAX);
    }
    *zone = z;
    return ANDON_OK;
}

static bool named_well(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > ZONE_NAME_MAX || *name == '/' || strstr(name, "..") != NULL) return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") == n;
}

static andon_status zone_from(FILE *file, const char *name, struct zone **zone, andon_error *err)
{
    uint8_t *bytes = malloc(ZONE_FILE_MAX);
    if (bytes == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for time zone %s", name);
    size_t size = fread(bytes, 1, ZONE_FILE_MAX, file);
    andon_status st = zone_read(bytes, size, zone, err);
    free(bytes);
    if (st == ANDON_EFORMAT)
        return andon_fail(err, st, "time zone %s: its file is no TZif file without leap seconds",
                          name);
    return st;
}

andon_status zone_open(const char *name, struct zone **zone, andon_error *err)
{
    static const char *const folder[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                         "/usr/share/lib/zoneinfo"};
    char path[128];
    *zone = NULL;
    if (strcmp(name, "UTC") == 0) {
        *zone = calloc(1, sizeof **zone);
        return *zone != NULL ? ANDON_OK : andon_fail(err, ANDON_ENOMEM, "no memory for time zone");
    }
    for (size_t i = 0; named_well(name) && i < sizeof folder / sizeof *folder; i++) {
        snprintf(path, sizeof path, "%s/%s", folder[i], name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) continue;
        andon_status st = zone_from(file, name, zone, err);
        fclose(file);
        return st;
    }
    return andon_fail(err, ANDON_EINVAL,
                      "no time zone is called %.64s here: expected an IANA name such as "
                      "America/Los_Angeles (package tzdata), or UTC",
                      name);
}

void zone_close(struct zone *zone)
{
    free(zone);
}

/* How many changes have happened at an instant. */
static uint32_t period_at(const struct zone *z, int64_t utc_s)
{
    uint32_t low = 0, high = z->changes;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (z->change[middle].utc_s <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t period_east_s(const struct zone *z, uint32_t period)
{
    return period == 0 ? z->first_east_s : z->change[period - 1].east_s;
}

int32_t zone_east_s(const struct zone *zone, int64_t utc_s)
{
    return period_east_s(zone, period_at(zone, utc_s));
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

int64_t zone_utc_s(const struct zone *z, int64_t local_s, int64_t near_s)
{
    uint32_t middle = period_at(z, local_s - zone_east_s(z, local_s));
    uint32_t from = middle > 0 ? middle - 1 : 0;
    uint32_t to = middle < z->changes ? middle + 1 : z->changes;
    int64_t found[3], skipped = local_s - period_east_s(z, middle);
    int n = 0;
    for (uint32_t p = from; p <= to; p++) {
        int64_t utc_s = local_s - period_east_s(z, p);
        bool begun = p == 0 || utc_s >= z->change[p - 1].utc_s;
        bool over = p < z->changes && utc_s >= z->change[p].utc_s;
        if (begun && !over) found[n++] = utc_s;
        if (over && local_s - period_east_s(z, p + 1) < z->change[p].utc_s) skipped = utc_s;
    }
    if (n == 0) return skipped;
    int64_t first = found[0], second = found[n - 1];
    bool later = distance(near_s, second) < distance(near_s, first) &&
                 distance(near_s, second) <= OVERLAP_NEAR_S;
    return later ? second : first;
}
