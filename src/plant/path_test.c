#include "plant/path.h"

#include "test.h"

TEST(a_path_is_levels_of_text_and_nothing_else)
{
    static const char *const good[] = {"a", "acme/seattle/pumps/p07", "Werk 1/\xc3\x96l",
                                       "a b/c.d-e_f"};
    static const char *const bad[] = {
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "a/+/b",
        "a/#",
        "a\nb",
        "a/\x7f",
        "\xff",
        "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_SAY(path_wrong(text_of(good[i])) == NULL, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(path_wrong(text_of(bad[i])) != NULL, "%s", bad[i]);
    char wide[PATH_BYTES_MAX + 2];
    memset(wide, 'a', sizeof wide);
    CHECK(path_wrong((struct text){wide, PATH_BYTES_MAX}) == NULL);
    CHECK(path_wrong((struct text){wide, PATH_BYTES_MAX + 1}) != NULL);
    CHECK(path_wrong((struct text){"a\0b", 3}) != NULL);
}

static bool is(struct text a, const char *b)
{
    return text_is(a, text_of(b));
}

TEST(levels_have_their_places_from_the_enterprise_down)
{
    struct path_place p = path_place(TEXT("acme/seattle/bakery/line1/cell2/sub/fryer"));
    CHECK(is(p.enterprise, "acme") && is(p.site, "seattle") && is(p.area, "bakery"));
    CHECK(is(p.line, "line1") && is(p.cell, "cell2/sub") && is(p.asset, "fryer"));
    p = path_place(TEXT("acme/seattle/pumps/p07"));
    CHECK(is(p.area, "pumps") && is(p.line, "") && is(p.cell, "") && is(p.asset, "p07"));
    p = path_place(TEXT("fryer"));
    CHECK(is(p.enterprise, "") && is(p.asset, "fryer"));
}

TEST(what_is_below_a_site_stands_behind_its_path)
{
    CHECK(is(path_below(TEXT("acme/seattle/pumps/p07"), TEXT("acme/seattle")), "pumps/p07"));
    CHECK(is(path_below(TEXT("acme/seattle2/p07"), TEXT("acme/seattle")), ""));
    CHECK(is(path_below(TEXT("acme/seattle"), TEXT("acme/seattle")), ""));
    CHECK(is(path_below(TEXT("acme"), TEXT("acme/seattle")), ""));
    CHECK(is(path_below(TEXT("a/b"), TEXT("")), ""));
}
