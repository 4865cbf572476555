/* Four sites: a pump station, a mine's conveyor, a bakery and a factory of components.
 *
 * A machine whose fault shall be seen soon takes the first seed whose run has one soon: the schedule of a
 * run is a function of its seed, so nothing is put in by hand. */
#include "cli/demo_plants.h"

#include <string.h>

#define NS_PER_S INT64_C(1000000000)
enum { SOON_S_MIN = 20 * 60, SOON_S_MAX = 50 * 60, SEEDS_MAX = 5000, DAY_S = 86400 };

const struct demo_machine demo_machines[] = {
    {"pump", "acme/pumps/p01", {"acme/pumps/p01", NULL}, 101, 0.15, true},
    {"pump", "acme/pumps/p02", {"acme/pumps/p02", NULL}, 102, 0.05, false},
    {"pump", "acme/pumps/p03", {"acme/pumps/p03", NULL}, 103, 0.05, false},
    {"conveyor", "acme/mine/belt1", {"acme/mine/belt1", NULL}, 104, 0.05, false},
    {"bakery", "", {"fryer", "productionline"}, 105, 0.05, false},
    {"component-factory", "acme/blades/line1", {"acme/blades/line1", NULL}, 106, 0.05, false},
};

size_t demo_machine_count(void)
{
    return sizeof demo_machines / sizeof *demo_machines;
}

static andon_status open_run(const struct demo_machine *m, int64_t seed, double rate, int64_t start_s,
                             double days, double interval_s, struct andon_arena *arena,
                             struct sim **sim, andon_error *err)
{
    const struct sim_plant *plant = sim_plant_named(m->plant);
    struct sim_options options;
    sim_options_default(plant, &options);
    options.seed = seed;
    options.anomaly_rate = rate;
    options.start_s = start_s;
    options.days = days;
    options.interval_s = interval_s;
    return sim_open(plant, &options, arena, sim, err);
}

/* Seconds until the run's first fault, negative when there is none within limit_s. */
static double until_fault(const struct demo_machine *m, int64_t seed, int64_t start_s,
                          double interval_s, double limit_s, struct demo_fault *fault)
{
    struct andon_arena arena;
    struct sim *sim;
    struct sim_sample sample;
    andon_error err;
    double at = -1.0;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    if (open_run(m, seed, m->live_rate, start_s, 30.0, interval_s, &arena, &sim, &err) == ANDON_OK) {
        while (sim_next(sim, &sample)) {
            double s = (double)(sample.ts_ns - start_s * NS_PER_S) / 1e9;
            if (at < 0.0 && s > limit_s) break;
            if (at >= 0.0 && sample.fault < 0) break;
            if (sample.fault < 0) continue;
            if (at < 0.0) {
                at = s;
                fault->title = sim_plant_of(sim)->fault[sample.fault].title;
                fault->after_s = s;
            }
            fault->lasts_s = s - at + interval_s;
        }
    }
    andon_arena_free(&arena);
    return at;
}

static int64_t live_seed(const struct demo_machine *m, int64_t start_s, double interval_s)
{
    struct demo_fault fault;
    for (int64_t seed = m->seed; m->soon && seed < m->seed + SEEDS_MAX; seed++)
        if (until_fault(m, seed, start_s, interval_s, SOON_S_MAX, &fault) >= SOON_S_MIN) return seed;
    return m->seed;
}

andon_status demo_sim(const struct demo_machine *m, bool live, int64_t start_s, double days,
                      double interval_s, struct andon_arena *arena, struct sim **sim, andon_error *err)
{
    if (!live) return open_run(m, m->seed + 1000000, 0.0, start_s, days, interval_s, arena, sim, err);
    int64_t seed = live_seed(m, start_s, interval_s);
    return open_run(m, seed, m->live_rate, start_s, days, interval_s, arena, sim, err);
}

bool demo_first_fault(const struct demo_machine *m, int64_t start_s, double interval_s,
                      struct demo_fault *fault)
{
    int64_t seed = live_seed(m, start_s, interval_s);
    return until_fault(m, seed, start_s, interval_s, DAY_S, fault) >= 0.0;
}
