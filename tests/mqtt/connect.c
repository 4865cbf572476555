/* CONNECT and CONNACK, chapter by chapter: 3.1, 3.2 of MQTT 3.1.1 and of 5; 4.13 what is wrong. */
#include <unistd.h>

#include "rig.h"
#include "test.h"

#define GREETED "{ 21 0400 22 0040 27 00100000 2a 00 }"

TEST(mqtt311_3_1_4_a_connect_is_greeted)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 02 003c <pump1>"));
    CHECK(rig_hears(fd, "20 02 00 00"));
    CHECK(rig_quiet(fd));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_2_2_a_connect_is_greeted_with_what_is_possible_here)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c { 26 <who> <me> } <pump1>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    CHECK(rig_quiet(fd));
    close(fd);
    rig_close(&rig);
}

/* What is answered to a first packet, and that the connection is closed behind it. */
static void refused(const struct endpoint_options *options, const char *packet, const char *answer)
{
    struct rig rig;
    rig_open(&rig, options);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "%s", packet));
    CHECK_SAY(rig_hears(fd, "%s", answer) && rig_closed(fd, 1.0), "%s", packet);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt311_3_1_0_1_anything_before_connect_closes)
{
    refused(NULL, "30 * <a> 'x'", "");
    refused(NULL, "c0 00", "");
    refused(NULL, "e0 00", "");
    refused(NULL, "'GET / HTTP/1.1' 0d0a0d0a", "");
}

TEST(mqtt311_3_1_0_2_a_second_connect_closes)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    CHECK(rig_say(fd, "10 * <MQTT> 04 02 003c <c>") && rig_closed(fd, 1.0));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_1_0_2_a_second_connect_is_a_protocol_error)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c {} <c>"));
    CHECK(rig_hears(fd, "e0 * 82 { 1f <protocol error> }") && rig_closed(fd, 1.0));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt311_3_1_2_1_another_protocol_is_closed_without_a_word)
{
    refused(NULL, "10 * <MQTX> 04 02 003c <c>", "");
    refused(NULL, "10 * <mqtt> 04 02 003c <c>", "");
}

TEST(mqtt_3_1_2_2_other_versions_are_told_so)
{
    refused(NULL, "10 * <MQIsdp> 03 02 003c <c>", "20 02 00 01");
    refused(NULL, "10 * <MQTT> 03 02 003c <c>", "20 02 00 01");
    refused(NULL, "10 * <MQTT> 06 02 003c {} <c>",
            "20 * 00 84 { 1f <only MQTT 3.1.1 and 5 are spoken here> }");
}

TEST(mqtt_3_1_2_3_the_reserved_flag_is_malformed)
{
    refused(NULL, "10 * <MQTT> 04 03 003c <c>", "");
    refused(NULL, "10 * <MQTT> 05 03 003c {} <c>", "20 * 00 81 { 1f <malformed packet> }");
}

TEST(mqtt_3_1_2_6_will_flags_that_contradict_are_malformed)
{
    refused(NULL, "10 * <MQTT> 04 1e 003c <c> <w> <x>", ""); /* QoS 3                   */
    refused(NULL, "10 * <MQTT> 04 0a 003c <c>", "");         /* QoS without a will      */
    refused(NULL, "10 * <MQTT> 04 22 003c <c>", "");         /* retained without a will */
    refused(NULL, "10 * <MQTT> 05 1e 003c {} <c> {} <w> <x>",
            "20 * 00 81 { 1f <malformed packet> }");
}

TEST(mqtt_3_1_2_9_a_password_without_a_user_name)
{
    refused(NULL, "10 * <MQTT> 04 42 003c <c> <secret>", "");
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 42 003c {} <c> <secret>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_3_1_1_a_connect_that_is_cut_or_too_long_is_malformed)
{
    refused(NULL, "10 04 <MQ>", "");
    refused(NULL, "10 * <MQTT> 04 02 003c <c> 00", "");
    refused(NULL, "10 * <MQTT> 04 82 003c <c> 0005 'x'", "");
    refused(NULL, "10 * <MQTT> 05 02 003c { 11 0000 } <c>", "20 * 00 81 { 1f <malformed packet> }");
    refused(NULL, "11 * <MQTT> 04 02 003c <c>", "");
    refused(NULL, "10 ff ff ff ff 01", "");
}

TEST(mqtt_3_1_3_1_names_of_clients)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 02 003c <>") && rig_hears(fd, "20 02 00 00"));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c {} <>"));
    CHECK(rig_hears(fd, "20 * 00 00 { 21 0400 22 0040 27 00100000 2a 00 12 0016 'andon-' "
                        ".. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. }"));
    close(fd);
    rig_close(&rig);
    refused(NULL, "10 * <MQTT> 04 00 003c <>", "20 02 00 02"); /* 3.1.3-8: kept, without a name */
    refused(NULL, "10 * <MQTT> 04 02 003c 0002 'a' 00", "");   /* 1.5.3: U+0000 */
    refused(NULL, "10 * <MQTT> 04 02 003c 0003 eda080", "");   /* a surrogate   */
}

