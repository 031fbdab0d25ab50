#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The disk reads, and does not take down what became of a mail: its file cannot be removed, or who has it cannot be marked.
Nobody gets a mail again and again for that; once the disk works, all goes on."""

import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.spool import *                                                 # noqa: E402,F403
from lib.trial import *                                                 # noqa: E402,F403

FAILS = 6       # seconds: several tries, were there any


class Doctor:
    """A gateway that puts all off until it is told who may come."""

    def __init__(self):
        self.welcome = ()

    def rcpt(self, _conn, line):
        return "250 2.1.5 ok" if line[9:10].decode() in self.welcome else "450 4.2.1 later"


def queued(relay, rcpts):
    with session(relay) as c:
        equal(Book().send(c, "one", rcpts), 250, "kept")


@cases("{}", [("a file that cannot be removed: its mail is delivered once, also over a reload and a restart", "unlinkat"),
              ("the same where it cannot be marked either", "unlinkat,pwrite64,fsync,fdatasync")])
def _(_what, calls):
    doctor = Doctor()
    with spool_box(RCPT=doctor.rcpt, mode="always", mortal=True) as (relay, gateway, folder):
        queued(relay, ("b@b.test",))
        kept = folder.files
        with breaker(Mortal.disk(relay, folder), "EIO", dict.fromkeys(calls.split(","), "1+")):
            doctor.welcome = "b"
            wait_for(lambda: taken(gateway), 30, "the mail")
            time.sleep(FAILS)
            relay.reload()
            relay.wait_log("generation=2")
            time.sleep(2)
            equal(list(taken(gateway).values()), [1], "how often it came")
            equal(json.loads(gatepost("queue", "-c", relay.conf, "list", "--json")[1])["mails"], [], "mails that wait")
            contains(relay.log(), "event=unremoved", "the log")
            code, _out, err = gatepost("queue", "-c", relay.conf, "show", kept[0])
            equal((code, "there is no such mail" in err), (66, True), "what is told of it")
        if calls == "unlinkat":
            Mortal.die(relay)
            relay.start()
        else:
            relay.reload()
        folder.empty(30)                # nor is anything left of what the disk was tried with
        equal(list(taken(gateway).values()), [1], "how often it came in the end")


@case("who has the mail cannot be written down: nobody gets it twice, no other mail is begun; then all goes on")
def _():
    doctor = Doctor()
    with spool_box(RCPT=doctor.rcpt, mode="always", mortal=True) as (relay, gateway, folder):
        queued(relay, ("b@b.test", "c@b.test"))
        with session(relay) as c:
            equal(Book().send(c, "two", ("d@b.test",)), 250, "kept")
        with breaker(Mortal.disk(relay, folder), "EIO", {"pwrite64": "1+"}):
            doctor.welcome = "b"
            wait_for(lambda: taken(gateway), 30, "the mail")
            relay.wait_log("event=unmarked")
            doctor.welcome = "bcd"
            time.sleep(FAILS)
            equal(taken(gateway), {("<one@dev.test>", "b@b.test"): 1}, "what came")
            equal(relay.log().count("event=unmarked"), 1, "times that it is told")
        folder.empty(40)
        equal(taken(gateway), {("<one@dev.test>", "b@b.test"): 1, ("<one@dev.test>", "c@b.test"): 1,
                               ("<two@dev.test>", "d@b.test"): 1}, "what came in the end")


@case("the disk process dies while it is to write down who has the mail: the queue goes on without another reload")
def _():
    doctor, disks = Doctor(), []

    def dot(_conn, _line):
        for pid in disks:
            os.kill(pid, signal.SIGSTOP)
        return "250 2.0.0 taken"

    with spool_box(RCPT=doctor.rcpt, DOT=dot, mode="always", mortal=True) as (relay, gateway, folder):
        queued(relay, ("b@b.test", "c@b.test"))
        disks.append(Mortal.disk(relay, folder))
        doctor.welcome = "b"
        wait_for(lambda: taken(gateway), 30, "the mail")
        time.sleep(1)
        os.kill(disks.pop(), signal.SIGKILL)
        doctor.welcome = "bc"
        folder.empty(40)
        equal(taken(gateway)[("<one@dev.test>", "c@b.test")], 1, "how often it came to the other")
        equal(relay.log().count("generation=2"), 0, "reloads")


if __name__ == "__main__":
    need_binary()
    need_strace()
    main(limit=240)
