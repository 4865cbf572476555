/* See scan.h. Items are opened when the merge reaches their first row, and closed when no row of the time
 * that they ended at can come any more. */
#include "store/scan.h"

#include <stdlib.h>

enum { ITEMS_FIRST = 64, SEEN_MAX = 4096 };

void scan_rest(struct scan *s)
{
    if (s->reader == NULL || s->reader->stepping != s) return;
    sqlite3_reset(s->reader->sql[VIEW_CHUNK_BYTES]);
    s->reader->stepping = NULL;
}

static void free_source(struct scan_source *s)
{
    sheet_close(&s->sheet);
    free(s->bytes);
    free(s->order);
    *s = (struct scan_source){0};
}

void scan_close(struct scan *s)
{
    scan_rest(s);
    for (uint32_t i = 0; i < s->sources_made; i++) {
        free_source(s->source[i]);
        free(s->source[i]);
    }
    free_source(&s->hot);
    record_cursor_free(&s->records);
    free(s->source);
    free(s->item);
    free(s->field);
    free(s->other);
    free(s->seen);
    *s = (struct scan){0};
}

/* ---- what there is ---- */

static int by_start(const void *a, const void *b)
{
    const struct scan_item *x = a, *y = b;
    if (x->t_min != y->t_min) return x->t_min < y->t_min ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static andon_status add_item(struct scan *s, const struct scan_item *item, andon_error *err)
{
    if (s->items == s->items_room) {
        uint32_t room = s->items_room > 0 ? 2 * s->items_room : ITEMS_FIRST;
        struct scan_item *more = realloc(s->item, room * sizeof *more);
        if (more == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for %u chunks", room);
        s->item = more;
        s->items_room = room;
    }
    s->item[s->items++] = *item;
    return ANDON_OK;
}

/* A chunk with a row before `to` ends at most the longest span later. */
static void bind_range(const struct scan *s, sqlite3_stmt *sql)
{
    int64_t last;
    if (__builtin_add_overflow(s->to_ns, s->span_ns, &last)) last = INT64_MAX;
    sqlite3_bind_int64(sql, 1, s->asset);
    sqlite3_bind_int64(sql, 2, s->from_ns);
    sqlite3_bind_int64(sql, 3, last);
    sqlite3_bind_int64(sql, 4, s->to_ns);
}

static andon_status find_items(struct scan *s, andon_error *err)
{
    sqlite3_stmt *sql = s->reader->sql[VIEW_CHUNKS];
    andon_status st = ANDON_OK;
    int code = SQLITE_DONE;
    s->ordered = true;
    s->skipped = false;
    s->items = 0;
    bind_range(s, sql);
    while (st == ANDON_OK && (code = sqlite3_step(sql)) == SQLITE_ROW) {
        if (s->late_only && sqlite3_column_int(sql, 3) == 0) {
            s->skipped = true;
            continue;
        }
        struct scan_item item = {.id = sqlite3_column_int64(sql, 0),
                                 .t_min = sqlite3_column_int64(sql, 1),
                                 .t_max = sqlite3_column_int64(sql, 2)};
        s->ordered &= s->items == 0 || by_start(&s->item[s->items - 1], &item) < 0;
        st = add_item(s, &item, err);
    }
    if (st == ANDON_OK && code != SQLITE_DONE) st = sql_fail(s->reader->db, "the store", err);
    sqlite3_reset(sql);
    if (!s->ordered) qsort(s->item, s->items, sizeof *s->item, by_start);
    return st;
}

static andon_status order_rows(struct scan_source *o, andon_error *err)
{
    const struct sheet *sheet = &o->sheet;
    if (o->order == NULL) o->order = malloc(sheet->rows_max * sizeof *o->order);
    if (o->order == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for waiting rows");
    for (uint32_t r = 0; r < sheet->rows; r++) {
        uint32_t at = r;
        for (; at > 0 && sheet->ts[o->order[at - 1]] > sheet->ts[r]; at--)
            o->order[at] = o->order[at - 1];
        o->order[at] = r;
    }
    return ANDON_OK;
}

static inline int64_t time_at(const struct scan_source *o, uint32_t at)
{
    return o->sheet.ts[o->order == NULL ? at : o->order[at]];
}

/* Leaves only the rows in the range. */
static void trim(const struct scan *s, struct scan_source *o)
{
    o->at = 0;
    o->end = o->sheet.rows;
    while (o->at < o->end && time_at(o, o->at) < s->from_ns) o->at++;
    while (o->end > o->at && time_at(o, o->end - 1) >= s->to_ns) o->end--;
}

static andon_status add_run(struct scan *s, const struct view_blob *blob,
                            const struct view_run *run, andon_error *err)
{
    struct record_cursor *c = &s->records;
    struct store_row row;
    int got;
    record_begin(c, s->asset, blob->bytes + run->at, run->size);
    while ((got = record_next(c, &row)) == 1) {
        andon_status st = sheet_add(&s->hot.sheet, &row, err);
        if (st != ANDON_OK) return st;
    }
    if (got == 0) return ANDON_OK;
    return got == -1 ? andon_fail(err, ANDON_ENOMEM, "no memory for waiting rows")
                     : andon_fail(err, ANDON_EFORMAT, "the store is damaged: waiting rows %lld",
                                  (long long)blob->id);
}

/* Waiting rows, of which those before `sealed` stand in chunks. */
static andon_status find_hot(struct scan *s, uint64_t sealed, andon_error *err)
{
    andon_status st = view_hot(s->reader, err);
    if (st == ANDON_OK && s->hot.sheet.rows_max == 0)
        st = sheet_open(&s->hot.sheet, STORE_CHUNK_ROWS, err);
    if (st != ANDON_OK) return st;
    sheet_clear(&s->hot.sheet);
    for (uint32_t i = 0; i < s->reader->blobs && st == ANDON_OK; i++) {
        const struct view_blob *blob = &s->reader->blob[i];
        const struct view_run *run = view_hot_run(blob, s->asset);
        for (; st == ANDON_OK && run != NULL && run < blob->run + blob->runs &&
               run->asset == s->asset;
             run++)
            if (run->first >= sealed) st = add_run(s, blob, run, err);
    }
    if (st != ANDON_OK) return st;
    sheet_sort(&s->hot.sheet);
    st = order_rows(&s->hot, err);
    s->hot.rank = INT64_MAX;
    trim(s, &s->hot);
    s->hot_first = s->hot.at;
    s->hot_end = s->hot.end;
    return st;
}

void scan_only(struct scan *s, uint32_t first, uint32_t end, uint32_t hot_from, uint32_t hot_to)
{
    s->next_item = first;
    s->end_item = end;
    s->hot.at = hot_from;
    s->hot.end = hot_to;
    s->sources = s->seen_count = 0;
}

andon_status scan_waiting(struct scan *s, struct reader *reader, uint32_t asset, int64_t from_ns,
                          int64_t to_ns, andon_error *err)
{
    uint64_t sealed = 0;
    scan_rest(s);
    s->reader = reader;
    s->asset = asset;
    s->from_ns = from_ns;
    s->to_ns = to_ns;
    s->span_ns = 0;
    s->items = s->stepped = 0;
    sqlite3_stmt *sql = reader->sql[VIEW_ASSET];
    sqlite3_bind_int64(sql, 1, asset);
    int code = sqlite3_step(sql);
    if (code == SQLITE_ROW) {
        sealed = (uint64_t)sqlite3_column_int64(sql, 0);
        s->span_ns = sqlite3_column_int64(sql, 1);
    }
    andon_status st = ANDON_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE) st = sql_fail(reader->db, "the store", err);
    sqlite3_reset(sql);
    return st == ANDON_OK ? find_hot(s, sealed, err) : st;
}

andon_status scan_find(struct scan *s, struct reader *reader, uint32_t asset, int64_t from_ns,
                       int64_t to_ns, andon_error *err)
{
    andon_status st = scan_waiting(s, reader, asset, from_ns, to_ns, err);
    if (st == ANDON_OK) st = find_items(s, err);
    if (st == ANDON_OK) scan_only(s, 0, s->items, s->hot_first, s->hot_end);
    return st;
}

/* ---- merging ---- */

static andon_status copy_chunk(struct scan *s, int64_t id, struct scan_source *o, size_t *size,
                               andon_error *err)
{
    sqlite3_stmt *sql = s->reader->sql[VIEW_CHUNK];
    andon_status st = ANDON_OK;
    sqlite3_bind_int64(sql, 1, id);
    int code = sqlite3_step(sql);
    const void *bytes = code == SQLITE_ROW ? sqlite3_column_blob(sql, 0) : NULL;
    *size = bytes != NULL ? (size_t)sqlite3_column_bytes(sql, 0) : 0;
    if (bytes == NULL) st = sql_fail(s->reader->db, "the store", err);
    if (st == ANDON_OK && *size > o->room) {
        uint8_t *more = realloc(o->bytes, *size);
        if (more == NULL) st = andon_fail(err, ANDON_ENOMEM, "no memory for a chunk");
        else {
            o->bytes = more;
            o->room = *size;
        }
    }
    if (st == ANDON_OK) memcpy(o->bytes, bytes, *size);
    sqlite3_reset(sql);
    return st;
}

static andon_status damaged(int64_t id, andon_error *err)
{
    return andon_fail(err, ANDON_EFORMAT, "the store is damaged: chunk %lld", (long long)id);
}

/* A source that is not in use; it is source[sources]. */
static struct scan_source *spare(struct scan *s)
{
    if (s->sources < s->sources_made) return s->source[s->sources];
    if (s->sources_made == s->sources_room) {
        uint32_t room = s->sources_room > 0 ? 2 * s->sources_room : 4;
        struct scan_source **more = realloc(s->source, room * sizeof *more);
        if (more == NULL) return NULL;
        s->source = more;
        s->sources_room = room;
    }
    struct scan_source *o = calloc(1, sizeof *o);
    if (o != NULL && sheet_open(&o->sheet, STORE_CHUNK_ROWS, NULL) != ANDON_OK) {
        free(o);
        o = NULL;
    }
    if (o != NULL) s->source[s->sources_made++] = o;
    return o;
}

static andon_status open_item(struct scan *s, const struct scan_item *item, andon_error *err)
{
    struct chunk chunk;
    size_t size;
    if (s->sources == SCAN_SOURCES_MAX)
        return andon_fail(err, ANDON_ELIMIT, "more than %u chunks overlap", SCAN_SOURCES_MAX);
    struct scan_source *o = spare(s);
    if (o == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a chunk");
    andon_status st = copy_chunk(s, item->id, o, &size, err);
    if (st != ANDON_OK) return st;
    if (!chunk_open(&chunk, o->bytes, size)) return damaged(item->id, err);
    st = chunk_sheet(&chunk, &o->sheet, err);
    if (st != ANDON_OK) return st == ANDON_EFORMAT ? damaged(item->id, err) : st;
    o->rank = item->id;
    trim(s, o);
    s->sources++;
    return ANDON_OK;
}

/* The item's bytes from the statement that goes through the range; NULL: they are to be looked up. */
static const void *step_to(struct scan *s, uint32_t item, size_t *size)
{
    struct reader *r = s->reader;
    sqlite3_stmt *sql = r->sql[VIEW_CHUNK_BYTES];
    if (!s->ordered || s->skipped || item < s->stepped || (r->stepping != NULL && r->stepping != s)) return NULL;
    if (r->stepping == NULL) {
        bind_range(s, sql);
        r->stepping = s;
        s->stepped = 0;
    }
    for (; s->stepped <= item; s->stepped++)
        if (sqlite3_step(sql) != SQLITE_ROW) {
            s->stepped = UINT32_MAX;
            return NULL;
        }
    const void *bytes = sqlite3_column_blob(sql, 0);
    *size = (size_t)sqlite3_column_bytes(sql, 0);
    return bytes;
}

andon_status scan_chunk(struct scan *s, uint32_t item, struct chunk *chunk, andon_error *err)
{
    size_t size;
    const void *bytes = step_to(s, item, &size);
    andon_status st = ANDON_OK;
    if (bytes == NULL) {
        s->sources = 0;
        struct scan_source *o = spare(s);
        if (o == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a chunk");
        st = copy_chunk(s, s->item[item].id, o, &size, err);
        bytes = o->bytes;
    }
    if (st == ANDON_OK && !chunk_open(chunk, bytes, size)) st = damaged(s->item[item].id, err);
    return st;
}

static bool is_before(const struct scan_source *a, const struct scan_source *b)
{
    int64_t x = time_at(a, a->at), y = time_at(b, b->at);
    return x != y ? x < y : a->rank < b->rank;
}

/* The source whose row comes next; NULL: none is open that has one. */
static struct scan_source *first_source(struct scan *s)
{
    struct scan_source *best = s->hot.at < s->hot.end ? &s->hot : NULL;
    for (uint32_t i = 0; i < s->sources; i++) {
        struct scan_source *o = s->source[i];
        if (o->at < o->end && (best == NULL || is_before(o, best))) best = o;
    }
    return best;
}

/* Sources that are through are spare again. Only when no row of their last time is to be compared. */
static void close_sources(struct scan *s)
{
    for (uint32_t i = 0; i < s->sources;) {
        struct scan_source *o = s->source[i];
        if (o->at < o->end) {
            i++;
            continue;
        }
        s->source[i] = s->source[--s->sources];
        s->source[s->sources] = o;
    }
}

static bool make_room(struct store_field **field, uint32_t *room, uint32_t fields)
{
    if (fields <= *room) return true;
    struct store_field *more = realloc(*field, fields * sizeof *more);
    if (more == NULL) return false;
    *field = more;
    *room = fields;
    return true;
}

static bool same_field(const struct store_field *a, const struct store_field *b)
{
    if (a->channel != b->channel || a->kind != b->kind || a->quality != b->quality) return false;
    return a->kind == STORE_TEXT ? text_is(a->text, b->text)
                                 : wire_bits(a->number) == wire_bits(b->number);
}

/* A row without values repeats another only when it says the same of the asset. */
static bool same_row(const struct store_row *a, const struct store_row *b)
{
    if (a->fields != b->fields) return false;
    for (uint32_t i = 0; i < a->fields; i++)
        if (!same_field(&a->field[i], &b->field[i])) return false;
    if (a->fields > 0) return true;
    return a->judged == b->judged &&
           (!a->judged || (wire_bits(a->verdict.score) == wire_bits(b->verdict.score) &&
                           a->verdict.state == b->verdict.state &&
                           a->verdict.reason == b->verdict.reason));
}

/* Equal for rows that are the same. */
static uint64_t mark_of(const struct store_row *row)
{
    uint64_t mark = row->fields;
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        mark ^= f->kind == STORE_TEXT ? f->text.length : wire_bits(f->number);
        mark *= UINT64_C(0x9e3779b97f4a7c15);
        mark ^= mark >> 29;
    }
    return mark;
}

/* Whether a row of the same time that came before says the same; it is remembered if not. */
static andon_status repeats(struct scan *s, const struct scan_seen *here,
                            const struct store_row *row, bool *is_repeat, andon_error *err)
{
    *is_repeat = false;
    if (s->seen_count > 0 && s->seen_ns != row->ts_ns) {
        s->seen_count = 0;
        close_sources(s);
    }
    uint64_t mark = mark_of(row);
    for (uint32_t i = 0; i < s->seen_count && !*is_repeat; i++) {
        struct store_row other;
        if (s->seen[i].mark != mark) continue;
        if (!make_room(&s->other, &s->other_room, s->seen[i].sheet->columns))
            return andon_fail(err, ANDON_ENOMEM, "no memory for a row");
        sheet_row(s->seen[i].sheet, s->seen[i].row, s->asset, s->other, &other);
        *is_repeat = same_row(row, &other);
    }
    if (*is_repeat || s->seen_count == SEEN_MAX) return ANDON_OK;
    if (s->seen_count == s->seen_room) {
        uint32_t room = s->seen_room > 0 ? 2 * s->seen_room : 8;
        struct scan_seen *more = realloc(s->seen, room * sizeof *more);
        if (more == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for rows of one time");
        s->seen = more;
        s->seen_room = room;
    }
    s->seen_ns = row->ts_ns;
    s->seen[s->seen_count] = *here;
    s->seen[s->seen_count++].mark = mark;
    return ANDON_OK;
}

andon_status scan_next(struct scan *s, struct store_row *row, bool *more, andon_error *err)
{
    bool is_repeat = true;
    *more = false;
    while (is_repeat) {
        struct scan_source *o = first_source(s);
        while (s->next_item < s->end_item &&
               (o == NULL || s->item[s->next_item].t_min <= time_at(o, o->at))) {
            andon_status st = open_item(s, &s->item[s->next_item], err);
            if (st != ANDON_OK) return st;
            s->next_item++;
            o = first_source(s);
        }
        if (o == NULL) return ANDON_OK;
        struct scan_seen here = {.sheet = &o->sheet,
                                 .row = o->order == NULL ? o->at : o->order[o->at]};
        if (!make_room(&s->field, &s->field_room, o->sheet.columns))
            return andon_fail(err, ANDON_ENOMEM, "no memory for a row");
        sheet_row(&o->sheet, here.row, s->asset, s->field, row);
        o->at++;
        andon_status st = repeats(s, &here, row, &is_repeat, err);
        if (st != ANDON_OK) return st;
    }
    *more = true;
    return ANDON_OK;
}
