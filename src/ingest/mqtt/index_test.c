#include "ingest/mqtt/index.h"

#include "andon/rng.h"
#include "test.h"

enum { ROWS = 1000 };

static bool finds(const struct index *index, uint32_t hash, uint32_t number)
{
    uint32_t at = UINT32_MAX, i;
    while ((i = index_find(index, hash, &at)) != INDEX_NONE)
        if (i == number) return true;
    return false;
}

TEST(an_index_finds_what_is_there_whatever_comes_and_goes)
{
    static bool there[ROWS];
    static uint32_t hash[ROWS];
    struct index index;
    struct andon_rng rng;
    andon_error err;
    andon_rng_seed(&rng, 3);
    CHECK(index_open(&index, ROWS, &err) == ANDON_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        there[i] = false;
        hash[i] = andon_rng_below(&rng, i % 3 == 0 ? 5 : UINT32_MAX); /* many that collide */
    }
    for (uint32_t step = 0; step < 100000; step++) {
        uint32_t i = andon_rng_below(&rng, ROWS);
        if (there[i])
            index_drop(&index, hash[i], i);
        else
            index_put(&index, hash[i], i);
        there[i] = !there[i];
        if (step % 100 != 0) continue;
        for (uint32_t k = 0; k < ROWS; k++) CHECK(finds(&index, hash[k], k) == there[k]);
    }
    index_close(&index);
}

TEST(the_same_text_has_the_same_hash_and_another_salt_another)
{
    struct index index;
    andon_error err;
    CHECK(index_open(&index, 16, &err) == ANDON_OK);
    char a[64] = "plant/line/pump1/temperature", b[64];
    uint32_t same = 0;
    for (uint32_t length = 0; length < 28; length++) {
        memcpy(b, a, sizeof a);
        CHECK(index_hash(&index, 0, (struct text){a, length}) ==
              index_hash(&index, 0, (struct text){b, length}));
        same += index_hash(&index, 0, (struct text){a, length}) ==
                index_hash(&index, 1, (struct text){a, length});
        same += index_hash(&index, 0, (struct text){a, length}) ==
                index_hash(&index, 0, (struct text){a, length + 1});
    }
    CHECK(same == 0);
    index_close(&index);
}
