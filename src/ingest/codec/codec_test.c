/* Every shape of payload with what must come of it: tests/payloads. What a fixture's .expected
 * says: lines about the message, "--", the status, and every sample, reading, refusal and counter.
 */
#include "ingest/codec/codec_case.h"

#include <dirent.h>
#include <stdarg.h>

#include "base/zone.h"
#include "ingest/timestamp.h"
#include "test.h"

enum { TEXT_ROOM = 1 << 16, NAMES = 256 };

/* What was decoded, as text. */
struct page {
    char *text; /* text[TEXT_ROOM] */
    size_t used;
};

static void __attribute__((format(printf, 2, 3))) say(struct page *p, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(p->text + p->used, TEXT_ROOM - p->used, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= TEXT_ROOM - p->used) abort();
    p->used += (size_t)n;
}

static void say_reading(struct page *p, const struct reading *r)
{
    say(p, "  %.*s ", (int)r->channel.length, r->channel.at);
    if (r->kind == READING_NUMBER)
        say(p, "number %.17g", r->number);
    else if (r->kind == READING_FLAG)
        say(p, "flag %d", (int)r->number);
    else
        say(p, "text \"%.*s\"", (int)r->text.length, r->text.at);
    say(p, "%s%s%s\n", (r->quality & QUALITY_UNCERTAIN) != 0 ? " uncertain" : "",
        (r->quality & QUALITY_BAD) != 0 ? " bad" : "",
        (r->quality & QUALITY_STALE) != 0 ? " stale" : "");
}

static void say_decoded(struct page *p, const struct bench *b)
{
    const struct decoded *out = &b->out;
    say(p, "%s%s%s\n", andon_status_name(b->status), b->status == ANDON_OK ? "" : " ",
        b->status == ANDON_OK ? "" : b->err.text);
    for (uint32_t i = 0; i < out->samples; i++) {
        const struct sample *s = &out->sample[i];
        char time[TIMESTAMP_ROOM];
        timestamp_write(time, s->ts_ns);
        say(p, "sample %u %.*s %s%s", s->index, (int)s->asset.length, s->asset.at, time,
            s->ts_given ? "" : " arrival");
        if (s->item.length > 0) say(p, " item=%.*s", (int)s->item.length, s->item.at);
        if (s->sequence_given) say(p, " seq=%llu", (unsigned long long)s->sequence);
        say(p, "\n");
        for (uint32_t k = 0; k < s->count; k++) say_reading(p, &out->reading[s->first + k]);
    }
    for (uint32_t i = 0; i < out->refusals && i < CODEC_REFUSALS_MAX; i++)
        say(p, "refused %u %s\n", out->refusal[i].index, out->refusal[i].reason);
    if (out->nulls > 0) say(p, "nulls %u\n", out->nulls);
    if (out->repeated > 0) say(p, "repeated %u\n", out->repeated);
}

/* The fixtures */
struct fixture {
    char name[128];
    char *payload, *expected; /* expected: 0-terminated, behind "--" */
    uint32_t payload_bytes;
    char topic[256], user[64], client[64];
    struct zone *zone;
    uint8_t door, flags;
    bool aliases;
};

static const char *folder(void)
{
    static char path[512];
    const char *root = getenv("ANDON_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/payloads", root != NULL ? root : ".");
    return path;
}

static char *file_text(const char *name, const char *end, uint32_t *bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s%s", folder(), name, end);
    FILE *f = fopen(path, "rb");
    char *text = calloc(TEXT_ROOM, 1);
    if (f == NULL || text == NULL) abort();
    *bytes = (uint32_t)fread(text, 1, TEXT_ROOM - 1, f);
    fclose(f);
    return text;
}

static uint8_t door_named(const char *name)
{
    static const char *const names[] = {"",     "mqtt",        "broker", "native",
                                        "line", "thingsboard", "file"};
    for (uint8_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return i;
    abort();
}

static void fixture_line(struct fixture *f, const char *key, const char *value)
{
    andon_error err;
    if (strcmp(key, "door") == 0)
        f->door = door_named(value);
    else if (strcmp(key, "topic") == 0)
        snprintf(f->topic, sizeof f->topic, "%s", value);
    else if (strcmp(key, "user") == 0)
        snprintf(f->user, sizeof f->user, "%s", value);
    else if (strcmp(key, "client") == 0)
        snprintf(f->client, sizeof f->client, "%s", value);
    else if (strcmp(key, "aliases") == 0)
        f->aliases = strcmp(value, "yes") == 0;
    else if (strcmp(key, "flags") == 0 && strcmp(value, "will") == 0)
        f->flags = MESSAGE_WILL;
    else if (strcmp(key, "zone") != 0)
        abort();
    else if (zone_open(value, &f->zone, &err) != ANDON_OK)
        f->zone = NULL;
}

static struct fixture *fixture_open(const char *name)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t bytes;
    if (f == NULL) abort();
    snprintf(f->name, sizeof f->name, "%s", name);
    f->aliases = true;
    f->payload = file_text(name, ".payload", &f->payload_bytes);
    f->expected = file_text(name, ".expected", &bytes);
    char *line = f->expected, *stop;
    for (; (stop = strchr(line, '\n')) != NULL && strncmp(line, "--\n", 3) != 0; line = stop + 1) {
        *stop = 0;
        char *value = strchr(line, ' ');
        if (value == NULL) abort();
        *value++ = 0;
        fixture_line(f, line, value);
    }
    if (stop == NULL) abort();
    memmove(f->expected, stop + 1, strlen(stop + 1) + 1);
    return f;
}

