/* Writes one small model per detector, and an ensemble, into the directory named on the command
 * line: what the fuzzer of models starts from, in the format of the day. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "andon/andon.h"

enum { ROWS = 160, CHANNELS = 3, SETTINGS = 7 };

static const struct {
    const char *name, *setting[2][2];
} seeds[] = {{"iforest", {{"trees", "3"}, {"samples", "16"}}},
             {"lof", {{"k", "3"}, {"rows_max", "24"}}},
             {"knn", {{"k", "3"}, {"rows_max", "24"}}},
             {"autoencoder", {{"layers", "2"}, {"steps", "40"}}},
             {"pca", {{"components", "0.9"}, {"statistic", "both"}}},
             {"mahalanobis", {{"ridge", "0.2"}, {"robust", "yes"}}},
             {"limits", {{"limits", "flow=1:9"}, {"recipe.per_regime", "no"}}},
             {"level", {{"memory", "600"}, {"length", "8"}}},
             {"logistic", {{"c", "1"}, {"balanced", "yes"}}},
             {"forest", {{"trees", "3"}, {"depth", "4"}}},
             {"ensemble", {{"knn.rows_max", "24"}, {"members", "mahalanobis,knn=2"}}}};
enum { SEEDS = sizeof seeds / sizeof *seeds };

struct plant {
    double value[ROWS][CHANNELS];
    int64_t ts_ns[ROWS];
    int32_t regime[ROWS], label[ROWS];
};

static void plant_fill(struct plant *p)
{
    struct andon_rng rng;
    andon_rng_seed(&rng, 4);
    for (size_t i = 0; i < ROWS; i++) {
        p->label[i] = i % 16 > 12 ? (int32_t)(i % 16) - 12 : 0;
        p->regime[i] = i / 40 % 2 == 0 ? 0 : 1;
        p->ts_ns[i] = (int64_t)i * 60000000000;
        for (int c = 0; c < CHANNELS; c++)
            p->value[i][c] = 5.0 + c + andon_rng_normal(&rng) + 4.0 * p->label[i];
    }
}

static int fail(const char *what, const andon_error *err)
{
    fprintf(stderr, "model_seeds: %s: %s\n", what, err->text);
    return 1;
}

static int write_file(const char *directory, const char *name, const struct andon_writer *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.model", directory, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(out->data, 1, out->size, f) != out->size || fclose(f) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

static int make_seed(const struct plant *p, size_t k, const char *directory,
                     struct andon_arena *arena, struct andon_arena *scratch)
{
    static const char *const channel[CHANNELS] = {"flow", "T-in [C]", "speed"};
    static const char *const regime[2] = {"idle", "load"};
    static const char *const class_name[4] = {"normal", "leak", "wear", "block"};
    const struct andon_setting setting[SETTINGS] = {
        {seeds[k].setting[0][0], seeds[k].setting[0][1]},
        {seeds[k].setting[1][0], seeds[k].setting[1][1]},
        {"recipe.features", "value,mean,diff"}, {"recipe.window", "3"},
        {"recipe.derive", "lift=flow*speed"},   {"recipe.after", "r=flow/speed"},
        {"recipe.asof", "dt=T-in [C]-speed"}};
    const struct andon_detector *d = andon_detector_named(seeds[k].name);
    bool labelled = d != NULL && (d->traits & ANDON_SUPERVISED) != 0;
    struct andon_training t = {
        .schema = {CHANNELS, channel, 2, regime},
        .series = {ROWS, CHANNELS, p->value[0], p->ts_ns, NULL, p->regime},
        .label = labelled ? p->label : NULL, .classes = labelled ? 4 : 0,
        .class_name = labelled ? class_name : NULL,
        .detector = seeds[k].name, .budget_per_day = 3.0, .interval_s = 60.0,
        .setting = setting, .settings = SETTINGS, .seed = 1, .kernel = ANDON_KERNEL_PLAIN};
    struct andon_model *model = NULL;
    struct andon_writer out;
    andon_error err = {{0}};
    andon_status st = andon_model_fit(&t, scratch, arena, &model, &err);
    if (st == ANDON_OK) st = andon_model_note(model, arena, "time", "ts", &err);
    if (st != ANDON_OK) return fail(seeds[k].name, &err);
    andon_writer_init(&out, arena);
    andon_model_save(model, &out);
    return write_file(directory, seeds[k].name, &out);
}

int main(int argc, char **argv)
{
    static struct plant plant;
    int status = argc == 2 ? 0 : 2;
    plant_fill(&plant);
    for (size_t k = 0; k < SEEDS && status == 0; k++) {
        struct andon_arena arena, scratch;
        andon_arena_init(&arena, andon_allocator_libc(), (size_t)1 << 28);
        andon_arena_init(&scratch, andon_allocator_libc(), (size_t)1 << 28);
        status = make_seed(&plant, k, argv[1], &arena, &scratch);
        andon_arena_free(&arena);
        andon_arena_free(&scratch);
    }
    return status;
}
