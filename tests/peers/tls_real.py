#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The relay before Postfix (OpenSSL, Cyrus SASL) and Exim (GnuTLS); names and port 465 in namespaces of the test's own (DESIGN 3.6)."""

import re
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs, ns                                               # noqa: E402
from lib.gateways import BOX                                            # noqa: E402
from lib.secure_gateways import PASSWORD, USER, SecureExim, SecurePostfix  # noqa: E402
from lib.tlsgateway import Login, TlsLiar, account, trust                      # noqa: E402

ns.enter()
ns.hosts("127.0.0.21 smtp.example.com", "127.0.0.22 mail.example.com two.names.test", "127.0.0.23 smtp.example.net")

ACCOUNT = account(USER, PASSWORD) + trust().replace("TLS_Verify = host\n", "")


def deliver(r, text, wait=60):
    with r.session(wait=wait) as c:
        c.start("scanner@example.com", BOX)
        c.data()
        c.send(text + b".\r\n")
        got = c.reply("250")
        c.cmd("QUIT", "221")
        return got


def large(tag, size=10):
    return b"Subject: " + tag + b"\r\n\r\n" + b"".join(b"%09d " % n * 7 + b"\r\n" for n in range(size * 14563))


@cases("Postfix, {0}, {1}, TLS {2}, {3}", [
    ("STARTTLS", "auto", "1.2 1.3", "good"), ("STARTTLS", "PLAIN", "1.2", "rsa middle"),
    ("STARTTLS", "LOGIN", "1.3", "rsa middle"), ("implicit", "CRAM-MD5", "1.2", "good"),
    ("implicit", "SCRAM-SHA-256", "1.3", "good"), ("implicit", "PLAIN", "1.2 1.3", "behind a middle")])
def _(mode, mechanism, versions, cert):
    implicit = mode == "implicit"
    conf = ("TLS = implicit\n" if implicit else "") + account(USER, PASSWORD, mechanism) + trust()
    with SecurePostfix(implicit, cert, versions=tuple(versions.split())) as g, Relay(g.conf() + conf) as r:
        deliver(r, b"Subject: first\r\n\r\nhello\r\n")
        got = g.find(b"Subject: first")
        contains(got, b"by box.test with ESMTP")
        contains(got, b"with ESMTPSA")
        text = large(b"large")
        deliver(r, text)
        check(g.find(b"Subject: large", 60).endswith(text.replace(b"\r\n", b"\n")[-10000000:]), "10 MiB differ")
        equal(r.status()["gateway_connections"], 1, "connections")
        event = r.event()
        equal(event["tls"], f"TLSv{max(versions.split())}", "tls in the log")
        wanted = "SCRAM-SHA-256" if mechanism == "auto" else mechanism
        g.says(f"sasl_method={wanted}, sasl_username={USER}")


@cases("Exim, {0}, {1}, TLS {2}, {3}", [
    ("STARTTLS", "auto", "1.2 1.3", "good"), ("STARTTLS", "PLAIN", "1.2", "rsa middle"),
    ("implicit", "LOGIN", "1.3", "rsa middle"), ("implicit", "CRAM-MD5", "1.2", "good")])
def _(mode, mechanism, versions, cert):
    implicit = mode == "implicit"
    conf = ("TLS = implicit\n" if implicit else "") + account(USER, PASSWORD, mechanism) + trust()
    with SecureExim(implicit, cert, tuple(versions.split())) as g, Relay(g.conf() + conf) as r:
        deliver(r, b"Subject: first\r\n\r\nhello\r\n")
        contains(g.find(b"Subject: first"), b"with esmtpsa")
        text = large(b"large", 5)
        deliver(r, text)
        check(g.find(b"Subject: large", 60).rstrip(b"\n").endswith(text.replace(b"\r\n", b"\n")[-5000000:].rstrip(b"\n")),
              "5 MiB differ")
        equal(r.status()["gateway_connections"], 1, "connections")
        equal(r.event()["tls"], f"TLSv{max(versions.split())}", "tls in the log")
        g.says(f"A={ {'auto': 'cram', 'PLAIN': 'plain', 'LOGIN': 'login', 'CRAM-MD5': 'cram'}[mechanism]}:{USER}")


@case("Exim, a connection for each mail, TLS 1.2 and 1.3")
def _():
    for version in ("1.2", "1.3"):
        with SecureExim(versions=(version,)) as g, Relay(g.conf() + "Max_Deliveries_Per_Connection = 1\n" + ACCOUNT) as r:
            for n in range(3):
                deliver(r, b"Subject: mail%d\r\n\r\nhello\r\n" % n)
            for n in range(3):
                g.find(b"Subject: mail%d" % n)


@case("Exim, a wrong password: 451 4.7.0 with its words")
def _():
    with SecureExim() as g, Relay(g.conf() + ACCOUNT.replace("Pa55", "Pa66")) as r, r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        contains(c.cmd(f"RCPT TO:<{BOX}>", "451 4.7.0").text, "Incorrect authentication data")


