/* See chunk.h. Heads of all columns stand before the bodies and say how long those are, so that a
 * reader of one channel passes over the others. */
#include "store/chunk.h"

#include <assert.h>

#include "store/chunk_verdict.h"

enum { VERSION = 1, HAS_REPEATS = 1, HAS_VERDICTS = 2, HEAD_MISSING = 4, HEAD_QUALITY = 8 };

static const int64_t unit_ns[] = {1, 1000, 1000000, 1000000000};

enum { SIZE_MAX_BYTES = 3 }; /* varint of a sequence's size: RICE_BYTES_MAX(RICE_MAX) < 2^21 */

/* ---- writing ---- */

size_t chunk_bytes_max(const struct sheet *s)
{
    size_t n = s->rows, bytes = 64 + 2 * RICE_BYTES_MAX(n) + 8;
    for (uint32_t c = 0; c < s->columns; c++) {
        const struct sheet_column *column = &s->column[c];
        bytes += 2 * WIRE_VARINT_MAX + n / 8 + 1;
        if (column->has_quality) bytes += RICE_BYTES_MAX(n);
        if (column->kind != STORE_TEXT) {
            bytes += NUMBER_COLUMN_BYTES_MAX(n);
            continue;
        }
        bytes += RICE_BYTES_MAX(n) + WIRE_VARINT_MAX;
        for (uint32_t r = 0; r < s->rows; r++)
            if (sheet_has(column, r)) bytes += column->text[r].length + WIRE_VARINT_MAX;
    }
    return s->judged_rows > 0 ? bytes + chunk_verdict_bytes_max(s->rows) : bytes;
}

/* A sequence behind its size, so that a reader can pass over it. */
static uint8_t *put_sized(uint8_t *out, const int64_t *x, uint32_t n)
{
    uint8_t *from = out + SIZE_MAX_BYTES;
    size_t size = (size_t)(rice_put(from, x, n) - from);
    out = wire_put_varint(out, size);
    memmove(out, from, size);
    return out + size;
}

static uint8_t *put_times(uint8_t *out, const int64_t *ts, uint32_t n)
{
    int64_t x[RICE_MAX];
    uint8_t unit = 3;
    for (uint32_t i = 0; i < n && unit > 0; i++)
        while (ts[i] % unit_ns[unit] != 0) unit--;
    for (uint32_t i = 0; i < n; i++) x[i] = ts[i] / unit_ns[unit];
    *out++ = unit;
    return put_sized(out, x, n);
}

/* The places of different texts in first[]; index[i] says which one text i is. */
static uint32_t different(const struct text *text, uint32_t m, int64_t *index, uint32_t *first)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < m; i++) {
        uint32_t k = i > 0 && text_is(text[i], text[i - 1]) ? (uint32_t)index[i - 1] : 0;
        while (k < found && !text_is(text[first[k]], text[i])) k++;
        if (k == found) first[found++] = i;
        index[i] = k;
    }
    return found;
}

static uint8_t *put_texts(uint8_t *out, const struct text *text, uint32_t m)
{
    int64_t index[RICE_MAX];
    uint32_t first[RICE_MAX], found = different(text, m, index, first);
    out = wire_put_varint(out, found);
    for (uint32_t k = 0; k < found; k++) {
        out = wire_put_varint(out, text[first[k]].length);
        out = wire_put_bytes(out, text[first[k]].at, text[first[k]].length);
    }
    return rice_put(out, index, m);
}

/* The values of rows order[n] that there are, without gaps; returns how many. */
static uint32_t gather(const struct sheet_column *c, const uint32_t *order, uint32_t n,
                       double *number, struct text *text, int64_t *quality)
{
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = order == NULL ? i : order[i];
        if (!sheet_has(c, r)) continue;
        if (c->kind == STORE_TEXT) text[m] = c->text[r];
        else number[m] = c->number[r];
        quality[m++] = c->quality[r];
    }
    return m;
}

static uint8_t *put_present(uint8_t *out, const struct sheet_column *c, const uint32_t *order,
                            uint32_t n)
{
    memset(out, 0, (n + 7) / 8);
    for (uint32_t i = 0; i < n; i++)
        if (sheet_has(c, order == NULL ? i : order[i])) out[i / 8] |= (uint8_t)(1u << (i % 8));
    return out + (n + 7) / 8;
}

