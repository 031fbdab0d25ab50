#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""OAuth 2.0: gatepost login, tokens for XOAUTH2, their renewal, and where refresh tokens lie (DESIGN 3.6)."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import tap                                                     # noqa: E402
from lib.endpoint import *                                              # noqa: E402,F403
from lib.tlsgateway import account                                      # noqa: E402,F401

GATEWAY = 'Gateway = "127.0.0.1:2525"\n'


def login(conf, *words, stdin=b"", wait=30):
    return gatepost("login", "-c", conf, *words, stdin=stdin, wait=wait)


def kept(folder):
    """The refresh tokens in files: name -> text."""
    path = os.path.join(folder, "oauth")
    out = {}
    for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
        if name.endswith(".new"):
            continue                                    # on its way
        with open(os.path.join(path, name), encoding="ascii") as file:
            out[name] = file.read()
    return out


def check_modes(folder):
    path = os.path.join(folder, "oauth")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o700, "mode of oauth/")
    for name in os.listdir(path):
        one = os.stat(os.path.join(path, name))
        equal(stat.S_IMODE(one.st_mode), 0o600, f"mode of {name}")
        equal(one.st_uid, os.geteuid(), f"owner of {name}")


def no_secret(text, endpoint, what):
    for one in [*endpoint.access, *endpoint.given, *filter(None, [endpoint.secret])]:
        lacks(text, one, what)
        lacks(text, one[:20] if len(one) > 30 else one, what)


@contextmanager
def configured(endpoint, more=""):
    with Files(gatepost__conf=GATEWAY + endpoint.conf(more=more)) as files:
        yield os.path.join(files.dir, "gatepost.conf"), files.dir


# --- gatepost login ---

@case("device: address and code are shown, polled for, the refresh token is kept 0600")
def _():
    with Endpoint(pending=2) as e, configured(e) as (conf, folder):
        code, out, err = login(conf)
        equal((code, err), (0, ""), f"exit and stderr, stdout {out}")
        for part in ("https://login.example/device", "FJC3-LPQ7", ACCOUNT, "15 minutes", "No relay is running"):
            contains(out, part)
        equal(len(e.asked(DEVICE)), 3, "polls")
        files = kept(folder)
        equal([t.strip() for t in files.values()], e.given, "tokens kept")
        check(re.fullmatch(r"scanner@example\.com-[0-9a-f]{8}", list(files)[0]), f"name: {files}")
        check_modes(folder)
        no_secret(out, e, "stdout")


@case("device: slow_down makes the pause 5 s longer")
def _():
    with Endpoint(script=[(400, {"error": "slow_down"})]) as e, configured(e) as (conf, _folder):
        start = time.monotonic()
        code, out, err = login(conf)
        equal(code, 0, f"exit, {out} {err}")
        within(time.monotonic() - start, 6.9, 12)


@cases("device: {0} ends it with 77", ["expired_token", "access_denied", "authorization_declined", "invalid_grant"])
def _(error):
    with Endpoint(script=[(400, {"error": error, "error_description": "no\r\nmore"})]) as e, configured(e) as (conf, folder):
        code, _out, err = login(conf)
        equal(code, 77, "exit")
        contains(err, error)
        lacks(err, "more")
        equal(kept(folder), {}, "tokens kept")


@case("device: one answer that fails does not end it, three do")
def _():
    broken = (503, b"<html>busy</html>")
    with Endpoint(script=[broken, broken]) as e, configured(e) as (conf, folder):
        equal(login(conf)[0], 0, "exit after two")
        equal(len(kept(folder)), 1, "tokens kept")
    with Endpoint(script=[broken] * 3) as e, configured(e) as (conf, folder):
        code, _out, err = login(conf)
        equal(code, 69, "exit after three")
        contains(err, "HTTP status 503")


@case("device: the endpoint does not know the client")
def _():
    with Endpoint() as e, configured(e) as (conf, _folder):
        e.device_answer = e.error("unauthorized_client", "the app is not enabled for consumers", 400)
        code, _out, err = login(conf)
        equal(code, 69, "exit")
        contains(err, "unauthorized_client")
        contains(err, "the app is not enabled")
        lacks(err, "Trace")


