# SPDX-License-Identifier: ISC
"""What a relay holds and uses: for tests that strain it and compare before and after."""

import os
import re
import time

from .relay import BINARY, proc
from .tap import Failed, check, wait_for

TICK = os.sysconf("SC_CLK_TCK")
with open(BINARY, "rb") if os.access(BINARY, os.R_OK) else open(os.devnull, "rb") as _file:
    SANITIZED = b"__asan_init" in _file.read()


def links(pid):
    out = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                out.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
    except FileNotFoundError:
        pass
    return out


def listening(port):
    """The inodes of the sockets that listen there."""
    out = []
    for name in ("tcp", "tcp6"):
        if os.path.exists(f"/proc/net/{name}"):
            with open(f"/proc/net/{name}", encoding="ascii") as file:
                rows = [r.split() for r in file.read().splitlines()[1:]]
            out += [w[9] for w in rows if w[3] == "0A" and int(w[1].split(":")[1], 16) == port]
    return out


def engine(r):
    """The process below the supervisor that listens."""
    inodes = [f"socket:[{n}]" for n in listening(r.port)]
    pids = [p for p in r.children() if any(s in inodes for s in links(p))]
    check(pids, "no process that listens")
    return max(pids)


def cpu(pid):
    """Seconds of processor time that the process has used."""
    fields = proc(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(r):
    """KiB of all its processes together: what is their own."""
    total = 0
    for pid in r.pids():
        text = proc(pid, "smaps_rollup")
        total += sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))
    return total


class Watch:
    """Takes samples of memory while something goes on; `grown` is the most it was over the first."""

    def __init__(self, r):
        self.r, self.first, self.most = r, memory(r), 0

    def look(self):
        self.most = max(self.most, memory(self.r))
        return self.grown

    @property
    def grown(self):
        return self.most - self.first


class Balance:
    """What the relay held at the beginning, to be compared once nobody talks to it any more."""

    def __init__(self, r):
        self.r, self.pid = r, engine(r)
        wait_for(lambda: not r.status()["sessions"], 60, "no session at the beginning")
        time.sleep(0.1)
        self.fds = len(links(self.pid)) - self._kept(r.status())
        self.supervisor = len(links(r.process.pid))

    @staticmethod
    def _kept(status):
        return status["gateway_connections"]

    def held(self):
        """What is held beyond that, in words; "" when nothing is."""
        status = self.r.status()
        out = []
        if status["sessions"]:
            out.append(f"{status['sessions']} sessions")
        for one in status["listeners"]:
            if one["sessions"]:
                out.append(f"{one['sessions']} sessions at {one['address']}")
        idle = sum(g["idle"] for g in status["gateways"])
        all_of = sum(g["connections"] for g in status["gateways"])
        if idle != all_of or status["gateway_connections"] != all_of:
            out.append(f"{status['gateway_connections']} connections to gateways, the gateways' entries count "
                       f"{all_of}, idle {idle}")
        fds = len(links(self.pid)) - self._kept(status)
        if fds != self.fds:
            out.append(f"{fds - self.fds:+d} descriptors")
        return ", ".join(out)

    def settle(self, seconds=10):
        """Wait until nothing is held."""
        end = time.monotonic() + seconds
        while (left := self.held()):
            if time.monotonic() > end:
                raise Failed(f"after {seconds:g} s still held: {left}")
            time.sleep(0.05)
        check(engine(self.r) == self.pid, "the engine is another process than at the beginning")
        wait_for(lambda: len(links(self.r.process.pid)) == self.supervisor, 60, "the supervisor's descriptors")


class Idle:
    """Checks that the relay used hardly any processor time while the block ran."""

    def __init__(self, r, share=0.2):
        self.pid, self.share = engine(r), share

    def __enter__(self):
        self.began, self.used = time.monotonic(), cpu(self.pid)
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            seconds, used = time.monotonic() - self.began, cpu(self.pid) - self.used
            check(used <= self.share * seconds,
                  f"the engine used {used:.2f} s of processor time in {seconds:.2f} s: a busy loop")


def good(r, gateway, tag, wait=10, source=None):
    """One more client, whose mail goes through."""
    with r.session(wait=wait, source=source) as c:
        c.mail(b"Subject: " + tag.encode() + b"\r\n\r\nx\r\n", wanted="250")
        gateway.wait(lambda: any(tag in m.fields("Subject") for m in gateway.mails), 5, f"the good mail {tag}")
        c.cmd("QUIT", "221")
