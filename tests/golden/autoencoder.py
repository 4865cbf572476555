#!/usr/bin/env python3
"""Reference values for the autoencoder's training, from scikit-learn 1.9.1 (numpy 2.4.6).

    python3 tests/golden/autoencoder.py > tests/golden/autoencoder.h

The mean and deviation of the ROC-AUC over 20 seeds on five data sets that autoencoder_test.c makes
alike: MLPRegressor learns to give back its input, the score is the mean squared error.
"""
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPRegressor

TRAIN, TEST, OFF = 480, 240, 60  # normal rows to learn from; rows to score, the first OFF are odd
EPOCHS, BATCH, RATE, SEEDS = 60, 16, 0.003, 20


class Numbers:
    """splitmix64 as a counter, so that C makes the same numbers: uniform and near-normal."""

    def __init__(self, seed):
        self.at = seed << 32

    def uniform(self):
        self.at += 1
        z = self.at * 0x9E3779B97F4A7C15 % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    def normal(self):
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0


def plane(g, off):
    """Eight sensors of two causes; odd: each sensor follows causes of its own."""
    s = [g.normal(), g.normal()]
    x = []
    for f in range(8):
        if off:
            s = [g.normal(), g.normal()]
        x.append(s[0] * (f % 3 - 1) * 0.7 + s[1] * (f % 4 - 1.5) * 0.5 + 0.3 * g.normal())
    return x


def curve(g, off):
    """A bent line in four dimensions; odd: one coordinate belongs to another place."""
    t = g.uniform() * 4.0 - 2.0
    u = g.uniform() * 4.0 - 2.0 if off else t
    e = [g.normal() for _ in range(4)]
    return [t + 0.1 * e[0], u * u - 1.3 + 0.1 * e[1], t * t * t * 0.3 + 0.1 * e[2], 0.4 * e[3] - t]


def regimes(g, off):
    """Two ways of working with opposite couplings; odd: the coupling of the other one."""
    a, b, e = g.uniform() < 0.5, g.normal(), [g.normal() for _ in range(6)]
    level, sign = (1.0, 1.0) if a else (-1.0, -1.0)
    if off:
        sign = -sign
    return [level + 0.2 * e[0], level + 0.2 * e[1], b, sign * b + 0.2 * e[3], sign * b + 0.2 * e[4],
            0.5 * b + 0.2 * e[5]]


def signals(g, off):
    """Twenty-seven features of six signals; odd: two features off."""
    s = [g.normal() for _ in range(6)]
    x = [s[f % 6] + 0.5 * g.normal() for f in range(27)]
    if off:
        x[4] += 1.5
        x[10] -= 1.5
    return x


def spikes(g, off):
    """Five sensors of one load; odd: one of them too high."""
    load = g.normal()
    x = [load * (0.6 + 0.1 * f) + 0.4 * g.normal() for f in range(5)]
    if off:
        x[int(g.uniform() * 5.0)] += 1.5
    return x


SETS = [
    (plane, 8, (16, 3, 16), "relu"),
    (curve, 4, (24, 2, 24), "tanh"),
    (regimes, 6, (24, 3, 24), "relu"),
    (signals, 27, (16, 12, 8, 12, 16), "relu"),
    (spikes, 5, (16, 2, 16), "tanh"),
]


def make(index):
    row = SETS[index][0]
    g = Numbers(index + 1)
    train = [row(g, False) for _ in range(TRAIN)]
    test = [row(g, i < OFF) for i in range(TEST)]
    return np.array(train, dtype=np.float32), np.array(test, dtype=np.float32)


def auc(index, seed):
    train, test = make_once[index]
    model = MLPRegressor(hidden_layer_sizes=SETS[index][2], activation=SETS[index][3],
                         alpha=0.0, batch_size=BATCH,
                         learning_rate_init=RATE,
                         max_iter=EPOCHS, tol=0.0, n_iter_no_change=EPOCHS + 1,
                         random_state=seed)
    model.fit(train, train)
    score = ((test - model.predict(test).reshape(test.shape)) ** 2).mean(axis=1)
    return roc_auc_score(np.arange(TEST) < OFF, score)


make_once = [make(i) for i in range(len(SETS))]


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("/* Written by tests/golden/autoencoder.py (scikit-learn 1.9.1): do not edit. */")
    print("static const struct golden_auc {")
    print("    const char *name, *layers, *activation;")
    print("    uint32_t d;")
    print("    double sum, mean, deviation; /* of all training values; AUC over %d seeds */" % SEEDS)
    print("} golden_auc[%d] = {" % len(SETS))
    for i, (row, d, layers, activation) in enumerate(SETS):
        v = np.array([auc(i, seed) for seed in range(SEEDS)])
        total = make_once[i][0].astype(np.float64).sum()
        text = ",".join(map(str, layers))
        print('    {"%s", "%s", "%s", %d,' % (row.__name__, text, activation, d), end=" ")
        print("%.6f, %.6f, %.6f}," % (total, v.mean(), v.std(ddof=1)), flush=True)
    print("};")


if __name__ == "__main__":
    main()
