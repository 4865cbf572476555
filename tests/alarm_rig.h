/* Alarms on simulated time, for the tests of src/alarm: a site with few words. */
#ifndef ALARM_RIG_H
#define ALARM_RIG_H

#include <math.h>

#include "alarm/alarms.h"
#include "andon/model.h"
#include "test.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define START (INT64_C(1767225600) * SECOND) /* 2026-01-01 */

struct rig {
    struct alarms_options options;
    struct alarms *alarms;
    int64_t now_ns;
    andon_error err;
    uint32_t asset; /* the one that is spoken of */
    struct alarm_event last; /* newest event */
    uint32_t events;         /* so far       */
    char log[4096];          /* "raised:unacknowledged ..." of every event since rig_forget */
};

static inline void rig_set(struct rig *g)
{
    *g = (struct rig){.now_ns = START, .asset = 7};
    alarms_options_default(&g->options);
    g->options.assets_max = 100;
    for (int t = 0; t < ALARM_TYPES; t++) { /* at once, unless a test says otherwise */
        g->options.type[t].on_delay_ns = 0;
        g->options.type[t].off_delay_ns = 0;
        g->options.type[t].escalate_ns = 0;
    }
    g->options.chatter_raises = 8;
}

static inline bool rig_open(struct rig *g)
{
    return alarms_open(&g->options, &g->alarms, &g->err) == ANDON_OK;
}

static inline void rig_close(struct rig *g)
{
    alarms_close(g->alarms);
    g->alarms = NULL;
}

static inline void rig_forget(struct rig *g)
{
    g->log[0] = 0;
    g->events = 0;
}

static inline void rig_take(struct rig *g)
{
    uint32_t count;
    const struct alarm_event *e = alarms_events(g->alarms, &count);
    for (uint32_t i = 0; i < count; i++) {
        size_t used = strlen(g->log);
        snprintf(g->log + used, sizeof g->log - used, "%s%s:%s%s", used > 0 ? " " : "",
                 alarm_change_name((enum alarm_change)e[i].change),
                 alarm_state_name((enum alarm_state)e[i].after), e[i].notify ? "" : "(quiet)");
        g->last = e[i];
        g->events++;
    }
    alarms_taken(g->alarms);
}

static inline const char *rig_path(struct rig *g, char path[32])
{
    snprintf(path, 32, "site/pumps/p%02u", (unsigned)g->asset);
    return path;
}

/* A verdict of the asset at the present time, for a test to complete. */
static inline struct alarm_verdict rig_row(struct rig *g, char path[32], uint8_t state)
{
    return (struct alarm_verdict){.asset = g->asset, .path = text_of(rig_path(g, path)),
                                  .ts_ns = g->now_ns, .now_ns = g->now_ns, .state = state,
                                  .score = state == ANDON_ANOMALY   ? 2.0
                                           : state == ANDON_NORMAL  ? 0.3
                                                                    : (double)NAN,
                                  .channel = state == ANDON_ANOMALY ? TEXT("vibration")
                                                                    : TEXT("")};
}

static inline void rig_say(struct rig *g, const struct alarm_verdict *v)
{
    if (!alarms_verdict(g->alarms, v)) test_fail(__FILE__, __LINE__, "no room for a verdict");
    rig_take(g);
}

static inline void rig_verdict(struct rig *g, uint8_t state, uint8_t reason)
{
    char path[32];
    struct alarm_verdict v = rig_row(g, path, state);
    v.reason = reason;
    rig_say(g, &v);
}

static inline void rig_bad(struct rig *g)
{
    rig_verdict(g, ANDON_ANOMALY, 0);
}

static inline void rig_good(struct rig *g)
{
    rig_verdict(g, ANDON_NORMAL, 0);
}

static inline void rig_value(struct rig *g, const char *channel, double value)
{
    char path[32];
    struct alarm_verdict v = rig_row(g, path, ANDON_NORMAL);
    struct alarm_value one = {text_of(channel), value};
    v.value = &one;
    v.values = 1;
    rig_say(g, &v);
}

