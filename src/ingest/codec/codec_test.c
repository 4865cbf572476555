/* Every shape of payload with what must come of it: tests/payloads. What a fixture's .expected
 * says: lines about the message, "--", the status, and every sample, reading, refusal and counter.
 */
#include "ingest/codec/codec.h"

#include <dirent.h>
#include <stdarg.h>

#include "andon/rng.h"
#include "base/zone.h"
#include "ingest/timestamp.h"
#include "test.h"

enum { READINGS = 4096, SAMPLES = 256, ROOM = 1 << 16, TEXT_ROOM = 1 << 16, NAMES = 256 };
#define ARRIVAL INT64_C(1717200000000000000)

struct bench { /* a decoder with all it needs */
    struct message message;
    struct codec_rules rules;
    struct decoded out;
    andon_status status;
    andon_error err;
};

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    if (b == NULL) abort();
    b->out = (struct decoded){.reading = calloc(READINGS, sizeof(struct reading)),
                              .sample = calloc(SAMPLES, sizeof(struct sample)),
                              .room = calloc(ROOM, 1),
                              .readings_max = READINGS,
                              .samples_max = SAMPLES,
                              .room_max = ROOM};
    b->message = (struct message){.door = MESSAGE_MQTT, .received_ns = ARRIVAL};
    b->rules.aliases = true;
    if (b->out.reading == NULL || b->out.sample == NULL || b->out.room == NULL) abort();
    return b;
}

static void bench_free(struct bench *b)
{
    free(b->out.reading);
    free(b->out.sample);
    free(b->out.room);
    free(b);
}

static andon_status decode(struct bench *b, const char *topic, struct text payload)
{
    b->message.topic = text_of(topic);
    b->message.payload = payload;
    b->status = codec_decode(&b->message, &b->rules, &b->out, &b->err);
    return b->status;
}

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

