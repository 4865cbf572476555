/* From records to rows.
 *
 * Invariants: 1. what a record becomes depends on the records before it alone, never on where a turn
 * began (floor_take refuses before it changes anything); 2. an asset's event times in judged rows
 * rise strictly or stand still, never fall; 3. assets are numbered in order of first use. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/zone.h"
#include "engine/floor_inner.h"

enum {
    SAMPLES_MAX = 4096, /* of one record */
    READINGS_MAX = 65536,
    ROOM_MAX = 4 << 20,
    ASSETS_MAX = 100000,
    SILENCES_MAX = 1024 /* said at one tick */
};
#define NS_PER_S INT64_C(1000000000)

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
    config_free(&f->config);
    zone_close(f->zone);
    andon_arena_free(&f->config_arena);
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

static void apply_rules(const struct floor *f, struct asset *a);

/* An asset that comes back draws no new conclusions: those that it had stand in its bytes. */
bool floor_add(struct floor *f, uint32_t number, struct asset *asset)
{
    uint32_t got;
    struct text path = {asset->path, asset->path_bytes};
    if (number != f->assets || !room_for_asset(f)) return false;
    if (map_put(f->names, path, &got, NULL) != ANDON_OK || got != number) return false;
    f->asset[f->assets++] = asset;
    apply_rules(f, asset);
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

uint32_t floor_asset_of(struct floor *f, struct text path)
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

void floor_letter(struct floor *f, struct turn *turn, const struct journal_record *record,
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
        floor_letter(f, turn, record, &m, 0, err.text);
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
        floor_sample(f, turn, &f->decoded.sample[i], record, &m);
    uint32_t told = f->decoded.refusals < CODEC_REFUSALS_MAX ? f->decoded.refusals
                                                             : CODEC_REFUSALS_MAX;
    for (uint32_t i = 0; i < told; i++)
        floor_letter(f, turn, record, &m, f->decoded.refusal[i].index, f->decoded.refusal[i].reason);
    f->figures.refused += f->decoded.refusals - told;
    return true;
}

/* Completes rows whose rest did not come; all: at once. */
static void complete_waiting(struct floor *f, struct turn *turn, uint64_t offset, bool all)
{
    uint32_t number = f->first_open;
    while (number != TURN_NONE) {
        struct asset *a = f->asset[number];
        uint32_t next = a->open_next;
        bool room = has_room(turn, 1, a->helds, f->values_most, 0);
        if (room && (all || f->now_ns - a->held_received_ns >= f->options.align_ns))
            floor_complete(f, turn, number, offset);
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
        if (f->now_ns - a->last_received_ns <= floor_stale_after(f, a)) continue;
        if (!has_room(turn, 1, 0, 0, 0)) return;
        struct row *r = floor_row(turn, a, i);
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
    complete_waiting(f, turn, record->offset, record->size > 0);
    find_silent(f, turn, record->offset);
    return true;
}

void floor_widest(struct floor *f)
{
    for (uint32_t i = 0; i < models_count(f->models); i++)
        if (models_at(f->models, i)->channels > f->values_most)
            f->values_most = models_at(f->models, i)->channels;
}

/* ---- configuration ---- */

/* What the configuration says of the asset and its channels. */
static void apply_rules(const struct floor *f, struct asset *a)
{
    struct config_rules rules = {0};
    struct text path = {a->path, a->path_bytes};
    if (f->config.arena.used > 0) config_asset(&f->config, path, &rules);
    a->running_rule = rules.running;
    a->regime_given = rules.regime;
    a->interval_given = rules.interval_ns > 0;
    if (a->interval_given) a->interval_ns = rules.interval_ns;
    for (uint32_t c = 0; c < a->channels; c++) {
        struct channel *channel = &a->channel[c];
        struct config_channel said = {.scale = 1.0, .range = {NAN, NAN}, .counter = -1};
        struct text name = {channel->name, channel->name_bytes};
        if (rules.matches > 0) config_channel(&rules, name, &said);
        channel->scale = said.scale;
        channel->offset = said.offset;
        channel->low = said.range[0];
        channel->high = said.range[1];
        channel->unit = said.unit;
        channel->counter = said.counter == 1 || said.counter == 3; /* yes, true */
    }
}

/* ... then what the model's notes say, then what its readings look like. */
void floor_configure(struct floor *f, struct asset *a)
{
    apply_rules(f, a);
    asset_learn(a);
}

static void take_zone(struct floor *f)
{
    andon_error err;
    const char *name = f->config.site.timezone;
    zone_close(f->zone);
    f->zone = NULL;
    if (name != NULL && zone_open(name, &f->zone, &err) != ANDON_OK)
        log_line(LOG_ERROR, "engine", "time zone not known", "%s", err.text);
    f->options.codec.zone = f->zone;
}

static void obey(struct floor *f)
{
    const struct config_engine *e = &f->config.engine;
    take_zone(f);
    if (e->stale_ns > 0) f->options.stale_min_ns = e->stale_ns;
    if (e->stale_intervals > 0) f->options.stale_intervals = (uint32_t)e->stale_intervals;
    if (e->future_ns > 0) f->options.future_ns = e->future_ns;
    if (e->lateness_ns > 0) f->options.align_ns = e->lateness_ns;
    for (uint32_t i = 0; i < f->assets; i++) floor_configure(f, f->asset[i]);
}

bool floor_config_read(struct floor *f, const void *text, size_t size)
{
    struct config config = {0};
    andon_error err;
    if (config_read(text, size, &config, &err) != ANDON_OK) {
        log_line(LOG_ERROR, "engine", "configuration not taken", "%s", err.text);
        config_free(&config);
        return false;
    }
    config_free(&f->config);
    f->config = config;
    andon_arena_free(&f->config_arena);
    andon_arena_init(&f->config_arena, andon_allocator_libc(), CONFIG_BYTES_MAX);
    andon_writer_init(&f->config_text, &f->config_arena);
    andon_put_bytes(&f->config_text, text, size);
    obey(f);
    return true;
}

struct text floor_config(const struct floor *f)
{
    return (struct text){(const char *)f->config_text.data, (uint32_t)f->config_text.size};
}

/* Rules change between two turns. */
static bool take_config(struct floor *f, const struct journal_record *record, const struct turn *turn)
{
    if (turn->rows > 0) return false;
    (void)floor_config_read(f, record->body, record->size);
    return true;
}

/* ---- models ---- */

/* Models change between two turns: rows that wait to be scored were laid out for the one before. */
static bool take_publication(struct floor *f, const struct journal_record *record,
                             const struct turn *turn)
{
    if (turn->rows > 0) return false;
    if (!publications_take(&f->publications, f->models, record->body, record->size)) return true;
    floor_widest(f);
    for (uint32_t i = 0; i < f->assets; i++) {
        struct asset *a = f->asset[i];
        struct text path = {a->path, a->path_bytes};
        (void)asset_bind(a, publications_find(&f->publications, path));
        floor_configure(f, a);
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
    case JOURNAL_CONFIG: taken = take_config(f, record, turn); break;
    case JOURNAL_ACTION: break;
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
    floor_widest(f);
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
