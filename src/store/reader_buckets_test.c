#include "store/reader.h"

#include <sqlite3.h>

#include "andon/model.h"
#include "store_case.h"

#define MINUTE_NS INT64_C(60000000000)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

static char path[128];
static andon_error err;
static bool ignore_last;

struct expected {
    struct reader_bucket bucket[20000];
    double size[20000]; /* sum of |v|, for what rounding may do */
    uint32_t count, at;
    bool wrong;
};

static int rank_of(const struct store_row *r)
{
    if (!r->judged) return 0;
    return r->verdict.state == ANDON_ANOMALY ? 3 : r->verdict.state == ANDON_UNKNOWN ? 2 : 1;
}

/* What rows give, added up in order of time. */
static void expect(const struct case_rows *rows, uint32_t channel, int64_t from, int64_t to,
                   int64_t bucket_ns, struct expected *e)
{
    static const uint8_t state[4] = {ANDON_UNKNOWN, ANDON_NORMAL, ANDON_UNKNOWN, ANDON_ANOMALY};
    int worst = 0;
    e->count = e->at = 0;
    e->wrong = false;
    for (size_t i = 0; i < rows->rows; i++) {
        const struct store_row *r = &rows->row[i];
        if (r->ts_ns < from || r->ts_ns >= to) continue;
        for (uint32_t f = 0; f < r->fields; f++) {
            if (r->field[f].channel != channel || r->field[f].kind == STORE_TEXT) continue;
            double v = r->field[f].number;
            int64_t start = r->ts_ns / bucket_ns * bucket_ns;
            if (e->count == 0 || e->bucket[e->count - 1].start_ns != start) {
                e->bucket[e->count] = (struct reader_bucket){.start_ns = start, .min = v, .max = v};
                e->size[e->count++] = 0;
                worst = 0;
            }
            struct reader_bucket *b = &e->bucket[e->count - 1];
            b->count++;
            b->sum += v;
            b->min = fmin(b->min, v);
            b->max = fmax(b->max, v);
            b->last = v;
            worst = rank_of(r) > worst ? rank_of(r) : worst;
            b->worst_state = state[worst];
            e->size[e->count - 1] += fabs(v);
        }
    }
}

static bool check(void *context, const struct reader_bucket *got)
{
    struct expected *e = context;
    const struct reader_bucket *b = &e->bucket[e->at];
    double slack = 1e-12 * e->size[e->at];
    e->wrong = e->at >= e->count || got->start_ns != b->start_ns || got->count != b->count ||
               got->min != b->min || got->max != b->max || (got->last != b->last && !ignore_last) ||
               fabs(got->sum - b->sum) > slack ||
               fabs(got->mean - b->sum / (double)b->count) > slack ||
               got->worst_state != b->worst_state;
    if (e->wrong)
        printf("# bucket %u of %u at %lld: count %llu of %llu, sum %.17g of %.17g, worst %u of %u\n",
               e->at, e->count, (long long)got->start_ns, (unsigned long long)got->count,
               (unsigned long long)b->count, got->sum, b->sum, got->worst_state, b->worst_state);
    e->at++;
    return !e->wrong;
}

/* Whether a bucket query of every channel gives what the rows give. */
static bool same_buckets(struct store_case *c, struct reader *reader, uint64_t turns, int64_t from,
                         int64_t to, int64_t bucket_ns)
{
    static struct expected e;
    for (uint32_t a = 0; a < c->assets; a++) {
        struct case_rows rows;
        bool good = true;
        case_expect(c, a, turns, &rows);
        for (uint32_t k = 0; k < 5 && good; k++) {
            expect(&rows, c->channel[a][k], from, to, bucket_ns, &e);
            good = reader_buckets(reader, c->asset[a], c->channel[a][k], from, to, bucket_ns, check,
                                  &e, &err) == ANDON_OK && !e.wrong && e.at == e.count;
            if (!good)
                printf("# asset %u channel %u bucket %lld s: %u of %u buckets %s\n", a, k,
                       (long long)(bucket_ns / 1000000000), e.at, e.count, err.text);
        }
        case_rows_free(&rows);
        if (!good) return false;
    }
    return true;
}

