/* GET stream: server-sent events out of the feed. A stream is a cursor of the feed and nothing
 * more: what its client does not read stays in the ring until that gives way, and then the client
 * is told how much it missed. The connection sleeps (suspended) while there is nothing for it; the
 * library does not see a client go away meanwhile, so that a comment is sent every now and then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/answers.h"
#include "serve/inner.h"

enum { ASSETS_MAX = 8, SEND_BUFFER_BYTES = 32 * 1024, WANTED_MS = 60000, BLOCK_BYTES = 4096 };

struct stream {
    struct feed_cursor cursor;
    uint32_t kinds; /* bits 1 << kind */
    uint32_t assets;
    struct filter {
        char path[CODEC_PATH_MAX];
        uint32_t length;
        bool below; /* the asset and what is below it */
    } asset[ASSETS_MAX];
    bool begun, beat, gap;
    uint64_t lost;     /* with gap; 0: nobody knows         */
    size_t sent;       /* bytes of the event at the cursor that are out */
    int64_t spoken_ns; /* when something was last sent      */
};

static const char *const kind_name[FEED_KINDS] = {[FEED_READING] = "reading",
                                                  [FEED_VERDICT] = "verdict",
                                                  [FEED_ALARM] = "alarm",
                                                  [FEED_OEE] = "oee",
                                                  [FEED_STATE] = "state"};

/* ---- what is asked for ---- */

static bool read_kinds(struct text text, uint32_t *kinds)
{
    *kinds = 0;
    for (uint32_t at = 0; at <= text.length;) {
        uint32_t end = at, kind = 0;
        while (end < text.length && text.at[end] != ',') end++;
        struct text name = {text.at + at, end - at};
        while (kind < FEED_KINDS && !text_is(name, text_of(kind_name[kind]))) kind++;
        if (kind == FEED_KINDS) return false;
        *kinds |= 1u << kind;
        at = end + 1;
    }
    return true;
}

static bool read_asset(struct stream *s, struct text text)
{
    if (s->assets == ASSETS_MAX || text.length == 0 || text.length > CODEC_PATH_MAX) return false;
    struct filter *f = &s->asset[s->assets++];
    f->below = text.at[text.length - 1] == '*' || text.at[text.length - 1] == '#';
    f->length = text.length - f->below;
    if (f->below && f->length > 0 && text.at[f->length - 1] == '/') f->length--;
    memcpy(f->path, text.at, f->length);
    return true;
}

static bool read_query(struct client *c, struct stream *s)
{
    struct query q;
    uint32_t at = 0;
    const struct text *value;
    if (!client_query(c, &q)) return false;
    s->kinds = (1u << FEED_KINDS) - 1;
    value = query_find(&q, "kinds");
    if (value != NULL && !read_kinds(*value, &s->kinds)) {
        client_refuse(c, REFUSED_PARAMETER, 400,
                      "kinds is \"%.*s\", expected some of reading,verdict,alarm,oee,state",
                      value->length < 80 ? (int)value->length : 80, value->at);
        return false;
    }
    while ((value = query_next(&q, "asset", &at)) != NULL) {
        if (read_asset(s, *value)) continue;
        client_refuse(c, REFUSED_PARAMETER, 400,
                      "asset: expected at most %d paths, of at most %u bytes", ASSETS_MAX,
                      CODEC_PATH_MAX);
        return false;
    }
    return true;
}

/* "offset-index"; what is none is like one that is long gone. */
static void find_place(struct client *c, struct stream *s)
{
    const struct feed *feed = c->worker->server->plant.feed;
    struct text id = client_header(c, "Last-Event-ID");
    const char *dash = id.length == 0 ? NULL : memchr(id.at, '-', id.length);
    uint64_t offset, index;
    if (id.length == 0) {
        feed_newest(feed, &s->cursor);
    } else if (dash != NULL &&
               query_whole((struct text){id.at, (uint32_t)(dash - id.at)}, UINT64_MAX, &offset) &&
               query_whole((struct text){dash + 1, id.length - (uint32_t)(dash - id.at) - 1},
                           UINT32_MAX, &index)) {
        s->gap = !feed_behind(feed, offset, (uint32_t)index, &s->cursor);
    } else {
        feed_newest(feed, &s->cursor);
        s->gap = true;
    }
}

