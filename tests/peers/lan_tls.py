#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""TLS towards the LAN: STARTTLS, Use_SSL, what devices do to them, floods and stalls (DESIGN 3.5, 3.6)."""

import base64
import os
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs, memory                                           # noqa: E402

LOGIN = 'Auth_User "scanner" { Password = "Gehe1m" }\n'
PLAIN = base64.b64encode(b"\0scanner\0Gehe1m").decode()
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
BODY = b"Subject: x\r\n\r\nhello\r\n"


def pair(name):
    one = certs.get(name)
    return f'TLS_Certificate = "{one.chain}" TLS_Key = "{one.key.path}"'


@contextmanager
def tls_box(conf="", name="good", mortal=False, **script):
    """A relay with two listeners: STARTTLS and Use_SSL."""
    with Liar(**script) as g:
        with Relay(g.conf() + conf + f'ESMTP_Listener {{\nListen "127.0.0.1:0" {{ {pair(name)} }}\n'
                   f'Listen "127.0.0.2:0" {{ {pair(name)} Use_SSL = true }}\n}}\n', mortal=mortal) as r:
            r.clear, r.implicit = sorted(r.addresses)
            yield r, g


def context(version=None, ciphers=None):
    out = ssl.create_default_context(cafile=certs.get("root").path)
    out.check_hostname = True
    if version:
        out.minimum_version = out.maximum_version = VERSIONS[version]
    if ciphers:
        out.set_ciphers(ciphers)
    return out


class Secure(Client):
    """Over TLS once secure() was called. An end without close_notify is an error."""

    def secure(self, ctx=None, name=certs.HOST):
        try:
            self.sock = (ctx or context()).wrap_socket(self.sock, server_hostname=name, suppress_ragged_eofs=False)
        except (OSError, ValueError) as error:
            raise Failed(f"no TLS: {error}") from None
        return self


def implicit(r, ctx=None, **more):
    return Secure(r.implicit, **more).secure(ctx)


def started(r, ctx=None, hello="EHLO device", **more):
    c = Secure(r.clear, **more)
    c.reply("220")
    if hello:
        c.cmd(hello, "250")
    c.cmd("STARTTLS", "220 2.0.0")
    return c.secure(ctx)


# ---- it works ----

@cases("{0}, TLS {1}, {2} certificate: a mail", [(h, v, k) for h in ("STARTTLS", "Use_SSL") for v in VERSIONS
                                               for k in ("EC", "RSA", "chained")])
def _(how, version, kind):
    with tls_box(name={"EC": "good", "RSA": "rsa root", "chained": "behind a middle"}[kind]) as (r, g):
        c = started(r, context(version)) if how == "STARTTLS" else implicit(r, context(version))
        with c:
            equal(c.sock.version(), f"TLSv{version}")
            if how == "Use_SSL":
                c.reply("220")
            rows = c.cmd("EHLO device", "250").lines
            lacks(rows, "STARTTLS")
            c.cmd("STARTTLS", "503 5.5.1")
            c.mail(wanted="250")
            contains(g.one().text, f" with ESMTPS (TLSv{version}) id ".encode())
            c.cmd("QUIT", "221")
            equal(c.eof(5), b"", "behind close_notify")


OLD = {"AES128-SHA": "rsa root", "AES256-SHA256": "", "AES128-GCM-SHA256": "rsa root", "ECDHE-RSA-AES128-SHA": "rsa root",
       "ECDHE-ECDSA-AES128-SHA": "good", "ECDHE-RSA-CHACHA20-POLY1305": "rsa root"}


@cases("TLS 1.2 with {0} alone", [(n,) for n in OLD if OLD[n]])
def _(suite):
    with tls_box(name=OLD[suite]) as (r, _g):
        with started(r, context("1.2", suite + ":@SECLEVEL=0")) as c:
            equal(c.sock.cipher()[0], suite)
            c.mail(wanted="250")


