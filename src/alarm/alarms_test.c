#include "alarm/alarms.h"

#include "alarm_rig.h"

static struct alarm_terms *terms(struct rig *g, enum alarm_type type)
{
    return &g->options.type[type];
}

TEST(an_anomaly_names_its_channel_and_its_parts)
{
    struct rig g;
    char path[32];
    rig_set(&g);
    CHECK(rig_open(&g));
    struct alarm_verdict v = rig_row(&g, path, ANDON_ANOMALY);
    struct alarm_share share[2] = {{TEXT("vibration"), 0.62f}, {TEXT("temperature"), 0.24f}};
    v.share = share;
    v.shares = 2;
    rig_say(&g, &v);
    const struct alarm_record *r = &g.last.record;
    CHECK(g.events == 1 && g.last.change == ALARM_RAISED && g.last.notify);
    CHECK(g.last.before == ALARM_NORMAL && g.last.after == ALARM_UNACK);
    CHECK(strcmp(r->path, "site/pumps/p07") == 0 && strcmp(r->channel, "vibration") == 0);
    CHECK(r->parts == 2 && strcmp(r->part[1].channel, "temperature") == 0);
    CHECK_NEAR(r->part[0].part, 0.62, 1e-6);
    CHECK(strcmp(r->text, "unlike what was learned: vibration 62 %, temperature 24 %") == 0);
    CHECK(r->raised_ns == START && r->began_ns == START && r->said_ns == START);
    CHECK(r->sequence == 1 && r->score == 2.0 && r->priority == ALARM_MEDIUM);
    rig_close(&g);
}

TEST(a_condition_has_to_stand_for_the_on_delay)
{
    struct rig g;
    rig_set(&g);
    terms(&g, ALARM_ANOMALY)->on_delay_ns = 5 * MINUTE;
    CHECK(rig_open(&g));
    for (int i = 0; i < 5; i++) { /* minutes 0 to 4, then one good row: nothing */
        rig_bad(&g);
        g.now_ns += MINUTE;
    }
    rig_good(&g);
    CHECK(g.events == 0);
    g.now_ns += MINUTE;
    int64_t began = g.now_ns;
    for (int i = 0; i < 6; i++) {
        CHECK(g.events == 0);
        rig_bad(&g);
        g.now_ns += MINUTE;
    }
    CHECK(g.events == 1 && g.last.record.began_ns == began);
    CHECK(g.last.record.raised_ns == began + 5 * MINUTE);
    rig_close(&g);
}

TEST(a_delay_is_over_by_the_clock_of_the_readings_or_by_the_journals)
{
    struct rig g;
    char path[32];
    rig_set(&g);
    terms(&g, ALARM_ANOMALY)->on_delay_ns = 5 * MINUTE;
    CHECK(rig_open(&g));
    for (int i = 0; i < 6; i++) { /* ten minutes of readings that were buffered arrive at once */
        struct alarm_verdict v = rig_row(&g, path, ANDON_ANOMALY);
        v.ts_ns = START + i * MINUTE;
        CHECK(g.events == 0);
        rig_say(&g, &v);
    }
    CHECK(g.events == 1 && g.last.record.raised_ns == START + 5 * MINUTE);
    g.asset = 8; /* a device whose clock stands still */
    rig_forget(&g);
    for (int i = 0; i < 6; i++) {
        struct alarm_verdict v = rig_row(&g, path, ANDON_ANOMALY);
        v.ts_ns = START;
        CHECK(g.events == 0);
        rig_say(&g, &v);
        g.now_ns += MINUTE;
    }
    CHECK(g.events == 1);
    rig_close(&g);
}

TEST(a_device_that_reports_changes_only_is_heard_when_the_delay_is_over)
{
    struct rig g;
    struct alarm_limit limit = {.channel = "temperature", .low = NAN, .high = 80, .unit = "degC"};
    rig_set(&g);
    terms(&g, ALARM_OUT_OF_RANGE)->on_delay_ns = terms(&g, ALARM_OUT_OF_RANGE)->off_delay_ns = MINUTE;
    g.options.limit = &limit;
    g.options.limits = 1;
    CHECK(rig_open(&g));
    rig_value(&g, "temperature", 92.125);
    rig_wait(&g, 50 * SECOND);
    CHECK(g.events == 0);
    rig_wait(&g, 10 * SECOND);
    CHECK(g.events == 1 && g.last.record.type == ALARM_OUT_OF_RANGE);
    CHECK(strcmp(g.last.record.text, "temperature 92.125 degC, above 80") == 0);
    rig_value(&g, "temperature", 70);
    CHECK(g.events == 1);
    rig_wait(&g, MINUTE);
    CHECK(g.events == 2 && g.last.change == ALARM_CLEARED);
    rig_close(&g);
}

