/* When faults and planned stops happen.
 *
 * Time is planned in windows of at most 30 days, so that an endless run needs no more memory than a
 * month. Invariants: events of a window are in order, never overlap, and lie inside it. Where there
 * is room, the faults' rows add up to anomaly_rate of the window's rows to within half of the
 * shortest fault, and every kind occurs. */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "sim.h"

#define SCHEDULE_EVENTS_MAX 2048u
#define SCHEDULE_STOP (-1)

struct schedule_event {
    uint64_t first, end; /* rows, end excluded                     */
    int32_t fault;       /* index into plant->fault, SCHEDULE_STOP */
};

struct schedule {
    uint64_t first, end; /* rows of the window that is planned     */
    uint32_t events, at; /* at: the first event that is not over   */
    struct schedule_event event[SCHEDULE_EVENTS_MAX];
};

/* schedule_find returns the event that covers row, or NULL; rows must not fall. Plans the next
 * window when row leaves the present one. */
const struct schedule_event *schedule_find(struct schedule *schedule, const struct sim_plant *plant,
                                           const struct sim_options *options, uint64_t rows,
                                           uint64_t row);

#endif
