#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Counts TAP points. Standard input: lines "TEST STATUS LOG"; argument: the list of skips that are allowed.

Prints what failed, with the last lines of its standard error, and as the very last line "N passed, N failed".
With --failed before the list it prints the names of the tests that failed, nothing else.
"""
import fnmatch
import os
import re
import sys

POINT = re.compile(r"(not )?ok\b[ \t]*(\d+)?(.*)$")
PLAN = re.compile(r"1\.\.(\d+)[ \t]*(?:#[ \t]*skip\w*[ \t]*(.*))?$", re.I)
DIRECTIVE = re.compile(r"(?<!\\)#[ \t]*(skip|todo)\w*[ \t]*(.*)$", re.I)


class Result:
    def __init__(self):
        self.passed, self.failed, self.skips = 0, [], []


def count(text, status):
    """One program's TAP and exit status -> Result."""
    r = Result()
    plan, seen, failing = None, 0, False
    for line in text.splitlines():
        if line.startswith("Bail out!"):
            r.failed.append(line)
        m = PLAN.match(line)
        if m:
            if plan is not None:
                r.failed.append("two plans")
            plan = int(m.group(1))
            if plan == 0:
                r.skips.append(m.group(2) or "no reason given")
            continue
        m = POINT.match(line)
        if not m:
            if failing and line.startswith("#"):
                r.failed[-1] += "\n      " + line
            continue
        failing = False
        seen += 1
        if m.group(2) and int(m.group(2)) != seen:
            r.failed.append("point %s came as number %d" % (m.group(2), seen))
        d = DIRECTIVE.search(m.group(3))
        if d and d.group(1).lower() == "skip":
            r.skips.append(d.group(2) or "no reason given")
        elif m.group(1):
            r.failed.append(line)
            failing = True
        else:
            r.passed += 1
    if plan is None:
        r.failed.append("no plan: it ended early" if seen else "it printed no TAP")
    elif plan != seen:
        r.failed.append("planned %d, ran %d" % (plan, seen))
    if status != "0" and not r.failed:
        r.failed.append("ended with status %s%s" % (status, " (time-out)" if status == "124" else ""))
    return r


def allowed(path):
    """Lines "TEST-PATTERN REASON-PATTERN" (shell patterns)."""
    rules = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                line = line.strip()
                if line and not line.startswith("#"):
                    test, _, reason = line.partition(" ")
                    rules.append((test, reason.strip()))
    return rules


def tail(path, n):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()[-n:]
    except OSError:
        return []


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def main():
    names_only = sys.argv[1] == "--failed"
    rules = allowed(sys.argv[-1])
    passed = failed = skipped = 0
    for line in sys.stdin:
        test, status, log = line.split()
        r = count(read(log + ".tap"), status)
        kept = []
        for reason in r.skips:
            if any(fnmatch.fnmatchcase(test, t) and fnmatch.fnmatchcase(reason, p) for t, p in rules):
                kept.append(reason)
            else:
                r.failed.append("a skip that tests/skips does not name: " + reason)
        if names_only:
            if r.failed:
                print(test)
            continue
        for reason in kept:
            print("skipped: %s: %s" % (test, reason))
        skipped += len(kept)
        if os.path.exists(log + ".first.tap"):
            print("second try: %s, alone on the machine; the first one:" % test)
            for f in count(read(log + ".first.tap"), read(log + ".first.status").strip() or "lost").failed[:5]:
                print("    " + "\n".join(f.split("\n")[:40]))
        passed += r.passed
        failed += len(r.failed)
        if r.failed:
            print("FAILED: %s  (whole output: %s.tap, %s.err)" % (test, log, log))
            for f in r.failed[:20]:
                print("    " + "\n".join(f.split("\n")[:40]))
            for e in tail(log + ".err", 30):
                print("    | " + e)
    if names_only:
        return 0
    if passed + failed == 0:
        print("no test ran")
        failed = 1
    print("%d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
