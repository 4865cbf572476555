#!/usr/bin/env python3
"""kill -9 of a serving andon at random moments: every reading that was acknowledged is in the store
exactly once, with its verdict exactly once.

    kill_test.py ANDON [ROUNDS [SEED]]
"""
import json
import os
import random
import sys
import threading
import time

import rig
import tap

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 50
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
BASE_MS = 1_700_000_000_000
DEVICES, POSTERS, WINDOW = 3, 2, 40


class Source:
    """Sends its readings 0, 1, 2, ... in order; remembers which were acknowledged."""

    def __init__(self, name):
        self.name = name
        self.next = 0              # first reading that was never sent
        self.waiting = {}          # reading -> packet id, sent but not acknowledged
        self.acknowledged = set()
        self.lock = threading.Lock()

    def payload(self, n):
        return json.dumps({"timestamp": BASE_MS + n * 10, "count": n, "temperature": 40 + n % 7 / 10})

    def reading(self, n):
        return json.dumps({"asset": self.name, "ts": BASE_MS + n * 10,
                           "values": {"count": n, "temperature": 40 + n % 7 / 10}})


def publish(source, port, stop):
    """One connection's life: sends again what was not acknowledged, then goes on."""
    try:
        device = rig.Mqtt(port, source.name, clean=False, version=4 + (len(source.name) + port) % 2)
        for n, packet in sorted(source.waiting.items()):
            device.publish(source.name, source.payload(n), packet, duplicate=True)
        while not stop.is_set():
            with device.changed:
                for n, packet in list(source.waiting.items()):
                    if packet in device.acknowledged:
                        source.acknowledged.add(n)
                        del source.waiting[n], device.acknowledged[packet]
                if device.closed:
                    return
                if len(source.waiting) >= WINDOW:
                    device.changed.wait(0.05)
                    continue
            n, packet = source.next, source.next % 60000 + 1
            source.waiting[n] = packet
            source.next += 1
            device.publish(source.name, source.payload(n), packet)
    except (OSError, ConnectionError):
        pass


def post(source, serve, stop):
    """Batches over HTTP; a batch without an answer is sent again."""
    batch = sorted(source.waiting)
    while not stop.is_set():
        if not batch:
            batch = list(range(source.next, source.next + 20))
            source.next += 20
            source.waiting.update((n, 0) for n in batch)
        body = "\n".join(source.reading(n) for n in batch)
        try:
            status, _, text = serve.ask("/api/andon/v1/readings", body,
                                        headers={"Content-Type": "application/x-ndjson"})
        except (OSError, ConnectionError, Exception):  # noqa: BLE001 the server died: any answer
            return
        if status == 200 and json.loads(text)["accepted"] == len(batch):
            source.acknowledged.update(batch)
            for n in batch:
                del source.waiting[n]
            batch = []


def one_round(directory, sources, delay_s, env):
    try:
        serve = rig.Serve(directory, "--sync", "os", env=env)
    except AssertionError:
        if env:
            return  # it died of a write before it was ready: also a death
        raise
    with serve:
        stop = threading.Event()
        threads = [threading.Thread(target=publish, args=(s, serve.port["mqtt"], stop))
                   for s in sources[:DEVICES]]
        threads += [threading.Thread(target=post, args=(s, serve, stop)) for s in sources[DEVICES:]]
        for thread in threads:
            thread.start()
        try:
            serve.process.wait(delay_s)  # a planned crash, or time to kill it
        except Exception:  # noqa: BLE001 TimeoutExpired
            pass
        serve.kill()
        stop.set()
        for thread in threads:
            thread.join()


def counts(directory, source):
    """How often each reading and each verdict is stored."""
    readings, verdicts = {}, {}
    for row in rig.sql(directory, "SELECT ts, value FROM readings WHERE asset = '%s' AND "
                                  "channel = 'count'" % source.name):
        number = int(row["value"])
        if row["ts"] != (BASE_MS + number * 10) * 1_000_000:
            raise AssertionError(f"reading {number} of {source.name} has the time {row['ts']}")
        readings[number] = readings.get(number, 0) + 1
    for row in rig.sql(directory, "SELECT ts FROM verdicts WHERE asset = '%s'" % source.name):
        number, rest = divmod(row["ts"] // 1_000_000 - BASE_MS, 10)
        if rest == 0 and row["ts"] % 1_000_000 == 0:  # not one of a silence
            verdicts[number] = verdicts.get(number, 0) + 1
    return readings, verdicts


def check(directory, sources):
    with rig.Serve(directory) as serve:
        # Lives of less than a second leave much to read again.
        rig.until(lambda: "andon_ingest_lag_seconds 0\n" in serve.ask("/metrics")[2],
                  "the engine has taken all", 240)
        serve.stop()
    for source in sources:
        readings, verdicts = counts(directory, source)
        lost = [n for n in source.acknowledged if n not in readings]
        twice = [n for n, times in readings.items() if times != 1]
        unjudged = [n for n in readings if verdicts.get(n) != 1]
        wrong = [n for n in readings if n >= source.next]
        tap.empty(lost[:10], f"{source.name}: {len(lost)} of {len(source.acknowledged)} acknowledged "
                             f"readings are lost (SEED={SEED})")
        tap.empty(twice[:10], f"{source.name}: {len(twice)} readings are there twice (SEED={SEED})")
        tap.empty(unjudged[:10], f"{source.name}: {len(unjudged)} readings without exactly one verdict")
        tap.empty(wrong[:10], f"{source.name}: readings that nobody sent")


def acknowledged_readings_survive_kill_9_exactly_once():
    random.seed(SEED)
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        sources = [Source(f"line{i}/device") for i in range(DEVICES)]
        sources += [Source(f"post{i}") for i in range(POSTERS)]
        for number in range(ROUNDS):
            # Every fifth death stands between the read of a batch and its append.
            crash = {"ANDON_DISK_FAULT": f"kill:{random.randrange(1, 400)}"} if number % 5 == 4 else {}
            one_round(directory, sources, random.uniform(0.05, 0.5), crash)
        check(directory, sources)
        total = sum(len(s.acknowledged) for s in sources)
        print(f"# {ROUNDS} deaths, {total} acknowledged readings, SEED={SEED}")
        if total < ROUNDS:
            raise AssertionError(f"only {total} readings were acknowledged: nothing was tested")


sys.exit(tap.run([acknowledged_readings_survive_kill_9_exactly_once]))
