# SPDX-License-Identifier: ISC
"""A stick: an image of a FAT file system, with or without a partition table, and what lies on it."""

import os
import struct
import subprocess
import tempfile

from lib.tap import check


class Stick:
    """files: name -> text. partition: the sector at which the one partition begins, 0: none, the whole disk is FAT."""

    def __init__(self, files=(), partition=2048):
        self.folder = tempfile.TemporaryDirectory(prefix="gatepost-stick-")
        self.path = os.path.join(self.folder.name, "stick")
        self.at = partition * 512
        with open(self.path, "wb") as file:
            file.truncate(self.at + (4 << 20))
            if partition:
                file.seek(446)
                file.write(struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", 0x0c, b"\xfe\xff\xff", partition, 8192))
                file.seek(510)
                file.write(b"\x55\xaa")
        with tempfile.NamedTemporaryFile(dir=self.folder.name) as fat:
            fat.truncate(4 << 20)
            subprocess.run(["/usr/sbin/mkfs.vfat", fat.name], check=True, stdout=subprocess.DEVNULL, timeout=30)
            with open(self.path, "r+b") as file:
                file.seek(self.at)
                file.write(fat.read())
        for name, text in dict(files).items():
            self.put(name, text)

    def _tool(self, *words, stdin=b"", must=True):
        done = subprocess.run([words[0], "-i", f"{self.path}@@{self.at}", *words[1:]], input=stdin, capture_output=True,
                              env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}, timeout=30, check=False)
        check(done.returncode == 0 or not must, f"{words}: {done.stderr.decode()}")
        return done.stdout

    def put(self, name, text):
        self._tool("mcopy", "-o", "-", f"::{name}", stdin=text.encode())

    def get(self, name):
        return self._tool("mtype", f"::{name}").decode()

    def names(self):
        return sorted(n.strip("/").lstrip(":").strip("/") for n in self._tool("mdir", "-b", "::", must=False).decode().split("\n")
                      if n.strip())
