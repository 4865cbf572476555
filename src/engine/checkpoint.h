/* The floor's state in the store: what changed since the last checkpoint, in the transaction of a
 * turn. Blobs: "floor", "asset/N". Each ends in a checksum. */
#ifndef ENGINE_CHECKPOINT_H
#define ENGINE_CHECKPOINT_H

#include "engine/floor.h"
#include "store/store.h"

/* checkpoint_write keeps every changed asset and the floor; offset is where reading goes on. */
ANDON_MUST_CHECK andon_status checkpoint_write(struct store *store, struct floor *floor,
                                               uint64_t offset, andon_error *err);
/* checkpoint_taken: the transaction is committed, nothing has changed since. */
void checkpoint_taken(struct floor *floor);

/* checkpoint_restore fills an empty floor.
 * ANDON_EFORMAT a blob is damaged or of a newer build (err names it) */
ANDON_MUST_CHECK andon_status checkpoint_restore(struct store *store, struct floor *floor,
                                                 struct models *models, andon_error *err);

#endif
