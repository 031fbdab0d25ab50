#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Logins of clients: Auth_User, Auth = any, in every form that devices send; guessing (DESIGN 3.5, 3.6)."""

import base64
import hashlib
import hmac
import os
import re
import shutil
import smtplib
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import memory                                                  # noqa: E402

USER, PASSWORD = "scanner", "Gehe1m, sehr!"
STRANGERS = 'Relay_Hosts = ( "192.0.2.0/24" )\n'
CLEAR = "Auth_Requires_TLS = false\n"
ACCOUNT = f'Auth_User "{USER}" {{ Password = "{PASSWORD}" }}\n'
USERS = STRANGERS + CLEAR + ACCOUNT


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def plain(user=USER, password=PASSWORD, as_=""):
    return b64(f"{as_}\0{user}\0{password}")


def digest(challenge, user=USER, password=PASSWORD):
    mac = hmac.new(password.encode(), base64.b64decode(challenge), hashlib.md5).hexdigest()
    return b64(f"{user} {mac}")


def stranger(c):
    """Nothing is relayed for it."""
    c.cmd("MAIL FROM:<a@a.test>", "250")
    c.cmd("RCPT TO:<b@b.test>", "550 5.7.1")
    c.cmd("RSET", "250")


# ---- forms ----

FORMS = {
    "PLAIN at once": [("AUTH PLAIN " + plain(), "235 2.7.0")],
    "PLAIN when asked": [("AUTH PLAIN", b"334 \r\n"), (plain(), "235 2.7.0")],
    "plain in lower case": [("auth plain " + plain(), "235 2.7.0")],
    "PLAIN with blanks around": [("AUTH  PLAIN\t" + plain() + "  ", "235 2.7.0")],
    "PLAIN without padding": [("AUTH PLAIN " + plain().rstrip("="), "235 2.7.0")],
    "PLAIN, the user for himself": [("AUTH PLAIN " + plain(as_=USER), "235 2.7.0")],
    "LOGIN": [("AUTH LOGIN", b"334 VXNlcm5hbWU6\r\n"), (b64(USER), b"334 UGFzc3dvcmQ6\r\n"), (b64(PASSWORD), "235 2.7.0")],
    "LOGIN with the user on its line": [("AUTH LOGIN " + b64(USER), b"334 UGFzc3dvcmQ6\r\n"), (b64(PASSWORD), "235 2.7.0")],
    "Login with an empty first response": [("AUTH Login =", b"334 VXNlcm5hbWU6\r\n"), (b64(USER), b"334 UGFzc3dvcmQ6\r\n"),
                                           (b64(PASSWORD), "235 2.7.0")],
    "what is not offered, then LOGIN": [("AUTH NTLM", "504 5.5.4"), ("AUTH XOAUTH2 " + "x" * 1800, "504 5.5.4"),
                                        ("AUTH LOGIN " + b64(USER), "334"), (b64(PASSWORD), "235 2.7.0")],
    "given up, then again": [("AUTH LOGIN", "334"), ("*", "501 5.7.0"), ("AUTH PLAIN", "334"), ("*", "501 5.7.0"),
                             ("AUTH PLAIN " + plain(), "235 2.7.0")],
    "nonsense, then right": [("AUTH PLAIN %%%", "501 5.5.2"), ("AUTH PLAIN", "334"), ("MAIL FROM:<a@a.test>", "501 5.5.2"),
                             ("AUTH", "501 5.5.4"), ("AUTH PLAIN " + plain(), "235 2.7.0")],
}


@cases("{1}, {0}", [(n, h) for n in FORMS for h in ("behind EHLO", "behind HELO", "without a greeting")])
def _(name, hello):
    with box(USERS) as (r, g), r.client() as c:
        c.reply("220")
        if hello != "without a greeting":
            c.cmd(f"{hello[-4:]} device", "250")
        stranger(c)
        for line, wanted in FORMS[name]:
            got = c.cmd(line)
            if isinstance(wanted, bytes):
                equal(got.raw, wanted)
            else:
                got.want(wanted)
        c.cmd("AUTH PLAIN " + plain(), "503 5.5.1")
        c.mail(wanted="250")
        c.cmd("EHLO again", "250")
        c.mail(wanted="250")
        equal(len(g.mails), 2, "mails")
        letter = "E" if hello == "behind EHLO" else ""
        contains(g.mails[0].text, b" with ESMTPA id ", "Received" + letter)
        users = lambda: [e["user"] for e in r.events("session") if e["event"] == "login"]       # noqa: E731
        wait_for(users, 60, "the login in the log")
        equal(users(), [USER])


