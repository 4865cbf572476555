/* Azure IoT Hub and Edge: devices/ID/messages/events/PROPERTIES, devices/ID/modules/M/... */
#include "ingest/codec/topic.h"

static const struct text devices = {"devices/", 8};

struct hub {
    struct text device, module, properties;
};

static bool hub_topic(struct text topic, struct hub *hub)
{
    struct text level;
    *hub = (struct hub){0};
    if (!text_starts(topic, devices)) return false;
    topic = topic_behind(topic, devices.length);
    if (!topic_take(&topic, &hub->device) || !topic_take(&topic, &level)) return false;
    if (text_is(level, TEXT("modules")) &&
        (!topic_take(&topic, &hub->module) || !topic_take(&topic, &level)))
        return false;
    bool messages = text_is(level, TEXT("messages"));
    if (!messages && (hub->module.length == 0 ||
                      (!text_is(level, TEXT("inputs")) && !text_is(level, TEXT("outputs")))))
        return false;
    if (!topic_take(&topic, &level) || (messages && !text_is(level, TEXT("events")))) return false;
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
    return (last == 't' || last == 'k') && is_route(topic_last(m->topic));
}

static bool hub_read(struct intake *in, const struct place *around)
{
    const struct message *m = in->message;
    struct place place = topic_place(around, m->topic);
    struct hub hub;
    if (hub_topic(m->topic, &hub)) {
        place.asset = hub.device;
        place.properties = hub.properties;
        if (hub.module.length > 0 && !intake_joined(in, hub.device, '/', hub.module, &place.asset))
            return false;
    } else {
        uint32_t route = topic_last(m->topic).length;
        place.asset.length -= route + (route < place.asset.length);
        if (place.asset.length == 0) place.asset = m->client.length > 0 ? m->client : m->topic;
    }
    return payload_read(in, &place);
}

const struct shape shape_hub = {"hub", hub_takes, hub_read};
