/* From samples to rows: repeats taken away, late ones set apart, parts put together, and what the asset's
 * model wants of a row laid out. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/floor_inner.h"


int64_t floor_stale_after(const struct floor *f, const struct asset *a)
{
    int64_t intervals = a->interval_ns > INT64_MAX / 1000
                            ? INT64_MAX
                            : a->interval_ns * (int64_t)f->options.stale_intervals;
    return intervals > f->options.stale_min_ns ? intervals : f->options.stale_min_ns;
}

/* Conclusions are drawn after 10, 100, 1,000 ... rows: often at first, seldom later. */
static bool is_round(uint64_t rows)
{
    while (rows >= 10 && rows % 10 == 0) rows /= 10;
    return rows == 1;
}

static void learn(struct asset *a, int64_t ts_ns)
{
    interval_see(&a->interval, ts_ns);
    bool due = a->rows % 64 == 0 || a->interval_ns == 0;
    if (due && !a->interval_given) a->interval_ns = interval_usual(&a->interval);
    if (a->rows >= 10 && is_round(a->rows)) asset_learn(a);
}

struct row *floor_row(struct turn *turn, const struct asset *a, uint32_t number)
{
    assert(turn->rows < TURN_ROWS_MAX);
    struct row *r = &turn->row[turn->rows++];
    *r = (struct row){.asset = number,
                      .field = turn->fields,
                      .value = TURN_NONE,
                      .regime = ANDON_REGIME_UNKNOWN,
                      .running = a->running,
                      .verdict = {.score = NAN, .p_value = NAN, .channel = ANDON_CHANNEL_NONE,
                                  .state = ANDON_UNKNOWN, .reason = ANDON_NO_MODEL}};
    return r;
}

/* Lays out what the model wants; without a model the verdict stays UNKNOWN, no_model. A message of
 * so many samples for so wide a model that they fill a turn by themselves is not judged to its end. */
static void lay_out(struct floor *f, struct turn *turn, struct asset *a, struct row *r)
{
    if (a->model == NULL) return;
    uint32_t channels = a->model->channels;
    if (channels > TURN_VALUES_MAX - turn->values) {
        r->verdict.reason = ANDON_STALE;
        a->unjudged++;
        return;
    }
    r->value = r->share = turn->values;
    turn->values += channels;
    asset_fill(a, r->ts_ns, floor_stale_after(f, a), turn->value + r->value);
    r->running = a->running;
    r->regime = asset_regime(a);
}

/* A row that stands complete in turn->field[r->field ..]. */
static void finish_row(struct floor *f, struct turn *turn, struct asset *a, struct row *r)
{
    r->fields = turn->fields - r->field;
    a->last_ts_ns = r->ts_ns;
    a->last_received_ns = r->received_ns;
    a->last_count = r->fields;
    a->rows++;
    learn(a, r->ts_ns);
    a->silent = false;
    a->changed = true;
    lay_out(f, turn, a, r);
}

/* What a reading says about the machine as a whole. */
static void notice(struct asset *a, uint32_t c, const struct reading *reading)
{
    bool text = reading->kind == READING_TEXT;
    if (c == a->running_channel && a->running_rule != NULL)
        a->running = (int8_t)(text ? running_rule_text(a->running_rule, reading->text)
                                   : running_rule_number(a->running_rule, reading->number));
    else if (c == a->running_channel)
        a->running = text ? (int8_t)andon_running(reading->text.at, reading->text.length)
                          : (int8_t)(reading->number > 0.5);
    if (c == a->regime_channel) {
        int n = text ? snprintf(a->regime, sizeof a->regime, "%.*s", (int)reading->text.length,
                                reading->text.at)
                     : snprintf(a->regime, sizeof a->regime, "%.15g", reading->number);
        if (n >= (int)sizeof a->regime) a->regime[0] = 0;
    }
}

/* What sort of signal it is shows early; afterwards every 64th value is looked at. */
enum { SEEN_ALL = 1024, SEEN_EVERY = 64 };

static void see(struct channel *channel, const struct reading *reading)
{
    struct kind_state *seen = &channel->seen;
    channel->values++;
    if (channel->values > SEEN_ALL && channel->values % SEEN_EVERY != 0) return;
    if (reading->kind == READING_TEXT) kind_see_text(seen, reading->text);
    else if (reading->kind == READING_FLAG) kind_see_flag(seen, reading->number > 0.5);
    else kind_see_number(seen, reading->number);
}

