#include "alarm_rig.h"

TEST(who_acknowledged_is_on_the_record)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    g.now_ns += MINUTE;
    CHECK(rig_act(&g, ALARM_DO_ACK, g.last.record.id, 0) == ANDON_OK);
    CHECK(g.last.change == ALARM_ACKNOWLEDGED && g.last.after == ALARM_ACKED && g.last.notify);
    CHECK(strcmp(g.last.by, "anna") == 0 && strcmp(g.last.record.acked_by, "anna") == 0);
    CHECK(g.last.record.acked_ns == g.now_ns && g.last.record.sequence == 2);
    CHECK(rig_act(&g, ALARM_DO_ACK, g.last.record.id, 0) == ANDON_EINVAL);
    CHECK(strstr(g.err.text, "ack: alarm ") != NULL);
    CHECK(strstr(g.err.text, "is acknowledged already") != NULL);
    CHECK(rig_act(&g, ALARM_DO_ACK, 12345, 0) == ANDON_EDATA);
    CHECK(strstr(g.err.text, "alarm 0000000000003039: there is none") != NULL);
    rig_close(&g);
}

TEST(shelving_ends_by_itself_also_when_a_restart_lies_between)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    CHECK(rig_act(&g, ALARM_DO_SHELVE, id, g.now_ns + 2 * HOUR) == ANDON_OK);
    CHECK(g.last.record.shelved_until_ns == g.now_ns + 2 * HOUR && g.last.record.hidden);
    rig_wait(&g, HOUR);
    CHECK(rig_restart(&g));
    rig_forget(&g);
    rig_wait(&g, HOUR - SECOND);
    CHECK(g.events == 0 && rig_state(&g, id) == ALARM_SHELVED);
    rig_wait(&g, SECOND);
    CHECK(g.events == 1 && g.last.change == ALARM_UNSHELVED && g.last.after == ALARM_UNACK);
    CHECK(g.last.record.id == id && g.last.notify && g.last.record.shelved_until_ns == 0);
    rig_close(&g);
}

TEST(a_shelf_has_an_end_in_the_future_and_not_too_far)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    CHECK(rig_act(&g, ALARM_DO_SHELVE, id, g.now_ns) == ANDON_EINVAL);
    CHECK(strstr(g.err.text, "past") != NULL);
    CHECK(rig_act(&g, ALARM_DO_SHELVE, id, g.now_ns + 8 * 24 * HOUR) == ANDON_EINVAL);
    CHECK(strstr(g.err.text, "alarms.shelve_max") != NULL);
    CHECK(rig_act(&g, ALARM_DO_SHELVE, id, INT64_MAX) == ANDON_EINVAL);
    CHECK(rig_state(&g, id) == ALARM_UNACK);
    CHECK(rig_act(&g, ALARM_DO_SHELVE, id, g.now_ns + HOUR) == ANDON_OK);
    CHECK(rig_act(&g, ALARM_DO_SHELVE, id, g.now_ns + 3 * HOUR) == ANDON_OK); /* longer */
    rig_wait(&g, 2 * HOUR);
    CHECK(rig_state(&g, id) == ALARM_SHELVED);
    rig_close(&g);
}

TEST(what_begins_on_the_shelf_is_kept_but_not_told)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    CHECK(rig_act_on(&g, ALARM_DO_SHELVE, ALARM_ANOMALY, g.now_ns + HOUR) == ANDON_OK);
    CHECK(g.events == 0 && alarms_troubled(g.alarms, 7));
    rig_bad(&g);
    CHECK(g.last.change == ALARM_RAISED && g.last.after == ALARM_SHELVED && !g.last.notify);
    uint64_t id = g.last.record.id;
    g.now_ns += MINUTE;
    rig_good(&g);
    rig_wait(&g, 10 * MINUTE);
    CHECK(rig_state(&g, id) == ALARM_NORMAL);
    rig_bad(&g);
    CHECK(g.last.record.id != id && g.last.after == ALARM_SHELVED);
    rig_wait(&g, HOUR);
    CHECK(g.last.after == ALARM_UNACK && g.last.notify);
    rig_close(&g);
}

