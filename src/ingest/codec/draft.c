/* Invariant: readings [first, out->readings) are the draft's, each channel once. */
#include "ingest/codec/draft.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "base/zone.h"
#include "ingest/number.h"
#include "ingest/timestamp.h"

#define SECOND_NS INT64_C(1000000000)
#define TIME_TEXT_MAX 128u /* characters of a written time, escapes as written */
#define EXACT_DIGITS 15u   /* whole numbers of so many digits are doubles     */

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
    d->seen[hash >> 57 & 1] |= (uint64_t)1 << (hash >> 58);
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

/* A time without a zone is the plant's. */
static int64_t from_local(const struct intake *in, int64_t local_ns)
{
    const struct codec_rules *rules = in->rules;
    if (rules->zone == NULL) return local_ns - rules->zone_s * SECOND_NS;
    int64_t local_s = local_ns / SECOND_NS, rest_ns = local_ns % SECOND_NS;
    if (rest_ns < 0) {
        rest_ns += SECOND_NS;
        local_s--;
    }
    return zone_utc_s(rules->zone, local_s, in->message->received_ns / SECOND_NS) * SECOND_NS +
           rest_ns;
}

static bool written_time(const struct intake *in, struct text text, int64_t unit_ns, int64_t *ts_ns)
{
    bool local = false;
    if (unit_ns != 0 && timestamp_read_epoch(text.at, text.length, unit_ns, ts_ns)) return true;
    if (!timestamp_read_local(text.at, text.length, ts_ns, &local)) return false;
    if (local) *ts_ns = from_local(in, *ts_ns);
    return true;
}

/* An epoch with an exponent: 1.717158615e9. */
static bool rounded_time(double epoch, int64_t unit_ns, int64_t *ts_ns)
{
    char digits[64];
    if (!(fabs(epoch) < 9.2e18)) return false;
    int n = snprintf(digits, sizeof digits, "%.6f", epoch);
    return timestamp_read_epoch(digits, (size_t)n, unit_ns, ts_ns);
}

static bool time_of(const struct intake *in, const struct value *value, int64_t unit_ns,
                    int64_t *ts_ns)
{
    char room[TIME_TEXT_MAX];
    struct text text = value->text;
    if (value->kind == VALUE_NUMBER && value->exact && value->whole)
        return timestamp_of_epoch((int64_t)value->number, unit_ns, ts_ns);
    if (value->kind == VALUE_NUMBER)
        return timestamp_read_epoch(text.at, text.length, unit_ns, ts_ns) ||
               rounded_time(value->number, unit_ns, ts_ns);
    if (value->kind != VALUE_STRING || text.length > TIME_TEXT_MAX) return false;
    if (!value->plain) text = (struct text){room, pull_unescape(text, room)};
    return written_time(in, text, unit_ns, ts_ns);
}

enum draft_time_kind draft_read_time(const struct intake *in, const struct value *value,
                                     int64_t unit_ns, int64_t *ts_ns)
{
    if (value->kind == VALUE_NULL || (value->kind == VALUE_STRING && value->text.length == 0))
        return DRAFT_TIME_NONE;
    return time_of(in, value, unit_ns, ts_ns) ? DRAFT_TIME_READ : DRAFT_TIME_WRONG;
}

bool draft_refuse_time(struct intake *in, const struct value *key, const struct value *value)
{
    return intake_refuse(in, "key '%s': '%s' is no time, expected " TIMESTAMP_EXPECTED,
                         SHOW(key->text), SHOW(value->text));
}

bool draft_time(struct draft *d, const struct value *key, const struct value *value, uint8_t rank,
                int64_t unit_ns, bool must)
{
    int64_t ts_ns;
    enum draft_time_kind kind = draft_read_time(d->in, value, unit_ns, &ts_ns);
    if (kind == DRAFT_TIME_NONE) return must;
    if (kind == DRAFT_TIME_WRONG) {
        d->refused = must;
        return must && draft_refuse_time(d->in, key, value);
    }
    struct draft_time before = d->time;
    if (rank == before.rank && text_is(before.key.text, key->text)) {
        d->in->out->repeated++;
        before.rank = KEY_RANK_NONE;
    } else if (rank >= before.rank) {
        return draft_channel(d, key, value);
    }
    d->time = (struct draft_time){ts_ns, rank, *key, *value};
    return before.rank >= DRAFT_TIME_OUTER || draft_channel(d, &before.key, &before.value);
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
    bool fits = (value->kind == VALUE_STRING && value->plain) ||
                (value->kind == VALUE_NUMBER && value->whole);
    if (!fits || d->item.length > 0 || value->text.length == 0 ||
        value->text.length > CODEC_CHANNEL_MAX)
        return false;
    d->item = value->text;
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
                    struct key_words words)
{
    const struct key *known = key_find(key->text.length, words);
    if (known != NULL) return put_known(d, known, key, value);
    if (!key->plain || d->group.length > 0 || key->text.length - 1 >= CODEC_CHANNEL_MAX)
        return draft_channel(d, key, value);
    return put_named(d, key->text, key_hash(key->text, words), value);
}

