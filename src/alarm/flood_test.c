#include "alarm_rig.h"

static struct alarms_figures figures(struct rig *g)
{
    struct alarms_figures f;
    alarms_figures(g->alarms, &f);
    return f;
}

/* Asset n has an anomaly; a low priority unless it is dear. */
static void bad(struct rig *g, uint32_t n, double cost)
{
    g->asset = n;
    rig_fault(g, "x", 0.9, cost);
}

TEST(more_than_ten_in_ten_minutes_are_a_flood)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 10; n++, g.now_ns += 50 * SECOND) bad(&g, n, 0);
    CHECK(!figures(&g).flooding && g.events == 10);
    bad(&g, 10, 0);
    CHECK(figures(&g).flooding && figures(&g).floods == 1);
    CHECK(g.last.record.type == ALARM_FLOOD && g.last.record.asset == ALARM_SITE && g.last.notify);
    CHECK(strcmp(g.last.record.path, "site") == 0 && g.last.record.priority == ALARM_HIGH);
    CHECK(strcmp(g.last.record.text,
                 "more than 10 alarms in 10 min: those below high are held back") == 0);
    rig_close(&g);
}

TEST(ten_an_hour_are_none)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 90; n++) {
        bad(&g, n, 0);
        rig_wait(&g, MINUTE);
    }
    CHECK(figures(&g).floods == 0);
    rig_close(&g);
}

TEST(a_flood_holds_lower_priorities_back_keeps_them_and_tells_them_when_it_ends)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 11; n++) bad(&g, n, 0);
    rig_forget(&g);
    bad(&g, 11, 0);
    CHECK(g.events == 1 && !g.last.notify && g.last.record.held && !g.last.record.told);
    uint64_t low = g.last.record.id;
    bad(&g, 12, 0);
    uint64_t gone = g.last.record.id;
    bad(&g, 13, 8000);
    CHECK(g.last.record.priority == ALARM_HIGH && g.last.notify && !g.last.record.held);
    g.asset = 12;
    g.now_ns += MINUTE;
    rig_good(&g);
    CHECK(g.last.change == ALARM_CLEARED && !g.last.notify);
    CHECK(alarms_find(g.alarms, low) != NULL && alarms_find(g.alarms, low)->held);
    rig_forget(&g);
    rig_wait(&g, 9 * MINUTE); /* the first eleven are out of the window */
    CHECK(!figures(&g).flooding);
    CHECK(strcmp(g.log, "cleared:normal released:unacknowledged") == 0);
    CHECK(!alarms_find(g.alarms, low)->held && alarms_find(g.alarms, low)->told);
    CHECK(!alarms_find(g.alarms, gone)->held && !alarms_find(g.alarms, gone)->told);
    CHECK(figures(&g).flood_ns > 9 * MINUTE);
    rig_close(&g);
}

TEST(a_flood_ends_at_half_its_rate_not_before)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 11; n++) bad(&g, n, 0);
    for (uint32_t n = 11; n < 31; n++) { /* seven in ten minutes: no more than ten, but still many */
        rig_wait(&g, 90 * SECOND);
        bad(&g, n, 0);
    }
    CHECK(figures(&g).flooding);
    rig_wait(&g, 3 * MINUTE);
    CHECK(!figures(&g).flooding && figures(&g).floods == 1);
    rig_close(&g);
}

TEST(what_was_told_before_a_flood_is_told_to_its_end)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 12; n++) bad(&g, n, 0);
    g.asset = 3;
    g.now_ns += MINUTE;
    rig_good(&g);
    CHECK(g.last.change == ALARM_CLEARED && g.last.notify);
    rig_close(&g);
}