static bool is_any(const int64_t *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (x[i] != 0) return true;
    return false;
}

/* One column's body; *head gets the flags. Returns out itself when no row has a value. */
static uint8_t *put_column(uint8_t *out, const struct sheet_column *c, const uint32_t *order,
                           uint32_t n, unsigned *head)
{
    double room[RICE_MAX];
    struct text text[RICE_MAX];
    int64_t quality[RICE_MAX];
    const double *number = room;
    uint32_t m = n;
    if (order == NULL && c->count == n && c->kind != STORE_TEXT && !c->has_quality)
        number = c->number;
    else m = gather(c, order, n, room, text, quality);
    *head = c->kind;
    if (m == 0) return out;
    if (m < n) {
        *head |= HEAD_MISSING;
        out = put_present(out, c, order, n);
    }
    if (c->has_quality && is_any(quality, m)) {
        *head |= HEAD_QUALITY;
        out = rice_put(out, quality, m);
    }
    return c->kind == STORE_TEXT ? put_texts(out, text, m) : number_column_put(out, number, m);
}

/* Heads first, so the bodies are moved up behind them when they are complete. */
static uint8_t *put_columns(const struct sheet *s, const uint32_t *order, uint32_t n, uint8_t *out)
{
    size_t heads_max = (size_t)s->columns * 2 * WIRE_VARINT_MAX + WIRE_VARINT_MAX;
    uint8_t *bodies = out + heads_max, *body = bodies, *head = out;
    uint32_t last = 0, columns = 0;
    for (int pass = 0; pass < 2; pass++) { /* how many, then what */
        if (pass == 1) head = wire_put_varint(head, columns);
        for (uint32_t i = 0; i < s->columns; i++) {
            const struct sheet_column *c = &s->column[s->order[i]];
            unsigned flags;
            if (pass == 0) {
                columns += c->count > 0;
                continue;
            }
            if (c->count == 0) continue;
            uint8_t *end = put_column(body, c, order, n, &flags);
            head = wire_put_varint(head, (uint64_t)(c->channel - last) << 4 | flags);
            head = wire_put_varint(head, (size_t)(end - body));
            last = c->channel;
            body = end;
        }
    }
    memmove(head, bodies, (size_t)(body - bodies));
    return head + (body - bodies);
}

size_t chunk_put(const struct sheet *s, const uint32_t *order, uint32_t n, uint8_t *out)
{
    int64_t ts[RICE_MAX], lag[RICE_MAX];
    bool repeats = false, judged = false;
    uint8_t *at = out;
    assert(n >= 1 && n <= RICE_MAX);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = order == NULL ? i : order[i];
        ts[i] = s->ts[r];
        lag[i] = s->lag_ms[r];
        judged |= s->judged[r] != 0;
        repeats |= i > 0 && ts[i] == ts[i - 1];
    }
    *at++ = VERSION;
    at = wire_put_varint(at, n);
    *at++ = (uint8_t)((repeats ? HAS_REPEATS : 0) | (judged ? HAS_VERDICTS : 0));
    at = put_times(at, ts, n);
    at = put_sized(at, lag, n);
    at = put_columns(s, order, n, at);
    if (judged) at = chunk_verdict_put(at, s, order, n);
    at = wire_put_u32(at, wire_check(out, (size_t)(at - out)));
    return (size_t)(at - out);
}

/* ---- reading ---- */

static struct wire get_sized(struct wire *in)
{
    size_t size = wire_count(in, UINT32_MAX);
    const uint8_t *at = wire_take(in, size);
    return (struct wire){.at = at, .end = at == NULL ? at : at + size, .bad = at == NULL};
}

static bool read_head(struct wire *in, struct chunk_head *h)
{
    uint64_t word = wire_varint(in);
    h->bytes = wire_varint(in);
    h->flags = (uint8_t)(word & 15u);
    h->kind = h->flags & 3u;
    uint64_t channel = (word >> 4) + h->channel;
    h->channel = (uint32_t)channel;
    return !in->bad && channel < UINT32_MAX && h->kind <= STORE_TEXT;
}