TEST(an_alarm_clears_after_the_off_delay)
{
    struct rig g;
    rig_set(&g);
    terms(&g, ALARM_ANOMALY)->off_delay_ns = 5 * MINUTE;
    CHECK(rig_open(&g));
    rig_bad(&g);
    for (int i = 0; i < 5; i++) {
        g.now_ns += MINUTE;
        rig_good(&g);
    }
    CHECK(g.events == 1);
    g.now_ns += MINUTE;
    rig_bad(&g); /* begins anew */
    for (int i = 0; i < 6; i++) {
        CHECK(g.events == 1);
        g.now_ns += MINUTE;
        rig_good(&g);
    }
    CHECK(g.events == 2 && g.last.after == ALARM_RETURNED);
    CHECK(g.last.record.cleared_ns == g.now_ns);
    rig_close(&g);
}

TEST(k_of_the_last_n_rows_confirm)
{
    struct rig g;
    rig_set(&g);
    terms(&g, ALARM_ANOMALY)->confirm = 3;
    terms(&g, ALARM_ANOMALY)->of = 5;
    CHECK(rig_open(&g));
    const char *rows = "x.x...x.x..x"; /* never three of five */
    for (const char *c = rows; *c != 0; c++, g.now_ns += MINUTE) *c == 'x' ? rig_bad(&g) : rig_good(&g);
    CHECK(g.events == 0);
    for (int i = 0; i < 5; i++, g.now_ns += MINUTE) rig_good(&g);
    int64_t began = g.now_ns;
    for (const char *c = "x.xx"; *c != 0; c++, g.now_ns += MINUTE) {
        CHECK(g.events == 0);
        *c == 'x' ? rig_bad(&g) : rig_good(&g);
    }
    CHECK(g.events == 1 && g.last.record.began_ns == began);
    rig_good(&g);
    CHECK(g.events == 1); /* still three of five */
    rig_good(&g);
    CHECK(g.events == 2 && g.last.change == ALARM_CLEARED);
    rig_close(&g);
}

TEST(rows_that_cannot_be_judged_do_not_count)
{
    struct rig g;
    rig_set(&g);
    terms(&g, ALARM_ANOMALY)->confirm = terms(&g, ALARM_ANOMALY)->of = 2;
    CHECK(rig_open(&g));
    rig_bad(&g);
    for (int i = 0; i < 3; i++, g.now_ns += MINUTE) rig_verdict(&g, ANDON_UNKNOWN, ANDON_WARMING_UP);
    CHECK(g.events == 0);
    rig_bad(&g);
    CHECK(g.events == 1);
    rig_close(&g);
}

TEST(a_score_within_the_deadband_neither_raises_nor_clears)
{
    struct rig g;
    char path[32];
    rig_set(&g);
    terms(&g, ALARM_ANOMALY)->deadband = 0.2;
    CHECK(rig_open(&g));
    struct alarm_verdict near = rig_row(&g, path, ANDON_NORMAL);
    near.score = 0.9;
    rig_say(&g, &near);
    CHECK(g.events == 0);
    rig_bad(&g);
    rig_say(&g, &near);
    CHECK(g.events == 1);
    near.score = 0.79;
    rig_say(&g, &near);
    CHECK(g.events == 2 && g.last.change == ALARM_CLEARED);
    rig_close(&g);
}

