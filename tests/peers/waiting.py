#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Clients that wait for a connection to the gateway (DESIGN section 2: Patience; PEERS 25: one stuck connection stops nothing else)."""

import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


@cases("two clients that fall silent behind {0} do not keep the third out, and go on later", [("MAIL",), ("RCPT",)])
def _(word):
    with box("Max_Outbound_Connections = 2\n") as (r, g):
        silent, third = [r.session(), r.session()], r.session()
        for one in silent:
            one.cmd("MAIL FROM:<a@a.test>", "250")
            if word == "RCPT":
                one.cmd("RCPT TO:<b@b.test>", "250")
        wait_for(lambda: len(g.conns) == 2, 60, "two connections")
        third.mail(wanted="250")
        for one in silent:
            if word == "MAIL":
                one.cmd("RCPT TO:<b@b.test>", "250")
            one.cmd("RCPT TO:<c@b.test>", "250")
            one.data()
            one.send(HELLO + b".\r\n").reply("250")
        wait_for(lambda: len(g.mails) == 3, 60, "three mails")
        equal(sorted(len(m.rcpts) for m in g.mails), [1, 2, 2], "recipients")


@case("a client that uses its connection keeps the other waiting until patience ends: 451 4.3.2")
def _():
    with box("Max_Outbound_Connections = 1\nClient_Patience = 2\n") as (r, g):
        one, other = r.session(), r.session()
        one.start()
        one.data()
        other.cmd("MAIL FROM:<a@a.test>", "250")
        started = time.monotonic()
        other.cmd("RCPT TO:<b@b.test>", "451 4.3.2")
        within(time.monotonic() - started, 1.5, 4, "seconds")
        one.send(HELLO + b".\r\n").reply("250")
        other.cmd("RSET", "250")
        other.mail(wanted="250")


need_binary()
main()