static struct store *open_store(const char *dir, struct store_options o)
{
    struct store *s = NULL;
    snprintf(path, sizeof path, "%s/andon.db", dir);
    o.path = path;
    if (store_open(&o, &s, &err) != ANDON_OK) printf("# %s\n", err.text);
    return s;
}

/* Turns without rows, so that what is due is done. */
static bool let_time_pass(struct store *s, uint64_t turn, int64_t now_ns, int turns)
{
    for (int i = 0; i < turns; i++)
        if (store_begin(s, &err) != ANDON_OK ||
            store_commit(s, turn, now_ns + i * MINUTE_NS, &err) != ANDON_OK)
            return false;
    return true;
}

static int64_t number(const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *sql;
    int64_t value = -1;
    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, query, -1, &sql, NULL) == SQLITE_OK) {
        if (sqlite3_step(sql) == SQLITE_ROW) value = sqlite3_column_int64(sql, 0);
        sqlite3_finalize(sql);
    }
    sqlite3_close(db);
    return value;
}

TEST(a_bucket_query_equals_the_same_computed_from_rows)
{
    for (uint32_t seed = 0; seed < 16; seed++) {
        struct store_case c = {.seed = seed, .assets = 3, .rows = 60, .step_ns = INT64_C(9700000000),
                               .late = seed & 1, .judged = seed & 2, .holes = seed & 4,
                               .repeats = seed & 8};
        const char *dir = case_dir();
        struct store *s = open_store(dir, (struct store_options){0});
        struct reader *reader;
        CHECK(s != NULL);
        for (uint64_t t = 0; t < 50; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        CHECK(reader_open(path, &reader, &err) == ANDON_OK);
        const int64_t sizes[] = {1, 7000000000, MINUTE_NS, 5 * MINUTE_NS, HOUR_NS, DAY_NS};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            CHECK_SAY(same_buckets(&c, reader, 50, 0, INT64_MAX, sizes[i]), "SEED=%u", seed);
            CHECK_SAY(same_buckets(&c, reader, 50, CASE_START_NS + 33 * c.step_ns,
                                   CASE_START_NS + 711 * c.step_ns + 5, sizes[i]), "SEED=%u", seed);
        }
        reader_close(reader);
        store_close(s);
        case_remove(dir);
    }
}

TEST(days_that_were_rolled_up_give_the_same)
{
    for (uint32_t seed = 0; seed < 6; seed++) {
        /* Four days; a dense asset and, with every second seed, sparse ones. */
        struct store_case c = {.seed = seed, .assets = 1 + seed % 2 * 3, .rows = 100, .judged = true,
                               .step_ns = seed % 2 ? INT64_C(90000000000) : INT64_C(5000000000),
                               .late = seed & 1, .holes = seed & 2};
        uint64_t turns = seed % 2 ? 140 : 700;
        const char *dir = case_dir();
        struct store *s = open_store(dir, (struct store_options){0});
        struct reader *reader;
        CHECK(s != NULL);
        for (uint64_t t = 0; t < turns; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        CHECK(let_time_pass(s, turns, CASE_START_NS + 8 * DAY_NS, 60));
        CHECK_SAY(number("SELECT count(*) FROM unrolled") == 0, "SEED=%u", seed);
        CHECK(number("SELECT count(*) FROM rollup WHERE tier = 2") == 5 * (int64_t)c.assets + c.assets);
        CHECK((number("SELECT count(*) FROM rollup WHERE tier = 0") > 0) == (seed % 2 == 0));
        CHECK(reader_open(path, &reader, &err) == ANDON_OK);
        const int64_t sizes[] = {MINUTE_NS, 7 * MINUTE_NS, HOUR_NS, 6 * HOUR_NS, DAY_NS, 7 * DAY_NS};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            CHECK_SAY(same_buckets(&c, reader, turns, 0, INT64_MAX, sizes[i]), "SEED=%u", seed);
            int64_t from = CASE_START_NS / DAY_NS * DAY_NS + DAY_NS + 3 * HOUR_NS;
            CHECK_SAY(same_buckets(&c, reader, turns, from, from + DAY_NS + MINUTE_NS, sizes[i]),
                      "SEED=%u", seed);
            CHECK_SAY(same_buckets(&c, reader, turns, from + 1234567, from + DAY_NS + 77, sizes[i]),
                      "SEED=%u", seed);
        }
        reader_close(reader);
        store_close(s);
        case_remove(dir);
    }
}

