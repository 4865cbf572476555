#include "andon/option.h"

#include "test.h"

struct settings {
    int64_t trees;
    double rate;
    bool refit;
    int32_t scale;
    char name[ANDON_OPTION_TEXT];
    char guard;
};

#define AT(field) offsetof(struct settings, field)
static const struct andon_option table[] = {
    {"trees", ANDON_OPTION_INT, AT(trees), 1, 1e15, "100", NULL, "how many"},
    {"rate", ANDON_OPTION_REAL, AT(rate), -1.5, 2.5, "0.25", NULL, "how fast"},
    {"refit", ANDON_OPTION_BOOL, AT(refit), 0, 0, "yes", NULL, "once more"},
    {"scale", ANDON_OPTION_ENUM, AT(scale), 0, 0, "min", "robust|min|minmax", "by what"},
    {"name", ANDON_OPTION_LINE, AT(name), 0, 0, "a b", NULL, "called what"},
    {.name = NULL}};

static struct settings presets(void)
{
    struct settings s = {.guard = 'g'};
    andon_options_default(table, &s);
    return s;
}

TEST(presets_fill_every_field)
{
    struct settings s = presets();
    CHECK(s.trees == 100 && s.rate == 0.25 && s.refit && s.scale == 1);
    CHECK(strcmp(s.name, "a b") == 0 && s.guard == 'g');
}

TEST(values_in_range_are_taken_and_others_refused_without_a_trace)
{
    static const struct {
        const char *name, *value;
        bool taken;
    } cases[] = {
        {"trees", "1", true},        {"trees", "1e3", true},      {"trees", "0", false},
        {"trees", "1.5", false},     {"trees", "", false},        {"trees", "12x", false},
        {"trees", "nan", false},     {"trees", "inf", false},     {"trees", "-5", false},
        {"trees", "1e15", true},     {"trees", "2e15", false},    {"rate", "-1.5", true},
        {"rate", "2.5", true},       {"rate", "2.5000001", false}, {"rate", "nan", false},
        {"rate", "-inf", false},     {"rate", "1e400", false},    {"rate", "0.1 ", false},
        {"rate", "fast", false},     {"refit", "yes", true},      {"refit", "off", true},
        {"refit", "1", true},        {"refit", "false", true},    {"refit", "YES", false},
        {"refit", "", false},        {"refit", "2", false},       {"scale", "robust", true},
        {"scale", "min", true},      {"scale", "minmax", true},   {"scale", "mi", false},
        {"scale", "robust|min", false}, {"scale", "", false},     {"scale", "minmaxx", false},
        {"name", "", true},          {"name", "any = thing", true}, {"tree", "1", false},
        {"", "1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings s = presets(), before = s;
        andon_error err = {{0}};
        andon_status st = andon_option_set(table, &s, cases[i].name, cases[i].value, &err);
        CHECK_SAY(st == (cases[i].taken ? ANDON_OK : ANDON_EINVAL), "%s=%s: %s", cases[i].name,
                  cases[i].value, andon_status_name(st));
        CHECK_SAY(cases[i].taken || strstr(err.text, cases[i].name) == err.text,
                  "%s=%s: \"%s\" does not begin with the option", cases[i].name, cases[i].value,
                  err.text);
        CHECK(cases[i].taken || memcmp(&s, &before, sizeof s) == 0);
    }
}

TEST(the_refusal_of_a_number_says_the_range)
{
    struct settings s = presets();
    andon_error err;
    CHECK(andon_option_set(table, &s, "rate", "7", &err) == ANDON_EINVAL);
    CHECK(strstr(err.text, "-1.5") != NULL && strstr(err.text, "2.5") != NULL);
    CHECK(andon_option_set(table, &s, "scale", "x", &err) == ANDON_EINVAL);
    CHECK(strstr(err.text, "robust|min|minmax") != NULL);
}

TEST(text_is_taken_up_to_its_room)
{
    struct settings s = presets();
    andon_error err;
    char text[ANDON_OPTION_TEXT + 1];
    memset(text, 't', sizeof text);
    text[ANDON_OPTION_TEXT] = 0;
    CHECK(andon_option_set(table, &s, "name", text, &err) == ANDON_EINVAL);
    CHECK(strstr(err.text, "511") != NULL);
    text[ANDON_OPTION_TEXT - 1] = 0;
    CHECK(andon_option_set(table, &s, "name", text, &err) == ANDON_OK);
    CHECK(strcmp(s.name, text) == 0 && s.guard == 'g');
}

TEST(what_is_printed_sets_the_same_bits)
{
    static const char *const rates[] = {"0.1", "-1.4999999999999998", "5e-324", "2.5", "-0"};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct settings s = presets(), again = presets();
        andon_error err;
        CHECK(andon_option_set(table, &s, "rate", rates[i], &err) == ANDON_OK);
        CHECK(andon_option_set(table, &s, "trees", "999999999999999", &err) == ANDON_OK);
        CHECK(andon_option_set(table, &s, "refit", "no", &err) == ANDON_OK);
        CHECK(andon_option_set(table, &s, "scale", "minmax", &err) == ANDON_OK);
        for (const struct andon_option *o = table; o->name != NULL; o++) {
            char text[ANDON_OPTION_TEXT];
            andon_option_print(o, &s, text, sizeof text);
            CHECK_SAY(andon_option_set(table, &again, o->name, text, &err) == ANDON_OK, "%s",
                      err.text);
        }
        CHECK(memcmp(&s, &again, sizeof s) == 0);
    }
}

TEST(an_option_is_found_by_its_whole_name_only)
{
    CHECK(andon_option_find(table, "scale") == &table[3]);
    CHECK(andon_option_find(table, "scal") == NULL && andon_option_find(table, "scales") == NULL);
}
