/* Invariant: readings [first, out->readings) are the draft's, each channel once. */
#include "ingest/codec/draft.h"

#include <math.h>
#include <stdio.h>

#include "ingest/codec/properties.h"

#define EXACT_DIGITS 15u /* whole numbers of so many digits are doubles     */

void draft_begin(struct draft *d, struct intake *in, const struct place *place)
{
    d->in = in;
    d->asset = place->asset;
    d->group = place->group;
    d->item.length = 0;
    d->properties = place->properties;
    d->time.rank = place->time_given ? DRAFT_TIME_OUTER : KEY_RANK_NONE;
    d->time.ts_ns = place->time_ns;
    d->date_key.text.length = d->clock_key.text.length = 0;
    d->sequence = 0;
    d->unit_ns = place->unit_ns;
    d->first = in->out->readings;
    d->quality = QUALITY_GOOD;
    d->rank_shift = 0;
    d->aliases = place->aliases && in->rules->aliases;
    d->sequence_given = d->heard = d->wrong = d->refused = d->hashed = false;
    d->seen[0] = d->seen[1] = 0;
}

void draft_drop(struct draft *d)
{
    d->in->out->readings = d->first;
}

struct place draft_place(const struct draft *d)
{
    return (struct place){.asset = d->asset,
                          .time_ns = d->time.ts_ns,
                          .unit_ns = d->unit_ns,
                          .time_given = d->time.rank != KEY_RANK_NONE,
                          .aliases = d->aliases};
}

bool draft_text(struct intake *in, const struct value *value, struct text *text)
{
    *text = value->text;
    if (value->plain || memchr(text->at, '\\', text->length) == NULL) return true;
    char *room = intake_room(in, text->length);
    if (room == NULL) return false;
    uint32_t length = pull_unescape(value->text, room);
    in->out->room_used -= value->text.length - length;
    *text = (struct text){room, length};
    return true;
}

static uint64_t name_hash(struct text name)
{
    return key_hash(name, key_words(name));
}

/* Where name stands in the table, or the free slot where it would. */
static uint16_t *slot_of(struct draft *d, struct text name, uint64_t hash)
{
    for (uint64_t i = hash >> 32;; i++) {
        uint16_t *slot = &d->slot[i % DRAFT_SLOTS];
        if (*slot == 0) return slot;
        if (text_is(d->in->out->reading[d->first + *slot - 1].channel, name)) return slot;
    }
}

static void start_table(struct draft *d)
{
    memset(d->slot, 0, sizeof d->slot);
    d->hashed = true;
    for (uint32_t i = d->first; i < d->in->out->readings; i++) {
        struct text name = d->in->out->reading[i].channel;
        *slot_of(d, name, name_hash(name)) = (uint16_t)(i - d->first + 1);
    }
}

/* The reading that has this name already; NULL: none. In the table its place is taken. */
static struct reading *repeated(struct draft *d, struct text name, uint64_t hash)
{
    struct decoded *out = d->in->out;
    uint32_t count = out->readings - d->first;
    if (count >= DRAFT_LINEAR) {
        if (!d->hashed) start_table(d);
        uint16_t *slot = slot_of(d, name, hash);
        if (*slot != 0) return &out->reading[d->first + *slot - 1];
        *slot = (uint16_t)(count + 1);
        return NULL;
    }
    d->seen[hash >> 51 & 1] |= (uint64_t)1 << (hash >> 52 & 63);
    for (uint32_t i = d->first; i < out->readings; i++)
        if (text_is(out->reading[i].channel, name)) return &out->reading[i];
    return NULL;
}

struct reading *draft_reading_rest(struct draft *d, struct text name, uint64_t hash)
{
    struct decoded *out = d->in->out;
    if (out->readings - d->first == CODEC_CHANNELS_MAX) {
        d->refused = true;
        intake_refuse(d->in, "a sample with more than %u channels", CODEC_CHANNELS_MAX);
        return NULL;
    }
    if (out->readings == out->readings_max) {
        intake_full(d->in, "readings", out->readings_max);
        return NULL;
    }
    struct reading *r = repeated(d, name, hash);
    if (r != NULL) {
        out->repeated++;
        return r;
    }
    r = &out->reading[out->readings++];
    r->channel = name;
    return r;
}

static bool has_control(struct text text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((unsigned char)text.at[i] < ' ') return true;
    return false;
}

/* The channel's whole name; false: it is none, which is a refusal of the value. */
static bool channel_name(struct draft *d, const struct value *key, struct text *name)
{
    if (!draft_text(d->in, key, name)) return false;
    if (name->length == 0) return intake_refuse(d->in, "a key without a name");
    if (!key->plain && has_control(*name))
        return intake_refuse(d->in, "key '%s': expected a name without control bytes", SHOW(*name));
    if ((uint64_t)d->group.length + 1 + name->length > CODEC_CHANNEL_MAX + (d->group.length == 0))
        return intake_refuse(d->in, "key '%s': a name of more than %u bytes", SHOW(*name),
                             CODEC_CHANNEL_MAX);
    return intake_joined(d->in, d->group, '.', *name, name);
}

