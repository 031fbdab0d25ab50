#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Whose certificate is believed (DESIGN 3.6): each kind of certificate, TLS_Verify, TLS_Name, TLS_CA and TLS_Pin."""

import re
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs                                                   # noqa: E402
from lib.tlsgateway import *                                            # noqa: E402,F403

REQUIRED = "TLS = required\n"
UNKNOWN = r"certificate.*signed by a CA that is not known"
NAMED = {           # what must be said
    "expired": r"certificate.*expired 2026-01-03",
    "not yet valid": r"certificate.*not valid before 2040-01-02|certificate.*not yet valid.*2040-01-02|valid.*from 2040-01-02",
    "wrong name": r"certificate.*mail\.example\.net",
    "CN only": r"certificate",
    "address in CN": r"certificate",
    "NUL in name": r"certificate",
    "wrong address": r"certificate.*127\.0\.0\.9",
    "self-signed": r"certificate.*(signed by itself|self-signed|not known)",
    "unknown CA": UNKNOWN,
    "forged": r"certificate.*(not known|signature|signed)",
    "leaf as CA": r"certificate",
    "middle not sent": UNKNOWN,
    "for clients": r"certificate",
    "wildcard": r"certificate",
}


def untouched(g):
    """Nothing but hellos and STARTTLS ever reached the gateway."""
    said = set(g.verbs) - {"EHLO", "HELO", "STARTTLS", "QUIT"}
    equal(said, set(), "said to a gateway that was not to be trusted")
    for one in g.secure:
        equal([v for v in one.verbs if v not in ("EHLO", "STARTTLS", "QUIT")], [], "said in TLS")


def accepted(conf, login=False, **how):
    how.setdefault("login", Login() if login else None)
    with secure_box(conf, **how) as (r, g), r.session() as c:
        c.mail(wanted="250")
        check(g.one() in g.secure[-1].mails, "the mail did not come over TLS")
        event = r.event()
        equal((event["status"], event["tls"]), ("sent", g.secure[-1].version), "status and tls in the log")


def refused(conf, words, login=False, **how):
    """451 4.7.0 whose text, and the log, and the status, hold these words; nothing was told to the gateway."""
    how.setdefault("login", Login() if login else None)
    with secure_box(conf, **how) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>", "451 4.7.0")
        check(re.search(words, got.text.replace("\n", " ")), f"/{words}/ is not in the reply {got}")
        c.cmd("RCPT TO:<c@b.test>", "451")
        c.cmd("DATA", "451")
        untouched(g)
        r.wait_log(words)
        code, out, _err = gatepost("status", "-c", r.conf)
        equal(code, 1, "exit status of status")
        check(re.search(words, out.splitlines()[0]), f"/{words}/ is not in the first line of status, {out!r}")


# --- each certificate, each TLS_Verify ---

BAD_AT_HOST = ("wrong name", "CN only", "address in CN", "NUL in name", "wrong address")
BAD_AT_CA = ("expired", "not yet valid", "self-signed", "unknown CA", "forged", "middle not sent", "leaf as CA", "for clients")
GOOD = ("good", "behind a middle", "root sent too", "rsa root", "ec root", "rsa large root", "ec large root", "rsa middle")


@cases("verify no: {0} is taken", sorted((*BAD_AT_CA, *BAD_AT_HOST, "good", "rsa large root", "wildcard")))
def _(name):
    accepted(REQUIRED + "TLS_Verify = no\n", cert=name)


@cases("verify ca: {0} is taken", ["good", "behind a middle", "rsa root", "wrong name", "CN only", "wildcard"])
def _(name):
    accepted(REQUIRED + trust("ca", name=None), cert=name)


@cases("verify ca: {0} is refused, in words", BAD_AT_CA)
def _(name):
    refused(REQUIRED + trust("ca", name=None), NAMED[name], cert=name)


@cases("verify host, TLS_Name: {0} is taken", (*GOOD, "wildcard", "wrong address"))
def _(name):
    accepted(REQUIRED + trust("host", ca="large root" if "large" in name else "root"), cert=name)


@cases("verify host, the address written in the configuration: {0} is taken", ["good", "rsa root", "wildcard"])
def _(name):
    accepted(REQUIRED + trust("host", name=None), cert=name)


@cases("verify host: {0} is refused, in words", [n for n in (*BAD_AT_CA, *BAD_AT_HOST) if n != "wrong address"])
def _(name):
    refused(REQUIRED + trust("host"), NAMED[name], cert=name)


