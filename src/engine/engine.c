/* The turn.
 *
 * Invariants: 1. the store's offset moves in the transaction that holds everything that the records before
 * it became; 2. rows that were completed by a record before the store's offset are not written again;
 * 3. the journal is durable up to an offset before what the store committed of it is
 * (store_options.before_durable); with sync_turns, before it is committed at all. */
#include "engine/engine.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/checkpoint.h"

#define NS_PER_S INT64_C(1000000000)
enum { TURN_RECORDS_MAX = 4096, FIELDS_MAX = 65536 };

struct engine {
    struct engine_options options;
    struct journal *journal;
    struct journal_cursor *cursor;
    struct store *store;
    struct models *models;
    struct floor *floor;
    struct shards *shards;
    struct turn turn;
    struct journal_record waiting; /* a record that did not fit the turn before */
    bool has_waiting;
    bool rules_changed;            /* a model or configuration, since the last checkpoint */
    struct store_field *field;     /* field[FIELDS_MAX], of one row */
    char *description;             /* description[ASSET_DESCRIPTION_MAX] */
    uint64_t skip_before;          /* rows completed before this offset are in the store */
    uint64_t records_since;        /* the last checkpoint */
    int64_t checkpoint_at_ns;
    atomic_bool stop;
    pthread_mutex_t lock;          /* guards figures */
    struct engine_figures figures;
};

static andon_status restore(struct engine *e, andon_error *err)
{
    uint64_t from = store_checkpoint_offset(e->store);
    struct journal_figures j;
    andon_status st = checkpoint_restore(e->store, e->floor, e->models, err);
    if (st != ANDON_OK) return st;
    e->skip_before = store_offset(e->store);
    journal_figures(e->journal, &j);
    if (e->skip_before > j.end)
        return andon_fail(err, ANDON_EFORMAT,
                          "the store reaches journal offset %llu, but the journal ends at %llu: "
                          "restore the journal that belongs to this store",
                          (unsigned long long)e->skip_before, (unsigned long long)j.end);
    if (from < j.begin)
        log_line(LOG_WARN, "engine", "journal begins behind the checkpoint",
                 "checkpoint=%llu begin=%llu", (unsigned long long)from,
                 (unsigned long long)j.begin);
    return journal_cursor_open(e->journal, NULL, from, &e->cursor, err);
}

