#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Disks that are full, read-only, gone, another's, or back again: the net is lost then, not the mail, and status says so."""

import os
import pwd
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402
from lib.programs import free_port                                      # noqa: E402
from lib.spool import Folder, conf_of                                   # noqa: E402
from lib.trial import Book, Mortal, session, taken, waiting             # noqa: E402

NOBODY = pwd.getpwnam("nobody").pw_uid


class Disk:
    """A file system of its own: the Spoolbase is a folder in it."""

    def __init__(self, size="1m", inodes=0):
        self.folder = Folder()
        self.mount = os.path.join(self.folder.top, "disk")
        os.mkdir(self.mount)
        options = f"size={size},mode=0755" + (f",nr_inodes={inodes}" if inodes else "")
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", self.mount], check=True, timeout=10)
        self.folder.path = os.path.join(self.mount, "spool")
        self.ballast = os.path.join(self.mount, "ballast")

    def fill(self):
        """Until nothing goes in any more."""
        with open(self.ballast, "ab", 0) as file:
            for size in (4096, 512, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    pass

    def drain(self):
        os.unlink(self.ballast)

    def remount(self, how):
        def done():     # not while a file is open for writing
            return subprocess.run(["mount", "-o", f"remount,{how}", self.mount], stderr=subprocess.DEVNULL, timeout=10).returncode == 0
        wait_for(done, 60, f"mount -o remount,{how}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.mount], check=False, timeout=10)
        self.folder.__exit__()


def conf_for(disk, port, mode="fallback", more=""):
    return f'Gateway = "127.0.0.1:{port}"\n' + conf_of(disk.folder, mode, "Spool_Reserve = 0\n" + more)


def send(r, book, tag, wanted, size=300, rcpt="b@b.test"):
    with session(r, wait=30) as c:
        code = book.send(c, tag, (rcpt,), size=size, wait=30)
        among(code, wanted, f"the reply to {tag}")
        return code


def state_of(r):
    return gatepost("status", "-c", r.conf)[1]


def bring_home(r, book, folder, port):
    """A gateway comes, and all that was told 250 is there, once."""
    with Liar(port=port) as g:
        gatepost("queue", "-c", r.conf, "flush")
        wait_for(lambda: not folder.files, 30, "an empty spool")
        after = taken(g)
        for key in book.owed:
            equal(after.get(key), 1, f"how often {key} arrived")


# --- no room ---

@case("a tmpfs of 1 MiB: mails are kept until it is full, then 452, and all that were kept arrive")
def _():
    port, book = free_port(), Book()
    with Disk() as d, Relay(conf_for(d, port)) as r:
        codes = [send(r, book, f"m{n}", (250, 452), size=100000) for n in range(16)]
        check(codes.count(250) in range(3, 11), f"replies {codes}")
        equal(codes[-1], 452, "the last reply")
        equal(codes, sorted(codes), "replies in order: once full, always full")
        equal(len(waiting(d.folder)), codes.count(250), "files")
        for size in (10000, 300):
            for number in range(200):
                if send(r, book, f"s{size}.{number}", (250, 452), size=size) == 452:
                    break
        wait_for(lambda: "the spool is full" in state_of(r), 60, "a status that says so")
        bring_home(r, book, d.folder, port)
        wait_for(lambda: "the spool is full" not in state_of(r), 60, "a status that says so no more")
        send(r, book, "later", (250,))


@case("a tmpfs of 1 MiB, always: 452 when it is full, 250 once there is room again")
def _():
    port, book = free_port(), Book()
    with Disk() as d, Relay(conf_for(d, port, "always"), mortal=True) as r:
        send(r, book, "first", (250,))
        d.fill()
        send(r, book, "second", (452,), size=50000)
        d.drain()
        r.reload()                          # looks at once, not within the minute
        wait_for(lambda: "cannot be used" not in state_of(r), 60, "room that is noticed")
        send(r, book, "third", (250,), size=50000)
        bring_home(r, book, d.folder, port)


@case("a full disk and a gateway that works: mail passes")
def _():
    book = Book()
    with Disk() as d, Liar() as g, Relay(conf_for(d, g.port)) as r:
        d.fill()
        for number in range(3):
            send(r, book, f"m{number}", (250,), size=300000)
        equal(len(g.mails), 3, "mails taken")
        d.drain()


@case("the disk fills up in the middle of a mail: it passes where the gateway works, else 452")
def _():
    port, book = free_port(), Book()
    with Disk() as d, Relay(conf_for(d, port)) as r:
        with session(r) as c:
            c.start("scan@dev.test", "b@b.test")
            c.data()
            c.send(b"x" * 200000 + b"\r\n")
            time.sleep(0.3)
            d.fill()
            c.send((b"x" * 998 + b"\r\n") * 2000 + b".\r\n")
            c.reply("452 4.3.1")
            equal([n for n in d.folder.files if not n.startswith("corrupt")], [], "files")
        d.drain()
        with Liar(port=port) as g:
            wait_for(lambda: r.gateway_state() == "up", 60, "the gateway")
            with session(r) as c:
                c.start("scan@dev.test", "b@b.test")
                c.data()
                c.send(b"x" * 200000 + b"\r\n")
                time.sleep(0.3)
                d.fill()
                c.send((b"x" * 998 + b"\r\n") * 2000 + b".\r\n")
                c.reply("250")
            equal(len(g.mails), 1, "mails taken")


@case("no inode left: mail passes, or 452")
def _():
    book = Book()
    with Disk(inodes=40) as d, Liar() as g, Relay(conf_for(d, g.port)) as r:
        for number in range(60):
            try:
                with open(os.path.join(d.mount, f"f{number}"), "wb"):
                    pass
            except OSError:
                break
        send(r, book, "one", (250,))
        equal(len(g.mails), 1, "mails taken")
        g.deaf()
        g.stop()
        send(r, book, "two", (452,))


@case("Spool_Max_Size holds for all mails together; what was delivered makes room")
def _():
    port, book = free_port(), Book()
    with Disk("64m") as d, Relay(conf_for(d, port, more="Spool_Max_Size = 300k\n")) as r:
        codes = [send(r, book, f"m{n}", (250, 452), size=100000) for n in range(5)]
        among(codes, ([250, 250, 452, 452, 452], [250, 250, 250, 452, 452]), "replies")
        check(sum(os.path.getsize(os.path.join(d.folder.path, n)) for n in d.folder.files) <= 300 << 10, "more than 300 KiB lie there")
        bring_home(r, book, d.folder, port)
        send(r, book, "later", (250,), size=100000)


@case("Spool_Reserve is left to others")
def _():
    port, book = free_port(), Book()
    with Disk("4m") as d:
        with Relay(conf_for(d, port).replace("Spool_Reserve = 0", "Spool_Reserve = 2m")) as r:
            codes = [send(r, book, f"m{n}", (250, 452), size=400000) for n in range(8)]
            among(codes.count(250), (3, 4, 5), "mails kept")
            free = os.statvfs(d.mount)
            check(free.f_bavail * free.f_frsize >= (2 << 20) - 65536, "less than the reserve is free")
            bring_home(r, book, d.folder, port)


@case("Spool_Write_Limit: over it fallback passes mail on, always says 452; aborted mails count")
def _():
    port, book = free_port(), Book()
    with Disk("64m") as d, Liar() as g:
        with Relay(conf_for(d, g.port, more="Spool_Write_Limit = 500k\n")) as r:
            for number in range(6):         # what lies in memory until the gateway has it wears nothing
                send(r, book, f"m{number}", (250,), size=200000)
            contains(state_of(r), "written today 0,", "status")
            send(r, book, "large", (250,), size=20 << 20)
            equal(len(g.mails), 7, "mails taken")
        with Relay(conf_for(d, port, "always", "Spool_Write_Limit = 500k\n")) as r:
            send(r, book, "over", (452,), size=200000)
            left = (send(r, book, f"small{number}", (250, 452), size=5000) for number in range(100))
            check(452 in left, "small mails are kept without end")
            for number in range(20):        # what is left of it
                send(r, book, f"tiny{number}", (250, 452))
            contains(state_of(r), "Spool_Write_Limit", "status")
        with Relay(conf_for(d, g.port, more="Spool_Write_Limit = 500k\n")) as r:
            send(r, book, "passed on", (250,), size=20 << 20)
            contains(state_of(r), "Spool_Write_Limit", "status")


# --- read-only, gone, another's ---

@case("read-only when it starts: mail passes, 451 without a gateway; kept again once it can be written")
def _():
    port, book = free_port(), Book()
    with Disk("8m") as d:
        os.mkdir(d.folder.path, 0o700)
        os.chown(d.folder.path, NOBODY, NOBODY)
        d.remount("ro")
        with Relay(conf_for(d, port), mortal=True) as r:
            send(r, book, "one", (451,))
            contains(state_of(r).lower(), "read-only", "status")
            d.remount("rw")
            r.reload()
            wait_for(lambda: "cannot be used" not in state_of(r), 60, "a spool that is usable")
            send(r, book, "two", (250,))
            bring_home(r, book, d.folder, port)


@case("read-only while it runs: 451 without a gateway, and mail that was kept before still arrives")
def _():
    port, book = free_port(), Book()
    with Disk("8m") as d, Relay(conf_for(d, port), mortal=True) as r:
        send(r, book, "before", (250,))
        d.remount("ro")
        send(r, book, "meanwhile", (451,))
        d.remount("rw")
        r.reload()
        wait_for(lambda: "cannot be used" not in state_of(r), 60, "a spool that is usable")
        send(r, book, "after", (250,))
        bring_home(r, book, d.folder, port)


@case("a mail is told its own trouble, not that of the one before it")
def _():
    port, book = free_port(), Book()
    with Disk("1m") as d, Relay(conf_for(d, port, "always"), mortal=True) as r, session(r) as c:
        equal(book.send(c, "large", size=3 << 20), 452, "the reply to a mail for which there is no room")
        d.remount("ro")
        send(r, book, "meanwhile", (451,))
        c.cmd("MAIL FROM:<scan@dev.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "451").text.lower(), "read-only", "reply")


@case("the folder is removed while it runs: mail passes, 451 without a gateway; it comes back after a reload")
def _():
    port, book = free_port(), Book()
    with Disk("8m") as d, Relay(conf_for(d, port), mortal=True) as r:
        shutil.rmtree(d.folder.path)
        send(r, book, "one", (451,))
        check("spool" in state_of(r).lower() and r.status()["exit"] == 1, "status does not say so")
        r.reload()
        wait_for(lambda: os.path.isdir(d.folder.path), 60, "another folder")
        wait_for(lambda: "cannot be used" not in state_of(r), 75, "a spool that is usable")
        send(r, book, "two", (250,))
        equal(len(waiting(d.folder)), 1, "files")
        bring_home(r, book, d.folder, port)


@case("a folder of another user: mail passes, status says whose it has to be")
def _():
    port, book = free_port(), Book()
    with Disk("8m") as d:
        os.mkdir(d.folder.path, 0o755)
        with Relay(conf_for(d, port), mortal=True) as r:
            send(r, book, "one", (451,))
            contains(state_of(r), "belong", "status")
            equal(r.status()["exit"], 1, "exit status of status")
            os.chown(d.folder.path, NOBODY, NOBODY)
            r.reload()
            wait_for(lambda: "cannot be used" not in state_of(r), 60, "a spool that is usable")
            send(r, book, "two", (250,))
            bring_home(r, book, d.folder, port)


@case("a folder into which others may write is not trusted")
def _():
    port, book = free_port(), Book()
    with Disk("8m") as d:
        os.mkdir(d.folder.path)
        os.chown(d.folder.path, NOBODY, NOBODY)
        os.chmod(d.folder.path, 0o777)
        with Relay(conf_for(d, port), mortal=True) as r:
            send(r, book, "one", (451,))
            contains(state_of(r), "0700", "status")


@case("a file comes to be where the folder was: mail passes, 451 without a gateway")
def _():
    book = Book()
    with Disk("8m") as d, Liar() as g:
        with Relay(conf_for(d, g.port), mortal=True) as r:
            shutil.rmtree(d.folder.path)
            with open(d.folder.path, "wb"):
                pass
            send(r, book, "one", (250,))
            r.signal(1)
            r.wait_log("no folder|not reloaded")
            send(r, book, "two", (250,))
            g.deaf()
            g.stop()
            send(r, book, "three", (451,))


@case("two relays, one folder: the second gets no net, the first is not disturbed")
def _():
    port, book = free_port(), Book()
    with Disk("8m") as d, Relay(conf_for(d, port)) as one, Relay(conf_for(d, port), mortal=True) as two:
        send(one, book, "one", (250,))
        send(two, book, "two", (451,))
        contains(state_of(two), "another process", "status of the second")
        send(one, book, "three", (250,))
        bring_home(one, book, d.folder, port)


@case("the folder is made, 0700, and belongs to User")
def _():
    with Disk("8m") as d, Relay(conf_for(d, free_port())):
        st = os.stat(d.folder.path)
        equal((oct(st.st_mode & 0o777), st.st_uid), ("0o700", NOBODY), "mode and owner")


@case("a tmpfs without Spool_Volatile is refused")
def _():
    with Disk("8m") as d, Files() as f:
        text = conf_for(d, 9).replace("Spool_Volatile = true\n", "")
        code, _out, err = gatepost("check", "-c", f.put("gatepost.conf", 'User = "nobody"\n' + text))
        equal(code, 78, "exit status of check")
        contains(err, "Spool_Volatile")


# --- foreign and torn files ---

@case("foreign and torn files go to corrupt/, at most 32; the mails among them arrive")
def _():
    port, book = free_port(), Book()
    with Disk("16m") as d:
        r = Mortal(conf_for(d, port))
        try:
            for number in range(4):
                send(r, book, f"m{number}", (250,))
            r.die()
            names = sorted(d.folder.files)
            path = os.path.join(d.folder.path, names[0])
            with open(path, "rb") as file:
                whole = file.read()
            lost = whole[whole.index(b"Message-ID: ") + 12:].split(b"\r\n")[0].decode()
            with open(path, "r+b") as file:
                file.truncate(len(whole) - 7)
            for number in range(40):
                with open(os.path.join(d.folder.path, f"note{number}"), "wb") as file:
                    file.write(b"no mail")
            r.start()
            wait_for(lambda: len([n for n in d.folder.files if n.startswith("corrupt/")]) == 32, 60, "32 files in corrupt/")
            with Liar(port=port) as g:
                wait_for(lambda: len(taken(g)) == 3, 60, "the mails that are whole")
                time.sleep(0.3)
                lacks(taken(g), (lost, "b@b.test"), "mails taken")
            equal(len([n for n in d.folder.files if not n.startswith("corrupt/")]), 9, "files that stayed")
            contains(state_of(r), "32 in corrupt/", "status")
        finally:
            r.stop_hard()


# --- more mails than the index holds ---

@case("more mails than the index holds: all of them arrive, in turns")
def _():
    port, book = free_port(), Book()
    found = gatepost("version")[1]
    index = int(found.partition("SPOOL_INDEX=")[2].split()[0]) if "SPOOL_INDEX=" in found else 1024
    if index > 2000:
        raise Skip(f"this build knows {index} mails at a time")
    many = index + 150
    with Disk("64m") as d:
        r = Mortal(conf_for(d, port, "always", "Suspend_Delivery = true\n"))
        try:
            with session(r) as c:
                for number in range(index - 100):
                    equal(book.send(c, f"m{number}"), 250, f"the reply to mail {number}")
            r.die()
            copies(d, many - (index - 100))
            equal(len(d.folder.files), many, "files")
            r.write(conf_for(d, port, "always"))
            r.start()
            with Liar(port=port) as g:
                wait_for(lambda: not d.folder.files, 100, "an empty spool")
                equal(sum(taken(g).values()), many, "mails taken")
        finally:
            r.stop_hard()


def copies(disk, number):
    """More mails, as the relay would have written them: other ids, and the sum of the header that goes with them."""
    import zlib
    names = sorted(disk.folder.files)
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    for n in range(number):
        with open(os.path.join(disk.folder.path, names[n % len(names)]), "rb") as file:
            data = bytearray(file.read())
        raw = bytes([0xf0]) + n.to_bytes(4, "big") + b"copies!"
        data[48:60] = raw
        data[60:64] = zlib.crc32(bytes(data[:60])).to_bytes(4, "big")
        value = int.from_bytes(raw, "big") << 4
        name = "".join(digits[(value >> (5 * (19 - i))) & 31] for i in range(20))
        path = os.path.join(disk.folder.path, name)
        with open(path, "wb") as file:
            file.write(data)
        os.chown(path, NOBODY, NOBODY)


if __name__ == "__main__":
    need_binary()
    ns.enter()
    main(jobs=4, limit=280)
