#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Public reports of what went wrong with other relays, as small inputs: devices, then gateways.

Each goes by its number in the list of cases. What a theme of another file covers at length is here once more, small.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import ns                                                      # noqa: E402
from lib.strain import SANITIZED, memory                                # noqa: E402


# --- devices talking to the box ---

@case("C02: a UPS says HELO and a blank, no name")
def _():
    with box() as (r, g), r.client() as c:
        c.reply("220")
        c.cmd("HELO ", "250")
        c.cmd("MAIL FROM:<ups@a.test>", "250")
        c.cmd("RCPT TO:<admin@a.test>", "250")
        c.data()
        c.send(b"Subject: on battery\r\n\r\nx\r\n.\r\n").reply("250")
        contains(g.one().fields("Received")[0], "[127.0.0.1]")


@cases("C02: the same from {0}: the literal of the client's address in Received", [
    ("127.0.0.3", "[127.0.0.3]"), ("::1", "[IPv6:::1]")])
def _(source, wanted):
    with box('ESMTP_Listener { Listen "127.0.0.1:0" {} Listen "[::1]:0" {} }\n') as (r, g):
        with Client(r.addresses[":" in source], source=source) as c:
            c.reply("220")
            c.cmd("HELO ", "250")
            c.mail(wanted="250")
        contains(g.one().fields("Received")[0], wanted)


@cases("C04: {0} goes on unchanged", ["scan@[192.0.2.7]", "scan@[IPv6:2001:db8::7]"])
def _(address):
    with box() as (r, g), r.session() as c:
        c.mail(recipients=(address,), wanted="250")
        equal(g.one().rcpts, [f"RCPT TO:<{address}>".encode()])


ODD = (b"X-Mailer:box\r\nFrom:d@a.test\r\nTo:e@b.test\r\nDate:Sat, 03 Nov 2018 10:00:00 +0100\r\nSubject:x\r\n")


@case("C07: fields without a blank behind the colon: the Date is one, and all keep their order")
def _():
    with box() as (r, g), r.session() as c:
        c.mail(ODD + b"\r\nx\r\n", wanted="250")
        equal(g.one().fields("Date"), ["Sat, 03 Nov 2018 10:00:00 +0100"])
        contains(g.one().text, b"\r\n" + ODD + b"Message-ID: ")


@case("C07: Header_From replaces such a From in its place")
def _():
    with box('Header_From = "own@box.test"\n') as (r, g), r.session() as c:
        c.mail(ODD + b"\r\nx\r\n", wanted="250")
        equal([f.strip(" <>") for f in g.one().fields("From")], ["own@box.test"])
        names = [row.split(b":")[0] for row in g.one().header if row[:1] not in (b" ", b"\t")]
        equal(names, [b"Received", b"X-Mailer", b"From", b"To", b"Date", b"Subject", b"Message-ID"], "fields")


@cases("C08: {0}: the first word of the reply is our own name", ["EHLO relay.a.test", "HELO relay.a.test", "EHLO localhost"])
def _(line):
    with box(hostname="own.name.test") as (r, _g), r.client() as c:
        c.reply("220")
        equal(c.cmd(line, "250").lines[0].split()[0], "own.name.test")


@case("C10: a Ricoh's test: a login that is not offered is refused in words, QUIT is 221 each time")
def _():
    with box() as (r, g):
        with r.client() as c:
            lacks(c.hello("ricoh").text, "AUTH")
            c.cmd("AUTH CRAM-MD5", "502 5.5.1")
            c.cmd("QUIT", "221")
            equal(c.eof(5), b"")
        with r.client() as c:
            c.reply("220")
            c.cmd("QUIT", "221")
            equal(c.eof(5), b"")
        equal(len(g.conns), 0, "connections to the gateway")


@case("C12: a printer asks for STARTTLS, tries TLS from the first octet on, and comes again without")
def _():
    with box() as (r, g):
        with r.client() as c:
            lacks(c.hello("printer").text, "STARTTLS")
            c.cmd("STARTTLS", "502 5.5.1")
        with r.client() as c:
            c.reply("220")
            c.send(b"\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x01" + b"\x55" * 41)
            c.eof(5)
        r.wait_log(r"peer=127\.0\.0\.1.*TLS")
        with r.session() as c:
            c.mail(wanted="250")
        g.one()


@case("C14: the last line, the dot and QUIT in one segment")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n")
        c.send(b"last\r\n.\r\nQUIT\r\n")
        c.reply("250")
        c.reply("221")
        equal(c.eof(5), b"")
        equal(g.one().body, b"last\r\n")


