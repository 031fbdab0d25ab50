#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Large mails and gateways that read slowly: nothing stalls, whenever a write finds no room and the next one does.

No event tells of room that a later write of the same turn found. strace makes such turns at will: of the relay's
sends and receives the ones counted here fail as if there were no room, or no octets, just then.
"""

import random
import shutil
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.strain import SANITIZED                                        # noqa: E402

HEAD = b"Subject: slow\r\n\r\n"
ROW = b"z" * 76 + b"\r\n"
QUIET = {"ASAN_OPTIONS": "detect_leaks=0"}          # the sanitizer cannot look for leaks under strace


def large(octets, seed):
    dice = random.Random(seed)
    block = bytes(dice.choices(b"abcdefghijklmnopqrstuvwxyz\xe4\xf6. ", k=65536))
    out, total = [HEAD], 0
    while total < octets:
        at = dice.randrange(60000)
        out.append(block[at:at + dice.choice((0, 1, 76, 76, 512, 998, 5000))] + b"\r\n")
        total += len(out[-1])
    return b"".join(out)


def stuffed(text):
    return text.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def body(text):
    return text.partition(b"\r\n\r\n")[2]


def in_pieces(c, data, dice):
    at = 0
    while at < len(data):
        size = dice.choice((1, 700, 1460, 4095, 4096, 4097, 20000, 100000))
        c.send(data[at:at + size])
        at += size


# --- failing calls ---

def through(wrap, when):
    dice = random.Random(when)
    with Liar() as g, Relay(g.conf(), wrap=wrap, env=QUIET) as r, r.session(wait=20) as c:
        sizes = (0, 3000, 4096, 33000, 66000, 300000, 1 << 20, 3 << 20)
        texts = [large(n, n) for n in sizes]
        for n, text in zip(sizes, texts):
            c.start()
            c.data()
            try:
                in_pieces(c, stuffed(text), dice) if n % 3 else c.send(stuffed(text))
                c.reply("250")
            except Failed as problem:
                raise Failed(f"a mail of {n} octets: {problem}") from None
        equal(len(g.mails), len(texts), "mails")
        for n, mail, text in zip(sizes, g.mails, texts):
            check(mail.body == body(text), f"a mail of {n} octets differs")
        r.kill()            # the order to end gently might be among the sends that fail


# strace makes a call fail by another's number, which the product's filter of system calls punishes.
@cases("{0} {1} at the calls {2}: mails of all sizes go through", [] if not SANITIZED else [
    (call, error, when) for call, error in (
        ("sendto", "EAGAIN"), ("recvfrom", "EAGAIN"), ("sendto", "EINTR"))
    for when in ("1+2", "2+2", "2+3", "5+7")])
def _(call, error, when):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    wrap = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
    through(wrap, when)


# --- slow gateways ---

class Sip:
    """Makes a connection of a gateway read in small, odd pieces, with a pause now and then."""

    def __init__(self, seed, pause):
        self.dice, self.pause = random.Random(seed), pause

    def __call__(self, conn, _line):
        real = conn.sock

        class Sock:
            def __getattr__(_self, name):
                return getattr(real, name)

            def recv(_self, _most):
                if self.pause and not self.dice.randrange(16):
                    time.sleep(self.pause)
                return real.recv(self.dice.choice((1000, 3001, 7777, 16384, 40001)))
        conn.sock = Sock()
        return "250 2.1.0 ok"


@cases("four clients at once, {0} KiB each, a gateway with a buffer of {1} that reads {2}", [
    (4096, 2048, "without pause", 0), (4096, 16384, "without pause", 0), (2048, 2048, "with tiny pauses", 0.0005),
    (1024, 4096, "with pauses", 0.003)])
def _(kib, receive, _how, pause):
    texts = [large(kib << 10, seed) for seed in range(4)]
    with Liar(receive=receive, MAIL=Sip(kib + receive, pause)) as g, Relay(g.conf()) as r:
        wrong = []

        def one(number):
            try:
                with r.session(wait=40) as c:
                    for _ in range(2):
                        c.mail(stuffed(texts[number])[:-3], wanted="250")
            except Failed as error:
                wrong.append(f"client {number}: {error}")
        threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(100)
        equal(wrong, [], "clients in trouble")
        equal(len(g.mails), 8, "mails")
        check(sorted(m.body for m in g.mails) == sorted(body(t) for t in texts * 2), "a body differs")


@case("a slow reader does not hold up the others")
def _():
    with Liar(receive=4096, MAIL=[Sip(1, 0.02), "250 2.1.0 ok"]) as g, Relay(g.conf()) as r, r.session(wait=60) as slow:
        text = large(1 << 20, 9)
        slow.start()
        slow.data()
        sender = threading.Thread(target=slow.send, args=(stuffed(text),))
        sender.start()
        with r.session() as c:
            for n in range(20):
                start = time.monotonic()
                c.mail(b"Subject: quick\r\n\r\n" + ROW * n * 50, wanted="250")
                within(time.monotonic() - start, 0, 2)
        sender.join(60)
        slow.reply("250")
        check(any(m.body == body(text) for m in g.mails), "the slow mail differs")


@case("a client that sips its replies is served like others")
def _():
    with box() as (r, g), r.client(receive=2048, wait=30) as c:
        c.send("EHLO d\r\n" * 200 + "QUIT\r\n")
        end, got = time.monotonic() + 20, b""
        while time.monotonic() < end and not got.endswith(b"221 2.0.0 Bye\r\n"):
            piece = c.sock.recv(97)
            if not piece:
                break
            got += piece
        equal(got.count(b"250 "), 200, "replies")
        check(b"\r\n221 " in got, f"no 221 in {got[-60:]!r}")
        equal(len(g.conns), 0)


need_binary()
main(jobs=3, limit=280)
