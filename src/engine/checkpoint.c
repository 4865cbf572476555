/* State to blobs and back. Assets come back in the order of their numbers, whatever the store's order. */
#include "engine/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/checksum.h"

#define BLOB_MAX ((size_t)256 << 20)

static andon_status keep(struct store *store, const char *name, struct andon_writer *out,
                         andon_error *err)
{
    uint32_t check = checksum_crc32c(0, out->data, out->size);
    andon_put_u32(out, check);
    if (out->full) return andon_fail(err, ANDON_ENOMEM, "checkpoint %s: no memory", name);
    return store_keep(store, text_of(name), out->data, out->size, err);
}

andon_status checkpoint_write(struct store *store, struct floor *floor, uint64_t offset,
                              andon_error *err)
{
    struct andon_arena arena;
    struct andon_writer out;
    andon_status st = ANDON_OK;
    andon_arena_init(&arena, andon_allocator_libc(), BLOB_MAX);
    andon_writer_init(&out, &arena);
    for (uint32_t i = 0; i < floor_assets(floor) && st == ANDON_OK; i++) {
        const struct asset *a = floor_asset(floor, i);
        char name[32];
        if (!a->changed) continue;
        snprintf(name, sizeof name, "asset/%u", (unsigned)i);
        out.size = 0;
        asset_save(a, &out);
        st = keep(store, name, &out, err);
    }
    out.size = 0;
    if (st == ANDON_OK) {
        floor_save(floor, &out);
        st = keep(store, "floor", &out, err);
    }
    andon_arena_free(&arena);
    return st == ANDON_OK ? store_checkpoint(store, offset, err) : st;
}

void checkpoint_taken(struct floor *floor)
{
    for (uint32_t i = 0; i < floor_assets(floor); i++) floor_asset(floor, i)->changed = false;
}

struct restoring {
    struct floor *floor;
    struct models *models;
    struct asset **asset; /* asset[room], by number */
    uint32_t room;
};

static bool put(struct restoring *r, uint32_t number, struct asset *asset)
{
    if (number >= STORE_ASSETS_MAX) return false;
    if (number >= r->room) {
        uint32_t room = r->room == 0 ? 1024 : r->room;
        while (room <= number) room *= 2;
        struct asset **more = realloc(r->asset, room * sizeof *more);
        if (more == NULL) return false;
        memset(more + r->room, 0, (room - r->room) * sizeof *more);
        r->asset = more;
        r->room = room;
    }
    if (r->asset[number] != NULL) return false;
    r->asset[number] = asset;
    return true;
}

static andon_status take(void *context, struct text name, const void *blob, size_t size,
                         andon_error *err)
{
    struct restoring *r = context;
    struct andon_reader in;
    char text[64];
    unsigned number;
    uint32_t check;
    snprintf(text, sizeof text, "%.*s", (int)name.length, name.at);
    if (size < sizeof check)
        return andon_fail(err, ANDON_EFORMAT, "checkpoint %s: cut", text);
    memcpy(&check, (const uint8_t *)blob + size - sizeof check, sizeof check);
    size -= sizeof check;
    if (check != checksum_crc32c(0, blob, size))
        return andon_fail(err, ANDON_EFORMAT, "checkpoint %s: its bytes do not match their checksum",
                          text);
    andon_reader_init(&in, blob, size);
    if (strcmp(text, "floor") == 0)
        return floor_load(r->floor, &in)
                   ? ANDON_OK
                   : andon_fail(err, ANDON_EFORMAT, "checkpoint floor: of another build");
    if (sscanf(text, "asset/%u", &number) != 1) return ANDON_OK; /* somebody else's */
    struct asset *a = asset_load(&in, r->models);
    if (a == NULL || !put(r, number, a)) {
        asset_free(a);
        return andon_fail(err, ANDON_EFORMAT, "checkpoint %s: of another build, or no memory", text);
    }
    return ANDON_OK;
}

andon_status checkpoint_restore(struct store *store, struct floor *floor, struct models *models,
                                andon_error *err)
{
    struct restoring r = {.floor = floor, .models = models};
    andon_status st = store_each_kept(store, take, &r, err);
    uint32_t number = 0;
    for (; st == ANDON_OK && number < r.room && r.asset[number] != NULL; number++) {
        if (!floor_add(floor, number, r.asset[number]))
            st = andon_fail(err, ANDON_EFORMAT, "checkpoint asset/%u: cannot be put back",
                            (unsigned)number);
        else r.asset[number] = NULL;
    }
    for (uint32_t i = 0; i < r.room; i++) asset_free(r.asset[i]);
    free(r.asset);
    return st;
}
