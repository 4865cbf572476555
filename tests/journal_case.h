/* A journal in a folder of its own for one test, with records that can be told apart: the i-th has
 * a size and bytes that follow from i. */
#ifndef JOURNAL_CASE_H
#define JOURNAL_CASE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "andon/rng.h"
#include "base/log.h"
#include "journal/journal.h"

enum { CASE_BODY_MAX = 400, CASE_BATCH_MAX = 64 };

struct journal_case {
    char dir[128];
    struct journal_options options;
    struct journal *journal;
    andon_error err;
};

/* Memory where there is some, since most tests are not about the disk. */
static inline bool case_make(struct journal_case *c, bool on_disk)
{
    *c = (struct journal_case){.journal = NULL};
    log_settings((enum log_level)(LOG_ERROR + 1), false); /* what goes wrong here is meant to */
    bool memory = !on_disk && access("/dev/shm", W_OK) == 0;
    snprintf(c->dir, sizeof c->dir, "%s/andon_journal_XXXXXX", memory ? "/dev/shm" : "/tmp");
    c->options = (struct journal_options){.dir = c->dir, .sync = JOURNAL_SYNC_OS, .spare_bytes = 1};
    return mkdtemp(c->dir) != NULL;
}

static inline andon_status case_open(struct journal_case *c)
{
    return journal_open(&c->options, &c->journal, &c->err);
}

static inline void case_close(struct journal_case *c)
{
    journal_close(c->journal);
    c->journal = NULL;
}

static inline void case_remove_files(const char *dir)
{
    char path[512];
    DIR *folder = opendir(dir);
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    if (folder != NULL) closedir(folder);
}

static inline void case_end(struct journal_case *c)
{
    case_close(c);
    case_remove_files(c->dir);
    rmdir(c->dir);
}

static inline uint32_t case_body(uint64_t i, uint8_t body[CASE_BODY_MAX])
{
    struct andon_rng rng = andon_rng_fork(7, i);
    uint32_t size = i % 7 == 3 ? 0 : andon_rng_below(&rng, CASE_BODY_MAX);
    for (uint32_t k = 0; k < size; k++) body[k] = (uint8_t)andon_rng_below(&rng, 256);
    return size;
}

static inline int64_t case_time_ns(uint64_t i)
{
    return INT64_C(1700000000000000000) + (int64_t)i * 1000000000;
}

static inline enum journal_type case_type(uint64_t i)
{
    return (enum journal_type)(1 + i % 5);
}

/* Records i .. i + n - 1 in one append, their bodies in two parts; n <= CASE_BATCH_MAX. */
static inline andon_status case_append(struct journal_case *c, uint64_t i, size_t n, uint64_t *end)
{
    static _Thread_local uint8_t body[CASE_BATCH_MAX][CASE_BODY_MAX];
    struct journal_entry entry[CASE_BATCH_MAX];
    for (size_t k = 0; k < n; k++) {
        uint32_t size = case_body(i + k, body[k]), half = size / 3;
        entry[k] = (struct journal_entry){.type = case_type(i + k),
                                          .received_ns = case_time_ns(i + k),
                                          .part = {body[k], body[k] + half},
                                          .size = {half, size - half}};
    }
    return journal_append(c->journal, entry, n, end, &c->err);
}

static inline bool case_is(const struct journal_record *r, uint64_t i)
{
    uint8_t body[CASE_BODY_MAX];
    uint32_t size = case_body(i, body);
    return r->type == case_type(i) && r->received_ns == case_time_ns(i) && r->size == size &&
           memcmp(r->body, body, size) == 0;
}

/* Which record it is, of those that case_append makes; UINT64_MAX: none. */
static inline uint64_t case_number(const struct journal_record *r)
{
    uint64_t i = (uint64_t)(r->received_ns - case_time_ns(0)) / 1000000000;
    return case_is(r, i) ? i : UINT64_MAX;
}

/* Reads from offset to the end: the numbers must be from, from + 1, ...; the count, or -1. */
static inline int64_t case_read(struct journal *journal, const char *dir, uint64_t offset,
                                uint64_t from, uint64_t *damaged)
{
    struct journal_cursor *cursor;
    struct journal_record record;
    andon_error err;
    int64_t n = 0;
    int got;
    if (journal_cursor_open(journal, dir, offset, &cursor, &err) != ANDON_OK) return -1;
    while ((got = journal_next(cursor, &record, &err)) == 1 && case_is(&record, from + (uint64_t)n))
        n++;
    if (damaged != NULL) *damaged = journal_cursor_damaged(cursor);
    journal_cursor_close(cursor);
    return got == 0 ? n : -1;
}

static inline uint64_t case_steady_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
