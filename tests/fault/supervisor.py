#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The supervisor in trouble: ports, interfaces, sockets, signals and logs that are not as they should be."""

import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib import ns, tap                                                 # noqa: E402
from lib.relay import Files, descendants                                # noqa: E402

NOBODY = 65534


def listener(*where, more=""):
    return "ESMTP_Listener { " + " ".join(f'Listen "{w}" {{}}' for w in where) + f" {more} }}\n"


def greeted(host, port, seconds=10):
    """A client gets its greeting there, sooner or later."""
    def once():
        try:
            with Client((host, port), wait=2) as c:
                c.reply("220")
                return True
        except (OSError, Failed):
            return False
    wait_for(once, seconds, f"a greeting at {host} port {port}")


def refused(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(3)
        check(s.connect_ex((host, port)) != 0, f"{host} port {port} is still served")


def run(conf, *more, wait=20, user=None):
    return gatepost("run", "-c", conf, *more, wait=wait, user=user)


GATEWAY = "Gateway = 127.0.0.1:9\n"


# --- listeners over a reload ---

@case("a reload from :P to *:P to an address and back: each in turn, though they exclude each other")
def _():
    with Relay(GATEWAY + listener(":2101"), mortal=True) as r:
        greeted("127.0.0.1", 2101)
        greeted("::1", 2101)
        for where, there, gone in (("*:2101", "127.0.0.1", "::1"), ("[::1]:2101", "::1", "127.0.0.1"),
                                   ("127.0.0.1:2101", "127.0.0.1", "::1"), (":2101", "::1", None)):
            r.reload(GATEWAY + listener(where))
            greeted(there, 2101)
            if gone:
                wait_for(lambda h=gone: not reachable(h, 2101), 60, f"{gone} to be left")


def reachable(host, port):
    try:
        refused(host, port)
        return False
    except Failed:
        return True


@case("a reload that cannot bind is reported and nothing changes")
def _():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 2103))
        other.listen()
        with Relay(GATEWAY + listener(":2102")) as r:
            # *:2102 must step in for :2102 before the second fails, and that is taken back
            r.reload(GATEWAY + listener("*:2102", "127.0.0.1:2103"))
            r.wait_log("not reloaded.*127.0.0.1:2103.*another program")
            greeted("127.0.0.1", 2102)
            greeted("::1", 2102)
            equal(r.children(), r.kids, "the processes")


@case("two listeners on ports of the kernel's choice are two, and stay over a reload")
def _():
    with Relay(GATEWAY + listener("127.0.0.1:0", "127.0.0.2:0"), mortal=True) as r:
        before = [a for a in r.addresses if isinstance(a, tuple)]
        equal(len(set(before)), 2, "addresses")
        r.reload()
        r.wait_log("generation=2")
        for host, port in before:
            greeted(host, port)


@case("a Unix socket as listener; a reload without it removes it")
def _():
    with Files() as f:
        path = os.path.join(f.dir, "new", "mail.sock")
        with Relay(GATEWAY + listener(path, "127.0.0.1:2104"), mortal=True) as r:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(path)
                check(s.recv(200).startswith(b"220 "), "no greeting")
            r.reload(GATEWAY + listener("127.0.0.1:2104"))
            wait_for(lambda: not os.path.exists(path), 60, "the socket to go")
            greeted("127.0.0.1", 2104)


@case("an address that is not there yet is bound all the same")
def _():
    with Relay(GATEWAY + listener("198.51.100.7:2105", "127.0.0.1:2105")):
        ns.ip("addr add 198.51.100.7/32 dev lo")
        greeted("198.51.100.7", 2105)


@case("an interface gets another address: local means its network too, without a reload")
def _():
    ns.interface("fault0", "10.81.1.1/24")
    with Relay(GATEWAY + listener("fault0:2106", more='Relay_Hosts = ("local")'), mortal=True) as r:
        ns.ip("addr add 10.82.1.1/24 dev fault0")
        r.wait_log("networks listened on have changed(?s:.*)generation=2")


