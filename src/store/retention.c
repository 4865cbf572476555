/* What is kept how long. Every turn does a little: a day that is over is rolled up; once a day, a sweep
 * goes over all assets and drops chunks whose rows are older than the raw tier keeps, whole, after
 * their days were rolled up, and rollups that are older than their tier keeps.
 *
 * Invariants: 1. raw_floor_ns is the beginning of a day and only grows; rows before it may be gone.
 * 2. Of a day before it that is not on the list `unrolled`, the rollups hold everything, but for rows that
 * came since: those stand in late chunks, with the day on the list in mode ROLL_ADD. 3. A chunk is
 * dropped only when none of its days is on the list in mode ROLL_ANEW. */
#include "store/inside.h"

#define LOOK_NS (INT64_C(1) * 1000000000)   /* between two looks at the list when nothing was due */
#define QUIET_NS (INT64_C(600) * 1000000000) /* no row of the day has come for so long */
enum { LOOK_DAYS = 64, SWEEP_ASSETS = 64, SWEEP_CHUNKS = 64 };

struct listed {
    int64_t asset, day;
    int mode;
    bool due;
};

static int64_t day_of(int64_t ns)
{
    return ns / INSIDE_DAY_NS - (ns % INSIDE_DAY_NS < 0);
}

/* ---- rolling up ---- */

/* The next day on the list, from where the last look ended, that is due among LOOK_DAYS. */
static andon_status look(struct store *s, int64_t now_ns, struct listed *found, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_UNROLLED_NEXT];
    andon_status st = ANDON_OK;
    int code = SQLITE_ROW, looked = 0;
    found->due = false;
    sqlite3_bind_int64(sql, 1, s->roll_asset);
    sqlite3_bind_int64(sql, 2, s->roll_day);
    sqlite3_bind_int(sql, 3, LOOK_DAYS);
    while (!found->due && (code = sqlite3_step(sql)) == SQLITE_ROW) {
        int64_t since_ns = sqlite3_column_int64(sql, 3), quiet;
        *found = (struct listed){.asset = sqlite3_column_int64(sql, 0),
                                 .day = sqlite3_column_int64(sql, 1),
                                 .mode = sqlite3_column_int(sql, 2)};
        found->due = found->day < day_of(now_ns) &&
                     (__builtin_sub_overflow(now_ns, since_ns, &quiet) || quiet >= QUIET_NS);
        s->roll_asset = found->asset;
        s->roll_day = found->day;
        looked++;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) st = sql_fail(s->db, "the store", err);
    sqlite3_reset(sql);
    if (looked < LOOK_DAYS && !found->due) s->roll_asset = s->roll_day = 0; /* from the start again */
    return st;
}

static andon_status roll_one(struct store *s, int64_t now_ns, andon_error *err)
{
    struct listed found;
    int64_t since;
    if (!__builtin_sub_overflow(now_ns, s->looked_ns, &since) && since >= 0 && since < LOOK_NS)
        return ANDON_OK;
    andon_status st = look(s, now_ns, &found, err);
    if (st != ANDON_OK) return st;
    if (!found.due) {
        s->looked_ns = now_ns;
        return ANDON_OK;
    }
    st = roll_open(&s->roll, s->db, err);
    if (st != ANDON_OK) return st;
    if (s->options.keep_raw_ns == 0) s->turn.full_minutes = false;
    return roll_day(&s->roll, (uint32_t)found.asset, found.day, (enum roll_mode)found.mode,
                    s->options.keep_raw_ns != 0, err);
}

/* Rows are to be dropped from now on, and days have been rolled up without their minutes: those that
 * still have rows go on the list again. */
static andon_status ask_for_minutes(struct store *s, andon_error *err)
{
    if (s->options.keep_raw_ns == 0 || s->turn.full_minutes) return ANDON_OK;
    s->turn.full_minutes = true;
    return sql_run(s->db,
                   "INSERT OR IGNORE INTO unrolled WITH RECURSIVE d(asset, day, last) AS"
                   " (SELECT asset, t_min / 86400000000000, t_max / 86400000000000 FROM reach"
                   " UNION SELECT asset, day + 1, last FROM d WHERE day < last)"
                   " SELECT asset, day, 0, 0 FROM d", err);
}

