#!/usr/bin/env python3
"""Every published payload, sent by other people's clients (mosquitto_pub with MQTT 3.1.1 and 5 and QoS 0, 1
and 2, paho, curl), to andon's own doors and through a Mosquitto, is stored with the right asset, channel,
time, value and quality. The payloads and what must come of them: tests/payloads.

    payload_test.py ANDON
"""
import datetime
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import rig
import tap

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "payloads")
UNCERTAIN, BAD, STALE = 1, 2, 4


def nanoseconds(text):
    """RFC 3339 with up to nine decimals."""
    seconds, _, rest = text.rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(seconds + "+00:00")
    return int(whole.timestamp()) * 1_000_000_000 + int((rest + "000000000")[:9])


class Fixture:
    """A payload and the readings that it holds."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".expected")]
        with open(path[:-len(".expected")] + ".payload", "rb") as file:
            self.payload = file.read()
        with open(path, encoding="utf-8") as file:
            head, _, body = file.read().partition("--\n")
        self.about = {}
        for line in head.splitlines():
            key, _, value = line.partition(" ")
            self.about[key] = value
        self.refuses = "\nrefused " in body
        self.readings = []  # (asset, channel, ts or None, value, quality)
        asset = ts = late = None
        for line in body.splitlines()[1:]:
            sample = re.match(r"sample \d+ (.*) (\d{4}-\d\d-\d\dT\S+Z)( arrival)?", line)
            if sample is not None:
                asset, late = sample[1], sample[3] is not None
                ts = None if late else nanoseconds(sample[2])
            elif line.startswith("  ") and asset is not None:
                channel, rest = self.split(line[2:])
                kind, _, rest = rest.partition(" ")
                quality = UNCERTAIN if late else 0
                for word, bit in ((" uncertain", UNCERTAIN), (" bad", BAD), (" stale", STALE)):
                    if rest.endswith(word):
                        rest, quality = rest[:-len(word)], quality | bit
                value = rest[1:-1] if kind == "text" else float(rest)
                self.readings.append((asset, channel, ts, value, quality))

    @staticmethod
    def split(line):
        """The channel's name may hold blanks; the kind behind it tells where it ends."""
        for kind in (" number ", " flag ", ' text "'):
            at = line.find(kind)
            if at > 0:
                return line[:at], line[at + 1:]
        raise AssertionError(f"fixture line {line}")


def fixtures(*doors):
    every = [Fixture(path) for path in sorted(glob.glob(os.path.join(FOLDER, "*.expected")))]
    # Names as they are configured by default; wills are what the endpoint says, not a client.
    return [f for f in every if f.about["door"] in doors and f.readings
            and not {"aliases", "flags", "zone"} & set(f.about)]


def with_zone():
    every = [Fixture(path) for path in sorted(glob.glob(os.path.join(FOLDER, "*.expected")))]
    return [f for f in every if f.about["door"] == "mqtt" and f.readings
            and f.about.get("zone") == "America/Los_Angeles" and "aliases" not in f.about]


def stored(directory):
    found = {}
    for row in rig.sql(directory, "SELECT asset, channel, ts, value, quality FROM readings"):
        value = row["value"]
        key = (row["asset"], row["channel"], float(value) if isinstance(value, (int, float)) else value)
        found.setdefault(key, set()).add((int(row["ts"]), int(row["quality"])))
    return found


def check(directory, sent, way):
    found, missing = stored(directory), []
    for fixture in sent:
        for asset, channel, ts, value, quality in fixture.readings:
            times = found.get((asset, channel, value), set())
            good = any((ts is None or at == ts) and said == quality for at, said in times)
            if not good:
                missing.append(f"{fixture.name}: {asset} {channel} {ts} {value!r} quality {quality}; "
                               f"stored: {sorted(times)[:3]}")
    tap.empty(missing[:20], f"{way}: {len(missing)} readings are not stored as they should be")
    return sum(len(f.readings) for f in sent)


def run(command, payload):
    got = subprocess.run(command, input=payload, capture_output=True, check=False, timeout=60)
    if got.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {got.returncode} {got.stderr.decode()}")


def mosquitto_pub(port, fixture, version, qos):
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-V", version, "-q", str(qos),
               "-t", fixture.about["topic"], "-s", "-i", fixture.about.get("client", f"pub-{os.getpid()}")]
    if "user" in fixture.about:
        command += ["-u", fixture.about["user"]]
    run(command, fixture.payload)


def wait_until_taken(serve):
    rig.until(lambda: json.loads(serve.ask("/health")[2])["status"] == "healthy"
              and metric(serve, "andon_ingest_lag_seconds") == 0.0, "all is taken")


def metric(serve, name):
    for line in serve.ask("/metrics")[2].splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return None


