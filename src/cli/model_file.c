#include "cli/model_file.h"

#include <stdio.h>
#include <string.h>

#include "ingest/compressed.h"

enum { FIRST_BYTES = 1 << 16 };

/* The whole file in scratch. */
static andon_status read_all(struct compressed *file, const char *path, struct andon_arena *scratch,
                             uint8_t **data, size_t *size, andon_error *err)
{
    size_t room = 0, got = 1;
    *size = 0;
    while (got > 0) {
        if (*size == room) {
            room = room == 0 ? (size_t)FIRST_BYTES : room * 2;
            uint8_t *more = andon_arena_take(scratch, room);
            if (more == NULL)
                return andon_fail(err, ANDON_ELIMIT, "%s: expected a model of at most %zu bytes",
                                  path, MODEL_FILE_BYTES_MAX);
            if (*size > 0) memcpy(more, *data, *size);
            *data = more;
        }
        andon_status st = compressed_read(file, *data + *size, room - *size, &got, err);
        if (st != ANDON_OK) return st;
        *size += got;
    }
    return ANDON_OK;
}

static andon_status load_bytes(const char *path, const uint8_t *data, size_t size,
                               struct andon_arena *arena, struct andon_model **model,
                               andon_error *err)
{
    andon_error why = {{0}};
    andon_status st = andon_model_load(data, size, arena, model, &why);
    if (st == ANDON_OK) return ANDON_OK;
    return andon_fail(err, st, "%s: %.240s", path, why.text);
}

andon_status model_file_load(const char *path, struct andon_arena *arena,
                             struct andon_model **model, andon_error *err)
{
    struct andon_arena scratch;
    struct compressed *file = NULL;
    uint8_t *data = NULL;
    size_t size;
    andon_arena_init(arena, andon_allocator_libc(), 2 * MODEL_FILE_BYTES_MAX);
    andon_arena_init(&scratch, andon_allocator_libc(), 2 * MODEL_FILE_BYTES_MAX);
    andon_status st = compressed_open(&file, path, err);
    if (st != ANDON_OK) return st;
    st = read_all(file, path, &scratch, &data, &size, err);
    compressed_close(file);
    if (st == ANDON_OK) st = load_bytes(path, data, size, arena, model, err);
    andon_arena_free(&scratch);
    return st;
}

/* A noted column's name; NULL for none. */
static const char *column(const struct andon_model *model, const char *key)
{
    const char *name = andon_model_noted(model, key);
    return name != NULL && name[0] != 0 ? name : NULL;
}

andon_status model_file_request(const struct andon_model *model, const char *path,
                                struct andon_arena *arena, struct samples_request *request,
                                andon_error *err)
{
    const struct andon_recipe *recipe = andon_model_recipe(model);
    uint32_t channels = andon_recipe_channels(recipe);
    const char **channel = andon_arena_array(arena, channels, sizeof *channel);
    if (channel == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the channels' names");
    for (uint32_t i = 0; i < channels; i++) channel[i] = andon_recipe_channel(recipe, i);
    *request = (struct samples_request){.path = path,
                                        .time = column(model, "time"),
                                        .time_may_miss = true,
                                        .running = column(model, "running"),
                                        .regime = column(model, "regime"),
                                        .channel = channel,
                                        .channels = channels};
    return ANDON_OK;
}

void model_file_regimes(const struct andon_model *model, struct vocabulary *regimes)
{
    const struct andon_recipe *recipe = andon_model_recipe(model);
    for (uint32_t i = 0; i < andon_recipe_regimes(recipe); i++) {
        const char *name = andon_recipe_regime(recipe, i);
        vocabulary_learn(regimes, name, strlen(name));
    }
}
