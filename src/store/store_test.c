#include "store/store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "store_case.h"

static char path[128];
static const char *dir;
static andon_error err;

static struct store *open_store(struct store_options o)
{
    struct store *s = NULL;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    o.path = path;
    if (store_open(&o, &s, &err) != ANDON_OK) printf("# %s\n", err.text);
    return s;
}

/* Writes turns and reads everything back, over a store that is opened again now and then. */
static bool round_trip(struct store_case c, struct store_options o, uint64_t turns)
{
    bool good = true;
    struct reader *reader = NULL;
    dir = case_dir();
    struct store *s = open_store(o);
    for (uint64_t t = 0; t < turns && s != NULL && good; t++) {
        good = case_write(&c, s, t, &err) == ANDON_OK;
        if (t % 37 == 36) {
            store_close(s);
            s = open_store(o);
        }
    }
    good = good && s != NULL && store_offset(s) == turns;
    store_close(s);
    good = good && reader_open(path, &reader, &err) == ANDON_OK;
    if (!good) printf("# %s\n", err.text);
    for (uint32_t a = 0; a < c.assets && good; a++) good = case_holds(&c, reader, a, turns);
    reader_close(reader);
    case_remove(dir);
    return good;
}

TEST(rows_come_back_bit_for_bit_in_order_of_time)
{
    for (uint32_t seed = 0; seed < 32; seed++) {
        struct store_case c = {.seed = seed, .assets = 1 + seed % 7 * 5, .rows = 20 + seed * 13 % 200,
                               .step_ns = seed % 3 == 0 ? 1000000007 : INT64_C(10000000000),
                               .late = seed & 1, .judged = seed & 2, .holes = seed & 4,
                               .repeats = seed & 8};
        struct store_options o = {.hot_age_ns = seed % 5 == 4 ? INT64_C(20000000000) : 0,
                                  .hot_bytes_max = seed % 4 == 3 ? 20000 : 0};
        CHECK_SAY(round_trip(c, o, 120), "SEED=%u", seed);
    }
}

static bool same_text(struct text a, const char *b)
{
    return text_is(a, text_of(b));
}

