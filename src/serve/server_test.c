/* The routes, as a client sees them. */
#include "serve/server.h"

#include <zlib.h>

#include "http_case.h"

#define READINGS "/api/andon/v1/readings"

static bool has(const struct answer *a, const char *part)
{
    bool found = a->body != NULL && strstr(a->body, part) != NULL;
    if (!found) fprintf(stderr, "# %d %s: expected %s\n", a->status, a->body, part);
    return found;
}

TEST(addresses_that_others_can_reach_are_refused_without_insecure)
{
    andon_error err = {""};
    struct server *s;
    struct server_options o = {.listen = "0.0.0.0:0"};
    CHECK(server_open(&o, NULL, "/nowhere", NULL, &s, &err) == ANDON_EINVAL);
    CHECK(strstr(err.text, "http.listen") != NULL && strstr(err.text, "--insecure") != NULL);
    o.listen = ":0";
    CHECK(server_open(&o, NULL, "/nowhere", NULL, &s, &err) == ANDON_EINVAL);
    o.insecure = true;
    CHECK(server_open(&o, NULL, "/nowhere", NULL, &s, &err) == ANDON_OK);
    server_close(s);
    o = (struct server_options){.listen = "127.0.0.1:0", .influx_listen = "[::]:0"};
    CHECK(server_open(&o, NULL, "/nowhere", NULL, &s, &err) == ANDON_EINVAL);
    CHECK(strstr(err.text, "influx") != NULL);
}

TEST(what_is_no_address_is_said_in_one_line)
{
    static const char *const wrong[] = {
        "",         "8000",      "localhost",          "127.0.0.1:",   "127.0.0.1:99999",
        "::1:8000", "[::1:8000", "nowhere.example:80", "127.0.0.1:80x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        andon_error err = {""};
        struct server *s;
        struct server_options o = {.listen = wrong[i]};
        CHECK_SAY(server_open(&o, NULL, "/nowhere", NULL, &s, &err) == ANDON_EINVAL, "%s",
                  wrong[i]);
        CHECK(strchr(err.text, '\n') == NULL && strlen(err.text) > 20);
    }
}

TEST(a_port_that_is_taken_is_named)
{
    struct http_case c;
    andon_error err = {""};
    struct server *s;
    char address[32];
    CHECK(http_open(&c, NULL));
    snprintf(address, sizeof address, "127.0.0.1:%u", c.port);
    struct server_options o = {.listen = address};
    CHECK(server_open(&o, NULL, "/nowhere", NULL, &s, &err) == ANDON_EIO);
    CHECK(strstr(err.text, address) != NULL);
    http_close(&c);
}

TEST(one_object_is_kept_as_it_came_and_acknowledged)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    static const char body[] =
        "{\"asset\":\"site/line/"
        "pump1\",\"ts\":\"2026-11-21T01:02:03Z\",\"values\":{\"temperature\":45.1}}";
    CHECK(http_open(&c, NULL));
    CHECK(web_post(c.port, &a, READINGS, body));
    CHECK_SAY(a.status == 200 && strcmp(a.body, "{\"accepted\":1,\"rejected\":[]}") == 0, "%d %s",
              a.status, a.body);
    CHECK(web_header(&a, "Content-Type", "application/json"));
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 1);
    CHECK(k.last.door == MESSAGE_NATIVE && (k.last.flags & MESSAGE_CHECKED));
    CHECK_SAY(strncmp(k.payloads, body, sizeof body - 1) == 0 && k.used == sizeof body, "%s",
              k.payloads);
    http_close(&c);
}

TEST(of_a_batch_the_wrong_elements_are_named_and_the_others_taken)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_post(c.port, &a, READINGS,
                   "[{\"asset\":\"a\",\"ts\":1700000000,\"values\":{\"x\":1}},"
                   "{\"asset\":\"a\",\"ts\":\"never\",\"values\":{\"x\":1}},"
                   "{\"asset\":\"b\",\"ts\":1700000001,\"values\":{\"x\":2}}]"));
    CHECK(a.status == 200 && has(&a, "\"accepted\":2,\"rejected\":[{\"index\":1,\"reason\":\""));
    web_free(&a);
    CHECK(web_post(c.port, &a, READINGS,
                   "{\"asset\":\"a\",\"ts\":1700000002,\"values\":{\"x\":1}}\n"
                   "rubbish\n\n"
                   "{\"asset\":\"a\",\"ts\":1700000003,\"values\":{\"x\":1}}\n"));
    CHECK(a.status == 200 && has(&a, "\"accepted\":2,\"rejected\":[{\"index\":1,"));
    web_free(&a);
    CHECK(http_metric(&c, "andon_http_readings_total{door=\"native\"}") == 4.0);
    CHECK(http_metric(&c, "andon_http_rejected_total") == 2.0);
    http_close(&c);
}