@case("what was said before STARTTLS is forgotten; a device may go on without a greeting")
def _():
    with tls_box('Relay_Hosts = ( "192.0.2.0/24" )\nAuth_Requires_TLS = false\n' + LOGIN) as (r, g):
        c = Secure(r.clear)
        with c:
            contains(c.hello("before").lines, "STARTTLS")
            c.cmd("AUTH PLAIN " + PLAIN, "235")
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("STARTTLS", "503 5.5.1")
            c.cmd("RSET", "250")
            c.cmd("STARTTLS please", "501 5.5.4")
            c.cmd("STARTTLS", "220")
            c.secure()
            c.cmd("MAIL FROM:<a@a.test>", "250")
            c.cmd("RCPT TO:<b@b.test>", "550 5.7.1")
            c.cmd("RSET", "250")
            c.cmd("AUTH PLAIN " + PLAIN, "235")
            c.mail(wanted="250")
            contains(g.one().text, b" with ESMTPSA (TLSv1.3) id ")
            lacks(g.one().text, b"before", "the name said in clear")


@case("behind HELO too, and a login with Auth_Requires_TLS is offered only then")
def _():
    with tls_box(LOGIN) as (r, _g):
        with started(r, hello="HELO printer") as c:
            contains(c.cmd("EHLO printer", "250").text, "AUTH PLAIN LOGIN CRAM-MD5")
            c.cmd("AUTH PLAIN " + PLAIN, "235")
            c.mail(wanted="250")
        with r.client() as c:
            lacks(c.hello().text, "AUTH")
            c.cmd("AUTH PLAIN " + PLAIN, "538 5.7.11")


@case("Starttls = no hides it from a Peer")
def _():
    with Liar() as g, Relay(g.conf() + f'ESMTP_Listener {{ Listen "127.0.0.1:0" {{ {pair("good")} }}\n'
                            'Peer "127.0.0.5" { Starttls = no }\n}\n') as r:
        for source, wanted in (("127.0.0.1", "220"), ("127.0.0.5", "502 5.5.1")):
            with Client(r.address, source=source) as c:
                equal("STARTTLS" in c.hello().lines, wanted == "220", f"offered to {source}")
                c.cmd("STARTTLS", wanted)


@case("submit.sock has none")
def _():
    with tls_box() as (r, _g), Client(os.path.join(r.dir, "submit.sock")) as c:
        lacks(c.hello().text, "STARTTLS")
        c.cmd("STARTTLS", "502 5.5.1")


@cases("a mail of 3 MB both through {0} and TLS {1}, in odd pieces", [(h, v) for h in ("STARTTLS", "Use_SSL") for v in VERSIONS])
def _(how, version):
    dice = random.Random(how + version)
    body = b"Subject: big\r\n\r\n" + b"".join(
        base64.b64encode(dice.randbytes(dice.randrange(1, 90))) + b"\r\n" for _ in range(40000))
    with tls_box() as (r, g):
        with (started(r, context(version)) if how == "STARTTLS" else implicit(r, context(version))) as c:
            if how == "Use_SSL":
                c.reply("220")
            c.start()
            c.data()
            at = 0
            while at < len(body):
                size = dice.choice([1, 2, 3, 100, 4095, 4096, 4097, 16384, 60000])
                c.send(body[at:at + size])
                at += size
            c.send(".\r\n")
            c.reply("250")
        equal(g.one().text.split(b"\r\n\r\n", 1)[1], body.split(b"\r\n\r\n", 1)[1])


@case("commands in one record, and each octet in its own")
def _():
    text = b"EHLO x\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n"
    with tls_box() as (r, g):
        for size in (len(text), 1, 5):
            with started(r) as c:
                for at in range(0, len(text), size):
                    c.send(text[at:at + size])
                for wanted in ("250", "250", "250", "354", "250", "250", "221"):
                    c.reply(wanted)
                equal(c.eof(5), b"")
        equal(len(g.mails), 3, "mails")


