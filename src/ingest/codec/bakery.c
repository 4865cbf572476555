/* The bakery: topic/fryer, topic/productionline, topic/assemblyline, in an envelope or not. */
#include "ingest/codec/topic.h"

static const struct text bakery = {"topic/", 6};

struct text topic_asset(struct text topic)
{
    bool theirs = text_starts(topic, bakery) && topic.length > bakery.length &&
                  memchr(topic.at + bakery.length, '/', topic.length - bakery.length) == NULL;
    return theirs ? topic_behind(topic, bakery.length) : topic;
}

static bool bakery_takes(const struct message *m)
{
    return topic_asset(m->topic).length != m->topic.length;
}

static bool bakery_read(struct intake *in, const struct place *around)
{
    struct place place = topic_place(around, topic_asset(in->message->topic));
    place.aliases = false; /* its Temperature is not our temperature */
    return payload_read(in, &place);
}

const struct shape shape_bakery = {"bakery", bakery_takes, bakery_read};
