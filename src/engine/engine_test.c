/* Journal, engine and store together: what is appended is stored once, whatever happens in between. */
#include "engine/engine.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "store/reader.h"
#include "test.h"

#define NS_PER_S INT64_C(1000000000)
#define BASE_NS (INT64_C(1700000000) * NS_PER_S)
enum { ASSETS = 5 };

struct station {
    char dir[64], journal_dir[96], models_dir[96], store_path[96];
    struct journal *journal;
    struct store *store;
    struct engine *engine;
    pthread_t thread;
    uint64_t sent;
    andon_error err;
};

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct station *station_new(void)
{
    struct station *s = calloc(1, sizeof *s);
    must(s != NULL, "memory");
    strcpy(s->dir, "/tmp/andon_engine_XXXXXX");
    must(mkdtemp(s->dir) != NULL, "a directory");
    snprintf(s->journal_dir, sizeof s->journal_dir, "%s/journal", s->dir);
    snprintf(s->models_dir, sizeof s->models_dir, "%s/models", s->dir);
    snprintf(s->store_path, sizeof s->store_path, "%s/andon.db", s->dir);
    must(mkdir(s->models_dir, 0750) == 0, "a directory");
    return s;
}

static andon_status station_open(struct station *s, uint64_t checkpoint_records)
{
    struct journal_options journal = {.dir = s->journal_dir, .sync = JOURNAL_SYNC_OS};
    struct store_options store = {.path = s->store_path};
    struct engine_options engine = {.models = s->models_dir, .shards = 2,
                                    .checkpoint_records = checkpoint_records};
    andon_status st = journal_open(&journal, &s->journal, &s->err);
    if (st == ANDON_OK) st = store_open(&store, &s->store, &s->err);
    if (st == ANDON_OK) st = engine_open(&engine, s->journal, s->store, &s->engine, &s->err);
    return st;
}

static void *run(void *context)
{
    engine_run(context, 60 * NS_PER_S);
    return NULL;
}

static void start(struct station *s)
{
    must(pthread_create(&s->thread, NULL, run, s->engine) == 0, "a thread");
}

static void close_all(struct station *s)
{
    engine_close(s->engine);
    store_close(s->store);
    journal_close(s->journal);
    s->engine = NULL;
    s->store = NULL;
    s->journal = NULL;
}

static void stop(struct station *s)
{
    engine_stop(s->engine);
    pthread_join(s->thread, NULL);
    close_all(s);
}

static void station_free(struct station *s)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", s->dir);
    must(system(command) == 0, "the directory is removed");
    free(s);
}

/* Appends n readings, one each of the assets in turn; false when the journal refuses one. */
static bool send(struct station *s, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint8_t head[MESSAGE_HEAD_MAX];
        char topic[32], payload[160];
        int64_t at = BASE_NS + (int64_t)s->sent * NS_PER_S;
        snprintf(topic, sizeof topic, "line/m%d", (int)(s->sent % ASSETS));
        snprintf(payload, sizeof payload, "{\"timestamp\":%lld,\"count\":%llu,\"load\":%d}",
                 (long long)(at / 1000000), (unsigned long long)s->sent, (int)(s->sent % 7));
        struct message m = {.door = MESSAGE_MQTT, .qos = 1, .topic = text_of(topic),
                            .payload = text_of(payload), .received_ns = at};
        size_t size = message_pack(&m, head);
        struct journal_entry entry = {JOURNAL_MESSAGE, at, {head, payload},
                                      {(uint32_t)size, m.payload.length}};
        uint64_t end;
        if (journal_append(s->journal, &entry, 1, &end, &s->err) != ANDON_OK) return false;
        s->sent++;
    }
    return true;
}

struct seen {
    uint64_t rows, judged, sum;
};

static bool see(void *context, const struct reader_row *row)
{
    struct seen *seen = context;
    seen->rows++;
    seen->judged += row->judged;
    seen->sum += (uint64_t)row->field[0].number;
    return true;
}

/* Every reading that was sent is stored once, judged once. */
static bool all_there_once(const struct station *s)
{
    struct reader *reader;
    andon_error err;
    struct seen seen = {0};
    must(reader_open(s->store_path, &reader, &err) == ANDON_OK, "the store is readable");
    for (int a = 0; a < ASSETS; a++) {
        char path[32];
        snprintf(path, sizeof path, "line/m%d", a);
        uint32_t asset = reader_asset_find(reader, text_of(path));
        if (asset == 0) continue;
        must(reader_rows(reader, asset, INT64_MIN, INT64_MAX, see, &seen, &err) == ANDON_OK, err.text);
    }
    reader_close(reader);
    bool all = seen.rows == s->sent && seen.judged == s->sent && seen.sum == s->sent * (s->sent - 1) / 2;
    if (!all)
        printf("# %llu sent, %llu rows, %llu judged\n", (unsigned long long)s->sent,
               (unsigned long long)seen.rows, (unsigned long long)seen.judged);
    return all;
}

static struct engine_figures wait_for(struct station *s, uint64_t offset)
{
    struct engine_figures f;
    int64_t until = clock_steady_ns() + 30 * NS_PER_S;
    do {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        engine_figures(s->engine, &f);
    } while (f.offset < offset && clock_steady_ns() < until);
    return f;
}

