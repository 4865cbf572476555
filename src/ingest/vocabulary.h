/* Words and their numbers: operating states, kinds of fault. Owned by one thread. */
#ifndef INGEST_VOCABULARY_H
#define INGEST_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOCABULARY_MAX 64u /* ANDON_REGIMES_MAX and ANDON_CLASSES_MAX */
#define VOCABULARY_WORD_MAX 96u
#define VOCABULARY_NONE (-1)

/* A zeroed one is empty. */
struct vocabulary {
    uint32_t words;
    char word[VOCABULARY_MAX][VOCABULARY_WORD_MAX]; /* cut to fit, 0-terminated */
    const char *list[VOCABULARY_MAX];               /* the same, for schemas: list[words] */
};

/* vocabulary_find gives the word's number, or VOCABULARY_NONE. */
int32_t vocabulary_find(const struct vocabulary *v, const char *word, size_t length);

/* vocabulary_learn gives the word's number, a new one if need be; VOCABULARY_NONE when it is full.
 * `list` points into *v: do not move a vocabulary. */
int32_t vocabulary_learn(struct vocabulary *v, const char *word, size_t length);

#endif