TEST(a_body_in_which_nothing_can_be_read_is_refused_and_kept_as_a_dead_letter)
{
    static const char *const wrong[] = {
        "rubbish", "{", "[]", "{\"asset\":\"a\"}x",
        "[{\"asset\":\"a\",\"ts\":\"never\",\"values\":{\"x\":1}}]"};
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(web_post(c.port, &a, READINGS, wrong[i]));
        CHECK_SAY(a.status == 400, "%s: %d %s", wrong[i], a.status, a.body);
        CHECK(web_header(&a, "Content-Type", "application/problem+json"));
        CHECK(has(&a, "\"status\":400") && has(&a, "\"detail\":\"") &&
              has(&a, "\"title\":\"Bad Request\""));
        web_free(&a);
    }
    CHECK(web_post(c.port, &a, READINGS, "") && a.status == 400);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == sizeof wrong / sizeof wrong[0]);
    CHECK(http_metric(&c, "andon_http_refused_total{reason=\"unreadable\"}") == 6.0);
    http_close(&c);
}

/* n lines of one sample each, about `bytes` long. */
static char *lines(uint32_t n, uint32_t pad, bool array)
{
    char *text = malloc((size_t)n * (pad + 96) + 16), *at = text;
    if (text == NULL) return NULL;
    if (array) *at++ = '[';
    for (uint32_t i = 0; i < n; i++)
        at += sprintf(at, "%s{\"asset\":\"a%0*u\",\"ts\":%u,\"values\":{\"x\":%u}}%s",
                      array && i > 0 ? "," : "", (int)pad, i % 7, 1700000000 + i, i,
                      array ? "" : "\n");
    if (array) *at++ = ']';
    *at = 0;
    return text;
}

TEST(large_bodies_become_several_records_and_lose_nothing)
{
    struct http_case c;
    struct answer a;
    struct kept *k = malloc(sizeof *k);
    CHECK(k != NULL && http_open(&c, NULL));
    for (int array = 0; array < 2; array++) {
        char *text = lines(20000, 30, array);
        CHECK(text != NULL && web_post(c.port, &a, READINGS, text));
        CHECK_SAY(a.status == 200 && strcmp(a.body, "{\"accepted\":20000,\"rejected\":[]}") == 0,
                  "%d %.200s", a.status, a.body);
        web_free(&a);
        free(text);
    }
    CHECK(http_kept(&c, k) && k->messages >= 40);
    CHECK(k->payloads[0] == '{');
    http_close(&c);
    free(k);
}

TEST(the_index_of_what_is_rejected_counts_over_all_records)
{
    struct http_case c;
    struct answer a;
    char expected[64];
    for (int array = 0; array < 2; array++) {
        char *text = lines(5000, 30, array);
        CHECK(text != NULL && http_open(&c, NULL));
        char *wrong = strstr(text, "\"ts\":1700004321,"); /* element 4321 */
        CHECK(wrong != NULL);
        memcpy(wrong, "\"ts\":\"notime!!\",", 16);
        CHECK(web_post(c.port, &a, READINGS, text));
        snprintf(expected, sizeof expected, "{\"accepted\":4999,\"rejected\":[{\"index\":4321,");
        CHECK(a.status == 200 && has(&a, expected));
        web_free(&a);
        free(text);
        http_close(&c);
    }
}

static size_t pack(const char *text, uint8_t *out, size_t room)
{
    z_stream z = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)strlen(text);
    z.next_out = out;
    z.avail_out = (uInt)room;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    deflateEnd(&z);
    return done ? room - z.avail_out : 0;
}