/* A copy without a byte behind it. */
static char *exact_copy(const char *text, uint32_t length)
{
    char *copy = malloc(length + (length == 0));
    if (copy == NULL) abort();
    memcpy(copy, text, length);
    return copy;
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

/* Malformed input of every kind. */
static const struct {
    uint8_t door;
    const char *topic, *payload, *says;
} malformed[] = {
    {MESSAGE_MQTT, "a/b", "", "an empty payload: expected readings"},
    {MESSAGE_MQTT, "a/b", " \r\n", "an empty payload: expected readings"},
    {MESSAGE_MQTT, "a/b", "{", "JSON, byte 2: expected a key in quotes, found the end"},
    {MESSAGE_MQTT, "a/b", "{}",
     "no values: expected a key and a value such as {\"temperature\":45.1}"},
    {MESSAGE_MQTT, "a/b", "{\"ts\":1717156800}",
     "no values: expected a key and a value such as {\"temperature\":45.1}"},
    {MESSAGE_MQTT, "a/b", "{\"a\" 1}", "JSON, byte 6: expected ':' behind the key, found '1'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":}", "JSON, byte 6: expected a value, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1,}", "JSON, byte 8: expected a key in quotes, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1 \"b\":2}", "JSON, byte 8: expected ',' or '}', found '\"'"},
    {MESSAGE_MQTT, "a/b", "{a:1}", "JSON, byte 2: expected a key in quotes, found 'a'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":01}",
     "JSON, byte 7: expected no digit behind a leading zero, found '1'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1.}",
     "JSON, byte 8: expected a digit behind the point, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":.5}", "JSON, byte 6: expected a value, found '.'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1e}",
     "JSON, byte 8: expected a digit in the exponent, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":-}", "JSON, byte 7: expected a digit, found '}'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":+1}", "JSON, byte 6: expected a value, found '+'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":tru}", "JSON, byte 6: expected a value, found 't'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"x}",
     "JSON, byte 9: expected the string's closing quote, found the end"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\x\"}",
     "JSON, byte 8: expected one of \"\\/bfnrtu behind a backslash, found 'x'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\u12g4\"}",
     "JSON, byte 9: expected four hexadecimal digits behind \\u, found '1'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\ud800\"}",
     "JSON, byte 7: expected a pair of surrogates, found '\\'"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\xC3(\"}", "JSON, byte 7: expected UTF-8, found byte 0xc3"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\x01\"}",
     "JSON, byte 7: expected no control byte inside a string, found byte 0x01"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1}}", "JSON, byte 8: expected nothing more, found '}'"},
    {MESSAGE_MQTT, "a/b", "[{\"a\":1},", "JSON, byte 10: expected a value, found the end"},
    {MESSAGE_MQTT, "a/b", "[]", "an empty array: expected an array of objects"},
    {MESSAGE_MQTT, "a/b", "[1,{\"a\":1}]",
     "element 1 of an array of values: expected no array or object"},
    {MESSAGE_MQTT, "a/b", "\x80\x81",
     "'\x80\x81': expected JSON, CSV, line protocol or a text in UTF-8"},
    {MESSAGE_MQTT, "a/b", "\"x",
     "JSON, byte 3: expected the string's closing quote, found the end"},
    {MESSAGE_MQTT, "a/b", "{\"ts\":\"yesterday\",\"a\":1}",
     "key 'ts': 'yesterday' is no time, expected a time such as 2024-05-31T12:00:00Z or epoch "
     "seconds"},
    {MESSAGE_MQTT, "a/b", "{\"Timestamp\":true,\"a\":1}",
     "key 'Timestamp': 'true' is no time, expected a time such as 2024-05-31T12:00:00Z or epoch "
     "seconds"},
    {MESSAGE_MQTT, "a/b", "{\"\":1}", "a key without a name"},
    {MESSAGE_MQTT, "a/b", "{\"a\\nb\":1}", "key 'a?b': expected a name without control bytes"},
    {MESSAGE_MQTT, "a/b", "{\"a\":12345678901234567890}",
     "channel 'a': 12345678901234567890 is beyond 2^53 and no double holds it exactly"},
    {MESSAGE_MQTT, "a/b", "{\"a\":1e999}", "channel 'a': 1e999 is no finite double"},
    {MESSAGE_MQTT, "a/b", "{\"a\":-Infinity}", "channel 'a': -Infinity is no finite double"},
    {MESSAGE_MQTT, "a/b", "{\"a\":\"\\u0000\"}",
     "channel 'a': expected a text of at most 1024 bytes and no 0 in it"},
    {MESSAGE_MQTT, "a/#", "{\"a\":1}",
     "asset 'a/#': expected UTF-8 without '+', '#' and control bytes"},
    {MESSAGE_MQTT, "a/b\x01", "{\"a\":1}",
     "asset 'a/b?': expected UTF-8 without '+', '#' and control bytes"},
    {MESSAGE_MQTT, "///", "{\"a\":1}", "no asset: expected a path such as site/line/pump1"},
    {MESSAGE_MQTT, "", "1", "no asset: expected a path such as site/line/pump1"},
    {MESSAGE_MQTT, "v1/devices/me/telemetry", "{\"a\":1}",
     "no device: expected its access token as user name"},
    {MESSAGE_MQTT, "v1/devices/me/attributes", "{\"a\":1}",
     "topic 'v1/devices/me/attributes' carries no telemetry: expected readings"},
    {MESSAGE_MQTT, "v1/gateway/telemetry", "[1]",
     "JSON, byte 1: expected an object of devices, found '['"},
    {MESSAGE_MQTT, "spBv1.0/g/NDATA/n", "\x08\x01",
     "topic 'spBv1.0/g/NDATA/n' carries Sparkplug B: expected readings"},
    {MESSAGE_MQTT, "acme/p1/_anomaly/verdict", "{\"a\":1}",
     "topic 'acme/p1/_anomaly/verdict' carries andon's own verdicts: expected readings"},
    {MESSAGE_NATIVE, "", "45", "'45': expected a JSON object or an array of objects"},
    {MESSAGE_NATIVE, "", "{\"asset\":5,\"values\":{\"a\":1}}",
     "key 'asset': expected a text such as \"site/line/pump1\""},
    {MESSAGE_NATIVE, "", "{\"asset\":\"a\",\"quality\":\"fair\",\"values\":{\"a\":1}}",
     "key 'quality': 'fair', expected good, uncertain, bad or stale"},
    {MESSAGE_NATIVE, "", "{\"values\":{\"a\":1}}",
     "no asset: expected a path such as site/line/pump1"},
    {MESSAGE_LINE, "ns", "# nothing\n", "no line: expected measurement field=value"},
    {MESSAGE_LINE, "h", "a b=1", "precision 'h': expected ns, us, ms or s"},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"data\":null}",
     "a CloudEvent without data: expected \"data\" or \"data_base64\""},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"data_base64\":\"e30*\"}",
     "data_base64, character 4: expected base64"},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"data_base64\":\"e3\"}",
     "CloudEvent data: JSON, byte 2: expected a key in quotes, found the end"},
    {MESSAGE_MQTT, "e", "{\"specversion\":\"1.0\",\"time\":\"soon\",\"data\":1}",
     "key 'time': 'soon' is no time, expected a time such as 2024-05-31T12:00:00Z or epoch "
     "seconds"},
};

