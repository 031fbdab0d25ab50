# SPDX-License-Identifier: ISC
"""An emulated board: QEMU on a copy of the image, its serial console, ports forwarded to loopback.

	with Machine() as m:            # board/qemu-nor; RAM in MiB: ram=16
	    m.boot()                    # starts, waits for the console
	    m.shell("gatepost status")  # what it printed; Failed if it did not end with 0
	    m.address(25)               # ("127.0.0.1", port): the box's port 25
	    m.cut()                     # the power goes
	    m.boot()                    # and comes back: flash as it was

The box reaches programs of this machine that listen on loopback under 10.0.2.2.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "peers"))
from lib import tap                                                     # noqa: E402
from lib.tap import Failed, check, short                                # noqa: E402

TOP = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
PROMPT = "gatepost# "
# Patience costs nothing where all is well; an emulator on a loaded machine needs it.
WAIT = 120.0
BUILDS = os.environ.get("GATEPOST_BUILDS", os.path.join(TOP, "build"))


def image(board="qemu-nor", name="nor.img"):
    """The path of a file of a board's build; the whole test is skipped where there is none."""
    path = os.path.join(BUILDS, board, name)
    if not os.path.exists(path):
        tap.skip_all(f"no {os.path.relpath(path)}: make BOARD={board} builds it")
    return path


def need_qemu():
    if not shutil.which("qemu-system-arm"):
        tap.skip_all("no qemu-system-arm")


def layout(board="qemu-nor"):
    """The numbers of board/NAME/layout."""
    with open(os.path.join(TOP, "board", board, "layout"), encoding="ascii") as file:
        return {k: int(v, 0) for k, v in re.findall(r"^([A-Z_]+)=(\w+)$", file.read(), re.M)}


class Console:
    """The serial line: all that came is kept, and searched from where the last search ended."""

    def __init__(self, sock):
        self.sock = sock
        self.text = ""
        self.at = 0
        self.open = True
        self.change = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            with self.change:
                self.text += data.decode("latin-1")
                self.open = bool(data)
                self.change.notify_all()
                if not data:
                    return

    def send(self, text):
        try:
            self.sock.sendall(text.encode("latin-1"))
        except OSError as error:
            raise Failed(f"the console is gone: {error}") from None

    def expect(self, pattern, wait=WAIT):
        """Waits for a regular expression in what comes; the match. What lies before its end is done with."""
        end = time.monotonic() + wait
        with self.change:
            while True:
                found = re.compile(pattern).search(self.text, self.at)
                if found:
                    self.at = found.end()
                    return found
                left = end - time.monotonic()
                if left <= 0 or not self.open:
                    why = f"not within {wait:g} s" if self.open else "the machine ended"
                    raise Failed(f"console: expected {pattern!r}, {why}; last came {short(self.text[-700:])}")
                self.change.wait(left)


