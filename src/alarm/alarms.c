/* The block and its calls: what comes in is turned into votes of points.
 *
 * Invariant: a call either has room for all of its events or does nothing. */
#include "alarm/alarms.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm/inner.h"
#include "andon/model.h"
#include "plant/pattern.h"

/* Time without a tick counts as watched up to this long; event time may step farther at once. */
#define WATCHED_NS_MAX (5 * NS_PER_MINUTE)
#define WATCHED_TS_NS_MAX (60 * NS_PER_MINUTE)

struct part {
    size_t count, size;
    void **at;
};

/* Puts the parts into one block behind the struct; NULL measures. */
static size_t lay_out(struct alarms *a, char *base, const struct alarms_options *o)
{
    uint32_t tally_size = 4;
    while (tally_size < 2 * o->records_max) tally_size *= 2;
    struct part part[] = {
        {(size_t)o->assets_max + 1, sizeof *a->slot, (void **)&a->slot},
        {o->points_max, sizeof *a->point, (void **)&a->point},
        {o->points_max / 64 + 1, sizeof *a->taken, (void **)&a->taken},
        {o->records_max, sizeof *a->record, (void **)&a->record},
        {o->records_max, sizeof *a->born, (void **)&a->born},
        {o->records_max, sizeof *a->owner, (void **)&a->owner},
        {o->records_max, sizeof *a->cause, (void **)&a->cause},
        {o->records_max, sizeof *a->order, (void **)&a->order},
        {o->records_max, sizeof *a->place, (void **)&a->place},
        {o->events_max, sizeof *a->event, (void **)&a->event},
        {o->windows_max, sizeof *a->window, (void **)&a->window},
        {o->flood_alarms + 1, sizeof *a->raise_ns, (void **)&a->raise_ns},
        {tally_size, sizeof *a->tally, (void **)&a->tally},
    };
    size_t used = (sizeof *a + 63) & ~(size_t)63;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        if (base != NULL) *part[i].at = base + used;
        used += (part[i].count * part[i].size + 63) & ~(size_t)63;
    }
    if (base != NULL) a->tally_size = tally_size;
    return used;
}

andon_status alarms_open(const struct alarms_options *options, struct alarms **alarms,
                         andon_error *err)
{
    struct alarms measure;
    andon_status st = alarm_options_check(options, err);
    if (st != ANDON_OK) return st;
    size_t bytes = lay_out(&measure, NULL, options);
    struct alarms *a = (options->zeroed != NULL ? options->zeroed : calloc)(1, bytes);
    if (a == NULL)
        return andon_fail(err, ANDON_ENOMEM,
                          "no memory for alarms: %u assets, %u points, %u records and %u events "
                          "take %zu bytes",
                          (unsigned)options->assets_max, (unsigned)options->points_max,
                          (unsigned)options->records_max, (unsigned)options->events_max, bytes);
    lay_out(a, (char *)a, options);
    a->options = *options;
    a->now_ns = a->watermark_ns = INT64_MIN;
    a->tick_at = NONE;
    *alarms = a;
    return ANDON_OK;
}

void alarms_close(struct alarms *a)
{
    free(a);
}

/* Only what is used was written to, and only that is emptied. */
void alarm_clear(struct alarms *a)
{
    struct alarms fresh = {.options = a->options, .now_ns = INT64_MIN, .watermark_ns = INT64_MIN,
                           .tick_at = NONE};
    for (uint32_t i = 0; i <= a->options.assets_max; i++)
        if (a->slot[i].known || a->slot[i].first != 0 || a->slot[i].spent.events != 0)
            a->slot[i] = (struct slot){0};
    memset(a->taken, 0, (a->options.points_max / 64 + 1) * sizeof *a->taken);
    memset(a->born, 0, a->options.records_max * sizeof *a->born);
    *a = fresh;
    lay_out(a, (char *)a, &fresh.options);
}

const struct alarm_event *alarms_events(const struct alarms *a, uint32_t *count)
{
    *count = a->events;
    return a->event;
}

