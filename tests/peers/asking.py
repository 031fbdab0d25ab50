#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Who is asked when (DESIGN 2), and what is said to the gateway (DESIGN 2, 3.5)."""

import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


@case("MAIL is answered by the box; dialling and EHLO begin at it, but no MAIL goes out before the first RCPT")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250 2.1.0")
        g.conn().wait_line("EHLO")
        time.sleep(0.3)
        equal(g.verbs, ["EHLO"], "asked at the gateway")


@case("MAIL is answered while the gateway is still silent")
def _():
    with box(GREETING=SILENT) as (r, g), r.session() as c:
        start = time.monotonic()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        within(time.monotonic() - start, 0, 1)


@case("no connection is made before MAIL")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("NOOP", "250")
        time.sleep(0.3)
        equal(len(g.conns), 0, "connections")


@case("a client that may not relay causes no connection at its MAIL")
def _():
    with box('Relay_Hosts = ( "10.0.0.0/8" )\n') as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        time.sleep(0.3)
        equal(len(g.conns), 0, "connections")
        c.cmd("RCPT TO:<b@b.test>", "550 5.7.1")
        equal(len(g.conns), 0, "connections")


@case("where two gateways are possible the first RCPT chooses, and nothing is dialled at MAIL")
def _():
    with Liar() as h, box() as (r, g):
        r_text = g.conf() + f'Domain "b.test" {{ Gateway = "{h.at}" }}\n'
        with Relay(r_text) as two, two.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            time.sleep(0.3)
            equal((len(g.conns), len(h.conns)), (0, 0), "connections at MAIL")
            c.cmd("RCPT TO:<b@b.test>", "250")
            equal((len(g.conns), len(h.conns)), (0, 1), "connections at RCPT")


@case("MAIL and the first RCPT go out together where PIPELINING is offered")
def _():
    seen = []

    def mail(conn, _line):
        seen.append(peek(conn, b"RCPT TO:<b@b.test>"))
        return "250 ok"
    with box(MAIL=mail) as (r, _g), r.session() as c:
        c.start()
        equal(seen, [True], "RCPT there before MAIL was answered")


@case("one after the other where it is not")
def _():
    seen = []

    def mail(conn, _line):
        seen.append(peek(conn, b"RCPT", 0.5))
        return "250 ok"
    with box(MAIL=mail, EXTENSIONS=["SIZE 1000000"]) as (r, _g), r.session() as c:
        c.start()
        equal(seen, [False], "RCPT there before MAIL was answered")


@case("a refusal of MAIL is the answer to that RCPT and to each later one")
def _():
    with box(MAIL="550 5.7.60 client does not have permissions to send as this sender") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        for one in ("b@b.test", "c@b.test", "d@b.test"):
            got = c.cmd(f"RCPT TO:<{one}>", "550 5.7.60")
            contains(got.text, "client does not have permissions to send as this sender")
        equal(g.verbs.count("MAIL"), 1, "MAIL commands at the gateway")


@case("a 4xx to MAIL likewise")
def _():
    with box(MAIL="450 4.2.1 limit exceeded") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "450 4.2.1").text, "limit exceeded")
        c.cmd("RCPT TO:<c@b.test>", "450 4.2.1")
        c.cmd("DATA", "451")


@case("each RCPT is asked before it is answered")
def _():
    with box(RCPT=["250 2.1.5 one", (0.7, "250 2.1.5 two")]) as (r, _g), r.session() as c:
        c.start()
        start = time.monotonic()
        got = c.cmd("RCPT TO:<c@b.test>", "250 2.1.5")
        within(time.monotonic() - start, 0.6, 5)
        contains(got.text, "two")


