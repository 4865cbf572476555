/* A writer and readers at the same time, and copies that are taken meanwhile. */
#include <pthread.h>
#include <stdatomic.h>

#include "store_case.h"

static char path[128], copy[160];
static andon_error err;

static const struct store_case plan = {.seed = 41, .assets = 6, .rows = 90, .late = true,
                                       .judged = true, .step_ns = INT64_C(5000000000)};

struct writer {
    struct store *store;
    atomic_uint_fast64_t committed; /* turns */
    uint64_t turns;
    atomic_bool stop, failed;
};

static void *write_turns(void *context)
{
    struct writer *w = context;
    struct store_case c = plan;
    andon_error why = {""};
    for (uint64_t t = 0; (t < w->turns || w->turns == 0) && !atomic_load(&w->stop); t++) {
        if (case_write(&c, w->store, t, &why) != ANDON_OK) atomic_store(&w->failed, true);
        atomic_store(&w->committed, t + 1);
    }
    return NULL;
}

static struct store *open_store(const char *dir)
{
    struct store *s = NULL;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    snprintf(copy, sizeof copy, "%s/copy.db", dir);
    struct store_options o = {.path = path, .hot_bytes_max = 60000};
    if (store_open(&o, &s, &err) != ANDON_OK) printf("# %s\n", err.text);
    return s;
}

/* The numbers of names that the first turn gives. */
static bool know_names(struct store_case *c, struct reader *r)
{
    for (uint32_t a = 0; a < c->assets; a++) {
        char name[64];
        snprintf(name, sizeof name, "site/line/pump%u", a);
        c->asset[a] = reader_asset_find(r, text_of(name));
        for (uint32_t k = 0; k < CASE_CHANNELS; k++)
            c->channel[a][k] = (c->asset[a] - 1) * CASE_CHANNELS + k + 1;
    }
    return c->asset[c->assets - 1] == c->assets;
}

static uint64_t steps;
static void count_step(void *context, double part)
{
    (void)context;
    if (part >= 0.0 && part <= 1.0) steps++;
}

