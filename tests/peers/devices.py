#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What devices are allowed to do, and the replies that are fixed (DESIGN 3.5)."""

import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


# --- sloppy devices ---

@cases("greeting of all kinds is 250: {0}", [
    "HELO ", "HELO", "EHLO ", "EHLO", "HELO my_scanner", "EHLO my scanner 2", "HELO 192.168.3.7", "EHLO [192.168.3.7]",
    "EHLO [IPv6:fe80::1]", "helo x", "eHlO x", "EHLO x   ", "EHLO   x", "HELO -", "EHLO localhost", "EHLO \xe4\xf6",
    "HELO a..b", "EHLO " + "x" * 255])
def _(line):
    with box() as (r, g), r.client() as c:
        c.reply("220")
        c.cmd(line, "250")
        c.mail(wanted="250")
        equal(len(g.one().fields("Received")), 1)


@case("MAIL without any HELO: the mail goes through, or 503 5.5.1")
def _():
    with box() as (r, _g), r.client() as c:
        c.reply("220")
        c.cmd("MAIL FROM:<a@a.test>", "250|503 5.5.1")


@case("a second EHLO, also HELO after EHLO, and in the middle of a mail")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("EHLO again", "250")
        c.cmd("HELO again", "250")
        c.start()
        c.cmd("EHLO again", "250")
        c.cmd("RCPT TO:<x@b.test>", "503 5.5.1")
        c.mail(wanted="250")
        equal(len(g.mails), 1)


@cases("accepted as MAIL: {0}", [
    "MAIL FROM: <a@a.test>", "MAIL FROM:  <a@a.test>", "MAIL FROM:a@a.test", "MAIL FROM: a@a.test",
    "mail from:<a@a.test>", "Mail From:<a@a.test>", "MAIL FROM:<a@a.test> ", "MAIL FROM:<a@a.test>   ",
    "MAIL FROM:<a@a.test> SIZE=100", "MAIL FROM:<a@a.test> size=100 body=8bitmime", "MAIL FROM:a@a.test SIZE=100",
    "MAIL FROM:<a@a.test> BODY=7BIT", "MAIL FROM:<>", "MAIL FROM: <>", "MAIL FROM:<scanner>", "MAIL FROM:scanner",
    "MAIL FROM:<a+b=c@a.test>", "MAIL FROM:<a@[192.0.2.1]>", "MAIL FROM:<a@my_host.test>"])
def _(line):
    with box() as (r, g), r.session() as c:
        c.cmd(line, "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        sender = line.split(":", 1)[1].strip().split(" ")[0].strip("<>").encode()
        check(g.one().sender.startswith(b"MAIL FROM:<" + sender + b">"), repr(g.one().sender))


@cases("accepted as RCPT: {0}", [
    "RCPT TO: <b@b.test>", "RCPT TO:b@b.test", "RCPT TO: b@b.test", "rcpt to:<b@b.test>", "RCPT TO:<b@b.test> ",
    "Rcpt To:<b@b.test>"])
def _(line):
    with box() as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd(line, "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(g.one().rcpts, [b"RCPT TO:<b@b.test>"])


@case("a source route is taken off or passed, never refused for itself")
def _():
    with box() as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<@relay.test,@other.test:b@b.test>", "250|501 5.1.3")


@case("commands that end in LF alone")
def _():
    with box() as (r, g), r.client() as c:
        c.send("EHLO d\nMAIL FROM:<a@a.test>\nRCPT TO:<b@b.test>\nDATA\n")
        for wanted in ("220", "250", "250", "250", "354"):
            c.reply(wanted)
        c.send(HELLO + b".\r\nQUIT\n")
        c.reply("250")
        c.reply("221")
        equal(len(g.mails), 1)


@cases("verbs in any case and with trailing blanks: {0!r}", [
    ("noop", "250"), ("NOOP  ", "250"), ("NOOP whatever text", "250"), ("rset", "250"), ("RSET ", "250"),
    ("VRFY someone", "252"), ("vrfy", "252"), ("HELP", "214|502 5.5.1"), ("QUIT ", "221"), ("quit", "221")])
def _(line, wanted):
    with box() as (r, _g), r.session() as c:
        c.cmd(line, wanted)


@case("no QUIT: the mail is there all the same")
def _():
    with box() as (r, g):
        c = r.session()
        c.mail(wanted="250")
        c.close()
        g.one()


@case("connecting to test and leaving, a hundred times, costs nothing")
def _():
    with box() as (r, g):
        for n in range(100):
            c = r.client()
            if n % 2:
                c.reply("220")
            c.reset() if n % 3 else c.close()
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.mails), 1)


