#!/usr/bin/env python3
"""Reference values for the isolation forest, from scikit-learn 1.9.1 (numpy 2.4.6).

    python3 tests/golden/iforest.py > tests/golden/iforest.h

Trees and scores of two small fitted forests, written as the bytes that andon's loader reads, and the
mean and deviation of the ROC-AUC over 20 seeds on five data sets that iforest_golden_test.c makes alike.
"""
import struct

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

ROWS, OFF = 1000, 30  # rows of a set, anomalies among them (the first ones)
LEAF = 0x80000000


class Numbers:
    """splitmix64 as a counter, so that C makes the same numbers: uniform and near-normal."""

    def __init__(self, seed):
        self.at = np.uint64(seed << 32)

    def uniform(self, count):
        with np.errstate(over="ignore"):
            z = (self.at + np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            self.at += np.uint64(count)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
        return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, count):
        u = self.uniform(12 * count).reshape(count, 12)
        total = np.zeros(count)
        for k in range(12):
            total += u[:, k]
        return total - 6.0


def blob(g, off):
    x = g.normal(4)
    return g.uniform(4) * 8.0 - 4.0 if off else x


def clusters(g, off):
    x, which = g.normal(2), g.uniform(1)[0]
    if off:
        return g.uniform(2) * 12.0 - 3.0
    return x * 0.3 if which < 0.3 else x + 5.0


def parabola(g, off):
    t, e = g.uniform(1)[0] * 4.0 - 2.0, g.normal(2)
    if off:
        return np.array([t, 4.0 - t * t + 0.2 * e[0], 0.3 * e[1]])
    return np.array([t, t * t + 0.2 * e[0], 0.3 * e[1]])


def signals(g, off):
    s, e = g.normal(6), g.normal(27)
    x = np.array([s[f % 6] + 0.5 * e[f] for f in range(27)])
    if off:
        x[4] += 4.0
        x[10] += 3.0
    return x


def steps(g, off):
    u, e = g.uniform(3), g.normal(1)[0]
    x = np.array([np.floor(u[0] * 5.0), np.floor(u[1] * u[1] * 20.0), 1.0, e / (0.05 + u[2])])
    if off:
        x[0], x[3] = 5.0 + np.floor(u[0] * 3.0), x[3] * 3.0
    return x


SETS = [(blob, 4), (clusters, 2), (parabola, 3), (signals, 27), (steps, 4)]


def make(index):
    row, _ = SETS[index]
    g = Numbers(index + 1)
    x = np.array([row(g, i < OFF) for i in range(ROWS)]).astype(np.float32)
    return x, np.arange(ROWS) < OFF


def down(t):
    """The largest float32 not above the double t: x <= t is the same question for float32 x."""
    f = np.float32(t)
    return f if np.float64(f) <= t else np.nextafter(f, np.float32(-np.inf))


def forest_bytes(forest, d):
    out = [b""]
    largest = 1
    for tree in (e.tree_ for e in forest.estimators_):
        largest = max(largest, tree.node_count)
        out.append(struct.pack("<I", forest.max_samples_))
        todo = [0]
        while todo:
            i = todo.pop()
            if tree.children_left[i] < 0:
                out.append(struct.pack("<I", LEAF | int(tree.n_node_samples[i])))
                continue
            out.append(struct.pack("<If", int(tree.feature[i]), down(tree.threshold[i])))
            todo += [tree.children_right[i], tree.children_left[i]]
    out[0] = struct.pack("<IIII", 1, d, len(forest.estimators_), largest)
    return b"".join(out)


def array(kind, name, texts, per_line):
    print(f"static const {kind} {name}[{len(texts)}] = {{")
    for k in range(0, len(texts), per_line):
        print("    " + ", ".join(texts[k : k + per_line]) + ",")
    print("};")


def main():
    print("/* Written by tests/golden/iforest.py (scikit-learn 1.9.1): do not edit. */")
    for name, index, trees, samples in [("blob", 0, 9, 64), ("steps", 4, 3, 256)]:
        x, _ = make(index)
        forest = IsolationForest(n_estimators=trees, max_samples=samples, random_state=3).fit(x)
        words = np.frombuffer(forest_bytes(forest, x.shape[1]), dtype="<u4")
        score = -forest.score_samples(x[:60])
        array("uint32_t", f"{name}_forest", [f"0x{w:x}" for w in words], 9)
        array("double", f"{name}_score", [repr(float(s)) for s in score], 4)
    means, sds, sums = [], [], []
    for index in range(len(SETS)):
        x, off = make(index)
        aucs = [roc_auc_score(off, -IsolationForest(random_state=s).fit(x).score_samples(x))
                for s in range(20)]
        means.append(f"{np.mean(aucs):.6f}")
        sds.append(f"{np.std(aucs, ddof=1):.6f}")
        sums.append(f"{float(np.sum(x.astype(np.float64))):.6f}")
    array("double", "set_auc_mean", means, 5)
    array("double", "set_auc_sd", sds, 5)
    array("double", "set_sum", sums, 5)


if __name__ == "__main__":
    main()
