/* Questions to the store, over HTTP. */
#include <math.h>

#include <jansson.h>

#include "andon/model.h"
#include "http_case.h"

#define API "/api/andon/v1"
#define T0 INT64_C(1700000000000000000) /* 2023-11-14T22:13:20Z */
#define SECOND INT64_C(1000000000)

static andon_error err;

/* Two assets: "site/pump 1" with temperature, status and on at 100 times, judged by a model, with
 * an anomaly every tenth; "site/fan" with 3 rows of speed at one time, not judged. And three dead
 * letters. */
static andon_status fill_pump(struct store *s)
{
    uint32_t asset, temperature, status, on, model;
    andon_status st = store_asset(s, TEXT("site/pump 1"), &asset, &err);
    if (st == ANDON_OK)
        st = store_channel(s, asset, TEXT("temperature"), STORE_NUMBER, &temperature, &err);
    if (st == ANDON_OK) st = store_channel(s, asset, TEXT("status"), STORE_TEXT, &status, &err);
    if (st == ANDON_OK) st = store_channel(s, asset, TEXT("on"), STORE_FLAG, &on, &err);
    if (st == ANDON_OK) st = store_model(s, TEXT("p1-ens"), 12, 0xabcd, &model, &err);
    for (int64_t i = 0; i < 100 && st == ANDON_OK; i++) {
        bool anomaly = i % 10 == 9, unknown = i % 10 == 0;
        const struct store_field field[] = {
            {.channel = temperature, .kind = STORE_NUMBER, .number = 20.5 + (double)i},
            {.channel = status, .kind = STORE_TEXT, .text = TEXT("run\"ning")},
            {.channel = on, .kind = STORE_FLAG, .number = 1.0}};
        const struct store_row row = {
            .asset = asset,
            .ts_ns = T0 + i * SECOND,
            .received_ns = T0 + i * SECOND + 5,
            .judged = true,
            .fields = i % 2 == 0 ? 3 : 1,
            .field = field,
            .verdict = {.score = unknown   ? (double)NAN
                                 : anomaly ? 1.5
                                           : 0.25,
                        .p_value = unknown ? (double)NAN : 0.5,
                        .confidence = 0.9f,
                        .coverage = 1.0f,
                        .model = model,
                        .channel = temperature,
                        .share = 0.75f,
                        .state = unknown   ? ANDON_UNKNOWN
                                 : anomaly ? ANDON_ANOMALY
                                           : ANDON_NORMAL,
                        .reason = unknown ? ANDON_WARMING_UP : ANDON_REASON_NONE,
                        .is_anomaly = anomaly,
                        .shares = anomaly ? 2 : 0,
                        .share_channel = {temperature, on},
                        .share_part = {0.75f, 0.25f}}};
        st = store_rows(s, &row, 1, &err);
    }
    return st;
}

static andon_status fill_fan(struct store *s)
{
    uint32_t asset, speed;
    andon_status st = store_asset(s, TEXT("site/fan"), &asset, &err);
    if (st == ANDON_OK) st = store_channel(s, asset, TEXT("speed"), STORE_NUMBER, &speed, &err);
    for (int i = 0; i < 3 && st == ANDON_OK; i++) {
        const struct store_field field = {
            .channel = speed, .kind = STORE_NUMBER, .number = i == 1 ? -0.0 : i};
        const struct store_row row = {
            .asset = asset, .ts_ns = T0, .received_ns = T0 + i, .fields = 1, .field = &field};
        st = store_rows(s, &row, 1, &err);
    }
    if (st == ANDON_OK)
        st = store_describe(
            s, asset,
            TEXT("{\"interval_s\":1,\"channels\":[{\"name\":\"speed\",\"unit\":\"rpm\"}]}"), &err);
    return st;
}

static andon_status fill_dead(struct store *s)
{
    static const char *const payload[] = {"rubbish", "{\"a\":1}\nwrong\n{\"a\":2}", "\xff\xfe"};
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < 3 && st == ANDON_OK; i++) {
        const struct store_dead dead = {.received_ns = T0,
                                        .offset = 1000000 + i,
                                        .index = i == 1 ? 1 : 0,
                                        .door = i == 2 ? TEXT("mqtt") : TEXT("http"),
                                        .client = TEXT("127.0.0.1"),
                                        .topic = i == 2 ? TEXT("t/x") : TEXT(""),
                                        .reason = TEXT("no"),
                                        .payload = text_of(payload[i])};
        st = store_dead(s, &dead, &err);
    }
    return st;
}

