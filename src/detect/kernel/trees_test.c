/* The AVX-512 kernel through SIMDe, which replaces every intrinsic by what it means: the same code
 * is judged on machines without AVX-512. */
#if defined(__has_include) && defined(__x86_64__)
#if __has_include(<simde/x86/avx512.h>)
#define HAVE_SIMDE
#endif
#endif

#include "detect/iforest.h"
#include "detect/registry.h"
#include "detector_case.h"

#if defined(HAVE_SIMDE)
#pragma GCC diagnostic ignored "-Wpsabi"
#undef ANDON_KERNEL_SUFFIX
#define ANDON_KERNEL_SUFFIX simde
#define LANES_THROUGH_SIMDE
TREES_DECLARE(simde)
#include "detect/kernel/trees.c"
#endif

enum { ROWS = 1100 };

static float *random_rows(uint32_t d, uint64_t seed)
{
    struct andon_rng rng;
    float *x = malloc(ROWS * d * sizeof x[0]);
    if (x == NULL) abort();
    andon_rng_seed(&rng, seed);
    for (size_t i = 0; i < ROWS * d; i++) x[i] = (float)andon_rng_normal(&rng);
    for (size_t i = 0; i < ROWS * d; i += 9) x[i] = (float)(int)(3.0f * x[i]);
    return x;
}

typedef void (*sum_fn)(const struct trees *, const float *, size_t, uint64_t *, void *);

/* Sums of n rows from row `at` on, by either function. */
static void sums(sum_fn sum, const struct trees *trees, const float *x, size_t at, size_t n,
                 uint64_t *out)
{
    size_t bytes = trees_scratch_bytes(trees);
    void *room = aligned_alloc(64, bytes);
    if (room == NULL) abort();
    memset(room, 0x5A, bytes);
    sum(trees, x + at * trees->d, n, out, room);
    free(room);
}

static void compare(uint32_t d, const char *option, const char *value, sum_fn other)
{
    struct detector_case c;
    uint64_t a[TREES_CHUNK], b[TREES_CHUNK];
    float *x = random_rows(d, d);
    case_open(&c, &andon_iforest);
    case_set(&c, option, value);
    CHECK(case_fit(&c, (struct andon_rows){x, ROWS, d}, NULL, 0, 3) == ANDON_OK);
    const struct trees *trees = &((const struct iforest *)c.model)->forest;
    for (size_t i = 0; i < ROWS; i += 13) x[i * d + i % d] = i % 2 == 0 ? NAN : INFINITY;
    for (size_t n = 1; n <= TREES_CHUNK; n = n < 5 ? n + 1 : n * 2 - 3) {
        sums(trees_sum_plain, trees, x, 7, n, a);
        sums(other, trees, x, 7, n, b);
        CHECK_SAY(memcmp(a, b, n * sizeof a[0]) == 0, "d %u, %s %s, %zu rows", d, option, value, n);
    }
    sums(trees_sum_plain, trees, x, 500, TREES_CHUNK, a);
    sums(other, trees, x, 500, TREES_CHUNK, b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    case_close(&c);
    free(x);
}

TEST(the_avx512_kernel_equals_the_plain_one_bit_for_bit)
{
#if defined(HAVE_SIMDE)
    compare(27, "trees", "100", trees_sum_simde);
    compare(1, "trees", "30", trees_sum_simde);
    compare(150, "trees", "13", trees_sum_simde);
    compare(4, "samples", "2", trees_sum_simde);
    compare(5, "samples", "1000", trees_sum_simde);
#else
    (void)compare;
    SKIP("SIMDe (libsimde-dev) is not installed, or this is not x86-64");
#endif
}
