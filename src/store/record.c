/* See record.h. */
#include "store/record.h"

#include <math.h>
#include <stdlib.h>

#include "store/number_column.h"
#include "store/sheet.h"

enum { JUDGED = 1, HAS_QUALITY = 2, ANEW = 4, FLAGS = 7, FIELDS_FIRST = 16 };
enum { K_MAX = 9 }; /* decimals beyond that are kept as bits */

size_t record_bytes_max(const struct store_row *row)
{
    size_t bytes = 1 + 4 * WIRE_VARINT_MAX + (row->judged ? RECORD_VERDICT_BYTES_MAX : 0);
    for (uint32_t i = 0; i < row->fields; i++)
        bytes += 7 + 10 + 1 + (row->field[i].kind == STORE_TEXT ? row->field[i].text.length : 0);
    return bytes;
}

/* ---- writing ---- */

static uint32_t float_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

enum { FULL_CONFIDENCE = 1, FULL_COVERAGE = 2, HAS_SHARES = 4, IS_ANOMALY = 8, STATE_SHIFT = 4 };

uint8_t *record_put_verdict(const struct store_verdict *v, uint8_t *out)
{
    uint32_t shares = v->shares < STORE_SHARES_MAX ? v->shares : STORE_SHARES_MAX;
    bool sure = float_bits(v->confidence) == float_bits(1.0f);
    bool whole = float_bits(v->coverage) == float_bits(1.0f);
    *out++ = (uint8_t)((sure ? FULL_CONFIDENCE : 0) | (whole ? FULL_COVERAGE : 0) |
                       (shares > 0 ? HAS_SHARES : 0) | (v->is_anomaly ? IS_ANOMALY : 0) |
                       (v->state & 3u) << STATE_SHIFT);
    *out++ = v->reason;
    out = wire_put_u64(out, wire_bits(v->score));
    out = wire_put_u64(out, wire_bits(v->p_value));
    if (!sure) out = wire_put_u32(out, float_bits(v->confidence));
    if (!whole) out = wire_put_u32(out, float_bits(v->coverage));
    out = wire_put_u32(out, float_bits(v->share));
    out = wire_put_varint(out, v->model);
    out = wire_put_varint(out, v->channel == STORE_NO_CHANNEL ? 0 : (uint64_t)v->channel + 1);
    if (shares > 0) *out++ = (uint8_t)shares;
    for (uint32_t k = 0; k < shares; k++) {
        out = wire_put_varint(out, v->share_channel[k]);
        out = wire_put_u32(out, float_bits(v->share_part[k]));
    }
    return out;
}

static bool same_shape(const struct store_row *row, const struct record_state *s)
{
    if (row->fields != s->fields) return false;
    for (uint32_t i = 0; i < row->fields; i++)
        if (row->field[i].channel != s->field[i].channel || row->field[i].kind != s->field[i].kind)
            return false;
    return true;
}

/* The fewest decimals, from k on, that give v exactly; k itself when none do. */
static uint8_t decimals(double v, unsigned k)
{
    int64_t whole;
    for (unsigned more = k; more <= K_MAX; more++)
        if (number_column_whole(v, more, &whole)) return (uint8_t)more;
    return (uint8_t)k;
}

/* Takes the row's channels over; k stays where the channel does. */
static uint8_t *put_shape(const struct store_row *row, bool known, struct record_state *s,
                          uint8_t *out)
{
    int64_t last = 0;
    out = wire_put_varint(out, row->fields);
    s->ts_ns = s->step_ns = s->lag_ms = 0;
    s->fields = row->fields;
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *from = &row->field[i];
        struct record_field *f = &s->field[i];
        uint8_t k = known ? f->k : 0;
        if (from->kind != STORE_TEXT) k = decimals(from->number, k);
        *f = (struct record_field){.channel = from->channel, .kind = from->kind, .k = k};
        out = wire_put_varint(out, wire_zigzag((int64_t)from->channel - last) << 2 | from->kind);
        if (from->kind != STORE_TEXT) *out++ = k;
        last = from->channel;
    }
    return out;
}

