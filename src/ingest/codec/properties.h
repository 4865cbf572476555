/* Properties at the end of a hub's topic: "temperatureAlert=true&%24.ct=application%2Fjson". */
#ifndef INGEST_CODEC_PROPERTIES_H
#define INGEST_CODEC_PROPERTIES_H

#include "ingest/codec/draft.h"

/* properties_put makes channels of the draft's properties: true and false are flags, everything
 * else is a text; names that begin with '$' are the hub's own. False: as draft_put. */
bool properties_put(struct draft *d);

#endif
