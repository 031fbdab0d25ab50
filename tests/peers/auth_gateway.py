#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Logins at the gateway: which mechanism, when, how often, and what a refusal does (DESIGN 2 and 3.6, CASES C36)."""

import base64
import os
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib.tlsgateway import *                                            # noqa: E402,F403

TRUST = trust().replace("TLS_Verify = host\n", "")      # a login means host
ACCOUNT = account() + TRUST
ALL = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256"
REFUSED = "535 5.7.8 Error: authentication failed, the password is wrong"


def no_mail(r, wanted="451 4.7.0", words=""):
    with r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>", wanted)
        check(re.search(words, got.text.replace("\n", " "), re.I), f"/{words}/ is not in {got}")


def mail(r, *recipients):
    with r.session() as c:
        c.mail(wanted="250", **({"recipients": recipients} if recipients else {}))
        c.cmd("QUIT", "221")


def used(login):
    return [t[0] for t in login.tries]


def status_line(r):
    code, out, _err = gatepost("status", "-c", r.conf)
    return code, out.splitlines()[0]


# --- mechanisms ---

@cases("{0}, asked for by name", ALL.split())
def _(name):
    login = Login()
    with secure_box(account(kind=name) + TRUST, login=login) as (r, g):
        mail(r)
        equal(login.tries[0][:3], (name, True, True), "mechanism, right, in TLS")
        equal(g.verbs.count("AUTH"), 1, "AUTH commands")
        check(r.event().get("auth", "") not in ("", "no", "-"), f"auth is not in the log line: {r.event()}")


@cases("auto: of {0} it takes {1}", [
    (ALL, "SCRAM-SHA-256"), ("PLAIN LOGIN CRAM-MD5", "CRAM-MD5"), ("LOGIN PLAIN", "PLAIN"), ("LOGIN", "LOGIN"),
    ("XOAUTH2 LOGIN PLAIN", "PLAIN"), ("NTLM GSSAPI LOGIN", "LOGIN"), ("plain login", "PLAIN"),
    ("SCRAM-SHA-1 SCRAM-SHA-256-PLUS SCRAM-SHA-512 PLAIN", "PLAIN"), ("XPLAIN PLAIN-X LOGIN", "LOGIN")])
def _(offered, wanted):
    login = Login(mechanisms=offered)
    with secure_box(ACCOUNT, login=login) as (r, _g):
        mail(r)
        equal(used(login), [wanted], "mechanisms")


FORMS = {
    "AUTH=LOGIN PLAIN, then AUTH PLAIN LOGIN XOAUTH2": ("AUTH=LOGIN PLAIN", "AUTH PLAIN LOGIN XOAUTH2"),
    "the other order": ("AUTH PLAIN LOGIN XOAUTH2", "AUTH=LOGIN PLAIN"),
    "only AUTH=LOGIN PLAIN": ("AUTH=LOGIN PLAIN",),
    "one in each form": ("AUTH=LOGIN", "AUTH PLAIN"),
    "the same twice": ("AUTH PLAIN", "AUTH PLAIN"),
    "blanks": ("AUTH   PLAIN   LOGIN ",),
    "lower case": ("auth plain login",),
    "AUTH alone, then a list": ("AUTH", "AUTH PLAIN"),
    "AUTH= with blanks": ("AUTH= LOGIN PLAIN",),
    "a long list": ("AUTH " + " ".join(f"X-MECHANISM-{n}" for n in range(15)) + " PLAIN",),
}


@cases("C36: {0}: the union counts, one mechanism is picked", FORMS)
def _(name):
    login = Login(mechanisms="PLAIN LOGIN")
    with secure_box(ACCOUNT, login=login, EXTENSIONS_TLS=[*EXTENSIONS, *FORMS[name]]) as (r, g):
        mail(r)
        equal(used(login), ["PLAIN"], "mechanisms")
        g.one()


@case("C36: AUTH is picked out of AUTH=LOGIN and AUTH PLAIN where LOGIN is asked for by name")
def _():
    login = Login(mechanisms="PLAIN LOGIN")
    with secure_box(account(kind="LOGIN") + TRUST, login=login, EXTENSIONS_TLS=["AUTH=LOGIN", "AUTH PLAIN"]) as (r, _g):
        mail(r)
        equal(used(login), ["LOGIN"], "mechanisms")


@cases("nothing of ours is offered ({0}): 451 4.7.0 in words, no MAIL", ["AUTH NTLM GSSAPI", "AUTH", "X-NOTHING"])
def _(row):
    with secure_box(ACCOUNT, EXTENSIONS_TLS=[row]) as (r, g):
        no_mail(r, words="login|AUTH")
        lacks(g.verbs, "AUTH")
        lacks(g.verbs, "MAIL")


