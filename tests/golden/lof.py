"""Reference values for lof: scikit-learn's LocalOutlierFactor(novelty=True), -score_samples.

    python3 tests/golden/lof.py > tests/golden/lof.h

All values lie on a grid of 1/64, so that their text is exact. The second set has every training row
three times (k = 5: the two others at distance 0 and one whole triple behind them, so that ties do
not matter).
"""
import numpy as np
import sklearn
from sklearn.neighbors import LocalOutlierFactor


def grid(x):
    return np.round(x * 64) / 64


def show(kind, name, shape, values):
    flat = np.asarray(values).ravel()
    print(f"static const {kind} {name}[{shape}] = {{")
    form = (lambda v: f"{float(v)!r}f") if kind == "float" else (lambda v: f"{float(v)!r}")
    line = "   "
    for text in map(form, flat):
        if len(line) + len(text) + 2 > 100:
            print(line)
            line = "   "
        line += f" {text},"
    print(line + "\n};")


def show_set(name, train, rows, ks):
    show("float", f"{name}_train", f"{len(train)} * {train.shape[1]}", train)
    show("float", f"{name}_rows", f"{len(rows)} * {rows.shape[1]}", rows)
    for k in ks:
        model = LocalOutlierFactor(n_neighbors=k, novelty=True, algorithm="kd_tree").fit(train)
        show("double", f"{name}_k{k}", str(len(rows)), -model.score_samples(rows))


def main():
    rng = np.random.default_rng(7)
    print(f"/* Written by tests/golden/lof.py with scikit-learn {sklearn.__version__}. */")
    print("#ifndef GOLDEN_LOF_H\n#define GOLDEN_LOF_H\n")
    train = grid(np.vstack([rng.normal(0, 1, (60, 3)), rng.normal(4, 0.25, (40, 3))]))
    rows = grid(np.vstack([rng.normal(0, 1.5, (8, 3)), rng.normal(4, 1, (8, 3)), train[:4]]))
    show_set("golden_plain", train, rows, (1, 5, 20, 99))
    points = grid(rng.normal(0, 2, (20, 2)))
    rows = grid(np.vstack([rng.normal(0, 3, (8, 2)), points[:4]]))
    show_set("golden_triples", np.repeat(points, 3, axis=0), rows, (5,))
    print("\n#endif")


if __name__ == "__main__":
    main()
