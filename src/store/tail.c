/* Invariants: 1. an asset is in the list by age as long as it has rows; 2. the first record of a turn
 * names its channels, so that the bytes from turn_at on can be read by themselves; 3. bytes and rows
 * are the sums over all assets, room_bytes that of the room that they keep. */
#include "store/tail.h"

#include <stdlib.h>

enum { ROOM_FIRST = 512, FIELDS_FIRST = 8, ASSETS_FIRST = 64 };

/* An asset keeps its room when its rows go into a chunk, unless all of them together keep more. */
#define ROOM_KEPT_MAX ((uint64_t)64 << 20)

void tail_init(struct tail *t)
{
    *t = (struct tail){.stamp = 1};
}

static void list_take_out(struct tail *t, uint32_t asset)
{
    struct tail_asset *a = &t->asset[asset];
    if (a->older != TAIL_NONE) t->asset[a->older].newer = a->newer;
    else t->oldest = a->newer;
    if (a->newer != TAIL_NONE) t->asset[a->newer].older = a->older;
    else t->newest = a->older;
    a->older = a->newer = TAIL_NONE;
}

static void list_put_last(struct tail *t, uint32_t asset)
{
    struct tail_asset *a = &t->asset[asset];
    a->older = t->newest;
    a->newer = TAIL_NONE;
    if (t->newest != TAIL_NONE) t->asset[t->newest].newer = asset;
    else t->oldest = asset;
    t->newest = asset;
}

/* ---- room ---- */

static bool make_room(struct tail *t, struct tail_asset *a, size_t more)
{
    if (more <= a->room - a->size) return true;
    if (more > (UINT32_C(1) << 30) - a->size) return false;
    uint32_t need = a->size + (uint32_t)more, room = a->room > 0 ? a->room : ROOM_FIRST;
    while (room < need) room += room / 2;
    uint8_t *bytes = realloc(a->bytes, room);
    if (bytes == NULL) return false;
    t->room_bytes += room - a->room;
    a->bytes = bytes;
    a->room = room;
    return true;
}

/* The fields of the row before may be overwritten: then the row begins anew. */
static bool make_field_room(struct tail_asset *a, uint32_t fields)
{
    if (fields <= a->fields_room) return true;
    uint32_t room = a->fields_room > 0 ? a->fields_room : FIELDS_FIRST;
    while (room < fields) room += room / 2;
    struct record_field *field = realloc(a->field, room * sizeof *field);
    if (field == NULL) return false;
    a->field = field;
    a->fields = UINT32_MAX;
    a->fields_room = room;
    return true;
}

void tail_close(struct tail *t)
{
    for (uint32_t i = 0; i < t->room; i++) {
        free(t->asset[i].bytes);
        free(t->asset[i].field);
    }
    free(t->asset);
    free(t->touched);
    record_cursor_free(&t->cursor);
    tail_init(t);
}

andon_status tail_reserve(struct tail *t, uint32_t assets, andon_error *err)
{
    if (assets >= t->room) {
        uint32_t room = t->room > 0 ? t->room : ASSETS_FIRST;
        while (room <= assets) room *= 2;
        struct tail_asset *asset = realloc(t->asset, room * sizeof *asset);
        if (asset != NULL) {
            memset(asset + t->room, 0, (room - t->room) * sizeof *asset);
            t->asset = asset;
        }
        uint32_t *touched = asset == NULL ? NULL : realloc(t->touched, room * sizeof *touched);
        if (touched == NULL)
            return andon_fail(err, ANDON_ENOMEM, "no memory for %u assets", assets);
        t->touched = touched;
        t->room = room;
    }
    if (assets > t->assets) t->assets = assets;
    return ANDON_OK;
}

