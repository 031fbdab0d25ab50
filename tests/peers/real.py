#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Real clients through the relay, and the relay before real gateways."""

import base64
import email.message
import email.policy
import os
import random
import shutil
import smtplib
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.gateways import BOX, SIZE, OpenSmtpdGateway, PostfixGateway    # noqa: E402
from lib.programs import Postfix, fetch, free_port                      # noqa: E402

DATE = b"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n"


def program(name):
    """Where it lies; Skip if it is missing."""
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def call(*words, stdin=b"", wait=60, env=None):
    """A client to its end: (exit status, all that it said)."""
    done = subprocess.run([program(words[0]), *words[1:]], input=stdin, stdout=subprocess.PIPE, timeout=wait,
                          stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def fine(*words, **more):
    code, said = call(*words, **more)
    equal(code, 0, f"exit of {words[0]}, which said {short(said, 2000)}")
    return said


def scan(size, seed=1, tag="scan"):
    """What a multifunction printer makes: a multipart mail with a document in base64, lines end in CRLF."""
    octets = random.Random(seed).randbytes(size * 3 // 4)
    text = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return (b"From: Scanner <scanner@a.test>\r\nTo: <" + BOX.encode() + b">\r\nSubject: " + tag.encode() + b"\r\n" + DATE +
            b"Message-ID: <" + tag.encode() + b"@a.test>\r\nMIME-Version: 1.0\r\n"
            b'Content-Type: multipart/mixed; boundary="=_part"\r\n\r\nA multipart mail.\r\n--=_part\r\n'
            b"Content-Type: text/plain\r\n\r\nSee the document.\r\n.\r\n..\r\n.x\r\n\r\n--=_part\r\n"
            b"Content-Type: application/pdf; name=scan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text +
            b"\r\n--=_part--\r\n")


def rough(size, tag):
    """Lines of all lengths with 8-bit octets and dots at their beginnings."""
    dice = random.Random(7)
    out = [b"From: a@a.test\r\nTo: b@b.test\r\nSubject: " + tag.encode() + b"\r\n", DATE, b"Message-ID: <" + tag.encode() + b"@a.test>\r\n\r\n"]
    total = 0
    alphabet = bytes(b for b in range(1, 256) if b not in (10, 13))
    block = bytes(dice.choices(alphabet, k=65536))
    while total < size:
        length = dice.choice((0, 1, 2, 70, 76, 511, 512, 997, 998))
        at = dice.randrange(65536 - length)
        out.append(b"." * dice.choice((0, 0, 1, 2)) + block[at:at + length] + b"\r\n")
        total += len(out[-1])
    return b"".join(out)


def stuffed(text):
    return (b"." if text.startswith(b".") else b"") + text.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def same(got, sent, what="the mail"):
    """got ends in what was sent, octet for octet: what was added stands before it."""
    if not got.endswith(sent):
        end = len(os.path.commonprefix([got[::-1], sent[::-1]]))
        raise Failed(f"{what}: the last {end} octets are as sent, before them {short(got[-end - 80:][:160])} instead "
                     f"of {short(sent[-end - 80:][:160])}")


# --- smtp-source ---

SOURCES = {
    "one session": (20, 1000, 1, ()),
    "a connection for each mail": (200, 1000, 20, ()),
    "kept connections": (200, 1000, 20, ("-d",)),
    "an old device: no HELO, no header": (40, 500, 20, ("-o",)),
    "five recipients": (40, 1000, 20, ("-r", "5")),
    "a small window": (10, 60000, 5, ("-T", "4096")),
    "numbers before the text": (40, 2000, 20, ("-N", "-d")),
    "pauses": (20, 1000, 10, ("-R", "1")),
    "100 KiB": (30, 102400, 10, ()),
    "4 MiB": (6, 4 << 20, 3, ()),
    "one octet": (20, 1, 20, ()),
}


@cases("smtp-source, {0}", [(n,) for n in SOURCES])
def _(name):
    mails, length, sessions, options = SOURCES[name]
    postfix = Postfix(fetch("postfix"))
    with box() as (r, g):
        postfix.source(r.port, mails, length, *options, sessions=sessions, wait=120)
        g.wait(lambda: len(g.mails) >= mails, 20, f"{mails} mails, {len(g.mails)} came")
        equal(len(g.mails), mails, "mails")
        check(all(len(m.text) >= length for m in g.mails), "a mail is shorter than it was")
        rcpts = 5 if "-r" in options else 1
        equal({len(m.rcpts) for m in g.mails}, {rcpts}, "recipients")
        for m in g.mails:
            equal(len(m.fields("Received")), 1, "Received fields")
            check(m.fields("Date") and m.fields("Message-ID"), "Date or Message-ID is missing")
        wait_for(lambda: len(r.events()) >= mails, 60, "a log line for each mail")
        equal({e["status"] for e in r.events()}, {"sent"}, "status")


@case("smtp-source, a text of its own: dots, long lines, 8-bit")
def _():
    postfix = Postfix(fetch("postfix"))
    text = rough(300000, "own").replace(b"\0", b"")
    with Files() as f, box() as (r, g):
        path = os.path.join(f.dir, "mail")
        with open(path, "wb") as file:
            file.write(text.replace(b"\r\n", b"\n"))
        postfix.source(r.port, 5, 0, "-F", path, sessions=5)
        g.wait(lambda: len(g.mails) == 5, 20, "five mails")
        for m in g.mails:
            same(m.text, text + b"\r\n")


# --- swaks ---

def swaks(r, *more, **options):
    return call("swaks", "--server", "127.0.0.1", "--port", str(r.port), "--from", "a@a.test", "--timeout", "20",
                *more, **options)


@cases("swaks {0}", [
    ("plainly", ()), ("with --pipeline", ("--pipeline",)), ("with HELO", ("--protocol", "SMTP")),
    ("with a name of one word", ("--ehlo", "scanner")), ("with an address for a name", ("--ehlo", "[192.0.2.9]")),
    ("that leaves without QUIT", ("--drop-after", "DOT"))])
def _(_name, more):
    with box() as (r, g):
        code, said = swaks(r, "--to", "b@b.test", "--header", "Subject: swaks", *more)
        equal(code, 0, f"exit; it said {short(said, 2000)}")
        contains(said, "250 2.0.0 queued as 4711")
        equal(g.one().fields("Subject"), ["swaks"])


@case("swaks with an attachment and 8-bit text")
def _():
    with Files() as f, box() as (r, g):
        path = os.path.join(f.dir, "scan.pdf")
        octets = random.Random(3).randbytes(400000)
        with open(path, "wb") as file:
            file.write(octets)
        code, said = swaks(r, "--to", "b@b.test", "--body", "gr\u00fc\u00dfe", "--attach-type", "application/pdf",
                           "--attach", f"@{path}")
        equal(code, 0, f"exit; it said {short(said, 2000)}")
        text = email.message_from_bytes(g.one().text, policy=email.policy.default)
        parts = list(text.iter_attachments())
        equal(len(parts), 1, "attachments")
        check(parts[0].get_payload(decode=True) == octets, "the attachment differs")


@cases("swaks shows the gateway's own words: {0} refused", [
    ("MAIL", "550 5.7.60 not your address"), ("RCPT", "550 5.1.1 <b@b.test>: nobody of that name"),
    ("DATA", "554 5.7.1 no content from you"), ("DOT", "550 5.7.1 looks like spam"), ("DOT", "452 4.2.2 mailbox full")])
def _(word, reply):
    with box(**{word: reply}) as (r, _g):
        code, said = swaks(r, "--to", "b@b.test")
        check(code != 0, f"exit {code}; it said {short(said, 2000)}")
        contains(said, reply)


@case("swaks, one of three recipients refused: the others get it")
def _():
    with box(RCPT=["250 2.1.5 ok", "550 5.1.1 nobody", "250 2.1.5 ok"]) as (r, g):
        swaks(r, "--to", "b@b.test,c@b.test,d@b.test")
        equal([m.split(b"<")[1][:8] for m in g.one().rcpts], [b"b@b.test", b"d@b.test"])


# --- msmtp ---

def msmtp(r, *more, stdin):
    return call("msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={r.port}", "--tls=off", "--auth=off",
                "--timeout=20", "--from=a@a.test", *more, stdin=stdin)


@case("msmtp, a mail of 2 MiB with line feeds")
def _():
    with box() as (r, g):
        text = scan(2 << 20, 2, "msmtp")
        code, said = msmtp(r, "b@b.test", "c@b.test", stdin=text.replace(b"\r\n", b"\n"))
        equal(code, 0, f"exit; it said {said}")
        same(g.one().text, text)
        equal(len(g.one().rcpts), 2)


@case("msmtp -t takes the recipients from the header")
def _():
    with box() as (r, g):
        code, said = msmtp(r, "-t", stdin=b"To: b@b.test\nCc: c@b.test\nBcc: d@b.test\nSubject: x\n\nhello\n")
        equal(code, 0, f"exit; it said {said}")
        equal(len(g.one().rcpts), 3)
        equal(g.one().fields("Bcc"), [])


@cases("msmtp tells the gateway's own words: {0} refused", [
    ("RCPT", "550 5.1.1 nobody of that name"), ("DOT", "554 5.7.1 looks like spam"), ("MAIL", "450 4.2.1 slow down")])
def _(word, reply):
    with box(**{word: reply}) as (r, _g):
        code, said = msmtp(r, "b@b.test", stdin=b"Subject: x\n\nhello\n")
        check(code != 0, f"exit {code}")
        contains(said, reply)


@case("msmtp, no gateway there: it fails, with the reason in words")
def _():
    with Relay(f'Gateway = "127.0.0.1:{refused_port()}"\n') as r:
        code, said = msmtp(r, "b@b.test", stdin=b"Subject: x\n\nhello\n")
        check(code != 0, f"exit {code}")
        contains(said, "451 4.4.1")
        contains(said.lower(), "refused")


@case("msmtp --serverinfo")
def _():
    with box() as (r, _g):
        code, said = call("msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={r.port}", "--tls=off", "--serverinfo")
        equal(code, 0, f"exit; it said {said}")
        contains(said, "box.test")
        contains(said, "PIPELINING")


# --- curl ---

def curl(r, *more, stdin=b""):
    return call("curl", "-sS", "-v", "--max-time", "50", *more, f"smtp://127.0.0.1:{r.port}/dev.test", stdin=stdin)


@case("curl --upload-file, 3 MiB with dots at line ends and beginnings")
def _():
    with Files() as f, box() as (r, g):
        text = rough(3 << 20, "curl")
        path = os.path.join(f.dir, "mail")
        with open(path, "wb") as file:
            file.write(text)
        code, said = curl(r, "--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "--mail-rcpt", "c@b.test",
                          "--upload-file", path)
        equal(code, 0, f"exit; it said {short(said, 2000)}")
        same(g.one().text, text)
        equal(len(g.one().rcpts), 2)


@case("curl builds a mail of parts")
def _():
    with Files() as f, box() as (r, g):
        path = f.put("scan.jpg", "".join(chr(n % 256) for n in range(50000)))
        code, said = curl(r, "--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "-H", "Subject: parts",
                          "-F", "=hello;type=text/plain", "-F", f"file=@{path};type=image/jpeg;encoder=base64")
        equal(code, 0, f"exit; it said {short(said, 2000)}")
        part = list(email.message_from_bytes(g.one().text, policy=email.policy.default).iter_parts())[1]
        check(part.get_payload(decode=True) == bytes(n % 256 for n in range(50000)), "the part differs")


@case("curl, nothing to upload: VRFY is 252")
def _():
    with box() as (r, _g):
        code, said = curl(r, "--mail-rcpt", "someone")
        equal(code, 0, f"exit; it said {short(said, 2000)}")
        contains(said, "252 2.")


@case("curl is told 552 where the mail is too large")
def _():
    with Files() as f, box("Max_Message_Size = 100k\n") as (r, g):
        path = f.put("mail", "Subject: x\r\n\r\n" + "y" * 76 + "\r\n" * 80000)
        code, said = curl(r, "--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "--upload-file", path)
        check(code != 0, "exit 0")
        contains(said, "552 5.3.4")
        equal(len(g.offered), 0)


# --- Python's smtplib, Perl's Net::SMTP ---

@case("smtplib: several mails on one connection, one of them of 5 MiB, then QUIT")
def _():
    with box() as (r, g):
        texts = [scan(n, 4, f"py{n}") for n in (1000, 5 << 20, 3000)]
        with smtplib.SMTP(*r.address, timeout=30) as c:
            for one in texts:
                equal(c.sendmail("a@a.test", ["b@b.test"], one), {}, "refused")
        equal(len(g.mails), 3)
        for mail, one in zip(g.mails, texts):
            same(mail.text, one)


@case("smtplib: refused recipients are told one by one")
def _():
    with box(RCPT=["250 2.1.5 ok", "550 5.1.1 nobody", "452 4.2.2 full"]) as (r, g):
        with smtplib.SMTP(*r.address, timeout=30) as c:
            got = c.sendmail("a@a.test", ["b@b.test", "c@b.test", "d@b.test"], HELLO)
            equal(got, {"c@b.test": (550, b"5.1.1 nobody"), "d@b.test": (452, b"4.2.2 full")}, "refused")
        equal(len(g.one().rcpts), 1)


@case("smtplib: send_message with an address beyond ASCII")
def _():
    with box() as (r, g):
        m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
        m["From"], m["To"], m["Subject"] = "j\u00f6rg@a.test", "andr\u00e9@b.test", "gr\u00fc\u00dfe"
        m.set_content("na\u00efve\n")
        with smtplib.SMTP(*r.address, timeout=30) as c:
            equal(c.send_message(m), {}, "refused")
        contains(g.one().sender, "<j\u00f6rg@a.test>".encode())
        contains(g.one().sender.upper(), b"SMTPUTF8")


@case("smtplib: twenty threads")
def _():
    with box(DOT=(0.02, "250 2.0.0 ok")) as (r, g):
        wrong = []

        def one(number):
            try:
                with smtplib.SMTP(*r.address, timeout=30) as c:
                    for n in range(5):
                        c.sendmail("a@a.test", ["b@b.test"], b"Subject: t%d.%d\r\n\r\nx\r\n" % (number, n))
            except (OSError, smtplib.SMTPException) as error:
                wrong.append(repr(error))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        equal(wrong, [], "trouble")
        equal(sorted(m.fields("Subject")[0] for m in g.mails), sorted(f"t{a}.{b}" for a in range(20) for b in range(5)))


@case("Perl's Net::SMTP")
def _():
    with box() as (r, g):
        text = (f"my $s = Net::SMTP->new('127.0.0.1', Port => {r.port}, Hello => 'nas', Timeout => 20) or die 'connect';"
                "$s->mail('a@a.test') && $s->to('b@b.test', 'c@b.test') or die $s->message;"
                "$s->data() or die $s->message; $s->datasend(\"Subject: perl\\n\\n.dot\\nline\\n\");"
                "$s->dataend() or die $s->message; print $s->message; $s->quit;")
        contains(fine("perl", "-MNet::SMTP", "-e", text), "queued as 4711")
        equal(g.one().body, b".dot\r\nline\r\n")
        equal(len(g.one().rcpts), 2)


# --- scripts ---

SCRIPTS = {
    "line feeds in the commands, CRLF at the end of data":
        r"printf 'HELO nas\nMAIL FROM:<a@a.test>\nRCPT TO:<b@b.test>\nDATA\n' >&3; sleep 0.3;"
        r"printf 'Subject: script\nFrom: a@a.test\n\nraid degraded\n\r\n.\r\nQUIT\r\n' >&3; cat <&3",
    "all at once, CRLF":
        r"printf 'HELO nas\r\nMAIL FROM: a@a.test\r\nRCPT TO: b@b.test\r\nDATA\r\nSubject: script\r\n\r\nraid "
        r"degraded\r\n.\r\nQUIT\r\n' >&3; cat <&3",
    "CRLF in the commands, line feeds in the content":
        r"printf 'EHLO nas\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n' >&3; sleep 0.3;"
        r"(echo 'Subject: script'; echo; echo 'raid degraded'; printf '\r\n.\r\n') >&3; printf 'QUIT\r\n' >&3; cat <&3",
    "a line at a time, each awaited":
        r"read -u 3 x; for l in 'HELO nas' 'MAIL FROM:<a@a.test>' 'RCPT TO:<b@b.test>' DATA; do printf '%s\r\n' \"$l\" >&3;"
        r"read -u 3 x; echo \"$x\"; done; printf 'Subject: script\r\n\r\nraid degraded\r\n.\r\n' >&3; read -u 3 x;"
        r"echo \"$x\"; printf 'QUIT\r\n' >&3; cat <&3",
}


@cases("a shell script that talks SMTP: {0}", [(n,) for n in SCRIPTS])
def _(name):
    with box() as (r, g):
        said = fine("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{r.port}; " + SCRIPTS[name].replace('\\"', '"'), wait=20)
        contains(said, "250 2.0.0 queued as 4711")
        contains(said, "221")
        equal(g.one().fields("Subject"), ["script"])
        contains(g.one().body, b"raid degraded\r\n")


@case("a shell script that ends everything in line feeds, with Lone_LF_Ends_Data for it")
def _():
    with box("Lone_LF_Ends_Data = true\n") as (r, g):
        said = fine("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{r.port}; printf 'HELO nas\\nMAIL FROM:<a@a.test>\\nRCPT "
                    "TO:<b@b.test>\\nDATA\\nSubject: script\\n\\nraid degraded\\n.\\nQUIT\\n' >&3; cat <&3", wait=20)
        contains(said, "250 2.0.0 queued as 4711")
        contains(said, "221")
        equal(g.one().body, b"raid degraded\r\n")


# --- real gateways ---

GATEWAYS = {"Postfix": PostfixGateway, "OpenSMTPD": OpenSmtpdGateway}


def deliver(r, text, recipient=BOX, wait=60):
    with r.session(wait=wait) as c:
        c.start("scanner@a.test", recipient)
        c.data()
        c.send(stuffed(text))
        got = c.reply("250")
        c.cmd("QUIT", "221")
        return got


@cases("{0}: small mails, kept connection, 10 MiB octet for octet, refusals", [(n,) for n in GATEWAYS])
def _(name):
    with GATEWAYS[name]() as g, Relay(g.conf()) as r:
        contains(deliver(r, b"Subject: first\r\n\r\nhello\r\n.\r\n..x\r\n").text, "2.0.0")
        got = g.find(b"Subject: first")
        equal(got.partition(b"\n\n")[2], b"hello\n.\n..x\n", "body")
        check(b"\nDate: " in got and b"\nMessage-ID: " in got, f"Date or Message-ID is missing in {got!r}")
        contains(got, b"by box.test with ESMTP")
        large = scan(10 << 20, 5, f"large {name}")
        deliver(r, large)
        same(g.find(f"Subject: large {name}".encode(), 60), large.replace(b"\r\n", b"\n"), "10 MiB")
        text = rough(1 << 20, f"rough {name}")
        deliver(r, text)
        same(g.find(f"Subject: rough {name}".encode()), text.replace(b"\r\n", b"\n"), "1 MiB of all octets")
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            got = c.cmd("RCPT TO:<x@other.test>", "550|554")
            contains(got.text, "elay access denied" if name == "Postfix" else "Invalid recipient")
            c.cmd(f"RCPT TO:<{BOX}>", "250")
            c.data()
            c.send(b"Subject: second\r\n\r\nx\r\n.\r\n").reply("250")
        g.find(b"Subject: second")
        equal(r.status()["gateway_connections"], 1, "connections")


@cases("{0}: EHLO shows its size, and what is larger is 552", [(n,) for n in GATEWAYS])
def _(name):
    with GATEWAYS[name]() as g, Relay(g.conf()) as r:
        deliver(r, b"Subject: first\r\n\r\nx\r\n")
        with r.client(wait=60) as c:
            contains(c.hello().lines, f"SIZE {SIZE}")
            c.cmd(f"MAIL FROM:<a@a.test> SIZE={SIZE + 1}", "552 5.3.4")
            c.start("a@a.test", BOX)
            c.data()
            c.send((b"x" * 998 + b"\r\n") * 12100 + b".\r\n").reply("552 5.3.4")
            c.mail(b"Subject: after\r\n\r\nx\r\n", recipients=(BOX,), wanted="250")
        g.find(b"Subject: after")
        equal(len(g.mails()), 2, "mails")


# OpenSMTPD greets one after the other, each a good second late, where many come at once.
@cases("{0}: a hundred mails of {1} sessions, each once", [("Postfix", 20), ("OpenSMTPD", 3)])
def _(name, sessions):
    postfix = Postfix(fetch("postfix"))
    with GATEWAYS[name]() as g, Relay(g.conf()) as r:
        postfix.source(r.port, 100, 1000, "-t", BOX, sessions=sessions)
        wait_for(lambda: len(g.mails()) >= 100, 40, f"100 mails at {name}")
        time.sleep(0.3)
        equal(len(g.mails()), 100, "mails")
        equal({e["status"] for e in r.events()}, {"sent"}, "status")


@case("Postfix: line ends of all kinds are CRLF to it, though it refuses others; pipelining in turn")
def _():
    with PostfixGateway() as g, Relay(g.conf()) as r:
        with r.session() as c:
            c.send(f"MAIL FROM:<a@a.test>\r\nRCPT TO:<{BOX}>\r\nRCPT TO:<{BOX}>\r\nDATA\r\n")
            for wanted in ("250", "250", "250", "354"):
                c.reply(wanted)
            c.send(b"Subject: ends\r\n\none\ntwo\rthree\r\r\n\n.\nfour\n\r\n.\r\n").reply("250")
        contains(g.find(b"Subject: ends"), b"\n\none\ntwo\nthree\n\n.\nfour\n\n")


@cases("{0}: a client that goes in the body leaves nothing behind", [(n,) for n in GATEWAYS])
def _(name):
    with GATEWAYS[name]() as g, Relay(g.conf()) as r:
        for how in ("close", "reset"):
            c = r.session()
            c.start("a@a.test", BOX)
            c.data()
            c.send(b"Subject: half\r\n\r\n" + b"x" * 70 + b"\r\n")
            time.sleep(0.1)
            getattr(c, how)()
        deliver(r, b"Subject: whole\r\n\r\nx\r\n")
        g.find(b"Subject: whole")
        equal(len(g.mails()), 1, "mails")


# --- smtp-sink ---

@case("smtp-sink: 10 MiB octet for octet")
def _():
    postfix, port = Postfix(fetch("postfix")), free_port()
    with Files() as f, postfix.sink(port, "-d", os.path.join(f.dir, "mail.")), Relay(f'Gateway = "127.0.0.1:{port}"\n') as r:
        text = scan(10 << 20, 6, "sink")
        deliver(r, text)
        def whole():
            for one in os.scandir(f.dir):
                with open(one.path, "rb") as file:
                    got = file.read()
                if got.rstrip(b"\n").endswith(b"--=_part--"):
                    return got
            return None
        got = wait_for(whole, 60, "the mail in a file")
        same(got.rstrip(b"\n") + b"\n", text.replace(b"\r\n", b"\n"))


SINKS = {
    "-8": "250", "-p": "250", "-e": "250", "-E": "250", "-P": "250", "-a": "250", "-F": "250", "-C": "250",
    "-w 1": "250", "-h gateway.example.net": "250", "-W rcpt:1": "250",
    "-f connect": "451 4.4.2", "-f ehlo": "250", "-f ehlo,helo": "451 4.4.2",
    # its own word for a refusal is 500, which no gateway means for a mail
    "-f mail": "451 4.4.2", "-f rcpt": "451 4.4.2", "-f data": "451 4.4.2", "-f .": "451 4.4.2",
    "-B 550_5.7.1_no -f mail": "550 5.7.1", "-B 550_5.7.1_no -f rcpt": "550 5.7.1",
    "-B 554_5.7.1_no -f data": "554 5.7.1", "-B 554_5.7.1_no -f .": "554 5.7.1",
    "-r connect": "451 4.4.2", "-r ehlo": "451 4.4.2", "-r mail": "450 4.3.0", "-r rcpt": "450 4.3.0",
    "-r data": "450 4.3.0", "-r .": "450 4.3.0", "-b 452_4.2.2_full -r rcpt": "452 4.2.2",
    "-q connect": "451 4.4.2", "-q ehlo": "451 4.4.2", "-q mail": "451 4.4.2", "-q rcpt": "451 4.4.2",
    "-q data": "451 4.4.2", "-q .": "451 4.4.2",
    "-Q connect": "451 4.4.2", "-Q ehlo": "451 4.4.2", "-Q mail": "451 4.4.2", "-Q rcpt": "451 4.4.2",
    "-Q data": "451 4.4.2", "-Q .": "451 4.4.2", "-A 1": "550",
}


@cases("smtp-sink {0}: the client is told {1}", SINKS.items())
def _(options, wanted):
    postfix, port = Postfix(fetch("postfix")), free_port()
    words = [w.replace("_", " ") for w in options.split(" ")]
    with postfix.sink(port, *words), Relay(f'Gateway = "127.0.0.1:{port}"\n') as r, r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> BODY=8BITMIME SIZE=100", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        if got.code == 250:
            got = c.cmd("DATA")
        if got.code == 354:
            got = c.send(b"Subject: x\r\n\r\n\xe4\r\n.\r\n").reply()
        got.want(wanted)
        c.cmd("NOOP", "250")


need_binary()
main(jobs=4, limit=400)