@case("QUIT is 221 and the connection is closed")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd("QUIT", "221 2.0.0")
        equal(c.eof(5), b"")


@case("a QUIT as the first command is 221")
def _():
    with box() as (r, _g), r.client() as c:
        c.reply("220")
        c.cmd("QUIT", "221")


@case("the greeting is 220 with our name, and EHLO's first word is our name, whatever the client calls itself")
def _():
    with box() as (r, _g), r.client() as c:
        check(c.reply("220").lines[0].startswith("box.test"), "greeting without our name")
        equal(c.cmd("EHLO box.test", "250").lines[0].split()[0], "box.test")
        equal(c.cmd("EHLO other.test", "250").lines[0].split()[0], "box.test")
        equal(c.cmd("HELO other.test", "250").lines[0].split()[0], "box.test")


@case("offered: PIPELINING SIZE 8BITMIME SMTPUTF8 ENHANCEDSTATUSCODES and nothing else")
def _():
    with box() as (r, _g), r.client() as c:
        rows = c.hello().lines[1:]
        equal(sorted(x.split()[0] for x in rows), ["8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SIZE", "SMTPUTF8"])
        contains(rows, "SIZE 52428800")


@case("HELO's answer is one line")
def _():
    with box() as (r, _g), r.client() as c:
        c.reply("220")
        equal(len(c.cmd("HELO d", "250").lines), 1)


# --- replies that are fixed ---

@case("a command line over 2,048 octets: 500 5.5.2, the line is skipped, the session goes on")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd("NOOP " + "x" * 2040, "250")
        c.cmd("NOOP " + "x" * 2048, "500 5.5.2")
        c.cmd("NOOP", "250")
        c.cmd("X" * 500000, "500 5.5.2")
        c.cmd("NOOP", "250")


@case("1 MiB of one command line: closed")
def _():
    with box() as (r, _g), r.session() as c:
        try:
            for _ in range(64):
                c.send(b"x" * 32768)
        except Closed:
            pass
        contains(c.every + c.eof(10), b"500 5.5.2")


@cases("control characters or broken quoting: {0!r} is {1}", [
    ("MAIL FROM:<a\x1bb@a.test>", "501 5.1.7"), ("MAIL FROM:<a\rb@a.test>", "501 5.1.7"),
    ("MAIL FROM:<a\0b@a.test>", "501 5.1.7"), ("MAIL FROM:<\"a@a.test>", "501 5.1.7"),
    ("MAIL FROM:<\"a\"b@a.test>", "501 5.1.7"), ("MAIL FROM:<a@a.test", "501 5.1.7|501 5.5.4"),
    ("MAIL FROM:<a@@a.test>", "501 5.1.7"), ("MAIL FROM:<a@>", "501 5.1.7"), ("MAIL FROM:<a\x7fb@a.test>", "501 5.1.7"),
    ("MAIL FROM:<a\tb@a.test>", "501 5.1.7")])
def _(line, wanted):
    with box() as (r, g), r.session() as c:
        c.cmd(line, wanted)
        c.cmd("MAIL FROM:<a@a.test>", "250")