static bool fill(struct http_case *c)
{
    struct store *s = NULL;
    const struct store_options o = {.path = c->store_path};
    andon_status st = store_open(&o, &s, &err);
    if (st == ANDON_OK) st = store_begin(s, &err);
    if (st == ANDON_OK) st = fill_pump(s);
    if (st == ANDON_OK) st = fill_fan(s);
    if (st == ANDON_OK) st = fill_dead(s);
    if (st == ANDON_OK) st = store_commit(s, 4711, T0, &err);
    store_close(s);
    if (st != ANDON_OK) fprintf(stderr, "# %s\n", err.text);
    return st == ANDON_OK;
}

static bool open_filled(struct http_case *c)
{
    return http_open(c, NULL) && fill(c);
}

/* The answer as JSON; NULL: another status, or no JSON. */
static json_t *ask(struct http_case *c, const char *path, int status)
{
    struct answer a;
    json_error_t wrong;
    json_t *j = NULL;
    if (web_get(c->port, &a, path) && a.status == status)
        j = json_loadb(a.body, a.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &wrong);
    if (j == NULL)
        fprintf(stderr, "# %s: %d %.500s\n", path, a.status, a.body == NULL ? "" : a.body);
    web_free(&a);
    return j;
}

static json_t *at(const json_t *rows, size_t row, size_t column)
{
    return json_array_get(json_array_get(rows, row), column);
}

static bool is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

TEST(without_a_store_questions_are_503_and_then_they_are_answered)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_get(c.port, &a, API "/assets") && a.status == 503);
    web_free(&a);
    CHECK(fill(&c));
    json_t *j = ask(&c, API "/assets", 200);
    CHECK(j != NULL);
    json_decref(j);
    http_close(&c);
}

TEST(readings_come_as_rows_of_the_channels_asked_for)
{
    struct http_case c;
    CHECK(open_filled(&c));
    json_t *j =
        ask(&c, API "/readings?asset=site%2Fpump%201&channel=temperature&channel=on&channel=status",
            200);
    CHECK(j != NULL);
    json_t *columns = json_object_get(j, "columns"), *rows = json_object_get(j, "rows");
    CHECK(json_array_size(columns) == 4 && is(json_array_get(columns, 0), "ts") &&
          is(json_array_get(columns, 1), "temperature") && is(json_array_get(columns, 2), "on"));
    CHECK(json_array_size(rows) == 100 && json_is_null(json_object_get(j, "next")));
    CHECK(is(at(rows, 0, 0), "2023-11-14T22:13:20Z") && json_number_value(at(rows, 0, 1)) == 20.5);
    CHECK(json_is_true(at(rows, 0, 2)) && is(at(rows, 0, 3), "run\"ning"));
    CHECK(json_is_null(at(rows, 1, 2)) && json_is_null(at(rows, 1, 3)) &&
          json_number_value(at(rows, 1, 1)) == 21.5);
    json_decref(j);
    j = ask(&c, API "/readings?asset=site/pump%201&channel=on",
            200); /* rows without it are left out */
    CHECK(j != NULL && json_array_size(json_object_get(j, "rows")) == 50);
    json_decref(j);
    j = ask(&c, API "/readings?asset=site/pump+1", 200); /* all channels */
    CHECK(j != NULL && json_array_size(json_object_get(j, "columns")) == 4);
    json_decref(j);
    http_close(&c);
}

TEST(ranges_are_half_open_and_take_any_time)
{
    static const char *const range[] = {"from=1700000010&to=1700000020",
                                        "from=1700000010000&to=1700000020000",
                                        "from=2023-11-14T22:13:30Z&to=2023-11-15T00:13:40%2B02:00",
                                        "from=2023-11-14T22:13:30Z&to=2023-11-15T00:13:40+02:00"};
    struct http_case c;
    CHECK(open_filled(&c));
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, API "/readings?asset=site/pump%%201&channel=temperature&%s",
                 range[i]);
        json_t *j = ask(&c, path, 200), *rows = json_object_get(j, "rows");
        CHECK_SAY(json_array_size(rows) == 10, "%s: %zu", range[i], json_array_size(rows));
        CHECK(json_number_value(at(rows, 0, 1)) == 30.5 &&
              json_number_value(at(rows, 9, 1)) == 39.5);
        json_decref(j);
    }
    http_close(&c);
}

