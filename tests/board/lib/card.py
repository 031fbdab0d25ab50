# SPDX-License-Identifier: ISC
"""board/orangepi-pc: the Machine of machine.py that starts from a card. QEMU ends it at no "reboot": cut() and boot()."""

import os
import re
import socket
import struct
import subprocess
import tempfile

from machine import WAIT, Console, Machine, image, layout, need_qemu, tap

BOARD = "orangepi-pc"
SECTOR = 512
FREE = 0xffffffff


class Pi(Machine):
    def __init__(self, ports=(25, 80)):                                # pylint: disable=super-init-not-called
        need_qemu()
        whole = image(BOARD, f"gatepost-{BOARD}-card.img")
        self.dir = tempfile.mkdtemp(prefix="gatepost-test-")
        self.flash = os.path.join(self.dir, "card.img")
        self.ports, self.net, self.clock = ports, None, None
        self.process = self.console = None
        self.texts = []
        self.forwarded = {}
        self.layout = layout(BOARD)
        subprocess.run(["cp", "--sparse=always", whole, self.flash], check=True)

    def start(self, options=()):                                        # pylint: disable=arguments-differ
        here, there = socket.socketpair()
        monitor, other = socket.socketpair()
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in self.ports)
        words = ["qemu-system-arm", "-M", BOARD, "-display", "none",
                 "-chardev", f"socket,id=serial,fd={there.fileno()}", "-serial", "chardev:serial",
                 "-chardev", f"socket,id=monitor,fd={other.fileno()}", "-mon", "chardev=monitor,mode=readline",
                 "-drive", f"if=sd,format=raw,file={self.flash}", "-nic", f"user{forwards}", *options]
        with open(os.path.join(self.dir, "qemu.log"), "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=(there.fileno(), other.fileno()))
        tap.child(self.process.pid)
        there.close()
        other.close()
        self.console, self.monitor = Console(here), Console(monitor)
        self.monitor.expect(r"\(qemu\) ")
        self._find_ports()

    def loads(self, wait=WAIT):
        """Switches it on, waits until U-Boot begins to load a set: (what it said of the choice, which set)."""
        self.start()
        which = self.console.expect(r"Gatepost: booting set (.)", wait).group(1)
        said = re.search(r"Gatepost: (set [ab], [^\r]*)", self.console.text[:self.console.at])
        return said.group(1) if said else "", which

    def start_with(self, words):
        """Switches it on without U-Boot: set A's kernel with these words on its command line."""
        place, _ = self.part("set_a")
        header = self.read(place, 512)
        files = []
        for name, at in ("kernel", 24), ("tree", 32):
            begin, length = struct.unpack_from("<II", header, at)
            files.append(os.path.join(self.dir, name))
            with open(files[-1], "wb") as file:
                file.write(self.read(place + begin, length))
        self.start(("-kernel", files[0], "-dtb", files[1], "-append", words))

    # --- the card, while it is off ---

    def part(self, name):
        return self.layout[name.upper() + "_OFFSET"], self.layout[name.upper() + "_SIZE"]

    def mark(self, number):
        """The words of a boot mark."""
        return struct.unpack("<5I", self.read(self.layout["MARKS_OFFSET"] + SECTOR * number, 20))

    def put_mark(self, number, which, used=0, good=False):
        words = [struct.unpack("<I", b"TES" + which.upper().encode())[0], *[0] * used, *[FREE] * (3 - used), 0 if good else FREE]
        self.write(self.layout["MARKS_OFFSET"] + SECTOR * number, struct.pack("<5I", *words))

    def put_file(self, name, octets):
        """A file on the FAT."""
        path = os.path.join(self.dir, "file")
        with open(path, "wb") as file:
            file.write(octets)
        subprocess.run(["mcopy", "-o", "-i", f"{self.flash}@@{self.layout['BOOT_OFFSET']}", path, f"::{name}"], check=True)

    def size(self, folder):
        """Octets of the file system on a folder of the box."""
        return int(re.search(r"^\S+ +(\d+) ", self.shell(f"df -k {folder} | tail -n 1"), re.M).group(1)) * 1024
