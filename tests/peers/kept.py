#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Kept connections (DESIGN 2)."""

import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


def fates(gateway):
    return [len([m for m in c.mails if m.whole]) for c in gateway.conns]


@case("two mails of two sessions use one connection, without RSET between")
def _():
    with box() as (r, g):
        for _ in range(2):
            with r.session() as c:
                c.mail(wanted="250")
                c.cmd("QUIT", "221")
        equal(fates(g), [2], "mails per connection")
        equal(g.verbs.count("EHLO"), 1)


@case("two mails of one session use one connection")
def _():
    with box() as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.mail(wanted="250")
        equal(fates(g), [2], "mails per connection")


@cases("{0} of the client ends the gateway's transaction with RSET, and the connection is used again", [
    ("RSET", "250"), ("EHLO again", "250"), ("HELO again", "250"), ("QUIT", "221")])
def _(line, wanted):
    with box() as (r, g):
        c = r.session()
        c.start()
        c.cmd(line, wanted)
        g.conn().wait_line("RSET")
        c.close()
        with r.session() as c:
            c.mail(wanted="250")
        equal(fates(g), [1], "mails per connection")


@cases("{0} refused, no recipient left: RSET, and the connection is used again", [
    ("MAIL", ["550 5.7.1 no", "250 ok"]), ("RCPT", ["550 5.1.1 no", "250 ok"]), ("DATA", ["554 5.7.1 no", "354 go"]),
    ("DOT", ["554 5.7.1 no", "250 ok"]), ("DOT", ["451 4.7.1 later", "250 ok"]), ("RCPT", ["450 4.2.1 no", "250 ok"])])
def _(word, replies):
    with box(**{word: replies}) as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>")
            if word in ("DATA", "DOT") and c.cmd("DATA").code == 354:
                c.send(HELLO + b".\r\n").reply("554|451")
            g.conn().wait_line("RSET")
            c.cmd("NOOP", "250")
            equal(g.verbs.count("RSET"), 1, "RSET commands")
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.conns), 1, "connections")
        equal(len(g.mails), 1, "mails")