/* Follows "next" to the end and counts. */
static size_t walk(struct http_case *c, const char *path, const char *list, size_t limit,
                   size_t *pages)
{
    char url[512], next[80] = "";
    size_t all = 0;
    for (*pages = 0; *pages < 200;) {
        snprintf(url, sizeof url, "%s&limit=%zu&next=%s", path, limit, next);
        json_t *j = ask(c, url, 200);
        size_t n = json_array_size(json_object_get(j, list));
        const char *more = json_string_value(json_object_get(j, "next"));
        all += n;
        ++*pages;
        snprintf(next, sizeof next, "%s", more == NULL ? "" : more);
        json_decref(j);
        if (next[0] == 0 || n > limit || j == NULL) break;
    }
    return all;
}

TEST(pages_follow_each_other_without_loss_also_within_one_time)
{
    struct http_case c;
    size_t pages;
    CHECK(open_filled(&c));
    for (size_t limit = 1; limit < 120; limit += 7) {
        CHECK(walk(&c, API "/readings?asset=site/pump%201", "rows", limit, &pages) == 100);
        CHECK_SAY(pages == (100 + limit - 1) / limit, "%zu of %zu", pages, limit);
    }
    for (size_t limit = 1; limit < 5; limit++) /* three rows at one time */
        CHECK(walk(&c, API "/readings?asset=site/fan", "rows", limit, &pages) == 3 &&
              pages == (3 + limit - 1) / limit);
    CHECK(walk(&c, API "/verdicts?asset=site/pump%201", "items", 9, &pages) == 100 && pages == 12);
    CHECK(walk(&c, API "/readings?asset=site/pump%201&bucket=10s&agg=count", "rows", 3, &pages) ==
              10 &&
          pages == 4);
    CHECK(walk(&c, API "/assets?x=1", "items", 1, &pages) == 2 && pages == 2);
    CHECK(walk(&c, API "/deadletters?x=1", "items", 2, &pages) == 3 && pages == 2);
    http_close(&c);
}

TEST(minus_zero_comes_back)
{
    struct http_case c;
    struct answer a;
    CHECK(open_filled(&c));
    CHECK(web_get(c.port, &a, API "/readings?asset=site/fan") && a.status == 200);
    CHECK_SAY(strstr(a.body, ",-0]") != NULL, "%s", a.body);
    web_free(&a);
    http_close(&c);
}

TEST(buckets_are_what_the_rows_give)
{
    struct http_case c;
    CHECK(open_filled(&c));
    json_t *j = ask(&c,
                    API "/readings?asset=site/"
                        "pump%201&channel=temperature&bucket=10s&agg=mean,min,max,count,last,sum",
                    200);
    json_t *columns = json_object_get(j, "columns"), *rows = json_object_get(j, "rows");
    CHECK(json_array_size(columns) == 7 && is(json_array_get(columns, 1), "temperature.mean") &&
          is(json_array_get(columns, 6), "temperature.sum"));
    CHECK(json_array_size(rows) == 10);
    for (size_t i = 0; i < 10; i++) {
        double first = 20.5 + 10.0 * (double)i;
        CHECK_NEAR(json_number_value(at(rows, i, 1)), first + 4.5, 1e-9);
        CHECK(json_number_value(at(rows, i, 2)) == first &&
              json_number_value(at(rows, i, 3)) == first + 9.0);
        CHECK(json_number_value(at(rows, i, 4)) == 10.0 &&
              json_number_value(at(rows, i, 5)) == first + 9.0);
        CHECK_NEAR(json_number_value(at(rows, i, 6)), 10.0 * first + 45.0, 1e-9);
    }
    json_decref(j);
    j = ask(&c, API "/readings?asset=site/pump%201&channel=temperature&bucket=1m",
            200); /* one: no suffix */
    CHECK(is(json_array_get(json_object_get(j, "columns"), 1), "temperature"));
    json_decref(j);
    http_close(&c);
}

