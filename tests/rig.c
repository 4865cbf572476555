#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct rig_shape rig_shapes[RIG_SHAPES] = {
    {"one feature", RIG_CORRELATED, 1, 300},       {"three features", RIG_CORRELATED, 3, 240},
    {"three with duplicates", RIG_DUPLICATES, 3, 300}, {"three, two constant", RIG_CONSTANT, 3, 240},
    {"one, constant", RIG_CONSTANT, 1, 200},       {"twenty-seven", RIG_CORRELATED, 27, 400}};

enum { RIG_BYTES = 64 << 20 };

static void *must(void *p)
{
    if (p == NULL) abort();
    return p;
}

/* Exactly bytes of rubbish, other rubbish every time, at a multiple of 64. */
static void *rubbish(size_t bytes)
{
    static unsigned turn;
    void *block = NULL;
    if (posix_memalign(&block, 64, bytes == 0 ? 1 : bytes) != 0) abort();
    memset(block, (int)(0x40u + ++turn * 0x1du % 0x80u), bytes);
    return block;
}

/* One row of d features moved by two hidden causes; a fault moves the first causes' features. */
static void draw_row(const struct rig_shape *shape, struct andon_rng *rng, double fault, float *row)
{
    double cause[2] = {andon_rng_normal(rng) + fault, andon_rng_normal(rng)};
    for (uint32_t j = 0; j < shape->d; j++) {
        double tilt = (double)(j % 5) / 4.0;
        double x = (1.0 - tilt) * cause[0] + tilt * cause[1] + 0.3 * andon_rng_normal(rng);
        row[j] = shape->kind == RIG_CONSTANT && j % 2 == 0 ? 0.0f : (float)x;
    }
}

static void draw_train(struct rig *rig, struct andon_rng *rng)
{
    uint32_t d = rig->shape->d;
    for (size_t i = 0; i < rig->shape->n; i++) {
        bool fault = rig->label != NULL && i % 5 == 4;
        if (rig->label != NULL) rig->label[i] = fault;
        float *row = rig->train + i * d;
        if (rig->shape->kind == RIG_DUPLICATES && i >= 60 && i % 3 != 0)
            memcpy(row, rig->train + (i % 60) * d, d * sizeof *row);
        else
            draw_row(rig->shape, rng, fault ? 4.0 : 0.0, row);
    }
}

/* Fresh normal rows, training rows over again, and rows far out, in turns. */
static void draw_rows(struct rig *rig, struct andon_rng *rng)
{
    uint32_t d = rig->shape->d;
    for (size_t i = 0; i < RIG_ROWS; i++) {
        float *row = rig->rows + i * d;
        draw_row(rig->shape, rng, i % 4 == 3 ? 6.0 : 0.0, row);
        if (i % 4 == 1) memcpy(row, rig->train + i * d, d * sizeof *row);
        if (i % 8 == 5) row[i % d] += (float)(5.0 + (double)i);
    }
}

static void name_features(struct rig *rig)
{
    rig->feature = must(andon_arena_array(&rig->arena, rig->shape->d, sizeof *rig->feature));
    for (uint32_t j = 0; j < rig->shape->d; j++) {
        struct andon_feature *f = &rig->feature[j];
        snprintf(f->name, sizeof f->name, "c%u", j);
        f->channel[0] = f->channel[1] = j;
        f->spread = 1.0;
        f->is_value = true;
    }
}

float *rig_floats(struct rig *rig, size_t count)
{
    return must(andon_arena_array(&rig->work, count, sizeof(float)));
}

double *rig_doubles(struct rig *rig, size_t count)
{
    return must(andon_arena_array(&rig->work, count, sizeof(double)));
}

andon_status rig_fit(struct rig *rig, struct andon_arena *scratch, struct andon_arena *arena,
                     struct andon_progress progress, void **model)
{
    struct andon_fit in = {.x = {rig->train, rig->shape->n, rig->shape->d},
                           .label = rig->label,
                           .classes = rig->label == NULL ? 0 : 2,
                           .feature = rig->feature,
                           .options = rig->options,
                           .seed = rig->seed,
                           .kernel = ANDON_KERNEL_PLAIN,
                           .progress = progress,
                           .scratch = scratch};
    rig->err.text[0] = 0;
    return rig->det->fit(&in, arena, model, &rig->err);
}

void rig_open(struct rig *rig, const struct andon_detector *det, const struct rig_shape *shape,
              uint64_t seed)
{
    struct andon_rng rng;
    *rig = (struct rig){.det = det, .shape = shape, .seed = seed};
    andon_arena_init(&rig->arena, andon_allocator_libc(), RIG_BYTES);
    andon_arena_init(&rig->scratch, andon_allocator_libc(), RIG_BYTES);
    andon_arena_init(&rig->work, andon_allocator_libc(), RIG_BYTES);
    rig->train = must(andon_arena_array(&rig->arena, shape->n * shape->d, sizeof(float)));
    rig->rows = must(andon_arena_array(&rig->arena, RIG_ROWS * shape->d, sizeof(float)));
    if (det->traits & ANDON_SUPERVISED)
        rig->label = must(andon_arena_array(&rig->arena, shape->n, sizeof(int32_t)));
    name_features(rig);
    andon_rng_seed(&rng, seed * 1000 + shape->d);
    draw_train(rig, &rng);
    draw_rows(rig, &rng);
    rig->options = must(andon_arena_take(&rig->arena, det->options_bytes));
    andon_options_default(det->options, rig->options);
    rig->fitted = rig_fit(rig, &rig->scratch, &rig->arena, (struct andon_progress){0}, &rig->model);
}

void rig_close(struct rig *rig)
{
    andon_arena_free(&rig->arena);
    andon_arena_free(&rig->scratch);
    andon_arena_free(&rig->work);
}

void *rig_memory(const struct rig *rig, const void *model)
{
    if (rig->det->memory_bytes == NULL) return NULL;
    void *memory = rubbish(rig->det->memory_bytes(model));
    rig->det->memory_init(model, memory);
    return memory;
}

void rig_score(const struct rig *rig, const void *model, void *memory, const float *rows, size_t n,
               double *score, float *share, enum andon_kernel kernel)
{
    void *scratch = rubbish(rig->det->scratch_bytes(model, n));
    rig->det->score(model, memory, (struct andon_rows){rows, n, rig->shape->d}, score, share,
                    scratch, kernel);
    free(scratch);
}

void rig_fresh(const struct rig *rig, const void *model, const float *rows, size_t n, double *score,
               float *share)
{
    void *memory = rig_memory(rig, model);
    rig_score(rig, model, memory, rows, n, score, share, ANDON_KERNEL_PLAIN);
    free(memory);
}
