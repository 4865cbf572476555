/* JSON objects as samples. */
#ifndef INGEST_CODEC_OBJECT_H
#define INGEST_CODEC_OBJECT_H

#include "ingest/codec/draft.h"

#define OBJECT_MACHINES_MAX 16u /* arrays of machines in one object */

/* Arrays whose objects name a machine wait here: each object is a sample of an asset below. */
struct machines {
    struct text array[OBJECT_MACHINES_MAX];
    uint32_t count;
};

/* object_read makes samples of the object that was just entered: its keys are channels; nested
 * objects are flattened with points, arrays by their numbers ("a.0"); an array whose objects name a
 * machine (key_names_machine) becomes a sample of place->asset/machine each; envelopes are opened
 * (wrapper.h). What cannot be read is refused. False: the message ends or the JSON has a fault. */
bool object_read(struct intake *in, struct pull *p, const struct place *place);

/* object_flat is object_read for an object that is no envelope whatever its keys are. */
bool object_flat(struct intake *in, struct pull *p, const struct place *place);

/* object_fields gives the fields of the object that was just entered to the draft. False: as
 * draft_put, or the JSON has a fault. */
bool object_fields(struct draft *d, struct pull *p, struct machines *machines);

/* object_end makes samples of what the fields were: the draft's, and those of the machines in it;
 * or, when good is false, drops it and puts p behind the object (inside: p where the object was
 * entered). False: as object_read. */
bool object_end(struct draft *d, struct pull *p, const struct machines *machines, bool good,
                struct pull_mark inside);

#endif
