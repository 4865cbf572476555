#include "ingest/kernel/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "andon/kernel.h"
#include "andon/rng.h"
#include "ingest/digits.h"
#include "ingest/number.h"
#include "test.h"

enum { TEXT_BYTES = 20000, CELL_BYTES = 14 };

static const struct cells_kernel *kernels[ANDON_KERNELS];
static size_t kernel_count;

static void find_kernels(void)
{
    kernel_count = 0;
    kernels[kernel_count++] = &cells_kernel_plain;
#if defined(__x86_64__)
    if (andon_kernel_usable(ANDON_KERNEL_AVX2)) kernels[kernel_count++] = &cells_kernel_avx2;
    if (andon_kernel_usable(ANDON_KERNEL_AVX512)) kernels[kernel_count++] = &cells_kernel_avx512;
#elif defined(__aarch64__)
    kernels[kernel_count++] = &cells_kernel_neon;
#endif
}

/* Mostly numbers, some of them nearly. */
static size_t write_cell(struct andon_rng *rng, char *at)
{
    static const char letters[] = "0123456789012345678901234567890123456789..--+ eEx\r\"\xff";
    size_t n = 0, length = andon_rng_below(rng, 9);
    if (andon_rng_below(rng, 4) == 0) at[n++] = '-';
    size_t point = andon_rng_below(rng, 8);
    for (size_t i = 0; i < length; i++)
        at[n++] = i == point ? '.' : (char)('0' + andon_rng_below(rng, 10));
    if (andon_rng_below(rng, 16) == 0 && n > 0)
        at[andon_rng_below(rng, (uint32_t)n)] = letters[andon_rng_below(rng, sizeof letters - 1)];
    return n;
}

static size_t write_text(struct andon_rng *rng, char *text, char delimiter)
{
    size_t n = 0;
    while (n + CELL_BYTES < TEXT_BYTES) {
        n += write_cell(rng, text + n);
        text[n++] = andon_rng_below(rng, 20) == 0 ? '\n' : delimiter;
    }
    text[n - 1] = '\n';
    return n;
}

static size_t find_one_by_one(const char *text, size_t length, char delimiter, int32_t *bound)
{
    size_t count = 0;
    bound[0] = -1;
    for (size_t i = 0; i < length; i++)
        if (text[i] == delimiter || text[i] == '\n') bound[++count] = (int32_t)i;
    return count;
}

TEST(ends_of_cells_are_found_wherever_they_stand)
{
    static char text[TEXT_BYTES + CELLS_SLACK];
    static int32_t bound[TEXT_BYTES + 129], expected[TEXT_BYTES + 129];
    find_kernels();
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct andon_rng rng;
        andon_rng_seed(&rng, seed);
        char delimiter = ",;\t"[seed % 3];
        size_t length = write_text(&rng, text, delimiter);
        length = andon_rng_below(&rng, 3) == 0 ? andon_rng_below(&rng, (uint32_t)length) : length;
        if (seed % 10 == 0) memset(text, delimiter, length);
        size_t count = find_one_by_one(text, length, delimiter, expected);
        size_t wanted = seed % 2 == 0 ? 1 : andon_rng_below(&rng, (uint32_t)count + 2);
        for (size_t k = 0; k < kernel_count; k++) {
            size_t found = kernels[k]->find(text, length, delimiter, wanted, bound);
            CHECK(found <= count && memcmp(bound, expected, (found + 1) * sizeof *bound) == 0);
            CHECK(found == count ||
                  (found >= wanted && expected[found + 1] >= (int32_t)CELLS_BYTES));
        }
    }
}

TEST(short_numbers_are_read_like_any_number_and_nothing_else_is)
{
    static char text[TEXT_BYTES + CELLS_SLACK];
    static int32_t bound[TEXT_BYTES + 129];
    static double value[TEXT_BYTES];
    size_t taken = 0, refused = 0;
    find_kernels();
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct andon_rng rng;
        andon_rng_seed(&rng, seed);
        size_t length = write_text(&rng, text, ',');
        size_t count = find_one_by_one(text, length, ',', bound);
        for (size_t k = 0; k < kernel_count; k++)
            for (size_t i = 0; i < count;) {
                size_t n = 1 + andon_rng_below(&rng, 30);
                n = n < count - i ? n : count - i;
                size_t got = kernels[k]->read(text, bound + i, n, value);
                CHECK(got <= n);
                taken += got;
                for (size_t j = 0; j < got; j++) {
                    double expected = 0.0;
                    const char *start = text + (bound[i + j] + 1);
                    CHECK(number_read(start, (size_t)(text + bound[i + j + 1] - start), &expected));
                    CHECK_SAY(memcmp(&expected, &value[j], sizeof expected) == 0, "%.20s: %.17g, %.17g",
                              start, value[j], expected);
                }
                i += got;
                if (got == n) continue;
                const char *start = text + (bound[i] + 1), *end = text + bound[i + 1];
                double never;
                CHECK(!digits_short(start, (size_t)(end - start), &never));
                refused++;
                i++;
            }
    }
    CHECK(taken > 100000 && refused > 1000);
}

TEST(every_fraction_is_the_nearest_double)
{
    char text[4 * 12 + CELLS_SLACK];
    int32_t bound[5] = {-1};
    struct andon_rng rng;
    andon_rng_seed(&rng, 5);
    find_kernels();
    for (int i = 0; i < 100000; i++) {
        double expected[4], value[4];
        char *at = text;
        for (int c = 0; c < 4; c++) {
            uint32_t whole = andon_rng_below(&rng, 10000000), point = andon_rng_below(&rng, 8);
            char digits[16];
            snprintf(digits, sizeof digits, "%07u", whole);
            at += sprintf(at, "%.*s.%s,", (int)point, digits, digits + point);
            bound[c + 1] = (int32_t)(at - text) - 1;
            expected[c] = strtod(text + (bound[c] + 1), NULL);
        }
        for (size_t k = 0; k < kernel_count; k++) {
            CHECK(kernels[k]->read(text, bound, 4, value) == 4);
            CHECK(memcmp(value, expected, sizeof value) == 0);
        }
    }
}
