#include "andon/option.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const struct andon_option *option, void *options)
{
    return (char *)options + option->offset;
}

const struct andon_option *andon_option_find(const struct andon_option *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0) return table;
    return NULL;
}

/* The index of value among "a|b|c", or -1. */
static int choice_index(const char *choices, const char *value)
{
    size_t length = strlen(value);
    int index = 0;
    for (const char *at = choices;; index++) {
        size_t here = strcspn(at, "|");
        if (here == length && memcmp(at, value, length) == 0) return index;
        if (at[here] == 0) return -1;
        at += here + 1;
    }
}

static const char *choice_at(const char *choices, int index, size_t *length)
{
    const char *at = choices;
    while (index-- > 0) at += strcspn(at, "|") + 1;
    *length = strcspn(at, "|");
    return at;
}

static int bool_of(const char *value)
{
    static const char words[8][6] = {"yes", "true", "on", "1", "no", "false", "off", "0"};
    for (int i = 0; i < 8; i++)
        if (strcmp(value, words[i]) == 0) return i < 4;
    return -1;
}

static andon_status set_number(const struct andon_option *o, void *at, const char *value,
                               andon_error *err)
{
    char *end = NULL;
    errno = 0;
    double v = strtod(value, &end);
    bool whole = o->type != ANDON_OPTION_INT || v == floor(v);
    if (end == value || *end != 0 || !(v >= o->min && v <= o->max) || !whole)
        return andon_fail(err, ANDON_EINVAL, "%s=%s: expected %s from %g to %g", o->name, value,
                          o->type == ANDON_OPTION_INT ? "a whole number" : "a number", o->min,
                          o->max);
    if (o->type == ANDON_OPTION_INT)
        *(int64_t *)at = (int64_t)v;
    else
        *(double *)at = v;
    return ANDON_OK;
}

static andon_status set_field(const struct andon_option *o, void *options, const char *value,
                              andon_error *err)
{
    void *at = field(o, options);
    int index;
    switch (o->type) {
    case ANDON_OPTION_INT:
    case ANDON_OPTION_REAL: return set_number(o, at, value, err);
    case ANDON_OPTION_BOOL:
        index = bool_of(value);
        if (index < 0)
            return andon_fail(err, ANDON_EINVAL, "%s=%s: expected yes or no", o->name, value);
        *(bool *)at = index == 1;
        return ANDON_OK;
    case ANDON_OPTION_ENUM:
        index = choice_index(o->choices, value);
        if (index < 0)
            return andon_fail(err, ANDON_EINVAL, "%s=%s: expected one of %s", o->name, value,
                              o->choices);
        *(int32_t *)at = index;
        return ANDON_OK;
    case ANDON_OPTION_LINE:
        if (strlen(value) >= ANDON_OPTION_TEXT)
            return andon_fail(err, ANDON_EINVAL, "%s: expected at most %d characters", o->name,
                              ANDON_OPTION_TEXT - 1);
        memcpy(at, value, strlen(value) + 1);
        return ANDON_OK;
    }
    return andon_fail(err, ANDON_EINVAL, "%s: unknown type of option", o->name);
}

andon_status andon_option_set(const struct andon_option *table, void *options, const char *name,
                              const char *value, andon_error *err)
{
    const struct andon_option *o = andon_option_find(table, name);
    if (o == NULL) return andon_fail(err, ANDON_EINVAL, "%s: there is no option of that name", name);
    return set_field(o, options, value, err);
}

void andon_options_default(const struct andon_option *table, void *options)
{
    for (; table->name != NULL; table++) {
        andon_status st = set_field(table, options, table->preset, NULL);
        assert(st == ANDON_OK);
        (void)st;
    }
}

void andon_option_print(const struct andon_option *o, const void *options, char *text, size_t bytes)
{
    const void *at = (const char *)options + o->offset;
    size_t length;
    switch (o->type) {
    case ANDON_OPTION_INT: snprintf(text, bytes, "%lld", (long long)*(const int64_t *)at); return;
    case ANDON_OPTION_REAL: snprintf(text, bytes, "%.17g", *(const double *)at); return;
    case ANDON_OPTION_BOOL: snprintf(text, bytes, "%s", *(const bool *)at ? "yes" : "no"); return;
    case ANDON_OPTION_ENUM: {
        const char *choice = choice_at(o->choices, *(const int32_t *)at, &length);
        snprintf(text, bytes, "%.*s", (int)length, choice);
        return;
    }
    case ANDON_OPTION_LINE: snprintf(text, bytes, "%s", (const char *)at); return;
    }
}
