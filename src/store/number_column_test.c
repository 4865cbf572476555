#include "store/number_column.h"

#include <float.h>

#include "andon/rng.h"
#include "test.h"

static uint8_t bytes[NUMBER_COLUMN_BYTES_MAX(RICE_MAX)];

static size_t there_and_back(const double *v, uint32_t n, struct number_column *c)
{
    static int64_t x[RICE_MAX];
    static double w[RICE_MAX];
    size_t size = (size_t)(number_column_put(bytes, v, n) - bytes);
    struct wire in = {.at = bytes, .end = bytes + size};
    if (size > NUMBER_COLUMN_BYTES_MAX(n) || !number_column_get(&in, n, c, x)) return 0;
    if (in.at != in.end) return 0;
    number_column_values(c, x, n, w);
    return memcmp(v, w, n * sizeof *v) == 0 ? size : 0;
}

static const uint64_t nasty[] = {
    0, UINT64_C(1) << 63,                                        /* 0, -0                */
    1, UINT64_C(0x800fffffffffffff), UINT64_C(0x0010000000000000), /* denormals, smallest */
    UINT64_C(0x7fefffffffffffff), UINT64_C(0xffefffffffffffff),  /* largest              */
    UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000),  /* infinities           */
    UINT64_C(0x7ff8000000000000), UINT64_C(0xfff8000000000000),  /* NaN                  */
    UINT64_C(0x7ff8000000000001), UINT64_C(0x7ff0000000000001),  /* with a payload       */
    UINT64_C(0x4340000000000000), UINT64_C(0x4340000000000001),  /* 2^53 and above       */
    UINT64_C(0x3fb999999999999a), UINT64_C(0x3fd3333333333334)}; /* 0.1, 0.1 + 0.2       */
enum { NASTY = sizeof nasty / sizeof *nasty };

static double make_one(struct andon_rng *rng, unsigned kind, double *walk)
{
    static const double power[] = {1, 10, 100, 1000, 1e4, 1e6, 1e9, 1e12, 1e15};
    *walk += andon_rng_normal(rng);
    switch (kind) {
    case 0: return wire_double(andon_rng_u64(rng));
    case 1: return wire_double(nasty[andon_rng_below(rng, NASTY)]);
    case 2: return *walk;
    case 3: return (double)(float)*walk;
    case 4: return (double)(float)(rint(*walk * 100) / 100);
    case 5: return (double)(int64_t)(andon_rng_u64(rng) >> andon_rng_below(rng, 64));
    case 6: return -0.0;
    default: return rint(*walk * 1000) / power[kind % 9];
    }
}

TEST(every_double_comes_back_bit_for_bit)
{
    static double v[RICE_MAX];
    struct number_column c;
    for (uint32_t seed = 0; seed < 20000; seed++) {
        struct andon_rng rng = andon_rng_fork(1, seed);
        uint32_t n = 1 + andon_rng_below(&rng, seed % 100 == 0 ? RICE_MAX : 130);
        unsigned kind = andon_rng_below(&rng, 20), odd = andon_rng_below(&rng, 6);
        double walk = 1000;
        for (uint32_t i = 0; i < n; i++)
            v[i] = make_one(&rng, odd == 0 && andon_rng_below(&rng, 12) == 0 ? 1 : kind, &walk);
        CHECK_SAY(there_and_back(v, n, &c) > 0, "SEED=%u n=%u kind=%u", seed, n, kind);
    }
}

TEST(nasty_values_come_back_alone_and_together)
{
    double v[NASTY];
    struct number_column c;
    for (int i = 0; i < NASTY; i++) v[i] = wire_double(nasty[i]);
    for (uint32_t n = 1; n <= NASTY; n++)
        for (uint32_t from = 0; from + n <= NASTY; from++)
            CHECK_SAY(there_and_back(v + from, n, &c) > 0, "n=%u from=%u", n, from);
}

TEST(decimals_are_kept_as_whole_numbers)
{
    double v[120];
    struct number_column c;
    for (int digits = 0; digits <= 6; digits++) {
        for (int i = 0; i < 120; i++)
            v[i] = (45000 + (i * 7919) % 100) / number_column_power[digits];
        CHECK(there_and_back(v, 120, &c) > 0);
        CHECK(c.form == NUMBER_DECIMAL && c.odd == 0);
        CHECK((int)c.shift == digits);
    }
}

TEST(decimals_of_float32_are_kept_as_whole_numbers)
{
    double v[120];
    struct number_column c;
    for (int i = 0; i < 120; i++) v[i] = (double)((float)(4500 + (i * 7919) % 100) / 100.0f);
    size_t size = there_and_back(v, 120, &c);
    CHECK(size > 0 && c.form == NUMBER_FLOAT32 && c.shift == 2);
    CHECK_SAY(size < 150, "%zu bytes", size);
}

TEST(a_few_odd_values_do_not_spoil_a_column_of_decimals)
{
    double v[120];
    struct number_column c;
    for (int i = 0; i < 120; i++) v[i] = (4500 + (i * 31) % 10) / 100.0;
    size_t plain = there_and_back(v, 120, &c);
    v[7] = NAN;
    v[0] = -0.0;
    v[119] = 1e300;
    size_t odd = there_and_back(v, 120, &c);
    CHECK(plain > 0 && odd > 0 && c.form == NUMBER_DECIMAL && c.odd == 3);
    CHECK_SAY(odd <= plain + 3 * 9 + 2, "%zu bytes, %zu without", odd, plain);
}

TEST(a_constant_takes_a_few_bytes)
{
    const double constant[] = {20.5, 0.0, -0.0, NAN, DBL_MAX, DBL_TRUE_MIN, 1.0 / 3.0};
    double v[120];
    struct number_column c;
    for (size_t k = 0; k < sizeof constant / sizeof *constant; k++) {
        for (int i = 0; i < 120; i++) v[i] = constant[k];
        size_t size = there_and_back(v, 120, &c);
        CHECK_SAY(size > 0 && size <= 12, "%g: %zu bytes", constant[k], size);
    }
}

TEST(cut_or_changed_bytes_never_crash)
{
    double v[130], w[130];
    int64_t x[130];
    for (uint32_t seed = 0; seed < 60; seed++) {
        struct andon_rng rng = andon_rng_fork(2, seed);
        uint32_t n = 1 + andon_rng_below(&rng, 130);
        double walk = 0;
        for (uint32_t i = 0; i < n; i++) v[i] = make_one(&rng, i % 9 == 0 ? 1 : 9 + seed % 9, &walk);
        size_t size = (size_t)(number_column_put(bytes, v, n) - bytes);
        for (size_t at = 0; at < 2 * size; at++) {
            size_t left = at < size ? at : size;
            uint8_t *copy = malloc(left + 1);
            struct number_column c;
            memcpy(copy, bytes, left);
            if (at >= size) copy[at - size] ^= (uint8_t)(1u << andon_rng_below(&rng, 8));
            struct wire in = {.at = copy, .end = copy + left};
            if (number_column_get(&in, n, &c, x)) number_column_values(&c, x, n, w);
            CHECK(in.at <= in.end);
            free(copy);
        }
    }
}
