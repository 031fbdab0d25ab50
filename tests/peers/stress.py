#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Peers that vanish: at each octet of what they say, by FIN and by RST. Nothing leaks, no mail is cut short."""

import fcntl
import os
import re
import socket
import sys
import termios
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.strain import Balance, Idle, good                              # noqa: E402

STEP = 1 if os.environ.get("GATEPOST_SOAK") else 3
HOWS = ("FIN", "RST")


def vanish(c, how):
    if how == "RST":
        c.reset()
    else:
        c.close()


def subjects(gateway):
    return [m.fields("Subject")[0] for m in gateway.offered]


def each(work, items, threads=6):
    """Do the work for each item, a few at a time; the first failure counts."""
    rest, bad, lock = list(items), [], threading.Lock()

    def run():
        while not bad:
            with lock:
                if not rest:
                    return
                one = rest.pop(0)
            try:
                work(one)
            except BaseException as error:  # told below
                bad.append((one, error))
    crew = [threading.Thread(target=run) for _ in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    if bad:
        raise Failed(f"{bad[0][0]}: {bad[0][1]}") from bad[0][1]


def pieces(tag):
    """What a client says, reply by reply."""
    return [b"EHLO dev.test\r\n", b"MAIL FROM:<a@a.test>\r\n", b"RCPT TO:<b@b.test>\r\n",
            b"DATA\r\n", b"Subject: " + tag + b"\r\n\r\n..one\r\ntwo\r\n.\r\n", b"QUIT\r\n"]


def judge(gateway, tags, dot):
    """tags: tag -> octets sent. No mail before the whole end of data was out, never two, never a part of one."""
    seen = subjects(gateway)
    for tag, sent in tags.items():
        within(seen.count(tag), 0, 1 if sent >= dot else 0, f"mails of {tag}, {sent} octets sent of {dot}")
    for m in gateway.offered:
        equal(m.body, b".one\r\ntwo\r\n", "the body")


# --- clients ---

@cases("a client vanishes after each octet of a session, in step: {0}", HOWS)
def _(how):
    with box() as (r, g):
        good(r, g, "before")
        balance = Balance(r)
        tags = {}
        dot = sum(len(p) for p in pieces(b"t0000")[:5])
        total = dot + len(pieces(b"t0000")[5])

        def one(n):
            tag = b"t%04d" % n
            c, left = r.client(), n
            c.reply("220")
            for piece in pieces(tag):
                c.send(piece[:left])
                left -= len(piece)
                if left < 0 or (left == 0 and piece[-3:] == b".\r\n"):
                    break
                c.reply()
            tags[tag.decode()] = n
            vanish(c, how)
        each(one, range(0, total + 1, STEP))
        each(one, [n for n in range(dot - 6, dot + 1) if n % STEP])
        balance.settle()
        wait_for(lambda: all(subjects(g).count(t) == 1 for t, n in tags.items() if n >= dot), 60, "the mails whose dot was sent")
        seen, g.conns[:] = list(g.conns), [c for c in g.conns if any("before" not in m.fields("Subject") for m in c.mails)]
        for c in g.conns:
            c.mails[:] = [m for m in c.mails if "before" not in m.fields("Subject")]
        judge(g, tags, dot)
        g.conns[:] = seen
        good(r, g, "after")


@cases("a client vanishes after each octet of a session sent blind: {0}", HOWS)
def _(how):
    with box() as (r, g):
        balance = Balance(r)
        tags = {}
        dot = sum(len(p) for p in pieces(b"t0000")[:5])

        def one(n):
            tag = b"t%04d" % n
            text = b"".join(pieces(tag))[:n]
            c = r.client()
            tags[tag.decode()] = n
            c.send(text)
            vanish(c, how)
        each(one, range(0, dot + 7, STEP))
        each(one, [n for n in range(dot - 6, dot + 1) if n % STEP])
        balance.settle()
        judge(g, tags, dot)
        good(r, g, "after")


@cases("a client half-closes after each octet of a session sent blind: what was whole is worked through", [""])
def _(_n):
    with box() as (r, g):
        balance = Balance(r)
        tags = {}
        dot = sum(len(p) for p in pieces(b"t0000")[:5])

        def one(n):
            tag = b"t%04d" % n
            c = r.client()
            tags[tag.decode()] = n
            c.send(b"".join(pieces(tag))[:n])
            c.half_close()
            rest = c.eof()
            if n >= dot:
                contains(rest, b"\r\n250 2.0.0 queued", "replies")
            c.close()
        each(one, range(0, dot + 7, STEP))
        each(one, [n for n in range(dot - 6, dot + 1) if n % STEP])
        balance.settle()
        judge(g, tags, dot)
        for tag, n in tags.items():
            equal(subjects(g).count(tag), 1 if n >= dot else 0, f"mails of {tag}, {n} octets sent of {dot}")
        good(r, g, "after")


@case("a client that half-closes in the body is logged as gone")
def _():
    with box() as (r, _g), r.session() as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\nx\r\n")
        c.half_close()
        equal(r.event().get("client"), "gone", "client=")


@cases("a client vanishes in a body of 300 KiB while the gateway reads slowly: {0}", HOWS)
def _(how):
    with box(BODY=(1000, Stall(0.7)), receive=8192) as (r, g):
        balance = Balance(r)

        def one(n):
            c = r.session()
            c.start()
            c.data()
            c.sock.settimeout(0.3)
            try:
                c.sock.sendall(b"Subject: t\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y" * n)
            except socket.timeout:
                pass
            vanish(c, how)
        with Idle(r, 0.5):
            each(one, [5000, 30000, 300000, 300001, 500000])
            time.sleep(1)
        balance.settle()
        equal(g.offered, [], "whole mails")
        for c in g.conns:
            c.script = {}
        good(r, g, "after")


def unsent(sock):
    """Octets in the kernel that the peer's has not taken."""
    return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4), sys.byteorder)


