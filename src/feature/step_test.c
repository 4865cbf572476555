#include "feature/step.h"

#include "test.h"

static const char *const names[] = {"motor", "ambient", "a-b", "flow rate", "x", "x/y"};

static uint32_t lookup(const void *context, const char *name, size_t length)
{
    (void)context;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) return i;
    return STEP_NO_NAME;
}

static andon_status parse(const char *text, bool asof, struct step *step, andon_error *err)
{
    return step_parse(text, strlen(text), asof, (struct step_names){lookup, NULL}, step, err);
}

static bool means(const char *text, const char *name, uint32_t left, char op, uint32_t right)
{
    struct step s;
    return parse(text, false, &s, NULL) == ANDON_OK && strcmp(s.name, name) == 0 && s.left == left &&
           s.op == op && s.right == right;
}

TEST(steps_are_read_with_and_without_a_name)
{
    CHECK(means("motor*ambient", "motor*ambient", 0, '*', 1));
    CHECK(means(" adjusted = motor - ambient ", "adjusted", 0, '-', 1));
    CHECK(means("q=flow rate/x", "q", 3, '/', 4));
    CHECK(means("s=x+x", "s", 4, '+', 4));
}

TEST(names_may_hold_operator_signs)
{
    CHECK(means("d=a-b-motor", "d", 2, '-', 0));
    CHECK(means("d=motor-a-b", "d", 0, '-', 2));
    CHECK(means("d=x/y/x", "d", 5, '/', 4));
}

TEST(an_as_of_step_understands_differences_alone)
{
    struct step s;
    CHECK(parse("motor-ambient", true, &s, NULL) == ANDON_OK && s.op == 'a');
    CHECK(parse("motor*ambient", true, &s, NULL) == ANDON_EINVAL);
}

TEST(what_names_no_two_channels_is_refused_with_the_step)
{
    static const char *const wrong[] = {"motor*nothing", "motor", "=motor*x", "*", "motor*", "*motor",
                                        "d=", "d=motor^x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct step s;
        andon_error err = {{0}};
        CHECK_SAY(parse(wrong[i], false, &s, &err) == ANDON_EINVAL, "%s", wrong[i]);
        CHECK_SAY(strstr(err.text, wrong[i]) != NULL, "%s", err.text);
    }
    char longer[300];
    struct step s;
    memset(longer, 'n', sizeof longer);
    memcpy(longer + 200, "=motor*x", 9);
    CHECK(parse(longer, false, &s, NULL) == ANDON_EINVAL);
}

TEST(arithmetic_is_exact_and_a_missing_operand_gives_missing)
{
    CHECK(step_value('+', 2.0, 3.0, 1e-6) == 5.0 && step_value('-', 2.0, 3.0, 1e-6) == -1.0);
    CHECK(step_value('a', 71.5, 21.25, 1e-6) == 50.25 && step_value('*', 2.0, 3.0, 1e-6) == 6.0);
    for (const char *op = "+-*/a"; *op != 0; op++) {
        CHECK(isnan(step_value(*op, (double)NAN, 1.0, 1e-6)));
        CHECK(isnan(step_value(*op, 1.0, (double)NAN, 1e-6)));
    }
}

TEST(a_ratio_is_guarded_around_zero_and_elsewhere_as_published)
{
    CHECK(step_value('/', 3.0, 2.0, 1e-6) == 3.0 / (2.0 + 1e-6));
    CHECK(step_value('/', 3.0, 0.0, 1e-6) == 3.0 / 1e-6);
    CHECK(step_value('/', 3.0, -2.0, 1e-6) == 3.0 / (-2.0 + 1e-6));
    for (double right = -3e-6; right < 3e-6; right += 1e-8)
        CHECK(fabs(step_value('/', 1.0, right, 1e-6)) <= 1.000001e6);
}

TEST(pieces_are_cut_at_semicolons_and_trimmed)
{
    const char *at = " a=b ; ;c; ", *piece;
    size_t n;
    CHECK(step_next(&at, &piece, &n) && n == 3 && memcmp(piece, "a=b", 3) == 0);
    CHECK(step_next(&at, &piece, &n) && n == 1 && *piece == 'c');
    CHECK(!step_next(&at, &piece, &n) && !step_next(&at, &piece, &n));
}
