/* Rows that have waited in the tail become chunks. Rows in order of time go into the asset's main
 * chunks, which do not overlap; rows older than the last of those go into chunks of their own. A main
 * chunk that is not full takes the next rows in, so that slow assets get full chunks too. */
#include "store/inside.h"

/* What becomes of sorted rows order[from .. to). */
struct piece {
    uint32_t from, to;
    bool late;  /* older than what retention has dropped already */
    bool main;
};

static bool is_ordered(const struct sheet *s)
{
    for (uint32_t r = 1; r < s->rows; r++)
        if (s->ts[r] < s->ts[r - 1]) return false;
    return true;
}

/* order[rows] by time; rows of one time stay as they came. */
static void sort(const struct sheet *s, uint32_t *order)
{
    for (uint32_t r = 0; r < s->rows; r++) {
        uint32_t at = r;
        for (; at > 0 && s->ts[order[at - 1]] > s->ts[r]; at--) order[at] = order[at - 1];
        order[at] = r;
    }
}

static uint32_t before(const struct sheet *s, const uint32_t *order, int64_t ns)
{
    uint32_t n = 0;
    while (n < s->rows && s->ts[order[n]] < ns) n++;
    return n;
}

/* ---- the tables ---- */

static int64_t day_of(int64_t ts)
{
    return ts / INSIDE_DAY_NS - (ts % INSIDE_DAY_NS < 0);
}

/* The days of these rows are to be rolled up. */
static andon_status put_days(struct store *s, uint32_t asset, const uint32_t *order,
                             const struct piece *p, andon_error *err)
{
    struct inside_asset *a = &s->asset[asset];
    andon_status st = ANDON_OK;
    for (uint32_t i = p->from; i < p->to && st == ANDON_OK; i++) {
        int64_t day = day_of(s->sheet.ts[order[i]]);
        if (a->day == day && a->day_turn == s->tail.stamp) continue;
        sqlite3_bind_int64(s->sql[SQL_UNROLLED], 1, asset);
        sqlite3_bind_int64(s->sql[SQL_UNROLLED], 2, day);
        sqlite3_bind_int(s->sql[SQL_UNROLLED], 3, p->late);
        sqlite3_bind_int64(s->sql[SQL_UNROLLED], 4, s->turn.now_ns);
        st = sql_do(s->db, s->sql[SQL_UNROLLED], err);
        a->day = day;
        a->day_turn = s->tail.stamp;
    }
    return st;
}

static andon_status put_reach(struct store *s, uint32_t asset, int64_t id, int64_t t_min,
                              int64_t t_max, const struct piece *p, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_REACH_PUT];
    sqlite3_bind_int64(sql, 1, asset);
    sqlite3_bind_int64(sql, 2, t_max);
    sqlite3_bind_int64(sql, 3, id);
    sqlite3_bind_int64(sql, 4, t_min);
    sqlite3_bind_int64(sql, 5, p->to - p->from);
    sqlite3_bind_int(sql, 6, p->late);
    return sql_do(s->db, sql, err);
}

/* The open chunk's place is taken by what it has become. */
static andon_status drop_reach(struct store *s, uint32_t asset, andon_error *err)
{
    sqlite3_bind_int64(s->sql[SQL_REACH_DROP], 1, asset);
    sqlite3_bind_int64(s->sql[SQL_REACH_DROP], 2, s->asset[asset].main_ns);
    sqlite3_bind_int64(s->sql[SQL_REACH_DROP], 3, s->asset[asset].open_chunk);
    return sql_do(s->db, s->sql[SQL_REACH_DROP], err);
}

