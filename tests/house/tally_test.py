#!/usr/bin/env python3
"""The tally is what people and machines believe: it must see every way in which a test can fail.

    tests/house/tally_test.py SOURCE_ROOT
"""
import json
import os
import subprocess
import sys
import tempfile

import tap

TALLY = os.path.join(sys.argv[1], "tests/tally.py")
GOOD = {"name": "good", "stdout": "ok 1 - a\nok 2 - b # SKIP no such thing\n1..2\n", "result": "OK",
        "returncode": 0}


def last_line(*tests, skip=()):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        log.writelines(json.dumps(test) + "\n" for test in tests)
        log.flush()
        more = [word for reason in skip for word in ("--skip", reason)]
        done = subprocess.run([sys.executable, TALLY, *more, log.name], stdout=subprocess.PIPE,
                              text=True, check=False)
    return done.stdout.splitlines()[-1], done.returncode


def good_results_are_added_up():
    tap.equal(last_line(GOOD, GOOD), ("2 passed, 0 failed, 2 skipped", 0), "two programs")


def a_failed_test_fails_the_whole():
    bad = dict(GOOD, stdout="ok 1 - a\nnot ok 2 - b\n1..2\n", result="FAIL", returncode=1)
    tap.equal(last_line(GOOD, bad), ("2 passed, 1 failed, 1 skipped", 1), "one bad test")


def a_crash_after_the_first_result_counts_as_failed():
    crash = dict(GOOD, stdout="ok 1 - a\n", result="FAIL", returncode=-11)
    tap.equal(last_line(crash), ("1 passed, 1 failed, 0 skipped", 1), "a crash")


def a_crash_before_any_result_counts_as_failed():
    tap.equal(last_line(GOOD, dict(GOOD, stdout=None, result="ERROR", returncode=134)),
              ("1 passed, 1 failed, 1 skipped", 1), "a crash")


def a_timeout_counts_as_failed():
    late = dict(GOOD, stdout="ok 1 - a\n", result="TIMEOUT", returncode=-15)
    tap.equal(last_line(late), ("1 passed, 1 failed, 0 skipped", 1), "a timeout")


def a_leak_found_at_the_end_counts_as_failed():
    tap.equal(last_line(dict(GOOD, result="ERROR", returncode=23)),
              ("1 passed, 1 failed, 1 skipped", 1), "status 23")


def a_program_that_ran_less_than_it_planned_counts_as_failed():
    tap.equal(last_line(dict(GOOD, stdout="1..3\nok 1 - a\nok 2 - b\n")),
              ("2 passed, 1 failed, 0 skipped", 1), "two of three")


def what_could_not_run_is_named_as_skipped():
    tap.equal(last_line(GOOD, skip=["aarch64: no compiler"]), ("1 passed, 0 failed, 2 skipped", 0),
              "skipped")


def nothing_at_all_is_no_success():
    tap.equal(last_line(), ("0 passed, 0 failed, 0 skipped", 1), "an empty log")


sys.exit(tap.run([good_results_are_added_up, a_failed_test_fails_the_whole,
                  a_crash_after_the_first_result_counts_as_failed,
                  a_crash_before_any_result_counts_as_failed, a_timeout_counts_as_failed,
                  a_leak_found_at_the_end_counts_as_failed,
                  a_program_that_ran_less_than_it_planned_counts_as_failed,
                  what_could_not_run_is_named_as_skipped, nothing_at_all_is_no_success]))
