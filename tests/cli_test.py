#!/usr/bin/env python3
"""What the command line must do: bad input is one line and exit status 3, outputs are whole or not
there, scoring streams. Usage: cli_test.py ANDON [TEST...]. Prints TAP; needs only Python itself."""
import csv
import gzip
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ANDON = os.path.abspath(sys.argv[1])
SANITIZED = os.environ.get("ANDON_SANITIZED") == "1"
TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def run(*args, **more):
    return subprocess.run([ANDON, *map(str, args)], capture_output=True, text=True, **more)


def table(rows=600, seed=1, fault_from=None):
    """A header and rows of a time, three channels that hang together, and a label."""
    r = random.Random(seed)
    lines = ["time,a,b,c,label"]
    for i in range(rows):
        fault = fault_from is not None and i >= fault_from
        load = math.sin(i / 40) + r.gauss(0, 0.1)
        a, b, c = 50 + 5 * load, 3 + load * 0.5 + r.gauss(0, 0.05), 20 + r.gauss(0, 1)
        if fault:
            b += 6
        lines.append("2024-01-%02dT%02d:%02d:00Z,%.4f,%.4f,%.3f,%d"
                     % (1 + i // 1440, i // 60 % 24, i % 60, a, b, c, fault))
    return "\n".join(lines) + "\n"


def write(path, text):
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def train(*more, data="train.csv", out="m.andon"):
    return run("train", "--data", data, "--out", out, "--detector", "mahalanobis",
               "--label", "label", *more)


def a_model():
    """A trained model and the data that it knows."""
    if not os.path.exists("m.andon"):
        write("train.csv", table(3000))
        done = train()
        assert done.returncode == 0, done.stderr
    return "m.andon"


def refused(done, status, *words, out=None):
    """One line on stderr that says all the words, the exit status, and no output file."""
    lines = [l for l in done.stderr.splitlines() if not l.startswith(("note: ", "warning: "))]
    assert done.returncode == status, (done.returncode, done.stderr)
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], (word, lines[0])
    if out is not None:
        left = [f for f in os.listdir(".") if f.startswith(out)]
        assert left == [], left


BAD = {
    "empty": ("", ["empty"]),
    "header_only": ("time,a,b,c,label\n", ["no rows"]),
    "ragged": (table(50) + "2024-01-02T00:00:00Z,1,2\n",
               [":52:", "3 cells", "expected 5"]),
    "text": (table(50) + "2024-01-02T00:00:00Z,1,high,3,0\n",
             [":52:", "column b", '"high"', "expected a number"]),
    "duplicate": ("time,a,a,c,label\n2024-01-01,1,2,3,0\n", [":1:", "both named a"]),
    "binary": (bytes(range(256)) * 40, ["not a CSV", "byte 0x00"]),
    "time": (table(50) + "yesterday,1,2,3,0\n", [":52:", "column time", '"yesterday"']),
    "ten_thousand_columns": (",".join("c%d" % i for i in range(10000)) + "\n"
                             + ",".join("1" for _ in range(10000)) + "\n",
                             [":1:", "10000 columns", "at most"]),
    "open_quote": (table(50) + '2024-01-02T00:00:00Z,"1,2,3,0\n', [":52:", "quote"]),
    "cut_gzip": (gzip.compress(table(5000).encode())[:-2000], ["gzip"]),
}


def check_bad(name, command):
    text, words = BAD[name]
    bad = write("bad_%s.csv" % name, text)
    model = a_model()
    if command == "train":
        done = train(data=bad, out="bad.andon")
    elif command == "score":
        done = run("score", "--model", model, "--data", bad, "--out", "bad.out")
    else:
        done = run("evaluate", "--model", model, "--data", bad, "--label", "label",
                   "--report", "bad.html")
    refused(done, 3, bad, *words)
    left = [f for f in os.listdir(".") if f.startswith(("bad.andon", "bad.out", "bad.html"))]
    assert left == [], left


for bad_name in BAD:
    for bad_command in ("train", "score", "evaluate"):
        def bad_input(name=bad_name, command=bad_command):
            check_bad(name, command)
        bad_input.__name__ = "%s_refuses_%s_input_in_one_line" % (bad_command, bad_name)
        test(bad_input)


@test
def a_missing_model_column_is_named():
    data = write("lacks.csv", "time,a,c,label\n2024-01-01,1,2,0\n")
    refused(run("score", "--model", a_model(), "--data", data, "--out", "lacks.out"), 3,
            data, "no column b", out="lacks.out")
    refused(run("evaluate", "--model", a_model(), "--data", data, "--label", "label"), 3,
            data, "no column b")


@test
def a_column_without_a_value_is_refused_in_training_and_lowers_coverage_in_scoring():
    rows = table(3000).splitlines()
    empty = "\n".join([rows[0]] + [",".join(c if i != 2 else "NaN" for i, c in
                                            enumerate(r.split(","))) for r in rows[1:]]) + "\n"
    data = write("void.csv", empty)
    refused(train(data=data, out="void.andon"), 3, data, "column b", "no value", out="void.andon")
    done = run("score", "--model", a_model(), "--data", data, "--out", "void.out")
    assert done.returncode == 0, done.stderr
    with open("void.out") as f:
        assert sum(1 for _ in f) == 3001


@test
def one_row_and_a_constant_file_teach_nothing():
    data = write("one.csv", table(1))
    refused(train(data=data, out="one.andon"), 3, data, "1 row", out="one.andon")
    data = write("same.csv", "a,b,label\n" + "1,2,0\n" * 500)
    refused(train(data=data, out="same.andon"), 3, data, "constant", out="same.andon")


@test
def one_row_is_scored():
    data = write("single.csv", table(1))
    done = run("score", "--model", a_model(), "--data", data, "--out", "single.out")
    assert done.returncode == 0, done.stderr
    assert len(open("single.out").read().splitlines()) == 2


@test
def unreadable_paths_are_named():
    model = a_model()
    refused(run("score", "--model", model, "--data", "nowhere.csv", "--out", "x.out"), 3,
            "nowhere.csv", "No such file", out="x.out")
    refused(run("score", "--model", model, "--data", ".", "--out", "x.out"), 3, "is a directory",
            out="x.out")
    refused(run("score", "--model", "nomodel", "--data", "train.csv", "--out", "x.out"), 3,
            "nomodel", "No such file", out="x.out")
    refused(run("train", "--data", "train.csv", "nowhere.csv", "--label", "label",
                "--out", "x.out"),
            3, "nowhere.csv", out="x.out")
    if os.geteuid() != 0:
        write("secret.csv", table(3))
        os.chmod("secret.csv", 0)
        refused(run("score", "--model", model, "--data", "secret.csv", "--out", "x.out"), 3,
                "secret.csv", "denied", out="x.out")


@test
def an_output_that_cannot_be_written_is_named():
    model = a_model()
    refused(run("score", "--model", model, "--data", "train.csv", "--out", "no/such/dir.csv"), 3,
            "no/such/dir.csv", "cannot write")
    refused(run("score", "--model", model, "--data", "train.csv", "--out", "."), 3, "cannot write")


@test
def a_full_disk_is_one_line():
    model = a_model()
    refused(run("score", "--model", model, "--data", "train.csv", "--out", "/dev/full"), 3,
            "/dev/full", "No space left")
    refused(train(out="/dev/full"), 3, "/dev/full", "No space left")


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


@test
def an_output_that_outgrows_the_disk_leaves_nothing_behind_and_keeps_the_old_file():
    model = a_model()
    write("kept.csv", "old\n")
    done = run("score", "--model", model, "--data", "train.csv", "--out", "kept.csv",
               preexec_fn=limit_file_size)
    refused(done, 3, "kept.csv", "cannot write", "File too large")
    assert open("kept.csv").read() == "old\n"
    assert not os.path.exists("kept.csv.tmp")


@test
def a_model_that_is_cut_flipped_or_no_model_is_refused():
    whole = open(a_model(), "rb").read()
    r = random.Random(3)
    for size in [0, 1, 7, len(whole) // 2, len(whole) - 1]:
        cut = write("cut.andon", whole[:size])
        refused(run("score", "--model", cut, "--data", "train.csv", "--out", "x.out"), 3, cut,
                out="x.out")
    for _ in range(20):
        at = r.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << r.randrange(8)
        bad = write("flipped.andon", bytes(flipped))
        refused(run("score", "--model", bad, "--data", "train.csv", "--out", "x.out"), 3, bad,
                out="x.out")
    refused(run("score", "--model", "train.csv", "--data", "train.csv", "--out", "x.out"), 3,
            "train.csv", out="x.out")


@test
def a_wrong_command_line_is_exit_status_2_and_one_line():
    model = a_model()
    for args in (["nonsense"], ["score"], ["score", "--model", model],
                 ["score", "--modle", model, "--data", "train.csv", "--out", "x.out"],
                 ["score", "--model", model, "--data", "train.csv", "--out", "x.out",
                  "--kernel", "abacus"],
                 ["score", "--model", model, "--model", model, "--data", "d", "--out", "x.out"],
                 ["score", "--quiet=yes", "--model", model, "--data", "d", "--out", "x.out"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--budget", "3"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--budget=-3/day"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--rows", "9:3"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--seed", "-1"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--detector", "oracle"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--set", "window"],
                 ["train", "--data", "train.csv", "--out", "x.out", "--set", "nosuch=1"],
                 ["evaluate", "--model", model, "--data", "train.csv"],
                 ["evaluate", "--model", model, "--data", "train.csv", "--label", "label",
                  "--price", "gold=1"],
                 ["simulate", "volcano", "--to", "x.out"],
                 ["simulate", "pump", "--to", "amqp://somewhere"],
                 ["simulate", "pump", "--to", "x.out", "--days", "many"],
                 ["detectors", "oracle"], ["presets", "toaster"], ["bench", "--rows", "0"]):
        refused(run(*args), 2, out="x.out")
    assert run().returncode == 2
    assert "--model" in run("score", "--modle", "m").stderr


@test
def a_column_that_was_asked_for_and_is_not_there_is_named():
    a_model()
    for option in ("--time", "--running", "--regime", "--drop"):
        refused(train(option, "nosuch", out="x.andon"), 3, "train.csv", "nosuch", out="x.andon")


@test
def every_command_has_help():
    for command in ("train", "score", "evaluate", "detectors", "simulate", "bench"):
        done = run(command, "--help")
        assert done.returncode == 0 and done.stdout.startswith("usage: andon " + command), done
        assert done.stderr == ""
        assert command in run("--help").stdout


def scores(path):
    with open(path, newline="") as f:
        return list(csv.reader(f))


HEADER = "row,timestamp,score,p_value,is_anomaly,state,reason,channel,share".split(",")


@test
def one_output_row_per_input_row_with_the_stated_columns():
    data = write("new.csv", table(700, seed=2, fault_from=600))
    done = run("score", "--model", a_model(), "--data", data, "--out", "new.out", "--explain")
    assert done.returncode == 0, done.stderr
    head, *rows = scores("new.out")
    assert head == HEADER + ["contrib_a", "contrib_b", "contrib_c"], head
    assert [int(r[0]) for r in rows] == list(range(700))
    times = [l.split(",")[0] for l in open(data).read().splitlines()[1:]]
    assert [r[1] for r in rows] == times
    for r in rows:
        score, p, flag, state = float(r[2]), float(r[3]), r[4], r[5]
        assert flag in "01" and state in ("NORMAL", "ANOMALY", "UNKNOWN"), r
        assert math.isnan(score) or (score >= 0 and 0 <= p <= 1), r
        shares = [float(c) for c in r[9:]]
        assert math.isnan(score) or abs(sum(shares) - 1) < 1e-5 or sum(shares) == 0, r
        float(r[8])
    late = rows[620:]
    assert sum(r[4] == "1" for r in late) > 70, sum(r[4] == "1" for r in late)
    assert sum(r[7] == "b" for r in late) > 70


@test
def the_order_of_columns_the_delimiter_gzip_and_line_ends_do_not_change_a_score():
    a_model()
    rows = [l.split(",") for l in table(500, seed=4).splitlines()]
    turned = [[r[3], r[4], r[2], r[0], r[1]] for r in rows]
    write("v0.csv", "\n".join(",".join(r) for r in rows) + "\n")
    write("v1.csv", "\ufeff" + "\r\n".join(";".join(r) for r in turned))
    write("v2.csv.gz", gzip.compress("\n".join("\t".join(r) for r in turned).encode()))
    write("v3.csv", "\n".join(",".join('"%s"' % c for c in r) for r in rows) + "\n")
    outs = []
    for i, data in enumerate(("v0.csv", "v1.csv", "v2.csv.gz", "v3.csv")):
        done = run("score", "--model", "m.andon", "--data", data, "--out", "v%d.out" % i)
        assert done.returncode == 0, done.stderr
        outs.append(open("v%d.out" % i).read())
    assert outs[0] == outs[1] == outs[2] == outs[3]


@test
def a_score_does_not_depend_on_later_rows():
    a_model()
    lines = table(2500, seed=5).splitlines()
    write("long.csv", "\n".join(lines) + "\n")
    write("short.csv", "\n".join(lines[:1500]) + "\n")
    for name in ("long", "short"):
        done = run("score", "--model", "m.andon", "--data", name + ".csv", "--out", name + ".out")
        assert done.returncode == 0, done.stderr
    assert scores("short.out") == scores("long.out")[:1500]


@test
def extra_columns_are_named_once_and_quiet_says_nothing():
    a_model()
    done = run("score", "--model", "m.andon", "--data", "train.csv", "--out", "q.out")
    assert done.stderr.count("label") == 1, done.stderr
    done = run("score", "--model", "m.andon", "--data", "train.csv", "--out", "q.out", "--quiet")
    assert done.returncode == 0 and done.stderr == "" and done.stdout == "", done


@test
def a_file_without_header_trains_and_scores_by_c0_c1():
    rows = [l.split(",") for l in table(1500, seed=6).splitlines()[1:]]
    data = write("bare.csv", "\n".join(",".join(r[:4]) for r in rows) + "\n")
    done = run("train", "--data", data, "--time", "c0", "--detector", "mahalanobis", "--out",
               "bare.andon")
    assert done.returncode == 0 and "no header" in done.stderr, done.stderr
    done = run("score", "--model", "bare.andon", "--data", data, "--out", "bare.out", "--explain",
               "--no-header")
    assert done.returncode == 0, done.stderr
    assert scores("bare.out")[0][9:] == ["contrib_c1", "contrib_c2", "contrib_c3"]
    assert len(scores("bare.out")) == 1501


@test
def dash_is_standard_input_and_output():
    a_model()
    text = table(300, seed=7)
    write("pipe.csv", text)
    run("score", "--model", "m.andon", "--data", "pipe.csv", "--out", "pipe.out")
    done = run("score", "--model", "m.andon", "--data", "-", "--out", "-", input=text)
    assert done.returncode == 0, done.stderr
    assert done.stdout == open("pipe.out").read()


@test
def the_same_seed_gives_the_same_model_bytes():
    a_model()
    for out in ("s1.andon", "s2.andon"):
        assert train("--seed", "5", out=out).returncode == 0
    assert open("s1.andon", "rb").read() == open("s2.andon", "rb").read()


@test
def several_files_are_one_series_and_rows_picks_of_all():
    lines = table(3000, seed=8).splitlines()
    write("p1.csv", "\n".join(lines[:1501]) + "\n")
    write("p2.csv", "\n".join(lines[:1] + lines[1501:]) + "\n")
    write("p12.csv", "\n".join(lines) + "\n")
    done = run("train", "--data", "p1.csv", "p2.csv", "--label", "label", "--rows", "100:2900",
               "--detector", "mahalanobis", "--out", "p.andon")
    assert done.returncode == 0 and "one series" in done.stderr, done.stderr
    assert train("--rows", "100:2900", data="p12.csv", out="p12.andon").returncode == 0
    assert open("p.andon", "rb").read() == open("p12.andon", "rb").read()


@test
def a_column_that_looks_like_a_label_is_warned_of():
    text = table(1500, seed=9).replace("label", "anomaly", 1).replace(",0\n", ",0.5\n", 3)
    write("leak.csv", text)
    done = run("train", "--data", "leak.csv", "--detector", "mahalanobis", "--out", "leak.andon")
    assert done.returncode == 0 and "warning: column anomaly" in done.stderr, done.stderr


@test
def evaluate_prints_json_with_baselines_and_writes_a_report():
    data = write("eval.csv", table(1200, seed=10, fault_from=1000))
    done = run("evaluate", "--model", a_model(), "--data", data, "--label", "label", "--json",
               "--report", "eval.html")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    m = found["metrics"]
    assert m["events"]["events"] == 1 and m["events"]["found"] == 1, m["events"]
    assert m["rows"]["roc_auc"] > 0.95 and m["rows"]["rows"] == 1200, m["rows"]
    assert abs(found["baselines"]["always_alarm"]["rows"]["recall"] - 1) < 1e-12
    assert 0.3 < found["baselines"]["random"]["rows"]["roc_auc"] < 0.7
    page = open("eval.html").read()
    assert page.lstrip().lower().startswith("<!doctype html") and "</html>" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    some = run("evaluate", "--model", "m.andon", "--data", data, "--label", "label", "--rows",
               "900:1100", "--json")
    assert json.loads(some.stdout)["metrics"]["rows"]["rows"] == 200


@test
def presets_are_listed_with_channels_faults_and_advice():
    found = json.loads(run("presets", "--json").stdout)["presets"]
    assert [p["name"] for p in found] == run("presets", "--quiet").stdout.split()
    pump = json.loads(run("presets", "pump", "--json").stdout)["presets"]
    assert pump == [found[0]] and pump[0]["name"] == "pump"
    wear = next(f for f in pump[0]["faults"] if f["name"] == "bearing_wear")
    assert wear["cost"] == 11000 and wear["downtime_h"] == 4 and "bearings" in wear["advice"]
    assert wear["signature"][0] == {"channel": "vibration", "factor": [1, 2.8],
                                    "offset": [0, 0], "noise": 0, "late": False}
    text = run("presets", "pump").stdout
    assert "vibration x 1 to 2.8; temperature + 10 to 28 degC (late)" in text
    assert all(f["title"] in text and f["advice"] in text for f in pump[0]["faults"])
    assert all(c["name"] in text for c in pump[0]["channels"])


@test
def detectors_are_listed_with_options_and_sources():
    found = json.loads(run("detectors", "--json").stdout)
    names = [d["name"] for d in found["detectors"]]
    assert names == run("detectors", "--quiet").stdout.split()
    assert "mahalanobis" in names and len(set(names)) == len(names)
    text = run("detectors").stdout
    for d in found["detectors"]:
        assert d["source"] and d["title"] and d["name"] + ":" in text, d
        for o in d["options"]:
            assert o["help"] and o["name"] in text, o
    assert {o["name"] for o in found["recipe"]["options"]} >= {"scale", "window", "features"}


@test
def simulate_writes_data_labels_and_metadata_and_train_score_evaluate_take_them():
    done = run("simulate", "pump", "--to", "pump.csv", "--days", "10", "--seed", "3", "--json")
    assert done.returncode == 0, done.stderr
    wrote = json.loads(done.stdout)
    assert wrote["rows"] == 14400 and os.path.exists(wrote["labels"])
    json.load(open(wrote["metadata"]))
    done = run("train", "--data", "pump.csv", "--label", "anomaly", "--drop", "fault", "--running",
               "status", "--regime", "operational_state", "--detector", "mahalanobis", "--rows",
               ":7200", "--out", "pump.andon", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["detector"] == "mahalanobis"
    done = run("score", "--model", "pump.andon", "--data", "pump.csv", "--out", "pump.out")
    assert done.returncode == 0, done.stderr
    assert len(scores("pump.out")) == 14401
    refused(run("simulate", "pump", "--to", "no/such/x.csv", "--days", "1"), 3, "no/such/x.csv")


@test
def bench_prints_one_line_per_case():
    if SANITIZED:
        raise Skip("a sanitizer's speed says nothing")
    done = run("bench", "--rows", "2000", "--train-rows", "2000", "--detector", "mahalanobis",
               "--detector", "iforest")
    assert done.returncode == 0, done.stderr
    lines = [dict(p.split("=", 1) for p in l.split()) for l in done.stdout.splitlines()]
    assert [l["bench"] for l in lines] == ["mahalanobis", "iforest"]
    for l in lines:
        assert float(l["rows_s"]) > 0 and float(l["ns_row_p99"]) >= float(l["ns_row_p50"]) > 0


@test
def bench_measures_every_detector_that_there_is():
    if SANITIZED:
        raise Skip("a sanitizer's speed says nothing")
    names = [l.split(":")[0] for l in run("detectors").stdout.splitlines()
             if ": " in l and not l.startswith((" ", "recipe:", "verdict:"))]
    assert {"forest", "logistic", "iforest"} <= set(names), names
    for name in names:
        done = run("bench", "--rows", "200", "--train-rows", "1500", "--detector", name)
        assert done.returncode == 0 and done.stdout.startswith("bench=%s " % name), (name, done.stderr)


def peak_kb(*args):
    """The process's own high-water mark; ru_maxrss would also count the Python that forked it."""
    child = subprocess.Popen([ANDON, *args], stdout=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        try:
            with open("/proc/%d/status" % child.pid) as f:
                peak = max([peak] + [int(l.split()[1]) for l in f if l.startswith("VmHWM")])
        except (OSError, ValueError):
            pass
        time.sleep(0.005)
    assert child.returncode == 0, child.returncode
    return peak


@test
def memory_of_scoring_does_not_grow_with_the_file():
    if SANITIZED:
        raise Skip("a sanitizer's memory says nothing")
    a_model()
    block = "".join(l + "\n" for l in table(20000, seed=11).splitlines()[1:]).encode()
    peaks = []
    for blocks in (16, 160):
        with open("big.csv", "wb") as f:
            f.write(b"time,a,b,c,label\n")
            for _ in range(blocks):
                f.write(block)
        peaks.append(peak_kb("score", "--model", "m.andon", "--data", "big.csv", "--out", "big.out",
                             "--quiet"))
    size = os.path.getsize("big.csv")
    os.unlink("big.csv")
    os.unlink("big.out")
    print("# %d MB scored in %d KiB, the 10th part in %d KiB" % (size >> 20, peaks[1], peaks[0]))
    assert size > 100 << 20 and 0 < peaks[1] < 32 << 10, peaks
    assert peaks[1] < peaks[0] + 2048, peaks


@test
def an_interrupted_run_leaves_no_output():
    a_model()
    os.mkfifo("slow.csv")
    for number in (signal.SIGINT, signal.SIGTERM):
        done = subprocess.Popen([ANDON, "score", "--model", "m.andon", "--data", "slow.csv",
                                 "--out", "slow.out"], stderr=subprocess.DEVNULL)
        with open("slow.csv", "wb") as f:
            f.write(table(2000, seed=12).encode())
            f.flush()
            for _ in range(200):
                if os.path.exists("slow.out.tmp"):
                    break
                time.sleep(0.05)
            assert os.path.exists("slow.out.tmp")
            done.send_signal(number)
            assert done.wait() == -number
        left = [f for f in os.listdir(".") if f.startswith("slow.out")]
        assert left == [], left


@test
def an_output_appears_only_when_it_is_complete():
    a_model()
    write("whole.csv", table(2000, seed=13) + "2024-01-03T00:00:00Z,1,oops,3,0\n")
    write("whole.out", "old\n")
    refused(run("score", "--model", "m.andon", "--data", "whole.csv", "--out", "whole.out"), 3,
            ":2002:", "column b")
    assert open("whole.out").read() == "old\n" and not os.path.exists("whole.out.tmp")


@test
def every_missing_value_spelling_scores_alike():
    a_model()
    lines = table(400, seed=14).splitlines()
    outs = []
    for word in ("", "NaN", "null", "NA", "None", " nan "):
        cells = [l.split(",") for l in lines]
        for r in cells[200:250]:
            r[2] = word
        write("gap.csv", "\n".join(",".join(r) for r in cells) + "\n")
        done = run("score", "--model", "m.andon", "--data", "gap.csv", "--out", "gap.out")
        assert done.returncode == 0, done.stderr
        outs.append(open("gap.out").read())
    assert len(set(outs)) == 1


def main():
    wanted = sys.argv[2:]
    home = tempfile.mkdtemp(prefix="andon_cli_")
    os.chdir(home)
    failed = number = 0
    for t in TESTS:
        if wanted and t.__name__ not in wanted:
            continue
        number += 1
        try:
            t()
            print("ok %d - %s" % (number, t.__name__), flush=True)
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, t.__name__, why), flush=True)
        except Exception as why:  # every failure is one report
            failed += 1
            print("# %s: %s" % (type(why).__name__, str(why)[:600].replace("\n", "\n# ")))
            print("not ok %d - %s" % (number, t.__name__), flush=True)
    print("1..%d" % number)
    os.chdir("/")
    shutil.rmtree(home)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
