#include "rig.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { SCRIPT_BYTES = 1 << 17 };
#define PATIENCE_S 30.0 /* a sanitizer on a busy machine */

static void fail(const char *what)
{
    fprintf(stderr, "rig: %s\n", what);
    exit(1);
}

double rig_now_s(void)
{
    return 1e-9 * (double)clock_steady_ns();
}

static void *run(void *context)
{
    endpoint_run(context);
    return NULL;
}

void rig_open_synced(struct rig *rig, const struct endpoint_options *options,
                     enum journal_sync sync)
{
    andon_error err = {{0}};
    *rig = (struct rig){.dir = "/tmp/andon-mqtt-XXXXXX"};
    if (mkdtemp(rig->dir) == NULL) fail("no directory");
    struct journal_options kept = {.dir = rig->dir, .sync = sync};
    struct endpoint_options asked = options == NULL ? (struct endpoint_options){0} : *options;
    asked.listen = "127.0.0.1:0";
    if (journal_open(&kept, &rig->journal, &err) != ANDON_OK) fail(err.text);
    if (endpoint_open(&asked, rig->journal, &rig->endpoint, &err) != ANDON_OK) fail(err.text);
    rig->running = pthread_create(&rig->thread, NULL, run, rig->endpoint) == 0;
    if (!rig->running) fail("no thread");
}

void rig_open(struct rig *rig, const struct endpoint_options *options)
{
    rig_open_synced(rig, options, JOURNAL_SYNC_OS);
}

void rig_stop(struct rig *rig)
{
    if (!rig->running) return;
    endpoint_stop(rig->endpoint);
    pthread_join(rig->thread, NULL);
    rig->running = false;
}

static void forget(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->count; i++) free(rig->body[i]);
    free(rig->body);
    free(rig->message);
    rig->body = NULL;
    rig->message = NULL;
    rig->count = 0;
}

void rig_close(struct rig *rig)
{
    char command[128];
    rig_stop(rig);
    endpoint_close(rig->endpoint);
    journal_close(rig->journal);
    forget(rig);
    snprintf(command, sizeof command, "rm -rf %s", rig->dir);
    if (system(command) != 0) fail(command);
}

uint32_t rig_read(struct rig *rig)
{
    struct journal_cursor *cursor = NULL;
    struct journal_record r;
    andon_error err = {{0}};
    forget(rig);
    rig->message = calloc(RIG_MESSAGES_MAX, sizeof *rig->message);
    rig->body = calloc(RIG_MESSAGES_MAX, sizeof *rig->body);
    if (rig->message == NULL || rig->body == NULL) fail("no memory");
    if (journal_cursor_open(rig->journal, NULL, 0, &cursor, &err) != ANDON_OK) fail(err.text);
    while (rig->count < RIG_MESSAGES_MAX && journal_next(cursor, &r, &err) == 1) {
        if (r.type != JOURNAL_MESSAGE) continue;
        uint8_t *body = malloc(r.size + 1u);
        if (body == NULL) fail("no memory");
        memcpy(body, r.body, r.size);
        rig->body[rig->count] = body;
        if (!message_unpack(body, r.size, r.received_ns, &rig->message[rig->count++]))
            fail("a record that is no message");
    }
    journal_cursor_close(cursor);
    return rig->count;
}

uint32_t rig_count(struct rig *rig, const char *topic)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rig->count; i++) n += text_is(rig->message[i].topic, text_of(topic));
    return n;
}

int rig_dial(const struct rig *rig)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(endpoint_port(rig->endpoint))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) fail("cannot connect");
    return fd;
}

int rig_connect(const struct rig *rig, int version, const char *client, bool clean)
{
    int fd = rig_dial(rig);
    if (version == 4) {
        if (!rig_say(fd, "10 * <MQTT> 04 %02x 0000 <%s>", clean ? 2 : 0, client)) fail("CONNECT");
        if (!rig_hears(fd, "20 02 .. 00")) fail("CONNACK");
        return fd;
    }
    const char *expiry = clean ? "" : "11 00000e10";
    if (!rig_say(fd, "10 * <MQTT> 05 %02x 003c { %s } <%s>", clean ? 2 : 0, expiry, client) ||
        !rig_hears(fd, "20 * .. 00 { 21 0400 22 0040 27 00100000 2a 00 }"))
        fail("CONNACK 5");
    return fd;
}

/* One script on its way to bytes. */
struct reading {
    const char *at;
    uint8_t *bytes;
    bool *any;
    size_t size, room;
};

static void put(struct reading *r, uint8_t byte, bool any)
{
    if (r->size == r->room) fail("a script that is too long");
    if (r->any != NULL) r->any[r->size] = any;
    r->bytes[r->size++] = byte;
}

static void read_until(struct reading *r, char stop);

/* What follows, with its length in front. */
static void read_block(struct reading *r, char stop)
{
    struct reading inner = {.at = r->at, .room = SCRIPT_BYTES};
    inner.bytes = malloc(SCRIPT_BYTES);
    inner.any = calloc(SCRIPT_BYTES, sizeof *inner.any);
    if (inner.bytes == NULL || inner.any == NULL) fail("no memory");
    read_until(&inner, stop);
    r->at = inner.at;
    size_t length = inner.size;
    for (; length >= 128; length /= 128) put(r, (uint8_t)(length % 128 + 128), false);
    put(r, (uint8_t)length, false);
    for (size_t i = 0; i < inner.size; i++) put(r, inner.bytes[i], inner.any[i]);
    free(inner.bytes);
    free(inner.any);
}

