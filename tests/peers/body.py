#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""In the body, the client goes away, patience, in doubt (DESIGN 2), with Spool off."""

import re
import socket
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

ROW = b"x" * 76 + b"\r\n"
HEAD = b"Subject: x\r\n\r\n"
BIG = HEAD + ROW * 6000                                                 # about 460 KiB


def in_body(client):
    client.start()
    client.data()
    client.send(HEAD + ROW * 10)


# --- the gateway in the body ---

@cases("the gateway {0} in the body: the rest is read, then 451 4.4.2; the next mail works", [
    ("closes", CLOSE), ("resets", RESET)])
def _(_name, act):
    with box("", {"BODY": (10000, act)}, {}) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(BIG)
        c.quiet(0.3)
        c.send(b".\r\n").reply("451 4.4.2")
        equal(len(g.offered), 0, "whole bodies")
        c.mail(wanted="250")


@cases("a reply before the dot is the verdict: {0}", [
    "552 5.3.4 message too large", "550 5.7.1 virus", "554 5.6.0 no", "451 4.3.0 later", "452 4.3.1 no room"])
def _(reply):
    with box("", {"BODY": (10000, reply)}, {}) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(BIG)
        c.quiet(0.3)
        got = c.send(b".\r\n").reply()
        equal(f"{got.code} {got.text}", reply, "reply")
        wait_for(lambda: g.conn().closed, 60, "the leg closed")
        equal(len(g.offered), 0, "whole bodies")
        c.mail(wanted="250")


@cases("a reply before the dot that is no verdict is a failure: {0}", [
    "250 2.0.0 thank you", "354 go on", "421 4.3.2 bye", "999 hm"])
def _(reply):
    with box("", {"BODY": (10000, reply)}, {}) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(BIG)
        wait_for(lambda: g.conn().closed, 60, "the leg closed")
        c.send(b".\r\n").reply("451 4.4.2")
        equal(len(g.mails), 0, "mails")
        c.mail(wanted="250")


@cases("an early 5xx with a {0} right behind it is the verdict all the same", [("close", CLOSE), ("reset", RESET)])
def _(_name, act):
    with box(BODY=(10000, ("552 5.3.4 message too large", act))) as (r, _g), r.session() as c:
        c.start()
        c.data()
        c.send(BIG + b".\r\n").reply("552 5.3.4")


# --- what the box itself refuses in the body ---

def refused(conf, body, wanted, mail=""):
    with box(conf) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>" + mail, "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(body)
        c.quiet(0.3)
        c.send(b".\r\n").reply(wanted)
        wait_for(lambda: g.conn().closed, 60, "the gateway's connection closed")
        equal(len(g.offered), 0, "whole bodies at the gateway")
        c.mail(wanted="250")


@case("over Max_Message_Size: 552 5.3.4 after the end of data, withdrawn from the gateway")
def _():
    refused("Max_Message_Size = 100k\n", BIG, "552 5.3.4")


@case("a declared size over the limit: 552 5.3.4 at MAIL")
def _():
    with box("Max_Message_Size = 100k\n") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> SIZE=102401", "552 5.3.4")
        c.cmd("MAIL FROM:<a@a.test> SIZE=102400", "250")


@case("a mail of exactly Max_Message_Size is taken, one octet more is not")
def _():
    with box("Max_Message_Size = 10k\n") as (r, g), r.session() as c:
        body = HEAD + b"y" * (10240 - len(HEAD) - 2) + b"\r\n"
        c.mail(body, wanted="250")
        c.mail(body[:-2] + b"z\r\n", wanted="552 5.3.4")
        equal(len(g.mails), 1)


@case("a wrong declaration that is too small does no harm")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> SIZE=10", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(BIG + b".\r\n").reply("250")
        contains(g.one().body, ROW * 6000)


@case("a lone LF under pedantic: 550 5.6.11 after the end of data, withdrawn")
def _():
    refused("RFC2822_Lone_LF_In_Body = pedantic\n", HEAD + b"a\nb\r\n", "550 5.6.11")


@case("more than 30 Received fields: 554 5.4.6, withdrawn")
def _():
    refused("", b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 31 + HEAD, "554 5.4.6")


@case("30 Received fields pass")
def _():
    with box() as (r, g), r.session() as c:
        c.mail(b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 30 + HEAD + b"x\r\n", wanted="250")
        equal(len(g.one().fields("Received")), 31)