def every_payload_by_mosquitto_pub():
    if shutil.which("mosquitto_pub") is None:
        raise tap.Skip("no mosquitto_pub")
    count = 0
    for version in ("311", "5"):
        for qos in (0, 1, 2):
            with rig.scratch() as scratch:
                directory = os.path.join(scratch, "data")
                os.mkdir(directory)
                sent = fixtures("mqtt")
                with rig.Serve(directory) as serve:
                    for fixture in sent:
                        mosquitto_pub(serve.port["mqtt"], fixture, version, qos)
                    rig.until(lambda: metric(serve, "andon_messages_total") >= len(sent), "all arrived")
                    serve.stop()
                count += check(directory, sent, f"MQTT {version}, QoS {qos}")
    print(f"# {count} readings")


def times_without_a_zone_are_those_of_the_site():
    if shutil.which("mosquitto_pub") is None:
        raise tap.Skip("no mosquitto_pub")
    with rig.scratch() as scratch:
        directory, config = os.path.join(scratch, "data"), os.path.join(scratch, "andon.yaml")
        os.mkdir(directory)
        with open(config, "w", encoding="utf-8") as file:
            file.write("site: { timezone: America/Los_Angeles }\n")
        sent = with_zone()
        with rig.Serve(directory, "-c", config) as serve:
            for fixture in sent:
                mosquitto_pub(serve.port["mqtt"], fixture, "311", 1)
            rig.until(lambda: metric(serve, "andon_messages_total") >= len(sent), "all arrived")
            serve.stop()
        if not sent:
            raise AssertionError("no fixture has a zone")
        check(directory, sent, "a site in Los Angeles")


def every_payload_by_paho():
    try:
        import paho.mqtt.client as paho
    except ImportError as missing:
        raise tap.Skip("no paho") from missing
    for protocol in (paho.MQTTv311, paho.MQTTv5):
        with rig.scratch() as scratch:
            directory = os.path.join(scratch, "data")
            os.mkdir(directory)
            sent = fixtures("mqtt")
            with rig.Serve(directory) as serve:
                for number, fixture in enumerate(sent):
                    client = paho.Client(fixture.about.get("client", f"paho{number}"), protocol=protocol)
                    if "user" in fixture.about:
                        client.username_pw_set(fixture.about["user"])
                    client.connect("127.0.0.1", serve.port["mqtt"])
                    client.loop_start()
                    client.publish(fixture.about["topic"], fixture.payload, qos=1 + number % 2) \
                        .wait_for_publish(30)
                    client.disconnect()
                    client.loop_stop()
                serve.stop()
            check(directory, sent, f"paho, protocol {protocol}")


def every_payload_by_curl():
    if shutil.which("curl") is None:
        raise tap.Skip("no curl")
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        sent = fixtures("native", "line", "thingsboard")
        with rig.Serve(directory, "--influx", "127.0.0.1:0") as serve:
            for fixture in sent:
                door, about = fixture.about["door"], fixture.about
                url = {"native": f"http://127.0.0.1:{serve.port['http']}/api/andon/v1/readings",
                       "line": f"http://127.0.0.1:{serve.port.get('influx')}/write?precision="
                               + about.get("topic", "ns"),
                       "thingsboard": f"http://127.0.0.1:{serve.port['http']}/api/v1/"
                                      f"{about.get('user')}/telemetry"}[door]
                kind = "text/plain" if door == "line" else "application/json"
                # A door answers 400 to lines of which some cannot be read, and takes the others.
                fail = [] if fixture.refuses else ["--fail-with-body"]
                run(["curl", "-sS", *fail, "-X", "POST", "-H", f"Content-Type: {kind}",
                     "--data-binary", "@-", url], fixture.payload)
            serve.stop()
        check(directory, sent, "curl")


def every_payload_through_a_mosquitto():
    if shutil.which("mosquitto") is None or shutil.which("mosquitto_pub") is None:
        raise tap.Skip("no mosquitto")
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = os.path.join(scratch, "mosquitto.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        broker = subprocess.Popen(["mosquitto", "-c", config], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            # A broker does not tell who published: devices that are known by their user name stay out.
            sent = [f for f in fixtures("mqtt") if "user" not in f.about and "client" not in f.about]
            with rig.Serve(directory, "--broker", f"mqtt://127.0.0.1:{port}") as serve:
                rig.until(lambda: json.loads(serve.ask("/health")[2])["status"] == "healthy",
                          "andon is connected to the broker")
                for number, fixture in enumerate(sent):
                    mosquitto_pub(port, fixture, ("311", "5")[number % 2], 1)
                rig.until(lambda: metric(serve, "andon_messages_total") >= len(sent), "all arrived")
                serve.stop()
            check(directory, sent, "through a Mosquitto")
        finally:
            broker.send_signal(signal.SIGTERM)
            broker.wait()


sys.exit(tap.run([every_payload_by_mosquitto_pub, times_without_a_zone_are_those_of_the_site,
                  every_payload_by_paho, every_payload_by_curl, every_payload_through_a_mosquitto]))
