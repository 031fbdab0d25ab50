#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: what the objects of the pure folders name, and that they hold no mutable data. Reads the product's objects."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import gate  # noqa: E402

PURE = ("base", "smtp", "mail", "conf", "relay", "token", "spool", "store", "image")
ALLOWED = {"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "gp_stop", "__stack_chk_fail",
           "__stack_chk_guard", "_GLOBAL_OFFSET_TABLE_", "phrase_book"}
REGEX = {"regcomp", "regexec", "regfree"}
# base/digest.h, a port that is supplied outside.
DIGESTS = {"digest_sha256", "digest_hmac_md5", "digest_hmac_sha256", "digest_pbkdf2_rounds", "digest_wipe"}


def is_helper(name):
    """The compiler's own arithmetic, as libgcc names it: __udivdi3, __aeabi_uldivmod …"""
    return name.startswith("__aeabi_") or (name.startswith("__") and name.endswith(("di3", "ti3", "di2", "si3", "si2")))


def symbols(path):
    """-> names defined, names undefined. Not by nm: of an object that also holds the compiler's own form (-flto) it
    shows that one, which lacks what the machine code calls besides.
    """
    out = subprocess.run(["readelf", "-sW", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    rows = [r for r in rows if len(r) >= 8 and r[4] in ("GLOBAL", "WEAK")]
    return ({r[7] for r in rows if r[6] != "UND"}, {r[7] for r in rows if r[6] == "UND"})


def mutable(path):
    """-> sections that hold data which the program may write"""
    out = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = []
    for line in out.splitlines():
        words = line.replace("[ ", "[").split()
        if len(words) < 7 or not words[0].startswith("["):
            continue
        name, size = words[1], words[5]
        written = name.startswith((".data", ".bss", ".tdata", ".tbss", "COMMON")) and not name.startswith(".data.rel.ro")
        if written and int(size, 16):
            found.append("%s (%d bytes)" % (name, int(size, 16)))
    return found


def check_objects(top, allowed=frozenset(ALLOWED)):
    """top: a folder with one folder of objects for each folder of src/"""
    objects = []
    for folder in PURE:
        for where, _, names in os.walk(os.path.join(top, folder)):
            objects += [os.path.join(where, n) for n in names if n.endswith(".o")]
    tables = {o: symbols(o) for o in sorted(objects)}
    own = set().union(*(defined for defined, _ in tables.values())) if tables else set()
    found = []
    for o, (_, wanted) in tables.items():
        name = os.path.relpath(o, top)
        may = allowed | own | DIGESTS | (REGEX if name == "conf/regex.o" else set())
        found += ["%s names %s" % (name, s) for s in sorted(wanted - may) if not is_helper(s)]
        found += ["%s holds mutable data: %s" % (name, s) for s in mutable(o)]
    return found


def current(objects):
    """Objects of sources that are gone would be judged too."""
    return [o for o in objects if os.path.exists(os.path.join(gate.TOP, "src", o[:-2] + ".c"))]


def check_tree(_top):
    return [c for c in check_objects(os.path.join(gate.BUILD, "obj"))
            if current([c.split(" ")[0]])]


def seeded(name, source, expected, *flags, allowed=frozenset(ALLOWED)):
    with tempfile.TemporaryDirectory() as top:
        for path, text in source.items():
            o = os.path.join(top, path)
            os.makedirs(os.path.dirname(o), exist_ok=True)
            subprocess.run(["gcc", "-Os", "-fPIE", "-fdata-sections", "-ffunction-sections", "-fstack-protector-strong",
                            *flags, "-c", "-o", o, "-x", "c", "-"], input=text, text=True, check=True)
        found = check_objects(top, allowed)
    good = len(found) == len(expected) and all(any(e in f for f in found) for e in expected)
    gate.ok(good, "self-test: " + name, [] if good else ["found: %r" % found])


gate.gate("pure objects name only pure symbols and hold no mutable data", check_tree)

seeded("a clock", {"smtp/a.o": "long time(long *); long f(void); long f(void) { return time(0); }"}, ["names time"])
seeded("what the compiler adds by itself, though the object holds its own form too",
       {"base/a.o": "struct s { char c[9999]; }; void f(struct s *, struct s *, int); "
                    "void f(struct s *a, struct s *b, int n) { *a = n ? *b : *a; }"}, ["names memcpy"], "-O2", "-flto",
       "-ffat-lto-objects", allowed=ALLOWED - {"memcpy"})
seeded("the heap", {"base/a.o": "void *malloc(unsigned long); void *f(void); void *f(void) { return malloc(3); }"},
       ["names malloc"])
seeded("an edge's function", {"mail/a.o": "void conn_fill(void); void f(void) { conn_fill(); }",
                              "io/conn.o": "void conn_fill(void) {}"}, ["names conn_fill"])
seeded("another pure object is fine", {"mail/a.o": "void buf_put(void); void f(void) { buf_put(); }",
                                       "base/buf.o": "void buf_put(void) {}"}, [])
seeded("a hash through the port, past it is another matter",
       {"token/a.o": "void digest_sha256(void); void f(void) { digest_sha256(); }",
        "smtp/b.o": "void mbedtls_sha256(void); void g(void) { mbedtls_sha256(); }"}, ["names mbedtls_sha256"])
seeded("mutable data", {"relay/a.o": "static int n; int f(void) { return ++n; }"}, ["mutable data: .bss"])
seeded("initialised mutable data", {"relay/a.o": "static int n = 7; int f(void) { return ++n; }"}, ["mutable data: .data"])
seeded("a constant table of pointers is fine",
       {"relay/a.o": "static const char *const t[] = {\"a\", \"b\"}; const char *f(int i) { return t[i]; }"}, [])
seeded("regcomp in conf/regex.o alone", {"conf/regex.o": "int regcomp(void); int f(void) { return regcomp(); }",
                                         "conf/value.o": "int regcomp(void); int g(void) { return regcomp(); }"},
       ["conf/value.o names regcomp"])
gate.done()
