#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Two kinds of failure, and how a gateway's reply goes on (DESIGN 2: Two kinds of failure, Codes)."""

import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

FAILS = (421, 432, 454, 500, 502, 503, 530, 534, 535, 538)
LOGIN = "451 4.7.0|451 4.4.2"           # a code about logins may be told as login trouble
NONSENSE = {
    "199": "199 what", "600": "600 what", "999": "999 what", "000": "000 what", "words": b"hello there\r\n",
    "two digits": b"25 ok\r\n", "an empty line": b"\r\n", "a blank first": b" 250 ok\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n", "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46\r\n",
}


def gone(code):
    return LOGIN if code in (432, 454, 530, 534, 535, 538) else "451 4.4.2"


@cases("{0} to MAIL is a gateway that fails: 451 to this and each later command of the transaction",
       [(c,) for c in FAILS])
def _(code):
    with box(MAIL=f"{code} some words of the gateway") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", gone(code)).text, "some words of the gateway")
        c.cmd("RCPT TO:<c@b.test>", "451")
        c.cmd("DATA", "451")
        equal(len(g.offered), 0, "bodies at the gateway")


@cases("{0} to RCPT is a gateway that fails", [(c,) for c in FAILS])
def _(code):
    with box(RCPT=f"{code} some words of the gateway") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", gone(code)).text, "some words of the gateway")
        c.cmd("RCPT TO:<c@b.test>", "451")
        c.cmd("DATA", "451")


@cases("{0} to DATA is a gateway that fails", [(c,) for c in FAILS])
def _(code):
    with box(DATA=f"{code} some words of the gateway") as (r, _g), r.session() as c:
        c.start()
        contains(c.cmd("DATA", gone(code)).text, "some words of the gateway")
        c.cmd("RSET", "250")
        c.cmd("NOOP", "250")


@cases("{0} to the end of data is a gateway that fails", [(c,) for c in FAILS])
def _(code):
    with box(DOT=f"{code} some words of the gateway") as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(HELLO + b".\r\n").reply("451")
        equal(len(g.mails), 0, "mails")
        c.cmd("NOOP", "250")


@cases("a refusal of RCPT goes to the client as it is: {0}", [
    "450 4.2.1 mailbox busy", "451 4.7.1 greylisted, try again", "452 4.2.2 mailbox full", "455 4.5.4 cannot now",
    "550 5.1.1 <b@b.test>: no such user", "551 5.1.6 moved", "552 5.2.2 over quota", "553 5.1.3 bad name",
    "554 5.7.1 relay access denied", "571 5.7.1 blocked", "501 5.1.3 bad syntax", "504 5.5.2 need fully-qualified name",
    "521 5.3.2 no mail here", "541 5.4.1 why not", "556 5.1.10 null MX", "599 5.0.0 last of all"])
def _(reply):
    with box(RCPT=reply) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        equal(f"{got.code} {got.text}", reply, "reply")


@cases("a refusal of MAIL goes to the client as it is: {0}", [
    "450 4.7.1 not now", "550 5.7.60 client does not have permissions to send as this sender", "552 5.3.4 too large",
    "553 5.1.8 sender unknown", "554 5.2.0 limit", "501 5.1.7 bad sender", "555 5.5.4 unknown parameter"])
def _(reply):
    with box(MAIL=reply) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        equal(f"{got.code} {got.text}", reply, "reply")


@case("2xx to RCPT goes on with its code and text")
def _():
    with box(RCPT="251 2.1.5 user not local; will forward") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "251 2.1.5").text, "user not local; will forward")


@case("a refusal without an enhanced code keeps its text")
def _():
    with box(RCPT="550 mailbox unavailable") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "550").text, "mailbox unavailable")


@case("the client never sees 421 of the gateway's")
def _():
    with box(MAIL="421 4.3.2 closing") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451")
        lacks(c.every, b"\r\n421")


@cases("a code without meaning there: {1} to {0}", [
    ("MAIL", "354 go ahead"), ("RCPT", "354 go ahead"), ("MAIL", "334 more"), ("RCPT", "334 more"),
    ("MAIL", "199 hm"), ("DATA", "334 more"), ("DATA", "199 hm"), ("DATA", "355 go on")])
def _(word, reply):
    with box(**{word: reply}) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        if word == "DATA":
            got.want("250")
            got = c.cmd("DATA")
        got.want("451 4.4.2")
        equal(len(g.offered), 0, "bodies")


@case("250 to DATA is a gateway that fails, and gets no body")
def _():
    with box(DATA="250 2.0.0 ok, go on") as (r, g), r.session() as c:
        c.start()
        c.cmd("DATA", "451 4.4.2")
        wait_for(lambda: g.conn().closed, 60, "the leg closed")
        lacks(g.conn().every, b"hello")


@case("354 to the end of data is a gateway that fails")
def _():
    with box(DOT="354 more please") as (r, _g), r.session() as c:
        c.start()
        c.data()
        c.send(HELLO + b".\r\n").reply("451 4.4.2")


