/* What is there when a journal is opened.
 *
 * Only the last segment can end in the middle of a record: it is read through, and what follows its
 * last whole record is cut off. The other ones were synced before the one behind them was let go
 * on; damage in them is found by whoever reads them.
 *
 * Nothing that was cut off gives its offsets back: the next record begins behind where the file
 * ended. So a store that was ahead of a damaged journal never meets another record at an offset it
 * knows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/log.h"
#include "journal/inner.h"
#include "journal/reader.h"

static int by_first(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* The journal is new: its list starts at 0 and has room. */
static bool add_segment(void *context, uint64_t first)
{
    struct journal *j = context;
    if (j->segments == JOURNAL_SEGMENTS_MAX) return false;
    j->segment[j->segments++] = (struct segment){first, first, INT64_MIN};
    return true;
}

static andon_status list(struct journal *j, andon_error *err)
{
    if (!segment_each(j->dir_fd, add_segment, j))
        return errno == 0
                   ? andon_fail(err, ANDON_ELIMIT,
                                "%s: found more than %u segments, which is the limit", j->dir,
                                JOURNAL_SEGMENTS_MAX)
                   : andon_fail(err, ANDON_EIO, "%s: cannot list: %s", j->dir, strerror(errno));
    qsort(j->segment, j->segments, sizeof *j->segment, by_first);
    return ANDON_OK;
}

static andon_status open_segment(struct journal *j, uint64_t first, int flags, int *fd,
                                 andon_error *err)
{
    char name[SEGMENT_NAME_ROOM];
    segment_name(name, first);
    *fd = openat(j->dir_fd, name, flags | O_CLOEXEC);
    if (*fd >= 0) return ANDON_OK;
    return andon_fail(err, ANDON_EIO, "%s/%s: cannot open: %s", j->dir, name, strerror(errno));
}

/* How far a segment reaches, and what its head tells of the one before it. */
static andon_status inspect(struct journal *j, uint32_t i, andon_error *err)
{
    struct segment *s = &j->segment[i];
    struct segment_head head;
    struct stat file;
    int fd;
    andon_status st = open_segment(j, s->first, O_RDONLY, &fd, err);
    if (st != ANDON_OK) return st;
    enum segment_head_state state = segment_head_read(fd, &head);
    bool known = fstat(fd, &file) == 0 && segment_physical_end(fd, s->first, &s->end);
    close(fd);
    if (!known) return andon_fail(err, ANDON_EIO, "%s: cannot read: %s", j->dir, strerror(errno));
    if (state == SEGMENT_HEAD_NEWER)
        return andon_fail(err, ANDON_EFORMAT,
                          "%s: segment %016llx is of a newer format than this program reads",
                          j->dir, (unsigned long long)s->first);
    if (state == SEGMENT_HEAD_WHOLE && head.first != s->first)
        return andon_fail(err, ANDON_EFORMAT,
                          "%s: found the segment of offset %016llx in a file named %016llx.journal",
                          j->dir, (unsigned long long)head.first, (unsigned long long)s->first);
    if (i + 1 < j->segments && s->end > j->segment[i + 1].first) s->end = j->segment[i + 1].first;
    atomic_fetch_add(&j->bytes, (uint64_t)file.st_size);
    if (i > 0) {
        struct segment *before = &j->segment[i - 1];
        /* Without a head the file's own time stands in: when it was written last. */
        before->newest_ns = state == SEGMENT_HEAD_WHOLE
                                ? head.before_ns
                                : file.st_mtim.tv_sec * INT64_C(1000000000) + file.st_mtim.tv_nsec;
    }
    return ANDON_OK;
}

/* Reads the last segment through. *end: behind its last whole record; *limit: where the file ends.
 */
