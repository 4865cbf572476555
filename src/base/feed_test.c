#include "base/feed.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

static char room[FEED_EVENT_MAX];

static bool push(struct feed *f, uint64_t offset, const char *asset, const char *json)
{
    return feed_push(f, &(struct feed_event){.offset = offset,
                                             .kind = FEED_VERDICT,
                                             .asset = text_of(asset),
                                             .json = text_of(json)});
}

TEST(a_reader_gets_what_was_pushed_in_order)
{
    andon_error err;
    struct feed *f;
    struct feed_cursor c;
    struct feed_event e;
    uint64_t lost;
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    feed_newest(f, &c);
    CHECK(!feed_has(f, &c));
    CHECK(feed_next(f, &c, room, &e, &lost) == 0);
    CHECK(push(f, 10, "site/pump", "{\"a\":1}"));
    CHECK(push(f, 10, "", "{}"));
    CHECK(push(f, 12, "x", ""));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1);
    CHECK(e.offset == 10 && e.index == 0 && e.kind == FEED_VERDICT);
    CHECK(text_is(e.asset, TEXT("site/pump")) && text_is(e.json, TEXT("{\"a\":1}")));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1);
    CHECK(e.offset == 10 && e.index == 1 && e.asset.length == 0 && text_is(e.json, TEXT("{}")));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1);
    CHECK(e.offset == 12 && e.index == 0 && text_is(e.asset, TEXT("x")) && e.json.length == 0);
    CHECK(feed_next(f, &c, room, &e, &lost) == 0 && !feed_has(f, &c));
    feed_close(f);
}

TEST(every_length_comes_back_byte_for_byte)
{
    andon_error err;
    struct feed *f;
    static char bytes[300];
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    for (int i = 0; i < 300; i++) bytes[i] = (char)(i * 7 + 1);
    for (uint32_t asset = 0; asset < 20; asset++) {
        for (uint32_t json = 0; json < 280; json++) {
            struct feed_cursor c;
            struct feed_event e = {.asset = {bytes, asset}, .json = {bytes + asset, json}}, got;
            uint64_t lost;
            feed_newest(f, &c);
            CHECK(feed_push(f, &e));
            CHECK(feed_next(f, &c, room, &got, &lost) == 1);
            CHECK(text_is(got.asset, e.asset) && text_is(got.json, e.json));
        }
    }
    feed_close(f);
}

TEST(an_event_that_is_too_long_is_left_out)
{
    andon_error err;
    struct feed *f;
    static char bytes[FEED_EVENT_MAX + 1];
    struct feed_cursor c;
    struct feed_event e;
    uint64_t lost;
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    feed_newest(f, &c);
    CHECK(!feed_push(f, &(struct feed_event){.json = {bytes, FEED_EVENT_MAX + 1}}));
    CHECK(!feed_push(f, &(struct feed_event){.asset = {bytes, FEED_ASSET_MAX + 1}}));
    CHECK(!feed_has(f, &c));
    CHECK(feed_push(f, &(struct feed_event){.json = {bytes, FEED_EVENT_MAX}}));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1 && e.json.length == FEED_EVENT_MAX);
    feed_close(f);
}

TEST(a_reader_that_falls_behind_is_told_how_many_it_missed)
{
    andon_error err;
    struct feed *f;
    struct feed_cursor c;
    struct feed_event e;
    uint64_t lost, seen = 0, last = 0;
    static char text[1000];
    memset(text, 'x', sizeof text - 1);
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    feed_newest(f, &c);
    CHECK(push(f, 0, "a", "first"));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1);
    for (uint64_t i = 1; i <= 5000; i++) CHECK(push(f, i, "a", text));
    CHECK(feed_next(f, &c, room, &e, &lost) == -1);
    CHECK(lost > 0 && lost < 5000);
    while (feed_next(f, &c, room, &e, &(uint64_t){0}) == 1) {
        seen++;
        last = e.offset;
    }
    CHECK_SAY(lost + seen == 5000 && last == 5000, "lost %lu seen %lu last %lu", lost, seen, last);
    feed_close(f);
}

