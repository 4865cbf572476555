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

/* asset and quality, which only {"values"} has. */
static bool values_key(struct draft *d, const struct value *key, const struct value *value)
{
    if (text_is(key->text, TEXT("asset"))) {
        if (value->kind == VALUE_STRING) return draft_text(d->in, value, &d->asset);
        d->refused = true;
        return intake_refuse(d->in, "key 'asset': expected a text such as \"site/line/pump1\"");
    }
    if (!text_is(key->text, TEXT("quality")) || outer_quality(d, value)) return true;
    d->refused = true;
    return intake_refuse(d->in, "key 'quality': '%s', expected good, uncertain, bad or stale",
                         SHOW(value->text));
}

/* A key beside the readings. What means nothing to us is passed over. */
static bool outer_key(struct draft *d, const struct value *key, const struct value *value,
                      enum wrapper_kind kind)
{
    const struct key *known = known_key(key);
    if (known == NULL) return kind != WRAPPER_VALUES || values_key(d, key, value);
    switch ((enum key_kind)known->kind) {
    case KEY_TIME:
        if (kind == WRAPPER_VALUES) return draft_put(d, key, value);
        return outer_time(d, key, value, known);
    case KEY_CLOCK: return outer_time(d, key, value, known);
    case KEY_SEQUENCE: (void)draft_sequence(d, value); return true;
    case KEY_ITEM: (void)draft_item(d, value); return true;
    default: return true;
    }
}

static bool fields(struct draft *d, struct pull *p, struct machines *machines,
                   enum wrapper_kind kind, bool *found)
{
    struct value key, value;
    while (pull_key(p, &key) && pull_read(p, &value)) {
        bool good;
        enum wrapper_kind means = wrapper_key(&key, &value);
        if (means == WRAPPER_EVENT) return false;
        if (means == kind) {
            *found = true;
            d->rank_shift = kind == WRAPPER_VALUES ? INNER_SHIFT : 0;
            good = object_fields(d, p, machines);
            d->rank_shift = 0;
        } else if (value.kind >= VALUE_OBJECT) {
            good = pull_skip(p, &value);
        } else {
            good = outer_key(d, &key, &value, kind);
        }
        if (!good) return false;
    }
    return p->fault == NULL;
}

bool wrapper_read(struct intake *in, struct pull *p, const struct place *place,
                  enum wrapper_kind kind)
{
    struct machines machines;
    struct pull_mark inside = pull_mark(p);
    struct draft d;
    bool found = false;
    if (kind == WRAPPER_EVENT) return event_read(in, p, place);
    struct intake_mark mark = intake_mark(in);
    machines.count = 0;
    draft_begin(&d, in, place);
    bool good = fields(&d, p, &machines, kind, &found);
    if (!good && !d.refused && p->fault == NULL && in->status == ANDON_OK) {
        intake_back(in, mark);
        pull_return(p, inside);
        return event_read(in, p, place);
    }
    if (good && !found)
        good =
            intake_refuse(in, "no \"values\": expected {\"asset\":\"site/line/pump1\",\"ts\":...,"
                              "\"values\":{\"temperature\":45.1}}");
    return object_end(&d, p, &machines, good, inside);
}