static void read_text(struct reading *r, char stop, bool counted)
{
    const char *end = strchr(++r->at, stop);
    if (end == NULL) fail("a script with an open text");
    size_t length = (size_t)(end - r->at);
    if (counted) put(r, (uint8_t)(length >> 8), false);
    if (counted) put(r, (uint8_t)length, false);
    while (r->at < end) put(r, (uint8_t)*r->at++, false);
    r->at++;
}

static void read_byte(struct reading *r)
{
    char digits[3] = {r->at[0], r->at[0] == 0 ? 0 : r->at[1], 0};
    bool any = strcmp(digits, "..") == 0;
    if (!any && (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1])))
        fail(r->at);
    put(r, any ? 0 : (uint8_t)strtoul(digits, NULL, 16), any);
    r->at += 2;
}

/* Up to stop; what follows a * ends at |, where it stands itself in a sequence of packets. */
static void read_until(struct reading *r, char stop)
{
    for (;;) {
        char c = *r->at;
        if (c == stop || c == 0 || (stop == '|' && c == '|')) break;
        if (isspace((unsigned char)c) || c == '|')
            r->at++;
        else if (c == '\'')
            read_text(r, '\'', false);
        else if (c == '<')
            read_text(r, '>', true);
        else if (c == '*' || c == '{') {
            r->at++;
            read_block(r, c == '*' ? '|' : '}');
            if (c == '{' && *r->at++ != '}') fail("a script with an open block");
        } else
            read_byte(r);
    }
}

size_t script_bytes(const char *script, uint8_t *bytes, bool *any, size_t room)
{
    struct reading r = {.at = script, .bytes = bytes, .any = any, .room = room};
    read_until(&r, 0);
    return r.size;
}

bool rig_send(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put_now = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (put_now <= 0) return false;
        done += (size_t)put_now;
    }
    return true;
}

static size_t expand(uint8_t *bytes, bool *any, const char *script, va_list arguments)
{
    char *text = malloc(SCRIPT_BYTES);
    if (text == NULL) fail("no memory");
    if (vsnprintf(text, SCRIPT_BYTES, script, arguments) >= SCRIPT_BYTES) fail("a long script");
    size_t size = script_bytes(text, bytes, any, SCRIPT_BYTES);
    free(text);
    return size;
}

bool rig_say(int fd, const char *script, ...)
{
    static _Thread_local uint8_t bytes[SCRIPT_BYTES];
    va_list arguments;
    va_start(arguments, script);
    size_t size = expand(bytes, NULL, script, arguments);
    va_end(arguments);
    return rig_send(fd, bytes, size);
}

static ssize_t read_within(int fd, void *bytes, size_t size, double until_s)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    double left = until_s - rig_now_s();
    if (left <= 0.0 || poll(&p, 1, (int)(1000.0 * left) + 1) <= 0) return -1;
    return recv(fd, bytes, size, 0);
}

bool rig_reads(int fd, void *bytes, size_t size)
{
    double until_s = rig_now_s() + PATIENCE_S;
    for (size_t done = 0; done < size;) {
        ssize_t got = read_within(fd, (char *)bytes + done, size - done, until_s);
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static void print_bytes(const char *what, const uint8_t *bytes, size_t size)
{
    fprintf(stderr, "# %s:", what);
    for (size_t i = 0; i < size && i < 200; i++) fprintf(stderr, " %02x", bytes[i]);
    fprintf(stderr, "\n");
}

bool rig_hears(int fd, const char *script, ...)
{
    static _Thread_local uint8_t wanted[SCRIPT_BYTES], found[SCRIPT_BYTES];
    static _Thread_local bool any[SCRIPT_BYTES];
    double until_s = rig_now_s() + PATIENCE_S;
    va_list arguments;
    va_start(arguments, script);
    size_t size = expand(wanted, any, script, arguments), done = 0;
    va_end(arguments);
    bool same = true;
    while (done < size && same) {
        ssize_t got = read_within(fd, found + done, size - done, until_s);
        if (got <= 0) break;
        for (size_t i = done; i < done + (size_t)got; i++)
            same = same && (any[i] || wanted[i] == found[i]);
        done += (size_t)got;
    }
    if (same && done == size) return true;
    print_bytes("expected", wanted, size);
    print_bytes("heard", found, done);
    return false;
}

bool rig_closed(int fd, double seconds)
{
    uint8_t byte;
    errno = 0;
    double until_s = rig_now_s() + seconds;
    ssize_t got = read_within(fd, &byte, 1, until_s);
    if (got > 0) print_bytes("heard before the end", &byte, 1);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

bool rig_quiet(int fd)
{
    return rig_say(fd, "c0 00") && rig_hears(fd, "d0 00");
}

bool rig_becomes(bool (*holds)(void *context), void *context)
{
    double until_s = rig_now_s() + PATIENCE_S;
    while (!holds(context)) {
        if (rig_now_s() > until_s) return false;
        poll(NULL, 0, 2);
    }
    return true;
}

struct figure_wish {
    struct rig *rig;
    size_t offset;
    uint64_t value;
};

static bool figure_is(void *context)
{
    const struct figure_wish *wish = context;
    struct endpoint_figures f;
    uint64_t value;
    endpoint_figures(wish->rig->endpoint, &f);
    memcpy(&value, (const char *)&f + wish->offset, sizeof value);
    return value == wish->value;
}

bool rig_figure_is(struct rig *rig, size_t offset, uint64_t value)
{
    return rig_becomes(figure_is, &(struct figure_wish){rig, offset, value});
}
