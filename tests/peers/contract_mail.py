#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sentences of DESIGN 2, 3.5 and 4 on the edge of what a mail can meet: time, doubt, clients that leave."""

import signal
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

ALL = b"EHLO dev.test\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n" + HELLO + b".\r\nQUIT\r\n"


def routes(*gateways):
    return "Routes = ( %s )\n" % " ".join(f'"{g.at}"' for g in gateways)


# --- time ---

@cases("{0} = 1s: a gateway that is silent at {1} is left for the next route", [
    ("EHLO_Timeout", "GREETING"), ("EHLO_Timeout", "EHLO"), ("MailFrom_Timeout", "MAIL"), ("RcptTo_Timeout", "RCPT"),
    ("RcptTo_Timeout", "DATA")])
def _(option, word):
    with Liar(**{word: SILENT}) as first, Liar() as second:
        with Relay(routes(first, second) + f"{option} = 1s\n") as r, r.session() as c:
            began = time.monotonic()
            c.mail(wanted="250")
            within(time.monotonic() - began, 0.9, 3)
            second.one()


@case("a RCPT that takes 7 s behind a MAIL answered at once: the kept connection is not replaced")
def _():
    with box(RCPT=["250 ok", (7, "250 2.1.5 at last")]) as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.mail(wanted="250")
        equal(len(g.conns), 1, "connections")


@case("Client_Patience counts anew for each reply of a pipelined group")
def _():
    with box("Client_Patience = 2s\n", RCPT=(1.2, "250 ok")) as (r, g), r.session() as c:
        c.send(b"MAIL FROM:<a@a.test>\r\n" + b"RCPT TO:<b@b.test>\r\n" * 4 + b"DATA\r\n")
        for wanted in ("250",) * 5 + ("354",):
            c.reply(wanted)
        c.send(HELLO + b".\r\n").reply("250")


def sips(seconds):
    """Takes little of the body for so long, then all of it."""
    def take(conn, _):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.3)
            try:
                conn.have = (conn.have + conn.sock.recv(16384))[-8:]
            except ConnectionError:
                return
    return take


@case("Body_Timeout = 2s: a gateway that takes little by little for 6 s is not cut, nor behind the final dot")
def _():
    with box("Body_Timeout = 2s\n", BODY=(1000, sips(6)), receive=32768) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n" + b"y" * 510 + b"\r\n")
        c.send((b"z" * 510 + b"\r\n") * 1400 + b".\r\n").reply("250", wait=60)


@case("Client_Timeout = 1s: the time that the gateway takes nothing is not the client's")
def _():
    with box("Client_Timeout = 1s\n", BODY=(1000, Stall(3)), receive=32768) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n" + (b"z" * 510 + b"\r\n") * 8000 + b".\r\n").reply("250", wait=30)


# --- doubt ---

@cases("the end of data is answered {0!r}: 451 4.4.2, and the mail may have arrived", [
    ("354 what?",), ("199 what?",), (b"25\r\n",), (b"words\r\n",), (CLOSE,), (RESET,), ((b"250-a\r\n", CLOSE),),
    ((b"25", 0.2, CLOSE),)])
def _(reply):
    with box(DOT=reply) as (r, g), r.session() as c:
        c.start()
        c.data()
        contains(c.send(HELLO + b".\r\n").reply("451 4.4.2").text, "may have arrived")


@cases("the end of data is answered {0!r}: a failure, but no doubt", [("421 4.3.2 bye",), ("454 4.7.0 no",), ("503 no",)])
def _(reply):
    with box(DOT=reply) as (r, g), r.session() as c:
        c.start()
        c.data()
        lacks(c.send(HELLO + b".\r\n").reply("451 4.4.2").text, "may have arrived")


@case("SIGTERM: a mail in its body is given up after 20 s with 421, and the client is not called gone")
def _():
    with box() as (r, g):
        c = r.session()
        c.start()
        c.data()
        c.send(HELLO)
        began = time.monotonic()
        r.signal(signal.SIGTERM)
        c.reply("421 4.3.2", wait=25)
        within(time.monotonic() - began, 19, 23)
        event = r.event()
        check(event["reply"].startswith("421 4.3.2") and "client" not in event, f"{event}")
        c.close()
        r.ended(5)
        equal(g.offered, [], "mails")