/* ---- dropping ---- */

/* The beginning of the oldest day that is kept. */
static int64_t floor_of(int64_t now_ns, int64_t keep_ns)
{
    int64_t oldest;
    if (keep_ns == 0 || __builtin_sub_overflow(now_ns, keep_ns, &oldest)) return INT64_MIN;
    return day_of(oldest) * INSIDE_DAY_NS;
}

struct oldest { /* an asset's chunk that ends first */
    int64_t id, t_min, t_max, rows;
};

/* A day of the chunk that is on the list; *mode -1: there is none. */
static andon_status unready(struct store *s, uint32_t asset, const struct oldest *o, int64_t *day,
                            int *mode, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_UNREADY];
    andon_status st = ANDON_OK;
    sqlite3_bind_int64(sql, 1, asset);
    sqlite3_bind_int64(sql, 2, day_of(o->t_min));
    sqlite3_bind_int64(sql, 3, day_of(o->t_max));
    int code = sqlite3_step(sql);
    *mode = code == SQLITE_ROW ? sqlite3_column_int(sql, 1) : -1;
    *day = sqlite3_column_int64(sql, 0);
    if (code != SQLITE_ROW && code != SQLITE_DONE) st = sql_fail(s->db, "the store", err);
    sqlite3_reset(sql);
    return st;
}

/* What the asset's oldest chunk makes the beginning of its rows. */
static andon_status set_first(struct store *s, uint32_t asset, andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_OLDEST];
    struct inside_asset *a = &s->asset[asset];
    sqlite3_bind_int64(sql, 1, asset);
    int code = sqlite3_step(sql);
    a->first_ns = code == SQLITE_ROW ? sqlite3_column_int64(sql, 1) : INT64_MAX;
    if (code == SQLITE_DONE) a->last_ns = INT64_MIN;
    andon_status st = code == SQLITE_ROW || code == SQLITE_DONE ? ANDON_OK
                                                                : sql_fail(s->db, "the store", err);
    sqlite3_reset(sql);
    if (st != ANDON_OK) return st;
    sqlite3_bind_int64(s->sql[SQL_ASSET_FIRST], 1, a->first_ns);
    sqlite3_bind_int64(s->sql[SQL_ASSET_FIRST], 2, a->last_ns);
    sqlite3_bind_int64(s->sql[SQL_ASSET_FIRST], 3, a->open_chunk);
    sqlite3_bind_int64(s->sql[SQL_ASSET_FIRST], 4, a->open_rows);
    sqlite3_bind_int64(s->sql[SQL_ASSET_FIRST], 5, asset);
    return sql_do(s->db, s->sql[SQL_ASSET_FIRST], err);
}

static andon_status oldest_of(struct store *s, uint32_t asset, struct oldest *o, bool *found,
                              andon_error *err)
{
    sqlite3_stmt *sql = s->sql[SQL_OLDEST];
    andon_status st = ANDON_OK;
    sqlite3_bind_int64(sql, 1, asset);
    int code = sqlite3_step(sql);
    *found = code == SQLITE_ROW;
    if (*found)
        *o = (struct oldest){.id = sqlite3_column_int64(sql, 0),
                             .t_min = sqlite3_column_int64(sql, 1),
                             .t_max = sqlite3_column_int64(sql, 2),
                             .rows = sqlite3_column_int64(sql, 3)};
    else if (code != SQLITE_DONE) st = sql_fail(s->db, "the store", err);
    sqlite3_reset(sql);
    return st;
}

/* Drops chunks of the asset that end before the floor, oldest first, at most *left of them; a day that
 * has to be rolled up first takes the rest of what may be done. *done: no more of them. */
