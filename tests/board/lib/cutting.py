# SPDX-License-Identifier: ISC
"""Power cuts during `gatepost store put` on a board's real flash: the old configuration is there afterwards or the new one."""

import hashlib
import random
import re
import sys
import time

from lib.tap import Failed, check, short

PAD = 20000     # octets, so that the put takes its time


def content(number):
    """Configuration `number` as the box makes it, and the sum of its octets."""
    size = 200 + number * 7919 % PAD
    text = f'Gateway = "10.0.2.2"\n# {number}\n#{"x" * size}\n'
    make = (f"{{ echo 'Gateway = \"10.0.2.2\"'; echo '# {number}'; printf '#'; head -c {size} /dev/zero | tr '\\0' x; echo; "
            f"}} >/tmp/c{number}")
    return make, hashlib.sha256(text.encode()).hexdigest()


def stored(machine):
    """The number of the configuration in the store, whose sum is right; 0: there is none."""
    status, text = machine.run("gatepost store get gatepost.conf >/tmp/got")
    if status == 66:
        return 0
    check(status == 0, f"get ended with {status}: {short(text)}")
    found = re.search(r"^# (\d+)\r?$", machine.shell("sed -n 2p /tmp/got"), re.M)
    check(found, "the second line of the configuration")
    number = int(found.group(1))
    check(content(number)[1] in machine.shell("sha256sum /tmp/got"), f"configuration {number} is not whole")
    return number


def put(machine, number):
    """A whole one, in seconds."""
    machine.shell(content(number)[0])
    begin = time.monotonic()
    machine.shell(f"gatepost store put gatepost.conf </tmp/c{number}")
    return time.monotonic() - begin


def campaign(machine, cuts, seed):
    """Cuts the power at that many moments, on a machine that has booted. Says how often which one was there."""
    dice = random.Random(seed)
    old = 1
    took = max(put(machine, 1), put(machine, 2), 0.02)
    old = 2
    counts = {"old": 0, "new": 0, "said": 0}
    for number in range(3, 3 + cuts):
        machine.shell(content(number)[0])
        machine.console.send(f"gatepost store put gatepost.conf </tmp/c{number}\n")
        time.sleep(dice.random() * took * 1.3)
        machine.cut()
        said = "mtd:store: stored" in machine.texts[-1].rsplit(f"/tmp/c{number}", 1)[-1]
        try:
            machine.boot()
            there = stored(machine)
        except Failed as error:
            raise Failed(f"cut {number - 2} of {cuts}, seed {seed}: {error}") from None
        check(there in (old, number), f"cut {number - 2}, seed {seed}: configuration {there} is there, neither {old} nor {number}")
        check(there == number or not said, f"cut {number - 2}, seed {seed}: {number} was said to be stored, {there} is there")
        counts["new" if there == number else "old"] += 1
        counts["said"] += said
        old = there
        if sys.stdout.isatty() or number % 10 == 0:
            print(f"# {number - 2} cuts: {counts}", flush=True)
    return took, counts
