/* Names to numbers: assets, channels and models, 1, 2, ... in order of first use. A name that a turn
 * brought stays known when the turn is rolled back, and goes into the file with the next one that is
 * committed: so the same turn, tried again, gets the same numbers. Owned by the store's thread. */
#ifndef STORE_NAMES_H
#define STORE_NAMES_H

#include "base/map.h"
#include "store/sql.h"
#include "store/store.h"

#define NAMES_BYTES_MAX 1024u          /* of one name */
#define NAMES_CHANNELS_MAX (UINT32_C(1) << 24) /* of all assets together */
#define NAMES_MODELS_MAX (UINT32_C(1) << 20)

struct names {
    sqlite3 *db;
    struct map *assets, *channels, *models;
    uint8_t *kind;       /* kind[kinds_room], of channels; [0] unused */
    uint16_t *count;     /* count[counts_room]: channels of an asset  */
    uint32_t kinds_room, counts_room;
    uint32_t saved_assets, saved_channels, saved_models; /* in the file */
    uint32_t put_assets, put_channels, put_models;       /* in the open transaction */
    sqlite3_stmt *put_asset, *put_channel, *put_model;
};

/* names_open reads what the file holds. names_close: a zeroed one is allowed. */
ANDON_MUST_CHECK andon_status names_open(struct names *names, sqlite3 *db, andon_error *err);
void names_close(struct names *names);

ANDON_MUST_CHECK andon_status names_asset(struct names *names, struct text path, uint32_t *asset,
                                          andon_error *err);
ANDON_MUST_CHECK andon_status names_channel(struct names *names, uint32_t asset, struct text name,
                                            enum store_kind kind, uint32_t *channel,
                                            andon_error *err);
ANDON_MUST_CHECK andon_status names_model(struct names *names, struct text name, uint32_t version,
                                          uint32_t checksum, uint32_t *model, andon_error *err);

/* names_put writes what is new into the open transaction; names_settle after it was committed (or
 * not). */
ANDON_MUST_CHECK andon_status names_put(struct names *names, andon_error *err);
void names_settle(struct names *names, bool committed);

static inline bool names_knows(const struct names *names, uint32_t asset)
{
    return asset >= 1 && asset <= map_count(names->assets);
}

static inline bool names_knows_channel(const struct names *names, uint32_t channel)
{
    return channel >= 1 && channel <= map_count(names->channels);
}

#endif
