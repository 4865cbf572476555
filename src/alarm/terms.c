/* How a point behaves: defaults by type, rules, and priority from consequence. */
#include <math.h>
#include <string.h>

#include "alarm/inner.h"
#include "plant/pattern.h"

#define DAY_NS (1440 * NS_PER_MINUTE)

/* Defaults. A model has confirmed its own anomalies already; silence and stuck sensors take time to
 * be told from a hiccup; limits are passed at once and come back with a little patience. */
static struct alarm_terms preset(enum alarm_type type)
{
    struct alarm_terms t = {.off_delay_ns = 5 * NS_PER_MINUTE, .group_ns = 5 * NS_PER_MINUTE,
                            .escalate_ns = 30 * NS_PER_MINUTE, .respond_ns = 60 * NS_PER_MINUTE,
                            .confirm = 1, .of = 1, .consequence = ALARM_MODERATE,
                            .ack_needed = true};
    switch (type) {
    case ALARM_ANOMALY:
        t.deadband = 0.1;
        t.respond_ns = 20 * NS_PER_MINUTE;
        break;
    case ALARM_NO_DATA:
    case ALARM_FROZEN:
    case ALARM_BAD_QUALITY:
        t.on_delay_ns = (type == ALARM_NO_DATA ? 5 : 10) * NS_PER_MINUTE;
        t.off_delay_ns = NS_PER_MINUTE;
        t.consequence = ALARM_MINOR;
        break;
    case ALARM_OUT_OF_RANGE:
        t.off_delay_ns = NS_PER_MINUTE;
        t.respond_ns = 20 * NS_PER_MINUTE;
        break;
    case ALARM_SCHEDULE:
        t.on_delay_ns = 10 * NS_PER_MINUTE;
        t.consequence = ALARM_MINOR;
        break;
    case ALARM_FLOOD:
        t.off_delay_ns = 0;
        t.escalate_ns = 0;
        t.consequence = ALARM_MAJOR;
        t.respond_ns = 20 * NS_PER_MINUTE;
        t.ack_needed = false;
        break;
    default: break;
    }
    return t;
}

void alarms_options_default(struct alarms_options *o)
{
    *o = (struct alarms_options){.site = "site", .budget_per_day = 3.0, .flood_alarms = 10,
                                 .flood_ns = 10 * NS_PER_MINUTE, .flood_pass = ALARM_HIGH,
                                 .chatter_raises = 5, .chatter_ns = 60 * NS_PER_MINUTE,
                                 .fleeting_ns = NS_PER_MINUTE, .stale_ns = DAY_NS,
                                 .escalations_max = 3, .shelve_ns_max = 7 * DAY_NS,
                                 .cost_moderate = 1000, .cost_major = 5000, .cost_severe = 10000,
                                 .assets_max = 100000, .points_max = 4096, .records_max = 2048,
                                 .events_max = 2048, .windows_max = 256};
    for (int t = 0; t < ALARM_TYPES; t++) o->type[t] = preset((enum alarm_type)t);
}

enum alarm_priority alarm_priority_of(enum alarm_consequence consequence, int64_t respond_ns)
{
    static const uint8_t matrix[ALARM_CONSEQUENCES][3] = {
        /* under 10 min, under 30 min, longer */
        [ALARM_MINOR] = {ALARM_MEDIUM, ALARM_LOW, ALARM_LOW},
        [ALARM_MODERATE] = {ALARM_HIGH, ALARM_MEDIUM, ALARM_LOW},
        [ALARM_MAJOR] = {ALARM_CRITICAL, ALARM_HIGH, ALARM_MEDIUM},
        [ALARM_SEVERE] = {ALARM_CRITICAL, ALARM_CRITICAL, ALARM_HIGH},
    };
    int column = respond_ns < 10 * NS_PER_MINUTE ? 0 : respond_ns < 30 * NS_PER_MINUTE ? 1 : 2;
    return (enum alarm_priority)matrix[consequence][column];
}

