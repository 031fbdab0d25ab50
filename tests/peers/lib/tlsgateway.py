# SPDX-License-Identifier: ISC
"""A scripted gateway that speaks TLS and takes logins: the Liar with more words.

More words of a script: STARTTLS, AUTH (a Login, or anything that the Liar's words take), TLS (what is done in place of
the handshake, once the ClientHello is there), SECURE (what is done right behind it, in TLS), EXTENSIONS_TLS (the list
once TLS is on).
More actions: HANDSHAKE.
"""

import base64
import ctypes
import hashlib
import hmac
import os
import ssl
import sys
import time
from contextlib import contextmanager

from . import certs
from .liar import CLOSE, EXTENSIONS, Conn, Liar, Over
from .relay import Relay
from .tap import Skip, wait_for

HANDSHAKE = "<handshake>"
USER, PASSWORD = "scanner@example.com", "Pa55 w\u00f6rd,=!"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(cert, versions=("1.2", "1.3"), ciphers=None, tickets=2, curves=None):
    out = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    out.load_cert_chain(cert.chain, cert.key.path)
    out.minimum_version, out.maximum_version = VERSIONS[min(versions)], VERSIONS[max(versions)]
    out.num_tickets = tickets
    if not tickets:
        out.options |= ssl.OP_NO_TICKET
    if ciphers:
        out.set_ciphers(ciphers)
    if curves:
        out.set_ecdh_curve(curves)
    return out


def one_more_ticket(sock):
    """Has the server send another session ticket now (TLS 1.3), which Python itself cannot ask for."""
    if sys.implementation.name != "cpython" or sys.version_info[:2] != (3, 11):
        raise Skip("no ticket on demand in this Python")
    libssl = ctypes.CDLL("libssl.so.3")
    libssl.SSL_new_session_ticket.argtypes = libssl.SSL_do_handshake.argtypes = [ctypes.c_void_p]
    # struct PySSLSocket: the object's head, the socket, then SSL *
    inner = ctypes.c_void_p.from_address(id(sock._sslobj) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p))
    if libssl.SSL_new_session_ticket(inner) != 1 or libssl.SSL_do_handshake(inner) != 1:
        raise RuntimeError("no further ticket")


class TlsConn(Conn):
    tls = False
    reused = False
    version = suite = ""
    sni = None
    alert = ""          # why a handshake failed, as the gateway saw it

    def act(self, what, line=b""):
        if isinstance(what, str) and what == HANDSHAKE:
            self.handshake()
            return 0
        return super().act(what, line)

    def handshake(self):
        if "TLS" in self.script:
            self.read()         # what comes at once behind 220 would be something else: an injection
            self.have = b""
            self.act(self.entry("TLS", None))
            return
        ctx = self.liar.context(self.number)
        if self.liar.wants_sni:
            ctx.sni_callback = self._named
        try:
            self.sock = ctx.wrap_socket(self.sock, server_side=True)
        except (OSError, ValueError) as error:
            self.alert = str(error)
            self.how = "eof"
            self.liar.note()
            raise Over from None
        self.tls, self.reused, self.version = True, self.sock.session_reused, self.sock.version()
        self.suite = (self.sock.cipher() or ("",))[0]
        self.liar.note()

    def _named(self, _sock, name, _ctx):
        self.sni = name

    def serve(self):
        if self.liar.implicit:
            self.handshake()
        super().serve()

    def usual(self, word):
        if word == "STARTTLS" and not self.tls:
            return ("220 2.0.0 go ahead", HANDSHAKE, *([self.script["SECURE"]] if "SECURE" in self.script else []))
        if word == "AUTH" and self.liar.login:
            return self.liar.login
        if word == "EHLO":
            if self.tls and "EXTENSIONS_TLS" in self.script:
                rows = self.script["EXTENSIONS_TLS"]
            else:
                rows = list(self.script.get("EXTENSIONS", EXTENSIONS))
                if not self.tls and not self.liar.implicit and not any(r.startswith("STARTTLS") for r in rows):
                    rows.append("STARTTLS")
                if self.liar.login and self.liar.login.offered(self.tls):
                    rows.append(self.liar.login.offered(self.tls))
            return "250 gw.test\n" + "\n".join(rows) if rows else "250 gw.test"
        return super().usual(word)

    def answer(self):
        """A line of the dialogue of AUTH, not kept among the commands."""
        while b"\n" not in self.have:
            self.read()
        row, _, self.have = self.have.partition(b"\n")
        return row.removesuffix(b"\r")


