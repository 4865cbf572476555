/* Putting records in.
 *
 * A batch is encoded into one staging buffer (bodies of more than 16 KiB go to the disk from where
 * they are) and written by one pwritev; by one more for every further MiB of small bodies or 120
 * large ones. `end` moves when all of it is there; what a failed write has left is cut off. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/log.h"
#include "journal/inner.h"
#include "journal/record.h"

enum { STAGED_PART_MAX = 16 << 10, ENTRY_STAGED_MAX = RECORD_HEAD + 2 * STAGED_PART_MAX + 8 };

/* One batch on its way. */
struct batch {
    struct journal *j;
    uint64_t offset;       /* of the next record                               */
    uint64_t place, bytes; /* where the parts go in the file, and how many     */
    size_t staged;
    int parts;
    bool open; /* the last part ends where the stage's free room begins */
};

static andon_status flush(struct batch *b, andon_error *err)
{
    struct journal *j = b->j;
    andon_status st = disk_write(j->current.fd, j->part, b->parts, b->place, j->dir, err);
    if (st != ANDON_OK) return st;
    b->place += b->bytes;
    b->bytes = 0;
    b->staged = 0;
    b->parts = 0;
    b->open = false;
    return ANDON_OK;
}

static void add_part(struct batch *b, const void *at, size_t size)
{
    b->j->part[b->parts++] = (struct iovec){(void *)(uintptr_t)at, size};
    b->bytes += size;
    b->open = false;
}

/* Room in the stage that will be written behind what is there. */
static uint8_t *stage(struct batch *b, size_t size)
{
    uint8_t *at = b->j->stage + b->staged;
    if (b->open) {
        b->j->part[b->parts - 1].iov_len += size;
        b->bytes += size;
    } else {
        add_part(b, at, size);
        b->open = true;
    }
    b->staged += size;
    return at;
}

static void put_body(struct batch *b, const void *part, uint32_t size)
{
    if (size > STAGED_PART_MAX)
        add_part(b, part, size);
    else if (size > 0)
        memcpy(stage(b, size), part, size);
}

/* A record with a large part goes from where its parts are. */
static void put_parts(struct batch *b, const struct journal_entry *e, uint64_t bytes)
{
    record_write_head(b->j->salt, b->offset, e, stage(b, RECORD_HEAD));
    for (int i = 0; i < 2; i++) put_body(b, e->part[i], e->size[i]);
    size_t padding = (size_t)bytes - RECORD_HEAD - e->size[0] - e->size[1];
    if (padding > 0) memset(stage(b, padding), 0, padding);
}

static andon_status put_entry(struct batch *b, const struct journal_entry *e, andon_error *err)
{
    /* Head, two bodies, padding: four parts at most. */
    if (JOURNAL_STAGE_BYTES - b->staged < ENTRY_STAGED_MAX || b->parts > JOURNAL_PARTS - 4) {
        andon_status st = flush(b, err);
        if (st != ANDON_OK) return st;
    }
    uint64_t bytes = record_bytes((uint64_t)e->size[0] + e->size[1]);
    if (e->size[0] > STAGED_PART_MAX || e->size[1] > STAGED_PART_MAX)
        put_parts(b, e, bytes);
    else
        record_write(b->j->salt, b->offset, e, stage(b, (size_t)bytes));
    b->offset += bytes;
    return ANDON_OK;
}

static void put_head(struct batch *b)
{
    struct journal *j = b->j;
    const struct segment_head head = {
        .first = j->current.first, .before_ns = atomic_load(&j->now_ns), .salt = j->salt};
    segment_head_write(stage(b, SEGMENT_HEAD), &head);
}

/* Takes back what a failed write may have left. */
static void cut(struct journal *j)
{
    uint64_t size = j->headless ? 0 : SEGMENT_HEAD + (j->at - j->current.first);
    j->uncut = ftruncate(j->current.fd, (off_t)size) != 0;
}

static andon_status put(struct journal *j, const struct journal_entry *entry, size_t n,
                        andon_error *err)
{
    struct batch b = {.j = j,
                      .offset = j->at,
                      .place = j->headless ? 0 : SEGMENT_HEAD + (j->at - j->current.first)};
    andon_status st = ANDON_OK;
    if (j->headless) put_head(&b);
    for (size_t i = 0; i < n && st == ANDON_OK; i++) st = put_entry(&b, &entry[i], err);
    if (st == ANDON_OK) st = flush(&b, err);
    if (st != ANDON_OK) {
        cut(j);
        if (st == ANDON_ELIMIT) space_refused(&j->space);
        return st;
    }
    atomic_fetch_add(&j->bytes, b.offset - j->at + (j->headless ? SEGMENT_HEAD : 0));
    j->headless = false;
    j->at = b.offset;
    atomic_store(&j->now_ns, entry[n - 1].received_ns);
    atomic_store(&j->end, b.offset);
    return ANDON_OK;
}

