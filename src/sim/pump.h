/* What the two pump generators share. */
#ifndef SIM_PUMP_H
#define SIM_PUMP_H

#include "run.h"

enum pump_channel {
    PUMP_TEMPERATURE = 0,
    PUMP_VIBRATION,
    PUMP_PRESSURE,
    PUMP_FLOW,
    PUMP_CURRENT,
    PUMP_DUTY,
    PUMP_CHANNELS
};

enum pump_state {
    PUMP_NORMAL = 0,
    PUMP_STARTUP,
    PUMP_HIGH_LOAD,
    PUMP_MAINTENANCE,
    PUMP_SHUTDOWN,
    PUMP_STATES
};

enum pump_fault {
    PUMP_CAVITATION = 0,
    PUMP_BEARING_WEAR,
    PUMP_SEAL_LEAK,
    PUMP_ELECTRICAL_FAULT,
    PUMP_PARTIAL_BLOCKAGE,
    PUMP_FAULTS
};

extern const double pump_mean[PUMP_CHANNELS], pump_sd[PUMP_CHANNELS];

/* The calendar's state at a time: start-up, high load, maintenance or normal. */
enum pump_state pump_calendar(int64_t ts_ns);

/* pump_season is the daily and weekly swing in parts of a deviation: at most 0.15. */
double pump_season(const struct sim *sim, uint64_t row);

/* How a fault changes the readings: value' = value * factor + offset. part is how much of the event
 * is over (0..1), noise a standard normal number. */
struct pump_signature {
    double factor[PUMP_CHANNELS], offset[PUMP_CHANNELS];
};
struct pump_signature pump_signature_of(enum pump_fault fault, double part, double noise);

/* The generator of the published description, and the memory that it needs. */
struct pump_published {
    struct andon_rng rng[PUMP_CHANNELS], fault_rng;
    double y[PUMP_CHANNELS];
};
void pump_published_start(const struct sim *sim, struct pump_published *p);
void pump_published_next(const struct sim *sim, struct pump_published *p, struct sim_sample *sample,
                         double *value);

#endif
