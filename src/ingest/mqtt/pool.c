/* order k: a block of POOL_BLOCK_MIN << k bytes. state[i] tells about the block that starts at the
 * i-th smallest block: 0 inside of one, FREE | (k + 1) or k + 1 at the start of one. */
#include "ingest/mqtt/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifdef ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define CLOSE_ROOM(at, bytes) __asan_poison_memory_region(at, bytes)
#define OPEN_ROOM(at, bytes) __asan_unpoison_memory_region(at, bytes)
#else
#define CLOSE_ROOM(at, bytes) ((void)(at), (void)(bytes))
#define OPEN_ROOM(at, bytes) ((void)(at), (void)(bytes))
#endif

enum { ORDERS = 40, FREE = 0x80, TRIM_ORDER = 14 /* 1 MiB */, TRIM_BYTES = 16 << 20 };

struct free_block { /* in the first bytes of a free block */
    struct free_block *next, *before;
};

struct pool {
    uint8_t *base, *state;
    size_t bytes, used, peak; /* peak: of used since the last trim */
    uint32_t orders;          /* the whole is a block of orders - 1 */
    struct free_block *free[ORDERS];
};

static size_t block_bytes(uint32_t order)
{
    return (size_t)POOL_BLOCK_MIN << order;
}

static size_t number_of(const struct pool *p, const void *at)
{
    return (size_t)((const uint8_t *)at - p->base) / POOL_BLOCK_MIN;
}

static void link_free(struct pool *p, void *at, uint32_t order)
{
    struct free_block *b = at;
    OPEN_ROOM(b, sizeof *b);
    *b = (struct free_block){p->free[order], NULL};
    if (b->next != NULL) b->next->before = b;
    p->free[order] = b;
    p->state[number_of(p, at)] = (uint8_t)(FREE | (order + 1));
}

static void unlink_free(struct pool *p, struct free_block *b, uint32_t order)
{
    if (b->next != NULL) b->next->before = b->before;
    if (b->before != NULL)
        b->before->next = b->next;
    else
        p->free[order] = b->next;
    p->state[number_of(p, b)] = 0;
}

static void *reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

andon_status pool_open(size_t bytes, struct pool **pool, andon_error *err)
{
    assert(bytes >= POOL_BLOCK_MIN && (bytes & (bytes - 1)) == 0);
    struct pool *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->bytes = bytes;
        p->base = reserve(bytes);
        p->state = reserve(bytes / POOL_BLOCK_MIN);
    }
    if (p == NULL || p->base == NULL || p->state == NULL) {
        pool_close(p);
        return andon_fail(err, ANDON_ENOMEM, "no memory for a pool of %zu bytes", bytes);
    }
    while (block_bytes(p->orders++) < bytes) continue;
    CLOSE_ROOM(p->base, bytes);
    link_free(p, p->base, p->orders - 1);
    *pool = p;
    return ANDON_OK;
}

void pool_close(struct pool *pool)
{
    if (pool == NULL) return;
    if (pool->base != NULL) {
        OPEN_ROOM(pool->base, pool->bytes);
        munmap(pool->base, pool->bytes);
    }
    if (pool->state != NULL) munmap(pool->state, pool->bytes / POOL_BLOCK_MIN);
    free(pool);
}

void *pool_take(struct pool *pool, size_t bytes, uint32_t *room)
{
    uint32_t order = 0, from;
    while (order < pool->orders && block_bytes(order) < bytes) order++;
    for (from = order; from < pool->orders && pool->free[from] == NULL; from++) continue;
    if (from >= pool->orders) return NULL;
    struct free_block *b = pool->free[from];
    unlink_free(pool, b, from);
    while (from > order) { /* the upper half stays */
        from--;
        link_free(pool, (uint8_t *)b + block_bytes(from), from);
    }
    pool->state[number_of(pool, b)] = (uint8_t)(order + 1);
    pool->used += block_bytes(order);
    if (pool->used > pool->peak) pool->peak = pool->used;
    if (room != NULL) *room = (uint32_t)block_bytes(order);
    OPEN_ROOM(b, room != NULL ? block_bytes(order) : bytes);
    return b;
}

void pool_give(struct pool *pool, void *at)
{
    if (at == NULL) return;
    size_t i = number_of(pool, at);
    assert(pool->state[i] != 0 && (pool->state[i] & FREE) == 0);
    uint32_t order = pool->state[i] - 1u;
    pool->used -= block_bytes(order);
    pool->state[i] = 0;
    CLOSE_ROOM(at, block_bytes(order));
    while (order + 1 < pool->orders) {
        size_t other = i ^ ((size_t)1 << order);
        if (pool->state[other] != (FREE | (order + 1))) break;
        unlink_free(pool, (struct free_block *)(void *)(pool->base + other * POOL_BLOCK_MIN),
                    order);
        CLOSE_ROOM(pool->base + other * POOL_BLOCK_MIN, sizeof(struct free_block));
        i &= ~((size_t)1 << order);
        order++;
    }
    link_free(pool, pool->base + i * POOL_BLOCK_MIN, order);
}

void pool_trim(struct pool *pool)
{
    const size_t page = 4096; /* the first holds the list; a larger real page only frees less */
    if (pool->peak < pool->used + TRIM_BYTES) return;
    for (uint32_t order = TRIM_ORDER; order < pool->orders; order++)
        for (struct free_block *b = pool->free[order]; b != NULL; b = b->next)
            (void)madvise((uint8_t *)b + page, block_bytes(order) - page, MADV_DONTNEED);
    pool->peak = pool->used;
}

size_t pool_used(const struct pool *pool)
{
    return pool->used;
}
