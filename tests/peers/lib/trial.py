# SPDX-License-Identifier: ISC
"""Mails that are counted, from what a client was told to what a gateway took; a relay that is killed; strace on one of
its processes."""

import math
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from . import tap
from .liar import Liar
from .raw import Client
from .relay import Relay, descendants, proc_status
from .tap import Failed, Skip, check, wait_for

SOAK = bool(os.environ.get("GATEPOST_SOAK"))


def need_strace():
    """strace has to look into processes that nobody may look into."""
    if os.geteuid() != 0:
        tap.skip_all("needs root")
    if not shutil.which("strace"):
        tap.skip_all("no strace")


def gone(pid):
    """Is it dead, reaped or not?"""
    try:
        return proc_status(pid)["State"][0] in "ZX"
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return True


class Mortal(Relay):
    """A relay that is killed and started again in the same place."""

    def __init__(self, text, **more):
        super().__init__(text, mortal=True, **more)

    def die(self):
        """kill -9 of every process at once."""
        pids = [self.process.pid, *descendants(self.process.pid)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        tap.forget(self.process.pid)
        wait_for(lambda: all(gone(p) for p in pids), 60, "the end of all processes")

    def disk(self, folder):
        """The process that owns the spool's folder."""
        def once():
            for pid in self.children():
                try:
                    links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if os.path.realpath(folder.path) in links:
                    return pid
            return None
        return wait_for(once, 60, "a process that holds the spool's folder")

    def engine(self):
        """The child that has the listener."""
        def once():
            with open("/proc/net/tcp", encoding="ascii") as file:
                rows = [line.split() for line in file]
            sockets = {f"socket:[{r[9]}]" for r in rows[1:] if r[3] == "0A" and int(r[1].split(":")[1], 16) == self.port}
            for pid in self.children():
                try:
                    links = {os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if links & sockets:
                    return pid
            return None
        return wait_for(once, 60, "a process that listens")

    def stop_hard(self):
        """The end, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.die()
        self.kill()


class Strace:
    """strace on one process: what is injected into which calls, and whether that has happened.

    what is put into all of calls; or it is a dict of what is put into which. strace counts `when` for each system call of
    its own: the third one of two kinds is a third write and a third read, not the third call.
    """

    def __init__(self, pid, calls, what="", word="(?!)", follow=False):
        handle, self.path = tempfile.mkstemp(prefix="gatepost-strace-")
        os.close(handle)
        self.word = word
        self.pid = pid
        words = ["strace", *(["-f"] if follow else []), "-s", "100", "-p", str(pid), "-o", self.path, "-e", f"trace={calls}"]
        if isinstance(what, str):
            what = {calls: what} if what else {}
        for name, action in what.items():
            words += ["-e", f"inject={name}:{action}"]
        with open(self.path + ".err", "wb") as err:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        tap.child(self.process.pid)
        try:
            wait_for(lambda: "attached" in self.errors() or self.process.poll() is not None, 60, "strace to attach")
            if "attached" not in self.errors():
                if "ptrace" in self.errors():
                    raise Skip(f"no namespaces here: strace may not attach: {self.errors().strip()}")
                raise Failed(f"strace: {self.errors()}")
        except BaseException:
            self.close()
            raise

    def errors(self):
        with open(self.path + ".err", encoding="utf-8", errors="replace") as file:
            return file.read()

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def hits(self):
        return len(re.findall(self.word, self.text()))

    def hit(self):
        return self.hits() > 0

    def tail(self, lines=6):
        return "\n".join(self.text().splitlines()[-lines:])

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        tap.forget(self.process.pid)
        for path in (self.path, self.path + ".err"):
            if os.path.exists(path):
                os.unlink(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def called(text):
    """The system calls in strace's output, in their order: (name, which of its kind)."""
    seen, found = {}, []
    for name in re.findall(r"^(\w+)\(", text, re.M):
        seen[name] = seen.get(name, 0) + 1
        found.append((name, seen[name]))
    return found


def ends(moments, repeats):
    """Those of which there are more than so many calls of a kind: the first and the last of them alone."""
    seen = dict(moments)
    half = repeats // 2
    return [(name, n) for name, n in moments if seen[name] <= repeats or n <= half or n > seen[name] - half]


def spread(things, start):
    """All of them, from this one on, in such an order that those at its beginning are spread evenly."""
    size = len(things)
    step = max(1, round(size * 0.618))
    while math.gcd(step, size) > 1:
        step += 1
    return [things[(start + i * step) % size] for i in range(size)]


def watcher(pid, calls="all"):
    """Only looks on."""
    return Strace(pid, calls)


def stopper(pid, name, n):
    """Stops it behind the n-th of these system calls; the rest of the relay goes on until it is killed."""
    return Strace(pid, "all", {name: f"signal=STOP:when={n}"}, "stopped by SIGSTOP")


def killer(pid, name, n):
    """Kills it at the n-th of these system calls, which is not made."""
    return Strace(pid, "all", {name: f"signal=KILL:when={n}"}, "killed by SIGKILL")


FILE_CALLS = ("openat,pwrite64,write,pread64,fsync,fdatasync,renameat,renameat2,unlinkat,fstat,newfstatat,statfs,fstatfs,"
              "getdents64,lseek,mkdirat,faccessat,faccessat2,ftruncate")


def breaker(pid, error, whens):
    """Lets these of its calls on files fail. In their place one is made that its sandbox allows."""
    return Strace(pid, FILE_CALLS, {name: f"error={error}:syscall=getpid:when={when}" for name, when in whens.items()}, "INJECTED")


class Book:
    """What clients were told about each recipient of each mail."""

    def __init__(self):
        self.told = {}          # (message id, recipient) → code, 0: nobody knows
        self.lock = threading.Lock()

    def note(self, key, code):
        with self.lock:
            self.told[key] = code

    def send(self, client, tag, rcpts=("b@b.test",), sender="scan@dev.test", size=200, wait=40):
        """One mail after the greeting; the code of its end of data, or of what came before."""
        mid = f"<{tag}@dev.test>"
        for one in rcpts:
            self.note((mid, one), 0)
        code = client.cmd(f"MAIL FROM:<{sender}>").code
        taken = []
        for one in rcpts if code == 250 else ():
            code = client.cmd(f"RCPT TO:<{one}>").code
            if code == 250:
                taken.append(one)
            else:
                self.note((mid, one), code)
        if taken:
            code = client.cmd("DATA").code
        if taken and code == 354:
            body = f"Subject: {tag}\r\nMessage-ID: {mid}\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72 + 1)
            client.send(body + ".\r\n")
            code = client.reply(wait=wait).code
        for one in taken or rcpts:
            self.note((mid, one), code)
        if not taken or code // 100 != 2:
            client.cmd("RSET")
        return code

    @property
    def owed(self):
        """Those that were answered 250."""
        return sorted(k for k, code in self.told.items() if code == 250)


def taken(gateway):
    """How often the gateway took each recipient of each mail; reports left out."""
    out = {}
    for mail in gateway.mails if gateway else ():
        if mail.sender.upper().startswith(b"MAIL FROM:<>"):
            continue
        mid = (mail.fields("Message-ID") or ["?"])[0]
        for line in mail.rcpts:
            key = (mid, re.search(rb"<(.*?)>", line).group(1).decode())
            out[key] = out.get(key, 0) + 1
    return out


def reports(gateway, tag):
    return [m for m in gateway.mails if m.sender.upper().startswith(b"MAIL FROM:<>") and f"<{tag}@".encode() in m.text]


def quiet(gateway, seconds=30):
    """Wait until the gateway has seen the end of every connection."""
    def left():
        return [(c.peer, c.lines[-3:], c.have[-80:]) for c in list(gateway.conns) if not c.closed]
    try:
        wait_for(lambda: not left(), seconds, "the end of the gateway's connections")
    except Failed as error:
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [row.split()[:10] for row in file if f":{gateway.port:04X} " in row]
        raise Failed(f"{error}; open: {left()}; sockets: {rows}") from None


def session(relay, wait=40):
    one = Client(relay.address, wait=wait)
    one.hello()
    return one


def waiting(folder):
    """The mails in the folder, by Message-ID: what lies under a final name."""
    out = set()
    for name in folder.files:
        if name.endswith(".new") or name.startswith("corrupt/"):
            continue
        try:
            with open(os.path.join(folder.path, name), "rb") as file:
                found = re.search(rb"\r\nMessage-ID: (<[^>]*>)", file.read(65536))
        except FileNotFoundError:
            continue
        if found:
            out.add(found.group(1).decode())
    return out


def judge(book, before, left, after, what):
    """Every recipient that was answered 250 has its mail; none has it twice but where a file was left of one that was
    taken already. Recipients that the client was told nothing about, or no, may have it or not."""
    lost = [k for k in book.owed if not after.get(k)]
    check(not lost, lambda: f"{what}: LOST {lost}; told {book.told}; taken before {before}; files left {left}; in the end {after}")
    for key, number in after.items():
        allowed = max(1, before.get(key, 0)) + (1 if before.get(key) and key[0] in left else 0)
        check(number <= allowed, lambda k=key, n=number, a=allowed: f"{what}: {k} arrived {n} times, {a} allowed; taken before {before}; "
              f"files left {left}")


def until(conditions, seconds, what):
    """Wait for the first of these to be true, and tell which."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for number, condition in enumerate(conditions):
            if condition():
                return number
        time.sleep(0.005)
    raise Failed(f"waited {seconds:g} s in vain for {what}")


__all__ = [n for n in dir() if not n.startswith("_")] + ["Liar"]
