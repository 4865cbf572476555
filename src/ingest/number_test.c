#include "ingest/number.h"

#include <float.h>

#include "andon/rng.h"
#include "test.h"

enum { TEXTS = 1000000 };

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* A random decimal text; lengths, points and exponents of every kind. */
static size_t random_text(struct andon_rng *rng, char *text)
{
    static const char exponent[4] = {'e', 'E', 'e', 'E'};
    char *at = text;
    if (andon_rng_below(rng, 3) == 0) *at++ = andon_rng_below(rng, 2) == 0 ? '-' : '+';
    uint32_t whole = andon_rng_below(rng, 12), part = andon_rng_below(rng, 26);
    if (andon_rng_below(rng, 2) == 0) whole = andon_rng_below(rng, 3);
    if (whole + part == 0) whole = 1;
    for (uint32_t i = 0; i < whole; i++) *at++ = (char)('0' + andon_rng_below(rng, 10));
    if (part > 0) *at++ = '.';
    for (uint32_t i = 0; i < part; i++) *at++ = (char)('0' + andon_rng_below(rng, 10));
    if (andon_rng_below(rng, 4) == 0) {
        *at++ = exponent[andon_rng_below(rng, 4)];
        at += sprintf(at, "%d", (int)andon_rng_below(rng, 700) - 360);
    } else if (andon_rng_below(rng, 4) == 0)
        at += sprintf(at, "e%d", (int)andon_rng_below(rng, 60) - 30);
    *at = ',';
    memset(at + 1, '7', NUMBER_SLACK); /* what stands behind the number must not matter */
    at[1 + NUMBER_SLACK] = 0;
    return (size_t)(at - text);
}

TEST(a_million_random_texts_read_as_strtod_reads_them)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 1);
    for (int i = 0; i < TEXTS; i++) {
        char text[96];
        size_t length = random_text(&rng, text);
        char *end;
        double expected = strtod(text, &end), found = -1.0;
        const char *stop = number_scan(text, &found);
        CHECK_SAY(stop == text + length && end == stop, "%.*s stops at %td", (int)length, text,
                  stop - text);
        CHECK_SAY(bits_of(found) == bits_of(expected), "%.*s: %.17g, strtod says %.17g",
                  (int)length, text, found, expected);
    }
}

TEST(texts_half_way_between_two_doubles_round_to_even)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 2);
    for (int i = 0; i < 100000; i++) {
        /* 53-bit odd and even integers and a half, written out in full */
        uint64_t m = ((uint64_t)1 << 53) + 2 * (andon_rng_u64(&rng) >> 12) + 1;
        char text[64];
        int length = sprintf(text, "%llu", (unsigned long long)m);
        double found = 0.0;
        text[length] = ',';
        memset(text + length + 1, 0, NUMBER_SLACK);
        number_scan(text, &found);
        CHECK_SAY(bits_of(found) == bits_of(strtod(text, NULL)), "%s", text);
        length = sprintf(text, "%llu.%06u", (unsigned long long)(m >> 10),
                         (unsigned)(m & 1023) * 9765u / 10u);
        memset(text + length, 0, NUMBER_SLACK);
        number_scan(text, &found);
        CHECK_SAY(bits_of(found) == bits_of(strtod(text, NULL)), "%s", text);
    }
}

TEST(what_is_no_number_is_not_read)
{
    static const char *const bad[] = {
        "",    "-",     "+",   ".",   "e5",    "1e",  "1e+", "0x10",  "1,5",           "1 2",
        "--1", "1.2.3", "inf", "nan", "1e999", "12a", "abc", "1_000", "\xE2\x88\x92 1"};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!number_read(bad[i], strlen(bad[i]), &value), "%s", bad[i]);
}

