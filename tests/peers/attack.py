#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Hostile clients and gateways: what the other files do not try. Nothing is smuggled, nothing grows, nobody waits."""

import itertools
import random
import re
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.strain import SANITIZED, Balance, Idle, Watch, good            # noqa: E402

SLACK = 64 if not SANITIZED else 1 << 20        # KiB: pages touched for the first time
EVIL = b"MAIL FROM:<evil@a.test>\r\nRCPT TO:<victim@b.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n.\r\n"


def clean(raw):
    """Only CRLF ends a line, dots are stuffed, no end of data within."""
    check(not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw), lambda: f"lone CR, LF or NUL in {short(raw)}")
    check(not re.search(rb"(?m)^\.(?!\.)", raw), lambda: f"a dot that is not stuffed in {short(raw)}")


# --- smuggling ---

@case("false ends of data within header fields that are rewritten: nothing leaves the box but clean lines")
def _():
    ends = [b"".join(p) for p in itertools.product((b"\r", b"\n", b".", b" "), repeat=3)]
    fields = [b"From: a%sb <a@a.test>\r\n", b"From:%s<a@a.test>\r\n", b"From: <a@a.test>%s\r\n", b"Sender: x%sy\r\n",
              b"Reply-To: x%sy\r\n", b"%s: x\r\n", b"X:%s\r\n.\r", b"Date: %s\r\n", b"Message-ID:%s\r\n"]
    with box("Header_From = box@a.test\nAdd_Reply_To = true\n") as (r, g), r.session() as c:
        for number, (field, end) in enumerate(itertools.product(fields, ends)):
            content = b"Subject: %d\r\n" % number + field % end + b"X-Z: last\r\n\r\nbody\r\n"
            if re.search(rb"\r\n\.\r\n", content):
                continue
            c.send(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
            for wanted in ("250", "250", "354"):
                c.reply(wanted)
            c.send(content + b".\r\n")
            c.reply("250")
        for m in g.mails:
            clean(m.raw)
            equal(m.raw.count(b"body\r\n"), 1, "bodies")
            check(len(m.fields("From")) <= 1, lambda m=m: f"two From fields in {short(m.raw)}")
        equal({v for v in g.verbs} - {"QUIT"}, {"EHLO", "MAIL", "RCPT", "DATA", "."}, "commands at the gateway")


@case("random octets with commands among them, cut at random: one mail each, clean, or a refusal")
def _():
    rng = random.Random(4711)
    parts = [b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\n.\n", b"\0", b"x", b"QUIT\r\n", EVIL[:60], b"\r\n..", b" ", b"From: x"]
    with box("Header_From = box@a.test\n") as (r, g):
        count = 0
        for turn in range(120):
            text = whole = b""
            while whole.find(b"\r\n.\r\n") != len(whole) - 5:
                text = b"".join(rng.choice(parts) for _ in range(rng.randrange(60)))
                text = text if turn % 2 else text.replace(b"\0", b"")
                whole = b"X-T: %d\r\n" % turn + text + b"\r\n.\r\n"
            with r.session() as c:
                c.start()
                c.data()
                cuts = sorted(rng.randrange(len(whole)) for _ in range(rng.randrange(4)))
                for a, b in zip([0, *cuts], [*cuts, len(whole)]):
                    c.send(whole[a:b])
                    time.sleep(0.001)
                got = c.reply("250|550")
                equal(got.code, 550 if b"\0" in text else 250, f"reply to {short(whole)}")
                count += got.code == 250
                c.cmd("NOOP", "250")
        equal(len(g.offered), count, "mails at the gateway")
        for m in g.offered:
            clean(m.raw)
        check(not any(b"evil" in ln for ln in g.lines), "a command was smuggled")


@case("addresses cannot carry a command, a parameter or a line end to the gateway")
def _():
    with box() as (r, g), r.session() as c:
        for path in ('"a\rRSET"@a.test', '"a>SIZE=1"@a.test', '"a> BODY=X"@a.test', "a>b@a.test", "a@a.test>SIZE=1 <b",
                     '"\\\r\\\nRSET"@a.test', "a@[127.0.0.1\rRSET]", '"\x7f"@a.test', "a@a.test\tSIZE=1", "<a@a.test>"):
            c.send(f"MAIL FROM:<{path}>\r\n")
            if c.reply().code == 250:
                c.cmd("RCPT TO:<b@b.test>")
                c.cmd("RSET", "250")
        for line in g.lines:
            check(re.fullmatch(rb'(EHLO|MAIL FROM|RCPT TO|RSET)[^\0-\x1f\x7f]*', line), f"at the gateway: {line!r}")
            check(not line.startswith(b"MAIL") or re.fullmatch(
                rb'MAIL FROM:<(?:"(?:[^"\\]|\\.)*"|[^"<>\s])*>', line), f"at the gateway: {line!r}")


# --- lines and chunks without end ---

@case("a command line without end: one 500 at the limit, closed after 1 MiB, memory flat")
def _():
    with box() as (r, g):
        good(r, g, "before")
        balance, watch = Balance(r), Watch(r)
        c = r.session()
        closed = threading.Event()

        def run():
            try:
                for _ in range(40):
                    c.sock.sendall(b"x" * 65536)
            except OSError:
                closed.set()
        thread = threading.Thread(target=run)
        thread.start()
        c.reply("500 5.5.2")
        rest = c.eof()
        thread.join()
        check(len(rest) < 600, f"more replies: {short(rest)}")
        within(watch.look(), -999999, SLACK, "KiB grown")
        c.close()
        balance.settle()
        good(r, g, "after")


@case("an overlong line of less than 1 MiB: one 500, the line skipped, the session goes on")
def _():
    with box() as (r, _g), r.session() as c:
        for size in (2049, 4095, 4096, 4097, 8192, 100000, 1000000):
            c.send(b"x" * size + b"\r\n")
            c.reply("500 5.5.2")
            c.cmd("NOOP", "250")
        c.mail(wanted="250")


@case("BDAT behind a refused RCPT, huge, then silence: its octets are never commands; the client's time ends")
def _():
    with box("Client_Timeout = 2s\nMax_Message_Size = 1m\n", RCPT="550 5.1.1 no") as (r, g):
        balance = Balance(r)
        for size in (len(EVIL), 900000, 5 << 20, 2 ** 31, 2 ** 32 + 7, 2 ** 63, 2 ** 64 - 1):
            with r.session(wait=6) as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                c.cmd("RCPT TO:<b@b.test>", "550")
                try:
                    c.send(b"BDAT %d LAST\r\n" % size + EVIL)
                    c.reply("5|421")
                    c.eof()
                except Closed:
                    pass
        check(not any(b"evil" in ln for ln in g.lines), "octets of a chunk became commands")
        equal(g.offered, [], "mails")
        balance.settle()


@case("20 errors in one packet: 421 4.7.0, and what follows is not run")
def _():
    with box() as (r, g), r.client() as c:
        c.send(b"BAD\r\n" * 25 + EVIL)
        contains(c.eof(), b"421 4.7.0", "replies")
        equal(len(g.conns), 0, "connections to the gateway")


# --- half-open connections ---

def timers(own, peers):
    """Timer kinds of the established connection from port to port: 2 is keepalive."""
    out = []
    with open("/proc/net/tcp", encoding="ascii") as file:
        for row in file.read().splitlines()[1:]:
            word = row.split()
            if word[3] == "01" and [int(w.split(":")[1], 16) for w in word[1:3]] == [own, peers]:
                out.append(int(word[5].split(":")[0]))
    return out


@case("keepalive on both sides: a peer that is gone without a word is noticed")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        time.sleep(0.5)
        equal(timers(r.port, c.sock.getsockname()[1]), [2], "timers towards the client")
        equal(timers(g.conn().peer[1], g.port), [2], "timers towards the gateway")


# --- gateways ---

@cases("a gateway that talks without end in its {0}: cut off, 451, nothing grows", [
    ("greeting", {"GREETING": Endless(b"220-x\r\n" * 100)}), ("greeting, one line", {"GREETING": Endless(b"220 " + b"x" * 5000)}),
    ("EHLO", {"EHLO": Endless(b"250-SIZE 5\r\n" * 100)}), ("EHLO, one line", {"EHLO": Endless(b"250-" + b"x" * 5000)}),
    ("HELO", {"EHLO": "502 no", "HELO": Endless(b"250-x\r\n" * 100)}), ("RCPT", {"RCPT": Endless(b"250-x\r\n" * 100)}),
    ("DATA", {"DATA": Endless(b"354-x\r\n" * 100)}), ("end of data", {"DOT": Endless(b"250-x\r\n" * 100)}),
    ("end of data, digits", {"DOT": Endless(b"2" * 5000)}), ("body", {"BODY": (50, Endless(b"250-x\r\n" * 100))}),
    ("body, junk", {"BODY": (50, Endless(b"\0\xff" * 500))})])
def _(_name, script):
    with box("Client_Patience = 5s\nBody_Timeout = 5s\n", **script) as (r, g):
        balance, watch = Balance(r), Watch(r)
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            got = c.cmd("RCPT TO:<b@b.test>", "250|451", wait=4)
            if got.code == 250:
                got = c.cmd("DATA", "354|451", wait=4)
            if got.code == 354:
                c.send(b"Subject: x\r\n\r\n" + b"x" * 100 + b"\r\n")
                time.sleep(0.2)
                c.send(b".\r\n").reply("451 4.4.2", 4)
        wait_for(lambda: g.conns[0].closed, 60, "the connection cut")
        within(watch.look(), -999999, 100 + SLACK, "KiB grown")
        balance.settle()


@case("a gateway that talks without end on an idle connection: dropped; the next mail goes")
def _():
    with box("", {"DOT": ("250 2.0.0 ok", 0.3, Endless(b"250 again\r\n" * 100))}, {}) as (r, g):
        balance = Balance(r)
        with r.session() as c:
            c.mail(wanted="250")
            wait_for(lambda: g.conns[0].closed, 60, "the connection cut")
            c.mail(wanted="250")
        equal(len(g.conns), 2, "connections")
        balance.settle()


@case("replies in single octets with every command, over and over: no time-out, one mail")
def _():
    words = {"GREETING": "220 gw", "EHLO": "250-gw\r\n250-PIPELINING\r\n250 8BITMIME", "MAIL": "250 ok", "RCPT": "250 ok",
             "DATA": "354 go", "DOT": "250 done", "RSET": "250 ok"}
    with box(**{w: Slow(t.encode() + b"\r\n", 1, 0.01) for w, t in words.items()}) as (r, g), r.session() as c:
        for _ in range(3):
            c.mail(wanted="250")
        equal(len(g.mails), 3, "mails")


@case("a gateway that answers the commands of a mail before they are sent: out of step, never a mail")
def _():
    answers = b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 done\r\n"
    for word, first in (("GREETING", b"220 gw\r\n"), ("EHLO", b"250-gw\r\n250 PIPELINING\r\n")):
        with box("Client_Patience = 4s\n", **{word: first + answers}) as (r, g), r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451 4.4.2", wait=6)
            c.cmd("DATA", "451")
            check("DATA" not in g.verbs, "DATA was sent")


@case("more gateways than are remembered: each gets its mail, in turn and again")
def _():
    hosts = [f"127.0.8.{n}" for n in range(1, 81)]
    with Liar(host="0.0.0.0") as g:
        conf = "".join(f'Domain "d{n}.test" {{ Gateway = "{h}:{g.port}" }}\n' for n, h in enumerate(hosts))
        with Relay(conf) as r:
            balance = Balance(r)
            for _ in range(2):
                for n in range(len(hosts)):
                    with r.session() as c:
                        c.mail(recipients=(f"x@d{n}.test",), wanted="250")
            equal(len(g.mails), 2 * len(hosts), "mails")
            balance.settle()


@case("more gateways are down than are remembered: 451 at each, and one that works gets its mail")
def _():
    with Liar(host="127.0.8.250") as g:
        port = refused_port()
        conf = f'Domain "good.test" {{ Gateway = "{g.at}" }}\n' + "".join(
            f'Domain "d{n}.test" {{ Gateway = "127.0.8.{n + 1}:{port}" }}\n' for n in range(80))
        with Relay(conf) as r:
            for n in range(80):
                with r.session() as c:
                    c.cmd("MAIL FROM:<a@a.test>", "250")
                    c.cmd(f"RCPT TO:<x@d{n}.test>", "451 4.4.1")
            with r.session() as c:
                c.mail(recipients=("x@good.test",), wanted="250")
            with Idle(r, 0.3):
                time.sleep(3)
            with r.session() as c:
                c.mail(recipients=("x@good.test",), wanted="250")


if __name__ == "__main__":
    need_binary()
    main(jobs=3)
