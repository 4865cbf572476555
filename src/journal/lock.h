/* DIR/lock: held by the one process that writes the journal, and the second place of the journal's
 * salt beside the heads of its segments. */
#ifndef JOURNAL_LOCK_H
#define JOURNAL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/status.h"

/* lock_take takes the lock of the directory that dir_fd has open, and gives the journal's salt, a
 * new one when there is none yet. The lock is held until *fd is closed. ANDON_EIO another process
 * has it (err names it), or the file cannot be used */
ANDON_MUST_CHECK andon_status lock_take(int dir_fd, const char *dir, int *fd, uint32_t *salt,
                                        andon_error *err);

/* lock_salt finds the salt of a journal at rest, by its lock file or by any segment's head. False:
 * there is none. */
bool lock_salt(int dir_fd, uint32_t *salt);

#endif
