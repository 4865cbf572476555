#!/usr/bin/env python3
"""A device on the far side of a network that is cut: publishes N readings with QoS 1, reconnects and
sends again what was not acknowledged, and prints how many were in the end.

    far_device.py HOST PORT N
"""
import json
import socket
import struct
import sys
import time

HOST, PORT, N = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
BASE_MS = 1_700_000_000_000


def packet(first, body):
    length, head = len(body), bytearray([first])
    while True:
        head.append((length & 127) | (128 if length > 127 else 0))
        length >>= 7
        if length == 0:
            return bytes(head) + body


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def connection():
    link = socket.create_connection((HOST, PORT), timeout=1.0)
    link.sendall(packet(0x10, text("MQTT") + b"\x04\x00\x00\x05" + text("far")))
    answer = link.recv(4)
    if len(answer) < 4 or answer[3] != 0:
        raise OSError("refused")
    return link


sent, acknowledged, end = set(), set(), time.monotonic() + 80
while len(acknowledged) < N and time.monotonic() < end:
    try:
        link = connection()
        for n in range(N):
            if n in acknowledged:
                continue
            value = json.dumps({"timestamp": BASE_MS + n * 1000, "count": n, "load": n % 10})
            link.sendall(packet(0x3A if n in sent else 0x32, text("press") + struct.pack(">H", n + 1)
                                + value.encode()))
            sent.add(n)
            answer = link.recv(4)
            if len(answer) < 4 or answer[0] != 0x40:
                raise OSError("closed")
            acknowledged.add(struct.unpack(">H", answer[2:4])[0] - 1)
            time.sleep(0.01)
    except OSError:
        time.sleep(0.2)
print(len(acknowledged))
