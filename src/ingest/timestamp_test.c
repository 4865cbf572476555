#include "ingest/timestamp.h"

#include <time.h>

#include "andon/rng.h"
#include "test.h"

#define S INT64_C(1000000000)
/* 2020-03-01T12:34:56Z */
#define THEN INT64_C(1583066096)

TEST(every_accepted_shape_names_the_same_instant)
{
    static const char *const shapes[] = {"2020-03-01T12:34:56Z",
                                         "2020-03-01T12:34:56",
                                         "2020-03-01 12:34:56",
                                         "2020-03-01 12:34:56 UTC",
                                         "2020-03-01T14:34:56+02:00",
                                         "2020-03-01T07:04:56-0530",
                                         "2020-03-01T13:34:56+01",
                                         "2020/03/01 12:34:56",
                                         "2020-03-01\n12:34:56",
                                         "01-03-2020 12:34:56",
                                         "01-03-2020 12:34:56.000",
                                         "01.03.2020 12:34:56",
                                         "2020.03.01.12.34.56",
                                         "1583066096",
                                         "1583066096.000",
                                         "1583066096000",
                                         "1583066096000000",
                                         "1583066096000000000",
                                         " 2020-03-01T12:34:56.0Z "};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int64_t ts = 0;
        CHECK_SAY(timestamp_read(shapes[i], strlen(shapes[i]), &ts), "%s", shapes[i]);
        CHECK_SAY(ts == THEN * S, "%s: %lld", shapes[i], (long long)ts);
    }
}

TEST(fractions_keep_their_nanoseconds)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"2020-03-01T12:34:56.123456789Z", THEN * S + 123456789},
                 {"2020-03-01 12:34:56,5", THEN * S + 500000000},
                 {"2020-03-01T12:34:56.1234567899Z", THEN * S + 123456789},
                 {"1583066096.25", THEN * S + 250000000},
                 {"1583066096123.5", THEN * S + 123500000},
                 {"0", 0},
                 {"-1.5", -1500000000},
                 {"12", 12 * S},
                 {"1970-01-01", 0},
                 {"1969-12-31 23:59", -60 * S}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ts = 1;
        CHECK_SAY(timestamp_read(cases[i].text, strlen(cases[i].text), &ts), "%s", cases[i].text);
        CHECK_SAY(ts == cases[i].ns, "%s: %lld", cases[i].text, (long long)ts);
    }
}

TEST(what_is_no_time_is_refused)
{
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2020-13-01",
                                      "2020-02-30",
                                      "2021-02-29",
                                      "2020-3-1",
                                      "24:00",
                                      "12:30",
                                      "2020-03-01T25:00:00",
                                      "2020-03-01T12:60",
                                      "2020-03-01T12:30:15.",
                                      "2020-03-01T12:30:15X",
                                      "2020-03-01T12:30+1",
                                      "1e9",
                                      "99999999999999999999",
                                      "2020.03.01.12.34",
                                      "3020-01-01",
                                      "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ts;
        CHECK_SAY(!timestamp_read(bad[i], strlen(bad[i]), &ts), "%s", bad[i]);
    }
}

TEST(dates_agree_with_the_c_library_over_four_centuries)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 5);
    for (int i = 0; i < 100000; i++) {
        time_t t = (time_t)andon_rng_below(&rng, UINT32_MAX) * 4 - INT64_C(8500000000);
        struct tm tm;
        char text[64];
        gmtime_r(&t, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        int64_t ts = 0;
        CHECK_SAY(timestamp_read(text, strlen(text), &ts), "%s", text);
        CHECK_SAY(ts == (int64_t)t * S, "%s", text);
        char written[TIMESTAMP_ROOM];
        timestamp_write(written, ts);
        CHECK_SAY(strcmp(written, text) == 0, "%s, expected %s", written, text);
    }
}

