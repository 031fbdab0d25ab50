#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""kill -9 at random moments under load, of the whole relay or of one process or two of it, with a gateway that keeps count
and is in all its moods. Afterwards every mail that a client was told 250 for has arrived; twice only where a process was
killed, or the gateway cut its connection, between the two. 20 kills; GATEPOST_KILLS=1000 of them in make soak."""

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

KILLS = int(os.environ.get("GATEPOST_KILLS", "20"))
SEED = int(os.environ.get("GATEPOST_SEED", "0")) or int(time.time())
CLIENTS = 4


class Moods:
    """A gateway that now and then puts off, cuts, is slow, and counts what it takes, and when."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.calm = False
        self.lock = threading.Lock()
        self.arrived = {}               # (message id, recipient) → times at which it was taken
        self.cuts = []                  # times at which a connection was cut behind a mail
        self.liar = Liar(RCPT=self.rcpt, DOT=self.dot, MAIL=self.mail)

    def roll(self):
        with self.lock:
            return 1.0 if self.calm else self.random.random()

    def mail(self, _conn, _line):
        return "451 4.7.1 greylisted" if self.roll() < 0.03 else "250 2.1.0 ok"

    def rcpt(self, _conn, _line):
        return "450 4.2.1 later" if self.roll() < 0.1 else "250 2.1.5 ok"

    def dot(self, conn, _line):
        mail = conn.mails[-1]
        roll = self.roll()
        if roll < 0.08:
            return "451 4.3.0 not now"
        if 0.08 <= roll < 0.12:
            time.sleep(0.15)
        with self.lock:
            now = time.monotonic()
            mid = (mail.fields("Message-ID") or ["?"])[0]
            for line in mail.rcpts:
                self.arrived.setdefault((mid, line.split(b"<")[1].split(b">")[0].decode()), []).append(now)
            if 0.12 <= roll < 0.15:
                self.cuts.append(now)
        mail.raw = b""
        return CLOSE if 0.12 <= roll < 0.15 else "250 2.0.0 taken"


class Load:
    """Clients that send one mail after the other to whatever relay there is."""

    def __init__(self, book):
        self.book, self.relay, self.on = book, None, True
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(CLIENTS)]
        self.number = 0
        self.lock = threading.Lock()

    def run(self, client):
        dice = random.Random(SEED * 10 + client)
        while self.on:
            relay = self.relay
            if relay is None:
                time.sleep(0.005)
                continue
            try:
                with session(relay, wait=20) as c:
                    for _ in range(dice.randrange(1, 5)):
                        with self.lock:
                            self.number += 1
                            tag = f"m{self.number}"
                        rcpts = ("b@b.test",) if dice.random() < 0.6 else ("b@b.test", "c@b.test")
                        self.book.send(c, tag, rcpts, size=dice.choice((100, 3000, 60000)), wait=20)
            except (OSError, Failed):
                time.sleep(0.01)


def kill_some(relay, folder, dice):
    """Returns whether the relay lives on without one or two of its processes."""
    kind = dice.randrange(5)
    if kind < 2:
        relay.die()
        return False
    kids = sorted(relay.children())
    victims = dice.sample(kids, min(len(kids), 1 if kind < 4 else 2)) if kind > 2 else [disk_of(relay, folder) or kids[0]]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return True


def disk_of(relay, folder):
    try:
        return relay.disk(folder)
    except Failed:
        return None


def campaign(mode, kills):
    dice = random.Random(f"{SEED}{mode}")
    book, folder, moods = Book(), Folder(), Moods(SEED)
    relay = Mortal(moods.liar.conf() + conf_of(folder, mode, "Client_Patience = 4\n"))
    load = Load(book)
    struck, deaths = [], []
    try:
        load.relay = relay
        for thread in load.threads:
            thread.start()
        for number in range(kills):
            time.sleep(dice.uniform(0.02, 0.4))
            struck.append(time.monotonic())
            lives = kill_some(relay, folder, dice)
            deaths = [d for d in deaths if time.monotonic() - d < 60] + ([time.monotonic()] if lives else [])
            if lives and len(deaths) < 4:       # five engines within a minute, and it gives up, as it should
                continue
            load.relay = None
            if lives:
                relay.die()
            struck.append(time.monotonic())
            deaths.clear()
            relay.start()
            load.relay = relay
            check("this cannot happen" not in relay.log() and "SIGSEGV" not in relay.log(), f"kill {number}: {relay.log()[-2000:]}")
        load.on = False
        for thread in load.threads:
            thread.join(60)
        moods.calm = True
        load.relay = None
        relay.die()                             # nothing is left to wait for but the queue
        struck.append(time.monotonic())
        relay.start()
        wait_for(lambda: not folder.files, 60, "an empty spool")
        judge_all(book, moods, struck)
        log = relay.log()
        for word in ("this cannot happen", "SIGSEGV", "SIGSYS", "Sanitizer", "event=corrupt", "event=torn"):
            lacks(log, word, "the log")
        print(f"# {mode}: {len(book.told)} recipients, {len(book.owed)} told 250, "
              f"{sum(len(t) > 1 for t in moods.arrived.values())} arrived twice, {kills} kills, seed {SEED}")
    finally:
        load.on = False
        relay.stop_hard()
        moods.liar.stop()
        folder.__exit__()


def judge_all(book, moods, struck):
    lost = [k for k in book.owed if k not in moods.arrived]
    check(not lost, lambda: f"LOST {lost[:10]} of {len(book.owed)}")
    for key, times in moods.arrived.items():
        for first, second in zip(times, times[1:]):
            reasons = [t for t in (*struck, *moods.cuts) if first - 0.5 <= t <= second]
            check(reasons, f"{key} arrived twice, {second - first:.2f} s apart, and nothing had happened between")


@cases("killed at random, {0}", ["fallback", "always"])
def _(mode):
    campaign(mode, KILLS // 2)


if __name__ == "__main__":
    need_binary()
    need_strace()
    print(f"# GATEPOST_SEED={SEED}")
    main(jobs=2, limit=200 + 3 * KILLS)
