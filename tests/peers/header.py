#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The header editor from outside (DESIGN 3.5: Header)."""

import email.utils
import re
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


def through(content, conf="", sender="a@a.test"):
    """Send this content; the mail as the gateway got it."""
    with box(conf) as (r, g), r.session("dev.test") as c:
        c.mail(content, sender=sender, wanted="250")
        return g.one()


def rest(mail):
    """The header after the Received line that the box put on top."""
    rows = re.split(rb"\r\n(?![ \t])", b"\r\n".join(mail.header))
    check(rows[0].startswith(b"Received: "), lambda: f"first line {rows[0]!r}")
    return rows[1:]


DATE, ID = b"Date: Sat, 03 Nov 2018 10:00:00 +0100", b"Message-ID: <1@a.test>"
FULL = b"From: d@a.test\r\nTo: e@b.test\r\n" + DATE + b"\r\n" + ID + b"\r\nSubject: x\r\n\r\nbody\r\n"


@case("a complete header: Received on top, all else octet for octet")
def _():
    mail = through(FULL)
    check(mail.raw.endswith(FULL), "the rest differs")
    equal(rest(mail), FULL.split(b"\r\n\r\n")[0].split(b"\r\n"))


@case("Received names the client's greeting and address, us, the protocol and the time")
def _():
    text = through(FULL).fields("Received")[0]
    for part in ("dev.test", "127.0.0.1", "box.test", "ESMTP"):
        contains(text, part)
    stamp = email.utils.parsedate_to_datetime(text.rpartition(";")[2].strip())
    within(stamp.timestamp(), time.time() - 120, time.time() + 120, "time in Received")


@case("Received after HELO says SMTP")
def _():
    with box() as (r, g), r.client() as c:
        c.reply("220")
        c.cmd("HELO dev.test", "250")
        c.mail(FULL, wanted="250")
        text = g.one().fields("Received")[0]
        contains(text, "SMTP")
        lacks(text, "ESMTP")


@cases("Received with a greeting of {0!r} stays one clean field", [
    "", "my scanner 2", "a(b)c", "a;b", "\xe4\xf6", "x\tInjected: y", "[192.168.3.7]", "a\\", '"', "x" * 600])
def _(name):
    with box() as (r, g), r.client() as c:
        c.reply("220")
        c.cmd("HELO " + name, "250")
        c.mail(FULL, wanted="250")
        mail = g.one()
        check(mail.raw.endswith(FULL), "the rest differs")
        rows = mail.raw[:-len(FULL)].split(b"\r\n")
        check(all(r[:1] in b" \t" for r in rows[1:] if r), lambda: f"a second field: {rows!r}")
        check(all(len(r) <= 998 for r in rows), "a line over 998 octets")
        contains(mail.raw, b"127.0.0.1")
        equal(mail.fields("Injected"), [])


