"""Writes tests/golden/linear.h: what scikit-learn 1.9 and numpy say about forty fixed rows.

    python3 tests/golden/linear.py > tests/golden/linear.h

The rows are multiples of 1/64, so that float32 holds them exactly.
"""
import numpy as np
from sklearn.covariance import empirical_covariance, ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

N, D, K = 40, 6, 3


def rows():
    rng = np.random.default_rng(20)
    hidden = rng.normal(size=(N, 2))
    x = hidden @ rng.normal(size=(2, D)) + 0.4 * rng.normal(size=(N, D)) + rng.normal(size=D)
    return np.round(x * 64) / 64


def put(name, values, kind="double"):
    flat = np.asarray(values).ravel()
    text = ", ".join(f"{int(v)}" if kind == "int32_t" else f"{v:.17g}" for v in flat)
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + len(word) > 94:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    lines.append(line.rstrip())
    print(f"static const {kind} {name}[{len(flat)}] = {{")
    print("\n".join("    " + line for line in lines) + "};")


x = rows()
pca = PCA(n_components=K, svd_solver="full").fit(x)
t = pca.transform(x)
t2 = (t**2 / pca.explained_variance_).sum(axis=1)
q = ((x - pca.inverse_transform(t)) ** 2).sum(axis=1)
c = x - pca.mean_
t2_part = c * ((t / pca.explained_variance_) @ pca.components_)
q_part = (x - pca.inverse_transform(t)) ** 2
full = PCA(svd_solver="full").fit(x)

rng = np.random.default_rng(21)
hot = x[:, 0] - x[:, 3] + 0.8 * rng.normal(size=N)
two = (hot > np.quantile(hot, 0.7)).astype(int)
three = two + (two & (x[:, 5] > np.median(x[two == 1, 5])))
tight = dict(C=1.0, tol=1e-12, max_iter=20000, solver="lbfgs")
binary = LogisticRegression(**tight).fit(x, two)
multi = LogisticRegression(**tight).fit(x, three)

print("/* Written by tests/golden/linear.py; do not edit. */")
print("#ifndef GOLDEN_LINEAR_H\n#define GOLDEN_LINEAR_H\n\n#include <stdint.h>\n")
print(f"enum {{ GOLDEN_N = {N}, GOLDEN_D = {D}, GOLDEN_K = {K} }};\n")
put("golden_x", x, "float")
put("golden_cov", empirical_covariance(x))
print(f"static const double golden_shrinkage = {ledoit_wolf(x)[1]:.17g};")
put("golden_variance", full.explained_variance_)
put("golden_component0", full.components_[0] * np.sign(full.components_[0][np.argmax(np.abs(full.components_[0]))]))
put("golden_inverse", np.linalg.inv(empirical_covariance(x)))
put("golden_t2", t2)
put("golden_q", q)
put("golden_t2_part", t2_part)
put("golden_q_part", q_part)
put("golden_two", two, "int32_t")
put("golden_two_coef", np.append(binary.coef_[0], binary.intercept_))
put("golden_two_p", binary.predict_proba(x)[:, 1])
put("golden_three", three, "int32_t")
put("golden_three_p", multi.predict_proba(x))
print("\n#endif")