@case("each RCPT refused: RSET at once behind the first, a new transaction for the next, the connection stays one")
def _():
    with box(RCPT=["550 5.1.1 no", "450 4.2.1 later", "250 2.1.5 ok"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        for wanted in ("550 5.1.1", "450 4.2.1"):
            c.cmd("RCPT TO:<b@b.test>", wanted)
            wait_for(lambda: g.verbs.count("RSET") == g.verbs.count("MAIL"), 2, "RSET at the gateway")
        c.cmd("RCPT TO:<c@b.test>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(g.one().rcpts, [b"RCPT TO:<c@b.test>"])
        equal(g.verbs.count("MAIL"), 3, "MAIL commands")
        equal(len(g.conns), 1, "connections")


@case("one RCPT accepted: a refusal behind it ends nothing")
def _():
    with box(RCPT=["250 2.1.5 ok", "550 5.1.1 no"]) as (r, g), r.session() as c:
        c.start()
        c.cmd("RCPT TO:<c@b.test>", "550 5.1.1")
        time.sleep(0.2)
        lacks(g.verbs, "RSET")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")


@cases("a failed RSET closes the connection: {0}", [("500 5.5.1 what?",), ("421 bye",), ("451 no",)])
def _(reply):
    with box("", {"RSET": reply}, {}) as (r, g):
        with r.session() as c:
            c.start()
            c.cmd("RSET", "250")
            wait_for(lambda: g.conn().closed, 60, "the connection closed")
            c.mail(wanted="250")
        equal(fates(g), [0, 1], "mails per connection")


@case("a silent RSET is given up after 5 s; nobody waits for it")
def _():
    with box("", {"RSET": SILENT}, {}) as (r, g), r.session() as c:
        c.start()
        start = time.monotonic()
        c.cmd("RSET", "250")
        within(time.monotonic() - start, 0, 1)
        c.mail(wanted="250")
        wait_for(lambda: g.conn().closed, 8, "the silent connection closed")
        within(g.conn().closed - start, 3.5, 7.5)


DEATHS = {"421": "421 4.4.2 idle too long", "close": CLOSE, "reset": RESET, "421 and close": ("421 bye", CLOSE)}


@cases("a kept connection that dies at {0} by {1} is replaced, and the client notices nothing", [
    (w, d) for w in ("MAIL", "RCPT", "DATA") for d in DEATHS])
def _(word, death):
    usual = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go"}[word]
    with box("", {word: [usual, DEATHS[death]]}, {}) as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.mail(wanted="250")
        equal(fates(g), [1, 1], "mails per connection")


@cases("dying at the second RCPT by {0}: MAIL and the first recipient are sent again", [(d,) for d in DEATHS])
def _(death):
    with box("", {"RCPT": ["250 ok", "250 ok", DEATHS[death]]}, {}) as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.start("s@a.test", "x@b.test", "y@b.test", "z@b.test")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(fates(g), [1, 1], "mails per connection")
        equal([ln for ln in g.conns[1].lines if ln.startswith(b"RCPT")],
              [b"RCPT TO:<x@b.test>", b"RCPT TO:<y@b.test>", b"RCPT TO:<z@b.test>"])
        equal(g.conns[1].verbs.count("MAIL"), 1)


@case("dying at DATA: refused recipients are not sent again")
def _():
    with box("", {"RCPT": ["250 ok", "250 ok", "550 5.1.1 no"], "DATA": ["354 go", CLOSE]}, {}) as (r, g):
        with r.session() as c:
            c.mail(wanted="250")
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<x@b.test>", "250")
            c.cmd("RCPT TO:<y@b.test>", "550")
            c.data()
            c.send(HELLO + b".\r\n").reply("250")
        equal(g.mails[1].rcpts, [b"RCPT TO:<x@b.test>"])


@case("another class of reply at the replacement: the gateway counts as failed")
def _():
    with box("", {"DATA": ["354 go", CLOSE]}, {"RCPT": "550 5.1.1 not any more"}) as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.start()
        c.cmd("DATA", "451")
        equal(fates(g)[0], 1)


@case("replaced once only")
def _():
    with box("", {"MAIL": ["250 ok", CLOSE]}, {"MAIL": CLOSE}, {}) as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451")
        equal(len(g.conns), 2, "connections")


@case("a first connection is not replaced")
def _():
    with box("", {"MAIL": CLOSE}, {}) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        equal(len(g.conns), 1, "connections")


@cases("a kept connection that {0} while idle is dropped; the next mail takes a new one", [
    ("is closed", CLOSE), ("is reset", RESET), ("says 421 and is closed", ("421 4.4.2 idle", CLOSE)),
    ("says 421", "421 4.4.2 idle"), ("says something unasked", "250 hello again")])
def _(_name, act):
    first = {"DOT": ("250 2.0.0 ok", 0.3, act)}
    with box("", first, {}) as (r, g), r.session() as c:
        c.mail(wanted="250")
        time.sleep(0.8)
        c.mail(wanted="250")
        equal(fates(g), [1, 1], "mails per connection")


@case("the first reply on a kept connection is awaited for 5 s only, then it is replaced")
def _():
    with box("", {"MAIL": ["250 ok", SILENT]}, {}) as (r, g), r.session() as c:
        c.mail(wanted="250")
        start = time.monotonic()
        c.mail(wanted="250")
        within(time.monotonic() - start, 4, 8)
        equal(fates(g), [1, 1], "mails per connection")


@case("Max_Deliveries_Per_Connection, with QUIT at the end")
def _():
    with box("Max_Deliveries_Per_Connection = 2\n") as (r, g), r.session() as c:
        for _ in range(5):
            c.mail(wanted="250")
        equal(fates(g), [2, 2, 1], "mails per connection")
        g.conn().wait_line("QUIT")


@case("Idle_Timeout, with QUIT")
def _():
    with box("Idle_Timeout = 1s\n") as (r, g), r.session() as c:
        c.mail(wanted="250")
        start = time.monotonic()
        g.conn().wait_line("QUIT", 5)
        within(time.monotonic() - start, 0.5, 3)
        c.mail(wanted="250")
        equal(fates(g), [1, 1])


@case("connections are kept within their delivery key")
def _():
    with Liar() as g, Relay(g.conf() + 'Domain "c.test" { EHLO_Hostname = other.test }\n') as r, r.session() as c:
        c.mail(wanted="250")
        c.mail(recipients=("x@c.test",), wanted="250")
        c.mail(wanted="250")
        c.mail(recipients=("x@c.test",), wanted="250")
        equal(fates(g), [2, 2])
        equal([x.lines[0] for x in g.conns], [b"EHLO box.test", b"EHLO other.test"])


@case("a mail that was withdrawn does not spoil the next")
def _():
    with box("Max_Message_Size = 10k\n") as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.mail(HELLO + b"x" * 20000 + b"\r\n", wanted="552 5.3.4")
        c.mail(wanted="250")
        equal(len(g.mails), 2)


@case("twenty clients at once use at most Max_Outbound_Connections")
def _():
    with box("Max_Outbound_Connections = 3\n", DOT=(0.05, "250 ok")) as (r, g):
        clients = [r.session() for _ in range(20)]
        for c in clients:
            c.send("MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
        pending = list(clients)
        end = time.monotonic() + 20
        while pending and time.monotonic() < end:
            for c in list(pending):
                try:
                    c.sock.settimeout(0.01)
                    data = c.sock.recv(4096)
                except TimeoutError:
                    continue
                c.have += data
                if b"354" in c.have:
                    c.have = b""
                    c.wait = 15
                    c.send(HELLO + b".\r\n").reply("250")
                    pending.remove(c)
        equal(len(pending), 0, "clients without 354")
        for c in clients:
            c.close()
        equal(len(g.mails), 20)
        within(len(g.conns), 1, 3, "connections")


@case("a client that says MAIL and goes leaves a connection that the next one uses")
def _():
    with box() as (r, g):
        c = r.session()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        g.conn().wait_line("EHLO")
        time.sleep(0.2)
        c.cmd("QUIT", "221")
        c.close()
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.conns), 1, "connections")


need_binary()
main()