TEST(who_comes_back_goes_on_behind_the_last_event_he_saw)
{
    andon_error err;
    struct feed *f;
    struct feed_cursor c;
    struct feed_event e;
    uint64_t lost;
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    CHECK(!feed_behind(f, 3, 0, &c) && !feed_has(f, &c));
    for (uint64_t i = 0; i < 4; i++) CHECK(push(f, 100 + i / 2, "a", "{}"));
    CHECK(feed_behind(f, 100, 1, &c));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1 && e.offset == 101 && e.index == 0);
    CHECK(feed_behind(f, 101, 1, &c) && !feed_has(f, &c)); /* he has all */
    CHECK(push(f, 102, "a", "{}"));
    CHECK(feed_next(f, &c, room, &e, &lost) == 1 && e.offset == 102);
    CHECK(!feed_behind(f, 50, 0, &c)); /* from before: all there is, and he is told */
    CHECK(feed_next(f, &c, room, &e, &lost) == 1 && e.offset == 100 && e.index == 0);
    CHECK(!feed_behind(f, 999, 0, &c) && !feed_has(f, &c));
    feed_close(f);
}

TEST(a_watcher_is_woken_once_for_each_time_it_asks)
{
    andon_error err;
    struct feed *f;
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    int fd = eventfd(0, EFD_NONBLOCK), w = feed_watch(f, fd);
    uint64_t count = 0;
    CHECK(fd >= 0 && w >= 0);
    feed_tell(f);
    CHECK(read(fd, &count, sizeof count) < 0);
    feed_arm(f, w);
    feed_tell(f);
    feed_tell(f);
    CHECK(read(fd, &count, sizeof count) == sizeof count && count == 1);
    feed_arm(f, w);
    feed_unwatch(f, w);
    feed_tell(f);
    CHECK(read(fd, &count, sizeof count) < 0);
    for (uint32_t i = 0; i < FEED_WATCHERS_MAX; i++) CHECK(feed_watch(f, fd) >= 0);
    CHECK(feed_watch(f, fd) == -1);
    close(fd);
    feed_close(f);
}

TEST(a_kind_is_wanted_until_the_latest_time_asked_for)
{
    andon_error err;
    struct feed *f;
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    CHECK(!feed_wanted(f, FEED_READING, 1));
    feed_want(f, 1u << FEED_READING, 100);
    feed_want(f, 1u << FEED_READING | 1u << FEED_STATE, 50);
    CHECK(feed_wanted(f, FEED_READING, 99) && !feed_wanted(f, FEED_READING, 100));
    CHECK(feed_wanted(f, FEED_STATE, 49) && !feed_wanted(f, FEED_STATE, 50));
    CHECK(!feed_wanted(f, FEED_VERDICT, 1));
    feed_close(f);
}

/* Readers that run beside the writer see whole events or a gap, and every number once. */
struct reading {
    struct feed *f;
    struct feed_cursor c;
    uint64_t seen, lost, broken;
};
enum { PUSHED = 60000 };
static _Atomic bool written;

static void *read_all(void *context)
{
    struct reading *r = context;
    char *mine = malloc(FEED_EVENT_MAX);
    bool last = false;
    while (mine != NULL && !last) {
        last = atomic_load(&written); /* and once more behind the end */
        struct feed_event e;
        uint64_t lost;
        int got;
        while ((got = feed_next(r->f, &r->c, mine, &e, &lost)) != 0) {
            if (got < 0) {
                r->lost += lost;
                continue;
            }
            r->seen++;
            char byte = (char)('a' + e.offset % 26);
            if (e.json.length != e.offset % 977) r->broken++;
            for (uint32_t i = 0; i < e.json.length; i++) r->broken += e.json.at[i] != byte;
        }
    }
    free(mine);
    return NULL;
}

TEST(readers_beside_the_writer_see_whole_events_or_a_gap)
{
    andon_error err;
    struct feed *f;
    static char text[977];
    struct reading r[2] = {0};
    pthread_t thread[2];
    CHECK(feed_open(0, &f, &err) == ANDON_OK);
    CHECK(push(f, 0, "", ""));
    for (int i = 0; i < 2; i++) {
        r[i].f = f;
        feed_behind(f, 0, 0, &r[i].c);
        r[i].c.number = 1;
        CHECK(pthread_create(&thread[i], NULL, read_all, &r[i]) == 0);
    }
    for (uint64_t n = 1; n <= PUSHED; n++) {
        memset(text, (char)('a' + n % 26), n % 977);
        feed_push(f, &(struct feed_event){.offset = n, .json = {text, (uint32_t)(n % 977)}});
    }
    atomic_store(&written, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        CHECK_SAY(r[i].broken == 0, "%lu bytes are wrong", r[i].broken);
        CHECK_SAY(r[i].seen + r[i].lost == PUSHED, "seen %lu, lost %lu", r[i].seen, r[i].lost);
    }
    feed_close(f);
}
