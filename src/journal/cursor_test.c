/* Readers of journals at rest, of one that grows, of one that loses its old segments. */
#include <pthread.h>
#include <stdatomic.h>

#include "journal/journal.h"
#include "journal/record.h"
#include "journal/segment.h"
#include "journal_case.h"
#include "test.h"

static bool fill(struct journal_case *c, uint64_t segment_bytes, uint64_t records)
{
    uint64_t end;
    if (!case_make(c, false)) return false;
    c->options.segment_bytes = segment_bytes;
    if (case_open(c) != ANDON_OK) return false;
    for (uint64_t i = 0; i < records; i++)
        if (case_append(c, i, 1, &end) != ANDON_OK) return false;
    return true;
}

TEST(a_cursor_may_begin_at_any_record)
{
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    uint64_t offset[101] = {0};
    CHECK(fill(&c, 1000, 100));
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    for (int i = 0; i < 100; i++) {
        CHECK(journal_next(cursor, &r, &c.err) == 1 && r.offset == offset[i]);
        offset[i + 1] = r.next;
    }
    journal_cursor_close(cursor);
    for (uint64_t i = 0; i <= 100; i++) {
        uint64_t damaged = 0;
        CHECK(case_read(c.journal, NULL, offset[i], i, &damaged) == 100 - (int64_t)i);
        CHECK(damaged == 0);
        CHECK(case_read(NULL, c.dir, offset[i], i, &damaged) == 100 - (int64_t)i && damaged == 0);
    }
    case_end(&c);
}

TEST(at_the_end_a_cursor_says_so_and_goes_on_when_there_is_more)
{
    for (int live = 0; live < 2; live++) {
        struct journal_case c;
        struct journal_cursor *cursor;
        struct journal_record r;
        uint64_t end;
        CHECK(fill(&c, 700, 0));
        CHECK(journal_cursor_open(live ? c.journal : NULL, c.dir, 0, &cursor, &c.err) == ANDON_OK);
        for (uint64_t i = 0; i < 60; i++) {
            CHECK(journal_next(cursor, &r, &c.err) == 0);
            CHECK(case_append(&c, i, 1, &end) == ANDON_OK);
            CHECK(journal_next(cursor, &r, &c.err) == 1);
            CHECK(case_is(&r, i) && r.next == end);
        }
        CHECK(journal_next(cursor, &r, &c.err) == 0 && journal_cursor_damaged(cursor) == 0);
        journal_cursor_close(cursor);
        case_end(&c);
    }
}

TEST(an_offset_in_the_future_gives_nothing)
{
    struct journal_case c;
    uint64_t end;
    CHECK(fill(&c, 0, 3));
    end = journal_end(c.journal);
    CHECK(case_read(c.journal, NULL, end + 64, 0, NULL) == 0);
    CHECK(case_read(NULL, c.dir, end + 64, 0, NULL) == 0);
    case_end(&c);
}

TEST(a_cursor_that_falls_behind_moves_on_to_the_oldest_segment)
{
    for (int live = 0; live < 2; live++) {
        struct journal_case c;
        struct journal_cursor *cursor;
        struct journal_record r;
        CHECK(fill(&c, 1000, 40));
        CHECK(journal_cursor_open(live ? c.journal : NULL, c.dir, 0, &cursor, &c.err) == ANDON_OK);
        CHECK(journal_next(cursor, &r, &c.err) == 1 && case_is(&r, 0));
        case_close(&c);
        if (live) journal_cursor_close(cursor);
        c.options.keep_bytes = 3000;
        CHECK(case_open(&c) == ANDON_OK);
        if (live) CHECK(journal_cursor_open(c.journal, NULL, r.next, &cursor, &c.err) == ANDON_OK);
        journal_release(c.journal, journal_end(c.journal));
        struct journal_figures f;
        journal_figures(c.journal, &f);
        CHECK(f.begin > 2000);
        uint64_t last = 0;
        while (journal_next(cursor, &r, &c.err) == 1) {
            uint64_t i = case_number(&r);
            CHECK(i > last && i < 40 && (r.offset < 2000 || r.offset >= f.begin));
            last = i;
        }
        CHECK(last == 39 && journal_cursor_damaged(cursor) == 0);
        journal_cursor_close(cursor);
        case_end(&c);
    }
}

