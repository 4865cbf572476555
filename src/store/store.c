/* See store.h. A turn is one transaction. What it does to memory (the tail, what is known of assets) is
 * thrown away when it is rolled back, and read again from the file: that is rare, and simpler than
 * taking back step by step. */
#include <stdlib.h>
#include <sys/stat.h>

#include "store/checkpointer.h"
#include "store/inside.h"
#include "store/schema.h"

#define HOT_AGE_NS (INT64_C(3600) * 1000000000)
#define HOT_BYTES_MAX ((uint64_t)16 << 20)
enum { SEALS_MAX = 512, BUSY_MS = 5000 };

static const char *const statements[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_STATE] = "UPDATE state SET journal_offset = ?, checkpoint_offset = ?, now_ns = ?,"
                  " turns = ?, rows = ?, samples = ?, chunks = ?, dead = ?, raw_floor_ns = ?,"
                  " full_minutes = ?",
    [SQL_CHUNK_PUT] = "INSERT OR REPLACE INTO chunk(id, bytes) VALUES(?, ?)",
    [SQL_CHUNK_GET] = "SELECT bytes FROM chunk WHERE id = ?",
    [SQL_REACH_PUT] = "INSERT INTO reach(asset, t_max, chunk, t_min, rows, late)"
                      " VALUES(?, ?, ?, ?, ?, ?)",
    [SQL_REACH_DROP] = "DELETE FROM reach WHERE asset = ? AND t_max = ? AND chunk = ?",
    [SQL_ASSET_SET] = "UPDATE asset SET sealed = ?, first_ns = ?, last_ns = ?, main_ns = ?,"
                      " span_ns = ?, open_chunk = ?, open_rows = ?,"
                      " verdict_ns = coalesce(?, verdict_ns), verdict = coalesce(?, verdict)"
                      " WHERE id = ?",
    [SQL_HOT_PUT] = "INSERT INTO hot(level, at_ns, bytes, id) VALUES(?, ?, ?, ?)",
    [SQL_HOT_DROP] = "DELETE FROM hot",
    [SQL_HOT_DROP_LEVEL] = "DELETE FROM hot WHERE level = 0",
    [SQL_DESCRIBE] = "INSERT INTO description VALUES(?, ?)"
                     " ON CONFLICT(asset) DO UPDATE SET json = excluded.json",
    [SQL_DEAD] = "INSERT INTO dead(received_ns, journal_offset, element, door, client, topic,"
                 " reason, payload) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_DEAD_OLDEST] = "SELECT id, length(payload) FROM dead ORDER BY id LIMIT 1",
    [SQL_DEAD_DROP] = "DELETE FROM dead WHERE id = ?",
    [SQL_DEAD_REPLAYED] = "UPDATE dead SET replayed_ns = ? WHERE id = ?",
    [SQL_KEEP] = "INSERT INTO kept VALUES(?, ?)"
                 " ON CONFLICT(name) DO UPDATE SET bytes = excluded.bytes",
    [SQL_KEPT] = "SELECT name, bytes FROM kept",
    [SQL_UNROLLED] = "INSERT INTO unrolled VALUES(?, ?, ?, ?) ON CONFLICT(asset, day) DO UPDATE"
                     " SET mode = min(mode, excluded.mode), since_ns = excluded.since_ns",
    [SQL_UNROLLED_NEXT] = "SELECT asset, day, mode, since_ns FROM unrolled"
                          " WHERE (asset, day) > (?, ?) ORDER BY asset, day LIMIT ?",
    [SQL_UNREADY] = "SELECT day, mode FROM unrolled WHERE asset = ? AND day >= ? AND day <= ? LIMIT 1",
    [SQL_OLDEST] = "SELECT chunk, t_min, t_max, rows FROM reach WHERE asset = ?"
                   " ORDER BY t_max, chunk LIMIT 1",
    [SQL_ASSET_FIRST] = "UPDATE asset SET first_ns = ?, last_ns = ?, open_chunk = ?, open_rows = ?"
                        " WHERE id = ?",
    [SQL_ROLLUP_DROP] = "DELETE FROM rollup WHERE tier = ? AND span < ? AND channel IN"
                        " (SELECT id FROM channel WHERE asset = ?)"};

/* ---- opening ---- */

/* The last connection that is closed writes the WAL into the file. */
static void close_file(struct store *s)
{
    andon_error err = {""};
    if (s->db != NULL && checkpointer_ask(&s->options, s->saved.offset, &err) != ANDON_OK)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(s->db);
}

