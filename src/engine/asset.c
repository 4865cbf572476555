/* What is known of one asset. */
#include "engine/asset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct asset *asset_new(struct text path)
{
    struct asset *a = calloc(1, sizeof *a);
    char *copy = malloc((size_t)path.length + 1);
    if (a == NULL || copy == NULL) {
        free(a);
        free(copy);
        return NULL;
    }
    memcpy(copy, path.at, path.length);
    copy[path.length] = 0;
    a->path = copy;
    a->path_bytes = path.length;
    a->last_ts_ns = a->last_received_ns = INT64_MIN;
    a->running = ANDON_RUNNING_UNKNOWN;
    a->running_channel = a->regime_channel = TURN_NONE;
    a->open_next = TURN_NONE;
    return a;
}

void asset_free(struct asset *a)
{
    if (a == NULL) return;
    for (uint32_t c = 0; c < a->channels; c++) free(a->channel[c].name);
    free(a->channel);
    free(a->held);
    free(a->map);
    free(a->machine);
    free(a->path);
    free(a);
}

static bool named(const struct channel *c, struct text name)
{
    return c->name_bytes == name.length && memcmp(c->name, name.at, name.length) == 0;
}

static bool grow(struct asset *a)
{
    uint32_t room = a->channels_room == 0 ? 8 : 2 * a->channels_room;
    struct channel *more = realloc(a->channel, room * sizeof *more);
    if (more == NULL) return false;
    a->channel = more;
    a->channels_room = room;
    return true;
}

uint32_t asset_channel(struct asset *a, struct text name, enum reading_kind kind)
{
    uint32_t guess = a->next_guess < a->channels ? a->next_guess : 0;
    for (uint32_t i = 0; i < a->channels; i++) {
        uint32_t at = guess + i < a->channels ? guess + i : guess + i - a->channels;
        if (!named(&a->channel[at], name)) continue;
        a->next_guess = at + 1;
        return at;
    }
    if (a->channels == ASSET_CHANNELS_MAX) return TURN_NONE;
    if (a->channels == a->channels_room && !grow(a)) return TURN_NONE;
    char *copy = malloc((size_t)name.length + 1);
    if (copy == NULL) return TURN_NONE;
    memcpy(copy, name.at, name.length);
    copy[name.length] = 0;
    a->channel[a->channels] = (struct channel){.name = copy, .name_bytes = name.length,
                                               .kind = (uint8_t)kind, .last = NAN,
                                               .count = NAN, .last_ts_ns = INT64_MIN,
                                               .frame = UINT64_MAX, .scale = 1.0,
                                               .low = NAN, .high = NAN};
    a->next_guess = a->channels + 1;
    return a->channels++;
}

bool asset_bind(struct asset *a, const struct published *model)
{
    if (a->model == model) return true;
    void *machine = NULL;
    uint32_t *map = NULL;
    if (model != NULL) {
        size_t bytes = (andon_machine_bytes(model->model) + 63) & ~(size_t)63;
        machine = aligned_alloc(64, bytes);
        map = malloc(model->channels * sizeof *map);
        if (machine == NULL || map == NULL) {
            free(machine);
            free(map);
            return false;
        }
        andon_machine_init(model->model, machine);
        for (uint32_t c = 0; c < model->channels; c++) map[c] = TURN_NONE;
    }
    free(a->machine);
    free(a->map);
    a->machine = machine;
    a->map = map;
    a->mapped = 0;
    a->model = model;
    a->changed = true;
    return true;
}

bool asset_heard(struct asset *a, uint64_t hash, bool is_news)
{
    for (uint32_t i = 0; i < ASSET_MEMORY && !is_news; i++)
        if (a->memory[i] == hash) return true;
    a->memory[a->memory_head] = hash;
    a->memory_head = (a->memory_head + 1) % ASSET_MEMORY;
    return false;
}

/* Channels that came since the map was last looked at. */
static void map_new_channels(struct asset *a)
{
    const struct andon_recipe *recipe = andon_model_recipe(a->model->model);
    for (; a->mapped < a->channels; a->mapped++)
        for (uint32_t c = 0; c < a->model->channels; c++) {
            const char *name = andon_recipe_channel(recipe, c);
            if (named(&a->channel[a->mapped], text_of(name))) a->map[c] = a->mapped;
        }
}

void asset_fill(struct asset *a, int64_t ts_ns, int64_t stale_ns, double *value)
{
    map_new_channels(a);
    for (uint32_t c = 0; c < a->model->channels; c++) {
        const struct channel *from = a->map[c] == TURN_NONE ? NULL : &a->channel[a->map[c]];
        bool good = from != NULL && from->last_ts_ns != INT64_MIN &&
                    (from->quality & (QUALITY_BAD | QUALITY_STALE)) == 0 &&
                    ts_ns - from->last_ts_ns <= stale_ns;
        value[c] = good ? from->last : (double)NAN;
    }
}

int32_t asset_regime(const struct asset *a)
{
    const struct andon_recipe *recipe = andon_model_recipe(a->model->model);
    for (uint32_t r = 0; r < andon_recipe_regimes(recipe); r++)
        if (strcmp(andon_recipe_regime(recipe, r), a->regime) == 0) return (int32_t)r;
    return ANDON_REGIME_UNKNOWN;
}
