/* The alarms as bytes of a checkpoint and back. One function per part goes both ways, so that what is
 * written is what is read.
 *
 * Invariant: what was loaded holds whatever the other files rely on (indices, enums, a record for every
 * point that is active, states that agree with their flags), or nothing was loaded. */
#include <math.h>
#include <string.h>

#include "alarm/inner.h"
#include "andon/model.h"

enum { FORMAT = 1 };
#define MAGIC UINT32_C(0x4d524c41) /* "ALRM" */

/* Either out or in. */
struct way {
    struct andon_writer *out;
    struct andon_reader *in;
};

static void byte(struct way *w, uint8_t *v)
{
    if (w->out != NULL) andon_put_u8(w->out, *v);
    else *v = andon_get_u8(w->in);
}

static void number(struct way *w, uint32_t *v)
{
    if (w->out != NULL) andon_put_u32(w->out, *v);
    else *v = andon_get_u32(w->in);
}

static void whole(struct way *w, uint64_t *v)
{
    if (w->out != NULL) andon_put_u64(w->out, *v);
    else *v = andon_get_u64(w->in);
}

static void time_of(struct way *w, int64_t *v)
{
    uint64_t bits = (uint64_t)*v;
    whole(w, &bits);
    *v = (int64_t)bits;
}

static void real(struct way *w, double *v)
{
    if (w->out != NULL) andon_put_f64(w->out, *v);
    else *v = andon_get_f64(w->in);
}

static void part_of(struct way *w, float *v)
{
    if (w->out != NULL) andon_put_f32(w->out, *v);
    else *v = andon_get_f32(w->in);
}

static void flag(struct way *w, bool *v)
{
    uint8_t bit = *v;
    byte(w, &bit);
    if (w->in != NULL && bit > 1) w->in->bad = true;
    *v = bit == 1;
}

static void words(struct way *w, char *text, size_t room)
{
    if (w->out != NULL) andon_put_text(w->out, text);
    else andon_get_text(w->in, text, room);
}
#define WORDS(w, array) words((w), (array), sizeof(array))

static void must(struct way *w, bool holds)
{
    if (w->in != NULL && !holds) w->in->bad = true;
}

static void moment(struct way *w, struct moment *m)
{
    time_of(w, &m->ts_ns);
    time_of(w, &m->now_ns);
}

static void parts(struct way *w, uint32_t *count, struct alarm_part *part)
{
    number(w, count);
    must(w, *count <= ALARM_DIAGNOSTICS_MAX);
    if (w->in != NULL && w->in->bad) *count = 0;
    for (uint32_t i = 0; i < *count; i++) {
        WORDS(w, part[i].channel);
        part_of(w, &part[i].part);
    }
}

static void record_flags(struct way *w, struct alarm_record *r)
{
    byte(w, &r->type), must(w, r->type < ALARM_TYPES);
    byte(w, &r->state), must(w, r->state < ALARM_STATES);
    byte(w, &r->priority), must(w, r->priority < ALARM_PRIORITIES);
    byte(w, &r->label), must(w, r->label < ALARM_LABELS);
    byte(w, &r->escalation);
    byte(w, &r->blind), must(w, r->blind <= ANDON_NO_MODEL);
    flag(w, &r->active);
    flag(w, &r->told);
    flag(w, &r->held);
    flag(w, &r->chattering);
    flag(w, &r->stale);
    flag(w, &r->hidden);
}

static void record(struct way *w, struct alarm_record *r)
{
    whole(w, &r->id);
    number(w, &r->sequence);
    number(w, &r->asset);
    record_flags(w, r);
    number(w, &r->raises);
    time_of(w, &r->began_ns);
    time_of(w, &r->raised_ns);
    time_of(w, &r->cleared_ns);
    time_of(w, &r->said_ns);
    time_of(w, &r->acked_ns);
    time_of(w, &r->shelved_until_ns);
    real(w, &r->score);
    real(w, &r->value);
    real(w, &r->limit);
    part_of(w, &r->confidence);
    real(w, &r->cost);
    WORDS(w, r->path);
    WORDS(w, r->channel);
    WORDS(w, r->name);
    WORDS(w, r->fault);
    WORDS(w, r->text);
    WORDS(w, r->advice);
    WORDS(w, r->acked_by);
    WORDS(w, r->labelled_by);
    WORDS(w, r->label_text);
    WORDS(w, r->comment);
    WORDS(w, r->hidden_by);
    parts(w, &r->parts, r->part);
}