TEST(what_is_appended_is_stored_once_over_restarts_with_and_without_checkpoints)
{
    struct station *s = station_new();
    bool good = true;
    for (int round = 0; round < 6 && good; round++) {
        must(station_open(s, round % 2 == 0 ? 7 : UINT64_MAX) == ANDON_OK, s->err.text);
        start(s);
        good = send(s, 500 + 37 * (uint64_t)round);
        if (round % 3 == 1) wait_for(s, journal_end(s->journal));
        stop(s);
        good = good && all_there_once(s);
    }
    station_free(s);
    CHECK(good);
}

/* A process that dies leaves its last checkpoint and what was committed after it: an engine that is closed
 * without having run to its end leaves the same. */
TEST(records_behind_the_checkpoint_are_read_again_and_not_stored_again)
{
    struct station *s = station_new();
    must(station_open(s, UINT64_MAX) == ANDON_OK, s->err.text);
    must(send(s, 3000), s->err.text);
    start(s);
    wait_for(s, journal_end(s->journal));
    pthread_t thread = s->thread;
    engine_stop(s->engine);
    pthread_join(thread, NULL);
    close_all(s);
    /* Back to before the checkpoint that the stop wrote. */
    sqlite3 *db;
    must(sqlite3_open(s->store_path, &db) == SQLITE_OK, "the store opens");
    must(sqlite3_exec(db, "DELETE FROM kept; UPDATE state SET checkpoint_offset = 0", NULL, NULL,
                      NULL) == SQLITE_OK, "the checkpoint is taken away");
    sqlite3_close(db);
    must(station_open(s, 0) == ANDON_OK, s->err.text);
    start(s);
    must(send(s, 100), s->err.text);
    struct engine_figures f = wait_for(s, journal_end(s->journal));
    stop(s);
    bool once = all_there_once(s);
    station_free(s);
    CHECK_SAY(once && f.replayed_records == 3000, "%u read again", (unsigned)f.replayed_records);
}

TEST(a_write_or_sync_that_fails_delays_and_loses_nothing)
{
    bool good = true;
    for (uint64_t nth = 1; nth <= 12 && good; nth++) {
        for (int what = DISK_WRITE; what <= DISK_SYNC && good; what++) {
            struct station *s = station_new();
            must(station_open(s, 50) == ANDON_OK, s->err.text);
            start(s);
            disk_fault((enum disk_operation)what, nth, EIO);
            for (int i = 0; i < 40; i++) (void)send(s, 5); /* what is refused was not sent */
            disk_fault_clear();
            good = send(s, 50);
            stop(s);
            good = good && all_there_once(s);
            if (!good) printf("# %s %u\n", what == DISK_WRITE ? "write" : "sync", (unsigned)nth);
            station_free(s);
        }
    }
    disk_fault_clear();
    CHECK(good);
}

TEST(a_store_that_somebody_holds_is_tried_until_it_is_free)
{
    struct station *s = station_new();
    sqlite3 *db;
    must(station_open(s, 0) == ANDON_OK, s->err.text);
    start(s);
    must(send(s, 100), s->err.text);
    wait_for(s, journal_end(s->journal));
    must(sqlite3_open(s->store_path, &db) == SQLITE_OK, "the store opens");
    must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "the store is held");
    must(send(s, 400), s->err.text);
    struct engine_figures f = {0};
    int64_t until = clock_steady_ns() + 30 * NS_PER_S;
    while (f.failed_since_ns == 0 && clock_steady_ns() < until) {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        engine_figures(s->engine, &f);
    }
    bool said = f.failed_since_ns != 0 && f.failure[0] != 0;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    f = wait_for(s, journal_end(s->journal));
    bool well = f.failed_since_ns == 0;
    stop(s);
    bool once = all_there_once(s);
    station_free(s);
    CHECK(said);
    CHECK(well && once);
}

/* Holds the store in the middle of a backlog, whose turns are written while the next ones are read. */
TEST(turns_that_are_written_while_the_next_is_read_are_stored_once_even_if_one_fails)
{
    struct station *s = station_new();
    sqlite3 *db;
    must(station_open(s, UINT64_MAX) == ANDON_OK, s->err.text);
    must(send(s, 60000), s->err.text);
    must(sqlite3_open(s->store_path, &db) == SQLITE_OK, "the store opens");
    sqlite3_busy_timeout(db, 30000);
    start(s);
    struct engine_figures f = {0};
    int64_t until = clock_steady_ns() + 30 * NS_PER_S;
    while (f.beside == 0 && clock_steady_ns() < until) engine_figures(s->engine, &f);
    must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "the store is held");
    must(send(s, 400), s->err.text);
    while (f.failed_since_ns == 0 && clock_steady_ns() < until) {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        engine_figures(s->engine, &f);
    }
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    bool said = f.failed_since_ns != 0;
    f = wait_for(s, journal_end(s->journal));
    stop(s);
    bool once = all_there_once(s);
    station_free(s);
    CHECK_SAY(f.beside > 2 && said, "%u of %u turns beside the next", (unsigned)f.beside,
              (unsigned)f.turns);
    CHECK(once);
}

TEST(a_store_ahead_of_its_journal_is_reported)
{
    struct station *s = station_new();
    char command[128];
    must(station_open(s, 0) == ANDON_OK, s->err.text);
    start(s);
    must(send(s, 200), s->err.text);
    stop(s);
    snprintf(command, sizeof command, "rm -rf %s", s->journal_dir);
    must(system(command) == 0, "the journal is lost");
    andon_status st = station_open(s, 0);
    bool told = st == ANDON_EFORMAT && strstr(s->err.text, "journal") != NULL;
    close_all(s);
    station_free(s);
    CHECK(told);
}
