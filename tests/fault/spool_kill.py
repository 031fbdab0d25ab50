#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""kill -9 at each system call of the disk process, the engine and the supervisor. After a new start every mail that a
client was told 250 for is at the gateway or in the queue, none is there twice but where a file was left of one that the
gateway had taken, and no half file stays. A first run, unharmed, lists the calls: which one, which of its kind. A sample
of them, evenly spread from one that GATEPOST_SEED picks; with GATEPOST_SOAK each."""

import collections
import os
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.programs import free_port                                      # noqa: E402
from lib.spool import Folder, conf_of                                   # noqa: E402
from lib.trial import *                                                 # noqa: E402,F403

SEED = int(os.environ.get("GATEPOST_SEED", "0")) or int(time.time())
BUDGET = 6000 if SOAK else 13   # seconds for one case


def again_later(first):
    """In a gateway's script: this reply the first time that a mail or a recipient is seen, 250 from then on."""
    seen = set()

    def act(conn, line):
        key = conn.mails[-1].fields("Message-ID")[0] if line == b"." else line
        if key in seen:
            return "250 2.0.0 taken"
        seen.add(key)
        return first
    return act


def only_second(conn, line, later=again_later("450 4.2.1 later")):
    return later(conn, line) if b"<c@" in line else "250 2.1.5 ok"


def refuse_all_but_reports(conn, _line):
    return "250 2.0.0 a report" if b"<>" in conn.mails[-1].sender else "550 5.7.1 we do not like it"


class World:
    """One relay, its folder and its gateway, from before the kill to the end."""

    mode, script, more, down, settled = "fallback", {}, "", False, True

    def __init__(self):
        self.book, self.folder = Book(), Folder()
        self.port = free_port() if self.down else 0
        self.gateway = None if self.down else Liar(**self.fresh_script())
        self.before, self.left, self.removed = {}, set(), None
        self.relay = None

    def fresh_script(self):
        return {k: v() if v is again_later_dot else v for k, v in self.script.items()}

    def conf(self, more=None):
        at = f"127.0.0.1:{self.port}" if self.down else self.gateway.at
        return f'Gateway = "{at}"\n' + conf_of(self.folder, self.mode, self.more if more is None else more)

    def start(self):
        self.relay = Mortal(self.conf())

    def act(self):
        """What is going on when it is killed."""
        with session(self.relay) as c:
            self.book.send(c, "one")
            self.book.send(c, "two", size=40000)

    def is_over(self):
        """Has all that follows from it happened, too?"""
        return not self.settled or not self.folder.files

    def revive(self):
        """Start again, with a gateway that works."""
        if self.down and self.gateway is None:
            self.gateway = Liar(port=self.port)
        self.relay.write(self.conf(""))
        self.relay.start()

    def check(self, what):
        judge(self.book, self.before, self.left, taken(self.gateway), what)

    def end(self):
        if self.relay is not None:
            self.relay.stop_hard()
        if self.gateway is not None:
            self.gateway.stop()
        self.folder.__exit__()


def again_later_dot():
    return again_later("451 4.3.0 not now")


class Down(World):
    """The gateway is down: both mails are kept."""
    down, settled = True, False


class Later(World):
    """The gateway puts the mails off at their end; they are tried again soon."""
    script = {"DOT": again_later_dot}


class Half(World):
    """One recipient of two is put off."""
    script = {"RCPT": only_second}

    def __init__(self):
        later = again_later("450 4.2.1 later")
        self.script = {"RCPT": lambda conn, line: only_second(conn, line, later)}
        super().__init__()

    def act(self):
        with session(self.relay) as c:
            self.book.send(c, "one", ("b@b.test", "c@b.test"))
            self.book.send(c, "two", ("c@b.test", "d@b.test"), size=40000)


class Always(World):
    """Stored first, delivered at once."""
    mode = "always"


class Queue(World):
    """Mails that lie in the spool are delivered."""
    more = "Suspend_Delivery = true\n"

    def start(self):
        super().start()
        super().act()
        equal(sorted(self.book.told.values()), [250, 250], "replies while delivery is suspended")

    def act(self):
        self.relay.write(self.conf(""))
        self.relay.signal(1)


class Remove(Queue):
    """gatepost queue remove, while another mail stays."""
    settled = False

    def start(self):
        super().start()
        code, out, err = gatepost("queue", "-c", self.relay.conf, "list", "--json")
        equal((code, err), (0, ""), "queue list")
        self.ids = queue_ids(out)
        equal(len(self.ids), 2, f"entries of {out}")

    def act(self):
        run = subprocess.run([BINARY, "queue", "-c", self.relay.conf, "remove", self.ids[0]], stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=60, check=False)
        self.removed = run.returncode == 0

    def check(self, what):
        after = taken(self.gateway)
        check(sum(after.values()) in ((1,) if self.removed else (1, 2)), f"{what}: removed {self.removed}, taken {after}")


class Report(World):
    """Mails of the spool are refused; their sender gets a report about each."""
    mode, script = "always", {"DOT": refuse_all_but_reports}

    def act(self):
        with session(self.relay) as c:
            self.book.send(c, "one")
            self.book.send(c, "two")

    def check(self, what):
        equal(taken(self.gateway), {}, f"{what}: mails taken")
        for tag in ("one", "two"):
            number = len(reports(self.gateway, tag))
            told = self.book.told.get((f"<{tag}@dev.test>", "b@b.test"))
            check(number <= 2 and (number or told != 250), f"{what}: {number} reports about {tag}, told {told}")


