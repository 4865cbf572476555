#include "serve/query.h"

#include "test.h"

static bool duration_is(const char *text, int64_t ns)
{
    int64_t got = -1;
    return query_duration(text_of(text), &got) && got == ns;
}

static bool time_is(const char *text, int64_t ns)
{
    int64_t got = -1;
    return query_time(text_of(text), INT64_C(1700000000000000000), &got) && got == ns;
}

TEST(escapes_are_taken_out_and_wrong_ones_refused)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } row[] = {{"plain", "plain"}, {"a%20b", "a b"}, {"%C3%bc", "\xc3\xbc"},
               {"%2f%2F", "//"},   {"%25", "%"},     {"%2541", "%41"},
               {"%", NULL},        {"%4", NULL},     {"%4g", NULL},
               {"a%00b", NULL},    {"%%41", NULL},   {"", ""}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", row[i].in);
        int64_t n = query_unescape(text, strlen(text));
        CHECK_SAY((n < 0) == (row[i].out == NULL), "%s", row[i].in);
        if (n >= 0) CHECK(text_is((struct text){text, (uint32_t)n}, text_of(row[i].out)));
    }
}

TEST(parameters_are_found_by_name_in_their_order)
{
    struct query q = {0};
    char text[] = "asset=site%2Fpump+1&channel=a&&channel=b%3D1&flag&x=";
    uint32_t at = 0;
    CHECK(query_split(&q, text, strlen(text)) && q.params == 5);
    CHECK(text_is(*query_find(&q, "asset"), TEXT("site/pump 1")));
    CHECK(text_is(*query_next(&q, "channel", &at), TEXT("a")));
    CHECK(text_is(*query_next(&q, "channel", &at), TEXT("b=1")));
    CHECK(query_next(&q, "channel", &at) == NULL);
    CHECK(query_find(&q, "flag")->length == 0 && query_find(&q, "x")->length == 0);
    CHECK(query_find(&q, "none") == NULL);
}

TEST(too_many_parameters_and_wrong_escapes_are_refused)
{
    struct query q = {0};
    char many[4 * QUERY_PARAMS_MAX + 8] = "", wrong[] = "a=%zz", name[] = "n", value[] = "%0";
    for (uint32_t i = 0; i < QUERY_PARAMS_MAX; i++) strcat(many, "a=1&");
    CHECK(query_split(&q, many, strlen(many)) && q.params == QUERY_PARAMS_MAX);
    CHECK(!query_add(&q, name, NULL));
    q.params = 0;
    CHECK(!query_split(&q, wrong, strlen(wrong)));
    CHECK(!query_add(&q, name, value));
}