TEST(mqtt_3_1_3_1_a_name_of_more_than_1024_bytes_is_refused)
{
    char packet[4096] = "10 * <MQTT> 05 02 003c {} <", name[1026];
    memset(name, 'n', 1025);
    name[1025] = 0;
    strcat(strcat(packet, name), ">");
    refused(NULL, packet, "20 * 00 85 { 1f <client identifier not allowed (1024 bytes at most)> }");
    memcpy(strstr(packet, "05 02"), "04 02", 5); /* which has no properties */
    memcpy(strstr(packet, "{}"), "  ", 2);
    refused(NULL, packet, "20 02 00 02");
}

TEST(mqtt5_3_1_2_11_properties_that_may_not_be)
{
    static const char *const malformed = "20 * 00 81 { 1f <malformed packet> }";
    static const char *const wrong = "20 * 00 82 { 1f <protocol error> }";
    refused(NULL, "10 * <MQTT> 05 02 003c { 23 0001 } <c>", malformed);     /* alias: of PUBLISH */
    refused(NULL, "10 * <MQTT> 05 02 003c { 7f 01 } <c>", malformed);       /* is none           */
    refused(NULL, "10 * <MQTT> 05 02 003c { 21 0001 21 0001 } <c>", wrong); /* twice         */
    refused(NULL, "10 * <MQTT> 05 02 003c { 21 0000 } <c>", wrong);     /* receive maximum 0     */
    refused(NULL, "10 * <MQTT> 05 02 003c { 27 00000000 } <c>", wrong); /* packet maximum 0  */
    refused(NULL, "10 * <MQTT> 05 02 003c { 17 02 } <c>", wrong);
    refused(NULL, "10 * <MQTT> 05 02 003c { 19 02 } <c>", wrong);
}

TEST(mqtt5_4_12_enhanced_authentication_is_refused)
{
    refused(NULL, "10 * <MQTT> 05 02 003c { 15 <SCRAM-SHA-1> 16 <x> } <c>",
            "20 * 00 8c { 1f <no enhanced authentication here> }");
    refused(NULL, "10 * <MQTT> 05 02 003c { 16 <x> } <c>", "20 * 00 82 { 1f <protocol error> }");
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(fd, "f0 02 18 00"));
    CHECK(rig_hears(fd, "e0 * 82 { 1f <protocol error> }") && rig_closed(fd, 1.0));
    close(fd);
    rig_close(&rig);
}

static bool only_ann(void *context, struct text client, struct text user, struct text password)
{
    (void)context;
    (void)client;
    return text_is(user, TEXT("ann")) && text_is(password, TEXT("secret"));
}

TEST(mqtt_3_1_3_5_who_is_not_known_is_told_so)
{
    struct endpoint_options options = {.allow = only_ann};
    refused(&options, "10 * <MQTT> 04 02 003c <c>", "20 02 00 05");
    refused(&options, "10 * <MQTT> 04 c2 003c <c> <ann> <wrong>", "20 02 00 04");
    refused(&options, "10 * <MQTT> 05 02 003c {} <c>", "20 * 00 87 { 1f <not authorized> }");
    refused(&options, "10 * <MQTT> 05 c2 003c {} <c> <bob> <secret>",
            "20 * 00 86 { 1f <bad user name or password> }");
    struct rig rig;
    rig_open(&rig, &options);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 04 c2 003c <c> <ann> <secret>"));
    CHECK(rig_hears(fd, "20 02 00 00"));
    CHECK(rig_say(fd, "32 * <a> 0001 '1'") && rig_hears(fd, "40 02 0001"));
    CHECK(rig_read(&rig) == 1 && text_is(rig.message[0].user, TEXT("ann")));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_3_1_2_10_who_is_silent_too_long_is_closed)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int old = rig_dial(&rig), new = rig_dial(&rig);
    CHECK(rig_say(old, "10 * <MQTT> 04 02 0001 <old>") && rig_hears(old, "20 02 00 00"));
    CHECK(rig_say(new, "10 * <MQTT> 05 02 0001 {} <new>"));
    CHECK(rig_hears(new, "20 * 00 00 " GREETED));
    double start = rig_now_s();
    CHECK(rig_hears(new, "e0 * 8d { 1f <keep alive timeout> }") && rig_closed(new, 1.0));
    CHECK(rig_closed(old, 3.0));
    CHECK(rig_now_s() - start > 1.4);
    close(old);
    close(new);
    rig_close(&rig);
}