@case("Received lines in the body do not count")
def _():
    with box() as (r, _g), r.session() as c:
        c.mail(HEAD + b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 50, wanted="250")


@case("a NUL: 550 5.6.0 after the end of data, withdrawn")
def _():
    refused("", HEAD + b"a\0b\r\n", "550 5.6.0")


# --- the client goes away ---

POINTS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "body", "dot of the end")


@cases("a client that {1} after {0}: the gateway's connection is cut, nothing was sent", [
    (p, h) for p in POINTS for h in ("closes", "resets")])
def _(point, how):
    with box() as (r, g):
        c = r.client()
        c.reply("220")
        at = POINTS.index(point)
        if at >= 1:
            c.cmd("EHLO d", "250")
        if at >= 2:
            c.cmd("MAIL FROM:<a@a.test>", "250")
        if at >= 3:
            c.cmd("RCPT TO:<b@b.test>", "250")
        if at >= 4:
            c.data()
        if at >= 5:
            c.send(HEAD + ROW * 100)
        if at >= 6:
            c.send(b".")
        time.sleep(0.1)
        c.reset() if how == "resets" else c.close()
        if at >= 4:
            wait_for(lambda: g.conn().closed, 60, "the gateway's connection cut")
        time.sleep(0.2)
        equal(len(g.offered), 0, "whole bodies")
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.mails), 1, "mails")


@cases("a client that {0} after its final dot: the mail is decided as if it waited, client=gone", [
    ("closes",), ("resets",)])
def _(how):
    with box(DOT=(1.0, "250 2.0.0 queued")) as (r, g):
        c = r.session()
        c.start()
        c.data()
        c.send(HELLO + b".\r\n")
        g.wait(lambda: g.offered, 5, "the body")
        c.reset() if how == "resets" else c.close()
        g.one()
        event = r.event()
        equal(event.get("status"), "sent")
        equal(event.get("client"), "gone", "client")


@cases("a client that goes after the dot: the log tells its mail's last reply ({0})", [
    ("taken", "250 2.0.0 queued", "sent", "^250 2.0.0 queued$"), ("refused", "550 5.7.1 spam", "refused", "^550 5.7.1 spam$"),
    ("put off", "451 4.3.0 later", "refused", "^451 4.3.0 later$"), ("lost", CLOSE, "refused", "^451 4.4.2 .* was lost"),
    ("failed", "421 4.3.2 bye", "refused", "^451 4.4.2 .*421 4.3.2 bye")])
def _(_name, act, status, reply):
    with box(DOT=(1.0, act)) as (r, g):
        c = r.session()
        c.start()
        c.data()
        c.send(HELLO + b".\r\n")
        g.wait(lambda: g.offered, 5, "the body")
        c.reset()
        event = r.event()
        equal((event.get("status"), event.get("client")), (status, "gone"))
        check(re.search(reply, event["reply"]), f"reply={event['reply']!r}, not /{reply}/")


@case("a half-closed client is still there: what it sent is worked through")
def _():
    with box(RCPT=(0.3, "250 ok"), DATA=(0.3, "354 go"), DOT=(0.5, "250 2.0.0 done")) as (r, g), r.client() as c:
        c.send(b"EHLO d\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n" + HELLO + b".\r\n")
        c.half_close()
        for wanted in ("220", "250", "250", "250", "354", "250 2.0.0"):
            c.reply(wanted)
        equal(len(g.mails), 1)
        c.eof()


@case("a half-close before the dot is a client that goes away")
def _():
    with box() as (r, g), r.session() as c:
        in_body(c)
        c.half_close()
        wait_for(lambda: g.conn().closed, 60, "the gateway's connection cut")
        equal(len(g.offered), 0)


# --- patience ---

