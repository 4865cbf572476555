#include "ingest/codec/object.h"

#include <stdio.h>

#include "ingest/codec/wrapper.h"

static bool array_fields(struct draft *d, struct json *j, struct machines *machines);
static bool machines_read(struct intake *in, struct text array, const struct place *around);

/* Whether the array's first element is an object that names a machine. j stands behind the bracket.
 */
static bool of_machines(const struct json *j)
{
    struct json look = *j;
    struct json_value key, value;
    if (!json_item(&look, &value) || value.kind != JSON_OBJECT) return false;
    while (json_key(&look, &key) && json_read(&look, &value)) {
        if (value.kind < JSON_OBJECT && value.kind != JSON_NULL && key_names_machine(key.text))
            return true;
        if (!json_skip(&look, &value)) return false;
    }
    return false;
}

static bool machines_wait(struct draft *d, struct json *j, struct machines *machines,
                          struct json_value *array)
{
    if (!json_skip(j, array)) return false;
    d->heard = true;
    if (machines->count == OBJECT_MACHINES_MAX) {
        d->refused = true;
        return intake_refuse(d->in, "an object with more than %u arrays of machines",
                             OBJECT_MACHINES_MAX);
    }
    machines->array[machines->count++] = array->text;
    return true;
}

/* An object or array within; its key goes in front of its channels' names. */
static bool nested(struct draft *d, struct json *j, struct machines *machines,
                   const struct json_value *key, struct json_value *value)
{
    struct text before;
    if (value->kind == JSON_ARRAY && of_machines(j)) return machines_wait(d, j, machines, value);
    if (!draft_group(d, key, &before)) {
        d->heard = true;
        return d->in->status == ANDON_OK && json_skip(j, value);
    }
    bool good = value->kind == JSON_OBJECT ? object_fields(d, j, machines, true)
                                           : array_fields(d, j, machines);
    d->group = before;
    return good;
}

static bool array_fields(struct draft *d, struct json *j, struct machines *machines)
{
    struct json_value value;
    for (uint32_t i = 0; json_item(j, &value); i++) {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%u", i);
        struct json_value key = {.kind = JSON_STRING, .plain = true, .text = {digits, (uint32_t)n}};
        bool good = value.kind < JSON_OBJECT ? draft_channel(d, &key, &value)
                                             : nested(d, j, machines, &key, &value);
        if (!good) return false;
    }
    return j->fault == NULL;
}

bool object_fields(struct draft *d, struct json *j, struct machines *machines, bool plain)
{
    struct json_value key, value;
    while (json_key(j, &key) && json_read(j, &value)) {
        bool good;
        if (value.kind >= JSON_OBJECT)
            good = nested(d, j, machines, &key, &value);
        else if (plain)
            good = draft_channel(d, &key, &value);
        else
            good = draft_put(d, &key, &value, (size_t)(j->end - key.text.at));
        if (!good) return false;
    }
    return j->fault == NULL;
}

/* The name that a machine's object has for it. j stands behind its bracket. */
static bool machine_name(const struct json *j, struct json_value *name)
{
    struct json look = *j;
    struct json_value key;
    while (json_key(&look, &key) && json_read(&look, name)) {
        bool names = name->kind == JSON_STRING || name->kind == JSON_NUMBER;
        if (names && name->text.length > 0 && key_names_machine(key.text)) return true;
        if (!json_skip(&look, name)) return false;
    }
    return false;
}

/* Its fields but the name. */
static bool machine_fields(struct draft *d, struct json *j, struct machines *machines,
                           const struct json_value *name)
{
    struct json_value key, value;
    while (json_key(j, &key) && json_read(j, &value)) {
        if (value.text.at == name->text.at) continue;
        bool good = value.kind >= JSON_OBJECT
                        ? nested(d, j, machines, &key, &value)
                        : draft_put(d, &key, &value, (size_t)(j->end - key.text.at));
        if (!good) return false;
    }
    return j->fault == NULL;
}

