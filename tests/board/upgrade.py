#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Upgrades of board/qemu-nor in QEMU: a good one from each source, those that are refused, a version that never reports
well, and the power cut at any moment: the box comes up, with the old version or the new one, and its settings are there.
With GATEPOST_SOAK: many cuts.
"""

import hashlib
import http.server
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import machine                                                          # noqa: E402
from machine import Machine                                             # noqa: E402
from lib import *                                                       # noqa: E402,F403

SOAK = bool(os.environ.get("GATEPOST_SOAK"))
CUTS = int(os.environ.get("GATEPOST_CUTS", "60"))
IMAGE = machine.image(name="gatepost-qemu-nor.img")
FOLDER = tempfile.TemporaryDirectory(prefix="gatepost-upgrade-")
CONF = 'Gateway = "mail.example.test"\nHostname = "kept.example.test"\n'
RECORD = 32


def here(name):
    return os.path.join(FOLDER.name, name)


def sign(path, key=os.path.join(TOP, "firmware/keys/development.key")):
    code, _out, err = gatepost("image", "sign", "-k", key, path)
    check(code == 0, f"gatepost image sign: {err}")


def variant(name, version=None, board=None, words=None, key=None):
    """A signed image that differs from the one of the build -> its path"""
    with open(IMAGE, "rb") as f:
        octets = bytearray(f.read())
    for at, text in ((64, board), (96, version)):
        if text:
            octets[at:at + 32] = text.encode().ljust(32, b"\0")
    if words:
        old, new = (w.encode() for w in words)
        check(len(old) == len(new) and octets.count(old) == 2, f"{old} is in both device trees")
        octets = octets.replace(old, new)
    struct.pack_into("<I", octets, 16, zlib.crc32(octets[512:]))
    struct.pack_into("<I", octets, 444, zlib.crc32(octets[:444]))
    return put(name, octets, key)


def put(name, octets, key=None, signed=True):
    with open(here(name), "wb") as f:
        f.write(octets)
    if signed:
        sign(here(name), *([key] if key else []))
    return here(name)


def stick(image):
    """A FAT disk with the image on it -> its path"""
    path = here("stick")
    with open(path, "wb") as f:
        f.truncate(8 << 20)
    for words in (["mkfs.vfat", path], ["mcopy", "-i", path, image, "::gatepost-qemu-nor.img"]):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


class Site(http.server.ThreadingHTTPServer):
    """Serves one file, whatever is asked for."""

    def __init__(self, path):
        with open(path, "rb") as f:
            octets = f.read()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):                                           # noqa: N802
                self.send_response(200)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Box(Machine):
    """With what upgrades do to it."""

    def settle(self):
        """Settings that have to survive."""
        self.type_file("/run/conf", CONF)
        self.shell("gatepost store put gatepost.conf </run/conf; rm /run/conf")

    def kept(self):
        contains(self.shell("gatepost store get gatepost.conf").replace("\r", ""), CONF, "gatepost.conf in the store")

    def well(self):
        """Waits until the version that runs has reported well."""
        wait_for(lambda: "trial" not in self.shell("bootmark show"), 180, "the report that all is well")

    def running(self):
        return self.line("bootmark running", "[ab]")

    def relay(self):
        return self.line("cat /run/relay.pid", r"\d+")

    def line(self, command, pattern):
        """The line of that form that the command prints; others may come to the console, too."""
        text = self.shell(command)
        found = re.search(rf"^({pattern})\r?$", text, re.M)
        check(found, f"{command} printed {text!r}")
        return found.group(1)

    def loader(self, pattern=r"Gatepost: (set [^\r\n]*)\r\n"):
        """What the loader said, from here on."""
        return self.console.expect(pattern).group(1)

    def on(self):
        """Switches it on -> what the loader said; a shell waits."""
        self.start()
        said = self.loader()
        self.login()
        return said

    def record(self, number):
        at, _ = self.part("loader")
        return struct.unpack("<5I", self.read(at + machine.layout()["MARKS_OFFSET"] + number * RECORD, 20))

    def untouched(self):
        """Set B and the marks, to compare."""
        return [hashlib.sha256(self.read(*self.part(name))).hexdigest() for name in ("loader", "set_a", "set_b")]


@case("an upgrade over HTTP: the new version runs on trial, reports well, stays; the settings are there; and one back from a stick")
def _():
    new = variant("new.img", version="7.8.9")
    site = Site(new)
    with Box(drives=[(stick(variant("newer.img", version="7.9.0")), "ro")]) as box:
        equal(box.on(), "set A", "the loader")
        box.settle()
        box.console.send(f"upgrade http://10.0.2.2:{site.server_port}/gatepost.img\n")
        box.console.expect(r"Gatepost 7\.8\.9 for qemu-nor, \d+ octets, signed with the development key")
        equal(box.loader(), "set B, on trial, boot 1 of 3", "the loader")
        box.login()
        equal(box.running(), "b", "the set that runs")
        box.kept()
        status, text = box.run("upgrade - </dev/null")
        equal((status, "on trial itself" in text), (75, True), "an upgrade of a version on trial")
        box.well()
        equal(box.record(1), (0x42534554, 0, 0xffffffff, 0xffffffff, 0), "its mark")
        box.cut()
        equal(box.on(), "set B", "the loader after a power cut")
        box.kept()
        contains(box.shell("bootmark show"), "running b")
        box.console.send("upgrade\n")
        box.console.expect(r"Gatepost 7\.9\.0 for qemu-nor")
        equal(box.loader(), "set A, on trial, boot 1 of 3", "the loader after the second")
        box.login()
        box.kept()
        equal(box.running(), "a", "the set that runs")
    site.shutdown()


@case("what is refused changes nothing: another board, a flipped bit, another key, another format, cut, too large, nothing")
def _():
    with open(IMAGE, "rb") as f:
        good = f.read()
    own = here("own.key")
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", own], check=True)
    flipped = good[:600000] + bytes([good[600000] ^ 4]) + good[600001:]
    drives = [variant("other.img", board="orangepi-pc"), put("flip.img", flipped, signed=False), variant("key.img", key=own),
              put("old.img", good[:20] + b"\0" + good[21:], signed=False)]
    with Box(drives=[(d, "ro") for d in drives]) as box:
        box.boot()
        before = box.untouched()
        relay = box.relay()
        for words, code, text in (
                ("upgrade - </dev/vda", 78, "is for the board orangepi-pc, and this one is qemu-nor"),
                ("upgrade - </dev/vdb", 65, "is damaged: its checksum is wrong"),
                ("upgrade - </dev/vdc", 77, "was not signed with the development key"),
                ("upgrade - </dev/vdd", 76, "an image of format 0, older than"),
                ("head -c 400000 /dev/vda | upgrade -", 65, "is cut off: has 400000 octets in place of"),
                ("cat /dev/vda /dev/vda | upgrade -", 65, "is larger than a set of this box, which has 2097152 octets"),
                ("upgrade - </dev/null", 66, "nothing came"),
                ("upgrade /run/nix", 66, "there is no such file"),
                ("upgrade https://example.test/x", 64, "https is not known here"),
                ("upgrade http://10.0.2.2:9/x", 66, "nothing came"),
                ("upgrade", 66, "there is no gatepost-qemu-nor.img on a stick or card"),
                ("upgrade a b", 64, "usage: upgrade")):
            status, said = box.run(words)
            equal((status, text in said), (code, True), f"{words}, which said {short(said)}")
        equal(box.relay(), relay, "the relay's process")
        lacks(box.shell("ls /run"), "upgrade")
        equal(box.untouched(), before, "loader with marks, set A, set B")
        contains(box.shell("bootmark show"), "running a")


@case("a version that dies as it starts: after three boots the old one is back, the settings are there, and the next upgrade works")
def _():
    bad = variant("bad.img", version="6.6.6", words=("rootwait", "init=/nx"))
    with Box(drives=[(bad, "ro"), (variant("better.img", version="6.6.7"), "ro")]) as box:
        box.boot()
        box.settle()
        box.console.send("upgrade - </dev/vda\n")
        for n in (1, 2, 3):
            equal(box.loader(), f"set B, on trial, boot {n} of 3", "the loader")
            box.console.expect(r"Kernel panic")
        equal(box.loader(), "set A, since B did not report well", "the loader")
        box.login()
        contains(box.shell("bootmark show"), "running a; b did not boot well")
        box.kept()
        box.shell("bootmark good")
        equal(box.record(2), (0x41534554, 0xffffffff, 0xffffffff, 0xffffffff, 0), "a mark that A is well")
        box.console.send("upgrade - </dev/vdb\n")
        equal(box.loader(), "set B, on trial, boot 1 of 3", "the loader")
        box.login()
        box.kept()


class Cut:
    """One upgrade whose power is cut at a moment; what may be then."""

    def __init__(self, box, image, chance):
        self.box, self.chance = box, chance
        with open(image, "rb") as f:
            self.new = f.read()
        self.at, _ = box.part("set_" + ("b" if box.running() == "a" else "a"))

    def spot(self):
        """Somewhere in the set that is written."""
        return self.at + self.chance.randrange(len(self.new) // 64) * 64

    def is_blank(self, spot):
        return self.box.read(spot, 64) == b"\xff" * 64

    def is_erased(self):
        return self.is_blank(self.at + len(self.new) - 4096)

    def erase(self):
        spot = self.spot()
        # A spot at the front is written again soon; the end stays blank for as long as the set is written.
        wait_for(lambda: self.is_blank(spot) or self.is_erased(), 120, "the erasure of a spot")

    def write(self):
        spot = self.spot()
        wait_for(self.is_erased, 120, "the erasure")
        wait_for(lambda: not self.is_blank(spot) or self.box.read(self.at, 64) == self.new[:64] and self.is_ff(spot), 120,
                 "the writing of a spot")

    def is_ff(self, spot):
        """Does the image itself have ones there?"""
        return self.new[spot - self.at:spot - self.at + 64] == b"\xff" * 64

    def mark(self):
        self.box.console.expect(r"is written")
        time.sleep(self.chance.random() * 2)

    def marked(self):
        self.box.console.expect(r"is marked")
        time.sleep(self.chance.random() * 4)

    def trial(self):
        self.box.console.expect(r"on trial, boot")
        time.sleep(self.chance.random() * 8)


MOMENTS = ("erase", "write", "mark", "trial")


def cut_once(box, moment, chance):
    """From a box that runs well, an upgrade that is cut; the box is on again. -> what the loader said"""
    cut = Cut(box, here("new.img"), chance)
    old = box.running()
    box.console.send("upgrade - </dev/vda\n")
    getattr(cut, moment)()
    box.cut()
    said = box.on()
    new = {"a": "B", "b": "A"}[old]
    wanted = [f"set {old.upper()}"]
    if moment in ("mark", "marked", "trial"):
        wanted += [f"set {new}, on trial, boot {n} of 3" for n in (1, 2)]
    among(said, wanted, f"the loader after a cut at {moment}")
    equal(box.running().upper(), said[4], "the set that runs")
    box.kept()
    box.shell("bootmark good")                     # what would be done half a minute later
    return said


@case("the power is cut while a set is erased, while it is written, while it is marked, in its first boot: it comes up with its settings")
def _():
    seed = random.randrange(1 << 32) if SOAK else 3
    chance = random.Random(seed)
    image = variant("new.img", version="7.8.9")
    with Box(drives=[(image, "ro")]) as box:
        box.boot()
        box.settle()
        for n in range(CUTS if SOAK else len(MOMENTS)):
            moment = chance.choice(MOMENTS + ("marked",)) if SOAK else MOMENTS[n]
            try:
                said = cut_once(box, moment, chance)
            except Failed as error:
                raise Failed(f"seed {seed}, cut {n}, {moment}: {error}") from None
            if SOAK:
                print(f"# cut {n} at {moment}: {said}", flush=True)
        old = box.running()
        box.console.send("upgrade - </dev/vda\n")
        contains(box.loader(), "on trial, boot 1 of 3")
        box.login()
        lacks(box.running(), old)
        box.kept()


main(jobs=2, limit=int(os.environ.get("GATEPOST_LIMIT", "100000" if SOAK else "600")))
