/* Opening, closing, waiting and figures. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "journal/inner.h"
#include "journal/lock.h"

#define SEGMENT_BYTES ((uint64_t)64 << 20)
#define SPARE_BYTES ((uint64_t)16 << 20)
#define SYNC_INTERVAL_NS (100 * NS_PER_MS)
#define LIST_BYTES (JOURNAL_SEGMENTS_MAX * sizeof(struct segment))

static void settle_options(struct journal *j, const struct journal_options *options)
{
    j->options = *options;
    j->options.dir = j->dir;
    if (j->options.segment_bytes == 0) j->options.segment_bytes = SEGMENT_BYTES;
    if (j->options.spare_bytes == 0) j->options.spare_bytes = SPARE_BYTES;
    if (j->options.sync_interval_ns <= 0) j->options.sync_interval_ns = SYNC_INTERVAL_NS;
    j->space = (struct space){.dir = j->dir, .spare_bytes = j->options.spare_bytes};
}

/* Makes one folder, whose name its parent then keeps. */
static andon_status make_folder(const char *path, andon_error *err)
{
    char parent[PATH_MAX];
    if (mkdir(path, 0750) != 0)
        return errno == EEXIST
                   ? ANDON_OK
                   : andon_fail(err, ANDON_EIO, "%s: cannot create: %s", path, strerror(errno));
    strcpy(parent, path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL) return disk_sync_directory(".", err);
    *(slash == parent ? slash + 1 : slash) = 0;
    return disk_sync_directory(parent, err);
}

static andon_status make_folders(const char *dir, andon_error *err)
{
    char path[PATH_MAX];
    strcpy(path, dir);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = 0;
        andon_status st = make_folder(path, err);
        if (st != ANDON_OK) return st;
        *slash = '/';
    }
    return make_folder(path, err);
}

static andon_status open_folder(struct journal *j, const char *dir, andon_error *err)
{
    size_t length = strlen(dir);
    while (length > 1 && dir[length - 1] == '/') length--;
    if (length == 0 || length >= sizeof j->dir)
        return andon_fail(err, ANDON_EINVAL,
                          "found a journal directory of %zu letters, expected 1 "
                          "to %zu",
                          length, sizeof j->dir - 1);
    memcpy(j->dir, dir, length);
    struct stat file;
    andon_status st = stat(j->dir, &file) == 0 ? ANDON_OK : make_folders(j->dir, err);
    if (st != ANDON_OK) return st;
    j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dir_fd >= 0) return ANDON_OK;
    return andon_fail(err, ANDON_EIO, "%s: cannot open: %s", j->dir, strerror(errno));
}

/* Address space that is used as far as it is needed. */
static void *reserve(size_t bytes)
{
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return room == MAP_FAILED ? NULL : room;
}

static void make_locks(struct journal *j)
{
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->append, NULL);
    pthread_mutex_init(&j->state, NULL);
    pthread_mutex_init(&j->wait, NULL);
    pthread_cond_init(&j->synced_more, &steady);
    pthread_cond_init(&j->work, &steady);
    pthread_cond_init(&j->grown, &steady);
    pthread_condattr_destroy(&steady);
}

static struct journal *make(andon_error *err)
{
    struct journal *j = calloc(1, sizeof *j);
    if (j == NULL) {
        andon_fail(err, ANDON_ENOMEM, "no memory for a journal");
        return NULL;
    }
    j->dir_fd = j->lock_fd = j->current.fd = -1;
    make_locks(j);
    j->stage = reserve(JOURNAL_STAGE_BYTES);
    j->segment = reserve(LIST_BYTES);
    if (j->stage != NULL && j->segment != NULL) return j;
    andon_fail(err, ANDON_ENOMEM, "no memory for a journal");
    journal_close(j);
    return NULL;
}

andon_status journal_open(const struct journal_options *options, struct journal **journal,
                          andon_error *err)
{
    *journal = NULL;
    struct journal *j = make(err);
    if (j == NULL) return ANDON_ENOMEM;
    andon_status st = open_folder(j, options->dir, err);
    if (st == ANDON_OK) {
        settle_options(j, options);
        st = lock_take(j->dir_fd, j->dir, &j->lock_fd, &j->salt, err);
    }
    if (st == ANDON_OK) st = recovery_run(j, options->floor, err);
    if (st == ANDON_OK) st = sync_start(j, err);
    if (st == ANDON_OK)
        *journal = j;
    else
        journal_close(j);
    return st;
}

