/* Invariants:
 *   1. a line goes out in one write, so lines of several threads or processes never mix.
 *   2. of one event (room and name) at most BURST lines a second go out, of the same line one; how
 *      many were held back is said with the first line that goes out after that second.
 *   3. what is printed is one line of valid UTF-8, whatever bytes the caller's values hold.
 * A lock guards all of it: logging is rare. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { TEXT_ROOM = 1024, LINE_ROOM = 8 * TEXT_ROOM, EVENTS = 64, BURST = 20 };
#define SECOND_NS INT64_C(1000000000)

struct event { /* what was said of late; a slot is taken over by another event once it is old */
    uint64_t name, line; /* hashes */
    int64_t since_ns;
    uint32_t said, held;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level least = LOG_INFO;
static bool as_json;
static struct event events[EVENTS];

struct line {
    char text[LINE_ROOM]; /* an escape is at most six bytes, so all of a text finds room */
    size_t used;
};

void log_settings(enum log_level level, bool json)
{
    least = level;
    as_json = json;
}

static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text != 0; text++) h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

/* Room and event are short words of ours; should they not be, the line is cut. */
static void put(struct line *l, const char *text, size_t bytes)
{
    size_t room = sizeof l->text - 64 - l->used;
    if (bytes > room) bytes = room;
    memcpy(l->text + l->used, text, bytes);
    l->used += bytes;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* Bytes that would end the line, or are no text, as escapes. Quotes only inside JSON. */
static void put_escaped(struct line *l, const char *text, size_t bytes)
{
    char escape[16];
    for (size_t i = 0; i < bytes;) {
        uint32_t c;
        size_t n = utf8_next(text + i, bytes - i, &c);
        if (c < 0x20 || c == 0x7f || n == 0) {
            snprintf(escape, sizeof escape, as_json ? "\\u%04x" : "\\x%02x",
                     as_json && n == 0 ? 0xfffd : c);
            put_text(l, escape);
            n = 1;
        } else {
            if (as_json && (c == '"' || c == '\\')) put(l, "\\", 1);
            put(l, text + i, n);
        }
        i += n;
    }
}

static void put_time(struct line *l, int64_t ns)
{
    char text[40];
    struct tm tm;
    time_t s = (time_t)(ns / SECOND_NS);
    gmtime_r(&s, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(ns % SECOND_NS / NS_PER_MS));
    put_text(l, text);
}

static void put_member(struct line *l, const char *key, size_t key_bytes, const char *value,
                       size_t bytes)
{
    put_text(l, ",\"");
    put_escaped(l, key, key_bytes);
    put_text(l, "\":\"");
    put_escaped(l, value, bytes);
    put_text(l, "\"");
}

/* Cuts key=value and key="value with blanks" off the front of *text; false: it is no such pair. */
static bool pair(const char **text, const char **key, size_t *key_bytes, const char **value,
                 size_t *bytes)
{
    *key = *text + strspn(*text, " ");
    *key_bytes = strcspn(*key, " =\"");
    if (*key_bytes == 0 || (*key)[*key_bytes] != '=') return false;
    *value = *key + *key_bytes + 1;
    bool quoted = **value == '"';
    if (quoted) ++*value;
    *bytes = strcspn(*value, quoted ? "\"" : " ");
    *text = *value + *bytes;
    if (quoted && **text == '"') ++*text;
    return true;
}

static void write_json(struct line *l, const char *level, const char *room, const char *event,
                       const char *text, uint32_t held)
{
    const char *key, *value;
    size_t key_bytes, bytes;
    put_text(l, "{\"ts\":\"");
    put_time(l, clock_wall_ns());
    put_text(l, "\"");
    put_member(l, "level", 5, level, strlen(level));
    put_member(l, "room", 4, room, strlen(room));
    put_member(l, "event", 5, event, strlen(event));
    while (pair(&text, &key, &key_bytes, &value, &bytes))
        put_member(l, key, key_bytes, value, bytes);
    text += strspn(text, " ");
    if (*text != 0) put_member(l, "text", 4, text, strlen(text));
    if (held > 0) l->used += (size_t)snprintf(l->text + l->used, 32, ",\"held_back\":%u", held);
    l->used += (size_t)snprintf(l->text + l->used, 32, "}\n");
}

static void write_text(struct line *l, const char *level, const char *room, const char *event,
                       const char *text, uint32_t held)
{
    const char *part[] = {" ", level, " ", room, " ", event, *text != 0 ? " " : ""};
    put_time(l, clock_wall_ns());
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) put_text(l, part[i]);
    put_escaped(l, text, strlen(text));
    if (held > 0) l->used += (size_t)snprintf(l->text + l->used, 32, " held_back=%u", held);
    l->used += (size_t)snprintf(l->text + l->used, 32, "\n");
}

/* Whether the line may go out; *held: how many of its event did not since the last one that did. */
static bool admit(uint64_t name, uint64_t line, uint32_t *held)
{
    int64_t now = clock_steady_ns();
    struct event *e = NULL;
    for (size_t i = 0; i < EVENTS && e == NULL; i++)
        if (events[i].name == name) e = &events[i];
    for (size_t i = 0; i < EVENTS && e == NULL; i++)
        if (events[i].name == 0 || now - events[i].since_ns >= SECOND_NS) e = &events[i];
    if (e == NULL) e = &events[name % EVENTS];
    *held = 0;
    if (e->name != name || now - e->since_ns >= SECOND_NS) {
        if (e->name == name) *held = e->held;
        *e = (struct event){name, line, now, 1, 0};
        return true;
    }
    if (e->line == line || e->said >= BURST) {
        e->held++;
        return false;
    }
    e->line = line;
    e->said++;
    return true;
}

void log_line(enum log_level level, const char *room, const char *event, const char *format, ...)
{
    static const char *const level_name[] = {"debug", "info", "warn", "error"};
    char text[TEXT_ROOM];
    struct line line;
    uint32_t held;
    if (level < least) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    uint64_t name = hash(hash(UINT64_C(0xcbf29ce484222325), room), event) | 1;
    pthread_mutex_lock(&lock);
    if (admit(name, hash(name + (uint64_t)level, text), &held)) {
        line.used = 0;
        (as_json ? write_json : write_text)(&line, level_name[level], room, event, text, held);
        /* Nobody is left to be told when the log itself cannot be written. */
        ssize_t written = write(STDERR_FILENO, line.text, line.used);
        (void)written;
    }
    pthread_mutex_unlock(&lock);
}
