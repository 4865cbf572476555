/* Policies, shared syncs, and what happens when writes and syncs fail, each in turn. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

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

static bool synced_to(struct journal_case *c, uint64_t offset)
{
    for (uint64_t until = case_steady_ms() + RESUME_MS; case_steady_ms() < until; usleep(1000))
        if (figures_of(c).synced >= offset) return true;
    return false;
}

TEST(by_policy_every_an_acknowledgement_waits_for_one_sync)
{
    struct journal_case c;
    uint64_t end;
    CHECK(case_make(&c, false));
    c.options.sync = JOURNAL_SYNC_EVERY;
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 4, &end) == ANDON_OK);
    CHECK(figures_of(&c).synced == 0);
    uint64_t before = disk_operations(DISK_SYNC);
    CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK);
    CHECK(disk_operations(DISK_SYNC) == before + 2); /* the file and, once, its name */
    CHECK(figures_of(&c).synced == end && figures_of(&c).syncs == 1);
    CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK);
    CHECK(case_append(&c, 4, 4, &end) == ANDON_OK);
    CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK);
    CHECK(disk_operations(DISK_SYNC) == before + 3);
    case_end(&c);
}

TEST(by_policy_os_nothing_is_synced_until_somebody_asks)
{
    struct journal_case c;
    uint64_t end;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    uint64_t before = disk_operations(DISK_SYNC);
    CHECK(case_append(&c, 0, 4, &end) == ANDON_OK);
    CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK);
    CHECK(disk_operations(DISK_SYNC) == before && figures_of(&c).synced == 0);
    CHECK(journal_sync_up_to(c.journal, end / 2, &c.err) == ANDON_OK);
    CHECK(figures_of(&c).synced == end);
    CHECK(journal_sync_up_to(c.journal, end + 1000, &c.err) == ANDON_OK);
    case_end(&c);
}

TEST(by_policy_interval_the_sync_comes_by_itself)
{
    struct journal_case c;
    uint64_t end;
    CHECK(case_make(&c, false));
    c.options.sync = JOURNAL_SYNC_INTERVAL;
    c.options.sync_interval_ns = 2000000;
    CHECK(case_open(&c) == ANDON_OK);
    for (uint64_t i = 0; i < 5; i++) {
        CHECK(case_append(&c, i, 1, &end) == ANDON_OK);
        CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK);
        CHECK(synced_to(&c, end));
    }
    case_end(&c);
}

TEST(full_segments_are_synced_and_closed_whatever_the_policy_is)
{
    struct journal_case c;
    uint64_t end, last = 0;
    CHECK(case_make(&c, false));
    c.options.segment_bytes = 1;
    CHECK(case_open(&c) == ANDON_OK);
    for (uint64_t i = 0; i < 50; i++) {
        last = journal_end(c.journal);
        CHECK(case_append(&c, i, 1, &end) == ANDON_OK);
    }
    CHECK(synced_to(&c, last));
    CHECK(figures_of(&c).segments == 50);
    case_end(&c);
}

TEST(closing_makes_everything_durable)
{
    struct journal_case c;
    uint64_t end;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 4, &end) == ANDON_OK);
    uint64_t before = disk_operations(DISK_SYNC);
    case_close(&c);
    CHECK(disk_operations(DISK_SYNC) == before + 2);
    case_end(&c);
}

/* Many who wait at once share syncs. */
enum { SETTLERS = 8, ROUNDS = 60 };

static void *settle_often(void *argument)
{
    struct journal_case *shared = argument, mine = *shared;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t end;
        if (case_append(&mine, i, 1, &end) != ANDON_OK ||
            journal_settle(mine.journal, end, &mine.err) != ANDON_OK ||
            figures_of(&mine).synced < end)
            return argument;
    }
    return NULL;
}

TEST(who_waits_at_the_same_time_shares_a_sync)
{
    struct journal_case c;
    pthread_t thread[SETTLERS];
    void *failed;
    CHECK(case_make(&c, true)); /* a real disk: its sync takes long enough to be shared */
    c.options.sync = JOURNAL_SYNC_EVERY;
    CHECK(case_open(&c) == ANDON_OK);
    for (int i = 0; i < SETTLERS; i++)
        CHECK(pthread_create(&thread[i], NULL, settle_often, &c) == 0);
    for (int i = 0; i < SETTLERS; i++) {
        pthread_join(thread[i], &failed);
        CHECK(failed == NULL);
    }
    CHECK_SAY(figures_of(&c).syncs < SETTLERS * ROUNDS, "%llu syncs",
              (unsigned long long)figures_of(&c).syncs);
    case_end(&c);
}

