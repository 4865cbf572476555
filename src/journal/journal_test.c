/* Appending, offsets, segments, the lock, waiting. */
#include "journal/journal.h"

#include <pthread.h>
#include <sys/wait.h>

#include "base/disk.h"
#include "journal/inner.h"
#include "journal/record.h"
#include "journal/segment.h"
#include "journal_case.h"
#include "test.h"

/* Room of record i in the journal. */
static uint64_t room_of(uint64_t i)
{
    uint8_t body[CASE_BODY_MAX];
    return record_bytes(case_body(i, body));
}

static size_t files_in(const char *dir, uint64_t *bytes)
{
    char path[512];
    size_t n = 0;
    uint64_t first;
    DIR *folder = opendir(dir);
    *bytes = 0;
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        struct stat file;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (!segment_name_read(e->d_name, &first) || stat(path, &file) != 0) continue;
        *bytes += (uint64_t)file.st_size;
        n++;
    }
    if (folder != NULL) closedir(folder);
    return n;
}

TEST(what_is_appended_is_read_in_order_while_open_and_after_a_restart)
{
    struct journal_case c;
    uint64_t end = 0;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(journal_end(c.journal) == 0);
    for (uint64_t i = 0; i < 200; i += 8) CHECK(case_append(&c, i, 8, &end) == ANDON_OK);
    CHECK(end == journal_end(c.journal));
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 200);
    case_close(&c);
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == 200);
    CHECK(case_open(&c) == ANDON_OK && journal_end(c.journal) == end);
    CHECK(case_append(&c, 200, 1, &end) == ANDON_OK);
    CHECK(case_read(c.journal, NULL, 0, 0, NULL) == 201);
    case_end(&c);
}

TEST(an_offset_is_where_the_records_before_it_end_whatever_the_segments_are)
{
    static const uint64_t segment_bytes[] = {1, 500, 3000, 0};
    for (size_t s = 0; s < 4; s++) {
        struct journal_case c;
        uint64_t at = 0, end, bytes;
        CHECK(case_make(&c, false));
        c.options.segment_bytes = segment_bytes[s];
        for (uint64_t i = 0; i < 300;) {
            size_t n = 1 + i % 5;
            if (c.journal == NULL) CHECK(case_open(&c) == ANDON_OK);
            CHECK(case_append(&c, i, n, &end) == ANDON_OK);
            for (size_t k = 0; k < n; k++) at += room_of(i + k);
            CHECK_SAY(end == at, "record %llu ends at %llu", (unsigned long long)i,
                      (unsigned long long)end);
            i += n;
            if (i % 11 == 0) case_close(&c);
        }
        if (c.journal == NULL) CHECK(case_open(&c) == ANDON_OK);
        struct journal_figures f;
        journal_figures(c.journal, &f);
        CHECK(f.begin == 0 && f.end == at && f.damaged_bytes == 0 && f.torn_bytes == 0);
        CHECK(files_in(c.dir, &bytes) == f.segments && bytes == f.bytes);
        CHECK(segment_bytes[s] == 0 ? f.segments == 1 : f.segments > 10);
        CHECK(case_read(c.journal, NULL, 0, 0, NULL) >= 300);
        case_close(&c);
        CHECK(case_read(NULL, c.dir, 0, 0, NULL) >= 300);
        case_end(&c);
    }
}

TEST(a_batch_is_one_write)
{
    struct journal_case c;
    uint64_t end;
    static uint8_t large[600000];
    struct journal_entry e[2] = {
        {.type = JOURNAL_MESSAGE, .part = {large}, .size = {500000}},
        {.type = JOURNAL_MESSAGE, .part = {large, large + 7}, .size = {10, 599000}}};
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    uint64_t before = disk_operations(DISK_WRITE);
    CHECK(case_append(&c, 0, 64, &end) == ANDON_OK); /* with the segment's head */
    CHECK(disk_operations(DISK_WRITE) == before + 1);
    CHECK(journal_append(c.journal, e, 2, &end, &c.err) == ANDON_OK);
    CHECK(disk_operations(DISK_WRITE) == before + 2);
    case_end(&c);
}

/* Bodies around every limit inside: what is staged, what is not, and the largest. */
TEST(bodies_of_every_size_up_to_the_limit_come_back)
{
    static const uint32_t size[] = {0,     1,     7,       8,       16383,    16384,
                                    16385, 16392, 1048576, 4194301, 16777215, JOURNAL_RECORD_MAX};
    enum { SIZES = sizeof size / sizeof *size };
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    uint64_t end;
    uint8_t *body = malloc(JOURNAL_RECORD_MAX);
    CHECK(body != NULL && case_make(&c, false) && case_open(&c) == ANDON_OK);
    for (uint32_t i = 0; i < JOURNAL_RECORD_MAX; i++) body[i] = (uint8_t)(i * 2654435761u >> 13);
    for (uint32_t i = 0; i < SIZES; i++) {
        uint32_t first = size[i] > 20000 ? i * 1000 : size[i] / 2;
        struct journal_entry e = {
            .type = JOURNAL_CONFIG, .part = {body, body + first}, .size = {first, size[i] - first}};
        CHECK(journal_append(c.journal, &e, 1, &end, &c.err) == ANDON_OK);
    }
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    for (uint32_t i = 0; i < SIZES; i++) {
        CHECK(journal_next(cursor, &r, &c.err) == 1);
        CHECK(r.size == size[i] && memcmp(r.body, body, size[i]) == 0);
    }
    CHECK(journal_next(cursor, &r, &c.err) == 0 && journal_cursor_damaged(cursor) == 0);
    journal_cursor_close(cursor);
    case_end(&c);
    free(body);
}

