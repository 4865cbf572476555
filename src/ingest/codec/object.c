#include "ingest/codec/object.h"

#include <stdio.h>

#include "ingest/codec/wrapper.h"

static bool plain_fields(struct draft *d, struct pull *p, struct machines *machines);
static bool array_fields(struct draft *d, struct pull *p, struct machines *machines);
static bool machines_read(struct intake *in, struct text array, const struct place *around);

/* Whether the array's first element is an object that names a machine. p stands behind the bracket.
 */
static bool of_machines(const struct pull *p)
{
    struct pull look = *p;
    struct value key, value;
    if (!pull_item(&look, &value) || value.kind != VALUE_OBJECT) return false;
    while (pull_key(&look, &key) && pull_read(&look, &value)) {
        if (value.kind < VALUE_OBJECT && value.kind != VALUE_NULL && key_names_machine(key.text))
            return true;
        if (!pull_skip(&look, &value)) return false;
    }
    return false;
}

static bool machines_wait(struct draft *d, struct pull *p, struct machines *machines,
                          struct value *array)
{
    if (!pull_skip(p, array)) return false;
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
static bool nested(struct draft *d, struct pull *p, struct machines *machines,
                   const struct value *key, struct value *value)
{
    struct text before;
    if (value->kind == VALUE_ARRAY && of_machines(p)) return machines_wait(d, p, machines, value);
    if (!draft_group(d, key, &before)) {
        d->wrong = true;
        return d->in->status == ANDON_OK && pull_skip(p, value);
    }
    bool good =
        value->kind == VALUE_OBJECT ? plain_fields(d, p, machines) : array_fields(d, p, machines);
    d->group = before;
    return good;
}

static bool array_fields(struct draft *d, struct pull *p, struct machines *machines)
{
    struct value value;
    for (uint32_t i = 0; pull_item(p, &value); i++) {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%u", i);
        struct value key = {.kind = VALUE_STRING, .plain = true, .text = {digits, (uint32_t)n}};
        bool good = value.kind < VALUE_OBJECT ? draft_channel(d, &key, &value)
                                              : nested(d, p, machines, &key, &value);
        if (!good) return false;
    }
    return p->fault == NULL;
}

/* Keys of nested objects mean nothing but their names. */
static bool plain_fields(struct draft *d, struct pull *p, struct machines *machines)
{
    struct value key, value;
    while (pull_key(p, &key) && pull_read(p, &value)) {
        bool good = value.kind >= VALUE_OBJECT ? nested(d, p, machines, &key, &value)
                                               : draft_channel(d, &key, &value);
        if (!good) return false;
    }
    return p->fault == NULL;
}

bool object_fields(struct draft *d, struct pull *p, struct machines *machines)
{
    struct value key, value;
    while (draft_pairs(d, p) && pull_key(p, &key) && pull_read(p, &value)) {
        bool good = value.kind >= VALUE_OBJECT ? nested(d, p, machines, &key, &value)
                                               : draft_put(d, &key, &value);
        if (!good) return false;
    }
    return p->fault == NULL && !d->refused && d->in->status == ANDON_OK;
}

/* The name that a machine's object has for it. p stands behind its bracket. */
static bool machine_name(const struct pull *p, struct value *name)
{
    struct pull look = *p;
    struct value key;
    while (pull_key(&look, &key) && pull_read(&look, name)) {
        bool names = name->kind == VALUE_STRING || name->kind == VALUE_NUMBER;
        if (names && name->text.length > 0 && key_names_machine(key.text)) return true;
        if (!pull_skip(&look, name)) return false;
    }
    return false;
}

/* Its fields but the name. */
static bool machine_fields(struct draft *d, struct pull *p, struct machines *machines,
                           const struct value *name)
{
    struct value key, value;
    while (pull_key(p, &key) && pull_read(p, &value)) {
        if (value.text.at == name->text.at) continue;
        bool good = value.kind >= VALUE_OBJECT ? nested(d, p, machines, &key, &value)
                                               : draft_put(d, &key, &value);
        if (!good) return false;
    }
    return p->fault == NULL;
}

static bool machine_read(struct intake *in, struct pull *p, const struct place *around)
{
    struct place place = *around;
    struct machines machines;
    struct draft d;
    struct value name;
    struct text level;
    if (!machine_name(p, &name)) {
        struct value rest = {.kind = VALUE_OBJECT, .text = {p->at, 0}};
        intake_refuse(in, "asset '%s': a machine in a list without an id", SHOW(around->asset));
        return pull_skip(p, &rest);
    }
    machines.count = 0;
    if (!draft_text(in, &name, &level)) return false;
    if (!intake_joined(in, around->asset, '/', level, &place.asset)) return false;
    draft_begin(&d, in, &place);
    struct pull_mark inside = pull_mark(p);
    bool good = machine_fields(&d, p, &machines, &name);
    return object_end(&d, p, &machines, good, inside);
}

static bool machines_read(struct intake *in, struct text array, const struct place *around)
{
    struct pull p;
    struct value value;
    pull_begin(&p, array);
    if (!pull_read(&p, &value)) return false;
    while (pull_item(&p, &value)) {
        if (value.kind != VALUE_OBJECT)
            intake_refuse(in, "asset '%s': expected an object for every machine in a list",
                          SHOW(around->asset));
        else if (!machine_read(in, &p, around))
            return false;
        else
            continue;
        if (!pull_skip(&p, &value)) return false;
    }
    return p.fault == NULL;
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
static bool top_fields(struct draft *d, struct pull *p, struct machines *machines,
                       enum wrapper_kind *kind)
{
    struct value key, value;
    while (draft_pairs(d, p) && pull_key(p, &key) && pull_read(p, &value)) {
        bool good;
        *kind = wrapper_key(&key, &value);
        if (*kind != WRAPPER_NONE) return false;
        if (value.kind >= VALUE_OBJECT)
            good = nested(d, p, machines, &key, &value);
        else
            good = draft_put(d, &key, &value);
        if (!good) return false;
    }
    return p->fault == NULL && !d->refused && d->in->status == ANDON_OK;
}

bool object_flat(struct intake *in, struct pull *p, const struct place *place)
{
    struct pull_mark inside = pull_mark(p);
    struct machines machines;
    struct draft d;
    machines.count = 0;
    draft_begin(&d, in, place);
    bool good = object_fields(&d, p, &machines);
    return object_end(&d, p, &machines, good, inside);
}

bool object_read(struct intake *in, struct pull *p, const struct place *place)
{
    if (place->native) return wrapper_read(in, p, place, WRAPPER_VALUES);
    struct intake_mark mark = intake_mark(in);
    struct pull_mark inside = pull_mark(p);
    struct machines machines;
    enum wrapper_kind kind = WRAPPER_NONE;
    struct draft d;
    machines.count = 0;
    draft_begin(&d, in, place);
    bool good = top_fields(&d, p, &machines, &kind);
    if (kind != WRAPPER_NONE) {
        intake_back(in, mark);
        pull_return(p, inside);
        kind = wrapper_kind(p, kind);
        if (kind != WRAPPER_NONE) return wrapper_read(in, p, place, kind);
        return object_flat(in, p, place);
    }
    return object_end(&d, p, &machines, good, inside);
}

bool object_end(struct draft *d, struct pull *p, const struct machines *machines, bool good,
                struct pull_mark inside)
{
    if (p->fault != NULL || d->in->status != ANDON_OK) {
        draft_drop(d);
        return false;
    }
    if (!good) {
        struct value rest = {.kind = VALUE_OBJECT, .text = {inside.at, 0}};
        pull_return(p, inside);
        if (!pull_skip(p, &rest)) return false;
    }
    return finish(d, machines, good);
}
