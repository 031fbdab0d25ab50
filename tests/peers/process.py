#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Processes, signals, reload and crashes (DESIGN 4 and 5)."""

import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

ROOT = os.geteuid() == 0
with open(BINARY, "rb") if os.access(BINARY, os.R_OK) else open(os.devnull, "rb") as _file:
    SANITIZED = b"__asan_init" in _file.read()          # built without the sandbox


def parts(r):
    """(supervisor, helpers)"""
    return r.process.pid, sorted(r.children())


def sockets(pid):
    out = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            out.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return out


def engine_of(r):
    """The process that holds the epoll descriptor and most sockets."""
    pids = [p for p in r.children() if any("eventpoll" in s for s in sockets(p))]
    check(pids, "no process with an epoll descriptor")
    return max(pids, key=lambda p: sum("socket:" in s for s in sockets(p)))


@case("at most three processes without a spool, single-threaded engine")
def _():
    with box() as (r, _g):
        within(len(r.pids()), 3, 3, "processes")
        equal(proc_status(engine_of(r))["Threads"].strip(), "1", "threads of the engine")


if not SANITIZED:
    @case("helpers: no_new_privs, seccomp filter, not dumpable")
    def _():
        with box() as (r, _g):
            for pid in r.children():
                status = proc_status(pid)
                equal((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"), f"of {pid}")
                if ROOT:
                    equal(os.stat(f"/proc/{pid}/mem").st_uid, 0, "owner of mem: not dumpable")


    @case("helpers run as User, without capabilities; the engine's root is an empty folder")
    def _():
        if not ROOT:
            raise Skip("needs root to change the user")
        with box() as (r, _g):
            for pid in r.children():
                status = proc_status(pid)
                equal(status["Uid"].split(), ["65534"] * 4, f"uid of {pid}")
                equal([status[c].strip().strip("0") for c in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [""] * 4)
                equal(status["Groups"].split() in ([], ["65534"]), True, f"groups {status['Groups']}")
            root = f"/proc/{engine_of(r)}/root"
            check(os.readlink(root) != "/", "engine not chrooted")
            equal(os.listdir(root), [], "files in the engine's root")


    @case("without root: it serves all the same, as strict but for chroot and user")
    def _():
        if not ROOT:
            raise Skip("needs root to become another user")
        with Liar() as g:
            r = Relay(g.conf(), start=False, user=65534)
            os.chown(r.dir, 65534, 65534)
            with r.start():
                with r.session() as c:
                    c.mail(wanted="250")
                for pid in r.children():
                    status = proc_status(pid)
                    equal((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"), f"of {pid}")


@case("the supervisor holds no connection of a client")
def _():
    with box() as (r, _g):
        before = len(sockets(r.process.pid))
        clients = [r.session() for _ in range(20)]
        equal(len(sockets(r.process.pid)), before, "descriptors of the supervisor")
        for c in clients:
            c.close()


@case("the sockets have buffers of their own sizes: with none a large line takes minutes")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        said = subprocess.run(["ss", "-tnmH", f"( sport = :{r.port} or dport = :{g.port} )"], capture_output=True,
                              text=True, timeout=10, check=True).stdout
        sizes = [tuple(map(int, x)) for x in re.findall(r"rb(\d+),t\d+,tb(\d+)", said)]
        equal(len(sizes), 2, f"sockets of the relay in {said}")
        for receive, send in sizes:
            within(receive, 8192, 1 << 20, "octets of the receive buffer")
            within(send, 8192, 1 << 20, "octets of the send buffer")


@case("a dead engine is started again with the same listeners")
def _():
    with box(mortal=True) as (r, g):
        with r.session() as c:
            c.mail(wanted="250")
        os.kill(engine_of(r), signal.SIGKILL)
        def serves():
            try:
                with Client(r.address, wait=2) as c:
                    c.reply("220")
                    return True
            except (Failed, OSError):
                return False
        wait_for(serves, 60, "a greeting at the same port")
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.mails), 2)
        equal(len(r.pids()), 3, "processes")


@case("a dead names helper is started again")
def _():
    with Liar() as g, Relay(f'Gateway = "localhost:{g.port}"\nMax_Deliveries_Per_Connection = 1\n', mortal=True) as r:
        with r.session() as c:
            c.mail(wanted="250")
        helper = [p for p in r.children() if p != engine_of(r)]
        equal(len(helper), 1, "helpers")
        os.kill(helper[0], signal.SIGKILL)
        wait_for(lambda: len(r.children()) == 2 and helper[0] not in r.children(), 60, "a new helper")
        with r.session() as c:
            c.mail(wanted="250")


@case("five deaths in a minute: the supervisor ends with 70")
def _():
    with Liar() as g:
        r = Relay(g.conf(), mortal=True)
        try:
            for _ in range(6):
                def kill():
                    if r.process.poll() is not None:
                        return True
                    try:
                        os.kill(engine_of(r), signal.SIGKILL)
                        return True
                    except (Failed, ProcessLookupError, FileNotFoundError):
                        return False
                wait_for(kill, 60, "an engine")
                time.sleep(0.3)
            equal(r.process.wait(10), 70, "exit")
        finally:
            r.kill()


# --- SIGTERM ---

@case("SIGTERM: idle clients get 421, exit 0, quickly")
def _():
    with box() as (r, _g):
        clients = [r.session() for _ in range(10)]
        start = time.monotonic()
        r.signal(signal.SIGTERM)
        for c in clients:
            c.reply("421")
            c.eof(5)
        r.ended(10)
        within(time.monotonic() - start, 0, 5)


@case("SIGTERM: a mail past its final dot is decided and the client told")
def _():
    with box(DOT=(2, "250 2.0.0 done")) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(HELLO + b".\r\n")
        g.wait(lambda: g.offered, 5, "the body")
        r.signal(signal.SIGTERM)
        c.reply("250")
        r.ended(10)
        equal(len(g.mails), 1)


@case("SIGTERM: a mail in its body may be finished; no new client is taken")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n")
        r.signal(signal.SIGTERM)
        time.sleep(0.5)
        try:
            with Client(r.address, wait=2) as late:
                late.reply("421")
        except (OSError, Closed):
            pass
        c.send(b"body\r\n.\r\n").reply("250")
        r.ended(10)
        equal(len(g.mails), 1)


@case("SIGTERM: a mail that stays in its body is given 20 s, exit 0 within 30 s")
def _():
    with box() as (r, g), r.session(wait=40) as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n")
        start = time.monotonic()
        r.signal(signal.SIGTERM)
        r.ended(31)
        within(time.monotonic() - start, 15, 30)
        equal(len(g.offered), 0)


@case("SIGTERM: a gateway that never answers the dot: exit 0 within 30 s")
def _():
    with box(DOT=SILENT) as (r, _g), r.session(wait=40) as c:
        c.start()
        c.data()
        c.send(HELLO + b".\r\n")
        time.sleep(0.3)
        start = time.monotonic()
        r.signal(signal.SIGTERM)
        c.reply("451", 32)
        r.ended(31)
        within(time.monotonic() - start, 0, 30)


@case("SIGINT ends it as well")
def _():
    with box() as (r, _g):
        r.signal(signal.SIGINT)
        r.ended(10)


# --- reload ---

@case("SIGHUP: a new engine with the new configuration; no client is refused meanwhile")
def _():
    with Liar() as g, Liar() as h:
        with Relay(g.conf(), mortal=True) as r:
            r.reload(h.conf())

            def moved():
                with r.session() as c:
                    c.mail(wanted="250")
                return h.mails
            wait_for(moved, 60, "a mail at the new gateway")


@case("SIGHUP: port 0 keeps the port that it had")
def _():
    with box(mortal=True) as (r, g):
        before = r.address
        r.reload(g.conf() + "EHLO_Hostname = new.test\n")
        def new():
            with Client(before, wait=5) as c:
                c.hello()
                c.mail(wanted="250")
            return g.conns[-1].lines[0] == b"EHLO new.test"
        wait_for(new, 60, "the new name at the gateway")


@case("SIGHUP: sessions finish under the old configuration")
def _():
    with Liar() as g, Liar() as h, Relay(g.conf(), mortal=True) as r:
        c = r.session()
        c.start()
        c.data()
        kids = r.children()
        r.reload(h.conf())
        wait_for(lambda: r.children() - kids, 60, "a new generation")
        time.sleep(0.3)
        c.send(HELLO + b".\r\n").reply("250")
        equal((len(g.mails), len(h.mails)), (1, 0))
        c.mail(wanted="250")
        equal((len(g.mails), len(h.mails)), (2, 0))
        c.cmd("QUIT", "221")
        c.close()
        with r.session() as d:
            d.mail(wanted="250")
        equal((len(g.mails), len(h.mails)), (2, 1))
        wait_for(lambda: not kids & r.children(), 60, "the old generation's end")


@case("SIGHUP: a bad configuration is reported and nothing changes")
def _():
    with box() as (r, g):
        kids = r.children()
        r.reload("Gatway = 10.0.0.1\n")
        r.wait_log(r"gatepost\.conf:\d+:\d+: error: ")
        time.sleep(0.3)
        equal(r.children(), kids, "processes")
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.mails), 1)


@case("a reload while an old one still drains ends that one: at most five processes")
def _():
    with box(mortal=True) as (r, g):
        held = []
        most = 0
        for n in range(3):
            c = r.session()
            c.start()
            held.append(c)
            r.reload(g.conf() + f"EHLO_Hostname = n{n}.test\n")
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                most = max(most, len(r.pids()))
                time.sleep(0.02)
        within(most, 4, 6, "processes at most")
        held[0].reply("421", 25)
        for c in held:
            c.close()


@case("ten reloads in a row leave three processes, and the descriptors do not grow")
def _():
    with box(mortal=True) as (r, g):
        counts = []
        for n in range(10):
            kids = r.children()
            r.reload(g.conf() + f"EHLO_Hostname = n{n}.test\n")
            wait_for(lambda kids=kids: len(r.children()) == 2 and not r.children() & kids, 60, "the next generation alone")
            counts.append(len(os.listdir(f"/proc/{r.process.pid}/fd")))
        equal(len(r.pids()), 3, "processes")
        within(counts[-1] - counts[1], -2, 0, f"descriptors {counts}")
        with r.session() as c:
            c.mail(wanted="250")


@case("SIGHUP: a listener that is new is bound, one that is gone is closed")
def _():
    with box(mortal=True) as (r, g):
        old = r.address
        r.reload(g.conf() + 'ESMTP_Listener { Listen "127.0.0.2:0" {} }\n')
        def moved():
            r.seen = r.status(fail=False) or r.seen
            return r.address[0] == "127.0.0.2"
        wait_for(moved, 60, "the new listener in status")
        with r.session() as c:
            c.mail(wanted="250")
        def closed():
            try:
                Client(old, wait=1).close()
                return False
            except OSError:
                return True
        wait_for(closed, 60, "the old listener closed")


@case("the log survives a reload: one mail line each, before and after")
def _():
    with box(mortal=True) as (r, g):
        for n in range(3):
            with r.session() as c:
                c.mail(wanted="250")
            kids = r.children()
            r.reload(g.conf() + f"EHLO_Hostname = n{n}.test\n")
            wait_for(lambda kids=kids: not r.children() & kids, 60, "the next generation")
        equal(len(r.events()), 3)


need_binary()
main(jobs=8)
