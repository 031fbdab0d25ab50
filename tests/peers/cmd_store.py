#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost store (DESIGN 4 and 6) on files: what it prints, keeps and refuses, and how the relay follows."""

import fcntl
import os
import stat
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from lib import *                                                       # noqa: E402,F403

CONF = 'Gateway = "10.0.0.1"\n'


class Store(Files):
    """A private folder with a store in it."""

    @property
    def path(self):
        return os.path.join(self.dir, "store")

    def run(self, *words, stdin="", status=0, own=None):
        first = ["-c", own] if own else []
        code, out, err = gatepost("store", *first, "-s", self.path, *words, stdin=stdin.encode("latin-1"))
        equal(code, status, f"exit status of store {' '.join(words)}; it said {err!r}")
        return err if status else out

    def tree(self, name):
        found, top = {}, os.path.join(self.dir, name)
        for where, _, names in os.walk(top):
            for one in names:
                path = os.path.join(where, one)
                with open(path, encoding="latin-1") as file:
                    found[os.path.relpath(path, top)] = file.read()
        return found

    def octets(self):
        with open(self.path, "rb") as file:
            return file.read()


@case("put, list, get, export: the files as they were, for root's eyes alone")
def _():
    with Store() as s:
        equal(s.run("put", "gatepost.conf", stdin=CONF), f"{s.path}: stored.\n")
        s.run("put", "oauth/me@x.test", stdin="token\n")
        s.run("put", "empty")
        equal(s.run("list"), "     0 empty\n    21 gatepost.conf\n     6 oauth/me@x.test\n")
        equal(s.run("get", "oauth/me@x.test"), "token\n")
        s.run("export", os.path.join(s.dir, "out"))
        equal(s.tree("out"), {"gatepost.conf": CONF, "oauth/me@x.test": "token\n", "empty": ""})
        for path in (s.path, f"{s.dir}/out/gatepost.conf", f"{s.dir}/out/oauth/me@x.test"):
            equal(oct(os.stat(path).st_mode & 0o7777), "0o600", path)
        equal(oct(os.stat(f"{s.dir}/out/oauth").st_mode & 0o7777), "0o700", "the folder oauth")
        check(abs(os.stat(f"{s.dir}/out/gatepost.conf").st_mtime - time.time()) < 120, "the time of writing")


@case("what does not change is not written; what does goes into the next slot")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        before = s.octets()
        equal(s.run("put", "gatepost.conf", stdin=CONF), f"{s.path}: that is in it already.\n")
        equal(s.octets() == before, True, "not an octet has changed")
        for turn in range(4):
            s.run("put", "n", stdin=str(turn))
        out = s.run("info")
        contains(out, "2 files, 46 of 49152 octets")
        contains(out, "3 slots of 65536 octets")
        contains(out, "slot 0: bundle 4, ")
        contains(out, "slot 2: bundle 6, ")
        equal(out.count("in use"), 1, "slots in use")


@case("import replaces all; a folder without gatepost.conf is refused, one with odd names too")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        s.run("put", "old", stdin="1")
        s.put("a/gatepost.conf", CONF)
        s.put("a/keys/deep/a.key", "key")
        s.put("a/.hidden", "no")
        s.run("import", os.path.join(s.dir, "a"))
        equal(s.run("list"), "    21 gatepost.conf\n     3 keys/deep/a.key\n")
        s.put("b/other.conf", CONF)
        contains(s.run("import", os.path.join(s.dir, "b"), status=66), "there is no gatepost.conf in it")
        contains(s.run("import", os.path.join(s.dir, "none"), status=66), "no such folder")
        s.put("a/with blank", "1")
        contains(s.run("import", os.path.join(s.dir, "a"), status=65), "with blank: is no name for a file in the store")
        os.unlink(os.path.join(s.dir, "a/with blank"))
        s.put("a/large", "x" * 49152)
        contains(s.run("import", os.path.join(s.dir, "a"), status=65), "large: there is no room for it in the store")
        s.put("a/large", "x" * 49153)
        contains(s.run("import", os.path.join(s.dir, "a"), status=65), "large: is too large for the store")
        equal(s.run("list"), "    21 gatepost.conf\n     3 keys/deep/a.key\n", "as it was")


