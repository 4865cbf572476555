/* Which model is published for which assets. The latest publication whose pattern matches counts. */
#ifndef ENGINE_PUBLICATION_H
#define ENGINE_PUBLICATION_H

#include "andon/bytes.h"
#include "engine/models.h"

#define PUBLICATIONS_MAX 1024u
#define PUBLICATION_MATCH_MAX 512u

struct publication {
    char match[PUBLICATION_MATCH_MAX]; /* '*' for anything but '/', "**" for anything, '?' one byte */
    const struct published *model;
};

struct publications { /* a zeroed one is empty */
    const struct published *candidate; /* stands in for every model; NULL: none */
    uint32_t count;
    struct publication list[PUBLICATIONS_MAX];
};

/* A JOURNAL_MODEL record's body: "match\tname\tversion\tchecksum", numbers in decimal and hex. */
size_t publication_write(char *room, size_t room_bytes, const char *match, const char *name,
                         uint32_t version, uint32_t checksum);

/* publications_take reads one; false: not one, or its model cannot be loaded (it is logged). */
bool publications_take(struct publications *p, struct models *models, const uint8_t *body,
                       uint32_t size);

/* NULL: no model for that path. */
const struct published *publications_find(const struct publications *p, struct text path);

/* The version of name that is published for exactly this pattern, 0: none. */
uint32_t publications_version(const struct publications *p, const char *match, const char *name,
                              uint32_t *checksum);

void publications_save(const struct publications *p, struct andon_writer *out);
bool publications_load(struct publications *p, struct models *models, struct andon_reader *in);

#endif