@case("an interface that was taken away and came back is listened on again")
def _():
    ns.interface("fault1", "10.83.1.1/24")
    with Relay(GATEWAY + listener("fault1:2107"), mortal=True) as r:
        ns.ip("link del fault1")
        time.sleep(0.3)
        ns.interface("fault1", "10.83.1.1/24")
        r.wait_log("generation=[23]")
        bound = subprocess.run(["ss", "-Hltn", "sport", "=", ":2107"], capture_output=True, text=True, timeout=10)
        if bound.returncode == 0:
            contains(bound.stdout, "%fault1:2107", "listening sockets")


@case("an interface that is not there: one clear line, not 0")
def _():
    with Files(gatepost__conf="") as f:
        conf = f.put("gatepost.conf", f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener("nosuch0:2108"))
        code, _out, err = run(conf)
        equal(code, 69, "exit status")
        contains(err, "cannot listen on nosuch0:2108: there is no interface nosuch0")


# --- what is in the way at the start ---

@case("a port below 1024 without root: what to do is said")
def _():
    with Files() as f:
        os.chmod(f.dir, 0o777)
        conf = f.put("gatepost.conf", f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener(":25"))
        code, _out, err = run(conf, user=NOBODY)
        equal(code, 77, "exit status")
        contains(err, "cannot listen on :25: Permission denied (ports below 1024 need root)")


@case("without root the default control socket may be out of reach: a warning, and it serves")
def _():
    with Files() as f:
        conf = f.put("gatepost.conf", GATEWAY + listener("127.0.0.1:2109"))
        p = subprocess.Popen([BINARY, "run", "-c", conf], stderr=subprocess.PIPE, user=NOBODY, group=NOBODY, extra_groups=[])
        tap.child(p.pid)
        try:
            greeted("127.0.0.1", 2109)
        finally:
            p.terminate()
            err = p.communicate(timeout=31)[1].decode()
            tap.forget(p.pid)
        equal(p.returncode, 0, "exit status")
        contains(err, "no control socket")


@case("a relay that runs at the same control socket is not disturbed, the second refused")
def _():
    with Relay(GATEWAY + listener("127.0.0.1:2110")) as r:
        with Files() as f:
            conf = f.put("gatepost.conf", f'Control_Socket = "{r.control}"\n' + GATEWAY + listener("127.0.0.1:2111"))
            code, _out, err = run(conf)
            equal(code, 69, "exit status")
            contains(err, "another relay is running there")
        greeted("127.0.0.1", 2110)
        check(r.status(), "the first one answers no more")


@case("killed outright: its children die with it, and the next start finds its way")
def _():
    with Relay(GATEWAY + listener("127.0.0.1:2112"), mortal=True) as r:
        kids = r.children()
        r.process.kill()
        r.process.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{k}/exe") for k in kids), 60, "the children to go")
        check(os.path.exists(r.control), "the socket was removed by a dead process")
        r.start()
        greeted("127.0.0.1", 2112)


@case("something that is no socket where the control socket should be is left alone")
def _():
    with Files() as f:
        conf = f.put("gatepost.conf", f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener("127.0.0.1:2113"))
        f.put("c.sock", "precious")
        code, _out, err = run(conf)
        equal(code, 73, "exit status")
        contains(err, "not a socket")
        with open(os.path.join(f.dir, "c.sock"), encoding="ascii") as file:
            equal(file.read(), "precious")


@case("a listener that fails leaves no control socket behind")
def _():
    with socket.socket() as other, Files() as f:
        other.bind(("127.0.0.1", 2114))
        other.listen()
        conf = f.put("gatepost.conf", f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener("127.0.0.1:2114"))
        code, _out, err = run(conf)
        equal(code, 69, "exit status")
        contains(err, "another program listens there")
        equal(os.listdir(f.dir), ["gatepost.conf"], "the folder")


# --- in the background ---

def detached(conf):
    """The relay that `run -d` left behind."""
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if conf.encode() in file.read() and os.getsid(int(pid)) == int(pid):
                    return int(pid)
        except (ValueError, OSError):
            pass
    return None


