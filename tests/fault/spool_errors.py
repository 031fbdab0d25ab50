#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Each call of the disk process on files fails once, and from a call on always: with EIO and with ENOSPC. 250 is only said
where the mail is safe, mail passes while the gateway works, nothing is lost, no process dies, and the relay goes on once
the disk works again. A first run, unharmed, lists the calls: which one, which of its kind. A sample of them, evenly spread
from one that GATEPOST_SEED picks; with GATEPOST_SOAK each."""

import collections
import os
import re
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.programs import free_port                                      # noqa: E402
from lib.spool import Folder, conf_of                                   # noqa: E402
from lib.trial import *                                                 # noqa: E402,F403

BUDGET = 6000 if SOAK else 8   # seconds for one case
SEED = int(os.environ.get("GATEPOST_SEED", "0")) or int(time.time())
REPEATS = 12                    # calls of a kind whose further ones are left out between the first and the last, unless in the soak
LARGE = 14 << 20               # octets: more than stays in memory


class Trouble:
    """One relay, its folder and its gateway."""

    mode, script, down, more = "fallback", {}, False, ""
    told, sizes = (250, 451, 452), (200, 40000)

    def __init__(self):
        self.book, self.folder = Book(), Folder()
        self.port = free_port() if self.down else 0
        self.gateway = None if self.down else Liar(**self.gateway_script())
        self.relay = Mortal(self.conf(self.more))
        self.prepare()

    def gateway_script(self):
        return self.script

    def conf(self, more=""):
        at = f"127.0.0.1:{self.port}" if self.down else self.gateway.at
        return f'Gateway = "{at}"\n' + conf_of(self.folder, self.mode, more)

    def prepare(self):
        pass

    def act(self):
        for tag, size in zip(("one", "two"), self.sizes):
            with session(self.relay) as c:
                self.book.send(c, tag, size=size)

    def is_over(self):
        return True

    def is_due(self):
        """Where files stay that could not be removed: is what these say nothing about there, too?"""
        return True

    def check(self, what):
        after = taken(self.gateway)
        lost = [k for k in self.book.owed if not after.get(k)]
        check(not lost, lambda: f"{what}: LOST {lost}; told {self.book.told}; taken {after}")
        for key, code in self.book.told.items():
            among(code, self.told, f"{what}: what the client was told of {key}")
        check(max(after.values(), default=0) <= 2, f"{what}: taken {after}")

    def end(self):
        self.relay.stop_hard()
        if self.gateway is not None:
            self.gateway.stop()
        self.folder.__exit__()


class Pass(Trouble):
    """The gateway works: mail passes whatever the disk does."""
    told, sizes = (250,), (200, LARGE)

    def check(self, what):
        super().check(what)
        equal(sorted(taken(self.gateway).values()), [1, 1, 1], f"{what}: mails taken")


class Down(Trouble):
    """The gateway is down: 250 for what is safe, else 451 or 452."""
    down = True


class Half(Trouble):
    """One recipient of two is put off, the other one taken."""

    def gateway_script(self):
        seen = set()

        def act(_conn, line):
            if b"<c@" in line and line not in seen:
                seen.add(line)
                return "450 4.2.1 later"
            return "250 2.1.5 ok"
        return {"RCPT": act}

    def act(self):
        with session(self.relay) as c:
            self.book.send(c, "one", ("b@b.test", "c@b.test"))


class Always(Trouble):
    """Stored first: 250 for what is safe, else 451 or 452; then delivered."""
    mode = "always"

    def is_over(self):
        return not mails(self.folder)


class Queue(Trouble):
    """Mails of the spool are delivered, from a folder that fails."""
    more = "Suspend_Delivery = true\n"

    def prepare(self):
        super().act()
        equal(sorted(self.book.told.values()), [250, 250], "replies while delivery is suspended")

    def act(self):
        self.relay.write(self.conf())
        self.relay.signal(1)

    def is_over(self):
        return len(taken(self.gateway)) >= 2 and not mails(self.folder)


class Report(Trouble):
    """A mail of the spool is refused, and its sender gets a report."""
    mode = "always"

    def gateway_script(self):
        return {"DOT": lambda conn, _: "250 2.0.0 ok" if b"<>" in conn.mails[-1].sender or b"last@" in conn.mails[-1].text else
                "550 5.7.1 we do not like it"}

    def act(self):
        with session(self.relay) as c:
            self.book.send(c, "one")

    def is_over(self):
        return not mails(self.folder)

    def is_due(self):
        return self.book.told[("<one@dev.test>", "b@b.test")] != 250 or reports(self.gateway, "one")

    def check(self, what):
        told = self.book.told[("<one@dev.test>", "b@b.test")]
        among(told, self.told, f"{what}: the reply")
        number = len(reports(self.gateway, "one"))
        check(number <= 2 and (number or told != 250), f"{what}: {number} reports, told {told}")


def trial(kind, what, error="", whens=None, forever=False):
    """One run in which these calls fail: {name: which of its kind}. Whether one did, and the calls that were seen."""
    world = kind()
    try:
        relay = world.relay
        kids = relay.children()
        pid = relay.disk(world.folder)
        with breaker(pid, error, whens) if whens else watcher(pid, FILE_CALLS) as trace:
            thread = threading.Thread(target=acting, args=(world,), daemon=True)
            thread.start()
            thread.join(60)
            check(not thread.is_alive(), f"{what}: a client still waits")
            settle(world, trace, 3 if forever else 8)
            text = trace.text()
            hit, tail, seen = trace.hit(), trace.tail(12), called(text)
        try:
            mended(world, what, kids, re.search(r"^unlinkat.*INJECTED", text, re.M))
        except Failed as error_:
            error_.args = (f"{error_}\n{what}; strace's end\n{tail}\n--- the relay's log ---\n{relay.log()[-3000:]}",)
            raise
        return hit, seen
    finally:
        world.end()


def settle(world, trace, seconds):
    """Wait until it is over and the disk process has gone quiet."""
    end = time.monotonic() + seconds
    before = -1
    while time.monotonic() < end:
        size = len(trace.text())
        if size == before and world.is_over():
            break
        before = size
        time.sleep(0.25)


def acting(world):
    try:
        world.act()
    except (OSError, Failed) as error:
        world.failed = error


def mended(world, what, kids, could_not_remove):
    """The disk works again: so does all else."""
    relay = world.relay
    check(not hasattr(world, "failed"), lambda: f"{what}: the client's session: {world.failed}")
    check(not kids - relay.children() or isinstance(world, Queue), f"{what}: a process died")
    check("Sanitizer" not in relay.log() and "signal" not in relay.log(), f"{what}: it complains")
    if world.gateway is None:
        world.gateway = Liar(port=world.port)
    if not isinstance(world, Queue):
        relay.reload()                      # an unusable folder is tried again at once
        relay.wait_log("generation=2")
    wait_for(lambda: is_usable(relay), 60, "a spool that is usable again")
    with session(relay) as c:
        equal(world.book.send(c, "last"), 250, f"{what}: one more mail, once the disk works")
    gatepost("queue", "-c", relay.conf, "flush")
    kept = {key[0] for key in world.book.owed}
    wait_for(lambda: not waiting(world.folder) & kept and (not mails(world.folder) or could_not_remove and world.is_due()), 25,
             "an empty spool")
    world.check(what)
    if world.folder.files:
        # At the next start half files go that could not be removed; and a mail whose name could not be taken back when its
        # folder was not synced is delivered then, though its client was told to send it again.
        relay.die()
        relay.start()
        wait_for(lambda: not world.folder.files, 60, "the end of half files")
        world.check(what)


def is_usable(relay):
    """Does the last word of the disk process say so, and has the engine heard of it?"""
    last = [e["event"] for e in relay.events("spool") if e["event"] in ("ready", "usable", "unusable")][-1:]
    return last != ["unusable"] and "cannot be used" not in gatepost("status", "-c", relay.conf)[1]


def mails(folder):
    return [n for n in folder.files if not n.endswith(".new")]


LISTS, LIST_LOCKS = {}, collections.defaultdict(threading.Lock)


def moments(kind):
    """The calls on files in this scenario."""
    with LIST_LOCKS[kind]:
        if kind not in LISTS:
            LISTS[kind] = trial(kind, f"{kind.__name__}, unharmed")[1]
    check(len(LISTS[kind]) > 3, f"calls: {LISTS[kind]}")
    return LISTS[kind]


def since(found, moment):
    """For strace: all calls from this one on, told for each kind by itself."""
    before = dict(found[:found.index(moment)])
    return {name: f"{before.get(name, 0) + 1}+" for name in FILE_CALLS.split(",")}


def campaign(kind, error, forever):
    found = moments(kind)
    end = time.monotonic() + BUDGET
    runs = hits = 0
    for name, n in spread(found if SOAK else ends(found, REPEATS), SEED + len(error)):
        what = f"{kind.__name__}, {error} at {name} {n}{' and after' if forever else ''}"
        hits += trial(kind, what, error, since(found, (name, n)) if forever else {name: n}, forever)[0]
        runs += 1
        # A call that does not recur in this run proves nothing: then one more.
        if time.monotonic() > end + (0 if hits else 60):
            break
    print(f"# {kind.__name__}, {error}{', and all after' if forever else ''}: {hits} failures, at {runs} of {len(found)} calls")
    check(hits and hits * 3 >= runs, f"in {runs} runs calls failed in {hits}")


KINDS = (Pass, Down, Half, Always, Queue, Report)


@cases("{1} from one call: {0.__doc__}", [(k, e) for k in KINDS for e in ("EIO", "ENOSPC")])
def _(kind, error):
    campaign(kind, error, False)


@cases("{1} from each call since one: {0.__doc__}", [(k, e) for k in KINDS for e in ("EIO", "ENOSPC")])
def _(kind, error):
    campaign(kind, error, True)


if __name__ == "__main__":
    need_binary()
    need_strace()
    print(f"# GATEPOST_SEED={SEED}")
    main(jobs=3, limit=590 if not SOAK else 6 * 3600)
