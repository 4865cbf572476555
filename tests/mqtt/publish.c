/* PUBLISH and what answers it: 3.3 to 3.7, 4.3 quality of service, 4.9 flow control, and the law
 * that nothing is acknowledged before it is in the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <errno.h>

#include "base/disk.h"
#include "rig.h"
#include "test.h"

static bool is(const struct message *m, const char *topic, const char *payload, int qos)
{
    return m->door == MESSAGE_MQTT && m->qos == qos && text_is(m->topic, text_of(topic)) &&
           text_is(m->payload, text_of(payload));
}

TEST(mqtt311_4_3_1_qos_0_is_journaled_and_not_answered)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "pump1", true);
    CHECK(rig_say(fd, "30 * <plant/pump1> '{\"t\":1}'") && rig_quiet(fd));
    CHECK(rig_read(&rig) == 1 && is(&rig.message[0], "plant/pump1", "{\"t\":1}", 0));
    CHECK(text_is(rig.message[0].client, TEXT("pump1")) && rig.message[0].flags == 0);
    CHECK(rig.message[0].session != 0 && rig.message[0].packet == 0);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt311_4_3_2_a_puback_means_journaled)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    CHECK(rig_say(fd, "32 * <a> 0007 'one' | 3a * <a> 0007 'one' | 33 * <a> 0008 ''"));
    CHECK(rig_hears(fd, "40 02 0007 40 02 0007 40 02 0008"));
    CHECK(rig_read(&rig) == 3 && is(&rig.message[0], "a", "one", 1) && rig.message[0].packet == 7);
    CHECK(rig.message[1].flags == MESSAGE_DUPLICATE && rig.message[2].flags == MESSAGE_RETAINED);
    CHECK(rig.message[0].session == rig.message[2].session);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_4_3_2_a_puback_means_journaled)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(fd, "32 * <a> 0007 { 01 01 03 <text> 26 <k> <v> 26 <k> <v> } 'one'"));
    CHECK(rig_hears(fd, "40 02 0007"));
    CHECK(rig_read(&rig) == 1 && is(&rig.message[0], "a", "one", 1));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_4_3_3_qos_2_is_journaled_exactly_once)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    CHECK(rig_say(fd, "34 * <a> 0001 'x' | 3c * <a> 0001 'x' | 34 * <a> 0002 'y'"));
    CHECK(rig_hears(fd, "50 02 0001 50 02 0001 50 02 0002"));
    CHECK(rig_say(fd, "3c * <a> 0001 'x'") && rig_hears(fd, "50 02 0001"));
    CHECK(rig_read(&rig) == 2 && is(&rig.message[0], "a", "x", 2) &&
          is(&rig.message[1], "a", "y", 2));
    CHECK(rig_say(fd, "62 02 0001 62 02 0002 62 02 0002"));
    CHECK(rig_hears(fd, "70 02 0001 70 02 0002 70 02 0002"));
    CHECK(rig_say(fd, "34 * <a> 0001 'z'") && rig_hears(fd, "50 02 0001")); /* a new message */
    CHECK(rig_read(&rig) == 3);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_4_3_3_qos_2_is_exactly_once_over_connections_of_a_session)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", false);
    CHECK(rig_say(fd, "34 * <a> 0001 {} 'x'") && rig_hears(fd, "50 02 0001"));
    close(fd);
    fd = rig_connect(&rig, 5, "c", false);
    CHECK(rig_say(fd, "3c * <a> 0001 {} 'x'") && rig_hears(fd, "50 02 0001"));
    CHECK(rig_read(&rig) == 1);
    CHECK(rig_say(fd, "62 02 0001") && rig_hears(fd, "70 02 0001"));
    close(fd);
    fd = rig_connect(&rig, 5, "c", true); /* another session */
    CHECK(rig_say(fd, "34 * <a> 0001 {} 'x'") && rig_hears(fd, "50 02 0001"));
    CHECK(rig_read(&rig) == 2 && rig.message[0].session != rig.message[1].session);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt5_3_7_2_1_a_release_of_nothing_is_told_so)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true), old = rig_connect(&rig, 4, "o", true);
    CHECK(rig_say(fd, "62 02 0009") && rig_hears(fd, "70 03 0009 92"));
    CHECK(rig_say(fd, "62 * 0009 92 { 1f <gone> }") && rig_hears(fd, "70 03 0009 92"));
    CHECK(rig_say(old, "62 02 0009") && rig_hears(old, "70 02 0009"));
    CHECK(rig_say(old, "60 02 0009") && rig_closed(old, 1.0)); /* 3.6.1: flags are 2 */
    close(fd);
    close(old);
    rig_close(&rig);
}

