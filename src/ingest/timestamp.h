/* Times as text. Nanoseconds since 1970-01-01 UTC; a time without a zone is taken as UTC. */
#ifndef INGEST_TIMESTAMP_H
#define INGEST_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/timestamp_write.h"

#define TIMESTAMP_EXPECTED "a time such as 2024-05-31T12:00:00Z or epoch seconds"

/* timestamp_read reads one of
 *   2024-05-31                                      a date (midnight)
 *   2024-05-31T12:30[:15[.25]][Z|+02:00|+0200|+02]  ISO 8601; a space, '_' or newline for the T
 *   31-05-2024 12:30:15.25                          also with dots between the date's parts
 *   2024.05.31.12.30.15                             IMS bearing files
 *   1717158615[.25]                                 epoch: below 1e11 seconds, below 1e14 milli-,
 *                                                   below 1e17 micro-, else nanoseconds
 * spaces around it and slashes in the ISO date allowed. False: none of these, or before 1678 or
 * after 2261. Digits beyond the nanosecond are cut. */
bool timestamp_read(const char *text, size_t length, int64_t *ts_ns);

/* timestamp_read_local is timestamp_read for a time that may be local to a place: *local says that
 * it named no zone (a written date without one; an epoch is never local), and *ts_ns is then what
 * it would be if it were UTC. */
bool timestamp_read_local(const char *text, size_t length, int64_t *ts_ns, bool *local);

/* timestamp_read_epoch reads an epoch number whose unit is known: unit_ns nanoseconds (1, 10^3,
 * 10^6 or 10^9); 0: its magnitude tells. */
bool timestamp_read_epoch(const char *text, size_t length, int64_t unit_ns, int64_t *ts_ns);

/* timestamp_of_epoch is timestamp_read_epoch for a number that is read already. */
bool timestamp_of_epoch(int64_t epoch, int64_t unit_ns, int64_t *ts_ns);

/* timestamp_is_epoch tells an epoch number from a written date. */
bool timestamp_is_epoch(const char *text, size_t length);

#endif
