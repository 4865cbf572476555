#include "andon/recipe.h"
#include "test.h"

static int running(const char *text)
{
    return andon_running(text, strlen(text));
}

TEST(numbers_above_one_half_run)
{
    CHECK(running("1") == 1 && running("1.0") == 1 && running("0.51") == 1 && running("17") == 1);
    CHECK(running("0") == 0 && running("0.0") == 0 && running("0.5") == 0 && running("-1") == 0);
}

TEST(words_in_any_case_and_between_blanks_are_understood)
{
    static const char *const on[] = {"running", "RUNNING", "On", " on ", "true", "True", "yes",
                                     "active", "Operational", "startup", "high_load", "\tup"};
    static const char *const off[] = {"stopped", "OFF", "False", "no", "Inactive", "idle",
                                      "shutdown", "maintenance ", "standby", "Paused"};
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) CHECK_SAY(running(on[i]) == 1, "%s", on[i]);
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        CHECK_SAY(running(off[i]) == 0, "%s", off[i]);
}

TEST(what_says_nothing_is_unknown)
{
    static const char *const unknown[] = {"", "   ", "nan", "NaN", "maybe", "runningg", "1x", "1 2",
                                          "a word that is far longer than any of them"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        CHECK_SAY(running(unknown[i]) == ANDON_RUNNING_UNKNOWN, "\"%s\"", unknown[i]);
}

TEST(the_length_is_obeyed)
{
    CHECK(andon_running("running!", 7) == 1);
    CHECK(andon_running("10", 1) == 1 && andon_running("0123", 1) == 0);
}