@case("the list: PLAIN and LOGIN first, in the old form too")
def _():
    with box(USERS) as (r, _g), r.client() as c:
        c.reply("220")
        rows = c.cmd("EHLO device", "250").lines
        contains(rows, "AUTH PLAIN LOGIN CRAM-MD5")
        contains(rows, "AUTH=PLAIN LOGIN")
        lacks(rows, "STARTTLS")


@case("octet by octet, and all at once with a mail behind it")
def _():
    text = (f"EHLO esxi\r\nAUTH LOGIN\r\n{b64(USER)}\r\n{b64(PASSWORD)}\r\nMAIL FROM:<a@a.test>\r\n"
            "RCPT TO:<b@b.test>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n")
    with box(USERS) as (r, g):
        for size in (len(text), 1, 7):
            with r.client() as c:
                for at in range(0, len(text), size):
                    c.send(text[at:at + size])
                for wanted in ("220", "250", "334", "334", "235", "250", "250", "354", "250", "221"):
                    c.reply(wanted)
        equal(len(g.mails), 3, "mails")


@case("a login in a mail is out of place")
def _():
    with box(CLEAR + ACCOUNT) as (r, g), r.session() as c:
        c.start()
        c.cmd("AUTH PLAIN " + plain(), "503 5.5.1")
        c.cmd("RSET", "250")
        c.cmd("AUTH PLAIN " + plain(), "235")


@case("CRAM-MD5: a challenge for each try, and an answer serves once")
def _():
    seen = set()
    with box(USERS) as (r, _g):
        for _ in range(3):
            with r.session() as c:
                one = c.cmd("AUTH CRAM-MD5", "334").text
                c.cmd("*", "501")
                one = c.cmd("AUTH CRAM-MD5", "334").text
                check(re.fullmatch(rb"<\w+@box\.test>", base64.b64decode(one)), one)
                c.cmd(digest("PDFAYi50ZXN0Pg=="), "535 5.7.8")
                two = c.cmd("AUTH CRAM-MD5", "334").text
                seen |= {one, two}
                upper = base64.b64decode(digest(two)).decode().split()
                c.cmd(b64(f"{upper[0]} {upper[1].upper()}"), "235 2.7.0")
                stale = digest(two)
            with r.session() as c:
                c.cmd("AUTH CRAM-MD5", "334")
                c.cmd(stale, "535")
                stranger(c)
        equal(len(seen), 6, "challenges")


@case("C10: a Ricoh's test logs in and quits, and comes again only to quit")
def _():
    with box(USERS) as (r, g):
        for _ in range(5):
            with r.session("ricoh") as c:
                start = time.monotonic()
                c.cmd(digest(c.cmd("AUTH CRAM-MD5", "334").text), "235")
                c.cmd("QUIT", "221")
                equal(c.eof(5), b"")
                within(time.monotonic() - start, 0, 0.5)
            with r.client() as c:
                c.reply("220")
                c.cmd("QUIT", "221")
        equal(len(g.conns), 0, "connections to the gateway")


@case("the Auth_User's binding overrides the address's, and its size limit counts")
def _():
    with Liar(EXTENSIONS=["SIZE 1000"]) as one, Liar(EXTENSIONS=["SIZE 2000"]) as two:
        conf = (one.conf() + CLEAR + 'Binding = "lan"\nBinding "lan" { EHLO_Hostname = "lan.test" }\n'
                f'Binding "user" {{ Gateway = "{two.at}" EHLO_Hostname = "user.test" }}\n'
                f'Auth_User "{USER}" {{ Password = "{PASSWORD}" Binding = "user" }}\n')
        with Relay(conf) as r:
            for login, gateway in ((True, two), (False, one), (True, two)):
                with r.session() as c:
                    if login:
                        c.cmd("AUTH PLAIN " + plain(), "235")
                    c.mail(wanted="250")
            equal([len(g.mails) for g in (one, two)], [1, 2], "mails")
            with r.session() as c:
                c.cmd("MAIL FROM:<a@a.test> SIZE=1500", "552")
                c.cmd("AUTH PLAIN " + plain(), "235")
                c.cmd("MAIL FROM:<a@a.test> SIZE=1500", "250")
                c.cmd("RSET", "250")
                c.cmd("MAIL FROM:<a@a.test> SIZE=2500", "552")
            contains(two.conns[0].lines[0], b"user.test")


