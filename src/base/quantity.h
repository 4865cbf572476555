/* Durations, sizes and rates as people write them: 100ms, 64MiB, 3/day. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define QUANTITY_ROOM 40 /* for any of the written forms, with its 0 */

/* duration_read reads one or several numbers with units, the larger first: 7d, 1h30m, 0.5s, 100ms,
 * or 0. Units: ns, us, ms, s, m or min, h, d, w. False: no duration, or 292 years and more. */
bool duration_read(struct text text, int64_t *ns);

/* duration_write writes what duration_read reads back exactly: 7d, 1h30m, 100ms, 0s. ns >= 0 */
void duration_write(char out[QUANTITY_ROOM], int64_t ns);

/* bytes_read reads a whole number of B (or nothing), kB, MB, GB, TB (powers of 1000), KiB, MiB,
 * GiB, TiB (powers of 1024). False: no size, or 2^63 bytes and more. */
bool bytes_read(struct text text, uint64_t *bytes);
void bytes_write(char out[QUANTITY_ROOM], uint64_t bytes);

/* rate_read reads a number above 0 per hour, day, week, month (30 days) or year (365 days): 3/day,
 * 0.5/h. False: no rate. */
bool rate_read(struct text text, double *per_day);
void rate_write(char out[QUANTITY_ROOM], double per_day);

/* real_read reads one finite decimal number and nothing else; no hexadecimal, no words. */
bool real_read(struct text text, double *value);

/* real_write writes the fewest digits that read back as the same number. */
void real_write(char out[QUANTITY_ROOM], double value);

#endif
