/* Path lengths over a forest, two ways.
 *
 * The walk takes one row through eight trees side by side, so that eight chains
 * of loads overlap.
 *
 * The lanes take 512 rows through every node of a tree: features become ranks
 * among the thresholds of a group of trees, one byte each, so that a node costs
 * one compare and one select for 16, 32 or 64 rows, children before parents,
 * and no row waits for another's branch. What limits them is loads and stores:
 * so two or three nodes are judged at a time where they have leaves below. */
#include "detect/kernel/trees.h"

#include "detect/kernel/lanes.h"

/* Below this many rows of a block the walk is faster. */
enum { LANES_ROWS_MIN = 18 };

/* A row's sum over a group of trees is kept in bytes' planes of 16 bits where
 * bytes can be looked up by many rows at once, else as it is. */
#if defined(LANES_FIND)
typedef uint16_t part;
enum { PARTS = TREES_PLANES };
#else
typedef uint32_t part;
enum { PARTS = 1 };
#endif

/* What lies in scratch: first the row's keys (walk) or the columns (lanes). */
struct room {
    uint64_t *key; /* key[d], each << 32                          */
    float *column; /* column[d][TREES_RANKED]                     */
    int8_t *rank;  /* rank[d][TREES_CHUNK]                        */
    int8_t *slot;  /* slot[slots][TREES_BLOCK]                    */
    part *sum;     /* sum[TREES_CHUNK * PARTS], of one group      */
};

static struct room room_at(const struct trees *trees, void *scratch)
{
    char *at = scratch;
    struct room room = {.key = scratch};
    size_t d = trees->d;
    if (trees->groups > 0) {
        room.column = (float *)(void *)at;
        room.rank = (int8_t *)(at + d * TREES_RANKED * sizeof(float));
        room.slot = room.rank + d * TREES_CHUNK;
        room.sum = (part *)(void *)(room.slot + trees->slots * TREES_BLOCK);
    }
    return room;
}

/* Eight trees side by side. */
static uint64_t bundle_sum(const struct trees_bundle *bundle, const uint64_t *key)
{
    const uint64_t *node = bundle->node;
    uint32_t at[TREES_BUNDLE];
    for (int j = 0; j < TREES_BUNDLE; j++) at[j] = bundle->root[j];
    for (uint32_t step = 0; step < bundle->depth; step++) {
#pragma GCC unroll 8
        for (int j = 0; j < TREES_BUNDLE; j++) {
            uint64_t here = node[at[j]];
            at[j] = trees_node_left(here) + (key[trees_node_feature(here)] > here);
        }
    }
    uint64_t sum = 0;
    for (int j = 0; j < TREES_BUNDLE; j++) sum += bundle->value[at[j]];
    return sum;
}

static uint64_t row_sum(const struct trees *trees, const float *x, uint64_t *key)
{
    int nan = 0;
    for (uint32_t f = 0; f < trees->d; f++) {
        nan |= x[f] != x[f];
        key[f] = (uint64_t)trees_key(x[f]) << 32;
    }
    if (nan) return TREES_NONE;
    uint64_t sum = 0;
    for (uint32_t b = 0; b < trees->bundles; b++) sum += bundle_sum(&trees->bundle[b], key);
    return sum;
}

