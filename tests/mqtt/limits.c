/* Too much of everything: limits hold, the others are served on, and each refusal is counted. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counted.h"
#include "rig.h"
#include "test.h"

/* Reads and throws away what is there, or comes within wait_ms; how many bytes. */
static size_t swallow(int fd, int wait_ms)
{
    static char bytes[1 << 16];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t all = 0;
    while (poll(&p, 1, all == 0 ? wait_ms : 0) > 0) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) break;
        all += (size_t)got;
    }
    return all;
}

static struct endpoint_figures figures_of(struct rig *rig)
{
    struct endpoint_figures f;
    endpoint_figures(rig->endpoint, &f);
    return f;
}

TEST(five_thousand_connections_are_served)
{
    enum { CLIENTS = 5000 };
    static int fd[CLIENTS];
    struct rlimit files;
    struct rig rig;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < 2 * CLIENTS + 300) SKIP("fewer than 10,300 open files allowed");
    rig_open(&rig, NULL);
    files.rlim_cur = 2 * CLIENTS + 300;
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    for (int i = 0; i < CLIENTS; i++) {
        fd[i] = rig_dial(&rig);
        CHECK(rig_say(fd[i], "10 * <MQTT> 04 02 003c <device%d>", i));
    }
    for (int i = 0; i < CLIENTS; i++) CHECK(rig_hears(fd[i], "20 02 00 00"));
    CHECK(RIG_FIGURE_IS(&rig, connections, CLIENTS) && RIG_FIGURE_IS(&rig, sessions, CLIENTS));
    for (int i = 0; i < CLIENTS; i++) CHECK(rig_say(fd[i], "32 * <d/%d> 0001 '{\"v\":%d}'", i, i));
    for (int i = 0; i < CLIENTS; i++) CHECK(rig_hears(fd[i], "40 02 0001"));
    CHECK(rig_read(&rig) == CLIENTS);
    for (int i = 0; i < CLIENTS; i++) close(fd[i]);
    CHECK(RIG_FIGURE_IS(&rig, connections, 0) && RIG_FIGURE_IS(&rig, sessions, 0));
    rig_close(&rig);
}

TEST(a_connection_too_many_is_closed_and_the_others_stay)
{
    struct rig rig;
    struct endpoint_options options = {.connections_max = 3};
    rig_open(&rig, &options);
    int a = rig_connect(&rig, 4, "a", true), b = rig_connect(&rig, 4, "b", true);
    int c = rig_connect(&rig, 4, "c", true), d = rig_dial(&rig);
    CHECK(rig_closed(d, 2.0) && RIG_FIGURE_IS(&rig, connections_refused, 1));
    CHECK(rig_quiet(a) && rig_quiet(b) && rig_quiet(c));
    close(c);
    CHECK(RIG_FIGURE_IS(&rig, connections, 2));
    c = rig_connect(&rig, 4, "c", true);
    CHECK(rig_quiet(c));
    close(a);
    close(b);
    close(c);
    close(d);
    rig_close(&rig);
}

struct flood {
    const struct rig *rig;
    const char *name, *packet;
    size_t bytes;
    bool acknowledged; /* somebody reads the answers */
    bool done;
};

/* A device that sends as fast as it can. */
static void *flood(void *context)
{
    struct flood *f = context;
    static _Thread_local uint8_t packets[1 << 16];
    uint8_t one[1024];
    int fd = rig_connect(f->rig, 4, f->name, true);
    size_t size = script_bytes(f->packet, one, NULL, sizeof one), filled = 0;
    for (; filled + size <= sizeof packets; filled += size) memcpy(packets + filled, one, size);
    for (size_t sent = 0; sent < f->bytes; sent += filled) {
        if (!rig_send(fd, packets, filled)) break;
        if (f->acknowledged) swallow(fd, 0);
    }
    f->done = rig_say(fd, "e0 00");
    swallow(fd, 2000);
    close(fd);
    return NULL;
}

TEST(a_device_that_floods_does_not_keep_the_others_waiting)
{
    struct rig rig;
    pthread_t thread;
    rig_open(&rig, NULL);
    struct flood f = {
        &rig,  "flood", "30 * <flood> '{\"temperature\":1.5,\"vibration\":2.5}'", (size_t)64 << 20,
        false, false};
    int polite = rig_connect(&rig, 4, "polite", true);
    CHECK(pthread_create(&thread, NULL, flood, &f) == 0);
    for (int i = 1; i <= 50; i++)
        CHECK(rig_say(polite, "32 * <polite> %04x 'x'", i) && rig_hears(polite, "40 02 %04x", i));
    pthread_join(thread, NULL);
    CHECK(f.done && rig_quiet(polite));
    close(polite);
    rig_close(&rig);
}

