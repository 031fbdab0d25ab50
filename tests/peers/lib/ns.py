# SPDX-License-Identifier: ISC
"""Namespaces of the test's own: addresses, /etc/hosts, /etc/resolv.conf and a small DNS server."""

import ctypes
import os
import socket
import struct
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

from . import tap

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)
_folder = None


def _mount(source, target, flags):
    if _libc.mount(source.encode(), target.encode(), None, flags, None):
        raise OSError(ctypes.get_errno(), f"mount {target}")


def ip(words):
    subprocess.run(["ip", *words.split()], check=True, stdin=subprocess.DEVNULL, timeout=10)


def enter(addresses=()):
    """Go into new mount and network namespaces, for the whole process; no threads may run yet."""
    global _folder
    if os.geteuid() != 0:
        tap.skip_all("namespaces need root")
    try:
        if _libc.unshare(CLONE_NEWNS | CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        _mount("none", "/", MS_REC | MS_PRIVATE)
        ip("link set lo up")
    except (OSError, subprocess.SubprocessError) as error:
        tap.skip_all(f"no namespaces here: {error}")
    for one in addresses:
        ip(f"addr add {one} dev lo")
    _folder = tempfile.TemporaryDirectory(prefix="gatepost-test-")
    for name in ("hosts", "resolv.conf"):
        path = os.path.join(_folder.name, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n" if name == "hosts" else "nameserver 127.0.0.1\n")
        os.chmod(path, 0o644)
        _mount(path, os.path.realpath(f"/etc/{name}"), MS_BIND)
    os.chmod(_folder.name, 0o755)


def need_mounts():
    """Skip where a program cannot have mounts of its own: without root, or in a plain chroot."""
    if os.geteuid() != 0:
        raise tap.Skip("mounts need root")
    done = subprocess.run(["unshare", "--mount", "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=10, check=False)
    if done.returncode:
        raise tap.Skip(f"no namespaces here: {done.stderr.strip()}")


class Cell:
    """A network namespace beside others, with one thread in it: run(function) has it called there, and what it starts
    (processes, threads, sockets) is there too. Its loopback is up; it knows no route."""

    def __init__(self):
        if os.geteuid() != 0:
            raise tap.Skip("namespaces need root")
        self.pool = ThreadPoolExecutor(1)
        self.tid = self.run(self._enter)

    @staticmethod
    def _enter():
        if _libc.unshare(CLONE_NEWNET):
            raise tap.Skip(f"no namespaces here: {os.strerror(ctypes.get_errno())}")
        ip("link set lo up")
        return threading.get_native_id()

    def run(self, function, *arguments):
        return self.pool.submit(function, *arguments).result(120)

    def join(self, other, own, others):
        """A wire to another cell; own and others are lists of addresses with their prefix lengths."""
        self.run(ip, f"link add wire type veth peer name wire netns {other.tid}")
        for cell, addresses in ((self, own), (other, others)):
            for one in addresses:
                cell.run(ip, f"addr add {one} dev wire{' nodad' if ':' in one else ''}")
            cell.run(ip, "link set wire up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()


_hosts_lock = threading.Lock()


def hosts(*rows):
    """Add lines to /etc/hosts (in place: it is a bind mount)."""
    with _hosts_lock, open("/etc/hosts", "a", encoding="ascii") as file:
        file.write("".join(r + "\n" for r in rows))


def interface(name="hole0", own="10.99.0.1/24"):
    """A network interface with this address."""
    ip(f"link add {name} type veth peer name {name}peer")
    ip(f"addr add {own} dev {name}")
    ip(f"link set {name} up")
    ip(f"link set {name}peer up")


class Dns:
    """A name server on 127.0.0.1:53. zone: {(name, type): value}; value: a list of data (A, AAAA: text;
    MX: (preference, name); CNAME: text), "nxdomain", "servfail", "silent"."""

    TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}

    def __init__(self, zone=None):
        self.zone = zone or {}
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def name(text):
        return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"

    def data(self, kind, value):
        if kind == 1:
            return socket.inet_pton(socket.AF_INET, value)
        if kind == 28:
            return socket.inet_pton(socket.AF_INET6, value)
        if kind == 15:
            return struct.pack(">H", value[0]) + self.name(value[1])
        return self.name(value)

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        name, question = ".".join(labels).lower(), query[12:at + 5]
        word = {v: k for k, v in self.TYPES.items()}.get(kind, str(kind))
        self.asked.append((name, word))
        known = any(n == name for n, _ in self.zone)
        value = self.zone.get((name, word), self.zone.get((name, "*"), [] if known else "nxdomain"))
        if value == "silent":
            return None
        code = {"nxdomain": 3, "servfail": 2}.get(value, 0) if isinstance(value, str) else 0
        rows = [] if code else [(kind, v) for v in value]
        if not code and not rows and (name, "CNAME") in self.zone:
            rows = [(5, v) for v in self.zone[(name, "CNAME")]]
            for _, target in list(rows):
                rows += [(kind, v) for v in self.zone.get((target, word), [])]
        out, owner = b"", b"\xc0\x0c"
        for k, v in rows:
            data = self.data(k, v)
            out += owner + struct.pack(">HHIH", k, 1, 60, len(data)) + data
            if k == 5:
                owner = self.name(v)
        return query[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(rows), 0, 0) + question + out

    def _serve(self):
        while True:
            query, peer = self.sock.recvfrom(4096)
            try:
                reply = self.answer(query)
            except (IndexError, struct.error):
                continue
            if reply:
                self.sock.sendto(reply, peer)
