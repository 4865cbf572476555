/* Who speaks on which topic. */
#include "ingest/codec/object.h"
#include "ingest/codec/shapes.h"

#define MS_NS 1000000

static struct text behind(struct text text, uint32_t bytes)
{
    return (struct text){text.at + bytes, text.length - bytes};
}

/* The next level of a topic; false: there is none. */
static bool take_level(struct text *topic, struct text *level)
{
    if (topic->length == 0) return false;
    const char *slash = memchr(topic->at, '/', topic->length);
    uint32_t n = slash != NULL ? (uint32_t)(slash - topic->at) : topic->length;
    *level = (struct text){topic->at, n};
    *topic = behind(*topic, n + (slash != NULL));
    return true;
}

static struct text last_level(struct text topic)
{
    const char *slash = topic.length > 0 ? memrchr(topic.at, '/', topic.length) : NULL;
    return slash == NULL ? topic : behind(topic, (uint32_t)(slash + 1 - topic.at));
}

static struct place place_at(const struct place *around, struct text asset)
{
    return (struct place){.asset = asset,
                          .time_ns = around->time_ns,
                          .time_given = around->time_given,
                          .aliases = true};
}

/* andon's own door: every element names its asset and has "values". */
static bool native_takes(const struct message *m)
{
    return m->door == MESSAGE_NATIVE || m->door == MESSAGE_FILE;
}

static bool native_read(struct intake *in, const struct place *around)
{
    struct place place = place_at(around, in->message->topic);
    place.objects = place.native = true;
    return payload_read(in, &place);
}

const struct shape shape_native = {"native", native_takes, native_read};

/* The bakery: topic/fryer, topic/productionline, topic/assemblyline, in an envelope or not. */
static const struct text bakery = {"topic/", 6};

struct text topic_asset(struct text topic)
{
    bool theirs = text_starts(topic, bakery) && topic.length > bakery.length &&
                  memchr(topic.at + bakery.length, '/', topic.length - bakery.length) == NULL;
    return theirs ? behind(topic, bakery.length) : topic;
}

static bool bakery_takes(const struct message *m)
{
    return topic_asset(m->topic).length != m->topic.length;
}

static bool bakery_read(struct intake *in, const struct place *around)
{
    struct place place = place_at(around, topic_asset(in->message->topic));
    place.aliases = false; /* its Temperature is not our temperature */
    return payload_read(in, &place);
}

const struct shape shape_bakery = {"bakery", bakery_takes, bakery_read};

/* umh/v1/ENTERPRISE/SITE/.../_historian[/GROUP...] */
static const struct text umh = {"umh/v1/", 7}, historian = {"/_historian", 11};

/* Where the level _historian begins; NULL: there is none. */
static const char *historian_at(struct text topic)
{
    struct text rest = topic;
    while (rest.length >= historian.length) {
        const char *at = memmem(rest.at, rest.length, historian.at, historian.length);
        if (at == NULL) return NULL;
        rest = behind(rest, (uint32_t)(at - rest.at) + historian.length);
        if (rest.length == 0 || rest.at[0] == '/') return at;
    }
    return NULL;
}

static bool historian_takes(const struct message *m)
{
    return text_starts(m->topic, umh) && historian_at(behind(m->topic, umh.length)) != NULL;
}

/* Groups of tags stand in front of the tags: "motor/left" is motor.left. */
static bool group_of(struct intake *in, struct text levels, struct text *group)
{
    while (levels.length > 0 && levels.at[0] == '/') levels = behind(levels, 1);
    while (levels.length > 0 && levels.at[levels.length - 1] == '/') levels.length--;
    *group = levels;
    if (levels.length == 0 || memchr(levels.at, '/', levels.length) == NULL) return true;
    char *room = intake_room(in, levels.length);
    if (room == NULL) return false;
    for (uint32_t i = 0; i < levels.length; i++) room[i] = levels.at[i] == '/' ? '.' : levels.at[i];
    group->at = room;
    return true;
}

static bool historian_read(struct intake *in, const struct place *around)
{
    struct text path = behind(in->message->topic, umh.length);
    const char *at = historian_at(path);
    struct text levels = behind(path, (uint32_t)(at - path.at) + historian.length);
    struct place place = place_at(around, (struct text){path.at, (uint32_t)(at - path.at)});
    return group_of(in, levels, &place.group) && payload_read(in, &place);
}

const struct shape shape_historian = {"historian", historian_takes, historian_read};

/* ThingsBoard: the device is the user (its access token); times are milliseconds. */
static bool thingsboard_takes(const struct message *m)
{
    return m->door == MESSAGE_THINGSBOARD || text_is(m->topic, TEXT("v1/devices/me/telemetry")) ||
           text_is(m->topic, TEXT("v2/t")) || text_is(m->topic, TEXT("v2/t/p"));
}

