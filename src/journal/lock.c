#include "journal/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/disk.h"
#include "journal/segment.h"

enum { LINE_ROOM = 64 };

/* One line of one length, so that writing it again needs no room on a full disk. */
static int line_write(char line[LINE_ROOM], uint32_t salt)
{
    return snprintf(line, LINE_ROOM, "andon journal salt=%08x process=%-10ld\n", salt,
                    (long)getpid());
}

static bool line_read(int fd, uint32_t *salt, long *process)
{
    char line[LINE_ROOM] = {0};
    unsigned found;
    if (pread(fd, line, sizeof line - 1, 0) <= 0) return false;
    if (sscanf(line, "andon journal salt=%8x process=%ld", &found, process) != 2) return false;
    *salt = found;
    return true;
}

struct salt_search {
    int dir_fd;
    uint32_t salt;
    bool found;
};

static bool look_into(void *context, uint64_t first)
{
    struct salt_search *search = context;
    char name[SEGMENT_NAME_ROOM];
    struct segment_head head;
    segment_name(name, first);
    int fd = openat(search->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return true;
    if (segment_head_read(fd, &head) == SEGMENT_HEAD_WHOLE && head.first == first) {
        search->salt = head.salt;
        search->found = true;
    }
    close(fd);
    return !search->found;
}

static bool salt_of_segments(int dir_fd, uint32_t *salt)
{
    struct salt_search search = {.dir_fd = dir_fd};
    (void)segment_each(dir_fd, look_into, &search);
    if (search.found) *salt = search.salt;
    return search.found;
}

bool lock_salt(int dir_fd, uint32_t *salt)
{
    long process;
    int fd = openat(dir_fd, "lock", O_RDONLY | O_CLOEXEC);
    bool found = fd >= 0 && line_read(fd, salt, &process);
    if (fd >= 0) close(fd);
    return found || salt_of_segments(dir_fd, salt);
}

/* Writes who has it. The salt must last once it is used; the process is only there to be read. */
static andon_status sign(int fd, const char *dir, uint32_t salt, bool known, andon_error *err)
{
    char line[LINE_ROOM];
    struct iovec part = {line, (size_t)line_write(line, salt)};
    andon_status st = disk_write(fd, &part, 1, 0, dir, err);
    if (known) return ANDON_OK;
    if (st == ANDON_OK) st = disk_sync(fd, dir, err);
    if (st == ANDON_OK) st = disk_sync_directory(dir, err);
    return st;
}

andon_status lock_take(int dir_fd, const char *dir, int *fd, uint32_t *salt, andon_error *err)
{
    long process = 0;
    *fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (*fd < 0)
        return andon_fail(err, ANDON_EIO, "%s/lock: cannot open: %s", dir, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        bool named = line_read(*fd, salt, &process);
        close(*fd);
        *fd = -1;
        if (why != EWOULDBLOCK)
            return andon_fail(err, ANDON_EIO, "%s/lock: cannot lock: %s", dir, strerror(why));
        return andon_fail(err, ANDON_EIO, "%s: the journal is in use by process %ld%s", dir,
                          named ? process : 0, named ? "" : " (unknown)");
    }
    bool known = line_read(*fd, salt, &process);
    if (!known && !salt_of_segments(dir_fd, salt) &&
        getrandom(salt, sizeof *salt, 0) != (ssize_t)sizeof *salt)
        return andon_fail(err, ANDON_EIO, "%s: no random number: %s", dir, strerror(errno));
    return sign(*fd, dir, *salt, known, err);
}
