/* Memory. The path of a record asks the heap for nothing once the journal is open: every door to it
 * is counted, those of the C library's own calls included. And where a journal or a cursor is
 * opened, each of its requests may be refused. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "journal/journal.h"
#include "journal_case.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HEAP_IS_OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_OURS 0
#endif
#endif
#ifndef HEAP_IS_OURS
#define HEAP_IS_OURS 1
#endif

static _Atomic size_t taken;
static _Atomic size_t refuse; /* so many requests from now on is the one that fails; 0: none */

#if HEAP_IS_OURS
static bool refused(void)
{
    size_t left = atomic_load(&refuse);
    return left > 0 && atomic_fetch_sub(&refuse, 1) == 1;
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

void *malloc(size_t bytes)
{
    atomic_fetch_add(&taken, 1);
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    atomic_fetch_add(&taken, 1);
    return refused() ? NULL : __libc_calloc(count, bytes);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    if (refused()) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

void *realloc(void *old, size_t bytes)
{
    atomic_fetch_add(&taken, 1);
    return __libc_realloc(old, bytes);
}
#endif

static bool work(struct journal_case *c, struct journal_cursor *cursor)
{
    struct journal_record r;
    uint64_t end;
    static uint8_t large[100000];
    struct journal_entry e = {.type = JOURNAL_MESSAGE, .part = {large}, .size = {sizeof large}};
    for (uint64_t i = 0; i < 2000; i += 20) {
        if (case_append(c, i, 20, &end) != ANDON_OK ||
            journal_settle(c->journal, end, &c->err) != ANDON_OK)
            return false;
        if (i % 200 == 0 && journal_append(c->journal, &e, 1, &end, &c->err) != ANDON_OK)
            return false;
        while (journal_next(cursor, &r, &c->err) == 1) continue;
        if (journal_sync_up_to(c->journal, end, &c->err) != ANDON_OK) return false;
        journal_release(c->journal, end);
        journal_wait(c->journal, end, 1);
    }
    return true;
}

TEST(appending_reading_syncing_and_removing_never_ask_the_heap)
{
    if (!HEAP_IS_OURS) SKIP("a sanitizer owns the heap");
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_figures f;
    CHECK(case_make(&c, false));
    c.options.sync = JOURNAL_SYNC_EVERY;
    c.options.segment_bytes = 20000;
    c.options.keep_bytes = 100000;
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    size_t before = atomic_load(&taken);
    CHECK(before > 0);
    CHECK(work(&c, cursor));
    CHECK_SAY(atomic_load(&taken) == before, "%zu times", atomic_load(&taken) - before);
    journal_figures(c.journal, &f);
    CHECK(f.begin > 0 && f.segments > 1); /* segments came and went */
    journal_cursor_close(cursor);
    case_end(&c);
}

TEST(every_request_for_memory_may_be_refused)
{
    if (!HEAP_IS_OURS) SKIP("a sanitizer owns the heap");
    struct journal_case c;
    struct journal_cursor *cursor;
    uint64_t end;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 5, &end) == ANDON_OK);
    case_close(&c);
    size_t n = 0;
    for (andon_status st = ANDON_ENOMEM; st != ANDON_OK; n++) {
        atomic_store(&refuse, n + 1);
        st = case_open(&c);
        atomic_store(&refuse, 0);
        CHECK_SAY(st == ANDON_OK || st == ANDON_ENOMEM, "request %zu: %s", n, c.err.text);
        CHECK(st == ANDON_OK || (c.journal == NULL && c.err.text[0] != 0));
    }
    CHECK_SAY(n >= 5, "%zu requests", n); /* itself, two buffers, recovery's reader, and success */
    n = 0;
    for (andon_status st = ANDON_ENOMEM; st != ANDON_OK; n++) {
        atomic_store(&refuse, n + 1);
        st = journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err);
        atomic_store(&refuse, 0);
        CHECK(st == ANDON_OK || (st == ANDON_ENOMEM && cursor == NULL));
    }
    CHECK(n >= 3);
    journal_cursor_close(cursor);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 5);
    case_end(&c);
}
