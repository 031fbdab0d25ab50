#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Spool = fallback and Spool = always (DESIGN 2): what is passed, what is kept, what is refused to the client's face."""

import os
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.programs import free_port                                      # noqa: E402
from lib.spool import Folder, conf_of, spool_box                        # noqa: E402

BODY = b"Subject: scan\r\nMessage-ID: <one@dev.test>\r\n\r\npage\r\n.dot\r\n"
STUFFED = b"Subject: scan\r\nMessage-ID: <one@dev.test>\r\n\r\npage\r\n..dot\r\n.\r\n"


def send(c, *rcpts, want="250", sender="a@a.test"):
    c.cmd(f"MAIL FROM:<{sender}>", "250")
    for r in rcpts or ("b@b.test",):
        c.cmd(f"RCPT TO:<{r}>", "250")
    c.cmd("DATA", "354")
    return c.send(STUFFED).reply(want)


def whole(mail):
    check(mail.text.endswith(BODY[BODY.index(b"Subject"):]) or BODY.split(b"\r\n\r\n")[1] in mail.text, "the content is whole")
    equal(mail.fields("Message-ID"), ["<one@dev.test>"], "Message-ID")


# --- the gateway takes it: the net is never seen ---

@case("fallback, the gateway takes the mail: its own words, and nothing stays")
def _():
    with spool_box() as (r, g, f), r.session() as c:
        contains(send(c).text, "4711")
        f.empty()
        equal(r.event()["status"], "sent", "status")
        equal(r.event()["queued"], "0", "queued")
        whole(g.one())


@cases("fallback, a refusal goes to the client and nothing stays: {0} {1}", [
    ("MAIL", "550 5.7.60 not you"), ("RCPT", "550 5.1.1 no such user"), ("DATA", "554 5.7.1 no"), ("DOT", "554 5.6.0 spam"), ("DOT", "552 5.2.2 full")])
def _(word, reply):
    with spool_box(**{word: reply}) as (r, _g, f), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        if got.code == 250:
            got = c.cmd("DATA")
        if got.code == 354:
            got = c.send(STUFFED).reply()
        equal(f"{got.code} {got.text}", reply, "reply")
        c.cmd("RSET", "250")
        f.empty()
        equal(r.event()["status"], "refused", "status")


# --- the gateway fails, or puts off: kept ---

@case("fallback, nobody listens at the gateway: 250, and it goes out when there is one")
def _():
    port = free_port()
    with Folder() as f, Relay(f'Gateway = "127.0.0.1:{port}"\n' + conf_of(f)) as r:
        with r.session() as c:
            send(c)
        equal(len(f.files), 1, "files")
        equal(r.event()["status"], "queued", "status")
        with Liar(port=port) as g:
            whole(g.one(20))
            f.empty(20)
            equal(r.event("delivery", seconds=20)["id"], r.event()["id"], "the delivery's id")


@cases("fallback, {0} {1}: kept, and delivered later", [
    ("GREETING", "554 5.3.2 closed"), ("EHLO", "421 4.3.2 later"), ("MAIL", "451 4.7.1 greylisted"), ("RCPT", "450 4.2.1 busy"),
    ("DATA", "451 4.3.0 not now"), ("DOT", "451 4.3.0 not now"), ("DOT", "421 4.3.2 closing"), ("RCPT", CLOSE), ("DATA", CLOSE),
    ("DOT", CLOSE), ("DOT", RESET), ("MAIL", "502 5.5.1 what")])
def _(word, act):
    usual = {"GREETING": "220 gw.test", "EHLO": "250 gw.test", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", "DOT": "250 2.0.0 at last"}
    with spool_box(**{word: [act, usual[word]]}) as (r, g, f):
        with r.session() as c:
            send(c)
        equal(r.event()["status"], "queued", "status")
        g.wait(lambda: [m for m in g.mails if m.verdict == 250], 20, "the mail at the gateway")
        f.empty(20)
        whole([m for m in g.mails if m.verdict == 250][0])
        equal(len([m for m in g.mails if m.verdict == 250]), 1, "mails taken")


@case("fallback, one recipient of two is put off: both get it, each once")
def _():
    with spool_box(RCPT=["250 ok", "450 4.2.1 later", "250 ok"]) as (r, g, f), r.session() as c:
        send(c, "b@b.test", "c@b.test")
        e = r.event()
        equal((e["sent"], e["queued"], e["status"]), ("1", "1", "queued"), "counts")
        g.wait(lambda: len(g.mails) == 2, 20, "two mails")
        equal([m.rcpts for m in g.mails], [[b"RCPT TO:<b@b.test>"], [b"RCPT TO:<c@b.test>"]], "recipients")
        f.empty(20)


@case("fallback, one recipient is refused, one put off: the refusal is told, the other gets it later")
def _():
    with spool_box(RCPT=["550 5.1.1 nobody", "450 4.2.1 later", "250 ok"]) as (r, g, f), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "550 5.1.1")
        c.cmd("RCPT TO:<c@b.test>", "250")
        c.cmd("DATA", "354")
        c.send(STUFFED).reply("250")
        equal(g.one(20).rcpts, [b"RCPT TO:<c@b.test>"], "recipients")
        f.empty(20)