/* A chunk of the sheet's rows order[p->from .. p->to), new or in the place of chunk `into`. */
static andon_status put_chunk(struct store *s, uint32_t asset, const uint32_t *order,
                              const struct piece *p, int64_t into, andon_error *err)
{
    const uint32_t *rows = order + p->from;
    uint32_t n = p->to - p->from;
    struct inside_asset *a = &s->asset[asset];
    int64_t t_min = s->sheet.ts[rows[0]], t_max = s->sheet.ts[rows[n - 1]], span;
    bool plain = n == s->sheet.rows && is_ordered(&s->sheet);
    size_t size = chunk_put(&s->sheet, plain ? NULL : rows, n, s->blob);
    andon_status st = into != 0 ? drop_reach(s, asset, err) : ANDON_OK;
    if (st != ANDON_OK) return st;
    if (into != 0) sqlite3_bind_int64(s->sql[SQL_CHUNK_PUT], 1, into);
    else sqlite3_bind_null(s->sql[SQL_CHUNK_PUT], 1);
    sql_bind_blob(s->sql[SQL_CHUNK_PUT], 2, s->blob, size);
    st = sql_do(s->db, s->sql[SQL_CHUNK_PUT], err);
    int64_t id = into != 0 ? into : sqlite3_last_insert_rowid(s->db);
    if (st == ANDON_OK) st = put_reach(s, asset, id, t_min, t_max, p, err);
    if (st != ANDON_OK) return st;
    if (into == 0) s->turn.chunks++;
    if (__builtin_sub_overflow(t_max, t_min, &span)) span = INT64_MAX;
    if (span > a->span_ns) a->span_ns = span;
    if (t_min < a->first_ns) a->first_ns = t_min;
    if (t_max > a->last_ns) a->last_ns = t_max;
    if (p->main) {
        a->main_ns = t_max;
        a->open_chunk = n < STORE_CHUNK_ROWS ? id : 0;
        a->open_rows = n < STORE_CHUNK_ROWS ? n : 0;
    }
    return put_days(s, asset, order, p, err);
}

/* The newest verdict of the sheet; size 0: there is none that is newer. */
static size_t newest_verdict(struct store *s, uint32_t asset, uint8_t *out)
{
    const struct sheet *sheet = &s->sheet;
    struct inside_asset *a = &s->asset[asset];
    uint32_t found = UINT32_MAX;
    for (uint32_t r = 0; r < sheet->rows; r++)
        if (sheet->judged[r] && sheet->ts[r] >= a->verdict_ns) {
            a->verdict_ns = sheet->ts[r];
            found = r;
        }
    if (found == UINT32_MAX) return 0;
    return (size_t)(record_put_verdict(&sheet->verdict[found], out) - out);
}

static andon_status put_asset(struct store *s, uint32_t asset, andon_error *err)
{
    uint8_t verdict[RECORD_VERDICT_BYTES_MAX];
    const struct inside_asset *a = &s->asset[asset];
    const struct tail_asset *t = &s->tail.asset[asset];
    size_t size = s->sheet.judged_rows > 0 ? newest_verdict(s, asset, verdict) : 0;
    sqlite3_stmt *sql = s->sql[SQL_ASSET_SET];
    sqlite3_bind_int64(sql, 1, (int64_t)(t->sealed + t->rows));
    sqlite3_bind_int64(sql, 2, a->first_ns);
    sqlite3_bind_int64(sql, 3, a->last_ns);
    sqlite3_bind_int64(sql, 4, a->main_ns);
    sqlite3_bind_int64(sql, 5, a->span_ns);
    sqlite3_bind_int64(sql, 6, a->open_chunk);
    sqlite3_bind_int64(sql, 7, a->open_rows);
    if (size > 0) {
        sqlite3_bind_int64(sql, 8, a->verdict_ns);
        sql_bind_blob(sql, 9, verdict, size);
    } else {
        sqlite3_bind_null(sql, 8);
        sqlite3_bind_null(sql, 9);
    }
    sqlite3_bind_int64(sql, 10, asset);
    return sql_do(s->db, sql, err);
}

/* ---- sealing ---- */

/* Puts the asset's open chunk before its new rows in the sheet. The statement keeps the chunk's
 * bytes until it is reset. */