bool draft_group(struct draft *d, const struct value *key, struct text *before)
{
    struct text name;
    *before = d->group;
    if (!channel_name(d, key, &name)) return false;
    d->group = name;
    return true;
}

/* Whether the digits of a whole number are those of its double. */
static bool exact(const struct value *value)
{
    char digits[PULL_NUMBER_MAX + 1];
    if (!value->whole || value->text.length <= EXACT_DIGITS) return true;
    int n = snprintf(digits, sizeof digits, "%.0f", value->number);
    return (uint32_t)n == value->text.length && memcmp(digits, value->text.at, (size_t)n) == 0;
}

static bool put_number(struct draft *d, struct text name, uint64_t hash, const struct value *value)
{
    if (!value->exact && !isfinite(value->number)) {
        d->wrong = true;
        intake_refuse(d->in, "channel '%s': %s is no finite double", SHOW(name), SHOW(value->text));
        return true;
    }
    if (!value->exact && !exact(value)) {
        d->wrong = true;
        intake_refuse(d->in, "channel '%s': %s is beyond 2^53 and no double holds it exactly",
                      SHOW(name), SHOW(value->text));
        return true;
    }
    struct reading *r = draft_reading(d, name, hash);
    if (r == NULL) return false;
    r->number = value->number;
    r->text.length = 0;
    r->kind = READING_NUMBER;
    return true;
}

static bool put_text(struct draft *d, struct text name, uint64_t hash, const struct value *value)
{
    struct text text;
    if (!draft_text(d->in, value, &text)) return false;
    while (text.length > 0 && pull_is_blank(text.at[text.length - 1])) text.length--;
    if (text.length > CODEC_TEXT_MAX || (text.length > 0 && memchr(text.at, 0, text.length))) {
        d->wrong = true;
        intake_refuse(d->in, "channel '%s': expected a text of at most %u bytes and no 0 in it",
                      SHOW(name), CODEC_TEXT_MAX);
        return true;
    }
    struct reading *r = draft_reading(d, name, hash);
    if (r == NULL) return false;
    r->number = 0.0;
    r->text = text;
    r->kind = READING_TEXT;
    return true;
}

static bool put_named(struct draft *d, struct text name, uint64_t hash, const struct value *value)
{
    struct reading *r;
    switch (value->kind) {
    case VALUE_NUMBER: return put_number(d, name, hash, value);
    case VALUE_STRING: return put_text(d, name, hash, value);
    case VALUE_FLAG:
        r = draft_reading(d, name, hash);
        if (r == NULL) return false;
        r->number = value->number;
        r->text.length = 0;
        r->kind = READING_FLAG;
        return true;
    default:
        d->heard = true;
        d->in->out->nulls++;
        return true;
    }
}

bool draft_channel(struct draft *d, const struct value *key, const struct value *value)
{
    struct text name;
    if (channel_name(d, key, &name)) return put_named(d, name, name_hash(name), value);
    d->wrong = true;
    return d->in->status == ANDON_OK;
}

bool draft_sequence(struct draft *d, const struct value *value)
{
    uint64_t sequence = 0;
    if (d->sequence_given || value->kind != VALUE_NUMBER || !value->whole ||
        value->text.length > 18)
        return false;
    for (uint32_t i = 0; i < value->text.length; i++) {
        if (value->text.at[i] == '-') return false;
        sequence = sequence * 10 + (uint64_t)(value->text.at[i] - '0');
    }
    d->sequence = sequence;
    d->sequence_given = true;
    return true;
}

bool draft_item(struct draft *d, const struct value *value)
{
    struct text item;
    bool fits = value->kind == VALUE_STRING || (value->kind == VALUE_NUMBER && value->whole);
    if (!fits || d->item.length > 0 || value->text.length == 0 ||
        value->text.length > CODEC_CHANNEL_MAX)
        return false;
    if (value->kind == VALUE_STRING && !value->plain) {
        if (!draft_text(d->in, value, &item) || has_control(item)) return false;
        d->item = item;
    } else {
        d->item = value->text;
    }
    return true;
}

/* Halves of a time wait for each other; what has waited in vain becomes a channel in the end. */
static bool put_half(struct draft *d, struct value *half_key, struct value *half,
                     const struct value *key, const struct value *value)
{
    if (half_key->text.length > 0 || value->kind != VALUE_STRING)
        return draft_channel(d, key, value);
    *half_key = *key;
    *half = *value;
    return true;
}

