/* One asset: its channels, what it said last, what of it is still open, and its place in a model. Owned
 * by the floor's thread; while the shards score a turn, `machine` belongs to the asset's shard. */
#ifndef ENGINE_ASSET_H
#define ENGINE_ASSET_H

#include "andon/bytes.h"
#include "andon/model.h"
#include "engine/models.h"
#include "engine/turn.h"
#include "ingest/codec/codec.h"
#include "plant/interval.h"
#include "plant/kind.h"
#include "plant/running.h"

#define ASSET_CHANNELS_MAX 4096u
#define ASSET_MEMORY 128u     /* samples by which a repeat is known */
#define ASSET_HELD_MAX 256u   /* channels of a row that comes in parts */
#define ASSET_WORD_MAX 96u    /* bytes of an operating state's name    */

struct channel {
    char *name;
    uint32_t name_bytes;
    uint32_t store;        /* the store's number, 0 until it is known         */
    uint8_t kind;          /* of its first reading                            */
    uint8_t quality;       /* of its last                                     */
    double last;           /* its last value; NaN: none yet, or text          */
    double count;          /* of a counter: its last reading, NaN: none yet   */
    uint64_t resets;       /* of a counter                                    */
    int64_t last_ts_ns;
    uint64_t frame;        /* the asset's row that it was last part of        */
    uint64_t values;       /* that it has had                                 */
    double scale, offset;  /* value = sent * scale + offset, by configuration */
    double low, high;      /* outside is bad; NaN: no limit                   */
    const char *unit;      /* by configuration, or NULL                       */
    bool counter;          /* judged by what it counted since the last row    */
    struct kind_state seen; /* what sort of signal it is                      */
};

struct held { /* a channel's value in a row that is not complete yet */
    uint32_t channel;
    uint8_t kind, quality;
    double number;
};

struct asset {
    char *path;
    uint32_t path_bytes;
    uint32_t store;        /* the store's number, 0 until it is known */
    uint32_t channels, channels_room;
    struct channel *channel;
    uint32_t next_guess;   /* messages name channels in the same order: look here first */

    int64_t last_ts_ns, last_received_ns; /* newest row or held part; INT64_MIN: none */
    bool interval_given;   /* by configuration                                */
    int64_t interval_ns;   /* usual time between rows, 0: not known yet       */
    struct interval interval;
    uint64_t rows;         /* emitted; also the number of the present frame   */
    uint64_t duplicates, late, conflicts, future, unjudged;
    uint32_t last_count;   /* channels of the last row                        */
    bool silent;           /* said to be stale since its last row             */

    bool open;             /* held[helds] waits for the rest of its row       */
    uint8_t held_quality;
    int64_t held_ts_ns, held_received_ns;
    uint32_t helds;
    struct held *held;     /* held[ASSET_HELD_MAX], taken when first needed   */
    uint32_t open_next;    /* the floor's list of open assets                 */

    uint64_t memory[ASSET_MEMORY]; /* what the last samples were, hashed      */
    uint32_t memory_head;

    int8_t running;                /* what the running signal said last       */
    char regime[ASSET_WORD_MAX];   /* what the operating state said last      */

    const struct running_rule *running_rule; /* by configuration, or NULL      */
    const char *regime_given;      /* by configuration: a channel, "none", or NULL */
    const struct published *model; /* NULL: no model                          */
    uint32_t *map;                 /* map[channels of the model]: own channel or TURN_NONE */
    uint32_t mapped;               /* own channels that the map has seen      */
    uint32_t running_channel, regime_channel; /* TURN_NONE: none              */
    void *machine;                 /* andon_machine_bytes(model)              */
    bool changed;                  /* since the last checkpoint               */
    bool described;                /* what is known of it is in the store     */
};

/* asset_new makes an asset without channels. NULL: no memory. */
struct asset *asset_new(struct text path);
void asset_free(struct asset *asset); /* NULL is allowed */

/* asset_channel gives the number of a channel, a new one if need be; TURN_NONE when there are
 * ASSET_CHANNELS_MAX or no memory. */
uint32_t asset_channel(struct asset *asset, struct text name, enum reading_kind kind);

/* asset_bind puts the asset into a model (NULL: into none), its machine at the beginning. The same model
 * again changes nothing. False: no memory. */
bool asset_bind(struct asset *asset, const struct published *model);

/* asset_heard says whether the sample with this hash came before, and remembers it. is_news: it cannot
 * have, so nobody looks. */
bool asset_heard(struct asset *asset, uint64_t hash, bool is_news);

/* asset_learn draws conclusions from what the asset has said so far: its interval, which channels are its
 * running signal and its operating state. Called after its 10th, 100th, 1,000th ... row and when its
 * model or channels change; a model's notes come before guesses. */
void asset_learn(struct asset *asset);

/* asset_describe writes what is known as a JSON object for people and the API; 0: does not fit. */
#define ASSET_DESCRIPTION_MAX (1u << 20)
size_t asset_describe(const struct asset *asset, char *room, size_t bytes);

/* asset_fill writes what the model wants of the row that the asset's channels stand at: values as of
 * ts, NaN where there is none, or none younger than stale_ns, or bad.
 *   value  out  value[channels of the model] */
void asset_fill(struct asset *asset, int64_t ts_ns, int64_t stale_ns, double *value);

/* asset_regime gives the index of the last operating state among the model's. */
int32_t asset_regime(const struct asset *asset);

/* The asset as bytes of a checkpoint and back. false: cut, flipped, of another build; what cannot be
 * kept (a machine of another layout) starts anew. */
void asset_save(const struct asset *asset, struct andon_writer *out);
struct asset *asset_load(struct andon_reader *in, struct models *models);

#endif