TEST(names_keep_their_numbers)
{
    uint32_t a, b, c, m, n;
    dir = case_dir();
    struct store *s = open_store((struct store_options){0});
    CHECK(store_begin(s, &err) == ANDON_OK);
    CHECK(store_asset(s, TEXT("x"), &a, &err) == ANDON_OK && a == 1);
    CHECK(store_asset(s, TEXT("y"), &b, &err) == ANDON_OK && b == 2);
    CHECK(store_channel(s, b, TEXT("t"), STORE_NUMBER, &c, &err) == ANDON_OK && c == 1);
    CHECK(store_channel(s, a, TEXT("t"), STORE_TEXT, &c, &err) == ANDON_OK && c == 2);
    CHECK(store_model(s, TEXT("m"), 1, 5, &m, &err) == ANDON_OK && m == 1);
    CHECK(store_model(s, TEXT("m"), 2, 5, &m, &err) == ANDON_OK && m == 2);
    CHECK(store_commit(s, 1, 1, &err) == ANDON_OK);
    /* A turn that is rolled back and tried again gets the same. */
    for (int i = 0; i < 3; i++) {
        CHECK(store_begin(s, &err) == ANDON_OK);
        CHECK(store_asset(s, TEXT("z"), &a, &err) == ANDON_OK && a == 3);
        CHECK(store_channel(s, a, TEXT("t"), STORE_FLAG, &c, &err) == ANDON_OK && c == 3);
        if (i < 2) store_roll_back(s);
    }
    CHECK(store_commit(s, 2, 2, &err) == ANDON_OK);
    store_close(s);
    s = open_store((struct store_options){0});
    CHECK(store_begin(s, &err) == ANDON_OK);
    CHECK(store_channel(s, 2, TEXT("t"), STORE_NUMBER, &c, &err) == ANDON_OK && c == 1);
    CHECK(store_channel(s, 3, TEXT("t"), STORE_NUMBER, &c, &err) == ANDON_OK && c == 3);
    CHECK(store_asset(s, TEXT("y"), &b, &err) == ANDON_OK && b == 2);
    CHECK(store_asset(s, TEXT("new"), &b, &err) == ANDON_OK && b == 4);
    CHECK(store_model(s, TEXT("m"), 2, 5, &m, &err) == ANDON_OK && m == 2);
    CHECK(store_commit(s, 3, 3, &err) == ANDON_OK);
    struct reader *r;
    struct text name;
    CHECK(reader_open(path, &r, &err) == ANDON_OK);
    CHECK(reader_asset_find(r, TEXT("z")) == 3 && reader_asset_find(r, TEXT("nothing")) == 0);
    CHECK(same_text(reader_channel_name(r, 2), "t") && reader_channel_name(r, 99).length == 0);
    CHECK(reader_model_name(r, 2, &name, &n) && same_text(name, "m") && n == 2);
    CHECK(!reader_model_name(r, 0, &name, &n));
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

struct kept {
    uint32_t count;
    char name[4][16];
    size_t size[4];
};

static andon_status take_kept(void *context, struct text name, const void *blob, size_t size,
                              andon_error *why)
{
    struct kept *k = context;
    const uint8_t *byte = blob;
    for (size_t i = 0; i < size; i++)
        if (byte[i] != (uint8_t)size) return andon_fail(why, ANDON_EDATA, "another byte");
    snprintf(k->name[k->count], sizeof k->name[0], "%.*s", (int)name.length, name.at);
    k->size[k->count++] = size;
    return ANDON_OK;
}

TEST(a_checkpoint_belongs_to_its_turn)
{
    static uint8_t blob[5][300];
    struct kept k = {0};
    for (int i = 0; i < 5; i++) memset(blob[i], 10 * i, sizeof blob[i]);
    dir = case_dir();
    struct store *s = open_store((struct store_options){0});
    CHECK(store_begin(s, &err) == ANDON_OK);
    CHECK(store_keep(s, TEXT("asset/1"), blob[1], 10, &err) == ANDON_OK);
    CHECK(store_keep(s, TEXT("doors"), blob[2], 20, &err) == ANDON_OK);
    CHECK(store_checkpoint(s, 70, &err) == ANDON_OK);
    CHECK(store_commit(s, 69, 1, &err) == ANDON_EINVAL); /* beyond the store's own offset */
    store_roll_back(s);
    CHECK(store_checkpoint_offset(s) == 0 && store_offset(s) == 0);
    CHECK(store_each_kept(s, take_kept, &k, &err) == ANDON_OK && k.count == 0);
    CHECK(store_begin(s, &err) == ANDON_OK);
    CHECK(store_keep(s, TEXT("asset/1"), blob[1], 10, &err) == ANDON_OK);
    CHECK(store_keep(s, TEXT("doors"), blob[2], 20, &err) == ANDON_OK);
    CHECK(store_checkpoint(s, 70, &err) == ANDON_OK && store_commit(s, 75, 1, &err) == ANDON_OK);
    CHECK(store_begin(s, &err) == ANDON_OK);
    CHECK(store_keep(s, TEXT("doors"), blob[3], 30, &err) == ANDON_OK);
    CHECK(store_keep(s, TEXT("empty"), NULL, 0, &err) == ANDON_OK);
    CHECK(store_commit(s, 80, 1, &err) == ANDON_OK);
    store_close(s);
    s = open_store((struct store_options){0});
    CHECK(store_checkpoint_offset(s) == 70 && store_offset(s) == 80);
    CHECK(store_each_kept(s, take_kept, &k, &err) == ANDON_OK && k.count == 3);
    size_t all = 0;
    for (uint32_t i = 0; i < k.count; i++) all += k.size[i];
    CHECK(all == 40);
    store_close(s);
    case_remove(dir);
}

TEST(wrong_calls_are_refused)
{
    struct store *s;
    uint32_t a, c;
    char longest[2000];
    memset(longest, 'x', sizeof longest);
    dir = case_dir();
    s = open_store((struct store_options){0});
    struct store_field f = {.channel = 9};
    struct store_row row = {.asset = 1, .fields = 1, .field = &f};
    CHECK(store_rows(s, &row, 1, &err) == ANDON_EINVAL); /* no turn */
    CHECK(store_commit(s, 1, 1, &err) == ANDON_EINVAL);
    store_roll_back(s); /* nothing to do */
    CHECK(store_begin(s, &err) == ANDON_OK && store_begin(s, &err) == ANDON_EINVAL);
    CHECK(store_rows(s, &row, 1, &err) == ANDON_EINVAL); /* no asset */
    CHECK(store_channel(s, 1, TEXT("c"), STORE_NUMBER, &c, &err) == ANDON_EINVAL);
    CHECK(store_asset(s, TEXT(""), &a, &err) == ANDON_EINVAL);
    CHECK(store_asset(s, (struct text){longest, sizeof longest}, &a, &err) == ANDON_EINVAL);
    CHECK(store_asset(s, TEXT("a"), &a, &err) == ANDON_OK);
    CHECK(store_rows(s, &row, 1, &err) == ANDON_EINVAL); /* no channel */
    CHECK(store_channel(s, a, TEXT("c"), STORE_NUMBER, &c, &err) == ANDON_OK);
    f = (struct store_field){.channel = c, .kind = 3};
    CHECK(store_rows(s, &row, 1, &err) == ANDON_EINVAL); /* no kind */
    for (uint32_t i = 1; i < STORE_CHANNELS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", i);
        CHECK(store_channel(s, a, text_of(name), STORE_NUMBER, &c, &err) == ANDON_OK);
    }
    CHECK(store_channel(s, a, TEXT("one more"), STORE_NUMBER, &c, &err) == ANDON_ELIMIT);
    CHECK(strstr(err.text, "4096") != NULL);
    store_close(s); /* rolls back */
    case_remove(dir);
}

static andon_status try_open(void)
{
    struct store *s = NULL;
    struct store_options o = {.path = path};
    andon_status st = store_open(&o, &s, &err);
    if (st == ANDON_OK) store_close(s);
    return st;
}

TEST(other_files_are_refused_with_their_name)
{
    sqlite3 *db;
    dir = case_dir();
    snprintf(path, sizeof path, "%s/other.db", dir);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(try_open() == ANDON_EFORMAT && strstr(err.text, path) != NULL);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "PRAGMA application_id=1634624623;PRAGMA user_version=2", NULL, NULL,
                       NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(try_open() == ANDON_EFORMAT && strstr(err.text, "format 2") != NULL);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    for (int i = 0; i < 1000; i++) fputs("this is no database\n", f);
    fclose(f);
    CHECK(try_open() == ANDON_EFORMAT && strstr(err.text, path) != NULL);
    snprintf(path, sizeof path, "%s/none/andon.db", dir);
    CHECK(try_open() == ANDON_EIO && strstr(err.text, path) != NULL);
    case_remove(dir);
}

static bool count_row(void *context, const struct reader_row *row)
{
    (void)row;
    ++*(uint64_t *)context;
    return true;
}

TEST(a_reader_sees_committed_turns_alone_and_one_at_a_time)
{
    struct store_case c = {.seed = 3, .assets = 2, .rows = 50, .step_ns = INT64_C(1000000000)};
    static struct case_turn t;
    struct reader *r;
    uint64_t rows = 0;
    dir = case_dir();
    struct store *s = open_store((struct store_options){0});
    CHECK(case_write(&c, s, 0, &err) == ANDON_OK && reader_open(path, &r, &err) == ANDON_OK);
    CHECK(store_begin(s, &err) == ANDON_OK);
    case_make(&c, 1, &t);
    case_number(&c, &t);
    CHECK(store_rows(s, t.row, t.rows, &err) == ANDON_OK);
    CHECK(case_holds(&c, r, 0, 1) && reader_offset(r) == 1);
    CHECK(reader_snapshot(r, &err) == ANDON_OK);
    CHECK(store_commit(s, 2, CASE_START_NS, &err) == ANDON_OK);
    for (uint64_t turn = 2; turn < 20; turn++) CHECK(case_write(&c, s, turn, &err) == ANDON_OK);
    CHECK(case_holds(&c, r, 0, 1) && reader_offset(r) == 1); /* still */
    CHECK(reader_rows(r, c.asset[1], 0, INT64_MAX, count_row, &rows, &err) == ANDON_OK && rows == 25);
    reader_release(r);
    CHECK(case_holds(&c, r, 0, 20) && reader_offset(r) == 20);
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

struct listed {
    uint32_t count;
    uint64_t rows;
    int64_t first, last;
    bool judged;
    struct store_verdict verdict;
    char description[32];
};

static bool take_asset(void *context, const struct reader_asset *a)
{
    struct listed *l = context;
    l->count++;
    l->rows += a->rows;
    if (a->asset != 1) return true;
    l->first = a->first_ts_ns;
    l->last = a->last_ts_ns;
    l->judged = a->judged;
    l->verdict = a->last;
    snprintf(l->description, sizeof l->description, "%.*s", (int)a->description.length,
             a->description.at);
    return true;
}

TEST(assets_are_listed_with_their_newest_verdict)
{
    struct store_case c = {.seed = 3, .assets = 3, .rows = 60, .judged = true,
                           .step_ns = INT64_C(1000000000)};
    struct reader *r;
    dir = case_dir();
    struct store *s = open_store((struct store_options){0});
    for (uint64_t turns = 1; turns <= 20; turns++) {
        struct case_rows rows;
        struct listed l = {0};
        CHECK(case_write(&c, s, turns - 1, &err) == ANDON_OK);
        if (turns == 1) {
            CHECK(store_begin(s, &err) == ANDON_OK);
            CHECK(store_describe(s, 1, TEXT("{\"a\":1}"), &err) == ANDON_OK);
            CHECK(store_describe(s, 1, TEXT("{\"a\":2}"), &err) == ANDON_OK);
            CHECK(store_describe(s, 77, TEXT("{}"), &err) == ANDON_EINVAL);
            CHECK(store_commit(s, 1, 1, &err) == ANDON_OK);
            CHECK(reader_open(path, &r, &err) == ANDON_OK);
        }
        CHECK(reader_assets(r, take_asset, &l, &err) == ANDON_OK);
        case_expect(&c, 0, turns, &rows);
        size_t newest = rows.rows;
        while (newest > 0 && !rows.row[newest - 1].judged) newest--;
        CHECK(l.count == 3 && l.rows == turns * 60 && strcmp(l.description, "{\"a\":2}") == 0);
        CHECK(l.first == rows.row[0].ts_ns && l.last == rows.row[rows.rows - 1].ts_ns);
        CHECK(l.judged && case_same_verdict(&l.verdict, &rows.row[newest - 1].verdict));
        case_rows_free(&rows);
    }
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

struct letters {
    uint32_t count;
    int64_t id[8], replayed[8];
    char payload[8][16];
};

static bool take_letter(void *context, const struct reader_dead *d)
{
    struct letters *l = context;
    l->id[l->count] = d->id;
    l->replayed[l->count] = d->replayed_ns;
    snprintf(l->payload[l->count], sizeof l->payload[0], "%.*s", (int)d->payload.length,
             d->payload.at);
    return ++l->count < 8;
}

TEST(dead_letters_come_newest_first)
{
    struct letters l = {0};
    struct reader *r;
    struct store_figures f;
    dir = case_dir();
    struct store *s = open_store((struct store_options){0});
    CHECK(store_begin(s, &err) == ANDON_OK);
    for (uint32_t i = 0; i < 5; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "p%u", i);
        struct store_dead d = {.received_ns = i, .offset = 100 + i, .index = i, .door = TEXT("http"),
                               .client = TEXT("c"), .topic = TEXT("t"), .reason = TEXT("why"),
                               .payload = text_of(payload)};
        CHECK(store_dead(s, &d, &err) == ANDON_OK);
    }
    CHECK(store_commit(s, 1, 1, &err) == ANDON_OK);
    CHECK(store_begin(s, &err) == ANDON_OK && store_dead_replayed(s, 4, 77, &err) == ANDON_OK);
    CHECK(store_commit(s, 2, 1, &err) == ANDON_OK);
    store_figures(s, &f);
    CHECK(f.dead == 5);
    CHECK(reader_open(path, &r, &err) == ANDON_OK);
    CHECK(reader_dead(r, 0, 2, take_letter, &l, &err) == ANDON_OK && l.count == 2);
    CHECK(l.id[0] == 5 && l.id[1] == 4 && l.replayed[0] == 0 && l.replayed[1] == 77);
    CHECK(strcmp(l.payload[1], "p3") == 0);
    CHECK(reader_dead(r, 4, 0, take_letter, &l, &err) == ANDON_OK && l.count == 5 && l.id[4] == 1);
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

TEST(assets_that_say_little_fill_chunks_all_the_same)
{
    struct store_case c = {.seed = 1, .assets = 60, .rows = 60, .step_ns = INT64_C(600000000000)};
    struct store_options o = {.hot_age_ns = 1}; /* every turn writes what waits */
    struct store_figures f;
    struct reader *r;
    dir = case_dir();
    struct store *s = open_store(o);
    for (uint64_t t = 0; t < 130; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    store_figures(s, &f);
    CHECK_SAY(f.chunks == 2 * 60, "%llu chunks", (unsigned long long)f.chunks);
    CHECK(f.hot_rows == 60 || f.hot_rows == 0);
    CHECK(reader_open(path, &r, &err) == ANDON_OK);
    for (uint32_t a = 0; a < 60; a += 7) CHECK(case_holds(&c, r, a, 130));
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

TEST(the_tail_keeps_to_its_limit)
{
    struct store_case c = {.seed = 1, .assets = 60, .rows = 300, .step_ns = INT64_C(1000000000),
                           .judged = true};
    struct store_options o = {.hot_bytes_max = 30000};
    struct store_figures f;
    dir = case_dir();
    struct store *s = open_store(o);
    for (uint64_t t = 0; t < 60; t++) {
        CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        store_figures(s, &f);
        CHECK_SAY(f.hot_bytes <= 30000, "%llu bytes wait", (unsigned long long)f.hot_bytes);
    }
    store_close(s);
    case_remove(dir);
}
