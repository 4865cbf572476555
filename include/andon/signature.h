/* What a fault looks like: how it moves the channels of a machine. Tables of these stand in the presets;
 * the diagnosis finds the one that fits what was seen. */
#ifndef ANDON_SIGNATURE_H
#define ANDON_SIGNATURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_SIGNATURES_MAX 32u /* of one table                 */
#define ANDON_EFFECTS_MAX 12u    /* channels that a fault moves  */

/* A channel during the fault: value' = value * factor + offset, in the channel's unit, [0] when the
 * fault begins and [1] when it is fully there (the same for a fault that is there at once). */
struct andon_effect {
    const char *channel;
    float factor[2]; /* 1: not scaled */
    float offset[2]; /* 0: not moved  */
    float noise;     /* the values jump by about this much more from row to row; 0: as before */
    uint8_t slow;    /* 1: arrives late (heat), so at first it may not be seen yet             */
};

struct andon_signature {
    const char *name; /* "bearing_wear" */
    const struct andon_effect *effect; /* effect[effects] */
    uint32_t effects;
};

#ifdef __cplusplus
}
#endif
#endif