@cases("control characters or broken quoting: {0!r} is {1}", [
    ("RCPT TO:<a\x1bb@b.test>", "501 5.1.3"), ("RCPT TO:<\"a@b.test>", "501 5.1.3"),
    ("RCPT TO:<a\0b@b.test>", "501 5.1.3"), ("RCPT TO:<a b@b.test>", "501 5.1.3"),
    ("RCPT TO:<a@b@c.test>", "501 5.1.3"), ("RCPT TO:<>", "501 5.1.3"), ("RCPT TO:", "501 5.1.3|501 5.5.4"),
    ("RCPT TO:<@b.test>", "501 5.1.3"), ("RCPT TO:<a@b.test\r>", "501 5.1.3")])
def _(line, wanted):
    with box() as (r, g), r.session() as c:
        c.start()
        c.cmd(line, wanted)
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(len(g.one().rcpts), 1)


@cases("unknown verbs are 500 5.5.1, known ones that are not offered 502 5.5.1: {0}", [
    ("FOO", "500 5.5.1"), ("XCLIENT ADDR=1.2.3.4", "500 5.5.1|502 5.5.1"), ("XFORWARD NAME=x", "500 5.5.1|502 5.5.1"),
    ("ETRN x", "502 5.5.1"), ("TURN", "502 5.5.1|500 5.5.1"), ("EXPN list", "502 5.5.1"), ("STARTTLS", "502 5.5.1"),
    ("AUTH LOGIN", "502 5.5.1"), ("AUTH PLAIN AGEAYg==", "502 5.5.1"), ("SEND FROM:<a@a.test>", "502 5.5.1|500 5.5.1"),
    ("SAML FROM:<a@a.test>", "502 5.5.1|500 5.5.1"), ("", "500 5.5.1|500 5.5.2"), ("\x01\x02", "500 5.5.1|500 5.5.2"),
    ("MAILFROM:<a@a.test>", "500 5.5.1|501 5.5.4"), ("LHLO x", "500 5.5.1|502 5.5.1")])
def _(line, wanted):
    with box() as (r, _g), r.session() as c:
        c.cmd(line, wanted)
        c.mail(wanted="250")


@cases("BDAT is 502 5.5.1 and its octets are swallowed: {0}", [
    ("short", b"BDAT 12 LAST\r\n", b"RSET\r\nQUIT\r\n"), ("64 KiB", b"BDAT 65536\r\n", b"RSET\r\nNOOP\r\n" * 5461 + b"QUIT"),
    ("empty", b"BDAT 0 LAST\r\n", b"")])
def _(_name, line, octets):
    with box() as (r, _g), r.session() as c:
        c.start()
        c.send(line + octets)
        c.reply("502 5.5.1")
        c.cmd("NOOP", "250")
        c.cmd("RCPT TO:<c@b.test>", "250")


@cases("a bad BDAT is an error, and nothing of it runs: {0!r}", [
    "BDAT", "BDAT x", "BDAT -5", "BDAT 99999999999999999999999 LAST", "BDAT 5 FIRST"])
def _(line):
    with box() as (r, g), r.session() as c:
        c.cmd(line, "5|421")
        equal(len(g.mails), 0)


@cases("parameters: {0} is {1}", [
    ("MAIL FROM:<a@a.test> FOO=bar", "555 5.5.4|501 5.5.4"), ("MAIL FROM:<a@a.test> SIZE=abc", "501 5.5.4|555 5.5.4"),
    ("MAIL FROM:<a@a.test> SIZE=-1", "501 5.5.4|555 5.5.4"), ("MAIL FROM:<a@a.test> SIZE=99999999999999999999", "552 5.3.4|501 5.5.4"),
    ("MAIL FROM:<a@a.test> BODY=BINARYMIME", "501 5.5.4|555 5.5.4|504 5.5.4"),
    ("MAIL FROM:<a@a.test> RET=HDRS ENVID=x", "555 5.5.4|501 5.5.4"),
    ("MAIL FROM:<a@a.test> SMTPUTF8=yes", "501 5.5.4|555 5.5.4")])
def _(line, wanted):
    with box() as (r, _g), r.session() as c:
        c.cmd(line, wanted)
        c.cmd("MAIL FROM:<a@a.test>", "250")


