#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Puts kernel, device trees and root together to the file of a set, which is the upgrade image as well (its form is told
in src/INTERNALS.md). It is not signed yet: that is for `gatepost image sign`.

usage: set.py -b BOARD -v VERSION -k KERNEL -a DTB [-d DTB-FOR-B] -r ROOT [-m MOST-OCTETS] -o FILE
       set.py -k KERNEL -a DTB [-d DTB-FOR-B] -p      only prints where in the set the root will begin
"""

import getopt
import os
import struct
import sys
import zlib

HEADER, ALIGN = 512, 4096
MAGIC, FORMAT = b"GPIMAGE1", 1
NAMES = 32


def up(n):
    return (n + ALIGN - 1) // ALIGN * ALIGN


def place(parts):
    """(offset, length) of each part; a part that is given twice lies there once."""
    at, places, seen = ALIGN, [], {}
    for part in parts:
        if part not in seen:
            seen[part] = at
            at = up(at + len(part))
        places.append((seen[part], len(part)))
    return places, at


def name(text):
    octets = text.encode("ascii")
    if not 0 < len(octets) < NAMES:
        sys.exit(f"set.py: {text!r}: 1 to {NAMES - 1} characters")
    return octets.ljust(NAMES, b"\0")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    options = dict(getopt.getopt(sys.argv[1:], "b:v:k:a:d:r:m:o:p")[0])
    try:
        parts = [read(options["-k"]), read(options["-a"]), read(options.get("-d", options["-a"]))]
        if "-p" in options:
            print(place(parts)[1])
            return
        parts.append(read(options["-r"]))
        board, version, output = name(options["-b"]), name(options["-v"]), options["-o"]
    except KeyError as e:
        sys.exit(f"set.py: {e.args[0]} is missing")
    places, end = place(parts)
    most = int(options.get("-m", "0"), 0)
    if most and end > most:
        sys.exit(f"set.py: {output} would have {end} octets, {end - most} more than the {most} there are; "
                 f"kernel {len(parts[0])}, root {len(parts[3])}")
    image = bytearray(end)
    for part, (at, length) in zip(parts, places):
        image[at:at + length] = part
    words = [word for at_length in places for word in at_length]
    struct.pack_into("<8sIIII8I8x32s32s", image, 0, MAGIC, HEADER, end, zlib.crc32(image[HEADER:]), FORMAT,
                     *words, board, version)
    struct.pack_into("<I", image, 444, zlib.crc32(image[:444]))
    with open(output + ".new", "wb") as f:
        f.write(image)
    os.replace(output + ".new", output)


main()
