/* Single values: text to field and back, and the keys that a text may have meant. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quantity.h"
#include "base/yaml_tree.h"

enum { NAME_MAX_BYTES = 64, PRINTABLE_WHOLE = 1 << 20 };

/* The index of word in "a|b|c", or -1. */
static int32_t choice_index(const char *choices, const char *word)
{
    size_t length = strlen(word);
    int32_t index = 0;
    for (const char *at = choices; at != NULL && length > 0; index++) {
        size_t n = strcspn(at, "|");
        if (n == length && strncmp(at, word, n) == 0) return index;
        at = at[n] == '|' ? at + n + 1 : NULL;
    }
    return -1;
}

static bool choice_name(const char *choices, int32_t index, char *text, size_t room)
{
    const char *at = choices;
    while (index-- > 0) {
        at += strcspn(at, "|");
        if (*at == 0) return false;
        at++;
    }
    snprintf(text, room, "%.*s", (int)strcspn(at, "|"), at);
    return true;
}

static bool within(const struct yaml_key *key, double value)
{
    return (key->min == 0.0 && key->max == 0.0) || (value >= key->min && value <= key->max);
}

static bool read_integer(const struct yaml_key *key, const char *text, int64_t *value)
{
    double real;
    if (!real_read(text_of(text), &real) || fabs(real) > 9007199254740992.0 ||
        real != floor(real) || !within(key, real))
        return false;
    *value = (int64_t)real;
    return true;
}

static bool read_duration(const struct yaml_key *key, const char *text, int64_t *ns)
{
    int32_t index = choice_index(key->choices, text);
    if (index >= 0) {
        *ns = -1 - index;
        return true;
    }
    return duration_read(text_of(text), ns) && within(key, (double)*ns / 1e9);
}

