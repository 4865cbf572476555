/* Figures per bucket. A chunk that overlaps no other is added up column by column, without making rows
 * of it: where its values are decimals, their whole numbers are summed exactly and divided once. What
 * overlaps goes through the merge. */
#include <math.h>

#include "andon/model.h"
#include "store/scan.h"

struct buckets {
    struct scan scan;
    uint32_t channel;
    int64_t bucket_ns;
    struct reader_bucket now; /* count 0: none is open */
    double carry;             /* what the sum lost: Neumaier, ZAMM 1974 */
    uint8_t worst;            /* rank of the worst state so far         */
    bool stopped;
    bool (*each)(void *context, const struct reader_bucket *bucket);
    void *context;
};

/* Rank of a state: no verdict, normal, unknown, anomaly. */
static uint8_t rank_of(uint8_t state)
{
    static const uint8_t rank[3] = {[ANDON_NORMAL] = 1, [ANDON_UNKNOWN] = 2, [ANDON_ANOMALY] = 3};
    return state < sizeof rank ? rank[state] : 0;
}

static uint8_t state_of(uint8_t rank)
{
    static const uint8_t state[4] = {ANDON_UNKNOWN, ANDON_NORMAL, ANDON_UNKNOWN, ANDON_ANOMALY};
    return state[rank];
}

static int64_t start_of(const struct buckets *b, int64_t ts)
{
    int64_t rest = ts % b->bucket_ns, start;
    if (rest < 0) rest += b->bucket_ns;
    return __builtin_sub_overflow(ts, rest, &start) ? INT64_MIN : start;
}

static void finish(struct buckets *b)
{
    if (b->now.count == 0 || b->stopped) return;
    b->now.sum += b->carry;
    b->now.mean = b->now.sum / (double)b->now.count;
    b->now.worst_state = state_of(b->worst);
    b->stopped = !b->each(b->context, &b->now);
    b->now.count = 0;
}

struct piece { /* values of one bucket that follow each other */
    uint64_t count;
    double sum, min, max, last;
};

static void add(struct buckets *b, int64_t start, const struct piece *p, uint8_t worst)
{
    if (p->count == 0) return;
    if (b->now.count == 0 || b->now.start_ns != start) {
        finish(b);
        b->now = (struct reader_bucket){.start_ns = start, .min = p->min, .max = p->max};
        b->carry = 0.0;
        b->worst = 0;
    }
    double sum = b->now.sum + p->sum;
    b->carry += fabs(b->now.sum) >= fabs(p->sum) ? (b->now.sum - sum) + p->sum
                                                 : (p->sum - sum) + b->now.sum;
    b->now.sum = sum;
    b->now.count += p->count;
    if (p->min < b->now.min) b->now.min = p->min;
    if (p->max > b->now.max) b->now.max = p->max;
    b->now.last = p->last;
    if (worst > b->worst) b->worst = worst;
}

/* ---- by columns ---- */

struct strip { /* one column of a chunk: m values with their times */
    uint32_t m;
    bool whole;  /* x[] are whole numbers of 1 / power */
    double power;
    int64_t ts[RICE_MAX], x[RICE_MAX];
    double v[RICE_MAX];
    uint8_t rank[RICE_MAX];
    bool judged;
};

static struct piece piece_of_whole(const struct strip *t, uint32_t from, uint32_t to)
{
    int64_t min = t->x[from], max = min;
    uint64_t sum = 0;
    for (uint32_t i = from; i < to; i++) {
        sum += (uint64_t)t->x[i];
        min = t->x[i] < min ? t->x[i] : min;
        max = t->x[i] > max ? t->x[i] : max;
    }
    return (struct piece){to - from, (double)(int64_t)sum / t->power, (double)min / t->power,
                          (double)max / t->power, (double)t->x[to - 1] / t->power};
}

