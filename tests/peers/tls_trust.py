#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What must not be carried from one connection to another: trust, sessions, clear text; and challenges of any length."""

import base64
import re
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs                                                   # noqa: E402
from lib.tlsgateway import *                                            # noqa: E402,F403

HOST_CHECK = f'TLS = required TLS_Verify = host TLS_CA = "{certs.get("root").path}" TLS_Name = "{certs.HOST}"'
ONCE = "Max_Deliveries_Per_Connection = 1\n"
CLEAR = "Outbound_SMTP_AUTH_Allow_Plaintext = true\n"


def mail(r, recipient="b@b.test"):
    with r.session() as c:
        c.mail(recipients=(recipient,), wanted="250")
        c.cmd("QUIT", "221")


def no_mail(r, words="", recipient="b@b.test"):
    with r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd(f"RCPT TO:<{recipient}>", "451 4.7.0")
        check(re.search(words, got.text), f"/{words}/ is not in {got}")


@cases("TLS {0}, {1}: what was made unverified serves nobody who verifies", [
    (v, k) for v in ("1.2", "1.3") for k in ("a connection for each mail", "kept connections")])
def _(version, kept):
    with TlsLiar(cert="unknown CA", versions=(version,)) as g, Relay(
            g.conf() + (ONCE if kept.startswith("a ") else "") + "TLS = required\nTLS_Verify = no\n"
            + f'Domain "c.test" {{ {HOST_CHECK} }}\n') as r:
        for _ in range(2):
            mail(r)
        no_mail(r, "CA that is not known", "x@c.test")
        equal([m.rcpts for m in g.mails], [[b"RCPT TO:<b@b.test>"]] * 2, "mails")


@cases("TLS {0}: a session verified under one name serves no other name", ["1.2", "1.3"])
def _(version):
    with TlsLiar(versions=(version,)) as g, Relay(
            g.conf() + ONCE + HOST_CHECK.replace(" TLS_", "\nTLS_") + "\n"
            + 'Domain "c.test" { TLS_Name = "other.example.com" }\n') as r:
        for _ in range(2):
            mail(r)
        no_mail(r, "smtp.example.com", "x@c.test")
        equal(len(g.mails), 2, "mails")


@cases("TLS {0}: pinned keys hold for resumed sessions too", ["1.2", "1.3"])
def _(version):
    for pin, cert in (("self-signed", "self-signed"), ("middle", "behind a middle")):
        with secure_box(ONCE + f'TLS = required\nTLS_Name = "{certs.HOST}"\nTLS_Pin = "{certs.get(pin).pin}"\n', cert=cert,
                        versions=(version,)) as (r, g):
            for _ in range(3):
                mail(r)
            equal([c.reused for c in g.secure], [False, True, True], f"resumed, pin of {pin}")


@case("a pin of the one key serves nobody who has pinned the other")
def _():
    with TlsLiar(cert="self-signed") as g, Relay(
            g.conf() + ONCE + f'TLS = required\nTLS_Pin = "{certs.get("self-signed").pin}"\n'
            + f'Domain "c.test" {{ TLS_Pin = "{certs.get("good").pin}" }}\n') as r:
        mail(r)
        no_mail(r, "TLS_Pin", "x@c.test")
        mail(r)


@cases("optional TLS, its certificate is refused, a login may go in clear: not to this host, mail after mail ({0})", [
    ("an unknown CA", "unknown CA", ""), ("a wrong name", "wrong name", ""), ("expired", "expired", ""),
    ("a wrong pin", "good", f'TLS_Pin = "{certs.get("other root").pin}"\n')])
def _(_name, cert, more):
    login = Login()
    with secure_box("TLS = ifavailable\n" + CLEAR + account() + trust() + more, cert=cert, login=login) as (r, g):
        for _ in range(4):
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                c.cmd("RCPT TO:<b@b.test>", "451 4.7.0")
        lacks(g.verbs, "AUTH")
        equal(login.tries, [], "logins")


@case("optional TLS that failed is no reason for clear text where it is required")
def _():
    login = Login()
    with TlsLiar(TLS=CLOSE, login=login) as g, Relay(
            g.conf() + "TLS = ifavailable\n" + f'Domain "c.test" {{ {HOST_CHECK} }}\n'
            + 'Domain "d.test" { ' + (account() + trust()).replace("\n", " ") + "}\n") as r:
        mail(r)
        no_mail(r, recipient="x@c.test")
        no_mail(r, recipient="x@d.test")
        equal([m.rcpts for m in g.mails], [[b"RCPT TO:<b@b.test>"]], "mails")
        lacks(g.verbs, "AUTH")


@cases("{0}: a challenge of {1} octets", [
    (m, n) for m in ("CRAM-MD5", "LOGIN", "SCRAM-SHA-256") for n in (1000, 4000, 7000, 100000)])
def _(name, size):
    def challenge(conn, _line):
        conn.write(b"334 " + base64.b64encode(b"r=" + b"x" * size + b",s=AAAA,i=4096") + b"\r\n")
        seen.append(conn.answer())
        return "535 5.7.8 no"
    seen = []
    with secure_box(account(kind=name) + trust(), EXTENSIONS_TLS=[f"AUTH {name}"], AUTH=challenge) as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        lacks(g.verbs, "MAIL")


def scram_first(line):
    return dict(f.split(b"=", 1) for f in base64.b64decode(line.split(b" ")[2])[3:].split(b","))


SCRAM = {
    "no nonce": b"s=QUJD,i=4096", "an empty salt": b"r=%r0,s=,i=4096", "a salt that is no base64": b"r=%r0,s=!!!,i=4096",
    "no rounds": b"r=%r0,s=QUJD", "zero rounds": b"r=%r0,s=QUJD,i=0", "negative rounds": b"r=%r0,s=QUJD,i=-1",
    "rounds beyond 32 bits": b"r=%r0,s=QUJD,i=4294971392", "rounds with letters": b"r=%r0,s=QUJD,i=40x6",
    "our nonce alone": b"r=%r,s=QUJD,i=4096", "an extension that must be known": b"m=x,r=%r0,s=QUJD,i=4096",
    "NULs": b"r=%r0\0,s=QUJD,i=4096", "nothing": b"", "commas": b",,,,", "the order turned": b"i=4096,s=QUJD,r=%r0",
}


@cases("SCRAM, the server's first message with {0}: 451, no proof is sent", SCRAM)
def _(name):
    def challenge(conn, line):
        text = SCRAM[name].replace(b"%r", scram_first(line)[b"r"])
        conn.write(b"334 " + base64.b64encode(text) + b"\r\n")
        seen.append(conn.answer())
        return "535 5.7.8 no"
    seen = []
    with secure_box(account(kind="SCRAM-SHA-256") + trust(), EXTENSIONS_TLS=["AUTH SCRAM-SHA-256"], AUTH=challenge) as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451")
        lacks(g.verbs, "MAIL")
        check(not any(b"p=" in base64.b64decode(s + b"===") for s in seen if s != b"*"), f"a proof was sent: {seen}")


need_binary()
main(jobs=4, limit=300)
