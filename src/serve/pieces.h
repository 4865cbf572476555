/* A large body in pieces that each fit a journal record and the engine's room for decoding, cut
 * where an element ends: lines of line protocol, lines of NDJSON, elements of one JSON array. What
 * comes out, put together again, is the same elements in the same order.
 *
 * An array's pieces are arrays, too: the separator behind the last element is made a ']' and the
 * record gets a '[' in front. Owned by one thread; the body is the caller's and may be changed by
 * pieces_next in that one place. */
#ifndef SERVE_PIECES_H
#define SERVE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum pieces_shape {
    PIECES_LINES,   /* cut at every newline                                             */
    PIECES_OBJECTS, /* JSON: cut at a newline between two values                        */
    PIECES_ARRAY    /* one JSON array: cut between its elements                         */
};

struct piece {
    struct text text;
    bool opened;       /* a '[' belongs in front of it                                 */
    bool broken;       /* it is empty: the array ends without its ']'                  */
    uint32_t elements; /* non-blank lines, values or elements of the array in it       */
};

struct pieces {
    char *body;
    size_t length, at;
    enum pieces_shape shape;
    bool begun, inside; /* PIECES_ARRAY: its bracket was seen; between the brackets      */
    char separator;     /* that stood behind the last piece, where its ']' is now           */
};

/* pieces_shape says how a JSON body can be cut: by its first character. */
enum pieces_shape pieces_shape(const char *body, size_t length);

void pieces_begin(struct pieces *p, enum pieces_shape shape, char *body, size_t length);

/* pieces_next gives the next piece, at most about bytes_max long: longer when a single element is.
 * False: that was all. What holds nothing but blanks is skipped. */
bool pieces_next(struct pieces *p, size_t bytes_max, struct piece *piece);

/* pieces_back takes the piece back, which came last, so that it can be cut smaller. */
void pieces_back(struct pieces *p, const struct piece *piece);

/* pieces_element finds element index of a body of any shape (for dead letters); false: there is
 * none. */
bool pieces_element(enum pieces_shape shape, struct text body, uint32_t index,
                    struct text *element);

#endif
