#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""run --setup: a box whose configuration cannot be used comes up, says so, and is set up (DESIGN 7)."""

import contextlib
import os
import re
import signal
import socket
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.setup import REPLY, first_line, in_setup, new_box, refuses, relays   # noqa: E402
from lib.spool import Folder                                            # noqa: E402

@case("a broken configuration: 451, status, log; a good one and SIGHUP end it")
def _():
    with Liar() as g, new_box('Gatewya = "127.0.0.1"\n') as r:
        in_setup(r, 'error: unknown option "Gatewya": is Gateway meant?')
        contains(first_line(r)[1], r.conf + ":")
        refuses(r)
        r.wait_log(r'setup mode=on reason=".*Gatewya')
        mail = r.event("mail")
        equal((mail["status"], mail["gateway"], mail["from"]), ("refused", "none", "<a@dev.test>"))
        equal(mail["reply"], "451 4.3.5 " + REPLY)
        equal(r.status()["mails"]["refused"], 4 // 2, "mails refused")
        idle = r.session()
        r.reload(g.conf())
        relays(r, g)
        r.wait_log("setup mode=off")
        code, line = first_line(r)
        equal(code, 0, line)
        idle.cmd("MAIL FROM:<a@dev.test>", "451")       # a session of before goes on as it began
        idle.close()


@case("all errors are told at the start, as without --setup")
def _():
    with new_box('Gatewya = "127.0.0.1"\nMax_Message_Size = many\n') as r:
        log = r.log()
        check(re.search(r"gatepost.conf:\d+:1: error: .*Gatewya", log) and re.search(r"gatepost.conf:\d+:20: error: ", log), log)


@cases("{0}: setup mode", [
    ("a stanza that is not closed", 'Gateway = "127.0.0.1"\nDomain "x" {\n', "this { is not closed"),
    ("binary rubbish", "\0\1\2\xff\xfe}{=\n" * 50, "error: "),
    ("an own address as the gateway", 'ESMTP_Listener { Listen "127.0.0.1:2525" {} }\nGateway = "127.0.0.1:2525"\n', "is this relay itself"),
    ("a certificate that is not there", 'Gateway = "127.0.0.1:9"\nTLS_Certificate = no.crt\nTLS_Key = no.key\n', "TLS_Certificate"),
    ("more than there is memory for", "".join(f'Domain "d{n}.test" {{ Gateway = 10.0.0.1 }}\n' for n in range(9000)), "error: ")])
def _(_name, text, reason):
    with new_box(text) as r:
        in_setup(r, reason)
        refuses(r)


@case("without a gateway: its own listener, name and users count, but neither spool nor gateway")
def _():
    with Folder() as spool, Liar() as g:
        text = f'ESMTP_Listener {{ Listen "127.0.0.1:0" {{}} Listen "[::1]:0" {{}} }}\nSpoolbase = "{spool.path}"\n'
        with Relay(text, arguments=("--setup",), hostname="scanbox.test") as r:
            in_setup(r, f"the configuration {r.conf} names no gateway")
            equal(r.status()["spool"], "off")
            equal(len(r.children()), 2, "processes")
            with r.client() as c:
                contains(c.reply("220").text, "scanbox.test")
            refuses(r)
            check(not os.path.exists(spool.path), "a spool was made")
            six = [a for a in r.addresses if a[0] == "::1"]
            with Client(six[0]) as c:
                c.hello()
                contains(c.cmd("MAIL FROM:<>", "451 4.3.5").text, "open http://[::1]/")
            r.reload(text + g.conf())
            relays(r, g)
            equal(r.status()["spool"], "fallback")


@case("still broken after SIGHUP: it says what is wrong now")
def _():
    with new_box("Gatewya = x\n", mortal=True) as r:
        in_setup(r, "Gatewya")
        r.reload("Hostname = scan.test\n")
        in_setup(r, "names no gateway")
        r.reload('Gateway = "10.0.0.1"\nSpool = fallback\n')
        in_setup(r, "Spool")


@cases("a good configuration stays in force when the next one {0}", [
    ("is broken", lambda r, g: r.reload("Gatewya = x\n")),
    ("names no gateway", lambda r, g: r.reload("")),
    ("is gone", lambda r, g: (os.unlink(r.conf), r.signal(signal.SIGHUP)))])
def _(_name, spoil):
    with Liar() as g, new_box(g.conf()) as r:
        spoil(r, g)
        r.wait_log("not reloaded, everything stays as it was")
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.mails), 1)
        lacks(r.log(), "setup mode=on")
        r.write(g.conf())


@case("without --setup nothing of that: 78, 64 for its options")
def _():
    with Files(a__conf="Gatewya = x\n") as f:
        conf = os.path.join(f.dir, "a.conf")
        equal(gatepost("run", "-c", conf)[0], 78)
        equal(gatepost("run", "-c", os.path.join(f.dir, "none.conf"))[0], 78)
        equal(gatepost("run", "-c", conf, "--listen", ":0")[0], 64)
        equal(gatepost("run", "-c", conf, "--offer", "x")[0], 64)
        code, _, err = gatepost("run", "-c", conf, "--setup", "--listen", "nonsense")
        equal(code, 78)
        contains(err, "nonsense")


@case("a listener that cannot be opened: setup mode instead of an end")
def _():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = f'Gateway = "127.0.0.1:9"\nESMTP_Listener {{ Listen "127.0.0.1:{port}" {{}} }}\n'
        with new_box(text) as r:
            in_setup(r, f"127.0.0.1:{port}")
            refuses(r)
            other.close()
            r.signal(signal.SIGHUP)
            wait_for(lambda: r.status().get("setup") is False, what="the end of setup mode")
            r.wait_ready()
            equal(r.port, port)


@case("sendmail on the box itself: come again later, and where to look")
def _():
    with new_box("Gatewya = x\n") as r:
        code, _, err = gatepost("-C", r.conf, "b@b.test", argv0="sendmail", stdin=b"Subject: x\n\nx\n")
        equal(code, 75, err)
        contains(err, "not set up yet: gatepost status tells why")


@case("an engine that dies in setup mode is started again in setup mode")
def _():
    with new_box("Gatewya = x\n", mortal=True) as r:
        refuses(r)
        for pid in r.children():
            with contextlib.suppress(ProcessLookupError):      # it may follow the one before it by itself
                os.kill(pid, signal.SIGKILL)
        r.wait_log("was ended by")
        r.wait_ready()
        in_setup(r, "Gatewya")
        refuses(r)


need_binary()
main()
