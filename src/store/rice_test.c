#include "store/rice.h"

#include "andon/rng.h"
#include "test.h"

static uint8_t bytes[RICE_BYTES_MAX(RICE_MAX)];

/* Size of x[n] as bytes; 0 when it does not come back. */
static size_t there_and_back(const int64_t *x, uint32_t n)
{
    static int64_t y[RICE_MAX];
    size_t size = (size_t)(rice_put(bytes, x, n) - bytes);
    struct wire in = {.at = bytes, .end = bytes + size};
    if (size > RICE_BYTES_MAX(n) || !rice_get(&in, y, n) || in.at != in.end) return 0;
    return memcmp(x, y, n * sizeof *x) == 0 ? size : 0;
}

/* Sequences of many kinds: quiet, noisy, jumping, of any size of number. */
static void make(struct andon_rng *rng, int64_t *x, uint32_t n)
{
    unsigned kind = andon_rng_below(rng, 8), bits = andon_rng_below(rng, 64);
    uint64_t mask = (UINT64_C(2) << bits) - 1, at = andon_rng_u64(rng) & mask, step = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t noise = andon_rng_u64(rng) & mask;
        switch (kind) {
        case 0: at = noise; break;                                        /* any number  */
        case 1: at += noise; break;                                       /* any step    */
        case 2: at += step += noise; break;                               /* any bend    */
        case 3: at += andon_rng_below(rng, 10) == 0 ? noise : 0; break;   /* jumps       */
        case 4: at += mask; break;                                        /* a line      */
        case 5: at ^= UINT64_C(1) << 63; break;                           /* extremes    */
        case 6: at = 1000 + (noise & 15) + (i == n / 2 ? noise : 0); break; /* one outlier */
        default: break;                                                   /* constant    */
        }
        x[i] = (int64_t)at;
    }
}

TEST(every_sequence_comes_back)
{
    static int64_t x[RICE_MAX];
    for (uint32_t seed = 0; seed < 20000; seed++) {
        struct andon_rng rng = andon_rng_fork(1, seed);
        uint32_t n = 1 + andon_rng_below(&rng, seed % 100 == 0 ? RICE_MAX : 140);
        make(&rng, x, n);
        CHECK_SAY(there_and_back(x, n) > 0, "SEED=%u n=%u", seed, n);
    }
}

TEST(extremes_come_back)
{
    const int64_t x[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN, INT64_MIN, INT64_MAX, 1, INT64_MAX};
    for (uint32_t n = 1; n <= sizeof x / sizeof *x; n++)
        for (uint32_t from = 0; from + n <= sizeof x / sizeof *x; from++)
            CHECK_SAY(there_and_back(x + from, n) > 0, "n=%u from=%u", n, from);
}

TEST(what_does_not_change_takes_a_few_bytes)
{
    int64_t x[120];
    for (int i = 0; i < 120; i++) x[i] = 20;
    CHECK(there_and_back(x, 120) == 2);
    for (int i = 0; i < 120; i++) x[i] = INT64_C(1700000000) + 10 * i;
    CHECK(there_and_back(x, 120) <= 8);
}

TEST(noise_takes_little_more_than_its_entropy)
{
    /* Normal noise of deviation 10 about a level: log2(10 sqrt(2 pi e)) = 5.37 bits. */
    static int64_t x[RICE_MAX];
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (int i = 0; i < 2000; i++) x[i] = (int64_t)lrint(5000 + 10 * andon_rng_normal(&rng));
    size_t size = there_and_back(x, 2000);
    CHECK_SAY(size > 0 && (double)size * 8 / 2000 < 5.37 + 0.25, "%zu bytes", size);
}

TEST(cut_or_changed_bytes_never_crash)
{
    int64_t x[130], y[130];
    for (uint32_t seed = 0; seed < 60; seed++) {
        struct andon_rng rng = andon_rng_fork(2, seed);
        uint32_t n = 1 + andon_rng_below(&rng, 130);
        make(&rng, x, n);
        size_t size = (size_t)(rice_put(bytes, x, n) - bytes);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut + 1); /* so that a sanitizer sees a step beyond */
            memcpy(copy, bytes, cut);
            struct wire in = {.at = copy, .end = copy + cut};
            CHECK_SAY(!rice_get(&in, y, n), "SEED=%u cut at %zu of %zu is read", seed, cut, size);
            free(copy);
        }
        for (size_t at = 0; at < size; at++) {
            uint8_t *copy = malloc(size);
            memcpy(copy, bytes, size);
            copy[at] ^= (uint8_t)(1u << andon_rng_below(&rng, 8));
            struct wire in = {.at = copy, .end = copy + size};
            (void)rice_get(&in, y, n);
            CHECK(in.at <= in.end);
            free(copy);
        }
    }
}
