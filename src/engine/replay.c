/* Reading the journal again. One pass with the models as published gives the fingerprint and the events
 * of the live verdicts; a second one, with a candidate in their place, its events. */
#include "engine/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_RECORDS = 4096 };

struct span { /* an event */
    uint32_t asset;
    int64_t start_ns, end_ns;
};

struct pass {
    const struct replay_options *options;
    struct models *models;
    struct floor *floor;
    struct shards *shards;
    struct turn turn;
    struct journal_cursor *cursor;
    uint64_t until;                    /* journal offset            */
    struct fingerprint print;
    uint64_t records, rows;            /* rows: anomalous ones      */
    struct span *span;                 /* span[spans], by start within an asset */
    uint32_t spans, spans_room;
    uint32_t *open;                    /* open[assets]: the asset's running event, TURN_NONE */
    uint32_t opens_room;
};

static void pass_end(struct pass *p)
{
    journal_cursor_close(p->cursor);
    shards_close(p->shards);
    floor_close(p->floor);
    models_close(p->models);
    turn_close(&p->turn);
    free(p->span);
    free(p->open);
}

static andon_status pass_begin(struct pass *p, const struct replay_options *o, uint64_t until,
                               andon_error *err)
{
    char dir[4096];
    uint32_t checksum;
    const struct published *candidate;
    andon_status st = ANDON_OK;
    *p = (struct pass){.options = o, .until = until};
    if (!turn_open(&p->turn)) st = andon_fail(err, ANDON_ENOMEM, "no memory for a turn");
    snprintf(dir, sizeof dir, "%s/models", o->dir);
    if (st == ANDON_OK) st = models_open(dir, &p->models, err);
    if (st == ANDON_OK) st = floor_open(&o->floor, p->models, &p->floor, err);
    if (st == ANDON_OK) st = shards_open(o->shards == 0 ? 1 : o->shards, o->kernel, &p->shards, err);
    if (st == ANDON_OK && o->candidate != NULL) {
        st = models_keep(dir, o->candidate, &checksum, err);
        if (st == ANDON_OK)
            st = models_publish(p->models, TEXT("candidate"), 1, checksum, &candidate, err);
        if (st == ANDON_OK) floor_try(p->floor, candidate);
    }
    snprintf(dir, sizeof dir, "%s/journal", o->dir);
    return st == ANDON_OK ? journal_cursor_open(NULL, dir, 0, &p->cursor, err) : st;
}

static bool counts(const struct pass *p, const struct row *r)
{
    return r->ts_ns >= p->options->from_ns && r->ts_ns < p->options->to_ns;
}

static void add_print(struct pass *p, const struct row *r)
{
    const struct asset *a = floor_asset(p->floor, r->asset);
    const struct andon_verdict *v = &r->verdict;
    struct said said = {.asset = {a->path, a->path_bytes}, .channel = {"", 0}, .model = {"", 0},
                        .ts_ns = r->ts_ns, .score = v->score, .p_value = v->p_value,
                        .state = v->state, .reason = v->reason, .is_anomaly = v->is_anomaly};
    if (a->model != NULL) {
        said.model = text_of(a->model->name);
        said.version = a->model->version;
        if (r->value != TURN_NONE && v->channel < a->model->channels &&
            a->map[v->channel] != TURN_NONE) {
            const struct channel *c = &a->channel[a->map[v->channel]];
            said.channel = (struct text){c->name, c->name_bytes};
        }
    }
    fingerprint_add(&p->print, said_hash(&said));
}

/* Rows of the running event of each asset. */
static bool add_event(struct pass *p, const struct row *r)
{
    if (r->asset >= p->opens_room) {
        uint32_t room = p->opens_room == 0 ? 256 : p->opens_room;
        while (room <= r->asset) room *= 2;
        uint32_t *more = realloc(p->open, room * sizeof *more);
        if (more == NULL) return false;
        memset(more + p->opens_room, 0xff, (room - p->opens_room) * sizeof *more);
        p->open = more;
        p->opens_room = room;
    }
    uint32_t *open = &p->open[r->asset];
    if (!r->verdict.is_anomaly) {
        if (r->verdict.state == ANDON_NORMAL) *open = TURN_NONE;
        return true;
    }
    p->rows++;
    if (*open != TURN_NONE) {
        p->span[*open].end_ns = r->ts_ns;
        return true;
    }
    if (p->spans == p->spans_room) {
        uint32_t room = p->spans_room == 0 ? 256 : 2 * p->spans_room;
        struct span *more = realloc(p->span, room * sizeof *more);
        if (more == NULL) return false;
        p->span = more;
        p->spans_room = room;
    }
    *open = p->spans;
    p->span[p->spans++] = (struct span){r->asset, r->ts_ns, r->ts_ns};
    return true;
}

