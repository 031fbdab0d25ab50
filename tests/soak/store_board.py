#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The power of the emulated board is cut at a hundred random moments of `gatepost store put` (GATEPOST_CUTS; GATEPOST_SEED=N
repeats a run's moments, as far as an emulator does): the old configuration is there afterwards or the new one, whole."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "board", "lib"))
from machine import Machine                                             # noqa: E402
from cutting import campaign                                            # noqa: E402
from lib import case, check, main                                       # noqa: E402

CUTS = int(os.environ.get("GATEPOST_CUTS", "100"))
SEED = int(os.environ.get("GATEPOST_SEED", "0")) or int.from_bytes(os.urandom(4), "big")


@case(f"{CUTS} power cuts during a put, seed {SEED}")
def _():
    with Machine() as m:
        m.boot()
        took, counts = campaign(m, CUTS, SEED)
        print(f"# a put takes {took:.2f} s; {counts}")
        if CUTS >= 50:
            check(counts["old"] > 0 and counts["new"] > 0, f"all cuts came at one side: {counts}")


if __name__ == "__main__":
    main(limit=4 * 3600)
