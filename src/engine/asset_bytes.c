/* An asset as bytes of a checkpoint. The names and figures are written one by one; the machine is copied
 * whole and comes back only into the same model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/asset.h"

enum { ASSET_FORMAT = 1 };

static void put_i64(struct andon_writer *out, int64_t v) { andon_put_u64(out, (uint64_t)v); }
static int64_t get_i64(struct andon_reader *in) { return (int64_t)andon_get_u64(in); }

static void put_channel(struct andon_writer *out, const struct channel *c)
{
    andon_put_u32(out, c->name_bytes);
    andon_put_bytes(out, c->name, c->name_bytes);
    andon_put_u8(out, c->kind);
    andon_put_u8(out, c->quality);
    andon_put_f64(out, c->last);
    put_i64(out, c->last_ts_ns);
    andon_put_u64(out, c->frame);
    andon_put_u64(out, c->values);
    andon_put_f64(out, c->count);
    andon_put_u64(out, c->resets);
    andon_put_bytes(out, &c->seen, sizeof c->seen); /* flat; of this build */
}

static void put_figures(struct andon_writer *out, const struct asset *a)
{
    put_i64(out, a->last_ts_ns);
    put_i64(out, a->last_received_ns);
    put_i64(out, a->interval_ns);
    andon_put_bytes(out, &a->interval, sizeof a->interval);
    const uint64_t figure[] = {a->rows, a->duplicates, a->late, a->conflicts, a->future, a->unjudged};
    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++) andon_put_u64(out, figure[i]);
    andon_put_u32(out, a->last_count);
    andon_put_u8(out, a->silent);
    andon_put_u8(out, (uint8_t)a->running);
    andon_put_text(out, a->regime);
    andon_put_u32(out, a->running_channel);
    andon_put_u32(out, a->regime_channel);
    for (uint32_t i = 0; i < ASSET_MEMORY; i++) andon_put_u64(out, a->memory[i]);
    andon_put_u32(out, a->memory_head);
}

static void put_held(struct andon_writer *out, const struct asset *a)
{
    andon_put_u8(out, a->open);
    if (!a->open) return;
    andon_put_u8(out, a->held_quality);
    put_i64(out, a->held_ts_ns);
    put_i64(out, a->held_received_ns);
    andon_put_u32(out, a->helds);
    for (uint32_t i = 0; i < a->helds; i++) {
        andon_put_u32(out, a->held[i].channel);
        andon_put_u8(out, a->held[i].kind);
        andon_put_u8(out, a->held[i].quality);
        andon_put_f64(out, a->held[i].number);
    }
}

void asset_save(const struct asset *a, struct andon_writer *out)
{
    andon_put_u8(out, ASSET_FORMAT);
    andon_put_u32(out, a->path_bytes);
    andon_put_bytes(out, a->path, a->path_bytes);
    andon_put_u32(out, a->channels);
    for (uint32_t c = 0; c < a->channels; c++) put_channel(out, &a->channel[c]);
    put_figures(out, a);
    put_held(out, a);
    andon_put_u8(out, a->model != NULL);
    if (a->model == NULL) return;
    size_t bytes = andon_machine_bytes(a->model->model);
    andon_put_text(out, a->model->name);
    andon_put_u32(out, a->model->version);
    andon_put_u32(out, a->model->checksum);
    andon_put_u32(out, (uint32_t)bytes);
    andon_put_bytes(out, a->machine, bytes);
}

/* A length-prefixed text that stays in the bytes that are read. */
static struct text get_name(struct andon_reader *in, uint32_t bytes_max)
{
    uint32_t bytes = andon_get_u32(in);
    if (in->bad || bytes == 0 || bytes > bytes_max || bytes > andon_reader_left(in)) {
        in->bad = true;
        return (struct text){"", 0};
    }
    struct text name = {(const char *)in->data + in->at, bytes};
    in->at += bytes;
    return name;
}

