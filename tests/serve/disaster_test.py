#!/usr/bin/env python3
"""What plants do to a program: full disks, a locked store, clocks that jump, a process that is stopped, a
broker that dies, a network that is cut. No acknowledged reading is lost, andon recovers without a hand,
and /health says so while it lasts.

    disaster_test.py ANDON
"""
import glob
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import rig
import tap

BASE_MS = 1_700_000_000_000


def payload(n):
    return json.dumps({"timestamp": BASE_MS + n * 1000, "count": n, "load": n % 10})


def reading(asset, n):
    return json.dumps({"asset": asset, "ts": BASE_MS + n * 1000, "values": {"count": n, "load": n % 10}})


def stored(directory, asset):
    rows = rig.sql(directory, f"SELECT value FROM readings WHERE asset='{asset}' AND channel='count' "
                              "ORDER BY ts")
    return [int(row["value"]) for row in rows]


def health(serve):
    status, _, text = serve.ask("/health")
    return status, json.loads(text)


def degraded(serve, component):
    status, body = health(serve)
    return status == 503 and any(c["component"] == component and c["state"] != "ok"
                                 for c in body["components"])


def send(device, numbers):
    for n in numbers:
        device.publish("press", payload(n), n % 60000 + 1)
    device.wait(lambda: all(n % 60000 + 1 in device.acknowledged for n in numbers), "PUBACKs")


def a_full_disk_refuses_readings_and_takes_them_again_by_itself():
    with rig.scratch() as scratch:
        directory, full = os.path.join(scratch, "data"), os.path.join(scratch, "full")
        os.mkdir(directory)
        with rig.Serve(directory, env={"ANDON_DISK_FAULT": f"full:{full}"}) as serve:
            device = rig.Mqtt(serve.port["mqtt"], "d", version=5)
            send(device, range(10))
            open(full, "w", encoding="utf-8").close()
            device.publish("press", payload(10), 11)
            device.wait(lambda: 11 in device.acknowledged, "PUBACK with a reason")
            tap.equal(device.acknowledged.pop(11), 0x97, "reason of the refusal")
            status, _, _ = serve.ask("/api/andon/v1/readings", reading("press", 11))
            tap.equal(status, 507, "HTTP while the disk is full")
            old = rig.Mqtt(serve.port["mqtt"], "old", version=4)
            old.publish("press", payload(10), 11)
            rig.until(lambda: old.closed or 11 in old.acknowledged, "an answer to 3.1.1")
            tap.equal(11 in old.acknowledged, False, "PUBACK for 3.1.1 while the disk is full")
            rig.until(lambda: degraded(serve, "journal"), "/health tells of the journal")
            os.unlink(full)
            rig.until(lambda: serve.ask("/api/andon/v1/readings", reading("press", 11))[0] == 200,
                      "readings are taken again")
            send(device, [10])
            rig.until(lambda: health(serve)[0] == 200, "/health is healthy again")
            serve.stop()
        tap.equal(stored(directory, "press"), list(range(12)), "stored readings")


