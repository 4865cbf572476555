/* See roll.h. Minutes are kept where they are at most an eighth of the rows, or where the rows will be
 * dropped; hours and days always. */
#include "store/roll.h"

#include <stdlib.h>

enum { DENSE = 8 };

void roll_close(struct roll *r)
{
    sqlite3_stmt **const all[] = {&r->channels, &r->get,  &r->put,        &r->drop, &r->rolled,
                                  &r->late,     &r->lost, &r->drop_reach, &r->drop_chunk};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(*all[i]);
    scan_close(&r->scan);
    reader_close(r->view);
    free(r->part);
    free(r->coarse);
    free(r->whole);
    free(r->bytes);
    *r = (struct roll){0};
}

static andon_status prepare(struct roll *r, andon_error *err)
{
    const struct {
        sqlite3_stmt **statement;
        const char *text;
    } all[] = {
        {&r->channels, "SELECT id FROM channel WHERE asset = ? AND id > ? ORDER BY id LIMIT ?"},
        {&r->get, "SELECT bytes FROM rollup WHERE channel = ? AND tier = ? AND span = ?"},
        {&r->put, "INSERT INTO rollup(channel, tier, span, bytes) VALUES(?, ?, ?, ?)"
                  " ON CONFLICT(channel, tier, span) DO UPDATE SET bytes = excluded.bytes"},
        {&r->drop, "DELETE FROM rollup WHERE channel = ? AND tier = ? AND span = ?"},
        {&r->rolled, "DELETE FROM unrolled WHERE asset = ? AND day = ?"},
        {&r->late, "SELECT chunk, rows, t_max FROM reach"
                   " WHERE asset = ? AND t_max >= ? AND t_max < ? AND late = 1"},
        {&r->drop_reach, "DELETE FROM reach WHERE asset = ? AND t_max = ? AND chunk = ?"},
        {&r->drop_chunk, "DELETE FROM chunk WHERE id = ?"},
        {&r->lost, "UPDATE asset SET dropped = dropped + ? WHERE id = ?"}};
    andon_status st = ANDON_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && st == ANDON_OK; i++)
        st = sql_prepare(r->db, all[i].text, all[i].statement, err);
    return st;
}