@cases("verify host: a name in CN alone, or another address ({0}), is refused where the address counts",
       ["CN only", "wrong address", "address in CN", "wrong name"])
def _(name):
    refused(REQUIRED + trust("host", name=None), NAMED[name], cert=name)


@cases("a wildcard and {0}: {1}", [("mail.example.com", True), ("example.com", False), ("a.b.example.com", False),
                                   ("smtp.example.net", False), ("SMTP.EXAMPLE.COM", True)])
def _(name, good):
    if good:
        accepted(REQUIRED + trust("host", name=name), cert="wildcard")
    else:
        refused(REQUIRED + trust("host", name=name), r"certificate.*\*\.example\.com", cert="wildcard")


@case("required alone means host: an unknown CA is refused")
def _():
    refused(REQUIRED, r"certificate.*not known|no CA|CA")


@case("required alone means host: a wrong name is refused")
def _():
    refused(REQUIRED + f'TLS_CA = "{certs.get("root").path}"\n', NAMED["wrong name"], cert="wrong name")


@case("no option at all: what cannot be verified is taken, in TLS")
def _():
    accepted("", cert="self-signed expired")


# --- with a login ---

@cases("a login means required and host: {0} gets no password", ["unknown CA", "expired", "wrong name", "self-signed"])
def _(name):
    refused(account() + trust("host")[len("TLS_Verify = host\n"):], NAMED[name], cert=name, login=True)


@case("a login and a good certificate")
def _():
    accepted(account() + trust("host")[len("TLS_Verify = host\n"):], login=True)


@case("implicit TLS: a login is not told to an unknown CA")
def _():
    refused("TLS = implicit\n" + account() + trust(), UNKNOWN, cert="unknown CA", implicit=True, login=True)


@case("verify ca with a login: the name does not count")
def _():
    accepted(account() + trust("ca", name=None), cert="wrong name", login=True)


# --- pins ---

def pins(*names):
    return "TLS_Pin = ( " + " ".join(f'"{certs.get(n).pin}"' for n in names) + " )\n"


@cases("the gateway's own key is pinned: {0} is enough by itself", [
    "good", "expired", "wrong name", "self-signed", "unknown CA", "not yet valid", "self-signed expired"])
def _(name):
    accepted(REQUIRED + pins(name), cert=name)


@case("the same with the pin in hexadecimal, and of an RSA key")
def _():
    accepted(REQUIRED + f'TLS_Pin = "{certs.get("expired").key.hex_pin}"\n', cert="expired")
    accepted(REQUIRED + f'TLS_Pin = "{certs.get("rsa root").key.hex_pin.upper().replace("SHA256", "sha256")}"\n', cert="rsa root")


@case("a list of pins, one of which is right")
def _():
    accepted(REQUIRED + pins("other root", "self-signed"), cert="self-signed")


@cases("a wrong pin refuses even a good certificate ({0})", ["good", "self-signed"])
def _(name):
    refused(REQUIRED + trust() + pins("other root"), r"TLS_Pin", cert=name)


@case("a wrong pin, verify no: refused all the same")
def _():
    refused(REQUIRED + "TLS_Verify = no\n" + pins("other root"), r"TLS_Pin", cert="good")


@cases("a CA is pinned: {0}, sent with the chain, is the anchor", [("middle", "behind a middle"), ("root", "root sent too")])
def _(pinned, name):
    accepted(REQUIRED + f'TLS_Name = "{certs.HOST}"\n' + pins(pinned), cert=name)


@case("a CA is pinned: the name is verified")
def _():
    refused(REQUIRED + 'TLS_Name = "other.example.com"\n' + pins("middle"), r"certificate.*smtp\.example\.com", cert="behind a middle")


@case("a CA is pinned: it is the only anchor, whatever TLS_CA holds")
def _():
    refused(REQUIRED + trust() + pins("other root"), r"TLS_Pin", cert="behind a middle")


@case("the pinned CA stands in the chain, but has not signed it: refused")
def _():
    evil = certs.Cert(certs.HOST, (certs.HOST,), own=certs.key("evil"), issuer=certs.get("other root"),
                      sent=[certs.get("middle"), certs.get("root")])
    refused(REQUIRED + f'TLS_Name = "{certs.HOST}"\n' + pins("middle"), r"certificate|TLS_Pin", cert=evil)
    refused(REQUIRED + f'TLS_Name = "{certs.HOST}"\n' + pins("root"), r"certificate|TLS_Pin", cert=evil)


