# SPDX-License-Identifier: ISC
"""What the spool costs: processor time, syncs, mails in a second beside Postfix's intake, and a start with a full folder."""

import os
import re
import shutil
import statistics
import struct
import tempfile
import time
import zlib

import measure
import postfix_intake
from lib_peers.liar import Liar
from lib_peers.programs import free_port
from lib_peers.relay import Relay
from lib_peers.tap import wait_for

FIRST, MANY = 220, 10000


class Kept:
    """The relay with a spool on the disk that the bench lies on, not in memory."""

    name = "gatepost"

    def __init__(self, sink, mode, more="", wrap=(), folder=None):
        self.top = tempfile.mkdtemp(prefix="gatepost-bench-", dir=on_disk())
        os.chmod(self.top, 0o755)
        self.folder = folder or os.path.join(self.top, "spool")
        spool = f'Spool = {mode}\nSpoolbase = "{self.folder}"\nSpool_Volatile = true\n' if mode != "off" else ""
        self.relay = Relay(f'Gateway = "127.0.0.1:{sink}"\nMax_Message_Size = 200m\nMax_Outbound_Connections = 200\n{spool}{more}',
                           hostname="box.example", wrap=wrap)
        self.port = self.relay.port

    def pids(self):
        return self.relay.pids()

    def stop(self):
        self.relay.stop()
        shutil.rmtree(self.top, ignore_errors=True)


def on_disk():
    """A folder that is no tmpfs, where there is one."""
    for one in (os.environ.get("TMPDIR"), "/var/tmp", "/tmp", os.getcwd()):
        if one and os.access(one, os.W_OK) and kind_of(one) not in ("tmpfs", "ramfs"):
            return one
    return tempfile.gettempdir()


def kind_of(path):
    best = ("", "")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for row in file:
            where, kind = row.split()[1:3]
            if os.path.realpath(path).startswith(where.rstrip("/") + "/") or where == "/":
                best = max(best, (where, kind), key=lambda r: len(r[0]))
    return best[1]


def cpu(table, postfix, rounds):
    """Processor time of 2 MiB mails: the net beside passing through without one."""
    port = free_port()
    sink = postfix.sink(port)
    pair = {"off": Kept(port, "off"), "fallback": Kept(port, "fallback")}
    seen = {name: [] for name in pair}
    try:
        for number in range(rounds + 1):
            for name, hop in pair.items() if number % 2 else reversed(pair.items()):
                count = 60 if number else 10
                before = measure.cpu_seconds(hop.pids())
                postfix.source(hop.port, count, 2 << 20)
                time.sleep(0.1)
                if number:
                    seen[name].append((measure.cpu_seconds(hop.pids()) - before) / count * 1e6)
    finally:
        for one in (*pair.values(), sink):
            one.stop()
    a, b = (statistics.median(seen[n]) for n in ("off", "fallback"))
    table.put("CPU, 2 MiB, spool = off, then fallback", f"{a:.0f} us (off)", f"{b:.0f} us", f"{b / a:.2f} x", "<= 1.5 x off", b <= 1.5 * a)


def syncs(postfix, mode, mails, sessions):
    """Syncs for each mail: (of files, of the folder)."""
    port = free_port()
    sink = postfix.sink(port)
    counts = []
    try:
        for number in (20, 20 + mails):
            trace = measure.Strace()
            hop = Kept(port, mode, wrap=trace.wrap)
            try:
                postfix.source(hop.port, number, 2000, sessions=sessions)
                time.sleep(1)
            finally:
                hop.stop()
            counts.append(trace.count())
    finally:
        sink.stop()
    return tuple((counts[1].get(n, 0) - counts[0].get(n, 0)) / mails for n in ("fdatasync", "fsync"))


def all_syncs(table, postfix):
    files, folder = syncs(postfix, "fallback", 300, 20)
    table.put("syncs per mail, fallback, gateway up", "", f"{files + folder:.2f}", "", "0", files + folder == 0)
    files, folder = syncs(postfix, "always", 400, 20)
    table.put("syncs per mail, always, 20 clients: file, folder", "", f"{files:.2f}, {folder:.2f}", "", "<= 1, < 1",
              files <= 1.0 and folder < 1)


def intake(table, postfix, rounds):
    """Mails in a second that are safe: always beside Postfix, which queues and does not deliver."""
    work = tempfile.mkdtemp(prefix="gatepost-bench-", dir=on_disk())
    os.chmod(work, 0o755)
    seen = {"postfix": [], "gatepost": []}
    try:
        other = postfix_intake.Intake(work)
        own = Kept(9, "always", "Suspend_Delivery = true\n")
        try:
            for number in range(rounds + 1):
                for name, port in (("postfix", other.port), ("gatepost", own.port)) if number % 2 else \
                        (("gatepost", own.port), ("postfix", other.port)):
                    count = 400 if number else 40
                    start = time.perf_counter()
                    postfix.source(port, count, 2000)
                    if number:
                        seen[name].append(count / (time.perf_counter() - start))
        finally:
            own.stop()
            other.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    a, b = (statistics.median(seen[n]) for n in ("postfix", "gatepost"))
    table.put(f"mails/s taken and safe, 20 clients ({kind_of(on_disk())})", f"{a:.0f} (Postfix)", f"{b:.0f}", f"{b / a:.2f} x", ">= 1 x",
              b >= a)


DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def mail_file(number):
    """(name, octets) of a mail as src/spool/record.h has it."""
    raw = b"\x11" + struct.pack(">I", number) + b"bench!!"
    content = b"Subject: bench\r\nMessage-ID: <%d@dev.example>\r\n\r\n%s\r\n" % (number, b"x" * 900)
    envelope = b"".join(struct.pack(">H", len(x)) + x for x in (b"127.0.0.1", b"default", b"scanner@example.com", b"office@example.net"))
    header = struct.pack(">8sIIIIQIQI12s", b"GatePost", 1, len(envelope), 1, zlib.crc32(envelope), len(content), zlib.crc32(content),
                         int(time.time()), 4, raw)
    header += struct.pack(">I", zlib.crc32(header))
    name = "".join(DIGITS[(int.from_bytes(raw, "big") << 4 >> (5 * (19 - i))) & 31] for i in range(20))
    return name, header + b"\0" * 16 + envelope + b"n" + content


def start(table):
    """A start with many mails in the folder: when the first have arrived, and what it takes."""
    top = tempfile.mkdtemp(prefix="gatepost-bench-", dir=on_disk())
    os.chmod(top, 0o755)
    folder = os.path.join(top, "spool")
    os.mkdir(folder, 0o700)
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(folder, owner, -1)
    for number in range(MANY):
        name, data = mail_file(number)
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(data)
        os.chown(path, owner, -1)
    try:
        with Liar(backlog=1024) as gateway:
            began = time.monotonic()
            hop = Kept(gateway.port, "fallback", folder=folder)
            try:
                wait_for(lambda: len(gateway.mails) >= FIRST, 60, f"the first {FIRST} mails")
                took = time.monotonic() - began
                most = measure.pss(hop.pids())
            finally:
                hop.stop()
        with open("/proc/loadavg", encoding="ascii") as file:
            load = re.match(r"\S+", file.read()).group(0)
        table.put(f"start with {MANY:,} mails: the first {FIRST} delivered (load {load})", "", f"{took:.2f} s", "", "<= 1 s", took <= 1)
        table.put("PSS then", "", f"{most:,} KiB", "", "<= 2,048 KiB", most <= 2048)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def run(table, postfix, rounds):
    cpu(table, postfix, rounds)
    all_syncs(table, postfix)
    start(table)
    intake(table, postfix, rounds)
