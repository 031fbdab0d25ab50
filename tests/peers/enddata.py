#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""End of data, line ends, dots and smuggling (DESIGN 3.5: End of data)."""

import itertools
import re
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

HEAD = b"Subject: x\r\n\r\n"
SMUGGLED = b"MAIL FROM:<evil@a.test>\r\nRCPT TO:<victim@b.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n"
FALSE_ENDS = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CRLF.CR": b"\r\n.\r",
    "CR.CRLF": b"\r.\r\n", "CRLF.CRCRLF": b"\r\n.\r\r\n", "LF.CR": b"\n.\r", "CR.LF": b"\r.\n", "CRCRLF.CRLF": b"\r\r\n.\r\n",
    "LFCR.CRLF": b"\n\r.\r\n", "CRLF.blank CRLF": b"\r\n. \r\n", "CRLF blank.CRLF": b"\r\n .\r\n",
    "CRLF.CR blank LF": b"\r\n.\r \n", "CRLF..CRLF": b"\r\n..\r\n",
}
NOT_AN_END = [n for n in FALSE_ENDS if n != "CRCRLF.CRLF"]              # CR CR LF is one line end


def transfer(body, conf="", wanted="250", head=HEAD):
    """Send head and body, then CRLF.CRLF as the true end; the mail at the gateway."""
    with box(conf) as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(head + body)
        c.quiet(0.25)
        c.send(b"\r\n.\r\n").reply(wanted)
        c.cmd("NOOP", "250")
        time.sleep(0.1)
        equal(len(g.mails), 1 if wanted == "250" else 0, "mails at the gateway")
        return g.mails[0] if g.mails else None


def clean(raw):
    """What leaves the box: no lone CR, no lone LF, no NUL, and no end of data within."""
    check(not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw), lambda: f"lone CR, LF or NUL in {short(raw)}")
    check(b"\r\n.\r\n" not in raw and not raw.startswith(b".\r\n"), lambda: f"an end of data in {short(raw)}")
    check(not re.search(rb"(?m)^\.(?!\.)", raw), lambda: f"an unstuffed dot in {short(raw)}")


@cases("{0} is not the end of data; what follows is content", [(n,) for n in NOT_AN_END])
def _(name):
    mail = transfer(b"before" + FALSE_ENDS[name] + SMUGGLED)
    clean(mail.raw)
    contains(mail.text, b"before")
    contains(mail.text, b"MAIL FROM:<evil@a.test>")


@cases("{0} under pedantic: 550 5.6.11 after the true end, or one mail",
       [(n,) for n in NOT_AN_END if b"\r\r\n" not in FALSE_ENDS[n]])
def _(name):
    lone = re.search(rb"(?<!\r)\n|\r(?!\n)", FALSE_ENDS[name])
    transfer(b"before" + FALSE_ENDS[name] + SMUGGLED, "RFC2822_Lone_LF_In_Body = pedantic\n",
             "550 5.6.11" if lone else "250")


@cases("the same with the first line ended by LF: {0}", [(n,) for n in NOT_AN_END])
def _(name):
    mail = transfer(b"before" + FALSE_ENDS[name] + SMUGGLED, head=b"Subject: x\n\n")
    clean(mail.raw)
    contains(mail.text, b"MAIL FROM:<evil@a.test>")


@case("CR CR LF is one line end, so CRCRLF.CRLF ends what the client meant, or not; one mail in any case")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(HEAD + b"before\r\r\n.\r\n")
        time.sleep(0.3)
        c.send(b"after\r\n.\r\n")
        c.reply("250", 5)
        clean(g.mails[0].raw)
        equal(len(g.mails), 1)


@case("every cut: a true end in any pieces is found, with a dotted line before it")
def _():
    body = HEAD + b"..one\r\n...two\r\n.\r\n"
    with box() as (r, g), r.session() as c:
        for cut in range(len(HEAD) - 2, len(body)):
            c.start()
            c.data()
            c.send(body[:cut])
            time.sleep(0.004)
            c.send(body[cut:]).reply("250")
        for mail in g.mails:
            equal(mail.body, b".one\r\n..two\r\n")


@case("fix: all sequences of CR, LF, dot and x of four octets, in one mail each: clean, and normalised")
def _():
    with box() as (r, g), r.session(wait=30) as c:
        inputs = [b"".join(s) for s in itertools.product((b"\r", b"\n", b".", b"x"), repeat=4)]
        for data in inputs:
            c.start()
            c.data()
            c.send(HEAD + b"q" + data + b"q\r\n.\r\n").reply("250")
        check(len(g.mails) > 200, "mails")
        for mail in g.mails:
            clean(mail.raw)


@cases("fix: {0!r} becomes {1!r}", [
    (b"a\nb", b"a\r\nb\r\n"), (b"a\rb", b"a\r\nb\r\n"), (b"a\r\r\nb", b"a\r\nb\r\n"), (b"a\n\nb", b"a\r\n\r\nb\r\n"),
    (b"a\r\rb", b"a\r\n\r\nb\r\n"), (b"a\n\rb", b"a\r\n\r\nb\r\n"), (b"a\r\nb", b"a\r\nb\r\n"),
    (b"a\r\r\r\nb", b"a\r\n\r\nb\r\n"), (b"a\r\n\nb", b"a\r\n\r\nb\r\n")])
def _(body, wanted):
    equal(transfer(body).body, wanted)


