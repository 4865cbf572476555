#include "ingest/timestamp.h"

#include <stdio.h>
#include <string.h>

#include "ingest/digits.h"

#define SECOND_NS 1000000000
/* Whole seconds whose nanoseconds fit into 64 bits. */
#define SECONDS_MAX 9223372035

/* A cell being read from the left. */
struct cursor {
    const char *at, *end;
};

struct moment {
    int year, month, day, hour, minute, second;
    int64_t fraction_ns, zone_s;
    bool zoned; /* a zone was named */
};

static bool take(struct cursor *c, char expected)
{
    if (c->at == c->end || *c->at != expected) return false;
    c->at++;
    return true;
}

static bool take_one_of(struct cursor *c, const char *expected)
{
    if (c->at == c->end || *c->at == 0 || strchr(expected, *c->at) == NULL) return false;
    c->at++;
    return true;
}

static bool take_int(struct cursor *c, int digits, int *value)
{
    if (c->end - c->at < digits) return false;
    *value = 0;
    for (int i = 0; i < digits; i++) {
        char d = c->at[i];
        if (d < '0' || d > '9') return false;
        *value = *value * 10 + (d - '0');
    }
    c->at += digits;
    return true;
}

/* The digits behind a point, as parts of a unit of `unit` (a power of ten); more digits are cut. */
static bool take_fraction(struct cursor *c, int64_t unit, int64_t *value)
{
    const char *start = c->at;
    *value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        unit /= 10;
        *value += (*c->at - '0') * unit;
    }
    return c->at > start;
}

/* Days since 1970-01-01 of a Gregorian date (Hinnant, chrono-compatible date algorithms). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool moment_ns(const struct moment *m, int64_t *ts_ns)
{
    if (m->month < 1 || m->month > 12 || m->day < 1 || m->day > days_in(m->year, m->month))
        return false;
    if (m->hour > 23 || m->minute > 59 || m->second > 60) return false;
    int64_t seconds = days_of(m->year, m->month, m->day) * 86400 + m->hour * 3600 + m->minute * 60 +
                      m->second - m->zone_s;
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX) return false;
    *ts_ns = seconds * SECOND_NS + m->fraction_ns;
    return true;
}

/* Z, UTC, +02:00, +0200, +02 or nothing; then the end. */
static bool take_zone(struct cursor *c, struct moment *m)
{
    m->zoned = c->at < c->end;
    if (c->end - c->at == 4 && memcmp(c->at, " UTC", 4) == 0) return true;
    if (take_one_of(c, "Zz") || c->at == c->end) return c->at == c->end;
    bool west = *c->at == '-';
    int hours = 0, minutes = 0;
    if (!take_one_of(c, "+-") || !take_int(c, 2, &hours)) return false;
    if (c->at < c->end) {
        (void)take(c, ':');
        if (!take_int(c, 2, &minutes)) return false;
    }
    if (hours > 18 || minutes > 59) return false;
    m->zone_s = (hours * 60 + minutes) * (west ? -60 : 60);
    return c->at == c->end;
}

/* 12:30[:15[.25]] and a zone */
static bool take_clock(struct cursor *c, struct moment *m)
{
    if (!take_int(c, 2, &m->hour) || !take(c, ':') || !take_int(c, 2, &m->minute)) return false;
    if (take(c, ':')) {
        if (!take_int(c, 2, &m->second)) return false;
        if (take_one_of(c, ".,") && !take_fraction(c, SECOND_NS, &m->fraction_ns)) return false;
    }
    return take_zone(c, m);
}

static bool year_first(struct cursor c, struct moment *m)
{
    if (!take_int(&c, 4, &m->year) || c.at == c.end) return false;
    char separator = *c.at;
    if (!take_one_of(&c, "-/.") || !take_int(&c, 2, &m->month) || !take(&c, separator) ||
        !take_int(&c, 2, &m->day))
        return false;
    if (c.at == c.end) return true;
    if (separator != '.') return take_one_of(&c, "Tt _\n") && take_clock(&c, m);
    return take(&c, '.') && take_int(&c, 2, &m->hour) && take(&c, '.') &&
           take_int(&c, 2, &m->minute) && take(&c, '.') && take_int(&c, 2, &m->second) &&
           c.at == c.end;
}

static int two_digits(const char *t)
{
    return (t[0] - '0') * 10 + (t[1] - '0');
}

/* What programs write, 2024-05-31T12:30:15[.25][zone]: the date and the clock each from one word.
 */
