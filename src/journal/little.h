/* Whole numbers as little-endian bytes at any address; compilers make one move of each. */
#ifndef JOURNAL_LITTLE_H
#define JOURNAL_LITTLE_H

#include <stdint.h>

static inline void little_put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(v >> (8 * i));
}

static inline void little_put64(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t little_get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t little_get64(const uint8_t *at)
{
    return (uint64_t)little_get32(at) | (uint64_t)little_get32(at + 4) << 32;
}

#endif