/* What a run with faults has been promised: which records were acknowledged, which were refused. */
enum { RECORDS_MAX = 4000 };
struct promises {
    uint64_t tried; /* records 0 .. tried - 1 were given to the journal     */
    bool acknowledged[RECORDS_MAX], refused[RECORDS_MAX];
    bool failed; /* something has failed at least once                   */
};

static bool reopen(struct journal_case *c, struct promises *p)
{
    if (c->journal != NULL) return true;
    if (case_open(c) == ANDON_OK) return true;
    p->failed = true;
    return c->journal == NULL && c->err.text[0] != 0;
}

/* Appends in batches and settles, over several segments and a restart; a fault may strike anywhere.
 */
static bool run(struct journal_case *c, struct promises *p, uint64_t batches)
{
    for (uint64_t b = 0; b < batches; b++) {
        size_t n = 1 + b % 3;
        uint64_t end = 0, first = p->tried;
        if (!reopen(c, p)) return false;
        if (c->journal == NULL) return true;
        andon_status st = case_append(c, first, n, &end);
        p->tried += n;
        for (size_t k = 0; k < n; k++) p->refused[first + k] = st != ANDON_OK;
        if (st == ANDON_OK) st = journal_settle(c->journal, end, &c->err);
        for (size_t k = 0; k < n; k++) p->acknowledged[first + k] = st == ANDON_OK;
        if (st != ANDON_OK) p->failed = true;
        if (st != ANDON_OK && c->err.text[0] == 0) return false;
        if (b % 9 == 8) case_close(c);
    }
    return true;
}

/* Waits until the journal takes records again, by itself. */
static bool resumes(struct journal_case *c, struct promises *p)
{
    for (uint64_t until = case_steady_ms() + RESUME_MS; case_steady_ms() < until; usleep(2000)) {
        uint64_t end;
        if (!reopen(c, p) || c->journal == NULL) return false;
        andon_status st = case_append(c, p->tried, 1, &end);
        p->refused[p->tried] = st != ANDON_OK;
        if (st == ANDON_OK) st = journal_settle(c->journal, end, &c->err);
        p->acknowledged[p->tried++] = st == ANDON_OK;
        if (st == ANDON_OK) return true;
    }
    return false;
}

/* Everything acknowledged is there once and in order, nothing refused is, nothing was invented. */
static bool kept(struct journal *journal, const char *dir, const struct promises *p)
{
    struct journal_cursor *cursor;
    struct journal_record r;
    andon_error err;
    int got;
    uint64_t next = 0, offset = 0;
    if (journal_cursor_open(journal, dir, 0, &cursor, &err) != ANDON_OK) return false;
    while ((got = journal_next(cursor, &r, &err)) == 1) {
        uint64_t i = case_number(&r);
        if (i == UINT64_MAX || i < next || i >= p->tried || p->refused[i] || r.offset < offset)
            break;
        for (; next < i; next++)
            if (p->acknowledged[next]) break;
        if (next < i) break;
        next++;
        offset = r.next;
    }
    uint64_t damaged = journal_cursor_damaged(cursor);
    journal_cursor_close(cursor);
    for (; next < p->tried && !p->acknowledged[next];) next++;
    return got == 0 && next == p->tried && damaged == 0;
}

/* The workload with the nth operation and all behind it failing, until the fault is gone. */
static bool check_fault(enum disk_operation operation, uint64_t nth, int error, bool *struck)
{
    struct journal_case c;
    static struct promises p;
    memset(&p, 0, sizeof p);
    if (!case_make(&c, false)) return false;
    c.options.sync = JOURNAL_SYNC_EVERY;
    c.options.segment_bytes = 1500;
    disk_fault(operation, nth, error);
    bool right = run(&c, &p, 30);
    disk_fault_clear();
    *struck = p.failed;
    right = right && resumes(&c, &p) && run(&c, &p, 12) && reopen(&c, &p) && c.journal != NULL;
    right = right && kept(c.journal, NULL, &p) && !figures_of(&c).full && !figures_of(&c).stopped;
    case_close(&c);
    right = right && kept(NULL, c.dir, &p) && reopen(&c, &p) && kept(c.journal, NULL, &p);
    case_end(&c);
    return right;
}

static void check_every(enum disk_operation operation, int error)
{
    bool struck = true;
    uint64_t nth = 1;
    for (; struck; nth++)
        CHECK_SAY(check_fault(operation, nth, error, &struck), "operation %llu",
                  (unsigned long long)nth);
    CHECK_SAY(nth > 30, "%llu operations", (unsigned long long)nth);
}