TEST(verdicts_are_result_records)
{
    struct http_case c;
    CHECK(open_filled(&c));
    json_t *j = ask(&c, API "/verdicts?asset=site/pump%201", 200),
           *items = json_object_get(j, "items");
    CHECK(json_array_size(items) == 100);
    json_t *unknown = json_array_get(items, 0), *normal = json_array_get(items, 1),
           *anomaly = json_array_get(items, 9);
    CHECK(is(json_object_get(unknown, "state"), "UNKNOWN") &&
          json_is_null(json_object_get(unknown, "prediction")) &&
          is(json_object_get(unknown, "prediction_reason"), "WARMING_UP") &&
          json_is_null(json_object_get(unknown, "anomaly_score")));
    CHECK(is(json_object_get(normal, "prediction_reason"), "NO_ANOMALY_DETECTED") &&
          json_integer_value(json_object_get(normal, "prediction")) == 0 &&
          json_is_false(json_object_get(normal, "is_anomaly")));
    CHECK(is(json_object_get(anomaly, "timestamp"), "2023-11-14T22:13:29Z") &&
          is(json_object_get(anomaly, "asset"), "site/pump 1") &&
          is(json_object_get(anomaly, "model"), "p1-ens") &&
          is(json_object_get(anomaly, "model_version"), "12") &&
          is(json_object_get(anomaly, "prediction_reason"), "ANOMALY_DETECTED"));
    CHECK(json_number_value(json_object_get(anomaly, "anomaly_score")) == 1.5 &&
          json_number_value(json_object_get(anomaly, "threshold")) == 1.0 &&
          json_number_value(json_object_get(anomaly, "confidence")) == 0.9);
    json_t *parts = json_object_get(anomaly, "diagnostics");
    CHECK(json_array_size(parts) == 2 &&
          is(json_object_get(json_array_get(parts, 0), "name"), "temperature") &&
          json_number_value(json_object_get(json_array_get(parts, 1), "value")) == 0.25);
    json_decref(j);
    http_close(&c);
}

TEST(assets_are_listed_with_state_and_filtered)
{
    struct http_case c;
    CHECK(open_filled(&c));
    json_t *j = ask(&c, API "/assets", 200), *items = json_object_get(j, "items");
    CHECK(json_array_size(items) == 2);
    json_t *pump = json_array_get(items, 0), *fan = json_array_get(items, 1);
    CHECK(is(json_object_get(pump, "asset"), "site/pump 1") &&
          is(json_object_get(pump, "state"), "ANOMALY") &&
          is(json_object_get(pump, "model"), "p1-ens") &&
          json_integer_value(json_object_get(pump, "rows")) == 100 &&
          is(json_object_get(pump, "last"), "2023-11-14T22:14:59Z") &&
          json_array_size(json_object_get(pump, "channels")) == 3);
    CHECK(is(json_object_get(fan, "state"), "UNKNOWN") &&
          is(json_object_get(fan, "reason"), "no_model") &&
          json_integer_value(json_object_get(fan, "interval_s")) == 1 &&
          is(json_object_get(json_array_get(json_object_get(fan, "channels"), 0), "unit"), "rpm"));
    json_decref(j);
    static const struct {
        const char *query;
        size_t items;
    } row[] = {{"q=PUMP", 1},        {"q=nothing", 0}, {"state=anomaly", 1},
               {"state=UNKNOWN", 1}, {"state=x", 0},   {"q=site&limit=1", 1}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, API "/assets?%s", row[i].query);
        j = ask(&c, path, 200);
        CHECK_SAY(json_array_size(json_object_get(j, "items")) == row[i].items, "%s", row[i].query);
        json_decref(j);
    }
    http_close(&c);
}

TEST(one_asset_has_its_newest_values)
{
    struct http_case c;
    struct answer a;
    CHECK(open_filled(&c));
    json_t *j = ask(&c, API "/assets/site/pump%201", 200), *values = json_object_get(j, "values");
    CHECK(json_number_value(json_object_get(values, "temperature")) == 119.5);
    json_decref(j);
    j = ask(&c, API "/assets/site%2Ffan", 200);
    CHECK(is(json_object_get(j, "asset"), "site/fan"));
    json_decref(j);
    CHECK(web_get(c.port, &a, API "/assets/site/none") && a.status == 404);
    web_free(&a);
    CHECK(web_get(c.port, &a, API "/assets/site/%zz") && a.status == 400);
    web_free(&a);
    http_close(&c);
}

