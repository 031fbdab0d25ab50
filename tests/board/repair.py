#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A store that cannot be read, a configuration that is broken: the NOR board comes up, says so on the console and in a 451,
and is repaired over the console."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import PROMPT, Machine, image                              # noqa: E402
from lib import Client, Liar, case, contains, equal, main, wait_for     # noqa: E402

image()


def says(m):
    """The 451 of a box that is not set up."""
    with Client(m.address(25)) as c:
        c.reply("220")
        c.cmd("EHLO scanner", "250")
        return str(c.cmd("MAIL FROM:<a@a.test>", "451"))


def relays(m, gateway):
    with Client(m.address(25)) as c:
        c.hello()
        c.mail(wanted="250")
    wait_for(lambda: [1 for c in gateway.conns if c.mails], what="the mail at the gateway")


def set_up(m, gateway):
    m.shell(f"echo 'Gateway = \"10.0.2.2:{gateway.port}\"' | gatepost store put gatepost.conf")
    wait_for(lambda: m.run("gatepost status")[0] == 0, 120, "a relay that is set up")
    relays(m, gateway)


@case("a store that is none: told on the console, at each status and in 451s; erased and set up over the console")
def _():
    with Liar() as gateway, Machine() as m:
        at, size = m.part("store")
        m.write(at, b"x" * size)
        m.start()
        m.console.expect("the store cannot be read:")
        m.console.expect("gatepost store erase")
        m.login()
        text = m.unset()
        contains(says(m), "4.3.5 not set up yet")
        contains(text, "store")
        equal(m.run("echo 'Gateway = \"a.example\"' | gatepost store put gatepost.conf")[0], 65, "a put into what is no store")
        m.shell("gatepost store erase")
        set_up(m, gateway)
        m.cut()
        m.boot()
        wait_for(lambda: m.run("gatepost status")[0] == 0, 120, "a relay that is set up")
        relays(m, gateway)


@case("a broken configuration: setup mode tells where it is broken; mended in the editor on the console")
def _():
    with Liar() as gateway, Machine() as m:
        m.boot()
        equal(m.run("echo 'Gatewoy = 3' | gatepost store put gatepost.conf")[0], 78, "a broken one is refused")
        # As an older version might have taken it, past today's check.
        m.shell("echo 'Gatewoy = 3' >/etc/gatepost/gatepost.conf; kill $(cat /run/relay.pid); sleep 3")
        wait_for(lambda: m.run("gatepost status | grep -q 'not set up yet.*Gatewoy'")[0] == 0, 120, "a status that tells what is wrong")
        contains(says(m), "4.3.5 not set up yet")
        m.console.send("edit\n")
        m.console.expect("gatepost.conf")
        # A person's pace.
        for keys in ("dG", "i", "Gateway", " = ", '"10.0.2.2:', f'{gateway.port}"', "\x1b", ":wq", "\n"):
            time.sleep(0.5)
            m.console.send(keys)
        m.console.expect(PROMPT)
        wait_for(lambda: m.run("gatepost status")[0] == 0, 120, "a relay that is set up")
        relays(m, gateway)


if __name__ == "__main__":
    main(jobs=2, limit=400)
