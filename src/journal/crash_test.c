/* kill -9 of a process that appends and says what was acknowledged: all of that is there, whatever
 * the policy, and nothing that never was. */
#include <signal.h>
#include <sys/wait.h>

#include "journal/journal.h"
#include "journal/record.h"
#include "journal_case.h"
#include "test.h"

enum { KILLS = 50 };

/* What the child says after each acknowledgement. */
struct said {
    uint64_t end, next; /* the offset behind the batch; the number of the next record */
};

static void append_until_killed(struct journal_case *c, uint64_t next, int to)
{
    if (case_open(c) != ANDON_OK) _exit(2);
    for (uint64_t round = next;; round++) {
        size_t n = 1 + (size_t)(round * 7 % 40);
        struct said said = {.next = next + n};
        if (case_append(c, next, n, &said.end) != ANDON_OK) _exit(3);
        if (journal_settle(c->journal, said.end, &c->err) != ANDON_OK) _exit(4);
        if (write(to, &said, sizeof said) != (ssize_t)sizeof said) _exit(5);
        next += n;
    }
}

/* Starts a child, kills it when it has said so much, and gives the last that it said. */
static bool kill_one(struct journal_case *c, uint64_t next, uint32_t acknowledgements,
                     struct said *last)
{
    int fds[2], status;
    struct said said;
    if (pipe(fds) != 0) return false;
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        append_until_killed(c, next, fds[1]);
    }
    close(fds[1]);
    for (uint32_t i = 0; i < acknowledgements; i++)
        if (read(fds[0], last, sizeof *last) != (ssize_t)sizeof *last) break;
    kill(child, SIGKILL);
    /* What it said until the signal came was said, too. */
    while (read(fds[0], &said, sizeof said) == (ssize_t)sizeof said) *last = said;
    close(fds[0]);
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

static void check_kills(enum journal_sync policy, bool on_disk)
{
    struct journal_case c;
    struct said last = {0};
    uint64_t records = 0, torn = 0, checked = 0; /* up to this offset */
    CHECK(case_make(&c, on_disk));
    c.options.sync = policy;
    c.options.sync_interval_ns = 3000000;
    c.options.segment_bytes = 100000;
    for (uint32_t i = 0; i < KILLS; i++) {
        struct andon_rng rng = andon_rng_fork(3, i);
        CHECK(kill_one(&c, records, 1 + andon_rng_below(&rng, 20), &last));
        struct journal_figures f;
        CHECK_SAY(case_open(&c) == ANDON_OK, "kill %u: %s", i, c.err.text);
        journal_figures(c.journal, &f);
        torn += f.torn_bytes;
        uint64_t damaged = 1;
        int64_t found = case_read(c.journal, NULL, checked, records, &damaged);
        CHECK_SAY(found >= 0 && records + (uint64_t)found >= last.next && f.end >= last.end,
                  "kill %u: %lld records more, %llu acknowledged", i, (long long)found,
                  (unsigned long long)last.next);
        CHECK(f.damaged_bytes == 0 && damaged == 0);
        records += (uint64_t)found;
        checked = f.end;
        case_close(&c);
    }
    CHECK(case_read(NULL, c.dir, 0, 0, NULL) == (int64_t)records);
    printf("# %llu records, %llu torn bytes\n", (unsigned long long)records,
           (unsigned long long)torn);
    case_end(&c);
}

TEST(fifty_kills_lose_nothing_acknowledged_when_every_batch_is_synced)
{
    check_kills(JOURNAL_SYNC_EVERY, true);
}

TEST(fifty_kills_lose_nothing_acknowledged_when_syncs_come_by_interval)
{
    check_kills(JOURNAL_SYNC_INTERVAL, false);
}

TEST(fifty_kills_lose_nothing_acknowledged_when_nothing_is_synced)
{
    check_kills(JOURNAL_SYNC_OS, false);
}