static void draft(struct way *w, struct draft *d)
{
    WORDS(w, d->channel);
    WORDS(w, d->text);
    WORDS(w, d->advice);
    WORDS(w, d->fault);
    real(w, &d->score);
    real(w, &d->value);
    real(w, &d->limit);
    real(w, &d->cost);
    part_of(w, &d->confidence);
    time_of(w, &d->respond_ns);
    parts(w, &d->parts, d->part);
}

/* Everything but its number and its record. */
static void point(struct way *w, struct point *p)
{
    number(w, &p->asset);
    byte(w, &p->type), must(w, p->type < ALARM_TYPES);
    byte(w, &p->state), must(w, p->state < ALARM_STATES);
    whole(w, &p->votes);
    flag(w, &p->present);
    flag(w, &p->active);
    byte(w, &p->blind), must(w, p->blind <= ANDON_NO_MODEL);
    moment(w, &p->since);
    time_of(w, &p->began_ts_ns);
    flag(w, &p->suppressed);
    flag(w, &p->window);
    flag(w, &p->out);
    flag(w, &p->latched);
    time_of(w, &p->shelved_until_ns);
    moment(w, &p->ended);
    byte(w, &p->raises), must(w, p->raises <= CHATTER_MAX);
    for (uint32_t i = 0; i < p->raises && i < CHATTER_MAX; i++) moment(w, &p->raised[i]);
    flag(w, &p->chattering);
    time_of(w, &p->escalated_ns);
    byte(w, &p->updates);
    byte(w, &p->agree);
    whole(w, &p->other);
    draft(w, &p->draft);
    WORDS(w, p->path);
    WORDS(w, p->name);
}

static void window(struct way *w, struct alarm_window *v)
{
    whole(w, &v->id);
    time_of(w, &v->from_ns);
    time_of(w, &v->to_ns);
    must(w, v->from_ns < v->to_ns);
    WORDS(w, v->match);
    WORDS(w, v->text);
    WORDS(w, v->by);
}

static void spent(struct way *w, struct spent *s)
{
    uint64_t sum = 0;
    number(w, &s->events);
    for (int l = 0; l < ALARM_LABELS; l++) {
        number(w, &s->labelled[l]);
        sum += s->labelled[l];
    }
    must(w, sum == s->events);
}

/* The counters; what alarms_figures works out is not kept. */
static void counters(struct way *w, struct alarms_figures *f)
{
    for (int i = 0; i < ALARM_PRIORITIES; i++) whole(w, &f->annunciated[i]);
    for (int i = 0; i < ALARM_TYPES; i++) whole(w, &f->by_type[i]);
    for (int i = 0; i < ALARM_STATES; i++) whole(w, &f->transitions[i]);
    whole(w, &f->chattered);
    whole(w, &f->fleeting);
    whole(w, &f->floods);
    time_of(w, &f->watched_ns);
    time_of(w, &f->flood_ns);
    whole(w, &f->refused_points);
    whole(w, &f->refused_records);
}

static void head(struct way *w, struct alarms *a)
{
    time_of(w, &a->now_ns);
    time_of(w, &a->watermark_ns);
    time_of(w, &a->watched_now_ns);
    time_of(w, &a->watched_ts_ns);
    must(w, a->watched_now_ns >= 0 && a->watched_ts_ns >= 0);
    whole(w, &a->births);
    whole(w, &a->windows_made);
    spent(w, &a->spent);
    counters(w, &a->figures);
    flag(w, &a->flooding);
    time_of(w, &a->bin);
    time_of(w, &a->first_bin);
    must(w, a->first_bin <= a->bin && a->bin >= 0 && a->first_bin >= 0);
    for (int i = 0; i < BINS; i++) {
        uint32_t count = a->bin_count[i];
        number(w, &count);
        must(w, count <= UINT16_MAX);
        a->bin_count[i] = (uint16_t)count;
    }
}

/* ---- out ---- */

