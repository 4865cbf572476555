/* Written by tests/golden/autoencoder.py (scikit-learn 1.9.1): do not edit. */
static const struct golden_auc {
    const char *name, *layers, *activation;
    uint32_t d;
    double sum, mean, deviation; /* of all training values; AUC over 20 seeds */
} golden_auc[5] = {
    {"plane", "16,3,16", "relu", 8, -20.419450, 0.970032, 0.006199},
    {"curve", "24,2,24", "tanh", 4, 5.666868, 0.701417, 0.017725},
    {"regimes", "24,3,24", "relu", 6, -55.780919, 0.892014, 0.026620},
    {"signals", "16,12,8,12,16", "relu", 27, -685.319398, 0.912968, 0.053515},
    {"spikes", "16,2,16", "tanh", 5, -80.402836, 0.846644, 0.026390},
};
