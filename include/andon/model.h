/* A model: one recipe, one detector or an ensemble of several, one calibration, one card. Immutable
 * once fitted or loaded; threads may share it. A scorer is one machine's place in it. */
#ifndef ANDON_MODEL_H
#define ANDON_MODEL_H

#include "detector.h"
#include "recipe.h"
#include "series.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_MODEL_FORMAT 1u
#define ANDON_MEMBERS_MAX 16u
#define ANDON_CLASSES_MAX 64u

/* The three answers. */
enum andon_state { ANDON_NORMAL = 0, ANDON_ANOMALY, ANDON_UNKNOWN };

enum andon_reason {
    ANDON_REASON_NONE = 0,
    ANDON_MACHINE_OFF,
    ANDON_WARMING_UP,
    ANDON_STALE,
    ANDON_FROZEN,
    ANDON_BAD_QUALITY,
    ANDON_OUT_OF_REGIME,
    ANDON_NO_MODEL
};

const char *andon_state_name(enum andon_state state);    /* "NORMAL"                */
const char *andon_reason_name(enum andon_reason reason); /* "", "machine_off", ...   */

/* What andon says of one sample. */
struct andon_verdict {
    double score;     /* calibrated: 1.0 is the alarm budget's level; NaN: nothing to judge       */
    double p_value;   /* chance of a score at least this high on normal time; NaN with the score  */
    float share;      /* the leading channel's part of the score, 0..1                            */
    float confidence; /* part of the members' weight that is on the same side of 1, 0.5..1        */
    float coverage;   /* part of the model's channels that were there, 0..1                       */
    uint32_t channel; /* the channel that contributes most; ANDON_CHANNEL_NONE when none does     */
    uint8_t state;    /* enum andon_state                                                         */
    uint8_t reason;   /* enum andon_reason; with ANDON_ANOMALY: what else to know                 */
    uint8_t is_anomaly; /* 0 or 1                                                                 */
    uint8_t kind;     /* supervised: most likely kind of fault, else 0                            */
};
#define ANDON_CHANNEL_NONE UINT32_MAX

/* Key and value as given with --set. Keys: an option of the detector in use, of the recipe, of the
 * ensemble or the calibration, with or without its room in front ("recipe.window", "window"). */
struct andon_setting {
    const char *key, *value;
};

/* What a model learns from. Borrowed for the call. */
struct andon_training {
    struct andon_schema schema;
    struct andon_series series;
    const int32_t *label;        /* label[n]: 0 normal, else a kind of fault; NULL: none       */
    uint32_t classes;            /* number of kinds, normal included                            */
    const char *const *class_name; /* class_name[classes]                                       */
    const char *detector;        /* "auto", "ensemble" or a detector's name                     */
    double budget_per_day;       /* false alarm events a day that people accept, > 0            */
    double interval_s;           /* sampling interval; 0: unknown, taken as 60 s and said so    */
    const struct andon_setting *setting;
    size_t settings;
    uint64_t seed;
    enum andon_kernel kernel;
    struct andon_progress progress;
};

/* The verdict's own options: members, held_out, refit, gap, ... */
extern const struct andon_option andon_verdict_table[];

struct andon_model;

/* andon_model_fit learns a model that lives in arena; scratch is rewound.
 * ANDON_EINVAL  an unknown detector or setting (err names it)
 * ANDON_EDATA   too few rows, no normal rows, a channel without values (err says which) */
ANDON_MUST_CHECK andon_status andon_model_fit(const struct andon_training *training,
                                              struct andon_arena *scratch,
                                              struct andon_arena *arena,
                                              struct andon_model **model, andon_error *err);

/* andon_model_save appends the model's bytes to out (check out->full). */
void andon_model_save(const struct andon_model *model, struct andon_writer *out);

/* andon_model_load reads a model as hostile input.
 * ANDON_EFORMAT  no model, another format version, cut, flipped (one line says which) */
ANDON_MUST_CHECK andon_status andon_model_load(const void *data, size_t size,
                                               struct andon_arena *arena,
                                               struct andon_model **model, andon_error *err);

const struct andon_recipe *andon_model_recipe(const struct andon_model *model);
const char *andon_model_detector(const struct andon_model *model); /* "ensemble", "iforest", ... */
uint32_t andon_model_classes(const struct andon_model *model);
const char *andon_model_class(const struct andon_model *model, uint32_t index);

/* What is known of the model, as text for people, one "key: value" per line: detector, members and
 * weights, rows and time of training, rows and days of calibration, budget, the false-alarm rate
 * that this calibration time can certify with its one-sided 95 % bound, recipe, seed, kernel. */
const char *andon_model_card(const struct andon_model *model);

/* Notes that a program keeps with a model (names of the time, label, running and regime columns):
 * key and value, at most ANDON_NOTES_MAX; set before save. */
#define ANDON_NOTES_MAX 32u
#define ANDON_NOTE_BYTES_MAX 4096u
ANDON_MUST_CHECK andon_status andon_model_note(struct andon_model *model, struct andon_arena *arena,
                                               const char *key, const char *value,
                                               andon_error *err);
const char *andon_model_noted(const struct andon_model *model, const char *key); /* or NULL */

/* One machine's streaming state: windows, detector memories, alarm hysteresis. Lives in memory of
 * the caller, 64-byte aligned, scorer_bytes long; batch_max bounds a call of andon_scorer_run. */
struct andon_scorer;
size_t andon_scorer_bytes(const struct andon_model *model, size_t batch_max);
struct andon_scorer *andon_scorer_init(const struct andon_model *model, size_t batch_max,
                                       enum andon_kernel kernel, void *memory);

/* A machine is what a scorer remembers from row to row: a flat block of machine_bytes without pointers,
 * 64-byte aligned, that a checkpoint can copy and that means the same after the same model has been
 * loaded again by the same build. One scorer can serve many machines of a model in turn: attach
 * makes the next andon_scorer_run judge that machine. A scorer starts with a machine of its own. */
size_t andon_machine_bytes(const struct andon_model *model);
void andon_machine_init(const struct andon_model *model, void *machine);
void andon_scorer_attach(struct andon_scorer *scorer, void *machine);

enum andon_explain {
    ANDON_EXPLAIN_NONE = 0, /* verdict.channel only where it costs nothing                      */
    ANDON_EXPLAIN_ALARMS,   /* channel and share of rows that are anomalous                     */
    ANDON_EXPLAIN_ALL       /* of every row                                                     */
};

/* andon_scorer_run judges the samples of series (at most batch_max, the recipe's channels) in order.
 *   verdict  out  verdict[n]
 *   share    out  share[n][channels], >= 0, summing to 1 (all 0: nothing stands out; NaN: not
 *                 judged); may be NULL. Filled according to explain.
 * Allocates nothing, never fails. Row i depends on rows up to i alone. */
void andon_scorer_run(struct andon_scorer *scorer, const struct andon_series *series,
                      enum andon_explain explain, struct andon_verdict *verdict, float *share);

/* andon_scorer_run_machines is andon_scorer_run for rows of many machines, machine[n], those of one in
 * order: row i is judged by machine[i]. The same bits as one call per machine, but the members score
 * all rows in one batch. */
void andon_scorer_run_machines(struct andon_scorer *scorer, void *const *machine,
                               const struct andon_series *series, enum andon_explain explain,
                               struct andon_verdict *verdict, float *share);

#ifdef __cplusplus
}
#endif
#endif