static void save_raises(const struct alarms *a, struct andon_writer *out)
{
    uint32_t size = a->options.flood_alarms + 1;
    andon_put_u32(out, a->raises);
    for (uint32_t i = a->raises; i > 0; i--)
        andon_put_u64(out, (uint64_t)a->raise_ns[(a->raises_head + size - i) % size]);
}

static void save_points(const struct alarms *a, struct way *w, const uint32_t *place)
{
    andon_put_u32(w->out, a->points);
    for (uint32_t i = 0; i < a->options.points_max; i++) {
        if ((a->taken[i / 64] >> (i % 64) & 1) == 0) continue;
        struct point p = a->point[i];
        andon_put_u32(w->out, i);
        andon_put_u32(w->out, p.record == NONE ? NONE : place[p.record]);
        point(w, &p);
    }
}

static void save_slots(const struct alarms *a, struct way *w)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->spenders; i++) count += a->slot[i].spent.events > 0;
    andon_put_u32(w->out, count);
    for (uint32_t i = 0; i < a->spenders; i++) {
        struct spent s = a->slot[i].spent;
        if (s.events == 0) continue;
        andon_put_u32(w->out, i);
        spent(w, &s);
    }
}

void alarms_save(const struct alarms *a, struct andon_writer *out)
{
    struct way w = {.out = out};
    struct alarms copy = *a;
    uint32_t *place = a->place;
    andon_put_u32(out, MAGIC);
    andon_put_u32(out, FORMAT);
    head(&w, &copy);
    save_raises(a, out);
    andon_put_u32(out, a->windows);
    for (uint32_t i = 0; i < a->windows; i++) {
        struct alarm_window v = a->window[i];
        window(&w, &v);
    }
    andon_put_u32(out, a->records);
    for (uint32_t i = 0; i < a->records; i++) {
        struct alarm_record r = a->record[a->order[i]];
        place[a->order[i]] = i;
        andon_put_u64(out, a->born[a->order[i]]);
        andon_put_u64(out, a->cause[a->order[i]]);
        record(&w, &r);
    }
    save_points(a, &w, place);
    save_slots(a, &w);
}

/* ---- in ---- */

static void load_raises(struct alarms *a, struct andon_reader *in)
{
    uint32_t size = a->options.flood_alarms + 1, count = andon_get_u32(in);
    if (count > ALARM_FLOOD_MAX + 1) in->bad = true;
    for (uint32_t i = 0; i < count && !in->bad; i++) {
        a->raise_ns[a->raises_head] = (int64_t)andon_get_u64(in);
        a->raises_head = (a->raises_head + 1) % size;
        if (a->raises < size) a->raises++;
    }
}

static andon_status too_many(andon_error *err, const char *what, uint32_t found, uint32_t most)
{
    return andon_fail(err, ANDON_ELIMIT, "the checkpoint's alarms need alarms.%s of %u, found %u",
                      what, (unsigned)found, (unsigned)most);
}

static andon_status load_windows(struct alarms *a, struct way *w, andon_error *err)
{
    uint32_t count = andon_get_u32(w->in);
    if (!w->in->bad && count > a->options.windows_max)
        return too_many(err, "windows", count, a->options.windows_max);
    for (; a->windows < count && !w->in->bad; a->windows++) window(w, &a->window[a->windows]);
    return ANDON_OK;
}

static andon_status load_records(struct alarms *a, struct way *w, andon_error *err)
{
    uint32_t count = andon_get_u32(w->in);
    uint64_t newest = 0;
    if (!w->in->bad && count > a->options.records_max)
        return too_many(err, "records", count, a->options.records_max);
    for (uint32_t i = 0; i < count && !w->in->bad; i++) {
        struct alarm_record *r = &a->record[i];
        *r = (struct alarm_record){0};
        uint64_t born = andon_get_u64(w->in);
        a->cause[i] = andon_get_u64(w->in);
        record(w, r);
        must(w, born > newest && born <= a->births && r->id != 0 && a->cause[i] != 0);
        must(w, r->asset == ALARM_SITE || r->asset < a->options.assets_max);
        newest = a->born[i] = born;
        a->owner[i] = NONE;
        a->order[a->records++] = i;
    }
    return ANDON_OK;
}