TEST(a_planned_stop_suppresses_by_design_and_says_so)
{
    struct rig g;
    struct alarm_window w;
    rig_set(&g);
    CHECK(rig_open(&g));
    g.asset = 3;
    rig_bad(&g); /* stands before the stop begins */
    uint64_t before = g.last.record.id;
    CHECK(rig_plan(&g, "site/pumps/*", g.now_ns + HOUR, g.now_ns + 3 * HOUR, &w) && w.id == 1);
    rig_wait(&g, HOUR);
    CHECK(g.last.change == ALARM_WAS_SUPPRESSED && g.last.after == ALARM_SUPPRESSED);
    CHECK(strcmp(g.last.record.hidden_by, "planned stop") == 0);
    CHECK(alarms_planned(g.alarms, TEXT("site/pumps/p07"), g.now_ns));
    CHECK(!alarms_planned(g.alarms, TEXT("site/belts/b1"), g.now_ns));
    g.asset = 7;
    rig_bad(&g); /* begins within it */
    uint64_t inside = g.last.record.id;
    CHECK(g.last.after == ALARM_SUPPRESSED && !g.last.notify);
    CHECK(strcmp(g.last.record.hidden_by, "planned stop") == 0);
    CHECK(rig_act(&g, ALARM_DO_ACK, inside, 0) == ANDON_EINVAL);
    CHECK(strstr(g.err.text, "suppressed by design") != NULL);
    CHECK(rig_act(&g, ALARM_DO_UNSUPPRESS, inside, 0) == ANDON_EINVAL);
    CHECK(strstr(g.err.text, "planned stop") != NULL);
    CHECK(rig_restart(&g));
    g.asset = 3;
    g.now_ns += MINUTE;
    rig_good(&g);
    rig_wait(&g, 2 * HOUR);
    CHECK(rig_state(&g, before) == ALARM_NORMAL && rig_state(&g, inside) == ALARM_UNACK);
    CHECK(!alarms_planned(g.alarms, TEXT("site/pumps/p07"), g.now_ns));
    rig_close(&g);
}

TEST(windows_are_checked_limited_and_taken_back)
{
    struct rig g;
    struct alarm_window w;
    rig_set(&g);
    g.options.windows_max = 2;
    CHECK(rig_open(&g));
    rig_tick(&g);
    CHECK(!rig_plan(&g, "p", g.now_ns + HOUR, g.now_ns + HOUR, &w));
    CHECK(!rig_plan(&g, "p", g.now_ns - HOUR, g.now_ns, &w) && strstr(g.err.text, "over") != NULL);
    CHECK(!rig_plan(&g, "", g.now_ns, g.now_ns + 1, &w) && strstr(g.err.text, "match") != NULL);
    CHECK(rig_plan(&g, "a", g.now_ns, g.now_ns + HOUR, &w));
    CHECK(rig_plan(&g, "b", g.now_ns, g.now_ns + 2 * HOUR, &w) && w.id == 2);
    CHECK(!rig_plan(&g, "c", g.now_ns, g.now_ns + HOUR, &w));
    CHECK(strstr(g.err.text, "alarms.windows") != NULL);
    rig_wait(&g, HOUR); /* the first is over: its room is free */
    CHECK(rig_plan(&g, "c", g.now_ns, g.now_ns + HOUR, &w) && w.id == 3);
    CHECK(alarms_unplan(g.alarms, 1, g.now_ns, &g.err) == ANDON_EDATA);
    CHECK(alarms_unplan(g.alarms, 2, g.now_ns, &g.err) == ANDON_OK);
    uint32_t count;
    CHECK(alarms_windows(g.alarms, &count)->id == 3 && count == 1);
    rig_close(&g);
}

static andon_status label(struct rig *g, uint64_t id, uint8_t value, struct text text)
{
    struct alarm_action action = {.verb = ALARM_DO_LABEL, .id = id, .label = value, .text = text,
                                  .by = TEXT("bo")};
    andon_status st = alarms_act(g->alarms, &action, g->now_ns, &g->err);
    rig_take(g);
    return st;
}