@case("the one asked for by name is not offered: 451 4.7.0, and no other is taken")
def _():
    login = Login(mechanisms="PLAIN LOGIN")
    with secure_box(account(kind="SCRAM-SHA-256") + TRUST, login=login) as (r, g):
        no_mail(r, words="SCRAM-SHA-256")
        lacks(g.verbs, "MAIL")
        equal([t for t in used(login) if t != "SCRAM-SHA-256"], [], "other mechanisms")


@case("AUTH is offered after TLS only")
def _():
    login = Login(only_tls=True)
    with secure_box(ACCOUNT, login=login) as (r, _g):
        mail(r)
        equal(login.accepted, 1, "logins")


@case("AUTH is offered before TLS only: what was said in clear does not count")
def _():
    with secure_box(ACCOUNT, EXTENSIONS=["STARTTLS", "AUTH PLAIN LOGIN"], EXTENSIONS_TLS=["SIZE 1000000"]) as (r, g):
        no_mail(r, words="login|AUTH")
        lacks(g.verbs, "AUTH")


@cases("names and passwords with everything in them, {0}", ALL.split())
def _(name):
    user, password = "a,b=c,=2C@example.com", 'p=,"\\ \u20ac\u00e4 x' + "y" * 200
    login = Login(user=user, password=password)
    with secure_box(account(user, password, name) + TRUST, login=login) as (r, _g):
        mail(r)
        equal(login.tries[0][:2], (name, True), "mechanism, right")


@cases("a password of 5,000 octets, {0}", ["PLAIN", "LOGIN", "CRAM-MD5"])
def _(name):
    login = Login(password="z" * 5000)
    with secure_box(account(password="z" * 5000, kind=name) + TRUST, login=login) as (r, _g):
        mail(r)
        equal(login.tries[0][:2], (name, True), "mechanism, right")


@cases("LOGIN with other prompts: {0}, {1}", [("VXNlciBOYW1lAA==", "UGFzc3dvcmQA"), ("dXNlcm5hbWU6", "cGFzc3dvcmQ6"), ("", "")])
def _(first, second):
    login = Login(mechanisms="LOGIN", prompts=(first, second))
    with secure_box(ACCOUNT, login=login) as (r, _g):
        mail(r)
        equal(login.accepted, 1, "logins")


# --- SCRAM ---

@case("SCRAM: the server's proof within 235 is taken")
def _():
    login = Login(scram="in 235")
    with secure_box(account(kind="SCRAM-SHA-256") + TRUST, login=login) as (r, g):
        mail(r)
        g.one()


@cases("SCRAM: {0}: not believed, 451 4.7.0, no MAIL", ["proof", "no proof", "nonce", "error", "many rounds"])
def _(wrong):
    login = Login(scram=wrong)
    with secure_box(account(kind="SCRAM-SHA-256") + TRUST, login=login) as (r, g):
        no_mail(r)
        lacks(g.verbs, "MAIL")
        code, line = status_line(r)
        equal(code, 1, f"exit of status, which said {line!r}")


@case("SCRAM is not replaced by a weaker one where its proof is wrong")
def _():
    login = Login(scram="proof")
    with secure_box(ACCOUNT, login=login) as (r, g):
        no_mail(r)
        asked = [ln for ln in g.lines if ln.startswith(b"AUTH")]
        check(asked and all(ln.startswith(b"AUTH SCRAM-SHA-256") for ln in asked), f"mechanisms: {asked}")
        lacks(g.verbs, "MAIL")


@cases("{0}: nonsense in place of a challenge: {1}", [
    (m, c) for m in ("CRAM-MD5", "SCRAM-SHA-256", "LOGIN")
    for c in ("334 !!!not base64", "334-a\n334 b", "250 ok", "354 go", "199 x")])
def _(name, reply):
    raw = reply.replace("\n", "\r\n").encode() + b"\r\n" if "\n" in reply else reply
    with secure_box(account(kind=name) + TRUST, EXTENSIONS_TLS=["AUTH " + ALL], AUTH=raw, OTHER="535 5.7.8 no") as (r, g):
        no_mail(r, "451")
        lacks(g.verbs, "MAIL")


