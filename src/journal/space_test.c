/* A disk that is full, and one that is almost. */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/disk.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal_case.h"
#include "test.h"

enum { RESUME_MS = 20000 };

static struct journal_figures figures_of(struct journal_case *c)
{
    struct journal_figures f;
    journal_figures(c->journal, &f);
    return f;
}

static uint64_t size_of(const struct journal_case *c, uint64_t first)
{
    char path[256], name[SEGMENT_NAME_ROOM];
    struct stat file;
    segment_name(name, first);
    snprintf(path, sizeof path, "%s/%s", c->dir, name);
    return stat(path, &file) == 0 ? (uint64_t)file.st_size : UINT64_MAX;
}

/* Appends record i until that is taken. */
static bool taken_at_last(struct journal_case *c, uint64_t i)
{
    uint64_t end;
    for (uint64_t until = case_steady_ms() + RESUME_MS; case_steady_ms() < until; usleep(2000))
        if (case_append(c, i, 1, &end) == ANDON_OK) return true;
    return false;
}

TEST(a_full_disk_refuses_whole_batches_and_goes_on_by_itself)
{
    struct journal_case c;
    uint64_t end, after = 0;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 10, &end) == ANDON_OK);
    disk_fault(DISK_WRITE, 1, ENOSPC);
    uint64_t before = disk_operations(DISK_WRITE);
    CHECK(case_append(&c, 10, 10, &after) == ANDON_ELIMIT);
    CHECK_SAY(strstr(c.err.text, c.dir) != NULL && strstr(c.err.text, "No space") != NULL, "%s",
              c.err.text);
    for (int i = 0; i < 1000; i++) CHECK(case_append(&c, 10, 10, &after) == ANDON_ELIMIT);
    /* Asked again and again, the disk is left alone in between. */
    CHECK_SAY(disk_operations(DISK_WRITE) - before < 200, "%llu writes",
              (unsigned long long)(disk_operations(DISK_WRITE) - before));
    struct journal_figures f = figures_of(&c);
    CHECK(f.full && f.end == end && f.refused == 10010 && f.appended == 10 && !f.stopped);
    CHECK(size_of(&c, 0) == SEGMENT_HEAD + end); /* cut back to the last whole record */
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 10);
    disk_fault_clear();
    CHECK(taken_at_last(&c, 10) && !figures_of(&c).full);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 11);
    case_end(&c);
}

TEST(some_room_is_left_to_others)
{
    struct journal_case c;
    uint64_t end;
    CHECK(case_make(&c, false));
    c.options.spare_bytes = UINT64_C(1) << 60;
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 1, &end) == ANDON_ELIMIT && figures_of(&c).full);
    CHECK_SAY(strstr(c.err.text, "disk full") != NULL, "%s", c.err.text);
    CHECK(strstr(c.err.text, "1152921504606846976") != NULL);
    case_end(&c);
}

TEST(a_journal_opens_on_a_full_disk_even_where_an_end_must_be_cut)
{
    struct journal_case c;
    uint64_t end;
    char path[256];
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 5, &end) == ANDON_OK);
    case_close(&c);
    snprintf(path, sizeof path, "%s/0000000000000000.journal", c.dir);
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
    close(fd);
    disk_fault(DISK_WRITE, 1, ENOSPC);
    for (int i = 0; i < 3; i++) { /* the offsets of the torn bytes are not forgotten meanwhile */
        CHECK_SAY(case_open(&c) == ANDON_OK, "%s", c.err.text);
        CHECK(figures_of(&c).torn_bytes == 10 && figures_of(&c).end == end);
        CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 5);
        CHECK(case_append(&c, 5, 1, &end) == ANDON_ELIMIT);
        if (i < 2) case_close(&c);
    }
    disk_fault_clear();
    CHECK(taken_at_last(&c, 5));
    CHECK(size_of(&c, end + 16) < UINT64_MAX); /* behind the ten torn bytes, rounded up */
    CHECK(size_of(&c, 0) == SEGMENT_HEAD + end);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 6);
    case_close(&c);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == 6);
    case_end(&c);
}

/* A file system of four MiB, for a child with file systems of its own. */
enum { NO_PRIVILEGE = 77 };

static bool fill_up(const char *path)
{
    static const char zero[4096];
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    while (fd >= 0 && write(fd, zero, sizeof zero) > 0) continue;
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static int on_a_small_disk(struct journal_case *c)
{
    char filler[256];
    uint64_t end = 0, i = 0;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", c->dir, "tmpfs", 0, "size=4m") != 0)
        return NO_PRIVILEGE;
    c->options.segment_bytes = 300000;
    c->options.sync = JOURNAL_SYNC_EVERY;
    if (case_open(c) != ANDON_OK) return 2;
    snprintf(filler, sizeof filler, "%s/filler", c->dir);
    for (int round = 0; round < 4; round++) {
        bool sudden = round % 2 == 1; /* somebody else takes the room, or the journal itself */
        if (sudden && (!taken_at_last(c, i++) || !fill_up(filler))) return 3;
        andon_status st;
        while ((st = case_append(c, i, 16, &end)) == ANDON_OK) i += 16;
        struct journal_figures f = figures_of(c);
        if (st != ANDON_ELIMIT || !f.full || i < 100) return 4;
        if (journal_settle(c->journal, f.end, &c->err) != ANDON_OK) return 5;
        if (case_read(c->journal, NULL, 0, 0, NULL) != (int64_t)i) return 6;
        case_close(c);
        if (case_read(NULL, c->dir, 0, 0, NULL) != (int64_t)i) return 7;
        if (case_open(c) != ANDON_OK || figures_of(c).end != f.end) return 8;
        if (figures_of(c).torn_bytes != 0) return 9; /* nothing half was left */
        char size[32];
        snprintf(size, sizeof size, "size=%dm", 4 + 2 * (round + 1));
        if (unlink(filler) != 0 && mount(NULL, c->dir, NULL, MS_REMOUNT, size) != 0) return 10;
        if (!taken_at_last(c, i++) || figures_of(c).full) return 11;
    }
    case_close(c);
    umount(c->dir);
    return 0;
}

TEST(a_small_file_system_that_is_full_refuses_and_goes_on_when_there_is_room)
{
    struct journal_case c;
    int status = -1;
    CHECK(case_make(&c, false));
    pid_t child = fork();
    if (child == 0) _exit(on_a_small_disk(&c));
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    case_end(&c);
    if (WEXITSTATUS(status) == NO_PRIVILEGE) SKIP("mounting a small file system needs privileges");
    CHECK_SAY(WEXITSTATUS(status) == 0, "step %d", WEXITSTATUS(status));
}
