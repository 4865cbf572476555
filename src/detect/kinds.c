#include "detect/kinds.h"

andon_status kinds_survey(const struct andon_fit *in, const char *name, struct kinds *kinds,
                          andon_error *err)
{
    *kinds = (struct kinds){0};
    if (in->label == NULL || in->classes < 2 || in->classes > ANDON_CLASSES_MAX)
        return andon_fail(err, ANDON_EINVAL, "%s: labels of 2 to %u classes are needed", name,
                          ANDON_CLASSES_MAX);
    for (size_t i = 0; i < in->x.n; i++) {
        if (in->label[i] < 0 || (uint32_t)in->label[i] >= in->classes)
            return andon_fail(err, ANDON_EINVAL, "%s: row %zu: label %d of %u classes", name, i,
                              (int)in->label[i], in->classes);
        kinds->count[in->label[i]]++;
    }
    if (kinds->count[0] == 0 || kinds->count[0] == in->x.n)
        return andon_fail(err, ANDON_EDATA, "%s: all %zu rows are %s, both are needed", name,
                          in->x.n, kinds->count[0] == 0 ? "faults" : "normal");
    for (uint32_t k = 0; k < in->classes; k++) {
        if (kinds->count[k] == 0) continue;
        kinds->place[k] = kinds->kinds;
        kinds->kind[kinds->kinds++] = k;
    }
    return ANDON_OK;
}

bool kinds_sound(const uint32_t *kind, uint32_t kinds, uint32_t classes)
{
    if (kinds < 2 || kinds > classes || classes > ANDON_CLASSES_MAX || kind[0] != 0) return false;
    for (uint32_t k = 1; k < kinds; k++)
        if (kind[k] >= classes || kind[k] <= kind[k - 1]) return false;
    return true;
}
