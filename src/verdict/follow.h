/* Which normal is a row compared with? Machines change between the time a model learned them and the
 * time it judges them. follow stands between the features and the detectors and turns a row x[d] into
 * its deviation g[d] from the machine's present normal:
 *   - the level of every feature is followed slowly, ten times slower while something is wrong;
 *   - up to FOLLOW_NORMALS normals are remembered, each with a level and a width per feature; the one
 *     nearest to the row counts, so a return to an old normal raises nothing;
 *   - a new level that stays steady for `accept` rows becomes a normal of its own.
 * How long is long enough is the operator's policy (option accept): a fault that stands and a new
 * normal look alike while they last. Causal; a row depends on the rows before it alone. */
#ifndef VERDICT_FOLLOW_H
#define VERDICT_FOLLOW_H

#include <stdbool.h>

#include "andon/detector.h"
#include "verdict/model.h"

#define FOLLOW_NORMALS 4u
#define FOLLOW_SMOOTH 5u

struct follow {
    struct follow_options options;
    uint32_t d;
    double *start; /* start[d]: levels at the end of training                 */
    double *width; /* width[d]: usual deviation from the followed level       */
    double *slow;  /* slow[d], fast[d], swing[d]: mean of the last 240 rows of training, of the last */
    double *fast;  /*   60, and the mean distance from slow                                           */
    double *swing;
    float *white;  /* white[d in][d out]: |white' g|^2 / d is the distance    */
    double limit;  /* log distance beyond which something is wrong            */
    double usual;  /* log distance that nine of ten normal rows stay below     */
};

/* follow_fit learns from x[n][d], in order of time, and writes the deviations of those same rows.
 * limit and usual are +inf until the caller sets them. ANDON_ENOMEM; ANDON_EDATA (not finite). */
ANDON_MUST_CHECK andon_status follow_fit(struct andon_rows x, const struct follow_options *options,
                                         struct andon_arena *scratch, struct andon_arena *arena,
                                         struct follow **follow, float *g, andon_error *err);

size_t follow_memory_bytes(const struct follow *follow);
void follow_memory_init(const struct follow *follow, void *memory);

/* What follow says of a row. */
struct followed {
    double distance; /* log of the mean distance of the last rows from the nearest normal        */
    double excess;   /* how much farther the learned normal is than the nearest, in logs, >= 0 or
                        slightly below                                                           */
    bool settled;    /* the row belongs to a steady level far from every normal                  */
};

/* follow_row turns one row into its deviation from the nearest normal. A feature with gone[j] (NULL:
 * none) deviates by 0 and teaches nothing. x and g do not overlap. Every kernel gives the same bits. */
struct followed follow_row(const struct follow *follow, void *memory, const float *x,
                           const uint8_t *gone, float *g, enum andon_kernel kernel);

void follow_save(const struct follow *follow, struct andon_writer *out);
ANDON_MUST_CHECK andon_status follow_load(struct andon_reader *in, uint32_t d,
                                          const struct follow_options *options,
                                          struct andon_arena *arena, struct follow **follow,
                                          andon_error *err);

#endif