TEST(a_reader_that_never_reads_loses_qos_0_and_the_others_lose_nothing)
{
    enum { MESSAGES = 40000 };
    struct rig rig;
    rig_open(&rig, NULL);
    int deaf = rig_connect(&rig, 4, "deaf", true), hears = rig_connect(&rig, 4, "hears", true);
    int pub = rig_connect(&rig, 4, "pub", true);
    CHECK(rig_say(deaf, "82 * 0001 <#> 00") && rig_hears(deaf, "90 03 0001 00"));
    CHECK(rig_say(hears, "82 * 0001 <#> 00") && rig_hears(hears, "90 03 0001 00"));
    char payload[201];
    memset(payload, 'x', 200);
    payload[200] = 0;
    size_t heard = 0, size = 2 + 1 + 3 + 200;
    for (int i = 0; i < MESSAGES / 100; i++) {
        for (int k = 0; k < 100; k++) CHECK(rig_say(pub, "30 * <a> '%s'", payload));
        while (heard < (size_t)(i + 1) * 100 * size) {
            size_t got = swallow(hears, 1000);
            CHECK(got > 0);
            heard += got;
        }
    }
    struct endpoint_figures f = figures_of(&rig);
    CHECK(heard == MESSAGES * size && f.dropped > MESSAGES / 2);
    CHECK(f.sent + f.dropped == 2 * MESSAGES && f.slow_closed == 0);
    CHECK(rig_quiet(pub));
    close(deaf);
    close(hears);
    close(pub);
    rig_close(&rig);
}

TEST(a_reader_of_qos_1_that_never_reads_is_closed)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int deaf = rig_connect(&rig, 4, "deaf", true), pub = rig_connect(&rig, 4, "pub", true);
    CHECK(rig_say(deaf, "82 * 0001 <#> 01") && rig_hears(deaf, "90 03 0001 01"));
    for (int i = 1; i <= 6000; i++) CHECK(rig_say(pub, "32 * <a> %04x 'some bytes'", i));
    for (int i = 1; i <= 6000; i++) CHECK(rig_hears(pub, "40 02 %04x", i));
    CHECK(RIG_FIGURE_IS(&rig, slow_closed, 1) && RIG_FIGURE_IS(&rig, connections, 1));
    close(deaf);
    close(pub);
    rig_close(&rig);
}

TEST(a_publisher_that_never_reads_its_answers_costs_nobody_anything)
{
    struct rig rig;
    struct pollfd p = {.events = POLLOUT};
    rig_open(&rig, NULL);
    int deaf = p.fd = rig_connect(&rig, 4, "deaf", true), other = rig_connect(&rig, 4, "o", true);
    static uint8_t packets[1 << 16];
    uint8_t one[64];
    size_t size = script_bytes("32 * <a> 0001 'x'", one, NULL, sizeof one), filled = 0;
    for (; filled + size <= sizeof packets; filled += size) memcpy(packets + filled, one, size);
    uint64_t sent = 0;
    while (poll(&p, 1, 500) > 0 && sent < (uint64_t)1 << 30) { /* until it is not read from */
        ssize_t put = send(deaf, packets, filled, MSG_DONTWAIT);
        if (put > 0) sent += (uint64_t)put;
    }
    CHECK(sent < (uint64_t)1 << 30);
    CHECK(rig_say(other, "32 * <b> 0001 'x'") && rig_hears(other, "40 02 0001"));
    uint64_t answers = 0; /* it reads after all: it goes on */
    while (answers < 4 * (sent / size)) {
        size_t got = swallow(deaf, 1000);
        CHECK(got > 0);
        answers += got;
    }
    CHECK(figures_of(&rig).slow_closed == 0);
    close(deaf);
    close(other);
    rig_close(&rig);
}