# ---- what is offered to whom ----

@case("Auth_Requires_TLS is the default: in clear nothing is offered, and a login is refused in words")
def _():
    with box(STRANGERS + ACCOUNT) as (r, _g), r.client() as c:
        lacks(c.hello().text, "AUTH")
        c.cmd("AUTH PLAIN " + plain(), "538 5.7.11")
        c.cmd("AUTH LOGIN", "538 5.7.11")
        stranger(c)


@case("without Auth_User, or with Auth = no, there is no login")
def _():
    for conf in ("", CLEAR + ACCOUNT + "Auth = no\n"):
        with box(conf) as (r, _g), r.client() as c:
            lacks(c.hello().text, "AUTH")
            c.cmd("AUTH PLAIN " + plain(), "502 5.5.1")


@case("over a Unix socket there is none: its users may relay")
def _():
    with box(USERS) as (r, g), Client(os.path.join(r.dir, "submit.sock")) as c:
        lacks(c.hello().text, "AUTH")
        c.cmd("AUTH PLAIN " + plain(), "502 5.5.1")
        c.mail(wanted="250")


ANYTHING = {
    "right base64": ["AUTH PLAIN " + plain("nobody", "x")], "not base64": ["AUTH PLAIN password!"],
    "nothing": ["AUTH PLAIN", ""], "an empty response": ["AUTH PLAIN ="], "no NUL": ["AUTH PLAIN " + b64("x")],
    "LOGIN with nonsense": ["AUTH LOGIN", "user?", "pass word"], "LOGIN with nothing": ["AUTH LOGIN", "", ""],
    "LOGIN, user on the line": ["AUTH LOGIN bob", "secret"], "too long": ["AUTH PLAIN " + "A" * 12000],
    "LOGIN, far too long": ["AUTH LOGIN", "A" * 9000],
}


@cases("Auth = any takes {0}", [(n,) for n in ANYTHING])
def _(name):
    with box("Auth = any\n") as (r, g), r.client() as c:
        contains(c.hello().lines, "AUTH PLAIN LOGIN")
        for line in ANYTHING[name][:-1]:
            c.cmd(line, "334")
        c.cmd(ANYTHING[name][-1], "235 2.7.0")
        c.mail(wanted="250")
        contains(g.one().text, b" with ESMTP id ", "nobody was known for sure")


@case("Auth = any is for those that may relay anyway")
def _():
    with box(STRANGERS + "Auth = any\n") as (r, _g), r.client() as c:
        lacks(c.hello().text, "AUTH")
        c.cmd("AUTH PLAIN x", "502 5.5.1")
        stranger(c)
    with box(USERS + "Auth = any\n") as (r, _g), r.client() as c:
        contains(c.hello().text, "AUTH PLAIN")
        c.cmd("AUTH PLAIN x", "501 5.5.2")
        c.cmd("AUTH PLAIN " + plain("nobody"), "535 5.7.8")
        stranger(c)
        c.cmd("AUTH PLAIN " + plain(), "235")


@case("Auth = any: who is known all the same has his binding, but not without his password")
def _():
    with Liar() as one, Liar() as two:
        conf = (one.conf() + f'Auth = any\nBinding "user" {{ Gateway = "{two.at}" }}\n'
                f'Auth_User "{USER}" {{ Password = "{PASSWORD}" Binding = "user" }}\n')
        with Relay(conf) as r:
            for password in (PASSWORD, "x"):
                with r.session() as c:
                    c.cmd("AUTH PLAIN " + plain(password=password), "235")
                    c.mail(wanted="250")
            equal([len(g.mails) for g in (one, two)], [1, 1], "mails")


# ---- guessing ----

WRONG = {
    "no such user": plain("nobody"), "another password": plain(password="geheim"), "in another case": plain(password=PASSWORD.upper()),
    "the user in another case": plain(USER.upper()), "the beginning of the password": plain(password=PASSWORD[:-1]),
    "more than the password": plain(password=PASSWORD + "!"), "no password": plain(password=""), "no user": plain(""),
    "for another": plain(as_="root"), "the password twice": plain(password=PASSWORD * 2), "far too long": "A" * 9000,
}


