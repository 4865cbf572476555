"""Writes tests/golden/mahalanobis.h: distances by scikit-learn 1.9's covariance estimators.

    python3 tests/golden/mahalanobis.py > tests/golden/mahalanobis.h

Thirty rows teach, eight others are judged; all are multiples of 1/64, so that float32 holds them
exactly. Distances are divided by the number of features, as andon's score is.
"""
import numpy as np
from sklearn.covariance import EmpiricalCovariance, LedoitWolf, ShrunkCovariance

N, FRESH, D, RIDGE = 30, 8, 5, 0.2


def rows():
    rng = np.random.default_rng(30)
    hidden = rng.normal(size=(N + FRESH, 2))
    x = hidden @ rng.normal(size=(2, D)) + 0.3 * rng.normal(size=(N + FRESH, D))
    x[N:] += 2.0 * rng.normal(size=(FRESH, D))
    x[[4, 17]] += 6.0 * rng.normal(size=(2, D))  # two rows far out, for the robust fit
    return np.round((x + rng.normal(size=D)) * 64) / 64


def with_ridge(x):
    """cov + RIDGE mean variance I: (1 + RIDGE) times a ShrunkCovariance of RIDGE / (1 + RIDGE)."""
    model = ShrunkCovariance(shrinkage=RIDGE / (1 + RIDGE)).fit(x)
    return lambda rows: model.mahalanobis(rows) / (1 + RIDGE), model.get_precision() / (1 + RIDGE)


def put(name, values, kind="double"):
    flat = np.asarray(values).ravel()
    lines, line = [], ""
    for word in ", ".join(f"{v:.17g}" for v in flat).split(" "):
        if len(line) + len(word) > 94:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    lines.append(line.rstrip())
    print(f"static const {kind} {name}[{len(flat)}] = {{")
    print("\n".join("    " + line for line in lines) + "};")


every = rows()
x, fresh = every[:N], every[N:]
distance, precision = with_ridge(x)
centred = fresh - x.mean(axis=0)
near = np.argsort(distance(x))[: N * 9 // 10]
robust, _ = with_ridge(x[np.sort(near)])

print("/* Written by tests/golden/mahalanobis.py; do not edit. */")
print("#ifndef GOLDEN_MAHALANOBIS_H\n#define GOLDEN_MAHALANOBIS_H\n")
print(f"enum {{ GOLDEN_N = {N}, GOLDEN_FRESH = {FRESH}, GOLDEN_D = {D} }};\n")
put("golden_x", x, "float")
put("golden_fresh", fresh, "float")
put("golden_ridge", distance(fresh) / D)
put("golden_ledoit_wolf", LedoitWolf().fit(x).mahalanobis(fresh) / D)
put("golden_robust", robust(fresh) / D)
put("golden_part", centred * (centred @ precision))
put("golden_empirical", EmpiricalCovariance().fit(x).mahalanobis(fresh) / D)
print("\n#endif")
