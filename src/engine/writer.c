/* From turns to the store's rows.
 *
 * Invariants: 1. between writer_hand and writer_wait the thread alone uses the store, and reads nothing
 * but the rows that were made for it and the turn's texts; 2. numbers of the store stand in assets,
 * channels and models only if they are committed, or are being. */
#include "engine/writer.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/checkpoint.h"

enum work { NOTHING, HANDED, DONE };

struct writer {
    struct writer_options options;
    struct store *store;
    char *description;         /* description[ASSET_DESCRIPTION_MAX]                          */
    struct store_row *row;     /* row[TURN_ROWS_MAX], of the turn that was handed over        */
    struct store_field *field; /* field[TURN_FIELDS_MAX], of it, or of one row in writer_put  */
    uint32_t rows;
    const struct turn *turn;
    pthread_t thread;
    bool runs, stop;
    pthread_mutex_t lock;
    pthread_cond_t more;
    enum work work;            /* with stop, guarded by lock */
    andon_status status;
    andon_error err;
};

/* ---- what the store calls things ---- */

static andon_status name_asset(struct writer *w, struct asset *a, andon_error *err)
{
    if (a->store != 0) return ANDON_OK;
    return store_asset(w->store, (struct text){a->path, a->path_bytes}, &a->store, err);
}

static andon_status name_channel(struct writer *w, struct asset *a, uint32_t c, andon_error *err)
{
    struct channel *channel = &a->channel[c];
    if (channel->store != 0) return ANDON_OK;
    struct text name = {channel->name, channel->name_bytes};
    return store_channel(w->store, a->store, name, (enum store_kind)channel->kind, &channel->store,
                         err);
}

static andon_status name_model(struct writer *w, const struct published *model, andon_error *err)
{
    struct published *p = models_at(w->options.models, model->number);
    if (p->store != 0) return ANDON_OK;
    return store_model(w->store, text_of(p->name), p->version, p->checksum, &p->store, err);
}

/* Gives everything in the row a number. */
static andon_status name_row(struct writer *w, const struct turn *t, const struct row *r,
                             andon_error *err)
{
    struct asset *a = floor_asset(w->options.floor, r->asset);
    andon_status st = name_asset(w, a, err);
    for (uint32_t i = 0; i < r->fields && st == ANDON_OK; i++)
        st = name_channel(w, a, t->field[r->field + i].channel, err);
    return st == ANDON_OK && a->model != NULL ? name_model(w, a->model, err) : st;
}

/* Whether everything in the row has its number, and its asset its description. */
static bool is_known(const struct writer *w, const struct turn *t, const struct row *r)
{
    const struct asset *a = floor_asset(w->options.floor, r->asset);
    bool known = a->store != 0 && a->described && (a->model == NULL || a->model->store != 0);
    for (uint32_t i = 0; i < r->fields && known; i++)
        known = a->channel[t->field[r->field + i].channel].store != 0;
    return known;
}

/* Numbers that a rolled back transaction gave are given again. */
static void forget_numbers(struct writer *w)
{
    struct floor *floor = w->options.floor;
    for (uint32_t i = 0; i < floor_assets(floor); i++) {
        struct asset *a = floor_asset(floor, i);
        a->store = 0;
        a->described = false;
        for (uint32_t c = 0; c < a->channels; c++) a->channel[c].store = 0;
    }
    struct models *models = w->options.models;
    for (uint32_t i = 0; i < models_count(models); i++) models_at(models, i)->store = 0;
}

/* ---- rows ---- */

/* The parts of an anomalous row's score, largest first. */
static void make_shares(const struct asset *a, const float *share, struct store_verdict *v)
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

static void make_verdict(const struct asset *a, const struct turn *t, const struct row *r,
                         struct store_verdict *v)
{
    const struct andon_verdict *said = &r->verdict;
    v->score = said->score;
    v->p_value = said->p_value;
    v->confidence = said->confidence;
    v->coverage = said->coverage;
    v->share = said->share;
    v->state = said->state;
    v->reason = said->reason;
    v->is_anomaly = said->is_anomaly != 0;
    v->model = a->model != NULL ? a->model->store : 0;
    v->channel = STORE_NO_CHANNEL;
    v->shares = 0;
    if (a->model == NULL || r->value == TURN_NONE) return;
    if (said->channel < a->model->channels && a->map[said->channel] != TURN_NONE)
        v->channel = a->channel[a->map[said->channel]].store;
    if (said->is_anomaly) make_shares(a, t->share + r->share, v);
}

/* The store's row of a row in which everything has its number. */
static void make_row(const struct writer *w, const struct turn *t, const struct row *r,
                     struct store_field *field, struct store_row *row)
{
    const struct asset *a = floor_asset(w->options.floor, r->asset);
    for (uint32_t i = 0; i < r->fields; i++) {
        const struct field *f = &t->field[r->field + i];
        bool is_text = f->kind == READING_TEXT;
        field[i] = (struct store_field){
            .channel = a->channel[f->channel].store, .kind = f->kind,
            .quality = f->quality | r->quality, .number = f->number,
            .text = is_text ? turn_text(t, f->text, f->text_bytes) : (struct text){"", 0}};
    }
    row->asset = a->store;
    row->ts_ns = r->ts_ns;
    row->received_ns = r->received_ns;
    row->field = field;
    row->fields = r->fields;
    row->judged = true;
    make_verdict(a, t, r, &row->verdict);
}

static andon_status describe(struct writer *w, struct asset *a, andon_error *err)
{
    size_t size = asset_describe(a, w->description, ASSET_DESCRIPTION_MAX);
    a->described = true;
    if (size == 0) return ANDON_OK; /* thousands of channels with long names: not described */
    return store_describe(w->store, a->store, (struct text){w->description, (uint32_t)size}, err);
}

