/* Path lengths over a forest, two ways.
 *
 * The walk takes one row through eight trees side by side, so that eight chains of loads overlap.
 *
 * The lanes take 128 rows through every node of a tree: features become ranks among the thresholds of
 * a group of trees, one byte each, so that a node costs one compare and one select for 16, 32 or 64
 * rows, children before parents, and no row waits for another's branch. A tree of 256 samples has
 * about a hundred inner nodes: 100 nodes * 2 operations / 32 rows is less than the eight dependent
 * steps of a walk. */
#include "detect/kernel/trees.h"

#include <stdbool.h>

#if defined(TREES_THROUGH_SIMDE) /* a test runs the AVX-512 code where there is no AVX-512 */
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#define TREES_AVX512
#elif defined(__AVX512BW__) && defined(__AVX512VL__)
#include <immintrin.h>
#define TREES_AVX512
#elif defined(__AVX2__)
#include <immintrin.h>
#define TREES_AVX2
#endif

/* Below this many rows of a block the walk is faster. */
enum { LANES_ROWS_MIN = 40 };

#if defined(TREES_AVX512)
typedef __m512i lanes;
#define lanes_load(p) _mm512_load_si512((const void *)(p))
#define lanes_store(p, v) _mm512_store_si512((void *)(p), (v))
#define lanes_set(v) _mm512_set1_epi8((char)(v))
#define lanes_pick(x, t, a, b) _mm512_mask_blend_epi8(_mm512_cmpgt_epi8_mask((x), (t)), (a), (b))
#elif defined(TREES_AVX2)
typedef __m256i lanes;
#define lanes_load(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define lanes_store(p, v) _mm256_store_si256((__m256i *)(void *)(p), (v))
#define lanes_set(v) _mm256_set1_epi8((char)(v))
#define lanes_pick(x, t, a, b) _mm256_blendv_epi8((a), (b), _mm256_cmpgt_epi8((x), (t)))
#else
typedef int8_t lanes __attribute__((vector_size(16), may_alias));
#define lanes_load(p) (*(const lanes *)(const void *)(p))
#define lanes_store(p, v) (*(lanes *)(void *)(p) = (v))
#define lanes_set(v) ((lanes){0} + (int8_t)(v))
static inline lanes lanes_pick(lanes x, lanes t, lanes a, lanes b)
{
    lanes right = (lanes)(x > t);
    return (a & ~right) | (b & right);
}
#endif

/* What lies in scratch: first the row's keys (walk) or the columns (lanes). */
struct room {
    int32_t *key;    /* key[d]                                      */
    float *column;   /* column[d][TREES_CHUNK]                      */
    int8_t *rank;    /* rank[d][TREES_CHUNK]                        */
    int8_t *slot;    /* slot[TREES_LEAVES][TREES_BLOCK]             */
    uint32_t *part;  /* part[TREES_CHUNK], the sums of one group    */
};

static struct room room_at(const struct trees *trees, void *scratch)
{
    char *at = scratch;
    struct room room = {.key = scratch};
    size_t d = trees->d;
    if (trees->groups > 0) {
        room.column = (float *)(void *)at;
        room.rank = (int8_t *)(at + d * TREES_CHUNK * sizeof(float));
        room.slot = room.rank + d * TREES_CHUNK;
        room.part = (uint32_t *)(void *)(room.slot + TREES_LEAVES * TREES_BLOCK);
    }
    return room;
}

/* Eight trees side by side. */
static uint64_t bundle_sum(const struct trees_bundle *bundle, const int32_t *key)
{
    const uint64_t *node = bundle->node;
    uint32_t at[TREES_BUNDLE];
    for (int j = 0; j < TREES_BUNDLE; j++) at[j] = bundle->root[j];
    for (uint32_t step = 0; step < bundle->depth; step++) {
#pragma GCC unroll 8
        for (int j = 0; j < TREES_BUNDLE; j++) {
            uint64_t here = node[at[j]];
            at[j] = trees_node_left(here) + (key[trees_node_feature(here)] > trees_node_key(here));
        }
    }
    uint64_t sum = 0;
    for (int j = 0; j < TREES_BUNDLE; j++) sum += bundle->value[at[j]];
    return sum;
}

static uint64_t row_sum(const struct trees *trees, const float *x, int32_t *key)
{
    int nan = 0;
    for (uint32_t f = 0; f < trees->d; f++) {
        nan |= x[f] != x[f];
        key[f] = trees_key(x[f]);
    }
    if (nan) return TREES_NONE;
    uint64_t sum = 0;
    for (uint32_t b = 0; b < trees->bundles; b++) sum += bundle_sum(&trees->bundle[b], key);
    return sum;
}

