#include "journal/checksum.h"

#include <stdbool.h>
#include <string.h>

#include "andon/bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *at,
                                                                 size_t size)
{
    uint64_t c = ~crc;
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        c = _mm_crc32_u64(c, word);
    }
    uint32_t rest = (uint32_t)c;
    if ((size & 4) != 0) {
        uint32_t word;
        memcpy(&word, at, 4);
        rest = _mm_crc32_u32(rest, word);
        at += 4;
        size -= 4;
    }
    for (; size > 0; at++, size--) rest = _mm_crc32_u8(rest, *at);
    return ~rest;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

__attribute__((target("arch=armv8-a+crc"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *at, size_t size)
{
    uint32_t c = ~crc;
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        c = __builtin_aarch64_crc32cx(c, word);
    }
    if ((size & 4) != 0) {
        uint32_t word;
        memcpy(&word, at, 4);
        c = __builtin_aarch64_crc32cw(c, word);
        at += 4;
        size -= 4;
    }
    for (; size > 0; at++, size--) c = __builtin_aarch64_crc32cb(c, *at);
    return ~c;
}

static bool has_instruction(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

#else
static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t size)
{
    return andon_crc32c(crc, at, size);
}

static bool has_instruction(void)
{
    return false;
}
#endif

uint32_t checksum_crc32c(uint32_t crc, const void *data, size_t size)
{
    return has_instruction() ? by_instruction(crc, data, size) : andon_crc32c(crc, data, size);
}
