"""scikit-learn's LocalOutlierFactor on the rows that bench_neighbours wrote, one thread, processor time.

    python3 bench/rivals/neighbours.py FILE [--train M] [--k K] [--runs N] [--one N] [--batch N]
                                       [--scores FILE]

With --scores it also says how far andon's scores are from scikit-learn's.
"""
import argparse
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn.neighbors import LocalOutlierFactor  # noqa: E402

FEATURES = 27


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--train", type=int, default=34560)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", type=int, default=100)
    parser.add_argument("--batch", type=int, default=5000)
    parser.add_argument("--scores")
    o = parser.parse_args()
    x = np.fromfile(o.file, dtype="<f4").reshape(-1, FEATURES)
    train, test = x[: o.train], x[o.train :]
    rows = test[: o.batch]

    def timed(work, runs):
        took = []
        for _ in range(runs):
            start = time.process_time()
            work()
            took.append(time.process_time() - start)
        return float(np.median(took))

    model = LocalOutlierFactor(n_neighbors=o.k, novelty=True, n_jobs=1)
    tail = f"rival=scikit-learn-{sklearn.__version__}"
    fit = timed(lambda: model.fit(train), o.runs)
    print(f"bench=lof_fit {tail} ms={1e3 * fit:.1f} method={model._fit_method}", flush=True)
    batch = timed(lambda: model.score_samples(rows), o.runs)
    print(f"bench=lof_batch {tail} rows_s={len(rows) / batch:.0f}", flush=True)
    at = iter(range(o.one))

    def one():
        i = next(at) * 7919 % len(test)
        model.score_samples(test[i : i + 1])

    print(f"bench=lof_one {tail} ns_row_p50={1e9 * timed(one, o.one):.0f}", flush=True)
    if o.scores:
        ours = np.fromfile(o.scores, dtype="<f8")[: len(rows)]
        theirs = -model.score_samples(rows)
        far = np.max(np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs)))
        print(f"bench=lof_same {tail} rows={len(rows)} difference_max={far:.3g}")


if __name__ == "__main__":
    main()
