"""Writes tests/golden/metrics.h: small vectors and what scikit-learn says of them.

ROC-AUC, average precision, the trapezoid PR area, precision, recall, F1 and accuracy come from
scikit-learn; the volumes from a plain transcription of their definition in src/learn/vus.c, one
buffer, threshold and row at a time; the Poisson bounds from scipy's chi-square quantile.

    python3 tests/golden/metrics.py > tests/golden/metrics.h
"""
import textwrap

import numpy as np
from scipy.stats import chi2
from sklearn import __version__ as sklearn_version
from sklearn.metrics import (accuracy_score, auc, average_precision_score, f1_score,
                             precision_recall_curve, precision_score, recall_score, roc_auc_score)

WINDOW = 12
THRESHOLDS = 250


def events_of(label):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], label, [0]])))
    return [(a, b - 1) for a, b in zip(edges[::2], edges[1::2])]


def buffered(label, events, w):
    soft = label.astype(float)
    for first, last in events:
        for d in range(1, w // 2 + 1):
            for row in (first - d, last + d):
                if 0 <= row < len(label):
                    soft[row] += np.sqrt(1 - d / w)
    return np.minimum(soft, 1.0)


def merged(events, w, n):
    out = []
    for first, last in events:
        a, b = max(first - w // 2, 0), min(last + w // 2, n - 1)
        if out and out[-1][1] >= first - w // 2:
            out[-1] = (out[-1][0], b)
        else:
            out.append((a, b))
    return out


def volumes(label, score):
    n, events = len(label), events_of(label)
    ranked = np.sort(score)[::-1]
    pr_areas, roc_areas = [], []
    for w in range(WINDOW + 1):
        soft, groups = buffered(label, events, w), merged(events, w, n)
        tpr, fpr, pr, roc = 0.0, 0.0, 0.0, 0.0
        for rank in np.linspace(0, n - 1, THRESHOLDS).astype(int):
            said = score >= ranked[rank]
            tp = float(np.sum(soft[said]))
            margin = float(np.sum(soft[said & (label == 0)]))
            positives = label.sum() + margin / 2
            seen = sum(said[a:b + 1].any() for a, b in groups) / len(groups)
            next_tpr = min(tp / positives, 1) * seen
            next_fpr = (said.sum() - tp) / (n - positives)
            pr += (next_tpr - tpr) * tp / said.sum()
            roc += (next_fpr - fpr) * (next_tpr + tpr) / 2
            tpr, fpr = next_tpr, next_fpr
        roc += (1 - fpr) * (1 + tpr) / 2
        pr_areas.append(pr)
        roc_areas.append(roc)
    return np.mean(pr_areas), np.mean(roc_areas)


def vectors():
    rng = np.random.default_rng(7)
    for n, places, decimals in ((60, 0.3, 1), (400, 0.1, 2), (400, 0.05, 9)):
        label = np.zeros(n, int)
        while label.mean() < places:
            first = rng.integers(0, n)
            label[first:first + rng.integers(1, 15)] = 1
        score = np.round(rng.normal(size=n) + 1.2 * label + 0.6 * np.roll(label, 3), decimals)
        yield label, score, (score >= 1.0).astype(int)


def row(name, values, kind):
    text = f".{name} = {{" + ", ".join(kind(v) for v in values) + "},"
    return textwrap.fill(text, 98, initial_indent="    ", subsequent_indent="        ") + "\n"


def figures(label, score, alarm):
    precision, recall, _ = precision_recall_curve(label, score)
    vus_pr, vus_roc = volumes(label, score)
    return {
        "roc_auc": roc_auc_score(label, score),
        "average_precision": average_precision_score(label, score),
        "pr_auc": auc(recall, precision),
        "best_f1": max(f1_score(label, score >= t) for t in np.unique(score)),
        "precision": precision_score(label, alarm),
        "recall": recall_score(label, alarm),
        "f1": f1_score(label, alarm),
        "accuracy": accuracy_score(label, alarm),
        "specificity": recall_score(1 - label, 1 - alarm),
        "vus_pr": vus_pr,
        "vus_roc": vus_roc,
    }


def main():
    print(f"/* Written by tests/golden/metrics.py with scikit-learn {sklearn_version}. */")
    print("static const struct golden {\n    size_t n;\n    uint8_t label[400], alarm[400];")
    print("    double score[400];")
    print("    double roc_auc, average_precision, pr_auc, best_f1, precision, recall, f1, accuracy,")
    print("        specificity, vus_pr, vus_roc;\n} golden[] = {")
    for label, score, alarm in vectors():
        text = f"    {{\n    .n = {len(label)},\n"
        text += row("label", label, str) + row("alarm", alarm, str) + row("score", score, repr_float)
        for name, value in figures(label, score, alarm).items():
            text += f"    .{name} = {value:.17g},\n"
        print(text + "    },")
    print("};\n#define GOLDEN_WINDOW", WINDOW)
    print("static const struct {\n    uint64_t count;\n    double upper;\n} golden_poisson[] = {")
    for count in (0, 1, 2, 5, 17, 100, 1234, 100000):
        print(f"    {{{count}, {chi2.ppf(0.95, 2 * count + 2) / 2:.17g}}},")
    print("};")


def repr_float(v):
    return repr(float(v))


if __name__ == "__main__":
    main()
