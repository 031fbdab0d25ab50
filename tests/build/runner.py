#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The runner of the tests counts right: what fails is seen, whatever way it fails; so does the scripted gateway."""
import os
import socket
import subprocess
import sys
import tempfile

tests = os.path.join(os.path.dirname(__file__), "..")
sys.path[:0] = [os.path.join(tests, "lint", "lib"), os.path.join(tests, "peers")]
import gate  # noqa: E402
from lib.liar import Liar  # noqa: E402
from lib.tap import Failed  # noqa: E402

CASES = [
    # name, script, passed, failed, skipped, text in the report
    ("all well", 'echo "ok 1 - a"; echo "ok 2 - b"; echo 1..2', 2, 0, 0, ""),
    ("a plan first, no numbers", 'echo 1..2; echo "ok - a"; echo ok', 2, 0, 0, ""),
    ("one point is not ok", 'echo 1..2; echo "ok 1"; echo "not ok 2 - bad"; echo "# got 5"', 1, 1, 0, "# got 5"),
    ("fewer than planned", 'echo 1..3; echo "ok 1"', 1, 1, 0, "planned 3, ran 1"),
    ("more than planned", 'echo 1..1; echo "ok 1"; echo "ok 2"', 2, 1, 0, "planned 1, ran 2"),
    ("no plan", 'echo "ok 1"', 1, 1, 0, "no plan"),
    ("nothing at all", 'true', 0, 1, 0, "no TAP"),
    ("a crash after the plan was kept", 'echo 1..1; echo "ok 1"; kill -SEGV $$', 1, 1, 0, "status 139"),
    ("a crash in the middle", 'echo 1..2; echo "ok 1"; kill -ABRT $$', 1, 1, 0, "planned 2, ran 1"),
    ("a status other than 0", 'echo 1..1; echo "ok 1"; echo why >&2; exit 3', 1, 1, 0, "| why"),
    ("it hangs", 'echo 1..1; echo "ok 1"; sleep 60', 1, 1, 0, "time-out"),
    ("it bails out", 'echo 1..1; echo "ok 1"; echo "Bail out! no"', 1, 1, 0, "Bail out"),
    ("numbers out of order", 'echo 1..2; echo "ok 2"; echo "ok 2"', 2, 1, 0, "came as number 1"),
    ("a skip that is listed", 'echo 1..2; echo "ok 1"; echo "ok 2 - x # SKIP listed reason"', 1, 0, 1, "listed reason"),
    ("a skip that is not listed", 'echo 1..2; echo "ok 1"; echo "ok 2 # skip other"', 1, 1, 0, "does not name: other"),
    ("all skipped, listed", 'echo "1..0 # SKIP listed reason"', 0, 1, 1, "no test ran"),
    ("all skipped, not listed", 'echo "1..0 # SKIP other"', 0, 1, 0, "does not name: other"),
    ("a hash that is no directive", 'echo 1..1; echo "ok 1 - issue \\\\# skip"', 1, 0, 0, ""),
]


def play(top, scripts, target):
    """-> status, last line, all output"""
    for name, script in scripts.items():
        with open(os.path.join(top, name), "w", encoding="utf-8") as f:
            f.write(script + "\n")
    env = dict(os.environ, O=target, TEST_TIMEOUT="2")
    p = subprocess.run(["sh", "tests/run.sh", *(os.path.join(top, n) for n in scripts)], env=env, cwd=top,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return p.returncode, p.stdout.rstrip("\n").split("\n")[-1], p.stdout


def complains(said):
    """Does the gateway find the mark of a phrase in what it is told?"""
    gateway = Liar()
    with socket.create_connection((gateway.host, gateway.port)) as client:
        client.sendall(said)
        gateway.wait(lambda: len(gateway.lines) == said.count(b"\n"))
    try:
        gateway.stop()
    except Failed:
        return True
    return False


with tempfile.TemporaryDirectory() as top:
    os.mkdir(os.path.join(top, "tests"))
    for tool in ("run.sh", "count.py", "lanes.yml"):
        os.symlink(os.path.join(gate.TOP, "tests", tool), os.path.join(top, "tests", tool))
    with open(os.path.join(top, "tests", "skips"), "w", encoding="utf-8") as f:
        f.write("# comment\n*.sh listed *\n")
    for what, script, passed, failed, skipped, text in CASES:
        status, last, output = play(top, {"one.sh": script}, "build/x")
        want = "%d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped if skipped else "")
        good = last == want and bool(status) == bool(failed) and text in output
        gate.ok(good, what, [] if good else ["last line %r, wanted %r, status %d" % (last, want, status),
                                             *output.split("\n")])
    status, last, output = play(top, {"a.sh": CASES[0][1], "b.sh": CASES[2][1], "c.sh": CASES[13][1]}, "build/x")
    gate.ok(last == "4 passed, 1 failed, 1 skipped" and status == 1, "several are summed", [last])
    status, last, output = play(top, {}, "build/x")
    gate.ok(status != 0 and last.endswith("1 failed"), "no test at all is a failure", [last])

    # Each of two holds a folder while it runs, so one beside another of its lane fails.
    hold = 'mkdir %s && sleep 0.3 && rmdir %s && echo "ok 1"; echo 1..1'
    lanes = ["tests/%s/%d.sh" % (kind, n) for kind in ("build", "board", "fault", "peers") for n in (1, 2, 3)]
    for name in lanes:
        held = {"fault": "board"}.get(name.split("/")[1], name.split("/")[1]) + ".held"
        os.makedirs(os.path.join(top, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(top, name), "w", encoding="utf-8") as f:
            f.write(hold % (held, held) + "\n")
    env = dict(os.environ, O="build/x")
    p = subprocess.run(["sh", "tests/run.sh", *lanes], env=env, cwd=top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, check=False)
    good = p.stdout.endswith("12 passed, 0 failed\n")
    gate.ok(good, "of each lane one runs at a time", [] if good else p.stdout.split("\n"))

HELLO = b"\x16\x03\x03\x00\xfe\x01\x00\x1e\n\x1e\r\n"
gate.ok(not complains(b"EHLO box\r\n"), "a command without the mark of a phrase is none to complain of")
gate.ok(complains(b"EHLO box\r\nMAIL \x1efrom\r\n"), "one that holds it is")
gate.ok(not complains(HELLO) and not complains(b"STARTTLS\r\n" + HELLO), "a TLS handshake may hold any octet")
gate.ok(complains(b"STARTTLS \x1e\r\n" + HELLO), "what came before it may not")
gate.done()
