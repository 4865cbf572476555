/* Models that are kept and published by their checksum. */
#include "engine/models.h"

#include <sys/stat.h>
#include <unistd.h>

#include "andon/rng.h"
#include "test.h"

enum { ROWS = 400, CHANNELS = 2 };

static char dir[64];

/* A small model whose first channel has that name, as a file below dir. */
static bool make(const char *file, const char *channel)
{
    static double value[ROWS][CHANNELS];
    const char *names[CHANNELS] = {channel, "flow"};
    struct andon_arena arena, scratch;
    struct andon_model *model;
    struct andon_writer bytes;
    struct andon_rng rng;
    andon_error err;
    char path[128];
    andon_rng_seed(&rng, 1);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < CHANNELS; c++) value[i][c] = andon_rng_normal(&rng);
    struct andon_training t = {.schema = {.channels = CHANNELS, .channel = names},
                               .series = {ROWS, CHANNELS, value[0], NULL, NULL, NULL},
                               .detector = "pca", .budget_per_day = 3.0, .interval_s = 60.0,
                               .kernel = ANDON_KERNEL_PLAIN};
    andon_arena_init(&arena, andon_allocator_libc(), (size_t)64 << 20);
    andon_arena_init(&scratch, andon_allocator_libc(), (size_t)64 << 20);
    bool good = andon_model_fit(&t, &scratch, &arena, &model, &err) == ANDON_OK;
    andon_writer_init(&bytes, &scratch);
    if (good) andon_model_save(model, &bytes);
    snprintf(path, sizeof path, "%s/%s", dir, file);
    FILE *out = good ? fopen(path, "wb") : NULL;
    good = out != NULL && fwrite(bytes.data, 1, bytes.size, out) == bytes.size && fclose(out) == 0;
    andon_arena_free(&arena);
    andon_arena_free(&scratch);
    return good;
}

static bool begin(void)
{
    strcpy(dir, "/tmp/andon_models_XXXXXX");
    return mkdtemp(dir) != NULL && make("one.model", "temperature") && make("two.model", "pressure");
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) abort();
}

static andon_status keep(const char *file, uint32_t *checksum, andon_error *err)
{
    char path[128], kept[128];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(kept, sizeof kept, "%s/kept", dir);
    return models_keep(kept, path, checksum, err);
}

TEST(two_models_have_two_checksums_and_each_comes_back_by_its_own)
{
    uint32_t checksum[2] = {0, 0};
    struct models *models = NULL;
    const struct published *p[2] = {NULL, NULL};
    andon_error err = {""};
    char kept[128];
    bool good = begin() && keep("one.model", &checksum[0], &err) == ANDON_OK &&
                keep("two.model", &checksum[1], &err) == ANDON_OK;
    snprintf(kept, sizeof kept, "%s/kept", dir);
    good = good && models_open(kept, &models, &err) == ANDON_OK;
    for (int i = 0; i < 2 && good; i++)
        good = models_publish(models, TEXT("m"), 1, checksum[i], &p[i], &err) == ANDON_OK;
    bool right = good && checksum[0] != checksum[1] && p[0] != p[1] &&
                 strcmp(andon_recipe_channel(andon_model_recipe(p[0]->model), 0), "temperature") == 0 &&
                 strcmp(andon_recipe_channel(andon_model_recipe(p[1]->model), 0), "pressure") == 0;
    models_close(models);
    end();
    CHECK_SAY(good, "%s", err.text);
    CHECK(right);
}

TEST(what_is_no_model_is_not_kept_and_what_changed_is_not_published)
{
    uint32_t checksum;
    struct models *models;
    const struct published *p;
    andon_error err = {""}, changed = {""};
    char path[160], command[256];
    bool good = begin() && keep("one.model", &checksum, &err) == ANDON_OK;
    snprintf(path, sizeof path, "%s/text.model", dir);
    FILE *text = fopen(path, "w");
    good = good && text != NULL && fputs("no model", text) > 0 && fclose(text) == 0;
    uint32_t none;
    bool refused = good && keep("text.model", &none, &err) == ANDON_EFORMAT;
    snprintf(command, sizeof command, "printf x | dd of=%s/kept/%08x.model bs=1 seek=40 conv=notrunc 2>/dev/null",
             dir, (unsigned)checksum);
    good = good && system(command) == 0;
    snprintf(path, sizeof path, "%s/kept", dir);
    good = good && models_open(path, &models, &err) == ANDON_OK;
    bool unpublished = good && models_publish(models, TEXT("m"), 1, checksum, &p, &changed) == ANDON_EFORMAT;
    if (good) models_close(models);
    end();
    CHECK(good && refused);
    CHECK_SAY(unpublished && changed.text[0] != 0, "%s", changed.text);
}