void alarms_taken(struct alarms *a)
{
    a->events = 0;
}

bool alarms_room(const struct alarms *a)
{
    return a->options.events_max - a->events >= ALARM_CALL_EVENTS_MAX;
}

void alarm_advance(struct alarms *a, int64_t now_ns)
{
    if (now_ns <= a->now_ns) return;
    int64_t gone = a->now_ns == INT64_MIN ? 0 : alarm_gap(a->now_ns, now_ns);
    if (gone > WATCHED_NS_MAX) gone = WATCHED_NS_MAX;
    a->watched_now_ns += gone;
    a->figures.watched_ns += gone;
    if (a->flooding) a->figures.flood_ns += gone;
    a->now_ns = now_ns;
}

static void advance_events(struct alarms *a, int64_t ts_ns)
{
    if (ts_ns <= a->watermark_ns) return;
    int64_t gone = a->watermark_ns == INT64_MIN ? 0 : alarm_gap(a->watermark_ns, ts_ns);
    a->watched_ts_ns += gone < WATCHED_TS_NS_MAX ? gone : WATCHED_TS_NS_MAX;
    a->watermark_ns = ts_ns;
}

/* ---- limits ---- */

static void find_limits(struct alarms *a, struct slot *slot, struct text path)
{
    slot->known = true;
    for (uint32_t i = 0; i < a->options.limits; i++) {
        const char *match = a->options.limit[i].match;
        if (match != NULL && !pattern_matches(text_of(match), path)) continue;
        if (slot->limits == ALARM_ASSET_LIMITS_MAX)
            a->figures.refused_limits++;
        else
            slot->limit[slot->limits++] = (uint16_t)i;
    }
}

bool alarms_limited(struct alarms *a, uint32_t asset, struct text path)
{
    struct slot *slot = alarm_slot(a, asset);
    if (!slot->known) find_limits(a, slot, path);
    return slot->limits > 0;
}

/* How a value stands to a limit; *passed is the side that it passed. */
static enum vote against(const struct alarm_limit *l, double value, double *passed)
{
    if (value > l->high || value < l->low) {
        *passed = value > l->high ? l->high : l->low;
        return VOTE_YES;
    }
    bool near = value > l->high - l->deadband || value < l->low + l->deadband;
    return near ? VOTE_BAND : VOTE_NO;
}

static const struct alarm_value *value_of(const struct alarm_verdict *v, const char *channel)
{
    struct text name = text_of(channel);
    for (uint32_t i = 0; i < v->values; i++)
        if (text_is(v->value[i].channel, name)) return &v->value[i];
    return NULL;
}

/* Why no limit of the asset can be looked at now; 0: they can. */
static uint8_t in_the_dark(const struct alarm_verdict *v)
{
    bool off = v->reason == ANDON_MACHINE_OFF;
    bool silent = v->state == ANDON_UNKNOWN && v->reason == ANDON_STALE;
    return off || silent ? v->reason : 0;
}

static void vote_limit(struct alarms *a, const struct alarm_verdict *v, const struct alarm_limit *l,
                       struct moment at)
{
    const struct alarm_value *value = value_of(v, l->channel);
    struct text name = text_of(l->channel);
    uint8_t dark = in_the_dark(v);
    double passed = (double)NAN;
    if (dark == 0 && value == NULL) return; /* a row may leave channels out */
    if (dark == 0 && isnan(value->value)) dark = ANDON_BAD_QUALITY;
    enum vote vote = dark == 0 ? against(l, value->value, &passed) : VOTE_NO;
    struct point *p = vote == VOTE_YES
                          ? alarm_point_get(a, v->asset, v->path, ALARM_OUT_OF_RANGE, name)
                          : alarm_point_find(a, v->asset, ALARM_OUT_OF_RANGE, name);
    if (p == NULL) return;
    if (dark != 0) {
        alarm_hold(a, p, dark);
        return;
    }
    if (vote == VOTE_YES) {
        struct story story = {.text = alarm_text(l->unit), .value = value->value, .limit = passed,
                              .score = (double)NAN};
        alarm_draft(p, &story);
    }
    alarm_vote(a, p, vote, at);
    if (vote == VOTE_YES && p->active) alarm_update(a, p);
}

