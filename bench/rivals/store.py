#!/usr/bin/env python3
"""VictoriaMetrics storing what bench_store wrote: samples per second of its processor time, bytes a
sample on disk, a 5-minute mean of 100 series.

    store.py FILE [--binary PATH] [--runs N]

FILE holds lines for /api/v1/import. They go in twice: as they are, and (exported from there) in the
rival's own binary format, which spares it the parsing; the faster of the two counts. PATH is the
program, else the environment's ANDON_VICTORIAMETRICS, else victoria-metrics on the path.
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")
PIECE = 16 << 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One process with a folder of its own, on loopback, with one thread of Go's."""

    def __init__(self, binary, folder):
        self.folder = folder
        self.url = "http://127.0.0.1:%d" % free_port()
        self.child = subprocess.Popen(
            [binary, "-storageDataPath=" + folder, "-httpListenAddr=" + self.url[7:],
             "-retentionPeriod=100y", "-loggerLevel=ERROR", "-search.disableCache",
             "-search.maxUniqueTimeseries=1000000"],
            env={**os.environ, "GOMAXPROCS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            try:
                return self.get("/health") and None
            except OSError:
                if self.child.poll() is not None or time.monotonic() > until:
                    raise SystemExit("the rival does not start")
                time.sleep(0.05)

    def get(self, path, data=None):
        with urllib.request.urlopen(self.url + path, data=data, timeout=600) as answer:
            return answer.read()

    def cpu_s(self):
        with open("/proc/%d/stat" % self.child.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def stop(self):
        self.child.terminate()
        self.child.wait()

    def bytes(self):
        return sum(os.path.getsize(os.path.join(at, name))
                   for at, _, names in os.walk(os.path.join(self.folder, "data")) for name in names)


def pieces(path):
    """The file's lines in pieces of about 16 MiB."""
    with open(path, "rb") as f:
        lines = f.readlines(PIECE)
        while lines:
            yield b"".join(lines)
            lines = f.readlines(PIECE)


def timed_import(server, path, bodies):
    """Processor time from the first byte to when all is written and can be asked for."""
    before = server.cpu_s()
    for body in bodies:
        server.get(path, body)
    server.get("/internal/force_flush")
    return server.cpu_s() - before


def mean_of_100(server, first_ms, last_ms, runs):
    names = json.loads(server.get("/api/v1/series?" + urllib.parse.urlencode(
        {"match[]": '{__name__="temperature"}', "start": first_ms / 1e3, "end": last_ms / 1e3})))["data"]
    assets = sorted(one["asset"] for one in names)[:100]
    match = '{asset=~"%s"}' % "|".join(assets) if len(assets) < 17 else '{__name__="temperature",asset=~"%s"}' % (
        "|".join(assets))
    query = "/api/v1/query_range?" + urllib.parse.urlencode(
        {"query": "avg_over_time(%s[5m])" % match, "start": first_ms / 1e3, "end": last_ms / 1e3, "step": "5m",
         "nocache": "1"})
    ms, walls, series = [], [], 0
    for _ in range(runs):
        before, wall = server.cpu_s(), time.perf_counter()
        # The process's clock ticks in hundredths of a second: ten at a time.
        for _ in range(10):
            series = len(json.loads(server.get(query))["data"]["result"])
        ms.append(100 * (server.cpu_s() - before))
        walls.append(100 * (time.perf_counter() - wall))
    return series, statistics.median(ms), statistics.median(walls)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("file")
    args.add_argument("--binary", default=os.environ.get("ANDON_VICTORIAMETRICS") or "victoria-metrics")
    args.add_argument("--runs", type=int, default=5)
    a = args.parse_args()
    binary = shutil.which(a.binary)
    if binary is None:
        print("# victoriametrics: skipped: no program %s" % a.binary)
        return 0
    samples, first, last = 0, None, None
    with open(a.file) as f:
        for line in f:
            times = json.loads(line)["timestamps"]
            samples += len(times)
            first = times[0] if first is None else min(first, times[0])
            last = times[-1] if last is None else max(last, times[-1])
    folder = tempfile.mkdtemp(prefix="andon-bench-rival-")
    try:
        server = Server(binary, os.path.join(folder, "text"))
        text = timed_import(server, "/api/v1/import", pieces(a.file))
        native = server.get("/api/v1/export/native?" + urllib.parse.urlencode(
            {"match[]": '{__name__!=""}', "start": first / 1e3 - 1, "end": last / 1e3 + 1}))
        series, ms, wall = mean_of_100(server, first, last, a.runs)
        server.stop()
        held = server.bytes()
        other = Server(binary, os.path.join(folder, "native"))
        binary_cpu = timed_import(other, "/api/v1/import/native", [native])
        other.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("bench=store_write rival=victoriametrics samples=%d samples_core_s=%.0f text_samples_core_s=%.0f "
          "native_samples_core_s=%.0f" % (samples, samples / min(text, binary_cpu), samples / text,
                                          samples / binary_cpu))
    print("bench=store_bytes rival=victoriametrics samples=%d bytes_sample=%.4f" % (samples, held / samples))
    print("bench=store_mean rival=victoriametrics series=%d ms_p50=%.2f wall_ms_p50=%.2f" % (series, ms, wall))
    return 0


if __name__ == "__main__":
    sys.exit(main())
