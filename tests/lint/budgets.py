#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: a source has at most 600 lines of at most 100 columns, a function 70 lines and 6 parameters."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

FILE_LINES, COLUMNS, FUNCTION_LINES, PARAMETERS = 600, 100, 70, 6


def functions(lines):
    """Yields (name, first line, number of lines of the body, parameters). A body begins with "{" in the first column."""
    start = head = None
    for n, line in enumerate(lines):
        if start is None:
            if line == "{":
                start = n
                head = n - 1
                while head > 0 and lines[head - 1].strip() and lines[head - 1][0] not in "}#/*" and \
                        not lines[head - 1].rstrip().endswith(";"):
                    head -= 1
        elif line.startswith("}"):
            text = " ".join(lines[head:start])
            m = re.search(r"(\w+)\s*\((.*)\)[^)]*$", text)
            args = re.sub(r"\([^()]*\)", "", m.group(2)) if m else ""
            count = 0 if args.strip() in ("", "void") else args.count(",") + 1
            yield m.group(1) if m else "?", head + 1, n - start - 1, count
            start = None


def check(top):
    found = []
    for name in gate.sources(top, ".c", ".h"):
        raw = gate.lines(top, name)
        if len(raw) - 1 > FILE_LINES:
            found.append("%s: %d lines, at most %d" % (name, len(raw) - 1, FILE_LINES))
        for n, line in enumerate(raw, 1):
            if len(line.expandtabs(8)) > COLUMNS:
                found.append("%s:%d: %d columns, at most %d" % (name, n, len(line.expandtabs(8)), COLUMNS))
        for what, n, length, parameters in functions(gate.without_comments("\n".join(raw)).split("\n")):
            if length > FUNCTION_LINES:
                found.append("%s:%d: %s has %d lines, at most %d" % (name, n, what, length, FUNCTION_LINES))
            if parameters > PARAMETERS:
                found.append("%s:%d: %s has %d parameters, at most %d" % (name, n, what, parameters, PARAMETERS))
    return found


gate.gate("files, lines, functions and parameters are within their budgets", check)

gate.finds("a long file", check, {"src/base/a.c": "\n" * 601}, ["601 lines"])
gate.finds("600 lines are fine", check, {"src/base/a.c": "\n" * 600}, [])
gate.finds("a long line, tabs counted", check, {"src/base/a.h": "\t" * 12 + "/* 45 */\n"}, ["104 columns"])
gate.finds("a long function", check, {"src/base/a.c": "int f(int x)\n{\n" + "\tx++;\n" * 71 + "}\n"}, ["f has 71 lines"])
gate.finds("a function of 70 lines is fine", check, {"src/base/a.c": "int f(int x)\n{\n" + "\tx++;\n" * 70 + "}\n"}, [])
gate.finds("many parameters, over two lines", check,
           {"src/base/a.c": "static void\nput(int a, int b, int c,\n    int d, int (*e)(int, int), int f, int g)\n{\n}\n"},
           ["put has 7 parameters"])
gate.done()
