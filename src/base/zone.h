/* Local time of a place: when its clocks are how far east of UTC. Read once from the system's zone
 * files (TZif, RFC 8536); afterwards a zone is constant, so threads share it. Nothing here looks at
 * TZ or at the C library's idea of local time. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

#define ZONE_NAME_MAX 64u      /* bytes of a name                     */
#define ZONE_CHANGES_MAX 2048u /* changes of the clock that are kept  */
#define ZONE_FILE_MAX 65536u   /* bytes of a zone file                */

struct zone;

/* zone_open reads the zone called name ("America/Los_Angeles"); "UTC" needs no file.
 * ANDON_EINVAL  no zone is called so; ANDON_EFORMAT the file is none; ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status zone_open(const char *name, struct zone **zone, andon_error *err);
void zone_close(struct zone *zone); /* NULL is allowed */

/* zone_read makes a zone of a TZif file's bytes, which are read as hostile. */
ANDON_MUST_CHECK andon_status zone_read(const void *bytes, size_t size, struct zone **zone,
                                        andon_error *err);

/* zone_east_s: seconds that the clocks are ahead of UTC at an instant (in seconds since 1970 UTC).
 */
int32_t zone_east_s(const struct zone *zone, int64_t utc_s);

/* zone_utc_s is the instant at which the clocks show local_s (seconds since 1970 as if the local
 * time were UTC). A time that the clocks skip in spring counts on from before the change: 02:30
 * becomes what is 03:30 after it. Of the two instants of a time that they show twice in autumn the
 * first is taken, unless near_s (when the time was heard of) is closer to the second and within
 * half an hour of it. */
int64_t zone_utc_s(const struct zone *zone, int64_t local_s, int64_t near_s);

#endif
