/* From records to rows.
 *
 * Invariants: 1. what a record becomes depends on the records before it alone, never on where a turn
 * began (floor_take refuses before it changes anything); 2. an asset's event times in judged rows
 * rise strictly or stand still, never fall; 3. assets are numbered in order of first use. */
#include "engine/floor.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/door.h"
#include "engine/publication.h"

enum {
    SAMPLES_MAX = 4096, /* of one record */
    READINGS_MAX = 65536,
    ROOM_MAX = 4 << 20,
    ASSETS_MAX = 100000,
    SILENCES_MAX = 1024 /* said at one tick */
};
#define NS_PER_S INT64_C(1000000000)

struct floor {
    struct floor_options options;
    struct models *models;
    struct map *names;        /* path -> number      */
    struct asset **asset;     /* asset[assets]       */
    uint32_t assets, assets_room;
    uint32_t first_open, opens; /* assets with an incomplete row */
    uint32_t watch;           /* where the search for silent assets goes on */
    uint32_t values_most;     /* channels of the widest model */
    int64_t now_ns;           /* journal time: never falls */
    struct publications publications;
    struct doors *doors;
    struct decoded decoded;
    struct floor_figures figures;
};

static int64_t or(int64_t value, int64_t fallback)
{
    return value != 0 ? value : fallback;
}

