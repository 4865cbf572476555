/* The checksum of the store's blobs. */
#include "store/wire.h"

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Odd constants: digits of the golden ratio, of pi and of others. Four lanes, as one multiplication does
 * not wait for the other then. */
uint32_t wire_check(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ size, a = h, b = ~h, c = h << 1, d = ~(h << 1);
    for (; size >= 32; at += 32, size -= 32) {
        a = fold(a ^ wire_load64(at), UINT64_C(0xd1310ba698dfb5ad));
        b = fold(b ^ wire_load64(at + 8), UINT64_C(0x2ffd72dbd01adfb7));
        c = fold(c ^ wire_load64(at + 16), UINT64_C(0xb8e1afed6a267e97));
        d = fold(d ^ wire_load64(at + 24), UINT64_C(0xba7c9045f12c7f99));
    }
    h = fold(a ^ (b << 1), UINT64_C(0x24a19947b3916cf7)) ^ fold(c ^ (d << 1), ~h | 1);
    for (; size >= 8; at += 8, size -= 8)
        h = fold(h ^ wire_load64(at), UINT64_C(0xd1310ba698dfb5ad));
    uint64_t rest = 0;
    for (size_t i = 0; i < size; i++) rest |= (uint64_t)at[i] << (8 * i);
    h = fold(h ^ rest, UINT64_C(0x243f6a8885a308d3));
    return (uint32_t)(h ^ (h >> 32));
}
