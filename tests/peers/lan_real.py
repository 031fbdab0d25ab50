#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Real clients at our listeners with TLS and logins (DESIGN 3.6, CASES C12, C38): swaks, msmtp, curl, smtplib, openssl."""

import base64
import os
import random
import re
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs                                                   # noqa: E402
from lib.tlsgateway import *                                            # noqa: E402,F403

NAME, WORD = "scanner", "Pa55 word,=!x"


def call(*words, stdin=b"", wait=60):
    """A client to its end: (exit status, all that it said)."""
    path = shutil.which(words[0])
    if not path:
        raise Skip(f"{words[0]} is not installed")
    done = subprocess.run([path, *words[1:]], input=stdin, stdout=subprocess.PIPE, timeout=wait, stderr=subprocess.STDOUT,
                          check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def fine(*words, **more):
    code, said = call(*words, **more)
    equal(code, 0, f"exit of {words[0]}, which said {short(said, 2500)}")
    return said


def listen(cert="good", more="", relay='Relay_Hosts = ( "192.0.2.0/24" )\n'):
    """Two listeners, STARTTLS and TLS from the first octet on, for one account; nobody else may relay."""
    cert = certs.get(cert) if isinstance(cert, str) else cert
    pair = f'TLS_Certificate = "{cert.chain}" TLS_Key = "{cert.key.path}"'
    return (f'{relay}ESMTP_Listener {{ Listen "127.0.0.1:0" {{ {pair} }} Listen "127.0.0.4:0" {{ {pair} Use_SSL = true }} '
            f'{more} }}\nAuth_User "{NAME}" {{ Password = "{WORD}" }}\n')


def door(r, mode="STARTTLS"):
    """(host, port) of the listener"""
    return next(a for a in r.addresses if a[0] == ("127.0.0.4" if mode == "implicit" else "127.0.0.1"))


ROOT = certs.get("root").path
WAYS = [(mode, mechanism) for mode in ("STARTTLS", "implicit") for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5")]


@cases("swaks, {0}, {1}", WAYS)
def _(mode, mechanism):
    with box(listen()) as (r, g):
        host, port = door(r, mode)
        said = fine("swaks", "--server", host, "--port", str(port), "--from", "a@a.test", "--to", "b@b.test",
                    "--tls-on-connect" if mode == "implicit" else "--tls", "--tls-verify", "--tls-ca-path", ROOT,
                    "--auth", mechanism, "--auth-user", NAME, "--auth-password", WORD, "--header", "Subject: swaks")
        contains(said, "235 ")
        equal(g.one().fields("Subject"), ["swaks"])
        contains(g.one().fields("Received")[0], "ESMTPSA")


@cases("msmtp, {0}, {1}", WAYS)
def _(mode, mechanism):
    with box(listen()) as (r, g):
        host, port = door(r, mode)
        fine("msmtp", "-C", "/dev/null", f"--host={host}", f"--port={port}", "--tls=on", f"--tls-trust-file={ROOT}",
             f"--tls-starttls={'off' if mode == 'implicit' else 'on'}", f"--auth={mechanism.lower()}", f"--user={NAME}",
             f"--passwordeval=echo '{WORD}'", "--from=a@a.test", "b@b.test", stdin=b"Subject: msmtp\n\nhello\n")
        equal(g.one().fields("Subject"), ["msmtp"])


@cases("curl, {0}, {1}", WAYS)
def _(mode, mechanism):
    with box(listen()) as (r, g), Files() as f:
        host, port = door(r, mode)
        path = f.put("mail", "Subject: curl\r\n\r\nhello\r\n")
        fine("curl", "-sS", "-v", "--max-time", "50", "--ssl-reqd", "--cacert", ROOT, "--user", f"{NAME}:{WORD}",
             "--login-options", f"AUTH={mechanism}", "--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "--upload-file",
             path, f"smtp{'s' if mode == 'implicit' else ''}://{host}:{port}/dev.test")
        equal(g.one().fields("Subject"), ["curl"])


def python_client(r, mode, version=None, ca=ROOT):
    ctx = ssl.create_default_context(cafile=ca)
    if version:
        ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
    if mode == "implicit":
        return smtplib.SMTP_SSL(*door(r, mode), timeout=30, context=ctx)
    c = smtplib.SMTP(*door(r), timeout=30)
    c.starttls(context=ctx)
    return c


VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@cases("smtplib, {0}, TLS {1}, certificate {2}: three mails, one of 3 MiB", [
    (m, v, c) for m in ("STARTTLS", "implicit") for v in ("1.2", "1.3") for c in ("rsa middle", "ec root")])
def _(mode, version, cert):
    with box(listen(cert)) as (r, g):
        large = b"Subject: large\r\n\r\n" + b"".join(b"%07d\r\n" % n for n in range(350000))
        with python_client(r, mode, version) as c:
            equal(c.sock.version(), f"TLSv{version}")
            c.login(NAME, WORD)
            for text in (HELLO, large, HELLO):
                equal(c.sendmail("a@a.test", ["b@b.test"], text), {}, "refused")
        equal(len(g.mails), 3, "mails")
        check(g.mails[1].text.endswith(large[-3000000:]), "the large mail differs")
        contains(g.mails[0].fields("Received")[0], "ESMTPSA")


@cases("a wrong password, {0}: refused within TLS", ["STARTTLS", "implicit"])
def _(mode):
    with box(listen()) as (r, g), python_client(r, mode) as c:
        c.ehlo("dev.test")
        equal(c.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{NAME}\0wrong".encode()).decode())[0], 535, "code")
        equal(c.docmd("MAIL", "FROM:<a@a.test>")[0], 250)
        equal(c.docmd("RCPT", "TO:<b@b.test>")[0], 550)


@case("what gatepost cert makes is taken, and its name verified")
def _():
    with Files() as f:
        code, out, err = gatepost("cert", "-o", f.dir, "box.test", "127.0.0.1")
        equal(code, 0, f"exit of cert, which said {err}")
        with box('Relay_Hosts = ( "192.0.2.0/24" )\n' + out + f'Auth_User "{NAME}" {{ Password = "{WORD}" }}\n') as (r, g):
            ctx = ssl.create_default_context(cafile=os.path.join(f.dir, "box.test.crt"))
            with smtplib.SMTP("127.0.0.1", r.port, timeout=30) as c:
                c.starttls(context=ctx)
                c.login(NAME, WORD)
                c.sendmail("a@a.test", ["b@b.test"], HELLO)
            g.one()


@case("a box behind a box: TLS, login and verification between two of us")
def _():
    with Liar() as g, Relay(g.conf() + listen(), hostname="inner.test") as inner, Relay(
            f'Gateway = "127.0.0.1:{door(inner)[1]}"\n' + account(NAME, WORD)
            + trust(name=None).replace("TLS_Verify = host\n", ""), hostname="outer.test") as outer:
        for _ in range(3):
            with outer.session() as c:
                c.mail(wanted="250")
        equal(len(g.mails), 3, "mails")
        contains(g.mails[0].fields("Received")[0], "by inner.test with ESMTPSA")
        equal(outer.event()["tls"], "TLSv1.3")


@case("the same by gatepost send, which shows the dialogue without the password")
def _():
    with Liar() as g, Relay(g.conf() + listen(), hostname="inner.test") as inner, Files() as f:
        port = door(inner, "implicit")[1]
        conf = f.put("gatepost.conf", f'Hostname = outer.test\nControl_Socket = "{f.dir}/none.sock"\n'
                     f'Gateway = "127.0.0.4:{port}"\nTLS = implicit\n' + account(NAME, WORD)
                     + trust(name=None).replace("TLS_Verify = host\n", ""))
        code, out, err = gatepost("send", "-c", conf, "-v", "b@b.test")
        equal(code, 0, f"exit; it said {out} {err}")
        g.one()
        for secret in (WORD, "UGE1NSB3b3JkLD0heA", "c2Nhbm5lcgBQYTU1"):
            lacks(out + err, secret)


# --- what is offered when ---

@case("AUTH is offered within TLS only, STARTTLS before it only")
def _():
    with box(listen()) as (r, _g):
        with r.client() as c:
            lines = c.hello().lines
            contains(lines, "STARTTLS")
            check(not [x for x in lines if x.startswith("AUTH")], f"AUTH in clear: {lines}")
            c.cmd("AUTH PLAIN AHNjYW5uZXIAUGE1NSB3b3JkLD0heA==", "5")
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "550 5.7.1")
        with python_client(r, "STARTTLS") as c:
            c.ehlo("dev.test")
            check("auth" in c.esmtp_features, f"no AUTH in TLS: {c.esmtp_features}")
            check("starttls" not in c.esmtp_features, "STARTTLS in TLS")
            among(c.docmd("STARTTLS")[0], (502, 503), "a second STARTTLS")


@case("Starttls = no for a Peer hides it from that one")
def _():
    with box(listen(more='Peer "127.0.0.2" { Starttls = no }')) as (r, _g):
        for source, wanted in (("127.0.0.1", True), ("127.0.0.2", False)):
            with r.client(source=source) as c:
                equal("STARTTLS" in c.hello().lines, wanted, f"STARTTLS offered to {source}")
                if not wanted:
                    c.cmd("STARTTLS", "502")


@case("commands in the packet of STARTTLS: closed without a reply to them, and logged")
def _():
    with box(listen(relay="")) as (r, g), r.client() as c:
        c.hello()
        c.send(b"STARTTLS\r\nMAIL FROM:<evil@a.test>\r\nRCPT TO:<b@b.test>\r\n")
        lacks(c.eof(10), b"250")
        time.sleep(0.2)
        equal(len(g.conns), 0, "connections to the gateway")
        r.wait_log(r"peer=127\.0\.0\.1.*STARTTLS")


# --- openssl s_client ---

def s_client(at, *more, starttls=True, stdin=b"QUIT\r\n"):
    return call("openssl", "s_client", "-connect", "{}:{}".format(*at), *(["-starttls", "smtp"] if starttls else []), *more,
                stdin=stdin)


@cases("openssl s_client, {0}", [
    ("-tls1_2",), ("-tls1_3",), ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256",), ("-tls1_2 -cipher AES128-SHA",),
    ("-tls1_2 -cipher AES256-SHA",), ("-tls1_2 -cipher AES128-GCM-SHA256",), ("-tls1_2 -cipher ECDHE-RSA-AES256-SHA",),
    ("-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",), ("-tls1_3 -groups P-384",), ("-tls1_3 -groups P-256:X25519",),
    ("-tls1_2 -curves X25519",), ("-no_ticket -tls1_2",), ("-servername box.test",), ("-tls1_2 -maxfraglen 1024",)])
def _(options):
    with box(listen("rsa middle")) as (r, _g):
        for at, starttls in ((door(r), True), (door(r, "implicit"), False)):
            code, said = s_client(at, "-CAfile", ROOT, "-verify_return_error", *options.split(), starttls=starttls)
            equal(code, 0, f"exit; it said {short(said, 2500)}")
            contains(said, "Verify return code: 0 (ok)")


@cases("C38: no NewSessionTicket comes from us, TLS {0}", ["1.2", "1.3"])
def _(version):
    with box(listen()) as (r, _g):
        _code, said = s_client(door(r), f"-tls{version.replace('.', '_')}", "-msg", "-CAfile", ROOT,
                               stdin=b"NOOP\r\nNOOP\r\nQUIT\r\n")
        contains(said, "Finished")
        lacks(said, "NewSessionTicket")
        contains(said, "Reused" if "Reused" in said else "New, TLSv1.")


@cases("C12: a device with at most TLS {1}: the log names it and its version, and it is served in clear when it comes again", [
    ("-tls1", "1.0"), ("-tls1_1", "1.1")])
def _(option, version):
    with box(listen(relay="")) as (r, g):
        code, said = s_client(door(r), option, "-cipher", "ALL:@SECLEVEL=0")
        check(code != 0, f"a handshake: {short(said)}")
        r.wait_log(rf"peer=127\.0\.0\.1.*TLS {re.escape(version)}")
        with r.session() as c:
            c.mail(wanted="250")
        g.one()


@case("renegotiation is refused, nothing breaks")
def _():
    with box(listen(relay="")) as (r, g):
        s_client(door(r), "-tls1_2", "-legacy_renegotiation", stdin=b"R\nQUIT\r\n")
        with r.session() as c:
            c.mail(wanted="250")
        g.one()


# --- hostile handshakes ---

HELLOS = {
    "noise": random.Random(1).randbytes(3000), "zeros": bytes(3000), "plain commands": b"EHLO x\r\nMAIL FROM:<a@a.test>\r\n" * 30,
    "a record of 65,535 octets": b"\x16\x03\x01\xff\xff" + bytes(65535), "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "half a ClientHello": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(60),
    "a ClientHello of 1 octet records": b"".join(b"\x16\x03\x01\x00\x01" + bytes([b])
                                                for b in b"\x01\x00\x00\xc4\x03\x03" + bytes(190)),
    "application data": b"\x17\x03\x03\x00\x20" + bytes(32), "empty records": b"\x16\x03\x01\x00\x00" * 500,
}


@cases("in place of a ClientHello, {0}: closed, and the next client is served", HELLOS)
def _(name):
    with box(listen()) as (r, g):
        for at, starttls in ((door(r), True), (door(r, "implicit"), False)):
            with Client(at) as c:
                if starttls:
                    c.hello()
                    c.cmd("STARTTLS", "220")
                try:
                    c.send(HELLOS[name])
                    c.half_close()
                except (Closed, OSError):
                    pass
                c.eof(15)
        with python_client(r, "STARTTLS") as c:
            c.login(NAME, WORD)
            c.sendmail("a@a.test", ["b@b.test"], HELLO)
        g.one()


@case("handshakes that stand still: mail to the gateway goes on, in the end they are dropped and others are served")
def _():
    half = HELLOS["half a ClientHello"]
    with secure_box("TLS = required\n" + trust() + listen(relay="")) as (r, g):
        stuck = []
        for _ in range(20):
            c = Client(door(r))
            c.hello()
            if c.cmd("STARTTLS", "220|454 4.").code == 220:
                c.send(half)
            stuck.append(c)
        with r.session() as c:
            c.mail(wanted="250")
            c.cmd("QUIT", "221")

        def again():
            try:
                with python_client(r, "STARTTLS") as c:
                    c.login(NAME, WORD)
                    c.sendmail("a@a.test", ["b@b.test"], HELLO)
                return True
            except (smtplib.SMTPException, OSError):
                time.sleep(0.5)
                return False
        wait_for(again, 40, "a place after the stalled ones were dropped")
        equal(len(g.mails), 2, "mails")
        for c in stuck:
            c.eof(30)


@case("fifty clients at once over TLS: each mail arrives, or the client was told 454 and comes again")
def _():
    with box(listen()) as (r, g):
        wrong, lock = [], threading.Lock()

        def one(number):
            end = time.monotonic() + 60
            while time.monotonic() < end:
                try:
                    with python_client(r, ("STARTTLS", "implicit")[number % 2]) as c:
                        c.login(NAME, WORD)
                        c.sendmail("a@a.test", ["b@b.test"], b"Subject: %d\r\n\r\nx\r\n" % number)
                    return
                except smtplib.SMTPResponseException as error:
                    if error.smtp_code not in (454, 421):
                        with lock:
                            wrong.append(repr(error))
                        return
                except OSError:         # an implicit listener has no words for a full house
                    pass
                time.sleep(0.2)
            wrong.append(f"{number} never came in")
        threads = [threading.Thread(target=one, args=(n,)) for n in range(50)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(90)
        equal(wrong, [], "trouble")
        equal(sorted(int(m.fields("Subject")[0]) for m in g.mails), list(range(50)), "mails")


@cases("a client that ends TLS {0} in the middle of a mail: nothing is sent", ["with close_notify", "without", "by reset"])
def _(how):
    with box(listen()) as (r, g):
        c = python_client(r, "STARTTLS")
        c.login(NAME, WORD)
        c.mail("a@a.test")
        c.rcpt("b@b.test")
        c.docmd("DATA")
        c.sock.sendall(b"Subject: x\r\n\r\nhello\r\n")
        time.sleep(0.2)
        if how == "with close_notify":
            try:
                c.sock.settimeout(1)
                c.sock.unwrap()
            except OSError:
                pass
        elif how == "by reset":
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
        wait_for(lambda: r.events(), 60, "the log line")
        time.sleep(0.3)
        equal(len(g.offered), 0, "bodies at the gateway")
        equal(r.event()["status"], "refused", "status")


need_binary()
main(jobs=4, limit=500)
