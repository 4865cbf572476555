#!/usr/bin/env python3
"""What `andon journal` prints, over journals that this file writes by the documented layout alone: a
second hand at the format. Usage: journal_test.py ANDON. Prints TAP; needs only Python itself."""
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "house"))
import tap  # noqa: E402

ANDON = os.path.abspath(sys.argv[1])
SALT = 0x1234ABCD
SECOND = 10 ** 9
T0 = 1700000000 * SECOND  # 2023-11-14T22:13:20Z


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def record(offset, ns, kind, body):
    rest = struct.pack("<IqB", len(body), ns, kind)
    head = crc32c(rest, crc32c(struct.pack("<Q", offset), SALT))
    rest += struct.pack("<I", head)[:3]
    tail = body + bytes(-(20 + len(body)) % 8)
    whole = crc32c(tail, crc32c(rest[-3:], head))
    return struct.pack("<I", whole) + rest + tail


def segment(first, records, before_ns=-2 ** 63):
    """A file's bytes from (ns, type, body)..., and the offset behind the last."""
    head = struct.pack("<8sIIQq", b"andonjnl", 1, SALT, first, before_ns)
    head += bytes(60 - len(head))
    out = head + struct.pack("<I", crc32c(head))
    for ns, kind, body in records:
        out += record(first + len(out) - 64, ns, kind, body)
    return out, first + len(out) - 64


def message(topic, payload, door=1, client="c1", user="", qos=1, flags=0):
    client, user, topic = client.encode(), user.encode(), topic.encode()
    return struct.pack("<BBBBHHHHHQ", 1, door, qos, flags, 7, len(client), len(user), len(topic), 0,
                       99) + client + user + topic + payload


def journal(folder, *segments):
    os.makedirs(folder, exist_ok=True)
    at = 0
    for records in segments:
        data, end = segment(at, records)
        with open(os.path.join(folder, "%016x.journal" % at), "wb") as f:
            f.write(data)
        at = end
    return folder


def run(*args):
    return subprocess.run([ANDON, "journal", *args], capture_output=True, text=True, check=False)


def lines(*args):
    done = run(*args)
    tap.equal((done.returncode, done.stderr), (0, ""), "exit")
    return done.stdout.splitlines()


RECORDS = [
    (T0, 1, message("site/pump1", b'{"temperature":45.1}')),
    (T0 + SECOND, 2, b""),
    (T0 + 2 * SECOND, 1, message("site/pump2", b"\xff\x00bad", flags=3)),
    (T0 + 3 * SECOND, 4, "größe: 1\nsite: a\\b".encode()),
    (T0 + 4 * SECOND, 5, b"pumps/*\tpump\t3\tabcd"),
    (T0 + 5 * SECOND, 1, message("v1/devices/me/telemetry", b"{}", door=5, user="secret-token")),
    (T0 + 6 * SECOND, 3, b'{"ack":1}'),
]


def a_line_names_offset_time_type_door_client_topic_and_payload():
    with tempfile.TemporaryDirectory() as folder:
        found = lines(journal(folder, RECORDS[:4], RECORDS[4:]))
    tap.equal([line[16:].replace("2023-11-14T22:13:", "") for line in found], [
        ' 20Z message mqtt qos=1 client=c1 topic=site/pump1 {"temperature":45.1}',
        " 21Z tick",
        " 22Z message mqtt qos=1 duplicate retained client=c1 topic=site/pump2 \\xff\\x00bad",
        " 23Z config größe: 1\\nsite: a\\\\b",
        " 24Z model pumps/*\\tpump\\t3\\tabcd",
        " 25Z message thingsboard qos=1 client=c1 topic=v1/devices/me/telemetry {}",
        ' 26Z action {"ack":1}'], "lines")
    tap.equal(found[0][:16], "0" * 16, "first offset")
    tap.equal(found[1][:16], "%016x" % len(record(0, 0, 1, RECORDS[0][2])), "second offset")


def json_lines_hold_everything_but_access_tokens():
    with tempfile.TemporaryDirectory() as folder:
        found = [json.loads(line) for line in lines(journal(folder, RECORDS), "--json")]
    tap.equal(found[0], {"offset": 0, "time": "2023-11-14T22:13:20Z", "type": "message",
                         "door": "mqtt", "client": "c1", "topic": "site/pump1", "qos": 1,
                         "duplicate": False, "retained": False, "will": False,
                         "payload": '{"temperature":45.1}'}, "a message")
    tap.equal(found[2]["payload_hex"], "ff00626164", "a payload that is no text")
    tap.equal(found[3]["body"], "größe: 1\nsite: a\\b", "a config")
    tap.equal("secret" in json.dumps(found), False, "a token is shown")
    tap.equal([one["type"] for one in found],
              ["message", "tick", "message", "config", "model", "message", "action"], "types")


