/* Cells of plain text, many at once: where they end, and the numbers in them. Every instruction set
 * gives the same bits. */
#ifndef INGEST_KERNEL_CELLS_H
#define INGEST_KERNEL_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include "detect/kernel/kernel.h"

#define CELLS_BYTES 4096u /* of text that are looked at together      */
#define CELLS_SLACK 64u   /* bytes that are readable behind the text  */

/* Bounds that cells_find may write where `wanted` are wanted. */
static inline size_t cells_room(size_t wanted)
{
    return (wanted > CELLS_BYTES ? wanted : CELLS_BYTES) + 129;
}

struct cells_kernel {
    /* find lists the delimiters and newlines of text[length]: of CELLS_BYTES, and on until there are
     * `wanted`. Cell i is text[bound[i] + 1 .. bound[i + 1]), so bound[0] is -1. Returns how many
     * cells; bound[cells_room(wanted)]. Quotes are not understood: ends may lie in them. */
    size_t (*find)(const char *text, size_t length, char delimiter, size_t wanted, int32_t *bound);

    /* read reads the cells bound[0..n] into value[n] and stops at the first that digits_short does
     * not read; returns how many it read. Behind them value[] is undefined. */
    size_t (*read)(const char *text, const int32_t *bound, size_t n, double *value);
};

#define CELLS_DECLARE(suffix) extern const struct cells_kernel cells_kernel_##suffix;
KERNEL_EACH(CELLS_DECLARE)
#undef CELLS_DECLARE

#endif