static andon_status drop_chunks(struct store *s, uint32_t asset, int *left, bool *done,
                                andon_error *err)
{
    andon_status st = ANDON_OK;
    bool any = false;
    *done = false;
    while (st == ANDON_OK && !*done && *left > 0) {
        struct oldest o;
        int64_t day;
        int mode;
        bool found;
        st = oldest_of(s, asset, &o, &found, err);
        *done = st == ANDON_OK && (!found || o.t_max >= s->turn.raw_floor_ns);
        if (st != ANDON_OK || *done) break;
        st = unready(s, asset, &o, &day, &mode, err);
        if (st != ANDON_OK) break;
        if (mode >= 0) {
            st = roll_day(&s->roll, asset, day, (enum roll_mode)mode, true, err);
            *left = 0;
            break;
        }
        st = roll_drop_chunk(&s->roll, asset, o.id, o.t_max, o.rows, err);
        if (o.id == s->asset[asset].open_chunk) /* its number may come again */
            s->asset[asset].open_chunk = s->asset[asset].open_rows = 0;
        any = true;
        --*left;
    }
    return st == ANDON_OK && any ? set_first(s, asset, err) : st;
}

static andon_status drop_rollups(struct store *s, uint32_t asset, int64_t now_ns, andon_error *err)
{
    int64_t keep[ROLLUP_TIERS] = {s->options.keep_minute_ns, s->options.keep_hour_ns,
                                  s->options.keep_day_ns};
    /* The others are found through the days. */
    for (int tier = 0; tier < ROLLUP_DAY && keep[ROLLUP_DAY] != 0; tier++)
        if (keep[tier] == 0 || keep[tier] > keep[ROLLUP_DAY]) keep[ROLLUP_DAY] = keep[tier];
    andon_status st = ANDON_OK;
    for (int tier = 0; tier < ROLLUP_TIERS && st == ANDON_OK; tier++) {
        int64_t floor = floor_of(now_ns, keep[tier]);
        if (floor == INT64_MIN) continue;
        sqlite3_bind_int(s->sql[SQL_ROLLUP_DROP], 1, tier);
        sqlite3_bind_int64(s->sql[SQL_ROLLUP_DROP], 2, rollup_span((enum rollup_tier)tier, floor));
        sqlite3_bind_int64(s->sql[SQL_ROLLUP_DROP], 3, asset);
        st = sql_do(s->db, s->sql[SQL_ROLLUP_DROP], err);
    }
    return st;
}

/* A part of the day's sweep. */
static andon_status sweep(struct store *s, int64_t now_ns, andon_error *err)
{
    int left = SWEEP_CHUNKS;
    andon_status st = roll_open(&s->roll, s->db, err);
    for (int i = 0; i < SWEEP_ASSETS && left > 0 && s->sweep_asset != 0 && st == ANDON_OK; i++) {
        bool done = true;
        if (s->options.keep_raw_ns != 0) st = drop_chunks(s, s->sweep_asset, &left, &done, err);
        if (st != ANDON_OK || !done) break;
        st = drop_rollups(s, s->sweep_asset, now_ns, err);
        s->sweep_asset = s->sweep_asset < s->tail.assets ? s->sweep_asset + 1 : 0;
    }
    return st;
}

static void begin_sweep(struct store *s, int64_t now_ns)
{
    const struct store_options *o = &s->options;
    bool any = o->keep_raw_ns != 0 || o->keep_minute_ns != 0 || o->keep_hour_ns != 0 ||
               o->keep_day_ns != 0;
    if (!any || s->sweep_day >= day_of(now_ns) || s->tail.assets == 0) return;
    int64_t floor = floor_of(now_ns, o->keep_raw_ns);
    s->sweep_day = day_of(now_ns);
    s->sweep_asset = 1;
    if (floor > s->turn.raw_floor_ns) s->turn.raw_floor_ns = floor;
}

andon_status inside_retain(struct store *s, int64_t now_ns, andon_error *err)
{
    andon_status st = ask_for_minutes(s, err);
    if (st == ANDON_OK) st = roll_one(s, now_ns, err);
    if (st == ANDON_OK) begin_sweep(s, now_ns);
    return st == ANDON_OK && s->sweep_asset != 0 ? sweep(s, now_ns, err) : st;
}
