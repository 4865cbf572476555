/* What the test and the fuzzer of the pull decoder share: does it see what jansson sees? */
#ifndef INGEST_CODEC_PULL_CASE_H
#define INGEST_CODEC_PULL_CASE_H

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/codec/pull.h"

struct agreement {
    bool infinite; /* a number was too large for a double: jansson refuses those */
    bool differs;
};

/* A string unescaped; freed by the caller. */
static inline char *pull_case_text(const struct value *value, size_t *length)
{
    char *room = malloc((size_t)value->text.length + 1);
    if (room == NULL) abort();
    *length = pull_unescape(value->text, room);
    return room;
}

static inline bool pull_case_string(const struct value *value, const json_t *tree)
{
    size_t length;
    char *text = pull_case_text(value, &length);
    bool same = json_is_string(tree) && json_string_length(tree) == length &&
                memcmp(json_string_value(tree), text, length) == 0;
    if (value->plain) same = same && length == value->text.length;
    free(text);
    return same;
}

static inline bool pull_case_scalar(const struct value *value, const json_t *tree,
                                    struct agreement *a)
{
    double number;
    switch (value->kind) {
    case VALUE_NULL: return json_is_null(tree);
    case VALUE_FLAG: return json_is_boolean(tree) && json_is_true(tree) == (value->number == 1.0);
    case VALUE_STRING: return pull_case_string(value, tree);
    default:
        a->infinite |= !isfinite(value->number);
        if (tree == NULL || a->infinite) return true;
        number = json_number_value(tree);
        return json_is_number(tree) && memcmp(&number, &value->number, sizeof number) == 0;
    }
}

/* Walks value beside the tree; tree == NULL: only through the text. False: a fault. */
static inline bool pull_case_walk(struct pull *p, struct value *value, const json_t *tree,
                                  struct agreement *a)
{
    struct value key, inner;
    size_t n = 0;
    if (value->kind == VALUE_ARRAY) {
        for (; pull_item(p, &inner); n++)
            if (!pull_case_walk(p, &inner, json_array_get(tree, n), a)) return false;
        if (tree != NULL && (!json_is_array(tree) || json_array_size(tree) != n)) a->differs = true;
    } else if (value->kind == VALUE_OBJECT) {
        for (; pull_key(p, &key) && pull_read(p, &inner); n++) {
            size_t length;
            char *name = pull_case_text(&key, &length);
            name[length] = 0;
            const json_t *there = tree == NULL ? NULL : json_object_get(tree, name);
            free(name);
            if (tree != NULL && there == NULL) a->differs = true;
            if (!pull_case_walk(p, &inner, there, a)) return false;
        }
        if (tree != NULL && (!json_is_object(tree) || json_object_size(tree) != n))
            a->differs = true;
    } else if (tree != NULL || value->kind == VALUE_NUMBER) {
        if (!pull_case_scalar(value, tree, a)) a->differs = true;
    }
    return p->fault == NULL;
}

#endif