static uint8_t *put_times(const struct store_row *row, struct record_state *s, uint8_t *out)
{
    int64_t lag = sheet_lag_ms(row->ts_ns, row->received_ns);
    int64_t step = (int64_t)((uint64_t)row->ts_ns - (uint64_t)s->ts_ns);
    out = wire_put_signed(out, (int64_t)((uint64_t)step - (uint64_t)s->step_ns));
    out = wire_put_signed(out, lag - s->lag_ms);
    s->ts_ns = row->ts_ns;
    s->step_ns = step;
    s->lag_ms = lag;
    return out;
}

/* *finer becomes set when a value has more decimals than its field's k: worth beginning anew. */
static uint8_t *put_values(const struct store_row *row, struct record_state *s, uint8_t *out,
                           bool *finer)
{
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *from = &row->field[i];
        struct record_field *f = &s->field[i];
        int64_t whole;
        if (from->kind == STORE_TEXT) {
            out = wire_put_varint(out, from->text.length);
            out = wire_put_bytes(out, from->text.at, from->text.length);
        } else if (number_column_whole(from->number, f->k, &whole)) {
            out = wire_put_varint(out, wire_zigzag(whole - f->whole) + 1);
            f->whole = whole;
        } else {
            *finer |= decimals(from->number, f->k) != f->k;
            *out++ = 0;
            out = wire_put_u64(out, wire_bits(from->number));
        }
    }
    return out;
}

size_t record_put(const struct store_row *row, bool anew, struct record_state *s, uint8_t *out)
{
    bool same = same_shape(row, s), finer = false;
    uint8_t *at = out + 1, flags = row->judged ? JUDGED : 0, any = 0;
    if (anew || !same) flags |= ANEW;
    if ((flags & ANEW) == 0) at = put_values(row, s, put_times(row, s, at), &finer);
    if ((flags & ANEW) != 0 || finer) {
        flags |= ANEW;
        at = put_shape(row, same, s, out + 1);
        at = put_values(row, s, put_times(row, s, at), &finer);
    }
    for (uint32_t i = 0; i < row->fields; i++) any |= row->field[i].quality;
    if (any != 0) {
        flags |= HAS_QUALITY;
        for (uint32_t i = 0; i < row->fields; i++) *at++ = row->field[i].quality;
    }
    if (row->judged) at = record_put_verdict(&row->verdict, at);
    out[0] = flags;
    return (size_t)(at - out);
}

/* ---- reading ---- */

void record_cursor_free(struct record_cursor *c)
{
    free(c->field);
    free(c->state.field);
    *c = (struct record_cursor){0};
}

void record_begin(struct record_cursor *c, uint32_t asset, const uint8_t *bytes, size_t size)
{
    c->in = (struct wire){.at = bytes, .end = bytes + size};
    c->asset = asset;
    c->state.fields = UINT32_MAX; /* until the first record begins anew */
}

static bool room_for(struct record_cursor *c, uint32_t fields)
{
    if (fields <= c->state.fields_room) return true;
    uint32_t room = c->state.fields_room > 0 ? c->state.fields_room : FIELDS_FIRST;
    while (room < fields) room *= 2;
    struct store_field *field = realloc(c->field, room * sizeof *field);
    if (field != NULL) c->field = field;
    struct record_field *more =
        field == NULL ? NULL : realloc(c->state.field, room * sizeof *more);
    if (more == NULL) return false;
    c->state.field = more;
    c->state.fields_room = room;
    return true;
}

/* 0, -1 no memory, -2 damaged. */
static int get_shape(struct record_cursor *c)
{
    struct wire *in = &c->in;
    int64_t channel = 0;
    uint32_t fields = wire_count(in, RECORD_FIELDS_MAX);
    if (in->bad || fields > wire_left(in)) return -2;
    if (!room_for(c, fields)) return -1;
    c->state.fields = fields;
    c->state.ts_ns = c->state.step_ns = c->state.lag_ms = 0;
    for (uint32_t i = 0; i < fields; i++) {
        uint64_t word = wire_varint(in);
        uint8_t kind = word & 3u, k = kind == STORE_TEXT ? 0 : wire_u8(in);
        channel += wire_unzigzag(word >> 2);
        if (in->bad || channel < 0 || channel >= UINT32_MAX || kind > STORE_TEXT || k > K_MAX)
            return -2;
        c->state.field[i] = (struct record_field){.channel = (uint32_t)channel, .kind = kind, .k = k};
        c->field[i] = (struct store_field){.channel = (uint32_t)channel, .kind = kind};
    }
    return 0;
}

