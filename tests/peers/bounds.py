#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Fixed limits: pools that are used up, peers that are slow, mail without end. The box goes on, nothing grows, a good
client is served. GATEPOST_SOAK=1 makes the large ones larger."""

import os
import re
import resource
import select
import socket
import sys
import threading
import time
from contextlib import contextmanager

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.strain import SANITIZED, Balance, Idle, Watch, engine, good      # noqa: E402

LONG = bool(os.environ.get("GATEPOST_SOAK"))
resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
SLACK = 64 if not SANITIZED else 1 << 20        # KiB: pages touched for the first time


def symbol(name):
    """A number of the build that is tested, from what it says of itself or its config."""
    with open(os.path.join(TOP, "build", "host", ".config"), encoding="ascii") as file:
        found = re.search(rf"^CONFIG_{name}=(\d+)", file.read(), re.M)
    if not found:
        raise Skip(f"CONFIG_{name} is not known")
    return int(found.group(1))


def limit_of(r):
    return r.status()["sessions_limit"]


def crowd(r, count, source="127.0.0.1", greet=True):
    """So many idle clients; each has had its greeting."""
    out = []
    for n in range(count):
        where = source if isinstance(source, str) else source(n)
        out.append(r.client(source=where, wait=20))
    if greet:
        for c in out:
            c.reply("220")
    return out


def leave(clients):
    for c in clients:
        c.close()


# --- many clients ---

@case("1,000 idle clients, then a good one is served; the descriptors and sessions come back")
def _():
    with box() as (r, g):
        if limit_of(r) < 1150:
            raise Skip("this build has fewer sessions")
        good(r, g, "before")
        balance = Balance(r)
        idle = crowd(r, 1000)
        equal(r.status()["sessions"], 1000, "sessions")
        for n in range(3):
            good(r, g, f"good{n}")
        with Idle(r, 0.1):
            time.sleep(1)
        leave(idle)
        balance.settle()
        good(r, g, "after")


@case("sessions of many addresses: the last eighth of the pool is for addresses without one, then 421")
def _():
    with box("Client_Timeout = 60s\n") as (r, g):
        limit = limit_of(r)
        if limit > 3000:
            raise Skip("this build has too many sessions")
        balance = Balance(r)
        most = limit - limit // 8
        idle = crowd(r, most)
        with r.client() as c:
            c.reply("421 4.3.2")
            c.eof()
        with r.client(source="127.0.0.2") as c:
            c.reply("220")
            with r.client(source="127.0.0.2") as d:
                d.reply("421")
        idle += crowd(r, limit - most, source=lambda n: f"127.0.{1 + n // 250}.{1 + n % 250}")
        equal(r.status()["sessions"], limit, "sessions")
        with r.client(source="127.9.9.9") as c:
            c.reply("421 4.3.2")
            c.eof()
        leave(idle)
        balance.settle()
        good(r, g, "after")


@case("every session of another address: the last eighth still takes those that hold none")
def _():
    with box("Client_Timeout = 60s\n") as (r, g):
        limit = limit_of(r)
        if limit > 3000:
            raise Skip("this build has too many sessions")
        balance = Balance(r)
        idle = crowd(r, limit, source=lambda n: f"127.0.{1 + n // 250}.{1 + n % 250}")
        with r.client(source="127.9.9.9") as c:
            c.reply("421")
        leave(idle)
        balance.settle()
        good(r, g, "after")


@case("10,000 connections, 500 at a time, from addresses of their own")
def _():
    with box() as (r, g):
        balance, watch = Balance(r), Watch(r)
        for n in range(20 if LONG or not SANITIZED else 6):
            leave(crowd(r, 500, source=lambda k, n=n: f"127.{n}.{k // 250}.{1 + k % 250}", greet=False))
        balance.settle()
        within(watch.look(), -999999, 12000 + SLACK, "KiB grown")
        good(r, g, "after")


@case("a pool that is full: who waited is served as soon as one has gone")
def _():
    with box("Client_Timeout = 60s\nPeer_Sessions = 3\n") as (r, g):
        idle = crowd(r, 3)
        for _ in range(50):
            with r.client() as c:
                c.reply("421 4.3.2")
        idle.pop().close()
        wait_for(lambda: r.status()["sessions"] == 2, 60, "two sessions")
        good(r, g, "after")
        leave(idle)


# --- slow clients ---

@case("slow loris: single octets of a command, of an overlong line, of a BDAT chunk, of blank lines; 421 in time")
def _():
    with box("Client_Timeout = 2s\n") as (r, g):
        balance = Balance(r)
        starts = {"command": (b"EHLO dev.t", b"e"), "overlong line": (b"X" * 5000, b"x"),
                  "overlong AUTH": (b"AUTH PLAIN " + b"x" * 3000, b"x"), "nothing": (b"", b"")}
        for name, (begin, octet) in starts.items():
            with r.session() as c:
                c.send(begin)
                began = time.monotonic()
                while time.monotonic() - began < 6:
                    try:
                        c.send(octet)
                    except Closed:
                        break
                    time.sleep(0.2)
                    if c.sock in select.select([c.sock], [], [], 0)[0]:
                        got = c.reply()
                        if got.code == 421:
                            break
                        equal(got.code, 500, f"{name}: code")
                else:
                    raise Failed(f"{name}: single octets keep the session for more than 6 s")
                within(time.monotonic() - began, 1, 4, f"{name}: seconds")
        balance.settle()


@case("slow loris: a BDAT chunk in single octets")
def _():
    with box("Client_Timeout = 2s\n") as (r, _g), r.session() as c:
        c.send(b"BDAT 4000\r\n")
        c.reply("502")
        began = time.monotonic()
        while time.monotonic() - began < 7:
            try:
                c.send(b"x")
            except Closed:
                break
            time.sleep(0.2)
            if c.sock in select.select([c.sock], [], [], 0)[0]:
                c.reply("421")
                break
        within(time.monotonic() - began, 1, 5, "seconds")


@case("slow loris in the body: 100 of them, and a good client is served")
def _():
    with box("Client_Timeout = 2s\nMax_Outbound_Connections = 0\n") as (r, g):
        good(r, g, "before")
        balance = Balance(r)
        slow = []
        for _ in range(100):
            c = r.session()
            c.start()
            c.data()
            slow.append(c)
        began = time.monotonic()
        good(r, g, "good")
        while time.monotonic() - began < 1.5:
            for c in slow:
                try:
                    c.send(b"x")
                except Closed:
                    pass
            time.sleep(0.3)
        for c in slow:
            c.reply("421 4.4.2", 5)
        within(time.monotonic() - began, 1.5, 5, "seconds")
        leave(slow)
        balance.settle()
        equal([m for m in g.offered if b"good" not in m.raw and b"before" not in m.raw], [], "whole mails")
        good(r, g, "after")


@case("a client that never reads its replies while it pipelines thousands of commands: back-pressure, then the end")
def _():
    with box("Client_Timeout = 2s\n") as (r, g):
        balance, watch = Balance(r), Watch(r)
        c = r.client(receive=4096)
        c.sock.settimeout(0.5)
        sent = 0
        try:
            for _ in range(2000):
                sent += c.sock.send(b"NOOP\r\n" * 500)
        except socket.timeout:
            pass
        check(sent < 5 << 20, "all was taken")
        good(r, g, "good")
        with Idle(r):
            time.sleep(1)
        watch.look()
        within(watch.grown, -999999, 200 + SLACK, "KiB grown")
        balance.settle(12)
        c.close()


@case("a client that pipelines 20,000 commands and then reads: every one is answered")
def _():
    with box() as (r, g), r.session() as c:
        text = b"NOOP\r\n" * 20000
        sender = threading.Thread(target=lambda: c.sock.sendall(text))
        sender.start()
        for _ in range(20000):
            c.reply("250")
        sender.join()
        c.mail(wanted="250")


# --- envelopes ---

@case("100,000 recipients: 452 4.5.3 from the limit on, nothing grows, the mail goes to those before it")
def _():
    count = 100000 if not SANITIZED else 20000
    with box("Max_Recipients_Per_Message = 50\n") as (r, g):
        balance = Balance(r)
        c = r.session()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        for n in range(50):
            c.cmd(f"RCPT TO:<b{n}@b.test>", "250")
        watch = Watch(r)

        def send():
            for n in range(50, count, 1000):
                c.sock.sendall(b"".join(b"RCPT TO:<b%d@b.test>\r\n" % k for k in range(n, min(n + 1000, count))))
        sender = threading.Thread(target=send)
        sender.start()
        for n in range(50, count):
            c.reply("452 4.5.3")
        sender.join()
        within(watch.look(), -999999, SLACK, "KiB grown")
        c.data()
        c.send(b"Subject: x\r\n\r\nx\r\n.\r\n").reply("250")
        equal(len(g.one().rcpts), 50, "recipients")
        c.close()
        balance.settle()


def fill(r, clients, most):
    """Recipients of 1,000 octets until the arena is empty: how many were taken."""
    taken, full = 0, False
    for n, c in enumerate(clients):
        c.cmd(f"MAIL FROM:<a{n}@a.test>", "250|452")
        for k in range(most):
            local = f"{n:04d}.{k:05d}." + "x" * 900
            got = c.cmd(f"RCPT TO:<{local}@b.test>", "250|452 4.3.1|503")
            if got.code != 250:
                full = True
                break
            taken += 1
        if full:
            break
    return taken, full


@case("envelopes used up: 452 4.3.1, then all of it comes back")
def _():
    blocks = symbol("ENVELOPE_BLOCKS")
    most = min(symbol("RECIPIENTS_MAX"), 1000)
    if blocks > 40000:
        raise Skip("this build has very many blocks")
    with box(f"Max_Recipients_Per_Message = {most}\nMax_Outbound_Connections = 0\nClient_Patience = 5s\n") as (r, g):
        balance = Balance(r)
        taken = []
        for turn in range(3):
            clients = [r.session(wait=30) for _ in range(8)]
            count, full = fill(r, clients, most)
            check(full, f"{count} recipients of 1,000 octets were taken, and there was room for more")
            taken.append(count)
            with r.session() as c:
                got = c.cmd("MAIL FROM:<good@a.test>")
                if got.code == 250:
                    got = c.cmd("RCPT TO:<" + "y" * 900 + "@b.test>")
                got.want("452 4.3.1")
            if turn == 0:
                leave(clients)
            elif turn == 1:
                for c in clients:
                    c.cmd("RSET", "250")
                leave(clients)
            else:
                for c in clients:
                    c.reset()
            balance.settle()
            good(r, g, f"good{turn}")
        within(max(taken) - min(taken), 0, 1, f"recipients that find room, turn by turn {taken}: the difference")


# --- gateways ---

@case("all gateway connections of the pool in use: 451 4.3.2 within the patience, then all is well")
def _():
    count = symbol("GATEWAY_CONNECTIONS")
    if count > 400:
        raise Skip("this build has too many")
    with box("Max_Outbound_Connections = 0\nClient_Patience = 2s\n") as (r, g):
        balance = Balance(r)
        busy = []
        for _ in range(count):
            c = r.session()
            c.start()
            busy.append(c)
        with r.session() as c, Idle(r):
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451 4.3.2", wait=4)
        leave(busy)
        balance.settle()
        good(r, g, "after")


@cases("a gateway that {0}: back-pressure, the mail goes whole", [
    ("reads 4 KiB every 20 ms", ), ("reads single octets", )])
def _(how):
    size = 300000 if "4 KiB" in how else 3000
    got = bytearray()

    def drip(conn, _line):
        while b"\r\n.\r\n" not in got[-5:]:
            try:
                got.extend(conn.sock.recv(4096 if "4 KiB" in how else 1))
            except OSError:
                break
            time.sleep(0.02 if "4 KiB" in how else 0)
        conn.write(b"250 2.0.0 at last\r\n")
        conn.how = "us"
        raise type("Done", (Exception,), {})

    def data(conn, line):
        conn.write(b"354 go\r\n")
        try:
            drip(conn, line)
        except Exception:  # the connection is over
            return CLOSE
    with box(DATA=data, receive=8192) as (r, _g), r.session(wait=60) as c:
        watch = Watch(r)
        c.start()
        c.data()
        body = b"".join(b"%06d %s\r\n" % (n, b"z" * 64) for n in range(size // 73))
        c.send(b"Subject: x\r\n\r\n" + body + b".\r\n")
        c.reply("250")
        check(bytes(got).endswith(b"\r\n\r\n" + body + b".\r\n"), "the content differs")
        within(watch.look(), -999999, 400 + SLACK, "KiB grown")


@case("a gateway that never reads the body: cut after Body_Timeout; a good client beside it")
def _():
    with box("Body_Timeout = 2s\n", {"BODY": (1000, Stall(20))}, {}, receive=8192) as (r, g), r.session(wait=15) as c:
        balance = Balance.__new__(Balance)
        c.start()
        c.data()
        sender = threading.Thread(target=lambda: c.send(b"Subject: x\r\n\r\n" + (b"z" * 70 + b"\r\n") * 30000 + b".\r\n"))
        sender.start()
        good(r, g, "good")
        with Idle(r, 0.5):
            time.sleep(1)
        c.reply("451 4.4.2")
        sender.join()
        c.cmd("NOOP", "250")
        c.close()
        del balance


# --- descriptors ---

@contextmanager
def poor(fds, conf=""):
    """A relay whose processes may have so many descriptors, and a gateway. (Root could raise the limit again.)"""
    with Liar() as g:
        r = Relay(g.conf() + conf, start=False, user=65534 if os.geteuid() == 0 else None,
                  wrap=("prlimit", f"--nofile={fds}:{fds}"))
        try:
            if os.geteuid() == 0:
                os.chown(r.dir, 65534, 65534)
            r.start()
        except BaseException:
            r.kill()
            raise
        with r:
            yield r, g


def until_starved(r):
    """Clients up to the last descriptor: those that were greeted, and those that wait."""
    greeted, waiting = [], []
    while len(waiting) < 30 and len(greeted) < 200:
        c = r.client()
        try:
            c.reply("220", 0.3 if not waiting else 0.01)
            greeted.append(c)
        except Failed:
            waiting.append(c)
    check(greeted and waiting, f"{len(greeted)} clients were greeted, {len(waiting)} not")
    return greeted, waiting


@case("descriptors used up: accepting pauses, no busy loop, then all is well")
def _():
    with poor(64, "Client_Timeout = 60s\n") as (r, g):
        good(r, g, "before")
        balance = Balance(r)
        pid = engine(r)
        greeted, waiting = until_starved(r)
        with Idle(r, 0.1):
            time.sleep(2.2)
        r.wait_log("cannot accept")
        check(len(re.findall("cannot accept", r.log())) <= 3, "the log is flooded")
        greeted[0].cmd("NOOP", "250")
        leave(greeted)
        for c in waiting:
            c.reply("220", 5)
        leave(waiting)
        balance.settle()
        equal(engine(r), pid, "the engine")
        good(r, g, "after")


@case("no descriptor for the gateway: 451, and it is not the gateway that is called down")
def _():
    with poor(64, "Client_Timeout = 60s\nClient_Patience = 4s\n") as (r, g):
        balance = Balance(r)
        greeted, waiting = until_starved(r)
        c = greeted.pop()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4")
        leave(waiting + greeted)
        c.cmd("RSET", "250")
        lacks(r.log(), "state=down", "the log")
        c.mail(wanted="250")
        among(r.gateway_state(), ("unknown", "up"), "the gateway's state")
        c.close()
        balance.settle()


# --- size ---

def flood(c, pieces):
    """Send pieces in a thread of their own; the reply to what follows them is awaited by the caller."""
    def run():
        try:
            for one in pieces:
                c.sock.sendall(one)
        except OSError:
            pass
    thread = threading.Thread(target=run)
    thread.start()
    return thread


class Sink:
    """A gateway that keeps the length and a sum of each content, nothing else."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.sizes, self.lines = [], []
        threading.Thread(target=self.run, daemon=True).start()

    def conf(self):
        return f'Gateway = "127.0.0.1:{self.port}"\n'

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        conn.sendall(b"220 sink\r\n")
        have = b""
        while True:
            while b"\r\n" not in have:
                more = conn.recv(65536)
                if not more:
                    conn.close()
                    return
                have += more
            line, have = have.split(b"\r\n", 1)
            if line[:4].upper() == b"DATA":
                conn.sendall(b"354 go\r\n")
                size, tail = 0, b"\r\n"
                while True:
                    size += len(have)
                    tail = (tail + have)[-5:]
                    if tail == b"\r\n.\r\n":
                        break
                    try:
                        have = conn.recv(262144)
                    except ConnectionError:
                        have = b""
                    if not have:
                        conn.close()
                        return
                have = b""
                self.sizes.append(size)
                conn.sendall(b"250 2.0.0 ok\r\n")
            elif line[:4].upper() == b"QUIT":
                conn.sendall(b"221 bye\r\n")
                conn.close()
                return
            else:
                conn.sendall(b"250 ok\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


MIB = 1 << 20
LINE = b"y" * 76 + b"\r\n"
CHUNK = LINE * 13443                     # 1 MiB and a bit


@cases("{0}: memory stays flat, all of it arrives", [
    ("a mail of 100 MiB", 100, lambda n: [b"Subject: x\r\n\r\n", *[CHUNK] * n]),
    ("a header of 64 MiB in long fields", 64, lambda n: [(b"X-Long: " + b"z" * 65526 + b"\r\n") * 16] * n + [b"\r\nx\r\n"]),
    ("a header of one folded field of 16 MiB", 16, lambda n: [b"X-Fold: x\r\n"] + [(b" " + b"z" * 61 + b"\r\n") * 16384] * n + [b"\r\nx\r\n"]),
    ("a folded From of 8 MiB", 8, lambda n: [b"From: x\r\n"] + [(b" " + b"z" * 61 + b"\r\n") * 16384] * n + [b"\r\nx\r\n"]),
    ("a million header lines", 1, lambda n: [b"X: y\r\n" * 100000] * (10 * n) + [b"\r\nx\r\n"]),
    ("a field name of 4 MiB", 4, lambda n: [b"N" * MIB] * n + [b": x\r\n\r\nx\r\n"]),
    ("lines of 1 MB", 16, lambda n: [b"\r\n"] + [b"L" * 1000000 + b"\r\n"] * n),
    ("one line of 32 MiB", 32, lambda n: [b"Subject: x\r\n\r\n"] + [b"L" * MIB] * n + [b"\r\n"]),
    ("ten million dots and line ends", 16, lambda n: [b"Subject: x\r\n\r\n"] + [b"..\r\n" * 262144] * n)])
def _(name, count, make):
    if SANITIZED and not LONG:
        count = max(1, count // 8)
    with Sink() as g, Relay(g.conf() + "Max_Message_Size = 2000m\nHeader_From = box@a.test\n") as r:
        with r.session(wait=120) as c:
            c.mail(wanted="250")
            c.mail(b"Subject: y\r\n\r\n" + LINE * 5000, wanted="250")
        balance, watch = Balance(r), Watch(r)
        with r.session(wait=120) as c:
            c.start()
            c.data()
            pieces = make(count)
            thread = flood(c, [*pieces, b".\r\n"])
            while thread.is_alive():
                watch.look()
                thread.join(0.1)
            c.reply("250")
            watch.look()
            c.cmd("QUIT", "221")
        size = sum(len(p) for p in pieces) + 3
        low = size - (MIB * 9 if "From" in name else 0)
        within(g.sizes[-1], low, size + 2000, "octets at the gateway")
        within(watch.grown, -999999, SLACK, "KiB grown")
        balance.settle()


@case("a mail over Max_Message_Size without end: read to its end, 552, memory flat")
def _():
    with Sink() as g, Relay(g.conf() + "Max_Message_Size = 1m\n") as r, r.session(wait=60) as c:
        c.mail(b"Subject: y\r\n\r\n" + LINE * 5000, wanted="250")
        watch = Watch(r)
        c.start()
        c.data()
        thread = flood(c, [b"Subject: x\r\n\r\n", *[CHUNK] * 30, b".\r\n"])
        while thread.is_alive():
            watch.look()
            thread.join(0.1)
        c.reply("552 5.3.4")
        within(watch.look(), -999999, SLACK, "KiB grown")
        equal(len(g.sizes), 1, "mails")
        c.mail(wanted="250")


@case("20 mails of 4 MiB at the same time: more than there are larger buffers; memory as of their number, all arrive")
def _():
    with Sink() as g, Relay(g.conf()) as r:
        clients = [r.session(wait=60) for _ in range(20)]
        for c in clients:
            c.start()
            c.data()
        threads = [flood(c, [b"Subject: x\r\n\r\n", *[CHUNK] * 4, b".\r\n"]) for c in clients]
        for c in clients:
            c.reply("250")
        for one in threads:
            one.join()
        equal(len(g.sizes), 20, "mails")
        check(len(set(g.sizes)) <= 2, f"sizes {set(g.sizes)}")
        leave(clients)


if not SANITIZED:                       # its memory is not the product's
    @case("bytes per session: 1,000 idle ones, and 200 with a mail under way")
    def _():
        with box("Max_Outbound_Connections = 0\nClient_Timeout = 60s\n") as (r, g):
            if limit_of(r) < 1150:
                raise Skip("this build has fewer sessions")
            good(r, g, "before")
            watch = Watch(r)
            idle = [r.session() for _ in range(1000)]
            watch.look()
            within(watch.grown / 1000, 0, 12, "KiB per plain session")
            leave(idle)
            wait_for(lambda: r.status()["sessions"] == 0, 60, "no session")
            watch = Watch(r)
            busy = [r.session() for _ in range(200)]
            for c in busy:
                c.start()
                c.data()
                c.send(b"Subject: x\r\n\r\nx\r\n")
            watch.look()
            within(watch.grown / 200, 0, 24, "KiB per session with a mail under way")
            leave(busy)


if __name__ == "__main__":
    need_binary()
    main(jobs=2, limit=400)
