/* ThingsBoard: the device is the user (its access token), or named by its gateway; times are
 * milliseconds. */
#include "ingest/codec/object.h"
#include "ingest/codec/topic.h"

#define MS_NS 1000000

static bool thingsboard_takes(const struct message *m)
{
    return m->door == MESSAGE_THINGSBOARD || text_is(m->topic, TEXT("v1/devices/me/telemetry")) ||
           text_is(m->topic, TEXT("v2/t")) || text_is(m->topic, TEXT("v2/t/p"));
}

static bool thingsboard_read(struct intake *in, const struct place *around)
{
    const struct message *m = in->message;
    struct place place = topic_place(around, m->user.length > 0 ? m->user : m->client);
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
    struct place place = topic_place(around, (struct text){0});
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
