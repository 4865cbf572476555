/* A donut bakery: its fryer and its production line, with the keys of the published payloads.
 *
 * The published simulator draws every value by itself and uniformly; here a fryer is heated by a
 * thermostat, oil leaves with the donuts, filters clog, and what the line wastes follows from what
 * the fryer did. This file holds the tables, the calendar and the published way. */
#include "bakery.h"

#include <math.h>

#include "plants.h"

#define FRYER_ROW(id, name, unit, kind, min, max, low, high, decimals, choices)                    \
    {name, unit, min, max, low, high, decimals, kind, choices, "fryer"},
#define LINE_ROW(id, name, unit, kind, min, max, low, high, decimals, choices)                     \
    {name, unit, min, max, low, high, decimals, kind, choices, "productionline"},
static const struct sim_channel channels[BAKERY_KEYS] = {FRYER_KEYS(FRYER_ROW) LINE_KEYS(LINE_ROW)};

static const struct sim_fault faults[BAKERY_FAULTS] = {
    {"oil_heater", "Fryer heater weak", 2, 0, 0, 0},
    {"filter_clogged", "Oil filter clogged", 3, 0, 0, 0},
    {"drive_bearing", "Bearing of drive 2", 2, 0, 0, 0},
    {"cooler_failure", "Cooler failed", 1, 0, 0, 0},
    {"oil_leak", "Oil leak", 1, 0, 0, 0},
    {"vacuum_leak", "Vacuum leak", 1, 0, 0, 0},
    {"oven_hot", "Oven too hot", 2, 0, 0, 0},
    {"divider_jam", "Divider jams", 3, 0, 0, 0},
};

static const char *const states[BAKERY_STATES] = {"production", "cleaning", "stopped"};

/* Three shifts around the clock; cleaning on Sunday from two to six. */
static bool runs(int64_t ts_ns)
{
    int64_t s = run_second_of_day(ts_ns);
    return !(run_weekday(ts_ns) == 6 && s >= 2 * 3600 && s < 6 * 3600);
}

static void start(const struct sim *sim, void *memory)
{
    struct bakery *b = memory;
    for (uint32_t k = 0; k < BAKERY_KEYS; k++) {
        wander_start(&b->own[k], run_rng(sim, RUN_STREAM_SIGNAL + k), 1.0 / 6.0, 300,
                     sim_options_of(sim)->interval_s);
    }
    b->rng = run_rng(sim, RUN_STREAM_SIGNAL + BAKERY_KEYS);
    b->oil_f = 375.0;
}

static unsigned choices_of(const struct sim_channel *c)
{
    unsigned n = 1;
    for (const char *p = c->choices; *p != '\0'; p++) n += *p == '|';
    return n;
}

static void as_published(struct bakery *b, const struct sim_sample *sample, double *value)
{
    for (uint32_t k = 0; k < BAKERY_KEYS; k++) {
        const struct sim_channel *c = &channels[k];
        double draw = andon_rng_real(&b->rng);
        switch (c->kind) {
        case SIM_TIME: value[k] = (double)sample->ts_ns; break;
        case SIM_TEXT: value[k] = floor(draw * choices_of(c)); break;
        case SIM_FLAG: value[k] = draw < 0.5; break;
        case SIM_COUNT: value[k] = c->low + floor(draw * (c->high - c->low + 1.0)); break;
        default: value[k] = c->low + draw * (c->high - c->low); break;
        }
    }
}

static void wander_all(struct bakery *b, const struct sim_sample *sample, double *value)
{
    for (uint32_t k = 0; k < BAKERY_KEYS; k++) {
        const struct sim_channel *c = &channels[k];
        b->noise[k] = wander_next(&b->own[k]);
        value[k] = c->low + (0.5 + b->noise[k]) * (c->high - c->low);
        if (c->kind == SIM_TIME) value[k] = (double)sample->ts_ns;
        if (c->kind == SIM_TEXT || c->kind == SIM_FLAG) value[k] = 0.0;
    }
}

static void next(const struct sim *sim, void *memory, struct sim_sample *sample, double *value)
{
    struct bakery *b = memory;
    const struct schedule_event *e = run_event(sim);
    bool stopped = e != NULL && e->fault == SCHEDULE_STOP;
    bool open = runs(sample->ts_ns);
    if (sim_options_of(sim)->as_published) { /* knows neither faults nor stops */
        as_published(b, sample, value);
        sample->fault = -1;
        return;
    }
    sample->running = open && !stopped;
    sample->state = sample->running ? BAKERY_PRODUCTION : open ? BAKERY_STOPPED : BAKERY_CLEANING;
    struct bakery_now now = {
        .sim = sim,
        .ts_ns = sample->ts_ns,
        .interval_s = sim_options_of(sim)->interval_s,
        .part = sample->fault >= 0 ? run_event_part(sim, sample->row) : 0.0,
        .event_s = sample->fault >= 0 ? run_event_s(sim, sample->row) : 0.0,
        .fault = sample->fault,
        .running = sample->running,
    };
    wander_all(b, sample, value);
    bakery_fryer(b, &now, value);
    bakery_line(b, &now, value);
    b->warm = true;
}

const struct sim_plant sim_bakery = {
    .name = "bakery",
    .title = "Donut bakery: fryer and production line",
    .source = "keys and usual ranges of the published bakery payloads; dynamics ours",
    .published = "every value drawn uniformly and by itself; no faults, no stops",
    .channel = channels,
    .channels = BAKERY_KEYS,
    .fault = faults,
    .faults = BAKERY_FAULTS,
    .state = states,
    .states = BAKERY_STATES,
    .days = 5,
    .interval_s = 20,
    .anomaly_rate = 0.02,
    .fault_min_s = 10 * 60,
    .fault_max_s = 40 * 60,
    .stops_per_month = 6,
    .stop_min_s = 10 * 60,
    .stop_max_s = 60 * 60,
    .runs = runs,
    .memory_bytes = sizeof(struct bakery),
    .start = start,
    .next = next,
};
