/* How fast payloads become readings. One thread, processor time.
 *
 *   bench_codec [--messages N] [--runs N] [--only CASE]
 *
 * Rivals, on the same JSON messages: jansson and cJSON (where they are installed) parse the text
 * and every value of the object is taken from the tree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_JANSSON
#include <jansson.h>
#endif
#ifdef HAVE_CJSON
#include <cjson/cJSON.h>
#endif

#include "andon/rng.h"
#include "ingest/codec/codec.h"
#include "ingest/timestamp.h"

enum {
    RUNS_MAX = 101,
    MESSAGE_MAX = 4096,
    DISTINCT = 1024,
    READINGS_MAX = 4096,
    ROOM_MAX = 1 << 20
};

struct settings {
    size_t messages, runs;
    const char *only; /* one case; NULL: all */
};

struct messages {
    const char *name, *topic;
    uint8_t door;
    char *text;           /* one behind the other */
    struct text *message; /* message[DISTINCT] */
    double bytes;         /* of a message, mean */
};

static double sink; /* what was read, so that nothing is left out */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof v[0], by_size);
    return v[n / 2];
}

/* Six signals of a pump as a device prints them. */
static size_t pump_values(char *text, size_t room, struct andon_rng *rng)
{
    static const char *const state[3] = {"normal", "high_load", "startup"};
    int n = snprintf(text, room,
                     "\"temperature\":%.2f,\"vibration\":%.3f,\"pressure\":%.2f,\"flow\":%.1f,"
                     "\"current\":%.2f,\"duty\":%.1f,\"state\":\"%s\"",
                     45 + 3 * andon_rng_normal(rng), 2.5 + 0.4 * andon_rng_real(rng),
                     6.5 + andon_rng_real(rng), 150 + 10 * andon_rng_normal(rng),
                     85 + 5 * andon_rng_normal(rng), 75 + 8 * andon_rng_real(rng),
                     state[andon_rng_below(rng, 3)]);
    return (size_t)n;
}

static void write_iso(char *text, size_t room, uint32_t i, struct andon_rng *rng)
{
    char values[512], time[TIMESTAMP_ROOM];
    pump_values(values, sizeof values, rng);
    timestamp_write(time, INT64_C(1717158615123000000) + (int64_t)i * 1000000000);
    snprintf(text, room, "{\"timestamp\":\"%s\",%s}", time, values);
}

static void write_epoch(char *text, size_t room, uint32_t i, struct andon_rng *rng)
{
    char values[512];
    pump_values(values, sizeof values, rng);
    snprintf(text, room, "{\"ts\":%lld,%s}", (long long)(INT64_C(1717158615123) + i), values);
}

static void write_native(char *text, size_t room, uint32_t i, struct andon_rng *rng)
{
    size_t at = 0;
    for (uint32_t k = 0; k < 16; k++) {
        char values[512];
        pump_values(values, sizeof values, rng);
        at += (size_t)snprintf(text + at, room - at,
                               "{\"asset\":\"site/line/pump%u\",\"ts\":%lld,\"values\":{%s}}\n", k,
                               (long long)(INT64_C(1717158615123) + i), values);
    }
}

/* What Python prints of random.uniform: up to 17 digits. */
static void write_fryer(char *text, size_t room, uint32_t i, struct andon_rng *rng)
{
    static const char *const names[] = {
        "Heater_Outlet_Temp", "Pump1_Flow_Totalizer", "Pressure_Filter_Inlet", "RobotPosition_J0",
        "Tank_Level",         "Drive1_Current",       "Cooler_Inlet_Temp",     "Flow001"};
    char time[TIMESTAMP_ROOM];
    timestamp_write(time, INT64_C(1717158615123456000) + (int64_t)i * 1000000000);
    size_t at = (size_t)snprintf(
        text, room, "{\"Content-Type\": \"application/json\", \"data\": {\"Timestamp\": \"%s\"",
        time);
    for (uint32_t k = 0; k < 48; k++)
        at += (size_t)snprintf(text + at, room - at, ", \"%s_%u\": %.17g", names[k % 8], k / 8,
                               70 + 10 * andon_rng_real(rng));
    snprintf(text + at, room - at, ", \"Cooler_ON\": true}}");
}

static void write_line(char *text, size_t room, uint32_t i, struct andon_rng *rng)
{
    snprintf(text, room,
             "pump7,line=2,site=acme temperature=%.2f,vibration=%.3f,pressure=%.2f,flow=%.1f,"
             "current=%.2f,duty=%.1f,state=\"normal\" %lld",
             45 + 3 * andon_rng_normal(rng), 2.5 + 0.4 * andon_rng_real(rng),
             6.5 + andon_rng_real(rng), 150 + 10 * andon_rng_normal(rng),
             85 + 5 * andon_rng_normal(rng), 75 + 8 * andon_rng_real(rng),
             (long long)(INT64_C(1717158615123000000) + i));
}

static void make(struct messages *m, void (*write)(char *, size_t, uint32_t, struct andon_rng *))
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 7);
    m->text = malloc((size_t)DISTINCT * MESSAGE_MAX);
    m->message = malloc(DISTINCT * sizeof m->message[0]);
    if (m->text == NULL || m->message == NULL) exit(1);
    char *at = m->text;
    for (uint32_t i = 0; i < DISTINCT; i++) {
        write(at, MESSAGE_MAX, i, &rng);
        m->message[i] = text_of(at);
        at += m->message[i].length;
    }
    m->bytes = (double)(at - m->text) / DISTINCT;
}