@case("a configuration that check refuses is refused, with 78, and nothing is stored")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        err = s.run("put", "gatepost.conf", stdin='Gatewy = "10.0.0.1"\n', status=78)
        contains(err, '/etc/gatepost/gatepost.conf:1:1: error: unknown option "Gatewy"')
        contains(err, "nothing was stored")
        s.put("a/gatepost.conf", CONF + "Nonsense = 1\n")
        s.run("import", os.path.join(s.dir, "a"), status=78)
        equal(s.run("get", "gatepost.conf"), CONF)


@case("certificates and further files are looked for in the store, not in the folder of this machine")
def _():
    with Store() as s:
        os.mkdir(os.path.join(s.dir, "a"))
        code, _, err = gatepost("cert", "-o", os.path.join(s.dir, "a"), "box.lan")
        equal(code, 0, err)
        listen = ('ESMTP_Listener {{ Listen ":2525" {{ TLS_Certificate = "{0}"\n TLS_Key = "{1}" }} }}\n')
        text = CONF + listen.format("box.lan.crt", "/etc/gatepost/box.lan.key") + 'include "conf.d"\n'
        contains(s.run("put", "gatepost.conf", stdin=text, status=78), "/etc/gatepost/box.lan.crt: No such file")
        s.put("a/gatepost.conf", text)
        s.put("a/conf.d/one.conf", "Max_Message_Size = 10m\n")
        s.put("a/conf.d/.two.conf", "Nonsense = 1\n")
        s.run("import", os.path.join(s.dir, "a"))
        s.put("a/conf.d/two.conf", "Nonsense = 1\n")
        contains(s.run("import", os.path.join(s.dir, "a"), status=78), "/etc/gatepost/conf.d/two.conf:1:1: error: unknown option")
        code, out, err = gatepost("store", "-s", s.path, "put", "box.lan.key", stdin=b"no key")
        equal(code, 0, "a key that fits nothing is stored")
        contains(err, "stored all the same: with it the configuration has errors")