@cases("refused: {0}", [(n,) for n in WRONG])
def _(name):
    with box(USERS) as (r, _g), r.session() as c:
        start = time.monotonic()
        equal(c.cmd("AUTH PLAIN " + WRONG[name]).raw, b"535 5.7.8 user or password is wrong\r\n")
        within(time.monotonic() - start, 0.95, 2.5, "the time it takes")
        stranger(c)


@case("each refusal takes longer, the third ends the session, and nobody else waits for it")
def _():
    with box(USERS) as (r, _g), r.session() as c:
        took = []
        others = []
        for _ in range(3):
            start = time.monotonic()
            c.send("AUTH PLAIN " + plain("nobody") + "\r\nNOOP\r\n")
            for _ in range(3):
                with r.session() as other:
                    other.cmd("AUTH PLAIN " + plain(), "235")
                others.append(time.monotonic() - start)
            c.reply("535 5.7.8")
            took.append(time.monotonic() - start)
            if len(took) < 3:
                c.reply("250")
        c.reply("421 4.7.0")
        equal(c.eof(5), b"")
        check(others[2] < 0.9, f"others took {others}")
        for got, want in zip(took, (1, 2, 4)):
            within(got, want - 0.05, want + 1.2)
        with r.session() as again:
            again.cmd("AUTH PLAIN " + plain(), "235")


