/* What is no good HTTP, from raw sockets: each is answered or cut as it should be, is counted by
 * its reason, and the others are served on. */
#include <sys/resource.h>

#include "http_case.h"

#define READINGS "/api/andon/v1/readings"
#define GOOD_BODY "{\"asset\":\"a\",\"values\":{\"x\":1}}"
#define GOOD "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n" GOOD_BODY

/* The server still answers others. */
static bool serves_on(struct http_case *c)
{
    struct answer a;
    bool good = web_ask(c->port, &a, GOOD) && a.status == 200;
    web_free(&a);
    return good;
}

static double refused(struct http_case *c, const char *reason)
{
    char sample[96];
    snprintf(sample, sizeof sample, "andon_http_refused_total{reason=\"%s\"}", reason);
    return http_metric(c, sample);
}

/* True when the other side closes; what it still sends is read. */
static bool is_closed(int fd)
{
    char room[4096];
    ssize_t got;
    do got = web_read(fd, room, sizeof room, HTTP_DEADLINE_MS);
    while (got > 0);
    return got == 0;
}

TEST(requests_that_can_be_understood_in_two_ways_are_refused_and_closed)
{
    static const char *const wrong[] = {
        "Content-Length: 30\r\nContent-Length: 31\r\n",
        "Content-Length: 30\r\nContent-Length: 30\r\n",
        "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 30\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 30\r\n",
        "Content Length: 30\r\n",
        "Host: localhost\r\nContent-Length: 30\r\n", /* a second Host */
    };
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[512];
        int n = snprintf(text, sizeof text,
                         "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\n%s\r\n" GOOD_BODY
                         "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         wrong[i]);
        int fd = web_connect(c.port);
        CHECK(web_send(fd, text, (size_t)n) && web_receive(fd, &a, false));
        CHECK_SAY(a.status == 400 && a.closed, "%s: %d %s", wrong[i], a.status, a.body);
        web_free(&a);
        CHECK_SAY(is_closed(fd), "%s: the next request was read", wrong[i]);
        close(fd);
    }
    CHECK(http_kept(&c, &k) && k.messages == 0);
    CHECK(refused(&c, "framing") == (double)(sizeof wrong / sizeof wrong[0]));
    CHECK(serves_on(&c));
    http_close(&c);
}

TEST(what_is_no_http_is_refused_and_counted)
{
    static const char *const wrong[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", /* TLS */
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / FTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", /* no Host */
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n",
        "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST " READINGS
        " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "ffffffffffffffffff\r\n",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    struct http_case c;
    CHECK(http_open(&c, NULL));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int fd = web_connect(c.port);
        CHECK(fd >= 0 && web_send(fd, wrong[i], strlen(wrong[i])));
        shutdown(fd, SHUT_WR);
        CHECK_SAY(is_closed(fd), "%s", wrong[i]);
        close(fd);
    }
    CHECK(serves_on(&c));
    CHECK(refused(&c, "malformed") >= 8.0);
    http_close(&c);
}

