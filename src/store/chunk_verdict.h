/* The verdicts of a chunk's rows as columns. Used by chunk.c alone. */
#ifndef STORE_CHUNK_VERDICT_H
#define STORE_CHUNK_VERDICT_H

#include "store/number_column.h"
#include "store/sheet.h"

/* Bytes that chunk_verdict_put needs at most for n rows. */
size_t chunk_verdict_bytes_max(uint32_t n);

/* Rows order[n], of which some are judged; returns the end. */
uint8_t *chunk_verdict_put(uint8_t *out, const struct sheet *sheet, const uint32_t *order,
                           uint32_t n);

/* chunk_verdict_get fills judged, judged_rows and verdict of the sheet's rows. */
bool chunk_verdict_get(struct wire *in, struct sheet *sheet);

/* chunk_verdict_states reads no more than the states of n rows; see chunk_states. */
bool chunk_verdict_states(struct wire *in, uint32_t n, uint8_t *state);

#endif