@case("run -d returns once it serves, and lets go of terminal, pipes and folder")
def _():
    with Files() as f:
        name = f"detached.{os.getpid()}.conf"
        f.put(name, f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener("127.0.0.1:2115"))
        # communicate() would wait for any process that holds the pipes
        code, out, err = gatepost("run", "-d", "-c", name, cwd=f.dir, wait=15)
        pid = detached(name)
        try:
            equal(code, 0, f"exit status ({err})")
            equal(out, "", "standard output")
            with Client(("127.0.0.1", 2115)) as c:  # at once, no waiting
                c.reply("220")
            check(pid, "no relay is left in the background")
            equal(os.readlink(f"/proc/{pid}/cwd"), "/", "folder")
            for one in (pid, *descendants(pid)):
                equal({os.readlink(f"/proc/{one}/fd/{n}") for n in (0, 1, 2)}, {"/dev/null"}, "standard descriptors")
        finally:
            if pid:
                os.kill(pid, signal.SIGTERM)
                wait_for(lambda: not os.path.exists(f"/proc/{pid}/exe") or "Z" in proc_state(pid), 31, "its end")


def proc_state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@case("run -d that cannot start says why, with the exit status of its cause")
def _():
    with Files() as f:
        conf = f.put("gatepost.conf", "Gateway = 1.2.3.4.5.6:x\n")
        code, _out, err = run(conf, "-d")
        equal(code, 78, "exit status")
        contains(err, "gatepost.conf:1:")
        with socket.socket() as other:
            other.bind(("127.0.0.1", 2116))
            other.listen()
            conf = f.put("gatepost.conf", f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener("127.0.0.1:2116"))
            code, _out, err = run(conf, "-d")
            equal(code, 69, "exit status")
            contains(err, "cannot listen on 127.0.0.1:2116")


# --- signals and logs ---

@case("SIGHUPs that come while it starts are not lost")
def _():
    with Relay(GATEWAY + "EHLO_Hostname = one.test\n" + listener("127.0.0.1:2117"), ready=False, mortal=True) as r:
        for _ in range(20):
            r.signal(signal.SIGHUP) if os.path.exists(r.control) else time.sleep(0.005)
        r.wait_ready()
        r.reload(GATEWAY + listener("127.0.0.1:2117", "127.0.0.1:2118"))
        greeted("127.0.0.1", 2118)
        wait_for(lambda: len(r.children()) == 2, 60, "one generation")


@case("a standard error that nobody reads stops nothing")
def _():
    read, write = os.pipe()
    with Files() as f:
        conf = f.put("gatepost.conf", f'Control_Socket = "{f.dir}/c.sock"\n' + GATEWAY + listener("127.0.0.1:2119"))
        p = subprocess.Popen([BINARY, "run", "-c", conf], stderr=write)
        tap.child(p.pid)
        os.close(write)
        try:
            greeted("127.0.0.1", 2119)
            for _ in range(700):   # each a line: the pipe holds some 500
                with socket.create_connection(("127.0.0.1", 2119), 5) as s:
                    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    while s.recv(500):
                        pass
            greeted("127.0.0.1", 2119)
            os.kill(p.pid, signal.SIGHUP)
            time.sleep(0.3)
            greeted("127.0.0.1", 2119)
        finally:
            start = time.monotonic()
            p.terminate()
            p.wait(31)
            tap.forget(p.pid)
            os.close(read)
        equal(p.returncode, 0, "exit status")
        within(time.monotonic() - start, 0, 10)


@case("a reload to another user's control socket path: the old one goes, the new one serves")
def _():
    with Relay(GATEWAY + listener("127.0.0.1:2120"), mortal=True) as r:
        before = r.control
        r.control = os.path.join(r.dir, "more", "other.sock")
        r.reload(GATEWAY + listener("127.0.0.1:2120"))
        r.wait_log("generation=2")
        wait_for(lambda: r.status(fail=False), 60, "an answer at the new socket")
        check(not os.path.exists(before), "the old socket is still there")
        equal(oct(os.stat(r.control).st_mode & 0o777), "0o660", "mode")
        equal(oct(os.stat(os.path.join(r.dir, "more", "submit.sock")).st_mode & 0o777), "0o666", "mode of submit.sock")


if __name__ == "__main__":
    need_binary()
    ns.enter()
    tap.main()