/* What a PUBLISH that is wrong is answered with; 3.1.1 closes without a word. */
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
    if (new_packet != NULL) {
        int fd = rig_connect(&rig, 5, "d", true);
        CHECK(rig_say(fd, "%s", new_packet));
        CHECK_SAY(rig_hears(fd, "%s", answer) && rig_closed(fd, 1.0), "%s", new_packet);
        close(fd);
    }
    CHECK(rig_read(&rig) == 0);
    rig_close(&rig);
}

#define MALFORMED "e0 * 81 { 1f <malformed packet> }"
#define PROTOCOL "e0 * 82 { 1f <protocol error> }"
#define TOPIC "e0 * 90 { 1f <topic name invalid (4096 bytes and 128 levels at most)> }"
#define ALIAS "e0 * 94 { 1f <topic alias invalid> }"

TEST(mqtt_3_3_1_flags_that_may_not_be)
{
    wrong("36 * <a> 0001 'x'", "36 * <a> 0001 {} 'x'", MALFORMED); /* QoS 3             */
    wrong("38 * <a> 'x'", "38 * <a> {} 'x'", MALFORMED);           /* again, with QoS 0 */
}

TEST(mqtt_3_3_2_topics_that_may_not_be)
{
    wrong("30 * <a/+> 'x'", "30 * <a/+> {} 'x'", TOPIC);
    wrong("30 * <a/#> 'x'", "30 * <a/#> {} 'x'", TOPIC);
    wrong("30 * <> 'x'", "30 * <> {} 'x'", PROTOCOL); /* no topic, no alias */
    wrong("30 * 0003 'a' 00 'b' 'x'", "30 * 0003 'a' 00 'b' {} 'x'", MALFORMED);
    wrong("30 * 0002 c080 'x'", "30 * 0002 c080 {} 'x'", MALFORMED);
    wrong("30 * 0003 eda080 'x'", "30 * 0004 f4908080 {} 'x'", MALFORMED);
    wrong("30 02 0005", "30 02 0005", MALFORMED); /* cut off */
}

TEST(mqtt_3_3_2_topics_beyond_the_limits)
{
    char topic[4200], packet[4300], levels[300] = "l";
    memset(topic, 't', 4097);
    topic[4097] = 0;
    snprintf(packet, sizeof packet, "30 * <%s> {} 'x'", topic);
    wrong(NULL, packet, TOPIC);
    for (int i = 0; i < 128; i++) strcat(levels, "/l");
    snprintf(packet, sizeof packet, "30 * <%s> {} 'x'", levels);
    wrong(NULL, packet, TOPIC);
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    topic[4096] = 0;
    CHECK(rig_say(fd, "32 * <%s> 0001 'x'", topic) && rig_hears(fd, "40 02 0001"));
    levels[255] = 0; /* 128 of them */
    CHECK(rig_say(fd, "32 * <%s> 0002 'x'", levels) && rig_hears(fd, "40 02 0002"));
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_2_2_1_a_packet_id_of_zero_is_wrong)
{
    wrong("32 * <a> 0000 'x'", "32 * <a> 0000 {} 'x'", PROTOCOL);
    wrong("34 * <a> 0000 'x'", "34 * <a> 0000 {} 'x'", PROTOCOL);
    wrong("40 02 0000", "40 02 0000", PROTOCOL);
    wrong("62 02 0000", "62 02 0000", PROTOCOL);
}