@case("a client that has said close_notify behind its final dot still gets the reply")
def _():
    with tls_box() as (r, g):
        sock = socket.create_connection(r.implicit)
        sock.settimeout(10)
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context("1.3").wrap_bio(coming, going, server_hostname=certs.HOST)
        got = b""

        def pump(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    sock.sendall(going.read())
                    data = sock.recv(65536)
                    if not data:
                        raise Failed("closed") from None
                    coming.write(data)
        pump(tls.do_handshake)
        tls.write(b"EHLO x\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
        sock.sendall(going.read())
        while b"\r\n354" not in got:
            got += pump(lambda: tls.read(65536))
        tls.write(b"\r\nx\r\n.\r\n")
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        sock.sendall(going.read())
        try:
            while b"\r\n250 2.0.0" not in got.split(b"\r\n354")[1]:
                coming.write(sock.recv(65536))
                got += tls.read(65536)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            raise Failed(f"no reply in {got[-100:]!r}") from None
        finally:
            sock.close()
        g.one()


@case("a connection that is cut in the body, without close_notify: no mail")
def _():
    with tls_box() as (r, g):
        for how in ("close", "reset"):
            c = started(r)
            c.start()
            c.data()
            c.send(BODY)
            plain = socket.socket(fileno=c.sock.detach())
            if how == "reset":
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            plain.close()
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the end")
        equal([m for m in g.mails if m.whole], [], "mails")


@case("the box says close_notify at a timeout, at too many errors, at SIGTERM")
def _():
    with tls_box("Client_Timeout = 1s\n") as (r, _g):
        with started(r) as c:
            c.reply("421 4.4.2", wait=5)
            equal(c.eof(5), b"")
    with tls_box() as (r, _g):
        with started(r) as c:
            for _ in range(20):
                c.cmd("FROB", "500")
            c.reply("421")
            equal(c.eof(5), b"")
        with started(r) as c:
            r.signal(15)
            c.reply("421")
            equal(c.eof(5), b"")
        r.ended()


# ---- what devices and others do to it ----

@cases("commands behind STARTTLS in one packet: {0}", [
    ("a mail", b"MAIL FROM:<x@x.test>\r\nRCPT TO:<y@y.test>\r\n"), ("half a line", b"RS"), ("a line end", b"\r\n"),
    ("a TLS hello", b"\x16\x03\x01\x00\x05hello")])
def _(_name, behind):
    with tls_box() as (r, g), r.client() as c:
        c.hello()
        c.send(b"STARTTLS\r\n" + behind)
        equal(c.eof(5), b"", "no reply")
        r.wait_log("event=closed .*behind STARTTLS")
        equal(len(g.conns), 0)


@case("grouped commands before STARTTLS are answered, what is grouped behind it is not")
def _():
    with tls_box() as (r, _g), r.client() as c:
        c.reply("220")
        c.send("EHLO x\r\nNOOP\r\nSTARTTLS\r\nEHLO y\r\n")
        c.reply("250")
        c.reply("250")
        equal(c.eof(5), b"")


def hello_of(version, suites=(0x002f, 0x0035, 0x000a), fragment=0, supported=()):
    """A ClientHello in records."""
    body = struct.pack(">H", version) + bytes(32) + b"\0" + struct.pack(">H", 2 * len(suites))
    body += b"".join(struct.pack(">H", s) for s in suites) + b"\x01\0"
    if supported:
        inner = bytes([2 * len(supported)]) + b"".join(struct.pack(">H", v) for v in supported)
        ext = struct.pack(">HH", 43, len(inner)) + inner
        body += struct.pack(">H", len(ext)) + ext
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    size = fragment or len(message)
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(message[n:n + size])) + message[n:n + size]
                    for n in range(0, len(message), size))


@cases("C12: a printer with {0} at best: an alert, a log line that says what helps, then in clear", [
    ("TLS 1.0", 0x0301), ("TLS 1.1", 0x0302), ("SSL 3", 0x0300)])
