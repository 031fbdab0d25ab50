#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Gate: what kind of file the product is: static-pie (on 32-bit ARM at a fixed address), stripped, hardened, nothing of
glibc, no iconv, within its size; without TLS nothing of it. The ARM board's product too, if ARM names its folder.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lint", "lib"))
import gate  # noqa: E402


# Parts of musl that are large and that nothing here needs: heap, stdio, threads, resolver, time zones, locks for setuid.
HEAVY = ("malloc", "free", "printf_core", "__overflow", "__pthread_create", "getaddrinfo", "__tz", "localtime_r", "strerror",
         "getpwnam", "qsort", "__synccall", "fork")
# Of TLS: symbols of the library and of those who call it, and texts that only they have.
TLS_SYMBOLS = re.compile(r"(mbedtls|psa|digest_(sha|hmac|pbkdf)|tls_(ver|arena|pair|words|session)|ca_(open|next)|cert_|der_|pem_|"
                         r"oauth_|json_|https?_|sasl_(cram|scram))\w*(\.|$)|cmd_(cert|login)$")
TLS_TEXTS = (b"TLSv1.", b"SCRAM-SHA-256 ", b"BEGIN CERTIFICATE", b"tls13 ", b"master secret", b"grant_type")
GLIBC = ("_IO_stdin_used", "__libc_start_call_main", "_dl_relocate_static_pie")