def times_and_types_select():
    with tempfile.TemporaryDirectory() as folder:
        journal(folder, RECORDS)
        tap.equal(len(lines(folder, "--from", "2023-11-14T22:13:22Z")), 5, "--from")
        tap.equal(len(lines(folder, "--to", "1700000002")), 2, "--to")
        tap.equal(len(lines(folder, "--from", "1700000002", "--to", "1700000003")), 1, "both")
        tap.equal(len(lines(folder, "--type", "message")), 3, "--type message")
        tap.equal(len(lines(folder, "--type", "tick", "--from", "1700000002")), 0, "none")


def the_journal_of_a_state_folder_is_found():
    with tempfile.TemporaryDirectory() as folder:
        journal(os.path.join(folder, "journal"), RECORDS)
        tap.equal(len(lines(folder)), len(RECORDS), "records")


def check_counts_and_finds_nothing_wrong_with_a_whole_journal():
    with tempfile.TemporaryDirectory() as folder:
        journal(folder, RECORDS[:3], RECORDS[3:])
        found = json.loads("\n".join(lines(folder, "--check", "--json")))
        tap.equal((found["records"], found["segments"], found["damaged_bytes"],
                   found["unfinished_bytes"]), (7, 2, 0, 0), "figures")
        tap.equal(lines(folder, "--check")[0], "records    7", "text")


def check_reports_damage_and_ends_with_3():
    with tempfile.TemporaryDirectory() as folder:
        journal(folder, RECORDS)
        path = os.path.join(folder, "0" * 16 + ".journal")
        with open(path, "r+b") as f:
            f.seek(64 + 40)
            f.write(b"X")
        size = len(record(0, 0, 1, RECORDS[0][2]))
        done = run(folder, "--check")
        tap.equal(done.returncode, 3, "exit")
        tap.equal(done.stdout.splitlines()[0],
                  "damaged: %d bytes before offset %016x" % (size, size), "where")
        tap.equal(done.stderr, "andon journal: %s: %d bytes of records are damaged\n" % (folder, size),
                  "error")
        done = run(folder)
        tap.equal((done.returncode, len(done.stdout.splitlines())), (0, 7), "records and the notice")
        tap.equal("%d bytes of damaged records" % size in done.stderr, True, "note")


def an_unfinished_end_is_no_damage():
    with tempfile.TemporaryDirectory() as folder:
        journal(folder, RECORDS)
        path = os.path.join(folder, "0" * 16 + ".journal")
        os.truncate(path, os.path.getsize(path) - 3)
        found = json.loads("\n".join(lines(folder, "--check", "--json")))
        last = len(record(0, 0, 3, RECORDS[-1][2]))
        tap.equal((found["records"], found["damaged_bytes"], found["unfinished_bytes"]),
                  (6, 0, last - 3), "figures")


def follow_goes_on_with_what_comes():
    with tempfile.TemporaryDirectory() as folder:
        data, _ = segment(0, RECORDS)
        path = os.path.join(folder, "0" * 16 + ".journal")
        open(path, "wb").close()
        with subprocess.Popen([ANDON, "journal", folder, "--follow"], stdout=subprocess.PIPE,
                              text=True) as follower:
            with open(path, "ab", buffering=0) as f:
                for cut in range(0, len(data), 37):
                    f.write(data[cut:cut + 37])
            found = [follower.stdout.readline() for _ in RECORDS]
            follower.send_signal(signal.SIGTERM)
        tap.equal([line.split()[2] for line in found],
                  ["message", "tick", "message", "config", "model", "message", "action"], "types")


def wrong_calls_are_one_line_and_status_2_or_3():
    with tempfile.TemporaryDirectory() as folder:
        for args, status, words in [
                ((folder,), 3, "expected files such as 0000000000000000.journal"),
                ((folder + "/none",), 3, "cannot open"),
                ((folder, "--from", "yesterday"), 2, "--from yesterday: expected a time"),
                ((folder, "--type", "noise"), 2, "--type noise: expected message, tick"),
                ((folder, "--check", "--follow"), 2, "--check looks at every record")]:
            done = run(*args)
            tap.equal((done.returncode, len(done.stderr.splitlines())), (status, 1), args)
            tap.equal(words in done.stderr, True, done.stderr)


sys.exit(tap.run([a_line_names_offset_time_type_door_client_topic_and_payload,
                  json_lines_hold_everything_but_access_tokens, times_and_types_select,
                  the_journal_of_a_state_folder_is_found,
                  check_counts_and_finds_nothing_wrong_with_a_whole_journal,
                  check_reports_damage_and_ends_with_3, an_unfinished_end_is_no_damage,
                  follow_goes_on_with_what_comes, wrong_calls_are_one_line_and_status_2_or_3]))
