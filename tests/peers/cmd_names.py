#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost send and the name server (DESIGN 3.1)."""

import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402

need_binary()
ns.enter(addresses=("10.98.0.1/32", "10.98.0.2/32"))
dns = ns.Dns({("gw.test", "A"): ["10.98.0.1"], ("two.test", "A"): ["10.98.0.1", "10.98.0.2"],
              ("mail.test", "MX"): [(10, "gw.test")], ("broken.test", "*"): "servfail"})


def send(gateway, port=0, more=""):
    with Files() as f:
        at = f"{gateway}:{port}" if port else gateway
        path = f.put("gatepost.conf", f'Gateway = "{at}"\nHostname = box.test\nControl_Socket = "{f.dir}/c"\nUser = nobody\n{more}')
        return gatepost("send", "-c", path, "-v", "you@b.test", wait=60)


@case("the address of the name is dialled")
def _():
    with Liar(host="10.98.0.1") as g:
        code, out, _ = send("gw.test", g.port)
        equal(code, 0, f"exit ({out})")
        contains(out, f"accepted by gateway gw.test:{g.port}: ")


@case("MX where the name has no address, and only without a port")
def _():
    with Liar(host="10.98.0.1") as g:
        code, out, _ = send("mail.test", 0, f"Remote_SMTP_Port = {g.port}\n")
        equal(code, 0, f"exit ({out})")
        equal(len(g.mails), 1, "mails")
        code, out, _ = send("mail.test", g.port)
        check(code in (68, 75), f"exit {code} ({out})")
        equal(len(g.mails), 1, "mails")


@case("the second address is tried when the first one fails")
def _():
    with Liar(host="10.98.0.2") as g:
        code, out, _ = send("two.test", g.port)
        equal(code, 0, f"exit ({out})")


@case("a name that does not exist: exit 68 and the name")
def _():
    code, out, _ = send("nobody.test", 25)
    equal(code, 68, f"exit ({out})")
    contains(out, "gateway nobody.test:25 failed: ")


@case("a name server that fails: exit 75")
def _():
    code, out, _ = send("broken.test", 25)
    equal(code, 75, f"exit ({out})")


main(jobs=2)
