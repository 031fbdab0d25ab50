#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""TLS on both sides while clients and gateway break off wherever they like: nothing is held afterwards, no mail is mixed up."""

import random
import smtplib
import socket
import ssl
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs                                                   # noqa: E402
from lib.strain import Balance, Idle, links                                  # noqa: E402
from lib.tlsgateway import *                                            # noqa: E402,F403

SECURE = "TLS = required\n" + trust()


def listener():
    cert = certs.get("good")
    return f'ESMTP_Listener {{ Listen "127.0.0.1:0" {{ TLS_Certificate = "{cert.chain}" TLS_Key = "{cert.key.path}" }} }}\n'


def loose():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    return ctx


def in_parallel(number, function):
    """Runs function(n) for each n in a thread of its own; what went wrong, as texts."""
    wrong = []

    def one(n):
        try:
            function(n)
        except Exception as error:      # any kind is a finding
            wrong.append(f"{n}: {error!r}")
    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(number)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    return wrong


def abandon(sock):
    if random.random() < 0.5:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def good_mail(r, gateway, tag):
    ctx = ssl.create_default_context(cafile=certs.get("root").path)
    with smtplib.SMTP(*r.address, timeout=40) as c:
        c.starttls(context=ctx)
        c.sendmail("a@a.test", ["b@b.test"], b"Subject: " + tag.encode() + b"\r\n\r\n" + tag.encode() * 100 + b"\r\n")
    gateway.wait(lambda: any(tag in m.fields("Subject") for m in gateway.mails), 10, f"the mail {tag}")


@case("a thousand handshakes of clients that are broken off leave every place free")
def _():
    with secure_box(SECURE + listener()) as (r, g):
        good_mail(r, g, "before")
        balance = Balance(r)
        hello = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            loose().wrap_bio(*hello).do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = hello[1].read()

        def break_off(n):
            dice = random.Random(n)
            for _ in range(50):
                with socket.create_connection(r.address, 20) as sock:
                    sock.recv(400)
                    sock.sendall(b"STARTTLS\r\n")
                    if not sock.recv(100).startswith(b"220"):
                        continue
                    sock.sendall(hello[:dice.choice((0, 1, 5, 60, len(hello) - 1, len(hello)))])
                    if dice.random() < 0.5:
                        sock.settimeout(0.05)
                        try:
                            sock.recv(dice.choice((1, 2000)))
                        except OSError:
                            pass
                    abandon(sock)
        equal(in_parallel(20, break_off), [], "trouble")
        balance.settle(30)
        with Idle(r):
            time.sleep(2)
        equal(in_parallel(12, lambda n: good_mail(r, g, f"after{n}")), [], "mails afterwards")


@case("thirty gateways that break off in the handshake, probes and all: every place is free again")
def _():
    acts = [CLOSE, RESET, bytes(50), b"\x16\x03\x03\x00\x7a" + bytes(40), (b"\x15\x03\x03\x00\x02\x02\x28", CLOSE),
            (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(40), 0.3, CLOSE)]
    bad = [TlsLiar(TLS=acts[n % len(acts)]) for n in range(30)]
    try:
        with TlsLiar() as good, Relay(good.conf() + SECURE + listener() + "Connect_Timeout = 1s\n" + "".join(
                f'Domain "g{n}.test" {{ Gateway = "{g.at}" }}\n' for n, g in enumerate(bad))) as r:
            for _ in range(2):
                for n in range(30):
                    with r.session() as c:
                        c.cmd("MAIL FROM:<a@a.test>", "250")
                        c.cmd(f"RCPT TO:<x@g{n}.test>", "451 4.7.0")
                time.sleep(2.5)         # each is probed meanwhile
            check(sum(len(g.conns) for g in bad) >= 60, "nobody was probed")
            equal(in_parallel(20, lambda n: good_mail(r, good, f"after{n}")), [], "mails afterwards")
            held = sum(len(links(p)) for p in r.pids())
            check(held < 200, f"{held} descriptors")
    finally:
        for one in bad:
            one.stop()


@case("chaos on both sides for ten seconds: what arrives is whole and each mail's own, then all is given back")
def _():
    dice = random.Random(9)

    def cut(conn, _line=b""):
        return dice.choice((CLOSE, RESET, None, None, None, None, None, None))
    script = {w: (cut, u) for w, u in (("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go"), ("DOT", "250 taken"))}
    with secure_box(SECURE + listener(), {**script, "BODY": (5000, cut)}) as (r, g):
        balance = Balance(r)
        end = time.monotonic() + 10

        def client(n):
            own = random.Random(n)
            number = 0
            while time.monotonic() < end:
                number += 1
                tag = f"{n}.{number}"
                text = f"Subject: {tag}\r\n\r\n".encode() + (tag.encode() + b"\r\n") * own.choice((1, 100, 5000))
                try:
                    with Client(r.address, wait=30) as c:
                        c.hello()
                        if own.random() < 0.7:
                            c.cmd("STARTTLS", "220")
                            c.secure(loose())
                            c.cmd("EHLO dev.test", "250")
                        c.cmd("MAIL FROM:<a@a.test>", "250")
                        if own.random() < 0.1:
                            abandon(c.sock)
                            continue
                        if c.cmd("RCPT TO:<b@b.test>").code != 250 or c.cmd("DATA").code != 354:
                            continue
                        if own.random() < 0.1:
                            c.send(text[:len(text) // 2])
                            abandon(c.sock)
                            continue
                        c.send(text + b".\r\n").reply("250|451")
                except (Closed, OSError):
                    pass
        equal(in_parallel(12, client), [], "trouble")
        for m in g.offered:
            tag = m.fields("Subject")[0]
            check(set(m.body.split(b"\r\n")[:-1]) == {tag.encode()}, f"the mail {tag} holds lines of others")
        check(len(g.mails) > 20, f"only {len(g.mails)} mails arrived")
        balance.settle(30)
        with Idle(r):
            time.sleep(2)


need_binary()
main(jobs=1, limit=300)
