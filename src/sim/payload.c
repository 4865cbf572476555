/* Samples as JSON. The bakery's parts wear the published envelope and topics; a plant of one part is a
 * flat object that ends with its state. */
#include "payload.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct text_room {
    char *at;
    size_t used, room;
    bool full;
};

static void put(struct text_room *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct text_room *t, const char *format, ...)
{
    va_list args;
    if (t->full) return;
    va_start(args, format);
    int n = vsnprintf(t->at + t->used, t->room - t->used, format, args);
    va_end(args);
    t->full = n < 0 || (size_t)n >= t->room - t->used;
    if (!t->full) t->used += (size_t)n;
}

uint32_t sim_parts(const struct sim_plant *plant, const char *part[SIM_PARTS_MAX])
{
    uint32_t parts = 0;
    for (uint32_t c = 0; c < plant->channels; c++) {
        const char *name = plant->channel[c].asset != NULL ? plant->channel[c].asset : "";
        bool known = false;
        for (uint32_t i = 0; i < parts; i++) known |= strcmp(part[i], name) == 0;
        if (!known && parts < SIM_PARTS_MAX) part[parts++] = name;
    }
    return parts;
}

/* The end of a made thing is written the way the line's controller does: day first, local time. */
static void put_time(struct text_room *t, const char *name, int64_t ts_ns)
{
    time_t s = (time_t)(ts_ns / 1000000000);
    long us = (long)(ts_ns % 1000000000 / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    char text[64];
    bool day_first = strcmp(name, "FinishTime") == 0;
    strftime(text, sizeof text, day_first ? "%d-%m-%Y %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &tm);
    put(t, day_first ? "\"%s.%06ld\"" : "\"%s.%03ldZ\"", text, day_first ? us : us / 1000);
}

/* The text behind an index, blanks and empty words as published. */
static void put_choice(struct text_room *t, const char *choices, int index)
{
    const char *from = choices;
    for (; index > 0 && strchr(from, '|') != NULL; index--) from = strchr(from, '|') + 1;
    put(t, "\"%.*s\"", (int)strcspn(from, "|"), from);
}

static void put_value(struct text_room *t, const struct sim_channel *c, double value)
{
    switch ((enum sim_kind)c->kind) {
    case SIM_REAL: put(t, "%.*f", c->decimals, value); break;
    case SIM_COUNT: put(t, "%.0f", value); break;
    case SIM_FLAG: put(t, value > 0.5 ? "true" : "false"); break;
    case SIM_TEXT: put_choice(t, c->choices, (int)value); break;
    case SIM_TIME: put_time(t, c->name, (int64_t)value); break;
    case SIM_ID: put(t, "\"C%07.0f\"", value); break;
    }
}

static bool of_part(const struct sim_channel *c, const char *part)
{
    return strcmp(c->asset != NULL ? c->asset : "", part) == 0;
}

bool sim_message(const struct sim_plant *plant, const struct sim_sample *sample, const char *part,
                 const char *asset, struct sim_message *m)
{
    struct text_room t = {m->payload, 0, sizeof m->payload, false};
    bool whole = part[0] == 0, first = true;
    int n = whole ? snprintf(m->topic, sizeof m->topic, "%s", asset)
                  : snprintf(m->topic, sizeof m->topic, "%s%stopic/%s", asset,
                             asset[0] != 0 ? "/" : "", part);
    put(&t, whole ? "{" : "{\"Content-Type\":\"application/json\",\"data\":{");
    if (whole) {
        put(&t, "\"timestamp\":");
        put_time(&t, "timestamp", sample->ts_ns);
        first = false;
    }
    for (uint32_t c = 0; c < plant->channels; c++) {
        const struct sim_channel *channel = &plant->channel[c];
        if (!of_part(channel, part)) continue;
        put(&t, "%s\"%s\":", first ? "" : ",", channel->name);
        put_value(&t, channel, sample->value[c]);
        first = false;
    }
    if (whole && plant->states > 0)
        put(&t, ",\"operational_state\":\"%s\",\"status\":%d", plant->state[sample->state],
            sample->running);
    put(&t, whole ? "}" : "}}");
    m->size = t.used;
    return !t.full && n >= 0 && (size_t)n < sizeof m->topic;
}