static struct piece piece_of(const struct strip *t, uint32_t from, uint32_t to)
{
    struct piece p = {0};
    if (t->whole) return piece_of_whole(t, from, to);
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

static uint8_t worst_of(const struct strip *t, uint32_t from, uint32_t to)
{
    uint8_t worst = 0;
    for (uint32_t i = from; t->judged && i < to; i++) worst = t->rank[i] > worst ? t->rank[i] : worst;
    return worst;
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
    if (!chunk_times(chunk, t->ts, RICE_MAX) || !number_column_get(&in, t->m, &form, t->x))
        return false;
    if (t->judged) {
        if (!chunk_states(chunk, t->rank)) return false;
        for (uint32_t r = 0; r < chunk->rows; r++) t->rank[r] = rank_of(t->rank[r]);
    }
    t->whole = form.form == NUMBER_DECIMAL && form.odd == 0;
    t->power = t->whole ? number_column_power[form.shift] : 1.0;
    if (!t->whole) number_column_values(&form, t->x, t->m, t->v);
    if (!c->all) close_up(t, c, chunk->rows);
    return true;
}

static void add_strip(struct buckets *b, const struct strip *t)
{
    uint32_t at = 0;
    while (at < t->m && t->ts[at] < b->scan.from_ns) at++;
    while (at < t->m && t->ts[at] < b->scan.to_ns && !b->stopped) {
        int64_t start = start_of(b, t->ts[at]), end;
        if (__builtin_add_overflow(start, b->bucket_ns, &end) || end > b->scan.to_ns)
            end = b->scan.to_ns;
        uint32_t to = at + 1;
        while (to < t->m && t->ts[to] < end) to++;
        struct piece p = piece_of(t, at, to);
        add(b, start, &p, worst_of(t, at, to));
        at = to;
    }
}

/* A chunk that stands alone. *done false: it needs the merge. */
static andon_status add_chunk(struct buckets *b, uint32_t item, bool *done, andon_error *err)
{
    struct chunk chunk;
    struct chunk_column number, flag;
    struct strip strip;
    andon_status st = scan_chunk(&b->scan, item, &chunk, err);
    *done = st == ANDON_OK && !chunk.repeats;
    if (st != ANDON_OK || chunk.repeats) return st;
    bool has_number = chunk_find(&chunk, b->channel, STORE_NUMBER, &number);
    bool has_flag = chunk_find(&chunk, b->channel, STORE_FLAG, &flag);
    if (has_number && has_flag) *done = false;
    if (!*done || (!has_number && !has_flag)) return ANDON_OK;
    if (!read_strip(&chunk, has_number ? &number : &flag, &strip))
        return andon_fail(err, ANDON_EFORMAT, "the store is damaged: chunk %lld",
                          (long long)b->scan.item[item].id);
    add_strip(b, &strip);
    return ANDON_OK;
}

/* ---- by rows ---- */

static void add_row(struct buckets *b, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        if (f->channel != b->channel || f->kind == STORE_TEXT || isnan(f->number)) continue;
        struct piece p = {1, f->number, f->number, f->number, f->number};
        add(b, start_of(b, row->ts_ns), &p, row->judged ? rank_of(row->verdict.state) : 0);
    }
}

static andon_status add_merged(struct buckets *b, uint32_t first, uint32_t end, uint32_t hot_from,
                               uint32_t hot_to, andon_error *err)
{
    struct store_row row;
    bool more = first < end || hot_from < hot_to;
    andon_status st = ANDON_OK;
    scan_only(&b->scan, first, end, hot_from, hot_to);
    while (st == ANDON_OK && more && !b->stopped) {
        st = scan_next(&b->scan, &row, &more, err);
        if (st == ANDON_OK && more) add_row(b, &row);
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

static andon_status add_all(struct buckets *b, andon_error *err)
{
    struct scan *s = &b->scan;
    uint32_t hot = s->hot_first;
    andon_status st = ANDON_OK;
    for (uint32_t at = 0, end; at < s->items && st == ANDON_OK && !b->stopped; at = end) {
        int64_t latest;
        bool done = false;
        end = overlap_end(s, at, &latest);
        uint32_t before = hot_before(s, hot, s->item[at].t_min);
        uint32_t within = latest < INT64_MAX ? hot_before(s, before, latest + 1) : s->hot_end;
        if (hot < before) st = add_merged(b, 0, 0, hot, before, err);
        if (st == ANDON_OK && end == at + 1 && before == within) st = add_chunk(b, at, &done, err);
        if (st == ANDON_OK && !done) st = add_merged(b, at, end, before, within, err);
        hot = within;
    }
    if (st == ANDON_OK && !b->stopped) st = add_merged(b, 0, 0, hot, s->hot_end, err);
    if (st == ANDON_OK) finish(b);
    return st;
}

andon_status reader_buckets(struct reader *r, uint32_t asset, uint32_t channel, int64_t from_ns,
                            int64_t to_ns, int64_t bucket_ns,
                            bool (*each)(void *context, const struct reader_bucket *bucket),
                            void *context, andon_error *err)
{
    struct buckets b = {.channel = channel, .bucket_ns = bucket_ns, .each = each,
                        .context = context};
    if (bucket_ns < 1) return andon_fail(err, ANDON_EINVAL, "a bucket of %lld ns, expected 1 or more",
                                         (long long)bucket_ns);
    andon_status st = view_enter(r, err);
    if (st != ANDON_OK) return st;
    st = scan_find(&b.scan, r, asset, from_ns, to_ns, err);
    if (st == ANDON_OK) st = add_all(&b, err);
    scan_close(&b.scan);
    view_leave(r);
    return st;
}
