#!/usr/bin/env python3
"""Real peers: mosquitto_pub, mosquitto_sub and paho against the endpoint; Mosquitto as the broker that
andon is a client of. What is not installed is skipped with its reason.

    tests/mqtt/peers.py MQTT_SERVE
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "house"))
sys.path.append("/usr/lib/python3/dist-packages")  # where Debian keeps paho, whatever python3 is
import tap

try:
    import paho.mqtt.client as paho
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
except ImportError:
    paho = None

SERVE = sys.argv[1]
DUPLICATE, WILL = 1, 4
PATIENCE_S = 60
os.environ["PATH"] += os.pathsep + "/usr/sbin" + os.pathsep + "/usr/local/sbin"


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise tap.Skip(program + " is not installed")


def need_paho():
    if paho is None:
        raise tap.Skip("python3-paho-mqtt is not installed")


def becomes(holds, what):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(what + ": not in time")
        time.sleep(0.02)


class Place:
    """A directory for the length of a case, and processes that end with it."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="andon-peers-")
        os.chmod(self.dir, 0o755)
        self.children = []
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *command, **more):
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL, **more)
        self.children.append(child)
        return child

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def endpoint(self):
        child = self.start(SERVE, self.path("journal"), "listen", stdout=subprocess.PIPE, text=True)
        return child, int(child.stdout.readline().split()[1])

    def follow(self, url, *words, journal="journal"):
        return self.start(SERVE, self.path(journal), "broker", url, *words)

    def messages(self, journal="journal"):
        """(door, qos, flags, packet, client, topic, payload) of every record."""
        out = subprocess.run([SERVE, self.path(journal), "print"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
        return [tuple(int(w) for w in line.split("\t")[:4]) + tuple(line.split("\t")[4:])
                for line in out.splitlines()]

    def broker(self, port, more=""):
        need("mosquitto")
        conf = self.write("mosquitto.conf", "user root\nper_listener_settings false\n"
                          "listener %d 127.0.0.1\nmax_queued_messages 0\nlog_type none\n" % port + more)
        child = self.start("mosquitto", "-c", conf)
        becomes(lambda: answers(port), "Mosquitto")
        return child


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pub(port, *words):
    subprocess.run(["mosquitto_pub", "-p", str(port), *words], check=True, timeout=PATIENCE_S)


def client(version, name, clean=True):
    if version == 5:
        return paho.Client(name, protocol=paho.MQTTv5)
    return paho.Client(name, clean_session=clean, protocol=paho.MQTTv311)


def mosquitto_pub_is_journaled_in_both_versions_and_all_qualities():
    need("mosquitto_pub")
    with Place() as place:
        _, port = place.endpoint()
        for version in ("mqttv311", "mqttv5"):
            for qos in "012":
                pub(port, "-V", version, "-q", qos, "-t", "plant/pump1", "-m", version + qos, "-i", "me")
        found = [(m[1], m[4], m[5], m[6]) for m in place.messages()]
        tap.equal(found, [(q, "me", "plant/pump1", v + str(q)) for v in ("mqttv311", "mqttv5")
                          for q in range(3)], "messages")


def mosquitto_sub_hears_devices_and_what_is_retained():
    need("mosquitto_pub", "mosquitto_sub")
    with Place() as place:
        _, port = place.endpoint()
        pub(port, "-r", "-q", "1", "-t", "plant/state", "-m", "old")
        for version, properties in (("mqttv311", ""), ("mqttv5", "k:v")):
            child = place.start("mosquitto_sub", "-V", version, "-p", str(port), "-q", "2", "-t",
                                "plant/+", "-C", "3", "-F", "%t %p %q %r %P", stdout=subprocess.PIPE,
                                text=True)
            tap.equal(child.stdout.readline(), "plant/state old 1 1 \n", "the retained one")
            for qos in "12":
                pub(port, "-V", "mqttv5", "-q", qos, "-t", "plant/a", "-m", "x" + qos, "-D", "publish",
                    "user-property", "k", "v")
            tap.equal(child.stdout.read(), "".join("plant/a x%s 1 0 %s\n" % (q, properties) for q in "12"),
                      "what was heard")


def paho_has_all_its_messages_answered():
    need_paho()
    with Place() as place:
        _, port = place.endpoint()
        for version in (4, 5):
            done, c = set(), client(version, "paho%d" % version)
            c.on_publish = lambda _c, _u, mid, *_: done.add(mid)
            c.max_inflight_messages_set(500)
            c.connect("127.0.0.1", port)
            c.loop_start()
            sent = [c.publish("t/%d" % qos, "%d-%d-%d" % (version, qos, i), qos=qos).mid
                    for qos in range(3) for i in range(1000)]
            becomes(lambda: done >= set(sent), "answers")
            c.disconnect()
            c.loop_stop()
        payloads = [m[6] for m in place.messages()]
        tap.equal(sorted(payloads), sorted("%d-%d-%d" % (v, q, i) for v in (4, 5) for q in range(3)
                                           for i in range(1000)), "each once")


def paho_subscribes_and_its_will_is_heard():
    need_paho()
    with Place() as place:
        _, port = place.endpoint()
        heard, ready = [], []
        sub = client(5, "sub")
        sub.on_message = lambda _c, _u, m: heard.append((m.topic, m.payload.decode(), m.qos))
        sub.on_subscribe = lambda *_: ready.append(1)
        sub.connect("127.0.0.1", port)
        sub.subscribe("#", qos=2)
        sub.loop_start()
        becomes(lambda: ready, "SUBACK")
        lost = client(4, "lost")
        lost.will_set("plant/lost", "gone", qos=1)
        lost.connect("127.0.0.1", port)
        lost.loop_start()
        lost.publish("plant/lost", "here", qos=2).wait_for_publish()
        lost.loop_stop()
        lost.socket().close()
        becomes(lambda: len(heard) == 2, "two messages")
        tap.equal(heard, [("plant/lost", "here", 1), ("plant/lost", "gone", 1)], "what was heard")
        tap.equal([(m[2], m[6]) for m in place.messages()], [(0, "here"), (WILL, "gone")], "the journal")
        sub.loop_stop()


def paho_with_properties_of_mqtt_5():
    need_paho()
    with Place() as place:
        _, port = place.endpoint()
        heard, ready = [], []
        c = client(5, "")
        c.on_message = lambda _c, _u, m: heard.append(m)
        c.on_subscribe = lambda *_: ready.append(1)
        c.connect("127.0.0.1", port)
        asks = Properties(PacketTypes.SUBSCRIBE)
        asks.SubscriptionIdentifier = 77
        c.loop_start()
        c.subscribe("a/#", options=paho.SubscribeOptions(qos=1, retainAsPublished=True), properties=asks)
        becomes(lambda: ready, "SUBACK")
        p = Properties(PacketTypes.PUBLISH)
        p.UserProperty = [("line", "3"), ("shift", "night")]
        p.ContentType = "application/json"
        p.TopicAlias = 3
        p.MessageExpiryInterval = 60
        c.publish("a/b", "{}", qos=1, properties=p)
        becomes(lambda: heard, "the message")
        got = heard[0].properties
        tap.equal((got.UserProperty, got.ContentType, got.MessageExpiryInterval, got.SubscriptionIdentifier),
                  ([("line", "3"), ("shift", "night")], "application/json", 60, [77]), "properties")
        c.loop_stop()


def what_was_acknowledged_is_in_the_journal_after_kill_9():
    need_paho()
    with Place() as place:
        for run in range(5):
            child, port = place.endpoint()
            acked, c = [], client(4, "device")
            names = {}
            c.on_publish = lambda _c, _u, mid: acked.append(mid)
            c.max_inflight_messages_set(100)
            c.connect("127.0.0.1", port)
            c.loop_start()
            for i in range(2000):
                payload = "%d-%d" % (run, i)
                names[c.publish("t", payload, qos=1 + i % 2).mid] = payload
            becomes(lambda: len(acked) > 200 * run + 100, "some answers")
            child.send_signal(signal.SIGKILL)
            child.wait()
            c.loop_stop()
            answered = [names[mid] for mid in list(acked)]
            there = [m[6] for m in place.messages()]
            tap.empty([name for name in answered if name not in set(there)], "acknowledged and lost")
            twice = [name for name in set(there) if there.count(name) > 1] if run == 0 else []
            tap.empty(twice, "more than once")


def through_mosquitto_nothing_is_lost_while_andon_is_killed():
    need("mosquitto", "mosquitto_pub")
    with Place() as place:
        port = free_port()
        place.broker(port, "allow_anonymous true\n")
        url = "mqtt://127.0.0.1:%d" % port
        child = place.follow(url, "client=andon", "topic=plant/#")
        becomes(lambda: probe(port, place), "andon is there")
        for run in range(4):
            feed = place.start("mosquitto_pub", "-p", str(port), "-q", "1", "-t", "plant/a", "-l",
                               stdin=subprocess.PIPE, text=True)
            for i in range(1000):
                feed.stdin.write("%d-%d\n" % (run, i))
                if i == 500:
                    feed.stdin.flush()
                    child.kill()
                    child.wait()
                    child = place.follow(url, "client=andon", "topic=plant/#")
            feed.stdin.close()
            tap.equal(feed.wait(timeout=PATIENCE_S), 0, "mosquitto_pub")
        wanted = {"%d-%d" % (run, i) for run in range(4) for i in range(1000)}
        becomes(lambda: wanted <= {m[6] for m in place.messages()}, "all messages")
        seen = set()
        for m in place.messages():  # what came again says so
            if m[6] in seen and m[6] in wanted:
                tap.equal(m[2] & DUPLICATE, DUPLICATE, "flag of %s" % m[6])
            seen.add(m[6])
        tap.equal({(m[0], m[4]) for m in place.messages()}, {(2, "127.0.0.1:%d" % port)}, "door, client")


def probe(port, place, journal="journal", words=()):
    pub(port, "-q", "1", "-t", "plant/probe", "-m", "probe", *words)
    time.sleep(0.05)
    return any(m[5] == "plant/probe" for m in place.messages(journal))


def a_mosquitto_that_was_killed_is_found_again():
    need("mosquitto", "mosquitto_pub")
    with Place() as place:
        port = free_port()
        broker = place.broker(port, "allow_anonymous true\n")
        place.follow("mqtt://127.0.0.1:%d" % port, "client=andon", "topic=plant/#")
        becomes(lambda: probe(port, place), "andon is there")
        broker.kill()
        broker.wait()
        place.broker(port, "allow_anonymous true\n")
        before = len(place.messages())
        becomes(lambda: probe(port, place) and len(place.messages()) > before, "andon is back")


def certificates(place):
    need("openssl")
    run = lambda *words: subprocess.run(["openssl", *words], check=True, cwd=place.dir,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days",
        "2", "-subj", "/CN=test ca")
    place.write("san", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "andon"):
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
            "-subj", "/CN=" + ("localhost" if name == "server" else name))
        run("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", name + ".crt", "-days", "2", "-extfile", "san")


def over_tls_with_a_certificate_of_its_own_nothing_stays_in_a_buffer():
    need("mosquitto", "mosquitto_pub")
    with Place() as place:
        certificates(place)
        plain, tls = free_port(), free_port()
        place.broker(plain, "allow_anonymous true\nlistener %d 127.0.0.1\nrequire_certificate true\n" % tls +
                     "".join("%s %s\n" % (key, place.path(file)) for key, file in (
                         ("cafile", "ca.crt"), ("certfile", "server.crt"), ("keyfile", "server.key"))))
        url = "mqtts://localhost:%d" % tls
        place.follow(url, "client=none", "ca=" + place.path("ca.crt"), journal="refused")
        place.follow(url, "client=andon", "topic=plant/#", *(
            "%s=%s" % (key, place.path(file)) for key, file in (
                ("ca", "ca.crt"), ("cert", "andon.crt"), ("key", "andon.key"))))
        becomes(lambda: probe(plain, place), "andon is there")
        for burst in (1, 2, 20, 2000):
            lines = "".join("%d-%d\n" % (burst, i) for i in range(burst))
            subprocess.run(["mosquitto_pub", "-p", str(plain), "-q", "1", "-t", "plant/a", "-l"],
                           input=lines, text=True, check=True, timeout=PATIENCE_S)
            wanted = set(lines.split())
            becomes(lambda: wanted <= {m[6] for m in place.messages()}, "a burst of %d" % burst)
        tap.equal(place.messages("refused"), [], "what came without a certificate")


def with_a_user_name_and_a_password_from_a_file():
    need("mosquitto", "mosquitto_pub", "mosquitto_passwd")
    with Place() as place:
        port = free_port()
        users = place.write("users", "andon:hush\n", 0o600)
        subprocess.run(["mosquitto_passwd", "-U", users], check=True)
        place.broker(port, "password_file %s\n" % users)
        login = ("-u", "andon", "-P", "hush")
        place.follow("mqtt://andon@127.0.0.1:%d" % port, "client=wrong", "topic=plant/#",
                     "password=" + place.write("wrong", "loud\n", 0o600), journal="refused")
        place.follow("mqtt://andon@127.0.0.1:%d" % port, "client=andon", "topic=plant/#",
                     "password=" + place.write("right", "hush\n", 0o600))
        becomes(lambda: probe(port, place, words=login), "andon is there")
        tap.equal(place.messages("refused"), [], "what came with a wrong password")


def two_andons_share_a_subscription():
    need("mosquitto", "mosquitto_pub")
    with Place() as place:
        port = free_port()
        place.broker(port, "allow_anonymous true\n")
        for name in ("one", "two"):
            place.follow("mqtt://127.0.0.1:%d" % port, "client=" + name, "topic=$share/group/plant/#",
                         journal=name)
            becomes(lambda: probe(port, place, name), name)
        lines = "".join("%d\n" % i for i in range(500))
        subprocess.run(["mosquitto_pub", "-p", str(port), "-q", "1", "-t", "plant/a", "-l"], input=lines,
                       text=True, check=True, timeout=PATIENCE_S)
        found = lambda: [m[6] for name in ("one", "two") for m in place.messages(name) if m[5] == "plant/a"]
        becomes(lambda: len(found()) == 500, "all messages")
        tap.equal(sorted(found()), sorted(lines.split()), "each to one of them")


sys.exit(tap.run([mosquitto_pub_is_journaled_in_both_versions_and_all_qualities,
                  mosquitto_sub_hears_devices_and_what_is_retained,
                  paho_has_all_its_messages_answered, paho_subscribes_and_its_will_is_heard,
                  paho_with_properties_of_mqtt_5, what_was_acknowledged_is_in_the_journal_after_kill_9,
                  through_mosquitto_nothing_is_lost_while_andon_is_killed,
                  a_mosquitto_that_was_killed_is_found_again,
                  over_tls_with_a_certificate_of_its_own_nothing_stays_in_a_buffer,
                  with_a_user_name_and_a_password_from_a_file, two_andons_share_a_subscription]))