@case("a dialogue without end: bounded, 451")
def _():
    def forever(conn, _line):
        for rounds in range(1000):
            conn.write(b"334 VXNlcm5hbWU6\r\n")
            conn.answer()
            seen.append(rounds)
    seen = []
    with secure_box(account(kind="LOGIN") + TRUST, EXTENSIONS_TLS=["AUTH LOGIN"], AUTH=forever) as (r, g):
        no_mail(r, "451")
        lacks(g.verbs, "MAIL")
        check(len(seen) <= 8, f"{len(seen)} rounds")


# --- nothing in clear ---

@case("STARTTLS is missing from the list: no password, 451 4.7.0")
def _():
    login = Login()
    with secure_box(ACCOUNT, login=login, EHLO="250 gw.test\nAUTH PLAIN LOGIN CRAM-MD5") as (r, g):
        no_mail(r, words="TLS")
        lacks(g.verbs, "AUTH")
        lacks(g.verbs, "MAIL")


@cases("ifavailable with a login: {0}: no password in clear", [
    ("not offered", {"EHLO": "250 gw.test\nAUTH PLAIN"}), ("refused", {"STARTTLS": "454 4.7.0 no"}),
    ("the handshake fails", {"TLS": CLOSE})])
def _(_name, script):
    login = Login()
    with secure_box("TLS = ifavailable\n" + ACCOUNT, login=login, **script) as (r, g):
        no_mail(r)
        lacks(g.verbs, "AUTH")
        lacks(g.verbs, "MAIL")


@case("TLS = no with a login is a load error that names the way out")
def _():
    with Files() as f:
        path = f.put("gatepost.conf", 'Gateway = "gw.test"\nTLS = no\n' + account())
        code, _out, err = gatepost("check", "-c", path)
        equal(code, 78, "exit status")
        contains(err, "Outbound_SMTP_AUTH_Allow_Plaintext")


@cases("Allow_Plaintext, {0}, STARTTLS not offered: the login goes in clear", ["TLS = no\n", "TLS = ifavailable\n"])
def _(conf):
    login = Login(mechanisms="PLAIN LOGIN")
    with TlsLiar(login=login, EHLO="250 gw.test\nAUTH PLAIN LOGIN") as g, Relay(
            g.conf() + conf + account() + "Outbound_SMTP_AUTH_Allow_Plaintext = true\n") as r:
        mail(r)
        equal(login.tries[0][:3], ("PLAIN", True, False), "mechanism, right, in TLS")


@case("Allow_Plaintext does not send in clear where TLS is there")
def _():
    login = Login()
    with secure_box("TLS = ifavailable\nOutbound_SMTP_AUTH_Allow_Plaintext = true\n" + ACCOUNT, login=login) as (r, _g):
        mail(r)
        equal({t[2] for t in login.tries}, {True}, "in TLS")


# --- refused ---

@cases("{0} to AUTH: 451 4.7.0 with the gateway's words, and mail after mail costs no further try", [
    REFUSED, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant",
    "534 5.7.9 Application-specific password required", "530 5.7.0 Must issue a STARTTLS command first",
    "538 5.7.11 Encryption required", "550 5.7.30 Basic authentication is not supported", "500 5.5.1 what?"])
def _(reply):
    login = Login(refuse=reply)
    with secure_box(ACCOUNT, login=login) as (r, g):
        words = re.escape(reply.split(" ", 2)[2])
        end = time.monotonic() + 6
        mails = 0
        while time.monotonic() < end:
            no_mail(r, words=words)
            mails += 1
            time.sleep(0.1)
        check(mails > 20, f"only {mails} mails in 6 s")
        equal(len(login.tries), 1, f"logins tried while {mails} mails were offered")
        lacks(g.verbs, "MAIL")
        code, line = status_line(r)
        equal(code, 1, "exit of status")
        check(re.search(r"refuses the login since .*\(" + reply[:3], line), f"status says {line!r}")


@case("twenty clients at once, a login that is refused: one try")
def _():
    login = Login(refuse=(0.3, REFUSED))
    with secure_box("Max_Outbound_Connections = 10\n" + ACCOUNT, login=login) as (r, _g):
        clients = [r.session() for _ in range(20)]
        for c in clients:
            c.send("MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n")
        for c in clients:
            c.reply("250")
            c.reply("451 4.7.0")
            c.close()
        time.sleep(0.5)
        check(len(login.tries) <= 2, f"{len(login.tries)} tries")
        equal(len(login.tries), 1, "tries")


@case("a refused login is tried again at once after SIGHUP, and the gateway is good again")
def _():
    login = Login(refuse=[REFUSED, "235 2.7.0 ok"])
    with secure_box(ACCOUNT, login=login, mortal=True) as (r, g):
        no_mail(r)
        no_mail(r)
        equal(len(login.tries), 1, "tries before")
        r.reload()
        wait_for(lambda: r.status()["state"] == "working", 60, "a working gateway")
        mail(r)
        g.one()
        check(len(login.tries) <= 3, f"{len(login.tries)} tries")


