/* The turn. While one is being written into the store, the next one is read and scored.
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
#include "engine/writer.h"

#define NS_PER_S INT64_C(1000000000)
enum { TURN_RECORDS_MAX = 4096, TURN_ROWS_ENOUGH = 2048, ROWS_HANDED_MIN = 64, STORE_LOOK_NS = 200000000 };

struct engine {
    struct engine_options options;
    struct journal *journal;
    struct journal_cursor *cursor;
    struct store *store;
    struct models *models;
    struct floor *floor;
    struct shards *shards;
    struct writer *writer;
    struct turn turns[2], *turn;   /* the present one */
    struct turn *writing;          /* the one that the writer's thread has, or NULL */
    int64_t writing_began_ns;
    uint64_t next;                 /* behind the last record that was taken */
    int64_t now_ns;                /* journal time there */
    int64_t store_looked_ns;       /* when the store's figures were taken last */
    bool gave_up;                  /* a turn was not written before the stop */
    struct journal_record waiting; /* a record that did not fit the turn before */
    bool has_waiting;
    bool rules_changed;            /* a model or configuration, since the last checkpoint */
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

static andon_status open_writer(struct engine *e, andon_error *err)
{
    struct writer_options options = {.journal = e->journal, .store = e->store, .floor = e->floor,
                                     .models = e->models, .sync_turns = e->options.sync_turns,
                                     .skip_before = e->skip_before};
    return writer_open(&options, &e->writer, err);
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
    e->turn = &e->turns[0];
    andon_status st = ANDON_OK;
    if (!turn_open(&e->turns[0]) || !turn_open(&e->turns[1]))
        st = andon_fail(err, ANDON_ENOMEM, "no memory for a turn");
    if (st == ANDON_OK) st = models_open(options->models, &e->models, err);
    if (st == ANDON_OK) st = floor_open(&options->floor, e->models, &e->floor, err);
    if (st == ANDON_OK) st = shards_open(e->options.shards, options->kernel, &e->shards, err);
    if (st == ANDON_OK) st = restore(e, err);
    if (st == ANDON_OK) st = open_writer(e, err);
    if (st == ANDON_OK) *engine = e;
    else engine_close(e);
    return st;
}

void engine_close(struct engine *e)
{
    if (e == NULL) return;
    writer_close(e->writer);
    journal_cursor_close(e->cursor);
    shards_close(e->shards);
    floor_close(e->floor);
    models_close(e->models);
    turn_close(&e->turns[0]);
    turn_close(&e->turns[1]);
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

static bool collect(struct engine *e);

static bool changes_rules(const struct journal_record *record)
{
    return record->type == JOURNAL_MODEL || record->type == JOURNAL_CONFIG;
}

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
        if (!begun) turn_begin(e->turn, record.offset);
        begun = true;
        e->waiting = record;
        /* Whoever is told of a turn sees the rules that it was judged by. */
        e->has_waiting = (changes_rules(&record) && !collect(e)) ||
                         !floor_take(e->floor, &record, e->turn);
        if (e->has_waiting) break;
        e->rules_changed |= changes_rules(&record);
        if (record.next == e->skip_before || e->turn->rows >= TURN_ROWS_ENOUGH) break;
    }
    e->next = begun ? e->turn->next : e->next;
    e->now_ns = begun ? e->turn->now_ns : e->now_ns;
    return begun;
}

/* ---- writing ---- */