@case("the pinned CA's name, another key: refused")
def _():
    evil = certs.Cert(certs.HOST, (certs.HOST,), own=certs.key("evil"), issuer=certs.get("false root"),
                      sent=[certs.get("root")])
    refused(REQUIRED + f'TLS_Name = "{certs.HOST}"\n' + pins("root"), r"certificate|TLS_Pin", cert=evil)


@case("the pinned key stands in the chain, but is not the gateway's: refused")
def _():
    evil = certs.Cert(certs.HOST, (certs.HOST,), own=certs.key("evil"), issuer=certs.get("other root"),
                      sent=[certs.get("self-signed")])
    refused(REQUIRED + f'TLS_Name = "{certs.HOST}"\n' + pins("self-signed"), r"certificate|TLS_Pin", cert=evil)


@case("a pin and a login: the password goes to the pinned key alone")
def _():
    accepted(account() + pins("self-signed"), cert="self-signed", login=True)
    refused(account() + pins("self-signed"), r"TLS_Pin", cert="good", login=True)


# --- CA files ---

@case("a CA file like a system's, of 140 certificates: the one that counts is found")
def _():
    accepted(REQUIRED + trust(ca=certs.many()), cert="behind a middle")
    accepted(REQUIRED + trust(ca=certs.many()), cert="rsa root")


@case("a CA file of 140 certificates: an unknown CA is refused")
def _():
    refused(REQUIRED + trust(ca=certs.many()), UNKNOWN, cert="unknown CA")


@case("two CAs of one name in the file: the one that signed is taken")
def _():
    both = certs.bundle("both.pem", [certs.get("false root"), certs.get("root")])
    accepted(REQUIRED + trust(ca=both), cert="good")
    accepted(REQUIRED + trust(ca=both), cert="forged")


@case("a certificate signed by itself, named in TLS_CA, is believed")
def _():
    accepted(REQUIRED + trust(ca="self-signed"), cert="self-signed")


@case("a certificate signed by itself, named in TLS_CA, with another name: refused")
def _():
    refused(REQUIRED + trust(ca="self-signed", name="other.example.com"), r"certificate.*smtp\.example\.com", cert="self-signed")


@case("an intermediate, named in TLS_CA, is an anchor")
def _():
    accepted(REQUIRED + trust(ca="middle"), cert="behind a middle")


@case("a leaf, named in TLS_CA, is no CA for others")
def _():
    refused(REQUIRED + trust(ca="good"), r"certificate", cert="leaf as CA")


@case("texts and other PEM objects in the CA file are passed over")
def _():
    with open(certs.get("root").key.path, encoding="ascii") as file:
        other = file.read()
    path = certs.bundle("texts.pem", [])
    with open(certs.get("root").path, encoding="ascii") as root, open(path, "w", encoding="ascii") as file:
        file.write("# Test Root\n\n" + other + "some words\r\n" + root.read().replace("\n", "\r\n") + "trailing words")
    accepted(REQUIRED + trust(ca=path), cert="good")


@case("a chain of 100 certificates: the arena bounds it, the next gateway is as good as ever")
def _():
    with TlsLiar(cert="chain of 100") as long, TlsLiar(cert="good") as good, \
            Relay(f'Routes = ( "smtp://{long.at}" "smtp://{good.at}" )\n' + REQUIRED + trust()) as r:
        for _ in range(3):
            with r.session() as c:
                c.mail(wanted="250")
        equal(len(good.mails) + len(long.mails), 3, "mails")


# --- keys and versions ---

@cases("{0} certificate, TLS {1}", [(k, v) for k in ("rsa", "ec") for v in ("1.2", "1.3")])
def _(kind, version):
    accepted(REQUIRED + trust(), cert=f"{kind} middle", versions=(version,))


@case("another certificate at the next connection is looked at, though the session could be resumed")
def _():
    good, bad = (context(certs.get(n)) for n in ("good", "unknown CA"))
    with secure_box("Max_Deliveries_Per_Connection = 1\n" + REQUIRED + trust(), contexts=[good, bad]) as (r, g), r.session() as c:
        c.mail(wanted="250")
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "451 4.7.0")
        equal(len(g.mails), 1, "mails")


@case("a repaired certificate is believed after a reload")
def _():
    bad, good = (context(certs.get(n)) for n in ("expired", "good"))
    with secure_box(REQUIRED + trust(), contexts=[bad, good], mortal=True) as (r, g):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "451 4.7.0")
        r.reload()
        wait_for(lambda: r.gateway_state() not in (None, "down"), 60, "the gateway up")
        with r.session() as c:
            c.mail(wanted="250")
        equal(len(g.mails), 1, "mails")


need_binary()
main(jobs=4, limit=400)
