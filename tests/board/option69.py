#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""DHCP option 69 (RFC 2132, 8.10) on the NOR board in QEMU: dnsmasq on a tap interface in a namespace of the test's own. The
server it names is the gateway while nothing else is set up, in memory alone, and goes with the lease that no longer has it."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import Machine, image                                      # noqa: E402
from lib import Client, Liar, case, check, contains, equal, lacks, main, ns, tap, wait_for      # noqa: E402

image()
if not shutil.which("dnsmasq"):
    tap.skip_all("no dnsmasq")
ns.enter()
try:
    ns.ip("tuntap add dev box0 mode tap")
except subprocess.SubprocessError:
    tap.skip_all("no namespaces here with tap interfaces")
ns.ip("addr add 10.99.0.1/24 dev box0")
ns.ip("link set box0 up")
FOLDER = tempfile.TemporaryDirectory(prefix="gatepost-dhcp-")
BOX = "10.99.0.50"


class Dhcp:
    """dnsmasq with these options; a router and a name server are named only where they are among them."""

    def __init__(self, *options):
        words = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=box0", "--bind-interfaces",
                 "--user=root", "--pid-file=", "--leasefile-ro", f"--dhcp-range={BOX},{BOX},1h", "--dhcp-option=3", "--dhcp-option=6",
                 "--dhcp-authoritative", "--log-dhcp", *[f"--dhcp-option={o}" for o in options]]
        self.log = os.path.join(FOLDER.name, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*words, "--log-facility=-"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        tap.child(self.process.pid)

    def said(self):
        with open(self.log, encoding="latin-1") as file:
            return file.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        tap.forget(self.process.pid)


def status(m, words):
    wait_for(lambda: words in m.run("gatepost status")[1], 120, f"a status with {words!r}")


def renew(m):
    m.shell("kill -USR1 $(pidof udhcpc); sleep 3")


def mail(wanted):
    with Client((BOX, 25)) as c:
        c.hello()
        if wanted == "451":
            return str(c.cmd("MAIL FROM:<a@a.test>", "451"))
        return c.mail(wanted=wanted)


@case("offered: used; not offered any more: gone; offered again and set up: never used again; without router and name server")
def _():
    with Liar(host="10.99.0.1", port=25) as gateway, Liar(host="10.99.0.1", port=2525) as own, \
         Machine(net="tap,ifname=box0,script=no,downscript=no") as m:
        with Dhcp("69,10.99.0.1,10.99.0.9") as dhcp:
            m.boot()
            wait_for(lambda: f"gatepost: address {BOX}/24" in m.console.text, 120, "the address on the console")
            status(m, "gateway 10.99.0.1:25")
            equal(m.shell("ip route | grep -c default || true").strip(), "0", "default routes")
            mail("250")
            wait_for(lambda: [1 for c in gateway.conns if c.mails], what="the mail at the gateway")
            contains(dhcp.said(), "gatepost")
            contains(m.run("gatepost store get gatepost.conf")[1], "blank")
            lacks(m.run("gatepost status")[1], "differs from the store")
        with Dhcp():
            renew(m)
            status(m, "not set up yet")
            contains(mail("451"), f"http://{BOX}/")
        with Dhcp("69,10.99.0.1"):
            renew(m)
            status(m, "gateway 10.99.0.1:25")
            # A login, but no gateway: the offered one must not get to see the password.
            m.shell("printf 'Outbound_SMTP_AUTH_User = \"u\"\\nOutbound_SMTP_AUTH_Pass = \"p\"\\n' >/etc/gatepost/gatepost.conf;"
                    " kill -HUP $(cat /run/relay.pid)")
            status(m, "not set up yet")
            mail("451")
            m.shell("echo 'Gateway = \"10.99.0.1:2525\"' | gatepost store put gatepost.conf")
            status(m, "gateway 10.99.0.1:2525")
            before = sum(len(c.mails) for c in gateway.conns)
            mail("250")
            wait_for(lambda: [1 for c in own.conns if c.mails], what="the mail at the gateway that was set")
            equal(sum(len(c.mails) for c in gateway.conns), before, "mails at the offered gateway")
            m.cut()
            m.boot()
            status(m, "gateway 10.99.0.1:2525")
            check("10.99.0.1:25 " not in m.run("gatepost status")[1], "the offered gateway is there, too")


if __name__ == "__main__":
    main(jobs=1, limit=400)