TEST(a_limit_has_a_deadband_in_its_own_unit)
{
    struct rig g;
    struct alarm_limit limit = {.match = "site/pumps/*", .channel = "pressure", .low = 2, .high = 8,
                                .deadband = 0.5};
    rig_set(&g);
    g.options.limit = &limit;
    g.options.limits = 1;
    CHECK(rig_open(&g));
    CHECK(alarms_limited(g.alarms, 7, TEXT("site/pumps/p07")));
    CHECK(!alarms_limited(g.alarms, 9, TEXT("site/ovens/o1")));
    rig_value(&g, "pressure", 7.9);
    CHECK(g.events == 0);
    rig_value(&g, "pressure", 8.01);
    CHECK(g.events == 1 && g.last.record.value == 8.01 && g.last.record.limit == 8.0);
    rig_value(&g, "pressure", 7.6);
    rig_value(&g, "temperature", 1.0); /* another channel's row says nothing */
    rig_value(&g, "pressure", NAN);
    CHECK(alarms_troubled(g.alarms, 7));
    CHECK(g.last.change == ALARM_BLINDED);
    rig_value(&g, "pressure", 7.4);
    CHECK(g.last.change == ALARM_CLEARED);
    rig_value(&g, "pressure", 1.5);
    CHECK(g.last.record.limit == 2.0 && strstr(g.last.record.text, "below 2") != NULL);
    rig_close(&g);
}

TEST(a_machine_that_is_off_raises_nothing)
{
    struct rig g;
    char path[32];
    struct alarm_limit limit = {.channel = "vibration", .low = NAN, .high = 8};
    rig_set(&g);
    g.options.limit = &limit;
    g.options.limits = 1;
    CHECK(rig_open(&g));
    struct alarm_value absurd = {TEXT("vibration"), 9999};
    struct alarm_verdict v = rig_row(&g, path, ANDON_UNKNOWN);
    v.reason = ANDON_MACHINE_OFF;
    v.value = &absurd;
    v.values = 1;
    for (int i = 0; i < 100; i++, g.now_ns += MINUTE, v.ts_ns = v.now_ns = g.now_ns) rig_say(&g, &v);
    rig_wait(&g, HOUR);
    CHECK(g.events == 0 && rig_count(&g) == 0);
    rig_close(&g);
}

TEST(an_alarm_whose_sensor_dies_while_it_stands_goes_on_standing_and_says_so)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    rig_forget(&g);
    for (int i = 0; i < 20; i++) { /* the rest of the machine looks normal without it */
        g.now_ns += MINUTE;
        rig_sensor(&g, ANDON_NORMAL, "vibration", ANDON_STALE);
        rig_tick(&g);
    }
    CHECK(strcmp(g.log, "blind:unacknowledged(quiet) raised:unacknowledged") == 0);
    CHECK(rig_state(&g, id) == ALARM_UNACK);
    CHECK(alarms_find(g.alarms, id)->blind == ANDON_STALE);
    CHECK(g.last.record.type == ALARM_NO_DATA && strcmp(g.last.record.channel, "vibration") == 0);
    CHECK(strcmp(g.last.record.text, "no data from vibration") == 0);
    rig_forget(&g);
    g.now_ns += MINUTE;
    rig_good(&g); /* it is back, and all is well */
    CHECK(strcmp(g.log, "sighted:unacknowledged(quiet) cleared:returned_unacknowledged "
                        "cleared:returned_unacknowledged") == 0);
    CHECK(alarms_find(g.alarms, id)->blind == 0);
    rig_close(&g);
}

TEST(an_asset_that_falls_silent_holds_its_alarm_and_gets_one_of_its_own_after_its_own_delay)
{
    struct rig g;
    rig_set(&g);
    terms(&g, ALARM_NO_DATA)->on_delay_ns = 10 * MINUTE;
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    rig_forget(&g);
    rig_verdict(&g, ANDON_UNKNOWN, ANDON_STALE);
    rig_wait(&g, 10 * MINUTE - SECOND);
    CHECK(strcmp(g.log, "blind:unacknowledged(quiet)") == 0);
    rig_wait(&g, SECOND);
    CHECK(g.last.record.type == ALARM_NO_DATA && g.last.record.channel[0] == 0);
    CHECK(rig_state(&g, id) == ALARM_UNACK);
    rig_forget(&g);
    rig_bad(&g);
    CHECK(strcmp(g.log, "sighted:unacknowledged(quiet) cleared:returned_unacknowledged") == 0);
    CHECK(rig_state(&g, id) == ALARM_UNACK);
    rig_close(&g);
}