/* Columns from rows; a row beyond n repeats the first, so that every lane holds a real row. */
static void transpose(const float *x, size_t n, size_t rows, uint32_t d, float *column)
{
    for (size_t i = 0; i < rows; i++) {
        const float *row = x + (i < n ? i : 0) * d;
        for (uint32_t f = 0; f < d; f++) column[(size_t)f * TREES_CHUNK + i] = row[f];
    }
}

static void nan_mark(const float *x, size_t n, uint32_t d, uint64_t *sum)
{
    for (size_t i = 0; i < n; i++) {
        int nan = 0;
        for (uint32_t f = 0; f < d; f++) nan |= x[i * d + f] != x[i * d + f];
        sum[i] = nan ? TREES_NONE : 0;
    }
}

#if defined(TREES_AVX512)
/* The five steps of the heap for sixteen rows, then one compare with the eight that are left. */
static void rank_column(const float *x, size_t rows, const float *table, int8_t *rank)
{
    const __m512 low = _mm512_loadu_ps(table), high = _mm512_loadu_ps(table + 16);
    const float *sorted = table + TREES_HEAP;
    for (size_t i = 0; i < rows; i += 16) {
        __m512 v = _mm512_load_ps(x + i);
        __m512i e = _mm512_set1_epi32(1);
        for (int level = 0; level < 5; level++) {
            __m512 pivot = _mm512_permutex2var_ps(low, e, high);
            __mmask16 right = _mm512_cmp_ps_mask(v, pivot, _CMP_GT_OQ);
            e = _mm512_add_epi32(e, e);
            e = _mm512_mask_add_epi32(e, right, e, _mm512_set1_epi32(1));
        }
        int32_t leaf[16] __attribute__((aligned(64)));
        _mm512_store_si512((void *)leaf, e);
        for (size_t j = 0; j < 16; j++) {
            int32_t from = 8 * (leaf[j] - 32);
            __m256 eight = _mm256_loadu_ps(sorted + from);
            __m256 less = _mm256_cmp_ps(eight, _mm256_set1_ps(x[i + j]), _CMP_LT_OQ);
            int below = __builtin_popcount((unsigned)_mm256_movemask_ps(less));
            rank[i + j] = (int8_t)(from + below - 128);
        }
    }
}
#elif defined(TREES_AVX2)
static void rank_column(const float *x, size_t rows, const float *table, int8_t *rank)
{
    const __m256 h0 = _mm256_loadu_ps(table), h1 = _mm256_loadu_ps(table + 8);
    const __m256 h2 = _mm256_loadu_ps(table + 16), h3 = _mm256_loadu_ps(table + 24);
    const __m256 top = _mm256_set1_ps(table[1]);
    const float *sorted = table + TREES_HEAP;
#define DEEPER(pivot)                                                                              \
    e = _mm256_sub_epi32(_mm256_add_epi32(e, e),                                                   \
                         _mm256_castps_si256(_mm256_cmp_ps(v, (pivot), _CMP_GT_OQ)))
    for (size_t i = 0; i < rows; i += 8) {
        __m256 v = _mm256_load_ps(x + i);
        __m256i e = _mm256_set1_epi32(1);
        DEEPER(top);
        DEEPER(_mm256_permutevar8x32_ps(h0, e));
        DEEPER(_mm256_permutevar8x32_ps(h0, e));
        DEEPER(_mm256_permutevar8x32_ps(h1, e));
        DEEPER(_mm256_blendv_ps(_mm256_permutevar8x32_ps(h2, e), _mm256_permutevar8x32_ps(h3, e),
                                _mm256_castsi256_ps(_mm256_slli_epi32(e, 28))));
        int32_t leaf[8] __attribute__((aligned(32)));
        _mm256_store_si256((__m256i *)(void *)leaf, e);
        for (size_t j = 0; j < 8; j++) {
            int32_t from = 8 * (leaf[j] - 32);
            __m256 eight = _mm256_loadu_ps(sorted + from);
            __m256 less = _mm256_cmp_ps(eight, _mm256_broadcast_ss(x + i + j), _CMP_LT_OQ);
            int below = __builtin_popcount((unsigned)_mm256_movemask_ps(less));
            rank[i + j] = (int8_t)(from + below - 128);
        }
    }
#undef DEEPER
}
#else
static void rank_column(const float *x, size_t rows, const float *table, int8_t *rank)
{
    const float *sorted = table + TREES_HEAP;
    for (size_t i = 0; i < rows; i++) {
        int32_t e = 1;
        for (int level = 0; level < 5; level++) e = 2 * e + (x[i] > table[e]);
        int32_t from = 8 * (e - 32), below = 0;
        for (int32_t j = 0; j < 8; j++) below += sorted[from + j] < x[i];
        rank[i] = (int8_t)(from + below - 128);
    }
}
#endif

