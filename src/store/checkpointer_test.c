/* What the store asks before it makes something durable, and a WAL that does not grow for ever. */
#include "store/checkpointer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

enum { LETTER_BYTES = 1 << 20 };

struct bed {
    char dir[64], path[96], wal[96];
    struct store *store;
    _Atomic uint64_t asked; /* the highest offset */
    _Atomic uint32_t times;
    atomic_bool refuses;
    uint64_t offset;
};

static andon_status before_durable(void *context, uint64_t offset, andon_error *err)
{
    struct bed *b = context;
    atomic_fetch_add(&b->times, 1);
    if (atomic_load(&b->refuses)) return andon_fail(err, ANDON_EIO, "not yet");
    if (offset > atomic_load(&b->asked)) atomic_store(&b->asked, offset);
    return ANDON_OK;
}

static bool bed_open(struct bed *b, bool durable)
{
    andon_error err = {""};
    if (b->dir[0] == 0) {
        strcpy(b->dir, "/tmp/andon_checkpointer_XXXXXX");
        if (mkdtemp(b->dir) == NULL) return false;
        snprintf(b->path, sizeof b->path, "%s/andon.db", b->dir);
        snprintf(b->wal, sizeof b->wal, "%s/andon.db-wal", b->dir);
    }
    struct store_options options = {.path = b->path, .durable = durable,
                                    .before_durable = before_durable, .durable_context = b};
    return store_open(&options, &b->store, &err) == ANDON_OK;
}

static void bed_end(struct bed *b)
{
    char command[96];
    store_close(b->store);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    if (system(command) != 0) abort();
}

static off_t bytes_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? about.st_size : -1;
}

/* A turn with a dead letter of a megabyte. */
static andon_status turn(struct bed *b)
{
    static char payload[LETTER_BYTES];
    andon_error err = {""};
    struct store_dead dead = {.door = text_of("mqtt"), .client = text_of("c"),
                              .topic = text_of("t"), .reason = text_of("r"),
                              .payload = {payload, LETTER_BYTES}};
    memset(payload, 'x', sizeof payload);
    andon_status st = store_begin(b->store, &err);
    if (st == ANDON_OK) st = store_dead(b->store, &dead, &err);
    if (st == ANDON_OK) st = store_commit(b->store, b->offset += 100, 1, &err);
    if (st != ANDON_OK) store_roll_back(b->store);
    return st;
}

TEST(a_store_that_is_closed_asks_for_all_that_it_has_committed)
{
    struct bed b = {0};
    CHECK(bed_open(&b, false));
    CHECK(turn(&b) == ANDON_OK && turn(&b) == ANDON_OK);
    CHECK(atomic_load(&b.times) == 0);
    store_close(b.store);
    b.store = NULL;
    CHECK(atomic_load(&b.asked) == 200);
    CHECK(bytes_of(b.wal) < 0);
    bed_end(&b);
}

TEST(what_may_not_be_durable_yet_stays_in_the_wal_and_is_there_again)
{
    struct bed b = {0};
    CHECK(bed_open(&b, false));
    CHECK(turn(&b) == ANDON_OK);
    atomic_store(&b.refuses, true);
    store_close(b.store);
    b.store = NULL;
    CHECK(bytes_of(b.wal) > LETTER_BYTES);
    CHECK(bed_open(&b, false));
    CHECK(store_offset(b.store) == 100);
    bed_end(&b);
}

TEST(a_durable_store_asks_before_each_commit_and_commits_nothing_that_is_refused)
{
    struct bed b = {0};
    CHECK(bed_open(&b, true));
    CHECK(turn(&b) == ANDON_OK);
    CHECK(atomic_load(&b.asked) == 100);
    atomic_store(&b.refuses, true);
    CHECK(turn(&b) == ANDON_EIO);
    CHECK(store_offset(b.store) == 100);
    bed_end(&b);
}

/* Turns until it has been asked, so that the test does not depend on when the thread runs. */
TEST(a_wal_that_has_become_long_goes_into_the_file_and_begins_again)
{
    struct bed b = {0};
    off_t longest = 0, before = 0;
    uint32_t begun_again = 0;
    CHECK(bed_open(&b, false));
    for (uint32_t i = 0; i < 600 && begun_again == 0; i++) {
        CHECK(turn(&b) == ANDON_OK);
        off_t now = bytes_of(b.wal);
        begun_again += now < before || (now == before && i > 0);
        before = now;
        if (now > longest) longest = now;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    CHECK(begun_again > 0);
    CHECK(atomic_load(&b.asked) > 0 && atomic_load(&b.asked) <= b.offset);
    CHECK_SAY(longest < 400 * (off_t)LETTER_BYTES, "%lld bytes", (long long)longest);
    bed_end(&b);
}

TEST(a_wal_that_may_not_be_durable_grows_on_and_loses_nothing)
{
    struct bed b = {0};
    CHECK(bed_open(&b, false));
    atomic_store(&b.refuses, true);
    for (uint32_t i = 0; i < 40; i++) CHECK(turn(&b) == ANDON_OK);
    CHECK(bytes_of(b.wal) > 40 * (off_t)LETTER_BYTES);
    CHECK(atomic_load(&b.asked) == 0);
    atomic_store(&b.refuses, false);
    CHECK(turn(&b) == ANDON_OK && store_offset(b.store) == 4100);
    bed_end(&b);
}