/* Makes the file of a new segment. One of this name that is no longer than a head is what an
 * earlier attempt has left. */
static andon_status create(struct journal *j, uint64_t first, int *fd, andon_error *err)
{
    char name[SEGMENT_NAME_ROOM];
    struct stat file;
    segment_name(name, first);
    *fd = openat(j->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (*fd < 0 && errno == EEXIST) {
        *fd = openat(j->dir_fd, name, O_RDWR | O_CLOEXEC);
        if (*fd >= 0 && (fstat(*fd, &file) != 0 || file.st_size > SEGMENT_HEAD)) {
            close(*fd);
            return andon_fail(err, ANDON_EIO, "%s/%s: somebody else has made this file", j->dir,
                              name);
        }
    }
    if (*fd >= 0) return ANDON_OK;
    int why = errno;
    bool full = why == ENOSPC || why == EDQUOT;
    if (full) space_refused(&j->space);
    return andon_fail(err, full ? ANDON_ELIMIT : ANDON_EIO, "%s/%s: cannot create: %s", j->dir,
                      name, strerror(why));
}

/* The new file is the current one from here on; the one before it waits for its sync. */
static void take_over(struct journal *j, int fd, uint64_t first)
{
    pthread_mutex_lock(&j->state);
    if (j->current.fd >= 0) {
        struct segment *last = segment_at(j, j->segments - 1);
        last->end = j->at;
        last->newest_ns = atomic_load(&j->now_ns);
        j->current.end = j->at;
        j->retired[j->retireds++] = j->current;
    }
    *segment_at(j, j->segments++) = (struct segment){first, first, INT64_MIN};
    j->current = (struct segment_file){.fd = fd, .first = first, .end = first};
    j->unnamed = true;
    pthread_mutex_unlock(&j->state);
    j->at = first;
    j->headless = true;
}

static andon_status check_room_for_segment(struct journal *j, andon_error *err)
{
    pthread_mutex_lock(&j->state);
    bool room = j->segments < JOURNAL_SEGMENTS_MAX;
    pthread_mutex_unlock(&j->state);
    if (room) return ANDON_OK;
    return andon_fail(err, ANDON_ELIMIT, "%s: the journal has %u segments, which is the limit",
                      j->dir, JOURNAL_SEGMENTS_MAX);
}

/* A new segment behind the full one. Its name becomes durable together with its first records. */
static andon_status roll(struct journal *j, andon_error *err)
{
    int fd;
    andon_status st = check_room_for_segment(j, err);
    if (st == ANDON_OK) st = create(j, j->at, &fd, err);
    if (st != ANDON_OK) return st;
    bool retires = j->current.fd >= 0;
    take_over(j, fd, j->at);
    if (retires) sync_soon(j);
    return ANDON_OK;
}

static andon_status write_head(struct journal *j, int fd, uint64_t first, andon_error *err)
{
    uint8_t bytes[SEGMENT_HEAD];
    const struct segment_head head = {
        .first = first, .before_ns = atomic_load(&j->now_ns), .salt = j->salt};
    segment_head_write(bytes, &head);
    andon_status st = disk_write(fd, &(struct iovec){bytes, sizeof bytes}, 1, 0, j->dir, err);
    if (st == ANDON_OK) st = disk_sync(fd, j->dir, err);
    if (st == ANDON_OK) st = disk_sync_directory(j->dir, err);
    return st;
}

andon_status append_turn(struct journal *j, andon_error *err)
{
    int fd, old = j->current.fd;
    if (j->turn == 0) return ANDON_OK;
    andon_status st = check_room_for_segment(j, err);
    if (st == ANDON_OK) st = create(j, j->turn, &fd, err);
    if (st != ANDON_OK) return st;
    st = write_head(j, fd, j->turn, err);
    if (st != ANDON_OK) {
        char name[SEGMENT_NAME_ROOM];
        segment_name(name, j->turn);
        if (st == ANDON_ELIMIT) space_refused(&j->space);
        unlinkat(j->dir_fd, name, 0);
        close(fd);
        return st;
    }
    /* Only now: where the bytes to be cut end is what keeps their offsets from being used again. If
     * this fails, they are damage to whoever reads on into the next segment, and nothing else. */
    uint64_t size = SEGMENT_HEAD + (j->at - j->current.first);
    if (old >= 0 && ftruncate(old, (off_t)size) == 0) atomic_fetch_sub(&j->bytes, j->torn_bytes);
    take_over(j, fd, j->turn);
    j->headless = false;
    j->turn = 0;
    atomic_fetch_add(&j->bytes, SEGMENT_HEAD);
    return ANDON_OK;
}

/* Whether the next record begins a segment. */
static bool is_due(const struct journal *j)
{
    return j->current.fd < 0 || j->turn != 0 ||
           j->at - j->current.first >= j->options.segment_bytes;
}

/* All that must be so before a batch can go in. */
static andon_status ready(struct journal *j, uint64_t bytes, andon_error *err)
{
    if (atomic_load(&j->stopped)) {
        pthread_mutex_lock(&j->state);
        andon_fail(err, ANDON_EIO, "%s", j->why);
        pthread_mutex_unlock(&j->state);
        return ANDON_EIO;
    }
    if (j->uncut) cut(j);
    if (j->uncut)
        return andon_fail(err, ANDON_EIO, "%s: cannot cut off what a failed write has left",
                          j->dir);
    if (!space_take(&j->space, bytes + SEGMENT_HEAD))
        return andon_fail(err, ANDON_ELIMIT, "%s: disk full: less than %llu bytes are free", j->dir,
                          (unsigned long long)j->options.spare_bytes);
    andon_status st = append_turn(j, err);
    if (st != ANDON_OK) return st;
    return is_due(j) ? roll(j, err) : ANDON_OK;
}

/* Takes the append lock. Where a new segment is due, there is room among those that wait for their
 * sync. */
static andon_status lock_append(struct journal *j, andon_error *err)
{
    for (;;) {
        pthread_mutex_lock(&j->append);
        if (!is_due(j) || atomic_load(&j->stopped)) return ANDON_OK;
        pthread_mutex_lock(&j->state);
        bool room = j->retireds < JOURNAL_RETIRED_MAX;
        pthread_mutex_unlock(&j->state);
        if (room) return ANDON_OK;
        pthread_mutex_unlock(&j->append);
        andon_status st = journal_sync_up_to(j, journal_end(j), err);
        if (st != ANDON_OK) return st;
    }
}

static andon_status measure(const struct journal_entry *entry, size_t n, uint64_t *bytes,
                            andon_error *err)
{
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t size = (uint64_t)entry[i].size[0] + entry[i].size[1];
        if (size > JOURNAL_RECORD_MAX)
            return andon_fail(err, ANDON_ELIMIT,
                              "a journal record of %llu bytes, expected at most %u",
                              (unsigned long long)size, JOURNAL_RECORD_MAX);
        *bytes += record_bytes(size);
    }
    return ANDON_OK;
}

