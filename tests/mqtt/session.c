/* Sessions (4.1), wills (3.1.2.5): what stays when a connection goes. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/disk.h"
#include "rig.h"
#include "test.h"

#define GREETED "{ 21 0400 22 0040 27 00100000 2a 00 }"

TEST(mqtt311_3_1_2_4_a_clean_session_is_forgotten_and_another_is_not)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 00 003c <c>") && rig_hears(fd, "20 02 00 00"));
    CHECK(rig_say(fd, "82 * 0001 <a> 01") && rig_hears(fd, "90 03 0001 01"));
    CHECK(rig_say(fd, "e0 00") && rig_closed(fd, 1.0));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 00 003c <c>") && rig_hears(fd, "20 02 01 00"));
    CHECK(rig_say(fd, "30 * <a> 'x'") && rig_hears(fd, "30 * <a> 'x'")); /* still subscribed */
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 02 003c <c>") && rig_hears(fd, "20 02 00 00"));
    CHECK(rig_say(fd, "30 * <a> 'x'") && rig_quiet(fd));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 00 003c <c>") && rig_hears(fd, "20 02 00 00"));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_1_2_11_2_a_session_ends_when_its_time_is_over)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c { 11 00000001 } <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED) && RIG_FIGURE_IS(&rig, sessions, 1));
    close(fd);
    CHECK(RIG_FIGURE_IS(&rig, connections, 0) && RIG_FIGURE_IS(&rig, sessions, 1));
    CHECK(RIG_FIGURE_IS(&rig, sessions, 0));
    rig_close(&rig);
}

TEST(mqtt5_3_14_2_2_2_a_goodbye_may_change_how_long_a_session_is_kept)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", false);
    CHECK(rig_say(fd, "e0 * 00 { 11 00000000 }") && rig_closed(fd, 1.0));
    close(fd);
    CHECK(RIG_FIGURE_IS(&rig, sessions, 0));
    rig_close(&rig);
}

TEST(a_session_too_many_costs_the_oldest_that_is_away)
{
    struct rig rig;
    struct endpoint_options options = {.sessions_max = 3};
    rig_open(&rig, &options);
    int stays = rig_connect(&rig, 4, "stays", false);
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", i);
        close(rig_connect(&rig, 4, name, false));
        CHECK(RIG_FIGURE_IS(&rig, connections, 1));
    }
    CHECK(RIG_FIGURE_IS(&rig, sessions, 4) && RIG_FIGURE_IS(&rig, sessions_evicted, 2));
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 00 003c <s4>") && rig_hears(fd, "20 02 01 00"));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 00 003c <s1>") && rig_hears(fd, "20 02 00 00"));
    close(fd);
    CHECK(rig_quiet(stays));
    close(stays);
    rig_close(&rig);
}

static bool has_will(void *context)
{
    struct rig *rig = context;
    return rig_read(rig) > 0 && rig->message[rig->count - 1].flags == MESSAGE_WILL;
}

TEST(mqtt_3_1_2_5_a_will_is_journaled_and_heard_when_its_client_is_lost)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int sub = rig_connect(&rig, 5, "s", true), fd = rig_dial(&rig);
    CHECK(rig_say(sub, "82 * 0001 {} <#> 01") && rig_hears(sub, "90 * 0001 {} 01"));
    CHECK(rig_say(fd, "10 * <MQTT> 04 8e 003c <pump1> <plant/pump1/status> <gone> <ann>"));
    CHECK(rig_hears(fd, "20 02 00 00"));
    close(fd);
    CHECK(rig_hears(sub, "32 * <plant/pump1/status> 0001 {} 'gone'"));
    CHECK(has_will(&rig) && rig.count == 1 && rig.message[0].qos == 1);
    CHECK(text_is(rig.message[0].client, TEXT("pump1")) &&
          text_is(rig.message[0].user, TEXT("ann")) &&
          text_is(rig.message[0].topic, TEXT("plant/pump1/status")) &&
          text_is(rig.message[0].payload, TEXT("gone")));
    close(sub);
    rig_close(&rig);
}