andon_status engine_open(const struct engine_options *options, struct journal *journal,
                         struct store *store, struct engine **engine, andon_error *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (e == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the engine");
    e->options = *options;
    e->journal = journal;
    e->store = store;
    pthread_mutex_init(&e->lock, NULL);
    if (e->options.shards == 0) e->options.shards = 1;
    if (e->options.checkpoint_records == 0) e->options.checkpoint_records = 200000;
    if (e->options.checkpoint_ns == 0) e->options.checkpoint_ns = 30 * NS_PER_S;
    e->field = calloc(FIELDS_MAX, sizeof *e->field);
    andon_status st = ANDON_OK;
    e->description = malloc(ASSET_DESCRIPTION_MAX);
    if (e->field == NULL || e->description == NULL || !turn_open(&e->turn))
        st = andon_fail(err, ANDON_ENOMEM, "no memory for a turn");
    if (st == ANDON_OK) st = models_open(options->models, &e->models, err);
    if (st == ANDON_OK) st = floor_open(&options->floor, e->models, &e->floor, err);
    if (st == ANDON_OK) st = shards_open(e->options.shards, options->kernel, &e->shards, err);
    if (st == ANDON_OK) st = restore(e, err);
    if (st == ANDON_OK) *engine = e;
    else engine_close(e);
    return st;
}

void engine_close(struct engine *e)
{
    if (e == NULL) return;
    journal_cursor_close(e->cursor);
    shards_close(e->shards);
    floor_close(e->floor);
    models_close(e->models);
    turn_close(&e->turn);
    free(e->field);
    free(e->description);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void engine_stop(struct engine *e)
{
    atomic_store(&e->stop, true);
    journal_wake(e->journal);
}

uint32_t engine_published(const struct engine *e, const char *match, const char *name,
                          uint32_t *checksum)
{
    return floor_published(e->floor, match, name, checksum);
}

struct text engine_config(const struct engine *e)
{
    return floor_config(e->floor);
}

/* ---- reading ---- */

/* Fills the turn with what waits in the journal; true when there was anything. A turn that is read again
 * ends where the store does, so that no turn is half skipped. */
static bool read_turn(struct engine *e)
{
    andon_error err = {""};
    bool begun = false;
    for (uint32_t i = 0; i < TURN_RECORDS_MAX; i++) {
        struct journal_record record = e->waiting;
        if (!e->has_waiting) {
            int got = journal_next(e->cursor, &record, &err);
            if (got < 0) log_line(LOG_ERROR, "engine", "journal cannot be read", "%s", err.text);
            if (got <= 0) break;
        }
        if (!begun) turn_begin(&e->turn, record.offset);
        begun = true;
        e->waiting = record;
        e->has_waiting = !floor_take(e->floor, &record, &e->turn);
        if (e->has_waiting) break;
        e->rules_changed |= record.type == JOURNAL_MODEL || record.type == JOURNAL_CONFIG;
        if (record.next == e->skip_before) break;
    }
    return begun;
}

/* ---- writing ---- */

static andon_status name_asset(struct engine *e, struct asset *a, andon_error *err)
{
    if (a->store != 0) return ANDON_OK;
    return store_asset(e->store, (struct text){a->path, a->path_bytes}, &a->store, err);
}

static andon_status name_channel(struct engine *e, struct asset *a, uint32_t c, andon_error *err)
{
    struct channel *channel = &a->channel[c];
    if (channel->store != 0) return ANDON_OK;
    struct text name = {channel->name, channel->name_bytes};
    return store_channel(e->store, a->store, name, (enum store_kind)channel->kind, &channel->store,
                         err);
}

static andon_status name_model(struct engine *e, const struct published *model, uint32_t *number,
                               andon_error *err)
{
    struct published *p = models_at(e->models, model->number);
    andon_status st = ANDON_OK;
    if (p->store == 0)
        st = store_model(e->store, text_of(p->name), p->version, p->checksum, &p->store, err);
    *number = p->store;
    return st;
}

/* The parts of an anomalous row's score, largest first. */
static void put_shares(const struct asset *a, const float *share, struct store_verdict *v)
{
    uint32_t channels = a->model->channels;
    for (uint32_t c = 0; c < channels; c++) {
        float part = share[c];
        if (!(part > 0.0f) || a->map[c] == TURN_NONE) continue;
        uint32_t at = v->shares < STORE_SHARES_MAX ? v->shares++ : STORE_SHARES_MAX;
        while (at > 0 && v->share_part[at - 1] < part) {
            if (at < STORE_SHARES_MAX) {
                v->share_part[at] = v->share_part[at - 1];
                v->share_channel[at] = v->share_channel[at - 1];
            }
            at--;
        }
        if (at == STORE_SHARES_MAX) continue;
        v->share_part[at] = part;
        v->share_channel[at] = a->channel[a->map[c]].store;
    }
}

static andon_status put_verdict(struct engine *e, const struct asset *a, const struct row *r,
                                struct store_verdict *v, andon_error *err)
{
    const struct andon_verdict *said = &r->verdict;
    *v = (struct store_verdict){.score = said->score, .p_value = said->p_value,
                                .confidence = said->confidence, .coverage = said->coverage,
                                .share = said->share, .state = said->state,
                                .reason = said->reason, .is_anomaly = said->is_anomaly != 0,
                                .channel = STORE_NO_CHANNEL};
    if (a->model == NULL) return ANDON_OK;
    andon_status st = name_model(e, a->model, &v->model, err);
    if (r->value == TURN_NONE) return st;
    if (said->channel < a->model->channels && a->map[said->channel] != TURN_NONE)
        v->channel = a->channel[a->map[said->channel]].store;
    if (said->is_anomaly) put_shares(a, e->turn.share + r->share, v);
    return st;
}

static andon_status describe(struct engine *e, struct asset *a, andon_error *err)
{
    size_t size = asset_describe(a, e->description, ASSET_DESCRIPTION_MAX);
    if (size == 0) return ANDON_OK; /* thousands of channels with long names: not described */
    a->described = true;
    return store_describe(e->store, a->store, (struct text){e->description, (uint32_t)size}, err);
}

static andon_status put_row(struct engine *e, const struct row *r, andon_error *err)
{
    struct asset *a = floor_asset(e->floor, r->asset);
    andon_status st = name_asset(e, a, err);
    struct store_row row = {.ts_ns = r->ts_ns, .received_ns = r->received_ns, .field = e->field,
                            .judged = true};
    for (uint32_t i = 0; i < r->fields && i < FIELDS_MAX && st == ANDON_OK; i++) {
        const struct field *f = &e->turn.field[r->field + i];
        st = name_channel(e, a, f->channel, err);
        e->field[row.fields++] = (struct store_field){
            .channel = a->channel[f->channel].store, .kind = f->kind,
            .quality = f->quality | r->quality, .number = f->number,
            .text = f->kind == READING_TEXT ? turn_text(&e->turn, f->text, f->text_bytes)
                                            : (struct text){"", 0}};
    }
    row.asset = a->store;
    if (st == ANDON_OK) st = put_verdict(e, a, r, &row.verdict, err);
    if (st == ANDON_OK) st = store_rows(e->store, &row, 1, err);
    return st == ANDON_OK && !a->described ? describe(e, a, err) : st;
}

static const char *door_name(uint8_t door)
{
    switch (door) {
    case MESSAGE_MQTT: return "mqtt";
    case MESSAGE_BROKER: return "broker";
    case MESSAGE_NATIVE: return "http";
    case MESSAGE_LINE: return "line";
    case MESSAGE_THINGSBOARD: return "thingsboard";
    case MESSAGE_FILE: return "file";
    default: return "unknown";
    }
}

static andon_status put_dead(struct engine *e, const struct dead *d, andon_error *err)
{
    const struct turn *t = &e->turn;
    struct store_dead dead = {.received_ns = d->received_ns, .offset = d->offset,
                              .index = d->index, .door = text_of(door_name(d->door)),
                              .client = turn_text(t, d->client, d->client_bytes),
                              .topic = turn_text(t, d->topic, d->topic_bytes),
                              .reason = text_of(d->reason),
                              .payload = turn_text(t, d->payload, d->payload_bytes)};
    return store_dead(e->store, &dead, err);
}

/* Everything of the turn that the store does not have yet. */
static andon_status put_turn(struct engine *e, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < e->turn.rows && st == ANDON_OK; i++)
        if (e->turn.row[i].offset >= e->skip_before) st = put_row(e, &e->turn.row[i], err);
    for (uint32_t i = 0; i < e->turn.deads && st == ANDON_OK; i++)
        if (e->turn.dead[i].offset >= e->skip_before) st = put_dead(e, &e->turn.dead[i], err);
    return st;
}

/* Whoever opens the engine next asks what is published before the journal is read again. */
static bool checkpoint_due(const struct engine *e)
{
    return e->rules_changed || e->records_since >= e->options.checkpoint_records ||
           (e->records_since > 0 && clock_steady_ns() - e->checkpoint_at_ns > e->options.checkpoint_ns);
}

/* Numbers that a rolled back transaction gave are given again. */
static void forget_numbers(struct engine *e)
{
    for (uint32_t i = 0; i < floor_assets(e->floor); i++) {
        struct asset *a = floor_asset(e->floor, i);
        a->store = 0;
        a->described = false;
        for (uint32_t c = 0; c < a->channels; c++) a->channel[c].store = 0;
    }
    for (uint32_t i = 0; i < models_count(e->models); i++) models_at(e->models, i)->store = 0;
}

static andon_status try_commit(struct engine *e, bool checkpoint, andon_error *err)
{
    uint64_t next = e->turn.next > e->skip_before ? e->turn.next : e->skip_before;
    andon_status st = ANDON_OK;
    if (e->options.sync_turns) st = journal_sync_up_to(e->journal, next, err);
    if (st != ANDON_OK) return st;
    st = store_begin(e->store, err);
    if (st != ANDON_OK) return st;
    st = put_turn(e, err);
    /* Only where the state is the store's: not while records are read again. */
    if (st == ANDON_OK && checkpoint && e->turn.next >= e->skip_before)
        st = checkpoint_write(e->store, e->floor, e->turn.next, err);
    if (st == ANDON_OK) st = store_commit(e->store, next, e->turn.now_ns, err);
    if (st == ANDON_OK) return st;
    store_roll_back(e->store);
    forget_numbers(e);
    return st;
}

static void tell_failure(struct engine *e, const char *text)
{
    pthread_mutex_lock(&e->lock);
    if (e->figures.failed_since_ns == 0 && text != NULL) {
        e->figures.failed_since_ns = clock_wall_ns();
        log_line(LOG_ERROR, "store", "not written, will be tried again", "%s", text);
    }
    if (text == NULL && e->figures.failed_since_ns != 0) {
        e->figures.failed_since_ns = 0;
        log_line(LOG_INFO, "store", "written again", "%s", "");
    }
    snprintf(e->figures.failure, sizeof e->figures.failure, "%s", text != NULL ? text : "");
    pthread_mutex_unlock(&e->lock);
}

/* Commits the turn; tries until the store takes it or the engine must stop. */
static bool commit(struct engine *e, bool checkpoint)
{
    andon_error err = {""};
    int64_t wait_ns = 50 * NS_PER_MS;
    while (try_commit(e, checkpoint, &err) != ANDON_OK) {
        tell_failure(e, err.text);
        if (atomic_load(&e->stop)) return false;
        struct timespec pause = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
        nanosleep(&pause, NULL);
        wait_ns = wait_ns < NS_PER_S ? 2 * wait_ns : NS_PER_S;
    }
    tell_failure(e, NULL);
    e->records_since += e->turn.records;
    if (checkpoint && e->turn.next >= e->skip_before) {
        checkpoint_taken(e->floor);
        e->records_since = 0;
        e->rules_changed = false;
        e->checkpoint_at_ns = clock_steady_ns();
        journal_release(e->journal, store_checkpoint_offset(e->store));
    }
    return true;
}

static void count(struct engine *e, int64_t took_ns)
{
    pthread_mutex_lock(&e->lock);
    struct engine_figures *f = &e->figures;
    f->floor = *floor_figures(e->floor);
    store_figures(e->store, &f->store);
    f->turns++;
    f->rows += e->turn.rows;
    f->assets = floor_assets(e->floor);
    f->models = models_count(e->models);
    f->offset = store_offset(e->store);
    f->journal_ns = e->turn.now_ns;
    f->turn_ns_sum += took_ns;
    f->turn_ns_max = took_ns > f->turn_ns_max ? took_ns : f->turn_ns_max;
    if (e->turn.next <= e->skip_before) f->replayed_records += e->turn.records;
    pthread_mutex_unlock(&e->lock);
}

/* One turn. False: nothing waited, or the store could not be written before the stop. */
static bool take_turn(struct engine *e)
{
    int64_t began = clock_steady_ns();
    if (!read_turn(e)) return false;
    shards_score(e->shards, e->floor, &e->turn);
    floor_judged(e->floor, &e->turn);
    bool again = e->turn.next <= e->skip_before; /* all of it is in the store */
    if (!again && !commit(e, checkpoint_due(e))) return false;
    count(e, clock_steady_ns() - began);
    if (!again && e->options.watch.committed != NULL)
        e->options.watch.committed(e->options.watch.context, e->floor, &e->turn);
    return true;
}

/* An empty turn that writes the checkpoint of what has been taken. */
static void last_checkpoint(struct engine *e)
{
    uint64_t next = e->turn.next;
    if (e->records_since == 0 || next < e->skip_before) return;
    int64_t now = e->turn.now_ns;
    turn_begin(&e->turn, next);
    e->turn.now_ns = now;
    (void)commit(e, true);
}

void engine_run(struct engine *e, int64_t drain_ns)
{
    e->checkpoint_at_ns = clock_steady_ns();
    while (!atomic_load(&e->stop))
        if (!take_turn(e)) journal_wait(e->journal, journal_cursor_offset(e->cursor), NS_PER_S);
    int64_t until = clock_steady_ns() + drain_ns;
    bool more = true;
    while (more && clock_steady_ns() < until) more = take_turn(e);
    last_checkpoint(e);
}

void engine_figures(struct engine *e, struct engine_figures *figures)
{
    pthread_mutex_lock(&e->lock);
    *figures = e->figures;
    pthread_mutex_unlock(&e->lock);
}