def pour(c, most):
    """Send lines until the box takes no more, or so many octets; how many it took."""
    sent = 0
    while sent < most:
        c.send((b"y" * 510 + b"\r\n") * 32)
        sent += 16384
        if unsent(c.sock) and not wait_empty(c.sock):
            break
    return sent


def wait_empty(sock):
    end = time.monotonic() + 0.3
    while unsent(sock) and time.monotonic() < end:
        time.sleep(0.005)
    return not unsent(sock)


@case("a client half-closes in the body while the gateway reads nothing: no busy loop, then nothing is left")
def _():
    with box("Body_Timeout = 5s\n", BODY=(1000, Stall(60)), receive=8192) as (r, g):
        balance = Balance(r)

        def begin():
            c = r.session()
            c.start()
            c.data()
            return c
        c = begin()
        most = pour(c, 8 << 20)
        check(most < 8 << 20, "the gateway reads nothing, and the box takes all")
        c.close()
        # the end of the client's sending reaches the box while content waits there
        for back in (16384, 32768, 65536, 131072):
            c = begin()
            pour(c, most - back)
            c.half_close()
            with Idle(r):
                time.sleep(1)
            c.close()
        balance.settle(15)
        g.scripts[:] = [{}]
        good(r, g, "after")


@cases("a client that waits for its reply {0}, the gateway silent: no busy loop", [
    ("half-closes", ), ("vanishes", )])
def _(how):
    for word in ("RCPT", "DATA", "DOT"):
        with box("Client_Patience = 2s\nBody_Timeout = 3s\n", **{word: SILENT}) as (r, g):
            balance = Balance(r)
            c = r.session()
            c.send(b"".join(pieces(b"t")[1:5]))
            g.conn().wait_line("." if word == "DOT" else word)
            if how == "vanishes":
                c.close()
            else:
                c.half_close()
            with Idle(r):
                time.sleep(1.2)
            balance.settle()
            c.close()


# --- the edges of buffers ---

@cases("the end of data of a mail of every size: {1} from {0} on, {2}", [
    (3700, 450, "as it comes"), (3700, 450, "behind a pause"), (32360, 100, "as it comes"), (65200, 50, "as it comes")])