/* Whoever opens the engine next asks what is published before the journal is read again. */
static bool checkpoint_due(const struct engine *e)
{
    return e->rules_changed || e->records_since >= e->options.checkpoint_records ||
           (e->records_since > 0 && clock_steady_ns() - e->checkpoint_at_ns > e->options.checkpoint_ns);
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

/* Counts a turn that is committed, and tells those who watch. */
static void told(struct engine *e, const struct turn *t, int64_t took_ns, bool beside)
{
    int64_t now = clock_steady_ns();
    pthread_mutex_lock(&e->lock);
    struct engine_figures *f = &e->figures;
    f->floor = *floor_figures(e->floor);
    if (now - e->store_looked_ns >= STORE_LOOK_NS || t->rows == 0) {
        store_figures(e->store, &f->store);
        e->store_looked_ns = now;
    }
    f->turns++;
    f->beside += beside;
    f->rows += t->rows;
    f->assets = floor_assets(e->floor);
    f->models = models_count(e->models);
    f->offset = store_offset(e->store);
    f->journal_ns = t->now_ns;
    f->turn_ns_sum += took_ns;
    f->turn_ns_max = took_ns > f->turn_ns_max ? took_ns : f->turn_ns_max;
    if (t->next <= e->skip_before) f->replayed_records += t->records;
    pthread_mutex_unlock(&e->lock);
    if (t->next > e->skip_before && e->options.watch.committed != NULL)
        e->options.watch.committed(e->options.watch.context, e->floor, t);
}

/* Commits the turn; tries until the store takes it or the engine must stop. */
static bool commit(struct engine *e, const struct turn *t, bool checkpoint)
{
    andon_error err = {""};
    int64_t wait_ns = 50 * NS_PER_MS;
    while (writer_put(e->writer, t, checkpoint, &err) != ANDON_OK) {
        tell_failure(e, err.text);
        e->gave_up = atomic_load(&e->stop);
        if (e->gave_up) return false;
        struct timespec pause = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
        nanosleep(&pause, NULL);
        wait_ns = wait_ns < NS_PER_S ? 2 * wait_ns : NS_PER_S;
    }
    tell_failure(e, NULL);
    e->records_since += t->records;
    if (checkpoint && t->next >= e->skip_before) {
        checkpoint_taken(e->floor);
        e->records_since = 0;
        e->rules_changed = false;
        e->checkpoint_at_ns = clock_steady_ns();
        journal_release(e->journal, store_checkpoint_offset(e->store));
    }
    return true;
}

/* Waits for the turn that is being written; one that failed is tried here. False: the store could not be
 * written before the stop. */
static bool collect(struct engine *e)
{
    const struct turn *t = e->writing;
    andon_error err = {""};
    if (t == NULL) return !e->gave_up;
    e->writing = NULL;
    if (writer_wait(e->writer, &err) == ANDON_OK) {
        e->records_since += t->records;
    } else {
        tell_failure(e, err.text);
        if (!commit(e, t, false)) return false;
    }
    told(e, t, clock_steady_ns() - e->writing_began_ns, true);
    return true;
}

/* A turn worth a thread is written while the next one is read: where there is a next one. */
static bool hand_over(struct engine *e, int64_t began_ns)
{
    struct turn *t = e->turn;
    if (t->rows < ROWS_HANDED_MIN || checkpoint_due(e) || journal_end(e->journal) <= t->next)
        return false;
    if (!writer_hand(e->writer, t)) return false;
    e->writing = t;
    e->writing_began_ns = began_ns;
    e->turn = t == &e->turns[0] ? &e->turns[1] : &e->turns[0];
    return true;
}

/* One turn. False: nothing waited, or the store could not be written before the stop. */
static bool take_turn(struct engine *e)
{
    int64_t began = clock_steady_ns();
    bool writes = e->writing != NULL;
    if (e->gave_up) return false;
    if (!read_turn(e)) return collect(e) && writes;
    const struct turn *t = e->turn;
    shards_score(e->shards, e->floor, e->turn);
    floor_judged(e->floor, t);
    if (!collect(e)) return false;
    bool again = t->next <= e->skip_before; /* all of it is in the store */
    if (!again && hand_over(e, began)) return true;
    if (!again && !commit(e, t, checkpoint_due(e))) return false;
    told(e, t, clock_steady_ns() - began, false);
    return true;
}

/* An empty turn that writes the checkpoint of what has been taken. */
static void last_checkpoint(struct engine *e)
{
    if (!collect(e) || e->records_since == 0 || e->next < e->skip_before) return;
    turn_begin(e->turn, e->next);
    e->turn->now_ns = e->now_ns;
    (void)commit(e, e->turn, true);
}

void engine_run(struct engine *e, int64_t drain_ns)
{
    e->checkpoint_at_ns = clock_steady_ns();
    while (!atomic_load(&e->stop))
        if (!take_turn(e)) journal_wait(e->journal, e->next, NS_PER_S);
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