/* One tree for the rows at..at+TREES_BLOCK of the chunk. */
static const uint8_t *tree_codes(const struct trees_plan *plan, const struct trees_op *op,
                                 const int8_t *rank, size_t at, int8_t *slot)
{
    for (uint32_t k = 0; k < plan->cherries; k++, op++) {
        const int8_t *x = rank + (size_t)op->column * TREES_CHUNK + at;
        int8_t *out = slot + (size_t)op->out * TREES_BLOCK;
        lanes t = lanes_set(op->threshold), a = lanes_set(op->a), b = lanes_set(op->b);
        for (size_t r = 0; r < TREES_BLOCK; r += sizeof(lanes))
            lanes_store(out + r, lanes_pick(lanes_load(x + r), t, a, b));
    }
    for (uint32_t k = 0; k < plan->joins; k++, op++) {
        const int8_t *x = rank + (size_t)op->column * TREES_CHUNK + at;
        const int8_t *a = slot + (size_t)op->a * TREES_BLOCK;
        const int8_t *b = slot + (size_t)op->b * TREES_BLOCK;
        int8_t *out = slot + (size_t)op->out * TREES_BLOCK;
        lanes t = lanes_set(op->threshold);
        for (size_t r = 0; r < TREES_BLOCK; r += sizeof(lanes))
            lanes_store(out + r,
                        lanes_pick(lanes_load(x + r), t, lanes_load(a + r), lanes_load(b + r)));
    }
    return (const uint8_t *)slot + (size_t)plan->result * TREES_BLOCK;
}

static void tree_add(const struct trees *trees, const struct trees_plan *plan,
                     const struct room *room, size_t rows)
{
    const uint32_t *value = trees->value + plan->value;
    for (uint32_t c = 0; c < plan->constants; c++)
        memset(room->slot + (size_t)c * TREES_BLOCK, (int)c, TREES_BLOCK);
    for (size_t at = 0; at < rows; at += TREES_BLOCK) {
        const uint8_t *code = tree_codes(plan, trees->op + plan->op, room->rank, at, room->slot);
        uint32_t *part = room->part + at;
        for (size_t r = 0; r < TREES_BLOCK; r++) part[r] += value[code[r]];
    }
}

/* rows is a multiple of TREES_BLOCK and at least n. */
static void lanes_sum(const struct trees *trees, const float *x, size_t n, size_t rows,
                      uint64_t *sum, const struct room *room)
{
    nan_mark(x, n, trees->d, sum);
    transpose(x, n, rows, trees->d, room->column);
    for (uint32_t g = 0; g < trees->groups; g++) {
        const struct trees_group *group = &trees->group[g];
        const struct trees_column *column = trees->column + group->column;
        for (uint32_t k = 0; k < group->columns; k++) {
            size_t from = (size_t)column[k].feature * TREES_CHUNK;
            rank_column(room->column + from, rows, trees->table + column[k].table,
                        room->rank + from);
        }
        memset(room->part, 0, rows * sizeof room->part[0]);
        for (uint32_t k = 0; k < group->plans; k++)
            tree_add(trees, &trees->plan[group->plan + k], room, rows);
        for (size_t i = 0; i < n; i++)
            if (sum[i] != TREES_NONE) sum[i] += room->part[i];
    }
}

void KERNEL(trees_sum)(const struct trees *trees, const float *x, size_t n, uint64_t *sum,
                       void *scratch)
{
    struct room room = room_at(trees, scratch);
    size_t lanes_n = 0;
    if (trees->groups > 0) {
        size_t rest = n % TREES_BLOCK;
        lanes_n = rest < LANES_ROWS_MIN ? n - rest : n;
    }
    if (lanes_n > 0) {
        size_t rows = (lanes_n + TREES_BLOCK - 1) / TREES_BLOCK * TREES_BLOCK;
        lanes_sum(trees, x, lanes_n, rows, sum, &room);
    }
    for (size_t i = lanes_n; i < n; i++) sum[i] = row_sum(trees, x + i * trees->d, room.key);
}