@cases("nonsense in reply to MAIL: {0}", [(n,) for n in NONSENSE])
def _(name):
    with box(MAIL=NONSENSE[name]) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        c.cmd("NOOP", "250")


@cases("nonsense in reply to DATA: {0}", [(n,) for n in NONSENSE])
def _(name):
    with box(DATA=NONSENSE[name]) as (r, g), r.session() as c:
        c.start()
        c.cmd("DATA", "451 4.4.2")
        equal(len(g.offered), 0, "bodies")


@cases("nonsense in reply to the end of data: {0}", [(n,) for n in NONSENSE])
def _(name):
    with box(DOT=NONSENSE[name]) as (r, _g), r.session() as c:
        c.start()
        c.data()
        c.send(HELLO + b".\r\n").reply("451 4.4.2")


@cases("a greeting that is not 220 is a gateway that fails: {0}", [
    "554 5.7.1 no service for you", "421 4.7.0 try again later", "250 ok", "450 4.3.2 no", "521 5.3.2 none"])
def _(reply):
    with box(GREETING=reply) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "451 4.4.2").text, reply.split(" ", 2)[-1])
        c.cmd("DATA", "451")
        lacks(g.verbs, "MAIL", "asked at the gateway")


@cases("a greeting that is nonsense: {0}", [(n,) for n in NONSENSE])
def _(name):
    with box(GREETING=NONSENSE[name]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        lacks(g.verbs, "MAIL", "asked at the gateway")


@cases("5xx to EHLO tries HELO: {0}", ["500 5.5.1 what?", "502 5.5.1 no", "550 5.7.1 no", "501 bad", "554 no"])
def _(reply):
    with box(EHLO=reply) as (r, g), r.session() as c:
        c.mail(wanted="250")
        equal(g.verbs[:2], ["EHLO", "HELO"])
        equal(g.one().sender, b"MAIL FROM:<a@a.test>", "MAIL without parameters")


@cases("4xx to EHLO is a gateway that fails, without HELO: {0}", ["421 4.7.0 later", "450 4.7.0 later", "451 later"])
def _(reply):
    with box(EHLO=reply) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        lacks(g.verbs, "HELO", "asked at the gateway")


@case("EHLO and HELO refused: 451 with the gateway's words")
def _():
    with box(EHLO="550 5.7.1 I do not like your name", HELO="550 5.7.1 really not") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "451 4.4.2").text, "really not")


@cases("the gateway {1} instead of a reply to {0}", [
    (w, how) for w in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA") for how in ("closes", "resets", "half closes")])
def _(word, how):
    act = {"closes": CLOSE, "resets": RESET, "half closes": (HALF, SILENT)}[how]
    with box(**{word: act}) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        if word == "DATA":
            got.want("250")
            got = c.cmd("DATA")
        # a reset that comes with the connection may be told as either
        got.want("451 4.4.1|451 4.4.2" if (word, how) == ("GREETING", "resets") else "451 4.4.2")
        c.cmd("NOOP", "250")


@case("a gateway that refuses the connection: 451 4.4.1 and the reason in words")
def _():
    with Relay(f'Gateway = "127.0.0.1:{refused_port()}"\n') as r, r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "451 4.4.1").text.lower(), "refused")
        c.cmd("RCPT TO:<c@b.test>", "451 4.4.1")
        c.cmd("DATA", "451 4.4.1")


@cases("{0} bounds the wait for {1}", [
    ("EHLO_Timeout", "GREETING"), ("EHLO_Timeout", "EHLO"), ("EHLO_Timeout", "HELO"), ("MailFrom_Timeout", "MAIL"),
    ("RcptTo_Timeout", "RCPT"), ("RcptTo_Timeout", "DATA"), ("Body_Timeout", "DOT")])
def _(option, word):
    script = {word: SILENT}
    if word == "HELO":
        script["EHLO"] = "500 what"
    if word == "RCPT":
        script["EXTENSIONS"] = ["SIZE 1000000"]
    with box(f"{option} = 1s\n", **script) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        start = time.monotonic()
        got = c.cmd("RCPT TO:<b@b.test>")
        if word in ("DATA", "DOT"):
            got.want("250")
            got = c.cmd("DATA")
        if word == "DOT":
            got.want("354")
            got = c.send(HELLO + b".\r\n").reply()
        got.want("451 4.4.2")
        within(time.monotonic() - start, 0.5, 4)


@case("a failing command says nothing against the gateway: the next mail is tried anew")
def _():
    with box(MAIL=["421 4.3.2 not now", "250 ok"]) as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
            check(r.gateway_state() != "down", "down because of one mail")
            c.cmd("RSET", "250")
            c.mail(wanted="250")
        equal(len(g.conns), 2, "connections")