@case("a refused login is tried again at once after gatepost send")
def _():
    login = Login(refuse=[REFUSED, "235 2.7.0 ok"])
    with secure_box(ACCOUNT, login=login) as (r, g):
        no_mail(r)
        code, out, err = gatepost("send", "-c", r.conf, "b@b.test")
        equal(code, 0, f"exit of send, which said {out!r}, {err!r}")
        wait_for(lambda: r.status()["state"] == "working", 60, "a working gateway")
        mail(r)
        equal(len(g.mails), 2, "mails")


@case("gatepost send tells the refusal of the login, and is one try")
def _():
    login = Login(refuse=REFUSED)
    with secure_box(ACCOUNT, login=login) as (r, _g):
        no_mail(r)
        code, out, err = gatepost("send", "-c", r.conf, "b@b.test")
        check(code != 0, "exit 0")
        contains(out + err, "the password is wrong")
        time.sleep(1.5)
        check(len(login.tries) <= 3, f"{len(login.tries)} tries")


@case("454 to AUTH is ordinary trouble: 451, probed within seconds, good again by itself")
def _():
    login = Login(refuse=["454 4.7.0 Temporary authentication failure", "235 2.7.0 ok"])
    with secure_box(ACCOUNT, login=login) as (r, g):
        no_mail(r, words="Temporary authentication failure")
        wait_for(lambda: r.status()["state"] == "working", 60, "a working gateway")
        mail(r)
        g.one()


@cases("{0} at AUTH is ordinary trouble", [("421", "421 4.7.0 try later"), ("a close", CLOSE), ("432", "432 4.7.12 no")])
def _(_name, act):
    login = Login(refuse=[act, "235 2.7.0 ok"])
    with secure_box(ACCOUNT, login=login) as (r, g):
        no_mail(r, "451")
        wait_for(lambda: r.status()["state"] == "working", 60, "a working gateway")
        mail(r)
        g.one()


@case("530 to MAIL: a login is missing; the gateway is not down, the next mail asks again")
def _():
    with secure_box("TLS_Verify = no\n", MAIL=["530 5.7.57 Client not authenticated to send mail", "250 ok"]) as (r, g):
        no_mail(r, words="Client not authenticated")
        check(r.gateway_state() != "down", "the gateway is down")
        mail(r)
        g.one()


@case("a login that works, then is refused (the password was changed): 451 in words, then quiet")
def _():
    login = Login(refuse=["235 2.7.0 ok", REFUSED])
    with secure_box("Max_Deliveries_Per_Connection = 1\n" + ACCOUNT, login=login) as (r, g):
        mail(r)
        for _ in range(5):
            no_mail(r, words="the password is wrong")
        equal(len(login.tries), 2, "tries")
        g.one()


@case("a new password in the configuration counts after SIGHUP")
def _():
    login = Login(password="new")
    with secure_box(account(password="old") + TRUST, login=login, mortal=True) as (r, g):
        no_mail(r)
        r.reload(g.conf() + account(password="new") + TRUST)
        wait_for(lambda: r.status()["state"] == "working", 60, "a working gateway")
        mail(r)
        equal([t[1] for t in login.tries][:2], [False, True], "right")


@case("the other gateway of the list takes the mail while the first refuses the login")
def _():
    bad, good = Login(refuse=REFUSED), Login()
    with TlsLiar(login=bad) as a, TlsLiar(login=good) as b, Relay(
            f'Routes = ( "smtp://{a.at}" "smtp://{b.at}" )\n' + ACCOUNT) as r:
        for _ in range(3):
            mail(r)
        equal((len(bad.tries), len(b.mails)), (1, 3), "tries at the first, mails at the second")


# --- the session ---

