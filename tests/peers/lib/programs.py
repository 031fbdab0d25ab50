# SPDX-License-Identifier: ISC
"""Mail programs of others that lie unpacked in the cache (fetch-peers.sh), and how to start them."""

import os
import pwd
import random
import socket
import subprocess

from . import tap
from .relay import descendants
from .tap import Failed, Skip, wait_for

FETCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fetch-peers.sh")


def fetch(*names):
    """The folder that holds them; Skip if they cannot be had."""
    found = subprocess.run([FETCH, *names], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=600,
                           check=False)
    if found.returncode:
        raise Skip(f"{' and '.join(names)} could not be fetched")
    return found.stdout.strip()


def free_port(host="127.0.0.1"):
    """A port for a program that cannot be given any port: one that the kernel hands to nobody by itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    for _ in range(200):
        port = random.randrange(max(1024, first - 20000), first) if first > 4096 else 0
        try:
            with socket.create_server((host, port)) as sock:
                return sock.getsockname()[1]
        except OSError:
            continue
    raise Failed("no free port")


def answers(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


class Program:
    """A program and everything below it."""

    def __init__(self, words, env=None, out=subprocess.DEVNULL, cwd=None):
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                        env={**os.environ, **(env or {})})
        tap.child(self.process.pid)

    def pids(self):
        return [self.process.pid, *descendants(self.process.pid)]

    def wait_port(self, port, seconds=60):
        """Wait until it serves that port."""
        wait_for(lambda: self.process.poll() is not None or answers(port), seconds, f"{self.process.args[0]} on its port")
        if self.process.poll() is not None:
            raise Failed(f"{self.process.args[0]} ended with {self.process.returncode}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        tap.forget(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _where):
        ended = self.process.poll()
        if ended is not None and isinstance(error, Failed):
            error.args = (f"{error}\nand {self.process.args[0]} had ended by itself with {ended}",)
        self.stop()


class Postfix:
    """Where smtp-source and smtp-sink lie, and how they are called."""

    def __init__(self, top):
        self.top = os.path.join(top, "postfix")
        self.env = {"LD_LIBRARY_PATH": ":".join(libraries(self.top))}

    def path(self, name):
        return os.path.join(self.top, "usr/sbin", name)

    def sink(self, port, *options):
        """smtp-sink on that port; it will not run as root without a user's name."""
        user = ["-u", pwd.getpwuid(0).pw_name] if os.geteuid() == 0 else []
        one = Program([self.path("smtp-sink"), *user, "-m", "4000", *options, f"127.0.0.1:{port}", "1024"], self.env)
        one.wait_port(port)
        return one

    def source(self, port, mails, length, *options, sessions=20, kept=False, wait=300):
        """Send so many mails; length 0: what the options say."""
        words = [self.path("smtp-source"), "-s", str(sessions), "-m", str(mails), "-f", "scanner@example.com",
                 "-t", "office@example.net", *(["-l", str(length)] if length else []), *(["-d"] if kept else []), *options,
                 f"127.0.0.1:{port}"]
        done = subprocess.run(words, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=wait, check=False)
        if done.returncode or "fatal" in done.stderr:
            raise Failed(f"smtp-source: {done.stderr.strip()[-300:]}")


def libraries(top):
    """Every folder below top that holds a library."""
    return sorted({folder for folder, _, names in os.walk(top) if any(".so" in n for n in names)})