static bool post_packed(uint16_t port, struct answer *a, const uint8_t *bytes, size_t n)
{
    char head[256];
    int fd = web_connect(port);
    int length =
        snprintf(head, sizeof head,
                 "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 n);
    bool got = fd >= 0 && web_send(fd, head, (size_t)length) && web_send(fd, bytes, n) &&
               web_receive(fd, a, false);
    if (fd >= 0) close(fd);
    return got;
}

TEST(gzip_bodies_are_unpacked_and_bombs_are_not)
{
    struct http_case c;
    struct answer a;
    const struct server_options o = {.body_bytes_max = 4 << 20};
    uint8_t *packed = malloc(8 << 20);
    char *text = lines(3000, 10, false), *bomb = malloc((4 << 20) + 2);
    CHECK(packed != NULL && text != NULL && bomb != NULL && http_open(&c, &o));
    size_t n = pack(text, packed, 8 << 20);
    CHECK(post_packed(c.port, &a, packed, n));
    CHECK_SAY(a.status == 200 && has(&a, "\"accepted\":3000"), "%d", a.status);
    web_free(&a);
    CHECK(post_packed(c.port, &a, packed, n - 9) && a.status == 400); /* cut */
    web_free(&a);
    CHECK(post_packed(c.port, &a, (const uint8_t *)"\x1f\x8b\x08rubbish...", 13) &&
          a.status == 400);
    web_free(&a);
    memset(bomb, ' ', (4 << 20) + 1);
    bomb[(4 << 20) + 1] = 0;
    n = pack(bomb, packed, 8 << 20);
    CHECK(post_packed(c.port, &a, packed, n));
    CHECK_SAY(a.status == 413, "%d", a.status);
    web_free(&a);
    memcpy(bomb, "{\"asset\":\"a\",\"values\":{\"x\":1}}", 30); /* exactly the limit */
    bomb[4 << 20] = 0;
    n = pack(bomb, packed, 8 << 20);
    CHECK(post_packed(c.port, &a, packed, n));
    CHECK_SAY(a.status == 200, "%d %s", a.status, a.body);
    web_free(&a);
    http_close(&c);
    free(packed);
    free(text);
    free(bomb);
}

TEST(thingsboard_devices_are_known_by_their_token)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    CHECK(web_post(c.port, &a, "/api/v1/tok%20en/telemetry", "{\"temperature\":21.5}"));
    CHECK_SAY(a.status == 200 && a.size == 0, "%d %s", a.status, a.body);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 1 && k.last.door == MESSAGE_THINGSBOARD);
    CHECK(strcmp(k.last_user, "tok en") == 0);
    http_close(&c);
}

TEST(influx_writes_are_204_with_each_precision)
{
    static const char *const path[] = {"/write", "/write?precision=s&db=x", "/write?precision=u",
                                       "/api/v2/write?org=o&bucket=b&precision=ms"};
    static const char *const unit[] = {"ns", "s", "us", "ms"};
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    for (int i = 0; i < 4; i++) {
        CHECK(web_post(c.influx, &a, path[i], "pump,line=1 temperature=21.5,on=true 1700000000\n"));
        CHECK_SAY(a.status == 204, "%s: %d %s", path[i], a.status, a.body);
        web_free(&a);
        CHECK(http_kept(&c, &k) && k.messages == (uint32_t)i + 1 && k.last.door == MESSAGE_LINE);
        CHECK_SAY(strcmp(k.last_topic, unit[i]) == 0, "%s: %s", path[i], k.last_topic);
    }
    CHECK(web_post(c.influx, &a, "/write?precision=h", "p x=1 1") && a.status == 400 &&
          has(&a, "precision"));
    web_free(&a);
    CHECK(web_post(c.influx, &a, "/write", "p x=1 1\nrubbish\np x=2 2\n"));
    CHECK(a.status == 400 && has(&a, "partial write") && has(&a, "dropped=1") &&
          has(&a, "\"code\":\"invalid\""));
    web_free(&a);
    CHECK(web_post(c.influx, &a, "/write", "") && a.status == 204);
    web_free(&a);
    http_close(&c);
}