@case("DATA is forwarded when at least one RCPT was accepted; the refused ones are not in it")
def _():
    with box(RCPT=["550 5.1.1 no such user", "250 ok", "450 4.2.1 later"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<x@b.test>", "550 5.1.1")
        c.cmd("RCPT TO:<y@b.test>", "250")
        c.cmd("RCPT TO:<z@b.test>", "450 4.2.1")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(g.one().rcpts, [b"RCPT TO:<y@b.test>"], "accepted at the gateway")


@case("every RCPT refused: DATA is 554 5.5.1 and not forwarded")
def _():
    with box(RCPT="550 5.1.1 no such user") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<x@b.test>", "550 5.1.1")
        c.cmd("DATA", "554 5.5.1")
        lacks(g.verbs, "DATA", "asked at the gateway")


@case("one RCPT put off, none accepted: DATA is 451")
def _():
    with box(RCPT=["550 5.1.1 no", "450 4.2.1 later"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<x@b.test>", "550")
        c.cmd("RCPT TO:<y@b.test>", "450")
        c.cmd("DATA", "451")
        lacks(g.verbs, "DATA", "asked at the gateway")


@case("the gateway failed at RCPT: DATA is 451")
def _():
    with box(RCPT=CLOSE) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<x@b.test>", "451 4.4.2")
        c.cmd("RCPT TO:<y@b.test>", "451 4.4.2")
        c.cmd("DATA", "451")


@case("DATA without MAIL or without RCPT is out of sequence")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("DATA", "503 5.5.1")
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("DATA", "503 5.5.1|554 5.5.1")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()


@case("the 354 comes only after the gateway's")
def _():
    with box(DATA=(0.7, "354 go")) as (r, _g), r.session() as c:
        c.start()
        start = time.monotonic()
        c.data()
        within(time.monotonic() - start, 0.6, 5)


@case("a refusal of DATA goes to the client, and ends the gateway's transaction with RSET")
def _():
    with box(DATA="554 5.7.1 no data from you") as (r, g), r.session() as c:
        c.start()
        contains(c.cmd("DATA", "554 5.7.1").text, "no data from you")
        g.conn().wait_line("RSET")
        c.cmd("NOOP", "250")


@case("the final 250 comes only after the gateway's, with its text")
def _():
    with box(DOT=(0.7, "250 2.0.0 Ok: queued as 8F1B2")) as (r, _g), r.session() as c:
        c.start()
        c.data()
        start = time.monotonic()
        got = c.send(HELLO + b".\r\n").reply("250 2.0.0")
        within(time.monotonic() - start, 0.6, 5)
        contains(got.text, "Ok: queued as 8F1B2")


@cases("a refusal of the end of data goes to the client: {0}", [
    "550 5.7.1 looks like spam", "552 5.3.4 too big for us", "554 5.6.0 bad content", "451 4.7.1 greylisted",
    "452 4.3.1 disk full"])
def _(reply):
    with box(DOT=reply) as (r, g), r.session() as c:
        got = c.mail()
        equal(f"{got.code} {got.text}", reply, "reply")
        g.conn().wait_line("RSET")
        equal(len(g.mails), 0, "mails accepted")


@case("all commands in one packet are answered in order")
def _():
    with box() as (r, g), r.session() as c:
        c.send("MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nRCPT TO:<c@b.test>\r\nDATA\r\n")
        for wanted in ("250", "250", "250", "354"):
            c.reply(wanted)
        c.send(HELLO + b".\r\nQUIT\r\n")
        c.reply("250")
        c.reply("221")
        c.eof()
        equal([x.split(b" ")[0] for x in g.one().rcpts], [b"RCPT", b"RCPT"])


@case("pipelined with a refused RCPT: each reply at its place")
def _():
    with box(RCPT=["250 2.1.5 one", "550 5.1.1 two", "250 2.1.5 three"]) as (r, g), r.session() as c:
        c.send("MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nRCPT TO:<c@b.test>\r\nRCPT TO:<d@b.test>\r\nDATA\r\n")
        for wanted in ("250", "250 2.1.5", "550 5.1.1", "250 2.1.5", "354"):
            c.reply(wanted)
        c.send(HELLO + b".\r\n").reply("250")
        equal(g.one().rcpts, [b"RCPT TO:<b@b.test>", b"RCPT TO:<d@b.test>"])


@case("a whole session sent blind, body included, is worked through")
def _():
    with box() as (r, g), r.client() as c:
        c.send(b"EHLO d\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n" + HELLO + b".\r\nQUIT\r\n")
        for wanted in ("220", "250", "250", "250", "354", "250", "221"):
            c.reply(wanted)
        contains(g.one().text, b"hello")


@case("DATA, never BDAT, even where CHUNKING and BINARYMIME are offered")
def _():
    with box(EXTENSIONS=["PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME"], BDAT="552 5.3.4 no") as (r, g):
        with r.session() as c:
            c.mail(wanted="250")
        lacks(g.verbs, "BDAT", "asked at the gateway")


@case("one EHLO on a gateway's connection, none between two mails")
def _():
    with box() as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.mail(wanted="250")
        equal(g.verbs.count("EHLO"), 1, "EHLO commands")


@cases("SIZE to the gateway: {0}", [
    ("declared plus 1,024", " SIZE=5000", ("PIPELINING", "SIZE 1000000"), b" SIZE=6024"),
    ("none where the client declared none", "", ("PIPELINING", "SIZE 1000000"), None),
    ("none where the gateway does not offer it", " SIZE=5000", ("PIPELINING",), None)])
def _(_name, declared, offered, wanted):
    with box(EXTENSIONS=offered) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>" + declared, "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        got = g.conn().wait_line("MAIL")
        if wanted:
            contains(got, wanted)
        else:
            lacks(got.upper(), b"SIZE")


@cases("BODY=8BITMIME goes on where offered, else not: offered {0}", [(True,), (False,)])
def _(offered):
    extensions = ["PIPELINING"] + (["8BITMIME"] if offered else [])
    with box(EXTENSIONS=extensions) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> BODY=8BITMIME", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(b"Subject: x\r\n\r\nfa\xc3\xa7ade \xe9\r\n.\r\n").reply("250")
        equal(b"BODY=8BITMIME" in g.one().sender.upper(), offered, "BODY=8BITMIME at the gateway")
        contains(g.one().text, b"fa\xc3\xa7ade \xe9\r\n")


@case("8-bit content that was not announced passes as it is, without BODY")
def _():
    with box(EXTENSIONS=["PIPELINING"]) as (r, g), r.session() as c:
        c.mail(b"Subject: x\r\n\r\n\xe4\xf6\xfc\xff\x80\r\n", wanted="250")
        contains(g.one().text, b"\xe4\xf6\xfc\xff\x80\r\n")
        lacks(g.one().sender.upper(), b"BODY")


UTF8 = "jos\u00e9@b.test".encode()


@case("SMTPUTF8 goes on where it is offered")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd(b"MAIL FROM:<a@a.test> SMTPUTF8", "250")
        c.cmd(b"RCPT TO:<" + UTF8 + b">", "250")
        contains(g.conn().wait_line("MAIL").upper(), b" SMTPUTF8")
        contains(g.conn().wait_line("RCPT"), UTF8)


@case("SMTPUTF8 not offered, all addresses ASCII: the mail goes without the parameter")
def _():
    with box(EXTENSIONS=["PIPELINING"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> SMTPUTF8", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        lacks(g.conn().wait_line("MAIL").upper(), b"SMTPUTF8")


@case("SMTPUTF8 not offered: a non-ASCII recipient gets 550 5.6.7 at its RCPT, the others go")
def _():
    with box(EXTENSIONS=["PIPELINING"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> SMTPUTF8", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.cmd(b"RCPT TO:<" + UTF8 + b">", "550 5.6.7")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(len(g.one().rcpts), 1, "recipients")


@case("SMTPUTF8 not offered: a non-ASCII sender gets 550 5.6.7 at the first RCPT")
def _():
    with box(EXTENSIONS=["PIPELINING"]) as (r, _g), r.session() as c:
        c.cmd(b"MAIL FROM:<" + UTF8 + b"> SMTPUTF8", "250")
        c.cmd("RCPT TO:<b@b.test>", "550 5.6.7")


@case("8-bit addresses without SMTPUTF8 are 553 5.6.7")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd(b"MAIL FROM:<" + UTF8 + b">", "553 5.6.7")
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd(b"RCPT TO:<" + UTF8 + b">", "553 5.6.7")
        c.cmd("RCPT TO:<b@b.test>", "250")


@cases("the EHLO name is Hostname if it has a dot, else the address literal: {0}", [
    ("box.example.com", b"EHLO box.example.com"), ("box", b"EHLO [127.0.0.1]")])
def _(name, wanted):
    with box(hostname=name) as (r, g), r.session() as c:
        c.start()
        equal(g.conn().lines[0], wanted)


@case("EHLO_Hostname wins")
def _():
    with box('EHLO_Hostname = "scan.example.com"\n') as (r, g), r.session() as c:
        c.start()
        equal(g.conn().lines[0], b"EHLO scan.example.com")


@case("EHLO shows the smaller of our size and what the only possible gateway announced")
def _():
    with box(EXTENSIONS=["PIPELINING", "SIZE 1234567"]) as (r, _g):
        with r.session() as c:
            c.mail(wanted="250")
        with r.client() as c:
            contains(c.hello().lines, "SIZE 1234567")


@case("our own size where the gateway's is larger")
def _():
    with box("Max_Message_Size = 1m\n", EXTENSIONS=["PIPELINING", "SIZE 99999999"]) as (r, _g):
        with r.session() as c:
            c.mail(wanted="250")
        with r.client() as c:
            contains(c.hello().lines, "SIZE 1048576")


@case("a null sender passes")
def _():
    with box() as (r, g), r.session() as c:
        c.mail(sender="", wanted="250")
        check(g.one().sender.upper().startswith(b"MAIL FROM:<>"), repr(g.one().sender))


@case("quoted local parts and address literals pass unchanged")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd('MAIL FROM:<"a b\\"c"@a.test>', "250")
        c.cmd('RCPT TO:<"x@y, z"@b.test>', "250")
        c.cmd("RCPT TO:<Mixed.Case@[192.0.2.7]>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        contains(g.one().sender, b'<"a b\\"c"@a.test>')
        equal(g.one().rcpts, [b'RCPT TO:<"x@y, z"@b.test>', b"RCPT TO:<Mixed.Case@[192.0.2.7]>"])


@case("Envelope_From replaces the sender, but never the null sender")
def _():
    with box('Envelope_From = "box@own.test"\n') as (r, g), r.session() as c:
        c.mail(wanted="250")
        contains(g.one().sender, b"<box@own.test>")
        c.mail(sender="", wanted="250")
        contains(g.mails[1].sender, b"<>")


need_binary()
main()
