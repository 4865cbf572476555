/* What the file holds comes into memory: when the store is opened, and after a turn was rolled back. */
#include <stdlib.h>

#include "store/inside.h"

static const struct inside_asset no_chunks = {.first_ns = INT64_MAX, .last_ns = INT64_MIN,
                                              .main_ns = INT64_MIN, .verdict_ns = INT64_MIN};

andon_status inside_reserve(struct store *s, uint32_t assets, andon_error *err)
{
    andon_status st = tail_reserve(&s->tail, assets, err);
    if (st != ANDON_OK || s->asset_room >= s->tail.room) return st;
    struct inside_asset *asset = realloc(s->asset, s->tail.room * sizeof *asset);
    if (asset == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for %u assets", assets);
    s->asset = asset;
    for (uint32_t i = s->asset_room; i < s->tail.room; i++) asset[i] = no_chunks;
    s->asset_room = s->tail.room;
    return ANDON_OK;
}

static andon_status load_state(struct store *s, andon_error *err)
{
    sqlite3_stmt *sql = NULL;
    andon_status st = sql_prepare(
        s->db,
        "SELECT journal_offset, checkpoint_offset, now_ns, turns, rows, samples, chunks, dead,"
        " raw_floor_ns, full_minutes, (SELECT count(*) FROM dead),"
        " (SELECT coalesce(sum(length(payload)), 0) FROM dead) FROM state", &sql, err);
    if (st != ANDON_OK) return st;
    if (sqlite3_step(sql) != SQLITE_ROW) st = sql_fail(s->db, "the store's state", err);
    else
        s->saved = (struct inside_state){.offset = (uint64_t)sqlite3_column_int64(sql, 0),
                                         .checkpoint = (uint64_t)sqlite3_column_int64(sql, 1),
                                         .now_ns = sqlite3_column_int64(sql, 2),
                                         .turns = (uint64_t)sqlite3_column_int64(sql, 3),
                                         .rows = (uint64_t)sqlite3_column_int64(sql, 4),
                                         .samples = (uint64_t)sqlite3_column_int64(sql, 5),
                                         .chunks = (uint64_t)sqlite3_column_int64(sql, 6),
                                         .dead = (uint64_t)sqlite3_column_int64(sql, 7),
                                         .raw_floor_ns = sqlite3_column_int64(sql, 8),
                                         .full_minutes = sqlite3_column_int(sql, 9) != 0,
                                         .dead_kept = (uint64_t)sqlite3_column_int64(sql, 10),
                                         .dead_bytes = (uint64_t)sqlite3_column_int64(sql, 11)};
    s->turn = s->saved;
    sqlite3_finalize(sql);
    return st;
}

static int64_t or_else(sqlite3_stmt *sql, int column, int64_t otherwise)
{
    return sqlite3_column_type(sql, column) == SQLITE_NULL ? otherwise
                                                           : sqlite3_column_int64(sql, column);
}

static andon_status load_assets(struct store *s, andon_error *err)
{
    sqlite3_stmt *sql = NULL;
    andon_status st = inside_reserve(s, map_count(s->names.assets), err);
    if (st == ANDON_OK)
        st = sql_prepare(s->db,
                         "SELECT id, sealed, first_ns, last_ns, main_ns, span_ns, open_chunk,"
                         " open_rows, verdict_ns FROM asset", &sql, err);
    if (st != ANDON_OK) return st;
    for (uint32_t i = 0; i < s->asset_room; i++) s->asset[i] = no_chunks;
    int code;
    while ((code = sqlite3_step(sql)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(sql, 0);
        if (id < 1 || id > (int64_t)s->tail.assets) {
            st = andon_fail(err, ANDON_EFORMAT, "the store is damaged: found asset %lld",
                            (long long)id);
            break;
        }
        s->tail.asset[id].sealed = (uint64_t)sqlite3_column_int64(sql, 1);
        s->asset[id] = (struct inside_asset){.first_ns = or_else(sql, 2, INT64_MAX),
                                             .last_ns = or_else(sql, 3, INT64_MIN),
                                             .main_ns = or_else(sql, 4, INT64_MIN),
                                             .span_ns = sqlite3_column_int64(sql, 5),
                                             .open_chunk = sqlite3_column_int64(sql, 6),
                                             .open_rows = (uint32_t)sqlite3_column_int64(sql, 7),
                                             .verdict_ns = or_else(sql, 8, INT64_MIN)};
    }
    if (st == ANDON_OK && code != SQLITE_DONE) st = sql_fail(s->db, "the store's assets", err);
    sqlite3_finalize(sql);
    return st;
}

/* A run's rows go into the tail, unless they stand in chunks. Merged blobs come before those of single
 * turns, in the order of their numbers. */
static andon_status put_back(struct store *s, const struct hot_run *run, bool merged, int64_t at_ns,
                             andon_error *err)
{
    if (run->asset < 1 || run->asset > s->tail.assets)
        return andon_fail(err, ANDON_EFORMAT, "the store is damaged: rows of asset %u", run->asset);
    struct tail_asset *a = &s->tail.asset[run->asset];
    if (run->first + run->rows <= a->sealed) return ANDON_OK;
    if (run->first != a->sealed + a->rows)
        return andon_fail(err, ANDON_EFORMAT,
                          "the store is damaged: asset %u goes on at row %llu, expected %llu",
                          run->asset, (unsigned long long)run->first,
                          (unsigned long long)(a->sealed + a->rows));
    andon_status st =
        tail_put_back(&s->tail, run->asset, run->bytes, run->size, run->rows, at_ns, err);
    if (st == ANDON_OK && merged) {
        a->base_at = a->size;
        a->base_rows = a->rows;
    }
    return st;
}

static andon_status load_blob(struct store *s, sqlite3_stmt *sql, andon_error *err)
{
    struct wire in;
    struct hot_run run;
    int64_t id = sqlite3_column_int64(sql, 0);
    int level = sqlite3_column_int(sql, 1);
    size_t size = (size_t)sqlite3_column_bytes(sql, 3);
    const void *bytes = sqlite3_column_blob(sql, 3);
    if (level < 0 || level >= HOT_LEVELS || bytes == NULL || !hot_open(&in, bytes, size))
        return andon_fail(err, ANDON_EFORMAT, "the store is damaged: waiting rows %lld",
                          (long long)id);
    andon_status st = ANDON_OK;
    while (st == ANDON_OK && hot_next(&in, &run))
        st = put_back(s, &run, level > 0, sqlite3_column_int64(sql, 2), err);
    if (st == ANDON_OK && in.bad)
        st = andon_fail(err, ANDON_EFORMAT, "the store is damaged: waiting rows %lld",
                        (long long)id);
    s->hot_blobs[level]++;
    s->hot_bytes += size;
    return st;
}

static andon_status load_hot(struct store *s, andon_error *err)
{
    sqlite3_stmt *sql = NULL;
    andon_status st =
        sql_prepare(s->db, "SELECT id, level, at_ns, bytes FROM hot ORDER BY id", &sql, err);
    if (st != ANDON_OK) return st;
    int code = SQLITE_DONE;
    s->hot_bytes = 0;
    for (int i = 0; i < HOT_LEVELS; i++) s->hot_blobs[i] = 0;
    while (st == ANDON_OK && (code = sqlite3_step(sql)) == SQLITE_ROW) st = load_blob(s, sql, err);
    if (st == ANDON_OK && code != SQLITE_DONE) st = sql_fail(s->db, "the store's rows", err);
    sqlite3_finalize(sql);
    return st;
}

andon_status inside_load(struct store *s, andon_error *err)
{
    tail_empty(&s->tail);
    s->looked_ns = s->sweep_day = INT64_MIN;
    s->sweep_asset = 0;
    andon_status st = load_state(s, err);
    if (st == ANDON_OK) st = load_assets(s, err);
    if (st == ANDON_OK) st = load_hot(s, err);
    s->stale = st != ANDON_OK;
    return st;
}
