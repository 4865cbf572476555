/* Names to numbers: 0, 1, 2, ... in order of first use. Open addressing over one text arena; grows by
 * doubling up to a stated limit, so a path that is warm allocates nothing. Owned by one thread. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/status.h"
#include "base/text.h"

#define MAP_NONE UINT32_MAX

struct map;

/* map_open makes an empty map for at most names_max names and bytes_max bytes of text. */
ANDON_MUST_CHECK andon_status map_open(uint32_t names_max, uint32_t bytes_max, struct map **map,
                                       andon_error *err);
void map_close(struct map *map); /* NULL is allowed */

/* map_find gives the name's number or MAP_NONE. O(1), about 20 ns. */
uint32_t map_find(const struct map *map, struct text name);

/* map_put gives the name's number, a new one if need be.
 * ANDON_ELIMIT the map is full (names_max or bytes_max); ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status map_put(struct map *map, struct text name, uint32_t *number,
                                      andon_error *err);

uint32_t map_count(const struct map *map);
struct text map_name(const struct map *map, uint32_t number); /* valid until the next map_put */

#endif
