#include "serve/body.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

enum { KEPT_BYTES = 1 << 20, PAGE_BYTES = 4096 };

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void lay_out(struct body_pool *pool, size_t small, size_t large, size_t large_bytes)
{
    char *at = pool->memory;
    for (uint32_t i = 0; i < BODY_SMALL_COUNT + BODY_LARGE_COUNT; i++) {
        bool is_large = i >= BODY_SMALL_COUNT;
        struct body *b = &pool->body[i];
        *b = (struct body){
            .at = at, .room = is_large ? large_bytes : BODY_SMALL_BYTES, .large = is_large};
        struct body **list = is_large ? &pool->large : &pool->small;
        b->next = *list;
        *list = b;
        at += is_large ? large : small;
    }
}

andon_status body_pool_open(struct body_pool *pool, size_t large_bytes, andon_error *err)
{
    *pool = (struct body_pool){0};
    size_t small = whole_pages(BODY_SMALL_BYTES + BODY_SLACK);
    size_t large = whole_pages(large_bytes + BODY_SLACK);
    pool->bytes = BODY_SMALL_COUNT * small + BODY_LARGE_COUNT * large;
    void *memory = mmap(NULL, pool->bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return andon_fail(err, ANDON_ENOMEM,
                          "no memory for the bodies of requests: %zu bytes of addresses (lower "
                          "http.body_bytes_max)",
                          pool->bytes);
    pool->memory = memory;
    lay_out(pool, small, large, large_bytes);
    return ANDON_OK;
}

void body_pool_close(struct body_pool *pool)
{
    if (pool->memory != NULL) munmap(pool->memory, pool->bytes);
    *pool = (struct body_pool){0};
}

static struct body *pop(struct body **list)
{
    struct body *b = *list;
    if (b == NULL) return NULL;
    *list = b->next;
    b->next = NULL;
    b->used = 0;
    return b;
}

struct body *body_take(struct body_pool *pool, size_t bytes)
{
    if (bytes > BODY_SMALL_BYTES) return pop(&pool->large);
    struct body *b = pop(&pool->small);
    return b != NULL ? b : pop(&pool->large);
}

void body_give(struct body_pool *pool, struct body *b, int64_t now_ns)
{
    if (b == NULL) return;
    struct body **list = b->large ? &pool->large : &pool->small;
    if (b->used > b->touched) b->touched = b->used;
    b->freed_ns = now_ns;
    b->next = *list;
    *list = b;
}

bool body_append(struct body_pool *pool, struct body **body, const char *bytes, size_t n,
                 bool *too_large)
{
    struct body *b = *body;
    *too_large = false;
    if (n > b->room - b->used && !b->large) {
        struct body *larger = pop(&pool->large);
        if (larger == NULL) return false;
        memcpy(larger->at, b->at, b->used);
        larger->used = b->used;
        body_give(pool, b, b->freed_ns);
        *body = b = larger;
    }
    if (n > b->room - b->used) {
        *too_large = true;
        return false;
    }
    memcpy(b->at + b->used, bytes, n);
    b->used += n;
    return true;
}

void body_trim(struct body_pool *pool, int64_t before_ns)
{
    for (struct body *b = pool->large; b != NULL; b = b->next) {
        if (b->touched <= KEPT_BYTES || b->freed_ns >= before_ns) continue;
        size_t from = whole_pages(KEPT_BYTES), to = whole_pages(b->touched + BODY_SLACK);
        if (to > from) madvise(b->at + from, to - from, MADV_DONTNEED);
        b->touched = KEPT_BYTES;
    }
}

struct body_unpacker {
    z_stream z;
};

struct body_unpacker *body_unpacker_new(void)
{
    struct body_unpacker *u = calloc(1, sizeof *u);
    if (u != NULL && inflateInit2(&u->z, 15 + 16) != Z_OK) {
        free(u);
        u = NULL;
    }
    return u;
}

void body_unpacker_free(struct body_unpacker *u)
{
    if (u == NULL) return;
    inflateEnd(&u->z);
    free(u);
}

/* One member; 1: it ended whole. */
static int inflate_member(z_stream *z)
{
    if (inflateReset(z) != Z_OK) return -1;
    for (;;) {
        int code = inflate(z, Z_NO_FLUSH);
        if (code == Z_STREAM_END) return 1;
        if (z->avail_out == 0) return 0;
        if (code != Z_OK || z->avail_in == 0) return -1;
    }
}

static int unpack_into(struct body_unpacker *u, const struct body *from, struct body *to)
{
    z_stream *z = &u->z;
    z->next_in = (Bytef *)from->at;
    z->avail_in = (uInt)from->used;
    z->next_out = (Bytef *)to->at;
    z->avail_out = (uInt)to->room + 1; /* of the slack: one byte more is too many */
    int done = -1;
    do {
        done = inflate_member(z);
    } while (done == 1 && z->avail_in > 0);
    to->used = to->room + 1 - z->avail_out;
    if (to->used > to->touched) to->touched = to->used;
    return done == 1 && to->used > to->room ? 0 : done;
}

int body_unpack(struct body_unpacker *u, struct body_pool *pool, struct body **body, int64_t now_ns)
{
    struct body *from = *body;
    struct body *to = body_take(pool, 4 * from->used); /* a guess */
    if (to == NULL) return -2;
    int done = unpack_into(u, from, to);
    if (done == 0 && !to->large) {
        body_give(pool, to, now_ns);
        to = pop(&pool->large);
        if (to == NULL) return -2;
        done = unpack_into(u, from, to);
    }
    if (done != 1) {
        body_give(pool, to, now_ns);
        return done;
    }
    body_give(pool, from, now_ns);
    *body = to;
    return 1;
}
