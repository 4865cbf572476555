/* Finds a number by a hash, for tables whose rows come and go: open addressing with a fixed number
 * of places, removal without graves. The caller compares names. Hashes are seeded at random at
 * start-up, so that a hostile client cannot choose names that collide. Owned by one thread. */
#ifndef INGEST_MQTT_INDEX_H
#define INGEST_MQTT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"

#define INDEX_NONE UINT32_MAX

struct index_slot {
    uint32_t hash, number_1; /* number + 1; 0: nothing here */
};

struct index {
    struct index_slot *slot; /* slot[mask + 1] */
    uint32_t mask;
    uint64_t seed[2];
};

/* index_open makes room for rows_max rows: it never fills beyond half. ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status index_open(struct index *index, uint32_t rows_max, andon_error *err);
void index_close(struct index *index); /* a zeroed one is allowed */

uint32_t index_hash(const struct index *index, uint32_t salt, struct text text);

/* index_find gives the numbers under hash one after the other, INDEX_NONE behind the last.
 *   at  in, out  UINT32_MAX to begin with */
uint32_t index_find(const struct index *index, uint32_t hash, uint32_t *at);
void index_put(struct index *index, uint32_t hash, uint32_t number);
void index_drop(struct index *index, uint32_t hash, uint32_t number); /* it is there */

#endif
