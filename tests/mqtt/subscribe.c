/* SUBSCRIBE, UNSUBSCRIBE (3.8 to 3.11), topic filters (4.7), what subscribers get (3.3.4), retained
 * messages (3.3.1.3), what andon says. */
#include <stdio.h>
#include <unistd.h>

#include "rig.h"
#include "test.h"

#define MALFORMED "e0 * 81 { 1f <malformed packet> }"
#define PROTOCOL "e0 * 82 { 1f <protocol error> }"

TEST(mqtt_3_9_3_each_filter_has_its_answer)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int old = rig_connect(&rig, 4, "o", true), fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(old,
                  "82 * 0001 <a> 00 <b/+> 01 <c/#> 02 <a/b#> 00 <#/a> 00 <+a> 00 <$share/g/a> 00"));
    CHECK(rig_hears(old, "90 * 0001 00 01 01 80 80 80 80"));
    CHECK(rig_say(fd, "82 * 0002 { 26 <k> <v> } <a> 00 <b/+> 01 <#> 02 <a/b#> 00 <a/#/b> 00 "
                      "<$share/g/a> 01 <+> 00 </> 00 <//+//#> 00"));
    CHECK(rig_hears(fd, "90 * 0002 {} 00 01 01 8f 8f 9e 00 00 00"));
    CHECK(RIG_FIGURE_IS(&rig, refused_wrong, 0));
    close(old);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_3_11_3_an_unsubscribe_tells_what_was_there)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int old = rig_connect(&rig, 4, "o", true), fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(old, "82 * 0001 <a> 00 | a2 * 0002 <a> <b>"));
    CHECK(rig_hears(old, "90 03 0001 00 b0 02 0002"));
    CHECK(rig_say(fd, "82 * 0001 {} <a/+> 00 | a2 * 0002 {} <a/+> <b> <a/+>"));
    CHECK(rig_hears(fd, "90 * 0001 {} 00 | b0 * 0002 {} 00 11 11"));
    CHECK(rig_say(fd, "30 * <a/b> {} 'x'") && rig_quiet(fd) && rig_quiet(old));
    close(old);
    close(fd);
    rig_close(&rig);
}

static void wrong(const char *old_packet, const char *new_packet, const char *answer)
{
    struct rig rig;
    rig_open(&rig, NULL);
    if (old_packet != NULL) {
        int fd = rig_connect(&rig, 4, "c", true);
        CHECK(rig_say(fd, "%s", old_packet));
        CHECK_SAY(rig_closed(fd, 1.0), "%s", old_packet);
        close(fd);
    }
    int fd = rig_connect(&rig, 5, "d", true);
    CHECK(rig_say(fd, "%s", new_packet));
    CHECK_SAY(rig_hears(fd, "%s", answer) && rig_closed(fd, 1.0), "%s", new_packet);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_3_8_packets_that_may_not_be)
{
    wrong("80 * 0001 <a> 00", "80 * 0001 {} <a> 00", MALFORMED); /* flags                   */
    wrong("82 * 0000 <a> 00", "82 * 0000 {} <a> 00", PROTOCOL);  /* packet id               */
    wrong("82 * 0001", "82 * 0001 {}", PROTOCOL);                /* no filter               */
    wrong("82 * 0001 <a> 03", "82 * 0001 {} <a> 03", PROTOCOL);  /* QoS 3                   */
    wrong("82 * 0001 <a> 04", "82 * 0001 {} <a> 40", MALFORMED); /* reserved                */
    wrong("82 * 0001 <a>", "82 * 0001 {} <a>", MALFORMED);       /* no options              */
    wrong("82 * 0001 <> 00", "82 * 0001 {} <> 00", MALFORMED);   /* 4.7.3: at least a byte  */
    wrong("82 * 0001 0002 'a' 00 00", "82 * 0001 {} 0002 'a' 00 00", MALFORMED);
    wrong(NULL, "82 * 0001 {} <a> 30", PROTOCOL);          /* retain handling 3       */
    wrong(NULL, "82 * 0001 {} <$share/g/a> 04", PROTOCOL); /* no local, shared        */
    wrong(NULL, "82 * 0001 { 0b 00 } <a> 00", PROTOCOL);   /* identifier 0            */
    wrong(NULL, "82 * 0001 { 0b 01 0b 02 } <a> 00", PROTOCOL);
    wrong("a0 * 0001 <a>", "a0 * 0001 {} <a>", MALFORMED);
    wrong("a2 * 0001", "a2 * 0001 {}", PROTOCOL);
}

