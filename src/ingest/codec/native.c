/* andon's own door: {"asset":"site/line/pump1","ts":"...","values":{...}}, an array of such or a
 * line each. */
#include "ingest/codec/topic.h"

static bool native_takes(const struct message *m)
{
    return m->door == MESSAGE_NATIVE || m->door == MESSAGE_FILE;
}

static bool native_read(struct intake *in, const struct place *around)
{
    struct place place = topic_place(around, in->message->topic);
    place.objects = place.native = true;
    return payload_read(in, &place);
}

const struct shape shape_native = {"native", native_takes, native_read};
