#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The NOR board in QEMU, from a blank store to a box that relays over TLS: with 16 MiB of RAM and with 12, its clock set by a
time server, through reboots and power cuts.
"""

import os
import re
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import Machine                                             # noqa: E402
from lib import Client, case, certs, check, contains, equal, main, wait_for, within  # noqa: E402
from lib.tlsgateway import TlsLiar                                      # noqa: E402

EPOCH_1900 = 2208988800


class Clock:
    """A time server on loopback (RFC 5905, server mode), whose clock is `ahead` of ours."""

    def __init__(self, ahead=0):
        self.ahead, self.asked = ahead, 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def now(self):
        return time.time() + self.ahead

    def _serve(self):
        while True:
            try:
                request, peer = self.sock.recvfrom(512)
            except OSError:
                return
            if len(request) < 48:
                continue
            stamp = struct.pack(">Q", int((self.now() + EPOCH_1900) * (1 << 32)))
            head = struct.pack(">BBbbII4s", 0x24, 2, 4, -20, 0, 0, b"LOCL")
            self.sock.sendto(head + stamp + request[40:48] + stamp + stamp, peer)
            self.asked += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def conf(gateway):
    return (f'Gateway = "10.0.2.2:{gateway.port}"\nTLS_Verify = host\nTLS_CA = "/etc/gatepost/ca.pem"\n'
            f'TLS_Name = "{certs.HOST}"\n')


def set_up(machine, gateway):
    """From the console: whom to trust, then the gateway."""
    with open(certs.get("root").path, encoding="ascii") as file:
        machine.type_file("/tmp/ca.pem", file.read())
    machine.type_file("/tmp/gatepost.conf", conf(gateway))
    machine.shell("gatepost store put ca.pem </tmp/ca.pem")
    machine.shell("gatepost store put gatepost.conf </tmp/gatepost.conf")
    serves(machine)


def leased(machine):
    """The script of udhcpc has done its work."""
    wait_for(lambda: machine.run("test -e /run/dhcp.ntp")[0] == 0, 60, "a lease")
    contains(machine.shell("ip addr show dev eth0"), "10.0.2.15/24")


def serves(machine):
    """The relay has a configuration, and says so."""
    wait_for(lambda: "set up" not in machine.run("gatepost status")[1].split("\n")[0] and machine.run("gatepost status")[0] == 0,
             60, "a relay that is set up")


def send(machine, subject, octets=2000):
    with Client(machine.address(25)) as client:
        client.hello()
        client.mail(f"Subject: {subject}\r\n\r\n".encode() + b"x" * 60 + b"\r\n" + (b"y" * 70 + b"\r\n") * (octets // 72), wanted="250")


def arrived(gateway):
    return [m.fields("Subject")[0] for m in gateway.mails if m.whole]


def left(machine):
    """KiB of RAM that programs could have."""
    return int(re.search(r"MemAvailable: +(\d+) kB", machine.shell("cat /proc/meminfo")).group(1))


def out_of_memory(machine):
    return [r for r in machine.shell("dmesg").splitlines() if "oom" in r.lower() or "Out of memory" in r]


def relays(machine, gateway, subject, **more):
    send(machine, subject, **more)
    wait_for(lambda: subject in arrived(gateway), 60, f"the mail {subject!r} at the gateway")
    equal(gateway.secure[-1].version, "TLSv1.3", "protocol")


@case("16 MiB: DHCP, setup mode, mail over TLS; reboot, power cut and a changed configuration; it switches itself off")
def _():
    with TlsLiar() as gateway, TlsLiar() as other, Machine(ram=16) as m:
        m.boot()
        leased(m)
        contains(m.shell("mount"), "/dev/root on / type squashfs (ro")
        with Client(m.address(25)) as client:
            client.hello()
            contains(client.cmd("MAIL FROM:<a@a.test>", "451 4.3.5").text, "not set up yet: open http://10.0.2.15/")
        print(f"# 16 MiB: {left(m)} KiB left in setup mode")
        set_up(m, gateway)
        relays(m, gateway, "first")
        print(f"# 16 MiB: {left(m)} KiB left, a TLS connection to the gateway open")
        relays(m, gateway, "large", octets=3 << 20)
        check(left(m) > 3000, lambda: f"{left(m)} KiB left with 16 MiB")
        # All that programs may write to is full: the box is not.
        check(m.run("dd if=/dev/zero of=/tmp/full bs=65536 2>/dev/null")[0] != 0, "/tmp has no end")
        print(f"# 16 MiB: {left(m)} KiB left with /tmp full")
        relays(m, gateway, "beside a full /tmp", octets=3 << 20)
        equal(out_of_memory(m), [], "what the kernel killed")
        m.shell("rm /tmp/full")
        # Its own reboot.
        m.console.send("reboot\n")
        m.login()
        serves(m)
        relays(m, gateway, "after a reboot")
        # Power cut; then another gateway, power cut again right behind.
        m.cut()
        m.boot()
        serves(m)
        relays(m, gateway, "after a power cut")
        m.type_file("/tmp/gatepost.conf", conf(other))
        m.shell("gatepost store put gatepost.conf </tmp/gatepost.conf")
        m.cut()
        m.boot()
        serves(m)
        relays(m, other, "elsewhere")
        m.console.send("poweroff\n")
        m.ends()


@case("12 MiB: boots and relays over TLS")
def _():
    with TlsLiar() as gateway, Machine(ram=12) as m:
        m.boot()
        set_up(m, gateway)
        relays(m, gateway, "first")
        print(f"# 12 MiB: {left(m)} KiB left, a TLS connection to the gateway open")
        relays(m, gateway, "large", octets=1 << 20)
        equal(out_of_memory(m), [], "what the kernel killed")


@case("the clock: not before the day of the build; a time server sets it")
def _():
    with Clock(ahead=3 * 86400) as clock, Machine(clock="2001-01-01T00:00:00") as m:
        m.boot()
        leased(m)
        built = int(re.search(r"^BUILD_DATE=(\d+)", m.shell("cat /etc/board.conf"), re.M).group(1))
        wait_for(lambda: int(m.shell("date +%s")) >= built, 60, "the day of the build")
        within(int(m.shell("date +%s")) - built, 0, 3600)
        wait_for(lambda: "clock: unset" in m.run("gatepost status")[1], 60, "the relay to know that nobody set the clock")
        m.shell(f"echo 10.0.2.2:{clock.port} >/run/dhcp.ntp; kill $(cat /run/ntp.pid); true")
        wait_for(lambda: abs(int(m.shell("date +%s")) - clock.now()) < 5, 120, "the clock to be set")
        wait_for(lambda: "the clock is set" in m.shell("logread"), 60, "the log to say so")
        wait_for(lambda: "clock: set" in m.run("gatepost status")[1], 60, "the relay to trust the clock")
        check(clock.asked > 0, "nobody asked the time server")


main(jobs=1, limit=560)
