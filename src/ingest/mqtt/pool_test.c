#include "ingest/mqtt/pool.h"

#include "andon/rng.h"
#include "test.h"

enum { POOL = 1 << 20, BLOCKS = 2000 };

TEST(a_pool_gives_what_it_has_and_no_more)
{
    struct pool *pool = NULL;
    andon_error err;
    uint32_t room;
    CHECK(pool_open(POOL, &pool, &err) == ANDON_OK);
    char *all = pool_take(pool, POOL, &room);
    CHECK(all != NULL && room == POOL && pool_used(pool) == POOL);
    memset(all, 1, POOL);
    CHECK(pool_take(pool, 1, NULL) == NULL);
    pool_give(pool, all);
    CHECK(pool_take(pool, POOL + 1, NULL) == NULL && pool_take(pool, SIZE_MAX, NULL) == NULL);
    pool_give(pool, NULL);
    CHECK(pool_used(pool) == 0);
    pool_close(pool);
    pool_close(NULL);
}

TEST(blocks_that_are_given_back_join_again)
{
    struct pool *pool = NULL;
    andon_error err;
    static void *block[POOL / POOL_BLOCK_MIN];
    CHECK(pool_open(POOL, &pool, &err) == ANDON_OK);
    for (uint32_t i = 0; i < POOL / POOL_BLOCK_MIN; i++) {
        block[i] = pool_take(pool, 1, NULL);
        CHECK(block[i] != NULL);
    }
    CHECK(pool_take(pool, 1, NULL) == NULL);
    for (uint32_t i = 0; i < POOL / POOL_BLOCK_MIN; i += 2) pool_give(pool, block[i]);
    CHECK(pool_take(pool, 2 * POOL_BLOCK_MIN, NULL) == NULL); /* half of it, in pieces */
    for (uint32_t i = 1; i < POOL / POOL_BLOCK_MIN; i += 2) pool_give(pool, block[i]);
    void *all = pool_take(pool, POOL, NULL);
    CHECK(all != NULL);
    pool_give(pool, all);
    pool_close(pool);
}

TEST(blocks_never_overlap_whatever_comes_and_goes)
{
    static struct {
        uint8_t *at;
        uint32_t size;
    } held[BLOCKS];
    struct pool *pool = NULL;
    struct andon_rng rng;
    andon_error err;
    andon_rng_seed(&rng, 7);
    CHECK(pool_open(POOL, &pool, &err) == ANDON_OK);
    memset(held, 0, sizeof held);
    for (uint32_t step = 0; step < 200000; step++) {
        uint32_t i = andon_rng_below(&rng, BLOCKS);
        uint8_t mark = (uint8_t)i;
        if (held[i].at != NULL) {
            CHECK(held[i].at[0] == mark && held[i].at[held[i].size - 1] == mark);
            pool_give(pool, held[i].at);
            held[i].at = NULL;
            continue;
        }
        uint32_t size = 1 + andon_rng_below(&rng, 1u << andon_rng_below(&rng, 16)), room;
        held[i].at = pool_take(pool, size, &room);
        held[i].size = size;
        if (held[i].at == NULL) continue;
        CHECK(room >= size);
        memset(held[i].at, mark, size);
    }
    for (uint32_t i = 0; i < BLOCKS; i++) pool_give(pool, held[i].at);
    CHECK(pool_used(pool) == 0);
    void *all = pool_take(pool, POOL, NULL);
    CHECK(all != NULL);
    pool_close(pool);
}
