#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The loader of board/qemu-nor in QEMU, with a few words of code in the place of the kernels: which set it takes by the boot
marks, that it counts tries in flash, goes back, bears damaged sets, tells the kernel how much RAM there is, and comes up
again after the power was cut at any moment.
"""

import os
import random
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib import tap                                                     # noqa: E402

CROSS = "arm-linux-gnueabihf-"
BOARD = os.path.join(TOP, "board/qemu-nor")
MARKS, STRIDE, RECORDS = 0x8000, 32, 1024
PLACE = {"A": 0x40000, "B": 0x240000}
KERNEL_AT, TREE_AT = 0x40800000, 0x40b00000
SOAK = bool(os.environ.get("GATEPOST_SOAK"))
ROOT = tempfile.TemporaryDirectory(prefix="gatepost-loader-")


def tool(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"Bail out! {words[0]}: {done.stderr}")


def here(name):
    return os.path.join(ROOT.name, name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def build():
    """-> loader, code, tree, offset of the memory's size in it"""
    tool("sh", os.path.join(TOP, "firmware/loader.sh"), here("loader"), "board/qemu-nor/layout", CROSS)
    tool(CROSS + "gcc", "-marm", "-march=armv7-a+fp", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=%#x" % KERNEL_AT,
         "-o", here("kernel.elf"), os.path.join(TOP, "tests/board/lib/kernel.S"))
    tool(CROSS + "objcopy", "-O", "binary", "-j", ".text", here("kernel.elf"), here("kernel"))
    tool("dtc", "-q", "-I", "dts", "-O", "dtb", "-S", "4096", "-o", here("tree"), os.path.join(BOARD, "qemu-nor.dts"))
    tree = read(here("tree"))
    return read(here("loader")), read(here("kernel")), tree, tree.index(struct.pack(">III", 0, 0x40000000, 0)) + 12


os.chdir(TOP)
LOADER, CODE, TREE, SIZE_AT = build()