def paste(conf, endpoint, change=lambda text: text, words=()):
    """Log in by code as a person does: open the address, paste what the browser ends at."""
    run = subprocess.Popen([BINARY, "login", "-c", conf, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    tap.child(run.pid)
    seen = b""
    try:
        while b"Paste" not in seen:
            piece = os.read(run.stdout.fileno(), 4096)
            if not piece:
                break
            seen += piece
        address = re.search(rb"^https://\S+$", seen, re.M)
        check(address, f"no address in {seen} {run.stderr.read() if not address else b''}")
        end = endpoint.browse(address.group().decode())
        out, err = run.communicate(change(end).encode() + b"\n", 30)
        return run.returncode, (seen + out).decode(), err.decode()
    finally:
        run.kill()
        run.wait()
        tap.forget(run.pid)


@cases("code: {0} is taken", ["the address", "its query", "the bare code", "blanks around it"])
def _(what):
    changes = {"the address": lambda t: t, "its query": lambda t: t.partition("?")[2],
               "the bare code": lambda t: t.partition("code=")[2], "blanks around it": lambda t: f"\n  {t}  "}
    with Endpoint("google", secret=SECRET) as e, configured(e) as (conf, folder):
        code, out, err = paste(conf, e, changes[what])
        equal((code, err), (0, ""), f"exit and stderr, {out}")
        equal([t.strip() for t in kept(folder).values()], e.given, "tokens kept")
        equal(e.asked()[0].get("client_secret"), SECRET, "secret")


@cases("code: {0} is not taken", ["another login's state", "no state", "an error", "nothing"])
def _(what):
    changes = {"another login's state": (65, lambda t: t.replace("state=", "state=x")),
               "no state": (65, lambda t: "http://localhost/?code=" + t.partition("code=")[2]),
               "an error": (77, lambda t: re.sub("code=.*", "error=access_denied", t)), "nothing": (66, lambda t: "")}
    status, change = changes[what]
    with Endpoint("google", secret=SECRET) as e, configured(e) as (conf, folder):
        code, _out, err = paste(conf, e, change)
        equal(code, status, f"exit, {err}")
        equal(e.asked(), [], "token requests")
        equal(kept(folder), {}, "tokens kept")


@case("client: is tried, nothing is kept; a wrong secret is told in words")
def _():
    with Endpoint(grant="client", secret=SECRET) as e, configured(e, "OAuth2_Tenant = contoso.test\n") as (conf, folder):
        code, out, err = login(conf)
        equal((code, err), (0, ""), "exit and stderr")
        contains(out, "3599 seconds")
        equal(kept(folder), {}, "tokens kept")
        no_secret(out, e, "stdout")
        e.secret = "another"
        code, _out, err = login(conf)
        equal(code, 69, "exit")
        contains(err, "OAuth2_Client_Secret is wrong")
        lacks(err, SECRET)


@case("without a login for OAuth 2.0, with a scope, with one that does not exist")
def _():
    with Files(gatepost__conf=GATEWAY) as files:
        code, _out, err = login(os.path.join(files.dir, "gatepost.conf"))
        equal(code, 78, "exit")
        contains(err, "OAuth2_Client_Id")
    with Endpoint(grant="client", secret=SECRET) as e:
        text = GATEWAY + 'Binding "scanners" {\n' + e.conf() + "OAuth2_Tenant = x.test\n}\n"
        with Files(gatepost__conf=text) as files:
            conf = os.path.join(files.dir, "gatepost.conf")
            equal(login(conf)[0], 78, "exit without the scope")
            equal(login(conf, "binding", "scanners")[0], 0, "exit with it")
            equal(login(conf, "binding", "nobody")[0], 64, "exit with another")
            equal(login(conf, "rubbish")[0], 64, "exit with rubbish")


ANSWERS = {
    "not JSON": ((200, b"<html>hello</html>"), "not JSON"),
    "JSON cut off": ((200, b'{"access_token": "abc'), "not JSON"),
    "no token": ((200, {"ok": True}), "no token"),
    "a token with a line end": ((200, {"access_token": "a\nb", "refresh_token": "c"}), "of no use"),
    "a token of 9 KiB": ((200, {"access_token": "a" * 9000}), "of no use"),
    "another kind of token": ((200, {"access_token": "a", "token_type": "mac"}), "of no use"),
    "40 KiB": ((200, {"access_token": "a", "x": "y" * 40000}), "too long"),
    "a head of 20 KiB": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20000 + b"\r\n\r\n"), "too long"),
    "no HTTP": (raw(b"220 smtp.example.com ESMTP\r\n"), "HTTP"),
    "a cut answer": (raw(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"access_'), "cut"),
    "no close_notify": (raw(b'HTTP/1.1 200 OK\r\n\r\n{"access_token":"a","token_type":"Bearer"}', cut=True), "cut"),
    "a redirect": ((302, b""), "status 302"),
    "compressed": (raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), "compressed"),
}


@cases("an answer that is {0}: told in words", ANSWERS)
def _(name):
    answer, words = ANSWERS[name]
    with Endpoint(grant="client", secret=SECRET, script=[answer]) as e, \
            configured(e, "OAuth2_Tenant = contoso.test\n") as (conf, _folder):
        code, _out, err = login(conf)
        equal(code, 69, f"exit, {err}")
        contains(err, words)
        contains(err, "127.0.0.1")


@case("an answer that ends with the connection (close_notify) is whole")
def _():
    answer = raw(b'HTTP/1.0 200 OK\r\n\r\n{"access_token":"a","token_type":"bearer"}')
    with Endpoint(grant="client", secret=SECRET, script=[answer]) as e, \
            configured(e, "OAuth2_Tenant = contoso.test\n") as (conf, _folder):
        code, out, err = login(conf)
        equal((code, err), (0, ""), "exit and stderr")
        contains(out, "3600 seconds")


@cases("a certificate that is {0} is refused before anything is sent", ["unknown CA", "wrong name", "expired"])
def _(cert):
    with Endpoint(cert=cert) as e, configured(e) as (conf, _folder):
        code, _out, err = login(conf)
        equal(code, 69, "exit")
        contains(err, "certificate")
        equal(e.requests, [], "requests")


# --- the relay ---

@contextmanager
def relay(endpoint, refresh=True, more="", mortal=False):
    """A relay before a gateway that wants XOAUTH2: (relay, gateway, its side of the login). mortal: it is reloaded."""
    taken = TokenLogin(endpoint)
    token = endpoint.new_refresh() if refresh else None
    if refresh:
        endpoint.given.remove(token)
    with TlsLiar(login=taken) as gateway:
        with Relay(gateway.conf() + endpoint.conf(refresh=token) + more, mortal=mortal) as r:
            yield r, gateway, taken


def mail(r):
    with r.session() as c:
        c.mail(wanted="250")
        c.cmd("QUIT", "221")


def refused(r, words, wanted="451 4.7.0"):
    with r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>", wanted)
        check(re.search(words, got.text.replace("\n", " "), re.I), f"/{words}/ is not in {got}")


def silent(r, endpoint):
    """No token in log and status."""
    no_secret(r.log(), endpoint, "the log")
    for form in ([], ["--json"], ["--prometheus"]):
        no_secret(gatepost("status", "-c", r.conf, *form)[1], endpoint, "status")


@cases("{0}: a mail goes through, with one token for all", ["microsoft", "google", "once"])
def _(dialect):
    grant = None if dialect != "once" else "code"
    with Endpoint(dialect, grant=grant) as e, relay(e) as (r, _g, taken):
        for _ in range(3):
            mail(r)
        equal(len(e.asked()), 1, "token requests")
        check(set(taken.seen) == set(e.access), "tokens that the gateway saw")
        equal(r.event().get("auth", "").upper(), "XOAUTH2", "auth= in the log")
        silent(r, e)


@case("client credentials: a mail goes through")
def _():
    with Endpoint(grant="client", secret=SECRET) as e, relay(e, refresh=False, more="OAuth2_Tenant = x.test\n") as (r, _g, _t):
        mail(r)
        silent(r, e)


@case("tokens of 8 KiB")
def _():
    with Endpoint(grant="code", dialect="once", size=6100) as e, relay(e) as (r, _g, taken):
        mail(r)
        check(len(taken.seen[0]) > 8000, f"a token of {len(taken.seen[0])}")


@case("once: each new refresh token is stored at once, survives a reload and a restart")
def _():
    with Endpoint("once", grant="code", life=1) as e, relay(e, more="Idle_Timeout = 1s\n", mortal=True) as (r, _g, _taken):
        mail(r)
        tap.wait_for(lambda: [t.strip() for t in kept(r.dir).values()] == e.given[-1:], 60, "the token kept")
        check_modes(r.dir)
        time.sleep(1.5)
        mail(r)
        tap.wait_for(lambda: [t.strip() for t in kept(r.dir).values()] == e.given[-1:], 60, "the next token kept")
        r.reload()
        r.wait_log(r"generation=2")
        mail(r)
        r.signal(signal.SIGTERM)
        r.process.wait(30)
        r.start()
        mail(r)
        equal([f for p, f in e.requests if f["refresh_token"] in e.refresh - set(e.given[-1:])], [], "old ones asked with")
        lacks(r.log(), "invalid_grant")
        silent(r, e)


@case("microsoft: the stored one stays for 7 days")
def _():
    with Endpoint() as e, relay(e, more="Idle_Timeout = 1s\n", mortal=True) as (r, _g, _taken):
        mail(r)
        tap.wait_for(lambda: kept(r.dir), 60, "a token kept")
        first = kept(r.dir)
        e.life = 1
        r.reload()
        r.wait_log(r"generation=2")
        mail(r)
        time.sleep(0.5)
        equal(kept(r.dir), first, "stored a moment ago")
        path = os.path.join(r.dir, "oauth", next(iter(first)))
        old = time.time() - 8 * 86400
        os.utime(path, (old, old))
        time.sleep(1.5)
        mail(r)
        tap.wait_for(lambda: kept(r.dir) != first, 60, "another one, after 8 days")
        equal([t.strip() for t in kept(r.dir).values()], e.given[-1:], "the newest")


@case("a token that the gateway refuses is renewed once; the second refusal is told")
def _():
    with Endpoint() as e, relay(e, more="Idle_Timeout = 1s\n", mortal=True) as (r, g, taken):
        mail(r)
        taken.revoked.update(e.access)
        r.reload()
        r.wait_log(r"generation=2")
        mail(r)
        time.sleep(1.3)
        before = len(e.asked())
        taken.revoked.update(e.access)
        mail(r)
        equal(len(e.asked()), before + 1, "one renewal")
        silent(r, e)
    with Endpoint() as e, relay(e) as (r, g, taken):
        taken.refuse = ["535 5.7.139 SmtpClientAuthentication is disabled for the Tenant."]
        refused(r, "5.7.139")
        equal(len(e.asked()), 2, "token requests")
        equal(len(taken.tries), 2, "logins")


@case("invalid_grant is final: 451 and status say how to log in again; a login ends that")
def _():
    with Endpoint("google", grant="code", secret=SECRET) as e, relay(e, refresh=False, mortal=True) as (r, _g, taken):
        refused(r, "gatepost login")
        equal(e.asked(), [], "token requests without any refresh token")
        code, out, _err = gatepost("status", "-c", r.conf)
        equal(code, 1, "exit of status")
        contains(out.splitlines()[0], "gatepost login")
        code, out, err = paste(r.conf, e)
        equal(code, 0, f"exit of login, {out} {err}")
        contains(out, f"(process {r.process.pid})")
        r.wait_log(r"generation=2")
        tap.wait_for(lambda: r.status(fail=False), 60, "status")
        mail(r)
        e.refresh.clear()
        taken.revoked.update(e.access)
        r.reload()
        r.wait_log(r"generation=3")
        refused(r, "log in again: gatepost login.*invalid_grant")
        asked = len(e.asked())
        refused(r, "log in again")
        equal(len(e.asked()), asked, "a final answer is not asked for again")
        silent(r, e)


@cases("its certificate is {0}: 451 says so", ["wrong name", "unknown CA"])
def _(cert):
    with Endpoint(cert=cert) as e, relay(e) as (r, _g, taken):
        refused(r, "127.0.0.1: its certificate", wanted="451")
        equal((e.requests, taken.tries), ([], []), "what was sent")


@case("gatepost send renews as the relay does, and both go on with what is stored")
def _():
    with Endpoint("once", grant="code", life=2) as e, relay(e, more="Idle_Timeout = 1s\n") as (r, g, _taken):
        mail(r)
        tap.wait_for(lambda: kept(r.dir), 60, "a token kept")
        code, out, err = gatepost("send", "-c", r.conf, "-v", "you@example.com")
        equal(code, 0, f"exit of send, {out} {err}")
        no_secret(out + err, e, "the dialogue")
        equal([t.strip() for t in kept(r.dir).values()], e.given[-1:], "the token kept")
        check_modes(r.dir)
        time.sleep(2.5)
        mail(r)
        equal(len({f["refresh_token"] for f in e.asked()}), len(e.asked()), "each refresh token was used once")
        silent(r, e)


@case("an endpoint that fails is not asked again at once, and the mail that waits is told why")
def _():
    busy = (503, b"busy")
    with Endpoint(script=[busy] * 50) as e, relay(e) as (r, _g, _taken):
        for _ in range(4):
            refused(r, "HTTP status 503")
        equal(len(e.asked()), 1, "token requests")


@case("two generations with a refresh token that is good once: the later one asks for what is stored")
def _():
    with Endpoint("once", grant="code", life=2) as e, relay(e, more="Idle_Timeout = 1s\n", mortal=True) as (r, _g, _taken):
        with r.session() as held:
            mail(r)
            r.reload()
            r.wait_log(r"generation=2")
            time.sleep(2.5)
            tap.wait_for(lambda: r.status(fail=False), 60, "status")
            mail(r)
            held.mail(wanted="250")
            time.sleep(2.5)
            mail(r)
        lacks(r.log(), "invalid_grant")
        equal(len({f["refresh_token"] for f in e.asked()}), len(e.asked()), "each refresh token was used once")


def helpers(r):
    """The names helpers, by what only they may open: nothing is changed of their root folder."""
    return [pid for pid in r.children() if os.readlink(f"/proc/{pid}/root") == "/"]


@case("the helper dies while it fetches: another one does it, and the mail goes through")
def _():
    if os.geteuid() != 0:
        raise Skip("to tell the helper from the engine needs root")
    with Endpoint("once", grant="code", script=[raw(b"", wait=3)]) as e, relay(e, mortal=True) as (r, _g, _taken):
        with r.session() as c:
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.send("RCPT TO:<b@b.test>\r\n")
            e.wait_asked(1)
            os.kill(helpers(r)[0], signal.SIGKILL)
            got = c.reply()
            check(got.code == "250" or got.code == 250, f"RCPT: {got}")
        equal(len(e.asked()), 2, "token requests")
        mail(r)
        silent(r, e)


@case("an endpoint that is silent: the client is told in time, others do not wait for it")
def _():
    with Endpoint(script=[raw(b"", wait=40)]) as e, relay(e, more="Client_Patience = 3s\n") as (r, _g, _taken):
        start = time.monotonic()
        refused(r, "token", wanted="451")
        within(time.monotonic() - start, 2.5, 8)


@case("four logins at once: two are fetched at a time, all are served; a fifth takes the place of one")
def _():
    with Endpoint() as e:
        e.delay = 0.6
        login_of = {n: TokenLogin(e, user=f"user{n}@example.com") for n in range(5)}
        token = e.new_refresh()
        e.given.remove(token)

        def by_user(conn, line):
            for one in login_of.values():
                if one.is_for(line):
                    return one(conn, line)
            return "535 5.7.8 nobody"
        by_user.offered = lambda tls: "AUTH XOAUTH2"
        with TlsLiar(login=by_user) as gateway:
            domains = "".join(f'Domain "d{n}.test" {{\n{gateway.conf()}{e.conf(refresh=token, user=f"user{n}@example.com")}}}\n'
                              for n in range(5))
            with Relay(gateway.conf() + domains) as r:
                clients = []
                for n in range(4):
                    c = r.session()
                    clients.append(c)
                    c.cmd("MAIL FROM:<a@a.test>", "250")
                    c.send(f"RCPT TO:<b@d{n}.test>\r\n")
                start = time.monotonic()
                for c in clients:
                    c.reply("250")
                within(time.monotonic() - start, 1.1, 4)
                equal(e.busiest, 2, "requests at the same time")
                equal(len(e.asked()), 4, "token requests")
                for c in clients:
                    c.close()
                with r.session() as c:
                    c.cmd("MAIL FROM:<a@a.test>", "250")
                    c.cmd("RCPT TO:<b@d4.test>", "250")


@case("what cannot be stored is kept in memory, said in the log, and stored later")
def _():
    with Endpoint("once", grant="code", life=1) as e, relay(e, more="Idle_Timeout = 1s\n") as (r, _g, _taken):
        folder = os.path.join(r.dir, "oauth")
        with open(folder, "w", encoding="ascii"):
            pass                                        # a file where the folder should be
        mail(r)
        r.wait_log("refresh token is in memory alone")
        time.sleep(1.5)
        mail(r)
        os.unlink(folder)
        time.sleep(1.5)
        mail(r)
        tap.wait_for(lambda: [t.strip() for t in kept(r.dir).values()] == e.given[-1:], 60, "the token kept")
        silent(r, e)


@case("the relay's user cannot read the tokens; its helper is still confined")
def _():
    if os.geteuid() != 0:
        raise Skip("to be another user needs root")
    with Endpoint("once", grant="code") as e, relay(e) as (r, _g, _taken):
        mail(r)
        path = tap.wait_for(lambda: kept(r.dir), 60, "a token kept")
        name = os.path.join(r.dir, "oauth", next(iter(path)))
        got = subprocess.run(["cat", name], user="nobody", group="nogroup", extra_groups=[], capture_output=True,
                             check=False)
        check(got.returncode != 0 and not got.stdout, "nobody can read it")


if __name__ == "__main__":
    need_binary()
    main()