@case("sequence errors are 503 5.5.1: RCPT first, MAIL twice")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd("RCPT TO:<b@b.test>", "503 5.5.1")
        c.start()
        c.cmd("MAIL FROM:<z@a.test>", "503 5.5.1")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")


@case("20 errors of the client's own end the session with 421 4.7.0")
def _():
    with box() as (r, _g), r.session() as c:
        codes = []
        try:
            for _ in range(25):
                codes.append(c.cmd("FOO"))
        except Closed:
            pass
        equal([x.code for x in codes[:19]], [500] * 19)
        within(len(codes), 20, 21, "replies before the end")
        codes[-1].want("421 4.7.0")


@case("the gateway's refusals are not the client's errors")
def _():
    with box(RCPT="550 5.1.1 no such user") as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        for n in range(40):
            c.cmd(f"RCPT TO:<u{n}@b.test>", "550")
        c.cmd("NOOP", "250")


@case("an unqualified recipient without an option for it: 550 5.1.3")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<root>", "550 5.1.3")
        c.cmd("RCPT TO:root", "550 5.1.3")


@case("Domain_For_Unqualified_Recipient_Addresses and _Sender_Address")
def _():
    with box("Domain_For_Unqualified_Recipient_Addresses = r.test\nDomain_For_Unqualified_Sender_Address = s.test\n"
             ) as (r, g), r.session() as c:
        c.mail(sender="me", recipients=("you", "them@other.test"), wanted="250")
        equal(g.one().sender, b"MAIL FROM:<me@s.test>")
        equal(g.one().rcpts, [b"RCPT TO:<you@r.test>", b"RCPT TO:<them@other.test>"])


