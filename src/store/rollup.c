/* See rollup.h. */
#include "store/rollup.h"

#include <math.h>

#define DAY_NS (INT64_C(86400) * 1000000000)
enum { VERSION = 1, NUMBERS = 4 };

const int64_t rollup_bucket_ns[ROLLUP_TIERS] = {INT64_C(60000000000), INT64_C(3600000000000), DAY_NS};
const int64_t rollup_span_ns[ROLLUP_TIERS] = {DAY_NS, 30 * DAY_NS, 365 * DAY_NS};

int64_t rollup_span(enum rollup_tier tier, int64_t ts)
{
    int64_t span = ts / rollup_span_ns[tier];
    return ts % rollup_span_ns[tier] < 0 ? span - 1 : span;
}

static double number_of(const struct bucket_piece *p, int which)
{
    switch (which) {
    case 0: return p->sum;
    case 1: return p->min;
    case 2: return p->max;
    default: return p->last;
    }
}

size_t rollup_put(const struct rollup *r, enum rollup_tier tier, uint8_t *out)
{
    int64_t x[ROLLUP_BUCKETS_MAX];
    double v[ROLLUP_BUCKETS_MAX];
    uint8_t *at = out;
    x[0] = 0;
    *at++ = VERSION;
    at = wire_put_varint(at, r->buckets);
    for (uint32_t i = 0; i < r->buckets; i++) x[i] = r->start_ns[i] / rollup_bucket_ns[tier];
    at = rice_put(at, x, r->buckets);
    for (uint32_t i = 0; i < r->buckets; i++) x[i] = (int64_t)r->piece[i].count;
    at = rice_put(at, x, r->buckets);
    for (uint32_t i = 0; i < r->buckets; i++) x[i] = r->piece[i].rank;
    at = rice_put(at, x, r->buckets);
    for (int which = 0; which < NUMBERS; which++) {
        for (uint32_t i = 0; i < r->buckets; i++) v[i] = number_of(&r->piece[i], which);
        at = number_column_put(at, v, r->buckets);
    }
    at = wire_put_u32(at, wire_check(out, (size_t)(at - out)));
    return (size_t)(at - out);
}

static bool get_numbers(struct wire *in, struct rollup *r)
{
    int64_t x[ROLLUP_BUCKETS_MAX];
    double v[ROLLUP_BUCKETS_MAX];
    for (int which = 0; which < NUMBERS; which++) {
        struct number_column c;
        if (!number_column_get(in, r->buckets, &c, x)) return false;
        if (r->buckets > 0) number_column_values(&c, x, r->buckets, v);
        for (uint32_t i = 0; i < r->buckets; i++) {
            struct bucket_piece *p = &r->piece[i];
            *(which == 0 ? &p->sum : which == 1 ? &p->min : which == 2 ? &p->max : &p->last) = v[i];
        }
    }
    return true;
}

bool rollup_get(const void *bytes, size_t size, enum rollup_tier tier, struct rollup *r)
{
    int64_t x[ROLLUP_BUCKETS_MAX];
    r->buckets = 0;
    if (size < 6) return false;
    struct wire in = {.at = bytes, .end = (const uint8_t *)bytes + size - 4};
    struct wire check = {.at = in.end, .end = in.end + 4};
    if (wire_u32(&check) != wire_check(bytes, size - 4) || wire_u8(&in) != VERSION) return false;
    uint32_t n = wire_count(&in, ROLLUP_BUCKETS_MAX);
    if (in.bad || !rice_get(&in, x, n)) return false;
    for (uint32_t i = 0; i < n; i++) {
        if (__builtin_mul_overflow(x[i], rollup_bucket_ns[tier], &r->start_ns[i]) ||
            (i > 0 && r->start_ns[i] <= r->start_ns[i - 1]))
            return false;
    }
    if (!rice_get(&in, x, n)) return false;
    for (uint32_t i = 0; i < n; i++) {
        if (x[i] < 1) return false;
        r->piece[i] = (struct bucket_piece){.count = (uint64_t)x[i]};
    }
    if (!rice_get(&in, x, n)) return false;
    for (uint32_t i = 0; i < n; i++) r->piece[i].rank = (uint8_t)(x[i] & 3);
    r->buckets = n;
    if (get_numbers(&in, r)) return true;
    r->buckets = 0;
    return false;
}

static uint32_t first_from(const struct rollup *r, int64_t ns)
{
    uint32_t at = 0;
    while (at < r->buckets && r->start_ns[at] < ns) at++;
    return at;
}

bool rollup_replace(struct rollup *r, const struct rollup *part, int64_t from_ns, int64_t to_ns)
{
    uint32_t from = first_from(r, from_ns), to = first_from(r, to_ns), rest = r->buckets - to;
    if (from + part->buckets + rest > ROLLUP_BUCKETS_MAX) return false;
    uint32_t at = from + part->buckets;
    memmove(r->start_ns + at, r->start_ns + to, rest * sizeof *r->start_ns);
    memmove(r->piece + at, r->piece + to, rest * sizeof *r->piece);
    memcpy(r->start_ns + from, part->start_ns, part->buckets * sizeof *r->start_ns);
    memcpy(r->piece + from, part->piece, part->buckets * sizeof *r->piece);
    r->buckets = at + rest;
    return true;
}

/* Takes p into a bucket, behind what is in it. */
static void join(struct bucket_piece *into, const struct bucket_piece *p)
{
    if (into->count == 0) {
        *into = *p;
        return;
    }
    into->count += p->count;
    into->sum += p->sum;
    if (p->min < into->min) into->min = p->min;
    if (p->max > into->max) into->max = p->max;
    into->last = p->last;
    if (p->rank > into->rank) into->rank = p->rank;
}

bool rollup_collect(void *collector, const struct reader_bucket *b)
{
    const struct rollup_collector *c = collector;
    struct rollup *r = c->rollup;
    if (r->buckets == ROLLUP_BUCKETS_MAX) return false;
    r->start_ns[r->buckets] = b->start_ns;
    r->piece[r->buckets++] = (struct bucket_piece){.count = b->count, .sum = b->sum, .min = b->min,
                                                   .max = b->max, .last = b->last,
                                                   .rank = c->sum->rank};
    return true;
}

void rollup_coarser(const struct rollup *fine, enum rollup_tier tier, struct rollup *coarse)
{
    struct bucket_sum sum = {.bucket_ns = rollup_bucket_ns[tier], .each = rollup_collect};
    struct rollup_collector collector = {.rollup = coarse, .sum = &sum};
    sum.context = &collector;
    coarse->buckets = 0;
    for (uint32_t i = 0; i < fine->buckets; i++)
        bucket_add(&sum, bucket_start(sum.bucket_ns, fine->start_ns[i]), &fine->piece[i]);
    bucket_finish(&sum);
}

bool rollup_sum(struct rollup *into, const struct rollup *part)
{
    for (uint32_t i = 0; i < part->buckets; i++) {
        uint32_t at = first_from(into, part->start_ns[i]);
        if (at == into->buckets || into->start_ns[at] != part->start_ns[i]) {
            if (into->buckets == ROLLUP_BUCKETS_MAX) return false;
            memmove(into->start_ns + at + 1, into->start_ns + at,
                    (into->buckets - at) * sizeof *into->start_ns);
            memmove(into->piece + at + 1, into->piece + at,
                    (into->buckets - at) * sizeof *into->piece);
            into->start_ns[at] = part->start_ns[i];
            into->piece[at] = (struct bucket_piece){0};
            into->buckets++;
        }
        join(&into->piece[at], &part->piece[i]);
    }
    return true;
}