static andon_status judge(struct pass *p, andon_error *err)
{
    shards_score(p->shards, p->floor, &p->turn);
    for (uint32_t i = 0; i < p->turn.rows; i++) {
        const struct row *r = &p->turn.row[i];
        if (!counts(p, r)) continue;
        add_print(p, r);
        if (!add_event(p, r)) return andon_fail(err, ANDON_ENOMEM, "no memory for events");
    }
    return ANDON_OK;
}

static andon_status pass_run(struct pass *p, andon_error *err)
{
    struct journal_record record;
    andon_status st = ANDON_OK;
    int got;
    turn_begin(&p->turn, 0);
    while (st == ANDON_OK && (got = journal_next(p->cursor, &record, err)) == 1) {
        if (record.offset >= p->until) break;
        if (p->records == 0 && record.offset > 0)
            return andon_fail(err, ANDON_EDATA,
                              "%s/journal: begins at offset %llu; a replay needs it from 0 on",
                              p->options->dir, (unsigned long long)record.offset);
        bool full = p->turn.records == TURN_RECORDS || !floor_take(p->floor, &record, &p->turn);
        if (full) {
            st = judge(p, err);
            turn_begin(&p->turn, record.offset);
            if (st == ANDON_OK && !floor_take(p->floor, &record, &p->turn))
                st = andon_fail(err, ANDON_ELIMIT, "a record does not fit a turn");
        }
        p->records++;
        if (p->options->tell != NULL && p->records % 65536 == 0 && p->until > 0 &&
            p->options->tell(p->options->context, (double)record.offset / (double)p->until))
            return andon_fail(err, ANDON_ESTOP, "stopped");
    }
    return st == ANDON_OK ? judge(p, err) : st;
}

/* ---- what is stored ---- */

struct stored {
    struct reader *reader;
    const struct replay_options *options;
    struct fingerprint print;
    struct text asset;
    struct { char path[512]; uint32_t bytes, asset; } *list; /* list[assets] */
    uint32_t assets, room;
    bool failed;
};

static bool list_asset(void *context, const struct reader_asset *asset)
{
    struct stored *s = context;
    if (s->assets == s->room) {
        s->room = s->room == 0 ? 256 : 2 * s->room;
        void *more = realloc(s->list, s->room * sizeof *s->list);
        if (more == NULL) {
            s->failed = true;
            return false;
        }
        s->list = more;
    }
    uint32_t bytes = asset->path.length < 511 ? asset->path.length : 511;
    memcpy(s->list[s->assets].path, asset->path.at, bytes);
    s->list[s->assets].bytes = bytes;
    s->list[s->assets++].asset = asset->asset;
    return true;
}

static bool add_stored(void *context, const struct reader_row *row)
{
    struct stored *s = context;
    const struct store_verdict *v = &row->verdict;
    if (!row->judged) return true;
    struct said said = {.asset = s->asset, .channel = {"", 0}, .model = {"", 0},
                        .ts_ns = row->ts_ns, .score = v->score, .p_value = v->p_value,
                        .state = v->state, .reason = v->reason, .is_anomaly = v->is_anomaly};
    char channel[512];
    if (v->channel != STORE_NO_CHANNEL) {
        struct text name = reader_channel_name(s->reader, v->channel);
        uint32_t bytes = name.length < sizeof channel ? name.length : (uint32_t)sizeof channel;
        memcpy(channel, name.at, bytes);
        said.channel = (struct text){channel, bytes};
    }
    if (v->model != 0) (void)reader_model_name(s->reader, v->model, &said.model, &said.version);
    fingerprint_add(&s->print, said_hash(&said));
    return true;
}

