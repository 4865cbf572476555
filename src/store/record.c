/* See record.h. */
#include "store/record.h"

#include <stdlib.h>

#include "store/sheet.h"

enum { JUDGED = 1, HAS_QUALITY = 2, HAS_SHAPE = 4, FLAGS = 7, VERDICT_BYTES = 40, FIELDS_FIRST = 64 };

size_t record_bytes_max(const struct store_row *row)
{
    size_t bytes = 1 + 8 + 2 * WIRE_VARINT_MAX + VERDICT_BYTES + STORE_SHARES_MAX * 8;
    for (uint32_t i = 0; i < row->fields; i++)
        bytes += 7 + 8 + 1 + (row->field[i].kind == STORE_TEXT ? row->field[i].text.length : 0);
    return bytes;
}

static uint8_t *put_shape(const struct store_row *row, uint8_t *out)
{
    int64_t last = 0;
    out = wire_put_varint(out, row->fields);
    for (uint32_t i = 0; i < row->fields; i++) {
        int64_t channel = row->field[i].channel;
        out = wire_put_varint(out, wire_zigzag(channel - last) << 2 | row->field[i].kind);
        last = channel;
    }
    return out;
}

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

static uint8_t *put_verdict(const struct store_verdict *v, uint8_t *out)
{
    uint32_t shares = v->shares < STORE_SHARES_MAX ? v->shares : STORE_SHARES_MAX;
    out = wire_put_u64(out, wire_bits(v->score));
    out = wire_put_u64(out, wire_bits(v->p_value));
    out = wire_put_u32(out, float_bits(v->confidence));
    out = wire_put_u32(out, float_bits(v->coverage));
    out = wire_put_u32(out, float_bits(v->share));
    out = wire_put_u32(out, v->model);
    out = wire_put_u32(out, v->channel);
    *out++ = v->state;
    *out++ = v->reason;
    *out++ = v->is_anomaly;
    *out++ = (uint8_t)shares;
    for (uint32_t k = 0; k < shares; k++) {
        out = wire_put_u32(out, v->share_channel[k]);
        out = wire_put_u32(out, float_bits(v->share_part[k]));
    }
    return out;
}

size_t record_put(const struct store_row *row, struct record_shape *shape, uint8_t *out)
{
    uint8_t *at = out + 1, flags = row->judged ? JUDGED : 0, any = 0;
    at = wire_put_u64(at, (uint64_t)row->ts_ns);
    at = wire_put_signed(at, sheet_lag_ms(row->ts_ns, row->received_ns));
    uint32_t size = (uint32_t)(put_shape(row, at) - at);
    if (size != shape->size || memcmp(at, shape->at, size) != 0) {
        *shape = (struct record_shape){at, size};
        flags |= HAS_SHAPE;
        at += size;
    }
    for (uint32_t i = 0; i < row->fields; i++) {
        const struct store_field *f = &row->field[i];
        any |= f->quality;
        if (f->kind != STORE_TEXT) {
            at = wire_put_u64(at, wire_bits(f->number));
            continue;
        }
        at = wire_put_varint(at, f->text.length);
        at = wire_put_bytes(at, f->text.at, f->text.length);
    }
    if (any != 0) {
        flags |= HAS_QUALITY;
        for (uint32_t i = 0; i < row->fields; i++) *at++ = row->field[i].quality;
    }
    if (row->judged) at = put_verdict(&row->verdict, at);
    out[0] = flags;
    return (size_t)(at - out);
}

/* ---- reading ---- */

static bool room_for(struct record_cursor *c, uint32_t fields)
{
    if (fields <= c->fields_room) return true;
    uint32_t room = c->fields_room > 0 ? c->fields_room : FIELDS_FIRST;
    while (room < fields) room *= 2;
    struct store_field *more = realloc(c->field, room * sizeof *more);
    if (more == NULL) return false;
    c->field = more;
    c->fields_room = room;
    return true;
}

/* Channels and kinds of the row: 0, -1 no memory, -2 damaged. */
static int take_shape(struct record_cursor *c, struct wire *shape, uint32_t *fields)
{
    int64_t channel = 0;
    *fields = wire_count(shape, RECORD_FIELDS_MAX);
    if (*fields > wire_left(shape)) return -2;
    if (!room_for(c, *fields)) return -1;
    for (uint32_t i = 0; i < *fields; i++) {
        uint64_t word = wire_varint(shape);
        channel += wire_unzigzag(word >> 2);
        if (shape->bad || channel < 0 || channel >= UINT32_MAX || (word & 3u) > STORE_TEXT)
            return -2;
        c->field[i] =
            (struct store_field){.channel = (uint32_t)channel, .kind = (uint8_t)(word & 3u)};
    }
    return 0;
}

static void get_verdict(struct wire *in, struct store_verdict *v)
{
    *v = (struct store_verdict){.score = wire_double(wire_u64(in))};
    v->p_value = wire_double(wire_u64(in));
    v->confidence = bits_float(wire_u32(in));
    v->coverage = bits_float(wire_u32(in));
    v->share = bits_float(wire_u32(in));
    v->model = wire_u32(in);
    v->channel = wire_u32(in);
    v->state = wire_u8(in);
    v->reason = wire_u8(in);
    v->is_anomaly = wire_u8(in) != 0;
    v->shares = wire_u8(in);
    if (v->shares > STORE_SHARES_MAX) {
        v->shares = 0;
        in->bad = true;
    }
    for (uint32_t k = 0; k < v->shares; k++) {
        v->share_channel[k] = wire_u32(in);
        v->share_part[k] = bits_float(wire_u32(in));
    }
}

int record_next(struct record_cursor *c, struct store_row *row)
{
    struct wire *in = &c->in;
    if (in->bad) return -2;
    if (wire_left(in) == 0) return 0;
    uint8_t flags = wire_u8(in);
    *row = (struct store_row){.asset = c->asset, .ts_ns = (int64_t)wire_u64(in)};
    int64_t lag_ms = wire_signed(in), lag_ns;
    if (__builtin_mul_overflow(lag_ms, 1000000, &lag_ns) ||
        __builtin_add_overflow(row->ts_ns, lag_ns, &row->received_ns))
        row->received_ns = row->ts_ns;
    if (flags > FLAGS || (c->shape.size == 0 && (flags & HAS_SHAPE) == 0)) return -2;
    struct wire shape = *in;
    if ((flags & HAS_SHAPE) == 0)
        shape = (struct wire){.at = c->shape.at, .end = c->shape.at + c->shape.size};
    int got = take_shape(c, &shape, &row->fields);
    if (got != 0) return got;
    if (flags & HAS_SHAPE) {
        c->shape = (struct record_shape){in->at, (uint32_t)(shape.at - in->at)};
        in->at = shape.at;
    }
    for (uint32_t i = 0; i < row->fields; i++) {
        struct store_field *f = &c->field[i];
        if (f->kind != STORE_TEXT) {
            f->number = wire_double(wire_u64(in));
            continue;
        }
        f->text.length = wire_count(in, UINT32_MAX);
        f->text.at = (const char *)wire_take(in, f->text.length);
    }
    if (flags & HAS_QUALITY)
        for (uint32_t i = 0; i < row->fields; i++) c->field[i].quality = wire_u8(in);
    row->field = c->field;
    row->judged = (flags & JUDGED) != 0;
    if (row->judged) get_verdict(in, &row->verdict);
    return in->bad ? -2 : 1;
}
