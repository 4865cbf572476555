/* The writer puts a turn into the store: one transaction with the journal offset and, when one is due, a
 * checkpoint. Either in the caller's thread, or, where nothing in the turn is new to the store, in a
 * thread of its own while the caller already reads and scores the next turn. Owned by the engine's
 * thread. */
#ifndef ENGINE_WRITER_H
#define ENGINE_WRITER_H

#include "engine/floor.h"
#include "store/store.h"

struct writer_options {
    struct journal *journal;
    struct store *store;
    struct floor *floor;
    struct models *models;
    bool sync_turns;      /* see engine_options */
    uint64_t skip_before; /* rows completed before this offset are in the store */
};

struct writer;

ANDON_MUST_CHECK andon_status writer_open(const struct writer_options *options,
                                          struct writer **writer, andon_error *err);
void writer_close(struct writer *writer); /* NULL is allowed; nothing is being written */

/* writer_put writes the turn and returns when it is committed. After an error nothing of it is. */
ANDON_MUST_CHECK andon_status writer_put(struct writer *writer, const struct turn *turn,
                                         bool checkpoint, andon_error *err);

/* writer_hand begins to write the turn, which nobody changes until writer_wait. False: something in it
 * has no number in the store yet, and writer_put has to do it. */
bool writer_hand(struct writer *writer, const struct turn *turn);

/* writer_wait returns when the turn that was handed over is committed, or failed to be. */
ANDON_MUST_CHECK andon_status writer_wait(struct writer *writer, andon_error *err);

#endif