@case("a store that holds something else wants to be erased first; one that was is as good as new")
def _():
    with Store() as s:
        s.put("store", "somebody's file" + "\0" * 196593)
        for words in (("put", "x"), ("list",), ("get", "x"), ("export", s.dir + "/out")):
            contains(s.run(*words, status=65), "is not a store, or not one bundle in it is whole: gatepost store erase makes it one")
        contains(gatepost("store", "-s", s.path, "info")[1], "is not a store")
        s.run("erase")
        equal(s.run("list"), "")
        contains(s.run("export", s.dir + "/out", status=66), "there are no files in it")
        s.run("put", "gatepost.conf", stdin=CONF + "# secret\n")
        s.run("put", "gatepost.conf", stdin=CONF)
        s.run("erase")
        check(b"secret" not in s.octets(), "something is left")
        # One header; the time and the sum in it may have octets of ones.
        used = [at for at, octet in enumerate(s.octets()) if octet != 0xff]
        check(used and used[0] // 64 == used[-1] // 64, f"octets that are left: {used[0]} to {used[-1]}")


@case("a newer format is read no further than the bundle before it, and not written")
def _():
    import struct
    import zlib
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        head = b"GateKeep" + struct.pack(">IIQII", 2, 9, 0, 3, 0) + b"\0" * 28
        with open(s.path, "r+b") as file:
            file.seek(2 * 65536)
            file.write(head + struct.pack(">I", zlib.crc32(head)))
        contains(s.run("info"), "slot 2: of a newer gatepost, format 2")
        equal(s.run("get", "gatepost.conf"), CONF)
        contains(s.run("put", "x", status=65), "was written by a newer gatepost")


@case("a damaged bundle is told, the one before it counts, and the next put goes on")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        s.run("put", "gatepost.conf", stdin=CONF + "# two\n")
        with open(s.path, "r+b") as file:
            file.seek(2 * 65536 + 100)
            file.write(b"X")
        code, out, err = gatepost("store", "-s", s.path, "get", "gatepost.conf")
        equal((code, out), (0, CONF))
        contains(err, "bundle 3 is damaged, the one before it counts")
        contains(s.run("put", "gatepost.conf", stdin=CONF), "stored")
        code, _, err = gatepost("store", "-s", s.path, "get", "gatepost.conf")
        equal((code, err), (0, ""))


@cases("{0!r}: usage, 64", [("",), ("put",), ("get",), ("import",), ("export",), ("frob",), ("list more",), ("put a b",), ("-x info",)])
def _(words):
    code, out, err = gatepost("store", "-s", "/nonexistent", *words.split())
    equal((code, out), (64, ""))
    contains(err, "gatepost help store")


@cases("{0}: {1}, {2}", [("/nonexistent/store", "No such file", 66), ("mtd:nothing", "there is no MTD partition of that name", 66),
                         ("/dev/null", "is a device, but no flash", 69), ("/etc", "is neither a file nor a device", 69)])
def _(name, words, status):
    code, out, err = gatepost("store", "-s", name, "list")
    equal((code, out), (status, ""))
    contains(err, f"gatepost store: {name}: ")
    contains(err, words)


@case("a block device: the same; one that is in use is left alone, with 75")
def _():
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        raise Skip("no loop devices here")
    with Store() as s:
        s.put("disk", "\0" * (1 << 20))
        made = subprocess.run(["losetup", "--show", "-f", os.path.join(s.dir, "disk")], capture_output=True, text=True,
                              timeout=30, check=False)
        if made.returncode != 0:
            raise Skip(f"no loop devices here: {made.stderr}")
        device = made.stdout.strip()
        try:
            def run(*words, stdin=b"", status=0):
                code, out, err = gatepost("store", "-s", device, *words, stdin=stdin)
                equal(code, status, f"exit status of store {' '.join(words)}; it said {err!r}")
                return out + err
            contains(run("info"), "is blank")
            run("put", "gatepost.conf", stdin=CONF.encode())
            contains(run("info"), "16 slots of 65536 octets, erased in blocks of 4096")
            fd = os.open(device, os.O_RDWR | os.O_EXCL)
            contains(run("put", "x", stdin=b"1", status=75), "it is mounted, or another process has it")
            equal(run("get", "gatepost.conf"), CONF)
            os.close(fd)
            run("put", "x", stdin=b"1")
            equal(run("list"), "    21 gatepost.conf\n     1 x\n")
        finally:
            subprocess.run(["losetup", "-d", device], timeout=30, check=False)


@case("who has no right is told so, with 77")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        if os.geteuid() != 0:
            raise Skip("needs root")
        code, _, err = gatepost("store", "-s", s.path, "get", "gatepost.conf", user=65534)
        equal(code, 77, err)
        contains(err, "Permission denied")


@case("a second writer waits for the first; after ten seconds it gives up, with 75")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        with open(s.path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            contains(s.run("put", "x", stdin="1", status=75), "another process has its lock")
            timer = threading.Timer(1, lambda: fcntl.flock(file, fcntl.LOCK_UN))
            timer.start()
            s.run("put", "x", stdin="1")
            timer.join()


@case("many writers at once: each file is there")
def _():
    with Store() as s:
        s.run("put", "gatepost.conf", stdin=CONF)
        threads = [threading.Thread(target=s.run, args=("put", f"f{i}"), kwargs={"stdin": str(i)}) for i in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal(len(s.run("list").splitlines()), 13, "files")


@case("with -c the relay's files are replaced and it reads them; without it nothing of this box changes")
def _():
    with Store() as s, Relay('Gateway = "127.0.0.1:9"\n', mortal=True) as relay:
        with open(relay.conf, encoding="latin-1") as file:
            text = file.read()
        s.put("a/gatepost.conf", text + "# imported\n")
        s.run("import", os.path.join(s.dir, "a"))
        time.sleep(0.3)
        with open(relay.conf, encoding="latin-1") as file:
            equal(file.read(), text, "the relay's configuration")
        out = s.run("import", os.path.join(s.dir, "a"), own=relay.conf)
        contains(out, "The relay reads it now.")
        with open(os.path.join(os.path.dirname(relay.conf), "gatepost.conf"), encoding="latin-1") as file:
            equal(file.read(), text + "# imported\n", "the relay's configuration")
        wait_for(lambda: "generation=2" in relay.log(), 30, "a second generation")
        equal(stat.S_IMODE(os.stat(os.path.join(os.path.dirname(relay.conf), "gatepost.conf")).st_mode), 0o600, "mode")


@case("files that are no more leave the relay's folder with an import")
def _():
    with Store() as s:
        conf = s.put("etc/gatepost.conf", CONF)
        s.put("etc/mine", "not of the store")
        s.put("a/gatepost.conf", CONF)
        s.put("a/keys/one", "1")
        s.run("import", os.path.join(s.dir, "a"), own=conf)
        equal(sorted(s.tree("etc")), ["gatepost.conf", "keys/one", "mine"])
        os.unlink(os.path.join(s.dir, "a/keys/one"))
        s.run("import", os.path.join(s.dir, "a"), own=conf)
        equal(sorted(s.tree("etc")), ["gatepost.conf", "mine"])


if __name__ == "__main__":
    need_binary()
    main()