TEST(mqtt5_3_3_2_3_properties_that_may_not_be)
{
    wrong(NULL, "30 * <a> { 11 00000001 } 'x'", MALFORMED); /* session expiry */
    wrong(NULL, "30 * <a> { 0b 01 } 'x'", MALFORMED);       /* a client says no subscription id */
    wrong(NULL, "30 * <a> { 01 02 } 'x'", PROTOCOL);
    wrong(NULL, "30 * <a> { 01 00 01 00 } 'x'", PROTOCOL);
    wrong(NULL, "30 * <a> { 08 <b/+> } 'x'", PROTOCOL);
    wrong(NULL, "30 * <a> { 02 0000 } 'x'", MALFORMED);
    wrong(NULL, "30 * <a> { 26 <k> } 'x'", MALFORMED);
    wrong(NULL, "30 * <a> 7f 'x'", MALFORMED); /* longer than the packet */
}

TEST(mqtt5_3_3_2_3_4_an_alias_stands_for_a_topic)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    CHECK(rig_say(fd, "32 * <plant/a> 0001 { 23 0040 } '1' | 32 * <> 0002 { 23 0040 } '2' |"
                      "32 * <plant/b> 0003 { 23 0040 } '3' | 32 * <> 0004 { 23 0040 } '4' |"
                      "32 * <plant/b> 0005 { 23 0001 } '5'"));
    CHECK(rig_hears(fd, "40 02 0001 40 02 0002 40 02 0003 40 02 0004 40 02 0005"));
    CHECK(rig_read(&rig) == 5 && rig_count(&rig, "plant/a") == 2 &&
          rig_count(&rig, "plant/b") == 3);
    CHECK(is(&rig.message[1], "plant/a", "2", 1) && is(&rig.message[3], "plant/b", "4", 1));
    close(fd);
    rig_close(&rig);
    wrong(NULL, "30 * <a> { 23 0000 } 'x'", ALIAS);
    wrong(NULL, "30 * <a> { 23 0041 } 'x'", ALIAS);
    wrong(NULL, "30 * <> { 23 0001 } 'x'", PROTOCOL); /* never said what it stands for */
}

TEST(mqtt5_3_3_4_more_at_once_than_the_receive_maximum)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    for (int i = 1; i <= 1024; i++) CHECK(rig_say(fd, "34 * <a> %04x {} 'x'", i));
    for (int i = 1; i <= 1024; i++) CHECK(rig_hears(fd, "50 02 %04x", i));
    CHECK(rig_say(fd, "62 02 0005") && rig_hears(fd, "70 02 0005"));
    CHECK(rig_say(fd, "34 * <a> 0500 {} 'x'") && rig_hears(fd, "50 02 0500"));
    CHECK(rig_say(fd, "34 * <a> 0501 {} 'x'"));
    CHECK(rig_hears(fd, "e0 * 93 { 1f <receive maximum exceeded> }") && rig_closed(fd, 1.0));
    close(fd);
    CHECK(rig_read(&rig) == 1025);
    rig_close(&rig);
}