def cups(c):
    c.start("cups@a.test")
    c.data()
    c.send(b"Subject: job done\r\n\r\ntext\r\n.\n")


@case("C15: the end of data is a dot and LF: no mail, 421 at Client_Timeout, and the log names the cure")
def _():
    with box("Client_Timeout = 2s\n") as (r, g), r.session() as c:
        cups(c)
        start = time.monotonic()
        c.reply("421", 6)
        within(time.monotonic() - start, 1, 5)
        c.eof(5)
        wait_for(lambda: g.conn().closed, 60, "the gateway's connection cut")
        equal(len(g.offered), 0, "mails")
        r.wait_log(r"peer=127\.0\.0\.1.*Lone_LF_Ends_Data")


@case("C15: with Lone_LF_Ends_Data for that Peer: one mail, 250; not for others")
def _():
    text = 'ESMTP_Listener { Listen "127.0.0.1:0" {} Peer "127.0.0.7" { Lone_LF_Ends_Data = true } }\nClient_Timeout = 3s\n'
    with box(text) as (r, g):
        with r.session(source="127.0.0.7") as c:
            cups(c)
            c.reply("250", 2)
            equal(g.one().body, b"text\r\n")
        with r.session() as c:
            cups(c)
            c.reply("421", 6)
        equal(len(g.mails), 1)


LENGTHS = (997, 998, 999, 1000, 2048, 4095, 4096, 65535, 65536, 1000000)


@cases("C18: lines of 997 to 1,000,000 octets, {0}", [
    ("plain", b""), ("each behind a dot", b"."), ("each behind two", b"..")])
def _(_name, dots):
    with box() as (r, g), r.session(wait=30) as c:
        c.mail(wanted="250")
        before = memory(r)
        rows = [dots + b"%07d" % n + b"x" * (n - 7 - len(dots)) for n in LENGTHS]
        text = b"Subject: long\r\n\r\n" + b"\r\n".join(rows) + b"\r\n"
        c.mail(text.replace(b"\r\n.", b"\r\n.."), wanted="250")
        mail = g.wait(lambda: g.mails[1:], 5, "the mail")[0]
        check(mail.body == text.partition(b"\r\n\r\n")[2], "the body differs")
        if not SANITIZED:
            within(memory(r) - before, -4096, 400, "KiB more")


@case("C18: a line of exactly 1,000 octets, a dot at each of its places at the edge of every buffer")
def _():
    with box() as (r, g), r.session(wait=30) as c:
        texts = []
        for at in range(4070, 4100):
            texts.append(b"Subject: x\r\n\r\n" + b"y" * (at - 16) + b"\r\n." + b"z" * 998 + b"\r\n..\r\n")
            c.mail(texts[-1].replace(b"\r\n.", b"\r\n.."), wanted="250")
        equal(len(g.mails), len(texts))
        for mail, text in zip(g.mails, texts):
            check(mail.body == text.partition(b"\r\n\r\n")[2], f"the body of {len(text)} octets differs")


def daemon(r, env, *words):
    """sendmail as a daemon without rights calls it."""
    return gatepost(*words, argv0="sendmail", stdin=b"Subject: disk\n\nbad\n", user=65534, env=env)


@case("C20: a daemon's mail, configuration 0600 root: 0 and delivered, or a code and a message, never gone")
def _():
    if os.geteuid() != 0:
        raise Skip("needs root to change to another user")
    with box("Local_Recipient = owner@home.test\n") as (r, g):
        os.chmod(r.conf, 0o600)
        env = {"GATEPOST_SUBMIT": os.path.join(r.dir, "submit.sock")}
        code, _out, err = daemon(r, env, "-i", "root")
        equal((code, err), (0, ""), "exit and message")
        contains(g.one().rcpts[0], b"<owner@home.test>")
        contains(g.one().body, b"bad")
        code, _out, err = daemon(r, {"GATEPOST_SUBMIT": r.dir + "/nobody.sock"}, "-i", "root")
        equal(code, 75, "exit without a relay")
        equal(len(err.splitlines()), 1, "lines on stderr")
        equal(len(g.mails), 1)


@cases("C20: the relay cannot deliver: {0}", [
    ("no such recipient", {"RCPT": "550 5.1.1 no"}), ("refused at the end", {"DOT": "554 5.7.1 no"}),
    ("put off", {"DOT": "451 4.3.0 later"}), ("no gateway", {"GREETING": "421 no"})])
