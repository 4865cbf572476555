/* What the floor consists of, for its own files: floor.c (assets, records), floor_rows.c (samples to rows),
 * floor_bytes.c (checkpoint). */
#ifndef ENGINE_FLOOR_INNER_H
#define ENGINE_FLOOR_INNER_H

#include "engine/config.h"
#include "engine/door.h"
#include "engine/floor.h"
#include "engine/publication.h"

struct floor {
    struct floor_options options;
    struct models *models;
    struct map *names;        /* path -> number      */
    struct asset **asset;     /* asset[assets]       */
    uint32_t assets, assets_room;
    uint32_t first_open, opens; /* assets with an incomplete row */
    uint32_t watch;           /* where the search for silent assets goes on */
    uint32_t values_most;     /* channels of the widest model */
    int64_t now_ns;           /* journal time: never falls */
    struct publications publications;
    struct config config;     /* of the last JOURNAL_CONFIG record; zeroed: none */
    struct zone *zone;        /* its time zone, or NULL */
    struct andon_writer config_text; /* its bytes, in config_arena */
    struct andon_arena config_arena;
    struct doors *doors;
    struct decoded decoded;
    struct floor_figures figures;
};

/* floor_asset_of gives the number of the asset of that path, a new one if need be; TURN_NONE when there is
 * no room. */
uint32_t floor_asset_of(struct floor *floor, struct text path);

/* floor_configure puts the asset under the rules of the present configuration and model. */
void floor_configure(struct floor *floor, struct asset *asset);

/* floor_widest looks for the widest model, whose rows need the most room. */
void floor_widest(struct floor *floor);

/* floor_config_read takes a configuration's text; false: it cannot be read and the old one stays. */
bool floor_config_read(struct floor *floor, const void *text, size_t size);

/* floor_letter adds a dead letter. */
void floor_letter(struct floor *floor, struct turn *turn, const struct journal_record *record,
                  const struct message *message, uint32_t index, const char *reason);

/* floor_sample turns one decoded sample into at most two rows: one that it completes and its own. */
void floor_sample(struct floor *floor, struct turn *turn, struct sample *sample,
                  const struct journal_record *record, const struct message *message);

/* floor_complete completes the asset's open row. */
void floor_complete(struct floor *floor, struct turn *turn, uint32_t number, uint64_t offset);

/* floor_row begins a row of the asset; its verdict is UNKNOWN, no_model. */
struct row *floor_row(struct turn *turn, const struct asset *asset, uint32_t number);

/* How long after its time a value of the asset still counts. */
int64_t floor_stale_after(const struct floor *floor, const struct asset *asset);

#endif
