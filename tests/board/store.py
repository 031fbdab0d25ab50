#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The store on the emulated board's NOR flash: what is stored is there after a power cut, what is refused changes nothing;
the power is cut during a put; an erase leaves nothing. tests/soak/store_board.py cuts it a hundred times."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machine import Machine                                             # noqa: E402
from cutting import campaign, put, stored                               # noqa: E402
from lib import case, check, contains, equal, main                      # noqa: E402


@case("stored on raw flash: there after a power cut, in the running relay at once; refused: nothing changes")
def _():
    with Machine() as m:
        m.boot()
        contains(m.shell("gatepost store info"), "mtd:store: is blank")
        put(m, 1)
        contains(m.shell("gatepost store info"), "slot 1: bundle 2, ")
        equal(stored(m), 1, "configuration")
        m.shell("cmp /etc/gatepost/gatepost.conf /tmp/c1")
        status, text = m.run("echo Nonsense = 1 | gatepost store put gatepost.conf")
        equal(status, 78, "a configuration with errors")
        contains(text, "unknown option")
        m.shell("echo key | gatepost store put keys/a.key")
        m.cut()
        m.boot()
        equal(stored(m), 1, "configuration after the cut")
        contains(m.shell("cat /etc/gatepost/keys/a.key"), "key")
        took, counts = campaign(m, 3, int.from_bytes(os.urandom(4), "big"))
        print(f"# a put takes {took:.2f} s; {counts}")
        m.shell("gatepost store erase")
        equal(m.run("gatepost store list")[1].strip(), "", "files after an erase")
        m.cut()
        start, size = m.part("store")
        octets = m.read(start, size)
        check(len(octets.replace(b"\xff", b"")) <= 64, "more than a header is left after an erase")


if __name__ == "__main__":
    main()
