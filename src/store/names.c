/* Invariants: 1. saved <= put <= what the map holds; 2. number n is entry n - 1 of its map. A channel's
 * key is its asset's number and its name; a model's its version, checksum and name. */
#include "store/names.h"

#include <stdlib.h>

#include "store/wire.h"

enum { ASSET_KEY = 4, MODEL_KEY = 8, ROOM_FIRST = 64 };

void names_close(struct names *n)
{
    map_close(n->assets);
    map_close(n->channels);
    map_close(n->models);
    free(n->kind);
    free(n->count);
    sqlite3_finalize(n->put_asset);
    sqlite3_finalize(n->put_channel);
    sqlite3_finalize(n->put_model);
    *n = (struct names){0};
}

static andon_status check_name(struct text name, const char *what, andon_error *err)
{
    if (name.length > 0 && name.length <= NAMES_BYTES_MAX) return ANDON_OK;
    return andon_fail(err, ANDON_EINVAL, "%s's name has %u bytes, expected 1 to %u", what,
                      name.length, NAMES_BYTES_MAX);
}

/* Room for a count of asset and a kind of channel. */
static andon_status make_room(struct names *n, uint32_t asset, uint32_t channel, andon_error *err)
{
    if (asset >= n->counts_room) {
        uint32_t room = n->counts_room > 0 ? n->counts_room : ROOM_FIRST;
        while (room <= asset) room *= 2;
        uint16_t *count = realloc(n->count, room * sizeof *count);
        if (count == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for %u assets", asset);
        memset(count + n->counts_room, 0, (room - n->counts_room) * sizeof *count);
        n->count = count;
        n->counts_room = room;
    }
    if (channel >= n->kinds_room) {
        uint32_t room = n->kinds_room > 0 ? n->kinds_room : ROOM_FIRST;
        while (room <= channel) room *= 2;
        uint8_t *kind = realloc(n->kind, room);
        if (kind == NULL)
            return andon_fail(err, ANDON_ENOMEM, "no memory for %u channels", channel);
        n->kind = kind;
        n->kinds_room = room;
    }
    return ANDON_OK;
}

andon_status names_asset(struct names *n, struct text path, uint32_t *asset, andon_error *err)
{
    uint32_t number;
    andon_status st = check_name(path, "an asset", err);
    if (st == ANDON_OK) st = make_room(n, map_count(n->assets) + 1, 0, err);
    if (st == ANDON_OK) st = map_put(n->assets, path, &number, err);
    if (st == ANDON_OK) *asset = number + 1;
    return st;
}

andon_status names_channel(struct names *n, uint32_t asset, struct text name, enum store_kind kind,
                           uint32_t *channel, andon_error *err)
{
    uint8_t key[ASSET_KEY + NAMES_BYTES_MAX];
    uint32_t number;
    andon_status st = check_name(name, "a channel", err);
    if (st != ANDON_OK) return st;
    if (!names_knows(n, asset)) return andon_fail(err, ANDON_EINVAL, "no asset %u", asset);
    wire_put_bytes(wire_put_u32(key, asset), name.at, name.length);
    struct text whole = {(const char *)key, ASSET_KEY + name.length};
    number = map_find(n->channels, whole);
    if (number == MAP_NONE) {
        if (n->count[asset] >= STORE_CHANNELS_MAX)
            return andon_fail(err, ANDON_ELIMIT, "asset %u has %u channels, the most that are kept",
                              asset, STORE_CHANNELS_MAX);
        st = make_room(n, asset, map_count(n->channels) + 1, err);
        if (st == ANDON_OK) st = map_put(n->channels, whole, &number, err);
        if (st != ANDON_OK) return st;
        n->kind[number + 1] = (uint8_t)kind;
        n->count[asset]++;
    }
    *channel = number + 1;
    return ANDON_OK;
}

andon_status names_model(struct names *n, struct text name, uint32_t version, uint32_t checksum,
                         uint32_t *model, andon_error *err)
{
    uint8_t key[MODEL_KEY + NAMES_BYTES_MAX];
    uint32_t number;
    andon_status st = check_name(name, "a model", err);
    if (st != ANDON_OK) return st;
    wire_put_bytes(wire_put_u32(wire_put_u32(key, version), checksum), name.at, name.length);
    st = map_put(n->models, (struct text){(const char *)key, MODEL_KEY + name.length}, &number, err);
    if (st == ANDON_OK) *model = number + 1;
    return st;
}

/* ---- the file ---- */

static uint32_t u32_at(const char *at)
{
    struct wire in = {.at = (const uint8_t *)at, .end = (const uint8_t *)at + 4};
    return wire_u32(&in);
}

static struct text behind(struct text key, uint32_t bytes)
{
    return (struct text){key.at + bytes, key.length - bytes};
}

andon_status names_put(struct names *n, andon_error *err)
{
    andon_status st = ANDON_OK;
    while (n->put_assets < map_count(n->assets) && st == ANDON_OK) {
        sqlite3_bind_int64(n->put_asset, 1, (int64_t)n->put_assets + 1);
        sql_bind_text(n->put_asset, 2, map_name(n->assets, n->put_assets++));
        st = sql_do(n->db, n->put_asset, err);
    }
    while (n->put_channels < map_count(n->channels) && st == ANDON_OK) {
        struct text key = map_name(n->channels, n->put_channels);
        sqlite3_bind_int64(n->put_channel, 1, (int64_t)n->put_channels + 1);
        sqlite3_bind_int64(n->put_channel, 2, u32_at(key.at));
        sql_bind_text(n->put_channel, 3, behind(key, ASSET_KEY));
        sqlite3_bind_int(n->put_channel, 4, n->kind[++n->put_channels]);
        st = sql_do(n->db, n->put_channel, err);
    }
    while (n->put_models < map_count(n->models) && st == ANDON_OK) {
        struct text key = map_name(n->models, n->put_models);
        sqlite3_bind_int64(n->put_model, 1, (int64_t)++n->put_models);
        sql_bind_text(n->put_model, 2, behind(key, MODEL_KEY));
        sqlite3_bind_int64(n->put_model, 3, u32_at(key.at));
        sqlite3_bind_int64(n->put_model, 4, u32_at(key.at + 4));
        st = sql_do(n->db, n->put_model, err);
    }
    return st;
}

void names_settle(struct names *n, bool committed)
{
    if (committed) {
        n->saved_assets = n->put_assets;
        n->saved_channels = n->put_channels;
        n->saved_models = n->put_models;
    }
    n->put_assets = n->saved_assets;
    n->put_channels = n->saved_channels;
    n->put_models = n->saved_models;
}

/* Reads one table in order of its numbers, which must have no gap. */
static andon_status load(struct names *n, const char *query, const char *what,
                         andon_status (*take)(struct names *, sqlite3_stmt *, uint32_t *,
                                              andon_error *),
                         andon_error *err)
{
    sqlite3_stmt *statement = NULL;
    andon_status st = sql_prepare(n->db, query, &statement, err);
    int code = SQLITE_DONE;
    for (int64_t expected = 1; st == ANDON_OK; expected++) {
        uint32_t number = 0;
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW) break;
        st = take(n, statement, &number, err);
        if (st == ANDON_OK && (sqlite3_column_int64(statement, 0) != expected || number != expected))
            st = andon_fail(err, ANDON_EFORMAT, "the store is damaged: found %s %lld, expected %lld",
                            what, (long long)sqlite3_column_int64(statement, 0),
                            (long long)expected);
    }
    if (st == ANDON_OK && code != SQLITE_DONE) st = sql_fail(n->db, "the store", err);
    sqlite3_finalize(statement);
    return st;
}

