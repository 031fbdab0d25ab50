#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Twenty clients at once with mails of all sizes, and a gateway that keeps count. With nothing but reloads each mail is
answered 250 (or 421 before it begins); with processes killed at random, too, each that was has arrived in the end. No file is called torn that is
whole. 8 seconds of each; GATEPOST_STORM=300 in make soak."""

import os
import random
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.spool import Folder, conf_of                                   # noqa: E402
from lib.trial import *                                                 # noqa: E402,F403

SECONDS = int(os.environ.get("GATEPOST_STORM", "8"))
SEED = int(os.environ.get("GATEPOST_SEED", "0")) or int(time.time())
CLIENTS = 20
SIZES = [int(n) for n in os.environ.get("GATEPOST_SIZES", "200 200 3000 20000 60000 300000 2097152").split()]
BAD = ("event=misread", "event=corrupt", "this cannot happen", "SIGSEGV", "SIGSYS", "Sanitizer", "runtime error")


class Counter:
    """A gateway that takes all, or puts off a share of it at the final dot the first time."""

    def __init__(self, share):
        self.share, self.dice, self.lock = share, random.Random(SEED), threading.Lock()
        self.arrived = {}               # (message id, recipient) → how often
        self.liar = Liar(DOT=self.dot)

    def dot(self, conn, _line):
        mail = conn.mails[-1]
        with self.lock:
            if self.dice.random() < self.share:
                mail.raw = b""
                return "451 4.3.0 not now"
            mid = (mail.fields("Message-ID") or ["?"])[0]
            for line in mail.rcpts:
                key = (mid, line.split(b"<")[1].split(b">")[0].decode())
                self.arrived[key] = self.arrived.get(key, 0) + 1
        mail.raw = b""
        return "250 2.0.0 taken"


class Storm:
    def __init__(self, mode, kills, share):
        self.book, self.folder, self.counter = Book(), Folder(), Counter(share)
        self.conf = self.counter.liar.conf() + conf_of(self.folder, mode, "Max_Outbound_Connections = 50\n")
        self.kills, self.on, self.number, self.lock = kills, True, 0, threading.Lock()
        self.relay = Mortal(self.conf)
        self.threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in range(CLIENTS)]

    def client(self, number):
        dice = random.Random(f"{SEED} {number}")
        while self.on:
            try:
                with session(self.relay, wait=60) as c:
                    for _ in range(dice.randrange(1, 6)):
                        self.mail(c, dice)
            except (OSError, Failed):       # 421 where a reload ends an older generation, or it was killed
                time.sleep(0.02)

    def mail(self, c, dice):
        with self.lock:
            self.number += 1
            tag = f"m{self.number}"
        rcpts = ("b@b.test",) if dice.random() < 0.7 else ("b@b.test", "c@b.test")
        self.book.send(c, tag, rcpts, size=dice.choice(SIZES), wait=60)

    def told(self):
        codes = list(self.book.told.values())
        return {code: codes.count(code) for code in sorted(set(codes))}

    def trouble(self, dice):
        """One thing that happens; how often an engine may be killed is limited, or the relay gives up, as it should."""
        kind = dice.random()
        if kind < 0.3 or not self.kills:
            self.relay.reload()
            return False
        kids = sorted(self.relay.children())
        victims = [self.relay.disk(self.folder)] if kind < 0.7 else dice.sample(kids, 1)
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return kind >= 0.7

    def run(self):
        dice, deaths, number = random.Random(SEED), [], 0
        end = time.monotonic() + SECONDS
        for thread in self.threads:
            thread.start()
        while time.monotonic() < end:
            time.sleep(dice.uniform(0.1, 0.8))
            deaths = [d for d in deaths if time.monotonic() - d < 60]
            if len(deaths) >= 3 and self.kills:
                self.relay.die()
                self.relay.start()
                deaths.clear()
            elif self.trouble(dice):
                deaths.append(time.monotonic())
            number += 1
        self.on = False
        for thread in self.threads:
            thread.join(90)
        check(not any(t.is_alive() for t in self.threads), "a client still waits")
        return number

    def finish(self):
        if self.kills:
            self.relay.die()
            self.relay.start()
        wait_for(lambda: not [n for n in self.folder.files if not n.endswith(".new")], 90, "an empty spool")
        lost = [k for k in self.book.owed if k not in self.counter.arrived]
        check(not lost, lambda: f"LOST {lost[:10]} of {len(self.book.owed)}")
        log = self.relay.log()
        for word in BAD:
            lacks(log, word, "the log")

    def end(self):
        self.on = False
        self.relay.stop_hard()
        self.counter.liar.stop()
        self.folder.__exit__()


@cases("{0}, {1}", [(m, h) for m in ("fallback", "always") for h in ("all is well but for reloads", "processes are killed")])
def _(mode, how):
    kills = how != "all is well but for reloads"
    storm = Storm(mode, kills, 0.05)
    try:
        number = storm.run()
        storm.finish()
        print(f"# {mode}, {how}: {number} events, "
              f"told {storm.told()}, {sum(n > 1 for n in storm.counter.arrived.values())} arrived twice, seed {SEED}")
        if not kills:
            check(set(storm.told()) <= {250, 421}, lambda: f"told {storm.told()}\n{complaints(storm.relay.log())}")
    finally:
        storm.end()


def complaints(log):
    return "\n".join([x for x in log.split("\n") if "status=refused" in x or "spool event" in x][:12])


if __name__ == "__main__":
    need_binary()
    need_strace()
    print(f"# GATEPOST_SEED={SEED}")
    main(jobs=1, limit=400 + 5 * SECONDS)