class Login:
    """The server's side of AUTH. reply: what is said instead of 235 to a right login; tries are counted.

    scram: "" or what is wrong with it: "proof", "nonce", "no proof", "few rounds", "many rounds", "in 235", "error".
    """

    def __init__(self, user=USER, password=PASSWORD, mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", form="AUTH {}",
                 only_tls=False, refuse=None, scram="", prompts=("VXNlcm5hbWU6", "UGFzc3dvcmQ6")):
        self.user, self.password, self.mechanisms, self.form = user.encode(), password.encode(), mechanisms, form
        self.only_tls, self.refuse, self.scram, self.prompts = only_tls, refuse, scram, prompts
        self.tries = []         # (mechanism, right?, in TLS?, when)
        self.accepted = 0

    def offered(self, tls):
        return self.form.format(self.mechanisms) if tls or not self.only_tls else None

    def __call__(self, conn, line):
        words = line.decode("latin-1").split(" ")
        name = words[1].upper() if len(words) > 1 else ""
        initial = words[2] if len(words) > 2 else None
        way = getattr(self, "take_" + name.replace("-", "_").lower(), None)
        if way is None or name not in self.mechanisms.upper().split():
            self.tries.append((name, False, conn.tls, time.monotonic()))
            return "504 5.5.4 not that mechanism"
        good = way(conn, initial)
        self.tries.append((name, bool(good), conn.tls, time.monotonic()))
        conn.liar.note()
        if self.refuse is not None:
            return conn.liar.successive(self.refuse, conn.script)
        if not good:
            return "535 5.7.8 authentication credentials invalid"
        self.accepted += 1
        return good if isinstance(good, str) else "235 2.7.0 ok"

    @staticmethod
    def ask(conn, text=b"", raw=None):
        conn.write(b"334 " + (raw.encode() if raw is not None else base64.b64encode(text)) + b"\r\n")
        got = conn.answer()
        if got == b"*":
            return None
        return base64.b64decode(got, validate=True)

    def take_plain(self, conn, initial):
        got = base64.b64decode(initial, validate=True) if initial is not None else self.ask(conn, raw="")
        return got is not None and got.split(b"\0") == [b"", self.user, self.password]

    def take_login(self, conn, initial):
        user = base64.b64decode(initial) if initial is not None else self.ask(conn, raw=self.prompts[0])
        return self.ask(conn, raw=self.prompts[1]) == self.password and user == self.user

    def take_cram_md5(self, conn, _initial):
        challenge = b"<1896.697170952@gw.test>"
        got = self.ask(conn, challenge)
        return got == self.user + b" " + hmac.new(self.password, challenge, "md5").hexdigest().encode()

    def take_scram_sha_256(self, conn, initial):
        first = base64.b64decode(initial, validate=True) if initial is not None else self.ask(conn, raw="")
        if not first or not first.startswith(b"n,,"):
            return False
        bare = first[3:]
        fields = dict(f.split(b"=", 1) for f in bare.split(b","))
        nonce = fields[b"r"] + base64.b64encode(os.urandom(12))
        salt, rounds = os.urandom(16), {"few rounds": 1, "many rounds": 500000}.get(self.scram, 4096)
        said = b"r=" + (b"x" + nonce if self.scram == "nonce" else nonce) + b",s=" + base64.b64encode(salt)
        said += b",i=%d" % rounds
        if self.scram == "error":
            said = b"e=other-error"
        last = self.ask(conn, said)
        if not last:
            return False
        salted = hashlib.pbkdf2_hmac("sha256", self.password, salt, rounds)
        mac = lambda k, x: hmac.new(k, x, "sha256").digest()        # noqa: E731
        client = mac(salted, b"Client Key")
        without, _, proof = last.rpartition(b",p=")
        text = bare + b"," + said + b"," + without
        want = bytes(a ^ b for a, b in zip(client, mac(hashlib.sha256(client).digest(), text)))
        named = fields[b"n"].replace(b"=2C", b",").replace(b"=3D", b"=")
        if named != self.user or base64.b64decode(proof) != want or without != b"c=biws,r=" + nonce:
            return False
        signature = mac(mac(salted, b"Server Key"), text)
        if self.scram == "proof":
            signature = bytes(32)
        final = b"v=" + base64.b64encode(signature)
        if self.scram == "no proof":
            return True
        if self.scram == "in 235":
            return "235 " + base64.b64encode(final).decode()
        return self.ask(conn, final) == b""

    def take_xoauth2(self, conn, initial):
        got = base64.b64decode(initial, validate=True) if initial is not None else self.ask(conn, raw="")
        if got == b"user=" + self.user + b"\1auth=Bearer " + self.password + b"\1\1":
            return True
        self.ask(conn, b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}')
        return False


