/* Making records durable: one leader syncs for all who wait at the same time, and a keeper in the
 * background does it every interval, closes full segments, and tries again after a failure.
 *
 * After a failed fdatasync the kernel may have dropped the pages and calls the next one a success.
 * So a failed one is never repeated on the same file: all that is not durable is written again into
 * a new file (repair.c), and until that has succeeded the journal is stopped: appends are refused,
 * nothing more is acknowledged. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "journal/inner.h"

enum { NS_PER_S = 1000000000 };

/* What one round makes durable. */
struct round {
    int fd[JOURNAL_RETIRED_MAX + 1];
    uint32_t files, retireds;
    bool unnamed;
    uint64_t end;
};

/* state is held. The end is taken first: all bytes below it are in the files that are taken next.
 */
static struct round take_round(struct journal *j)
{
    struct round r = {.end = journal_end(j), .retireds = j->retireds, .unnamed = j->unnamed};
    for (uint32_t i = 0; i < j->retireds; i++) r.fd[r.files++] = j->retired[i].fd;
    if (j->current.fd >= 0) r.fd[r.files++] = j->current.fd;
    j->unnamed = false;
    return r;
}

static andon_status sync_files(struct journal *j, const struct round *r, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < r->files && st == ANDON_OK; i++) st = disk_sync(r->fd[i], j->dir, err);
    if (st == ANDON_OK && r->unnamed) st = disk_sync_directory(j->dir, err);
    return st;
}

/* state is held: the round's full segments need their files no longer. */
static void close_retired(struct journal *j, uint32_t files)
{
    for (uint32_t i = 0; i < files; i++) close(j->retired[i].fd);
    j->retireds -= files;
    memmove(j->retired, j->retired + files, j->retireds * sizeof *j->retired);
}

static andon_status write_again(struct journal *j, uint64_t *end, andon_error *err)
{
    pthread_mutex_lock(&j->append);
    andon_status st = repair_unsynced(j, err);
    *end = journal_end(j);
    pthread_mutex_unlock(&j->append);
    return st;
}

/* state is held. */
static bool is_due(struct journal *j)
{
    if (j->syncing) return false;
    if (atomic_load(&j->stopped) || j->retireds > 0) return true;
    return j->options.sync == JOURNAL_SYNC_INTERVAL && journal_end(j) > atomic_load(&j->synced);
}

/* The log says when it stops and when it goes on. No lock is held: a log may have to wait. */
static void tell_change(struct journal *j, bool stops, const andon_error *err)
{
    if (atomic_load(&j->stopped) == stops) return;
    if (stops)
        log_line(LOG_ERROR, "journal", "stopped", "why=\"%s\"", err->text);
    else
        log_line(LOG_WARN, "journal", "resumed", "dir=%s", j->dir);
}

/* state is held: what a round means for those who append. */
static void stop_or_go(struct journal *j, bool stops, const andon_error *err)
{
    atomic_store(&j->stopped, stops);
    if (!stops) {
        j->retry_ns = 0;
        return;
    }
    j->retry_ns = j->retry_ns == 0 ? JOURNAL_RETRY_NS : 2 * j->retry_ns;
    if (j->retry_ns > JOURNAL_RETRY_MAX_NS) j->retry_ns = JOURNAL_RETRY_MAX_NS;
    snprintf(j->why, sizeof j->why, "the journal has stopped until its disk works again: %.240s",
             err->text);
}

/* state is held at the beginning and at the end, not in between, and nobody leads. */
static andon_status lead(struct journal *j, andon_error *err)
{
    struct round r = take_round(j);
    bool stopped = atomic_load(&j->stopped);
    andon_status st = ANDON_EIO;
    j->syncing = true;
    pthread_mutex_unlock(&j->state);
    if (!stopped) {
        st = sync_files(j, &r, err);
        if (st != ANDON_OK) atomic_fetch_add(&j->sync_failures, 1);
    }
    bool whole = st == ANDON_OK;
    if (!whole) st = write_again(j, &r.end, err);
    tell_change(j, st != ANDON_OK, err);
    pthread_mutex_lock(&j->state);
    j->syncing = false;
    if (whole) close_retired(j, r.retireds);
    if (st == ANDON_OK) {
        atomic_store(&j->synced, r.end);
        atomic_fetch_add(&j->syncs, 1);
    }
    stop_or_go(j, st != ANDON_OK, err);
    pthread_cond_broadcast(&j->synced_more);
    if (is_due(j)) pthread_cond_signal(&j->work);
    return st;
}

andon_status journal_sync_up_to(struct journal *j, uint64_t offset, andon_error *err)
{
    andon_error why = {{0}};
    andon_status st = ANDON_OK;
    uint64_t end = journal_end(j);
    if (offset > end) offset = end; /* what is not there needs no sync */
    if (atomic_load(&j->synced) >= offset) return ANDON_OK;
    pthread_mutex_lock(&j->state);
    while (st == ANDON_OK && atomic_load(&j->synced) < offset) {
        if (atomic_load(&j->stopped))
            st = andon_fail(err, ANDON_EIO, "%s", j->why);
        else if (j->syncing)
            pthread_cond_wait(&j->synced_more, &j->state);
        else
            (void)lead(j, &why); /* a failure stops the journal, which the next turn tells */
    }
    pthread_mutex_unlock(&j->state);
    return st;
}

andon_status journal_settle(struct journal *j, uint64_t offset, andon_error *err)
{
    if (j->options.sync == JOURNAL_SYNC_EVERY || atomic_load(&j->stopped))
        return journal_sync_up_to(j, offset, err);
    return ANDON_OK;
}

static struct timespec after(int64_t ns)
{
    int64_t at = clock_steady_ns() + ns;
    return (struct timespec){.tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S)};
}

/* How long the keeper sleeps unless somebody calls; 0: for good. state is held. */
static int64_t pause_ns(struct journal *j)
{
    if (j->retry_ns > 0) return j->retry_ns;
    return j->options.sync == JOURNAL_SYNC_INTERVAL ? j->options.sync_interval_ns : 0;
}

static void *keep(void *argument)
{
    struct journal *j = argument;
    andon_error err = {{0}};
    pthread_mutex_lock(&j->state);
    while (!j->closing) {
        int64_t ns = pause_ns(j);
        struct timespec until = after(ns);
        if (ns > 0)
            pthread_cond_timedwait(&j->work, &j->state, &until);
        else if (!is_due(j))
            pthread_cond_wait(&j->work, &j->state);
        if (!j->closing && is_due(j)) (void)lead(j, &err); /* told to whoever asks next */
    }
    pthread_mutex_unlock(&j->state);
    return NULL;
}

void sync_soon(struct journal *j)
{
    pthread_mutex_lock(&j->state);
    pthread_cond_signal(&j->work);
    pthread_mutex_unlock(&j->state);
}

andon_status sync_start(struct journal *j, andon_error *err)
{
    sigset_t all, before;
    sigfillset(&all); /* signals belong to the program's other threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&j->keeper, NULL, keep, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    j->has_keeper = why == 0;
    if (why == 0) return ANDON_OK;
    return andon_fail(err, ANDON_ENOMEM, "%s: cannot start the journal's thread: %s", j->dir,
                      strerror(why));
}

void sync_stop(struct journal *j)
{
    if (!j->has_keeper) return;
    pthread_mutex_lock(&j->state);
    j->closing = true;
    pthread_cond_signal(&j->work);
    pthread_mutex_unlock(&j->state);
    pthread_join(j->keeper, NULL);
    j->has_keeper = false;
}
