#include <sqlite3.h>

#include "base/clock.h"
#include "store_case.h"

static char path[128];
static andon_error err;

struct answer {
    uint32_t columns, rows;
    char text[64][200]; /* rows as "a|b|c", the first 63; text[0]: the columns' names */
    uint64_t stop_after;
};

static bool take(void *context, uint32_t columns, const char *const *name, const char *const *value,
                 const uint8_t *is_text)
{
    struct answer *a = context;
    uint32_t at = value == NULL ? 0 : ++a->rows;
    size_t used = 0;
    a->columns = columns;
    for (uint32_t c = 0; c < columns && at < 64; c++) {
        const char *v = value == NULL ? name[c] : value[c] == NULL ? "NULL" : value[c];
        int n = snprintf(a->text[at] + used, sizeof a->text[at] - used, "%s%s%s%s", c > 0 ? "|" : "",
                         value != NULL && is_text[c] ? "'" : "", v,
                         value != NULL && is_text[c] ? "'" : "");
        used += n > 0 && used + (size_t)n < sizeof a->text[at] ? (size_t)n : 0;
    }
    return a->stop_after == 0 || a->rows < a->stop_after;
}

static struct answer answer;

static andon_status ask(struct reader *r, const char *query)
{
    memset(&answer, 0, sizeof answer);
    err.text[0] = 0;
    return reader_sql(r, query, NULL, take, &answer, &err);
}

static bool gives(struct reader *r, const char *query, const char *row)
{
    andon_status st = ask(r, query);
    bool good = st == ANDON_OK && answer.rows == 1 && strcmp(answer.text[1], row) == 0;
    if (!good)
        printf("# %s: %s %s, %u rows: %s, expected %s\n", query, andon_status_name(st), err.text,
               answer.rows, answer.text[1], row);
    return good;
}

static bool refuses(struct reader *r, const char *query, andon_status expected)
{
    andon_status st = ask(r, query);
    bool good = st == expected && err.text[0] != 0 && strchr(err.text, '\n') == NULL;
    if (!good) printf("# %.80s: %s %s\n", query, andon_status_name(st), err.text);
    return good;
}

/* Three assets, 200 rows each, and one of a day that was rolled up. */
static struct reader *fixture(const char *dir, struct store_case *c)
{
    struct store_options o = {.path = path};
    struct store *s;
    struct reader *r = NULL;
    *c = (struct store_case){.seed = 12, .assets = 3, .rows = 60, .judged = true,
                             .step_ns = INT64_C(60000000000)};
    snprintf(path, sizeof path, "%s/andon.db", dir);
    if (store_open(&o, &s, &err) != ANDON_OK) return NULL;
    for (uint64_t t = 0; t < 10; t++)
        if (case_write(c, s, t, &err) != ANDON_OK) return NULL;
    for (int i = 0; i < 20; i++) {
        struct store_dead dead = {.received_ns = 5, .offset = 77, .index = (uint32_t)i,
                                  .door = TEXT("mqtt"), .client = TEXT("plc"), .topic = TEXT("a/b"),
                                  .reason = TEXT("no number"), .payload = TEXT("{\"x\":")};
        if (store_begin(s, &err) != ANDON_OK || (i < 2 && store_dead(s, &dead, &err) != ANDON_OK) ||
            store_commit(s, 10, CASE_START_NS + (i + 1) * INT64_C(100000000000000), &err) != ANDON_OK)
            return NULL;
    }
    store_close(s);
    return reader_open(path, &r, &err) == ANDON_OK ? r : NULL;
}

TEST(the_door_answers_over_its_tables)
{
    struct store_case c;
    const char *dir = case_dir();
    struct reader *r = fixture(dir, &c);
    char query[300], row[300];
    static struct case_turn t;
    CHECK(r != NULL);
    CHECK(gives(r, "SELECT count(*), sum(rows) FROM assets", "3|600"));
    CHECK(gives(r, "SELECT count(*) FROM readings", "4200"));
    CHECK(gives(r, "SELECT count(*) FROM readings WHERE asset = 'site/line/pump1'", "1400"));
    CHECK(gives(r, "SELECT count(*) FROM readings WHERE channel = 'c0'", "600"));
    CHECK(gives(r, "SELECT count(*) FROM readings WHERE asset = 'nothing'", "0"));
    case_make(&c, 0, &t);
    snprintf(query, sizeof query,
             "SELECT asset, channel, ts, value, quality FROM readings WHERE asset = 'site/line/pump1'"
             " AND channel = 'c2' AND ts >= %lld AND ts < %lld", (long long)t.row[1].ts_ns,
             (long long)t.row[4].ts_ns);
    snprintf(row, sizeof row, "'site/line/pump1'|'c2'|%lld|%.10g|%u", (long long)t.row[1].ts_ns,
             t.field[1][2].number, t.field[1][2].quality);
    CHECK(gives(r, query, row));
    CHECK(gives(r, "SELECT typeof(value) FROM readings WHERE channel = 'c5' LIMIT 1", "'text'"));
    CHECK(gives(r, "SELECT typeof(value) FROM readings WHERE channel = 'c4' LIMIT 1", "'integer'"));
    CHECK(ask(r, "SELECT ts FROM readings WHERE asset = 'site/line/pump2' AND channel = 'c0' "
                 "ORDER BY ts LIMIT 3") == ANDON_OK && answer.rows == 3);
    CHECK(strcmp(answer.text[0], "ts") == 0);
    CHECK(gives(r, "SELECT count(*) FROM verdicts WHERE state = 'ANOMALY' AND is_anomaly = 0", "0"));
    CHECK(gives(r, "SELECT DISTINCT model, version FROM verdicts WHERE model IS NOT NULL",
                "'ensemble'|3"));
    CHECK(gives(r, "SELECT id, element, reason, payload FROM deadletters WHERE id = 2",
                "2|1|'no number'|'{\"x\":'"));
    CHECK(gives(r, "SELECT sum(n) FROM rollups WHERE tier = 'day' AND channel = 'c0'", "600"));
    CHECK(gives(r, "SELECT count(*) FROM rollups WHERE tier = 'minute'", "0"));
    CHECK(gives(r, "SELECT max(abs(s - n * m)) < 1e-6 FROM (SELECT sum AS s, n, mean AS m FROM rollups"
                   " WHERE asset = 'site/line/pump0' AND channel = 'c1' AND tier = 'hour')", "1"));
    reader_close(r);
    case_remove(dir);
}