@case("fallback, recipients of two gateways in one mail: each gateway gets its own")
def _():
    with Folder() as f, Liar() as one, Liar() as two:
        conf = one.conf() + f'Domain "two.test" {{ {two.conf().strip()} }}\n' + conf_of(f)
        with Relay(conf) as r, r.session() as c:
            send(c, "b@one.test", "c@two.test", "d@one.test")
            equal(sorted(one.one(20).rcpts), [b"RCPT TO:<b@one.test>", b"RCPT TO:<d@one.test>"], "recipients of the first")
            equal(two.one(20).rcpts, [b"RCPT TO:<c@two.test>"], "recipients of the second")
            f.empty(20)


@cases("fallback, in the body the gateway {0}: {1}", [("closes", "250"), ("says 451", "250"), ("says 554", "554"), ("says 250", "250")])
def _(what, want):
    act = {"closes": CLOSE, "says 451": "451 4.3.0 no", "says 554": "554 5.7.1 no", "says 250": "250 early"}[what]
    with spool_box("", {"BODY": (20000, act)}, {}) as (r, g, f), r.session() as c:
        c.start()
        c.cmd("DATA", "354")
        for _ in range(40):
            c.send(b"x" * 998 + b"\r\n")
            time.sleep(0.005)
        c.send(b".\r\n").reply(want)
        if want == "250":
            g.wait(lambda: [m for m in g.mails if m.whole], 20, "the whole mail")
            equal([m for m in g.mails if m.whole][0].raw.count(b"x" * 998), 40, "lines")
        f.empty(20)


# --- who waits, who goes ---

@case("fallback, no reply to the end of data: 250 when patience is over, and the gateway's yes ends it")
def _():
    with spool_box("Client_Patience = 3\n", DOT=(7, "250 2.0.0 at last")) as (r, g, f), r.session() as c:
        begin = time.monotonic()
        send(c)
        within(time.monotonic() - begin, 1.5, 6)
        equal(len(f.files), 1, "files")
        c.cmd("MAIL FROM:<a@a.test>", "250")
        f.empty(20)
        equal(len(g.mails), 1, "mails")


@case("fallback, no reply to the end of data, then 451: it is tried again")
def _():
    with spool_box("Client_Patience = 3\n", DOT=[(6, "451 4.3.0 no"), "250 ok"]) as (r, g, f), r.session() as c:
        send(c)
        g.wait(lambda: len(g.mails) == 1, 20, "the second try")
        equal(len(g.offered), 2, "tries")
        f.empty(20)


@case("fallback, no reply to the end of data, then 554: the sender gets a report")
def _():
    with spool_box("Client_Patience = 3\n", DOT=[(6, "554 5.6.0 spam of yours"), "250 ok"]) as (r, g, f), r.session() as c:
        send(c, sender="scan@dev.test")
        report = g.one(25)
        equal(report.sender.split(b" ")[1], b"FROM:<>", "its sender")
        equal(report.rcpts, [b"RCPT TO:<scan@dev.test>"], "its recipient")
        contains(report.text.decode("latin-1"), "spam of yours")
        f.empty(20)


@case("fallback, the client goes before its final dot: nothing was sent, nothing stays")
def _():
    with spool_box() as (r, g, f):
        with r.session() as c:
            c.start()
            c.cmd("DATA", "354")
            c.send(b"Subject: half\r\n\r\nhalf a pa")
            time.sleep(0.3)
        f.empty()
        equal(len([m for m in g.mails if m.whole]), 0, "mails")


