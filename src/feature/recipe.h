/* What a fitted recipe consists of. Values are numbered: the base channels first, then the results of
 * as-of steps, then those of derive steps. */
#ifndef FEATURE_RECIPE_H
#define FEATURE_RECIPE_H

#include "andon/recipe.h"
#include "feature/scale.h"
#include "feature/step.h"
#include "feature/whole_row.h"
#include "feature/window.h"

#define WINDOWS_MAX 8u
#define RATIO_GUARD 1e-6
#define ASSUMED_INTERVAL_NS ((int64_t)60 * 1000000000) /* where samples carry no time */

enum feature_kind { FEATURE_VALUE, FEATURE_MEAN, FEATURE_SD, FEATURE_DIFF, FEATURE_TREND };
#define FEATURE_KINDS 5u

struct andon_recipe {
    struct andon_recipe_options options;
    uint32_t channels, regimes;
    char (*channel)[ANDON_NAME_MAX]; /* channel[channels]                                       */
    char (*regime)[ANDON_NAME_MAX];  /* regime[regimes]                                         */
    double *peak;                    /* peak[channels]: factor on each channel, mostly 1        */

    uint32_t steps, asofs;           /* the first asofs of step[steps] are as-of differences    */
    struct step step[STEPS_MAX];
    uint32_t values;                 /* channels + steps                                        */
    uint8_t *hidden;                 /* hidden[values]: only a source, no feature of its own    */
    struct scale *scale;             /* scale[regimes + 1][values]; the last row is global      */
    struct whole_scale *whole;       /* whole[regimes + 1]: the same once more for whole rows   */
    bool shows_all;                  /* the first features are the channels, and nothing else is a
                                        value: whole_row does                                   */

    uint32_t after_steps;
    struct step after[STEPS_MAX];    /* on scaled values                                        */

    bool kind[FEATURE_KINDS];
    uint32_t windows, window_max;    /* window_max 0: nothing rolls                             */
    uint32_t window[WINDOWS_MAX];
    int64_t gap_ns;                  /* 0: never                                                */

    uint32_t features;
    struct andon_feature *feature;   /* feature[features], in the order recipe_row writes them  */
};

/* recipe_plan fills everything that follows from names and options: steps, windows, hidden values
 * and room for scales. ANDON_EINVAL with the option's name, ANDON_ENOMEM. */
ANDON_MUST_CHECK andon_status recipe_plan(struct andon_recipe *recipe,
                                          const struct andon_schema *schema,
                                          const struct andon_recipe_options *options,
                                          struct andon_arena *arena, andon_error *err);

/* recipe_describe fills whole[] and feature[] once scales are known. */
ANDON_MUST_CHECK andon_status recipe_describe(struct andon_recipe *recipe,
                                              struct andon_arena *arena, andon_error *err);

/* recipe_regime_row says which row of scales counts: the global one for an unknown regime. */
static inline uint32_t recipe_regime_row(const struct andon_recipe *r, int32_t regime)
{
    return regime < 0 || (uint32_t)regime >= r->regimes ? r->regimes : (uint32_t)regime;
}

static inline const struct scale *recipe_scale(const struct andon_recipe *r, uint32_t value,
                                               int32_t regime)
{
    return &r->scale[(size_t)recipe_regime_row(r, regime) * r->values + value];
}

/* The last known values of as-of references. */
struct reference {
    double value;
    int64_t ts_ns; /* without a time column: a count of rows, so that no value is too old */
};

/* recipe_values computes one sample's values v[values] in engineering units. */
void recipe_values(const struct andon_recipe *recipe, struct reference *reference,
                   const double *sample, int64_t ts_ns, double *v);

#endif