TEST(a_stuck_sensor_and_a_bad_one_are_types_of_their_own)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_sensor(&g, ANDON_NORMAL, "motor_temp", ANDON_FROZEN);
    CHECK(g.events == 1 && g.last.record.type == ALARM_FROZEN);
    CHECK(strcmp(g.last.record.channel, "motor_temp") == 0 && g.last.record.priority == ALARM_LOW);
    rig_sensor(&g, ANDON_NORMAL, "motor_temp", ANDON_BAD_QUALITY);
    CHECK(g.last.record.type == ALARM_FROZEN && g.last.change == ALARM_CLEARED);
    CHECK(g.events == 3);
    rig_close(&g);
}

TEST(many_sensors_in_trouble_are_one_alarm)
{
    struct rig g;
    char path[32], name[40][8];
    struct alarm_sensor sensor[40];
    rig_set(&g);
    CHECK(rig_open(&g));
    for (int i = 0; i < 40; i++) {
        snprintf(name[i], sizeof name[i], "s%d", i);
        sensor[i] = (struct alarm_sensor){text_of(name[i]), ANDON_STALE};
    }
    struct alarm_verdict v = rig_row(&g, path, ANDON_NORMAL);
    v.sensor = sensor;
    v.sensors = ALARM_SENSORS_MAX;
    rig_say(&g, &v);
    CHECK(g.events == ALARM_SENSORS_MAX);
    g.asset = 8;
    v = rig_row(&g, path, ANDON_NORMAL);
    v.sensor = sensor;
    v.sensors = 40;
    rig_forget(&g);
    rig_say(&g, &v);
    CHECK(g.events == 1 && strcmp(g.last.record.text, "no data from 40 sensors") == 0);
    rig_close(&g);
}

TEST(what_comes_again_within_the_group_window_is_the_same_event)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    rig_act(&g, ALARM_DO_ACK, id, 0);
    for (int i = 0; i < 3; i++) {
        g.now_ns += MINUTE;
        rig_good(&g);
        g.now_ns += 4 * MINUTE;
        rig_bad(&g);
        CHECK(g.last.record.id == id && g.last.change == ALARM_RAISED && g.last.after == ALARM_UNACK);
    }
    CHECK(g.last.record.raises == 4 && rig_count(&g) == 1 && g.last.record.raised_ns == START);
    rig_good(&g);
    rig_act(&g, ALARM_DO_ACK, id, 0);
    rig_wait(&g, 6 * MINUTE);
    rig_bad(&g);
    CHECK(g.last.record.id != id && g.last.record.raises == 1 && rig_count(&g) == 2);
    rig_close(&g);
}

TEST(an_occurrence_that_nobody_saw_gives_way_to_the_next)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_bad(&g);
    uint64_t id = g.last.record.id;
    g.now_ns += MINUTE;
    rig_good(&g);
    rig_wait(&g, HOUR);
    CHECK(rig_state(&g, id) == ALARM_RETURNED);
    rig_forget(&g);
    rig_bad(&g);
    CHECK(strcmp(g.log, "closed:normal raised:unacknowledged") == 0);
    CHECK(g.last.record.id != id && rig_state(&g, id) == ALARM_NORMAL);
    CHECK(rig_act(&g, ALARM_DO_ACK, id, 0) == ANDON_EINVAL);
    CHECK(strstr(g.err.text, "is over") != NULL);
    rig_close(&g);
}

TEST(a_recognised_fault_names_itself_and_raises_the_priority)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_fault(&g, "unknown", 0.5, 0);
    CHECK(g.events == 1 && strcmp(g.last.record.text, "unknown pattern: vibration") == 0);
    CHECK(g.last.record.priority == ALARM_MEDIUM);
    g.now_ns += MINUTE;
    rig_fault(&g, "bearing_wear", 0.83, 11000);
    CHECK(g.events == 2 && g.last.change == ALARM_UPDATED && g.last.notify);
    CHECK(strcmp(g.last.record.fault, "bearing_wear") == 0 && g.last.record.cost == 11000);
    CHECK(strcmp(g.last.record.text, "bearing_wear, likely (83 %): vibration") == 0);
    CHECK(g.last.record.priority == ALARM_CRITICAL && strcmp(g.last.record.advice, "look at it") == 0);
    g.now_ns += MINUTE;
    rig_fault(&g, "unknown", 1.0, 0); /* less is known: that is no news */
    rig_fault(&g, "cavitation", 0.85, 6500); /* not much surer */
    CHECK(g.events == 2);
    rig_fault(&g, "cavitation", 0.99, 6500);
    CHECK(g.events == 3 && strcmp(g.last.record.fault, "cavitation") == 0);
    for (int i = 0; i < 1000; i++) { /* a diagnosis that cannot make up its mind */
        rig_fault(&g, "a", 0.5 + 0.2 * (i % 2), 0);
        rig_fault(&g, "b", 0.9 - 0.2 * (i % 2), 0);
    }
    CHECK(g.events < 30);
    rig_close(&g);
}