static andon_status scan(struct journal *j, const struct segment *last, int fd, uint64_t *end,
                         andon_error *err)
{
    struct reader reader;
    struct journal_record record;
    struct segment_head head;
    enum reader_result got;
    andon_status st = reader_init(&reader, err);
    if (st != ANDON_OK) return st;
    if (j->segments > 1) atomic_store(&j->now_ns, last[-1].newest_ns);
    if (segment_head_read(fd, &head) == SEGMENT_HEAD_WHOLE) {
        atomic_store(&j->now_ns, head.before_ns);
        j->salt = head.salt; /* what is appended must be read by the same */
    }
    reader_enter(&reader, fd, last->first, j->salt, last->first);
    *end = last->first;
    while ((got = reader_next(&reader, last->end, &record)) == READER_RECORD ||
           got == READER_DAMAGE) {
        if (got == READER_DAMAGE) {
            atomic_fetch_add(&j->damaged, reader.offset - *end);
            continue;
        }
        *end = record.next;
        atomic_store(&j->now_ns, record.received_ns);
    }
    int why = errno;
    reader_free(&reader);
    if (got != READER_ERROR) return ANDON_OK;
    return andon_fail(err, ANDON_EIO, "%s: cannot read: %s", j->dir, strerror(why));
}

/* Records that a killed program has written are in the kernel's hands; from here on they are
 * durable, as a program that finds its offset in the store takes them to be. */
static andon_status sync_all(struct journal *j, andon_error *err)
{
    andon_status st = ANDON_OK;
    uint32_t i = j->segments > JOURNAL_RETIRED_MAX + 1 ? j->segments - JOURNAL_RETIRED_MAX - 1 : 0;
    for (; i < j->segments && st == ANDON_OK; i++) {
        int fd;
        st = open_segment(j, j->segment[i].first, O_RDONLY, &fd, err);
        if (st != ANDON_OK) break;
        st = disk_sync(fd, j->dir, err);
        close(fd);
    }
    if (st == ANDON_OK && j->segments > 0) st = disk_sync_directory(j->dir, err);
    return st;
}

/* A segment that holds nothing gets its head together with its first record. */
static andon_status begin_again(struct journal *j, andon_error *err)
{
    struct stat file;
    j->headless = true;
    if (fstat(j->current.fd, &file) != 0 || ftruncate(j->current.fd, 0) != 0)
        return andon_fail(err, ANDON_EIO, "%s: cannot cut: %s", j->dir, strerror(errno));
    atomic_fetch_sub(&j->bytes, (uint64_t)file.st_size);
    return ANDON_OK;
}

/* The next record goes to the last segment, or behind it where bytes are to be cut off or offsets
 * were given out already. */
static andon_status take_last(struct journal *j, uint64_t floor, andon_error *err)
{
    struct segment *last = &j->segment[j->segments - 1];
    uint64_t physical = last->end, next = (physical + 7) & ~UINT64_C(7);
    int fd;
    andon_status st = open_segment(j, last->first, O_RDWR, &fd, err);
    if (st != ANDON_OK) return st;
    j->current = (struct segment_file){.fd = fd, .first = last->first, .end = last->first};
    st = scan(j, last, fd, &j->at, err);
    if (st != ANDON_OK) return st;
    last->end = j->at;
    j->torn_bytes = physical - j->at;
    j->recovered_from = last->first;
    j->recovered_to = j->at;
    atomic_store(&j->end, j->at);
    if (next < floor) next = floor;
    if (next == j->at && next > last->first) return ANDON_OK;
    if (next == last->first) return begin_again(j, err);
    j->turn = next;
    st = append_turn(j, err);
    return st == ANDON_ELIMIT ? ANDON_OK : st; /* the first append that finds room does it */
}

andon_status recovery_run(struct journal *j, uint64_t floor, andon_error *err)
{
    floor = (floor + 7) & ~UINT64_C(7);
    atomic_store(&j->now_ns, INT64_MIN);
    segment_remove_unfinished(j->dir_fd);
    andon_status st = list(j, err);
    for (uint32_t i = 0; i < j->segments && st == ANDON_OK; i++) st = inspect(j, i, err);
    if (st == ANDON_OK) st = sync_all(j, err);
    if (st != ANDON_OK) return st;
    j->at = floor;
    atomic_store(&j->end, floor);
    if (j->segments > 0) st = take_last(j, floor, err);
    atomic_store(&j->synced, journal_end(j));
    if (j->torn_bytes > 0 || atomic_load(&j->damaged) > 0)
        log_line(LOG_WARN, "journal", "recovered", "dir=%s torn_bytes=%llu damaged_bytes=%llu",
                 j->dir, (unsigned long long)j->torn_bytes,
                 (unsigned long long)atomic_load(&j->damaged));
    return st;
}