@case("fallback, the client goes behind its final dot while the gateway is away: kept all the same")
def _():
    port = free_port()
    with Folder() as f, Relay(f'Gateway = "127.0.0.1:{port}"\n' + conf_of(f)) as r:
        with r.session() as c:
            c.start()
            c.cmd("DATA", "354")
            c.send(STUFFED)
        with Liar(port=port) as g:
            whole(g.one(20))
            f.empty(20)


@case("fallback, content that the box refuses is not kept")
def _():
    with spool_box(RCPT="450 4.2.1 later") as (r, g, f), r.session() as c:
        c.start()
        c.cmd("DATA", "354")
        c.send(b"a\0b\r\n.\r\n").reply("550 5.6.0")
        f.empty()


# --- day one ---

@cases("day one: a login that is {0} is 451 even in fallback", ["refused", "missing"])
def _(how):
    script = {"MAIL": "530 5.7.0 authenticate first"} if how == "missing" else {"AUTH": "535 5.7.8 wrong"}
    conf = "" if how == "missing" else ('Outbound_SMTP_AUTH_User = "u"\nOutbound_SMTP_AUTH_Pass = "p"\n'
                                         "Outbound_SMTP_AUTH_Allow_Plaintext = true\nTLS = no\n")
    with spool_box(conf, EXTENSIONS=("AUTH PLAIN",), **script) as (r, _g, f), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.7.0")
        c.cmd("DATA", "451")
        f.empty()


# --- the net is gone ---

@case("a spool that is full: the mail passes while the gateway works, else 452")
def _():
    with spool_box("Spool_Max_Size = 64k\n", {}, {}, {"GREETING": "554 closed"}) as (r, g, f), r.session() as c:
        c.start()
        c.cmd("DATA", "354")
        c.send((b"x" * 998 + b"\r\n") * 200 + b".\r\n").reply("250")
        equal(g.one().raw.count(b"x" * 998), 200, "lines")
        f.empty()


@case("a Spoolbase that cannot be made: mail passes, status says so")
def _():
    with Folder() as f, Liar() as g:
        with open(os.path.join(f.top, "spool"), "w", encoding="ascii"):
            pass
        os.chmod(f.path, 0o600)
        conf = g.conf() + conf_of(f).replace(f.path, f.path + "/in/a/file")
        with Relay(conf) as r, r.session() as c:
            send(c)
            whole(g.one())
            contains(str(r.status()).lower(), "spool")


# --- always ---

@case("always: 250 without asking the gateway, then it is delivered")
def _():
    with spool_box(mode="always", DOT=(2, "250 ok")) as (r, g, f), r.session() as c:
        begin = time.monotonic()
        send(c)
        within(time.monotonic() - begin, 0, 1.8)
        equal(r.event()["status"], "queued", "status")
        whole(g.one(20))
        f.empty(20)
        equal(r.event("delivery")["status"], "sent", "the delivery's status")


@case("always: what the gateway refuses comes back as a report")
def _():
    with spool_box(mode="always", DOT=["550 5.7.1 we do not like it", "250 ok"]) as (r, g, f), r.session() as c:
        send(c, sender="scan@dev.test")
        report = g.one(20).text.decode("latin-1")
        contains(report, "we do not like it")
        contains(report, "message/delivery-status")
        f.empty(20)


@case("always: a report that is refused is dropped, and none is made about it")
def _():
    with spool_box(mode="always", MAIL=["250 ok", "550 5.7.1 no null sender", "550 5.7.1 no"], DOT="550 5.7.1 no") as (r, g, f), r.session() as c:
        send(c, sender="scan@dev.test")
        f.empty(25)


@case("always: a restart loses nothing, nor does being killed")
def _():
    port = free_port()
    with Folder() as f:
        conf = f'Gateway = "127.0.0.1:{port}"\n' + conf_of(f, "always")
        with Relay(conf) as r, r.session() as c:
            send(c)
            send(c)
        equal(len(f.files), 2, "files after the restart")
        r = Relay(conf, mortal=True)
        try:
            with r.session() as c:
                send(c)
        finally:
            r.kill()
        equal(len(f.files), 3, "files after the kill")
        with Liar(port=port) as g, Relay(conf):
            g.wait(lambda: len(g.mails) == 3, 25, "three mails")
            f.empty(20)


need_binary()
main()