TEST(an_alarm_that_comes_and_goes_chatters_and_then_stands_until_it_is_quiet)
{
    struct rig g;
    rig_set(&g);
    g.options.chatter_raises = 5;
    g.options.chatter_ns = 30 * MINUTE;
    CHECK(rig_open(&g));
    for (int i = 0; i < 4; i++) {
        rig_bad(&g);
        g.now_ns += MINUTE;
        rig_good(&g);
        g.now_ns += MINUTE;
    }
    CHECK(figures(&g).chattered == 0 && figures(&g).fleeting == 4);
    rig_forget(&g);
    rig_bad(&g);
    CHECK(strcmp(g.log, "raised:unacknowledged chattering:unacknowledged") == 0);
    CHECK(figures(&g).chattering == 1 && g.last.record.chattering);
    rig_forget(&g);
    for (int i = 0; i < 60; i++) { /* every other minute for an hour: not a word */
        g.now_ns += MINUTE;
        i % 2 ? rig_bad(&g) : rig_good(&g);
    }
    CHECK(g.events == 0);
    for (int i = 0; i < 31; i++) {
        CHECK(g.events == 0);
        g.now_ns += MINUTE;
        rig_good(&g);
    }
    CHECK(strcmp(g.log, "cleared:returned_unacknowledged calm:returned_unacknowledged") == 0);
    CHECK(figures(&g).chattering == 0);
    rig_close(&g);
}

TEST(nobody_acknowledges_so_it_is_said_again)
{
    struct rig g;
    rig_set(&g);
    g.options.type[ALARM_ANOMALY].escalate_ns = 15 * MINUTE;
    g.options.escalations_max = 2;
    CHECK(rig_open(&g));
    rig_bad(&g);
    rig_forget(&g);
    rig_wait(&g, 15 * MINUTE - SECOND);
    CHECK(g.events == 0);
    rig_wait(&g, SECOND);
    CHECK(g.events == 1 && g.last.change == ALARM_ESCALATED && g.last.notify);
    CHECK(g.last.record.escalation == 1);
    rig_wait(&g, 3 * HOUR);
    CHECK(g.events == 2 && g.last.record.escalation == 2);
    rig_close(&g);
}

TEST(what_is_acknowledged_returned_or_shelved_is_not_escalated)
{
    struct rig g;
    rig_set(&g);
    g.options.type[ALARM_ANOMALY].escalate_ns = 15 * MINUTE;
    CHECK(rig_open(&g));
    rig_bad(&g);
    CHECK(rig_act(&g, ALARM_DO_ACK, g.last.record.id, 0) == ANDON_OK);
    g.asset = 8;
    rig_bad(&g);
    CHECK(rig_act(&g, ALARM_DO_SHELVE, g.last.record.id, g.now_ns + 5 * HOUR) == ANDON_OK);
    g.asset = 9;
    rig_bad(&g);
    rig_good(&g);
    rig_forget(&g);
    rig_wait(&g, 4 * HOUR);
    CHECK(g.events == 0);
    rig_close(&g);
}

TEST(an_alarm_that_stands_for_a_day_is_stale)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    CHECK(rig_act(&g, ALARM_DO_ACK, g.last.record.id, 0) == ANDON_OK);
    rig_forget(&g);
    rig_wait(&g, 24 * HOUR - SECOND);
    CHECK(g.events == 0 && figures(&g).stale == 0);
    rig_wait(&g, 2 * HOUR);
    CHECK(g.events == 1 && g.last.change == ALARM_BECAME_STALE && figures(&g).stale == 1);
    rig_good(&g);
    CHECK(figures(&g).stale == 0 && !g.last.record.stale);
    rig_close(&g);
}

TEST(the_figures_of_eemua_191_add_up)
{
    struct rig g;
    rig_set(&g);
    g.options.type[ALARM_ANOMALY].group_ns = 0;
    CHECK(rig_open(&g));
    /* A day and a half; ten minutes hold: 1, 0, 0, 12, then 1, 0, 0, 0 ... */
    for (int bin = 0; bin < 216; bin++) {
        int alarms = bin % 4 == 0 ? 1 : bin == 203 ? 12 : 0;
        for (int i = 0; i < alarms; i++) {
            bad(&g, (uint32_t)(i % 12), i == 0 ? 0 : 20000);
            rig_wait(&g, 20 * SECOND);
            rig_good(&g);
        }
        rig_wait(&g, 10 * MINUTE - alarms * 20 * SECOND);
    }
    struct alarms_figures f = figures(&g);
    CHECK(f.annunciated[ALARM_MEDIUM] == 55 && f.annunciated[ALARM_CRITICAL] == 11);
    CHECK(f.by_type[ALARM_ANOMALY] == 66 && f.by_type[ALARM_FLOOD] == 0);
    CHECK(f.floods == 1 && f.transitions[ALARM_UNACK] == 67);
    CHECK(f.max_10_min == 12.0 && f.last_10_min == 0);
    CHECK_NEAR(f.mean_10_min, (36 + 12) / 143.0, 0.01);
    CHECK_NEAR(f.over_10_part, 1 / 143.0, 1e-9);
    CHECK_NEAR((double)f.watched_ns / (double)MINUTE, 2160, 1);
    /* 67 raises: 55 of asset 0, eleven others, the flood. */
    CHECK_NEAR(f.top_10_part, (55 + 9) / 67.0, 1e-9);
    CHECK(f.standing[ALARM_MEDIUM] == 0 && f.records == 67);
    rig_close(&g);
}

