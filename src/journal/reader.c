/* Invariants
 * 1. room[0..have) equals the file's bytes from base on, as they were when they were read.
 * 2. A record is looked for where the one before it ends. A damaged body is passed by the size that
 * its head proves; behind a damaged head every multiple of 8 is tried until a whole record stands
 *    there, since one in 2^24 of what is tried has the look of a head. */
#include "journal/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal/record.h"
#include "journal/segment.h"

andon_status reader_init(struct reader *reader, andon_error *err)
{
    *reader = (struct reader){.fd = -1};
    void *room = mmap(NULL, READER_ROOM, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return andon_fail(err, ANDON_ENOMEM, "no memory for a journal's reader: %zu bytes",
                          READER_ROOM);
    reader->room = room;
    return ANDON_OK;
}

void reader_free(struct reader *reader)
{
    if (reader->room != NULL) munmap(reader->room, READER_ROOM);
    *reader = (struct reader){.fd = -1};
}

void reader_enter(struct reader *reader, int fd, uint64_t first, uint32_t salt, uint64_t offset)
{
    reader->fd = fd;
    reader->first = first;
    reader->salt = salt;
    reader->offset = offset;
    reader_forget(reader);
}

void reader_forget(struct reader *reader)
{
    reader->have = 0;
    reader->base = reader->offset;
}

/* Keeps what is there from offset on, at the front; gives back the memory of a large record. */
static void move_up(struct reader *r, uint64_t offset, size_t need)
{
    size_t gone = (size_t)(offset - r->base);
    if (offset < r->base || gone >= r->have) {
        r->have = 0;
    } else {
        memmove(r->room, r->room + gone, r->have - gone);
        r->have -= gone;
    }
    r->base = offset;
    if (r->touched <= READER_CHUNK || need > READER_CHUNK || r->have > READER_CHUNK) return;
    madvise(r->room + READER_CHUNK, r->touched - READER_CHUNK, MADV_DONTNEED);
    r->touched = READER_CHUNK;
}

/* Gets need bytes from offset on into the buffer, or fewer at the limit, and as many behind them as
 * one chunk holds. READER_RECORD: they are there. */
static enum reader_result fill(struct reader *r, uint64_t offset, uint64_t need, uint64_t limit,
                               const uint8_t **at, size_t *have)
{
    if (need > limit - offset) need = limit - offset;
    if (offset < r->base || offset + need > r->base + r->have) {
        move_up(r, offset, (size_t)need);
        size_t wanted = need > READER_CHUNK ? (size_t)need : READER_CHUNK;
        if (wanted > limit - offset) wanted = (size_t)(limit - offset);
        if (r->touched < wanted) r->touched = wanted;
        while (r->have < need) {
            uint64_t place = SEGMENT_HEAD + (offset + r->have - r->first);
            ssize_t n = pread(r->fd, r->room + r->have, wanted - r->have, (off_t)place);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return n == 0 ? READER_SHORT : READER_ERROR;
            r->have += (size_t)n;
        }
    }
    *at = r->room + (offset - r->base);
    *have = (size_t)(r->base + r->have - offset);
    if (*have > limit - offset) *have = (size_t)(limit - offset);
    return READER_RECORD;
}

/* What stands at offset; READER_RECORD: *state says. */
static enum reader_result look(struct reader *r, uint64_t offset, uint64_t limit,
                               enum record_state *state, struct journal_record *record)
{
    const uint8_t *at;
    size_t have;
    enum reader_result got = fill(r, offset, RECORD_HEAD, limit, &at, &have);
    if (got != READER_RECORD) return got;
    *state = record_read(r->salt, offset, at, have, record);
    if (*state != RECORD_CUT || record->next > limit) return READER_RECORD;
    got = fill(r, offset, record->next - offset, limit, &at, &have);
    if (got == READER_RECORD) *state = record_read(r->salt, offset, at, have, record);
    return got;
}

/* Goes to the first record behind offset, where none stands. */
static enum reader_result pass(struct reader *r, uint64_t limit)
{
    struct journal_record record = {0};
    enum record_state state;
    bool certain = true; /* that a record begins here */
    for (uint64_t at = r->offset; at < limit && limit - at >= RECORD_HEAD;) {
        enum reader_result got = look(r, at, limit, &state, &record);
        if (got != READER_RECORD) return got;
        if (state == RECORD_WHOLE) {
            r->offset = at;
            return READER_DAMAGE;
        }
        certain = certain && state != RECORD_NONE;
        at = certain ? record.next : at + 8;
    }
    return READER_TORN;
}

enum reader_result reader_next(struct reader *r, uint64_t limit, struct journal_record *record)
{
    enum record_state state;
    if (r->offset >= limit) return READER_END;
    enum reader_result got = look(r, r->offset, limit, &state, record);
    if (got != READER_RECORD) return got;
    if (state != RECORD_WHOLE) return pass(r, limit);
    r->offset = record->next;
    return READER_RECORD;
}
