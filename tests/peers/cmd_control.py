#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The control socket and status (DESIGN 4)."""

import os
import socket
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


def dial(relay):
    """A connection; the kernel's queue of them is short."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(relay.control)
    sock.settimeout(20)
    return sock


def rest(sock):
    out = b""
    try:
        while data := sock.recv(4096):
            out += data
    except ConnectionError:
        pass
    return out.decode("latin-1")


def ask(relay, request):
    with dial(relay) as sock:
        sock.sendall(request)
        return rest(sock)


@cases("{0}: {2}", [
    ("an unknown request", b"frobnicate\n", "64 "), ("an empty one", b"\n", "64 "), ("status of an unknown form", b"status xml\n", "69 "),
    ("one that is too long", b"x" * 5000, "64 "), ("NULs", b"\0\0\0\n", "64 "), ("CRLF is fine", b"status text\r\n", "0 working\n"),
    ("a gateway that is not in use", b"learned 192.0.2.1:25 ok\n", "0 ")])
def _(_name, request, wanted):
    with box() as (r, _g):
        answer = ask(r, request)
        check(answer.startswith(wanted), repr(answer))
        check(answer.endswith("\n.\n"), repr(answer))
        equal(r.status()["exit"], 0, "status afterwards")


@case("a request cut into octets is one request")
def _():
    with box() as (r, _g), dial(r) as sock:
        for octet in b"status json\n":
            sock.sendall(bytes([octet]))
            time.sleep(0.01)
        check(rest(sock).startswith("0 working\n{"), "the answer")


@case("clients that say nothing are cut off, others wait for their turn")
def _():
    with box() as (r, _g):
        idle = [dial(r) for _ in range(12)]
        start = time.monotonic()
        code, out, err = gatepost("status", "-c", r.conf, wait=60)
        equal(code, 1 if time.monotonic() - start > 8 else 0, f"exit ({out} {err})")
        for sock in idle:
            equal(rest(sock), "", "the answer to nothing")
            sock.close()
        equal(r.status()["exit"], 0, "status afterwards")


@case("a client that reads nothing, or goes away, harms nobody")
def _():
    with box() as (r, _g):
        for _ in range(50):
            with dial(r) as sock:
                sock.sendall(b"status prometheus\n")
        slow = dial(r)
        slow.sendall(b"status json\n")
        equal(r.status()["exit"], 0, "status meanwhile")
        check(rest(slow).endswith("}\n.\n"), "a late reader gets all of it")
        slow.close()


@case("learned is for root and the relay's user")
def _():
    if os.geteuid() != 0:
        raise Skip("needs root to change to another user")
    with box() as (r, g):
        os.chmod(r.control, 0o666)
        code = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                f"s.sendall(b'learned {g.at} ok\\n'); print(s.recv(99).decode())")
        import subprocess
        for user, wanted in ((12345, "77 "), (65534, "0 "), (0, "0 ")):
            out = subprocess.run(["/usr/bin/python3", "-c", code, r.control], user=user, group=user, extra_groups=[],
                                 capture_output=True, text=True, timeout=20, check=False).stdout
            check(out.startswith(wanted), f"user {user}: {out!r}")


@case("a failed send is logged, and does no more")
def _():
    with box() as (r, g):
        ask(r, f"learned {g.at} failed it \x1b[31m fell\n".encode())
        contains(r.wait_log(r"send=failed.*").group(0), "\\x1b")
        equal(r.gateway_state(), "unknown")


@case("status tells of listeners, sessions, gateways, generation; JSON agrees with text")
def _():
    with box() as (r, g):
        with r.session() as c:
            seen = r.status()
            equal((seen["state"], seen["sessions"], seen["generation"], seen["spool"]), ("working", 1, 1, "off"))
            equal(seen["listeners"][0], {"address": f"127.0.0.1:{r.port}", "sessions": 1})
            equal(seen["pid"], r.process.pid, "pid")
            equal(seen["gateways"][0]["state"], "unknown")
            c.mail(wanted="250")
        seen = r.status()
        one = seen["gateways"][0]
        equal((one["gateway"], one["state"], one["addresses"], one["mails"], one["idle"]), (g.at, "up", ["127.0.0.1"], 1, 1))
        equal(seen["mails"], {"sent": 1, "refused": 0, "queued": 0})
        check(one["since"].endswith("Z"), one["since"])
        first = gatepost("status", "-c", r.conf)[1].splitlines()[0]
        equal(first, seen["reason"])
        check(first.startswith(f"working: gateway {g.at} up since "), first)


@case("the first line names the gateway, since when, why, and what it means")
def _():
    with Liar() as g, Relay(g.conf()) as r:
        with r.session() as c:
            c.mail(wanted="250")
        g.stop()
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        code, out, _ = gatepost("status", "-c", r.conf, env={"TZ": "UTC"})
        first = out.splitlines()[0]
        equal(code, 1, "exit")
        check(first.startswith(f"gateway {g.at} is down since "), first)
        contains(first, time.strftime("%H:", time.gmtime()))
        contains(first, "(connection refused); mails are refused")


@case("another gateway of the routes stands in: trouble, but mail flows")
def _():
    with Liar() as g, Relay(f'Routes = ( "127.0.0.1:{refused_port()}" "{g.at}" )\n') as r:
        with r.session() as c:
            c.mail(wanted="250")
        seen = r.status()
        equal((seen["state"], seen["exit"]), ("trouble", 1))
        contains(seen["reason"], f"; mails go to gateway {g.at}")


@case("a gateway that wants a login")
def _():
    with box(MAIL="530 5.7.0 login first") as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        seen = r.status()
        equal(seen["exit"], 1, f"exit ({seen['reason']})")
        contains(seen["reason"], "530 5.7.0 login first")
        contains(seen["reason"], g.at)


@case("a configuration that was broken meanwhile does not hide the relay")
def _():
    with box() as (r, _g):
        with open(r.conf, "a", encoding="ascii") as file:
            file.write("nonsense !\n")
        code, out, err = gatepost("status", "-c", r.conf)
        equal(code, 0, f"exit ({err})")
        contains(out, "working: ")
        contains(err, "gatepost check")


@case("after a reload the new generation answers, and knows only its own")
def _():
    with box(mortal=True) as (r, _g), Liar() as h:
        r.write(h.conf())
        r.reload()
        wait_for(lambda: r.status()["generation"] == 2, 60, "generation 2")
        equal([x["gateway"] for x in r.status()["gateways"]], [h.at])


@cases("no relay: {0}", ["text", "--json", "--prometheus"])
def _(form):
    with Files() as f:
        path = f.put("gatepost.conf", f'Gateway = 10.0.0.1\nControl_Socket = "{f.dir}/none.sock"\n')
        code, out, err = gatepost("status", "-c", path, *([] if form == "text" else [form]))
        equal((code, err), (1, ""), "exit, stderr")
        words = f"gatepost is not running (no answer at {f.dir}/none.sock)"
        wanted = {"text": words + "\n", "--json": '{"state":"trouble","reason":"' + words + '"}\n'}.get(form)
        if wanted:
            equal(out, wanted)
        else:
            contains(out, "\ngatepost_up 0\n")


@case("no access to the socket is told apart from no relay")
def _():
    if os.geteuid() != 0:
        raise Skip("needs root to change to another user")
    with box() as (r, _g):
        code, out, _ = gatepost("status", "-c", r.conf, user=65533)
        equal(code, 1, "exit")
        contains(out, "no access to ")


@case("output that cannot be written is not exit 0")
def _():
    import subprocess
    with box() as (r, _g), open("/dev/full", "wb") as full:
        run = subprocess.run([BINARY, "status", "-c", r.conf], stdout=full, timeout=20, check=False)
        equal(run.returncode, 74, "exit")


need_binary()
main()
