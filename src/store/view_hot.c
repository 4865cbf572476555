/* Copies of the table `hot`. Its blobs never change under their number, and no number comes again, so
 * a copy is good as long as the number is there, and a reader that asks again copies no more than what
 * is new. */
#include <stdlib.h>

#include "store/view.h"

static void free_blob(struct view_blob *b)
{
    free(b->bytes);
    free(b->run);
    *b = (struct view_blob){0};
}

void view_hot_forget(struct reader *r)
{
    for (uint32_t i = 0; i < r->blobs; i++) free_blob(&r->blob[i]);
    free(r->blob);
    r->blob = NULL;
    r->blobs = r->blobs_room = 0;
    r->blobs_known = false;
}

static int by_asset(const void *a, const void *b)
{
    const struct view_run *x = a, *y = b;
    if (x->asset != y->asset) return x->asset < y->asset ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* The runs of a copied blob. */
static andon_status index_runs(struct view_blob *b, andon_error *err)
{
    struct wire in;
    struct hot_run run;
    uint32_t room = 0;
    if (!hot_open(&in, b->bytes, b->size))
        return andon_fail(err, ANDON_EFORMAT, "the store is damaged: waiting rows %lld",
                          (long long)b->id);
    while (hot_next(&in, &run)) {
        if (b->runs == room) {
            room = room > 0 ? 2 * room : 16;
            struct view_run *more = realloc(b->run, room * sizeof *more);
            if (more == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for waiting rows");
            b->run = more;
        }
        b->run[b->runs++] = (struct view_run){.asset = run.asset, .rows = run.rows,
                                              .first = run.first, .size = run.size,
                                              .at = (uint32_t)(run.bytes - b->bytes)};
    }
    if (in.bad)
        return andon_fail(err, ANDON_EFORMAT, "the store is damaged: waiting rows %lld",
                          (long long)b->id);
    if (b->runs > 1) qsort(b->run, b->runs, sizeof *b->run, by_asset);
    return ANDON_OK;
}

static andon_status copy_blob(struct reader *r, int64_t id, andon_error *err)
{
    if (r->blobs == r->blobs_room) {
        uint32_t room = r->blobs_room > 0 ? 2 * r->blobs_room : 16;
        struct view_blob *more = realloc(r->blob, room * sizeof *more);
        if (more == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for waiting rows");
        r->blob = more;
        r->blobs_room = room;
    }
    sqlite3_stmt *sql = r->sql[VIEW_HOT];
    sqlite3_bind_int64(sql, 1, id);
    if (sqlite3_step(sql) != SQLITE_ROW) {
        andon_status st = sql_fail(r->db, "the store", err);
        sqlite3_reset(sql);
        return st;
    }
    struct view_blob b = {.id = id, .seen = true};
    const void *bytes = sqlite3_column_blob(sql, 0);
    b.size = (uint64_t)sqlite3_column_bytes(sql, 0);
    b.bytes = bytes == NULL ? NULL : malloc(b.size);
    andon_status st = ANDON_OK;
    if (b.bytes == NULL) st = andon_fail(err, ANDON_ENOMEM, "no memory for waiting rows");
    else memcpy(b.bytes, bytes, b.size);
    sqlite3_reset(sql);
    if (st == ANDON_OK) st = index_runs(&b, err);
    if (st == ANDON_OK) r->blob[r->blobs++] = b;
    else free_blob(&b);
    return st;
}

static struct view_blob *known(const struct reader *r, int64_t id, uint32_t count)
{
    for (uint32_t low = 0, high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (r->blob[middle].id == id) return &r->blob[middle];
        if (r->blob[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

/* Numbers only grow, so what is new comes behind what is known. */
andon_status view_hot(struct reader *r, andon_error *err)
{
    if (r->blobs_known) return ANDON_OK;
    sqlite3_stmt *sql = r->sql[VIEW_HOT_IDS];
    andon_status st = ANDON_OK;
    uint32_t before = r->blobs;
    int code = SQLITE_DONE;
    for (uint32_t i = 0; i < before; i++) r->blob[i].seen = false;
    while (st == ANDON_OK && (code = sqlite3_step(sql)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(sql, 0);
        struct view_blob *b = known(r, id, before);
        if (b != NULL) b->seen = true;
        else st = copy_blob(r, id, err);
    }
    if (st == ANDON_OK && code != SQLITE_DONE) st = sql_fail(r->db, "the store", err);
    sqlite3_reset(sql);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->blobs; i++) {
        if (r->blob[i].seen) r->blob[kept++] = r->blob[i];
        else free_blob(&r->blob[i]);
    }
    r->blobs = kept;
    r->blobs_known = st == ANDON_OK;
    if (st != ANDON_OK) view_hot_forget(r);
    return st;
}

const struct view_run *view_hot_run(const struct view_blob *b, uint32_t asset)
{
    uint32_t low = 0, high = b->runs;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->run[middle].asset < asset) low = middle + 1;
        else high = middle;
    }
    return low < b->runs && b->run[low].asset == asset ? &b->run[low] : NULL;
}