TEST(a_batch_larger_than_every_buffer_goes_in_whole)
{
    enum { ENTRIES = 5000, BODY = 1500 };
    struct journal_case c;
    struct journal_entry *e = calloc(ENTRIES, sizeof *e);
    uint8_t *body = malloc(ENTRIES + BODY);
    uint64_t end;
    CHECK(e != NULL && body != NULL && case_make(&c, false) && case_open(&c) == ANDON_OK);
    for (uint32_t i = 0; i < ENTRIES + BODY; i++) body[i] = (uint8_t)(i ^ i >> 8);
    for (uint32_t i = 0; i < ENTRIES; i++)
        e[i] = (struct journal_entry){.type = JOURNAL_MESSAGE,
                                      .received_ns = i,
                                      .part = {body + i},
                                      .size = {i % 9 == 0 ? 0 : BODY}};
    CHECK(journal_append(c.journal, e, ENTRIES, &end, &c.err) == ANDON_OK);
    struct journal_cursor *cursor;
    struct journal_record r;
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        CHECK(journal_next(cursor, &r, &c.err) == 1 && r.received_ns == i);
        CHECK(r.size == e[i].size[0] && memcmp(r.body, body + i, r.size) == 0);
    }
    CHECK(journal_next(cursor, &r, &c.err) == 0 && r.next == end);
    journal_cursor_close(cursor);
    case_end(&c);
    free(body);
    free(e);
}

TEST(a_body_beyond_the_limit_is_refused_with_its_size_and_nothing_of_its_batch_goes_in)
{
    struct journal_case c;
    uint64_t end = 77;
    static const uint8_t byte;
    struct journal_entry e[2] = {
        {.type = JOURNAL_TICK},
        {.type = JOURNAL_MESSAGE, .part = {&byte, &byte}, .size = {JOURNAL_RECORD_MAX, 1}}};
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(journal_append(c.journal, e, 2, &end, &c.err) == ANDON_ELIMIT);
    CHECK_SAY(strstr(c.err.text, "16777217") != NULL && strstr(c.err.text, "16777216") != NULL,
              "%s", c.err.text);
    CHECK(end == 77 && journal_end(c.journal) == 0);
    struct journal_figures f;
    journal_figures(c.journal, &f);
    CHECK(f.refused == 2 && f.appended == 0 && !f.full);
    CHECK(journal_append(c.journal, e, 0, &end, &c.err) == ANDON_OK && end == 0);
    CHECK(journal_append(c.journal, e, 1, &end, &c.err) == ANDON_OK && end == 24);
    case_end(&c);
}

TEST(one_process_at_a_time_has_a_journal_and_the_error_names_it)
{
    struct journal_case c;
    struct journal *second;
    char process[32];
    uint64_t end;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    CHECK(case_append(&c, 0, 3, &end) == ANDON_OK);
    CHECK(journal_open(&c.options, &second, &c.err) == ANDON_EIO && second == NULL);
    snprintf(process, sizeof process, "process %ld", (long)getpid());
    CHECK_SAY(strstr(c.err.text, process) != NULL, "%s", c.err.text);
    CHECK(case_append(&c, 3, 1, &end) == ANDON_OK);
    case_close(&c);
    CHECK(journal_open(&c.options, &second, &c.err) == ANDON_OK);
    journal_close(second);
    case_end(&c);
}

TEST(a_child_that_outlives_a_process_does_not_keep_its_lock)
{
    struct journal_case c;
    int status, fds[2];
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK && pipe(fds) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[1]);
        dup2(fds[0], 0);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(1);
    }
    close(fds[0]);
    /* The lock goes with the last copy of its file: exec has to have closed the child's. */
    char exe[64], target[256] = "";
    snprintf(exe, sizeof exe, "/proc/%ld/exe", (long)child);
    uint64_t until = case_steady_ms() + 10000;
    while (strstr(target, "cat") == NULL && strstr(target, "coreutils") == NULL &&
           strstr(target, "busybox") == NULL && case_steady_ms() < until) {
        ssize_t n = readlink(exe, target, sizeof target - 1);
        target[n < 0 ? 0 : n] = 0;
        usleep(1000);
    }
    case_close(&c);
    CHECK_SAY(case_open(&c) == ANDON_OK, "%s", c.err.text);
    close(fds[1]);
    CHECK(waitpid(child, &status, 0) == child);
    case_end(&c);
}

