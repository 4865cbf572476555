#include "base/quantity.h"

#include "andon/rng.h"

#include "test.h"

TEST(durations_are_read_in_every_unit)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"0", 0},
                {"0s", 0},
                {"100ms", INT64_C(100000000)},
                {"7d", INT64_C(604800000000000)},
                {"1w", INT64_C(604800000000000)},
                {"1h", INT64_C(3600000000000)},
                {" 5min ", INT64_C(300000000000)},
                {"5m", INT64_C(300000000000)},
                {"1h30m", INT64_C(5400000000000)},
                {"0.5s", INT64_C(500000000)},
                {"1.5h", INT64_C(5400000000000)},
                {"250us", 250000},
                {"1ns", 1},
                {"0.000000001s", 1},
                {"9223372036854775807ns", INT64_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ns;
        CHECK_SAY(duration_read(text_of(good[i].text), &ns), "%s", good[i].text);
        CHECK_SAY(ns == good[i].ns, "%s: %lld", good[i].text, (long long)ns);
    }
}

TEST(what_is_no_duration_is_refused)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "5",
                                      "s",
                                      "5 s",
                                      "-5s",
                                      "5x",
                                      "5S",
                                      "1m1h",
                                      "1s1s",
                                      "1.s",
                                      ".5s",
                                      "1e3s",
                                      "5s ,",
                                      "5s5",
                                      "293y",
                                      "15251w",
                                      "9223372036854775808ns",
                                      "99999999999999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ns;
        CHECK_SAY(!duration_read(text_of(bad[i]), &ns), "%s", bad[i]);
    }
}

TEST(a_duration_written_reads_back_exactly)
{
    struct andon_rng rng;
    char text[QUANTITY_ROOM];
    int64_t again;
    andon_rng_seed(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)(andon_rng_u64(&rng) >> (1 + andon_rng_below(&rng, 63)));
        duration_write(text, ns);
        CHECK_SAY(duration_read(text_of(text), &again) && again == ns, "%s", text);
    }
    duration_write(text, INT64_C(5400000000000));
    CHECK_SAY(strcmp(text, "1h30m") == 0, "%s", text);
    duration_write(text, INT64_C(864000000000000));
    CHECK_SAY(strcmp(text, "10d") == 0, "%s", text);
    duration_write(text, INT64_MAX);
    CHECK_SAY(strlen(text) + 1 <= QUANTITY_ROOM, "%s", text);
}

TEST(sizes_are_read_and_written)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"64MiB", 67108864},
                {"1 GiB", 1073741824},
                {"10GB", UINT64_C(10000000000)},
                {"5kB", 5000},
                {"7B", 7},
                {"2TiB", UINT64_C(2199023255552)}};
    static const char *const bad[] = {"",      "MiB",        "-1",    "1.5GiB",
                                      "5 mib", "8388608TiB", "1MiB1", "x"};
    char text[QUANTITY_ROOM];
    uint64_t bytes, again;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_SAY(bytes_read(text_of(good[i].text), &bytes), "%s", good[i].text);
        CHECK_SAY(bytes == good[i].bytes, "%s: %llu", good[i].text, (unsigned long long)bytes);
        bytes_write(text, bytes);
        CHECK_SAY(bytes_read(text_of(text), &again) && again == bytes, "%s", text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!bytes_read(text_of(bad[i]), &bytes), "%s", bad[i]);
    bytes_write(text, 67108864);
    CHECK_SAY(strcmp(text, "64MiB") == 0, "%s", text);
}

TEST(rates_are_per_day)
{
    static const char *const bad[] = {"",     "3",     "0/day",   "-1/day", "3/",
                                      "/day", "3/dya", "nan/day", "3/day/h"};
    double per_day;
    CHECK(rate_read(TEXT("3/day"), &per_day) && per_day == 3.0);
    CHECK(rate_read(TEXT("0.5/h"), &per_day));
    CHECK_NEAR(per_day, 12.0, 1e-12);
    CHECK(rate_read(TEXT("14 / week"), &per_day) && per_day == 2.0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!rate_read(text_of(bad[i]), &per_day), "%s", bad[i]);
    char text[QUANTITY_ROOM];
    rate_write(text, 0.1);
    CHECK_SAY(strcmp(text, "0.1/day") == 0, "%s", text);
}

TEST(numbers_written_read_back_bit_for_bit_and_words_are_none)
{
    static const char *const bad[] = {"",    "0x10", "inf", "nan", "1e999",
                                      "1,5", "1 2",  "--1", "1e",  "."};
    struct andon_rng rng;
    char text[QUANTITY_ROOM];
    double value, again;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!real_read(text_of(bad[i]), &value), "%s", bad[i]);
    andon_rng_seed(&rng, 2);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = andon_rng_u64(&rng);
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        real_write(text, value);
        CHECK_SAY(real_read(text_of(text), &again) && again == value, "%s", text);
    }
}
