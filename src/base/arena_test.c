#include "andon/arena.h"

#include "test.h"

/* Chunks that are out, and the call at which malloc gives up (0: never). */
struct meter {
    size_t out, bytes, calls, fail_at;
};

static void *meter_alloc(void *context, size_t bytes)
{
    struct meter *m = context;
    if (++m->calls == m->fail_at) return NULL;
    void *chunk = malloc(bytes);
    if (chunk == NULL) return NULL;
    memset(chunk, 0xa5, bytes);
    m->out++;
    m->bytes += bytes;
    return chunk;
}

static void meter_release(void *context, void *chunk, size_t bytes)
{
    struct meter *m = context;
    m->out--;
    m->bytes -= bytes;
    free(chunk);
}

static struct andon_arena metered(struct meter *m, size_t limit)
{
    struct andon_arena arena;
    andon_arena_init(&arena, (struct andon_allocator){meter_alloc, meter_release, m}, limit);
    return arena;
}

TEST(every_block_is_aligned_to_64_zeroed_and_apart_from_the_others)
{
    struct meter m = {0};
    struct andon_arena arena = metered(&m, 64 << 20);
    unsigned char *block[300];
    for (size_t i = 0; i < 300; i++) {
        size_t bytes = i * i;
        block[i] = andon_arena_take(&arena, bytes);
        CHECK(block[i] != NULL && (uintptr_t)block[i] % 64 == 0);
        for (size_t k = 0; k < bytes; k++) CHECK_SAY(block[i][k] == 0, "block %zu", i);
        memset(block[i], (int)(i % 251), bytes);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i * i; k++) CHECK_SAY(block[i][k] == i % 251, "block %zu", i);
    andon_arena_free(&arena);
    CHECK(m.out == 0 && m.bytes == 0);
}

TEST(an_arena_never_takes_more_than_its_limit)
{
    for (size_t limit = 0; limit < 300000; limit += 4999) {
        struct meter m = {0};
        struct andon_arena arena = metered(&m, limit);
        size_t taken = 0;
        while (andon_arena_take(&arena, 1000) != NULL) taken += 1000;
        CHECK(arena.used == m.bytes && m.bytes <= limit);
        CHECK_SAY(taken > limit / 2 || limit < 10000, "%zu of %zu bytes", taken, limit);
        andon_arena_free(&arena);
        CHECK(m.out == 0 && arena.used == 0);
    }
}

TEST(sizes_that_overflow_are_refused_before_anything_is_allocated)
{
    struct meter m = {0};
    struct andon_arena arena = metered(&m, SIZE_MAX);
    CHECK(andon_arena_array(&arena, SIZE_MAX / 2, 3) == NULL);
    CHECK(andon_arena_array(&arena, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(andon_arena_take(&arena, SIZE_MAX) == NULL);
    CHECK(andon_arena_take(&arena, SIZE_MAX - 80) == NULL);
    CHECK(m.calls == 0);
    CHECK(andon_arena_array(&arena, 0, 8) != NULL && andon_arena_array(&arena, 8, 0) != NULL);
    andon_arena_free(&arena);
}

TEST(an_allocator_that_has_none_gives_null_and_the_arena_goes_on)
{
    struct meter m = {.fail_at = 2};
    struct andon_arena arena = metered(&m, 64 << 20);
    char *first = andon_arena_take(&arena, 10);
    CHECK(first != NULL);
    CHECK(andon_arena_take(&arena, 1 << 20) == NULL);
    CHECK(andon_arena_take(&arena, 1 << 20) != NULL);
    andon_arena_free(&arena);
    CHECK(m.out == 0);
}

TEST(a_rewind_gives_back_what_was_taken_later_and_nothing_else)
{
    struct meter m = {0};
    struct andon_arena arena = metered(&m, 64 << 20);
    struct andon_arena_mark empty = andon_arena_mark(&arena);
    char *kept = andon_arena_text(&arena, "kept");
    struct andon_arena_mark mark = andon_arena_mark(&arena);
    size_t used = arena.used;
    char *later = andon_arena_take(&arena, 100);
    memset(later, 1, 100);
    CHECK(andon_arena_take(&arena, 1 << 20) != NULL && m.out == 2);
    andon_arena_rewind(&arena, mark);
    CHECK(strcmp(kept, "kept") == 0 && arena.used == used && m.out == 1);
    char *again = andon_arena_take(&arena, 100);
    CHECK(again == later);
    for (int i = 0; i < 100; i++) CHECK(again[i] == 0);
    andon_arena_rewind(&arena, empty);
    CHECK(m.out == 0 && arena.used == 0);
    andon_arena_free(&arena);
}

TEST(freeing_a_zeroed_or_freed_arena_is_safe)
{
    struct andon_arena arena = {0};
    andon_arena_free(&arena);
    andon_arena_init(&arena, andon_allocator_libc(), 1 << 20);
    CHECK(andon_arena_take(&arena, 5) != NULL);
    andon_arena_free(&arena);
    andon_arena_free(&arena);
    CHECK(arena.used == 0);
}

TEST(text_that_does_not_fit_is_refused)
{
    struct meter m = {0};
    struct andon_arena arena = metered(&m, 10);
    CHECK(andon_arena_text(&arena, "text") == NULL);
    CHECK(m.calls == 0);
}