#if defined(LANES_FIND)
/* Eight values of eight rows to eight columns. */
static inline void transpose_eight(const float *x, uint32_t d, float *column)
{
    __m256 r[8], t[8];
    for (uint32_t i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(x + (size_t)i * d);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    for (size_t i = 0; i < 4; i++) {
        _mm256_store_ps(column + i * TREES_RANKED, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_store_ps(column + (i + 4) * TREES_RANKED,
                        _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}
#endif

/* Columns from rows; a row beyond n repeats the last, so that every lane holds
 * a real row. */
static void transpose(const float *x, size_t n, size_t rows, uint32_t d, float *column)
{
    size_t i = 0;
#if defined(LANES_FIND)
    for (; d >= 8 && i + 8 <= n && i + 8 <= rows; i += 8) {
        for (uint32_t f = 0; f + 8 < d; f += 8)
            transpose_eight(x + i * d + f, d, column + (size_t)f * TREES_RANKED + i);
        transpose_eight(x + i * d + d - 8, d, column + (size_t)(d - 8) * TREES_RANKED + i);
    }
#endif
    for (; i < rows; i++) {
        const float *row = x + (i < n ? i : n - 1) * d;
        for (uint32_t f = 0; f < d; f++) column[(size_t)f * TREES_RANKED + i] = row[f];
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

/* rank_heap walks the five levels of a column's heap: from[i] = 8 times
 * the number of eights that are below x[i] as a whole. */
#if defined(LANES_AVX512)
static void rank_heap(const float *x, size_t rows, const float *table, int32_t *from)
{
    const __m512 low = _mm512_loadu_ps(table), high = _mm512_loadu_ps(table + 16);
    const __m512i one = _mm512_set1_epi32(1);
    for (size_t i = 0; i < rows; i += 16) {
        __m512 v = _mm512_load_ps(x + i);
        __m512i e = one;
        for (int level = 0; level < 5; level++) {
            __m512 pivot = _mm512_permutex2var_ps(low, e, high);
            uint16_t right = _mm512_cmp_ps_mask(v, pivot, _CMP_GT_OQ);
            e = _mm512_add_epi32(e, e);
            e = _mm512_mask_add_epi32(e, right, e, one);
        }
        e = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(TREES_HEAP)), 3);
        _mm512_store_si512((void *)(from + i), e);
    }
}
#elif defined(LANES_AVX2)
static void rank_heap(const float *x, size_t rows, const float *table, int32_t *from)
{
    const __m256 l0 = _mm256_broadcast_ps((const __m128 *)(const void *)table);
    const __m256 l4 = _mm256_broadcast_ps((const __m128 *)(const void *)(table + 4));
    const __m256 h1 = _mm256_loadu_ps(table + 8);
    const __m256 h2 = _mm256_loadu_ps(table + 16), h3 = _mm256_loadu_ps(table + 24);
    const __m256 top = _mm256_set1_ps(table[1]);
#define DEEPER(pivot)                                                                              \
    e = _mm256_sub_epi32(_mm256_add_epi32(e, e),                                                   \
                         _mm256_castps_si256(_mm256_cmp_ps(v, (pivot), _CMP_GT_OQ)))
    for (size_t i = 0; i < rows; i += 8) {
        __m256 v = _mm256_load_ps(x + i);
        __m256i e = _mm256_set1_epi32(1);
        DEEPER(top);
        DEEPER(_mm256_permutevar_ps(l0, e));
        DEEPER(_mm256_permutevar_ps(l4, e));
        DEEPER(_mm256_permutevar8x32_ps(h1, e));
        DEEPER(_mm256_blendv_ps(_mm256_permutevar8x32_ps(h2, e), _mm256_permutevar8x32_ps(h3, e),
                                _mm256_castsi256_ps(_mm256_slli_epi32(e, 28))));
        e = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(TREES_HEAP)), 3);
        _mm256_store_si256((__m256i *)(void *)(from + i), e);
    }
#undef DEEPER
}
#else
static void rank_heap(const float *x, size_t rows, const float *table, int32_t *from)
{
    for (size_t i = 0; i < rows; i++) {
        int32_t e = 1;
        for (int level = 0; level < 5; level++) e = 2 * e + (x[i] > table[e]);
        from[i] = 8 * (e - TREES_HEAP);
    }
}
#endif

#if defined(LANES_FIND)
/* How many of the eight thresholds at sorted + from[j] are below x[j], for
 * eight rows. */
static inline __m256i eights_below(const float *sorted, const int32_t *from, const float *x)
{
    __m256i below[8];
    for (int j = 0; j < 8; j++) {
        __m256 eight = _mm256_loadu_ps(sorted + from[j]);
        below[j] =
            _mm256_castps_si256(_mm256_cmp_ps(_mm256_broadcast_ss(x + j), eight, _CMP_GT_OQ));
    }
    /* Masks to bytes, four of a row in either half; halves together; then four
     * bytes to one number. */
    __m256i abcd = _mm256_packs_epi16(_mm256_packs_epi32(below[0], below[1]),
                                      _mm256_packs_epi32(below[2], below[3]));
    __m256i efgh = _mm256_packs_epi16(_mm256_packs_epi32(below[4], below[5]),
                                      _mm256_packs_epi32(below[6], below[7]));
    __m256i minus = _mm256_add_epi8(_mm256_permute2x128_si256(abcd, efgh, 0x20),
                                    _mm256_permute2x128_si256(abcd, efgh, 0x31));
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(minus), _mm256_set1_epi8(1));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

static void rank_rest(const float *x, size_t rows, const float *sorted, const int32_t *from,
                      int8_t *rank)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t i = 0; i < rows; i += 32) {
        __m256i sum[4];
        for (size_t k = 0; k < 4; k++) {
            size_t at = i + 8 * k;
            __m256i whole = _mm256_load_si256((const __m256i *)(const void *)(from + at));
            sum[k] = _mm256_add_epi32(whole, eights_below(sorted, from + at, x + at));
            sum[k] = _mm256_sub_epi32(sum[k], _mm256_set1_epi32(128));
        }
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(sum[0], sum[1]),
                                           _mm256_packs_epi32(sum[2], sum[3]));
        _mm256_store_si256((__m256i *)(void *)(rank + i),
                           _mm256_permutevar8x32_epi32(bytes, order));
    }
}
#else
static void rank_rest(const float *x, size_t rows, const float *sorted, const int32_t *from,
                      int8_t *rank)
{
    for (size_t i = 0; i < rows; i++) {
        const float *eight = sorted + from[i];
        int32_t below = 0;
        for (int j = 0; j < 8; j++) below += eight[j] < x[i];
        rank[i] = (int8_t)(from[i] + below - 128);
    }
}
#endif

