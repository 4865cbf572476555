/* The live stream: order, filters, resuming, gaps, heartbeats, clients that go away or never read.
 */
#include "http_case.h"

#define STREAM "/api/andon/v1/stream"

static bool say(struct http_case *c, uint64_t offset, enum feed_kind kind, const char *asset,
                const char *json)
{
    bool good = feed_push(c->feed, &(struct feed_event){.offset = offset,
                                                        .kind = (uint8_t)kind,
                                                        .asset = text_of(asset),
                                                        .json = text_of(json)});
    feed_tell(c->feed);
    return good;
}

/* A stream that is being read, without HTTP's chunks around it. */
struct listening {
    int fd;
    struct answer head;
    char text[1 << 17];
    size_t used, left; /* left: of the chunk */
};

static bool listen_to(struct http_case *c, struct listening *l, const char *query,
                      const char *last_id)
{
    char text[512], id[80] = "";
    memset(l, 0, sizeof *l);
    if (last_id != NULL) snprintf(id, sizeof id, "Last-Event-ID: %s\r\n", last_id);
    int n = snprintf(text, sizeof text, "GET " STREAM "%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                     query, id);
    l->fd = web_connect(c->port);
    return l->fd >= 0 && web_send(l->fd, text, (size_t)n) && web_head_(l->fd, &l->head) &&
           l->head.status == 200 && web_header(&l->head, "Content-Type", "text/event-stream");
}

/* Reads on until the text holds part. False: the stream ended, or nothing came. */
static bool hears(struct listening *l, const char *part)
{
    while (strstr(l->text, part) == NULL) {
        char byte;
        if (l->left == 0) { /* a chunk's size, behind the line end of the one before */
            char size[16];
            size_t used = 0;
            do {
                if (used == sizeof size - 1 || web_read(l->fd, &byte, 1, HTTP_DEADLINE_MS) != 1)
                    return false;
                size[used++] = byte;
            } while (byte != '\n' || used == 2);
            size[used] = 0;
            l->left = strtoul(size, NULL, 16);
            if (l->left == 0) return false;
        }
        if (l->used == sizeof l->text - 1) return false;
        size_t room = sizeof l->text - 1 - l->used;
        ssize_t got =
            web_read(l->fd, l->text + l->used, l->left < room ? l->left : room, HTTP_DEADLINE_MS);
        if (got <= 0) return false;
        l->used += (size_t)got;
        l->left -= (size_t)got;
    }
    return true;
}

static bool heard(const struct listening *l, const char *part)
{
    return strstr(l->text, part) != NULL;
}

TEST(events_come_in_order_with_ids_and_kinds)
{
    static struct listening l;
    struct http_case c;
    CHECK(http_open(&c, NULL));
    CHECK(say(&c, 5, FEED_READING, "a", "{\"before\":1}"));
    CHECK(listen_to(&c, &l, "", NULL) && hears(&l, "retry: "));
    CHECK(say(&c, 7, FEED_READING, "a", "{\"n\":1}") &&
          say(&c, 7, FEED_VERDICT, "a", "{\"n\":2}") && say(&c, 9, FEED_STATE, "b", "{\"n\":3}"));
    CHECK(hears(&l, "{\"n\":3}\n\n"));
    CHECK_SAY(heard(&l, "id: 7-0\nevent: reading\ndata: {\"n\":1}\n\nid: 7-1\nevent: "
                        "verdict\ndata: {\"n\":2}\n\n"
                        "id: 9-0\nevent: state\ndata: {\"n\":3}\n\n"),
              "%s", l.text);
    CHECK(!heard(&l, "before"));
    close(l.fd);
    http_close(&c);
}

TEST(a_stream_has_the_kinds_and_assets_that_it_asks_for)
{
    static struct listening l, below;
    struct http_case c;
    CHECK(http_open(&c, NULL));
    CHECK(listen_to(&c, &l, "?kinds=verdict,state&asset=site%2Fa&asset=site%2Fb", NULL) &&
          hears(&l, "retry: "));
    CHECK(listen_to(&c, &below, "?asset=site/line/*", NULL) && hears(&below, "retry: "));
    CHECK(say(&c, 1, FEED_READING, "site/a", "{\"n\":1}") &&
          say(&c, 2, FEED_VERDICT, "site/a", "{\"n\":2}") &&
          say(&c, 3, FEED_VERDICT, "site/ab", "{\"n\":3}") &&
          say(&c, 4, FEED_VERDICT, "site/line", "{\"n\":4}") &&
          say(&c, 5, FEED_READING, "site/line/x", "{\"n\":5}") &&
          say(&c, 6, FEED_READING, "site/line2/x", "{\"n\":6}") &&
          say(&c, 7, FEED_STATE, "site/b", "{\"n\":7}") &&
          say(&c, 8, FEED_READING, "site/line/y", "{\"n\":8}"));
    CHECK(hears(&l, "{\"n\":7}") && hears(&below, "{\"n\":8}"));
    CHECK(heard(&l, "{\"n\":2}") && !heard(&l, "{\"n\":1}") && !heard(&l, "{\"n\":3}") &&
          !heard(&l, "{\"n\":5}"));
    CHECK(heard(&below, "{\"n\":4}") && heard(&below, "{\"n\":5}") && !heard(&below, "{\"n\":6}") &&
          !heard(&below, "{\"n\":2}"));
    close(l.fd);
    close(below.fd);
    http_close(&c);
}

TEST(who_comes_back_gets_what_came_meanwhile)
{
    static struct listening l;
    struct http_case c;
    CHECK(http_open(&c, NULL));
    for (uint64_t i = 10; i < 20; i++)
        CHECK(say(&c, i, FEED_VERDICT, "a", i == 13 ? "{\"n\":13}" : "{}"));
    CHECK(listen_to(&c, &l, "", "12-0") && hears(&l, "id: 19-0"));
    CHECK(strncmp(strstr(l.text, "id: "), "id: 13-0", 8) == 0 && !heard(&l, "event: gap"));
    close(l.fd);
    CHECK(listen_to(&c, &l, "", "3-0") &&
          hears(&l, "id: 19-0")); /* long gone: all there is, and a word */
    CHECK(heard(&l, "event: gap\ndata: {\"lost\":null}\n\nid: 10-0"));
    close(l.fd);
    CHECK(listen_to(&c, &l, "", "rubbish") && hears(&l, "event: gap"));
    close(l.fd);
    http_close(&c);
}

TEST(long_events_come_whole)
{
    static struct listening l;
    static char text[60001];
    struct http_case c;
    CHECK(http_open(&c, NULL));
    CHECK(listen_to(&c, &l, "", NULL) && hears(&l, "retry: "));
    memset(text, 'x', sizeof text - 1);
    memcpy(text + sizeof text - 5, "END.", 4);
    CHECK(say(&c, 1, FEED_VERDICT, "a", text) && say(&c, 2, FEED_VERDICT, "a", "{\"next\":1}"));
    CHECK(hears(&l, "{\"next\":1}\n\n"));
    const char *data = strstr(l.text, "data: x");
    CHECK(data != NULL && strncmp(data + 6, text, 60000) == 0 &&
          strncmp(data + 6 + 60000, "\n\nid: 2-0", 9) == 0);
    close(l.fd);
    http_close(&c);
}

TEST(a_silent_stream_beats)
{
    const struct server_options o = {.heartbeat_ms = 50};
    static struct listening l;
    struct http_case c;
    CHECK(http_open(&c, &o));
    CHECK(listen_to(&c, &l, "", NULL) && hears(&l, ":\n\n:\n\n:\n\n"));
    close(l.fd);
    http_close(&c);
}

TEST(a_stream_whose_client_goes_away_ends_at_once)
{
    static struct listening l[20];
    struct http_case c;
    CHECK(http_open(&c, NULL));
    for (int i = 0; i < 20; i++) CHECK(listen_to(&c, &l[i], "", NULL) && hears(&l[i], "retry: "));
    CHECK(http_metric(&c, "andon_http_streams") == 20.0);
    for (int i = 0; i < 20; i++) close(l[i].fd);
    double streams = 20.0;
    for (int i = 0; i < 1000 && streams > 0.0; i++) {
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        streams = http_metric(&c, "andon_http_streams");
    }
    CHECK_SAY(streams == 0.0, "%g streams are left, long before a heartbeat", streams);
    http_close(&c);
}

TEST(a_reader_that_never_reads_is_cut_and_the_others_hear_all)
{
    const struct server_options o = {.request_ms = 400};
    static struct listening l;
    static char text[2000];
    struct http_case c;
    CHECK(http_open(&c, &o));
    CHECK(listen_to(&c, &l, "", NULL) && hears(&l, "retry: "));
    const int small = 4096;
    int deaf = web_connect(c.port);
    setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    static const char ask[] = "GET " STREAM " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    CHECK(web_send(deaf, ask, sizeof ask - 1) && http_reaches(&c, "andon_http_streams", 2.0));
    memset(text, 'x', sizeof text - 1);
    for (uint64_t i = 1; i <= 3000; i++) {
        char mark[32];
        CHECK(say(&c, i, FEED_READING, "a", text));
        if (i % 50 != 0) continue;
        snprintf(mark, sizeof mark, "id: %lu-0", (unsigned long)i);
        CHECK_SAY(hears(&l, mark), "%s", mark);
        CHECK(!heard(&l, "event: gap"));
        l.used = 0; /* forget */
        memset(l.text, 0, sizeof l.text);
    }
    CHECK(http_reaches(&c, "andon_http_refused_total{reason=\"stalled\"}", 1.0));
    close(deaf);
    close(l.fd);
    http_close(&c);
}

TEST(a_slow_reader_is_told_what_it_missed)
{
    static struct listening l;
    static char text[8000];
    struct http_case c;
    CHECK(http_open(&c, NULL));
    CHECK(listen_to(&c, &l, "", NULL) && hears(&l, "retry: "));
    memset(text, 'x', sizeof text - 1);
    CHECK(say(&c, 1, FEED_READING, "a", "{}") && hears(&l, "id: 1-0"));
    uint64_t offset = 2;
    while (http_metric(&c, "andon_http_stream_lost_total") <= 0.0 && offset < 20000)
        for (int i = 0; i < 200; i++) CHECK(say(&c, offset++, FEED_READING, "a", text));
    CHECK(say(&c, offset, FEED_STATE, "a", "{\"last\":1}"));
    bool gap = false;
    while (!heard(&l, "{\"last\":1}")) {
        if (!hears(&l, "\n\n")) break;
        gap = gap || heard(&l, "event: gap\ndata: {\"lost\":");
        size_t keep = l.used < 64 ? l.used : 64; /* forget all but the end */
        if (heard(&l, "{\"last\":1}")) break;
        memmove(l.text, l.text + l.used - keep, keep);
        memset(l.text + keep, 0, sizeof l.text - keep);
        l.used = keep;
        l.text[0] = l.text[1] = ' ';
        for (char *end; (end = strstr(l.text, "\n\n")) != NULL;) end[0] = ' ';
    }
    CHECK_SAY(gap || l.left == 0, "neither a gap nor an end");
    close(l.fd);
    http_close(&c);
}

TEST(streams_end_when_the_server_stops)
{
    static struct listening l;
    struct http_case c;
    CHECK(http_open(&c, NULL));
    CHECK(listen_to(&c, &l, "", NULL) && hears(&l, "retry: "));
    server_stop(c.server);
    CHECK(!hears(&l, "never") && l.left == 0);
    close(l.fd);
    http_close(&c);
}

TEST(many_streams_hear_the_same)
{
    enum { STREAMS = 300 };
    static struct listening *l;
    struct http_case c;
    l = calloc(STREAMS, sizeof *l);
    CHECK(l != NULL && http_open(&c, NULL));
    for (int i = 0; i < STREAMS; i++)
        CHECK(listen_to(&c, &l[i], "", NULL) && hears(&l[i], "retry: "));
    for (uint64_t i = 1; i <= 500; i++) CHECK(say(&c, i, FEED_VERDICT, "a", "{\"n\":1}"));
    for (int i = 0; i < STREAMS; i++) {
        CHECK_SAY(hears(&l[i], "id: 500-0"), "stream %d", i);
        CHECK(heard(&l[i], "id: 1-0") && !heard(&l[i], "event: gap"));
        close(l[i].fd);
    }
    http_close(&c);
    free(l);
}
