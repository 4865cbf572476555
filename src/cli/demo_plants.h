/* The machines of `andon demo`: what they are, and their simulated lives before and after the demo begins. */
#ifndef CLI_DEMO_PLANTS_H
#define CLI_DEMO_PLANTS_H

#include <stdatomic.h>

#include "sim/sim.h"

struct demo_machine {
    const char *plant;  /* of sim_plant_named                                         */
    const char *topic;  /* what it publishes to; parts of several have topics of their own */
    const char *asset[2]; /* the assets that come of it; NULL: none                   */
    int64_t seed;
    double live_rate;   /* part of the live time with a fault                         */
    bool soon;          /* its first fault begins within a minute of the live start   */
};

extern const struct demo_machine demo_machines[];
size_t demo_machine_count(void);

/* demo_sim opens a run of the machine that starts at start_s. live: with faults, else without.
 * The arena owns it. */
ANDON_MUST_CHECK andon_status demo_sim(const struct demo_machine *machine, bool live, int64_t start_s,
                                       double days, double interval_s, struct andon_arena *arena,
                                       struct sim **sim, andon_error *err);

/* The first fault of the machine's live run, in simulated seconds from its start; false: none within
 * a day. */
struct demo_fault {
    const char *title;
    double after_s, lasts_s;
};
bool demo_first_fault(const struct demo_machine *machine, int64_t start_s, double interval_s,
                      struct demo_fault *fault);

#endif