@cases("dots: {0!r} after CRLF arrives as {1!r}", [
    (b"..x", b".x"), (b".x", b"x"), (b"...", b".."), (b"x.", b"x."), (b"..", b".")])
def _(line, wanted):
    mail = transfer(b"a\r\n" + line + b"\r\nz")
    equal(mail.body, b"a\r\n" + wanted + b"\r\nz\r\n")


@case("a dot after a lone LF stays as it is when the first line ended in CRLF")
def _():
    mail = transfer(b"a\n..x\n.y\nz")
    equal(mail.body, b"a\r\n..x\r\n.y\r\nz\r\n")


@case("and is unstuffed when the very first line ended in a lone LF")
def _():
    mail = transfer(b"a\n..x\nz", head=b"Subject: x\n\n")
    equal(mail.body, b"a\r\n.x\r\nz\r\n")


@case("pedantic: a lone LF in the header")
def _():
    transfer(b"x", "RFC2822_Lone_LF_In_Headers = pedantic\n", "550 5.6.11", head=b"Subject: x\nTo: y\r\n\r\n")


@case("pedantic in the header only: a lone LF in the body is fixed")
def _():
    mail = transfer(b"a\nb", "RFC2822_Lone_LF_In_Headers = pedantic\n")
    equal(mail.body, b"a\r\nb\r\n")


@case("pedantic in the body only: a lone LF in the header is fixed")
def _():
    mail = transfer(b"x", "RFC2822_Lone_LF_In_Body = pedantic\n", head=b"Subject: x\nX-Y: y\r\n\r\n")
    contains(mail.header, b"X-Y: y")


@cases("Lone_LF_Ends_Data: {0} {2}", [
    ("CRLF.LF", HEAD + b"a\r\n.\n", "ends", True), ("LF.LF after a first line with CRLF", HEAD + b"a\n.\n", "does not end", False),
    ("LF.CRLF after a first line with CRLF", HEAD + b"a\n.\r\n", "does not end", False),
    ("LF.LF after a first line with LF", b"Subject: x\n\na\n.\n", "ends", True),
    ("LF.CRLF after a first line with LF", b"Subject: x\n\na\n.\r\n", "ends", True),
    ("CR.CR", HEAD + b"a\r.\r", "does not end", False), ("CRLF.CRLF", HEAD + b"a\r\n.\r\n", "ends", True)])
def _(_name, data, _word, ends):
    with box("Lone_LF_Ends_Data = true\n") as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(data)
        if ends:
            c.reply("250")
        else:
            c.quiet(0.4)
            c.send(b"\r\n.\r\n").reply("250")
        clean(g.one().raw)
        c.cmd("NOOP", "250")


@case("Lone_LF_Ends_Data of a Peer")
def _():
    with Liar() as g:
        with Relay(g.conf() + 'ESMTP_Listener { Listen "127.0.0.1:0" {} Peer "127.0.0.2" { Lone_LF_Ends_Data = yes } }\n') as r:
            with r.session(source="127.0.0.2") as c:
                c.start()
                c.data()
                c.send(HEAD + b"a\r\n.\n").reply("250")
            with r.session() as c:
                c.start()
                c.data()
                c.send(HEAD + b"a\r\n.\n")
                c.quiet(0.5)


@case("a client that sent a lone-LF end and times out is logged once with the option's name")
def _():
    with box("Client_Timeout = 1s\n") as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(HEAD + b"a\r\n.\n")
        c.reply("421", 5)
        c.eof(5)
        r.wait_log("Lone_LF_Ends_Data")
        equal(r.log().count("Lone_LF_Ends_Data"), 1, "mentions in the log")
        equal(len(g.offered), 0)


@cases("lines of {0} octets pass unchanged", [(n,) for n in (997, 998, 999, 1000, 2048, 4095, 4096, 4097, 65535, 65536, 1000000)])
def _(octets):
    line = b"L" * octets
    mail = transfer(line + b"\r\n.." + line)
    equal(mail.body == line + b"\r\n." + line + b"\r\n", True, "body as sent")


@case("a NUL is 550 5.6.0 after the true end")
def _():
    transfer(b"a\0b", "", "550 5.6.0")
    transfer(b"\0\r\n.\0\r\nb", "", "550 5.6.0")


@case("all other octets pass unchanged")
def _():
    data = bytes(o for o in range(1, 256) if o not in (10, 13))
    equal(transfer(data * 40).body, data * 40 + b"\r\n")


@case("random octets and cuts: what arrives is what was sent, normalised")
def _():
    import random
    dice = random.Random(4711)
    with box() as (r, g), r.session(wait=30) as c:
        for _ in range(60):
            data = b"".join(dice.choice((b"\r\n", b"\r\n.", b"..", b"x", b"yy\r\n", b".", b"\n", b"\r")) for _ in range(dice.randrange(1, 60)))
            data = re.sub(rb"\r\n\.(\r\n)+", b"\r\n.z\r\n", data)
            if b"\r\n.\r\n" in data:
                continue
            c.start()
            c.data()
            whole = HEAD + b"q" + data + b"q\r\n.\r\n"
            at = 0
            while at < len(whole):
                step = dice.choice((1, 2, 3, 7, 40))
                c.send(whole[at:at + step])
                at += step
            c.reply("250")
        for mail in g.mails:
            clean(mail.raw)


need_binary()
main()
