/* Published models: files named by their checksum, loaded once. */
#include "engine/models.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"

#define MODEL_BYTES_MAX ((size_t)1 << 30)
enum { PATH_ROOM = 4096 };

struct models {
    char dir[PATH_ROOM - 32];
    uint32_t count;
    struct published *list[MODELS_MAX];
};

static void model_path(char path[PATH_ROOM], const char *dir, uint32_t checksum)
{
    snprintf(path, PATH_ROOM, "%s/%08x.model", dir, (unsigned)checksum);
}

andon_status models_open(const char *dir, struct models **models, andon_error *err)
{
    struct models *m = calloc(1, sizeof *m);
    if (m == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for the list of models");
    if ((size_t)snprintf(m->dir, sizeof m->dir, "%s", dir) >= sizeof m->dir) {
        free(m);
        return andon_fail(err, ANDON_ELIMIT, "%s: the path is longer than %zu bytes", dir, sizeof m->dir);
    }
    *models = m;
    return ANDON_OK;
}

void models_close(struct models *m)
{
    if (m == NULL) return;
    for (uint32_t i = 0; i < m->count; i++) {
        andon_arena_free(&m->list[i]->arena);
        free(m->list[i]);
    }
    free(m);
}

/* The whole file in memory of malloc. */
static andon_status read_whole(const char *path, uint8_t **data, size_t *size, andon_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *data = NULL;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int why = errno;
        if (fd >= 0) close(fd);
        return andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(why));
    }
    *size = (size_t)st.st_size;
    if (st.st_size < 0 || *size > MODEL_BYTES_MAX) {
        close(fd);
        return andon_fail(err, ANDON_ELIMIT, "%s: larger than %zu bytes", path, MODEL_BYTES_MAX);
    }
    *data = malloc(*size + 1);
    size_t got = 0;
    while (*data != NULL && got < *size) {
        ssize_t n = read(fd, *data + got, *size - got);
        if (n <= 0) break;
        got += (size_t)n;
    }
    close(fd);
    if (*data != NULL && got == *size) return ANDON_OK;
    free(*data);
    *data = NULL;
    return andon_fail(err, *data == NULL ? ANDON_ENOMEM : ANDON_EIO, "%s: cannot be read", path);
}

/* What tells models apart. A model's file ends in the checksum of what stands before it, and the checksum
 * of both together is the same for every file: the end is left out. */
static uint32_t checksum_of(const uint8_t *data, size_t size)
{
    return andon_crc32c(0, data, size > 4 ? size - 4 : size);
}

/* Writes bytes under path.tmp and gives them their name when they are durable. */
static andon_status write_whole(const char *dir, const char *path, void *data, size_t size,
                                andon_error *err)
{
    char temporary[PATH_ROOM + 8];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return andon_fail(err, ANDON_EIO, "%s: %s", temporary, strerror(errno));
    struct iovec part = {data, size};
    andon_status st = disk_write(fd, &part, 1, 0, temporary, err);
    if (st == ANDON_OK) st = disk_sync(fd, temporary, err);
    close(fd);
    if (st == ANDON_OK && rename(temporary, path) != 0)
        st = andon_fail(err, ANDON_EIO, "%s: %s", path, strerror(errno));
    if (st != ANDON_OK) unlink(temporary);
    return st == ANDON_OK ? disk_sync_directory(dir, err) : st;
}

/* Whether the bytes are a model that this build can load. */
static andon_status check(const void *data, size_t size, const char *path, andon_error *err)
{
    struct andon_arena arena;
    struct andon_model *model;
    andon_error why;
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)4 << 30);
    andon_status st = andon_model_load(data, size, &arena, &model, &why);
    andon_arena_free(&arena);
    return st == ANDON_OK ? st : andon_fail(err, st, "%s: %s", path, why.text);
}

andon_status models_keep(const char *dir, const char *path, uint32_t *checksum, andon_error *err)
{
    uint8_t *data;
    size_t size;
    char kept[PATH_ROOM];
    andon_status st = read_whole(path, &data, &size, err);
    if (st != ANDON_OK) return st;
    st = check(data, size, path, err);
    *checksum = checksum_of(data, size);
    model_path(kept, dir, *checksum);
    if (st == ANDON_OK && mkdir(dir, 0750) != 0 && errno != EEXIST)
        st = andon_fail(err, ANDON_EIO, "%s: %s", dir, strerror(errno));
    if (st == ANDON_OK && access(kept, R_OK) != 0) st = write_whole(dir, kept, data, size, err);
    free(data);
    return st;
}

static andon_status load(const struct models *m, struct published *p, andon_error *err)
{
    char path[PATH_ROOM];
    uint8_t *data;
    size_t size;
    struct andon_model *model;
    model_path(path, m->dir, p->checksum);
    andon_status st = read_whole(path, &data, &size, err);
    if (st != ANDON_OK) return st;
    if (checksum_of(data, size) != p->checksum)
        st = andon_fail(err, ANDON_EFORMAT, "%s: its bytes are not the ones that were published", path);
    andon_arena_init(&p->arena, andon_allocator_libc(), (size_t)4 << 30);
    if (st == ANDON_OK) st = andon_model_load(data, size, &p->arena, &model, err);
    free(data);
    if (st != ANDON_OK) return st;
    p->model = model;
    p->channels = andon_recipe_channels(andon_model_recipe(model));
    return ANDON_OK;
}

andon_status models_publish(struct models *m, struct text name, uint32_t version, uint32_t checksum,
                            const struct published **model, andon_error *err)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct published *p = m->list[i];
        if (p->version == version && p->checksum == checksum && text_is(text_of(p->name), name)) {
            *model = p;
            return ANDON_OK;
        }
    }
    if (m->count == MODELS_MAX)
        return andon_fail(err, ANDON_ELIMIT, "more than %u published models", MODELS_MAX);
    struct published *p = calloc(1, sizeof *p);
    if (p == NULL) return andon_fail(err, ANDON_ENOMEM, "no memory for a model");
    p->version = version;
    p->checksum = checksum;
    p->number = m->count;
    if (name.length >= sizeof p->name) name.length = sizeof p->name - 1;
    memcpy(p->name, name.at, name.length);
    andon_status st = load(m, p, err);
    if (st != ANDON_OK) {
        andon_arena_free(&p->arena);
        free(p);
        return st;
    }
    m->list[m->count++] = p;
    *model = p;
    return ANDON_OK;
}

uint32_t models_count(const struct models *m)
{
    return m->count;
}

struct published *models_at(const struct models *m, uint32_t number)
{
    return m->list[number];
}
