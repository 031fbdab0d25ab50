# SPDX-License-Identifier: ISC
"""Certificates of every kind, good and bad: written here octet for octet, signed by the openssl command."""

import atexit
import base64
import calendar
import hashlib
import ipaddress
import os
import shutil
import subprocess
import tempfile
import threading
import time

from .tap import Skip

DAY = 86400
LONG_AGO = calendar.timegm((2025, 1, 1, 0, 0, 0))
EXPIRED = calendar.timegm((2026, 1, 3, 0, 0, 0))
FAR = calendar.timegm((2049, 6, 1, 0, 0, 0))
_lock = threading.Lock()
_folder = None
_serial = 1000


def folder():
    """Where all of them lie; gone when the test ends."""
    global _folder
    if _folder is None:
        _folder = tempfile.mkdtemp(prefix="gatepost-test-")
        os.chmod(_folder, 0o755)
        atexit.register(shutil.rmtree, _folder, True)
    return _folder


def openssl(*words, stdin=b""):
    program = shutil.which("openssl")
    if not program:
        raise Skip("openssl is not installed")
    done = subprocess.run([program, *words], input=stdin, capture_output=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words}: {done.stderr.decode(errors='replace')}")
    return done.stdout


# --- DER ---

def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def oid(text):
    first, second, *rest = (int(n) for n in text.split("."))
    out = [40 * first + second]
    for n in rest:
        group = [n & 127]
        while n := n >> 7:
            group.append(128 | n & 127)
        out += reversed(group)
    return tlv(6, bytes(out))