/* A record that is being written by another process is not damage. */
TEST(at_rest_a_half_written_end_is_waited_for_and_then_read)
{
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    uint8_t bytes[4096];
    char path[256];
    CHECK(fill(&c, 0, 5));
    uint64_t before = journal_end(c.journal), end;
    CHECK(case_append(&c, 5, 4, &end) == ANDON_OK);
    case_close(&c);
    snprintf(path, sizeof path, "%s/0000000000000000.journal", c.dir);
    int fd = open(path, O_RDWR);
    off_t place = (off_t)(SEGMENT_HEAD + before);
    ssize_t size = pread(fd, bytes, sizeof bytes, place);
    CHECK(fd >= 0 && size == (ssize_t)(end - before));
    CHECK(ftruncate(fd, place) == 0);
    CHECK(journal_cursor_open(NULL, c.dir, 0, &cursor, &c.err) == ANDON_OK);
    for (uint64_t i = 0; i < 5; i++) CHECK(journal_next(cursor, &r, &c.err) == 1);
    uint64_t seen = before;
    for (ssize_t at = 0; at < size; at++) {
        while (journal_next(cursor, &r, &c.err) == 1) seen = r.next;
        CHECK(seen <= before + (uint64_t)at);
        CHECK(pwrite(fd, bytes + at, 1, place + at) == 1);
    }
    while (journal_next(cursor, &r, &c.err) == 1) seen = r.next;
    CHECK(seen == end && journal_cursor_damaged(cursor) == 0);
    journal_cursor_close(cursor);
    close(fd);
    case_end(&c);
}

/* ... but it is, once a later segment shows that nobody will finish it. */
TEST(at_rest_a_torn_end_with_a_segment_behind_it_is_counted_and_passed)
{
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    char path[256];
    uint64_t end, damaged = 0;
    CHECK(fill(&c, 1000, 12));
    case_close(&c);
    snprintf(path, sizeof path, "%s/0000000000000000.journal", c.dir);
    struct stat file;
    CHECK(stat(path, &file) == 0 && truncate(path, file.st_size - 5) == 0);
    CHECK(journal_cursor_open(NULL, c.dir, 0, &cursor, &c.err) == ANDON_OK);
    uint64_t last = UINT64_MAX, lost = 0;
    while (journal_next(cursor, &r, &c.err) == 1) {
        uint64_t i = case_number(&r);
        CHECK(i < 12);
        lost += i - last - 1;
        last = i;
    }
    damaged = journal_cursor_damaged(cursor);
    CHECK(last == 11 && lost == 1 && damaged > 0);
    journal_cursor_close(cursor);
    CHECK(case_open(&c) == ANDON_OK && case_append(&c, 12, 1, &end) == ANDON_OK);
    case_end(&c);
}

TEST(a_file_that_has_gone_from_a_live_journal_is_an_error_and_not_silence)
{
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    CHECK(fill(&c, 0, 5));
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    case_remove_files(c.dir);
    CHECK(journal_next(cursor, &r, &c.err) == -1);
    CHECK_SAY(strstr(c.err.text, c.dir) != NULL, "%s", c.err.text);
    journal_cursor_close(cursor);
    case_end(&c);
}

TEST(a_folder_that_is_not_there_is_an_error)
{
    struct journal_cursor *cursor;
    andon_error err;
    CHECK(journal_cursor_open(NULL, "/tmp/no such folder", 0, &cursor, &err) == ANDON_EIO);
    CHECK(cursor == NULL && strstr(err.text, "/tmp/no such folder") != NULL);
}

/* Threads that append, read from the beginning, read along, and remove, all at once. */
enum { APPENDERS = 3, READERS = 3, PER_APPENDER = 3000 };

struct shared {
    struct journal_case c;
    _Atomic bool done;
    _Atomic int failures;
    _Atomic uint64_t read; /* how far all readers have read, at least: their least offset */
    _Atomic uint64_t at[READERS];
};

struct part {
    struct shared *s;
    int number;
};

/* Each appender numbers its own records: (appender, i) is in the body. */
static void *append_many(void *argument)
{
    const struct part *p = argument;
    for (uint32_t i = 0; i < PER_APPENDER;) {
        uint32_t body[8][50] = {{0}}, n = 1 + i % 8;
        struct journal_entry e[8];
        uint64_t end;
        andon_error err;
        for (uint32_t k = 0; k < n; k++) {
            body[k][0] = (uint32_t)p->number;
            body[k][1] = i + k;
            e[k] = (struct journal_entry){.type = JOURNAL_MESSAGE,
                                          .received_ns = i,
                                          .part = {body[k], body[k] + 2},
                                          .size = {8, 4 * ((i + k) % 48)}};
        }
        if (journal_append(p->s->c.journal, e, n, &end, &err) != ANDON_OK ||
            journal_settle(p->s->c.journal, end, &err) != ANDON_OK)
            atomic_fetch_add(&p->s->failures, 1);
        i += n;
    }
    return NULL;
}

