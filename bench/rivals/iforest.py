#!/usr/bin/env python3
"""scikit-learn's isolation forest on the rows of bench_iforest, one thread.

    bench_iforest --data rows.f32 --rows 1000000
    python3 bench/rivals/iforest.py --data rows.f32 [--features 27] [--train 43200] [--batch N] [--runs N]
"""
import argparse
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from sklearn.ensemble import IsolationForest  # noqa: E402


def median_s(work, runs):
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", required=True)
    args.add_argument("--features", type=int, default=27)
    args.add_argument("--train", type=int, default=43200)
    args.add_argument("--batch", type=int, default=100000)
    args.add_argument("--runs", type=int, default=5)
    a = args.parse_args()
    x = np.fromfile(a.data, dtype="<f4").reshape(-1, a.features)
    train, batch = x[: a.train], x[: a.batch]
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=1)
    fit_s, _ = median_s(lambda: forest.fit(train), a.runs)
    print(f"bench=iforest_fit rival=scikit-learn rows={len(train)} features={a.features} "
          f"ms_p50={1e3 * fit_s:.3f}")
    rows = iter(np.random.default_rng(0).integers(0, len(x), 10 * a.runs + 50))
    one_s, p99_s = median_s(lambda: forest.score_samples(x[(i := next(rows)) : i + 1]), 10 * a.runs)
    print(f"bench=iforest_one rival=scikit-learn ns_row_p50={1e9 * one_s:.0f} "
          f"ns_row_p99={1e9 * p99_s:.0f}")
    batch_s, _ = median_s(lambda: forest.score_samples(batch), a.runs)
    print(f"bench=iforest_batch rival=scikit-learn rows={len(batch)} rows_s={len(batch) / batch_s:.0f}")


if __name__ == "__main__":
    main()