static andon_status read_stored(const struct replay_options *o, struct fingerprint *print,
                                uint64_t *offset, andon_error *err)
{
    char path[4096];
    struct stored s = {.options = o};
    snprintf(path, sizeof path, "%s/andon.db", o->dir);
    andon_status st = reader_open(path, &s.reader, err);
    if (st == ANDON_OK) st = reader_snapshot(s.reader, err);
    if (st == ANDON_OK) *offset = reader_offset(s.reader);
    if (st == ANDON_OK) st = reader_assets(s.reader, list_asset, &s, err);
    if (st == ANDON_OK && s.failed) st = andon_fail(err, ANDON_ENOMEM, "no memory for assets");
    for (uint32_t i = 0; i < s.assets && st == ANDON_OK; i++) {
        s.asset = (struct text){s.list[i].path, s.list[i].bytes};
        st = reader_rows(s.reader, s.list[i].asset, o->from_ns, o->to_ns, add_stored, &s, err);
    }
    *print = s.print;
    free(s.list);
    if (s.reader != NULL) reader_release(s.reader);
    reader_close(s.reader);
    return st;
}

/* ---- live against candidate ---- */

static void note_event(struct replay_result *r, const struct pass *p, const struct span *e, bool gained)
{
    *(gained ? &r->gained : &r->lost) += 1;
    if (r->event == NULL) r->event = calloc(REPLAY_EVENTS_MAX, sizeof *r->event);
    if (r->event == NULL || r->events == REPLAY_EVENTS_MAX) return;
    struct replay_event *to = &r->event[r->events++];
    snprintf(to->asset, sizeof to->asset, "%s", floor_asset(p->floor, e->asset)->path);
    to->start_ns = e->start_ns;
    to->end_ns = e->end_ns;
    to->gained = gained;
}

static const struct span *overlapping(const struct pass *p, const struct span *e)
{
    for (uint32_t i = 0; i < p->spans; i++)
        if (p->span[i].asset == e->asset && p->span[i].start_ns <= e->end_ns &&
            p->span[i].end_ns >= e->start_ns)
            return &p->span[i];
    return NULL;
}

static void compare(struct replay_result *r, const struct pass *live, const struct pass *candidate)
{
    r->rows_live = live->rows;
    r->rows_candidate = candidate->rows;
    r->events_live = live->spans;
    r->events_candidate = candidate->spans;
    for (uint32_t i = 0; i < live->spans; i++) {
        const struct span *other = overlapping(candidate, &live->span[i]);
        if (other == NULL) {
            note_event(r, live, &live->span[i], false);
            continue;
        }
        double sooner_s = (double)(live->span[i].start_ns - other->start_ns) / 1e9;
        r->earlier += sooner_s > 0;
        r->later += sooner_s < 0;
        r->same_time += !(sooner_s > 0 || sooner_s < 0);
        *(sooner_s > 0 ? &r->earlier_s : &r->later_s) += sooner_s > 0 ? sooner_s : -sooner_s;
    }
    for (uint32_t i = 0; i < candidate->spans; i++)
        if (overlapping(live, &candidate->span[i]) == NULL)
            note_event(r, candidate, &candidate->span[i], true);
}

andon_status replay_run(const struct replay_options *options, struct replay_result *result,
                        andon_error *err)
{
    struct replay_options as_published = *options;
    struct pass live = {0}, candidate = {0};
    *result = (struct replay_result){0};
    as_published.candidate = NULL;
    andon_status st = read_stored(options, &result->stored, &result->offset, err);
    if (st == ANDON_OK) st = pass_begin(&live, &as_published, result->offset, err);
    if (st == ANDON_OK) st = pass_run(&live, err);
    result->again = live.print;
    result->records = live.records;
    if (st == ANDON_OK && options->candidate != NULL) {
        st = pass_begin(&candidate, options, result->offset, err);
        if (st == ANDON_OK) st = pass_run(&candidate, err);
        if (st == ANDON_OK) compare(result, &live, &candidate);
    }
    pass_end(&live);
    pass_end(&candidate);
    return st;
}

void replay_free(struct replay_result *result)
{
    free(result->event);
    *result = (struct replay_result){0};
}
