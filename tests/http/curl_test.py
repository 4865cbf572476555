#!/usr/bin/env python3
"""The HTTP door as curl sees it: the examples of the documentation, and what only a whole client does.

    tests/http/curl_test.py ANDON DOCS
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
import rig  # noqa: E402
import tap  # noqa: E402

CURL = shutil.which("curl")
API = "/api/andon/v1"


def serve(directory):
    if CURL is None:
        raise tap.Skip("there is no curl here")
    os.mkdir(directory)
    return rig.Serve(directory, "--influx", "127.0.0.1:0")


def curl(*arguments, stdin=None):
    """(status, body) of a call."""
    done = subprocess.run([CURL, "-sS", "-w", "\n%{http_code}", "--max-time", "60", *arguments], check=False,
                          input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise AssertionError(f"curl {arguments}: {done.returncode} {done.stderr.decode()}")
    body, status = done.stdout.decode().rsplit("\n", 1)
    return int(status), body


def url(server, path, door="http"):
    return f"http://127.0.0.1:{server.port[door]}{path}"


def examples():
    with open(sys.argv[2], encoding="utf-8") as page:
        blocks = re.findall(r"```sh\n(.*?)```", page.read(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def the_examples_of_the_documentation_run_as_they_stand():
    with tempfile.TemporaryDirectory() as top, serve(os.path.join(top, "data")) as server:
        commands = examples()
        if len(commands) < 15:
            raise AssertionError(f"only {len(commands)} examples")
        for n, command in enumerate(commands):
            command = command.replace("localhost:8000", f"localhost:{server.port['http']}")
            command = command.replace("localhost:8086", f"localhost:{server.port['influx']}")
            if n == 4:  # what was sent is in the store before it is asked for
                rig.until(lambda: len(server.get(API + "/assets")["items"]) >= 3, "the assets")
            done = subprocess.run(["sh", "-c", command], check=False, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            if done.returncode != 0:
                raise AssertionError(f"{command}\n{done.returncode}: {done.stdout}{done.stderr}")
        server.stop()


def a_large_file_is_sent_with_and_without_gzip_and_comes_back_as_sent():
    with tempfile.TemporaryDirectory() as top, serve(os.path.join(top, "data")) as server:
        path = os.path.join(top, "readings.ndjson")
        rows = 30000
        with open(path, "w", encoding="utf-8") as out:
            for i in range(rows):
                out.write(json.dumps({"asset": f"site/pump{i % 10}", "ts": 1700000000 + i // 10,
                                      "values": {"x": i * 0.1, "on": i % 2 == 0}}) + "\n")
        status, body = curl("--data-binary", "@" + path, "-H", "Content-Type: application/x-ndjson",
                            url(server, API + "/readings"))
        tap.equal((status, json.loads(body)), (200, {"accepted": rows, "rejected": []}), "answer")
        with open(path, "rb") as plain:
            packed = subprocess.run(["gzip", "-c"], check=True, stdin=plain, stdout=subprocess.PIPE).stdout
        status, body = curl("--data-binary", "@-", "-H", "Content-Encoding: gzip", "-H", "Transfer-Encoding: chunked",
                            url(server, API + "/readings"), stdin=packed)
        tap.equal((status, json.loads(body)["accepted"]), (200, rows), "gzip, chunked")

        def stored():
            status, body = curl(url(server, API + "/readings?asset=site/pump3&limit=100000"))
            return json.loads(body) if status == 200 else {"rows": []}
        rig.until(lambda: len(stored()["rows"]) == rows // 10, "3,000 rows of a pump")
        got = stored()
        column = got["columns"].index("x")
        tap.equal([row[column] for row in got["rows"]], [i * 0.1 for i in range(3, rows, 10)], "values")
        server.stop()


def a_body_beyond_the_limit_is_413_and_not_sent_to_its_end():
    with tempfile.TemporaryDirectory() as top, serve(os.path.join(top, "data")) as server:
        path = os.path.join(top, "large")
        with open(path, "wb") as out:
            out.truncate(100 << 20)
        status, body = curl("--data-binary", "@" + path, url(server, API + "/readings"))
        tap.equal((status, json.loads(body)["status"]), (413, 413), "with Expect")
        status, body = curl("-H", "Expect:", "--data-binary", "@" + path, url(server, API + "/readings"))
        tap.equal((status, json.loads(body)["status"]), (413, 413), "without Expect")
        status, _ = curl("-H", "Expect:", "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + path,
                         url(server, "/write", "influx"))
        tap.equal(status, 413, "chunked")
        server.stop()


def one_connection_serves_many_calls():
    with tempfile.TemporaryDirectory() as top, serve(os.path.join(top, "data")) as server:
        done = subprocess.run([CURL, "-sS", "-o", os.devnull, "-w", "%{http_code} %{num_connects}\n",
                               url(server, "/health?[1-50]")], check=True, stdout=subprocess.PIPE, text=True)
        lines = done.stdout.splitlines()
        tap.equal((lines[0], set(lines[1:])), ("200 1", {"200 0"}), "status and new connections")
        server.stop()


def a_name_that_leads_here_is_no_way_in():
    with tempfile.TemporaryDirectory() as top, serve(os.path.join(top, "data")) as server:
        port = server.port["http"]
        status, body = curl("--resolve", f"rebound.example:{port}:127.0.0.1", f"http://rebound.example:{port}/health")
        tap.equal((status, json.loads(body)["status"]), (421, 421), "answer")
        server.stop()


def metrics_have_each_family_and_each_sample_once():
    with tempfile.TemporaryDirectory() as top, serve(os.path.join(top, "data")) as server:
        curl("-d", '{"asset":"a","values":{"x":1}}', url(server, API + "/readings"))
        for accept in ("text/plain", "application/openmetrics-text"):
            status, body = curl("-H", "Accept: " + accept, url(server, "/metrics"))
            tap.equal(status, 200, accept)
            lines = body.splitlines()
            families = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
            samples = [line.rsplit(" ", 1)[0] for line in lines if line and not line.startswith("#")]
            tap.empty(sorted({f for f in families if families.count(f) > 1}), "families that come twice")
            tap.empty(sorted({s for s in samples if samples.count(s) > 1}), "samples that come twice")
            wrong = [line for line in lines if line and not line.startswith("#")
                     and not re.fullmatch(r'[a-z_:][a-z0-9_:]*(\{.*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)', line)]
            tap.empty(wrong, "lines that are no samples")
        server.stop()


sys.exit(tap.run([the_examples_of_the_documentation_run_as_they_stand,
                  a_large_file_is_sent_with_and_without_gzip_and_comes_back_as_sent,
                  a_body_beyond_the_limit_is_413_and_not_sent_to_its_end,
                  one_connection_serves_many_calls,
                  metrics_have_each_family_and_each_sample_once,
                  a_name_that_leads_here_is_no_way_in]))