static andon_status put_row(struct writer *w, const struct turn *t, const struct row *r,
                            andon_error *err)
{
    struct asset *a = floor_asset(w->options.floor, r->asset);
    andon_status st = name_row(w, t, r, err);
    if (st != ANDON_OK) return st;
    make_row(w, t, r, w->field, w->row);
    st = store_rows(w->store, w->row, 1, err);
    return st == ANDON_OK && !a->described ? describe(w, a, err) : st;
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

static andon_status put_dead(struct writer *w, const struct turn *t, const struct dead *d,
                             andon_error *err)
{
    struct store_dead dead = {.received_ns = d->received_ns, .offset = d->offset,
                              .index = d->index, .door = text_of(door_name(d->door)),
                              .client = turn_text(t, d->client, d->client_bytes),
                              .topic = turn_text(t, d->topic, d->topic_bytes),
                              .reason = text_of(d->reason),
                              .payload = turn_text(t, d->payload, d->payload_bytes)};
    return store_dead(w->store, &dead, err);
}

/* ---- in the caller's thread ---- */

/* Everything of the turn that the store does not have yet. */
static andon_status put_all(struct writer *w, const struct turn *t, andon_error *err)
{
    andon_status st = ANDON_OK;
    uint64_t from = w->options.skip_before;
    for (uint32_t i = 0; i < t->rows && st == ANDON_OK; i++)
        if (t->row[i].offset >= from) st = put_row(w, t, &t->row[i], err);
    for (uint32_t i = 0; i < t->deads && st == ANDON_OK; i++)
        if (t->dead[i].offset >= from) st = put_dead(w, t, &t->dead[i], err);
    return st;
}

andon_status writer_put(struct writer *w, const struct turn *t, bool checkpoint, andon_error *err)
{
    uint64_t next = t->next > w->options.skip_before ? t->next : w->options.skip_before;
    andon_status st = ANDON_OK;
    if (w->options.sync_turns) st = journal_sync_up_to(w->options.journal, next, err);
    if (st == ANDON_OK) st = store_begin(w->store, err);
    if (st != ANDON_OK) return st;
    st = put_all(w, t, err);
    /* Only where the state is the store's: not while records are read again. */
    if (st == ANDON_OK && checkpoint && t->next >= w->options.skip_before)
        st = checkpoint_write(w->store, w->options.floor, t->next, err);
    if (st == ANDON_OK) st = store_commit(w->store, next, t->now_ns, err);
    if (st == ANDON_OK) return st;
    store_roll_back(w->store);
    forget_numbers(w);
    return st;
}

/* ---- in the writer's thread ---- */

static andon_status write_handed(struct writer *w, andon_error *err)
{
    const struct turn *t = w->turn;
    andon_status st = ANDON_OK;
    if (w->options.sync_turns) st = journal_sync_up_to(w->options.journal, t->next, err);
    if (st == ANDON_OK) st = store_begin(w->store, err);
    if (st != ANDON_OK) return st;
    st = store_rows(w->store, w->row, w->rows, err);
    for (uint32_t i = 0; i < t->deads && st == ANDON_OK; i++) st = put_dead(w, t, &t->dead[i], err);
    if (st == ANDON_OK) st = store_commit(w->store, t->next, t->now_ns, err);
    if (st != ANDON_OK) store_roll_back(w->store);
    return st;
}

static void *run(void *context)
{
    struct writer *w = context;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->work != HANDED && !w->stop) pthread_cond_wait(&w->more, &w->lock);
        if (w->stop) break;
        pthread_mutex_unlock(&w->lock);
        andon_status st = write_handed(w, &w->err);
        pthread_mutex_lock(&w->lock);
        w->status = st;
        w->work = DONE;
        pthread_cond_broadcast(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

bool writer_hand(struct writer *w, const struct turn *t)
{
    if (t->from < w->options.skip_before) return false;
    uint32_t fields = 0;
    for (uint32_t i = 0; i < t->rows; i++) {
        if (!is_known(w, t, &t->row[i])) return false;
        make_row(w, t, &t->row[i], w->field + fields, &w->row[i]);
        fields += t->row[i].fields;
    }
    pthread_mutex_lock(&w->lock);
    w->turn = t;
    w->rows = t->rows;
    w->work = HANDED;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    return true;
}

andon_status writer_wait(struct writer *w, andon_error *err)
{
    pthread_mutex_lock(&w->lock);
    while (w->work != DONE) pthread_cond_wait(&w->more, &w->lock);
    w->work = NOTHING;
    andon_status st = w->status;
    pthread_mutex_unlock(&w->lock);
    if (st == ANDON_OK) return st;
    forget_numbers(w);
    return andon_fail(err, st, "%s", w->err.text);
}

/* ---- open and close ---- */

andon_status writer_open(const struct writer_options *options, struct writer **writer,
                         andon_error *err)
{
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the writer");
    w->options = *options;
    w->store = options->store;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    w->description = malloc(ASSET_DESCRIPTION_MAX);
    w->row = calloc(TURN_ROWS_MAX, sizeof *w->row);
    w->field = calloc(TURN_FIELDS_MAX, sizeof *w->field);
    andon_status st = ANDON_OK;
    if (w->description == NULL || w->row == NULL || w->field == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no memory for the writer");
    else if (pthread_create(&w->thread, NULL, run, w) != 0)
        st = andon_fail(err, ANDON_ENOMEM, "no thread for the writer");
    else w->runs = true;
    if (st == ANDON_OK) *writer = w;
    else writer_close(w);
    return st;
}

void writer_close(struct writer *w)
{
    if (w == NULL) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    if (w->runs) pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w->description);
    free(w->row);
    free(w->field);
    free(w);
}
