/* What a model consists of; immutable once fit or load has returned it. */
#ifndef VERDICT_MODEL_H
#define VERDICT_MODEL_H

#include "andon/model.h"
#include "verdict/calibration.h"

#define FOLLOW_WIDTH_MIN 1e-6

/* How present normal is followed: verdict/follow.h. */
struct follow_options {
    bool on;
    double tau;      /* rows in which a level follows, about                       */
    double slower;   /* this much slower while something is wrong                  */
    int64_t accept;  /* steady rows after which a new level is normal; 0: never    */
    double ridge;    /* added to the variances, as part of their mean              */
    double width_min; /* least deviation of a feature, >= FOLLOW_WIDTH_MIN         */
    double compress; /* deviations beyond which g grows logarithmically            */
    double moving;   /* part of the features that may move in a steady row         */
};

/* Settings of the verdict itself, as andon_option_set takes them. */
struct verdict_options {
    char members[ANDON_OPTION_TEXT]; /* "mahalanobis,knn" or "mahalanobis=2,knn=1"            */
    double held_out;                 /* last part of training that calibrates, not learns     */
    bool refit;                      /* learn once more from all of training after that       */
    double gap_s;                    /* anomalies closer than this are one event              */
    double tail_from;                /* quantile of held-out scores at which the tail starts  */
    int64_t confirm, of;             /* is_anomaly when so many of the last so many are above */
    double rare;                     /* false alarm events a row at most                      */
    double contamination;            /* level at this part of the training rows; 0: by budget */
    int64_t hold;                    /* an anomaly ends after so many rows at ...             */
    double off;                      /* ... a score of exp(-off) or less                      */
    int64_t smooth;                  /* rows over which the score's logarithm is averaged     */
    struct follow_options follow;
};

/* One detector of a model. Weights are given from 1 / MEMBER_WEIGHT_MAX to MEMBER_WEIGHT_MAX. */
#define MEMBER_WEIGHT_MAX 1e6
struct member {
    const struct andon_detector *detector;
    void *options;             /* the detector's options struct                  */
    void *model;               /* what its fit made                              */
    double weight;             /* of the weighted mean, > 0                      */
    struct compression compression;
};

struct note {
    char key[ANDON_NAME_MAX];
    char *value;
};

struct follow;

struct andon_model {
    const struct andon_recipe *recipe;
    const struct follow *follow; /* NULL: rows go to the detectors as they are           */
    struct verdict_options options;
    uint32_t members;
    struct member member[ANDON_MEMBERS_MAX];
    struct calibration calibration;
    uint32_t classes;
    char (*class_name)[ANDON_NAME_MAX]; /* class_name[classes]                         */
    uint32_t *longest_run;  /* longest_run[channels]: rows a value stood still in training */
    char detector[ANDON_NAME_MAX];
    const char *card;
    uint32_t notes;
    struct note note[ANDON_NOTES_MAX];
};

#endif
