/* Recorded files as one stream of samples in order of time. Files of one asset and channel follow
 * each other; all assets and channels of a day run side by side, so that a row whose channels stand
 * in several files comes out whole. Owned by one thread. */
#ifndef CLI_IMPORT_STREAMS_H
#define CLI_IMPORT_STREAMS_H

#include "base/json.h"
#include "ingest/files/folder.h"

#define IMPORT_STREAMS_MAX 512u /* files that are open at the same time */

struct import_request {
    struct folder *folder; /* its files are put in order */
    const char *time;
    const char *const *drop;
    size_t drops;
};

struct import_sums {
    uint64_t samples;     /* that streams_next gave                          */
    uint64_t empty;       /* rows without any value                          */
    uint64_t untimed;     /* rows without a time                             */
    char untimed_at[320]; /* file:line of the first                          */
    uint32_t files;       /* read to their end                               */
};

struct import_streams;

ANDON_MUST_CHECK andon_status streams_open(const struct import_request *request,
                                           struct import_streams **streams, andon_error *err);
void streams_close(struct import_streams *streams); /* NULL is fine */

/* streams_next appends the next sample as a line of the native interface to lines, and gives its
 * time and asset. *more is false behind the last one. */
ANDON_MUST_CHECK andon_status streams_next(struct import_streams *streams, struct json *lines,
                                           int64_t *ts_ns, const char **asset, bool *more,
                                           andon_error *err);

const struct import_sums *streams_sums(const struct import_streams *streams);
double streams_part(const struct import_streams *streams); /* done so far, 0..1 */

#endif
