/* The tables behind andon_detector_named; one line per detector file. */
#ifndef DETECT_REGISTRY_H
#define DETECT_REGISTRY_H

#include "andon/detector.h"

extern const struct andon_detector andon_iforest;
extern const struct andon_detector andon_lof;
extern const struct andon_detector andon_knn;
extern const struct andon_detector andon_autoencoder;
extern const struct andon_detector andon_pca;
extern const struct andon_detector andon_mahalanobis;
extern const struct andon_detector andon_limits;
extern const struct andon_detector andon_level;
extern const struct andon_detector andon_logistic;
extern const struct andon_detector andon_forest;

#endif
