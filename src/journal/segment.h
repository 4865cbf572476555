/* Segment files: what they are called and how they begin.
 *
 * A file begins with SEGMENT_HEAD bytes that are no part of the offsets: magic, version, salt, its
 * first offset, the time of the last record before it, and their sum. A record at offset stands in
 * the file at SEGMENT_HEAD + (offset - first). What a file holds beyond the first offset of the
 * next one does not count: a segment that could not be synced is written again from the last
 * durable offset on. */
#ifndef JOURNAL_SEGMENT_H
#define JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

#define SEGMENT_HEAD 64u
#define SEGMENT_NAME_ROOM 32u
#define SEGMENT_UNFINISHED ".new" /* behind the name of a file that is being written again */
#define SEGMENT_FIRST_MAX (UINT64_C(1) << 62) /* so that no sum with a file's size runs over */

struct segment_head {
    uint64_t first;
    int64_t before_ns; /* time of the last record before first; INT64_MIN: there is none */
    uint32_t salt;
};

enum segment_head_state {
    SEGMENT_HEAD_WHOLE,
    SEGMENT_HEAD_NONE, /* missing, cut or damaged             */
    SEGMENT_HEAD_NEWER /* of a format that this one is not    */
};

void segment_name(char name[SEGMENT_NAME_ROOM], uint64_t first);
bool segment_name_read(const char *name, uint64_t *first);

void segment_head_write(uint8_t bytes[SEGMENT_HEAD], const struct segment_head *head);

/* segment_head_read reads the head of the open file fd. errno says why when it cannot be read; that
 * counts as SEGMENT_HEAD_NONE. */
enum segment_head_state segment_head_read(int fd, struct segment_head *head);

/* segment_physical_end: the offset behind the last byte of the open file fd; first when it is
 * shorter than a head. False: errno. */
bool segment_physical_end(int fd, uint64_t first, uint64_t *end);

/* segment_each calls visit with the first offset of every segment in the directory that dir_fd has
 * open, in no order, until it returns false. Allocates nothing. dir_fd belongs to one thread.
 * False: errno, or visit ended it (errno 0). */
bool segment_each(int dir_fd, bool (*visit)(void *context, uint64_t first), void *context);

/* segment_remove_unfinished removes what a repair that was killed has left. */
void segment_remove_unfinished(int dir_fd);

#endif
