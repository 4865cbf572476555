/* How the laws go through all detectors. */
#ifndef LAWS_H
#define LAWS_H

#include "rig.h"
#include "test.h"

/* laws_for_each tries a law on every registered detector: on every shape and seed, or (small) on one
 * shape and seed. A detector that failed is not tried further. */
void laws_for_each(void (*law)(struct rig *), bool small);

/* laws_try checks that the rig could be fitted, then tries the law on it. */
void laws_try(struct rig *rig, void (*law)(struct rig *));

/* LAW is CHECK_SAY with the rig's detector, shape and seed in front. */
#define LAW(rig, condition, format, ...)                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail(__FILE__, __LINE__, "%s, %s, SEED=%d: " format, (rig)->det->name,            \
                      (rig)->shape->name, (int)(rig)->seed __VA_OPT__(, ) __VA_ARGS__);            \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#endif
