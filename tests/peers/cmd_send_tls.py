#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost send over TLS and with a login: what it says of them, and never of secrets (DESIGN 2, 3.6, 4)."""

import base64
import os
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs                                                   # noqa: E402
from lib.endpoint import ACCOUNT, Endpoint, TokenLogin                  # noqa: E402
from lib.gateways import BOX                                            # noqa: E402
from lib.secure_gateways import PASSWORD as REAL_PASSWORD, USER as REAL_USER, SecurePostfix  # noqa: E402
from lib.tlsgateway import PASSWORD, USER, Login, TlsLiar, account, trust  # noqa: E402

OK, UNAVAILABLE, TEMPFAIL, PROTOCOL, NOPERM, CONFIG = 0, 69, 75, 76, 77, 78


def send(conf, *words):
    with Files() as f:
        user = "User = nobody\n" if os.geteuid() == 0 else ""
        path = f.put("gatepost.conf", f'Hostname = box.test\nControl_Socket = "{f.dir}/c"\n{user}{conf}')
        return gatepost("send", "-c", path, *words)


def verbs(liar):
    """What was said over all connections."""
    return [v for c in liar.conns for v in c.verbs]


def no_secrets(text, *secrets):
    """No secret stands in the text, neither as it is nor in base64, wherever in it it begins."""
    for secret in secrets:
        octets = secret.encode()
        lacks(text, secret)
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + octets)[(before * 4 + 2) // 3:]
            lacks(text, whole[:len(whole) // 4 * 4 - 4].decode())


@cases("a login by {0} over TLS", [(m,) for m in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256")])
def _(mechanism):
    with TlsLiar(login=Login(mechanisms=mechanism, only_tls=True)) as g:
        equal(send(g.conf() + trust() + account(), "you@b.test"),
              (OK, f"accepted by gateway {g.at}: 250 2.0.0 queued as 4711\n", ""))
        equal([t[:3] for t in g.login.tries], [(mechanism, True, True)])
        equal(verbs(g), ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".", "QUIT"])


@cases("auto takes the strongest of {0}: {1}", [
    ("PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", "SCRAM-SHA-256"), ("LOGIN PLAIN CRAM-MD5", "CRAM-MD5"),
    ("NTLM LOGIN PLAIN", "PLAIN"), ("GSSAPI LOGIN XOAUTH2", "LOGIN")])
def _(offered, taken):
    with TlsLiar(login=Login(mechanisms=offered)) as g:
        equal(send(g.conf() + trust() + account(), "you@b.test")[0], OK, "exit")
        equal([t[0] for t in g.login.tries], [taken])


@cases("the list of mechanisms as {0!r} (C36)", [("AUTH={}",), ("AUTH={}\nAUTH {}",), ("AUTH {}\nAUTH={}",), ("auth {}",)])
def _(form):
    form = form if form.count("{}") == 1 else form.replace("AUTH {}", "AUTH NTLM")
    with TlsLiar(login=Login(mechanisms="LOGIN PLAIN", form=form)) as g:
        equal(send(g.conf() + trust() + account(), "you@b.test")[0], OK, "exit")
        equal([t[0] for t in g.login.tries], ["PLAIN"])


@case("TLS from the first octet")
def _():
    with TlsLiar(implicit=True, login=Login()) as g:
        equal(send(g.conf() + "TLS = implicit\n" + trust() + account(), "you@b.test")[0], OK, "exit")
        equal(verbs(g)[:3], ["EHLO", "AUTH", "MAIL"])


@cases("-v with {0}: the dialogue without secrets", [
    (m,) for m in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256")])
def _(mechanism):
    with TlsLiar(login=Login(mechanisms=mechanism)) as g:
        code, out, err = send(g.conf() + trust() + account(kind=mechanism), "-v", "you@b.test")
        equal((code, err), (OK, ""), f"exit, stderr ({out})")
        rows = out.splitlines()
        for row in ("> STARTTLS", "* TLSv1.3; its certificate is verified", f"* logged in as {USER} ({mechanism})",
                    f"> AUTH {mechanism}" + ("" if mechanism in ("LOGIN", "CRAM-MD5") else " ***"), "< 235 2.7.0 ok"):
            check(row in rows, f"no {row!r} in {out}")
        no_secrets(out, PASSWORD, f"\0{PASSWORD}")
        equal([r for r in rows if r.startswith("> ") and r.endswith("=")], [], "base64 that was sent")


def token_conf(gateway, endpoint, **more):
    return gateway.conf() + 'TLS_Verify = host\n' + endpoint.conf(**more)


@cases("a token of OAuth 2.0 from {0}: fetched, used, shown nowhere", ["microsoft", "google", "once"])
def _(dialect):
    with Endpoint(dialect) as e, Files() as files:
        first = e.new_refresh()
        with TlsLiar(login=TokenLogin(e, only_tls=True)) as g:
            conf = files.put("gatepost.conf", f'Hostname = box.test\nControl_Socket = "{files.dir}/c"\n'
                             + token_conf(g, e, refresh=first))
            code, out, err = gatepost("send", "-c", conf, "-v", "you@b.test")
            equal((code, err), (OK, ""), f"exit, stderr ({out})")
            contains(out, f"* logged in as {ACCOUNT} (XOAUTH2)")
            contains(out, "> AUTH XOAUTH2 ***\n< 235 ")
            equal(g.login.seen, e.access, "tokens at the gateway")
            no_secrets(out, first, *e.access)
            code, out, _ = gatepost("send", "-c", conf, "you@b.test")
            equal(code, OK, f"exit of the second: what the provider gave in its place is kept ({out})")


@case("-v with XOAUTH2 refused: the 334 and the 535 are shown, the token is not")
def _():
    with Endpoint() as e:
        login = TokenLogin(e, user="somebody@else.example")
        with TlsLiar(login=login) as g:
            code, out, _ = send(token_conf(g, e, refresh=e.new_refresh()), "-v", "you@b.test")
            equal(code, NOPERM, f"exit ({out})")
            contains(out, "> AUTH XOAUTH2 ***\n< 334 ")
            contains(out, "535 5.7.8")
            no_secrets(out, *e.access, *e.given)


@cases("no token: {0}", [
    ("its refresh token is refused", "REFRESH.revoked", NOPERM, "gatepost login"),
    ("there was no login yet", None, NOPERM, "gatepost login")])
def _(_name, refresh, wanted, words):
    with Endpoint() as e, TlsLiar(login=TokenLogin(e)) as g:
        code, out, _ = send(token_conf(g, e, refresh=refresh), "you@b.test")
        equal((code, g.login.tries), (wanted, []), f"exit, logins ({out})")
        contains(out, words)


@case("no token: the provider cannot be verified, or is not there")
def _():
    with Endpoint(cert="unknown CA") as e, TlsLiar(login=TokenLogin(e)) as g:
        code, out, _ = send(token_conf(g, e, refresh="x"), "you@b.test")
        equal((code, g.login.tries, e.requests), (TEMPFAIL, [], []), f"exit, logins, requests ({out})")
        contains(out, "no token for the login")


@cases("its certificate: {0}", [
    ("expired", "expired 2026-01-03"), ("wrong name", "mail.example.net"), ("unknown CA", "CA"),
    ("self-signed", "signed by itself"), ("not yet valid", "2040-01-02"), ("NUL in name", "certificate")])
def _(cert, words):
    with TlsLiar(cert=cert, login=Login()) as g:
        code, out, err = send(g.conf() + trust() + account(), "you@b.test")
        equal((code, err), (PROTOCOL, ""), f"exit, stderr ({out})")
        check(out.startswith(f"gateway {g.at} failed: "), out)
        contains(out.splitlines()[0], words)
        for option in ("TLS_Name", "TLS_CA", "TLS_Pin"):
            contains(out, option)
        equal((g.login.tries, [v for v in verbs(g) if v == "MAIL"]), ([], []), "what was said to it")


@case("TLS_Verify = no and TLS_Verify = ca: said with -v")
def _():
    with TlsLiar(cert="wrong name") as g:
        code, out, _ = send(g.conf() + "TLS = required\n" + trust("no"), "-v", "you@b.test")
        equal(code, OK, f"exit ({out})")
        contains(out, "certificate is not verified (TLS_Verify = no)")
        code, out, _ = send(g.conf() + "TLS = required\n" + trust("ca"), "-v", "you@b.test")
        equal(code, OK, f"exit ({out})")
        contains(out, "but not the name in it (TLS_Verify = ca)")


@case("TLS_Pin: its key is enough, another key is refused")
def _():
    with TlsLiar(cert="self-signed expired", login=Login()) as g:
        pin = certs.get("self-signed expired").pin
        code, out, _ = send(g.conf() + f'TLS_Pin = "{pin}"\n' + account(), "-v", "you@b.test")
        equal(code, OK, f"exit ({out})")
        contains(out, "its key is one of TLS_Pin")
        code, out, _ = send(g.conf() + f'TLS_Pin = "{certs.get("good").pin}"\n' + account(), "you@b.test")
        equal((code, len(g.login.tries)), (PROTOCOL, 1), f"exit, logins ({out})")


@cases("no TLS: {0}", [
    ("not offered", {"EXTENSIONS": ("STARTTLSX",)}, "offers no TLS"),
    ("EHLO refused", {"EHLO": "502 5.5.1 what?"}, "offers no TLS"),
    ("STARTTLS refused", {"STARTTLS": "454 4.7.0 no certificate"}, "454 4.7.0 no certificate")])
def _(_name, script, words):
    with TlsLiar(script, login=Login()) as g:
        code, out, _ = send(g.conf() + trust() + account(), "you@b.test")
        equal(code, PROTOCOL, f"exit ({out})")
        contains(out, words)
        contains(out, "465")
        equal((g.login.tries, "MAIL" in verbs(g)), ([], False), "what was said to it")


@case("a reply behind the 220 to STARTTLS is not believed")
def _():
    with TlsLiar({"STARTTLS": b"220 go\r\n250-gw.test\r\n250 AUTH PLAIN\r\n"}, login=Login()) as g:
        code, out, _ = send(g.conf() + trust() + account(), "you@b.test")
        equal((code, g.login.tries), (TEMPFAIL, []), f"exit, logins ({out})")
        contains(out, "nobody asked for")


@cases("TLS = ifavailable, and the handshake fails ({0}): in clear, on a second connection", [
    ("no certificate to believe", {}, {"cert": "expired"}, trust()), ("closed", {"TLS": CLOSE}, {}, ""),
    ("nonsense", {"TLS": b"what?\r\n"}, {}, "")])
def _(_name, script, how, more):
    with TlsLiar(script, **how) as g:
        code, out, _ = send(g.conf() + "TLS = ifavailable\n" + more, "you@b.test")
        equal((code, len(out.splitlines())), (OK, 2), f"exit, lines ({out})")
        contains(out.splitlines()[0], "TLS is optional, so it is tried without")
        equal([c.verbs[:2] for c in g.conns], [["EHLO", "STARTTLS"], ["EHLO", "MAIL"]])


@case("TLS = ifavailable, and STARTTLS is refused: in clear, on the same connection")
def _():
    with TlsLiar({"STARTTLS": "454 4.7.0 not now"}) as g:
        equal(send(g.conf() + "TLS = ifavailable\n", "you@b.test")[0], OK, "exit")
        equal(verbs(g)[:3], ["EHLO", "STARTTLS", "MAIL"])


@cases("no login leaves in clear: {0}", [
    ("STARTTLS refused", {"STARTTLS": "454 4.7.0 not now"}, {}, "not encrypted"),
    ("the handshake fails", {"TLS": CLOSE}, {}, "not encrypted"),
    ("its certificate is refused", {}, {"cert": "expired"}, "certificate was refused")])
def _(_name, script, how, words):
    allow = "Outbound_SMTP_AUTH_Allow_Plaintext = true\n"
    with TlsLiar(script, login=Login(), **how) as g:
        conf = g.conf() + "TLS = ifavailable\n" + trust() + account()
        code, out, _ = send(conf + (allow if how else ""), "you@b.test")
        equal((code, g.login.tries), (PROTOCOL, []), f"exit, logins ({out})")
        contains(out, words)


@case("a login in clear where that is allowed")
def _():
    with TlsLiar({"EXTENSIONS": ("STARTTLSX",)}, login=Login()) as g:
        code, out, _ = send(g.conf() + "TLS = no\nOutbound_SMTP_AUTH_Allow_Plaintext = true\n" + account(), "you@b.test")
        equal((code, [t[:3] for t in g.login.tries]), (OK, [("SCRAM-SHA-256", True, False)]), f"exit, logins ({out})")


@case("the login is refused: exit 77, its words, what would be right; one try at one of its addresses")
def _():
    with TlsLiar(login=Login(password="another")) as g:
        conf = f'Gateway = "localhost:{g.port}"\n'
        code, out, _ = send(conf + trust() + account(), "you@b.test")
        equal(code, NOPERM, f"exit ({out})")
        equal(out.splitlines()[0],
              f"gateway localhost:{g.port} refuses the login: 535 5.7.8 authentication credentials invalid")
        contains(out, "Outbound_SMTP_AUTH_Pass")
        equal(len(g.login.tries), 1, "tries")
        no_secrets(out, PASSWORD)


@cases("{0}: exit {2}", [
    ("a login put off", Login(refuse="454 4.7.0 later"), TEMPFAIL, "takes no login just now: 454 4.7.0 later"),
    ("no login offered", None, PROTOCOL, "offers no login"),
    ("none of ours", Login(mechanisms="NTLM GSSAPI"), PROTOCOL, "no login with a password"),
    ("a token alone", Login(mechanisms="XOAUTH2"), PROTOCOL, "no login with a password that this box knows; it offers XOAUTH2"),
    ("a wrong proof", Login(mechanisms="SCRAM-SHA-256", scram="proof"), PROTOCOL, "does not prove"),
    ("no proof", Login(mechanisms="SCRAM-SHA-256", scram="no proof"), PROTOCOL, "prove"),
    ("a foreign nonce", Login(mechanisms="SCRAM-SHA-256", scram="nonce"), PROTOCOL, "does not belong"),
    ("too many rounds", Login(mechanisms="SCRAM-SHA-256", scram="many rounds"), PROTOCOL, "count of rounds"),
    ("the proof in the 235", Login(mechanisms="SCRAM-SHA-256", scram="in 235"), OK, "accepted"),
    ("prompts without words", Login(mechanisms="LOGIN", prompts=("", "")), OK, "accepted"),
    ("prompts of another kind", Login(mechanisms="LOGIN", prompts=("dXNlcg==", "cGFzcw==")), OK, "accepted"),
    ("prompts that are no base64", Login(mechanisms="LOGIN", prompts=("User:", "?")), OK, "accepted")])
def _(_name, login, wanted, words):
    with TlsLiar(login=login) as g:
        code, out, err = send(g.conf() + trust() + account(), "you@b.test")
        equal((code, err), (wanted, ""), f"exit, stderr ({out})")
        contains(out, words)
        no_secrets(out, PASSWORD)


@case("Outbound_SMTP_AUTH_Type that is not offered: what is")
def _():
    with TlsLiar(login=Login(mechanisms="PLAIN LOGIN")) as g:
        code, out, _ = send(g.conf() + trust() + account(kind="CRAM-MD5"), "you@b.test")
        equal((code, g.login.tries), (PROTOCOL, []), f"exit, logins ({out})")
        contains(out, "it offers PLAIN LOGIN")


@case("a long password is written whole")
def _():
    long = "x" * 900
    for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
        with TlsLiar(login=Login(password=long, mechanisms=mechanism)) as g:
            code, out, _ = send(g.conf() + trust() + account(password=long), "-v", "you@b.test")
            equal(code, OK, f"exit of {mechanism} ({out})")
            lacks(out, "eHh4")


@case("Routes: where one refuses the login, the next one is tried")
def _():
    with TlsLiar(login=Login(password="another")) as g, TlsLiar(login=Login()) as h:
        code, out, _ = send(f'Routes = ( "{g.at}" "{h.at}" )\n' + trust() + account(), "you@b.test")
        equal(code, OK, f"exit ({out})")
        contains(out, f"gateway {g.at} refuses the login: 535 ")
        contains(out, f"accepted by gateway {h.at}: ")


@case("530 to MAIL: a login is missing, in its words")
def _():
    with TlsLiar({"MAIL": "530 5.7.0 login first"}) as g:
        code, out, _ = send(g.conf() + "TLS = required\n" + trust(), "you@b.test")
        equal(code, TEMPFAIL, f"exit ({out})")
        contains(out, "530 5.7.0 login first")


@cases("a real one: {0}, {1}", [
    ("Postfix", m) for m in ("auto", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256")] + [
    ("Postfix on the TLS port", "auto")])
def _(which, mechanism):
    implicit = "port" in which
    with SecurePostfix(implicit) as g:
        conf = g.conf() + ("TLS = implicit\n" if implicit else "") + account(REAL_USER, REAL_PASSWORD, mechanism) + trust()
        code, out, err = send(conf, "-v", "-s", "by way of send", BOX)
        equal((code, err), (OK, ""), f"exit, stderr ({out})")
        contains(g.find(b"Subject: by way of send"), b"This is a test mail")
        no_secrets(out, REAL_PASSWORD)
        code, out, _ = send(conf.replace("Pa55", "Pa66"), BOX)
        equal(code, NOPERM, f"exit with a wrong password ({out})")
        contains(out, "refuses the login: 535 ")


need_binary()
main()
