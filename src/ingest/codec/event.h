/* CloudEvents 1.0 in JSON: another message inside this one. */
#ifndef INGEST_CODEC_EVENT_H
#define INGEST_CODEC_EVENT_H

#include "ingest/codec/draft.h"

/* event_read reads the event that was just entered. Its data is decoded as the payload of a message
 * whose topic is the event's subject (else the topic it came by, else its source); its time is for
 * readings that have none. As object_read. */
bool event_read(struct intake *in, struct pull *p, const struct place *place);

#endif