/* Whether a subscription to filter gets what is published to topic. */
static bool gets(const struct rig *rig, const char *filter, const char *topic)
{
    int fd = rig_connect(rig, 4, "asks", true);
    bool answered = rig_say(fd, "82 * 0001 <%s> 00", filter) && rig_hears(fd, "90 03 0001 00");
    char packet[300];
    uint8_t bytes[300], heard[300];
    snprintf(packet, sizeof packet, "30 * <%s> 'x' | c0 00", topic);
    size_t size = script_bytes(packet, bytes, NULL, sizeof bytes);
    answered = answered && rig_send(fd, bytes, size) && rig_reads(fd, heard, 2) && heard[0] == 0xd0;
    /* the message follows the answer to the ping, which came in the same batch; or nothing does */
    answered =
        answered && rig_send(fd, "\xc0", 1) && rig_send(fd, "", 1) && rig_reads(fd, heard, 2);
    bool got = heard[0] == 0x30;
    if (got) answered = answered && rig_reads(fd, heard + 2, size - 2);
    got = got && memcmp(heard, bytes, size - 2) == 0;
    close(fd);
    if (!answered) fprintf(stderr, "# no answer: %s, %s\n", filter, topic);
    return got;
}

TEST(mqtt_4_7_1_filters_match_what_the_standard_says)
{
    static const struct {
        const char *filter, *topic;
        bool match;
    } cases[] = {{"sport/tennis/player1/#", "sport/tennis/player1", true},
                 {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
                 {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
                 {"sport/#", "sport", true},
                 {"#", "a/b", true},
                 {"sport/tennis/+", "sport/tennis/player1", true},
                 {"sport/tennis/+", "sport/tennis/player1/ranking", false},
                 {"sport/+", "sport", false},
                 {"sport/+", "sport/", true},
                 {"+", "sport", true},
                 {"+/tennis/#", "sport/tennis", true},
                 {"+/+", "/finance", true},
                 {"/+", "/finance", true},
                 {"+", "/finance", false},
                 {"#", "$SYS", false},
                 {"+/monitor/Clients", "$SYS/monitor/Clients", false},
                 {"a/b", "A/b", false},
                 {"a//b", "a//b", true},
                 {"a/+/b", "a//b", true},
                 {"a/b", "a/b/", false},
                 {"a/b/#", "a/bc", false}};
    struct rig rig;
    rig_open(&rig, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_SAY(gets(&rig, cases[i].filter, cases[i].topic) == cases[i].match, "%s %s",
                  cases[i].filter, cases[i].topic);
    rig_close(&rig);
}

TEST(mqtt_3_3_4_a_client_gets_a_message_once_for_all_its_filters)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true), pub = rig_connect(&rig, 4, "p", true);
    CHECK(rig_say(fd, "82 * 0001 { 0b 01 } <a/#> 00 | 82 * 0002 { 0b a001 } <a/+> 01 |"
                      "82 * 0003 {} <#> 00"));
    CHECK(rig_hears(fd, "90 * 0001 {} 00 | 90 * 0002 {} 01 | 90 * 0003 {} 00"));
    CHECK(rig_say(pub, "32 * <a/b> 0001 'x'") && rig_hears(pub, "40 02 0001"));
    uint8_t heard[64];
    CHECK(rig_reads(fd, heard, 16)); /* QoS 1, both identifiers, in any order */
    CHECK(heard[0] == 0x32 && heard[1] == 14 && memcmp(heard + 2, "\0\3a/b\0\1\5", 8) == 0);
    CHECK(memcmp(heard + 10, "\x0b\xa0\x01\x0b\x01", 5) == 0 ||
          memcmp(heard + 10, "\x0b\x01\x0b\xa0\x01", 5) == 0);
    CHECK(heard[15] == 'x');
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(mqtt5_3_8_3_1_no_local_and_retain_as_published)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true), other = rig_connect(&rig, 5, "d", true);
    CHECK(rig_say(fd, "82 * 0001 {} <a> 04") && rig_hears(fd, "90 * 0001 {} 00"));
    CHECK(rig_say(other, "82 * 0001 {} <a> 08") && rig_hears(other, "90 * 0001 {} 00"));
    CHECK(rig_say(fd, "31 * <a> {} 'x'") && rig_hears(other, "31 * <a> {} 'x'") && rig_quiet(fd));
    CHECK(rig_say(other, "31 * <a> {} 'y'") && rig_hears(fd, "30 * <a> {} 'y'"));
    close(fd);
    close(other);
    rig_close(&rig);
}