TEST(a_copy_holds_one_turn_whole_while_the_writer_goes_on)
{
    const char *dir = case_dir();
    struct writer w = {.store = open_store(dir)};
    struct store_case c = plan;
    struct reader *r, *copied;
    struct store *again;
    pthread_t thread;
    CHECK(w.store != NULL && pthread_create(&thread, NULL, write_turns, &w) == 0);
    CHECK(reader_open(path, &r, &err) == ANDON_OK);
    for (int i = 0; i < 5; i++) {
        uint64_t before = atomic_load(&w.committed);
        while (atomic_load(&w.committed) < before + 20 && !atomic_load(&w.failed)) continue;
        before = atomic_load(&w.committed);
        CHECK_SAY(reader_backup(r, copy, count_step, NULL, &err) == ANDON_OK, "%s", err.text);
        CHECK(reader_open(copy, &copied, &err) == ANDON_OK && know_names(&c, copied));
        uint64_t turns = reader_offset(copied);
        CHECK(turns >= before && turns <= atomic_load(&w.committed) + 1);
        for (uint32_t a = 0; a < c.assets; a++) CHECK(case_holds(&c, copied, a, turns));
        reader_close(copied);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    CHECK(!atomic_load(&w.failed) && steps > 0);
    /* The copy is a store: it goes on from its offset. */
    struct store_options o = {.path = copy};
    CHECK(store_open(&o, &again, &err) == ANDON_OK);
    uint64_t turns = store_offset(again);
    for (uint64_t t = turns; t < turns + 5; t++) CHECK(case_write(&c, again, t, &err) == ANDON_OK);
    CHECK(reader_open(copy, &copied, &err) == ANDON_OK);
    for (uint32_t a = 0; a < c.assets; a++) CHECK(case_holds(&c, copied, a, turns + 5));
    reader_close(copied);
    store_close(again);
    reader_close(r);
    store_close(w.store);
    case_remove(dir);
}

TEST(a_copy_that_cannot_be_written_leaves_nothing)
{
    const char *dir = case_dir();
    struct store *s = open_store(dir);
    struct store_case c = plan;
    struct reader *r;
    char nowhere[200];
    CHECK(case_write(&c, s, 0, &err) == ANDON_OK && reader_open(path, &r, &err) == ANDON_OK);
    snprintf(nowhere, sizeof nowhere, "%s/none/copy.db", dir);
    CHECK(reader_backup(r, nowhere, NULL, NULL, &err) == ANDON_EIO && strstr(err.text, nowhere));
    CHECK(reader_backup(r, "/dev/full/copy.db", NULL, NULL, &err) == ANDON_EIO);
    CHECK(case_holds(&c, r, 0, 1)); /* and the reader is as good as before */
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

struct asker {
    atomic_bool *stop;
    const struct writer *w;
    int kind;
    bool wrong;
    uint64_t asked;
    andon_error why;
};

static bool add_bucket(void *context, const struct reader_bucket *bucket)
{
    *(uint64_t *)context += bucket->count;
    return true;
}

static bool add_answer(void *context, uint32_t columns, const char *const *name,
                       const char *const *value, const uint8_t *is_text)
{
    (void)columns, (void)name, (void)is_text;
    if (value != NULL) *(uint64_t *)context = strtoull(value[0], NULL, 10);
    return true;
}

static bool add_asset(void *context, const struct reader_asset *asset)
{
    *(uint64_t *)context += asset->rows;
    return true;
}

/* Rows that a reader counts must be those of a whole turn, and never fewer than before. */
static void *ask_again_and_again(void *context)
{
    struct asker *a = context;
    struct reader *r;
    uint64_t last = 0;
    if (reader_open(path, &r, &a->why) != ANDON_OK) return NULL;
    while (!atomic_load(a->stop) && !a->wrong) {
        uint64_t count = 0, expected = 0;
        andon_status st = reader_snapshot(r, &a->why);
        uint64_t turns = reader_offset(r);
        if (st != ANDON_OK) break;
        if (a->kind == 0) {
            st = reader_assets(r, add_asset, &count, &a->why);
            expected = turns * plan.rows;
        } else if (a->kind == 1) {
            st = reader_buckets(r, 1, 1, 0, INT64_MAX, INT64_C(300000000000), add_bucket, &count,
                                &a->why);
            expected = turns * plan.rows / plan.assets;
        } else {
            st = reader_sql(r, "SELECT count(*) FROM readings WHERE asset = 'site/line/pump2'", NULL,
                            add_answer, &count, &a->why);
            expected = turns * plan.rows / plan.assets * CASE_CHANNELS;
        }
        reader_release(r);
        a->wrong = st != ANDON_OK || count != expected || count < last;
        if (a->wrong)
            printf("# reader %d saw %llu, expected %llu, before %llu\n", a->kind,
                   (unsigned long long)count, (unsigned long long)expected, (unsigned long long)last);
        last = count;
        a->asked++;
    }
    reader_close(r);
    return NULL;
}

TEST(readers_of_many_threads_see_whole_turns)
{
    const char *dir = case_dir();
    struct writer w = {.store = open_store(dir), .turns = 150};
    struct asker asker[3] = {{0}};
    pthread_t writer, thread[3];
    atomic_bool stop = false;
    CHECK(w.store != NULL);
    for (int i = 0; i < 3; i++) {
        asker[i] = (struct asker){.stop = &stop, .w = &w, .kind = i};
        CHECK(pthread_create(&thread[i], NULL, ask_again_and_again, &asker[i]) == 0);
    }
    CHECK(pthread_create(&writer, NULL, write_turns, &w) == 0);
    pthread_join(writer, NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 3; i++)
        CHECK_SAY(!asker[i].wrong && asker[i].asked > 0, "reader %d: %llu asked, %s", i,
                  (unsigned long long)asker[i].asked, asker[i].why.text);
    CHECK(!atomic_load(&w.failed));
    store_close(w.store);
    case_remove(dir);
}
