# SPDX-License-Identifier: ISC
"""Readings of CPU time, memory, system calls and latency."""

import os
import re
import socket
import statistics
import tempfile
import threading
import time

from lib_peers.tap import wait_for


def cpu_seconds(pids):
    """User and system time of all threads of these processes; by the scheduler's own count where there is one."""
    total = 0.0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            base = f"/proc/{pid}/task/{task}"
            try:
                with open(base + "/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0]) / 1e9
            except (FileNotFoundError, IndexError):
                with open(base + "/stat", encoding="ascii") as file:
                    fields = file.read().rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def pss(pids):
    """KiB of all these processes, shared pages divided among their sharers."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M).group(1))
    return total


class Peak:
    """The largest PSS while the block runs."""

    def __init__(self, pids):
        self.pids, self.most, self.on = pids, 0, True
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while self.on:
            self.most = max(self.most, pss(self.pids))
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.thread.join()


class Line:
    """A client that costs as little as Python allows."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reply(self):
        have = b""
        while True:
            have += self.sock.recv(4096)
            if have.endswith(b"\r\n") and have[have.rfind(b"\n", 0, -2) + 4:][:1] in (b" ", b"\r"):
                return have

    def step(self, data):
        self.sock.sendall(data)
        return self.reply()


BODY = b"Subject: latency\r\n\r\n" + (b"x" * 74 + b"\r\n") * 13 + b".\r\n"


def one_mail(port):
    """Seconds from connect to the final 250."""
    start = time.perf_counter()
    line = Line(port)
    line.reply()
    line.step(b"EHLO dev.example\r\n")
    line.step(b"MAIL FROM:<scanner@example.com>\r\n")
    line.step(b"RCPT TO:<office@example.net>\r\n")
    line.step(b"DATA\r\n")
    last = line.step(BODY)
    took = time.perf_counter() - start
    if not last.startswith(b"250"):
        raise RuntimeError(f"end of data: {last!r}")
    line.step(b"QUIT\r\n")
    line.sock.close()
    return took


def latency(port, number):
    """Median of so many mails, one after the other, in milliseconds."""
    return statistics.median(one_mail(port) for _ in range(number)) * 1000


class Strace:
    """Counts the system calls of a tree: wrap goes before the command, count() after its end.

    -D: the command keeps the process id that it was started with, so that signals reach it.
    """

    def __init__(self):
        handle, self.path = tempfile.mkstemp(prefix="gatepost-bench-")
        os.close(handle)
        self.wrap = ["strace", "-D", "-f", "-qq", "-c", "-S", "calls", "-U", "calls,name", "-o", self.path]

    def count(self):
        def text():
            with open(self.path, encoding="ascii") as file:
                whole = file.read()
            return whole if "total" in whole else None
        rows = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", wait_for(text, 10, "strace's table"), re.M)
        os.unlink(self.path)
        return {name: int(calls) for calls, name in rows if name != "total"}
