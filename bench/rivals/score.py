#!/usr/bin/env python3
"""CSV file to CSV file with pandas and scikit-learn, one thread: the rival of `andon score`.

    score.py --make DIR --rows N --train N --columns D   writes train.csv and data.csv
    score.py --train train.csv --members iforest,lof     fits, says "fitted" and the versions of
                                                         scikit-learn and pandas, then scores "IN OUT"
                                                         per line of stdin and answers "wall_s cpu_s"

The members learn from the same rows as andon's: what the file calls normal. The joint score is the
mean of the members' logarithms, each measured by its median and 99 % quantile on the training rows.
"""
import argparse
import os
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import sklearn  # noqa: E402
from sklearn.covariance import LedoitWolf  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.ensemble import IsolationForest  # noqa: E402
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors  # noqa: E402
from sklearn.neural_network import MLPRegressor  # noqa: E402


def readings(rows, columns, seed, wrong_part):
    """Slow signals of a pump, mixed into columns on scales of their own, three decimals."""
    random = np.random.default_rng(seed)
    signals = 6
    push = random.normal(size=(rows, signals))
    state = np.zeros(signals)
    for i in range(rows):
        state = push[i] = 0.98 * state + 0.2 * push[i]
    day = np.sin(2 * np.pi * np.arange(rows) / 1440)[:, None]
    plant = np.random.default_rng(99)
    mix = plant.normal(size=(signals, columns))
    level, spread = 10 ** plant.uniform(0.5, 2.7, columns), 10 ** plant.uniform(-0.5, 1, columns)
    x = push @ mix + 0.5 * day * plant.normal(size=columns) + 0.3 * random.normal(size=(rows, columns))
    wrong = random.random((rows // 60 + 1, 1)).repeat(60, 0)[:rows] < wrong_part
    x += wrong * 6.0 * (np.arange(columns) % 9 == 4)
    return level + spread * x


def make(folder, rows, train, columns):
    names = [f"channel_{i:02d}" for i in range(columns)]
    for name, n, seed, wrong in (("train", train, 1, 0.0), ("data", rows, 2, 0.02)):
        table = pd.DataFrame(readings(n, columns, seed, wrong).round(3), columns=names)
        table.to_csv(os.path.join(folder, name + ".csv"), index=False, float_format="%.3f")


class Member:
    def __init__(self, name, x):
        d = x.shape[1]
        widths = [max(2, round(w * d / 27)) for w in (16, 12, 8, 12, 16)]
        self.name = name
        self.model = {
            "iforest": lambda: IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=1),
            "lof": lambda: LocalOutlierFactor(n_neighbors=20, novelty=True, n_jobs=1),
            "knn": lambda: NearestNeighbors(n_neighbors=20, n_jobs=1),
            "autoencoder": lambda: MLPRegressor(hidden_layer_sizes=widths, activation="tanh", max_iter=10,
                                                batch_size=256, random_state=1),
            "mahalanobis": LedoitWolf,
            "pca": lambda: PCA(0.95),
        }[name]()
        if name == "autoencoder":
            self.model.fit(x, x)
        else:
            self.model.fit(x)
        raw = np.log(self.raw(x[:: max(1, len(x) // 5000)]) + 1e-9)
        self.middle = np.median(raw)
        self.tail = max(np.quantile(raw, 0.99) - self.middle, 0.02)

    def raw(self, x):
        m = self.model
        if self.name in ("iforest", "lof"):
            return -m.score_samples(x)
        if self.name == "knn":
            return m.kneighbors(x)[0][:, -1]
        if self.name == "autoencoder":
            return ((m.predict(x) - x) ** 2).mean(axis=1)
        if self.name == "mahalanobis":
            return m.mahalanobis(x)
        return ((m.inverse_transform(m.transform(x)) - x) ** 2).mean(axis=1)

    def voice(self, x):
        return (np.log(self.raw(x) + 1e-9) - self.middle) / self.tail


class Scorer:
    def __init__(self, path, members):
        x = pd.read_csv(path).to_numpy(float)
        self.centre, self.spread = np.median(x, axis=0), x.std(axis=0)
        x = (x - self.centre) / self.spread
        self.members = [Member(name, x) for name in members.split(",")]

    def score(self, data, out):
        x = (pd.read_csv(data).to_numpy(float) - self.centre) / self.spread
        score = np.exp(np.mean([m.voice(x) for m in self.members], axis=0) - 1.0)
        anomaly = score > 1.0
        pd.DataFrame({"score": score, "is_anomaly": anomaly.astype(int),
                      "state": np.where(anomaly, "ANOMALY", "NORMAL")}).to_csv(out, index_label="row")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--make")
    args.add_argument("--rows", type=int, default=200000)
    args.add_argument("--columns", type=int, default=27)
    args.add_argument("--train", default="43200")
    args.add_argument("--members", default="iforest,autoencoder,mahalanobis")
    a = args.parse_args()
    if a.make:
        make(a.make, a.rows, int(a.train), a.columns)
        return
    scorer = Scorer(a.train, a.members)
    print("fitted", sklearn.__version__, pd.__version__, flush=True)
    for line in sys.stdin:
        data, out = line.split()
        wall, cpu = time.perf_counter(), time.process_time()
        scorer.score(data, out)
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    main()