static bool get_channels(struct andon_reader *in, struct asset *a)
{
    uint32_t channels = andon_get_u32(in);
    for (uint32_t c = 0; c < channels; c++) {
        struct text name = get_name(in, CODEC_CHANNEL_MAX);
        uint8_t kind = andon_get_u8(in);
        if (in->bad || kind > READING_TEXT) return false;
        if (asset_channel(a, name, (enum reading_kind)kind) != c) return false;
        a->channel[c].quality = andon_get_u8(in);
        a->channel[c].last = andon_get_f64(in);
        a->channel[c].last_ts_ns = get_i64(in);
        a->channel[c].frame = andon_get_u64(in);
        a->channel[c].values = andon_get_u64(in);
        a->channel[c].count = andon_get_f64(in);
        a->channel[c].resets = andon_get_u64(in);
        andon_get_bytes(in, &a->channel[c].seen, sizeof a->channel[c].seen);
        if (in->bad || !kind_good(&a->channel[c].seen)) return false;
    }
    return !in->bad;
}

static uint32_t get_channel_number(struct andon_reader *in, const struct asset *a)
{
    uint32_t c = andon_get_u32(in);
    if (c != TURN_NONE && c >= a->channels) in->bad = true;
    return c;
}

static bool get_figures(struct andon_reader *in, struct asset *a)
{
    a->last_ts_ns = get_i64(in);
    a->last_received_ns = get_i64(in);
    a->interval_ns = get_i64(in);
    andon_get_bytes(in, &a->interval, sizeof a->interval);
    if (in->bad || !interval_good(&a->interval)) return false;
    uint64_t *figure[] = {&a->rows, &a->duplicates, &a->late, &a->conflicts, &a->future, &a->unjudged};
    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++) *figure[i] = andon_get_u64(in);
    a->last_count = andon_get_u32(in);
    a->silent = andon_get_u8(in) != 0;
    a->running = (int8_t)andon_get_u8(in);
    andon_get_text(in, a->regime, sizeof a->regime);
    a->running_channel = get_channel_number(in, a);
    a->regime_channel = get_channel_number(in, a);
    for (uint32_t i = 0; i < ASSET_MEMORY; i++) a->memory[i] = andon_get_u64(in);
    a->memory_head = andon_get_u32(in) % ASSET_MEMORY;
    return !in->bad;
}

static bool get_held(struct andon_reader *in, struct asset *a)
{
    a->open = andon_get_u8(in) != 0;
    if (!a->open) return !in->bad;
    a->held_quality = andon_get_u8(in);
    a->held_ts_ns = get_i64(in);
    a->held_received_ns = get_i64(in);
    a->helds = andon_get_u32(in);
    a->held = calloc(ASSET_HELD_MAX, sizeof *a->held);
    if (in->bad || a->helds > ASSET_HELD_MAX || a->held == NULL) return false;
    for (uint32_t i = 0; i < a->helds; i++) {
        a->held[i].channel = andon_get_u32(in);
        a->held[i].kind = andon_get_u8(in);
        a->held[i].quality = andon_get_u8(in);
        a->held[i].number = andon_get_f64(in);
        if (a->held[i].channel >= a->channels) return false;
    }
    return !in->bad;
}

static bool get_model(struct andon_reader *in, struct asset *a, struct models *models)
{
    if (andon_get_u8(in) == 0) return !in->bad;
    char name[ANDON_NAME_MAX];
    andon_get_text(in, name, sizeof name);
    uint32_t version = andon_get_u32(in), checksum = andon_get_u32(in), bytes = andon_get_u32(in);
    if (in->bad || bytes > andon_reader_left(in)) return false;
    const struct published *model;
    andon_error err;
    const uint8_t *machine = in->data + in->at;
    in->at += bytes;
    if (models_publish(models, text_of(name), version, checksum, &model, &err) != ANDON_OK)
        return true; /* its file is gone: the asset starts without a model */
    if (!asset_bind(a, model)) return false;
    if (bytes == andon_machine_bytes(model->model)) memcpy(a->machine, machine, bytes);
    return true;
}

struct asset *asset_load(struct andon_reader *in, struct models *models)
{
    if (andon_get_u8(in) != ASSET_FORMAT) return NULL;
    struct text path = get_name(in, CODEC_PATH_MAX);
    struct asset *a = in->bad ? NULL : asset_new(path);
    if (a == NULL) return NULL;
    if (get_channels(in, a) && get_figures(in, a) && get_held(in, a) && get_model(in, a, models))
        return a;
    asset_free(a);
    return NULL;
}
