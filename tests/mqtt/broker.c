/* andon as a client of a broker, which is played by the test: a listening socket and scripts. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/disk.h"
#include "ingest/mqtt/broker.h"
#include "rig.h"
#include "test.h"

/* The rig's journal, a broker that is not there yet, and andon on its way to it. */
struct play {
    struct rig rig;
    int listener;
    char url[64];
    struct broker *broker;
    pthread_t thread;
};

static void *run(void *context)
{
    broker_run(context);
    return NULL;
}

static bool begin(struct play *p, enum journal_sync sync, struct broker_options options)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    andon_error err = {{0}};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rig_open_synced(&p->rig, NULL, sync);
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(p->listener, (struct sockaddr *)&at, size) != 0 || listen(p->listener, 8) != 0)
        return false;
    getsockname(p->listener, (struct sockaddr *)&at, &size);
    snprintf(p->url, sizeof p->url, "mqtt://%s127.0.0.1:%u", options.url == NULL ? "" : options.url,
             ntohs(at.sin_port));
    options.url = p->url;
    if (broker_open(&options, p->rig.journal, &p->broker, &err) != ANDON_OK) {
        fprintf(stderr, "# %s\n", err.text);
        return false;
    }
    return pthread_create(&p->thread, NULL, run, p->broker) == 0;
}

static void end(struct play *p)
{
    broker_stop(p->broker);
    pthread_join(p->thread, NULL);
    broker_close(p->broker);
    close(p->listener);
    rig_close(&p->rig);
}

static int answer_call(const struct play *p)
{
    struct pollfd ready = {.fd = p->listener, .events = POLLIN};
    return poll(&ready, 1, 30000) == 1 ? accept(p->listener, NULL, NULL) : -1;
}

/* Takes the connection, greets it and takes its one subscription. */
static int greet(const struct play *p, bool present)
{
    int fd = answer_call(p);
    if (fd < 0 || !rig_hears(fd, "10 * <MQTT> 04 00 003c <me>")) return -1;
    if (!rig_say(fd, "20 02 %02x 00", present)) return -1;
    if (!rig_hears(fd, "82 * 00 .. <plant/#> 01") || !rig_say(fd, "90 03 0001 01")) return -1;
    return fd;
}

static const char *const filter[] = {"plant/#"};
static const struct broker_options options = {
    .topic = filter, .topics = 1, .qos = 1, .client = "me"};

static struct broker_figures figures_of(const struct play *p)
{
    struct broker_figures f;
    broker_figures(p->broker, &f);
    return f;
}

static bool nothing_there(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 300) == 0;
}

TEST(a_message_from_a_broker_is_journaled_then_acknowledged)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0);
    CHECK(rig_say(fd, "32 * <plant/pump1> 0007 '{\"t\":1}' | 31 * <plant/pump2> '2'"));
    CHECK(rig_hears(fd, "40 02 0007"));
    CHECK(rig_say(fd, "30 * <plant/end> '' | 32 * <plant/end> 0008 ''") &&
          rig_hears(fd, "40 02 0008"));
    CHECK(rig_read(&p.rig) == 4);
    const struct message *m = p.rig.message;
    CHECK(m[0].door == MESSAGE_BROKER && m[0].qos == 1 && m[0].packet == 7 && m[0].flags == 0);
    CHECK(text_is(m[0].topic, TEXT("plant/pump1")) && text_is(m[0].payload, TEXT("{\"t\":1}")));
    CHECK(text_is(m[0].client, text_of(p.url + 7)) && m[0].session != 0);
    CHECK(m[1].qos == 0 && m[1].flags == MESSAGE_RETAINED && text_is(m[1].payload, TEXT("2")));
    struct broker_figures f = figures_of(&p);
    CHECK(f.received == 4 && f.connects == 1 && f.connected && f.losses == 0);
    close(fd);
    end(&p);
}

static bool refused_twice(void *context)
{
    return figures_of(context).refused_full >= 2;
}

TEST(no_puback_leaves_while_the_journal_refuses_to_append)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0);
    disk_fault(DISK_WRITE, 1, ENOSPC);
    for (int i = 1; i <= 5; i++) CHECK(rig_say(fd, "32 * <plant/a> %04x 'x'", i));
    CHECK(rig_becomes(refused_twice, &p));
    CHECK(nothing_there(fd) && rig_read(&p.rig) == 0);
    disk_fault_clear();
    CHECK(rig_hears(fd, "40 02 0001 40 02 0002 40 02 0003 40 02 0004 40 02 0005"));
    CHECK(rig_read(&p.rig) == 5); /* by itself, each once */
    close(fd);
    end(&p);
}

