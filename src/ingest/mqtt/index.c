#include "ingest/mqtt/index.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

andon_status index_open(struct index *index, uint32_t rows_max, andon_error *err)
{
    uint32_t places = 16;
    while (places < 2 * (uint64_t)rows_max && places < (uint32_t)1 << 31) places *= 2;
    *index = (struct index){.mask = places - 1, .slot = calloc(places, sizeof *index->slot)};
    if (index->slot == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for an index of %u rows", rows_max);
    if (getrandom(index->seed, sizeof index->seed, GRND_NONBLOCK) != sizeof index->seed)
        index->seed[0] = (uint64_t)clock_wall_ns() ^ (uint64_t)(uintptr_t)index->slot;
    return ANDON_OK;
}

void index_close(struct index *index)
{
    free(index->slot);
    *index = (struct index){0};
}

__extension__ typedef unsigned __int128 wide;

/* Both halves of the product of two words. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t index_hash(const struct index *index, uint32_t salt, struct text text)
{
    uint64_t hash = index->seed[0] ^ salt, word = 0;
    uint32_t at = 0;
    for (; at + 8 <= text.length; at += 8) {
        memcpy(&word, text.at + at, 8);
        hash = fold(word ^ UINT64_C(0x9e3779b97f4a7c15), hash ^ index->seed[1]);
    }
    word = 0;
    if (at < text.length) memcpy(&word, text.at + at, text.length - at);
    hash = fold(word ^ UINT64_C(0xd6e8feb86659fd93), hash ^ index->seed[1]);
    hash = fold(hash ^ text.length, UINT64_C(0x9e3779b97f4a7c15) ^ index->seed[0]);
    return (uint32_t)(hash ^ hash >> 32);
}

uint32_t index_find(const struct index *index, uint32_t hash, uint32_t *at)
{
    uint32_t i = *at == UINT32_MAX ? hash & index->mask : (*at + 1) & index->mask;
    for (; index->slot[i].number_1 != 0; i = (i + 1) & index->mask) {
        if (index->slot[i].hash != hash) continue;
        *at = i;
        return index->slot[i].number_1 - 1;
    }
    return INDEX_NONE;
}

void index_put(struct index *index, uint32_t hash, uint32_t number)
{
    uint32_t i = hash & index->mask;
    while (index->slot[i].number_1 != 0) i = (i + 1) & index->mask;
    index->slot[i] = (struct index_slot){hash, number + 1};
}

void index_drop(struct index *index, uint32_t hash, uint32_t number)
{
    uint32_t i = hash & index->mask, mask = index->mask;
    while (index->slot[i].number_1 != number + 1) {
        assert(index->slot[i].number_1 != 0);
        i = (i + 1) & mask;
    }
    /* What stands behind moves up, where that brings it no further than its own place. */
    for (uint32_t j = (i + 1) & mask; index->slot[j].number_1 != 0; j = (j + 1) & mask) {
        uint32_t home = index->slot[j].hash & mask;
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        index->slot[i] = index->slot[j];
        i = j;
    }
    index->slot[i].number_1 = 0;
}
