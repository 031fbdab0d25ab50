#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The card of the Orange Pi PC in QEMU: it boots, relays, keeps mail over a power cut, takes an upgrade, leaves a set that
is bad.
"""

import os
import re
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import TOP, image                                          # noqa: E402
from card import BOARD, FREE, Pi                                        # noqa: E402
from stick import Stick                                                 # noqa: E402
from lib import Client, Liar, case, check, contains, equal, main, refused_port, wait_for  # noqa: E402

SET = image(BOARD, f"gatepost-{BOARD}.img")
A, B = 0x41534554, 0x42534554


def conf(port):
    return f'Gateway = "10.0.2.2:{port}"\nTLS = no\nRetry_Interval = 5s\n'


def settle(pi, port):
    """Gives the box its configuration; waits until the relay has it."""
    pi.type_file("/tmp/new.conf", conf(port))
    pi.shell("gatepost store put gatepost.conf </tmp/new.conf")
    wait_for(lambda: f":{port}" in pi.run("gatepost status")[1], 120, "the new configuration in force")


def send(pi, subject):
    with Client(pi.address(25), wait=120) as client:
        client.hello()
        return client.mail(f"Subject: {subject}\r\n\r\nhello\r\n".encode(), wanted="250")


def subjects(gateway):
    return [m.fields("Subject")[0] for m in gateway.mails if m.whole]


def spoiled(path):
    """A set whose sums are right and whose root is rubbish: its kernel panics."""
    with open(SET, "rb") as file:
        header = file.read(512)
        kernel, tree = (struct.unpack_from("<II", header, at) for at in (24, 32))
        parts = []
        for at, length in (kernel, tree):
            file.seek(at)
            parts.append(file.read(length))
    names = []
    for name, octets in zip("kdr", [*parts, bytes(range(256)) * 256]):
        names.append(f"{path}.{name}")
        with open(names[-1], "wb") as file:
            file.write(octets)
    subprocess.run(["/usr/bin/python3", os.path.join(TOP, "firmware/set.py"), "-b", BOARD, "-v", "9.9", "-k", names[0], "-a", names[1],
                    "-r", names[2], "-o", path], check=True)
    with open(path, "rb") as file:
        return file.read()


@case("boots, grows its data partition, relays; mail that waits survives a power cut and is delivered afterwards")
def _():
    with Pi() as pi:
        equal(pi.loads(), ("", "a"), "what U-Boot says and loads")
        pi.login()
        contains(pi.shell("cat /proc/cmdline"), "gatepost.set=a")
        contains(pi.shell("mount"), "/dev/root on / type squashfs (ro")
        contains(pi.shell("cat /proc/cmdline"), " root=/dev/mmcblk0p4 ")
        contains(pi.shell("mount | grep /data"), "/dev/mmcblk0p6 on /data type ext4 (rw")
        wait_for(lambda: pi.size("/data") > 25 << 20, 60, "a data partition of its whole size")
        contains(pi.shell("cat /proc/fs/jbd2/*/info"), "transaction")
        equal(pi.shell("nproc || grep -c ^processor /proc/cpuinfo").split()[-1], "4", "processors")
        port = refused_port()
        with Liar() as gateway:
            settle(pi, gateway.port)
            send(pi, "through")
            gateway.wait(lambda: "through" in subjects(gateway), 60)
        # Nobody there: it is kept.
        settle(pi, port)
        send(pi, "kept")
        contains(pi.run("gatepost queue")[1], "1 mail,")
        pi.cut()
        pi.boot()
        wait_for(lambda: "1 mail," in pi.run("gatepost queue")[1], 60, "the mail in the queue after the cut")
        with Liar() as gateway:
            settle(pi, gateway.port)
            pi.run("gatepost queue flush")
            gateway.wait(lambda: "kept" in subjects(gateway), 120)
        equal(pi.mark(1)[0], FREE, "marks after boots of a good set")


@case("an upgrade from the card's FAT runs on trial, is marked good; settings stay")
def _():
    with Pi() as pi:
        with open(SET, "rb") as file:
            pi.put_file(f"gatepost-{BOARD}.img", file.read())
        pi.put_file("gatepost.conf", conf(25).encode())
        pi.boot()
        contains(pi.shell("gatepost store list"), "gatepost.conf")
        pi.shell("upgrade -n", 240)
        pi.cut()
        equal(pi.mark(1), (B, FREE, FREE, FREE, FREE), "the mark")
        equal(pi.loads(), ("set b, on trial, boot 1 of 3", "b"), "U-Boot's choice")
        pi.login()
        contains(pi.shell("bootmark show"), "running b, on trial, boot 1 of 3")
        contains(pi.shell("gatepost store get gatepost.conf"), "10.0.2.2:25")
        wait_for(lambda: pi.run("bootmark show")[1].strip() == "running b", 180, "a mark that it is well")
        pi.cut()
        equal(pi.mark(1), (B, 0, FREE, FREE, 0), "the mark")
        equal(pi.loads(), ("", "b"), "U-Boot's choice")


@case("a USB stick that comes when the box is up already is taken into the store; the relay uses it")
def _():
    with Pi() as pi, Liar() as gateway:
        stick = Stick({"gatepost.conf": conf(gateway.port)})
        pi.start(("-drive", f"if=none,id=stick,format=raw,file={stick.path}"))
        pi.login()
        pi.monitor.send("device_add usb-storage,bus=usb-bus.0,drive=stick\n")
        wait_for(lambda: f":{gateway.port}" in pi.run("gatepost status")[1], 120, "the stick's configuration in force")
        contains(pi.console.text, "gatepost.conf from the stick is in the store")
        equal(pi.shell("gatepost store get gatepost.conf"), conf(gateway.port), "what lies in the store")
        send(pi, "from the stick")
        gateway.wait(lambda: "from the stick" in subjects(gateway), 60)
        pi.cut()
        equal(stick.names(), ["gatepost.conf.taken"], "names on the stick")


@case("a set whose kernel panics is left after three boots; one with a wrong sum at once")
def _():
    with Pi() as pi:
        place, _ = pi.part("set_b")
        pi.write(place, spoiled(os.path.join(pi.dir, "bad")))
        pi.put_mark(1, "b")
        for boot in 1, 2, 3:
            equal(pi.loads(), (f"set b, on trial, boot {boot} of 3", "b"), "U-Boot's choice")
            if boot == 1:
                pi.console.expect("Kernel panic")
            pi.cut()
        equal(pi.mark(1), (B, 0, 0, 0, FREE), "the mark")
        pi.put_mark(2, "b")
        pi.write(place + 8192, b"\0\1\2\3")
        pi.start()
        pi.console.expect(r"Gatepost: set b, on trial, boot 1 of 3")
        pi.console.expect(r"Gatepost: set b cannot be booted")
        pi.console.expect(r"Gatepost: booting set a")
        pi.cut()
        pi.put_mark(2, "b", used=3)
        equal(pi.loads(), ("set a, since b did not report well", "a"), "U-Boot's choice")
        pi.login()
        text = pi.shell("bootmark show")
        check(re.search("running a; b did not boot well", text), f"bootmark show: {text}")


@case("a data partition that cannot be read is left alone, mail passes without it; a factory reset makes it anew")
def _():
    with Pi() as pi, Liar() as gateway:
        pi.put_file("gatepost.conf", conf(gateway.port).encode())
        pi.boot()
        line = pi.shell("cat /proc/cmdline").strip()
        pi.shell("touch /data/kept; sync")
        pi.cut()
        place, _ = pi.part("data")
        begin = pi.read(place, 4096)
        pi.write(place, b"no file system" * 200)
        pi.boot()
        contains(pi.console.text, "the data partition cannot be used")
        wait_for(lambda: "cannot be used: /var/spool/gatepost: " in pi.run("gatepost status")[1], 60, "status to say so")
        send(pi, "without")
        gateway.wait(lambda: "without" in subjects(gateway), 60)
        pi.cut()
        equal(pi.read(place, 14), b"no file system", "what lies in the partition")
        pi.write(place, begin)
        pi.start_with(f"{line} gatepost.reset")
        pi.console.expect("factory reset")
        pi.console.expect("a new data partition is made")
        pi.login()
        pi.shell('test -z "$(gatepost store list)"')
        equal(pi.shell("ls -A /data").split(), ["lost+found"], "what lies in /data")


main(jobs=2, limit=900)