static bool put_known(struct draft *d, const struct key *known, const struct value *key,
                      const struct value *value)
{
    uint8_t rank = (uint8_t)(known->rank + d->rank_shift);
    int64_t unit_ns = known->unit_ns != 0 ? known->unit_ns : d->unit_ns;
    struct value ours;
    switch ((enum key_kind)known->kind) {
    case KEY_TIME: return draft_time(d, key, value, rank, unit_ns, true);
    case KEY_CLOCK:
        if (draft_time(d, key, value, rank, unit_ns, false)) return true;
        if (d->refused || d->in->status != ANDON_OK) return false;
        return put_half(d, &d->clock_key, &d->clock, key, value);
    case KEY_DATE: return put_half(d, &d->date_key, &d->date, key, value);
    case KEY_SEQUENCE: return draft_sequence(d, value) || draft_channel(d, key, value);
    case KEY_ITEM: return draft_item(d, value) || draft_channel(d, key, value);
    case KEY_ALIAS:
        if (!d->aliases) return draft_channel(d, key, value);
        ours = *key;
        ours.text = known->ours;
        return draft_channel(d, &ours, value);
    default: return draft_channel(d, key, value);
    }
}

bool draft_put_rest(struct draft *d, const struct value *key, const struct value *value,
                    struct key_words words, uint64_t hash)
{
    const struct key *known = NULL;
    if (key_may_mean(key->text.length, hash)) known = key_find(key->text.length, words);
    if (known != NULL) return put_known(d, known, key, value);
    if (!key->plain || d->group.length > 0 || key->text.length - 1 >= CODEC_CHANNEL_MAX)
        return draft_channel(d, key, value);
    return put_named(d, key->text, hash, value);
}

/* A key of the table in front of a number. */
static __attribute__((noinline)) bool put_pair(struct draft *d, struct text name,
                                               struct key_words words, uint64_t hash,
                                               struct value number)
{
    struct value key = {.kind = VALUE_STRING, .plain = true, .text = name};
    return draft_put_rest(d, &key, &number, words, hash);
}

bool draft_pairs(struct draft *d, struct pull *p)
{
    const char *at = p->at, *end = p->end;
    bool fresh = p->fresh, good = true, grouped = d->group.length > 0;
    while (end - at >= 24 && good) {
        const char *from = at, *value;
        struct value number;
        if (!fresh) {
            if (*from++ != ',') break;
            if (pull_rarely(*from == ' ')) from++;
        }
        struct text name = {from + 1, pull_key_quick(from, &value)};
        if (name.length == 0 || end - value < PULL_QUICK_MIN) break;
        value = pull_number_quick(value, end, &number);
        if (value == NULL) break;
        struct key_words words = key_words_open(name.at, name.length);
        uint64_t hash = key_hash(name, words);
        if (grouped || key_may_mean(name.length, hash))
            good = put_pair(d, name, words, hash, number);
        else
            good = draft_put_number(d, name, hash, number.number);
        at = value;
        fresh = false;
    }
    p->at = at;
    p->fresh = fresh;
    return good;
}

/* A will was written when its client connected: its own time is not when the client went. */
static void settle(struct draft *d, struct sample *s)
{
    const struct message *m = d->in->message;
    uint8_t quality = d->quality;
    bool will = (m->flags & MESSAGE_WILL) != 0;
    s->ts_given = d->time.rank != KEY_RANK_NONE && !will;
    s->ts_ns = s->ts_given ? d->time.ts_ns : m->received_ns;
    if (will) quality |= QUALITY_STALE;
    if (!s->ts_given) quality |= QUALITY_UNCERTAIN;
    for (uint32_t i = s->first; i < s->first + s->count; i++)
        d->in->out->reading[i].quality = quality;
}

bool draft_end(struct draft *d)
{
    struct decoded *out = d->in->out;
    if (d->refused || d->in->status != ANDON_OK || !draft_join_halves(d) || !properties_put(d))
        return false;
    uint32_t count = out->readings - d->first;
    if (count == 0 && !d->heard && d->wrong) return false;
    if (count == 0 && !d->heard)
        return intake_refuse(
            d->in, "no values: expected a key and a value such as {\"temperature\":45.1}");
    if (!intake_path(d->in, d->asset, &d->asset)) return false;
    if (out->samples == out->samples_max) return intake_full(d->in, "samples", out->samples_max);
    struct sample *s = &out->sample[out->samples++];
    *s = (struct sample){.asset = d->asset,
                         .item = d->item,
                         .sequence = d->sequence,
                         .sequence_given = d->sequence_given,
                         .first = d->first,
                         .count = count,
                         .index = d->in->index};
    settle(d, s);
    return true;
}
