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
