/* Memory with a lifetime and a limit.
 *
 * The library never calls malloc by itself: it takes chunks from the allocator that the caller
 * names, hands them out in order and gives them all back at once. A model lives in one arena; a
 * fit's working rows live in another that is rewound when it ends. */
#ifndef ANDON_ARENA_H
#define ANDON_ARENA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where chunks come from. alloc returns NULL when there is none; both are called by the thread that
 * uses the arena. */
struct andon_allocator {
    void *(*alloc)(void *context, size_t bytes);
    void (*release)(void *context, void *chunk, size_t bytes);
    void *context;
};

/* andon_allocator_libc takes chunks from malloc. */
struct andon_allocator andon_allocator_libc(void);

struct andon_arena_chunk;

/* Owned by one thread at a time. A zeroed arena is empty and may be freed. */
struct andon_arena {
    struct andon_allocator from;
    struct andon_arena_chunk *last; /* the chunk that is being filled */
    size_t used;                    /* bytes taken from the allocator */
    size_t limit;                   /* at most this many              */
};

/* andon_arena_init prepares an arena that takes at most limit bytes. Nothing is allocated yet. */
void andon_arena_init(struct andon_arena *arena, struct andon_allocator from, size_t limit);

/* andon_arena_take returns bytes zeroed bytes aligned to 64 (so any SIMD load is aligned), or NULL
 * when the limit is reached or the allocator has none. bytes may be 0. */
void *andon_arena_take(struct andon_arena *arena, size_t bytes);

/* andon_arena_array is take(count * size) that returns NULL when the product overflows. */
void *andon_arena_array(struct andon_arena *arena, size_t count, size_t size);

/* andon_arena_text copies a string into the arena; NULL when there is no room. */
char *andon_arena_text(struct andon_arena *arena, const char *text);

/* A place to rewind to: everything taken later is given back. */
struct andon_arena_mark {
    struct andon_arena_chunk *chunk;
    size_t fill;
};
struct andon_arena_mark andon_arena_mark(const struct andon_arena *arena);
void andon_arena_rewind(struct andon_arena *arena, struct andon_arena_mark mark);

/* andon_arena_free gives every chunk back. Safe on a zeroed and on a freed arena. */
void andon_arena_free(struct andon_arena *arena);

#ifdef __cplusplus
}
#endif
#endif