static void rank_column(const float *x, size_t rows, const float *table, int8_t *rank)
{
    int32_t from[TREES_RANKED] __attribute__((aligned(64)));
    rank_heap(x, rows, table, from);
    rank_rest(x, rows, table + TREES_HEAP, from, rank);
}

/* The rows' features that a test looks at. */
static inline const int8_t *test_x(const int8_t *rank, const struct trees_test *test)
{
    return rank + (size_t)test->column * TREES_CHUNK;
}

#define EACH_LANES(expression)                                                                     \
    for (size_t r = 0; r < width; r += sizeof(lanes)) lanes_store(out + r, (expression))
#define NODE(first, second)                                                                        \
    lanes_pick(lanes_flip(lanes_load(x + r), flip), threshold, (first), (second))
#define CHERRY(k) lanes_pick(lanes_load(x##k + r), threshold##k, code[2 * k], code[2 * k + 1])

/* One operation on `width` rows. kind and width are constants where it is
 * called. */
static inline __attribute__((always_inline)) void op_run(enum trees_kind kind,
                                                         const struct trees_op *op,
                                                         const int8_t *rank, size_t width,
                                                         int8_t *slot)
{
    const int8_t *x = test_x(rank, &op->node);
    const int8_t *x0 = test_x(rank, &op->cherry[0]), *x1 = test_x(rank, &op->cherry[1]);
    const int8_t *a = slot + (size_t)op->a * TREES_BLOCK, *b = slot + (size_t)op->b * TREES_BLOCK;
    int8_t *out = slot + (size_t)op->out * TREES_BLOCK;
    const lanes threshold = lanes_set(op->node.threshold), flip = lanes_set(op->node.flip);
    const lanes threshold0 = lanes_set(op->cherry[0].threshold);
    const lanes threshold1 = lanes_set(op->cherry[1].threshold);
    const lanes code[4] = {lanes_set(op->code[0]), lanes_set(op->code[1]), lanes_set(op->code[2]),
                           lanes_set(op->code[3])};
    switch (kind) {
    case TREES_CHERRY_CHERRY: EACH_LANES(NODE(CHERRY(0), CHERRY(1))); break;
    case TREES_CHERRY_LEAF: EACH_LANES(NODE(CHERRY(0), code[2])); break;
    case TREES_CHERRY_SLOT: EACH_LANES(NODE(CHERRY(0), lanes_load(a + r))); break;
    case TREES_LEAF_SLOT: EACH_LANES(NODE(code[2], lanes_load(a + r))); break;
    case TREES_SLOT_SLOT: EACH_LANES(NODE(lanes_load(a + r), lanes_load(b + r))); break;
    }
}

