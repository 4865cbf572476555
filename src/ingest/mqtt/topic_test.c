#include "ingest/mqtt/topic.h"

#include "test.h"

TEST(mqtt_1_5_4_text_is_utf_8_without_zero)
{
    static const struct {
        const char *bytes;
        uint32_t length;
        bool well;
    } cases[] = {{"", 0, true},
                 {"plain ascii of some length", 26, true},
                 {"\xc3\xa9 and \xe2\x82\xac and \xf0\x9f\x98\x80", 19, true},
                 {"12345678\xc3\xa9", 10, true},
                 {"1234567\0", 8, false},
                 {"\0", 1, false},
                 {"12345678\0", 9, false},
                 {"\xc3", 1, false},         /* cut         */
                 {"\xc0\x80", 2, false},     /* overlong    */
                 {"\xe0\x80\x80", 3, false}, /* overlong    */
                 {"\xed\xa0\x80", 3, false}, /* a surrogate */
                 {"\xf4\x90\x80\x80", 4, false},
                 {"\xff", 1, false},
                 {"abcdefg\x80", 8, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = {cases[i].bytes, cases[i].length};
        CHECK_SAY(text_well_formed(text) == cases[i].well, "case %d", (int)i);
    }
}

TEST(mqtt_4_7_1_filters_that_may_be)
{
    static const char *const good[] = {"#",     "+",  "/",    "a/#",   "a/+/b",
                                       "+/+/#", "/+", "a//b", "$SYS/#"};
    static const char *const bad[] = {"",   "a#",   "a/b#", "#/a", "a/#/b",
                                      "+a", "a+/b", "a/+b", "##",  "++"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_SAY(topic_filter_ok(text_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!topic_filter_ok(text_of(bad[i])), "%s", bad[i]);
}

TEST(levels_come_one_after_the_other_and_empty_ones_too)
{
    struct text rest = TEXT("a//b/"), level;
    CHECK(topic_level(&rest, &level) && text_is(level, TEXT("a")));
    CHECK(topic_level(&rest, &level) && level.length == 0);
    CHECK(topic_level(&rest, &level) && text_is(level, TEXT("b")));
    CHECK(topic_level(&rest, &level) && level.length == 0);
    CHECK(!topic_level(&rest, &level));
}

TEST(mqtt_4_7_3_names_have_limits)
{
    char name[4098], levels[300];
    memset(name, 'n', 4097);
    for (int i = 0; i < 300; i++) levels[i] = i % 2 == 0 ? 'l' : '/';
    CHECK(topic_name_ok((struct text){name, 4096}) && !topic_name_ok((struct text){name, 4097}));
    CHECK(topic_name_ok((struct text){levels, 255}) && !topic_name_ok((struct text){levels, 257}));
    CHECK(topic_filter_ok((struct text){levels, 255}) &&
          !topic_filter_ok((struct text){levels, 257}));
    CHECK(!topic_name_ok(TEXT("")) && !topic_name_ok(TEXT("a/+")) && !topic_name_ok(TEXT("#")));
}
