/* Cells for one instruction set; the contract is in cells.h.
 *
 * With AVX2 four cells go side by side, eight bytes each. A cell's text is shifted to the upper end
 * of its lane, where zeros in front of it are leading zeros; the bytes below the point move up by
 * one, so that the digits are one whole number, which is divided by a power of ten. */
#include "ingest/kernel/cells.h"

#include "ingest/digits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

/* Bit i: text[i] ends a cell. */
#if defined(__AVX2__)
static inline uint64_t block_ends(const char *text, char delimiter)
{
    const __m256i d = _mm256_set1_epi8(delimiter), n = _mm256_set1_epi8('\n');
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
    x = _mm256_or_si256(_mm256_cmpeq_epi8(x, d), _mm256_cmpeq_epi8(x, n));
    y = _mm256_or_si256(_mm256_cmpeq_epi8(y, d), _mm256_cmpeq_epi8(y, n));
    return (uint32_t)_mm256_movemask_epi8(x) | (uint64_t)(uint32_t)_mm256_movemask_epi8(y) << 32;
}
#elif defined(__SSE2__)
static inline uint64_t sixteen_ends(const char *text, __m128i delimiter, __m128i newline)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)text);
    x = _mm_or_si128(_mm_cmpeq_epi8(x, delimiter), _mm_cmpeq_epi8(x, newline));
    return (uint64_t)(unsigned)_mm_movemask_epi8(x);
}

static inline uint64_t block_ends(const char *text, char delimiter)
{
    const __m128i d = _mm_set1_epi8(delimiter), n = _mm_set1_epi8('\n');
    return sixteen_ends(text, d, n) | sixteen_ends(text + 16, d, n) << 16 |
           sixteen_ends(text + 32, d, n) << 32 | sixteen_ends(text + 48, d, n) << 48;
}
#else
/* The top bit of every byte of x that is 0, exactly. */
static inline uint64_t zeros(uint64_t x)
{
    const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
    return ~(((x & low) + low) | x | low);
}

static inline uint64_t block_ends(const char *text, char delimiter)
{
    const uint64_t each = 0x0101010101010101u;
    uint64_t ends = 0;
    for (int i = 0; i < BLOCK; i += 8) {
        uint64_t x;
        memcpy(&x, text + i, sizeof x);
        uint64_t end = zeros(x ^ each * (unsigned char)delimiter) | zeros(x ^ each * '\n');
        ends |= ((end >> 7) * 0x0102040810204080u >> 56) << i;
    }
    return ends;
}
#endif

/* Writes where the bits of ends stand, counted from `at`; returns how many. */
#if defined(__AVX2__)
static inline size_t list_ends(uint64_t ends, size_t at, int32_t *bound)
{
    size_t count = (size_t)__builtin_popcountll(ends);
    /* Mostly about nine; what is written beyond is overwritten by the next block. */
    for (int k = 0; k < 12; k++, ends = _blsr_u64(ends)) bound[k] = (int32_t)(at + _tzcnt_u64(ends));
    for (size_t k = 12; ends != 0; k++, ends = _blsr_u64(ends))
        bound[k] = (int32_t)(at + _tzcnt_u64(ends));
    return count;
}
#else
static inline size_t list_ends(uint64_t ends, size_t at, int32_t *bound)
{
    size_t count = 0;
    for (; ends != 0; ends &= ends - 1)
        bound[count++] = (int32_t)(at + (unsigned)__builtin_ctzll(ends));
    return count;
}
#endif

static size_t find(const char *text, size_t length, char delimiter, size_t wanted, int32_t *bound)
{
    size_t count = 0;
    bound[0] = -1;
    for (size_t at = 0; at < length && (at < CELLS_BYTES || count < wanted); at += BLOCK) {
        uint64_t ends = block_ends(text + at, delimiter);
        if (length - at < BLOCK) ends &= ((uint64_t)1 << (length - at)) - 1;
        count += list_ends(ends, at, bound + count + 1);
    }
    return count;
}

static __attribute__((noinline)) size_t read_each(const char *text, const int32_t *bound, size_t n,
                                                  double *value)
{
    for (size_t i = 0; i < n; i++) {
        const char *start = text + (bound[i] + 1), *end = text + bound[i + 1];
        if (!digits_short(start, (size_t)(end - start), &value[i])) return i;
    }
    return n;
}

#if defined(__AVX2__)
enum { FOUR = 4 };

/* Eight bytes from each of four cells' starts. */
static inline __m256i load_four(const char *text, const int32_t *bound)
{
    long long lane[FOUR];
    for (int k = 0; k < FOUR; k++) memcpy(&lane[k], text + (bound[k] + 1), sizeof lane[k]);
    return _mm256_xor_si256(_mm256_set_epi64x(lane[3], lane[2], lane[1], lane[0]),
                            _mm256_set1_epi64x(DIGITS_ZEROS));
}

static inline __m256i widened(const int32_t *four)
{
    return _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)(const void *)four));
}

/* value[k] of eight doubles, given their halves; the low half of value[0] is 0. */
static inline __m256d look_up(__m256i low, __m256i high, __m256i k)
{
    __m256i upper = _mm256_slli_epi64(_mm256_permutevar8x32_epi32(high, k), 32);
    return _mm256_castsi256_pd(_mm256_or_si256(_mm256_permutevar8x32_epi32(low, k), upper));
}

/* whole / 10^behind, whole < 10^8 and behind < 8, as a division would round it (Markstein, IBM
 * Journal of Research and Development 34, 1990): the quotient's error is exact and corrects it. */
