/* The tables assets and deadletters: short lists, read from their start. */
#include <stdlib.h>

#include "store/door.h"

/* ---- assets: taken whole when the query begins ---- */

struct listed {
    struct text path; /* .at is set when the list is complete */
    size_t at;
    uint64_t rows;
    int64_t first_ns, last_ns;
};

struct assets_cursor {
    sqlite3_vtab_cursor base;
    struct door *door;
    struct listed *listed; /* listed[count] */
    size_t count, room, at;
    char *text;
    size_t text_size, text_room;
    bool full;
};

static int connect_assets(sqlite3 *db, void *door, int argc, const char *const *argv,
                          sqlite3_vtab **table, char **error)
{
    (void)argc, (void)argv, (void)error;
    return door_connect(db, door,
                        "CREATE TABLE x(asset TEXT, rows INTEGER, first_ts INTEGER, last_ts INTEGER)", table);
}

static int best(sqlite3_vtab *table, struct sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = 1e5;
    info->estimatedRows = 100000;
    return SQLITE_OK;
}

static int open_assets(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct assets_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) return SQLITE_NOMEM;
    c->door = ((struct door_table *)table)->door;
    *cursor = &c->base;
    return SQLITE_OK;
}

static int close_assets(sqlite3_vtab_cursor *cursor)
{
    struct assets_cursor *c = (struct assets_cursor *)cursor;
    free(c->listed);
    free(c->text);
    free(c);
    return SQLITE_OK;
}

static bool take_asset(void *context, const struct reader_asset *a)
{
    struct assets_cursor *c = context;
    if (c->count == c->room) {
        size_t room = c->room > 0 ? 2 * c->room : 64;
        struct listed *more = realloc(c->listed, room * sizeof *more);
        c->full = more == NULL;
        if (c->full) return false;
        c->listed = more;
        c->room = room;
    }
    size_t need = c->text_size + a->path.length;
    if (need > c->text_room) {
        char *more = realloc(c->text, 2 * need);
        c->full = more == NULL;
        if (c->full) return false;
        c->text = more;
        c->text_room = 2 * need;
    }
    memcpy(c->text + c->text_size, a->path.at, a->path.length);
    c->listed[c->count++] = (struct listed){.path = {NULL, a->path.length}, .at = c->text_size,
                                            .rows = a->rows, .first_ns = a->first_ts_ns,
                                            .last_ns = a->last_ts_ns};
    c->text_size = need;
    return !door_is_late(c->door);
}

static int filter_assets(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                         sqlite3_value **argv)
{
    struct assets_cursor *c = (struct assets_cursor *)cursor;
    andon_error err = {""};
    (void)plan, (void)name, (void)argc, (void)argv;
    c->count = c->text_size = c->at = 0;
    andon_status st = reader_assets(c->door->reader, take_asset, c, &err);
    if (st != ANDON_OK) return door_fail(c->door, st, &err);
    if (c->full) return SQLITE_NOMEM;
    return c->door->late ? SQLITE_INTERRUPT : SQLITE_OK;
}