TEST(spaces_signs_points_and_exponents_are_read)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{" 1.5 ", 1.5},     {"+2", 2.0},
                {"-0.25\r", -0.25}, {".5", 0.5},
                {"5.", 5.0},        {"1E3", 1000.0},
                {"1e-3", 0.001},    {"4.9e-324", 4.9e-324},
                {"00012", 12.0},    {"1.7976931348623157e308", DBL_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = NAN;
        CHECK_SAY(number_read(good[i].text, strlen(good[i].text), &value), "%s", good[i].text);
        CHECK_SAY(value == good[i].value, "%s: %.17g", good[i].text, value);
    }
}

TEST(blank_nan_null_na_and_none_are_missing_in_any_case)
{
    static const char *const missing[] = {"",   " ",   "NaN",  "nan",  "NULL",  "null",
                                          "NA", "n/a", "None", "-nan", " nan\r"};
    static const char *const present[] = {"0", "-", "nano", "nil", "?", "nulls"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        CHECK_SAY(number_missing(missing[i], strlen(missing[i])), "%s", missing[i]);
    for (size_t i = 0; i < sizeof present / sizeof *present; i++)
        CHECK_SAY(!number_missing(present[i], strlen(present[i])), "%s", present[i]);
}

static double random_double(struct andon_rng *rng, int i)
{
    uint64_t bits = andon_rng_u64(rng);
    double v;
    switch (i % 5) {
    case 0: memcpy(&v, &bits, sizeof v); return isfinite(v) ? v : 1.0;
    case 1: return andon_rng_real(rng);
    case 2: return ldexp(1.0 + andon_rng_real(rng), (int)andon_rng_below(rng, 80) - 25);
    case 3: return (double)andon_rng_below(rng, 2000000) / 1000.0;
    default: return ldexp(1.0, (int)andon_rng_below(rng, 90) - 30);
    }
}

/* Digits between the first and the last that is not 0. */
static int significant(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9' || (digits == 0 && *text == '0')) continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

TEST(a_written_number_reads_back_as_the_same_double_and_no_shorter_text_does)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 3);
    for (int i = 0; i < TEXTS; i++) {
        double v = random_double(&rng, i);
        char text[NUMBER_ROOM + 1], shorter[64];
        size_t length = number_write(text, v, 17);
        CHECK(length < NUMBER_ROOM);
        text[length] = 0;
        CHECK_SAY(strtod(text, NULL) == v, "%.17g was written %s", v, text);
        int digits = significant(text);
        if (digits < 3 || strchr(text, 'e') != NULL || fabs(v) >= 1e15) continue;
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, v);
        CHECK_SAY(strtod(shorter, NULL) != v, "%s could be %s", text, shorter);
    }
}

TEST(fewer_digits_are_rounded_like_printf_rounds_them)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 4);
    for (int i = 0; i < 200000; i++) {
        double v = random_double(&rng, i);
        char text[NUMBER_ROOM + 1], expected[64];
        size_t length = number_write(text, v, 6);
        text[length] = 0;
        snprintf(expected, sizeof expected, "%.6g", v);
        /* half a unit of the sixth digit may fall either way when v lies exactly on it */
        double off = fabs(strtod(text, NULL) - strtod(expected, NULL));
        CHECK_SAY(off <= fabs(v) * 1.0001e-5, "%.17g: %s, printf says %s", v, text, expected);
        CHECK_SAY(fabs(strtod(text, NULL) - v) <= fabs(v) * 5.0001e-6, "%.17g: %s", v, text);
    }
}

TEST(zero_nan_and_whole_numbers_are_written_plainly)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0"},
                 {-0.0, "0"},
                 {NAN, "nan"},
                 {1.0, "1"},
                 {-12.5, "-12.5"},
                 {100.0, "100"},
                 {123456789.0, "123456789"},
                 {0.1, "0.1"},
                 {1e-5, "0.00001"},
                 {0.3, "0.3"},
                 {1e14, "100000000000000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUMBER_ROOM + 1];
        text[number_write(text, cases[i].value, 17)] = 0;
        CHECK_SAY(strcmp(text, cases[i].text) == 0, "%s, expected %s", text, cases[i].text);
    }
}