TEST(every_nth_sync_may_fail_and_nothing_acknowledged_is_lost)
{
    check_every(DISK_SYNC, EIO);
}

TEST(every_nth_write_may_fail_and_nothing_half_stays)
{
    check_every(DISK_WRITE, EIO);
}

TEST(every_nth_write_may_find_the_disk_full)
{
    check_every(DISK_WRITE, ENOSPC);
}

TEST(a_failed_sync_is_never_a_success_the_second_time)
{
    struct journal_case c;
    uint64_t end, more;
    char path[256];
    struct stat file;
    CHECK(case_make(&c, false));
    c.options.sync = JOURNAL_SYNC_EVERY;
    CHECK(case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 5, &end) == ANDON_OK);
    CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK);
    CHECK(case_append(&c, 5, 5, &more) == ANDON_OK);
    disk_fault(DISK_SYNC, 1, EIO);
    CHECK(journal_settle(c.journal, more, &c.err) == ANDON_EIO);
    CHECK_SAY(strstr(c.err.text, "stopped") != NULL, "%s", c.err.text);
    CHECK(journal_settle(c.journal, more, &c.err) == ANDON_EIO);
    CHECK(journal_settle(c.journal, end, &c.err) == ANDON_OK); /* that was durable before */
    CHECK(case_append(&c, 10, 1, &(uint64_t){0}) == ANDON_EIO);
    struct journal_figures f = figures_of(&c);
    CHECK(f.stopped && f.sync_failures == 1 && f.synced == end && f.end == more && f.refused == 1);
    disk_fault_clear();
    CHECK(synced_to(&c, more));
    CHECK(!figures_of(&c).stopped && journal_settle(c.journal, more, &c.err) == ANDON_OK);
    /* What was not durable stands in a file of its own, and the suspect one ends before it. */
    char name[SEGMENT_NAME_ROOM];
    segment_name(name, end);
    snprintf(path, sizeof path, "%s/%s", c.dir, name);
    CHECK(stat(path, &file) == 0 && (uint64_t)file.st_size == SEGMENT_HEAD + more - end);
    segment_name(name, 0);
    snprintf(path, sizeof path, "%s/%s", c.dir, name);
    CHECK(stat(path, &file) == 0 && (uint64_t)file.st_size == SEGMENT_HEAD + end);
    f = figures_of(&c);
    CHECK(f.segments == 2 && f.bytes == 2 * SEGMENT_HEAD + more);
    CHECK(case_append(&c, 10, 1, &more) == ANDON_OK);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 11);
    case_close(&c);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == 11);
    case_end(&c);
}

/* A kernel that has dropped the pages: the file reads as zeros where the failed sync was. */
TEST(what_the_kernel_has_lost_is_counted_and_no_offset_moves)
{
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    uint64_t end, lost, more;
    char path[256];
    static const char zero[4096];
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 5, &end) == ANDON_OK);
    CHECK(journal_sync_up_to(c.journal, end, &c.err) == ANDON_OK);
    CHECK(case_append(&c, 5, 1, &lost) == ANDON_OK && case_append(&c, 6, 3, &more) == ANDON_OK);
    snprintf(path, sizeof path, "%s/0000000000000000.journal", c.dir);
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, zero, lost - end, (off_t)(SEGMENT_HEAD + end)) > 0);
    close(fd);
    disk_fault(DISK_SYNC, 1, EIO);
    CHECK(journal_sync_up_to(c.journal, more, &c.err) == ANDON_EIO);
    disk_fault_clear();
    CHECK(synced_to(&c, more));
    CHECK(case_append(&c, 9, 1, &more) == ANDON_OK);
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    for (uint64_t i = 0; i < 10; i++) {
        if (i == 5) continue;
        CHECK(journal_next(cursor, &r, &c.err) == 1);
        CHECK(case_is(&r, i) && (i != 6 || r.offset == lost));
    }
    CHECK(journal_next(cursor, &r, &c.err) == 0 && journal_cursor_damaged(cursor) == lost - end);
    CHECK(figures_of(&c).damaged_bytes == lost - end);
    journal_cursor_close(cursor);
    case_end(&c);
}

/* Several full segments may wait for their sync when it fails: all of them are written again, under
 * a reader. */
