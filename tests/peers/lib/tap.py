# SPDX-License-Identifier: ISC
"""Cases and TAP: one line for each case, several cases at a time, a deadline over everything."""

import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed


class Skip(Exception):
    """Raised by a case that lacks something; the text names it."""


class Failed(AssertionError):
    """A check that did not hold; the text says what was expected and what came."""


_cases = []
_children = set()
_lock = threading.Lock()


def child(pid):
    """Remember a process of ours, to be ended should the deadline strike."""
    with _lock:
        _children.add(pid)


def forget(pid):
    with _lock:
        _children.discard(pid)


def case(name):
    """Decorator: the function is one case of this file."""
    def put(function):
        _cases.append((name, function, ()))
        return function
    return put


def cases(name, rows):
    """Decorator: one case for each row; the row's values are the arguments, name is a format of them."""
    def put(function):
        for row in rows:
            values = row if isinstance(row, tuple) else (row,)
            _cases.append((name.format(*values), function, values))
        return function
    return put


def check(condition, text):
    if not condition:
        raise Failed(text() if callable(text) else text)


def unmarked(text, what):
    """Where texts are not packed (the sanitizer build) each begins with a mark, which only base/fmt takes away: it is seen
    where a text for people is read in any other way, which in the product would show packed octets."""
    if ("\x1e" if isinstance(text, str) else b"\x1e") in text:
        raise Failed(f"{what} holds the mark of a phrase: {short(text)}")


def equal(got, want, what="value"):
    if got != want:
        raise Failed(f"{what}: expected {short(want)}, got {short(got)}")


def among(got, wanted, what="value"):
    if got not in wanted:
        raise Failed(f"{what}: expected one of {short(wanted)}, got {short(got)}")


def contains(text, part, what="text"):
    if part not in text:
        raise Failed(f"{what}: expected {short(part)} in {short(text)}")


def lacks(text, part, what="text"):
    if part in text:
        raise Failed(f"{what}: did not expect {short(part)} in {short(text)}")


def within(got, low, high, what="seconds"):
    if not low <= got <= high:
        raise Failed(f"{what}: expected {low} to {high}, got {got:.3f}")


def short(value, limit=900):
    text = repr(value)
    return text if len(text) <= limit else text[:limit - 40] + f"… ({len(text)} characters)"


def wait_for(condition, seconds=60.0, what="a condition"):
    """Poll until condition() is true, and return its value; Failed after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Failed(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.01)


def printable(text):
    """A name for a TAP line: no line ends, no '#' that would start a directive."""
    return "".join(c if c.isprintable() and c != "#" else "?" for c in text)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def _one(function, values):
    try:
        function(*values)
        return "ok", "", ""
    except Skip as reason:
        return "ok", f" # SKIP {printable(str(reason))}", ""
    except Failed as error:
        lines = traceback.extract_tb(error.__traceback__)
        where = [f for f in lines if "/lib/" not in f.filename]
        place = f"{os.path.basename(where[-1].filename)}:{where[-1].lineno}" if where else "?"
        return "not ok", "", f"{place}: {error}"
    except BaseException:  # a case must never take the others with it
        return "not ok", "", traceback.format_exc()


def main(jobs=6, limit=240):
    """Run this file's cases (or those whose name holds an argument) and print TAP."""
    sys.stdout.reconfigure(line_buffering=True)
    words = [a.lower() for a in sys.argv[1:]]
    chosen = [c for c in _cases if not words or any(w in c[0].lower() for w in words)]
    _deadline(limit)
    bad = 0
    print(f"1..{len(chosen)}")
    with ThreadPoolExecutor(max(1, int(os.environ.get("GATEPOST_JOBS", jobs)))) as pool:
        running = {pool.submit(_timed, f, v): n for n, f, v in chosen}
        for number, done in enumerate(as_completed(running), 1):
            (word, after, text), seconds = done.result()
            slow = f" ({seconds:.1f} s)" if seconds > 3 else ""
            print(f"{word} {number} - {printable(running[done])}{slow}{after}")
            if word != "ok":
                bad += 1
                for line in text.rstrip().splitlines():
                    print(f"#   {line}")
    sys.exit(1 if bad else 0)


def _timed(function, values):
    start = time.monotonic()
    return _one(function, values), time.monotonic() - start


def _deadline(limit):
    def strike():
        print(f"Bail out! the file took more than {limit} s")
        with _lock:
            for pid in _children:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
        os._exit(1)
    timer = threading.Timer(limit, strike)
    timer.daemon = True
    timer.start()