/* The log says when it begins and when it ends. No lock is held: a log may have to wait. */
static void tell_full(struct journal *j, bool full)
{
    if (atomic_load(&j->full) == full || atomic_exchange(&j->full, full) == full) return;
    log_line(LOG_WARN, "journal", full ? "disk full" : "disk has room again", "dir=%s free=%llu",
             j->dir, (unsigned long long)disk_free_bytes(j->dir));
}

static void tell_waiting(struct journal *j)
{
    if (atomic_load(&j->waiting) == 0) return;
    pthread_mutex_lock(&j->wait);
    pthread_cond_broadcast(&j->grown);
    pthread_mutex_unlock(&j->wait);
}

andon_status journal_append(struct journal *j, const struct journal_entry *entry, size_t n,
                            uint64_t *end, andon_error *err)
{
    uint64_t bytes;
    andon_status st = measure(entry, n, &bytes, err);
    if (n == 0) *end = journal_end(j);
    if (n == 0) return ANDON_OK;
    if (st == ANDON_OK) st = lock_append(j, err);
    if (st == ANDON_OK) {
        st = ready(j, bytes, err);
        if (st == ANDON_OK) st = put(j, entry, n, err);
        if (st == ANDON_OK) *end = j->at;
        bool full = st == ANDON_ELIMIT && j->space.full;
        pthread_mutex_unlock(&j->append);
        tell_full(j, full);
    }
    atomic_fetch_add(st == ANDON_OK ? &j->appended : &j->refused, n);
    if (st == ANDON_OK) tell_waiting(j);
    return st;
}