@case("ten refusals from one address: it has to wait, whatever it sends; another address goes on")
def _():
    with box(USERS) as (r, _g):
        def guess():
            with r.session() as c:
                for _ in range(2):
                    c.cmd("AUTH PLAIN " + plain("nobody"), "535|454", wait=20)
        threads = [threading.Thread(target=guess) for _ in range(5)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        with r.session() as c:
            start = time.monotonic()
            c.cmd("AUTH PLAIN " + plain(), "454 4.7.0")
            within(time.monotonic() - start, 0, 0.5)
            c.cmd("AUTH PLAIN " + plain(), "454")
            c.cmd("NOOP", "250")
            c.cmd("AUTH PLAIN " + plain(), "454")
            c.reply("421")
            equal(c.eof(5), b"")
        with Client(r.address, source="127.0.0.9") as c:
            c.hello()
            c.cmd("AUTH PLAIN " + plain(), "235")
        r.wait_log("too many failed logins from this address")


@case("a guesser that hangs up meanwhile leaves nothing behind; one that only ended its sending is told")
def _():
    with box(USERS) as (r, _g):
        for _ in range(3):
            c = r.session()
            c.send("AUTH PLAIN " + plain("nobody") + "\r\n")
            c.reset()
        for _ in range(2):
            c = r.session()
            c.send("AUTH PLAIN " + plain("nobody") + "\r\n")
            c.close()
        with r.session() as c:
            c.send("AUTH PLAIN " + plain("nobody") + "\r\n")
            c.half_close()
            c.reply("535", wait=20)
            equal(c.eof(5), b"")
        wait_for(lambda: r.status()["sessions"] == 0, 12, "an end of all sessions")


@case("SIGTERM does not wait for a refusal that is held back")
def _():
    with box(USERS) as (r, _g), r.session() as c:
        c.cmd("AUTH PLAIN " + plain("nobody"), "535")
        c.cmd("AUTH PLAIN " + plain("nobody"), "535")
        c.send("AUTH PLAIN " + plain("nobody") + "\r\n")
        r.wait_log("(?s)(status=refused.*){3}")
        start = time.monotonic()
        r.signal(15)
        c.reply("535")
        c.reply("421")
        c.close()
        r.ended()
        within(time.monotonic() - start, 0, 2)


@case("nonsense counts as errors of the client")
def _():
    with box(USERS) as (r, _g), r.session() as c:
        for _ in range(19):
            c.cmd("AUTH PLAIN %", "501")
        c.cmd("AUTH PLAIN %", "501")
        c.reply("421 4.7.0")
        equal(c.eof(5), b"")


@case("AUTH without end: 500 at 12,288 octets, closed at 1 MiB")
def _():
    with box(USERS) as (r, _g), r.session() as c:
        c.cmd("AUTH LOGIN", "334")
        c.send("A" * 12288)
        c.quiet(0.2)
        c.send("AA")
        c.reply("500 5.5.2")
        c.send("\r\nNOOP\r\n")
        c.reply("250")
        c.send("AUTH PLAIN " + "A" * 2000000)
        c.reply("500")
        c.reply("421")


# ---- secrets ----

@case("a password that was sent stays neither in the log nor in memory")
def _():
    wrong, name = "Zq7-nicht-dies-xk", "Kennwort-als-Name-vv9"
    needles = [wrong.encode(), b64(wrong).rstrip("=").encode(), plain(name, wrong)[8:40].encode(), name.encode(),
               b64(name).rstrip("=").encode()]
    with box(USERS) as (r, _g):
        with r.session() as c:
            c.cmd("AUTH PLAIN " + plain(name, wrong), "535")
            c.cmd("AUTH LOGIN", "334")
            c.cmd(b64(name), "334")
            c.send(b64(wrong)[:9])
            time.sleep(0.1)
            c.send(b64(wrong)[9:] + "\r\n")
            c.reply("535")
            if os.geteuid() == 0:
                for pid in r.pids():
                    equal(memory.holds(pid, needles), set(), f"memory of {proc(pid, 'comm')}")
        with r.session() as c, r.session() as d:
            d.send("AUTH LOGIN " + b64(name))
            time.sleep(0.2)
            d.close()
            c.cmd("AUTH PLAIN " + b64(name) + "%", "501")
            c.cmd("AUTH PLAIN " + plain(), "235")
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the end")
        if os.geteuid() == 0:
            for pid in r.pids():
                equal(memory.holds(pid, needles), set(), f"memory of {proc(pid, 'comm')}, later")
        for word in (wrong, name, PASSWORD, plain()[8:30], "nobody"):
            lacks(r.log(), word, "log")
        lacks(str(r.status()), PASSWORD, "status")


# ---- programs of others ----

def need(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")


def ran(words, stdin=b""):
    done = subprocess.run(words, input=stdin, capture_output=True, timeout=30, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


MAIL = b"Subject: x\r\nFrom: a@a.test\r\nTo: b@b.test\r\n\r\nhello\r\n"


@cases("Python's smtplib, {0}", ["PLAIN", "LOGIN", "CRAM-MD5"])
def _(how):
    with box(USERS) as (r, g):
        with smtplib.SMTP(*r.address) as c:
            c.ehlo()
            c.user, c.password = USER, PASSWORD
            c.auth(how, getattr(c, "auth_" + how.lower().replace("-", "_")), initial_response_ok=how != "CRAM-MD5")
            c.sendmail("a@a.test", ["b@b.test"], MAIL)
        g.one()
        c = smtplib.SMTP(*r.address)
        try:
            c.login("nobody", "x")
            raise Failed("it was let in")
        except smtplib.SMTPAuthenticationError as error:
            equal(error.smtp_code, 535)
        c.close()


@cases("swaks, {0}", ["PLAIN", "LOGIN", "CRAM-MD5"])
def _(how):
    need("swaks")
    with box(USERS) as (r, g):
        words = ["swaks", "--server", "127.0.0.1", "--port", str(r.port), "--from", "a@a.test", "--to", "b@b.test",
                 "--auth", how, "--auth-user", USER, "--auth-password", PASSWORD]
        code, text = ran(words)
        if code and "module" in text.lower() and "235" not in text:
            raise Skip("swaks lacks a module for it")
        equal(code, 0, text[-600:])
        g.one()


@cases("curl, {0}", ["PLAIN", "LOGIN", "CRAM-MD5"])
def _(how):
    need("curl")
    with box(USERS) as (r, g), Files(mail=MAIL.decode()) as f:
        code, text = ran(["curl", "-sS", f"smtp://127.0.0.1:{r.port}/dev.test", "--mail-from", "a@a.test", "--mail-rcpt",
                          "b@b.test", "-T", f.dir + "/mail", "-u", f"{USER}:{PASSWORD}", "--login-options", f"AUTH={how}"])
        equal(code, 0, text[-600:])
        g.one()


@cases("msmtp, {0}", ["plain", "login", "cram-md5"])
def _(how):
    need("msmtp")
    with box(USERS) as (r, g):
        code, text = ran(["msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={r.port}", f"--auth={how}", f"--user={USER}",
                          f"--passwordeval=printf %s '{PASSWORD}'", "--tls=off", "--from=a@a.test", "b@b.test"], MAIL)
        if "not supported" in text or "not available" in text:
            raise Skip("msmtp was built without it")
        equal(code, 0, text[-600:])
        g.one()


need_binary()
main(jobs=8)
