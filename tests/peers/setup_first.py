#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The first start of a box: no configuration, port 25, the usual control socket; in namespaces of its own (DESIGN 7)."""

import os
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402

need_binary()
ns.enter(addresses=("10.97.0.7/24", "10.97.0.8/24", "2001:db8::7/64"))
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run"], check=True, timeout=10)
CONTROL = "/run/gatepost/control.sock"


class Box(Relay):
    """A relay without a configuration of its own: its control socket is where all look for it."""

    def __init__(self, text=None, arguments=(), ready=True):
        super().__init__("", arguments=("--setup", *arguments), start=False, mortal=True)
        self.control = CONTROL
        os.unlink(self.conf)
        if text is not None:
            self.put(text)
        try:
            self.start(ready)
        except BaseException:
            self.kill()
            raise

    def put(self, text):
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(text)


def mail_to(address):
    with Client((address, 25)) as c:
        c.hello()
        return c.cmd("MAIL FROM:<a@dev.test>", "451 4.3.5").text


@case("no configuration: each client is told the address that it came to")
def _():
    with Box() as r:
        code, out, _ = gatepost("status", "-c", r.conf)
        equal(code, 1)
        equal(out.splitlines()[0], f"not set up yet, mails are refused: there is no configuration {r.conf}")
        lacks(r.log(), "error: ")
        for address in ("10.97.0.7", "10.97.0.8", "127.0.0.1"):
            contains(mail_to(address), f"not set up yet: open http://{address}/")
        contains(mail_to("2001:db8::7"), "not set up yet: open http://[2001:db8::7]/")
        with Liar(host="10.97.0.8", port=2525) as g:
            r.put(g.conf() + "User = nobody\n")
            r.signal(signal.SIGHUP)
            wait_for(lambda: r.status().get("setup") is False, what="the end of setup mode")
            with Client(("10.97.0.7", 25)) as c:
                c.hello()
                c.mail(wanted="250")
            equal(len(g.mails), 1)


@case("no configuration, a gateway is offered: it relays")
def _():
    with Liar(host="10.97.0.8", port=25) as g, Files(offer="10.97.0.8\n") as f:
        with Box(arguments=("--listen", "10.97.0.7:25", "--offer", os.path.join(f.dir, "offer"))) as r:
            equal(r.status()["gateways"][0]["gateway"], "10.97.0.8:25")
            with Client(("10.97.0.7", 25)) as c:
                c.hello()
                c.mail(wanted="250")
            equal(len(g.mails), 1)
            r.wait_log("setup gateway=offered")


@cases("no configuration, the box itself is offered: {0}: it says so, and relays to nobody", [
    ("10.97.0.7", "10.97.0.7:25 is this relay itself, which listens there"), ("127.0.0.1", "127.0.0.1 is this box itself")])
def _(address, reason):
    with Files(offer=address + "\n") as f, Box(arguments=("--offer", os.path.join(f.dir, "offer"))) as r:
        said = f"there is no configuration {r.conf}; the gateway that the network (DHCP) offers is refused: {reason}"
        contains(gatepost("status", "-c", r.conf)[1].splitlines()[0], said)
        r.wait_log("setup mode=on reason=.* is refused: ")
        lacks(r.log(), ": error: ")
        contains(mail_to("10.97.0.8"), "not set up yet: open http://10.97.0.8/")


@case("a control socket that cannot be made: setup mode at the usual one")
def _():
    with Box('Control_Socket = "/proc/none/control.sock"\nGateway = "10.97.0.8:2525"\n', ready=False) as r:
        r.wait_log("serve version=")
        code, out, _ = wait_for(lambda: os.path.exists(CONTROL) and gatepost("status"), what="an answer")
        equal(code, 1)
        check(out.startswith("not set up yet, mails are refused: cannot listen on /proc/none/control.sock"), out)
        contains(mail_to("10.97.0.7"), "http://10.97.0.7/")


@case("the port is another's: it ends with 69, as without --setup")
def _():
    with socket.create_server(("", 25)):
        code, _, err = gatepost("run", "-c", "/run/none.conf", "--setup")
        equal(code, 69, err)
        contains(err, "25")


main(jobs=1)
