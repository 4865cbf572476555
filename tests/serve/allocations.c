/* The path of a reading allocates nothing once its asset is known: counted from journal to commit, in all
 * threads of engine and store. SQLite's own allocations are not among them: each of its statements
 * takes and gives back a little, bounded by its cache. */
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "../mqtt/counted.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/models.h"
#include "test.h"

#define NS_PER_S INT64_C(1000000000)
#define BASE_MS INT64_C(1700000000000)
enum { PUMPS = 20, BEFORE = 400, COUNTED = 300 };

struct bed {
    char dir[64], journal_dir[96], models_dir[96], store_path[96], model[96];
    struct journal *journal;
    struct store *store;
    struct engine *engine;
    pthread_t thread;
    uint64_t rows;
    andon_error err;
};

static void *run(void *context)
{
    engine_run(context, 60 * NS_PER_S);
    return NULL;
}

/* A model of a simulated pump, by the program itself. */
static bool train(struct bed *b)
{
    char command[1024];
    const char *andon = getenv("ANDON");
    if (andon == NULL) return false;
    snprintf(command, sizeof command,
             "%s simulate pump --to %s/pump.csv --days 4 --quiet && %s train --data %s/pump.csv --quiet "
             "--time timestamp --running status --regime operational_state --drop fault --label anomaly "
             "--detector ensemble --set members=iforest,mahalanobis --out %s",
             andon, b->dir, andon, b->dir, b->model);
    return system(command) == 0;
}

static andon_status append(struct bed *b, enum journal_type type, const void *head, size_t size,
                           struct text rest)
{
    struct journal_entry entry = {type, BASE_MS * 1000000, {head, rest.at},
                                  {(uint32_t)size, rest.length}};
    uint64_t end;
    return journal_append(b->journal, &entry, 1, &end, &b->err);
}

static andon_status publish(struct bed *b)
{
    char body[FLOOR_PUBLICATION_MAX];
    uint32_t checksum;
    andon_status st = models_keep(b->models_dir, b->model, &checksum, &b->err);
    if (st != ANDON_OK) return st;
    size_t size = floor_publication(body, "pumps/*", "pump.andon", 1, checksum);
    return append(b, JOURNAL_MODEL, body, size, (struct text){"", 0});
}

/* One row of each pump: six numbers that move. */
static andon_status send(struct bed *b)
{
    andon_status st = ANDON_OK;
    for (int pump = 0; pump < PUMPS && st == ANDON_OK; pump++) {
        uint8_t head[MESSAGE_HEAD_MAX];
        char topic[32], row[256];
        double wave = (double)((b->rows * 7 + (uint64_t)pump) % 23) / 10;
        snprintf(topic, sizeof topic, "pumps/p%02d", pump);
        snprintf(row, sizeof row,
                 "{\"timestamp\":%lld,\"temperature\":%.2f,\"vibration\":%.3f,\"pressure\":%.3f,"
                 "\"flow_rate\":%.2f,\"current\":%.2f,\"duty_cycle\":%.2f}",
                 (long long)BASE_MS + (long long)b->rows * 60000, 60 + wave, 2 + wave / 10,
                 5 + wave / 10, 110 + wave, 40 + wave, 55 + wave);
        struct message m = {.door = MESSAGE_MQTT, .qos = 1, .topic = text_of(topic),
                            .payload = text_of(row), .received_ns = BASE_MS * 1000000};
        st = append(b, JOURNAL_MESSAGE, head, message_pack(&m, head), m.payload);
    }
    b->rows++;
    return st;
}

static andon_status open_all(struct bed *b)
{
    struct journal_options journal = {.dir = b->journal_dir, .sync = JOURNAL_SYNC_OS};
    struct store_options store = {.path = b->store_path};
    struct engine_options engine = {.models = b->models_dir, .shards = 2, .kernel = andon_kernel_best(),
                                    .checkpoint_records = UINT64_MAX,
                                    .checkpoint_ns = INT64_MAX / 2};
    andon_status st = journal_open(&journal, &b->journal, &b->err);
    if (st == ANDON_OK) st = store_open(&store, &b->store, &b->err);
    if (st == ANDON_OK) st = engine_open(&engine, b->journal, b->store, &b->engine, &b->err);
    return st;
}

static struct engine_figures wait_for_all(struct bed *b)
{
    struct engine_figures f;
    int64_t until = clock_steady_ns() + 60 * NS_PER_S;
    do {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        engine_figures(b->engine, &f);
    } while (f.offset < journal_end(b->journal) && clock_steady_ns() < until);
    return f;
}

TEST(the_path_of_a_reading_from_journal_to_commit_allocates_nothing_once_its_asset_has_filled_a_chunk)
{
    static struct bed b;
    char command[96];
    strcpy(b.dir, "/tmp/andon_allocations_XXXXXX");
    CHECK(mkdtemp(b.dir) != NULL);
    snprintf(b.journal_dir, sizeof b.journal_dir, "%s/journal", b.dir);
    snprintf(b.models_dir, sizeof b.models_dir, "%s/models", b.dir);
    snprintf(b.store_path, sizeof b.store_path, "%s/andon.db", b.dir);
    snprintf(b.model, sizeof b.model, "%s/pump.andon", b.dir);
    CHECK(mkdir(b.models_dir, 0750) == 0);
    if (!train(&b)) SKIP("no program to train with: ANDON names it");
    CHECK_SAY(open_all(&b) == ANDON_OK && publish(&b) == ANDON_OK, "%s", b.err.text);
    CHECK(pthread_create(&b.thread, NULL, run, b.engine) == 0);
    /* Both times a backlog, and then one by one, which makes longer records. */
    for (int i = 0; i < BEFORE; i++) {
        CHECK(send(&b) == ANDON_OK);
        if (i >= BEFORE / 2) wait_for_all(&b);
    }
    wait_for_all(&b);
    counted_begin();
    for (int i = 0; i < COUNTED; i++) CHECK(send(&b) == ANDON_OK);
    wait_for_all(&b);
    for (int i = 0; i < COUNTED; i++) {
        CHECK(send(&b) == ANDON_OK);
        wait_for_all(&b);
    }
    uint64_t allocations = counted_elsewhere();
    struct engine_figures f = wait_for_all(&b);
    engine_stop(b.engine);
    pthread_join(b.thread, NULL);
    engine_close(b.engine);
    store_close(b.store);
    journal_close(b.journal);
    snprintf(command, sizeof command, "rm -rf %s", b.dir);
    CHECK(system(command) == 0);
    CHECK_SAY(f.rows == (BEFORE + 2 * COUNTED) * PUMPS, "%u rows", (unsigned)f.rows);
    CHECK_SAY(f.floor.verdicts[0] + f.floor.verdicts[1] > f.rows / 2, "%u of %u rows judged",
              (unsigned)(f.floor.verdicts[0] + f.floor.verdicts[1]), (unsigned)f.rows);
    CHECK_SAY(allocations == 0, "%u allocations for %u rows", (unsigned)allocations,
              (unsigned)(2 * COUNTED * PUMPS));
}