TEST(influx_clients_find_what_they_look_for)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_get(c.influx, &a, "/ping") && a.status == 204);
    web_free(&a);
    CHECK(web_ask(c.influx, &a, "HEAD /ping HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
          a.status == 204);
    web_free(&a);
    CHECK(web_get(c.influx, &a, "/health") && a.status == 200 && has(&a, "\"status\":\"pass\""));
    web_free(&a);
    CHECK(web_ask(c.influx, &a,
                  "POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                  "q=CREATE+DATABASE+%%22telegraf"));
    CHECK_SAY(a.status == 200, "%d %s", a.status, a.body);
    web_free(&a);
    CHECK(web_get(c.influx, &a, "/query?q=DROP%20DATABASE%20x") && a.status == 400);
    web_free(&a);
    CHECK(web_get(c.influx, &a, READINGS) && a.status == 404 && has(&a, "\"code\":\"not found\""));
    web_free(&a);
    http_close(&c);
}

TEST(senders_are_told_to_wait_when_the_plant_says_so)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    c.busy_s = 7;
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":1}}"));
    CHECK(a.status == 429 && web_header(&a, "Retry-After", "7"));
    web_free(&a);
    c.busy_s = 0;
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":1}}") &&
          a.status == 200);
    web_free(&a);
    http_close(&c);
}

/* The journal looks for room again after a while. */
static bool http_recovers(struct http_case *c)
{
    struct answer a = {0};
    for (int i = 0; i < HTTP_DEADLINE_MS / 5 && a.status != 200; i++) {
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        web_post(c->port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":0}}");
        web_free(&a);
    }
    return a.status == 200;
}

TEST(a_full_disk_is_507_and_serving_goes_on)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    disk_fault(DISK_WRITE, 1, EIO);
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":1}}"));
    CHECK_SAY(a.status == 503, "%d %s", a.status, a.body);
    web_free(&a);
    disk_fault(DISK_WRITE, 1, ENOSPC);
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":1}}"));
    CHECK_SAY(a.status == 507 && web_header(&a, "Retry-After", ""), "%d %s", a.status, a.body);
    web_free(&a);
    CHECK(web_post(c.influx, &a, "/write", "a x=1") && a.status == 507);
    web_free(&a);
    CHECK(web_get(c.port, &a, "/health") && a.status == 200);
    web_free(&a);
    disk_fault_clear();
    CHECK(http_recovers(&c));
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":2}}") &&
          a.status == 200);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 2);
    CHECK(http_metric(&c, "andon_http_refused_total{reason=\"disk_full\"}") >= 2.0);
    http_close(&c);
}

TEST(with_a_sync_for_every_answer_a_failing_sync_acknowledges_nothing)
{
    struct http_case c;
    struct answer a;
    const struct server_options o = {.settle_waits = true};
    CHECK(http_open(&c, &o));
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":1}}") &&
          a.status == 200);
    web_free(&a);
    disk_fault(DISK_SYNC, 1, EIO);
    CHECK(web_post(c.port, &a, READINGS, "{\"asset\":\"a\",\"values\":{\"x\":1}}"));
    CHECK_SAY(a.status == 503, "%d %s", a.status, a.body);
    web_free(&a);
    disk_fault_clear();
    http_close(&c);
}

TEST(health_tells_each_part_and_503_when_one_is_ill)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_get(c.port, &a, "/health") && a.status == 200);
    CHECK(has(&a, "\"status\":\"healthy\"") &&
          has(&a, "{\"component\":\"journal\",\"state\":\"ok\""));
    CHECK(has(&a, "\"component\":\"http\""));
    web_free(&a);
    c.ill = true;
    CHECK(web_get(c.port, &a, "/health") && a.status == 503 && has(&a, "\"status\":\"degraded\""));
    CHECK(has(&a,
              "\"state\":\"degraded\",\"since\":\"2023-11-14T22:13:20Z\",\"text\":\"the disk is "
              "\\\"full\\\"\""));
    web_free(&a);
    http_close(&c);
}

static bool ask_metrics(struct http_case *c, struct answer *a, const char *accept)
{
    return web_ask(c->port, a, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n",
                   accept) &&
           a->status == 200;
}

TEST(metrics_are_prometheus_text)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(ask_metrics(&c, &a, "*/*") &&
          web_header(&a, "Content-Type", "text/plain; version=0.0.4"));
    CHECK(has(&a, "# HELP andon_verdicts_total Verdicts.\n# TYPE andon_verdicts_total counter\n"
                  "andon_verdicts_total{asset=\"a\\\"b\\\\c\\nd\",state=\"NORMAL\"} 7\n"
                  "andon_verdicts_total{asset=\"x\",state=\"ANOMALY\"} 2\n"));
    CHECK(has(
        &a, "andon_score_seconds_bucket{le=\"0.001\"} 3\nandon_score_seconds_bucket{le=\"1.0\"} 4\n"
            "andon_score_seconds_bucket{le=\"+Inf\"} 4\nandon_score_seconds_sum 0.5\n"
            "andon_score_seconds_count 4\n"));
    CHECK(has(&a, "\nandon_http_requests_total 1\n") &&
          has(&a, "\nprocess_resident_memory_bytes "));
    CHECK(strstr(a.body, "# EOF") == NULL);
    web_free(&a);
    http_close(&c);
}

