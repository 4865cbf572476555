/* A model as a file. */
#ifndef CLI_MODEL_FILE_H
#define CLI_MODEL_FILE_H

#include "andon/model.h"
#include "ingest/samples.h"
#include "ingest/vocabulary.h"

#define MODEL_FILE_BYTES_MAX ((size_t)2 << 30)

/* model_file_load reads a model; it lives in arena, which it also initialises and which the caller
 * frees, whatever happened.
 * ANDON_EIO      the path cannot be read
 * ANDON_EFORMAT  no model, cut, flipped, another version */
ANDON_MUST_CHECK andon_status model_file_load(const char *path, struct andon_arena *arena,
                                              struct andon_model **model, andon_error *err);

/* model_file_request asks for the columns that a model was trained with: its channels in order, and
 * the columns its notes name. *channel (channels of the model) is filled from arena. */
ANDON_MUST_CHECK andon_status model_file_request(const struct andon_model *model, const char *path,
                                                 struct andon_arena *arena,
                                                 struct samples_request *request, andon_error *err);

/* model_file_regimes lists the model's regimes. */
void model_file_regimes(const struct andon_model *model, struct vocabulary *regimes);

#endif
