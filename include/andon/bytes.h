/* Bytes on disk: little-endian, bounded, read as hostile input. */
#ifndef ANDON_BYTES_H
#define ANDON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A growing byte string in an arena. Once a put finds no room, .full is set, later puts do nothing,
 * and whoever started the writing checks once at the end. */
struct andon_writer {
    struct andon_arena *arena;
    uint8_t *data;
    size_t size, room;
    bool full;
};

void andon_writer_init(struct andon_writer *w, struct andon_arena *arena);
void andon_put_u8(struct andon_writer *w, uint8_t v);
void andon_put_u32(struct andon_writer *w, uint32_t v);
void andon_put_u64(struct andon_writer *w, uint64_t v);
void andon_put_f32(struct andon_writer *w, float v);
void andon_put_f64(struct andon_writer *w, double v);
void andon_put_bytes(struct andon_writer *w, const void *data, size_t size);
void andon_put_text(struct andon_writer *w, const char *text); /* u32 length, bytes */
void andon_put_f32s(struct andon_writer *w, const float *v, size_t count);
void andon_put_f64s(struct andon_writer *w, const double *v, size_t count);
void andon_put_u32s(struct andon_writer *w, const uint32_t *v, size_t count);
void andon_put_i32s(struct andon_writer *w, const int32_t *v, size_t count);

/* A cursor over borrowed bytes. Once a get runs past the end, .bad is set and every later get gives
 * zeros, so that a decoder checks once per section. Arrays are bounded by what is left to read
 * before anything is allocated. */
struct andon_reader {
    const uint8_t *data;
    size_t size, at;
    bool bad;
    bool starved; /* with .bad: the bytes were there, but the arena had no room */
};

void andon_reader_init(struct andon_reader *r, const void *data, size_t size);
size_t andon_reader_left(const struct andon_reader *r);
uint8_t andon_get_u8(struct andon_reader *r);
uint32_t andon_get_u32(struct andon_reader *r);
uint64_t andon_get_u64(struct andon_reader *r);
float andon_get_f32(struct andon_reader *r);
double andon_get_f64(struct andon_reader *r);
void andon_get_bytes(struct andon_reader *r, void *data, size_t size);
/* Text of at most room-1 bytes without 0 inside; otherwise .bad. Always 0-terminated. */
void andon_get_text(struct andon_reader *r, char *text, size_t room);
void andon_get_f32s(struct andon_reader *r, float *v, size_t count);
void andon_get_f64s(struct andon_reader *r, double *v, size_t count);
void andon_get_u32s(struct andon_reader *r, uint32_t *v, size_t count);
void andon_get_i32s(struct andon_reader *r, int32_t *v, size_t count);
/* andon_get_array takes count*size bytes of zeroed room from the arena, but only if at least
 * count*wire bytes are left to read (wire = bytes per element on disk). NULL sets .bad. */
void *andon_get_array(struct andon_reader *r, struct andon_arena *arena, size_t count, size_t size,
                      size_t wire);

/* andon_reader_blame is what a decoder that stopped returns: ANDON_ENOMEM when the arena had no room,
 * else ANDON_EFORMAT. */
andon_status andon_reader_blame(const struct andon_reader *r);

/* CRC-32C (Castagnoli) of size bytes, continuing from crc (0 to start). */
uint32_t andon_crc32c(uint32_t crc, const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif
