/* What a plant may ask of its run, for the plants' own files. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "andon/rng.h"
#include "schedule.h"
#include "sim.h"

#define NS_PER_S INT64_C(1000000000)

/* Random streams: one per purpose, so that one purpose's draws never shift another's. */
enum run_stream {
    RUN_STREAM_STOPS = 0x100,
    RUN_STREAM_FAULTS = 0x200,
    RUN_STREAM_FAULT_NOISE = 0x300,
    RUN_STREAM_SIGNAL = 0x10000 /* + channel or latent process */
};

struct andon_rng run_rng(const struct sim *sim, uint64_t stream);

/* The event that covers the present row, or NULL. */
const struct schedule_event *run_event(const struct sim *sim);

/* Seconds since the event's first row, and the part of it that is over, 0 at its first row and 1 at
 * its last. */
double run_event_s(const struct sim *sim, uint64_t row);
double run_event_part(const struct sim *sim, uint64_t row);

/* Calendar of a time in UTC. */
int64_t run_second_of_day(int64_t ts_ns);
int run_weekday(int64_t ts_ns); /* 0 Monday .. 6 Sunday */

#endif
