/* reader_buckets. Days that were rolled up are read from the rollups where those cover whole buckets: of
 * days whose rows have been dropped because there is nothing else, of others because it is quicker.
 * Everything between goes through the rows. */
#include <stdlib.h>

#include "store/bucket.h"
#include "store/rollup.h"

#define DAY_NS (rollup_bucket_ns[ROLLUP_DAY])

struct view_rollups { /* room of a reader, taken when a day was rolled up that it asks for */
    struct rollup days, hours, minutes, part;
};

struct asking {
    struct reader *reader;
    struct scan *scan, *waiting;
    uint32_t asset;
    int64_t from_ns, to_ns;
    struct bucket_sum sum;
    struct view_rollups *room;
    int64_t holds[ROLLUP_TIERS]; /* which span each tier's room holds; INT64_MIN: none */
};

static andon_status add_raw(struct asking *a, int64_t from_ns, int64_t to_ns, bool late_only,
                            struct bucket_sum *sum, andon_error *err)
{
    if (from_ns >= to_ns) return ANDON_OK;
    a->scan->late_only = late_only;
    andon_status st = scan_find(a->scan, a->reader, a->asset, from_ns, to_ns, err);
    if (st == ANDON_OK) st = bucket_walk(a->scan, sum, 1, err);
    a->scan->late_only = false;
    return st;
}

/* ---- what was rolled up ---- */

static struct rollup *room_of(struct asking *a, enum rollup_tier tier)
{
    return tier == ROLLUP_DAY ? &a->room->days
           : tier == ROLLUP_HOUR ? &a->room->hours : &a->room->minutes;
}

/* The rollups of one span; empty when there are none. */
static andon_status load(struct asking *a, enum rollup_tier tier, int64_t span, andon_error *err)
{
    struct rollup *out = room_of(a, tier);
    sqlite3_stmt *sql = a->reader->sql[VIEW_ROLLUP];
    andon_status st = ANDON_OK;
    if (a->holds[tier] == span) return ANDON_OK;
    a->holds[tier] = span;
    out->buckets = 0;
    sqlite3_bind_int64(sql, 1, a->sum.channel);
    sqlite3_bind_int(sql, 2, (int)tier);
    sqlite3_bind_int64(sql, 3, span);
    int code = sqlite3_step(sql);
    if (code == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(sql, 0);
        if (!rollup_get(bytes, (size_t)sqlite3_column_bytes(sql, 0), tier, out))
            st = andon_fail(err, ANDON_EFORMAT, "the store is damaged: rollup %d of channel %u", tier,
                            a->sum.channel);
    } else if (code != SQLITE_DONE) st = sql_fail(a->reader->db, "the store", err);
    sqlite3_reset(sql);
    return st;
}

static bool make_room(struct asking *a)
{
    if (a->reader->rollups == NULL) a->reader->rollups = malloc(sizeof *a->reader->rollups);
    /* A query within this one takes room of its own. */
    a->room = a->reader->rollups;
    a->reader->rollups = NULL;
    for (int tier = 0; tier < ROLLUP_TIERS; tier++) a->holds[tier] = INT64_MIN;
    return a->room != NULL;
}

static void give_room(struct asking *a)
{
    if (a->reader->rollups == NULL) a->reader->rollups = a->room;
    else free(a->room);
}

/* The coarsest tier whose buckets lie within those that are asked for and within [from, to), and that is
 * kept of the day; NULL: none. */
static andon_status find_tier(struct asking *a, int64_t day_ns, int64_t from, int64_t to,
                              enum rollup_tier *tier, struct rollup **found, andon_error *err)
{
    andon_status st = ANDON_OK;
    *found = NULL;
    for (int t = ROLLUP_DAY; t >= ROLLUP_MINUTE && *found == NULL && st == ANDON_OK; t--) {
        struct rollup *room = room_of(a, (enum rollup_tier)t);
        int64_t ns = rollup_bucket_ns[t];
        if (a->sum.bucket_ns % ns != 0 || from % ns != 0 || to % ns != 0) continue;
        *tier = (enum rollup_tier)t;
        st = load(a, *tier, rollup_span(*tier, day_ns), err);
        for (uint32_t i = 0; i < room->buckets && *found == NULL; i++)
            if (room->start_ns[i] >= day_ns && room->start_ns[i] < day_ns + DAY_NS) *found = room;
    }
    return st;
}

