/* What is known of assets: from their chunks, kept with them, and from the rows that wait. */
#include "store/record.h"
#include "store/view.h"

struct listing {
    struct reader *reader;
    struct record_cursor cursor;
    bool (*each)(void *context, const struct reader_asset *asset);
    void *context;
};

/* The newest verdict, as it is kept with the asset. */
static void take_verdict(sqlite3_stmt *sql, struct reader_asset *a, int64_t *verdict_ns)
{
    const uint8_t *bytes = sqlite3_column_blob(sql, 8);
    if (bytes == NULL) return;
    struct wire in = {.at = bytes, .end = bytes + sqlite3_column_bytes(sql, 8)};
    a->judged = record_get_verdict(&in, &a->last);
    if (a->judged) *verdict_ns = sqlite3_column_int64(sql, 7);
}

static void add_row(const struct store_row *row, struct reader_asset *a, int64_t *verdict_ns)
{
    if (a->rows == 0 || row->ts_ns < a->first_ts_ns) a->first_ts_ns = row->ts_ns;
    if (a->rows == 0 || row->ts_ns > a->last_ts_ns) a->last_ts_ns = row->ts_ns;
    a->rows++;
    if (!row->judged || (a->judged && row->ts_ns < *verdict_ns)) return;
    a->judged = true;
    a->last = row->verdict;
    *verdict_ns = row->ts_ns;
}

static andon_status add_waiting(struct listing *l, uint64_t sealed, struct reader_asset *a,
                                int64_t *verdict_ns, andon_error *err)
{
    const struct reader *r = l->reader;
    for (uint32_t i = 0; i < r->blobs; i++) {
        const struct view_blob *b = &r->blob[i];
        const struct view_run *run = view_hot_run(b, a->asset);
        for (; run != NULL && run < b->run + b->runs && run->asset == a->asset; run++) {
            struct store_row row;
            int got = 0;
            if (run->first < sealed) continue;
            record_begin(&l->cursor, a->asset, b->bytes + run->at, run->size);
            while ((got = record_next(&l->cursor, &row)) == 1) add_row(&row, a, verdict_ns);
            if (got == -1) return andon_fail(err, ANDON_ENOMEM, "no memory for waiting rows");
            if (got != 0)
                return andon_fail(err, ANDON_EFORMAT, "the store is damaged: waiting rows %lld",
                                  (long long)b->id);
        }
    }
    return ANDON_OK;
}

static andon_status list_asset(struct listing *l, sqlite3_stmt *sql, bool *go_on, andon_error *err)
{
    int64_t verdict_ns = INT64_MIN;
    uint64_t sealed = (uint64_t)sqlite3_column_int64(sql, 4);
    uint64_t dropped = (uint64_t)sqlite3_column_int64(sql, 5);
    struct reader_asset a = {.asset = (uint32_t)sqlite3_column_int64(sql, 0),
                             .path = sql_text(sql, 1),
                             .rows = sealed > dropped ? sealed - dropped : 0,
                             .description = sql_text(sql, 6)};
    if (a.rows > 0) {
        a.first_ts_ns = sqlite3_column_int64(sql, 2);
        a.last_ts_ns = sqlite3_column_int64(sql, 3);
    }
    take_verdict(sql, &a, &verdict_ns);
    andon_status st = add_waiting(l, sealed, &a, &verdict_ns, err);
    if (st == ANDON_OK) *go_on = l->each(l->context, &a);
    return st;
}

andon_status reader_assets(struct reader *r,
                           bool (*each)(void *context, const struct reader_asset *asset),
                           void *context, andon_error *err)
{
    struct listing l = {.reader = r, .each = each, .context = context};
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    st = view_hot(r, err);
    sqlite3_stmt *sql = r->sql[VIEW_ASSETS];
    int code = SQLITE_DONE;
    bool go_on = true;
    while (st == ANDON_OK && go_on && (code = sqlite3_step(sql)) == SQLITE_ROW)
        st = list_asset(&l, sql, &go_on, err);
    if (st == ANDON_OK && go_on && code != SQLITE_DONE) st = sql_fail(r->db, "the store", err);
    sqlite3_reset(sql);
    record_cursor_free(&l.cursor);
    view_leave(r);
    return st;
}
