/* Every detector of this build, in the order in which `andon detectors` shows them. */
#include "detect/registry.h"

#include <string.h>

static const struct andon_detector *const all[] = {
    &andon_iforest,
    &andon_lof,
    &andon_knn,
    &andon_autoencoder,
    &andon_pca,
    &andon_mahalanobis,
    &andon_limits,
    &andon_level,
    &andon_logistic,
    &andon_forest,
};

size_t andon_detector_count(void)
{
    return sizeof all / sizeof all[0];
}

const struct andon_detector *andon_detector_at(size_t index)
{
    return index < andon_detector_count() ? all[index] : NULL;
}

const struct andon_detector *andon_detector_named(const char *name)
{
    for (size_t i = 0; i < andon_detector_count(); i++)
        if (all[i] != NULL && strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

bool andon_progress_stops(const struct andon_progress *progress, double part)
{
    return progress->tell != NULL && progress->tell(progress->context, part);
}