TEST(when_the_records_are_full_the_oldest_that_is_over_goes)
{
    struct rig g;
    rig_set(&g);
    g.options.records_max = 4;
    CHECK(rig_open(&g));
    uint64_t id[6];
    for (uint32_t n = 0; n < 4; n++) {
        bad(&g, n, 0);
        id[n] = g.last.record.id;
    }
    g.asset = 2;
    rig_good(&g);
    CHECK(rig_act(&g, ALARM_DO_ACK, id[2], 0) == ANDON_OK);
    rig_wait(&g, 10 * MINUTE);
    bad(&g, 4, 0);
    CHECK(g.last.change == ALARM_RAISED && alarms_find(g.alarms, id[2]) == NULL);
    g.asset = 1;
    rig_good(&g); /* returned, nobody saw it: it goes rather than a new alarm stay untold */
    rig_forget(&g);
    bad(&g, 5, 0);
    CHECK(strcmp(g.log, "closed:normal raised:unacknowledged") == 0);
    CHECK(alarms_find(g.alarms, id[1]) == NULL && figures(&g).refused_records == 0);
    bad(&g, 6, 0); /* all four stand: no room, until one ends */
    CHECK(figures(&g).refused_records == 1 && figures(&g).records == 4);
    g.asset = 0;
    rig_good(&g);
    rig_forget(&g);
    rig_wait(&g, 10 * SECOND);
    CHECK(strcmp(g.log, "closed:normal raised:unacknowledged") == 0);
    CHECK(strcmp(g.last.record.path, "site/pumps/p06") == 0);
    rig_close(&g);
}

TEST(points_beyond_the_limit_are_refused_and_counted)
{
    struct rig g;
    rig_set(&g);
    g.options.points_max = 3;
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 5; n++) bad(&g, n, 0);
    CHECK(figures(&g).points == 3 && figures(&g).refused_points == 2 && g.events == 3);
    rig_close(&g);
}

TEST(a_call_waits_until_its_events_have_room_and_nothing_is_lost)
{
    struct rig g;
    char path[32];
    uint32_t count, all = 0;
    rig_set(&g);
    g.options.assets_max = 3000;
    g.options.records_max = g.options.points_max = 3000;
    g.options.events_max = 1024;
    g.options.flood_alarms = 1000;
    g.options.flood_ns = 1;
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 3000; n++, g.now_ns += SECOND) {
        g.asset = n;
        struct alarm_verdict v = rig_row(&g, path, ANDON_ANOMALY);
        if (!alarms_verdict(g.alarms, &v)) {
            alarms_events(g.alarms, &count);
            CHECK(count > 0);
            all += count;
            alarms_taken(g.alarms);
            CHECK(alarms_verdict(g.alarms, &v));
        }
    }
    alarms_events(g.alarms, &count);
    CHECK(all + count == 3000);
    alarms_taken(g.alarms);
    struct alarm_window w;
    CHECK(rig_plan(&g, "site/pumps/*", g.now_ns, g.now_ns + HOUR, &w));
    all = 0;
    for (bool done = false; !done;) {
        done = alarms_tick(g.alarms, g.now_ns);
        alarms_events(g.alarms, &count);
        CHECK(count <= 1024);
        all += count;
        alarms_taken(g.alarms);
    }
    CHECK(all == 3000 && figures(&g).suppressed == 3000);
    rig_close(&g);
}
