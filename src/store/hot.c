/* See hot.h. */
#include "store/hot.h"

#include <stdlib.h>

enum { VERSION = 1, ROOM_FIRST = 64 << 10, RUN_HEAD_MAX = 4 * WIRE_VARINT_MAX };

void hot_free(struct hot_blob *b)
{
    free(b->bytes);
    *b = (struct hot_blob){0};
}

void hot_begin(struct hot_blob *b)
{
    b->size = 0;
}

bool hot_is_empty(const struct hot_blob *b)
{
    return b->size == 0;
}

static andon_status make_room(struct hot_blob *b, size_t more, andon_error *err)
{
    size_t room = b->room > 0 ? b->room : ROOM_FIRST;
    while (room - b->size < more) room *= 2;
    if (room == b->room) return ANDON_OK;
    uint8_t *bytes = realloc(b->bytes, room);
    if (bytes == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for %zu bytes of rows", room);
    b->bytes = bytes;
    b->room = room;
    return ANDON_OK;
}

andon_status hot_add(struct hot_blob *b, const struct hot_run *run, andon_error *err)
{
    if (run->rows == 0) return ANDON_OK;
    andon_status st = make_room(b, 1 + RUN_HEAD_MAX + (size_t)run->size, err);
    if (st != ANDON_OK) return st;
    uint8_t *at = b->bytes + b->size;
    if (b->size == 0) *at++ = VERSION;
    at = wire_put_varint(at, run->asset);
    at = wire_put_varint(at, run->first);
    at = wire_put_varint(at, run->rows);
    at = wire_put_varint(at, run->size);
    at = wire_put_bytes(at, run->bytes, run->size);
    b->size = (size_t)(at - b->bytes);
    return ANDON_OK;
}

andon_status hot_end(struct hot_blob *b, andon_error *err)
{
    if (b->size == 0) return ANDON_OK;
    andon_status st = make_room(b, 4, err);
    if (st != ANDON_OK) return st;
    wire_put_u32(b->bytes + b->size, wire_check(b->bytes, b->size));
    b->size += 4;
    return ANDON_OK;
}

bool hot_open(struct wire *in, const void *bytes, size_t size)
{
    if (size < 5) return false;
    *in = (struct wire){.at = bytes, .end = (const uint8_t *)bytes + size - 4};
    struct wire check = {.at = in->end, .end = in->end + 4};
    return wire_u32(&check) == wire_check(bytes, size - 4) && wire_u8(in) == VERSION;
}

bool hot_next(struct wire *in, struct hot_run *run)
{
    if (in->bad || wire_left(in) == 0) return false;
    run->asset = wire_count(in, UINT32_MAX);
    run->first = wire_varint(in);
    run->rows = wire_count(in, UINT32_MAX);
    run->size = wire_count(in, UINT32_MAX);
    run->bytes = wire_take(in, run->size);
    if (run->rows == 0 || run->rows > run->size || run->first > INT64_MAX) in->bad = true;
    return !in->bad;
}