TEST(a_written_time_reads_back_to_the_nanosecond)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 6);
    static const int64_t units[4] = {1, 1000, 1000000, 1000000000};
    for (int i = 0; i < 100000; i++) {
        int64_t ts = (int64_t)(andon_rng_u64(&rng) >> 1) - INT64_C(4600000000000000000);
        ts -= ts % units[i % 4];
        char text[TIMESTAMP_ROOM];
        timestamp_write(text, ts);
        int64_t back = 0;
        CHECK_SAY(timestamp_read(text, strlen(text), &back) && back == ts, "%lld -> %s -> %lld",
                  (long long)ts, text, (long long)back);
    }
}

TEST(the_quick_way_of_written_times_is_the_long_one)
{
    static const char *const ends[] = {"",     "Z",   ".5", ".123456789Z", "+02:00",
                                       " UTC", ",25", "X",  ".",           "+2"};
    for (uint32_t i = 0; i < 50000; i++) {
        struct andon_rng rng = andon_rng_fork(4, i);
        char quick[64], slow[64];
        int64_t a = 0, b = 0;
        bool local_a = false, local_b = false;
        snprintf(quick, sizeof quick, "%04u-%02u-%02u%c%02u:%02u:%02u%s",
                 1600 + andon_rng_below(&rng, 800), andon_rng_below(&rng, 15),
                 andon_rng_below(&rng, 34), "T \n"[andon_rng_below(&rng, 3)],
                 andon_rng_below(&rng, 26), andon_rng_below(&rng, 62), andon_rng_below(&rng, 63),
                 ends[andon_rng_below(&rng, 10)]);
        if (i % 4 == 0) quick[andon_rng_below(&rng, (uint32_t)strlen(quick))] ^= 1;
        snprintf(slow, sizeof slow, "%s", quick);
        if (slow[4] == '-' && slow[7] == '-') slow[4] = slow[7] = '/';
        bool taken = timestamp_read_local(quick, strlen(quick), &a, &local_a);
        bool also = timestamp_read_local(slow, strlen(slow), &b, &local_b);
        CHECK_SAY(taken == also && (!taken || (a == b && local_a == local_b)), "SEED=%u %s", i,
                  quick);
    }
}

TEST(a_time_is_local_when_it_names_no_zone)
{
    static const struct {
        const char *text;
        bool local;
    } cases[] = {{"2024-05-31T12:30:15", true},
                 {"2024-05-31T12:30:15Z", false},
                 {"2024-05-31T12:30:15.25", true},
                 {"2024-05-31T12:30:15+00:00", false},
                 {"2024-05-31", true},
                 {"31.05.2024 12:30", true},
                 {"31.05.2024 12:30 UTC", false},
                 {"2004.02.12.10.32.39", true},
                 {"1717156800", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ts_ns;
        bool local = !cases[i].local;
        CHECK(timestamp_read_local(cases[i].text, strlen(cases[i].text), &ts_ns, &local));
        CHECK_SAY(local == cases[i].local, "%s", cases[i].text);
    }
}

TEST(an_epoch_of_a_known_unit_is_read_in_it)
{
    static const struct {
        const char *text;
        int64_t unit_ns, ts_ns;
    } cases[] = {{"5", 1, 5},
                 {"5", 1000, 5000},
                 {"5.25", 1000000, 5250000},
                 {"-5", 1000000000, -5000000000},
                 {"1717156800", 0, INT64_C(1717156800000000000)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ts_ns = 0;
        CHECK(timestamp_read_epoch(cases[i].text, strlen(cases[i].text), cases[i].unit_ns, &ts_ns));
        CHECK_SAY(ts_ns == cases[i].ts_ns, "%s", cases[i].text);
    }
    int64_t ts_ns = 7;
    CHECK(!timestamp_of_epoch(INT64_MAX, 1000, &ts_ns) &&
          !timestamp_of_epoch(INT64_MIN, 1, &ts_ns));
    CHECK(timestamp_of_epoch(-5, 1000, &ts_ns) && ts_ns == -5000);
}
