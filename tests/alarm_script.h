/* A site in which anything happens, as bytes: seven bytes are one thing that somebody or something does to
 * the alarms. For the fuzzer, and for tests that compare two ways of doing the same. */
#ifndef ALARM_SCRIPT_H
#define ALARM_SCRIPT_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alarm/alarms.h"
#include "andon/model.h"

#define SCRIPT_STEP 7
#define SCRIPT_ASSETS 6
#define SCRIPT_START (INT64_C(1767225600) * 1000000000)

struct script {
    struct alarms *alarms;
    int64_t now_ns;
    int64_t steps;
    uint64_t id[16]; /* alarms that were raised, newest at id_at - 1 */
    uint32_t id_at;
};

static const struct alarm_limit script_limits[] = {
    {NULL, "temperature", NAN, 80, 2, "degC"}, {"*/p1", "pressure", 2, 8, 0.5, NULL}};
static const struct alarm_rule script_rules[] = {
    {.match = "*/p2", .type = ALARM_ANOMALY, .set = ALARM_SET_LATCH, .terms = {.latch = true}},
    {.match = "*/p3", .type = ALARM_ANY_TYPE, .set = ALARM_SET_CONFIRM,
     .terms = {.confirm = 2, .of = 3}},
    {.fault = "leak", .type = ALARM_ANOMALY, .set = ALARM_SET_CONSEQUENCE | ALARM_SET_ACK_NEEDED,
     .terms = {.consequence = ALARM_SEVERE}, .advice = "close the valve"},
};

/* Small enough that every limit is met. */
static inline void script_options(struct alarms_options *o)
{
    alarms_options_default(o);
    o->assets_max = SCRIPT_ASSETS;
    o->points_max = 20;
    o->records_max = 12;
    o->windows_max = 3;
    o->events_max = 2 * ALARM_CALL_EVENTS_MAX;
    o->flood_alarms = 4;
    o->chatter_raises = 3;
    o->limit = script_limits;
    o->limits = 2;
    o->rule = script_rules;
    o->rules = 3;
}

static inline void script_look(struct script *s, const struct alarm_event *e)
{
    if (e->change != ALARM_RAISED) return;
    s->id[s->id_at++ % 16] = e->record.id;
}

static inline bool script_verdict(struct script *s, const uint8_t *b)
{
    static const char *const names[] = {"temperature", "pressure", "vibration", "flow"};
    static const char *const faults[] = {"", "unknown", "leak", "wear"};
    char path[16];
    snprintf(path, sizeof path, "site/p%u", (unsigned)(b[1] % SCRIPT_ASSETS));
    struct alarm_share share[2] = {{text_of(names[b[3] % 4]), 0.7f}, {text_of(names[b[4] % 4]), 0.3f}};
    struct alarm_sensor sensor[12];
    struct alarm_value value[2] = {{TEXT("temperature"), b[3]}, {TEXT("pressure"), b[4] / 16.0}};
    uint32_t sensors = b[5] % 16 < 10 ? 0 : b[5] % 16 - 9;
    char many[12][4];
    for (uint32_t i = 0; i < sensors; i++) {
        snprintf(many[i], sizeof many[i], "s%u", (unsigned)(i + b[5] / 16));
        uint8_t reason = (uint8_t)(ANDON_STALE + (b[6] + i) % 3);
        sensor[i] = (struct alarm_sensor){i == 0 ? text_of(names[b[4] % 4]) : text_of(many[i]), reason};
    }
    uint8_t state = b[2] % 8 < 4 ? ANDON_NORMAL : b[2] % 8 < 7 ? ANDON_ANOMALY : ANDON_UNKNOWN;
    struct alarm_verdict v = {
        .asset = b[1] % SCRIPT_ASSETS, .path = text_of(path),
        .ts_ns = s->now_ns - (b[6] & 15) * INT64_C(1000000000) + s->steps, .now_ns = s->now_ns, .state = state,
        .reason = state == ANDON_UNKNOWN ? (uint8_t)(1 + b[3] % 7) : 0,
        .score = state == ANDON_UNKNOWN ? (double)NAN : state == ANDON_NORMAL ? b[4] / 255.0 : 1.0 + b[4],
        .channel = share[0].channel, .share = share, .shares = state == ANDON_ANOMALY ? 2 : 0,
        .sensor = sensor, .sensors = sensors, .value = value, .values = b[2] >> 7 ? 0 : 2,
        .fault = {.name = text_of(faults[b[5] % 4]), .confidence = b[6] / 255.0, .cost = 100.0 * b[3]}};
    return alarms_verdict(s->alarms, &v);
}

