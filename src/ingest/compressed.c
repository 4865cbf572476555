#include "ingest/compressed.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct compressed {
    const char *path; /* borrowed, for errors */
    int fd;
    bool gzip, ended; /* ended: the disk has no more bytes  */
    bool whole;       /* gzip: the last member came to its end */
    uint64_t size, taken;
    z_stream z;
    size_t at, fill; /* of block: read from the disk, not yet handed out */
    uint8_t block[BLOCK_BYTES];
};

static andon_status disk_read(struct compressed *f, void *room, size_t bytes, size_t *got,
                              andon_error *err)
{
    ssize_t n;
    do n = read(f->fd, room, bytes);
    while (n < 0 && errno == EINTR);
    if (n < 0) return andon_fail(err, ANDON_EIO, "%s: cannot read: %s", f->path, strerror(errno));
    *got = (size_t)n;
    f->taken += (size_t)n;
    f->ended = n == 0;
    return ANDON_OK;
}

static andon_status block_fill(struct compressed *f, andon_error *err)
{
    f->at = f->fill = 0;
    return disk_read(f, f->block, BLOCK_BYTES, &f->fill, err);
}

static andon_status start(struct compressed *f, andon_error *err)
{
    size_t got = 1;
    while (f->fill < 2 && got > 0) { /* a pipe may give one byte */
        andon_status st = disk_read(f, f->block + f->fill, BLOCK_BYTES - f->fill, &got, err);
        if (st != ANDON_OK) return st;
        f->fill += got;
    }
    f->gzip = f->fill >= 2 && f->block[0] == 0x1f && f->block[1] == 0x8b;
    if (f->gzip && inflateInit2(&f->z, 15 + 16) != Z_OK)
        return andon_fail(err, ANDON_ENOMEM, "%s: no memory to decompress", f->path);
    return ANDON_OK;
}

static andon_status open_path(const char *path, int *fd, struct stat *status, andon_error *err)
{
    *fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return andon_fail(err, ANDON_EIO, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(*fd, status) == 0 && !S_ISDIR(status->st_mode)) return ANDON_OK;
    close(*fd);
    return andon_fail(err, ANDON_EIO, "%s: is a directory, expected a file", path);
}

andon_status compressed_open(struct compressed **file, const char *path, andon_error *err)
{
    struct stat status;
    int fd;
    andon_status st = open_path(path, &fd, &status, err);
    if (st != ANDON_OK) return st;
    struct compressed *f = calloc(1, sizeof *f);
    if (f == NULL) {
        close(fd);
        return andon_fail(err, ANDON_ENOMEM, "%s: no memory to open it", path);
    }
    f->path = path;
    f->fd = fd;
    f->size = S_ISREG(status.st_mode) && status.st_size > 0 ? (uint64_t)status.st_size : 0;
    st = start(f, err);
    if (st != ANDON_OK) {
        compressed_close(f);
        return st;
    }
    *file = f;
    return ANDON_OK;
}

static andon_status plain_read(struct compressed *f, void *room, size_t bytes, size_t *got,
                               andon_error *err)
{
    if (f->at == f->fill) return disk_read(f, room, bytes, got, err);
    *got = f->fill - f->at < bytes ? f->fill - f->at : bytes;
    memcpy(room, f->block + f->at, *got);
    f->at += *got;
    return ANDON_OK;
}

/* One call of inflate over what the block holds. */
static andon_status inflate_some(struct compressed *f, uint8_t *room, size_t bytes, size_t *got,
                                 andon_error *err)
{
    if (f->whole) { /* another member follows */
        f->whole = false;
        if (inflateReset(&f->z) != Z_OK)
            return andon_fail(err, ANDON_EDATA, "%s: the gzip data is damaged", f->path);
    }
    f->z.next_in = f->block + f->at;
    f->z.avail_in = (uInt)(f->fill - f->at);
    f->z.next_out = room;
    f->z.avail_out = (uInt)bytes;
    int code = inflate(&f->z, Z_NO_FLUSH);
    f->at = f->fill - f->z.avail_in;
    *got = bytes - f->z.avail_out;
    f->whole = code == Z_STREAM_END;
    if (code == Z_OK || code == Z_BUF_ERROR || f->whole) return ANDON_OK;
    return andon_fail(err, ANDON_EDATA, "%s: the gzip data is damaged near byte %llu of the file",
                      f->path, (unsigned long long)(f->taken - (f->fill - f->at)));
}

static andon_status gzip_read(struct compressed *f, void *room, size_t bytes, size_t *got,
                              andon_error *err)
{
    if (bytes > BLOCK_BYTES * 16) bytes = BLOCK_BYTES * 16; /* fits zlib's counters */
    *got = 0;
    while (*got == 0) {
        if (f->at == f->fill) {
            andon_status st = block_fill(f, err);
            if (st != ANDON_OK) return st;
        }
        if (f->ended && f->whole) return ANDON_OK;
        andon_status st = inflate_some(f, room, bytes, got, err); /* may still hold output */
        if (st != ANDON_OK) return st;
        if (*got == 0 && f->ended && !f->whole)
            return andon_fail(err, ANDON_EDATA,
                              "%s: the gzip data ends after %llu bytes, expected the rest of it",
                              f->path, (unsigned long long)f->taken);
    }
    return ANDON_OK;
}

andon_status compressed_read(struct compressed *f, void *room, size_t bytes, size_t *got,
                             andon_error *err)
{
    assert(bytes > 0);
    *got = 0;
    if (f->ended && f->at == f->fill && !f->gzip) return ANDON_OK;
    return f->gzip ? gzip_read(f, room, bytes, got, err) : plain_read(f, room, bytes, got, err);
}

double compressed_part(const struct compressed *f)
{
    return f->size == 0 ? 0.0 : (double)f->taken / (double)f->size;
}

void compressed_close(struct compressed *f)
{
    if (f == NULL) return;
    if (f->gzip) inflateEnd(&f->z);
    close(f->fd);
    free(f);
}