static bool applies(const struct alarm_rule *r, const struct point *p, const char *fault)
{
    if (r->type != ALARM_ANY_TYPE && r->type != p->type) return false;
    if (r->channel != NULL && strcmp(r->channel, p->name) != 0) return false;
    if (r->fault != NULL && strcmp(r->fault, fault) != 0) return false;
    return r->match == NULL || pattern_matches(text_of(r->match), text_of(p->path));
}

static void apply(const struct alarm_rule *r, struct alarm_terms *t)
{
    const struct alarm_terms *by = &r->terms;
    if (r->set & ALARM_SET_ON_DELAY) t->on_delay_ns = by->on_delay_ns;
    if (r->set & ALARM_SET_OFF_DELAY) t->off_delay_ns = by->off_delay_ns;
    if (r->set & ALARM_SET_GROUP) t->group_ns = by->group_ns;
    if (r->set & ALARM_SET_ESCALATE) t->escalate_ns = by->escalate_ns;
    if (r->set & ALARM_SET_RESPOND) t->respond_ns = by->respond_ns;
    if (r->set & ALARM_SET_DEADBAND) t->deadband = by->deadband;
    if (r->set & ALARM_SET_CONFIRM) t->confirm = by->confirm, t->of = by->of;
    if (r->set & ALARM_SET_CONSEQUENCE) t->consequence = by->consequence;
    if (r->set & ALARM_SET_LATCH) t->latch = by->latch;
    if (r->set & ALARM_SET_ACK_NEEDED) t->ack_needed = by->ack_needed;
    if (r->set & ALARM_SET_OFF) t->off = by->off;
}

void alarm_point_terms(const struct alarms *a, struct point *p, const char *fault)
{
    p->terms = a->options.type[p->type];
    p->advice = NULL;
    for (uint32_t i = 0; i < a->options.rules; i++) {
        const struct alarm_rule *r = &a->options.rule[i];
        if (!applies(r, p, fault)) continue;
        apply(r, &p->terms);
        if (r->advice != NULL) p->advice = r->advice;
    }
    /* Silence and what others watch is said once, not row by row: there is nothing to count. */
    if (p->type == ALARM_NO_DATA || p->type == ALARM_SCHEDULE || p->type == ALARM_FAULT)
        p->terms.confirm = p->terms.of = 1;
}

static uint8_t consequence_of(const struct alarms_options *o, double cost)
{
    return cost >= o->cost_severe     ? ALARM_SEVERE
           : cost >= o->cost_major    ? ALARM_MAJOR
           : cost >= o->cost_moderate ? ALARM_MODERATE
                                      : ALARM_MINOR;
}

uint8_t alarm_point_priority(const struct alarms *a, const struct point *p, double cost,
                             int64_t respond_ns)
{
    uint8_t consequence = p->terms.consequence;
    /* What is known of the fault makes an alarm more urgent, never less. */
    if (cost > 0.0 && consequence_of(&a->options, cost) > consequence)
        consequence = consequence_of(&a->options, cost);
    int64_t respond = p->terms.respond_ns;
    if (respond_ns > 0 && respond_ns < respond) respond = respond_ns;
    return (uint8_t)alarm_priority_of((enum alarm_consequence)consequence, respond);
}

/* What is wrong with terms, NULL: nothing. */
static const char *wrong(const struct alarm_terms *t)
{
    if (t->on_delay_ns < 0) return "on_delay: expected 0 or more";
    if (t->off_delay_ns < 0) return "off_delay: expected 0 or more";
    if (t->group_ns < 0) return "group: expected 0 or more";
    if (t->escalate_ns < 0) return "escalate: expected 0 or more";
    if (t->respond_ns < 0) return "respond: expected 0 or more";
    if (!(t->deadband >= 0.0 && t->deadband < 1.0)) return "deadband: expected 0 to below 1";
    if (t->of < 1 || t->of > 64 || t->confirm < 1 || t->confirm > t->of)
        return "confirm: expected k of n with 1 <= k <= n <= 64";
    if (t->consequence >= ALARM_CONSEQUENCES) return "consequence: there is none of that number";
    return NULL;
}

