#!/usr/bin/env python3
"""The journal read again says the same: a simulated day of twelve pumps and a conveyor, delivered out of
order and with duplicates, has the same hash of verdicts live and replayed, with 1, 2, 3 and 8 shards,
after a restart in the middle, and after backup and restore.

    replay_test.py ANDON
"""
import csv
import json
import os
import random
import subprocess
import sys

import rig
import tap

PUMPS, SEED = 12, 11


def andon(*args):
    got = subprocess.run([rig.ANDON, *map(str, args)], capture_output=True, text=True, check=False)
    if got.returncode != 0:
        raise AssertionError(f"andon {' '.join(map(str, args))}: {got.returncode} {got.stderr}{got.stdout}")
    return got.stdout


def plant(scratch, kind, name, seed, days):
    path = os.path.join(scratch, name + ".csv")
    andon("simulate", kind, "--to", path, "--days", days, "--seed", seed, "--no-labels", "--quiet")
    return path


def train(scratch, data, model):
    path = os.path.join(scratch, model)
    with open(data, encoding="utf-8") as file:
        header = next(csv.reader(file))
    more = ["--regime", "operational_state"] if "operational_state" in header else []
    andon("train", "--data", data, "--time", "timestamp", "--running", "status", *more, "--out", path,
          "--detector", "ensemble", "--set", "members=mahalanobis,iforest", "--quiet")
    return path


def messages(data, asset):
    """(asset, JSON of the row) in order of time."""
    with open(data, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values = {"timestamp": row.pop("timestamp").replace(" ", "T") + "Z"}
            for key, text in row.items():
                try:
                    values[key] = float(text)
                except ValueError:
                    values[key] = text
            yield asset, json.dumps(values)


def shuffled(streams):
    """The streams side by side; now and then a message comes late, or twice."""
    rng = random.Random(SEED)
    out = [message for together in zip(*streams) for message in together]
    for i in range(len(out) - 1, 60, -1):
        if rng.random() < 0.02:
            out.insert(i - rng.randrange(1, 60), out.pop(i))
    for i in range(len(out) - 1, 0, -1):
        if rng.random() < 0.02:
            out.insert(min(len(out), i + rng.randrange(1, 60)), out[i])
    return out


def publish(serve, part, first):
    device = rig.Mqtt(serve.port["mqtt"], "gateway", clean=False)
    waiting = set()
    for n, (asset, payload) in enumerate(part, first):
        packet = n % 60000 + 1
        device.publish(asset, payload, packet)
        waiting.add(packet)
        if len(waiting) >= 400:
            device.wait(lambda: waiting <= set(device.acknowledged), "PUBACKs")
            for done in waiting:
                device.acknowledged.pop(done)
            waiting = set()
    device.wait(lambda: waiting <= set(device.acknowledged), "PUBACKs")
    device.close()


def fingerprint(directory, *more):
    answer = json.loads(andon("replay", "--dir", directory, "--json", "--quiet", *more))
    if not answer["equal"]:
        raise AssertionError(f"replay {more}: stored {answer['stored']}, again {answer['again']}")
    return answer["again"]


SCRATCH = rig.scratch()
DIRECTORY = os.path.join(SCRATCH.name, "data")
FOUND = {}


def live_and_replayed_verdicts_are_the_same_over_a_restart():
    os.mkdir(DIRECTORY)
    pump_model = train(SCRATCH.name, plant(SCRATCH.name, "pump", "learn", 1, 3), "pump.model")
    belt_model = train(SCRATCH.name, plant(SCRATCH.name, "conveyor", "learnbelt", 2, 3), "belt.model")
    streams = [list(messages(plant(SCRATCH.name, "pump", f"p{i:02d}", 100 + i, 1), f"hall/p{i:02d}"))
               for i in range(PUMPS)]
    belt = list(messages(plant(SCRATCH.name, "conveyor", "belt", 200, 1), "hall/belt"))
    streams.append(belt[:: max(1, len(belt) // len(streams[0]))])
    out = shuffled(streams)
    models = ["--model", f"hall/p*={pump_model}", "--model", f"hall/belt={belt_model}"]
    half = len(out) // 2
    with rig.Serve(DIRECTORY, "--shards", 2, *models) as serve:
        publish(serve, out[:half], 0)
        serve.kill()
    with rig.Serve(DIRECTORY, "--shards", 3, *models) as serve:
        publish(serve, out[half:], half)
        serve.stop()
    FOUND["one"] = fingerprint(DIRECTORY)
    verdicts = rig.sql(DIRECTORY, "SELECT state, count(*) AS n FROM verdicts GROUP BY state")
    by_state = {row["state"]: int(row["n"]) for row in verdicts}
    print(f"# {len(out)} messages, {by_state}, {FOUND['one']}")
    tap.equal(set(by_state) >= {"NORMAL", "ANOMALY", "UNKNOWN"}, True, f"all three answers in {by_state}")


def every_number_of_shards_says_the_same():
    for shards in (1, 2, 3, 8):
        tap.equal(fingerprint(DIRECTORY, "--shards", shards), FOUND["one"], f"{shards} shards")


def a_restored_backup_says_the_same():
    backup, restored = os.path.join(SCRATCH.name, "plant.backup"), os.path.join(SCRATCH.name, "again")
    andon("backup", backup, "--dir", DIRECTORY)
    andon("restore", backup, "--dir", restored)
    tap.equal(fingerprint(restored), FOUND["one"], "after backup and restore")
    with rig.Serve(restored) as serve:
        serve.stop()
    tap.equal(fingerprint(restored), FOUND["one"], "after a serve of what was restored")


def another_model_says_something_else_and_the_difference_is_told():
    other = train(SCRATCH.name, plant(SCRATCH.name, "pump", "other", 77, 2), "other.model")
    answer = json.loads(andon("replay", "--dir", DIRECTORY, "--json", "--quiet", "--model", other))
    if answer["events_live"] == 0 or "gained" not in answer or "lost" not in answer:
        raise AssertionError(f"no difference told: {answer}")


sys.exit(tap.run([live_and_replayed_verdicts_are_the_same_over_a_restart,
                  every_number_of_shards_says_the_same, a_restored_backup_says_the_same,
                  another_model_says_something_else_and_the_difference_is_told]))
