/* Times on the way out. Nanoseconds since 1970-01-01 UTC. */
#ifndef BASE_TIMESTAMP_WRITE_H
#define BASE_TIMESTAMP_WRITE_H

#include <stdint.h>

#define TIMESTAMP_ROOM 40

/* timestamp_write writes ISO 8601 with Z, with as many decimals (0, 3, 6, 9) as needed; a 0 ends
 * it. */
void timestamp_write(char text[TIMESTAMP_ROOM], int64_t ts_ns);

#endif
