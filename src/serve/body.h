/* Room for the bodies of requests: a fixed number of small and of large buffers per event loop.
 * Their addresses are taken at the start, their memory when it is first written; what a large one
 * has grown to is given back when nobody has used it for a while. Owned by one event loop. */
#ifndef SERVE_BODY_H
#define SERVE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

#define BODY_SMALL_BYTES 65536u
#define BODY_SMALL_COUNT 256u
#define BODY_LARGE_COUNT 8u
#define BODY_SLACK                                                                                 \
    64u /* readable behind the last byte: numbers are read eight digits at a time                  \
         */

struct body {
    char *at; /* at[room + BODY_SLACK]           */
    size_t used, room;
    size_t touched;   /* of it, memory has been written  */
    int64_t freed_ns; /* when it was last given back     */
    struct body *next;
    bool large;
};

struct body_pool {
    char *memory;
    size_t bytes;
    struct body body[BODY_SMALL_COUNT + BODY_LARGE_COUNT];
    struct body *small, *large; /* free ones, the last used first */
};

/* body_pool_open takes addresses for large bodies of large_bytes. ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status body_pool_open(struct body_pool *pool, size_t large_bytes,
                                             andon_error *err);
void body_pool_close(struct body_pool *pool); /* safe on a zeroed one */

/* body_take gives an empty buffer for bytes (a guess), or NULL: all are in use. */
struct body *body_take(struct body_pool *pool, size_t bytes);
void body_give(struct body_pool *pool, struct body *body, int64_t now_ns);

/* body_append adds bytes; a small buffer that is full is exchanged for a large one. False: *body is
 * full at the pool's limit (*too_large), or no large one is free. */
bool body_append(struct body_pool *pool, struct body **body, const char *bytes, size_t n,
                 bool *too_large);

/* body_trim gives memory back of large buffers that lie unused since before_ns. */
void body_trim(struct body_pool *pool, int64_t before_ns);

/* body_unpack decompresses gzip (RFC 1952, several members allowed) from one buffer into another of
 * the pool. state: of one thread. 1 done, *body is the unpacked one; 0 it is larger than room; -1
 * no gzip; -2 no buffer is free */
struct body_unpacker;
struct body_unpacker *body_unpacker_new(void); /* NULL: no memory */
void body_unpacker_free(struct body_unpacker *unpacker);
int body_unpack(struct body_unpacker *unpacker, struct body_pool *pool, struct body **body,
                int64_t now_ns);

#endif
