/* Durations and sizes are whole numbers, so that what is written reads back exactly. */
#include "base/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct unit {
    const char *name;
    uint64_t size;
};

/* In nanoseconds, the largest first; duration_write passes over the second names. */
static const struct unit durations[] = {{"w", UINT64_C(604800000000000)},
                                        {"d", UINT64_C(86400000000000)},
                                        {"h", UINT64_C(3600000000000)},
                                        {"m", UINT64_C(60000000000)},
                                        {"min", UINT64_C(60000000000)},
                                        {"s", UINT64_C(1000000000)},
                                        {"ms", UINT64_C(1000000)},
                                        {"us", UINT64_C(1000)},
                                        {"ns", UINT64_C(1)},
                                        {NULL, 0}};
static const struct unit sizes[] = {{"TiB", UINT64_C(1) << 40},
                                    {"GiB", UINT64_C(1) << 30},
                                    {"MiB", UINT64_C(1) << 20},
                                    {"KiB", UINT64_C(1) << 10},
                                    {"TB", UINT64_C(1000000000000)},
                                    {"GB", UINT64_C(1000000000)},
                                    {"MB", UINT64_C(1000000)},
                                    {"kB", UINT64_C(1000)},
                                    {"KB", UINT64_C(1000)},
                                    {"B", UINT64_C(1)},
                                    {"", UINT64_C(1)},
                                    {NULL, 0}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct text rest(struct text t, uint32_t from)
{
    return (struct text){t.at + from, t.length - from};
}

/* Cuts digits off the front; false: none, or 2^64 and more. */
static bool cut_digits(struct text *t, uint64_t *value)
{
    uint32_t i = 0;
    for (*value = 0; i < t->length && is_digit(t->at[i]); i++) {
        uint64_t digit = (uint64_t)(t->at[i] - '0');
        if (*value > (UINT64_MAX - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    *t = rest(*t, i);
    return i > 0;
}

/* Cuts ".25" off the front as a part of 10^18; digits behind the 18th are dropped. */
static bool cut_fraction(struct text *t, uint64_t *part)
{
    *part = 0;
    if (t->length == 0 || t->at[0] != '.') return true;
    uint32_t i = 1, digits = 0;
    for (; i < t->length && is_digit(t->at[i]); i++)
        if (digits < 18) {
            *part = *part * 10 + (uint64_t)(t->at[i] - '0');
            digits++;
        }
    for (; digits < 18; digits++) *part *= 10;
    bool some = i > 1;
    *t = rest(*t, i);
    return some;
}

static const struct unit *cut_unit(const struct unit *table, struct text *t)
{
    uint32_t n = 0;
    while (n < t->length && is_letter(t->at[n])) n++;
    struct text name = {t->at, n};
    for (; table->name != NULL; table++)
        if (text_is(name, text_of(table->name))) {
            *t = rest(*t, n);
            return table;
        }
    return NULL;
}

/* whole and part of 10^18 times size, cut to a whole number; false: 2^63 and more. */
static bool times(uint64_t whole, uint64_t part, uint64_t size, uint64_t *product)
{
    __extension__ typedef unsigned __int128 wide;
    wide exact = (wide)whole * size + (wide)part * size / UINT64_C(1000000000000000000);
    if (exact > (wide)INT64_MAX) return false;
    *product = (uint64_t)exact;
    return true;
}

static struct text trimmed(struct text t)
{
    while (t.length > 0 && t.at[0] == ' ') t = rest(t, 1);
    while (t.length > 0 && t.at[t.length - 1] == ' ') t.length--;
    return t;
}

bool duration_read(struct text text, int64_t *ns)
{
    struct text t = trimmed(text);
    uint64_t sum = 0, last = UINT64_MAX;
    *ns = 0;
    if (text_is(t, TEXT("0"))) return true;
    if (t.length == 0) return false;
    while (t.length > 0) {
        uint64_t whole, part, piece;
        if (!cut_digits(&t, &whole) || !cut_fraction(&t, &part)) return false;
        const struct unit *unit = cut_unit(durations, &t);
        if (unit == NULL || unit->size >= last || !times(whole, part, unit->size, &piece) ||
            piece > (uint64_t)INT64_MAX - sum)
            return false;
        sum += piece;
        last = unit->size;
    }
    *ns = (int64_t)sum;
    return true;
}

void duration_write(char out[QUANTITY_ROOM], int64_t ns)
{
    uint64_t left = ns > 0 ? (uint64_t)ns : 0;
    size_t used = 0;
    if (left == 0) snprintf(out, QUANTITY_ROOM, "0s");
    for (const struct unit *u = durations; left > 0 && u->name != NULL; u++) {
        if (left < u->size || u == durations) continue; /* 7d reads better than 1w */
        used += (size_t)snprintf(out + used, QUANTITY_ROOM - used, "%llu%s",
                                 (unsigned long long)(left / u->size), u->name);
        left %= u->size;
    }
}

bool bytes_read(struct text text, uint64_t *bytes)
{
    struct text t = trimmed(text);
    uint64_t whole;
    *bytes = 0;
    if (!cut_digits(&t, &whole)) return false;
    t = trimmed(t);
    const struct unit *unit = cut_unit(sizes, &t);
    return unit != NULL && t.length == 0 && times(whole, 0, unit->size, bytes);
}

void bytes_write(char out[QUANTITY_ROOM], uint64_t bytes)
{
    const struct unit *u = sizes;
    while (bytes == 0 ? u->size > 1 : bytes % u->size != 0) u++;
    snprintf(out, QUANTITY_ROOM, "%llu%s", (unsigned long long)(bytes / u->size), u->name);
}

bool real_read(struct text text, double *value)
{
    char copy[64];
    struct text t = trimmed(text);
    *value = 0.0;
    if (t.length == 0 || t.length >= sizeof copy) return false;
    for (uint32_t i = 0; i < t.length; i++)
        if (!is_digit(t.at[i]) && memchr("+-.eE", t.at[i], 5) == NULL) return false;
    memcpy(copy, t.at, t.length);
    copy[t.length] = 0;
    char *end;
    *value = strtod(copy, &end);
    return *end == 0 && isfinite(*value);
}

void real_write(char out[QUANTITY_ROOM], double value)
{
    if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(out, QUANTITY_ROOM, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, QUANTITY_ROOM, "%.*g", digits, value);
        if (strtod(out, NULL) == value) return;
    }
}

bool rate_read(struct text text, double *per_day)
{
    static const struct {
        const char *name;
        double days;
    } period[] = {{"hour", 1.0 / 24.0}, {"h", 1.0 / 24.0}, {"day", 1.0},    {"d", 1.0},
                  {"week", 7.0},        {"w", 7.0},        {"month", 30.0}, {"year", 365.0}};
    struct text t = trimmed(text);
    const char *slash = t.length > 0 ? memchr(t.at, '/', t.length) : NULL;
    double count;
    *per_day = 0.0;
    if (slash == NULL) return false;
    uint32_t at = (uint32_t)(slash - t.at);
    if (!real_read((struct text){t.at, at}, &count) || !(count > 0.0)) return false;
    struct text unit = trimmed(rest(t, at + 1));
    for (size_t i = 0; i < sizeof period / sizeof *period; i++)
        if (text_is(unit, text_of(period[i].name))) {
            *per_day = count / period[i].days;
            return isfinite(*per_day) && *per_day > 0.0;
        }
    return false;
}

void rate_write(char out[QUANTITY_ROOM], double per_day)
{
    real_write(out, per_day);
    size_t used = strlen(out);
    snprintf(out + used, QUANTITY_ROOM - used, "/day");
}