@case("SIGTERM does not wait for a client whose mail can come to nothing any more")
def _():
    with box(GREETING=CLOSE) as (r, _g):
        c = r.session()
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        r.signal(signal.SIGTERM)
        c.reply("421 4.3.2", wait=5)
        c.close()
        r.ended(5)


@cases("a gateway that takes the connection and {0} at once: 451 4.4.2", [("closes it",), ("resets it",)])
def _(how):
    with box(GREETING=CLOSE if how == "closes it" else RESET) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")


# --- clients that leave ---

@cases("a client sends all at once and {0}: its mail is delivered, client=gone", [("closes",), ("resets",)])
def _(how):
    with box(RCPT=(0.3, "250 ok")) as (r, g):
        c = r.client()
        c.send(ALL)
        if how == "resets":
            g.conn().wait_line("RCPT")
            c.reset()
        else:
            c.close()
        g.one()
        event = r.event()
        equal((event["status"], event.get("client")), ("sent", "gone"))
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the session's end")


@case("a client is reset while its RCPT is asked, and sent nothing more: the gateway is cut at once")
def _():
    with box(RCPT=SILENT) as (r, g):
        c = r.session()
        c.send(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n")
        g.conn().wait_line("RCPT")
        c.reset()
        wait_for(lambda: g.conn().closed, 3, "the connection cut")
        equal(r.event().get("client"), "gone")


@case("a client goes before its dot: the log gives no reply that took something")
def _():
    with box() as (r, g):
        c = r.session()
        c.start()
        c.data()
        c.send(HELLO)
        c.close()
        event = r.event()
        equal((event["status"], event.get("client"), event["reply"]), ("refused", "gone", ""))
        equal(g.offered, [], "mails")


# --- errors, log ---

@case("RCPT and DATA behind a MAIL that the box refused count as no errors of the client")
def _():
    with box("Max_Message_Size = 1k\n") as (r, g), r.session() as c:
        for _ in range(15):
            c.send(b"MAIL FROM:<a@a.test> SIZE=5000\r\nRCPT TO:<b@b.test>\r\nRCPT TO:<c@b.test>\r\nDATA\r\n")
            for wanted in ("552 5.3.4", "503 5.5.1", "503 5.5.1", "503 5.5.1"):
                c.reply(wanted)
        c.mail(wanted="250")


@case("without a MAIL they do: the 20th ends the session")
def _():
    with box() as (r, g), r.session() as c:
        for _ in range(20):
            c.cmd("RCPT TO:<b@b.test>", "503")
        c.reply("421 4.7.0")


@cases("a mail that the box itself refuses at {0} has its line in the log, with the reply", [
    ("MAIL", "MAIL FROM:<a@a.test> SIZE=5000", "552 5.3.4", "0"), ("RCPT", "RCPT TO:<bob>", "550 5.1.3", "1")])
def _(word, line, wanted, count):
    with box("Max_Message_Size = 1k\n") as (r, g), r.session() as c:
        if word == "RCPT":
            c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd(line, wanted)
        c.cmd("RSET", "250")
        event = r.event()
        equal([event[k] for k in ("status", "from", "nrcpt", "sent", "refused")],
              ["refused", "<a@a.test>", count, "0", count], "fields")
        check(event["reply"].startswith(wanted), f"{event}")


@case("recipients that the box refuses are counted with the others")
def _():
    with box("Max_Recipients_Per_Message = 2\n") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        for one, wanted in (("bob", "550"), ("b@b.test", "250"), ("c@b.test", "250"), ("d@b.test", "452 4.5.3")):
            c.cmd(f"RCPT TO:<{one}>", wanted)
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        event = r.event()
        equal([event[k] for k in ("status", "nrcpt", "sent", "refused")], ["refused", "4", "2", "2"], "fields")


@case("MAIL and RSET alone are no mail: no line")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RSET", "250")
        c.mail(wanted="250")
        equal(r.event()["status"], "sent")
        equal(len(r.events()), 1, "lines")


need_binary()
main()
