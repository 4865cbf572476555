/* The tables readings and verdicts: rows of one asset after the other, each in order of time. Where the
 * query names the asset, only its chunks in the range are opened; where it names the channel alone, only
 * assets that have one of that name. */
#include <stdlib.h>

#include "andon/model.h"
#include "store/door.h"
#include "store/scan.h"

enum {
    BY_ASSET = 1, BY_CHANNEL = 2, BY_LOW = 4, BY_HIGH = 8, BY_TIME = 16, /* these have an argument */
    BY_LOW_OPEN = 32, BY_HIGH_OPEN = 64, ARGUMENTS = 31
};
enum { LOOK_EVERY = 64 };

struct name {
    uint32_t channel;
    struct text text; /* in rows_cursor.text, which moves: kept as an offset in .at until used */
    uint32_t at;
};

struct rows_cursor {
    sqlite3_vtab_cursor base;
    struct door *door;
    bool verdicts;
    uint32_t *asset, *channel;   /* asset[assets], channel[assets]: what is asked for; channel 0: all */
    uint32_t assets, assets_room, next_asset;
    int64_t from_ns, to_ns;
    struct scan scan;
    struct store_row row;
    uint32_t field;              /* of row */
    bool at_end;
    char *path;                  /* of the asset */
    struct name *name;           /* name[names]: its channels */
    uint32_t names, names_room;
    char *text;                  /* text[text_size] of the names */
    size_t text_size, text_room;
    int64_t rowid;
};

static int connect_readings(sqlite3 *db, void *door, int argc, const char *const *argv,
                            sqlite3_vtab **table, char **error)
{
    (void)argc, (void)argv, (void)error;
    return door_connect(db, door,
                        "CREATE TABLE x(asset TEXT, channel TEXT, ts INTEGER, value, quality INTEGER)",
                        table);
}

static int connect_verdicts(sqlite3 *db, void *door, int argc, const char *const *argv,
                            sqlite3_vtab **table, char **error)
{
    (void)argc, (void)argv, (void)error;
    return door_connect(db, door,
                        "CREATE TABLE x(asset TEXT, ts INTEGER, score REAL, p_value REAL, state TEXT,"
                        " reason TEXT, is_anomaly INTEGER, channel TEXT, share REAL, model TEXT,"
                        " version INTEGER)", table);
}

/* ---- what the query asks for ---- */

static int flag_of(int column, int ts_column, bool readings, unsigned char op)
{
    bool equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (column == 0) return equal ? BY_ASSET : 0;
    if (column == 1 && readings) return equal ? BY_CHANNEL : 0;
    if (column != ts_column) return 0;
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return BY_TIME;
    case SQLITE_INDEX_CONSTRAINT_GE: return BY_LOW;
    case SQLITE_INDEX_CONSTRAINT_GT: return BY_LOW | BY_LOW_OPEN;
    case SQLITE_INDEX_CONSTRAINT_LE: return BY_HIGH;
    case SQLITE_INDEX_CONSTRAINT_LT: return BY_HIGH | BY_HIGH_OPEN;
    default: return 0;
    }
}

/* Arguments stand in the order of their flags. SQLite compares again, so bounds may be generous. */
static int best_index(struct sqlite3_index_info *info, int ts_column, bool readings)
{
    int place[ARGUMENTS + 1] = {0}, plan = 0, arguments = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        int flag = c->usable ? flag_of(c->iColumn, ts_column, readings, c->op) : 0;
        int kind = flag & ARGUMENTS;
        if (kind == 0 || place[kind] != 0) continue;
        place[kind] = i + 1;
        plan |= flag;
    }
    for (int kind = BY_ASSET; kind <= BY_TIME; kind *= 2)
        if (place[kind] != 0) info->aConstraintUsage[place[kind] - 1].argvIndex = ++arguments;
    double rows = 1e10;
    if (plan & BY_ASSET) rows /= 1e4;
    if (plan & BY_CHANNEL) rows /= 10;
    if (plan & BY_LOW) rows /= 10;
    if (plan & BY_HIGH) rows /= 10;
    if (plan & BY_TIME) rows /= 1e4;
    info->idxNum = plan;
    info->estimatedCost = rows;
    info->estimatedRows = (int64_t)rows;
    /* Rows of one asset come in order of time. */
    info->orderByConsumed = (plan & BY_ASSET) != 0 && info->nOrderBy == 1 &&
                            info->aOrderBy[0].iColumn == ts_column && !info->aOrderBy[0].desc;
    return SQLITE_OK;
}