static void fixture_close(struct fixture *f)
{
    zone_close(f->zone);
    free(f->payload);
    free(f->expected);
    free(f);
}

static void fixture_decode(const struct fixture *f, struct bench *b, struct text payload)
{
    b->message.door = f->door;
    b->message.flags = f->flags;
    b->message.user = text_of(f->user);
    b->message.client = text_of(f->client);
    b->rules.aliases = f->aliases;
    b->rules.zone = f->zone;
    decode(b, f->topic, payload);
}

/* names[NAMES][128], sorted; how many. */
static uint32_t fixture_names(char names[][128])
{
    uint32_t n = 0;
    DIR *dir = opendir(folder());
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".payload") != 0 || n == NAMES) continue;
        snprintf(names[n++], 128, "%.*s", (int)(dot - entry->d_name), entry->d_name);
    }
    if (dir != NULL) closedir(dir);
    qsort(names, n, 128, (int (*)(const void *, const void *))strcmp);
    return n;
}

/* The line in which two texts differ first. */
static const char *first_difference(const char *a, const char *b, char *room, size_t size)
{
    const char *line = a;
    for (; *a == *b && *a != 0; a++, b++)
        if (*a == '\n') line = a + 1;
    snprintf(room, size, "%.*s", (int)strcspn(line, "\n"), line);
    return room;
}

TEST(every_payload_becomes_what_its_fixture_says)
{
    static char names[NAMES][128];
    uint32_t n = fixture_names(names);
    CHECK_SAY(n >= 40, "%u fixtures in %s", n, folder());
    struct bench *b = bench_new();
    struct page page = {calloc(TEXT_ROOM, 1), 0};
    bool good = page.text != NULL;
    for (uint32_t i = 0; good && i < n; i++) {
        struct fixture *f = fixture_open(names[i]);
        char line[256];
        fixture_decode(f, b, (struct text){f->payload, f->payload_bytes});
        page.used = 0;
        say_decoded(&page, b);
        good = strcmp(page.text, f->expected) == 0;
        if (!good)
            test_fail(__FILE__, __LINE__, "%s: %s", names[i],
                      first_difference(page.text, f->expected, line, sizeof line));
        fixture_close(f);
    }
    free(page.text);
    bench_free(b);
}

static bool says_one_line(const struct bench *b)
{
    if (b->status != ANDON_OK && (b->err.text[0] == 0 || strpbrk(b->err.text, "\n\r") != NULL))
        return false;
    for (uint32_t i = 0; i < b->out.refusals && i < CODEC_REFUSALS_MAX; i++)
        if (b->out.refusal[i].reason[0] == 0 || strpbrk(b->out.refusal[i].reason, "\n\r") != NULL)
            return false;
    return true;
}

TEST(a_payload_cut_anywhere_is_read_or_refused_in_one_line)
{
    static char names[NAMES][128];
    uint32_t n = fixture_names(names), wrong = 0;
    struct bench *b = bench_new();
    for (uint32_t i = 0; i < n; i++) {
        struct fixture *f = fixture_open(names[i]);
        for (uint32_t cut = 0; cut < f->payload_bytes; cut++) {
            char *copy = exact_copy(f->payload, cut);
            fixture_decode(f, b, (struct text){copy, cut});
            wrong += !says_one_line(b);
            wrong +=
                b->status != ANDON_OK && b->out.samples + b->out.readings + b->out.refusals > 0;
            free(copy);
        }
        fixture_close(f);
    }
    bench_free(b);
    CHECK_SAY(wrong == 0, "%u", wrong);
}

TEST(what_was_decoded_before_changes_nothing)
{
    static char names[NAMES][128];
    uint32_t n = fixture_names(names);
    struct bench *b = bench_new();
    struct page once = {calloc(TEXT_ROOM, 1), 0}, again = {calloc(TEXT_ROOM, 1), 0};
    bool good = once.text != NULL && again.text != NULL;
    for (uint32_t i = 0; good && i < n; i++) {
        struct fixture *f = fixture_open(names[i]), *other = fixture_open(names[(i * 7 + 3) % n]);
        struct text payload = {f->payload, f->payload_bytes};
        once.used = again.used = 0;
        fixture_decode(f, b, payload);
        say_decoded(&once, b);
        fixture_decode(other, b, (struct text){other->payload, other->payload_bytes});
        fixture_decode(f, b, payload);
        say_decoded(&again, b);
        good = strcmp(once.text, again.text) == 0;
        if (!good) test_fail(__FILE__, __LINE__, "%s", names[i]);
        fixture_close(f);
        fixture_close(other);
    }
    free(once.text);
    free(again.text);
    bench_free(b);
}
