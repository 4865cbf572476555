/* Levels of topics. */
#ifndef INGEST_CODEC_TOPIC_H
#define INGEST_CODEC_TOPIC_H

#include "ingest/codec/shapes.h"

/* topic_behind: what stands behind the first bytes of it. */
static inline struct text topic_behind(struct text text, uint32_t bytes)
{
    return (struct text){text.at + bytes, text.length - bytes};
}

/* topic_take takes the next level of a topic; false: there is none. */
bool topic_take(struct text *topic, struct text *level);

struct text topic_last(struct text topic);

/* topic_place is where readings of an asset belong, inside what is around them. */
struct place topic_place(const struct place *around, struct text asset);

#endif