static void get_values(struct record_cursor *c)
{
    struct wire *in = &c->in;
    for (uint32_t i = 0; i < c->state.fields; i++) {
        struct record_field *f = &c->state.field[i];
        uint64_t word = wire_varint(in);
        if (f->kind == STORE_TEXT) {
            if (word > UINT32_MAX) in->bad = true;
            c->field[i].text.length = (uint32_t)word;
            c->field[i].text.at = (const char *)wire_take(in, in->bad ? SIZE_MAX : word);
        } else if (word == 0) c->field[i].number = wire_double(wire_u64(in));
        else {
            f->whole = (int64_t)((uint64_t)f->whole + (uint64_t)wire_unzigzag(word - 1));
            c->field[i].number = (double)f->whole / number_column_power[f->k];
        }
    }
}

bool record_get_verdict(struct wire *in, struct store_verdict *v)
{
    uint8_t flags = wire_u8(in);
    *v = (struct store_verdict){.reason = wire_u8(in), .confidence = 1.0f, .coverage = 1.0f};
    v->state = flags >> STATE_SHIFT & 3u;
    v->is_anomaly = (flags & IS_ANOMALY) != 0;
    v->score = wire_double(wire_u64(in));
    v->p_value = wire_double(wire_u64(in));
    if ((flags & FULL_CONFIDENCE) == 0) v->confidence = bits_float(wire_u32(in));
    if ((flags & FULL_COVERAGE) == 0) v->coverage = bits_float(wire_u32(in));
    v->share = bits_float(wire_u32(in));
    v->model = wire_count(in, UINT32_MAX);
    uint64_t channel = wire_varint(in);
    v->channel = channel == 0 ? STORE_NO_CHANNEL : (uint32_t)(channel - 1);
    if (flags & HAS_SHARES) v->shares = wire_u8(in);
    if (v->shares > STORE_SHARES_MAX) {
        v->shares = 0;
        in->bad = true;
    }
    for (uint32_t k = 0; k < v->shares; k++) {
        v->share_channel[k] = wire_count(in, UINT32_MAX);
        v->share_part[k] = bits_float(wire_u32(in));
    }
    return !in->bad;
}

static void get_times(struct record_cursor *c, struct store_row *row)
{
    struct record_state *s = &c->state;
    int64_t lag_ns;
    s->step_ns = (int64_t)((uint64_t)s->step_ns + (uint64_t)wire_signed(&c->in));
    s->ts_ns = (int64_t)((uint64_t)s->ts_ns + (uint64_t)s->step_ns);
    s->lag_ms = (int64_t)((uint64_t)s->lag_ms + (uint64_t)wire_signed(&c->in));
    row->ts_ns = row->received_ns = s->ts_ns;
    if (__builtin_mul_overflow(s->lag_ms, 1000000, &lag_ns) ||
        __builtin_add_overflow(row->ts_ns, lag_ns, &row->received_ns))
        row->received_ns = row->ts_ns;
}

int record_next(struct record_cursor *c, struct store_row *row)
{
    struct wire *in = &c->in;
    if (in->bad) return -2;
    if (wire_left(in) == 0) return 0;
    uint8_t flags = wire_u8(in);
    if (flags > FLAGS) return -2;
    if (flags & ANEW) {
        int got = get_shape(c);
        if (got != 0) return got;
    }
    if (c->state.fields == UINT32_MAX) return -2;
    row->asset = c->asset;
    row->fields = c->state.fields;
    row->field = c->field;
    row->judged = (flags & JUDGED) != 0;
    get_times(c, row);
    get_values(c);
    for (uint32_t i = 0; i < row->fields; i++)
        c->field[i].quality = flags & HAS_QUALITY ? wire_u8(in) : 0;
    if (row->judged) record_get_verdict(in, &row->verdict);
    return in->bad ? -2 : 1;
}