static bool iso(struct cursor c, struct moment *m)
{
    const char *t = c.at;
    if (c.end - t < 19) return false;
    uint64_t date = digits_load(t), clock = digits_load(t + 11);
    uint64_t day = digits_load(t + 8);
    if (digits_others(date) != 0x8000008000000000u || t[4] != '-' || t[7] != '-') return false;
    if (digits_others(clock) != 0x0000800000800000u || t[13] != ':' || t[16] != ':') return false;
    if ((digits_others(day) & 0xffff) != 0 || (t[10] != 'T' && t[10] != ' ' && t[10] != '\n'))
        return false;
    m->year = two_digits(t) * 100 + two_digits(t + 2);
    m->month = two_digits(t + 5);
    m->day = two_digits(t + 8);
    m->hour = two_digits(t + 11);
    m->minute = two_digits(t + 14);
    m->second = two_digits(t + 17);
    c.at += 19;
    if (take_one_of(&c, ".,") && !take_fraction(&c, SECOND_NS, &m->fraction_ns)) return false;
    return take_zone(&c, m);
}

static bool day_first(struct cursor c, struct moment *m)
{
    if (!take_int(&c, 2, &m->day) || c.at == c.end) return false;
    char separator = *c.at;
    if (!take_one_of(&c, "-.") || !take_int(&c, 2, &m->month) || !take(&c, separator) ||
        !take_int(&c, 4, &m->year))
        return false;
    return c.at == c.end || (take_one_of(&c, "T \n") && take_clock(&c, m));
}

static int64_t unit_of(int64_t whole) /* whole >= 0 */
{
    if (whole >= 100000000000000000) return 1;
    if (whole >= 100000000000000) return 1000;
    return whole >= 100000000000 ? 1000000 : SECOND_NS;
}

/* Whole digits with an optional fraction; unit 0: the magnitude tells it. */
static bool epoch_ns(struct cursor c, int64_t unit, int64_t *ts_ns)
{
    bool minus = take(&c, '-');
    int64_t whole = 0, fraction = 0;
    const char *start = c.at;
    for (; c.at < c.end && *c.at >= '0' && *c.at <= '9'; c.at++) {
        if (c.at - start >= 18 && whole > (INT64_MAX - 9) / 10) return false;
        whole = whole * 10 + (*c.at - '0');
    }
    if (c.at == start) return false;
    if (unit == 0) unit = unit_of(whole);
    if (take(&c, '.') && !take_fraction(&c, unit, &fraction) && c.at != c.end) return false;
    if (c.at != c.end || whole > INT64_MAX / unit - 1) return false;
    *ts_ns = (whole * unit + fraction) * (minus ? -1 : 1);
    return true;
}

static struct cursor trimmed(const char *text, size_t length)
{
    struct cursor c = {text, text + length};
    while (c.at < c.end && (*c.at == ' ' || *c.at == '\t')) c.at++;
    while (c.at < c.end && (c.end[-1] == ' ' || c.end[-1] == '\t')) c.end--;
    return c;
}

bool timestamp_read_local(const char *text, size_t length, int64_t *ts_ns, bool *local)
{
    struct cursor c = trimmed(text, length);
    struct moment quick = {0}, first = {0}, last = {0};
    if (iso(c, &quick)) {
        *local = !quick.zoned;
        return moment_ns(&quick, ts_ns);
    }
    if (year_first(c, &first)) {
        *local = !first.zoned;
        return moment_ns(&first, ts_ns);
    }
    if (day_first(c, &last)) {
        *local = !last.zoned;
        return moment_ns(&last, ts_ns);
    }
    *local = false;
    return epoch_ns(c, 0, ts_ns);
}

bool timestamp_read(const char *text, size_t length, int64_t *ts_ns)
{
    bool local;
    return timestamp_read_local(text, length, ts_ns, &local);
}

bool timestamp_of_epoch(int64_t epoch, int64_t unit_ns, int64_t *ts_ns)
{
    if (epoch == INT64_MIN) return false;
    int64_t size = epoch < 0 ? -epoch : epoch;
    if (unit_ns == 0) unit_ns = unit_of(size);
    if (size > INT64_MAX / unit_ns - 1) return false;
    *ts_ns = epoch * unit_ns;
    return true;
}

bool timestamp_read_epoch(const char *text, size_t length, int64_t unit_ns, int64_t *ts_ns)
{
    return epoch_ns(trimmed(text, length), unit_ns, ts_ns);
}

bool timestamp_is_epoch(const char *text, size_t length)
{
    int64_t ts_ns;
    return epoch_ns(trimmed(text, length), 0, &ts_ns);
}