static const char *wrong_rule(const struct alarm_rule *r, struct alarm_terms terms)
{
    if (r->type != ALARM_ANY_TYPE && (r->type < 0 || r->type >= ALARM_TYPES))
        return "type: there is none of that number";
    apply(r, &terms);
    return wrong(&terms);
}

static const char *wrong_limit(const struct alarm_limit *l)
{
    if (l->channel == NULL) return "channel: expected a name";
    if (isnan(l->low) && isnan(l->high)) return "expected low, high or both";
    if (l->low >= l->high) return "low: expected less than high";
    if (!(l->deadband >= 0.0) || isinf(l->deadband)) return "deadband: expected 0 or more";
    return NULL;
}

static const char *wrong_count(const struct alarms_options *o)
{
    if (o->assets_max < 1 || o->assets_max > 10000000) return "alarms.assets: expected 1 to 10000000";
    if (o->points_max < 1 || o->points_max > 1000000) return "alarms.points: expected 1 to 1000000";
    if (o->records_max < 1 || o->records_max > 1000000)
        return "alarms.records: expected 1 to 1000000";
    if (o->events_max < 2 * ALARM_CALL_EVENTS_MAX || o->events_max > 1000000)
        return "alarms.events: expected 1024 to 1000000";
    if (o->windows_max < 1 || o->windows_max > 65536) return "alarms.windows: expected 1 to 65536";
    if (o->limits > ALARM_LIMITS_MAX) return "alarms.limits: expected at most 4096";
    return NULL;
}

static const char *wrong_option(const struct alarms_options *o)
{
    if (o->flood_alarms < 1 || o->flood_alarms > ALARM_FLOOD_MAX || o->flood_ns <= 0)
        return "alarms.flood: expected 1 to 1000 alarms per a time above 0";
    if (o->flood_pass >= ALARM_PRIORITIES) return "alarms.flood_pass: there is no such priority";
    if (o->chatter_raises < 2 || o->chatter_raises > CHATTER_MAX || o->chatter_ns <= 0)
        return "alarms.chatter: expected 2 to 8 alarms per a time above 0";
    if (o->fleeting_ns < 0) return "alarms.fleeting: expected 0 or more";
    if (o->stale_ns <= 0) return "alarms.stale: expected more than 0";
    if (o->shelve_ns_max <= 0) return "alarms.shelve_max: expected more than 0";
    if (!(o->budget_per_day > 0.0) || isinf(o->budget_per_day))
        return "alarms.budget: expected more than 0 a day";
    if (!(o->cost_moderate <= o->cost_major && o->cost_major <= o->cost_severe))
        return "alarms.cost: expected moderate <= major <= severe";
    if (o->site == NULL || strlen(o->site) >= ALARM_PATH_ROOM)
        return "alarms.site: expected a path of at most 512 bytes";
    return NULL;
}

andon_status alarm_options_check(const struct alarms_options *o, andon_error *err)
{
    const char *why = wrong_count(o);
    if (why == NULL) why = wrong_option(o);
    if (why != NULL) return andon_fail(err, ANDON_EINVAL, "%s", why);
    for (int t = 0; t < ALARM_TYPES; t++) {
        why = wrong(&o->type[t]);
        if (why != NULL)
            return andon_fail(err, ANDON_EINVAL, "alarms.%s.%s",
                              alarm_type_name((enum alarm_type)t), why);
    }
    for (uint32_t i = 0; i < o->rules; i++) {
        const struct alarm_rule *r = &o->rule[i];
        why = wrong_rule(r, o->type[r->type >= 0 && r->type < ALARM_TYPES ? r->type : 0]);
        if (why != NULL)
            return andon_fail(err, ANDON_EINVAL, "alarms.rules[%u].%s", (unsigned)i, why);
    }
    for (uint32_t i = 0; i < o->limits; i++) {
        why = wrong_limit(&o->limit[i]);
        if (why != NULL)
            return andon_fail(err, ANDON_EINVAL, "alarms.limits[%u].%s", (unsigned)i, why);
    }
    return ANDON_OK;
}