TEST(wrong_questions_are_named)
{
    static const struct {
        const char *path;
        int status;
        const char *says;
    } row[] = {{API "/readings", 400, "asset is missing"},
               {API "/readings?asset=none", 404, "no asset \\\"none\\\""},
               {API "/readings?asset=site/fan&channel=heat", 404, "no channel \\\"heat\\\""},
               {API "/readings?asset=site/fan&from=never", 400, "from is \\\"never\\\""},
               {API "/readings?asset=site/fan&limit=0", 400, "limit is \\\"0\\\""},
               {API "/readings?asset=site/fan&limit=9999999", 400, "limit"},
               {API "/readings?asset=site/fan&bucket=blue", 400, "bucket is \\\"blue\\\""},
               {API "/readings?asset=site/fan&bucket=1m&agg=median", 400, "agg is \\\"median\\\""},
               {API "/readings?asset=site/fan&agg=mean", 400, "agg needs a bucket"},
               {API "/readings?asset=site/fan&next=x", 400, "next is \\\"x\\\""},
               {API "/verdicts", 400, "asset is missing"},
               {API "/deadletters?limit=x", 400, "limit or next"},
               {API "/sql", 400, "expected a query"},
               {API "/sql?q=DELETE%20FROM%20readings", 400, ""}};
    struct http_case c;
    struct answer a;
    CHECK(open_filled(&c));
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK(web_get(c.port, &a, row[i].path));
        CHECK_SAY(a.status == row[i].status && strstr(a.body, row[i].says) != NULL, "%s: %d %s",
                  row[i].path, a.status, a.body);
        CHECK(web_header(&a, "Content-Type", "application/problem+json"));
        web_free(&a);
    }
    http_close(&c);
}

TEST(sql_is_answered_by_get_and_post)
{
    static const char query[] =
        "SELECT count(*) AS n, max(value) FROM readings WHERE asset = 'site/pump 1' AND "
        "channel = 'temperature'";
    struct http_case c;
    struct answer a;
    char body[512];
    CHECK(open_filled(&c));
    json_t *j = ask(
        &c,
        API "/sql?q=SELECT+count(*)+AS+n,+max(value)+FROM+readings+WHERE+asset='site/pump+1'+AND+"
            "channel='temperature'",
        200);
    CHECK(is(json_array_get(json_object_get(j, "columns"), 0), "n"));
    CHECK(json_integer_value(at(json_object_get(j, "rows"), 0, 0)) == 100 &&
          json_number_value(at(json_object_get(j, "rows"), 0, 1)) == 119.5);
    json_decref(j);
    CHECK(web_post(c.port, &a, API "/sql", query) && a.status == 200 &&
          strstr(a.body, "[[100,119.5]]") != NULL);
    web_free(&a);
    snprintf(body, sizeof body, "{\"query\":\"%s\"}", query);
    CHECK(web_post(c.port, &a, API "/sql", body) && a.status == 200 &&
          strstr(a.body, "[[100,119.5]]") != NULL);
    web_free(&a);
    j = ask(&c, API "/sql?q=SELECT+ts+FROM+readings+WHERE+asset='site/fan'+LIMIT+1", 200);
    CHECK(json_integer_value(at(json_object_get(j, "rows"), 0, 0)) == T0);
    json_decref(j);
    http_close(&c);
}

TEST(dead_letters_are_listed_newest_first)
{
    struct http_case c;
    CHECK(open_filled(&c));
    json_t *j = ask(&c, API "/deadletters", 200), *items = json_object_get(j, "items");
    CHECK(json_array_size(items) == 3);
    json_t *newest = json_array_get(items, 0), *oldest = json_array_get(items, 2);
    CHECK(is(json_object_get(newest, "payload_base64"), "//4=") &&
          is(json_object_get(newest, "door"), "mqtt") &&
          is(json_object_get(newest, "topic"), "t/x"));
    CHECK(is(json_object_get(oldest, "payload"), "rubbish") &&
          json_is_null(json_object_get(oldest, "replayed")) &&
          json_integer_value(json_object_get(oldest, "id")) <
              json_integer_value(json_object_get(newest, "id")));
    json_decref(j);
    http_close(&c);
}

