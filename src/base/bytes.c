/* Little-endian by shifts, so that the host's byte order never matters; arrays go through memcpy on
 * little-endian hosts. */
#include "andon/bytes.h"

#include <string.h>

void andon_writer_init(struct andon_writer *w, struct andon_arena *arena)
{
    *w = (struct andon_writer){.arena = arena};
}

static uint8_t *grow(struct andon_writer *w, size_t more)
{
    if (w->full) return NULL;
    if (more > w->room - w->size) {
        size_t room = w->room < 4096 ? 4096 : w->room;
        while (room - w->size < more) {
            if (room > SIZE_MAX / 2) {
                w->full = true;
                return NULL;
            }
            room *= 2;
        }
        uint8_t *data = andon_arena_take(w->arena, room);
        if (data == NULL) {
            w->full = true;
            return NULL;
        }
        if (w->size > 0) memcpy(data, w->data, w->size);
        w->data = data;
        w->room = room;
    }
    uint8_t *at = w->data + w->size;
    w->size += more;
    return at;
}

void andon_put_bytes(struct andon_writer *w, const void *data, size_t size)
{
    uint8_t *at = grow(w, size);
    if (at != NULL && size > 0) memcpy(at, data, size);
}

void andon_put_u8(struct andon_writer *w, uint8_t v)
{
    andon_put_bytes(w, &v, 1);
}

void andon_put_u32(struct andon_writer *w, uint32_t v)
{
    uint8_t *at = grow(w, 4);
    if (at == NULL) return;
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(v >> (8 * i));
}

void andon_put_u64(struct andon_writer *w, uint64_t v)
{
    uint8_t *at = grow(w, 8);
    if (at == NULL) return;
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(v >> (8 * i));
}

void andon_put_f32(struct andon_writer *w, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    andon_put_u32(w, bits);
}

void andon_put_f64(struct andon_writer *w, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    andon_put_u64(w, bits);
}

void andon_put_text(struct andon_writer *w, const char *text)
{
    size_t length = strlen(text);
    andon_put_u32(w, (uint32_t)length);
    andon_put_bytes(w, text, length);
}

void andon_put_f32s(struct andon_writer *w, const float *v, size_t count)
{
    for (size_t i = 0; i < count; i++) andon_put_f32(w, v[i]);
}

void andon_put_f64s(struct andon_writer *w, const double *v, size_t count)
{
    for (size_t i = 0; i < count; i++) andon_put_f64(w, v[i]);
}

void andon_put_u32s(struct andon_writer *w, const uint32_t *v, size_t count)
{
    for (size_t i = 0; i < count; i++) andon_put_u32(w, v[i]);
}

void andon_put_i32s(struct andon_writer *w, const int32_t *v, size_t count)
{
    for (size_t i = 0; i < count; i++) andon_put_u32(w, (uint32_t)v[i]);
}

void andon_reader_init(struct andon_reader *r, const void *data, size_t size)
{
    *r = (struct andon_reader){.data = data, .size = size};
}

size_t andon_reader_left(const struct andon_reader *r)
{
    return r->bad ? 0 : r->size - r->at;
}

static const uint8_t *get(struct andon_reader *r, size_t size)
{
    if (andon_reader_left(r) < size) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->data + r->at;
    r->at += size;
    return at;
}

void andon_get_bytes(struct andon_reader *r, void *data, size_t size)
{
    const uint8_t *at = get(r, size);
    if (size == 0) return;
    if (at == NULL)
        memset(data, 0, size);
    else
        memcpy(data, at, size);
}

uint8_t andon_get_u8(struct andon_reader *r)
{
    const uint8_t *at = get(r, 1);
    return at == NULL ? 0 : at[0];
}

uint32_t andon_get_u32(struct andon_reader *r)
{
    const uint8_t *at = get(r, 4);
    uint32_t v = 0;
    for (int i = 0; at != NULL && i < 4; i++) v |= (uint32_t)at[i] << (8 * i);
    return v;
}

uint64_t andon_get_u64(struct andon_reader *r)
{
    const uint8_t *at = get(r, 8);
    uint64_t v = 0;
    for (int i = 0; at != NULL && i < 8; i++) v |= (uint64_t)at[i] << (8 * i);
    return v;
}

float andon_get_f32(struct andon_reader *r)
{
    uint32_t bits = andon_get_u32(r);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

double andon_get_f64(struct andon_reader *r)
{
    uint64_t bits = andon_get_u64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

void andon_get_text(struct andon_reader *r, char *text, size_t room)
{
    uint32_t length = andon_get_u32(r);
    text[0] = 0;
    if (length >= room) {
        r->bad = true;
        return;
    }
    andon_get_bytes(r, text, length);
    text[length] = 0;
    if (strlen(text) != length) r->bad = true;
}

void andon_get_f32s(struct andon_reader *r, float *v, size_t count)
{
    for (size_t i = 0; i < count; i++) v[i] = andon_get_f32(r);
}

void andon_get_f64s(struct andon_reader *r, double *v, size_t count)
{
    for (size_t i = 0; i < count; i++) v[i] = andon_get_f64(r);
}

void andon_get_u32s(struct andon_reader *r, uint32_t *v, size_t count)
{
    for (size_t i = 0; i < count; i++) v[i] = andon_get_u32(r);
}

void andon_get_i32s(struct andon_reader *r, int32_t *v, size_t count)
{
    for (size_t i = 0; i < count; i++) v[i] = (int32_t)andon_get_u32(r);
}

void *andon_get_array(struct andon_reader *r, struct andon_arena *arena, size_t count, size_t size,
                      size_t wire)
{
    void *array = NULL;
    bool there = wire != 0 && count <= andon_reader_left(r) / wire;
    if (there) array = andon_arena_array(arena, count, size);
    if (array == NULL) {
        r->starved = there;
        r->bad = true;
    }
    return array;
}

andon_status andon_reader_blame(const struct andon_reader *r)
{
    return r->starved ? ANDON_ENOMEM : ANDON_EFORMAT;
}
