/* A detector is one const table. It learns from rows x[n][d] and maps a row to one raw score, higher
 * meaning more anomalous. Everything else - option parsing, help, docs, conformance tests,
 * calibration - follows from the table; list it in src/detect/registry.c. */
#ifndef ANDON_DETECTOR_H
#define ANDON_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "bytes.h"
#include "kernel.h"
#include "option.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ANDON_DETECTOR_ABI 1u
#define ANDON_NAME_MAX 96     /* bytes of a channel's or feature's name, with its 0 */
#define ANDON_FEATURES_MAX 16384u

/* Rows of scaled features, row-major, stride d. Borrowed. */
struct andon_rows {
    const float *x; /* x[n][d] */
    size_t n;
    uint32_t d;
};

/* Where a feature comes from. */
struct andon_feature {
    char name[ANDON_NAME_MAX]; /* "vibration", "vibration.mean10", "power"               */
    uint32_t channel[2];       /* the channels behind it, equal when there is just one   */
    double centre, spread;     /* engineering value = centre + x * spread before compression;
                                  0 and 0 when it has none (regimes differ, or derived)  */
    bool is_value;             /* the channel's own present value (not a rolling figure) */
    double compress;           /* |x| beyond which x is compress * (1 + ln(|x| / compress));
                                  0: never                                               */
};

/* Called now and then by long fits with the part done in [0, 1]; true asks the fit to stop, which
 * then returns ANDON_ESTOP. A zeroed struct is fine. */
struct andon_progress {
    bool (*tell)(void *context, double part);
    void *context;
};
bool andon_progress_stops(const struct andon_progress *progress, double part);

/* What a fit learns from. All borrowed for the call. */
struct andon_fit {
    struct andon_rows x;                 /* all finite; in order of time                        */
    const int32_t *label;                /* label[n], 0 normal, 1..classes-1 a kind of fault;
                                            NULL for a detector without ANDON_SUPERVISED        */
    uint32_t classes;                    /* with labels: at least 2                             */
    const struct andon_feature *feature; /* feature[d], or NULL                                 */
    const void *options;                 /* the detector's options struct                       */
    uint64_t seed;                       /* same seed, same rows, same kernel: same bytes       */
    enum andon_kernel kernel;
    struct andon_progress progress;
    struct andon_arena *scratch;         /* working room; the fit rewinds it before returning   */
};

enum andon_detector_traits {
    ANDON_SUPERVISED = 1u << 0, /* needs labels of both kinds                                    */
    ANDON_ONE_FEATURE = 1u << 1, /* judges each channel's value for itself                       */
    ANDON_WANTS_ROLLING = 1u << 2, /* is better with rolling features beside the values          */
    ANDON_WANTS_PLAIN = 1u << 3, /* the channels' values only, no rolling features               */
    ANDON_TAIL_SCORE = 1u << 4   /* the raw score is -log10 of a chance, comparable as it stands */
};

struct andon_detector {
    uint32_t abi;        /* ANDON_DETECTOR_ABI                            */
    const char *name;    /* "iforest"                                     */
    const char *title;   /* "Isolation forest"                            */
    const char *source;  /* "Liu, Ting, Zhou, ICDM 2008"                  */
    uint32_t traits;     /* of andon_detector_traits                      */
    const struct andon_option *options; /* ends with .name == NULL        */
    size_t options_bytes;

    /* fit learns a model, which lives in arena and is read-only once returned, so that threads may
     * share it. ANDON_EDATA too few rows, one class only; ANDON_ENOMEM arena limit; ANDON_ESTOP. */
    andon_status (*fit)(const struct andon_fit *in, struct andon_arena *arena, void **model,
                        andon_error *err);

    /* Optional: what a detector remembers from row to row (levels, regimes, sums). memory_bytes is
     * NULL for a detector without memory. A memory is one flat block of bytes without pointers,
     * 64-byte aligned, so that a checkpoint can copy it; a missing one (NULL) is never passed. */
    size_t (*memory_bytes)(const void *model);
    void (*memory_init)(const void *model, void *memory);

    /* scratch_bytes says how much working room score needs for batches of up to n rows. */
    size_t (*scratch_bytes)(const void *model, size_t n);

    /* score gives score[n] >= 0 and, where share is not NULL, share[n][d]: how much each feature
     * contributed, >= 0, summing to 1 (all 0 when nothing stands out). A row holding a NaN scores
     * NaN, shares NaN and leaves the memory as it was. const model; never allocates, never fails.
     * A row's bits do not depend on the batch that it comes in; with a memory, only on the rows
     * before it. scratch is 64-byte aligned. */
    void (*score)(const void *model, void *memory, struct andon_rows x, double *score, float *share,
                  void *scratch, enum andon_kernel kernel);

    /* Optional, for ANDON_SUPERVISED: probability[n][classes], rows summing to 1, of as many classes
     * as the fit was told. */
    void (*classify)(const void *model, struct andon_rows x, float *probability, void *scratch,
                     enum andon_kernel kernel);
    uint32_t (*classes)(const void *model); /* with classify */

    /* Optional, with a memory: why the last row scored as it did, for people ("out_of_regime",
     * or NULL). */
    const char *(*memory_note)(const void *model, const void *memory);

    void (*save)(const void *model, struct andon_writer *out);
    /* load reads what save wrote, as hostile input. d is the number of features of the rows that
     * will be scored. ANDON_EFORMAT: cut, flipped or nonsense bytes. */
    andon_status (*load)(struct andon_reader *in, uint32_t d, struct andon_arena *arena,
                         void **model, andon_error *err);
};

/* The detectors of this build. */
size_t andon_detector_count(void);
const struct andon_detector *andon_detector_at(size_t index);
const struct andon_detector *andon_detector_named(const char *name); /* NULL: none of that name */

#ifdef __cplusplus
}
#endif
#endif