bool chunk_next_head(const struct chunk *c, struct chunk_heads *h, struct chunk_head *head)
{
    if (h->next == 0) {
        h->heads = c->heads;
        h->bodies = c->bodies;
    }
    if (h->next++ >= c->columns || !read_head(&h->heads, &h->last)) return false;
    h->last.body = wire_take(&h->bodies, h->last.bytes);
    *head = h->last;
    return head->body != NULL;
}

bool chunk_open(struct chunk *c, const void *bytes, size_t size)
{
    *c = (struct chunk){0};
    if (size < 8) return false;
    struct wire in = {.at = bytes, .end = (const uint8_t *)bytes + size - 4};
    struct wire check = {.at = in.end, .end = in.end + 4};
    if (wire_u32(&check) != wire_check(bytes, size - 4) || wire_u8(&in) != VERSION) return false;
    c->rows = wire_count(&in, RICE_MAX);
    uint8_t flags = wire_u8(&in);
    c->repeats = (flags & HAS_REPEATS) != 0;
    c->judged = (flags & HAS_VERDICTS) != 0;
    if (c->judged && c->rows > RICE_MAX / STORE_SHARES_MAX) return false;
    c->unit = wire_u8(&in);
    c->times = get_sized(&in);
    c->lags = get_sized(&in);
    if (in.bad || c->rows == 0 || c->unit > 3) return false;
    c->columns = wire_count(&in, SHEET_COLUMNS_MAX);
    c->heads = in;
    uint64_t all = 0;
    struct chunk_head head = {0};
    for (uint32_t i = 0; i < c->columns; i++) {
        if (!read_head(&in, &head) || head.bytes > wire_left(&in)) return false;
        all += head.bytes;
    }
    c->heads.end = in.at;
    c->bodies = in;
    if (in.bad || wire_take(&in, all) == NULL) return false;
    c->verdicts = in;
    return true;
}

bool chunk_times(const struct chunk *c, int64_t *ts, uint32_t room)
{
    struct wire in = c->times;
    uint64_t unit = (uint64_t)unit_ns[c->unit];
    if (c->rows > room || !rice_get(&in, ts, c->rows)) return false;
    if (unit > 1)
        for (uint32_t i = 0; i < c->rows; i++) ts[i] = (int64_t)((uint64_t)ts[i] * unit);
    bool ordered = true;
    for (uint32_t i = 1; i < c->rows; i++) ordered &= ts[i - 1] <= ts[i];
    return ordered;
}

bool chunk_steps(const struct chunk *c, int64_t *first_ns, int64_t *step_ns)
{
    int64_t last;
    return rice_line(c->times, first_ns, step_ns) &&
           !__builtin_mul_overflow(*first_ns, unit_ns[c->unit], first_ns) &&
           !__builtin_mul_overflow(*step_ns, unit_ns[c->unit], step_ns) && *step_ns > 0 &&
           !__builtin_mul_overflow(*step_ns, (int64_t)c->rows, &last) &&
           !__builtin_add_overflow(*first_ns, last, &last);
}

/* The rows that have a value, as bits of present; returns how many. */
static uint32_t get_present(struct wire *in, unsigned flags, uint32_t n, uint64_t *present)
{
    size_t words = (n + 63u) / 64u;
    memset(present, flags & HEAD_MISSING ? 0 : 0xff, words * sizeof *present);
    if (n % 64 != 0) present[words - 1] &= (UINT64_C(1) << (n % 64)) - 1;
    if ((flags & HEAD_MISSING) == 0) return n;
    const uint8_t *bits = wire_take(in, (n + 7) / 8);
    uint32_t m = 0;
    for (uint32_t i = 0; bits != NULL && i < n; i++)
        if (wire_bit(bits, i)) {
            present[i / 64] |= UINT64_C(1) << (i % 64);
            m++;
        }
    return m;
}

bool chunk_column(const struct chunk *c, const struct chunk_head *head, struct chunk_column *column)
{
    int64_t quality[RICE_MAX];
    column->all = (head->flags & HEAD_MISSING) == 0;
    column->body = (struct wire){.at = head->body, .end = head->body + head->bytes};
    column->count = get_present(&column->body, head->flags, c->rows, column->present);
    return !column->body.bad && ((head->flags & HEAD_QUALITY) == 0 ||
                                 rice_get(&column->body, quality, column->count));
}