TEST(a_dead_letter_is_read_again_its_element_alone)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(open_filled(&c));
    json_t *j = ask(&c, API "/deadletters", 200), *items = json_object_get(j, "items");
    long long second = json_integer_value(json_object_get(json_array_get(items, 1), "id"));
    long long first = json_integer_value(json_object_get(json_array_get(items, 2), "id"));
    char body[128];
    json_decref(j);
    snprintf(body, sizeof body, "{\"ids\":[%lld,%lld,999999]}", first, second);
    CHECK(web_post(c.port, &a, API "/deadletters/replay", body));
    snprintf(body, sizeof body, "{\"replayed\":[%lld,%lld],\"left\":[{\"id\":999999,", first,
             second);
    CHECK_SAY(a.status == 200 && strncmp(a.body, body, strlen(body)) == 0, "%d %s", a.status,
              a.body);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 2 && k.actions == 2);
    CHECK_SAY(strcmp(k.payloads, "rubbish|wrong|") == 0, "%s", k.payloads);
    CHECK(k.last.door == MESSAGE_NATIVE && !(k.last.flags & MESSAGE_CHECKED));
    CHECK(web_post(c.port, &a, API "/deadletters/replay", "{\"id\":\"x\"}") && a.status == 400);
    web_free(&a);
    CHECK(web_post(c.port, &a, API "/deadletters/replay", "") && a.status == 400);
    web_free(&a);
    http_close(&c);
}

TEST(what_is_replayed_is_the_message_as_the_journal_has_it)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    andon_error e;
    CHECK(open_filled(&c));
    CHECK(web_post(c.port, &a, "/api/v1/token7/telemetry", "rubbish") && a.status == 400);
    web_free(&a);
    struct store *s = NULL; /* as the engine does */
    const struct store_options o = {.path = c.store_path};
    CHECK(store_open(&o, &s, &e) == ANDON_OK && store_begin(s, &e) == ANDON_OK);
    const struct store_dead dead = {.received_ns = T0,
                                    .offset = 0,
                                    .door = TEXT("thingsboard"),
                                    .reason = TEXT("no"),
                                    .payload = TEXT("rubbish")};
    CHECK(store_dead(s, &dead, &e) == ANDON_OK && store_commit(s, 5000, T0, &e) == ANDON_OK);
    store_close(s);
    json_t *j = ask(&c, API "/deadletters?limit=1", 200);
    long long id =
        json_integer_value(json_object_get(json_array_get(json_object_get(j, "items"), 0), "id"));
    char body[64];
    json_decref(j);
    snprintf(body, sizeof body, "{\"id\":%lld}", id);
    CHECK(web_post(c.port, &a, API "/deadletters/replay", body) && a.status == 200);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 2 && k.last.door == MESSAGE_THINGSBOARD);
    CHECK_SAY(strcmp(k.last_user, "token7") == 0, "%s", k.last_user);
    http_close(&c);
}

TEST(questions_wait_their_turn_and_too_many_are_429)
{
    const struct server_options o = {
        .query_threads = 1, .queries_max = 2, .sql_timeout_ns = 60 * SECOND};
    enum { ASKING = 30 };
    struct http_case c;
    struct answer a;
    int fd[ASKING];
    uint32_t answered = 0, later = 0;
    static const char slow[] =
        "GET " API "/sql?q=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n+"
        "WHERE+i<300000)+SELECT+count(*)+FROM+n HTTP/1.1\r\nHost: localhost\r\n\r\n";
    CHECK(http_open(&c, &o) && fill(&c));
    for (int i = 0; i < ASKING; i++) {
        fd[i] = web_connect(c.port);
        CHECK(web_send(fd[i], slow, sizeof slow - 1));
    }
    /* Meanwhile readings are taken and health is told. */
    CHECK(web_post(c.port, &a, API "/readings", "{\"asset\":\"a\",\"values\":{\"x\":1}}") &&
          a.status == 200);
    web_free(&a);
    for (int i = 0; i < ASKING; i++) {
        CHECK(web_receive(fd[i], &a, false));
        answered += a.status == 200;
        later += a.status == 429 && web_header(&a, "Retry-After", "1");
        CHECK_SAY(a.status == 200 || a.status == 429, "%d %s", a.status, a.body);
        web_free(&a);
        close(fd[i]);
    }
    CHECK_SAY(answered >= 2 && later >= 1 && answered + later == ASKING, "%u %u", answered, later);
    http_close(&c);
}

TEST(a_question_that_runs_when_the_server_stops_is_no_obstacle)
{
    static const char slow[] =
        "GET " API "/sql?q=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n+"
        "WHERE+i<3000000)+SELECT+count(*)+FROM+n HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const struct server_options o = {.sql_timeout_ns = INT64_C(500000000), .drain_ms = 100};
    struct http_case c;
    CHECK(http_open(&c, &o) && fill(&c));
    int fd = web_connect(c.port);
    CHECK(web_send(fd, slow, sizeof slow - 1) &&
          http_reaches(&c, "andon_http_requests_total", 2.0));
    http_close(&c);
    close(fd);
}
