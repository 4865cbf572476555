/* Bytes: u8 whether all rows are judged; if not, their bits; then for the judged rows
 *   state, is_anomaly and reason in one whole number each; models; channels + 1
 *   score, p_value, confidence, coverage, share: numbers
 *   how many shares each has; then for all shares together: channels; parts: numbers */
#include "store/chunk_verdict.h"

#include <assert.h>

enum { NUMBERS = 5 };

static double number_of(const struct store_verdict *v, int which)
{
    switch (which) {
    case 0: return v->score;
    case 1: return v->p_value;
    case 2: return (double)v->confidence;
    case 3: return (double)v->coverage;
    default: return (double)v->share;
    }
}

static void set_number(struct store_verdict *v, int which, double number)
{
    switch (which) {
    case 0: v->score = number; return;
    case 1: v->p_value = number; return;
    case 2: v->confidence = (float)number; return;
    case 3: v->coverage = (float)number; return;
    default: v->share = (float)number; return;
    }
}

static int64_t said_of(const struct store_verdict *v)
{
    return (int64_t)(v->state & 3u) | (int64_t)v->is_anomaly << 2 | (int64_t)v->reason << 3;
}

size_t chunk_verdict_bytes_max(uint32_t n)
{
    uint32_t shares = n * STORE_SHARES_MAX;
    return n + NUMBERS * NUMBER_COLUMN_BYTES_MAX(n) + 4 * RICE_BYTES_MAX(n) +
           RICE_BYTES_MAX(shares) + NUMBER_COLUMN_BYTES_MAX(shares) + 16;
}

static uint8_t *put_shares(uint8_t *out, const struct store_verdict *const *v, uint32_t n)
{
    int64_t x[RICE_MAX];
    double part[RICE_MAX];
    uint32_t all = 0;
    x[0] = 0;
    for (uint32_t i = 0; i < n; i++) x[i] = v[i]->shares;
    out = rice_put(out, x, n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < v[i]->shares && k < STORE_SHARES_MAX; k++) {
            x[all] = v[i]->share_channel[k];
            part[all++] = (double)v[i]->share_part[k];
        }
    out = rice_put(out, x, all);
    return number_column_put(out, part, all);
}

uint8_t *chunk_verdict_put(uint8_t *out, const struct sheet *s, const uint32_t *order, uint32_t n)
{
    const struct store_verdict *v[RICE_MAX / STORE_SHARES_MAX];
    int64_t x[RICE_MAX / STORE_SHARES_MAX];
    double number[RICE_MAX / STORE_SHARES_MAX];
    uint32_t m = 0;
    assert(n <= RICE_MAX / STORE_SHARES_MAX);
    uint8_t *head = out++;
    memset(out, 0, (n + 7) / 8);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = order == NULL ? i : order[i];
        if (!s->judged[r]) continue;
        out[i / 8] |= (uint8_t)(1u << (i % 8));
        v[m++] = &s->verdict[r];
    }
    *head = m == n;
    if (m < n) out += (n + 7) / 8;
    x[0] = 0;
    for (uint32_t i = 0; i < m; i++) x[i] = said_of(v[i]);
    out = rice_put(out, x, m);
    for (uint32_t i = 0; i < m; i++) x[i] = v[i]->model;
    out = rice_put(out, x, m);
    for (uint32_t i = 0; i < m; i++)
        x[i] = v[i]->channel == STORE_NO_CHANNEL ? 0 : (int64_t)v[i]->channel + 1;
    out = rice_put(out, x, m);
    for (int which = 0; which < NUMBERS; which++) {
        for (uint32_t i = 0; i < m; i++) number[i] = number_of(v[i], which);
        out = number_column_put(out, number, m);
    }
    return put_shares(out, v, m);
}

/* ---- reading ---- */