static void add_rollup(struct asking *a, const struct rollup *r, int64_t from, int64_t to)
{
    for (uint32_t i = 0; i < r->buckets; i++)
        if (r->start_ns[i] >= from && r->start_ns[i] < to)
            bucket_add(&a->sum, bucket_start(a->sum.bucket_ns, r->start_ns[i]), &r->piece[i]);
}

/* Rows that came when their day had been dropped already are added to what was rolled up of it. */
static andon_status join_late(struct asking *a, enum rollup_tier tier, int64_t from, int64_t to,
                              struct rollup *found, andon_error *err)
{
    struct bucket_sum sum = {.channel = a->sum.channel, .bucket_ns = rollup_bucket_ns[tier],
                             .each = rollup_collect};
    struct rollup_collector collector = {.rollup = &a->room->part, .sum = &sum};
    sum.context = &collector;
    a->room->part.buckets = 0;
    andon_status st = add_raw(a, from, to, true, &sum, err);
    if (st != ANDON_OK) return st;
    bucket_finish(&sum);
    (void)rollup_sum(found, &a->room->part);
    /* It is no longer what the file holds. */
    if (tier != ROLLUP_DAY) a->holds[tier] = INT64_MIN;
    return ANDON_OK;
}

/* Whether rows of [from, to) wait. */
static andon_status waits(struct asking *a, int64_t from, int64_t to, bool *any, andon_error *err)
{
    andon_status st = ANDON_OK;
    if (a->waiting == NULL) {
        a->waiting = view_take_scan(a->reader);
        if (a->waiting == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory to read the store");
        st = scan_waiting(a->waiting, a->reader, a->asset, a->from_ns, a->to_ns, err);
    }
    *any = false;
    for (uint32_t i = a->waiting->hot_first; st == ANDON_OK && i < a->waiting->hot_end; i++)
        *any |= scan_hot_ns(a->waiting, i) >= from && scan_hot_ns(a->waiting, i) < to;
    return st;
}

/* ROLL_ANEW 0, ROLL_ADD 1, or -1: the day is not on the list. */
static andon_status listed(struct asking *a, int64_t day_ns, int *mode, andon_error *err)
{
    sqlite3_stmt *sql = a->reader->sql[VIEW_UNROLLED];
    andon_status st = ANDON_OK;
    sqlite3_bind_int64(sql, 1, a->asset);
    sqlite3_bind_int64(sql, 2, day_ns / DAY_NS);
    int code = sqlite3_step(sql);
    *mode = code == SQLITE_ROW ? sqlite3_column_int(sql, 0) : -1;
    if (code != SQLITE_ROW && code != SQLITE_DONE) st = sql_fail(a->reader->db, "the store", err);
    sqlite3_reset(sql);
    return st;
}

/* One day that was rolled up; *at is how far the rows have been added. A day of which there are still
 * rows is left to them when they say more. */
static andon_status add_day(struct asking *a, int64_t day_ns, int64_t *at, andon_error *err)
{
    int64_t from = day_ns > a->from_ns ? day_ns : a->from_ns, to = day_ns + DAY_NS;
    bool dropped = day_ns < a->reader->raw_floor_ns;
    enum rollup_tier tier = ROLLUP_DAY;
    struct rollup *found;
    bool waiting = false;
    int mode;
    if (to > a->to_ns) to = a->to_ns;
    andon_status st = listed(a, day_ns, &mode, err);
    if (st != ANDON_OK || mode == 0 || (!dropped && mode > 0)) return st;
    st = find_tier(a, day_ns, from, to, &tier, &found, err);
    if (st == ANDON_OK && found != NULL && !dropped) st = waits(a, from, to, &waiting, err);
    if (st != ANDON_OK || waiting || (found == NULL && !dropped)) return st;
    st = add_raw(a, *at, from, false, &a->sum, err);
    if (st == ANDON_OK && found != NULL && dropped) st = join_late(a, tier, from, to, found, err);
    if (st == ANDON_OK && found != NULL) add_rollup(a, found, from, to);
    *at = to;
    return st;
}

/* The spans of days that there are of the channel. */
static andon_status find_spans(struct asking *a, int64_t *first, int64_t *last, andon_error *err)
{
    sqlite3_stmt *sql = a->reader->sql[VIEW_SPANS];
    andon_status st = ANDON_OK;
    *first = 0;
    *last = -1;
    sqlite3_bind_int64(sql, 1, a->sum.channel);
    sqlite3_bind_int(sql, 2, ROLLUP_DAY);
    int code = sqlite3_step(sql);
    if (code == SQLITE_ROW && sqlite3_column_type(sql, 0) != SQLITE_NULL) {
        *first = sqlite3_column_int64(sql, 0);
        *last = sqlite3_column_int64(sql, 1);
    } else if (code != SQLITE_ROW) st = sql_fail(a->reader->db, "the store", err);
    sqlite3_reset(sql);
    int64_t low = rollup_span(ROLLUP_DAY, a->from_ns), high = rollup_span(ROLLUP_DAY, a->to_ns - 1);
    if (low > *first) *first = low;
    if (high < *last) *last = high;
    return st;
}

static andon_status add_days(struct asking *a, int64_t *at, andon_error *err)
{
    int64_t first, last;
    andon_status st = find_spans(a, &first, &last, err);
    if (st != ANDON_OK || first > last) return st;
    if (!make_room(a)) return andon_fail(err, ANDON_ENOMEM, "no memory for rollups");
    for (int64_t span = first; span <= last && st == ANDON_OK; span++) {
        st = load(a, ROLLUP_DAY, span, err);
        for (uint32_t i = 0; i < a->room->days.buckets && st == ANDON_OK && !a->sum.stopped; i++) {
            int64_t day_ns = a->room->days.start_ns[i];
            if (day_ns + DAY_NS > a->from_ns && day_ns < a->to_ns) st = add_day(a, day_ns, at, err);
        }
    }
    return st;
}

andon_status reader_buckets(struct reader *r, uint32_t asset, uint32_t channel, int64_t from_ns,
                            int64_t to_ns, int64_t bucket_ns,
                            bool (*each)(void *context, const struct reader_bucket *bucket),
                            void *context, andon_error *err)
{
    struct asking a = {.reader = r, .asset = asset, .from_ns = from_ns, .to_ns = to_ns,
                       .sum = {.channel = channel, .bucket_ns = bucket_ns, .each = each,
                               .context = context}};
    int64_t at = from_ns;
    if (bucket_ns < 1) return andon_fail(err, ANDON_EINVAL, "a bucket of %lld ns, expected 1 or more",
                                         (long long)bucket_ns);
    if (from_ns >= to_ns) return ANDON_OK;
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    a.scan = view_take_scan(r);
    if (a.scan == NULL) st = andon_fail(err, ANDON_ENOMEM, "no memory to read the store");
    if (st == ANDON_OK && bucket_ns % rollup_bucket_ns[ROLLUP_MINUTE] == 0)
        st = add_days(&a, &at, err);
    if (st == ANDON_OK && !a.sum.stopped) st = add_raw(&a, at, to_ns, false, &a.sum, err);
    if (st == ANDON_OK) bucket_finish(&a.sum);
    give_room(&a);
    view_give_scan(r, a.scan);
    view_give_scan(r, a.waiting);
    view_leave(r);
    return st;
}