static bool wants(const struct stream *s, const struct feed_event *e)
{
    if (e->kind >= FEED_KINDS || !(s->kinds & 1u << e->kind)) return false;
    for (uint32_t i = 0; i < s->assets; i++) {
        const struct filter *f = &s->asset[i];
        struct text path = {f->path, f->length};
        if (text_is(e->asset, path)) return true;
        if (f->below &&
            (f->length == 0 || (text_starts(e->asset, path) && e->asset.length > f->length &&
                                e->asset.at[f->length] == '/')))
            return true;
    }
    return s->assets == 0;
}

/* ---- sending ---- */

struct room { /* what the library lets us fill */
    char *at;
    size_t used, max;
};

static bool put(struct room *r, const char *text)
{
    size_t n = strlen(text);
    if (n > r->max - r->used) return false;
    memcpy(r->at + r->used, text, n);
    r->used += n;
    return true;
}

static bool put_gap(struct stream *s, struct room *r)
{
    char text[64];
    if (s->lost > 0)
        snprintf(text, sizeof text, "event: gap\ndata: {\"lost\":%llu}\n\n",
                 (unsigned long long)s->lost);
    else
        snprintf(text, sizeof text, "event: gap\ndata: {\"lost\":null}\n\n");
    if (!put(r, text)) return false;
    s->gap = false;
    s->lost = 0;
    return true;
}

/* As much of the part as has room, behind what was sent before. */
static void put_part(struct room *r, struct text part, size_t *skip)
{
    if (*skip >= part.length) {
        *skip -= part.length;
        return;
    }
    size_t left = part.length - *skip, room = r->max - r->used, n = left < room ? left : room;
    memcpy(r->at + r->used, part.at + *skip, n);
    r->used += n;
    *skip = 0;
}

/* True: the event is out, all of it. */
static bool put_event(struct stream *s, struct room *r, const struct feed_event *e)
{
    char head[96];
    int n =
        snprintf(head, sizeof head, "id: %llu-%u\nevent: %s\ndata: ", (unsigned long long)e->offset,
                 (unsigned)e->index, kind_name[e->kind]);
    size_t skip = s->sent, before = r->used, size = (size_t)n + e->json.length + 2;
    put_part(r, (struct text){head, (uint32_t)n}, &skip);
    put_part(r, e->json, &skip);
    put_part(r, TEXT("\n\n"), &skip);
    s->sent += r->used - before;
    if (s->sent < size) return false;
    s->sent = 0;
    return true;
}

/* False: an event that is half out is gone; the stream cannot go on. */
static bool put_events(struct client *c, struct room *r)
{
    struct stream *s = c->stream;
    const struct feed *feed = c->worker->server->plant.feed;
    while (r->used < r->max && !s->gap) {
        struct feed_cursor before = s->cursor;
        struct feed_event e;
        uint64_t lost;
        int got = feed_next(feed, &s->cursor, c->worker->event_room, &e, &lost);
        if (got == 0) return true;
        if (got < 0) {
            tally_add(&c->worker->tally.events_lost, lost);
            if (s->sent > 0) return false;
            s->gap = true;
            s->lost = lost;
        } else if (wants(s, &e)) {
            if (!put_event(s, r, &e)) {
                s->cursor = before;
                return true;
            }
            tally_add(&c->worker->tally.events, 1);
        }
    }
    return true;
}

