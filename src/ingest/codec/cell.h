/* Values that are written without quotes or types: cells of CSV, bare payloads, properties. */
#ifndef INGEST_CODEC_CELL_H
#define INGEST_CODEC_CELL_H

#include "ingest/codec/pull.h"

/* cell_value makes a value of a written one: a number, true or false, nothing (number_missing), or
 * a text. */
struct value cell_value(struct text cell);

#endif
