/* Blobs of the table `hot`: rows that fill no chunk yet. A blob is runs of records (store/record.h), a
 * run being rows of one asset that came in succession. Read as hostile input.
 *
 *   u8 version
 *   run: varint asset, varint number of its first row, varint rows, varint bytes, the records
 *   u32 check of everything before */
#ifndef STORE_HOT_H
#define STORE_HOT_H

#include "store/wire.h"
#include "andon/status.h"

struct hot_run {
    uint32_t asset;
    uint64_t first;       /* how many rows of the asset came before: see tail_asset.sealed */
    uint32_t rows, size;
    const uint8_t *bytes; /* bytes[size] */
};

/* A blob in the making; its room grows and is used again. */
struct hot_blob {
    uint8_t *bytes;
    size_t size, room;
};

void hot_free(struct hot_blob *blob);
void hot_begin(struct hot_blob *blob);
ANDON_MUST_CHECK andon_status hot_add(struct hot_blob *blob, const struct hot_run *run,
                                      andon_error *err);
ANDON_MUST_CHECK andon_status hot_end(struct hot_blob *blob, andon_error *err);
bool hot_is_empty(const struct hot_blob *blob);

/* hot_open gets ready to read a blob's runs; false: no such blob, or damaged. hot_next gives the next
 * run: false at the end, where in->bad says whether the blob is damaged. */
bool hot_open(struct wire *in, const void *bytes, size_t size);
bool hot_next(struct wire *in, struct hot_run *run);

#endif
