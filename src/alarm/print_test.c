#include "alarm/print.h"

#include "alarm_rig.h"

static char room[8192];

static const char *printed(struct json *j)
{
    if (j->failed) return "failed";
    room[j->used] = 0;
    return room;
}

TEST(a_record_is_what_the_interface_says)
{
    struct rig g;
    struct json j;
    char path[32];
    rig_set(&g);
    CHECK(rig_open(&g));
    struct alarm_verdict v = rig_row(&g, path, ANDON_ANOMALY);
    struct alarm_share share = {TEXT("vibration"), 0.5f};
    v.share = &share;
    v.shares = 1;
    v.fault = (struct alarm_fault){.name = TEXT("leak"), .title = TEXT("Seal leak"),
                                   .advice = TEXT("look at the seal"), .confidence = 0.75};
    rig_say(&g, &v);
    json_into(&j, room, sizeof room);
    alarm_print(&j, NULL, &g.last.record);
    char id[ALARM_ID_ROOM], expected[2048];
    alarm_id_write(id, g.last.record.id);
    snprintf(expected, sizeof expected,
             "{\"id\":\"%s\",\"sequence\":1,\"asset\":\"site/pumps/p07\",\"channel\":\"vibration\","
             "\"type\":\"anomaly\",\"fault\":\"leak\",\"confidence\":0.75,\"priority\":\"medium\","
             "\"state\":\"unacknowledged\",\"active\":true,\"acknowledged\":false,\"raises\":1,"
             "\"began\":\"2026-01-01T00:00:00Z\",\"raised\":\"2026-01-01T00:00:00Z\","
             "\"cleared\":null,\"told\":\"2026-01-01T00:00:00Z\",\"acknowledged_at\":null,"
             "\"acknowledged_by\":null,\"shelved_until\":null,\"score\":2,"
             "\"text\":\"Seal leak, likely (75 %%): vibration 50 %%\","
             "\"advice\":\"look at the seal\","
             "\"diagnostics\":[{\"name\":\"vibration\",\"value\":0.5}],\"label\":null}",
             id);
    CHECK_SAY(strcmp(printed(&j), expected) == 0, "%s", printed(&j));
    rig_close(&g);
}

TEST(events_windows_budget_and_figures_are_json)
{
    struct rig g;
    struct json j;
    struct alarm_window w;
    struct alarm_budget b;
    struct alarms_figures f;
    rig_set(&g);
    CHECK(rig_open(&g) && rig_plan(&g, "p07", g.now_ns, g.now_ns + HOUR, &w));
    rig_bad(&g);
    json_into(&j, room, sizeof room);
    alarm_event_print(&j, NULL, &g.last);
    CHECK(strstr(printed(&j), "{\"change\":\"raised\",\"before\":\"suppressed_by_design\",\"after\":"
                              "\"suppressed_by_design\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":null,"
                              "\"notify\":false,\"alarm\":{\"id\":") == room);
    CHECK(strstr(room, "\"hidden\":true,\"hidden_by\":\"planned stop\"") != NULL);
    json_into(&j, room, sizeof room);
    alarm_window_print(&j, NULL, &w);
    CHECK(strcmp(printed(&j), "{\"id\":1,\"match\":\"p07\",\"from\":\"2026-01-01T00:00:00Z\",\"to\":"
                              "\"2026-01-01T01:00:00Z\",\"text\":\"planned stop\",\"by\":null}") == 0);
    alarms_budget(g.alarms, &b);
    json_into(&j, room, sizeof room);
    alarm_budget_print(&j, NULL, &b);
    CHECK(strstr(printed(&j), "{\"per_day\":3,\"days\":0,\"events\":0,") == room);
    CHECK(strstr(room, "\"spent_upper95_per_day\":null") != NULL);
    alarms_figures(g.alarms, &f);
    json_into(&j, room, sizeof room);
    alarm_figures_print(&j, NULL, &f);
    CHECK(strstr(printed(&j), "\"suppressed\":1,") != NULL);
    CHECK(strstr(room, "\"by_type\":{\"anomaly\":0,") != NULL);
    rig_close(&g);
}