/* What a counter counted since its last reading; one that fell began anew, from 0. */
static double counted(struct channel *channel, double count)
{
    double before = channel->count;
    channel->count = count;
    if (count < before) channel->resets++;
    return count >= before ? count - before : isnan(before) ? (double)NAN : count;
}

/* The reading in the unit of the configuration; outside of its range it is bad. */
static struct reading adjusted(const struct channel *channel, const struct reading *sent)
{
    struct reading r = *sent;
    if (r.kind != READING_NUMBER) return r;
    r.number = r.number * channel->scale + channel->offset;
    if (!isfinite(r.number)) r.number = sent->number, r.quality |= QUALITY_BAD;
    if (r.number < channel->low || r.number > channel->high) r.quality |= QUALITY_BAD;
    return r;
}

static void know(struct asset *a, uint32_t c, const struct reading *reading, int64_t ts_ns)
{
    struct channel *channel = &a->channel[c];
    channel->last = reading->kind == READING_TEXT ? (double)NAN : reading->number;
    if (channel->counter) channel->last = counted(channel, channel->last);
    channel->last_ts_ns = ts_ns;
    channel->quality = reading->quality;
    channel->frame = a->rows;
    see(channel, reading);
    notice(a, c, reading);
}

static uint32_t channel_of(struct floor *f, struct asset *a, const struct reading *reading)
{
    uint32_t before = a->channels;
    uint32_t c = asset_channel(a, reading->channel, (enum reading_kind)reading->kind);
    if (c != TURN_NONE && a->channels > before) floor_configure(f, a);
    return c;
}

static bool put_field(struct turn *turn, uint32_t channel, const struct reading *reading)
{
    struct field *field = &turn->field[turn->fields];
    *field = (struct field){.channel = channel, .kind = reading->kind, .quality = reading->quality,
                            .number = reading->number};
    if (reading->kind == READING_TEXT) {
        field->text = turn_keep(turn, reading->text);
        field->text_bytes = reading->text.length;
        if (field->text == TURN_NONE) return false;
    }
    turn->fields++;
    return true;
}

/* ---- rows that come in parts ---- */

static void close_open(struct floor *f, uint32_t number)
{
    uint32_t *at = &f->first_open;
    while (*at != number) at = &f->asset[*at]->open_next;
    *at = f->asset[number]->open_next;
    f->asset[number]->open = false;
    f->opens--;
}

/* Completes the asset's open row. */
void floor_complete(struct floor *f, struct turn *turn, uint32_t number, uint64_t offset)
{
    struct asset *a = f->asset[number];
    struct row *r = floor_row(turn, a, number);
    r->offset = offset;
    r->ts_ns = a->held_ts_ns;
    r->received_ns = a->held_received_ns;
    r->quality = a->held_quality;
    for (uint32_t i = 0; i < a->helds; i++)
        turn->field[turn->fields++] = (struct field){.channel = a->held[i].channel,
                                                     .kind = a->held[i].kind,
                                                     .quality = a->held[i].quality,
                                                     .number = a->held[i].number};
    close_open(f, number);
    finish_row(f, turn, a, r);
}

/* Whether the open row has every channel that the row before it had, and none besides. */
static bool is_complete(const struct asset *a)
{
    if (a->helds == ASSET_HELD_MAX) return true;
    return a->rows > 0 && a->helds == a->last_count;
}

static bool hold(struct floor *f, struct turn *turn, uint32_t number, const struct sample *s,
                 const struct reading *reading, const struct journal_record *record)
{
    struct asset *a = f->asset[number];
    if (a->held == NULL) a->held = calloc(ASSET_HELD_MAX, sizeof *a->held);
    uint32_t c = a->held == NULL ? TURN_NONE : channel_of(f, a, reading);
    if (c == TURN_NONE) return false;
    if (a->open && a->channel[c].frame == a->rows) { /* another value of the same channel and time */
        a->conflicts++;
        f->figures.conflicts++;
        floor_complete(f, turn, number, record->offset);
    }
    if (!a->open) {
        a->open = true;
        a->helds = 0;
        a->held_ts_ns = s->ts_ns;
        a->held_quality = s->ts_given ? QUALITY_GOOD : QUALITY_UNCERTAIN;
        a->open_next = f->first_open;
        f->first_open = number;
        f->opens++;
    }
    a->held_received_ns = record->received_ns;
    struct reading said = adjusted(&a->channel[c], reading);
    know(a, c, &said, s->ts_ns);
    a->held[a->helds++] = (struct held){c, said.kind, said.quality, said.number};
    a->changed = true;
    if (is_complete(a)) floor_complete(f, turn, number, record->offset);
    return true;
}

