/* See reader.h. A query runs within one read transaction of SQLite, so that chunks, waiting rows and
 * what is known of assets belong to the same turn. */
#include <stdlib.h>

#include "store/record.h"
#include "store/scan.h"
#include "store/schema.h"

enum { BUSY_MS = 5000 };

static const char *const statements[VIEW_STATEMENTS] = {
    [VIEW_BEGIN] = "BEGIN",
    [VIEW_END] = "ROLLBACK",
    [VIEW_STATE] = "SELECT journal_offset, turns, now_ns, raw_floor_ns, checkpoint_offset FROM state",
    [VIEW_ASSET] = "SELECT sealed, span_ns FROM asset WHERE id = ?",
    [VIEW_ASSETS] = "SELECT id, path, first_ns, last_ns, sealed, dropped, json, verdict_ns, verdict"
                    " FROM asset LEFT JOIN description ON description.asset = asset.id ORDER BY id",
    [VIEW_FIND] = "SELECT id FROM asset WHERE path = ?",
    [VIEW_CHANNELS] = "SELECT id, name, kind FROM channel WHERE asset = ? ORDER BY id",
    [VIEW_CHANNEL] = "SELECT name FROM channel WHERE id = ?",
    [VIEW_MODEL] = "SELECT name, version FROM model WHERE id = ?",
    [VIEW_CHUNKS] = "SELECT chunk, t_min, t_max, late FROM reach"
                    " WHERE asset = ? AND t_max >= ? AND t_max <= ? AND t_min < ?"
                    " ORDER BY t_max, chunk",
    [VIEW_CHUNK_BYTES] = "SELECT bytes FROM reach CROSS JOIN chunk ON chunk.id = reach.chunk"
                         " WHERE asset = ? AND t_max >= ? AND t_max <= ? AND t_min < ?"
                         " ORDER BY t_max, chunk",
    [VIEW_CHUNK] = "SELECT bytes FROM chunk WHERE id = ?",
    [VIEW_HOT_IDS] = "SELECT id FROM hot ORDER BY id",
    [VIEW_HOT] = "SELECT bytes FROM hot WHERE id = ?",
    [VIEW_DEAD] = "SELECT id, received_ns, replayed_ns, journal_offset, element, door, client,"
                  " topic, reason, payload FROM dead WHERE id < ? ORDER BY id DESC LIMIT ?",
    [VIEW_ROLLUP] = "SELECT bytes FROM rollup WHERE channel = ? AND tier = ? AND span = ?",
    [VIEW_SPANS] = "SELECT min(span), max(span) FROM rollup WHERE channel = ? AND tier = ?",
    [VIEW_UNROLLED] = "SELECT mode FROM unrolled WHERE asset = ? AND day = ?"};

static andon_status prepare(struct reader *r, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (int i = 0; i < VIEW_STATEMENTS && st == ANDON_OK; i++)
        st = sql_prepare(r->db, statements[i], &r->sql[i], err);
    return st;
}

