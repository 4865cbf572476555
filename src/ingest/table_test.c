#include "ingest/table.h"

#include <unistd.h>

#include "test.h"

/* Files that are gone with the test. */
struct files {
    char path[3][64];
    const char *list[3];
    size_t count;
};

static void add_file(struct files *f, const char *text)
{
    char *path = f->path[f->count];
    strcpy(path, "/tmp/andon_table_test_XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        test_fail(__FILE__, __LINE__, "no file");
    close(fd);
    f->list[f->count++] = path;
}

static void remove_files(struct files *f)
{
    for (size_t i = 0; i < f->count; i++) unlink(f->path[i]);
}

static andon_status read_one(struct table *t, const char *text, struct table_request r,
                             andon_error *err)
{
    struct files f = {0};
    add_file(&f, text);
    r.path = f.list;
    r.paths = 1;
    if (r.end == 0) r.end = UINT64_MAX;
    andon_status st = table_read(t, &r, err);
    remove_files(&f);
    return st;
}

TEST(words_of_labels_and_regimes_become_numbers)
{
    struct table t;
    struct table_request r = {
        .columns = {.label = "what", .regime = "mode", .running = "on", .time = ""}};
    CHECK(read_one(&t,
                   "a,what,mode,on,Time\n1,0,slow,1,2024-01-01\n2,Normal,fast,off,2024-01-02\n"
                   "3,leak,slow,running,2024-01-03\n4,,,x,2024-01-04\n5,1.0,fast,0,2024-01-05\n"
                   "6,leak,fast,1,2024-01-06\n",
                   r, NULL) == ANDON_OK);
    static const int32_t label[6] = {0, 0, 1, 0, 2, 1}, regime[6] = {0, 1, 0, -1, 1, 1};
    static const int8_t running[6] = {1, 0, 1, ANDON_RUNNING_UNKNOWN, 0, 1};
    CHECK(t.rows == 6 && t.channels == 1 && strcmp(t.channel[0], "a") == 0);
    for (int i = 0; i < 6; i++) {
        CHECK_SAY(t.label[i] == label[i], "label %d: %d", i, t.label[i]);
        CHECK_SAY(t.regime[i] == regime[i], "regime %d: %d", i, t.regime[i]);
        CHECK_SAY(t.running[i] == running[i], "running %d: %d", i, t.running[i]);
    }
    CHECK(t.classes.words == 3 && strcmp(t.classes.list[1], "leak") == 0);
    CHECK(strcmp(t.classes.list[2], "anomaly") == 0);
    CHECK(strcmp(t.time, "Time") == 0 && t.interval_s == 86400.0);
    table_free(&t);
}

TEST(known_regimes_are_not_extended)
{
    struct table t;
    struct vocabulary known = {0};
    vocabulary_learn(&known, "fast", 4);
    struct table_request r = {.columns = {.regime = "mode"}, .regimes = &known};
    CHECK(read_one(&t, "a,mode\n1,slow\n2,fast\n", r, NULL) == ANDON_OK);
    CHECK(t.regime[0] == ANDON_REGIME_UNKNOWN && t.regime[1] == 0 && t.regimes.words == 1);
    table_free(&t);
}

TEST(one_column_may_be_both_regime_and_running)
{
    struct table t;
    struct table_request r = {.columns = {.regime = "mode", .running = "mode"}};
    CHECK(read_one(&t, "a,mode\n1,running\n2,off\n", r, NULL) == ANDON_OK);
    CHECK(t.channels == 1 && t.running[0] == 1 && t.running[1] == 0 && t.regime[1] == 1);
    table_free(&t);
}

TEST(files_follow_one_another_with_the_first_ones_channels)
{
    struct files f = {0};
    add_file(&f, "ts,a,b\n100,1,2\n110,3,4\n120,5,6\n");
    add_file(&f, "b,extra,a,ts\n8,x,7,100000\n10,y,9,100010\n");
    struct table t;
    struct table_request r = {
        .path = f.list, .paths = 2, .columns = {.time = ""}, .first = 1, .end = 5};
    andon_error err = {{0}};
    andon_status st = table_read(&t, &r, &err);
    remove_files(&f);
    CHECK_SAY(st == ANDON_OK, "%s", err.text);
    CHECK(t.rows == 4 && t.files == 2 && t.file_first[1] == 2);
    static const double value[8] = {3, 4, 5, 6, 7, 8, 9, 10};
    CHECK(memcmp(t.value, value, sizeof value) == 0);
    CHECK(t.interval_s == 10.0); /* the gap between the files does not count */
    table_free(&t);
}

TEST(a_blank_time_goes_on_with_the_step_before)
{
    struct table t;
    struct table_request r = {.columns = {.time = "ts"}};
    CHECK(read_one(&t, "ts,a\n10,1\n20,1\n,1\n40,2\n", r, NULL) == ANDON_OK);
    CHECK(t.ts_ns[2] == INT64_C(30000000000) && t.ts_ns[3] == INT64_C(40000000000));
    table_free(&t);
}

TEST(what_teaches_nothing_is_refused)
{
    static const struct {
        const char *text, *said;
    } cases[] = {{"a,b\n1,2\n", "found 1 row, expected at least 2"},
                 {"a,b\n1,nan\n2,\n", "column b: found no value in 2 rows"},
                 {"a,b\n1,2\n1,2\n1,\n", "found every column constant in 3 rows"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table t;
        andon_error err = {{0}};
        CHECK(read_one(&t, cases[i].text, (struct table_request){0}, NULL) == ANDON_OK);
        CHECK(table_check(&t, "it", &err) == ANDON_EDATA);
        CHECK_SAY(strstr(err.text, cases[i].said) != NULL, "%s", err.text);
        table_free(&t);
    }
    struct table good;
    CHECK(read_one(&good, "a,b\n1,2\n1,3\n", (struct table_request){0}, NULL) == ANDON_OK);
    CHECK(table_check(&good, "it", NULL) == ANDON_OK);
    table_free(&good);
}

TEST(a_missing_column_an_empty_range_and_no_rows_are_told)
{
    static const char *const drop[1] = {"x"};
    static const struct {
        const char *text, *said;
        struct table_request r;
    } cases[] = {
        {"a\n1\n", "found no column x, expected it as the label", {.columns = {.label = "x"}}},
        {"a\n1\n", "found no column x, expected it as the time", {.columns = {.time = "x"}}},
        {"a\n1\n",
         "found no column x, expected it as a column to drop",
         {.columns = {.drop = drop, .drops = 1}}},
        {"a\n1\n", "found no row in the range of --rows", {.first = 5}},
        {"a\n", "found a header and no rows", {.paths = 1}},
        {"ts,a\n1,1\n2024-13-01,2\n",
         "3: column ts: found \"2024-13-01\", expected a time",
         {.columns = {.time = "ts"}}},
        {"a\n1\n", "found no column left", {.columns = {.label = "a"}}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table t;
        andon_error err = {{0}};
        andon_status st = read_one(&t, cases[i].text, cases[i].r, &err);
        table_free(&t);
        CHECK_SAY(st == ANDON_EDATA, "%s: %s", cases[i].said, andon_status_name(st));
        CHECK_SAY(strstr(err.text, cases[i].said) != NULL, "%s", err.text);
    }
}

TEST(an_index_is_no_channel_and_a_counter_is_told)
{
    struct table t;
    CHECK(read_one(&t, ",a,uid,b\n0,1,7,2\n1,5,8,2\n2,3,9,4\n", (struct table_request){0}, NULL) ==
          ANDON_OK);
    CHECK(t.channels == 3 && strcmp(t.channel[0], "a") == 0 && strcmp(t.left_out, "c0") == 0);
    CHECK(!table_counts_rows(&t, 0) && table_counts_rows(&t, 1) && !table_counts_rows(&t, 2));
    table_free(&t);
}

TEST(more_than_64_kinds_are_refused)
{
    char text[4096] = "a,kind\n";
    for (int i = 0; i < 64; i++) sprintf(text + strlen(text), "1,k%d\n", i);
    struct table t;
    andon_error err = {{0}};
    struct table_request r = {.columns = {.label = "kind"}};
    CHECK(read_one(&t, text, r, &err) == ANDON_ELIMIT);
    CHECK_SAY(strstr(err.text, ":65: found more than 64 kinds") != NULL, "%s", err.text);
    table_free(&t);
}
