/* See bucket.h. */
#include "store/bucket.h"

#include <math.h>

#include "andon/model.h"

uint8_t bucket_rank(uint8_t state)
{
    static const uint8_t rank[3] = {[ANDON_NORMAL] = 1, [ANDON_UNKNOWN] = 2, [ANDON_ANOMALY] = 3};
    return state < sizeof rank ? rank[state] : 0;
}

uint8_t bucket_state(uint8_t rank)
{
    static const uint8_t state[4] = {ANDON_UNKNOWN, ANDON_NORMAL, ANDON_UNKNOWN, ANDON_ANOMALY};
    return state[rank & 3u];
}

int64_t bucket_start(int64_t bucket_ns, int64_t ts)
{
    int64_t rest = ts % bucket_ns, start;
    if (rest < 0) rest += bucket_ns;
    return __builtin_sub_overflow(ts, rest, &start) ? INT64_MIN : start;
}

void bucket_finish(struct bucket_sum *s)
{
    if (s->now.count == 0 || s->stopped) return;
    s->now.sum += s->carry;
    s->now.mean = s->now.sum / (double)s->now.count;
    s->now.worst_state = bucket_state(s->rank);
    s->stopped = !s->each(s->context, &s->now);
    s->now.count = 0;
}

void bucket_add(struct bucket_sum *s, int64_t start, const struct bucket_piece *p)
{
    if (p->count == 0) return;
    if (s->now.count == 0 || s->now.start_ns != start) {
        bucket_finish(s);
        s->now = (struct reader_bucket){.start_ns = start, .min = p->min, .max = p->max};
        s->carry = 0.0;
        s->rank = 0;
    }
    double sum = s->now.sum + p->sum;
    s->carry += fabs(s->now.sum) >= fabs(p->sum) ? (s->now.sum - sum) + p->sum
                                                 : (p->sum - sum) + s->now.sum;
    s->now.sum = sum;
    s->now.count += p->count;
    if (p->min < s->now.min) s->now.min = p->min;
    if (p->max > s->now.max) s->now.max = p->max;
    s->now.last = p->last;
    if (p->rank > s->rank) s->rank = p->rank;
}

/* ---- by columns ---- */

struct strip { /* one column of a chunk: m values with their times */
    uint32_t m;
    int64_t step_ns; /* > 0: times are ts[0] + i step_ns, and only ts[0] is there */
    bool whole;      /* x[] are whole numbers of 1 / power, else v[] are the values */
    bool judged;
    double power;
    int64_t ts[RICE_MAX], x[RICE_MAX];
    double v[RICE_MAX];
    uint8_t rank[RICE_MAX];
};

static struct bucket_piece piece_of_whole(const struct strip *t, uint32_t from, uint32_t to)
{
    int64_t min = t->x[from], max = min;
    uint64_t sum = 0;
    for (uint32_t i = from; i < to; i++) {
        sum += (uint64_t)t->x[i];
        min = t->x[i] < min ? t->x[i] : min;
        max = t->x[i] > max ? t->x[i] : max;
    }
    return (struct bucket_piece){.count = to - from, .sum = (double)(int64_t)sum / t->power,
                                 .min = (double)min / t->power, .max = (double)max / t->power,
                                 .last = (double)t->x[to - 1] / t->power};
}

static struct bucket_piece piece_of_doubles(const struct strip *t, uint32_t from, uint32_t to)
{
    struct bucket_piece p = {0};
    for (uint32_t i = from; i < to; i++) {
        double v = t->v[i];
        if (isnan(v)) continue;
        if (p.count == 0 || v < p.min) p.min = v;
        if (p.count == 0 || v > p.max) p.max = v;
        p.sum += v;
        p.last = v;
        p.count++;
    }
    return p;
}

static struct bucket_piece piece_of(const struct strip *t, uint32_t from, uint32_t to)
{
    struct bucket_piece p =
        t->whole ? piece_of_whole(t, from, to) : piece_of_doubles(t, from, to);
    for (uint32_t i = from; t->judged && i < to; i++)
        p.rank = t->rank[i] > p.rank ? t->rank[i] : p.rank;
    return p;
}