def _(name, version):
    with tls_box() as (r, g):
        with r.client(source="127.0.0.7") as c:
            c.hello("printer")
            c.cmd("STARTTLS", "220")
            c.send(hello_of(version))
            got = c.eof(5)
            equal(got[:1], b"\x15", "an alert")
        row = r.event("session")
        equal([row["event"], row["peer"]], ["tls", "127.0.0.7"])
        contains(row["reason"], f"the client offers {name} at best")
        contains(row["reason"], "Starttls = no for this Peer")
        with r.client(source="127.0.0.7") as c:
            c.hello("printer")
            c.mail(wanted="250")
        g.one()


@cases("not TLS at {1}: {0}", [(n, h) for n in ("SMTP", "HTTP", "zeros", "nothing but an end") for h in ("STARTTLS", "Use_SSL")])
def _(name, how):
    text = {"SMTP": b"EHLO printer\r\n", "HTTP": b"GET / HTTP/1.1\r\nHost: box\r\n\r\n", "zeros": bytes(600)}.get(name)
    with tls_box() as (r, _g), Client(r.clear if how == "STARTTLS" else r.implicit) as c:
        if how == "STARTTLS":
            c.hello()
            c.cmd("STARTTLS", "220")
        if text:
            c.send(text)
        else:
            c.half_close()
        got = c.eof(5)
        check(b"250" not in got and b"220" not in got, f"answered in clear: {got!r}")
        row = r.event("session")
        equal(row["event"], "tls")
        contains(row["reason"], "TLS handshake failed")
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the end")


@case("hellos in many records, cut anywhere, too long, and broken: bounded, and the next one is served")
def _():
    dice = random.Random(5)
    good = hello_of(0x0303, (0x1301, 0xc02b, 0xc02f, 0x009c), supported=(0x0304, 0x0303))
    with tls_box() as (r, _g):
        for n in range(60):
            with Client(r.implicit) as c:
                if n < 20:
                    data = hello_of(0x0303, (0x1301, 0xc02b), fragment=1 + n, supported=(0x0304, 0x0303))
                elif n < 40:
                    data = good[:dice.randrange(len(good))]
                elif n < 55:
                    data = bytearray(good)
                    for _ in range(3):
                        data[dice.randrange(len(data))] = dice.randrange(256)
                else:
                    data = hello_of(0x0303, range(1, 30000), fragment=16000)
                try:
                    c.send(bytes(data))
                    if n % 2:
                        c.half_close()
                        c.eof(5)
                except (Failed, OSError):
                    pass
        with implicit(r) as c:
            c.reply("220")


@case("a handshake that is cut at any octet leaves nothing behind")
def _():
    with tls_box() as (r, _g):
        recorded = record(r)
        check(len(recorded) > 300, f"{len(recorded)} octets")
        for n in range(0, len(recorded), 17):
            with Client(r.implicit) as c:
                c.send(recorded[:n])
                if n % 2:
                    c.reset()
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the end")
        with implicit(r) as c:
            c.reply("220")