TEST(no_puback_leaves_while_the_journal_cannot_sync)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_EVERY, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0);
    disk_fault(DISK_SYNC, 1, EIO);
    CHECK(rig_say(fd, "32 * <plant/a> 0001 'x'") && rig_becomes(refused_twice, &p));
    CHECK(nothing_there(fd));
    disk_fault_clear();
    CHECK(rig_hears(fd, "40 02 0001") && rig_read(&p.rig) == 1);
    close(fd);
    end(&p);
}

TEST(what_was_not_journaled_at_the_end_is_not_acknowledged)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0);
    disk_fault(DISK_WRITE, 1, ENOSPC);
    CHECK(rig_say(fd, "32 * <plant/a> 0001 'x'") && rig_becomes(refused_twice, &p));
    broker_stop(p.broker);
    CHECK(rig_closed(fd, 5.0)); /* nothing before it: the broker will send it again */
    disk_fault_clear();
    CHECK(rig_read(&p.rig) == 0);
    close(fd);
    end(&p);
}

TEST(after_a_loss_it_comes_back_subscribes_and_tells_what_may_have_come_before)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0 && rig_say(fd, "32 * <plant/a> 0001 'x'") && rig_hears(fd, "40 02 0001"));
    close(fd);
    fd = greet(&p, true); /* the session went on */
    CHECK(fd >= 0 && rig_say(fd, "3a * <plant/a> 0001 'x'") && rig_hears(fd, "40 02 0001"));
    close(fd);
    fd = greet(&p, false); /* the broker has forgotten it */
    CHECK(fd >= 0 && rig_say(fd, "32 * <plant/a> 0001 'x'") && rig_hears(fd, "40 02 0001"));
    CHECK(rig_read(&p.rig) == 3);
    const struct message *m = p.rig.message;
    CHECK(m[0].flags == 0 && m[1].flags == MESSAGE_DUPLICATE && m[2].flags == 0);
    CHECK(m[0].session == m[1].session);
    struct broker_figures f = figures_of(&p);
    CHECK(f.connects == 3 && f.losses == 2);
    close(fd);
    end(&p);
}

TEST(many_messages_are_acknowledged_in_order)
{
    enum { MESSAGES = 20000 };
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0);
    static uint8_t bytes[MESSAGES * 16];
    uint8_t *at = bytes, answer[4];
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        const uint8_t packet[] = {0x32,       14,  0,   7,   'p', 'l',
                                  'a',        'n', 't', '/', 'a', (uint8_t)(i >> 8),
                                  (uint8_t)i, '1', '2', '3'};
        at = (uint8_t *)memcpy(at, packet, sizeof packet) + sizeof packet;
    }
    CHECK(rig_send(fd, bytes, sizeof bytes));
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        CHECK(rig_reads(fd, answer, 4));
        CHECK(answer[0] == 0x40 && (uint32_t)(answer[2] << 8 | answer[3]) == i);
    }
    CHECK(rig_read(&p.rig) == MESSAGES);
    close(fd);
    end(&p);
}

TEST(large_messages_are_journaled_and_those_beyond_a_record_are_dropped)
{
    enum { LARGE = 9 << 20, BEYOND = 17 << 20 };
    struct play p;
    uint8_t *bytes = calloc(1, BEYOND), head[64];
    CHECK(bytes != NULL && begin(&p, JOURNAL_SYNC_OS, options));
    int fd = greet(&p, false);
    CHECK(fd >= 0 && rig_say(fd, "32 * <plant/a> 0001 'x'"));
    size_t n = script_bytes("32 8b80c004 <plant/a> 0002", head, NULL, sizeof head);
    CHECK(rig_send(fd, head, n) && rig_send(fd, bytes, LARGE));
    n = script_bytes("32 8b80c008 <plant/a> 0003", head, NULL, sizeof head);
    CHECK(rig_send(fd, head, n) && rig_send(fd, bytes, BEYOND));
    CHECK(rig_say(fd, "32 * <plant/a> 0004 'y'"));
    CHECK(rig_hears(fd, "40 02 0001 40 02 0002 40 02 0003 40 02 0004"));
    CHECK(rig_read(&p.rig) == 3 && p.rig.message[1].payload.length == LARGE);
    CHECK(figures_of(&p).refused_large == 1);
    free(bytes);
    close(fd);
    end(&p);
}

TEST(a_broker_that_refuses_is_tried_again_and_again)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    double start = rig_now_s();
    for (int i = 0; i < 3; i++) {
        int fd = answer_call(&p);
        CHECK(fd >= 0 && rig_hears(fd, "10 * <MQTT> 04 00 003c <me>"));
        CHECK(rig_say(fd, "20 02 00 05") && rig_closed(fd, 5.0));
        close(fd);
    }
    CHECK(rig_now_s() - start > 0.25 + 0.5); /* half of 0.5 and of 1 s at least */
    int fd = greet(&p, false);
    CHECK(fd >= 0 && figures_of(&p).losses >= 3);
    close(fd);
    end(&p);
}

