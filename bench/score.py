#!/usr/bin/env python3
"""How fast `andon score` is, from CSV file to CSV file, beside pandas with scikit-learn's members.

    bench/score.py --andon build/andon [--rows N] [--runs N] [--gb N] [--python PYTHON]... [--case NAME]

All sides run one thread, alternating; a rival's time leaves out Python's start and the fit, andon's is
that of the whole process. Every PYTHON is one that has pandas and scikit-learn; without the option the
present one and Debian's are taken, as far as they have them: scikit-learn's forests became five times as
fast between its versions 1.2 and 1.9, so each line names the version. With --gb N a file of N gigabytes is
scored too, for its memory.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PLAIN = ["--set", "window=0", "--set", "features=value", "--set", "follow=no"]
# name, members, part of the rows that the rival can take in time, settings
CASES = [
    ("with_lof", "iforest,lof,autoencoder", 0.1, PLAIN),
    ("without_lof", "iforest,autoencoder,mahalanobis", 1.0, PLAIN),
    ("default", None, 1.0, []),
]


def say(name, **figures):
    print("bench=" + name, *("%s=%s" % (k, format(v, ".4g") if isinstance(v, float) else v)
                             for k, v in figures.items()), flush=True)


def run_andon(andon, model, data, out):
    """Seconds of the wall and of the processor, and the process's own high-water mark in KiB."""
    start, rss = time.perf_counter(), 0
    child = subprocess.Popen([andon, "score", "--model", model, "--data", data, "--out", out, "--quiet"])
    while True:
        try:
            with open("/proc/%d/status" % child.pid) as f:
                rss = max([rss] + [int(line.split()[1]) for line in f if line.startswith("VmHWM")])
        except OSError:
            pass
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid != 0:
            break
        time.sleep(0.005)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit("andon score failed")
    return wall, used.ru_utime + used.ru_stime, rss


class Rival:
    def __init__(self, python, train, members):
        self.child = subprocess.Popen([python, os.path.join(HERE, "rivals", "score.py"), "--train", train,
                                       "--members", members], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        said = self.child.stdout.readline().split()
        if said[:1] != ["fitted"]:
            sys.exit("the rival failed")
        self.name, self.pandas = "scikit-learn-" + said[1], said[2]
        self.took = []

    def run(self, data, out):
        print(data, out, file=self.child.stdin, flush=True)
        self.took.append([float(s) for s in self.child.stdout.readline().split()])

    def end(self):
        self.child.stdin.close()
        self.child.wait()
        return medians(self.took)


def medians(took):
    """Seconds of the wall and of the processor."""
    return [statistics.median(t[i] for t in took) for i in (0, 1)]


def first_rows(source, target, rows):
    with open(source) as read, open(target, "w") as write:
        for _, line in zip(range(rows + 1), read):
            write.write(line)


def repeated(source, target, size):
    """The rows of source again and again, to at least size bytes."""
    with open(source, "rb") as f:
        header, rows = f.readline(), f.read()
    with open(target, "wb") as f:
        f.write(header)
        while f.tell() < size:
            f.write(rows)


def train(a, folder, members, settings):
    model = os.path.join(folder, "model.andon")
    which = ["--set", "members=" + members] if members else []
    subprocess.run([a.andon, "train", "--data", os.path.join(folder, "train.csv"), "--out", model, "--quiet",
                    "--detector", "ensemble", *which, *settings], check=True)
    return model


def bench(a, folder, name, members, part, settings):
    model, out = train(a, folder, members, settings), os.path.join(folder, "out.csv")
    data, rows, rivals = os.path.join(folder, "data.csv"), a.rows, []
    if members:
        rows = max(1000, int(a.rows * part))
        data = os.path.join(folder, "part.csv")
        first_rows(os.path.join(folder, "data.csv"), data, rows)
        rivals = [Rival(python, os.path.join(folder, "train.csv"), members) for python in a.python]
    ours = []
    for _ in range(a.runs):
        ours.append(run_andon(a.andon, model, data, out))
        for rival in rivals:
            rival.run(data, out)
    wall, cpu = medians(ours)
    figures = dict(members=members or "default", rows=rows, rows_s=round(rows / wall),
                   ns_row=round(1e9 * wall / rows), cpu_ns_row=round(1e9 * cpu / rows),
                   rss_kb=max(r[2] for r in ours))
    if not rivals:
        say("score_" + name, **figures)
    for rival in rivals:
        their_wall, their_cpu = rival.end()
        say("score_" + name, **figures, rival=rival.name, pandas=rival.pandas,
            rival_ns_row=round(1e9 * their_wall / rows), rival_cpu_ns_row=round(1e9 * their_cpu / rows),
            ratio=their_wall / wall, cpu_ratio=their_cpu / cpu)


def memory(a, folder):
    big = os.path.join(folder, "big.csv")
    repeated(os.path.join(folder, "data.csv"), big, int(a.gb * 1e9))
    size = os.path.getsize(big)
    members, settings = next((c[1], c[3]) for c in CASES if c[0] == "without_lof")
    wall, cpu, rss = run_andon(a.andon, train(a, folder, members, settings), big, os.devnull)
    say("score_file", members=members, bytes=size, seconds=wall, cpu_s=cpu, mb_s=size / wall / 1e6,
        rss_kb=rss)
    os.remove(big)


def pythons(named):
    """Those that have what a rival needs; one that was named has to."""
    able = []
    for python in named or dict.fromkeys([sys.executable, "/usr/bin/python3"]):
        probe = [python, "-c", "import pandas, sklearn; print(sklearn.__file__)"]
        found = subprocess.run(probe, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if found.returncode == 0 and found.stdout not in [where for _, where in able]:
            able.append((python, found.stdout))
        elif found.returncode != 0 and named:
            sys.exit("%s has no pandas and scikit-learn: --python names one that has" % python)
    if not able:
        sys.exit("no Python here has pandas and scikit-learn: --python names one that has")
    return [python for python, _ in able]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--andon", required=True)
    args.add_argument("--rows", type=int, default=200000)
    args.add_argument("--train", type=int, default=43200)
    args.add_argument("--columns", type=int, default=27)
    args.add_argument("--runs", type=int, default=5)
    args.add_argument("--gb", type=float, default=0)
    args.add_argument("--case", help="of " + ", ".join(c[0] for c in CASES))
    args.add_argument("--python", action="append")
    a = args.parse_args()
    a.python = pythons(a.python)
    folder = tempfile.mkdtemp(prefix="andon-bench-")
    try:
        subprocess.run([a.python[0], os.path.join(HERE, "rivals", "score.py"), "--make", folder, "--rows",
                        str(a.rows), "--train", str(a.train), "--columns", str(a.columns)], check=True)
        for case in CASES:
            if a.case in (None, case[0]):
                bench(a, folder, *case)
        if a.gb > 0:
            memory(a, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