/* ---- anomalies ---- */

/* Why the channel cannot be used, 0: it can. */
static uint8_t gone(const struct alarm_verdict *v, const char *channel)
{
    struct text name = text_of(channel);
    for (uint32_t i = 0; i < v->sensors; i++)
        if (text_is(v->sensor[i].channel, name)) return v->sensor[i].reason;
    return 0;
}

static void vote_anomaly(struct alarms *a, const struct alarm_verdict *v, struct moment at)
{
    bool yes = v->state == ANDON_ANOMALY;
    struct point *p = yes ? alarm_point_get(a, v->asset, v->path, ALARM_ANOMALY, TEXT(""))
                          : alarm_point_find(a, v->asset, ALARM_ANOMALY, TEXT(""));
    if (p == NULL) return;
    const struct alarm_record *r = alarm_record_of(a, p);
    uint8_t blind = v->state != ANDON_UNKNOWN ? 0 : v->reason != 0 ? v->reason : ANDON_NO_MODEL;
    /* An alarm does not end because its own sensor went silent. */
    if (blind == 0 && !yes && r != NULL && r->active) blind = gone(v, r->channel);
    if (blind != 0) {
        alarm_hold(a, p, blind);
        return;
    }
    if (yes) {
        struct story story = {.channel = v->channel, .text = v->fault.title,
                              .advice = v->fault.advice, .fault = v->fault.name,
                              .score = v->score, .value = (double)NAN, .limit = (double)NAN,
                              .confidence = v->fault.confidence, .cost = v->fault.cost,
                              .respond_ns = v->fault.respond_ns, .share = v->share,
                              .shares = v->shares};
        alarm_draft(p, &story);
    }
    bool band = !yes && v->score > 1.0 - p->terms.deadband;
    alarm_vote(a, p, yes ? VOTE_YES : band ? VOTE_BAND : VOTE_NO, at);
    if (yes && p->active) alarm_update(a, p);
}

/* ---- sensors ---- */

static const struct {
    uint8_t reason, type;
} troubles[] = {{ANDON_STALE, ALARM_NO_DATA},
                {ANDON_FROZEN, ALARM_FROZEN},
                {ANDON_BAD_QUALITY, ALARM_BAD_QUALITY}};
enum { TROUBLES = sizeof troubles / sizeof *troubles };

static void vote_trouble(struct alarms *a, const struct alarm_verdict *v, uint8_t type,
                         struct text name, struct text text, struct moment at)
{
    struct point *p = alarm_point_get(a, v->asset, v->path, type, name);
    if (p == NULL) return;
    struct story story = {.text = text, .score = (double)NAN, .value = (double)NAN,
                          .limit = (double)NAN};
    alarm_draft(p, &story);
    alarm_vote(a, p, VOTE_YES, at);
}

/* One alarm per sensor, or one for the asset where it is all of it or many. */
static void vote_sensors(struct alarms *a, const struct alarm_verdict *v, int which,
                         struct moment at)
{
    uint8_t reason = troubles[which].reason, type = troubles[which].type;
    uint32_t count = 0;
    char many[ALARM_WORD_ROOM];
    for (uint32_t i = 0; i < v->sensors; i++) count += v->sensor[i].reason == reason;
    bool whole = v->state == ANDON_UNKNOWN && v->reason == reason &&
                 (count == 0 || reason == ANDON_STALE);
    if (whole || count > ALARM_SENSORS_MAX) {
        snprintf(many, sizeof many, "%u sensors", (unsigned)count);
        vote_trouble(a, v, type, TEXT(""), text_of(whole ? "" : many), at);
        return;
    }
    for (uint32_t i = 0; i < v->sensors; i++)
        if (v->sensor[i].reason == reason)
            vote_trouble(a, v, type, v->sensor[i].channel, TEXT(""), at);
}