@case("what is missing is added at the end of the header: Date, then Message-ID")
def _():
    mail = through(b"From: d@a.test\r\nSubject: x\r\n\r\nbody\r\n")
    rows = rest(mail)
    equal(rows[:2], [b"From: d@a.test", b"Subject: x"])
    equal([r.split(b":")[0] for r in rows[2:]], [b"Date", b"Message-ID"])
    stamp = email.utils.parsedate_to_datetime(mail.fields("Date")[0])
    within(stamp.timestamp(), time.time() - 120, time.time() + 120, "Date")
    check(re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", mail.fields("Message-ID")[0]), repr(mail.fields("Message-ID")))
    equal(mail.body, b"body\r\n")


@case("two mails get two Message-IDs")
def _():
    with box() as (r, g), r.session() as c:
        for _ in range(20):
            c.mail(wanted="250")
        equal(len({m.fields("Message-ID")[0] for m in g.mails}), 20)


@cases("{0} = no: it is not added, an empty one is left", [
    ("RFC2822_Date_Header", "Date", "Message-ID"), ("RFC2822_MessageID_Header", "Message-ID", "Date")])
def _(option, name, other):
    mail = through(b"From: d@a.test\r\n\r\nbody\r\n", f"{option} = no\n")
    equal((mail.fields(name), len(mail.fields(other))), ([], 1))


@cases("an empty {0} is removed and counts as missing: {1!r}", [
    (n, v) for n in ("Date", "Message-ID") for v in (b":", b": ", b":\t ", b":\r\n ", b" :")])
def _(name, value):
    mail = through(b"From: d@a.test\r\n" + name.encode() + value + b"\r\nSubject: x\r\n\r\nbody\r\n")
    equal(len(mail.fields(name)), 1, name)
    check(mail.fields(name)[0].strip() != "", "still empty")
    equal([r.split(b":")[0] for r in rest(mail)], [b"From", b"Subject", b"Date", b"Message-ID"])


@cases("field names match without regard to case and to blanks before the colon: {0!r}", [
    (b"DATE: Sat, 03 Nov 2018 10:00:00 +0100\r\nMESSAGE-ID: <1@a.test>\r\n",),
    (b"date:Sat, 03 Nov 2018 10:00:00 +0100\r\nmessage-id:<1@a.test>\r\n",),
    (b"Date : Sat, 03 Nov 2018 10:00:00 +0100\r\nMessage-Id \t: <1@a.test>\r\n",),
    (b"Date:\r\n Sat, 03 Nov 2018 10:00:00 +0100\r\nMessage-ID:\r\n <1@a.test>\r\n",)])
def _(fields):
    mail = through(b"From: d@a.test\r\n" + fields + b"\r\nbody\r\n")
    check(mail.raw.endswith(b"From: d@a.test\r\n" + fields + b"\r\nbody\r\n"), lambda: f"{mail.raw!r}")


@cases("what only looks like it does not count: {0!r}", [
    (b"X-Date: Sat, 03 Nov 2018 10:00:00 +0100\r\n",), (b"Dates: x\r\n",), (b"Subject: a\r\n Date: x\r\n",),
    (b"Resent-Date: Sat, 03 Nov 2018 10:00:00 +0100\r\n",), (b"Dat: x\r\n",)])
def _(field):
    mail = through(field + b"\r\nbody\r\n")
    equal(len(mail.fields("Date")), 1)
    contains(mail.raw, field)


@cases("a line that is neither field nor continuation ends the header: {0!r}", [
    (b"this is no field\r\n",), (b"two words: x\r\n",), (b": x\r\n",), (b"-----\r\n",),
    (b"no colon\r\n",)])
def _(line):
    mail = through(b"Subject: x\r\n" + line + b"Date: y\r\n")
    equal(mail.header[-1].split(b":")[0], b"Message-ID", "last field")
    equal(mail.body, line + b"Date: y\r\n")
    equal(len(mail.fields("Date")), 1)


@case("a first line that begins with a blank too")
def _():
    mail = through(b" continued: x\r\nSubject: y\r\n\r\nz\r\n")
    equal(mail.body, b" continued: x\r\nSubject: y\r\n\r\nz\r\n")


@case("a mail that ends in its header gets an empty line")
def _():
    mail = through(b"Subject: x\r\nTo: y\r\n")
    check(mail.raw.endswith(b"\r\n\r\n"), lambda: f"{mail.raw!r}")
    equal(rest(mail)[:2], [b"Subject: x", b"To: y"])
    equal(mail.body, b"")


@case("a mail that begins with an empty line has an empty header")
def _():
    mail = through(b"\r\nbody\r\n")
    equal(mail.body, b"body\r\n")
    equal([r.split(b":")[0] for r in rest(mail)], [b"Date", b"Message-ID"])


@case("Header_From: the address is replaced, the display name kept")
def _():
    mail = through(b"From: \"Second Floor\" <d@a.test>\r\nSubject: x\r\n\r\nb\r\n", "Header_From = box@own.test\n")
    equal(len(mail.fields("From")), 1)
    contains(mail.fields("From")[0], "Second Floor")
    contains(mail.fields("From")[0], "<box@own.test>")
    lacks(mail.fields("From")[0], "d@a.test")
    contains(rest(mail)[0], b"From")


@cases("Header_From where the display name can be kept: {0!r}", [
    (b"From: Scanner <d@a.test>", "Scanner"), (b"From: \"A, B\" <d@a.test>", "A, B"), (b"From: d@a.test (Scanner)", ""),
    (b"From: =?utf-8?q?B=C3=BCro?= <d@a.test>", "=?utf-8?q?B=C3=BCro?="), (b"From:\r\n Scanner\r\n <d@a.test>", "Scanner"),
    (b"From: d@a.test", ""), (b"From: <d@a.test>", "")])
def _(field, name):
    mail = through(field + b"\r\nSubject: x\r\n\r\nb\r\n", "Header_From = box@own.test\n")
    equal(len(mail.fields("From")), 1)
    contains(mail.fields("From")[0], "box@own.test")
    contains(mail.fields("From")[0], name)
    lacks(mail.fields("From")[0], "d@a.test")


@cases("Header_From where the field does not parse, the whole field is replaced: {0!r}", [
    (b"From: \"open <d@a.test>",), (b"From: a@b.test, c@d.test",), (b"From: <<d@a.test>>",), (b"From: nonsense @",),
    (b"From: " + b"x" * 600 + b" <d@a.test>",), (b"From:",)])
def _(field):
    mail = through(field + b"\r\nSubject: x\r\n\r\nb\r\n", "Header_From = box@own.test\n")
    equal(len(mail.fields("From")), 1)
    contains(mail.fields("From")[0], "box@own.test")
    lacks(mail.fields("From")[0], "d@a.test")
    equal(mail.body, b"b\r\n")


@case("Header_From: no From at all: added first at the end of the header")
def _():
    rows = rest(through(b"Subject: x\r\n\r\nb\r\n", "Header_From = box@own.test\n"))
    equal([r.split(b":")[0] for r in rows], [b"Subject", b"From", b"Date", b"Message-ID"])


@case("Header_From: a second From, Sender and Return-Path are removed, folded lines with them")
def _():
    mail = through(b"Return-Path: <r@a.test>\r\nFrom: d@a.test\r\nSender: s@a.test\r\nFrom: e@a.test\r\n  folded\r\n"
                   b"Subject: x\r\n\r\nFrom: body\r\nSender: body\r\n", "Header_From = box@own.test\n")
    equal([len(mail.fields(n)) for n in ("From", "Sender", "Return-Path")], [1, 0, 0])
    lacks(mail.raw, b"folded")
    equal(mail.body, b"From: body\r\nSender: body\r\n")


@case("without Header_From they all stay")
def _():
    head = b"Return-Path: <r@a.test>\r\nFrom: d@a.test\r\nSender: s@a.test\r\nFrom: e@a.test\r\n"
    contains(through(head + b"\r\nb\r\n").raw, head)


@case("Add_Reply_To puts the old From there")
def _():
    mail = through(b"From: \"S\" <d@a.test>\r\nSubject: x\r\n\r\nb\r\n", "Header_From = box@own.test\nAdd_Reply_To = yes\n")
    equal(len(mail.fields("Reply-To")), 1)
    contains(mail.fields("Reply-To")[0], "d@a.test")
    equal([r.split(b":")[0] for r in rest(mail)], [b"From", b"Subject", b"Reply-To", b"Date", b"Message-ID"])


@case("Add_Reply_To: not if there is one")
def _():
    mail = through(b"From: d@a.test\r\nReply-To: r@a.test\r\n\r\nb\r\n", "Header_From = box@own.test\nAdd_Reply_To = yes\n")
    equal(mail.fields("Reply-To"), ["r@a.test"])


@case("Add_Reply_To: not if the old From was not understood")
def _():
    mail = through(b"From: \"open <d@a.test>\r\n\r\nb\r\n", "Header_From = box@own.test\nAdd_Reply_To = yes\n")
    equal(mail.fields("Reply-To"), [])


@cases("folded fields, long ones, tabs and odd values pass octet for octet: {0}", [
    ("a folded Subject", b"Subject: one\r\n two\r\n\tthree\r\n"), ("a field of 100,000 octets", b"X-Long: " + b"l" * 100000 + b"\r\n"),
    ("8-bit", b"Subject: \xfcber\r\n"), ("no blank", b"Subject:x\r\n"), ("two blanks", b"Subject:  x \r\n"),
    ("a folded line of blanks", b"Subject: x\r\n \r\n y\r\n"), ("1,000 fields", b"".join(b"X-%d: v\r\n" % n for n in range(1000))),
    ("a dot", b"X-Dot: .\r\n"), ("Bcc", b"Bcc: hidden@b.test\r\n"), ("deep folding", b"X-F: a\r\n" + b" b\r\n" * 5000),
    ("an mbox From line's cousin", b"X-From_: y\r\n")])
def _(_name, field):
    mail = through(b"From: d@a.test\r\n" + field + DATE + b"\r\n" + ID + b"\r\n\r\nb\r\n")
    check(mail.text.endswith(b"From: d@a.test\r\n" + field + DATE + b"\r\n" + ID + b"\r\n\r\nb\r\n"), "the header differs")


@case("header lines cut in single octets give the same")
def _():
    content = b"From : \"S\" <d@a.test>\r\nSender: s@a.test\r\n x\r\nDate:\r\nSubject: y\r\n\r\nb\r\n"
    with box("Header_From = box@own.test\n") as (r, g), r.session() as c:
        c.mail(content, wanted="250")
        c.start()
        c.data()
        for octet in content + b".\r\n":
            c.send(bytes([octet]))
            time.sleep(0.001)
        c.reply("250")
        one, two = (re.sub(rb"Date: .*|Message-ID: .*|;[^;]*$", b"", b"\n".join(rest(m))) for m in g.mails)
        equal(one, two)


@case("Header_From of a Binding applies to its mail alone")
def _():
    with Liar() as g:
        text = (g.conf() + 'Binding "s" { Header_From = box@own.test }\nESMTP_Listener { Listen "127.0.0.1:0" {} '
                'Peer "127.0.0.2" { Binding = "s" } }\n')
        with Relay(text) as r:
            for source in ("127.0.0.1", "127.0.0.2"):
                with r.session(source=source) as c:
                    c.mail(FULL, wanted="250")
        equal(["box@own.test" in m.fields("From")[0] for m in g.mails], [False, True])


need_binary()
main()
