#include "base/feed.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A record: words in it | kind << 32 | asset's length << 40, its number, offset,
 * index | text's length << 32, then asset and text, filled up with zeros. */
enum { HEAD_WORDS = 4, WORDS_MAX = HEAD_WORDS + (FEED_EVENT_MAX + 7) / 8 };
#define UNKNOWN UINT64_MAX

struct feed {
    uint64_t mask;         /* words - 1 */
    _Atomic uint64_t tail; /* the oldest record */
    _Atomic uint64_t head; /* behind the newest */
    uint64_t number;       /* the writer's: of the next event */
    uint64_t last_offset;
    uint32_t last_index;
    bool any;
    _Atomic int watcher[FEED_WATCHERS_MAX]; /* eventfd + 1; 0: free */
    _Atomic bool armed[FEED_WATCHERS_MAX];
    _Atomic int64_t wanted_until_ns[FEED_KINDS];
    _Atomic uint64_t word[];
};

static uint64_t word_at(const struct feed *f, uint64_t at)
{
    return atomic_load_explicit(&f->word[at & f->mask], memory_order_acquire);
}

static void word_put(struct feed *f, uint64_t at, uint64_t value)
{
    atomic_store_explicit(&f->word[at & f->mask], value, memory_order_release);
}

static uint32_t words_of(uint64_t first)
{
    return (uint32_t)first;
}