def _(start, count, how):
    with box("Client_Patience = 2s\n") as (r, g), r.session() as c:
        for size in range(start, start + count):
            text = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
            text += b"y" * (size - len(text) - 2) + b"\r\n"
            c.send(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
            for wanted in ("250", "250", "354"):
                c.reply(wanted)
            c.send(text)
            if how != "as it comes":
                time.sleep(0.002)
            c.send(b".\r\n")
            try:
                c.reply("250", 5)
            except Failed as error:
                raise Failed(f"a mail of {size} octets: {error}") from None
        equal(len(g.mails), count, "mails")
        equal([len(m.body) for m in g.mails], list(range(start - 14, start + count - 14)), "octets of the bodies")


# --- gateways ---

STAGES = {"GREETING": b"220 gw.test ESMTP\r\n",
          "EHLO": b"250-gw.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
          "MAIL": b"250 2.1.0 sender ok\r\n",
          "RCPT": b"250 2.1.5 rcpt ok\r\n",
          "DATA": b"354 go\r\n",
          "DOT": b"250 2.0.0 queued\r\n"}


class Cut:
    """A gateway's script: who it is told by the sender's address, WORD.COUNT.HOW@…, says so many octets and vanishes."""

    def __init__(self, word):
        self.word = word

    def __call__(self, conn, line):
        plan = next((ln for ln in reversed(conn.lines) if ln.startswith(b"MAIL")), b"")
        found = re.search(rb"<(\w+)\.(\d+)\.(\w+)@", plan)
        whole = STAGES[self.word]
        if not found or found.group(1).decode() != self.word:
            return whole
        return whole[:int(found.group(2))], RESET if found.group(3) == b"RST" else CLOSE


def plans(word, step=1):
    return [(word, n, how) for n in range(0, len(STAGES[word]) + 1, step) for how in HOWS]


def scripts():
    return {w: Cut(w) for w in ("MAIL", "RCPT", "DATA", "DOT")}


def walk(c, sender):
    """A whole mail as far as it gets: the codes of MAIL, RCPT, DATA and the end of data."""
    codes = []
    for line in (f"MAIL FROM:<{sender}>", "RCPT TO:<b@b.test>", "DATA"):
        codes.append(c.cmd(line).code)
    if codes[-1] == 354:
        got = c.send(f"Subject: {sender}\r\n\r\nx\r\n.\r\n").reply()
        codes.append(got.code)
        if got.code != 250:
            got.want("451 4.4.2")
            if sender.startswith("DOT"):
                contains(got.text, "may have arrived")
    return codes


@cases("a gateway vanishes after each octet of its reply to {0}: 451 or the truth, nothing leaks",
       ("MAIL", "RCPT", "DATA", "DOT"))
def _(word):
    whole = len(STAGES[word])
    with box("Max_Deliveries_Per_Connection = 1\n", **scripts()) as (r, g):
        good(r, g, "before")
        balance = Balance(r)

        def one(plan):
            _, n, how = plan
            with r.session() as c:
                codes = walk(c, f"{word}.{n}.{how}@a.test")
            wanted = {"MAIL": [[250, 451, 451]], "RCPT": [[250, 451, 451]], "DATA": [[250, 250, 451]],
                      "DOT": [[250, 250, 354, 451]]}[word]
            if n == whole:
                wanted = {"RCPT": [[250, 250, 451], [250, 451, 451]],
                          "DATA": [[250, 250, 354, 451], [250, 250, 451]],
                          "DOT": [[250, 250, 354, 250]] + ([[250, 250, 354, 451]] if how == "RST" else [])}.get(word, wanted)
            among(codes, wanted, f"the codes when {n} of {whole} octets came")
        each(one, plans(word, 1 if STEP == 1 else 2))
        balance.settle()
        good(r, g, "after")


@cases("a gateway on a kept connection vanishes after each octet of its reply to {0}: the client notices nothing",
       ("MAIL", "RCPT", "DATA"))
def _(word):
    whole = len(STAGES[word])
    with box(**scripts()) as (r, g):
        good(r, g, "before")
        balance = Balance(r)
        sent = []
        for _, n, how in plans(word, 1 if STEP == 1 else 2):
            if n == whole and word != "MAIL":
                continue
            sender = f"{word}.{n}.{how}@a.test"
            number = len(g.conns)
            wait_for(lambda: sum(not c.closed for c in g.conns) == 1, 60, "one kept connection")
            # only the kept connection knows the plan: a further one is well behaved
            g.scripts[:] = [{}]
            with r.session() as c:
                equal(walk(c, sender), [250, 250, 354, 250], f"{n} octets, {how}")
            sent.append(sender)
            equal(len(g.conns), number + 1, "connections")
            g.conns[-1].script = scripts()
        equal(sorted(s for s in subjects(g) if s != "before"), sorted(sent), "mails")
        balance.settle()
        good(r, g, "after")


@cases("a gateway begins a reply that was not asked for behind that to {0}, and says no more: 451, nothing hangs", [
    "MAIL", "RCPT", "DATA", "DOT"])
def _(word):
    with box("Client_Patience = 2s\nBody_Timeout = 2s\nRcptTo_Timeout = 2s\n", **{word: (STAGES[word] + b"2", SILENT)}) as (r, g):
        balance = Balance(r)
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.send("RCPT TO:<b@b.test>\r\n").reply("451" if word == "MAIL" else "250|451", 5)
            got = c.cmd("DATA", "354|451", wait=5)
            if got.code == 354:
                c.send(b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" + b".\r\n")
                c.reply("250" if word == "DOT" else "451 4.4.2", 5)
        balance.settle()


@cases("a gateway vanishes after each octet of its {0} ({1}): 451, down, then found again",
       [(w, h) for w in ("GREETING", "EHLO") for h in HOWS])
def _(word, how):
    counts = list(range(0, len(STAGES[word]) + 1, 1 if STEP == 1 else 2))
    for start in range(0, len(counts), 24):
        some = counts[start:start + 24]

        def act(conn, line):
            n = int(conn.sock.getsockname()[0].rsplit(".", 1)[1])
            if n == 1:
                return STAGES[word]
            return STAGES[word][:some[n - 2]], RESET if how == "RST" else CLOSE
        with Liar(host="0.0.0.0", **{word: act}) as g:
            conf = "".join(f'Domain "d{i}.test" {{ Gateway = "127.0.9.{i}:{g.port}" }}\n' for i in range(1, len(some) + 2))
            with Relay(conf) as r:
                balance = Balance(r)

                def one(i):
                    with r.session() as c:
                        c.cmd("MAIL FROM:<a@a.test>", "250")
                        c.cmd(f"RCPT TO:<x@d{i}.test>", "451 4.4.2")
                        c.cmd("DATA", "451")
                        c.cmd("MAIL FROM:<a@a.test>", "250")
                        c.cmd(f"RCPT TO:<x@d{i}.test>", "451 4.4.2")
                each(one, range(2, len(some) + 2))
                balance.settle()
                with r.session() as c:
                    c.mail(recipients=("x@d1.test",), wanted="250")


if __name__ == "__main__":
    need_binary()
    main(jobs=2, limit=600 if STEP == 1 else 120)
