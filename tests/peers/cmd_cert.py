#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost cert (DESIGN 4): what it makes, by openssl's judgement, and what it refuses."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403


def openssl(*words):
    done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                          check=False)
    equal(done.returncode, 0, f"openssl {words[0]}, which said {short(done.stderr)}")
    return done.stdout


def cert(folder, *words, status=0):
    code, out, err = gatepost("cert", "-o", folder, *words)
    equal(code, status, f"exit status; it said {err!r}")
    return err if status else out


@case("box.lan and addresses: openssl reads and verifies it")
def _():
    with Files() as f:
        cert(f.dir, "box.lan", "192.168.1.2", "[fd00::1]", "scan_box")
        crt, key = (os.path.join(f.dir, "box.lan." + end) for end in ("crt", "key"))
        text = openssl("x509", "-in", crt, "-noout", "-text")
        for part in ("CN = box.lan", "DNS:box.lan, IP Address:192.168.1.2, IP Address:FD00:0:0:0:0:0:0:1, DNS:scan_box",
                     "CA:FALSE", "TLS Web Server Authentication", "ecdsa-with-SHA256", "NIST CURVE: P-256"):
            contains(text, part)
        openssl("ec", "-in", key, "-check", "-noout")
        equal(openssl("ec", "-in", key, "-pubout"), openssl("x509", "-in", crt, "-noout", "-pubkey"), "the key")
        openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "box.lan", "-CAfile", crt, crt)
        openssl("verify", "-verify_ip", "fd00::1", "-CAfile", crt, crt)
        openssl("x509", "-in", crt, "-noout", "-checkend", str(19 * 365 * 86400))


@case("the key is 0600, the certificate 0644, whatever the umask")
def _():
    with Files() as f:
        for name, mask in (("a.lan", 0o77), ("b.lan", 0)):
            old = os.umask(mask)
            try:
                cert(f.dir, name)
            finally:
                os.umask(old)
            for end, mode in (("key", 0o600), ("crt", 0o644)):
                equal(oct(os.stat(os.path.join(f.dir, f"{name}.{end}")).st_mode & 0o7777), oct(mode), f"{name}.{end}")


@case("what it prints is for the configuration, and makes a listener")
def _():
    with Files() as f:
        out = cert(f.dir, "box.lan")
        path = f.put("gatepost.conf", 'Gateway = "gw.test"\nUser = root\n' + out)
        code, said, err = gatepost("check", "-c", path)
        equal((code, said), (0, f"{path}: ok\n"), f"check; it said {err!r}")


@case("without -o it lands in the folder that one is in")
def _():
    with Files() as f:
        code, out, err = gatepost("cert", "box.lan", cwd=f.dir)
        equal(code, 0, f"exit status; it said {err!r}")
        equal(sorted(os.listdir(f.dir)), ["box.lan.crt", "box.lan.key"])
        contains(out, f'"{os.path.realpath(f.dir)}/box.lan.crt"')


@cases("nothing is overwritten: {0} is there", [("box.lan.key",), ("box.lan.crt",)])
def _(name):
    with Files() as f:
        f.put(name, "old")
        err = cert(f.dir, "box.lan", status=73)
        contains(err, f"{name}: ")
        contains(err, "nothing is overwritten")
        equal(os.listdir(f.dir), [name], "files")
        with open(os.path.join(f.dir, name), encoding="ascii") as file:
            equal(file.read(), "old")


@case("two of them differ in key and serial number")
def _():
    with Files() as f, Files() as g:
        for folder in (f.dir, g.dir):
            cert(folder, "box.lan")
        a, b = (openssl("x509", "-in", os.path.join(d, "box.lan.crt"), "-noout", "-serial", "-pubkey") for d in (f.dir, g.dir))
        check(a.splitlines()[0] != b.splitlines()[0], "the same serial number")
        check(a.splitlines()[1:] != b.splitlines()[1:], "the same key")


@case("a name that no CN has room for is an alternative name")
def _():
    with Files() as f:
        name = "a" * 63 + ".example"
        cert(f.dir, name)
        crt = os.path.join(f.dir, name + ".crt")
        contains(openssl("x509", "-in", crt, "-noout", "-text"), f"DNS:{name}")
        openssl("verify", "-verify_hostname", name, "-CAfile", crt, crt)


@cases("{0!r} is refused: {1}", [
    ("*.box.lan", "wildcard"), ("", "empty"), ("a..b", "dot"), ("box.lan.", "dot"), ("-x", "hyphen"), ("1.2.3", "IPv4"),
    ("a b", "character"), ("b\u00fcro.lan", "xn--"), ("box.lan:25", "port"), ("../box", "path"), ("/etc/box", "path"),
    ("a" * 64, "63"), ("a." * 130 + "b", "longer"), ("fe80::1%eth0", "zone"), ("a\nb", "character")])
def _(name, word):
    with Files() as f:
        contains(cert(f.dir, "--", name, status=65), word)
        contains(cert(f.dir, "good.lan", "--", name, status=65), word)
        equal(os.listdir(f.dir), [], "files")


@case("no name, and more than it takes")
def _():
    with Files() as f:
        contains(cert(f.dir, status=64), "names")
        contains(cert(f.dir, *[f"n{i}.lan" for i in range(33)], status=64), "32")
        cert(f.dir, *[f"n{i}.lan" for i in range(32)])


@case("a folder that is not there, and one that is a file")
def _():
    with Files() as f:
        contains(cert(os.path.join(f.dir, "none"), "box.lan", status=73).lower(), "no such")
        contains(cert(f.put("file", "x"), "box.lan", status=73).lower(), "not a")


@case("a disk without room: neither file is left")
def _():
    from lib import ns
    ns.need_mounts()
    with Files() as f:
        script = (f'mount -t tmpfs -o size=4k none {f.dir} && {{ "{BINARY}" cert -o {f.dir} box.lan; s=$?; ls -A {f.dir}; '
                  'exit $s; }')
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=30, check=False)
        equal((done.returncode, done.stdout), (74, ""), f"exit status and files; it said {done.stderr!r}")
        contains(done.stderr.lower(), "space")


need_binary()
main()