def a_locked_store_is_waited_for_while_readings_are_taken():
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        with rig.Serve(directory) as serve:
            device = rig.Mqtt(serve.port["mqtt"], "d")
            send(device, range(5))
            rig.until(lambda: len(stored(directory, "press")) == 5, "five readings are stored")
            lock = sqlite3.connect(os.path.join(directory, "andon.db"), isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            send(device, range(5, 200))  # acknowledged: the journal has them
            rig.until(lambda: degraded(serve, "store"), "/health tells of the store")
            lock.execute("ROLLBACK")
            lock.close()
            rig.until(lambda: health(serve)[0] == 200, "/health is healthy again")
            rig.until(lambda: len(stored(directory, "press")) == 200, "all readings are stored")
            serve.stop()
        tap.equal(stored(directory, "press"), list(range(200)), "stored readings")


def a_clock_that_jumps_an_hour_both_ways_loses_and_doubles_nothing():
    with rig.scratch() as scratch:
        directory, step = os.path.join(scratch, "data"), os.path.join(scratch, "step")
        os.mkdir(directory)
        with open(step, "w", encoding="utf-8") as file:
            file.write("0")
        with rig.Serve(directory, env={"ANDON_CLOCK_STEP": step}) as serve:
            device = rig.Mqtt(serve.port["mqtt"], "d")
            n = 0
            for seconds in (0, 3600, 0, -3600, 0):
                with open(step + ".new", "w", encoding="utf-8") as file:
                    file.write(str(seconds))
                os.rename(step + ".new", step)
                time.sleep(0.2)
                send(device, range(n, n + 50))
                n += 50
            rig.until(lambda: len(stored(directory, "press")) == n, "all readings are stored")
            serve.stop()
        tap.equal(stored(directory, "press"), list(range(n)), "stored readings")


def every_thread_stands(pid):
    tasks = glob.glob(f"/proc/{pid}/task/*/stat")
    states = []
    for task in tasks:
        with open(task, encoding="utf-8") as file:
            states.append(file.read().rpartition(")")[2].split()[0])
    return bool(states) and set(states) <= {"T", "t"}


def a_process_that_is_stopped_for_a_while_goes_on():
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        with rig.Serve(directory) as serve:
            device = rig.Mqtt(serve.port["mqtt"], "d")
            send(device, range(20))
            serve.process.send_signal(signal.SIGSTOP)
            rig.until(lambda: every_thread_stands(serve.process.pid), "every thread is stopped")
            for n in range(20, 60):
                device.publish("press", payload(n), n + 1)
            time.sleep(5)
            tap.equal(sum(n + 1 in device.acknowledged for n in range(20, 60)), 0,
                      "PUBACKs of a stopped process")
            serve.process.send_signal(signal.SIGCONT)
            device.wait(lambda: all(n + 1 in device.acknowledged for n in range(60)), "PUBACKs")
            took = serve.stop()
            if took > 5:
                raise AssertionError(f"SIGTERM took {took:.1f} s")
        tap.equal(stored(directory, "press"), list(range(60)), "stored readings")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A broker that keeps what it has acknowledged as well as it can."""

    def __init__(self, scratch, port=None):
        if shutil.which("mosquitto") is None:
            raise tap.Skip("no mosquitto")
        self.port = port or free_port()
        self.config = os.path.join(scratch, "mosquitto.conf")
        with open(self.config, "w", encoding="utf-8") as config:
            config.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                         f"persistence_location {scratch}/\nautosave_interval 1\n"
                         "autosave_on_changes true\nmax_queued_messages 0\nuser root\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", self.config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        rig.until(self.answers, "mosquitto listens")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()


def a_broker_that_dies_is_come_back_to():
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        broker = Mosquitto(scratch)
        try:
            with rig.Serve(directory, "--broker", f"mqtt://127.0.0.1:{broker.port}") as serve:
                rig.until(lambda: health(serve)[0] == 200, "andon is connected to the broker")
                device = rig.Mqtt(broker.port, "d")
                send(device, range(50))
                rig.until(lambda: len(stored(directory, "press")) == 50, "what the broker passed on")
                broker.end(signal.SIGKILL)
                rig.until(lambda: degraded(serve, "broker"), "/health tells of the broker")
                broker.start()
                rig.until(lambda: health(serve)[0] == 200, "andon is connected again")
                device = rig.Mqtt(broker.port, "d")
                send(device, range(50, 100))
                rig.until(lambda: len(stored(directory, "press")) == 100, "what came after")
                serve.stop()
        finally:
            broker.end()
        tap.equal(stored(directory, "press"), list(range(100)), "stored readings")


def unacknowledged_messages_wait_in_the_broker_while_andon_is_dead():
    with rig.scratch() as scratch:
        directory = os.path.join(scratch, "data")
        os.mkdir(directory)
        broker = Mosquitto(scratch)
        url = f"mqtt://127.0.0.1:{broker.port}"
        try:
            with rig.Serve(directory, "--broker", url) as serve:
                rig.until(lambda: health(serve)[0] == 200, "andon is connected to the broker")
                device = rig.Mqtt(broker.port, "d")
                send(device, range(100))
                serve.kill()
            send(device, range(100, 200))
            with rig.Serve(directory, "--broker", url) as serve:
                rig.until(lambda: len(stored(directory, "press")) == 200, "all readings are stored")
                serve.stop()
        finally:
            broker.end()
        tap.equal(stored(directory, "press"), list(range(200)), "stored readings")


def sh(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=False)


def a_network_that_is_cut_and_mended_loses_nothing():
    name = f"andon{os.getpid()}"
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise tap.Skip("network namespaces need root and iproute2")
    if sh(f"ip netns add {name}").returncode != 0:
        raise tap.Skip("network namespaces are not allowed here")
    try:
        made = sh(f"ip link add {name[-8:]}a type veth peer name {name[-8:]}b && "
                  f"ip link set {name[-8:]}b netns {name} && ip addr add 10.213.7.1/30 dev {name[-8:]}a && "
                  f"ip link set {name[-8:]}a up && ip netns exec {name} sh -c "
                  f"'ip addr add 10.213.7.2/30 dev {name[-8:]}b; ip link set {name[-8:]}b up; ip link set lo up'")
        if made.returncode != 0:
            raise tap.Skip(f"no veth pair: {made.stderr.strip()}")
        with rig.scratch() as scratch:
            directory = os.path.join(scratch, "data")
            os.mkdir(directory)
            with rig.Serve(directory, "--mqtt", "10.213.7.1:0", "--insecure", mqtt=None) as serve:
                script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "far_device.py")
                device = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, script,
                                           "10.213.7.1", str(serve.port["mqtt"]), "300"],
                                          stdout=subprocess.PIPE, text=True)
                rig.until(lambda: len(stored(directory, "press")) > 50, "the first readings")
                sh(f"ip link set {name[-8:]}a down")
                time.sleep(3)
                sh(f"ip link set {name[-8:]}a up; ip addr add 10.213.7.1/30 dev {name[-8:]}a")
                acknowledged = int(device.communicate(timeout=90)[0].split()[-1])
                tap.equal(acknowledged, 300, "acknowledged by the end")
                serve.stop()
            tap.equal(stored(directory, "press"), list(range(300)), "stored readings")
    finally:
        sh(f"ip netns del {name}; ip link del {name[-8:]}a")


sys.exit(tap.run([a_full_disk_refuses_readings_and_takes_them_again_by_itself,
                  a_locked_store_is_waited_for_while_readings_are_taken,
                  a_clock_that_jumps_an_hour_both_ways_loses_and_doubles_nothing,
                  a_process_that_is_stopped_for_a_while_goes_on,
                  a_broker_that_dies_is_come_back_to,
                  unacknowledged_messages_wait_in_the_broker_while_andon_is_dead,
                  a_network_that_is_cut_and_mended_loses_nothing]))