/* One tree for `width` rows. */
static inline __attribute__((always_inline)) void tree_run(const struct trees *trees,
                                                           const struct trees_plan *plan,
                                                           const int8_t *rank, size_t width,
                                                           int8_t *slot)
{
    const struct trees_op *op = trees->op + plan->op;
    for (uint32_t k = 0; k < plan->runs; k++) {
        struct trees_run run = trees->run[plan->run + k];
#define RUN(kind)                                                                                  \
    case kind:                                                                                     \
        for (const struct trees_op *end = op + run.ops; op < end; op++)                            \
            op_run(kind, op, rank, width, slot);                                                   \
        break
        switch ((enum trees_kind)run.kind) {
            RUN(TREES_CHERRY_CHERRY);
            RUN(TREES_CHERRY_LEAF);
            RUN(TREES_CHERRY_SLOT);
            RUN(TREES_LEAF_SLOT);
            RUN(TREES_SLOT_SLOT);
        }
#undef RUN
    }
}

#if defined(LANES_FIND)
/* Adds a tree's path lengths byte by byte: even and odd rows' bytes of each
 * plane in 16 bits. */
static inline __attribute__((always_inline)) void tree_add(const struct trees *trees,
                                                           const struct trees_plan *plan,
                                                           const int8_t *code, size_t width,
                                                           part *sum)
{
    const trees_plane *plane = trees->plane + plan->plane;
    for (size_t r = 0; r < width; r += sizeof(lanes)) {
        lanes c = lanes_load(code + r), byte[TREES_PLANES] = {lanes_set(0)};
        for (uint32_t k = 0; k < plan->planes; k++) {
            /* Codes of other sixteens get bit 7, for which a shuffle gives 0. */
            lanes at = lanes_add_bytes(lanes_flip(c, lanes_set((int)(16 * k))), lanes_set(0x70));
            for (int p = 0; p < TREES_PLANES; p++)
                byte[p] = lanes_or(byte[p], lanes_find(lanes_sixteen(plane[k][p]), at));
        }
        part *to = sum + r * PARTS;
        for (int p = 0; p < TREES_PLANES; p++, to += sizeof(lanes)) {
            part *odd = to + sizeof(lanes) / 2;
            lanes_store(to, lanes_add_words(lanes_load(to), lanes_even(byte[p])));
            lanes_store(odd, lanes_add_words(lanes_load(odd), lanes_odd(byte[p])));
        }
    }
}

