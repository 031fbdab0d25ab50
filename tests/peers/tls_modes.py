#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""TLS towards the gateway: which mode does what, what is forgotten, tickets, resumption, sudden ends (DESIGN 3.6)."""

import random
import re
import socket
import ssl
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403
from lib import certs                                                   # noqa: E402
from lib.tlsgateway import *                                            # noqa: E402,F403

REQUIRED = "TLS = required\n" + trust()
PLAIN = list(EXTENSIONS)
TROUBLE = "451 4.7.0"


def no_mail(r, wanted=TROUBLE, words=""):
    with r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>", wanted)
        check(re.search(words, got.text, re.I), f"/{words}/ is not in {got}")
        return got


def mail(r, body=HELLO):
    with r.session() as c:
        c.mail(body, wanted="250")
        c.cmd("QUIT", "221")


# --- no, ifavailable ---

@case("TLS = no: STARTTLS is offered and not asked for")
def _():
    with secure_box("TLS = no\n") as (r, g):
        mail(r)
        lacks(g.verbs, "STARTTLS")
        check("tls=TLS" not in r.log(), "the log speaks of TLS")


@cases("no option, TLS {0} at the gateway: STARTTLS, EHLO again, and the log tells the version", ["1.2", "1.3"])
def _(version):
    with secure_box(versions=(version,)) as (r, g):
        mail(r)
        equal(g.verbs[:4], ["EHLO", "STARTTLS", "EHLO", "MAIL"])
        equal(r.event()["tls"], f"TLSv{version}")
        equal(g.one().fields("Subject"), ["x"])


@case("ifavailable, not offered: in clear")
def _():
    with box("TLS = ifavailable\n") as (r, g):
        mail(r)
        lacks(g.verbs, "STARTTLS")


@cases("ifavailable, STARTTLS refused by {0}: in clear", [
    "454 4.7.0 TLS not available", "500 5.5.1 what?", "502 5.5.1 no", "554 5.7.0 no", "421 4.7.0 bye"])
def _(reply):
    with secure_box("TLS = ifavailable\n", STARTTLS=reply) as (r, g):
        if reply.startswith("421"):
            no_mail(r, "451")           # a gateway that closes has failed
        else:
            mail(r)
            equal(len(g.conns), 1, "connections")
            check(not g.secure, "TLS after all")


HANDSHAKES = {
    "closes": CLOSE, "resets": RESET, "speaks HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "sends an alert": (b"\x15\x03\x01\x00\x02\x02\x28", CLOSE), "sends zeros": bytes(2000),
    "sends noise": random.Random(3).randbytes(20000), "speaks SMTP": b"500 5.5.1 what?\r\n",
    "announces a record of 64 KiB": b"\x16\x03\x03\xff\xff" + bytes(65535),
    "sends half a ServerHello": (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(40), CLOSE),
}


@cases("ifavailable, in place of a handshake the gateway {0}: the mail goes in clear", HANDSHAKES)
def _(name):
    with secure_box("TLS = ifavailable\n", TLS=HANDSHAKES[name]) as (r, g):
        mail(r)
        g.one()
        check(not g.secure, "TLS after all")


@cases("required, in place of a handshake the gateway {0}: 451 4.7.0", HANDSHAKES)
def _(name):
    with secure_box(REQUIRED, TLS=HANDSHAKES[name]) as (r, g):
        no_mail(r)
        lacks(g.verbs, "MAIL")


@cases("implicit, in place of a handshake the gateway {0}: 451 4.7.0", HANDSHAKES)
def _(name):
    with secure_box("TLS = implicit\n" + trust(), implicit=True, TLS=HANDSHAKES[name]) as (r, g):
        no_mail(r)
        lacks(g.verbs, "MAIL")


# --- required, implicit ---

@case("required")
def _():
    with secure_box(REQUIRED) as (r, g):
        mail(r)
        equal(len(g.secure), 1, "TLS connections")
        code, out, _err = gatepost("status", "-c", r.conf)
        equal(code, 0, f"exit of status, which said {out!r}")


@case("required, not offered: 451 4.7.0 and why")
def _():
    with box(REQUIRED) as (r, g):
        no_mail(r, words="STARTTLS")
        lacks(g.verbs, "MAIL")
        lacks(g.verbs, "STARTTLS")


@cases("required, refused by {0}: 451 4.7.0 with the gateway's words", [
    "454 4.7.0 TLS not available due to temporary reason", "502 5.5.1 no such command here", "554 5.7.0 none for you"])
def _(reply):
    with secure_box(REQUIRED, STARTTLS=reply) as (r, g):
        no_mail(r, words=re.escape(reply[10:]))
        lacks(g.verbs, "MAIL")