@case("Postfix, a wrong password: 451 4.7.0 with its words, once for ten mails")
def _():
    with SecurePostfix() as g, Relay(g.conf() + ACCOUNT.replace("Pa55", "Pa66")) as r:
        for _ in range(10):
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                contains(c.cmd(f"RCPT TO:<{BOX}>", "451 4.7.0").text, "authentication failed")
        g.says("authentication failed:")
        equal(len(re.findall("SASL .* authentication failed:", g.log())), 1, "tries")


@case("Postfix, no login where it wants one: its words go to the client, each time")
def _():
    with SecurePostfix() as g, Relay(g.conf() + "TLS = required\n" + trust()) as r:
        for _ in range(2):
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                contains(c.cmd(f"RCPT TO:<{BOX}>", "554").text, "ccess denied")


@case("Postfix, a connection for each mail: the session is resumed")
def _():
    with SecurePostfix() as g, Relay(g.conf() + "Max_Deliveries_Per_Connection = 1\n" + ACCOUNT) as r:
        for n in range(4):
            deliver(r, b"Subject: mail%d\r\n\r\nhello\r\n" % n)
        for n in range(4):
            g.find(b"Subject: mail%d" % n)
        lacks(g.log(), "SSL_accept error")


@case("Postfix does not trust itself: a certificate of another CA is refused before any login")
def _():
    with SecurePostfix(cert="unknown CA") as g, Relay(g.conf() + ACCOUNT) as r:
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            contains(c.cmd(f"RCPT TO:<{BOX}>", "451 4.7.0", wait=45).text, "CA that is not known")
        lacks(g.log(), "sasl_username")


@case("gatepost send before Postfix, with a login")
def _():
    with SecurePostfix() as g, Files() as f:
        conf = f.put("gatepost.conf", f'Hostname = box.test\nControl_Socket = "{f.dir}/none.sock"\n' + g.conf() + ACCOUNT)
        code, out, err = gatepost("send", "-c", conf, "-f", "a@a.test", "-v", BOX)
        equal(code, 0, f"exit; it said {out} {err}")
        lacks(out + err, PASSWORD)
        g.find(b"Subject: ")


# --- names ---

def mail(r):
    with r.session() as c:
        c.mail(wanted="250")
        c.cmd("QUIT", "221")


@case("the name written in the configuration is verified, and is sent as SNI")
def _():
    with TlsLiar(host="127.0.0.21", wants_sni=True) as g, Relay(
            f'Gateway = "smtp.example.com:{g.port}"\nTLS = required\n' + trust(name=None)) as r:
        mail(r)
        equal(g.secure[0].sni, "smtp.example.com", "SNI")


@case("TLS_Name is verified in its place, and is sent as SNI")
def _():
    with TlsLiar(host="127.0.0.23", wants_sni=True) as g, Relay(
            f'Gateway = "smtp.example.net:{g.port}"\nTLS = required\n' + trust(name="smtp.example.com")) as r:
        mail(r)
        equal(g.secure[0].sni, "smtp.example.com", "SNI")


@case("an address gets no SNI")
def _():
    with TlsLiar(wants_sni=True) as g, Relay(g.conf() + "TLS = required\n" + trust(name=None)) as r:
        mail(r)
        equal(g.secure[0].sni, None, "SNI")


@case("another name of the same gateway is refused: the words tell both names")
def _():
    with TlsLiar(host="127.0.0.23") as g, Relay(f'Gateway = "smtp.example.net:{g.port}"\nTLS = required\n' + trust(name=None)) as r:
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            got = c.cmd("RCPT TO:<b@b.test>", "451 4.7.0").text
            contains(got, "smtp.example.com")
            contains(got, "smtp.example.net")


@case("a wildcard covers the gateway's name")
def _():
    with TlsLiar(host="127.0.0.22", cert="wildcard") as g, Relay(
            f'Gateway = "mail.example.com:{g.port}"\nTLS = required\n' + trust(name=None)) as r:
        mail(r)


@case("port 465 is implicit by itself")
def _():
    with TlsLiar(host="127.0.0.21", port=465, implicit=True) as g, Relay(
            'Gateway = "smtp.example.com:465"\n' + trust(name=None).replace("TLS_Verify = host\n", "")) as r:
        mail(r)
        equal(g.verbs[:2], ["EHLO", "MAIL"])
        equal(gatepost("eval", "-c", r.conf, "TLS")[1].strip(), "TLS = implicit")


@case("port 465 as Remote_SMTP_Port, with a login; and TLS said otherwise")
def _():
    login = Login(USER, PASSWORD)
    with TlsLiar(host="127.0.0.22", port=465, implicit=True, cert="wildcard", login=login) as g, Relay(
            "Gateway = mail.example.com\nRemote_SMTP_Port = 465\n" + ACCOUNT.replace(certs.HOST, "mail.example.com")) as r:
        mail(r)
        equal(login.accepted, 1, "logins")
        lacks(g.verbs, "STARTTLS")
    with TlsLiar(host="127.0.0.23", port=465) as g, Relay(
            'Gateway = "smtp.example.net:465"\nTLS = required\n' + trust()) as r:
        mail(r)
        contains(g.verbs, "STARTTLS")


need_binary()
main(jobs=3, limit=400)
