#include "ingest/codec/event.h"

#include "ingest/codec/shapes.h"

struct event {
    struct value subject, source, time, data, base64;
};

static bool collect(struct pull *p, struct event *e)
{
    struct value key, value;
    *e = (struct event){.subject.kind = VALUE_NULL};
    while (pull_key(p, &key) && pull_read(p, &value)) {
        if (!pull_skip(p, &value)) return false;
        if (text_is(key.text, TEXT("subject")))
            e->subject = value;
        else if (text_is(key.text, TEXT("source")))
            e->source = value;
        else if (text_is(key.text, TEXT("time")))
            e->time = value;
        else if (text_is(key.text, TEXT("data")))
            e->data = value;
        else if (text_is(key.text, TEXT("data_base64")))
            e->base64 = value;
    }
    return p->fault == NULL;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, section 4. False: it is none, and why is refused; or no room. */
static bool base64_text(struct intake *in, struct text from, struct text *text)
{
    uint32_t n = from.length, bits = 0, bit_count = 0;
    while (n > 0 && from.length - n < 2 && from.at[n - 1] == '=') n--;
    char *room = intake_room(in, (size_t)n / 4 * 3 + 3), *to = room;
    if (room == NULL) return false;
    for (uint32_t i = 0; i < n; i++) {
        int digit = base64_digit(from.at[i]);
        if (digit < 0)
            return intake_refuse(in, "data_base64, character %u: expected base64", i + 1);
        bits = bits << 6 | (uint32_t)digit;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        *to++ = (char)(bits >> bit_count);
    }
    if (n % 4 == 1 || (from.length != n && from.length % 4 != 0))
        return intake_refuse(in, "data_base64: %u characters are cut", from.length);
    *text = (struct text){room, (uint32_t)(to - room)};
    return true;
}

/* The inner message's payload; false: there is none, and why is refused. */
static bool payload_of(struct intake *in, const struct event *e, struct text *payload)
{
    if (e->base64.kind == VALUE_STRING) {
        struct text digits;
        return draft_text(in, &e->base64, &digits) && base64_text(in, digits, payload);
    }
    if (e->data.kind == VALUE_STRING) return draft_text(in, &e->data, payload);
    *payload = e->data.text;
    if (e->data.kind != VALUE_NULL) return true;
    return intake_refuse(in, "a CloudEvent without data: expected \"data\" or \"data_base64\"");
}

static bool topic_of(struct intake *in, const struct event *e, struct text *topic)
{
    if (e->subject.kind == VALUE_STRING && e->subject.text.length > 0)
        return draft_text(in, &e->subject, topic);
    *topic = in->message->topic;
    if (topic->length == 0 && e->source.kind == VALUE_STRING)
        return draft_text(in, &e->source, topic);
    return true;
}

static bool time_of(struct intake *in, const struct event *e, struct place *place)
{
    static const struct value key = {.kind = VALUE_STRING, .plain = true, .text = {"time", 4}};
    switch (draft_read_time(in, &e->time, 0, &place->time_ns)) {
    case DRAFT_TIME_NONE: return true;
    case DRAFT_TIME_READ: place->time_given = true; return true;
    default: return draft_refuse_time(in, &key, &e->time);
    }
}

/* What cannot be read inside is a refusal out here: the events beside it stand. */
static bool inner_read(struct intake *in, const struct message *inner, const struct place *place)
{
    const struct message *outer = in->message;
    struct intake_mark mark = intake_mark(in);
    in->message = inner;
    in->wraps++;
    bool good = shape_read(in, place);
    in->wraps--;
    in->message = outer;
    if (good || in->status != ANDON_EDATA) return in->status == ANDON_OK;
    in->status = ANDON_OK;
    intake_back(in, mark);
    intake_refuse(in, "CloudEvent data: %s", in->err->text);
    return true;
}

bool event_read(struct intake *in, struct pull *p, const struct place *place)
{
    struct event e;
    struct place inside = {.time_given = place->time_given, .time_ns = place->time_ns};
    struct message inner = *in->message;
    if (!collect(p, &e)) return false;
    if (in->wraps == INTAKE_WRAPS_MAX) {
        intake_refuse(in, "more than %u CloudEvents inside each other", INTAKE_WRAPS_MAX);
        return true;
    }
    if (!topic_of(in, &e, &inner.topic) || !payload_of(in, &e, &inner.payload) ||
        !time_of(in, &e, &inside))
        return in->status == ANDON_OK;
    inner.door = MESSAGE_MQTT;
    return inner_read(in, &inner, &inside);
}
