/* Shards score the rows of a turn, each those of the assets hashed to it, each in a thread of its own.
 * An asset's rows are judged in order by one shard, and a row's bits do not depend on the batch it comes
 * in, so the verdicts are the same for any number of shards. The floor rests while they work. */
#ifndef ENGINE_SHARD_H
#define ENGINE_SHARD_H

#include "engine/floor.h"

#define SHARDS_MAX 64u

struct shards;

/* shards_open starts count - 1 threads (the caller's is the first). */
ANDON_MUST_CHECK andon_status shards_open(uint32_t count, enum andon_kernel kernel,
                                          struct shards **shards, andon_error *err);
void shards_close(struct shards *shards); /* NULL is allowed */

/* shards_score judges every row that has values and returns when all are done. Allocates only when a
 * model is seen for the first time. */
void shards_score(struct shards *shards, const struct floor *floor, struct turn *turn);

#endif
