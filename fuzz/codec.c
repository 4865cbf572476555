/* Fuzzes codec_decode through every door. The first byte chooses the door, the second the rules and
 * flags, the third a topic (or the first line of the rest is one); the payload follows. What comes
 * out must keep the promises of codec.h, and be the same again whatever the room held before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ingest/codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READINGS = 2048, SAMPLES = 64, ROOM = 1 << 14 };

static const char *const topics[] = {"plant/line1/pump1",
                                     "topic/fryer",
                                     "v1/devices/me/telemetry",
                                     "v1/gateway/telemetry",
                                     "devices/d/messages/events/a=true&b=%41",
                                     "devices/d/modules/m/messages/events/%24.on=x",
                                     "umh/v1/e/s/_historian/g/h",
                                     "a/telemetryOutput",
                                     "ns",
                                     "ms",
                                     ""};
enum { TOPICS = sizeof topics / sizeof *topics };

static void must(bool holds)
{
    if (!holds) abort();
}

struct room {
    struct reading reading[READINGS];
    struct sample sample[SAMPLES];
    char text[ROOM];
    struct decoded out;
    andon_error err;
    andon_status status;
};

static void decode(struct room *r, const struct message *message, const struct codec_rules *rules,
                   int filler)
{
    memset(r, filler, sizeof *r);
    r->out.reading = r->reading;
    r->out.sample = r->sample;
    r->out.room = r->text;
    r->out.readings_max = READINGS;
    r->out.samples_max = SAMPLES;
    r->out.room_max = ROOM;
    r->status = codec_decode(message, rules, &r->out, &r->err);
}

static bool one_line(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL && *text != 0 && strpbrk(text, "\n\r") == NULL;
}

static void check_name(struct text name, size_t most)
{
    must(name.length > 0 && name.length <= most && utf8_valid(name.at, name.length));
    for (uint32_t i = 0; i < name.length; i++) must((unsigned char)name.at[i] >= ' ');
}

static void check_reading(const struct reading *r)
{
    check_name(r->channel, CODEC_CHANNEL_MAX);
    must(r->kind <= READING_TEXT && r->quality < 8 && isfinite(r->number));
    must(r->kind != READING_FLAG || r->number == 0.0 || r->number == 1.0);
    must(r->text.length <= CODEC_TEXT_MAX && (r->kind == READING_TEXT || r->text.length == 0));
    must(r->text.length == 0 || utf8_valid(r->text.at, r->text.length));
}

static void check_sample(const struct decoded *out, const struct sample *s, int64_t received_ns)
{
    check_name(s->asset, CODEC_PATH_MAX);
    must(s->asset.at[0] != '/' && s->asset.at[s->asset.length - 1] != '/');
    must(memchr(s->asset.at, '+', s->asset.length) == NULL);
    must(memchr(s->asset.at, '#', s->asset.length) == NULL);
    if (s->item.length > 0) check_name(s->item, CODEC_CHANNEL_MAX);
    must(s->first <= out->readings && s->count <= out->readings - s->first);
    must(s->count <= CODEC_CHANNELS_MAX);
    must(s->ts_given || s->ts_ns == received_ns);
    must(s->sequence_given || s->sequence == 0);
    for (uint32_t i = s->first; i < s->first + s->count; i++) {
        check_reading(&out->reading[i]);
        must(s->ts_given || (out->reading[i].quality & QUALITY_UNCERTAIN) != 0);
        for (uint32_t k = s->first; k < i && s->count < 64; k++)
            must(!text_is(out->reading[i].channel, out->reading[k].channel));
    }
}

static void check(const struct room *r, int64_t received_ns)
{
    const struct decoded *out = &r->out;
    uint32_t readings = 0;
    must(r->status == ANDON_OK || r->status == ANDON_EDATA || r->status == ANDON_ELIMIT);
    if (r->status != ANDON_OK) {
        must(out->readings == 0 && out->samples == 0 && out->refusals == 0);
        must(one_line(r->err.text, sizeof r->err.text));
        return;
    }
    must(out->samples > 0 || out->refusals > 0);
    must(out->readings <= READINGS && out->samples <= SAMPLES && out->room_used <= ROOM);
    for (uint32_t i = 0; i < out->samples; i++) {
        check_sample(out, &out->sample[i], received_ns);
        must(out->sample[i].first == readings);
        readings += out->sample[i].count;
    }
    must(readings == out->readings);
    for (uint32_t i = 0; i < out->refusals && i < CODEC_REFUSALS_MAX; i++)
        must(one_line(out->refusal[i].reason, sizeof out->refusal[i].reason));
}

static void check_same(const struct room *a, const struct room *b)
{
    must(a->status == b->status && a->out.readings == b->out.readings);
    must(a->out.samples == b->out.samples && a->out.refusals == b->out.refusals);
    must(a->out.nulls == b->out.nulls && a->out.repeated == b->out.repeated);
    for (uint32_t i = 0; i < a->out.samples; i++) {
        const struct sample *s = &a->sample[i], *t = &b->sample[i];
        must(text_is(s->asset, t->asset) && text_is(s->item, t->item) && s->ts_ns == t->ts_ns);
        must(s->sequence == t->sequence && s->first == t->first && s->count == t->count);
        must(s->ts_given == t->ts_given && s->index == t->index);
    }
    for (uint32_t i = 0; i < a->out.readings; i++) {
        const struct reading *s = &a->reading[i], *t = &b->reading[i];
        must(text_is(s->channel, t->channel) && text_is(s->text, t->text));
        must(memcmp(&s->number, &t->number, sizeof s->number) == 0);
        must(s->kind == t->kind && s->quality == t->quality);
    }
}

/* A copy without a byte behind it. */
static struct text copy_of(const void *data, size_t size)
{
    char *copy = malloc(size + (size == 0));
    must(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    return (struct text){copy, (uint32_t)size};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct room once, again;
    if (size < 3) return 0;
    struct message m = {.door = (uint8_t)(MESSAGE_MQTT + data[0] % MESSAGE_FILE),
                        .flags = data[1] & 7,
                        .received_ns = INT64_C(1717200000000000000)};
    struct codec_rules rules = {.zone_s = (data[1] & 8) != 0 ? -7 * 3600 : 0,
                                .aliases = (data[1] & 16) != 0};
    const uint8_t *payload = data + 3, *end = data + size;
    uint8_t topic = data[2] % (TOPICS + 1);
    if (topic < TOPICS) {
        m.topic = copy_of(topics[topic], strlen(topics[topic]));
    } else {
        const uint8_t *stop = memchr(payload, '\n', (size_t)(end - payload));
        if (stop == NULL) stop = end;
        m.topic = copy_of(payload, (size_t)(stop - payload));
        payload = stop + (stop < end);
    }
    m.user = copy_of("token", (data[1] & 32) != 0 ? 5 : 0);
    m.client = copy_of("client", (data[1] & 64) != 0 ? 6 : 0);
    m.payload = copy_of(payload, (size_t)(end - payload));
    decode(&once, &m, &rules, 0);
    check(&once, m.received_ns);
    decode(&again, &m, &rules, 0x5A);
    check_same(&once, &again);
    free((char *)m.topic.at);
    free((char *)m.user.at);
    free((char *)m.client.at);
    free((char *)m.payload.at);
    return 0;
}
