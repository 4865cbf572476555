/* A simulated plant that talks: its samples as messages to an MQTT door or to andon's HTTP door. */
#ifndef CLI_SIMULATE_SEND_H
#define CLI_SIMULATE_SEND_H

#include "sim/sim.h"

struct simulate_target {
    const char *url;   /* mqtt://host:port, http://host:port                              */
    const char *asset; /* topic of a plant of one part; in front of the topics of several */
    double speed;      /* simulated seconds in a second; 0: as fast as it is taken        */
    bool endless_now;  /* times start at the present instead of the run's own             */
    bool (*tell)(void *context, double part); /* true: stop; may be NULL */
    void *context;
};

struct simulate_sent {
    uint64_t messages, acknowledged, rows;
};

/* simulate_send publishes the whole run with QoS 1 (or in batches over HTTP) and returns when all of it
 * is acknowledged, or the run was stopped.
 * ANDON_EINVAL the URL is none; ANDON_EIO the target cannot be reached or went away for good */
ANDON_MUST_CHECK andon_status simulate_send(struct sim *sim, const struct simulate_target *target,
                                            struct simulate_sent *sent, andon_error *err);

#endif
