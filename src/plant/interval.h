/* The usual time between the samples of an asset: the median of the last steps of time, so that
 * gaps, bursts and a clock that was set do not count. Flat bytes without pointers; the same times
 * give the same bytes. A zeroed one has seen nothing. */
#ifndef PLANT_INTERVAL_H
#define PLANT_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#define INTERVAL_STEPS 32u /* steps that are remembered      */
#define INTERVAL_LEAST 4u  /* steps before it says anything  */

struct interval {
    int64_t last_ns;
    uint64_t seen;                /* samples                                        */
    uint64_t steps;               /* of which later than the one before them        */
    int64_t step[INTERVAL_STEPS]; /* ns, a ring                                     */
};

/* interval_see takes the time of a sample; one that is not later than the newest is no step. O(1)
 */
void interval_see(struct interval *interval, int64_t ts_ns);

/* interval_usual gives the usual step in ns, 0: not known yet. O(INTERVAL_STEPS^2), about 0.3 us */
int64_t interval_usual(const struct interval *interval);

/* interval_good says whether bytes are one that interval_see may have left. */
bool interval_good(const struct interval *interval);

#endif
