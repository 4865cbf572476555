/* Which fault an anomaly looks like.
 *
 * A machine's symptoms are what its channels did before the anomaly and do during it, in their units:
 * slow means and deviations of rows that were not anomalous, means of those that are, and how much
 * values jump from row to row. A signature says how a fault moves them. The diagnosis tries every
 * signature from its onset to its full size and from weak to strong, and measures how far what was seen
 * is from what would be expected, in the channels' own deviations; what fits none is unknown. */
#ifndef VERDICT_DIAGNOSIS_H
#define VERDICT_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/bytes.h"
#include "andon/recipe.h"
#include "andon/signature.h"

#define DIAGNOSIS_UNKNOWN (-1)

/* A machine's symptoms: one flat block without pointers, 8-byte aligned. */
size_t symptoms_bytes(uint32_t channels);
void symptoms_init(void *symptoms, uint32_t channels);

/* symptoms_see takes the next row of the machine; rows in which it does not run are left out.
 *   value   in  value[channels of the recipe] as the recipe gets them; NaN: missing
 *   regime  in  as in andon_series; normal differs from regime to regime, and that is taken away
 * Time about 20 ns a channel. */
void symptoms_see(void *symptoms, const struct andon_recipe *recipe, const double *value,
                  int32_t regime, bool running, bool anomalous);

/* symptoms_deviation: by how many of its own deviations the channel differs from before; NaN when
 * nothing can be said (no anomalous row, the channel is missing). */
double symptoms_deviation(const void *symptoms, uint32_t channel);
uint32_t symptoms_rows(const void *symptoms); /* anomalous rows of the present event */

/* The block as bytes and back. false: cut, or of another number of channels, or no symptoms. */
void symptoms_save(const void *symptoms, struct andon_writer *out);
bool symptoms_load(void *symptoms, uint32_t channels, struct andon_reader *in);

struct diagnosis {
    int32_t fault;     /* index into the signatures, DIAGNOSIS_UNKNOWN               */
    double confidence; /* 0..1 of that answer                                        */
    double strength;   /* of the fault: 1 is as the signature says; 0 when unknown    */
    double part;       /* how far it has come, 0 onset .. 1 full; 0 when unknown      */
    int32_t second;    /* the next best fault, DIAGNOSIS_UNKNOWN when there is but one */
};

/* diagnose compares the present event with signature[signatures], at most ANDON_SIGNATURES_MAX with at
 * most ANDON_EFFECTS_MAX effects each; effects of channels that the recipe does not have, or that are
 * missing now, do not count. Allocates nothing, never fails; a pure function of its arguments.
 * Time about 50 us for five faults of six channels. */
struct diagnosis diagnose(const void *symptoms, const struct andon_recipe *recipe, int32_t regime,
                          const struct andon_signature *signature, uint32_t signatures);

#endif
