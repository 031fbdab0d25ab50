#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: who may include whom in src/ (includes.txt), and every header compiles alone."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def matrix():
    allow, pure, libc, special = {}, [], set(), set()
    with open(os.path.join(os.path.dirname(__file__), "includes.txt"), encoding="utf-8") as f:
        for line in f:
            name, colon, rest = line.split("#")[0].partition(":")
            if not colon:
                continue
            words = rest.split()
            if name == "pure":
                pure = words
            elif name == "libc":
                libc |= {w for w in words if "=" not in w}
                special |= {tuple(w.split("=")) for w in words if "=" in w}
            else:
                allow[name] = set(words)
    return allow, pure, libc, special


ALLOW, PURE, LIBC, SPECIAL = matrix()
LIBRARY = re.compile(r"(mbedtls|psa)/")
USERS = re.compile(r"io/(tls_\w+\.[ch]|digest_mbedtls\.c)$")


def one(path, header, quoted):
    """path and header below src/ -> a complaint or None"""
    folder = path.split("/")[0] if "/" in path else "main"
    if folder not in ALLOW:
        return "folder %s is not in includes.txt" % folder
    if LIBRARY.match(header):
        return None if USERS.match(path) and path != "io/tls_none.c" else "%s is for io/tls_*, io/digest_mbedtls.c" % header
    if not quoted:
        if folder in PURE and header not in LIBC and (path, header) not in SPECIAL:
            return "<%s> in a pure folder" % header
        return None
    if header == "config.h":
        return None if path == "base/limits.h" else "config.h is for base/limits.h alone"
    if header == "version.h":
        return "version.h in a pure folder" if folder in PURE else None
    if "/" not in header:
        return '"%s" names no folder' % header
    other = header.split("/")[0]
    if other == folder or other in ALLOW[folder] or header in ALLOW[folder]:
        return None
    return "%s may not include %s" % (folder, header)


def check_matrix(top):
    found = []
    for name in gate.sources(top, ".c", ".h", ".def"):
        for number, line in enumerate(gate.lines(top, name), 1):
            m = INCLUDE.match(line)
            why = m and one(name[len("src/"):], m.group(2), m.group(1) == '"')
            if why:
                found.append("%s:%d: %s" % (name, number, why))
    return found


def check_alone(top):
    found = []
    for name in gate.sources(top, ".h"):
        path = name[len("src/"):]
        flags = [] if path.split("/")[0] in PURE else ["-D_GNU_SOURCE"]
        if USERS.match(path):
            library = gate.library()
            if not library:
                continue
            flags += ["-isystem", library + "/include", '-DMBEDTLS_CONFIG_FILE="gatepost/mbedtls_config.h"']
        status, out = gate.run("gcc", "-std=c11", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only", "-Isrc",
                               "-I" + gate.BUILD, *flags, "-x", "c", "-", cwd=top,
                               text='#include "%s"\n#include "%s"\ntypedef int some_type;\n' % (path, path))
        if status:
            found.append("%s does not compile alone: %s" % (name, "; ".join(out.strip().split("\n")[:3])))
    return found


gate.gate("includes follow the matrix", check_matrix)
gate.gate("every header compiles alone, and twice", check_alone)

gate.finds("a pure folder includes the edge", check_matrix, {"src/smtp/a.c": '#include "io/conn.h"\n'},
           ["smtp may not include io/conn.h"])
gate.finds("smtp and mail stay apart", check_matrix,
           {"src/smtp/a.c": '#include "mail/head.h"\n', "src/mail/b.h": ' # include "smtp/reply.h"\n'},
           ["smtp may not", "mail may not"])
gate.finds("io sees of spool only its port", check_matrix,
           {"src/io/a.c": '#include "spool/disk.h"\n#include "spool/spool.h"\n'}, ["io may not include spool/spool.h"])
gate.finds("nobody but cmd includes run", check_matrix,
           {"src/io/a.c": '#include "run/engine.h"\n', "src/cmd/b.c": '#include "run/engine.h"\n'}, ["io may not"])
gate.finds("a system header in a pure folder", check_matrix,
           {"src/base/a.c": "#include <time.h>\n", "src/io/b.c": "#include <time.h>\n",
            "src/conf/regex.c": "#include <regex.h>\n", "src/conf/parse.c": "#include <regex.h>\n"},
           ["<time.h>", "src/conf/parse.c:1: <regex.h>"])
gate.finds("the TLS library outside its own files", check_matrix,
           {"src/io/tls_a.c": "#include <mbedtls/ssl.h>\n#include <psa/crypto.h>\n",
            "src/io/digest_mbedtls.c": "#include <mbedtls/md5.h>\n", "src/io/tls_none.c": "#include <mbedtls/ssl.h>\n",
            "src/io/conn.c": "#include <mbedtls/ssl.h>\n", "src/cmd/version.c": '#include "psa/crypto.h"\n',
            "src/io/tls.h": "#include <mbedtls/ssl.h>\n"},
           ["src/io/conn.c:1", "src/cmd/version.c:1", "src/io/tls_none.c:1", "src/io/tls.h:1"])
gate.finds("config.h beside limits.h", check_matrix,
           {"src/base/limits.h": '#include "config.h"\n', "src/io/a.c": '#include "config.h"\n'}, ["src/io/a.c:1"])
gate.finds("a header that leans on its includer", check_alone,
           {"src/base/a.h": "#pragma once\nuint8_t f(void);\n", "src/base/b.h": "#pragma once\nint g(void);\n"},
           ["src/base/a.h"])
gate.finds("a header without a guard", check_alone, {"src/base/a.h": "struct a { int x; };\n"}, ["src/base/a.h"])
gate.done()
