#!/usr/bin/env python3
"""andon import against a door that is busy, full, stopping, away or picky.

    tests/house/importing.py ANDON
"""
import gzip
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

import tap

ANDON = os.path.abspath(sys.argv[1])


class Door:
    """A stub of POST /api/andon/v1/readings: `plan` holds what it answers first, then it takes all."""

    def __init__(self, plan=(), port=0):
        self.plan, self.samples, self.posts, self.arrived = list(plan), [], 0, []
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                door.take(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        self.posts += 1
        status, headers, answer = self.plan.pop(0) if self.plan else (200, {}, None)
        lines = [json.loads(line) for line in body.splitlines()]
        if status == 200:
            self.samples += lines
            self.arrived.append((time.monotonic(), len(lines)))
        if answer is None:
            answer = json.dumps({"accepted": len(lines), "rejected": []}, separators=(",", ":"))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def run(*args, **more):
    return subprocess.run([ANDON, "import", *args], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, **more)


def put(name, text):
    path = os.path.join(DIR, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = text.encode()
    with open(path, "wb") as out:
        out.write(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def a_file_goes_out_row_by_row_as_it_stands():
    path = put("one/pump_2024-05-31.csv", "time,temp,state,anomaly\n12:00:00,0.10,run,0\n"
               "12:00:01,9007199254740993,stop,1\n12:00:02,,,0\n")
    with Door() as door:
        done = run(path, "--to", door.url, "--drop", "anomaly")
        tap.equal((done.returncode, done.stderr), (0, ""), "status and errors")
        tap.equal(door.samples, [
            {"asset": "pump", "ts": "2024-05-31T12:00:00", "values": {"temp": 0.10, "state": "run"}},
            {"asset": "pump", "ts": "2024-05-31T12:00:01",
             "values": {"temp": 9007199254740993, "state": "stop"}}], "samples")
        if "2 samples of 1 assets from 1 files" not in done.stdout:
            raise AssertionError(done.stdout)


def a_folder_goes_out_in_order_of_time_with_whole_rows():
    for channel, offset in (("temp", 40), ("vibration", 1)):
        for day in (1, 2):
            rows = "".join(f"2024-06-0{day}T00:{m:02d}:00Z,{offset + m}\n" for m in range(3))
            put(f"tree/acme__p1/{channel}/2024-06-0{day}.csv", "timestamp,value\n" + rows)
    put("tree/hall_20240601.csv.gz", "timestamp,hum\n2024-06-01T00:00:30Z,50\n2024-06-01T00:01:30Z,51\n")
    put("tree/notes.txt", "not data")
    with Door() as door:
        done = run(os.path.join(DIR, "tree"), "--to", door.url, "--asset", "site", "--json")
        tap.equal((done.returncode, done.stderr), (0, ""), "status and errors")
        tap.equal([(s["asset"], s["ts"][8:16], s["values"]) for s in door.samples], [
            ("site/acme/p1", "01T00:00", {"temp": 40, "vibration": 1}),
            ("site/hall", "01T00:00", {"hum": 50}),
            ("site/acme/p1", "01T00:01", {"temp": 41, "vibration": 2}),
            ("site/hall", "01T00:01", {"hum": 51}),
            ("site/acme/p1", "01T00:02", {"temp": 42, "vibration": 3}),
            ("site/acme/p1", "02T00:00", {"temp": 40, "vibration": 1}),
            ("site/acme/p1", "02T00:01", {"temp": 41, "vibration": 2}),
            ("site/acme/p1", "02T00:02", {"temp": 42, "vibration": 3})], "samples")
        sums = json.loads(done.stdout)
        tap.equal((sums["files"], sums["assets"], sums["samples"], sums["accepted"]), (5, 2, 8, 8), "sums")


def a_busy_full_or_stopping_door_gets_it_again_after_what_it_asks():
    path = put("busy.csv", "timestamp,v\n2024-05-31,1\n")
    plan = [(429, {"Retry-After": "1"}, ""), (503, {}, ""), (507, {}, "")]
    with Door(plan) as door:
        began = time.monotonic()
        done = run(path, "--to", door.url, "--json")
        tap.equal((done.returncode, len(door.samples), door.posts), (0, 1, 4), "status, samples, posts")
        tap.equal(json.loads(done.stdout)["sent_again"], 3, "sent_again")
        if time.monotonic() - began < 1.0:
            raise AssertionError("Retry-After was not waited for")


def what_is_rejected_is_counted_and_said_at_the_end():
    path = put("picky.csv", "timestamp,v\n2024-05-31,1\n2024-06-01,2\n")
    answer = '{"accepted":1,"rejected":[{"index":1,"reason":"v: \\"2\\" is odd"}]}'
    with Door([(200, {}, answer)]) as door:
        done = run(path, "--to", door.url, "--quiet")
        tap.equal((done.returncode, done.stdout, done.stderr),
                  (3, "", 'andon import: 1 samples were rejected, the first: v: \\"2\\" is odd\n'), "outcome")


def what_cannot_be_read_at_all_ends_it_with_the_doors_words():
    path = put("bad.csv", "timestamp,v\n2024-05-31,1\n")
    with Door([(400, {}, '{"title":"Bad Request","detail":"no readings in it"}')]) as door:
        done = run(path, "--to", door.url)
        tap.equal((done.returncode, door.posts), (3, 1), "status and posts")
        if "status 400: no readings in it" not in done.stderr:
            raise AssertionError(done.stderr)


def rows_before_a_broken_one_are_in_and_the_broken_one_is_named():
    path = put("broken.csv", "timestamp,v\n2024-05-31,1\n2024-06-01,2\n2024-06-02\n")
    with Door() as door:
        done = run(path, "--to", door.url)
        tap.equal((done.returncode, len(door.samples)), (3, 2), "status and samples")
        if "broken.csv:4: " not in done.stderr:
            raise AssertionError(done.stderr)


def rows_without_a_time_are_left_out_and_said():
    path = put("untimed.csv", "timestamp,v\n2024-05-31,1\n,2\n2024-06-02,3\n")
    with Door() as door:
        done = run(path, "--to", door.url)
        tap.equal((done.returncode, len(door.samples)), (3, 2), "status and samples")
        if "1 rows without a time were left out, the first: " not in done.stderr or ":3" not in done.stderr:
            raise AssertionError(done.stderr)


def nobody_there_is_said_within_seconds():
    path = put("alone.csv", "timestamp,v\n2024-05-31,1\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = run(path, "--to", f"http://127.0.0.1:{port}")
    tap.equal(done.returncode, 3, "status")
    if "is andon serve running there?" not in done.stderr:
        raise AssertionError(done.stderr)


def speed_is_kept_relative_to_the_recorded_times():
    path = put("pace.csv", "timestamp,v\n" + "".join(f"2024-05-31T12:00:{s:02d}Z,{s}\n" for s in range(5)))
    with Door() as door:
        done = run(path, "--to", door.url, "--speed", "4")
        tap.equal((done.returncode, len(door.samples)), (0, 5), "status and samples")
        took = door.arrived[-1][0] - door.arrived[0][0]
        if not 0.9 <= took <= 4.0 or len(door.arrived) != 5:
            raise AssertionError(f"{len(door.arrived)} batches in {took:.2f} s, expected 5 in 1 s")


def many_rows_go_out_in_batches_without_loss():
    path = put("many.csv", "ts,v\n" + "".join(f"{1700000000 + i},{i}\n" for i in range(25000)))
    with Door() as door:
        done = run(path, "--to", door.url, "--speed", "max")
        tap.equal((done.returncode, [s["values"]["v"] for s in door.samples]), (0, list(range(25000))), "values")
        tap.equal(door.posts, 25, "batches")


def wrong_arguments_are_status_2():
    path = put("args.csv", "timestamp,v\n2024-05-31,1\n")
    for args in ([path, "--speed", "fast"], [path, "--speed", "-1"], [path, "--to", "ftp://x"],
                 [path, "--to", "http://x/y/z"], []):
        done = run(*args)
        tap.equal((done.returncode, len(done.stderr.splitlines())), (2, 1), f"{args}")


with tempfile.TemporaryDirectory(prefix="andon-import-") as DIR:
    sys.exit(tap.run([a_file_goes_out_row_by_row_as_it_stands,
                      a_folder_goes_out_in_order_of_time_with_whole_rows,
                      a_busy_full_or_stopping_door_gets_it_again_after_what_it_asks,
                      what_is_rejected_is_counted_and_said_at_the_end,
                      what_cannot_be_read_at_all_ends_it_with_the_doors_words,
                      rows_before_a_broken_one_are_in_and_the_broken_one_is_named,
                      rows_without_a_time_are_left_out_and_said, nobody_there_is_said_within_seconds,
                      speed_is_kept_relative_to_the_recorded_times,
                      many_rows_go_out_in_batches_without_loss, wrong_arguments_are_status_2]))
