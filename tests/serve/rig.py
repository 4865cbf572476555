"""A running andon and its clients, for the tests of the program as its users have it: real sockets on
free ports, real files, signals. Needs only Python itself."""
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "house"))
import tap  # noqa: E402

ANDON = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
PATIENCE_S = 60 if os.environ.get("ANDON_SANITIZED") == "1" else 30


def until(condition, what, patience_s=PATIENCE_S):
    """Waits for condition() to be true and gives what it returned."""
    end = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_s} s: {what}")
        time.sleep(0.01)


class Serve:
    """andon serve on free ports in a directory of its own, or in one that is given."""

    def __init__(self, directory, *more, env=None, http=True, mqtt=True):
        self.directory = directory
        self.log = open(os.path.join(directory, "..", os.path.basename(directory) + ".log"), "ab")
        command = [ANDON, "serve", "--dir", directory,
                   "--http", "127.0.0.1:0" if http else "none", *map(str, more)]
        if mqtt is not None:  # None: more says where
            command += ["--mqtt", "127.0.0.1:0" if mqtt else "none"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env={**os.environ, **(env or {})})
        self.port = {}
        for line in self.process.stdout:
            words = line.split()
            if words == ["ready"]:
                return
            if len(words) >= 2 and ":" in words[1] and words[1].rsplit(":", 1)[1].isdigit():
                self.port[words[0]] = int(words[1].rsplit(":", 1)[1])
        self.process.wait()
        raise AssertionError(f"andon serve ended with {self.process.returncode}:\n{self.said()}")

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def stop(self, patience_s=PATIENCE_S):
        """Ends it as a user does; how long that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(patience_s)
        took = time.monotonic() - began
        self.process.stdout.close()
        said = self.said()
        self.log.close()
        if status != 0:
            raise AssertionError(f"andon serve ended with {status}:\n{said}")
        return took

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()

    def ask(self, path, body=None, method=None, headers=None, door="http", timeout=PATIENCE_S):
        """(status, headers, text) of a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port[door], timeout=timeout)
        try:
            data = body.encode() if isinstance(body, str) else body
            connection.request(method or ("POST" if body is not None else "GET"), path, data,
                               headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def get(self, path, expected=200):
        status, _, text = self.ask(path)
        if status != expected:
            raise AssertionError(f"GET {path}: {status} {text[:500]}")
        return json.loads(text)


def sql(directory, query):
    """Rows of andon sql as lists of strings and numbers."""
    got = subprocess.run([ANDON, "sql", "--dir", directory, "--json", query], capture_output=True,
                         text=True, check=False)
    if got.returncode != 0:
        raise AssertionError(f"andon sql {query}: {got.stderr}")
    return [json.loads(line) for line in got.stdout.splitlines()]


# ---- MQTT, as little of it as a device needs ----

def mqtt_text(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">H", len(data)) + data


def mqtt_packet(first, body):
    length, head = len(body), bytearray([first])
    while True:
        head.append((length & 127) | (128 if length > 127 else 0))
        length >>= 7
        if length == 0:
            return bytes(head) + body


class Mqtt:
    """One connection of a device. Packets that come in are put aside by a thread."""

    def __init__(self, port, client, version=4, clean=True, keep_alive=0, user=None, timeout=PATIENCE_S):
        self.version = version
        self.acknowledged = {}  # packet id -> reason
        self.messages = []      # (topic, payload, first byte)
        self.session_present = None
        self.closed = False
        self.changed = threading.Condition()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = (2 if clean else 0) | (0x80 if user else 0)
        properties = b"\x00" if version == 5 and clean else \
            b"\x05\x11\xff\xff\xff\xff" if version == 5 else b""
        body = (mqtt_text("MQTT") + bytes([version, flags]) + struct.pack(">H", keep_alive) + properties
                + mqtt_text(client) + (mqtt_text(user) if user else b""))
        self.socket.sendall(mqtt_packet(0x10, body))
        self.stream = self.socket.makefile("rb")
        kind, answer = self._read()
        if kind >> 4 != 2 or answer[1] != 0:
            raise AssertionError(f"CONNACK: {kind:02x} {answer.hex()}")
        self.session_present = answer[0] & 1
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _read(self):
        first = self.stream.read(1)
        if not first:
            raise ConnectionError("closed")
        length = shift = 0
        while True:
            byte = self.stream.read(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        return first[0], self.stream.read(length)

    def _listen(self):
        try:
            while True:
                first, body = self._read()
                with self.changed:
                    kind = first >> 4
                    if kind in (4, 5, 7, 9, 11):  # PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK
                        number = struct.unpack(">H", body[:2])[0]
                        if kind == 5:
                            self.socket.sendall(mqtt_packet(0x62, body[:2]))
                        if kind != 5:
                            self.acknowledged[number] = body[2] if len(body) > 2 else 0
                    elif kind == 3:
                        length = struct.unpack(">H", body[:2])[0]
                        at = 2 + length + (2 if first & 6 else 0)
                        if first & 6:
                            self.socket.sendall(mqtt_packet(0x40, body[at - 2:at]))
                        if self.version == 5:
                            at += 1 + body[at]
                        self.messages.append((body[2:2 + length].decode(), body[at:], first))
                    self.changed.notify_all()
        except (OSError, ConnectionError, IndexError, ValueError):
            with self.changed:
                self.closed = True
                self.changed.notify_all()

    def publish(self, topic, payload, packet=0, qos=1, duplicate=False, retain=False):
        first = 0x30 | qos << 1 | (8 if duplicate else 0) | (1 if retain else 0)
        body = (mqtt_text(topic) + (struct.pack(">H", packet) if qos else b"")
                + (b"\x00" if self.version == 5 else b"")
                + (payload.encode() if isinstance(payload, str) else payload))
        self.socket.sendall(mqtt_packet(first, body))

    def subscribe(self, topic, packet=65535, qos=1):
        body = (struct.pack(">H", packet) + (b"\x00" if self.version == 5 else b"") + mqtt_text(topic)
                + bytes([qos]))
        self.socket.sendall(mqtt_packet(0x82, body))
        self.wait(lambda: packet in self.acknowledged, "SUBACK")

    def wait(self, condition, what, patience_s=PATIENCE_S):
        with self.changed:
            if not self.changed.wait_for(lambda: condition() or self.closed, patience_s):
                raise AssertionError(f"not within {patience_s} s: {what}")
            if not condition():
                raise ConnectionError(f"closed before: {what}")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def scratch():
    return tempfile.TemporaryDirectory(prefix="andon_serve_")
