/* What time it is. The one place that asks the operating system, so that a test can put its own in
 * its place. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)

/* clock_wall_ns: nanoseconds since 1970-01-01 UTC. Where the environment names a file in
 * ANDON_CLOCK_STEP when the program starts, the seconds written in that file are added, so that
 * tests can step the clock; it is read again at most every 50 ms. */
int64_t clock_wall_ns(void);

/* clock_steady_ns never goes back; for waiting and for measuring. */
int64_t clock_steady_ns(void);

#endif