static inline void rig_sensor(struct rig *g, uint8_t state, const char *channel, uint8_t reason)
{
    char path[32];
    struct alarm_verdict v = rig_row(g, path, state);
    struct alarm_sensor one = {text_of(channel), reason};
    v.sensor = &one;
    v.sensors = 1;
    v.reason = state == ANDON_UNKNOWN ? reason : 0;
    rig_say(g, &v);
}

static inline void rig_fault(struct rig *g, const char *fault, double confidence, double cost)
{
    char path[32];
    struct alarm_verdict v = rig_row(g, path, ANDON_ANOMALY);
    v.fault = (struct alarm_fault){.name = text_of(fault), .title = text_of(fault),
                                   .advice = TEXT("look at it"), .confidence = confidence,
                                   .cost = cost};
    rig_say(g, &v);
}

static inline void rig_tick(struct rig *g)
{
    while (!alarms_tick(g->alarms, g->now_ns)) rig_take(g);
    rig_take(g);
}

/* Time passes, with a tick every ten seconds. */
static inline void rig_wait(struct rig *g, int64_t ns)
{
    for (int64_t end = g->now_ns + ns; g->now_ns < end;) {
        g->now_ns += end - g->now_ns < 10 * SECOND ? end - g->now_ns : 10 * SECOND;
        rig_tick(g);
    }
}

static inline andon_status rig_act(struct rig *g, enum alarm_verb verb, uint64_t id,
                                   int64_t until_ns)
{
    struct alarm_action action = {.verb = (uint8_t)verb, .id = id, .until_ns = until_ns,
                                  .by = TEXT("anna")};
    g->err.text[0] = 0;
    andon_status st = alarms_act(g->alarms, &action, g->now_ns, &g->err);
    rig_take(g);
    return st;
}

/* The same for the asset's point of that type, whether or not it has an alarm. */
static inline andon_status rig_act_on(struct rig *g, enum alarm_verb verb, enum alarm_type type,
                                      int64_t until_ns)
{
    char path[32];
    struct alarm_action action = {.verb = (uint8_t)verb, .asset = g->asset,
                                  .path = text_of(rig_path(g, path)), .type = (uint8_t)type,
                                  .until_ns = until_ns, .by = TEXT("anna")};
    g->err.text[0] = 0;
    andon_status st = alarms_act(g->alarms, &action, g->now_ns, &g->err);
    rig_take(g);
    return st;
}

static inline bool rig_plan(struct rig *g, const char *match, int64_t from_ns, int64_t to_ns,
                            struct alarm_window *w)
{
    *w = (struct alarm_window){.from_ns = from_ns, .to_ns = to_ns, .text = "planned stop"};
    snprintf(w->match, sizeof w->match, "%s", match);
    return alarms_plan(g->alarms, w, g->now_ns, &g->err) == ANDON_OK;
}

static inline enum alarm_state rig_state(struct rig *g, uint64_t id)
{
    const struct alarm_record *r = alarms_find(g->alarms, id);
    return r == NULL ? ALARM_STATES : (enum alarm_state)r->state;
}

static inline uint32_t rig_count(struct rig *g)
{
    struct alarms_figures f;
    alarms_figures(g->alarms, &f);
    return f.records;
}

/* Saves, opens new alarms with the same settings, loads. */
static inline bool rig_restart(struct rig *g)
{
    struct andon_arena arena;
    struct andon_writer out;
    struct andon_reader in;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 26);
    andon_writer_init(&out, &arena);
    alarms_save(g->alarms, &out);
    alarms_close(g->alarms);
    bool good = !out.full && rig_open(g);
    if (good) {
        andon_reader_init(&in, out.data, out.size);
        good = alarms_load(g->alarms, &in, &g->err) == ANDON_OK && andon_reader_left(&in) == 0;
    }
    andon_arena_free(&arena);
    return good;
}

#endif
