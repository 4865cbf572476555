/* Patterns of asset paths. */
#include "plant/pattern.h"
#include "test.h"

static bool hits(const char *pattern, const char *path)
{
    return pattern_matches(text_of(pattern), text_of(path));
}

TEST(a_star_stays_within_its_level)
{
    CHECK(hits("pumps/*", "pumps/p07"));
    CHECK(!hits("pumps/*", "pumps/p07/motor"));
    CHECK(!hits("pumps/*", "acme/pumps/p07"));
    CHECK(hits("*/p?7", "pumps/p07"));
    CHECK(!hits("a?b", "a/b"));
    CHECK(hits("a*b*c", "aXbYbZc"));
    CHECK(!hits("a*b*c", "aXbYbZ"));
}

TEST(two_stars_cross_levels)
{
    CHECK(hits("**", "a/b/c"));
    CHECK(hits("acme/**/p07", "acme/x/y/p07"));
    CHECK(hits("**/p*7", "acme/x/p17/p07"));
    CHECK(!hits("acme/**/p07", "acme/x/y/p08"));
}

TEST(a_pattern_of_one_level_matches_the_last_level_too)
{
    CHECK(hits("p07", "acme/pumps/p07"));
    CHECK(hits("p*", "acme/pumps/p07"));
    CHECK(!hits("pumps", "acme/pumps/p07"));
    CHECK(hits("", ""));
    CHECK(!hits("", "a"));
}