andon_status floor_open(const struct floor_options *options, struct models *models,
                        struct floor **floor, andon_error *err)
{
    struct floor *f = calloc(1, sizeof *f);
    if (f == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the floor");
    f->options = *options;
    f->options.assets_max = (uint32_t) or (options->assets_max, ASSETS_MAX);
    f->options.future_ns = or (options->future_ns, 24 * 3600 * NS_PER_S);
    f->options.align_ns = or (options->align_ns, NS_PER_S);
    f->options.stale_min_ns = or (options->stale_min_ns, 60 * NS_PER_S);
    f->options.stale_intervals = (uint32_t) or (options->stale_intervals, 10);
    f->models = models;
    f->first_open = TURN_NONE;
    f->now_ns = INT64_MIN;
    f->decoded = (struct decoded){.reading = calloc(READINGS_MAX, sizeof(struct reading)),
                                  .sample = calloc(SAMPLES_MAX, sizeof(struct sample)),
                                  .room = malloc(ROOM_MAX),
                                  .readings_max = READINGS_MAX,
                                  .samples_max = SAMPLES_MAX,
                                  .room_max = ROOM_MAX};
    f->doors = doors_new();
    andon_status st = ANDON_OK;
    if (f->decoded.reading == NULL || f->decoded.sample == NULL || f->decoded.room == NULL ||
        f->doors == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no memory to decode messages");
    if (st == ANDON_OK)
        st = map_open(f->options.assets_max, UINT32_C(256) << 20, &f->names, err);
    if (st == ANDON_OK) *floor = f;
    else floor_close(f);
    return st;
}

void floor_close(struct floor *f)
{
    if (f == NULL) return;
    for (uint32_t i = 0; i < f->assets; i++) asset_free(f->asset[i]);
    free(f->asset);
    free(f->decoded.reading);
    free(f->decoded.sample);
    free(f->decoded.room);
    doors_free(f->doors);
    map_close(f->names);
    free(f);
}

/* ---- assets ---- */

static bool room_for_asset(struct floor *f)
{
    if (f->assets < f->assets_room) return true;
    uint32_t room = f->assets_room == 0 ? 256 : 2 * f->assets_room;
    struct asset **more = realloc(f->asset, room * sizeof *more);
    if (more == NULL) return false;
    f->asset = more;
    f->assets_room = room;
    return true;
}

bool floor_add(struct floor *f, uint32_t number, struct asset *asset)
{
    uint32_t got;
    struct text path = {asset->path, asset->path_bytes};
    if (number != f->assets || !room_for_asset(f)) return false;
    if (map_put(f->names, path, &got, NULL) != ANDON_OK || got != number) return false;
    f->asset[f->assets++] = asset;
    if (asset->open) {
        asset->open_next = f->first_open;
        f->first_open = number;
        f->opens++;
    }
    return true;
}

struct asset *floor_find(const struct floor *f, struct text path)
{
    uint32_t number = map_find(f->names, path);
    return number == MAP_NONE ? NULL : f->asset[number];
}

/* The number of the asset of that path, a new one if need be; TURN_NONE when there is no room. */
static uint32_t asset_of(struct floor *f, struct text path)
{
    uint32_t number = map_find(f->names, path);
    if (number != MAP_NONE) return number;
    if (f->assets == f->options.assets_max) return TURN_NONE;
    struct asset *a = asset_new(path);
    if (a == NULL) return TURN_NONE;
    number = f->assets;
    if (!floor_add(f, number, a)) {
        asset_free(a);
        return TURN_NONE;
    }
    (void)asset_bind(a, publications_find(&f->publications, path));
    return number;
}

/* ---- dead letters ---- */

static void letter(struct floor *f, struct turn *turn, const struct journal_record *record,
                   const struct message *m, uint32_t index, const char *reason)
{
    f->figures.refused++;
    if (turn->deads == TURN_DEAD_MAX) {
        turn->dead_dropped++;
        return;
    }
    struct dead *d = &turn->dead[turn->deads];
    *d = (struct dead){.offset = record->offset, .received_ns = record->received_ns,
                       .index = index, .door = m->door};
    d->client = turn_keep(turn, m->client);
    d->topic = turn_keep(turn, m->topic);
    /* One copy of the payload serves all letters of a record. */
    const struct dead *before = turn->deads > 0 ? d - 1 : NULL;
    d->payload = before != NULL && before->offset == d->offset ? before->payload
                                                               : turn_keep(turn, m->payload);
    if (d->client == TURN_NONE || d->topic == TURN_NONE || d->payload == TURN_NONE) {
        turn->dead_dropped++;
        return;
    }
    d->client_bytes = m->client.length;
    d->topic_bytes = m->topic.length;
    d->payload_bytes = m->payload.length;
    snprintf(d->reason, sizeof d->reason, "%s", reason);
    turn->deads++;
}

/* ---- rows ---- */

static int64_t stale_after(const struct floor *f, const struct asset *a)
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
    if (a->rows % 64 == 0 || a->interval_ns == 0) a->interval_ns = interval_usual(&a->interval);
    if (a->rows >= 10 && is_round(a->rows)) asset_learn(a);
}

static struct row *new_row(struct turn *turn, const struct asset *a, uint32_t number)
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
    asset_fill(a, r->ts_ns, stale_after(f, a), turn->value + r->value);
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
    if (c == a->running_channel)
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

static void know(struct asset *a, uint32_t c, const struct reading *reading, int64_t ts_ns)
{
    struct channel *channel = &a->channel[c];
    channel->last = reading->kind == READING_TEXT ? (double)NAN : reading->number;
    channel->last_ts_ns = ts_ns;
    channel->quality = reading->quality;
    channel->frame = a->rows;
    see(channel, reading);
    notice(a, c, reading);
}

static uint32_t channel_of(struct asset *a, const struct reading *reading)
{
    uint32_t before = a->channels;
    uint32_t c = asset_channel(a, reading->channel, (enum reading_kind)reading->kind);
    if (c != TURN_NONE && a->channels > before) asset_learn(a);
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
static void complete(struct floor *f, struct turn *turn, uint32_t number, uint64_t offset)
{
    struct asset *a = f->asset[number];
    struct row *r = new_row(turn, a, number);
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
    uint32_t c = a->held == NULL ? TURN_NONE : channel_of(a, reading);
    if (c == TURN_NONE) return false;
    if (a->open && a->channel[c].frame == a->rows) { /* another value of the same channel and time */
        a->conflicts++;
        f->figures.conflicts++;
        complete(f, turn, number, record->offset);
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
    know(a, c, reading, s->ts_ns);
    a->held[a->helds++] = (struct held){c, reading->kind, reading->quality, reading->number};
    a->changed = true;
    if (is_complete(a)) complete(f, turn, number, record->offset);
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
    struct row *r = new_row(turn, a, number);
    r->offset = record->offset;
    r->ts_ns = s->ts_ns;
    r->received_ns = record->received_ns;
    r->verdict.reason = a->model == NULL ? ANDON_NO_MODEL : ANDON_STALE;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t c = channel_of(a, &reading[i]);
        if (c != TURN_NONE) (void)put_field(turn, c, &reading[i]);
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
    struct row *r = new_row(turn, a, number);
    r->offset = record->offset;
    r->ts_ns = s->ts_ns;
    r->received_ns = record->received_ns;
    r->quality = s->ts_given ? QUALITY_GOOD : QUALITY_UNCERTAIN;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t c = channel_of(a, &reading[i]);
        if (c == TURN_NONE || !put_field(turn, c, &reading[i])) continue;
        know(a, c, &reading[i], s->ts_ns);
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

static void take_sample(struct floor *f, struct turn *turn, struct sample *s,
                        const struct journal_record *record, const struct message *m)
{
    const struct reading *reading = f->decoded.reading + s->first;
    uint32_t number = asset_of(f, s->asset);
    if (number == TURN_NONE) {
        char reason[120];
        snprintf(reason, sizeof reason, "more than %u assets (engine.assets_max)",
                 (unsigned)f->options.assets_max);
        letter(f, turn, record, m, s->index, reason);
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
    if (a->open && (s->ts_ns > a->held_ts_ns || !part)) complete(f, turn, number, record->offset);
    if (!part || !hold(f, turn, number, s, reading, record))
        put_row(f, turn, number, s, reading, record);
}

/* ---- records ---- */

static bool has_room(const struct turn *turn, uint32_t rows, uint64_t fields, uint64_t values,
                     uint64_t text)
{
    return rows <= TURN_ROWS_MAX - turn->rows && fields <= TURN_FIELDS_MAX - turn->fields &&
           values <= TURN_VALUES_MAX - turn->values && text <= TURN_TEXT_MAX - turn->text_used;
}

/* Two rows a sample at most: the one that it completes and its own. */
static bool fits(const struct floor *f, const struct turn *turn, const struct message *m)
{
    const struct decoded *d = &f->decoded;
    uint32_t rows = 2 * d->samples + 1;
    uint64_t held = (uint64_t)(d->samples < f->opens ? d->samples : f->opens) * ASSET_HELD_MAX;
    uint64_t text = (uint64_t)m->payload.length + d->room_used + 2 * MESSAGE_HEAD_MAX;
    if (turn->rows == 0 && turn->deads == 0) return true;
    return has_room(turn, rows, d->readings + held, (uint64_t)rows * f->values_most, text);
}

static bool take_message(struct floor *f, const struct journal_record *record, struct turn *turn)
{
    struct message m;
    andon_error err = {""};
    if (!message_unpack(record->body, record->size, record->received_ns, &m)) {
        f->figures.refused++;
        return true;
    }
    andon_status st = codec_decode(&m, &f->options.codec, &f->decoded, &err);
    if (st != ANDON_OK) {
        if (!has_room(turn, 0, 0, 0, m.payload.length + 2 * MESSAGE_HEAD_MAX) && turn->rows + turn->deads > 0)
            return false;
        f->figures.messages++;
        letter(f, turn, record, &m, 0, err.text);
        return true;
    }
    if (!fits(f, turn, &m)) return false;
    f->figures.messages++;
    f->figures.nulls += f->decoded.nulls;
    bool timed = true;
    for (uint32_t i = 0; i < f->decoded.samples; i++) timed &= f->decoded.sample[i].ts_given;
    if (!timed && doors_redelivered(f->doors, &m)) {
        f->figures.redelivered++;
        return true;
    }
    for (uint32_t i = 0; i < f->decoded.samples; i++)
        take_sample(f, turn, &f->decoded.sample[i], record, &m);
    uint32_t told = f->decoded.refusals < CODEC_REFUSALS_MAX ? f->decoded.refusals
                                                             : CODEC_REFUSALS_MAX;
    for (uint32_t i = 0; i < told; i++)
        letter(f, turn, record, &m, f->decoded.refusal[i].index, f->decoded.refusal[i].reason);
    f->figures.refused += f->decoded.refusals - told;
    return true;
}

/* Completes rows whose rest did not come. */
static void complete_waiting(struct floor *f, struct turn *turn, uint64_t offset)
{
    uint32_t number = f->first_open;
    while (number != TURN_NONE) {
        struct asset *a = f->asset[number];
        uint32_t next = a->open_next;
        bool room = has_room(turn, 1, a->helds, f->values_most, 0);
        if (room && f->now_ns - a->held_received_ns >= f->options.align_ns)
            complete(f, turn, number, offset);
        number = next;
    }
}

/* Says of assets that have fallen silent that nothing can be said of them. */
static void find_silent(struct floor *f, struct turn *turn, uint64_t offset)
{
    uint32_t said = 0;
    for (uint32_t i = 0; i < f->assets && said < SILENCES_MAX; i++) {
        struct asset *a = f->asset[i];
        if (a->silent || a->rows < 2 || a->open) continue;
        if (f->now_ns - a->last_received_ns <= stale_after(f, a)) continue;
        if (!has_room(turn, 1, 0, 0, 0)) return;
        struct row *r = new_row(turn, a, i);
        r->offset = offset;
        r->ts_ns = r->received_ns = f->now_ns;
        r->verdict.reason = a->model == NULL ? ANDON_NO_MODEL : ANDON_STALE;
        a->silent = true;
        a->changed = true;
        f->figures.silences++;
        said++;
    }
}

static bool take_tick(struct floor *f, const struct journal_record *record, struct turn *turn)
{
    uint64_t values = (uint64_t)f->opens * f->values_most;
    bool room = f->opens + SILENCES_MAX <= TURN_ROWS_MAX - turn->rows &&
                (uint64_t)f->opens * ASSET_HELD_MAX <= TURN_FIELDS_MAX - turn->fields &&
                values <= TURN_VALUES_MAX - turn->values;
    if (!room && turn->rows > 0) return false;
    f->figures.ticks++;
    complete_waiting(f, turn, record->offset);
    find_silent(f, turn, record->offset);
    return true;
}

static void widest(struct floor *f)
{
    for (uint32_t i = 0; i < models_count(f->models); i++)
        if (models_at(f->models, i)->channels > f->values_most)
            f->values_most = models_at(f->models, i)->channels;
}

/* Models change between two turns: rows that wait to be scored were laid out for the one before. */
static bool take_publication(struct floor *f, const struct journal_record *record,
                             const struct turn *turn)
{
    if (turn->rows > 0) return false;
    if (!publications_take(&f->publications, f->models, record->body, record->size)) return true;
    widest(f);
    for (uint32_t i = 0; i < f->assets; i++) {
        struct asset *a = f->asset[i];
        struct text path = {a->path, a->path_bytes};
        (void)asset_bind(a, publications_find(&f->publications, path));
        asset_learn(a);
    }
    return true;
}

bool floor_take(struct floor *f, const struct journal_record *record, struct turn *turn)
{
    int64_t before = f->now_ns;
    if (record->received_ns > f->now_ns) f->now_ns = record->received_ns;
    bool taken = true;
    switch (record->type) {
    case JOURNAL_MESSAGE: taken = take_message(f, record, turn); break;
    case JOURNAL_TICK: taken = take_tick(f, record, turn); break;
    case JOURNAL_MODEL: taken = take_publication(f, record, turn); break;
    case JOURNAL_ACTION:
    case JOURNAL_CONFIG: break;
    }
    if (!taken) {
        f->now_ns = before;
        return false;
    }
    turn->records++;
    turn->next = record->next;
    turn->now_ns = f->now_ns;
    return true;
}

void floor_try(struct floor *f, const struct published *candidate)
{
    f->publications.candidate = candidate;
    widest(f);
}

void floor_judged(struct floor *f, const struct turn *turn)
{
    for (uint32_t i = 0; i < turn->rows; i++)
        if (turn->row[i].verdict.state <= ANDON_UNKNOWN)
            f->figures.verdicts[turn->row[i].verdict.state]++;
}

/* ---- looking in ---- */

uint32_t floor_assets(const struct floor *f)
{
    return f->assets;
}

struct asset *floor_asset(const struct floor *f, uint32_t number)
{
    return f->asset[number];
}

const struct floor_figures *floor_figures(const struct floor *f)
{
    return &f->figures;
}

uint32_t floor_published(const struct floor *f, const char *match, const char *name,
                         uint32_t *checksum)
{
    return publications_version(&f->publications, match, name, checksum);
}

size_t floor_publication(char *room, const char *match, const char *name, uint32_t version,
                         uint32_t checksum)
{
    return publication_write(room, FLOOR_PUBLICATION_MAX, match, name, version, checksum);
}

/* ---- checkpoint ---- */

enum { FLOOR_FORMAT = 1 };

void floor_save(const struct floor *f, struct andon_writer *out)
{
    andon_put_u32(out, FLOOR_FORMAT);
    andon_put_u64(out, (uint64_t)f->now_ns);
    andon_put_u32(out, (uint32_t)(sizeof f->figures / sizeof(uint64_t)));
    const uint64_t *figure = (const uint64_t *)&f->figures;
    for (size_t i = 0; i < sizeof f->figures / sizeof *figure; i++) andon_put_u64(out, figure[i]);
    publications_save(&f->publications, out);
    doors_save(f->doors, out);
}

bool floor_load(struct floor *f, struct andon_reader *in)
{
    if (andon_get_u32(in) != FLOOR_FORMAT) return false;
    f->now_ns = (int64_t)andon_get_u64(in);
    uint32_t figures = andon_get_u32(in);
    if (figures != sizeof f->figures / sizeof(uint64_t)) return false;
    uint64_t *figure = (uint64_t *)&f->figures;
    for (uint32_t i = 0; i < figures; i++) figure[i] = andon_get_u64(in);
    if (!publications_load(&f->publications, f->models, in)) return false;
    widest(f);
    return doors_load(f->doors, in);
}