static andon_status open_file(struct store *s, andon_error *err)
{
    bool is_new = false;
    int code = sqlite3_open_v2(s->path, &s->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE, NULL);
    if (s->db == NULL) return andon_fail(err, ANDON_ENOMEM, "%s: no memory", s->path);
    if (code != SQLITE_OK)
        return andon_fail(err, ANDON_EIO, "%s: %s", s->path, sqlite3_errmsg(s->db));
    sqlite3_busy_timeout(s->db, BUSY_MS);
    andon_status st = schema_check(s->db, s->path, &is_new, err);
    if (st == ANDON_OK && is_new) st = sql_run(s->db, "PRAGMA page_size=8192", err);
    /* Pages that are freed are not overwritten with zeros: they held readings, no secrets. */
    if (st == ANDON_OK)
        st = sql_run(s->db, s->options.durable
                                ? "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL"
                                : "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL", err);
    if (st == ANDON_OK)
        st = sql_run(s->db, "PRAGMA secure_delete=OFF;PRAGMA cache_size=-4096;"
                            "PRAGMA journal_size_limit=67108864;"
                            "PRAGMA trusted_schema=OFF", err);
    if (st == ANDON_OK && is_new) st = schema_create(s->db, err);
    /* A file that cannot be written is found now, not with the first turn. */
    if (st == ANDON_OK) st = sql_run(s->db, "BEGIN IMMEDIATE;COMMIT", err);
    return st;
}

static char *joined(const char *path, const char *end)
{
    size_t a = strlen(path), b = strlen(end);
    char *text = malloc(a + b + 1);
    if (text == NULL) return NULL;
    memcpy(text, path, a);
    memcpy(text + a, end, b + 1);
    return text;
}

static andon_status fill(struct store *s, andon_error *err)
{
    s->path = joined(s->options.path, "");
    s->wal_path = joined(s->options.path, "-wal");
    if (s->path == NULL || s->wal_path == NULL)
        return andon_fail(err, ANDON_ENOMEM, "no memory for the store");
    andon_status st = open_file(s, err);
    for (int i = 0; i < SQL_STATEMENTS && st == ANDON_OK; i++)
        st = sql_prepare(s->db, statements[i], &s->sql[i], err);
    if (st == ANDON_OK) st = names_open(&s->names, s->db, err);
    if (st == ANDON_OK) st = sheet_open(&s->sheet, 2 * STORE_CHUNK_ROWS, err);
    if (st == ANDON_OK) st = inside_load(s, err);
    if (st == ANDON_OK) st = checkpointer_open(&s->options, s->db, &s->checkpointer, err);
    if (st == ANDON_OK) checkpointer_reached(s->checkpointer, s->saved.offset);
    return st;
}

