/* Topics: what stands on them, and those of no shape of their own. */
#include "ingest/codec/topic.h"

bool topic_take(struct text *topic, struct text *level)
{
    if (topic->length == 0) return false;
    const char *slash = memchr(topic->at, '/', topic->length);
    uint32_t n = slash != NULL ? (uint32_t)(slash - topic->at) : topic->length;
    *level = (struct text){topic->at, n};
    *topic = topic_behind(*topic, n + (slash != NULL));
    return true;
}

struct text topic_last(struct text topic)
{
    const char *slash = topic.length > 0 ? memrchr(topic.at, '/', topic.length) : NULL;
    return slash == NULL ? topic : topic_behind(topic, (uint32_t)(slash + 1 - topic.at));
}

struct place topic_place(const struct place *around, struct text asset)
{
    return (struct place){.asset = asset,
                          .time_ns = around->time_ns,
                          .time_given = around->time_given,
                          .aliases = true};
}

/* Topics whose payloads are no readings, or none that are read here. */
static const struct {
    struct text level;
    const char *what;
} foreign[] = {{{"_anomaly", 8}, "andon's own verdicts"},
               {{"_alarm", 6}, "andon's own alarms"},
               {{"_kpi", 4}, "andon's own figures"},
               {{"_rul", 4}, "andon's own forecasts"},
               {{"_cmd", 4}, "commands"},
               {{"_wave", 5}, "raw blocks of vibration"}};
static const struct text sparkplug = {"spBv1.0/", 8}, thingsboard_other = {"v1/devices/me/", 14};

static const char *foreign_what(struct text topic)
{
    struct text level;
    if (text_starts(topic, sparkplug)) return "Sparkplug B";
    if (text_starts(topic, thingsboard_other)) return "no telemetry";
    if (topic.length == 0 || memchr(topic.at, '_', topic.length) == NULL) return NULL;
    while (topic_take(&topic, &level))
        for (size_t i = 0;
             level.length > 0 && level.at[0] == '_' && i < sizeof foreign / sizeof *foreign; i++)
            if (text_is(level, foreign[i].level)) return foreign[i].what;
    return NULL;
}

static bool foreign_takes(const struct message *m)
{
    return foreign_what(m->topic) != NULL;
}

static bool foreign_read(struct intake *in, const struct place *around)
{
    (void)around;
    return intake_broken(in, "topic '%s' carries %s: expected readings", SHOW(in->message->topic),
                         foreign_what(in->message->topic));
}

const struct shape shape_foreign = {"foreign", foreign_takes, foreign_read};

/* Any other topic is the asset's path. */
static bool topic_takes(const struct message *m)
{
    (void)m;
    return true;
}

static bool topic_read(struct intake *in, const struct place *around)
{
    struct place place = topic_place(around, in->message->topic);
    return payload_read(in, &place);
}

const struct shape shape_topic = {"topic", topic_takes, topic_read};
