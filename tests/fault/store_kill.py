#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gatepost store is killed at each of its system calls. Afterwards the old bundle is in the store or the new one, whole; the
new one if it had been said; and the same command, once more, does it. Each call fails, too: then it is told."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from lib import *                                                       # noqa: E402,F403
from lib.trial import *                                                 # noqa: E402,F403

OLD = {"gatepost.conf": b'Gateway = "10.0.0.1"\n', "oauth/token": b"one"}
NEW = {"gatepost.conf": b'Gateway = "10.0.0.2"\n' + b"#" * 9000 + b"\n", "keys/a.key": b"key"}
REPEATS = 12                # calls of a kind whose further ones are left out between the first and the last, unless in the soak
CHANGING = "open pwrite64 write fdatasync fsync fallocate rename unlink mkdir utimensat flock".split()


class Case:
    """A folder with a store in it, the command, and what may be there afterwards."""

    def __init__(self, verb):
        self.files = Files()
        self.verb = verb
        self.store = os.path.join(self.files.dir, "store")
        self.stdin = b""
        self.before, self.after = OLD, NEW
        self.prepare()
        if os.path.exists(self.store):
            with open(self.store, "rb") as file:
                self.image = file.read()
        else:
            self.image = None

    def folder(self, name, files):
        path = os.path.join(self.files.dir, name)
        os.makedirs(path, exist_ok=True)
        for file, text in files.items():
            self.files.put(os.path.join(name, file), text.decode("latin-1"))
        return path

    def run(self, *words, stdin=b"", status=0):
        code, out, err = gatepost("store", "-s", self.store, *words, stdin=stdin)
        equal(code, status, f"store {' '.join(words)}: {err!r}")
        return out

    def prepare(self):
        old, new = self.folder("old", OLD), self.folder("new", NEW)
        etc = os.path.join(self.files.dir, "etc")
        if self.verb == "a first put":
            self.before, self.after = None, {"gatepost.conf": NEW["gatepost.conf"]}
            self.words, self.stdin = ["put", "gatepost.conf"], NEW["gatepost.conf"]
            return
        self.run("import", old)
        if self.verb == "put":
            self.after = {**OLD, "gatepost.conf": NEW["gatepost.conf"]}
            self.words, self.stdin = ["put", "gatepost.conf"], NEW["gatepost.conf"]
        elif self.verb == "import":
            self.words = ["import", new]
        elif self.verb == "import where the relay's files are":
            self.folder("etc", OLD)
            self.words = ["-c", os.path.join(etc, "gatepost.conf"), "import", new]
        elif self.verb == "erase":
            self.after, self.words = {}, ["erase"]

    def rewind(self):
        if self.image is None:
            if os.path.exists(self.store):
                os.unlink(self.store)
        else:
            with open(self.store, "wb") as file:
                file.write(self.image)
        if "relay" in self.verb:
            etc = os.path.join(self.files.dir, "etc")
            subprocess.run(["rm", "-rf", etc], check=True)
            self.folder("etc", OLD)

    def traced(self, *inject):
        """The command under strace: exit status (-9: killed), what it said, the calls in their order."""
        trace = os.path.join(self.files.dir, "trace")
        run = subprocess.run(["strace", "-qq", "-o", trace, *inject, BINARY, "store", "-s", self.store, *self.words],
                             input=self.stdin, capture_output=True, timeout=60, check=False)
        if b"ptrace" in run.stderr:
            raise Skip(f"no namespaces here: strace may not attach: {run.stderr!r}")
        with open(trace, encoding="latin-1") as file:
            calls = called(file.read())
        return run.returncode, run.stdout, run.stderr, calls

    def content(self):
        """What is in the store; None where there is none yet, or nothing was ever written."""
        out = os.path.join(self.files.dir, "out")
        subprocess.run(["rm", "-rf", out], check=True)
        code, _, err = gatepost("store", "-s", self.store, "export", out)
        if code == 66:
            return {} if "there are no files" in err else None
        equal(code, 0, f"export: {err!r}")
        found = {}
        for where, _, names in os.walk(out):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, out)] = file.read()
        return found

    def folder_files(self):
        found = {}
        etc = os.path.join(self.files.dir, "etc")
        for where, _, names in os.walk(etc):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, etc)] = file.read()
        return found

    def judge(self, what, said):
        now = self.content()
        check(now == self.after or (not said and (now == self.before or (self.before is None and now == {}))),
              f"{what}: in the store is {str(now)[:300]}")
        if "relay" in self.verb:
            for name, text in self.folder_files().items():
                check(name.endswith(".new") or text in (OLD.get(name), NEW.get(name)), f"{what}: {name} is half written")

    def again(self, what):
        self.run(*self.words, stdin=self.stdin)
        equal(self.content(), self.after, f"{what}, and once more: in the store")
        if "relay" in self.verb:
            # A file that is no more may stay in the folder, if the power did.
            files = {k: v for k, v in self.folder_files().items() if not k.endswith(".new") and (k, v) != ("oauth/token", b"one")}
            equal(files, self.after, f"{what}, and once more: the relay's files")
        if self.verb == "erase":
            with open(self.store, "rb") as file:
                left = len(file.read().replace(b"\xff", b""))
            check(left <= 64, f"{what}, and erased: {left} octets are left")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.files.__exit__()


VERBS = ("a first put", "put", "import", "import where the relay's files are", "erase")


def moments(case):
    """(call, which of its kind) for each of the command's system calls."""
    status, _, err, calls = case.traced()
    equal(status, 0, f"exit status unharmed: {err!r}")
    check(len(calls) > 30, f"calls: {calls}")
    return calls if SOAK else ends(calls, REPEATS)


@cases("killed at each system call: {0}", [(verb,) for verb in VERBS])
def _(verb):
    with Case(verb) as case:
        runs = 0
        for name, n in moments(case):
            case.rewind()
            status, out, _, _ = case.traced("-e", f"inject={name}:signal=KILL:when={n}")
            if name == "execve":
                continue
            check(status in (-9, 137), f"{name} {n}: it was not killed: {status}")
            what = f"killed at {name} {n}"
            case.judge(what, out != b"")
            case.again(what)
            runs += 1
        check(runs > 20, f"{runs} kills")
        print(f"# {verb}: {runs} kills")


@cases("each call that changes something fails: {0}", [(verb,) for verb in VERBS])
def _(verb):
    with Case(verb) as case:
        runs = 0
        for name, n in moments(case):
            if name not in CHANGING:
                continue
            case.rewind()
            status, out, err, _ = case.traced("-e", f"inject={name}:error={'EINTR' if name == 'flock' else 'EIO'}:when={n}")
            what = f"{name} {n} failed, it ended with {status} and said {err!r}"
            case.judge(what, status == 0)
            check(status == 0 or err != b"" or name == "write", what)
            case.again(what)
            runs += 1
        check(runs > 5, f"{runs} failures")
        print(f"# {verb}: {runs} failures")


if __name__ == "__main__":
    need_binary()
    need_strace()
    main(jobs=2, limit=590 if not SOAK else 6 * 3600)
