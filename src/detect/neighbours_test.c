#include "detect/neighbours.h"

#include "andon/rng.h"
#include "test.h"

enum { K = 7, QUERIES = 40 };

enum kind { KIND_NORMAL, KIND_GRID, KIND_OFFSET, KIND_HUGE, KIND_TINY, KIND_LOPSIDED, KIND_PILES };

static float draw(struct andon_rng *rng, enum kind kind, size_t row, uint32_t feature)
{
    double v = andon_rng_normal(rng);
    switch (kind) {
    case KIND_GRID: return (float)round(v); /* ties and duplicates everywhere */
    case KIND_OFFSET: return (float)(1e6 + v);
    case KIND_HUGE: return (float)(1e38 * tanh(v));
    case KIND_TINY: return (float)(1e-38 * v);
    case KIND_LOPSIDED: return (float)(v * pow(10.0, 3.0 - (double)(feature % 7)));
    case KIND_PILES: return (float)((row % 2 == 0 ? 1.0 : -1.0) + 1e-6 * v); /* a few ulps wide */
    default: return (float)v;
    }
}

struct bed {
    struct andon_arena arena;
    struct neighbours nb;
    float *q; /* q[QUERIES][d] */
};

static bool bed_open(struct bed *bed, enum kind kind, size_t n, uint32_t d)
{
    struct andon_rng rng;
    andon_error err = {""};
    andon_rng_seed(&rng, n * 31 + d);
    andon_arena_init(&bed->arena, andon_allocator_libc(), SIZE_MAX);
    float *x = andon_arena_array(&bed->arena, n * d, sizeof *x);
    bed->q = andon_arena_array(&bed->arena, QUERIES * (size_t)d, sizeof *x);
    for (size_t i = 0; i < n * d; i++) x[i] = draw(&rng, kind, i / d, (uint32_t)(i % d));
    for (size_t i = 0; i < QUERIES * (size_t)d; i++)
        bed->q[i] = draw(&rng, kind, i / d, (uint32_t)(i % d)) * (i < 4 * (size_t)d ? 3.0f : 1.0f);
    for (size_t i = 0; i < d; i++) { /* far out, and a row itself */
        if (kind != KIND_HUGE) bed->q[i] = 1e30f;
        bed->q[d + i] = x[i];
    }
    struct andon_rows rows = {x, n, d};
    return neighbours_keep(&bed->nb, rows, SIZE_MAX, 1, &bed->arena, &err) == ANDON_OK &&
           neighbours_index(&bed->nb, &bed->arena, &bed->arena, &err) == ANDON_OK;
}

static int compare(const void *a, const void *b)
{
    const struct neighbour *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Every row measured and sorted; the same sum in the same order as the search promises. */
static void find_plainly(const struct neighbours *nb, const float *q, uint32_t except,
                         struct neighbour *all)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < nb->n; i++) {
        double sum[4] = {0};
        for (uint32_t j = 0; j < nb->d; j++) {
            double off = (double)q[j] - (double)nb->x[(size_t)i * nb->d + j];
            sum[j % 4] += off * off;
        }
        if (i != except)
            all[count++] = (struct neighbour){sqrt((sum[0] + sum[1]) + (sum[2] + sum[3])), i};
    }
    qsort(all, count, sizeof *all, compare);
}

static bool finds_the_same(const struct bed *bed, uint32_t k, enum andon_kernel kernel)
{
    const struct neighbours *nb = &bed->nb;
    struct neighbour *all = malloc(nb->n * sizeof *all), *found = malloc(k * sizeof *found);
    void *scratch = aligned_alloc(64, neighbours_scratch_bytes(nb, 1));
    bool same = true;
    for (uint32_t i = 0; i < QUERIES && same; i++) {
        bool is_row = i % 2 == 0 && i < nb->n;
        const float *q = is_row ? nb->x + (size_t)i * nb->d : bed->q + (size_t)i * nb->d;
        uint32_t except = is_row ? i : NEIGHBOURS_NONE;
        find_plainly(nb, q, except, all);
        struct neighbour_query query = {q, except, found};
        neighbours_find(nb, &query, 1, k, scratch, kernel);
        for (uint32_t j = 0; j < k && same; j++) {
            same = found[j].distance == all[j].distance &&
                   (found[j].row == all[j].row || all[k - 1].distance == 0.0);
            if (!same)
                printf("# query %u, neighbour %u: row %u at %.17g, expected row %u at %.17g\n", i,
                       j, found[j].row, found[j].distance, all[j].row, all[j].distance);
        }
    }
    free(all);
    free(found);
    free(scratch);
    return same;
}