/* Two assets, 27 hours; from turn 100 on, rows of the first turns' time, a nanosecond off. */
static const struct store_case looking_back = {
    .seed = 4, .assets = 2, .rows = 100, .step_ns = INT64_C(20000000000), .judged = true,
    .back_from = 100, .back_ns = 100 * INT64_C(1000000000000) - 1};

TEST(rows_that_come_after_their_day_was_rolled_up_are_in_its_buckets)
{
    struct store_case c = looking_back;
    const char *dir = case_dir();
    struct store *s = open_store(dir, (struct store_options){0});
    struct reader *reader;
    CHECK(s != NULL);
    for (uint64_t t = 0; t < 100; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    CHECK(let_time_pass(s, 100, CASE_START_NS + 8 * DAY_NS, 20));
    CHECK(number("SELECT count(*) FROM unrolled") == 0);
    CHECK(reader_open(path, &reader, &err) == ANDON_OK);
    for (uint64_t t = 100; t < 110; t++) {
        CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        CHECK(same_buckets(&c, reader, t + 1, 0, INT64_MAX, HOUR_NS));
    }
    CHECK(let_time_pass(s, 110, CASE_START_NS + 9 * DAY_NS, 20));
    CHECK(number("SELECT count(*) FROM unrolled") == 0);
    CHECK(same_buckets(&c, reader, 110, 0, INT64_MAX, HOUR_NS));
    CHECK(same_buckets(&c, reader, 110, 0, INT64_MAX, DAY_NS));
    reader_close(reader);
    store_close(s);
    case_remove(dir);
}

static bool count_row(void *context, const struct reader_row *row)
{
    uint64_t *count = context;
    (void)row;
    ++*count;
    return true;
}

TEST(retention_drops_rows_and_keeps_their_buckets)
{
    struct store_case c = looking_back;
    struct store_options o = {.keep_raw_ns = 2 * DAY_NS};
    const char *dir = case_dir();
    struct store *s = open_store(dir, o);
    struct reader *reader;
    uint64_t rows = 0;
    CHECK(s != NULL);
    for (uint64_t t = 0; t < 100; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    int64_t kept = number("SELECT count(*) FROM chunk");
    CHECK(let_time_pass(s, 100, CASE_START_NS + 3 * DAY_NS, 30));
    CHECK(number("SELECT count(*) FROM chunk") < kept);
    CHECK(number("SELECT count(*) FROM chunk") > 0);
    CHECK(reader_open(path, &reader, &err) == ANDON_OK);
    CHECK(same_buckets(&c, reader, 100, 0, INT64_MAX, MINUTE_NS));
    CHECK(let_time_pass(s, 100, CASE_START_NS + 8 * DAY_NS, 30));
    CHECK(number("SELECT count(*) FROM chunk") == 0 && number("SELECT count(*) FROM reach") == 0);
    CHECK(number("SELECT sum(sealed - dropped) FROM asset") == 0);
    CHECK(reader_rows(reader, c.asset[0], 0, INT64_MAX, count_row, &rows, &err) == ANDON_OK);
    CHECK(rows == 0);
    const int64_t sizes[] = {MINUTE_NS, 5 * MINUTE_NS, HOUR_NS, DAY_NS};
    for (int i = 0; i < 4; i++) CHECK(same_buckets(&c, reader, 100, 0, INT64_MAX, sizes[i]));
    reader_close(reader);
    store_close(s);
    case_remove(dir);
}

TEST(rows_of_a_day_that_was_dropped_are_added_to_its_buckets)
{
    struct store_case c = looking_back;
    struct store_options o = {.keep_raw_ns = 2 * DAY_NS};
    const char *dir = case_dir();
    struct store *s = open_store(dir, o);
    struct reader *reader;
    CHECK(s != NULL);
    for (uint64_t t = 0; t < 100; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    CHECK(let_time_pass(s, 100, CASE_START_NS + 8 * DAY_NS, 30));
    CHECK(reader_open(path, &reader, &err) == ANDON_OK);
    ignore_last = true; /* of rows added later it is not known which was the last */
    for (uint64_t t = 100; t < 110; t++) {
        CHECK(case_write(&c, s, t, &err) == ANDON_OK);
        CHECK(same_buckets(&c, reader, t + 1, 0, INT64_MAX, HOUR_NS));
        CHECK(same_buckets(&c, reader, t + 1, 0, INT64_MAX, 5 * MINUTE_NS));
    }
    store_close(s); /* rows that wait are still there afterwards, and go the same way */
    s = open_store(dir, o);
    CHECK(let_time_pass(s, 110, CASE_START_NS + 9 * DAY_NS, 30));
    CHECK(number("SELECT count(*) FROM unrolled") == 0);
    CHECK(number("SELECT count(*) FROM chunk") == 0);
    for (int i = 0; i < 3; i++)
        CHECK(same_buckets(&c, reader, 110, 0, INT64_MAX, (int64_t[]){MINUTE_NS, HOUR_NS, DAY_NS}[i]));
    ignore_last = false;
    reader_close(reader);
    store_close(s);
    case_remove(dir);
}

static bool count_bucket(void *context, const struct reader_bucket *bucket)
{
    uint64_t *count = context;
    *count += bucket->count;
    return true;
}

TEST(rollups_live_as_long_as_their_tier)
{
    struct store_case c = looking_back;
    struct store_options o = {.keep_raw_ns = DAY_NS, .keep_minute_ns = 10 * DAY_NS,
                              .keep_hour_ns = 100 * DAY_NS};
    const char *dir = case_dir();
    struct store *s = open_store(dir, o);
    struct reader *reader;
    CHECK(s != NULL);
    for (uint64_t t = 0; t < 100; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    const struct {
        int64_t days;
        bool minutes, hours, day;
    } after[] = {{5, true, true, true}, {40, false, true, true}, {200, false, false, true}};
    CHECK(reader_open(path, &reader, &err) == ANDON_OK);
    for (int i = 0; i < 3; i++) {
        uint64_t count[3] = {0};
        CHECK(let_time_pass(s, 100, CASE_START_NS + after[i].days * DAY_NS, 40));
        for (int k = 0; k < 3; k++)
            CHECK(reader_buckets(reader, c.asset[0], c.channel[0][0], 0, INT64_MAX,
                                 (int64_t[]){5 * MINUTE_NS, HOUR_NS, DAY_NS}[k], count_bucket,
                                 &count[k], &err) == ANDON_OK);
        CHECK((count[0] > 0) == after[i].minutes);
        CHECK((count[1] > 0) == after[i].hours);
        CHECK((count[2] > 0) == after[i].day);
    }
    reader_close(reader);
    store_close(s);
    case_remove(dir);
}

TEST(days_get_their_minutes_when_rows_are_to_be_dropped_from_now_on)
{
    struct store_case c = looking_back;
    const char *dir = case_dir();
    struct store *s = open_store(dir, (struct store_options){0});
    struct reader *reader;
    CHECK(s != NULL);
    for (uint64_t t = 0; t < 100; t++) CHECK(case_write(&c, s, t, &err) == ANDON_OK);
    CHECK(let_time_pass(s, 100, CASE_START_NS + 8 * DAY_NS, 30));
    CHECK(number("SELECT count(*) FROM rollup WHERE tier = 0") == 0); /* three rows a minute */
    store_close(s);
    s = open_store(dir, (struct store_options){.keep_raw_ns = 2 * DAY_NS});
    CHECK(let_time_pass(s, 100, CASE_START_NS + 9 * DAY_NS, 30));
    CHECK(number("SELECT count(*) FROM chunk") == 0);
    CHECK(reader_open(path, &reader, &err) == ANDON_OK);
    CHECK(same_buckets(&c, reader, 100, 0, INT64_MAX, MINUTE_NS));
    reader_close(reader);
    store_close(s);
    case_remove(dir);
}
