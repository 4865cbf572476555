/* Writing again what a failed sync may have lost.
 *
 * Every file that holds bytes which are not durable is replaced: the bytes from the last durable
 * offset on go into a new file of that name, which is synced and renamed into place, and then the
 * directory is synced. The source is what the kernel still has of the old file. What it has not is
 * written as it is read: readers find it damaged, skip it and count it; no offset moves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "journal/inner.h"
#include "journal/record.h"

#define COPY_BYTES ((size_t)64 << 10)

/* What is to be replaced, and by what. */
struct rewrite {
    struct segment_file old;
    uint64_t from; /* old.first, or the last durable offset in it */
    int fd;
    char name[SEGMENT_NAME_ROOM], temporary[SEGMENT_NAME_ROOM + 8];
};

static void read_or_zero(int fd, uint64_t place, uint8_t *to, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = pread(fd, to + have, size - have, (off_t)(place + have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += (size_t)n;
    }
    memset(to + have, 0, size - have);
}

static andon_status write_at(struct journal *j, int fd, uint8_t *bytes, size_t size, uint64_t place,
                             andon_error *err)
{
    return disk_write(fd, &(struct iovec){bytes, size}, 1, place, j->dir, err);
}

static andon_status copy(struct journal *j, const struct rewrite *w, andon_error *err)
{
    uint64_t skipped = SEGMENT_HEAD + (w->from - w->old.first);
    andon_status st = ANDON_OK;
    for (uint64_t at = 0; at < w->old.end - w->from && st == ANDON_OK;) {
        uint64_t left = w->old.end - w->from - at;
        size_t size = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        read_or_zero(w->old.fd, skipped + at, j->stage, size);
        st = write_at(j, w->fd, j->stage, size, SEGMENT_HEAD + at, err);
        at += size;
    }
    return st;
}

/* The time of the first record that is written again stands for that of the one before it. */
static andon_status put_head(struct journal *j, const struct rewrite *w, andon_error *err)
{
    uint8_t bytes[SEGMENT_HEAD], first[RECORD_HEAD];
    struct journal_record record;
    struct segment_head head = {
        .first = w->from, .before_ns = atomic_load(&j->now_ns), .salt = j->salt};
    read_or_zero(w->old.fd, SEGMENT_HEAD + (w->from - w->old.first), first, sizeof first);
    if (record_read(j->salt, w->from, first, sizeof first, &record) != RECORD_NONE)
        head.before_ns = record.received_ns;
    segment_head_write(bytes, &head);
    return write_at(j, w->fd, bytes, sizeof bytes, 0, err);
}

static andon_status make_file(struct journal *j, struct rewrite *w, andon_error *err)
{
    segment_name(w->name, w->from);
    snprintf(w->temporary, sizeof w->temporary, "%s" SEGMENT_UNFINISHED, w->name);
    w->fd = openat(j->dir_fd, w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (w->fd < 0)
        return andon_fail(err, ANDON_EIO, "%s/%s: cannot create: %s", j->dir, w->temporary,
                          strerror(errno));
    andon_status st = put_head(j, w, err);
    if (st == ANDON_OK) st = copy(j, w, err);
    if (st == ANDON_OK) st = disk_sync(w->fd, j->dir, err);
    if (st == ANDON_OK && renameat(j->dir_fd, w->temporary, j->dir_fd, w->name) != 0)
        st = andon_fail(err, ANDON_EIO, "%s/%s: cannot rename: %s", j->dir, w->temporary,
                        strerror(errno));
    if (st == ANDON_OK) return ANDON_OK;
    unlinkat(j->dir_fd, w->temporary, 0);
    close(w->fd);
    return st;
}

/* state is held: a new segment behind the one that begins at first. */
static void split(struct journal *j, uint64_t first, uint64_t from, uint64_t end)
{
    uint32_t i = j->segments++;
    for (; segment_at(j, i - 1)->first > first; i--) *segment_at(j, i) = *segment_at(j, i - 1);
    *segment_at(j, i) = *segment_at(j, i - 1);
    segment_at(j, i - 1)->end = from;
    segment_at(j, i)->first = from;
    segment_at(j, i)->end = end;
    atomic_fetch_add(&j->bytes, SEGMENT_HEAD);
}

/* The new file stands in the old one's place. */
static void adopt(struct journal *j, const struct rewrite *w, struct segment_file *slot)
{
    pthread_mutex_lock(&j->state);
    if (w->from > w->old.first) split(j, w->old.first, w->from, w->old.end);
    *slot = (struct segment_file){.fd = w->fd, .first = w->from, .end = w->old.end};
    j->unnamed = true;
    pthread_mutex_unlock(&j->state);
    if (w->from > w->old.first) {
        /* Beyond the next segment's first offset nothing counts; failing to cut it costs room. */
        uint64_t size = SEGMENT_HEAD + (w->from - w->old.first);
        if (ftruncate(w->old.fd, (off_t)size) != 0) errno = 0;
    }
    close(w->old.fd);
    atomic_fetch_add(&j->generation, 1);
}

static andon_status replace(struct journal *j, struct segment_file *slot, andon_error *err)
{
    uint64_t durable = atomic_load(&j->synced);
    struct rewrite w = {.old = *slot};
    if (slot == &j->current) w.old.end = j->at;
    w.from = durable > w.old.first ? durable : w.old.first;
    if (w.from >= w.old.end) return ANDON_OK;
    pthread_mutex_lock(&j->state);
    bool room = j->segments < JOURNAL_SEGMENTS_MAX;
    pthread_mutex_unlock(&j->state);
    if (!room)
        return andon_fail(err, ANDON_ELIMIT, "%s: the journal has %u segments, which is the limit",
                          j->dir, JOURNAL_SEGMENTS_MAX);
    andon_status st = make_file(j, &w, err);
    if (st != ANDON_OK) return st;
    adopt(j, &w, slot);
    if (slot == &j->current) j->uncut = false;
    return ANDON_OK;
}

andon_status repair_unsynced(struct journal *j, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < j->retireds && st == ANDON_OK; i++)
        st = replace(j, &j->retired[i], err);
    if (st == ANDON_OK && j->current.fd >= 0) st = replace(j, &j->current, err);
    if (st == ANDON_OK) st = disk_sync_directory(j->dir, err);
    pthread_mutex_lock(&j->state);
    if (st == ANDON_OK) {
        for (uint32_t i = 0; i < j->retireds; i++) close(j->retired[i].fd);
        j->retireds = 0;
        j->unnamed = false;
    } else {
        j->unnamed = true;
    }
    pthread_mutex_unlock(&j->state);
    return st;
}
