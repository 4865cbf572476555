/* A piece of text that belongs to somebody else: not ended by a 0. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *at; /* at[length]; may be NULL when length is 0 */
    uint32_t length;
};

#define TEXT(literal) ((struct text){(literal), (uint32_t)(sizeof(literal) - 1)})

static inline struct text text_of(const char *string)
{
    return (struct text){string, (uint32_t)strlen(string)};
}

static inline bool text_is(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static inline bool text_starts(struct text a, struct text with)
{
    return a.length >= with.length && memcmp(a.at, with.at, with.length) == 0;
}

#endif
