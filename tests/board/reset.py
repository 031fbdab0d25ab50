#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Factory reset of the NOR board: gatepost.reset on the kernel's command line empties the store; without it nothing is lost.
The button of a board with one is read by its boot loader, which adds that word: not to be had in this machine."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import Machine, image                                      # noqa: E402
from lib import case, check, contains, main                      # noqa: E402

image()


@case("gatepost.reset empties the store, and nothing of it is left in the flash")
def _():
    with Machine() as m:
        m.boot()
        m.shell("echo 'Gateway = \"kept.example.com\"' | gatepost store put gatepost.conf")
        m.shell("echo topsecret | gatepost store put keys/a.key")
        m.cut()
        m.boot()
        contains(m.shell("gatepost store get gatepost.conf"), "kept.example.com")
        m.cut()
        m.append("gatepost.reset")
        m.start()
        m.console.expect("gatepost: factory reset")
        m.login()
        # What the box says on its console meanwhile is none of it.
        m.shell('test -z "$(gatepost store list)"')
        m.unset()
        m.cut()
        at, size = m.part("store")
        octets = m.read(at, size)
        check(b"kept.example" not in octets and b"topsecret" not in octets, "settings are still in the flash")


if __name__ == "__main__":
    main(limit=300)