TEST(a_fault_that_stays_likelier_takes_over_also_when_a_restart_lies_between)
{
    struct rig g;
    rig_set(&g);
    CHECK(rig_open(&g));
    rig_fault(&g, "wear", 0.95, 0);
    for (int i = 0; i < 4; i++) rig_fault(&g, "leak", 0.8, 0);
    CHECK(strcmp(g.last.record.fault, "wear") == 0 && rig_restart(&g));
    rig_fault(&g, "leak", 0.8, 0);
    CHECK(g.last.change == ALARM_UPDATED && strcmp(g.last.record.fault, "leak") == 0);
    for (int i = 0; i < 4; i++) rig_fault(&g, "wear", 0.8, 0);
    rig_fault(&g, "leak", 0.8, 0); /* counting begins anew */
    for (int i = 0; i < 4; i++) rig_fault(&g, "wear", 0.8, 0);
    CHECK(strcmp(g.last.record.fault, "leak") == 0);
    rig_close(&g);
}

TEST(two_occurrences_never_have_the_same_id)
{
    struct rig g;
    char path[32];
    uint64_t id[3];
    rig_set(&g);
    CHECK(rig_open(&g));
    for (int i = 0; i < 3; i++) { /* the device's clock stands still */
        struct alarm_verdict bad = rig_row(&g, path, ANDON_ANOMALY);
        struct alarm_verdict good = rig_row(&g, path, ANDON_NORMAL);
        bad.ts_ns = good.ts_ns = START;
        rig_say(&g, &bad);
        id[i] = g.last.record.id;
        rig_say(&g, &good);
        rig_wait(&g, HOUR);
    }
    CHECK(id[0] != id[1] && id[1] != id[2] && id[0] != id[2]);
    rig_close(&g);
}

TEST(a_condition_that_others_watch_is_an_alarm_by_name)
{
    struct rig g;
    rig_set(&g);
    terms(&g, ALARM_SCHEDULE)->on_delay_ns = 10 * MINUTE;
    CHECK(rig_open(&g));
    struct alarm_condition c = {.asset = 3, .path = TEXT("site/belt3"), .name = TEXT("not_running"),
                                .text = TEXT("stands although its shift has begun"),
                                .type = ALARM_SCHEDULE, .stands = true, .ts_ns = g.now_ns,
                                .now_ns = g.now_ns};
    CHECK(alarms_condition(g.alarms, &c));
    CHECK(alarms_condition(g.alarms, &c));
    rig_wait(&g, 10 * MINUTE);
    CHECK(g.events == 1 && strcmp(g.last.record.name, "not_running") == 0);
    CHECK(strcmp(g.last.record.text, "stands although its shift has begun") == 0);
    c = (struct alarm_condition){.asset = 3, .path = TEXT("site/belt3"), .name = TEXT("vacuum"),
                                 .type = ALARM_FAULT, .stands = true, .cost = 20000,
                                 .ts_ns = g.now_ns, .now_ns = g.now_ns};
    CHECK(alarms_condition(g.alarms, &c));
    rig_take(&g);
    CHECK(g.last.record.type == ALARM_FAULT && g.last.record.priority == ALARM_HIGH);
    c.stands = false;
    CHECK(alarms_condition(g.alarms, &c));
    rig_take(&g);
    CHECK(g.last.change == ALARM_CLEARED && strcmp(g.last.record.name, "vacuum") == 0);
    rig_close(&g);
}

static void *none(size_t count, size_t bytes)
{
    (void)count;
    (void)bytes;
    return NULL;
}

TEST(without_memory_it_does_not_open_and_says_for_what)
{
    struct rig g;
    rig_set(&g);
    g.options.zeroed = none; /* there is but one allocation */
    CHECK(alarms_open(&g.options, &g.alarms, &g.err) == ANDON_ENOMEM);
    CHECK(strstr(g.err.text, "4096 points") != NULL);
    alarms_close(NULL);
}
