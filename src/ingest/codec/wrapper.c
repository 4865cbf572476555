#include "ingest/codec/wrapper.h"

#include "ingest/codec/event.h"
#include "ingest/codec/object.h"

#define INNER_SHIFT 16u /* times inside "values" rank behind those outside */

static bool is_content_type(struct text key)
{
    static const char *const names[] = {"Content-Type", "content-type", "contentType",
                                        "ContentType",  "content_type", "datacontenttype"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(key, text_of(names[i]))) return true;
    return false;
}

static const struct key *known_key(const struct value *key)
{
    return key_find(key->text.length, key_words(key->text));
}

/* Beside "data" an envelope has nothing but what describes it; otherwise "data" is a key like
 * others. */
enum wrapper_kind wrapper_kind(const struct pull *p, enum wrapper_kind guess)
{
    struct pull look = *p;
    struct value key, value;
    if (guess != WRAPPER_DATA) return guess;
    while (pull_key(&look, &key) && pull_read(&look, &value)) {
        const struct key *known = known_key(&key);
        if (wrapper_key(&key, &value) == WRAPPER_EVENT) return WRAPPER_EVENT;
        bool describes = known != NULL && (known->kind == KEY_TIME || known->kind == KEY_CLOCK ||
                                           known->kind == KEY_SEQUENCE || known->kind == KEY_ITEM);
        if (wrapper_key(&key, &value) != WRAPPER_DATA && !describes && !is_content_type(key.text))
            guess = WRAPPER_NONE;
        if (!pull_skip(&look, &value)) break;
    }
    return guess;
}

/* An envelope's own time is for readings that have none. */
static bool outer_time(struct draft *d, const struct value *key, const struct value *value,
                       const struct key *known)
{
    int64_t ts_ns;
    enum draft_time_kind kind = draft_read_time(d->in, value, known->unit_ns, &ts_ns);
    if (kind == DRAFT_TIME_READ && d->time.rank >= DRAFT_TIME_OUTER) {
        d->time.ts_ns = ts_ns;
        d->time.rank = DRAFT_TIME_OUTER;
    }
    d->refused = kind == DRAFT_TIME_WRONG && known->kind == KEY_TIME;
    return !d->refused || draft_refuse_time(d->in, key, value);
}

static bool outer_quality(struct draft *d, const struct value *value)
{
    if (value->kind != VALUE_STRING) return false;
    if (text_is(value->text, TEXT("uncertain")))
        d->quality |= QUALITY_UNCERTAIN;
    else if (text_is(value->text, TEXT("bad")))
        d->quality |= QUALITY_BAD;
    else if (text_is(value->text, TEXT("stale")))
        d->quality |= QUALITY_STALE;
    else
        return text_is(value->text, TEXT("good"));
    return true;
}

/* A wrapper while it is read. */
struct wrapping {
    struct draft draft;
    struct machines machines;
    enum wrapper_kind kind;
    bool native; /* keys that mean nothing are passed over; elsewhere they are channels */
    bool found;  /* the readings                                                       */
    bool event;  /* it is a CloudEvent                                                 */
    bool plain;  /* it is no wrapper: its keys are channels                             */
};

static bool asset_key(struct draft *d, const struct value *value)
{
    if (value->kind == VALUE_STRING) return draft_text(d->in, value, &d->asset);
    d->refused = true;
    return intake_refuse(d->in, "key 'asset': expected a text such as \"site/line/pump1\"");
}

static bool quality_key(struct draft *d, const struct value *value)
{
    if (outer_quality(d, value)) return true;
    d->refused = true;
    return intake_refuse(d->in, "key 'quality': '%s', expected good, uncertain, bad or stale",
                         SHOW(value->text));
}

static bool unknown_key(struct wrapping *w, const struct value *key, const struct value *value)
{
    if (w->kind != WRAPPER_VALUES) return true;
    if (text_is(key->text, TEXT("asset"))) return asset_key(&w->draft, value);
    if (text_is(key->text, TEXT("quality"))) return quality_key(&w->draft, value);
    w->plain = !w->native;
    return w->native;
}

/* A key beside the readings. */
static bool outer_key(struct wrapping *w, const struct value *key, const struct value *value)
{
    struct draft *d = &w->draft;
    const struct key *known = known_key(key);
    switch (known == NULL ? KEY_ORDINARY : (enum key_kind)known->kind) {
    case KEY_TIME:
        if (w->kind == WRAPPER_VALUES) return draft_put(d, key, value);
        return outer_time(d, key, value, known);
    case KEY_CLOCK: return outer_time(d, key, value, known);
    case KEY_SEQUENCE: (void)draft_sequence(d, value); return true;
    case KEY_ITEM: (void)draft_item(d, value); return true;
    default: return unknown_key(w, key, value);
    }
}

static bool outer_fields(struct wrapping *w, struct pull *p)
{
    struct value key, value;
    while (pull_key(p, &key) && pull_read(p, &value)) {
        bool good;
        enum wrapper_kind means = wrapper_key(&key, &value);
        w->event = means == WRAPPER_EVENT;
        if (w->event) return false;
        if (means == w->kind) {
            w->found = true;
            w->draft.rank_shift = w->kind == WRAPPER_VALUES ? INNER_SHIFT : 0;
            good = object_fields(&w->draft, p, &w->machines);
            w->draft.rank_shift = 0;
        } else if (value.kind >= VALUE_OBJECT) {
            good = pull_skip(p, &value) && unknown_key(w, &key, &value);
        } else {
            good = outer_key(w, &key, &value);
        }
        if (!good) return false;
    }
    return p->fault == NULL;
}

bool wrapper_read(struct intake *in, struct pull *p, const struct place *place,
                  enum wrapper_kind kind)
{
    struct intake_mark mark = intake_mark(in);
    struct pull_mark inside = pull_mark(p);
    struct wrapping w;
    if (kind == WRAPPER_EVENT) return event_read(in, p, place);
    w.machines.count = 0;
    w.kind = kind;
    w.native = place->native;
    w.found = w.event = w.plain = false;
    draft_begin(&w.draft, in, place);
    bool good = outer_fields(&w, p);
    if (w.event || w.plain) {
        intake_back(in, mark);
        pull_return(p, inside);
        return w.event ? event_read(in, p, place) : object_flat(in, p, place);
    }
    if (good && !w.found)
        good =
            intake_refuse(in, "no \"values\": expected {\"asset\":\"site/line/pump1\",\"ts\":...,"
                              "\"values\":{\"temperature\":45.1}}");
    return object_end(&w.draft, p, &w.machines, good, inside);
}