/* What the room relies on of a point and the record that it holds. */
static bool point_sound(const struct point *p, const struct alarm_record *r)
{
    enum alarm_state s = (enum alarm_state)p->state;
    bool needs_active = s == ALARM_UNACK || s == ALARM_ACKED;
    bool needs_record = p->active || alarm_state_stands(s);
    if (needs_active && !p->active) return false;
    if (p->active && !needs_active && !alarm_state_hidden(s)) return false;
    if (s == ALARM_SHELVED && p->shelved_until_ns == 0) return false;
    if (s == ALARM_SUPPRESSED && !p->suppressed && !p->window) return false;
    if (p->out != (s == ALARM_OUT_OF_SERVICE)) return false;
    if (r == NULL) return !needs_record;
    return r->state == p->state && r->active == p->active && r->asset == p->asset &&
           r->type == p->type && strcmp(r->path, p->path) == 0;
}

static bool place_point(struct alarms *a, uint32_t number, uint32_t record_at,
                        const struct point *from)
{
    struct alarm_record *r = NULL;
    if (from->asset != ALARM_SITE && from->asset >= a->options.assets_max) return false;
    if (record_at != NONE) {
        if (record_at >= a->records || a->owner[record_at] != NONE) return false;
        r = &a->record[record_at];
        a->owner[record_at] = number;
    }
    if (!point_sound(from, r)) return false;
    if (alarm_slot(a, from->asset)->points == ALARM_ASSET_POINTS_MAX) return false;
    if (alarm_point_find(a, from->asset, from->type, text_of(from->name)) != NULL) return false;
    struct point *p = alarm_point_put(a, number);
    *p = *from;
    p->used = true;
    p->seen = 0;
    p->record = record_at;
    alarm_point_chain(a, number);
    alarm_point_terms(a, p, r != NULL ? r->fault : "");
    return true;
}

static andon_status load_points(struct alarms *a, struct way *w, andon_error *err)
{
    uint32_t count = andon_get_u32(w->in), next = 0;
    for (uint32_t i = 0; i < count && !w->in->bad; i++) {
        struct point p = {0};
        uint32_t at = andon_get_u32(w->in), record_at = andon_get_u32(w->in);
        point(w, &p);
        if (!w->in->bad && at >= a->options.points_max)
            return too_many(err, "points", at, a->options.points_max);
        must(w, at >= next);
        if (!w->in->bad) must(w, place_point(a, at, record_at, &p));
        next = at + 1;
    }
    for (uint32_t i = 0; i < a->records; i++)
        must(w, a->owner[i] != NONE || (a->record[i].state == ALARM_NORMAL && !a->record[i].active));
    return ANDON_OK;
}

static andon_status load_slots(struct alarms *a, struct way *w, andon_error *err)
{
    uint32_t count = andon_get_u32(w->in), next = 0;
    for (uint32_t i = 0; i < count && !w->in->bad; i++) {
        struct spent s = {0};
        uint32_t asset = andon_get_u32(w->in);
        spent(w, &s);
        if (!w->in->bad && asset >= a->options.assets_max)
            return too_many(err, "assets", asset, a->options.assets_max);
        must(w, asset >= next && s.events > 0);
        if (!w->in->bad) a->slot[asset].spent = s;
        if (!w->in->bad) a->spenders = asset + 1;
        next = asset + 1;
    }
    return ANDON_OK;
}

andon_status alarms_load(struct alarms *a, struct andon_reader *in, andon_error *err)
{
    struct way w = {.in = in};
    alarm_clear(a);
    if (andon_get_u32(in) != MAGIC || andon_get_u32(in) != FORMAT) in->bad = true;
    head(&w, a);
    load_raises(a, in);
    andon_status st = load_windows(a, &w, err);
    if (st == ANDON_OK) st = load_records(a, &w, err);
    if (st == ANDON_OK) st = load_points(a, &w, err);
    if (st == ANDON_OK) st = load_slots(a, &w, err);
    if (st == ANDON_OK && in->bad)
        st = andon_fail(err, ANDON_EFORMAT, "the checkpoint's alarms cannot be read");
    if (st != ANDON_OK) alarm_clear(a);
    return st;
}