TEST(a_million_topics_are_journaled_and_65536_are_retained)
{
    enum { TOPICS = 1000000 };
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    char packets[100 * 32];
    for (int i = 0; i < TOPICS; i += 100) {
        char *at = packets;
        for (int k = i; k < i + 100; k++) {
            *at++ = 0x31;
            *at++ = 2 + 12 + 1;
            *at++ = 0;
            at += 1 + sprintf(at + 1, "topic/%06d", k);
            at[-13] = 12;
            *at++ = 'x';
        }
        CHECK(rig_send(fd, packets, (size_t)(at - packets)));
    }
    CHECK(rig_quiet(fd));
    CHECK(RIG_FIGURE_IS(&rig, received, TOPICS) && RIG_FIGURE_IS(&rig, retained, 65536));
    CHECK(RIG_FIGURE_IS(&rig, retained_refused, TOPICS - 65536));
    /* what andon says is kept all the same */
    CHECK(endpoint_say(rig.endpoint, TEXT("plant/state"), TEXT("NORMAL"), 0, true));
    CHECK(RIG_FIGURE_IS(&rig, retained, 65537));
    /* who subscribes to everything gets everything, at his own pace */
    CHECK(rig_say(fd, "82 * 0001 <#> 00") && rig_hears(fd, "90 03 0001 00"));
    size_t heard = 0, whole = (size_t)65536 * 17 + 2 + 2 + 11 + 6;
    while (heard < whole) {
        size_t got = swallow(fd, 2000);
        CHECK(got > 0);
        heard += got;
    }
    CHECK(heard == whole && rig_quiet(fd));
    close(fd);
    rig_close(&rig);
}

TEST(retained_messages_of_qos_1_come_as_fast_as_they_are_acknowledged)
{
    enum { TOPICS = 10000 };
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 4, "c", true);
    for (int i = 0; i < TOPICS; i++) CHECK(rig_say(fd, "33 * <t/%04d> %04x 'x'", i, i + 1));
    for (int i = 0; i < TOPICS; i++) CHECK(rig_hears(fd, "40 02 %04x", i + 1));
    CHECK(rig_say(fd, "82 * 0001 <t/+> 01") && rig_hears(fd, "90 03 0001 01"));
    for (int i = 0; i < TOPICS; i++) {
        CHECK(rig_hears(fd, "33 * <t/%04d> %04x 'x'", i, i + 1));
        CHECK(rig_say(fd, "40 02 %04x", i + 1));
    }
    CHECK(rig_quiet(fd));
    close(fd);
    rig_close(&rig);
}

TEST(halves_of_packets_have_a_limit_all_together)
{
    enum { CLIENTS = 200, BYTES = 600000 };
    static uint8_t half[BYTES];
    static int fd[CLIENTS];
    struct rig rig;
    rig_open(&rig, NULL);
    int other = rig_connect(&rig, 4, "other", true);
    for (int i = 0; i < CLIENTS; i++) { /* 600 kB each of a packet of a MiB: 64 MiB for all */
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        fd[i] = rig_connect(&rig, 4, name, true);
        if (!rig_say(fd[i], "30 f0 ff 3f <a>")) continue;
        (void)!rig_send(fd[i], half, sizeof half);
    }
    CHECK(rig_say(other, "32 * <b> 0001 'x'") && rig_hears(other, "40 02 0001"));
    struct endpoint_figures f = figures_of(&rig);
    CHECK_SAY(f.refused_room > CLIENTS / 2 && f.refused_room < CLIENTS - 50, "%d refused",
              (int)f.refused_room);
    for (int i = 0; i < CLIENTS; i++) close(fd[i]);
    CHECK(RIG_FIGURE_IS(&rig, connections, 1));
    fd[0] = rig_connect(&rig, 4, "c0", true); /* there is room again */
    CHECK(rig_say(fd[0], "32 f0 ff 3f <a> 0001") && rig_send(fd[0], half, sizeof half));
    CHECK(rig_send(fd[0], half, 1048560 - 5 - BYTES) && rig_hears(fd[0], "40 02 0001"));
    close(fd[0]);
    close(other);
    rig_close(&rig);
}

/* Sends QoS 0 to a subscriber that does not read until some of it is lost. */
static bool fill_up(struct rig *rig, int deaf, int pub)
{
    char payload[1001];
    memset(payload, 'x', 1000);
    payload[1000] = 0;
    if (!rig_say(deaf, "82 * 0001 <#> 00") || !rig_hears(deaf, "90 03 0001 00")) return false;
    for (int i = 0; i < 100000 && figures_of(rig).dropped == 0; i++)
        if (!rig_say(pub, "30 * <a> '%s'", payload)) return false;
    return figures_of(rig).dropped > 0;
}

