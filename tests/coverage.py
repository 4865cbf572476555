#!/usr/bin/env python3
"""Adds up which lines of the library the tests reached; the status is 1 below LIMIT percent.

    tests/coverage.py SOURCE_ROOT BUILD LIMIT

A line that several objects hold (kernels are compiled once per instruction set) is reached when it
ran in any of them.
"""
import collections
import json
import os
import subprocess
import sys

ROOMS = ("base", "feature", "detect", "verdict")


def objects(build):
    for folder, _, names in os.walk(os.path.join(build, "src")):
        for name in names:
            if name.endswith(".gcda"):
                yield os.path.join(folder, name)


def room_of(root, build, path):
    path = os.path.relpath(os.path.normpath(os.path.join(build, path)), root)
    parts = path.split(os.sep)
    return (parts[1], path) if parts[0] == "src" and parts[1] in ROOMS else (None, path)


def reached(root, build):
    """{file: {line: times}} of the library's rooms."""
    lines = collections.defaultdict(dict)
    found = [os.path.abspath(path) for path in objects(build)]
    for at in range(0, len(found), 50):
        said = subprocess.run(["gcov", "--json-format", "--stdout", *found[at:at + 50]], cwd=build,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
        for document in said.stdout.splitlines():
            for file in json.loads(document)["files"]:
                room, path = room_of(root, build, file["file"])
                for line in file["lines"] if room else ():
                    known = lines[path].get(line["line_number"], 0)
                    lines[path][line["line_number"]] = known + line["count"]
    return lines


def show(name, counts):
    total = len(counts)
    hit = sum(1 for count in counts if count > 0)
    percent = 100.0 * hit / max(total, 1)
    print(f"  {percent:6.1f} %  {hit:5} of {total:5}  {name}")
    return percent


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    limit = float(sys.argv[3])
    lines = reached(root, build)
    files = {path: list(counts.values()) for path, counts in lines.items()}
    print("least reached:")
    part = {path: sum(c > 0 for c in counts) / len(counts) for path, counts in files.items()}
    for path in sorted(files, key=part.get)[:12]:
        missed = [str(n) for n, count in sorted(lines[path].items()) if count == 0]
        show(f"{path}  (not: {' '.join(missed[:12])}{' ...' if len(missed) > 12 else ''})", files[path])
    print("by room:")
    for room in ROOMS:
        show(room, [c for path, counts in files.items() if path.startswith(f"src/{room}/") for c in counts])
    print(f"library, at least {limit:g} %:")
    percent = show("all", [c for counts in files.values() for c in counts])
    return 1 if percent < limit else 0


if __name__ == "__main__":
    sys.exit(main())
