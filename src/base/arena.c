/* An arena is a list of chunks, newest first. Invariants:
 *   1. used is the sum of the chunks' sizes and never exceeds limit.
 *   2. every block handed out starts on a multiple of ALIGN and is zeroed. */
#include "andon/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, CHUNK_MIN = 64 * 1024 };

struct andon_arena_chunk {
    struct andon_arena_chunk *before;
    size_t size; /* of the whole allocation          */
    size_t fill; /* bytes used, counted from the chunk's own start */
};

static void *libc_alloc(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void libc_release(void *context, void *chunk, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(chunk);
}

struct andon_allocator andon_allocator_libc(void)
{
    return (struct andon_allocator){libc_alloc, libc_release, NULL};
}

void andon_arena_init(struct andon_arena *arena, struct andon_allocator from, size_t limit)
{
    *arena = (struct andon_arena){.from = from, .limit = limit};
}

/* Where the next aligned block of a chunk would start. */
static size_t chunk_next(const struct andon_arena_chunk *chunk)
{
    uintptr_t base = (uintptr_t)chunk;
    return (size_t)(((base + chunk->fill + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1)) - base);
}

static bool chunk_add(struct andon_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(struct andon_arena_chunk) - ALIGN) return false;
    size_t need = bytes + sizeof(struct andon_arena_chunk) + ALIGN;
    size_t left = arena->limit - arena->used;
    if (need > left) return false;
    /* Grow with the arena, so that a large model takes few chunks. */
    size_t size = arena->used / 2 > CHUNK_MIN ? arena->used / 2 : (size_t)CHUNK_MIN;
    if (size < need) size = need;
    if (size > left) size = left;
    struct andon_arena_chunk *chunk = arena->from.alloc(arena->from.context, size);
    if (chunk == NULL) return false;
    *chunk = (struct andon_arena_chunk){arena->last, size, sizeof *chunk};
    arena->last = chunk;
    arena->used += size;
    return true;
}

void *andon_arena_take(struct andon_arena *arena, size_t bytes)
{
    struct andon_arena_chunk *chunk = arena->last;
    if (chunk == NULL || chunk_next(chunk) > chunk->size ||
        bytes > chunk->size - chunk_next(chunk)) {
        if (!chunk_add(arena, bytes)) return NULL;
        chunk = arena->last;
    }
    size_t at = chunk_next(chunk);
    assert(at + bytes <= chunk->size);
    chunk->fill = at + bytes;
    return memset((char *)chunk + at, 0, bytes);
}

void *andon_arena_array(struct andon_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) return NULL;
    return andon_arena_take(arena, count * size);
}

char *andon_arena_text(struct andon_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = andon_arena_take(arena, bytes);
    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

struct andon_arena_mark andon_arena_mark(const struct andon_arena *arena)
{
    return (struct andon_arena_mark){arena->last, arena->last == NULL ? 0 : arena->last->fill};
}

static void chunk_drop(struct andon_arena *arena)
{
    struct andon_arena_chunk *chunk = arena->last;
    arena->last = chunk->before;
    arena->used -= chunk->size;
    arena->from.release(arena->from.context, chunk, chunk->size);
}

void andon_arena_rewind(struct andon_arena *arena, struct andon_arena_mark mark)
{
    while (arena->last != mark.chunk) chunk_drop(arena);
    if (arena->last != NULL) arena->last->fill = mark.fill;
}

void andon_arena_free(struct andon_arena *arena)
{
    while (arena->last != NULL) chunk_drop(arena);
}