static bool thingsboard_read(struct intake *in, const struct place *around)
{
    const struct message *m = in->message;
    struct place place = place_at(around, m->user.length > 0 ? m->user : m->client);
    place.unit_ns = MS_NS;
    place.objects = true;
    if (place.asset.length > 0) return payload_read(in, &place);
    return intake_broken(in, "no device: expected its access token as user name");
}

const struct shape shape_thingsboard = {"thingsboard", thingsboard_takes, thingsboard_read};

/* {"Device A":[{"ts":1483228800000,"values":{...}},...],"Device B":{...}} */
static bool gateway_takes(const struct message *m)
{
    return text_is(m->topic, TEXT("v1/gateway/telemetry"));
}

static bool device_read(struct intake *in, struct pull *p, struct value *value,
                        const struct place *place)
{
    struct value item;
    if (value->kind == VALUE_OBJECT) {
        if (!object_read(in, p, place)) return false;
        in->index += in->wraps == 0;
        return true;
    }
    while (value->kind == VALUE_ARRAY && pull_item(p, &item)) {
        if (item.kind == VALUE_OBJECT ? !object_read(in, p, place) : !pull_skip(p, &item))
            return false;
        if (item.kind != VALUE_OBJECT)
            intake_refuse(in, "device '%s': expected objects", SHOW(place->asset));
        in->index += in->wraps == 0;
    }
    if (value->kind < VALUE_OBJECT)
        intake_refuse(in, "device '%s': expected an array of objects", SHOW(place->asset));
    return p->fault == NULL;
}

static bool gateway_read(struct intake *in, const struct place *around)
{
    char line[128];
    struct pull p;
    struct value key, value;
    struct place place = place_at(around, (struct text){0});
    place.unit_ns = MS_NS;
    in->batch = true;
    pull_begin(&p, in->message->payload);
    bool good = pull_read(&p, &value);
    if (good && value.kind != VALUE_OBJECT) good = pull_fail(&p, "an object of devices", p.begin);
    while (good && pull_key(&p, &key) && pull_read(&p, &value))
        good = draft_text(in, &key, &place.asset) && device_read(in, &p, &value, &place);
    if (good && p.fault == NULL && pull_done(&p)) return true;
    if (in->status != ANDON_OK) return false;
    pull_explain(&p, line, sizeof line);
    return intake_broken(in, "JSON, %s", line);
}

const struct shape shape_gateway = {"gateway", gateway_takes, gateway_read};

/* Azure IoT Hub and Edge: devices/ID/messages/events/PROPERTIES, devices/ID/modules/M/... */
static const struct text devices = {"devices/", 8};

struct hub {
    struct text device, module, properties;
};

static bool hub_topic(struct text topic, struct hub *hub)
{
    struct text level;
    *hub = (struct hub){0};
    if (!text_starts(topic, devices)) return false;
    topic = behind(topic, devices.length);
    if (!take_level(&topic, &hub->device) || !take_level(&topic, &level)) return false;
    if (text_is(level, TEXT("modules")) &&
        (!take_level(&topic, &hub->module) || !take_level(&topic, &level)))
        return false;
    bool messages = text_is(level, TEXT("messages"));
    if (!messages && (hub->module.length == 0 ||
                      (!text_is(level, TEXT("inputs")) && !text_is(level, TEXT("outputs")))))
        return false;
    if (!take_level(&topic, &level) || (messages && !text_is(level, TEXT("events")))) return false;
    hub->properties = topic;
    return hub->device.length > 0;
}

/* Names of the edge's routes stand for the module that sends: they are no level of an asset. */
static bool is_route(struct text level)
{
    return text_is(level, TEXT("telemetryOutput")) || text_is(level, TEXT("telemetryInput")) ||
           text_is(level, TEXT("upstream_sink"));
}

static bool hub_takes(const struct message *m)
{
    struct hub hub;
    uint32_t n = m->topic.length;
    if (text_starts(m->topic, devices) && hub_topic(m->topic, &hub)) return true;
    char last = n > 0 ? m->topic.at[n - 1] : 0;
    return (last == 't' || last == 'k') && is_route(last_level(m->topic));
}

static bool hub_read(struct intake *in, const struct place *around)
{
    const struct message *m = in->message;
    struct place place = place_at(around, m->topic);
    struct hub hub;
    if (hub_topic(m->topic, &hub)) {
        place.asset = hub.device;
        place.properties = hub.properties;
        if (hub.module.length > 0 && !intake_joined(in, hub.device, '/', hub.module, &place.asset))
            return false;
    } else {
        uint32_t route = last_level(m->topic).length;
        place.asset.length -= route + (route < place.asset.length);
        if (place.asset.length == 0) place.asset = m->client.length > 0 ? m->client : m->topic;
    }
    return payload_read(in, &place);
}

const struct shape shape_hub = {"hub", hub_takes, hub_read};

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
    while (take_level(&topic, &level))
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
    struct place place = place_at(around, in->message->topic);
    return payload_read(in, &place);
}

const struct shape shape_topic = {"topic", topic_takes, topic_read};
