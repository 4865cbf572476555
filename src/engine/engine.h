/* The engine takes turns: records of the journal become rows, rows get verdicts, and both go into the
 * store in one transaction together with the journal offset and, when one is due, a checkpoint. One
 * thread (`store`), and the shards that it wakes. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/floor.h"
#include "engine/shard.h"
#include "store/store.h"

/* What others may watch a turn for: called in the engine's thread behind the commit. */
struct engine_watch {
    void (*committed)(void *context, const struct floor *floor, const struct turn *turn);
    void *context;
};

struct engine_options {
    struct floor_options floor;
    uint32_t shards;              /* 0: 1                                                       */
    enum andon_kernel kernel;
    uint64_t checkpoint_records;  /* 0: a checkpoint after 200,000 records ...                  */
    int64_t checkpoint_ns;        /* 0: ... or 30 s, and when the engine stops                  */
    const char *models;           /* DIR/models                                                 */
    bool sync_turns;              /* what a turn read is made durable before the store has it: an
                                     unacknowledged message that comes again is known then      */
    struct engine_watch watch;
};

struct engine_figures { /* a copy, safe from any thread */
    struct floor_figures floor;
    struct store_figures store;
    uint64_t turns, rows, assets, models;
    uint64_t beside;              /* turns that were written while the next one was read */
    uint64_t offset;              /* journal offset that the store reaches      */
    uint64_t replayed_records;    /* read again at the start                    */
    int64_t turn_ns_max, turn_ns_sum; /* from the first record read to the commit */
    int64_t journal_ns;           /* journal time of the newest record taken    */
    int64_t failed_since_ns;      /* 0: the last commit worked                  */
    char failure[200];            /* why it did not                             */
    bool ahead;                   /* the store is ahead of its journal: nothing is taken */
};

struct engine;

/* engine_open restores the last checkpoint and reads the journal again from there; what the store has
 * already is not written twice.
 * ANDON_EFORMAT the store is ahead of its journal: it would reuse offsets (err says both) */
ANDON_MUST_CHECK andon_status engine_open(const struct engine_options *options,
                                          struct journal *journal, struct store *store,
                                          struct engine **engine, andon_error *err);

/* engine_run takes turns until engine_stop; then takes what the journal still holds, for at most
 * drain_ns, writes a checkpoint and returns. A store that cannot be written is tried again, with the
 * same turn, until it can. */
void engine_run(struct engine *engine, int64_t drain_ns);
void engine_stop(struct engine *engine); /* any thread, signal-safe */
void engine_close(struct engine *engine); /* NULL is allowed */

void engine_figures(struct engine *engine, struct engine_figures *figures);

/* engine_config: see floor_config; before engine_run starts. */
struct text engine_config(const struct engine *engine);

/* engine_published: see floor_published; before engine_run starts. */
uint32_t engine_published(const struct engine *engine, const char *match, const char *name,
                          uint32_t *checksum);

#endif
