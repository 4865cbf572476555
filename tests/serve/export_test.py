#!/usr/bin/env python3
"""What is exported as a folder of recordings, or as NDJSON, and taken in again is the same, bit for bit.

    export_test.py ANDON
"""
import json
import os
import random
import subprocess
import sys

import rig
import tap

BASE_MS = 1_700_000_000_000
NASTY = [0.1, 1e-310, 1.7976931348623157e308, -2.5e-8, 123456789.123, 9007199254740992.0, 1 / 3]


def andon(*args):
    got = subprocess.run([rig.ANDON, *map(str, args)], capture_output=True, text=True, check=False)
    if got.returncode != 0:
        raise AssertionError(f"andon {' '.join(map(str, args))}: {got.returncode} {got.stderr}")
    return got.stdout


def readings(directory):
    rows = rig.sql(directory, "SELECT asset, channel, ts, value FROM readings")
    return sorted((r["asset"], r["channel"], r["ts"], repr(r["value"])) for r in rows)


def fill(directory):
    rng = random.Random(5)
    with rig.Serve(directory, mqtt=False) as serve:
        lines = []
        for n in range(3000):  # over two days
            values = {"a": NASTY[n % len(NASTY)] if n % 3 else rng.random(), "b": n, "on": n % 2 == 0,
                      "word, \"quoted\"": f"x{n % 4}, y"}
            lines.append(json.dumps({"asset": f"hall/press {n % 2}", "ts": BASE_MS + n * 60_000,
                                     "values": values}))
        status, _, text = serve.ask("/api/andon/v1/readings", "\n".join(lines),
                                    headers={"Content-Type": "application/x-ndjson"})
        tap.equal((status, json.loads(text)["accepted"]), (200, 3000), "accepted")
        serve.stop()


def a_folder_that_is_imported_again_holds_the_same():
    with rig.scratch() as scratch:
        one, two = os.path.join(scratch, "one"), os.path.join(scratch, "two")
        os.mkdir(one)
        os.mkdir(two)
        fill(one)
        folder = os.path.join(scratch, "recordings")
        andon("export", "--dir", one, "--format", "folder", "--out", folder)
        with rig.Serve(two, mqtt=False) as serve:
            andon("import", folder, "--to", f"http://127.0.0.1:{serve.port['http']}", "--quiet")
            serve.stop()
        before, after = readings(one), readings(two)
        tap.equal(len(after), len(before), "readings")
        tap.empty([pair for pair in zip(before, after) if pair[0] != pair[1]][:5], "readings that differ")


def lines_that_are_posted_again_hold_the_same():
    with rig.scratch() as scratch:
        one, two = os.path.join(scratch, "one"), os.path.join(scratch, "two")
        os.mkdir(one)
        os.mkdir(two)
        fill(one)
        text = andon("export", "--dir", one, "--format", "ndjson")
        line = andon("export", "--dir", one, "--format", "line", "--asset", "hall/press 1")
        with rig.Serve(two, "--influx", "127.0.0.1:0", mqtt=False) as serve:
            status, _, _ = serve.ask("/api/andon/v1/readings", text,
                                     headers={"Content-Type": "application/x-ndjson"})
            tap.equal(status, 200, "NDJSON")
            status, _, answer = serve.ask("/write?precision=ns", line, door="influx")
            tap.equal((status, answer), (204, ""), "line protocol")
            serve.stop()
        tap.equal(readings(two) == readings(one), True, "the same readings, the lines being repeats")


sys.exit(tap.run([a_folder_that_is_imported_again_holds_the_same,
                  lines_that_are_posted_again_hold_the_same]))
