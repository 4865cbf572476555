/* The tables behind andon_detector_named; one line per detector file. */
#ifndef DETECT_REGISTRY_H
#define DETECT_REGISTRY_H

#include "andon/detector.h"

extern const struct andon_detector andon_iforest __attribute__((weak));
extern const struct andon_detector andon_lof __attribute__((weak));
extern const struct andon_detector andon_knn __attribute__((weak));
extern const struct andon_detector andon_autoencoder __attribute__((weak));
extern const struct andon_detector andon_pca __attribute__((weak));
extern const struct andon_detector andon_mahalanobis __attribute__((weak));
extern const struct andon_detector andon_limits __attribute__((weak));
extern const struct andon_detector andon_level __attribute__((weak));
extern const struct andon_detector andon_logistic __attribute__((weak));
extern const struct andon_detector andon_forest __attribute__((weak));

#endif