static andon_status open_file(struct reader *r, const char *path, andon_error *err)
{
    bool is_new = false;
    int code = sqlite3_open_v2(path, &r->db,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE, NULL);
    if (r->db == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory", path);
    if (code != SQLITE_OK) return andon_fail(err, ANDON_EIO, "%s: %s", path, sqlite3_errmsg(r->db));
    sqlite3_busy_timeout(r->db, BUSY_MS);
    andon_error why = {""};
    andon_status st = schema_check(r->db, path, &is_new, &why);
    if (st == ANDON_OK && is_new)
        return andon_fail(err, ANDON_EFORMAT, "%s: found an empty file, expected andon's store",
                          path);
    if (st == ANDON_OK)
        st = sql_run(r->db, "PRAGMA cache_size=-4096;PRAGMA query_only=ON;"
                            "PRAGMA trusted_schema=OFF", &why);
    if (st == ANDON_OK) st = prepare(r, &why);
    if (st == ANDON_OK) return st;
    bool named = strncmp(why.text, path, strlen(path)) == 0;
    return andon_fail(err, st, "%s%s%s", named ? "" : path, named ? "" : ": ", why.text);
}

andon_status view_borrow(sqlite3 *db, struct reader **reader, andon_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    *reader = NULL;
    if (r == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory to read the store");
    r->db = db;
    r->borrowed = r->pinned = r->blobs_known = true;
    andon_status st = prepare(r, err);
    if (st == ANDON_OK) *reader = r;
    else reader_close(r);
    return st;
}

andon_status reader_open(const char *path, struct reader **reader, andon_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    *reader = NULL;
    if (r == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory to read the store");
    andon_status st = open_file(r, path, err);
    if (st == ANDON_OK) *reader = r;
    else reader_close(r);
    return st;
}

void reader_close(struct reader *r)
{
    if (r == NULL) return;
    for (int i = 0; i < VIEW_STATEMENTS; i++) sqlite3_finalize(r->sql[i]);
    if (!r->borrowed) sqlite3_close(r->db);
    view_hot_forget(r);
    if (r->spare != NULL) scan_close(r->spare);
    free(r->spare);
    free(r->rollups);
    free(r);
}

/* ---- snapshots ---- */

/* May fail where there is no memory: then the next query does it. */
static void end_transaction(struct reader *r)
{
    andon_status st = ANDON_OK;
    if (!sqlite3_get_autocommit(r->db)) st = sql_do(r->db, r->sql[VIEW_END], NULL);
    (void)st;
}

static andon_status look(struct reader *r, andon_error *err)
{
    sqlite3_stmt *sql = r->sql[VIEW_STATE];
    end_transaction(r);
    andon_status st = sql_do(r->db, r->sql[VIEW_BEGIN], err);
    if (st != ANDON_OK) return st;
    if (sqlite3_step(sql) == SQLITE_ROW) {
        uint64_t turns = (uint64_t)sqlite3_column_int64(sql, 1);
        r->offset = (uint64_t)sqlite3_column_int64(sql, 0);
        r->blobs_known = r->blobs_known && turns == r->turns;
        r->turns = turns;
        r->now_ns = sqlite3_column_int64(sql, 2);
        r->raw_floor_ns = sqlite3_column_int64(sql, 3);
        r->checkpoint = (uint64_t)sqlite3_column_int64(sql, 4);
    } else st = sql_fail(r->db, "the store's state", err);
    sqlite3_reset(sql);
    if (st != ANDON_OK) end_transaction(r);
    return st;
}

andon_status view_enter(struct reader *r, andon_error *err)
{
    andon_status st = r->depth == 0 && !r->pinned ? look(r, err) : ANDON_OK;
    if (st == ANDON_OK) r->depth++;
    return st;
}

void view_leave(struct reader *r)
{
    if (--r->depth == 0 && !r->pinned) end_transaction(r);
}

andon_status reader_snapshot(struct reader *r, andon_error *err)
{
    if (r->pinned) return andon_fail(err, ANDON_EINVAL, "a snapshot is open already");
    andon_status st = r->depth == 0 ? look(r, err) : ANDON_OK;
    if (st == ANDON_OK) r->pinned = true;
    return st;
}

void reader_release(struct reader *r)
{
    if (!r->pinned) return;
    r->pinned = false;
    if (r->depth == 0) end_transaction(r);
}

uint64_t reader_offset(struct reader *r)
{
    if (view_enter(r, NULL) == ANDON_OK) view_leave(r);
    return r->offset;
}

uint64_t reader_checkpoint_offset(struct reader *r)
{
    if (view_enter(r, NULL) == ANDON_OK) view_leave(r);
    return r->checkpoint;
}

/* ---- names ---- */

uint32_t reader_asset_find(struct reader *r, struct text path)
{
    uint32_t asset = 0;
    if (view_enter(r, NULL) != ANDON_OK) return 0;
    sqlite3_stmt *sql = r->sql[VIEW_FIND];
    sql_bind_text(sql, 1, path);
    if (sqlite3_step(sql) == SQLITE_ROW) asset = (uint32_t)sqlite3_column_int64(sql, 0);
    sqlite3_reset(sql);
    view_leave(r);
    return asset;
}

andon_status reader_channels(struct reader *r, uint32_t asset,
                             bool (*each)(void *context, const struct reader_channel *channel),
                             void *context, andon_error *err)
{
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    sqlite3_stmt *sql = r->sql[VIEW_CHANNELS];
    int code;
    bool go_on = true;
    sqlite3_bind_int64(sql, 1, asset);
    while (go_on && (code = sqlite3_step(sql)) == SQLITE_ROW) {
        struct reader_channel channel = {.channel = (uint32_t)sqlite3_column_int64(sql, 0),
                                         .name = sql_text(sql, 1),
                                         .kind = (uint8_t)sqlite3_column_int(sql, 2)};
        go_on = each(context, &channel);
    }
    if (go_on && code != SQLITE_DONE) st = sql_fail(r->db, "the store", err);
    sqlite3_reset(sql);
    view_leave(r);
    return st;
}

static struct text keep_name(struct reader *r, int which, struct text name)
{
    uint32_t length = name.length < sizeof r->name[0] ? name.length : (uint32_t)sizeof r->name[0];
    memcpy(r->name[which], name.at, length);
    return (struct text){r->name[which], length};
}

struct text reader_channel_name(struct reader *r, uint32_t channel)
{
    struct text name = {"", 0};
    if (view_enter(r, NULL) != ANDON_OK) return name;
    sqlite3_stmt *sql = r->sql[VIEW_CHANNEL];
    sqlite3_bind_int64(sql, 1, channel);
    if (sqlite3_step(sql) == SQLITE_ROW) name = keep_name(r, 0, sql_text(sql, 0));
    sqlite3_reset(sql);
    view_leave(r);
    return name;
}

bool reader_model_name(struct reader *r, uint32_t model, struct text *name, uint32_t *version)
{
    bool found = false;
    if (view_enter(r, NULL) != ANDON_OK) return false;
    sqlite3_stmt *sql = r->sql[VIEW_MODEL];
    sqlite3_bind_int64(sql, 1, model);
    if (sqlite3_step(sql) == SQLITE_ROW) {
        *name = keep_name(r, 1, sql_text(sql, 0));
        *version = (uint32_t)sqlite3_column_int64(sql, 1);
        found = true;
    }
    sqlite3_reset(sql);
    view_leave(r);
    return found;
}

/* ---- rows ---- */

struct scan *view_take_scan(struct reader *r)
{
    struct scan *scan = r->spare;
    r->spare = NULL;
    return scan != NULL ? scan : calloc(1, sizeof *scan);
}

void view_give_scan(struct reader *r, struct scan *scan)
{
    if (scan == NULL) return;
    scan_rest(scan);
    if (r->spare == NULL) {
        r->spare = scan;
        return;
    }
    scan_close(scan);
    free(scan);
}

static andon_status each_row(struct scan *scan,
                             bool (*each)(void *context, const struct reader_row *row),
                             void *context, andon_error *err)
{
    bool more = true;
    while (more) {
        struct store_row row;
        andon_status st = scan_next(scan, &row, &more, err);
        if (st != ANDON_OK || !more) return st;
        struct reader_row out = {.ts_ns = row.ts_ns, .received_ns = row.received_ns,
                                 .fields = row.fields, .field = row.field, .judged = row.judged,
                                 .verdict = row.verdict};
        more = each(context, &out);
    }
    return ANDON_OK;
}

andon_status reader_rows(struct reader *r, uint32_t asset, int64_t from_ns, int64_t to_ns,
                         bool (*each)(void *context, const struct reader_row *row), void *context,
                         andon_error *err)
{
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    struct scan *scan = view_take_scan(r);
    if (scan == NULL) st = andon_fail(err, ANDON_ENOMEM, "no memory to read the store");
    if (st == ANDON_OK) st = scan_find(scan, r, asset, from_ns, to_ns, err);
    if (st == ANDON_OK) st = each_row(scan, each, context, err);
    view_give_scan(r, scan);
    view_leave(r);
    return st;
}

/* ---- dead letters ---- */

andon_status reader_dead(struct reader *r, int64_t before_id, uint32_t limit,
                         bool (*each)(void *context, const struct reader_dead *dead), void *context,
                         andon_error *err)
{
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    sqlite3_stmt *sql = r->sql[VIEW_DEAD];
    int code;
    bool go_on = true;
    sqlite3_bind_int64(sql, 1, before_id > 0 ? before_id : INT64_MAX);
    sqlite3_bind_int64(sql, 2, limit > 0 ? (int64_t)limit : -1);
    while (go_on && (code = sqlite3_step(sql)) == SQLITE_ROW) {
        struct reader_dead dead = {.id = sqlite3_column_int64(sql, 0),
                                   .received_ns = sqlite3_column_int64(sql, 1),
                                   .replayed_ns = sqlite3_column_int64(sql, 2),
                                   .offset = (uint64_t)sqlite3_column_int64(sql, 3),
                                   .index = (uint32_t)sqlite3_column_int64(sql, 4),
                                   .door = sql_text(sql, 5), .client = sql_text(sql, 6),
                                   .topic = sql_text(sql, 7), .reason = sql_text(sql, 8)};
        dead.payload.at = sqlite3_column_blob(sql, 9);
        dead.payload.length = (uint32_t)sqlite3_column_bytes(sql, 9);
        go_on = each(context, &dead);
    }
    if (go_on && code != SQLITE_DONE) st = sql_fail(r->db, "the store", err);
    sqlite3_reset(sql);
    view_leave(r);
    return st;
}