def _(_name, script):
    if os.geteuid() != 0:
        raise Skip("needs root to change to another user")
    with box("Local_Recipient = owner@home.test\n", **script) as (r, g):
        os.chmod(r.conf, 0o600)
        code, _out, err = daemon(r, {"GATEPOST_SUBMIT": os.path.join(r.dir, "submit.sock")}, "-i", "root")
        within(code, 64, 78, "exit")
        check(err.strip(), "nothing on stderr")
        equal(len(g.mails), 0)


@case("C22: an empty Message-ID and an empty Date count as missing")
def _():
    with box() as (r, g), r.session() as c:
        c.mail(b"Message-ID:\r\nSubject: x\r\nDate:\r\n\r\nx\r\n", wanted="250")
        ids, dates = g.one().fields("Message-ID"), g.one().fields("Date")
        equal((len(ids), len(dates)), (1, 1), "fields")
        check(ids[0].startswith("<") and ids[0].endswith(">") and "@" in ids[0], ids[0])
        check(time.strptime(dates[0], "%a, %d %b %Y %H:%M:%S %z"), dates[0])


# --- the box talking to gateways ---

@cases("C24: EHLO is {0}, HELO is {1}", [
    ("500 5.5.1 what?", "250 gw.test"), ("550 5.7.1 no", "250 gw.test"), ("421 4.3.2 not now", None),
    ("550 5.7.1 no", "550 5.7.1 nor that, whoever you are")])
def _(ehlo, helo):
    with box(EHLO=ehlo, HELO=helo or "250 gw.test") as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>", "250" if helo and helo[0] == "2" else "451 4.4.2")
        equal("HELO" in g.conn().verbs, bool(helo), "HELO")
        if helo and helo[0] == "5":
            contains(got.text, "nor that, whoever you are")
        if not helo:
            wait_for(lambda: g.conn().closed, 60, "the connection dropped")


@cases("C26: CHUNKING and BINARYMIME are listed, BDAT would be {0}: DATA is used", [
    ("552 5.3.4 no",), ("<silent>",)])
def _(reply):
    with box(EXTENSIONS=["PIPELINING", "CHUNKING", "BINARYMIME", "SIZE 36700160"], BDAT=reply) as (r, g), r.session() as c:
        c.mail(b"Subject: x\r\n\r\n" + b"y" * 70000 + b"\r\n", wanted="250")
        equal([v for v in g.verbs if v in ("DATA", "BDAT")], ["DATA"])


RESOLVING = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def unreachable(gateway, zone):
    """The reply to a RCPT of a relay that is alone with this name server."""
    ns.need_mounts()
    with ns.Cell() as cell, Files(resolv__conf="nameserver 127.0.0.1\noptions timeout:1 attempts:1\n") as f:
        os.chmod(f.dir + "/resolv.conf", 0o644)

        def inside():
            ns.Dns(zone)
            wrap = ["unshare", "--mount", "sh", "-c", RESOLVING, f.dir + "/resolv.conf"]
            with Relay(f'Gateway = "{gateway}"\nClient_Patience = 4s\n', wrap=wrap) as r, r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                return c.cmd("RCPT TO:<b@b.test>")
        return cell.run(inside)


@cases("C28: {0}: 451 4.4.1 with the cause in words", [
    ("NXDOMAIN", "gw.test", {("other.test", "A"): ["127.0.0.1"]}, "no such host"),
    ("SERVFAIL", "gw.test", {("gw.test", "*"): "servfail"}, "name"),
    ("no answer", "gw.test", {("gw.test", "*"): "silent"}, "name"),
    ("network unreachable", "192.0.2.1", {}, "not reachable")])
def _(_name, gateway, zone, word):
    got = unreachable(gateway, zone).want("451 4.4.1")
    contains(got.text.lower(), word)
    contains(got.text, gateway)


@case("C28: connection reset in the banner")
def _():
    with box(GREETING=(b"220 gw", RESET)) as (r, _g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd("RCPT TO:<b@b.test>", "451 4.4.").text, "connection was lost")