TEST(any_alarm_can_be_labelled_also_when_it_is_over)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    rig_good(&g);
    CHECK(rig_act(&g, ALARM_DO_ACK, id, 0) == ANDON_OK);
    rig_wait(&g, 3 * HOUR);
    CHECK(label(&g, id, ALARM_FALSE, TEXT("sun on the sensor")) == ANDON_OK);
    CHECK(g.last.change == ALARM_WAS_LABELLED && g.last.record.label == ALARM_FALSE);
    CHECK(strcmp(g.last.record.label_text, "sun on the sensor") == 0);
    CHECK(strcmp(g.last.record.labelled_by, "bo") == 0 && !g.last.notify);
    CHECK(label(&g, id, 77, TEXT("")) == ANDON_EINVAL);
    CHECK(label(&g, id, ALARM_UNLABELLED, TEXT("")) == ANDON_EINVAL);
    CHECK(label(&g, id, ALARM_UNLABELLED, TEXT("only words")) == ANDON_OK);
    struct alarm_action action = {.verb = ALARM_DO_COMMENT, .id = id, .text = TEXT("seen"),
                                  .by = TEXT("bo")};
    CHECK(alarms_act(g.alarms, &action, g.now_ns, &g.err) == ANDON_OK);
    rig_take(&g);
    CHECK(g.last.change == ALARM_COMMENTED && strcmp(g.last.record.comment, "seen") == 0);
    rig_close(&g);
}

TEST(the_budget_counts_events_and_what_people_said_of_them)
{
    struct rig g;
    struct alarm_budget b;
    rig_set(&g);
    CHECK(rig_open(&g));
    alarms_budget(g.alarms, &b);
    CHECK(b.per_day == 3.0 && isnan(b.spent_per_day) && b.events == 0);
    uint64_t id[8];
    rig_tick(&g);
    for (uint32_t n = 0; n < 8; n++) {
        g.asset = n % 4;
        rig_bad(&g);
        id[n] = g.last.record.id;
        rig_wait(&g, HOUR);
        rig_good(&g);
        rig_wait(&g, 2 * HOUR);
    }
    CHECK(label(&g, id[0], ALARM_TRUE, TEXT("")) == ANDON_OK);
    CHECK(label(&g, id[1], ALARM_FALSE, TEXT("")) == ANDON_OK);
    CHECK(label(&g, id[2], ALARM_PLANNED, TEXT("")) == ANDON_OK);
    CHECK(label(&g, id[3], ALARM_TRUE, TEXT("")) == ANDON_OK);
    CHECK(label(&g, id[3], ALARM_FALSE, TEXT("after all")) == ANDON_OK);
    CHECK(rig_restart(&g));
    alarms_budget(g.alarms, &b);
    CHECK(b.events == 8 && b.labelled_true == 1 && b.labelled_false == 2 && b.labelled_planned == 1);
    CHECK_NEAR(b.days, 1.0, 1e-3);
    CHECK_NEAR(b.spent_per_day, 6.0, 1e-2);
    CHECK_NEAR(b.spent_upper95_per_day, 11.842, 0.03); /* of six: half of chi-square's 95 % at 14 */
    CHECK_NEAR(b.false_per_day, 2.0, 1e-2);
    CHECK_NEAR(b.false_upper95_per_day, 6.2958, 0.01);
    alarms_asset_budget(g.alarms, 1, &b);
    CHECK(b.events == 2 && b.labelled_false == 1);
    rig_close(&g);
}

TEST(days_of_imported_readings_are_days_of_the_budget)
{
    struct rig g;
    struct alarm_budget b;
    char path[32];
    rig_set(&g);
    CHECK(rig_open(&g));
    for (int i = 0; i < 2880; i++) { /* two days of readings in three seconds */
        struct alarm_verdict v = rig_row(&g, path, i % 1440 == 700 ? ANDON_ANOMALY : ANDON_NORMAL);
        v.ts_ns = START + i * MINUTE;
        v.now_ns = START + i * SECOND / 1000;
        rig_say(&g, &v);
    }
    alarms_budget(g.alarms, &b);
    CHECK(b.events == 2);
    CHECK_NEAR(b.days, 2.0, 1e-2);
    rig_close(&g);
}

