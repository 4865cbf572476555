/* The records of one segment file, one after the other, through a private buffer. Owned by one
 * thread.
 *
 * pread into a buffer of 256 KiB, not a mapping: a page that the disk cannot give is then an error
 * and not a signal, and it is not slower. */
#ifndef JOURNAL_READER_H
#define JOURNAL_READER_H

#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"

#define READER_CHUNK ((size_t)256 << 10)
/* Address space of the buffer. Memory beyond READER_CHUNK is used while a larger record is read. */
#define READER_ROOM ((size_t)JOURNAL_RECORD_MAX + 64 + READER_CHUNK)

enum reader_result {
    READER_RECORD,
    READER_END,    /* offset is at the limit                                                 */
    READER_DAMAGE, /* what stood here is no record; offset is at the next one                */
    READER_TORN,   /* no record from offset to the limit, where offset stays                 */
    READER_SHORT,  /* the file ends before the limit                                         */
    READER_ERROR   /* errno                                                                  */
};

struct reader {
    int fd; /* of the file; belongs to whoever set it */
    uint32_t salt;
    uint64_t first;  /* offset of the file's first record      */
    uint64_t offset; /* of the next record                     */
    uint8_t *room;   /* READER_ROOM bytes                      */
    uint64_t base;   /* room[0..have) is what stands at base   */
    size_t have, touched;
};

/* reader_init takes the buffer; ANDON_ENOMEM. reader_free gives it back; a zeroed one is allowed.
 */
ANDON_MUST_CHECK andon_status reader_init(struct reader *reader, andon_error *err);
void reader_free(struct reader *reader);

/* reader_enter goes to offset in a file. */
void reader_enter(struct reader *reader, int fd, uint64_t first, uint32_t salt, uint64_t offset);

/* reader_forget drops what is in the buffer, which may have changed in the file. */
void reader_forget(struct reader *reader);

/* reader_next reads what stands at offset and below limit, and moves on. *record borrows the buffer
 * until the next call. */
enum reader_result reader_next(struct reader *reader, uint64_t limit,
                               struct journal_record *record);

#endif
