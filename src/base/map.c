/* Invariants:
 *   1. slot[slots], slots a power of two and at least 4/3 of the names; 0 is empty, else number
 * + 1.
 *   2. entry and text keep names in order of first use; a name never moves within its number.
 *   3. a put that fails leaves everything as it was.
 * The hash starts from a number that differs from run to run, so that nobody outside can choose
 * names that meet in one slot; numbers do not depend on it. */
#include "base/map.h"

#include <stdlib.h>
#include <unistd.h>

enum { SLOTS_FIRST = 64, NAMES_FIRST = 32, TEXT_FIRST = 1024 };

struct entry {
    uint64_t hash;
    uint32_t at, length; /* in text */
};

struct map {
    uint64_t seed;
    uint32_t names, names_room, names_max;
    uint32_t bytes, bytes_room, bytes_max;
    uint32_t slots;
    struct entry *entry; /* entry[names_room] */
    char *text;          /* text[bytes_room]  */
    uint32_t *slot;      /* slot[slots]       */
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t eight(const char *at)
{
    uint64_t w;
    memcpy(&w, at, sizeof w);
    return w;
}

/* All of 1 to 16 bytes in two words; those of 8 to 15 overlap. */
static void two_words(const char *at, uint32_t bytes, uint64_t word[2])
{
    uint32_t low, high;
    word[0] = word[1] = 0;
    if (bytes >= 8) {
        word[0] = eight(at);
        word[1] = eight(at + bytes - 8);
    } else if (bytes >= 4) {
        memcpy(&low, at, sizeof low);
        memcpy(&high, at + bytes - 4, sizeof high);
        word[0] = low | (uint64_t)high << 32;
    } else if (bytes > 0) {
        word[0] = (uint64_t)(unsigned char)at[0] << 16 |
                  (uint64_t)(unsigned char)at[bytes / 2] << 8 | (unsigned char)at[bytes - 1];
    }
}

/* Sixteen bytes a step, the last ones of a long name a second time rather than byte by byte. The
 * constants are digits of the golden ratio and of pi. */
static uint64_t hash(uint64_t seed, struct text name)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15), pi = UINT64_C(0x243f6a8885a308d3);
    uint64_t h = seed ^ name.length * golden, word[2];
    const char *at = name.at;
    uint32_t left = name.length;
    for (; left > 16; left -= 16, at += 16) h = mix(eight(at) ^ golden, eight(at + 8) ^ h);
    if (name.length > 16)
        two_words(at + left - 16, 16, word);
    else
        two_words(at, left, word);
    return mix(word[0] ^ pi ^ h, word[1] ^ golden ^ (h >> 32));
}

andon_status map_open(uint32_t names_max, uint32_t bytes_max, struct map **map, andon_error *err)
{
    *map = NULL;
    struct map *m = calloc(1, sizeof *m);
    uint32_t *slot = m == NULL ? NULL : calloc(SLOTS_FIRST, sizeof *slot);
    if (slot == NULL) {
        free(m);
        return andon_fail(err, ANDON_ENOMEM, "no memory for a map of names");
    }
    /* 2^31 slots are the most that a power of two in 32 bits gives. */
    m->names_max = names_max < (UINT32_C(3) << 29) ? names_max : UINT32_C(3) << 29;
    m->bytes_max = bytes_max;
    m->slot = slot;
    m->slots = SLOTS_FIRST;
    if (getentropy(&m->seed, sizeof m->seed) != 0) m->seed = (uint64_t)(uintptr_t)m;
    *map = m;
    return ANDON_OK;
}

void map_close(struct map *map)
{
    if (map == NULL) return;
    free(map->entry);
    free(map->text);
    free(map->slot);
    free(map);
}

/* The slot that holds the name, or the empty one where it belongs. */
static uint32_t place(const struct map *map, struct text name, uint64_t h)
{
    uint32_t at = (uint32_t)h & (map->slots - 1);
    for (;; at = (at + 1) & (map->slots - 1)) {
        if (map->slot[at] == 0) return at;
        const struct entry *e = &map->entry[map->slot[at] - 1];
        if (e->hash == h && text_is((struct text){map->text + e->at, e->length}, name)) return at;
    }
}

uint32_t map_find(const struct map *map, struct text name)
{
    return map->slot[place(map, name, hash(map->seed, name))] - 1; /* empty: 0 - 1 == MAP_NONE */
}

static bool grow_entries(struct map *map)
{
    if (map->names < map->names_room) return true;
    uint32_t room = map->names_room == 0 ? NAMES_FIRST : map->names_room * 2;
    if (room > map->names_max) room = map->names_max;
    struct entry *entry = realloc(map->entry, (size_t)room * sizeof *entry);
    if (entry == NULL) return false;
    map->entry = entry;
    map->names_room = room;
    return true;
}

static bool grow_text(struct map *map, uint32_t more)
{
    if (map->text != NULL && more <= map->bytes_room - map->bytes) return true;
    uint64_t room = map->bytes_room == 0 ? TEXT_FIRST : (uint64_t)map->bytes_room * 2;
    while (room < (uint64_t)map->bytes + more) room *= 2;
    if (room > map->bytes_max) room = map->bytes_max > 0 ? map->bytes_max : 1;
    char *text = realloc(map->text, room);
    if (text == NULL) return false;
    map->text = text;
    map->bytes_room = (uint32_t)room;
    return true;
}

static bool grow_slots(struct map *map)
{
    if ((uint64_t)map->names + 1 <= (uint64_t)map->slots / 4 * 3) return true;
    uint32_t slots = map->slots * 2;
    uint32_t *slot = calloc(slots, sizeof *slot);
    if (slot == NULL) return false;
    for (uint32_t i = 0; i < map->names; i++) {
        uint32_t at = (uint32_t)map->entry[i].hash & (slots - 1);
        while (slot[at] != 0) at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(map->slot);
    map->slot = slot;
    map->slots = slots;
    return true;
}

andon_status map_put(struct map *map, struct text name, uint32_t *number, andon_error *err)
{
    uint64_t h = hash(map->seed, name);
    uint32_t at = place(map, name, h);
    if (map->slot[at] != 0) {
        *number = map->slot[at] - 1;
        return ANDON_OK;
    }
    if (map->names >= map->names_max)
        return andon_fail(err, ANDON_ELIMIT, "%.*s: more than %u names", (int)name.length, name.at,
                          map->names_max);
    if (name.length > map->bytes_max - map->bytes)
        return andon_fail(err, ANDON_ELIMIT, "%.*s: more than %u bytes of names", (int)name.length,
                          name.at, map->bytes_max);
    if (!grow_entries(map) || !grow_text(map, name.length) || !grow_slots(map))
        return andon_fail(err, ANDON_ENOMEM, "no memory for %u names", map->names + 1);
    if (name.length > 0) memcpy(map->text + map->bytes, name.at, name.length);
    map->entry[map->names] = (struct entry){h, map->bytes, name.length};
    map->bytes += name.length;
    map->slot[place(map, name, h)] = map->names + 1;
    *number = map->names++;
    return ANDON_OK;
}

uint32_t map_count(const struct map *map)
{
    return map->names;
}

struct text map_name(const struct map *map, uint32_t number)
{
    const struct entry *e = &map->entry[number];
    return (struct text){map->text + e->at, e->length};
}
