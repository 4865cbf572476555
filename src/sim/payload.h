/* A sample as the messages that a plant publishes: one per part of the plant, JSON, spelled as the published
 * payloads are (keys, order, decimals, envelopes, both kinds of date). */
#ifndef SIM_PAYLOAD_H
#define SIM_PAYLOAD_H

#include "sim.h"

#define SIM_PARTS_MAX 4u
#define SIM_TOPIC_MAX 256u
#define SIM_PAYLOAD_MAX 8192u

struct sim_message {
    char topic[SIM_TOPIC_MAX];
    char payload[SIM_PAYLOAD_MAX];
    size_t size; /* of the payload */
};

/* sim_parts lists the plant's parts that send messages of their own; part[SIM_PARTS_MAX], "" for a plant
 * that is one. Returns how many, at least 1. */
uint32_t sim_parts(const struct sim_plant *plant, const char *part[SIM_PARTS_MAX]);

/* sim_message fills the message of one part. asset is the topic of a plant of one part
 * ("acme/pumps/p01"); parts of several have their published topics, below asset where it is not empty.
 * False: the text does not fit. */
bool sim_message(const struct sim_plant *plant, const struct sim_sample *sample, const char *part,
                 const char *asset, struct sim_message *message);

#endif