TEST(headers_that_are_too_large_are_refused)
{
    struct http_case c;
    struct answer a;
    char *text = malloc(200000);
    CHECK(text != NULL && http_open(&c, NULL));
    for (int which = 0; which < 3; which++) {
        size_t n = 0;
        if (which == 0) { /* a long line */
            n = (size_t)sprintf(text, "GET /");
            memset(text + n, 'a', 100000);
            n += 100000;
            n += (size_t)sprintf(text + n, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        } else {
            n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: localhost\r\n");
            for (int i = 0; which == 1 && i < 3000; i++)
                n += (size_t)sprintf(text + n, "X-%d: some value\r\n", i);
            if (which == 2) n += (size_t)sprintf(text + n, "X: %099999d\r\n", 0);
            n += (size_t)sprintf(text + n, "\r\n");
        }
        int fd = web_connect(c.port);
        web_send(fd, text, n);
        bool answered = web_receive(fd, &a, false);
        CHECK_SAY(!answered || a.status == 414 || a.status == 431, "%d: %d", which, a.status);
        web_free(&a);
        close(fd);
    }
    CHECK(refused(&c, "malformed") == 3.0);
    CHECK(serves_on(&c));
    http_close(&c);
    free(text);
}

TEST(only_this_machines_names_are_answered_on_loopback)
{
    static const struct {
        const char *host;
        int status;
    } row[] = {{"localhost", 200},    {"127.0.0.1:8000", 200},    {"[::1]:8000", 200},
               {"evil.example", 421}, {"evil.example:8000", 421}, {"127.0.0.1.evil.example", 421}};
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK(web_ask(c.port, &a, "GET /health HTTP/1.1\r\nHost: %s\r\n\r\n", row[i].host));
        CHECK_SAY(a.status == row[i].status, "%s: %d", row[i].host, a.status);
        web_free(&a);
    }
    CHECK(
        web_ask(c.port, &a, "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
        a.status == 421);
    web_free(&a);
    CHECK(web_ask(c.port, &a, "GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
          a.status == 200);
    web_free(&a);
    CHECK(refused(&c, "host") == 4.0);
    http_close(&c);
}

TEST(pages_of_other_sites_may_not_send)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    CHECK(web_ask(c.port, &a,
                  "POST " READINGS " HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: 30\r\n"
                  "Content-Type: text/plain\r\nOrigin: http://evil.example\r\n\r\n" GOOD_BODY));
    CHECK(a.status == 403);
    web_free(&a);
    CHECK(web_ask(c.port, &a,
                  "POST " READINGS " HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: 30\r\n"
                  "Origin: null\r\n\r\n" GOOD_BODY) &&
          a.status == 403);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 0);
    CHECK(web_ask(c.port, &a,
                  "POST " READINGS " HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: 30\r\n"
                  "Origin: http://localhost:8000\r\n\r\n" GOOD_BODY) &&
          a.status == 200);
    web_free(&a);
    CHECK(refused(&c, "origin") == 2.0);
    http_close(&c);
}

TEST(chunked_bodies_are_put_together)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    CHECK(web_ask(c.port, &a,
                  "POST " READINGS
                  " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\n{\"ass\r\n1;ext=1\r\ne\r\n18\r\nt\":\"a\",\"values\":{\"x\":1}}\r\n0\r\n"
                  "Trailer: x\r\n\r\n"));
    CHECK_SAY(a.status == 200, "%d %s", a.status, a.body);
    web_free(&a);
    CHECK(http_kept(&c, &k) && k.messages == 1);
    CHECK_SAY(strcmp(k.payloads, GOOD_BODY "|") == 0, "%s", k.payloads);
    http_close(&c);
}

TEST(a_body_in_single_bytes_is_the_same_body)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    int fd = web_connect(c.port);
    for (const char *at = GOOD; *at != 0; at++) CHECK(web_send(fd, at, 1));
    CHECK(web_receive(fd, &a, false) && a.status == 200);
    web_free(&a);
    close(fd);
    http_close(&c);
}

/* Sends blocks until the other side answers or does not take them; how many went out. */
static uint64_t flood(int fd, uint64_t bytes, bool chunked, struct answer *a, bool *answered)
{
    static char block[65536];
    uint64_t sent = 0;
    memset(block, ' ', sizeof block);
    *answered = false;
    while (sent < bytes) {
        struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
        if (poll(&p, 1, HTTP_DEADLINE_MS) <= 0) break;
        if (p.revents & POLLIN) break;
        if (chunked && !web_send(fd, "10000\r\n", 7)) break;
        if (!web_send(fd, block, sizeof block)) break;
        if (chunked && !web_send(fd, "\r\n", 2)) break;
        sent += sizeof block;
    }
    *answered = web_receive(fd, a, false);
    return sent;
}

