/* The shop floor: every asset that was ever heard of. A record of the journal goes in, rows come out:
 * decoded, repeats taken away, readings put together to rows, and what the model of the asset wants
 * of them laid out. A deterministic function of the records: it looks at no clock. Owned by the engine's
 * thread; between floor_take and the commit the shards score the rows (engine/shard.h). */
#ifndef ENGINE_FLOOR_H
#define ENGINE_FLOOR_H

#include "base/map.h"
#include "engine/asset.h"
#include "engine/models.h"
#include "engine/turn.h"
#include "ingest/codec/codec.h"
#include "journal/journal.h"

struct floor_options {
    struct codec_rules codec;
    uint32_t assets_max;    /* 0: 100,000. Messages of further ones go to the dead letters       */
    int64_t future_ns;      /* 0: 24 h. Times farther ahead of their arrival are not believed    */
    int64_t align_ns;       /* 0: 1 s. A row that comes in parts is complete after this silence  */
    int64_t stale_min_ns;   /* 0: 60 s. Values and assets are never stale before this            */
    uint32_t stale_intervals; /* 0: 10. ... nor before so many usual intervals                   */
};

struct floor_figures {
    uint64_t messages, samples, readings; /* decoded                                       */
    uint64_t duplicates;   /* samples that came again, word for word                        */
    uint64_t redelivered;  /* messages without a time that the sender sent again            */
    uint64_t late;         /* older than what the asset said before: kept, not judged       */
    uint64_t conflicts;    /* another value for the same time: both kept                    */
    uint64_t future;       /* times that were not believed                                  */
    uint64_t untimed;      /* samples that came without a time                              */
    uint64_t nulls;        /* values that were null                                         */
    uint64_t refused;      /* elements and messages that became dead letters                */
    uint64_t ticks, silences;
    uint64_t verdicts[3];  /* by enum andon_state                                           */
};

struct floor;

ANDON_MUST_CHECK andon_status floor_open(const struct floor_options *options, struct models *models,
                                         struct floor **floor, andon_error *err);
void floor_close(struct floor *floor); /* NULL is allowed */

/* floor_take adds what the record becomes to the turn. False: the turn has no room for it; begin another
 * and take it again (a record always fits an empty turn). */
bool floor_take(struct floor *floor, const struct journal_record *record, struct turn *turn);

/* floor_try puts a candidate in the place of every model that is published from here on. */
void floor_try(struct floor *floor, const struct published *candidate);

/* After the rows were scored: the verdicts are counted and the newest remembered per asset. */
void floor_judged(struct floor *floor, const struct turn *turn);

uint32_t floor_assets(const struct floor *floor);
struct asset *floor_asset(const struct floor *floor, uint32_t number);
struct asset *floor_find(const struct floor *floor, struct text path);
const struct floor_figures *floor_figures(const struct floor *floor);

/* The body of a JOURNAL_MODEL record: the assets whose paths match have this model from here on.
 * Returns its length; room has FLOOR_PUBLICATION_MAX bytes. */
#define FLOOR_PUBLICATION_MAX 1024u
size_t floor_publication(char *room, const char *match, const char *name, uint32_t version,
                         uint32_t checksum);

/* floor_published says which version of name is published for match, 0: none. */
uint32_t floor_published(const struct floor *floor, const char *match, const char *name,
                         uint32_t *checksum);

/* floor_config is the text of the configuration in force, empty when there was none. */
struct text floor_config(const struct floor *floor);

/* What is not in an asset, as bytes of a checkpoint: figures, publications, journal time, doors. */
void floor_save(const struct floor *floor, struct andon_writer *out);
bool floor_load(struct floor *floor, struct andon_reader *in);
/* floor_add puts a loaded asset where it was. False: the number is taken, or no memory. */
bool floor_add(struct floor *floor, uint32_t number, struct asset *asset);

#endif