class TlsLiar(Liar):
    """cert: a certs.Cert or its name; contexts: one for each connection in turn instead (the last one stays)."""

    def __init__(self, *scripts, cert="good", implicit=False, login=None, versions=("1.2", "1.3"), contexts=None,
                 ciphers=None, tickets=2, curves=None, wants_sni=False, **more):
        cert = certs.get(cert) if isinstance(cert, str) else cert
        self.contexts = contexts or [context(cert, versions, ciphers, tickets, curves)]
        self.implicit, self.login, self.wants_sni = implicit, login, wants_sni
        super().__init__(*scripts, kind=TlsConn, **more)

    def context(self, number):
        return self.contexts[min(number, len(self.contexts) - 1)]

    @property
    def secure(self):
        """The connections that have TLS, in the order of their coming."""
        return [c for c in self.conns if c.tls]

    def wait_tls(self, number=0, seconds=10):
        wait_for(lambda: len(self.secure) > number, seconds, f"TLS connection {number + 1} at the gateway")
        return self.secure[number]


def trust(verify="host", ca="root", name=certs.HOST):
    """Lines of a configuration: whom to trust."""
    rows = [f"TLS_Verify = {verify}"]
    if ca:
        rows.append(f'TLS_CA = "{ca if ca.startswith("/") else certs.get(ca).path}"')
    if name:
        rows.append(f'TLS_Name = "{name}"')
    return "\n".join(rows) + "\n"


def account(user=USER, password=PASSWORD, kind=None):
    quoted = password.encode().decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
    rows = [f'Outbound_SMTP_AUTH_User = "{user}"', f'Outbound_SMTP_AUTH_Pass = "{quoted}"']
    if kind:
        rows.append(f"Outbound_SMTP_AUTH_Type = {kind}")
    return "\n".join(rows) + "\n"


@contextmanager
def secure_box(conf="", *scripts, hostname="box.test", mortal=False, **how):
    """A relay before one gateway with TLS: (relay, gateway). The configuration names the gateway alone, and conf."""
    with TlsLiar(*scripts, **how) as gateway:
        with Relay(gateway.conf() + conf, hostname=hostname, mortal=mortal) as relay:
            yield relay, gateway


__all__ = ["CLOSE", "HANDSHAKE", "PASSWORD", "USER", "Login", "TlsConn", "TlsLiar", "account", "context", "one_more_ticket",
           "secure_box", "trust"]
