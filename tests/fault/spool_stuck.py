#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A disk on which a call never comes back, so that not even kill -9 ends the process in it (a file system that is frozen):
mail passes, and SIGTERM ends the relay in time all the same."""

import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib import tap                                                     # noqa: E402
from lib.spool import Folder, conf_of                                   # noqa: E402
from lib.trial import *                                                 # noqa: E402,F403


class Ice:
    """A file system in a file, which can be frozen."""

    def __init__(self):
        self.folder, self.frozen = Folder(), False
        image, self.mount = os.path.join(self.folder.top, "image"), os.path.join(self.folder.top, "disk")
        os.mkdir(self.mount)
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        for words in (["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, self.mount]):
            if self.run(*words) != 0:
                self.folder.__exit__()
                tap.skip_all(f"{words[0]} does not work here")
        self.folder.path = os.path.join(self.mount, "spool")

    @staticmethod
    def run(*words):
        try:
            return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=30, check=False).returncode
        except FileNotFoundError:
            return 127

    def freeze(self):
        if self.run("fsfreeze", "-f", self.mount) != 0:
            tap.skip_all("fsfreeze does not work here")
        self.frozen = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.frozen:
            self.run("fsfreeze", "-u", self.mount)
        for _ in range(50):
            if self.run("umount", self.mount) == 0:
                break
            time.sleep(0.1)
        self.folder.__exit__()


@case("a disk that is frozen: mail passes, SIGTERM ends all but the process that is stuck")
def _():
    book = Book()
    with Ice() as ice, Liar() as g:
        r = Mortal(g.conf() + conf_of(ice.folder))
        try:
            disk = r.disk(ice.folder)
            ice.freeze()
            with session(r, wait=30) as c:
                equal(book.send(c, "large", size=20 << 20), 250, "the reply to more than stays in memory")
            r.signal(15)
            begin = time.monotonic()
            equal(r.process.wait(40), 0, "exit status")
            within(time.monotonic() - begin, 0, 30)
            check(not gone(disk), "the disk process was not stuck")
            equal(len(g.mails), 1, "mails taken")
        finally:
            r.stop_hard()


if __name__ == "__main__":
    need_binary()
    if os.geteuid() != 0:
        tap.skip_all("needs root")
    main(jobs=1, limit=120)