static bool read_flag(const char *text, bool *value)
{
    static const char *const word[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (strcasecmp(text, word[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    return false;
}

bool yaml_value_read(const struct yaml_key *key, const char *text, void *field)
{
    double *real = field;
    switch (key->type) {
    case YAML_INTEGER: return read_integer(key, text, field);
    case YAML_NUMBER: return real_read(text_of(text), real) && within(key, *real);
    case YAML_DURATION: return read_duration(key, text, field);
    case YAML_BYTES: {
        uint64_t *bytes = field;
        return bytes_read(text_of(text), bytes) && within(key, (double)*bytes);
    }
    case YAML_RATE: return rate_read(text_of(text), real) && within(key, *real);
    case YAML_FLAG: return read_flag(text, field);
    case YAML_CHOICE: {
        int32_t *index = field;
        *index = choice_index(key->choices, text);
        return *index >= 0;
    }
    default: return false;
    }
}

bool yaml_value_write(const struct yaml_key *key, const void *field, char *text, size_t room)
{
    char out[QUANTITY_ROOM] = "";
    const double *real = field;
    const int64_t *whole = field;
    switch (key->type) {
    case YAML_INTEGER: snprintf(text, room, "%lld", (long long)*whole); return true;
    case YAML_DURATION:
        if (*whole < 0) return choice_name(key->choices, (int32_t)(-1 - *whole), text, room);
        if (*whole == 0 && key->preset == NULL) return false;
        duration_write(out, *whole);
        break;
    case YAML_NUMBER:
        if (isnan(*real)) return false;
        real_write(out, *real);
        break;
    case YAML_RATE:
        if (isnan(*real)) return false;
        rate_write(out, *real);
        break;
    case YAML_BYTES: bytes_write(out, *(const uint64_t *)field); break;
    case YAML_FLAG: snprintf(out, sizeof out, "%s", *(const bool *)field ? "yes" : "no"); break;
    case YAML_CHOICE: {
        const int32_t *index = field;
        return *index >= 0 && choice_name(key->choices, *index, text, room);
    }
    default: return false;
    }
    snprintf(text, room, "%s", out);
    return true;
}

static void limit_write(const struct yaml_key *key, double value, char out[QUANTITY_ROOM])
{
    if (key->type == YAML_DURATION)
        duration_write(out, (int64_t)(value * 1e9));
    else if (key->type == YAML_BYTES)
        bytes_write(out, (uint64_t)value);
    else if (key->type == YAML_RATE)
        rate_write(out, value);
    else if (value == floor(value) && fabs(value) <= PRINTABLE_WHOLE)
        snprintf(out, QUANTITY_ROOM, "%.0f", value);
    else
        real_write(out, value);
}

/* "every, os or " of "every|os". */
static void words_write(const char *choices, const char *last, char *text, size_t room)
{
    size_t used = 0;
    text[0] = 0;
    for (const char *at = choices; at != NULL && used < room;) {
        size_t n = strcspn(at, "|");
        bool more = at[n] == '|', or_next = more && strchr(at + n + 1, '|') == NULL && *last == 0;
        used += (size_t)snprintf(text + used, room - used, "%.*s%s", (int)n, at,
                                 !more     ? (*last == 0 ? "" : " or ")
                                 : or_next ? " or "
                                           : ", ");
        at = more ? at + n + 1 : NULL;
    }
    if (used < room) snprintf(text + used, room - used, "%s", last);
}

void yaml_expected(const struct yaml_key *key, char *text, size_t room)
{
    static const char *const plain[] = {
        [YAML_TEXT] = "a text",
        [YAML_PATH] = "a path",
        [YAML_SECRET] = "file: and the path of a file that holds it",
        [YAML_INTEGER] = "a whole number",
        [YAML_NUMBER] = "a number",
        [YAML_DURATION] = "a duration such as 100ms, 5m or 7d",
        [YAML_BYTES] = "a size such as 64MiB",
        [YAML_RATE] = "a rate such as 3/day",
        [YAML_FLAG] = "yes or no",
        [YAML_CHOICE] = "",
        [YAML_RANGE] = "two numbers such as [0, 15], the smaller first",
        [YAML_TEXTS] = "a list of texts",
        [YAML_TABLE] = "keys and values",
        [YAML_TABLES] = "a list of tables",
        [YAML_MAP] = "names, each with keys and values",
    };
    words_write(key->choices, plain[key->type], text, room);
    if (key->min == 0.0 && key->max == 0.0) return;
    char least[QUANTITY_ROOM], most[QUANTITY_ROOM];
    limit_write(key, key->min, least);
    limit_write(key, key->max, most);
    size_t used = strlen(text);
    if (key->max >= DBL_MAX)
        snprintf(text + used, room - used, ", at least %s", least);
    else
        snprintf(text + used, room - used, " from %s to %s", least, most);
}

static uint32_t least_of(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* How many letters differ, are missing, are too many or stand in exchanged order (Damerau, CACM
 * 1964); letters' case does not count. */
static uint32_t distance(const char *a, const char *b)
{
    uint32_t row[3][NAME_MAX_BYTES + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES) return UINT32_MAX;
    for (uint32_t j = 0; j <= m; j++) row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        uint32_t *now = row[i % 3], *last = row[(i - 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least_of(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && row[(i - 2) % 3][j - 2] + 1 < now[j])
                now[j] = row[(i - 2) % 3][j - 2] + 1;
        }
    }
    return row[n % 3][m];
}

const struct yaml_key *yaml_key_find(const struct yaml_table *table, const char *name,
                                     bool any_case, const char **nearest)
{
    uint32_t best = UINT32_MAX;
    *nearest = NULL;
    for (const struct yaml_key *key = table->key; key->name != NULL; key++) {
        if ((any_case ? strcasecmp(key->name, name) : strcmp(key->name, name)) == 0) return key;
        uint32_t d = distance(name, key->name);
        if (d < best) {
            best = d;
            *nearest = key->name;
        }
    }
    /* More than half of its letters differ: it meant none of them. */
    if (*nearest != NULL && best > (strlen(*nearest) + 1) / 2) *nearest = NULL;
    return NULL;
}