static int best_readings(sqlite3_vtab *table, struct sqlite3_index_info *info)
{
    (void)table;
    return best_index(info, 2, true);
}

static int best_verdicts(sqlite3_vtab *table, struct sqlite3_index_info *info)
{
    (void)table;
    return best_index(info, 1, false);
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor, bool verdicts)
{
    struct rows_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) return SQLITE_NOMEM;
    c->door = ((struct door_table *)table)->door;
    c->verdicts = verdicts;
    *cursor = &c->base;
    return SQLITE_OK;
}

static int open_readings(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    return open_cursor(table, cursor, false);
}

static int open_verdicts(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    return open_cursor(table, cursor, true);
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    struct rows_cursor *c = (struct rows_cursor *)cursor;
    scan_close(&c->scan);
    free(c->asset);
    free(c->channel);
    sqlite3_free(c->path);
    free(c->name);
    free(c->text);
    free(c);
    return SQLITE_OK;
}

/* ---- assets ---- */

static int add_asset(struct rows_cursor *c, uint32_t asset, uint32_t channel)
{
    if (c->assets == c->assets_room) {
        uint32_t room = c->assets_room > 0 ? 2 * c->assets_room : 16;
        uint32_t *more = realloc(c->asset, room * sizeof *more);
        if (more != NULL) c->asset = more;
        uint32_t *channels = more == NULL ? NULL : realloc(c->channel, room * sizeof *channels);
        if (channels == NULL) return SQLITE_NOMEM;
        c->channel = channels;
        c->assets_room = room;
    }
    c->asset[c->assets] = asset;
    c->channel[c->assets++] = channel;
    return SQLITE_OK;
}

static struct text value_text(sqlite3_value *value)
{
    const char *at = (const char *)sqlite3_value_text(value);
    return (struct text){at != NULL ? at : "", (uint32_t)sqlite3_value_bytes(value)};
}

/* The assets that the query is about; those with a channel of the name, where it says one. */
static int find_assets(struct rows_cursor *c, sqlite3_value *asset, sqlite3_value *channel)
{
    sqlite3 *db = c->door->reader->db;
    sqlite3_stmt *sql = NULL;
    const char *query =
        channel != NULL && asset != NULL
            ? "SELECT asset, id FROM channel WHERE asset = ?1 AND name = ?2"
        : channel != NULL ? "SELECT asset, id FROM channel WHERE name = ?2 ORDER BY asset"
        : asset != NULL   ? "SELECT ?1, 0"
                          : "SELECT id, 0 FROM asset ORDER BY id";
    uint32_t number = 0;
    c->assets = c->next_asset = 0;
    if (asset != NULL) {
        number = reader_asset_find(c->door->reader, value_text(asset));
        if (number == 0) return SQLITE_OK;
    }
    if (sqlite3_prepare_v2(db, query, -1, &sql, NULL) != SQLITE_OK) return SQLITE_ERROR;
    if (asset != NULL) sqlite3_bind_int64(sql, 1, number);
    if (channel != NULL) sql_bind_text(sql, 2, value_text(channel));
    int code, good = SQLITE_OK;
    while (good == SQLITE_OK && (code = sqlite3_step(sql)) == SQLITE_ROW)
        good = add_asset(c, (uint32_t)sqlite3_column_int64(sql, 0),
                         (uint32_t)sqlite3_column_int64(sql, 1));
    if (good == SQLITE_OK && code != SQLITE_DONE) good = SQLITE_ERROR;
    sqlite3_finalize(sql);
    return good;
}

static bool keep_name(struct rows_cursor *c, uint32_t channel, struct text text)
{
    if (c->names == c->names_room) {
        uint32_t room = c->names_room > 0 ? 2 * c->names_room : 16;
        struct name *more = realloc(c->name, room * sizeof *more);
        if (more == NULL) return false;
        c->name = more;
        c->names_room = room;
    }
    if (text.length > c->text_room - c->text_size) {
        size_t room = 2 * (c->text_room + text.length) + 256;
        char *more = realloc(c->text, room);
        if (more == NULL) return false;
        c->text = more;
        c->text_room = room;
    }
    c->name[c->names++] = (struct name){.channel = channel, .at = (uint32_t)c->text_size,
                                        .text = {NULL, text.length}};
    memcpy(c->text + c->text_size, text.at, text.length);
    c->text_size += text.length;
    return true;
}

