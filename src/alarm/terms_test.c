#include "alarm_rig.h"

TEST(priority_follows_from_consequence_and_time)
{
    CHECK(alarm_priority_of(ALARM_MINOR, HOUR) == ALARM_LOW);
    CHECK(alarm_priority_of(ALARM_MODERATE, 20 * MINUTE) == ALARM_MEDIUM);
    CHECK(alarm_priority_of(ALARM_MAJOR, 20 * MINUTE) == ALARM_HIGH);
    CHECK(alarm_priority_of(ALARM_SEVERE, 5 * MINUTE) == ALARM_CRITICAL);
    for (int c = 0; c < ALARM_CONSEQUENCES; c++)
        for (int64_t t = 0; t < 2 * HOUR; t += MINUTE) {
            enum alarm_consequence this = (enum alarm_consequence)c;
            enum alarm_consequence less = (enum alarm_consequence)(c > 0 ? c - 1 : 0);
            CHECK(alarm_priority_of(this, t) >= alarm_priority_of(this, t + MINUTE));
            CHECK(alarm_priority_of(this, t) >= alarm_priority_of(less, t));
        }
}

TEST(rules_change_terms_and_later_ones_win)
{
    struct rig g;
    struct alarm_rule rules[] = {
        {.match = "site/pumps/*", .type = ALARM_ANOMALY, .set = ALARM_SET_CONSEQUENCE,
         .terms = {.consequence = ALARM_SEVERE}, .advice = "call the pump crew"},
        {.match = "p08", .type = ALARM_ANOMALY, .set = ALARM_SET_CONSEQUENCE | ALARM_SET_RESPOND,
         .terms = {.consequence = ALARM_MINOR, .respond_ns = HOUR}},
        {.match = "p09", .type = ALARM_ANY_TYPE, .set = ALARM_SET_OFF, .terms = {.off = true}},
        {.type = ALARM_FROZEN, .channel = "valve", .set = ALARM_SET_OFF, .terms = {.off = true}},
        {.type = ALARM_ANOMALY, .fault = "leak", .set = ALARM_SET_LATCH, .terms = {.latch = true}},
    };
    rig_set(&g);
    g.options.rule = rules;
    g.options.rules = sizeof rules / sizeof *rules;
    CHECK(rig_open(&g));
    rig_bad(&g);
    CHECK(g.last.record.priority == ALARM_CRITICAL);
    CHECK(strcmp(g.last.record.advice, "call the pump crew") == 0);
    g.asset = 8;
    rig_bad(&g);
    CHECK(g.last.record.priority == ALARM_LOW);
    rig_forget(&g);
    g.asset = 9;
    rig_bad(&g);
    rig_sensor(&g, ANDON_NORMAL, "valve", ANDON_FROZEN);
    CHECK(g.events == 0);
    g.asset = 10;
    rig_fault(&g, "leak", 0.9, 0);
    g.now_ns += MINUTE;
    rig_good(&g);
    CHECK(g.last.after == ALARM_LATCHED_UNACK);
    rig_close(&g);
}

TEST(settings_out_of_range_are_named)
{
    struct rig g;
    struct alarm_rule rule = {.type = 99};
    struct alarm_limit limit = {.channel = "t", .low = 5, .high = 4};
    rig_set(&g);
    const struct alarms_options good = g.options;
    g.options.type[ALARM_NO_DATA].of = 65;
    CHECK(!rig_open(&g) && strstr(g.err.text, "alarms.no_data.confirm") != NULL);
    g.options = good;
    g.options.flood_alarms = 0;
    CHECK(!rig_open(&g) && strstr(g.err.text, "alarms.flood") != NULL);
    g.options = good;
    g.options.events_max = 10;
    CHECK(!rig_open(&g) && strstr(g.err.text, "alarms.events") != NULL);
    g.options = good;
    g.options.rule = &rule;
    g.options.rules = 1;
    CHECK(!rig_open(&g) && strstr(g.err.text, "alarms.rules[0].type") != NULL);
    g.options = good;
    g.options.limit = &limit;
    g.options.limits = 1;
    CHECK(!rig_open(&g) && strstr(g.err.text, "alarms.limits[0].low") != NULL);
    g.options = good;
    g.options.budget_per_day = 0;
    CHECK(!rig_open(&g) && strstr(g.err.text, "alarms.budget") != NULL);
}