class Begin(World):
    """A start with mails, and half files, in the folder."""
    more = "Suspend_Delivery = true\n"

    def start(self):
        super().start()
        super().act()
        self.relay.die()
        for number in range(3):
            path = os.path.join(self.folder.path, f"001122334455667788{number}0.new")
            with open(path, "wb") as file:
                file.write(b"\0" * 80)
            os.chown(path, *os.stat(self.folder.path)[4:6])
        self.relay.start()

    def act(self):
        self.relay.write(self.conf(""))
        self.relay.signal(1)


def queue_ids(text):
    import json
    value = json.loads(text)
    return [row["id"] for row in value["mails"]]


def victim(world, whom):
    """The process it is about."""
    relay = world.relay
    if whom == "supervisor":
        return relay.process.pid
    return relay.engine() if whom.startswith("engine") else relay.disk(world.folder)


def trial(world, whom, moment=None):
    """One run with a kill at this call. Whether that came, and the calls that were seen."""
    what = f"{type(world).__name__}, {whom}, {moment or 'unharmed'}"
    try:
        world.start()
        relay = world.relay
        pid = victim(world, whom)
        maker = watcher if moment is None else stopper if whom in ("disk", "engine") else killer
        with maker(pid, *(moment or ())) as trace:
            thread = threading.Thread(target=quietly, args=(world.act,), daemon=True)
            thread.start()
            which = until((trace.hit, lambda: not thread.is_alive() and world.is_over()), 45, f"{what}: the end of a run")
            if which and (moment is None or not world.settled or whom == "supervisor"):
                time.sleep(0.3)             # for what comes of it, the log for one
                which = 0 if trace.hit() else which
            tail, seen = trace.tail(), called(trace.text())
            if which == 0:
                time.sleep(0.06)        # the others go on for a while
                if "alone" in whom:
                    thread.join(60)
                    check(not thread.is_alive(), f"{what}: a client still waits")
                    check(relay.process.poll() is None, f"{what}: the supervisor ended")
                    wait_for(lambda: pid not in relay.children() and victim(world, whom), 60, "another process in its place")
        world_before(world, whom, relay)
        thread.join(60)
        try:
            finish(world, what)
        except Failed as error:
            error.args = (f"{error}\n{what}; killed at\n{tail}\n--- the relay's log ---\n{relay.log()[-3000:]}",)
            raise
        return which == 0, seen
    finally:
        world.end()


def quietly(function):
    try:
        function()
    except (OSError, Failed, subprocess.SubprocessError):
        pass


def world_before(world, whom, relay):
    """What is there when all are dead; a relay of which one process alone was killed lives on."""
    if "alone" not in whom:
        relay.die()
    if world.gateway is not None and "alone" not in whom:
        quiet(world.gateway)
    world.before = taken(world.gateway)
    world.left = waiting(world.folder)


def finish(world, what):
    if world.relay.process.poll() is not None:
        world.revive()
    elif world.gateway is None:
        world.gateway = Liar(port=world.port)
    elif world.more:
        world.relay.write(world.conf(""))
        world.relay.signal(1)
    wait_for(lambda: not world.folder.files, 40, "an empty spool")
    world.check(what)
    check("Sanitizer" not in world.relay.log(), f"{what}: {world.relay.log()[-2000:]}")


LISTS, LIST_LOCKS = {}, collections.defaultdict(threading.Lock)


def moments(kind, whom):
    """The calls that this process makes in this scenario. One list does for all the ways to kill it."""
    key = kind, whom.split()[0]
    with LIST_LOCKS[key]:
        if key not in LISTS:
            LISTS[key] = trial(kind(), whom)[1]
    check(len(LISTS[key]) > 3, f"calls: {LISTS[key]}")
    return LISTS[key]


def campaign(kind, whom):
    found = moments(kind, whom)
    end = time.monotonic() + BUDGET
    runs = kills = 0
    for moment in spread(found, SEED + len(whom)):
        kills += trial(kind(), whom, moment)[0]
        runs += 1
        # A call that does not recur in this run proves nothing: then one more.
        if time.monotonic() > end + (0 if kills else 60):
            break
    print(f"# {kind.__name__}, {whom}: {kills} kills, at {runs} of {len(found)} calls")
    check(kills and kills * 3 >= runs, f"of {runs} runs {kills} were killed")


SCENARIOS = (Down, Later, Half, Always, Queue, Remove, Report, Begin)
PLAN = {"disk": SCENARIOS, "disk alone": (Down, Half, Always, Queue, Report), "engine": (Down, Later, Half, Always, Remove, Report),
        "engine alone": (Down, Half, Always, Report), "supervisor": (Down, Half, Always, Queue)}


@cases("killed at the calls of the {1}: {0.__doc__}", [(kind, whom) for whom, kinds in PLAN.items() for kind in kinds])
def _(kind, whom):
    campaign(kind, whom)


@case("a mail counts as left whatever letters its id is made of")
def _():
    with Folder() as folder:
        os.mkdir(folder.path)
        for name in ("written", "0123wear456789abcdef", "c0nter45678wr1ttenab", "0123456789abcdefghjk.new"):
            with open(os.path.join(folder.path, name), "wb") as file:
                file.write(b"Subject: x\r\nMessage-ID: <" + name[:4].encode() + b"@dev.test>\r\n\r\n")
        equal(sorted(waiting(folder)), ["<0123@dev.test>", "<c0nt@dev.test>"], "mails left")
        equal(len(folder.files), 3, "files")


if __name__ == "__main__":
    need_binary()
    need_strace()
    print(f"# GATEPOST_SEED={SEED}")
    main(jobs=3, limit=590 if not SOAK else 6 * 3600)
