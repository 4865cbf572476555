/* A bar on a terminal, nothing in a pipe. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/detector.h"

/* Owned by the main thread. */
struct progress {
    const char *what; /* "training"                            */
    bool shown;       /* a terminal, and not --quiet           */
    bool drawn;
    int64_t next_ns; /* when the bar may be drawn again       */
};

/* progress_start draws nothing yet. */
void progress_start(struct progress *p, const char *what, bool quiet);

/* progress_tell draws the part done (0..1), at most ten times a second. */
void progress_tell(struct progress *p, double part);

/* progress_end removes the bar. */
void progress_end(struct progress *p);

/* The bar as the library's callback. */
struct andon_progress progress_callback(struct progress *p);

#endif
