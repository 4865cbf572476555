/* The layout of a record in a segment.
 *
 *     u32 crc32c of all that follows   u32 size of the body   i64 received ns   u8 type
 *     u24 crc32c of size, time and type   body[size], zero bytes up to a multiple of 8
 *
 * Both sums go on from the journal's salt and the record's offset. So bytes that stand elsewhere,
 * and bytes that a sender made to look like a record inside a payload, are none: a sender knows no
 * salt. The small sum proves the head alone: a damaged body is passed by its size, and nothing
 * inside of it is ever looked at. */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"

#define RECORD_HEAD 20u

enum record_state {
    RECORD_WHOLE,
    RECORD_CUT,  /* the head is right, and not all of the body is there */
    RECORD_TORN, /* the head is right, the body is not                  */
    RECORD_NONE  /* no head                                             */
};

/* Room of a record, padding included: a multiple of 8. */
static inline uint64_t record_bytes(uint64_t size)
{
    return (RECORD_HEAD + size + 7) & ~UINT64_C(7);
}

/* record_write writes all of a record, record_bytes(size) bytes at `at`. record_write_head writes
 * its RECORD_HEAD first bytes alone: body and zero bytes go to the disk from elsewhere. The sizes
 * of the entry's parts are within JOURNAL_RECORD_MAX. */
void record_write(uint32_t salt, uint64_t offset, const struct journal_entry *entry, uint8_t *at);
void record_write_head(uint32_t salt, uint64_t offset, const struct journal_entry *entry,
                       uint8_t *head);

/* record_read looks at have bytes at offset. RECORD_WHOLE fills all of *record, which then borrows
 * at; RECORD_CUT and RECORD_TORN fill all but the body. */
enum record_state record_read(uint32_t salt, uint64_t offset, const uint8_t *at, size_t have,
                              struct journal_record *record);

#endif
