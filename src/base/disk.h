/* Files, with every write and sync in one place, so that faults can be put in. Any thread.
 *
 * Faults: ANDON_DISK_FAULT="write:N", "sync:N" or "full:FILE" in the environment when the program
 * starts make the Nth write or sync from then on fail with EIO, or every write fail with ENOSPC
 * while FILE exists; "kill:N" kills the process between a read and the Nth write. Tests set them in
 * the process by disk_fault. */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "andon/status.h"

enum disk_operation { DISK_WRITE, DISK_SYNC };

/* disk_write writes all of part[parts] at offset of fd, or says why not; a short write is
 * continued. ANDON_ELIMIT the disk is full (errno ENOSPC, EDQUOT, EFBIG); ANDON_EIO anything else
 */
ANDON_MUST_CHECK andon_status disk_write(int fd, const struct iovec *part, int parts,
                                         uint64_t offset, const char *path, andon_error *err);

/* disk_sync makes fd's data durable (fdatasync). */
ANDON_MUST_CHECK andon_status disk_sync(int fd, const char *path, andon_error *err);

/* disk_sync_directory makes a created, renamed or removed name durable. */
ANDON_MUST_CHECK andon_status disk_sync_directory(const char *path, andon_error *err);

/* disk_free_bytes: room for an ordinary user on the file system of path; UINT64_MAX when unknown.
 */
uint64_t disk_free_bytes(const char *path);

/* disk_fault makes the nth operation of a kind from now on fail with error (1: the next), and those
 * behind it until disk_fault_clear. Counts go on over threads. */
void disk_fault(enum disk_operation operation, uint64_t nth, int error);
void disk_fault_clear(void);

/* How often each operation was done since the start, for tests that fail each in turn. */
uint64_t disk_operations(enum disk_operation operation);

#endif