TEST(a_body_of_100_megabytes_is_refused_while_it_comes)
{
    struct http_case c;
    struct answer a;
    bool answered;
    const uint64_t size = 100u << 20;
    char head[256];
    CHECK(http_open(&c, NULL));
    for (int chunked = 0; chunked < 2; chunked++) {
        int fd = web_connect(c.port);
        int n =
            snprintf(head, sizeof head, "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n",
                     chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 104857600",
                     chunked ? "" : "\r\n");
        CHECK(web_send(fd, head, (size_t)n));
        uint64_t sent = flood(fd, size, chunked, &a, &answered);
        CHECK_SAY(answered && a.status == 413 && a.closed, "%d: %d after %lu", chunked, a.status,
                  sent);
        CHECK_SAY(sent < size / 2, "%lu bytes were taken", sent);
        web_free(&a);
        close(fd);
    }
    CHECK(refused(&c, "size") == 2.0);
    CHECK(serves_on(&c));
    http_close(&c);
}

TEST(who_asks_first_is_told_before_he_sends)
{
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    CHECK(web_ask(c.port, &a,
                  "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n"
                  "Expect: 100-continue\r\n\r\n") &&
          a.status == 413);
    web_free(&a);
    CHECK(web_ask(c.port, &a,
                  "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n"
                  "Expect: 100-continue\r\n\r\n" GOOD_BODY) &&
          a.status == 200);
    web_free(&a);
    http_close(&c);
}

TEST(media_types_that_are_no_readings_are_415)
{
    static const struct {
        const char *header;
        int status;
    } row[] = {{"Content-Type: application/json", 200},
               {"Content-Type: Application/JSON; charset=utf-8", 200},
               {"Content-Type: application/x-ndjson", 200},
               {"Content-Type: application/x-www-form-urlencoded", 200}, /* curl -d */
               {"Content-Type: text/plain", 200},
               {"X: none", 200},
               {"Content-Encoding: identity", 200},
               {"Content-Type: application/xml", 415},
               {"Content-Type: multipart/form-data; boundary=x", 415},
               {"Content-Type: application/jsonp", 415},
               {"Content-Encoding: br", 415}};
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK(web_ask(c.port, &a,
                      "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
                      "Content-Length: 30\r\n\r\n" GOOD_BODY,
                      row[i].header));
        CHECK_SAY(a.status == row[i].status, "%s: %d", row[i].header, a.status);
        web_free(&a);
    }
    CHECK(refused(&c, "type") == 4.0);
    http_close(&c);
}

TEST(requests_that_drip_are_cut_at_their_deadline)
{
    const struct server_options o = {
        .header_ms = 300, .request_ms = 300, .bytes_per_s_min = 1u << 30};
    static const char *const begin[] = {
        "G",                           /* in the first line */
        "GET / HTTP/1.1\r\nHost: loc", /* in the headers    */
        "POST " READINGS
        " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{", /* in the body */
        "POST " READINGS
        " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n{"};
    struct http_case c;
    CHECK(http_open(&c, &o));
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++) {
        int fd = web_connect(c.port);
        CHECK(web_send(fd, begin[i], strlen(begin[i])));
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int dripped = 0;
        while (poll(&p, 1, 20) == 0 && dripped < 1500) { /* a byte every 20 ms, never idle */
            if (!web_send(fd, "a", 1)) break;
            dripped++;
        }
        CHECK_SAY(dripped < 1500, "%zu was never cut", i);
        CHECK(is_closed(fd));
        close(fd);
    }
    CHECK_SAY(refused(&c, "slow") == 4.0, "%g", refused(&c, "slow"));
    CHECK(serves_on(&c));
    http_close(&c);
}

TEST(idle_connections_are_closed_after_a_while)
{
    const struct server_options o = {.idle_ms = 200};
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, &o));
    int silent = web_connect(c.port), used = web_connect(c.port);
    CHECK(web_send(used, GOOD, strlen(GOOD)) && web_receive(used, &a, false) && a.status == 200);
    web_free(&a);
    CHECK(is_closed(silent) && is_closed(used));
    close(silent);
    close(used);
    http_close(&c);
}

