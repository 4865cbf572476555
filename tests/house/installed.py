#!/usr/bin/env python3
"""Installs into a directory of its own and uses the library from there, as somebody else's program
would: with pkg-config, against the shared and against the static one.

    tests/house/installed.py SOURCE_ROOT BUILD_ROOT
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import tap

ROOT, BUILD = sys.argv[1:3]
CC = os.environ.get("CC") or "cc"


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def flags(*which):
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(PREFIX, "lib/pkgconfig"),
               PKG_CONFIG_SYSROOT_DIR=DEST)
    return run(["pkg-config", *which, "andon"], env=env).split()


def build_example(name, *more):
    program = os.path.join(DEST, name)
    run(CC.split() + ["-std=c17", "-Wall", "-Wextra", "-Werror",
                      os.path.join(ROOT, "examples/first_model.c"), "-o", program, *more])
    return program


def found_the_fault(text):
    last = text.splitlines()[-1]
    if "ANOMALY" not in last or "temperature" not in last:
        raise AssertionError(f"expected the warm bearing as the last line, found: {last}")


def what_is_installed_is_complete():
    for path in ("bin/andon", "lib/libandon.a", "lib/libandon.so", "lib/libandon.so.0",
                 "lib/pkgconfig/andon.pc", "include/andon/andon.h"):
        if not os.path.exists(os.path.join(PREFIX, path)):
            raise AssertionError(f"{path} is missing")
    here = {os.path.basename(p) for p in glob.glob(os.path.join(ROOT, "include/andon/*.h"))}
    there = set(os.listdir(os.path.join(PREFIX, "include/andon")))
    tap.equal(there, here, "headers")


def the_installed_program_says_its_version():
    tap.equal(run([os.path.join(PREFIX, "bin/andon"), "--version"]).split()[0], "andon", "--version")


def the_example_trains_and_scores_with_the_shared_library():
    program = build_example("shared", *flags("--cflags", "--libs"), "-lm")
    env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(PREFIX, "lib"))
    if "libandon.so.0" not in run(["readelf", "-d", program]):
        raise AssertionError("the program does not use the shared library")
    found_the_fault(run([program], env=env))


def the_example_trains_and_scores_with_the_static_library():
    static = [flag if flag != "-landon" else "-l:libandon.a"
              for flag in flags("--static", "--cflags", "--libs")]
    program = build_example("static", *static, "-lm")
    found_the_fault(run([program]))


def both_libraries_give_the_same_bytes():
    env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(PREFIX, "lib"))
    tap.equal(run([os.path.join(DEST, "shared")], env=env), run([os.path.join(DEST, "static")]),
              "output")


def the_headers_are_good_c_plus_plus():
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise tap.Skip("no C++ compiler here")
    source = os.path.join(DEST, "plus.cc")
    with open(source, "w", encoding="utf-8") as out:
        out.write("#include <andon/andon.h>\n#include <andon/iforest.h>\n"
                  "int main() { return andon_detector_count() > 0 ? 0 : 1; }\n")
    run([compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", source, "-o",
         os.path.join(DEST, "plus"), *flags("--cflags", "--libs")])


def the_list_for_uninstalling_is_complete():
    with open(LOG, encoding="utf-8") as log:
        installed = {line.strip() for line in log}
    there = {os.path.join(folder, name) for folder, _, names in os.walk(PREFIX) for name in names}
    tap.empty(sorted(there - installed), "files that uninstall would not know")


def install():
    """What an earlier `make install` wrote down is kept, so that it can still be undone."""
    before = None
    if os.path.exists(LOG):
        with open(LOG, encoding="utf-8") as log:
            before = log.read()
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", DEST])
    return before


def prefix():
    options = json.loads(run(["meson", "introspect", BUILD, "--buildoptions"]))
    return next(option["value"] for option in options if option["name"] == "prefix")


LOG = os.path.join(BUILD, "meson-logs/install-log.txt")
with tempfile.TemporaryDirectory(prefix="andon-installed-") as DEST:
    earlier = install()
    PREFIX = DEST + prefix()
    status = tap.run([what_is_installed_is_complete, the_installed_program_says_its_version,
                      the_example_trains_and_scores_with_the_shared_library,
                      the_example_trains_and_scores_with_the_static_library,
                      both_libraries_give_the_same_bytes, the_headers_are_good_c_plus_plus,
                      the_list_for_uninstalling_is_complete])
    if earlier is not None:
        with open(LOG, "w", encoding="utf-8") as out:
            out.write(earlier)
sys.exit(status)
