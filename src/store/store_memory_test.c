/* Allocations: counted, and failed each in turn. SQLite's own are told apart, as it takes some for every
 * turn. */
#include <sqlite3.h>
#include <stdatomic.h>

#include "store_case.h"

static char path[128];
static andon_error err;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

static struct {
    atomic_uint_fast64_t ours, all, at; /* counted; the one that fails, with those behind it */
} taken;

#if OWN_MALLOC
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *old);

static bool refused(void)
{
    uint64_t here = atomic_fetch_add(&taken.all, 1) + 1, at = atomic_load(&taken.at);
    return at != 0 && here >= at;
}

void *malloc(size_t size)
{
    taken.ours++;
    return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    taken.ours++;
    return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    taken.ours++;
    return refused() ? NULL : __libc_realloc(old, size);
}

/* SQLite's: with the size in front. */
static void *theirs(int size)
{
    int64_t *block = refused() ? NULL : __libc_malloc((size_t)size + 8);
    if (block == NULL) return NULL;
    *block = size;
    return block + 1;
}

static void theirs_free(void *at)
{
    if (at != NULL) __libc_free((int64_t *)at - 1);
}

static int theirs_size(void *at)
{
    return at == NULL ? 0 : (int)((int64_t *)at)[-1];
}

static void *theirs_again(void *at, int size)
{
    int64_t *block = refused() ? NULL : __libc_realloc((int64_t *)at - 1, (size_t)size + 8);
    if (block == NULL) return NULL;
    *block = size;
    return block + 1;
}

static int theirs_round(int size)
{
    return (size + 7) & ~7;
}

static int theirs_init(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void theirs_end(void *unused)
{
    (void)unused;
}

static const sqlite3_mem_methods memory = {.xMalloc = theirs, .xFree = theirs_free,
                                           .xRealloc = theirs_again, .xSize = theirs_size,
                                           .xRoundup = theirs_round, .xInit = theirs_init,
                                           .xShutdown = theirs_end};

__attribute__((constructor)) static void install_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
}
#endif

TEST(rows_take_no_memory_when_the_store_is_warm)
{
    if (!OWN_MALLOC) SKIP("a sanitizer takes malloc for itself");
    struct store_case c = {.seed = 2, .assets = 20, .rows = 200, .judged = true,
                           .step_ns = INT64_C(20000000000)};
    const char *dir = case_dir();
    struct store *s;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    struct store_options o = {.path = path};
    CHECK(store_open(&o, &s, &err) == ANDON_OK);
    for (uint64_t t = 0; t < 600; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    uint64_t before = taken.ours;
    for (uint64_t t = 600; t < 1200; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    CHECK_SAY(taken.ours == before, "%llu allocations", (unsigned long long)(taken.ours - before));
    store_close(s);
    case_remove(dir);
}

/* A life of a store in which every allocation from nth on fails until one function said so. *failed:
 * whether one did. */
static bool live(uint64_t nth, bool *failed)
{
    struct store_case c = {.seed = 6, .assets = 3, .rows = 130, .judged = true, .holes = true,
                           .late = true, .step_ns = INT64_C(1000000000)};
    struct store_options o = {.path = path, .hot_age_ns = INT64_C(60000000000)};
    struct store *s = NULL;
    struct reader *r = NULL;
    bool good = true;
    *failed = false;
    taken.at = taken.all + nth;
    if (store_open(&o, &s, &err) != ANDON_OK) {
        *failed = true;
        taken.at = 0;
        if (store_open(&o, &s, &err) != ANDON_OK) return false;
    }
    for (uint64_t t = 0; t < 6 && good; t++) {
        if (case_write(&c, s, t, &err) == ANDON_OK) continue;
        *failed = true;
        taken.at = 0;
        store_roll_back(s);
        good = case_write(&c, s, t, &err) == ANDON_OK;
    }
    if (good && reader_open(path, &r, &err) != ANDON_OK) {
        *failed = true;
        taken.at = 0;
        good = reader_open(path, &r, &err) == ANDON_OK;
    }
    taken.at = 0;
    for (uint32_t a = 0; a < c.assets && good; a++) good = case_holds(&c, r, a, 6);
    reader_close(r);
    store_close(s);
    return good;
}

TEST(every_allocation_of_the_writer_may_fail)
{
    if (!OWN_MALLOC) SKIP("a sanitizer takes malloc for itself");
    bool failed = true;
    for (uint64_t nth = 1; failed; nth += 1 + nth / 16) {
        const char *dir = case_dir();
        snprintf(path, sizeof path, "%s/andon.db", dir);
        CHECK_SAY(live(nth, &failed), "allocation %llu: %s", (unsigned long long)nth, err.text);
        case_remove(dir);
    }
}

static bool any_row(void *context, const struct reader_row *row)
{
    (void)row;
    ++*(uint64_t *)context;
    return true;
}

static bool any_bucket(void *context, const struct reader_bucket *bucket)
{
    (void)bucket;
    ++*(uint64_t *)context;
    return true;
}

static bool any_asset(void *context, const struct reader_asset *asset)
{
    (void)asset;
    ++*(uint64_t *)context;
    return true;
}

static bool any_answer(void *context, uint32_t columns, const char *const *name,
                       const char *const *value, const uint8_t *is_text)
{
    (void)columns, (void)name, (void)value, (void)is_text;
    ++*(uint64_t *)context;
    return true;
}

/* Every kind of query; how many of them failed, and what the others counted. */
static int ask_all(struct reader *r, uint64_t count[5])
{
    int failed = 0;
    memset(count, 0, 5 * sizeof *count);
    failed += reader_rows(r, 1, 0, INT64_MAX, any_row, &count[0], &err) != ANDON_OK;
    failed += reader_buckets(r, 1, 1, 0, INT64_MAX, INT64_C(60000000000), any_bucket, &count[1],
                             &err) != ANDON_OK;
    failed += reader_assets(r, any_asset, &count[2], &err) != ANDON_OK;
    failed += reader_sql(r, "SELECT * FROM readings", NULL, any_answer, &count[3], &err) != ANDON_OK;
    failed += reader_sql(r, "SELECT asset, max(score) FROM verdicts GROUP BY 1", NULL, any_answer,
                         &count[4], &err) != ANDON_OK;
    return failed;
}

TEST(every_allocation_of_a_reader_may_fail)
{
    if (!OWN_MALLOC) SKIP("a sanitizer takes malloc for itself");
    struct store_case c = {.seed = 6, .assets = 3, .rows = 130, .judged = true, .late = true,
                           .step_ns = INT64_C(1000000000)};
    const char *dir = case_dir();
    struct store *s;
    uint64_t expected[5], count[5];
    int failed = 1;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    struct store_options o = {.path = path};
    CHECK(store_open(&o, &s, &err) == ANDON_OK);
    for (uint64_t t = 0; t < 20; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    for (uint64_t nth = 1; failed > 0; nth += 1 + nth / 16) {
        struct reader *r;
        CHECK(reader_open(path, &r, &err) == ANDON_OK);
        taken.at = taken.all + nth;
        failed = ask_all(r, count);
        taken.at = 0;
        CHECK_SAY(ask_all(r, count) == 0, "allocation %llu: %s", (unsigned long long)nth, err.text);
        if (nth == 1) memcpy(expected, count, sizeof expected);
        CHECK(memcmp(expected, count, sizeof expected) == 0);
        reader_close(r);
    }
    store_close(s);
    case_remove(dir);
}
