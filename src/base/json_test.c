#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "andon/rng.h"
#include "base/number_write.h"
#include "test.h"

static char room[4096];

static bool gives(const struct json *j, const char *expected)
{
    return !j->failed && text_is((struct text){j->at, (uint32_t)j->used}, text_of(expected));
}

TEST(values_stand_in_order_with_commas_between_them)
{
    struct json j;
    json_into(&j, room, sizeof room);
    json_open(&j, NULL, '{');
    json_text(&j, "a", TEXT("b"));
    json_open(&j, "list", '[');
    json_whole(&j, NULL, -9223372036854775807 - 1);
    json_bool(&j, NULL, true);
    json_none(&j, NULL);
    json_open(&j, NULL, '[');
    json_close(&j, ']');
    json_close(&j, ']');
    json_name(&j, TEXT("n\"m"));
    json_number(&j, NULL, 0.1);
    json_name(&j, TEXT("o"));
    json_open(&j, NULL, '{');
    json_close(&j, '}');
    json_cstring(&j, "none", NULL);
    json_raw(&j, "raw", TEXT("[1]"));
    json_time(&j, "ts", INT64_C(1700000000123000000));
    json_close(&j, '}');
    CHECK_SAY(gives(&j, "{\"a\":\"b\",\"list\":[-9223372036854775808,true,null,[]],\"n\\\"m\":0.1,"
                        "\"o\":{},\"none\":null,\"raw\":[1],\"ts\":\"2023-11-14T22:13:20.123Z\"}"),
              "%.*s", (int)j.used, j.at);
}

TEST(text_is_escaped_and_what_is_no_utf8_is_replaced)
{
    static const struct {
        struct text in;
        const char *out;
    } row[] = {
        {TEXT("a\"b\\c\n\t\r\x01\x7f\x00z"), "\"a\\\"b\\\\c\\n\\t\\r\\u0001\x7f\\u0000z\""},
        {TEXT("gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x98\x80"),
         "\"gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {TEXT("\xff"), "\"\xef\xbf\xbd\""},                                 /* no first byte      */
        {TEXT("a\xc3"), "\"a\xef\xbf\xbd\""},                               /* cut                */
        {TEXT("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong           */
        {TEXT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate    */
        {TEXT("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {TEXT("\xe2\x82z"), "\"\xef\xbf\xbd\xef\xbf\xbdz\""},
        {TEXT(""), "\"\""},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct json j;
        json_into(&j, room, sizeof room);
        json_text(&j, NULL, row[i].in);
        CHECK_SAY(gives(&j, row[i].out), "%zu: %.*s", i, (int)j.used, j.at);
    }
}

TEST(every_double_comes_back_bit_for_bit_and_is_json)
{
    static const double special[] = {0.0,
                                     -0.0,
                                     5e-324,
                                     -5e-324,
                                     2.2250738585072014e-308,
                                     1e21,
                                     1e-7,
                                     1.7976931348623157e308,
                                     9007199254740993.0,
                                     0.1,
                                     100.0};
    struct andon_rng rng;
    andon_rng_seed(&rng, 7);
    for (int i = 0; i < 200000; i++) {
        double value, back;
        uint64_t bits = andon_rng_u64(&rng);
        memcpy(&value, &bits, sizeof value);
        if (i < (int)(sizeof special / sizeof special[0])) value = special[i];
        struct json j;
        json_into(&j, room, sizeof room);
        json_number(&j, NULL, value);
        CHECK(!j.failed);
        room[j.used] = 0;
        if (!isfinite(value)) {
            CHECK(gives(&j, "null"));
            continue;
        }
        back = strtod(room, NULL);
        CHECK_SAY(memcmp(&back, &value, sizeof value) == 0, "%a: %s", value, room);
        /* JSON wants a digit first, no '+', no leading zeros and digits around a point. */
        const char *s = room + (room[0] == '-');
        CHECK_SAY(*s >= '0' && *s <= '9' && !(s[0] == '0' && s[1] >= '0' && s[1] <= '9'), "%s",
                  room);
        CHECK_SAY(s[strspn(s, "0123456789.eE+-")] == 0, "%s", room);
        const char *point = strchr(s, '.');
        CHECK_SAY(point == NULL || (point[1] >= '0' && point[1] <= '9'), "%s", room);
    }
}

TEST(what_finds_no_room_is_said_and_stops)
{
    for (size_t bytes = 0; bytes < 30; bytes++) {
        struct json j;
        memset(room, '#', sizeof room);
        json_into(&j, room, bytes);
        json_open(&j, NULL, '{');
        json_text(&j, "key", TEXT("text of some length"));
        json_close(&j, '}');
        CHECK(j.used <= bytes && room[bytes] == '#');
        CHECK(j.failed == (bytes < 29));
    }
}

TEST(memory_grows_up_to_its_limit)
{
    struct json j;
    json_growing(&j, 100000);
    json_open(&j, NULL, '[');
    for (int i = 0; i < 10000; i++) json_whole(&j, NULL, i);
    json_close(&j, ']');
    CHECK(!j.failed && j.used == 48891);
    json_free(&j);
    json_growing(&j, 100);
    for (int i = 0; i < 101; i++) json_bytes(&j, "x", 1);
    CHECK(j.failed && j.used == 100);
    json_free(&j);
}

TEST(a_file_gets_lines_that_people_can_read)
{
    struct json j;
    char got[256] = "";
    FILE *f = tmpfile();
    if (f == NULL) SKIP("there is no place for a temporary file");
    json_printing(&j, f);
    json_open(&j, NULL, '{');
    json_whole(&j, "a", 1);
    json_open(&j, "b", '[');
    json_cstring(&j, NULL, "x");
    json_cstring(&j, NULL, "y");
    json_close(&j, ']');
    json_open(&j, "c", '{');
    json_close(&j, '}');
    json_close(&j, '}');
    rewind(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    CHECK_SAY(
        strcmp(got, "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    \"y\"\n  ],\n  \"c\": {}\n}\n") ==
            0,
        "%s", got);
}