TEST(malformed_messages_are_refused_with_what_where_and_expected)
{
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof malformed / sizeof *malformed; i++) {
        uint32_t length = (uint32_t)strlen(malformed[i].payload);
        char *copy = exact_copy(malformed[i].payload, length);
        b->message.door = malformed[i].door;
        decode(b, malformed[i].topic, (struct text){copy, length});
        good = b->status == ANDON_EDATA && strcmp(b->err.text, malformed[i].says) == 0;
        if (!good)
            test_fail(__FILE__, __LINE__, "%s: %s %s", malformed[i].payload,
                      andon_status_name(b->status), b->err.text);
        free(copy);
    }
    bench_free(b);
}

static const struct {
    const char *line, *says;
} bad_lines[] = {
    {"a", "line 1, byte 2: expected a blank and fields, found ''"},
    {"a ", "line 1, byte 2: expected a blank and fields, found ''"},
    {",t=1 b=2", "line 1, byte 1: expected a measurement, found ',t=1 b=2'"},
    {"a,=1 b=2", "line 1, byte 3: expected a tag's key, found '=1 b=2'"},
    {"a,t b=2", "line 1, byte 4: expected '=' behind a tag's key, found ' b=2'"},
    {"a,t= b=2", "line 1, byte 5: expected a tag's value, found ' b=2'"},
    {"a b", "line 1, byte 4: expected '=' behind a field's name, found ''"},
    {"a b=",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found ''"},
    {"a b=x",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found 'x'"},
    {"a b=5ii",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found '5ii'"},
    {"a b=-5u",
     "line 1, byte 5: expected a number, 5i, 5u, true, false or a text in quotes, found '-5u'"},
    {"a b=\"x", "line 1, byte 7: expected the text's closing quote, found ''"},
    {"a b=1,", "line 1, byte 7: expected a field's name, found ''"},
    {"a b=1 1.5", "line 1, byte 7: expected a time as a whole number, found '1.5'"},
    {"a b=1 x", "line 1, byte 7: expected a time as a whole number, found 'x'"},
    {"a b=1 1 2", "line 1, byte 9: expected the end of the line, found '2'"},
    {"a b=9223372036854775807i",
     "channel 'b': 9223372036854775807 is beyond 2^53 and no double holds it exactly"},
    {"a\x01 b=1", "line 1: expected UTF-8 without control bytes"},
};

TEST(malformed_lines_are_refused_each_for_itself)
{
    struct bench *b = bench_new();
    bool good = true;
    b->message.door = MESSAGE_LINE;
    for (size_t i = 0; good && i < sizeof bad_lines / sizeof *bad_lines; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s\nok v=1 5\n", bad_lines[i].line);
        decode(b, "s", text_of(text));
        good = b->status == ANDON_OK && b->out.refusals == 1 &&
               strcmp(b->out.refusal[0].reason, bad_lines[i].says) == 0 &&
               b->out.sample[b->out.samples - 1].ts_ns == 5000000000 &&
               b->out.sample[b->out.samples - 1].index == 1;
        if (!good)
            test_fail(__FILE__, __LINE__, "%s: %s, %s", bad_lines[i].line, b->err.text,
                      b->out.refusal[0].reason);
    }
    bench_free(b);
}

/* Limits: what fits, and one more. */
static char *repeated(const char *front, char c, size_t n, const char *end)
{
    char *text = malloc(strlen(front) + n + strlen(end) + 1);
    if (text == NULL) abort();
    strcpy(text, front);
    memset(text + strlen(front), c, n);
    strcpy(text + strlen(front) + n, end);
    return text;
}

static bool takes(struct bench *b, const char *topic, char *payload)
{
    bool taken = decode(b, topic, text_of(payload)) == ANDON_OK && b->out.refusals == 0;
    free(payload);
    return taken;
}

TEST(names_and_texts_reach_their_limits_and_no_further)
{
    struct bench *b = bench_new();
    char *path = repeated("", 'p', CODEC_PATH_MAX + 1, "");
    bool good = takes(b, "a", repeated("{\"", 'k', CODEC_CHANNEL_MAX, "\":1}"));
    good = good && !takes(b, "a", repeated("{\"", 'k', CODEC_CHANNEL_MAX + 1, "\":1}"));
    good = good && strstr(b->err.text, "a name of more than 256 bytes") != NULL;
    good = good && takes(b, "a", repeated("{\"x\":{\"", 'k', CODEC_CHANNEL_MAX - 2, "\":1}}"));
    good = good && !takes(b, "a", repeated("{\"x\":{\"", 'k', CODEC_CHANNEL_MAX - 1, "\":1}}"));
    good = good && takes(b, "a", repeated("{\"k\":\"", 'v', CODEC_TEXT_MAX, "\"}"));
    good = good && !takes(b, "a", repeated("{\"k\":\"", 'v', CODEC_TEXT_MAX + 1, "\"}"));
    good = good && takes(b, path + 1, repeated("{\"k\":1}", ' ', 1, ""));
    good = good && !takes(b, path, repeated("{\"k\":1}", ' ', 1, ""));
    good = good && strstr(b->err.text, "has 513 bytes, at most 512 are kept") != NULL;
    good = good && takes(b, "a", repeated("{\"k\":", '0', 1, "}"));
    good = good && takes(b, "a", repeated("{\"k\":0.", '1', 1024 - 2, "}"));
    good = good && !takes(b, "a", repeated("{\"k\":0.", '1', 1024 - 1, "}"));
    CHECK_SAY(good, "%s", b->err.text);
    free(path);
    bench_free(b);
}

static char *nested_arrays(uint32_t depth)
{
    char *open = repeated("{\"a\":", '[', depth - 1, "1");
    char *text = repeated(open, ']', depth - 1, "}");
    free(open);
    return text;
}

TEST(nesting_reaches_its_limit_and_no_further)
{
    struct bench *b = bench_new();
    bool at = takes(b, "a", nested_arrays(CODEC_DEPTH_MAX));
    bool beyond = takes(b, "a", nested_arrays(CODEC_DEPTH_MAX + 1));
    bool far = takes(b, "a", nested_arrays(30000));
    bench_free(b);
    CHECK(at && !beyond && !far);
}

static char *many_keys(uint32_t n)
{
    char *text = malloc(16 * (size_t)n + 16), *to = text;
    if (text == NULL) abort();
    *to++ = '{';
    for (uint32_t i = 0; i < n; i++) to += sprintf(to, "%s\"k%u\":%u", i > 0 ? "," : "", i, i);
    strcpy(to, "}");
    return text;
}

TEST(a_sample_has_at_most_1024_channels_each_once)
{
    struct bench *b = bench_new();
    bool good = takes(b, "a", many_keys(CODEC_CHANNELS_MAX));
    good = good && b->out.readings == CODEC_CHANNELS_MAX && b->out.repeated == 0;
    for (uint32_t i = 0; good && i < b->out.readings; i++) good = b->out.reading[i].number == i;
    good = good && !takes(b, "a", many_keys(CODEC_CHANNELS_MAX + 1));
    good = good && strcmp(b->err.text, "a sample with more than 1024 channels") == 0;
    bench_free(b);
    CHECK(good);
}

/* Keys k0..k(n-1) in any order and number, and the last value of each. */
static bool last_value_counts(struct bench *b, struct andon_rng *rng, uint32_t names, uint32_t n)
{
    static char text[1 << 16];
    double last[512] = {0};
    bool seen[512] = {false};
    uint32_t distinct = 0;
    char *to = text + sprintf(text, "{");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = andon_rng_below(rng, names);
        to += sprintf(to, "%s\"%s%u\":%u", i > 0 ? "," : "",
                      k % 3 == 0 ? "a_longer_name_of_k" : "k", k, i);
        distinct += !seen[k];
        seen[k] = true;
        last[k] = i;
    }
    strcpy(to, "}");
    if (decode(b, "a", text_of(text)) != ANDON_OK || b->out.readings != distinct ||
        b->out.repeated != n - distinct)
        return false;
    for (uint32_t i = 0; i < distinct; i++) {
        struct text name = b->out.reading[i].channel;
        const char *digits = memchr(name.at, 'k', name.length);
        if (b->out.reading[i].number != last[strtoul(digits + 1, NULL, 10)]) return false;
    }
    return true;
}

TEST(of_a_key_that_comes_again_the_last_value_counts)
{
    struct bench *b = bench_new();
    for (uint32_t i = 0; i < 400; i++) {
        struct andon_rng rng = andon_rng_fork(3, i);
        uint32_t names = 1 + andon_rng_below(&rng, i < 200 ? 30 : 500);
        bool good = last_value_counts(b, &rng, names, 1 + andon_rng_below(&rng, 600));
        if (!good) bench_free(b);
        CHECK_SAY(good, "SEED=%u", i);
    }
    bench_free(b);
}

TEST(a_full_room_ends_the_message_and_says_its_size)
{
    static const char payload[] = "[{\"a\":1,\"b\":\"\\u0041\"},{\"a\":2,\"b\":\"\\u0042\"}]";
    static const struct {
        uint32_t readings, samples, room;
        const char *says;
    } rooms[] = {{3, 2, 64, "a message with more than 3 readings"},
                 {4, 1, 64, "a message with more than 1 samples"},
                 {4, 2, 6, "a message with more than 6 bytes of unescaped text"},
                 {4, 2, 12, ""}};
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof rooms / sizeof *rooms; i++) {
        b->out.readings_max = rooms[i].readings;
        b->out.samples_max = rooms[i].samples;
        b->out.room_max = rooms[i].room;
        decode(b, "a", text_of(payload));
        good = strcmp(b->err.text, rooms[i].says) == 0;
        good = good && b->status == (*rooms[i].says != 0 ? ANDON_ELIMIT : ANDON_OK);
        good = good && (b->status == ANDON_OK) == (b->out.samples == 2);
        if (!good) test_fail(__FILE__, __LINE__, "%s", b->err.text);
    }
    bench_free(b);
}

TEST(events_inside_events_are_read_four_deep)
{
    struct bench *b = bench_new();
    char text[1024], inner[1024] = "{\"v\":1}";
    bool good = true;
    for (int depth = 1; good && depth <= 5; depth++) {
        snprintf(text, sizeof text, "{\"specversion\":\"1.0\",\"subject\":\"s%d\",\"data\":%s}",
                 depth, inner);
        strcpy(inner, text);
        decode(b, "t", text_of(text));
        good = (b->status == ANDON_OK) == (depth <= 4);
        good = good && (depth > 4 || text_is(b->out.sample[0].asset, TEXT("s1")));
    }
    bench_free(b);
    CHECK(good);
}

TEST(numbers_come_back_bit_for_bit)
{
    struct bench *b = bench_new();
    struct andon_rng rng;
    andon_rng_seed(&rng, 11);
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t bits = andon_rng_u64(&rng);
        double v;
        char text[64];
        memcpy(&v, &bits, sizeof v);
        if (i % 2 == 1) v = (double)(int64_t)(bits >> (1 + i % 60)) / pow(10, i % 9);
        if (!isfinite(v)) continue;
        snprintf(text, sizeof text, "{\"v\":%.17g%s}", v, i % 3 == 0 ? ",\"w\":1" : "");
        bool whole = strpbrk(text, ".e") == NULL;
        decode(b, "a", text_of(text));
        bool same = b->status == ANDON_OK && memcmp(&b->out.reading[0].number, &v, sizeof v) == 0;
        if (!same && !(whole && fabs(v) > 9007199254740992.0)) {
            bench_free(b);
            CHECK_SAY(false, "%s", text);
        }
    }
    bench_free(b);
}

