/* Memory with a stated limit for what lives as long as a client wants: halves of packets, answers
 * that wait, sessions' names, retained messages. One reservation at start-up whose pages are
 * touched when they are used, cut by halves (a buddy system); a block that is given back joins its
 * neighbour again. Owned by one thread. */
#ifndef INGEST_MQTT_POOL_H
#define INGEST_MQTT_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "andon/status.h"

struct pool;

enum { POOL_BLOCK_MIN = 64 };

/* pool_open reserves bytes (a power of two, at least POOL_BLOCK_MIN). ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status pool_open(size_t bytes, struct pool **pool, andon_error *err);
void pool_close(struct pool *pool); /* NULL is allowed */

/* pool_take gives bytes of room, not cleared, or NULL where the pool has none left in one piece.
 *   room  out  what there really is, >= bytes; may be NULL. O(log(pool / bytes)) */
void *pool_take(struct pool *pool, size_t bytes, uint32_t *room);
void pool_give(struct pool *pool, void *at); /* NULL is allowed */

/* pool_trim gives pages of large free blocks back to the system after a peak. Now and then. */
void pool_trim(struct pool *pool);

size_t pool_used(const struct pool *pool); /* bytes in blocks that are taken */

#endif