@case("required, EHLO refused and HELO taken: 451 4.7.0")
def _():
    with secure_box(REQUIRED, EHLO="502 5.5.1 no") as (r, g):
        no_mail(r)
        lacks(g.verbs, "MAIL")


@case("required with a login, EHLO refused and HELO taken: no password")
def _():
    with secure_box(account() + trust(), EHLO="502 5.5.1 no", login=Login()) as (r, g):
        no_mail(r)
        lacks(g.verbs, "AUTH")
        lacks(g.verbs, "MAIL")


@case("required, EHLO within TLS refused: HELO there, the mail goes in TLS")
def _():
    with secure_box(REQUIRED, EHLO=["250 gw.test\nSTARTTLS", "502 5.5.1 no"]) as (r, g):
        mail(r)
        equal(g.verbs[:5], ["EHLO", "STARTTLS", "EHLO", "HELO", "MAIL"])
        check(g.secure, "no TLS")


@cases("implicit, TLS {0}: no STARTTLS, the greeting comes in TLS", ["1.2", "1.3"])
def _(version):
    with secure_box("TLS = implicit\n" + trust(), implicit=True, versions=(version,)) as (r, g):
        mail(r)
        equal(g.verbs[:2], ["EHLO", "MAIL"])
        equal(r.event()["tls"], f"TLSv{version}")


@case("implicit against a gateway that speaks plain: 451 4.7.0 in words, within the time for a handshake")
def _():
    with box("TLS = implicit\nConnect_Timeout = 2s\n" + trust()) as (r, g):
        no_mail(r)
        lacks(g.verbs, "MAIL")


@case("ifavailable against an implicit port: the greeting never comes, 451")
def _():
    with secure_box("EHLO_Timeout = 2s\n", implicit=True) as (r, _g):
        no_mail(r, "451 4.4.2")


@cases("a handshake that stands still, {0}: given up after Connect_Timeout", ["required", "implicit"])
def _(mode):
    with secure_box(f"TLS = {mode}\nConnect_Timeout = 2s\n" + trust(), implicit=mode == "implicit", TLS=SILENT) as (r, _g):
        start = time.monotonic()
        no_mail(r)
        within(time.monotonic() - start, 1.5, 6)


@case("a handshake that stands still: the client is answered within its patience")
def _():
    with secure_box("Client_Patience = 2s\n" + REQUIRED, TLS=SILENT) as (r, _g):
        start = time.monotonic()
        no_mail(r, "451")
        within(time.monotonic() - start, 1, 4)


@case("the first route has no TLS, the second has")
def _():
    with Liar() as plain, TlsLiar() as good, Relay(
            f'Routes = ( "smtp://{plain.at}" "smtp://{good.at}" )\n' + REQUIRED) as r:
        mail(r)
        equal((len(plain.mails), len(good.mails)), (0, 1), "mails")


# --- versions and ciphers ---

@cases("TLS_Protocols = {0}, the gateway has {1}: {2}", [
    ('"1.2"', ("1.2", "1.3"), "TLSv1.2"), ('"1.3"', ("1.2", "1.3"), "TLSv1.3"), ('"1.2 1.3"', ("1.2",), "TLSv1.2"),
    ('"1.2 1.3"', ("1.2", "1.3"), "TLSv1.3"), ('"1.3"', ("1.2",), None), ('"1.2"', ("1.3",), None)])
def _(protocols, versions, wanted):
    with secure_box(f"TLS_Protocols = {protocols}\n" + REQUIRED, versions=versions) as (r, g):
        if wanted:
            mail(r)
            equal(g.secure[0].version, wanted)
        else:
            no_mail(r, words=r"TLS_Protocols|version|TLS 1\.")
            lacks(g.verbs, "MAIL")


SUITES = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
          "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
          "ECDHE-RSA-AES128-SHA256")


@cases("TLS 1.2, {0}", SUITES)
def _(suite):
    with secure_box(REQUIRED, cert="rsa root" if "RSA" in suite else "ec root", versions=("1.2",),
                    ciphers=suite + ":@SECLEVEL=0") as (r, g):
        mail(r)
        equal(g.secure[0].suite, suite)


@cases("TLS {1}, the gateway's curve is {0}", [(c, v) for c in ("prime256v1", "secp384r1") for v in ("1.2", "1.3")])
def _(curve, version):
    with secure_box(REQUIRED, curves=curve, versions=(version,)) as (r, _g):
        mail(r)


# --- what was said before is forgotten ---