@case("Local_Recipient takes unqualified names, Hostname's and localhost's")
def _():
    with box("Local_Recipient = owner@home.test\n") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        for one in ("root", "root@localhost", "root@box.test", "Root@BOX.TEST"):
            c.cmd(f"RCPT TO:<{one}>", "250")
        c.cmd("RCPT TO:<x@b.test>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        rcpts = {x for x in g.one().rcpts}
        equal(rcpts, {b"RCPT TO:<owner@home.test>", b"RCPT TO:<x@b.test>"})


@case("RCPT TO:<postmaster> is an unqualified recipient like others, or accepted")
def _():
    with box() as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<postmaster>", "550 5.1.3|250")


@cases("Allowed_Senders: {0} is {1}", [
    ("scanner@a.test", "250"), ("Scanner@A.test", "250"), ("any@ok.test", "250"), ("other@a.test", "550 5.7.1"),
    ("x@sub.ok.test", "550 5.7.1")])
def _(sender, wanted):
    with box('Allowed_Senders = ( "scanner@a.test" "@ok.test" )\n') as (r, _g), r.session() as c:
        c.cmd(f"MAIL FROM:<{sender}>", "250")
        c.cmd("RCPT TO:<b@b.test>", wanted)


@cases("Allowed_Recipients: {0} is {1}", [
    ("office@b.test", "250"), ("any@ok.test", "250"), ("any@OK.test", "250"), ("other@b.test", "550 5.7.1")])
def _(recipient, wanted):
    with box('Allowed_Recipients = ( "office@b.test" "@ok.test" )\n') as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd(f"RCPT TO:<{recipient}>", wanted)


# --- time, sessions, throttle ---

@case("Client_Timeout bounds a whole command line: 421, then closed, single octets do not help")
def _():
    with box("Client_Timeout = 2s\n") as (r, _g), r.session() as c:
        start = time.monotonic()
        while time.monotonic() - start < 1.5:
            c.send("N")
            time.sleep(0.2)
        c.reply("421", 4)
        within(time.monotonic() - start, 1.5, 4)
        c.eof(5)


@case("Client_Timeout for an idle client: 421 and closed")
def _():
    with box("Client_Timeout = 1s\n") as (r, _g), r.session() as c:
        c.reply("421", 4)
        c.eof(5)


@case("Client_Timeout bounds the time for each further KiB of the body")
def _():
    with box("Client_Timeout = 2s\n") as (r, g), r.session() as c:
        c.start()
        c.data()
        start = time.monotonic()
        try:
            while time.monotonic() - start < 6:
                c.send("x")
                time.sleep(0.2)
        except Closed:
            pass
        within(time.monotonic() - start, 1.5, 5)
        contains(c.every + c.eof(5), b"421")
        wait_for(lambda: g.conn().closed, 60, "the gateway's connection cut")
        equal(len(g.offered), 0)


@case("a slow body that brings a KiB within Client_Timeout is served")
def _():
    with box("Client_Timeout = 1s\n") as (r, g), r.session() as c:
        c.start()
        c.data()
        for _ in range(6):
            c.send(b"y" * 1100 + b"\r\n")
            time.sleep(0.5)
        c.send(b".\r\n").reply("250")
        equal(len(g.mails), 1)


@case("Peer_Sessions: the greeting of one more is 421")
def _():
    with box("Peer_Sessions = 2\n") as (r, _g):
        a, b = r.session(), r.session()
        with r.client() as c:
            c.reply("421")
            c.eof(5)
        with r.client(source="127.0.0.5") as c:
            c.reply("220")
        a.cmd("QUIT", "221")
        a.close()
        wait_for(lambda: r.client().reply().code == 220, 60, "a session again")
        b.close()


@case("Listener_Sessions")
def _():
    with Liar() as g, Relay(g.conf() + 'ESMTP_Listener { Listener_Sessions = 2 Listen "127.0.0.1:0" {} }\n') as r:
        a, b = r.session(source="127.0.0.3"), r.session(source="127.0.0.4")
        with r.client(source="127.0.0.5") as c:
            c.reply("421")
        a.close()
        b.close()


@case("Inbound_Throttle_Messages: MAIL gets 450 4.7.1, per client")
def _():
    with box('Inbound_Throttle_Messages = "2/60"\n') as (r, g):
        with r.session() as c:
            c.mail(wanted="250")
            c.mail(wanted="250")
            c.cmd("MAIL FROM:<a@a.test>", "450 4.7.1")
        with r.session(source="127.0.0.6") as c:
            c.mail(wanted="250")
        equal(len(g.mails), 3)


@case("the throttle's window passes")
def _():
    with box('Inbound_Throttle_Messages = "1/2"\n') as (r, _g), r.session() as c:
        c.mail(wanted="250")
        c.cmd("MAIL FROM:<a@a.test>", "450 4.7.1")
        time.sleep(2.3)
        c.mail(wanted="250")


@case("Outbound_Throttle_Messages: 451 4.7.1")
def _():
    with box('Outbound_Throttle_Messages = "1/60"\n') as (r, _g), r.session() as c:
        c.mail(wanted="250")
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.7.1")


# --- other protocols ---

@cases("{0} on the plain port: closed at once, nothing relayed, one log line", [
    ("HTTP GET", b"GET / HTTP/1.1\r\nHost: box\r\n\r\n"), ("HTTP POST", b"POST /x HTTP/1.1\r\nHost: box\r\n\r\n"
                                                         b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n"),
    ("HTTP PUT", b"PUT /x HTTP/1.0\r\n\r\n"), ("HTTP OPTIONS", b"OPTIONS / HTTP/1.1\r\n\r\n"),
    ("a TLS hello", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x55" * 190),
    ("PROXY", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("PROXY 2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"\1" * 12)])
def _(_name, octets):
    with box() as (r, g), r.client() as c:
        c.reply("220")
        before = len(r.log().splitlines())
        c.send(octets)
        c.eof(3)
        wait_for(lambda: len(r.log().splitlines()) > before, 60, "a log line")
        time.sleep(0.2)
        equal(len(r.log().splitlines()) - before, 1, "log lines")
        equal(len(g.conns), 0)


need_binary()
main()