TEST(mqtt_3_3_4_properties_go_on_to_those_who_know_them)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true), old = rig_connect(&rig, 4, "o", true);
    CHECK(rig_say(fd, "82 * 0001 {} <a> 00") && rig_hears(fd, "90 * 0001 {} 00"));
    CHECK(rig_say(old, "82 * 0001 <a> 00") && rig_hears(old, "90 03 0001 00"));
    CHECK(rig_say(
        fd, "30 * <a> { 23 0001 01 01 26 <k> <v> 02 0000003c 03 <json> 08 <re> 09 <id> } 'x'"));
    CHECK(rig_hears(fd, "30 * <a> { 02 0000003c 01 01 26 <k> <v> 03 <json> 08 <re> 09 <id> } 'x'"));
    CHECK(rig_hears(old, "30 * <a> 'x'"));
    close(fd);
    close(old);
    rig_close(&rig);
}

TEST(mqtt_4_3_2_qos_1_is_sent_again_until_it_is_acknowledged)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", false), pub = rig_connect(&rig, 4, "p", true);
    CHECK(rig_say(fd, "82 * 0001 <a> 01") && rig_hears(fd, "90 03 0001 01"));
    CHECK(rig_say(pub, "32 * <a> 0001 'x' | 34 * <a> 0002 'y' | 30 * <a> 'z'"));
    CHECK(rig_hears(fd, "32 * <a> 0001 'x' | 32 * <a> 0002 'y' | 30 * <a> 'z'"));
    CHECK(rig_say(fd, "40 02 0001 40 02 0007") && rig_quiet(fd));
    close(fd);
    CHECK(rig_hears(pub, "40 02 0001 50 02 0002"));
    CHECK(RIG_FIGURE_IS(&rig, connections, 1));
    CHECK(rig_say(pub, "32 * <a> 0003 'while you were out' | 30 * <a> 'lost'"));
    CHECK(rig_hears(pub, "40 02 0003"));
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 00 003c { 11 0000000a 21 0001 } <c>"));
    CHECK(rig_hears(fd, "20 * 01 00 { 21 0400 22 0040 27 00100000 2a 00 }"));
    CHECK(rig_hears(fd, "3a * <a> 0002 {} 'y'")); /* again; one at once is what the client takes */
    CHECK(rig_quiet(fd) && rig_say(fd, "40 02 0002"));
    CHECK(rig_hears(fd, "32 * <a> 0003 {} 'while you were out'"));
    CHECK(rig_say(fd, "40 04 0003 10 00") && rig_quiet(fd));
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(mqtt5_3_3_2_3_3_what_has_expired_is_not_sent)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", false), pub = rig_connect(&rig, 5, "p", true);
    CHECK(rig_say(fd, "82 * 0001 {} <a> 01") && rig_hears(fd, "90 * 0001 {} 01"));
    close(fd);
    CHECK(RIG_FIGURE_IS(&rig, connections, 1));
    CHECK(rig_say(pub,
                  "33 * <a> 0001 { 02 00000001 } 'short' | 32 * <a> 0002 { 02 00000e10 } 'long'"));
    CHECK(rig_hears(pub, "40 02 0001 40 02 0002") && RIG_FIGURE_IS(&rig, retained, 1));
    CHECK(RIG_FIGURE_IS(&rig, retained, 0)); /* within its time */
    fd = rig_dial(&rig);
    CHECK(rig_say(fd, "10 * <MQTT> 05 00 003c { 11 0000000a } <c>"));
    CHECK(rig_hears(fd, "20 * 01 00 { 21 0400 22 0040 27 00100000 2a 00 }"));
    CHECK(rig_hears(fd, "32 * <a> .. .. { 02 00000e .. } 'long'"));
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(mqtt_3_3_1_3_the_last_retained_message_is_there_for_who_comes_later)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int pub = rig_connect(&rig, 4, "p", true), fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(pub,
                  "31 * <a/b> 'old' | 33 * <a/b> 0001 'new' | 31 * <a/c> 'c' | 30 * <a/d> 'd' |"
                  "31 * <a/e> 'e' | 33 * <a/e> 0002 ''"));
    CHECK(rig_hears(pub, "40 02 0001 40 02 0002") && RIG_FIGURE_IS(&rig, retained, 2));
    CHECK(rig_say(fd, "82 * 0001 {} <a/c> 01") && rig_hears(fd, "90 * 0001 {} 01"));
    CHECK(rig_hears(fd, "31 * <a/c> {} 'c'"));
    CHECK(rig_say(fd, "82 * 0002 { 0b 05 } <a/#> 01") && rig_hears(fd, "90 * 0002 {} 01"));
    CHECK(rig_hears(fd, "33 * <a/b> 0001 { 0b 05 } 'new' | 31 * <a/c> { 0b 05 } 'c'"));
    CHECK(rig_say(fd, "40 02 0001") && rig_quiet(fd));
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(mqtt5_3_8_3_1_retain_handling)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int pub = rig_connect(&rig, 4, "p", true), fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(pub, "33 * <a> 0001 'x'") && rig_hears(pub, "40 02 0001"));
    CHECK(rig_say(fd, "82 * 0001 {} <a> 20") && rig_hears(fd, "90 * 0001 {} 00") && rig_quiet(fd));
    CHECK(rig_say(fd, "82 * 0001 {} <a> 10") && rig_hears(fd, "90 * 0001 {} 00") && rig_quiet(fd));
    CHECK(rig_say(fd, "82 * 0001 {} <+> 10") && rig_hears(fd, "90 * 0001 {} 00 | 31 * <a> {} 'x'"));
    CHECK(rig_say(fd, "82 * 0001 {} <a> 00") && rig_hears(fd, "90 * 0001 {} 00 | 31 * <a> {} 'x'"));
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(what_andon_says_is_heard_and_its_state_is_kept)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    CHECK(rig_say(fd, "82 * 0001 <plant/#> 01") && rig_hears(fd, "90 03 0001 01"));
    CHECK(endpoint_say(rig.endpoint, TEXT("plant/p1/_anomaly/verdict"), TEXT("{}"), 0, false));
    CHECK(rig_hears(fd, "30 * <plant/p1/_anomaly/verdict> '{}'"));
    CHECK(endpoint_say(rig.endpoint, TEXT("plant/p1/_anomaly/state"), TEXT("NORMAL"), 1, true));
    CHECK(rig_hears(fd, "32 * <plant/p1/_anomaly/state> 0001 'NORMAL'"));
    CHECK(rig_say(
        fd, "33 * <plant/p1/_anomaly/state> 0001 'FORGED' | 31 * <plant/p1/_anomaly/state> ''"));
    CHECK(rig_say(fd, "40 02 0001") && RIG_FIGURE_IS(&rig, retained_refused, 2));
    int later = rig_connect(&rig, 4, "d", true);
    CHECK(rig_say(later, "82 * 0001 <plant/+/_anomaly/state> 00") &&
          rig_hears(later, "90 03 0001 00"));
    CHECK(rig_hears(later, "31 * <plant/p1/_anomaly/state> 'NORMAL'"));
    CHECK(endpoint_say(rig.endpoint, TEXT("plant/p1/_anomaly/state"), TEXT(""), 1, true));
    CHECK(rig_hears(later, "30 * <plant/p1/_anomaly/state> ''"));
    CHECK(RIG_FIGURE_IS(&rig, retained, 0) && rig_read(&rig) == 2); /* the forged ones alone */
    CHECK(!endpoint_say(rig.endpoint, TEXT("plant/#"), TEXT("x"), 0, false));
    CHECK(!endpoint_say(rig.endpoint, TEXT(""), TEXT("x"), 0, false));
    CHECK(RIG_FIGURE_IS(&rig, dropped, 2));
    close(fd);
    close(later);
    rig_close(&rig);
}

