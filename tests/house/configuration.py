#!/usr/bin/env python3
"""andon check, and the reference page: it names every key that the program knows.

    tests/house/configuration.py SOURCE_ROOT ANDON
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import tap

ROOT, ANDON = sys.argv[1], os.path.abspath(sys.argv[2])


def check(*args, **env):
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith(("ANDON_", "MQTT_", "INFLUX_"))}
    return subprocess.run([ANDON, "check", *args], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(clean, **env))


def put(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def the_page_holds_the_reference_as_the_program_prints_it():
    with open(os.path.join(ROOT, "docs/configuration.md"), encoding="utf-8") as page:
        text = page.read()
    rows = check("--keys").stdout.splitlines()
    if len(rows) < 60:
        raise AssertionError(f"{len(rows)} rows")
    tap.empty([row for row in rows if row not in text], "rows that docs/configuration.md lacks")
    known = {re.match(r"\| `(\S+)`", row)[1] for row in rows[2:]}
    there = set(re.findall(r"^\| `(\S+)` \|", text, re.MULTILINE))
    tap.empty(sorted(there - known), "keys of the page that the program does not know")


def the_examples_of_the_page_are_good():
    with open(os.path.join(ROOT, "docs/configuration.md"), encoding="utf-8") as page:
        examples = re.findall(r"```yaml\n(.*?)```", page.read(), re.DOTALL)
    if not examples:
        raise AssertionError("no example")
    for text in examples:
        done = check("-c", put("example.yaml", text.replace("model: ", "preset: ")))
        if "America/" in done.stderr and "zone" in done.stderr:
            raise tap.Skip("this machine has no zone files")
        tap.equal((done.returncode, done.stderr), (0, ""), "outcome")


def what_is_printed_is_a_configuration_that_comes_to_the_same():
    first = check("-c", put("a.yaml", "assets: [{match: p, running: a > 5}]\n"), ANDON_ENGINE__SHARDS="3")
    tap.equal((first.returncode, first.stderr), (0, ""), "outcome")
    again = check("-c", put("b.yaml", first.stdout))
    tap.equal(again.stdout.splitlines()[1:], first.stdout.splitlines()[1:], "the second time")
    if "shards: 3" not in again.stdout:
        raise AssertionError(again.stdout)


def an_error_is_one_line_with_its_place_and_status_2():
    path = put("bad.yaml", "journal:\n  sync: often\n")
    done = check("-c", path)
    tap.equal((done.returncode, done.stdout), (2, ""), "status and output")
    tap.equal(done.stderr, f"andon check: {path}:2:9: journal.sync: found 'often', expected every, os or a "
              "duration such as 100ms, 5m or 7d from 1ms to 1m\n", "line")
    tap.equal(check(ANDON_JOURNAL__SYNC="x").returncode, 2, "status of a wrong variable")
    tap.equal(check("-c", os.path.join(DIR, "nowhere.yaml")).returncode, 2, "status of a missing file")


def files_that_it_names_must_be_there():
    for text in ("assets: [{match: p, model: none.model}]", "sources: [{type: files, dir: nowhere}]",
                 "sources: [{type: mqtt, broker: 'mqtts://h', ca: nowhere.pem}]"):
        done = check("-c", put("c.yaml", text))
        tap.equal((done.returncode, len(done.stderr.splitlines())), (2, 1), text)


def secrets_are_never_printed():
    put("secret", "hunter2\n")
    os.chmod(os.path.join(DIR, "secret"), 0o600)
    path = put("d.yaml", "influx: {url: 'http://i', bucket: b, token: 'file:secret'}")
    for args in (("-c", path), ("-c", path, "--json")):
        done = check(*args)
        tap.equal((done.returncode, done.stderr), (0, ""), "outcome")
        if "hunter2" in done.stdout or "***" not in done.stdout:
            raise AssertionError(done.stdout)
    json.loads(check("-c", path, "--json").stdout)
    done = check("-c", put("e.yaml", "influx: {url: 'http://i', bucket: b, token: hunter2}"))
    tap.equal(done.returncode, 2, "status of a secret in the file")
    if "hunter2" in done.stderr:
        raise AssertionError(done.stderr)


with tempfile.TemporaryDirectory(prefix="andon-check-") as DIR:
    sys.exit(tap.run([the_page_holds_the_reference_as_the_program_prints_it, the_examples_of_the_page_are_good,
                      what_is_printed_is_a_configuration_that_comes_to_the_same,
                      an_error_is_one_line_with_its_place_and_status_2, files_that_it_names_must_be_there,
                      secrets_are_never_printed]))
