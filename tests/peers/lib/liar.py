# SPDX-License-Identifier: ISC
"""A gateway that does what its script says, well behaved where the script is silent.

A script is a dict from a word to what the gateway does then. Words: GREETING, EHLO, HELO, MAIL, RCPT,
DATA, DOT (the end of data), RSET, QUIT, NOOP, other verbs as sent, OTHER (any verb without an entry),
BODY (a pair: after so many octets of the body, do this).
What is done: a str (one reply, lines split at "\\n" become a multi-line reply: write the code once),
bytes (sent as they are), a number (seconds to wait), an action of this module, a tuple of these in
order, a list (one after the other for successive uses of the word, the last one stays), or a function
of (connection, line) that gives any of these.
"""

import itertools
import re
import socket
import struct
import threading
import time

from .tap import unmarked, wait_for

CLOSE, RESET, SILENT, HALF = "<close>", "<reset>", "<silent>", "<half close>"
EXTENSIONS = ("PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


class Slow:
    """Send this in pieces of size octets with a gap between them."""

    def __init__(self, data, size=1, gap=0.02):
        self.data, self.size, self.gap = data, size, gap


class Endless:
    """Send this again and again until the peer goes (or 64 MiB are out)."""

    def __init__(self, data):
        self.data = data


class Stall:
    """Read nothing for so many seconds."""

    def __init__(self, seconds):
        self.seconds = seconds


class Over(Exception):
    pass


class Mail:
    def __init__(self, sender):
        self.sender = sender
        self.rcpts = []
        self.raw = b""
        self.whole = False
        self.verdict = 0

    @property
    def text(self):
        """The content, dots unstuffed."""
        rows = self.raw.split(b"\r\n")
        return b"\r\n".join(r[1:] if r.startswith(b".") else r for r in rows)

    @property
    def header(self):
        return self.text.split(b"\r\n\r\n", 1)[0].split(b"\r\n")

    @property
    def body(self):
        return self.text.partition(b"\r\n\r\n")[2]

    def fields(self, name):
        """The values of every field of that name, unfolded."""
        rows = re.sub(rb"\r\n([ \t])", rb"\1", b"\r\n".join(self.header)).split(b"\r\n")
        found = [re.fullmatch(rb"(?i)" + re.escape(name.encode()) + rb"[ \t]*:[ \t]?(.*)", r, re.S) for r in rows]
        return [f.group(1).decode("latin-1") for f in found if f]


class Conn:
    """One connection as the gateway saw it."""

    def __init__(self, liar, sock, script, number):
        self.liar, self.sock, self.script, self.number = liar, sock, script, number
        self.opened = time.monotonic()
        self.closed = 0.0
        self.how = ""               # "eof", "reset" or "us"
        self.have = b""
        self.every = b""
        self.lines = []             # commands, each without its line end
        self.times = []
        self.cuts = []              # how the octets came: one entry for each read
        self.mails = []
        self.peer = sock.getpeername()
        self.judged = None          # the mail whose verdict the next reply is

    @property
    def verbs(self):
        return [ln.split(b":")[0].split(b" ")[0].decode("latin-1").upper() for ln in self.lines]

    @property
    def spoken(self):
        """The commands up to a TLS handshake that came where none was wanted: behind its first octets any may follow."""
        return itertools.takewhile(lambda ln: b"\x16\x03" not in ln, self.lines)

    def wait_line(self, start, seconds=10):
        """Wait until a command that begins so has come."""
        return wait_for(lambda: [ln for ln in self.lines if ln.upper().startswith(start.encode().upper())],
                        seconds, f"{start} at the gateway")[0]

    def read(self):
        try:
            data = self.sock.recv(262144)
        except ConnectionError:
            self.how = "reset"
            raise Over from None
        except OSError:
            self.how = self.how or "us"
            raise Over from None
        if not data:
            self.how = "eof"
            raise Over
        self.have += data
        self.every += data if len(self.every) < 4 << 20 else b""
        self.cuts.append(len(data))
        self.liar.note()

    def write(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            self.how = self.how or "reset"
            raise Over from None

    def act(self, what, line=b""):
        """Carry out an entry of the script; the code of the last reply sent."""
        code = 0
        if callable(what):
            return self.act(what(self, line), line)
        if isinstance(what, tuple):
            for one in what:
                code = self.act(one, line) or code
        elif isinstance(what, (int, float)):
            time.sleep(what)
        elif isinstance(what, bytes):
            code = int(what[:3]) if re.match(rb"\d{3}", what) else 0
            self.judge(code)
            self.write(what)
        elif isinstance(what, Slow):
            data = encode(what.data)
            code = int(data[:3])
            self.judge(code)
            for at in range(0, len(data), what.size):
                self.write(data[at:at + what.size])
                time.sleep(what.gap)
        elif isinstance(what, Endless):
            for _ in range(0, 64 << 20, len(what.data)):
                self.write(what.data)
        elif isinstance(what, Stall):
            time.sleep(what.seconds)
        elif what == CLOSE:
            self.how = "us"
            raise Over
        elif what == RESET:
            self.how = "us"
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            raise Over
        elif what == HALF:
            self.sock.shutdown(socket.SHUT_WR)
        elif what == SILENT:
            while True:
                self.read()
        elif what is not None:
            code = int(what[:3])
            self.judge(code)
            self.write(encode(what))
        return code

    def judge(self, code):
        """Note the verdict before it is sent, so that who reads the reply finds it noted."""
        if self.judged is not None and not self.judged.verdict:
            self.judged.verdict = code
            self.liar.note()

    def entry(self, word, otherwise):
        if word in self.script:
            found = self.script[word]
        elif word not in WORDS and "OTHER" in self.script:
            found, word = self.script["OTHER"], "OTHER"
        else:
            return otherwise
        return self.liar.successive(found, self.script)

    def line(self):
        while b"\n" not in self.have:
            self.read()
        row, _, self.have = self.have.partition(b"\n")
        self.times.append(time.monotonic())
        self.lines.append(row.removesuffix(b"\r"))
        self.liar.note()
        return self.lines[-1]

    def serve(self):
        self.act(self.entry("GREETING", "220 gw.test ESMTP"))
        mail = None
        while True:
            line = self.line()
            word = re.match(rb"[A-Za-z]*", line).group(0).decode().upper()
            code = self.act(self.entry(word, self.usual(word)), line)
            if word == "MAIL":
                mail = Mail(line) if code // 100 == 2 else None
            elif word == "RCPT" and code // 100 == 2 and mail:
                mail.rcpts.append(line)
            elif word in ("RSET", "EHLO", "HELO"):
                mail = None
            elif word == "QUIT":
                raise Over
            elif word == "DATA" and code == 354:
                mail = mail or Mail(b"")
                self.mails.append(mail)
                self.take_body(mail)
                mail = None

    def usual(self, word):
        if word == "EHLO":
            return "250 gw.test\n" + "\n".join(self.script.get("EXTENSIONS", EXTENSIONS))
        return {"HELO": "250 gw.test", "MAIL": "250 2.1.0 sender ok", "RCPT": "250 2.1.5 recipient ok",
                "DATA": "354 go ahead", "RSET": "250 2.0.0 reset", "NOOP": "250 2.0.0 noop",
                "QUIT": ("221 2.0.0 bye", CLOSE)}.get(word, "502 5.5.1 what?")

    def take_body(self, mail):
        at, early = self.entry("BODY", (None, None))
        body = bytearray()
        while True:
            body += self.have
            self.have = b""
            if at is not None and len(body) >= at:
                at = None
                self.act(early)
            start = max(0, len(body) - 262144 - 8)
            end = 0 if body[:3] == b".\r\n" else body.find(b"\r\n.\r\n", start)
            if end >= 0:
                skip = 3 if body[:3] == b".\r\n" else end + 5
                self.have = bytes(body[skip:])
                mail.raw = bytes(body[:end + 2]) if skip > 3 else b""
                mail.whole = True
                break
            mail.raw = bytes(body) if len(body) < 65536 else body
            self.read()
        self.times.append(time.monotonic())
        self.lines.append(b".")
        self.liar.note()
        self.judged = mail
        self.act(self.entry("DOT", "250 2.0.0 queued as 4711"), b".")
        self.judged = None

    def run(self):
        try:
            self.serve()
        except Over:
            pass
        finally:
            if self.how != "us" or self.sock.fileno() >= 0:
                self.sock.close()
            self.closed = time.monotonic()
            self.liar.note()


WORDS = ("GREETING", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "DOT", "RSET", "QUIT", "NOOP", "BODY")


def encode(text):
    """A reply from "250 a\\nb\\nc"; bytes as they are."""
    if isinstance(text, bytes):
        return text
    code, rows = text[:3], text[4:].split("\n")
    out = "".join(f"{code}{'-' if n < len(rows) - 1 else ' '}{row}\r\n" for n, row in enumerate(rows))
    return out.encode("latin-1")


class Liar:
    """Gateway with a script for every connection, or one for each in turn (the last one stays)."""

    def __init__(self, *scripts, host="127.0.0.1", port=0, backlog=128, receive=0, kind=Conn, **script):
        self.kind = kind
        self.scripts = [dict(script, **s) for s in scripts] or [script]
        self.conns = []
        self.uses = {}
        self.lock = threading.Condition()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.bind((host, port))
        self.host, self.port = host, self.sock.getsockname()[1]
        self.open = True
        self.sock.listen(backlog)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def at(self):
        """host:port as the configuration writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def conf(self):
        return f'Gateway = "{self.at}"\n'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stop listening and cut every connection."""
        self.deaf()
        for one in list(self.conns):
            try:
                one.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            for line in one.spoken:
                unmarked(line, "a command")
            for mail in one.mails:
                unmarked(mail.raw if b"<>" in mail.sender else b"", "a report")

    def deaf(self):
        """Stop listening: further connections are refused."""
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def _accept(self):
        while self.open:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(120)
                script = self.scripts[min(len(self.conns), len(self.scripts) - 1)]
                one = self.kind(self, sock, script, len(self.conns))
            except OSError:
                continue
            self.conns.append(one)
            self.note()
            threading.Thread(target=one.run, daemon=True).start()

    def successive(self, found, script):
        if not isinstance(found, list):
            return found
        with self.lock:
            at = self.uses.get(id(found), 0)
            self.uses[id(found)] = at + 1
        return found[min(at, len(found) - 1)]

    def note(self):
        with self.lock:
            self.lock.notify_all()

    def wait(self, condition, seconds=10, what="an event at the gateway"):
        end = time.monotonic() + seconds
        with self.lock:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    break
                self.lock.wait(min(left, 0.5))
        return wait_for(condition, 0, what)

    @property
    def mails(self):
        """Every body that this gateway accepted."""
        return [m for c in self.conns for m in c.mails if m.whole and m.verdict // 100 == 2]

    @property
    def offered(self):
        """Every body whose end came, whatever was answered."""
        return [m for c in self.conns for m in c.mails if m.whole]

    @property
    def lines(self):
        return [ln for c in self.conns for ln in c.lines]

    @property
    def verbs(self):
        return [v for c in self.conns for v in c.verbs]

    def one(self, seconds=10):
        """The one accepted mail; Failed if none comes, or if there is more than one."""
        self.wait(lambda: self.mails, seconds, "a mail at the gateway")
        wait_for(lambda: len(self.mails) == 1, 0.5, "one mail only")
        return self.mails[0]

    def conn(self, number=0, seconds=10):
        self.wait(lambda: len(self.conns) > number, seconds, f"connection {number + 1} at the gateway")
        return self.conns[number]


class Deaf:
    """An address and port where SYNs vanish: a listener whose queue is full."""

    def __init__(self, host="127.0.0.1", port=0):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))
        self.sock.listen(0)
        self.host, self.port = self.sock.getsockname()
        self.at = f"{self.host}:{self.port}"
        self.fill = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((self.host, self.port))
            self.fill.append(one)
        time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (*self.fill, self.sock):
            one.close()
