#include "cli/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_BYTES = 256 * 1024 };

/* The unfinished file, for the signal handler. */
static char *volatile unfinished;

static void remove_unfinished(int signal_number)
{
    char *path = unfinished;
    if (path != NULL) unlink(path);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void output_clean_on_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction now, action = {.sa_handler = remove_unfinished};
        /* What a caller chose to ignore (nohup) stays ignored. */
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN) continue;
        if (signals[i] == SIGXFSZ) action.sa_handler = SIG_IGN; /* the write says EFBIG */
        sigaction(signals[i], &action, NULL);
    }
}

static andon_status cannot(const struct output *out, int error, andon_error *err)
{
    return andon_fail(err, ANDON_EIO, "%s: cannot write: %s", out->path, strerror(error));
}

static char *joined(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    char *text = malloc(n + m + 1);
    if (text == NULL) return NULL;
    memcpy(text, path, n);
    memcpy(text + n, end, m + 1);
    return text;
}

/* Finds out what path is; errno and false when it cannot be written. */
static bool prepare(struct output *out)
{
    struct stat status;
    out->fd = -1;
    if (strcmp(out->path, "-") == 0) {
        out->fd = dup(STDOUT_FILENO);
        return out->fd >= 0;
    }
    bool exists = stat(out->path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (exists && !S_ISREG(status.st_mode)) {
        out->fd = open(out->path, O_WRONLY | O_CLOEXEC);
        return out->fd >= 0;
    }
    if (exists && access(out->path, W_OK) != 0) return false;
    /* Behind a symbolic link the file itself is replaced, not the link. */
    out->target = exists ? realpath(out->path, NULL) : strdup(out->path);
    if (out->target == NULL) return false;
    out->temporary = joined(out->target, ".tmp");
    if (out->temporary == NULL) return false;
    unfinished = out->temporary; /* first: a signal may come as soon as the file is there */
    out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out->fd < 0) unfinished = NULL;
    return out->fd >= 0;
}

andon_status output_open(struct output *out, const char *path, andon_error *err)
{
    *out = (struct output){.path = path, .fd = -1};
    out->buffer = malloc(FLUSH_BYTES + OUTPUT_ROOM_MAX);
    if (out->buffer == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory to write", path);
    if (!prepare(out)) {
        int error = errno;
        free(out->temporary); /* was not made: not to be removed */
        out->temporary = NULL;
        output_abandon(out);
        return cannot(out, error, err);
    }
    out->open = true;
    return ANDON_OK;
}

static void flush(struct output *out)
{
    size_t at = 0;
    while (at < out->fill && out->error == 0) {
        ssize_t n = write(out->fd, out->buffer + at, out->fill - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            out->error = errno;
    }
    out->fill = 0;
}

char *output_room(struct output *out, size_t bytes)
{
    assert(bytes <= OUTPUT_ROOM_MAX);
    if (out->fill >= FLUSH_BYTES || out->fill + bytes > FLUSH_BYTES + OUTPUT_ROOM_MAX) flush(out);
    return out->buffer + out->fill;
}

void output_fill(struct output *out, size_t bytes)
{
    out->fill += bytes;
    assert(out->fill <= FLUSH_BYTES + OUTPUT_ROOM_MAX);
}

void output_bytes(struct output *out, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        size_t part = size < OUTPUT_ROOM_MAX ? size : OUTPUT_ROOM_MAX;
        memcpy(output_room(out, part), at, part);
        output_fill(out, part);
        at += part;
        size -= part;
    }
}

static void release(struct output *out)
{
    unfinished = NULL;
    if (out->fd >= 0) close(out->fd);
    free(out->target);
    free(out->temporary);
    free(out->buffer);
    *out = (struct output){.path = out->path, .fd = -1};
}

andon_status output_commit(struct output *out, bool durable, andon_error *err)
{
    flush(out);
    if (out->error == 0 && durable && out->temporary != NULL && fsync(out->fd) != 0)
        out->error = errno;
    int closed = close(out->fd);
    out->fd = -1;
    if (out->error == 0 && closed != 0) out->error = errno;
    if (out->error == 0 && out->temporary != NULL && rename(out->temporary, out->target) != 0)
        out->error = errno;
    if (out->error != 0) {
        int error = out->error;
        output_abandon(out);
        return cannot(out, error, err);
    }
    release(out);
    return ANDON_OK;
}

void output_abandon(struct output *out)
{
    if (out->temporary != NULL && out->open) unlink(out->temporary);
    release(out);
}