@case("the list before STARTTLS is forgotten: SIZE, 8BITMIME and PIPELINING of the clear list do not count")
def _():
    with secure_box(REQUIRED, EXTENSIONS=[*PLAIN, "STARTTLS"], EXTENSIONS_TLS=["X-NOTHING"]) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> SIZE=100 BODY=8BITMIME", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        c.data()
        c.send(HELLO + b".\r\n").reply("250")
        equal(g.one().sender, b"MAIL FROM:<a@a.test>")


@case("the list within TLS counts: SIZE and 8BITMIME")
def _():
    with secure_box(REQUIRED, EXTENSIONS=["SIZE 10", "STARTTLS"], EXTENSIONS_TLS=PLAIN) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test> SIZE=5000 BODY=8BITMIME", "250")
        c.cmd("RCPT TO:<b@b.test>", "250")
        contains(g.conn().wait_line("MAIL"), b"SIZE=")
        contains(g.conn().wait_line("MAIL"), b"BODY=8BITMIME")


INJECTED = {
    "a list with AUTH": b"250-gw.test\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1\r\n",
    "a refusal": b"554 5.7.1 go away\r\n", "half a reply": b"25", "a blank line": b"\r\n",
    "replies to MAIL and RCPT": b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n",
}


@cases("{0} in the packet of 220: the connection is dropped, and nothing of it is believed", INJECTED)
def _(name):
    with secure_box(REQUIRED, STARTTLS=(b"220 go ahead\r\n" + INJECTED[name], HANDSHAKE)) as (r, g):
        no_mail(r, "451")
        for one in g.conns:
            equal([v for v in one.verbs if v not in ("EHLO", "STARTTLS")], [], "said afterwards")


@case("the box sends nothing behind STARTTLS before it is answered")
def _():
    seen = []

    def look(conn, _line):
        seen.append((conn.have, peek(conn, b"\n", 0.3)))
        return ("220 go", HANDSHAKE)
    with secure_box(REQUIRED, STARTTLS=look) as (r, _g):
        mail(r)
    equal(seen, [(b"", False)], "behind STARTTLS")


# --- ends in the middle ---

def shut(conn, _line=b""):
    """close_notify, then the end."""
    try:
        conn.sock.settimeout(0.3)
        conn.sock.unwrap()
    except (OSError, ValueError, AttributeError):
        pass            # in clear there is nothing to say
    return CLOSE


@cases("TLS ends at {0} {1}: 451, and nothing is taken for sent", [
    (w, h) for w in ("EHLO", "MAIL", "RCPT", "DATA", "DOT") for h in ("with close_notify", "without", "by reset")])
def _(word, how):
    act = {"with close_notify": shut, "without": CLOSE, "by reset": RESET}[how]
    entry = ["250 gw.test\nSTARTTLS", act] if word == "EHLO" else act
    with secure_box("TLS_Verify = no\nTLS = required\n", **{word: entry}) as (r, g), r.session() as c:
        c.cmd("MAIL FROM:<a@a.test>", "250")
        got = c.cmd("RCPT TO:<b@b.test>")
        if got.code == 250:
            got = c.cmd("DATA")
        if got.code == 354:
            got = c.send(HELLO + b".\r\n").reply()
        got.want("451")
        c.cmd("QUIT", "221")
        equal(len(g.mails), 0, "mails")
        equal(r.event()["status"], "refused", "status in the log")


def wants_ours(version):
    """A gateway's context that asks for a certificate of the client's, which there is none of."""
    out = context(certs.get("good"), versions=(version,))
    out.verify_mode = ssl.CERT_REQUIRED
    out.load_verify_locations(certs.get("root").path)
    return [out]


def stays(conn, _line):
    """The connection outlives the handshake: a reset would race with the alert."""
    conn.kept = conn.sock.dup()
    return "220 2.0.0 go ahead", HANDSHAKE


@cases("it wants a certificate of ours, TLS {0}, {1}: 451 4.7.0 and why", [
    (v, m) for v in ("1.2", "1.3") for m in ("required", "implicit")])
def _(version, mode):
    with secure_box(f"TLS = {mode}\n" + trust(), STARTTLS=stays, contexts=wants_ours(version),
                    implicit=mode == "implicit") as (r, _g):
        no_mail(r, words=r"alert 40|closed the connection" if version == "1.2" else r"it wants a certificate of ours \(alert 116\)")


@cases("optional TLS, it wants a certificate of ours, TLS {0}: the mail goes in clear", ["1.2", "1.3"])
def _(version):
    with secure_box("TLS = ifavailable\n", STARTTLS=stays, contexts=wants_ours(version)) as (r, g):
        mail(r)
        mail(r)
        equal([c.tls for c in g.conns if c.mails], [False], "TLS where mail came")
        equal(r.event()["tls"], "no")