class Machine:
    """board/qemu-nor in qemu-system-arm.

    flash: the image that is copied (build/qemu-nor/nor.img); ram: MiB; append: words for the kernel's command line;
    drives: files or (file, "ro") that become /dev/vda, vdb …; options: more words for QEMU; ports: the box's that are
    forwarded; user: more for "-netdev user" (as ",restrict=on"); net: in place of it, e.g. ("tap,ifname=t0,…");
    clock: what its RTC says at the start ("2001-01-01T00:00:00", default: now).
    """

    def __init__(self, flash=None, ram=16, append="", drives=(), options=(), ports=(25, 80), user="", net=None, clock=None):
        need_qemu()
        self.dir = tempfile.mkdtemp(prefix="gatepost-test-")
        self.flash = os.path.join(self.dir, "nor.img")
        self.ram, self.drives, self.options, self.ports, self.user, self.net = ram, list(drives), list(options), ports, user, net
        self.clock = clock
        self.process = self.console = None
        self.texts = []
        self.forwarded = {}
        shutil.copy(flash or image(), self.flash)
        if append:
            self.append(append)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.cut()
        if kind is not None and os.environ.get("GATEPOST_CONSOLE"):
            sys.stderr.write("\n".join(self.texts))
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- power ---

    def start(self):
        """Switches it on; does not wait for anything but QEMU itself."""
        check(self.process is None, "it runs already")
        here, there = socket.socketpair()
        monitor, other = socket.socketpair()
        words = ["qemu-system-arm", "-M", "virt", "-cpu", "cortex-a7", "-m", str(self.ram), "-nodefaults", "-display", "none",
                 "-chardev", f"socket,id=serial,fd={there.fileno()}", "-serial", "chardev:serial",
                 "-chardev", f"socket,id=monitor,fd={other.fileno()}", "-mon", "chardev=monitor,mode=readline",
                 "-drive", f"if=pflash,unit=0,format=raw,file={self.flash}"]
        if self.clock:
            words += ["-rtc", f"base={self.clock}"]
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in self.ports)
        words += ["-netdev", f"{self.net},id=net" if self.net else f"user,id=net{self.user}{forwards}",
                  "-device", "virtio-net-device,netdev=net,mac=52:54:00:12:34:56", "-device", "virtio-rng-device"]
        for number, drive in enumerate(self.drives):
            path, how = drive if isinstance(drive, tuple) else (drive, "rw")
            words += ["-drive", f"if=none,id=drive{number},format=raw,file={path},readonly={'on' if how == 'ro' else 'off'}",
                      "-device", f"virtio-blk-device,drive=drive{number}"]
        with open(os.path.join(self.dir, "qemu.log"), "ab") as log:
            self.process = subprocess.Popen([*words, *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=(there.fileno(), other.fileno()))
        tap.child(self.process.pid)
        there.close()
        other.close()
        self.console = Console(here)
        self.monitor = Console(monitor)
        self.monitor.expect(r"\(qemu\) ")
        if not self.net:
            self._find_ports()

    def _find_ports(self):
        text = self.ask("info usernet")
        rows = re.findall(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)", text)
        self.forwarded = {int(inside): int(outside) for outside, inside in rows}

    def ask(self, command):
        """What QEMU's monitor answers."""
        begin = self.monitor.at
        self.monitor.send(command + "\n")
        self.monitor.expect(r"\(qemu\) ")
        return self.monitor.text[begin:self.monitor.at]

    def boot(self, wait=WAIT):
        """Switches it on and waits for a shell on the console."""
        self.start()
        return self.login(wait)

    def login(self, wait=WAIT):
        self.console.expect(r"Please press Enter to activate this console", wait)
        self.console.send("\n")
        self.console.expect(re.escape(PROMPT), wait)
        return self

    def cut(self):
        """The power goes, at once."""
        if self.process is None:
            return
        self.process.kill()
        self._ended()

    def ends(self, wait=WAIT):
        """Waits until the machine switches itself off."""
        try:
            self.process.wait(wait)
        except subprocess.TimeoutExpired:
            raise Failed(f"still on after {wait:g} s; last came {short(self.console.text[-700:])}") from None
        self._ended()

    def _ended(self):
        self.process.wait()
        tap.forget(self.process.pid)
        self.process = None
        self.texts.append(self.console.text)
        self.console.sock.close()
        self.monitor.sock.close()

    # --- inside ---

    def address(self, port):
        """Where the box's port is reached from here."""
        return "127.0.0.1", self.forwarded[port]

    def run(self, command, wait=WAIT):
        """(exit status, what it printed) of a line typed at the console."""
        console = self.console
        # The shell's editor folds the echo of a long line; what is looked for is not in it as such.
        console.send(f"echo '=''begin='; {command}; echo '='$?'='\n")
        console.expect(r"=begin=\r?\n", wait)
        begin = console.at
        found = console.expect(r"=(\d+)=\r?\n", wait)
        text = console.text[begin:found.start()].replace("\r", "")
        console.expect(re.escape(PROMPT), wait)
        return int(found.group(1)), text

    def unset(self):
        """Waits for a relay that runs, and waits to be set up; what `gatepost status` says of it."""
        def says():
            status, text = self.run("gatepost status")
            return status == 1 and "not set up yet" in text and text
        return tap.wait_for(says, 120, "a relay in setup mode")

    def shell(self, command, wait=WAIT):
        status, text = self.run(command, wait)
        check(status == 0, lambda: f"{command!r} ended with {status}: {short(text)}")
        return text

    def type_file(self, path, text):
        """Writes a file by typing it."""
        self.console.send(f"cat >{path} <<'-end-'\n")
        for line in text.rstrip("\n").split("\n"):
            self.console.send(line + "\n")
        self.console.send("-end-\n")
        self.console.expect(re.escape(PROMPT))
        check(self.run(f"test -s {path}")[0] == 0, f"{path} was not written")

    # --- the flash, while it is off ---

    def part(self, name):
        """(offset, size) of a part in the flash: loader, set_a, set_b, store."""
        numbers = layout()
        return numbers[name.upper() + "_OFFSET"], numbers[name.upper() + "_SIZE"]

    def read(self, offset, size):
        with open(self.flash, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, offset, octets):
        with open(self.flash, "r+b") as file:
            file.seek(offset)
            file.write(octets)

    def append(self, words):
        """More words on the kernel's command line: in the device trees of both sets, whose CRC follows."""
        for name in ("set_a", "set_b"):
            at, _ = self.part(name)
            if self.read(at, 8) != b"GPIMAGE1":
                continue
            header = bytearray(self.read(at, 512))
            total, = struct.unpack_from("<I", header, 12)
            octets = bytearray(self.read(at, total))
            for place in {struct.unpack_from("<II", header, 32), struct.unpack_from("<II", header, 40)}:
                octets[place[0]:sum(place)] = appended(bytes(octets[place[0]:sum(place)]), words)
            struct.pack_into("<I", octets, 16, zlib.crc32(octets[512:]))
            struct.pack_into("<I", octets, 444, zlib.crc32(octets[:444]))
            self.write(at, bytes(octets))


def appended(tree, words):
    """A device tree of the same length with words behind its bootargs."""
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=tree, capture_output=True, check=True).stdout.decode()
    text, count = re.subn(r'(bootargs = "[^"]*)"', rf'\1 {words}"', text)
    check(count == 1, f"{count} lines with bootargs in the device tree")
    out = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-S", str(len(tree))], input=text.encode(), capture_output=True,
                         check=True).stdout
    check(len(out) == len(tree), "the device tree has no room for more words")
    return out