def readelf(what, path):
    return subprocess.run(["readelf", what, "-W", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          errors="replace", check=False).stdout


def machine_of(path):
    """x86_64, armv7, armv5 …, as the budget calls it."""
    m = re.search(r"Machine: +(.*)", readelf("-h", path))
    if not m or m.group(1) != "ARM":
        return "x86_64" if m and "X86-64" in m.group(1) else m and m.group(1)
    m = re.search(r"Tag_CPU_arch: v(\d)", readelf("-A", path))
    return "armv" + m.group(1) if m else "arm"


def check_kind(path, fixed=False):
    """fixed: at a fixed address, with nothing that is written once and read-only from then on."""
    head, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
    stack = [line for line in segments.splitlines() if "GNU_STACK" in line]
    loads = [line.split() for line in segments.splitlines() if line.strip().startswith("LOAD")]
    found = []
    if fixed:
        if "EXEC (" not in head or ".data.rel.ro" in readelf("-S", path) or ".rel.dyn" in readelf("-S", path):
            found.append("not at a fixed address, or relocated")
    elif "DYN (" not in head or "PIE" not in dynamic:
        found.append("not position-independent")
    if "INTERP" in segments or "(NEEDED)" in dynamic:
        found.append("not static: asks for a loader or a library")
    if ".symtab" in readelf("-S", path):
        found.append("not stripped")
    if not stack or "E" in stack[0].split()[-2]:
        found.append("the stack is executable")
    if not fixed and ("GNU_RELRO" not in segments or "NOW" not in dynamic):
        found.append("no full relro")
    if any("W" in words and "E" in words for words in loads) or any("RWE" in words for words in loads):
        found.append("a segment is both writable and executable")
    return found


def check_content(path, debug):
    with open(path, "rb") as f:
        data = f.read()
    found = ["holds %r" % s.decode() for s in (b"GNU C Library", b"GLIBC_", b"/lib/ld-", b"libc.so") if s in data]
    names = {line.split()[2] for line in subprocess.run(["nm", debug], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                                        text=True, check=False).stdout.splitlines()
             if len(line.split()) == 3}
    found += ["has the symbol %s" % s for s in sorted(names) if s.startswith("iconv") or s in GLIBC]
    found += ["has %s of musl, which is large" % s for s in sorted(names.intersection(HEAVY))]
    if "__init_libc" not in names:
        found.append("has no __init_libc: not linked with musl, or its .debug file is not its own")
    return found


def check_phrases(path, debug):
    """All are in the book (firmware/phrases.c), and there is one."""
    with open(path, "rb") as f:
        plain = re.findall(rb"\x1e([ -~\n]*[a-z]{2} [a-z]{2}[ -~\n]*)\0", f.read())
    found = ["has a phrase that is not packed: %r" % s.decode()[:40] for s in plain]
    if "phrase_book" not in defined(debug):
        found.append("has no phrases")
    return found


def defined(debug):
    out = subprocess.run(["nm", debug], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return {line.split()[2] for line in out.splitlines() if len(line.split()) == 3 and "." not in line.split()[2]}


def check_no_tls(path, debug):
    with open(path, "rb") as f:
        data = f.read()
    return ["holds %r" % s.decode() for s in TLS_TEXTS if s in data] + \
        ["has %s" % s for s in sorted(defined(debug)) if TLS_SYMBOLS.match(s)]


def parts(build):
    """tls, plain (without it), least (without any part that can be left out), as the budget calls it."""
    with open(os.path.join(build, "config.mk"), encoding="utf-8") as f:
        text = f.read()
    some = ("SPOOL", "STORE", "SETUP", "CMD_SEND", "CMD_SENDMAIL", "SANDBOX_SECCOMP", "STATUS_PROMETHEUS", "CONF_REGEX", "LOG_SYSLOG",
            "SERVER_AUTH")
    if "CONFIG_TLS := y\n" in text:
        return "tls"
    return "plain" if any("CONFIG_%s := y\n" % part in text for part in some) else "least"


def budget(machine, options):
    with open(os.path.join(os.path.dirname(__file__), "budget"), encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if words[:3] == ["binary", machine, options]:
                return int(words[3])
    return None


def check_size(path, limit):
    size = os.path.getsize(path)
    return ["%d bytes, %d over its budget of %d" % (size, size - limit, limit)] if size > limit else []


def gcc(out, text, *flags):
    subprocess.run(["gcc", "-Os", "-o", out, "-x", "c", "-", *flags], input=text, text=True, check=True)


def sealed(product):
    """Are tables of pointers read-only when it runs? Looked at while it waits for room in a pipe."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    p = subprocess.Popen([product, "version"], stdout=writer, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        maps = []
        while time.monotonic() < end and p.poll() is None and not any(" r--p " in line for line in maps):
            time.sleep(0.05)
            with open("/proc/%d/maps" % p.pid, encoding="utf-8") as f:
                maps = [line.strip() for line in f if line.strip().endswith(os.path.realpath(product))]
        return [] if any(" r--p " in line for line in maps) else maps or ["it ended with %s" % p.poll()]
    finally:
        p.kill()
        p.wait()
        os.close(reader)
        os.close(writer)


def check_product(build):
    product = os.path.join(build, "gatepost")
    if not os.path.exists(product):
        gate.ok(False, "there is %s" % product)
        return
    machine, kind = machine_of(product), parts(build)
    fixed = machine.startswith("arm")
    complaints = check_kind(product, fixed)
    gate.ok(not complaints, "%s: the product is a stripped, hardened static%s" % (machine, "" if fixed else "-pie"), complaints)
    if machine == os.uname().machine:
        complaints = sealed(product)
        gate.ok(not complaints, "%s: its tables of pointers are read-only when it runs" % machine, complaints)
    complaints = check_content(product, product + ".debug")
    gate.ok(not complaints, "%s: nothing of glibc and no iconv is in it" % machine, complaints)
    complaints = check_phrases(product, product + ".debug")
    gate.ok(not complaints, "%s: its phrases are packed" % machine, complaints)
    complaints = check_no_tls(product, product + ".debug")
    if kind == "tls":
        gate.ok(len(complaints) > 20, "%s: TLS would be seen in it" % machine, [] if len(complaints) > 20 else complaints)
    else:
        gate.ok(not complaints, "%s: there is nothing of TLS in it" % machine, complaints)
    allowed = budget(machine, kind)
    if allowed is None:
        gate.skip("%s: its size is within the budget" % machine, "no budget for this machine")
        return
    complaints = check_size(product, allowed)
    gate.ok(not complaints, "%s: its size is within the budget (%d of %d bytes)" % (machine, os.path.getsize(product), allowed),
            complaints)


check_product(gate.BUILD)
if os.environ.get("ARM"):
    check_product(os.environ["ARM"])

tmp = tempfile.mkdtemp()
try:
    plain, static = os.path.join(tmp, "plain"), os.path.join(tmp, "static")
    gcc(plain, "int main(void) { return 0; }")
    found = check_kind(plain)
    gate.ok(len(found) >= 2 and "not stripped" in found and any("not static" in f for f in found),
            "self-test: an ordinary program", found)
    gcc(static, "int main(void) { return 0; }", "-static", "-no-pie", "-s", "-z", "execstack")
    found = check_kind(static)
    gate.ok("not position-independent" in found and "the stack is executable" in found and "not stripped" not in found,
            "self-test: a static program at a fixed address with an executable stack", found)
    found = check_kind(static, fixed=True)
    gate.ok("not at a fixed address, or relocated" in found, "self-test: one at a fixed address whose tables are relocated", found)
    found = check_content(static, plain)
    gate.ok(any("GNU C Library" in f or "GLIBC_" in f for f in found) and any("__init_libc" in f for f in found),
            "self-test: a program with glibc in it", found)
    lib = os.path.join(tmp, "iconv")
    gcc(lib, "int iconv_open(void); int iconv_open(void) { return 1; } int main(void) { return iconv_open(); }", "-O0")
    found = check_content(lib, lib)
    gate.ok(any("symbol iconv_open" in f for f in found), "self-test: a program with iconv", found)
    gcc(lib, "int qsort(void); int qsort(void) { return 1; } int main(void) { return qsort(); }", "-O0", "-fno-builtin")
    found = check_content(lib, lib)
    gate.ok(any("has qsort" in f for f in found), "self-test: a program with a large part of the C library", found)
    gcc(lib, 'const char *t = "\\036left as it was"; int main(void) { return !t; }')
    found = check_phrases(lib, lib)
    gate.ok(len(found) == 2 and "left as it was" in found[0] and found[1] == "has no phrases", "self-test: a phrase that is not packed", found)
    gate.ok(check_size(plain, 1000) and not check_size(plain, 10 ** 9), "self-test: the size")
finally:
    shutil.rmtree(tmp)
gate.done()
