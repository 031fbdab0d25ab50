#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A disk that is slow holds up nobody but those who wait for it: mail of others passes while one call hangs, and a disk
that takes no block costs the net, not the mail."""

import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.programs import free_port                                      # noqa: E402
from lib.spool import Folder, conf_of                                   # noqa: E402
from lib.trial import *                                                 # noqa: E402,F403

LARGE = 14 << 20        # octets: more than stays in memory
HANGS = 4               # seconds of a call that hangs
AT_ONCE = 1.5           # seconds: what waits for a call that hangs takes longer, on the slowest box
SYNCS = "fsync,fdatasync"


def hang(pid, calls, seconds=HANGS, when="1+"):
    return Strace(pid, calls, f"delay_enter={int(seconds * 1e6)}:when={when}", "DELAYED|INJECTED|resumed")


def timed(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


class Kept:
    """A gateway that puts off one sender's recipients, and takes all else."""
    script = {"RCPT": lambda _conn, line: "450 4.2.1 later" if b"<kept@" in line else "250 2.1.5 ok"}


def slow_box(mode="fallback", conf="", **script):
    return _Box(mode, conf, script)


class _Box:
    def __init__(self, mode, conf, script):
        self.folder, self.gateway = Folder(), Liar(**script)
        self.relay = Mortal(self.gateway.conf() + conf_of(self.folder, mode, conf))

    def __enter__(self):
        return self.relay, self.gateway, self.folder, self.relay.disk(self.folder)

    def __exit__(self, kind, error, _):
        if isinstance(error, Failed):
            error.args = (f"{error}\n--- the relay's log ---\n{self.relay.log()[-2500:]}",)
        self.relay.stop_hard()
        self.gateway.stop()
        self.folder.__exit__()


def waits(r, book, tag, rcpt="kept@b.test", size=200):
    """A client of its own, whose mail has to wait: (thread, seconds when over)."""
    took = []

    def run():
        with session(r) as c:
            took.append(timed(lambda: book.send(c, tag, (rcpt,), size=size)))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, took


@cases("while {0} of one mail hangs, mail of others passes at once, and the one is kept", ["fdatasync", "fsync", "renameat", "pwrite64"])
def _(call):
    book = Book()
    with slow_box(**Kept.script) as (r, g, f, disk):
        with hang(disk, call, when="1") as trace:
            thread, took = waits(r, book, "kept")
            wait_for(lambda: call in trace.text(), 60, f"{call} of the mail that is kept")
            begin = time.monotonic()
            for number in range(5):
                with session(r) as c:
                    seconds = timed(lambda n=number, c=c: equal(book.send(c, f"other{n}", size=50000), 250, "reply"))
                within(seconds, 0, AT_ONCE, f"seconds of mail {number} while the disk hangs")
            check(thread.is_alive() and time.monotonic() - begin < HANGS, "the disk did not hang as long as it should")
            thread.join(30)
            equal(book.told[("<kept@dev.test>", "kept@b.test")], 250, "the reply to the mail that is kept")
            within(took[0], HANGS * 0.7, 20, "seconds of the mail that is kept")
        equal(len(g.mails), 5, "mails taken")
        equal(len([n for n in f.files if not n.endswith(".new")]), 1, "files")


@case("while an unlink hangs, mail passes at once")
def _():
    book = Book()
    with slow_box() as (r, g, f, disk):
        with hang(disk, "unlinkat") as trace:
            for number, size in enumerate((LARGE, 30000, 300000, 200, 30000)):
                with session(r) as c:
                    seconds = timed(lambda n=number, c=c, size=size: equal(book.send(c, f"m{n}", size=size), 250, "reply"))
                within(seconds, 0, 2 * AT_ONCE if size == LARGE else AT_ONCE, f"seconds of mail {number}")
            check("unlinkat" in trace.text(), "no file was removed")
        equal(len(g.mails), 5, "mails taken")
        f.empty(60)


@case("while every write hangs, mail passes: the tee is lost, not the mail")
def _():
    book = Book()
    with slow_box() as (r, g, _f, disk):
        with hang(disk, "pwrite64", 30):
            with session(r) as c:
                seconds = timed(lambda: equal(book.send(c, "large", size=LARGE + (6 << 20)), 250, "reply"))
            within(seconds, 0, 15, "seconds of a mail larger than all blocks")
            with session(r) as c:
                seconds = timed(lambda: equal(book.send(c, "small"), 250, "reply"))
            within(seconds, 0, 8, "seconds of a small one")
            equal(len(g.mails), 2, "mails taken")


@case("while every write hangs and the gateway puts it off, the client is told 451 or 452")
def _():
    book = Book()
    with slow_box("fallback", "Client_Patience = 6\n", DOT="451 4.3.0 not now") as (r, _g, _f, disk):
        with hang(disk, "pwrite64", 90):
            with session(r) as c:
                seconds = timed(lambda: among(book.send(c, "one", wait=75), (451, 452), "reply"))
            within(seconds, 0, 20, "seconds")


@case("always: a file that is not open in time is told the client, with why")
def _():
    with slow_box("always", "Client_Patience = 1\n") as (r, _g, _f, disk):
        with hang(disk, "openat"), session(r) as c:
            reply = c.start().data("451")
            equal(reply.text, "4.3.0 the box cannot keep mail: it could not be opened in time", "reply")


@case("always: a sync that hangs is shared by all who come meanwhile")
def _():
    book = Book()
    with slow_box("always", "Suspend_Delivery = true\n") as (r, _g, f, disk):
        with hang(disk, "fsync", 1.5) as trace:
            threads = [waits(r, book, f"m{n}", "b@b.test") for n in range(20)]
            for thread, _ in threads:
                thread.join(60)
            equal([code for code in book.told.values()], [250] * 20, "replies")
            syncs = trace.text().count("fsync(")
            check(syncs <= 6, f"{syncs} syncs of the folder for 20 mails that came together")
        equal(len(f.files), 20, "files")


@case("status and queue answer while the disk hangs")
def _():
    book = Book()
    with slow_box(**Kept.script) as (r, _g, _f, disk):
        with hang(disk, SYNCS, when="1") as trace:
            thread, _ = waits(r, book, "kept")
            wait_for(lambda: "sync" in trace.text(), 60, "a sync")
            within(timed(r.status), 0, AT_ONCE, "seconds of status")
            check(thread.is_alive(), "the sync was over before")
            thread.join(30)


@case("SIGTERM while a sync hangs: what waits for it is decided, the end comes in time")
def _():
    book = Book()
    with slow_box(**Kept.script) as (r, g, f, disk):
        trace = hang(disk, SYNCS, when="1")
        try:
            thread, _ = waits(r, book, "kept")
            wait_for(lambda: "sync" in trace.text(), 60, "a sync")
            r.signal(15)
            thread.join(40)
            code = r.process.wait(40)
            equal(code, 0, "exit status")
            told = book.told[("<kept@dev.test>", "kept@b.test")]
            equal(len([n for n in f.files if not n.endswith(".new")]) if told == 250 else 0, 1 if told == 250 else 0, f"files, told {told}")
            equal(told, 250, "the reply")
        finally:
            trace.close()


if __name__ == "__main__":
    need_binary()
    need_strace()
    main(jobs=4, limit=240)
