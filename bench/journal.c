/* How fast the journal takes and gives records, beside a bare write and fdatasync of the same
 * bytes.
 *
 *   bench_journal [--dir DIR] [--seconds S] [--read-mb N]
 *
 * Records of 256 bytes of body, one thread, batches of 1, 16 and 256, each acknowledged by
 * journal_settle. The rival appends the same number of bytes to a file by one write for each batch,
 * and syncs it when the policy does: after each batch, every 100 ms, never. every_shared: 16
 * threads that append one record each and wait for it, against one bare write and fdatasync a
 * record. cursor: reads a journal that is in memory, against read() of its files in pieces of 256
 * KiB. Seconds on the wall, since a sync is waiting; processor time stands beside. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/journal.h"

enum { BODY = 256, RECORD = 280, BATCH_MAX = 256, THREADS = 16 };

static const char *const policy_name[] = {"every", "interval", "os"};

struct settings {
    char dir[256];
    double seconds;
    uint64_t read_bytes;
};

static double now_s(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "bench_journal: %s\n", what);
    exit(1);
}

static void remove_files(const char *dir)
{
    char path[600];
    DIR *folder = opendir(dir);
    must(folder != NULL, dir);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    closedir(folder);
}

static struct journal *open_journal(const struct settings *s, enum journal_sync policy)
{
    struct journal_options options = {.dir = s->dir, .sync = policy};
    struct journal *journal;
    andon_error err;
    remove_files(s->dir);
    must(journal_open(&options, &journal, &err) == ANDON_OK, err.text);
    return journal;
}

/* What one run took. */
struct took {
    uint64_t records;
    double wall_s, cpu_s;
};

static struct took begin(void)
{
    return (struct took){0, now_s(CLOCK_MONOTONIC), now_s(CLOCK_PROCESS_CPUTIME_ID)};
}

static void end(struct took *t, uint64_t records)
{
    *t = (struct took){records, now_s(CLOCK_MONOTONIC) - t->wall_s,
                       now_s(CLOCK_PROCESS_CPUTIME_ID) - t->cpu_s};
}

static void say(const char *name, const char *rival, const struct took *t)
{
    printf("bench=journal_%s%s%s records_s=%.0f mb_s=%.1f cpu_ns_record=%.0f\n", name,
           rival != NULL ? " rival=" : "", rival != NULL ? rival : "",
           (double)t->records / t->wall_s, 1e-6 * RECORD * (double)t->records / t->wall_s,
           1e9 * t->cpu_s / (double)t->records);
}

static bool time_left(const struct took *t, const struct settings *s)
{
    return now_s(CLOCK_MONOTONIC) - t->wall_s < s->seconds;
}

static struct took bench_append(const struct settings *s, enum journal_sync policy, size_t batch)
{
    static uint8_t body[BODY];
    struct journal_entry entry[BATCH_MAX];
    struct journal *journal = open_journal(s, policy);
    andon_error err;
    uint64_t records = 0, offset;
    for (size_t i = 0; i < batch; i++)
        entry[i] = (struct journal_entry){.type = JOURNAL_MESSAGE,
                                          .received_ns = 1,
                                          .part = {body, body + 40},
                                          .size = {40, BODY - 40}};
    struct took t = begin();
    while (time_left(&t, s)) {
        must(journal_append(journal, entry, batch, &offset, &err) == ANDON_OK, err.text);
        must(journal_settle(journal, offset, &err) == ANDON_OK, err.text);
        records += batch;
    }
    end(&t, records);
    journal_close(journal);
    return t;
}

static struct took bench_plain(const struct settings *s, enum journal_sync policy, size_t batch)
{
    static uint8_t bytes[BATCH_MAX * RECORD];
    char path[300];
    uint64_t records = 0;
    remove_files(s->dir);
    snprintf(path, sizeof path, "%s/plain", s->dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    must(fd >= 0, path);
    struct took t = begin();
    double synced_s = t.wall_s;
    while (time_left(&t, s)) {
        must(write(fd, bytes, batch * RECORD) == (ssize_t)(batch * RECORD), "write failed");
        records += batch;
        bool due = policy == JOURNAL_SYNC_EVERY ||
                   (policy == JOURNAL_SYNC_INTERVAL && now_s(CLOCK_MONOTONIC) - synced_s > 0.1);
        if (due) must(fdatasync(fd) == 0, "fdatasync failed");
        if (due) synced_s = now_s(CLOCK_MONOTONIC);
    }
    end(&t, records);
    close(fd);
    return t;
}

struct shared {
    struct journal *journal;
    const struct settings *settings;
    struct took took;
    _Atomic uint64_t records;
};

static void *append_and_wait(void *argument)
{
    static const uint8_t body[BODY];
    struct shared *s = argument;
    struct journal_entry e = {.type = JOURNAL_MESSAGE, .part = {body}, .size = {BODY}};
    andon_error err;
    uint64_t offset;
    while (time_left(&s->took, s->settings)) {
        must(journal_append(s->journal, &e, 1, &offset, &err) == ANDON_OK, err.text);
        must(journal_settle(s->journal, offset, &err) == ANDON_OK, err.text);
        atomic_fetch_add(&s->records, 1);
    }
    return NULL;
}

static struct took bench_shared(const struct settings *s)
{
    pthread_t thread[THREADS];
    struct shared shared = {open_journal(s, JOURNAL_SYNC_EVERY), s, begin(), 0};
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&thread[i], NULL, append_and_wait, &shared) == 0, "no thread");
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    end(&shared.took, shared.records);
    journal_close(shared.journal);
    return shared.took;
}