static void check_kind(enum kind kind)
{
    static const uint32_t features[] = {1, 2, 5, 27, 130};
    static const size_t rows[] = {8, 33, 700};
    for (size_t a = 0; a < sizeof features / sizeof features[0]; a++) {
        for (size_t b = 0; b < sizeof rows / sizeof rows[0]; b++) {
            struct bed bed;
            CHECK(bed_open(&bed, kind, rows[b], features[a]));
            for (int kernel = 0; kernel < ANDON_KERNELS; kernel++) {
                if (!andon_kernel_usable((enum andon_kernel)kernel)) continue;
                CHECK_SAY(finds_the_same(&bed, K, (enum andon_kernel)kernel),
                          "%zu rows of %u features, kernel %s", rows[b], features[a],
                          andon_kernel_name((enum andon_kernel)kernel));
            }
            andon_arena_free(&bed.arena);
        }
    }
}

TEST(the_search_equals_measuring_every_row_on_normal_data)
{
    check_kind(KIND_NORMAL);
}

TEST(the_search_equals_measuring_every_row_with_ties_and_duplicates)
{
    check_kind(KIND_GRID);
}

TEST(the_search_equals_measuring_every_row_far_from_the_origin)
{
    check_kind(KIND_OFFSET);
}

TEST(the_search_equals_measuring_every_row_of_huge_values)
{
    check_kind(KIND_HUGE);
}

TEST(the_search_equals_measuring_every_row_of_tiny_values)
{
    check_kind(KIND_TINY);
}

TEST(the_search_equals_measuring_every_row_with_features_of_unlike_spread)
{
    check_kind(KIND_LOPSIDED);
}

TEST(the_search_equals_measuring_every_row_where_fp32_hardly_tells_them_apart)
{
    check_kind(KIND_PILES);
}

TEST(every_row_but_one_can_be_asked_for)
{
    struct bed bed;
    CHECK(bed_open(&bed, KIND_NORMAL, 100, 4));
    CHECK(finds_the_same(&bed, 99, ANDON_KERNEL_PLAIN));
    andon_arena_free(&bed.arena);
}

TEST(queries_find_together_what_they_find_alone)
{
    struct bed bed;
    struct neighbour alone[NEIGHBOURS_GROUP][K], together[NEIGHBOURS_GROUP][K];
    struct neighbour_query query[NEIGHBOURS_GROUP];
    CHECK(bed_open(&bed, KIND_NORMAL, 3000, 5));
    void *scratch =
        andon_arena_take(&bed.arena, neighbours_scratch_bytes(&bed.nb, NEIGHBOURS_GROUP));
    for (uint32_t count = 1; count <= NEIGHBOURS_GROUP; count++) {
        memset(together, 0, sizeof together);
        for (uint32_t i = 0; i < count; i++) {
            query[i] = (struct neighbour_query){bed.q + i * 5, NEIGHBOURS_NONE, alone[i]};
            neighbours_find(&bed.nb, &query[i], 1, K, scratch, andon_kernel_best());
            query[i].found = together[i];
        }
        neighbours_find(&bed.nb, query, count, K, scratch, andon_kernel_best());
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j < K; j++)
                CHECK(alone[i][j].row == together[i][j].row &&
                      alone[i][j].distance == together[i][j].distance);
    }
    andon_arena_free(&bed.arena);
}

TEST(keeping_fewer_rows_keeps_their_order_and_depends_on_the_seed_alone)
{
    struct andon_arena arena;
    andon_error err = {""};
    float x[200];
    for (int i = 0; i < 200; i++) x[i] = (float)i;
    andon_arena_init(&arena, andon_allocator_libc(), SIZE_MAX);
    struct neighbours a, b, c;
    struct andon_rows rows = {x, 100, 2};
    CHECK(neighbours_keep(&a, rows, 30, 5, &arena, &err) == ANDON_OK);
    CHECK(neighbours_keep(&b, rows, 30, 5, &arena, &err) == ANDON_OK);
    CHECK(neighbours_keep(&c, rows, 30, 6, &arena, &err) == ANDON_OK);
    CHECK(a.n == 30);
    CHECK(memcmp(a.x, b.x, 60 * sizeof(float)) == 0);
    CHECK(memcmp(a.x, c.x, 60 * sizeof(float)) != 0);
    for (uint32_t i = 1; i < a.n; i++) CHECK(a.x[2 * i] > a.x[2 * i - 2]);
    for (uint32_t i = 0; i < a.n; i++) CHECK(a.x[2 * i + 1] == a.x[2 * i] + 1.0f);
    andon_arena_free(&arena);
}
