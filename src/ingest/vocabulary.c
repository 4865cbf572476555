#include "ingest/vocabulary.h"

#include <string.h>

static size_t cut(size_t length)
{
    return length < VOCABULARY_WORD_MAX ? length : VOCABULARY_WORD_MAX - 1;
}

int32_t vocabulary_find(const struct vocabulary *v, const char *word, size_t length)
{
    length = cut(length);
    for (uint32_t i = 0; i < v->words; i++)
        if (memcmp(v->word[i], word, length) == 0 && v->word[i][length] == 0) return (int32_t)i;
    return VOCABULARY_NONE;
}

int32_t vocabulary_learn(struct vocabulary *v, const char *word, size_t length)
{
    int32_t known = vocabulary_find(v, word, length);
    if (known != VOCABULARY_NONE || v->words == VOCABULARY_MAX) return known;
    uint32_t i = v->words++;
    memcpy(v->word[i], word, cut(length));
    v->word[i][cut(length)] = 0;
    v->list[i] = v->word[i];
    return (int32_t)i;
}