bool chunk_states(const struct chunk *c, uint8_t *state)
{
    struct wire in = c->verdicts;
    memset(state, CHUNK_NO_STATE, c->rows);
    return !c->judged || chunk_verdict_states(&in, c->rows, state);
}

/* ---- all of it ---- */

static bool get_texts(struct wire *in, uint32_t m, struct text *text)
{
    int64_t index[RICE_MAX];
    struct text known[RICE_MAX];
    uint32_t count = wire_count(in, m);
    for (uint32_t k = 0; k < count; k++) {
        known[k].length = wire_count(in, UINT32_MAX);
        known[k].at = (const char *)wire_take(in, known[k].length);
    }
    if (in->bad || !rice_get(in, index, m)) return false;
    for (uint32_t i = 0; i < m; i++) {
        if (index[i] < 0 || index[i] >= count) return false;
        text[i] = known[index[i]];
    }
    return true;
}

/* Values without gaps into the rows that have one. */
static void spread(struct sheet_column *to, uint32_t rows, const double *number,
                   const struct text *text, const int64_t *quality)
{
    for (uint32_t r = 0, i = 0; r < rows; r++) {
        if (!sheet_has(to, r)) continue;
        to->quality[r] = (uint8_t)quality[i];
        if (to->kind == STORE_TEXT) to->text[r] = text[i];
        else to->number[r] = number[i];
        i++;
    }
}

static bool get_column(struct wire *in, unsigned flags, uint32_t rows, struct sheet_column *to)
{
    int64_t x[RICE_MAX], quality[RICE_MAX];
    double number[RICE_MAX];
    struct text text[RICE_MAX];
    struct number_column c;
    to->count = get_present(in, flags, rows, to->present);
    memset(quality, 0, to->count * sizeof quality[0]);
    if (in->bad || to->count == 0) return false;
    to->has_quality = (flags & HEAD_QUALITY) != 0;
    if (to->has_quality && !rice_get(in, quality, to->count)) return false;
    if (to->kind == STORE_TEXT) {
        if (!get_texts(in, to->count, text)) return false;
    } else {
        if (!number_column_get(in, to->count, &c, x)) return false;
        number_column_values(&c, x, to->count, number);
    }
    spread(to, rows, number, text, quality);
    return true;
}

static andon_status get_columns(const struct chunk *c, struct sheet *s, andon_error *err)
{
    struct chunk_heads heads = {0};
    struct chunk_head head;
    while (chunk_next_head(c, &heads, &head)) {
        if (head.bytes == 0) continue;
        struct sheet_column *to = sheet_column_of(s, head.channel, head.kind);
        if (to == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a chunk's columns");
        struct wire in = {.at = head.body, .end = head.body + head.bytes};
        if (to->count > 0 || !get_column(&in, head.flags, c->rows, to))
            return andon_fail(err, ANDON_EFORMAT, "a chunk's column is damaged");
    }
    if (heads.next <= c->columns)
        return andon_fail(err, ANDON_EFORMAT, "a chunk's column is damaged");
    return ANDON_OK;
}

andon_status chunk_sheet(const struct chunk *c, struct sheet *s, andon_error *err)
{
    struct wire lags = c->lags, verdicts = c->verdicts;
    sheet_clear(s);
    if (c->rows > s->rows_max)
        return andon_fail(err, ANDON_ELIMIT, "a chunk of %u rows, expected at most %u", c->rows,
                          s->rows_max);
    if (!chunk_times(c, s->ts, s->rows_max) || !rice_get(&lags, s->lag_ms, c->rows))
        return andon_fail(err, ANDON_EFORMAT, "a chunk's times are damaged");
    s->rows = c->rows;
    memset(s->judged, 0, c->rows);
    andon_status st = get_columns(c, s, err);
    if (st == ANDON_OK && c->judged && !chunk_verdict_get(&verdicts, s))
        st = andon_fail(err, ANDON_EFORMAT, "a chunk's verdicts are damaged");
    if (st == ANDON_OK) sheet_sort(s);
    else sheet_clear(s);
    return st;
}