TEST(connections_beyond_the_limit_are_turned_away_and_counted)
{
    const struct server_options o = {.connections_max = 20};
    struct http_case c;
    struct answer a;
    int fd[40];
    uint32_t served = 0, away = 0;
    CHECK(http_open(&c, &o));
    for (int i = 0; i < 40; i++) {
        fd[i] = web_connect(c.port);
        CHECK(fd[i] >= 0);
    }
    for (int i = 0; i < 40; i++) {
        web_send(fd[i], GOOD, strlen(GOOD));
        bool got = web_receive(fd[i], &a, false);
        served += got && a.status == 200;
        away += !got || a.status == 503;
        web_free(&a);
    }
    CHECK_SAY(served == 20 && away == 20, "%u served, %u away", served, away);
    for (int i = 0; i < 40; i++) close(fd[i]);
    CHECK(http_reaches(&c, "andon_http_refused_total{reason=\"connections\"}", 20.0));
    CHECK(serves_on(&c));
    http_close(&c);
}

TEST(five_thousand_idle_connections_leave_the_others_served)
{
    struct http_case c;
    struct rlimit limit;
    static int fd[5000];
    struct answer a;
    int open = 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 11000)
        SKIP("fewer than 11,000 descriptors are allowed here");
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && http_open(&c, NULL));
    while (open < 5000 && (fd[open] = web_connect(c.port)) >= 0) open++;
    CHECK_SAY(open == 5000, "%d connections", open);
    CHECK(http_reaches(&c, "andon_http_connections", 5000.0));
    for (int i = 0; i < 20; i++) CHECK(serves_on(&c));
    for (int i = 0; i < 5000; i += 250) { /* and they themselves */
        CHECK(web_send(fd[i], GOOD, strlen(GOOD)) && web_receive(fd[i], &a, false) &&
              a.status == 200);
        web_free(&a);
    }
    for (int i = 0; i < open; i++) close(fd[i]);
    CHECK(serves_on(&c));
    http_close(&c);
}