TEST(folders_on_the_way_are_made_and_a_file_in_the_way_is_named)
{
    struct journal_case c;
    char deep[256];
    CHECK(case_make(&c, false));
    snprintf(deep, sizeof deep, "%s/a/b//c/", c.dir);
    c.options.dir = deep;
    CHECK_SAY(case_open(&c) == ANDON_OK, "%s", c.err.text);
    case_close(&c);
    snprintf(deep, sizeof deep, "%s/a/b/c/lock/x", c.dir);
    CHECK(case_open(&c) == ANDON_EIO);
    CHECK_SAY(strstr(c.err.text, "/a/b/c/lock") != NULL, "%s", c.err.text);
    c.options.dir = "";
    CHECK(case_open(&c) == ANDON_EINVAL);
    static const char *const made[] = {"/a/b/c", "/a/b", "/a"};
    for (int i = 0; i < 3; i++) {
        snprintf(deep, sizeof deep, "%s%s", c.dir, made[i]);
        case_remove_files(deep);
        CHECK(rmdir(deep) == 0);
    }
    case_end(&c);
}

TEST(a_journal_that_was_never_opened_may_be_closed)
{
    journal_close(NULL);
    journal_cursor_close(NULL);
}

struct waiter {
    struct journal *journal;
    uint64_t offset;
    int64_t timeout_ns;
    uint64_t end; /* when it came back */
};

static void *wait_for_more(void *argument)
{
    struct waiter *w = argument;
    journal_wait(w->journal, w->offset, w->timeout_ns);
    w->end = journal_end(w->journal);
    return NULL;
}

static const int64_t long_ns = INT64_C(60) * 1000000000;

TEST(who_waits_is_woken_by_the_record_that_it_waits_for)
{
    struct journal_case c;
    pthread_t thread;
    uint64_t end;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    uint64_t before = case_steady_ms();
    for (uint64_t i = 0; i < 200; i++) {
        struct waiter w = {c.journal, journal_end(c.journal), long_ns, 0};
        CHECK(pthread_create(&thread, NULL, wait_for_more, &w) == 0);
        CHECK(case_append(&c, i, 1, &end) == ANDON_OK);
        pthread_join(thread, NULL);
        CHECK(w.end == end);
    }
    CHECK(case_steady_ms() - before < 30000); /* nobody has waited for the timeout */
    case_end(&c);
}

TEST(a_wake_is_not_lost_on_who_is_about_to_wait)
{
    struct journal_case c;
    pthread_t thread[3];
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    uint64_t before = case_steady_ms();
    journal_wake(c.journal);
    journal_wait(c.journal, 0, long_ns);
    for (int i = 0; i < 100; i++) {
        struct waiter w = {c.journal, 0, long_ns, 0};
        CHECK(pthread_create(&thread[0], NULL, wait_for_more, &w) == 0);
        journal_wake(c.journal);
        pthread_join(thread[0], NULL);
    }
    CHECK(case_steady_ms() - before < 30000);
    journal_wait(c.journal, 0, 1000000); /* and a used one wakes nobody: this ends by its timeout */
    journal_wait(c.journal, 0, 0);
    case_end(&c);
}

TEST(a_wake_reaches_all_who_wait)
{
    enum { WAITING = 4 };
    struct journal_case c;
    struct waiter w[WAITING];
    pthread_t thread[WAITING];
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    uint64_t before = case_steady_ms();
    for (int i = 0; i < WAITING; i++) {
        w[i] = (struct waiter){c.journal, 0, long_ns, 0};
        CHECK(pthread_create(&thread[i], NULL, wait_for_more, &w[i]) == 0);
    }
    while (atomic_load(&c.journal->waiting) < WAITING && case_steady_ms() < before + 20000)
        usleep(1000);
    journal_wake(c.journal);
    for (int i = 0; i < WAITING; i++) pthread_join(thread[i], NULL);
    CHECK(case_steady_ms() - before < 30000);
    case_end(&c);
}

TEST(times_and_types_come_back_as_they_were_given)
{
    struct journal_case c;
    struct journal_cursor *cursor;
    struct journal_record r;
    static const int64_t time_ns[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    uint64_t end;
    CHECK(case_make(&c, false) && case_open(&c) == ANDON_OK);
    for (int i = 0; i < 5; i++) {
        struct journal_entry e = {.type = (enum journal_type)(JOURNAL_MESSAGE + i),
                                  .received_ns = time_ns[i]};
        CHECK(journal_append(c.journal, &e, 1, &end, &c.err) == ANDON_OK);
    }
    CHECK(journal_cursor_open(c.journal, NULL, 0, &cursor, &c.err) == ANDON_OK);
    for (int i = 0; i < 5; i++) {
        CHECK(journal_next(cursor, &r, &c.err) == 1);
        CHECK(r.received_ns == time_ns[i] && (int)r.type == JOURNAL_MESSAGE + i && r.size == 0);
    }
    journal_cursor_close(cursor);
    case_end(&c);
}
