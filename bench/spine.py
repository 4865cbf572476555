#!/usr/bin/env python3
"""From a message to its stored verdict, beside the rivals: the same clients, in turn, medians, as ratios.

    bench/spine.py BUILD [--rounds N] [--messages N] [--rate N] [--shards N] [--only NAME,...]
                   [--victoria PROGRAM] [--mosquitto PROGRAM] [--days N]

Prints `bench=NAME key=value` lines and at the end one table. The model is an ensemble of isolation forest,
autoencoder and Mahalanobis on 27 features of six channels; 1,000 pumps share it. A row counts when it is
committed in andon's store together with its verdict; a rival's, when the subscriber behind the broker
has it, or when the database has answered. A rival that is missing is left out, and its line says so.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

FEATURES = ["window=5", "features=value,mean,sd,diff",
            "after=temp_vibration=temperature/vibration;pressure_flow=pressure/flow_rate;"
            "power=current*duty_cycle", "members=iforest,autoencoder,mahalanobis"]
ASSETS, WARM = 1000, 40  # steps of each asset before the clock runs: a machine is warming up at first
# case, figure, whether more is better, rival's case, must, aim
CASES = [("mqtt_os", "msg_s", True, "hop", 3, 10), ("mqtt_every", "msg_s", True, "hop", 3, 10),
         ("broker_os", "msg_s", True, "hop", 0.8, 1), ("latency_os", "p99_us", False, "hop_latency", 0.5, 2),
         ("latency_every", "p99_us", False, "hop_latency", None, None),
         ("http_os", "rows_s", True, "victoria", 0.5, 1.5)]


def say(name, **figures):
    print("bench=" + name, *("%s=%s" % (k, format(v, ".5g") if isinstance(v, float) else v)
                             for k, v in figures.items()), flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port, process):
    for _ in range(1000):
        if process.poll() is not None:
            return False
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.01)
    return False


class Server:
    """A process in a directory of its own; its processor time and memory."""

    def __init__(self, command, directory=None):
        self.directory = directory
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            words = f.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kb(self, what="VmRSS"):
        with open("/proc/%d/status" % self.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith(what))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)


class Andon(Server):
    def __init__(self, a, sync, broker=None, more=()):
        directory = tempfile.mkdtemp(dir=a.folder)
        command = [a.andon, "serve", "--dir", directory, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
                   "--sync", sync, "--shards", str(a.shards), "--model", "bench/*=" + a.model, *more]
        if broker:
            command += ["--broker", "mqtt://127.0.0.1:%d" % broker]
        super().__init__(command, directory)
        self.port, self.store = {}, os.path.join(directory, "andon.db")
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
            words = line.split()
            if len(words) > 1 and words[1].rsplit(":", 1)[-1].isdigit():
                self.port[words[0]] = int(words[1].rsplit(":", 1)[1])
        else:
            sys.exit("andon serve does not start: " + " ".join(command))

    def metric(self, name):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port["http"]) as got:
            text = got.read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.split("{")[0].split(" ")[0] == name)


class Broker(Server):
    def __init__(self, a):
        directory = tempfile.mkdtemp(dir=a.folder)
        self.port = free_port()
        with open(os.path.join(directory, "broker.conf"), "w") as f:
            f.write("listener %d 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\n"
                    "max_queued_messages 0\nset_tcp_nodelay true\nlog_type none\n" % self.port)
        os.chmod(directory, 0o755)
        super().__init__([a.mosquitto, "-c", f.name], directory)
        self.well = answers(self.port, self.process)


class Victoria(Server):
    def __init__(self, a):
        directory, self.port = tempfile.mkdtemp(dir=a.folder), free_port()
        super().__init__([a.victoria, "-storageDataPath=" + directory, "-retentionPeriod=100y",
                          "-httpListenAddr=127.0.0.1:%d" % self.port, "-loggerLevel=ERROR"], directory)
        self.well = answers(self.port, self.process)


def run(program, *options):
    got = subprocess.run([program, *map(str, options)], stdout=subprocess.PIPE, text=True, check=True)
    return {k: float(v) for k, v in (word.split("=") for word in got.stdout.split())}


def mqtt(a, port, *more):
    return run(a.mqtt_load, "--rows", a.rows, "--port", port, "--assets", ASSETS, *more)


def warm(a, server, port):
    mqtt(a, port, "--store", server.store, "--messages", WARM * ASSETS)


def into_andon(a, sync, rate=None):
    server = Andon(a, sync)
    warm(a, server, server.port["mqtt"])
    cpu, n = server.cpu_s(), int(2 * rate) if rate else a.messages
    more = ["--rate", rate, "--connections", 10, "--window", 6000, "--poll", 200] if rate else []
    got = mqtt(a, server.port["mqtt"], "--store", server.store, "--messages", n, "--step", WARM, *more)
    got["cpu_us_msg"] = 1e6 * (server.cpu_s() - cpu) / n
    got["rss_kb"], got["unjudged"] = server.rss_kb(), server.metric("andon_readings_rejected_total")
    server.end()
    return got


def hop(a, rate=None):
    broker = Broker(a)
    if not broker.well:
        return None
    n = int(2 * rate) if rate else max(ASSETS, a.messages // 8)
    more = ["--rate", rate, "--connections", 10, "--window", 6000] if rate else []
    got = mqtt(a, broker.port, "--subscribe", broker.port, "--messages", n, *more)
    got["cpu_us_msg"] = 1e6 * broker.cpu_s() / n
    broker.end()
    return got


def through_broker(a):
    broker = Broker(a)
    if not broker.well:
        return None
    server = Andon(a, "os", broker.port)
    time.sleep(1)  # for its subscription
    warm(a, server, broker.port)
    n = max(ASSETS, a.messages // 8)
    got = mqtt(a, broker.port, "--store", server.store, "--messages", n, "--step", WARM)
    server.end()
    broker.end()
    return got


def http(a, sync):
    server = Andon(a, sync)
    warm(a, server, server.port["mqtt"])
    cpu = server.cpu_s()
    got = run(a.http_load, "--rows", a.rows, "--port", server.port["http"], "--path",
              "/api/andon/v1/readings", "--shape", "element", "--store", server.store, "--messages",
              a.messages, "--step", WARM)
    got["cpu_us_row"] = 1e6 * (server.cpu_s() - cpu) / a.messages
    server.end()
    return got


def victoria(a):
    server = Victoria(a) if a.victoria else None
    if server is None or not server.well:
        return None
    run(a.http_load, "--rows", a.rows, "--port", server.port, "--path", "/write?precision=ms", "--shape",
        "line", "--messages", WARM * ASSETS)
    cpu = server.cpu_s()
    got = run(a.http_load, "--rows", a.rows, "--port", server.port, "--path", "/write?precision=ms",
              "--shape", "line", "--messages", a.messages, "--step", WARM)
    with urllib.request.urlopen("http://127.0.0.1:%d/internal/force_flush" % server.port):
        got["cpu_us_row"] = 1e6 * (server.cpu_s() - cpu) / a.messages
    server.end()
    return got


def memory(a):
    """Resident while a month of 1,000 pumps goes by, a row every ten minutes of theirs."""
    server = Andon(a, "os")
    steps = a.days * 144
    warm(a, server, server.port["mqtt"])
    start = server.rss_kb()
    sizes = []
    for part in range(10):
        mqtt(a, server.port["mqtt"], "--store", server.store, "--messages", steps // 10 * ASSETS, "--step",
             WARM + part * (steps // 10))
        sizes.append(server.rss_kb())
    say("memory", assets=ASSETS, channels=6, rows=steps // 10 * 10 * ASSETS, warm_kb=start, first_kb=sizes[0],
        last_kb=sizes[-1], tenths=",".join(map(str, sizes)), peak_kb=server.rss_kb("VmHWM"))
    server.end()
    return {"mib": sizes[-1] / 1024, "growth": sizes[-1] / sizes[0]}


def prepare(a):
    def call(*command):
        subprocess.run([a.andon, *command], check=True, stdout=subprocess.DEVNULL)
    a.rows, a.model = os.path.join(a.folder, "pump.csv"), os.path.join(a.folder, "pump.andon")
    call("simulate", "pump", "--to", a.rows, "--quiet")
    call("train", "--data", a.rows, "--time", "timestamp", "--running", "status", "--regime",
         "operational_state", "--drop", "fault", "--label", "anomaly", "--detector", "ensemble", "--out",
         a.model, "--quiet", *(word for s in FEATURES for word in ("--set", s)))


def table(seen):
    print("\n| case | andon | rival | ratio | must | aim | |\n|---|---|---|---|---|---|---|")
    for case, figure, more, rival, must, aim in CASES:
        if case not in seen:
            continue
        if rival not in seen:
            print("| %s | | skipped: no %s here | | | | |" % (case, rival))
            continue
        ours, theirs = (statistics.median(g[figure] for g in seen[c]) for c in (case, rival))
        ratio = ours / theirs if more else theirs / ours
        said = "" if must is None else "reached" if ratio >= must else "NOT REACHED"
        print("| %s | %.5g %s | %.5g | %.3gx | %s | %s | %s |" % (case, ours, figure, theirs, ratio, must, aim, said))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("build")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--messages", type=int, default=400000)
    args.add_argument("--rate", type=int, default=10000)
    args.add_argument("--shards", type=int, default=1)
    args.add_argument("--days", type=int, default=30)
    args.add_argument("--only", default="mqtt_os,mqtt_every,hop,latency_os,latency_every,hop_latency,"
                                        "broker_os,http_os,victoria,memory")
    args.add_argument("--mosquitto", default=shutil.which("mosquitto") or "/usr/sbin/mosquitto")
    args.add_argument("--victoria", default=shutil.which("victoria-metrics"))
    a = args.parse_args()
    a.andon = os.path.join(a.build, "andon")
    a.mqtt_load, a.http_load = (os.path.join(a.build, "bench", "bench_spine_" + w) for w in ("mqtt", "http"))
    a.folder = tempfile.mkdtemp(prefix="andon-bench-")
    os.chmod(a.folder, 0o755)
    has_broker = os.path.exists(a.mosquitto)
    work = {"mqtt_os": lambda: into_andon(a, "os"), "mqtt_every": lambda: into_andon(a, "every"),
            "hop": lambda: hop(a) if has_broker else None,
            "latency_os": lambda: into_andon(a, "os", a.rate),
            "latency_every": lambda: into_andon(a, "every", a.rate),
            "hop_latency": lambda: hop(a, a.rate) if has_broker else None,
            "broker_os": lambda: through_broker(a) if has_broker else None,
            "http_os": lambda: http(a, "os"), "victoria": lambda: victoria(a)}
    seen, wanted = {}, a.only.split(",")
    try:
        prepare(a)
        for _ in range(a.rounds):
            for name, measure in work.items():
                got = measure() if name in wanted else None
                if got is None:
                    if name in wanted:
                        say("spine_" + name, skipped="its program is not here")
                        wanted.remove(name)
                    continue
                say("spine_" + name, **got, load=os.getloadavg()[0])
                seen.setdefault(name, []).append(got)
        if "memory" in wanted:
            print("# resident: " + json.dumps(memory(a)))
    finally:
        shutil.rmtree(a.folder, ignore_errors=True)
    table(seen)


if __name__ == "__main__":
    main()