TEST(segments_that_wait_for_a_sync_that_fails_are_all_written_again_under_a_reader)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct journal_case c;
        struct journal_cursor *cursor;
        struct journal_record r;
        uint64_t end, i = 0, at = 0;
        CHECK(case_make(&c, false));
        c.options.segment_bytes = 1 + seed * 20;
        CHECK(case_open(&c) == ANDON_OK);
        for (; i < seed % 6; i++) CHECK(case_append(&c, i, 1, &end) == ANDON_OK);
        if (seed % 3 == 0) CHECK(journal_sync_up_to(c.journal, end, &c.err) == ANDON_OK);
        CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
        for (; at < i / 2; at++) CHECK(journal_next(cursor, &r, &c.err) == 1 && case_is(&r, at));
        disk_fault(DISK_SYNC, 1, EIO);
        while (case_append(&c, i, 1, &end) == ANDON_OK && i < 40) i++;
        if (!figures_of(&c).stopped) CHECK(journal_sync_up_to(c.journal, end, &c.err) == ANDON_EIO);
        disk_fault_clear();
        uint64_t written = journal_end(c.journal);
        CHECK(synced_to(&c, written));
        CHECK(case_append(&c, i, 1, &end) == ANDON_OK);
        for (; at <= i; at++) CHECK(journal_next(cursor, &r, &c.err) == 1 && case_is(&r, at));
        CHECK(journal_next(cursor, &r, &c.err) == 0 && journal_cursor_damaged(cursor) == 0);
        journal_cursor_close(cursor);
        CHECK(case_read(c.journal, NULL, 0, 0, NULL) == (int64_t)i + 1);
        case_close(&c);
        uint64_t damaged = 0;
        CHECK(case_read(NULL, c.dir, 0, 0, &damaged) == (int64_t)i + 1 && damaged == 0);
        case_end(&c);
    }
}

/* Threads that append and settle while syncs fail and come back. */
struct storm {
    struct journal_case c;
    _Atomic bool done;
    _Atomic int broken; /* promises that were not kept */
    _Atomic uint64_t settled;
};

static void *settle_in_storm(void *argument)
{
    struct storm *s = argument;
    static const uint8_t body[40];
    struct journal_entry e = {.type = JOURNAL_MESSAGE, .part = {body}, .size = {sizeof body}};
    while (!atomic_load(&s->done)) {
        andon_error err;
        uint64_t end;
        struct journal_figures f;
        if (journal_append(s->c.journal, &e, 1, &end, &err) != ANDON_OK) {
            usleep(500);
            continue;
        }
        if (journal_settle(s->c.journal, end, &err) != ANDON_OK) continue;
        atomic_fetch_add(&s->settled, 1);
        journal_figures(s->c.journal, &f);
        if (f.synced < end) atomic_fetch_add(&s->broken, 1);
    }
    return NULL;
}

static void *read_in_storm(void *argument)
{
    struct storm *s = argument;
    struct journal_cursor *cursor;
    struct journal_record r;
    andon_error err;
    uint64_t offset = 0;
    if (journal_cursor_open(s->c.journal, NULL, 0, &cursor, &err) != ANDON_OK) return NULL;
    while (!atomic_load(&s->done)) {
        int got = journal_next(cursor, &r, &err);
        if (got < 0 || (got == 1 && r.offset != offset)) atomic_fetch_add(&s->broken, 1);
        if (got == 1) offset = r.next;
        if (got == 0) journal_wait(s->c.journal, offset, 1000000);
    }
    if (journal_cursor_damaged(cursor) > 0) atomic_fetch_add(&s->broken, 1);
    journal_cursor_close(cursor);
    return NULL;
}

TEST(threads_get_no_false_promise_while_syncs_fail_and_come_back)
{
    static struct storm s;
    pthread_t thread[4];
    CHECK(case_make(&s.c, false));
    s.c.options.sync = JOURNAL_SYNC_EVERY;
    s.c.options.segment_bytes = 3000;
    CHECK(case_open(&s.c) == ANDON_OK);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&thread[i], NULL, i < 3 ? settle_in_storm : read_in_storm, &s) == 0);
    for (uint64_t round = 1; round <= 5; round++) {
        uint64_t before = atomic_load(&s.settled), until = case_steady_ms() + RESUME_MS;
        while (atomic_load(&s.settled) < before + 50 && case_steady_ms() < until) usleep(1000);
        disk_fault(DISK_SYNC, 1 + round % 3, EIO);
        while (!figures_of(&s.c).stopped && case_steady_ms() < until) usleep(1000);
        if (!figures_of(&s.c).stopped) test_fail(__FILE__, __LINE__, "it did not stop");
        disk_fault_clear();
    }
    uint64_t until = case_steady_ms() + RESUME_MS;
    while (figures_of(&s.c).stopped && case_steady_ms() < until) usleep(1000);
    atomic_store(&s.done, true);
    journal_wake(s.c.journal);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    CHECK_SAY(s.broken == 0, "%d promises broken", s.broken);
    CHECK(!figures_of(&s.c).stopped);
    case_end(&s.c);
}