/* Points of sensors that the row did not name: well again, unless nothing can be said of them. */
static void vote_the_others(struct alarms *a, const struct alarm_verdict *v, struct moment at)
{
    bool silent = v->state == ANDON_UNKNOWN && v->reason == ANDON_STALE;
    uint32_t next;
    for (uint32_t n = alarm_slot(a, v->asset)->first; n != 0; n = next) {
        struct point *p = &a->point[n - 1];
        next = p->next;
        bool trouble = p->type == ALARM_NO_DATA || p->type == ALARM_FROZEN ||
                       p->type == ALARM_BAD_QUALITY;
        if (!trouble || p->seen == a->row) continue;
        bool off = v->reason == ANDON_MACHINE_OFF && p->type != ALARM_NO_DATA;
        if (silent || off)
            alarm_hold(a, p, v->reason);
        else
            alarm_vote(a, p, VOTE_NO, at);
    }
}

bool alarms_verdict(struct alarms *a, const struct alarm_verdict *v)
{
    if (!alarms_room(a)) return false;
    struct slot *slot = alarm_slot(a, v->asset);
    struct moment at = {v->ts_ns, v->now_ns};
    alarm_advance(a, v->now_ns);
    advance_events(a, v->ts_ns);
    a->row++;
    if (!slot->known) find_limits(a, slot, v->path);
    bool well = v->state == ANDON_NORMAL && v->sensors == 0 && slot->first == 0;
    if (well && slot->limits == 0) return true;
    at.now_ns = a->now_ns;
    vote_anomaly(a, v, at);
    for (int i = 0; i < TROUBLES; i++) vote_sensors(a, v, i, at);
    vote_the_others(a, v, at);
    for (uint32_t i = 0; i < slot->limits; i++)
        vote_limit(a, v, &a->options.limit[slot->limit[i]], at);
    return true;
}

bool alarms_condition(struct alarms *a, const struct alarm_condition *c)
{
    if (!alarms_room(a)) return false;
    alarm_advance(a, c->now_ns);
    a->row++;
    struct moment at = {c->ts_ns, a->now_ns};
    struct point *p = c->stands ? alarm_point_get(a, c->asset, c->path, c->type, c->name)
                                : alarm_point_find(a, c->asset, c->type, c->name);
    if (p == NULL) return true;
    if (c->stands) {
        struct story story = {.channel = c->channel, .text = c->text, .advice = c->advice,
                              .score = (double)NAN, .value = (double)NAN, .limit = (double)NAN,
                              .cost = c->cost, .respond_ns = c->respond_ns};
        alarm_draft(p, &story);
    }
    alarm_vote(a, p, c->stands ? VOTE_YES : VOTE_NO, at);
    return true;
}

bool alarms_tick(struct alarms *a, int64_t now_ns)
{
    alarm_advance(a, now_ns);
    if (a->options.events_max - a->events < PASS_EVENTS_MAX) return false;
    if (a->tick_at == NONE) {
        alarm_flood_pass(a);
        a->tick_at = 0;
    }
    for (; a->tick_at < a->options.points_max; a->tick_at++) {
        uint64_t rest = a->taken[a->tick_at / 64] >> (a->tick_at % 64);
        if (rest == 0) {
            a->tick_at |= 63;
            continue;
        }
        a->tick_at += (uint32_t)__builtin_ctzll(rest);
        if (a->options.events_max - a->events < PASS_EVENTS_MAX) return false;
        alarm_pass(a, &a->point[a->tick_at]);
    }
    a->tick_at = NONE;
    return true;
}

bool alarms_troubled(const struct alarms *a, uint32_t asset)
{
    const struct slot *slot = &a->slot[asset == ALARM_SITE ? a->options.assets_max : asset];
    for (uint32_t n = slot->first; n != 0; n = a->point[n - 1].next)
        if (a->point[n - 1].active || a->point[n - 1].state != ALARM_NORMAL) return true;
    return false;
}
