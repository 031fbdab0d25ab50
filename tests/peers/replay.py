#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The transcripts of tests/dialogue/ against the binary: what the LAN sends, and what it must get.

The owner's part falls to a scripted gateway: what a transcript's owner answers to RCPT and to the end of data the
gateway says, so that the words must come through. What the owner says by itself (a refusal of MAIL) no gateway can
make the box say: such a transcript is played up to there. Each is played whole, in random cuts, and, where it is
short, octet by octet. Those of logins and STARTTLS are left to lan_auth.py and lan_tls.py.
"""

import glob
import os
import random
import re
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

FOLDER = os.path.join(TOP, "tests", "dialogue")
OCTETWISE = 1500            # octets of the longest input that is sent octet by octet
SETTINGS = {
    "max_size": lambda v: f"Max_Message_Size = {'none' if v == '0' else v}\n",
    "max_recipients": lambda v: f"Max_Recipients_Per_Message = {'none' if v == '0' else v}\n",
    "unqualified": lambda v: "Domain_For_Unqualified_Recipient_Addresses = own.test\n",
    "lone_lf": lambda v: "Lone_LF_Ends_Data = true\n",
    "pedantic_headers": lambda v: "RFC2822_Lone_LF_In_Headers = pedantic\n",
    "pedantic_body": lambda v: "RFC2822_Lone_LF_In_Body = pedantic\n",
    "gateway_size": lambda v: "",
}
ESCAPES = {"r": b"\r", "n": b"\n", "0": b"\0", "\\": b"\\"}


def widen(text):
    """{TEXT*N} is TEXT N times."""
    return re.sub(r"\{([^{}]*)\*(\d+)\}", lambda m: m.group(1) * int(m.group(2)), text, flags=re.S)


def octets(text):
    """What a line of input sends: with CRLF unless it ends in a single backslash."""
    out, at = [], 0
    while at < len(text):
        if text[at] != "\\":
            end = text.find("\\", at) if "\\" in text[at:] else len(text)
            out.append(text[at:end].encode("latin-1"))
            at = end
        elif at + 1 == len(text):
            return b"".join(out)
        elif text[at + 1] == "x":
            out.append(bytes([int(text[at + 2:at + 4], 16)]))
            at += 4
        else:
            out.append(ESCAPES[text[at + 1]])
            at += 2
    return b"".join(out) + b"\r\n"


def pattern(text):
    """A line that must come; * is any text."""
    return re.compile(".*".join(re.escape(t) for t in text.split("*")), re.S)


class Script:
    def __init__(self, path):
        self.conf, self.hostname, self.size = SETTINGS["max_size"]("1000000"), "relay.test", None
        self.sent, self.wanted = b"", []
        self.rcpts, self.dots, self.mails, self.bodies = [], [], 0, []
        self.closes, self.cut, body = False, "", ""
        asked = None
        with open(path, encoding="latin-1") as file:
            rows = file.read().split("\n")
        for row in rows:
            if not row or row[0] in "#@":
                continue
            kind, times, text = re.fullmatch(r"(.)(\d*) ?(.*)", row, re.S).groups()
            if kind == "=":
                self.setting(*text.split(" ", 1))
                continue
            for _ in range(int(times or 1)):
                if kind == ">":
                    last = len(self.sent)
                    self.sent += octets(widen(text))
                elif kind == "<":
                    self.wanted.append(pattern(widen(text)))
                elif kind == "?":
                    asked = text
                    if text.startswith("BODY "):
                        body += widen(text[5:])
                    elif text.startswith("CLOSE") or text == "QUIT":
                        self.closes = True
                elif not self.answer(asked, widen(text), body):
                    self.sent, self.cut = self.sent[:last], text
                    return
                elif asked.startswith("EOM"):
                    body = ""

    def setting(self, name, value):
        if name == "hostname":
            self.hostname = value
        elif name == "gateway_size":
            self.size = value
        self.conf += SETTINGS[name](value)

    def answer(self, asked, text, body):
        """What the owner says; False where only the owner itself could."""
        code, enhanced, words = re.fullmatch(r"(\d{3}) (\d\.\d+\.\d+ |)(.*)", text, re.S).groups()
        own = pattern(f"{code} {enhanced}*")
        if asked.startswith("MAIL"):
            if code != "250":
                return False
            self.wanted.append(own)
        elif asked.startswith("DATA") or asked.startswith("EOM "):
            self.wanted.append(own)
        else:
            rows = words.split("\\n")
            reply = f"{code} {enhanced}" + "\n".join(rows)
            (self.dots if asked == "EOM" else self.rcpts).append(reply)
            for n, one in enumerate(rows):
                last = n == len(rows) - 1
                self.wanted.append(pattern(f"{code}{' ' if last else '-'}{'*' if n else enhanced}{one}"))
            if asked == "EOM" and code == "250":
                self.mails += 1
                self.bodies.append(octets(body + "\\"))
        return True

    def gateway(self):
        extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8"] + ([f"SIZE {self.size}"] if self.size else [])
        return {"EXTENSIONS": extensions, "RCPT": list(self.rcpts) or "250 2.1.5 ok", "DOT": list(self.dots) or "250 ok"}


def pieces(data, how, dice):
    if how == "octet by octet":
        return [data[n:n + 1] for n in range(len(data))]
    if how == "whole":
        return [data]
    out, at = [], 0
    while at < len(data):
        size = 1 + dice.randrange(1 << dice.randrange(len(data).bit_length()))
        out.append(data[at:at + size])
        at += size
    return out


def speak(client, data, how, dice):
    """Send it all; a box that has closed gets no more."""
    try:
        for one in pieces(data, how, dice):
            client.send(one)
            if how == "in cuts" and not dice.randrange(8):
                time.sleep(0.002)
    except Failed:
        pass


def play(script, r, g, how, dice):
    before = len(g.mails)
    with r.client() as c:
        thread = threading.Thread(target=speak, args=(c, script.sent, how, dice))
        thread.start()
        rows = []
        while len(rows) < len(script.wanted):
            line = next_line(c, rows, script)
            rows.append(line)
            check(script.wanted[len(rows) - 1].fullmatch(line),
                  lambda: f"{how}, line {len(rows)}: expected {script.wanted[len(rows) - 1].pattern}, got {line!r}")
        thread.join(20)
        if script.closes:
            equal(c.eof(5), b"", f"{how}: behind the end")
        elif how == "whole":
            c.quiet(0.15)
        else:
            equal(c.have, b"", f"{how}: more than was wanted")
    mails = g.wait(lambda: len(g.mails) - before >= script.mails and g.mails[before:] or not script.mails, 5, "the mails")
    equal(len(g.mails) - before, script.mails, f"{how}: mails at the gateway")
    for mail, body in zip(mails if script.mails else [], script.bodies):
        contains(mail.text, body.partition(b"\r\n\r\n")[2] or body, f"{how}: content")


def next_line(client, rows, script):
    try:
        line = client.line(10)
    except Failed as error:
        raise Failed(f"{error}, instead of line {len(rows) + 1}, {script.wanted[len(rows)].pattern}; before it "
                     f"{short(rows[-3:])}") from None
    return re.sub(r"[^ -~]|\\", lambda m: "\\x%02x" % ord(m.group()), line.decode("latin-1"))


def plain(path):
    with open(path, encoding="latin-1") as file:
        return not re.search(r"(?m)^= (auth|starttls) ", file.read())


def named():
    return [os.path.basename(p)[:-5] for p in sorted(glob.glob(os.path.join(FOLDER, "*.smtp"))) if plain(p)]


@cases("{0}", [(n,) for n in named()])
def _(name):
    script = Script(os.path.join(FOLDER, name + ".smtp"))
    dice = random.Random(name)
    ways = ["whole", "in cuts", "in cuts"] + (["octet by octet"] if len(script.sent) <= OCTETWISE else [])
    first = {"EXTENSIONS": script.gateway()["EXTENSIONS"]}
    with Liar(**first) as g, Relay(g.conf() + script.conf, hostname=script.hostname) as r:
        with r.session() as c:      # what the gateway announces is known from its first EHLO on
            c.start()
            c.cmd("RSET", "250")
        g.conn().wait_line("RSET")
        for how in ways:
            g.conns[0].script.update(script.gateway())
            play(script, r, g, how, dice)


@case("there are transcripts, and most of them can be played to their end")
def _():
    scripts = {n: Script(os.path.join(FOLDER, n + ".smtp")) for n in named()}
    check(len(scripts) >= 40, f"{len(scripts)} transcripts")
    within(sum(bool(s.cut) for s in scripts.values()), 0, 3, "transcripts that end early")


need_binary()
main(jobs=4)
