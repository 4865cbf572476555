/* The bytes of a file, plain or gzip. Owned by one thread. */
#ifndef INGEST_COMPRESSED_H
#define INGEST_COMPRESSED_H

#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

struct compressed;

/* compressed_open opens a file; gzip (RFC 1952, also several members in a row) is told by its first
 * two bytes, not by its name. "-" is standard input.
 * ANDON_EIO     the path is missing, not readable or a directory (err names path and reason)
 * ANDON_ENOMEM  no room; memory is about 100 KiB whatever the file's size */
ANDON_MUST_CHECK andon_status compressed_open(struct compressed **file, const char *path,
                                              andon_error *err);

/* compressed_read fills room with the next bytes; *got is 0 at the end only.
 * ANDON_EIO a read failed; ANDON_EDATA the gzip stream is cut or damaged */
ANDON_MUST_CHECK andon_status compressed_read(struct compressed *file, void *room, size_t bytes,
                                              size_t *got, andon_error *err);

/* compressed_part is the part of the file's bytes on disk that was read, 0..1; 0 for a pipe. */
double compressed_part(const struct compressed *file);

void compressed_close(struct compressed *file); /* NULL is fine */

#endif