static bool take_record(const struct journal_record *r, uint32_t next[APPENDERS])
{
    uint32_t who[2];
    if (r->size < sizeof who) return false;
    memcpy(who, r->body, sizeof who);
    return who[0] < APPENDERS && who[1] == next[who[0]]++ && r->size == 8 + 4 * (who[1] % 48);
}

static void *read_along(void *argument)
{
    const struct part *p = argument;
    struct shared *s = p->s;
    struct journal_cursor *cursor;
    struct journal_record r;
    andon_error err;
    uint32_t next[APPENDERS] = {0};
    uint64_t offset = 0;
    if (journal_cursor_open(s->c.journal, NULL, 0, &cursor, &err) != ANDON_OK) return NULL;
    for (bool last = false; !last;) {
        int got;
        last = atomic_load(&s->done);
        while ((got = journal_next(cursor, &r, &err)) == 1) {
            if (r.offset != offset || !take_record(&r, next)) atomic_fetch_add(&s->failures, 1);
            offset = r.next;
            atomic_store(&s->at[p->number], offset);
        }
        if (got < 0) atomic_fetch_add(&s->failures, 1);
        if (!last) journal_wait(s->c.journal, offset, 50000000);
    }
    if (journal_cursor_damaged(cursor) != 0) atomic_fetch_add(&s->failures, 1);
    for (int i = 0; i < APPENDERS; i++)
        if (next[i] < PER_APPENDER) atomic_fetch_add(&s->failures, 1);
    journal_cursor_close(cursor);
    return NULL;
}

static void *release_along(void *argument)
{
    struct shared *s = argument;
    while (!atomic_load(&s->done)) {
        uint64_t least = UINT64_MAX;
        struct journal_figures f;
        andon_error err;
        for (int i = 0; i < READERS; i++)
            if (atomic_load(&s->at[i]) < least) least = atomic_load(&s->at[i]);
        if (journal_sync_up_to(s->c.journal, least, &err) != ANDON_OK)
            atomic_fetch_add(&s->failures, 1);
        journal_release(s->c.journal, least);
        journal_figures(s->c.journal, &f);
        if (f.begin > least || f.synced > f.end) atomic_fetch_add(&s->failures, 1);
        journal_wait(s->c.journal, UINT64_MAX - 1, 1000000);
    }
    return NULL;
}

TEST(threads_append_read_and_remove_at_the_same_time)
{
    for (int policy = JOURNAL_SYNC_EVERY; policy <= JOURNAL_SYNC_OS; policy++) {
        static struct shared s;
        struct part part[APPENDERS + READERS];
        pthread_t thread[APPENDERS + READERS + 1];
        memset(&s, 0, sizeof s);
        CHECK(case_make(&s.c, false));
        s.c.options.sync = (enum journal_sync)policy;
        s.c.options.sync_interval_ns = 1000000;
        s.c.options.segment_bytes = 20000;
        s.c.options.keep_bytes = 60000;
        CHECK(case_open(&s.c) == ANDON_OK);
        for (int i = 0; i < APPENDERS; i++) {
            part[i] = (struct part){&s, i};
            CHECK(pthread_create(&thread[i], NULL, append_many, &part[i]) == 0);
        }
        for (int i = 0; i < READERS; i++) {
            part[APPENDERS + i] = (struct part){&s, i};
            CHECK(pthread_create(&thread[APPENDERS + i], NULL, read_along, &part[APPENDERS + i]) ==
                  0);
        }
        CHECK(pthread_create(&thread[APPENDERS + READERS], NULL, release_along, &s) == 0);
        for (int i = 0; i < APPENDERS; i++) pthread_join(thread[i], NULL);
        atomic_store(&s.done, true);
        journal_wake(s.c.journal);
        for (int i = APPENDERS; i <= APPENDERS + READERS; i++) pthread_join(thread[i], NULL);
        struct journal_figures f;
        uint64_t end = journal_end(s.c.journal);
        CHECK(journal_sync_up_to(s.c.journal, end, &s.c.err) == ANDON_OK);
        journal_release(s.c.journal, end);
        journal_figures(s.c.journal, &f);
        CHECK_SAY(s.failures == 0, "policy %d: %d failures", policy, s.failures);
        CHECK(f.appended >= (uint64_t)APPENDERS * PER_APPENDER && f.refused == 0);
        CHECK_SAY(f.begin > 0, "policy %d: nothing was removed", policy);
        case_end(&s.c);
    }
}
