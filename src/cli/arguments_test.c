#include "cli/arguments.h"

#include "cli/cli.h"
#include "test.h"

struct options {
    struct argument_values data, set;
    const char *out, *plant, *config;
    uint64_t seed;
    bool quiet;
};

#define AT(field) offsetof(struct options, field)
static const struct argument arguments[] = {
    {"PLANT", ARGUMENT_PLACE, AT(plant), NULL, "a place", false},
    {"--data", ARGUMENT_LIST, AT(data), "FILE...", "files", true},
    {"--out", ARGUMENT_TEXT, AT(out), "FILE", "a file", false},
    {"--set", ARGUMENT_EACH, AT(set), "KEY=VALUE", "settings", false},
    {"--seed", ARGUMENT_COUNT, AT(seed), "N", "a number", false},
    {"--quiet", ARGUMENT_FLAG, AT(quiet), NULL, "a flag", false},
    {"-c", ARGUMENT_TEXT, AT(config), "FILE", "a short name", false},
    {0}};
static const struct command_line line = {"try", "", "A try.", NULL, arguments};

/* Parses words cut at spaces; the error line goes to /dev/null. */
static enum arguments_result parse(const char *words, struct options *o)
{
    static char text[256];
    char *argv[32] = {"try"};
    int argc = 1;
    snprintf(text, sizeof text, "%s", words);
    for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " ")) argv[argc++] = at;
    *o = (struct options){0};
    return arguments_parse(&line, argc, argv, o);
}

TEST(options_are_taken_in_any_order_and_both_spellings)
{
    struct options o;
    CHECK(parse("--data x.csv --seed=12 pump --set b=2", &o) == ARGUMENTS_RUN);
    CHECK(o.data.count == 1 && strcmp(o.plant, "pump") == 0);
    CHECK(parse("pump --set a=1 --data x.csv y.csv --seed=12 --set=b=2 --quiet", &o) ==
          ARGUMENTS_RUN);
    CHECK(o.data.count == 2 && strcmp(o.data.value[1], "y.csv") == 0);
    CHECK(o.set.count == 2 && strcmp(o.set.value[1], "b=2") == 0);
    CHECK(o.seed == 12 && o.quiet && o.out == NULL && strcmp(o.plant, "pump") == 0);
}

TEST(a_letter_behind_one_dash_is_an_option_and_a_dash_alone_is_a_file)
{
    struct options o;
    CHECK(parse("-c a.yaml --data x y -c=b", &o) == ARGUMENTS_WRONG);
    CHECK(parse("--data x y -c a.yaml", &o) == ARGUMENTS_RUN);
    CHECK(o.data.count == 2 && strcmp(o.config, "a.yaml") == 0);
    CHECK(parse("--data - -1 -x1", &o) == ARGUMENTS_RUN && o.data.count == 3);
    CHECK(parse("--data x -d", &o) == ARGUMENTS_WRONG);
}

TEST(what_is_not_in_the_table_is_wrong)
{
    static const char *const wrong[] = {"",
                                        "--data",
                                        "--data x --nosuch 1",
                                        "--data x --out a --out b",
                                        "--data x --seed -1",
                                        "--data x --seed 1.5",
                                        "--data x --seed 99999999999999999999",
                                        "--data x --out",
                                        "--data x --out --quiet",
                                        "--data x --quiet=1",
                                        "one two --data x",
                                        "--dat x"};
    struct options o;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_SAY(parse(wrong[i], &o) == ARGUMENTS_WRONG, "%s", wrong[i]);
}

TEST(rows_are_half_open_and_either_end_may_be_missing)
{
    uint64_t first, end;
    CHECK(argument_rows("3:9", &first, &end) && first == 3 && end == 9);
    CHECK(argument_rows(":9", &first, &end) && first == 0 && end == 9);
    CHECK(argument_rows("3:", &first, &end) && first == 3 && end == UINT64_MAX);
    CHECK(argument_rows(":", &first, &end) && first == 0 && end == UINT64_MAX);
    static const char *const wrong[] = {"", "3", "9:3", "3:3", "-1:3", "a:b", "1:2:3", "1:2 "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_SAY(!argument_rows(wrong[i], &first, &end), "%s", wrong[i]);
}

TEST(a_budget_is_a_rate)
{
    double per_day = 0.0;
    CHECK(argument_budget("3/day", &per_day) && per_day == 3.0);
    CHECK(argument_budget("0.5/h", &per_day) && per_day == 12.0);
    CHECK(argument_budget("7/week", &per_day) && per_day == 1.0);
    CHECK(argument_budget("1e-3/d", &per_day) && per_day == 1e-3);
    static const char *const wrong[] = {"",       "3",       "3/",      "/day",        "0/day",
                                        "-1/day", "nan/day", "inf/day", "3/fortnight", "3 /day"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_SAY(!argument_budget(wrong[i], &per_day), "%s", wrong[i]);
}

TEST(names_are_cut_at_commas)
{
    struct argument_values values = {0};
    char text[] = "a,b c,,d";
    CHECK(argument_split(text, &values) && values.count == 3);
    CHECK(strcmp(values.value[0], "a") == 0 && strcmp(values.value[1], "b c") == 0 &&
          strcmp(values.value[2], "d") == 0);
}
