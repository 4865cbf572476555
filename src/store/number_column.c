/* See number_column.h. The loops over a column have no branches, so that the compiler makes two or
 * four values a step of them. */
#include "store/number_column.h"

#include <math.h>

enum { DIGITS_MAX = 15, TRIES_MAX = 6, SAMPLE = 4, HAS_ODD = 64 };

const double number_column_power[16] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static const double ROUNDER = NUMBER_COLUMN_ROUNDER;

static inline int64_t nearest(double t)
{
    return (int64_t)(wire_bits(t + ROUNDER) - wire_bits(ROUNDER));
}

static inline double back(double whole, double power, bool narrow)
{
    double v = whole / power;
    return narrow ? (double)(float)v : v;
}

/* Whether v = x / 10^k holds bit for bit. */
static bool is_decimal(double v, unsigned k, bool narrow)
{
    double t = v * number_column_power[k];
    if (!(fabs(t) < NUMBER_COLUMN_WHOLE_MAX)) return false;
    return wire_bits(back((t + ROUNDER) - ROUNDER, number_column_power[k], narrow)) == wire_bits(v);
}

/* The fewest decimals, from k on, with which v comes back; DIGITS_MAX + 1: none. */
static unsigned decimals(double v, unsigned k, bool narrow)
{
    unsigned most = narrow ? 7 : DIGITS_MAX;
    while (k <= most && !is_decimal(v, k, narrow)) k++;
    return k <= most ? k : DIGITS_MAX + 1;
}

static inline bool fits(double v, double t, double power, bool narrow)
{
    uint64_t off = wire_bits(back((t + ROUNDER) - ROUNDER, power, narrow)) ^ wire_bits(v);
    return off == 0 && fabs(t) < NUMBER_COLUMN_WHOLE_MAX;
}

/* x[n] for k; returns how many values do not fit (their x is anything). */
static uint32_t whole(const double *v, uint32_t n, unsigned k, bool narrow, int64_t *x)
{
    double power = number_column_power[k];
    uint32_t odd = 0;
    if (narrow)
        for (uint32_t i = 0; i < n; i++) {
            double t = v[i] * power;
            x[i] = nearest(t);
            odd += !fits(v[i], t, power, true);
        }
    else
        for (uint32_t i = 0; i < n; i++) {
            double t = v[i] * power;
            x[i] = nearest(t);
            odd += !fits(v[i], t, power, false);
        }
    return odd;
}

/* Looks for a k with which all but a few values fit. */
static bool find_decimals(const double *v, uint32_t n, bool narrow, struct number_column *c,
                          int64_t *x)
{
    uint32_t few = n / 8, strange = 0;
    unsigned k = 0;
    for (uint32_t i = 0; i < n && i < SAMPLE; i++) {
        unsigned need = decimals(v[i], k, narrow);
        if (need <= DIGITS_MAX) k = need;
        else strange++;
    }
    if (strange > 1 && strange > n / 4) return false;
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        uint32_t odd = whole(v, n, k, narrow, x);
        unsigned more = k;
        for (uint32_t i = 0; i < n && odd > 0 && more == k; i++) {
            if (is_decimal(v[i], k, narrow)) continue;
            unsigned need = decimals(v[i], k + 1, narrow);
            if (need <= DIGITS_MAX) more = need;
        }
        if (more == k || (tries + 1 == TRIES_MAX && odd <= few)) {
            c->odd = odd;
            c->shift = k;
            return odd <= few;
        }
        k = more;
    }
    return false;
}

static void to_bits(const double *v, uint32_t n, struct number_column *c, int64_t *x)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < n; i++) any |= wire_bits(v[i]);
    c->form = NUMBER_BITS;
    c->odd = 0;
    c->shift = any == 0 ? 0 : (unsigned)__builtin_ctzll(any);
    for (uint32_t i = 0; i < n; i++) x[i] = (int64_t)(wire_bits(v[i]) >> c->shift);
}

/* The values that do not fit, and in their places what costs least. */
static uint8_t *put_odd(uint8_t *out, const double *v, uint32_t n, const struct number_column *c,
                        int64_t *x)
{
    uint32_t last = 0;
    int64_t fill = 0;
    out = wire_put_varint(out, c->odd);
    for (uint32_t i = n; i-- > 0;)
        if (is_decimal(v[i], c->shift, c->form == NUMBER_FLOAT32)) fill = x[i];
    for (uint32_t i = 0; i < n; i++) {
        if (is_decimal(v[i], c->shift, c->form == NUMBER_FLOAT32)) {
            fill = x[i];
            continue;
        }
        out = wire_put_varint(out, i - last);
        out = wire_put_u64(out, wire_bits(v[i]));
        last = i;
        x[i] = fill;
    }
    return out;
}

uint8_t *number_column_put(uint8_t *out, const double *v, uint32_t n)
{
    int64_t x[RICE_MAX];
    struct number_column c = {.form = NUMBER_DECIMAL};
    if (n == 0) return out;
    if (!find_decimals(v, n, false, &c, x)) {
        c.form = NUMBER_FLOAT32;
        if (!find_decimals(v, n, true, &c, x)) to_bits(v, n, &c, x);
    }
    *out++ = (uint8_t)((unsigned)c.form | c.shift << 2 | (c.odd > 0 ? HAS_ODD : 0));
    if (c.odd > 0) out = put_odd(out, v, n, &c, x);
    return rice_put(out, x, n);
}

static bool get_odd(struct wire *in, uint32_t n, struct number_column *c)
{
    uint32_t place = 0;
    c->odd = wire_count(in, n);
    c->odd_bytes = in->at;
    for (uint32_t i = 0; i < c->odd; i++) {
        uint32_t step = wire_count(in, n - 1);
        place += step;
        if (place >= n || (i > 0 && step == 0) || wire_take(in, 8) == NULL) return false;
    }
    return !in->bad;
}

bool number_column_get(struct wire *in, uint32_t n, struct number_column *c, int64_t *x)
{
    *c = (struct number_column){0};
    if (n == 0) return true;
    uint8_t head = wire_u8(in);
    if ((head & 3u) > NUMBER_BITS) return false;
    c->form = (enum number_form)(head & 3u);
    c->shift = head >> 2;
    if (c->form != NUMBER_BITS) {
        if (head > (HAS_ODD | 63u)) return false;
        c->shift &= DIGITS_MAX;
        if ((head & HAS_ODD) != 0 && !get_odd(in, n, c)) return false;
    }
    return rice_get(in, x, n);
}

void number_column_values(const struct number_column *c, const int64_t *x, uint32_t n, double *v)
{
    if (c->form == NUMBER_BITS) {
        for (uint32_t i = 0; i < n; i++) v[i] = wire_double((uint64_t)x[i] << c->shift);
        return;
    }
    double power = number_column_power[c->shift];
    if (c->form == NUMBER_FLOAT32)
        for (uint32_t i = 0; i < n; i++) v[i] = back((double)x[i], power, true);
    else
        for (uint32_t i = 0; i < n; i++) v[i] = (double)x[i] / power;
    if (c->odd == 0) return;
    struct wire in = {.at = c->odd_bytes, .end = c->odd_bytes + (size_t)c->odd * 18};
    uint32_t place = 0;
    for (uint32_t i = 0; i < c->odd; i++) {
        place += (uint32_t)wire_varint(&in);
        v[place] = wire_double(wire_u64(&in));
    }
}