TEST(mqtt_3_1_2_5_no_will_after_a_goodbye_but_when_it_is_asked_for)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 06 003c <c> <w> <gone>") && rig_hears(fd, "20 02 00 00"));
    CHECK(rig_say(fd, "e0 00") && rig_closed(fd, 1.0));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 06 003c {} <c> {} <w> <gone>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    CHECK(rig_say(fd, "e0 01 00") && rig_closed(fd, 1.0));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 26 003c {} <c> { 01 01 26 <k> <v> } <w> <gone>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED) && rig_read(&rig) == 0);
    CHECK(rig_say(fd, "e0 01 04") && rig_closed(fd, 1.0));
    close(fd);
    CHECK(RIG_FIGURE_IS(&rig, wills, 1) && RIG_FIGURE_IS(&rig, retained, 1));
    fd = rig_connect(&rig, 5, "later", true);
    CHECK(rig_say(fd, "82 * 0001 {} <w> 00"));
    CHECK(rig_hears(fd, "90 * 0001 {} 00 | 31 * <w> { 01 01 26 <k> <v> } 'gone'"));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_1_3_2_2_a_will_waits_and_is_not_said_when_the_client_is_back_in_time)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 06 003c { 11 0000003c } <c> { 18 00000002 } <w> <gone>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    close(fd);
    CHECK(RIG_FIGURE_IS(&rig, connections, 0));
    fd = rig_dial(&rig); /* back */
    CHECK(rig_say(fd, "10 * <MQTT> 05 04 003c { 11 0000003c } <c> { 18 00000001 } <w> <again>"));
    CHECK(rig_hears(fd, "20 * 01 00 " GREETED));
    double start = rig_now_s();
    close(fd); /* gone for good */
    CHECK(RIG_FIGURE_IS(&rig, wills, 1) && rig_now_s() - start > 0.9);
    CHECK(rig_read(&rig) == 1 && text_is(rig.message[0].payload, TEXT("again")));
    rig_close(&rig);
}

TEST(mqtt5_3_1_3_2_2_a_will_is_said_when_its_session_ends_before)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 06 003c { 11 0000003c } <c> { 18 0000003c } <w> <gone>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    int clean = rig_connect(&rig, 5, "c", true); /* ends the session of the first */
    CHECK(rig_hears(fd, "e0 * 8e { 1f <session taken over> }") && RIG_FIGURE_IS(&rig, wills, 1));
    close(fd);
    close(clean);
    rig_close(&rig);
}

TEST(mqtt_3_1_2_5_a_will_is_said_after_a_protocol_error_and_a_keep_alive)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig), quiet = rig_dial(&rig);
    CHECK(rig_say(quiet, "10 * <MQTT> 04 06 0001 <q> <w/q> <gone>") &&
          rig_hears(quiet, "20 02 00 00"));
    CHECK(rig_say(fd, "10 * <MQTT> 04 06 003c <c> <w/c> <gone>") && rig_hears(fd, "20 02 00 00"));
    CHECK(rig_say(fd, "32 * <a> 0000 'x'") && rig_closed(fd, 1.0) && RIG_FIGURE_IS(&rig, wills, 1));
    CHECK(RIG_FIGURE_IS(&rig, wills, 2) && RIG_FIGURE_IS(&rig, keep_alive_closed, 1));
    close(fd);
    close(quiet);
    rig_close(&rig);
}

TEST(a_will_that_the_journal_refuses_is_said_later)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 06 003c <c> <w> <gone>") && rig_hears(fd, "20 02 00 00"));
    disk_fault(DISK_WRITE, 1, ENOSPC);
    close(fd);
    CHECK(RIG_FIGURE_IS(&rig, refused_full, 1) && rig_read(&rig) == 0);
    disk_fault_clear();
    CHECK(RIG_FIGURE_IS(&rig, wills, 1) && rig_read(&rig) == 1);
    rig_close(&rig);
}

TEST(mqtt_3_1_3_2_a_will_to_a_topic_that_may_not_be_is_refused)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig), old = rig_dial(&rig);
    CHECK(rig_say(old, "10 * <MQTT> 04 06 003c <c> <w/+> <x>") && rig_closed(old, 1.0));
    CHECK(rig_say(fd, "10 * <MQTT> 05 06 003c {} <c> {} <w/#> <x>"));
    CHECK(rig_hears(fd,
                    "20 * 00 90 { 1f <topic name invalid (4096 bytes and 128 levels at most)> }"));
    CHECK(rig_closed(fd, 1.0));
    close(fd);
    close(old);
    rig_close(&rig);
}
