# SPDX-License-Identifier: ISC
"""The relay under test: started with a configuration of its own, watched, ended, judged."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from . import tap
from .raw import Client
from .tap import Failed, check, short, unmarked

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BINARY = os.environ.get("GATEPOST", os.path.join(TOP, "build", "host", "gatepost"))
COMPLAINT = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|UndefinedBehavior|stack smashing"
                       r"|Assertion|SIGSEGV|seccomp:|audit: type=1326", re.I)


def need_binary():
    if not os.access(BINARY, os.X_OK):
        tap.skip_all(f"no {os.path.relpath(BINARY)}: make builds it, GATEPOST names another")


def gatepost(*arguments, stdin=b"", wait=60, env=None, argv0=None, cwd=None, user=None):
    """Run a command to its end: (exit status, stdout, stderr)."""
    words = [argv0 or BINARY, *arguments]
    run = subprocess.Popen(words, executable=BINARY, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, cwd=cwd, user=user,
                           group=user, extra_groups=[] if user else None)
    try:
        out, err = run.communicate(stdin, wait)
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        raise Failed(f"{' '.join(words[1:])!r} did not end within {wait} s") from None
    out, err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
    check(not COMPLAINT.search(err), lambda: f"sanitizer: {err[-2000:]}")
    unmarked(out, "standard output")
    unmarked(err, "standard error")
    return run.returncode, out, err


def temp():
    path = tempfile.mkdtemp(prefix="gatepost-test-")
    os.chmod(path, 0o755)
    return path


class Files:
    """A private folder with files in it; gone at the end."""

    def __init__(self, **files):
        self.dir = temp()
        for name, text in files.items():
            self.put(name.replace("__", "."), text)

    def put(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="latin-1") as file:
            file.write(text)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)


def parse_event(line):
    """key=value pairs of a log line; quoted values without their quotes."""
    pairs = re.findall(r'([A-Za-z_][\w-]*)=("(?:[^"\\]|\\.)*"|\S*)', line)
    return {k: v[1:-1] if v[:1] == '"' else v for k, v in pairs}


class Relay:
    """gatepost run with this configuration.

    Hostname, Control_Socket and, unless the text has one, a listener on a port of the kernel's choice are
    put before it. Leaving the with block ends it by SIGTERM and checks that it ends with 0 and that no
    process of it died or complained.
    """

    def __init__(self, text="", hostname="box.test", ready=True, start=True, wrap=(), arguments=(),
                 mortal=False, files=None, env=None, limit=32.0, user=None):
        self.dir = temp()
        self.mortal, self.limit, self.wrap, self.arguments, self.env = mortal, limit, list(wrap), list(arguments), env
        self.hostname, self.user = hostname, user
        self.conf = os.path.join(self.dir, "gatepost.conf")
        self.control = os.path.join(self.dir, "control.sock")
        self.log_path = os.path.join(self.dir, "log")
        self.process = None
        self.kids = set()
        for name, content in (files or {}).items():
            with open(os.path.join(self.dir, name), "w", encoding="latin-1") as file:
                file.write(content)
        self.write(text)
        if start:
            try:
                self.start(ready)
            except BaseException:
                self.kill()
                raise

    def write(self, text):
        """Write the configuration (again)."""
        head = f'Control_Socket = "{self.control}"\n'
        if self.hostname and not re.search(r"(?im)^\s*hostname\s*=", text):
            head += f'Hostname = "{self.hostname}"\n'
        if os.geteuid() == 0 and not self.user and not re.search(r"(?im)^\s*user\s*=", text):
            head += 'User = "nobody"\n'
        if not re.search(r"(?i)\besmtp_listener\b", text):
            head += 'ESMTP_Listener { Listen "127.0.0.1:0" {} }\n'
        with open(self.conf, "w", encoding="latin-1") as file:
            file.write(head + text)

    def start(self, ready=True):
        words = [*self.wrap, BINARY, "run", "-c", self.conf, *self.arguments]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env={**os.environ, **(self.env or {})}, start_new_session=True,
                                        user=self.user, group=self.user,
                                        extra_groups=[] if self.user else None)
        log.close()
        tap.child(self.process.pid)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise Failed(f"gatepost run ended at once with {self.process.returncode}:\n{self.log()[-3000:]}")
            if os.path.exists(self.control):
                self.seen = self.status(fail=False)
                if self.seen is not None and self.seen.get("listeners") is not None:
                    break
            if time.monotonic() > end:
                raise Failed(f"not ready within {seconds} s:\n{self.log()[-3000:]}")
            time.sleep(0.02)
        self.kids = self.children()

    def status(self, fail=True):
        """What gatepost status --json says."""
        code, out, err = gatepost("status", "-c", self.conf, "--json")
        try:
            value = json.loads(out)
            value["exit"] = code
            return value
        except ValueError:
            if fail:
                raise Failed(f"status --json: exit {code}, no JSON in {short(out)}, {short(err)}") from None
            return None

    def gateway_state(self, number=0):
        found = self.status()["gateways"]
        return found[number]["state"] if len(found) > number else None

    @property
    def addresses(self):
        """(host, port) of each listener, the path of a Unix one."""
        out = []
        for one in self.seen["listeners"]:
            text = one["address"]
            if text.startswith("/"):
                if text != os.path.join(self.dir, "submit.sock"):
                    out.append(text)
                continue
            host, _, port = text.rpartition(":")
            out.append((host.strip("[]"), int(port)))
        return out

    @property
    def address(self):
        return self.addresses[0]

    @property
    def port(self):
        return self.address[1]

    def client(self, **more):
        return Client(self.address, **more)

    def session(self, name="dev.test", **more):
        """A client that has had the greeting and the reply to EHLO."""
        one = Client(self.address, **more)
        one.hello(name)
        return one

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def events(self, word="mail"):
        """The log lines that begin with that word, as dicts."""
        rows = [re.search(rf"(?:^|[\s:]){word} (\w+=.*)", r) for r in self.log().splitlines()]
        return [parse_event(r.group(1)) for r in rows if r]

    def event(self, word="mail", number=0, seconds=60):
        return tap.wait_for(lambda: self.events(word)[number:], seconds, f"log line {word} {number + 1}")[0]

    def wait_log(self, pattern, seconds=60):
        return tap.wait_for(lambda: re.search(pattern, self.log()), seconds, f"/{pattern}/ in the log")

    def children(self):
        return set(descendants(self.process.pid))

    def pids(self):
        return [self.process.pid, *descendants(self.process.pid)]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def reload(self, text=None):
        if text is not None:
            self.write(text)
        self.signal(signal.SIGHUP)

    def stop(self):
        """SIGTERM; 0 within the limit, and nothing to complain of."""
        if self.process is None:
            return
        gone = sorted(self.kids - self.children()) if not self.mortal else []
        running = self.process.poll() is None
        if running:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(self.limit)
            except subprocess.TimeoutExpired:
                log = self.log()
                self.kill()
                raise Failed(f"SIGTERM did not end it within {self.limit:g} s:\n{log[-2000:]}") from None
        code, log = self.process.returncode, self.log()
        self.kill()
        unmarked(log, "the log")
        check(not COMPLAINT.search(log), lambda: f"the log complains:\n{log[-3000:]}")
        check(running, lambda: f"gatepost had ended by itself with {code}:\n{log[-2000:]}")
        check(not gone, lambda: f"processes {gone} died on the way:\n{log[-2000:]}")
        check(code == 0, lambda: f"exit {code} after SIGTERM:\n{log[-2000:]}")

    def ended(self, seconds=31):
        """Wait for an end that was asked for by a signal: 0, and nothing to complain of."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"not ended within {seconds} s") from None
        log = self.log()
        self.kill()
        check(not COMPLAINT.search(log), lambda: f"the log complains:\n{log[-3000:]}")
        check(code == 0, lambda: f"exit {code}:\n{log[-2000:]}")

    def kill(self):
        if self.process is not None:
            kids = descendants(self.process.pid)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
                for pid in kids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            tap.forget(self.process.pid)
            self.process = None
        if not os.environ.get("GATEPOST_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if error is None:
            self.stop()
            return
        tail = self.log()[-2500:] if os.path.exists(self.log_path) else ""
        try:
            self.stop()
        except Failed as more:
            tail += f"\nand: {str(more)[:1500]}"
        if isinstance(error, Failed):
            error.args = (f"{error}\n--- the relay's log ---\n{tail}",)


def descendants(pid):
    """Every process below this one."""
    out = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                for one in file.read().split():
                    out.append(int(one))
                    out.extend(descendants(int(one)))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return out


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read().decode("utf-8", "replace")


def proc_status(pid):
    return dict(r.split(":\t", 1) for r in proc(pid, "status").splitlines() if ":\t" in r)


def words(command):
    return shlex.split(command)
