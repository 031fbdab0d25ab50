# SPDX-License-Identifier: ISC
"""A client that sends exactly what it is told and reads replies with a deadline."""

import re
import socket
import ssl
import struct
import time

from .tap import Failed, short, unmarked

# Patience costs nothing where all is well; a loaded machine needs it.
WAIT = 60.0


class Reply:
    """One reply: code, lines without their codes, the octets as they came."""

    def __init__(self, raw):
        self.raw = raw
        rows = raw.split(b"\r\n")[:-1]
        self.code = int(rows[0][:3])
        self.lines = [r[4:].decode("latin-1") for r in rows]
        self.text = "\n".join(self.lines)
        enhanced = re.match(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)", self.lines[0])
        self.enhanced = enhanced.group(1) if enhanced else ""

    def __repr__(self):
        return f"{self.raw!r}"

    def want(self, wanted):
        """Check code, and enhanced code where given: want("550 5.7.1"), want("2"), want("45")."""
        word = f"{self.code} {self.enhanced}"
        for choice in wanted.split("|"):
            if word.startswith(choice):
                return self
        raise Failed(f"expected a reply {wanted!r}, got {short(self.raw)}")


class Closed(Failed):
    pass


class Client:
    def __init__(self, address, wait=WAIT, source=None, receive=0):
        """address: (host, port), or the path of a Unix socket."""
        self.wait = wait
        self.have = b""
        self.every = b""
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.settimeout(wait)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        """Send these octets and nothing else (str: latin-1)."""
        if isinstance(data, str):
            data = data.encode("latin-1")
        try:
            self.sock.sendall(data)
        except (ConnectionError, BrokenPipeError) as error:
            raise Closed(f"the box closed while {short(data, 80)} was sent: {error}") from None
        except socket.timeout:
            raise Failed(f"the box took no more octets of {len(data)} within {self.wait} s") from None
        return self

    def _more(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise TimeoutError from None
        except ConnectionError:
            data = b""
        finally:
            self.sock.settimeout(self.wait)
        self.have += data
        self.every += data
        return data

    def reply(self, wanted=None, wait=None):
        """The next whole reply; Closed at end of file, Failed after wait seconds."""
        end = time.monotonic() + (self.wait if wait is None else wait)
        while True:
            found = re.match(rb"(?:\d\d\d-[^\r\n]*\r\n)*\d\d\d(?: [^\r\n]*)?\r\n", self.have)
            if found:
                self.have = self.have[found.end():]
                unmarked(found.group(0), "a reply")
                got = Reply(found.group(0))
                return got.want(wanted) if wanted else got
            if re.match(rb"(?!\d\d\d[- \r]|\d{0,3}$)", self.have) and self.have:
                raise Failed(f"no reply begins like {short(self.have)}")
            try:
                if not self._more(end):
                    raise Closed(f"closed instead of a reply (left over {short(self.have)})")
            except TimeoutError:
                raise Failed(f"no reply{' ' + wanted if wanted else ''} within "
                             f"{self.wait if wait is None else wait:g} s, only {short(self.have)}") from None

    def line(self, wait=None):
        """The next line, without its CRLF; Closed at end of file, Failed after wait seconds."""
        end = time.monotonic() + (self.wait if wait is None else wait)
        while b"\r\n" not in self.have:
            try:
                if not self._more(end):
                    raise Closed(f"closed instead of a line (left over {short(self.have)})")
            except TimeoutError:
                raise Failed(f"no line came, only {short(self.have)}") from None
        line, _, self.have = self.have.partition(b"\r\n")
        return line

    def cmd(self, line, wanted=None, wait=None):
        self.send((line.encode("latin-1") if isinstance(line, str) else line) + b"\r\n")
        return self.reply(wanted, wait)

    def quiet(self, seconds):
        """Nothing comes, and the connection stands, for so long."""
        end = time.monotonic() + seconds
        try:
            got = self._more(end) if not self.have else self.have
        except TimeoutError:
            return self
        raise Failed(f"expected silence, got {short(got) if got else 'a close'}")

    def eof(self, wait=None):
        """Wait for the box to close; whatever it still sends is returned."""
        end = time.monotonic() + (self.wait if wait is None else wait)
        try:
            while self._more(end):
                pass
        except TimeoutError:
            raise Failed(f"not closed within {self.wait if wait is None else wait:g} s, "
                         f"got {short(self.have)}") from None
        rest, self.have = self.have, b""
        return rest

    def hello(self, name="dev.test"):
        self.reply("220")
        return self.cmd("EHLO " + name, "250")

    def start(self, sender="a@a.test", *recipients):
        """MAIL and RCPTs, each accepted."""
        self.cmd(f"MAIL FROM:<{sender}>", "250")
        for one in recipients or ("b@b.test",):
            self.cmd(f"RCPT TO:<{one}>", "250")
        return self

    def data(self, wanted="354"):
        return self.cmd("DATA", wanted)

    def mail(self, body=b"Subject: x\r\n\r\nhello\r\n", sender="a@a.test", recipients=("b@b.test",), wanted=None):
        """A whole transaction after the greeting; the reply to the end of data."""
        self.start(sender, *recipients)
        self.data()
        self.send(body + b".\r\n")
        return self.reply(wanted)

    def secure(self, context=None):
        """TLS from here on; without a context: whatever certificate comes."""
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)
        return self

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Close so that the box sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()