def number(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def moment(seconds):
    t = time.gmtime(seconds)
    late = t.tm_year >= 2050
    return tlv(24 if late else 23, time.strftime("%Y%m%d%H%M%SZ" if late else "%y%m%d%H%M%SZ", t).encode())


def subject(cn, tag=12):
    if cn is None:
        return tlv(0x30)
    cn = cn if isinstance(cn, bytes) else cn.encode()
    return tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.3"), tlv(tag, cn))))


def general(name):
    """An alternative name: an address, or a DNS name (bytes: as they are)."""
    if isinstance(name, bytes):
        return tlv(0x82, name)
    try:
        return tlv(0x87, ipaddress.ip_address(name).packed)
    except ValueError:
        return tlv(0x82, name.encode())


def extension(name, value, critical=False):
    return tlv(0x30, oid(name), tlv(1, b"\xff") if critical else b"", tlv(4, value))


SIGNATURES = {"ec": tlv(0x30, oid("1.2.840.10045.4.3.2")),
              "rsa": tlv(0x30, oid("1.2.840.113549.1.1.11"), tlv(5))}


def pem(der, label="CERTIFICATE"):
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"


class Key:
    """RSA 2048 or EC P-256."""

    def __init__(self, kind="ec"):
        global _serial
        with _lock:
            _serial += 1
            self.path = os.path.join(folder(), f"key{_serial}.pem")
        self.kind = kind
        how = (["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" else
               ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        openssl("genpkey", "-algorithm", *how, "-out", self.path)
        self.spki = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")

    @property
    def id(self):
        return hashlib.sha1(self.spki).digest()

    @property
    def pin(self):
        return "sha256:" + base64.b64encode(hashlib.sha256(self.spki).digest()).decode()

    @property
    def hex_pin(self):
        return "sha256:" + hashlib.sha256(self.spki).hexdigest()

    def sign(self, octets):
        return openssl("dgst", "-sha256", "-sign", self.path, "-binary", stdin=octets)


_keys = {}


def key(name, kind="ec"):
    """The key of that name: made once."""
    with _keys_lock:
        if (name, kind) not in _keys:
            _keys[name, kind] = Key(kind)
        return _keys[name, kind]


_keys_lock = threading.RLock()


class Cert:
    """A certificate, and those above it as far as a server sends them."""

    def __init__(self, cn, names=(), own=None, issuer=None, start=LONG_AGO, end=FAR, ca=False, san=None, usage=None,
                 tag=12, sent=None):
        """names: alternative names; san: the whole extension's octets instead; issuer None: signed by itself;
        sent: the certificates that go with it (else those between it and its root)."""
        global _serial
        self.key = own or key("leaf")
        self.issuer = issuer
        self.subject = subject(cn, tag)
        by = issuer or self
        extensions = [extension("2.5.29.19", tlv(0x30, tlv(1, b"\xff") if ca else b""), True),
                      extension("2.5.29.14", tlv(4, self.key.id)), extension("2.5.29.35", tlv(0x30, tlv(0x80, by.key.id)))]
        if ca:
            extensions.append(extension("2.5.29.15", b"\x03\x02\x01\x06", True))
        if usage:
            extensions.append(extension("2.5.29.37", tlv(0x30, oid(usage))))
        if names or san is not None:
            extensions.append(extension("2.5.29.17", san if san is not None else tlv(0x30, *map(general, names)), cn is None))
        with _lock:
            _serial += 1
            serial = _serial
        body = tlv(0x30, tlv(0xa0, number(2)), number(serial), SIGNATURES[by.key.kind], by.subject,
                   tlv(0x30, moment(start), moment(end)), self.subject, self.key.spki, tlv(0xa3, tlv(0x30, *extensions)))
        self.der = tlv(0x30, body, SIGNATURES[by.key.kind], tlv(3, b"\0", by.key.sign(body)))
        above, up = [], issuer
        while up is not None and up.issuer is not None:
            above.append(up)
            up = up.issuer
        self.sent = above if sent is None else sent
        self.path = os.path.join(folder(), f"cert{serial}.pem")         # this one alone
        self.chain = os.path.join(folder(), f"chain{serial}.pem")       # as a server sends it
        for path, these in ((self.path, [self]), (self.chain, [self, *self.sent])):
            with open(path, "w", encoding="ascii") as file:
                file.write("".join(pem(c.der) for c in these))

    @property
    def pin(self):
        return self.key.pin

    def text(self):
        with open(self.chain, encoding="ascii") as file:
            return file.read()


HOST = "smtp.example.com"
_made = {}
_made_lock = threading.RLock()


def bundle(name, members):
    """A file of several certificates."""
    path = os.path.join(folder(), name)
    with open(path, "w", encoding="ascii") as file:
        file.write("".join(pem(c.der) for c in members))
    return path


def _make(name):
    root, here = (lambda: get("root")), ("127.0.0.1", "127.0.0.4")
    if name.startswith("rsa "):
        return Cert(HOST, (HOST, *here), own=key("leaf", "rsa"), issuer=get(name[4:]))
    if name.startswith("ec "):
        return Cert(HOST, (HOST, *here), issuer=get(name[3:]))
    return {
        "root": lambda: Cert("Test Root", own=key("root"), ca=True),
        "large root": lambda: Cert("Test RSA Root", own=key("root", "rsa"), ca=True),
        "other root": lambda: Cert("Other Root", own=key("other"), ca=True),
        "false root": lambda: Cert("Test Root", own=key("false"), ca=True),     # the name of one, the key of another
        "middle": lambda: Cert("Test Intermediate", own=key("middle"), issuer=root(), ca=True),
        "good": lambda: Cert(HOST, (HOST, *here), issuer=root(), usage="1.3.6.1.5.5.7.3.1"),
        "behind a middle": lambda: Cert(HOST, (HOST, *here), issuer=get("middle")),
        "middle not sent": lambda: Cert(HOST, (HOST, *here), issuer=get("middle"), sent=[]),
        "root sent too": lambda: Cert(HOST, (HOST, *here), issuer=get("middle"), sent=[get("middle"), root()]),
        "expired": lambda: Cert(HOST, (HOST, *here), issuer=root(), end=EXPIRED),
        "not yet valid": lambda: Cert(HOST, (HOST, *here), issuer=root(), start=calendar.timegm((2040, 1, 2, 0, 0, 0))),
        "wrong name": lambda: Cert("mail.example.net", ("mail.example.net",), issuer=root()),
        "wrong address": lambda: Cert("x", ("127.0.0.9", HOST), issuer=root()),
        "wildcard": lambda: Cert("x", ("*.example.com", "127.0.0.1"), issuer=root()),
        "CN only": lambda: Cert(HOST, issuer=root()),
        "address in CN": lambda: Cert("127.0.0.1", issuer=root()),
        "NUL in name": lambda: Cert(HOST + "\0.evil.test", (HOST.encode() + b"\0.evil.test",), issuer=root()),
        "self-signed": lambda: Cert(HOST, (HOST, *here), own=key("self")),
        "self-signed expired": lambda: Cert("x", ("x.test",), own=key("self"), end=EXPIRED),
        "unknown CA": lambda: Cert(HOST, (HOST, *here), issuer=get("other root")),
        "forged": lambda: Cert(HOST, (HOST, *here), issuer=get("false root")),
        "for clients": lambda: Cert(HOST, (HOST, *here), issuer=root(), usage="1.3.6.1.5.5.7.3.2"),
        "leaf as CA": lambda: Cert(HOST, (HOST, *here), own=key("below"), issuer=get("good"), sent=[get("good")]),
        "chain of 100": _long_chain,
    }[name]()


def _long_chain():
    above = get("root")
    for n in range(98):
        above = Cert(f"Link {n}", own=key(f"link{n % 2}"), issuer=above, ca=True)
    return Cert(HOST, (HOST, "127.0.0.1"), issuer=above)


def get(name):
    """The certificate of that name, made at its first use."""
    with _made_lock:
        if name not in _made:
            _made[name] = _make(name)
        return _made[name]


def many(number=140):
    """A CA file like a system's: so many roots, RSA and EC, the test's own in the middle."""
    with _made_lock:
        if "many" not in _made:
            keys = [key("filler", "rsa"), key("filler")]
            all_of = [Cert(f"Filler Root {n} of a large organisation", own=keys[n % 3 == 0], ca=True)
                      for n in range(number - 1)]
            _made["many"] = bundle("many.pem", all_of[:70] + [get("root")] + all_of[70:])
        return _made["many"]