@case("no EHLO after AUTH; AUTH is awaited before MAIL")
def _():
    login = Login(mechanisms="PLAIN", refuse=(0.3, "235 2.7.0 ok"))
    with secure_box(ACCOUNT, login=login) as (r, g):
        mail(r)
        equal(g.verbs[:5], ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"])


@case("a kept connection is not logged in again")
def _():
    login = Login()
    with secure_box(ACCOUNT, login=login) as (r, g):
        for _ in range(4):
            mail(r)
        equal((len(login.tries), [len(c.mails) for c in g.conns]), (1, [4]), "logins, mails per connection")


@case("two logins at one gateway never share a connection")
def _():
    class Two(Login):
        """Either of two accounts; notes whose connection it is."""

        def take_plain(self, conn, initial):
            conn.who = base64.b64decode(initial).split(b"\0")[1]
            return True
    with TlsLiar(login=Two(mechanisms="PLAIN")) as g, Relay(
            g.conf() + ACCOUNT + 'Domain "c.test" { ' + account("other@example.com", "two").replace("\n", " ") + "}\n") as r:
        for _ in range(2):
            mail(r)
            mail(r, "x@c.test")
        equal(sorted((c.who, len(c.mails)) for c in g.conns), [(b"other@example.com", 2), (USER.encode(), 2)], "connections")
        for c in g.conns:
            wanted = b"@c.test" if c.who.startswith(b"other") else b"@b.test"
            check(all(wanted in m.rcpts[0] for m in c.mails), "a mail went by the wrong login")


@case("two logins in one transaction: the second key gets 452 4.5.3")
def _():
    with TlsLiar(login=Login(mechanisms="PLAIN")) as g, Relay(
            g.conf() + ACCOUNT + 'Domain "c.test" { ' + account("other@example.com", "two").replace("\n", " ") + "}\n") as r, \
            r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.cmd("RCPT TO:<x@c.test>", "452 4.5.3")


@case("with a login at most two connections at a time")
def _():
    login = Login()
    with secure_box(ACCOUNT, login=login, DOT=(0.1, "250 ok")) as (r, g):
        clients = [r.session(wait=40) for _ in range(8)]
        for c in clients:
            c.send("MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
        time.sleep(1)
        check(len([c for c in g.conns if not c.closed]) <= 2, f"{len(g.conns)} connections")
        for c in clients:
            c.close()


# --- secrets ---

def secret_forms():
    plain = PASSWORD.encode()
    return [plain, base64.b64encode(plain).rstrip(b"="), base64.b64encode(b"\0" + USER.encode() + b"\0" + plain)[-20:],
            plain.hex().encode(), "".join(f"\\x{b:02x}" if b > 126 else chr(b) for b in plain).encode()]


def searched(what, octets):
    octets = octets if isinstance(octets, bytes) else octets.encode()
    for form in secret_forms():
        lacks(octets, form, what)


@cases("the password is nowhere to be read: login {0}", [("accepted", None), ("refused", REFUSED)])
def _(_name, refuse):
    for kind in ALL.split():
        login = Login(refuse=refuse)
        with secure_box(account(kind=kind) + TRUST, login=login, mortal=True) as (r, _g):
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test>", "250")
                c.cmd("RCPT TO:<b@b.test>")
            for words in (("status",), ("status", "--json"), ("status", "--prometheus"), ("eval",),
                          ("eval", "Outbound_SMTP_AUTH_Pass"), ("check",), ("send", "-v", "b@b.test")):
                _code, out, err = gatepost(words[0], "-c", r.conf, *words[1:])
                searched(" ".join(words), out + err)
            for pid in r.pids():
                for name in ("cmdline", "environ"):
                    searched(name, proc(pid, name))
            r.signal(signal.SIGHUP)
            time.sleep(0.3)
            searched("the log", r.log())
            contains(gatepost("eval", "-c", r.conf, "Outbound_SMTP_AUTH_Pass")[1], "***")


@case("a mistake in the configuration does not show the password")
def _():
    with Files() as f:
        for text in (f'Gateway = gw.test\nOutbound_SMTP_AUTH_Pass = "{PASSWORD}" x\n',
                     f'Gateway = gw.test\nTLS = "{PASSWORD}"\nOutbound_SMTP_AUTH_Pas = "secret-word-9"\n',
                     'Gateway = gw.test\nOutbound_SMTP_AUTH_Pass = ( "secret-word-9" )\n'):
            path = f.put("gatepost.conf", text)
            _code, out, err = gatepost("check", "-c", path)
            lacks(out + err, "secret-word-9")


@case("no process can be read by its own user: not dumpable")
def _():
    if os.geteuid() != 0:
        raise Skip("another user needs root")
    with secure_box(ACCOUNT, login=Login()) as (r, _g):
        mail(r)
        seen = 0
        for pid in r.pids():
            if int(proc_status(pid)["Uid"].split()[0]) != 0:
                seen += 1
                equal(os.stat(f"/proc/{pid}/mem").st_uid, 0, f"owner of /proc/{pid}/mem of {proc(pid, 'cmdline')!r}")
        check(seen >= 2, f"only {seen} processes run as another user")


need_binary()
main(jobs=4, limit=500)
