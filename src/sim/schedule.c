/* Events are put down by rejection: draw a place, take it if nothing is in the way. Stops come
 * first, from their own stream, so that the anomaly rate does not move them. */
#include "schedule.h"

#include <math.h>

#include "run.h"

#define WINDOW_S (30.0 * 86400.0)
#define TRIES 4000
#define GAP_S 1800.0 /* free time around every event */

struct planner {
    const struct sim_plant *plant;
    const struct sim_options *options;
    struct schedule *schedule;
    struct andon_rng rng;
};

static uint64_t rows_of(const struct planner *p, double seconds)
{
    double rows = round(seconds / p->options->interval_s);
    return rows < 1.0 ? 1 : (uint64_t)rows;
}

static bool runs_throughout(const struct planner *p, uint64_t first, uint64_t end)
{
    if (p->plant->runs == NULL) return true;
    uint64_t step = rows_of(p, 300.0);
    for (uint64_t row = first; row < end + step; row += step) {
        uint64_t at = row < end ? row : end - 1;
        int64_t ts_ns = p->options->start_s * NS_PER_S +
                        (int64_t)llround((double)at * p->options->interval_s * 1e9);
        if (!p->plant->runs(ts_ns)) return false;
    }
    return true;
}

static bool is_free(const struct planner *p, uint64_t first, uint64_t end)
{
    uint64_t gap = rows_of(p, GAP_S);
    for (uint32_t i = 0; i < p->schedule->events; i++) {
        const struct schedule_event *e = &p->schedule->event[i];
        if (first < e->end + gap && e->first < end + gap) return false;
    }
    return runs_throughout(p, first, end);
}

/* Puts an event of that many rows somewhere; gives up quietly where there is no room. */
static void place(struct planner *p, uint64_t rows, int32_t fault)
{
    struct schedule *s = p->schedule;
    uint64_t window = s->end - s->first;
    if (rows > window || s->events == SCHEDULE_EVENTS_MAX) return;
    for (int i = 0; i < TRIES; i++) {
        uint64_t room = window - rows + 1;
        uint64_t first = s->first + (uint64_t)(andon_rng_real(&p->rng) * (double)room);
        if (!is_free(p, first, first + rows)) continue;
        s->event[s->events++] = (struct schedule_event){first, first + rows, fault};
        return;
    }
}

static double uniform(struct planner *p, double low, double high)
{
    return low + (high - low) * andon_rng_real(&p->rng);
}

static void place_stops(struct planner *p)
{
    double window_s = (double)(p->schedule->end - p->schedule->first) * p->options->interval_s;
    double expected = p->plant->stops_per_month * window_s / WINDOW_S;
    unsigned stops = (unsigned)floor(expected + andon_rng_real(&p->rng));
    for (unsigned i = 0; i < stops; i++) {
        place(p, rows_of(p, uniform(p, p->plant->stop_min_s, p->plant->stop_max_s)), SCHEDULE_STOP);
    }
}

/* The first faults of a window are one of each kind in a shuffled order, the others drawn by
 * weight: a month shows every kind, and frequent ones more often. */
static int32_t kind_of(struct planner *p, const uint32_t *deck, uint32_t drawn)
{
    const struct sim_plant *plant = p->plant;
    if (drawn < plant->faults) return (int32_t)deck[drawn];
    double total = 0.0;
    for (uint32_t i = 0; i < plant->faults; i++) total += plant->fault[i].weight;
    double at = andon_rng_real(&p->rng) * total;
    for (uint32_t i = 0; i < plant->faults; i++) {
        at -= plant->fault[i].weight;
        if (at < 0.0) return (int32_t)i;
    }
    return (int32_t)plant->faults - 1;
}

/* What is kept back for the kinds that have not been seen yet. */
static double kept_s(const struct sim_plant *plant, uint32_t drawn)
{
    return drawn + 1 < plant->faults ? (plant->faults - drawn - 1) * plant->fault_min_s : 0.0;
}

static void place_faults(struct planner *p)
{
    const struct sim_plant *plant = p->plant;
    double window_s = (double)(p->schedule->end - p->schedule->first) * p->options->interval_s;
    double left_s = window_s * p->options->anomaly_rate;
    if (left_s <= 0.0 || plant->faults == 0) return;
    uint32_t deck[SIM_FAULTS_MAX];
    for (uint32_t i = 0; i < plant->faults; i++) deck[i] = i;
    andon_rng_shuffle(&p->rng, deck, plant->faults);
    for (uint32_t drawn = 0; drawn == 0 || left_s >= plant->fault_min_s / 2.0; drawn++) {
        if (p->schedule->events == SCHEDULE_EVENTS_MAX) return;
        double wanted_s = uniform(p, plant->fault_min_s, plant->fault_max_s);
        int32_t kind = kind_of(p, deck, drawn);
        wanted_s = fmax(fmin(wanted_s, left_s - kept_s(plant, drawn)), plant->fault_min_s);
        place(p, rows_of(p, wanted_s), kind);
        left_s -= wanted_s;
    }
}

static void sort_events(struct schedule *s)
{
    for (uint32_t i = 1; i < s->events; i++) {
        struct schedule_event e = s->event[i];
        uint32_t j = i;
        for (; j > 0 && s->event[j - 1].first > e.first; j--) s->event[j] = s->event[j - 1];
        s->event[j] = e;
    }
}

static void plan(struct planner *p, uint64_t first, uint64_t rows)
{
    struct schedule *s = p->schedule;
    uint64_t length = rows_of(p, WINDOW_S);
    uint64_t window = first / length;
    s->first = window * length;
    s->end = rows - s->first < length ? rows : s->first + length;
    s->events = s->at = 0;
    uint64_t seed = (uint64_t)p->options->seed;
    p->rng = andon_rng_fork(seed, RUN_STREAM_STOPS + (window << 20));
    place_stops(p);
    p->rng = andon_rng_fork(seed, RUN_STREAM_FAULTS + (window << 20));
    place_faults(p);
    sort_events(s);
}

const struct schedule_event *schedule_find(struct schedule *schedule, const struct sim_plant *plant,
                                           const struct sim_options *options, uint64_t rows,
                                           uint64_t row)
{
    if (row >= schedule->end) {
        struct planner p = {.plant = plant, .options = options, .schedule = schedule};
        plan(&p, row, rows);
    }
    while (schedule->at < schedule->events && schedule->event[schedule->at].end <= row) {
        schedule->at++;
    }
    if (schedule->at == schedule->events) return NULL;
    const struct schedule_event *e = &schedule->event[schedule->at];
    return e->first <= row ? e : NULL;
}
