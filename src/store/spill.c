/* What a turn leaves in the tail goes into the table `hot` with it. Level 0 are the rows of one turn,
 * level 1 those of many turns together, level 2 all that wait: small blobs are put together before
 * there are so many that a reader feels them, and blobs whose rows mostly stand in chunks by now are
 * written anew. A row is written about three times at most. */
#include "store/inside.h"

enum { LEVEL_BLOBS_MAX = 64 };
#define STALE_BYTES_MAX ((uint64_t)256 << 10)

static struct hot_run run_from(const struct store *s, uint32_t asset, uint32_t at, uint32_t rows)
{
    const struct tail_asset *a = &s->tail.asset[asset];
    return (struct hot_run){.asset = asset, .first = a->sealed + rows, .rows = a->rows - rows,
                            .size = a->size - at, .bytes = a->bytes + at};
}

static andon_status add_turn(struct store *s, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t i = 0; i < s->tail.touched_count && st == ANDON_OK; i++) {
        uint32_t asset = s->tail.touched[i];
        const struct tail_asset *a = &s->tail.asset[asset];
        struct hot_run run = run_from(s, asset, a->turn_at, a->turn_rows);
        st = hot_add(&s->hot, &run, err);
    }
    return st;
}

/* All that waits, or what came since the last merge. */
static andon_status add_all(struct store *s, bool since_merge, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (uint32_t asset = s->tail.oldest; asset != TAIL_NONE && st == ANDON_OK;) {
        struct tail_asset *a = &s->tail.asset[asset];
        struct hot_run run = run_from(s, asset, since_merge ? a->base_at : 0,
                                      since_merge ? a->base_rows : 0);
        st = hot_add(&s->hot, &run, err);
        a->base_at = a->size;
        a->base_rows = a->rows;
        asset = a->newer;
    }
    return st;
}

static andon_status put_blob(struct store *s, int level, int64_t now_ns, andon_error *err)
{
    andon_status st = hot_end(&s->hot, err);
    if (st != ANDON_OK || hot_is_empty(&s->hot)) return st;
    sqlite3_bind_int(s->sql[SQL_HOT_PUT], 1, level);
    sqlite3_bind_int64(s->sql[SQL_HOT_PUT], 2, now_ns);
    sql_bind_blob(s->sql[SQL_HOT_PUT], 3, s->hot.bytes, s->hot.size);
    /* Numbers never come again: readers know their copies by them. */
    sqlite3_bind_int64(s->sql[SQL_HOT_PUT], 4, (int64_t)s->turn.turns);
    s->hot_blobs[level]++;
    s->hot_bytes += s->hot.size;
    return sql_do(s->db, s->sql[SQL_HOT_PUT], err);
}

static andon_status write_anew(struct store *s, int64_t now_ns, andon_error *err)
{
    andon_status st = sql_do(s->db, s->sql[SQL_HOT_DROP], err);
    s->hot_bytes = 0;
    for (int i = 0; i < HOT_LEVELS; i++) s->hot_blobs[i] = 0;
    if (st == ANDON_OK) st = add_all(s, false, err);
    return st == ANDON_OK ? put_blob(s, 2, now_ns, err) : st;
}

static andon_status merge_turns(struct store *s, int64_t now_ns, andon_error *err)
{
    /* hot_bytes still counts the small blobs that go: it is an upper bound until all is written anew. */
    andon_status st = sql_do(s->db, s->sql[SQL_HOT_DROP_LEVEL], err);
    s->hot_blobs[0] = 0;
    if (st == ANDON_OK) st = add_all(s, true, err);
    return st == ANDON_OK ? put_blob(s, 1, now_ns, err) : st;
}

andon_status inside_spill(struct store *s, int64_t now_ns, andon_error *err)
{
    uint64_t blobs = s->hot_blobs[0] + s->hot_blobs[1] + s->hot_blobs[2];
    hot_begin(&s->hot);
    if (s->tail.rows == 0 && blobs == 0) return ANDON_OK;
    if (s->tail.rows == 0 || s->hot_bytes > 2 * s->tail.bytes + STALE_BYTES_MAX ||
        s->hot_blobs[1] >= LEVEL_BLOBS_MAX)
        return write_anew(s, now_ns, err);
    if (s->hot_blobs[0] >= LEVEL_BLOBS_MAX) return merge_turns(s, now_ns, err);
    andon_status st = add_turn(s, err);
    return st == ANDON_OK ? put_blob(s, 0, now_ns, err) : st;
}
