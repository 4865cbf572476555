/* Patterns and the models published for them. */
#include "engine/publication.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plant/pattern.h"

size_t publication_write(char *room, size_t room_bytes, const char *match, const char *name,
                         uint32_t version, uint32_t checksum)
{
    int n = snprintf(room, room_bytes, "%s\t%s\t%u\t%08x", match, name, (unsigned)version,
                     (unsigned)checksum);
    return n < 0 || (size_t)n >= room_bytes ? 0 : (size_t)n;
}

static struct publication *with_match(struct publications *p, const char *match)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i].match, match) == 0) return &p->list[i];
    return NULL;
}

/* The latest publication stands last. */
static bool put(struct publications *p, const char *match, const struct published *model)
{
    struct publication *at = with_match(p, match);
    if (at == NULL && p->count == PUBLICATIONS_MAX) return false;
    if (at != NULL) {
        size_t behind = (size_t)(p->list + p->count - (at + 1));
        memmove(at, at + 1, behind * sizeof *at);
        p->count--;
    }
    at = &p->list[p->count++];
    snprintf(at->match, sizeof at->match, "%s", match);
    at->model = model;
    return true;
}

static bool publish(struct publications *p, struct models *models, const char *match,
                    const char *name, uint32_t version, uint32_t checksum)
{
    const struct published *model;
    andon_error err;
    if (models_publish(models, text_of(name), version, checksum, &model, &err) != ANDON_OK) {
        log_line(LOG_ERROR, "engine", "model not published", "%s", err.text);
        return false;
    }
    return put(p, match, model);
}

bool publications_take(struct publications *p, struct models *models, const uint8_t *body,
                       uint32_t size)
{
    char text[PUBLICATION_MATCH_MAX + ANDON_NAME_MAX + 64];
    char match[PUBLICATION_MATCH_MAX], name[ANDON_NAME_MAX];
    unsigned version, checksum;
    if (size >= sizeof text) return false;
    memcpy(text, body, size);
    text[size] = 0;
    if (sscanf(text, "%511[^\t]\t%95[^\t]\t%u\t%x", match, name, &version, &checksum) != 4)
        return false;
    return publish(p, models, match, name, version, checksum);
}

const struct published *publications_find(const struct publications *p, struct text path)
{
    for (uint32_t i = p->count; i > 0; i--)
        if (pattern_matches(text_of(p->list[i - 1].match), path))
            return p->candidate != NULL ? p->candidate : p->list[i - 1].model;
    return NULL;
}

uint32_t publications_version(const struct publications *p, const char *match, const char *name,
                              uint32_t *checksum)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct publication *one = &p->list[i];
        if (strcmp(one->match, match) != 0 || strcmp(one->model->name, name) != 0) continue;
        *checksum = one->model->checksum;
        return one->model->version;
    }
    return 0;
}

void publications_save(const struct publications *p, struct andon_writer *out)
{
    andon_put_u32(out, p->count);
    for (uint32_t i = 0; i < p->count; i++) {
        andon_put_text(out, p->list[i].match);
        andon_put_text(out, p->list[i].model->name);
        andon_put_u32(out, p->list[i].model->version);
        andon_put_u32(out, p->list[i].model->checksum);
    }
}

bool publications_load(struct publications *p, struct models *models, struct andon_reader *in)
{
    uint32_t count = andon_get_u32(in);
    for (uint32_t i = 0; i < count && !in->bad; i++) {
        char match[PUBLICATION_MATCH_MAX], name[ANDON_NAME_MAX];
        andon_get_text(in, match, sizeof match);
        andon_get_text(in, name, sizeof name);
        uint32_t version = andon_get_u32(in), checksum = andon_get_u32(in);
        if (!in->bad) (void)publish(p, models, match, name, version, checksum);
    }
    return !in->bad;
}