/* A key of the table in front of a number. */
static __attribute__((noinline)) bool put_pair(struct draft *d, struct text name,
                                               struct key_words words, struct value number)
{
    struct value key = {.kind = VALUE_STRING, .plain = true, .text = name};
    return draft_put_rest(d, &key, &number, words);
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
            from += *from == ' ';
        }
        struct text name = {from + 1, pull_key_quick(from, &value)};
        if (name.length == 0 || end - value < PULL_QUICK_MIN) break;
        value = pull_number_quick(value, end, &number);
        if (value == NULL) break;
        struct key_words words = key_words_open(name.at, name.length);
        if (grouped || key_may_mean(name.length, words))
            good = put_pair(d, name, words, number);
        else
            good = draft_put_number(d, name, words, number.number);
        at = value;
        fresh = false;
    }
    p->at = at;
    p->fresh = fresh;
    return good;
}

/* Date and Time side by side, once both are there. */
static bool join_halves(struct draft *d)
{
    bool both = d->date_key.text.length > 0 && d->clock_key.text.length > 0;
    char room[2 * TIME_TEXT_MAX + 1];
    if (both && d->time.rank >= DRAFT_TIME_OUTER && d->date.plain && d->clock.plain &&
        d->date.text.length <= TIME_TEXT_MAX && d->clock.text.length <= TIME_TEXT_MAX) {
        uint32_t n = d->date.text.length, m = d->clock.text.length;
        int64_t ts_ns;
        memcpy(room, d->date.text.at, n);
        room[n] = ' ';
        memcpy(room + n + 1, d->clock.text.at, m);
        if (written_time(d->in, (struct text){room, n + 1 + m}, 0, &ts_ns)) {
            d->time.ts_ns = ts_ns;
            d->time.rank = 0;
            return true;
        }
    }
    if (d->date_key.text.length > 0 && !draft_channel(d, &d->date_key, &d->date)) return false;
    return d->clock_key.text.length == 0 || draft_channel(d, &d->clock_key, &d->clock);
}

static bool is_word(struct text text, const char *lower)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((text.at[i] | 0x20) != lower[i]) return false;
    return lower[text.length] == 0;
}

struct value draft_cell(struct text cell)
{
    struct value v = {.kind = VALUE_STRING, .plain = true, .text = cell};
    if (number_missing(cell.at, cell.length)) {
        v.kind = VALUE_NULL;
    } else if (number_read(cell.at, cell.length, &v.number)) {
        v.kind = VALUE_NUMBER;
        v.whole = true;
        for (uint32_t i = 0; i < cell.length; i++)
            v.whole = v.whole &&
                      ((cell.at[i] >= '0' && cell.at[i] <= '9') || (i == 0 && *cell.at == '-'));
    } else if ((cell.length == 4 && is_word(cell, "true")) ||
               (cell.length == 5 && is_word(cell, "false"))) {
        v.kind = VALUE_FLAG;
        v.number = cell.length == 4;
    }
    return v;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char letter = (char)(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* %41 is A. */
static bool percent_decoded(struct intake *in, struct text from, struct text *text)
{
    *text = from;
    if (from.length == 0 || memchr(from.at, '%', from.length) == NULL) return true;
    char *room = intake_room(in, from.length), *to = room;
    if (room == NULL) return false;
    for (uint32_t i = 0; i < from.length; i++) {
        bool code = from.at[i] == '%' && from.length - i > 2 && hex_digit(from.at[i + 1]) >= 0 &&
                    hex_digit(from.at[i + 2]) >= 0;
        *to++ =
            code ? (char)(hex_digit(from.at[i + 1]) * 16 + hex_digit(from.at[i + 2])) : from.at[i];
        i += code ? 2 : 0;
    }
    *text = (struct text){room, (uint32_t)(to - room)};
    return true;
}

/* Names that begin with '$' are the hub's own. Values are texts, but for true and false. */
static bool put_property(struct draft *d, struct text name, struct text value)
{
    struct value key = {.kind = VALUE_STRING}, v;
    if (!percent_decoded(d->in, name, &key.text) || !percent_decoded(d->in, value, &value))
        return false;
    if (key.text.length == 0 || *key.text.at == '$') return true;
    if (!intake_readable(key.text, false) || !utf8_valid(value.at, value.length))
        return intake_refuse(d->in, "a property of the topic is no UTF-8") || true;
    v = draft_cell(value);
    if (v.kind != VALUE_FLAG)
        v = (struct value){.kind = VALUE_STRING, .plain = true, .text = value};
    return draft_channel(d, &key, &v);
}

static bool put_properties(struct draft *d)
{
    const char *at = d->properties.at, *end = at + d->properties.length;
    while (d->properties.length > 0 && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL) stop = end;
        const char *is = memchr(at, '=', (size_t)(stop - at));
        struct text name = {at, (uint32_t)((is != NULL ? is : stop) - at)};
        struct text value = {"", 0};
        if (is != NULL) value = (struct text){is + 1, (uint32_t)(stop - is - 1)};
        if (!put_property(d, name, value)) return false;
        at = stop + 1;
    }
    return true;
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
    if (d->refused || d->in->status != ANDON_OK || !join_halves(d) || !put_properties(d))
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