static int next_asset(sqlite3_vtab_cursor *cursor)
{
    ((struct assets_cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int assets_end(sqlite3_vtab_cursor *cursor)
{
    const struct assets_cursor *c = (const struct assets_cursor *)cursor;
    return c->at >= c->count;
}

static int assets_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct assets_cursor *c = (const struct assets_cursor *)cursor;
    const struct listed *l = &c->listed[c->at];
    if (column == 0) door_result_text(context, (struct text){c->text + l->at, l->path.length});
    else if (column == 1) sqlite3_result_int64(context, (int64_t)l->rows);
    else if (l->rows > 0) sqlite3_result_int64(context, column == 2 ? l->first_ns : l->last_ns);
    return SQLITE_OK;
}

static int assets_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
    *id = (int64_t)((struct assets_cursor *)cursor)->at;
    return SQLITE_OK;
}

const struct sqlite3_module door_assets = {
    .xConnect = connect_assets, .xBestIndex = best, .xDisconnect = door_disconnect,
    .xOpen = open_assets, .xClose = close_assets, .xFilter = filter_assets, .xNext = next_asset,
    .xEof = assets_end, .xColumn = assets_column, .xRowid = assets_rowid};

/* ---- dead letters: one after the other from a statement of the reader's ---- */

struct dead_cursor {
    sqlite3_vtab_cursor base;
    struct door *door;
    sqlite3_stmt *sql;
    bool at_end;
};

enum { DEAD_ID, DEAD_RECEIVED, DEAD_REPLAYED, DEAD_OFFSET, DEAD_ELEMENT, DEAD_TEXTS, DEAD_COLUMNS = 10 };

static int connect_dead(sqlite3 *db, void *door, int argc, const char *const *argv,
                        sqlite3_vtab **table, char **error)
{
    (void)argc, (void)argv, (void)error;
    return door_connect(db, door,
                        "CREATE TABLE x(id INTEGER, received INTEGER, replayed INTEGER,"
                        " journal_offset INTEGER, element INTEGER, door TEXT, client TEXT,"
                        " topic TEXT, reason TEXT, payload TEXT)", table);
}

static int open_dead(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct dead_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) return SQLITE_NOMEM;
    c->door = ((struct door_table *)table)->door;
    *cursor = &c->base;
    return SQLITE_OK;
}

static int close_dead(sqlite3_vtab_cursor *cursor)
{
    struct dead_cursor *c = (struct dead_cursor *)cursor;
    sqlite3_finalize(c->sql);
    free(c);
    return SQLITE_OK;
}

static int next_dead(sqlite3_vtab_cursor *cursor)
{
    struct dead_cursor *c = (struct dead_cursor *)cursor;
    int code = sqlite3_step(c->sql);
    c->at_end = code != SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
}

static int filter_dead(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                       sqlite3_value **argv)
{
    struct dead_cursor *c = (struct dead_cursor *)cursor;
    (void)plan, (void)name, (void)argc, (void)argv;
    sqlite3_finalize(c->sql);
    c->sql = NULL;
    if (sqlite3_prepare_v2(c->door->reader->db,
                           "SELECT id, received_ns, replayed_ns, journal_offset, element, door, client,"
                           " topic, reason, payload FROM dead ORDER BY id", -1, &c->sql, NULL) !=
        SQLITE_OK)
        return SQLITE_ERROR;
    return next_dead(cursor);
}

static int dead_end(sqlite3_vtab_cursor *cursor)
{
    return ((struct dead_cursor *)cursor)->at_end;
}

static int dead_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct dead_cursor *c = (const struct dead_cursor *)cursor;
    if (column < DEAD_TEXTS) {
        int64_t v = sqlite3_column_int64(c->sql, column);
        if (column == DEAD_REPLAYED && v == 0) sqlite3_result_null(context);
        else sqlite3_result_int64(context, v);
    } else if (column < DEAD_COLUMNS - 1) door_result_text(context, sql_text(c->sql, column));
    else {
        const char *at = sqlite3_column_blob(c->sql, column);
        sqlite3_result_text(context, at != NULL ? at : "", sqlite3_column_bytes(c->sql, column),
                            SQLITE_TRANSIENT);
    }
    return SQLITE_OK;
}

static int dead_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
    *id = sqlite3_column_int64(((struct dead_cursor *)cursor)->sql, DEAD_ID);
    return SQLITE_OK;
}

const struct sqlite3_module door_deadletters = {
    .xConnect = connect_dead, .xBestIndex = best, .xDisconnect = door_disconnect,
    .xOpen = open_dead, .xClose = close_dead, .xFilter = filter_dead, .xNext = next_dead,
    .xEof = dead_end, .xColumn = dead_column, .xRowid = dead_rowid};
