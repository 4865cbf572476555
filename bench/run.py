#!/usr/bin/env python3
"""andon beside its rivals: the same rows, one thread each, alternating, medians, as ratios.

    bench/run.py BUILD [--rounds N] [--rows N] [--python PYTHON]

Prints the `bench=NAME key=value` lines of every round and, at the end, one table. A rival whose
packages PYTHON does not have is left out, and its line says so.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
# case, figure, whether more is better, rival, ratio that must be, ratio to aim for with AVX-512
CASES = [
    ("iforest_batch", "rows_s", True, "scikit-learn", 25, 110),
    ("iforest_one", "ns_row_p50", False, "scikit-learn", 8000, 15000),
    ("iforest_fit", "ms_p50", False, "scikit-learn", 60, 100),
    ("autoencoder_batch", "rows_s", True, "torch", 6, 15),
    ("autoencoder_row", "ns_row_p50", False, "torch", 40, 150),
    ("autoencoder_fit", "seconds", False, "faster", 15, 45),
    ("lof_batch", "rows_s", True, "scikit-learn", 2, 6),
    ("lof_one", "ns_row_p50", False, "scikit-learn", 8, 60),
    ("lof_fit", "ms", False, "scikit-learn", 2, 6),
    ("codec_json", "messages_s", True, "jansson", 8, 30),
    ("codec_json", "messages_s", True, "cjson", 2.5, 10),
    # The journal beside a bare write, and fdatasync where the policy has one, of the same bytes.
    ("journal_every_1", "records_s", True, "plain", 0.7, 1),
    ("journal_every_256", "records_s", True, "plain", 0.5, 1),
    ("journal_every_shared", "records_s", True, "plain", 5, 10),
    ("journal_interval_16", "records_s", True, "plain", 0.4, 0.8),
    ("journal_os_1", "records_s", True, "plain", 0.4, 0.8),
    ("journal_os_256", "records_s", True, "plain", 0.4, 0.8),
    ("journal_cursor", "mb_s", True, "plain", 0.15, 0.5),
]


def lines(command):
    """The figures that a program says, echoed."""
    run = subprocess.run(command, env={**os.environ, **ONE_THREAD, "PYTHONWARNINGS": "ignore"},
                         stdout=subprocess.PIPE, text=True, check=True)
    for line in run.stdout.splitlines():
        if not line.startswith("bench="):
            continue
        print(line, flush=True)
        yield dict(word.split("=", 1) for word in line.split() if "=" in word)


def keep(seen, command):
    for said in lines(command):
        who = said.get("rival", "andon").split("-")[0]
        who = "scikit-learn" if who == "scikit" else who
        for key, value in said.items():
            try:
                seen.setdefault((said["bench"], who, key), []).append(float(value))
            except ValueError:
                pass


def median(seen, *key):
    return statistics.median(seen[key]) if key in seen else None


def rival_figure(seen, case, figure, rival):
    if rival != "faster":
        return median(seen, case, rival, figure), rival
    known = [(median(seen, case, r, figure), r) for r in ("scikit-learn", "torch")]
    return min((k for k in known if k[0] is not None), default=(None, rival))


def table(seen):
    print("\n| case | andon | rival | ratio | must | aim, AVX-512 | |\n|---|---|---|---|---|---|---|")
    for case, figure, more, rival, must, aim in CASES:
        ours = median(seen, case, "andon", figure)
        theirs, name = rival_figure(seen, case, figure, rival)
        if ours is None or theirs is None:
            print("| %s | %s | skipped: %s is not installed | | %gx | %gx | |" % (
                case, ours, name, must, aim))
            continue
        ratio = ours / theirs if more else theirs / ours
        loss = median(seen, case, "andon", "loss")
        note = " loss %.4f against %.4f" % (loss, median(seen, case, name, "loss")) if loss else ""
        print("| %s | %.4g %s | %s %.4g | %.4gx | %gx | %gx | %s%s |" % (
            case, ours, figure, name, theirs, ratio, must, aim,
            "reached" if ratio >= must else "NOT REACHED", note))


def has(python, module):
    return subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode == 0


def main():
    args = argparse.ArgumentParser()
    args.add_argument("build")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--rows", type=int, default=1000000)
    args.add_argument("--python", default=sys.executable)
    a = args.parse_args()
    sklearn, torch = has(a.python, "sklearn"), has(a.python, "torch")
    skip = [] if torch else ["--skip", "torch"]
    print("# %s, %d rounds; scikit-learn: %s, torch: %s" % (
        os.uname().machine, a.rounds, "yes" if sklearn else "no", "yes" if torch else "no"))
    seen = {}
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as folder:
        files = {name: os.path.join(folder, name) for name in ("iforest", "autoencoder", "neighbours")}
        program = {name: os.path.join(a.build, "bench", "bench_" + name) for name in files}
        rivals = {name: [a.python, os.path.join(HERE, "rivals", name + ".py")] for name in files}
        for round_ in range(a.rounds):
            keep(seen, [os.path.join(a.build, "bench", "bench_journal"), "--dir", folder])
            keep(seen, [program["iforest"], "--data", files["iforest"], "--rows", str(a.rows), "--runs", "5"])
            if sklearn:
                keep(seen, rivals["iforest"] + ["--data", files["iforest"], "--runs", "1"])
            keep(seen, [program["neighbours"], "--write", files["neighbours"], "--rows", "5000", "--runs", "1"])
            if sklearn:
                keep(seen, rivals["neighbours"] + [files["neighbours"], "--runs", "1"])
            keep(seen, [program["autoencoder"], "--data", files["autoencoder"], "--rows", str(a.rows),
                        "--runs", "1"])
            keep(seen, [os.path.join(a.build, "bench", "bench_codec"), "--messages", "300000", "--runs", "3"])
            # A fit of 50 epochs takes the rivals most of a minute: three rounds of it are enough.
            if (sklearn or torch) and round_ < 3:
                keep(seen, rivals["autoencoder"] + [files["autoencoder"], "--runs", "1", "--one", "2000"] + skip)
    table(seen)


if __name__ == "__main__":
    main()
