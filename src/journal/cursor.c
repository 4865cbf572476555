/* Reading records in order, over segments that come and go.
 *
 * A cursor asks the directory which file holds its offset, reads that to its end, and asks again.
 * So it needs no lock, and the same code reads a live journal, one that another process writes, and
 * one at rest. Invariants
 * 1. Over a live journal nothing at or above journal_end is looked at.
 * 2. At rest, what no record follows is taken to be on its way: it is neither skipped nor counted.
 * 3. A file is read up to `until`, the first offset of the next one, whatever stands behind it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/inner.h"
#include "journal/lock.h"
#include "journal/reader.h"

enum { ENTER_TRIES = 1000 }; /* segments that may go away while one is looked for */

struct journal_cursor {
    struct journal *journal; /* NULL: a directory at rest */
    char dir[PATH_MAX];
    int dir_fd;
    struct reader reader;
    uint64_t limit; /* how far the file is known to reach: no call is needed below */
    uint64_t until; /* where the next segment begins; UINT64_MAX: not known yet    */
    uint32_t generation;
    uint64_t damaged;
};

andon_status journal_cursor_open(struct journal *journal, const char *dir, uint64_t offset,
                                 struct journal_cursor **cursor, andon_error *err)
{
    *cursor = NULL;
    if (journal != NULL) dir = journal->dir;
    if (strlen(dir) >= PATH_MAX)
        return andon_fail(err, ANDON_EINVAL, "a journal directory of %zu letters, expected %d",
                          strlen(dir), PATH_MAX - 1);
    struct journal_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a journal's cursor");
    c->journal = journal;
    strcpy(c->dir, dir);
    c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    andon_status st = ANDON_OK;
    if (c->dir_fd < 0) st = andon_fail(err, ANDON_EIO, "%s: cannot open: %s", dir, strerror(errno));
    if (st == ANDON_OK) st = reader_init(&c->reader, err);
    if (st != ANDON_OK) {
        journal_cursor_close(c);
        return st;
    }
    c->reader.fd = -1;
    c->reader.offset = (offset + 7) & ~UINT64_C(7);
    *cursor = c;
    return ANDON_OK;
}

static void leave(struct journal_cursor *c)
{
    if (c->reader.fd >= 0) close(c->reader.fd);
    c->reader.fd = -1;
    c->limit = 0;
}

void journal_cursor_close(struct journal_cursor *c)
{
    if (c == NULL) return;
    if (c->reader.room != NULL) {
        leave(c);
        reader_free(&c->reader);
    }
    if (c->dir_fd >= 0) close(c->dir_fd);
    free(c);
}

uint64_t journal_cursor_offset(const struct journal_cursor *c)
{
    return c->reader.offset;
}

uint64_t journal_cursor_damaged(const struct journal_cursor *c)
{
    return c->damaged;
}

static int unreadable(const struct journal_cursor *c, int why, andon_error *err)
{
    andon_fail(err, ANDON_EIO, "%s: cannot read: %s", c->dir, strerror(why));
    return -1;
}

/* The segments around an offset: the last one that begins at or before it, the first one behind. */
struct around {
    uint64_t offset, at, behind;
    bool found;
};

static bool see(void *context, uint64_t first)
{
    struct around *a = context;
    if (first > a->offset) {
        if (first < a->behind) a->behind = first;
    } else if (!a->found || first > a->at) {
        a->at = first;
        a->found = true;
    }
    return true;
}

static bool look_around(const struct journal_cursor *c, struct around *a)
{
    *a = (struct around){.offset = c->reader.offset, .behind = UINT64_MAX};
    return segment_each(c->dir_fd, see, a);
}

/* By what salt the open segment is read; -1: err. */
static int choose_salt(struct journal_cursor *c, int fd, uint64_t first, uint32_t *salt,
                       andon_error *err)
{
    struct segment_head head;
    switch (segment_head_read(fd, &head)) {
    case SEGMENT_HEAD_WHOLE:
        *salt = head.salt;
        if (head.first == first) return 1;
        andon_fail(err, ANDON_EFORMAT, "%s: found the segment of offset %016llx under another name",
                   c->dir, (unsigned long long)head.first);
        return -1;
    case SEGMENT_HEAD_NEWER:
        andon_fail(err, ANDON_EFORMAT, "%s: segment %016llx is of a newer format", c->dir,
                   (unsigned long long)first);
        return -1;
    case SEGMENT_HEAD_NONE: break;
    }
    if (c->journal != NULL)
        *salt = c->journal->salt;
    else if (!lock_salt(c->dir_fd, salt))
        *salt = 0;
    return 1;
}

