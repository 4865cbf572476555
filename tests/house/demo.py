#!/usr/bin/env python3
"""`make run`: what a newcomer sees first.

    tests/house/demo.py SOURCE_ROOT ANDON
"""
import os
import pty
import re
import subprocess
import sys
import tempfile

import tap

ROOT, ANDON = sys.argv[1:3]
LINE = re.compile(r"^(\w[\w ]*?)\s+(\d+)/(\d+)((?:\s+\S+){8})$")


def the_demo_prints_every_detector_and_the_path_of_its_report():
    done = subprocess.run([os.path.join(ROOT, "scripts/run-demo"), ANDON, DIR], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    tap.equal((done.returncode, done.stderr), (0, ""), "status and errors")
    if "\033" in done.stdout:
        raise AssertionError("colours in a pipe")
    rows = {m[1]: m[4].split() for m in map(LINE.match, done.stdout.splitlines()) if m}
    known = subprocess.run([ANDON, "detectors", "--json"], check=True, stdout=subprocess.PIPE, text=True)
    names = re.findall(r'"name":\s*"(\w+)",\s*"title"', known.stdout)
    tap.equal(sorted(set(names) - set(rows)), [], "detectors that are missing in the table")
    tap.equal({"ensemble", "always alarm", "random"} - set(rows), set(), "rows that are missing")
    if float(rows["ensemble"][6]) > 3.0:
        raise AssertionError(f"the ensemble spends more than its budget: {rows['ensemble']}")
    path = done.stdout.splitlines()[-1].removeprefix("report: ")
    with open(path, encoding="utf-8") as page:
        report = page.read()
    tap.empty(re.findall(r'(?:src|href)="(?!#)(?!data:)[^"]+"', report), "what the page loads")
    tap.empty([name for name in rows if name not in report], "detectors that the report lacks")


def a_terminal_gets_colours():
    try:
        main, side = pty.openpty()
    except OSError:
        raise tap.Skip("there are no pseudo-terminals here") from None
    models = [os.path.join(DIR, f"{name}.andon") for name in ("iforest", "pca")]
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen([ANDON, "evaluate", "--model", models[0], "--compare", models[1], "--data",
                           os.path.join(DIR, "pump.csv"), "--label", "fault"], stdout=side,
                          stderr=subprocess.DEVNULL, env=dict(env, TERM="xterm")) as process:
        os.close(side)
        text = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
    tap.equal(process.returncode, 0, "status")
    if b"\033[1;32m" not in text:
        raise AssertionError(f"no colour: {text[:200]!r}")


with tempfile.TemporaryDirectory(prefix="andon-demo-") as DIR:
    sys.exit(tap.run([the_demo_prints_every_detector_and_the_path_of_its_report,
                      a_terminal_gets_colours]))