static struct text text_at(const struct messages *m, size_t i)
{
    return m->message[i % DISTINCT];
}

static size_t ours(const struct messages *m, size_t messages)
{
    static struct reading reading[READINGS_MAX];
    static struct sample sample[64];
    static char room[ROOM_MAX];
    static struct decoded out = {.reading = reading,
                                 .sample = sample,
                                 .room = room,
                                 .readings_max = READINGS_MAX,
                                 .samples_max = 64,
                                 .room_max = ROOM_MAX};
    const struct codec_rules rules = {.aliases = true};
    size_t readings = 0;
    andon_error err;
    for (size_t i = 0; i < messages; i++) {
        struct message message = {.door = m->door,
                                  .topic = text_of(m->topic),
                                  .payload = text_at(m, i),
                                  .received_ns = INT64_C(1717158615200000000)};
        if (codec_decode(&message, &rules, &out, &err) != ANDON_OK || out.refusals > 0) {
            fprintf(stderr, "%s: %s\n", m->name, err.text);
            exit(1);
        }
        readings += out.readings;
        for (uint32_t k = 0; k < out.readings; k++) sink += out.reading[k].number;
    }
    return readings;
}

#ifdef HAVE_JANSSON
static size_t with_jansson(const struct messages *m, size_t messages)
{
    size_t readings = 0;
    for (size_t i = 0; i < messages; i++) {
        struct text text = text_at(m, i);
        const char *key;
        json_t *value, *object = json_loadb(text.at, text.length, JSON_DECODE_INT_AS_REAL, NULL);
        if (object == NULL) exit(1);
        json_object_foreach(object, key, value)
        {
            if (json_is_number(value)) sink += json_number_value(value);
            readings++;
        }
        json_decref(object);
    }
    return readings;
}
#endif

#ifdef HAVE_CJSON
static size_t with_cjson(const struct messages *m, size_t messages)
{
    size_t readings = 0;
    for (size_t i = 0; i < messages; i++) {
        struct text text = text_at(m, i);
        cJSON *object = cJSON_ParseWithLength(text.at, text.length), *value;
        if (object == NULL) exit(1);
        cJSON_ArrayForEach(value, object)
        {
            if (cJSON_IsNumber(value)) sink += value->valuedouble;
            readings++;
        }
        cJSON_Delete(object);
    }
    return readings;
}
#endif

static void bench(const struct settings *s, const struct messages *m, const char *rival,
                  size_t (*decode)(const struct messages *, size_t), size_t messages)
{
    double per_s[RUNS_MAX];
    size_t readings = 0;
    if (s->only != NULL && strcmp(s->only, m->name) != 0) return;
    for (size_t run = 0; run < s->runs; run++) {
        double from = now_s();
        readings = decode(m, messages);
        per_s[run] = (double)messages / (now_s() - from);
    }
    double messages_s = median(per_s, s->runs);
    printf("bench=%s%s%s bytes=%.0f messages_s=%.0f ns_message=%.0f readings_s=%.0f mb_s=%.0f\n",
           m->name, rival != NULL ? " rival=" : "", rival != NULL ? rival : "", m->bytes,
           messages_s, 1e9 / messages_s, messages_s * (double)readings / (double)messages,
           messages_s * m->bytes / 1e6);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct settings s = {.messages = 1000000, .runs = 5};
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--messages") == 0)
            s.messages = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--runs") == 0)
            s.runs = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            s.only = argv[i + 1];
        else
            s.runs = 0;
    if (argc % 2 == 0 || s.messages == 0 || s.runs == 0 || s.runs > RUNS_MAX) {
        fprintf(stderr, "usage: %s [--messages N] [--runs N] [--only CASE]\n", argv[0]);
        return 2;
    }
    struct messages iso = {.name = "codec_json", .topic = "acme/line2/pump7", .door = MESSAGE_MQTT};
    struct messages epoch = iso, fryer = iso, native = iso, line = iso;
    epoch.name = "codec_epoch";
    fryer.name = "codec_fryer", fryer.topic = "topic/fryer";
    native.name = "codec_native", native.topic = "", native.door = MESSAGE_NATIVE;
    line.name = "codec_line", line.topic = "ns", line.door = MESSAGE_LINE;
    make(&iso, write_iso);
    make(&epoch, write_epoch);
    make(&fryer, write_fryer);
    make(&native, write_native);
    make(&line, write_line);
    bench(&s, &iso, NULL, ours, s.messages);
#ifdef HAVE_JANSSON
    bench(&s, &iso, "jansson", with_jansson, s.messages / 20 + 1);
#endif
#ifdef HAVE_CJSON
    bench(&s, &iso, "cjson", with_cjson, s.messages / 10 + 1);
#endif
    bench(&s, &epoch, NULL, ours, s.messages);
    bench(&s, &fryer, NULL, ours, s.messages / 10 + 1);
    bench(&s, &native, NULL, ours, s.messages / 16 + 1);
    bench(&s, &line, NULL, ours, s.messages);
    fprintf(stderr, "# %g\n", sink);
    return 0;
}