@cases("Client_Patience: a gateway silent at {0} is 451 when it is over", [
    "GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
def _(word):
    script = {word: SILENT}
    if word == "RCPT":
        script["EXTENSIONS"] = ["SIZE 1000"]
    with box("Client_Patience = 2s\n", **script) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        start = time.monotonic()
        got = c.cmd("RCPT TO:<b@b.test>")
        if word == "DATA":
            got.want("250")
            start = time.monotonic()
            got = c.cmd("DATA")
        got.want("451")
        within(time.monotonic() - start, 1.3, 3.5)


@case("patience is counted for each reply anew")
def _():
    with box("Client_Patience = 2s\n", RCPT=(1.3, "250 ok")) as (r, _g), r.session() as c:
        c.start("a@a.test", "b@b.test", "c@b.test", "d@b.test")
        c.data()


@case("after the final dot off waits beyond the patience")
def _():
    with box("Client_Patience = 1s\n", DOT=(3, "250 2.0.0 at last")) as (r, _g), r.session() as c:
        contains(c.mail(wanted="250").text, "at last")


@case("Body_Timeout ends that wait: 451 4.4.2, and the words say that the mail may have arrived")
def _():
    with box("Body_Timeout = 2s\n", DOT=SILENT) as (r, _g), r.session() as c:
        c.start()
        c.data()
        start = time.monotonic()
        got = c.send(HELLO + b".\r\n").reply("451 4.4.2")
        within(time.monotonic() - start, 1.5, 4)
        contains(got.text.lower(), "may have")


@case("a gateway that takes nothing in the body is cut after Body_Timeout")
def _():
    with box("Body_Timeout = 2s\n", BODY=(1000, Stall(20)), receive=4096) as (r, _g), r.session(wait=25) as c:
        c.start()
        c.data()
        start = time.monotonic()
        c.send(BIG * 8 + b".\r\n").reply("451 4.4.2")
        within(time.monotonic() - start, 1.5, 8)


@case("all gateway connections busy: 451 4.3.2 when the patience is over")
def _():
    with box("Max_Outbound_Connections = 1\nClient_Patience = 2s\n") as (r, g), r.session() as a, r.session() as b:
        in_body(a)
        b.cmd("MAIL FROM:<a@a.test>", "250")
        start = time.monotonic()
        b.cmd("RCPT TO:<b@b.test>", "451 4.3.2")
        within(time.monotonic() - start, 1.3, 3.5)
        equal(len(g.conns), 1, "connections")
        a.send(b".\r\n").reply("250")


@case("all gateway connections busy: who waits is served when one is free")
def _():
    with box("Max_Outbound_Connections = 1\n") as (r, g), r.session() as a, r.session() as b:
        in_body(a)
        b.cmd("MAIL FROM:<a@a.test>", "250")
        b.send("RCPT TO:<b@b.test>\r\n").quiet(0.7)
        a.send(b".\r\n").reply("250")
        b.reply("250")
        b.data()
        b.send(HELLO + b".\r\n").reply("250")
        equal(len(g.mails), 2)
        equal(len(g.conns), 1, "connections")


# --- in doubt ---

@cases("the connection is lost between the dot and the reply ({0}): 451 4.4.2, the mail may have arrived", [
    ("close", CLOSE), ("reset", RESET), ("half a reply", (b"250 2.0.", CLOSE))])
def _(_name, act):
    with box(DOT=act) as (r, g), r.session() as c:
        got = c.mail()
        got.want("451 4.4.2")
        contains(got.text.lower(), "may have")
        time.sleep(0.3)
        equal(len(g.offered), 1, "bodies: not sent again")
        c.cmd("NOOP", "250")


# --- back-pressure and large mails ---

@case("a gateway that reads nothing stops the client: little is buffered")
def _():
    with box(BODY=(1000, Stall(6)), receive=16384) as (r, _g), r.session() as c:
        c.start()
        c.data()
        c.sock.settimeout(0.5)
        sent, piece = 0, ROW * 200
        end = time.monotonic() + 3
        while time.monotonic() < end and sent < 16 << 20:
            try:
                sent += c.sock.send(piece)
            except socket.timeout:
                pass
        # both kernels' buffers included: the client's own send buffer may be some MiB by itself
        check(sent < 8 << 20, f"{sent:,} octets were taken")


@case("a mail of 20 MiB passes byte for byte")
def _():
    with box() as (r, g), r.session(wait=60) as c:
        body = HEAD + b"".join(b"%07d %s\r\n" % (n, b"z" * 66) for n in range(270000))
        c.mail(body, wanted="250")
        check(g.one(30).raw.endswith(body[len(HEAD):]), "the body differs")


@case("an empty mail: header end and the added fields, nothing else")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b".\r\n").reply("250")
        equal(g.one().body, b"")


@case("a mail in single octets")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        for octet in HEAD + b"..a\r\n.\r\n":
            c.send(bytes([octet]))
            time.sleep(0.002)
        c.reply("250")
        equal(g.one().body, b".a\r\n")


need_binary()
main()