andon_status feed_open(size_t bytes, struct feed **feed, andon_error *err)
{
    size_t words = 4 * WORDS_MAX;
    while (words & (words - 1)) words += words & -words;
    while (words * 8 < bytes) words *= 2;
    struct feed *f = calloc(1, sizeof *f + words * sizeof f->word[0]);
    if (f == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for a feed of %zu bytes", words * 8);
    f->mask = words - 1;
    *feed = f;
    return ANDON_OK;
}

void feed_close(struct feed *feed)
{
    free(feed);
}

/* asset and text as one row of bytes, eight at a time. */
static void put_bytes(struct feed *f, uint64_t at, struct text asset, struct text json)
{
    char rest[8];
    uint32_t held = 0;
    const struct text part[2] = {asset, json};
    for (int p = 0; p < 2; p++) {
        for (uint32_t i = 0; i < part[p].length;) {
            uint32_t most = 8 - held, left = part[p].length - i;
            uint32_t take = left < most ? left : most;
            memcpy(rest + held, part[p].at + i, take);
            held += take;
            i += take;
            if (held < 8) continue;
            uint64_t word;
            memcpy(&word, rest, 8);
            word_put(f, at++, word);
            held = 0;
        }
    }
    if (held == 0) return;
    uint64_t word = 0;
    memcpy(&word, rest, held);
    word_put(f, at, word);
}

bool feed_push(struct feed *f, const struct feed_event *event)
{
    uint64_t bytes = (uint64_t)event->asset.length + event->json.length;
    if (bytes > FEED_EVENT_MAX || event->asset.length > FEED_ASSET_MAX) return false;
    uint32_t words = HEAD_WORDS + (uint32_t)((bytes + 7) / 8);
    uint64_t head = atomic_load_explicit(&f->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&f->tail, memory_order_relaxed);
    while (head + words - tail > f->mask + 1) tail += words_of(word_at(f, tail));
    atomic_store_explicit(&f->tail, tail, memory_order_relaxed);

    f->last_index = f->any && f->last_offset == event->offset ? f->last_index + 1 : 0;
    f->last_offset = event->offset;
    f->any = true;
    word_put(f, head, words | (uint64_t)event->kind << 32 | (uint64_t)event->asset.length << 40);
    word_put(f, head + 1, f->number++);
    word_put(f, head + 2, event->offset);
    word_put(f, head + 3, f->last_index | (uint64_t)event->json.length << 32);
    put_bytes(f, head + HEAD_WORDS, event->asset, event->json);
    atomic_store_explicit(&f->head, head + words, memory_order_release);
    return true;
}

void feed_newest(const struct feed *f, struct feed_cursor *cursor)
{
    cursor->at = atomic_load_explicit(&f->head, memory_order_acquire);
    cursor->number = UNKNOWN;
}

bool feed_has(const struct feed *f, const struct feed_cursor *cursor)
{
    return atomic_load_explicit(&f->head, memory_order_acquire) != cursor->at;
}

static bool gone(const struct feed *f, uint64_t at)
{
    return atomic_load_explicit(&f->tail, memory_order_acquire) > at;
}

/* The cursor to the oldest event; how many lie between. */
static uint64_t catch_up(const struct feed *f, struct feed_cursor *cursor)
{
    for (;;) {
        uint64_t at = atomic_load_explicit(&f->tail, memory_order_acquire);
        uint64_t number = word_at(f, at + 1);
        if (gone(f, at)) continue; /* the writer is fast; it was overwritten just now */
        uint64_t lost = cursor->number == UNKNOWN ? 0 : number - cursor->number;
        *cursor = (struct feed_cursor){at, number};
        return lost;
    }
}

int feed_next(const struct feed *f, struct feed_cursor *cursor, char *room,
              struct feed_event *event, uint64_t *lost)
{
    *lost = 0;
    uint64_t at = cursor->at, head[HEAD_WORDS];
    if (!feed_has(f, cursor)) return 0;
    for (uint32_t i = 0; i < HEAD_WORDS; i++) head[i] = word_at(f, at + i);
    uint32_t words = words_of(head[0]);
    if (words < HEAD_WORDS || words > WORDS_MAX) words = HEAD_WORDS; /* written over: seen below */
    for (uint32_t i = HEAD_WORDS; i < words; i++) {
        uint64_t word = word_at(f, at + i);
        uint32_t byte = (i - HEAD_WORDS) * 8;
        memcpy(room + byte, &word, byte + 8 <= FEED_EVENT_MAX ? 8 : FEED_EVENT_MAX - byte);
    }
    if (gone(f, at)) {
        *lost = catch_up(f, cursor);
        return -1;
    }
    uint32_t asset = (uint32_t)(head[0] >> 40);
    *event = (struct feed_event){.offset = head[2],
                                 .index = (uint32_t)head[3],
                                 .kind = (uint8_t)(head[0] >> 32),
                                 .asset = {room, asset},
                                 .json = {room + asset, (uint32_t)(head[3] >> 32)}};
    *cursor = (struct feed_cursor){at + words, head[1] + 1};
    return 1;
}

bool feed_behind(const struct feed *f, uint64_t offset, uint32_t index, struct feed_cursor *cursor)
{
    for (;;) { /* again when the writer overtakes */
        bool seen = false, overtaken = false;
        uint64_t end = atomic_load_explicit(&f->head, memory_order_acquire);
        cursor->at = atomic_load_explicit(&f->tail, memory_order_acquire);
        cursor->number = UNKNOWN;
        while (cursor->at < end && !overtaken) {
            uint64_t first = word_at(f, cursor->at), o = word_at(f, cursor->at + 2);
            uint32_t i = (uint32_t)word_at(f, cursor->at + 3);
            uint64_t number = word_at(f, cursor->at + 1);
            overtaken = gone(f, cursor->at);
            if (overtaken) break;
            cursor->number = number;
            if (o > offset || (o == offset && i > index)) return seen;
            seen = o == offset && i == index;
            cursor->at += words_of(first);
            cursor->number = number + 1;
        }
        if (!overtaken) return seen;
    }
}

int feed_watch(struct feed *f, int eventfd)
{
    for (int i = 0; i < (int)FEED_WATCHERS_MAX; i++) {
        int free_slot = 0;
        if (atomic_compare_exchange_strong(&f->watcher[i], &free_slot, eventfd + 1)) return i;
    }
    return -1;
}

void feed_unwatch(struct feed *f, int watcher)
{
    if (watcher < 0) return;
    atomic_store(&f->armed[watcher], false);
    atomic_store(&f->watcher[watcher], 0);
}

void feed_arm(struct feed *f, int watcher)
{
    if (watcher >= 0) atomic_store(&f->armed[watcher], true);
}

void feed_tell(struct feed *f)
{
    for (uint32_t i = 0; i < FEED_WATCHERS_MAX; i++) {
        int fd = atomic_load_explicit(&f->watcher[i], memory_order_acquire);
        if (fd == 0 || !atomic_exchange(&f->armed[i], false)) continue;
        const uint64_t one = 1;
        ssize_t written = write(fd - 1, &one, sizeof one);
        (void)written; /* full means that it is awake already */
    }
}

void feed_want(struct feed *f, uint32_t kinds, int64_t until_ns)
{
    for (uint32_t kind = 0; kind < FEED_KINDS; kind++) {
        if (!(kinds & 1u << kind)) continue;
        int64_t known = atomic_load_explicit(&f->wanted_until_ns[kind], memory_order_relaxed);
        while (known < until_ns &&
               !atomic_compare_exchange_weak(&f->wanted_until_ns[kind], &known, until_ns)) {
        }
    }
}

bool feed_wanted(const struct feed *f, enum feed_kind kind, int64_t now_ns)
{
    return atomic_load_explicit(&f->wanted_until_ns[kind], memory_order_relaxed) > now_ns;
}