@case("530 to MAIL does not put the gateway down")
def _():
    with box(MAIL="530 5.7.57 client was not authenticated") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "451").text, "client was not authenticated")
        check(r.gateway_state() != "down", "down because of 530")


# --- text ---

def refusal(raw):
    with box(RCPT=raw) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        return c.cmd("RCPT TO:<b@b.test>")


@case("a multi-line reply goes on line by line")
def _():
    got = refusal("550 5.7.1 first\n5.7.1 second\n5.7.1 third")
    equal(got.code, 550)
    contains(got.raw, b"first")
    contains(got.raw, b"third")
    equal(len(got.lines), 3, "lines")


@case("at most 8 lines")
def _():
    got = refusal("550 " + "\n".join(f"5.7.1 row {n}" for n in range(30)))
    equal(got.code, 550)
    within(len(got.lines), 1, 8, "lines")
    contains(got.text, "row 0")


@case("at most 800 octets of text")
def _():
    got = refusal("550 " + "\n".join("5.7.1 " + "x" * 300 for n in range(6)))
    within(sum(len(t.removeprefix("5.7.1 ")) for t in got.lines), 100, 800, "octets of text, codes aside")


@case("a line longer than 512 octets is split, and nothing of it is lost below 800")
def _():
    words = " ".join(f"w{n:03}" for n in range(140))                     # 699 octets
    got = refusal(f"550 5.7.1 {words}")
    check(all(len(ln) <= 510 for ln in got.raw.split(b"\r\n")), "a line is over 512 octets")
    check(len(got.lines) >= 2, "not split")
    joined = "".join(got.lines).replace("5.7.1", "").replace(" ", "")
    contains(joined, words.replace(" ", ""))


@cases("octets outside 32-126 become ?: {0}", [
    ("ESC", b"\x1b[31m"), ("NUL", b"\0"), ("CR", b"a\rb"), ("tab", b"\t"), ("DEL", b"\x7f"), ("8-bit", b"\xc3\xa9"),
    ("BEL", b"\x07")])
def _(_name, octets):
    got = refusal(b"550 5.7.1 before" + octets + b"after\r\n")
    equal(got.code, 550)
    check(all(32 <= o <= 126 for o in got.raw.replace(b"\r\n", b"")), repr(got.raw))
    contains(got.text, "before")
    contains(got.text, "after")
    contains(got.text, "?")


@case("a reply of a code alone")
def _():
    equal(refusal(b"550\r\n").code, 550)


@case("a reply that ends in LF alone is read")
def _():
    equal(refusal(b"550 5.7.1 lazy\n").code, 550)


@case("replies in single octets")
def _():
    slow = {w: Slow(t, 1, 0.002) for w, t in (("GREETING", "220 gw\nmore"), ("EHLO", "250 gw\nPIPELINING\nSIZE 1000"),
                                             ("MAIL", "250 ok"), ("RCPT", "250 a\nb"), ("DATA", "354 go"),
                                             ("DOT", "250 2.0.0 in pieces"))}
    with box(**slow) as (r, g), r.session() as c:
        contains(c.mail(wanted="250").text, "in pieces")
        g.one()


@case("100 lines are taken, 101 are a gateway that fails")
def _():
    equal(refusal("550 " + "\n".join("5.7.1 x" for n in range(100))).code, 550)
    equal(refusal("550 " + "\n".join("5.7.1 x" for n in range(101))).code, 451)


@case("more than 8 KiB in one reply are a gateway that fails")
def _():
    equal(refusal("550 " + "\n".join("5.7.1 " + "x" * 100 for n in range(60))).code, 550)
    equal(refusal("550 " + "\n".join("5.7.1 " + "x" * 200 for n in range(60))).code, 451)


@case("an endless multi-line reply is cut off")
def _():
    with box(EHLO=Endless(b"250-more and more\r\n" * 500)) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        wait_for(lambda: g.conn().closed, 60, "the leg closed")


@case("a line without end is cut off")
def _():
    with box(MAIL=Endless(b"250 " + b"x" * 65536)) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        wait_for(lambda: g.conn().closed, 60, "the leg closed")


# --- out of step ---

@cases("a second reply that nobody asked for, behind that to {0}: out of step, dropped", [
    ("MAIL", "250 2.1.0 ok"), ("RCPT", "250 2.1.5 ok"), ("DATA", "354 go")])
def _(word, reply):
    both = (reply + "\r\n250 2.0.0 and one more\r\n").encode()
    with box(**{word: both, "EXTENSIONS": ["SIZE 1000"]}) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451|250")
        if c.cmd("RCPT TO:<c@b.test>").code == 250:
            got = c.cmd("DATA")
            if got.code == 354:
                c.send(HELLO + b".\r\n").reply("451")
        equal(len(g.mails), 0, "mails by the gateway's account")


@case("a greeting with a second reply behind it is out of step")
def _():
    with box(GREETING=b"220 gw.test\r\n250 hello to you\r\n") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.4.2")
        equal(len(g.mails), 0)


need_binary()
main()
