#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: the layout of each board holds together: whole erase blocks, nothing over another, all of it on the medium; and
layout.64k is 4 MiB in which two sets of 1.75 MiB and a store find room."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

SET = 1835008          # 1.75 MiB
SLOT = 64 + 49152      # a header, and a bundle of 48 KiB


def numbers(text):
    return {name: int(value, 0) for name, value in re.findall(r"^([A-Z_]+)=(\w+)$", text, re.M)}


def wrong(v, name):
    """What does not fit, in words."""
    block, end = v["ERASE_BLOCK"], v.get("FLASH_SIZE", v.get("CARD_SIZE"))
    parts = sorted((v[p + "_OFFSET"], v[p + "_SIZE"], p) for p in (key[:-7] for key in v if key.endswith("_OFFSET")))
    marks = next(part for part in parts if part[2] == "MARKS")
    if "FLASH_SIZE" in v: # the marks lie in the loader's block, which is never erased
        loader = next(part for part in parts if part[2] == "LOADER")
        if not loader[0] < marks[0] < marks[0] + marks[1] <= loader[0] + loader[1]:
            yield "the marks do not lie in the loader's part"
        parts.remove(marks)
        yield from (f"{p} is not of whole erase blocks" for at, n, p in parts if at % block or n % block)
    if marks[1] % v["MARKS_STRIDE"] or marks[0] % v["MARKS_STRIDE"]:
        yield "the marks are not of whole records"
    for (at, n, p), (behind, _, q) in zip(parts, parts[1:] + [(end, 0, "the end")]):
        if at + n > behind:
            yield f"{p} reaches into {q}"
    if v["SET_A_SIZE"] != v["SET_B_SIZE"]:
        yield "the sets differ"
    if v["STORE_SIZE"] < 2 * max(block, (SLOT + block - 1) // block * block):
        yield "the store has no two slots for 48 KiB"
    if name == "layout.64k":
        if (block, end) != (65536, 4 << 20):
            yield "is not 4 MiB in blocks of 64 KiB"
        if v["SET_A_SIZE"] < SET:
            yield "a set has less than 1.75 MiB"


def check(top):
    found = []
    for path in sorted(glob.glob(os.path.join(top, "board", "*", "layout*"))):
        with open(path, encoding="ascii") as file:
            found += [f"{os.path.relpath(path, top)}: {what}" for what in wrong(numbers(file.read()), os.path.basename(path))]
    return found


def with_layout(path, *change):
    with open(os.path.join(gate.TOP, path), encoding="ascii") as file:
        return {path: file.read().replace(*change)}


SMALL = "board/qemu-nor/layout.64k"
gate.gate("the layouts hold together", check)
gate.finds("a part over the next one", check, with_layout(SMALL, "SET_A_SIZE=0x1e0000", "SET_A_SIZE=0x1f0000"),
           ["SET_A reaches into SET_B", "the sets differ"])
gate.finds("a part that is no whole block", check, with_layout(SMALL, "SIZE=0x1e0000", "SIZE=0x1d8000"), ["SET_A is not of", "SET_B is not of"])
gate.finds("sets that are too small", check, with_layout(SMALL, "SIZE=0x1e0000", "SIZE=0x1b0000"), ["less than 1.75 MiB"])
gate.finds("a store behind the end", check, with_layout(SMALL, "STORE_SIZE=0x30000", "STORE_SIZE=0x40000"), ["STORE reaches into the end"])
gate.finds("a store of one slot", check, with_layout(SMALL, "STORE_SIZE=0x30000", "STORE_SIZE=0x10000"), ["no two slots"])
gate.finds("marks beside the loader's block", check, with_layout("board/qemu-nor/layout", "MARKS_OFFSET=0x8000", "MARKS_OFFSET=0x40000"),
           ["the marks do not lie"])
gate.finds("a card whose marks lie in the loader", check, with_layout("board/orangepi-pc/layout", "LOADER_SIZE=0xfe000", "LOADER_SIZE=0xfe200"),
           ["LOADER reaches into MARKS"])
gate.done()