struct naming {
    struct rows_cursor *cursor;
    bool full;
};

static bool take_name(void *context, const struct reader_channel *channel)
{
    struct naming *n = context;
    n->full = !keep_name(n->cursor, channel->channel, channel->name);
    return !n->full;
}

/* Path and channels of the asset that comes next. */
static int take_names(struct rows_cursor *c, uint32_t asset)
{
    struct naming naming = {.cursor = c};
    andon_error err = {""};
    sqlite3_stmt *sql = NULL;
    c->names = 0;
    c->text_size = 0;
    sqlite3_free(c->path);
    c->path = NULL;
    if (sqlite3_prepare_v2(c->door->reader->db, "SELECT path FROM asset WHERE id = ?", -1, &sql,
                           NULL) != SQLITE_OK)
        return SQLITE_ERROR;
    sqlite3_bind_int64(sql, 1, asset);
    if (sqlite3_step(sql) == SQLITE_ROW)
        c->path = sqlite3_mprintf("%s", (const char *)sqlite3_column_text(sql, 0));
    sqlite3_finalize(sql);
    if (c->path == NULL) return SQLITE_NOMEM;
    andon_status st = reader_channels(c->door->reader, asset, take_name, &naming, &err);
    if (st != ANDON_OK) return door_fail(c->door, st, &err);
    return naming.full ? SQLITE_NOMEM : SQLITE_OK;
}

static struct text name_of(const struct rows_cursor *c, uint32_t channel)
{
    uint32_t low = 0, high = c->names;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->name[middle].channel < channel) low = middle + 1;
        else high = middle;
    }
    if (low == c->names || c->name[low].channel != channel) return (struct text){NULL, 0};
    return (struct text){c->text + c->name[low].at, c->name[low].text.length};
}

/* ---- rows ---- */

/* Whether what the cursor stands on is wanted; moves on to the next value of the row if not. */
static bool is_wanted(struct rows_cursor *c)
{
    uint32_t channel = c->channel[c->next_asset - 1];
    if (c->verdicts) return c->row.judged && c->field == 0;
    while (c->field < c->row.fields && channel != 0 && c->row.field[c->field].channel != channel)
        c->field++;
    return c->field < c->row.fields;
}

static int next_row(struct rows_cursor *c)
{
    andon_error err = {""};
    for (uint32_t steps = 0;; steps++) {
        bool more = false;
        if (steps % LOOK_EVERY == LOOK_EVERY - 1 && door_is_late(c->door)) return SQLITE_INTERRUPT;
        if (c->next_asset > 0) {
            andon_status st = scan_next(&c->scan, &c->row, &more, &err);
            if (st != ANDON_OK) return door_fail(c->door, st, &err);
        }
        c->field = 0;
        if (more && is_wanted(c)) return SQLITE_OK;
        if (more) continue;
        if (c->next_asset == c->assets) {
            c->at_end = true;
            return SQLITE_OK;
        }
        uint32_t asset = c->asset[c->next_asset++];
        int code = take_names(c, asset);
        if (code != SQLITE_OK) return code;
        andon_status st = scan_find(&c->scan, c->door->reader, asset, c->from_ns, c->to_ns, &err);
        if (st != ANDON_OK) return door_fail(c->door, st, &err);
    }
}

static int filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                  sqlite3_value **argv)
{
    struct rows_cursor *c = (struct rows_cursor *)cursor;
    int at = 0;
    (void)name, (void)argc;
    sqlite3_value *asset = plan & BY_ASSET ? argv[at++] : NULL;
    sqlite3_value *channel = plan & BY_CHANNEL ? argv[at++] : NULL;
    c->from_ns = INT64_MIN;
    c->to_ns = INT64_MAX;
    if (plan & BY_LOW) door_bound_low(argv[at++], (plan & BY_LOW_OPEN) != 0, &c->from_ns);
    if (plan & BY_HIGH) door_bound_high(argv[at++], (plan & BY_HIGH_OPEN) != 0, &c->to_ns);
    if (plan & BY_TIME) {
        door_bound_low(argv[at], false, &c->from_ns);
        door_bound_high(argv[at], false, &c->to_ns);
    }
    int code = find_assets(c, asset, channel);
    if (code != SQLITE_OK) return code;
    c->at_end = false;
    c->row.fields = 0;
    c->rowid = 0;
    return next_row(c);
}