TEST(a_subscription_that_is_refused_is_counted)
{
    struct play p;
    CHECK(begin(&p, JOURNAL_SYNC_OS, options));
    int fd = answer_call(&p);
    CHECK(fd >= 0 && rig_hears(fd, "10 * <MQTT> 04 00 003c <me>") && rig_say(fd, "20 02 00 00"));
    CHECK(rig_hears(fd, "82 * 00 .. <plant/#> 01") && rig_say(fd, "90 03 0001 80"));
    CHECK(rig_say(fd, "32 * <plant/a> 0001 'x'") && rig_hears(fd, "40 02 0001"));
    CHECK(figures_of(&p).subscriptions_refused == 1);
    close(fd);
    end(&p);
}

static andon_status opened(const struct broker_options *wrong, andon_error *err)
{
    struct broker *broker = NULL;
    err->text[0] = 0;
    andon_status st = broker_open(wrong, NULL, &broker, err);
    broker_close(st == ANDON_OK ? broker : NULL);
    return st;
}

TEST(what_is_wrong_with_an_address_is_said_without_secrets)
{
    static const char *const wrong[] = {"",
                                        "http://h",
                                        "mqtt://",
                                        "mqtt://h:0",
                                        "mqtt://h:99999",
                                        "mqtt://h:1x",
                                        "mqtt://@h",
                                        "mqtt://h/path",
                                        "mqtt://[::1",
                                        "mqtt://ann:hush@h"};
    static const char *const right[] = {"mqtt://h", "mqtts://h", "mqtt://ann@h:1",
                                        "mqtt://[::1]:1883", "mqtt://h/"};
    andon_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_SAY(opened(&(struct broker_options){.url = wrong[i]}, &err) == ANDON_EINVAL, "%s",
                  wrong[i]);
        CHECK(strstr(err.text, "expected") != NULL && strstr(err.text, "hush") == NULL);
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK_SAY(opened(&(struct broker_options){.url = right[i]}, &err) == ANDON_OK, "%s",
                  right[i]);
}

TEST(options_that_do_not_fit_are_refused)
{
    static const char *const bad_filter[] = {"a/#/b"};
    andon_error err;
    CHECK(opened(&(struct broker_options){.url = "mqtt://h", .qos = 2}, &err) == ANDON_EINVAL);
    CHECK(opened(&(struct broker_options){.url = "mqtt://h", .topic = bad_filter, .topics = 1},
                 &err) == ANDON_EINVAL);
    CHECK(opened(&(struct broker_options){.url = "mqtts://h", .cert_file = "/dev/null"}, &err) ==
          ANDON_EINVAL);
    CHECK(opened(&(struct broker_options){.url = "mqtts://h", .ca_file = "/no/such"}, &err) ==
          ANDON_EIO);
    CHECK(opened(&(struct broker_options){.url = "mqtt://a@h", .password_file = "/no/such"},
                 &err) == ANDON_EIO);
    CHECK(
        opened(&(struct broker_options){.url = "mqtt://a@h", .password_variable = "ANDON_NO_SUCH"},
               &err) == ANDON_EINVAL);
}

TEST(a_password_comes_from_a_file_the_environment_or_a_configuration)
{
    char path[] = "/tmp/andon-password-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, "hush\nignored\n", 13) == 13);
    close(file);
    setenv("ANDON_TEST_PASSWORD", "quiet", 1);
    for (int i = 0; i < 3; i++) {
        struct play p;
        struct broker_options o = options;
        o.url = i == 2 ? "bob@" : "ann@"; /* in front of the host */
        if (i == 0) o.password_file = path;
        if (i == 1) o.password_variable = "ANDON_TEST_PASSWORD";
        if (i == 2) o.user = "ann";
        if (i == 2) o.password = "quiet";
        CHECK(begin(&p, JOURNAL_SYNC_OS, o));
        int fd = answer_call(&p);
        CHECK(fd >= 0);
        CHECK(rig_hears(fd, "10 * <MQTT> 04 c0 003c <me> <ann> <%s>", i == 0 ? "hush" : "quiet"));
        close(fd);
        end(&p);
    }
    andon_error err;
    struct broker_options nobody = {.url = "mqtt://h", .password_file = path};
    CHECK(opened(&nobody, &err) == ANDON_EINVAL && strstr(err.text, "user name") != NULL);
    CHECK(truncate(path, 0) == 0);
    nobody.url = "mqtt://ann@h";
    CHECK(opened(&nobody, &err) == ANDON_EINVAL);
    unlink(path);
}