/* Which of n rows are judged; returns how many, or UINT32_MAX. */
static uint32_t get_judged(struct wire *in, uint32_t n, uint8_t *judged)
{
    uint8_t all = wire_u8(in);
    const uint8_t *bits = all == 1 ? NULL : wire_take(in, (n + 7) / 8);
    if (in->bad || all > 1) return UINT32_MAX;
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        judged[i] = bits == NULL || wire_bit(bits, i);
        m += judged[i];
    }
    return m;
}

static bool get_whole(struct wire *in, const uint32_t *row, uint32_t m, struct store_verdict *v)
{
    int64_t x[RICE_MAX];
    if (!rice_get(in, x, m)) return false;
    for (uint32_t i = 0; i < m; i++) {
        struct store_verdict *to = &v[row[i]];
        *to = (struct store_verdict){.state = (uint8_t)(x[i] & 3),
                                     .is_anomaly = (x[i] >> 2 & 1) != 0,
                                     .reason = (uint8_t)(x[i] >> 3)};
    }
    if (!rice_get(in, x, m)) return false;
    for (uint32_t i = 0; i < m; i++) v[row[i]].model = (uint32_t)x[i];
    if (!rice_get(in, x, m)) return false;
    for (uint32_t i = 0; i < m; i++)
        v[row[i]].channel = x[i] == 0 ? STORE_NO_CHANNEL : (uint32_t)(x[i] - 1);
    return true;
}

static bool get_numbers(struct wire *in, const uint32_t *row, uint32_t m, struct store_verdict *v)
{
    int64_t x[RICE_MAX];
    double number[RICE_MAX];
    for (int which = 0; which < NUMBERS; which++) {
        struct number_column c;
        if (!number_column_get(in, m, &c, x)) return false;
        if (m > 0) number_column_values(&c, x, m, number);
        for (uint32_t i = 0; i < m; i++) set_number(&v[row[i]], which, number[i]);
    }
    return true;
}

static bool get_shares(struct wire *in, const uint32_t *row, uint32_t m, struct store_verdict *v)
{
    int64_t x[RICE_MAX], whole[RICE_MAX];
    double part[RICE_MAX];
    struct number_column c;
    uint64_t all = 0;
    if (!rice_get(in, x, m)) return false;
    for (uint32_t i = 0; i < m; i++) {
        if (x[i] < 0 || x[i] > STORE_SHARES_MAX) return false;
        v[row[i]].shares = (uint32_t)x[i];
        all += (uint64_t)x[i];
    }
    if (all > RICE_MAX || !rice_get(in, x, (uint32_t)all)) return false;
    if (!number_column_get(in, (uint32_t)all, &c, whole)) return false;
    if (all > 0) number_column_values(&c, whole, (uint32_t)all, part);
    for (uint32_t i = 0, at = 0; i < m; i++)
        for (uint32_t k = 0; k < v[row[i]].shares; k++, at++) {
            v[row[i]].share_channel[k] = (uint32_t)x[at];
            v[row[i]].share_part[k] = (float)part[at];
        }
    return true;
}

bool chunk_verdict_get(struct wire *in, struct sheet *s)
{
    uint32_t row[RICE_MAX], m = 0;
    s->judged_rows = get_judged(in, s->rows, s->judged);
    if (s->judged_rows == UINT32_MAX) return false;
    for (uint32_t i = 0; i < s->rows; i++)
        if (s->judged[i]) row[m++] = i;
    return get_whole(in, row, m, s->verdict) && get_numbers(in, row, m, s->verdict) &&
           get_shares(in, row, m, s->verdict);
}

bool chunk_verdict_states(struct wire *in, uint32_t n, uint8_t *state)
{
    int64_t x[RICE_MAX];
    uint32_t m = get_judged(in, n, state);
    if (m == UINT32_MAX || !rice_get(in, x, m)) return false;
    for (uint32_t i = 0, at = 0; i < n; i++)
        state[i] = state[i] ? (uint8_t)(x[at++] & 3) : 255u;
    return true;
}
