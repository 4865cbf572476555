/* What an isolation forest can do beyond the table of detectors. */
#ifndef ANDON_IFOREST_H
#define ANDON_IFOREST_H

#include "arena.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* andon_iforest_merge joins two forests of the same features into one that holds the trees of both,
 * so that two plants can share what they learned without sharing a row. Both must have been fitted
 * on features that were scaled alike. a, b   in   models of the detector "iforest", as its fit or
 * load made them arena  out  owns the merged model; a and b stay as they are The score of the
 * merged forest is that of a forest grown with all the trees: 2^(-H / C), H the sum of a row's path
 * lengths over the trees of both and C the sum of the trees' mean path lengths. ANDON_EINVAL
 * different numbers of features ANDON_ELIMIT  more than 10000 trees together ANDON_ENOMEM  the
 * arena limit is reached Time and memory: those of the two forests together. */
ANDON_MUST_CHECK andon_status andon_iforest_merge(const void *a, const void *b,
                                                  struct andon_arena *arena, void **model,
                                                  andon_error *err);

#ifdef __cplusplus
}
#endif
#endif