TEST(queries_join_group_and_use_common_tables)
{
    struct store_case c;
    const char *dir = case_dir();
    struct reader *r = fixture(dir, &c);
    CHECK(r != NULL);
    CHECK(gives(r, "WITH a AS (SELECT ts, value AS v FROM readings WHERE channel = 'c0' AND asset ="
                   " 'site/line/pump0') SELECT count(*) FROM a", "200"));
    CHECK(gives(r, "SELECT count(*) FROM verdicts v JOIN readings r ON r.asset = v.asset AND r.ts = v.ts"
                   " AND r.channel = 'c0' WHERE v.asset = 'site/line/pump0' AND v.is_anomaly = 1 AND"
                   " v.ts < 1700003000000000000 AND r.value IS NULL", "0"));
    CHECK(gives(r, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                   " SELECT sum(i) FROM n", "5050"));
    CHECK(ask(r, "SELECT channel, count(*), avg(value) FROM readings GROUP BY channel") == ANDON_OK);
    CHECK(answer.rows == CASE_CHANNELS);
    CHECK(gives(r, "SELECT count(*) FROM readings WHERE asset IN ('site/line/pump0','site/line/pump2')"
                   " AND channel LIKE 'c0'", "400"));
    CHECK(gives(r, "SELECT max(n) = count(*) FROM (SELECT row_number() OVER (ORDER BY ts) AS n FROM"
                   " verdicts WHERE asset = 'site/line/pump1')", "1"));
    reader_close(r);
    case_remove(dir);
}

TEST(numbers_keep_all_their_digits)
{
    struct store_options o = {.path = path};
    struct store *s;
    struct reader *r;
    const char *dir = case_dir();
    uint32_t asset, channel;
    const double value[] = {0.1 + 0.2, 1e300, -0.0, 5e-324, 9007199254740993.0, 3.0};
    snprintf(path, sizeof path, "%s/andon.db", dir);
    CHECK(store_open(&o, &s, &err) == ANDON_OK && store_begin(s, &err) == ANDON_OK);
    CHECK(store_asset(s, TEXT("a"), &asset, &err) == ANDON_OK);
    CHECK(store_channel(s, asset, TEXT("c"), STORE_NUMBER, &channel, &err) == ANDON_OK);
    for (int i = 0; i < 6; i++) {
        struct store_field f = {.channel = channel, .number = value[i]};
        struct store_row row = {.asset = asset, .ts_ns = i, .fields = 1, .field = &f};
        CHECK(store_rows(s, &row, 1, &err) == ANDON_OK);
    }
    CHECK(store_commit(s, 1, 1, &err) == ANDON_OK);
    CHECK(reader_open(path, &r, &err) == ANDON_OK);
    CHECK(ask(r, "SELECT value FROM readings ORDER BY ts") == ANDON_OK && answer.rows == 6);
    for (int i = 0; i < 6; i++) {
        double got = strtod(answer.text[1 + i], NULL);
        CHECK_SAY(memcmp(&got, &value[i], sizeof got) == 0, "%s, expected %.17g", answer.text[1 + i],
                  value[i]);
    }
    reader_close(r);
    store_close(s);
    case_remove(dir);
}