def record(r):
    """What a client sends up to its Finished (of no use to anybody else)."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context("1.3").wrap_bio(coming, going, server_hostname=certs.HOST)
    out = b""
    with socket.create_connection(r.implicit) as sock:
        sock.settimeout(10)
        while True:
            try:
                tls.do_handshake()
                return out + going.read()
            except ssl.SSLWantReadError:
                one = going.read()
                out += one
                sock.sendall(one)
                coming.write(sock.recv(65536))


def openssl_client(r, *words, script=b"", how="STARTTLS", wait=20):
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    host, port = r.clear if how == "STARTTLS" else r.implicit
    run = subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", certs.get("root").path,
                            *(["-starttls", "smtp"] if how == "STARTTLS" else []), *words],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for one in script if isinstance(script, list) else [script]:
            time.sleep(0.4)
            try:
                run.stdin.write(one)
                run.stdin.flush()
            except BrokenPipeError:
                break
        time.sleep(0.4)
        out = run.communicate(timeout=wait)[0]
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        raise Failed("openssl s_client did not end") from None
    return out.decode("latin-1")


@cases("C38b: no session ticket, TLS {0} at {1}", [(v, h) for v in VERSIONS for h in ("STARTTLS", "Use_SSL")])
def _(version, how):
    with tls_box() as (r, _g):
        out = openssl_client(r, "-msg", f"-tls{version.replace('.', '_')}", "-crlf", script=[b"NOOP\n", b"quit\n"], how=how)
        contains(out, "221 2.0.0")
        contains(out, "Verify return code: 0")
        contains(out, "Finished")
        lacks(out, "NewSessionTicket")


@case("renegotiation is refused, and harms nobody")
def _():
    with tls_box() as (r, _g):
        out = openssl_client(r, "-tls1_2", "-msg", script=[b"EHLO x\r\n", b"R\n", b"NOOP\r\n"], how="Use_SSL")
        check(out.count("ServerHello, Len") + out.count("ServerHello") >= 1, out[-500:])
        equal(len(re.findall(r"<<< .*ServerHello(?!Done)", out)), 1, "handshakes")
        with implicit(r) as c:
            c.reply("220")


# ---- bounds ----

def limit(name):
    """A limit of this build."""
    return int(re.search(rf"\b{name}=(\d+)", gatepost("version")[1]).group(1))


def places():
    """Handshakes of clients at the same time: the last place is for gateways."""
    return limit("TLS_HANDSHAKES") - 1


def stall(r, how):
    """A client whose handshake goes nowhere."""
    c = Client(r.clear if how == "STARTTLS" else r.implicit)
    if how == "STARTTLS":
        c.hello()
        c.send("STARTTLS\r\n")
    return c


@cases("handshakes that stall, more than there are places ({0}): mail in clear goes on at once, TLS within seconds, all end", ["STARTTLS", "Use_SSL"])
def _(how):
    with tls_box() as (r, g):
        held = [stall(r, how) for _ in range(places() + 38)]
        began = time.monotonic()
        for n in range(5):
            with Client(r.clear) as c:
                c.hello()
                start = time.monotonic()
                c.mail(wanted="250")
                within(time.monotonic() - start, 0, 1, "a mail in clear")
        equal(len(g.mails), 5)
        ends = []

        def watch(c):
            try:
                ends.append(c.eof(40))
            except Failed as error:
                ends.append(error)
        threads = [threading.Thread(target=watch, args=(c,)) for c in held]
        for one in threads:
            one.start()
        for one in threads:
            one.join(45)
        bad = [e for e in ends if isinstance(e, Failed)]
        # those told 454 go on in clear: they are not closed
        if how == "Use_SSL":
            equal(bad, [], "not closed")
        within(time.monotonic() - began, 0, 45)
        for c in held:
            c.close()
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the end of all")
        with implicit(r) as c:
            c.reply("220")


@case("all places taken by those that stall: the next one has its place after some 2 s")
def _():
    with tls_box() as (r, _g):
        held = [stall(r, "Use_SSL") for _ in range(places())]
        time.sleep(0.3)
        start = time.monotonic()
        with implicit(r) as c:
            c.reply("220")
            within(time.monotonic() - start, 0.5, 4)
        r.wait_log("stood still while others waited")
        for c in held:
            c.close()


@case("a stalled handshake that nobody waits for ends after 10 s")
def _():
    with tls_box() as (r, _g):
        start = time.monotonic()
        c = stall(r, "Use_SSL")
        c.send(b"\x16\x03")
        equal(c.eof(15), b"")
        within(time.monotonic() - start, 9.5, 12)
        r.wait_log("not done within 10 seconds")


@case("places taken by handshakes that crawl: 454 after 5 s, the session goes on in clear; Use_SSL is closed")
def _():
    with tls_box() as (r, _g):
        hello = hello_of(0x0303, (0x1301,), supported=(0x0304,))
        stop = threading.Event()

        def crawl():
            while not stop.is_set():
                with Client(r.implicit) as c:
                    try:
                        for octet in hello:
                            if stop.wait(0.4):
                                return
                            c.send(bytes([octet]))
                    except Failed:
                        pass
        threads = [threading.Thread(target=crawl) for _ in range(places() + 2)]
        for one in threads:
            one.start()
        try:
            time.sleep(0.5)
            with Client(r.clear) as c, Client(r.implicit) as d:
                c.hello()
                start = time.monotonic()
                c.cmd("STARTTLS", "454 4.7.0")
                within(time.monotonic() - start, 4.5, 7)
                c.mail(wanted="250")
                equal(d.eof(8), b"")
                within(time.monotonic() - start, 0, 9)
        finally:
            stop.set()
            for one in threads:
                one.join()
        r.wait_log("no place for one more TLS session: told 454")


@case("one address that takes all places and crawls does not keep another from TLS")
def _():
    with tls_box() as (r, _g):
        hello = hello_of(0x0303, (0x1301,), supported=(0x0304,))
        stop = threading.Event()

        def crawl():
            while not stop.is_set():
                with Client(r.implicit, source="127.0.0.66") as c:
                    try:
                        for octet in hello:
                            if stop.wait(0.3):
                                return
                            c.send(bytes([octet]))
                    except Failed:
                        pass
        threads = [threading.Thread(target=crawl) for _ in range(places() + 10)]
        for one in threads:
            one.start()
        try:
            time.sleep(1)
            for _ in range(4):
                with started(r) as c:
                    c.mail(wanted="250")
        finally:
            stop.set()
            for one in threads:
                one.join()
        r.wait_log("while others waited for this address's places")


@case("many devices at the same moment: all have TLS, none is told 454")
def _():
    with tls_box() as (r, g):
        bad = []

        def one():
            try:
                with started(r) as c:
                    c.mail(wanted="250")
                    c.cmd("QUIT", "221")
            except Failed as error:
                bad.append(str(error))
        number = places() + 18
        threads = [threading.Thread(target=one) for _ in range(number)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal(bad, [])
        equal(len(g.mails), number)


@case("TLS sessions that stand fill their places: 454, in clear it goes on, and one that leaves makes room")
def _():
    with tls_box() as (r, _g):
        held = []
        try:
            most = limit("TLS_SESSIONS")
            while len(held) <= most:
                c = Secure(r.clear)
                c.hello()
                got = c.cmd("STARTTLS", "220|454 4.7.0", wait=10)
                if got.code == 454:
                    c.mail(wanted="250")
                    c.close()
                    break
                held.append(c.secure())
            within(len(held), most / 2, most, "places")
            with started(r, source="127.0.0.9") as other:
                other.mail(wanted="250")
            c = Secure(r.clear)
            c.hello()
            c.send("STARTTLS\r\n")
            time.sleep(1)
            held.pop().close()
            c.reply("220", wait=3)
            held.append(c.secure())
            for one in held:
                one.cmd("NOOP", "250")
        finally:
            for one in held:
                one.close()


@case("SIGTERM does not wait for handshakes")
def _():
    with tls_box() as (r, _g):
        held = [stall(r, how) for how in ("STARTTLS", "Use_SSL") for _ in range(4)]
        time.sleep(0.3)
        start = time.monotonic()
        r.signal(15)
        r.ended()
        within(time.monotonic() - start, 0, 2)
        for c in held:
            c.close()


@case("reload: new sessions see the new certificate, old ones go on")
def _():
    with tls_box() as (r, _g):
        with implicit(r) as old:
            old.reply("220")
            text = open(r.conf, encoding="latin-1").read()
            new = certs.get("behind a middle")
            with open(r.conf, "w", encoding="latin-1") as file:
                file.write(text.replace(certs.get("good").chain, new.chain).replace(certs.get("good").key.path, new.key.path))
            r.signal(1)

            def served():
                with implicit(r) as c:
                    return c.sock.getpeercert(True) == new.der
            wait_for(served, 60, "the new certificate")
            old.cmd("NOOP", "250")


@case("a password sent over TLS stays neither in the log nor in memory")
def _():
    if os.geteuid() != 0:
        raise Skip("needs root")
    wrong = "Zq7-nicht-dies-tls"
    needles = [wrong.encode(), base64.b64encode(b"\0nobody\0" + wrong.encode())[12:32]]
    with tls_box(LOGIN) as (r, _g):
        with started(r) as c:
            c.cmd("AUTH PLAIN " + base64.b64encode(b"\0nobody\0" + wrong.encode()).decode(), "535")
            c.cmd("NOOP", "250")
        wait_for(lambda: r.status()["sessions"] == 0, 60, "the end")
        for pid in r.pids():
            equal(memory.holds(pid, needles), set(), f"memory of {proc(pid, 'comm')}")
        lacks(r.log(), wrong)


# ---- programs of others ----

def ran(words, stdin=b""):
    if not shutil.which(words[0]):
        raise Skip(f"{words[0]} is not installed")
    done = subprocess.run(words, input=stdin, capture_output=True, timeout=30, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


PROGRAMS = {
    ("swaks", "STARTTLS"): ["swaks", "--tls", "--server", "{h}:{p}", "--from", "a@a.test", "--to", "b@b.test", "--auth", "PLAIN",
                            "--auth-user", "scanner", "--auth-password", "Gehe1m"],
    ("swaks", "Use_SSL"): ["swaks", "--tlsc", "--server", "{h}:{p}", "--from", "a@a.test", "--to", "b@b.test", "--auth", "LOGIN",
                           "--auth-user", "scanner", "--auth-password", "Gehe1m"],
    ("curl", "STARTTLS"): ["curl", "-sS", "--cacert", "{ca}", "--connect-to", "smtp.example.com:{p}:{h}:{p}", "--ssl-reqd",
                           "smtp://smtp.example.com:{p}/dev.test", "--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "-T", "{mail}",
                           "-u", "scanner:Gehe1m"],
    ("curl", "Use_SSL"): ["curl", "-sS", "--cacert", "{ca}", "--connect-to", "smtp.example.com:{p}:{h}:{p}",
                          "smtps://smtp.example.com:{p}/dev.test", "--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "-T", "{mail}",
                          "-u", "scanner:Gehe1m"],
    ("msmtp", "STARTTLS"): ["msmtp", "-C", "/dev/null", "--host={h}", "--port={p}", "--tls=on", "--tls-certcheck=off", "--auth=plain",
                            "--user=scanner", "--passwordeval=echo Gehe1m", "--from=a@a.test", "b@b.test"],
    ("msmtp", "Use_SSL"): ["msmtp", "-C", "/dev/null", "--host={h}", "--port={p}", "--tls=on", "--tls-starttls=off", "--tls-certcheck=off",
                           "--auth=login", "--user=scanner", "--passwordeval=echo Gehe1m", "--from=a@a.test", "b@b.test"],
}


@cases("{0}, {1}", list(PROGRAMS))
def _(name, how):
    with tls_box(LOGIN) as (r, g), Files(mail="Subject: x\r\n\r\nhello\r\n") as f:
        host, port = r.clear if how == "STARTTLS" else r.implicit
        words = [w.replace("{h}", host).replace("{p}", str(port)).replace("{ca}", certs.get("root").path)
                 .replace("{mail}", f.dir + "/mail") for w in PROGRAMS[name, how]]
        code, text = ran(words, BODY if name == "msmtp" else b"")
        if code and "TLS not available" in text:
            raise Skip(f"this {name} has no TLS")
        equal(code, 0, text[-800:])
        contains(g.one().text, b" with ESMTPSA (TLSv1.")


need_binary()
main(jobs=8)
