/* A recipe turns samples into rows of features: derive, gate, scale per regime, compress far out,
 * roll. It is fitted once, stored in the model, and is the same code in training and in scoring.
 *
 * The way of a sample (doubles until the last step):
 *   channels -> derived channels (differences, sums, products, ratios, as-of references, RMS to peak)
 *            -> centred and scaled per regime, noise floor 0.01 of the training range
 *            -> compressed logarithmically beyond `compress`
 *            -> rolling mean, deviation, difference over `window` samples; ratios and products of
 *               scaled values -> rounded to a grid of 2^-20 and cast to float32
 * The grid makes a row's features independent of an offset or gain on its channels. */
#ifndef ANDON_RECIPE_H
#define ANDON_RECIPE_H

#include <stdbool.h>

#include "arena.h"
#include "bytes.h"
#include "detector.h"
#include "option.h"
#include "series.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_CHANNELS_MAX 4096u
#define ANDON_REGIMES_MAX 64u

/* What the channels are called. Borrowed. */
struct andon_schema {
    uint32_t channels;
    const char *const *channel; /* channel[channels], distinct, shorter than ANDON_NAME_MAX    */
    uint32_t regimes;           /* 0: no regime column                                         */
    const char *const *regime;  /* regime[regimes], the text of each index                     */
};

/* The options of a recipe as andon_option_set takes them: scale, window, features, derive, asof,
 * peak, after, compress, floor, ... ; `andon detectors` prints them. */
struct andon_recipe_options {
    int32_t scale;                  /* deviation | robust | standard | minmax | none            */
    bool per_regime;                /* scale each regime by its own figures                     */
    double compress;                /* |z| beyond which values grow logarithmically; 0: never   */
    double floor;                   /* least spread, as part of the channel's training range    */
    double step;                    /* what a change of a channel scores that never changed     */
    char derive[ANDON_OPTION_TEXT]; /* "power=torque*speed;dt=process-air"; + - * / of channels */
    char hide[ANDON_OPTION_TEXT];   /* "process;air": channels that only serve as sources       */
    char asof[ANDON_OPTION_TEXT];   /* "motor-ambient" pairs: last known value of the second    */
    double asof_age_s;              /* how old that value may be                                */
    char peak[ANDON_OPTION_TEXT];   /* "vibration=sine;axial=half_wave;other=1.7"               */
    char features[ANDON_OPTION_TEXT]; /* of value, mean, sd, diff, trend                        */
    char window[ANDON_OPTION_TEXT]; /* samples per rolling figure: "10" or "10,20,30"           */
    double gap;                     /* windows start anew after this many intervals of silence  */
    char after[ANDON_OPTION_TEXT];  /* of scaled values: "temp_vib=temperature/vibration;..."   */
};
extern const struct andon_option andon_recipe_table[];

struct andon_recipe;

/* andon_recipe_fit learns centres and spreads from the samples of training that run and are present.
 *   train   in   samples with names in schema; samples of unknown regime teach the global fallback
 *   arena   out  owns the recipe
 * ANDON_EINVAL  an option names a channel that is not there (err names it)
 * ANDON_EDATA   a channel without a single value (err names it), no running sample
 * Time O(n c log n) for robust scaling, O(n c) otherwise. */
ANDON_MUST_CHECK andon_status andon_recipe_fit(const struct andon_schema *schema,
                                               const struct andon_series *train,
                                               const struct andon_recipe_options *options,
                                               struct andon_arena *scratch,
                                               struct andon_arena *arena,
                                               struct andon_recipe **recipe, andon_error *err);

uint32_t andon_recipe_channels(const struct andon_recipe *recipe);
const char *andon_recipe_channel(const struct andon_recipe *recipe, uint32_t channel);
uint32_t andon_recipe_regimes(const struct andon_recipe *recipe);
const char *andon_recipe_regime(const struct andon_recipe *recipe, uint32_t regime);
uint32_t andon_recipe_features(const struct andon_recipe *recipe);
const struct andon_feature *andon_recipe_feature(const struct andon_recipe *recipe); /* [features] */

/* What a recipe remembers of one machine: its windows and last reference values. A flat block
 * without pointers. */
size_t andon_recipe_memory_bytes(const struct andon_recipe *recipe);
void andon_recipe_memory_init(const struct andon_recipe *recipe, void *memory);

/* andon_recipe_apply turns n samples into n rows.
 *   x        out  x[n][features]; a missing feature stands at its centre (0)
 *   missing  out  missing[n][channels]: 1 where the channel's value is missing; may be NULL
 * Samples that do not run leave the windows as they were and give rows of 0. Allocates nothing;
 * a row depends on the samples before it alone. */
void andon_recipe_apply(const struct andon_recipe *recipe, void *memory,
                        const struct andon_series *series, float *x, uint8_t *missing);

/* andon_recipe_warm says whether the windows have been full since the last gap. */
bool andon_recipe_warm(const struct andon_recipe *recipe, const void *memory);

/* andon_recipe_engineering maps a scaled value back to engineering units (for `expected`, `lower`,
 * `upper`): what channel would read at z spreads from the centre of that regime. */
double andon_recipe_engineering(const struct andon_recipe *recipe, uint32_t channel, int32_t regime,
                                double z);

void andon_recipe_save(const struct andon_recipe *recipe, struct andon_writer *out);
ANDON_MUST_CHECK andon_status andon_recipe_load(struct andon_reader *in, struct andon_arena *arena,
                                                struct andon_recipe **recipe, andon_error *err);

/* andon_running reads a status cell: 1 running, 0 not, ANDON_RUNNING_UNKNOWN. Numbers: above 0.5
 * runs. Words in any case: running, on, active, true, yes, operational ... and their opposites. */
int andon_running(const char *text, size_t length);

#ifdef __cplusplus
}
#endif
#endif