TEST(who_does_not_greet_in_ten_seconds_or_takes_nothing_for_thirty_is_closed)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int deaf = rig_connect(&rig, 4, "deaf", true), pub = rig_connect(&rig, 4, "pub", true);
    CHECK(fill_up(&rig, deaf, pub));
    int silent = rig_dial(&rig), half = rig_dial(&rig);
    CHECK(rig_say(half, "10 ff 01 <MQTT>"));
    double start = rig_now_s();
    CHECK(rig_closed(silent, 15.0) && rig_closed(half, 5.0) && rig_now_s() - start > 9.0);
    CHECK(RIG_FIGURE_IS(&rig, greeting_closed, 2) && figures_of(&rig).slow_closed == 0);
    CHECK(RIG_FIGURE_IS(&rig, slow_closed, 1) && rig_now_s() - start > 28.0 && rig_quiet(pub));
    close(deaf);
    close(pub);
    close(silent);
    close(half);
    rig_close(&rig);
}

TEST(many_that_do_not_read_leave_room_for_those_who_do)
{
    enum { DEAF = 300 };
    static int fd[DEAF];
    char payload[8001];
    struct rig rig;
    rig_open(&rig, NULL);
    memset(payload, 'x', 8000);
    payload[8000] = 0;
    int small = 4096;
    for (int i = 0; i < DEAF; i++) {
        char name[16];
        snprintf(name, sizeof name, "deaf%d", i);
        fd[i] = rig_connect(&rig, 4, name, true);
        setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        CHECK(rig_say(fd[i], "82 * 0001 <a> 00") && rig_hears(fd[i], "90 03 0001 00"));
    }
    int pub = rig_connect(&rig, 4, "pub", true), sub = rig_connect(&rig, 4, "sub", true);
    CHECK(rig_say(sub, "82 * 0001 <a> 00") && rig_hears(sub, "90 03 0001 00"));
    for (int i = 1; i <= 200; i++) { /* 300 x 1.6 MB */
        CHECK(rig_say(pub, "32 * <a> %04x '%s'", i, payload) && rig_hears(pub, "40 02 %04x", i));
        CHECK(rig_hears(sub, "30 * <a> '%s'", payload));
    }
    struct endpoint_figures f = figures_of(&rig);
    CHECK(f.dropped > 0 && f.slow_closed == 0 && f.connections == DEAF + 2);
    CHECK(f.sent + f.dropped == 200 * (DEAF + 1));
    for (int i = 0; i < DEAF; i++) close(fd[i]);
    close(pub);
    close(sub);
    rig_close(&rig);
}

TEST(when_files_run_out_connections_are_refused_and_the_loop_rests)
{
    struct rig rig;
    struct rlimit before, few;
    rig_open(&rig, NULL);
    int ok = rig_connect(&rig, 4, "ok", true);
    int probe = dup(ok);
    CHECK(probe >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    close(probe);
    few = before;
    few.rlim_cur = (rlim_t)probe + 1; /* one more file: the client's end */
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int refused = rig_dial(&rig);
    bool closed = rig_closed(refused, 5.0);
    bool quiet = rig_quiet(ok);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(closed && quiet && figures_of(&rig).connections_refused == 1);
    int again = rig_connect(&rig, 4, "again", true);
    CHECK(rig_quiet(again));
    close(ok);
    close(refused);
    close(again);
    rig_close(&rig);
}

struct speaker {
    struct rig *rig;
    uint32_t said, refused;
};

static void *speak(void *context)
{
    struct speaker *s = context;
    for (int i = 0; i < 20000; i++) {
        bool put = endpoint_say(s->rig->endpoint, TEXT("said"), TEXT("by a thread"), 0, i % 7 == 0);
        s->said += put;
        s->refused += !put;
    }
    return NULL;
}

TEST(any_thread_may_say_something)
{
    struct rig rig;
    pthread_t thread[4];
    rig_open(&rig, NULL);
    struct speaker speaker[4];
    int fd = rig_connect(&rig, 4, "c", true), pub = rig_connect(&rig, 4, "p", true);
    CHECK(rig_say(fd, "82 * 0001 <said> 00") && rig_hears(fd, "90 03 0001 00"));
    for (int i = 0; i < 4; i++) {
        speaker[i] = (struct speaker){&rig, 0, 0};
        CHECK(pthread_create(&thread[i], NULL, speak, &speaker[i]) == 0);
    }
    for (int i = 1; i <= 200; i++)
        CHECK(rig_say(pub, "32 * <a> %04x 'x'", i) && rig_hears(pub, "40 02 %04x", i));
    uint64_t said = 0, refused = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
        said += speaker[i].said;
        refused += speaker[i].refused;
    }
    CHECK(said + refused == 80000 && said > 0);
    CHECK(RIG_FIGURE_IS(&rig, said, said));
    struct endpoint_figures f = figures_of(&rig);
    CHECK(f.sent + f.dropped - refused == said);
    close(fd);
    close(pub);
    rig_close(&rig);
}