@case("C31: a gateway that falls silent after 354: Body_Timeout ends it, other mails and gateways go on")
def _():
    with Liar(DOT=[SILENT, "250 2.0.0 ok"]) as g, Liar() as h:
        text = g.conf() + f'Body_Timeout = 3s\nDomain "other.test" {{ Gateway = "{h.at}" }}\n'
        with Relay(text) as r, r.session() as a, r.session() as b:
            a.start()
            a.data()
            start = time.monotonic()
            a.send(HELLO + b".\r\n")
            g.wait(lambda: g.offered, 5, "the mail that is not answered")
            b.mail(recipients=("x@other.test",), wanted="250")
            b.mail(wanted="250")
            within(time.monotonic() - start, 0, 2, "seconds of the other mails")
            a.reply("451 4.4.2")
            within(time.monotonic() - start, 2.5, 5)
            a.mail(wanted="250")


WEAK = (b"localhost", b"box", b"[127.0.0.1]", b"vm", b"")
OWN4, OWN6 = "10.99.33.1", "fd00:33::1"


@cases("C33: between namespaces, over {0}, Hostname {1!r}: the EHLO name is {2}", [
    ("IPv4", "box", "[10.99.33.1]"), ("IPv6", "box", "[IPv6:fd00:33::1]"), ("IPv4", "scan.example.com", "scan.example.com"),
    ("IPv4", None, None)])
def _(family, hostname, wanted):
    def ehlo(_conn, line):
        name = line.partition(b" ")[2]
        weak = name in WEAK or (b"." not in name and b":" not in name)
        return "421 4.7.0 Try again later\nsee the manual (EHLO)" if weak else "250 gw.test\nPIPELINING"
    with ns.Cell() as lan, ns.Cell() as wan:
        lan.join(wan, [f"{OWN4}/24", f"{OWN6}/64"], ["10.99.33.2/24", "fd00:33::2/64"])
        g = wan.run(lambda: Liar(host="10.99.33.2" if family == "IPv4" else "fd00:33::2", EHLO=ehlo))

        def inside():
            with Relay(g.conf(), hostname=hostname) as r, r.session() as c:
                return c.mail(wanted="250")
        with g:
            lan.run(inside)
            name = g.conn().lines[0].decode().partition(" ")[2]
            if wanted:
                equal(name, wanted, "EHLO name")
            else:               # the system's name, where it has a dot, else the address
                check(name == f"[{OWN4}]" or "." in name.strip("[]0123456789."), f"EHLO name {name}")


@case("C33: EHLO refused for its name: log and status advise EHLO_Hostname")
def _():
    with box(EHLO=b"421-4.7.0 Try again later, closing connection. (EHLO)\r\n421 4.7.0 see the manual\r\n",
             hostname="box") as (r, _g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            contains(c.cmd("RCPT TO:<b@b.test>", "451 4.4.2").text, "Try again later")
        r.wait_log("EHLO_Hostname")
        code, out, _err = gatepost("status", "-c", r.conf)
        equal(code, 1, "exit of status")
        contains(out, "EHLO_Hostname")


@cases("C36: a gateway lists logins as {0}", [
    ("AUTH=LOGIN PLAIN, then AUTH PLAIN LOGIN XOAUTH2", ["AUTH=LOGIN PLAIN", "AUTH PLAIN LOGIN XOAUTH2"]),
    ("the other way round", ["AUTH PLAIN LOGIN XOAUTH2", "AUTH=LOGIN PLAIN"]), ("AUTH= only", ["AUTH=LOGIN PLAIN"])])
def _(_name, rows):
    with box(EXTENSIONS=["PIPELINING", *rows, "8BITMIME"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> BODY=8BITMIME", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        contains(g.one().sender, b"BODY=8BITMIME")
        lacks(g.verbs, "AUTH")


# --- the end of data ---

NOT_THE_END = {"dot NUL x": b".\0x\r\n", "dot NUL": b".\0\r\n", "LF dot LF": b"a\n.\n"}


@cases("C40: {0} does not end the data", [(n,) for n in NOT_THE_END])
def _(name):
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n" + NOT_THE_END[name])
        c.quiet(0.3)
        c.send(b"b\r\n.\r\n").reply("550 5.6.0" if b"\0" in NOT_THE_END[name] else "250")
        equal([m.body for m in g.mails], [] if b"\0" in NOT_THE_END[name] else [b"a\r\n.\r\nb\r\n"])


@case("C40: all of them in one mail: 550 5.6.0 behind the true end, the gateway gets none of it")
def _():
    with box() as (r, g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n" + b"".join(NOT_THE_END.values()) + b"b\r\n.\r\nNOOP\r\n")
        c.reply("550 5.6.0")
        c.reply("250")
        wait_for(lambda: g.conn().closed, 60, "the gateway's connection closed without the dot")
        equal(len(g.offered), 0)


need_binary()
main()