TEST(mqtt5_3_3_4_publish_actions_many_qos_1_are_answered_in_order)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    static uint8_t bytes[60000 * 12];
    uint8_t *at = bytes, answer[4];
    for (uint32_t i = 1; i <= 60000; i++) {
        const uint8_t packet[] = {0x32,       10,  0,   1,   'a', (uint8_t)(i >> 8),
                                  (uint8_t)i, '0', '1', '2', '3', '4'};
        memcpy(at, packet, sizeof packet);
        at += sizeof packet;
    }
    CHECK(rig_send(fd, bytes, sizeof bytes));
    for (uint32_t i = 1; i <= 60000; i++) {
        CHECK(rig_reads(fd, answer, 4));
        CHECK(answer[0] == 0x40 && (uint32_t)(answer[2] << 8 | answer[3]) == i);
    }
    CHECK(rig_read(&rig) == 60000 && rig.message[59999].packet == 60000);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_2_1_a_packet_may_come_byte_by_byte_or_many_at_once)
{
    struct rig rig;
    uint8_t bytes[256];
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    size_t size =
        script_bytes("32 * <plant/a> 0001 { 26 <k> <v> } 'hello' | 30 * <b> {} '' | c0 00", bytes,
                     NULL, sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        CHECK(rig_send(fd, bytes + i, 1));
        if (i % 5 == 0) usleep(1000); /* so that it does arrive in pieces */
    }
    uint8_t heard[6]; /* the ping may be answered first */
    CHECK(rig_reads(fd, heard, 6));
    for (size_t cut = 1; cut < size; cut++) {
        CHECK(rig_send(fd, bytes, cut));
        CHECK(rig_send(fd, bytes + cut, size - cut));
    }
    for (size_t cut = 1; cut < size; cut++) {
        CHECK(rig_reads(fd, heard, 6));
    }
    CHECK(rig_read(&rig) == 2 * (uint32_t)size);
    close(fd);
    rig_close(&rig);
}

TEST(mqtt_2_1_4_a_packet_beyond_the_limit_is_refused)
{
    struct rig rig;
    struct endpoint_options options = {.packet_bytes_max = 300000};
    rig_open(&rig, &options);
    static uint8_t big[300000];
    uint8_t head[16], answer[4];
    int fd = rig_dial(&rig), old = rig_connect(&rig, 4, "o", true);
    CHECK(rig_say(fd, "10 * <MQTT> 05 02 003c {} <c>"));
    CHECK(rig_hears(fd, "20 * 00 00 { 21 0400 22 0040 27 000493e0 2a 00 }"));
    memset(big, 'x', sizeof big);
    size_t n = script_bytes("32 dca712 <a> 0001", head, NULL, sizeof head); /* 299,996 + 4 */
    CHECK(rig_send(old, head, n) && rig_send(old, big, 299996 - 5));
    CHECK(rig_reads(old, answer, 4) && answer[0] == 0x40);
    CHECK(rig_read(&rig) == 1 && rig.message[0].payload.length == 299991);
    CHECK(rig_say(fd, "32 dda712 <a> 0001 {}")); /* one more: no need to wait for the body */
    CHECK(rig_hears(fd, "e0 * 95 { 1f <packet too large> }") && rig_closed(fd, 1.0));
    CHECK(rig_say(old, "32 ffffff7f <a> 0001") && rig_closed(old, 1.0));
    close(fd);
    close(old);
    rig_close(&rig);
}

TEST(mqtt_2_1_4_a_length_of_five_bytes_is_malformed)
{
    wrong("30 ffffffff01", "30 ffffffff01", MALFORMED);
}

/* The journal refuses. It looks again after a while: what comes at once may be refused still. */

struct again {
    struct rig *rig;
    const char *client, *packet;
    uint8_t kind; /* of the answer */
};

/* Whether the packet is answered with success on a new connection of the client's. */
static bool is_accepted(void *context)
{
    const struct again *a = context;
    uint8_t answer[4] = {0};
    int fd = rig_connect(a->rig, 4, a->client, false);
    bool accepted = rig_say(fd, "%s", a->packet) && rig_reads(fd, answer, 4) &&
                    answer[0] == a->kind && answer[1] == 2;
    close(fd);
    return accepted;
}

