/* The models that assets may be bound to. Published ones never change and are never taken back while the
 * program runs, so a pointer to one is enough. Owned by the floor's thread; shards read. */
#ifndef ENGINE_MODELS_H
#define ENGINE_MODELS_H

#include "andon/model.h"
#include "base/text.h"

#define MODELS_MAX 1024u

struct published {
    char name[ANDON_NAME_MAX];
    uint32_t version;
    uint32_t checksum;            /* CRC-32C of its bytes                       */
    uint32_t number;              /* 0, 1, ... in order of publication          */
    uint32_t store;               /* the store's number, 0 until it is known    */
    const struct andon_model *model;
    struct andon_arena arena;
    uint32_t channels;
};

struct models;

/* models_open reads models from dir (DIR/models), where a published model stands as
 * <checksum in 8 hex digits>.model. */
ANDON_MUST_CHECK andon_status models_open(const char *dir, struct models **models, andon_error *err);
void models_close(struct models *models); /* NULL is allowed */

/* models_keep checks that the file at path is a model, copies it into dir under its checksum (a file
 * that is there stays) and gives the checksum. Any thread. */
ANDON_MUST_CHECK andon_status models_keep(const char *dir, const char *path, uint32_t *checksum,
                                          andon_error *err);

/* models_publish gives the model with this checksum, loading it from dir when it is new. */
ANDON_MUST_CHECK andon_status models_publish(struct models *models, struct text name,
                                             uint32_t version, uint32_t checksum,
                                             const struct published **model, andon_error *err);

uint32_t models_count(const struct models *models);
struct published *models_at(const struct models *models, uint32_t number);

#endif
