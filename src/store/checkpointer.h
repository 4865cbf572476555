/* Puts the WAL into the file, mostly in a thread and through a connection of its own, so that turns do not
 * wait for the disk. A long WAL is begun again in two steps: the thread carries over what is there,
 * and the store's thread, behind a later commit, the little that came meanwhile; then the next turn
 * writes at the WAL's beginning. */
#ifndef STORE_CHECKPOINTER_H
#define STORE_CHECKPOINTER_H

#include <sqlite3.h>
#include <stdint.h>

#include "store/store.h"

struct checkpointer;

/* checkpointer_open watches the WAL of db, the store's connection, which it hooks. */
ANDON_MUST_CHECK andon_status checkpointer_open(const struct store_options *options, sqlite3 *db,
                                                struct checkpointer **checkpointer,
                                                andon_error *err);

/* checkpointer_reached says what the newest commit, which may still be going on, reaches. */
void checkpointer_reached(struct checkpointer *checkpointer, uint64_t offset);

/* checkpointer_close ends the thread, which may be waiting for the disk. NULL is allowed. */
void checkpointer_close(struct checkpointer *checkpointer);

/* checkpointer_ask asks store_options.before_durable. */
ANDON_MUST_CHECK andon_status checkpointer_ask(const struct store_options *options, uint64_t offset,
                                               andon_error *err);

#endif