TEST(a_mebibyte_waits_to_be_said_and_no_more)
{
    struct journal *journal = NULL;
    struct endpoint *endpoint = NULL;
    struct endpoint_options options = {.listen = "127.0.0.1:0"};
    struct endpoint_figures f;
    andon_error err;
    CHECK(endpoint_open(&options, journal, &endpoint, &err) == ANDON_OK);
    char payload[1000] = {0};
    uint32_t said = 0;
    while (said < 2000 && endpoint_say(endpoint, TEXT("a"), (struct text){payload, 1000}, 0, false))
        said++;
    CHECK(said > 1000 && said < 1049);
    endpoint_figures(endpoint, &f);
    CHECK(f.dropped == 1);
    endpoint_stop(endpoint); /* before it runs: it drains and returns */
    endpoint_run(endpoint);
    endpoint_figures(endpoint, &f);
    CHECK(f.said == said);
    endpoint_close(endpoint);
}

TEST(an_address_that_cannot_be_used_is_one_line)
{
    static const char *const wrong[] = {"",
                                        "1883",
                                        "127.0.0.1:",
                                        ":1883",
                                        "127.0.0.1:x",
                                        "192.0.2.1:1883",
                                        "no.such.host.invalid:1883"};
    struct endpoint *endpoint = NULL;
    andon_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct endpoint_options options = {.listen = wrong[i]};
        err.text[0] = 0;
        andon_status st = endpoint_open(&options, NULL, &endpoint, &err);
        CHECK_SAY(st == ANDON_EINVAL || st == ANDON_EIO, "%s", wrong[i]);
        CHECK_SAY(strstr(err.text, wrong[i]) != NULL, "%s: %s", wrong[i], err.text);
    }
    struct endpoint_options options = {.listen = "[::1]:0"};
    andon_status st = endpoint_open(&options, NULL, &endpoint, &err);
    if (st != ANDON_OK) SKIP("no IPv6 here");
    CHECK(endpoint_port(endpoint) != 0);
    endpoint_close(endpoint);
}

TEST(an_address_that_is_taken_is_one_line)
{
    struct rig rig;
    struct endpoint *endpoint = NULL;
    char listen[32];
    andon_error err;
    rig_open(&rig, NULL);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", endpoint_port(rig.endpoint));
    struct endpoint_options options = {.listen = listen};
    CHECK(endpoint_open(&options, rig.journal, &endpoint, &err) == ANDON_EIO);
    CHECK_SAY(strstr(err.text, "in use") != NULL, "%s", err.text);
    rig_close(&rig);
}

TEST(every_nth_allocation_of_the_start_may_fail)
{
    struct endpoint_options options = {.listen = "127.0.0.1:0"};
    struct endpoint *endpoint = NULL;
    andon_error err;
    uint64_t failed = 0;
    for (uint64_t nth = 1;; nth++) {
        err.text[0] = 0;
        counted_fail(nth);
        andon_status st = endpoint_open(&options, NULL, &endpoint, &err);
        bool reached = counted_failed();
        counted_fail(0);
        if (!reached) break;
        CHECK_SAY(st == ANDON_ENOMEM && err.text[0] != 0, "allocation %d", (int)nth);
        failed++;
    }
    CHECK(failed > 20);
    endpoint_close(endpoint);
}

TEST(the_path_of_a_message_allocates_nothing)
{
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = rig_connect(&rig, 5, "c", false), sub = rig_connect(&rig, 4, "s", false);
    CHECK(rig_say(sub, "82 * 0001 <#> 01") && rig_hears(sub, "90 03 0001 01"));
    counted_begin();
    for (int i = 1; i <= 1000; i++) {
        CHECK(rig_say(fd, "32 * <a/%d> %04x { 26 <k> <v> } '{\"t\":%d}'", i, i, i));
        CHECK(rig_hears(fd, "40 02 %04x", i));
        CHECK(rig_hears(sub, "32 * <a/%d> %04x '{\"t\":%d}'", i, i, i));
        CHECK(rig_say(sub, "40 02 %04x", i));
    }
    close(rig_connect(&rig, 4, "another", false));
    CHECK_SAY(counted_elsewhere() == 0, "%d allocations", (int)counted_elsewhere());
    close(fd);
    close(sub);
    rig_close(&rig);
}