/* ---- samples ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t mix_text(uint64_t h, struct text t)
{
    h = mix(h, t.length);
    for (uint32_t i = 0; i < t.length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, t.at + i, t.length - i < 8 ? t.length - i : 8);
        h = mix(h, word);
    }
    return h;
}

/* What the sample is, in one number: time, sequence, channels and values. Never 0. */
static uint64_t identity(const struct sample *s, const struct reading *reading)
{
    uint64_t h = mix(mix(1, (uint64_t)s->ts_ns), s->sequence_given ? s->sequence + 1 : 0);
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t bits;
        memcpy(&bits, &reading[i].number, sizeof bits);
        h = mix_text(mix(h, reading[i].kind), reading[i].channel);
        h = reading[i].kind == READING_TEXT ? mix_text(h, reading[i].text) : mix(h, bits);
    }
    return h == 0 ? 1 : h;
}

/* A row of a message that came after a younger one: kept as it is, judged by nobody. */
static void put_late(struct floor *f, struct turn *turn, uint32_t number, const struct sample *s,
                     const struct reading *reading, const struct journal_record *record)
{
    struct asset *a = f->asset[number];
    struct row *r = floor_row(turn, a, number);
    r->offset = record->offset;
    r->ts_ns = s->ts_ns;
    r->received_ns = record->received_ns;
    r->verdict.reason = a->model == NULL ? ANDON_NO_MODEL : ANDON_STALE;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t c = channel_of(f, a, &reading[i]);
        if (c == TURN_NONE) continue;
        struct reading said = adjusted(&a->channel[c], &reading[i]);
        (void)put_field(turn, c, &said);
    }
    r->fields = turn->fields - r->field;
    a->late++;
    f->figures.late++;
    a->changed = true;
}

/* A whole row at once. */
static void put_row(struct floor *f, struct turn *turn, uint32_t number, const struct sample *s,
                    const struct reading *reading, const struct journal_record *record)
{
    struct asset *a = f->asset[number];
    struct row *r = floor_row(turn, a, number);
    r->offset = record->offset;
    r->ts_ns = s->ts_ns;
    r->received_ns = record->received_ns;
    r->quality = s->ts_given ? QUALITY_GOOD : QUALITY_UNCERTAIN;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t c = channel_of(f, a, &reading[i]);
        if (c == TURN_NONE) continue;
        struct reading said = adjusted(&a->channel[c], &reading[i]);
        if (put_field(turn, c, &said)) know(a, c, &said, s->ts_ns);
    }
    finish_row(f, turn, a, r);
}

/* A time far ahead of its arrival is a wrong clock's: the arrival counts instead. */
static void believe(struct floor *f, struct asset *a, struct sample *s,
                    const struct journal_record *record)
{
    if (!s->ts_given) f->figures.untimed++;
    if (s->ts_ns <= record->received_ns + f->options.future_ns) return;
    s->ts_ns = record->received_ns;
    s->ts_given = false;
    a->future++;
    f->figures.future++;
}

void floor_sample(struct floor *f, struct turn *turn, struct sample *s,
                        const struct journal_record *record, const struct message *m)
{
    const struct reading *reading = f->decoded.reading + s->first;
    uint32_t number = floor_asset_of(f, s->asset);
    if (number == TURN_NONE) {
        char reason[120];
        snprintf(reason, sizeof reason, "more than %u assets (engine.assets_max)",
                 (unsigned)f->options.assets_max);
        floor_letter(f, turn, record, m, s->index, reason);
        return;
    }
    struct asset *a = f->asset[number];
    believe(f, a, s, record);
    /* A repeat is never newer than what the asset has said. */
    bool newest = s->ts_ns > a->last_ts_ns && !(a->open && s->ts_ns <= a->held_ts_ns);
    if (s->ts_given && asset_heard(a, identity(s, reading), newest)) {
        a->duplicates++;
        a->changed = true;
        f->figures.duplicates++;
        return;
    }
    f->figures.samples++;
    f->figures.readings += s->count;
    bool part = s->count == 1 && reading->kind != READING_TEXT;
    if (s->ts_ns < a->last_ts_ns || (a->open && s->ts_ns < a->held_ts_ns)) {
        put_late(f, turn, number, s, reading, record);
        return;
    }
    if (a->open && (s->ts_ns > a->held_ts_ns || !part)) floor_complete(f, turn, number, record->offset);
    if (!part || !hold(f, turn, number, s, reading, record))
        put_row(f, turn, number, s, reading, record);
}
