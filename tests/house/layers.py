#!/usr/bin/env python3
"""Who may include whom. A room includes itself, rooms on lower floors and include/andon; never a room
above it or a neighbour on its own floor.

    tests/house/layers.py SOURCE_ROOT
"""
import os
import re
import sys
import tempfile

import tap

FLOORS = [
    {"base"},
    {"plant", "feature", "detect", "journal", "store"},
    {"verdict"},
    {"alarm", "learn", "ingest", "sim"},
    {"engine"},
    {"serve", "sink"},
    {"cli"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LIBRARY = {"base", "feature", "detect", "verdict"}
# Threads, sockets, files and clocks have no place in the library, and neither has their header.
OUTSIDE = re.compile(r"^(pthread|threads|time|unistd|fcntl|signal|dirent|poll|netdb|locale|"
                     r"sys/.*|net/.*|netinet/.*|arpa/.*)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
NO_ROOMS = {"util", "utils", "common", "helpers", "misc"}


def sources(top):
    for folder, _, names in os.walk(top):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.join(folder, name)


def target(root, path, name):
    """The file that #include "name" means in path, below root; None for one that is not found."""
    for base in (os.path.dirname(path), os.path.join(root, "src"), os.path.join(root, "include"),
                 os.path.join(root, "tests")):
        at = os.path.normpath(os.path.join(base, name))
        if os.path.exists(at):
            return os.path.relpath(at, root)
    return None


def includes(root, top):
    """(file, how, name, target) of every #include below top; files are relative to root."""
    for path in sources(os.path.join(root, top)):
        with open(path, encoding="utf-8") as text:
            for how, name in INCLUDE.findall(text.read()):
                found = target(root, path, name) if how == '"' else None
                yield os.path.relpath(path, root), how, name, found


def room_of(path):
    parts = path.split(os.sep)
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def wrong_directions(root):
    wrong = []
    for path, how, name, found in includes(root, "src"):
        here, there = room_of(path), room_of(found) if found else None
        is_test = path.endswith("_test.c")
        if here is None:
            wrong.append(f"{path}: stands in no room")
        elif here not in FLOOR:
            wrong.append(f"{path}: no room is called {here}")
        elif how == '"' and found is None:
            wrong.append(f'{path}: "{name}" is not in the tree')
        elif found and found.startswith("tests") and not is_test:
            wrong.append(f"{path}: includes {found}, which belongs to the tests")
        elif there in FLOOR and there != here and FLOOR[there] >= FLOOR[here]:
            wrong.append(f"{path}: {here} must not include {there} ({name})")
    return sorted(set(wrong))


def ground(root):
    """Files of base that belong to the program, not to the library: base/meson.build lists them."""
    listed = os.path.join(root, "src/base/meson.build")
    if not os.path.exists(listed):
        return set()
    with open(listed, encoding="utf-8") as text:
        names = re.findall(r"'(\w+)\.c'", text.read())
    return {os.path.join("src/base", name + end) for name in names for end in (".c", ".h")}


def outside_headers(root):
    program = ground(root)
    return sorted({f"{path}: <{name}>" for path, how, name, _ in includes(root, "src")
                   if how == "<" and room_of(path) in LIBRARY and not path.endswith("_test.c")
                   and path not in program and OUTSIDE.match(name)})


def public_reaching_inside(root):
    return sorted({f"{path}: {name}" for path, how, name, found in includes(root, "include")
                   if how == '"' and (found is None or not found.startswith("include"))})


def a_room_includes_only_lower_rooms():
    tap.empty(wrong_directions(ROOT), "includes against the direction")


def the_library_includes_no_threads_sockets_files_or_clock():
    tap.empty(outside_headers(ROOT), "headers that have no place in the library")


def public_headers_include_only_public_headers():
    tap.empty(public_reaching_inside(ROOT), "public headers that reach inside")


def no_room_is_a_drawer():
    tap.empty(sorted(NO_ROOMS & set(os.listdir(os.path.join(ROOT, "src")))), "rooms without a noun")


def this_test_finds_what_is_wrong():
    files = {
        "src/base/a.c": '#include "verdict/b.h"\n',
        "src/verdict/b.h": '#include <pthread.h>\n#include "base/a.h"\n',
        "src/base/a.h": "",
        "src/learn/c.c": '#include "sim/d.h"\n',
        "src/sim/d.h": '#  include "verdict/b.h"\n',
        "include/andon/e.h": '#include "../../src/base/a.h"\n',
    }
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                out.write(text)
        tap.equal(wrong_directions(root), ["src/base/a.c: base must not include verdict (verdict/b.h)",
                                           "src/learn/c.c: learn must not include sim (sim/d.h)"],
                  "directions")
        tap.equal(outside_headers(root), ["src/verdict/b.h: <pthread.h>"], "headers")
        tap.equal(len(public_reaching_inside(root)), 1, "public headers that reach inside")


ROOT = sys.argv[1]
sys.exit(tap.run([a_room_includes_only_lower_rooms,
                  the_library_includes_no_threads_sockets_files_or_clock,
                  public_headers_include_only_public_headers, no_room_is_a_drawer,
                  this_test_finds_what_is_wrong]))
