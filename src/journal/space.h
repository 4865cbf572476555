/* Whether the file system has room, asked rarely. Guarded by the journal's append lock. */
#ifndef JOURNAL_SPACE_H
#define JOURNAL_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct space {
    const char *dir;
    uint64_t spare_bytes; /* to be left free                              */
    uint64_t trusted;     /* bytes that may be used without asking again  */
    int64_t asked_ns;     /* when it was asked; 0: never                  */
    bool full;
};

/* space_take: may so many bytes be written? Asks the file system every 100 ms or 4 MiB, whichever
 * comes first, and every 100 ms while it is full. */
bool space_take(struct space *space, uint64_t bytes);

/* space_refused: a write has found the disk full whatever the file system says. */
void space_refused(struct space *space);

#endif