TEST(an_answer_that_is_not_read_is_cut)
{
    const struct server_options o = {.request_ms = 300, .bytes_per_s_min = 1u << 30};
    struct http_case c;
    int fd[64];
    CHECK(http_open(&c, &o));
    /* Many answers at once, none read: more than the kernel keeps. */
    static const char ask[] = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int i = 0; i < 8; i++) {
        const int small = 4096;
        fd[i] = web_connect(c.port);
        setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        for (int k = 0; k < 400; k++) send(fd[i], ask, sizeof ask - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    CHECK(http_reaches(&c, "andon_http_refused_total{reason=\"stalled\"}", 8.0));
    for (int i = 0; i < 8; i++) close(fd[i]);
    CHECK(serves_on(&c));
    http_close(&c);
}

TEST(clients_that_go_away_in_the_middle_leave_nothing_behind)
{
    struct http_case c;
    struct kept k;
    CHECK(http_open(&c, NULL));
    for (size_t cut = 1; cut < strlen(GOOD); cut += 3) {
        int fd = web_connect(c.port);
        const struct linger hard = {1, 0}; /* every other one with a reset */
        if (cut % 2 == 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        CHECK(web_send(fd, GOOD, cut));
        close(fd);
    }
    CHECK(serves_on(&c));
    CHECK(http_reaches(&c, "andon_http_refused_total{reason=\"aborted\"}", 1.0));
    double connections = 2.0;
    for (int i = 0; i < 400 && connections > 1.0; i++) { /* one: that which asks */
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        connections = http_metric(&c, "andon_http_connections");
    }
    CHECK_SAY(connections == 1.0, "%g", connections);
    CHECK(http_kept(&c, &k) && k.messages == 1);
    http_close(&c);
}

TEST(what_was_begun_is_finished_when_the_server_is_stopped)
{
    struct http_case c;
    struct answer a;
    struct kept k;
    CHECK(http_open(&c, NULL));
    int fd = web_connect(c.port), idle = web_connect(c.port);
    CHECK(web_send(fd, GOOD, strlen(GOOD) - 10));
    CHECK(http_reaches(&c, "andon_http_requests_total", 1.0));
    CHECK(http_reaches(&c, "andon_http_connections", 3.0));
    server_stop(c.server);
    CHECK(is_closed(idle));
    CHECK(web_send(fd, &GOOD[strlen(GOOD) - 10], 10) && web_receive(fd, &a, false));
    CHECK_SAY(a.status == 200 && a.closed, "%d", a.status);
    web_free(&a);
    pthread_join(c.thread, NULL);
    c.running = false;
    CHECK(http_kept(&c, &k) && k.messages == 1);
    close(fd);
    close(idle);
    http_close(&c);
}

TEST(a_server_that_is_stopped_waits_for_nobody_for_long)
{
    const struct server_options o = {.drain_ms = 200};
    struct http_case c;
    CHECK(http_open(&c, &o));
    int fd = web_connect(c.port);
    CHECK(web_send(fd, GOOD, strlen(GOOD) - 10));
    CHECK(http_reaches(&c, "andon_http_received_bytes_total", 20.0));
    http_close(&c); /* returns */
    CHECK(is_closed(fd));
    close(fd);
}

TEST(wrong_escapes_and_parameters_are_named)
{
    static const struct {
        const char *path, *says;
    } row[] = {{"/api/andon/v1/stream?kinds=%zz", "wrong %XX"},
               {"/api/andon/v1/stream?kinds=rumour", "kinds is \\\"rumour\\\""},
               {"/api/andon/v1/stream?asset=", "asset: expected"}};
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK(web_get(c.port, &a, row[i].path));
        CHECK_SAY(a.status == 400 && strstr(a.body, row[i].says) != NULL, "%s: %d %s", row[i].path,
                  a.status, a.body);
        web_free(&a);
    }
    http_close(&c);
}

TEST(old_clients_and_half_closed_ones_are_answered)
{
    static const char *const ask[] = {
        "GET /health HTTP/1.0\r\n\r\n", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", GOOD,
        "GET /api/andon/v1/sql?q=SELECT+1 HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    static const int status[] = {200, 200, 200, 503}; /* there is no store */
    struct http_case c;
    struct answer a;
    CHECK(http_open(&c, NULL));
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
            int fd = web_connect(c.port);
            CHECK(web_send(fd, ask[i], strlen(ask[i])));
            if (round % 2 == 1) shutdown(fd, SHUT_WR);
            CHECK_SAY(web_receive(fd, &a, false) && a.status == status[i], "%zu: %d", i, a.status);
            web_free(&a);
            close(fd);
        }
    }
    http_close(&c);
}

TEST(when_all_buffers_are_in_use_the_next_body_waits_outside)
{
    enum { LARGE = 8 }; /* of a loop */
    const struct server_options o = {.threads = 1};
    static const char head[] =
        "POST " READINGS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n";
    static char body[200001];
    struct http_case c;
    struct answer a;
    int fd[LARGE];
    memset(body, ' ', sizeof body - 1);
    memcpy(body, GOOD_BODY, 30);
    CHECK(http_open(&c, &o));
    for (int i = 0; i < LARGE; i++) {
        fd[i] = web_connect(c.port);
        CHECK(web_send(fd[i], head, sizeof head - 1) && web_send(fd[i], body, 100000));
    }
    CHECK(http_reaches(&c, "andon_http_received_bytes_total", LARGE * 100000.0));
    CHECK(web_ask(c.port, &a, "%s%s", head, body));
    CHECK_SAY(a.status == 429 && web_header(&a, "Retry-After", "1"), "%d", a.status);
    web_free(&a);
    CHECK(serves_on(&c)); /* small ones have buffers of their own */
    for (int i = 0; i < LARGE; i++) {
        CHECK(web_send(fd[i], body + 100000, 100000) && web_receive(fd[i], &a, false));
        CHECK_SAY(a.status == 200, "%d %s", a.status, a.body);
        web_free(&a);
        close(fd[i]);
    }
    CHECK(web_ask(c.port, &a, "%s%s", head, body) && a.status == 200);
    web_free(&a);
    CHECK(refused(&c, "busy") == 1.0);
    http_close(&c);
}