static int next(sqlite3_vtab_cursor *cursor)
{
    struct rows_cursor *c = (struct rows_cursor *)cursor;
    c->rowid++;
    c->field++;
    if (c->rowid % LOOK_EVERY == 0 && door_is_late(c->door)) return SQLITE_INTERRUPT;
    return !c->verdicts && is_wanted(c) ? SQLITE_OK : next_row(c);
}

static int at_end(sqlite3_vtab_cursor *cursor)
{
    return ((struct rows_cursor *)cursor)->at_end;
}

static int rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
    *id = ((struct rows_cursor *)cursor)->rowid;
    return SQLITE_OK;
}

static void result_text_or_null(sqlite3_context *context, struct text text)
{
    if (text.at == NULL) sqlite3_result_null(context);
    else door_result_text(context, text);
}

static int readings_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct rows_cursor *c = (const struct rows_cursor *)cursor;
    const struct store_field *f = &c->row.field[c->field];
    switch (column) {
    case 0: sqlite3_result_text(context, c->path, -1, SQLITE_TRANSIENT); break;
    case 1: result_text_or_null(context, name_of(c, f->channel)); break;
    case 2: sqlite3_result_int64(context, c->row.ts_ns); break;
    case 3:
        if (f->kind == STORE_TEXT) door_result_text(context, f->text);
        else if (f->kind == STORE_FLAG) sqlite3_result_int(context, f->number != 0.0);
        else sqlite3_result_double(context, f->number);
        break;
    default: sqlite3_result_int(context, f->quality);
    }
    return SQLITE_OK;
}

static void model_column(const struct rows_cursor *c, sqlite3_context *context, bool version)
{
    struct text name;
    uint32_t number;
    if (!reader_model_name(c->door->reader, c->row.verdict.model, &name, &number))
        sqlite3_result_null(context);
    else if (version) sqlite3_result_int64(context, number);
    else door_result_text(context, name);
}

static int verdicts_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct rows_cursor *c = (const struct rows_cursor *)cursor;
    const struct store_verdict *v = &c->row.verdict;
    switch (column) {
    case 0: sqlite3_result_text(context, c->path, -1, SQLITE_TRANSIENT); break;
    case 1: sqlite3_result_int64(context, c->row.ts_ns); break;
    case 2: sqlite3_result_double(context, v->score); break;
    case 3: sqlite3_result_double(context, v->p_value); break;
    case 4:
        sqlite3_result_text(context, andon_state_name((enum andon_state)v->state), -1, SQLITE_STATIC);
        break;
    case 5:
        sqlite3_result_text(context, andon_reason_name((enum andon_reason)v->reason), -1,
                            SQLITE_STATIC);
        break;
    case 6: sqlite3_result_int(context, v->is_anomaly); break;
    case 7: result_text_or_null(context, name_of(c, v->channel)); break;
    case 8: sqlite3_result_double(context, (double)v->share); break;
    case 9: model_column(c, context, false); break;
    default: model_column(c, context, true);
    }
    return SQLITE_OK;
}

const struct sqlite3_module door_readings = {
    .xConnect = connect_readings, .xBestIndex = best_readings, .xDisconnect = door_disconnect,
    .xOpen = open_readings, .xClose = close_cursor, .xFilter = filter, .xNext = next,
    .xEof = at_end, .xColumn = readings_column, .xRowid = rowid};

const struct sqlite3_module door_verdicts = {
    .xConnect = connect_verdicts, .xBestIndex = best_verdicts, .xDisconnect = door_disconnect,
    .xOpen = open_verdicts, .xClose = close_cursor, .xFilter = filter, .xNext = next,
    .xEof = at_end, .xColumn = verdicts_column, .xRowid = rowid};