/* The sum of row i. */
static inline uint32_t part_sum(const part *sum, size_t i)
{
    const size_t half = sizeof(lanes) / 2, in = i % sizeof(lanes);
    const part *of = sum + (i - in) * PARTS + in % 2 * half + in / 2;
    return of[0] + ((uint32_t)of[2 * half] << 8) + ((uint32_t)of[4 * half] << 16);
}
#else
static inline void tree_add(const struct trees *trees, const struct trees_plan *plan,
                            const int8_t *code, size_t width, part *sum)
{
    uint32_t value[TREES_LEAVES];
    for (uint32_t c = 0; c < 16u * plan->planes; c++) {
        const trees_plane *plane = trees->plane + plan->plane + c / 16;
        value[c] = (*plane)[0][c % 16] + ((uint32_t)(*plane)[1][c % 16] << 8) +
                   ((uint32_t)(*plane)[2][c % 16] << 16);
    }
    for (size_t r = 0; r < width; r++) sum[r] += value[(uint8_t)code[r]];
}

static inline uint32_t part_sum(const part *sum, size_t i)
{
    return sum[i];
}
#endif

/* The chunk's ranks in one group, a few rows at a time so that their columns
 * stay in the first cache. */
static void group_ranks(const struct trees *trees, const struct trees_group *group, const float *x,
                        size_t n, size_t rows, const struct room *room)
{
    const struct trees_column *column = trees->column + group->column;
    for (size_t at = 0; at < rows; at += TREES_RANKED) {
        size_t count = rows - at < TREES_RANKED ? rows - at : TREES_RANKED;
        transpose(x + at * trees->d, n - at, count, trees->d, room->column);
        for (uint32_t k = 0; k < group->columns; k++)
            rank_column(room->column + (size_t)column[k].feature * TREES_RANKED, count,
                        trees->table + column[k].table,
                        room->rank + (size_t)column[k].feature * TREES_CHUNK + at);
    }
}

static void group_add(const struct trees *trees, const struct trees_group *group, size_t rows,
                      const struct room *room)
{
    memset(room->sum, 0, rows * PARTS * sizeof room->sum[0]);
    for (uint32_t k = 0; k < group->plans; k++) {
        const struct trees_plan *plan = &trees->plan[group->plan + k];
        size_t at = 0;
        if (plan->runs == 0) memset(room->slot, 0, TREES_BLOCK);
        for (; at + TREES_BLOCK <= rows; at += TREES_BLOCK) {
            tree_run(trees, plan, room->rank + at, TREES_BLOCK, room->slot);
            tree_add(trees, plan, room->slot, TREES_BLOCK, room->sum + at * PARTS);
        }
        for (; at < rows; at += TREES_STRIP) {
            tree_run(trees, plan, room->rank + at, TREES_STRIP, room->slot);
            tree_add(trees, plan, room->slot, TREES_STRIP, room->sum + at * PARTS);
        }
    }
}

/* rows is n rounded up to a multiple of TREES_STRIP. */
static void lanes_sum(const struct trees *trees, const float *x, size_t n, size_t rows,
                      uint64_t *sum, const struct room *room)
{
    nan_mark(x, n, trees->d, sum);
    for (uint32_t g = 0; g < trees->groups; g++) {
        group_ranks(trees, &trees->group[g], x, n, rows, room);
        group_add(trees, &trees->group[g], rows, room);
        for (size_t i = 0; i < n; i++)
            if (sum[i] != TREES_NONE) sum[i] += part_sum(room->sum, i);
    }
}

void KERNEL(trees_sum)(const struct trees *trees, const float *x, size_t n, uint64_t *sum,
                       void *scratch)
{
    struct room room = room_at(trees, scratch);
    size_t lanes_n = 0;
    if (trees->groups > 0) {
        size_t rest = n % TREES_STRIP;
        lanes_n = rest < LANES_ROWS_MIN ? n - rest : n;
    }
    if (lanes_n > 0) {
        size_t rows = (lanes_n + TREES_STRIP - 1) / TREES_STRIP * TREES_STRIP;
        lanes_sum(trees, x, lanes_n, rows, sum, &room);
    }
    for (size_t i = lanes_n; i < n; i++) sum[i] = row_sum(trees, x + i * trees->d, room.key);
}
