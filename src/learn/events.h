/* Labelled events, alarms, and which found which. */
#ifndef LEARN_EVENTS_H
#define LEARN_EVENTS_H

#include "metrics.h"

/* Time of a row in seconds since the first, also where there are no times. */
double events_time_s(const struct metrics_input *in, double interval_s, size_t row);

/* events_match fills the lists and counts of events and false alarms: event, events, found, missed,
 * events_unknown, alarms, false_alarm, false_stretches, false_alarms. false: the arena is full. */
bool events_match(const struct metrics_input *in, double interval_s, struct andon_arena *arena,
                  struct metrics *out);

#endif
