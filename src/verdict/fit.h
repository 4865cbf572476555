/* The working table of a fit. */
#ifndef VERDICT_FIT_H
#define VERDICT_FIT_H

#include "verdict/model.h"

/* Rows that may teach: running, with at least one value, and of a wanted label. */
struct lesson {
    const struct andon_training *training;
    struct andon_recipe_options recipe_options;
    struct andon_arena *scratch, *arena;
    struct andon_model *model;
    andon_error *err;

    size_t rows;       /* how many teach                                      */
    uint32_t *row;     /* row[rows]: their indices in the series              */
    int32_t *label;    /* label[rows]; all 0 without labels                   */
    float *x;          /* x[rows][features], after the present recipe         */
    double *raw;       /* raw[members][rows]                                  */
    double *u, *sorted; /* u[rows], sorted[rows]                              */
    double limit, usual; /* follow's, once the held-out rows have set them      */
};

/* lesson_recipe fits the recipe on the first part of the lesson's rows and applies it to all. */
ANDON_MUST_CHECK andon_status lesson_recipe(struct lesson *l, size_t rows,
                                            struct andon_arena *arena);

/* lesson_follow fits what present normal is on the first part of the lesson's rows and turns all rows
 * of x into deviations from it; nothing where the model does not follow. The limit beyond which
 * something is wrong comes from the rows after that part, or is kept from the fit before. */
ANDON_MUST_CHECK andon_status lesson_follow(struct lesson *l, size_t rows,
                                            struct andon_arena *arena);

/* lesson_members fits every member on rows [from, to) and the weights stay as they are.
 * keep NULL: all of them; else only rows with keep[i]. */
ANDON_MUST_CHECK andon_status lesson_members(struct lesson *l, size_t from, size_t to,
                                             const uint8_t *keep, struct andon_arena *arena,
                                             double progress_from, double progress_to);

/* lesson_score scores rows [from, to) with every member into raw, memories warmed on the `warm` rows
 * before. */
ANDON_MUST_CHECK andon_status lesson_score(struct lesson *l, size_t from, size_t to, size_t warm);

/* lesson_calibrate_held_out: fit on the first part, level from the last (no labels needed). */
ANDON_MUST_CHECK andon_status lesson_calibrate_held_out(struct lesson *l);

/* lesson_calibrate_folds: the level with the best F1 on out-of-fold rows of the training part. */
ANDON_MUST_CHECK andon_status lesson_calibrate_folds(struct lesson *l);

/* card_write makes the card's text from a finished model. */
ANDON_MUST_CHECK andon_status card_write(struct lesson *l);

#endif