TEST(open_metrics_and_json_come_when_asked_for)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(ask_metrics(&c, &a, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"));
    CHECK(web_header(&a, "Content-Type", "application/openmetrics-text; version=1.0.0"));
    CHECK(has(&a, "# TYPE andon_verdicts counter\nandon_verdicts_total{"));
    CHECK(a.size > 6 && strcmp(a.body + a.size - 6, "# EOF\n") == 0);
    web_free(&a);
    CHECK(ask_metrics(&c, &a, "application/json"));
    CHECK(has(&a,
              "{\"request_count\":2,\"prediction_count\":9,\"anomaly_count\":2,\"normal_count\":7,"
              "\"average_latency_ms\":125,\"model_loaded\":true}"));
    web_free(&a);
    http_close(&c);
}

TEST(a_family_of_metrics_comes_once)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL) && ask_metrics(&c, &a, "*/*"));
    for (const char *type = strstr(a.body, "# TYPE "); type != NULL;
         type = strstr(type + 1, "# TYPE ")) {
        char line[160];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(type, "\n"), type);
        CHECK_SAY(strstr(type + 1, line) == NULL, "%s comes twice", line);
    }
    web_free(&a);
    http_close(&c);
}

TEST(pages_name_what_is_answered)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_get(c.port, &a, "/") && a.status == 200 &&
          web_header(&a, "Content-Type", "text/html"));
    CHECK(has(&a, "href=\"/health\"") && has(&a, "href=\"/api/andon/v1/assets\""));
    web_free(&a);
    CHECK(web_get(c.port, &a, "/docs") && a.status == 200 && has(&a, "POST " READINGS));
    web_free(&a);
    CHECK(web_get(c.port, &a, "/openapi.json") && a.status == 200);
    CHECK(has(&a, "\"/api/andon/v1/assets/{path}\":{\"get\":{") &&
          has(&a, "\"" READINGS "\":{\"post\":{"));
    web_free(&a);
    CHECK(web_ask(c.port, &a, "HEAD /docs HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
          a.status == 200 && a.size == 0);
    web_free(&a);
    http_close(&c);
}

TEST(unknown_paths_and_methods_are_404_and_405)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_get(c.port, &a, "/nothing") && a.status == 404 && has(&a, "/nothing"));
    web_free(&a);
    CHECK(web_get(c.port, &a, "/../../etc/passwd") && a.status == 404);
    web_free(&a);
    CHECK(web_get(c.port, &a, "/%2e%2e/%2e%2e/etc/passwd") && a.status == 404);
    web_free(&a);
    CHECK(web_ask(c.port, &a, "DELETE " READINGS " HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
          a.status == 405);
    CHECK(web_header(&a, "Allow", "GET, HEAD, POST"));
    web_free(&a);
    CHECK(web_ask(c.port, &a,
                  "PUT /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}") &&
          a.status == 405 && web_header(&a, "Allow", "GET, HEAD"));
    web_free(&a);
    http_close(&c);
}

TEST(a_connection_serves_many_requests_also_behind_refusals)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    int fd = web_connect(c.port);
    static const char wrong[] =
        "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345";
    static const char good[] =
        "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n"
        "{\"asset\":\"a\",\"values\":{\"x\":1}}";
    for (int i = 0; i < 50; i++) {
        CHECK(web_send(fd, wrong, sizeof wrong - 1) && web_receive(fd, &a, false));
        CHECK(a.status == 404 && !a.closed);
        web_free(&a);
        CHECK(web_send(fd, good, sizeof good - 1) && web_receive(fd, &a, false));
        CHECK_SAY(a.status == 200 && !a.closed, "%d %s", a.status, a.body);
        web_free(&a);
    }
    /* Pipelined: ten at once, ten answers in order. */
    for (int i = 0; i < 10; i++) CHECK(web_send(fd, good, sizeof good - 1));
    for (int i = 0; i < 10; i++) {
        CHECK(web_receive(fd, &a, false) && a.status == 200);
        web_free(&a);
    }
    close(fd);
    http_close(&c);
}