TEST(the_door_refuses_everything_but_reading_its_tables)
{
    static const char *const queries[] = {
        "", ";", "hello", "SELECT", "SELECT * FROM nothing", "SELECT nothing FROM assets",
        "INSERT INTO assets VALUES('a', 1, 1, 1)", "UPDATE assets SET rows = 1", "DELETE FROM readings",
        "REPLACE INTO readings VALUES(1, 2, 3, 4, 5)", "CREATE TABLE t(a)", "CREATE TEMP TABLE t(a)",
        "CREATE VIEW v AS SELECT 1", "CREATE TRIGGER t AFTER INSERT ON assets BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE t USING fts5(a)", "DROP TABLE assets", "ALTER TABLE assets RENAME TO b",
        "CREATE INDEX i ON assets(rows)", "REINDEX", "ANALYZE", "VACUUM",
        "VACUUM INTO '/tmp/andon-door-test'", "ATTACH ':memory:' AS a", "ATTACH 'andon.db' AS a",
        "DETACH main", "PRAGMA user_version", "PRAGMA query_only = OFF", "PRAGMA table_list", "BEGIN",
        "COMMIT", "ROLLBACK", "SAVEPOINT a", "SELECT * FROM sqlite_master", "SELECT * FROM sqlite_schema",
        "SELECT * FROM sqlite_temp_master", "SELECT * FROM main.sqlite_master", "SELECT * FROM chunk",
        "SELECT * FROM kept", "SELECT * FROM hot", "SELECT * FROM main.asset", "SELECT * FROM temp.asset",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM pragma_database_list", "SELECT count(*) FROM dbstat",
        "SELECT 1 FROM sqlite_master", "SELECT 1 FROM main.sqlite_master", "SELECT * FROM sqlite_dbpage", "SELECT * FROM sqlite_stmt",
        "SELECT * FROM pragma_table_info('assets')", "SELECT * FROM pragma_database_list",
        "SELECT * FROM json_each('[1]')", "SELECT * FROM fts3_tokenizer('x')",
        "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')", "SELECT writefile('/tmp/x', 'y')",
        "SELECT fts3_tokenizer('simple')", "SELECT randomblob(8)", "SELECT zeroblob(8)",
        "SELECT sqlite_version()", "SELECT sqlite_compileoption_get(1)", "SELECT last_insert_rowid()",
        "SELECT replace('a', 'a', 'b')", "SELECT trim('a', 'a')", "SELECT instr('a', 'b')",
        "SELECT ?", "SELECT :name", "EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT 1",
        "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE assets", "SELECT 1 -- a\n; SELECT 2",
        "WITH a AS (SELECT * FROM sqlite_master) SELECT * FROM a",
        "SELECT (SELECT count(*) FROM sqlite_master)", "SELECT * FROM assets JOIN sqlite_master",
        "SELECT rowid, * FROM sqlite_master", "VALUES (1) UNION SELECT name FROM sqlite_master"};
    struct store_case c;
    const char *dir = case_dir();
    struct reader *r = fixture(dir, &c);
    CHECK(r != NULL);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        CHECK_SAY(refuses(r, queries[i], ANDON_EINVAL), "%s", queries[i]);
    CHECK(access("/tmp/andon-door-test", F_OK) != 0);
    CHECK(gives(r, "SELECT count(*) FROM assets", "3")); /* and goes on answering */
    reader_close(r);
    case_remove(dir);
}

TEST(the_door_ends_what_takes_too_long)
{
    static const char *const queries[] = {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "SELECT count(*) FROM readings a, readings b, readings c",
        "SELECT count(*) FROM verdicts a, verdicts b, verdicts c WHERE a.score < b.score",
        "SELECT a.value FROM readings a, readings b, readings c ORDER BY a.value || b.value || c.value"};
    struct store_case c;
    const char *dir = case_dir();
    struct reader *r = fixture(dir, &c);
    CHECK(r != NULL);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct reader_sql_limits l = {.timeout_ns = 100 * NS_PER_MS};
        andon_status st = reader_sql(r, queries[i], &l, take, &answer, &err);
        CHECK_SAY(st == ANDON_ELIMIT, "%s: %s %s", queries[i], andon_status_name(st), err.text);
    }
    CHECK(gives(r, "SELECT count(*) FROM assets", "3"));
    reader_close(r);
    case_remove(dir);
}

TEST(the_door_ends_what_is_too_much)
{
    struct store_case c;
    const char *dir = case_dir();
    struct reader *r = fixture(dir, &c);
    struct reader_sql_limits rows = {.rows_max = 10}, bytes = {.bytes_max = 2000};
    static char query[4000];
    CHECK(r != NULL);
    memset(&answer, 0, sizeof answer);
    CHECK(reader_sql(r, "SELECT * FROM readings", &rows, take, &answer, &err) == ANDON_ELIMIT);
    CHECK(answer.rows == 10);
    CHECK(reader_sql(r, "SELECT group_concat(channel) FROM readings", &bytes, take, &answer, &err) ==
          ANDON_ELIMIT);
    memset(query, ' ', sizeof query - 1);
    memcpy(query, "SELECT 1", 8);
    CHECK(reader_sql(r, query, &bytes, take, &answer, &err) == ANDON_ELIMIT);
    answer = (struct answer){.stop_after = 3}; /* the caller may end it, too */
    CHECK(reader_sql(r, "SELECT * FROM readings", NULL, take, &answer, &err) == ANDON_OK);
    CHECK(answer.rows == 3);
    reader_close(r);
    case_remove(dir);
}
