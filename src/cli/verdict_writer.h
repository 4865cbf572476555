/* Verdicts as lines of CSV. */
#ifndef CLI_VERDICT_WRITER_H
#define CLI_VERDICT_WRITER_H

#include "andon/model.h"
#include "cli/output.h"
#include "ingest/csv.h"

/* Owned by the main thread. */
struct verdict_writer {
    struct output *out;
    uint32_t channels;
    char **name; /* name[channels]: as CSV cells    */
    bool explain;
    size_t row_bytes; /* of the longest row, without its time */
    uint64_t row;
};

/* verdict_writer_start writes the header. verdict_writer_end frees; safe on a zeroed struct.
 * ANDON_ENOMEM */
ANDON_MUST_CHECK andon_status verdict_writer_start(struct verdict_writer *w, struct output *out,
                                                   const struct andon_recipe *recipe, bool explain,
                                                   andon_error *err);
void verdict_writer_end(struct verdict_writer *w);

/* verdict_writer_row writes the next row; time as in the input; share[channels] with explain. */
void verdict_writer_row(struct verdict_writer *w, struct csv_cell time,
                        const struct andon_verdict *verdict, const float *share);

#endif