andon_status roll_open(struct roll *r, sqlite3 *db, andon_error *err)
{
    if (r->bytes != NULL) return ANDON_OK;
    roll_close(r);
    r->db = db;
    r->part = malloc(ROLL_CHANNELS * sizeof *r->part);
    r->coarse = malloc(sizeof *r->coarse);
    r->whole = malloc(sizeof *r->whole);
    andon_status st = ANDON_OK;
    if (r->part == NULL || r->coarse == NULL || r->whole == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no memory to roll up a day");
    if (st == ANDON_OK) st = view_borrow(db, &r->view, err);
    if (st == ANDON_OK) st = prepare(r, err);
    if (st == ANDON_OK && (r->bytes = malloc(ROLLUP_BYTES_MAX)) == NULL)
        st = andon_fail(err, ANDON_ENOMEM, "no memory to roll up a day");
    if (st != ANDON_OK) roll_close(r);
    return st;
}

/* ---- the table ---- */

/* What is kept of a span; nothing where there is none, or damage: the day is rolled up from its rows. */
static andon_status load(struct roll *r, uint32_t channel, enum rollup_tier tier, int64_t span,
                         andon_error *err)
{
    andon_status st = ANDON_OK;
    r->whole->buckets = 0;
    sqlite3_bind_int64(r->get, 1, channel);
    sqlite3_bind_int(r->get, 2, (int)tier);
    sqlite3_bind_int64(r->get, 3, span);
    int code = sqlite3_step(r->get);
    if (code == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(r->get, 0);
        (void)rollup_get(bytes, (size_t)sqlite3_column_bytes(r->get, 0), tier, r->whole);
    } else if (code != SQLITE_DONE) st = sql_fail(r->db, "the store", err);
    sqlite3_reset(r->get);
    return st;
}

static andon_status save(struct roll *r, uint32_t channel, enum rollup_tier tier, int64_t span,
                         const struct rollup *what, andon_error *err)
{
    size_t size = rollup_put(what, tier, r->bytes);
    sqlite3_bind_int64(r->put, 1, channel);
    sqlite3_bind_int(r->put, 2, (int)tier);
    sqlite3_bind_int64(r->put, 3, span);
    sql_bind_blob(r->put, 4, r->bytes, size);
    return sql_do(r->db, r->put, err);
}

static andon_status drop(struct roll *r, uint32_t channel, enum rollup_tier tier, int64_t span,
                         andon_error *err)
{
    sqlite3_bind_int64(r->drop, 1, channel);
    sqlite3_bind_int(r->drop, 2, (int)tier);
    sqlite3_bind_int64(r->drop, 3, span);
    return sql_do(r->db, r->drop, err);
}

/* A day's buckets of one tier go into their span. */
static andon_status update(struct roll *r, uint32_t channel, enum rollup_tier tier, int64_t day_ns,
                           const struct rollup *part, enum roll_mode mode, andon_error *err)
{
    int64_t span = rollup_span(tier, day_ns);
    andon_status st = load(r, channel, tier, span, err);
    if (st != ANDON_OK) return st;
    bool fits = mode == ROLL_ADD
                    ? rollup_sum(r->whole, part)
                    : rollup_replace(r->whole, part, day_ns, day_ns + rollup_bucket_ns[ROLLUP_DAY]);
    if (!fits) return ANDON_OK; /* cannot be: a span has fewer buckets than there is room for */
    return save(r, channel, tier, span, r->whole, err);
}

static uint64_t values_of(const struct rollup *r)
{
    uint64_t values = 0;
    for (uint32_t i = 0; i < r->buckets; i++) values += r->piece[i].count;
    return values;
}

static andon_status put_channel(struct roll *r, uint32_t channel, int64_t day_ns,
                                const struct rollup *minutes, enum roll_mode mode, bool keep,
                                andon_error *err)
{
    int64_t span = rollup_span(ROLLUP_MINUTE, day_ns);
    andon_status st;
    if (mode == ROLL_ADD) st = update(r, channel, ROLLUP_MINUTE, day_ns, minutes, mode, err);
    else if (keep || values_of(minutes) >= (uint64_t)DENSE * minutes->buckets)
        st = save(r, channel, ROLLUP_MINUTE, span, minutes, err);
    else st = drop(r, channel, ROLLUP_MINUTE, span, err);
    for (int tier = ROLLUP_HOUR; tier <= ROLLUP_DAY && st == ANDON_OK; tier++) {
        rollup_coarser(minutes, (enum rollup_tier)tier, r->coarse);
        st = update(r, channel, (enum rollup_tier)tier, day_ns, r->coarse, mode, err);
    }
    return st;
}

/* ---- a day ---- */

/* Some channels of the asset, each with a part of its own. */
static andon_status roll_channels(struct roll *r, const uint32_t *channel, uint32_t count,
                                  int64_t day_ns, enum roll_mode mode, bool keep, andon_error *err)
{
    struct bucket_sum sum[ROLL_CHANNELS];
    struct rollup_collector collector[ROLL_CHANNELS];
    for (uint32_t i = 0; i < count; i++) {
        r->part[i].buckets = 0;
        collector[i] = (struct rollup_collector){&r->part[i], &sum[i]};
        sum[i] = (struct bucket_sum){.channel = channel[i], .each = rollup_collect,
                                     .bucket_ns = rollup_bucket_ns[ROLLUP_MINUTE],
                                     .context = &collector[i]};
    }
    andon_status st = bucket_walk(&r->scan, sum, count, err);
    for (uint32_t i = 0; i < count && st == ANDON_OK; i++) {
        bucket_finish(&sum[i]);
        if (r->part[i].buckets > 0)
            st = put_channel(r, channel[i], day_ns, &r->part[i], mode, keep, err);
    }
    return st;
}

static andon_status next_channels(struct roll *r, uint32_t asset, uint32_t behind, uint32_t *channel,
                                  uint32_t *count, andon_error *err)
{
    andon_status st = ANDON_OK;
    int code = SQLITE_DONE;
    *count = 0;
    sqlite3_bind_int64(r->channels, 1, asset);
    sqlite3_bind_int64(r->channels, 2, behind);
    sqlite3_bind_int(r->channels, 3, ROLL_CHANNELS);
    while (*count < ROLL_CHANNELS && (code = sqlite3_step(r->channels)) == SQLITE_ROW)
        channel[(*count)++] = (uint32_t)sqlite3_column_int64(r->channels, 0);
    if (code != SQLITE_ROW && code != SQLITE_DONE) st = sql_fail(r->db, "the store", err);
    sqlite3_reset(r->channels);
    return st;
}

andon_status roll_drop_chunk(struct roll *r, uint32_t asset, int64_t id, int64_t t_max, int64_t rows,
                             andon_error *err)
{
    sqlite3_bind_int64(r->drop_reach, 1, asset);
    sqlite3_bind_int64(r->drop_reach, 2, t_max);
    sqlite3_bind_int64(r->drop_reach, 3, id);
    sqlite3_bind_int64(r->drop_chunk, 1, id);
    sqlite3_bind_int64(r->lost, 1, rows);
    sqlite3_bind_int64(r->lost, 2, asset);
    andon_status st = sql_do(r->db, r->drop_reach, err);
    if (st == ANDON_OK) st = sql_do(r->db, r->drop_chunk, err);
    return st == ANDON_OK ? sql_do(r->db, r->lost, err) : st;
}

/* Late rows of the day, which stand in the rollups now. */
static andon_status drop_late(struct roll *r, uint32_t asset, int64_t day_ns, andon_error *err)
{
    andon_status st = ANDON_OK;
    for (bool more = true; more && st == ANDON_OK;) {
        sqlite3_bind_int64(r->late, 1, asset);
        sqlite3_bind_int64(r->late, 2, day_ns);
        sqlite3_bind_int64(r->late, 3, day_ns + rollup_bucket_ns[ROLLUP_DAY]);
        more = sqlite3_step(r->late) == SQLITE_ROW;
        int64_t id = sqlite3_column_int64(r->late, 0), rows = sqlite3_column_int64(r->late, 1);
        int64_t t_max = sqlite3_column_int64(r->late, 2);
        sqlite3_reset(r->late);
        if (more) st = roll_drop_chunk(r, asset, id, t_max, rows, err);
    }
    return st;
}

andon_status roll_day(struct roll *r, uint32_t asset, int64_t day, enum roll_mode mode, bool minutes,
                      andon_error *err)
{
    uint32_t channel[ROLL_CHANNELS], count = 0, last = 0;
    int64_t day_ns = day * rollup_bucket_ns[ROLLUP_DAY];
    r->scan.late_only = mode == ROLL_ADD;
    andon_status st =
        scan_find(&r->scan, r->view, asset, day_ns, day_ns + rollup_bucket_ns[ROLLUP_DAY], err);
    while (st == ANDON_OK) {
        st = next_channels(r, asset, last, channel, &count, err);
        if (st != ANDON_OK || count == 0) break;
        st = roll_channels(r, channel, count, day_ns, mode, minutes, err);
        last = channel[count - 1];
    }
    scan_rest(&r->scan);
    if (st == ANDON_OK && mode == ROLL_ADD) st = drop_late(r, asset, day_ns, err);
    if (st != ANDON_OK) return st;
    sqlite3_bind_int64(r->rolled, 1, asset);
    sqlite3_bind_int64(r->rolled, 2, day);
    return sql_do(r->db, r->rolled, err);
}
