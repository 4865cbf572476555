/* Memory. Readings on their way from a socket into the journal ask the heap for nothing once the
 * server is warm; and where something else asks, each request may be refused, without a crash, and
 * the next is served. */
#include <stdatomic.h>

#include "http_case.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HEAP_IS_OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_OURS 0
#endif
#endif
#ifndef HEAP_IS_OURS
#define HEAP_IS_OURS 1
#endif

static _Atomic size_t taken;
static _Atomic size_t refuse;   /* so many requests from now on is the one that fails; 0: none */
static _Thread_local bool ours; /* the test's own thread: neither counted nor refused */

#if HEAP_IS_OURS
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

static bool refused(void)
{
    if (ours) return false;
    atomic_fetch_add(&taken, 1);
    size_t left = atomic_load(&refuse);
    if (left == 0 || atomic_fetch_sub(&refuse, 1) != 1) return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return refused() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return refused() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return refused() ? NULL : __libc_realloc(old, bytes);
}
#endif

#define NEEDS_THE_HEAP                                                                             \
    if (!HEAP_IS_OURS) SKIP("the heap belongs to a sanitizer")

/* Sends and reads the answer without the heap; its status, or 0. */
static int exchange(int fd, const char *request, size_t n)
{
    static char room[65536];
    size_t used = 0;
    int status = 0;
    if (!web_send(fd, request, n)) return 0;
    while (used < sizeof room - 1) {
        ssize_t got = web_read(fd, room + used, sizeof room - 1 - used, HTTP_DEADLINE_MS);
        if (got <= 0) return 0;
        used += (size_t)got;
        room[used] = 0;
        const char *end = strstr(room, "\r\n\r\n"), *length = strcasestr(room, "Content-Length: ");
        if (end == NULL) continue;
        size_t body = length == NULL ? 0 : strtoul(length + 16, NULL, 10);
        if (used >= (size_t)(end + 4 - room) + body) break;
    }
    return sscanf(room, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static size_t batch(char *text, size_t room, const char *path, uint32_t lines, bool line_protocol)
{
    static char body[1 << 20];
    size_t n = 0;
    for (uint32_t i = 0; i < lines; i++)
        n += (size_t)(line_protocol
                          ? sprintf(body + n, "pump,line=%u x=1,y=2 %u\n", i % 7, 1700000000 + i)
                          : sprintf(body + n,
                                    "{\"asset\":\"p%u\",\"ts\":%u,\"values\":{\"x\":1,\"y\":2}}\n",
                                    i % 7, 1700000000 + i));
    return (size_t)snprintf(text, room,
                            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                            path, n, body);
}

TEST(readings_ask_the_heap_for_nothing)
{
    NEEDS_THE_HEAP;
    static char text[6][1 << 20];
    static size_t length[6];
    static const char *const path[] = {"/api/andon/v1/readings", "/api/andon/v1/readings",
                                       "/api/andon/v1/readings", "/write?precision=s",
                                       "/write?precision=s",     "/api/v1/token/telemetry"};
    static const uint32_t lines[] = {1, 100, 10000, 1, 1000, 0};
    ours = true;
    for (int sync = 0; sync < 2; sync++) {
        struct http_case c;
        const struct server_options o = {.settle_waits = sync == 1, .threads = 1};
        CHECK(http_open(&c, &o));
        int api = web_connect(c.port), influx = web_connect(c.influx);
        for (int i = 0; i < 6; i++)
            length[i] = batch(text[i], sizeof text[i], path[i], lines[i], path[i][1] == 'w');
        length[5] = (size_t)sprintf(
            text[5], "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n{\"x\":1}",
            path[5]);
        for (int round = 0; round < 40; round++) {
            size_t before = atomic_load(&taken);
            for (int i = 0; i < 6; i++) {
                int status = exchange(i == 3 || i == 4 ? influx : api, text[i], length[i]);
                CHECK_SAY(status == 200 || status == 204, "%d: %d", i, status);
                if (i == 5) continue;
                size_t more = atomic_load(&taken) - before;
                CHECK_SAY(round < 5 || more == 0, "round %d, request %d: %zu from the heap", round,
                          i, more);
            }
        }
        close(api);
        close(influx);
        http_close(&c);
    }
    ours = false;
}

TEST(a_server_that_gets_no_memory_says_so)
{
    NEEDS_THE_HEAP;
    ours = false;
    andon_error err;
    const struct server_options o = {.listen = "127.0.0.1:0", .influx_listen = "127.0.0.1:0"};
    struct server *s = NULL;
    uint32_t failures = 0;
    for (size_t n = 1; n < 400; n++) {
        err.text[0] = 0;
        atomic_store(&refuse, n);
        andon_status st = server_open(&o, NULL, "/nowhere", NULL, &s, &err);
        bool hit = atomic_exchange(&refuse, 0) == 0;
        if (st == ANDON_OK) {
            server_close(s);
            if (!hit) break; /* all of them were tried */
            continue;        /* one that it can do without */
        }
        failures++;
        CHECK_SAY(err.text[0] != 0, "allocation %zu", n);
    }
    CHECK_SAY(failures >= 10, "%u", failures);
}

#define POST_CLOSE(length)                                                                         \
    "POST /api/andon/v1/readings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"             \
    "Content-Length: " length "\r\n\r\n"

TEST(each_allocation_of_a_request_may_fail_and_the_next_request_is_served)
{
    NEEDS_THE_HEAP;
    static const char *const ask[] = {
        "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        POST_CLOSE("30") "{\"asset\":\"a\",\"values\":{\"x\":1}}",
        POST_CLOSE("7") "rubbish",
        "GET /api/andon/v1/stream?kinds=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /api/andon/v1/deadletters HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"};
    struct http_case c;
    const struct server_options o = {.threads = 1, .query_threads = 1};
    ours = true;
    CHECK(http_open(&c, &o));
    for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
        for (size_t n = 1; n < 60; n++) {
            int fd = web_connect(c.port);
            CHECK(fd >= 0);
            atomic_store(&refuse, n);
            int refused_status = exchange(fd, ask[i], strlen(ask[i]));
            bool hit = atomic_exchange(&refuse, 0) == 0;
            close(fd);
            fd = web_connect(c.port); /* and now as if nothing had been */
            int status = exchange(fd, ask[i], strlen(ask[i]));
            close(fd);
            CHECK_SAY(status > 0, "%s: nothing behind allocation %zu (%d)", ask[i], n,
                      refused_status);
            if (!hit) break;
        }
    }
    http_close(&c);
    ours = false;
}
