#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A refused login is tried once per interval, whoever has gone meanwhile; optional TLS opens no way round a certificate."""

import socket
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.liar import RESET                                              # noqa: E402
from lib.tlsgateway import *                                            # noqa: E402,F403

REFUSED = (3, "535 5.7.8 the password is wrong")


def leaves(c):
    """Cut while the box waits for the gateway."""
    c.send("RCPT TO:<b@b.test>\r\n")
    time.sleep(0.5)
    reset(c)


def reset(c):
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.close()


def quits(c):
    c.cmd("QUIT", "221")


def waits(c):
    c.cmd("RCPT TO:<b@b.test>", "451")


@cases("a client that {0} while the login is under way: its refusal is not missed, the next ones do not try again", [
    ("leaves", leaves, ""), ("quits", quits, ""), ("runs out of patience", waits, "Client_Patience = 1s\n")])
def _(_name, goes, more):
    login = Login(refuse=REFUSED, mechanisms="PLAIN")
    with secure_box(account() + trust() + more, login=login) as (r, g):
        for _ in range(4):
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                time.sleep(0.3)
                goes(c)
        r.wait_log("state=down reason=\"refuses the login: 535")
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            check("refuses the login" in c.cmd("RCPT TO:<b@b.test>", "451 4.7.0").text, "another reason")
        equal(len(login.tries), 1, "logins")
        wait_for(lambda: r.status()["gateways"][0]["connections"] == 0, 60, "no connection left")


@case("a client that leaves while a right login is under way: the connection is kept, the next mail uses it")
def _():
    login = Login(refuse=(1, "235 2.7.0 ok"), mechanisms="PLAIN")
    with secure_box(account() + trust(), login=login) as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            leaves(c)
        wait_for(lambda: r.gateway_state() == "up", 60, "the gateway is up")
        with r.session() as c:
            c.mail(wanted="250")
        equal((len(g.conns), len(login.tries)), (1, 1), "connections, logins")


@case("TLS = ifavailable, a login, Allow_Plaintext: a refused certificate gets no login, at once or later")
def _():
    login = Login()
    more = account() + "TLS = ifavailable\nOutbound_SMTP_AUTH_Allow_Plaintext = true\n" + trust(name="other.test")
    with secure_box(more, login=login) as (r, g):
        for _ in range(2):
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                check("certificate is for" in c.cmd("RCPT TO:<b@b.test>", "451 4.7.0").text, "not the reason")
            time.sleep(2.5)                         # a probe is in between
        check(len(g.conns) >= 2, "it was not tried again")
        equal(login.tries, [], "logins")


@case("a probe with optional TLS: a reply behind 220 and a reset at once end that connection, not the engine")
def _():
    with Liar() as gateway:
        port = gateway.port
    odd = {"EXTENSIONS": ("STARTTLS",), "STARTTLS": (b"220 go\r\n250 and more\r\n", RESET)}
    with Relay(f'Gateway = "127.0.0.1:{port}"\n') as r:
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451 4.4.1")
        with Liar(odd, {}, port=port) as gateway:
            wait_for(lambda: r.gateway_state() == "up", 60, "the gateway is up")
            equal(gateway.conns[0].verbs, ["EHLO", "STARTTLS"], "the first connection")
            check("STARTTLS" not in gateway.conns[1].verbs, "the second one is in clear")
            with r.session() as c:
                c.mail(wanted="250")


need_binary()
main(jobs=4, limit=120)