TEST(mqtt5_3_1_2_11_4_a_packet_larger_than_the_client_takes_is_dropped)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_dial(&rig), pub = rig_connect(&rig, 4, "p", true);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c { 27 00000040 } <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 { 21 0400 22 0040 27 00100000 2a 00 }"));
    CHECK(rig_say(fd, "82 * 0001 {} <a> 01") && rig_hears(fd, "90 * 0001 {} 01"));
    CHECK(rig_say(
        pub,
        "32 * <a> 0001 '01234567890123456789012345678901234567890123456789012345678901234567'"));
    CHECK(rig_say(
        pub, "30 * <a> '01234567890123456789012345678901234567890123456789012345678901234567'"));
    CHECK(rig_say(pub, "32 * <a> 0002 'x'"));
    CHECK(rig_hears(fd, "32 * <a> 00 .. {} 'x'"));
    CHECK(RIG_FIGURE_IS(&rig, dropped, 2));
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(a_client_has_a_limited_number_of_subscriptions)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true), old = rig_connect(&rig, 4, "o", true);
    for (int i = 0; i < 1024; i++) {
        CHECK(rig_say(fd, "82 * 0001 {} <a/%d/+> 01", i) && rig_hears(fd, "90 * 0001 {} 01"));
        CHECK(rig_say(old, "82 * 0001 <a/%d/+> 01", i) && rig_hears(old, "90 03 0001 01"));
    }
    CHECK(rig_say(fd, "82 * 0001 {} <b> 01") && rig_hears(fd, "90 * 0001 {} 97"));
    CHECK(rig_say(old, "82 * 0001 <b> 01") && rig_hears(old, "90 03 0001 80"));
    CHECK(rig_say(fd, "82 * 0001 {} <a/7/+> 00") && rig_hears(fd, "90 * 0001 {} 00")); /* changed */
    CHECK(rig_say(fd, "a2 * 0001 {} <a/8/+>") && rig_hears(fd, "b0 * 0001 {} 00"));
    CHECK(rig_say(fd, "82 * 0001 {} <b> 01") && rig_hears(fd, "90 * 0001 {} 01"));
    CHECK(rig_say(old, "30 * <a/7/x> 'x'"));
    CHECK(rig_hears(fd, "30 * <a/7/x> {} 'x'") && rig_hears(old, "30 * <a/7/x> 'x'"));
    close(fd);
    close(old);
    rig_close(&rig);
}
