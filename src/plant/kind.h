/* What sort of signal a channel is, from the values that it has had. Flat bytes without pointers;
 * the same values in the same order give the same bytes. A zeroed one has seen nothing. */
#ifndef PLANT_KIND_H
#define PLANT_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define KIND_WORDS 16u     /* distinct values that are told apart             */
#define KIND_CONSTANT 100u /* equal values before a channel is called constant */
#define KIND_RISES 20u     /* rises before it is called a counter             */

enum kind {
    KIND_UNKNOWN,       /* nothing seen yet                                           */
    KIND_GAUGE,         /* a measurement                                              */
    KIND_COUNTER,       /* only rises, or falls back to its beginning and rises again */
    KIND_FLAG,          /* true or false, or nothing but 0 and 1                      */
    KIND_TEXT,          /* words                                                      */
    KIND_CONSTANT_VALUE /* the same number every time                            */
};

struct kind_state {
    uint64_t numbers, flags, texts; /* values seen of each sort                              */
    uint64_t rises, falls, resets;  /* numbers above, below the one before; falls of which
                                       to less than half of it                               */
    double first, last, least, most;
    uint64_t understood;       /* words that say whether a machine runs                  */
    uint32_t words;            /* distinct values, KIND_WORDS + 1: more than are told apart */
    uint32_t fractions;        /* 1: a number was not whole                              */
    uint64_t word[KIND_WORDS]; /* their hashes                                           */
};

/* One value each; a number is finite. O(KIND_WORDS) */
void kind_see_number(struct kind_state *state, double number);
void kind_see_flag(struct kind_state *state, bool flag);
void kind_see_text(struct kind_state *state, struct text text);

enum kind kind_of(const struct kind_state *state);
const char *kind_name(enum kind kind); /* "gauge" */

/* kind_good says whether bytes are one that the above may have left. */
bool kind_good(const struct kind_state *state);

#endif