/* Opens the segment that begins at first. 1: done, 0: it is not there any more, -1: err. */
static int enter_segment(struct journal_cursor *c, uint64_t first, uint64_t until, andon_error *err)
{
    char name[SEGMENT_NAME_ROOM];
    uint32_t salt, generation = c->journal != NULL ? atomic_load(&c->journal->generation) : 0;
    segment_name(name, first);
    int fd = openat(c->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : unreadable(c, errno, err);
    if (choose_salt(c, fd, first, &salt, err) < 0) {
        close(fd);
        return -1;
    }
    leave(c);
    reader_enter(&c->reader, fd, first, salt, c->reader.offset);
    c->generation = generation;
    c->until = until;
    return 1;
}

/* Opens the segment that holds the offset, or the next one behind it. 1: done; 0: there is none
 * yet; -1: err. */
static int enter(struct journal_cursor *c, andon_error *err)
{
    for (int i = 0; i < ENTER_TRIES; i++) {
        struct around a;
        if (!look_around(c, &a)) return unreadable(c, errno, err);
        if (!a.found) {
            if (a.behind == UINT64_MAX) return 0;
            c->reader.offset = a.behind; /* what was before is gone */
            continue;
        }
        int entered = enter_segment(c, a.at, a.behind, err);
        if (entered != 0) return entered;
    }
    andon_fail(err, ANDON_EIO, "%s: segments come and go too quickly to be read", c->dir);
    return -1;
}

static uint64_t visible_end(const struct journal_cursor *c)
{
    return c->journal != NULL ? journal_end(c->journal) : UINT64_MAX;
}

/* Learns how far the open file may be read by now. */
static int measure(struct journal_cursor *c, uint64_t visible, andon_error *err)
{
    uint64_t end;
    if (!segment_physical_end(c->reader.fd, c->reader.first, &end))
        return unreadable(c, errno, err);
    if (end > visible) end = visible;
    c->limit = end < c->until ? end : c->until;
    return 1;
}

/* The first offset of the segment behind the open one; UINT64_MAX: there is none. False: errno. */
static bool next_first(const struct journal_cursor *c, uint64_t *first)
{
    struct around a;
    bool seen = look_around(c, &a);
    *first = a.found && a.at > c->reader.first ? a.at : a.behind;
    return seen;
}

/* Whether a live journal has no file at all, since nothing was put in yet. */
static bool is_empty(const struct journal_cursor *c)
{
    struct journal_figures figures;
    journal_figures(c->journal, &figures);
    return figures.segments == 0;
}

/* There should be records here, and no file has them. */
static int missing(const struct journal_cursor *c, andon_error *err)
{
    if (c->journal == NULL || is_empty(c)) return 0;
    andon_fail(err, ANDON_EIO, "%s: records from offset %llu on are gone", c->dir,
               (unsigned long long)c->reader.offset);
    return -1;
}

/* At the end of what the open file holds. 1: go on; 0: the file is left, since nothing is behind
 * it; -1: err. */
static int leave_behind(struct journal_cursor *c, andon_error *err)
{
    uint64_t next;
    if (!next_first(c, &next)) return unreadable(c, errno, err);
    if (next != c->until && next != UINT64_MAX) {
        /* Before the next one began this one may have grown, or been replaced by one that has:
         * opened anew, it has all that it will ever have. */
        leave(c);
        return 1;
    }
    if (next != UINT64_MAX && c->reader.offset < next) c->reader.offset = next;
    leave(c);
    return next != UINT64_MAX;
}

/* Below the limit everything is read. 1: there may be more now; 0: nothing yet; -1: err. */
static int go_on(struct journal_cursor *c, andon_error *err)
{
    for (int left = 0; left < 2;) {
        uint64_t visible = visible_end(c);
        if (c->reader.offset >= visible) return 0;
        if (c->reader.fd < 0) {
            int entered = enter(c, err);
            if (entered < 1) return entered < 0 ? -1 : missing(c, err);
        }
        if (measure(c, visible, err) < 0) return -1;
        if (c->reader.offset < c->limit) return 1;
        int behind = leave_behind(c, err);
        if (behind < 0) return -1;
        if (behind == 0 && c->journal == NULL) return 0;
        left += behind == 0; /* a file that was replaced is opened anew, once */
    }
    return missing(c, err);
}

static void skip(struct journal_cursor *c, uint64_t from, uint64_t to)
{
    c->damaged += to - from;
    if (c->journal != NULL) journal_count_damage(c->journal, from, to);
}

/* Nothing from the offset to the limit is a record. 1: go on; 0: it may be on its way; -1: err. */
static int pass_torn(struct journal_cursor *c, andon_error *err)
{
    uint64_t next;
    if (!next_first(c, &next)) return unreadable(c, errno, err);
    if (next != c->until && next != UINT64_MAX) {
        leave(c);
        return 1;
    }
    if (c->journal == NULL && next == UINT64_MAX) {
        reader_forget(&c->reader);
        c->limit = 0;
        return 0;
    }
    skip(c, c->reader.offset, c->limit);
    c->reader.offset = c->limit;
    return 1;
}

/* What the reader has found is of a file that was replaced meanwhile. */
static bool is_stale(struct journal_cursor *c)
{
    return c->journal != NULL && atomic_load(&c->journal->generation) != c->generation;
}

int journal_next(struct journal_cursor *c, struct journal_record *record, andon_error *err)
{
    for (int more = 1; more > 0;) {
        uint64_t from = c->reader.offset;
        if (from >= c->limit && (more = go_on(c, err)) < 1) return more;
        from = c->reader.offset;
        enum reader_result got = reader_next(&c->reader, c->limit, record);
        if (got == READER_RECORD) return 1;
        if ((got == READER_DAMAGE || got == READER_TORN) && is_stale(c)) {
            c->reader.offset = from;
            leave(c);
            continue;
        }
        switch (got) {
        case READER_DAMAGE: skip(c, from, c->reader.offset); break;
        case READER_TORN: more = pass_torn(c, err); break;
        case READER_SHORT: c->limit = 0; break; /* it was cut: look again how far it reaches */
        case READER_ERROR: more = unreadable(c, errno, err); break;
        default: break;
        }
        if (more < 1) return more;
    }
    return 0;
}