static void forget(struct tail *t, uint32_t asset)
{
    struct tail_asset *a = &t->asset[asset];
    if (a->rows > 0) list_take_out(t, asset);
    t->bytes -= a->size;
    t->rows -= a->rows;
    a->size = a->rows = a->fields = 0;
    a->turn_at = a->turn_rows = a->base_at = a->base_rows = 0;
    if (t->room_bytes <= ROOM_KEPT_MAX) return;
    t->room_bytes -= a->room;
    free(a->bytes);
    a->bytes = NULL;
    a->room = 0;
}

void tail_empty(struct tail *t)
{
    for (uint32_t i = 1; i <= t->assets && i < t->room; i++) {
        forget(t, i);
        t->asset[i].sealed = 0;
        t->asset[i].stamp = 0;
    }
    t->touched_count = 0;
}

/* ---- rows ---- */

void tail_turn(struct tail *t)
{
    t->touched_count = 0;
    if (++t->stamp != 0) return;
    for (uint32_t i = 0; i < t->room; i++) t->asset[i].stamp = 0;
    t->stamp = 1;
}

/* True when the asset says its first of this turn. */
static bool touch(struct tail *t, uint32_t asset)
{
    struct tail_asset *a = &t->asset[asset];
    if (a->stamp == t->stamp) return false;
    a->stamp = t->stamp;
    a->turn_at = a->size;
    a->turn_rows = a->rows;
    t->touched[t->touched_count++] = asset;
    return true;
}

andon_status tail_add(struct tail *t, const struct store_row *row, int64_t now_ns, andon_error *err)
{
    struct tail_asset *a = &t->asset[row->asset];
    if (!make_room(t, a, record_bytes_max(row)) || !make_field_room(a, row->fields))
        return andon_fail(err, ANDON_ENOMEM, "no memory for a row of asset %u", row->asset);
    bool first = touch(t, row->asset);
    struct record_state state = {.ts_ns = a->ts_ns, .step_ns = a->step_ns, .lag_ms = a->lag_ms,
                                 .fields = a->fields, .field = a->field};
    size_t size = record_put(row, first || a->rows == 0, &state, a->bytes + a->size);
    a->ts_ns = state.ts_ns;
    a->step_ns = state.step_ns;
    a->lag_ms = state.lag_ms;
    a->fields = state.fields;
    if (a->rows == 0) {
        a->since_ns = now_ns;
        list_put_last(t, row->asset);
    }
    a->size += (uint32_t)size;
    a->rows++;
    t->bytes += size;
    t->rows++;
    return ANDON_OK;
}

andon_status tail_put_back(struct tail *t, uint32_t asset, const uint8_t *records, uint32_t size,
                           uint32_t rows, int64_t since_ns, andon_error *err)
{
    struct tail_asset *a = &t->asset[asset];
    if (rows == 0) return ANDON_OK;
    if (!make_room(t, a, size))
        return andon_fail(err, ANDON_ENOMEM, "no memory for the rows of asset %u", asset);
    if (a->rows == 0) {
        a->since_ns = since_ns;
        list_put_last(t, asset);
    }
    memcpy(a->bytes + a->size, records, size);
    a->size += size;
    a->rows += rows;
    t->bytes += size;
    t->rows += rows;
    return ANDON_OK;
}

andon_status tail_sheet(struct tail *t, uint32_t asset, struct sheet *sheet, andon_error *err)
{
    const struct tail_asset *a = &t->asset[asset];
    struct record_cursor *c = &t->cursor;
    struct store_row row;
    int got;
    record_begin(c, asset, a->bytes, a->size);
    while ((got = record_next(c, &row)) == 1) {
        andon_status st = sheet_add(sheet, &row, err);
        if (st != ANDON_OK) return st;
    }
    if (got == 0) return ANDON_OK;
    return got == -1 ? andon_fail(err, ANDON_ENOMEM, "no memory for the rows of asset %u", asset)
                     : andon_fail(err, ANDON_EFORMAT, "rows of asset %u in memory are damaged",
                                  asset);
}

void tail_drop(struct tail *t, uint32_t asset)
{
    struct tail_asset *a = &t->asset[asset];
    a->sealed += a->rows;
    forget(t, asset);
}