static andon_status take_asset(struct names *n, sqlite3_stmt *row, uint32_t *number,
                               andon_error *err)
{
    return names_asset(n, sql_text(row, 1), number, err);
}

static andon_status take_channel(struct names *n, sqlite3_stmt *row, uint32_t *number,
                                 andon_error *err)
{
    int kind = sqlite3_column_int(row, 3);
    return names_channel(n, (uint32_t)sqlite3_column_int64(row, 1), sql_text(row, 2),
                         kind >= 0 && kind <= STORE_TEXT ? (enum store_kind)kind : STORE_NUMBER,
                         number, err);
}

static andon_status take_model(struct names *n, sqlite3_stmt *row, uint32_t *number,
                               andon_error *err)
{
    return names_model(n, sql_text(row, 1), (uint32_t)sqlite3_column_int64(row, 2),
                       (uint32_t)sqlite3_column_int64(row, 3), number, err);
}

andon_status names_open(struct names *n, sqlite3 *db, andon_error *err)
{
    *n = (struct names){.db = db};
    andon_status st = map_open(STORE_ASSETS_MAX, UINT32_C(1) << 30, &n->assets, err);
    if (st == ANDON_OK) st = map_open(NAMES_CHANNELS_MAX, UINT32_C(1) << 31, &n->channels, err);
    if (st == ANDON_OK) st = map_open(NAMES_MODELS_MAX, UINT32_C(1) << 28, &n->models, err);
    if (st == ANDON_OK) st = make_room(n, 1, 1, err);
    if (st == ANDON_OK)
        st = load(n, "SELECT id, path FROM asset ORDER BY id", "asset", take_asset, err);
    if (st == ANDON_OK)
        st = load(n, "SELECT id, asset, name, kind FROM channel ORDER BY id", "channel",
                  take_channel, err);
    if (st == ANDON_OK)
        st = load(n, "SELECT id, name, version, checksum FROM model ORDER BY id", "model",
                  take_model, err);
    if (st == ANDON_OK)
        st = sql_prepare(db, "INSERT INTO asset(id, path) VALUES(?, ?)", &n->put_asset, err);
    if (st == ANDON_OK)
        st = sql_prepare(db, "INSERT INTO channel VALUES(?, ?, ?, ?)", &n->put_channel, err);
    if (st == ANDON_OK)
        st = sql_prepare(db, "INSERT INTO model VALUES(?, ?, ?, ?)", &n->put_model, err);
    if (st != ANDON_OK) {
        names_close(n);
        return st;
    }
    n->put_assets = map_count(n->assets);
    n->put_channels = map_count(n->channels);
    n->put_models = map_count(n->models);
    names_settle(n, true);
    return ANDON_OK;
}
