/* Any orthonormal basis keeps distances, so a poor one only makes the search slower. */
#include "detect/rotation.h"

#include <string.h>

#include "detect/linear.h"

/* Principal axes, widest first, as the columns of basis; *turns is false when there are none. */
static bool fit_basis(struct rotation *rotation, struct andon_rows x, struct andon_arena *temporary,
                      bool *turns)
{
    size_t d = x.d;
    double *covariance = andon_arena_array(temporary, d * d, sizeof(double));
    double *axes = andon_arena_array(temporary, d * d, sizeof(double));
    double *value = andon_arena_array(temporary, d, sizeof(double));
    double *work = andon_arena_array(temporary, LINEAR_BLOCK * d, sizeof(double));
    if (covariance == NULL || axes == NULL || value == NULL || work == NULL) return false;
    linear_covariance(x, rotation->centre, (double)x.n, covariance, work);
    *turns = linear_eigen(covariance, x.d, value, axes, work);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) rotation->basis[i * d + j] = axes[j * d + i];
    return true;
}

/* order[d]: axes from the widest to the narrowest. */
static bool fit_order(struct rotation *rotation, struct andon_rows x, struct andon_arena *temporary)
{
    uint32_t *order = rotation->order;
    double *spread = andon_arena_array(temporary, x.d, sizeof(double));
    if (spread == NULL) return false;
    for (size_t i = 0; i < x.n; i++) {
        for (uint32_t j = 0; j < x.d; j++) {
            double off = (double)x.x[i * x.d + j] - rotation->centre[j];
            spread[j] += off * off;
        }
    }
    for (uint32_t i = 0; i < x.d; i++) {
        uint32_t at = i;
        for (; at > 0 && spread[order[at - 1]] < spread[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    return true;
}

bool rotation_fit(struct rotation *rotation, struct andon_rows x, struct andon_arena *arena,
                  struct andon_arena *temporary)
{
    size_t d = x.d;
    bool turns = x.d <= ROTATION_MAX;
    *rotation = (struct rotation){.d = x.d};
    rotation->centre = andon_arena_array(arena, d, sizeof(double));
    rotation->order = andon_arena_array(arena, d, sizeof(uint32_t));
    if (turns) rotation->basis = andon_arena_array(arena, d * d, sizeof(double));
    if (rotation->centre == NULL || rotation->order == NULL || (turns && rotation->basis == NULL))
        return false;
    linear_mean(x, rotation->centre);
    struct andon_arena_mark mark = andon_arena_mark(temporary);
    bool room = !turns || fit_basis(rotation, x, temporary, &turns);
    room = room && (turns || fit_order(rotation, x, temporary));
    andon_arena_rewind(temporary, mark);
    if (!turns) rotation->basis = NULL;
    return room;
}

void rotation_apply(const struct rotation *rotation, const float *x, double *z)
{
    size_t d = rotation->d;
    if (rotation->basis == NULL) {
        for (size_t j = 0; j < d; j++) {
            uint32_t axis = rotation->order[j];
            z[j] = (double)x[axis] - rotation->centre[axis];
        }
        return;
    }
    memset(z, 0, d * sizeof *z);
    for (size_t i = 0; i < d; i++) {
        double off = (double)x[i] - rotation->centre[i];
        const double *axis = rotation->basis + i * d;
        for (size_t j = 0; j < d; j++) z[j] += off * axis[j];
    }
}
