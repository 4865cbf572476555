/* The result record, as every interface gives it. */
#ifndef SERVE_VERDICTS_H
#define SERVE_VERDICTS_H

#include "base/json.h"
#include "store/reader.h"

struct channels;

/* verdicts_put writes the members of a record into the object that is open, without timestamp and
 * asset. What is not known is left out. */
void verdicts_put(struct json *j, struct reader *reader, const struct channels *channels,
                  const struct store_verdict *verdict);

#endif
