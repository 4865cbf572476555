/* A turned coordinate system in which the first axes carry most of the rows' spread, so that a few
 * coordinates already say that two rows are far apart. Distances stay what they are. */
#ifndef DETECT_ROTATION_H
#define DETECT_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "andon/arena.h"
#include "andon/detector.h"

#define ROTATION_MAX 96u /* features; wider rows only have their axes sorted by spread */

struct rotation {
    uint32_t d;
    double *centre;  /* centre[d], the mean                                    */
    double *basis;   /* basis[d in][d out], orthonormal; NULL: axes are sorted */
    uint32_t *order; /* order[d out], the axis it takes where there is no basis */
};

/* rotation_fit finds the principal axes of x; false: an arena has no room. temporary is rewound and
 * may be arena. Time O(n d^2 + d^3), O(n d + d^2) beyond ROTATION_MAX. */
bool rotation_fit(struct rotation *rotation, struct andon_rows x, struct andon_arena *arena,
                  struct andon_arena *temporary);

/* rotation_apply turns x[d] into z[d]. */
void rotation_apply(const struct rotation *rotation, const float *x, double *z);

#endif
