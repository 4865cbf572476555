#!/usr/bin/env python3
"""What the library is made of, seen from outside: no writable data, nothing asked of the operating
system, nothing shown but the public names.

    tests/house/library.py SOURCE_ROOT ARCHIVE SHARED [NM READELF]
"""
import glob
import os
import re
import subprocess
import sys

import tap

ROOT, ARCHIVE, SHARED = sys.argv[1:4]
NM, READELF = (sys.argv[4:6] + ["nm", "readelf"])[:2] if len(sys.argv) > 5 else ("nm", "readelf")

# Everything that the library asks of others. Memory comes from the caller's allocator; malloc and
# free stand behind andon_allocator_libc alone.
LIBC = set("""malloc free memchr memcmp memcpy memmove memset snprintf strchr strcmp strcspn strlen
strncasecmp strncmp strrchr strspn strtod strtol strtoll strtoul strtoull strstr vsnprintf sscanf
__isoc99_sscanf __assert_fail __errno_location __stack_chk_fail qsort bsearch abort
_GLOBAL_OFFSET_TABLE_""".split())
MATHS = set("""acos asin atan atan2 ceil cos erf erfc exp exp2 expm1 fabs floor fmax fmaxf fmin fminf fmod
frexp hypot ilogb ldexp lgamma log log10 log1p log2 lround llround modf nearbyint nearbyintf nextafter pow rint
round sin sqrt sqrtf tan tanh tgamma trunc expf logf tanhf""".split())
# What compilers call for themselves: processor features, counting bits, wide integers.
COMPILER = set("""__cpu_model __cpu_indicator_init __popcountdi2 __floatuntidf __floattidf __udivti3
__umodti3 __multi3 __aarch64_cas8_acq_rel""".split())
# The only doors to the C library's memory.
DOORS = {"malloc": {"arena.c.o"}, "free": {"arena.c.o"}}


def ask(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def members_undefined():
    """(object, symbol) of everything that an object of the archive leaves open."""
    member = ""
    for line in ask(NM, "-u", ARCHIVE).splitlines():
        if line.endswith(":"):
            member = re.sub(r"^(base|detect|feature|verdict)_", "", line[:-1])
        elif line.strip():
            yield member, line.split()[-1]


def defined():
    lines = (line.split() for line in ask(NM, "--defined-only", ARCHIVE).splitlines())
    return {fields[2] for fields in lines if len(fields) == 3}


def sanitized():
    return any(re.match(r"__(asan|tsan|ubsan|gcov|llvm)_", symbol) for _, symbol in members_undefined())


def the_library_has_no_writable_data():
    if sanitized():
        raise tap.Skip("the build counts or checks, which needs data of its own")
    wrong, member = [], ""
    section = re.compile(r"^\s*\[\s*\d+\]\s+(\.(?:t?data|t?bss)\S*)\s+\S+\s+\S+\s+\S+\s+([0-9a-f]+)")
    for line in ask(READELF, "-SW", ARCHIVE).splitlines():
        if line.startswith("File: "):
            member = line[6:]
        found = section.match(line)
        if found and int(found[2], 16) > 0 and not found[1].startswith(".data.rel.ro"):
            wrong.append(f"{member}: {found[1]} of {int(found[2], 16)} bytes")
    tap.empty(wrong, "objects with writable data")


def the_library_asks_for_memory_text_and_maths_alone():
    if sanitized():
        raise tap.Skip("the build counts or checks, which calls more")
    own = defined()
    allowed = own | LIBC | MATHS | COMPILER
    tap.empty(sorted({f"{member}: {symbol}" for member, symbol in members_undefined()
                      if symbol not in allowed}), "symbols that the library must not need")


def only_the_allocator_for_libc_touches_malloc():
    tap.empty(sorted({f"{member}: {symbol}" for member, symbol in members_undefined()
                      if symbol in DOORS and member not in DOORS[symbol]}), "malloc and free")


def declared():
    names = set()
    for path in glob.glob(os.path.join(ROOT, "include/andon/*.h")):
        with open(path, encoding="utf-8") as text:
            code = re.sub(r"/\*.*?\*/", "", text.read(), flags=re.DOTALL)
        names |= set(re.findall(r"\b(andon_\w+)\s*\((?!\*)", code))
        names |= set(re.findall(r"extern\s+const\s+struct\s+\w+\s+(andon_\w+)\s*\[", code))
    return names


def the_shared_library_shows_the_public_names_and_nothing_else():
    shown = {line.split()[2].split("@")[0] for line in ask(NM, "-D", "--defined-only", SHARED).splitlines()
             if line.split()[1] != "A"}
    public = declared()
    tap.empty(sorted(shown - public), "exported, but in no public header")
    tap.empty(sorted(public - shown), "in a public header, but not exported")


def the_shared_library_has_a_versioned_name():
    found = re.search(r"SONAME.*\[(.*)\]", ask(READELF, "-d", SHARED))
    tap.equal(found and found[1], "libandon.so.0", "SONAME")


sys.exit(tap.run([the_library_has_no_writable_data, the_library_asks_for_memory_text_and_maths_alone,
                  only_the_allocator_for_libc_touches_malloc,
                  the_shared_library_shows_the_public_names_and_nothing_else,
                  the_shared_library_has_a_versioned_name]))
