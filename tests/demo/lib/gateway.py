# SPDX-License-Identifier: ISC
"""The demonstration gateway: an SMTP server that keeps each mail as an .eml file.

RFC 5321 with PIPELINING, SIZE, 8BITMIME, SMTPUTF8 and ENHANCEDSTATUSCODES; one thread for each client.
"""

import os
import re
import socket
import threading
import time

LINE = 4096
SIZE = 100 << 20
IDLE = 300
PATH = re.compile(rb"(MAIL FROM|RCPT TO):\s*<([^<>\r\n]*)>((?: [^\r\n]*)?)", re.I)


class Gone(Exception):
    pass


class Session:
    def __init__(self, gateway, sock):
        self.gateway, self.sock = gateway, sock
        self.have = b""
        self.hello = ""
        self.sender = None
        self.recipients = []

    def say(self, text):
        try:
            self.sock.sendall(text.encode("ascii") + b"\r\n")
        except OSError:
            raise Gone from None

    def more(self):
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            self.say("421 4.4.2 idle for too long")
            raise Gone from None
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        return data

    def line(self):
        while b"\r\n" not in self.have:
            if len(self.have) > LINE:
                self.say("500 5.5.2 line too long")
                raise Gone
            self.have += self.more()
        row, _, self.have = self.have.partition(b"\r\n")
        return row

    def body(self):
        """The content with dots unstuffed, or None if it is larger than allowed."""
        data, held, room = bytearray(b"\r\n"), self.have, SIZE
        while True:
            data += held
            end = data.find(b"\r\n.\r\n", max(0, len(data) - len(held) - 5))
            if end >= 0:
                break
            if len(data) > room:        # read on, keep nothing but the last octets
                room, data = 0, data[-5:]
            held = self.more()
        self.have = bytes(data[end + 5:])
        return bytes(data[2:end + 2]).replace(b"\r\n..", b"\r\n.") if room and end <= SIZE else None

    def serve(self):
        self.say("220 gateway.example ESMTP demonstration gateway")
        while True:
            line = self.line()
            verb = line.split(b" ")[0].upper()
            handler = getattr(self, "on_" + verb.decode("latin-1").lower(), None) if verb.isalpha() else None
            if handler:
                handler(line)
            else:
                self.say("500 5.5.1 unknown command")

    def reset(self):
        self.sender, self.recipients = None, []

    def on_ehlo(self, line):
        self.reset()
        self.hello = line[5:].decode("latin-1")
        self.say(f"250-gateway.example\r\n250-PIPELINING\r\n250-SIZE {SIZE}\r\n250-8BITMIME\r\n"
                 "250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES")

    def on_helo(self, line):
        self.reset()
        self.hello = line[5:].decode("latin-1")
        self.say("250 gateway.example")

    def on_mail(self, line):
        path = PATH.fullmatch(line)
        if not self.hello or self.sender is not None:
            self.say("503 5.5.1 EHLO first, and one MAIL only")
        elif not path:
            self.say("501 5.5.4 MAIL FROM:<address>")
        elif (size := re.search(rb" SIZE=(\d+)", path.group(3), re.I)) and int(size.group(1)) > SIZE:
            self.say("552 5.3.4 larger than this gateway takes")
        else:
            self.sender = path.group(2).decode("utf-8", "replace")
            self.say("250 2.1.0 ok")

    def on_rcpt(self, line):
        path = PATH.fullmatch(line)
        if self.sender is None:
            self.say("503 5.5.1 MAIL first")
        elif not path or not path.group(2):
            self.say("501 5.1.3 RCPT TO:<address>")
        elif len(self.recipients) >= 100:
            self.say("452 4.5.3 100 recipients at a time")
        else:
            self.recipients.append(path.group(2).decode("utf-8", "replace"))
            self.say("250 2.1.5 ok")

    def on_data(self, _line):
        if not self.recipients:
            self.say("503 5.5.1 RCPT first")
            return
        self.say("354 end with a line that holds one dot")
        content = self.body()
        if content is None:
            self.say("552 5.3.4 larger than this gateway takes")
        else:
            number = self.gateway.keep(self.sender, self.recipients, content)
            self.say(f"250 2.0.0 kept as {number}.eml")
        self.reset()

    def on_rset(self, _line):
        self.reset()
        self.say("250 2.0.0 ok")

    def on_noop(self, _line):
        self.say("250 2.0.0 ok")

    def on_vrfy(self, _line):
        self.say("252 2.1.5 send it and see")

    def on_quit(self, _line):
        self.say("221 2.0.0 bye")
        raise Gone


class Gateway:
    """Listens on 127.0.0.1; told(path, sender, recipients, content) is called for each mail kept."""

    def __init__(self, folder, told):
        self.folder, self.told = folder, told
        self.lock = threading.Lock()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        os.makedirs(folder, exist_ok=True)
        taken = [int(n[:-4]) for n in os.listdir(folder) if re.fullmatch(r"\d+\.eml", n)]
        self.number = max(taken, default=0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                time.sleep(0.1)
                continue
            sock.settimeout(IDLE)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock:
            try:
                Session(self, sock).serve()
            except Gone:
                pass

    def keep(self, sender, recipients, content):
        with self.lock:
            self.number += 1
            number = self.number
        path = os.path.join(self.folder, f"{number}.eml")
        with open(path + ".part", "wb") as file:
            file.write(content)
        os.rename(path + ".part", path)
        self.told(path, sender, list(recipients), content)
        return number
