/* A file that appears whole or not at all: written as PATH.tmp, renamed when complete. Owned by the
 * main thread, one at a time. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "andon/status.h"

#define OUTPUT_ROOM_MAX ((size_t)1 << 20) /* of one output_room */

/* A zeroed one may be abandoned. */
struct output {
    const char *path; /* as given, for errors; borrowed */
    char *target;     /* the file behind path           */
    char *temporary;  /* NULL: written directly         */
    int fd;
    bool open;
    int error; /* errno of the first write that failed; later ones do nothing */
    char *buffer;
    size_t fill;
};

/* output_open starts a file. "-" is standard output; that and what is no regular file (a pipe, a
 * device) is written directly.
 * ANDON_EIO path cannot be written (err says why) */
ANDON_MUST_CHECK andon_status output_open(struct output *out, const char *path, andon_error *err);

/* output_room gives room for the next bytes (at most OUTPUT_ROOM_MAX); output_fill says how many
 * were written there. */
char *output_room(struct output *out, size_t bytes);
void output_fill(struct output *out, size_t bytes);

void output_bytes(struct output *out, const void *bytes, size_t size);

/* output_commit writes what is left, makes it durable when `durable`, and gives the file its name.
 * ANDON_EIO a write failed, now or before: nothing is left behind */
ANDON_MUST_CHECK andon_status output_commit(struct output *out, bool durable, andon_error *err);

/* output_abandon removes an unfinished file; does nothing after output_commit. */
void output_abandon(struct output *out);

/* output_clean_on_signals removes the unfinished file when a signal ends the program. */
void output_clean_on_signals(void);

#endif
