/* Every write and sync of the program's own files passes through here.
 *
 * Invariants
 * 1. A write is whole or an error; how much of a failed one reached the file is unknown, and the
 * caller cuts it off.
 * 2. A fault put in by disk_fault behaves like a real one: a failing write leaves half of its
 * bytes. */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What disk_fault and the environment asked for; from == 0: nothing fails. */
static struct {
    _Atomic uint64_t done, from;
    _Atomic int error;
} fault[2];

static pthread_once_t environment_read = PTHREAD_ONCE_INIT;
static _Atomic uint64_t deadly; /* the write before which the process dies; 0: none */
static char full_file[PATH_MAX]; /* while this file exists every disk is full; "": never */

static bool whole_number(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *value = v;
    return errno == 0 && end != text && *end == 0 && *text != '-' && v > 0;
}

static void read_environment(void)
{
    const char *text = getenv("ANDON_DISK_FAULT");
    uint64_t nth;
    if (text == NULL || *text == 0) return;
    if (strncmp(text, "write:", 6) == 0 && whole_number(text + 6, &nth))
        disk_fault(DISK_WRITE, nth, EIO);
    else if (strncmp(text, "sync:", 5) == 0 && whole_number(text + 5, &nth))
        disk_fault(DISK_SYNC, nth, EIO);
    else if (strncmp(text, "kill:", 5) == 0 && whole_number(text + 5, &nth))
        atomic_store(&deadly, nth);
    else if (strncmp(text, "full:", 5) == 0 && strlen(text + 5) < sizeof full_file)
        strcpy(full_file, text + 5);
    else
        fprintf(stderr, "ANDON_DISK_FAULT=%s: expected write:N, sync:N, kill:N or full:FILE\n", text);
}

static bool said_to_be_full(void)
{
    pthread_once(&environment_read, read_environment);
    return full_file[0] != 0 && access(full_file, F_OK) == 0;
}

/* Counts one operation; the error that it shall fail with, or 0. */
static int fault_of(enum disk_operation operation)
{
    pthread_once(&environment_read, read_environment);
    uint64_t nth = atomic_fetch_add(&fault[operation].done, 1) + 1;
    if (operation == DISK_WRITE && nth == atomic_load(&deadly)) raise(SIGKILL);
    uint64_t from = atomic_load(&fault[operation].from);
    return from != 0 && nth >= from ? atomic_load(&fault[operation].error) : 0;
}

void disk_fault(enum disk_operation operation, uint64_t nth, int error)
{
    atomic_store(&fault[operation].error, error);
    atomic_store(&fault[operation].from, nth == 0 ? 0 : atomic_load(&fault[operation].done) + nth);
}

void disk_fault_clear(void)
{
    for (int i = 0; i < 2; i++) atomic_store(&fault[i].from, 0);
}

uint64_t disk_operations(enum disk_operation operation)
{
    return atomic_load(&fault[operation].done);
}

static andon_status failed(const char *what, const char *path, int error, andon_error *err)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return andon_fail(err, full ? ANDON_ELIMIT : ANDON_EIO, "%s: cannot %s: %s", path, what,
                      strerror(error));
}

/* The rest of one part, from byte `from` on; an errno or 0. */
static int write_part(int fd, struct iovec part, size_t from, uint64_t offset)
{
    while (from < part.iov_len) {
        ssize_t n = pwrite(fd, (const char *)part.iov_base + from, part.iov_len - from,
                           (off_t)(offset + from));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0 ? ENOSPC : errno;
        from += (size_t)n;
    }
    return 0;
}

/* One pwritev, and the end of a part that it broke off in. */
static int write_some(int fd, const struct iovec *part, int parts, uint64_t *offset, int *whole)
{
    ssize_t n = pwritev(fd, part, parts < IOV_MAX ? parts : IOV_MAX, (off_t)*offset);
    if (n < 0) return errno == EINTR ? 0 : errno;
    size_t left = (size_t)n;
    int i = 0;
    while (i < parts && left >= part[i].iov_len) {
        left -= part[i].iov_len;
        *offset += part[i].iov_len;
        i++;
    }
    *whole = i;
    if (i == parts || i == IOV_MAX) return 0;
    if (n == 0) return ENOSPC;
    int error = write_part(fd, part[i], left, *offset);
    if (error != 0) return error;
    *offset += part[i].iov_len;
    *whole = i + 1;
    return 0;
}

/* What a disk leaves behind that fails in the middle. */
static void write_half(int fd, const struct iovec *part, int parts, uint64_t offset)
{
    size_t total = 0;
    for (int i = 0; i < parts; i++) total += part[i].iov_len;
    for (size_t left = total / 2; left > 0 && parts > 0; part++, parts--) {
        size_t n = part->iov_len < left ? part->iov_len : left;
        if (n > 0 && write_part(fd, (struct iovec){part->iov_base, n}, 0, offset) != 0) return;
        offset += n;
        left -= n;
    }
}

andon_status disk_write(int fd, const struct iovec *part, int parts, uint64_t offset,
                        const char *path, andon_error *err)
{
    int error = fault_of(DISK_WRITE);
    if (error != 0) {
        write_half(fd, part, parts, offset);
        return failed("write", path, error, err);
    }
    if (said_to_be_full()) return failed("write", path, ENOSPC, err);
    while (parts > 0) {
        int whole = 0;
        error = write_some(fd, part, parts, &offset, &whole);
        if (error != 0) return failed("write", path, error, err);
        part += whole;
        parts -= whole;
    }
    return ANDON_OK;
}

andon_status disk_sync(int fd, const char *path, andon_error *err)
{
    int error = fault_of(DISK_SYNC);
    if (error == 0 && fdatasync(fd) != 0) error = errno;
    return error == 0 ? ANDON_OK : failed("sync", path, error, err);
}

andon_status disk_sync_directory(const char *path, andon_error *err)
{
    int error = fault_of(DISK_SYNC);
    int fd = error == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (error == 0 && (fd < 0 || fsync(fd) != 0)) error = errno;
    if (fd >= 0) close(fd);
    return error == 0 ? ANDON_OK : failed("sync", path, error, err);
}

uint64_t disk_free_bytes(const char *path)
{
    struct statvfs room;
    if (said_to_be_full()) return 0;
    if (statvfs(path, &room) != 0) return UINT64_MAX;
    return (uint64_t)room.f_bavail * (uint64_t)room.f_frsize;
}