static bool machine_read(struct intake *in, struct json *j, const struct place *around)
{
    struct place place = *around;
    struct machines machines = {.count = 0};
    struct draft d;
    struct json_value name;
    struct text level;
    if (!machine_name(j, &name)) {
        struct json_value rest = {.kind = JSON_OBJECT, .text = {j->at, 0}};
        intake_refuse(in, "asset '%s': a machine in a list without an id", SHOW(around->asset));
        return json_skip(j, &rest);
    }
    if (!draft_text(in, &name, &level)) return false;
    if (!intake_joined(in, around->asset, '/', level, &place.asset)) return false;
    draft_begin(&d, in, &place);
    struct json inside = *j;
    bool good = machine_fields(&d, j, &machines, &name);
    return object_end(&d, j, &machines, good, &inside);
}

static bool machines_read(struct intake *in, struct text array, const struct place *around)
{
    struct json j;
    struct json_value value;
    json_begin(&j, array);
    if (!json_read(&j, &value)) return false;
    while (json_item(&j, &value)) {
        if (value.kind != JSON_OBJECT)
            intake_refuse(in, "asset '%s': expected an object for every machine in a list",
                          SHOW(around->asset));
        else if (!machine_read(in, &j, around))
            return false;
        else
            continue;
        if (!json_skip(&j, &value)) return false;
    }
    return j.fault == NULL;
}

static bool finish(struct draft *d, const struct machines *machines, bool good)
{
    struct place inside = draft_place(d);
    bool silent = d->in->out->readings == d->first && machines->count > 0;
    if (!good) {
        draft_drop(d);
        return d->in->status == ANDON_OK;
    }
    if (!silent && !draft_end(d)) {
        draft_drop(d);
        return d->in->status == ANDON_OK;
    }
    for (uint32_t i = 0; i < machines->count; i++)
        if (!machines_read(d->in, machines->array[i], &inside)) return false;
    return true;
}

/* Fields until the object turns out to be an envelope: then *kind says which, and nothing is kept.
 */
static bool top_fields(struct draft *d, struct json *j, struct machines *machines,
                       enum wrapper_kind *kind)
{
    struct json_value key, value;
    while (json_key(j, &key) && json_read(j, &value)) {
        bool good;
        *kind = wrapper_key(&key, &value);
        if (*kind != WRAPPER_NONE) return false;
        if (value.kind >= JSON_OBJECT)
            good = nested(d, j, machines, &key, &value);
        else
            good = draft_put(d, &key, &value, (size_t)(j->end - key.text.at));
        if (!good) return false;
    }
    return j->fault == NULL;
}

bool object_read(struct intake *in, struct json *j, const struct place *place)
{
    if (place->native) return wrapper_read(in, j, place, WRAPPER_VALUES);
    struct intake_mark mark = intake_mark(in);
    struct json inside = *j;
    struct machines machines = {.count = 0};
    enum wrapper_kind kind = WRAPPER_NONE;
    struct draft d;
    draft_begin(&d, in, place);
    bool good = top_fields(&d, j, &machines, &kind);
    if (kind != WRAPPER_NONE) {
        intake_back(in, mark);
        *j = inside;
        kind = wrapper_kind(&inside, kind);
        if (kind != WRAPPER_NONE) return wrapper_read(in, j, place, kind);
        draft_begin(&d, in, place);
        machines.count = 0;
        good = object_fields(&d, j, &machines, false);
    }
    return object_end(&d, j, &machines, good, &inside);
}

bool object_end(struct draft *d, struct json *j, const struct machines *machines, bool good,
                const struct json *inside)
{
    if (j->fault != NULL || d->in->status != ANDON_OK) {
        draft_drop(d);
        return false;
    }
    if (!good) {
        struct json_value rest = {.kind = JSON_OBJECT, .text = {inside->at, 0}};
        *j = *inside;
        if (!json_skip(j, &rest)) return false;
    }
    return finish(d, machines, good);
}