static ssize_t fill(void *context, uint64_t position, char *bytes, size_t max)
{
    struct client *c = context;
    struct stream *s = c->stream;
    struct room r = {bytes, 0, max};
    (void)position;
    if (s == NULL || c->cut || atomic_load(&c->worker->server->stopping))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!s->begun) s->begun = put(&r, ": andon\nretry: 2000\n\n");
    do {
        if (s->gap && !put_gap(s, &r)) break;
        if (!put_events(c, &r)) return MHD_CONTENT_READER_END_OF_STREAM;
    } while (s->gap && r.max - r.used > 64);
    if (s->beat && r.used == 0) put(&r, ":\n\n");
    s->beat = false;
    c->since_ns = clock_steady_ns();
    if (r.used == 0) {
        client_suspend(c);
        return 0;
    }
    s->spoken_ns = c->since_ns;
    tally_add(&c->worker->tally.answer_bytes, r.used);
    return (ssize_t)r.used;
}

/* ---- its life ---- */

void answer_stream(struct client *c)
{
    struct worker *w = c->worker;
    if (w->server->plant.feed == NULL) {
        client_refuse(c, REFUSED_FAILED, 503, "there is no live stream here");
        return;
    }
    struct stream *s = calloc(1, sizeof *s);
    if (s == NULL) {
        client_refuse(c, REFUSED_BUSY, 503, "no memory for another stream");
        return;
    }
    if (!read_query(c, s)) {
        free(s);
        return;
    }
    find_place(c, s);
    c->answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, fill, c, NULL);
    if (c->answer == NULL) {
        free(s);
        client_refuse(c, REFUSED_BUSY, 503, "no memory for another stream");
        return;
    }
    const int bytes = SEND_BUFFER_BYTES;
    setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    MHD_add_response_header(c->answer, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    MHD_add_response_header(c->answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(c->answer, "X-Accel-Buffering", "no");
    c->answer_mine = true;
    c->stream = s;
    s->spoken_ns = clock_steady_ns();
    c->ready = true;
    c->reply.status = 200;
    client_phase(c, CLIENT_STREAM);
    feed_want(w->server->plant.feed, s->kinds, s->spoken_ns + WANTED_MS * NS_PER_MS);
    w->streams++;
    w->sweep_due = true;
    tally_add(&w->tally.streams, 1);
}

void stream_end(struct client *c)
{
    free(c->stream);
    c->stream = NULL;
    c->worker->streams--;
    tally_take(&c->worker->tally.streams, 1);
}

/* Passes over what the stream does not want; true: there is something for it. */
static bool has_news(struct client *c)
{
    struct stream *s = c->stream;
    const struct feed *feed = c->worker->server->plant.feed;
    while (feed_has(feed, &s->cursor)) {
        struct feed_cursor before = s->cursor;
        struct feed_event e;
        uint64_t lost;
        int got = feed_next(feed, &s->cursor, c->worker->event_room, &e, &lost);
        if (got < 0) {
            tally_add(&c->worker->tally.events_lost, lost);
            s->gap = true;
            s->lost = lost;
            return true;
        }
        if (got == 1 && wants(s, &e)) {
            s->cursor = before;
            return true;
        }
    }
    return false;
}

void stream_sweep(struct worker *w, int64_t now_ns)
{
    struct feed *feed = w->server->plant.feed;
    int64_t beat_ns = (int64_t)w->server->options.heartbeat_ms * NS_PER_MS;
    uint32_t kinds = 0;
    feed_arm(feed, w->watcher); /* first: what comes from here on wakes us */
    for (struct client *c = w->live; c != NULL; c = c->next) {
        if (c->stream == NULL) continue;
        kinds |= c->stream->kinds;
        if (!c->suspended) continue;
        c->stream->beat = now_ns - c->stream->spoken_ns >= beat_ns;
        if (has_news(c) || c->stream->beat) client_resume(c);
    }
    feed_want(feed, kinds, now_ns + WANTED_MS * NS_PER_MS);
}
