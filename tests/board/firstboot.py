#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The first boots of the NOR board in QEMU: setup mode, settings from a stick, by console; the watchdog, the end."""

import os
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import Machine, image                                      # noqa: E402
from stick import Stick                                                 # noqa: E402
from lib import Client, Liar, case, check, contains, equal, lacks, main, wait_for, within   # noqa: E402

image()


def conf(gateway):
    return f'Gateway = "10.0.2.2:{gateway.port}"\n'


def refused(m, reason="4.3.5"):
    """The box is in setup mode; what it says."""
    with Client(m.address(25)) as c:
        c.reply("220")
        c.cmd("EHLO scanner", "250")
        reply = c.cmd("MAIL FROM:<a@a.test>", "451")
        contains(str(reply), reason)
        return str(reply)


def relays(m, gateway):
    """A mail goes through."""
    before = sum(len(c.mails) for c in gateway.conns)
    with Client(m.address(25)) as c:
        c.hello()
        c.mail(wanted="250")
    wait_for(lambda: sum(len(c.mails) for c in gateway.conns) > before, what="the mail at the gateway")


@case("blank: setup mode, which names the box's address, over IPv4 by DHCP; a page there says what to do")
def _():
    with Machine() as m:
        m.boot()
        wait_for(lambda: "gatepost: address 10.0.2.15/24" in m.console.text, 120, "the address on the console")
        m.unset()
        contains(refused(m), "http://10.0.2.15/")
        contains(m.shell("wget -q -O - http://127.0.0.1/"), "gatepost.conf")
        # Clients that say nothing are not let in without end; when they are gone the page is there.
        crowd = [socket.create_connection(m.address(80)) for _ in range(30)]
        check(int(m.shell("sleep 2; ps | grep -c '[h]ttpd -f'").split()[-1]) <= 9, "a process for each silent client")
        for one in crowd:
            one.close()
        wait_for(lambda: m.run("wget -q -O - http://127.0.0.1/")[0] == 0, 120, "the page")
        equal(m.shell("hostname").strip(), "gatepost", "host name")
        equal(m.shell("cat /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops").split(), ["5", "1"], "kernel knobs")
        equal(m.shell("cat /proc/$(cat /run/relay.pid)/oom_score_adj").strip(), "-900", "OOM score")
        # One that dies is brought back; one that dies again and again does not flood the console.
        seen = len(m.console.text)
        m.shell("for i in 1 2 3; do kill -9 $(cat /run/relay.pid); sleep 5; done")
        m.unset()
        check(m.console.text[seen:].count("\n") < 60, "the console is flooded")


@case("a stick: taken, relays, and not taken twice; the console's change and the power cut after it last")
def _():
    with Liar() as gateway, Liar() as other:
        stick = Stick({"gatepost.conf": conf(gateway).replace("\n", "\r\n"), "network.txt": "hostname = scans\r\n"})
        with Machine(drives=[stick.path]) as m:
            m.start()
            m.console.expect("gatepost.conf from the stick is in the store")
            m.login()
            relays(m, gateway)
            equal(m.shell("hostname").strip(), "scans", "host name")
            m.shell(f"echo 'Gateway = \"10.0.2.2:{other.port}\"' | gatepost store put gatepost.conf")
            wait_for(lambda: f":{other.port}" in m.run("gatepost status")[1], 120, "the new gateway")
            relays(m, other)
            m.cut()
            equal(stick.names(), ["gatepost.conf.taken", "network.taken"], "the stick")
            m.boot()
            lacks(m.console.text, "from the stick")
            contains(m.shell("gatepost store get gatepost.conf"), f":{other.port}")
            relays(m, other)


@case("a broken file on a stick: told on the console and beside it, setup mode stays; mended, without a partition table, it is taken")
def _():
    with Liar() as gateway:
        stick = Stick({"gatepost.conf": 'Gatewoy = "mail.example.com"\n'}, partition=0)
        with Machine(drives=[stick.path]) as m:
            m.start()
            m.console.expect("gatepost.conf on the stick is not taken:")
            m.console.expect("Gatewoy")
            m.login()
            refused(m)
            contains(m.run("gatepost store get gatepost.conf")[1], "blank")
            m.cut()
            equal(stick.names(), ["gatepost-errors.txt", "gatepost.conf"], "the stick")
            contains(stick.get("gatepost-errors.txt"), "Gatewoy")
            stick.put("gatepost.conf", conf(gateway))
            m.boot()
            relays(m, gateway)
            m.cut()
            equal(stick.names(), ["gatepost.conf.taken"], "the stick")
        stick.put("gatepost.conf", conf(gateway))
        with Machine(drives=[(stick.path, "ro")]) as m:
            m.start()
            m.console.expect("cannot be renamed on the stick")
            m.login()
            relays(m, gateway)


@case("a box whose clock stopped is not older than its firmware; a fixed address; poweroff waits for the mail under way")
def _():
    with Liar() as gateway, Machine(clock="2001-01-01T00:00:00") as m:
        m.boot()
        built = int(m.shell("sed -n s/^BUILD_DATE=//p /etc/board.conf").split()[-1])
        wait_for(lambda: int(m.shell("date +%s").split()[-1]) >= built, 60, "the day of the build")
        within(int(m.shell("date +%s").split()[-1]), built, built + 600, "the clock")
        m.shell("printf 'address = 10.0.2.77/24\\nrouter = 10.0.2.2\\n' | gatepost store put network; /etc/init.d/network restart")
        contains(m.shell("ip addr show dev eth0"), "10.0.2.77/24")
        lacks(m.shell("ip addr show dev eth0"), "10.0.2.15")
        contains(m.shell("ip route"), "default via 10.0.2.2")
        m.shell("printf 'hostname = scans-7\\n' | gatepost store put network; /etc/init.d/network restart; sleep 5")
        with Client(m.address(25), wait=120) as c:
            contains(c.hello().text, "scans-7")
        m.shell("printf 'address = dhcp\\n' | gatepost store put network; /etc/init.d/network restart; sleep 5")
        contains(m.shell("ip addr show dev eth0"), "10.0.2.15/24")
        m.shell(f"echo 'Gateway = \"10.0.2.2:{gateway.port}\"' | gatepost store put gatepost.conf")
        wait_for(lambda: m.run("gatepost status")[0] == 0, 120, "a working relay")
        with Client(m.address(25), wait=120) as c:
            c.hello()
            c.start("a@a.test", "b@b.test")
            c.data()
            c.send(b"Subject: late\r\n\r\none\r\n")
            m.console.send("poweroff\n")
            m.console.expect("gatepost: the relay ends")
            threading.Event().wait(3)
            c.send(b"two\r\n.\r\n")
            c.reply("250")
        m.ends()
        equal([mail.whole for conn in gateway.conns for mail in conn.mails], [True], "mails at the gateway")
        text = m.texts[-1]
        check(text.index("the relay ends") < text.index("gatepost: ended") < text.index("SIGTERM"), "the order of the end")


@case("a stopped watchdog daemon: the board starts anew; 30 s of a relay that answers mark a boot good")
def _():
    with Machine(options=["-no-reboot"]) as m:
        m.boot()
        m.shell("bootmark set b")
        contains(m.shell("bootmark show"), "next b")
        m.shell("kill -STOP $(pidof watchdog)")
        m.ends(180)
        m.boot()
        contains(m.shell("bootmark show"), "running b, on trial")
        wait_for(lambda: "trial" not in m.shell("sleep 5; bootmark show"), 180, "a boot that is good")
        contains(m.shell("bootmark show"), "running b")


if __name__ == "__main__":
    main(jobs=2, limit=580)