@cases("TLS ends in the body {0}: 451 4.4.2", ["with close_notify", "without", "by reset", "by noise"])
def _(how):
    def noise(conn, _line):
        raw = socket.socket(fileno=socket.dup(conn.sock.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x30" + bytes(48))
        raw.close()
        return SILENT
    act = {"with close_notify": shut, "without": CLOSE, "by reset": RESET, "by noise": noise}[how]
    with secure_box(REQUIRED, BODY=(1000, act)) as (r, g), r.session(wait=30) as c:
        c.start()
        c.data()
        c.send(b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 20000 + b".\r\n").reply("451 4.4.2")
        equal(len(g.mails), 0, "mails")


@case("half a reply, then close_notify: no reply")
def _():
    with secure_box(REQUIRED, DOT=(b"250 2.0.0 tak", shut)) as (r, _g), r.session() as c:
        c.start()
        c.data()
        c.send(HELLO + b".\r\n").reply("451 4.4.2")


# --- tickets, resumption ---

def ticket(conn, _line=b""):
    one_more_ticket(conn.sock)


@case("C38: tickets right behind Finished, one more in the middle of a mail, more between mails")
def _():
    with secure_box(REQUIRED, versions=("1.3",), tickets=4, BODY=(20000, ticket), MAIL=(ticket, "250 ok"),
                    DOT=(ticket, "250 ok", 0.2, ticket)) as (r, g), r.session() as c:
        body = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 3000
        for _ in range(3):
            c.mail(body, wanted="250")
            time.sleep(0.4)
        equal([len(x.mails) for x in g.conns], [3], "mails per connection")
        check(g.mails[2].text.endswith(body[-2000:]), "the body differs")


@case("implicit TLS: tickets come before the greeting")
def _():
    with secure_box("TLS = implicit\n" + trust(), implicit=True, versions=("1.3",), tickets=6) as (r, g):
        mail(r)
        g.one()


@cases("TLS {0}: the session is resumed at the next connection", ["1.2", "1.3"])
def _(version):
    with secure_box("Max_Deliveries_Per_Connection = 1\n" + REQUIRED, versions=(version,)) as (r, g):
        for _ in range(4):
            mail(r)
        equal([c.reused for c in g.secure], [False, True, True, True], "resumed")
        equal(len(g.mails), 4, "mails")


@cases("TLS {0}, implicit, with a login: resumed, and logged in each time", ["1.2", "1.3"])
def _(version):
    login = Login()
    with secure_box("TLS = implicit\nMax_Deliveries_Per_Connection = 1\n" + account() + trust(), implicit=True, login=login,
                    versions=(version,)) as (r, g):
        for _ in range(3):
            mail(r)
        equal([c.reused for c in g.secure], [False, True, True], "resumed")
        equal(login.accepted, 3, "logins")


@cases("TLS {0}: a gateway that knows no session any more gets a whole handshake", ["1.2", "1.3"])
def _(version):
    contexts = [context(certs.get("good"), (version,)) for _ in range(3)]
    with secure_box("Max_Deliveries_Per_Connection = 1\n" + REQUIRED, contexts=contexts) as (r, g):
        for _ in range(3):
            mail(r)
        equal([c.reused for c in g.secure], [False] * 3, "resumed")
        equal(len(g.mails), 3, "mails")


@cases("a gateway that has other versions at the next connection: {0}", [("1.3", "1.2"), ("1.2", "1.3")])
def _(first, then):
    contexts = [context(certs.get("good"), (v,)) for v in (first, then)]
    with secure_box("Max_Deliveries_Per_Connection = 1\n" + REQUIRED, contexts=contexts) as (r, g):
        for _ in range(3):
            mail(r)
        equal([c.version for c in g.secure], [f"TLSv{v}" for v in (first, then, then)], "versions")


@case("a gateway without tickets")
def _():
    with secure_box("Max_Deliveries_Per_Connection = 1\n" + REQUIRED, tickets=0) as (r, g):
        for _ in range(2):
            mail(r)
        equal(len(g.mails), 2, "mails")


# --- kept connections ---

@case("two mails of two sessions use one TLS connection")
def _():
    with secure_box(REQUIRED) as (r, g):
        mail(r)
        mail(r)
        equal([len(c.mails) for c in g.conns], [2], "mails per connection")


@cases("a kept TLS connection that is ended {0} while idle is replaced, and the client notices nothing", [
    ("with close_notify", shut), ("without", CLOSE), ("by reset", RESET), ("by 421 in TLS", ("421 4.4.2 idle", shut))])
def _(_name, act):
    with secure_box(REQUIRED, {"DOT": ("250 ok", 0.3, act)}, {}) as (r, g):
        mail(r)
        time.sleep(0.8)
        mail(r)
        equal([len(c.mails) for c in g.conns], [1, 1], "mails per connection")


@cases("a kept TLS connection that is ended at {0} {1} is replaced", [
    (w, h) for w in ("MAIL", "DATA") for h in ("with close_notify", "without")])
def _(word, how):
    usual = {"MAIL": "250 ok", "DATA": "354 go"}[word]
    with secure_box(REQUIRED, {word: [usual, shut if how == "with close_notify" else CLOSE]}, {}) as (r, g):
        mail(r)
        mail(r)
        equal([len([m for m in c.mails if m.whole]) for c in g.conns], [1, 1], "mails per connection")


# --- octets ---

@cases("{1} MiB octet for octet, TLS {0}", [("1.2", 5), ("1.3", 5)])
def _(version, size):
    dice = random.Random(size)
    line = bytes(dice.choices(bytes(b for b in range(1, 256) if b not in (10, 13)), k=997))
    text = b"Subject: large\r\n\r\n" + b"".join(b"." * (n % 3) + line[:n % 997] + b"\r\n" for n in range(size * 2000))
    with secure_box(REQUIRED, versions=(version,)) as (r, g), r.session(wait=60) as c:
        c.start()
        c.data()
        c.send(text.replace(b"\r\n.", b"\r\n..") + b".\r\n").reply("250")
        check(g.one(30).text.endswith(text[-(len(text) - 40):]), "the mail differs")


@case("a gateway that reads nothing for a while: back-pressure through TLS, nothing is lost")
def _():
    with secure_box(REQUIRED, BODY=(100000, Stall(2))) as (r, g), r.session(wait=30) as c:
        text = b"Subject: x\r\n\r\n" + b"".join(b"%07d\r\n" % n for n in range(400000))
        c.start()
        c.data()
        c.send(text + b".\r\n").reply("250")
        check(g.one().text.endswith(text[-3000000:]), "the mail differs")


class Dribble:
    """A proxy that passes the octets on one by one, both ways, for the first so many; then as they come."""

    def __init__(self, port, first=20000):
        self.port, self.first = port, first
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.at = f"127.0.0.1:{self.sock.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                a, _ = self.sock.accept()
            except OSError:
                return
            b = socket.create_connection(("127.0.0.1", self.port))
            for x, y in ((a, b), (b, a)):
                x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pump, args=(x, y), daemon=True).start()

    def pump(self, a, b):
        left = self.first
        try:
            while data := a.recv(65536):
                while data and left > 0:
                    b.sendall(data[:1])
                    data, left = data[1:], left - 1
                if data:
                    b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


@cases("TLS {0}, every octet of the handshake in a packet of its own", ["1.2", "1.3"])
def _(version):
    with TlsLiar(versions=(version,), cert="rsa middle") as g, Dribble(g.port) as d, \
            Relay(f'Gateway = "{d.at}"\n' + REQUIRED) as r:
        mail(r)
        mail(r)
        equal(len(g.mails), 2, "mails")


# --- many at once ---

@case("more connections than TLS sessions: the others wait, every mail arrives")
def _():
    with secure_box("Max_Outbound_Connections = 64\n" + REQUIRED, DOT=(0.1, "250 ok")) as (r, g):
        wrong = []

        def one(number):
            try:
                with r.session(wait=40) as c:
                    c.mail(b"Subject: %d\r\n\r\nx\r\n" % number, wanted="250")
            except Failed as error:
                wrong.append(str(error))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(40)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        equal(wrong, [], "trouble")
        equal(sorted(int(m.fields("Subject")[0]) for m in g.mails), list(range(40)), "mails")


@case("handshakes that stand still keep no mail of another gateway from leaving")
def _():
    with TlsLiar(TLS=SILENT) as bad, TlsLiar() as good, Relay(
            good.conf() + REQUIRED + f'Domain "bad.test" {{ Gateway = "{bad.at}" }}\n') as r:
        stuck = []
        for _ in range(8):
            c = r.session(wait=40)
            c.send("MAIL FROM:<a@a.test>\r\nRCPT TO:<x@bad.test>\r\n")
            stuck.append(c)
        time.sleep(0.5)
        start = time.monotonic()
        mail(r)
        within(time.monotonic() - start, 0, 14)
        for c in stuck:
            c.close()


need_binary()
main(jobs=4, limit=500)