TEST(a_zone_less_time_is_the_plants)
{
    struct bench *b = bench_new();
    b->rules.zone_s = 7200;
    decode(b, "a", TEXT("{\"ts\":\"2024-05-31 12:00:00\",\"v\":1}"));
    int64_t east = b->out.sample[0].ts_ns;
    decode(b, "a", TEXT("{\"ts\":\"2024-05-31 12:00:00Z\",\"v\":1}"));
    int64_t utc = b->out.sample[0].ts_ns;
    decode(b, "a", TEXT("{\"ts\":1717156800,\"v\":1}"));
    int64_t epoch = b->out.sample[0].ts_ns;
    bench_free(b);
    CHECK(utc == INT64_C(1717156800000000000) && epoch == utc);
    CHECK(east == utc - INT64_C(7200000000000));
}

TEST(an_epoch_is_told_by_its_magnitude_or_its_keys_unit)
{
    static const struct {
        const char *payload;
        int64_t ts_ns;
    } cases[] = {{"{\"ts\":1717156800,\"v\":1}", INT64_C(1717156800000000000)},
                 {"{\"ts\":1717156800.125,\"v\":1}", INT64_C(1717156800125000000)},
                 {"{\"ts\":1.7171568e9,\"v\":1}", INT64_C(1717156800000000000)},
                 {"{\"ts\":1717156800123,\"v\":1}", INT64_C(1717156800123000000)},
                 {"{\"ts\":1717156800123.5,\"v\":1}", INT64_C(1717156800123500000)},
                 {"{\"ts\":1717156800123456,\"v\":1}", INT64_C(1717156800123456000)},
                 {"{\"ts\":1717156800123456789,\"v\":1}", INT64_C(1717156800123456789)},
                 {"{\"ts\":\"1717156800123456789\",\"v\":1}", INT64_C(1717156800123456789)},
                 {"{\"timestamp_ms\":5,\"v\":1}", 5000000},
                 {"{\"timestamp_us\":5,\"v\":1}", 5000},
                 {"{\"timestamp_ns\":5,\"v\":1}", 5},
                 {"{\"timestamp_s\":5,\"v\":1}", INT64_C(5000000000)},
                 {"{\"ts\":-1,\"v\":1}", INT64_C(-1000000000)}};
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof cases / sizeof *cases; i++) {
        decode(b, "a", text_of(cases[i].payload));
        good = b->status == ANDON_OK && b->out.sample[0].ts_ns == cases[i].ts_ns &&
               b->out.sample[0].ts_given && b->out.readings == 1;
        if (!good) test_fail(__FILE__, __LINE__, "%s: %s", cases[i].payload, b->err.text);
    }
    bench_free(b);
}

TEST(a_missing_time_is_the_arrivals_and_uncertain)
{
    static const char *const payloads[] = {"{\"v\":1}", "{\"ts\":null,\"v\":1}",
                                           "{\"ts\":\"\",\"v\":1}"};
    struct bench *b = bench_new();
    bool good = true;
    for (size_t i = 0; good && i < sizeof payloads / sizeof *payloads; i++) {
        decode(b, "a", text_of(payloads[i]));
        good = b->status == ANDON_OK && b->out.sample[0].ts_ns == ARRIVAL &&
               !b->out.sample[0].ts_given && b->out.reading[0].quality == QUALITY_UNCERTAIN;
    }
    bench_free(b);
    CHECK(good);
}

TEST(values_that_are_all_null_make_a_sample_without_readings)
{
    struct bench *b = bench_new();
    decode(b, "a", TEXT("{\"ts\":1717156800,\"v\":null,\"w\":NaN}"));
    bool good = b->status == ANDON_OK && b->out.samples == 1 && b->out.sample[0].count == 0 &&
                b->out.nulls == 2;
    bench_free(b);
    CHECK(good);
}