static inline __m256d divided(__m256i whole, __m256i behind)
{
    const __m256i ten_high = _mm256_setr_epi32(0x3FF00000, 0x40240000, 0x40590000, 0x408F4000,
                                               0x40C38800, 0x40F86A00, 0x412E8480, 0x416312D0);
    const __m256i tenth_high = _mm256_setr_epi32(0x3FF00000, 0x3FB99999, 0x3F847AE1, 0x3F50624D,
                                                 0x3F1A36E2, 0x3EE4F8B5, 0x3EB0C6F7, 0x3E7AD7F2);
    const __m256i tenth_low = _mm256_setr_epi32(
        0, (int)0x9999999Au, 0x47AE147B, (int)0xD2F1A9FCu, (int)0xEB1C432Du, (int)0x88E368F1u,
        (int)0xA0B5ED8Du, (int)0x9ABCAF48u);
    const __m256i magic = _mm256_set1_epi64x(0x4330000000000000); /* 2^52 */
    __m256d size = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(whole, magic)),
                                 _mm256_castsi256_pd(magic));
    __m256d ten = look_up(_mm256_setzero_si256(), ten_high, behind);
    __m256d tenth = look_up(tenth_low, tenth_high, behind);
    __m256d quotient = _mm256_mul_pd(size, tenth);
    return _mm256_fmadd_pd(_mm256_fnmadd_pd(quotient, ten, size), tenth, quotient);
}

/* The value of eight digits per lane. */
static inline __m256i lanes_eight(__m256i x)
{
    x = _mm256_maddubs_epi16(x, _mm256_set1_epi16(0x010A));   /* pairs, first * 10 + second     */
    x = _mm256_madd_epi16(x, _mm256_set1_epi32(0x00010064));  /* fours, first * 100 + second */
    return _mm256_add_epi64(_mm256_mul_epu32(x, _mm256_set1_epi64x(10000)),
                            _mm256_srli_epi64(x, 32));
}

/* Four cells; false when one of them is not short. */
static inline int read_four(const char *text, const int32_t *bound, double *value)
{
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi64x(1);
    __m256i length = _mm256_sub_epi64(widened(bound + 1), _mm256_add_epi64(widened(bound), one));
    __m256i shift = _mm256_slli_epi64(_mm256_sub_epi64(_mm256_set1_epi64x(8), length), 3);
    /* A length beyond 8 makes the shift negative, which as an unsigned number empties the lane. */
    __m256i x = _mm256_sllv_epi64(load_four(text, bound), shift);
    __m256i minus = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('-' ^ '0'));
    __m256i point = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('.' ^ '0'));
    __m256i lowest = _mm256_and_si256(point, _mm256_sub_epi64(zero, point));
    __m256i below = _mm256_sub_epi64(lowest, one);
    __m256i above = _mm256_sub_epi64(zero, _mm256_slli_epi64(lowest, 8));
    __m256i whole = _mm256_cmpeq_epi64(point, zero), negative = _mm256_cmpeq_epi64(minus, zero);
    x = _mm256_andnot_si256(minus, x);
    __m256i moved = _mm256_or_si256(_mm256_slli_epi64(_mm256_and_si256(x, below), 8),
                                    _mm256_and_si256(x, above));
    __m256i digits = _mm256_blendv_epi8(moved, x, whole);
    __m256i behind = _mm256_sad_epu8(_mm256_and_si256(above, _mm256_set1_epi8(1)), zero);
    /* What is wrong: a byte above 9, a minus that is not the first byte, too few bytes or too many. */
    __m256i first = _mm256_sllv_epi64(_mm256_set1_epi64x(0xFF), shift);
    __m256i used = _mm256_add_epi64(one, _mm256_add_epi64(_mm256_add_epi64(one, whole),
                                                          _mm256_add_epi64(one, negative)));
    __m256i wrong = _mm256_or_si256(_mm256_subs_epu8(digits, _mm256_set1_epi8(9)),
                                    _mm256_andnot_si256(first, minus));
    wrong = _mm256_or_si256(wrong, _mm256_cmpgt_epi64(used, length));
    wrong = _mm256_or_si256(wrong, _mm256_cmpgt_epi64(length, _mm256_set1_epi64x(8)));
    __m256d v = divided(lanes_eight(digits), behind);
    __m256d sign = _mm256_castsi256_pd(
        _mm256_andnot_si256(negative, _mm256_set1_epi64x((long long)0x8000000000000000u)));
    _mm256_storeu_pd(value, _mm256_or_pd(v, sign));
    return _mm256_testz_si256(wrong, wrong);
}

static size_t read(const char *text, const int32_t *bound, size_t n, double *value)
{
    size_t i = 0;
    for (; i + FOUR <= n; i += FOUR) {
        if (read_four(text, bound + i, value + i)) continue;
        size_t got = read_each(text, bound + i, FOUR, value + i);
        if (got < FOUR) return i + got;
    }
    if (i == n) return n;
    if (n >= FOUR) { /* some of the last four once more */
        if (read_four(text, bound + n - FOUR, value + n - FOUR)) return n;
        i = n - FOUR;
    }
    return i + read_each(text, bound + i, n - i, value + i);
}
#else
static size_t read(const char *text, const int32_t *bound, size_t n, double *value)
{
    return read_each(text, bound, n, value);
}
#endif

const struct cells_kernel KERNEL(cells_kernel) = {.find = find, .read = read};
