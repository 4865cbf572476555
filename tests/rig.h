/* A rig is one detector fitted on seeded random rows, with fresh rows to score: what the laws of
 * every detector are tried on. Memory and scratch are exactly as large as the detector asked for and
 * filled with rubbish, so that a sanitizer sees a step beside them and no score can hang on them. */
#ifndef RIG_H
#define RIG_H

#include "andon/andon.h"

enum rig_kind {
    RIG_CORRELATED, /* two hidden causes behind all features, and noise     */
    RIG_DUPLICATES, /* the same, two thirds of the rows from twelve rows    */
    RIG_CONSTANT    /* the same, every other feature never changed          */
};

struct rig_shape {
    const char *name;
    enum rig_kind kind;
    uint32_t d;
    size_t n; /* training rows */
};

enum { RIG_SHAPES = 6, RIG_ROWS = 48 };
extern const struct rig_shape rig_shapes[RIG_SHAPES];
#define RIG_SMALL (&rig_shapes[1]) /* for laws that fit many times */

/* Owned by one test. Everything lives until rig_close. */
struct rig {
    const struct andon_detector *det;
    const struct rig_shape *shape;
    uint64_t seed;
    struct andon_arena arena, scratch, work; /* work: rewound between laws */
    float *train;                            /* train[shape->n][d]         */
    int32_t *label;                          /* label[shape->n] or NULL    */
    float *rows;                             /* rows[RIG_ROWS][d]          */
    struct andon_feature *feature;
    void *options;
    void *model;
    andon_status fitted;
    andon_error err;
};

/* rig_open draws the rows and fits. */
void rig_open(struct rig *rig, const struct andon_detector *det, const struct rig_shape *shape,
              uint64_t seed);
void rig_close(struct rig *rig);

/* rig_fit fits the rig's rows once more, into other arenas. */
andon_status rig_fit(struct rig *rig, struct andon_arena *scratch, struct andon_arena *arena,
                     struct andon_progress progress, void **model);

/* rig_floats and rig_doubles take room that lives as long as the rig. */
float *rig_floats(struct rig *rig, size_t count);
double *rig_doubles(struct rig *rig, size_t count);

/* What a detector remembers: fresh, exactly memory_bytes; NULL for a detector without memory. */
void *rig_memory(const struct rig *rig, const void *model);

/* rig_score scores rows[n][d]; share may be NULL. */
void rig_score(const struct rig *rig, const void *model, void *memory, const float *rows, size_t n,
               double *score, float *share, enum andon_kernel kernel);

/* rig_fresh scores from a fresh memory with the plain kernel. */
void rig_fresh(const struct rig *rig, const void *model, const float *rows, size_t n, double *score,
               float *share);

#endif
