#include "plant/running.h"

#include "andon/recipe.h"

#include "test.h"

TEST(names_of_running_signals_are_known_and_those_of_parts_are_not)
{
    static const char *const yes[] = {"running",
                                      "Status",
                                      "machine_state",
                                      "MachineStatus",
                                      "is_running",
                                      "operational_state",
                                      "connected-device-status",
                                      "run",
                                      "ON",
                                      "motor_running",
                                      "State"};
    static const char *const no[] = {"Fan001_On",
                                     "Heater_ON",
                                     "VacuumAlert",
                                     "temperature",
                                     "",
                                     "statuses",
                                     "Filter_Override",
                                     "machine",
                                     "is",
                                     "a_very_long_name_that_goes_on_and_on_running",
                                     "alarm_status",
                                     "duty_cycle"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        CHECK_SAY(running_rank(text_of(yes[i])) > 0, "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK_SAY(running_rank(text_of(no[i])) == 0, "%s", no[i]);
    CHECK(running_rank(TEXT("running")) > running_rank(TEXT("status")));
    CHECK(running_rank(TEXT("status")) > running_rank(TEXT("operational_state")));
}

TEST(a_signal_is_guessed_only_when_all_of_it_is_understood)
{
    struct kind_state flag = {0}, words = {0}, codes = {0};
    kind_see_flag(&flag, true);
    CHECK(running_guess(TEXT("status"), &flag) && !running_guess(TEXT("Heater_ON"), &flag));
    kind_see_text(&words, TEXT("normal"));
    kind_see_text(&words, TEXT("Startup"));
    kind_see_text(&words, TEXT("maintenance"));
    CHECK(running_guess(TEXT("operational_state"), &words));
    kind_see_text(&words, TEXT("calibration run 7"));
    CHECK(!running_guess(TEXT("operational_state"), &words));
    CHECK(!running_guess(TEXT("status"), &codes));
    kind_see_number(&codes, 0.0);
    CHECK(!running_guess(TEXT("status"), &codes));
    kind_see_number(&codes, 1.0);
    CHECK(running_guess(TEXT("status"), &codes));
    kind_see_number(&codes, 3.0);
    CHECK(!running_guess(TEXT("status"), &codes));
}

TEST(rules_are_read_with_every_operator)
{
    static const struct {
        const char *text, *channel;
        enum running_test test;
        double number;
    } good[] = {{"duty_cycle > 5", "duty_cycle", RUNNING_MORE, 5},
                {"duty_cycle>=5.5", "duty_cycle", RUNNING_MORE_OR_EQUAL, 5.5},
                {"  rpm <  -1e3 ", "rpm", RUNNING_LESS, -1000},
                {"rpm <= 0", "rpm", RUNNING_LESS_OR_EQUAL, 0},
                {"a b == 1", "a b", RUNNING_EQUAL, 1},
                {"a b = 1", "a b", RUNNING_EQUAL, 1},
                {"mode != 2", "mode", RUNNING_UNEQUAL, 2},
                {"status", "status", RUNNING_SAYS_SO, 0},
                {"always", "", RUNNING_ALWAYS, 0}};
    static const char *const bad[] = {"",     " ",       "> 5",    "a >",    "a > b",
                                      "a = ", "a = = b", "a <> b", "a => 3", "a ==! b"};
    struct running_rule rule;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_SAY(running_rule_read(text_of(good[i].text), &rule), "%s", good[i].text);
        CHECK_SAY(strcmp(rule.channel, good[i].channel) == 0 && rule.test == good[i].test &&
                      rule.number == good[i].number,
                  "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!running_rule_read(text_of(bad[i]), &rule), "%s", bad[i]);
    char wide[400];
    memset(wide, 'a', sizeof wide);
    CHECK(!running_rule_read((struct text){wide, sizeof wide}, &rule));
}

TEST(a_rule_says_runs_stands_or_unknown)
{
    struct running_rule rule;
    CHECK(running_rule_read(TEXT("duty > 5"), &rule));
    CHECK(running_rule_number(&rule, 5.1) == 1 && running_rule_number(&rule, 5.0) == 0);
    CHECK(running_rule_number(&rule, NAN) == ANDON_RUNNING_UNKNOWN);
    CHECK(running_rule_text(&rule, TEXT(" 6 ")) == 1);
    CHECK(running_rule_text(&rule, TEXT("six")) == ANDON_RUNNING_UNKNOWN);
    CHECK(running_rule_read(TEXT("mode != Cleaning"), &rule));
    CHECK(running_rule_text(&rule, TEXT("cleaning")) == 0 &&
          running_rule_text(&rule, TEXT("bake")) == 1);
    CHECK(running_rule_number(&rule, 1.0) == ANDON_RUNNING_UNKNOWN);
    CHECK(running_rule_read(TEXT("status"), &rule));
    CHECK(running_rule_number(&rule, 1.0) == 1 && running_rule_number(&rule, 0.0) == 0);
    CHECK(running_rule_text(&rule, TEXT("Stopped")) == 0);
    CHECK(running_rule_text(&rule, TEXT("")) == ANDON_RUNNING_UNKNOWN);
    CHECK(running_rule_text(&rule, TEXT("purple")) == ANDON_RUNNING_UNKNOWN);
    CHECK(running_rule_read(TEXT("always"), &rule));
    CHECK(running_rule_number(&rule, NAN) == 1 && running_rule_text(&rule, TEXT("off")) == 1);
}