/* Times and ranks only of the rows that have a value. */
static void close_up(struct strip *t, const struct chunk_column *c, uint32_t rows)
{
    uint32_t m = 0;
    for (uint32_t r = 0; r < rows; r++) {
        if ((c->present[r / 64] >> (r % 64) & 1u) == 0) continue;
        t->ts[m] = t->ts[r];
        t->rank[m++] = t->rank[r];
    }
}

/* False: damaged. */
static bool read_strip(const struct chunk *chunk, const struct chunk_column *c, struct strip *t)
{
    struct number_column form;
    struct wire in = c->body;
    t->m = c->count;
    t->judged = chunk->judged;
    if (!c->all || !chunk_steps(chunk, &t->ts[0], &t->step_ns)) {
        t->step_ns = 0;
        if (!chunk_times(chunk, t->ts, RICE_MAX)) return false;
    }
    if (!number_column_get(&in, t->m, &form, t->x)) return false;
    if (t->judged) {
        if (!chunk_states(chunk, t->rank)) return false;
        for (uint32_t r = 0; r < chunk->rows; r++) t->rank[r] = bucket_rank(t->rank[r]);
    }
    t->whole = form.form == NUMBER_DECIMAL && form.odd == 0;
    t->power = t->whole ? number_column_power[form.shift] : 1.0;
    if (!t->whole) number_column_values(&form, t->x, t->m, t->v);
    if (!c->all) close_up(t, c, chunk->rows);
    return true;
}

/* The first value, from `at` on, whose time is not before ns. */
static uint32_t not_before(const struct strip *t, uint32_t at, int64_t ns)
{
    if (t->step_ns > 0) {
        int64_t ahead;
        if (ns <= t->ts[0]) return at;
        if (__builtin_sub_overflow(ns, t->ts[0], &ahead)) return t->m;
        int64_t to = ahead / t->step_ns + (ahead % t->step_ns != 0);
        if (to < (int64_t)at) return at;
        return to < (int64_t)t->m ? (uint32_t)to : t->m;
    }
    while (at < t->m && t->ts[at] < ns) at++;
    return at;
}

static void add_strip(struct bucket_sum *s, const struct scan *scan, const struct strip *t)
{
    uint32_t at = not_before(t, 0, scan->from_ns), last = not_before(t, at, scan->to_ns);
    while (at < last && !s->stopped) {
        int64_t ts = t->step_ns > 0 ? t->ts[0] + at * t->step_ns : t->ts[at];
        int64_t start = bucket_start(s->bucket_ns, ts), end;
        uint32_t to = last;
        if (!__builtin_add_overflow(start, s->bucket_ns, &end)) to = not_before(t, at + 1, end);
        if (to > last) to = last;
        struct bucket_piece p = piece_of(t, at, to);
        bucket_add(s, start, &p);
        at = to;
    }
}

static struct bucket_sum *sum_of(struct bucket_sum *sum, uint32_t sums, uint32_t channel)
{
    uint32_t low = 0, high = sums;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sum[middle].channel < channel) low = middle + 1;
        else high = middle;
    }
    return low < sums && sum[low].channel == channel ? &sum[low] : NULL;
}

enum { COLUMNS_MAX = 16 };

/* The chunk's columns of the channels that are asked for. UINT32_MAX: more than COLUMNS_MAX, or a channel
 * that said numbers and flags, whose columns have to be merged. */
static uint32_t find_columns(const struct chunk *chunk, const struct bucket_sum *sum, uint32_t sums,
                             struct chunk_head *found)
{
    struct chunk_heads heads = {0};
    struct chunk_head head;
    uint32_t count = 0;
    while (chunk_next_head(chunk, &heads, &head) && head.channel <= sum[sums - 1].channel) {
        if (head.kind == STORE_TEXT || head.bytes == 0) continue;
        if (sums > 1 ? sum_of((struct bucket_sum *)sum, sums, head.channel) == NULL
                     : head.channel != sum[0].channel)
            continue;
        if (count == COLUMNS_MAX || (count > 0 && found[count - 1].channel == head.channel))
            return UINT32_MAX;
        found[count++] = head;
    }
    return count;
}