andon_status store_open(const struct store_options *options, struct store **store, andon_error *err)
{
    struct store *s = calloc(1, sizeof *s);
    *store = NULL;
    if (s == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the store");
    s->options = *options;
    if (s->options.hot_age_ns == 0) s->options.hot_age_ns = HOT_AGE_NS;
    if (s->options.hot_bytes_max == 0) s->options.hot_bytes_max = HOT_BYTES_MAX;
    tail_init(&s->tail);
    andon_error why = {""};
    andon_status st = fill(s, &why);
    if (st == ANDON_OK) {
        *store = s;
        return ANDON_OK;
    }
    store_close(s);
    if (strncmp(why.text, options->path, strlen(options->path)) == 0)
        return andon_fail(err, st, "%s", why.text);
    return andon_fail(err, st, "%s: %s", options->path, why.text);
}

void store_close(struct store *s)
{
    if (s == NULL) return;
    if (s->in_turn) store_roll_back(s);
    for (int i = 0; i < SQL_STATEMENTS; i++) sqlite3_finalize(s->sql[i]);
    names_close(&s->names);
    roll_close(&s->roll);
    checkpointer_close(s->checkpointer);
    close_file(s);
    tail_close(&s->tail);
    sheet_close(&s->sheet);
    hot_free(&s->hot);
    free(s->asset);
    free(s->blob);
    free(s->path);
    free(s->wal_path);
    free(s);
}

andon_status inside_blob_room(struct store *s, size_t bytes, andon_error *err)
{
    if (bytes <= s->blob_room) return ANDON_OK;
    size_t room = s->blob_room > 0 ? s->blob_room : (size_t)64 << 10;
    while (room < bytes) room *= 2;
    uint8_t *blob = realloc(s->blob, room);
    if (blob == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a chunk of %zu bytes", room);
    s->blob = blob;
    s->blob_room = room;
    return ANDON_OK;
}

uint64_t store_offset(const struct store *s)
{
    return s->saved.offset;
}

uint64_t store_checkpoint_offset(const struct store *s)
{
    return s->saved.checkpoint;
}

/* ---- a turn ---- */

/* SQLite may have rolled back by itself; and where there is no memory, the next turn does it. */
static void end_transaction(struct store *s)
{
    andon_status st = ANDON_OK;
    if (!sqlite3_get_autocommit(s->db)) st = sql_do(s->db, s->sql[SQL_ROLLBACK], NULL);
    (void)st;
}

andon_status store_begin(struct store *s, andon_error *err)
{
    if (s->in_turn) return andon_fail(err, ANDON_EINVAL, "a turn of the store is open already");
    end_transaction(s);
    if (s->stale) {
        andon_status st = inside_load(s, err);
        if (st != ANDON_OK) return st;
    }
    andon_status st = sql_do(s->db, s->sql[SQL_BEGIN], err);
    if (st != ANDON_OK) return st;
    s->in_turn = true;
    s->turn = s->saved;
    tail_turn(&s->tail);
    return ANDON_OK;
}

void store_roll_back(struct store *s)
{
    if (!s->in_turn) return;
    for (int i = 0; i < SQL_STATEMENTS; i++) sqlite3_reset(s->sql[i]);
    end_transaction(s);
    names_settle(&s->names, false);
    s->in_turn = false;
    s->turn = s->saved;
    s->stale = true;
}

/* Rows that have waited too long, or fill too much memory. */
static andon_status seal_old(struct store *s, int64_t now_ns, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (int i = 0; i < SEALS_MAX && s->tail.oldest != TAIL_NONE && st == ANDON_OK; i++) {
        int64_t since = s->tail.asset[s->tail.oldest].since_ns, age;
        if (__builtin_sub_overflow(now_ns, since, &age) || age < s->options.hot_age_ns) break;
        st = inside_seal(s, s->tail.oldest, err);
    }
    while (st == ANDON_OK && s->tail.bytes > s->options.hot_bytes_max)
        st = inside_seal(s, s->tail.oldest, err);
    return st;
}

static andon_status put_state(struct store *s, andon_error *err)
{
    const struct inside_state *t = &s->turn;
    sqlite3_stmt *sql = s->sql[SQL_STATE];
    sqlite3_bind_int64(sql, 1, (int64_t)t->offset);
    sqlite3_bind_int64(sql, 2, (int64_t)t->checkpoint);
    sqlite3_bind_int64(sql, 3, t->now_ns);
    sqlite3_bind_int64(sql, 4, (int64_t)t->turns);
    sqlite3_bind_int64(sql, 5, (int64_t)t->rows);
    sqlite3_bind_int64(sql, 6, (int64_t)t->samples);
    sqlite3_bind_int64(sql, 7, (int64_t)t->chunks);
    sqlite3_bind_int64(sql, 8, (int64_t)t->dead);
    sqlite3_bind_int64(sql, 9, t->raw_floor_ns);
    sqlite3_bind_int(sql, 10, t->full_minutes);
    return sql_do(s->db, sql, err);
}

andon_status store_commit(struct store *s, uint64_t offset, int64_t now_ns, andon_error *err)
{
    if (!s->in_turn) return andon_fail(err, ANDON_EINVAL, "no turn of the store is open");
    if (s->turn.checkpoint > offset)
        return andon_fail(err, ANDON_EINVAL, "a checkpoint at offset %llu is beyond the store's %llu",
                          (unsigned long long)s->turn.checkpoint, (unsigned long long)offset);
    s->turn.offset = offset;
    s->turn.now_ns = now_ns;
    s->turn.turns++;
    andon_status st = names_put(&s->names, err);
    if (st == ANDON_OK) st = seal_old(s, now_ns, err);
    if (st == ANDON_OK) st = inside_retain(s, now_ns, err);
    if (st == ANDON_OK) st = inside_spill(s, now_ns, err);
    if (st == ANDON_OK) st = put_state(s, err);
    if (st == ANDON_OK && s->options.durable) st = checkpointer_ask(&s->options, offset, err);
    checkpointer_reached(s->checkpointer, offset);
    if (st == ANDON_OK) st = sql_do(s->db, s->sql[SQL_COMMIT], err);
    if (st != ANDON_OK) return st;
    s->saved = s->turn;
    s->in_turn = false;
    names_settle(&s->names, true);
    return ANDON_OK;
}

/* ---- what a turn brings ---- */

andon_status store_asset(struct store *s, struct text path, uint32_t *asset, andon_error *err)
{
    andon_status st = names_asset(&s->names, path, asset, err);
    return st == ANDON_OK ? inside_reserve(s, *asset, err) : st;
}

andon_status store_channel(struct store *s, uint32_t asset, struct text name, enum store_kind kind,
                           uint32_t *channel, andon_error *err)
{
    return names_channel(&s->names, asset, name, kind, channel, err);
}

andon_status store_model(struct store *s, struct text name, uint32_t version, uint32_t checksum,
                         uint32_t *model, andon_error *err)
{
    return names_model(&s->names, name, version, checksum, model, err);
}

andon_status store_describe(struct store *s, uint32_t asset, struct text json, andon_error *err)
{
    if (!names_knows(&s->names, asset)) return andon_fail(err, ANDON_EINVAL, "no asset %u", asset);
    sqlite3_bind_int64(s->sql[SQL_DESCRIBE], 1, asset);
    sql_bind_text(s->sql[SQL_DESCRIBE], 2, json);
    return sql_do(s->db, s->sql[SQL_DESCRIBE], err);
}

static andon_status check_row(const struct store *s, const struct store_row *row, andon_error *err)
{
    if (!names_knows(&s->names, row->asset))
        return andon_fail(err, ANDON_EINVAL, "no asset %u", row->asset);
    if (row->fields > RECORD_FIELDS_MAX)
        return andon_fail(err, ANDON_EINVAL, "a row of %u values, expected at most %u", row->fields,
                          RECORD_FIELDS_MAX);
    for (uint32_t i = 0; i < row->fields; i++)
        if (row->field[i].kind > STORE_TEXT ||
            !names_knows_channel(&s->names, row->field[i].channel))
            return andon_fail(err, ANDON_EINVAL, "asset %u: no channel %u of kind %u", row->asset,
                              row->field[i].channel, row->field[i].kind);
    return ANDON_OK;
}

andon_status store_rows(struct store *s, const struct store_row *row, size_t n, andon_error *err)
{
    if (!s->in_turn) return andon_fail(err, ANDON_EINVAL, "no turn of the store is open");
    for (size_t i = 0; i < n; i++) {
        andon_status st = check_row(s, &row[i], err);
        if (st == ANDON_OK) st = tail_add(&s->tail, &row[i], s->saved.now_ns, err);
        if (st != ANDON_OK) return st;
        const struct tail_asset *a = &s->tail.asset[row[i].asset];
        if (a->rows >= STORE_CHUNK_ROWS || a->size > TAIL_ASSET_BYTES_MAX)
            st = inside_seal(s, row[i].asset, err);
        if (st != ANDON_OK) return st;
        s->turn.rows++;
        s->turn.samples += row[i].fields;
    }
    return ANDON_OK;
}

andon_status store_keep(struct store *s, struct text name, const void *blob, size_t size,
                        andon_error *err)
{
    sql_bind_text(s->sql[SQL_KEEP], 1, name);
    sql_bind_blob(s->sql[SQL_KEEP], 2, blob, size);
    return sql_do(s->db, s->sql[SQL_KEEP], err);
}

andon_status store_checkpoint(struct store *s, uint64_t offset, andon_error *err)
{
    if (!s->in_turn) return andon_fail(err, ANDON_EINVAL, "no turn of the store is open");
    s->turn.checkpoint = offset;
    return ANDON_OK;
}

andon_status store_each_kept(struct store *s,
                             andon_status (*each)(void *context, struct text name, const void *blob,
                                                  size_t size, andon_error *err),
                             void *context, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_KEPT];
    andon_status st = ANDON_OK;
    int code = SQLITE_DONE;
    while (st == ANDON_OK && (code = sqlite3_step(sql)) == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(sql, 1);
        st = each(context, sql_text(sql, 0), blob, (size_t)sqlite3_column_bytes(sql, 1), err);
    }
    if (st == ANDON_OK && code != SQLITE_DONE) st = sql_fail(s->db, "the store", err);
    sqlite3_reset(sql);
    return st;
}

static uint64_t file_bytes(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
}

void store_figures(const struct store *s, struct store_figures *f)
{
    *f = (struct store_figures){.rows = s->saved.rows, .samples = s->saved.samples,
                                .chunks = s->saved.chunks, .hot_rows = s->tail.rows,
                                .hot_bytes = s->tail.bytes, .turns = s->saved.turns,
                                .dead = s->saved.dead,
                                .bytes = file_bytes(s->path) + file_bytes(s->wal_path)};
}
