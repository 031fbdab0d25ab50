#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: options and sources. Each symbol tells its cost, has a range if it is a number, and is used; each source is
listed in src/Makefile; the defconfig holds nothing that Kconfig does not know.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

COST = re.compile(r"\d[\d,]*\s*(bytes|KiB|MiB)|[Cc]osts nothing")


def symbols(top, files=("Kconfig", "src/Kconfig")):
    """-> {name: (type, has a range, help text)}"""
    found, name, in_help = {}, None, False
    for file in files:
        if not os.path.exists(os.path.join(top, file)):
            continue
        for line in gate.lines(top, file):
            m = re.match(r"config (\w+)$", line)
            if m:
                name, in_help = m.group(1), False
                found[name] = ["", False, ""]
            elif re.match(r"\w", line):
                name = None
            elif name and in_help:
                found[name][2] += line.strip() + " "
            elif name:
                word = (line.split() or [""])[0]
                if word in ("bool", "int", "string", "hex"):
                    found[name][0] = word
                found[name][1] |= word == "range"
                in_help = word == "help"
    return found


def check_symbols(top):
    found = []
    for name, (kind, ranged, text) in sorted(symbols(top).items()):
        if not COST.search(text):
            found.append("%s: its help does not tell a cost in bytes" % name)
        if kind == "int" and not ranged:
            found.append("%s: no range" % name)
    return found


def check_uses(top):
    declared, used = set(symbols(top)), {}
    for name in gate.sources(top, ".c", ".h", ".def", "Makefile"):
        text = "\n".join(gate.lines(top, name))
        text = re.sub(r"#.*", "", text) if name.endswith("Makefile") else gate.without_comments(text)
        for m in re.finditer(r"\bCONFIG_([A-Z0-9_]+)\b|\$\(call choose,(\w+)", text):
            used.setdefault(m.group(1) or m.group(2), name)
    found = ["%s: CONFIG_%s is in no Kconfig file" % (used[s], s) for s in sorted(set(used) - declared)]
    found += ["%s is used nowhere" % s for s in sorted(declared - set(used))]
    # What a board is costs the relay nothing, and is read by make alone.
    declared |= set(symbols(top, ("firmware/Kconfig",)))
    for name in gate.files(top):
        if re.match(r"board/[^/]+/defconfig$", name):
            for line in gate.lines(top, name):
                m = re.match(r"(?:# )?CONFIG_(\w+)", line)
                if m and m.group(1) not in declared:
                    found.append("%s: CONFIG_%s is in no Kconfig file" % (name, m.group(1)))
    return found


def check_listed(top):
    with open(os.path.join(top, "src/Makefile"), encoding="utf-8") as f:
        listed = set(re.findall(r"\b(\w+/\w+)\.o\b", re.sub(r"(?m)^#.*", "", f.read())))
    there = {n[len("src/"):-2] for n in gate.sources(top, ".c")} - {"main"}
    return ["src/%s.c is not in src/Makefile" % n for n in sorted(there - listed)] + \
        ["src/Makefile lists %s.o, which has no source" % n for n in sorted(listed - there)]


gate.gate("each symbol tells its cost and each number its range", check_symbols)
gate.gate("symbols are declared and used", check_uses)
gate.gate("each source is in src/Makefile", check_listed)

K = "config A\n\tint \"a\"\n\trange 1 2\n\thelp\n\t  Each costs 3 bytes.\n\n"
gate.finds("a help without a cost", check_symbols, {"Kconfig": K + 'config B\n\tbool "b"\n\thelp\n\t  Nice.\n'}, ["B: its help"])
gate.finds("a number without a range", check_symbols, {"Kconfig": K.replace("\trange 1 2\n", "")}, ["A: no range"])
gate.finds("an unknown symbol", check_uses,
           {"Kconfig": K, "src/base/limits.h": "CONFIG_A CONFIG_C\n", "board/x/defconfig": "CONFIG_D=1\n"},
           ["CONFIG_C is in no", "CONFIG_D is in no"])
gate.finds("a board's symbol", check_uses,
           {"Kconfig": K, "src/io/a.c": "/* CONFIG_A */\n", "firmware/Kconfig": 'config ARCH_X\n\tbool "x"\n',
            "board/x/defconfig": "CONFIG_ARCH_X=y\n# CONFIG_ARCH_Z is not set\n"},
           ["A is used nowhere", "CONFIG_ARCH_Z is in no"])
gate.finds("a symbol without use", check_uses, {"Kconfig": K, "src/io/a.c": "/* CONFIG_A */\n"}, ["A is used nowhere"])
gate.finds("a source that is not built, an object without a source", check_listed,
           {"src/Makefile": "# as io/z.o\nrelay-y += io/a.o $(call choose,X,io/b.o,io/c.o)\n", "src/io/a.c": "", "src/io/c.c": "",
            "src/io/d.c": "", "src/main.c": ""}, ["src/io/d.c is not", "lists io/b.o"])
gate.done()