static void fill(const struct settings *s)
{
    static uint8_t body[BODY];
    struct journal_entry entry[BATCH_MAX];
    struct journal *journal = open_journal(s, JOURNAL_SYNC_OS);
    andon_error err;
    uint64_t offset = 0;
    for (size_t i = 0; i < BATCH_MAX; i++)
        entry[i] = (struct journal_entry){.type = JOURNAL_MESSAGE, .part = {body}, .size = {BODY}};
    while (offset < s->read_bytes)
        must(journal_append(journal, entry, BATCH_MAX, &offset, &err) == ANDON_OK, err.text);
    journal_close(journal);
}

static struct took bench_cursor(const struct settings *s)
{
    struct journal_cursor *cursor;
    struct journal_record record;
    andon_error err;
    uint64_t records = 0;
    must(journal_cursor_open(NULL, s->dir, 0, &cursor, &err) == ANDON_OK, err.text);
    struct took t = begin();
    while (journal_next(cursor, &record, &err) == 1) records++;
    end(&t, records);
    must(journal_cursor_damaged(cursor) == 0, "damage");
    journal_cursor_close(cursor);
    return t;
}

static struct took bench_read(const struct settings *s)
{
    static uint8_t room[256 << 10];
    char path[600];
    uint64_t bytes = 0;
    struct took t = begin();
    DIR *folder = opendir(s->dir);
    must(folder != NULL, s->dir);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        if (strstr(e->d_name, ".journal") == NULL) continue;
        snprintf(path, sizeof path, "%s/%s", s->dir, e->d_name);
        int fd = open(path, O_RDONLY);
        for (ssize_t n; (n = read(fd, room, sizeof room)) > 0;) bytes += (uint64_t)n;
        close(fd);
    }
    closedir(folder);
    end(&t, bytes / RECORD);
    return t;
}

static void run(const struct settings *s)
{
    static const size_t batch[] = {1, 16, 256};
    struct took t;
    for (int policy = JOURNAL_SYNC_EVERY; policy <= JOURNAL_SYNC_OS; policy++)
        for (size_t b = 0; b < 3; b++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%zu", policy_name[policy], batch[b]);
            t = bench_append(s, (enum journal_sync)policy, batch[b]);
            say(name, NULL, &t);
            t = bench_plain(s, (enum journal_sync)policy, batch[b]);
            say(name, "plain", &t);
        }
    t = bench_shared(s);
    say("every_shared", NULL, &t);
    t = bench_plain(s, JOURNAL_SYNC_EVERY, 1);
    say("every_shared", "plain", &t);
    fill(s);
    (void)bench_cursor(s); /* into memory, and the processor awake */
    t = bench_cursor(s);
    say("cursor", NULL, &t);
    t = bench_read(s);
    say("cursor", "plain", &t);
}

int main(int argc, char **argv)
{
    struct settings s = {.dir = "/var/tmp", .seconds = 0.5, .read_bytes = (uint64_t)256 << 20};
    const char *dir = s.dir;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--dir") == 0) dir = argv[i + 1];
        if (strcmp(argv[i], "--seconds") == 0) s.seconds = atof(argv[i + 1]);
        if (strcmp(argv[i], "--read-mb") == 0) s.read_bytes = strtoull(argv[i + 1], NULL, 10) << 20;
    }
    char made[sizeof s.dir];
    must(snprintf(made, sizeof made, "%s/andon_bench_journal_XXXXXX", dir) < (int)sizeof made, dir);
    must(s.seconds > 0 && mkdtemp(made) != NULL, made);
    memcpy(s.dir, made, sizeof made);
    run(&s);
    remove_files(s.dir);
    rmdir(s.dir);
    return 0;
}
