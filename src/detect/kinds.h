/* The labels of a supervised fit, counted and checked. Of the classes that the caller knows, only
 * the kinds that training holds are learned; they keep the classes' order, normal first. */
#ifndef DETECT_KINDS_H
#define DETECT_KINDS_H

#include "andon/model.h"

struct kinds {
    uint32_t kinds;                    /* at least 2                             */
    uint32_t kind[ANDON_CLASSES_MAX];  /* kind[kinds]: the class, ascending      */
    uint32_t place[ANDON_CLASSES_MAX]; /* place[classes]: the kind, if held      */
    uint64_t count[ANDON_CLASSES_MAX]; /* count[classes]: rows of each class     */
};

/* kinds_survey counts the labels. name: the detector, for err.
 * ANDON_EINVAL  no labels, or one outside [0, classes) (err names the row)
 * ANDON_EDATA   normal rows only, or none */
ANDON_MUST_CHECK andon_status kinds_survey(const struct andon_fit *in, const char *name,
                                           struct kinds *kinds, andon_error *err);

/* True for what a saved model may hold: kind[kinds] ascending below classes, normal first. */
bool kinds_sound(const uint32_t *kind, uint32_t kinds, uint32_t classes);

#endif