/* A chunk that stands alone. *done false: it needs the merge. */
static andon_status add_chunk(struct scan *scan, struct bucket_sum *sum, uint32_t sums,
                              uint32_t item, bool *done, andon_error *err)
{
    struct chunk chunk;
    struct strip strip;
    struct chunk_column column;
    struct chunk_head found[COLUMNS_MAX];
    andon_status st = scan_chunk(scan, item, &chunk, err);
    if (st != ANDON_OK) return st;
    uint32_t count = chunk.repeats ? UINT32_MAX : find_columns(&chunk, sum, sums, found);
    *done = count != UINT32_MAX;
    for (uint32_t i = 0; *done && i < count; i++) {
        if (!chunk_column(&chunk, &found[i], &column) || !read_strip(&chunk, &column, &strip))
            return andon_fail(err, ANDON_EFORMAT, "the store is damaged: chunk %lld",
                              (long long)scan->item[item].id);
        add_strip(sum_of(sum, sums, found[i].channel), scan, &strip);
    }
    return ANDON_OK;
}

/* ---- by rows ---- */

static void add_row(struct bucket_sum *sum, uint32_t sums, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        if (f->kind == STORE_TEXT || isnan(f->number)) continue;
        struct bucket_sum *s = sum_of(sum, sums, f->channel);
        struct bucket_piece p = {.count = 1, .sum = f->number, .min = f->number, .max = f->number,
                                 .last = f->number,
                                 .rank = row->judged ? bucket_rank(row->verdict.state) : 0};
        if (s != NULL) bucket_add(s, bucket_start(s->bucket_ns, row->ts_ns), &p);
    }
}

static bool all_stopped(const struct bucket_sum *sum, uint32_t sums)
{
    for (uint32_t i = 0; i < sums; i++)
        if (!sum[i].stopped) return false;
    return true;
}

struct range { /* waiting rows hot.order[from .. to) */
    uint32_t from, to;
};

static andon_status add_merged(struct scan *scan, struct bucket_sum *sum, uint32_t sums,
                               uint32_t first, uint32_t end, struct range hot, andon_error *err)
{
    struct store_row row;
    bool more = first < end || hot.from < hot.to;
    andon_status st = ANDON_OK;
    scan_only(scan, first, end, hot.from, hot.to);
    while (st == ANDON_OK && more && !all_stopped(sum, sums)) {
        st = scan_next(scan, &row, &more, err);
        if (st == ANDON_OK && more) add_row(sum, sums, &row);
    }
    return st;
}

/* Items from `first` on that overlap; *latest becomes the end of their times. */
static uint32_t overlap_end(const struct scan *s, uint32_t first, int64_t *latest)
{
    uint32_t end = first + 1;
    *latest = s->item[first].t_max;
    for (; end < s->items && s->item[end].t_min <= *latest; end++)
        if (s->item[end].t_max > *latest) *latest = s->item[end].t_max;
    return end;
}

/* The first waiting row, from `at` on, that is not before ns. */
static uint32_t hot_before(const struct scan *s, uint32_t at, int64_t ns)
{
    while (at < s->hot_end && scan_hot_ns(s, at) < ns) at++;
    return at;
}

andon_status bucket_walk(struct scan *scan, struct bucket_sum *sum, uint32_t sums, andon_error *err)
{
    uint32_t hot = scan->hot_first;
    andon_status st = ANDON_OK;
    for (uint32_t at = 0, end; at < scan->items && st == ANDON_OK && !all_stopped(sum, sums);
         at = end) {
        int64_t latest;
        bool done = false;
        end = overlap_end(scan, at, &latest);
        struct range earlier = {hot, hot_before(scan, hot, scan->item[at].t_min)};
        struct range within = {earlier.to, latest < INT64_MAX
                                               ? hot_before(scan, earlier.to, latest + 1)
                                               : scan->hot_end};
        if (earlier.from < earlier.to) st = add_merged(scan, sum, sums, 0, 0, earlier, err);
        if (st == ANDON_OK && end == at + 1 && within.from == within.to)
            st = add_chunk(scan, sum, sums, at, &done, err);
        if (st == ANDON_OK && !done) st = add_merged(scan, sum, sums, at, end, within, err);
        hot = within.to;
    }
    if (st != ANDON_OK || all_stopped(sum, sums)) return st;
    return add_merged(scan, sum, sums, 0, 0, (struct range){hot, scan->hot_end}, err);
}