static inline bool script_condition(struct script *s, const uint8_t *b)
{
    bool site = b[1] % 8 == 7;
    struct alarm_condition c = {
        .asset = site ? ALARM_SITE : b[1] % SCRIPT_ASSETS, .path = site ? TEXT("site") : TEXT("site/px"),
        .name = b[2] % 2 ? TEXT("vacuum") : TEXT("filter"), .text = TEXT("says the plant"),
        .type = b[3] % 2 ? ALARM_FAULT : ALARM_SCHEDULE, .stands = b[4] % 3 != 0,
        .ts_ns = s->now_ns + s->steps, .now_ns = s->now_ns, .cost = 60.0 * b[5]};
    return alarms_condition(s->alarms, &c);
}

static inline void script_act(struct script *s, const uint8_t *b)
{
    andon_error err;
    uint64_t id = s->id_at == 0 ? 1 : s->id[b[2] % (s->id_at < 16 ? s->id_at : 16)];
    struct alarm_action action = {
        .verb = b[1] % (ALARM_VERBS + 1), .id = b[3] % 4 == 0 ? 0 : id,
        .asset = b[4] % (SCRIPT_ASSETS + 1), .path = TEXT("site/p1"), .type = b[5] % (ALARM_TYPES + 1),
        .until_ns = s->now_ns + b[6] * INT64_C(60000000000), .label = b[4] % (ALARM_LABELS + 1),
        .text = b[5] % 2 ? TEXT("words") : TEXT(""), .by = TEXT("anna")};
    andon_status st = alarms_act(s->alarms, &action, s->now_ns, &err);
    (void)st;
}

static inline void script_plan(struct script *s, const uint8_t *b)
{
    andon_error err;
    andon_status st;
    struct alarm_window w = {.from_ns = s->now_ns + b[2] * INT64_C(10000000000),
                             .to_ns = s->now_ns + b[3] * INT64_C(60000000000), .text = "stop"};
    snprintf(w.match, sizeof w.match, "site/p%s", b[4] % 4 == 0 ? "*" : b[4] % 4 == 1 ? "1" : "[");
    if (b[5] % 3 == 0) st = alarms_unplan(s->alarms, b[6] % 8, s->now_ns, &err);
    else st = alarms_plan(s->alarms, &w, s->now_ns, &err);
    (void)st;
}

/* One step. False: no room for its events, nothing was done (of a tick: not all). */
static inline bool script_step(struct script *s, const uint8_t b[SCRIPT_STEP])
{
    if (!alarms_room(s->alarms)) return false;
    s->steps++; /* no two rows have the same time */
    switch (b[0] % 16) {
    case 0: case 1: case 2: case 3: case 4: case 5: return script_verdict(s, b);
    case 6: return script_condition(s, b);
    case 7: case 8: case 9: script_act(s, b); return true;
    case 10: script_plan(s, b); return true;
    case 11: s->now_ns += b[1] * INT64_C(60000000000); return alarms_tick(s->alarms, s->now_ns);
    default: s->now_ns += b[1] * INT64_C(1000000000); return alarms_tick(s->alarms, s->now_ns);
    }
}

#endif