static andon_status take_open(struct store *s, uint32_t asset, andon_error *err)
{
    struct inside_asset *a = &s->asset[asset];
    sqlite3_stmt *sql = s->sql[SQL_CHUNK_GET];
    struct chunk chunk;
    sqlite3_bind_int64(sql, 1, a->open_chunk);
    int code = sqlite3_step(sql);
    if (code != SQLITE_ROW && code != SQLITE_DONE) return sql_fail(s->db, "the store", err);
    if (code == SQLITE_ROW && chunk_open(&chunk, sqlite3_column_blob(sql, 0),
                                         (size_t)sqlite3_column_bytes(sql, 0)) &&
        chunk.rows == a->open_rows && chunk_sheet(&chunk, &s->sheet, err) == ANDON_OK)
        return ANDON_OK;
    a->open_chunk = 0; /* dropped, or damaged: then it stays as it is */
    return ANDON_OK;
}

/* How many rows from `from` on make a chunk. Late ones go with their day, as they do when they are
 * dropped. */
static uint32_t chunk_end(const struct sheet *s, const uint32_t *order, const struct piece *p,
                          uint32_t from)
{
    uint32_t to = from + 1, most = from + STORE_CHUNK_ROWS;
    while (to < p->to && to < most &&
           (!p->late || day_of(s->ts[order[to]]) == day_of(s->ts[order[from]])))
        to++;
    return to;
}

/* Rows in order of time, in chunks of at most STORE_CHUNK_ROWS; the first may take the open one's
 * place. */
static andon_status put_piece(struct store *s, uint32_t asset, const uint32_t *order,
                              struct piece p, int64_t into, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t from = p.from; from < p.to && st == ANDON_OK;) {
        struct piece part = p;
        part.from = from;
        part.to = from = chunk_end(&s->sheet, order, &p, from);
        st = put_chunk(s, asset, order, &part, into, err);
        into = 0;
    }
    return st;
}

static andon_status put_pieces(struct store *s, uint32_t asset, int64_t into, andon_error *err)
{
    uint32_t order[2 * STORE_CHUNK_ROWS], n = s->sheet.rows;
    sort(&s->sheet, order);
    if (into != 0) return put_piece(s, asset, order, (struct piece){0, n, false, true}, into, err);
    uint32_t floor = before(&s->sheet, order, s->turn.raw_floor_ns);
    uint32_t late = before(&s->sheet, order, s->asset[asset].main_ns);
    if (late < floor) late = floor;
    andon_status st = put_piece(s, asset, order, (struct piece){0, floor, true, false}, 0, err);
    if (st == ANDON_OK)
        st = put_piece(s, asset, order, (struct piece){floor, late, false, false}, 0, err);
    if (st == ANDON_OK)
        st = put_piece(s, asset, order, (struct piece){late, n, false, true}, 0, err);
    return st;
}

/* Whether the rows in the sheet all continue the open chunk. A full chunk of them stays for itself. */
static bool continues(struct store *s, uint32_t asset)
{
    const struct inside_asset *a = &s->asset[asset];
    const struct sheet *sheet = &s->sheet;
    return a->open_chunk != 0 && sheet->rows < STORE_CHUNK_ROWS && sheet->ts[0] >= a->main_ns &&
           sheet->ts[0] >= s->turn.raw_floor_ns && is_ordered(sheet);
}

andon_status inside_seal(struct store *s, uint32_t asset, andon_error *err)
{
    int64_t into = 0;
    andon_status st = names_put(&s->names, err);
    sheet_clear(&s->sheet);
    if (st == ANDON_OK) st = tail_sheet(&s->tail, asset, &s->sheet, err);
    if (st != ANDON_OK) return st;
    if (continues(s, asset)) {
        sheet_clear(&s->sheet);
        st = take_open(s, asset, err);
        into = s->asset[asset].open_chunk;
        if (st == ANDON_OK) st = tail_sheet(&s->tail, asset, &s->sheet, err);
    }
    if (st == ANDON_OK) {
        sheet_sort(&s->sheet);
        st = inside_blob_room(s, chunk_bytes_max(&s->sheet), err);
    }
    if (st == ANDON_OK) st = put_pieces(s, asset, into, err);
    if (st == ANDON_OK) st = put_asset(s, asset, err);
    sqlite3_reset(s->sql[SQL_CHUNK_GET]);
    if (st == ANDON_OK) tail_drop(&s->tail, asset);
    return st;
}