TEST(what_is_grouped_is_spent_once)
{
    struct rig g;
    struct alarm_budget b;
    rig_set(&g);
    CHECK(rig_open(&g));
    for (int i = 0; i < 3; i++, g.now_ns += MINUTE) {
        rig_bad(&g);
        g.now_ns += MINUTE;
        rig_good(&g);
    }
    CHECK(g.last.record.raises == 3);
    alarms_budget(g.alarms, &b);
    CHECK(b.events == 1);
    rig_close(&g);
}

TEST(suppressed_alarms_cost_no_budget)
{
    struct rig g;
    struct alarm_budget b;
    struct alarm_window w;
    rig_set(&g);
    CHECK(rig_open(&g));
    CHECK(rig_plan(&g, "site/pumps/*", g.now_ns, g.now_ns + HOUR, &w));
    rig_bad(&g);
    alarms_budget(g.alarms, &b);
    CHECK(b.events == 0);
    rig_wait(&g, HOUR); /* it still stands when the stop is over */
    alarms_budget(g.alarms, &b);
    CHECK(b.events == 1);
    rig_close(&g);
}

struct listing {
    uint32_t count, stop;
    uint64_t first, last, place;
};

static bool list(void *context, const struct alarm_record *r, uint64_t place)
{
    struct listing *l = context;
    if (l->count == 0) l->first = r->id;
    l->last = r->id;
    l->place = place;
    return ++l->count != l->stop;
}

static struct listing listed(struct rig *g, struct alarm_filter f, uint32_t stop)
{
    struct listing l = {.stop = stop};
    alarms_each(g->alarms, &f, list, &l);
    return l;
}

TEST(records_are_listed_newest_first_filtered_and_page_by_page)
{
    struct rig g;
    uint64_t id[6];
    rig_set(&g);
    CHECK(rig_open(&g));
    for (uint32_t n = 0; n < 6; n++, g.now_ns += MINUTE) {
        g.asset = n;
        if (n == 4) rig_sensor(&g, ANDON_NORMAL, "v", ANDON_FROZEN);
        else rig_bad(&g);
        id[n] = g.last.record.id;
    }
    CHECK(rig_act(&g, ALARM_DO_ACK, id[2], 0) == ANDON_OK);
    struct listing l = listed(&g, (struct alarm_filter){0}, 0);
    CHECK(l.count == 6 && l.first == id[5] && l.last == id[0]);
    l = listed(&g, (struct alarm_filter){0}, 4);
    CHECK(l.count == 4 && l.last == id[2]);
    l = listed(&g, (struct alarm_filter){.before = l.place}, 0);
    CHECK(l.count == 2 && l.first == id[1]);
    l = listed(&g, (struct alarm_filter){.states = 1u << ALARM_ACKED}, 0);
    CHECK(l.count == 1 && l.first == id[2]);
    l = listed(&g, (struct alarm_filter){.types = 1u << ALARM_FROZEN}, 0);
    CHECK(l.count == 1 && l.first == id[4]);
    l = listed(&g, (struct alarm_filter){.match = TEXT("p0[")}, 0);
    CHECK(l.count == 0);
    l = listed(&g, (struct alarm_filter){.match = TEXT("p03")}, 0);
    CHECK(l.count == 1 && l.first == id[3]);
    l = listed(&g, (struct alarm_filter){.from_ns = START + MINUTE, .to_ns = START + 3 * MINUTE}, 0);
    CHECK(l.count == 2 && l.first == id[2] && l.last == id[1]);
    rig_close(&g);
}

TEST(ids_are_read_as_they_are_written)
{
    char text[ALARM_ID_ROOM];
    uint64_t id;
    alarm_id_write(text, UINT64_C(0x00ab5f0123456789));
    CHECK(strcmp(text, "00ab5f0123456789") == 0);
    CHECK(alarm_id_read(text_of(text), &id) && id == UINT64_C(0x00ab5f0123456789));
    CHECK(!alarm_id_read(TEXT("00ab5f012345678"), &id));
    CHECK(!alarm_id_read(TEXT("00AB5F0123456789"), &id));
    CHECK(!alarm_id_read(TEXT("0000000000000000"), &id));
    enum alarm_verb verb;
    CHECK(alarm_verb_named(TEXT("out_of_service"), &verb) && verb == ALARM_DO_TAKE_OUT);
    CHECK(!alarm_verb_named(TEXT(""), &verb));
}
