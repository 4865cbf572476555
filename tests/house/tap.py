"""Prints results as TAP: a case is a function whose docstring or name says what must be true."""
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; says why."""


def run(cases):
    failed = 0
    for number, case in enumerate(cases, 1):
        name = case.__name__
        try:
            case()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception as error:
            failed += 1
            for line in (str(error) or traceback.format_exc()).splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {name}", flush=True)
    print(f"1..{len(cases)}")
    return 1 if failed else 0


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: found {found}, expected {expected}")


def empty(found, what):
    if found:
        raise AssertionError(f"{what}:\n" + "\n".join(f"  {item}" for item in found))
