#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: the tree itself: its folders, the licence line in each file, nothing unfinished, no package mirror by name."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

FOLDERS = {"src", "tests", "firmware", "board", "rootfs", ".ci"}
FILES = {"Makefile", "Kconfig", "README.md", "CHANGES.md", "CONTRIBUTING.md", "LICENSE", ".clang-format", ".clang-tidy",
         ".editorconfig", ".gitignore", ".gitattributes"}
SPDX = "SPDX-License-Identifier: ISC"
# What has no comment to put it into, or is data: text for people, settings that a tool writes, inputs of tests.
UNMARKED = re.compile(r"(\.md|/defconfig|^LICENSE|^\.git\w*|\.eml|\.smtp|\.dat|\.bin|/help\.txt|\.expected)$|/corpus/|^rootfs/etc/(group|hosts|mtab|passwd)$|/data/|/certs/|"
                      r"^\.clang|^\.editorconfig")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MIRROR = re.compile(r"\b[a-z0-9-]+\.debian\.org|\bdebian\.org/debian|registry\.npm|\bpypi\.", re.I)


def text(top, name):
    with open(os.path.join(top, name), "rb") as f:
        return f.read().decode("utf-8", "replace")


def check_names(top):
    found = set()
    for name in gate.files(top):
        first, slash, _ = name.partition("/")
        if slash and first not in FOLDERS:
            found.add("%s/ is no folder of this tree" % first)
        if not slash and first not in FILES:
            found.add("%s is no file of the top folder" % first)
    return sorted(found)


def check_licence(top):
    found = []
    for name in gate.files(top):
        if UNMARKED.search(name):
            continue
        first = text(top, name).split("\n")[:2]
        if not (SPDX in first[0] or (first[0].startswith("#!") and len(first) > 1 and SPDX in first[1])):
            found.append("%s: no %s in its first line" % (name, SPDX))
    return found


def check_finished(top):
    found = []
    for name in gate.files(top):
        if "/corpus/" in name or "/data/" in name:
            continue
        for number, line in enumerate(text(top, name).split("\n"), 1):
            if UNFINISHED.search(line):
                found.append("%s:%d: unfinished" % (name, number))
    return found


def mirrors():
    """The hosts that apt is set up with here."""
    try:
        out = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=False).stdout
    except OSError:
        return set()
    hosts = {re.sub(r"^\w+://([^/@]*@)?([^/:]*).*$", r"\2", line) for line in out.split()}
    return {h for h in hosts if "." in h}


def check_mirrors(top):
    hosts = mirrors()
    found = []
    for name in gate.files(top):
        for number, line in enumerate(text(top, name).split("\n"), 1):
            if MIRROR.search(line) or any(h in line for h in hosts):
                found.append("%s:%d: names a package mirror" % (name, number))
    return found


gate.gate("the top level has its folders and files and no others", check_names)
gate.gate("each file carries its licence line", check_licence)
gate.gate("nothing is marked as unfinished", check_finished)
gate.gate("no package mirror is named", check_mirrors)

host = "ftp.xx.debian" + ".org"
gate.finds("a stray folder", check_names, {"lib/a.c": "", "src/main.c": "", "notes.txt": ""}, ["lib/", "notes.txt"])
gate.finds("a missing licence line", check_licence,
           {"src/a.c": "int x;\n", "src/b.c": "/* %s */\n" % SPDX, "tests/c.sh": "#!/bin/sh\n# %s\n" % SPDX,
            "README.md": "x\n"}, ["src/a.c"])
gate.finds("an unfinished place", check_finished, {"src/a.c": "/* TO" + "DO: more */\n"}, ["src/a.c:1"])
gate.finds("a mirror's name", check_mirrors, {"firmware/a.sh": "get http://%s/x\n" % host}, ["firmware/a.sh:1"])
gate.done()
