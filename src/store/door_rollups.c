/* The table rollups: the buckets that days were rolled up to, tier by tier and channel by channel. */
#include <stdio.h>
#include <stdlib.h>

#include "andon/model.h"
#include "store/door.h"
#include "store/rollup.h"

enum { ASSET, CHANNEL, TIER, START, COUNT, MIN, MEAN, MAX, SUM, LAST, WORST };
enum { BY_ASSET = 1, BY_CHANNEL = 2, BY_TIER = 4 };

static const char *const tier_names[ROLLUP_TIERS] = {"minute", "hour", "day"};

struct rollups_cursor {
    sqlite3_vtab_cursor base;
    struct door *door;
    sqlite3_stmt *sql; /* stands on the span that is in rollup */
    enum rollup_tier tier;
    uint32_t at;
    bool at_end;
    int64_t rowid;
    struct rollup rollup;
};

static int connect_rollups(sqlite3 *db, void *door, int argc, const char *const *argv,
                           sqlite3_vtab **table, char **error)
{
    (void)argc, (void)argv, (void)error;
    return door_connect(db, door,
                        "CREATE TABLE x(asset TEXT, channel TEXT, tier TEXT, start INTEGER, n INTEGER,"
                        " min REAL, mean REAL, max REAL, sum REAL, last REAL, worst_state TEXT)",
                        table);
}

static int best_rollups(sqlite3_vtab *table, struct sqlite3_index_info *info)
{
    int place[3] = {0}, arguments = 0;
    double rows = 1e8;
    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (c->usable && c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn >= ASSET &&
            c->iColumn <= TIER)
            place[c->iColumn] = i + 1;
    }
    info->idxNum = 0;
    for (int column = ASSET; column <= TIER; column++) {
        if (place[column] == 0) continue;
        info->aConstraintUsage[place[column] - 1].argvIndex = ++arguments;
        info->idxNum |= 1 << column;
        rows /= column == ASSET ? 1e3 : 10;
    }
    info->estimatedCost = rows;
    info->estimatedRows = (int64_t)rows;
    return SQLITE_OK;
}

static int open_rollups(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct rollups_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) return SQLITE_NOMEM;
    c->door = ((struct door_table *)table)->door;
    *cursor = &c->base;
    return SQLITE_OK;
}

static int close_rollups(sqlite3_vtab_cursor *cursor)
{
    struct rollups_cursor *c = (struct rollups_cursor *)cursor;
    sqlite3_finalize(c->sql);
    free(c);
    return SQLITE_OK;
}

/* The next span that holds buckets. */
static int next_span(struct rollups_cursor *c)
{
    for (;;) {
        if (door_is_late(c->door)) return SQLITE_INTERRUPT;
        int code = sqlite3_step(c->sql), tier = sqlite3_column_int(c->sql, 2);
        c->at = c->rollup.buckets = 0;
        c->at_end = code != SQLITE_ROW;
        if (code == SQLITE_DONE) return SQLITE_OK;
        if (code != SQLITE_ROW || tier < 0 || tier >= ROLLUP_TIERS) return SQLITE_ERROR;
        c->tier = (enum rollup_tier)tier;
        const void *bytes = sqlite3_column_blob(c->sql, 3);
        if (!rollup_get(bytes, (size_t)sqlite3_column_bytes(c->sql, 3), c->tier, &c->rollup))
            return SQLITE_ERROR;
        if (c->rollup.buckets > 0) return SQLITE_OK;
    }
}

static int tier_of(sqlite3_value *value)
{
    const char *name = (const char *)sqlite3_value_text(value);
    for (int tier = 0; tier < ROLLUP_TIERS; tier++)
        if (name != NULL && strcmp(name, tier_names[tier]) == 0) return tier;
    return -1;
}

static int filter_rollups(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                          sqlite3_value **argv)
{
    struct rollups_cursor *c = (struct rollups_cursor *)cursor;
    char query[400];
    int at = 0;
    (void)name, (void)argc;
    snprintf(query, sizeof query,
             "SELECT path, name, tier, bytes FROM asset JOIN channel ON channel.asset = asset.id"
             " JOIN rollup ON rollup.channel = channel.id WHERE 1%s%s%s"
             " ORDER BY asset.id, channel.id, tier, span",
             plan & BY_ASSET ? " AND path = ?1" : "", plan & BY_CHANNEL ? " AND name = ?2" : "",
             plan & BY_TIER ? " AND tier = ?3" : "");
    sqlite3_finalize(c->sql);
    c->sql = NULL;
    c->rowid = 0;
    if (sqlite3_prepare_v2(c->door->reader->db, query, -1, &c->sql, NULL) != SQLITE_OK)
        return SQLITE_ERROR;
    if (plan & BY_ASSET) sqlite3_bind_value(c->sql, 1, argv[at++]);
    if (plan & BY_CHANNEL) sqlite3_bind_value(c->sql, 2, argv[at++]);
    if (plan & BY_TIER) sqlite3_bind_int(c->sql, 3, tier_of(argv[at]));
    return next_span(c);
}

static int next_rollup(sqlite3_vtab_cursor *cursor)
{
    struct rollups_cursor *c = (struct rollups_cursor *)cursor;
    c->rowid++;
    return ++c->at < c->rollup.buckets ? SQLITE_OK : next_span(c);
}

static int rollups_end(sqlite3_vtab_cursor *cursor)
{
    return ((struct rollups_cursor *)cursor)->at_end;
}

static int rollups_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct rollups_cursor *c = (const struct rollups_cursor *)cursor;
    const struct bucket_piece *p = &c->rollup.piece[c->at];
    switch (column) {
    case ASSET:
    case CHANNEL: door_result_text(context, sql_text(c->sql, column)); break;
    case TIER: sqlite3_result_text(context, tier_names[c->tier], -1, SQLITE_STATIC); break;
    case START: sqlite3_result_int64(context, c->rollup.start_ns[c->at]); break;
    case COUNT: sqlite3_result_int64(context, (int64_t)p->count); break;
    case MIN: sqlite3_result_double(context, p->min); break;
    case MEAN: sqlite3_result_double(context, p->sum / (double)p->count); break;
    case MAX: sqlite3_result_double(context, p->max); break;
    case SUM: sqlite3_result_double(context, p->sum); break;
    case LAST: sqlite3_result_double(context, p->last); break;
    default:
        if (p->rank > 0)
            sqlite3_result_text(context, andon_state_name((enum andon_state)bucket_state(p->rank)), -1,
                                SQLITE_STATIC);
    }
    return SQLITE_OK;
}

static int rollups_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
    *id = ((struct rollups_cursor *)cursor)->rowid;
    return SQLITE_OK;
}

const struct sqlite3_module door_rollups = {
    .xConnect = connect_rollups, .xBestIndex = best_rollups, .xDisconnect = door_disconnect,
    .xOpen = open_rollups, .xClose = close_rollups, .xFilter = filter_rollups,
    .xNext = next_rollup, .xEof = rollups_end, .xColumn = rollups_column,
    .xRowid = rollups_rowid};