def kernel(letter, size=0x20000):
    """-> octets, the sum of their words as it is printed"""
    body = bytearray(CODE.ljust(size, b"\0"))
    for at in range(len(CODE) + 3 & ~3, size, 4096):
        body[at:at + 4] = random.Random(at).randbytes(4)
    struct.pack_into("<III", body, 4, ord(letter), SIZE_AT, size // 4)
    return bytes(body), "%08x" % (sum(struct.unpack(f"<{size // 4}I", body)) & 0xffffffff)


def image(letter, size=0x20000, tree=TREE):
    for name, octets in (("k", kernel(letter, size)[0]), ("t", tree), ("r", b"root" * 2000)):
        with open(here(letter + name), "wb") as f:
            f.write(octets)
    tool("/usr/bin/python3", os.path.join(TOP, "firmware/set.py"), "-b", "qemu-nor", "-v", "0", "-k", here(letter + "k"), "-a",
         here(letter + "t"), "-r", here(letter + "r"), "-o", here(letter))
    return read(here(letter))


SETS = {letter: image(letter) for letter in "AB"}


class Flash:
    """An image of the flash, and the machine on it."""

    def __init__(self, a=None, b=None):
        self.file = tempfile.NamedTemporaryFile(dir=ROOT.name, buffering=0)
        self.file.write(b"\xff" * 0x500000)
        self.file.truncate(0x4000000)
        self.put(0, LOADER)
        self.put(PLACE["A"], SETS["A"] if a is None else a)
        self.put(PLACE["B"], SETS["B"] if b is None else b)

    def put(self, at, octets):
        self.file.seek(at)
        self.file.write(octets)

    def get(self, at, n):
        self.file.seek(at)
        return self.file.read(n)

    def mark(self, number, letter, used=0, good=False):
        self.put(MARKS + number * STRIDE, b"TES" + letter.encode() + b"\0\0\0\0" * used + b"\xff" * 4 * (3 - used) +
                 (b"\0\0\0\0" if good else b"\xff" * 4))

    def words(self, number):
        return struct.unpack("<5I", self.get(MARKS + number * STRIDE, 20))

    def start(self, ram=16, more=""):
        words = ["qemu-system-arm", "-M", "virt", "-cpu", "cortex-a7", "-m", str(ram), "-display", "none", "-monitor", "none",
                 "-serial", "stdio", "-nic", "none", "-no-reboot", "-drive",
                 f"if=pflash,unit=0,format=raw,file={self.file.name}{more}"]
        qemu = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        tap.child(qemu.pid)
        return qemu

    def boot(self, ram=16, more=""):
        """-> what was printed, in lines; the machine was switched off"""
        qemu = self.start(ram, more)
        try:
            out, _ = qemu.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            qemu.kill()
            out, _ = qemu.communicate()
            raise Failed(f"the machine is not off after 120 s; it said {out!r}") from None
        finally:
            tap.forget(qemu.pid)
        return out.decode("ascii", "replace").replace("\r", "").splitlines()

    def boots(self, letter, said, **how):
        lines = self.boot(**how)
        equal(lines[:1], [said], "first line")
        equal(len(lines), 2, f"lines of {lines}")
        equal(lines[1].split()[:2], ["kernel", letter], "which kernel")
        return lines[1].split()[2:]


@cases("{} MiB of RAM: the kernel is told so, and finds itself whole", [12, 16, 24, 64, 512])
def _(ram):
    flash = Flash()
    total, tree_at, magic, size = flash.boots("A", "Gatepost: set A", ram=ram)
    equal(total, kernel("A")[1], "sum of the kernel")
    equal(tree_at, "%08x" % TREE_AT, "place of the tree")
    equal(magic, "d00dfeed", "its first word")
    equal(size, "%08x" % (ram << 20), "size of the memory")
    equal(flash.get(0, 0x40000), LOADER.ljust(0x40000, b"\xff"), "a set that is well leaves the marks alone")


@case("the largest kernel and a tree of 64 KiB in 12 MiB of RAM")
def _():
    big = 0x1c0000 - 0x1000
    tree = TREE[:4] + struct.pack(">I", 0x10000) + TREE[8:].ljust(0x10000 - 8, b"\0")
    total, _, magic, size = Flash(a=image("A", big, tree)).boots("A", "Gatepost: set A", ram=12)
    equal([total, magic, size], [kernel("A", big)[1], "d00dfeed", "00c00000"])
    image("A")


@case("a set on trial: three boots, counted in flash; then back to the other; another one behind it; well with its last boot")
def _():
    flash = Flash()
    flash.mark(1, "B")
    for n in (1, 2, 3):
        flash.boots("B", f"Gatepost: set B, on trial, boot {n} of 3")
        equal(flash.words(1), (0x42534554,) + (0,) * n + (0xffffffff,) * (4 - n), "its mark")
    for _ in range(2):
        flash.boots("A", "Gatepost: set A, since B did not report well")
    flash.mark(2, "B", used=2)
    flash.boots("B", "Gatepost: set B, on trial, boot 3 of 3")
    flash.mark(2, "B", used=3, good=True)
    flash.boots("B", "Gatepost: set B")
    equal(flash.get(0, MARKS), LOADER[:MARKS], "the loader's own octets")
    equal(flash.get(0x40000, 0x1000), SETS["A"][:0x1000], "the sets stay as they are")


@case("a set that is damaged: the other, whatever the marks say, and no try is counted")
def _():
    for at in (0, 8, 12, 16, 24, 600, 4096, len(SETS["B"]) - 1):
        flash = Flash(b=SETS["B"][:at] + bytes([SETS["B"][at] ^ 0x10]) + SETS["B"][at + 1:])
        flash.mark(1, "B")
        flash.boots("A", "Gatepost: set A, since B is damaged")
        equal(flash.words(1)[1:], (0xffffffff,) * 4, f"its mark, with octet {at} changed")
    flash = Flash(a=b"\xff" * len(SETS["A"]))
    flash.boots("B", "Gatepost: set B, since A is damaged")
    flash.mark(1, "A", used=3)
    flash.boots("B", "Gatepost: set B, since A is damaged")


@case("a set that did not report well is taken all the same where the other one is damaged")
def _():
    flash = Flash(a=SETS["A"][:-1] + b"x")
    flash.mark(1, "B", used=3)
    flash.boots("B", "Gatepost: set B, since A is damaged")


@case("both are damaged: what begins as a set is tried; nothing at all: it says so")
def _():
    flash = Flash(a=SETS["A"][:-1] + b"x", b=SETS["B"][:-1] + b"x")
    flash.boots("A", "Gatepost: set A, since B is damaged, too")
    flash = Flash(a=b"", b=SETS["B"][:-1] + b"x")
    flash.boots("B", "Gatepost: set B, since A is damaged")
    flash = Flash(a=b"", b=b"")
    qemu = flash.start()
    said = b""
    while not said.endswith(b"nothing to boot\r\n"):
        octets = os.read(qemu.stdout.fileno(), 4096)
        check(octets, f"the machine ended; it said {said!r}")
        said += octets
    qemu.kill()
    qemu.wait()
    tap.forget(qemu.pid)


@case("marks that cannot be written: no boot on trial that nobody counts")
def _():
    flash = Flash()
    flash.mark(1, "B")
    flash.boots("A", "Gatepost: set A, since B's boots cannot be counted", more=",readonly=on")
    equal(flash.words(1)[1:], (0xffffffff,) * 4, "its mark")


@case("1,024 marks: the last one counts")
def _():
    flash = Flash()
    for n in range(1, RECORDS):
        flash.mark(n, "AB"[n % 2], used=1, good=True)
    flash.boots("B", "Gatepost: set B")
    flash.mark(RECORDS - 1, "B", used=1)
    flash.boots("B", "Gatepost: set B, on trial, boot 2 of 3")


@case("the power is cut at random moments of a boot on trial: the next boot is one of the three, or the way back")
def _():
    chance = random.Random(7)
    for _ in range(200 if SOAK else 8):
        flash = Flash()
        flash.mark(1, "B")
        for _ in range(chance.randrange(1, 5)):
            qemu = flash.start()
            time.sleep(chance.random() * 0.6)
            qemu.kill()
            qemu.communicate()
            tap.forget(qemu.pid)
        used = sum(word != 0xffffffff for word in flash.words(1)[1:4])
        among(flash.words(1)[1 + used:], [(0xffffffff,) * (4 - used)], "words behind those that are used")
        if used < 3:
            flash.boots("B", f"Gatepost: set B, on trial, boot {used + 1} of 3")
        else:
            flash.boots("A", "Gatepost: set A, since B did not report well")


@case("marks torn in any way: it boots one of the sets, three times at most without a word of it being well")
def _():
    chance = random.Random(11)
    for _ in range(100 if SOAK else 6):
        flash = Flash()
        for n in range(1, 4):
            word = [0x41534554, 0x42534554, 0x41534554 | chance.getrandbits(32), chance.getrandbits(32)][chance.randrange(4)]
            rest = [chance.choice((0xffffffff, 0, chance.getrandbits(32))) for _ in range(4)]
            flash.put(MARKS + n * STRIDE, struct.pack("<5I", word, *rest))
        trials = 0
        for _ in range(5):
            first, second = flash.boot()
            check(first.startswith("Gatepost: set ") and second.startswith("kernel "), f"it said {first!r} {second!r}")
            equal(second.split()[1], first[len("Gatepost: set ")], "which kernel")
            trials += "on trial" in first
        within(trials, 0, 3, "boots on trial")


main(limit=int(os.environ.get("GATEPOST_LIMIT", "600")))
