/* Keys that mean something: times, sequences, items, other people's names of our channels. One
 * table for every shape of payload. */
#ifndef INGEST_CODEC_KEYS_H
#define INGEST_CODEC_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "names are compared as words");

#define KEY_NAME_MAX 16u /* bytes of a key in the table */

enum key_kind {
    KEY_ORDINARY,
    KEY_TIME,     /* the time; refused when it cannot be read as one                          */
    KEY_CLOCK,    /* the time if it can be read as one; else an ordinary key, or Time of Date */
    KEY_DATE,     /* with a KEY_CLOCK that is no time on its own: the time                     */
    KEY_SEQUENCE, /* the source's sequence, when it is a whole number                         */
    KEY_ITEM,     /* the made item, when it is a text or a whole number                       */
    KEY_ALIAS,    /* `ours` is the channel's name                                             */
    KEY_WRAPPER   /* the object may be an envelope around the readings                        */
};

struct key {
    char name[KEY_NAME_MAX]; /* zero-padded */
    uint8_t length;
    uint8_t kind;    /* enum key_kind                                           */
    uint8_t rank;    /* KEY_TIME, KEY_CLOCK: the lowest that is there is the time */
    int32_t unit_ns; /* KEY_TIME: of an epoch number; 0: its magnitude tells    */
    struct text ours;
};

#define KEY_RANK_NONE 255u

/* A name in two words, zero-padded; names longer than 16 bytes have no words. */
struct key_words {
    uint64_t a, b;
};

static inline uint64_t key_load(const char *at, unsigned bytes)
{
    uint64_t x = 0;
    memcpy(&x, at, bytes);
    return x;
}

static inline struct key_words key_words(struct text name)
{
    const char *at = name.at;
    uint32_t n = name.length;
    if (n >= 16) return (struct key_words){key_load(at, 8), key_load(at + 8, 8)};
    if (n > 8)
        return (struct key_words){key_load(at, 8), key_load(at + n - 8, 8) >> (8 * (16 - n))};
    if (n >= 4)
        return (struct key_words){key_load(at, 4) | key_load(at + n - 4, 4) << (8 * (n - 4)), 0};
    uint64_t a = 0;
    for (uint32_t i = 0; i < n; i++) a |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return (struct key_words){a, 0};
}

/* key_words where 16 bytes may be read from at on; length <= 16. */
static inline struct key_words key_words_open(const char *at, uint32_t length)
{
    struct key_words w;
    memcpy(&w, at, sizeof w);
    if (length < 8) {
        w.a &= ((uint64_t)1 << (8 * length)) - 1;
        w.b = 0;
    } else if (length < 16) {
        w.b &= ((uint64_t)1 << (8 * (length - 8))) - 1;
    }
    return w;
}

extern const struct key keys[];
extern const uint8_t
    keys_from[KEY_NAME_MAX + 2]; /* of length n: keys[keys_from[n] .. keys_from[n + 1]) */
extern const uint64_t keys_bits[KEY_NAME_MAX + 1]; /* of length n: a bit for every key's hash, by
                                                      its highest six bits */

/* A name's hash. words: the name's. The factor is one under which what sensors are usually called
 * does not look like a key of the table. */
static inline uint64_t key_hash(struct text name, struct key_words words)
{
    uint64_t tail = words.b;
    if (name.length > 16) tail = key_load(name.at + name.length - 8, 8) + name.length;
    return (words.a + tail) * 0xf66e100db2d7d207u;
}

/* Whether a name may be in the table. */
static inline bool key_may_mean(uint32_t length, uint64_t hash)
{
    return length <= KEY_NAME_MAX && (keys_bits[length] >> (hash >> 58) & 1) != 0;
}

/* key_find finds a name in the table; NULL: an ordinary key. */
static inline const struct key *key_find(uint32_t length, struct key_words words)
{
    if (length > KEY_NAME_MAX) return NULL;
    for (unsigned i = keys_from[length]; i < keys_from[length + 1]; i++) {
        uint64_t name[2];
        memcpy(name, keys[i].name, sizeof name);
        if (name[0] == words.a && name[1] == words.b) return &keys[i];
    }
    return NULL;
}

/* Keys by which the objects of an array name the machine that they speak of ("equipment_id"). */
bool key_names_machine(struct text name);

#endif
