/* A window on a file that always ends at the end of a line. Owned by one thread. */
#ifndef INGEST_LINES_H
#define INGEST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"
#include "ingest/compressed.h"

/* buffer[at..limit) is complete lines, buffer[limit..fill) the begun rest. Once .ended, everything
 * is complete and the last line has its newline. NUMBER_SLACK bytes behind fill are readable. */
struct lines {
    struct compressed *file;
    const char *path; /* borrowed */
    char *buffer;
    size_t at, limit, fill;
    uint64_t line; /* number of the line at .at, from 1 */
    bool ended;
};

/* lines_open opens a file and reads its first part; a UTF-8 byte order mark is skipped.
 * ANDON_EIO, ANDON_ENOMEM, ANDON_EDATA: as compressed_open; or the file is not text */
ANDON_MUST_CHECK andon_status lines_open(struct lines *lines, const char *path, andon_error *err);

/* lines_more drops what lies before .at and reads on; .limit grows unless the file has ended.
 * ANDON_ELIMIT one line is longer than CSV_LINE_MAX */
ANDON_MUST_CHECK andon_status lines_more(struct lines *lines, andon_error *err);

void lines_close(struct lines *lines); /* safe on a zeroed struct */

#endif