TEST(mqtt5_3_2_2_3_14_who_wants_no_keep_alive_is_given_one)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 0000 {} <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 { 21 0400 22 0040 27 00100000 2a 00 13 04b0 }"));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_2_2_3_2_a_session_is_kept_seven_days_at_most)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c { 11 ffffffff } <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 { 21 0400 22 0040 27 00100000 2a 00 11 00093a80 }"));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_3_1_4_3_the_later_connection_takes_over)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int first = rig_connect(&rig, 5, "c", true), second = rig_connect(&rig, 4, "c", true);
    CHECK(rig_hears(first, "e0 * 8e { 1f <session taken over> }") && rig_closed(first, 1.0));
    int third = rig_connect(&rig, 4, "c", true);
    CHECK(rig_closed(second, 1.0) && rig_quiet(third));
    close(first);
    close(second);
    close(third);
    rig_close(&rig);
}

TEST(mqtt_3_12_a_ping_is_answered_and_a_wrong_one_is_not)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    CHECK(rig_say(fd, "c0 00 c0 00") && rig_hears(fd, "d0 00 d0 00"));
    CHECK(rig_say(fd, "c1 00") && rig_closed(fd, 1.0));
    close(fd);
    fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(fd, "c0 01 00"));
    CHECK(rig_hears(fd, "e0 * 81 { 1f <malformed packet> }") && rig_closed(fd, 1.0));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_3_14_a_goodbye_closes)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int old = rig_connect(&rig, 4, "old", true), new = rig_connect(&rig, 5, "new", true);
    CHECK(rig_say(old, "e0 00") && rig_closed(old, 1.0));
    CHECK(rig_say(new, "e0 00") && rig_closed(new, 1.0));
    close(old);
    close(new);
    old = rig_connect(&rig, 4, "old", true);
    new = rig_connect(&rig, 5, "new", true);
    CHECK(rig_say(old, "e0 01 00") && rig_closed(old, 1.0)); /* 3.1.1 has no reason */
    CHECK(rig_say(new, "e2 00"));                            /* flags               */
    CHECK(rig_hears(new, "e0 * 81 { 1f <malformed packet> }") && rig_closed(new, 1.0));
    close(old);
    close(new);
    CHECK(RIG_FIGURE_IS(&rig, refused_wrong, 2));
    rig_close(&rig);
}

TEST(mqtt5_3_14_2_2_2_a_session_that_was_to_end_cannot_be_kept_at_the_end)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(fd, "e0 * 00 { 11 0000000a }"));
    CHECK(rig_hears(fd, "e0 * 82 { 1f <protocol error> }") && rig_closed(fd, 1.0));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_2_2_a_client_of_small_packets_hears_no_long_reasons)
{
    refused(NULL, "10 * <MQTT> 05 02 003c { 27 0000000f } <c>", "20 03 00 95 00");
    refused(NULL, "10 * <MQTT> 05 02 003c { 27 0000003f } <c>",
            "20 * 00 95 { 1f <packet too large> }");
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c { 27 00000040 } <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    char packet[2048] = "82 * 0002 {}";
    for (int i = 0; i < 60; i++) strcat(packet, " <a> 00");
    CHECK(rig_say(fd, "%s", packet));
    CHECK(rig_hears(fd, "e0 * 95 { 1f <packet too large> }") && rig_closed(fd, 1.0));
    close(fd);
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c { 27 00000040 } <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 " GREETED));
    CHECK(rig_say(fd, "f0 02 18 00"));
    CHECK(rig_hears(fd, "e0 * 82 { 1f <protocol error> }") && rig_closed(fd, 1.0));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_2_2_packets_that_only_a_server_says_are_wrong)
{
    static const char *const packets[] = {"20 02 00 00", "90 03 0001 00", "b0 02 0001", "d0 00",
                                          "50 02 0001",  "70 02 0001",    "00 00"};
    struct rig rig;
    rig_open(&rig, NULL);
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        int old = rig_connect(&rig, 4, "old", true), new = rig_connect(&rig, 5, "new", true);
        CHECK(rig_say(old, "%s", packets[i]) && rig_closed(old, 1.0));
        CHECK(rig_say(new, "%s", packets[i]));
        bool none = packets[i][0] == '0'; /* no packet at all */
        CHECK(rig_hears(new, "e0 * %s",
                        none ? "81 { 1f <malformed packet> }" : "82 { 1f <protocol error> }"));
        CHECK_SAY(rig_closed(new, 1.0), "%s", packets[i]);
        close(old);
        close(new);
    }
    rig_close(&rig);
}

TEST(mqtt_4_8_when_the_endpoint_stops_everybody_hears_it)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int old = rig_connect(&rig, 4, "old", true), new = rig_connect(&rig, 5, "new", true);
    CHECK(rig_say(new, "32 * <a> 0001 {} '1'") && rig_hears(new, "40 02 0001"));
    rig_stop(&rig);
    CHECK(rig_hears(new, "e0 * 8b { 1f <server shutting down> }") && rig_closed(new, 1.0));
    CHECK(rig_closed(old, 1.0));
    CHECK(rig_read(&rig) == 1);
    close(old);
    close(new);
    rig_close(&rig);
}
