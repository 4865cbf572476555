/* One byte per row: the widest vectors of the instruction set that a file is compiled for.
 *
 *   lanes_pick     a where x < t, else b (so that x is the operand that may come from memory)
 *   lanes_sixteen  sixteen bytes, repeated; with LANES_FIND
 *   lanes_find     the byte at x of the sixteen, 0 where x has bit 7; with LANES_FIND
 *   lanes_even     the even lanes as 16 bits, lanes_odd the odd ones; with LANES_FIND */
#ifndef DETECT_KERNEL_LANES_H
#define DETECT_KERNEL_LANES_H

#include <stdint.h>

/* A test runs the AVX-512 code where there is no AVX-512. */
#if defined(LANES_THROUGH_SIMDE)
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#define LANES_AVX512
#elif defined(__AVX512BW__) && defined(__AVX512VL__)
#include <immintrin.h>
#define LANES_AVX512
#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES_AVX2
#endif

#if defined(LANES_AVX512)
#define LANES_FIND
typedef __m512i lanes;
#define lanes_load(p) _mm512_load_si512((const void *)(p))
#define lanes_store(p, v) _mm512_store_si512((void *)(p), (v))
#define lanes_set(v) _mm512_set1_epi8((char)(v))
#define lanes_flip(x, s) _mm512_xor_si512((x), (s))
#define lanes_or(x, y) _mm512_or_si512((x), (y))
#define lanes_add_bytes(x, y) _mm512_adds_epu8((x), (y))
#define lanes_add_words(x, y) _mm512_add_epi16((x), (y))
#define lanes_even(x) _mm512_and_si512((x), _mm512_set1_epi16(255))
#define lanes_odd(x) _mm512_srli_epi16((x), 8)
#define lanes_sixteen(p) _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(const void *)(p)))
#define lanes_find(sixteen, x) _mm512_shuffle_epi8((sixteen), (x))
#define lanes_pick(x, t, a, b) _mm512_mask_blend_epi8(_mm512_cmpgt_epi8_mask((t), (x)), (b), (a))
#elif defined(LANES_AVX2)
#define LANES_FIND
typedef __m256i lanes;
#define lanes_load(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define lanes_store(p, v) _mm256_store_si256((__m256i *)(void *)(p), (v))
#define lanes_set(v) _mm256_set1_epi8((char)(v))
#define lanes_flip(x, s) _mm256_xor_si256((x), (s))
#define lanes_or(x, y) _mm256_or_si256((x), (y))
#define lanes_add_bytes(x, y) _mm256_adds_epu8((x), (y))
#define lanes_add_words(x, y) _mm256_add_epi16((x), (y))
#define lanes_even(x) _mm256_and_si256((x), _mm256_set1_epi16(255))
#define lanes_odd(x) _mm256_srli_epi16((x), 8)
#define lanes_sixteen(p)                                                                           \
    _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)(p)))
#define lanes_find(sixteen, x) _mm256_shuffle_epi8((sixteen), (x))
#define lanes_pick(x, t, a, b) _mm256_blendv_epi8((b), (a), _mm256_cmpgt_epi8((t), (x)))
#else
typedef int8_t lanes __attribute__((vector_size(16), may_alias));
#define lanes_load(p) (*(const lanes *)(const void *)(p))
#define lanes_store(p, v) (*(lanes *)(void *)(p) = (v))
#define lanes_set(v) ((lanes){0} + (int8_t)(v))
#define lanes_flip(x, s) ((x) ^ (s))
static inline lanes lanes_pick(lanes x, lanes t, lanes a, lanes b)
{
    lanes left = (lanes)(t > x);
    return (a & left) | (b & ~left);
}
#endif

#endif