TEST(durations_have_units_and_limits)
{
    CHECK(duration_is("60s", INT64_C(60000000000)) && duration_is("60", INT64_C(60000000000)));
    CHECK(duration_is("500ms", 500000000) && duration_is("1.5s", 1500000000));
    CHECK(duration_is("5m", INT64_C(300000000000)) && duration_is("1d", INT64_C(86400000000000)));
    CHECK(duration_is("1w", INT64_C(604800000000000)) && duration_is("250us", 250000));
    CHECK(duration_is("7ns", 7));
    static const char *const wrong[] = {"",   "s",   "-1s",  "0",   "0s",
                                        "1y", "1 s", "1e3s", "..s", "99999999d"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_SAY(!duration_is(wrong[i], 0) && !query_duration(text_of(wrong[i]), &(int64_t){0}),
                  "%s", wrong[i]);
}

TEST(times_are_dates_epochs_and_now)
{
    CHECK(time_is("1700000000", INT64_C(1700000000000000000)));
    CHECK(time_is("1700000000123", INT64_C(1700000000123000000)));
    CHECK(time_is("2023-11-14T22:13:20Z", INT64_C(1700000000000000000)));
    CHECK(time_is("2023-11-15T00:13:20+02:00", INT64_C(1700000000000000000)));
    CHECK(time_is("2023-11-15T00:13:20 02:00", INT64_C(1700000000000000000)));
    CHECK(time_is("2023-11-14 22:13:20", INT64_C(1700000000000000000)));
    CHECK(time_is("2023-11-14 22:13", INT64_C(1699999980000000000)));
    CHECK(time_is("now", INT64_C(1700000000000000000)));
    CHECK(time_is("now-15m", INT64_C(1699999100000000000)));
    CHECK(!time_is("", 0) && !time_is("now-", 0) && !time_is("yesterday", 0) &&
          !time_is("now+1h", 0));
}

TEST(whole_numbers_do_not_overflow)
{
    uint64_t v;
    CHECK(query_whole(TEXT("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    CHECK(!query_whole(TEXT("18446744073709551616"), UINT64_MAX, &v));
    CHECK(!query_whole(TEXT("99999999999999999999"), UINT64_MAX, &v));
    CHECK(query_whole(TEXT("10"), 10, &v) && v == 10 && !query_whole(TEXT("11"), 10, &v));
    CHECK(!query_whole(TEXT("7"), 5, &v) && !query_whole(TEXT(""), 5, &v));
    CHECK(!query_whole(TEXT("-1"), 5, &v) && !query_whole(TEXT("1x"), 5, &v));
}

TEST(a_page_is_read_as_it_was_written)
{
    static const int64_t ts[] = {0, -1, INT64_MAX, -INT64_MAX, INT64_C(1700000000000000001)};
    for (size_t i = 0; i < sizeof ts / sizeof ts[0]; i++) {
        char room[QUERY_PAGE_ROOM];
        int64_t got;
        uint32_t skip;
        query_page_write(room, ts[i], UINT32_MAX);
        CHECK(query_page(text_of(room), &got, &skip) && got == ts[i] && skip == UINT32_MAX);
    }
    CHECK(!query_page(TEXT(""), &(int64_t){0}, &(uint32_t){0}));
    CHECK(!query_page(TEXT("1"), &(int64_t){0}, &(uint32_t){0}));
    CHECK(!query_page(TEXT("1."), &(int64_t){0}, &(uint32_t){0}));
    CHECK(!query_page(TEXT(".1"), &(int64_t){0}, &(uint32_t){0}));
    CHECK(!query_page(TEXT("-.1"), &(int64_t){0}, &(uint32_t){0}));
}

TEST(figures_come_in_the_order_asked_for)
{
    struct query_figures f;
    CHECK(query_figures(TEXT("max,mean"), &f) && f.count == 2);
    CHECK(f.figure[0] == QUERY_MAX && f.figure[1] == QUERY_MEAN);
    CHECK(query_figures(TEXT("last"), &f) && f.count == 1);
    CHECK(!query_figures(TEXT(""), &f) && !query_figures(TEXT("mean,"), &f));
    CHECK(!query_figures(TEXT("median"), &f));
    CHECK(!query_figures(TEXT("min,min,min,min,min,min,min"), &f));
}

TEST(only_this_machines_own_names_are_local)
{
    static const char *const yes[] = {"localhost",      "LocalHost:8000", "127.0.0.1",
                                      "127.0.0.1:8000", "127.255.3.4:1",  "[::1]",
                                      "[::1]:80",       "localhost.:8000"};
    static const char *const no[] = {"",
                                     "evil.example",
                                     "localhost.evil.example",
                                     "128.0.0.1",
                                     "127.0.0",
                                     "127.0.0.1.nip.io",
                                     "::1",
                                     "[::2]",
                                     "127.0.0.256",
                                     "1270.0.0.1",

                                     "localhost:123456",
                                     "127.0.0.1:8000:1",
                                     "0.0.0.0",
                                     "127.0.0.1 ",
                                     ":8000"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        CHECK_SAY(query_host_is_local(text_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        CHECK_SAY(!query_host_is_local(text_of(no[i])), "%s", no[i]);
}

TEST(the_host_of_a_url_is_between_the_slashes)
{
    CHECK(text_is(query_host_of(TEXT("http://a.b:80/x")), TEXT("a.b:80")));
    CHECK(text_is(query_host_of(TEXT("HTTPS://a.b")), TEXT("a.b")));
    CHECK(text_is(query_host_of(TEXT("http://a?x")), TEXT("a")));
    CHECK(query_host_of(TEXT("null")).length == 0 && query_host_of(TEXT("")).length == 0);
    CHECK(query_host_of(TEXT("ftp://a")).length == 0);
}