static void close_file(int fd)
{
    if (fd >= 0) close(fd);
}

void journal_close(struct journal *j)
{
    if (j == NULL) return;
    andon_error err;
    bool was_open = j->has_keeper;
    sync_stop(j);
    if (was_open && journal_sync_up_to(j, journal_end(j), &err) != ANDON_OK)
        errno = EIO; /* whoever needed it durable has asked before */
    for (uint32_t i = 0; i < j->retireds; i++) close_file(j->retired[i].fd);
    close_file(j->current.fd);
    close_file(j->dir_fd);
    close_file(j->lock_fd);
    if (j->stage != NULL) munmap(j->stage, JOURNAL_STAGE_BYTES);
    if (j->segment != NULL) munmap(j->segment, LIST_BYTES);
    pthread_cond_destroy(&j->grown);
    pthread_cond_destroy(&j->work);
    pthread_cond_destroy(&j->synced_more);
    pthread_mutex_destroy(&j->wait);
    pthread_mutex_destroy(&j->state);
    pthread_mutex_destroy(&j->append);
    free(j);
}

uint64_t journal_end(const struct journal *j)
{
    return atomic_load(&j->end);
}

static struct timespec after(int64_t ns)
{
    enum { NS_PER_S = 1000000000 };
    int64_t now = clock_steady_ns(), at = ns > INT64_MAX - now ? INT64_MAX : now + ns;
    return (struct timespec){.tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S)};
}

void journal_wait(struct journal *j, uint64_t offset, int64_t timeout_ns)
{
    struct timespec until = after(timeout_ns);
    int late = 0;
    pthread_mutex_lock(&j->wait);
    atomic_fetch_add(&j->waiting,
                     1); /* before the end is looked at: an appender sees one of both */
    while (late == 0 && !j->woken && journal_end(j) <= offset)
        late = pthread_cond_timedwait(&j->grown, &j->wait, &until);
    /* A wake is kept for a thread that is about to wait; the last one that leaves has used it. */
    if (atomic_fetch_sub(&j->waiting, 1) == 1) j->woken = false;
    pthread_mutex_unlock(&j->wait);
}

void journal_wake(struct journal *j)
{
    pthread_mutex_lock(&j->wait);
    j->woken = true;
    pthread_cond_broadcast(&j->grown);
    pthread_mutex_unlock(&j->wait);
}

void journal_count_damage(struct journal *j, uint64_t from, uint64_t to)
{
    pthread_mutex_lock(&j->state);
    bool recovered = from >= j->recovered_from && to <= j->recovered_to;
    bool news = to > j->damaged_to && !recovered;
    if (news) {
        atomic_fetch_add(&j->damaged, to - (from > j->damaged_to ? from : j->damaged_to));
        j->damaged_to = to;
    }
    pthread_mutex_unlock(&j->state);
    if (news)
        log_line(LOG_WARN, "journal", "damaged records", "dir=%s offset=%llu bytes=%llu", j->dir,
                 (unsigned long long)from, (unsigned long long)(to - from));
}

void journal_figures(struct journal *j, struct journal_figures *f)
{
    *f = (struct journal_figures){.synced = atomic_load(&j->synced),
                                  .end = journal_end(j),
                                  .bytes = atomic_load(&j->bytes),
                                  .appended = atomic_load(&j->appended),
                                  .refused = atomic_load(&j->refused),
                                  .syncs = atomic_load(&j->syncs),
                                  .sync_failures = atomic_load(&j->sync_failures),
                                  .torn_bytes = j->torn_bytes,
                                  .damaged_bytes = atomic_load(&j->damaged),
                                  .full = atomic_load(&j->full),
                                  .stopped = atomic_load(&j->stopped)};
    pthread_mutex_lock(&j->state);
    f->segments = j->segments;
    f->begin = j->segments > 0 ? segment_at(j, 0)->first : f->end;
    pthread_mutex_unlock(&j->state);
}
