#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: options choose whole files, so no #if in a .c file; in io/ and in run/sandbox*.c one may enclose the whole file.

A header may have its include guard. One of the edge may tell machines and kernels apart, never options.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

DIRECTIVE = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b\s*(.*)")


def whole_file(lines):
    """True if every #if group is not nested and all code but #include lines lies inside one group."""
    depth, groups = 0, 0
    for line in lines:
        m = DIRECTIVE.match(line)
        if m and m.group(1) in ("if", "ifdef", "ifndef"):
            depth += 1
            groups += 1
        elif m and m.group(1) == "endif":
            depth -= 1
        elif not m and depth == 0 and line.strip() and not re.match(r"\s*#\s*(include|define|undef)\b", line):
            return False
    return groups == 1 and depth == 0


def is_guard(lines):
    """A header's include guard: #ifndef X, #define X first, #endif last, nothing else."""
    code = [line.strip() for line in lines if line.strip()]
    m = code and re.match(r"#\s*ifndef\s+(\w+)$", code[0])
    return bool(m) and len(code) > 2 and re.match(r"#\s*define\s+%s$" % m.group(1), code[1]) and \
        re.match(r"#\s*endif\b", code[-1])


def check(top):
    found = []
    for name in gate.sources(top, ".c", ".h"):
        lines = gate.without_comments("\n".join(gate.lines(top, name))).split("\n")
        uses = [n for n, line in enumerate(lines, 1) if DIRECTIVE.match(line)]
        if name.endswith(".h") and is_guard(lines) and len(uses) == 2:
            continue
        edge = name.startswith(("src/io/", "src/run/sandbox"))
        if edge and name.endswith(".h"):
            uses = [n for n in uses if "CONFIG_" in lines[n - 1]]
        if uses and not (edge and name.endswith(".c") and whole_file(lines)):
            found.append("%s:%d: a conditional; options choose whole files" % (name, uses[0]))
    return found


gate.gate("no conditionals in sources", check)

gate.finds("#if in a function", check, {"src/smtp/a.c": "int f(void)\n{\n#if 1\n\treturn 1;\n#endif\n}\n"}, ["src/smtp/a.c:3"])
gate.finds("#ifdef in io/ inside the file", check,
           {"src/io/a.c": "int g(void);\n#ifdef X\nint f(void);\n#endif\n"}, ["src/io/a.c:2"])
gate.finds("a whole file in io/ is fine", check,
           {"src/io/a.c": "/* about */\n#include <x.h>\n#ifdef X\nint f(void);\n#endif\n"}, [])
gate.finds("a whole file elsewhere is not", check, {"src/run/a.c": "#ifdef X\nint f(void);\n#endif\n"}, ["src/run/a.c:1"])
gate.finds("an include guard is fine", check,
           {"src/base/a.h": "/* x */\n#ifndef A_H\n#define A_H\nint f(void);\n#endif\n"}, [])
gate.finds("more than the guard is not", check,
           {"src/base/a.h": "#ifndef A_H\n#define A_H\n#if X\nint f(void);\n#endif\n#endif\n"}, ["src/base/a.h:1"])
gate.finds("the edge's headers may tell machines apart, not options", check,
           {"src/io/a.h": "#ifndef A_H\n#define A_H\n#ifdef SYS_open\n#endif\n#endif\n",
            "src/io/b.h": "#ifndef A_H\n#define A_H\n#if CONFIG_X\n#endif\n#endif\n",
            "src/cmd/c.h": "#ifdef SYS_open\n#endif\n"}, ["src/io/b.h:3", "src/cmd/c.h:1"])
gate.finds("the word in a comment or string is fine", check,
           {"src/base/a.c": '/*\n#if this\n*/\nchar *s = "x\\n#if";\n'}, [])
gate.done()