TEST(a_full_disk_is_no_puback_and_it_goes_on_by_itself)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true), old = rig_connect(&rig, 4, "o", true);
    int other = rig_connect(&rig, 4, "z", true);
    CHECK(rig_say(other, "82 * 0001 <#> 00") && rig_hears(other, "90 03 0001 00"));
    disk_fault(DISK_WRITE, 1, ENOSPC);
    CHECK(rig_say(fd, "32 * <a> 0001 {} 'x'") && rig_hears(fd, "40 03 0001 97"));
    CHECK(rig_say(fd, "34 * <a> 0002 {} 'x'") && rig_hears(fd, "50 03 0002 97"));
    CHECK(rig_say(fd, "30 * <a> {} 'x'") && rig_quiet(fd));
    CHECK(rig_say(old, "32 * <a> 0001 'x'") && rig_closed(old, 2.0));
    CHECK(rig_quiet(other)); /* serving goes on, and nobody is told what is not journaled */
    CHECK(RIG_FIGURE_IS(&rig, refused_full, 4) && RIG_FIGURE_IS(&rig, refused_wrong, 0));
    disk_fault_clear();
    close(old);
    CHECK(rig_becomes(is_accepted, &(struct again){&rig, "o", "3a * <b> 0001 'x'", 0x40}));
    CHECK(rig_hears(other, "30 * <b> 'x'"));
    CHECK(rig_say(fd, "34 * <a> 0002 {} 'x'")); /* the id was given back */
    CHECK(rig_hears(fd, "50 02 0002") && rig_hears(other, "30 * <a> 'x'"));
    CHECK(rig_read(&rig) == 2);
    close(fd);
    close(other);
    rig_close(&rig);
}

TEST(a_failed_write_is_as_a_full_disk)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", true);
    for (int nth = 1; nth <= 3; nth++) {
        disk_fault(DISK_WRITE, 1, EIO);
        CHECK(rig_say(fd, "32 * <a> 0001 {} 'x'") && rig_hears(fd, "40 03 0001 97"));
        disk_fault_clear();
        CHECK(rig_say(fd, "32 * <a> 0001 {} 'x'") && rig_hears(fd, "40 02 0001"));
    }
    CHECK(rig_read(&rig) == 3);
    close(fd);
    rig_close(&rig);
}

TEST(a_failed_sync_closes_without_an_answer_and_qos_2_stays_exactly_once)
{
    struct rig rig;
    rig_open_synced(&rig, NULL, JOURNAL_SYNC_EVERY);
    int fd = rig_connect(&rig, 5, "c", false), old = rig_connect(&rig, 4, "o", false);
    disk_fault(DISK_SYNC, 1, EIO);
    CHECK(rig_say(fd, "34 * <a> 0001 {} 'x'"));
    CHECK(rig_hears(fd, "e0 * 83 { 1f <the journal could not be synced> }") && rig_closed(fd, 1.0));
    CHECK(rig_say(old, "34 * <b> 0001 'y'") && rig_closed(old, 1.0));
    disk_fault_clear();
    close(fd);
    close(old);
    CHECK(rig_becomes(is_accepted, &(struct again){&rig, "c", "3c * <a> 0001 'x'", 0x50}));
    CHECK(rig_becomes(is_accepted, &(struct again){&rig, "o", "3c * <b> 0001 'y'", 0x50}));
    rig_read(&rig);
    CHECK(rig_count(&rig, "a") == 1 && rig_count(&rig, "b") == 1);
    rig_close(&rig);
}

TEST(mqtt_4_7_2_what_begins_with_a_dollar_is_journaled_and_passed_on_to_nobody)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true), sub = rig_connect(&rig, 4, "s", true);
    CHECK(rig_say(sub, "82 * 0001 <$SYS/#> 00 <#> 00") && rig_hears(sub, "90 04 0001 00 00"));
    CHECK(rig_say(fd, "33 * <$SYS/uptime> 0001 '1'") && rig_hears(fd, "40 02 0001"));
    CHECK(rig_quiet(sub) && rig_read(&rig) == 1 && RIG_FIGURE_IS(&rig, retained, 0));
    close(fd);
    close(sub);
    rig_close(&rig);
}
