/* How the laws go through all detectors. */
#ifndef LAWS_H
#define LAWS_H

#include "rig.h"
#include "test.h"

/* How many rigs of a detector a law is tried on. */
enum laws_extent {
    LAWS_ALL,        /* every shape, several seeds            */
    LAWS_EACH_SHAPE, /* every shape, one seed                 */
    LAWS_ONE_SHAPE   /* laws that fit many times: RIG_SMALL   */
};

/* laws_for_each tries a law on every registered detector. One that failed is not tried further. */
void laws_for_each(void (*law)(struct rig *), enum laws_extent extent);

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
