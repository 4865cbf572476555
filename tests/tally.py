#!/usr/bin/env python3
"""Adds up what test programs said, and ends with one line: N passed, N failed, N skipped.

    tests/tally.py [--skip REASON]... TESTLOG.json...

TESTLOG.json is what `meson test` leaves in meson-logs. A program that crashed, timed out, ended with
an error of its own or printed fewer results than it planned counts as one failure more. The status is
1 when anything failed, or when nothing ran at all.
"""
import argparse
import json
import os
import re
import sys

RESULT = re.compile(r"^(not )?ok\b\s*\d*\s*(?:- )?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)(\s*#\s*skip\b.*)?", re.IGNORECASE)
SKIPPED = re.compile(r"#\s*(skip|todo)\S*\s*(.*)$", re.IGNORECASE)


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []

    def take_line(self, program, line):
        """Counts one line of TAP; returns 1 if it was a result."""
        result = RESULT.match(line)
        if not result:
            return 0
        skipped = SKIPPED.search(result[2])
        name = f"{program}: {result[2]}"
        if result[1]:
            self.failed.append(name)
        elif skipped:
            self.skipped.append(f"{program}: {SKIPPED.sub('', result[2]).strip()}: {skipped[2]}")
        else:
            self.passed.append(name)
        return 1

    def take_program(self, test, where=""):
        name = where + test["name"].removeprefix("andon:")
        lines = (test.get("stdout") or "").splitlines()
        before = len(self.failed)
        results = sum(self.take_line(name, line.strip()) for line in lines if not line[:1].isspace())
        plan = next((m for m in map(PLAN.match, lines) if m), None)
        if plan and plan[2] and int(plan[1]) == 0:
            self.skipped.append(f"{name}: {plan[2].strip(' #')}")
            return
        if test["result"] == "TIMEOUT":
            self.failed.append(f"{name}: timed out")
        elif plan is None or int(plan[1]) != results:
            self.failed.append(f"{name}: ended after {results} results (status {test['returncode']})")
        elif test["returncode"] != 0 and len(self.failed) == before:
            self.failed.append(f"{name}: all results were good, but the status is {test['returncode']}")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--skip", action="append", default=[])
    args.add_argument("log", nargs="*")
    a = args.parse_args()
    tally = Tally()
    for path in a.log:
        where = "" if len(a.log) == 1 else os.path.dirname(path).split(os.sep)[0] + ": "
        try:
            with open(path, encoding="utf-8") as log:
                for line in log:
                    tally.take_program(json.loads(line), where)
        except OSError as error:
            tally.failed.append(f"{path}: {error.strerror}")
    tally.skipped += a.skip
    for name in tally.skipped:
        print(f"skipped  {name}")
    for name in tally.failed:
        print(f"FAILED   {name}")
    print(f"{len(tally.passed)} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
