# SPDX-License-Identifier: ISC
"""A box in setup mode, and out of it."""

from .relay import Relay, gatepost
from .tap import check, contains, equal, wait_for

SETUP = ("--setup", "--listen", "127.0.0.1:0")
REPLY = "not set up yet: open http://127.0.0.1/"


def new_box(text, *more, **how):
    return Relay(text, arguments=(*SETUP, *more), **how)


def first_line(r):
    code, out, _ = gatepost("status", "-c", r.conf)
    return code, out.splitlines()[0]


def in_setup(r, reason):
    """It is in setup mode, for this reason; all that can be seen of it says so."""
    now = wait_for(lambda: (s := r.status()).get("setup") and reason in s["reason"] and s, what=f"setup mode: {reason}")
    equal((now["exit"], now["state"], now["gateways"]), (1, "trouble", []))
    code, line = first_line(r)
    equal(code, 1, "exit of status")
    check(line.startswith("not set up yet, mails are refused: "), line)
    contains(line, reason)


def refuses(r, reply=REPLY):
    """A mail gets the 451, the session goes on."""
    with r.session() as c:
        for _ in range(2):
            got = c.cmd("MAIL FROM:<a@dev.test>", "451 4.3.5")
            equal(got.text.split(" ", 1)[1], reply, "the reply")
            c.cmd("RCPT TO:<b@b.test>", "503")
            c.cmd("DATA", "503")
        c.cmd("RSET", "250")
        c.cmd("QUIT", "221")


def relays(r, g):
    """It works: a mail arrives."""
    wait_for(lambda: r.status().get("setup") is False, what="the end of setup mode")
    r.wait_ready()
    before = len(g.mails)
    with r.session() as c:
        c.mail(wanted="250")
    equal(len(g.mails), before + 1, "mails at the gateway")
