#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Deliveries from the spool (DESIGN 2, "Queue", "Down", "In doubt"): when, how often, to which gateway, and what stays."""

import os
import socket
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.spool import Folder, conf_of, spool_box                        # noqa: E402

BODY = b"Subject: scan\r\nMessage-ID: <one@dev.test>\r\n\r\npage\r\n..dot\r\n"
SLOW = "Retry_Interval = 3\nMax_Retry_Interval = 60\n"
GOOD = "250 2.0.0 taken"


def offer(c, *rcpts, sender="a@a.test", body=BODY):
    c.cmd(f"MAIL FROM:<{sender}>", "250")
    for r in rcpts or ("b@b.test",):
        c.cmd(f"RCPT TO:<{r}>", "250")
    c.cmd("DATA", "354")
    c.send(body + b".\r\n").reply("250")


def free_port():
    """A port where nothing listens yet."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def rcpts(mail):
    return [r.partition(b"<")[2].rstrip(b">").decode() for r in mail.rcpts]


def lines(relay, **want):
    return [e for e in relay.events("delivery") if all(e.get(k) == v for k, v in want.items())]


# --- when ---

@case("put off with 4xx: tried again after Retry_Interval, then after twice that")
def _():
    more = "Retry_Interval = 2\nMax_Retry_Interval = 60\n"
    with spool_box(more, mode="always", DOT=["451 4.3.0 no", "451 4.3.0 no", GOOD]) as (r, g, f), r.session() as c:
        offer(c)
        g.wait(lambda: len(g.offered) == 3, 20, "three tries")
        at = [t for one in g.conns for t, ln in zip(one.times, one.lines) if ln == b"."]
        within(at[1] - at[0], 1.9, 3.5)
        within(at[2] - at[1], 3.9, 6.0)
        f.empty()
        wait_for(lambda: len(lines(r)) == 3, 60, "three log lines")
        equal([(e["status"], e["tries"]) for e in lines(r)],
              [("deferred", "1"), ("deferred", "2"), ("sent", "3")], "log")
        equal(lines(r)[0]["reply"], "451 4.3.0 no", "the reply in the log")


@case("lost behind the final dot: the same mail comes again, not before Retry_Interval")
def _():
    with spool_box(SLOW, mode="always", DOT=[CLOSE, GOOD]) as (r, g, f), r.session() as c:
        offer(c)
        g.wait(lambda: g.mails, 20, "the mail")
        at = [t for one in g.conns for t, ln in zip(one.times, one.lines) if ln == b"."]
        within(at[1] - at[0], 2.9, 5)
        equal([m.fields("Message-ID") for m in g.offered], [["<one@dev.test>"]] * 2, "Message-ID")
        equal(g.offered[0].text, g.offered[1].text, "the content")
        f.empty()


@case("a gateway that comes up gets all that waited, each once, and nobody asked for each in vain")
def _():
    port, many = free_port(), 150
    with Folder() as f:
        conf = f'Gateway = "127.0.0.1:{port}"\nMax_Outbound_Connections = 4\n' + conf_of(
            f, "always", "Retry_Interval = 60\nMax_Retry_Interval = 60\n")
        with Relay(conf) as r, r.session() as c:
            for n in range(many):
                offer(c, f"u{n}@b.test")
            before = len(lines(r))
            check(before < 20, f"{before} tries while it was down")
            with Liar(port=port) as g:
                g.wait(lambda: len(g.mails) == many, 30, "all mails")
                f.empty()
                equal(sorted(x for m in g.mails for x in rcpts(m)), sorted(f"u{n}@b.test" for n in range(many)), "who got one")
                check(len(g.conns) <= 8, f"{len(g.conns)} connections: they are not kept")


@case("restart with mail in the spool: all of it goes out, each once")
def _():
    port, many = free_port(), 60
    with Folder() as f:
        conf = f'Gateway = "127.0.0.1:{port}"\n' + conf_of(f, "always")
        with Relay(conf) as r, r.session() as c:
            for n in range(many):
                offer(c, f"u{n}@b.test")
        equal(len(f.files), many, "files")
        with Liar(port=port) as g, Relay(conf):
            g.wait(lambda: len(g.mails) == many, 30, "all mails")
            f.empty()
            equal(sorted(x for m in g.mails for x in rcpts(m)), sorted(f"u{n}@b.test" for n in range(many)), "who got one")


@case("more mails than the index holds, after a restart: all of it goes out")
def _():
    port, many = free_port(), 1300
    with Folder() as f:
        conf = f'Gateway = "127.0.0.1:{port}"\n' + conf_of(f, "always")
        with Relay(conf, limit=60) as r:
            for _ in range(4):
                with r.session() as c:
                    for n in range(many // 4):
                        offer(c)
        equal(len(f.files), many, "files")
        with Liar(port=port) as g, Relay(conf):
            g.wait(lambda: len(g.mails) >= many, 90, "all mails")
            f.empty(30)
            equal(len(g.mails), many, "mails")


@case("Suspend_Delivery: nothing goes out until it is lifted")
def _():
    with Folder() as f, Liar() as g:
        conf = g.conf() + conf_of(f)
        with Relay(conf + "Suspend_Delivery = true\n", mortal=True) as r:
            with r.session() as c:
                offer(c)
            time.sleep(1.5)
            equal((len(g.conns), len(f.files)), (0, 1), "connections, files")
            r.reload(conf)
            g.one(20)
            f.empty()


@case("Outbound_Throttle_Messages: the rest waits until there is a place")
def _():
    with spool_box('Outbound_Throttle_Messages = "2/4"\n', mode="always") as (r, g, f), r.session() as c:
        for _ in range(4):
            offer(c)
        g.wait(lambda: len(g.mails) == 2, 10, "two mails")
        time.sleep(1)
        equal(len(g.mails), 2, "mails within the first seconds")
        g.wait(lambda: len(g.mails) == 4, 10, "the others")
        f.empty()


@case("Max_Outbound_Connections holds for the queue, and leaves one to clients")
def _():
    with spool_box("Max_Outbound_Connections = 3\n", mode="always", DOT=(0.3, GOOD)) as (r, g, f), r.session() as c:
        for _ in range(10):
            offer(c)
        g.wait(lambda: len(g.mails) == 10, 20, "all mails")
        equal(len(g.conns), 2, "connections")
        f.empty()


# --- what stays ---

@case("each recipient has its own fate: taken, refused, put off, too many for one mail")
def _():
    seen = {}

    def answer(_conn, line):
        who = line.partition(b"<")[2].rstrip(b">").decode()
        seen[who] = seen.get(who, 0) + 1
        if who == "bad@b.test":
            return "550 5.1.1 nobody of that name"
        if who == "busy@b.test" and seen[who] == 1:
            return "450 4.2.1 busy"
        if who == "many@b.test" and seen[who] == 1:
            return "452 4.5.3 too many"
        return "250 ok"

    with spool_box(SLOW, mode="always", RCPT=answer) as (r, g, f), r.session() as c:
        begin = time.monotonic()
        offer(c, "good@b.test", "bad@b.test", "busy@b.test", "many@b.test", sender="scan@dev.test")
        g.wait(lambda: len(g.mails) == 3, 10, "the mail, the one with too many, the report")
        check(time.monotonic() - begin < 2.5, "452 is tried at once")
        among("many@b.test", [x for m in g.mails for x in rcpts(m)], "tried at once")
        g.wait(lambda: len(g.mails) == 4, 10, "the one that was put off")
        f.empty()
        equal(sorted(x for m in g.mails for x in rcpts(m)),
              ["busy@b.test", "good@b.test", "many@b.test", "scan@dev.test"], "who got it")
        equal(seen, {"good@b.test": 1, "bad@b.test": 1, "busy@b.test": 2, "many@b.test": 2, "scan@dev.test": 1}, "asked")


@case("recipients of different gateways are told apart, and the one that is down keeps only its own")
def _():
    port = free_port()
    with Liar() as g:
        conf = g.conf() + f'Domain "far.test" {{ Gateway = "127.0.0.1:{port}" }}\n'
        with Folder() as f, Relay(conf + conf_of(f, "always")) as r, r.session() as c:
            offer(c, "a@far.test", "b@near.test", "c@far.test")
            equal(rcpts(g.one()), ["b@near.test"], "near")
            equal(len(f.files), 1, "files")
            with Liar(port=port) as far:
                equal(rcpts(far.one(20)), ["a@far.test", "c@far.test"], "far")
                f.empty()


@case("SIZE is exact, BODY goes on, and a large mail arrives octet for octet")
def _():
    body = b"Subject: large\r\nMessage-ID: <l@dev.test>\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\n\r\n" + b"".join(
        b"%06d " % n + bytes(33 + (n + k) % 200 for k in range(n % 70)) + b"\r\n..\r\n" for n in range(60000))
    with spool_box(mode="always") as (r, g, f), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> BODY=8BITMIME", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.cmd("DATA", "354")
        c.send(body + b".\r\n").reply("250")
        mail = g.one(30)
        f.empty()
        contains(mail.sender.decode(), "BODY=8BITMIME")
        contains(mail.sender.decode(), f"SIZE={len(mail.text)}")
        check(mail.raw.endswith(body), "the content is not what was sent")


@case("a file that was damaged is set aside; the gateway's connection is cut before its dot")
def _():
    port = free_port()
    with Folder() as f:
        conf = f'Gateway = "127.0.0.1:{port}"\n' + conf_of(f, "always")
        with Relay(conf) as r, r.session() as c:
            offer(c, "bad@b.test", body=b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 20000)
            offer(c, "good@b.test")
        for name in f.files:
            path = os.path.join(f.path, name)
            if os.path.getsize(path) > 100000:
                with open(path, "r+b") as file:
                    file.seek(150000)
                    file.write(b"#")
        with Liar(port=port) as g, Relay(conf) as r:
            g.wait(lambda: g.mails, 20, "the good one")
            r.wait_log("event=torn")
            equal([rcpts(m) for m in g.offered], [["good@b.test"]], "mails")
            wait_for(lambda: all("corrupt" in n for n in f.files), 60, "the spool to be empty")
            equal(len(f.files), 1, "files set aside")


# --- one gateway does not hold up the other ---

def two(far, f, more=""):
    return (f'Domain "far.test" {{ Gateway = "{far}" }}\n' + conf_of(f, "always", more))


@cases("a gateway that is {0} does not hold up mail to another", ["silent", "mute", "deaf", "stuck"])
def _(kind):
    script = {"silent": {"GREETING": SILENT}, "mute": {"MAIL": SILENT}, "stuck": {"DATA": ("354 go", SILENT)}}.get(kind)
    with Folder() as f, Liar() as near, (Liar(**script) if script else Deaf()) as far:
        with Relay(near.conf() + two(far.at, f), limit=40) as r, r.session() as c:
            for n in range(40):
                offer(c, f"u{n}@far.test")
            begin = time.monotonic()
            for n in range(40):
                offer(c, f"u{n}@near.test")
            near.wait(lambda: len(near.mails) == 40, 10, "the mails of the other gateway")
            within(time.monotonic() - begin, 0, 8)
            wait_for(lambda: len(f.files) == 40, 60, "the others' files alone")
            for one in getattr(far, "conns", []):
                one.sock.close()
            if script:
                far.stop()


@case("C31: silence behind 354 ends with Body_Timeout, the mail stays, others go on")
def _():
    with Folder() as f, Liar() as near, Liar({"DATA": ("354 go", SILENT)}, {}) as far:
        with Relay(near.conf() + two(far.at, f, "Body_Timeout = 3\n")) as r, r.session() as c:
            offer(c, "x@far.test", body=b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 4)
            far.conn().wait_line("DATA")
            offer(c, "y@near.test")
            near.one(5)
            far.wait(lambda: far.mails, 20, "the second try")
            f.empty()
            wait_for(lambda: len(lines(r, to="<x@far.test>")) == 2, 10, "the line of the second try")
            equal([e["status"] for e in lines(r, to="<x@far.test>")], ["deferred", "sent"], "log")


# --- the end of the process ---

@case("SIGTERM while a mail is in its final dot: it is decided, and not sent again")
def _():
    with Folder() as f, Liar(DOT=(2, GOOD)) as g:
        conf = g.conf() + conf_of(f, "always")
        with Relay(conf) as r, r.session() as c:
            offer(c)
            g.conn().wait_line(".")
        equal(len(f.files), 0, "files")
        with Relay(conf):
            time.sleep(1)
        equal(len(g.offered), 1, "mails")


@case("reload: what is under way ends under the old configuration, the rest goes by the new one")
def _():
    with Folder() as f, Liar(DOT=(1.5, GOOD)) as old, Liar() as new:
        with Relay(old.conf() + conf_of(f, "always", "Max_Outbound_Connections = 2\n"), mortal=True) as r, r.session() as c:
            for n in range(5):
                offer(c, f"u{n}@b.test")
            old.conn().wait_line(".")
            r.reload(new.conf() + conf_of(f, "always"))
            new.wait(lambda: len(new.mails) + len(old.mails) == 5, 20, "all mails")
            f.empty()
            check(new.mails, "the new gateway got none")
            equal(sorted(x for m in old.mails + new.mails for x in rcpts(m)), [f"u{n}@b.test" for n in range(5)], "who got one")


need_binary()
main()
